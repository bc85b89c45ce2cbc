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
    write_settings(w, posterior, run)?;
    let about: Vec<(&str, &[f64])> = [
        ("lp__", &posterior.log_p),
        ("lp_approx__", &posterior.log_q),
    ]
    .into_iter()
    .filter_map(|(name, values)| Some((name, values.as_deref()?)))
    .collect();
    let orders: Vec<Vec<usize>> = posterior
        .quantities
        .iter()
        .map(|q| first_index_fastest(&q.shape))
        .collect();
    let mut line = Vec::new();
    line.extend(about.iter().map(|(name, _)| (*name).to_owned()));
    for (quantity, order) in posterior.quantities.iter().zip(&orders) {
        line.extend(order.iter().map(|&flat| column_name(quantity, flat)));
    }
    writeln!(w, "{}", line.join(","))?;
    for draw in 0..posterior.draws {
        line.clear();
        line.extend(about.iter().map(|(_, values)| exact(values[draw])));
        for (quantity, order) in posterior.quantities.iter().zip(&orders) {
            let row = &quantity.draws[draw * order.len()..][..order.len()];
            line.extend(order.iter().map(|&flat| exact(row[flat])));
        }
        writeln!(w, "{}", line.join(","))?;
    }
    Ok(())
}

/// The lines from which readers take the number of draws and of chains.
fn write_settings(w: &mut dyn io::Write, posterior: &Posterior, run: &Run) -> io::Result<()> {
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
    writeln!(w, "#     num_samples = {}", posterior.draws)?;
    writeln!(w, "#     num_warmup = 0")?;
    writeln!(w, "#     save_warmup = false")?;
    writeln!(w, "#     thin = 1")?;
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

fn column_name(quantity: &Quantity, flat: usize) -> String {
    let mut name = quantity
        .name
        .replace('.', ":")
        .replace([',', '"', ' ', '\n', '\r'], "_");
    for i in element::index(flat, &quantity.shape) {
        name.push_str(&format!(".{i}"));
    }
    name
}
