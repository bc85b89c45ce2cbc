//! Properties of checking and binding: nothing that can be written makes them panic or overflow the
//! stack, whatever the data, and the order of statements carries no meaning.

use elbo::Model;
use elbo::data::{self, Data};
use elbo::diag::{SourceId, Sources};
use elbo::graph::{Tensor, evaluate};
use elbo::{Program, syntax};
use proptest::prelude::*;
use std::path::Path;
use std::{fs, panic};

/// Programs of the cases of a stage, with their data.
fn cases(stage: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(stage);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("the cases are there")
        .flatten()
        .map(|e| e.path())
        .collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "vi"));
    paths.sort();
    let data = |p: &Path| fs::read_to_string(p.with_extension("json")).unwrap_or("{}".into());
    paths
        .iter()
        .map(|p| (fs::read_to_string(p).expect("a case can be read"), data(p)))
        .collect()
}

fn all_cases() -> Vec<(String, String)> {
    [cases("bind"), cases("check")].concat()
}

fn read(json: &str) -> Option<Data> {
    let files = data::InMemory::new([("d.json", json)]);
    data::load(&files, "d.json".as_ref(), &mut Sources::default()).ok()
}

/// Checks a program and binds it; what is found wrong can be shown. A panic is said with the program.
fn exercise(text: &str, json: &str) {
    let done = panic::catch_unwind(|| check_and_bind(text, json));
    assert!(done.is_ok(), "{text}\n---- data\n{json}");
}

fn check_and_bind(text: &str, json: &str) {
    let program = match Program::parse(text) {
        Ok(program) => program,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    if let Some(data) = read(json)
        && let Err(error) = program.bind(&data)
    {
        assert!(!error.to_string().is_empty());
    }
}

/// Words of a program, with every sign and white space between them a word of its own.
fn words(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut from = 0;
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut last = false;
    for (at, c) in text.char_indices() {
        if at > 0 && !(last && in_word(c)) {
            out.push(&text[from..at]);
            from = at;
        }
        last = in_word(c);
    }
    out.push(&text[from..]);
    out
}

/// Names of the entries of a flat JSON object.
fn names(json: &str) -> Vec<&str> {
    json.match_indices("\":")
        .map(|(at, _)| &json[json[..at].rfind('"').map_or(0, |k| k + 1)..at])
        .collect()
}

#[test]
fn programs_without_one_line_are_survived() {
    for (text, json) in &all_cases() {
        let lines: Vec<&str> = text.lines().collect();
        for skip in 0..lines.len() {
            let mut rest = lines.clone();
            rest.remove(skip);
            exercise(&rest.join("\n"), json);
        }
    }
}

#[test]
fn data_of_other_kinds_are_survived() {
    let cases = cases("bind");
    let values = [
        "null",
        "[]",
        "[[1, 2], [3, 4]]",
        "-1",
        "0.5",
        "\"a\"",
        "[1, null]",
        "1e300",
        "true",
    ];
    for (i, (text, json)) in cases.iter().enumerate() {
        let Ok(program) = Program::parse(text) else {
            continue;
        };
        for (name, value) in names(json)
            .iter()
            .flat_map(|n| values.iter().map(move |v| (n, v)))
        {
            let (Some(data), Some(mut all)) =
                (read(json), read(&format!("{{\"{name}\": {value}}}")))
            else {
                continue;
            };
            for kept in data.names().filter(|n| n != name) {
                all.insert_entry(data.get(kept).expect("it is listed").clone());
            }
            if let Err(error) = program.bind(&all) {
                assert!(!error.to_string().is_empty());
            }
        }
        exercise(text, &cases[(i + 1) % cases.len()].1);
    }
}

#[test]
fn depth_fits_the_stack() {
    let n = 150;
    let sum = "x + ".repeat(n);
    let mut programs = vec![
        format!("let a = {}1", "1 + ".repeat(n)),
        format!("let a = {}1{}", "exp(".repeat(n), ")".repeat(n)),
        format!("let a = {}1{}", "[".repeat(60), "]".repeat(60)),
        format!("let a = {}1", "-".repeat(n)),
        format!(
            "let a = {}2 {}",
            "if true { 1 } else { ".repeat(60),
            "}".repeat(60)
        ),
        format!("fn f(x) = {sum}x\nfn g(x) = {sum}f(x)\nlet a = {sum}g(1)\nlet x = 1"),
        "let f = |x| f(x)\nlet a = f(1)".to_string(),
        "let f = |g| g(g)\nlet a = f(f)".to_string(),
    ];
    let chain = |i: usize| format!("let a{} = a{i} + 1\n", i + 1);
    let reversed: String = (0..400).rev().map(chain).collect();
    programs.push(reversed + "let a0 = 1");
    let forward: String = (0..2000).map(chain).collect();
    programs.push(format!("let a0 = 1\n{forward}"));
    for text in &programs {
        exercise(text, "{}");
    }
    for fine in [&programs[0], &programs[programs.len() - 1]] {
        assert!(Program::parse(fine).is_ok());
    }
}

#[test]
fn statements_mean_the_same_in_any_order() {
    let mut count = 0;
    for (text, json) in cases("bind") {
        let (Ok(program), Some(data)) = (Program::parse(&text), read(&json)) else {
            continue;
        };
        let Ok(model) = program.bind(&data) else {
            continue;
        };
        let (ast, _) = syntax::parse(SourceId(0), &text);
        let parts: Vec<&str> = ast
            .statements
            .iter()
            .rev()
            .map(|s| &text[s.span.start as usize..s.span.end as usize])
            .collect();
        let reversed = parts.join("\n");
        let again = Program::parse(&reversed)
            .and_then(|p| p.bind(&data))
            .unwrap_or_else(|e| panic!("{reversed}\n{e}"));
        assert_eq!(model.size(), again.size(), "{reversed}");
        let (a, b) = (log_joint(&model), log_joint(&again));
        // Sums in another order.
        let equal = (a - b).abs() <= 1e-10 * (1.0 + a.abs());
        assert!(equal || a.is_nan() && b.is_nan(), "{a} {b}\n{reversed}");
        count += 1;
    }
    assert!(count >= 40);
}

fn log_joint(model: &Model) -> f64 {
    let value = |n: usize| Tensor::vector((1..=n).map(|k| (k as f64).cos()).collect::<Vec<_>>());
    let blocks = model.blocks.iter();
    let feeds: Vec<_> = blocks.map(|b| (b.input, value(b.size))).collect();
    evaluate(&model.graph, &feeds, &[model.log_joint])[0].data()[0]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_change_to_a_program_makes_it_panic(
        which in 0..1000usize,
        changes in prop::collection::vec((0..10_000usize, 0..10_000usize, any::<bool>()), 1..4),
    ) {
        let all = all_cases();
        let (text, json) = &all[which % all.len()];
        let (own, others) = (words(text), words(&all[(which * 7 + 1) % all.len()].0));
        let mut changed = own.clone();
        for (at, from, from_itself) in changes {
            let source = if from_itself { &own } else { &others };
            changed[at % own.len()] = source[from % source.len()];
        }
        exercise(&changed.concat(), json);
    }
}
