//! Functions that take an array to fewer numbers.

use super::{Argument, Function, Operand, Wrong, array, number, ranked};
use crate::graph::Var;
use crate::types::{Base, Type};

fn to_real(args: &[Argument]) -> Result<Type, Wrong> {
    array(args, 0)?;
    Ok(Type::scalar(Base::Real))
}

fn to_same(args: &[Argument]) -> Result<Type, Wrong> {
    let (base, _) = number(args, 0)?;
    to_real(args)?;
    Ok(Type::scalar(base.join(Base::Int)))
}

/// `max(x)` of an array, `max(a, b)` of two numbers or elementwise.
fn extreme(args: &[Argument]) -> Result<Type, Wrong> {
    if args.len() == 1 {
        return to_same(args);
    }
    let (base, dims) = super::broadcast(args)?;
    Ok(Type::array(base.join(Base::Int), dims))
}

fn vector_to_vector(args: &[Argument]) -> Result<Type, Wrong> {
    let (_, dims) = ranked(args, 0, 1)?;
    Ok(Type::array(Base::Real, dims))
}

fn vector_of_same(args: &[Argument]) -> Result<Type, Wrong> {
    let (base, dims) = ranked(args, 0, 1)?;
    Ok(Type::array(base.join(Base::Int), dims))
}

fn all<'g>(x: &Operand<'g>) -> (Var<'g>, Vec<usize>) {
    (x.var, x.own())
}

fn size(x: &Operand<'_>) -> f64 {
    x.own()
        .iter()
        .map(|&axis| x.var.extent(axis))
        .product::<usize>() as f64
}

fn mean<'g>(x: &Operand<'g>) -> Var<'g> {
    let (v, axes) = all(x);
    v.sum_axes(&axes) / size(x)
}

/// Mean squared deviation with denominator n − 1.
fn variance<'g>(x: &Operand<'g>) -> Var<'g> {
    let v = x.flat();
    let centred = v - mean(x).unsqueeze(0);
    centred.square().sum_axes(&[0]) / (size(x) - 1.0)
}

pub(super) static TABLE: &[Function] = &[
    Function::new(
        "sum",
        "sum(x)",
        (1, 1),
        to_same,
        |x| x[0].var.sum_axes(&x[0].own()),
        "Sum of all elements.",
    )
    .neutral(0.0),
    Function::new(
        "prod",
        "prod(x)",
        (1, 1),
        to_same,
        |x| x[0].flat().prod(),
        "Product of all elements.",
    )
    .neutral(1.0),
    Function::new(
        "mean",
        "mean(x)",
        (1, 1),
        to_real,
        |x| mean(&x[0]),
        "Mean of all elements.",
    ),
    Function::new(
        "sd",
        "sd(x)",
        (1, 1),
        to_real,
        |x| variance(&x[0]).sqrt(),
        "Standard deviation, with denominator n − 1.",
    ),
    Function::new(
        "variance",
        "variance(x)",
        (1, 1),
        to_real,
        |x| variance(&x[0]),
        "Variance, with denominator n − 1.",
    ),
    Function::new(
        "max",
        "max(x), max(a, b)",
        (1, 2),
        extreme,
        |x| match x {
            [one] => one.var.max_axes(&one.own()),
            two => {
                let two = super::align(two);
                two[0].max(two[1])
            }
        },
        "Largest element of an array, or the larger of two.",
    )
    .neutral(f64::NEG_INFINITY),
    Function::new(
        "min",
        "min(x), min(a, b)",
        (1, 2),
        extreme,
        |x| match x {
            [one] => one.var.min_axes(&one.own()),
            two => {
                let two = super::align(two);
                two[0].min(two[1])
            }
        },
        "Smallest element of an array, or the smaller of two.",
    )
    .neutral(f64::INFINITY),
    Function::new(
        "norm",
        "norm(x)",
        (1, 1),
        to_real,
        |x| x[0].var.square().sum_axes(&x[0].own()).sqrt_or_0(),
        "Euclidean length, √Σx²; the derivative at 0 is 0.",
    )
    .neutral(0.0),
    Function::new(
        "log_sum_exp",
        "log_sum_exp(x), log_sum_exp(a, b)",
        (1, 2),
        log_sum_exp,
        |x| match x {
            [one] => one.var.log_sum_exp(&one.own()),
            two => {
                let two = super::align(two);
                two[0].log_add_exp(two[1])
            }
        },
        "log Σ exp(x), without overflow.",
    )
    .neutral(f64::NEG_INFINITY),
    Function::new(
        "softmax",
        "softmax(x)",
        (1, 1),
        vector_to_vector,
        |x| x[0].var.softmax(),
        "exp(x) / Σ exp(x).",
    ),
    Function::new(
        "log_softmax",
        "log_softmax(x)",
        (1, 1),
        vector_to_vector,
        |x| x[0].var.log_softmax(),
        "Logarithm of softmax.",
    ),
    Function::new(
        "cumsum",
        "cumsum(x)",
        (1, 1),
        vector_of_same,
        |x| x[0].var.cumsum(0),
        "Running sums.",
    ),
    Function::new(
        "cumprod",
        "cumprod(x)",
        (1, 1),
        vector_of_same,
        |x| x[0].var.cumprod(),
        "Running products.",
    ),
    Function::new(
        "count",
        "count(c)",
        (1, 1),
        to_int,
        |x| counted(&x[0]),
        "Number of elements that hold.",
    )
    .neutral(0.0),
    Function::new(
        "any",
        "any(c)",
        (1, 1),
        to_truth,
        |x| counted(&x[0]).gt(0.0),
        "Whether an element holds.",
    )
    .neutral(0.0),
    Function::new(
        "all",
        "all(c)",
        (1, 1),
        to_truth,
        |x| counted(&x[0]).eq(size(&x[0])),
        "Whether all elements hold.",
    )
    .neutral(1.0),
];

fn to_int(args: &[Argument]) -> Result<Type, Wrong> {
    to_real(args)?;
    Ok(Type::scalar(Base::Int))
}

fn to_truth(args: &[Argument]) -> Result<Type, Wrong> {
    to_real(args)?;
    Ok(Type::scalar(Base::Bool))
}

/// How many elements are not 0.
fn counted<'g>(x: &Operand<'g>) -> Var<'g> {
    x.var.ne(0.0).sum_axes(&x.own())
}

fn log_sum_exp(args: &[Argument]) -> Result<Type, Wrong> {
    if args.len() == 1 {
        return to_real(args);
    }
    let (_, dims) = super::broadcast(args)?;
    Ok(Type::array(Base::Real, dims))
}
