//! The mistakes of writing, `E0001` to `E0015`: one constructor for each.

use crate::diag::{Diagnostic, Span};

/// Characters that belong to no token.
pub(crate) fn unexpected_character(span: Span, text: &str) -> Diagnostic {
    let shown: String = text.chars().take(8).map(show_character).collect();
    let problem = Diagnostic::error("E0001", format!("unexpected character `{shown}`"))
        .at(span, "this means nothing here");
    match text.chars().next() {
        Some('“' | '”' | '„' | '‘' | '’' | '`') => {
            problem.help("strings are written in straight double quotes: \"…\"")
        }
        Some('−' | '–' | '—') => problem.help("write the minus sign as `-`"),
        Some('×' | '·' | '⋅' | '∙') => problem.help("write multiplication as `*`"),
        Some('÷') => problem.help("write division as `/`"),
        Some('≤') => problem.help("write `<=`"),
        Some('≥') => problem.help("write `>=`"),
        Some('≠') => problem.help("write `!=`"),
        Some('∼') => problem.help("write `~`"),
        Some('…') => problem.help("write a range as `1..N`"),
        Some('²') => problem.help("write a square as `x^2`"),
        Some('$') => problem.help("names are letters, digits and `_`"),
        Some('?') => problem.help("a choice is written `if c { a } else { b }`"),
        Some('\\') => {
            problem.help("lines are joined by ending one with an operator, not with `\\`")
        }
        _ => problem,
    }
}

fn show_character(c: char) -> String {
    if c.is_control() {
        c.escape_unicode().to_string()
    } else {
        c.to_string()
    }
}

/// A string without its closing quote.
pub(crate) fn unterminated_string(span: Span) -> Diagnostic {
    Diagnostic::error("E0002", "this string has no end")
        .at(span, "opened here, still open at the end of the line")
        .help("add a closing `\"`; a line break inside a string is written `\\n`")
}

/// A token that cannot stand where it stands.
pub(crate) fn unexpected_token(span: Span, found: &str, expected: &str) -> Diagnostic {
    Diagnostic::error("E0003", format!("expected {expected}, found {found}"))
        .at(span, format!("expected {expected}"))
}

/// Brackets without their partners, innermost first; `place` is where the partner was missed.
pub(crate) fn unclosed_bracket(missed: &[(Span, &str)], place: Span) -> Diagnostic {
    let (first, closer) = missed.first().copied().unwrap_or((place, ")"));
    let opener = opener_of(closer);
    let mut problem =
        Diagnostic::error("E0004", format!("`{opener}` is never closed")).at(first, "opened here");
    for (span, closer) in missed.iter().skip(1).take(2) {
        problem = problem.at(
            *span,
            format!("this `{}` is not closed either", opener_of(closer)),
        );
    }
    problem.at(place, format!("`{closer}` expected before this"))
}

fn opener_of(closer: &str) -> &'static str {
    match closer {
        ")" => "(",
        "]" => "[",
        _ => "{",
    }
}

/// A closing bracket that closes nothing.
pub(crate) fn unmatched_closer(span: Span, closer: &str) -> Diagnostic {
    Diagnostic::error("E0005", format!("`{closer}` closes nothing"))
        .at(span, format!("no `{}` is open here", opener_of(closer)))
        .help(format!(
            "remove it, or add the missing `{}`",
            opener_of(closer)
        ))
}

/// `a < b < c`.
pub(crate) fn chained_comparison(span: Span, first: &str, second: &str) -> Diagnostic {
    Diagnostic::error("E0006", "comparisons cannot be chained")
        .at(span, "two comparisons in one")
        .help(format!("write `a {first} b && b {second} c`"))
}

/// A number that no machine number stands for.
pub(crate) fn number_out_of_range(span: Span, text: &str, kind: &str) -> Diagnostic {
    let shown: String = if text.len() > 40 {
        format!("{}…", &text[..40])
    } else {
        text.to_string()
    };
    let problem = Diagnostic::error("E0007", format!("the number `{shown}` is out of range"));
    match kind {
        "integer" => problem
            .at(span, format!("the largest integer is {}", i64::MAX))
            .help("write it with a decimal point to make it real"),
        _ => problem.at(span, "real numbers lie between 5e-324 and 1.8e308 in size"),
    }
}

/// An expression or block too deep for the machine's stack.
pub(crate) fn too_deep(span: Span, limit: usize) -> Diagnostic {
    Diagnostic::error(
        "E0008",
        format!("this is nested more than {limit} levels deep"),
    )
    .at(span, "too deep from here")
    .help("name parts of it by `let`, or use `sum([…])` for a long sum")
}

/// A text whose places do not fit a span.
pub(crate) fn too_long(span: Span) -> Diagnostic {
    Diagnostic::error("E0008", "a program may have at most 1 GiB of text").at(span, "in this file")
}

/// `x = 1` or `x := 1` without `let`.
pub(crate) fn bare_assignment(span: Span, name: Option<&str>, sign: &str) -> Diagnostic {
    let name = name.unwrap_or("x");
    Diagnostic::error("E0009", "a definition begins with `let`")
        .at(span, format!("`{sign}` without `let`"))
        .help(format!("write `let {name} = …`; to compare, write `==`"))
}

/// `x <- 1`.
pub(crate) fn arrow_assignment(span: Span, name: Option<&str>) -> Diagnostic {
    let name = name.unwrap_or("x");
    Diagnostic::error("E0009", "`<-` does not define a name")
        .at(span, "read as `<` and `-`")
        .help(format!(
            "write `let {name} = …`; to compare with a negative number, write `{name} < -…`"
        ))
}

/// `if x = 1 { … }`.
pub(crate) fn assignment_in_condition(span: Span) -> Diagnostic {
    Diagnostic::error("E0010", "`=` does not compare")
        .at(span, "in a condition")
        .help("write `==`")
}

/// `a[1:2]`, `for i in 1:N`.
pub(crate) fn colon_range(span: Span) -> Diagnostic {
    Diagnostic::error("E0011", "a range is not written with `:`")
        .at(span, "write `..` here")
        .help("`2..4` holds 2, 3 and 4; `:` by itself, as in `a[:, 1]`, means all")
}

/// A sign or word that means something in other languages.
pub(crate) fn foreign(span: Span, written: &str, ours: &str, what: &str) -> Diagnostic {
    Diagnostic::error("E0012", format!("{what} is not written `{written}`"))
        .at(span, format!("write `{ours}`"))
}

/// An `if` used as a value whose `else` is missing.
pub(crate) fn if_without_else(span: Span) -> Diagnostic {
    Diagnostic::error("E0013", "an `if` that is used as a value needs an `else`")
        .at(span, "has no value when the condition is false")
        .help("write `if c { a } else { b }`")
}

/// An expression left of `~` or `=` that nothing can be bound to.
pub(crate) fn not_a_target(span: Span, sign: &str) -> Diagnostic {
    Diagnostic::error("E0014", format!("this cannot stand left of `{sign}`"))
        .at(span, "not a name, nor an element of one")
        .help(format!("left of `{sign}` stands `x`, `x[i]` or `(x, y)`"))
}

/// A function of something left of `~`, such as `log(y)`.
pub(crate) fn function_drawn(span: Span) -> Diagnostic {
    Diagnostic::error("E0014", "only names and their elements are drawn")
        .at(span, "computed from other values")
        .help(
            "to observe a function of data, name it as data: `data ly: real[N] = log(y)`, then `ly ~ …`; \
             for the density of `y` itself write `y ~ LogNormal(…)`; a function of latents can be weighed \
             by `factor d.log_prob(…)`",
        )
}

/// An unknown escape in a string.
pub(crate) fn bad_escape(span: Span, escape: &str) -> Diagnostic {
    Diagnostic::error("E0015", format!("`{escape}` is not an escape"))
        .at(span, "in this string")
        .help("known are \\n, \\t, \\r, \\0, \\\", \\\\ and \\u{3b1}")
}
