//! Functions that go by the order of numbers: sorting, quantiles, interpolation.

use super::{Argument, Function, Operand, Wrong, array, equal, number, ranked, same_lead};
use crate::graph::{Tensor, Var};
use crate::types::{Base, Type};

fn same_vector(args: &[Argument]) -> Result<Type, Wrong> {
    let (base, dims) = ranked(args, 0, 1)?;
    Ok(Type::array(base.join(Base::Int), dims))
}

fn places(args: &[Argument]) -> Result<Type, Wrong> {
    Ok(Type::array(Base::Int, ranked(args, 0, 1)?.1))
}

fn place(args: &[Argument]) -> Result<Type, Wrong> {
    ranked(args, 0, 1)?;
    Ok(Type::scalar(Base::Int))
}

fn middle(args: &[Argument]) -> Result<Type, Wrong> {
    array(args, 0)?;
    Ok(Type::scalar(Base::Real))
}

fn quantiles(args: &[Argument]) -> Result<Type, Wrong> {
    array(args, 0)?;
    Ok(Type::array(Base::Real, number(args, 1)?.1))
}

fn intervals(args: &[Argument]) -> Result<Type, Wrong> {
    ranked(args, 1, 1)?;
    Ok(Type::array(Base::Int, number(args, 0)?.1))
}

fn interpolated(args: &[Argument]) -> Result<Type, Wrong> {
    let ((_, xs), (_, ys)) = (ranked(args, 1, 1)?, ranked(args, 2, 1)?);
    equal(1, &xs[0], 2, &ys[0])?;
    Ok(Type::array(Base::Real, number(args, 0)?.1))
}

/// The operand and others with equal leading axes, its own axes as one; and its shape, to go back to.
fn by_rows<'g>(x: &[Operand<'g>]) -> (Vec<Var<'g>>, Vec<usize>) {
    let all = same_lead(x);
    let shape = all[0].shape().to_vec();
    let flat = x
        .iter()
        .zip(&all)
        .map(|(o, &var)| Operand { var, ..*o }.flat());
    (flat.collect(), shape)
}

/// The first place, from 1, of the least element; NaN of nothing.
fn first_least(x: Var<'_>) -> Var<'_> {
    let shape = x.shape();
    let lead = &shape[..shape.len() - 1];
    match x.extent(0) {
        0 => x.graph.scalar(f64::NAN).broadcast(lead),
        _ => x.order().slice(0, 0, 1).reshape(lead) + 1.0,
    }
}

/// Interpolates between the elements in order, the first at 0 and the last at 1 (Hyndman and Fan 1996,
/// definition 7); rows of `p` for rows of `x`.
fn quantile<'g>(x: Var<'g>, p: Var<'g>) -> Var<'g> {
    let n = x.extent(0);
    let grid: Vec<f64> = (0..n).map(|i| i as f64).collect();
    let grid = x.graph.constant(Tensor::vector(grid)).broadcast(&x.shape());
    let value = (p * n.saturating_sub(1) as f64).interp(grid, x.sorted());
    p.ge(0.0).and(p.le(1.0)).select(value, f64::NAN)
}

pub(super) static TABLE: &[Function] = &[
    Function::new(
        "sort",
        "sort(x)",
        (1, 1),
        same_vector,
        |x| x[0].var.sorted(),
        "The elements of a vector in ascending order; `x.sort().reverse()` is in descending \
         order.",
    ),
    Function::new(
        "order",
        "order(x)",
        (1, 1),
        places,
        |x| x[0].var.order() + 1.0,
        "The places of a vector's elements in ascending order: `x[order(x)]` is sort(x). \
         Equal elements keep their order.",
    ),
    Function::new(
        "rank",
        "rank(x)",
        (1, 1),
        places,
        |x| x[0].var.order().order() + 1.0,
        "Which place each element of a vector has in ascending order, from 1; of equal \
         elements the first comes first.",
    ),
    Function::new(
        "argmax",
        "argmax(x)",
        (1, 1),
        place,
        |x| first_least(-x[0].var),
        "The place, from 1, of the largest element of a vector, the first of equal ones.",
    )
    .neutral(f64::NEG_INFINITY),
    Function::new(
        "argmin",
        "argmin(x)",
        (1, 1),
        place,
        |x| first_least(x[0].var),
        "The place, from 1, of the smallest element of a vector, the first of equal ones.",
    )
    .neutral(f64::INFINITY),
    Function::new(
        "median",
        "median(x)",
        (1, 1),
        middle,
        |x| {
            let flat = x[0].flat();
            let mut shape = x[0].lead();
            shape.push(1);
            let half = flat.graph.scalar(0.5).broadcast(&shape);
            quantile(flat, half).reshape(&x[0].lead())
        },
        "Median of all elements: the middle one, or the mean of the two in the middle.",
    ),
    Function::new(
        "quantile",
        "quantile(x, p)",
        (2, 2),
        quantiles,
        |x| {
            let (rows, shape) = by_rows(&[x[1], x[0]]);
            quantile(rows[1], rows[0]).reshape(&shape)
        },
        "Quantiles of all elements of x, for p from 0 to 1, by linear interpolation between \
         the elements in order (R's type 7).",
    ),
    Function::new(
        "find_interval",
        "find_interval(x, xs)",
        (2, 2),
        intervals,
        |x| {
            let (rows, shape) = by_rows(x);
            rows[0].find_interval(rows[1]).reshape(&shape)
        },
        "How many elements of the ascending vector xs are at most x, for each x.",
    ),
    Function::new(
        "interp",
        "interp(x, xs, ys)",
        (3, 3),
        interpolated,
        |x| {
            let (rows, shape) = by_rows(x);
            rows[0].interp(rows[1], rows[2]).reshape(&shape)
        },
        "Linear interpolation at each x between the points (xs, ys), xs ascending; constant \
         beyond the ends.",
    ),
];
