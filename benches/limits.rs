//! Tapes beside loops written by hand: how far the engine is from what an expert would write.
//!
//! `limits PROGRAMS DATA ROUNDS MS`, with the folders of `tests/posteriordb` and its data, prints for
//! each model times in nanoseconds, of alternating rounds of about `MS` milliseconds, and the largest
//! difference of the gradients in parts of the largest element. `bench/run.py` calls it. Tapes are of
//! the density that fits use and of the one as written, which sums the same rows as the loop does.
//!
//! The loops are plain Rust in double precision: tables laid out in blocks of eight rows, what does not
//! change computed beforehand, derivatives by hand, and the processor's own vector units where the
//! compiler finds a use for them. All leave out constants.

mod clock;
mod subject;

use clock::nanoseconds;
use elbo::Model;
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;
use std::time::Duration;
use subject::{Gradient, load};

/// A log density by hand: gives its value, up to a constant, and writes the gradient.
trait Loop {
    /// The blocks of its vector, in order.
    fn blocks(&self) -> Vec<(&'static str, usize)>;

    fn gradient(&self, at: &[f64], out: &mut [f64]) -> f64;
}

type Make = fn(&Value) -> Box<dyn Loop>;

const LOOPS: &[(&str, Make)] = &[
    ("sblrc-blr", |d| Box::new(Native(blr(d)))),
    ("nes2000-nes", |d| Box::new(Native(nes(d)))),
    ("wells_data-wells_dist", |d| {
        Box::new(Native(Logistic::new(d)))
    }),
    ("eight_schools-eight_schools_noncentered", |d| {
        Box::new(Native(Schools::new(d)))
    }),
    ("garch-garch11", |d| Box::new(Native(Garch::new(d)))),
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .collect();
    let [programs, folder, rounds, ms] = arguments.as_slice() else {
        println!("usage: limits PROGRAMS DATA ROUNDS MS (bench/run.py calls it so)");
        return Ok(());
    };
    let (rounds, round) = (rounds.parse()?, Duration::from_millis(ms.parse()?));
    for (name, make) in LOOPS {
        let data = Path::new(folder).join(name).join("data.json");
        let model = load(&Path::new(programs).join(format!("{name}.vi")), &data)?;
        let by_hand = make(&serde_json::from_str(&std::fs::read_to_string(data)?)?);
        println!("{}", compare(name, &model, by_hand.as_ref(), rounds, round));
    }
    Ok(())
}

fn compare(name: &str, model: &Model, by_hand: &dyn Loop, rounds: usize, round: Duration) -> Value {
    let places = places(model, by_hand);
    let at: Vec<f64> = (0..places.len())
        .map(|i| 0.3 * ((i + 1) as f64 * 0.754_877_666).fract() - 0.1)
        .collect();
    let mut fitted = Gradient::new(model, model.log_joint, 1);
    let mut written = Gradient::new(model, model.as_written, 1);
    let ((_, ours), (_, also)) = (fitted.at(&at), written.at(&at));
    let mut point: Vec<f64> = places.iter().map(|&p| at[p]).collect();
    let start = point.clone();
    let mut gradient = vec![0.0; point.len()];
    by_hand.gradient(&point, &mut gradient);
    let largest = ours.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
    let differences = places.iter().zip(&gradient);
    let apart = |p: usize, g: f64| (ours[p] - g).abs().max((also[p] - g).abs());
    let difference = differences.fold(0.0, |m: f64, (&p, &g)| m.max(apart(p, g)));
    let (mut tapes, mut as_written, mut loops) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        tapes.push(nanoseconds(round, |runs| {
            (0..runs).for_each(|_| fitted.step())
        }));
        as_written.push(nanoseconds(round, |runs| {
            (0..runs).for_each(|_| written.step())
        }));
        loops.push(nanoseconds(round, |runs| {
            for _ in 0..runs {
                let value = by_hand.gradient(&point, &mut gradient);
                std::hint::black_box(value);
                let moved = start.iter().zip(&gradient);
                point
                    .iter_mut()
                    .zip(moved)
                    .for_each(|(p, (s, g))| *p = s + 1e-15 * g);
            }
        }));
    }
    json!({"name": name, "elbo": tapes, "written": as_written, "hand": loops, "difference": difference / largest})
}

/// For each element of the loop's vector its place in the model's.
fn places(model: &Model, by_hand: &dyn Loop) -> Vec<usize> {
    let find = |(name, size): (&str, usize)| {
        let before = model.blocks.iter().take_while(|b| b.name != name);
        let start: usize = before.map(|b| b.size).sum();
        start..start + size
    };
    by_hand.blocks().into_iter().flat_map(find).collect()
}

/// A loop compiled for the vector units that are there.
struct Native<L>(L);

impl<L: Loop> Loop for Native<L> {
    fn blocks(&self) -> Vec<(&'static str, usize)> {
        self.0.blocks()
    }

    fn gradient(&self, at: &[f64], out: &mut [f64]) -> f64 {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            #[target_feature(enable = "avx2")]
            fn vector<L: Loop>(this: &L, at: &[f64], out: &mut [f64]) -> f64 {
                this.gradient(at, out)
            }
            // SAFETY: the processor has AVX2.
            return unsafe { vector(&self.0, at, out) };
        }
        self.0.gradient(at, out)
    }
}

const LANES: usize = 8;

fn numbers(data: &Value, name: &str) -> Vec<f64> {
    let list = data[name].as_array().expect("the data have this list");
    list.iter().filter_map(Value::as_f64).collect()
}

/// `y ~ N(Xβ, σ)`, with `β ~ N(0, sd)` and `σ ~ HalfNormal(sd)`, or both flat.
struct Regression<const D: usize> {
    /// For eight rows at a time the columns, and `y`. What fills the last block is 0, and has no
    /// residual.
    rows: Vec<([[f64; LANES]; D], [f64; LANES])>,
    count: f64,
    /// `1 / sd²`.
    precision: f64,
}

impl<const D: usize> Regression<D> {
    fn new(columns: &[Vec<f64>; D], y: &[f64], precision: f64) -> Regression<D> {
        let block = |start: usize| {
            let lanes =
                |c: &[f64]| std::array::from_fn(|i| c.get(start + i).copied().unwrap_or_default());
            (std::array::from_fn(|d| lanes(&columns[d])), lanes(y))
        };
        Regression {
            rows: (0..y.len()).step_by(LANES).map(block).collect(),
            count: y.len() as f64,
            precision,
        }
    }
}

fn blr(data: &Value) -> Regression<5> {
    let rows = data["X"].as_array().expect("the data have rows");
    let column = |d: usize| rows.iter().filter_map(|row| row[d].as_f64()).collect();
    Regression::new(&std::array::from_fn(column), &numbers(data, "y"), 0.01)
}

fn nes(data: &Value) -> Regression<9> {
    let age = numbers(data, "age_discrete");
    let column = |d: usize| match d {
        0 => vec![1.0; age.len()],
        1 => numbers(data, "real_ideo"),
        2 => numbers(data, "race_adj"),
        3..6 => age
            .iter()
            .map(|&a| f64::from(a == d as f64 - 1.0))
            .collect(),
        6 => numbers(data, "educ1"),
        7 => numbers(data, "gender"),
        _ => numbers(data, "income"),
    };
    Regression::new(
        &std::array::from_fn(column),
        &numbers(data, "partyid7"),
        0.0,
    )
}

impl<const D: usize> Loop for Regression<D> {
    fn blocks(&self) -> Vec<(&'static str, usize)> {
        vec![("beta", D), ("sigma", 1)]
    }

    #[inline(always)]
    fn gradient(&self, at: &[f64], out: &mut [f64]) -> f64 {
        let beta: [f64; D] = std::array::from_fn(|d| at[d]);
        let mut sums = [[0.0; LANES]; D];
        let mut squares = [0.0; LANES];
        for (x, y) in &self.rows {
            let mut residual = *y;
            for d in 0..D {
                for i in 0..LANES {
                    residual[i] -= beta[d] * x[d][i];
                }
            }
            for i in 0..LANES {
                squares[i] += residual[i] * residual[i];
            }
            for d in 0..D {
                for i in 0..LANES {
                    sums[d][i] += residual[i] * x[d][i];
                }
            }
        }
        let sigma = at[D].exp();
        let precision = 1.0 / (sigma * sigma);
        let misfit = squares.iter().sum::<f64>() * precision;
        let mut prior = self.precision * sigma * sigma;
        for d in 0..D {
            out[d] = sums[d].iter().sum::<f64>() * precision - self.precision * beta[d];
            prior += self.precision * beta[d] * beta[d];
        }
        out[D] = misfit - self.count + 1.0 - self.precision * sigma * sigma;
        -0.5 * (misfit + prior) + (1.0 - self.count) * at[D]
    }
}

/// `switched ~ Bernoulli(logit = β₁ + β₂ dist)`.
struct Logistic {
    rows: Vec<(f64, f64)>,
}

impl Logistic {
    fn new(data: &Value) -> Logistic {
        let (x, y) = (numbers(data, "dist"), numbers(data, "switched"));
        Logistic {
            rows: x.into_iter().zip(y).collect(),
        }
    }
}

impl Loop for Logistic {
    fn blocks(&self) -> Vec<(&'static str, usize)> {
        vec![("beta", 2)]
    }

    #[inline(always)]
    fn gradient(&self, at: &[f64], out: &mut [f64]) -> f64 {
        let (mut value, mut first, mut second) = (0.0, 0.0, 0.0);
        for &(x, y) in &self.rows {
            let logit = at[0] + at[1] * x;
            let e = (-logit.abs()).exp();
            value += y * logit - logit.max(0.0) - e.ln_1p();
            let p = if logit > 0.0 { 1.0 } else { e } / (1.0 + e);
            first += y - p;
            second += (y - p) * x;
        }
        out.copy_from_slice(&[first, second]);
        value
    }
}

/// Eight schools, with `θ = μ + τ z`.
struct Schools {
    y: [f64; LANES],
    /// `1 / σ²`.
    precision: [f64; LANES],
}

impl Schools {
    fn new(data: &Value) -> Schools {
        let (y, sigma) = (numbers(data, "y"), numbers(data, "sigma"));
        Schools {
            y: std::array::from_fn(|j| y[j]),
            precision: std::array::from_fn(|j| sigma[j].powi(-2)),
        }
    }
}

impl Loop for Schools {
    fn blocks(&self) -> Vec<(&'static str, usize)> {
        vec![("mu", 1), ("tau", 1), ("theta_trans", LANES)]
    }

    #[inline(always)]
    fn gradient(&self, at: &[f64], out: &mut [f64]) -> f64 {
        let (mu, tau) = (at[0], at[1].exp());
        let z: [f64; LANES] = std::array::from_fn(|j| at[2 + j]);
        let (mut squares, mut mu_bar, mut tau_bar) = (0.0, 0.0, 0.0);
        for j in 0..LANES {
            let residual = self.y[j] - mu - tau * z[j];
            let pull = residual * self.precision[j];
            squares += residual * pull + z[j] * z[j];
            mu_bar += pull;
            tau_bar += pull * z[j];
            out[2 + j] = tau * pull - z[j];
        }
        let ratio = tau * tau / 25.0;
        out[0] = mu_bar - mu / 25.0;
        out[1] = tau * tau_bar - 2.0 * ratio / (1.0 + ratio) + 1.0;
        -0.5 * (squares + mu * mu / 25.0) - ratio.ln_1p() + at[1]
    }
}

/// Variances that follow the squares of yesterday's errors, `v = α₀ + α₁ e² + β₁ v`.
struct Garch {
    y: Vec<f64>,
    first: f64,
}

impl Garch {
    fn new(data: &Value) -> Garch {
        let sd = data["sigma1"].as_f64().expect("the data have sigma1");
        let y = numbers(data, "y");
        assert!(y.len() <= DAYS, "{} days", y.len());
        Garch { y, first: sd * sd }
    }
}

/// Days at most, so that the variances lie on the stack.
const DAYS: usize = 256;

impl Loop for Garch {
    fn blocks(&self) -> Vec<(&'static str, usize)> {
        vec![("mu", 1), ("alpha0", 1), ("alpha1", 1), ("beta1", 1)]
    }

    #[inline(always)]
    fn gradient(&self, at: &[f64], out: &mut [f64]) -> f64 {
        let sigmoid = |u: f64| 1.0 / (1.0 + (-u).exp());
        let (mu, a0, a1, share) = (at[0], at[1].exp(), sigmoid(at[2]), sigmoid(at[3]));
        let b1 = (1.0 - a1) * share;
        let days = self.y.len();
        let mut variances = [0.0; DAYS];
        let (mut v, mut before, mut value) = (self.first, 0.0, 0.0);
        for (t, y) in self.y.iter().enumerate() {
            if t > 0 {
                v = a0 + a1 * before + b1 * v;
            }
            variances[t] = v;
            let error = y - mu;
            before = error * error;
            value -= 0.5 * (v.ln() + before / v);
        }
        let (mut pull, mut bars) = (0.0, [0.0; 4]);
        for t in (0..days).rev() {
            let error = self.y[t] - mu;
            // `pull` is still the one of the day after, whose variance this error moved.
            let inverse = 1.0 / variances[t];
            bars[0] += error * inverse - 2.0 * a1 * error * pull;
            bars[2] += pull * error * error;
            bars[3] += pull * variances[t];
            pull = 0.5 * inverse * (error * error * inverse - 1.0) + b1 * pull;
            bars[1] += if t > 0 { pull } else { 0.0 };
        }
        let [mu_bar, a0_bar, a1_bar, b1_bar] = bars;
        out[0] = mu_bar;
        out[1] = a0 * a0_bar + 1.0;
        out[2] = (a1_bar - share * b1_bar) * a1 * (1.0 - a1) + 1.0 - 3.0 * a1;
        out[3] = b1_bar * (1.0 - a1) * share * (1.0 - share) + 1.0 - 2.0 * share;
        let jacobian = (a0 * a1 * share * (1.0 - share)).ln() + 2.0 * (1.0 - a1).ln();
        value + jacobian
    }
}
