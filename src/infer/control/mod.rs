//! Turns noisy gradients into a converged average: which step size, when to lower it, when to stop.
//!
//! A noisy objective never comes to rest at a fixed step size; its iterates wander about a point, and
//! it is their average that converges. Everything here watches that average, in sds of the guide.

#[cfg(test)]
mod battery;
mod step_search;
mod stochastic;
mod tail;
mod travel;
mod walk;

pub use stochastic::{StochasticSettings, minimise_stochastic};
