//! The battery for all families.
