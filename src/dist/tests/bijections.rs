//! Every row of the table of bijections: its inverse undoes it, its slope is its derivative, and it has the image it says.

use super::number;
use crate::autodiff::grad;
use crate::dist::bijection::{Chain, TABLE};
use crate::graph::Graph;

/// Points inside a domain, some near its ends.
fn points((low, high): (f64, f64)) -> Vec<f64> {
    [0.1, 0.25, 0.51, 0.77, 0.9]
        .into_iter()
        .map(|u: f64| match (low.is_finite(), high.is_finite()) {
            (true, true) => low + (high - low) * u,
            (true, false) => low - u.ln(),
            (false, true) => high + u.ln(),
            (false, false) => (u / (1.0 - u)).ln(),
        })
        .collect()
}

#[test]
fn inverses_undo_and_slopes_are_derivatives() {
    for row in TABLE {
        for c in [0.6, 2.5, -1.5] {
            // Powers of a negative number are none.
            if row.shown == "c ^ x" && c < 0.0 {
                continue;
            }
            for at in points(row.domain) {
                let g = Graph::new();
                let x = g.input(&[]);
                let chain = Chain(vec![(row, Some(g.scalar(c)))]);
                let y = chain.apply(x);
                let slope = grad(y, &[x])[0];
                let feeds = [(x.id, crate::graph::Tensor::scalar(at))];
                let found = crate::graph::evaluate(&g, &feeds, &[y.id, slope.id]);
                let (y, slope) = (found[0].data()[0], found[1].data()[0]);
                let what = format!("{} at {at}, c = {c}", row.shown);
                let (back, log_slope) = chain.invert(g.scalar(y));
                let (back, log_slope) = (number(back), number(log_slope));
                // Roundings of y, seen from x.
                let blur = 1e-13 * (1.0 + at.abs() + y.abs() / slope.abs());
                assert!((back - at).abs() <= blur, "{what}: {back}");
                // The logarithm of the slope moves some ten times as fast as x.
                let off = (log_slope - slope.abs().ln()).abs();
                assert!(
                    off <= 1e-13 + 20.0 * blur,
                    "{what}: {log_slope}, {}",
                    slope.abs().ln()
                );
                assert!(
                    chain.increases().is_ok_and(|up| up == (slope > 0.0)),
                    "{what}"
                );
                let domain = [row.domain.0, row.domain.1];
                let ends = domain.map(|end| end.is_finite().then(|| g.scalar(end)));
                let (low, high) = chain
                    .image(&g, (ends[0], ends[1]))
                    .expect("it is one-to-one");
                let inside =
                    low.is_none_or(|a| number(a) <= y) && high.is_none_or(|b| y <= number(b));
                assert!(inside, "{what}: {y}");
            }
        }
    }
}
