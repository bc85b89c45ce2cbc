//! What only data can show to be wrong: a constructor for each mistake.

use crate::diag::{Diagnostic, Span};
use crate::functions::Otherwise;

type D = Diagnostic;

pub fn missing_data<'a>(
    span: Span,
    name: &str,
    ty: &str,
    given: impl IntoIterator<Item = &'a str>,
) -> D {
    let given: Vec<&str> = given.into_iter().collect();
    let listed = if given.is_empty() {
        "no data were given; name a file with `--data`, or a value with `--set`".to_string()
    } else {
        format!("the data have {}", list(&given))
    };
    D::error("E0651", format!("there is no data for `{name}`"))
        .at(span, format!("declared as {ty}"))
        .suggest(name, given.iter().copied())
        .and_help(listed)
}

fn list(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(12).map(|n| format!("`{n}`")).collect();
    let rest = if names.len() > 12 {
        format!(" and {} more", names.len() - 12)
    } else {
        String::new()
    };
    format!("{}{rest}", shown.join(", "))
}

pub fn wrong_rank(span: Span, name: &str, declared: &str, found: &[usize], file: &str) -> D {
    let found = match found {
        [] => "a single number".to_string(),
        [n] => format!("a list of {n}"),
        shape => format!(
            "an array of {}",
            shape
                .iter()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join(" × ")
        ),
    };
    D::error(
        "E0652",
        format!("`{name}` is declared as {declared}, but {file} has {found}"),
    )
    .at(span, "declared here")
}

/// An extent that the declaration alone, or with other data, makes another.
pub fn extent_declared(
    span: Span,
    dim: &str,
    value: i64,
    (name, axis, extent): (&str, usize, usize),
    file: &str,
) -> D {
    let expected = if dim == value.to_string() {
        format!("{value} are declared")
    } else {
        format!("`{dim}` is {value}")
    };
    D::error(
        "E0653",
        format!("dimension {axis} of `{name}` in {file} has {extent}, but {expected}"),
    )
    .at(span, "declared here")
}

pub fn dimension_conflict(
    span: Span,
    first: Span,
    dim: &str,
    (name, axis, extent): (&str, usize, usize),
    (other, known): (&str, i64),
) -> D {
    D::error(
        "E0653",
        format!(
            "the data disagree on `{dim}`: {known} by {other}, {extent} by the shape of `{name}`"
        ),
    )
    .at(span, format!("dimension {axis} of `{name}` has {extent}"))
    .at(first, format!("{dim} is {known} here"))
}

pub fn wrong_type(span: Span, name: &str, declared: &str, found: &str, file: &str) -> D {
    D::error(
        "E0654",
        format!("`{name}` is declared as {declared}, but {file} has {found}"),
    )
    .at(span, "declared here")
}

/// `what` goes on after the element's name.
pub fn refinement(
    span: Span,
    (name, element, file): (&str, &str, &str),
    declared: &str,
    what: &str,
) -> D {
    D::error("E0655", format!("`{name}{element}` in {file} {what}"))
        .at(span, format!("declared as {declared}"))
}

pub fn missing_value(span: Span, name: &str, element: &str, file: &str, why: &str) -> D {
    D::error("E0656", format!("`{name}{element}` is missing in {file}"))
        .at(span, why)
        .help("missing values may stand where real numbers are observed (left of `~`): there they are inferred")
}

/// A missing value is read by what comes before it: a guide, most likely.
pub fn missing_read(span: Span, name: &str, element: &str, file: &str) -> D {
    D::error("E0656", format!("`{name}{element}` is missing in {file}"))
        .at(span, "read here, for what it is itself inferred from")
        .help(format!(
            "read a copy of `{name}` in which gaps are filled, given as data of another name"
        ))
}

pub fn condition_fails(span: Span, name: &str, element: &str) -> D {
    D::error(
        "E0657",
        format!("the data do not meet the condition on `{name}`"),
    )
    .at(
        span,
        format!(
            "does not hold{}",
            if element.is_empty() {
                String::new()
            } else {
                format!(" for element {element}")
            }
        ),
    )
}

pub fn negative_extent(span: Span, what: &str, value: i64) -> D {
    D::error(
        "E0658",
        format!("{what} is {value}, but an extent cannot be negative"),
    )
    .at(span, "here")
}

pub fn unknown_extent(span: Span, name: &str, dim: &str) -> D {
    D::error(
        "E0659",
        format!("the extent `{dim}` of `{name}` is not known"),
    )
    .at(span, "declared here")
    .help(format!(
        "give data whose shape has it, or its value as `{dim}`"
    ))
}

pub fn unknown_extent_of_draw(span: Span, dim: &str) -> D {
    D::error(
        "E0659",
        format!("how many are drawn here, `{dim}`, is not known"),
    )
    .at(span, "drawn here")
    .help(format!("give data whose shape has `{dim}`, or its value"))
}

/// `extent` is not known where the index itself defines it.
pub fn out_of_range(span: Span, index: f64, extent: Option<usize>, what: &str, row: &str) -> D {
    let at = match row {
        "" => String::new(),
        row => format!(" at {row}"),
    };
    let has = match extent {
        Some(1) => format!(": {what} has 1 element"),
        Some(extent) => format!(": {what} has {extent} elements"),
        None => format!(" of {what}"),
    };
    let problem = D::error("E0661", format!("index {index} is out of range{has}"))
        .at(span, format!("this is {index}{at}"));
    if index < 1.0 {
        return problem.help("indices begin at 1");
    }
    problem
}

pub fn extents_differ(span: Span, a: usize, b: usize) -> D {
    D::error(
        "E0662",
        format!("with these data the dimensions differ: {a} and {b}"),
    )
    .at(span, "here")
    .help("both sides must have equal dimensions")
}

/// An argument whose shape only data tell is not what a function takes.
/// A function of the program around builds another shape than it declares.
pub fn built_otherwise(span: Span, signature: &str, shapes: &Otherwise) -> D {
    let Otherwise { built, declared } = shapes;
    let message =
        format!("`{signature}` builds the shape {built:?} here, and declares {declared:?}");
    D::error("E0709", message).at(span, "in this call")
}

pub fn shape_unfit(span: Span, function: &str, expected: &str, shape: &[usize]) -> D {
    let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
    let shape = shape.join(" × ");
    D::error(
        "E0662",
        format!("`{function}` needs {expected}; with these data it is given {shape}"),
    )
    .at(span, "here")
}

/// Statements with the rows of their loops, as text.
pub fn element_twice(
    (span, row): (Span, &str),
    (first, first_row): (Span, &str),
    name: &str,
    element: &str,
) -> D {
    twice("defined", (span, row), (first, first_row), name, element).help(
        "every element of an array is defined once: its index must tell all loops around it apart",
    )
}

pub fn observed_twice(
    (span, row): (Span, &str),
    (first, first_row): (Span, &str),
    name: &str,
    element: &str,
) -> D {
    twice("observed", (span, row), (first, first_row), name, element)
        .help("data are drawn once; a further term of the log density is `factor d.log_prob(y[i])`")
}

fn twice(
    done: &str,
    (span, row): (Span, &str),
    (first, first_row): (Span, &str),
    name: &str,
    element: &str,
) -> D {
    let at = |row: &str| match row {
        "" => String::new(),
        row => format!(" at {row}"),
    };
    let problem = D::error("E0663", format!("`{name}{element}` is {done} twice"));
    if span == first {
        let (row, first_row) = (at(row), at(first_row));
        return problem.at(span, format!("{done}{first_row}, and again{row}"));
    }
    problem
        .at(span, format!("{done} here{}", at(row)))
        .at(first, format!("and here{}", at(first_row)))
}

pub fn element_never(span: Span, name: &str, element: &str, shape: &str) -> D {
    D::error("E0664", format!("`{name}{element}` is never defined"))
        .at(
            span,
            format!("these statements define elements of `{name}` of shape {shape}"),
        )
        .help("define every element from 1 on")
}

pub fn no_such_level(span: Span, label: &str, text: &str, levels: &[String]) -> D {
    let names: Vec<&str> = levels.iter().map(String::as_str).collect();
    D::error("E0677", format!("`{label}` has no level `{text}`"))
        .at(span, "compared with this")
        .suggest(text, names.iter().copied())
        .and_help(format!("its levels in the data are {}", list(&names)))
}

pub fn left_out(span: Span, definition: Span, name: &str) -> D {
    D::error("E0676", format!("with these data `{name}` is not defined"))
        .at(span, "used here")
        .at(definition, "the condition around this does not hold")
        .help("use it under the same condition, or define it in the other branch too")
}

/// `row` says where in the loops, if it is in any.
pub fn outside_support(
    span: Span,
    (name, element, row): (&str, &str, &str),
    value: &str,
    dist: (Span, &str),
    why: &str,
) -> D {
    let at = match row {
        "" => String::new(),
        row => format!(" at {row}"),
    };
    D::error(
        "E0665",
        format!("`{name}{element}` cannot come from `{}`: {why}", dist.1),
    )
    .at(span, format!("{value} is observed here{at}"))
    .at(dist.0, "such a value has probability 0 here")
}

/// `must` completes "must be …", `found` "with these data …"; `at` says where, with a leading space.
pub fn parameter_domain(
    span: Span,
    (dist, parameter): (&str, &str),
    must: &str,
    found: &str,
    at: &str,
) -> D {
    D::error(
        "E0666",
        format!("`{parameter}` of `{dist}` must be {must}, but {found}{at}"),
    )
    .at(span, "computed from constants and data")
}

pub fn draw_extents(span: Span, name: &str, found: &[usize], dist: Span, gives: &[usize]) -> D {
    D::error(
        "E0662",
        format!(
            "with these data the dimensions differ: `{name}` is {}, its distribution {}",
            shape(found),
            shape(gives)
        ),
    )
    .at(span, format!("this is {}", shape(found)))
    .at(dist, format!("this gives {}", shape(gives)))
}

pub fn counts_differ(dist: &str, weights: (Span, usize), components: (Span, usize)) -> D {
    let message = format!(
        "with these data `{dist}` has {} components and {} weights",
        components.1, weights.1
    );
    D::error("E0662", message)
        .at(weights.0, format!("{} weights", weights.1))
        .at(components.0, format!("{} components", components.1))
}

/// `[3, 2]`, or `a number`.
pub fn shape(extents: &[usize]) -> String {
    if extents.is_empty() {
        return "a number".into();
    }
    let extents: Vec<String> = extents.iter().map(usize::to_string).collect();
    format!("[{}]", extents.join(", "))
}

pub fn cycle(places: &[(Span, String)]) -> D {
    let names: Vec<&str> = places.iter().map(|(_, n)| n.as_str()).collect();
    let mut problem = D::error(
        "E0667",
        format!("these define each other: {}", list(&names)),
    );
    for (span, name) in places.iter().take(4) {
        problem = problem.at(*span, format!("`{name}` is defined here"));
    }
    problem.help("a recurrence may use earlier elements only: `let s[t] = f(s[t - 1])`")
}

pub fn not_earlier(span: Span, name: &str, row: &str) -> D {
    D::error("E0668", format!("`{name}` is defined by an element that is not earlier (at {row})"))
        .at(span, "read here")
        .help("a recurrence goes in one direction: all elements it uses come before the one that it defines, or all come after")
}

pub fn no_closed_form(span: Span, dist: &str, what: &str) -> D {
    D::error("E0669", format!("`{dist}` has no {what} in closed form")).at(span, "asked for here")
}

/// `at` says which of several arguments, with a leading space.
pub fn arguments_refused(span: Span, dist: &str, why: &str, at: &str) -> D {
    D::error(
        "E0670",
        format!("`{dist}` cannot take these arguments{at}: {why}"),
    )
    .at(span, format!("here{at}"))
}

pub fn self_support(span: Span, name: &str) -> D {
    D::error(
        "E0671",
        format!("where `{name}` may lie depends on `{name}` itself"),
    )
    .at(span, "the support of this distribution uses it")
    .help("bounds may depend on other latents; write the increments as latents and sum them")
}

pub fn ragged(span: Span, function: &str) -> D {
    let function = match function.contains(' ') {
        true => function.to_string(),
        false => format!("`{function}`"),
    };
    D::error("E0672", format!("{function} does not take an array whose length differs from row to row"))
        .at(span, "its length depends on the loop")
        .help("such arrays can be combined element by element and reduced by sum, prod, mean, max, min or log_sum_exp")
}

pub fn missing_whole(span: Span, name: &str, element: &str, file: &str) -> D {
    D::error("E0656", format!("`{name}{element}` is missing in {file}"))
        .at(span, "whole numbers cannot be inferred")
        .help("leave such rows out of the data, or sum over the possible values with log_sum_exp")
}

pub fn missing_in_vector(span: Span, name: &str, element: &str, file: &str) -> D {
    D::error("E0656", format!("`{name}{element}` is missing in {file}"))
        .at(
            span,
            "drawn as part of a vector or matrix with constraints, which must be whole",
        )
        .help("leave such rows out with a condition: `if …`")
}

/// Elements that an array may have: 2 GB of numbers, of which there will be several in a fit.
pub const MOST_ELEMENTS: f64 = (1_u64 << 28) as f64;

/// An array in a file, read whole at `span`.
pub fn too_large_to_hold(span: Span, declared: Span, name: &str, shape: &[usize], file: &str) -> D {
    let size: f64 = shape.iter().map(|&n| n as f64).product();
    let message = format!(
        "`{name}` in {file}, {} of {size:.0} numbers, is too large to be read whole",
        self::shape(shape)
    );
    let found = D::error("E0625", message);
    let found = match span == declared {
        true => found.at(span, "declared here"),
        false => found.at(span, "read here").at(declared, "declared here"),
    };
    found.help(
        "at most 2^28 numbers are; more can be read in a loop with batches at its own index, `x[i]` in \
         `for i in 1..N batch M { … }`, and nowhere else, if none is missing or fails its declared type",
    )
}

/// A file of data that cannot be read any further.
pub fn not_read(span: Span, name: &str, file: &str, why: &std::io::Error) -> D {
    D::error(
        "E0603",
        format!("`{name}` cannot be read from {file}: {why}"),
    )
    .at(span, "declared here")
}

/// Names that have a value for each row of data in files.
pub fn not_reported(names: &[&str], rows: usize) -> D {
    let verb = if names.len() == 1 { "has" } else { "have" };
    D::warning(
        "W0605",
        format!(
            "{} {verb} values for each of {rows} rows: they are not reported",
            list(names)
        ),
    )
    .help("rows of data that stay in their files are looked at batch by batch")
}

pub fn too_large(span: Span, what: &str, size: f64) -> D {
    D::error("E0674", format!("{what} would have {size:.0} elements"))
        .at(span, "here")
        .help("at most 2^28 are possible")
}

pub fn unused_entries(names: &[&str]) -> D {
    D::warning(
        "W0601",
        format!("the program does not use {} from the data", list(names)),
    )
}

/// `(left, all)` entries; `element` is the first of them.
pub fn unobserved(span: Span, name: &str, (left, all): (usize, usize), element: &str) -> D {
    let entries = match left == all {
        true => format!("no statement observes `{name}` with these data"),
        false => format!(
            "{left} of the {all} entries of `{name}` are not observed by any statement, `{name}{element}` first"
        ),
    };
    D::warning("W0602", entries)
        .at(span, "declared here")
        .help("the fit does not depend on them")
}

pub fn no_entries(span: Span, name: &str) -> D {
    D::warning(
        "W0603",
        format!("`{name}` has no entries: nothing is observed of it"),
    )
    .at(span, "declared here")
    .help("the posterior of what only it would tell about is the prior")
}

/// Names with how many of their elements are drawn.
pub fn drawn_after(names: &[(String, usize)]) -> D {
    let count: usize = names.iter().map(|n| n.1).sum();
    let all: Vec<&str> = names.iter().map(|n| n.0.as_str()).collect();
    let of = match count {
        1 => format!("1 latent is drawn after the fit, of {}", list(&all)),
        _ => format!("{count} latents are drawn after the fit, of {}", list(&all)),
    };
    D::warning("W0604", of).help("nothing observed depends on them")
}

pub fn no_draws(span: Span, family: &str) -> D {
    D::error("E0626", format!("`{family}` has a density, but no draws"))
        .at(span, "this is no distribution of total probability 1")
        .help("give what is drawn here a value (`--fix` on the command line)")
}

/// A setting of a solver that is no such number, or less than the least.
pub fn bad_setting(span: Span, name: &str, value: f64, least: f64) -> D {
    let expected = match name {
        "max_steps" => "at least 1".to_string(),
        "rtol" => format!("at least {least:e}"),
        _ => "positive".to_string(),
    };
    let what = match value.is_nan() {
        true => "is not known, or not one number".to_string(),
        false => format!("is {value}"),
    };
    D::error("E0678", format!("`{name}` {what}"))
        .at(span, format!("must be a number that is {expected}"))
        .help("tolerances are errors allowed in a step, such as `rtol = 1e-8`; leave it out for the default")
}

/// Time `j` (from 0) of a solution is before the one that precedes it, or the start.
pub fn times_descend(span: Span, j: usize, before: f64, t: f64, row: &str) -> D {
    let after = match j {
        0 => format!("the start at {before}"),
        _ => format!("{before}"),
    };
    let row = match row.is_empty() {
        true => String::new(),
        false => format!(" where {row}"),
    };
    D::error(
        "E0679",
        format!("the times of a solution must ascend: {t} comes after {after}{row}"),
    )
    .at(span, format!("element {} is {t}", j + 1))
    .help("sort the times, and start no later than the first of them")
}

pub fn slope_extent(rhs: Span, found: usize, y0: Span, n: usize) -> D {
    D::error(
        "E0662",
        format!("with these data the right-hand side gives {found} numbers for a state of {n}"),
    )
    .at(rhs, format!("gives {found} numbers"))
    .at(y0, format!("a state of {n} numbers"))
    .help("it gives the derivative of every number of the state with respect to time")
}

pub fn batch_size(span: Span, found: f64) -> D {
    D::error("E0681", "a batch has one row or more")
        .at(span, format!("this is {found}"))
        .help("write how many rows a step looks at: `batch 128`")
}

/// Loops with batches look at the same rows.
pub fn batches_differ(
    span: Span,
    (size, total): (usize, usize),
    (first_size, first_total): (usize, usize),
) -> D {
    let message = format!(
        "loops with batches look at the same rows: this one at {size} of {total}, another at {first_size} of {first_total}"
    );
    D::error("E0682", message)
        .at(span, "this loop")
        .help("give the loops the same range and the same size, or leave `batch` out of one")
}

/// What must be known when a model is bound varies from batch to batch.
pub fn varies_in_batch(span: Span) -> D {
    D::error("E0683", "in a loop with batches this must be the same for every row")
        .at(span, "depends on the row")
        .help("what such a loop defines lies at places that are the same in every row: choose its value by `if`, or leave `batch` out")
}

pub fn missing_in_batch(span: Span, name: &str, element: &str) -> D {
    D::error("E0680", format!("`{name}{element}` is missing, in a loop with batches"))
        .at(span, "drawn here")
        .help(format!("read `{name}` at the index of the loop with batches alone: a missing value is inferred with its row; or leave `batch` out"))
}

/// A guide draws a part of a latent.
pub fn guide_part(span: Span, drawn: Span, name: &str, extents: &[usize], wanted: &[usize]) -> D {
    D::error(
        "E0684",
        format!(
            "the guide draws elements of `{name}` up to {extents:?}, the model up to {wanted:?}"
        ),
    )
    .at(span, "drawn by the guide")
    .at(drawn, "drawn by the model")
    .help("a guide draws all elements of a latent, or none: then a factor is derived")
}

/// A latent of whole numbers of which neither all values can be gone through nor the guide has a factor.
pub fn not_inferred(span: Span, name: &str, dist: Span, family: &str) -> D {
    D::error("E0685", format!("`{name}` cannot be inferred"))
        .at(span, "neither data nor a number")
        .at(
            dist,
            format!("`{family}` draws several whole numbers together"),
        )
        .help("draw each of them by itself, or declare them as data")
}

/// A discrete latent that can neither be summed out nor sampled.
pub fn not_summed(span: Span, name: &str, why: &str) -> D {
    D::error("E0685", format!("`{name}` cannot be inferred: {why}"))
        .at(span, "read here")
        .help("declare it as data, or let less depend on it")
}

pub fn support_by_states(span: Span) -> D {
    D::error(
        "E0686",
        "where a latent may lie depends on a discrete latent",
    )
    .at(span, "its bounds differ from state to state")
    .help("draw it between fixed bounds, and scale it: `let x = b[z] * u`")
}

pub fn drawn_at_some_states(span: Span, [name, condition]: [&str; 2]) -> D {
    let problem = format!("whether `{name}` is drawn depends on the discrete latent `{condition}`");
    D::error("E0686", problem)
        .at(span, "drawn here")
        .help("draw it in any case, and use it under the condition")
}

/// That a discrete latent is sampled, for this reason.
pub fn is_sampled(span: Span, name: &str, why: &str) -> D {
    D::warning(
        "W0606",
        format!("`{name}` is sampled, not summed out: {why}"),
    )
    .at(span, "its posterior is approximated by independent factors")
    .help("the fit says how good that is; `elbo explain W0606` says what can be summed out")
}
