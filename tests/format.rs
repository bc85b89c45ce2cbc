//! The formatter loses nothing, moves no comment past another, and changes nothing the second time:
//! on every program of the repository, as it is and with comments put wherever one may stand.

use elbo::diag::SourceId;
use elbo::syntax::{self, Ast};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

/// Every program of the repository that parses, with its path.
fn programs() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<PathBuf> = ["examples", "tests/cases", "tests/posteriordb"]
        .iter()
        .map(|folder| root.join(folder))
        .collect();
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "vi") {
                let text = fs::read_to_string(&path).expect("a program is text");
                if syntax::parse(SourceId(0), &text).1.is_empty() {
                    found.push((path, text));
                }
            }
        }
    }
    found.sort();
    found
}

/// The tree with every place removed, as text.
fn without_places(ast: &Ast) -> String {
    let text = format!("{:?}", ast.statements);
    let mut parts = text.split("Span {");
    let mut out = parts.next().unwrap_or_default().to_string();
    for part in parts {
        out.push_str(part.split_once('}').expect("a span has its brace").1);
    }
    out
}

fn comments(ast: &Ast) -> Vec<&str> {
    ast.comments.iter().map(|c| c.text.trim()).collect()
}

/// Formats a program that parses, and holds the result against it.
fn formatted(text: &str) -> String {
    let (ast, problems) = syntax::parse(SourceId(0), text);
    assert_eq!(problems, [], "{text}");
    let out = syntax::format(&ast, text);
    let (again, problems) = syntax::parse(SourceId(0), &out);
    assert_eq!(problems, [], "of\n{text}\nbecame\n{out}");
    assert_eq!(
        without_places(&ast),
        without_places(&again),
        "of\n{text}\nbecame\n{out}"
    );
    assert_eq!(
        comments(&ast),
        comments(&again),
        "of\n{text}\nbecame\n{out}"
    );
    let twice = syntax::format(&again, &out);
    assert_eq!(twice, out, "formatted twice, of\n{text}");
    for line in out.lines() {
        assert_eq!(line.trim_end(), line, "blanks at the end, of\n{text}");
    }
    assert!(!out.contains("\n\n\n"), "two blank lines in\n{out}");
    assert!(out.is_empty() || out.ends_with('\n'));
    out
}

#[test]
fn every_program_keeps_its_tree_and_its_comments() {
    let programs = programs();
    assert!(programs.len() > 100, "only {} programs", programs.len());
    for (path, text) in &programs {
        println!("{}", path.display());
        // The blank lines tell a program that was formatted from one that was given up.
        let out = formatted(&format!("\n\n{text}"));
        assert!(!out.starts_with('\n'), "{text}");
    }
}

#[test]
fn line_ends_and_a_missing_last_one_are_no_matter() {
    for (_, text) in programs() {
        let plain = formatted(&text.replace("\r\n", "\n"));
        let windows = formatted(&text.replace("\r\n", "\n").replace('\n', "\r\n"));
        assert_eq!(windows, plain.replace('\n', "\r\n"));
        assert_eq!(formatted(text.replace("\r\n", "\n").trim_end()), plain);
    }
}

#[test]
fn comments_stay_where_they_were() {
    let text = "\
// at the top


// after blank lines
data y:real[N] // of y

for i in 1..N{// of the loop
    // first inside
  y[i]~Normal( // of the call
      // of the mean
      mu+  // of the sum
        x[i],
      // of the scale
      sigma // also of the scale
      // last in the call
  ) // after the call
  // last inside
}  // after the loop
// before the doc comment
/// The mean.
mu~Normal(0,5);tau~HalfCauchy(5)// of tau
for i in 1..N { // of nothing
}
let a=[ // of a
1,2,// of two
3]
let b=(a+ // moved
  1)*2
if c { let d = 1 // of d
}
// before else
else { // of else
let d = 2 }
//---- a line
//// four
/// of nothing";
    let expected = "\
// at the top

// after blank lines
data y: real[N]  // of y

for i in 1..N {  // of the loop
  // first inside
  y[i] ~ Normal(  // of the call
    // of the mean
    mu +  // of the sum
      x[i],
    // of the scale
    sigma  // also of the scale
    // last in the call
  )  // after the call
  // last inside
}  // after the loop
// before the doc comment
/// The mean.
mu ~ Normal(0, 5)
tau ~ HalfCauchy(5)  // of tau
for i in 1..N {  // of nothing
}
let a = [  // of a
  1,
  2,  // of two
  3
]
let b = (
  a +  // moved
    1
) * 2
if c {
  let d = 1  // of d
}
// before else
else {  // of else
  let d = 2
}
//---- a line
//// four
// of nothing
";
    assert_eq!(formatted(text), expected);
}

#[test]
fn items_written_on_lines_of_their_own_stay_there() {
    let text = "let A = [\n  [1, 2],\n\n  [3, 4],\n]\nlet b = f(x,\n  y)\n";
    let expected = "let A = [\n  [1, 2],\n\n  [3, 4]\n]\nlet b = f(x, y)\n";
    assert_eq!(formatted(text), expected);
}

#[test]
fn long_lines_are_broken_where_it_helps_most() {
    let mean = "alpha_of_the_group[group[i]] + beta_of_the_group[group[i]]";
    let text =
        format!("for i in 1..N {{ y[i] ~ Normal({mean} + gamma * x[i], sigma_of_the_noise) }}");
    let expected = format!(
        "for i in 1..N {{\n  y[i] ~ Normal({mean} + gamma * x[i],\n    sigma_of_the_noise)\n}}\n"
    );
    assert_eq!(formatted(&text), expected);
    let numbers: Vec<String> = (0..400).map(|i| (i * 37 % 1000).to_string()).collect();
    let out = formatted(&format!("let a = [{}]", numbers.join(",")));
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
    assert!(out.lines().count() < 25, "{out}");
    // Nothing can be done about a long name, and letters are counted, not bytes.
    formatted(&format!("let {} = 1", "μ".repeat(300)));
    let greek = format!("let a = {} + {}", "α".repeat(44), "β".repeat(44));
    assert_eq!(formatted(&greek), format!("{greek}\n"));
}

#[test]
fn a_text_with_mistakes_is_left_alone() {
    for text in ["let x = ", "let  x = (1 +\ny ~ Normal(0,1)", "a  $ b // c"] {
        let (ast, problems) = syntax::parse(SourceId(0), text);
        assert!(!problems.is_empty());
        syntax::format(&ast, text);
    }
}

#[test]
fn nothing_and_comments_alone_are_programs() {
    assert_eq!(formatted(""), "");
    assert_eq!(formatted("\n\n \n"), "");
    assert_eq!(formatted("//a\n\n\n\n//b"), "// a\n\n// b\n");
    assert_eq!(
        formatted("\u{feff}\r\n//a\r\nlet x=1"),
        "// a\r\nlet x = 1\r\n"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Comments, blank lines and line ends at random places; where one may not stand the text is no
    /// program, and that change is taken back.
    #[test]
    fn comments_anywhere_survive(
        which in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..4), 1..12),
    ) {
        let programs = programs_once();
        let (_, text) = which.get(programs);
        let mut text = text.clone();
        for (number, (at, kind)) in edits.iter().enumerate() {
            let mut at = at.index(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            let inserted = match kind {
                0 => format!(" // c{number}\n"),
                1 => format!("\n// c{number}\n"),
                2 => format!("\n\n\n//c{number}\n\n\n"),
                _ => "\n".to_string(),
            };
            let mut changed = text.clone();
            changed.insert_str(at, &inserted);
            if syntax::parse(SourceId(0), &changed).1.is_empty() {
                text = changed;
            }
        }
        formatted(&text);
    }
}

fn programs_once() -> &'static [(PathBuf, String)] {
    static PROGRAMS: std::sync::OnceLock<Vec<(PathBuf, String)>> = std::sync::OnceLock::new();
    PROGRAMS.get_or_init(programs)
}
