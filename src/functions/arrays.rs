//! Making and rearranging arrays.

use super::{Argument, Function, Operand, Wrong, equal, number, ranked};
use crate::ops::concat;
use crate::types::{Base, Dim, Type};

/// `rep(x, n)`: the copies' number is taken from the type by the caller, not from the graph.
fn rep(args: &[Argument]) -> Result<Type, Wrong> {
    let (base, dims) = number(args, 0)?;
    let mut all: Vec<Dim> = Vec::new();
    for at in 1..args.len() {
        all.push(extent(args, at)?);
    }
    all.extend(dims.iter().cloned());
    Ok(Type::array(base, all))
}

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

fn filled(args: &[Argument]) -> Result<Type, Wrong> {
    let dims: Result<Vec<Dim>, Wrong> = (0..args.len()).map(|at| extent(args, at)).collect();
    Ok(Type::array(Base::Real, dims?))
}

fn eye(args: &[Argument]) -> Result<Type, Wrong> {
    let n = extent(args, 0)?;
    Ok(Type::array(Base::Real, [n.clone(), n]))
}

fn joined(args: &[Argument]) -> Result<Type, Wrong> {
    let (mut base, first) = number(args, 0)?;
    if first.is_empty() {
        return Err(Wrong::Kind {
            at: 0,
            expected: "an array".into(),
        });
    }
    let mut dims = first.to_vec();
    for at in 1..args.len() {
        let (b, other) = ranked(args, at, first.len())?;
        base = base.join(b);
        for (i, d) in other.iter().enumerate().skip(1) {
            equal(0, &first[i], at, d)?;
        }
        dims[0] = dims[0].plus(&other[0], 1);
    }
    Ok(Type::array(base, dims))
}

fn length(args: &[Argument]) -> Result<Type, Wrong> {
    let (_, dims) = number(args, 0)?;
    if dims.is_empty() {
        return Err(Wrong::Kind {
            at: 0,
            expected: "an array".into(),
        });
    }
    Ok(Type::scalar(Base::Int))
}

fn reversed(args: &[Argument]) -> Result<Type, Wrong> {
    let (base, dims) = ranked(args, 0, 1)?;
    Ok(Type::array(base, dims))
}

/// Values of arguments that are extents.
fn extents(x: &[Operand<'_>]) -> Vec<usize> {
    x.iter()
        .map(|o| o.var.as_uniform().map_or(0, |n| n.max(0.0) as usize))
        .collect()
}

/// Copies along new axes before the own ones.
fn repeated<'g>(x: Operand<'g>, copies: &[usize]) -> crate::graph::Var<'g> {
    let mut shape = x.var.shape().to_vec();
    let at = shape.len() - x.rank;
    let wide = x.widen(x.rank + copies.len());
    shape.splice(at..at, copies.iter().copied());
    wide.broadcast(&shape)
}

fn constant<'g>(x: &[Operand<'g>], value: f64) -> crate::graph::Var<'g> {
    let lead = x[0].var.rank();
    let one = x[0].var.graph.scalar(value).broadcast(&vec![1; lead]);
    repeated(Operand { var: one, rank: 0 }, &extents(x))
}

/// Functions whose arguments, from one on, are extents.
pub(super) const EXTENTS: &[(&str, usize)] = &[("rep", 1), ("zeros", 0), ("ones", 0), ("eye", 0)];

pub(super) static TABLE: &[Function] = &[
    Function {
        name: "rep",
        signature: "rep(x, n, …)",
        doc: "An array of n copies of x (or n × m … copies).",
        arity: (2, 5),
        result: rep,
        lower: |x| repeated(x[0], &extents(&x[1..])),
    },
    Function {
        name: "zeros",
        signature: "zeros(n, …)",
        doc: "An array of zeros.",
        arity: (1, 4),
        result: filled,
        lower: |x| constant(x, 0.0),
    },
    Function {
        name: "ones",
        signature: "ones(n, …)",
        doc: "An array of ones.",
        arity: (1, 4),
        result: filled,
        lower: |x| constant(x, 1.0),
    },
    Function {
        name: "eye",
        signature: "eye(n)",
        doc: "The identity matrix.",
        arity: (1, 1),
        result: eye,
        lower: |x| constant(x, 1.0).diagonal_matrix(),
    },
    Function {
        name: "append",
        signature: "append(a, b, …)",
        doc: "Arrays one after the other, along their first axis.",
        arity: (2, 8),
        result: joined,
        lower: |x| {
            let rank = x[0].rank;
            let lead: Vec<usize> = (0..x[0].var.rank() - rank)
                .map(|i| x.iter().map(|o| o.var.shape()[i]).max().unwrap_or(1))
                .collect();
            let wide: Vec<_> = x
                .iter()
                .map(|o| {
                    let shape: Vec<usize> = lead
                        .iter()
                        .chain(&o.var.shape()[lead.len()..])
                        .copied()
                        .collect();
                    o.var.broadcast(&shape)
                })
                .collect();
            concat(&wide, rank - 1)
        },
    },
    Function {
        name: "length",
        signature: "length(x)",
        doc: "Number of elements along the first axis.",
        arity: (1, 1),
        result: length,
        lower: |x| {
            let lead = x[0].var.rank() - x[0].rank;
            let n = x[0].var.shape()[lead] as f64;
            x[0].var.graph.scalar(n).broadcast(&vec![1; lead])
        },
    },
    Function {
        name: "reverse",
        signature: "reverse(x)",
        doc: "The elements of a vector from last to first.",
        arity: (1, 1),
        result: reversed,
        lower: |x| {
            let n = x[0].var.extent(0);
            let index: Vec<f64> = (0..n).rev().map(|i| i as f64).collect();
            x[0].var.gather(
                0,
                x[0].var.graph.constant(crate::graph::Tensor::vector(index)),
            )
        },
    },
];
