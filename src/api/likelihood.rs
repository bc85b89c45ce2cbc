//! How likely a fit finds what was observed, element by element.

use super::evaluate::{push, told, told_marginal};
use super::{Error, Fit, Program};
use crate::data::{Data, Entry};
use crate::graph::NodeId;
use crate::infer::{Posterior, Quantity};
use crate::model::{Model, Term};

impl Fit {
    /// For each observed array the log likelihood of its elements at each draw, in nats; NaN where one is missing.
    ///
    /// ```
    /// use elbo::{Data, Options, Program};
    /// let program = Program::parse("data y: real[N]\nmu ~ Normal(0, 1)\ny ~ Normal(mu, 1)")?;
    /// let mut data = Data::default();
    /// data.insert("y", [0.5, 1.0]);
    /// let fit = program.bind(&data)?.fit(&Options::default())?;
    /// let log_likelihood = &fit.log_likelihood()?[0];
    /// let mu = fit.posterior()["mu"].draws[0];
    /// let expected = -0.5 * (1.0 - mu).powi(2) - 0.5 * (2.0 * std::f64::consts::PI).ln();
    /// assert!((log_likelihood.draw(0)[1] - expected).abs() < 1e-12);
    /// # Ok::<(), elbo::Error>(())
    /// ```
    ///
    /// # Errors
    /// E0635 if it depends on latents whose draws were not kept.
    pub fn log_likelihood(&self) -> Result<Vec<Quantity>, Error> {
        pointwise(&self.program, &self.data, self.posterior(), self.threads)
    }
}

/// For each observed array that is given the log likelihood of its elements.
pub(super) fn pointwise(
    program: &Program,
    data: &Data,
    posterior: &Posterior,
    threads: usize,
) -> Result<Vec<Quantity>, Error> {
    let given = |name: &str| data.get(name).is_some();
    if !program.observed().any(given) {
        return Ok(Vec::new());
    }
    let model = likelihoods(program, data, posterior, &given)?;
    let nodes: Vec<NodeId> = model.terms.iter().map(|t| t.pointwise).collect();
    let drawn = push(&model, &nodes, posterior, threads, &program.watch);
    let mut found: Vec<Quantity> = Vec::new();
    for (term, values) in model.terms.iter().zip(drawn) {
        let Some(entry) = data.get(&term.name) else {
            continue;
        };
        let at = match found.iter().position(|q| q.name == term.name) {
            Some(at) => at,
            None => {
                found.push(unknown(program, entry, posterior.draws));
                found.len() - 1
            }
        };
        put(term, &values, posterior.draws, &mut found[at]);
    }
    for quantity in &mut found {
        forget_missing(quantity, data);
    }
    Ok(found)
}

/// The likelihood of the data that are given. Discrete latents are summed out where each element of the data has its own;
/// where they link several, the likelihood is that given their draws.
fn likelihoods(
    program: &Program,
    data: &Data,
    posterior: &Posterior,
    given: &dyn Fn(&str) -> bool,
) -> Result<Model, Error> {
    if program.checked().discrete_latents().is_empty() {
        return told(program, data, posterior, given);
    }
    let summed = told_marginal(program, data, posterior, given)?;
    let has_terms = |name: &str| summed.terms.iter().any(|t| t.name == name);
    match program.observed().filter(|name| given(name)).all(has_terms) {
        true => Ok(summed),
        false => told(program, data, posterior, given),
    }
}

/// The log likelihood of an array, before any term of it is put in its place.
fn unknown(program: &Program, entry: &Entry, draws: usize) -> Quantity {
    let mut shape = entry.values.shape();
    shape.truncate(shape.len().saturating_sub(program.event_rank(&entry.name)));
    let axes = program.axes(&entry.name).into_iter();
    let size: usize = shape.iter().product();
    Quantity {
        name: entry.name.clone(),
        dims: axes.take(shape.len()).collect(),
        shape,
        draws: vec![f64::NAN; size * draws],
        ..Quantity::default()
    }
}

/// Puts the values of a term, draws by rows, where its elements stand.
fn put(term: &Term, values: &[f64], draws: usize, quantity: &mut Quantity) {
    let size = quantity.numel();
    let each = values.len() / draws.max(1);
    for i in 0..draws {
        let own = &values[i * each..(i + 1) * each];
        let to = &mut quantity.draws[i * size..(i + 1) * size];
        match term.places.len() {
            0 => to.copy_from_slice(&own[..size]),
            rows => {
                let width = each / rows;
                for (&place, own) in term.places.iter().zip(own.chunks(width.max(1))) {
                    to[place * width..(place + 1) * width].copy_from_slice(own);
                }
            }
        }
    }
}

/// What is missing has no likelihood.
fn forget_missing(quantity: &mut Quantity, data: &Data) {
    let numbers = data.get(&quantity.name).map(|e| e.numbers());
    let Some(Ok(numbers)) = numbers else {
        return;
    };
    let size = quantity.numel();
    let width = numbers.data.len().checked_div(size).unwrap_or(1).max(1);
    let missing: Vec<usize> = (0..size)
        .filter(|&i| {
            numbers.data[i * width..(i + 1) * width]
                .iter()
                .any(|x| x.is_nan())
        })
        .collect();
    for draw in quantity.draws.chunks_mut(size.max(1)) {
        missing.iter().for_each(|&i| draw[i] = f64::NAN);
    }
}
