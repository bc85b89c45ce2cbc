//! Nodes to bounds of their elements, whatever the inputs are.
//!
//! Interval arithmetic on the numbers as the machine rounds them: rounding is monotone, so the
//! results of rounded bounds bound the rounded results. Nothing is claimed of NaN: every range means
//! "or not a number".

use super::{Graph, NodeId, Var};

/// The numbers from `low` to `high`. The two zeros differ: from `0.0` on there is no `-0.0`, whose
/// reciprocal would be −∞.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    pub low: f64,
    pub high: f64,
}

impl Range {
    /// Any number.
    pub const ALL: Range = Range::new(f64::NEG_INFINITY, f64::INFINITY);
    /// 0 and above, without -0.
    pub const FROM_0: Range = Range::new(0.0, f64::INFINITY);
    /// From 0 to 1.
    pub const UNIT: Range = Range::new(0.0, 1.0);

    pub const fn new(low: f64, high: f64) -> Range {
        Range { low, high }
    }

    /// What holds the numbers.
    pub fn around(numbers: &[f64]) -> Range {
        let numbers = numbers.iter().filter(|x| !x.is_nan());
        let empty = Range::new(f64::INFINITY, f64::NEG_INFINITY);
        let grown = numbers.fold(empty, |r, &x| Range::new(least(r.low, x), most(r.high, x)));
        if grown == empty { Range::ALL } else { grown }
    }

    /// Whether no element is below 0.
    pub fn is_not_negative(self) -> bool {
        self.low >= 0.0
    }

    /// Whether no element is below 0 or -0.
    pub fn is_from_0(self) -> bool {
        self.is_not_negative() && self.low.is_sign_positive()
    }

    /// Whether the other holds all of it.
    pub fn is_within(self, other: Range) -> bool {
        other.low.total_cmp(&self.low).is_le() && other.high.total_cmp(&self.high).is_ge()
    }

    /// What holds both.
    pub fn or(self, other: Range) -> Range {
        Range::new(least(self.low, other.low), most(self.high, other.high))
    }

    /// What sums of any number of elements lie in.
    pub fn sums(self) -> Range {
        match self {
            r if r.is_from_0() => Range::FROM_0,
            r if r.is_not_negative() => Range::new(-0.0, f64::INFINITY),
            _ => Range::ALL,
        }
    }

    /// Bounds `f(low), f(high)` of a growing function.
    pub fn growing(self, f: impl Fn(f64) -> f64) -> Range {
        Range::new(f(self.low), f(self.high))
    }

    pub fn square(self) -> Range {
        let (low, high) = (self.low * self.low, self.high * self.high);
        let crosses = self.low < 0.0 && self.high > 0.0;
        Range::new(
            if crosses { 0.0 } else { least(low, high) },
            most(low, high),
        )
    }

    pub fn abs(self) -> Range {
        let (low, high) = (self.low.abs(), self.high.abs());
        let crosses = self.low < 0.0 && self.high > 0.0;
        Range::new(
            if crosses { 0.0 } else { least(low, high) },
            most(low, high),
        )
    }

    pub fn sqrt(self) -> Range {
        if self.is_from_0() {
            return self.growing(f64::sqrt);
        }
        Range::new(-0.0, f64::INFINITY)
    }

    /// The larger of two; which of two zeros is open.
    pub fn max(self, other: Range) -> Range {
        Range::new(self.low.max(other.low), self.high.max(other.high)).with_both_zeros()
    }

    /// The smaller of two; which of two zeros is open.
    pub fn min(self, other: Range) -> Range {
        Range::new(self.low.min(other.low), self.high.min(other.high)).with_both_zeros()
    }

    fn with_both_zeros(self) -> Range {
        let zero = |x: f64, zero: f64| if x == 0.0 { zero } else { x };
        Range::new(zero(self.low, -0.0), zero(self.high, 0.0))
    }

    pub fn recip(self) -> Range {
        if self.is_from_0() || self.high.is_sign_negative() {
            return Range::new(1.0 / self.high, 1.0 / self.low);
        }
        Range::ALL
    }
}

impl std::ops::Neg for Range {
    type Output = Range;

    fn neg(self) -> Range {
        Range::new(-self.high, -self.low)
    }
}

impl std::ops::Add for Range {
    type Output = Range;

    fn add(self, other: Range) -> Range {
        // Infinities of opposite signs add to NaN, of which nothing is claimed; beside it lies all.
        let bound = |sum: f64, open: f64| if sum.is_nan() { open } else { sum };
        Range::new(
            bound(self.low + other.low, f64::NEG_INFINITY),
            bound(self.high + other.high, f64::INFINITY),
        )
    }
}

impl std::ops::Sub for Range {
    type Output = Range;

    fn sub(self, other: Range) -> Range {
        self + -other
    }
}

impl std::ops::Mul for Range {
    type Output = Range;

    fn mul(self, other: Range) -> Range {
        // 0 · ∞ is NaN, but next to it lies 0.
        let product = |a: f64, b: f64| match a * b {
            nan if nan.is_nan() => 0.0_f64.copysign(a.signum() * b.signum()),
            product => product,
        };
        let corners = [
            product(self.low, other.low),
            product(self.low, other.high),
            product(self.high, other.low),
            product(self.high, other.high),
        ];
        Range::around(&corners)
    }
}

impl std::ops::Div for Range {
    type Output = Range;

    /// By sign alone.
    fn div(self, other: Range) -> Range {
        match (self.is_from_0(), other.is_from_0()) {
            (true, true) => Range::FROM_0,
            _ => Range::ALL,
        }
    }
}

/// The smaller, -0 below 0.
fn least(a: f64, b: f64) -> f64 {
    if a.total_cmp(&b).is_lt() { a } else { b }
}

/// The larger, 0 above -0.
fn most(a: f64, b: f64) -> f64 {
    if a.total_cmp(&b).is_gt() { a } else { b }
}

/// Ranges of the nodes of a graph, found when they are asked for and remembered.
pub struct Ranges<'g> {
    graph: &'g Graph,
    given: Vec<(NodeId, Range)>,
    known: Vec<Range>,
}

impl<'g> Ranges<'g> {
    /// Ranges in a graph of which those of some nodes are given.
    pub fn new(graph: &'g Graph, given: Vec<(NodeId, Range)>) -> Ranges<'g> {
        Ranges {
            graph,
            given,
            known: Vec::new(),
        }
    }

    /// The range of a node.
    pub fn of(&mut self, id: NodeId) -> Range {
        // Arguments have smaller ids: in order, none is met before its arguments.
        while self.known.len() <= id.index() {
            let next = NodeId(self.known.len() as u32);
            let range = match self.given.iter().find(|(given, _)| *given == next) {
                Some((_, range)) => *range,
                None => {
                    let node = self.graph.node(next);
                    let args: Vec<Range> =
                        node.args.iter().map(|a| self.known[a.index()]).collect();
                    node.op.0.range(&args)
                }
            };
            self.known.push(range);
        }
        self.known[id.index()]
    }
}

impl Var<'_> {
    /// Bounds of the elements, whatever the inputs are.
    ///
    /// ```
    /// use elbo::graph::Graph;
    /// let g = Graph::new();
    /// let x = g.input(&[3]);
    /// assert!((x.square() + x.exp() * 2.0).range().is_not_negative());
    /// assert!((1.0 - x.sigmoid()).range().is_not_negative());
    /// assert!(!(1.0 - x.exp()).range().is_not_negative());
    /// ```
    pub fn range(self) -> Range {
        Ranges::new(self.graph, Vec::new()).of(self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{binary, unary};

    const ENDS: [f64; 9] = [
        f64::NEG_INFINITY,
        -3.0,
        -0.7,
        -0.0,
        0.0,
        0.4,
        1.0,
        2.5,
        f64::INFINITY,
    ];

    /// Every range between two ends, with numbers in it.
    fn ranges() -> Vec<(Range, Vec<f64>)> {
        let mut all = Vec::new();
        for (i, &low) in ENDS.iter().enumerate() {
            for &high in &ENDS[i..] {
                let inside = |x: f64| low.total_cmp(&x).is_le() && high.total_cmp(&x).is_ge();
                let between = [-1e300, -2.0, -1e-300, 1e-300, 0.2, 1.7, 1e300];
                let mut numbers: Vec<f64> = ENDS.into_iter().chain(between).collect();
                numbers.retain(|&x| inside(x));
                all.push((Range::new(low, high), numbers));
            }
        }
        all
    }

    fn holds(range: Range, x: f64, what: &str) {
        let lower = x.is_nan() || range.low.total_cmp(&x).is_le();
        let upper = x.is_nan() || range.high.total_cmp(&x).is_ge();
        assert!(lower && upper, "{what} is {x}, not within {range:?}");
    }

    #[test]
    fn every_function_of_one_number_keeps_its_range() {
        for row in unary::TABLE {
            for (range, numbers) in ranges() {
                let result = (row.range)(range);
                for x in numbers {
                    holds(result, (row.value)(x), &format!("{}({x:?})", row.name));
                }
            }
        }
    }

    #[test]
    fn every_function_of_two_numbers_keeps_its_range() {
        let ranges = ranges();
        for row in binary::TABLE.iter().filter(|r| r.name != "polygamma") {
            for ((a, xs), (b, ys)) in ranges
                .iter()
                .flat_map(|a| ranges.iter().map(move |b| (a, b)))
            {
                let result = (row.range)(*a, *b);
                for (&x, &y) in xs.iter().flat_map(|x| ys.iter().map(move |y| (x, y))) {
                    let what = format!("{}({x:?}, {y:?})", row.name);
                    holds(result, (row.value)(x, y), &what);
                }
            }
        }
    }

    #[test]
    fn bounded_functions_stay_within_their_bounds() {
        for row in unary::TABLE {
            let result = (row.range)(Range::ALL);
            for i in -40_000..40_000 {
                for x in [f64::from(i) * 1e-3, f64::from(i) * 1e-9, f64::from(i)] {
                    holds(result, (row.value)(x), row.name);
                }
            }
        }
    }
}
