//! The ELBO along the way, as CSV.

use super::number::exact;
use std::io;

/// An estimate of the ELBO made during the fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TracePoint {
    pub step: usize,
    pub elbo: f64,
    /// Standard error of the estimate; `None` where there is none, as with fixed draws.
    pub se: Option<f64>,
}

/// Writes `step,elbo,se`, the last blank where it is not known.
pub fn write_trace(w: &mut dyn io::Write, trace: &[TracePoint]) -> io::Result<()> {
    writeln!(w, "step,elbo,se")?;
    for TracePoint { step, elbo, se } in trace {
        let se = se.map_or(String::new(), exact);
        writeln!(w, "{step},{},{se}", exact(*elbo))?;
    }
    Ok(())
}
