//! Draws as values of a graph: an operation from the arguments of a distribution, and a key that makes
//! the noise, to a draw for each element of the batch.
//!
//! What is drawn is a function of the key and the arguments, so a graph that draws is as repeatable as
//! any other. It has no derivative: draws are for what nothing is optimised by.

use super::bijection::Chain;
use super::point::{element, number, offset};
use super::{Argument, Distribution, Family, Kind, Point, PointArgument};
use crate::graph::{Operation, Pull, Shape, Tensor, Var, numel};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Numbers of a key: whole, below 2³², as many as seed a generator.
pub const KEY: usize = 8;

/// A distribution without its values, which are given in the order of [`Distribution::take_apart`].
#[derive(Clone, Debug)]
pub struct Skeleton {
    family: &'static dyn Family,
    form: usize,
    slots: Vec<Slot>,
}

#[derive(Clone, Debug)]
enum Slot {
    /// Which of the values, and how many axes of its own it has.
    Value {
        at: usize,
        rank: usize,
    },
    Dimension(usize),
    Distribution(Box<Skeleton>),
    Distributions(Vec<Skeleton>),
    /// The last batch axis counts the components.
    Stack(Box<Skeleton>),
    /// Which of the values stand beside the arguments.
    Function(Chain<usize>),
    Absent,
}

impl<'g> Distribution<'g> {
    /// What it is without its values, and the values.
    pub fn take_apart(&self) -> (Skeleton, Vec<Var<'g>>) {
        let mut values = Vec::new();
        let skeleton = self.skeleton(&mut values);
        (skeleton, values)
    }

    fn skeleton(&self, values: &mut Vec<Var<'g>>) -> Skeleton {
        let declaration = self.family.declaration();
        let parameters = declaration.forms[self.form].parameters;
        let mut slots = Vec::new();
        for (i, arg) in self.args.iter().enumerate() {
            slots.push(match arg {
                Argument::Value(v) => {
                    values.push(*v);
                    let rank = match parameters[i].kind {
                        Kind::Value { rank, .. } => rank,
                        _ => 0,
                    };
                    let at = values.len() - 1;
                    Slot::Value { at, rank }
                }
                Argument::Dimension(n) => Slot::Dimension(*n),
                Argument::Distribution(d) if declaration.takes_axis_of(i) => {
                    Slot::Stack(Box::new(d.skeleton(values)))
                }
                Argument::Distribution(d) => Slot::Distribution(Box::new(d.skeleton(values))),
                Argument::Distributions(all) => {
                    Slot::Distributions(all.iter().map(|d| d.skeleton(values)).collect())
                }
                Argument::Stack(d) => Slot::Stack(Box::new(d.skeleton(values))),
                Argument::Function(chain) => Slot::Function(chain.map(|v| {
                    values.push(*v);
                    values.len() - 1
                })),
                Argument::Absent => Slot::Absent,
            });
        }
        Skeleton {
            family: self.family,
            form: self.form,
            slots,
        }
    }
}

impl Skeleton {
    /// The distribution at one element of the batch, given the values.
    fn point(&self, values: &[&Tensor], batch: &[usize], at: usize) -> Point {
        let args = self.slots.iter().map(|slot| match slot {
            Slot::Value { at: value, rank } => element(values[*value], *rank, batch, at),
            Slot::Dimension(n) => PointArgument::Dimension(*n),
            Slot::Distribution(d) => {
                PointArgument::Distribution(Box::new(d.point(values, batch, at)))
            }
            Slot::Distributions(all) => PointArgument::Distributions(
                all.iter().map(|d| d.point(values, batch, at)).collect(),
            ),
            Slot::Stack(d) => {
                let k = d.extent(values, batch.len());
                let wide = [batch, &[k]].concat();
                let component = |j| d.point(values, &wide, at * k + j);
                PointArgument::Distributions((0..k).map(component).collect())
            }
            Slot::Function(chain) => {
                PointArgument::Function(chain.map(|&v| number(values[v], batch, at)))
            }
            Slot::Absent => PointArgument::Absent,
        });
        Point {
            family: self.family,
            form: self.form,
            args: args.collect(),
        }
    }

    /// Makes a point that of another element: as [`Skeleton::point`], in the same memory.
    fn move_to(&self, point: &mut Point, values: &[&Tensor], batch: &[usize], at: usize) {
        for (slot, arg) in self.slots.iter().zip(&mut point.args) {
            match (slot, arg) {
                (Slot::Value { at: value, rank }, PointArgument::Value { data, .. }) => {
                    let from = offset(values[*value], *rank, batch, at);
                    let size = data.len();
                    data.copy_from_slice(&values[*value].data()[from..from + size]);
                }
                (Slot::Distribution(d), PointArgument::Distribution(p)) => {
                    d.move_to(p, values, batch, at);
                }
                (Slot::Distributions(all), PointArgument::Distributions(points)) => {
                    for (d, p) in all.iter().zip(points) {
                        d.move_to(p, values, batch, at);
                    }
                }
                (Slot::Stack(d), PointArgument::Distributions(points)) => {
                    let k = points.len();
                    let wide = [batch, &[k]].concat();
                    for (j, p) in points.iter_mut().enumerate() {
                        d.move_to(p, values, &wide, at * k + j);
                    }
                }
                (Slot::Function(own), PointArgument::Function(chain)) => {
                    for ((_, of), (_, c)) in own.0.iter().zip(&mut chain.0) {
                        *c = of.map(|v| number(values[v], batch, at));
                    }
                }
                _ => {}
            }
        }
    }

    /// Extent of the batch axis at a position from the first: the largest among the values.
    fn extent(&self, values: &[&Tensor], axis: usize) -> usize {
        let of = |slot: &Slot| match slot {
            Slot::Value { at, .. } => values[*at].shape().get(axis).copied().unwrap_or(1),
            Slot::Distribution(d) | Slot::Stack(d) => d.extent(values, axis),
            Slot::Distributions(all) => {
                let extents = all.iter().map(|d| d.extent(values, axis));
                extents.max().unwrap_or(1)
            }
            Slot::Function(chain) => {
                let extents = chain
                    .values()
                    .map(|&v| values[v].shape().get(axis).copied());
                extents.map(|n| n.unwrap_or(1)).max().unwrap_or(1)
            }
            Slot::Dimension(_) | Slot::Absent => 1,
        };
        self.slots.iter().map(of).max().unwrap_or(1)
    }
}

/// Arguments `(key, value…)`: the key of shape `[KEY]`, or `[KEY + 1]` where a last number tells apart the steps of a
/// recurrence, values of shape `[batch…, own…]` with batch
/// extents that are the operation's or 1. Gives `[batch…, event…]`. Where the key has a leading axis so
/// do values and result, and each key makes its own draws.
#[derive(Clone, Debug)]
pub struct Sampled {
    pub skeleton: Arc<Skeleton>,
    /// Tells apart draws from equal arguments, which are independent: a stream of the key's generator.
    pub serial: u32,
    /// Extents without the keys' axis.
    pub batch: Shape,
    pub event: Shape,
    /// How many keys there are, where they have an axis.
    pub keys: Option<usize>,
}

impl PartialEq for Sampled {
    fn eq(&self, other: &Sampled) -> bool {
        (self.serial, &self.batch, &self.event, self.keys)
            == (other.serial, &other.batch, &other.event, other.keys)
            && Arc::ptr_eq(&self.skeleton, &other.skeleton)
    }
}

impl Eq for Sampled {}

impl Hash for Sampled {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.serial, &self.batch, &self.event, self.keys).hash(state);
    }
}

impl Operation for Sampled {
    fn name(&self) -> &'static str {
        "sampled"
    }

    fn shape(&self, _args: &[&Shape]) -> Result<Shape, String> {
        let mut shape: Shape = self.keys.iter().copied().collect();
        shape.extend_from_slice(&self.batch);
        shape.extend_from_slice(&self.event);
        Ok(shape)
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let (inner, size) = (numel(&self.batch), numel(&self.event));
        let mut batch: Shape = self.keys.iter().copied().collect();
        batch.extend_from_slice(&self.batch);
        if out.is_empty() {
            return;
        }
        let mut point = self.skeleton.point(&args[1..], &batch, 0);
        let draws = out.chunks_exact_mut(inner * size).enumerate();
        let length = args[0].shape().last().copied().unwrap_or(KEY);
        for ((row, draw), key) in draws.zip(args[0].data().chunks_exact(length)) {
            let mut seed = [0; 4 * KEY];
            for (bytes, number) in seed.chunks_exact_mut(4).zip(key) {
                bytes.copy_from_slice(&(*number as u32).to_le_bytes());
            }
            let step = key.get(KEY).map_or(0, |step| *step as u64 + 1);
            let mut rng = ChaCha8Rng::from_seed(seed);
            rng.set_stream(step << 32 | u64::from(self.serial));
            for (i, x) in draw.chunks_exact_mut(size).enumerate() {
                let at = row * inner + i;
                self.skeleton.move_to(&mut point, &args[1..], &batch, at);
                point.sample(&mut rng, x);
            }
        }
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        vec![None; node.args.len()]
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g> {
        assert!(
            self.keys.is_none() && batched[0],
            "draws are batched once, each with a key"
        );
        let lead = |(&arg, &batched): (&Var<'g>, &bool)| match batched {
            true => arg,
            false => {
                let mut shape = arg.shape();
                shape.insert(0, 1);
                arg.reshape(&shape)
            }
        };
        let args: Vec<Var<'g>> = args.iter().zip(batched).map(lead).collect();
        let keys = Some(size);
        args[0].graph.apply(
            Sampled {
                keys,
                ..self.clone()
            },
            &args,
        )
    }
}
