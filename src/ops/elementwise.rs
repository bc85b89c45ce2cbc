//! What all elementwise operations share: equal shapes, batching, and doing work before it is
//! repeated.

use super::{Broadcast, Gather, Reshape};
use crate::graph::{Graph, Operation, Shape, Tensor, Var, broadcast_shapes, numel};

/// All arguments must have one shape.
pub fn same_shape(args: &[&Shape]) -> Result<Shape, String> {
    match args.iter().find(|s| **s != args[0]) {
        Some(other) => Err(format!(
            "elementwise on {:?} and {:?}",
            args[0].as_slice(),
            other.as_slice()
        )),
        None => Ok(args[0].clone()),
    }
}

/// Gives every argument the leading axis, then applies the operation.
pub fn batch<'g, O: Operation + Clone + 'static>(
    op: &O,
    args: &[Var<'g>],
    batched: &[bool],
    size: usize,
) -> Var<'g> {
    let lanes: Vec<Var<'g>> = args
        .iter()
        .zip(batched)
        .map(|(&var, &batched)| crate::graph::Lane { var, batched }.lead(size))
        .collect();
    lanes[0].graph.apply(op.clone(), &lanes)
}

/// `f(repeat(a), repeat(b))` is `repeat(f(a, b))`: the work is done before the repetition.
pub fn before_broadcast<'g, O: Operation + Clone + 'static>(
    op: &O,
    graph: &'g Graph,
    args: &[Var<'g>],
) -> Option<Var<'g>> {
    let shape = args[0].shape();
    if shape.is_empty() {
        return None;
    }
    let sources: Vec<Var<'g>> = args.iter().map(|&a| unrepeated(a)).collect::<Option<_>>()?;
    let mut common = Shape::new();
    for source in &sources {
        common = broadcast_shapes(&common, &source.shape())?;
    }
    if numel(&common) >= numel(&shape) {
        return None;
    }
    let small: Vec<Var<'g>> = sources.iter().map(|s| s.broadcast(&common)).collect();
    Some(graph.apply(op.clone(), &small).broadcast(&shape))
}

/// `f(gather(x))` is `gather(f(x))` where that is less work; shapes may change in between.
///
/// Only what is picked of `x` is given to `f`, by a gather of its own if that is not all: elsewhere
/// `f` might not be defined, and its derivative there, infinite times 0, would be no number.
pub fn before_gather<'g, O: Operation + Clone + 'static>(op: &O, arg: Var<'g>) -> Option<Var<'g>> {
    let (gather, args) = as_made(arg).as_op::<Gather>()?;
    let (x, index) = (args[0], args[1].as_const()?);
    if x.as_const().is_some() {
        return None;
    }
    let extent = x.extent(gather.axis);
    let mut picked = vec![false; extent];
    for &i in index.data() {
        picked[i as usize] = true;
    }
    let places: Vec<f64> = (0..extent)
        .filter(|&i| picked[i])
        .map(|i| i as f64)
        .collect();
    let (x, index) = if places.len() == extent {
        (x, args[1])
    } else if FEWER * places.len() <= index.data().len() {
        let mut numbers = vec![0.0; extent];
        for (number, &place) in places.iter().enumerate() {
            numbers[place as usize] = number as f64;
        }
        let again = index.data().iter().map(|&i| numbers[i as usize]);
        let again: Vec<f64> = again.collect();
        let again = x.graph.constant(Tensor::vector(again));
        let few = x.graph.constant(Tensor::vector(places));
        (x.gather(gather.axis, few), again)
    } else {
        return None;
    };
    if x.numel() > arg.numel() {
        return None;
    }
    let sooner = x.graph.apply(op.clone(), &[as_made(x)]);
    let gathered = sooner.reshape(&x.shape()).gather(gather.axis, index);
    Some(gathered.reshape(&arg.shape()))
}

/// How often what is picked must be picked, on average, to be worth a gather of its own.
const FEWER: usize = 2;

/// A value before its shape was changed.
fn as_made(mut var: Var<'_>) -> Var<'_> {
    while let Some((_, args)) = var.as_op::<Reshape>() {
        var = args[0];
    }
    var
}

/// What a value repeats: the argument of a broadcast, or the one number of a uniform constant.
fn unrepeated(var: Var<'_>) -> Option<Var<'_>> {
    if let Some((_, args)) = var.as_op::<Broadcast>() {
        return Some(args[0]);
    }
    if var.rank() > 0 {
        var.as_uniform().map(|x| var.graph.scalar(x))
    } else {
        None
    }
}
