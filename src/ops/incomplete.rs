//! Distribution functions that are integrals: of Gamma, Beta and Student's t, element by element, with
//! derivatives in all arguments.
//!
//! The derivative in the point is the density, written as graph code; those in the parameters are the same
//! operation with a higher order, which [`special`] computes.

use super::elementwise;
use crate::graph::{Operation, Pull, Range, Shape, Tensor, Var};
use crate::special::{self, Tail};
use std::f64::consts::PI;

/// Of which distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Integrand {
    /// Arguments `(shape, x)`; the rate is 1.
    Gamma,
    /// Arguments `(a, b, x)`.
    Beta,
    /// Arguments `(nu, x)`; centre 0 and scale 1.
    StudentT,
}

/// A tail, differentiated `order` times in the parameters (of which there are one or two).
///
/// Derivatives up to the second exist, which is what a gradient and a Hessian product need: the derivative
/// of a second derivative is NaN. Where the point is at an end of the support or beyond, they are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Incomplete {
    pub integrand: Integrand,
    pub tail: Tail,
    pub order: [u8; 2],
}

impl<'g> Var<'g> {
    /// A tail of the Gamma distribution of shape `self` and rate 1 at `x`.
    pub fn gamma_tail(self, x: Var<'g>, tail: Tail) -> Var<'g> {
        apply(Integrand::Gamma, tail, &[self, x])
    }

    /// A tail of the Beta distribution of shapes `self` and `b` at `x`.
    pub fn beta_tail(self, b: Var<'g>, x: Var<'g>, tail: Tail) -> Var<'g> {
        apply(Integrand::Beta, tail, &[self, b, x])
    }

    /// A tail of Student's t distribution of `self` degrees of freedom, centre 0 and scale 1, at `x`.
    pub fn student_t_tail(self, x: Var<'g>, tail: Tail) -> Var<'g> {
        apply(Integrand::StudentT, tail, &[self, x])
    }
}

fn apply<'g>(integrand: Integrand, tail: Tail, args: &[Var<'g>]) -> Var<'g> {
    let mut shape = Shape::new();
    for arg in args {
        shape = crate::graph::broadcast_shapes(&shape, &arg.shape())
            .expect("arguments broadcast to one shape");
    }
    let wide: Vec<Var<'g>> = args.iter().map(|a| a.broadcast(&shape)).collect();
    let order = [0, 0];
    #[rustfmt::skip]
    let op = Incomplete { integrand, tail, order };
    args[0].graph.apply(op, &wide)
}

impl Integrand {
    fn shape(self, args: &[&Shape]) -> Result<Shape, String> {
        let needed = if self == Integrand::Beta { 3 } else { 2 };
        if args.len() != needed {
            return Err(format!("needs {needed} arguments"));
        }
        elementwise::same_shape(args)
    }

    /// Whether the point lies within the support, where there is a density.
    fn inside(self, x: Var<'_>) -> Var<'_> {
        match self {
            Integrand::Gamma => x.gt(0.0).and(x.lt(f64::INFINITY)),
            Integrand::Beta => x.gt(0.0).and(x.lt(1.0)),
            Integrand::StudentT => x.is_finite(),
        }
    }

    /// Logarithm of the density, and its derivatives in the parameters; the point is within.
    fn log_density<'g>(self, args: &[Var<'g>]) -> (Var<'g>, [Option<Var<'g>>; 2]) {
        match self {
            Integrand::Gamma => {
                let (a, x) = (args[0], args[1]);
                let log_x = x.log();
                let log = log_x * (a - 1.0) - x - a.lgamma();
                (log, [Some(log_x - a.digamma()), None])
            }
            Integrand::Beta => {
                let (a, b, x) = (args[0], args[1], args[2]);
                let (log_x, log_y) = (x.log(), (-x).log1p());
                let log = log_x * (a - 1.0) + log_y * (b - 1.0) - a.lbeta(b);
                let both = (a + b).digamma();
                let in_a = log_x - a.digamma() + both;
                (log, [Some(in_a), Some(log_y - b.digamma() + both)])
            }
            Integrand::StudentT => {
                let (nu, t) = (args[0], args[1]);
                let half = nu * 0.5;
                let ratio = t.square() / nu;
                let log_spread = ratio.log1p();
                let constant = (half + 0.5).lgamma() - half.lgamma() - (nu * PI).log() * 0.5;
                let log = constant - log_spread * (half + 0.5);
                let gammas = (half + 0.5).digamma() - half.digamma() - nu.recip();
                // ratio / (1 + ratio) without ∞ / ∞.
                let share = 1.0 - (ratio + 1.0).recip();
                let rest = (nu + 1.0) / nu * share;
                (log, [Some((gammas - log_spread + rest) * 0.5), None])
            }
        }
    }
}

/// A tail and its derivatives at one place, up to the order `most`, as [`special::TAIL_ORDERS`] lists them.
fn all_at(integrand: Integrand, tail: Tail, args: &[f64], most: u8) -> [f64; 6] {
    match (integrand, args) {
        (Integrand::Gamma, &[a, x]) => special::incomplete_gamma_all(a, x, tail, most),
        (Integrand::Beta, &[a, b, x]) => special::incomplete_beta_all(a, b, x, tail, most),
        (Integrand::StudentT, &[nu, x]) => special::student_t_tail_all(nu, x, tail, most),
        _ => [f64::NAN; 6],
    }
}

/// Several orders of [`Incomplete`] at the same arguments, along a new last axis: most of the work for the
/// highest derivative gives the others too. The pass `tails` makes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IncompleteOrders {
    pub integrand: Integrand,
    pub tail: Tail,
    pub orders: Vec<[u8; 2]>,
}

impl IncompleteOrders {
    /// One order of the same arguments, by its place in the list.
    pub fn part<'g>(&self, all: Var<'g>, k: usize) -> Var<'g> {
        let shape = all.shape();
        all.slice(0, k, 1).reshape(&shape[..shape.len() - 1])
    }

    fn one(&self, k: usize) -> Incomplete {
        let (integrand, tail, order) = (self.integrand, self.tail, self.orders[k]);
        #[rustfmt::skip]
        let one = Incomplete { integrand, tail, order };
        one
    }
}

impl Incomplete {
    /// The derivative in a parameter: the operation of the next order.
    fn in_parameter<'g>(&self, which: usize, args: &[Var<'g>]) -> Var<'g> {
        let mut order = self.order;
        order[which] += 1;
        if order[0] + order[1] > 2 {
            return args[0].graph.scalar(f64::NAN).broadcast(&args[0].shape());
        }
        args[0].graph.apply(Incomplete { order, ..*self }, args)
    }

    /// The derivative in the point: the density, for logarithms over the probability, itself differentiated
    /// in the parameters as often as the operation.
    fn in_point<'g>(&self, args: &[Var<'g>]) -> Var<'g> {
        let point = args.len() - 1;
        let inside = self.integrand.inside(args[point]);
        let mut safe = args.to_vec();
        safe[point] = inside.select(args[point], 0.5);
        let (log_density, slopes) = self.integrand.log_density(&safe);
        // The node itself, at the point as it is; what lies outside is left out before it can be infinite.
        let graph = args[0].graph;
        let at = |order| graph.apply(Incomplete { order, ..*self }, args);
        let mut rate = match self.tail.log {
            true => inside.select(log_density - at([0, 0]), 0.0).exp(),
            false => log_density.exp(),
        };
        match self.order {
            [0, 0] => {}
            [0, 1] | [1, 0] => {
                let which = usize::from(self.order == [0, 1]);
                let mut slope = slopes[which].expect("there is such a parameter");
                if self.tail.log {
                    slope = slope - at(self.order);
                }
                rate = rate * slope;
            }
            _ => rate = rate * f64::NAN,
        }
        let signed = if self.tail.upper { -rate } else { rate };
        inside.select(signed, 0.0)
    }
}

/// Fills `out` with `orders` of each element in turn.
fn evaluate(
    integrand: Integrand,
    tail: Tail,
    orders: &[[u8; 2]],
    args: &[&Tensor],
    out: &mut [f64],
) {
    let most = orders.iter().map(|o| o[0] + o[1]).max().unwrap_or(0);
    let place = |order: &[u8; 2]| special::TAIL_ORDERS.iter().position(|o| o == order);
    let places: smallvec::SmallVec<[Option<usize>; 6]> = orders.iter().map(place).collect();
    for (i, out) in out.chunks_exact_mut(orders.len()).enumerate() {
        let at: smallvec::SmallVec<[f64; 3]> = args.iter().map(|a| a.data()[i]).collect();
        let all = all_at(integrand, tail, &at, most);
        for (y, place) in out.iter_mut().zip(&places) {
            *y = place.map_or(f64::NAN, |p| all[p]);
        }
    }
}

impl Operation for Incomplete {
    fn name(&self) -> &'static str {
        match self.integrand {
            Integrand::Gamma => "gamma_tail",
            Integrand::Beta => "beta_tail",
            Integrand::StudentT => "student_t_tail",
        }
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        self.integrand.shape(args)
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        evaluate(self.integrand, self.tail, &[self.order], args, out);
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let g = node.cotangent;
        let mut all: Vec<Option<Var<'g>>> = (0..node.args.len() - 1)
            .map(|which| Some(g * self.in_parameter(which, &node.args)))
            .collect();
        all.push(Some(g * self.in_point(&node.args)));
        all
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g> {
        elementwise::batch(self, args, batched, size)
    }

    fn range(&self, _args: &[Range]) -> Range {
        match (self.order, self.tail.log) {
            ([0, 0], false) => Range::UNIT,
            _ => Range::ALL,
        }
    }

    fn simplify<'g>(&self, graph: &'g crate::graph::Graph, args: &[Var<'g>]) -> Option<Var<'g>> {
        elementwise::before_broadcast(self, graph, args)
    }

    fn detail(&self) -> String {
        format!("{:?} order={:?}", self.tail, self.order)
    }
}

impl Operation for IncompleteOrders {
    fn name(&self) -> &'static str {
        self.one(0).name()
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let mut shape = self.integrand.shape(args)?;
        shape.push(self.orders.len());
        Ok(shape)
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        evaluate(self.integrand, self.tail, &self.orders, args, out);
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let of_one = |k: usize| {
            let args = node.args.clone();
            let cotangent = self.part(node.cotangent, k);
            let out = args[0].graph.apply(self.one(k), &args);
            #[rustfmt::skip]
            let one = Pull { out, cotangent, args };
            self.one(k).pullback(&one)
        };
        let add = |a: Option<Var<'g>>, b: Option<Var<'g>>| match (a, b) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
        let each = (0..self.orders.len()).map(of_one);
        let sum =
            each.reduce(|all, one| all.into_iter().zip(one).map(|(a, b)| add(a, b)).collect());
        sum.unwrap_or_default()
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g> {
        elementwise::batch(self, args, batched, size)
    }

    fn detail(&self) -> String {
        format!("{:?} orders={:?}", self.tail, self.orders)
    }
}
