//! The Categorical distribution.

use super::{
    Declaration, Distribution, Domain, Family, Form, Parameter, Point, Support, Values, draw,
};
use crate::graph::{Shape, Tensor, Var, broadcast_shapes, flat_strides, numel};
use rand::Rng;

pub struct Categorical;

/// A log probability whose softmax is 0 in both precisions, and finite, so that times 0 it is no NaN.
const NO_LOGIT: f64 = -1e30;

static DECLARATION: Declaration = Declaration {
    name: "Categorical",
    doc: "One of the numbers 1 … K.\n\n\
          `P(k) = prob[k]`, or `exp(logit[k]) / Σ exp(logit)`.",
    forms: &[
        Form {
            parameters: &[Parameter::array(
                "prob",
                Domain::Simplex,
                1,
                "probability of each number",
            )
            .missing(0.0)],
        },
        Form {
            parameters: &[Parameter::array(
                "logit",
                Domain::Real,
                1,
                "log probabilities, but for a common constant",
            )
            .missing(NO_LOGIT)],
        },
    ],
    event: &[],
    values: Values::Integer,
    support: Domain::Index,
};

impl Family for Categorical {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn log_prob<'g>(&self, d: &Distribution<'g>, x: Var<'g>) -> Var<'g> {
        let v = d.value(0);
        let table = if d.form == 0 {
            v.log()
        } else {
            v.log_softmax()
        };
        pick(table, x, f64::NEG_INFINITY)
    }

    fn support<'g>(&self, d: &Distribution<'g>) -> Support<'g> {
        one_to(d.value(0), d.value(0).extent(0))
    }

    fn check_arguments(&self, d: &Distribution<'_>) -> Result<(), String> {
        if d.value(0).extent(0) == 0 {
            return Err("there must be at least one category".into());
        }
        Ok(())
    }

    fn sample(&self, p: &Point, rng: &mut dyn Rng, out: &mut [f64]) {
        let k = if p.form == 0 {
            draw::index(p.array(0), rng)
        } else {
            draw::index(&draw::weights(p.array(0)), rng)
        };
        out[0] = (k + 1) as f64;
    }

    fn entropy<'g>(&self, d: &Distribution<'g>) -> Option<Var<'g>> {
        let v = d.value(0);
        let terms = if d.form == 0 {
            v.xlogy(v)
        } else {
            let log_prob = v.log_softmax();
            log_prob * log_prob.exp()
        };
        Some(-terms.sum_axes(&[0]))
    }
}

/// The numbers 1 … k.
pub(super) fn one_to<'g>(like: Var<'g>, k: usize) -> Support<'g> {
    Support::Integers {
        lower: Some(like.graph.scalar(1.0)),
        upper: Some(like.graph.scalar(k as f64)),
    }
}

/// Element `x` (from 1) of the last axis of `table` `[batch…, K]`; `outside` where there is none.
///
/// Constant `x` are looked up, so that nothing has the size of the data times K.
pub(super) fn pick<'g>(table: Var<'g>, x: Var<'g>, outside: f64) -> Var<'g> {
    match x.as_const() {
        Some(x) => pick_constant(table, &x, outside),
        None => {
            let k = table.extent(0);
            let numbers = Tensor::vector((1..=k).map(|i| i as f64).collect::<Vec<_>>());
            let hit = x.unsqueeze(0).eq(table.graph.constant(numbers));
            // Selected, not multiplied: an impossible category elsewhere in the table is no NaN.
            let picked = hit.select(table, 0.0).sum_axes(&[0]);
            let known = x.ge(1.0).and(x.le(k as f64));
            known.select(picked, outside)
        }
    }
}

fn pick_constant<'g>(table: Var<'g>, x: &Tensor, outside: f64) -> Var<'g> {
    let (graph, shape) = (table.graph, table.shape());
    let k = shape[shape.len() - 1];
    let lead: Shape = shape[..shape.len() - 1].into();
    let batch = broadcast_shapes(&lead, x.shape()).expect("batch axes fit");
    // Where the row of each element of the batch starts in the flat table.
    let starts: Vec<f64> = flat_strides(&shape)[..lead.len()].iter().zip(&lead).fold(
        vec![0.0],
        |starts, (&stride, &extent)| {
            starts
                .iter()
                .flat_map(|&s| (0..extent).map(move |i| s + (i * stride) as f64))
                .collect()
        },
    );
    let starts = Tensor::new(lead, starts).broadcast(&batch);
    let x = x.broadcast(&batch);
    let known = |v: f64| v >= 1.0 && v <= k as f64;
    let places = starts.data().iter().zip(x.data());
    let places: Vec<f64> = places
        .map(|(s, &v)| if known(v) { s + v - 1.0 } else { *s })
        .collect();
    let picked = table
        .reshape(&[numel(&shape)])
        .gather(0, graph.constant(Tensor::vector(places)))
        .reshape(&batch);
    let mask = x.data().iter().map(|&v| f64::from(u8::from(known(v))));
    let mask = graph.constant(Tensor::new(batch, mask.collect()));
    mask.select(picked, outside)
}
