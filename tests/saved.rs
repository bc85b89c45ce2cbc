//! Saved fits: what is read is what was written, and what is damaged is told.

use elbo::data::{self, InMemory, Values};
use elbo::{Data, Fit, Host, Options, Program};
use std::sync::Arc;

/// A fit with labels, missing values, texts, truth values and modules.
fn fit() -> Fit {
    let files = InMemory::new([
        (
            "m/model.vi",
            "import \"lib/priors.vi\"\nimport glm\ndata y: real[N]\ndata g: label[N]\ndata b: bool[N]\n\
             sigma ~ priors.scale()\nfor k in g.levels { a[k] ~ Normal(0, 2) }\n\
             for i in 1..N { y[i] ~ Normal(a[g[i]] + (if b[i] { 1 } else { 0 }), sigma) }\nlet d = a[2] - a[1]",
        ),
        ("m/lib/priors.vi", "fn scale() = HalfNormal(1)"),
        (
            "data.json",
            r#"{"y": [1.25, null, 0.1, 3e-7, 2.0, 1.5], "g": ["é", "b b", "é", "a/c", "b b", "a/c"],
                "b": [true, false, true, true, false, false]}"#,
        ),
    ]);
    let program = Host::new(Arc::new(files.clone()))
        .load("m/model.vi")
        .unwrap_or_else(|e| panic!("{e:?}"));
    let data = data::load(&files, "data.json".as_ref(), &mut Default::default()).expect("data");
    let model = program.bind(&data).unwrap_or_else(|e| panic!("{e:?}"));
    let options = Options {
        seed: 5,
        draws: 200,
        ..Options::default()
    };
    model.fit(&options).unwrap_or_else(|e| panic!("{e:?}"))
}

#[test]
fn what_is_read_is_what_was_written() {
    let fit = fit();
    let bytes = fit.to_bytes();
    let again = Fit::from_bytes("again.elbo", &bytes).unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(fit.posterior(), again.posterior());
    assert_eq!(fit.details().params, again.details().params);
    assert_eq!(fit.details().trace, again.details().trace);
    assert_eq!(fit.elbo(), again.elbo());
    assert_eq!(fit.verdict(), again.verdict());
    assert_eq!(fit.messages(), again.messages());
    assert_eq!((fit.seed(), fit.run()), (again.seed(), again.run()));
    assert_eq!(fit.fingerprint(), again.fingerprint());
    // Nothing is lost the second time either, and nothing of the clock is in it.
    assert_eq!(again.to_bytes(), bytes);
    let same = |expression| {
        let values = [&fit, &again].map(|f| f.evaluate(expression));
        let [a, b] = values.map(|v| v.unwrap_or_else(|e| panic!("{expression}: {e:?}")));
        assert_eq!(a, b, "{expression}");
    };
    for expression in ["d", "a[1] * sigma", "y[2]", "sum(b)", "g[3] == 3"] {
        same(expression);
    }
    // NaN, of what is missing, is no number that equals itself.
    let shown = |fit: &Fit| {
        let replicates = fit.predict(&Data::default()).unwrap();
        format!(
            "{:?}",
            (
                fit.log_likelihood().unwrap(),
                replicates.observed,
                replicates.latents
            )
        )
    };
    assert!(shown(&fit) == shown(&again));
}

#[test]
fn values_that_are_not_finite_are_kept() {
    // Half of the guide's draws lie where the density is 0.
    let program =
        Program::parse("x ~ Normal(0, 1)\nfactor if x > 0 { 0 } else { -infinity() }").unwrap();
    let options = Options {
        max_steps: Some(3),
        ..Options::default()
    };
    let Ok(fit) = program.bind(&Data::default()).unwrap().fit(&options) else {
        panic!("it has a density at some points");
    };
    assert_eq!(fit.elbo().mean, f64::NEG_INFINITY);
    let again = Fit::from_bytes("x.elbo", &fit.to_bytes()).unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!(again.elbo(), fit.elbo());
    let bits =
        |fit: &Fit| -> Vec<u64> { fit.posterior().log_p.iter().map(|x| x.to_bits()).collect() };
    assert_eq!(bits(&fit), bits(&again));
}

#[test]
fn what_is_damaged_is_told_and_never_misread() {
    let fit = fit();
    let whole = fit.to_bytes();
    let code = |bytes: &[u8]| match Fit::from_bytes("part.elbo", bytes) {
        Ok(_) => None,
        Err(error) => Some(error.diagnostics[0].code),
    };
    for length in (0..whole.len()).step_by(whole.len() / 40) {
        assert_eq!(
            code(&whole[..length]),
            Some("E0649"),
            "{length} of {}",
            whole.len()
        );
    }
    assert_eq!(code(b"mu ~ Normal(0, 1)"), Some("E0649"));
    for at in (0..whole.len()).step_by(211) {
        let mut other = whole.clone();
        other[at] ^= 0x20;
        // Bytes that say nothing of the content (a date) may differ.
        if let Ok(read) = Fit::from_bytes("other.elbo", &other) {
            assert_eq!(read.posterior(), fit.posterior(), "byte {at}");
            assert_eq!(read.program().text(), fit.program().text(), "byte {at}");
        }
    }
}

#[test]
fn data_with_the_same_values_have_the_same_fingerprint() {
    let program = Program::parse("data y: real[N]\nmu ~ Normal(0, 1)\ny ~ Normal(mu, 1)").unwrap();
    let fingerprint = |values: Values| {
        let mut data = Data::default();
        data.insert("y", values);
        let model = program.bind(&data).unwrap();
        model.fit(&Options::default()).unwrap().fingerprint()
    };
    let first = fingerprint([1.0, 2.0].into());
    assert_eq!(first.len(), 64);
    assert_eq!(first, fingerprint([1.0, 2.0].into()));
    assert_ne!(first, fingerprint([1.0, 2.5].into()));
    assert_ne!(first, fingerprint([1.0, 2.0, 0.0].into()));
}
