//! Continuous families of numbers.

use super::rows::*;
use statrs::distribution::Continuous;

pub fn rows() -> Vec<Row> {
    vec![
        row("Normal", 0, &[0.5, 2.0]).statrs(&[-3.0, 0.0, 0.5, 4.0], |x| {
            statrs::distribution::Normal::new(0.5, 2.0)
                .unwrap()
                .ln_pdf(x)
        }),
        row("Normal", 0, &[100.0, 0.01])
            .statrs(&[99.98, 100.0, 100.03], |x| {
                statrs::distribution::Normal::new(100.0, 0.01)
                    .unwrap()
                    .ln_pdf(x)
            })
            .digits(1e-10),
        row("Normal", 1, &[-1.0, 4.0]).statrs(&[-2.0, -1.2, 0.0], |x| {
            statrs::distribution::Normal::new(-1.0, 0.5)
                .unwrap()
                .ln_pdf(x)
        }),
    ]
}
