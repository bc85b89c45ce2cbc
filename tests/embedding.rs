//! The library inside other programs: what may cross threads, data from Rust values, refits, the programs of `examples/`,
//! and the build for WebAssembly.

use elbo::data::Values;
use elbo::infer::{FitParams, Posterior, Quantity};
use elbo::nalgebra::{DMatrix, DVector};
use elbo::{Data, Error, Fit, LogDensity, Model, Options, Prediction, Program, guide};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

#[allow(dead_code)]
#[path = "../examples/ab_test.rs"]
mod ab_test;
#[allow(dead_code)]
#[path = "../examples/many_fits.rs"]
mod many_fits;
#[allow(dead_code)]
#[path = "../examples/samplers.rs"]
mod samplers;
#[allow(dead_code)]
#[path = "../examples/service.rs"]
mod service;

const REGRESSION: &str = "
data x: real[N]
data y: real[N]
level ~ Normal(0, 10)
slope ~ Normal(0, 10)
noise ~ HalfNormal(1)
y ~ Normal(level + slope * x, noise)
";

fn regression(y: &[f64]) -> Model {
    let mut data = Data::default();
    data.insert("x", (0..y.len()).map(|i| i as f64).collect::<Vec<_>>());
    data.insert("y", y);
    let program = Program::parse(REGRESSION).expect("it is right");
    program.bind(&data).expect("they fit")
}

const Y: [f64; 6] = [1.1, 2.9, 5.2, 6.8, 9.1, 10.9];

/// Mean and deviation of every element of everything.
fn moments(fit: &Fit) -> Vec<f64> {
    let each = |q: &Quantity| [q.mean(), q.sd()].concat();
    fit.posterior().quantities.iter().flat_map(each).collect()
}

#[test]
fn fits_of_a_reusable_program_do_not_depend_on_those_before() {
    let programs = [
        REGRESSION,
        // Counts, labels, missing values and a recurrence.
        "data y: int[N]\ndata g: label[N]\nm ~ Normal(0, 1)\na ~ Normal(m, 1) ^ g.levels\ny ~ Poisson(exp(a[g]))",
        "data z: real[N]\nphi ~ Uniform(-1, 1)\ns ~ HalfNormal(1)\nfor t in 2..N { z[t] ~ Normal(phi * z[t - 1], s) }",
    ];
    let data = |k: usize| {
        let mut data = Data::default();
        let at = |i: usize| ((i * (k + 3)) as f64 * 0.37).sin();
        data.insert("x", (0..6).map(|i| i as f64 + at(i)).collect::<Vec<_>>());
        let y: Vec<f64> = (0..6).map(|i| (2.0 + 3.0 * at(i)).abs().round()).collect();
        data.insert("y", y);
        data.insert(
            "g",
            ["a", "b", "a", "c", "b", "c"].map(String::from).to_vec(),
        );
        let mut z: Vec<f64> = (0..12).map(|i| 2.0 * at(i)).collect();
        z[5] = f64::NAN;
        data.insert("z", z);
        data
    };
    for text in programs {
        let plain = Program::parse(text).unwrap_or_else(|e| panic!("{e:?}"));
        let shared = plain.clone().reusable();
        let fit = |program: &Program, k: usize| {
            let model = program.bind(&data(k)).unwrap_or_else(|e| panic!("{e:?}"));
            let fit = model
                .fit(&Options::default())
                .unwrap_or_else(|e| panic!("{e:?}"));
            moments(&fit)
        };
        for k in 0..3 {
            let (reused, alone) = (fit(&shared, k), fit(&plain.clone().reusable(), k));
            assert_eq!(reused, alone, "the same bits, whatever was fitted before");
            for (a, b) in reused.iter().zip(&fit(&plain, k)) {
                assert!(
                    (a - b).abs() < 1e-4 * (1.0 + b.abs()),
                    "{text}: {a} is not {b}"
                );
            }
        }
    }
}

#[test]
fn a_refit_compiles_nothing_where_shapes_are_equal() {
    let program = Program::parse(REGRESSION).expect("it is right").reusable();
    let fit = |y: &[f64]| {
        let mut data = Data::default();
        data.insert("x", (0..y.len()).map(|i| i as f64).collect::<Vec<_>>());
        data.insert("y", y);
        let model = program.bind(&data).expect("they fit");
        model.fit(&Options::default()).expect("it has a density");
        model.reuse.len()
    };
    let first = fit(&Y);
    assert!(first > 0);
    assert_eq!(fit(&[2.0, 2.5, 4.1, 7.7, 8.0, 11.3]), first);
    assert!(fit(&[2.0, 2.5, 4.1]) >= first);
}

#[test]
fn what_a_program_holds_crosses_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    fn sent<T: Send + 'static>() {}
    shared::<Program>();
    shared::<Model>();
    shared::<Fit>();
    shared::<Data>();
    shared::<Options>();
    shared::<Error>();
    shared::<Posterior>();
    shared::<Prediction>();
    shared::<elbo::graph::Graph>();
    sent::<LogDensity>();
    sent::<elbo::tape::Tape>();
}

#[test]
fn many_fits_of_one_model_at_once_are_those_one_after_the_other() {
    let model = Arc::new(regression(&Y));
    let fit = |model: &Model, seed: u64| {
        let options = Options {
            seed,
            // Threads of their own beside those of the others.
            threads: 1 + seed as usize % 2,
            ..Options::default()
        };
        model.fit(&options).expect("it can be fitted")
    };
    let one_by_one: Vec<Fit> = (0..8).map(|seed| fit(&model, seed)).collect();
    let spawn = |seed| {
        let model = model.clone();
        thread::spawn(move || fit(&model, seed))
    };
    let running: Vec<_> = (0..8).map(spawn).collect();
    for (alone, running) in one_by_one.iter().zip(running) {
        let together = running.join().expect("no fit panics");
        assert_eq!(
            together.posterior(),
            alone.posterior(),
            "seed {}",
            alone.seed()
        );
        assert_eq!(together.params(), alone.params());
        assert_eq!(together.elbo(), alone.elbo());
    }
}

/// Names with values as JSON writes them.
fn fields(value: &(impl Serialize + ?Sized)) -> String {
    let data = Data::from_serialize(value).unwrap_or_else(|d| panic!("{}", d.message));
    data.to_json().to_string()
}

#[derive(Serialize)]
enum Arm {
    Placebo,
    Dose(f64),
}

#[derive(Serialize)]
struct Row {
    site: Option<&'static str>,
    arm: Arm,
    readings: [f32; 2],
}

#[test]
fn structs_maps_and_records_are_data() {
    let nested = json!({ "n": 3, "x": [[1.5, null], [2, 3]], "ok": true, "who": "NA", "cube": [[[1], [2]]], "none": [] });
    assert_eq!(
        fields(&nested),
        r#"{"n":3,"x":[[1.5,null],[2,3]],"ok":true,"who":"NA","cube":[[[1],[2]]],"none":[]}"#
    );
    assert_eq!(
        fields(&BTreeMap::from([("b", vec![1_u8, 2]), ("a", vec![])])),
        r#"{"a":[],"b":[1,2]}"#
    );
    let row = |site| Row {
        site,
        arm: Arm::Placebo,
        readings: [0.5, 1.0],
    };
    assert_eq!(
        fields(&[row(Some("NA")), row(None)]),
        r#"{"site":["NA",null],"arm":["Placebo","Placebo"],"readings":[[0.5,1],[0.5,1]]}"#
    );
    // What is no number in JSON stays what it is.
    let wide = Data::from_serialize(&BTreeMap::from([("x", [f64::INFINITY, f64::NAN])]));
    let wide = wide.expect("it is data");
    let x = wide
        .get("x")
        .expect("it has a name")
        .numbers()
        .expect("they are numbers");
    assert!(x.data[0] == f64::INFINITY && x.data[1].is_nan() && x.missing.is_empty() && !x.integer);
    // Beyond what doubles hold whole.
    let large = Data::from_serialize(&BTreeMap::from([("x", u64::MAX)])).expect("it is data");
    assert!(
        !large
            .get("x")
            .expect("it has a name")
            .numbers()
            .expect("a number")
            .integer
    );
    // Ragged numbers are told when they are used, as those of files are.
    let ragged = Data::from_serialize(&json!({ "x": [[1], [2, 3]] })).expect("it may be of use");
    let said = ragged
        .get("x")
        .expect("it has a name")
        .numbers()
        .expect_err("no rectangle");
    assert_eq!(
        (said.code, said.message.contains("`x[2]`")),
        ("E0614", true)
    );
}

#[test]
fn what_is_no_data_is_named() {
    let says =
        |value: &dyn Fn() -> Result<Data, elbo::diag::Diagnostic>, code: &str, words: &[&str]| {
            let said = value().expect_err("it is no data");
            assert_eq!(said.code, code, "{}", said.message);
            for word in words {
                assert!(
                    said.message.contains(word),
                    "`{word}` is not in: {}",
                    said.message
                );
            }
        };
    let of = |value: serde_json::Value| Data::from_serialize(&value);
    says(&|| of(json!(3)), "E0608", &["a number"]);
    says(&|| of(json!([1, 2])), "E0608", &["a number as element 1"]);
    says(
        &|| of(json!([[{ "x": 1 }]])),
        "E0608",
        &["a list as element 1"],
    );
    says(
        &|| Data::from_serialize(&BTreeMap::from([(1, 2)])),
        "E0608",
        &["keys"],
    );
    says(
        &|| of(json!({ "x": { "y": 1 } })),
        "E0610",
        &["`x`", "a map"],
    );
    says(
        &|| of(json!({ "x": [1, { "y": 1 }] })),
        "E0610",
        &["`x`", "a map"],
    );
    let dosed = Row {
        site: None,
        arm: Arm::Dose(0.5),
        readings: [0.0; 2],
    };
    says(
        &|| Data::from_serialize(&dosed),
        "E0610",
        &["`arm`", "`Arm::Dose`"],
    );
    says(
        &|| Data::from_serialize(&BTreeMap::from([("x", u128::MAX)])),
        "E0610",
        &["128"],
    );
    says(
        &|| of(json!([{ "x": 1 }, {}])),
        "E0611",
        &["record 2", "`x`"],
    );
    says(
        &|| of(json!([{}, { "x": 1 }])),
        "E0611",
        &["record 1", "`x`", "record 2"],
    );
    says(
        &|| of(json!({ "x": [["a"], ["b", "c"]] })),
        "E0614",
        &["`x[2]` has 2 values"],
    );
    says(
        &|| of(json!({ "x": [[1], 2] })),
        "E0614",
        &["`x[2]` is a single value"],
    );
    #[derive(Serialize)]
    struct Twice {
        x: f64,
        #[serde(flatten)]
        rest: BTreeMap<&'static str, f64>,
    }
    let twice = Twice {
        x: 1.0,
        rest: BTreeMap::from([("x", 2.0)]),
    };
    says(&|| Data::from_serialize(&twice), "E0609", &["`x`"]);
}

#[test]
fn elements_slices_and_matrices_are_values() {
    let numbers = Values::from([1.0, 2.0]);
    assert_eq!(Values::from(vec![1_i32, 2]), numbers);
    assert_eq!(Values::from(&[1_i64, 2][..]), numbers);
    assert_eq!(Values::from(&vec![1_usize, 2]), numbers);
    assert_eq!(Values::from([1_f32, 2.0]), numbers);
    assert_eq!(Values::from(&DVector::from_vec(vec![1.0, 2.0])), numbers);
    assert_eq!(
        Values::from(&DVector::from_vec(vec![1.0, 2.0]).transpose()),
        numbers
    );
    assert_eq!(Values::from(vec!["a".to_string()]), Values::from(["a"]));
    let matrix = DMatrix::from_row_slice(3, 2, &[1, 2, 3, 4, 5, 6]);
    let rows = vec![vec![1_u32, 2], vec![3, 4], vec![5, 6]];
    assert_eq!(Values::from(&matrix), Values::from(rows));
    // A view is read where it lies; a matrix of one column is a matrix.
    assert_eq!(
        Values::from(&matrix.columns(1, 1)),
        Values::from(vec![vec![2], vec![4], vec![6]])
    );
    assert_eq!(Values::from(&matrix.column(1)), Values::from([2, 4, 6]));
    let Values::Text { data, .. } = Values::from(vec![Some("a"), None]) else {
        panic!("texts are text");
    };
    assert_eq!(data, [Some("a".to_string()), None]);
    let Values::Numbers {
        data,
        missing,
        integer,
        boolean,
        ..
    } = Values::from([None, Some(true)])
    else {
        panic!("truth values are numbers");
    };
    assert!(data[0].is_nan() && data[1] == 1.0 && missing == [0] && integer && boolean);
}

#[test]
fn a_refit_begins_where_the_fit_before_ended() {
    let cold = regression(&Y)
        .fit(&Options::default())
        .expect("it can be fitted");
    let from = |params: FitParams| Options {
        from: Some(params),
        ..Options::default()
    };
    let mut newer = Y;
    newer[5] = 11.2;
    let model = regression(&newer);
    let warm = model
        .fit(&from(cold.params().clone()))
        .expect("it can be fitted");
    let anew = model.fit(&Options::default()).expect("it can be fitted");
    assert!(warm.converged());
    // Both are known to a fiftieth of an sd, and have the draws' own error: 1000 of the same noise.
    let distance = |a: &FitParams, b: &FitParams| {
        let sds = a
            .mean
            .iter()
            .zip(&b.mean)
            .zip(&b.sd)
            .map(|((a, b), sd)| ((a - b) / sd).abs());
        sds.fold(0.0, f64::max)
    };
    assert!(distance(warm.params(), anew.params()) < 0.04);
    // More observations, the same latents.
    let longer = regression(&[Y.as_slice(), &[13.0, 15.1]].concat());
    assert!(
        longer
            .fit(&from(cold.params().clone()))
            .expect("it can be fitted")
            .converged()
    );
    // From one family to another.
    let full = Options {
        guide: guide::find("full_rank"),
        ..from(cold.params().clone())
    };
    let full = model.fit(&full).expect("it can be fitted");
    assert!(full.converged() && full.elbo().mean > warm.elbo().mean);
    // No time at all: the earlier fit, and it says so.
    let hurried = Options {
        max_time: Some(Duration::ZERO),
        ..from(cold.params().clone())
    };
    let hurried = model.fit(&hurried).expect("it can be fitted");
    assert!(!hurried.converged());
    assert_eq!(hurried.params(), cold.params());
}

#[test]
fn a_refit_takes_few_steps() {
    let program = Program::parse(
        "data y: real[J]\ndata sigma: real[J]\nmu ~ Normal(0, 5)\ntau ~ HalfCauchy(5)\n\
         for j in 1..J { z[j] ~ Normal(0, 1)\ny[j] ~ Normal(mu + tau * z[j], sigma[j]) }",
    );
    let program = program.expect("it is right");
    let fit = |first: f64, from: Option<FitParams>| {
        let mut data = Data::default();
        data.insert("y", [first, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0]);
        data.insert("sigma", [15, 10, 16, 11, 9, 11, 10, 18]);
        let options = Options {
            from,
            ..Options::default()
        };
        let model = program.bind(&data).expect("they fit");
        model.fit(&options).expect("it can be fitted")
    };
    let before = fit(28.0, None);
    let (anew, warm) = (fit(26.0, None), fit(26.0, Some(before.params().clone())));
    assert!(warm.converged());
    // From nothing 17 in several rounds of ever more draws, from the fit before 5 in one.
    let (few, many) = (warm.details().steps, anew.details().steps);
    assert!(2 * few < many, "{few} and {many}");
}

#[test]
fn a_refit_from_elsewhere_is_refused_or_begins_anew() {
    let model = regression(&Y);
    let cold = model.fit(&Options::default()).expect("it can be fitted");
    let from = |change: &dyn Fn(&mut FitParams)| {
        let mut params = cold.params().clone();
        change(&mut params);
        model.fit(&Options {
            from: Some(params),
            ..Options::default()
        })
    };
    let refused = from(&|p| *p = FitParams::default()).expect_err("there is nothing");
    assert_eq!(refused.diagnostics[0].code, "E0809");
    let refused = from(&|p| p.learned.push(1.0)).expect_err("nothing is learned");
    assert!(
        refused
            .to_string()
            .contains("3 for its latents and 1 that it learns"),
        "{refused}"
    );
    // Where nothing is finite the fit is as without.
    for nowhere in [f64::NAN, 1e308] {
        let anew = from(&|p| (p.guide[2], p.mean[2]) = (nowhere, nowhere));
        assert_eq!(anew.expect("it can be fitted").params(), cold.params());
    }
}

#[test]
fn a_service_answers_whatever_it_is_asked() {
    // Of eight requests one is broken, two are hurried and one or two are cancelled, which may come too late.
    let [fresh, stale, refused] =
        service::run(48, 8, Duration::from_secs(60)).expect("mistakes are answers");
    assert_eq!((fresh + stale, refused), (7, 1));
    assert!(fresh >= 3 && stale >= 1, "{fresh} fresh, {stale} stale");
}

#[test]
fn a_test_of_two_variants_ends_with_the_better_one() {
    let (day, choice) = ab_test::run([0.04, 0.08], 500, 30).expect("it runs");
    assert_eq!(choice, "B");
    assert!(day < 30);
}

#[test]
fn many_fits_hold_the_truth_as_often_as_they_say() {
    let held = many_fits::run(60).expect("it runs");
    // Four standard deviations below 54 of 60, which is what is meant.
    assert!((45..=60).contains(&held), "{held} of 60");
}

#[test]
fn another_sampler_finds_what_the_fit_finds() {
    for (name, fit, drawn) in samplers::run(4000).expect("it runs") {
        assert!(
            (fit[0] - drawn[0]).abs() < 0.35 * drawn[1],
            "{name}: {fit:?} and {drawn:?}"
        );
    }
}

#[test]
fn the_library_builds_for_web_assembly() {
    const TARGET: &str = "wasm32-unknown-unknown";
    let printed = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .output();
    let installed =
        printed.is_ok_and(|p| Path::new(String::from_utf8_lossy(&p.stdout).trim()).exists());
    if !installed {
        eprintln!(
            "{TARGET} is not installed (`rustup target add {TARGET}`), so its build was not tried"
        );
        return;
    }
    let check = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "check",
            "--lib",
            "--no-default-features",
            "--target",
            TARGET,
        ])
        .output();
    let check = check.expect("cargo runs");
    assert!(
        check.status.success(),
        "{}",
        String::from_utf8_lossy(&check.stderr)
    );
}
