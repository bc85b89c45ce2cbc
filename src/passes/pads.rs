//! Sums of tensors that are zero but for a part each become one tensor joined of the parts.
//!
//! The gradient with respect to a vector of which every model parameter is a slice is such a sum:
//! a chain of additions as long as the vector for each parameter.

use super::Subject;
use super::walk::{Old, rewrite};
use crate::graph::Var;
use crate::ops::{Binary, Pad, Unary, concat};

pub fn pads(subject: Subject) -> Subject {
    rewrite(subject, |old, i, _, done| {
        let adds = |i: usize| {
            let op = old.nodes[i].op.get::<Binary>();
            op.is_some_and(|b| matches!(b.0.name, "add" | "sub"))
        };
        let inside = old.single_use(i) && adds(old.users[i][0]);
        if !adds(i) || inside {
            return None;
        }
        let mut terms = Vec::new();
        gather(old, i, false, &mut terms);
        let mut values: Vec<Var> = Vec::new();
        for &(term, negative) in &terms {
            let value = done[term].expect("terms come before their sum");
            values.push(if negative { -value } else { value });
        }
        joined(values)
    })
}

/// The terms of a sum, with their signs.
fn gather(old: &Old, i: usize, negative: bool, terms: &mut Vec<(usize, bool)>) {
    let node = &old.nodes[i];
    let name = node.op.get::<Binary>().map_or("", |b| b.0.name);
    for (k, arg) in node.args.iter().map(|a| a.index()).enumerate() {
        let negative = negative ^ (k == 1 && name == "sub");
        let inner = old.nodes[arg].op.get::<Binary>();
        if inner.is_some_and(|b| matches!(b.0.name, "add" | "sub")) && old.single_use(arg) {
            gather(old, arg, negative, terms);
        } else {
            terms.push((arg, negative));
        }
    }
}

struct Part<'g> {
    start: usize,
    len: usize,
    value: Var<'g>,
}

/// The sum, if at least two terms are parts along one axis that can be joined.
fn joined<'g>(terms: Vec<Var<'g>>) -> Option<Var<'g>> {
    let axis = terms.iter().find_map(|t| part(*t).map(|(axis, _)| axis))?;
    let whole = terms[0].extent(axis);
    let mut parts: Vec<Part> = Vec::new();
    let mut rest: Vec<Var> = Vec::new();
    for term in terms {
        let Some((_, part)) = part(term).filter(|(a, _)| *a == axis) else {
            rest.push(term);
            continue;
        };
        if let Some(same) = parts
            .iter_mut()
            .find(|p| p.start == part.start && p.len == part.len)
        {
            same.value = same.value + part.value;
        } else if parts
            .iter()
            .all(|p| p.start + p.len <= part.start || part.start + part.len <= p.start)
        {
            parts.push(part);
        } else {
            rest.push(term);
        }
    }
    if parts.len() < 2 {
        return None;
    }
    parts.sort_by_key(|p| p.start);
    let mut pieces = Vec::new();
    let mut at = 0;
    let gap = |len: usize| {
        let mut shape = parts[0].value.shape();
        let i = shape.len() - 1 - axis;
        shape[i] = len;
        parts[0].value.graph.scalar(0.0).broadcast(&shape)
    };
    for part in &parts {
        if part.start > at {
            pieces.push(gap(part.start - at));
        }
        pieces.push(part.value);
        at = part.start + part.len;
    }
    if at < whole {
        pieces.push(gap(whole - at));
    }
    let all = concat(&pieces, axis);
    // The dense terms first, as they were.
    Some(match rest.into_iter().reduce(|a, b| a + b) {
        Some(rest) => rest + all,
        None => all,
    })
}

/// The axis and the part of a padded value, or of the opposite of one.
fn part(v: Var<'_>) -> Option<(usize, Part<'_>)> {
    if let Some((unary, args)) = v.as_op::<Unary>()
        && unary.0.name == "neg"
    {
        let (axis, part) = part(args[0])?;
        let value = -part.value;
        return Some((axis, Part { value, ..part }));
    }
    let (pad, args) = v.as_op::<Pad>()?;
    let part = Part {
        start: pad.before,
        len: args[0].extent(pad.axis),
        value: args[0],
    };
    Some((pad.axis, part))
}
