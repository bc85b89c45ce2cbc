//! Turns a model's latents into a family of distributions over them, as graph code.
//!
//! A [`Guide`] lives in unconstrained space. It says how its parameters and standard Normal noise make
//! draws, and what its entropy is; derivatives, batching and compilation are none of its business.
//! Parameters that a *model* learns are not latents: objectives append them to the guide's own.

mod mean_field;

pub use mean_field::MeanField;

use crate::graph::Var;
use crate::model::{Model, Role};
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
    pub fn of(model: &Model) -> Layout {
        let latents = model.blocks.iter().filter(|b| b.role == Role::Latent);
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
    /// for each and in their order, come first.
    fn parameters(&self) -> Vec<Stretch>;

    /// Standard Normal numbers that one draw takes.
    fn noise_size(&self) -> usize;

    /// Draws of each block of the layout, `[S, size]`.
    fn sample<'g>(&self, params: &[Var<'g>], noise: Var<'g>) -> Vec<Var<'g>>;

    /// `log q(u)` at the draws that `noise` makes, `[S]`.
    fn log_density<'g>(&self, params: &[Var<'g>], noise: Var<'g>) -> Var<'g>;

    /// `−E log q(u)` in closed form, in nats.
    fn entropy<'g>(&self, params: &[Var<'g>]) -> Var<'g>;

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
pub const GUIDES: &[(&str, NewGuide)] =
    &[("mean_field", |layout| Box::new(MeanField::new(layout)))];
