//! Bad programs, bad data and bad command lines through the real binary: each ends with the right exit
//! code and a message that names the mistake, never with a panic or a hang.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A program that is good with [`DATA`].
const MODEL: &str = "data y: real[N]\nmu ~ Normal(0, 10)\ny ~ Normal(mu, 1)\n";
const DATA: &str = r#"{"y": [1, 2, 3]}"#;

/// Exit codes.
const WRONG: i32 = 1;
const USAGE: i32 = 2;
const UNTRUSTED: i32 = 3;

/// A file name and its bytes.
type File = (&'static str, Vec<u8>);

struct Case {
    name: &'static str,
    files: Vec<File>,
    args: Vec<&'static str>,
    exit: i32,
    /// What standard error contains.
    says: &'static str,
}

fn case(
    name: &'static str,
    files: Vec<File>,
    args: &[&'static str],
    exit: i32,
    says: &'static str,
) -> Case {
    let args = args.to_vec();
    Case {
        name,
        files,
        args,
        exit,
        says,
    }
}

fn file(name: &'static str, content: impl Into<Vec<u8>>) -> File {
    (name, content.into())
}

/// A bad program, with good data beside it.
fn program(name: &'static str, text: impl Into<Vec<u8>>, says: &'static str) -> Case {
    let files = vec![file("m.vi", text), file("m.json", DATA)];
    case(name, files, &["fit", "m.vi"], WRONG, says)
}

/// The good program with a bad data file, which is named.
fn data(
    name: &'static str,
    file_name: &'static str,
    text: impl Into<Vec<u8>>,
    says: &'static str,
) -> Case {
    let files = vec![file("m.vi", MODEL), file(file_name, text)];
    case(
        name,
        files,
        &["fit", "m.vi", "--data", file_name],
        WRONG,
        says,
    )
}

/// The good program and data with a bad command line.
fn line(name: &'static str, args: &[&'static str], exit: i32, says: &'static str) -> Case {
    let files = vec![file("m.vi", MODEL), file("m.json", DATA)];
    case(name, files, args, exit, says)
}

/// Points for the good program.
fn points(name: &'static str, text: impl Into<Vec<u8>>, says: &'static str) -> Case {
    let files = vec![
        file("m.vi", MODEL),
        file("m.json", DATA),
        file("p.json", text),
    ];
    case(
        name,
        files,
        &["eval", "m.vi", "--at", "p.json"],
        WRONG,
        says,
    )
}

#[rustfmt::skip]
fn programs() -> Vec<Case> {
    vec![
        program("an unclosed bracket", "mu ~ Normal(0, 1", "E00"),
        program("a stray character", "mu ~ Normal(0, 1) €", "E0"),
        program("an unknown name", "data y: real[N]\ny ~ Normal(m, 1)", "E0101"),
        program("an unknown distribution", "mu ~ Normall(0, 1)", "Normal"),
        program("an unknown function", "mu ~ Normal(expp(1), 1)", "exp"),
        program("too few arguments", "mu ~ Normal(0)", "E0"),
        program("too many arguments", "mu ~ Normal(0, 1, 2)", "E0"),
        program("a name defined twice", "mu ~ Normal(0, 1)\nmu ~ Normal(0, 1)", "mu"),
        program("a definition of itself", "let a = a + 1\nmu ~ Normal(a, 1)", "a"),
        program("two definitions in a circle", "let a = b\nlet b = a\nmu ~ Normal(a, 1)", "E0"),
        program("an assignment with =", "mu = 3", "E00"),
        program("a Stan program", "parameters { real mu; }\nmodel { mu ~ normal(0, 1); }", "E0"),
        program("a negative scale", "mu ~ Normal(0, -1)", "E0"),
        program("a text where a number is meant", "mu ~ Normal(\"a\", 1)", "E0"),
        program("an index out of range", "data y: real[N]\nmu ~ Normal(y[7], 1)", "7"),
        program("extents that disagree", "data y: real[N]\nx ~ Normal(0, 1)^2\ny ~ Normal(x, 1)", "E0"),
        program("an element never defined", "x[1] ~ Normal(0, 1)\nx[3] ~ Normal(0, 1)", "x"),
        program("an element defined twice", "for i in 1..2 { x[1] ~ Normal(0, 1) }", "x"),
        program("an array that is too large", "for i in 1..100000 { for j in 1..100000 { x[i, j] ~ Normal(0, 1) } }", "E0"),
        program("a vector that is too large", "x ~ Normal(0, 1)^10000000000", "E0674"),
        program("a parameter that is too large", "param s: real[10000000000]\nmu ~ Normal(0, 1)", "E0674"),
        program("a definition that is too large", "let a = zeros(10000000000)\nmu ~ Normal(a[1], 1)", "E0674"),
        program("a range that is too large", "let a = 1..10000000000\nmu ~ Normal(a[1], 1)", "E0"),
        program("a number that is too large", "mu ~ Normal(0, 1e999)", "E0"),
        program("brackets 100 000 deep", format!("let a = {}1{}\nmu ~ Normal(a, 1)", "(".repeat(100_000), ")".repeat(100_000)), "E0"),
        program("a sum of 50 000 terms", format!("let a = 1{}\nmu ~ Normal(a, 1)", " + 1".repeat(50_000)), "E0"),
        program("an unclosed string", "import \"a", "E0"),
        program("bytes that are not text", b"mu ~ \xff\xfe".as_slice(), "E0631"),
        program("zero bytes", b"mu ~ Normal(0, 1)\0\0\0".as_slice(), "E0"),
        program("an empty program", "", "E0647"),
        program("a program of comments", "// nothing here\n", "E0647"),
        program("a program without latents", "data y: real[N]\ny ~ Normal(0, 1)", "E0647"),
        program("data that are not there", "data z: real[N]\nmu ~ Normal(0, 1)\nz ~ Normal(mu, 1)", "E0651"),
        case("a program that is not there", vec![], &["fit", "m.vi"], WRONG, "E0631"),
        case("a program that is a folder", vec![], &["fit", "."], WRONG, "E0631"),
        case("check of a bad program", vec![file("m.vi", "mu ~ Normal(x, 1)")], &["check", "m.vi"], WRONG, "E0101"),
        case("profile of a bad program", vec![file("m.vi", "mu ~")], &["profile", "m.vi"], WRONG, "E00"),
        case("data declared and none given", vec![file("m.vi", MODEL)], &["fit", "m.vi"], WRONG, "E0651"),
        program("a density of 0 everywhere", "data y: real[N]\nmu ~ Normal(0, 1)\nfactor(log(0.0 * mu))", "E0803").exits(UNTRUSTED),
    ]
}

#[rustfmt::skip]
fn data_files() -> Vec<Case> {
    let deep = format!("{{\"y\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let long = format!("{{\"y\": [1, 2, x{}]}}", "9".repeat(2_000_000));
    let wide = format!("y\n{}\n", "1,".repeat(500_000));
    let digits = format!("{{\"y\": {}}}", "7".repeat(5_000_000));
    let exponent = format!("{{\"y\": [1e{}]}}", "9".repeat(1000));
    vec![
        data("an empty file", "d.json", "", "E0604"),
        data("only white space", "d.csv", "\n \n", "E0604"),
        data("truncated JSON", "d.json", r#"{"y": [1, 2"#, "E0607"),
        data("JSON with a trailing comma", "d.json", r#"{"y": [1, 2,]}"#, "E0607"),
        data("JSON that is an array", "d.json", "[1, 2]", "E0608"),
        data("two values after each other", "d.json", r#"{"y": [1]} {"y": [2]}"#, "E0607"),
        data("a name twice", "d.json", r#"{"y": [1], "y": [2]}"#, "E0609"),
        data("an object for values", "d.json", r#"{"y": {"a": 1}}"#, "E0610"),
        data("nesting 100 000 deep", "d.json", deep, "E06"),
        data("a line of two million characters", "d.json", long, "E0607"),
        data("one number of five million digits", "d.json", digits, "E06"),
        data("an exponent of a thousand digits", "d.json", exponent, "E06"),
        data("a row of half a million fields", "d.csv", wide, "E0611"),
        data("bytes that are not UTF-8", "d.json", b"{\"y\": [1, \xff]}".as_slice(), "E0605"),
        data("zero bytes", "d.csv", b"y\n\0\0\n".as_slice(), "E0605"),
        data("a gzip file", "d.json", b"\x1f\x8b\x08\0\0\0\0\0".as_slice(), "E0605"),
        data("a spreadsheet named .csv", "d.csv", b"PK\x03\x04....".as_slice(), "E0605"),
        data("an unknown extension", "d.xlsx", "y\n1\n", "E0606"),
        data("no extension", "d", "y\n1\n", "E0606"),
        data("a row with a field too many", "d.csv", "y\n1\n2,3\n", "E0611"),
        data("text behind a closing quote", "d.csv", "item,y\n\"5\" pipe,28\n", "E0613"),
        data("an unclosed quote", "d.csv", "y\n\"1\n2\n", "E0613"),
        data("ragged rows", "d.json", r#"{"y": [[1, 2], [3]]}"#, "E0614"),
        data("a word among numbers", "d.json", r#"{"y": [1, "two", 3]}"#, "E0615"),
        data("text for numbers", "d.json", r#"{"y": ["a", "b"]}"#, "E06"),
        data("a matrix for a vector", "d.json", r#"{"y": [[1, 2], [3, 4]]}"#, "E06"),
        data("a number for a vector", "d.json", r#"{"y": 3}"#, "E06"),
        data("the name in other letters", "d.json", r#"{"Y": [1, 2]}"#, "E0651"),
        case("a folder", vec![file("m.vi", MODEL)], &["fit", "m.vi", "--data", "."], WRONG, "E0602"),
        case("a file that is not there", vec![file("m.vi", MODEL)], &["fit", "m.vi", "--data", "d.json"], WRONG, "E0601"),
        case("two files with one name", vec![file("m.vi", MODEL), file("a.json", DATA), file("b.json", DATA)],
            &["fit", "m.vi", "--data", "a.json", "--data", "b.json"], WRONG, "E0617"),
        case("a bad file beside the model", vec![file("m.vi", MODEL), file("m.json", "{")], &["check", "m.vi"], WRONG, "E0607"),
        case("a fraction for a count", vec![file("m.vi", "data k: int[N]\nr ~ Exponential(1)\nk ~ Poisson(r)"), file("d.json", r#"{"k": [1, 2.5]}"#)],
            &["fit", "m.vi", "--data", "d.json"], WRONG, "2.5"),
        case("a negative count", vec![file("m.vi", "data k: int[N]\nr ~ Exponential(1)\nk ~ Poisson(r)"), file("d.json", r#"{"k": [1, -2]}"#)],
            &["fit", "m.vi", "--data", "d.json"], WRONG, "-2"),
        case("a missing count", vec![file("m.vi", "data k: int[N]\nr ~ Exponential(1)\nk ~ Poisson(r)"), file("d.json", r#"{"k": [1, null]}"#)],
            &["fit", "m.vi", "--data", "d.json"], WRONG, "k"),
        case("NaN in data that are not drawn", vec![file("m.vi", "data x: real[N]\ndata y: real[N]\nb ~ Normal(0, 1)\ny ~ Normal(b * x, 1)"), file("d.csv", "x,y\nNaN,1\n2,2\n")],
            &["fit", "m.vi", "--data", "d.csv"], WRONG, "x"),
        case("a value outside its type", vec![file("m.vi", "data s: positive[N]\nm ~ Normal(0, 1)\ns ~ Normal(m, 1)"), file("d.json", r#"{"s": [1, -1]}"#)],
            &["fit", "m.vi", "--data", "d.json"], WRONG, "-1"),
        case("lengths that disagree", vec![file("m.vi", "data x: real[N]\ndata y: real[N]\nb ~ Normal(0, 1)\ny ~ Normal(b * x, 1)"), file("d.json", r#"{"x": [1, 2], "y": [1, 2, 3]}"#)],
            &["fit", "m.vi", "--data", "d.json"], WRONG, "N"),
        case("an infinite value", vec![file("m.vi", MODEL), file("d.csv", "y\n1\ninf\n")], &["fit", "m.vi", "--data", "d.csv"], WRONG, "y"),
    ]
}

#[rustfmt::skip]
fn command_lines() -> Vec<Case> {
    vec![
        line("an unknown command", &["fti", "m.vi"], USAGE, "fti"),
        line("no model", &["fit"], USAGE, "MODEL"),
        line("two models", &["fit", "m.vi", "n.vi"], USAGE, "n.vi"),
        line("an unknown option", &["fit", "m.vi", "--sead", "1"], USAGE, "--sead"),
        line("an unknown guide", &["fit", "m.vi", "--guide", "meanfield"], USAGE, "mean_field"),
        line("an unknown method", &["fit", "m.vi", "--method", "nuts"], USAGE, "dadvi"),
        line("a seed that is no number", &["fit", "m.vi", "--seed", "x"], USAGE, "--seed"),
        line("a negative seed", &["fit", "m.vi", "--seed=-1"], USAGE, "--seed"),
        line("no draws", &["fit", "m.vi", "--draws", "0"], USAGE, "--draws"),
        line("negative draws", &["fit", "m.vi", "--draws=-5"], USAGE, "--draws"),
        line("draws beyond all memory", &["fit", "m.vi", "--draws", "99999999999"], USAGE, "--draws"),
        case("draws beyond this memory", vec![file("m.vi", "x ~ Normal(0, 1)^100")], &["fit", "m.vi", "--draws", "20000000"], USAGE, "E0648"),
        line("no samples", &["fit", "m.vi", "--samples", "0"], USAGE, "--samples"),
        line("no steps", &["fit", "m.vi", "--max-steps", "0"], USAGE, "--max-steps"),
        line("no threads", &["fit", "m.vi", "--threads", "0"], USAGE, "--threads"),
        line("a million threads", &["fit", "m.vi", "--threads", "1000000"], USAGE, "--threads"),
        line("no time", &["fit", "m.vi", "--max-time", "0"], USAGE, "--max-time"),
        line("negative time", &["fit", "m.vi", "--max-time=-1"], USAGE, "--max-time"),
        line("time that is no number", &["fit", "m.vi", "--max-time", "nan"], USAGE, "--max-time"),
        line("time that is no duration", &["fit", "m.vi", "--max-time", "1e300"], USAGE, "--max-time"),
        line("an option without its value", &["fit", "m.vi", "--out"], USAGE, "--out"),
        line("--set without =", &["fit", "m.vi", "--set", "y"], USAGE, "E0618"),
        line("--set without a name", &["fit", "m.vi", "--set", "=3"], USAGE, "E0618"),
        line("--set without a value", &["fit", "m.vi", "--set", "y="], USAGE, "E0618"),
        line("--set with broken JSON", &["fit", "m.vi", "--set", "y=[1,"], USAGE, "E0618"),
        line("--set of another shape", &["fit", "m.vi", "--set", "y=3"], WRONG, "y"),
        line("a folder for results that is a file", &["fit", "m.vi", "--out", "m.json"], WRONG, "E0701"),
        line("a folder for results under a file", &["fit", "m.vi", "--out", "m.json/results"], WRONG, "E0702"),
        line("several sets in columns", &["simulate", "m.vi", "-n", "2", "--out", "y.csv"], USAGE, "E0629"),
        case("a number in columns", vec![file("m.vi", "data c: real\ndata y: real[N]\ny ~ Normal(c, 1)")], &["simulate", "m.vi", "--set", "N=3", "--set", "c=1", "--out", "y.csv"], USAGE, "E0629"),
        line("a manual of nothing", &["man", "fits"], USAGE, "E0630"),
        line("a fit that is not there", &["show", "m.elbo"], WRONG, "E0639"),
        line("a fit that is a program", &["show", "m.vi"], WRONG, "E0649"),
        line("a report of no fit", &["report", "m.vi"], WRONG, "E0649"),
        line("a prediction of no fit", &["predict", "m.vi"], WRONG, "E0649"),
        line("a comparison of no fit", &["compare", "m.vi"], WRONG, "E0649"),
        line("a fit saved to nowhere", &["fit", "m.vi", "--save", "no/such/place.elbo"], WRONG, "E0703"),
        line("a project that is there", &["new", "m.vi"], WRONG, "E0708"),
        line("a project without a name", &["new", ".."], USAGE, "E0708"),
        line("a shell that is none", &["completions", "cmd.com"], USAGE, "bash"),
        line("an unknown code", &["explain", "E9999"], USAGE, "E0640"),
        line("a code that is no code", &["explain", "what"], USAGE, "E0640"),
        line("eval without points", &["eval", "m.vi"], USAGE, "--at"),
        line("points that are not there", &["eval", "m.vi", "--at", "p.json"], WRONG, "E0641"),
        line("points that are a folder", &["eval", "m.vi", "--at", "."], WRONG, "E0641"),
    ]
}

#[rustfmt::skip]
fn point_files() -> Vec<Case> {
    vec![
        points("empty points", "", "E0641"),
        points("points that are not JSON", "mu = 1", "E0641"),
        points("truncated points", r#"[{"mu": 1}"#, "E0641"),
        points("points that are numbers", "[1, 2]", "E0641"),
        points("deep points", "[".repeat(100_000), "E0641"),
        points("points in bytes that are not text", b"{\"mu\": \xff}".as_slice(), "E0641"),
        points("a number too large", r#"{"mu": 1e999}"#, "E0641"),
        points("a point without a latent", "{}", "E0642"),
        points("a point with an unknown name", r#"{"mu": 1, "nu": 2}"#, "E0643"),
        points("a vector for a number", r#"{"mu": [1, 2]}"#, "E0644"),
        points("a text for a number", r#"{"mu": "1"}"#, "E0645"),
        points("null for a number", r#"{"mu": null}"#, "E0645"),
        points("an object for a number", r#"{"mu": {}}"#, "E0645"),
    ]
}

impl Case {
    fn exits(self, exit: i32) -> Case {
        Case { exit, ..self }
    }

    /// Runs the binary in a folder of its own; what is wrong with what it does, if anything.
    fn failure(&self) -> Option<String> {
        let folder = tempfile::tempdir().expect("a folder for the case");
        for (name, content) in &self.files {
            std::fs::write(folder.path().join(name), content).expect("a file for the case");
        }
        let (exit, errors) = run(folder.path(), &self.args);
        let shown: String = errors.chars().take(1000).collect();
        let problem = match exit {
            None => "it was killed: by a signal, or after a minute".into(),
            Some(_) if errors.contains("panicked") => "it panicked".into(),
            Some(exit) if exit != self.exit => format!("exit code {exit}, not {}", self.exit),
            _ if !errors.contains(self.says) => format!("nothing of `{}`", self.says),
            // A message must stay readable, whatever is in the file.
            _ if errors.len() > 20_000 => format!("a message of {} bytes", errors.len()),
            _ => return None,
        };
        Some(format!("{}: {problem}\n{shown}", self.name))
    }
}

/// Exit code and standard error; no code if the process was killed.
fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let errors = folder.join(".stderr");
    let file = std::fs::File::create(&errors).expect("a file for standard error");
    let mut child = Command::new(env!("CARGO_BIN_EXE_elbo"))
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(file)
        .spawn()
        .expect("the binary starts");
    let begin = Instant::now();
    let status = loop {
        match child.try_wait().expect("the child can be waited for") {
            Some(status) => break status.code(),
            // Each case takes milliseconds; a minute means that it hangs.
            None if begin.elapsed() > Duration::from_secs(60) => {
                child.kill().expect("the child can be killed");
                child.wait().expect("the child ends");
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let text = std::fs::read(&errors).expect("standard error was kept");
    (status, String::from_utf8_lossy(&text).into_owned())
}

fn check(cases: Vec<Case>) {
    let failures: Vec<String> = cases.iter().filter_map(Case::failure).collect();
    let (failed, all) = (failures.len(), cases.len());
    assert!(
        failures.is_empty(),
        "{failed} of {all} cases\n{}",
        failures.join("\n\n")
    );
}

#[test]
fn bad_programs_are_explained() {
    check(programs());
}

#[test]
fn bad_data_are_explained() {
    check(data_files());
}

#[test]
fn bad_command_lines_are_explained() {
    check(command_lines());
}

#[test]
fn bad_points_are_explained() {
    check(point_files());
}
