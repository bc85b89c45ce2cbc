//! The battery for all families: a row (a family with arguments and points whose log density is
//! known from an independent source) gets every check that applies to it.
//!
//! Rows stand in a file for each kind of family; see [`Row`] for how one is written.

mod bijections;
mod continuous;
mod counts;
mod discrete;
mod matrices;
mod multivariate;
mod noise;
mod quantiles;
pub(crate) mod rows;
mod special_cases;
mod transformed;
mod wrappers;

use super::*;
use crate::autodiff::{grad, hvp};
use crate::graph::{Graph, NodeId, Tensor, evaluate, numel};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rows::*;
use std::collections::HashMap;

pub(crate) fn all_rows() -> Vec<Row> {
    [
        continuous::rows(),
        discrete::rows(),
        multivariate::rows(),
        counts::rows(),
        matrices::rows(),
        wrappers::rows(),
        transformed::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Runs a check on every row and reports all failures at once.
fn on_every_row(check: impl Fn(&Row) -> Result<(), String>) {
    let failures: Vec<String> = all_rows()
        .iter()
        .filter_map(|row| check(row).err().map(|why| format!("{row}: {why}")))
        .collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

fn close(what: &str, got: f64, expected: f64, tolerance: f64) -> Result<(), String> {
    let same = got == expected || (got.is_nan() && expected.is_nan());
    if same || (got - expected).abs() <= tolerance * (1.0 + expected.abs()) {
        return Ok(());
    }
    Err(format!("{what} is {got:e}, expected {expected:e}"))
}

/// The value of a node that depends on constants alone.
fn number(v: Var<'_>) -> f64 {
    evaluate(v.graph, &[], &[v.id])[0].data()[0]
}

/// A row's log density as a function of inputs: all arguments that are values, then the point.
struct Model<'g> {
    inputs: Vec<Var<'g>>,
    values: Vec<Tensor>,
    domains: Vec<Domain>,
    log_prob: Var<'g>,
}

impl<'g> Model<'g> {
    fn new(g: &'g Graph, row: &Row, x: &[f64]) -> Model<'g> {
        let (mut inputs, mut values, mut domains) = (Vec::new(), Vec::new(), Vec::new());
        let d = row.assemble(g, &mut |domain, shape, data| {
            inputs.push(g.input(shape));
            values.push(Tensor::new(shape.into(), data.to_vec()));
            domains.push(domain);
            inputs[inputs.len() - 1]
        });
        let point = g.input(&row.event);
        let log_prob = d.log_prob(point);
        inputs.push(point);
        values.push(Tensor::new(row.event.as_slice().into(), x.to_vec()));
        domains.push(if d.is_discrete() {
            Domain::Integer
        } else {
            d.family.declaration().support
        });
        Model {
            inputs,
            values,
            domains,
            log_prob,
        }
    }

    fn run(&self, values: &[Tensor], outputs: &[Var<'g>]) -> Vec<Tensor> {
        let feeds: Vec<(NodeId, Tensor)> = self
            .inputs
            .iter()
            .map(|v| v.id)
            .zip(values.iter().cloned())
            .collect();
        let ids: Vec<NodeId> = outputs.iter().map(|v| v.id).collect();
        evaluate(self.log_prob.graph, &feeds, &ids)
    }

    /// Values with some elements of one input moved by `by`.
    fn moved(&self, input: usize, elements: &[usize], by: f64) -> Vec<Tensor> {
        let mut values = self.values.clone();
        let mut data = values[input].data().to_vec();
        elements.iter().for_each(|&i| data[i] += by);
        values[input] = Tensor::new(values[input].shape().clone(), data);
        values
    }

    /// Sets of elements of an input that may be moved together: single ones, or mirrored ones of
    /// symmetric matrices, or those of a lower triangle; none of whole numbers.
    fn directions(&self, input: usize) -> Vec<Vec<usize>> {
        let value = &self.values[input];
        let n = value.shape().last().copied().unwrap_or(1);
        let pairs = |diagonal: bool| -> Vec<(usize, usize)> {
            (0..n)
                .flat_map(|i| (0..i + usize::from(diagonal)).map(move |j| (i, j)))
                .collect()
        };
        let both = |(i, j): (usize, usize)| {
            if i == j {
                vec![i * n + j]
            } else {
                vec![i * n + j, j * n + i]
            }
        };
        match self.domains[input] {
            Domain::Integer
            | Domain::Count
            | Domain::PositiveInteger
            | Domain::Binary
            | Domain::Index
            | Domain::Counts => Vec::new(),
            Domain::Covariance => pairs(true).into_iter().map(both).collect(),
            Domain::Correlation => pairs(false).into_iter().map(both).collect(),
            Domain::CholeskyCovariance | Domain::CholeskyCorrelation => pairs(true)
                .into_iter()
                .map(|(i, j)| vec![i * n + j])
                .collect(),
            _ => (0..value.numel()).map(|i| vec![i]).collect(),
        }
    }

    /// Whether `exact` is the derivative of `f` along a direction: the central difference of fourth
    /// order agrees for one of several steps (the best one depends on the scale of the density).
    fn is_derivative(
        &self,
        input: usize,
        elements: &[usize],
        exact: f64,
        f: impl Fn(&[Tensor]) -> f64,
    ) -> Result<(), String> {
        let size = self.values[input].data()[elements[0]].abs();
        let size = if size == 0.0 { 1.0 } else { size };
        let mut best = (f64::INFINITY, f64::NAN);
        for h in [1e-1, 1e-2, 3e-3, 1e-3, 1e-4, 1e-5, 1e-6].map(|h| h * size) {
            let at = |by: f64| f(&self.moved(input, elements, by));
            let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
            let error = (slope - exact).abs() / (1.0 + exact.abs());
            if error < best.0 {
                best = (error, slope);
            }
        }
        // Differences of doubles keep about ten digits at the best step.
        if best.0 < 1e-6 {
            return Ok(());
        }
        Err(format!(
            "derivative in input {input} at {elements:?} is {exact:e}, differences give {:e}",
            best.1
        ))
    }
}

/// Sum of the elements of a tensor at the given places.
fn along(value: &Tensor, elements: &[usize]) -> f64 {
    elements.iter().map(|&i| value.data()[i]).sum()
}

#[test]
fn every_form_of_every_family_has_a_row() {
    let rows = all_rows();
    for family in FAMILIES {
        let declaration = family.declaration();
        for form in 0..declaration.forms.len() {
            let name = declaration.name;
            assert!(
                rows.iter().any(|r| r.family == name && r.form == form),
                "no row for {name} in form {form}"
            );
        }
    }
}

#[test]
fn log_prob_is_that_of_an_independent_source() {
    on_every_row(|row| {
        for (x, expected) in &row.points {
            let g = Graph::new();
            let d = row.constant(&g, &[]);
            let point = g.constant(Tensor::new(row.event.as_slice().into(), x.clone()));
            let what = format!("log density at {x:?}");
            close(&what, number(d.log_prob(point)), *expected, row.digits)?;
            // Simplification sees other things where nothing is known.
            let model = Model::new(&g, row, x);
            let out = model.run(&model.values, &[model.log_prob]);
            close(&what, out[0].data()[0], *expected, row.digits)?;
        }
        Ok(())
    });
}

#[test]
fn first_derivatives_are_those_of_differences() {
    on_every_row(|row| {
        for (x, expected) in row.points.iter().filter(|p| p.1.is_finite()) {
            let g = Graph::new();
            let model = Model::new(&g, row, x);
            let gradients = grad(model.log_prob, &model.inputs);
            let exact = model.run(&model.values, &gradients);
            for (input, exact) in exact.iter().enumerate() {
                for elements in model.directions(input) {
                    let exact = along(exact, &elements);
                    if row.extreme {
                        // Differences have no digits left here.
                        if !exact.is_finite() {
                            return Err(format!("derivative {exact} at {x:?} ({expected})"));
                        }
                        continue;
                    }
                    let f = |v: &[Tensor]| model.run(v, &[model.log_prob])[0].data()[0];
                    model
                        .is_derivative(input, &elements, exact, f)
                        .map_err(|why| format!("at {x:?}: {why}"))?;
                }
            }
        }
        Ok(())
    });
}

#[test]
fn second_derivatives_are_those_of_differences() {
    on_every_row(|row| {
        if row.extreme {
            return Ok(());
        }
        // The derivative of the gradient's sum with irregular weights: one product for all.
        for (x, _) in row.points.iter().filter(|p| p.1.is_finite()).take(3) {
            let g = Graph::new();
            let model = Model::new(&g, row, x);
            let smooth: Vec<usize> = (0..model.inputs.len())
                .filter(|&i| !model.directions(i).is_empty())
                .collect();
            let wrt: Vec<Var> = smooth.iter().map(|&i| model.inputs[i]).collect();
            let weights: Vec<Var> = wrt
                .iter()
                .enumerate()
                .map(|(i, v)| {
                    let data: Vec<f64> = (0..v.numel())
                        .map(|j| 0.5 + (0.618 * (1 + i + 3 * j) as f64).fract())
                        .collect();
                    g.constant(Tensor::new(v.shape(), data))
                })
                .collect();
            let gradients = grad(model.log_prob, &wrt);
            let combined = gradients
                .iter()
                .zip(&weights)
                .map(|(&d, &w)| (d * w).sum())
                .reduce(|a, b| a + b);
            let Some(combined) = combined else {
                continue;
            };
            let second = model.run(&model.values, &hvp(model.log_prob, &wrt, &weights));
            for (&input, second) in smooth.iter().zip(&second) {
                for elements in model.directions(input) {
                    let f = |v: &[Tensor]| model.run(v, &[combined])[0].data()[0];
                    model
                        .is_derivative(input, &elements, along(second, &elements), f)
                        .map_err(|why| format!("second derivative at {x:?}: {why}"))?;
                }
            }
        }
        Ok(())
    });
}

#[test]
fn batches_equal_their_elements() {
    let rows = all_rows();
    for row in &rows {
        let alike: Vec<&Row> = rows.iter().filter(|r| r.is_like(row)).take(3).collect();
        let g = Graph::new();
        let stacked = stack(&alike, &g);
        let mut shape = vec![1, row.points.len()];
        shape.extend(&row.event);
        let data: Vec<f64> = row.points.iter().flat_map(|p| p.0.clone()).collect();
        let x = g.constant(Tensor::new(shape.as_slice().into(), data));
        let log_prob = stacked.log_prob(x);
        assert_eq!(
            log_prob.shape().as_slice(),
            [alike.len(), row.points.len()],
            "{row}"
        );
        let together = evaluate(&g, &[], &[log_prob.id])[0].clone();
        for (i, single) in alike.iter().enumerate() {
            for (j, (x, _)) in row.points.iter().enumerate() {
                let x = g.constant(Tensor::new(row.event.as_slice().into(), x.clone()));
                let alone = number(single.constant(&g, &[]).log_prob(x));
                // Sums may associate differently; nothing else differs.
                let got = together.data()[i * row.points.len() + j];
                close("element of a batch", got, alone, 1e-12)
                    .unwrap_or_else(|why| panic!("{row}: {why}"));
            }
        }
    }
}

#[test]
fn probabilities_sum_to_one() {
    on_every_row(|row| {
        let Some(measure) = row.measure(None, None) else {
            return Ok(());
        };
        close("total", measure.expect(|_, _| 1.0), 1.0, row.quadrature)
    });
}

#[test]
fn closed_forms_are_those_of_quadrature() {
    on_every_row(|row| {
        let Some(measure) = row.measure(None, None) else {
            return Ok(());
        };
        let g = Graph::new();
        let d = row.constant(&g, &[]);
        let mean = measure.expect(|x, _| x);
        let square = measure.expect(|x, _| (x - mean).powi(2));
        let entropy = measure.expect(|_, log_prob| -log_prob);
        for (what, closed, numeric, moment) in [
            ("mean", d.family.mean(&d), mean, 1),
            ("variance", d.family.variance(&d), square, 2),
            ("entropy", d.family.entropy(&d), entropy, 0),
        ] {
            if let Some(closed) = closed
                && row.moments >= moment
            {
                assert_eq!(closed.rank(), 0, "{row}: {what} of a scalar is a scalar");
                close(what, number(closed), numeric, row.quadrature * 10.0)?;
            }
        }
        Ok(())
    });
}

#[test]
fn distribution_functions_are_those_of_quadrature() {
    on_every_row(|row| {
        for (x, _) in row.points.iter().filter(|p| p.1.is_finite()) {
            let x = x[0];
            let (Some(below), Some(above)) =
                (row.measure(None, Some(x)), row.measure(Some(x), None))
            else {
                return Ok(());
            };
            let g = Graph::new();
            let d = row.constant(&g, &[]);
            for (what, closed, numeric) in [
                ("log cdf", d.family.log_cdf(&d, g.scalar(x)), below),
                (
                    "log survival",
                    d.family.log_survival(&d, g.scalar(x)),
                    above,
                ),
            ] {
                let Some(closed) = closed.map(number) else {
                    continue;
                };
                let numeric = numeric.expect(|_, _| 1.0);
                let what = format!("{what} at {x}");
                close(&what, closed.exp(), numeric, row.quadrature)?;
                // Far out in a tail only the logarithm has digits.
                if numeric > 1e-200 && numeric < 0.5 {
                    close(&what, closed, numeric.ln(), row.quadrature)?;
                }
            }
        }
        Ok(())
    });
}

const DRAWS: usize = 20_000;
/// Standard errors that a statistic of the draws may be off: with some hundred statistics of fixed
/// seeds, one beyond is a mistake.
const ERRORS: f64 = 4.5;

pub(crate) fn draws(row: &Row) -> Vec<Vec<f64>> {
    let g = Graph::new();
    let d = row.constant(&g, &[]);
    let ids = d.nodes();
    let values: HashMap<NodeId, Tensor> =
        ids.iter().copied().zip(evaluate(&g, &[], &ids)).collect();
    let point = d.point(&values, &[], 0);
    let mut rng = ChaCha8Rng::seed_from_u64(20_240_607);
    (0..DRAWS)
        .map(|_| {
            let mut out = vec![0.0; numel(&row.event)];
            point.sample(&mut rng, &mut out);
            out
        })
        .collect()
}

/// Sample mean with its standard error.
fn average(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = DRAWS as f64;
    let mean = values.clone().sum::<f64>() / n;
    let variance = values.map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

#[test]
fn draws_have_the_moments() {
    on_every_row(|row| {
        if !row.samples {
            return Ok(());
        }
        let g = Graph::new();
        let d = row.constant(&g, &[]);
        let measure = row.measure(None, None);
        let closed = |v: Option<Var>| v.map(|v| evaluate(&g, &[], &[v.id])[0].data().to_vec());
        let numeric =
            |f: &dyn Fn(f64) -> f64| measure.as_ref().map(|m| vec![m.expect(|x, _| f(x))]);
        let Some(mean) = closed(d.family.mean(&d)).or_else(|| numeric(&|x| x)) else {
            return Ok(());
        };
        let variance =
            closed(d.family.variance(&d)).or_else(|| numeric(&|x| (x - mean[0]).powi(2)));
        let draws = draws(row);
        for (k, &mean) in mean.iter().enumerate().filter(|_| row.moments >= 2) {
            let (got, error) = average(draws.iter().map(|x| x[k]));
            if (got - mean).abs() > ERRORS * error + 1e-12 * (1.0 + mean.abs()) {
                return Err(format!(
                    "mean[{k}] of draws is {got}, expected {mean} ± {error}"
                ));
            }
            let Some(variance) = variance.as_ref().filter(|_| row.moments >= 4) else {
                continue;
            };
            let (got, error) = average(draws.iter().map(|x| (x[k] - mean).powi(2)));
            if (got - variance[k]).abs() > ERRORS * error + 1e-12 * (1.0 + variance[k]) {
                let expected = variance[k];
                return Err(format!(
                    "variance[{k}] of draws is {got}, expected {expected} ± {error}"
                ));
            }
        }
        Ok(())
    });
}

#[test]
fn draws_lie_where_the_density_puts_them() {
    on_every_row(|row| {
        if !row.samples || !row.event.is_empty() {
            return Ok(());
        }
        let draws = draws(row);
        let (lower, upper) = row.bounds();
        if let Some(x) = draws
            .iter()
            .map(|x| x[0])
            .find(|x| !(lower <= *x && *x <= upper))
        {
            return Err(format!("{x} was drawn outside of [{lower}, {upper}]"));
        }
        for (x, _) in row.points.iter().filter(|p| p.1.is_finite()) {
            let Some(below) = row.measure(None, Some(x[0])) else {
                return Ok(());
            };
            let p = below.expect(|_, _| 1.0);
            let share = draws.iter().filter(|d| d[0] <= x[0]).count() as f64 / DRAWS as f64;
            let error = (p * (1.0 - p)).max(0.0).sqrt() / (DRAWS as f64).sqrt();
            // One draw more or less where nearly none are expected.
            if (share - p).abs() > ERRORS * error + 2.0 / DRAWS as f64 {
                return Err(format!("{share} of draws are up to {}, expected {p}", x[0]));
            }
        }
        Ok(())
    });
}

/// Values and derivatives in all inputs of a log density whose arguments and point are inputs.
fn with_inputs(name: &'static str, args: &[f64], x: f64) -> (f64, Vec<f64>) {
    let model_row = row(name, 0, args);
    let g = Graph::new();
    let model = Model::new(&g, &model_row, &[x]);
    let gradients = grad(model.log_prob, &model.inputs);
    let value = model.run(&model.values, &[model.log_prob])[0].data()[0];
    let gradients = model.run(&model.values, &gradients);
    (value, gradients.iter().map(|d| d.data()[0]).collect())
}

#[test]
fn beyond_bounds_that_vary_the_density_is_zero() {
    for (name, args, x) in [
        ("Uniform", &[0.0, 1.0][..], 1.5),
        ("Uniform", &[0.0, 1.0], -0.5),
        ("Flat", &[0.0, 1.0], 1.5),
        ("HalfFlat", &[0.0], -1.5),
        ("Pareto", &[2.0, 3.0], 1.0),
        ("Pareto", &[2.0, 3.0], -1.0),
    ] {
        let (value, gradients) = with_inputs(name, args, x);
        assert_eq!(value, f64::NEG_INFINITY, "{name} at {x}");
        assert!(gradients.iter().all(|d| *d == 0.0), "{name}: {gradients:?}");
    }
}

#[test]
fn scales_have_finite_derivatives_at_the_ends_of_the_log_scale() {
    for name in ["HalfCauchy", "HalfStudentT"] {
        for u in [-800.0, -300.0, 300.0, 800.0] {
            let g = Graph::new();
            let input = g.input(&[]);
            let args: &[f64] = if name == "HalfCauchy" {
                &[2.0]
            } else {
                &[3.0, 2.0]
            };
            let d = row(name, 0, args).constant(&g, &[]);
            let log_prob = d.log_prob(input.exp());
            let slope = grad(log_prob, &[input])[0];
            let at = [(input.id, Tensor::scalar(u))];
            let out = evaluate(&g, &at, &[log_prob.id, slope.id]);
            // Flat near 0, a power −(nu + 1) far out, nu = 1 for the Cauchy.
            let expected = match (u > 0.0, name) {
                (false, _) => 0.0,
                (true, "HalfCauchy") => -2.0,
                (true, _) => -4.0,
            };
            assert!(out[0].data()[0].is_finite(), "{name} at exp({u})");
            assert!(
                (out[1].data()[0] - expected).abs() < 1e-12,
                "{name} at exp({u})"
            );
        }
    }
}

#[test]
fn proportions_keep_their_digits_at_both_ends() {
    for u in [-700.0, -40.0, 40.0, 700.0] {
        let g = Graph::new();
        let input = g.input(&[]);
        let d = row("Beta", 0, &[2.0, 3.0]).constant(&g, &[]);
        let log_prob = d.log_prob(input.sigmoid());
        let out = evaluate(&g, &[(input.id, Tensor::scalar(u))], &[log_prob.id]);
        let power = if u < 0.0 { u } else { -2.0 * u };
        assert!(
            (out[0].data()[0] - (power + 12f64.ln())).abs() < 1e-12,
            "at {u}"
        );
    }
}

#[test]
fn distribution_functions_hold_beyond_the_support() {
    for (name, args) in [
        ("HalfNormal", &[2.0][..]),
        ("HalfCauchy", &[2.0]),
        ("Exponential", &[2.0]),
        ("Weibull", &[2.0, 1.0]),
        ("Pareto", &[2.0, 1.0]),
        ("Kumaraswamy", &[2.0, 1.5]),
        ("Uniform", &[0.0, 1.0]),
        ("Gamma", &[2.0, 1.0]),
        ("InverseGamma", &[2.0, 1.0]),
        ("ChiSquared", &[3.0]),
        ("Beta", &[2.0, 3.0]),
        ("HalfStudentT", &[3.0, 2.0]),
        ("Poisson", &[3.0]),
        ("Binomial", &[3.0, 0.4]),
        ("NegBinomial", &[3.0, 0.4]),
    ] {
        let g = Graph::new();
        let d = row(name, 0, args).constant(&g, &[]);
        let below = g.scalar(-1.0);
        let cdf = number(d.family.log_cdf(&d, below).expect("it has one"));
        let survival = number(d.family.log_survival(&d, below).expect("it has one"));
        assert_eq!(cdf, f64::NEG_INFINITY, "{name}");
        assert_eq!(survival, 0.0, "{name}");
    }
}
