//! Parses one statement; when that fails, reports why and parses what is left of it.
//!
//! The innermost statement around the failure becomes [`Token::Failed`], which the grammar accepts,
//! and the blocks that follow the failure inside it stay, so that their statements are looked at too.
//! Each round removes one failure, so every statement is judged by itself and none is blamed for
//! another's mistake.

use super::actions::Actions;
use super::ast::{Expr, Statement, StatementKind};
use super::lexer::{Piece, Token};
use super::{grammar, message};
use crate::diag::{Diagnostics, SourceId, Span};
use lalrpop_util::ParseError;
use std::convert::Infallible;

/// Beyond so many failures in one statement the rest of it is not looked at.
const MAX_FAILURES: usize = 50;

type Failure<'t> = ParseError<usize, Token<'t>, Infallible>;

/// Parses one statement that ends in [`Token::End`].
pub(crate) fn parse_statement<'t>(
    source: SourceId,
    mut pieces: Vec<Piece<'t>>,
    diagnostics: &mut Diagnostics,
) -> Statement {
    let whole = place(source, &pieces, 0, pieces.len());
    for _ in 0..MAX_FAILURES {
        let mut actions = Actions::new(source, &pieces);
        let result = grammar::StatementLineParser::new().parse(&mut actions, numbered(&pieces));
        match result {
            Ok(statement) => {
                diagnostics.append(&mut actions.diagnostics);
                return statement;
            }
            Err(failure) => {
                let at = report(source, &pieces, failure, diagnostics);
                pieces = without_failed(&pieces, at);
            }
        }
    }
    Statement {
        kind: StatementKind::Error,
        span: whole,
        doc: Vec::new(),
    }
}

/// Parses one expression that ends in [`Token::End`].
pub(crate) fn parse_expression(
    source: SourceId,
    pieces: &[Piece<'_>],
    diagnostics: &mut Diagnostics,
) -> Option<Expr> {
    let mut actions = Actions::new(source, pieces);
    let result = grammar::ExprLineParser::new().parse(&mut actions, numbered(pieces));
    diagnostics.append(&mut actions.diagnostics);
    match result {
        Ok(expr) => Some(expr),
        Err(failure) => {
            report(source, pieces, failure, diagnostics);
            None
        }
    }
}

/// The tokens with their indices for places.
fn numbered<'t>(
    pieces: &[Piece<'t>],
) -> impl Iterator<Item = Result<(usize, Token<'t>, usize), Infallible>> {
    pieces
        .iter()
        .enumerate()
        .map(|(i, p)| Ok((i, p.token, i + 1)))
}

/// Reports a failure, unless its cause is known already, and gives the index of its token.
fn report(
    source: SourceId,
    pieces: &[Piece<'_>],
    failure: Failure<'_>,
    diagnostics: &mut Diagnostics,
) -> usize {
    let last = pieces.len().saturating_sub(1);
    let (at, expected) = match failure {
        ParseError::UnrecognizedToken {
            token: (at, _, _),
            expected,
        } => (at, expected),
        ParseError::UnrecognizedEof { expected, .. } => (last, expected),
        ParseError::ExtraToken { token: (at, _, _) }
        | ParseError::InvalidToken { location: at } => (at, Vec::new()),
        ParseError::User { error } => match error {},
    };
    if pieces.get(at).is_some_and(|p| !p.reported) {
        let span = place(source, pieces, at, at + 1);
        diagnostics.push(message::unexpected(span, pieces, at, &expected));
    }
    at
}

fn place(source: SourceId, pieces: &[Piece<'_>], from: usize, to: usize) -> Span {
    let start = pieces.get(from).map_or(0, |p| p.start);
    let end = pieces.get(to.saturating_sub(1)).map_or(start, |p| p.end);
    Span::new(source, start, end.max(start))
}

/// The tokens with the innermost statement around token `at` replaced.
fn without_failed<'t>(pieces: &[Piece<'t>], at: usize) -> Vec<Piece<'t>> {
    let start = statement_start(pieces, at);
    let mut out = pieces[..start].to_vec();
    let mut failed = Piece {
        token: Token::Failed,
        ..pieces[start.min(pieces.len() - 1)]
    };
    failed.end = pieces[at].end.max(failed.start);
    failed.reported = false;
    out.push(failed);
    // Depth in brackets, and in a block that is kept, from `at` on.
    let (mut depth, mut kept) = (0usize, 0usize);
    for (i, piece) in pieces.iter().enumerate().skip(start) {
        let outside = depth == 0 && kept == 0;
        match piece.token {
            Token::End | Token::RBrace if outside => {
                out.extend_from_slice(&pieces[i..]);
                return out;
            }
            Token::LBrace if i >= at && (outside || kept > 0) => kept += 1,
            Token::LParen | Token::LBracket | Token::LBrace if kept == 0 => depth += 1,
            Token::RParen | Token::RBracket | Token::RBrace if kept == 0 => {
                depth = depth.saturating_sub(1)
            }
            Token::RBrace => {
                kept -= 1;
                out.push(*piece);
                continue;
            }
            _ => {}
        }
        if kept > 0 {
            out.push(*piece);
        }
    }
    out
}

/// Where the innermost statement that holds token `at` begins.
fn statement_start(pieces: &[Piece<'_>], at: usize) -> usize {
    // For each block open before `at`: where its current statement begins.
    let mut starts = vec![0];
    for (i, piece) in pieces[..at].iter().enumerate() {
        match piece.token {
            Token::LBrace => starts.push(i + 1),
            Token::RBrace => {
                starts.pop();
            }
            Token::End => {
                if let Some(start) = starts.last_mut() {
                    *start = i + 1;
                }
            }
            _ => {}
        }
    }
    starts.last().copied().unwrap_or(0)
}
