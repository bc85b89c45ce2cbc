//! Maps between a support and unconstrained space, with their log Jacobians, as graph code.
