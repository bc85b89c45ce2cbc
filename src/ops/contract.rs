//! Batched contraction of two tensors, written as Einstein sums are: a label for each axis.
//!
//! Labels in both operands and in the result are batch axes, labels in both operands alone are
//! summed over, the rest stay free. Derivative and batching only relabel.

use crate::graph::{Graph, Operation, Pull, Range, Shape, Tensor, Var, flat_strides};
use smallvec::SmallVec;

/// One label for each axis, outermost first.
pub type Labels = SmallVec<[u8; 4]>;

/// `out = Σ a · b` over the labels that `out` lacks. Every label of an operand stands in the other
/// operand or in `out`; every label of `out` in an operand; none twice in one place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Contract {
    pub a: Labels,
    pub b: Labels,
    pub out: Labels,
}

/// Contracts two values; see [`Contract`].
pub fn contract<'g>(x: Var<'g>, a: &[u8], y: Var<'g>, b: &[u8], out: &[u8]) -> Var<'g> {
    let op = Contract {
        a: Labels::from_slice(a),
        b: Labels::from_slice(b),
        out: Labels::from_slice(out),
    };
    x.graph.apply(op, &[x, y])
}

impl<'g> Var<'g> {
    /// Matrix product of the last two axes; a vector on either side counts as row or column.
    /// Leading axes of both are batch axes and must agree, or stand on one side alone.
    pub fn matmul(self, other: Var<'g>) -> Var<'g> {
        let (ra, rb) = (self.rank(), other.rank());
        let lead_a = ra.saturating_sub(2);
        let lead_b = rb.saturating_sub(2);
        let lead: Labels = (0..lead_a.max(lead_b) as u8).map(|i| 10 + i).collect();
        let mut a: Labels = lead[lead.len() - lead_a..].into();
        let mut b: Labels = lead[lead.len() - lead_b..].into();
        let mut out = lead;
        if ra >= 2 {
            a.push(0);
            out.push(0);
        }
        a.push(1);
        b.push(1);
        if rb >= 2 {
            b.push(2);
            out.push(2);
        }
        contract(self, &a, other, &b, &out)
    }

    /// `Σᵢ aᵢ bᵢ` over the last axis.
    pub fn dot(self, other: Var<'g>) -> Var<'g> {
        (self * other).sum_axes(&[0])
    }
}

impl Contract {
    /// Labels summed over.
    pub fn summed(&self) -> Labels {
        self.a
            .iter()
            .copied()
            .filter(|l| !self.out.contains(l))
            .collect()
    }

    fn extents(&self, a: &Shape, b: &Shape) -> Result<[usize; 256], String> {
        let mut extents = [usize::MAX; 256];
        for (labels, shape) in [(&self.a, a), (&self.b, b)] {
            if labels.len() != shape.len() {
                return Err(format!(
                    "{} labels for {:?}",
                    labels.len(),
                    shape.as_slice()
                ));
            }
            for (&label, &n) in labels.iter().zip(shape.iter()) {
                let known = &mut extents[label as usize];
                if *known != usize::MAX && *known != n {
                    return Err(format!("label {label} is {known} and {n}"));
                }
                *known = n;
            }
        }
        Ok(extents)
    }

    /// Strides of an operand for a list of labels; 0 where it lacks one.
    fn strides(labels: &Labels, shape: &Shape, of: &[u8]) -> Vec<usize> {
        let own = flat_strides(shape);
        of.iter()
            .map(|l| labels.iter().position(|m| m == l).map_or(0, |i| own[i]))
            .collect()
    }
}

impl Operation for Contract {
    fn name(&self) -> &'static str {
        "contract"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let extents = self.extents(args[0], args[1])?;
        let lost =
            |x: &Labels, y: &Labels| x.iter().any(|l| !y.contains(l) && !self.out.contains(l));
        if lost(&self.a, &self.b) || lost(&self.b, &self.a) {
            return Err("a label stands in one operand alone".into());
        }
        self.out
            .iter()
            .map(|&l| match extents[l as usize] {
                usize::MAX => Err(format!("label {l} of the result is in no operand")),
                n => Ok(n),
            })
            .collect()
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let extents = self
            .extents(args[0].shape(), args[1].shape())
            .expect("checked when built");
        let summed = self.summed();
        let all: Labels = self.out.iter().chain(summed.iter()).copied().collect();
        let shape: Vec<usize> = all.iter().map(|&l| extents[l as usize]).collect();
        let sa = Contract::strides(&self.a, args[0].shape(), &all);
        let sb = Contract::strides(&self.b, args[1].shape(), &all);
        let inner: usize = shape[self.out.len()..].iter().product();
        out.fill(0.0);
        if inner == 0 {
            return;
        }
        let mut index = vec![0; all.len()];
        let (mut ia, mut ib) = (0, 0);
        for y in out.iter_mut() {
            let mut sum = 0.0;
            for _ in 0..inner {
                sum += args[0].data()[ia] * args[1].data()[ib];
                for axis in (0..all.len()).rev() {
                    index[axis] += 1;
                    ia += sa[axis];
                    ib += sb[axis];
                    if index[axis] < shape[axis] {
                        break;
                    }
                    ia -= sa[axis] * shape[axis];
                    ib -= sb[axis] * shape[axis];
                    index[axis] = 0;
                }
            }
            *y = sum;
        }
    }

    fn range(&self, args: &[Range]) -> Range {
        (args[0] * args[1]).sums()
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let (a, b, g) = (node.args[0], node.args[1], node.cotangent);
        vec![
            Some(contract(g, &self.out, b, &self.b, &self.a)),
            Some(contract(a, &self.a, g, &self.out, &self.b)),
        ]
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], _size: usize) -> Var<'g> {
        let fresh = (0..=u8::MAX)
            .find(|l| !self.a.contains(l) && !self.b.contains(l))
            .expect("a tensor has fewer than 256 axes");
        let lead = |labels: &Labels, on: bool| {
            let mut labels = labels.clone();
            if on {
                labels.insert(0, fresh);
            }
            labels
        };
        let (a, b) = (lead(&self.a, batched[0]), lead(&self.b, batched[1]));
        contract(args[0], &a, args[1], &b, &lead(&self.out, true))
    }

    fn simplify<'g>(&self, _graph: &'g Graph, args: &[Var<'g>]) -> Option<Var<'g>> {
        let (sa, sb) = (args[0].shape(), args[1].shape());
        let extents = self.extents(&sa, &sb).ok()?;
        let summed = self.summed();
        if summed.iter().all(|&l| extents[l as usize] == 1) {
            return Some(self.as_product(args, &extents));
        }
        if args.iter().any(|x| x.as_uniform() == Some(0.0)) {
            let shape = self.shape(&[&sa, &sb]).ok()?;
            return Some(args[0].graph.scalar(0.0).broadcast(&shape));
        }
        None
    }

    fn detail(&self) -> String {
        let text = |l: &Labels| {
            l.iter()
                .map(|l| l.to_string())
                .collect::<Vec<_>>()
                .join("·")
        };
        format!(
            "{} , {} -> {}",
            text(&self.a),
            text(&self.b),
            text(&self.out)
        )
    }
}

impl Contract {
    /// With nothing to sum it is an elementwise product of aligned operands.
    fn as_product<'g>(&self, args: &[Var<'g>], extents: &[usize; 256]) -> Var<'g> {
        let shape: Shape = self.out.iter().map(|&l| extents[l as usize]).collect();
        let align = |x: Var<'g>, labels: &Labels| {
            let kept: Labels = labels
                .iter()
                .copied()
                .filter(|l| self.out.contains(l))
                .collect();
            let x = x.reshape(
                &kept
                    .iter()
                    .map(|&l| extents[l as usize])
                    .collect::<Vec<_>>(),
            );
            let n = kept.len();
            let sorted: Labels = self
                .out
                .iter()
                .copied()
                .filter(|l| kept.contains(l))
                .collect();
            let order: Vec<usize> = (0..n)
                .map(|i| {
                    n - 1
                        - kept
                            .iter()
                            .position(|l| *l == sorted[n - 1 - i])
                            .expect("same labels")
                })
                .collect();
            let full: Vec<usize> = self
                .out
                .iter()
                .map(|l| {
                    if kept.contains(l) {
                        extents[*l as usize]
                    } else {
                        1
                    }
                })
                .collect();
            x.permute(&order).reshape(&full).broadcast(&shape)
        };
        align(args[0], &self.a) * align(args[1], &self.b)
    }
}
