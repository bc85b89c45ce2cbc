//! Turns a gradient and Hessian products into the path of conjugate gradients towards a Newton step.
//!
//! Steihaug and Toint stop that path where it leaves a trust region. Here the path is kept, so that a
//! refused step is retried in a smaller region by cutting the same path earlier, at the price of no
//! Hessian product at all. Coordinates are those of the trust region: `x` in units of its scale.

use super::{NonFinite, add_scaled, dot, finite};

/// What the path may cost and how far it must go.
pub(crate) struct PathLimits {
    /// Length at which the path leaves the trust region.
    pub(crate) radius: f64,
    /// Residual, in units of the gradient's length, that counts as solved.
    pub(crate) residual: f64,
    /// Most Hessian products.
    pub(crate) products: usize,
    /// Relative rounding of a product.
    pub(crate) epsilon: f64,
}

/// Why a path goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The Newton equations are solved to the tolerance asked for.
    Solved,
    /// It left the trust region, or met negative curvature and would go on for ever.
    Outside,
    /// No products left, or a product was not finite.
    Limit,
}

/// One straight piece: along it the model is `slope·τ + ½·curvature·τ²`, for `0 ≤ τ ≤ length`.
struct Segment {
    direction: Vec<f64>,
    slope: f64,
    curvature: f64,
    /// Infinite where the curvature is not positive.
    length: f64,
}

/// The path, from the present point outwards; its distance from there only grows.
pub(crate) struct Path {
    segments: Vec<Segment>,
    pub(crate) end: End,
}

/// A point of the path.
pub(crate) struct Cut {
    pub(crate) step: Vec<f64>,
    /// Euclidean length of `step`.
    pub(crate) length: f64,
    /// What the quadratic model promises, `−gᵀp − ½pᵀHp`, positive.
    pub(crate) gain: f64,
    /// The region cut the path short.
    pub(crate) on_boundary: bool,
}

/// Writes the Hessian times its first argument to its second.
pub(crate) type HessVec<'a> = dyn FnMut(&[f64], &mut [f64]) -> Result<(), NonFinite> + 'a;

/// Products with `S H S`, the Hessian where coordinates are in units of `scale`, from those with `H`.
pub(crate) fn in_natural_lengths(
    scale: &[f64],
    mut product: impl FnMut(&[f64], &mut [f64]) -> Result<(), NonFinite>,
) -> impl FnMut(&[f64], &mut [f64]) -> Result<(), NonFinite> {
    let mut stretched = vec![0.0; scale.len()];
    move |v, out| {
        let coordinates = stretched.iter_mut().zip(v).zip(scale);
        coordinates.for_each(|((t, v), s)| *t = s * v);
        product(&stretched, out)?;
        out.iter_mut().zip(scale).for_each(|(o, s)| *o *= s);
        finite(out)
    }
}

/// Conjugate gradients on `H p = −g`, where `product(v, out)` writes `H v`.
///
/// Residuals are orthogonalised against all earlier ones: without it, badly scaled Hessians need
/// several times as many products as they have dimensions, and a product costs far more.
pub(crate) fn conjugate_gradients(g: &[f64], limits: &PathLimits, product: &mut HessVec) -> Path {
    let mut path = Path {
        segments: Vec::new(),
        end: End::Limit,
    };
    let start = dot(g, g);
    let mut p = vec![0.0; g.len()];
    let mut residual: Vec<f64> = g.iter().map(|g| -g).collect();
    let mut direction = residual.clone();
    let mut square = start;
    let mut earlier: Vec<Vec<f64>> = Vec::new();
    let (mut gain, mut product_out) = (0.0, vec![0.0; g.len()]);
    for count in 1..=limits.products.max(1) {
        if product(&direction, &mut product_out).is_err() {
            break;
        }
        let curvature = dot(&direction, &product_out);
        // Anything below rounding of the largest curvature seen so far is not to be divided by.
        let positive = curvature
            > limits.epsilon
                * dot(&direction, &direction).sqrt()
                * dot(&product_out, &product_out).sqrt();
        let length = if positive {
            square / curvature
        } else {
            f64::INFINITY
        };
        path.segments.push(Segment {
            direction: direction.clone(),
            slope: -square,
            curvature,
            length,
        });
        if !positive {
            path.end = End::Outside;
            return path;
        }
        add_scaled(&mut p, length, &direction);
        if dot(&p, &p).sqrt() >= limits.radius {
            path.end = End::Outside;
            return path;
        }
        earlier.push(scaled(&residual, 1.0 / square.sqrt()));
        add_scaled(&mut residual, -length, &product_out);
        orthogonalise(&mut residual, &earlier);
        let next = dot(&residual, &residual);
        let last_gain = 0.5 * square * length;
        gain += last_gain;
        // A small residual alone says little where curvatures differ by orders of magnitude; the
        // model's own progress (Nash & Sofer 1990) has to have stopped as well.
        let stagnant = count as f64 * last_gain <= 0.5 * gain || count >= g.len();
        if next <= limits.epsilon.powi(2) * start
            || (stagnant && next <= limits.residual.powi(2) * start)
        {
            path.end = End::Solved;
            return path;
        }
        let turn = next / square;
        direction
            .iter_mut()
            .zip(&residual)
            .for_each(|(d, r)| *d = r + turn * *d);
        square = next;
    }
    if path.segments.is_empty() {
        // No product at all: go straight downhill, and let the region say how far.
        let direction = g.iter().map(|g| -g).collect();
        path.segments.push(Segment {
            direction,
            slope: -start,
            curvature: 0.0,
            length: f64::INFINITY,
        });
        path.end = End::Outside;
    }
    path
}

impl Path {
    /// The point where the path leaves a ball of the given radius, or its end.
    pub(crate) fn cut(&self, radius: f64) -> Cut {
        let dim = self.segments.first().map_or(0, |s| s.direction.len());
        let mut cut = Cut {
            step: vec![0.0; dim],
            length: 0.0,
            gain: 0.0,
            on_boundary: false,
        };
        for segment in &self.segments {
            let exit = exit(&cut.step, &segment.direction, radius);
            let tau = exit.min(segment.length);
            cut.gain -= segment.slope * tau + 0.5 * segment.curvature * tau * tau;
            add_scaled(&mut cut.step, tau, &segment.direction);
            if exit <= segment.length {
                cut.on_boundary = true;
                break;
            }
        }
        cut.length = dot(&cut.step, &cut.step).sqrt();
        cut
    }
}

/// The positive `τ` with `‖p + τ·d‖ = radius`, for `p` inside.
fn exit(p: &[f64], d: &[f64], radius: f64) -> f64 {
    let (pp, pd, dd) = (dot(p, p), dot(p, d), dot(d, d));
    let room = (radius * radius - pp).max(0.0);
    let root = (pd * pd + dd * room).sqrt();
    // Of the two forms of the root, the one that does not subtract nearly equal numbers.
    if pd > 0.0 {
        room / (pd + root)
    } else {
        (root - pd) / dd
    }
}

fn scaled(v: &[f64], c: f64) -> Vec<f64> {
    v.iter().map(|v| c * v).collect()
}

fn orthogonalise(v: &mut [f64], basis: &[Vec<f64>]) {
    for b in basis {
        let overlap = dot(v, b);
        add_scaled(v, -overlap, b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(g: &[f64], diagonal: &[f64], radius: f64) -> Path {
        let limits = PathLimits {
            radius,
            residual: 1e-10,
            products: 50,
            epsilon: f64::EPSILON,
        };
        conjugate_gradients(g, &limits, &mut |v, out| {
            out.iter_mut()
                .zip(v)
                .zip(diagonal)
                .for_each(|((o, v), h)| *o = h * v);
            Ok(())
        })
    }

    #[test]
    fn a_convex_model_is_solved_and_its_gain_is_the_newton_decrement() {
        let path = path(&[1.0, 2.0, 3.0], &[1.0, 10.0, 1e6], 1e9);
        let cut = path.cut(1e9);
        assert_eq!(path.end, End::Solved);
        for (p, expected) in cut.step.iter().zip([-1.0, -0.2, -3e-6]) {
            assert!((p - expected).abs() < 1e-9, "{p} against {expected}");
        }
        assert!((cut.gain - 0.5 * (1.0 + 0.4 + 9e-6)).abs() < 1e-9);
        assert!(!cut.on_boundary);
    }

    #[test]
    fn cutting_gives_the_radius_and_the_models_gain_there() {
        let (g, h) = ([1.0, 2.0, 3.0], [1.0, 10.0, 1e2]);
        let path = path(&g, &h, 1e9);
        for radius in [1e-3, 0.05, 0.2, 0.9] {
            let cut = path.cut(radius);
            assert!(cut.on_boundary && (cut.length - radius).abs() < 1e-12);
            let model: f64 = (0..3)
                .map(|i| (g[i] + 0.5 * h[i] * cut.step[i]) * cut.step[i])
                .sum();
            assert!(
                (cut.gain + model).abs() < 1e-12,
                "{} against {}",
                cut.gain,
                -model
            );
        }
    }

    #[test]
    fn negative_curvature_is_followed_to_the_boundary() {
        let path = path(&[1e-3, 1.0], &[-1.0, 2.0], 5.0);
        let cut = path.cut(5.0);
        assert_eq!(path.end, End::Outside);
        assert!(cut.on_boundary && (cut.length - 5.0).abs() < 1e-12 && cut.gain > 1.0);
    }

    #[test]
    fn without_any_product_the_path_goes_downhill() {
        let limits = PathLimits {
            radius: 2.0,
            residual: 0.1,
            products: 5,
            epsilon: f64::EPSILON,
        };
        let path = conjugate_gradients(&[3.0, 4.0], &limits, &mut |_, _| Err(NonFinite));
        let cut = path.cut(2.0);
        assert!((cut.step[0] + 1.2).abs() < 1e-12 && (cut.step[1] + 1.6).abs() < 1e-12);
    }
}
