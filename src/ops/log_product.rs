//! Products of a vector and a matrix that are given by their logarithms, and their derivatives.
//!
//! `yⱼ = log Σᵢ exp(cᵢ + pᵢⱼ)` as it stands takes an exponential for every element of the matrix. Where the matrix
//! serves many vectors, as in a step of a hidden Markov chain, `Σᵢ exp(cᵢ − top) · exp(pᵢⱼ − shiftⱼ)` takes one for
//! every element of the vector, and a product for the rest. The sum may underflow although the result does not, when the
//! largest elements of the vector meet none of the matrix: such elements of the result are computed as they stand. Which
//! they are is known only when the operation is run, hence it is one operation.

use super::Reduce;
use crate::graph::{Lane, Operation, Pull, Shape, Tensor, Var, flat_strides, numel};
use crate::special::{self, Real};
use smallvec::SmallVec;

/// `yⱼ = log Σᵢ exp(cᵢ + pᵢⱼ)`, without overflow.
///
/// Arguments: `c` `[lead…, I]`; `p` `[lead…, I, J]`, whose leading axes may be missing or of extent 1; and of `p`
/// the matrix `exp(p − shift)` and the `shift` `[lead…, J]`, the largest number of every column (0 where that is not
/// finite). The result is `[lead…, J]`. [`Var::log_product`] makes it of the first two.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogProduct;

/// Sums of the weights `wᵢⱼ = exp(cᵢ + pᵢⱼ − yⱼ)`, the derivatives of [`LogProduct`].
///
/// Arguments: `c`, `p`, `y` as there; its matrix and shift; factors. The value is a function of
/// `c`, `p`, `y` and factors, of which matrix and shift only save exponentials:
/// `w = exp(c − top) · exp(p − shift) · exp(top + shift − y)`, where the last is not too large for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogWeights {
    /// `Σⱼ wᵢⱼ bⱼ`, for the factor `b`; the matrix is given transposed.
    Rows,
    /// `Σᵢ aᵢ wᵢⱼ`, for the factor `a`.
    Columns,
    /// `aᵢ wᵢⱼ bⱼ`, for factors `b` and, where it is not 1, `a`; summed over the leading axes that `p` lacks.
    Outer,
}

/// The matrices that a [`LogProduct`] and its derivatives go by: for every vector the place of its own.
#[derive(Clone, Debug)]
pub struct LogMatrices {
    /// Elements of a vector, and of a result.
    pub rows: usize,
    pub columns: usize,
    pub vectors: usize,
    /// Of the leading axes: extents and steps from matrix to matrix.
    axes: SmallVec<[(usize, usize); 4]>,
}

impl LogMatrices {
    /// For arguments `c` and `p` of such shapes.
    pub fn new(c: &Shape, p: &Shape) -> LogMatrices {
        let (lead, own) = (&c[..c.len() - 1], &p[..p.len() - 2]);
        let strides = flat_strides(&Shape::from_slice(own));
        let missing = lead.len() - own.len();
        let step = |i: usize| match i.checked_sub(missing) {
            Some(k) if own[k] != 1 => strides[k],
            _ => 0,
        };
        let mut axes: SmallVec<[(usize, usize); 4]> =
            (0..lead.len()).map(|i| (lead[i], step(i))).collect();
        if axes.iter().all(|axis| axis.1 == 0) {
            axes.clear();
        }
        LogMatrices {
            rows: c[c.len() - 1],
            columns: p[p.len() - 1],
            vectors: numel(&Shape::from_slice(lead)),
            axes,
        }
    }

    /// The matrix of a vector.
    #[inline]
    pub fn of(&self, vector: usize) -> usize {
        let (mut rest, mut matrix) = (vector, 0);
        for &(extent, step) in self.axes.iter().rev() {
            matrix += rest % extent * step;
            rest /= extent;
        }
        matrix
    }

    /// Numbers of a matrix.
    pub fn size(&self) -> usize {
        self.rows * self.columns
    }
}

/// One element of a [`LogProduct`] as it is written, for a column of logarithms.
pub fn log_sum<T: Real>(c: &[T], column: impl Fn(usize) -> T) -> T {
    let sums = || (0..c.len()).map(|i| c[i].wide() + column(i).wide());
    let larger = |a: f64, b: f64| if a > b || a.is_nan() { a } else { b };
    let top = sums().fold(f64::NEG_INFINITY, larger);
    // Where all are −∞ (or one is ∞) there is nothing to take out.
    let top = if top.is_finite() { top } else { 0.0 };
    let sum: f64 = sums().map(|x| special::exp(x - top)).sum();
    T::of(special::log(sum) + top)
}

/// One weight as it is written.
pub fn log_weight<T: Real>(c: T, p: T, y: T) -> T {
    T::of(special::exp(c.wide() + p.wide() - y.wide()))
}

/// Of logarithms `p` `[lead…, I, J]`: the largest of every column (0 where it is not finite), `[lead…, J]`, and
/// `exp(p − shift)`.
fn scaled(p: Var<'_>) -> (Var<'_>, Var<'_>) {
    let shift = finite(p.max_axes(&[1]).stop_gradient());
    (shift, (p - shift.unsqueeze(1)).exp())
}

fn finite(x: Var<'_>) -> Var<'_> {
    x.is_finite().select(x, 0.0)
}

impl<'g> Var<'g> {
    /// `log Σᵢ exp(cᵢ + pᵢⱼ)` for `self = c`; see [`LogProduct`].
    pub fn log_product(self, p: Var<'g>) -> Var<'g> {
        let (shift, matrix) = scaled(p);
        self.log_product_scaled(p, matrix, shift)
    }

    fn log_product_scaled(self, p: Var<'g>, matrix: Var<'g>, shift: Var<'g>) -> Var<'g> {
        self.graph.apply(LogProduct, &[self, p, matrix, shift])
    }
}

/// The arguments of a rewritten step that do not change from step to step: `p`, its matrix and shift.
pub(crate) fn invariants(p: Var<'_>) -> [Var<'_>; 3] {
    let (shift, matrix) = scaled(p);
    [p, matrix, shift]
}

fn check(c: &Shape, p: &Shape) -> Result<(), String> {
    let (m, n) = (c.len(), p.len());
    let fits = m >= 1 && n >= 2 && n <= m + 1 && c[m - 1] == p[n - 2];
    let lead = c.iter().rev().skip(1).zip(p.iter().rev().skip(2));
    if fits && lead.into_iter().all(|(c, p)| c == p || *p == 1) {
        Ok(())
    } else {
        Err(format!(
            "vectors {:?}, matrices {:?}",
            c.as_slice(),
            p.as_slice()
        ))
    }
}

/// A matrix (or shift) with a leading axis, beside vectors of which `lead` axes stand before the last.
fn lifted<'g>(v: Var<'g>, batched: bool, size: usize, own: usize, lead: usize) -> Var<'g> {
    let mut shape = v.shape();
    if !batched {
        shape.insert(0, 1);
    }
    let missing = lead - (shape.len() - 1 - own);
    for _ in 0..missing {
        shape.insert(1, 1);
    }
    let lead = v.reshape(&shape);
    shape[0] = size;
    lead.broadcast(&shape)
}

fn lead<'g>(args: &[Var<'g>], batched: &[bool], i: usize, size: usize) -> Var<'g> {
    Lane {
        var: args[i],
        batched: batched[i],
    }
    .lead(size)
}

impl Operation for LogProduct {
    fn name(&self) -> &'static str {
        "log_product"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        check(args[0], args[1])?;
        let mut shape = args[0].clone();
        let last = shape.len() - 1;
        shape[last] = args[1][args[1].len() - 1];
        Ok(shape)
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let all = LogMatrices::new(args[0].shape(), args[1].shape());
        let (c, p) = (args[0].data(), args[1].data());
        for v in 0..all.vectors {
            let c = &c[v * all.rows..(v + 1) * all.rows];
            let p = &p[all.of(v) * all.size()..];
            for j in 0..all.columns {
                out[v * all.columns + j] = log_sum(c, |i| p[i * all.columns + j]);
            }
        }
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let weights = Weights::new([node.args[0], node.args[1], node.out]);
        let (rows, outer) = (
            weights.sum(LogWeights::Rows, &[node.cotangent]),
            weights.sum(LogWeights::Outer, &[node.cotangent]),
        );
        vec![Some(rows), Some(outer), None, None]
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g> {
        let c = lead(args, batched, 0, size);
        if !batched[1..].contains(&true) {
            return c.log_product_scaled(args[1], args[2], args[3]);
        }
        let of = |i: usize, own: usize| lifted(args[i], batched[i], size, own, c.rank() - 2);
        c.log_product_scaled(of(1, 2), of(2, 2), of(3, 1))
    }
}

/// What all sums of weights have in common.
struct Weights<'g> {
    c: Var<'g>,
    p: Var<'g>,
    y: Var<'g>,
    shift: Var<'g>,
}

impl<'g> Weights<'g> {
    fn new([c, p, y]: [Var<'g>; 3]) -> Weights<'g> {
        let (shift, _) = scaled(p);
        Weights { c, p, y, shift }
    }

    fn sum(&self, kind: LogWeights, factors: &[Var<'g>]) -> Var<'g> {
        let matrix = match kind {
            // As a node of its own, that recurrences compute once.
            LogWeights::Rows => (self.p.transpose() - self.shift.unsqueeze(0)).exp(),
            _ => (self.p - self.shift.unsqueeze(1)).exp(),
        };
        let mut args = vec![self.c, self.p, self.y, matrix, self.shift];
        args.extend(factors);
        self.c.graph.apply(kind, &args)
    }
}

impl Operation for LogWeights {
    fn name(&self) -> &'static str {
        match self {
            LogWeights::Rows => "log_weights_rows",
            LogWeights::Columns => "log_weights_columns",
            LogWeights::Outer => "log_weights_outer",
        }
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        check(args[0], args[1])?;
        Ok(match self {
            LogWeights::Rows => args[0].clone(),
            LogWeights::Columns => args[2].clone(),
            LogWeights::Outer => args[1].clone(),
        })
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let all = LogMatrices::new(args[0].shape(), args[1].shape());
        let [c, p, y, factor] = [0, 1, 2, 5].map(|i| args[i].data());
        out.fill(0.0);
        for v in 0..all.vectors {
            let at = all.of(v) * all.size();
            for (i, j) in (0..all.rows).flat_map(|i| (0..all.columns).map(move |j| (i, j))) {
                let (row, column) = (v * all.rows + i, v * all.columns + j);
                let cell = at + i * all.columns + j;
                let (to, factor) = match self {
                    LogWeights::Rows => (row, factor[column]),
                    LogWeights::Columns => (column, factor[row]),
                    LogWeights::Outer => {
                        let a = args.get(6).map_or(1.0, |a| a.data()[row]);
                        (cell, a * factor[column])
                    }
                };
                // Of what nobody asks for the weight need not be a number.
                if factor != 0.0 {
                    out[to] += factor * log_weight(c[row], p[cell], y[column]);
                }
            }
        }
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let (g, factor) = (node.cotangent, node.args[5]);
        let [c, p, y] = [node.args[0], node.args[1], node.args[2]];
        let weights = Weights::new([c, p, y]);
        let mut cotangents = vec![None; node.args.len()];
        let (dc, dp, dy, dfactor) = match self {
            LogWeights::Rows => {
                let columns = weights.sum(LogWeights::Columns, &[g]);
                let dp = weights.sum(LogWeights::Outer, &[factor, g]);
                (g * node.out, dp, -(factor * columns), columns)
            }
            LogWeights::Columns => {
                let rows = weights.sum(LogWeights::Rows, &[g]);
                let dp = weights.sum(LogWeights::Outer, &[g, factor]);
                (factor * rows, dp, -(g * node.out), rows)
            }
            LogWeights::Outer => {
                let each = g * (c.unsqueeze(0) + p - y.unsqueeze(1)).exp();
                let from = each.shape();
                let other = node.args.get(6).copied();
                let scaled = match other {
                    Some(a) => each * a.unsqueeze(0).broadcast(&from),
                    None => each,
                };
                let rows = (each * factor.unsqueeze(1).broadcast(&from)).sum_axes(&[0]);
                let columns = scaled.sum_axes(&[1]);
                if other.is_some() {
                    cotangents[6] = Some(rows);
                }
                let dc = other.map_or(rows, |a| a * rows);
                (dc, g * node.out, -(factor * columns), columns)
            }
        };
        for (i, d) in [(0, dc), (1, dp), (2, dy), (5, dfactor)] {
            cotangents[i] = Some(d);
        }
        cotangents
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g> {
        let mut lifts: Vec<Var<'g>> = (0..args.len())
            .map(|i| lead(args, batched, i, size))
            .collect();
        let before = lifts[0].rank() - 2;
        let apart = batched[1] || batched[3] || batched[4] || *self == LogWeights::Outer;
        for (i, own) in [(1, 2), (3, 2), (4, 1)] {
            lifts[i] = match apart {
                true => lifted(args[i], batched[i], size, own, before),
                false => args[i],
            };
        }
        let sum = args[0].graph.apply(*self, &lifts);
        match self {
            LogWeights::Outer => {
                let mut shape = args[1].shape();
                if !batched[1] {
                    shape.insert(0, size);
                }
                sum.reshape(&shape)
            }
            _ => sum,
        }
    }
}

/// The sum over the outermost axes of an outer product, if its matrix is repeated along them: they need not
/// be made.
pub(super) fn sum_of_outer<'g>(sum: &Reduce, x: Var<'g>) -> Option<Var<'g>> {
    let (kind, mut args) = x
        .as_op::<LogWeights>()
        .filter(|(kind, _)| *kind == LogWeights::Outer)?;
    let rank = x.rank();
    let outermost = sum.axes.iter().copied().eq(rank - sum.axes.len()..rank);
    if !outermost || rank - sum.axes.len() < 2 {
        return None;
    }
    for (i, own) in [(1, 0), (3, 0), (4, 1)] {
        let axes: Vec<usize> = sum.axes.iter().map(|a| a - own).collect();
        args[i] = args[i].without_repeats(&axes)?;
    }
    Some(x.graph.apply(kind, &args))
}
