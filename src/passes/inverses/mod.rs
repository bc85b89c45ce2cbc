//! Functions that undo each other are left out, also where they meet across the steps of a recurrence.
//!
//! A volatility is written as a root and read as its square, `s[t] = sqrt(a + b * s[t-1]^2)`: here the
//! recurrence comes to carry the variance ([`carry`]), and its logarithm and its square are taken of what
//! stands under the root. The square of a root is its argument only where that is not negative: elsewhere
//! it is NaN and must stay so. Hence a root is taken away only where [`Ranges`] proves it.

mod carry;

use super::rewriting::{Density, Rewritten};
use crate::graph::{Ranges, Var};
use crate::ops::{Binary, Concat, Gather, Scan, Unary, concat, moves};

/// Of a vector that is joined of roots and of other numbers, the part that others may be: they are squared.
const OTHERS: f64 = 0.25;

/// See the head of this file.
pub fn inverses<'g>(
    density: &Density<'g>,
    var: Var<'g>,
    args: &[Var<'g>],
) -> Option<(Var<'g>, Vec<Rewritten>)> {
    let node = density.graph.node(var.id);
    if let Some(scan) = node.op.get::<Scan>() {
        let report = Rewritten {
            name: "inverses",
            origin: node.origin,
            rows: scan.steps,
            left: scan.steps,
        };
        return Some((carry::carried(scan, args)?, vec![report]));
    }
    let function = node.op.get::<Unary>()?;
    let x = *args.first()?;
    let simpler = match function.0.name {
        "log" => under_root(x)?.log() * 0.5,
        "square" => under_root(x).or_else(|| square_of_product(x))?,
        _ => return None,
    };
    Some((simpler, Vec::new()))
}

/// `(a / √v)²` as `a² / v`, `(a √v)²` as `a² v`.
fn square_of_product(x: Var<'_>) -> Option<Var<'_>> {
    let (function, args) = x.as_op::<Binary>()?;
    let (a, b) = (args[0], args[1]);
    let square = |x| under_root(x).unwrap_or_else(|| x.square());
    match function.0.name {
        _ if under_root(a).is_none() && under_root(b).is_none() => None,
        "mul" => Some(square(a) * square(b)),
        "div" => Some(square(a) / square(b)),
        _ => None,
    }
}

/// What the value is the root of, where it is one for certain.
fn under_root(x: Var<'_>) -> Option<Var<'_>> {
    let node = x.node();
    let of = |i: usize| x.graph.var(node.args[i]);
    if node.op.get::<Unary>().is_some_and(|f| f.0.name == "sqrt") {
        return is_not_negative(of(0)).then(|| of(0));
    }
    if picks(&node.op) {
        let mut args: Vec<Var> = (0..node.args.len()).map(of).collect();
        args[0] = under_root(args[0])?;
        return Some(x.graph.apply_op(node.op, &args));
    }
    let joined = node.op.get::<Concat>()?;
    let parts: Vec<Var> = (0..node.args.len()).map(of).collect();
    let roots: Vec<Option<Var>> = parts.iter().map(|&part| under_root(part)).collect();
    let others = parts.iter().zip(&roots).filter(|(_, root)| root.is_none());
    let others: Vec<Var> = others.map(|(part, _)| *part).collect();
    let count: usize = others.iter().map(|part| part.numel()).sum();
    if count as f64 > OTHERS * x.numel() as f64 || !others.iter().all(|&p| is_not_negative(p)) {
        return None;
    }
    let squares = parts.iter().zip(roots);
    let squares: Vec<Var> = squares
        .map(|(part, root)| root.unwrap_or_else(|| part.square()))
        .collect();
    Some(concat(&squares, joined.axis))
}

fn is_not_negative(x: Var<'_>) -> bool {
    Ranges::new(x.graph, Vec::new()).of(x.id).is_not_negative()
}

/// Whether the elements of the result are elements of the first argument.
fn picks(op: &crate::graph::Op) -> bool {
    moves(op) || op.get::<Gather>().is_some()
}

#[cfg(test)]
mod tests;
