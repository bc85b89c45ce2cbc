//! Programs that make data: what they draw has the distributions that the program says.

use elbo::data::{self, Disk, Values};
use elbo::{Data, Program, Simulated};
use std::fs;
use std::path::Path;

fn program(text: &str) -> Program {
    Program::parse(text).unwrap_or_else(|e| panic!("{e}"))
}

fn numbers<const N: usize>(entries: [(&str, Values); N]) -> Data {
    let mut data = Data::default();
    for (name, values) in entries {
        data.insert(name, values);
    }
    data
}

fn simulate(text: &str, given: Data, fixed: Data, sets: usize) -> Vec<Simulated> {
    let made = program(text).simulate(&given, &fixed, 1, sets);
    made.unwrap_or_else(|e| panic!("{e}"))
}

fn of<'d>(data: &'d Data, name: &str) -> &'d [f64] {
    data.get(name).expect("it is there").numbers().unwrap().data
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn variance(x: &[f64]) -> f64 {
    let m = mean(x);
    x.iter().map(|x| (x - m).powi(2)).sum::<f64>() / (x.len() - 1) as f64
}

fn correlation(x: &[f64], y: &[f64]) -> f64 {
    let (mx, my) = (mean(x), mean(y));
    let products = x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my));
    let scale = (variance(x) * variance(y)).sqrt() * (x.len() - 1) as f64;
    products.sum::<f64>() / scale
}

/// Beta(2, 3) has mean 0.4 and variance 0.04; a count of 10 tosses of such a coin has mean 4 and variance 10 · 0.24 · 15 / 6.
#[test]
fn latents_and_data_have_their_prior_distributions() {
    let text = "data y: int[N]\np ~ Beta(2, 3)\nfor i in 1..N { y[i] ~ Binomial(10, p) }";
    let sets = simulate(text, numbers([("N", 3.into())]), Data::default(), 20_000);
    let first: Vec<f64> = sets.iter().map(|s| of(&s.data, "y")[0]).collect();
    let second: Vec<f64> = sets.iter().map(|s| of(&s.data, "y")[1]).collect();
    let p: Vec<f64> = sets.iter().map(|s| of(&s.truth, "p")[0]).collect();
    // Five standard errors each.
    assert!((mean(&p) - 0.4).abs() < 0.007, "{}", mean(&p));
    assert!((variance(&p) - 0.04).abs() < 0.002);
    assert!((mean(&first) - 4.0).abs() < 0.09, "{}", mean(&first));
    assert!((variance(&first) - 6.0).abs() < 0.3, "{}", variance(&first));
    // They share the coin: Var(10 p) / Var(y) = 4 / 6.
    assert!((correlation(&first, &second) - 2.0 / 3.0).abs() < 0.03);
    // And nothing else: what is left of them is independent.
    let rest = |y: &[f64]| -> Vec<f64> { y.iter().zip(&p).map(|(y, p)| y - 10.0 * p).collect() };
    assert!(correlation(&rest(&first), &rest(&second)).abs() < 0.04);
}

/// A series by its own recurrence: variance 1 / (1 − φ²) and correlation φ between neighbours.
#[test]
fn recurrences_run_forwards_with_noise_of_their_own_in_every_step() {
    let text = "data y: real[T]\nphi ~ Uniform(-1, 1)\ny[1] ~ Normal(0, 1 / sqrt(1 - phi^2))\n\
                for t in 2..T { y[t] ~ Normal(phi * y[t-1], 1) }";
    let fixed = numbers([("phi", 0.8.into())]);
    let made = simulate(text, numbers([("T", 100_000.into())]), fixed, 1);
    let y = of(&made[0].data, "y");
    assert_eq!(y.len(), 100_000);
    // Some five standard errors: 100 000 · (1 − φ²) / (1 + φ²) independent squares.
    assert!((variance(y) - 1.0 / 0.36).abs() < 0.13, "{}", variance(y));
    assert!((correlation(&y[1..], &y[..y.len() - 1]) - 0.8).abs() < 0.01);
    let noise: Vec<f64> = y.windows(2).map(|w| w[1] - 0.8 * w[0]).collect();
    assert!((variance(&noise) - 1.0).abs() < 0.023);
    assert!(correlation(&noise[1..], &noise[..noise.len() - 1]).abs() < 0.016);
}

#[test]
fn elements_that_nothing_draws_are_those_given_and_the_rest_of_the_data_is_drawn_anew() {
    let text = "data y: real[T]\nsigma ~ HalfNormal(1)\n\
                for t in 3..T { y[t] ~ Normal(y[t-1] + y[t-2], 0.001) }";
    let given = numbers([("y", [1.0, 2.0, 77.0, 77.0, 77.0].into())]);
    let made = simulate(text, given, Data::default(), 1);
    let y = of(&made[0].data, "y");
    assert_eq!(&y[..2], [1.0, 2.0]);
    for (y, exact) in y[2..].iter().zip([3.0, 5.0, 8.0]) {
        assert!((y - exact).abs() < 0.03, "{y}");
    }
}

#[test]
fn every_turn_of_a_loop_and_every_element_has_a_draw_of_its_own() {
    let text = "data a: real[N]\ndata b: real[N, K]\ndata c: real[N]\ndata d: real[N]\n\
                a ~ Normal(0, 1)\nfor i in 1..N { b[i] ~ Normal(0, 1) ^ K }\n\
                for i in 1..N { c[i] ~ Normal(0, 1) }\nd ~ Normal(0, 1) ^ N";
    let given = numbers([("N", 1000.into()), ("K", 2.into())]);
    let made = simulate(text, given, Data::default(), 1);
    let mut all: Vec<f64> = Vec::new();
    for name in ["a", "b", "c", "d"] {
        all.extend(of(&made[0].data, name));
    }
    assert_eq!(all.len(), 5000);
    // Five standard errors.
    assert!(mean(&all).abs() < 0.071 && (variance(&all) - 1.0).abs() < 0.1);
    all.sort_by(f64::total_cmp);
    assert!(
        all.windows(2).all(|w| w[0] < w[1]),
        "two draws are the same"
    );
}

#[test]
fn a_set_depends_on_the_seed_and_its_number_alone() {
    let text = "data y: real[N]\nmu ~ Normal(0, 1)\ny ~ Normal(mu, 1)";
    let (few, many) = (
        simulate(text, numbers([("N", 3.into())]), Data::default(), 2),
        simulate(text, numbers([("N", 3.into())]), Data::default(), 5),
    );
    assert_eq!(few, many[..2]);
    assert!(few[0] != few[1]);
    let given = numbers([("N", 3.into())]);
    let other = program(text).simulate(&given, &Data::default(), 2, 1);
    assert!(other.unwrap()[0] != few[0]);
}

#[test]
fn what_is_fixed_stays_and_is_told_as_the_truth() {
    let text = "data x: real[N]\ndata y: real[N]\nfor k in 1..2 { b[k] ~ Normal(0, 1) }\n\
                param s: positive = 3\nlet double = 2 * b[1]\ny ~ Normal(b[1] + b[2] * x, s)";
    let given = || numbers([("x", [0.0, 1.0].into())]);
    let fixed = || numbers([("b", [10.0, 5.0].into()), ("s", 1e-6.into())]);
    let made = simulate(text, given(), fixed(), 1).remove(0);
    for (y, exact) in of(&made.data, "y").iter().zip([10.0, 15.0]) {
        assert!((y - exact).abs() < 1e-4);
    }
    assert_eq!(of(&made.truth, "b"), [10.0, 5.0]);
    assert_eq!(of(&made.truth, "double"), [20.0]);
    assert!(made.data.get("b").is_none() && made.truth.get("y").is_none());
    // Data that are drawn can be kept.
    let fixed = numbers([("y", [1.0, 2.0].into())]);
    let made = simulate(text, given(), fixed, 1).remove(0);
    assert_eq!(of(&made.data, "y"), [1.0, 2.0]);
    // A learned parameter is where it starts.
    assert!((of(&made.truth, "s")[0] - 3.0).abs() < 1e-12);
}

/// Two calls of one drawing function, and the parts into which a recurrence cuts its loops, share a place in the text
/// and nothing else.
#[test]
fn every_draw_has_noise_of_its_own() {
    let text = "fn noise() { e ~ Normal(0, 1); e }\na ~ noise()\nb ~ noise()\ndata y: real\ny ~ Normal(a + b, 1)";
    let made = simulate(text, Data::default(), Data::default(), 1).remove(0);
    assert_ne!(of(&made.truth, "a"), of(&made.truth, "b"));
    let text = "data y: real[T]
        let s[1] = 0
        for t in 1..T { y[t] ~ Normal(s[t], 1) }
        for t in 2..T { let s[t] = 0 * y[t - 1] }";
    let made = simulate(text, numbers([("T", 40.into())]), Data::default(), 1).remove(0);
    let mut y = of(&made.data, "y").to_vec();
    y.sort_by(f64::total_cmp);
    assert!(y.windows(2).all(|pair| pair[0] < pair[1]));
}

/// What a function gives that draws can be fixed as a whole; its sites then have no say.
#[test]
fn the_result_of_a_function_that_draws_can_be_fixed() {
    let text = "import priors
        data x: real[N, K]
        data y: real[N]
        beta ~ priors.horseshoe(K)
        y ~ Normal(x @ beta, 1e-6)";
    let mut given = Data::default();
    given.insert("x", vec![vec![1.0, 2.0], vec![3.0, 4.0]]);
    let fixed = numbers([("beta", [1.0, 0.5].into())]);
    let made = simulate(text, given, fixed, 1).remove(0);
    for (y, exact) in of(&made.data, "y").iter().zip([2.0, 5.0]) {
        assert!((y - exact).abs() < 1e-4);
    }
    assert_eq!(of(&made.truth, "beta"), [1.0, 0.5]);
}

#[test]
fn data_computed_from_drawn_data_follow_them() {
    let text = "data x: int[N]
        data y: int[N]
        data total: int[N] = x + y
        rate ~ Exponential(1)
        y ~ Poisson(rate + 3)";
    let mut given = Data::default();
    given.insert("x", [1.0, 2.0, 3.0]);
    given.insert("y", [0.0, 0.0, 0.0]);
    let made = simulate(text, given.clone(), Data::default(), 1).remove(0);
    let (y, total) = (of(&made.data, "y"), of(&made.data, "total"));
    assert!(y.iter().sum::<f64>() > 0.0);
    for (i, (y, total)) in y.iter().zip(total).enumerate() {
        assert_eq!(total - y, (i + 1) as f64);
    }
    // What is given is given.
    given.insert("total", [9.0, 9.0, 9.0]);
    let made = simulate(text, given, Data::default(), 1).remove(0);
    assert_eq!(of(&made.data, "total"), [9.0, 9.0, 9.0]);
}

/// What a simulation was made with can be given as a whole, what the program computes included.
#[test]
fn the_truth_of_one_simulation_fixes_another() {
    let text = "data x: real[N]\ndata y: real[N]\nslope ~ Normal(0, 1)\nlet twice = 2 * slope\ny ~ Normal(twice * x, 1)";
    let given = || numbers([("x", [1.0, 2.0].into())]);
    let made = simulate(text, given(), Data::default(), 1).remove(0);
    assert!(made.truth.get("twice").is_some());
    let again = simulate(text, given(), made.truth.clone(), 1).remove(0);
    assert_eq!(of(&again.truth, "slope"), of(&made.truth, "slope"));
    assert_eq!(of(&again.truth, "twice"), of(&made.truth, "twice"));
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let fails = |text: &str, fixed: Data| {
        let given = numbers([("N", 3.into())]);
        let error = program(text).simulate(&given, &fixed, 1, 1).unwrap_err();
        error.diagnostics[0].code
    };
    let flat = "data y: real[N]\nmu ~ Flat()\ny ~ Normal(mu, 1)";
    assert_eq!(fails(flat, Data::default()), "E0626");
    let factor =
        "data y: real[N]\nmu ~ Normal(0, 1)\nlet two = 2 * mu\nfactor -two^2\ny ~ Normal(mu, 1)";
    assert_eq!(fails(factor, Data::default()), "E0626");
    assert_eq!(fails(flat, numbers([("nu", 1.0.into())])), "E0628");
    assert_eq!(fails(flat, numbers([("mu", f64::NAN.into())])), "E0628");
    let beyond = "data y: real[M]\ndata M: int\ny[4] ~ Normal(0, 1)";
    let mut given = Data::default();
    given.insert("M", 3.0);
    let error = program(beyond).simulate(&given, &Data::default(), 1, 1);
    assert_eq!(error.unwrap_err().diagnostics[0].code, "E0661");
    let wide = "data y: real[N]\nmu ~ Normal(2000, 1)\ny ~ Normal(exp(mu), 1)";
    assert_eq!(fails(wide, Data::default()), "E0627");
    let unknown = "data y: real[M]\ny ~ Normal(0, 1)";
    assert_eq!(fails(unknown, Data::default()), "E0659");
    let twice =
        "data s: int[N]\ndata p: int[N - 1] = s[2..N]\nb ~ Normal(0, 1)\np ~ Poisson(exp(b))";
    let mut given = Data::default();
    given.insert("s", [1.0, 2.0, 3.0]);
    let error = program(twice).simulate(&given, &Data::default(), 1, 1);
    assert_eq!(error.unwrap_err().diagnostics[0].code, "E0626");
    let outside = "data y: real[N]\ns ~ HalfNormal(1)\ny ~ Normal(0, s)";
    assert_eq!(fails(outside, numbers([("s", (-1.0).into())])), "E0665");
}

/// The data that an example's program makes are data that it takes.
#[test]
fn examples_make_data_that_they_can_be_bound_to() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut names: Vec<String> = fs::read_dir(folder.clone())
        .expect("there are examples")
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| folder.join(name).is_dir())
        .collect();
    names.sort();
    assert!(names.len() > 20);
    let mut refused = Vec::new();
    for name in names {
        let path = folder.join(&name).join(format!("{name}.vi"));
        let program = Program::load(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut sources = program.sources().clone();
        let file = data::beside(&Disk, &path).expect("an example has data");
        let given = data::load(&Disk, &file, &mut sources).expect("the data can be read");
        match program.simulate(&given, &Data::default(), 1, 2) {
            Ok(sets) => {
                for set in sets {
                    if let Err(e) = program.bind(&set.data) {
                        panic!("{name}: {e}");
                    }
                }
            }
            Err(e) => refused.push((name, e.diagnostics[0].code, program)),
        }
    }
    for (name, code, program) in refused {
        let text = program
            .sources()
            .get(program.checked().statements[0].span.source);
        let factor = text.is_some_and(|file| file.text.contains("factor "));
        // Couplings drawn from their priors may make a system whose activity grows without bound.
        let unstable = name == "dynamic_causal" && code == "E0627";
        // A function of the whole series is no recurrence.
        let whole = name == "autoregression" && code == "E0667";
        // What is drawn stands for an expression of other data.
        let computed = ["autoencoder", "semi_supervised", "spike_train"].contains(&name.as_str());
        let no_draws = (factor || computed) && code == "E0626";
        let known = unstable || whole || no_draws;
        assert!(known, "{name}: {code}");
    }
}
