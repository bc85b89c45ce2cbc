//! Real posteriors against reference results: models of the posteriordb collection, written as a user
//! would write them (`tests/posteriordb/NAME.vi`), with data and references from outside the project.
//!
//! The references lie in `../shared/posteriordb`, or where `ELBO_POSTERIORDB` says; where neither is
//! there, these tests say so and pass.

use elbo::autodiff::{grad, hvp};
use elbo::graph::Var;
use elbo::infer::{self, Fit, Options};
use elbo::model::{Block, Model};
use elbo::tape::Tape;
use elbo::{Program, data};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs};

/// A model with its references.
struct Posterior {
    name: String,
    model: Model,
    bind_ms: f64,
    /// `logp.json`: points in the constrained space with log densities.
    points: Vec<Value>,
    log_density: Vec<f64>,
    /// `mean_field.json`.
    mean_field: Option<Value>,
}

fn folder() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/posteriordb");
    let folder = env::var_os("ELBO_POSTERIORDB").map_or_else(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no references in {}", folder.display());
    None
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// All programs of the folder, bound to their data; none where there are no references.
fn posteriors() -> Vec<Posterior> {
    let Some(references) = folder() else {
        return Vec::new();
    };
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/posteriordb");
    let mut names: Vec<String> = fs::read_dir(programs)
        .expect("the folder of the programs")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "vi"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into())
        .filter(|name: &String| env::var("ELBO_ONLY").map_or(true, |only| name.contains(&only)))
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|name| posterior(&references, name))
        .collect()
}

fn posterior(references: &Path, name: String) -> Posterior {
    let path = format!("tests/posteriordb/{name}.vi");
    let program =
        Program::load(&data::Disk, path.as_ref()).unwrap_or_else(|e| panic!("{name}:\n{e}"));
    let folder = references.join(&name);
    let mut sources = program.sources().clone();
    let data = data::load(&data::Disk, &folder.join("data.json"), &mut sources)
        .unwrap_or_else(|e| panic!("{name}: {e:?}"));
    let begin = Instant::now();
    let model = program
        .bind(&data)
        .unwrap_or_else(|e| panic!("{name}:\n{e}"));
    let bind_ms = begin.elapsed().as_secs_f64() * 1e3;
    let log_density = json(&folder.join("logp.json"));
    let mean_field = folder.join("mean_field.json");
    Posterior {
        name,
        model,
        bind_ms,
        points: log_density["points"].as_array().expect("points").clone(),
        log_density: flat(&log_density["log_density"]),
        mean_field: mean_field.exists().then(|| json(&mean_field)),
    }
}

/// The numbers of nested lists, row-major.
fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(all) => all.iter().flat_map(flat).collect(),
        _ => vec![value.as_f64().expect("a number")],
    }
}

impl Posterior {
    fn var(&self, block: &Block) -> Var<'_> {
        self.model.graph.var(block.input)
    }

    /// Log densities at the points of `logp.json`. Blocks and latents have the same names.
    fn log_joint_at_points(&self) -> Vec<f64> {
        let model = &self.model;
        let inputs: Vec<_> = model.blocks.iter().map(|b| b.input).collect();
        let mut tape = Tape::compile(&model.graph, &inputs, &[model.log_joint]);
        let mut at = |point: &Value| {
            let value = |b: &Block| flat(&point[&b.name]);
            let values: Vec<Vec<f64>> = model.blocks.iter().map(value).collect();
            tape.set_inputs_flat(&model.unconstrain(&values));
            tape.run();
            tape.output(0)[0]
        };
        self.points.iter().map(&mut at).collect()
    }

    /// By how much log densities exceed those of `logp.json`: what that file leaves out.
    fn constant(&self) -> f64 {
        let ours = self.log_joint_at_points();
        let excess = ours.iter().zip(&self.log_density).map(|(a, b)| a - b);
        excess.sum::<f64>() / ours.len() as f64
    }

    /// A vector of `mean_field.json` in unconstrained space, in the order of the model's blocks. There
    /// the order is that of the names in `logp.json`; the parametrisation is the same.
    fn unconstrained(&self, reference: &Value) -> Vec<f64> {
        let numbers = flat(reference);
        assert_eq!(numbers.len(), self.model.size(), "{}", self.name);
        let mut start = 0;
        let mut parts = Vec::new();
        for name in self.points[0].as_object().expect("names").keys() {
            let at = self.model.blocks.iter().position(|b| &b.name == name);
            let at = at.unwrap_or_else(|| panic!("{}: no latent {name}", self.name));
            let size = self.model.blocks[at].size;
            parts.push((at, &numbers[start..start + size]));
            start += size;
        }
        parts.sort_by_key(|(at, _)| *at);
        parts.into_iter().flat_map(|(_, part)| part.to_vec()).collect()
    }

    /// Where the posterior is and how wide, roughly; 0 and 1 where that is not known.
    fn place(&self) -> (Vec<f64>, Vec<f64>) {
        match &self.mean_field {
            Some(reference) => (
                self.unconstrained(&reference["unconstrained_mean"]),
                self.unconstrained(&reference["unconstrained_sd"]),
            ),
            None => (vec![0.0; self.model.size()], vec![1.0; self.model.size()]),
        }
    }
}

/// Constants differ (truncated priors are not normalised there), so differences are compared: to 1e-8
/// of the larger of 1 and the difference, which leaves room for sums of thousands of terms.
#[test]
fn log_densities_differ_as_they_should() {
    let mut wrong = Vec::new();
    for p in posteriors() {
        let ours = p.log_joint_at_points();
        let mut worst = 0.0f64;
        for (i, (a, b)) in ours.iter().zip(&p.log_density).enumerate().skip(1) {
            let (ours, theirs) = (a - ours[0], b - p.log_density[0]);
            let error = (ours - theirs).abs() / theirs.abs().max(1.0);
            // `!(<)` so that NaN fails.
            if !(error < 1e-8) {
                wrong.push(format!("{}, point {i}: {ours} for {theirs}", p.name));
            }
            worst = worst.max(error);
        }
        println!("{:55} {worst:.1e}", p.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Log density in unconstrained space with its first derivatives and the second ones along a direction.
struct Derivatives {
    first: Tape,
    second: Tape,
}

impl Derivatives {
    fn new(p: &Posterior) -> Derivatives {
        let graph = &p.model.graph;
        let inputs: Vec<Var> = p.model.blocks.iter().map(|b| p.var(b)).collect();
        let along: Vec<Var> = inputs.iter().map(|i| graph.input(&i.shape())).collect();
        let value = graph.var(p.model.log_joint) + graph.var(p.model.log_jacobian);
        let gradients = grad(value, &inputs);
        let products = hvp(value, &inputs, &along);
        let ids = |vars: &[Var]| vars.iter().map(|v| v.id).collect::<Vec<_>>();
        let wanted = [vec![value.id], ids(&gradients)].concat();
        let given = [ids(&inputs), ids(&along)].concat();
        Derivatives {
            first: Tape::compile(graph, &ids(&inputs), &wanted),
            second: Tape::compile(graph, &given, &ids(&products)),
        }
    }

    fn value(&mut self, x: &[f64]) -> f64 {
        self.gradient(x).0
    }

    fn gradient(&mut self, x: &[f64]) -> (f64, Vec<f64>) {
        self.first.set_inputs_flat(x);
        self.first.run();
        let all = self.first.outputs_flat();
        (all[0], all[1..].to_vec())
    }

    fn product(&mut self, x: &[f64], v: &[f64]) -> Vec<f64> {
        self.second.set_inputs_flat(&[x, v].concat());
        self.second.run();
        self.second.outputs_flat().to_vec()
    }
}

/// Points are three draws around the posterior. Steps are 1e-4 sds and numbers are compared in units of
/// sds, to 1e-5 of the larger of 1 and the number: differences then lose 1e-8 or so to the third
/// derivative and 1e-8 to the rounding of densities of some thousand nats.
#[test]
fn derivatives_agree_with_differences() {
    let mut wrong = Vec::new();
    for p in posteriors() {
        let mut derivatives = Derivatives::new(&p);
        let (mean, sd) = p.place();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut worst = [0.0f64; 2];
        for _ in 0..3 {
            let mut around = || 2.0 * rng.random::<f64>() - 1.0;
            let x: Vec<f64> = mean.iter().zip(&sd).map(|(m, s)| m + s * around()).collect();
            let v: Vec<f64> = sd.iter().map(|s| s * around()).collect();
            let (_, g) = derivatives.gradient(&x);
            let h = 1e-4;
            let mut compare = |what: usize, i: usize, exact: f64, difference: f64| {
                let error = (exact - difference).abs() / exact.abs().max(1.0);
                if !(error < 1e-5) {
                    let order = ["first", "second"][what];
                    wrong.push(format!("{} {order} {i}: {exact} for {difference}", p.name));
                }
                worst[what] = worst[what].max(error);
            };
            for i in 0..x.len() {
                let mut moved = x.clone();
                moved[i] = x[i] + h * sd[i];
                let above = derivatives.value(&moved);
                moved[i] = x[i] - h * sd[i];
                let below = derivatives.value(&moved);
                compare(0, i, g[i] * sd[i], (above - below) / (2.0 * h));
            }
            let product = derivatives.product(&x, &v);
            let shifted = |h: f64| -> Vec<f64> { x.iter().zip(&v).map(|(x, v)| x + h * v).collect() };
            let above = derivatives.gradient(&shifted(h)).1;
            let below = derivatives.gradient(&shifted(-h)).1;
            for i in 0..x.len() {
                let difference = (above[i] - below[i]) / (2.0 * h);
                compare(1, i, product[i] * sd[i], difference * sd[i]);
            }
        }
        println!("{:55} {:.1e} {:.1e}", p.name, worst[0], worst[1]);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A fit against `mean_field.json`: the ELBO's distance in nats with its standard error, and the largest
/// distance of a mean in the reference's sds, in unconstrained space.
fn distance(p: &Posterior, fit: &Fit, reference: &Value) -> (f64, f64, f64) {
    let number = |name: &str| reference[name].as_f64().expect("a number");
    let nats = fit.elbo.mean - p.constant() - number("elbo");
    let error = fit.elbo.se.hypot(number("elbo_se"));
    let (mean, sd) = p.place();
    let apart = fit.params.mean.iter().zip(&mean).zip(&sd);
    let sds = apart.map(|((a, b), s)| (a - b).abs() / s);
    (nats, error, sds.fold(0.0, f64::max))
}

/// Fits without options, from three seeds: the ELBO within 0.1 nats of the best that is known (and 3
/// standard errors of both estimates), every mean within 0.1 of its sd.
#[test]
fn default_fits_reach_the_optimum() {
    let mut wrong = Vec::new();
    for p in posteriors() {
        let Some(reference) = &p.mean_field else {
            continue;
        };
        for seed in 1..=3 {
            let options = Options {
                seed,
                ..Options::default()
            };
            let fit = infer::fit(&p.model, &options, &mut |_| ())
                .unwrap_or_else(|e| panic!("{}: {e:?}", p.name));
            let (nats, error, sds) = distance(&p, &fit, reference);
            let line = format!(
                "{:50} seed {seed}: bind {:6.1} ms, fit {:7.1} ms, ELBO {nats:+.3} ± {error:.3}, means {sds:.3}, {} draws, {} steps, {:?}",
                p.name,
                p.bind_ms,
                fit.seconds.total * 1e3,
                fit.samples,
                fit.steps,
                fit.stop,
            );
            println!("{line}");
            // `!(<)` so that NaN fails.
            if !(nats.abs() < 0.1 + 3.0 * error && sds < 0.1 && fit.converged) {
                wrong.push(line);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
