//! The operations of the graph, each with its whole truth in one place: shape rule, value,
//! derivative (written with the same operations), batching and algebra.
//!
//! Elementwise operations are rows of [`unary`] and [`binary`]; every other operation is a file.
//! Adding one is that row or file and a line here. Compositions ([`compose`]) need no derivative.

pub mod binary;
pub(crate) mod block;
mod broadcast;
mod cholesky;
pub mod compose;
mod concat;
mod constant;
mod contract;
mod cumsum;
mod eigen;
mod elementwise;
mod external;
mod gather;
mod incomplete;
mod input;
mod invert;
mod log_product;
mod lu;
mod matrix_exp;
pub mod ode;
mod order;
mod pad;
mod permute;
mod qr;
mod reduce;
mod reshape;
mod scan;
mod scatter_add;
mod select;
mod slice;
mod stop_gradient;
mod tri_solve;
pub mod unary;

pub use binary::{Binary, BinaryBlocks, BinaryRow};
pub(crate) use block::one_vector_at_a_time;
pub use broadcast::Broadcast;
pub use cholesky::{Cholesky, factor};
pub use compose::log_add_exp_of;
pub use concat::{Concat, concat};
pub use constant::Constant;
pub use contract::{Contract, Labels, contract};
pub use cumsum::CumSum;
pub use eigen::{Eigenvalues, Eigenvectors, SingularValues};
pub use external::{External, ExternalCall, external};
pub use gather::Gather;
pub use incomplete::{Incomplete, IncompleteOrders, Integrand};
pub use input::{Input, Within};
pub use invert::{Invert, invert};
pub(crate) use log_product::invariants;
pub use log_product::{LogMatrices, LogProduct, LogWeights, log_sum, log_weight};
pub use lu::{DetSign, LogAbsDet, Solve};
pub use matrix_exp::MatrixExp;
pub use ode::{Ode, OdeVjp, ode};
pub use order::{FindInterval, Order};
pub use pad::Pad;
pub use permute::Permute;
pub use qr::QrQ;
pub use reduce::{Reduce, ReduceKind};
pub use reshape::Reshape;
pub(crate) use scan::hoisted;
pub use scan::{Body, Scan, scan};
pub use scatter_add::ScatterAdd;
pub use select::Select;
pub use slice::Slice;
pub use stop_gradient::StopGradient;
pub use tri_solve::{TriSolve, solve};
pub use unary::{Unary, UnaryRow};

/// Whether an operation only moves elements of its one argument, or repeats them.
pub(crate) fn moves(op: &crate::graph::Op) -> bool {
    op.get::<Broadcast>().is_some()
        || op.get::<Reshape>().is_some()
        || op.get::<Permute>().is_some()
        || op.get::<Slice>().is_some()
}

#[cfg(test)]
pub(crate) mod tests;
