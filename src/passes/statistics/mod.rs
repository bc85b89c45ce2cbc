//! Sums of squares and of linear terms become functions of sufficient statistics.
//!
//! The elements of a sum are taken apart into summands. A summand that is affine in few latents with
//! data as coefficients is summed once (`Σ yₙ ηₙ` is `(Aᵀy) · v`). One that is a square of such, with
//! weights that are data and factors that rows have in common, becomes a short sum of squares
//! ([`compress`]): as many rows as there are latents, and where latents are picked by an index, as
//! many for each of its values. What pays is decided by counting operations.

mod affine;
mod compress;
mod emit;
mod place;

pub(crate) use affine::{Affine, Atom, Coefficient, Form, binary, element, number, product};
pub(crate) use affine::{single, value_at};
pub(crate) use compress::{Compressed, Doubled, Table};
pub(crate) use place::{Place, View, coordinates, movement, parts};

use super::rewriting::{Density, Rewritten};
use crate::graph::{Graph, NodeId, Shape, Var, numel};
use crate::ops::{Binary, Reduce, ReduceKind, Unary};
use emit::{linear_sum, square_sum};
use std::collections::HashMap;

/// Sums over fewer rows are left alone.
const FEWEST_ROWS: usize = 8;
/// What must be left of the work of a sum for a rewriting to pay.
pub(super) const PAYS: f64 = 0.7;
/// Elements that a vector instruction of a long sum computes in the time of one single number.
pub(super) const LANES: f64 = 4.0;

/// The sum over all elements, if `var` is one of many.
pub(super) fn full_sum(var: Var<'_>) -> Option<Var<'_>> {
    let (reduce, args) = var.as_op::<Reduce>()?;
    let full = reduce.kind == ReduceKind::Sum && var.rank() == 0;
    (full && args[0].numel() >= FEWEST_ROWS).then(|| args[0])
}

/// `scale · var`, one summand of the elements of a sum.
#[derive(Clone, Copy)]
pub(super) struct Summand<'g> {
    pub scale: f64,
    pub var: Var<'g>,
}

/// `weight · Π factors · form²`
pub(crate) struct Quadratic<'g> {
    pub weight: Coefficient,
    pub factors: Vec<Atom<'g>>,
    pub form: Form<'g>,
}

/// See the head of this file.
pub fn statistics<'g>(
    density: &Density<'g>,
    var: Var<'g>,
    _: &[Var<'g>],
) -> Option<(Var<'g>, Vec<Rewritten>)> {
    let elements = full_sum(var)?;
    let rows = elements.numel();
    let mut summands = Vec::new();
    take_apart(elements, 1.0, &mut summands);
    let mut affine = Affine::new(density, rows.div_ceil(2));
    let mut report = Vec::new();
    let mut sums: Vec<Var> = Vec::new();
    let mut rest: Vec<Summand> = Vec::new();
    for summand in summands {
        let origin = density.graph.node(summand.var.id).origin;
        let found = match quadratic(&mut affine, summand.var) {
            Some(square) => square_sum(density, &summand.var, &square),
            None => affine.form(summand.var).and_then(|form| linear_sum(&form)),
        };
        match found {
            Some((sum, left)) => {
                sums.push(sum * summand.scale);
                report.push(Rewritten {
                    name: "statistics",
                    origin,
                    rows,
                    left,
                });
            }
            None => rest.push(summand),
        }
    }
    if sums.is_empty() {
        return None;
    }
    if let Some(rest) = joined(&rest) {
        sums.push(rest.sum());
    }
    let total = sums.into_iter().reduce(|a, b| a + b);
    total.map(|sum| (sum, report))
}

/// The summands of a value.
pub(super) fn take_apart<'g>(var: Var<'g>, scale: f64, out: &mut Vec<Summand<'g>>) {
    if let Some((op, args)) = var.as_op::<Unary>()
        && op.0.name == "neg"
    {
        return take_apart(args[0], -scale, out);
    }
    if let Some((op, args)) = var.as_op::<Binary>() {
        let (a, b) = (args[0], args[1]);
        match (op.0.name, a.as_uniform(), b.as_uniform()) {
            ("add", _, _) => {
                take_apart(a, scale, out);
                return take_apart(b, scale, out);
            }
            ("sub", _, _) => {
                take_apart(a, scale, out);
                return take_apart(b, -scale, out);
            }
            ("mul", Some(x), None) => return take_apart(b, scale * x, out),
            ("mul", None, Some(x)) => return take_apart(a, scale * x, out),
            _ => {}
        }
    }
    out.push(Summand { scale, var });
}

/// The sum of summands, element by element.
pub(super) fn joined<'g>(summands: &[Summand<'g>]) -> Option<Var<'g>> {
    let scaled = |s: &Summand<'g>| match s.scale {
        1.0 => s.var,
        x => s.var * x,
    };
    summands.iter().map(scaled).reduce(|a, b| a + b)
}

/// A summand as a weighted square.
fn quadratic<'g>(affine: &mut Affine<'_, 'g>, var: Var<'g>) -> Option<Quadratic<'g>> {
    if let Some((op, args)) = var.as_op::<Unary>() {
        let inner = (op.0.name == "square").then(|| args[0])?;
        let mut form = affine.form(inner)?;
        let square = |f: &Atom<'g>| Atom {
            var: f.var.square(),
            place: f.place.clone(),
        };
        let factors = form.factors.iter().map(square).collect();
        form.factors.clear();
        return Some(Quadratic {
            weight: number(1.0),
            factors,
            form,
        });
    }
    let (op, args) = var.as_op::<Binary>()?;
    let sides = match op.0.name {
        "mul" => vec![(args[0], args[1]), (args[1], args[0])],
        "div" => vec![(args[0], args[1])],
        _ => return None,
    };
    for (square, other) in sides {
        let Some(mut found) = quadratic(affine, square) else {
            continue;
        };
        // The other side as what a 1 is multiplied with or divided by.
        let one = Form {
            shape: Shape::from_slice(&other.shape()),
            constant: number(1.0),
            terms: Vec::new(),
            factors: Vec::new(),
        };
        let by = binary(op.0.name, one, affine.form(other)?)?;
        match (by.as_constant(), by.constant.is_empty()) {
            (Some(c), _) => found.weight = product(&found.weight, c)?,
            (None, false) if by.terms.is_empty() => {
                found.weight = product(&found.weight, &by.constant)?;
                found.factors.extend(by.factors);
            }
            _ => {
                // `1 · form` is the form: a product of atoms alone is a factor.
                let [term] = by.terms.as_slice() else {
                    return None;
                };
                if !by.constant.is_empty() {
                    return None;
                }
                found.weight = product(&found.weight, &term.coefficient)?;
                found.factors.extend(by.factors.iter().cloned());
                found.factors.push(term.atom.clone());
            }
        }
        return Some(found);
    }
    None
}

/// Rows by what they read through maps that are not fixed, in the order of their first.
pub(crate) fn groups(shape: &Shape, moving: &[&Atom<'_>]) -> Vec<Vec<u32>> {
    let n = numel(shape);
    let mut class = vec![0_u32; n];
    let mut count = 1;
    let mut at = vec![0; shape.len()];
    for atom in moving {
        let mut seen: HashMap<(u32, usize), u32> = HashMap::new();
        for (row, class) in class.iter_mut().enumerate() {
            coordinates(shape, row, &mut at);
            let next = seen.len() as u32;
            *class = *seen.entry((*class, atom.place.at(&at))).or_insert(next);
        }
        count = seen.len();
    }
    let mut members = vec![Vec::new(); count];
    for (row, &class) in class.iter().enumerate() {
        members[class as usize].push(row as u32);
    }
    members
}

/// Whether something else of the density needs the long values that `var` is made of.
pub(super) fn is_shared(density: &Density<'_>, graph: &Graph, var: Var<'_>) -> bool {
    let long = var.numel();
    let mut cone = vec![var.id];
    let mut inside: std::collections::HashSet<NodeId> = cone.iter().copied().collect();
    while let Some(id) = cone.pop() {
        for &arg in &graph.node(id).args {
            let value = graph.var(arg);
            if density.varies(value) && value.numel() >= long && inside.insert(arg) {
                cone.push(arg);
            }
        }
    }
    inside.iter().any(|id| {
        let users = density.users.get(id.index()).map_or(&[][..], |u| u);
        *id != var.id && users.iter().any(|&u| !inside.contains(&NodeId(u as u32)))
    })
}

#[cfg(test)]
pub(crate) mod tests;
