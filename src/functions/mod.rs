//! The functions of the language: a row each, with name, signature, type rule and graph code.
//!
//! The checker asks [`Function::result`], the lowering [`Function::lower`], the help the rest. An
//! operator is a function too ([`operator`]). Rows stand in tables by kind; a function with a rule of
//! its own writes it in its table's file.

mod arrays;
mod constants;
mod elementwise;
mod initialisers;
mod linear;
mod ordering;
mod reductions;
#[cfg(test)]
mod tests;

pub use constants::{CONSTANTS, Constant, constant};
pub use initialisers::{INITIALISERS, Initialiser, initialiser};

use crate::graph::{Shape, Var};
use crate::types::{Base, Dim, Same, Type};
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

/// One function of the language, or of the program around it.
#[derive(Clone)]
pub struct Function {
    pub name: Cow<'static, str>,
    /// As it is called: `dot(a, b)`.
    pub signature: Cow<'static, str>,
    pub doc: Cow<'static, str>,
    pub arity: (usize, usize),
    rules: Rules,
    /// Works element by element, so that it takes rows of any length.
    pub elementwise: bool,
    /// From this argument on all are whole numbers from 0 that data tell, equal in all rows.
    pub given_from: Option<usize>,
    /// What may be added to a reduction's elements without changing the result.
    pub neutral: Option<f64>,
    /// The symbolic value of a result that only the shapes of arguments decide.
    pub size: Option<Size>,
}

/// What gives a function's type and graph code.
#[derive(Clone)]
enum Rules {
    Own(Rule, Lower),
    Foreign(Arc<dyn Foreign>),
}

/// A function of the program around: what a row of the tables says in two functions.
pub trait Foreign: Send + Sync {
    /// The type of the result, or what is wrong.
    ///
    /// # Errors
    /// The first mistake.
    fn result(&self, args: &[Argument]) -> Result<Type, Wrong>;

    /// Graph code, of operands as [`Lower`] has them.
    ///
    /// # Errors
    /// If what is built has not the shape of [`Foreign::result`].
    fn lower<'g>(&self, operands: &[Operand<'g>]) -> Result<Var<'g>, Otherwise>;
}

/// The shape that was built, without leading axes, and the one that should have been.
#[derive(Clone, Debug, PartialEq)]
pub struct Otherwise {
    pub built: Shape,
    pub declared: Shape,
}

/// The type of the result, or what is wrong.
pub type Rule = fn(&[Argument]) -> Result<Type, Wrong>;

/// Graph code: operands have equal numbers of leading axes (extents equal or 1), then their own.
pub type Lower = for<'g> fn(&[Operand<'g>]) -> Var<'g>;

impl Function {
    /// A function without the properties that few have.
    const fn new(
        name: &'static str,
        signature: &'static str,
        arity: (usize, usize),
        result: Rule,
        lower: Lower,
        doc: &'static str,
    ) -> Function {
        Function {
            name: Cow::Borrowed(name),
            signature: Cow::Borrowed(signature),
            doc: Cow::Borrowed(doc),
            arity,
            rules: Rules::Own(result, lower),
            elementwise: false,
            given_from: None,
            neutral: None,
            size: None,
        }
    }

    const fn elementwise(mut self) -> Function {
        self.elementwise = true;
        self
    }

    const fn given_from(mut self, first: usize) -> Function {
        self.given_from = Some(first);
        self
    }

    const fn neutral(mut self, element: f64) -> Function {
        self.neutral = Some(element);
        self
    }

    const fn sized(mut self, size: Size) -> Function {
        self.size = Some(size);
        self
    }

    /// A function of the program around, which takes `arity` arguments.
    pub fn foreign(
        [name, signature, doc]: [String; 3],
        arity: usize,
        elementwise: bool,
        foreign: Arc<dyn Foreign>,
    ) -> Function {
        Function {
            name: name.into(),
            signature: signature.into(),
            doc: doc.into(),
            arity: (arity, arity),
            rules: Rules::Foreign(foreign),
            elementwise,
            given_from: None,
            neutral: None,
            size: None,
        }
    }

    /// The type of the result.
    ///
    /// # Errors
    /// What is wrong with the arguments.
    pub fn result(&self, args: &[Argument]) -> Result<Type, Wrong> {
        match &self.rules {
            Rules::Own(result, _) => result(args),
            Rules::Foreign(foreign) => foreign.result(args),
        }
    }

    /// Graph code of a call.
    ///
    /// # Errors
    /// If a function of the program around does not build what it declares.
    pub fn lower<'g>(&self, operands: &[Operand<'g>]) -> Result<Var<'g>, Otherwise> {
        match &self.rules {
            Rules::Own(_, lower) => Ok(lower(operands)),
            Rules::Foreign(foreign) => foreign.lower(operands),
        }
    }

    /// Whether a call with so many arguments works element by element: a reduction does with two.
    pub fn is_elementwise(&self, arguments: usize) -> bool {
        self.elementwise || (arguments == 2 && self.neutral.is_some())
    }
}

/// The symbolic value of a result that is a whole number.
pub type Size = fn(&[Argument]) -> Option<Dim>;

/// What a rule sees of an argument.
pub struct Argument<'a> {
    pub ty: &'a Type,
    /// The symbolic value, of a whole number that is known from data.
    pub size: Option<&'a Dim>,
}

/// What is wrong with arguments: becomes a diagnostic with the places of those named.
#[derive(Clone, Debug, PartialEq)]
pub enum Wrong {
    /// Argument `at` is not of the kind described.
    Kind { at: usize, expected: String },
    /// An extent of argument `a` and one of `b` must be equal and are not.
    Extents {
        a: usize,
        of_a: Dim,
        b: usize,
        of_b: Dim,
    },
    /// Shapes of two arguments do not fit each other.
    Shapes { a: usize, b: usize },
}

/// An argument as the graph has it: leading axes, then `rank` own ones.
#[derive(Clone, Copy)]
pub struct Operand<'g> {
    pub var: Var<'g>,
    pub rank: usize,
}

/// All tables of functions.
static TABLES: &[&[Function]] = &[
    elementwise::UNARY,
    elementwise::BINARY,
    elementwise::OTHER,
    reductions::TABLE,
    linear::TABLE,
    arrays::TABLE,
    ordering::TABLE,
];

/// The functions of all tables, shared with the programs that call them.
static ALL: LazyLock<Vec<Arc<Function>>> = LazyLock::new(|| {
    let rows = TABLES.iter().flat_map(|table| table.iter());
    rows.cloned().map(Arc::new).collect()
});

/// The function of a name.
pub fn find(name: &str) -> Option<&'static Arc<Function>> {
    ALL.iter().find(|f| f.name == name)
}

/// A function that the language is known to have.
///
/// # Panics
/// If it has none of this name.
pub fn own(name: &str) -> &'static Arc<Function> {
    find(name).expect("a function of the language")
}

/// Every function, in the order of the tables.
pub fn all() -> impl Iterator<Item = &'static Function> {
    ALL.iter().map(|f| &**f)
}

/// Base and extents of an argument that must be numbers.
fn number<'a>(args: &'a [Argument], at: usize) -> Result<(Base, &'a [Dim]), Wrong> {
    args[at].ty.number().ok_or_else(|| Wrong::Kind {
        at,
        expected: "a number or an array of numbers".into(),
    })
}

/// Extents of an argument that must have so many.
fn ranked<'a>(args: &'a [Argument], at: usize, rank: usize) -> Result<(Base, &'a [Dim]), Wrong> {
    let (base, dims) = number(args, at)?;
    if dims.len() == rank {
        return Ok((base, dims));
    }
    let expected = match rank {
        0 => "a single number",
        1 => "a vector",
        _ => "a matrix",
    };
    Err(Wrong::Kind {
        at,
        expected: expected.into(),
    })
}

/// Base and extents of an argument that must be an array.
fn array<'a>(args: &'a [Argument], at: usize) -> Result<(Base, &'a [Dim]), Wrong> {
    let (base, dims) = number(args, at)?;
    match dims.is_empty() {
        false => Ok((base, dims)),
        true => Err(Wrong::Kind {
            at,
            expected: "an array".into(),
        }),
    }
}

/// An argument that is a whole number known from data.
fn extent(args: &[Argument], at: usize) -> Result<Dim, Wrong> {
    let expected = || Wrong::Kind {
        at,
        expected: "a whole number known from data".into(),
    };
    match args[at].ty {
        Type::Number {
            base: Base::Int,
            dims,
        } if dims.is_empty() => args[at].size.cloned().ok_or_else(expected),
        _ => Err(expected()),
    }
}

/// Two extents must be equal; where only data can tell, they are checked then.
pub fn equal(a: usize, of_a: &Dim, b: usize, of_b: &Dim) -> Result<(), Wrong> {
    match of_a.compare(of_b) {
        Same::No => Err(Wrong::Extents {
            a,
            of_a: of_a.clone(),
            b,
            of_b: of_b.clone(),
        }),
        _ => Ok(()),
    }
}

/// Extents of a matrix that must be square.
fn square<'a>(args: &'a [Argument], at: usize) -> Result<&'a [Dim], Wrong> {
    let (_, dims) = ranked(args, at, 2)?;
    if dims[0].compare(&dims[1]) == Same::No {
        return Err(Wrong::Kind {
            at,
            expected: "a square matrix".into(),
        });
    }
    Ok(dims)
}

/// The shape of elementwise work: equal shapes, scalars with anything, and an array with one whose
/// last axes are provably its own.
pub fn broadcast(args: &[Argument]) -> Result<(Base, Vec<Dim>), Wrong> {
    let mut base = Base::Bool;
    let mut widest = 0;
    for at in 0..args.len() {
        let (b, dims) = number(args, at)?;
        base = base.join(b);
        if dims.len() > args[widest].ty.rank() {
            widest = at;
        }
    }
    let (_, wide) = number(args, widest)?;
    for at in 0..args.len() {
        let (_, dims) = number(args, at)?;
        let offset = wide.len() - dims.len();
        for (own, other) in dims.iter().zip(&wide[offset..]) {
            match own.compare(other) {
                Same::Yes => {}
                Same::Unknown if offset == 0 || dims.is_empty() => {}
                Same::Unknown => {
                    return Err(Wrong::Shapes {
                        a: at.min(widest),
                        b: at.max(widest),
                    });
                }
                Same::No if offset > 0 => {
                    return Err(Wrong::Shapes {
                        a: at.min(widest),
                        b: at.max(widest),
                    });
                }
                Same::No => {
                    return Err(Wrong::Extents {
                        a: widest,
                        of_a: other.clone(),
                        b: at,
                        of_b: own.clone(),
                    });
                }
            }
        }
    }
    Ok((base, wide.to_vec()))
}

/// Values of arguments that are extents.
fn extents(x: &[Operand<'_>]) -> Vec<usize> {
    x.iter()
        .map(|o| o.var.as_uniform().map_or(0, |n| n.max(0.0) as usize))
        .collect()
}

/// Operands with equal leading axes.
pub fn same_lead<'g>(operands: &[Operand<'g>]) -> Vec<Var<'g>> {
    let mut lead = operands[0].lead();
    for operand in operands {
        let own = operand.lead();
        lead.iter_mut()
            .zip(own)
            .filter(|(n, _)| **n == 1)
            .for_each(|(n, m)| *n = m);
    }
    let with = |o: &Operand<'g>| {
        let shape = o.var.shape();
        let own = &shape[lead.len()..];
        o.var.broadcast(&[&lead[..], own].concat())
    };
    operands.iter().map(with).collect()
}

/// Brings operands to the own rank of the widest, by axes of extent 1 before their own.
pub fn align<'g>(operands: &[Operand<'g>]) -> Vec<Var<'g>> {
    let rank = operands.iter().map(|o| o.rank).max().unwrap_or(0);
    operands.iter().map(|o| o.widen(rank)).collect()
}

impl<'g> Operand<'g> {
    /// The value with so many own axes, new ones of extent 1 before its own.
    pub fn widen(self, rank: usize) -> Var<'g> {
        let mut shape = self.var.shape();
        for _ in self.rank..rank {
            shape.insert(shape.len() - self.rank, 1);
        }
        self.var.reshape(&shape)
    }

    /// Extents of the leading axes.
    pub fn lead(self) -> Vec<usize> {
        let shape = self.var.shape();
        shape[..shape.len() - self.rank].to_vec()
    }

    /// Own axes as one, in the order of the elements.
    pub fn flat(self) -> Var<'g> {
        let mut shape = self.lead();
        shape.push(self.var.shape()[shape.len()..].iter().product());
        self.var.reshape(&shape)
    }

    /// Own axes, counted from the last.
    pub fn own(self) -> Vec<usize> {
        (0..self.rank).collect()
    }
}
