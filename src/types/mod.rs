//! Types of the language: numbers in arrays with symbolic extents, and distributions.

mod dim;

pub use dim::{Atom, Dim, Same};

use serde::{Deserialize, Serialize};
use std::fmt;

/// What an element is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub enum Base {
    Bool,
    Int,
    #[default]
    Real,
}

impl Base {
    /// The base that both fit into.
    pub fn join(self, other: Base) -> Base {
        self.max(other)
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Base::Bool => "bool",
            Base::Int => "int",
            Base::Real => "real",
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// A mistake that has been reported: everything fits it.
    Error,
    /// Numbers or truth values; no extents for a single one.
    Number {
        base: Base,
        dims: Vec<Dim>,
    },
    /// A distribution: draws are an array (`array`) of events (`event`).
    Distribution {
        base: Base,
        array: Vec<Dim>,
        event: Vec<Dim>,
    },
    /// `a..b`
    Range,
    /// A function, as an argument or under a name.
    Function,
    Text,
}

impl Type {
    pub fn scalar(base: Base) -> Type {
        Type::Number {
            base,
            dims: Vec::new(),
        }
    }

    pub fn array(base: Base, dims: impl Into<Vec<Dim>>) -> Type {
        Type::Number {
            base,
            dims: dims.into(),
        }
    }

    pub fn is_error(&self) -> bool {
        *self == Type::Error
    }

    /// Base and extents of numbers.
    pub fn number(&self) -> Option<(Base, &[Dim])> {
        match self {
            Type::Number { base, dims } => Some((*base, dims)),
            _ => None,
        }
    }

    pub fn rank(&self) -> usize {
        self.number().map_or(0, |(_, dims)| dims.len())
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Error => f.write_str("?"),
            Type::Number { base, dims } => write!(f, "{base}{}", Extents(dims)),
            Type::Distribution { base, array, event } => {
                let all: Vec<Dim> = array.iter().chain(event).cloned().collect();
                write!(f, "distribution of {base}{}", Extents(&all))
            }
            Type::Range => f.write_str("range"),
            Type::Function => f.write_str("function"),
            Type::Text => f.write_str("text"),
        }
    }
}

/// Prints extents as types write them: `[N, K]`, nothing for none.
pub struct Extents<'a>(pub &'a [Dim]);

impl fmt::Display for Extents<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        let inner: Vec<String> = self.0.iter().map(Dim::to_string).collect();
        write!(f, "[{}]", inner.join(", "))
    }
}
