//! Turns an objective and a starting point into a fitted guide's parameters.
//!
//! Three independent parts: [`draws`] makes the fixed noise of a deterministic objective,
//! [`optim`] goes downhill on any objective, [`control`] decides step sizes, averaging and stopping
//! where the objective is only seen through noise. None of them knows a model, a graph or a guide.

pub mod control;
pub mod draws;
pub mod optim;
