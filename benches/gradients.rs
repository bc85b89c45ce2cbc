//! Serves one program with its data to `bench/gradients.py`: log density and gradient at points of
//! the unconstrained space, and how long they take.
//!
//! `gradients PROGRAM DATA [SAMPLES]` prints the blocks of the unconstrained vector, then answers the lines of
//! its standard input, each with one line of JSON:
//!
//! - `at x1 x2 …`: the log density with the log Jacobian, and its gradient, there; later
//!   timings start from it;
//! - `time MS`: nanoseconds for a gradient, over about so many milliseconds of runs. The
//!   point of each run depends on the gradient of the one before;
//!   (with SAMPLES, of each of so many gradients that are computed at once);
//! - `profile N`: the median time of each instruction of the tape over `N` runs.

use elbo::autodiff::grad;
use elbo::graph::{Graph, Rebuild, Var};
use elbo::model::Model;
use elbo::tape::Tape;
use elbo::{Program, data};
use serde_json::{Value, json};
use std::error::Error;
use std::io::BufRead;
use std::path::Path;
use std::time::{Duration, Instant};

/// What the last gradient is weighted with where it moves the next point: too little to matter.
const NUDGE: f64 = 1e-15;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .collect();
    let (program, data, samples) = match arguments.as_slice() {
        [program, data] => (program, data, None),
        [program, data, samples] => (program, data, Some(samples.parse()?)),
        _ => {
            println!("usage: gradients PROGRAM DATA [SAMPLES] (bench/gradients.py calls it so)");
            return Ok(());
        }
    };
    let model = load(program.as_ref(), data.as_ref())?;
    let blocks: Vec<Value> = model
        .blocks
        .iter()
        .map(|b| json!([b.name, b.size]))
        .collect();
    let start = Instant::now();
    let mut gradient = Gradient::new(&model, samples);
    let compiled = start.elapsed().as_secs_f64() * 1e3;
    println!(
        "{}",
        json!({"blocks": blocks, "instructions": gradient.tape.instruction_count(), "compile_ms": compiled})
    );
    for line in std::io::stdin().lock().lines() {
        println!("{}", gradient.answer(&line?)?);
    }
    Ok(())
}

fn load(program: &Path, data: &Path) -> Result<Model, Box<dyn Error>> {
    let files = data::Disk;
    let program = Program::load(&files, program).map_err(|e| e.to_string())?;
    let mut sources = program.sources().clone();
    let data = data::load(&files, data, &mut sources).map_err(|e| format!("{e:?}"))?;
    Ok(program.bind(&data).map_err(|e| e.to_string())?)
}

struct Gradient {
    tape: Tape,
    at: Vec<f64>,
    samples: usize,
}

impl Gradient {
    fn new(model: &Model, samples: Option<usize>) -> Gradient {
        let batch = Graph::new();
        let source = &model.graph;
        let (graph, inputs, value) = match samples {
            None => {
                let var = |id| source.var(id);
                let inputs: Vec<Var> = model.blocks.iter().map(|b| var(b.input)).collect();
                (
                    source,
                    inputs,
                    var(model.log_joint) + var(model.log_jacobian),
                )
            }
            Some(samples) => {
                let mut walk = Rebuild::batched(source, &batch, samples);
                let mut inputs = Vec::new();
                for block in &model.blocks {
                    let mut shape = source.var(block.input).shape();
                    shape.insert(0, samples);
                    inputs.push(batch.input(&shape));
                    walk.substitute(block.input, inputs[inputs.len() - 1], true);
                }
                let parts = walk.emit_batched(&[model.log_joint, model.log_jacobian]);
                (&batch, inputs, parts[0] + parts[1])
            }
        };
        let total = if samples.is_some() {
            value.sum()
        } else {
            value
        };
        let gradients = grad(total, &inputs);
        let ids = |vars: &[Var]| vars.iter().map(|v| v.id).collect::<Vec<_>>();
        let outputs = [vec![total.id], ids(&gradients)].concat();
        let tape = Tape::compile(graph, &ids(&inputs), &outputs);
        let samples = samples.unwrap_or(1);
        Gradient {
            tape,
            at: vec![0.0; model.size() * samples],
            samples,
        }
    }

    fn answer(&mut self, line: &str) -> Result<Value, Box<dyn Error>> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["at", numbers @ ..] => {
                self.at = numbers
                    .iter()
                    .map(|w| w.parse())
                    .collect::<Result<_, _>>()?;
                self.tape.set_inputs_flat(&self.at);
                self.tape.run();
                let out = self.tape.outputs_flat();
                Ok(json!({"value": out[0], "gradient": out[1..]}))
            }
            ["time", ms] => Ok(json!(self.time(Duration::from_millis(ms.parse()?)))),
            ["profile", runs] => Ok(self.profile(runs.parse()?)),
            _ => Err(format!("unknown request: {line}").into()),
        }
    }

    /// Nanoseconds a gradient. The runs between two looks at the clock are doubled until they fill
    /// the time.
    fn time(&mut self, least: Duration) -> f64 {
        let mut runs = 1u32;
        loop {
            let start = Instant::now();
            for _ in 0..runs {
                self.step();
            }
            let taken = start.elapsed();
            if taken >= least {
                return taken.as_nanos() as f64 / f64::from(runs) / self.samples as f64;
            }
            runs = runs.saturating_mul(2);
        }
    }

    fn step(&mut self) {
        self.tape.run();
        for (i, &at) in self.at.iter().enumerate() {
            let moved = at + NUDGE * self.tape.outputs_flat()[1 + i];
            self.tape.inputs_flat_mut()[i] = moved;
        }
    }

    fn profile(&mut self, runs: usize) -> Value {
        let count = self.tape.instruction_count();
        let mut times = vec![Vec::new(); count];
        for _ in 0..runs.max(1) {
            for (all, ns) in times.iter_mut().zip(self.tape.run_timed()) {
                all.push(ns);
            }
        }
        let entries = times.iter_mut().zip(self.tape.instructions()).map(|(t, i)| {
            t.sort_unstable();
            json!({"ns": t[t.len() / 2], "size": i.size, "operations": i.operations, "name": i.name})
        });
        entries.collect()
    }
}
