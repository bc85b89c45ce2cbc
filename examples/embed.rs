//! A model inside a Rust program: parse it, bind it to slices, fit it, read its posterior.
//!
//! `cargo run --example embed`

use elbo::infer::{self, Options};
use elbo::{Data, Program};

const MODEL: &str = "
data x: real[N]
data y: real[N]
slope ~ Normal(0, 10)
noise ~ HalfNormal(1)
y ~ Normal(slope * x, noise)
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let y = [2.1, 3.9, 6.2, 7.8, 10.1, 11.9];

    // A mistake in the program or in the data is an error that prints with its place in the source.
    let program = Program::parse("line.vi", MODEL)?;
    let mut data = Data::default();
    data.insert("x", x);
    data.insert("y", y);
    let model = program.bind(&data)?;

    // The default options suit most models; the closure sees the progress.
    let fit = infer::fit(&model, &Options::default(), &mut |_| {}).map_err(|d| d.message)?;
    println!("ELBO {:.2} ± {:.2}", fit.elbo.mean, fit.elbo.se);
    println!("{}", fit.verdict);

    // Draws stand beside the model's quantities, row by row, one row for each draw.
    for (quantity, draws) in model.quantities.iter().zip(&fit.posterior.quantities) {
        let count = draws.len() as f64;
        let mean = draws.iter().sum::<f64>() / count;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1.0);
        println!("{}: {mean:.3} ± {:.3}", quantity.name, variance.sqrt());
    }
    Ok(())
}
