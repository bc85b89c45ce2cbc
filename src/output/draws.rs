//! Draws as the CSV that CmdStan writes, so that ArviZ, posterior and CmdStanPy read them.
//!
//! The format has three habits of its own: elements are `theta.1.2` (from 1, the *first* index
//! running fastest), columns whose names end in `__` are about the draw and not part of it, and
//! settings stand in `#` lines at the top. Since a dot would be read as an index, names of parts such
//! as `h.w` are written `h:w`, as CmdStan writes the parts of a tuple.

use super::number::exact;
use super::{Posterior, Quantity, Run};
use crate::graph::element;
use std::io;

/// Writes all draws, one a line, after a header in CmdStan's manner. `lp__` is the model's log
/// joint density and `lp_approx__` the guide's; each column is there only if it was kept.
pub fn write_draws(w: &mut dyn io::Write, posterior: &Posterior, run: &Run) -> io::Result<()> {
    let kept = [("lp", &posterior.log_p), ("lp_approx", &posterior.log_q)];
    let kept = kept.into_iter();
    let arrays = posterior.quantities.iter();
    let table = Table {
        draws: posterior.draws,
        about: kept
            .filter_map(|(name, all)| (!all.is_empty()).then_some((name, all.as_slice())))
            .collect(),
        arrays: arrays.map(|q| (q.name.as_str(), q)).collect(),
    };
    write_table(w, &table, run)
}

/// What the lines have, one for each draw.
pub(super) struct Table<'a> {
    pub(super) draws: usize,
    /// Numbers about the draws, without the `__`.
    pub(super) about: Vec<(&'a str, &'a [f64])>,
    /// Arrays, with the names that they have here.
    pub(super) arrays: Vec<(&'a str, &'a Quantity)>,
}

/// Writes settings, header and draws.
pub(super) fn write_table(w: &mut dyn io::Write, table: &Table, run: &Run) -> io::Result<()> {
    write_settings(w, table.draws, run)?;
    let arrays = table
        .arrays
        .iter()
        .map(|&(name, q)| (name, q, first_index_fastest(&q.shape)));
    let arrays: Vec<(&str, &Quantity, Vec<usize>)> = arrays.collect();
    let mut line = Vec::new();
    line.extend(table.about.iter().map(|(name, _)| format!("{name}__")));
    for (name, quantity, order) in &arrays {
        line.extend(
            order
                .iter()
                .map(|&flat| column_name(name, &quantity.shape, flat)),
        );
    }
    writeln!(w, "{}", line.join(","))?;
    for draw in 0..table.draws {
        line.clear();
        line.extend(table.about.iter().map(|(_, values)| exact(values[draw])));
        for (_, quantity, order) in &arrays {
            let row = &quantity.draws[draw * order.len()..][..order.len()];
            line.extend(order.iter().map(|&flat| exact(row[flat])));
        }
        writeln!(w, "{}", line.join(","))?;
    }
    // CmdStanPy counts draws by the lines up to the times that CmdStan reports here.
    writeln!(w, "#")?;
    writeln!(w, "# {} draws", table.draws)
}

/// The lines from which readers take the number of draws and of chains.
fn write_settings(w: &mut dyn io::Write, draws: usize, run: &Run) -> io::Result<()> {
    writeln!(
        w,
        "# elbo {}: draws from a variational approximation",
        env!("CARGO_PKG_VERSION")
    )?;
    writeln!(
        w,
        "# model = {}",
        run.model.replace(char::is_whitespace, "_")
    )?;
    writeln!(w, "# method = sample (Default)")?;
    writeln!(w, "#   sample")?;
    writeln!(w, "#     num_samples = {draws}")?;
    // None of it is in the file; CmdStanPy reads no file that had none at all.
    writeln!(w, "#     num_warmup = 1")?;
    writeln!(w, "#     save_warmup = false")?;
    writeln!(w, "#     thin = 1")?;
    // So readers do not look for what a sampler says of its adaptation.
    writeln!(w, "#     algorithm = fixed_param")?;
    writeln!(w, "# id = 1")?;
    writeln!(w, "# random")?;
    writeln!(w, "#   seed = {}", run.seed)
}

/// Flat row-major positions in the order in which the first index runs fastest.
fn first_index_fastest(shape: &[usize]) -> Vec<usize> {
    let numel = shape.iter().product();
    let mut order: Vec<usize> = (0..numel).collect();
    order.sort_by_cached_key(|&flat| {
        element::index(flat, shape)
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
    });
    order
}

fn column_name(name: &str, shape: &[usize], flat: usize) -> String {
    let mut name = name
        .replace('.', ":")
        .replace([',', '"', ' ', '\n', '\r'], "_");
    for i in element::index(flat, shape) {
        name.push_str(&format!(".{i}"));
    }
    name
}
