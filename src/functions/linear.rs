//! Linear algebra.

use super::{
    Argument, Function, Operand, Wrong, equal, extent, extents, number, ranked, same_lead, square,
};
use crate::graph::Var;
use crate::types::{Base, Dim, Same, Type};

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

/// Points in the rows of two matrices.
fn pairs(args: &[Argument]) -> Result<Type, Wrong> {
    let ((_, x), (_, y)) = (ranked(args, 0, 2)?, ranked(args, 1, 2)?);
    equal(0, &x[1], 1, &y[1])?;
    Ok(Type::array(Base::Real, [x[0].clone(), y[0].clone()]))
}

fn squared_distances<'g>(x: &[Operand<'g>]) -> Var<'g> {
    (x[0].var.unsqueeze(1) - x[1].var.unsqueeze(2))
        .square()
        .sum_axes(&[0])
}

/// With derivative 0 where points are equal.
fn distances<'g>(x: &[Operand<'g>]) -> Var<'g> {
    squared_distances(x).sqrt_or_0()
}

fn general_solve<'g>(a: Operand<'g>, b: Operand<'g>) -> Var<'g> {
    let both = same_lead(&[a, b]);
    let (a, v) = (both[0], both[1]);
    if b.rank == 1 {
        a.solve(v.unsqueeze(0), false).reshape(&v.shape())
    } else {
        a.solve(v, false)
    }
}

fn kron(args: &[Argument]) -> Result<Type, Wrong> {
    let ((_, a), (_, b)) = (ranked(args, 0, 2)?, ranked(args, 1, 2)?);
    let extent = |i: usize| Dim::product(&[a[i].clone(), b[i].clone()]);
    Ok(Type::array(Base::Real, [extent(0), extent(1)]))
}

fn square_to_vector(args: &[Argument]) -> Result<Type, Wrong> {
    Ok(Type::array(Base::Real, [square(args, 0)?[0].clone()]))
}

fn power(args: &[Argument]) -> Result<Type, Wrong> {
    extent(args, 1)?;
    square_to_same(args)
}

/// Extents of a matrix that has no more columns than rows.
fn tall<'a>(args: &'a [Argument]) -> Result<&'a [Dim], Wrong> {
    let (_, dims) = ranked(args, 0, 2)?;
    match dims[0].plus(&dims[1], -1).known() {
        Some(more) if more < 0 => Err(Wrong::Kind {
            at: 0,
            expected: "a matrix with at least as many rows as columns".into(),
        }),
        _ => Ok(dims),
    }
}

fn tall_to_same(args: &[Argument]) -> Result<Type, Wrong> {
    Ok(Type::array(Base::Real, tall(args)?))
}

fn tall_to_square(args: &[Argument]) -> Result<Type, Wrong> {
    let n = &tall(args)?[1];
    Ok(Type::array(Base::Real, [n.clone(), n.clone()]))
}

/// A vector of the smaller extent.
fn spectrum(args: &[Argument]) -> Result<Type, Wrong> {
    let (_, dims) = ranked(args, 0, 2)?;
    let (m, n) = (&dims[0], &dims[1]);
    let least = match (m.compare(n), m.plus(n, -1).known()) {
        (Same::Yes, _) => n.clone(),
        (_, Some(more)) if more < 0 => m.clone(),
        (_, Some(_)) => n.clone(),
        _ => Dim::opaque(format!("min({m}, {n})")),
    };
    Ok(Type::array(Base::Real, [least]))
}

fn quad_form_diag(args: &[Argument]) -> Result<Type, Wrong> {
    quad_form(args)?;
    square_to_same(args)
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

fn triangular<'g>(l: Operand<'g>, b: Operand<'g>, transposed: bool) -> Var<'g> {
    let both = same_lead(&[l, b]);
    let (l, v) = (both[0], both[1]);
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

pub(super) static TABLE: &[Function] = &[
    Function::new(
        "@",
        "a @ b",
        (2, 2),
        matmul,
        |x| product(x[0], x[1]),
        "Matrix product; a vector counts as row or column.",
    ),
    Function::new(
        "dot",
        "dot(a, b)",
        (2, 2),
        dot,
        |x| product(x[0], x[1]),
        "Inner product of two vectors.",
    ),
    Function::new(
        "outer",
        "outer(a, b)",
        (2, 2),
        outer,
        |x| x[0].var.unsqueeze(0) * x[1].var.unsqueeze(1),
        "Outer product of two vectors.",
    ),
    Function::new(
        "transpose",
        "x'",
        (1, 1),
        transpose,
        |x| x[0].var.transpose(),
        "Transposed matrix.",
    ),
    Function::new(
        "diag",
        "diag(x)",
        (1, 1),
        diag,
        |x| {
            if x[0].rank == 1 {
                x[0].var.diagonal_matrix()
            } else {
                x[0].var.diagonal()
            }
        },
        "Diagonal matrix of a vector, or the diagonal of a matrix.",
    ),
    Function::new(
        "trace",
        "trace(x)",
        (1, 1),
        square_to_real,
        |x| x[0].var.diagonal().sum_axes(&[0]),
        "Sum of the diagonal.",
    ),
    Function::new(
        "cholesky",
        "cholesky(x)",
        (1, 1),
        square_to_same,
        |x| x[0].var.cholesky(),
        "Lower triangular L with L L' = x, for x symmetric and positive definite.",
    ),
    Function::new(
        "solve_lower",
        "solve_lower(L, b)",
        (2, 2),
        solve,
        |x| triangular(x[0], x[1], false),
        "L⁻¹ b for L lower triangular, b a vector or a matrix.",
    ),
    Function::new(
        "solve_upper",
        "solve_upper(L, b)",
        (2, 2),
        solve,
        |x| {
            triangular(
                Operand {
                    var: x[0].var.transpose(),
                    rank: 2,
                },
                x[1],
                true,
            )
        },
        "U⁻¹ b for U upper triangular, b a vector or a matrix.",
    ),
    Function::new(
        "solve_spd",
        "solve_spd(A, b)",
        (2, 2),
        solve,
        |x| solve_spd(x[0], x[1]),
        "A⁻¹ b for A symmetric and positive definite.",
    ),
    Function::new(
        "solve",
        "solve(A, b)",
        (2, 2),
        solve,
        |x| general_solve(x[0], x[1]),
        "A⁻¹ b for any square A, b a vector or a matrix; NaN where A is singular.",
    ),
    Function::new(
        "log_abs_det",
        "log_abs_det(A)",
        (1, 1),
        square_to_real,
        |x| x[0].var.log_abs_det(),
        "log of the absolute value of the determinant, for any square A.",
    ),
    Function::new(
        "squared_distances",
        "squared_distances(X, Y)",
        (2, 2),
        pairs,
        squared_distances,
        "Squared distances between the rows of X and the rows of Y.",
    ),
    Function::new(
        "distances",
        "distances(X, Y)",
        (2, 2),
        pairs,
        distances,
        "Distances between the rows of X and the rows of Y; the derivative is 0 where they \
         are equal.",
    ),
    Function::new(
        "inverse",
        "inverse(A)",
        (1, 1),
        square_to_same,
        |x| solve_spd(x[0], identity(x[0])),
        "A⁻¹ for A symmetric and positive definite.",
    ),
    Function::new(
        "log_det",
        "log_det(A)",
        (1, 1),
        square_to_real,
        |x| x[0].var.cholesky().diagonal().log().sum_axes(&[0]) * 2.0,
        "log |A| for A symmetric and positive definite.",
    ),
    Function::new(
        "quad_form",
        "quad_form(A, x)",
        (2, 2),
        quad_form,
        |x| {
            let ax = Operand {
                var: product(x[0], x[1]),
                rank: 1,
            };
            product(x[1], ax)
        },
        "x' A x.",
    ),
    Function::new(
        "quad_form_diag",
        "quad_form_diag(A, x)",
        (2, 2),
        quad_form_diag,
        |x| x[0].var * x[1].var.unsqueeze(0) * x[1].var.unsqueeze(1),
        "diag(x) A diag(x): a covariance matrix of a correlation matrix and standard \
         deviations.",
    ),
    Function::new(
        "det",
        "det(A)",
        (1, 1),
        square_to_real,
        |x| x[0].var.det(),
        "Determinant of any square A; its derivative is NaN where it is 0.",
    ),
    Function::new(
        "kron",
        "kron(A, B)",
        (2, 2),
        kron,
        |x| x[0].var.kron(x[1].var),
        "Kronecker product: each element of A times B.",
    ),
    Function::new(
        "matrix_exp",
        "matrix_exp(A)",
        (1, 1),
        square_to_same,
        |x| x[0].var.matrix_exp(),
        "Matrix exponential of any square A.",
    ),
    Function::new(
        "matrix_power",
        "matrix_power(A, n)",
        (2, 2),
        power,
        |x| x[0].var.matrix_power(extents(&x[1..])[0]),
        "Product of n factors A, for n ≥ 0 known from data.",
    )
    .given_from(1),
    Function::new(
        "eigenvalues_symmetric",
        "eigenvalues_symmetric(A)",
        (1, 1),
        square_to_vector,
        |x| x[0].var.eigenvalues(),
        "Eigenvalues of a symmetric A, ascending.",
    ),
    Function::new(
        "eigenvectors_symmetric",
        "eigenvectors_symmetric(A)",
        (1, 1),
        square_to_same,
        |x| x[0].var.eigenvectors(),
        "Eigenvectors of a symmetric A in columns, in the order of the eigenvalues, of length \
         1, the element largest in absolute value positive.",
    ),
    Function::new(
        "qr_q",
        "qr_q(A)",
        (1, 1),
        tall_to_same,
        |x| x[0].var.qr_q(),
        "Q of the thin QR decomposition A = Q R: orthonormal columns. A has at least as many \
         rows as columns.",
    ),
    Function::new(
        "qr_r",
        "qr_r(A)",
        (1, 1),
        tall_to_square,
        |x| x[0].var.qr_r(),
        "R of the thin QR decomposition A = Q R: upper triangular with a positive diagonal.",
    ),
    Function::new(
        "singular_values",
        "singular_values(A)",
        (1, 1),
        spectrum,
        |x| x[0].var.singular_values(),
        "Singular values of a matrix, descending.",
    ),
    Function::new(
        "lower_triangle",
        "lower_triangle(A)",
        (1, 1),
        square_to_same,
        |x| x[0].var.lower_triangle(1.0),
        "A square matrix with zeros above the diagonal.",
    ),
];
