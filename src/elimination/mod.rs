//! Exact sums over discrete variables: variable elimination of a factor graph.
//!
//! `Z = Σ_z Π_f ψ_f(z_f)` for variables with finitely many states. Eliminating a variable adds up the logarithms of
//! the factors that it is in, sums over its states, and leaves a factor of its neighbours. The cost is the number of
//! terms of all these sums, which the order decides ([`order`]): of independent variables `Σ K`, of a tree `Σ K²`, of
//! a chain `T · K²`, the forward algorithm. Eliminations of one form that do not wait for each other are one node of the
//! graph over all of them; those that do, step after step, are one scan ([`units`]).
//!
//! The same walk ([`emit`]) sums, maximises or draws, by the [`Semiring`]; derivatives by the logarithms of the factors
//! are marginal probabilities, most probable states or draws.
//!
//! Sources: Dechter, Bucket elimination (1999); Rabiner, A tutorial on hidden Markov models (1989); Obermeyer et al.,
//! Tensor variable elimination for plated factor graphs (2019); Rush, Torch-Struct (2020).

mod emit;
mod order;
mod scopes;
mod semiring;
#[cfg(test)]
mod tests;
mod units;

pub use semiring::Semiring;

use crate::graph::Var;
use order::Order;
use scopes::Part;
use smallvec::SmallVec;
use units::Unit;

/// The variables of a factor, or of what is summed over at once.
pub type Scope = SmallVec<[u32; 4]>;

/// Factors of one form: a row for each, over as many variables.
#[derive(Clone, Debug)]
pub struct Factors {
    /// The variables of each row's axes, row after row.
    pub scopes: Vec<u32>,
    /// How many variables a row has.
    pub arity: usize,
    /// Whether all rows have the same values, which are then given once.
    pub alike: bool,
}

/// The variables by their numbers of states, and what links them.
#[derive(Clone, Debug, Default)]
pub struct FactorGraph {
    pub states: Vec<usize>,
    pub factors: Vec<Factors>,
}

/// How a factor graph is summed.
#[derive(Debug)]
pub struct Plan {
    states: Vec<usize>,
    parts: Vec<Part>,
    order: Order,
    units: Vec<Vec<Unit>>,
}

/// What a sum would take that is more than the limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TooLarge {
    /// Terms of the sums until the limit was met: at least so many.
    pub terms: f64,
    /// A variable of the largest sum met.
    pub variable: u32,
    /// How many variables this sum is of.
    pub together: usize,
}

/// Sums of parts of the graph that nothing links, a row for each.
#[derive(Clone, Debug)]
pub struct Sums<'g> {
    /// Logarithms, `[rows]`.
    pub values: Var<'g>,
    /// For each row the variable of its part that was summed last.
    pub last: Vec<u32>,
}

impl FactorGraph {
    /// The order of least cost that was found, and what can be done at once.
    ///
    /// # Errors
    /// If the sums have more than `limit` terms.
    pub fn plan(&self, limit: f64) -> Result<Plan, TooLarge> {
        let parts = scopes::parts(self);
        let order = order::order(&self.states, &parts, limit)?;
        let units = units::units(&self.states, &parts, &order);
        Ok(Plan {
            states: self.states.clone(),
            parts,
            order,
            units,
        })
    }
}

impl Plan {
    /// Terms of all sums.
    pub fn terms(&self) -> f64 {
        self.order.terms
    }

    /// The most variables that are in one sum.
    pub fn widest(&self) -> usize {
        let sums = self.order.eliminations.iter();
        sums.map(|e| e.clique.len()).max().unwrap_or(0)
    }

    /// How many steps wait for one another: those of a scan count.
    pub fn depth(&self) -> usize {
        self.units
            .iter()
            .map(|level| level.iter().map(Unit::steps).max().unwrap_or(0))
            .sum()
    }

    /// The logarithm of the sum over each part of the graph, for the logarithms of the factors in the order of
    /// [`FactorGraph::factors`], each `[rows, states…]` or, of rows that are alike, `[1, states…]`.
    pub fn log_sums<'g>(&self, factors: &[Var<'g>], semiring: &Semiring<'g>) -> Vec<Sums<'g>> {
        emit::log_sums(self, factors, semiring)
    }
}
