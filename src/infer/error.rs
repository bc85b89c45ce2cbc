//! What can go wrong in fitting, E0801 to E0803, and what a fit warns of, E0811 to E0815.

use crate::diag::{Diagnostic, Span};

/// A statement computes NaN or ∞.
pub(super) fn not_finite(statement: Option<(Span, &str)>, what: String) -> Diagnostic {
    let help =
        "the step that led here was refused; check the range of what this statement is given";
    match statement {
        Some((span, text)) => {
            let message = format!("`{}` is not finite: {what}", text.trim());
            Diagnostic::error("E0801", message)
                .at(span, what)
                .help(help)
        }
        None => {
            let message = format!("the log density is not finite: {what}");
            Diagnostic::error("E0801", message).help(help)
        }
    }
}

/// A term of the density is −∞.
pub(super) fn impossible(name: &str, span: Span, element: &str) -> Diagnostic {
    let message = format!("`{name}` has probability 0: its log density is −∞{element}");
    Diagnostic::error("E0802", message)
        .at(span, format!("log density −∞{element}"))
        .help(
            "check that the value lies in the support of its distribution whatever the latents are",
        )
}

/// No starting point has a finite density; `first` explains one of them.
pub(super) fn no_start(tried: usize, first: Option<Diagnostic>) -> Diagnostic {
    let labels = first.as_ref().map_or(Vec::new(), |d| d.labels.clone());
    let why = first.map_or(String::new(), |d| format!("; at the first, {}", d.message));
    Diagnostic {
        labels,
        ..Diagnostic::error(
            "E0803",
            format!("none of {tried} starting points has a finite log density{why}"),
        )
    }
    .help("check that the data can arise under the model, and that the priors keep parameters where the density exists")
}

pub(super) fn cut_short(why: &str, steps: usize) -> Diagnostic {
    let message =
        format!("the fit had not converged when it was stopped after {steps} steps by {why}");
    Diagnostic::warning("E0811", message)
        .help("do not rely on these results; allow more steps or more time")
}

pub(super) fn stalled(why: &str) -> Diagnostic {
    Diagnostic::warning("E0812", format!("the fit did not converge: {why}"))
        .help("do not rely on these results; try other priors, another scale of the data or another guide")
}

/// Stopped between rounds; `error` in posterior sds and nats, where it is known.
pub(super) fn too_few_rounds(
    why: &str,
    steps: usize,
    draws: usize,
    error: Option<(f64, f64)>,
) -> Diagnostic {
    let error = match error {
        Some((sds, nats)) => {
            format!("whose Monte Carlo error is {sds:.2} posterior sds and {nats:.2} nats")
        }
        None => "whose Monte Carlo error is unknown".into(),
    };
    let message = format!(
        "the fit was stopped after {steps} steps by {why}; its optimum is exact for {draws} fixed draws only, {error}"
    );
    Diagnostic::warning("E0811", message).help("allow more steps or more time")
}

pub(super) fn unknown_precision(draws: usize) -> Diagnostic {
    let message = format!(
        "with {draws} draws the fitted means are of unknown precision: the density is not finite at others"
    );
    Diagnostic::warning("E0813", message)
        .help("give the latents supports that exclude where the density does not exist")
}

pub(super) fn imprecise(draws: usize, sds: f64, nats: f64, wanted: usize) -> Diagnostic {
    let message = format!(
        "with {draws} draws the fitted means are known only to {sds:.2} posterior sds, the ELBO to {nats:.2} nats"
    );
    Diagnostic::warning("E0813", message).help(format!(
        "`--samples {wanted}` would be enough, but takes longer"
    ))
}

pub(super) fn few_draws(made: usize, asked: usize) -> Diagnostic {
    let message = format!("{made} of {asked} posterior draws were made before the fit was stopped");
    Diagnostic::warning("E0815", message)
        .help("means and quantiles are less precise than asked for; allow more time or ask for fewer draws")
}

pub(super) fn outside_support(bad: usize, draws: usize) -> Diagnostic {
    let message =
        format!("the ELBO is −∞: {bad} of the {draws} posterior draws have no finite log density");
    Diagnostic::warning("E0814", message).help(
        "the guide puts mass where the model has none; give the latents supports that exclude it",
    )
}
