//! A model's log density behind another sampler: Hamiltonian Monte Carlo, which needs no more than a gradient, and how its
//! means and standard deviations compare with those of the fit.
//!
//! Whatever asks for the log density and its gradient at a point of unconstrained space can be put here; that is what
//! the crates of samplers and optimisers do.
//!
//! `cargo run --release --example samplers`

use elbo::infer::moments;
use elbo::{Data, Error, LogDensity, Options, Program};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

const MODEL: &str = "
data dose: real[N]
data died: int[N]
data given: int[N]
alpha ~ Normal(0, 2)
beta  ~ Normal(0, 10)
died  ~ Binomial(given, logit = alpha + beta * dose)
let half = -alpha / beta
";

/// Racine et al. (1986): log doses, animals, deaths.
const DOSES: [f64; 4] = [-0.86, -0.30, -0.05, 0.73];
const GIVEN: [i64; 4] = [5; 4];
const DIED: [i64; 4] = [0, 1, 3, 5];

/// Hamiltonian Monte Carlo (Neal 2011) with a step size found in the first half, which is thrown away.
struct Hmc {
    density: LogDensity,
    point: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    step: f64,
    rng: ChaCha8Rng,
}

impl Hmc {
    fn new(mut density: LogDensity, seed: u64) -> Hmc {
        let (point, mut gradient) = (vec![0.0; density.size()], vec![0.0; density.size()]);
        Hmc {
            value: density.gradient(&point, &mut gradient),
            density,
            point,
            gradient,
            step: 0.1,
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// One trajectory; gives back the probability with which its end is accepted.
    fn step(&mut self) -> f64 {
        let normal = |_: &f64| self.rng.sample::<f64, _>(StandardNormal);
        let mut momentum: Vec<f64> = self.point.iter().map(normal).collect();
        let energy = |value: f64, momentum: &[f64]| {
            -value + 0.5 * momentum.iter().map(|p| p * p).sum::<f64>()
        };
        let before = energy(self.value, &momentum);
        let (mut point, mut gradient, mut value) =
            (self.point.clone(), self.gradient.clone(), self.value);
        // Of random length, so that no trajectory comes back to where it began.
        for _ in 0..self.rng.random_range(1..=40) {
            kick(&mut momentum, &gradient, self.step / 2.0);
            kick(&mut point, &momentum, self.step);
            value = self.density.gradient(&point, &mut gradient);
            kick(&mut momentum, &gradient, self.step / 2.0);
        }
        // Where the density is not finite nothing is accepted.
        let accept = (before - energy(value, &momentum)).exp().min(1.0);
        let accept = if accept.is_nan() { 0.0 } else { accept };
        if self.rng.random::<f64>() < accept {
            (self.point, self.gradient, self.value) = (point, gradient, value);
        }
        accept
    }

    /// Draws in unconstrained space.
    fn sample(&mut self, draws: usize) -> Vec<Vec<f64>> {
        for i in 1..=draws {
            // Robbins and Monro (1951): four of five are to be accepted.
            self.step *= ((self.step() - 0.8) / (i as f64).sqrt()).exp();
        }
        let mut next = || {
            self.step();
            self.point.clone()
        };
        (0..draws).map(|_| next()).collect()
    }
}

fn kick(x: &mut [f64], by: &[f64], step: f64) {
    x.iter_mut().zip(by).for_each(|(x, by)| *x += step * by);
}

/// A latent with its mean and standard deviation, by the fit and by draws.
type Compared = (String, [f64; 2], [f64; 2]);

pub fn run(draws: usize) -> Result<Vec<Compared>, Error> {
    let mut data = Data::default();
    data.insert("dose", DOSES);
    data.insert("given", GIVEN);
    data.insert("died", DIED);
    let model = Program::parse(MODEL)?.bind(&data)?;
    let guide = elbo::guide::find("full_rank");
    let fit = model.fit(&Options {
        guide,
        ..Options::default()
    })?;

    let mut density = model.log_density()?;
    let unconstrained = Hmc::new(density.clone(), 1).sample(draws);
    let constrained: Vec<_> = unconstrained.iter().map(|u| density.constrain(u)).collect();
    let both = |k: usize| {
        let name = &constrained[0][k].0;
        let quantity = &fit.posterior()[name.as_str()];
        let drawn: Vec<f64> = constrained.iter().map(|c| c[k].1[0]).collect();
        let (mean, sd) = moments(&drawn);
        (
            name.clone(),
            [quantity.mean()[0], quantity.sd()[0]],
            [mean, sd],
        )
    };
    Ok((0..constrained[0].len()).map(both).collect())
}

fn main() -> Result<(), Error> {
    println!("            fit              HMC");
    for (name, fit, drawn) in run(20_000)? {
        println!(
            "{name:6}  {:6.2} ± {:4.2}   {:6.2} ± {:4.2}",
            fit[0], fit[1], drawn[0], drawn[1]
        );
    }
    println!(
        "With so few animals the posterior is skewed: its tail is longer than that of the Normal that was fitted."
    );
    Ok(())
}
