//! Parts one after the other along one axis.

use super::slice::around;
use crate::graph::{Graph, Lane, Operation, Pull, Range, Shape, Tensor, Var, numel};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Concat {
    /// Counted from the last.
    pub axis: usize,
}

/// Joins parts along an axis counted from the last; other extents must agree.
pub fn concat<'g>(parts: &[Var<'g>], axis: usize) -> Var<'g> {
    parts[0].graph.apply(Concat { axis }, parts)
}

impl Operation for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let mut shape = args[0].clone();
        if self.axis >= shape.len() {
            return Err(format!("no axis {}", self.axis));
        }
        let i = shape.len() - 1 - self.axis;
        for other in &args[1..] {
            let fits = other.len() == shape.len()
                && (0..shape.len()).all(|j| j == i || other[j] == shape[j]);
            if !fits {
                return Err(format!("cannot join along axis {}", self.axis));
            }
            shape[i] += other[i];
        }
        Ok(shape)
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let rows: Vec<usize> = args
            .iter()
            .map(|a| {
                let (_, extent, after) = around(a.shape(), self.axis);
                extent * after
            })
            .collect();
        let row: usize = rows.iter().sum();
        let mut offset = 0;
        for (arg, &len) in args.iter().zip(&rows) {
            if len > 0 {
                for (i, part) in arg.data().chunks_exact(len).enumerate() {
                    out[i * row + offset..i * row + offset + len].copy_from_slice(part);
                }
            }
            offset += len;
        }
    }

    fn range(&self, args: &[Range]) -> Range {
        args[1..].iter().fold(args[0], |all, part| all.or(*part))
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let mut start = 0;
        let slices = node.args.iter().map(|part| {
            let len = part.extent(self.axis);
            let slice = node.cotangent.slice(self.axis, start, len);
            start += len;
            Some(slice)
        });
        slices.collect()
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g> {
        let lanes: Vec<Var<'g>> = args
            .iter()
            .zip(batched)
            .map(|(&var, &batched)| Lane { var, batched }.lead(size))
            .collect();
        concat(&lanes, self.axis)
    }

    fn simplify<'g>(&self, graph: &'g Graph, args: &[Var<'g>]) -> Option<Var<'g>> {
        let full: Vec<Var<'g>> = args
            .iter()
            .copied()
            .filter(|a| numel(&a.shape()) > 0)
            .collect();
        match full.len() {
            1 => Some(full[0]),
            n if n > 0 && n < args.len() => Some(graph.apply(self.clone(), &full)),
            _ => None,
        }
    }

    fn detail(&self) -> String {
        format!("axis={}", self.axis)
    }
}
