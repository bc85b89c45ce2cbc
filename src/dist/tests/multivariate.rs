//! Families of vectors and matrices.

use super::rows::*;

pub fn rows() -> Vec<Row> {
    vec![
        row_of("Dirichlet", 0, vec![vector(&[1.5, 2.0, 3.0])])
            .event(&[3])
            .scipy_at(&DIRICHLET),
    ]
}

/// `scipy.stats.dirichlet([1.5, 2, 3]).logpdf(x)`
const DIRICHLET: [(&[f64], f64); 2] = [
    (&[0.2, 0.3, 0.5], 1.695210995269564),
    (&[0.05, 0.8, 0.15], -0.425052540930527),
];
