//! Summaries as CSV: a row for each element, in order.

use super::{Summary, number};
use crate::graph::element;
use std::io;

/// Writes `variable,label,mean,sd,q05,q50,q95`; `label` names the element by its levels and is empty
/// where no dimension has any.
pub fn write_summary(w: &mut dyn io::Write, summaries: &[Summary]) -> io::Result<()> {
    let mut csv = ::csv::Writer::from_writer(w);
    csv.write_record(["variable", "label", "mean", "sd", "q05", "q50", "q95"])?;
    for s in summaries {
        let has_levels = s.labels.iter().any(Option::is_some);
        for i in 0..s.mean.len() {
            let label = match has_levels {
                true => element::labelled(&s.name, &s.shape, &s.labels, i),
                false => String::new(),
            };
            let values = [&s.mean, &s.sd, &s.q05, &s.q50, &s.q95].map(|v| number::exact(v[i]));
            let names = [element::name(&s.name, &s.shape, i), label];
            csv.write_record(names.iter().chain(&values))?;
        }
    }
    csv.flush()
}
