//! Lines to statements: decides which new lines end a statement, and balances the brackets.
//!
//! After this pass the tokens hold [`Token::End`] between statements and nowhere else, every bracket
//! has its partner (missing ones are reported and put in), and a keyword that can only be meant as
//! a name (`x.data`, `f(data = 1)`) is one. So the grammar needs to know nothing of lines, and
//! recovery can trust that braces nest.

use super::error;
use super::lexer::{Piece, Token};
use crate::diag::{Diagnostics, SourceId, Span};

/// Tokens for the grammar.
pub(crate) struct Layout<'t> {
    pub pieces: Vec<Piece<'t>>,
    pub diagnostics: Diagnostics,
    /// Doc comments that no statement follows: ordinary comments, in effect.
    pub stray_docs: Vec<Piece<'t>>,
    /// The text ends inside a bracket, after an operator or after a doc comment.
    pub incomplete: bool,
}

/// Lays the lexed tokens out for the grammar.
pub(crate) fn lay_out<'t>(source: SourceId, input: &[Piece<'t>]) -> Layout<'t> {
    let mut pass = Pass {
        source,
        input,
        pieces: Vec::with_capacity(input.len() + 1),
        diagnostics: Vec::new(),
        open: Vec::new(),
        ended: false,
        stray_docs: Vec::new(),
    };
    let mut docs = Vec::new();
    for (at, piece) in input.iter().enumerate() {
        match piece.token {
            Token::Newline => pass.newline(at),
            Token::Semicolon => pass.semicolon(at),
            Token::Doc(_) => docs.push(*piece),
            _ => pass.token(at, &mut docs),
        }
    }
    let doc_at_end = !docs.is_empty();
    pass.stray_docs.append(&mut docs);
    pass.finish(doc_at_end)
}

/// An open bracket.
struct Open<'t> {
    piece: Piece<'t>,
    /// Its index among the tokens written.
    at: usize,
    /// Something inside is known to be wrong that explains a missing partner.
    excused: bool,
}

struct Pass<'i, 't> {
    source: SourceId,
    input: &'i [Piece<'t>],
    pieces: Vec<Piece<'t>>,
    diagnostics: Diagnostics,
    open: Vec<Open<'t>>,
    /// A statement has ended; `End` is written when another follows.
    ended: bool,
    stray_docs: Vec<Piece<'t>>,
}

impl<'t> Pass<'_, 't> {
    fn newline(&mut self, at: usize) {
        if self.in_round_or_square() && self.starts_statement(at + 1) {
            let place = self.pieces.last().map_or(0, |p| p.end);
            self.close_down_to(|open| open == Token::LBrace, place, place);
        }
        // What is missing after an operator is missed at its own line, not at the next statement.
        let continues = self.pieces.last().is_none_or(|p| p.token.continues_line())
            && !self.keyword_starts_statement(at + 1);
        if !self.in_round_or_square() && !continues && !self.joins_line_before(at) {
            self.ended = true;
        }
    }

    fn semicolon(&mut self, at: usize) {
        if self.in_round_or_square() {
            let (start, end) = (self.input[at].start, self.input[at].end);
            self.close_down_to(|open| open == Token::LBrace, start, end);
        }
        self.ended = true;
    }

    /// Handles any other token; `docs` are the doc comments read since the last one.
    fn token(&mut self, at: usize, docs: &mut Vec<Piece<'t>>) {
        let piece = self.as_name(at);
        if piece.token == Token::RBrace {
            self.ended = false;
        }
        if matches!(piece.token, Token::RParen | Token::RBracket | Token::RBrace) {
            self.stray_docs.append(docs);
        }
        match piece.token {
            Token::RParen => return self.close(piece, Token::LParen),
            Token::RBracket => return self.close(piece, Token::LBracket),
            Token::RBrace => return self.close(piece, Token::LBrace),
            _ => {}
        }
        if std::mem::take(&mut self.ended) && self.after_statement() {
            let end = self.pieces.last().map_or(0, |p| p.end);
            self.put(Token::End, end, end);
        }
        let head = !self.after_statement();
        if head {
            self.pieces.append(docs);
        }
        self.stray_docs.append(docs);
        if self.is_elif(piece) {
            let text = "else if";
            let written = if let Token::Name(name) = piece.token {
                name
            } else {
                ""
            };
            self.diagnostics.push(error::foreign(
                self.span(piece),
                written,
                text,
                "a further branch",
            ));
            self.pieces.push(Piece {
                token: Token::Else,
                ..piece
            });
            self.pieces.push(Piece {
                token: Token::If,
                ..piece
            });
            return;
        }
        match piece.token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                self.open.push(Open {
                    piece,
                    at: self.pieces.len(),
                    excused: false,
                });
            }
            Token::OpenStr(_) => self.excuse(),
            _ => {}
        }
        let token = if head && piece.token == Token::If {
            Token::IfStatement
        } else {
            piece.token
        };
        self.pieces.push(Piece { token, ..piece });
    }

    fn finish(mut self, doc_at_end: bool) -> Layout<'t> {
        let end = self.pieces.last().map_or(0, |p| p.end);
        let dangling = self
            .pieces
            .last()
            .is_some_and(|p| p.token.continues_line() && !p.reported);
        let incomplete = doc_at_end || dangling || self.open.iter().any(|o| !o.excused);
        self.close_down_to(|_| false, end, end);
        if !self.pieces.is_empty() {
            self.put(Token::End, end, end);
        }
        Layout {
            pieces: self.pieces,
            diagnostics: self.diagnostics,
            stray_docs: self.stray_docs,
            incomplete,
        }
    }

    /// The token, as a name where a keyword stands after `.` or before the `=` of an argument.
    fn as_name(&self, at: usize) -> Piece<'t> {
        let piece = self.input[at];
        let Some(word) = piece.token.keyword() else {
            return piece;
        };
        let member = !self.ended && self.pieces.last().is_some_and(|p| p.token == Token::Dot);
        let argument = self.innermost() == Some(Token::LParen) && self.next_is_assign(at);
        if member || argument {
            return Piece {
                token: Token::Name(word),
                ..piece
            };
        }
        piece
    }

    fn next_is_assign(&self, at: usize) -> bool {
        let mut rest = self.input[at + 1..].iter().map(|p| p.token);
        rest.find(|t| *t != Token::Newline) == Some(Token::Assign)
    }

    fn innermost(&self) -> Option<Token<'t>> {
        self.open.last().map(|o| o.piece.token)
    }

    fn in_round_or_square(&self) -> bool {
        matches!(self.innermost(), Some(Token::LParen | Token::LBracket))
    }

    /// Whether part of a statement has been written since the last one ended.
    fn after_statement(&self) -> bool {
        let last = self.pieces.last().map(|p| p.token);
        !matches!(
            last,
            None | Some(Token::End | Token::LBrace | Token::Doc(_))
        )
    }

    /// Whether the next line that is not blank starts with `.name` or `else`.
    fn joins_line_before(&self, at: usize) -> bool {
        let mut rest = self.input[at..]
            .iter()
            .filter(|p| !matches!(p.token, Token::Newline));
        rest.next().is_some_and(|next| {
            matches!(next.token, Token::Dot | Token::Else) || self.is_elif(*next)
        })
    }

    /// Whether the line from `at` can only be a statement, so that the bracket around it was left open.
    fn starts_statement(&self, at: usize) -> bool {
        let Some(first) = self.input.get(at) else {
            return false;
        };
        if first.token != Token::For && self.keyword_starts_statement(at) {
            return true;
        }
        let mut depth = 0;
        for piece in &self.input[at..] {
            match piece.token {
                Token::Newline | Token::Semicolon => return false,
                Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
                Token::RParen | Token::RBracket | Token::RBrace if depth == 0 => return false,
                Token::RParen | Token::RBracket | Token::RBrace => depth -= 1,
                Token::Tilde if depth == 0 => return true,
                _ => {}
            }
        }
        false
    }

    /// Whether a word at `at` can only begin a statement.
    fn keyword_starts_statement(&self, at: usize) -> bool {
        use Token::*;
        let first = self.input.get(at).map(|p| p.token);
        matches!(first, Some(Data | Param | Let | Factor | Fn | Import | For))
            && !self.next_is_assign(at)
    }

    fn is_elif(&self, piece: Piece<'t>) -> bool {
        matches!(piece.token, Token::Name("elif" | "elsif" | "elseif"))
            && self.pieces.last().is_some_and(|p| p.token == Token::RBrace)
    }

    /// A string left open swallows the brackets to the end of its line.
    fn excuse(&mut self) {
        for open in self.open.iter_mut().rev() {
            if open.piece.token == Token::LBrace {
                break;
            }
            open.excused = true;
        }
    }

    fn close(&mut self, piece: Piece<'t>, opener: Token<'t>) {
        if !self.open.iter().any(|o| o.piece.token == opener) {
            self.diagnostics.push(error::unmatched_closer(
                self.span(piece),
                closer_text(opener),
            ));
            return;
        }
        self.close_down_to(|open| open == opener, piece.start, piece.end);
        self.open.pop();
        self.pieces.push(piece);
    }

    /// Closes open brackets until one satisfies `stop` (which stays open). The place `start..end` is
    /// where their partners were missed.
    fn close_down_to(&mut self, stop: impl Fn(Token<'t>) -> bool, start: usize, end: usize) {
        let mut missed = Vec::new();
        let mut from = self.pieces.len();
        while let Some(open) = self.open.pop_if(|o| !stop(o.piece.token)) {
            self.put(partner(open.piece.token), start, start);
            if matches!(open.piece.token, Token::LParen | Token::LBracket) {
                from = open.at;
            }
            if !open.excused {
                missed.push((self.span(open.piece), closer_text(open.piece.token)));
            }
        }
        // What stands inside is read as one expression, which it may not be.
        for piece in &mut self.pieces[from..] {
            piece.reported = true;
        }
        if !missed.is_empty() {
            let place = Span::new(self.source, start, end);
            self.diagnostics
                .push(error::unclosed_bracket(&missed, place));
        }
    }

    /// Writes a token that the text does not hold. `End` is real, the others are already reported.
    fn put(&mut self, token: Token<'t>, start: usize, end: usize) {
        let reported = token != Token::End;
        self.pieces.push(Piece {
            token,
            start,
            end,
            reported,
        });
    }

    fn span(&self, piece: Piece<'t>) -> Span {
        Span::new(self.source, piece.start, piece.end)
    }
}

fn partner<'t>(opener: Token<'t>) -> Token<'t> {
    match opener {
        Token::LParen => Token::RParen,
        Token::LBracket => Token::RBracket,
        _ => Token::RBrace,
    }
}

fn closer_text(opener: Token<'_>) -> &'static str {
    match opener {
        Token::LParen => ")",
        Token::LBracket => "]",
        _ => "}",
    }
}
