//! Rows of the battery, and integrals over a row's distribution.

// A table of kinds of rows: not every kind has to be in use.
#![allow(dead_code)]

use crate::dist::*;
use crate::graph::{Graph, Shape, Tensor, evaluate};

/// An argument of a row.
#[derive(Clone)]
pub enum Given {
    Number(f64),
    /// A number that is a constant always: what only constants can be.
    Fixed(f64),
    /// Shape and elements, row-major.
    Array(Vec<usize>, Vec<f64>),
    Dimension(usize),
    /// Family, form and arguments.
    Distribution(&'static str, usize, Vec<Given>),
    /// Each a [`Given::Distribution`].
    Distributions(Vec<Given>),
    /// One [`Given::Distribution`] whose arguments have one more leading axis, which counts.
    Stack(Box<Given>),
    /// Names of functions, which argument is the one that is transformed, and what stands beside it.
    Function(Vec<(&'static str, usize, Option<f64>)>),
    Absent,
}

/// A vector.
pub fn vector(data: &[f64]) -> Given {
    Given::Array(vec![data.len()], data.to_vec())
}

/// A square matrix, row-major.
pub fn square(data: &[f64]) -> Given {
    let n = (data.len() as f64).sqrt() as usize;
    Given::Array(vec![n, n], data.to_vec())
}

/// A distribution as an argument.
pub fn dist(family: &'static str, form: usize, args: Vec<Given>) -> Given {
    Given::Distribution(family, form, args)
}

/// A family with arguments, and what is known of it.
///
/// ```text
/// row("Normal", 0, &[0.0, 1.0]).statrs(&[-1.0, 2.0], |x| statrs::…::ln_pdf(x))
/// row("Normal", 0, &[0.0, 1.0]).scipy(&[(-1.0, -1.418938533204673)])
/// row_of("Dirichlet", 0, vec![vector(&[1.0, 2.0])]).event(&[2]).scipy_at(&[(&[0.3, 0.7], 0.33)])
/// ```
pub struct Row {
    pub family: &'static str,
    pub form: usize,
    pub args: Vec<Given>,
    /// Shape of one draw.
    pub event: Vec<usize>,
    /// Points with their log density from an independent source.
    pub points: Vec<(Vec<f64>, f64)>,
    /// Relative tolerance of log densities.
    pub digits: f64,
    /// Relative tolerance of integrals.
    pub quadrature: f64,
    /// Number of moments that are finite; variances of draws are checked from 4 on.
    pub moments: u32,
    /// Whether densities integrate to 1 (and the integral is worth a check).
    pub proper: bool,
    pub samples: bool,
    /// Whether arguments are so large or small that differences have no digits.
    pub extreme: bool,
    /// Last value of sums over unbounded counts.
    pub last: f64,
}

/// A row with numbers for arguments.
pub fn row(family: &'static str, form: usize, args: &[f64]) -> Row {
    row_of(
        family,
        form,
        args.iter().map(|&x| Given::Number(x)).collect(),
    )
}

/// A row with any arguments.
pub fn row_of(family: &'static str, form: usize, args: Vec<Given>) -> Row {
    Row {
        family,
        form,
        args,
        event: Vec::new(),
        points: Vec::new(),
        digits: 1e-11,
        quadrature: 1e-8,
        moments: 4,
        proper: true,
        samples: true,
        extreme: false,
        last: 3000.0,
    }
}

impl Row {
    /// Points and the log density as the crate statrs has it.
    pub fn statrs(mut self, points: &[f64], log_prob: impl Fn(f64) -> f64) -> Row {
        self.points
            .extend(points.iter().map(|&x| (vec![x], log_prob(x))));
        self
    }

    /// Points with log densities computed with SciPy's `scipy.stats`.
    pub fn scipy(mut self, points: &[(f64, f64)]) -> Row {
        self.points
            .extend(points.iter().map(|&(x, p)| (vec![x], p)));
        self
    }

    /// [`Row::scipy`] for events with axes.
    pub fn scipy_at(mut self, points: &[(&[f64], f64)]) -> Row {
        self.points
            .extend(points.iter().map(|&(x, p)| (x.to_vec(), p)));
        self
    }

    /// Points with log densities as products of Beta densities of partial correlations, from SciPy.
    pub fn by_vine(self, points: &[(&[f64], f64)]) -> Row {
        self.scipy_at(points)
    }

    /// Points with log densities worked out by hand from the definition.
    pub fn by_hand(self, points: &[(f64, f64)]) -> Row {
        self.scipy(points)
    }

    /// Shape of one draw.
    pub fn event(mut self, shape: &[usize]) -> Row {
        self.event = shape.to_vec();
        self
    }

    /// Only the first `n` moments are finite.
    pub fn moments(mut self, n: u32) -> Row {
        self.moments = n;
        self
    }

    /// Relative tolerance of log densities: where the source or cancellation allows no better.
    pub fn digits(mut self, tolerance: f64) -> Row {
        self.digits = tolerance;
        self
    }

    /// Relative tolerance of integrals: where the density has a kink inside, or a singularity at a
    /// bound other than 0.
    pub fn quadrature(mut self, tolerance: f64) -> Row {
        self.quadrature = tolerance;
        self
    }

    /// The density has no finite integral and no sampler.
    pub fn improper(mut self) -> Row {
        self.proper = false;
        self.samples = false;
        self
    }

    /// Draws are not checked: they are slow, and another row's are checked.
    pub fn undrawn(mut self) -> Row {
        self.samples = false;
        self
    }

    /// Neither integrals nor draws nor differences are checked, only log densities and that
    /// derivatives are finite.
    pub fn extreme(mut self) -> Row {
        self.extreme = true;
        self.improper()
    }

    /// Sums over counts go up to here.
    pub fn up_to(mut self, last: f64) -> Row {
        self.last = last;
        self
    }

    /// The distribution with a leaf for every argument that is a value, in order.
    pub fn assemble<'g>(&self, g: &'g Graph, leaf: Leaf<'_, 'g>) -> Distribution<'g> {
        assemble(g, self.family, self.form, &self.args, leaf)
    }

    /// The distribution with constants, with leading axes of extent 1.
    pub fn constant<'g>(&self, g: &'g Graph, lead: &[usize]) -> Distribution<'g> {
        self.assemble(g, &mut |_, shape, data| {
            let mut whole = lead.to_vec();
            whole.extend(shape);
            g.constant(Tensor::new(whole.as_slice().into(), data.to_vec()))
        })
    }

    /// Whether the two can stand in one batch.
    pub fn is_like(&self, other: &Row) -> bool {
        self.family == other.family
            && self.form == other.form
            && self.event == other.event
            && signature(&self.args) == signature(&other.args)
    }

    /// Bounds of a scalar's support, infinite where there are none.
    pub fn bounds(&self) -> (f64, f64) {
        let g = Graph::new();
        match self.constant(&g, &[]).support() {
            Support::Interval { lower, upper } | Support::Integers { lower, upper } => {
                let value = |v: Var| evaluate(&g, &[], &[v.id])[0].data()[0];
                (
                    lower.map_or(f64::NEG_INFINITY, value),
                    upper.map_or(f64::INFINITY, value),
                )
            }
            Support::Circle => (-std::f64::consts::PI, std::f64::consts::PI),
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    /// The distribution of a scalar between bounds as weighted points; `None` where integrals are
    /// not checked.
    pub fn measure(&self, from: Option<f64>, to: Option<f64>) -> Option<Measure> {
        if !self.proper || !self.event.is_empty() {
            return None;
        }
        let g = Graph::new();
        let d = self.constant(&g, &[1]);
        let (lower, upper) = self.bounds();
        let nodes = if d.is_discrete() {
            // Above a point means beyond it.
            let first = from.map_or(lower.max(-self.last), |x| x.floor() + 1.0);
            let last = to.map_or(upper.min(self.last), f64::floor);
            let n = (last - first + 1.0).max(0.0) as usize;
            (0..n).map(|i| (first + i as f64, 1.0)).collect()
        } else {
            let points: Vec<f64> = self.points.iter().map(|p| p.0[0]).collect();
            double_exponential(from.unwrap_or(lower), to.unwrap_or(upper), &points)
        };
        if nodes.is_empty() {
            return Some(Measure { nodes: Vec::new() });
        }
        let x = g.constant(Tensor::vector(
            nodes.iter().map(|n: &(f64, f64)| n.0).collect::<Vec<_>>(),
        ));
        let log_prob = evaluate(&g, &[], &[d.log_prob(x).id])[0].clone();
        let nodes = nodes
            .iter()
            .zip(log_prob.data())
            .map(|(&(x, w), &p)| (x, w, p))
            .collect();
        Some(Measure { nodes })
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} (form {}) {}",
            self.family,
            self.form,
            signature_values(&self.args)
        )
    }
}

/// Makes the node of an argument of a domain, an own shape and elements.
pub type Leaf<'a, 'g> = &'a mut dyn FnMut(Domain, &[usize], &[f64]) -> Var<'g>;

fn assemble<'g>(
    g: &'g Graph,
    family: &str,
    form: usize,
    args: &[Given],
    leaf: Leaf<'_, 'g>,
) -> Distribution<'g> {
    let family = find(family).unwrap_or_else(|| panic!("no family {family}"));
    let parameters = family.declaration().forms[form].parameters;
    let args = args.iter().enumerate().map(|(i, given)| {
        let domain = match parameters[i].kind {
            Kind::Value { domain, .. } => domain,
            _ => Domain::Real,
        };
        match given {
            Given::Number(x) => Argument::Value(leaf(domain, &[], &[*x])),
            Given::Fixed(x) => Argument::Value(g.scalar(*x)),
            Given::Array(shape, data) => Argument::Value(leaf(domain, shape, data)),
            Given::Dimension(n) => Argument::Dimension(*n),
            Given::Absent => Argument::Absent,
            Given::Function(steps) => {
                let link = |&(name, position, beside): &(&str, usize, Option<f64>)| {
                    let row = bijection::find(name, position).expect("it has an inverse");
                    (row, beside.map(|c| leaf(Domain::Real, &[], &[c])))
                };
                Argument::Function(bijection::Chain(steps.iter().map(link).collect()))
            }
            Given::Distributions(all) => {
                Argument::Distributions(all.iter().map(|d| inner(g, d, leaf)).collect())
            }
            Given::Stack(d) => Argument::Stack(Box::new(inner(g, d, leaf))),
            Given::Distribution(..) => Argument::Distribution(Box::new(inner(g, given, leaf))),
        }
    });
    let args = args.collect();
    Distribution { family, form, args }
}

fn inner<'g>(g: &'g Graph, given: &Given, leaf: Leaf<'_, 'g>) -> Distribution<'g> {
    match given {
        Given::Distribution(family, form, args) => assemble(g, family, *form, args, leaf),
        _ => panic!("a list of distributions holds distributions"),
    }
}

/// Shapes and kinds of arguments, without numbers.
fn signature(args: &[Given]) -> String {
    let one = |given: &Given| match given {
        Given::Number(_) => "number".to_string(),
        Given::Fixed(x) => format!("fixed {x}"),
        Given::Array(shape, _) => format!("{shape:?}"),
        Given::Dimension(n) => format!("dimension {n}"),
        Given::Absent => "absent".to_string(),
        Given::Distribution(family, form, args) => format!("{family} {form} {}", signature(args)),
        Given::Distributions(all) => signature(all),
        Given::Stack(d) => format!("stack {}", signature(std::slice::from_ref(d))),
        Given::Function(steps) => {
            let names = steps
                .iter()
                .map(|(name, position, _)| format!("{name} {position}"));
            names.collect::<Vec<_>>().join(" ")
        }
    };
    args.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn signature_values(args: &[Given]) -> String {
    let one = |given: &Given| match given {
        Given::Number(x) => format!("{x}"),
        Given::Array(_, data) => format!("{data:?}"),
        Given::Distribution(family, _, args) => format!("{family}({})", signature_values(args)),
        Given::Distributions(all) => format!("[{}]", signature_values(all)),
        other => signature(std::slice::from_ref(other)),
    };
    args.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Rows that are alike as one distribution with batch axes `[rows, 1]`.
pub fn stack<'g>(rows: &[&Row], g: &'g Graph) -> Distribution<'g> {
    let mut leaves: Vec<Vec<f64>> = Vec::new();
    for row in rows {
        let mut position = 0;
        row.assemble(g, &mut |_, shape, data| {
            if leaves.len() <= position {
                leaves.push(Vec::new());
            }
            leaves[position].extend(data);
            position += 1;
            g.constant(Tensor::new(shape.into(), data.to_vec()))
        });
    }
    let mut leaves = leaves.into_iter();
    rows[0].assemble(g, &mut |_, shape, _| {
        let mut whole = Shape::from_slice(&[rows.len(), 1]);
        whole.extend_from_slice(shape);
        let data = leaves.next().expect("every row has as many leaves");
        g.constant(Tensor::new(whole, data))
    })
}

/// Points with quadrature weights and log densities.
pub struct Measure {
    nodes: Vec<(f64, f64, f64)>,
}

impl Measure {
    /// `∫ f(x, log p(x)) p(x) dx`, where terms that vanish are left out.
    pub fn expect(&self, f: impl Fn(f64, f64) -> f64) -> f64 {
        self.nodes
            .iter()
            .filter(|(_, _, log_prob)| log_prob.exp() > 0.0)
            .map(|&(x, w, log_prob)| w * log_prob.exp() * f(x, log_prob))
            .sum()
    }
}

/// Nodes and weights of double-exponential quadrature (Takahasi and Mori 1974) between bounds that
/// may be infinite: it converges also where the integrand is singular at a bound, or has tails like
/// a power. Scale and centre are taken from points where the density is not small.
fn double_exponential(lower: f64, upper: f64, points: &[f64]) -> Vec<(f64, f64)> {
    const H: f64 = 1.0 / 128.0;
    let half_pi = std::f64::consts::FRAC_PI_2;
    let mut sorted = points.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted[sorted.len() / 2];
    if lower.is_infinite() && upper.is_finite() && upper > middle {
        // A bound far beyond the bulk would see it as a needle.
        let mut nodes = double_exponential(lower, middle, points);
        nodes.extend(double_exponential(middle, upper, points));
        return nodes;
    }
    let spread = (sorted[sorted.len() - 1] - sorted[0]).max(1e-3 * middle.abs());
    let node = |t: f64| -> (f64, f64) {
        let (s, ds) = (half_pi * t.sinh(), half_pi * t.cosh());
        match (lower.is_finite(), upper.is_finite()) {
            (true, true) => {
                let (half, c) = ((upper - lower) / 2.0, s.cosh());
                // Written from the nearer bound, so that nodes close to 0 keep their digits.
                let from_bound = half * (-s.abs()).exp() / c;
                let x = if s < 0.0 {
                    lower + from_bound
                } else {
                    upper - from_bound
                };
                (x, half * ds / (c * c))
            }
            (true, false) => {
                let scale = (middle - lower).abs().max(1e-3 * spread);
                (lower + scale * s.exp(), scale * s.exp() * ds)
            }
            (false, true) => {
                let scale = (upper - middle).abs().max(0.3 * spread);
                (upper - scale * s.exp(), scale * s.exp() * ds)
            }
            (false, false) => {
                let scale = spread / 4.0;
                (middle + scale * s.sinh(), scale * s.cosh() * ds)
            }
        }
    };
    let n = (6.0 / H) as i64;
    (-n..=n)
        .map(|i| node(i as f64 * H))
        .filter(|(x, w)| x.is_finite() && w.is_finite() && *w > 0.0 && *x > lower && *x < upper)
        .map(|(x, w)| (x, w * H))
        .collect()
}
