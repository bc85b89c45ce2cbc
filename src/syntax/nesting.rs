//! Bounds the depth of the tree before it is built.
//!
//! The parser keeps its own stack, but everything that walks a tree (dropping it, too) uses the
//! machine's. Each level of the tree comes from at least one token: an operator, a bracket, a bar, an
//! `if` or `else`. Within one bracket the levels since the last `,` or end of a statement add up, and
//! the brackets around it add theirs, so that sum bounds the depth from above.

use super::error;
use super::lexer::{Piece, Token};
use crate::diag::{Diagnostic, SourceId, Span};

/// The deepest tree that is built. A long sum is deep: `a + b + c` has two levels.
pub(crate) const MAX_DEPTH: usize = 200;

#[derive(Default)]
struct Frame {
    levels: usize,
    /// Between the bars of a lambda, where a comma does not end the expression.
    in_bars: bool,
}

/// An error at the first place where the tree would be too deep.
pub(crate) fn check(source: SourceId, pieces: &[Piece<'_>]) -> Option<Diagnostic> {
    let mut frames = vec![Frame::default()];
    let mut depth = 0;
    for piece in pieces {
        let innermost = frames.len() - 1;
        let frame = &mut frames[innermost];
        match piece.token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                frame.levels += 1;
                depth += 1;
                frames.push(Frame::default());
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                depth -= frame.levels;
                frames.pop();
            }
            Token::Comma if !frame.in_bars => depth -= std::mem::take(&mut frame.levels),
            Token::End => depth -= std::mem::take(frame).levels,
            token if adds_level(token) => {
                frame.in_bars ^= token == Token::Bar;
                frame.levels += 1;
                depth += 1;
            }
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Some(error::too_deep(
                Span::new(source, piece.start, piece.end),
                MAX_DEPTH,
            ));
        }
    }
    None
}

fn adds_level(token: Token<'_>) -> bool {
    use Token::*;
    matches!(token, Dot | DotDot | Quote | Bar | If | IfStatement | Else) || token.is_operator()
}
