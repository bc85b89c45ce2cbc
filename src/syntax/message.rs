//! From a failed parse to words: what was found, what was expected, and what was probably meant.
//!
//! The parser lists every token it would have taken. A reader wants the two or three that matter, so
//! [`expected_words`] ranks them. [`HINTS`] holds one row for each slip that is worth a sentence.

use super::error;
use super::lexer::{Piece, Token};
use crate::diag::{Diagnostic, Span};

/// The error for token `at`, given the parser's list of what it would have taken.
pub(crate) fn unexpected(
    span: Span,
    pieces: &[Piece<'_>],
    at: usize,
    expected: &[String],
) -> Diagnostic {
    let place = Place {
        pieces,
        at,
        expected,
    };
    let found = describe(place.here());
    // A target is parsed as an expression, but nobody should write one there.
    let wanted = match place.get(-1) {
        Token::Let => "a name".to_string(),
        _ => expected_words(expected),
    };
    let problem = error::unexpected_token(span, &found, &wanted);
    match HINTS.iter().find_map(|hint| hint(&place)) {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// A token in the user's words.
fn describe(token: Token<'_>) -> String {
    match token {
        Token::Name(name) => format!("`{name}`"),
        Token::Int(text) | Token::Real(text) => format!("the number `{text}`"),
        Token::Str(_) | Token::OpenStr(_) => "a string".to_string(),
        Token::Doc(_) => "a doc comment".to_string(),
        Token::End | Token::Newline | Token::Semicolon => "the end of the statement".to_string(),
        _ => match (token.keyword(), sign(token)) {
            (Some(word), _) => format!("the keyword `{word}`"),
            (None, sign) => format!("`{sign}`"),
        },
    }
}

fn sign(token: Token<'_>) -> &'static str {
    SIGNS
        .iter()
        .find(|(t, _)| *t == token)
        .map_or("this", |(_, sign)| sign)
}

const SIGNS: &[(Token<'static>, &str)] = &[
    (Token::LParen, "("),
    (Token::RParen, ")"),
    (Token::LBracket, "["),
    (Token::RBracket, "]"),
    (Token::LBrace, "{"),
    (Token::RBrace, "}"),
    (Token::Comma, ","),
    (Token::Colon, ":"),
    (Token::ColonEq, ":="),
    (Token::Dot, "."),
    (Token::DotDot, ".."),
    (Token::Arrow, "->"),
    (Token::Tilde, "~"),
    (Token::Assign, "="),
    (Token::Bar, "|"),
    (Token::Quote, "'"),
    (Token::Plus, "+"),
    (Token::Minus, "-"),
    (Token::Star, "*"),
    (Token::Slash, "/"),
    (Token::Percent, "%"),
    (Token::At, "@"),
    (Token::Caret, "^"),
    (Token::EqEq, "=="),
    (Token::NotEq, "!="),
    (Token::Less, "<"),
    (Token::LessEq, "<="),
    (Token::Greater, ">"),
    (Token::GreaterEq, ">="),
    (Token::AndAnd, "&&"),
    (Token::OrOr, "||"),
    (Token::Not, "!"),
];

/// The few things worth saying of all that was expected.
fn expected_words(expected: &[String]) -> String {
    let has = |name: &str| expected.iter().any(|e| e.trim_matches('"') == name);
    let operators = has("+");
    let mut words: Vec<String> = Vec::new();
    if has("let") {
        words.push("a statement".into());
    } else if has("integer") && !operators {
        words.push("an expression".into());
    } else if has("name") && has("string") {
        words.push("a module's name or a file in quotes".into());
    } else if has("name") {
        words.push("a name".into());
    }
    // `=` is also taken after a condition, a statement's expression and an argument's name: the first
    // two only to report it, the third rarely meant.
    let elsewhere = has("~") || has(")") || operators && has("{");
    let assign = has("=") && !elsewhere;
    let colon = has(":") && !operators && !has("{") && !has("]");
    let clause = has("for") && !has("let") && !has("integer");
    let say = [
        (clause, "`for`"),
        (clause && has("if"), "`if`"),
        (has(",") && !has("let"), "`,`"),
        (has(")") && operators || has(")") && has(","), "`)`"),
        (has("]") && (operators || clause), "`]`"),
        (has("|") && !has("integer"), "`|`"),
        (colon && words.is_empty(), "`:`"),
        (has("->"), "`->`"),
        (assign && !has("integer"), "`=`"),
        (has("(") && !operators && !has("integer"), "`(`"),
        (has("{") && !has("integer"), "`{`"),
        (has("in"), "`in`"),
        (has("end") && !has("let"), "the end of the statement"),
        (has("}") && !has("let") && !has("end"), "`}`"),
    ];
    words.extend(
        say.iter()
            .filter(|(yes, _)| *yes)
            .map(|(_, word)| word.to_string()),
    );
    match words.as_slice() {
        [] => "something else".to_string(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// A token and its neighbours.
struct Place<'p, 't> {
    pieces: &'p [Piece<'t>],
    at: usize,
    expected: &'p [String],
}

impl<'t> Place<'_, 't> {
    fn here(&self) -> Token<'t> {
        self.get(0)
    }

    /// The token `offset` from here; an end where there is none.
    fn get(&self, offset: isize) -> Token<'t> {
        let at = self.at.checked_add_signed(offset);
        at.and_then(|at| self.pieces.get(at))
            .map_or(Token::End, |p| p.token)
    }

    /// Whether this token begins a statement.
    fn at_head(&self) -> bool {
        matches!(self.get(-1), Token::End | Token::LBrace | Token::Doc(_))
    }

    /// The first token of this statement, as far as this line goes.
    fn head(&self) -> Token<'t> {
        let before = &self.pieces[..self.at];
        let start = before
            .iter()
            .rposition(|p| matches!(p.token, Token::End | Token::LBrace));
        let start = start.map_or(0, |i| i + 1);
        self.pieces.get(start).map_or(Token::End, |p| p.token)
    }

    /// Whether the token before can end an expression.
    fn ends_operand(&self) -> bool {
        use Token::*;
        matches!(
            self.get(-1),
            Name(_) | Int(_) | Real(_) | Str(_) | True | False | RParen | RBracket | Quote
        )
    }

    fn touches_previous(&self) -> bool {
        self.at > 0 && self.pieces[self.at - 1].end == self.pieces[self.at].start
    }
}

type Hint = fn(&Place) -> Option<String>;

/// Slips and what to do about them; the first that applies is shown.
const HINTS: &[Hint] = &[
    operator_starts_line,
    word_operator,
    foreign_statement,
    typed_declaration,
    bounds_on_type,
    parenthesised_for,
    brace_on_next_line,
    python_block,
    typed_let,
    arrow_in_let,
    drawn_let,
    decimal_point,
    single_quotes,
    implicit_product,
    two_loops_in_one,
    filtered_loop,
    inclusive_range,
    bar_for_or,
    keyword_as_name,
    side_by_side,
];

fn operator_starts_line(p: &Place) -> Option<String> {
    (p.at_head() && p.here().is_operator())
        .then(|| "a line goes on to the next if it ends with the operator: move it up there".into())
}

fn word_operator(p: &Place) -> Option<String> {
    let word = |t| match t {
        Token::Name("and") => Some("write `&&` for “and”"),
        Token::Name("or") => Some("write `||` for “or”"),
        Token::Name("not") => Some("write `!` for “not”"),
        _ => None,
    };
    word(p.here()).or_else(|| word(p.get(-1))).map(String::from)
}

fn foreign_statement(p: &Place) -> Option<String> {
    let head = if p.at_head() { p.here() } else { p.head() };
    let Token::Name(word) = head else {
        return None;
    };
    let help = match word {
        "def" | "function" | "func" => "a function is written `fn f(x) = …` or `fn f(x) { … }`",
        "return" => "the last expression of a block is its result; no `return` is needed",
        "while" => "there is no `while`; write `for i in 1..N { … }`",
        "var" | "val" | "const" | "local" => "write `let x = …`",
        "parameters" | "model" | "transformed" | "generated" => {
            "a file is a model: write its statements without a block around them"
        }
        "target" => "write `factor e` to add `e` to the log density",
        _ => return None,
    };
    Some(help.into())
}

fn typed_declaration(p: &Place) -> Option<String> {
    let (Token::Name(ty), Token::Name(name)) = (p.get(-1), p.here()) else {
        return None;
    };
    let known = matches!(
        ty,
        "int" | "real" | "vector" | "matrix" | "simplex" | "bool" | "array"
    );
    known.then(|| format!("the type follows the name: `data {name}: {ty}`"))
}

fn bounds_on_type(p: &Place) -> Option<String> {
    let bound = matches!(p.get(1), Token::Name("lower" | "upper"));
    (p.here() == Token::Less && bound)
        .then(|| "bounds are part of the type: `positive`, `nonnegative`, `unit`".into())
}

fn parenthesised_for(p: &Place) -> Option<String> {
    (p.here() == Token::LParen && p.get(-1) == Token::For)
        .then(|| "write `for i in 1..N { … }`, without parentheses".into())
}

fn brace_on_next_line(p: &Place) -> Option<String> {
    let wanted = p.expected.iter().any(|e| e == "\"{\"") && p.get(-1) != Token::Colon;
    let opens = matches!(p.head(), Token::For | Token::IfStatement | Token::Fn);
    (p.here() == Token::End && wanted && opens && p.ends_operand())
        .then(|| "the `{` stands on the same line".into())
}

fn python_block(p: &Place) -> Option<String> {
    let heads = matches!(
        p.head(),
        Token::For | Token::IfStatement | Token::Else | Token::Name("while")
    );
    let colon = p.here() == Token::Colon || p.get(-1) == Token::Colon && p.here() == Token::End;
    (heads && colon).then(|| "a block is written in braces: `{ … }`".into())
}

fn typed_let(p: &Place) -> Option<String> {
    (p.here() == Token::Colon && p.head() == Token::Let)
        .then(|| "`let` takes no type: it follows from the value".into())
}

fn arrow_in_let(p: &Place) -> Option<String> {
    let unassigned = p.head() == Token::Let && p.expected.iter().any(|e| e == "\"=\"");
    (unassigned && matches!(p.here(), Token::ColonEq | Token::EqEq | Token::End))
        .then(|| "write `let x = …`".into())
}

fn drawn_let(p: &Place) -> Option<String> {
    (p.head() == Token::Let && p.here() == Token::Tilde)
        .then(|| "a draw is written without `let`: `x ~ …`".into())
}

fn decimal_point(p: &Place) -> Option<String> {
    if p.here() == Token::Dot && matches!(p.get(1), Token::Int(_)) {
        return Some("write a digit before the point: `0.5`".into());
    }
    (p.get(-1) == Token::Dot && matches!(p.get(-2), Token::Int(_)))
        .then(|| "write a digit after the point: `1.0`".into())
}

fn single_quotes(p: &Place) -> Option<String> {
    let quoted = p.get(-2) == Token::Quote || p.here() == Token::Quote;
    (quoted
        && matches!(
            p.get(if p.here() == Token::Quote { 1 } else { -1 }),
            Token::Name(_)
        ))
    .then(|| "strings are written in double quotes; `'` transposes".into())
}

fn implicit_product(p: &Place) -> Option<String> {
    let (Token::Int(number) | Token::Real(number), Token::Name(name)) = (p.get(-1), p.here())
    else {
        return None;
    };
    p.touches_previous()
        .then(|| format!("write a product as `{number} * {name}`"))
}

fn two_loops_in_one(p: &Place) -> Option<String> {
    let another = matches!(p.get(1), Token::Name(_)) && p.get(2) == Token::In;
    if p.here() != Token::Comma || !another {
        return None;
    }
    let loops = p.head() == Token::For;
    Some(match loops {
        true => "one loop stands inside another: `for i in 1..N { for j in 1..M { … } }`".into(),
        false => "every index has its own `for`: `[… for i in 1..N for j in 1..M]` is a vector, \
                  `[[… for j in 1..M] for i in 1..N]` a matrix"
            .into(),
    })
}

fn filtered_loop(p: &Place) -> Option<String> {
    let condition = matches!(p.here(), Token::If | Token::IfStatement);
    (condition && p.head() == Token::For && p.ends_operand()).then(|| {
        "the condition stands inside the loop: `for i in 1..N { if c { … } }`; a comprehension \
         takes it behind the range: `[… for i in 1..N if c]`"
            .into()
    })
}

fn inclusive_range(p: &Place) -> Option<String> {
    (p.get(-1) == Token::DotDot && matches!(p.here(), Token::Assign | Token::Dot | Token::Less))
        .then(|| "ranges are inclusive: `1..N` holds both 1 and N".into())
}

fn bar_for_or(p: &Place) -> Option<String> {
    (p.here() == Token::Bar)
        .then(|| "“or” is written `||`; single bars enclose the arguments of `|x| x^2`".into())
}

fn keyword_as_name(p: &Place) -> Option<String> {
    let word = p.here().keyword()?;
    let wants_name = matches!(
        p.get(-1),
        Token::Let | Token::Data | Token::Param | Token::For | Token::Fn
    );
    wants_name.then(|| format!("`{word}` is a word of the language; choose another name"))
}

fn side_by_side(p: &Place) -> Option<String> {
    use Token::*;
    let begins = matches!(
        p.here(),
        Data | Param | Let | Factor | For | Fn | Import | If
    );
    let after_block = p.get(-1) == RBrace && matches!(p.here(), Name(_));
    (begins && p.ends_operand() || after_block)
        .then(|| "statements stand on lines of their own, or with `;` between them".into())
}
