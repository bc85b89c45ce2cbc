//! Files as text, and what is read from them or said about them.

use super::*;
use crate::diag::{Diagnostic, Sources, render};
use proptest::prelude::*;

/// Reads one file; the name's extension gives the format.
pub(super) fn read(name: &str, content: impl Into<Vec<u8>>) -> Result<Data, Diagnostics> {
    load(
        &InMemory::new([(name, content)]),
        Path::new(name),
        &mut Sources::default(),
    )
}

fn json(content: &str) -> Data {
    read("d.json", content).expect("the file is good")
}

fn csv(content: &str) -> Data {
    read("d.csv", content).expect("the file is good")
}

/// The only error of a bad file.
pub(super) fn error(name: &str, content: impl Into<Vec<u8>>) -> Diagnostic {
    let mut errors = read(name, content).expect_err("the file is bad");
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.remove(0)
}

/// Checks the code and that the message holds all of the words.
pub(super) fn says(found: &Diagnostic, code: &str, words: &[&str]) {
    assert_eq!(found.code, code, "{found:?}");
    for word in words {
        assert!(
            found.message.contains(word),
            "`{word}` is not in: {}",
            found.message
        );
    }
}

/// A disk that shows a file and refuses to read it.
struct Locked;

impl Files for Locked {
    fn read(&self, _path: &Path) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::PermissionDenied.into())
    }

    fn exists(&self, _path: &Path) -> bool {
        true
    }

    fn list(&self, _folder: &Path) -> std::io::Result<Vec<String>> {
        Ok(vec!["d.json".into()])
    }
}

#[test]
fn a_file_that_is_refused_is_told_with_the_reason() {
    let found = load(&Locked, Path::new("d.json"), &mut Sources::default());
    let errors = found.expect_err("nothing was read");
    assert_eq!(errors.len(), 1, "{errors:?}");
    says(&errors[0], "E0603", &["`d.json`", "permission denied"]);
}

pub(super) fn numbers(data: &Data, name: &str) -> (Vec<usize>, Vec<f64>, Vec<usize>, bool, bool) {
    let n = data
        .get(name)
        .expect("the name is there")
        .numbers()
        .expect("it is numeric");
    (
        n.shape.to_vec(),
        n.data.to_vec(),
        n.missing.to_vec(),
        n.integer,
        n.boolean,
    )
}

fn texts(data: &Data, name: &str) -> Vec<Option<String>> {
    match &data.get(name).expect("the name is there").values {
        Values::Text { data, .. } => data.clone(),
        other => panic!("not text: {other:?}"),
    }
}

fn some(words: &[&str]) -> Vec<Option<String>> {
    words.iter().map(|w| Some((*w).to_owned())).collect()
}

#[test]
fn json_scalars_and_arrays() {
    let data =
        json(r#"{"N": 3, "s": 2.5, "x": [[1, 2, 3], [4, 5, 6.5]], "b": [true, false], "e": []}"#);
    assert_eq!(data.names().collect::<Vec<_>>(), ["N", "s", "x", "b", "e"]);
    assert_eq!(
        numbers(&data, "N"),
        (vec![], vec![3.0], vec![], true, false)
    );
    assert_eq!(
        numbers(&data, "s"),
        (vec![], vec![2.5], vec![], false, false)
    );
    assert_eq!(numbers(&data, "x").0, [2, 3]);
    assert_eq!(numbers(&data, "x").1, [1.0, 2.0, 3.0, 4.0, 5.0, 6.5]);
    assert_eq!(
        numbers(&data, "b"),
        (vec![2], vec![1.0, 0.0], vec![], true, true)
    );
    assert_eq!(numbers(&data, "e"), (vec![0], vec![], vec![], true, false));
}

#[test]
fn json_arrays_without_values_keep_their_shape() {
    let data = json(r#"{"a": [[], []], "b": [[[1], [2]], [[3], [4]], [[5], [6]]]}"#);
    assert_eq!(numbers(&data, "a").0, [2, 0]);
    assert_eq!(numbers(&data, "b").0, [3, 2, 1]);
}

#[test]
fn json_missing_values_are_not_nan() {
    let data = json(r#"{"y": [1, null, "NA", NaN, "NaN", -Infinity, "Inf"]}"#);
    let (shape, values, missing, integer, _) = numbers(&data, "y");
    assert_eq!((shape, missing, integer), (vec![7], vec![1, 2], false));
    assert!(values[1..5].iter().all(|x| x.is_nan()));
    assert_eq!(values[5..], [f64::NEG_INFINITY, f64::INFINITY]);
}

#[test]
fn json_missing_integers_are_still_integers() {
    assert!(numbers(&json(r#"{"y": [1, null, NaN, 4]}"#), "y").3);
    assert!(!numbers(&json(r#"{"y": [1, 2.0]}"#), "y").3);
    assert!(!numbers(&json(r#"{"y": [9007199254740993]}"#), "y").3);
}

#[test]
fn json_text_that_looks_like_a_literal_is_left_alone() {
    let data = json(r#"{"u": ["a NaN, b", "Infinity]", "\"NaN\" \u00e9", "NaN"], "NaN": "x"}"#);
    assert_eq!(
        texts(&data, "u"),
        some(&["a NaN, b", "Infinity]", "\"NaN\" é", "NaN"])
    );
    assert_eq!(texts(&data, "NaN"), some(&["x"]));
    assert_eq!(
        texts(&json(r#"{"u": ["a", null, "NA", "b"]}"#), "u")
            .iter()
            .flatten()
            .count(),
        2
    );
}

#[test]
fn json_ragged_rows_are_kept_and_reported_when_used() {
    let data = json("{\"x\": [[1, 2], [3, 4],\n [5]]}");
    let entry = data.get("x").unwrap();
    let Values::Ragged {
        index,
        length,
        expected,
        lengths,
        data: flat,
    } = &entry.values
    else {
        panic!("{entry:?}")
    };
    assert_eq!((index.as_slice(), *length, *expected), (&[3][..], 1, 2));
    assert_eq!((lengths.as_slice(), flat.len()), (&[2, 2, 1][..], 5));
    says(
        &entry.numbers().unwrap_err(),
        "E0614",
        &["`x`", "`x[3]` has 1 value", "2", "d.json"],
    );
    let deep = json(r#"{"x": [[[1], [2]], [[3], [4, 5]]]}"#);
    says(
        &deep.get("x").unwrap().numbers().unwrap_err(),
        "E0614",
        &["`x[2, 2]` has 2 values"],
    );
}

#[test]
fn json_mixed_arrays_are_reported_when_numbers_are_needed() {
    let data = json(r#"{"x": [1, "NA", "two", 3]}"#);
    assert_eq!(
        texts(&data, "x"),
        vec![Some("1".into()), None, Some("two".into()), Some("3".into())]
    );
    let found = data.get("x").unwrap().numbers().unwrap_err();
    says(&found, "E0615", &["array `x`", "`two`", "`x[3]`", "d.json"]);
    assert_eq!(found.labels.len(), 2);
    says(
        &json(r#"{"x": ["a"]}"#)
            .get("x")
            .unwrap()
            .numbers()
            .unwrap_err(),
        "E0619",
        &["`a`"],
    );
}

#[test]
fn json_mistakes_are_named_with_line_and_column() {
    let cases = [
        (
            "{\"a\": 1,\n \"b\": 2,}",
            "line 2, column 8",
            "nothing follows this comma",
        ),
        (
            "{\"a\": 1 \"b\": 2}",
            "line 1, column 9",
            "expected `,` or `}`, found a text",
        ),
        (
            "{\"a\": [1, 2",
            "line 1, column 7",
            "this array is never closed",
        ),
        (
            "{\"a\": 1",
            "line 1, column 1",
            "this object is never closed",
        ),
        ("{\"a\" 1}", "line 1, column 6", "expected `:`"),
        ("{a: 1}", "line 1, column 2", "double quotes"),
        ("{\"a\": 'x'}", "line 1, column 7", "single quote"),
        ("{\"a\": .5}", "line 1, column 7", "found .5"),
        ("{\"a\": 007}", "line 1, column 7", "found 007"),
        ("{\"a\": \"x}", "line 1, column 7", "no closing quote"),
        ("{\"a\": \"\\q\"}", "line 1, column 7", "escape"),
        ("{\"a\": 1} 2", "line 1, column 10", "end of the file"),
        ("{\"é\": ü}", "line 1, column 7", "found ü"),
        ("{\"a\": 1 // one\n}", "line 1, column 9", "comment"),
    ];
    for (content, place, what) in cases {
        let found = error("d.json", content);
        says(&found, "E0607", &["`d.json`", place, what]);
        assert_eq!(found.labels.len(), 1);
    }
}

#[test]
fn json_of_the_wrong_form_is_refused() {
    says(&error("d.json", "[1, 2]"), "E0608", &["d.json", "an array"]);
    says(
        &error("d.json", "{\"a\": 1,\n\"a\": 2}"),
        "E0609",
        &["`a`", "line 2"],
    );
    says(
        &error("d.json", r#"{"a": [{"b": 1}]}"#),
        "E0610",
        &["`a`", "object"],
    );
    says(
        &error("d.json", r#"{"a": [[1], 2]}"#),
        "E0614",
        &["`a[2]` is a single value"],
    );
    says(
        &error("d.json", r#"{"a": [1, [2]]}"#),
        "E0614",
        &["`a[2]` is an array"],
    );
    says(
        &error("d.json", r#"{"a": [["x"], []]}"#),
        "E0614",
        &["`a[2]` has 0 values"],
    );
    says(
        &error("d.json", r#"{"a": [1, -1e999]}"#),
        "E0616",
        &["`-1e999`", "`a[2]`"],
    );
    let deep = format!("{{\"a\": {}", "[".repeat(100_000));
    says(&error("d.json", deep), "E0614", &["nested too deeply"]);
}

#[test]
fn csv_columns_have_types() {
    let data = csv(
        "\u{feff}# made by hand\n\nid, y ,grp,ok\n1,2.5,a,true\n2,NA,\"b, \"\"c\"\"\",false\n3,,,TRUE\n",
    );
    assert_eq!(data.names().collect::<Vec<_>>(), ["id", "y", "grp", "ok"]);
    assert_eq!(
        numbers(&data, "id"),
        (vec![3], vec![1.0, 2.0, 3.0], vec![], true, false)
    );
    assert_eq!(numbers(&data, "y").2, [1, 2]);
    assert_eq!(
        texts(&data, "grp"),
        [Some("a".into()), Some("b, \"c\"".into()), None]
    );
    assert_eq!(
        numbers(&data, "ok"),
        (vec![3], vec![1.0, 0.0, 1.0], vec![], true, true)
    );
}

#[test]
fn csv_delimiters_and_line_ends_are_found_out() {
    for content in [
        "a;b\r\n1;2\r\n\r\n3;4",
        "a\tb\n1\t2\n3\t4\n",
        "a,b\n1,2\n3,4",
    ] {
        assert_eq!(numbers(&csv(content), "b").1, [2.0, 4.0], "{content:?}");
    }
    assert_eq!(numbers(&csv("a\n1\n2\n"), "a").1, [1.0, 2.0]);
    assert_eq!(numbers(&csv("\"x;y\",b\n1,2\n"), "b").1, [2.0]);
    assert_eq!(
        numbers(&read("d.tsv", "a\tb\n1\t2\n").unwrap(), "b").1,
        [2.0]
    );
}

#[test]
fn csv_row_names_without_a_header_name_are_left_out() {
    let data = csv("\"\",\"y\"\n\"1\",5\n\"2\",6\n");
    assert_eq!(data.names().collect::<Vec<_>>(), ["y"]);
}

#[test]
fn csv_indexed_columns_gather_where_complete() {
    let data = csv(
        "x.2,x.1,\"m[1,1]\",\"m[1,2]\",\"m[2,1]\",\"m[2,2]\",z.1,z.3\n20,10,1,2,3,NA,5,6\n21,11,4,5,6,7,5,6\n",
    );
    assert_eq!(data.names().collect::<Vec<_>>(), ["x", "m", "z.1", "z.3"]);
    assert_eq!(
        numbers(&data, "x"),
        (
            vec![2, 2],
            vec![10.0, 20.0, 11.0, 21.0],
            vec![],
            true,
            false
        )
    );
    let (shape, values, missing, ..) = numbers(&data, "m");
    assert_eq!((shape, missing), (vec![2, 2, 2], vec![3]));
    assert_eq!(values[4..], [4.0, 5.0, 6.0, 7.0]);
    assert_eq!(csv("x,x.1,x.2\n1,2,3\n").names().count(), 3);
    assert_eq!(csv("x.1,x.2\n1,a\n").names().count(), 2);
}

#[test]
fn csv_text_among_numbers_is_reported_when_numbers_are_needed() {
    let data = csv("# c\na,y\n1,007\n\n2,3\n3,4.5x\n4,5\n");
    assert_eq!(texts(&data, "y"), some(&["007", "3", "4.5x", "5"]));
    let found = data.get("y").unwrap().numbers().unwrap_err();
    says(
        &found,
        "E0615",
        &["column `y`", "`4.5x`", "row 3 (line 6)", "d.csv"],
    );
    let comma = csv("y;z\n1,5;2\n3;4\n");
    let found = comma.get("y").unwrap().numbers().unwrap_err();
    assert_eq!(found.help.as_deref(), Some("write decimals with a point"));
}

#[test]
fn csv_labels_point_at_the_cell() {
    let content = "a,y\n\"q,\"\"\",1\n3,\"oops\"\n";
    let mut sources = Sources::default();
    let data = load(
        &InMemory::new([("d.csv", content)]),
        Path::new("d.csv"),
        &mut sources,
    )
    .unwrap();
    let found = data.get("y").unwrap().numbers().unwrap_err();
    assert_eq!(sources.snippet(found.labels[0].span), "\"oops\"");
    assert_eq!(sources.snippet(found.labels[1].span), "1");
    assert_eq!(
        sources.snippet(data.get("y").unwrap().origin.span.unwrap()),
        "y"
    );
    assert!(render(&vec![found], &sources, false).contains("oops"));
}

#[test]
fn csv_mistakes_are_named_with_row_and_column() {
    says(
        &error("d.csv", "a,b\n1,2\n\n3\n"),
        "E0611",
        &["row 2 (line 4)", "1 field,", "2"],
    );
    says(
        &error("d.csv", "a,b\r\n1,2\r\n3,4,5\r\n"),
        "E0611",
        &["row 2 (line 3)", "3 fields"],
    );
    says(&error("d.csv", "1,2\n3,4\n"), "E0612", &["`1`"]);
    says(
        &error("d.csv", "a,b,a\n1,2,3\n"),
        "E0609",
        &["columns", "`a`"],
    );
    says(
        &error("d.csv", "a,b\n1,2\n3,\"x\n4,5\n"),
        "E0613",
        &["row 2", "line 3"],
    );
    says(&error("d.csv", "a,\"b\n1,2\n"), "E0613", &["the header"]);
    says(
        &error("d.csv", "a,b\n1,2\n\"5\" pipe,28\n"),
        "E0613",
        &["row 2 (line 3)", "follows the closing quote"],
    );
    says(
        &error("d.csv", "a,b\n1,2\n3,1e999\n"),
        "E0616",
        &["`1e999`", "column `b`", "row 2 (line 3)"],
    );
    says(&error("d.csv", "# only\n# comments\n"), "E0604", &["d.csv"]);
    assert_eq!(
        texts(&csv("h\n12e4567\nabc\n"), "h"),
        some(&["12e4567", "abc"])
    );
}

#[test]
fn files_that_are_not_text_are_named_for_what_they_are() {
    says(&error("d.json", ""), "E0604", &["d.json"]);
    says(&error("d.csv", " \n\n"), "E0604", &["d.csv"]);
    says(
        &error("d.csv", b"\x1f\x8b\x08\x00".to_vec()),
        "E0605",
        &["gzip"],
    );
    says(
        &error("d.csv", b"a,b\n1,\x00".to_vec()),
        "E0605",
        &["binary"],
    );
    says(
        &error("d.csv", b"a,b\n1,M\xfcller\n".to_vec()),
        "E0605",
        &["0xFC", "line 2"],
    );
    says(&error("d.xlsx", "x"), "E0606", &["`.xlsx`"]);
    says(&error("d", "x"), "E0606", &["no extension"]);
}

#[test]
fn files_that_cannot_be_opened_say_what_there_is() {
    let files = InMemory::new([("in/schools.json", "{}"), ("in/model.vi", "")]);
    let open = |path: &str| load(&files, Path::new(path), &mut Sources::default()).unwrap_err();
    let found = &open("in/shcools.json")[0];
    says(found, "E0601", &["in/shcools.json"]);
    assert!(
        found
            .help
            .as_ref()
            .unwrap()
            .contains("did you mean `in/schools.json`?")
    );
    assert!(
        open("in/wholly-different.csv")[0]
            .help
            .as_ref()
            .unwrap()
            .contains("`schools.json`")
    );
    let none = InMemory::new([("in/model.vi", "")]);
    let found = load(&none, Path::new("in"), &mut Sources::default()).unwrap_err();
    says(&found[0], "E0602", &["`in` holds no data"]);
}

#[test]
fn the_disk_gives_the_same_answers() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("d.csv"), "a\n1\n").unwrap();
    let open = |path: PathBuf| load(&Disk, &path, &mut Sources::default());
    assert_eq!(
        numbers(&open(folder.path().join("d.csv")).unwrap(), "a").1,
        [1.0]
    );
    assert_eq!(
        numbers(&open(folder.path().into()).unwrap(), "a").1,
        [1.0],
        "the folder's files are read"
    );
    let found = &open(folder.path().join("f.csv")).unwrap_err()[0];
    says(found, "E0601", &["f.csv"]);
    assert!(found.help.as_ref().unwrap().contains("d.csv"));
}

#[test]
fn large_files_are_quoted_instead_of_shown() {
    let mut content = String::from("a,b\n");
    content.push_str(&"1,2\n".repeat(300_000));
    content.push_str("17,18,19\n");
    let found = error("d.csv", content);
    says(
        &found,
        "E0611",
        &["row 300001 (line 300002)", "near `17,18,19`"],
    );
    assert!(found.labels.is_empty());
}

#[test]
fn the_model_finds_the_file_beside_it() {
    let model = Path::new("m/eight.vi");
    let find = |names: &[&str]| beside(&InMemory::new(names.iter().map(|n| (*n, ""))), model);
    assert_eq!(
        find(&["m/eight.csv", "m/eight.json", "m/data.json"]),
        Some("m/eight.json".into())
    );
    assert_eq!(
        find(&["m/eight.csv", "m/data.json"]),
        Some("m/eight.csv".into())
    );
    assert_eq!(find(&["m/data.csv"]), Some("m/data.csv".into()));
    assert_eq!(find(&["eight.json"]), None);
}

#[test]
fn two_files_may_not_give_one_name_but_set_may() {
    let mut data = json(r#"{"a": 1, "b": 2}"#);
    let other = read("e.csv", "b\n1\n").unwrap();
    let errors = data.clone().merge(other.clone()).unwrap_err();
    says(&errors[0], "E0617", &["`b`", "d.json", "e.csv"]);
    let mut sources = Sources::default();
    data.merge(set("b=7", &mut sources).unwrap()).unwrap();
    data.merge(other).unwrap();
    assert_eq!(numbers(&data, "b").1, [7.0]);
    data.merge(set("b=8", &mut sources).unwrap()).unwrap();
    assert_eq!(numbers(&data, "b").1, [8.0]);
    assert_eq!(data.names().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn set_takes_json_and_bare_words() {
    let read = |option: &str| set(option, &mut Sources::default());
    let good = |option: &str| read(option).unwrap();
    assert_eq!(numbers(&good("a = 2.5"), "a").1, [2.5]);
    assert_eq!(numbers(&good("a=[[1,2],[3,4]]"), "a").0, [2, 2]);
    assert_eq!(
        numbers(&good("a=true"), "a"),
        (vec![], vec![1.0], vec![], true, true)
    );
    assert_eq!(numbers(&good("a=NA"), "a").2, [0]);
    assert_eq!(numbers(&good("a=-Inf"), "a").1, [f64::NEG_INFINITY]);
    assert_eq!(texts(&good("unit=km"), "unit"), some(&["km"]));
    assert_eq!(
        texts(&good("unit=two words = \"x\""), "unit"),
        some(&["two words = \"x\""])
    );
    for bad in ["a", "=3", "a=", "a=[1,2", "a=\"x"] {
        says(&read(bad).unwrap_err()[0], "E0618", &["--set", bad]);
    }
    says(&read("a=1e999").unwrap_err()[0], "E0616", &["1e999"]);
    says(&read("a={}").unwrap_err()[0], "E0610", &["`a`"]);
}

#[test]
fn values_come_from_rust() {
    let mut data = Data::default();
    data.insert("m", vec![vec![1.0, 2.0], vec![3.0, f64::NAN]]);
    data.insert("r", vec![vec![1.0, 2.0], vec![3.0]]);
    data.insert("t", &["a", "b"][..]);
    data.insert("s", 1.5);
    assert_eq!(numbers(&data, "m").0, [2, 2]);
    assert!(numbers(&data, "m").3 && !numbers(&data, "s").3);
    says(
        &data.get("r").unwrap().numbers().unwrap_err(),
        "E0614",
        &["`r[2]`", "the program"],
    );
    let found = data
        .insert_numbers("x", vec![2, 2], vec![0.0; 3])
        .unwrap_err();
    says(&found, "E0620", &["`x`", "3 values", "2 x 2"]);
    assert!(
        data.insert_numbers("x", vec![usize::MAX, 2], vec![0.0; 3])
            .is_err()
    );
}

/// Pieces that files are made of, so that random files get past the first byte.
fn debris() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"a\":", "1", "-", "1e400", "NaN", "null",
        "\\", "\\u12", "\n", "\r", ";", "\t", "a", "x.1", "x.2", "x[1]", "é", "#", " ", "NA",
    ];
    let word = proptest::sample::select(words.to_vec());
    proptest::collection::vec(word, 0..60).prop_map(|words| words.concat().into_bytes())
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(
        bytes in prop_oneof![proptest::collection::vec(any::<u8>(), 0..300), debris()],
    ) {
        for name in ["d.json", "d.csv", "d.tsv"] {
            let files = InMemory::new([(name, bytes.clone())]);
            let mut sources = Sources::default();
            let found = match load(&files, Path::new(name), &mut sources) {
                Ok(data) => data.entries().iter().filter_map(|e| e.numbers().err()).collect(),
                Err(found) => found,
            };
            render(&found, &sources, false);
        }
        if let Ok(option) = std::str::from_utf8(&bytes) {
            let _ = set(option, &mut Sources::default());
        }
    }

    #[test]
    fn json_numbers_come_back_bit_for_bit(values in proptest::collection::vec(-1e300..1e300, 1..20)) {
        let written: Vec<f64> = values;
        let content = format!("{{\"y\": {}}}", serde_json::to_string(&written).unwrap());
        prop_assert_eq!(numbers(&json(&content), "y").1, written.clone());
        let rows: String = written.iter().map(|x| format!("{x}\n")).collect();
        prop_assert_eq!(numbers(&csv(&format!("y\n{rows}")), "y").1, written);
    }
}
