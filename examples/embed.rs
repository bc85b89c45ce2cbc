//! A model inside a Rust program: parse it, bind it to slices, fit it, ask of its posterior.
//!
//! `cargo run --example embed`

use elbo::{Data, Error, Options, Program};

const MODEL: &str = "
data x: real[N]
data y: real[N]
slope ~ Normal(0, 10)
noise ~ HalfNormal(1)
y ~ Normal(slope * x, noise)
";

// An error that `main` returns is printed with its place in the program.
fn main() -> Result<(), Error> {
    let program = Program::parse(MODEL)?;
    let mut data = Data::default();
    data.insert("x", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    data.insert("y", [2.1, 3.9, 6.2, 7.8, 10.1, 11.9]);

    // The default options suit most models.
    let fit = program.bind(&data)?.fit(&Options::default())?;
    println!("ELBO {:.2} ± {:.2}", fit.elbo().mean, fit.elbo().se);
    println!("{}", fit.verdict());
    for quantity in &fit.posterior().quantities {
        println!(
            "{}: {:.3} ± {:.3}",
            quantity.name,
            quantity.mean()[0],
            quantity.sd()[0]
        );
    }

    // Whatever follows from the latents has a posterior, and a condition a probability.
    let steep = fit.evaluate("slope > 2")?;
    println!("P(slope > 2) = {:.2}", steep.mean()[0]);

    let mut new = Data::default();
    new.insert("x", [10.0]);
    let y = &fit.predict(&new)?.observed[0];
    let (low, high) = (y.quantile(0.05)[0], y.quantile(0.95)[0]);
    println!(
        "y at x = 10: {:.1}, in [{low:.1}, {high:.1}] with 90 %",
        y.mean()[0]
    );
    Ok(())
}
