//! Sums and extremes over axes.

use super::log_product::sum_of_outer;
use super::{Binary, Contract, Labels, Unary, contract};
use crate::graph::{Graph, Operation, Pull, Range, Shape, Tensor, Var, flat_strides, numel};
use crate::special::Real;
use smallvec::SmallVec;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReduceKind {
    Sum,
    Max,
    Min,
}

/// Reduces the axes, given ascending and counted from the last; they disappear from the shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reduce {
    pub kind: ReduceKind,
    pub axes: SmallVec<[usize; 4]>,
}

impl<'g> Var<'g> {
    fn reduce(self, kind: ReduceKind, axes: &[usize]) -> Var<'g> {
        let mut axes: SmallVec<[usize; 4]> = SmallVec::from_slice(axes);
        axes.sort_unstable();
        self.graph.apply(Reduce { kind, axes }, &[self])
    }

    /// Sum over the given axes, counted from the last.
    pub fn sum_axes(self, axes: &[usize]) -> Var<'g> {
        self.reduce(ReduceKind::Sum, axes)
    }

    /// Sum of all elements.
    pub fn sum(self) -> Var<'g> {
        self.sum_axes(&(0..self.rank()).collect::<Vec<_>>())
    }

    /// Largest element over the given axes, counted from the last; −∞ of nothing.
    pub fn max_axes(self, axes: &[usize]) -> Var<'g> {
        self.reduce(ReduceKind::Max, axes)
    }

    /// Smallest element over the given axes, counted from the last; ∞ of nothing.
    pub fn min_axes(self, axes: &[usize]) -> Var<'g> {
        self.reduce(ReduceKind::Min, axes)
    }
}

impl ReduceKind {
    pub fn neutral(self) -> f64 {
        match self {
            ReduceKind::Sum => 0.0,
            ReduceKind::Max => f64::NEG_INFINITY,
            ReduceKind::Min => f64::INFINITY,
        }
    }

    #[inline(always)]
    pub fn combine<T: Real>(self, a: T, b: T) -> T {
        match self {
            ReduceKind::Sum => a + b,
            // NaN must not vanish.
            ReduceKind::Max => {
                if a.is_nan() || a >= b {
                    a
                } else {
                    b
                }
            }
            ReduceKind::Min => {
                if a.is_nan() || a <= b {
                    a
                } else {
                    b
                }
            }
        }
    }
}

impl Reduce {
    /// The argument's shape with the reduced axes at extent 1.
    fn kept(&self, shape: &Shape) -> Shape {
        let mut kept = shape.clone();
        for &axis in &self.axes {
            kept[shape.len() - 1 - axis] = 1;
        }
        kept
    }
}

impl Operation for Reduce {
    fn name(&self) -> &'static str {
        match self.kind {
            ReduceKind::Sum => "sum",
            ReduceKind::Max => "max_of",
            ReduceKind::Min => "min_of",
        }
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let rank = args[0].len();
        if self.axes.iter().any(|&a| a >= rank) {
            return Err(format!("no axes {:?}", self.axes.as_slice()));
        }
        Ok((0..rank)
            .filter(|i| !self.axes.contains(&(rank - 1 - i)))
            .map(|i| args[0][i])
            .collect())
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let shape = args[0].shape();
        let mut strides = flat_strides(&self.kept(shape));
        for &axis in &self.axes {
            strides[shape.len() - 1 - axis] = 0;
        }
        out.fill(self.kind.neutral());
        // What additions round off, so that this slow way can judge the fast ones.
        let is_sum = self.kind == ReduceKind::Sum;
        let mut lost = vec![0.0; if is_sum { out.len() } else { 0 }];
        let mut index: SmallVec<[usize; 4]> = SmallVec::from_elem(0, shape.len());
        let mut at = 0;
        for &x in args[0].data() {
            let old = out[at];
            out[at] = self.kind.combine(old, x);
            if is_sum {
                let added = out[at] - old;
                lost[at] += (old - (out[at] - added)) + (x - added);
            }
            for axis in (0..shape.len()).rev() {
                index[axis] += 1;
                at += strides[axis];
                if index[axis] < shape[axis] {
                    break;
                }
                at -= strides[axis] * shape[axis];
                index[axis] = 0;
            }
        }
        // It is NaN where a sum is not finite.
        let exact = out.iter_mut().zip(lost).filter(|(_, lost)| !lost.is_nan());
        exact.for_each(|(sum, lost)| *sum += lost);
    }

    fn range(&self, args: &[Range]) -> Range {
        match self.kind {
            ReduceKind::Sum => args[0].sums(),
            ReduceKind::Max | ReduceKind::Min => args[0],
        }
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let shape = node.args[0].shape();
        let kept = self.kept(&shape);
        let spread = node.cotangent.reshape(&kept).broadcast(&shape);
        if self.kind == ReduceKind::Sum {
            return vec![Some(spread)];
        }
        // Shared evenly between ties.
        let hit = node.args[0].eq(node.out.reshape(&kept).broadcast(&shape));
        let ties = hit.sum_axes(&self.axes).reshape(&kept).broadcast(&shape);
        vec![Some(spread * hit / ties)]
    }

    fn batch<'g>(&self, args: &[Var<'g>], _batched: &[bool], _size: usize) -> Var<'g> {
        args[0].graph.apply(self.clone(), args)
    }

    fn simplify<'g>(&self, graph: &'g Graph, args: &[Var<'g>]) -> Option<Var<'g>> {
        let x = args[0];
        let shape = x.shape();
        if self.axes.is_empty() {
            return Some(x);
        }
        if numel(&shape) == 0 {
            let out = self.shape(&[&shape]).ok()?;
            return Some(graph.scalar(self.kind.neutral()).broadcast(&out));
        }
        if self.axes.iter().all(|&a| x.extent(a) == 1) {
            return Some(x.reshape(&self.shape(&[&shape]).ok()?));
        }
        if x.as_const()
            .is_some_and(|c| c.numel() > 0 && x.as_uniform().is_none())
        {
            return None; // folded by its value
        }
        if let Some(inner) = x.without_repeats(&self.axes) {
            let times: usize = self.axes.iter().map(|&a| x.extent(a)).product();
            return Some(if self.kind == ReduceKind::Sum {
                inner * times as f64
            } else {
                inner
            });
        }
        if self.kind == ReduceKind::Sum {
            self.simplify_sum(x)
        } else {
            None
        }
    }

    fn detail(&self) -> String {
        format!("{:?}", self.axes.as_slice())
    }
}

impl Reduce {
    /// Σ is linear: what does not vary along the reduced axes leaves the sum.
    fn simplify_sum<'g>(&self, x: Var<'g>) -> Option<Var<'g>> {
        if let Some(sum) = sum_of_outer(self, x) {
            return Some(sum);
        }
        let axes = &self.axes;
        if let Some((inner, args)) = x.as_op::<Reduce>()
            && inner.kind == ReduceKind::Sum
        {
            return Some(args[0].sum_axes(&joined_axes(&inner.axes, axes, args[0].rank())));
        }
        if let Some((unary, args)) = x.as_op::<Unary>()
            && unary.0.name == "neg"
        {
            return Some(-args[0].sum_axes(axes));
        }
        if let Some((op, args)) = x.as_op::<Contract>() {
            return Some(sum_of_contract(&op, args[0], args[1], axes));
        }
        let (binary, args) = x.as_op::<Binary>()?;
        let (a, b) = (args[0], args[1]);
        match binary.0.name {
            // A constant's sum is a constant.
            "add" | "sub"
                if a.without_repeats(axes).is_some()
                    || b.without_repeats(axes).is_some()
                    || a.as_const().is_some()
                    || b.as_const().is_some() =>
            {
                let (a, b) = (a.sum_axes(axes), b.sum_axes(axes));
                Some(if binary.0.name == "add" { a + b } else { a - b })
            }
            "mul" => {
                if let Some(b) = b.without_repeats(axes) {
                    return Some(a.sum_axes(axes) * b);
                }
                if let Some(a) = a.without_repeats(axes) {
                    return Some(a * b.sum_axes(axes));
                }
                product_as_contract(a, b, axes)
            }
            "div" => b.without_repeats(axes).map(|b| a.sum_axes(axes) / b),
            // Linear in the first, if no signs hide that all are 0.
            "xlogy" | "xlog1py"
                if a.as_const()
                    .is_some_and(|a| a.data().iter().all(|x| *x >= 0.0)) =>
            {
                let (a, b) = (a.sum_axes(axes), b.without_repeats(axes)?);
                Some(if binary.0.name == "xlogy" {
                    a.xlogy(b)
                } else {
                    a.xlog1py(b)
                })
            }
            _ => None,
        }
    }
}

/// Axes of the original that two reductions, one after the other, remove.
fn joined_axes(first: &[usize], second: &[usize], rank: usize) -> Vec<usize> {
    let left: Vec<usize> = (0..rank).filter(|a| !first.contains(a)).collect();
    first
        .iter()
        .copied()
        .chain(second.iter().map(|&a| left[a]))
        .collect()
}

/// Summing a contraction's result over a label sums inside it.
fn sum_of_contract<'g>(op: &Contract, a: Var<'g>, b: Var<'g>, axes: &[usize]) -> Var<'g> {
    let n = op.out.len();
    let (mut a, mut b, mut la, mut lb, mut out) =
        (a, b, op.a.clone(), op.b.clone(), op.out.clone());
    for &axis in axes {
        let label = op.out[n - 1 - axis];
        out.retain(|l| *l != label);
        let only_a = la.contains(&label) && !lb.contains(&label);
        let only_b = lb.contains(&label) && !la.contains(&label);
        if only_a {
            a = a.sum_axes(&[axis_of(&la, label)]);
            la.retain(|l| *l != label);
        } else if only_b {
            b = b.sum_axes(&[axis_of(&lb, label)]);
            lb.retain(|l| *l != label);
        }
    }
    contract(a, &la, b, &lb, &out)
}

fn axis_of(labels: &Labels, label: u8) -> usize {
    labels
        .iter()
        .rev()
        .position(|l| *l == label)
        .expect("the label is one of the operand's")
}

/// Σ over a product of repeated operands is a contraction of what they repeat: an outer structure
/// is never written out. Left as it is where an operand would first have to be stored for it.
fn product_as_contract<'g>(a: Var<'g>, b: Var<'g>, axes: &[usize]) -> Option<Var<'g>> {
    let rank = a.rank();
    let repeats = |v: Var<'g>| {
        (0..rank)
            .filter(|&x| v.extent(x) != 1 && v.repeats_along(x))
            .collect::<Vec<_>>()
    };
    let (ra, rb) = (repeats(a), repeats(b));
    let stored = |v: Var<'g>| v.as_const().is_some() || v.as_op::<super::Input>().is_some();
    let worthwhile = (!ra.is_empty() && !rb.is_empty())
        || (!ra.is_empty() && stored(b))
        || (!rb.is_empty() && stored(a));
    // A product over axes that both have whole is a plain sum of products.
    let shared = axes
        .iter()
        .any(|x| !ra.contains(x) && !rb.contains(x) && a.extent(*x) != 1);
    if !worthwhile || !shared {
        return None;
    }
    let label = |axis: usize| (rank - 1 - axis) as u8;
    let labels = |r: &[usize]| {
        (0..rank)
            .rev()
            .filter(|x| !r.contains(x))
            .map(label)
            .collect::<Labels>()
    };
    let out: Labels = (0..rank)
        .rev()
        .filter(|x| !axes.contains(x))
        .map(label)
        .collect();
    let (mut va, mut vb) = (drop_repeats(a, &ra)?, drop_repeats(b, &rb)?);
    let (mut la, mut lb) = (labels(&ra), labels(&rb));
    // A reduced axis that only one operand has is summed in it first.
    for &axis in axes {
        if ra.contains(&axis) && rb.contains(&axis) {
            return None;
        }
        if ra.contains(&axis) {
            vb = vb.sum_axes(&[axis_of(&lb, label(axis))]);
            lb.retain(|l| *l != label(axis));
        } else if rb.contains(&axis) {
            va = va.sum_axes(&[axis_of(&la, label(axis))]);
            la.retain(|l| *l != label(axis));
        }
    }
    Some(contract(va, &la, vb, &lb, &out))
}

fn drop_repeats<'g>(v: Var<'g>, axes: &[usize]) -> Option<Var<'g>> {
    if axes.is_empty() {
        Some(v)
    } else {
        v.without_repeats(axes)
    }
}
