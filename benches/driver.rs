//! Serves one program with its data to `bench/run.py`: gradients, stochastic steps, compilation and
//! fits, and how long they take.
//!
//! `driver PROGRAM DATA` prints the blocks of the unconstrained vector, then answers the lines of
//! its standard input, each with one line of JSON. Two requests say what is measured:
//!
//! - `gradient POINTS [written]`: log density with log Jacobian, and gradient, at one point or several
//!   at once; what fits use, or as the program has it, where nothing is summed beforehand;
//! - `svi DRAWS`: steps of the stochastic optimiser, each with so many draws;
//!
//! the others measure it:
//!
//! - `at x1 x2 …`: values and gradients there; later timings start from it;
//! - `time MS`: nanoseconds for a run, over about so many milliseconds. The point of each run depends
//!   on the gradient of the one before;
//! - `profile N`: the median time of each instruction of the tape over `N` runs;
//!
//! and some need neither:
//!
//! - `compile`: nanoseconds of each stage from files to a tape that has run once;
//! - `fit`: seconds of a whole fit with the usual settings;
//! - `memory`: bytes of the tape's arena and the most that the process ever held;
//! - `bandwidth`: bytes a second when 400 MB are read and summed.

mod clock;
mod subject;

use clock::nanoseconds;
use elbo::Model;
use elbo::graph::NodeId;
use elbo::guide::{GUIDES, Guide, Layout};
use elbo::infer::control::{StochasticSettings, minimise_stochastic};
use elbo::infer::objective::{Elbo, FreshDraws};
use elbo::infer::optim::Budget;
use elbo::tape::{Precision, Tape};
use elbo::{Program, infer};
use serde_json::{Value, json};
use std::error::Error;
use std::hint::black_box;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use subject::{Gradient, differentiate, load, load_data};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .collect();
    let [program, data] = arguments.as_slice() else {
        println!("usage: driver PROGRAM DATA (bench/run.py calls it so)");
        return Ok(());
    };
    let mut driver = Driver {
        model: load(program.as_ref(), data.as_ref())?,
        program: program.into(),
        data: data.into(),
        subject: None,
    };
    let blocks = driver.model.blocks.iter();
    let blocks: Vec<Value> = blocks.map(|b| json!([b.name, b.size])).collect();
    println!("{}", json!({"blocks": blocks}));
    for line in std::io::stdin().lock().lines() {
        let answer = driver.answer(&line?);
        println!(
            "{}",
            answer.unwrap_or_else(|e| json!({"error": e.to_string()}))
        );
    }
    Ok(())
}

struct Driver {
    model: Model,
    program: PathBuf,
    data: PathBuf,
    subject: Option<Subject>,
}

/// What `time` times.
enum Subject {
    Gradient(Gradient),
    Svi(Box<Svi>),
}

impl Driver {
    fn answer(&mut self, line: &str) -> Result<Value, Box<dyn Error>> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match (words.as_slice(), &mut self.subject) {
            (["gradient", points], _) => self.gradient(self.model.log_joint, points.parse()?),
            (["gradient", points, "written"], _) => {
                self.gradient(self.model.as_written, points.parse()?)
            }
            (["svi", draws], _) => {
                self.subject = Some(Subject::Svi(Box::new(Svi::new(
                    &self.model,
                    draws.parse()?,
                ))));
                Ok(json!({}))
            }
            (["at", numbers @ ..], Some(Subject::Gradient(gradient))) => {
                let parsed = numbers.iter().map(|w| w.parse());
                let (values, gradients) = gradient.at(&parsed.collect::<Result<Vec<_>, _>>()?);
                Ok(json!({"values": values, "gradients": gradients}))
            }
            (["time", ms], Some(subject)) => {
                let least = Duration::from_millis(ms.parse()?);
                Ok(json!(nanoseconds(least, |runs| subject.run(runs))))
            }
            (["profile", runs], Some(Subject::Gradient(gradient))) => {
                Ok(profile(&mut gradient.tape, runs.parse()?))
            }
            (["compile"], _) => compile(&self.program, &self.data),
            (["fit"], _) => fit(&self.model),
            (["memory"], subject) => {
                let arena = match subject {
                    Some(Subject::Gradient(g)) => g.tape.arena_len() * size_of::<f64>(),
                    _ => 0,
                };
                Ok(json!({"arena": arena, "peak": peak_memory()?}))
            }
            (["bandwidth"], _) => Ok(json!(bandwidth())),
            _ => Err(format!("a request that is unknown or not possible now: {line}").into()),
        }
    }

    fn gradient(&mut self, density: NodeId, points: usize) -> Result<Value, Box<dyn Error>> {
        let gradient = Gradient::new(&self.model, density, points);
        let instructions = gradient.tape.instruction_count();
        self.subject = Some(Subject::Gradient(gradient));
        Ok(json!({"instructions": instructions, "rewritten": self.model.rewritten.len()}))
    }
}

impl Subject {
    fn run(&mut self, runs: usize) {
        match self {
            Subject::Gradient(gradient) => (0..runs).for_each(|_| gradient.step()),
            Subject::Svi(svi) => svi.run(runs),
        }
    }
}

/// The stochastic optimiser at a fixed step size, from a narrow guide about the origin.
struct Svi {
    elbo: Elbo<'static>,
    start: Vec<f64>,
    draws: usize,
}

impl Svi {
    fn new(model: &Model, draws: usize) -> Svi {
        // The guide lives as long as the process, which serves one model.
        let guide: &'static dyn Guide = Box::leak((GUIDES[0].1)(Layout::of(model)));
        let size = model.latent_size();
        let mut start = guide.init(&vec![0.0; size], &vec![0.1; size]);
        start.resize(start.len() + model.size() - size, 0.0);
        Svi {
            elbo: Elbo::new(model, guide, draws, Precision::Double),
            start,
            draws,
        }
    }

    fn run(&mut self, steps: usize) {
        let settings = StochasticSettings {
            step_sizes: vec![0.001],
            phase_steps: usize::MAX,
            judging_draws: 2,
            ..StochasticSettings::default()
        };
        let budget = Budget {
            max_steps: Some(steps),
            ..Budget::default()
        };
        let mut draws = FreshDraws::new(&mut self.elbo, self.draws, 1);
        black_box(minimise_stochastic(
            &mut draws,
            &self.start,
            &settings,
            &budget,
            &mut |_| {},
        ));
    }
}

fn profile(tape: &mut Tape, runs: usize) -> Value {
    let mut times = vec![Vec::new(); tape.instruction_count()];
    for _ in 0..runs.max(1) {
        for (all, ns) in times.iter_mut().zip(tape.run_timed()) {
            all.push(ns);
        }
    }
    let entries = times.iter_mut().zip(tape.instructions()).map(|(t, i)| {
        t.sort_unstable();
        json!({"ns": t[t.len() / 2], "size": i.size, "operations": i.operations, "name": i.name})
    });
    entries.collect()
}

fn compile(program: &Path, data: &Path) -> Result<Value, Box<dyn Error>> {
    let mut clock = Instant::now();
    let mut lap = || {
        let before = std::mem::replace(&mut clock, Instant::now());
        (clock - before).as_nanos() as u64
    };
    let program = Program::load(program).map_err(|e| e.to_string())?;
    let parsed = lap();
    let data = load_data(&program, data)?;
    let read = lap();
    let model = program.bind(&data).map_err(|e| e.to_string())?;
    let bound = lap();
    let (graph, inputs, outputs) = differentiate(&model, model.log_joint, 1);
    let differentiated = lap();
    let mut tape = Tape::compile(&graph, &inputs, &outputs);
    tape.run();
    let compiled = lap();
    Ok(
        json!({"program": parsed, "data": read, "bind": bound, "gradient": differentiated, "tape": compiled}),
    )
}

fn fit(model: &Model) -> Result<Value, Box<dyn Error>> {
    let start = Instant::now();
    let fit = infer::fit(model, &infer::Options::default(), &mut |_| {}).map_err(|d| d.message)?;
    Ok(
        json!({"seconds": start.elapsed().as_secs_f64(), "converged": fit.converged, "steps": fit.steps}),
    )
}

/// Bytes, as Linux reports them.
fn peak_memory() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|l| l.split_whitespace().next());
    Ok(1024 * kilobytes.ok_or("no VmHWM")?.parse::<u64>()?)
}

/// The best of some rounds, so that it is a limit.
fn bandwidth() -> f64 {
    let numbers = vec![1.0f64; 50_000_000];
    let read = || {
        let start = Instant::now();
        let mut sums = [0.0; 32];
        for chunk in black_box(&numbers).chunks_exact(32) {
            sums.iter_mut().zip(chunk).for_each(|(s, x)| *s += x);
        }
        black_box(sums);
        start.elapsed().as_secs_f64()
    };
    let least = (0..8).map(|_| read()).fold(f64::INFINITY, f64::min);
    size_of_val(&numbers[..]) as f64 / least
}
