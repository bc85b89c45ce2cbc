//! Discrete families of numbers.

use super::rows::*;

pub fn rows() -> Vec<Row> {
    let bernoulli = |p: f64| [(0.0, (1.0 - p).ln()), (1.0, p.ln())];
    vec![
        row("Bernoulli", 0, &[0.3]).by_hand(&bernoulli(0.3)),
        row("Bernoulli", 0, &[0.999]).by_hand(&bernoulli(0.999)),
        row("Bernoulli", 1, &[1.5]).by_hand(&bernoulli(1.0 / (1.0 + (-1.5f64).exp()))),
        row("Bernoulli", 1, &[-800.0])
            .by_hand(&[(0.0, 0.0), (1.0, -800.0)])
            .extreme(),
    ]
}
