//! The syntax tree: what was written, with its places and nothing else.
//!
//! Every node carries the [`Span`] of its text. Names are not resolved here and nothing has a type.

use crate::diag::Span;

/// A parsed file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ast {
    pub statements: Vec<Statement>,
    /// Ordinary `//` comments, in order, for tools that print the program back.
    pub comments: Vec<Comment>,
}

/// An ordinary comment, its text without the slashes.
#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    pub text: String,
    pub span: Span,
}

/// A name where it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ident {
    pub name: String,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub kind: StatementKind,
    pub span: Span,
    /// Lines of `///` before the statement, without the slashes.
    pub doc: Vec<String>,
}

impl Statement {
    /// Makes loops in batches, here and inside, plain loops.
    pub fn forget_batches(&mut self) {
        match &mut self.kind {
            StatementKind::For { batch, body, .. } => {
                *batch = None;
                body.iter_mut().for_each(Statement::forget_batches);
            }
            StatementKind::If {
                then, otherwise, ..
            } => {
                let all = then.iter_mut().chain(otherwise.iter_mut().flatten());
                all.for_each(Statement::forget_batches);
            }
            StatementKind::GuideBlock { body } => {
                body.iter_mut().for_each(Statement::forget_batches);
            }
            _ => {}
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// `import nn`, `import "shared/priors.vi" as priors`
    Import {
        path: ImportPath,
        alias: Option<Ident>,
    },
    /// `data x: type = default where condition`
    Data {
        name: Ident,
        ty: TypeExpr,
        default: Option<Expr>,
        condition: Option<Expr>,
    },
    /// `param w: type = init`
    Param {
        name: Ident,
        ty: TypeExpr,
        init: Option<Expr>,
    },
    /// `target ~ dist`
    Draw { target: Target, dist: Expr },
    /// `let target = value`
    Let { target: Target, value: Expr },
    /// `factor e`
    Factor { value: Expr },
    /// `for i in range batch M { … }`
    For {
        var: Ident,
        range: Expr,
        batch: Option<Expr>,
        body: Vec<Statement>,
    },
    /// `if c { … } else { … }` around statements
    If {
        condition: Expr,
        then: Vec<Statement>,
        otherwise: Option<Vec<Statement>>,
    },
    /// `fn f(x: real, n) -> real = e` or `fn f(x) { …; e }`
    Fn(FnDef),
    /// `guide full_rank`, `guide low_rank(10)`
    Guide { strategy: Expr },
    /// `guide { … }`
    GuideBlock { body: Vec<Statement> },
    /// An expression by itself: the result at the end of a block.
    Expr { value: Expr },
    /// What could not be parsed; an error has been reported for it.
    Error,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ImportPath {
    Module(Ident),
    File { path: String, span: Span },
}

/// What stands left of `~` or `=`.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// `x`, `x[i, 2]`, `x[i, :]`; no indices means the whole.
    Element {
        name: Ident,
        indices: Vec<Index>,
        span: Span,
    },
    /// `(mu, tau)`, in guides.
    Tuple { items: Vec<Target>, span: Span },
}

#[derive(Clone, Debug, PartialEq)]
pub struct FnDef {
    pub name: Ident,
    pub params: Vec<FnParam>,
    pub result: Option<TypeExpr>,
    pub body: Expr,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FnParam {
    pub name: Ident,
    pub ty: Option<TypeExpr>,
    pub default: Option<Expr>,
}

/// `real[N, K + 1]`, `simplex[K]`, `int`.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeExpr {
    pub base: Ident,
    pub dims: Vec<Expr>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A number without point or exponent is an integer.
    Int(i64),
    Real(f64),
    Bool(bool),
    String(String),
    Name(String),
    Unary {
        op: UnaryOp,
        value: Box<Expr>,
    },
    Binary {
        op: BinaryOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `a'`
    Transpose(Box<Expr>),
    /// `f(x, prob = p)`
    Call {
        callee: Box<Expr>,
        args: Vec<Arg>,
    },
    /// `x.name`: a module's member, `labels.levels`, or, when called, a method.
    Field {
        value: Box<Expr>,
        name: Ident,
    },
    /// `a[i, 2..4, :]`
    Index {
        value: Box<Expr>,
        indices: Vec<Index>,
    },
    /// `[a, b, c]`
    Array(Vec<Expr>),
    /// `(a, b)`
    Tuple(Vec<Expr>),
    /// `[f(i, j) for i in 1..N for j in 1..i if c]`
    Comprehension {
        body: Box<Expr>,
        clauses: Vec<Clause>,
    },
    /// `|x, y| x + y`
    Lambda {
        params: Vec<FnParam>,
        body: Box<Expr>,
    },
    /// `if c { a } else { b }`
    If {
        condition: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    /// `{ let a = 1; a + x }`: statements, the last an expression or a draw-free result
    Block(Vec<Statement>),
    /// `1..N`
    Range {
        start: Box<Expr>,
        end: Box<Expr>,
    },
    /// What could not be parsed; an error has been reported for it.
    Error,
}

/// One `for … in …` of a comprehension with the conditions after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    pub var: Ident,
    pub range: Expr,
    pub conditions: Vec<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    pub name: Option<Ident>,
    pub value: Expr,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Index {
    At(Expr),
    /// `a..b`, either end may be left out
    Range {
        start: Option<Expr>,
        end: Option<Expr>,
        span: Span,
    },
    /// `:`
    All(Span),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    Neg,
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Pow,
    MatMul,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
}

impl Expr {
    /// The path of what a function draws or learns, with the name that it begins with: `h.w`, or `layers[2].w` where the
    /// program numbers the elements.
    pub fn path(&self) -> Option<(&str, String)> {
        match &self.kind {
            ExprKind::Name(name) => Some((name, name.clone())),
            ExprKind::Field { value, name } => {
                let (root, path) = value.path()?;
                Some((root, format!("{path}.{}", name.name)))
            }
            ExprKind::Index { value, indices } => {
                let (root, path) = value.path()?;
                let number = |index: &Index| match index {
                    Index::At(Expr {
                        kind: ExprKind::Int(n),
                        ..
                    }) => Some(n.to_string()),
                    _ => None,
                };
                let numbers: Option<Vec<String>> = indices.iter().map(number).collect();
                Some((root, format!("{path}[{}]", numbers?.join(", "))))
            }
            _ => None,
        }
    }
}
