//! Statements over whole arrays of discrete latents become loops over their elements: what is said of each element
//! alone is summed for each alone. `y ~ Normal(mu[z], 1)` is `for i in 1..N { y[i] ~ Normal(mu[z[i]], 1) }`.

use super::super::bind::Bound;
use super::draws_whole_numbers;
use crate::check::program::{
    DistArg, Expr, ExprKind, Index, LoopId, Nest, Program, Statement, StatementKind, Target, VarId,
    Variable, VariableKind,
};
use crate::diag::Span;
use crate::dist::Kind;
use crate::types::{Base, Type};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// See the head of this file.
pub(in super::super) fn by_elements<'p>(
    program: Cow<'p, Program>,
    bound: &Bound,
) -> Cow<'p, Program> {
    let mut discrete = drawn(&program);
    if discrete.is_empty() {
        return program;
    }
    let mut loops = Loops {
        program: program.into_owned(),
        bound,
    };
    // What a definition makes a loop of can make one of what reads it.
    loop {
        let before = discrete.len();
        for i in 0..loops.program.statements.len() {
            let statement = &loops.program.statements[i];
            if let StatementKind::Let { target, .. } = &statement.kind
                && reads_whole(statement, &discrete)
            {
                discrete.insert(target.var);
            }
        }
        if discrete.len() == before {
            break;
        }
    }
    for i in 0..loops.program.statements.len() {
        while let Some(inner) = loops.inner(i, &discrete) {
            loops.program.statements[i] = inner;
        }
    }
    Cow::Owned(loops.program)
}

/// Discrete latents.
fn drawn(program: &Program) -> BTreeSet<VarId> {
    let of = |s: &Statement| match &s.kind {
        StatementKind::Draw { target, dist } if draws_whole_numbers(dist) => {
            let kind = program.variable(target.var).kind;
            (kind == VariableKind::Latent).then_some(target.var)
        }
        _ => None,
    };
    program.statements.iter().filter_map(of).collect()
}

/// Whether a statement reads an array of `discrete` otherwise than element by element.
fn reads_whole(statement: &Statement, discrete: &BTreeSet<VarId>) -> bool {
    match &statement.kind {
        StatementKind::Draw { dist: e, .. }
        | StatementKind::Let { value: e, .. }
        | StatementKind::Factor { value: e } => is_whole_in(e, discrete),
        _ => false,
    }
}

fn is_whole_in(e: &Expr, discrete: &BTreeSet<VarId>) -> bool {
    match &e.kind {
        ExprKind::Var(id) => discrete.contains(id) && e.ty.rank() > 0,
        ExprKind::Index { value, indices, .. } => {
            let element = matches!(value.kind, ExprKind::Var(_)) && e.ty.rank() == 0;
            let inside = |index: &Index| match index {
                Index::At(e) => is_whole_in(e, discrete),
                _ => false,
            };
            indices.iter().any(inside) || !element && is_whole_in(value, discrete)
        }
        _ => {
            let mut found = false;
            e.children(&mut |child| found |= is_whole_in(child, discrete));
            found
        }
    }
}

struct Loops<'b> {
    program: Program,
    bound: &'b Bound,
}

impl Loops<'_> {
    /// A statement as one of a loop over the first axis of what it is about, where that axis is one of discrete latents.
    fn inner(&mut self, at: usize, discrete: &BTreeSet<VarId>) -> Option<Statement> {
        let Statement {
            kind,
            mut nest,
            span,
        } = self.program.statements[at].clone();
        let (whole, own) = match &kind {
            StatementKind::Draw { target, dist } => (dist, discrete.contains(&target.var)),
            StatementKind::Let { value, .. } if value.ty.number().is_some() => (value, false),
            StatementKind::Factor { value } => (summed(value), false),
            _ => return None,
        };
        let first = match &whole.ty {
            Type::Distribution { array, .. } => array.first(),
            ty => ty.number().and_then(|(_, dims)| dims.first()),
        };
        let n = self.bound.evaluate(first?)?;
        if !own && !is_whole_in(whole, discrete) {
            return None;
        }
        let index = self.index(n, span);
        let element = self.element(whole, &index)?;
        let kind = match &kind {
            StatementKind::Draw { target, .. } => StatementKind::Draw {
                target: with_index(target, &index),
                dist: element,
            },
            StatementKind::Let { target, .. } => StatementKind::Let {
                target: with_index(target, &index),
                value: element,
            },
            _ => StatementKind::Factor { value: element },
        };
        let ExprKind::Var(var) = index.kind else {
            return None;
        };
        self.program.loops += 1;
        nest.push(Nest::For {
            id: LoopId(self.program.loops),
            var,
            range: counting(n, span),
            batch: None,
        });
        Some(Statement { kind, nest, span })
    }

    /// The index of a new loop.
    fn index(&mut self, n: i64, span: Span) -> Expr {
        let var = VarId(self.program.variables.len() as u32);
        self.program.variables.push(Variable {
            name: format!("1..{n}"),
            span,
            kind: VariableKind::Loop,
            ty: Type::scalar(Base::Int),
            size: None,
            of_guide: false,
        });
        Expr {
            kind: ExprKind::Var(var),
            ty: Type::scalar(Base::Int),
            span,
            size: None,
        }
    }

    /// What stands at an index of the first axis of an array, or of an array of draws.
    fn element(&mut self, e: &Expr, index: &Expr) -> Option<Expr> {
        let kind = match &e.kind {
            ExprKind::Distribution { family, form, args } => {
                let parameters = family.declaration().forms[*form].parameters;
                let mut inner = Vec::new();
                for (arg, parameter) in args.iter().zip(parameters) {
                    inner.push(self.element_of_argument(arg, &parameter.kind, index)?);
                }
                ExprKind::Distribution {
                    family: *family,
                    form: *form,
                    args: inner,
                }
            }
            ExprKind::Power { dist, dims } if dims.len() == 1 => return Some((**dist).clone()),
            ExprKind::Power { dist, dims } => ExprKind::Power {
                dist: dist.clone(),
                dims: dims[1..].to_vec(),
            },
            ExprKind::Let { bindings, body } => ExprKind::Let {
                bindings: bindings.clone(),
                body: Box::new(self.element(body, index)?),
            },
            ExprKind::Call { function, args }
                if function.is_elementwise(args.len())
                    && args.iter().all(|a| [0, e.ty.rank()].contains(&a.ty.rank())) =>
            {
                let mut inner = Vec::new();
                for arg in args {
                    inner.push(match arg.ty.rank() {
                        0 => arg.clone(),
                        _ => self.element(arg, index)?,
                    });
                }
                ExprKind::Call {
                    function: function.clone(),
                    args: inner,
                }
            }
            ExprKind::If {
                id,
                condition,
                then,
                otherwise,
            } if condition.ty.rank() == 0 => ExprKind::If {
                id: *id,
                condition: condition.clone(),
                then: Box::new(self.element(then, index)?),
                otherwise: Box::new(self.element(otherwise, index)?),
            },
            // The first axis of the result is the one that stands first among the indices.
            ExprKind::Index { value, indices, .. } => {
                let axis = |i: &Index| !matches!(i, Index::At(e) if e.ty.rank() == 0);
                let first = indices.iter().position(axis);
                let mut indices = indices.clone();
                match first.map(|k| &mut indices[k]) {
                    Some(Index::At(e)) => *e = self.element(e, index)?,
                    Some(all @ Index::All) => *all = Index::At(index.clone()),
                    Some(Index::Range { .. }) => return self.indexed(e, index),
                    None => indices.push(Index::At(index.clone())),
                }
                ExprKind::Index {
                    id: self.fresh_index(),
                    value: value.clone(),
                    indices,
                }
            }
            _ if e.ty.number().is_some() => return self.indexed(e, index),
            _ => return None,
        };
        Some(Expr {
            kind,
            ty: without_first(&e.ty)?,
            span: e.span,
            size: None,
        })
    }

    fn element_of_argument(&mut self, arg: &DistArg, kind: &Kind, index: &Expr) -> Option<DistArg> {
        let array =
            |e: &Expr| matches!(&e.ty, Type::Distribution { array, .. } if !array.is_empty());
        Some(match (arg, kind) {
            (DistArg::Value(e), Kind::Value { rank, .. }) if e.ty.rank() > *rank => {
                DistArg::Value(self.element(e, index)?)
            }
            (DistArg::Distribution(e), _) if array(e) => {
                DistArg::Distribution(self.element(e, index)?)
            }
            (DistArg::Distributions(all), _) if all.len() > 1 && all.iter().any(array) => {
                let inner = all.iter().map(|e| match array(e) {
                    true => self.element(e, index),
                    false => Some(e.clone()),
                });
                DistArg::Distributions(inner.collect::<Option<_>>()?)
            }
            (DistArg::Function(_), _) => return None,
            _ => arg.clone(),
        })
    }

    /// `e[index]`
    fn indexed(&mut self, e: &Expr, index: &Expr) -> Option<Expr> {
        Some(Expr {
            kind: ExprKind::Index {
                id: self.fresh_index(),
                value: Box::new(e.clone()),
                indices: vec![Index::At(index.clone())],
            },
            ty: without_first(&e.ty)?,
            span: e.span,
            size: None,
        })
    }

    fn fresh_index(&mut self) -> u32 {
        self.program.indices += 1;
        self.program.indices
    }
}

/// What a factor adds up by itself.
fn summed(value: &Expr) -> &Expr {
    match &value.kind {
        ExprKind::Call { function, args } if function.name == "sum" && args.len() == 1 => &args[0],
        _ => value,
    }
}

fn with_index(target: &Target, index: &Expr) -> Target {
    let mut target = target.clone();
    target.indices.push(index.clone());
    target
}

/// The type of an element along the first axis.
fn without_first(ty: &Type) -> Option<Type> {
    match ty {
        Type::Distribution { base, array, event } => Some(Type::Distribution {
            base: *base,
            array: array.get(1..)?.to_vec(),
            event: event.clone(),
        }),
        _ => {
            let (base, dims) = ty.number()?;
            Some(Type::array(base, dims.get(1..)?.to_vec()))
        }
    }
}

/// `1..n`
fn counting(n: i64, span: Span) -> Expr {
    let number = |x: i64| Expr {
        kind: ExprKind::Number(x as f64),
        ty: Type::scalar(Base::Int),
        span,
        size: Some(x.into()),
    };
    Expr {
        kind: ExprKind::Range {
            start: Box::new(number(1)),
            end: Box::new(number(n)),
        },
        ty: Type::Range,
        span,
        size: None,
    }
}
