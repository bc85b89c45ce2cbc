//! What the grammar does when it recognises something: builds the tree, with places, and reports the
//! mistakes whose meaning is plain.
//!
//! One [`Actions`] serves one attempt at one statement, so that what it reports is dropped with the
//! attempt. Places arrive as indices of tokens and leave as [`Span`]s.

use super::ast::*;
use super::error;
use super::lexer::{Piece, Token, comment_text};
use crate::diag::{Diagnostic, Diagnostics, SourceId, Span};

/// What the actions know: the tokens being parsed, and what is wrong with them.
pub(crate) struct Actions<'a> {
    source: SourceId,
    pieces: &'a [Piece<'a>],
    pub diagnostics: Diagnostics,
}

/// Statements in braces.
pub(crate) struct Block {
    pub statements: Vec<Statement>,
    pub span: Span,
}

/// An `if` before it is known whether it is a statement or a value.
pub(crate) struct IfChain {
    pub condition: Expr,
    pub then: Block,
    pub otherwise: Option<Else>,
    pub span: Span,
}

/// What follows an `else`.
pub(crate) enum Else {
    Block(Block),
    If(Box<IfChain>),
}

impl<'a> Actions<'a> {
    pub fn new(source: SourceId, pieces: &'a [Piece<'a>]) -> Actions<'a> {
        Actions {
            source,
            pieces,
            diagnostics: Vec::new(),
        }
    }

    /// The bytes of tokens `l..r`; an empty range is the place just before token `l`.
    pub fn span(&self, l: usize, r: usize) -> Span {
        let start = self.pieces.get(l).map_or(0, |p| p.start);
        let end = r
            .checked_sub(1)
            .and_then(|last| self.pieces.get(last))
            .map_or(start, |p| p.end);
        Span::new(self.source, start, end.max(start))
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn expr(&self, l: usize, kind: ExprKind, r: usize) -> Expr {
        Expr {
            kind,
            span: self.span(l, r),
        }
    }

    // ---- Names and literals

    pub fn ident(&self, l: usize, name: &str) -> Ident {
        // The micro sign of many keyboards and the Greek letter look the same, so they are.
        Ident {
            name: name.replace('\u{b5}', "\u{3bc}"),
            span: self.span(l, l + 1),
        }
    }

    pub fn name(&self, ident: Ident) -> Expr {
        Expr {
            kind: ExprKind::Name(ident.name),
            span: ident.span,
        }
    }

    pub fn bool(&self, l: usize, value: bool) -> Expr {
        self.expr(l, ExprKind::Bool(value), l + 1)
    }

    pub fn integer(&mut self, l: usize, text: &str) -> Expr {
        let kind = match text.replace('_', "").parse() {
            Ok(value) => ExprKind::Int(value),
            Err(_) => {
                self.report(error::number_out_of_range(
                    self.span(l, l + 1),
                    text,
                    "integer",
                ));
                ExprKind::Error
            }
        };
        self.expr(l, kind, l + 1)
    }

    pub fn real(&mut self, l: usize, text: &str) -> Expr {
        let digits = text.replace('_', "");
        let value: f64 = digits.parse().unwrap_or(f64::INFINITY);
        let mantissa = digits.split(['e', 'E']).next().unwrap_or("");
        let vanished = value == 0.0 && mantissa.contains(|c: char| ('1'..='9').contains(&c));
        let kind = if value.is_finite() && !vanished {
            ExprKind::Real(value)
        } else {
            self.report(error::number_out_of_range(
                self.span(l, l + 1),
                text,
                "real",
            ));
            ExprKind::Error
        };
        self.expr(l, kind, l + 1)
    }

    pub fn string(&mut self, l: usize, raw: &str) -> Expr {
        let text = self.unescape(l, raw);
        self.expr(l, ExprKind::String(text), l + 1)
    }

    /// The text that a string token stands for.
    pub fn unescape(&mut self, l: usize, raw: &str) -> String {
        let inner = raw.strip_prefix('"').unwrap_or(raw);
        let closed = self
            .pieces
            .get(l)
            .is_none_or(|p| !matches!(p.token, Token::OpenStr(_)));
        let inner = if closed {
            inner.strip_suffix('"').unwrap_or(inner)
        } else {
            inner
        };
        let mut out = String::new();
        let mut rest = inner;
        while let Some(at) = rest.find('\\') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let (character, length) = escape(rest);
            match character {
                Some(c) => out.push(c),
                None => {
                    self.report(error::bad_escape(self.span(l, l + 1), &rest[..length]));
                    out.push_str(&rest[..length]);
                }
            }
            rest = &rest[length..];
        }
        out.push_str(rest);
        out
    }

    // ---- Expressions

    pub fn unary(&self, l: usize, op: UnaryOp, value: Expr, r: usize) -> Expr {
        self.expr(
            l,
            ExprKind::Unary {
                op,
                value: Box::new(value),
            },
            r,
        )
    }

    pub fn binary(&self, l: usize, left: Expr, op: BinaryOp, right: Expr, r: usize) -> Expr {
        let (left, right) = (Box::new(left), Box::new(right));
        self.expr(l, ExprKind::Binary { op, left, right }, r)
    }

    /// One comparison, or a chain of them, which is an error.
    pub fn comparison(
        &mut self,
        l: usize,
        first: Expr,
        rest: Vec<(usize, BinaryOp, Expr, usize)>,
    ) -> Expr {
        if let [(_, one, _, _), (_, two, _, r), ..] = rest.as_slice() {
            self.report(error::chained_comparison(
                self.span(l, *r),
                one.symbol(),
                two.symbol(),
            ));
        }
        rest.into_iter().fold(first, |left, (_, op, right, r)| {
            self.binary(l, left, op, right, r)
        })
    }

    pub fn range(&self, l: usize, start: Expr, end: Expr, r: usize) -> Expr {
        self.expr(
            l,
            ExprKind::Range {
                start: Box::new(start),
                end: Box::new(end),
            },
            r,
        )
    }

    pub fn lambda(&self, l: usize, params: Vec<FnParam>, body: Expr, r: usize) -> Expr {
        self.expr(
            l,
            ExprKind::Lambda {
                params,
                body: Box::new(body),
            },
            r,
        )
    }

    pub fn call(&self, l: usize, callee: Expr, args: Vec<Arg>, r: usize) -> Expr {
        self.expr(
            l,
            ExprKind::Call {
                callee: Box::new(callee),
                args,
            },
            r,
        )
    }

    pub fn index(&self, l: usize, value: Expr, indices: Vec<Index>, r: usize) -> Expr {
        self.expr(
            l,
            ExprKind::Index {
                value: Box::new(value),
                indices,
            },
            r,
        )
    }

    pub fn field(&self, l: usize, value: Expr, name: Ident, r: usize) -> Expr {
        self.expr(
            l,
            ExprKind::Field {
                value: Box::new(value),
                name,
            },
            r,
        )
    }

    pub fn transpose(&self, l: usize, value: Expr, r: usize) -> Expr {
        self.expr(l, ExprKind::Transpose(Box::new(value)), r)
    }

    /// The same expression; its place now holds the parentheses.
    pub fn parenthesised(&self, l: usize, value: Expr, r: usize) -> Expr {
        Expr {
            span: self.span(l, r),
            ..value
        }
    }

    pub fn tuple(&self, l: usize, first: Expr, mut rest: Vec<Expr>, r: usize) -> Expr {
        rest.insert(0, first);
        self.expr(l, ExprKind::Tuple(rest), r)
    }

    pub fn array(&self, l: usize, items: Vec<Expr>, r: usize) -> Expr {
        self.expr(l, ExprKind::Array(items), r)
    }

    pub fn comprehension(&self, l: usize, body: Expr, clauses: Vec<Clause>, r: usize) -> Expr {
        self.expr(
            l,
            ExprKind::Comprehension {
                body: Box::new(body),
                clauses,
            },
            r,
        )
    }

    /// An index; a range there is a slice.
    pub fn index_at(&self, value: Expr) -> Index {
        match value.kind {
            ExprKind::Range { start, end } => Index::Range {
                start: Some(*start),
                end: Some(*end),
                span: value.span,
            },
            kind => Index::At(Expr { kind, ..value }),
        }
    }

    pub fn open_range(&self, l: usize, start: Option<Expr>, end: Option<Expr>, r: usize) -> Index {
        Index::Range {
            start,
            end,
            span: self.span(l, r),
        }
    }

    pub fn colon_range(
        &mut self,
        l: usize,
        start: Option<Expr>,
        colon: usize,
        end: Option<Expr>,
        r: usize,
    ) -> Index {
        self.report(error::colon_range(self.span(colon, colon + 1)));
        self.open_range(l, start, end, r)
    }

    pub fn colon_loop(&mut self, l: usize, start: Expr, colon: usize, end: Expr, r: usize) -> Expr {
        self.report(error::colon_range(self.span(colon, colon + 1)));
        self.range(l, start, end, r)
    }

    pub fn assignment_in_condition(
        &mut self,
        l: usize,
        a: Expr,
        m: usize,
        n: usize,
        b: Expr,
        r: usize,
    ) -> Expr {
        self.report(error::assignment_in_condition(self.span(m, n)));
        self.binary(l, a, BinaryOp::Eq, b, r)
    }

    /// A block as an expression. `{ e }` is `e`.
    pub fn block(&self, block: Block) -> Expr {
        let mut statements = block.statements;
        match statements.pop() {
            Some(Statement {
                kind: StatementKind::Expr { value },
                doc,
                ..
            }) if statements.is_empty() && doc.is_empty() => value,
            last => {
                statements.extend(last);
                Expr {
                    kind: ExprKind::Block(statements),
                    span: block.span,
                }
            }
        }
    }

    /// An `if` as a value.
    pub fn if_expr(&mut self, chain: IfChain) -> Expr {
        let otherwise = match chain.otherwise {
            Some(Else::Block(block)) => self.block(block),
            Some(Else::If(chain)) => self.if_expr(*chain),
            None => {
                self.report(error::if_without_else(chain.span));
                Expr {
                    kind: ExprKind::Error,
                    span: chain.span,
                }
            }
        };
        let (condition, then) = (Box::new(chain.condition), Box::new(self.block(chain.then)));
        let kind = ExprKind::If {
            condition,
            then,
            otherwise: Box::new(otherwise),
        };
        Expr {
            kind,
            span: chain.span,
        }
    }

    // ---- Statements

    pub fn statement(&self, docs: Vec<&str>, l: usize, kind: StatementKind, r: usize) -> Statement {
        let doc = docs.into_iter().map(comment_text).collect();
        Statement {
            kind,
            span: self.span(l, r),
            doc,
        }
    }

    pub fn let_(&mut self, target: Expr, value: Expr) -> StatementKind {
        match self.target(target, "=") {
            Some(target) => StatementKind::Let { target, value },
            None => StatementKind::Error,
        }
    }

    pub fn draw(&mut self, target: Expr, dist: Expr) -> StatementKind {
        match self.target(target, "~") {
            Some(target) => StatementKind::Draw { target, dist },
            None => StatementKind::Error,
        }
    }

    /// `x = e` or `x := e`: reported, and read as `let x = e`.
    pub fn bare_assignment(
        &mut self,
        target: Expr,
        l: usize,
        r: usize,
        value: Expr,
    ) -> StatementKind {
        let sign = match self.pieces.get(l).map(|p| p.token) {
            Some(Token::ColonEq) => ":=",
            _ => "=",
        };
        self.report(error::bare_assignment(
            self.span(l, r),
            name_of(&target),
            sign,
        ));
        let before = self.diagnostics.len();
        let statement = self.let_(target, value);
        self.diagnostics.truncate(before);
        statement
    }

    /// An expression by itself. `x <- 1` is read as a comparison, which nobody meant.
    pub fn expression_statement(&mut self, value: Expr) -> StatementKind {
        if let ExprKind::Binary {
            op: BinaryOp::Lt,
            left,
            right,
        } = &value.kind
            && let Some(arrow) = self.arrow_between(left.span, right.span)
        {
            self.report(error::arrow_assignment(arrow, name_of(left)));
            return StatementKind::Error;
        }
        StatementKind::Expr { value }
    }

    /// The place of an adjacent `<-` between two expressions.
    fn arrow_between(&self, left: Span, right: Span) -> Option<Span> {
        let at = self.pieces.partition_point(|p| p.start < left.end as usize);
        let (less, minus) = (self.pieces.get(at)?, self.pieces.get(at + 1)?);
        let adjacent =
            less.token == Token::Less && minus.token == Token::Minus && less.end == minus.start;
        (adjacent && minus.start == right.start as usize).then(|| self.span(at, at + 2))
    }

    /// An `if` at the head of a statement: a value if every branch ends in one.
    pub fn if_statement(&mut self, chain: IfChain) -> StatementKind {
        if chain.is_value() {
            return StatementKind::Expr {
                value: self.if_expr(chain),
            };
        }
        let otherwise = match chain.otherwise {
            None => None,
            Some(Else::Block(block)) => Some(block.statements),
            Some(Else::If(chain)) => {
                let span = chain.span;
                let kind = self.if_statement(*chain);
                Some(vec![Statement {
                    kind,
                    span,
                    doc: Vec::new(),
                }])
            }
        };
        StatementKind::If {
            condition: chain.condition,
            then: chain.then.statements,
            otherwise,
        }
    }

    /// The expression as what stands left of `sign`; reports what cannot.
    fn target(&mut self, expr: Expr, sign: &str) -> Option<Target> {
        let span = expr.span;
        match expr.kind {
            ExprKind::Name(name) => {
                let name = Ident { name, span };
                return Some(Target::Element {
                    name,
                    indices: Vec::new(),
                    span,
                });
            }
            ExprKind::Index { value, indices } => {
                if let Some(name) = site(&value, sign) {
                    return Some(Target::Element {
                        name,
                        indices,
                        span,
                    });
                }
            }
            ExprKind::Field { .. } if site(&expr, sign).is_some() => {
                return site(&expr, sign).map(|name| Target::Element {
                    name,
                    indices: Vec::new(),
                    span,
                });
            }
            ExprKind::Tuple(items) => {
                let items = items
                    .into_iter()
                    .map(|item| self.target(item, sign))
                    .collect::<Option<_>>()?;
                return Some(Target::Tuple { items, span });
            }
            ExprKind::Error => return None,
            ExprKind::Call { .. } | ExprKind::Unary { .. } | ExprKind::Binary { .. }
                if sign == "~" =>
            {
                self.report(error::function_drawn(span));
                return None;
            }
            _ => {}
        }
        self.report(error::not_a_target(span, sign));
        None
    }
}

/// What may be drawn: a name, or after `~` the path of what a function has drawn, `h.w`.
fn site(expr: &Expr, sign: &str) -> Option<Ident> {
    let name = match &expr.kind {
        ExprKind::Name(name) => name.clone(),
        _ if sign == "~" => expr.path()?.1,
        _ => return None,
    };
    let span = expr.span;
    Some(Ident { name, span })
}

impl Block {
    fn is_value(&self) -> bool {
        matches!(
            self.statements.last(),
            Some(Statement {
                kind: StatementKind::Expr { .. },
                ..
            })
        )
    }
}

impl IfChain {
    fn is_value(&self) -> bool {
        self.then.is_value()
            && match &self.otherwise {
                None => false,
                Some(Else::Block(block)) => block.is_value(),
                Some(Else::If(chain)) => chain.is_value(),
            }
    }
}

impl BinaryOp {
    /// The operator as it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Rem => "%",
            BinaryOp::Pow => "^",
            BinaryOp::MatMul => "@",
            BinaryOp::Eq => "==",
            BinaryOp::Ne => "!=",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::And => "&&",
            BinaryOp::Or => "||",
        }
    }
}

fn name_of(target: &Expr) -> Option<&str> {
    match &target.kind {
        ExprKind::Name(name) => Some(name),
        _ => None,
    }
}

/// The character an escape stands for, if it is one, and the length of the escape.
fn escape(text: &str) -> (Option<char>, usize) {
    let second = text[1..].chars().next();
    let length = 1 + second.map_or(0, char::len_utf8);
    let character = match second {
        Some('n') => Some('\n'),
        Some('t') => Some('\t'),
        Some('r') => Some('\r'),
        Some('0') => Some('\0'),
        Some('"') => Some('"'),
        Some('\\') => Some('\\'),
        Some('u') => {
            let hex = text[length..]
                .strip_prefix('{')
                .and_then(|t| t.split_once('}'));
            return match hex {
                Some((digits, _)) => {
                    let code = u32::from_str_radix(digits, 16)
                        .ok()
                        .filter(|_| !digits.starts_with('+'));
                    (code.and_then(char::from_u32), length + digits.len() + 2)
                }
                None => (None, length),
            };
        }
        _ => None,
    };
    (character, length)
}
