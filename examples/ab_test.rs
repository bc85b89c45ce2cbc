//! An A/B test that ends when the decision is clear: day by day the probability that B is better than A, what each choice is
//! expected to lose, and a rule for when to stop.
//!
//! `cargo run --release --example ab_test`

use elbo::{Data, Error, Fit, Options, Program};

const MODEL: &str = "
data shown: int[2]
data bought: int[2]
rate ~ Beta(2, 50) ^ 2
for k in 1..2 { bought[k] ~ Binomial(shown[k], rate[k]) }
";

/// Buyers a visitor that may be lost by the wrong choice, on average.
const BEARABLE: f64 = 0.0002;

/// What is known after a day.
struct Standing {
    /// P(B > A)
    better: f64,
    /// E max(B − A, 0): what is lost if A is kept; and the same of B.
    loss: [f64; 2],
    /// B − A, with the bounds of 90 %.
    gain: [f64; 3],
}

fn standing(fit: &Fit) -> Result<Standing, Error> {
    let mean = |expression: &str| -> Result<f64, Error> { Ok(fit.evaluate(expression)?.mean()[0]) };
    let gain = fit.evaluate("rate[2] - rate[1]")?;
    Ok(Standing {
        better: mean("rate[2] > rate[1]")?,
        loss: [
            mean("max(rate[2] - rate[1], 0)")?,
            mean("max(rate[1] - rate[2], 0)")?,
        ],
        gain: [
            gain.quantile(0.05)[0],
            gain.mean()[0],
            gain.quantile(0.95)[0],
        ],
    })
}

/// Runs a test in which visitors buy with these probabilities; gives back the day on which it ended, and the choice.
pub fn run(rates: [f64; 2], visitors: i64, days: usize) -> Result<(usize, &'static str), Error> {
    let program = Program::parse(MODEL)?;
    let (mut shown, mut bought) = ([0; 2], [0; 2]);
    let mut options = Options {
        draws: 4000,
        ..Options::default()
    };
    println!(
        "day   visitors   buyers A, B   P(B > A)   gain of B (90 %)            loss of A     of B"
    );
    for day in 1..=days {
        let sold = one_day(&program, rates, visitors, day as u64)?;
        for k in 0..2 {
            shown[k] += visitors;
            bought[k] += sold[k];
        }
        let mut data = Data::default();
        data.insert("shown", shown);
        data.insert("bought", bought);
        let fit = program.bind(&data)?.fit(&options)?;
        let Standing {
            better,
            loss,
            gain: [low, mean, high],
        } = standing(&fit)?;
        println!(
            "{day:3}   {:8}   {:5} {:6}   {better:8.3}   {mean:+.4} ({low:+.4} to {high:+.4})   {:.5}   {:.5}",
            2 * shown[0],
            bought[0],
            bought[1],
            loss[0],
            loss[1]
        );
        // Tomorrow's posterior is near today's.
        options.from = Some(fit.params().clone());
        match loss {
            [_, b] if b < BEARABLE => return Ok((day, "B")),
            [a, _] if a < BEARABLE => return Ok((day, "A")),
            _ => {}
        }
    }
    Ok((days, "either"))
}

/// Buyers among the visitors of one day, drawn by the program itself.
fn one_day(
    program: &Program,
    rates: [f64; 2],
    visitors: i64,
    seed: u64,
) -> Result<[i64; 2], Error> {
    let (mut data, mut truth) = (Data::default(), Data::default());
    data.insert("shown", [visitors; 2]);
    truth.insert("rate", rates);
    let made = program.simulate(&data, &truth, seed, 1)?.remove(0).data;
    let bought = made
        .get("bought")
        .expect("the program observes them")
        .numbers()?;
    Ok([bought.data[0] as i64, bought.data[1] as i64])
}

fn main() -> Result<(), Error> {
    let (day, choice) = run([0.040, 0.046], 500, 60)?;
    println!(
        "After {day} days: choose {choice}. It is expected to lose less than {BEARABLE} buyers a visitor."
    );
    Ok(())
}
