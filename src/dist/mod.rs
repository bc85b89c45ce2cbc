//! Distributions: each a file that declares its parameters and support and writes its log density
//! as graph code, so that derivatives, batching and fusion come by themselves.
//!
//! A [`Distribution`] is a family with arguments. Its arguments and values have *batch axes* (loops,
//! arrays) followed by the axes that belong to the family (a mean vector, a covariance matrix). All
//! arguments and the value have the same number of batch axes, of equal extent or 1; log densities
//! have the batch axes alone. The checker, the help and the tables of the documentation read the
//! [`Declaration`]; nothing else lists what a distribution takes.

pub mod bijection;
mod declaration;
mod draw;
mod finite_sum;
mod log_space;
mod matrix;
mod point;
mod power;
mod quantile;
mod sampled;
mod support;
#[cfg(test)]
pub(crate) mod tests;

mod bernoulli;
mod beta;
mod beta_binomial;
mod binomial;
mod categorical;
mod cauchy;
mod censored;
mod chi_squared;
mod dirichlet;
mod dirichlet_multinomial;
mod discrete_uniform;
mod exponential;
mod flat;
mod gamma;
mod gaussian_random_walk;
mod geometric;
mod gumbel;
mod half_cauchy;
mod half_flat;
mod half_normal;
mod half_student_t;
mod hurdle;
mod hypergeometric;
mod inverse_gamma;
mod inverse_wishart;
mod kumaraswamy;
mod laplace;
mod lkj;
mod lkj_cholesky;
mod log_normal;
mod logistic;
mod mixture;
mod multinomial;
mod mv_normal;
mod mv_student_t;
mod neg_binomial;
mod noise;
mod normal;
mod ordered;
mod ordered_logistic;
mod pareto;
mod poisson;
mod skew_normal;
mod student_t;
mod transformed;
mod truncated;
mod uniform;
mod von_mises;
mod weibull;
mod wishart;
mod zero_inflated;

pub use declaration::{
    Declaration, DefaultValue, Domain, EventAxis, Form, Kind, Parameter, Values,
};
pub(crate) use normal::LOG_SQRT_2PI;
pub use point::{Point, PointArgument};
pub use sampled::{KEY, Sampled, Skeleton};
pub use support::Support;

use crate::graph::Var;
use bijection::Chain;
use rand::Rng;

/// Every family; adding one is its file and a line here.
pub static FAMILIES: &[&dyn Family] = &[
    &bernoulli::Bernoulli,
    &beta::Beta,
    &beta_binomial::BetaBinomial,
    &binomial::Binomial,
    &categorical::Categorical,
    &cauchy::Cauchy,
    &censored::Censored,
    &chi_squared::ChiSquared,
    &dirichlet::Dirichlet,
    &dirichlet_multinomial::DirichletMultinomial,
    &discrete_uniform::DiscreteUniform,
    &exponential::Exponential,
    &flat::Flat,
    &gamma::Gamma,
    &gaussian_random_walk::GaussianRandomWalk,
    &geometric::Geometric,
    &gumbel::Gumbel,
    &half_cauchy::HalfCauchy,
    &half_flat::HalfFlat,
    &half_normal::HalfNormal,
    &half_student_t::HalfStudentT,
    &hurdle::Hurdle,
    &hypergeometric::Hypergeometric,
    &inverse_gamma::InverseGamma,
    &inverse_wishart::InverseWishart,
    &kumaraswamy::Kumaraswamy,
    &laplace::Laplace,
    &lkj::Lkj,
    &lkj_cholesky::LkjCholesky,
    &log_normal::LogNormal,
    &logistic::Logistic,
    &mixture::Mixture,
    &multinomial::Multinomial,
    &mv_normal::MvNormal,
    &mv_student_t::MvStudentT,
    &neg_binomial::NegBinomial,
    &normal::Normal,
    &ordered::Ordered,
    &ordered_logistic::OrderedLogistic,
    &pareto::Pareto,
    &poisson::Poisson,
    &skew_normal::SkewNormal,
    &student_t::StudentT,
    &transformed::Transformed,
    &truncated::Truncated,
    &uniform::Uniform,
    &von_mises::VonMises,
    &weibull::Weibull,
    &wishart::Wishart,
    &zero_inflated::ZeroInflated,
];

/// The family of a name.
pub fn find(name: &str) -> Option<&'static dyn Family> {
    FAMILIES
        .iter()
        .copied()
        .find(|f| f.declaration().name == name)
}

/// The families of numbers whose distribution function is known whatever the arguments are, in order:
/// those that can be truncated and censored anywhere. Of other families of whole numbers it is a sum,
/// which needs bounds that are constants; a family that wraps another goes by that.
///
/// ```
/// use elbo::dist::with_distribution_function;
/// let names: Vec<&str> = with_distribution_function().map(|f| f.declaration().name).collect();
/// assert!(names.contains(&"Normal") && !names.contains(&"VonMises"));
/// ```
pub fn with_distribution_function() -> impl Iterator<Item = &'static dyn Family> {
    FAMILIES.iter().copied().filter(|family| {
        let parameters = family.declaration().forms[0].parameters;
        let number = |p: &Parameter| matches!(p.kind, Kind::Value { rank: 0, .. });
        if !family.declaration().event.is_empty() || !parameters.iter().all(number) {
            return false;
        }
        let graph = crate::graph::Graph::new();
        let values: Vec<Var<'_>> = parameters.iter().map(|_| graph.input(&[])).collect();
        let d = Distribution::new(*family, 0, &values);
        let x = graph.input(&[]);
        family.log_cdf(&d, x).is_some() && family.log_survival(&d, x).is_some()
    })
}

/// What a distribution is, apart from its arguments.
pub trait Family: Send + Sync {
    fn declaration(&self) -> &'static Declaration;

    /// Log density (or mass) with all constants, of the batch axes.
    ///
    /// `x` lies in the support, unless the support's bounds are not constants: then the result is
    /// −∞ outside.
    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g>;

    /// Where draws lie; by default what the declaration says.
    fn support<'g>(&self, _d: &Distribution<'g>) -> Support<'g> {
        Support::of(self.declaration().support)
    }

    /// What is wrong with the arguments beyond what the declaration says, as a clause about them.
    /// Nested distributions are checked by [`Distribution::check_arguments`].
    fn check_arguments(&self, _d: &Distribution<'_>) -> Result<(), String> {
        Ok(())
    }

    /// Positions of the arguments that bound the values from below and above, if there are any.
    fn bounds(&self) -> Option<Bounds> {
        None
    }

    /// Whether the support is not the declared one but depends on arguments.
    fn support_needs_arguments(&self) -> bool {
        false
    }

    /// Whether the density integrates to 1, whatever the arguments are; else there is nothing to draw
    /// from, or not with the density's constant.
    fn is_normalised(&self) -> bool {
        true
    }

    /// One draw into `out` (the event's elements, row-major).
    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]);

    /// `log P(X ≤ x)`, where it has a closed form.
    fn log_cdf<'g>(&self, _d: &Distribution<'g>, _x: Var<'g>) -> Option<Var<'g>> {
        None
    }

    /// `log P(X > x)`, where it has a closed form.
    fn log_survival<'g>(&self, _d: &Distribution<'g>, _x: Var<'g>) -> Option<Var<'g>> {
        None
    }

    /// The draw that standard Normal numbers of the event's shape make, where that is more than the quantile at
    /// their probability.
    fn reparameterised<'g>(&self, _d: &Distribution<'g>, _noise: Var<'g>) -> Option<Var<'g>> {
        None
    }

    /// Of a family of vectors, the distribution of the next element given those before it, a value for each.
    fn conditional<'g>(
        &self,
        _d: &Distribution<'g>,
        _before: &[Var<'g>],
    ) -> Option<Distribution<'g>> {
        None
    }

    /// The least `x` with `P(X ≤ x) ≥ p`, where it has a closed form; `p` from 0 to 1.
    fn quantile<'g>(&self, _d: &Distribution<'g>, _p: Var<'g>) -> Option<Var<'g>> {
        None
    }

    /// Expectation of each element, where it exists in closed form.
    fn mean<'g>(&self, _d: &Distribution<'g>) -> Option<Var<'g>> {
        None
    }

    /// Variance of each element, where it exists in closed form.
    fn variance<'g>(&self, _d: &Distribution<'g>) -> Option<Var<'g>> {
        None
    }

    /// Differential (or discrete) entropy in nats, of the batch axes, where it has a closed form.
    fn entropy<'g>(&self, _d: &Distribution<'g>) -> Option<Var<'g>> {
        None
    }
}

/// Which arguments bound the values: known bounds must stand in order.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub lower: usize,
    pub upper: usize,
    /// Whether the bounds may be equal.
    pub may_be_equal: bool,
}

/// Why a distribution cannot take its arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The family, which may be one that others wrap.
    pub dist: &'static str,
    /// A clause about its arguments.
    pub why: String,
    /// The batch index of the arguments that are to blame, from 0, where it is some of them.
    pub at: Option<Vec<usize>>,
}

/// A family with arguments, in the order of one of its forms.
#[derive(Clone)]
pub struct Distribution<'g> {
    pub family: &'static dyn Family,
    /// Which of the declaration's forms the arguments are for.
    pub form: usize,
    pub args: Vec<Argument<'g>>,
}

/// An argument of a distribution.
#[derive(Clone)]
pub enum Argument<'g> {
    /// `[batch…, own axes…]`
    Value(Var<'g>),
    /// A whole number that sets an extent of the event.
    Dimension(usize),
    /// The distribution that is wrapped.
    Distribution(Box<Distribution<'g>>),
    /// Several distributions of equal events.
    Distributions(Vec<Distribution<'g>>),
    /// Several distributions of one family: the last batch axis counts them.
    Stack(Box<Distribution<'g>>),
    /// A function of one number that has an inverse; what stands beside its arguments is `[batch…]`.
    Function(Chain<Var<'g>>),
    /// Left out.
    Absent,
}

impl std::fmt::Debug for Distribution<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.family.declaration().name)
    }
}

impl<'g> Distribution<'g> {
    /// A distribution from values alone, by the family's first form.
    ///
    /// ```
    /// use elbo::{dist::{Distribution, find}, graph::{Graph, Tensor}};
    /// let g = Graph::new();
    /// let d = Distribution::new(find("Normal").unwrap(), 0, &[g.scalar(1.0), g.scalar(2.0)]);
    /// let log_prob = d.log_prob(g.scalar(0.0)).as_uniform().unwrap();
    /// assert!((log_prob - (-1.737_085_713_764_618)).abs() < 1e-15);
    /// ```
    pub fn new(family: &'static dyn Family, form: usize, values: &[Var<'g>]) -> Distribution<'g> {
        Distribution {
            family,
            form,
            args: values.iter().map(|&v| Argument::Value(v)).collect(),
        }
    }

    /// The argument at a position as a value.
    ///
    /// # Panics
    /// If it is something else: the declaration says what it is.
    pub fn value(&self, position: usize) -> Var<'g> {
        self.value_or_none(position)
            .expect("the declaration makes this argument a value")
    }

    pub fn value_or_none(&self, position: usize) -> Option<Var<'g>> {
        match self.args.get(position) {
            Some(Argument::Value(v)) => Some(*v),
            _ => None,
        }
    }

    /// The whole number at a position.
    pub fn dimension(&self, position: usize) -> usize {
        match self.args[position] {
            Argument::Dimension(n) => n,
            _ => panic!("the declaration makes this argument a dimension"),
        }
    }

    /// The argument at a position as the wrapped distribution.
    pub fn inner(&self, position: usize) -> &Distribution<'g> {
        match &self.args[position] {
            Argument::Distribution(d) => d,
            _ => panic!("the declaration makes this argument a distribution"),
        }
    }

    /// Number of axes of one draw.
    pub fn event_rank(&self) -> usize {
        self.family
            .declaration()
            .event_rank(|position| match &self.args[position] {
                Argument::Distribution(d) | Argument::Stack(d) => d.event_rank(),
                Argument::Distributions(all) => all.first().map_or(0, |d| d.event_rank()),
                _ => 0,
            })
    }

    /// The order of [`Family::bounds`] and [`Family::check_arguments`], of this distribution and of
    /// those it wraps, innermost first.
    pub fn check_arguments(&self) -> Result<(), Refusal> {
        for arg in &self.args {
            match arg {
                Argument::Distribution(d) | Argument::Stack(d) => d.check_arguments()?,
                Argument::Distributions(all) => {
                    all.iter().try_for_each(|d| d.check_arguments())?;
                }
                _ => {}
            }
        }
        self.check_bounds()?;
        self.family.check_arguments(self).map_err(|why| Refusal {
            dist: self.family.declaration().name,
            why,
            at: None,
        })
    }

    /// Bounds that are known stand in order.
    fn check_bounds(&self) -> Result<(), Refusal> {
        let Some(bounds) = self.family.bounds() else {
            return Ok(());
        };
        let both = (
            self.value_or_none(bounds.lower),
            self.value_or_none(bounds.upper),
        );
        let (Some(lower), Some(upper)) = both else {
            return Ok(());
        };
        let wrong = match bounds.may_be_equal {
            true => lower.gt(upper),
            false => lower.ge(upper),
        };
        let Some(wrong) = wrong.as_const() else {
            return Ok(());
        };
        let Some(flat) = wrong.data().iter().position(|&w| w != 0.0) else {
            return Ok(());
        };
        let number = |bound: Var<'g>| {
            let all = bound.broadcast(wrong.shape()).as_const();
            all.map_or(f64::NAN, |all| all.data()[flat])
        };
        let declaration = self.family.declaration();
        let name = |position: usize| declaration.forms[self.form].parameters[position].name;
        let (below, above) = (name(bounds.lower), name(bounds.upper));
        let why = match (number(lower), number(upper)) {
            (a, b) if a == b => format!("`{below}` and `{above}` are both {a}"),
            (a, b) => format!("`{below}` is {a}, which lies above `{above}`, {b}"),
        };
        let mut rest = flat;
        let mut at: Vec<usize> = Vec::new();
        for &n in wrong.shape().iter().rev() {
            at.insert(0, rest % n);
            rest /= n;
        }
        Err(Refusal {
            dist: declaration.name,
            why,
            at: Some(at),
        })
    }

    pub fn log_prob(&self, x: Var<'g>) -> Var<'g> {
        self.family.log_prob(self, x)
    }

    /// `log P(X ≤ x)`: closed form, or for whole numbers a finite sum where `x` is constant.
    pub fn log_cdf(&self, x: Var<'g>) -> Option<Var<'g>> {
        self.family
            .log_cdf(self, x)
            .or_else(|| finite_sum::log_cdf(self, x))
    }

    /// `log P(X > x)`: closed form, or for whole numbers a finite sum where `x` is constant.
    pub fn log_survival(&self, x: Var<'g>) -> Option<Var<'g>> {
        self.family
            .log_survival(self, x)
            .or_else(|| finite_sum::log_survival(self, x))
    }

    /// The least `x` with `P(X ≤ x) ≥ p`: closed form, or by the inverse of the distribution function; NaN
    /// where `p` is not from 0 to 1.
    pub fn quantile(&self, p: Var<'g>) -> Option<Var<'g>> {
        let found = self
            .family
            .quantile(self, p)
            .or_else(|| quantile::of(self, p))?;
        let probability = p.ge(0.0).and(p.le(1.0));
        Some(probability.select(found, f64::NAN))
    }

    /// The draw that standard Normal numbers of the event's shape make: a function with derivatives, whose value
    /// has this distribution. By the family, or as the quantile at the noise's probability.
    pub fn reparameterised(&self, noise: Var<'g>) -> Option<Var<'g>> {
        let own = self.family.reparameterised(self, noise);
        own.or_else(|| self.quantile(noise.phi()).filter(|_| !self.is_discrete()))
    }

    pub fn support(&self) -> Support<'g> {
        self.family.support(self)
    }

    /// [`Family::is_normalised`], of all that it wraps too.
    pub fn is_normalised(&self) -> bool {
        self.family.is_normalised()
            && self.args.iter().all(|arg| match arg {
                Argument::Distribution(d) | Argument::Stack(d) => d.is_normalised(),
                Argument::Distributions(all) => all.iter().all(Distribution::is_normalised),
                _ => true,
            })
    }

    pub fn is_discrete(&self) -> bool {
        match self.family.declaration().values {
            Values::Real => false,
            Values::Integer => true,
            Values::AsInner(position) => match &self.args[position] {
                Argument::Distribution(d) | Argument::Stack(d) => d.is_discrete(),
                Argument::Distributions(all) => all.first().is_some_and(|d| d.is_discrete()),
                _ => false,
            },
        }
    }
}
