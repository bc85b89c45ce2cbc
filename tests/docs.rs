//! The documentation is true: its programs check (and bind, where data follow), its tables are those
//! of the code.
//!
//! `UPDATE_EXPECT=1 cargo test --test docs` writes the generated pages anew.

use elbo::data::{self, InMemory};
use elbo::dist::{self, Declaration, DefaultValue, Domain, Form, Kind, Parameter};
use elbo::functions::{self, Function};
use elbo::infer;
use elbo::{Data, Host, Program};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// A fenced block of a page.
struct Fence<'a> {
    language: &'a str,
    text: String,
    /// Line of the fence, from 1.
    line: usize,
}

fn fences(page: &str) -> Vec<Fence<'_>> {
    let mut all: Vec<Fence> = Vec::new();
    let mut open = false;
    for (at, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), open) {
            (Some(language), false) => all.push(Fence {
                language: language.trim(),
                text: String::new(),
                line: at + 1,
            }),
            (Some(_), true) => {}
            (None, true) => {
                let last = all.last_mut().expect("an open fence has begun");
                last.text.push_str(line);
                last.text.push('\n');
                continue;
            }
            (None, false) => continue,
        }
        open = !open;
    }
    all
}

/// Pages whose programs are run; those of error codes show mistakes on purpose.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = fs::read_dir(docs())
        .expect("docs/ can be read")
        .map(|entry| entry.expect("its entries too").path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    pages.push(docs().join("../README.md"));
    pages.sort();
    pages
}

#[test]
fn programs_of_pages_check_and_bind() {
    let mut count = 0;
    let mut failures = Vec::new();
    for path in pages() {
        let page = fs::read_to_string(&path).expect("a page can be read");
        let all = fences(&page);
        for (at, fence) in all.iter().enumerate().filter(|(_, f)| f.language == "vi") {
            count += 1;
            let data = all.get(at + 1).filter(|next| next.language == "json");
            if let Err(why) = run(fence, data) {
                failures.push(format!("{}:{}\n{why}", path.display(), fence.line));
            }
        }
    }
    assert!(count >= 12, "only {count} programs were found");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn run(program: &Fence, data: Option<&Fence>) -> Result<(), String> {
    let program = Program::parse(&program.text).map_err(|e| e.to_string())?;
    let Some(json) = data else {
        return Ok(());
    };
    let mut files = InMemory::default();
    files.insert("page.json", json.text.as_str());
    let mut sources = program.sources().clone();
    let data: Data = data::load(&files, "page.json".as_ref(), &mut sources)
        .map_err(|problems| format!("{problems:?}"))?;
    program.bind(&data).map(drop).map_err(|e| e.to_string())
}

#[test]
fn the_page_of_distributions_is_up_to_date() {
    compare("distributions.md", &distributions());
}

#[test]
fn the_page_of_functions_is_up_to_date() {
    let page = fs::read_to_string(docs().join("functions.md")).expect("the page can be read");
    let by_hand = page
        .find(FROM_STAN)
        .expect("the page ends with what is written by hand");
    let generated = function_page();
    compare(
        "functions.md",
        &format!("{generated}\n{}", &page[by_hand..]),
    );
}

/// The part of the page of functions that is written by hand.
const FROM_STAN: &str = "## From Stan";

#[test]
fn what_stan_has_can_be_written() {
    let page = fs::read_to_string(docs().join("functions.md")).expect("the page can be read");
    let names = "data n: int\ndata k: int\ndata a: real\ndata b: real\ndata c: real\ndata p: real
data x: real[N]\ndata y: real[N]\ndata z: real[n * k]\ndata A: real[N, N]\ndata B: real[N, N]\n";
    let mut count = 0;
    let (_, rows) = page.split_once(FROM_STAN).expect("the page has that part");
    for row in rows.lines().filter(|line| line.starts_with("| `")) {
        let (_, here) = row.split_once(" | ").expect("a row has two cells");
        for text in here.trim_end_matches(" |").split("`, `") {
            let text = text.trim_matches('`');
            let program = format!("{names}let result = {text}\n");
            if let Err(why) = Program::parse(&program) {
                panic!("`{text}`: {why}");
            }
            count += 1;
        }
    }
    assert!(count > 60, "only {count} expressions were found");
}

fn compare(name: &str, found: &str) {
    let path = docs().join(name);
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, found).expect("a page can be written");
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == found,
        "docs/{name} is out of date: UPDATE_EXPECT=1 cargo test --test docs writes it anew"
    );
}

fn distributions() -> String {
    let mut page = String::from(
        "# Distributions\n\n\
         <!-- Written by `UPDATE_EXPECT=1 cargo test --test docs` from the declarations in `src/dist/`. -->\n\n\
         Arguments are given in the order shown or by name: `Normal(0, sigma = 2)`. Where several forms \
         are shown, the names pick one: `Normal(mu = 0, precision = 4)`. Arguments may be arrays: then \
         a draw is an array too. `d ^ K` is an array of K independent draws.\n\n\
         | distribution | values | what it is |\n|---|---|---|\n",
    );
    for family in dist::FAMILIES {
        let d = family.declaration();
        let (first, _) = split(d.doc);
        let anchor = d.name.to_lowercase();
        let _ = writeln!(
            page,
            "| [`{}`](#{anchor}) | {} | {first} |",
            d.name,
            draws(d)
        );
    }
    let known: Vec<&str> = dist::with_distribution_function()
        .map(|f| f.declaration().name)
        .collect();
    let _ = writeln!(
        page,
        "\nThese have a distribution function in closed form, so that `.cdf(x)` and `.quantile(p)` are \
         known and [`Truncated`](#truncated) and [`Censored`](#censored) take them with any bounds: {}. Other \
         distributions of whole numbers can be cut at bounds that are known from data.",
        known.join(", ")
    );
    for family in dist::FAMILIES {
        let cut = known.contains(&family.declaration().name);
        section(&mut page, family.declaration(), cut);
    }
    page
}

fn section(page: &mut String, d: &Declaration, cut: bool) {
    let (first, rest) = split(d.doc);
    let _ = write!(page, "\n## {}\n\n{first}\n", d.name);
    if !rest.is_empty() {
        let _ = write!(page, "\n{rest}\n");
    }
    let calls: Vec<String> = d.forms.iter().map(|form| call(d, form)).collect();
    let _ = write!(page, "\n{}. Draws are {}.", calls.join(" or "), draws(d));
    page.push_str(if cut {
        " It can be truncated and censored.\n"
    } else {
        "\n"
    });
    let _ = write!(page, "\n| parameter | takes | meaning |\n|---|---|---|\n");
    let mut seen: Vec<&str> = Vec::new();
    for parameter in d.forms.iter().flat_map(|form| form.parameters) {
        if !seen.contains(&parameter.name) {
            seen.push(parameter.name);
            let _ = writeln!(
                page,
                "| `{}` | {} | {} |",
                parameter.name,
                takes(parameter),
                parameter.doc.replace('|', "\\|")
            );
        }
    }
}

/// The first paragraph of a doc, and the others.
fn split(doc: &str) -> (&str, &str) {
    doc.split_once("\n\n").unwrap_or((doc, ""))
}

fn call(d: &Declaration, form: &Form) -> String {
    let parameters: Vec<String> = form
        .parameters
        .iter()
        .map(|p| match p.default {
            DefaultValue::Required => p.name.to_string(),
            DefaultValue::Number(x) => format!("{} = {x}", p.name),
            DefaultValue::Absent => format!("{} = …", p.name),
        })
        .collect();
    format!("`{}({})`", d.name, parameters.join(", "))
}

/// Where draws lie. Bounds among the parameters say more than a domain can.
fn draws(d: &Declaration) -> String {
    let bound = |name: &str| {
        let all = d.forms.iter().flat_map(|form| form.parameters);
        all.into_iter().find(|p| p.name == name).map(|p| p.default)
    };
    let scalar = matches!(d.support, Domain::Real | Domain::Positive | Domain::Integer);
    let numbers = match d.support {
        Domain::Integer => "whole numbers",
        _ => "numbers",
    };
    match (bound("lower"), bound("upper"), bound("minimum")) {
        (Some(DefaultValue::Required), Some(DefaultValue::Required), _) if scalar => {
            format!("{numbers} from `lower` to `upper`")
        }
        (Some(DefaultValue::Absent), Some(DefaultValue::Absent), _) if scalar => {
            "real numbers, within the bounds that are given".into()
        }
        (Some(DefaultValue::Number(x)), None, _) if scalar => {
            format!("{numbers} from `lower`, which is {x} if left out")
        }
        (_, _, Some(_)) if scalar => format!("{numbers} from `minimum`"),
        _ if scalar && !d.event.is_empty() => format!("vectors of {}", words(d.support)),
        _ => words(d.support).into(),
    }
}

fn takes(parameter: &Parameter) -> String {
    let what: String = match parameter.kind {
        Kind::Value { domain, rank: 0 } => words(domain).into(),
        Kind::Value { domain, rank } => {
            let shape = ["", "vector", "matrix"][rank.min(2)];
            match domain {
                Domain::Real | Domain::Positive | Domain::Nonnegative | Domain::Unit => {
                    format!("{shape} of {}", words(domain))
                }
                _ => words(domain).into(),
            }
        }
        Kind::Dimension => "whole number known from data".into(),
        Kind::Distribution => "distribution".into(),
        Kind::Distributions => "list of distributions, or one of an array".into(),
        Kind::Function => "function of one number that has an inverse".into(),
    };
    match parameter.default {
        DefaultValue::Required => what,
        DefaultValue::Number(x) => format!("{what}; {x} if left out"),
        DefaultValue::Absent => format!("{what}; may be left out"),
    }
}

fn words(domain: Domain) -> &'static str {
    match domain {
        Domain::Real => "real numbers",
        Domain::Positive => "positive numbers",
        Domain::Nonnegative => "numbers from 0",
        Domain::Unit => "numbers from 0 to 1",
        Domain::AboveOne => "numbers above 1",
        Domain::Circle => "angles in (−π, π]",
        Domain::Integer => "whole numbers",
        Domain::Count => "whole numbers from 0",
        Domain::PositiveInteger => "whole numbers from 1",
        Domain::Binary => "0 or 1",
        Domain::Index => "1 to K",
        Domain::Simplex => "vectors from 0 that sum to 1",
        Domain::Ordered => "increasing vectors",
        Domain::UnitVector => "vectors of length 1",
        Domain::Covariance => "covariance matrices",
        Domain::CholeskyCovariance => "Cholesky factors of covariance matrices",
        Domain::Correlation => "correlation matrices",
        Domain::CholeskyCorrelation => "Cholesky factors of correlation matrices",
        Domain::Counts => "vectors of counts",
        Domain::AsInner(_) => "those of what is wrapped",
        Domain::Image(_) => "what the function makes of those of what is wrapped",
    }
}

fn function_page() -> String {
    let mut page = String::from(
        "# Functions and operators\n\n\
         <!-- Written by `UPDATE_EXPECT=1 cargo test --test docs` from the tables in `src/functions/`. -->\n\n\
         Elementwise functions take numbers and arrays of equal shape, a number with an array, or an \
         array with one that has its last dimensions. `f(x)` may be written `x.f()`. Rounding and `div` of data \
         give indices: `a[div(i, 2) + 1]`.\n",
    );
    let (operators, named): (Vec<_>, Vec<_>) = functions::all().partition(|f| {
        !f.name.starts_with(char::is_alphabetic) || f.name == "negate" || f.name == "transpose"
    });
    let (elementwise, arrays): (Vec<_>, Vec<_>) =
        named.into_iter().partition(|f| f.is_elementwise(f.arity.0));
    for (title, list) in [
        ("Operators", operators),
        ("Element by element", elementwise),
        ("Of arrays", arrays),
    ] {
        let _ = write!(page, "\n## {title}\n\n| | |\n|---|---|\n");
        for function in list {
            row(&mut page, function);
        }
    }
    page.push_str("\n## Constants\n\n| | |\n|---|---|\n");
    for constant in functions::CONSTANTS {
        let _ = writeln!(page, "| `{}()` | {} |", constant.name, constant.doc);
    }
    page
}

fn row(page: &mut String, function: &Function) {
    let cell = |text: &str| text.replace('|', "\\|");
    let _ = writeln!(
        page,
        "| `{}` | {} |",
        cell(&function.signature),
        cell(&function.doc)
    );
}

/// What is wrong with a program, the files beside it and its data, or what is noted.
fn codes_of(program: &str, files: &[(&str, &str)], data: Option<&str>) -> Vec<&'static str> {
    let page = [("page.vi", program)];
    let files = InMemory::new(page.iter().chain(files).copied());
    let program = match Host::new(Arc::new(files)).load("page.vi") {
        Ok(program) => program,
        Err(error) => return error.diagnostics.iter().map(|d| d.code).collect(),
    };
    let mut codes: Vec<_> = program.warnings().iter().map(|d| d.code).collect();
    let Some(data) = data else { return codes };
    let files = InMemory::new([("page.json", data)]);
    let data = data::load(&files, "page.json".as_ref(), &mut Default::default());
    match program.bind(&data.expect("the data of a page can be read")) {
        Ok(model) => codes.extend(model.notes().iter().map(|d| d.code)),
        Err(error) => codes.extend(error.diagnostics.iter().map(|d| d.code)),
    }
    codes
}

/// The first program of a page on an error of the language has that error and no other, the second
/// none. Data in JSON belong to the program before them; blocks of `vi NAME` are files that they import.
#[test]
fn pages_on_errors_show_the_mistake_and_its_repair() {
    // No short program is nested too deeply, and no data of a page stay in a file.
    let without = ["E0409", "W0605"];
    let of_language = |code: &str| {
        ("E0001".."E0600").contains(&code) || ("E0650".."E0700").contains(&code) || code > "W"
    };
    let mut seen = 0;
    let mut failures = Vec::new();
    for entry in fs::read_dir(docs().join("errors")).expect("the pages are there") {
        let path = entry.expect("its entries too").path();
        let code = path
            .file_stem()
            .map_or(String::new(), |n| n.to_string_lossy().into());
        if !of_language(&code) || without.contains(&code.as_str()) {
            continue;
        }
        let page = fs::read_to_string(&path).expect("a page can be read");
        let mut programs: Vec<(String, Option<String>)> = Vec::new();
        let all = fences(&page);
        let mut files: Vec<(&str, &str)> = Vec::new();
        for fence in &all {
            match (fence.language.split_once(' '), programs.last_mut()) {
                (Some(("vi", name)), _) => files.push((name, &fence.text)),
                (_, Some(last)) if fence.language == "json" => last.1 = Some(fence.text.clone()),
                _ if fence.language == "vi" => programs.push((fence.text.clone(), None)),
                _ => {}
            }
        }
        let [wrong, right] = &programs[..] else {
            failures.push(format!("{code} shows no mistake and its repair"));
            continue;
        };
        let codes = |p: &(String, Option<String>)| codes_of(&p.0, &files, p.1.as_deref());
        let mut found = codes(wrong);
        // Examples need not use all that they declare.
        if code != "W0101" {
            found.retain(|c| *c != "W0101");
        }
        if found != [code.as_str()] {
            failures.push(format!("{code}, the mistake: {found:?}"));
        }
        let mut left = codes(right);
        left.retain(|c| *c != "W0101" || code == "W0101");
        if !left.is_empty() {
            failures.push(format!("{code}, the repair: {left:?}"));
        }
        seen += 1;
    }
    failures.sort();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(seen > 80, "{seen} pages");
}

/// The blocks of a page before and after `Right:`.
fn halves(page: &str) -> (Vec<Fence<'_>>, Vec<Fence<'_>>) {
    let at = page.find("\nRight:\n").unwrap_or(page.len());
    (fences(&page[..at]), fences(&page[at..]))
}

fn error_page(code: &str) -> String {
    let path = docs().join(format!("errors/{code}.md"));
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// What is wrong with a file of data, all of whose names are needed as numbers where `numbers`.
fn codes_of_file(fence: &Fence, numbers: bool) -> Vec<&'static str> {
    let name = format!("page.{}", fence.language);
    let files = InMemory::new([(name.as_str(), fence.text.as_str())]);
    let data = match data::load(&files, name.as_ref(), &mut Default::default()) {
        Ok(data) => data,
        Err(problems) => return problems.iter().map(|d| d.code).collect(),
    };
    let needed = data.entries().iter().filter(|_| numbers);
    needed
        .filter_map(|entry| entry.numbers().err())
        .map(|problem| problem.code)
        .collect()
}

#[test]
fn pages_on_data_files_show_the_mistake_and_its_repair() {
    let seen = [
        "E0604", "E0607", "E0608", "E0609", "E0610", "E0611", "E0612", "E0613", "E0614", "E0615",
        "E0616",
    ];
    for code in seen {
        let page = error_page(code);
        let (wrong, right) = halves(&page);
        let numbers = matches!(code, "E0614" | "E0615" | "E0616");
        let found = codes_of_file(&wrong[0], numbers);
        assert!(
            !found.is_empty() && found.iter().all(|c| *c == code),
            "the first file of {code}: {found:?}"
        );
        let left = codes_of_file(&right[0], numbers);
        assert!(left.is_empty(), "the second file of {code}: {left:?}");
    }
}

#[test]
fn pages_on_fits_show_the_mistake_and_its_repair() {
    let fitted = |blocks: &[Fence]| -> (Vec<&'static str>, bool) {
        let program = Program::parse(&blocks[0].text).expect("the program is good");
        let files = InMemory::new([("page.json", blocks[1].text.as_str())]);
        let data = data::load(&files, "page.json".as_ref(), &mut Default::default());
        let model = program
            .bind(&data.expect("the data can be read"))
            .expect("they fit the program");
        match infer::fit(&model, &infer::Options::default(), &mut |_| ()) {
            Ok(fit) => (fit.messages.iter().map(|d| d.code).collect(), fit.converged),
            Err(error) => (vec![error.code], false),
        }
    };
    // Of a guide that is too narrow the optimum is right.
    for (code, good) in [
        ("E0803", false),
        ("E0812", false),
        ("E0814", false),
        ("E0816", false),
        ("E0817", true),
    ] {
        let page = error_page(code);
        let (wrong, right) = halves(&page);
        let (codes, converged) = fitted(&wrong);
        assert!(
            codes.contains(&code) && converged == good,
            "the mistake of {code}: {codes:?}"
        );
        let (codes, converged) = fitted(&right);
        assert!(
            codes.is_empty() && converged,
            "the repair of {code}: {codes:?}"
        );
    }
}

/// Whatever cannot be checked here still says what is wrong and what to do.
#[test]
fn every_page_on_an_error_says_what_to_do() {
    for entry in fs::read_dir(docs().join("errors")).expect("the pages are there") {
        let path = entry.expect("its entries too").path();
        let page = fs::read_to_string(&path).expect("a page can be read");
        let has = |part: &str| page.contains(&format!("\n{part}"));
        // No short program is nested too deeply.
        let shown = has("Wrong:\n") && has("Right:\n") || path.ends_with("E0409.md");
        assert!(shown && has("What to do: "), "{}", path.display());
    }
}
