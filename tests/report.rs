//! Pages of fits as a browser shows them: nothing is cut off, covered or too wide, and nothing goes wrong.
//!
//! The pages stay in `target/tmp`, to be looked at. Where there is no Chromium (`$CHROMIUM`, `chromium`, `google-chrome`),
//! the test says so and checks their sizes alone.
#![cfg(feature = "cli")]

use elbo::diag::Diagnostic;
use elbo::output::report::{Missing, Predictive, Report, write};
use elbo::output::{Estimate, Posterior, Quantity, Results, Run, TracePoint, summarise};
use std::path::{Path, PathBuf};
use std::process::Command;

fn saved(name: &str, report: &Report) -> (PathBuf, usize) {
    let mut page = Vec::new();
    write(&mut page, report).expect("memory takes everything");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.html"));
    std::fs::write(&path, &page).expect("the folder for tests can be written");
    (path, page.len())
}

fn posterior(
    named: impl Iterator<Item = (String, Vec<usize>, Vec<f64>)>,
    draws: usize,
) -> Posterior {
    let quantity = |(name, shape, draws): (String, Vec<usize>, Vec<f64>)| Quantity {
        name,
        labels: vec![None; shape.len()],
        shape,
        integer: draws.iter().all(|x| x.fract() == 0.0),
        draws,
        ..Quantity::default()
    };
    Posterior {
        quantities: named.map(quantity).collect(),
        draws,
        ..Posterior::default()
    }
}

/// The page of an example, by the commands that a user has.
fn example(name: &str) -> (PathBuf, usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name);
    let at = |ending: &str| Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.{ending}"));
    let (fit, page) = (at("elbo"), at("html"));
    let run = |args: &[&Path]| {
        let made = Command::new(env!("CARGO_BIN_EXE_elbo")).args(args).output();
        let made = made.expect("the binary runs");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
    };
    let program = folder.join(format!("{name}.vi"));
    run(&[
        "fit".as_ref(),
        &program,
        "--quiet".as_ref(),
        "--save".as_ref(),
        &fit,
    ]);
    run(&["report".as_ref(), &fit, "--out".as_ref(), &page]);
    let size = std::fs::metadata(&page)
        .expect("the page was written")
        .len();
    (page, size as usize)
}

/// Numbers between -1 and 1 without a pattern that plots would show, in a unit.
fn noise(unit: f64, count: usize) -> Vec<f64> {
    let wave = |i: usize| (i as f64 * 12.9898).sin() * 43758.5453 % 1.0;
    (0..count).map(|i| unit * wave(i)).collect()
}

const LONG: &str =
    "a_name_without_any_place_to_break_it_that_goes_on_and_on_for_longer_than_a_phone_is_wide_<b>";

/// Sizes far from one, a constant, a long name, many elements.
fn hard_posterior() -> Posterior {
    let far = noise(1.0, 100).into_iter().map(|x| 123_456_789.0 + x);
    let whole = noise(900.0, 100).into_iter().map(f64::round);
    let named = [
        (LONG.to_string(), vec![3], noise(1.0, 300)),
        ("tiny".into(), vec![], noise(1e-200, 100)),
        ("large".into(), vec![], noise(1e150, 100)),
        ("far".into(), vec![], far.collect()),
        ("whole".into(), vec![], whole.collect()),
        ("same".into(), vec![], vec![2.5; 100]),
        ("w".into(), vec![3000], noise(1.0, 300_000)),
    ];
    posterior(named.into_iter(), 100)
}

/// A page of what is hard to show.
fn hard() -> (PathBuf, usize) {
    let fitted = hard_posterior();
    let odd = format!("`{LONG}` {}", "is odd ".repeat(40));
    let verdict = format!("Not converged: `{LONG}`.");
    let run = Run {
        model: LONG.into(),
        elbo: Some(Estimate {
            mean: f64::NEG_INFINITY,
            se: f64::NAN,
        }),
        messages: vec![Diagnostic::warning("E0999", odd).help(LONG)],
        settings: vec![
            ("guide".into(), LONG.into()),
            ("verdict".into(), verdict.into()),
        ],
        ..Run::default()
    };
    let elbo = |step: usize| match step % 700 {
        6 => f64::NAN,
        _ => -1.2345e6 - 1e9 * (-(step as f64)).exp(),
    };
    let point = |step: usize| TracePoint {
        step: step * 1000,
        elbo: elbo(step),
        se: Some(1.0),
    };
    let trace: Vec<TracePoint> = (0..3000).map(point).collect();
    let (observed, replicated) = (noise(1e7, 400), noise(1e7, 400 * 30));
    let counts: Vec<f64> = observed.iter().map(|x| (x / 3e4).round().abs()).collect();
    let counted: Vec<f64> = replicated.iter().map(|x| (x / 4e4).round().abs()).collect();
    let predictive = |name, shape, observed, replicated, integer| Predictive {
        name,
        shape,
        observed,
        replicated,
        integer,
    };
    let report = Report {
        title: LONG,
        results: Results {
            posterior: &fitted,
            summaries: &summarise(&fitted.quantities),
            run: &run,
            trace: &trace,
        },
        learned: &[],
        program: &format!("{LONG} ~ Normal(0, 1) {}\n", "// on one line ".repeat(20)),
        data: vec![(LONG.into(), "real[400]".into())],
        prior: None,
        kl: (0..100)
            .map(|i| (format!("{LONG}[{i}]"), i as f64))
            .collect(),
        predictive: vec![
            predictive(LONG, &[20, 20], &observed, &replicated, false),
            predictive("counts", &[400], &counts, &counted, true),
            predictive("one", &[], &[1.0], &[2.0, 3.0], true),
        ],
        missing: Missing::default(),
    };
    saved("hard", &report)
}

/// Looks at a page in a frame of each width, and writes a line for everything that is wrong.
const LOOK: &str = r#"
const found = [];
const frame = document.getElementById("frame");
frame.onload = () => {
  const page = frame.contentDocument;
  page.querySelectorAll("details").forEach(d => d.open = true);
  for (const width of [360, 1280]) {
    frame.style.width = width + "px";
    const wrong = (what) => found.push(width + " px: " + what);
    if (page.documentElement.clientWidth !== width) wrong("the frame is " + page.documentElement.clientWidth);
    if (page.documentElement.scrollWidth > width) wrong("scrolls to " + page.documentElement.scrollWidth);
    for (const svg of page.querySelectorAll("svg")) {
      const name = svg.querySelector("title").textContent.slice(0, 60);
      const box = svg.getBoundingClientRect();
      if (box.width < 40 || box.height < 40) wrong("small: " + name);
      if (box.left < 0 || box.right > width) wrong("outside: " + name);
      const texts = [...svg.querySelectorAll("text")].map(t => [t.textContent.trim(), t.getBoundingClientRect()]);
      for (const [text, t] of texts) {
        if (t.left < box.left - 1 || t.right > box.right + 1 || t.top < box.top - 1 || t.bottom > box.bottom + 1)
          wrong("cut off: " + text + " of " + name);
      }
      texts.forEach(([a, s], i) => texts.slice(i + 1).forEach(([b, t]) => {
        // Boxes have room above and below the letters.
        const across = Math.min(s.right, t.right) - Math.max(s.left, t.left);
        const down = Math.min(s.bottom, t.bottom) - Math.max(s.top, t.top);
        if (across > 0 && down > 3) wrong(a + " covers " + b + " of " + name);
      }));
    }
    for (const box of page.querySelectorAll(".scroll")) {
      const { left, right } = box.getBoundingClientRect();
      if (left < 0 || right > width) wrong("a box outside");
    }
  }
  found.push("looked at " + page.querySelectorAll("svg").length);
  document.getElementById("found").textContent = found.join("\n");
};
"#;

/// A browser, if the machine has one.
fn browser() -> Option<String> {
    let named = std::env::var("CHROMIUM").ok();
    let usual = ["chromium", "chromium-browser", "google-chrome"].map(String::from);
    let runs = |name: &String| {
        Command::new(name)
            .arg("--version")
            .output()
            .is_ok_and(|o| o.status.success())
    };
    named.into_iter().chain(usual).find(runs)
}

/// What is wrong with a page, and how many plots it has.
fn look(browser: &str, page: &Path) -> (Vec<String>, usize) {
    let html = std::fs::read_to_string(page).expect("the page was written");
    let quoted = serde_json::to_string(&html)
        .expect("text is JSON")
        .replace("</", "<\\/");
    let frame = format!(
        "<!DOCTYPE html><meta charset=utf-8><iframe id=frame style=\"border:0;height:900px\"></iframe><pre id=found></pre>\
         <script>{LOOK}\nframe.srcdoc = {quoted};</script>"
    );
    let path = page.with_extension("frame.html");
    std::fs::write(&path, frame).expect("the folder for tests can be written");
    let profile = tempfile::tempdir().expect("there is room for a folder");
    let output = Command::new(browser)
        .args([
            "--headless",
            "--hide-scrollbars",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            "--window-size=1400,1000",
        ])
        .args(["--virtual-time-budget=10000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", path.display()))
        .output()
        .expect("the browser runs");
    let (dom, log) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let said = log
        .lines()
        .filter(|l| l.contains("CONSOLE"))
        .map(str::to_owned);
    let (_, found) = dom
        .split_once("<pre id=\"found\">")
        .expect("the page has a place for what was found");
    let (found, _) = found.split_once("</pre>").expect("the place ends");
    let mut found: Vec<String> = said.chain(found.lines().map(str::to_owned)).collect();
    let last = found.pop().unwrap_or_default();
    let plots = last.strip_prefix("looked at ").and_then(|n| n.parse().ok());
    (
        found,
        plots.unwrap_or_else(|| panic!("the browser did not come to an end: {last} {log}")),
    )
}

#[test]
fn pages_are_whole_in_a_browser() {
    let pages = [
        (example("eight_schools"), 18 + 10 + 1 + 2),
        // No two of its latents are correlated.
        (example("poisson_regression"), 4 + 1 + 2),
        // Of 3008 elements 24 are drawn but for one that is constant; the single observation has no density.
        (hard(), 23 + 10 + 1 + 6),
    ];
    let browser = browser();
    if browser.is_none() {
        eprintln!("no Chromium: the pages were not looked at");
    }
    for ((page, size), plots) in pages {
        let name = page.display();
        assert!(size < 1_000_000, "{name}: {size} bytes");
        if let Some(browser) = &browser {
            let (wrong, drawn) = look(browser, &page);
            assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
            assert_eq!(drawn, plots, "plots of {name}");
        }
    }
}
