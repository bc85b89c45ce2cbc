//! Data that stay in their files: fits in batches read the rows of each step, with the results of data in memory.

use elbo::Model;
use elbo::data::{Files, InMemory, ReadAt, Stored, Values, load, load_streaming};
use elbo::diag::{Diagnostic, Sources};
use elbo::infer::{Fit, Method, Options, fit};
use elbo::model::Source;
use elbo::{Data, Program};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An array as NumPy writes it.
fn npy(descr: &str, shape: &[usize], elements: &[u8]) -> Vec<u8> {
    let mut bytes = header(descr, shape);
    bytes.extend_from_slice(elements);
    bytes
}

fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let extents: Vec<String> = shape.iter().map(|n| format!("{n},")).collect();
    let text = format!(
        "{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}\n",
        extents.join(" ")
    );
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

fn doubles(shape: &[usize], numbers: &[f64]) -> Vec<u8> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    npy("<f8", shape, &bytes)
}

/// Numbers that look random.
fn numbers(n: usize) -> Vec<f64> {
    (0..n)
        .map(|i| (i as f64 * 1.7 + 0.3).sin() + 0.5 * (i as f64 * 0.37).cos())
        .collect()
}

const ROWS: usize = 90;

/// `x` of three columns in single precision, `y`, counts `k`, groups `g`.
fn files() -> InMemory {
    let x: Vec<u8> = numbers(3 * ROWS)
        .iter()
        .flat_map(|x| (*x as f32).to_be_bytes())
        .collect();
    let counts: Vec<u8> = (0..ROWS).map(|i| (i % 4) as u8).collect();
    let groups: Vec<u8> = (0..ROWS)
        .flat_map(|i| ((i % 3 + 1) as i16).to_le_bytes())
        .collect();
    InMemory::new([
        ("data/x.npy", npy(">f4", &[ROWS, 3], &x)),
        ("data/y.npy", doubles(&[ROWS], &numbers(ROWS))),
        ("data/k.npy", npy("|u1", &[ROWS], &counts)),
        ("data/g.npy", npy("<i2", &[ROWS], &groups)),
    ])
}

/// What takes more bytes than this stays in its file.
fn streamed(files: &dyn Files, in_memory: u64) -> Data {
    load_streaming(files, Path::new("data"), in_memory, &mut Sources::default())
        .unwrap_or_else(|e| panic!("{e:?}"))
}

fn whole(files: &dyn Files) -> Data {
    load(files, Path::new("data"), &mut Sources::default()).unwrap_or_else(|e| panic!("{e:?}"))
}

fn bind(text: &str, data: &Data) -> Result<Model, Diagnostic> {
    let program = Program::parse(text).unwrap_or_else(|e| panic!("{e}"));
    let bound = program.bind(data);
    bound.map_err(|e| e.diagnostics.into_iter().next().expect("one is told"))
}

fn options() -> Options {
    Options {
        max_steps: Some(600),
        ..Options::default()
    }
}

fn fitted(model: &Model) -> Fit {
    fit(model, &options(), &mut |_| ()).unwrap_or_else(|e| panic!("{e:?}"))
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

/// A regression, groups, latents of the rows with a guide and without, a row's own number.
const ALL: &str = "data x: real[N, P]
data y: real[N]
data k: int[N]
data g: int[N]
beta ~ Normal(0, 1) ^ P
mu ~ Normal(0, 1) ^ 3
tau ~ HalfNormal(1)
let total = sum(beta)
for i in 1..N batch 16 {
  z[i] ~ Normal(0, 1)
  s[i] ~ HalfNormal(1)
  let m = dot(x[i], beta) + mu[g[i]] + z[i] + i / N
  y[i] ~ Normal(m, s[i] + tau)
  k[i] ~ Poisson(exp(0.1 * x[i, 2]))
}
guide {
  param a: real = 0.3
  for i in 1..N { z[i] ~ Normal(a * y[i], 0.5) }
}";

/// Every array in its file, and the largest alone, against all in memory.
#[test]
fn where_data_lie_changes_no_bit() {
    let files = files();
    let held = bind(ALL, &whole(&files)).expect("it binds");
    let of_held = fitted(&held);
    for in_memory in [0, 8 * ROWS as u64] {
        let model = bind(ALL, &streamed(&files, in_memory)).expect("it binds");
        let rows = model.rows.as_ref().expect("it is told its rows");
        let in_files = rows
            .fed
            .iter()
            .filter(|f| matches!(f.source, Source::Stored(_)));
        let stored: Vec<&str> = in_files.map(|f| f.name.as_str()).collect();
        match in_memory {
            0 => assert_eq!(stored, ["x", "y", "k", "g"]),
            _ => assert_eq!(stored, ["x"]),
        }
        let fit = fitted(&model);
        assert_eq!(fit.steps, of_held.steps);
        assert_eq!(bits(&fit.params.guide), bits(&of_held.params.guide));
        assert_eq!(bits(&fit.params.learned), bits(&of_held.params.learned));
        assert_eq!(bits(&[fit.elbo.mean]), bits(&[of_held.elbo.mean]));
        assert_eq!(bits(&fit.posterior.log_p), bits(&of_held.posterior.log_p));
        let names: Vec<&str> = model.quantities.iter().map(|q| q.name.as_str()).collect();
        assert_eq!(names, ["beta", "mu", "tau", "total"]);
        for quantity in &fit.posterior.quantities {
            let same = &of_held.posterior[quantity.name.as_str()];
            assert_eq!(
                bits(&quantity.draws),
                bits(&same.draws),
                "{}",
                quantity.name
            );
        }
    }
}

/// Steps of a recurrence read the row of the batch, not that of the data of the same number.
#[test]
fn recurrences_in_batches_read_their_rows() {
    let text = "data x: real[N, P]
data y: real[N]
a ~ Normal(0, 1)
for i in 1..N batch 7 {
  let h[i, 1] = x[i, 1]
  for t in 2..P { let h[i, t] = a * h[i, t - 1] + x[i, t] }
  y[i] ~ Normal(h[i, P], 1)
}";
    let all = text.replace(" batch 7", "");
    let files = files();
    let options = Options {
        method: Method::Svi,
        ..Options::default()
    };
    let mean = |text: &str, data: &Data| {
        let model = bind(text, data).expect("it binds");
        let fit = fit(&model, &options, &mut |_| ()).expect("it can be fitted");
        assert!(fit.converged, "{}", fit.verdict);
        (fit.params.mean[0], fit.params.sd[0])
    };
    let (exact, sd) = mean(&all, &whole(&files));
    for data in [whole(&files), streamed(&files, 0)] {
        let (found, _) = mean(text, &data);
        // Fits stop where the average moves by 0.02 sds; both may be off by some of these.
        assert!((found - exact).abs() < 0.15 * sd, "{found}, {exact} ± {sd}");
    }
}

/// What is said of data in memory is said of data in files: where, and by the row's own number.
#[test]
fn rows_in_files_are_checked() {
    let text = |distribution: &str| {
        format!(
            "data y: real[N]
data g: int[N]
mu ~ Normal(0, 1) ^ 3
for i in 1..N batch 16 {{ y[i] ~ {distribution} }}"
        )
    };
    let mut files = files();
    let mut y = numbers(ROWS);
    y.iter_mut().for_each(|y| *y = y.abs());
    y[76] = -0.5;
    files.insert("data/y.npy", doubles(&[ROWS], &y));
    let groups: Vec<u8> = (0..ROWS).map(|i| if i == 80 { 4 } else { 1 }).collect();
    files.insert("data/g.npy", npy("|u1", &[ROWS], &groups));
    for (distribution, row) in [
        ("Exponential(exp(mu[1]))", "77"),
        ("Normal(mu[g[i]], 1)", "81"),
    ] {
        let text = text(distribution);
        let held = bind(&text, &whole(&files)).expect_err("a row is wrong");
        let found = bind(&text, &streamed(&files, 0)).expect_err("a row is wrong");
        assert_eq!(found.code, held.code);
        assert!(format!("{held:?}").contains(row), "{held:?}");
        assert!(format!("{found:?}").contains(row), "{found:?}");
    }
    // What is missing is known only when all is read; then it is inferred with its row.
    y[76] = f64::NAN;
    files.insert("data/y.npy", doubles(&[ROWS], &y));
    let text = text("Normal(mu[1], 1)");
    let held = bind(&text, &whole(&files)).expect("a row is missing");
    let found = bind(&text, &streamed(&files, 0)).expect("a row is missing");
    let names = |model: &Model| {
        let batched = model.batched.as_deref().expect("the program has batches");
        let blocks = batched.step.blocks.iter();
        blocks.map(|b| (b.name.clone(), b.size)).collect::<Vec<_>>()
    };
    assert_eq!(names(&found), names(&held));
    assert!(
        names(&found)
            .iter()
            .any(|(name, _)| name.contains("noise of y"))
    );
}

/// Uses beside the loop's own index read the whole array, and then it is as if all were in memory.
#[test]
fn what_is_read_otherwise_is_held() {
    let text = "data x: real[N, P]
data y: real[N]
let centre = mean(y)
beta ~ Normal(0, 1) ^ P
for i in 1..N batch 16 { y[i] ~ Normal(centre + dot(x[i], beta), 1) }";
    let files = files();
    let model = bind(text, &streamed(&files, 0)).expect("it binds");
    let rows = model.rows.as_ref().expect("it is told its rows");
    let names: Vec<&str> = rows.fed.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["x"]);
    let of_held = fitted(&bind(text, &whole(&files)).expect("it binds"));
    let found = fitted(&model);
    assert_eq!(bits(&found.params.guide), bits(&of_held.params.guide));
    // Without batches nothing is streamed.
    let text = text.replace(" batch 16", "");
    let model = bind(&text, &streamed(&files, 0)).expect("it binds");
    assert!(model.rows.is_none() && model.batched.is_none());
    let of_held = fitted(&bind(&text, &whole(&files)).expect("it binds"));
    assert_eq!(
        bits(&fitted(&model).params.guide),
        bits(&of_held.params.guide)
    );
}

#[test]
fn values_of_rows_are_left_out_with_a_note() {
    let program = Program::parse(ALL).expect("it parses");
    let model = program.bind(&streamed(&files(), 0)).expect("it binds");
    let notes = model.notes();
    let codes: Vec<&str> = notes.iter().map(|n| n.code).collect();
    assert_eq!(codes, ["W0605"]);
    for name in ["`z`", "`s`"] {
        assert!(notes[0].message.contains(name), "{}", notes[0].message);
    }
}

#[test]
fn fixed_draws_need_all_rows() {
    let model = bind(ALL, &streamed(&files(), 0)).expect("it binds");
    let options = Options {
        method: Method::Dadvi,
        ..options()
    };
    let found = fit(&model, &options, &mut |_| ()).expect_err("it cannot be fitted");
    assert_eq!(found.code, "E0804");
}

/// An array of single bytes that is nowhere: element `i` is `i mod 251`. After `most` reads it is gone.
#[derive(Debug)]
struct MadeUp {
    header: Vec<u8>,
    length: u64,
    most: usize,
    reads: AtomicUsize,
}

impl ReadAt for MadeUp {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        if self.reads.fetch_add(1, Ordering::Relaxed) >= self.most {
            return Err(io::Error::other("the cable is out"));
        }
        let header = self.header.len() as u64;
        for (k, byte) in into.iter_mut().enumerate() {
            let at = at + k as u64;
            *byte = match self.header.get(at as usize) {
                Some(byte) => *byte,
                None => ((at - header) % 251) as u8,
            };
        }
        Ok(())
    }

    fn length(&self) -> u64 {
        self.length
    }
}

/// One such file.
struct Elsewhere {
    shape: Vec<usize>,
    most: usize,
}

impl Files for Elsewhere {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::OutOfMemory.into())
    }

    fn exists(&self, _: &Path) -> bool {
        true
    }

    fn list(&self, _: &Path) -> io::Result<Vec<String>> {
        Ok(vec!["y.npy".into()])
    }

    fn open(&self, _: &Path) -> io::Result<Arc<dyn ReadAt>> {
        let header = header("|u1", &self.shape);
        let count: usize = self.shape.iter().product();
        Ok(Arc::new(MadeUp {
            length: (header.len() + count) as u64,
            header,
            most: self.most,
            reads: AtomicUsize::new(0),
        }))
    }
}

fn elsewhere(shape: &[usize], most: usize) -> Data {
    let files = Elsewhere {
        shape: shape.to_vec(),
        most,
    };
    load_streaming(&files, Path::new("y.npy"), 1 << 10, &mut Sources::default())
        .unwrap_or_else(|e| panic!("{e:?}"))
}

#[test]
fn what_memory_would_not_hold_is_refused_where_it_is_read() {
    let data = elsewhere(&[1 << 13, (1 << 15) + 1], usize::MAX);
    let text = "data y: real[N, P]
mu ~ Normal(0, 1)
for i in 1..N batch 16 { factor(mu * (mean(y[i]) - mean(y[1]))) }";
    let found = bind(text, &data).expect_err("it is too large");
    assert_eq!(found.code, "E0625", "{found:?}");
    assert_eq!(found.labels.len(), 2);
}

#[test]
fn a_file_that_goes_away_ends_the_fit() {
    let text = "data y: real[N]
mu ~ Normal(0, 1)
for i in 1..N batch 16 { y[i] ~ Normal(100 * mu, 70) }";
    // One read for the header, one for each of the passes that check, and some steps.
    let model = bind(text, &elsewhere(&[5000], 20)).expect("it binds");
    let found = fit(&model, &options(), &mut |_| ()).expect_err("it cannot be read");
    assert_eq!(found.code, "E0805");
    assert!(found.message.contains("the cable is out"), "{found:?}");
    let model = bind(text, &elsewhere(&[5000], usize::MAX)).expect("it binds");
    let fit = fit(&model, &Options::default(), &mut |_| ()).expect("it can be fitted");
    let mean: f64 = (0..5000).map(|i| f64::from(i % 251)).sum::<f64>() / 5000.0;
    // The sd is 0.01; fits stop where the average moves by 0.02 of it, and may be off by some of these.
    let found = fit.params.mean[0];
    assert!(
        fit.converged && (found - mean / 100.0).abs() < 2e-3,
        "{found}, {mean}"
    );
}

#[test]
fn idx_arrays_stay_in_their_files() {
    let mut bytes = vec![0, 0, 0x0b, 2, 0, 0, 0, 40, 0, 0, 0, 2];
    bytes.extend((0..80_i16).flat_map(|i| (i - 3).to_be_bytes()));
    let files = InMemory::new([("data/t.idx", bytes)]);
    let stored = |data: &Data| -> Stored {
        match &data.get("t").expect("it is there").values {
            Values::Stored(stored) => stored.clone(),
            other => panic!("{other:?}"),
        }
    };
    let array = stored(&streamed(&files, 100));
    assert_eq!(
        (array.shape(), array.rows(), array.width()),
        (&[40, 2][..], 40, 2)
    );
    assert_eq!(
        array.range(38..40).expect("it is there"),
        [73.0, 74.0, 75.0, 76.0]
    );
    let refused = streamed(&files, 100)
        .get("t")
        .expect("t")
        .numbers()
        .expect_err("it is not held");
    assert_eq!(refused.code, "E0624");
    let held = whole(&files);
    assert!(held.get("t").expect("it is there").numbers().is_ok());
}

#[test]
fn what_was_not_kept_of_rows_cannot_be_asked_for() {
    let model = bind(ALL, &streamed(&files(), 0)).expect("it binds");
    assert_eq!(
        model.log_density().err().expect("it has none").diagnostics[0].code,
        "E0806"
    );
    let options = Options {
        max_steps: Some(20),
        ..options()
    };
    let fit = model.fit(&options).unwrap_or_else(|e| panic!("{e:?}"));
    let code = |expression| fit.evaluate(expression).unwrap_err().diagnostics[0].code;
    assert_eq!(code("z[1] + mu"), "E0635");
    assert!(fit.evaluate("mu + tau").is_ok());
}
