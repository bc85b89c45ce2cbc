//! Inverses of increasing functions that have no inverse in closed form: the `x` with `f(x, parameters) = y`,
//! element by element, found numerically; its derivatives are those of implicit functions.

use super::Body;
use crate::autodiff::vjp;
use crate::graph::{Graph, Lane, NodeId, Operation, Pull, Rebuild, Shape, Tensor, Var, evaluate};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Arguments: `y`, then the parameters. The body's inputs are `x`, of `y`'s shape, and the parameters; its
/// output, of the same shape, increases in `x`, and each of its elements reads that of `x` alone.
///
/// Gives the least `x` with `f(x) ≥ y`, to the last digits that `f` tells; NaN where `y` is. Where no finite `x`
/// does, it is infinite.
#[derive(Clone)]
pub struct Invert {
    pub body: Body,
    /// Whether `f` jumps at whole numbers and is constant between: then the result has derivative 0, and
    /// `y` above a step by roundings alone counts as on it.
    pub steps: bool,
}

/// The inverse of `body` in its first input, at `y`.
pub fn invert<'g>(body: Body, steps: bool, y: Var<'g>, parameters: &[Var<'g>]) -> Var<'g> {
    let args: Vec<Var<'g>> = std::iter::once(y)
        .chain(parameters.iter().copied())
        .collect();
    y.graph.apply(Invert { body, steps }, &args)
}

/// Doubles as whole numbers in the same order.
fn place(x: f64) -> i64 {
    let bits = x.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

fn number(place: i64) -> f64 {
    f64::from_bits((place ^ (((place >> 63) as u64) >> 1) as i64) as u64)
}

/// The search for one element: `f < y` at `low`, `f ≥ y` at `high`.
#[derive(Clone, Copy)]
struct Bracket {
    low: f64,
    high: f64,
    /// Excess of `f` over `y` there; an end that stays has its excess halved (the "Illinois" rule).
    at_low: f64,
    at_high: f64,
    moved_high: Option<bool>,
}

impl Bracket {
    const ALL: Bracket = Bracket {
        low: -f64::MAX,
        high: f64::MAX,
        at_low: f64::NEG_INFINITY,
        at_high: f64::INFINITY,
        moved_high: None,
    };

    fn is_found(&self, steps: bool) -> bool {
        let apart = place(self.high).saturating_sub(place(self.low));
        apart <= 1 || (steps && self.low.ceil() == self.high.ceil())
    }

    /// Where to look next: on the secant, or, where that says nothing and every third time, in the middle of
    /// the doubles between.
    fn next(&self, round: usize, steps: bool) -> f64 {
        let secant =
            self.high - self.at_high * (self.high - self.low) / (self.at_high - self.at_low);
        let middle =
            number((i128::midpoint(place(self.low).into(), place(self.high).into())) as i64);
        match !steps && round % 3 != 2 && secant > self.low && secant < self.high {
            true => secant,
            false => middle,
        }
    }

    fn see(&mut self, x: f64, excess: f64) {
        let high = excess >= 0.0;
        let again = self.moved_high == Some(high);
        if high {
            (self.high, self.at_high) = (x, excess);
            self.at_low *= if again { 0.5 } else { 1.0 };
        } else {
            (self.low, self.at_low) = (x, excess);
            self.at_high *= if again { 0.5 } else { 1.0 };
        }
        self.moved_high = Some(high);
    }
}

/// Bisection every third time alone ends sooner.
const MOST_ROUNDS: usize = 200;

impl Invert {
    fn search(&self, y: &Tensor, parameters: &[&Tensor]) -> Vec<f64> {
        let mut feeds: Vec<(NodeId, Tensor)> = vec![(self.body.inputs[0], y.clone())];
        let rest = self.body.inputs[1..].iter().zip(parameters);
        feeds.extend(rest.map(|(&id, &value)| (id, value.clone())));
        let mut brackets = vec![Bracket::ALL; y.numel()];
        for round in 0..MOST_ROUNDS {
            if brackets.iter().all(|b| b.is_found(self.steps)) {
                break;
            }
            let at: Vec<f64> = brackets.iter().map(|b| b.next(round, self.steps)).collect();
            feeds[0].1 = Tensor::new(y.shape().clone(), at.clone());
            let found = evaluate(&self.body.graph, &feeds, &[self.body.output]).remove(0);
            for (i, bracket) in brackets.iter_mut().enumerate() {
                if !bracket.is_found(self.steps) {
                    bracket.see(at[i], self.excess(at[i], found.data()[i], y.data()[i]));
                }
            }
        }
        let ends = brackets.iter().zip(y.data());
        let mut ends: Vec<f64> = ends.map(|(bracket, &y)| self.end(bracket, y)).collect();
        // Parameters may be beyond their domain.
        feeds[0].1 = Tensor::new(y.shape().clone(), ends.clone());
        let found = evaluate(&self.body.graph, &feeds, &[self.body.output]).remove(0);
        for (end, f) in ends.iter_mut().zip(found.data()) {
            *end = if end.is_finite() && f.is_nan() {
                f64::NAN
            } else {
                *end
            };
        }
        ends
    }

    /// How far `f(x)` is above `y`. Above −∞ is all that is finite; what is not a number lies far out.
    fn excess(&self, x: f64, f: f64, y: f64) -> f64 {
        if f.is_nan() {
            return f64::INFINITY.copysign(x);
        }
        if y == f64::NEG_INFINITY {
            return if f == y { -1.0 } else { 1.0 };
        }
        if f == y {
            return 0.0;
        }
        let slack = if self.steps {
            64.0 * f64::EPSILON * (1.0 + y.abs())
        } else {
            0.0
        };
        f - y + if slack.is_finite() { slack } else { 0.0 }
    }

    fn end(&self, bracket: &Bracket, y: f64) -> f64 {
        // Nothing as far out is computed with.
        const FAR: f64 = 1e300;
        match bracket.high {
            _ if y.is_nan() => f64::NAN,
            x if x.abs() >= FAR => f64::INFINITY.copysign(x),
            x if self.steps => x.ceil() + 0.0,
            x => x,
        }
    }

    /// `λ ↦ λᵀ ∂f`: inputs λ, `x`, parameters; outputs the derivatives in `x` and the parameters.
    fn body_vjp(&self) -> (Arc<Graph>, Vec<NodeId>, Vec<NodeId>) {
        let graph = Arc::new(Graph::new());
        let mut copy = Rebuild::new(&self.body.graph, &graph);
        let lambda = graph.input(&self.body.graph.var(self.body.output).shape());
        let mut wrt = Vec::new();
        for &id in &self.body.inputs {
            let input = graph.input(&self.body.graph.var(id).shape());
            copy.substitute(id, input, false);
            wrt.push(input);
        }
        let output = copy.emit(&[self.body.output])[0].var;
        let outputs = vjp(&[output], &[lambda], &wrt)
            .iter()
            .map(|v| v.id)
            .collect();
        let inputs = std::iter::once(lambda).chain(wrt).map(|v| v.id).collect();
        (graph.clone(), inputs, outputs)
    }
}

impl Operation for Invert {
    fn name(&self) -> &'static str {
        "invert"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        if args.len() != self.body.inputs.len() {
            return Err("needs as many arguments as the body has inputs".into());
        }
        let body = &self.body.graph;
        let fits = |(&id, shape): (&NodeId, &&Shape)| body.var(id).shape() == **shape;
        match self.body.inputs.iter().zip(args).all(fits)
            && body.var(self.body.output).shape() == *args[0]
        {
            true => Ok(args[0].clone()),
            false => Err("the shapes are not those of the body".into()),
        }
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        out.copy_from_slice(&self.search(args[0], &args[1..]));
    }

    /// `dx = (dy − ∂f/∂θ dθ) / (∂f/∂x)`
    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        if self.steps {
            return vec![None; node.args.len()];
        }
        let (graph, inputs, outputs) = self.body_vjp();
        let emit = |lambda: Var<'g>, which: &[NodeId]| -> Vec<Var<'g>> {
            let mut pass = Rebuild::new(&graph, node.out.graph);
            pass.substitute(inputs[0], lambda, false);
            pass.substitute(inputs[1], node.out, false);
            for (&id, &arg) in inputs[2..].iter().zip(&node.args[1..]) {
                pass.substitute(id, arg, false);
            }
            pass.emit(which).iter().map(|lane| lane.var).collect()
        };
        let ones = node.out.graph.scalar(1.0).broadcast(&node.out.shape());
        let slope = emit(ones, &outputs[..1])[0];
        let in_y = node.cotangent / slope;
        let rest = emit(-in_y, &outputs[1..]);
        std::iter::once(in_y).chain(rest).map(Some).collect()
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g> {
        let body = self.body.batched(batched, size);
        let (var, batched) = (args[0], batched[0]);
        invert(
            body,
            self.steps,
            Lane { var, batched }.lead(size),
            &args[1..],
        )
    }
}

impl PartialEq for Invert {
    fn eq(&self, other: &Invert) -> bool {
        Arc::ptr_eq(&self.body.graph, &other.body.graph)
            && self.body.inputs == other.body.inputs
            && self.body.output == other.body.output
            && self.steps == other.steps
    }
}

impl Eq for Invert {}

impl Hash for Invert {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let graph = Arc::as_ptr(&self.body.graph) as usize;
        (graph, self.body.output, self.steps).hash(state);
    }
}

impl std::fmt::Debug for Invert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "invert(steps: {})", self.steps)
    }
}
