//! A thousand small fits at once: one program, shared by threads that each bind and fit data of their own. Shops have as many
//! prices each, so that the program is [`reusable`](Program::reusable): what one fit compiles serves all others.
//!
//! A fit with `threads: 1` starts no threads, so whatever runs it may be anything: scoped threads as here, a pool such as
//! rayon's, `spawn_blocking` of tokio.
//!
//! `cargo run --release --example many_fits`

use elbo::{Data, Error, Options, Program};
use std::time::Instant;

/// A shop's prices and sales.
const MODEL: &str = "
data price: real[N]
data sold: real[N]
level ~ Normal(0, 10)
slope ~ Normal(0, 10)
noise ~ HalfNormal(1)
sold  ~ Normal(level + slope * (price - mean(price)), noise)
";

const SLOPE: f64 = -1.5;

/// Bounds that hold a slope with 90 %.
type Interval = [f64; 2];

fn fit(program: &Program, data: &Data) -> Result<Interval, Error> {
    let fit = program.bind(data)?.fit(&Options::default())?;
    let slope = &fit.posterior()["slope"];
    Ok([slope.quantile(0.05)[0], slope.quantile(0.95)[0]])
}

/// Fits to all data, a share for each thread; results are in the order of the data.
fn fit_all(program: &Program, sets: &[Data], threads: usize) -> Result<Vec<Interval>, Error> {
    let share = sets.len().div_ceil(threads).max(1);
    let work = |sets: &[Data]| -> Vec<_> { sets.iter().map(|data| fit(program, data)).collect() };
    std::thread::scope(|scope| {
        let shares = sets.chunks(share);
        let running: Vec<_> = shares.map(|sets| scope.spawn(move || work(sets))).collect();
        let results = running.into_iter().map(|thread| thread.join());
        results
            .flat_map(|all| all.expect("bad input is no panic"))
            .collect()
    })
}

/// Data of so many shops, made by the program itself.
fn shops(program: &Program, count: usize) -> Result<Vec<Data>, Error> {
    let (mut data, mut truth) = (Data::default(), Data::default());
    data.insert(
        "price",
        (0..20).map(|i| f64::from(i) / 10.0).collect::<Vec<_>>(),
    );
    truth.insert("level", 5.0);
    truth.insert("slope", SLOPE);
    truth.insert("noise", 0.5);
    let made = program.simulate(&data, &truth, 1, count)?;
    Ok(made.into_iter().map(|simulated| simulated.data).collect())
}

/// Fits to so many shops; gives back how many of the intervals hold the truth.
pub fn run(count: usize) -> Result<usize, Error> {
    let program = Program::parse(MODEL)?.reusable();
    let sets = shops(&program, count)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut found = Vec::new();
    for threads in [1, cores] {
        let begin = Instant::now();
        let intervals = fit_all(&program, &sets, threads)?;
        let seconds = begin.elapsed().as_secs_f64();
        println!(
            "{count} fits on {threads} threads: {seconds:.2} s, {:.0} a second",
            count as f64 / seconds
        );
        found.push(intervals);
    }
    assert!(found[0] == found[1], "threads change nothing, not a bit");
    let holds = |[low, high]: &&Interval| (*low..*high).contains(&SLOPE);
    let held = found[0].iter().filter(holds).count();
    println!("{held} of {count} intervals of 90 % hold the slope that the data were made with");
    Ok(held)
}

fn main() -> Result<(), Error> {
    run(1000).map(drop)
}
