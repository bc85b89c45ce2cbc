//! Text to [`Ast`].
//!
//! [`parse`] always gives a tree and every mistake it could tell apart. The stages inside: `lexer` (text
//! to tokens), `layout` (lines to statements, brackets balanced), `nesting` (nothing too deep for the
//! stack), then each statement by itself through the grammar (`recover`). [`print()`] and [`format`] go
//! the other way.

mod actions;
pub mod ast;
mod columns;
mod error;
mod format;
mod layout;
mod level;
mod lexer;
mod message;
mod nesting;
mod print;
mod recover;

use lalrpop_util::lalrpop_mod;
lalrpop_mod!(
    #[allow(clippy::all, clippy::pedantic, unused)]
    grammar,
    "/vi.rs"
);

pub use ast::Ast;
pub use format::format;
pub use print::{print, print_expr};

use crate::diag::{Diagnostics, SourceId, Span};
use ast::{Comment, Expr};
use lexer::{Piece, Token};

/// The longest text whose places are sure to fit a [`Span`].
const MAX_TEXT: usize = 1 << 30;

/// Parses a file. The tree holds everything that could be read; what could not is
/// [`StatementKind::Error`](ast::StatementKind::Error) there and a diagnostic in the list.
///
/// ```
/// use elbo::{diag::SourceId, syntax};
/// let (ast, problems) = syntax::parse(SourceId(0), "mu ~ Normal(0, 5)\nlet x = mu +");
/// assert_eq!((ast.statements.len(), problems.len()), (2, 1));
/// ```
pub fn parse(source: SourceId, text: &str) -> (Ast, Diagnostics) {
    let Tokens {
        pieces,
        comments,
        mut diagnostics,
        ..
    } = tokens(source, text);
    let mut ast = Ast {
        statements: Vec::new(),
        comments,
    };
    for statement in top_level(&pieces) {
        let statement = recover::parse_statement(source, statement.to_vec(), &mut diagnostics);
        ast.statements.push(statement);
    }
    (ast, in_order(diagnostics))
}

/// Parses one expression, as a reader of the terminal or a test writes it.
pub fn parse_expr(source: SourceId, text: &str) -> (Option<Expr>, Diagnostics) {
    let Tokens {
        mut pieces,
        mut diagnostics,
        ..
    } = tokens(source, text);
    if let Some(first) = pieces.first_mut()
        && first.token == Token::IfStatement
    {
        first.token = Token::If;
    }
    if pieces.is_empty() {
        if diagnostics.is_empty() {
            let place = Span::new(source, 0, 0);
            diagnostics.push(error::unexpected_token(place, "nothing", "an expression"));
        }
        return (None, diagnostics);
    }
    let expr = recover::parse_expression(source, &pieces, &mut diagnostics);
    (expr, in_order(diagnostics))
}

/// What stands inside of brackets that are opened first and closed last: of `(a) + (b)` there is none.
pub(crate) fn in_brackets(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('(')?.strip_suffix(')')?;
    let mut depth = 0;
    for c in inside.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return None;
        }
    }
    Some(inside)
}

/// Whether the text stops in the middle: inside a bracket, after an operator or comma, or after a doc
/// comment. The terminal then reads another line.
///
/// ```
/// use elbo::syntax::is_incomplete;
/// assert!(is_incomplete("for i in 1..N {"));
/// assert!(!is_incomplete("x ~ Normal(0, 1)"));
/// ```
pub fn is_incomplete(text: &str) -> bool {
    let lexed = lexer::lex(SourceId(0), text);
    layout::lay_out(SourceId(0), &lexed.pieces).incomplete
}

/// All that is done before the grammar.
struct Tokens<'t> {
    pieces: Vec<Piece<'t>>,
    comments: Vec<Comment>,
    diagnostics: Diagnostics,
}

fn tokens(source: SourceId, text: &str) -> Tokens<'_> {
    if text.len() > MAX_TEXT {
        let diagnostics = vec![error::too_long(Span::new(source, 0, 0))];
        return Tokens {
            pieces: Vec::new(),
            comments: Vec::new(),
            diagnostics,
        };
    }
    let mut lexed = lexer::lex(source, text);
    let laid_out = layout::lay_out(source, &lexed.pieces);
    let (mut comments, mut diagnostics) = (lexed.comments, std::mem::take(&mut lexed.diagnostics));
    for doc in &laid_out.stray_docs {
        if let Token::Doc(text) = doc.token {
            let span = Span::new(source, doc.start, doc.end);
            comments.push(Comment {
                text: lexer::comment_text(text),
                span,
            });
        }
    }
    comments.sort_by_key(|c| c.span.start);
    diagnostics.extend(laid_out.diagnostics);
    let mut pieces = laid_out.pieces;
    if let Some(problem) = nesting::check(source, &pieces) {
        diagnostics.push(problem);
        pieces.clear();
    }
    Tokens {
        pieces,
        comments,
        diagnostics,
    }
}

/// The statements of the file itself, each with its [`Token::End`].
fn top_level<'p, 't>(pieces: &'p [Piece<'t>]) -> impl Iterator<Item = &'p [Piece<'t>]> {
    let mut depth = 0usize;
    pieces.split_inclusive(move |piece| {
        match piece.token {
            Token::LBrace => depth += 1,
            Token::RBrace => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && piece.token == Token::End
    })
}

/// Diagnostics in the order of their places.
fn in_order(mut diagnostics: Diagnostics) -> Diagnostics {
    diagnostics.sort_by_key(|d| d.labels.first().map_or(0, |l| l.span.start));
    diagnostics
}
