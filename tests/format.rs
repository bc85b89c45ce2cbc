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
    programs_in(&["examples", "stdlib", "tests/cases", "tests/posteriordb"].map(|f| root.join(f)))
}

fn programs_in(folders: &[PathBuf]) -> Vec<(PathBuf, String)> {
    let mut open = folders.to_vec();
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
mu  ~ Normal(0, 5)
tau ~ HalfCauchy(5)  // of tau
for i in 1..N {  // of nothing
}
let a = [  // of a
  1, 2,  // of two
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
fn line_breaks_between_items_after_operators_and_after_equals_stay() {
    let text = "let A = [\n[1, 2],\n\n [3, 4],\n]\nlet b = f(x,\n  y,)\nlet c = g(\n1, 2,\n  3)\n";
    let expected =
        "let A = [\n  [1, 2],\n\n  [3, 4],\n]\nlet b = f(x,\n  y)\nlet c = g(\n  1, 2,\n  3\n)\n";
    assert_eq!(formatted(text), expected);
    // A line may begin with an operator inside brackets alone: it goes to the line before.
    let text = "let a =\n  x\nlet b = (x\n + y * z)\nlet c = x -\n y\nlet d = [x\nfor i in 1..2]";
    let expected =
        "let a =\n  x\nlet b = x +\n  y * z\nlet c = x -\n  y\nlet d = [x\n  for i in 1..2]\n";
    assert_eq!(formatted(text), expected);
    // Elsewhere line breaks say nothing.
    let text = "y ~\n  Normal(f.g(x,1)\n  .h(), -\n 1)\n";
    assert_eq!(formatted(text), "y ~ Normal(f.g(x, 1).h(), -1)\n");
}

#[test]
fn draws_that_follow_each_other_are_aligned() {
    let text =
        "mu~Normal(0,5)\ntau ~ HalfCauchy(5)\nlet a = 1\n\nx ~ Normal(0, 1)\n\nlong ~ Flat()\n";
    let expected =
        "mu  ~ Normal(0, 5)\ntau ~ HalfCauchy(5)\nlet a = 1\n\nx ~ Normal(0, 1)\n\nlong ~ Flat()\n";
    assert_eq!(formatted(text), expected);
    // Not with what stands deeper, in a block on one line, or after a comment; nor with a draw that takes
    // two lines.
    let text =
        "for i in 1..N {\n  a ~ Flat()\n  bb[i] ~ Flat()\n}\nccc ~ Flat()\n// and\ndd ~ Flat()\n";
    let expected = "for i in 1..N {\n  a     ~ Flat()\n  bb[i] ~ Flat()\n}\nccc ~ Flat()\n// and\ndd ~ Flat()\n";
    assert_eq!(formatted(text), expected);
    let text =
        "a ~ Flat()\nfor i in 1..N { xx[i] ~ Flat() }\nb ~ Flat()\nccc ~ f(1,\n  2)\ndd ~ Flat()\n";
    assert_eq!(formatted(text), text);
    // The equals signs of what is computed or learned are not.
    let text = "let a = 1\nlet bcd = 2\nparam e: real = 3\nparam fgh: real = 4\n";
    assert_eq!(formatted(text), text);
}

#[test]
fn a_run_is_not_aligned_where_that_would_stretch_it_too_far() {
    let draws = |gap: usize, rest: usize| {
        let (name, value) = ("b".repeat(gap + 1), "c".repeat(rest));
        formatted(&format!("a ~ {value}\n{name} ~ Flat()\n"))
    };
    let is_aligned = |text: &str| text.starts_with("a  ");
    assert!(is_aligned(&draws(16, 10)));
    assert!(!is_aligned(&draws(17, 10)));
    // `a ~ ` and ten blanks more leave 86 of 100.
    assert!(is_aligned(&draws(10, 86)));
    assert!(!is_aligned(&draws(10, 87)));
}

#[test]
fn comments_after_code_stand_in_one_column() {
    let text = "\
data y: real[J] // effects
data n: int
data sigma: positive[J] // errors

mu ~ Normal(0, 5) // mean
tau ~ HalfCauchy(5) // sd
for i in 1..N { // of the loop
  let a = 1 // first
  // between
  let abc = 2 // second
}
";
    let expected = "\
data y: real[J]          // effects
data n: int
data sigma: positive[J]  // errors

mu  ~ Normal(0, 5)   // mean
tau ~ HalfCauchy(5)  // sd
for i in 1..N {  // of the loop
  let a = 1  // first
  // between
  let abc = 2  // second
}
";
    assert_eq!(formatted(text), expected);
    // Not where a line would be too long.
    let text = "let a = 1  // short\nlet a_name_of_18_chars = 2  // far\n";
    assert_eq!(
        formatted(text),
        text.replace("1  //", &format!("1{}  //", " ".repeat(17)))
    );
    let long = text.replace("short", &"s".repeat(100));
    assert_eq!(formatted(&long), long);
}

#[test]
fn blocks_written_on_one_line_stay_there_if_they_fit() {
    let kept = "\
fn f(x) { let a = x; a + 1 }
for k in 1..K { for j in 1..J { let g[k, j] = 1 } }
if c { a ~ Flat() } else if d { let e = 1; factor e } else { factor 2 }
let b = if c { 1 } else { 2 }
let d = map(|x| { let y = x; y + 1 }, [1, 2])
guide { a ~ Flat() }
";
    assert_eq!(formatted(kept), kept);
    let tall = "\
fn f(x) {
  let a = x
  a + 1
}
for k in 1..K {
  let g[k] = 1
}
let b = if c {
  1
} else {
  2
}
";
    assert_eq!(formatted(tall), tall);
    let mixed =
        "for k in 1..K { let a[k] = 1\nlet b[k] = 2 }\nif c { let a = 1 } else {\nlet a = 2 }\n";
    let expected = "for k in 1..K {\n  let a[k] = 1\n  let b[k] = 2\n}\nif c {\n  let a = 1\n} else {\n  let a = 2\n}\n";
    assert_eq!(formatted(mixed), expected);
    // A hundred columns, and one more.
    let block = |name: usize| format!("for k in 1..K {{ let {} = 1 }}\n", "a".repeat(name));
    assert_eq!(formatted(&block(74)), block(74));
    let expected = format!("for k in 1..K {{\n  let {} = 1\n}}\n", "a".repeat(75));
    assert_eq!(formatted(&block(75)), expected);
    // A comment that has no other place opens it.
    let text = "let a = if (c // of c\n) { 1 } else if d { 2 } else { 3 }\n";
    let expected = "let a = if c {  // of c\n  1\n} else if d {\n  2\n} else {\n  3\n}\n";
    assert_eq!(formatted(text), expected);
}

#[test]
fn parameters_on_several_lines_are_told_from_the_body() {
    let many = (1..=12)
        .map(|i| format!("parameter{i}"))
        .collect::<Vec<_>>();
    let (first, rest) = (many[..8].join(", "), many[8..].join(", "));
    let text = format!("fn f({first}, {rest}) {{ let a = 1\na }}\n");
    let expected = format!("fn f({first},\n    {rest}) {{\n  let a = 1\n  a\n}}\n");
    assert_eq!(formatted(&text), expected);
    let tall = format!("fn f(\n  {first},\n  {rest},\n) -> real[n, 2] {{\n  let a = 1\n  a\n}}\n");
    assert_eq!(formatted(&tall), tall);
    // A value that does not fit beside its name stands below it.
    let text = format!("fn f({}) = parameter1 + parameter2\n", many[..7].join(", "));
    let expected = text.replace("= ", "=\n  ");
    assert_eq!(formatted(&text), expected);
}

#[test]
fn long_sums_are_broken_before_their_products() {
    let [a, b, c] = ["a", "b", "c"].map(|name| name.repeat(30));
    let text = format!("factor {a} + {b} * {c} * x[i + 1, j] <\n 1 && d\n");
    let expected = format!("factor {a} +\n  {b} * {c} * x[i + 1, j] <\n  1 && d\n");
    assert_eq!(formatted(&text), expected);
}

#[test]
fn parameters_between_bars_stay_together() {
    let names = "x".repeat(86);
    let text = format!("let a = f(|{names}, y| 1, 2)\n");
    let expected = format!("let a =\n  f(|{names}, y| 1,\n    2)\n");
    assert_eq!(formatted(&text), expected);
}

/// Every program with some of its numbers as longer and longer names, so that lines are broken in many ways.
#[test]
fn lines_of_all_lengths_are_broken_once() {
    let mut count = 0;
    for (path, text) in programs() {
        println!("{}", path.display());
        for length in (2..60).step_by(6) {
            let name = "n".repeat(length);
            let is_part =
                |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || "._\"".contains(c));
            let mut longer = String::new();
            let mut signs = text.chars().peekable();
            while let Some(sign) = signs.next() {
                let ends = !signs.peek().is_some_and(|&c| is_part(Some(c)) && c != '.');
                match sign == '1' && ends && !is_part(longer.chars().last()) {
                    true => longer.push_str(&name),
                    false => longer.push(sign),
                }
            }
            if syntax::parse(SourceId(0), &longer).1.is_empty() {
                formatted(&longer);
                count += 1;
            }
        }
    }
    assert!(count > 500, "only {count}");
}

/// Our own programs are as the formatter writes them, so that it changes nothing but what was changed.
#[test]
fn examples_and_library_are_in_form() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ours = programs_in(&[root.join("examples"), root.join("stdlib")]);
    assert!(ours.len() > 50, "only {} programs", ours.len());
    for (path, text) in ours {
        assert_eq!(formatted(&text), text, "{}: `elbo fmt` it", path.display());
    }
}

/// So are those on the pages of `docs/` and in the README, but for those that are wrong on purpose.
#[test]
fn programs_on_pages_are_in_form() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md")];
    for folder in ["docs", "docs/errors"] {
        let entries = fs::read_dir(root.join(folder)).expect("a folder").flatten();
        pages.extend(entries.map(|entry| entry.path()));
    }
    let mut count = 0;
    for page in pages
        .iter()
        .filter(|p| p.extension().is_some_and(|e| e == "md"))
    {
        let text = fs::read_to_string(page).expect("a page is text");
        for block in text.replace("\r\n", "\n").split("\n```vi").skip(1) {
            let program = block.split_once('\n').expect("a fence ends its line").1;
            let end = program.find("```").expect("a block ends");
            let program = &program[..end];
            if syntax::parse(SourceId(0), program).1.is_empty() {
                assert_eq!(formatted(program), program, "{}", page.display());
                count += 1;
            }
        }
    }
    assert!(count > 200, "only {count} programs");
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
