//! Numbers with a name: functions without arguments, a row each.

/// A number that a program can name.
pub struct Constant {
    pub name: &'static str,
    pub value: f64,
    pub doc: &'static str,
}

/// Every constant.
pub static CONSTANTS: &[Constant] = &[
    Constant {
        name: "pi",
        value: std::f64::consts::PI,
        doc: "π, a circle's circumference over its diameter.",
    },
    Constant {
        name: "e",
        value: std::f64::consts::E,
        doc: "e, the base of natural logarithms.",
    },
    Constant {
        name: "infinity",
        value: f64::INFINITY,
        doc: "Greater than every number; `-infinity()` is the logarithm of 0.",
    },
    Constant {
        name: "machine_precision",
        value: f64::EPSILON,
        doc: "2⁻⁵², from 1 to the next larger number.",
    },
];

/// The constant of a name.
pub fn constant(name: &str) -> Option<&'static Constant> {
    CONSTANTS.iter().find(|c| c.name == name)
}
