//! States of discrete latents as a table.

use super::grid;
use super::number::exact as value;

/// States of one element: its name, the most probable one, and the probability of each.
pub struct StatesRow {
    pub name: String,
    pub most_probable: f64,
    pub probabilities: Vec<f64>,
}

/// States beyond so many have no columns.
const WIDEST: usize = 8;

/// A row for each element: the most probable state of all together, and the probability of each; of many states that of the
/// most probable alone.
///
/// ```
/// use elbo::output::{StatesRow, states_table};
/// let row = StatesRow { name: "z".into(), most_probable: 1.0, probabilities: vec![0.25, 0.75] };
/// let table = states_table(&[0.0, 1.0], &[row]);
/// assert!(table.contains("P(1)") && table.contains("0.750"));
/// ```
pub fn states_table(values: &[f64], rows: &[StatesRow]) -> String {
    let shown = |x: f64| format!("{x:.3}");
    let wide = values.len() <= WIDEST;
    let header: Vec<String> = match wide {
        true => values.iter().map(|v| format!("P({})", value(*v))).collect(),
        false => vec!["its probability".into()],
    };
    let header: Vec<&str> = ["", "most probable"]
        .into_iter()
        .chain(header.iter().map(String::as_str))
        .collect();
    let row = |row: &StatesRow| {
        let at = values.iter().position(|v| *v == row.most_probable);
        let own = at.and_then(|at| row.probabilities.get(at)).copied();
        let rest: Vec<String> = match wide {
            true => row.probabilities.iter().map(|p| shown(*p)).collect(),
            false => vec![own.map_or(String::new(), shown)],
        };
        [vec![row.name.clone(), value(row.most_probable)], rest].concat()
    };
    grid(&header, &rows.iter().map(row).collect::<Vec<_>>())
}
