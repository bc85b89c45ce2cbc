//! Seconds for an epoch of a variational autoencoder of MNIST's size: 784-400-20-400-784, a Gaussian
//! encoder by reparameterisation, a Bernoulli decoder by its logits, Adam, batches of 128 of 60,000
//! binarised images (drawn here: what is in them does not change the work).
//!
//!     taskset -c 1 cargo bench --bench vae
//!
//! `bench/vae_jax.py` and `bench/vae_torch.py` do the same in JAX and PyTorch. `VAE_EPOCHS` and
//! `VAE_IMAGES` change the numbers; `VAE_PROFILE=1` prints what each instruction takes.

use elbo::autodiff::grad;
use elbo::graph::{Graph, Var};
use elbo::infer::optim::{AdamState, adam_in_place};
use elbo::tape::{Element, Tape};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use std::time::Instant;

const PIXELS: usize = 784;
const HIDDEN: usize = 400;
const LATENT: usize = 20;
const BATCH: usize = 128;
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

fn number(name: &str, otherwise: usize) -> usize {
    let value = std::env::var(name).ok().and_then(|v| v.parse().ok());
    value.unwrap_or(otherwise)
}

/// Images whose pixels depend on ten numbers.
fn images(count: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let normal = |rng: &mut ChaCha8Rng| -> f32 { StandardNormal.sample(rng) };
    let loadings: Vec<f32> = (0..10 * PIXELS).map(|_| normal(rng)).collect();
    let mut out = Vec::with_capacity(count * PIXELS);
    for _ in 0..count {
        let code: Vec<f32> = (0..10).map(|_| normal(rng)).collect();
        for column in loadings.chunks_exact(10) {
            let logit: f32 = column.iter().zip(&code).map(|(a, b)| a * b).sum::<f32>() - 1.0;
            let on = rng.random::<f32>() * (1.0 + (-logit).exp()) < 1.0;
            out.push(f32::from(u8::from(on)));
        }
    }
    out
}

struct Trainer<T: Element> {
    tape: Tape<T>,
    states: Vec<AdamState<T>>,
}

impl<T: Element> Trainer<T> {
    fn new(rng: &mut ChaCha8Rng) -> Trainer<T> {
        let g = Graph::new();
        let parameters: Vec<Var> = PARAMETERS.iter().map(|shape| g.input(shape)).collect();
        let (x, noise) = (g.input(&[BATCH, PIXELS]), g.input(&[BATCH, LATENT]));
        let value = loss(&parameters, x, noise);
        let mut outputs = vec![value.id];
        outputs.extend(grad(value, &parameters).iter().map(|v| v.id));
        let mut inputs: Vec<_> = parameters.iter().map(|v| v.id).collect();
        inputs.extend([x.id, noise.id]);
        let mut tape = Tape::compile_as(&g, &inputs, &outputs);
        for (i, shape) in PARAMETERS.iter().enumerate() {
            let width = match shape.len() {
                1 => 0.0,
                _ => (shape[0] as f64).powf(-0.5),
            };
            let start = |value: &mut T| *value = T::of(width * (2.0 * rng.random::<f64>() - 1.0));
            tape.input_mut(i).iter_mut().for_each(start);
        }
        let size = |shape: &&[usize]| AdamState::new(shape.iter().product());
        Trainer {
            tape,
            states: PARAMETERS.iter().map(size).collect(),
        }
    }

    /// One step; the loss before it.
    fn step(&mut self) -> f64 {
        self.tape.run();
        for (i, state) in self.states.iter_mut().enumerate() {
            let (parameter, gradient) = self.tape.input_and_output(i, i + 1);
            adam_in_place(state, gradient, RATE, parameter);
        }
        self.tape.output(0)[0].wide()
    }
}

fn train<T: Element>(images: &[f32], epochs: usize) {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut trainer = Trainer::<T>::new(&mut rng);
    let mut order: Vec<usize> = (0..images.len() / PIXELS).collect();
    let batches = order.len() / BATCH;
    for epoch in 1..=epochs {
        order.shuffle(&mut rng);
        let start = Instant::now();
        let mut total = 0.0;
        for batch in order.chunks_exact(BATCH) {
            let rows = trainer.tape.input_mut(PARAMETERS.len());
            for (row, &i) in rows.chunks_exact_mut(PIXELS).zip(batch) {
                let image = &images[i * PIXELS..(i + 1) * PIXELS];
                row.iter_mut()
                    .zip(image)
                    .for_each(|(to, &x)| *to = T::of(f64::from(x)));
            }
            let noise = trainer.tape.input_mut(PARAMETERS.len() + 1);
            noise.iter_mut().for_each(|e| *e = T::of(StandardNormal.sample(&mut rng)));
            total += trainer.step();
        }
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{} epoch {epoch}: {seconds:.2} s, {:.2} nats an image",
            T::NAME,
            total / batches as f64
        );
    }
    if std::env::var_os("VAE_PROFILE").is_some() {
        profile(&mut trainer);
    }
}

/// Microseconds of each instruction, the least of 200 runs, and of Adam.
fn profile<T: Element>(trainer: &mut Trainer<T>) {
    let mut least = vec![u64::MAX; trainer.tape.instruction_count()];
    let mut adam = f64::INFINITY;
    for _ in 0..200 {
        let times = trainer.tape.run_timed();
        least.iter_mut().zip(times).for_each(|(l, t)| *l = t.min(*l));
        let start = Instant::now();
        for (i, state) in trainer.states.iter_mut().enumerate() {
            let (parameter, gradient) = trainer.tape.input_and_output(i, i + 1);
            adam_in_place(state, gradient, 0.0, parameter);
        }
        adam = adam.min(start.elapsed().as_secs_f64());
    }
    for (listing, time) in trainer.tape.instructions().iter().zip(&least) {
        println!("{:8.1} µs  {:8}  {}", *time as f64 / 1e3, listing.size, listing.name);
    }
    println!("{:8.1} µs  Adam", adam * 1e6);
    println!("{:8.1} µs  tape", least.iter().sum::<u64>() as f64 / 1e3);
}

fn main() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let images = images(number("VAE_IMAGES", 60_000), &mut rng);
    train::<f32>(&images, number("VAE_EPOCHS", 3));
    if std::env::var_os("VAE_F64").is_some() {
        train::<f64>(&images, number("VAE_EPOCHS", 3));
    }
}
