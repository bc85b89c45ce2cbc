//! Answers to expressions: a value, or a distribution in a line or a table.

use super::session::{Result, Session};
use crate::api::{Error, Fit};
use crate::diag::Diagnostic;
use crate::infer::{Posterior, Quantity};
use crate::output::{TableOptions, summarise, table};
use crate::syntax::in_brackets;
use crate::types::Base;

/// Draws of the prior, where there is no fit.
pub(super) const PRIOR_DRAWS: usize = 1000;

/// An expression with all that it needs to be answered.
pub(super) struct Found {
    pub(super) quantity: Quantity,
    /// Whether it is a condition.
    truth: bool,
    /// Whether all draws are the same, since nothing in it is drawn.
    known: bool,
    /// `posterior` or `prior`.
    source: &'static str,
}

/// `a + b`, `P(a > b)`, `summary(y)`
pub(super) fn answer(session: &Session, text: &str) -> Result<String> {
    if let Some(inner) = call(text, "summary") {
        return Ok(in_table(&[find(session, inner)?.quantity], &session.table));
    }
    if let Some(inner) = call(text, "P") {
        let found = find(session, inner)?;
        if !found.truth {
            let message = format!("`{inner}` is no condition, so it has no probability");
            let help = "write a comparison, such as `P(mu > 0)`";
            return Err(Diagnostic::error("E0634", message).help(help).into());
        }
        return Ok(found.in_words(&session.table));
    }
    Ok(find(session, text)?.in_words(&session.table))
}

/// The expression inside a call of this name, if that is all of the text.
fn call<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    // `P(a) + P(b)` is a sum, not a call.
    let inner = in_brackets(text.trim().strip_prefix(name)?.trim_start())?;
    Some(inner.trim())
}

/// The draws of an expression: of the posterior if there is a fit, else of the prior.
pub(super) fn find(session: &Session, text: &str) -> Result<Found> {
    let (program, data, draws) = session.needed(text)?;
    let ty = program.type_of(text)?;
    let truth = matches!(ty.number(), Some((Base::Bool, _)));
    let found = |quantity, known, source| Found {
        quantity,
        truth,
        known,
        source,
    };
    if !draws {
        let one = Posterior {
            draws: 1,
            ..Posterior::default()
        };
        return Ok(found(program.evaluate(text, &data, &one, 1)?, true, ""));
    }
    if let Some(fit) = session.fit() {
        return Ok(found(of_fit(session, fit, text)?, false, "posterior"));
    }
    let prior = program.prior(&data, 1, PRIOR_DRAWS)?;
    let draws = Posterior {
        quantities: prior.latents,
        draws: PRIOR_DRAWS,
        ..Posterior::default()
    };
    Ok(found(
        program.evaluate(text, &data, &draws, 1)?,
        false,
        "prior",
    ))
}

/// By the program as it is now, which may define more than the one that was fitted.
fn of_fit(session: &Session, fit: &Fit, text: &str) -> Result<Quantity> {
    let program = session.program()?;
    program.evaluate(
        text,
        fit.data(),
        fit.posterior(),
        super::super::fit::cores(),
    )
}

impl Found {
    fn in_words(&self, table: &TableOptions) -> String {
        let draws = &self.quantity.draws;
        if self.known {
            return self.known_value();
        }
        if !self.quantity.shape.is_empty() {
            return format!(
                "{}\n({})",
                in_table(std::slice::from_ref(&self.quantity), table),
                self.source
            );
        }
        let mean = self.quantity.mean()[0];
        if self.truth {
            let se = (mean * (1.0 - mean) / draws.len() as f64).sqrt();
            return format!("probability {mean:.3} ± {se:.3} ({})", self.source);
        }
        let sd = self.quantity.sd()[0];
        let (low, high) = (
            self.quantity.quantile(0.05)[0],
            self.quantity.quantile(0.95)[0],
        );
        format!(
            "mean {}  sd {}  90 % in [{}, {}]  {}  ({})",
            short(mean),
            short(sd),
            short(low),
            short(high),
            sparkline(draws),
            self.source
        )
    }

    fn known_value(&self) -> String {
        let number = |x: &f64| match self.truth {
            true if *x == 1.0 => "true".to_string(),
            true => "false".to_string(),
            false => x.to_string(),
        };
        nested(&self.quantity.shape, &self.quantity.draws, &number)
    }
}

/// Elements of an axis that are written, at most.
const MOST_SHOWN: usize = 20;

/// `[[1, 2], [3, 4]]`, long axes cut.
fn nested(shape: &[usize], values: &[f64], number: &dyn Fn(&f64) -> String) -> String {
    let Some((&extent, rest)) = shape.split_first() else {
        return values.first().map_or(String::new(), number);
    };
    let each: usize = rest.iter().product();
    let shown = if extent > MOST_SHOWN {
        MOST_SHOWN / 2
    } else {
        extent
    };
    let mut parts: Vec<String> = (0..shown)
        .map(|i| nested(rest, &values[i * each..(i + 1) * each], number))
        .collect();
    if shown < extent {
        parts.push(format!("… {} more", extent - shown));
    }
    format!("[{}]", parts.join(", "))
}

/// Four digits.
pub(super) fn short(x: f64) -> String {
    let magnitude = if x == 0.0 {
        0.0
    } else {
        x.abs().log10().floor()
    };
    match (-4.0..=5.0).contains(&magnitude) {
        true => format!("{x:.*}", (3.0 - magnitude).clamp(0.0, 7.0) as usize),
        false => format!("{x:.3e}"),
    }
}

pub(super) fn in_table(quantities: &[Quantity], options: &TableOptions) -> String {
    table(&summarise(quantities), options)
}

/// A histogram in one line, from the 1 % to the 99 % quantile.
fn sparkline(draws: &[f64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const BINS: usize = 16;
    let mut sorted: Vec<f64> = draws.iter().copied().filter(|x| x.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return String::new();
    };
    let at = |p: f64| sorted[(p * last as f64) as usize];
    let (low, high) = (at(0.01), at(0.99));
    if high <= low {
        return String::new();
    }
    let mut counts = [0_usize; BINS];
    for x in sorted.iter().filter(|x| (low..=high).contains(*x)) {
        counts[(((x - low) / (high - low)) * BINS as f64).min(BINS as f64 - 1.0) as usize] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let bar = |&count: &usize| match count {
        0 => ' ',
        n => BARS[(n * (BARS.len() - 1)).div_ceil(most)],
    };
    counts.iter().map(bar).collect()
}

/// That there is a fit to speak of.
pub(super) fn fitted(session: &Session) -> Result<&Fit> {
    session.fit().ok_or_else(|| {
        let problem = Diagnostic::error("E0807", "the model has not been fitted");
        Error::from(problem.help("`:fit` fits it"))
    })
}
