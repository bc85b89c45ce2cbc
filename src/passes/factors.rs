//! Factors that repeat one number over many elements are gathered and multiplied last.
//!
//! Derivatives are full of products such as `((g · 2) · z) · r` in which only `z` differs from
//! element to element: they become `z · (g·2·r)`, one multiplication an element. Divisions by such
//! a number, or several by one, become products with its reciprocal. A product in the rewritten graph is kept as
//! `core · broadcast(light)`; squares, sums and contractions let the light factor out, so that
//! `Σ ((y − m)/s)²` costs a subtraction and a product an element. Results differ from the
//! original in the last digit.

use super::Subject;
use super::walk::{Old, rewrite};
use crate::graph::{Shape, Var, broadcast_shapes, numel};
use crate::ops::{Binary, Broadcast, Contract, Reduce, Unary};

pub fn factors(subject: Subject) -> Subject {
    rewrite(subject, |old, i, args, _| {
        let node = &old.nodes[i];
        if let Some(binary) = node.op.get::<Binary>() {
            let operands: Vec<usize> = node.args.iter().map(|a| a.index()).collect();
            return match binary.0.name {
                "mul" => product(old, &operands, args),
                "div" => quotient(old, &operands, args),
                "add" | "sub" => sum(old, &operands, args, binary.0.name == "add"),
                _ => None,
            };
        }
        if let Some(unary) = node.op.get::<Unary>() {
            let parts = parts(args[0]);
            let light = parts.light?;
            let core = parts.core?;
            return match unary.0.name {
                "square" if yields(old, node.args[0].index()) => {
                    Some(joined(Some(core.square()), Some(light.square()), core))
                }
                "neg" => Some(joined(Some(core), Some(-light), core)),
                _ => None,
            };
        }
        let contract = node.op.get::<Contract>()?;
        contraction(
            old,
            contract,
            [node.args[0].index(), node.args[1].index()],
            args,
        )
    })
}

/// A product: what differs from element to element, and what is repeated (before repetition).
struct Parts<'g> {
    core: Option<Var<'g>>,
    light: Option<Var<'g>>,
}

fn parts(v: Var<'_>) -> Parts<'_> {
    if let Some(light) = light(v) {
        return Parts {
            core: None,
            light: Some(light),
        };
    }
    if let Some((op, args)) = v.as_op::<Binary>()
        && op.0.name == "mul"
    {
        for (x, y) in [(args[0], args[1]), (args[1], args[0])] {
            if let Some(light) = light(y) {
                return Parts {
                    core: Some(x),
                    light: Some(light),
                };
            }
        }
    }
    Parts {
        core: Some(v),
        light: None,
    }
}

/// What a value repeats, if it repeats something much smaller.
fn light(v: Var<'_>) -> Option<Var<'_>> {
    if v.rank() == 0 {
        return None;
    }
    if let Some(x) = v.as_uniform() {
        return Some(v.graph.scalar(x));
    }
    let (_, args) = v.as_op::<Broadcast>()?;
    (4 * args[0].numel() <= v.numel()).then(|| args[0])
}

/// `core · broadcast(light)` of the shape of `like`.
fn joined<'g>(core: Option<Var<'g>>, light: Option<Var<'g>>, like: Var<'g>) -> Var<'g> {
    let shape = like.shape();
    match (core, light) {
        (Some(core), Some(light)) => core * light.broadcast(&shape),
        (Some(core), None) => core,
        (None, Some(light)) => light.broadcast(&shape),
        (None, None) => like.graph.scalar(1.0).broadcast(&shape),
    }
}

/// Whether taking the light factor out of a product costs nothing: all that use it let it out.
fn yields(old: &Old, i: usize) -> bool {
    let lets_out = |&user: &usize| {
        let op = &old.nodes[user].op;
        op.get::<Binary>()
            .is_some_and(|b| matches!(b.0.name, "mul" | "div"))
            || op
                .get::<Unary>()
                .is_some_and(|u| matches!(u.0.name, "square" | "neg"))
            || op.get::<Reduce>().is_some()
            || op.get::<Contract>().is_some()
    };
    !old.asked[i] && (old.users[i].len() == 1 || old.users[i].iter().all(lets_out))
}

/// One light factor made of two, if it is no larger than both.
fn combined<'g>(a: Option<Var<'g>>, b: Option<Var<'g>>) -> Result<Option<Var<'g>>, ()> {
    let (Some(x), Some(y)) = (a, b) else {
        return Ok(a.or(b));
    };
    let common = broadcast_shapes(&x.shape(), &y.shape()).ok_or(())?;
    if numel(&common) <= x.numel().max(y.numel()) {
        Ok(Some(x * y))
    } else {
        Err(())
    }
}

fn product<'g>(old: &Old, operands: &[usize], args: &[Var<'g>]) -> Option<Var<'g>> {
    let (mut a, mut b) = (parts(args[0]), parts(args[1]));
    // A light factor leaves its product if another light one waits or if that is free.
    let free = |i: usize, own: &Parts, other: &Parts| {
        own.core.is_none() || other.core.is_none() || yields(old, operands[i])
    };
    let (free_a, free_b) = (free(0, &a, &b), free(1, &b, &a));
    if !free_a {
        a = whole(args[0]);
    }
    if !free_b {
        b = whole(args[1]);
    }
    let light = combined(a.light, b.light).ok()?;
    light?;
    let core = match (a.core, b.core) {
        (Some(x), Some(y)) => Some(x * y),
        (x, y) => x.or(y),
    };
    Some(joined(core, light, args[0]))
}

fn whole(v: Var<'_>) -> Parts<'_> {
    Parts {
        core: Some(v),
        light: None,
    }
}

fn quotient<'g>(old: &Old, operands: &[usize], args: &[Var<'g>]) -> Option<Var<'g>> {
    let Some(divisor) = light(args[1]) else {
        return divides_often(old, operands[1]).then(|| args[0] * args[1].recip());
    };
    let mut a = parts(args[0]);
    if a.light.is_none() && a.core.is_none() {
        a = whole(args[0]);
    }
    let light = combined(a.light, Some(divisor.recip())).ok()?;
    Some(joined(a.core, light, args[0]))
}

/// Whether several values are divided by one, which had better be inverted once.
fn divides_often(old: &Old, divisor: usize) -> bool {
    let inverts = |&&user: &&usize| {
        let node = &old.nodes[user];
        node.op.get::<Unary>().is_some_and(|f| f.0.name == "recip")
            || node.op.get::<Binary>().is_some_and(|f| f.0.name == "div")
                && node.args[1].index() == divisor
    };
    old.nodes[divisor].shape.iter().product::<usize>() > 1
        && old.users[divisor].iter().filter(inverts).count() > 1
}

/// `a·l ± b·l` is `(a ± b)·l`.
fn sum<'g>(old: &Old, operands: &[usize], args: &[Var<'g>], plus: bool) -> Option<Var<'g>> {
    let (a, b) = (parts(args[0]), parts(args[1]));
    let (x, y) = (a.core?, b.core?);
    let same = a.light?.id == b.light?.id;
    if !same || !old.single_use(operands[0]) || !old.single_use(operands[1]) {
        return None;
    }
    let core = if plus { x + y } else { x - y };
    Some(joined(Some(core), a.light, args[0]))
}

/// A light factor that does not vary over what is summed leaves the contraction.
fn contraction<'g>(
    old: &Old,
    op: &Contract,
    operands: [usize; 2],
    args: &[Var<'g>],
) -> Option<Var<'g>> {
    let mut inner = [args[0], args[1]];
    let mut outside: Vec<Var<'g>> = Vec::new();
    for (k, labels) in [&op.a, &op.b].into_iter().enumerate() {
        let parts = parts(args[k]);
        let (Some(core), Some(light)) = (parts.core, parts.light) else {
            continue;
        };
        if !yields(old, operands[k]) {
            continue;
        }
        // Which axes of the operand the factor varies over: none, or one that the result has.
        let shape = light.shape();
        let lead = labels.len() - shape.len();
        let wide: Vec<u8> = (0..shape.len())
            .filter(|&i| shape[i] != 1)
            .map(|i| labels[lead + i])
            .collect();
        let to: Option<Shape> = match wide.as_slice() {
            [] => Some(Shape::new()),
            [label] => op.out.iter().position(|l| l == label).map(|at| {
                let extent = light.numel();
                let place = |i: usize| if i == at { extent } else { 1 };
                (0..op.out.len()).map(place).collect()
            }),
            _ => None,
        };
        if let Some(to) = to {
            inner[k] = core;
            outside.push(light.reshape(&to));
        }
    }
    if outside.is_empty() {
        return None;
    }
    let result = args[0].graph.apply(op.clone(), &inner);
    let factor = outside.into_iter().reduce(|a, b| a * b)?;
    Some(result * factor.broadcast(&result.shape()))
}
