//! Text to [`Token`]s with their places, by logos.
//!
//! A token is a slice of the source: numbers are converted and strings unescaped only when the tree
//! is built, so that lexing cannot fail. `1..N` is why a real number needs a digit after its point.
//! What is spelt as in another language (`**`, `#`) is reported here and read as what was meant.

use super::ast::Comment;
use super::error;
use crate::diag::{Diagnostics, SourceId, Span};
use logos::Logos;

/// The terminals of the grammar, and the few that the layout removes before it.
#[derive(Logos, Clone, Copy, Debug, PartialEq)]
#[logos(skip r"[ \t\r\u{b}\u{c}\u{feff}\u{a0}\u{2000}-\u{200b}\u{3000}]+")]
pub(crate) enum Token<'t> {
    #[regex(r"[\p{XID_Start}_]\p{XID_Continue}*")]
    Name(&'t str),
    #[regex(r"[0-9][0-9_]*")]
    Int(&'t str),
    #[regex(r"[0-9][0-9_]*\.[0-9][0-9_]*([eE][+-]?[0-9][0-9_]*)?")]
    #[regex(r"[0-9][0-9_]*[eE][+-]?[0-9][0-9_]*")]
    Real(&'t str),
    /// With its quotes and escapes as written.
    #[regex(r#""([^"\\\n]|\\[^\n])*""#)]
    Str(&'t str),
    #[regex(r#""([^"\\\n]|\\[^\n])*"#)]
    OpenStr(&'t str),
    /// One line of `///`.
    Doc(&'t str),
    #[regex(r"//[^\n]*", allow_greedy = true)]
    #[regex(r"#[^\n]*", allow_greedy = true)]
    #[regex(r"/\*([^*]|\*+[^*/])*\*+/", allow_greedy = true)]
    Comment(&'t str),
    #[token("\n")]
    Newline,

    #[token("data")]
    Data,
    #[token("param")]
    Param,
    #[token("let")]
    Let,
    #[token("factor")]
    Factor,
    #[token("for")]
    For,
    #[token("in")]
    In,
    #[token("if")]
    If,
    #[token("else")]
    Else,
    #[token("fn")]
    Fn,
    #[token("import")]
    Import,
    #[token("true")]
    True,
    #[token("false")]
    False,
    // These four are words of the grammar only where it expects them, and names elsewhere.
    #[token("as")]
    As,
    #[token("guide")]
    Guide,
    #[token("batch")]
    Batch,
    #[token("where")]
    Where,

    #[token("(")]
    LParen,
    #[token(")")]
    RParen,
    #[token("[")]
    LBracket,
    #[token("]")]
    RBracket,
    #[token("{")]
    LBrace,
    #[token("}")]
    RBrace,
    #[token(",")]
    Comma,
    #[token(";")]
    Semicolon,
    #[token(":")]
    Colon,
    #[token(":=")]
    ColonEq,
    #[token(".")]
    Dot,
    #[token("..")]
    DotDot,
    #[token("->")]
    Arrow,
    #[token("~")]
    Tilde,
    #[token("=")]
    Assign,
    #[token("|")]
    Bar,
    #[token("'")]
    Quote,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("**")]
    StarStar,
    #[token("/")]
    Slash,
    #[token("%")]
    Percent,
    #[token("@")]
    At,
    #[token("^")]
    Caret,
    #[token("==")]
    EqEq,
    #[token("!=")]
    NotEq,
    #[token("<")]
    Less,
    #[token("<=")]
    LessEq,
    #[token(">")]
    Greater,
    #[token(">=")]
    GreaterEq,
    #[token("&")]
    And,
    #[token("&&")]
    AndAnd,
    #[token("||")]
    OrOr,
    #[token("!")]
    Not,

    // Made by the layout and by recovery, never lexed.
    /// The end of a statement, by a new line or `;`.
    End,
    /// An `if` at the head of a statement.
    IfStatement,
    /// Characters that mean nothing; reported by the lexer.
    Bad,
    /// Stands for a statement that could not be parsed.
    Failed,
}

impl Token<'_> {
    /// The fixed text of a keyword, also of those that are names outside their place.
    pub(crate) fn keyword(self) -> Option<&'static str> {
        Some(match self {
            Token::Data => "data",
            Token::Param => "param",
            Token::Let => "let",
            Token::Factor => "factor",
            Token::For => "for",
            Token::In => "in",
            Token::If | Token::IfStatement => "if",
            Token::Else => "else",
            Token::Fn => "fn",
            Token::Import => "import",
            Token::True => "true",
            Token::False => "false",
            Token::As => "as",
            Token::Guide => "guide",
            Token::Batch => "batch",
            Token::Where => "where",
            _ => return None,
        })
    }

    /// Whether a statement goes on after a line that ends with this token.
    pub(crate) fn continues_line(self) -> bool {
        use Token::*;
        matches!(
            self,
            Comma | ColonEq | DotDot | Arrow | Tilde | Assign | Bar | Else
        ) || self.is_operator()
    }

    /// Whether this is the sign of a unary or binary operation.
    pub(crate) fn is_operator(self) -> bool {
        use Token::*;
        matches!(
            self,
            Plus | Minus
                | Star
                | Slash
                | Percent
                | At
                | Caret
                | EqEq
                | NotEq
                | Less
                | LessEq
                | Greater
                | GreaterEq
                | AndAnd
                | OrOr
                | Not
        )
    }
}

/// A token and its bytes `start..end` in the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'t> {
    pub token: Token<'t>,
    pub start: usize,
    pub end: usize,
    /// The text here is already known to be wrong: what the parser says of it would only repeat that.
    pub reported: bool,
}

/// All that lexing finds.
pub(crate) struct Lexed<'t> {
    /// With [`Token::Newline`] and [`Token::Semicolon`], without comments.
    pub pieces: Vec<Piece<'t>>,
    pub comments: Vec<Comment>,
    pub diagnostics: Diagnostics,
}

/// Splits the text into tokens. What cannot be read is reported and becomes [`Token::Bad`].
pub(crate) fn lex(source: SourceId, text: &str) -> Lexed<'_> {
    let mut lexed = Lexed {
        pieces: Vec::new(),
        comments: Vec::new(),
        diagnostics: Vec::new(),
    };
    for (token, range) in Token::lexer(text).spanned() {
        let span = Span::new(source, range.start, range.end);
        let mut piece = Piece {
            token: token.unwrap_or(Token::Bad),
            start: range.start,
            end: range.end,
            reported: false,
        };
        match piece.token {
            Token::Comment(comment) => {
                lexed.comment(comment, piece, span);
                continue;
            }
            Token::Bad => {
                piece.reported = true;
                if lexed.extend_bad(piece, source, text) {
                    continue;
                }
            }
            Token::OpenStr(_) => {
                piece.reported = true;
                lexed.diagnostics.push(error::unterminated_string(span));
            }
            Token::StarStar => {
                piece.token = Token::Caret;
                lexed
                    .diagnostics
                    .push(error::foreign(span, "**", "^", "a power"));
            }
            Token::And => {
                piece.token = Token::AndAnd;
                lexed
                    .diagnostics
                    .push(error::foreign(span, "&", "&&", "“and”"));
            }
            _ => {}
        }
        lexed.pieces.push(piece);
    }
    lexed
}

impl<'t> Lexed<'t> {
    fn comment(&mut self, text: &'t str, piece: Piece<'t>, span: Span) {
        if text.starts_with('#') || text.starts_with("/*") {
            let sign = if text.starts_with('#') { "#" } else { "/*" };
            self.diagnostics.push(error::foreign(
                Span {
                    end: span.start + sign.len() as u32,
                    ..span
                },
                sign,
                "//",
                "a comment",
            ));
        } else if text.starts_with("///") && !text.starts_with("////") {
            let token = Token::Doc(&text[3..]);
            self.pieces.push(Piece { token, ..piece });
        } else {
            let text = comment_text(&text[2..]);
            self.comments.push(Comment { text, span });
        }
    }

    /// Adds to the last run of bad characters, or reports a new one; whether it was the former.
    fn extend_bad(&mut self, piece: Piece<'t>, source: SourceId, text: &str) -> bool {
        if let Some(last) = self.pieces.last_mut()
            && last.token == Token::Bad
            && last.end == piece.start
        {
            last.end = piece.end;
            let span = Span::new(source, last.start, last.end);
            self.diagnostics.pop();
            self.diagnostics.push(error::unexpected_character(
                span,
                &text[last.start..last.end],
            ));
            return true;
        }
        let span = Span::new(source, piece.start, piece.end);
        self.diagnostics.push(error::unexpected_character(
            span,
            &text[piece.start..piece.end],
        ));
        false
    }
}

/// A comment's text without the one space that usually follows the slashes.
pub(crate) fn comment_text(written: &str) -> String {
    let text = written.trim_end();
    text.strip_prefix(' ').unwrap_or(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token<'_>> {
        lex(SourceId(0), text)
            .pieces
            .iter()
            .map(|p| p.token)
            .collect()
    }

    #[test]
    fn a_range_of_integers_is_not_a_real_number() {
        use Token::*;
        assert_eq!(tokens("1..N"), [Int("1"), DotDot, Name("N")]);
        assert_eq!(tokens("1.5..2"), [Real("1.5"), DotDot, Int("2")]);
        assert_eq!(tokens("1.sum"), [Int("1"), Dot, Name("sum")]);
        assert_eq!(tokens("1e-3 1_000"), [Real("1e-3"), Int("1_000")]);
    }

    #[test]
    fn transposes_underscores_and_greek_letters() {
        use Token::*;
        assert_eq!(tokens("μ' @ β_1"), [Name("μ"), Quote, At, Name("β_1")]);
        assert_eq!(tokens("_ _x data2"), [Name("_"), Name("_x"), Name("data2")]);
    }

    #[test]
    fn byte_order_marks_and_carriage_returns_are_blank() {
        use Token::*;
        assert_eq!(tokens("\u{feff}a\r\n\tb"), [Name("a"), Newline, Name("b")]);
    }

    #[test]
    fn adjacent_bad_characters_are_one_error() {
        let lexed = lex(SourceId(0), "a €£ b $");
        assert_eq!(lexed.diagnostics.len(), 2);
        assert_eq!(lexed.pieces.len(), 4);
    }
}
