//! Statistics of what was observed against those of its replications.

use super::super::axis::range;
use super::Sample;
use crate::infer::quantile;
use crate::output::cells::Digits;
use maud::{Markup, html};

/// Its name, itself, and whether it is one of the values.
type Statistic = (&'static str, fn(&[f64]) -> f64, bool);

const STATISTICS: &[Statistic] = &[
    ("mean", mean, false),
    ("sd", sd, false),
    ("min", |x| range(x.iter().copied()).0, true),
    ("max", |x| range(x.iter().copied()).1, true),
];

/// Observations further out than this, on either side, are pointed out.
const TAIL: f64 = 0.025;

pub(super) fn check(sample: &Sample) -> Markup {
    let observed = sample.values();
    let replicated: Vec<Vec<f64>> = sample
        .draws
        .iter()
        .map(|draw| {
            let draw = sample.of(draw);
            STATISTICS
                .iter()
                .map(|(_, statistic, _)| statistic(&draw))
                .collect()
        })
        .collect();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Test statistics" {
            table {
                thead { tr {
                    td {} th scope="col" { "observed" } th scope="col" { "replicated 5 %" } th scope="col" { "50 %" }
                    th scope="col" { "95 %" } th scope="col" { "p" } td {}
                } }
                tbody {
                    @for (k, (name, statistic, value)) in STATISTICS.iter().enumerate() {
                        @let replicated = replicated.iter().map(|r| r[k]).collect();
                        (row(name, statistic(&observed), replicated, sample.integer && *value))
                    }
                }
            }
        }
        p.note {
            "p: the share of replications whose statistic is larger than the observed one, ties counted half. Near 0.5 the
            model agrees with what was observed; values near 0 or 1 speak of misfit."
        }
    }
}

fn row(name: &str, observed: f64, mut replicated: Vec<f64>, integer: bool) -> Markup {
    let quantiles = [0.05, 0.5, 0.95].map(|p| quantile(&mut replicated, p));
    let digits = Digits::of(
        quantiles[1],
        sd(&replicated),
        [observed, quantiles[0], quantiles[2]],
    );
    let p = tail(observed, &replicated);
    let remark = match p {
        p if p < TAIL => "observed is large",
        p if p > 1.0 - TAIL => "observed is small",
        _ => "",
    };
    let p = if p.is_nan() {
        "–".into()
    } else {
        format!("{p:.3}")
    };
    html! {
        tr {
            th scope="row" { (name) }
            @for x in [observed, quantiles[0], quantiles[1], quantiles[2]] { td { (digits.write_value(x, integer)) } }
            td { (p) }
            td.remark { @if !remark.is_empty() { span.tag { (remark) } } }
        }
    }
}

/// How many replications lie above what was observed, as a share; NaN if one is not comparable.
fn tail(observed: f64, replicated: &[f64]) -> f64 {
    let above = |x: &f64| match x.partial_cmp(&observed) {
        Some(order) => 0.5 * (order as i8 as f64 + 1.0),
        None => f64::NAN,
    };
    replicated.iter().map(above).sum::<f64>() / replicated.len() as f64
}

/// By a plain sum, which is exact for whole numbers in any order: equal means are ties.
fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn sd(x: &[f64]) -> f64 {
    let mean = mean(x);
    let squares = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    (squares / (x.len() as f64 - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_count_half() {
        assert_eq!(tail(2.0, &[1.0, 2.0, 3.0, 3.0]), 0.625);
        assert_eq!(tail(0.0, &[0.0; 5]), 0.5);
        assert!(tail(f64::NAN, &[1.0]).is_nan() && tail(1.0, &[]).is_nan());
    }

    #[test]
    fn statistics_are_the_usual_ones() {
        let x = [2.0, 4.0, 9.0];
        let found: Vec<f64> = STATISTICS
            .iter()
            .map(|(_, statistic, _)| statistic(&x))
            .collect();
        assert_eq!(found, [5.0, 13f64.sqrt(), 2.0, 9.0]);
        assert!(sd(&[1.0]).is_nan());
    }
}
