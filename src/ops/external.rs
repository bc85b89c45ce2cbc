//! Functions that the graph knows by what they compute alone: a value, and its vector-Jacobian product.
//!
//! The derivative of the product itself, which Hessians ask for, is a difference of products: nothing more is
//! demanded of who writes one.

use super::concat;
use crate::graph::{Operation, Pull, Shape, Tensor, Var, numel};
use smallvec::SmallVec;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A function of arrays that is computed outside of the graph, by threads at once.
pub trait External: Send + Sync {
    /// What messages call it.
    fn name(&self) -> &str;

    /// Computes the result, row by row in `out`.
    fn value(&self, args: &[&[f64]], out: &mut [f64]);

    /// For each argument the derivatives of `cotangent · value` in its elements; `adjoints` are zeros at first.
    fn pullback(&self, args: &[&[f64]], cotangent: &[f64], adjoints: &mut [&mut [f64]]);
}

/// A call of an [`External`] function: leading axes, equal in all arguments, then the function's own.
#[derive(Clone)]
pub struct ExternalCall {
    function: Arc<dyn External>,
    /// Own extents of the arguments.
    args: Vec<Shape>,
    /// Whether the function is differentiable in an argument.
    smooth: Vec<bool>,
    /// Own extents of the result.
    result: Shape,
    gives: Gives,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Gives {
    Value,
    /// Takes a cotangent of the result too, gives those of all arguments side by side.
    Pullback,
    /// Takes tangents of all arguments side by side too, gives that of the result.
    Pushforward,
}

/// Calls an external function with arguments whose own extents are `own`; it is differentiable in those that are
/// `smooth`. Leading axes must agree.
pub fn external<'g>(
    function: Arc<dyn External>,
    args: &[Var<'g>],
    own: &[Shape],
    smooth: &[bool],
    result: &[usize],
) -> Var<'g> {
    let call = ExternalCall {
        function,
        args: own.to_vec(),
        smooth: smooth.to_vec(),
        result: Shape::from_slice(result),
        gives: Gives::Value,
    };
    args[0].graph.apply(call, args)
}

/// How far arguments are moved for a difference, relative to their size: errors of truncation and of rounding are
/// then of one order.
const STEP: f64 = 6e-6;

/// Arguments smaller than this are moved as if they were so large.
const SMALLEST: f64 = 1e-2;

/// Tangents smaller than this, relative to their arguments, move nothing; it is a number of single precision too.
const STILL: f64 = 1e-30;

impl ExternalCall {
    fn giving(&self, gives: Gives) -> ExternalCall {
        ExternalCall {
            gives,
            ..self.clone()
        }
    }

    /// Numbers of all arguments of one row.
    fn width(&self) -> usize {
        self.args.iter().map(|own| numel(own)).sum()
    }

    /// All arguments side by side in one axis after the leading ones.
    fn flat<'g>(&self, args: &[Var<'g>]) -> Var<'g> {
        let parts = args.iter().zip(&self.args).map(|(x, own)| {
            let shape = x.shape();
            let lead = &shape[..shape.len() - own.len()];
            x.reshape(&[lead, &[numel(own)]].concat())
        });
        concat(&parts.collect::<Vec<_>>(), 0)
    }

    /// [`ExternalCall::flat`] undone.
    fn parts<'g>(&self, flat: Var<'g>) -> Vec<Var<'g>> {
        let shape = flat.shape();
        let lead = &shape[..shape.len() - 1];
        let mut start = 0;
        let part = |own: &Shape| {
            let n = numel(own);
            let part = flat.slice(0, start, n);
            start += n;
            part.reshape(&[lead, own].concat())
        };
        self.args.iter().map(part).collect()
    }

    /// `lim (f(x + h v) − f(x − h v)) / 2h`, by an `h` that moves no element far.
    fn along<'g>(
        &self,
        args: &[Var<'g>],
        tangent: Var<'g>,
        f: impl Fn(&[Var<'g>]) -> Var<'g>,
    ) -> Var<'g> {
        let graph = tangent.graph;
        let sizes = self.flat(args).abs().max(graph.scalar(SMALLEST));
        let farthest = (tangent.abs() / sizes).max_axes(&[0]);
        let h = (graph.scalar(STEP) / farthest.max(graph.scalar(STILL))).stop_gradient();
        let moved = |sign: f64| -> Vec<Var<'g>> {
            let step = h.reshape(&[&h.shape()[..], &[1]].concat()) * sign * tangent;
            let steps = self.parts(step);
            let smooth = self.smooth.iter();
            let moves = args.iter().zip(steps).zip(smooth);
            moves
                .map(|((&x, step), smooth)| if *smooth { x + step } else { x })
                .collect()
        };
        let difference = f(&moved(1.0)) - f(&moved(-1.0));
        let own = difference.rank() - h.rank();
        let h = h.reshape(&[&h.shape()[..], &vec![1; own]].concat());
        difference / (h * 2.0)
    }

    /// Cotangents of the arguments in which the function is differentiable.
    fn smooth_parts<'g>(&self, flat: Var<'g>) -> impl Iterator<Item = Option<Var<'g>>> {
        let parts = self.parts(flat).into_iter().zip(&self.smooth);
        let kept: Vec<_> = parts.map(|(part, smooth)| smooth.then_some(part)).collect();
        kept.into_iter()
    }

    /// Cotangents of all arguments of one row, side by side in `out`.
    fn pull(&self, args: &[&[f64]], cotangent: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        let mut adjoints: SmallVec<[&mut [f64]; 4]> = SmallVec::new();
        let mut rest = out;
        for arg in args {
            let (own, after) = rest.split_at_mut(arg.len());
            adjoints.push(own);
            rest = after;
        }
        self.function.pullback(args, cotangent, &mut adjoints);
    }

    /// `J v`, by a row of the Jacobian for each number of the result.
    fn push(&self, args: &[&[f64]], tangent: &[f64], out: &mut [f64]) {
        let mut row = vec![0.0; tangent.len()];
        let mut unit = vec![0.0; out.len()];
        for (i, out) in out.iter_mut().enumerate() {
            unit[i] = 1.0;
            self.pull(args, &unit, &mut row);
            unit[i] = 0.0;
            // What does not move may have no derivative.
            let moved = row.iter().zip(tangent).filter(|(_, v)| **v != 0.0);
            *out = moved.map(|(j, v)| j * v).sum();
        }
    }

    /// Own extents of the result of this kind of call, and of the argument after the function's own.
    fn own(&self) -> (Shape, Option<Shape>) {
        let wide = || Shape::from_slice(&[self.width()]);
        match self.gives {
            Gives::Value => (self.result.clone(), None),
            Gives::Pullback => (wide(), Some(self.result.clone())),
            Gives::Pushforward => (self.result.clone(), Some(wide())),
        }
    }
}

impl Operation for ExternalCall {
    fn name(&self) -> &'static str {
        match self.gives {
            Gives::Value => "external",
            Gives::Pullback => "external_pullback",
            Gives::Pushforward => "external_pushforward",
        }
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let (result, after) = self.own();
        let own = self.args.iter().chain(&after);
        let lead = &args[0][..args[0].len().saturating_sub(self.args[0].len())];
        for (arg, own) in args.iter().zip(own) {
            if ***arg != *[lead, own].concat() {
                return Err(format!("needs {lead:?} then {own:?}, not {arg:?}"));
            }
        }
        Ok(Shape::from_vec([lead, &result].concat()))
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let (result, after) = self.own();
        let sizes: SmallVec<[usize; 4]> = self
            .args
            .iter()
            .chain(&after)
            .map(|own| numel(own))
            .collect();
        let width = numel(&result);
        let rows = out.len().checked_div(width).unwrap_or(0);
        for i in 0..rows {
            let row: SmallVec<[&[f64]; 4]> = args
                .iter()
                .zip(&sizes)
                .map(|(arg, n)| &arg.data()[i * n..(i + 1) * n])
                .collect();
            let (own, beside) = row.split_at(self.args.len());
            let out = &mut out[i * width..(i + 1) * width];
            match self.gives {
                Gives::Value => self.function.value(own, out),
                Gives::Pullback => self.pull(own, beside[0], out),
                Gives::Pushforward => self.push(own, beside[0], out),
            }
        }
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        let graph = node.out.graph;
        let apply = |gives, own: &[Var<'g>], beside: Var<'g>| {
            graph.apply(self.giving(gives), &[own, &[beside]].concat())
        };
        let (own, beside) = node.args.split_at(self.args.len());
        let pulled = |own: &[Var<'g>], cotangent| apply(Gives::Pullback, own, cotangent);
        let cotangent = node.cotangent;
        match self.gives {
            Gives::Value => self.smooth_parts(pulled(own, cotangent)).collect(),
            Gives::Pullback => {
                let bent = self.along(own, cotangent, |own| pulled(own, beside[0]));
                let pushed = apply(Gives::Pushforward, own, cotangent);
                self.smooth_parts(bent).chain([Some(pushed)]).collect()
            }
            Gives::Pushforward => {
                let bent = self.along(own, beside[0], |own| pulled(own, cotangent));
                self.smooth_parts(bent)
                    .chain([Some(pulled(own, cotangent))])
                    .collect()
            }
        }
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g> {
        let lead = |(x, batched): (&Var<'g>, &bool)| match batched {
            true => *x,
            false => x.broadcast(&[&[size], &x.shape()[..]].concat()),
        };
        let args: Vec<Var<'g>> = args.iter().zip(batched).map(lead).collect();
        args[0].graph.apply(self.clone(), &args)
    }

    fn fault(&self, args: &[&Tensor]) -> Option<String> {
        let finite = args.iter().all(|a| a.data().iter().all(|x| x.is_finite()));
        let what = match self.gives {
            Gives::Value => "a value",
            Gives::Pullback | Gives::Pushforward => "a derivative",
        };
        let name = self.function.name();
        finite.then(|| format!("`{name}` gave {what} that is not finite, of finite arguments"))
    }

    fn detail(&self) -> String {
        self.function.name().into()
    }
}

impl ExternalCall {
    /// What tells one from another: functions are the same where they are one object.
    fn key(&self) -> (*const (), &[Shape], &[bool], &Shape, Gives) {
        let address = Arc::as_ptr(&self.function).cast();
        (address, &self.args, &self.smooth, &self.result, self.gives)
    }
}

impl PartialEq for ExternalCall {
    fn eq(&self, other: &ExternalCall) -> bool {
        self.key() == other.key()
    }
}

impl Eq for ExternalCall {}

impl Hash for ExternalCall {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Debug for ExternalCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name(), self.function.name())
    }
}
