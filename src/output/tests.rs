//! Every writer on one small fit, and what can go wrong on the disk.

use super::*;
use std::fs;

fn levels(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|n| (*n).to_owned()).collect())
}

/// A scalar, a labelled 2 by 3 matrix and a counter, in four draws.
fn posterior() -> Posterior {
    let mu = Quantity {
        name: "mu".into(),
        draws: vec![1.0, 2.0, 3.0, 4.0],
        ..Quantity::default()
    };
    let w = Quantity {
        name: "h.w".into(),
        shape: vec![2, 3],
        labels: vec![levels(&["low", "a, b"]), None],
        draws: (0..24).map(f64::from).collect(),
        ..Quantity::default()
    };
    let n = Quantity {
        name: "n".into(),
        shape: vec![1],
        labels: vec![None],
        draws: vec![3.0, 3.0, 3.0, f64::INFINITY],
        integer: true,
        ..Quantity::default()
    };
    let log_p = vec![-1.5, -2.5, f64::NAN, f64::NEG_INFINITY];
    Posterior {
        quantities: vec![mu, w, n],
        draws: 4,
        log_p,
        log_q: vec![-1.0; 4],
    }
}

fn run() -> Run {
    Run {
        model: "eight schools.vi".into(),
        seed: 7,
        elbo: Some(Estimate {
            mean: -31.5,
            se: f64::NAN,
        }),
        converged: true,
        steps: 120,
        seconds: Seconds {
            compile: 0.25,
            fit: 1.0,
            total: 1.5,
        },
        messages: vec![Diagnostic::warning("E0999", "too few draws").help("ask for more")],
        settings: vec![
            ("guide".into(), "mean_field".into()),
            ("draws".into(), 4.into()),
        ],
    }
}

fn written(write: impl Fn(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).expect("memory takes everything");
    String::from_utf8(bytes).expect("output is UTF-8")
}

#[test]
fn draws_run_through_the_first_index_fastest() {
    let text = written(|w| write_draws(w, &posterior(), &run()));
    let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
    let header = "lp__,lp_approx__,mu,h:w.1.1,h:w.2.1,h:w.1.2,h:w.2.2,h:w.1.3,h:w.2.3,n.1";
    assert_eq!(lines[0], header);
    assert_eq!(lines[1], "-1.5,-1,1,0,3,1,4,2,5,3");
    assert_eq!(lines[3], "nan,-1,3,12,15,13,16,14,17,3");
    assert_eq!(lines[4], "-inf,-1,4,18,21,19,22,20,23,inf");
    assert_eq!(lines.len(), 5);
    assert!(text.contains("#     num_samples = 4\n") && text.contains("#   seed = 7\n"));
}

#[test]
fn draws_of_nothing_are_a_header() {
    let text = written(|w| write_draws(w, &Posterior::default(), &Run::default()));
    assert_eq!(
        text.lines()
            .filter(|l| !l.starts_with('#'))
            .collect::<Vec<_>>(),
        [""]
    );
}

#[test]
fn the_summary_has_a_row_for_each_element() {
    let text = written(|w| write_summary(w, &summarise(&posterior().quantities)));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "variable,label,mean,sd,q05,q50,q95");
    assert!(lines[1].starts_with("mu,,2.5,1.29099"), "{}", lines[1]);
    assert!(
        lines[5].starts_with("\"h.w[2, 1]\",\"h.w[a, b, 1]\",12,"),
        "{}",
        lines[5]
    );
    assert!(
        lines[8].starts_with("n[1],,inf,nan,3,3,inf"),
        "{}",
        lines[8]
    );
    assert_eq!(lines.len(), 9);
}

#[test]
fn the_trace_is_three_columns() {
    let point = |step, se| TracePoint {
        step,
        elbo: -12.5,
        se,
    };
    let points = [point(10, Some(0.5)), point(20, None)];
    assert_eq!(
        written(|w| write_trace(w, &points)),
        "step,elbo,se\n10,-12.5,0.5\n20,-12.5,\n"
    );
}

#[test]
fn json_has_its_keys_in_order_and_null_for_what_is_not_finite() {
    let (posterior, run) = (posterior(), run());
    let summaries = summarise(&posterior.quantities);
    let results = Results {
        posterior: &posterior,
        summaries: &summaries,
        run: &run,
        trace: &[],
    };
    let text = written(|w| write_json(w, &results));
    let json: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "elbo",
            "posterior",
            "converged",
            "steps",
            "seconds",
            "messages"
        ]
    );
    assert_eq!(json["elbo"], serde_json::json!({"mean": -31.5, "se": null}));
    assert_eq!(json["posterior"]["mu"]["mean"], serde_json::json!([2.5]));
    assert_eq!(json["posterior"]["mu"].get("labels"), None);
    assert_eq!(json["posterior"]["h.w"]["shape"], serde_json::json!([2, 3]));
    assert_eq!(json["posterior"]["h.w"]["labels"][0][1], "a, b");
    assert_eq!(json["posterior"]["n"]["sd"], serde_json::json!([null]));
    assert_eq!(json["seconds"]["fit"], 1.0);
    assert_eq!(json["messages"][0]["severity"], "warning");
    let fit: serde_json::Value =
        serde_json::from_str(&written(|w| write_fit_json(w, &results))).expect("it is JSON");
    assert_eq!(
        fit["settings"],
        serde_json::json!({"guide": "mean_field", "draws": 4})
    );
    assert_eq!(
        (&fit["seed"], &fit["posterior"]),
        (&7.into(), &json["posterior"])
    );
}

/// Writes the small fit.
fn write_to(folder: &std::path::Path) -> Result<Vec<std::path::PathBuf>, Diagnostic> {
    let (posterior, run) = (posterior(), run());
    let summaries = summarise(&posterior.quantities);
    write_folder(
        folder,
        &Results {
            posterior: &posterior,
            summaries: &summaries,
            run: &run,
            trace: &[],
        },
    )
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<String> = entries
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_folder_holds_the_whole_fit_and_keeps_other_files() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("a/b");
    assert_eq!(write_to(&folder).unwrap().len(), 4);
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    fs::write(folder.join("fit.json"), "old").unwrap();
    write_to(&folder).unwrap();
    let expected = [
        "draws.csv",
        "fit.json",
        "notes.txt",
        "summary.csv",
        "trace.csv",
    ];
    assert_eq!(names(&folder), expected);
    assert!(
        fs::read_to_string(folder.join("fit.json"))
            .unwrap()
            .starts_with('{')
    );
}

#[test]
fn a_path_that_is_a_file_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("out");
    fs::write(&file, "mine").unwrap();
    let found = write_to(&file).unwrap_err();
    assert_eq!(found.code, "E0701");
    assert!(found.message.contains("out"));
    assert_eq!(write_to(&file.join("below")).unwrap_err().code, "E0702");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn a_failed_write_changes_nothing_and_leaves_nothing() {
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join("draws.csv"), "old").unwrap();
    fs::create_dir(temp.path().join("fit.json")).unwrap();
    let found = write_to(temp.path()).unwrap_err();
    assert_eq!(found.code, "E0703");
    assert!(found.message.contains("fit.json"));
    assert_eq!(names(temp.path()), ["draws.csv", "fit.json"]);
    assert_eq!(
        fs::read_to_string(temp.path().join("draws.csv")).unwrap(),
        "old"
    );
}

#[cfg(feature = "cli")]
mod terminal {
    use super::*;

    fn one(name: &str, mean: f64, sd: f64) -> Summary {
        let (q05, q50, q95) = (vec![mean - sd], vec![mean], vec![mean + sd]);
        let (mean, sd, name) = (vec![mean], vec![sd], name.to_owned());
        Summary {
            name,
            mean,
            sd,
            q05,
            q50,
            q95,
            ..Summary::default()
        }
    }

    fn long(name: &str, length: usize) -> Summary {
        let values = vec![1.0; length];
        Summary {
            shape: vec![length],
            mean: values.clone(),
            sd: values.clone(),
            q05: values.clone(),
            q50: values.clone(),
            q95: values,
            ..one(name, 0.0, 1.0)
        }
    }

    fn words(summaries: &[Summary]) -> Vec<Vec<String>> {
        let text = table(summaries, &TableOptions::default());
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
        text.lines().skip(2).map(words).collect()
    }

    #[test]
    fn digits_follow_the_sd() {
        let cases = [
            (1.23456, 0.0123456, "1.2346", "0.0123"),
            (-0.00001, 0.5, "0.000", "0.500"),
            (123456.7, 1234.5, "123457", "1234"),
            (2.5e-9, 1e-9, "2.50e-9", "1.00e-9"),
            (3e12, 1e9, "3.00000e12", "1.00e9"),
            (1.5, 0.0, "1.5000", "0.0000"),
            (1.0, f64::NAN, "1.0000", "–"),
            // The rounding of a constant is no deviation.
            (0.9999999999999999, 1.1e-16, "1.00000", "0.00000"),
            (12345678.0, 10.0, "1.23456780e7", "1.00e1"),
            (0.00003, 0.00001, "3.00e-5", "1.00e-5"),
            (f64::INFINITY, f64::NAN, "∞", "–"),
        ];
        for (mean, sd, shown_mean, shown_sd) in cases {
            let row = &words(&[one("x", mean, sd)])[0];
            assert_eq!(
                (row[1].as_str(), row[2].as_str()),
                (shown_mean, shown_sd),
                "{mean} {sd}"
            );
        }
    }

    #[test]
    fn large_quantiles_are_written_with_an_exponent() {
        let heavy = Summary {
            q95: vec![1e150],
            ..one("x", f64::INFINITY, f64::NAN)
        };
        let row = &words(&[heavy])[0];
        assert_eq!(row[5], "1.0000e150");
    }

    #[test]
    fn only_chosen_rows_are_shown() {
        let some = Summary {
            shown: Some(vec![1, 4]),
            ..long("w", 5)
        };
        let none = Summary {
            shown: Some(Vec::new()),
            ..long("v", 5)
        };
        let rows = words(&[some, none]);
        let names: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(names, ["w[2]", "w[5]"]);
    }

    #[test]
    fn the_table_is_plain_without_colour() {
        let text = table(
            &[one("tau", 10.0, 2.5), one("b", 0.0, 1.0)],
            &TableOptions::default(),
        );
        let expected = [
            "        mean     sd     5 %    50 %    95 %",
            "────────────────────────────────────────────",
            " tau   10.00   2.50    7.50   10.00   12.50",
            " b      0.00   1.00   -1.00    0.00    1.00",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        let bold = TableOptions {
            colour: true,
            ..TableOptions::default()
        };
        assert!(table(&[one("tau", 10.0, 2.5)], &bold).contains('\u{1b}'));
    }

    #[test]
    fn counts_are_shown_whole() {
        let count = Summary {
            integer: true,
            ..one("n", 12.0, 3.0)
        };
        assert_eq!(words(&[count])[0][1..], ["12.00", "3.00", "9", "12", "15"]);
    }

    #[test]
    fn long_arrays_are_cut_and_scalars_stay() {
        let summaries = [
            one("mu", 0.0, 1.0),
            long("z", 1000),
            one("tau", 1.0, 1.0),
            long("w", 5),
        ];
        let options = TableOptions {
            how_to_see_all: "use `--all`".into(),
            ..TableOptions::default()
        };
        let text = table(&summaries, &options);
        // 40 rows, two of header, one to say what is missing.
        assert_eq!(text.lines().count(), 43, "{text}");
        for word in [
            "mu",
            "tau",
            "w[5]",
            "z[1]",
            "z[1000]",
            "… 968 more",
            "968 rows are not shown; use `--all`",
        ] {
            assert!(text.contains(word), "{word}: {text}");
        }
        let all = TableOptions {
            rows: None,
            ..TableOptions::default()
        };
        assert_eq!(table(&summaries, &all).lines().count(), 2 + 1007);
    }

    #[test]
    fn narrow_terminals_get_shorter_names() {
        let summary = Summary {
            shape: vec![1],
            ..one("a_name_much_longer_than_anyone_needs", 1.0, 1.0)
        };
        let options = TableOptions {
            width: Some(60),
            ..TableOptions::default()
        };
        let text = table(&[summary], &options);
        assert!(text.contains('…') && text.contains("needs[1]"), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 60),
            "{text}"
        );
        // Where the numbers do not fit either, quantiles go.
        for (width, columns) in [(45, 4), (36, 2), (20, 1)] {
            let options = TableOptions {
                width: Some(width),
                ..TableOptions::default()
            };
            let text = table(&[one("x", 1.0, 1.0)], &options);
            let header = text.lines().next().unwrap_or("").replace(" %", "%");
            assert_eq!(header.split_whitespace().count(), columns, "{text}");
        }
    }
}
