//! What a family declares of itself: read by the checker, the help and the documentation.

/// Where a value may lie, as far as it is fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Domain {
    Real,
    Positive,
    Nonnegative,
    /// The closed interval from 0 to 1.
    Unit,
    /// Above 1.
    AboveOne,
    /// `(−π, π]`
    Circle,
    Integer,
    /// 0, 1, 2, …
    Count,
    /// 1, 2, …
    PositiveInteger,
    /// 0 or 1.
    Binary,
    /// 1 … K, K the extent of the first parameter that is a vector, or as the support says.
    Index,
    Simplex,
    Ordered,
    UnitVector,
    Covariance,
    CholeskyCovariance,
    Correlation,
    CholeskyCorrelation,
    /// Vectors of counts.
    Counts,
    /// As the distribution at this position of the arguments, perhaps within bounds.
    AsInner(usize),
    /// What a function makes of draws of the distribution at this position.
    Image(usize),
}

/// Whether draws are real numbers or integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    Real,
    Integer,
    /// As the distribution(s) at this position of the arguments.
    AsInner(usize),
}

/// What is taken for a parameter that is not given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DefaultValue {
    Required,
    Number(f64),
    /// It may be left out.
    Absent,
}

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Numbers with `rank` own axes.
    Value {
        domain: Domain,
        rank: usize,
    },
    /// A whole number from data that sets an extent.
    Dimension,
    Distribution,
    /// A list of distributions, or one with an array of them.
    Distributions,
    /// A function of one number that has an inverse.
    Function,
}

#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub kind: Kind,
    pub default: DefaultValue,
    /// What stands for entries that a row of another length does not have, if rows may differ: each that is
    /// missing leaves one number fewer at the end of the support.
    pub missing: Option<f64>,
    /// What it is, in a few words.
    pub doc: &'static str,
}

impl Parameter {
    /// A scalar that must be given.
    pub const fn scalar(name: &'static str, domain: Domain, doc: &'static str) -> Parameter {
        Parameter::array(name, domain, 0, doc)
    }

    /// A value with `rank` own axes that must be given.
    pub const fn array(
        name: &'static str,
        domain: Domain,
        rank: usize,
        doc: &'static str,
    ) -> Parameter {
        Parameter {
            name,
            kind: Kind::Value { domain, rank },
            default: DefaultValue::Required,
            missing: None,
            doc,
        }
    }

    /// The same with a default.
    pub const fn or(self, value: f64) -> Parameter {
        Parameter {
            default: DefaultValue::Number(value),
            ..self
        }
    }

    /// The same, of which rows may have different lengths.
    pub const fn missing(self, value: f64) -> Parameter {
        Parameter {
            missing: Some(value),
            ..self
        }
    }

    /// The same, which may be left out.
    pub const fn optional(self) -> Parameter {
        Parameter {
            default: DefaultValue::Absent,
            ..self
        }
    }
}

/// One set of parameters; a call by names picks the form that has them.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub parameters: &'static [Parameter],
}

/// Where an extent of the event comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventAxis {
    /// Own axis `axis` (from the first) of the value at `position` of the arguments.
    Of { position: usize, axis: usize },
    /// The number given at `position`.
    Number { position: usize },
    /// The last array axis of the wrapped distribution at `position` becomes the event's.
    LastOf { position: usize },
    /// All axes of the event of the distribution(s) at `position`.
    AllOf { position: usize },
}

/// Everything about a family that does not depend on arguments.
#[derive(Clone, Copy, Debug)]
pub struct Declaration {
    pub name: &'static str,
    /// First line: what it is. Then density with its symbols, and the source.
    pub doc: &'static str,
    /// The first form is the one for positional arguments.
    pub forms: &'static [Form],
    /// Axes of one draw, empty for a number.
    pub event: &'static [EventAxis],
    pub values: Values,
    pub support: Domain,
}

impl Declaration {
    pub(crate) fn event_rank(&self, inner: impl Fn(usize) -> usize) -> usize {
        let rank = |axis: &EventAxis| match axis {
            EventAxis::AllOf { position } => inner(*position),
            _ => 1,
        };
        self.event.iter().map(rank).sum()
    }

    /// Whether the event's axis is the last array axis of the distribution at `position`.
    pub(crate) fn takes_axis_of(&self, position: usize) -> bool {
        self.event.contains(&EventAxis::LastOf { position })
    }
}

impl Domain {
    /// In words what a number must be, if this one is not.
    pub fn refuses(self, x: f64) -> Option<&'static str> {
        let whole = x.fract() == 0.0;
        let (ok, words) = match self {
            Domain::Positive => (x > 0.0, "positive"),
            Domain::Nonnegative => (x >= 0.0, "at least 0"),
            Domain::Unit => ((0.0..=1.0).contains(&x), "between 0 and 1"),
            Domain::AboveOne => (x > 1.0, "above 1"),
            Domain::Integer => (whole, "a whole number"),
            Domain::Count => (whole && x >= 0.0, "a whole number from 0"),
            Domain::PositiveInteger | Domain::Index => (whole && x >= 1.0, "a whole number from 1"),
            Domain::Binary => (x == 0.0 || x == 1.0, "0 or 1"),
            _ => (!x.is_nan(), "a number"),
        };
        (!ok).then_some(words)
    }
}
