//! A variational autoencoder of MNIST's size, trained in single precision: 784-400-20-400-784, a Gaussian
//! encoder by reparameterisation, a Bernoulli decoder by its logits, Adam, batches of 128 of 60,000
//! binarised images (drawn here: what is in them does not change the work).
//!
//! Serves `bench/suites/vae.py`, which has the same in JAX and PyTorch; answers the lines of its standard
//! input, each with one line of JSON:
//!
//! - `check`: loss and the lengths of its gradients where [`formula`] fills all inputs;
//! - `epoch`: seconds of a pass through the images in a new order, and its mean loss;
//! - `profile`: the least of many times of each instruction of the tape, and of Adam, in microseconds;
//! - `f64` or `f32`: starts anew in that precision.

use elbo::autodiff::grad;
use elbo::graph::{Graph, Var};
use elbo::infer::optim::AdamInPlace;
use elbo::special::Real;
use elbo::tape::{Element, Tape};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde_json::{Value, json};
use std::io::BufRead;
use std::time::Instant;

const PIXELS: usize = 784;
const HIDDEN: usize = 400;
const LATENT: usize = 20;
const BATCH: usize = 128;
const IMAGES: usize = 60_000;
const RATE: f64 = 1e-3;

/// Weights and biases, in the order of the inputs. The encoder's last layer gives means and log
/// variances side by side.
const PARAMETERS: [&[usize]; 8] = [
    &[PIXELS, HIDDEN],
    &[HIDDEN],
    &[HIDDEN, 2 * LATENT],
    &[2 * LATENT],
    &[LATENT, HIDDEN],
    &[HIDDEN],
    &[HIDDEN, PIXELS],
    &[PIXELS],
];

/// The output after the gradients.
const LOSS: usize = PARAMETERS.len();

fn relu(x: Var<'_>) -> Var<'_> {
    x.gt(0.0).select(x, 0.0)
}

/// Minus the ELBO of a batch, divided by its size.
fn loss<'g>(p: &[Var<'g>], x: Var<'g>, noise: Var<'g>) -> Var<'g> {
    let hidden = relu(x.matmul(p[0]) + p[1]);
    let code = hidden.matmul(p[2]) + p[3];
    let (mean, log_variance) = (code.slice(0, 0, LATENT), code.slice(0, LATENT, LATENT));
    let z = mean + (log_variance * 0.5).exp() * noise;
    let hidden = relu(z.matmul(p[4]) + p[5]);
    let logits = hidden.matmul(p[6]) + p[7];
    let reconstruction = (logits.softplus() - x * logits).sum();
    let divergence = (mean.square() + log_variance.exp() - log_variance - 1.0).sum() * 0.5;
    (reconstruction + divergence) / BATCH as f64
}

/// Images whose pixels depend on ten numbers.
fn images<T: Real>(rng: &mut ChaCha8Rng) -> Vec<T> {
    let normal = |rng: &mut ChaCha8Rng| -> f32 { StandardNormal.sample(rng) };
    let loadings: Vec<f32> = (0..10 * PIXELS).map(|_| normal(rng)).collect();
    let mut out = Vec::with_capacity(IMAGES * PIXELS);
    for _ in 0..IMAGES {
        let code: Vec<f32> = (0..10).map(|_| normal(rng)).collect();
        for column in loadings.chunks_exact(10) {
            let logit: f32 = column.iter().zip(&code).map(|(a, b)| a * b).sum::<f32>() - 1.0;
            let on = rng.random::<f32>() * (1.0 + (-logit).exp()) < 1.0;
            out.push(if on { T::ONE } else { T::ZERO });
        }
    }
    out
}

struct Trainer<T: Element> {
    tape: Tape<T>,
    adam: AdamInPlace<T>,
    order: Vec<usize>,
    rng: ChaCha8Rng,
}

impl<T: Element> Trainer<T> {
    fn new() -> Trainer<T> {
        let g = Graph::new();
        let parameters: Vec<Var> = PARAMETERS.iter().map(|shape| g.input(shape)).collect();
        let (x, noise) = (g.input(&[BATCH, PIXELS]), g.input(&[BATCH, LATENT]));
        let value = loss(&parameters, x, noise);
        let gradients = grad(value, &parameters);
        let outputs: Vec<_> = gradients.iter().chain([&value]).map(|v| v.id).collect();
        let mut inputs: Vec<_> = parameters.iter().map(|v| v.id).collect();
        inputs.extend([x.id, noise.id]);
        let mut trainer = Trainer {
            tape: Tape::compile_as(&g, &inputs, &outputs),
            adam: AdamInPlace::default(),
            order: (0..IMAGES).collect(),
            rng: ChaCha8Rng::seed_from_u64(2),
        };
        for (i, shape) in PARAMETERS.iter().enumerate() {
            let width = match shape.len() {
                1 => 0.0,
                _ => (shape[0] as f64).powf(-0.5),
            };
            for value in trainer.tape.input_mut(i) {
                *value = T::of(width * (2.0 * trainer.rng.random::<f64>() - 1.0));
            }
        }
        trainer
    }

    fn adam(&mut self, rate: f64) {
        let size = |shape: &&[usize]| shape.iter().product::<usize>();
        let size = PARAMETERS.iter().map(size).sum();
        let (inputs, outputs) = self.tape.inputs_and_outputs_flat();
        self.adam.step(&outputs[..size], rate, &mut inputs[..size]);
    }

    fn epoch(&mut self, images: &[T]) -> Value {
        let start = Instant::now();
        self.order.shuffle(&mut self.rng);
        let order = std::mem::take(&mut self.order);
        let mut total = 0.0;
        for batch in order.chunks_exact(BATCH) {
            let rows = self.tape.input_mut(PARAMETERS.len());
            for (row, &i) in rows.chunks_exact_mut(PIXELS).zip(batch) {
                row.copy_from_slice(&images[i * PIXELS..(i + 1) * PIXELS]);
            }
            for e in self.tape.input_mut(PARAMETERS.len() + 1) {
                *e = T::of(StandardNormal.sample(&mut self.rng));
            }
            self.tape.run();
            total += self.tape.output(LOSS)[0].wide();
            self.adam(RATE);
        }
        self.order = order;
        let loss = total / (IMAGES / BATCH) as f64;
        json!({"seconds": start.elapsed().as_secs_f64(), "loss": loss})
    }

    /// Overwrites the parameters.
    fn check(&mut self) -> Value {
        for i in 0..PARAMETERS.len() + 2 {
            let input = self.tape.input_mut(i).iter_mut().enumerate();
            input.for_each(|(j, to)| *to = T::of(formula(i, j)));
        }
        self.tape.run();
        let length = |i| {
            self.tape
                .output(i)
                .iter()
                .map(|g| g.wide().powi(2))
                .sum::<f64>()
                .sqrt()
        };
        let gradients: Vec<f64> = (0..LOSS).map(length).collect();
        json!({"loss": self.tape.output(LOSS)[0].wide(), "gradients": gradients})
    }

    fn profile(&mut self) -> Value {
        let mut least = vec![u64::MAX; self.tape.instruction_count()];
        let mut adam = f64::INFINITY;
        for _ in 0..200 {
            let times = self.tape.run_timed();
            least
                .iter_mut()
                .zip(times)
                .for_each(|(l, t)| *l = t.min(*l));
            let start = Instant::now();
            self.adam(0.0);
            adam = adam.min(start.elapsed().as_secs_f64());
        }
        let all = self.tape.instructions().iter().zip(&least);
        let named = all.map(|(i, ns)| json!([*ns as f64 / 1e3, i.size, i.name]));
        let total = least.iter().sum::<u64>() as f64 / 1e3;
        json!({"instructions": named.collect::<Vec<_>>(), "tape": total, "adam": adam * 1e6})
    }
}

/// Element `j` of input `i` in a check: parameters, then pixels, then noise.
fn formula(i: usize, j: usize) -> f64 {
    match i.checked_sub(PARAMETERS.len()) {
        None => 0.05 * ((j + 1) as f64 * (0.37 + i as f64)).sin(),
        Some(0) => f64::from(u8::from(j * 7919 % 13 < 4)),
        Some(_) => (0.7 * j as f64).sin(),
    }
}

fn serve<T: Element>(lines: &mut impl Iterator<Item = String>) -> Option<String> {
    let images = images(&mut ChaCha8Rng::seed_from_u64(1));
    let mut trainer = Trainer::<T>::new();
    loop {
        let answer = match lines.next()?.as_str() {
            "check" => Trainer::<T>::new().check(),
            "epoch" => trainer.epoch(&images),
            "profile" => trainer.profile(),
            other => return Some(other.into()),
        };
        println!("{answer}");
    }
}

fn main() {
    let mut lines = std::io::stdin().lock().lines().map_while(Result::ok);
    let mut wanted = Some(f32::NAME.to_string());
    while let Some(name) = wanted {
        wanted = match name.as_str() {
            f64::NAME => serve::<f64>(&mut lines),
            f32::NAME => serve::<f32>(&mut lines),
            other => panic!("a request that is unknown: {other}"),
        };
    }
}
