//! Linear algebra.

use super::{Argument, Function, Operand, Wrong, equal, number, ranked, square};
use crate::graph::Var;
use crate::types::{Base, Type};

fn matmul(args: &[Argument]) -> Result<Type, Wrong> {
    let ((base_a, a), (base_b, b)) = (number(args, 0)?, number(args, 1)?);
    for (at, dims) in [(0, a), (1, b)] {
        if dims.is_empty() || dims.len() > 2 {
            return Err(Wrong::Kind {
                at,
                expected: "a vector or a matrix".into(),
            });
        }
    }
    equal(0, &a[a.len() - 1], 1, &b[0])?;
    let dims: Vec<_> = a[..a.len() - 1].iter().chain(&b[1..]).cloned().collect();
    Ok(Type::array(base_a.join(base_b).join(Base::Int), dims))
}

fn dot(args: &[Argument]) -> Result<Type, Wrong> {
    let ((_, a), (_, b)) = (ranked(args, 0, 1)?, ranked(args, 1, 1)?);
    equal(0, &a[0], 1, &b[0])?;
    Ok(Type::scalar(Base::Real))
}

fn outer(args: &[Argument]) -> Result<Type, Wrong> {
    let ((_, a), (_, b)) = (ranked(args, 0, 1)?, ranked(args, 1, 1)?);
    Ok(Type::array(Base::Real, [a[0].clone(), b[0].clone()]))
}

fn transpose(args: &[Argument]) -> Result<Type, Wrong> {
    let (base, dims) = ranked(args, 0, 2)?;
    Ok(Type::array(base, [dims[1].clone(), dims[0].clone()]))
}

/// A vector to a diagonal matrix, a matrix to its diagonal.
fn diag(args: &[Argument]) -> Result<Type, Wrong> {
    let (_, dims) = number(args, 0)?;
    match dims {
        [n] => Ok(Type::array(Base::Real, [n.clone(), n.clone()])),
        [_, _] => Ok(Type::array(Base::Real, [square(args, 0)?[0].clone()])),
        _ => Err(Wrong::Kind {
            at: 0,
            expected: "a vector or a square matrix".into(),
        }),
    }
}

fn square_to_same(args: &[Argument]) -> Result<Type, Wrong> {
    Ok(Type::array(Base::Real, square(args, 0)?))
}

fn square_to_real(args: &[Argument]) -> Result<Type, Wrong> {
    square(args, 0)?;
    Ok(Type::scalar(Base::Real))
}

fn solve(args: &[Argument]) -> Result<Type, Wrong> {
    let a = square(args, 0)?;
    let (_, b) = number(args, 1)?;
    if b.is_empty() || b.len() > 2 {
        return Err(Wrong::Kind {
            at: 1,
            expected: "a vector or a matrix".into(),
        });
    }
    equal(0, &a[1], 1, &b[0])?;
    Ok(Type::array(Base::Real, b))
}

fn quad_form(args: &[Argument]) -> Result<Type, Wrong> {
    let a = square(args, 0)?;
    let (_, x) = ranked(args, 1, 1)?;
    equal(0, &a[1], 1, &x[0])?;
    Ok(Type::scalar(Base::Real))
}

/// Matrix product with leading axes of extent 1 on either side: one contraction, never a copy.
fn product<'g>(a: Operand<'g>, b: Operand<'g>) -> Var<'g> {
    let lead = a.var.rank() - a.rank;
    let (sa, sb) = (a.var.shape(), b.var.shape());
    let label = |i: usize| 10 + i as u8;
    let own = |s: &[usize], rank: usize, labels: [u8; 2], other: &[usize]| {
        let mut kept: Vec<usize> = Vec::new();
        let mut names: Vec<u8> = Vec::new();
        for i in 0..lead {
            // An axis that does not vary here takes part only if it varies on neither side.
            if s[i] != 1 || other[i] == 1 {
                kept.push(s[i]);
                names.push(label(i));
            }
        }
        kept.extend(&s[lead..]);
        names.extend(if rank == 2 { labels.to_vec() } else { vec![1] });
        (kept, names)
    };
    let (shape_a, labels_a) = own(&sa, a.rank, [0, 1], &sb);
    let (shape_b, labels_b) = own(&sb, b.rank, [1, 2], &sa);
    let mut out: Vec<u8> = (0..lead).map(label).collect();
    if a.rank == 2 {
        out.push(0);
    }
    if b.rank == 2 {
        out.push(2);
    }
    crate::ops::contract(
        a.var.reshape(&shape_a),
        &labels_a,
        b.var.reshape(&shape_b),
        &labels_b,
        &out,
    )
}

/// Both with equal leading axes, as triangular solves need them.
fn same_lead<'g>(l: Operand<'g>, b: Operand<'g>) -> (Var<'g>, Var<'g>) {
    let (sl, sb) = (l.var.shape(), b.var.shape());
    let lead: Vec<usize> = (0..sl.len() - l.rank).map(|i| sl[i].max(sb[i])).collect();
    let with = |v: Var<'g>, own: &[usize]| {
        let shape: Vec<usize> = lead.iter().chain(own).copied().collect();
        v.broadcast(&shape)
    };
    (
        with(l.var, &sl[lead.len()..]),
        with(b.var, &sb[lead.len()..]),
    )
}

fn triangular<'g>(l: Operand<'g>, b: Operand<'g>, transposed: bool) -> Var<'g> {
    let (l, v) = same_lead(l, b);
    if b.rank == 1 {
        l.tri_solve_vector(v, transposed)
    } else {
        l.tri_solve(v, transposed)
    }
}

/// `A⁻¹ B` for symmetric positive definite `A`.
fn solve_spd<'g>(a: Operand<'g>, b: Operand<'g>) -> Var<'g> {
    let l = Operand {
        var: a.var.cholesky(),
        rank: 2,
    };
    let half = Operand {
        var: triangular(l, b, false),
        rank: b.rank,
    };
    triangular(l, half, true)
}

fn identity<'g>(like: Operand<'g>) -> Operand<'g> {
    let n = like.var.extent(0);
    let mut shape = vec![1; like.var.rank() - 2];
    shape.extend([n, n]);
    let ones = like.var.graph.scalar(1.0).broadcast(&[n]);
    Operand {
        var: ones.diagonal_matrix().reshape(&shape),
        rank: 2,
    }
}

macro_rules! row {
    ($name:literal, $signature:literal, $n:literal, $rule:ident, $lower:expr, $doc:literal) => {
        Function {
            name: $name,
            signature: $signature,
            doc: $doc,
            arity: ($n, $n),
            result: $rule,
            lower: $lower,
        }
    };
}

pub(super) static TABLE: &[Function] = &[
    row!(
        "@",
        "a @ b",
        2,
        matmul,
        |x| product(x[0], x[1]),
        "Matrix product; a vector counts as row or column."
    ),
    row!(
        "dot",
        "dot(a, b)",
        2,
        dot,
        |x| product(x[0], x[1]),
        "Inner product of two vectors."
    ),
    row!(
        "outer",
        "outer(a, b)",
        2,
        outer,
        |x| x[0].var.unsqueeze(0) * x[1].var.unsqueeze(1),
        "Outer product of two vectors."
    ),
    row!(
        "transpose",
        "x'",
        1,
        transpose,
        |x| x[0].var.transpose(),
        "Transposed matrix."
    ),
    row!(
        "diag",
        "diag(x)",
        1,
        diag,
        |x| if x[0].rank == 1 {
            x[0].var.diagonal_matrix()
        } else {
            x[0].var.diagonal()
        },
        "Diagonal matrix of a vector, or the diagonal of a matrix."
    ),
    row!(
        "trace",
        "trace(x)",
        1,
        square_to_real,
        |x| x[0].var.diagonal().sum_axes(&[0]),
        "Sum of the diagonal."
    ),
    row!(
        "cholesky",
        "cholesky(x)",
        1,
        square_to_same,
        |x| x[0].var.cholesky(),
        "Lower triangular L with L L' = x, for x symmetric and positive definite."
    ),
    row!(
        "solve_lower",
        "solve_lower(L, b)",
        2,
        solve,
        |x| triangular(x[0], x[1], false),
        "L⁻¹ b for L lower triangular, b a vector or a matrix."
    ),
    row!(
        "solve_upper",
        "solve_upper(L, b)",
        2,
        solve,
        |x| triangular(
            Operand {
                var: x[0].var.transpose(),
                rank: 2
            },
            x[1],
            true
        ),
        "U⁻¹ b for U upper triangular, b a vector or a matrix."
    ),
    row!(
        "solve_spd",
        "solve_spd(A, b)",
        2,
        solve,
        |x| solve_spd(x[0], x[1]),
        "A⁻¹ b for A symmetric and positive definite."
    ),
    row!(
        "inverse",
        "inverse(A)",
        1,
        square_to_same,
        |x| solve_spd(x[0], identity(x[0])),
        "A⁻¹ for A symmetric and positive definite."
    ),
    row!(
        "log_det",
        "log_det(A)",
        1,
        square_to_real,
        |x| x[0].var.cholesky().diagonal().log().sum_axes(&[0]) * 2.0,
        "log |A| for A symmetric and positive definite."
    ),
    row!(
        "quad_form",
        "quad_form(A, x)",
        2,
        quad_form,
        |x| {
            let ax = Operand {
                var: product(x[0], x[1]),
                rank: 1,
            };
            product(x[1], ax)
        },
        "x' A x."
    ),
];
