//! Making and rearranging arrays.

use super::{
    Argument, Function, Operand, Wrong, array, equal, extent, extents, number, ranked, same_lead,
};
use crate::graph::{Tensor, Var};
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

/// An extent of the argument.
fn extent_of(args: &[Argument], axis: usize) -> Option<Dim> {
    args[0]
        .ty
        .number()
        .and_then(|(_, dims)| dims.get(axis).cloned())
}

fn size_of(args: &[Argument]) -> Option<Dim> {
    args[0].ty.number().map(|(_, dims)| Dim::product(dims))
}

/// A whole number that is the same in all rows.
fn of_shape<'g>(x: &[Operand<'g>], n: usize) -> Var<'g> {
    let lead = vec![1; x[0].lead().len()];
    x[0].var.graph.scalar(n as f64).broadcast(&lead)
}

fn count(args: &[Argument]) -> Result<Type, Wrong> {
    array(args, 0)?;
    Ok(Type::scalar(Base::Int))
}

fn count_of_matrix(args: &[Argument]) -> Result<Type, Wrong> {
    ranked(args, 0, 2)?;
    count(args)
}

fn reshaped(args: &[Argument]) -> Result<Type, Wrong> {
    let (base, dims) = number(args, 0)?;
    let to: Result<Vec<Dim>, Wrong> = (1..args.len()).map(|at| extent(args, at)).collect();
    let to = to?;
    equal(0, &Dim::product(dims), 1, &Dim::product(&to))?;
    Ok(Type::array(base, to))
}

fn flattened(args: &[Argument]) -> Result<Type, Wrong> {
    let (base, dims) = array(args, 0)?;
    Ok(Type::array(base, [Dim::product(dims)]))
}

/// Matrices of equal numbers of rows side by side; a vector is a column.
fn beside(args: &[Argument]) -> Result<Type, Wrong> {
    let (mut base, mut columns) = (Base::Bool, Dim::from(0));
    for at in 0..args.len() {
        let (b, dims) = number(args, at)?;
        base = base.join(b);
        let own = match dims {
            [_] => Dim::from(1),
            [_, n] => n.clone(),
            _ => {
                return Err(Wrong::Kind {
                    at,
                    expected: "vectors and matrices".into(),
                });
            }
        };
        columns = columns.plus(&own, 1);
        equal(0, &number(args, 0)?.1[0], at, &dims[0])?;
    }
    let rows = number(args, 0)?.1[0].clone();
    Ok(Type::array(base, [rows, columns]))
}

fn reversed(args: &[Argument]) -> Result<Type, Wrong> {
    let (base, dims) = ranked(args, 0, 1)?;
    Ok(Type::array(base, dims))
}

/// A vector, one element shorter.
fn shorter(args: &[Argument]) -> Result<Type, Wrong> {
    let (base, dims) = ranked(args, 0, 1)?;
    let one = Dim::from(1);
    Ok(Type::array(base.join(Base::Int), [dims[0].plus(&one, -1)]))
}

fn convolved(args: &[Argument]) -> Result<Type, Wrong> {
    let ((base_a, a), (base_b, b)) = (ranked(args, 0, 1)?, ranked(args, 1, 1)?);
    let n = a[0].plus(&b[0], 1).plus(&Dim::from(1), -1);
    Ok(Type::array(base_a.join(base_b).join(Base::Int), [n]))
}

/// Extents of the index, then the number of categories.
fn hot(args: &[Argument]) -> Result<Type, Wrong> {
    let (base, dims) = number(args, 0)?;
    if base == Base::Real {
        return Err(Wrong::Kind {
            at: 0,
            expected: "an index".into(),
        });
    }
    let mut all = dims.to_vec();
    all.push(extent(args, 1)?);
    Ok(Type::array(Base::Int, all))
}

/// `Σⱼ aⱼ bᵢ₋ⱼ`: windows of `a` beside `b` from last to first.
fn convolve<'g>(a: Operand<'g>, b: Operand<'g>) -> Var<'g> {
    let (n, m) = (a.var.extent(0), b.var.extent(0));
    if n == 0 || m == 0 {
        let mut shape = a.lead();
        shape.push((n + m).saturating_sub(1));
        return a.var.graph.scalar(0.0).broadcast(&shape);
    }
    let places = (0..n + m - 1).flat_map(|i| (0..m).map(move |j| (i + j) as f64));
    let index = a
        .var
        .graph
        .constant(Tensor::vector(places.collect::<Vec<_>>()));
    let windows = a.var.pad(0, m - 1, m - 1).gather(0, index);
    let mut shape = windows.shape();
    let last = shape.len() - 1;
    shape[last] = n + m - 1;
    shape.push(m);
    (windows.reshape(&shape) * backwards(b.var).unsqueeze(1)).sum_axes(&[0])
}

/// The last axis from its end.
fn backwards(x: Var<'_>) -> Var<'_> {
    let index: Vec<f64> = (0..x.extent(0)).rev().map(|i| i as f64).collect();
    x.gather(0, x.graph.constant(Tensor::vector(index)))
}

/// Copies along new axes before the own ones.
fn repeated<'g>(x: Operand<'g>, copies: &[usize]) -> Var<'g> {
    let mut shape = x.var.shape().to_vec();
    let at = shape.len() - x.rank;
    let wide = x.widen(x.rank + copies.len());
    shape.splice(at..at, copies.iter().copied());
    wide.broadcast(&shape)
}

fn constant<'g>(x: &[Operand<'g>], value: f64) -> Var<'g> {
    let lead = x[0].var.rank();
    let one = x[0].var.graph.scalar(value).broadcast(&vec![1; lead]);
    repeated(Operand { var: one, rank: 0 }, &extents(x))
}

pub(super) static TABLE: &[Function] = &[
    Function::new(
        "rep",
        "rep(x, n, …)",
        (2, 5),
        rep,
        |x| repeated(x[0], &extents(&x[1..])),
        "An array of n copies of x (or n × m … copies).",
    )
    .given_from(1),
    Function::new(
        "zeros",
        "zeros(n, …)",
        (1, 4),
        filled,
        |x| constant(x, 0.0),
        "An array of zeros.",
    )
    .given_from(0),
    Function::new(
        "ones",
        "ones(n, …)",
        (1, 4),
        filled,
        |x| constant(x, 1.0),
        "An array of ones.",
    )
    .given_from(0),
    Function::new(
        "eye",
        "eye(n)",
        (1, 1),
        eye,
        |x| constant(x, 1.0).diagonal_matrix(),
        "The identity matrix.",
    )
    .given_from(0),
    Function::new(
        "append",
        "append(a, b, …)",
        (2, 8),
        joined,
        |x| concat(&same_lead(x), x[0].rank - 1),
        "Arrays one after the other, along their first axis.",
    ),
    Function::new(
        "length",
        "length(x)",
        (1, 1),
        count,
        |x| of_shape(x, x[0].var.extent(x[0].rank - 1)),
        "Number of elements along the first axis.",
    )
    .sized(|args| extent_of(args, 0)),
    Function::new(
        "columns",
        "columns(x)",
        (1, 1),
        count_of_matrix,
        |x| of_shape(x, x[0].var.extent(0)),
        "Number of columns of a matrix; that of its rows is its length.",
    )
    .sized(|args| extent_of(args, 1)),
    Function::new(
        "size",
        "size(x)",
        (1, 1),
        count,
        |x| of_shape(x, (0..x[0].rank).map(|i| x[0].var.extent(i)).product()),
        "Number of all elements of an array.",
    )
    .sized(size_of),
    Function::new(
        "reshape",
        "reshape(x, n, …)",
        (2, 5),
        reshaped,
        |x| {
            let shape: Vec<usize> = x[0].lead().into_iter().chain(extents(&x[1..])).collect();
            x[0].var.reshape(&shape)
        },
        "The elements of x in an array of n × … elements, row by row: the last index runs \
         fastest, in x too.",
    )
    .given_from(1),
    Function::new(
        "flatten",
        "flatten(x)",
        (1, 1),
        flattened,
        |x| x[0].flat(),
        "The elements of an array as a vector, row by row: the last index runs fastest.",
    ),
    Function::new(
        "append_columns",
        "append_columns(a, b, …)",
        (2, 16),
        beside,
        |x| {
            let matrix = |o: &Operand<'_>| o.rank == 2;
            let wide = same_lead(x);
            let all = wide.iter().zip(x);
            let all = all.map(|(&v, o)| if matrix(o) { v } else { v.unsqueeze(0) });
            concat(&all.collect::<Vec<_>>(), 0)
        },
        "Matrices side by side; a vector is a column.",
    ),
    Function::new(
        "reverse",
        "reverse(x)",
        (1, 1),
        reversed,
        |x| backwards(x[0].var),
        "The elements of a vector from last to first.",
    ),
    Function::new(
        "diff",
        "diff(x)",
        (1, 1),
        shorter,
        |x| {
            let n = x[0].var.extent(0).saturating_sub(1);
            let later = x[0].var.extent(0) - n;
            x[0].var.slice(0, later, n) - x[0].var.slice(0, 0, n)
        },
        "Differences of neighbours in a vector, each minus the one before it.",
    ),
    Function::new(
        "convolve",
        "convolve(a, b)",
        (2, 2),
        convolved,
        |x| convolve(x[0], x[1]),
        "Convolution of two vectors, of length(a) + length(b) − 1 elements.",
    ),
    Function::new(
        "one_hot",
        "one_hot(k, n)",
        (2, 2),
        hot,
        |x| {
            let n = extents(&x[1..])[0];
            let places: Vec<f64> = (1..=n).map(|i| i as f64).collect();
            let places = x[0].var.graph.constant(Tensor::vector(places));
            x[0].var.unsqueeze(0).eq(places)
        },
        "n numbers, 1 at place k and 0 elsewhere; a row each for an array of indices.",
    )
    .given_from(1),
];
