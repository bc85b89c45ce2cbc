//! Symbolic extents: linear expressions over names that data will bind.

use std::collections::BTreeMap;
use std::fmt;

/// A quantity that is not known before data is seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Atom {
    /// A dimension, or a whole number in the data, by its name.
    Name(String),
    /// The number of levels of a label.
    Levels(String),
    /// A loop's index: its number keeps equal names apart.
    Loop(u32, String),
    /// Anything else, by its text.
    Opaque(String),
}

impl Atom {
    /// Whether distinct atoms of this kind mean distinct extents as far as a reader can tell.
    fn is_rigid(&self) -> bool {
        matches!(self, Atom::Name(_) | Atom::Levels(_))
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Atom::Name(name) | Atom::Loop(_, name) | Atom::Opaque(name) => f.write_str(name),
            Atom::Levels(name) => write!(f, "{name}.levels"),
        }
    }
}

/// `constant + Σ factor · atom`
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dim {
    pub constant: i64,
    pub terms: BTreeMap<Atom, i64>,
}

/// What can be said of two extents before data is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Same {
    Yes,
    No,
    /// Only data can tell.
    Unknown,
}

impl Dim {
    pub fn atom(atom: Atom) -> Dim {
        Dim {
            constant: 0,
            terms: BTreeMap::from([(atom, 1)]),
        }
    }

    /// Whether some part of it is neither a name nor a number, so that only computing tells it.
    pub fn is_computed(&self) -> bool {
        self.terms.keys().any(|a| matches!(a, Atom::Opaque(_)))
    }

    pub fn name(name: &str) -> Dim {
        Dim::atom(Atom::Name(name.into()))
    }

    pub fn opaque(text: impl Into<String>) -> Dim {
        Dim::atom(Atom::Opaque(text.into()))
    }

    /// The atom, if it is one and nothing more.
    pub fn as_atom(&self) -> Option<&Atom> {
        let mut terms = self.terms.iter();
        match (self.constant, terms.next(), terms.next()) {
            (0, Some((atom, 1)), None) => Some(atom),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn known(&self) -> Option<i64> {
        self.terms.is_empty().then_some(self.constant)
    }

    /// What an axis of this extent is called: by the dimension or whole number that the extent is, or by the label whose
    /// levels it counts. Numbers and sums give no name.
    ///
    /// ```
    /// use elbo::types::{Atom, Dim};
    /// assert_eq!(Dim::name("J").axis(), Some("J"));
    /// assert_eq!(Dim::atom(Atom::Levels("county".into())).axis(), Some("county"));
    /// assert_eq!(Dim::name("J").plus(&1.into(), 1).axis(), None);
    /// ```
    pub fn axis(&self) -> Option<&str> {
        let mut terms = self.terms.iter();
        match (terms.next(), terms.next(), self.constant) {
            (Some((Atom::Name(name) | Atom::Levels(name), 1)), None, 0) => Some(name),
            _ => None,
        }
    }

    pub fn plus(&self, other: &Dim, factor: i64) -> Dim {
        let mut sum = self.clone();
        sum.constant = sum
            .constant
            .saturating_add(other.constant.saturating_mul(factor));
        for (atom, k) in &other.terms {
            let entry = sum.terms.entry(atom.clone()).or_insert(0);
            *entry = entry.saturating_add(k.saturating_mul(factor));
        }
        sum.terms.retain(|_, k| *k != 0);
        sum
    }

    pub fn times(&self, factor: i64) -> Dim {
        Dim::default().plus(self, factor)
    }

    /// A product of extents: by its text where it is not linear.
    ///
    /// ```
    /// use elbo::types::Dim;
    /// let n = Dim::name("N");
    /// assert_eq!(Dim::product(&[n.clone(), 2.into()]).to_string(), "2 * N");
    /// assert_eq!(Dim::product(&[n.clone(), n.plus(&1.into(), 1)]).to_string(), "N * (N + 1)");
    /// ```
    pub fn product(factors: &[Dim]) -> Dim {
        let number = factors
            .iter()
            .filter_map(Dim::known)
            .fold(1, i64::saturating_mul);
        let symbolic: Vec<&Dim> = factors.iter().filter(|d| d.known().is_none()).collect();
        match symbolic[..] {
            [] => number.into(),
            [one] => one.times(number),
            _ => {
                let single = |d: &Dim| d.constant == 0 && d.terms.len() == 1;
                let text = |d: &&Dim| match single(d) {
                    true => d.to_string(),
                    false => format!("({d})"),
                };
                let texts: Vec<String> = symbolic.iter().map(text).collect();
                Dim::opaque(texts.join(" * ")).times(number)
            }
        }
    }

    pub fn compare(&self, other: &Dim) -> Same {
        let difference = self.plus(other, -1);
        match difference.known() {
            Some(0) => Same::Yes,
            Some(_) => Same::No,
            None => {
                let single = |d: &Dim| {
                    d.constant == 0 && d.terms.len() == 1 && d.terms.values().all(|&k| k == 1)
                };
                let rigid = |d: &Dim| d.terms.keys().all(Atom::is_rigid);
                if single(self) && single(other) && rigid(self) && rigid(other) {
                    Same::No
                } else {
                    Same::Unknown
                }
            }
        }
    }

    /// The number, given the atoms' values.
    pub fn evaluate(&self, value: &dyn Fn(&Atom) -> Option<i64>) -> Option<i64> {
        self.terms.iter().try_fold(self.constant, |sum, (atom, k)| {
            sum.checked_add(k.checked_mul(value(atom)?)?)
        })
    }
}

impl From<i64> for Dim {
    fn from(constant: i64) -> Dim {
        Dim {
            constant,
            terms: BTreeMap::new(),
        }
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (atom, &k) in &self.terms {
            match (first, k) {
                (true, 1) => write!(f, "{atom}")?,
                (true, -1) => write!(f, "-{atom}")?,
                (true, k) => write!(f, "{k} * {atom}")?,
                (false, 1) => write!(f, " + {atom}")?,
                (false, -1) => write!(f, " - {atom}")?,
                (false, k) if k < 0 => write!(f, " - {} * {atom}", -k)?,
                (false, k) => write!(f, " + {k} * {atom}")?,
            }
            first = false;
        }
        match (first, self.constant) {
            (true, c) => write!(f, "{c}"),
            (false, 0) => Ok(()),
            (false, c) if c < 0 => write!(f, " - {}", c.unsigned_abs()),
            (false, c) => write!(f, " + {c}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_expressions_have_one_form() {
        let (n, k) = (Dim::name("N"), Dim::name("K"));
        assert_eq!(n.plus(&k, 1).plus(&n, -1).compare(&k), Same::Yes);
        assert_eq!(n.plus(&1.into(), 1).compare(&n), Same::No);
        assert_eq!(n.compare(&k), Same::No);
        assert_eq!(n.plus(&1.into(), -1).compare(&k), Same::Unknown);
        assert_eq!(n.compare(&5.into()), Same::Unknown);
        assert_eq!(n.times(2).plus(&1.into(), -1).to_string(), "2 * N - 1");
        assert_eq!(n.times(2).evaluate(&|_| Some(4)), Some(8));
    }
}
