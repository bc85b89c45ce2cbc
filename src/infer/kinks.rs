//! Turns an optimum into whether the objective's derivatives tell what it does nearby.
//!
//! Where a log density is linear in pieces, as under a Laplace distribution, its second derivative is 0 almost
//! everywhere: products with the Hessian miss the curvature, all of which is in the kinks. Where it jumps, gradients
//! miss the jumps. Averages over the guide are smooth in spite of both, so differences over a good part of its
//! sds show what derivatives at a point do not.

use super::objective::FixedDraws;
use super::optim::{NonFinite, Objective};

/// Length of a difference to either side, in natural lengths: it passes enough kinks for their number to be
/// known well, and is short beside the guide.
const REACH: f64 = 0.5;
/// Curvature, in nats per squared natural length, that has to be missing: each latent has about 1 by itself.
const MISSING: f64 = 0.05;
/// Slope, in nats per natural length, that has to be missing: it moves an optimum by so many sds.
const SLOPE: f64 = 0.1;
/// Coordinates that are looked at for jumps, at most.
const LOOKED_AT: usize = 32;
/// Gradients between the two ends of such a look.
const BETWEEN: usize = 8;

/// Products with the Hessian by differences of gradients over [`REACH`], where coordinates are in units of
/// `scale`: exact where curvature does not change over that length, and with kinks counted.
pub(super) fn wide_products<'a>(
    objective: &'a mut FixedDraws<'_, '_>,
    x: &'a [f64],
    scale: &'a [f64],
) -> impl FnMut(&[f64], &mut [f64]) -> Result<(), NonFinite> + 'a {
    let mut below = vec![0.0; x.len()];
    move |v, out| {
        let longest = v.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        if longest == 0.0 {
            out.fill(0.0);
            return Ok(());
        }
        let h = REACH / longest;
        objective.value_grad(&beside(x, scale, v, -h), &mut below)?;
        objective.value_grad(&beside(x, scale, v, h), out)?;
        let pairs = out.iter_mut().zip(&below).zip(scale);
        pairs.for_each(|((o, b), s)| *o = s * (*o - b) / (2.0 * h));
        Ok(())
    }
}

/// Whether the objective curves plainly more along the unit vector `v`, in natural lengths, than the Hessian's
/// `curvature` says. What grows with the length that it is looked at over is of higher order, not of kinks.
pub(super) fn has_kinks(
    objective: &mut FixedDraws,
    (x, scale): (&[f64], &[f64]),
    v: &[f64],
    curvature: f64,
) -> Result<bool, NonFinite> {
    let longest = v.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    let mut over = |reach: f64| second_difference(objective, (x, scale), v, reach / longest);
    let (near, far) = (over(0.5 * REACH)?, over(REACH)?);
    let more = |found: f64| found > 2.0 * curvature.max(0.0) + MISSING;
    Ok(more(near) && more(far) && near > 0.5 * far)
}

/// How much the objective rises on the whole, for steps of `v` times `h` to either side, over `h²`.
pub(super) fn second_difference(
    objective: &mut FixedDraws,
    (x, scale): (&[f64], &[f64]),
    v: &[f64],
    h: f64,
) -> Result<f64, NonFinite> {
    let mut g = vec![0.0; x.len()];
    let mut value = |h: f64| objective.value_grad(&beside(x, scale, v, h), &mut g);
    Ok((value(h)? - 2.0 * value(0.0)? + value(-h)?) / (h * h))
}

/// The one of the guide's means along which the objective changes most otherwise than its gradients add up to:
/// it jumps there.
pub(super) fn jump(
    objective: &mut FixedDraws,
    (x, scale): (&[f64], &[f64]),
    means: usize,
) -> Option<usize> {
    let (mut g, mut v) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    let mut missing = |i: usize| {
        v.fill(0.0);
        v[i] = 1.0;
        let mut at = |h: f64| {
            let value = objective.value_grad(&beside(x, scale, &v, h), &mut g)?;
            Ok((value, g[i] * scale[i]))
        };
        // Trapezia; their error for the objective's smooth part is of the order of the squared spacing.
        let spacing = 2.0 * REACH / (BETWEEN + 1) as f64;
        let ((from, first), (to, last)) = (at(-REACH)?, at(REACH)?);
        let mut sum = 0.5 * (first + last);
        for k in 1..=BETWEEN {
            sum += at(-REACH + k as f64 * spacing)?.1;
        }
        Ok::<f64, NonFinite>((to - from - spacing * sum).abs() / (2.0 * REACH))
    };
    let slopes = (0..means.min(LOOKED_AT)).filter_map(|i| Some((i, missing(i).ok()?)));
    let most = slopes.max_by(|a, b| a.1.total_cmp(&b.1));
    most.filter(|(_, slope)| *slope > SLOPE).map(|(i, _)| i)
}

fn beside(x: &[f64], scale: &[f64], v: &[f64], h: f64) -> Vec<f64> {
    let all = x.iter().zip(scale).zip(v);
    all.map(|((x, s), v)| x + h * s * v).collect()
}
