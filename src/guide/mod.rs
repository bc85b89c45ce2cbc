//! Turns a model's latents into a family of distributions over them, as graph code.
//!
//! A [`Guide`] lives in unconstrained space. It says how its parameters and standard Normal noise make
//! draws, and what its entropy is; derivatives, batching and compilation are none of its business.
//! Parameters that a *model* learns are not latents: objectives append them to the guide's own.

mod full_rank;
mod joint;
mod mean_field;
mod standard;

pub use full_rank::FullRank;
pub use mean_field::MeanField;

use crate::graph::{Graph, Var};
use crate::model::{Model, Role};
use joint::Joint;
use standard::Standard;
use std::fmt;

/// The latents a guide is to cover: the model's latent blocks, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    pub blocks: Vec<Stretch>,
}

/// A named stretch of a flat vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub name: String,
    pub size: usize,
}

impl Layout {
    /// Everything of a model that has a distribution: latents, then noise.
    pub fn of(model: &Model) -> Layout {
        let latents = model.blocks.iter().filter(|b| b.role != Role::Param);
        let stretch = |b: &crate::model::Block| Stretch {
            name: b.name.clone(),
            size: b.size,
        };
        Layout {
            blocks: latents.map(stretch).collect(),
        }
    }

    /// Number of latent coordinates.
    pub fn size(&self) -> usize {
        self.blocks.iter().map(|b| b.size).sum()
    }

    /// Those blocks alone.
    fn only(&self, blocks: &[usize]) -> Layout {
        Layout {
            blocks: blocks.iter().map(|&b| self.blocks[b].clone()).collect(),
        }
    }

    /// `[S, size]` to a part for each block.
    fn split<'g>(&self, all: Var<'g>) -> Vec<Var<'g>> {
        let mut start = 0;
        let part = |block: &Stretch| {
            start += block.size;
            all.slice(0, start - block.size, block.size)
        };
        self.blocks.iter().map(part).collect()
    }
}

/// A family of distributions over the unconstrained latents `u`, `D` coordinates in all.
///
/// The contract: `params` has one vector for each of [`Guide::parameters`], and their flat
/// concatenation is what the methods on slices take. `noise` is `[S, noise_size]`, independent
/// standard Normal numbers; draw `s` depends on row `s` alone. For the same arguments `sample`,
/// `log_density` and `entropy` speak of the same distribution.
pub trait Guide: fmt::Debug + Send + Sync {
    /// The name it is asked for by.
    fn name(&self) -> &'static str;

    /// Its parameters, all unconstrained, named for people. Those that move the coordinates of `u`, one
    /// for each of the first [`Guide::locations`] and in their order, come first: a stretch for each block.
    fn parameters(&self) -> Vec<Stretch>;

    /// Standard Normal numbers that one draw takes.
    fn noise_size(&self) -> usize;

    /// How many of the coordinates have a parameter that moves them; the others are noise itself.
    fn locations(&self) -> usize {
        self.noise_size()
    }

    /// Draws of each block of the layout, `[S, size]`.
    fn sample<'g>(&self, params: &[Var<'g>], noise: Var<'g>) -> Vec<Var<'g>>;

    /// `log q(u)` at the draws that `noise` makes, `[S]`.
    fn log_density<'g>(&self, params: &[Var<'g>], noise: Var<'g>) -> Var<'g>;

    /// `−E log q(u)` in closed form, in nats.
    fn entropy<'g>(&self, params: &[Var<'g>], graph: &'g Graph) -> Var<'g>;

    /// Parameters at which the guide is centred on a point with the given sds, as nearly as the
    /// family can.
    fn init(&self, centre: &[f64], sd: &[f64]) -> Vec<f64>;

    /// The coordinate of `u` that a parameter moves first of all.
    fn latent(&self, parameter: usize) -> usize;

    /// Natural length of each parameter: what moves the distribution by about one of its sds.
    fn scale(&self, params: &[f64], out: &mut [f64]);

    /// Means and sds of the coordinates of `u`.
    fn moments(&self, params: &[f64]) -> (Vec<f64>, Vec<f64>);
}

/// Makes a guide for the latents of a layout.
pub type NewGuide = fn(Layout) -> Box<dyn Guide>;

/// Every guide by name, the default first.
pub const GUIDES: &[(&str, NewGuide)] = &[
    ("mean_field", |layout| Box::new(MeanField::new(layout))),
    ("full_rank", |layout| Box::new(FullRank::new(layout))),
];

/// The guide of a name.
pub fn find(name: &str) -> Option<NewGuide> {
    let found = GUIDES.iter().find(|(known, _)| *known == name);
    found.map(|(_, new)| *new)
}

/// The guide of a model: what its program says, noise as it is, and for the other latents `rest`, or the family
/// that the program names for them, or the default.
pub fn of(model: &Model, rest: Option<NewGuide>) -> Box<dyn Guide> {
    let layout = Layout::of(model);
    let families = &model.families;
    let named = |name: &String| find(name).unwrap_or(GUIDES[0].1);
    let rest_of_program = families.rest.as_ref().map(named);
    let new = rest.or(rest_of_program).unwrap_or(GUIDES[0].1);
    // Learned parameters, which have no place in the layout, come last.
    let is_noise = |b: usize| model.blocks[b].role == Role::Noise;
    let mut left: Vec<usize> = (0..layout.blocks.len()).collect();
    let mut guides: Vec<(Box<dyn Guide>, Vec<usize>)> = Vec::new();
    let mut take = |new: NewGuide, mine: &dyn Fn(usize) -> bool| {
        let (own, others): (Vec<usize>, Vec<usize>) = left.iter().partition(|&&b| mine(b));
        left = others;
        if !own.is_empty() {
            guides.push((new(layout.only(&own)), own));
        }
    };
    if rest.is_none() {
        for (names, family) in &families.factors {
            take(named(family), &|b| names.contains(&layout.blocks[b].name));
        }
    }
    take(new, &|b| !is_noise(b));
    take(|layout| Box::new(Standard::new(layout)), &is_noise);
    match guides.pop() {
        Some((guide, blocks)) if guides.is_empty() && blocks.len() == layout.blocks.len() => guide,
        None => new(layout),
        Some(last) => {
            guides.push(last);
            Box::new(Joint::new(layout, guides))
        }
    }
}
