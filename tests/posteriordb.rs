//! Real posteriors against reference results: models of the posteriordb collection, written as a user
//! would write them (`tests/posteriordb/NAME.vi`), with data and references from outside the project.
//!
//! The references lie in `../shared/posteriordb`, or where `ELBO_POSTERIORDB` says; where neither is
//! there, these tests say so and pass. `ELBO_ONLY=radon` runs those models whose name has `radon` in it.

use elbo::Model;
use elbo::autodiff::{grad, hvp};
use elbo::graph::Var;
use elbo::guide::{Guide, Layout, MeanField};
use elbo::infer::objective::{Elbo, FixedDraws};
use elbo::infer::optim::Objective;
use elbo::infer::{self, Evaluator, Fit, Options};
use elbo::model::Block;
use elbo::tape::{Precision, Tape};
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
    let program = Program::load(&path).unwrap_or_else(|e| panic!("{name}:\n{e}"));
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
        let mut evaluator = Evaluator::new(&self.model);
        let mut at = |point: &Value| {
            let value = |b: &Block| flat(&point[&b.name]);
            let values: Vec<Vec<f64>> = self.model.blocks.iter().map(value).collect();
            evaluator.log_density(&values).0
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
        parts
            .into_iter()
            .flat_map(|(_, part)| part.to_vec())
            .collect()
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

/// Log densities in the place of those in `logp.json`, which are of solutions that are themselves off by
/// 6e-3 nats (any two accurate solvers differ from it by the same). These are of solutions by DOP853 and by Radau, both with
/// tolerances of 1e-12 and below (SciPy 1.17), which agree in all digits shown.
const SOLVED: &[(&str, [f64; 8])] = &[(
    "hudson_lynx_hare-lotka_volterra",
    [
        -128.8826331502,
        -129.6449987732,
        -130.9324808325,
        -129.3940884747,
        -130.4785200153,
        -128.3157155357,
        -131.5668465033,
        -130.9097401356,
    ],
)];

/// Constants differ (truncated priors are not normalised there), so differences are compared: to 1e-8
/// of the larger of 1 and the difference, which leaves room for sums of thousands of terms.
#[test]
fn log_densities_differ_as_they_should() {
    let mut wrong = Vec::new();
    for p in posteriors() {
        let ours = p.log_joint_at_points();
        let solved = SOLVED.iter().find(|(name, _)| *name == p.name);
        let given = solved.map_or(&p.log_density[..], |(_, all)| all);
        let mut worst = 0.0f64;
        for (i, (a, b)) in ours.iter().zip(given).enumerate().skip(1) {
            let (ours, theirs) = (a - ours[0], b - given[0]);
            let error = (ours - theirs).abs() / theirs.abs().max(1.0);
            if error.is_nan() || error >= 1e-8 {
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
            let x: Vec<f64> = mean
                .iter()
                .zip(&sd)
                .map(|(m, s)| m + s * around())
                .collect();
            let v: Vec<f64> = sd.iter().map(|s| s * around()).collect();
            let (_, g) = derivatives.gradient(&x);
            let h = 1e-4;
            let mut compare = |what: usize, i: usize, exact: f64, difference: f64| {
                let error = (exact - difference).abs() / exact.abs().max(1.0);
                if error.is_nan() || error >= 1e-5 {
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
            let shifted =
                |h: f64| -> Vec<f64> { x.iter().zip(&v).map(|(x, v)| x + h * v).collect() };
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

/// Distances of means that are the reference's own, in its sds, where larger than 0.1: it is the optimum
/// for a fixed set of draws, and off by their error. [`references_far_from_fits_are_worse`] shows it: optima
/// of 16,384 draws, known to 0.004 sds and better, are 0.14, 0.65 and 0.75 sds away and have ELBOs that are
/// higher, by 0.006, 0.11 and 0.10 nats.
const REFERENCE_ERRORS: &[(&str, f64)] = &[
    ("garch-garch11", 0.2),
    ("gp_pois_regr-gp_pois_regr", 0.75),
    ("irt_2pl-irt_2pl", 0.85),
    // Its equation was solved less exactly, too: these ELBOs are 0.18 nats higher.
    ("hudson_lynx_hare-lotka_volterra", 0.35),
];

/// Seeds from which all starts lead to an optimum that is not the best: here to another cycle, 33 nats lower, to
/// which other systems go as well (`../shared/posteriordb/README.md`).
const ASTRAY: &[(&str, u64)] = &[("hudson_lynx_hare-lotka_volterra", 2)];

/// Fits without options, from three seeds: the ELBO at most 0.1 nats (and 3 standard errors of both
/// estimates) below the reference's, every mean within 0.1 sds of it. The ELBO may be higher, as the
/// reference is the optimum for its own draws; [`fits_reach_optima_in_closed_form`] says by how much it
/// is for some; more than a nat would be another posterior.
#[test]
fn default_fits_reach_the_optimum() {
    let mut wrong = Vec::new();
    for p in posteriors() {
        let Some(reference) = &p.mean_field else {
            continue;
        };
        let own = REFERENCE_ERRORS.iter().find(|(name, _)| *name == p.name);
        let limit = own.map_or(0.1, |(_, sds)| *sds);
        let astray = |seed: &u64| ASTRAY.iter().any(|(name, s)| *name == p.name && s == seed);
        for seed in (1..=3).filter(|seed| !astray(seed)) {
            let fit = fitted(&p, seed);
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
            let close = nats > -0.1 - 3.0 * error && nats < 1.0 && sds < limit;
            if !(close && fit.converged) {
                wrong.push(line);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn fitted(p: &Posterior, seed: u64) -> Fit {
    let options = Options {
        seed,
        ..Options::default()
    };
    infer::fit(&p.model, &options, &mut |_| ()).unwrap_or_else(|e| panic!("{}: {e:?}", p.name))
}

/// A row of the design matrix from the columns of the data.
type Row = fn(&dyn Fn(&str) -> f64) -> Vec<f64>;

/// Linear regressions whose priors are flat: name, response, predictors.
const REGRESSIONS: &[(&str, &str, Row)] = &[
    ("earnings-earn_height", "earn", |at| vec![1.0, at("height")]),
    ("mesquite-mesquite", "weight", |at| {
        let sizes = ["diam1", "diam2", "canopy_height", "total_height"];
        let rest = [at("density"), at("group")];
        [&[1.0], &sizes.map(at)[..], &rest].concat()
    }),
    ("nes2000-nes", "partyid7", |at| {
        let age = |k: f64| f64::from(at("age_discrete") == k);
        let first = [1.0, at("real_ideo"), at("race_adj")];
        let rest = ["educ1", "gender", "income"].map(at);
        [&first[..], &[2.0, 3.0, 4.0].map(age), &rest].concat()
    }),
];

/// The mean-field optimum of a linear regression with flat priors, `σ` in logarithms: means, sds, ELBO.
///
/// Setting the derivatives of `E[log p] + H` to 0 gives the least-squares coefficients, `E[σ⁻²] = t`
/// with `t = (n − 1 − k) / RSS`, sds `(t XᵀX[j, j])^(−1/2)` and `(2 (n − 1))^(−1/2)`.
fn best_regression(rows: &[Vec<f64>], y: &[f64]) -> (Vec<f64>, Vec<f64>, f64) {
    let (n, k) = (rows.len(), rows[0].len());
    let x = nalgebra::DMatrix::from_fn(n, k, |i, j| rows[i][j]);
    let y = nalgebra::DVector::from_column_slice(y);
    let squares: Vec<f64> = (0..k).map(|j| x.column(j).norm_squared()).collect();
    let svd = x.clone().svd(true, true);
    let beta = svd.solve(&y, 0.0).expect("both factors were asked for");
    let (m, rss) = (n as f64 - 1.0, (&y - &x * &beta).norm_squared());
    let t = (m - k as f64) / rss;
    let log_sd = 1.0 / (2.0 * m).sqrt();
    let log_mean = log_sd * log_sd - 0.5 * t.ln();
    let mean: Vec<f64> = beta.iter().copied().chain([log_mean]).collect();
    let sds = squares.iter().map(|s| 1.0 / (t * s).sqrt());
    let sd: Vec<f64> = sds.chain([log_sd]).collect();
    let log_2pi = std::f64::consts::TAU.ln();
    let log_density = -0.5 * n as f64 * log_2pi - m * log_mean - 0.5 * m;
    let entropy = |s: &f64| s.ln() + 0.5 * (log_2pi + 1.0);
    let elbo = log_density + sd.iter().map(entropy).sum::<f64>();
    (mean, sd, elbo)
}

/// Means to 0.03 of their sds, sds to 3 %, as a default fit promises; the ELBO to 4 standard errors and
/// the 0.03 nats that it may be short of its best.
#[test]
fn fits_reach_optima_in_closed_form() {
    let Some(references) = folder() else {
        return;
    };
    for (name, response, row) in REGRESSIONS {
        let p = posterior(&references, (*name).into());
        let data = json(&references.join(name).join("data.json"));
        let y = flat(&data[response]);
        let rows: Vec<Vec<f64>> = (0..y.len())
            .map(|i| row(&|column| data[column][i].as_f64().expect("a number")))
            .collect();
        let (mean, sd, elbo) = best_regression(&rows, &y);
        let fit = fitted(&p, 1);
        for i in 0..mean.len() {
            let apart = (fit.params.mean[i] - mean[i]).abs() / sd[i];
            assert!(apart < 0.03, "{name}: mean {i} is {apart} sds off");
            let ratio = fit.params.sd[i] / sd[i];
            assert!(
                (ratio - 1.0).abs() < 0.03,
                "{name}: sd {i} is {ratio} of it"
            );
        }
        let off = fit.elbo.mean - elbo;
        assert!(
            off.abs() < 0.03 + 4.0 * fit.elbo.se,
            "{name}: {off} nats off"
        );
    }
}

/// The ELBO at a point, with its standard error, from `sets` sets of 4,096 fresh draws.
fn elbo_at(p: &Posterior, mean: &[f64], sd: &[f64], sets: u64) -> (f64, f64) {
    let guide = MeanField::new(Layout::of(&p.model));
    let x = guide.init(mean, sd);
    let mut elbo = Elbo::new(&p.model, &guide, 16, Precision::Double);
    let mut g = vec![0.0; elbo.dim()];
    let values: Vec<f64> = (0..sets)
        .map(|set| {
            let mut objective = FixedDraws::new(&mut elbo, 4096, 1_000_000 + set);
            -objective.value_grad(&x, &mut g).expect("a finite ELBO")
        })
        .collect();
    let n = sets as f64;
    let average = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - average).powi(2)).sum();
    (average, (squares / (n * (n - 1.0))).sqrt())
}

/// What [`REFERENCE_ERRORS`] says, measured: for each of these models the optimum of 16,384 draws, with the
/// error it states, lies where the reference does not, and its ELBO, from fresh draws that both share, is
/// higher than that of the reference's own point. Minutes, hence not run by default.
#[test]
#[ignore = "takes minutes; `cargo test --release --test posteriordb -- --ignored --nocapture`"]
fn references_far_from_fits_are_worse() {
    for (p, reference) in posteriors().iter().filter_map(|p| {
        let named = REFERENCE_ERRORS.iter().any(|(name, _)| *name == p.name);
        p.mean_field.as_ref().filter(|_| named).map(|m| (p, m))
    }) {
        let options = Options {
            samples: Some(1 << 14),
            threads: 2,
            ..Options::default()
        };
        let fit = infer::fit(&p.model, &options, &mut |_| ()).expect("it can be fitted");
        let (_, _, sds) = distance(p, &fit, reference);
        let error = fit.monte_carlo.expect("it is stated").sds;
        let ours = elbo_at(p, &fit.params.mean, &fit.params.sd, 25);
        let (mean, sd) = p.place();
        let theirs = elbo_at(p, &mean, &sd, 25);
        println!(
            "{:30} means {sds:.3} sds apart, ours known to {error:.3}; ELBO {:.4} ± {:.4} for {:.4} ± {:.4}",
            p.name, ours.0, ours.1, theirs.0, theirs.1
        );
        assert!(error < 0.02, "{}: {error}", p.name);
        // The same draws at both points, so that their error cancels for the most part.
        assert!(ours.0 > theirs.0, "{}: {ours:?} for {theirs:?}", p.name);
    }
}
