//! What can go wrong in fitting, E0801 to E0809, and what a fit warns of, E0811 to E0818.

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

/// Fixed draws of a model whose data stay in their files.
pub(super) fn needs_all_rows() -> Diagnostic {
    Diagnostic::error(
        "E0804",
        "fixed draws (`dadvi`) look at all rows in every step, but the data stay in their files",
    )
    .help("fit in batches (`svi`, or `auto`), or read the data whole")
}

pub(super) fn needs_fresh_draws() -> Diagnostic {
    Diagnostic::error(
        "E0819",
        "fixed draws (`dadvi`) do not tell the gradient of discrete latents that are sampled",
    )
    .help("fit with fresh draws (`svi`, or `auto`)")
}

/// Data that could not be read while a fit looked at them.
pub(super) fn not_read(name: &str, why: &str) -> Diagnostic {
    Diagnostic::error(
        "E0805",
        format!("rows of `{name}` could not be read during the fit: {why}"),
    )
    .help("files of data must stay as they are until a fit is done")
}

/// An earlier fit of another model; numbers of latents and of learned parameters, unconstrained.
pub(super) fn other_sizes(had: (usize, usize), has: (usize, usize)) -> Diagnostic {
    let numbers = |(latents, learned)| match learned {
        0 => format!("{latents} for its latents"),
        _ => format!("{latents} for its latents and {learned} that it learns"),
    };
    let message = format!(
        "the fit to start from has {}; this model has {}",
        numbers(had),
        numbers(has)
    );
    Diagnostic::error("E0809", message).help(
        "start from a fit of the same program, to data with as many groups; or leave `from` out",
    )
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

/// The density is not continuous.
pub(super) fn jumps(latent: &str) -> Diagnostic {
    let message = format!(
        "the fit did not converge: the density jumps where `{latent}` changes, which its gradient does not tell"
    );
    Diagnostic::warning("E0812", message).help(format!(
        "do not rely on these results; let the density be continuous in `{latent}`: sum over the cases it decides on, or make the step smooth, as `expit((x - {latent}) / width)`"
    ))
}

/// Stopped between rounds; `error` in sds of the guide and nats, where it is known.
pub(super) fn too_few_rounds(
    why: &str,
    steps: usize,
    draws: usize,
    error: Option<(f64, f64)>,
) -> Diagnostic {
    let error = match error {
        Some((sds, nats)) => {
            format!("whose Monte Carlo error is {sds:.2} sds of the guide and {nats:.2} nats")
        }
        None => "whose Monte Carlo error is unknown".into(),
    };
    let message = format!(
        "the fit was stopped after {steps} steps by {why}; its optimum is exact for {draws} fixed draws only, {error}"
    );
    Diagnostic::warning("E0811", message).help("allow more steps or more time")
}

/// The ELBO has no maximum.
pub(super) fn diverging(latent: &str, steps: usize) -> Diagnostic {
    let message = format!(
        "`{latent}` runs away: after {steps} steps it still goes on in one direction, and the ELBO rises with it"
    );
    Diagnostic::warning("E0816", message).help(format!(
        "the posterior is probably improper, or infinitely high somewhere: give `{latent}` a proper prior, or one that keeps it from where the density has no bound"
    ))
}

/// A learned parameter goes on.
pub(super) fn learned_on(parameter: &str, steps: usize) -> Diagnostic {
    let message = format!(
        "`{parameter}`, which is learned, still goes on in one direction after {steps} steps"
    );
    Diagnostic::warning("E0816", message).help(
        "what is learned has no prior: bound it by its type, hold it by a penalty (`factor -0.5 * w^2`), or stop earlier by `--max-steps`",
    )
}

/// The density is infinitely high at a point.
pub(super) fn spike(latent: &str) -> Diagnostic {
    let message = format!(
        "`{latent}` narrows to a point, and the ELBO rises without end: the density is infinitely high there"
    );
    Diagnostic::warning("E0816", message).help(
        "some sd can go to 0, or some latent to a place that the data meet exactly: give it a prior that excludes that",
    )
}

/// The ELBO has a maximum though the density is flat in some direction.
pub(super) fn improper(latent: &str, other: Option<String>) -> Diagnostic {
    let what = match &other {
        Some(other) => format!("a combination of `{latent}` and `{other}`"),
        None => format!("`{latent}`"),
    };
    let message =
        format!("neither prior nor data say anything of {what}: the posterior is improper");
    Diagnostic::warning("E0816", message).help(format!(
        "give `{latent}` a proper prior, or leave out what cannot be told apart"
    ))
}

/// The posterior is wider than the guide.
pub(super) fn too_narrow(latent: &str, other: Option<String>, widening: f64) -> Diagnostic {
    let with = match other {
        Some(other) => format!(", as with `{other}`"),
        None => String::new(),
    };
    let message = format!(
        "the sd of `{latent}` is about {widening:.1} times what is reported: the guide leaves dependence out{with}"
    );
    Diagnostic::warning("E0817", message).help(
        "means may be off too; centre predictors, write the model in terms that are less correlated, or see what `--guide full_rank` gives",
    )
}

/// Single precision did not do.
pub(super) fn took_over(why: &str) -> Diagnostic {
    let message = format!("the fit went on in double precision: {why}");
    Diagnostic::warning("E0818", message).help(
        "the result is that of `--precision f64`, which would have been faster; in single precision numbers have 7 digits, and reach from 1e-38 to 3e38",
    )
}

pub(super) fn unknown_precision(draws: usize) -> Diagnostic {
    let message = format!(
        "with {draws} draws the fitted means are of unknown precision: the density is not finite at others"
    );
    Diagnostic::warning("E0813", message)
        .help("give the latents supports that exclude where the density does not exist")
}

/// `sds` and `nats` in words.
pub(super) fn imprecise(draws: usize, sds: &str, nats: &str, wanted: usize) -> Diagnostic {
    let message = format!(
        "with {draws} draws the fitted means are known only to {sds} sds of the guide, the ELBO to {nats} nats"
    );
    Diagnostic::warning("E0813", message).help(enough_draws(wanted))
}

/// Draws that can still be waited for.
const BEARABLE: usize = 1 << 20;

/// What would make an optimum precise.
fn enough_draws(wanted: usize) -> String {
    match wanted <= BEARABLE {
        true => format!(
            "by what these draws show `--samples {wanted}` would be enough, but takes longer"
        ),
        false => "no number of draws that can be run would be enough: a few of them in the guide's tails decide all, as if the variance were infinite; see what `--method svi` or another guide gives, write the model in other terms, or give priors that leave less room".into(),
    }
}

/// An optimum that is as good as unknown; `sds` and `nats` in words.
pub(super) fn useless(draws: usize, sds: &str, nats: &str, wanted: usize) -> Diagnostic {
    let message = format!(
        "other draws than these {draws} would have put the optimum elsewhere, by some {sds} sds of the guide and {nats} nats"
    );
    Diagnostic::warning("E0813", message).help(enough_draws(wanted))
}

/// Stochastic steps that ended before the means were as precise as they should be.
pub(super) fn noisy(moved: f64, tolerance: f64) -> Diagnostic {
    let message = format!(
        "the fitted means are known only to some {moved:.2} sds of the guide: steps are so noisy that {tolerance} sds would take too many of them"
    );
    Diagnostic::warning("E0813", message)
        .help("errors of this size may not matter; larger batches make less noise")
}

pub(super) fn few_draws(made: usize, asked: usize) -> Diagnostic {
    let message = format!("{made} of {asked} posterior draws were made before the fit was stopped");
    Diagnostic::warning("E0815", message)
        .help("means and quantiles are less precise than asked for; allow more time or ask for fewer draws")
}

/// Of a model in batches a draw is of all rows.
pub(super) fn dear_draws(made: usize, asked: usize) -> Diagnostic {
    let message = format!(
        "{made} of {asked} posterior draws were made: each is of all rows, and more would take longer than is reasonable"
    );
    Diagnostic::warning("E0815", message).help(
        "means and quantiles are less precise than asked for; fewer rows or smaller networks allow more draws",
    )
}

pub(super) fn outside_support(bad: usize, draws: usize) -> Diagnostic {
    let which = match bad {
        0 => "some of the draws that it is averaged over".into(),
        _ => format!("{bad} of the {draws} posterior draws"),
    };
    let message = format!("the ELBO is −∞: {which} have no finite log density");
    Diagnostic::warning("E0814", message).help(
        "the guide puts mass where the model has none, or where its numbers underflow (`log(a - b)`, `log(exp(a))`); give the latents supports that exclude it, or compute on the scale of logarithms",
    )
}
