//! The mistakes of meaning: a constructor for each, named after it.

use crate::diag::{Diagnostic, Span};
use crate::dist::Domain;
use crate::types::{Dim, Type};

type D = Diagnostic;

/// What other languages call it, and what it is here.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("ln", "log"),
    ("inv_logit", "expit"),
    ("invlogit", "expit"),
    ("Gaussian", "Normal"),
    ("gaussian", "Normal"),
    ("std_normal", "Normal(0, 1)"),
    ("norm", "Normal"),
    ("MultivariateNormal", "MvNormal"),
    ("multi_normal", "MvNormal"),
    ("NegativeBinomial", "NegBinomial"),
    ("std", "sd"),
    ("var", "variance"),
    ("len", "length"),
    ("size", "length"),
    ("logsumexp", "log_sum_exp"),
    ("logit_inverse", "expit"),
    ("fabs", "abs"),
    ("float", "real"),
    ("double", "real"),
    ("number", "real"),
    ("integer", "int"),
    ("boolean", "bool"),
    ("string", "label"),
    ("factor", "label"),
    ("category", "label"),
    ("vector", "real[N]"),
    ("array", "real[N]"),
    ("matrix", "real[N, K]"),
    ("probability", "unit"),
    ("cov_matrix", "covariance[K, K]"),
    ("corr_matrix", "correlation[K, K]"),
];

/// Says what was likely meant: another language's word, or a slip of the pen.
fn meant<'a>(problem: D, written: &str, known: impl IntoIterator<Item = &'a str>) -> D {
    let here = |word: &str| OTHER_NAMES.iter().find(|(other, _)| *other == word);
    if let Some((_, here)) = here(written) {
        return problem.help(format!("here it is `{here}`"));
    }
    let other = OTHER_NAMES.iter().map(|(other, _)| *other);
    match crate::diag::closest(written, known.into_iter().chain(other)) {
        Some(close) => {
            let name = here(close).map_or(close, |(_, here)| here);
            problem.help(format!("did you mean `{name}`?"))
        }
        None => problem,
    }
}

pub fn unknown_name<'a>(span: Span, name: &str, known: impl IntoIterator<Item = &'a str>) -> D {
    D::error("E0101", format!("`{name}` is not defined"))
        .at(span, "nothing has this name")
        .suggest(name, known)
        .or_help("what is given is declared, `data x: real[N]`; what is inferred is drawn, `x ~ …`; what is computed is named, `let x = …`")
}

pub fn unknown_function<'a>(span: Span, name: &str, known: impl IntoIterator<Item = &'a str>) -> D {
    let problem = D::error(
        "E0102",
        format!("there is no function or distribution `{name}`"),
    )
    .at(span, "called here");
    meant(problem, name, known)
}

pub fn observed_twice(span: Span, first: Span, name: &str) -> D {
    D::error("E0110", format!("`{name}` is observed twice"))
        .at(span, "observed again here")
        .at(first, "first observed here")
        .help(format!("data are drawn once; a further term of the log density is `factor sum(d.log_prob({name}))`"))
}

pub fn defined_twice(span: Span, first: Span, name: &str) -> D {
    D::error("E0103", format!("`{name}` is defined twice"))
        .at(span, "defined again here")
        .at(first, "first defined here")
        .help("every name, and every element of an array, is defined once")
}

/// A name that one statement computes and another draws.
pub fn computed_and_drawn(span: Span, first: Span, name: &str) -> D {
    D::error("E0103", format!("`{name}` is computed and also drawn"))
        .at(span, "defined again here")
        .at(first, "first defined here")
        .help(format!(
            "what is computed from data is observed if it is data: `data {name}: … = …`, then `{name} ~ …`; \
             what is computed from latents can be weighed by `factor sum(d.log_prob({name}))`"
        ))
}

pub fn not_a_function(span: Span, name: &str, ty: &Type) -> D {
    let name = if name.is_empty() {
        "this".to_string()
    } else {
        format!("`{name}`")
    };
    D::error("E0104", format!("{name} is not a function"))
        .at(span, format!("this is a {ty}"))
        .help("elements of an array are written with square brackets: `x[i]`")
}

pub fn unknown_type<'a>(span: Span, name: &str, known: impl IntoIterator<Item = &'a str>) -> D {
    let problem =
        D::error("E0105", format!("there is no type `{name}`")).at(span, "in this declaration");
    meant(problem, name, known)
}

pub fn recursion(span: Span, definition: Span, cycle: &[String]) -> D {
    D::error(
        "E0106",
        format!("functions may not call themselves: {}", cycle.join(" → ")),
    )
    .at(span, "called again here")
    .at(definition, "while this function is being put in place")
    .help("write a recurrence over elements instead: `for t in 2..T { let s[t] = f(s[t - 1]) }`")
}

pub fn unknown_field(span: Span, name: &str, function: bool, label: bool) -> D {
    let problem = D::error("E0107", format!("there is no `.{name}` here")).at(span, "unknown");
    match name {
        _ if function => problem.help(format!(
            "a function is called as a method with parentheses: `.{name}()`"
        )),
        "levels" => problem.help("only data declared as `label` have `.levels`"),
        "size" | "len" | "shape" => problem.help("the number of elements is `length(x)`"),
        "T" => problem.help("the transpose of a matrix is `x'`"),
        _ if label => problem.help("did you mean `.levels`? it is what labels have"),
        _ => problem.help("functions are called as methods with parentheses: `x.sum()`"),
    }
}

pub fn shadows(span: Span, first: Span, name: &str) -> D {
    D::error("E0108", format!("`{name}` already has a meaning here"))
        .at(span, "used again for another thing")
        .at(first, "the first is here")
        .help("choose another name")
}

pub fn data_after_all(span: Span, name: &str) -> D {
    D::error(
        "E0109",
        format!("`{name}` is data and cannot be given a value"),
    )
    .at(span, "assigned here")
    .help("`let` names a new value; what is observed stands left of `~`")
}

pub fn types_differ(span: Span, expected: &str, found: &Type) -> D {
    D::error("E0201", format!("expected {expected}, found {found}"))
        .at(span, format!("this is {found}"))
}

/// `a` and `b` are places with the types found there; `of_a` and `of_b` the extents that differ.
pub fn dimensions_differ(
    (a, ty_a, of_a): (Span, &Type, &Dim),
    (b, ty_b, of_b): (Span, &Type, &Dim),
) -> D {
    let problem = D::error("E0202", format!("dimensions differ: {of_a} and {of_b}"))
        .at(b, format!("this is {ty_b}"))
        .at(a, format!("this is {ty_a}"));
    if of_a.known().is_some() && of_b.known().is_some() {
        return problem;
    }
    problem.help("they are the same dimension if the data's declarations give both one name")
}

pub fn shapes_differ(a: Span, ty_a: &Type, b: Span, ty_b: &Type) -> D {
    D::error("E0203", format!("shapes do not fit: {ty_a} and {ty_b}"))
        .at(a, format!("this is {ty_a}"))
        .at(b, format!("this is {ty_b}"))
        .help("elementwise work takes equal shapes, a number with an array, or an array with one that has its last dimensions; otherwise write a loop")
}

pub fn too_many_indices(span: Span, value: Span, ty: &Type, count: usize) -> D {
    let indices = if count == 1 { "index" } else { "indices" };
    let into = match ty.rank() {
        0 => "a single number".to_string(),
        _ => ty.to_string(),
    };
    D::error("E0204", format!("{count} {indices} into {into}"))
        .at(span, "one index too many")
        .at(value, format!("this is {ty}"))
}

pub fn index_not_whole(span: Span, ty: &Type) -> D {
    D::error(
        "E0205",
        format!("an index must be a whole number, found {ty}"),
    )
    .at(span, format!("this is {ty}"))
    .help("declare data that are used as indices as `int`")
}

pub fn latent_index(span: Span, name: &str) -> D {
    D::error(
        "E0206",
        format!("an index must be known from data, but `{name}` is not"),
    )
    .at(span, format!("depends on `{name}`"))
    .help("sum over the possible values with log_sum_exp")
}

pub fn latent_bound(span: Span, what: &str, name: &str) -> D {
    D::error("E0207", format!("{what} must be known from data, but depends on `{name}`"))
        .at(span, format!("depends on `{name}`"))
        .help("loops, sizes and filters are fixed when data are read; a choice between values is `if c { a } else { b }`")
}

pub fn condition_not_bool(span: Span, ty: &Type) -> D {
    D::error(
        "E0208",
        format!("a condition must be true or false, found {ty}"),
    )
    .at(span, format!("this is {ty}"))
    .help("compare with something: `x > 0`")
}

pub fn branches_differ(a: Span, ty_a: &Type, b: Span, ty_b: &Type) -> D {
    D::error(
        "E0209",
        format!("the two branches differ: {ty_a} and {ty_b}"),
    )
    .at(a, format!("this is {ty_a}"))
    .at(b, format!("this is {ty_b}"))
}

pub fn elements_differ(first: Span, ty_first: &Type, span: Span, ty: &Type) -> D {
    D::error(
        "E0210",
        format!("elements of an array must be alike: {ty_first} and {ty}"),
    )
    .at(span, format!("this is {ty}"))
    .at(first, format!("the first is {ty_first}"))
}

pub fn argument_kind(span: Span, function: &str, expected: &str, found: &Type) -> D {
    D::error(
        "E0211",
        format!("`{function}` needs {expected}, found {found}"),
    )
    .at(span, format!("this is {found}"))
}

pub fn parameter_kind(span: Span, dist: &str, name: &str, expected: &str, found: &Type) -> D {
    D::error(
        "E0211",
        format!("`{name}` of `{dist}` must be {expected}, found {found}"),
    )
    .at(span, format!("this is {found}"))
}

pub fn transpose_of_vector(span: Span, found: &Type) -> D {
    argument_kind(span, "x'", "a matrix", found)
        .help("vectors are neither rows nor columns: of two, `a @ b` is the scalar product and `outer(a, b)` the matrix")
}

pub fn extents_missing(span: Span, ty: &str, rank: usize) -> D {
    let (what, example) = match rank {
        1 => ("its length", format!("{ty}[K]")),
        _ => ("its size", format!("{ty}[K, K]")),
    };
    D::error("E0219", format!("`{ty}` needs {what}"))
        .at(span, "declared here")
        .help(format!("write `{example}`"))
}

/// `signature` as it is shown, with its backquotes.
pub fn argument_count(span: Span, signature: &str, (low, high): (usize, usize), found: usize) -> D {
    let expected = match (low, high) {
        (0, 0) => "no arguments".to_string(),
        (1, 1) => "1 argument".to_string(),
        (a, b) if a == b => format!("{a} arguments"),
        (a, b) if a + 1 == b => format!("{a} or {b} arguments"),
        (a, b) => format!("{a} to {b} arguments"),
    };
    D::error(
        "E0212",
        format!("{signature} takes {expected}, found {found}"),
    )
    .at(span, "called here")
}

pub fn named_argument(span: Span, function: &str, name: &str) -> D {
    D::error(
        "E0213",
        format!("`{function}` has no argument named `{name}`"),
    )
    .at(span, "named here")
    .help("give it by its position")
}

pub fn unknown_argument<'a>(
    span: Span,
    signature: &str,
    function: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> D {
    D::error(
        "E0213",
        format!("`{function}` has no argument named `{name}`"),
    )
    .at(span, "named here")
    .suggest(name, known)
    .and_help(format!("it is {signature}"))
}

pub fn not_iterable(span: Span, ty: &Type) -> D {
    D::error("E0214", format!("a loop runs over a range, found {ty}"))
        .at(span, format!("this is {ty}"))
        .help("write `1..N`; for the elements of an array `for i in 1..length(x) { … x[i] … }`")
}

pub fn range_as_value(span: Span) -> D {
    D::error("E0215", "a range is not a value")
        .at(span, "used as a value here")
        .help("an array of its numbers is `[i for i in 1..N]`")
}

pub fn declared_type(span: Span, declared: &Type, value: Span, found: &Type) -> D {
    D::error(
        "E0216",
        format!("declared as {declared}, but the value is {found}"),
    )
    .at(value, format!("this is {found}"))
    .at(span, format!("declared as {declared}"))
}

pub fn argument_shape(declared: Span, value: Span, ty: &str, found: &Type) -> D {
    D::error(
        "E0216",
        format!("declared as {ty}, but the value is {found}"),
    )
    .at(value, format!("this is {found}"))
    .at(declared, format!("declared as {ty}"))
}

/// What `ode` is given as right-hand side is no function.
pub fn not_a_slope(span: Span, solver: &str, found: &Type) -> D {
    D::error(
        "E0220",
        format!("`{solver}` takes a function of time and state, found {found}"),
    )
    .at(span, format!("this is {found}"))
    .help("give the name of a function `fn f(t, y) = […]`, or write `|t, y| […]` here")
}

/// A right-hand side whose value has not the shape of the state, which is given at `y0`.
pub fn slope_type(rhs: Span, found: &Type, y0: Span, expected: &Type) -> D {
    D::error(
        "E0221",
        format!("the right-hand side gives {found}, but the state is {expected}"),
    )
    .at(rhs, format!("gives {found}"))
    .at(y0, format!("the state at the start: {expected}"))
    .help("it gives the derivative of every number of the state with respect to time: `[dy1, dy2]`")
}

pub fn empty_array(span: Span) -> D {
    D::error("E0217", "an empty array has no type")
        .at(span, "no elements")
        .help("use `zeros(n)` for an array of n zeros")
}

pub fn not_a_distribution(span: Span, ty: &Type) -> D {
    D::error(
        "E0301",
        format!("right of `~` stands a distribution, found {ty}"),
    )
    .at(span, format!("this is {ty}"))
    .help("a deterministic value is written `let x = …`; a term of the log density `factor …`")
}

pub fn distribution_as_value(span: Span) -> D {
    D::error("E0302", "a distribution is not a number")
        .at(span, "used as a number here")
        .help("draw from it with `x ~ …`, or ask for `.log_prob(x)` or `.mean()`")
}

pub fn unknown_parameter(span: Span, dist: &str, name: &str, forms: &str) -> D {
    D::error("E0303", format!("`{dist}` has no parameter `{name}`"))
        .at(span, "named here")
        .help(format!("it is written {forms}"))
}

pub fn missing_parameter(span: Span, dist: &str, name: &str, forms: &str) -> D {
    D::error("E0304", format!("`{dist}` needs `{name}`"))
        .at(span, "missing here")
        .help(format!("it is written {forms}"))
}

pub fn parameter_twice(span: Span, dist: &str, name: &str) -> D {
    D::error("E0305", format!("`{name}` of `{dist}` is given twice")).at(span, "given again here")
}

pub fn too_many_parameters(span: Span, dist: &str, forms: &str) -> D {
    D::error("E0306", format!("too many arguments for `{dist}`"))
        .at(span, "one too many")
        .help(format!("it is written {forms}"))
}

pub fn parameters_mixed(span: Span, dist: &str, forms: &str) -> D {
    D::error(
        "E0307",
        format!("these parameters of `{dist}` do not go together"),
    )
    .at(span, "here")
    .help(format!("it is written {forms}"))
}

pub fn parameter_domain(span: Span, dist: &str, name: &str, domain: &str, value: f64) -> D {
    D::error(
        "E0308",
        format!("`{name}` of `{dist}` must be {domain}, found {value}"),
    )
    .at(span, format!("this is {value}"))
}

pub fn guide_base(span: Span, name: &str, place: Span, dist: &str) -> D {
    let problem = format!("the guide draws `{name}` from `{dist}`, which gives other numbers");
    D::error("E0309", problem)
        .at(span, "whole numbers for real ones, or the other way round")
        .at(place, "the model draws it here")
        .help("a guide draws whole numbers where the model does: `guide { z ~ Bernoulli(q) }`")
}

const INSTEAD: &str =
    "draw the variable, and write `let y = f(x)`; or, for a density, add a `factor`";

/// A function that is to be inverted and does not read its argument.
pub fn argument_unread(span: Span) -> D {
    D::error("E0315", "the function does not read its argument")
        .at(span, "the same for every number")
        .help("what is made of a draw depends on it: `|x| a + b * x`")
}

/// A function that is to be inverted and reads its argument at two places.
pub fn argument_read_twice(span: Span, (first, second): (Span, Span)) -> D {
    D::error(
        "E0315",
        "the function has no known inverse: it reads its argument twice",
    )
    .at(first, "read here")
    .at(second, "and here")
    .at(span, "so that this is not undone step by step")
    .help(format!(
        "write it so that the argument occurs once; or {INSTEAD}"
    ))
}

/// An operation that cannot be undone; without a name it is no function.
pub fn no_inverse(span: Span, function: &str) -> D {
    let message = match function {
        "" => "the function has no known inverse".into(),
        name => format!("the function has no known inverse: `{name}` has none"),
    };
    D::error("E0315", message)
        .at(span, "this is not undone")
        .help(format!(
            "`+`, `-`, `*`, `/` and `^` with what does not depend on the argument have inverses, and functions that are one-to-one, \
             such as `exp`, `log`, `logit`, `sinh` or `Phi`; else {INSTEAD}"
        ))
}

/// What is transformed is no distribution of a real number.
pub fn not_transformable(span: Span, dist: &str, found: &Type) -> D {
    D::error(
        "E0316",
        format!("`{dist}` is of a real number, found a {found}"),
    )
    .at(span, format!("this is a {found}"))
    .help("transform the draws: `let y = f(x)`")
}

/// `what` is the value's name, as it is shown.
pub fn draw_shape(span: Span, what: &str, ty: &Type, dist: Span, found: &Type) -> D {
    D::error(
        "E0310",
        format!("{what} is {ty}, which does not fit a {found}"),
    )
    .at(span, format!("this is {ty}"))
    .at(dist, format!("this is a {found}"))
    .help("the shapes must be equal; independent copies are written `d ^ N`")
}

pub fn draw_base(span: Span, dist: Span, name: &str, dist_name: &str) -> D {
    D::error(
        "E0311",
        format!("`{dist_name}` gives whole numbers, but `{name}` is real"),
    )
    .at(dist, "gives whole numbers")
    .at(span, "real numbers")
    .help("declare the data as `int`")
}

pub fn counts_differ(
    dist: &str,
    (weights, name, a): (Span, &str, &Dim),
    (components, b): (Span, &Dim),
) -> D {
    D::error(
        "E0312",
        format!("`{dist}` has {b} components, but `{name}` has {a} elements"),
    )
    .at(weights, format!("this has {a}"))
    .at(components, format!("{b} components"))
    .help("every component has one weight")
}

pub fn power_of(span: Span, ty: &Type) -> D {
    D::error(
        "E0313",
        format!("the number of copies must be a whole number known from data, found {ty}"),
    )
    .at(span, "here")
}

pub fn unknown_method(span: Span, name: &str, known: &[&str]) -> D {
    D::error("E0314", format!("a distribution has no `.{name}`"))
        .at(span, "asked for here")
        .suggest(name, known.iter().copied())
}

pub fn reassigned_in_loop(span: Span, name: &str, index: &str, range: Span) -> D {
    D::error(
        "E0401",
        format!("`{name}` is drawn anew for every `{index}`"),
    )
    .at(span, "one name, many values")
    .at(range, format!("for every `{index}` here"))
    .help(format!("write `{name}[{index}] ~ …`"))
}

pub fn self_definition(span: Span, definition: Span, cycle: &[String]) -> D {
    let message = match cycle {
        [name, _] => format!("`{name}` is defined by itself"),
        all => format!("these are defined by each other: {}", all.join(" → ")),
    };
    D::error("E0402", message)
        .at(span, "uses the value that it defines")
        .at(definition, "defined here")
        .help("elements of an array may use earlier ones: `let s[t] = s[t - 1] + …`")
}

pub fn index_rank(span: Span, first: Span, name: &str) -> D {
    D::error(
        "E0403",
        format!("`{name}` has different numbers of indices"),
    )
    .at(span, "here")
    .at(first, "and here")
    .help("every statement that defines elements of an array uses the same number of indices")
}

pub fn slice_in_target(span: Span) -> D {
    D::error("E0404", "left of `~` and `=` every index is a single one")
        .at(span, "a slice")
        .help("leave trailing indices out: `x[i] ~ …` may be an array itself")
}

pub fn expression_statement(span: Span) -> D {
    D::error("E0405", "this value is not used")
        .at(span, "a value by itself")
        .help("name it with `let x = …`, or add it to the log density with `factor …`")
}

pub fn nested_declaration(span: Span, what: &str) -> D {
    D::error("E0406", format!("{what} stands at the top of a program"))
        .at(span, "inside a block here")
}

pub fn tuple_target(span: Span) -> D {
    D::error(
        "E0407",
        "several names at once can only be drawn in a guide",
    )
    .at(span, "here")
    .help("write one statement for each name")
}

pub fn wrong_place(span: Span, what: &str, instead: &str) -> D {
    D::error("E0408", format!("{what} cannot stand here"))
        .at(span, "here")
        .help(instead)
}

/// A function that draws is used with `~`.
pub fn draw_without_tilde(span: Span, name: &str) -> D {
    D::error(
        "E0410",
        format!("`{name}` is drawn in a function that is not used with `~`"),
    )
    .at(span, "drawn here")
    .help("write the call on a line of its own, with `~`: `h ~ f(x)`, and go on with `h`")
}

/// What a function learns is named after what its call is bound to.
pub fn site_without_name(span: Span, name: &str) -> D {
    D::error(
        "E0411",
        format!("`{name}` is learned by a call that has no name"),
    )
    .at(span, "in this function")
    .help("give the call a name, `let h = f(x)`: this is then `h.` and its own name")
}

pub fn site_twice(span: Span, first: Span, full: &str) -> D {
    D::error("E0412", format!("two calls make `{full}`"))
        .at(span, "in this statement")
        .at(first, "made here")
        .help("bind each call to a name of its own: `let a = f(x)`, `let b = f(a)`")
}

/// A function with loops makes statements, which cannot stand in a comprehension or outside the model.
pub fn loops_in_value(span: Span) -> D {
    D::error("E0417", "a function with loops cannot be called here")
        .at(span, "this call")
        .help("call it in a statement of the model, in a loop in place of a comprehension: `for i in 1..N { let a[i] = f(x[i]) }`; a right-hand side of `ode` gives its elements as `[… for i in 1..n]`")
}

/// `what` of a learned parameter depends on the index of a loop.
pub fn param_of_a_turn(span: Span, full: &str, what: &str, index: &str) -> D {
    D::error(
        "E0413",
        format!("the {what} of `{full}` would not be the same in every turn of a loop"),
    )
    .at(span, format!("depends on `{index}`"))
    .help("what is learned is shared by all turns of a loop: it cannot depend on the index")
}

pub fn initialiser(span: Span, signature: &str) -> D {
    D::error("E0414", format!("this start is written `{signature}`"))
        .at(span, "here")
        .help("its numbers are positive and written out")
}

/// Only functions, names for values and imports stand in a module.
pub fn not_in_a_module(span: Span, module: &str) -> D {
    D::error("E0415", format!("this statement cannot stand in {module}, which is imported"))
        .at(span, "here")
        .help("a module holds `fn`, `let name = value` and `import`; what a model draws and reads stands in the program, or in a function that the program calls with `~`")
}

pub fn no_member<'a>(
    span: Span,
    module: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> D {
    let problem = D::error("E0416", format!("the module `{module}` has no `{name}`"))
        .at(span, "not in the module");
    match crate::diag::closest(name, known) {
        Some(close) => problem.help(format!("did you mean `{module}.{close}`?")),
        None => problem,
    }
}

pub fn too_deep(span: Span) -> D {
    D::error("E0409", "this is nested too deeply")
        .at(span, "the expression at which it was too much")
        .help("give parts of it names with `let`, and define names before what uses them")
}

pub fn no_meaning(span: Span) -> D {
    wrong_place(
        span,
        "this statement",
        "a mistake elsewhere hides its meaning",
    )
}

/// What is said of data before they are read may use data only.
pub fn not_data(span: Span, what: &str, name: &str) -> D {
    D::error("E0111", format!("{what} uses `{name}`, which is not data"))
        .at(span, "in this")
        .help("data are read and checked before anything else has a value: only data and their dimensions are known then")
}

pub fn unused_data(span: Span, name: &str) -> D {
    D::warning("W0101", format!("`{name}` is declared and not used")).at(span, "declared here")
}

pub fn out_of_range(span: Span, index: &Dim, value: Span, extent: &Dim) -> D {
    D::error(
        "E0218",
        format!("index {index} is out of range: indices are 1 to {extent}"),
    )
    .at(span, format!("this is {index}"))
    .at(value, format!("this has {extent}"))
    .help("indices begin at 1 and ranges include both ends")
}

pub fn not_a_guide(span: Span) -> D {
    D::error("E0418", "this is not the name of a guide's family")
        .at(span, "here")
        .help("write `guide mean_field` or `guide full_rank`, or say how latents are drawn in `guide { … }`")
}

pub fn guide_twice(span: Span, first: Span) -> D {
    D::error("E0419", "the guide is chosen twice")
        .at(span, "and here")
        .at(first, "chosen here")
        .help("leave one of them out; `guide { (a, b) ~ full_rank() }` chooses for some latents")
}

pub fn guided_twice(span: Span, first: Span, name: &str) -> D {
    D::error("E0419", format!("the guide draws `{name}` twice"))
        .at(span, "and here")
        .at(first, "drawn here")
        .help("a latent has one factor of the guide: leave one of them out")
}

pub fn factor_in_guide(span: Span) -> D {
    wrong_place(
        span,
        "`factor`",
        "a guide is a distribution: it draws latents with `~`, and nothing else counts",
    )
}

/// A family's factor is of all of a latent, so it has no place in a loop.
pub fn factor_in_loop(span: Span) -> D {
    wrong_place(
        span,
        "a factor of a family",
        "write it outside of loops: it is one factor for all elements",
    )
}

pub fn not_whole(span: Span) -> D {
    wrong_place(
        span,
        "an element",
        "a family's factor is of whole latents: `(mu, z) ~ full_rank()`",
    )
}

pub fn tuple_with_distribution(span: Span) -> D {
    wrong_place(
        span,
        "several names",
        "several names have a factor by its family, `(a, b) ~ full_rank()`; draws are written one by one",
    )
}

pub fn not_a_latent<'a>(
    span: Span,
    name: &str,
    place: Option<Span>,
    known: impl IntoIterator<Item = &'a str>,
) -> D {
    let problem = D::error(
        "E0420",
        format!("a guide draws latents, and `{name}` is none"),
    )
    .at(span, "drawn here");
    let problem = match place {
        Some(place) => problem.at(place, "this is what the name means"),
        None => problem.suggest(name, known),
    };
    problem.or_help("what the model draws with `~` and is no data is a latent; a guide names values of its own with `let`")
}

/// The guide's draw has another shape than the latent.
pub fn guide_shape(span: Span, name: &str, place: Span, ty: &Type, found: &Type) -> D {
    D::error(
        "E0421",
        format!("the guide draws `{name}` in another shape than the model"),
    )
    .at(span, format!("drawn from {found}"))
    .at(place, format!("`{name}` is {ty} here"))
    .help("an element with so many indices must have the shape of the draw")
}

/// The guide may draw what the model does not allow.
pub fn guide_support(
    span: Span,
    name: &str,
    place: Span,
    (guide, model): (String, String),
    needed: Domain,
) -> D {
    let instead = match needed {
        Domain::Positive | Domain::Nonnegative => "LogNormal, Gamma or HalfNormal",
        Domain::Unit => "Kumaraswamy or Beta",
        _ => "the family of the model",
    };
    D::error("E0422", format!("the guide draws `{name}` where the model does not allow it"))
        .at(span, format!("{guide} draws numbers that {model} cannot"))
        .at(place, format!("drawn from {model} here"))
        .help(format!("draw from a distribution with the same support, such as {instead}, or leave it out of the guide: a factor is derived"))
}

/// Batches of a loop that is not the outermost.
pub fn inner_batch(span: Span) -> D {
    D::error("E0424", "batches are of the outermost loop")
        .at(span, "in a loop or a condition here")
        .help("write `batch` at the loop over the rows of the data, and loops without it inside")
}

/// A value made in batches is read elsewhere.
pub fn beyond_batch(span: Span, made: Span, name: &str) -> D {
    D::error(
        "E0425",
        format!("`{name}` exists for the rows of a batch only"),
    )
    .at(span, "read here")
    .at(made, "made for each row of a batch")
    .help("read it in a `batch` loop at the loop's own index, `z[i]`, or leave `batch` out")
}

pub fn factor_of_drawn(span: Span, name: &str) -> D {
    let message = format!("a factor weighs `{name}`, which is to be drawn");
    D::error("E0626", message)
        .at(span, "this has a density, but nothing can be drawn from it")
        .help("give what it reads a value (`--fix` on the command line)")
}

/// Data that would be drawn, and stand in the program for an expression of other data.
pub fn drawn_but_computed(span: Span, name: &str, of: &str) -> D {
    let message = format!("`{name}` is computed from `{of}`, and is to be drawn too");
    D::error("E0626", message)
        .at(span, "what is drawn would contradict this")
        .help(format!(
            "draw the elements of `{of}` themselves, in a loop over them; or give `{name}` as data"
        ))
}

/// `h.w ~ …` in the model, where `h` is drawn by a function.
pub fn site_outside_guide(span: Span, path: &str) -> D {
    D::error("E0014", format!("`{path}` cannot be drawn here"))
        .at(span, "the path of what a function draws")
        .help("in a `guide { … }` such a draw says how it is approximated; in the model a function has drawn it already")
}
