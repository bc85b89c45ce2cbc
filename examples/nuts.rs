//! A model's posterior by NUTS, from the fit's draws on: `nuts-rs` samples the log density that elbo compiles.
//!
//! `cargo run --release --features nuts --example nuts`

use elbo::{Data, Error, Options, Program};
use nuts_rs::{Chain, CpuMath, DiagNutsSettings, Settings};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Rubin's eight schools, not centred.
const MODEL: &str = "
data y: real[J]
data sigma: real[J]
mu    ~ Normal(0, 5)
tau   ~ HalfCauchy(5)
z     ~ Normal(0, 1) ^ J
let theta = mu + tau * z
y     ~ Normal(theta, sigma)
";

const CHAINS: u64 = 4;
const DRAWS: usize = 1000;

/// Mean and standard deviation.
type Moments = [f64; 2];

fn moments(draws: &[f64]) -> Moments {
    let n = draws.len() as f64;
    let mean = draws.iter().sum::<f64>() / n;
    let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    [mean, variance.sqrt()]
}

/// Moments of `mu` by the fit and by NUTS.
pub fn run() -> Result<[Moments; 2], Error> {
    let mut data = Data::default();
    data.insert("y", [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0]);
    data.insert("sigma", [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0]);
    let model = Program::parse(MODEL)?.bind(&data)?;
    let fit = model.fit(&Options::default())?;

    let density = model.log_density()?;
    let settings = DiagNutsSettings {
        num_tune: 500,
        num_draws: DRAWS as u64,
        ..DiagNutsSettings::default()
    };
    let chain = |chain: u64| -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(chain);
        // A clone has memory of its own and shares the code.
        let math = CpuMath::new(density.clone());
        let sampler = settings.new_chain(chain, math, &mut rng);
        let mut sampler = sampler.expect("the settings are right");
        sampler
            .set_position(&fit.params().mean)
            .expect("the fit ended at a point of the support");
        let mut constrained = density.clone();
        let mut draws = Vec::new();
        for step in 0..settings.num_tune as usize + DRAWS {
            let (position, _) = sampler.draw().expect("a divergence is no error");
            if step >= settings.num_tune as usize {
                // The latents in the order of the program: `mu` is the first.
                draws.push(constrained.constrain(&position)[0].1[0]);
            }
        }
        draws
    };
    let sampled: Vec<f64> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..CHAINS).map(|c| scope.spawn(move || chain(c))).collect();
        running
            .into_iter()
            .flat_map(|r| r.join().expect("no panic"))
            .collect()
    });
    let mu = &fit.posterior()["mu"];
    let found = [[mu.mean()[0], mu.sd()[0]], moments(&sampled)];
    for (name, [mean, sd]) in ["fit", "NUTS"].iter().zip(found) {
        println!("{name:5} mu = {mean:.2} ± {sd:.2}");
    }
    Ok(found)
}

fn main() -> Result<(), Error> {
    run().map(drop)
}
