//! Functions that take an array to fewer numbers.

use super::{Argument, Function, Operand, Wrong, number, ranked};
use crate::graph::Var;
use crate::types::{Base, Type};

fn to_real(args: &[Argument]) -> Result<Type, Wrong> {
    let (_, dims) = number(args, 0)?;
    if dims.is_empty() {
        return Err(Wrong::Kind {
            at: 0,
            expected: "an array".into(),
        });
    }
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

/// Own axes as one.
fn flat<'g>(x: &Operand<'g>) -> Var<'g> {
    let shape = x.var.shape();
    let mut to = shape[..shape.len() - x.rank].to_vec();
    to.push(shape[shape.len() - x.rank..].iter().product());
    x.var.reshape(&to)
}

fn mean<'g>(x: &Operand<'g>) -> Var<'g> {
    let (v, axes) = all(x);
    v.sum_axes(&axes) / size(x)
}

/// Mean squared deviation with denominator n − 1.
fn variance<'g>(x: &Operand<'g>) -> Var<'g> {
    let v = flat(x);
    let centred = v - mean(x).unsqueeze(0);
    centred.square().sum_axes(&[0]) / (size(x) - 1.0)
}

macro_rules! row {
    ($name:literal, $signature:literal, $arity:expr, $rule:ident, $lower:expr, $doc:literal) => {
        Function {
            name: $name,
            signature: $signature,
            doc: $doc,
            arity: $arity,
            result: $rule,
            lower: $lower,
        }
    };
}

/// Elements that leave a reduction as it is: rows of unequal length are filled up with them.
pub(super) const NEUTRAL: &[(&str, f64)] = &[
    ("sum", 0.0),
    ("prod", 1.0),
    ("max", f64::NEG_INFINITY),
    ("min", f64::INFINITY),
    ("log_sum_exp", f64::NEG_INFINITY),
];

pub(super) static TABLE: &[Function] = &[
    row!(
        "sum",
        "sum(x)",
        (1, 1),
        to_same,
        |x| x[0].var.sum_axes(&x[0].own()),
        "Sum of all elements."
    ),
    row!(
        "prod",
        "prod(x)",
        (1, 1),
        to_same,
        |x| flat(&x[0]).prod(),
        "Product of all elements."
    ),
    row!(
        "mean",
        "mean(x)",
        (1, 1),
        to_real,
        |x| mean(&x[0]),
        "Mean of all elements."
    ),
    row!(
        "sd",
        "sd(x)",
        (1, 1),
        to_real,
        |x| variance(&x[0]).sqrt(),
        "Standard deviation, with denominator n − 1."
    ),
    row!(
        "variance",
        "variance(x)",
        (1, 1),
        to_real,
        |x| variance(&x[0]),
        "Variance, with denominator n − 1."
    ),
    row!(
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
        "Largest element of an array, or the larger of two."
    ),
    row!(
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
        "Smallest element of an array, or the smaller of two."
    ),
    row!(
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
        "log Σ exp(x), without overflow."
    ),
    row!(
        "softmax",
        "softmax(x)",
        (1, 1),
        vector_to_vector,
        |x| x[0].var.softmax(),
        "exp(x) / Σ exp(x)."
    ),
    row!(
        "log_softmax",
        "log_softmax(x)",
        (1, 1),
        vector_to_vector,
        |x| x[0].var.log_softmax(),
        "Logarithm of softmax."
    ),
    row!(
        "cumsum",
        "cumsum(x)",
        (1, 1),
        vector_of_same,
        |x| x[0].var.cumsum(0),
        "Running sums."
    ),
];

fn log_sum_exp(args: &[Argument]) -> Result<Type, Wrong> {
    if args.len() == 1 {
        return to_real(args);
    }
    let (_, dims) = super::broadcast(args)?;
    Ok(Type::array(Base::Real, dims))
}
