//! The page as text: what it holds, that nothing breaks out of it, and that nothing makes it break or grow without end.

use super::super::{Estimate, Quantity, Run, Summary, TracePoint, summarise};
use super::*;
use crate::diag::Diagnostic;
use proptest::prelude::*;
use std::f64::consts::TAU;

/// All that a page is made of, owned.
struct Case {
    posterior: Posterior,
    prior: Option<Posterior>,
    summaries: Vec<Summary>,
    run: Run,
    trace: Vec<TracePoint>,
    kl: Vec<(String, f64)>,
    data: Vec<(String, String)>,
    observed: Vec<f64>,
    replicated: Vec<f64>,
    integer: bool,
    program: String,
    learned: Vec<Summary>,
    missing: Missing<'static>,
}

impl Case {
    fn new(quantities: Vec<Quantity>, draws: usize) -> Case {
        let posterior = posterior(quantities, draws);
        Case {
            summaries: summarise(&posterior.quantities),
            posterior,
            prior: None,
            run: Run {
                converged: true,
                ..Run::default()
            },
            trace: vec![],
            kl: vec![],
            data: vec![],
            observed: vec![],
            replicated: vec![],
            integer: false,
            program: String::new(),
            learned: vec![],
            missing: Missing::default(),
        }
    }

    fn page(&self) -> String {
        let shape = [self.observed.len()];
        let predictive = Predictive {
            name: "y",
            shape: &shape,
            observed: &self.observed,
            replicated: &self.replicated,
            integer: self.integer,
        };
        let report = Report {
            title: "a <i>title</i> & more",
            results: Results {
                posterior: &self.posterior,
                summaries: &self.summaries,
                run: &self.run,
                trace: &self.trace,
            },
            learned: &self.learned,
            program: &self.program,
            data: self.data.clone(),
            prior: self.prior.as_ref(),
            kl: self.kl.clone(),
            predictive: vec![predictive],
            missing: self.missing,
        };
        let mut page = Vec::new();
        write(&mut page, &report).expect("memory takes everything");
        String::from_utf8(page).expect("a page is UTF-8")
    }
}

fn posterior(quantities: Vec<Quantity>, draws: usize) -> Posterior {
    Posterior {
        quantities,
        draws,
        ..Posterior::default()
    }
}

fn quantity(name: &str, shape: &[usize], draws: Vec<f64>) -> Quantity {
    let (name, shape) = (name.to_owned(), shape.to_vec());
    let integer = draws.iter().all(|x| x.fract() == 0.0);
    Quantity {
        name,
        labels: vec![None; shape.len()],
        shape,
        draws,
        integer,
        ..Quantity::default()
    }
}

/// Numbers between -1 and 1 without a pattern that plots would show.
fn noise(count: usize) -> Vec<f64> {
    (0..count)
        .map(|i| (i as f64 * 12.9898).sin() * 43758.5453 % 1.0)
        .collect()
}

/// Every tag that is opened is closed, in order; attributes are quoted; no number in a drawing is unusual.
fn check_markup(page: &str) {
    const VOID: [&str; 3] = ["meta", "link", "wbr"];
    let page = page
        .strip_prefix("<!DOCTYPE html>")
        .expect("the page says that it is HTML");
    let (head, rest) = page.split_once("<style>").expect("there is a style");
    let (style, body) = rest.split_once("</style>").expect("the style ends");
    assert!(!style.contains('<'));
    let mut open: Vec<&str> = Vec::new();
    for part in head.split('<').skip(1).chain(body.split('<').skip(1)) {
        let (tag, text) = part.split_once('>').expect("a tag ends");
        assert!(!text.contains('>'), "{part}");
        let name = tag
            .split([' ', '/'])
            .find(|n| !n.is_empty())
            .expect("a tag has a name");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{part}");
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            open.push(name);
        }
        if open.contains(&"svg") {
            assert!(!tag.contains("NaN") && !tag.contains("inf"), "{tag}");
            assert!(!tag.contains("=\"-214748"), "a number out of range: {tag}");
        }
    }
    assert_eq!(open, [""; 0]);
}

fn plots(page: &str) -> usize {
    page.matches("<svg").count()
}

#[test]
fn a_page_holds_what_it_was_given() {
    let mu = noise(50);
    let near = |(i, x): (usize, f64)| 0.5 * x + mu[i / 2];
    let z = noise(100).into_iter().enumerate().map(near).collect();
    let quantities = vec![quantity("mu", &[], mu.clone()), quantity("z", &[2], z)];
    let mut case = Case::new(quantities, 50);
    case.prior = Some(posterior(vec![quantity("mu", &[], noise(40))], 40));
    case.run.elbo = Some(Estimate {
        mean: -31.5,
        se: 0.25,
    });
    let warning = Diagnostic::warning("E0999", "the sd of `mu` is odd").help("look at it");
    case.run.messages = vec![warning];
    case.run.settings = vec![
        ("verdict".into(), "Converged: well.".into()),
        ("guide".into(), "full_rank".into()),
    ];
    case.trace = (0..9)
        .map(|step| TracePoint {
            step,
            elbo: -40.0 + step as f64,
            se: Some(1.0),
        })
        .collect();
    case.kl = vec![("mu".into(), 2.5), ("z[1]".into(), 0.001)];
    case.data = vec![("y".into(), "real[3]".into())];
    (case.observed, case.replicated) = (vec![1.0, 2.5, 3.0], noise(60));
    case.program = "mu ~ Normal(0, 1)".into();
    let page = case.page();
    check_markup(&page);
    for expected in [
        "The fit converged",
        "Converged: well.",
        "-31.50 ± 0.25",
        "full_rank",
        "Warning E0999",
        "sd of <code>mu</code>",
        "look at it",
        "<strong>1 of 2 latents learned next to nothing</strong>",
        "real[3]",
        "mu ~ Normal(0, 1)",
        "with seed 0",
        "where it can be drawn",
        "3 observed lie inside",
    ] {
        assert!(page.contains(expected), "no {expected}");
    }
    // A trace, three marginals, three pairs of three elements, two checks.
    assert_eq!(plots(&page), 1 + 3 + 3 + 2);
    assert_eq!(page, case.page());
    case.run.converged = false;
    assert!(
        case.page()
            .contains("✗</span> <strong>Not to be trusted</strong>")
    );
}

#[test]
fn nothing_breaks_out_of_its_place() {
    let evil = "<script>alert(1)</script>\"'&--></style>";
    let mut case = Case::new(vec![quantity(evil, &[2], noise(40))], 20);
    case.summaries[0].labels = vec![Some(vec![evil.into(), evil.into()])];
    case.posterior.quantities[0].labels = case.summaries[0].labels.clone();
    case.run.model = evil.into();
    case.run.settings = vec![(evil.into(), evil.into()), ("verdict".into(), evil.into())];
    case.run.messages = vec![Diagnostic::warning("E0999", evil).help(evil)];
    (case.kl, case.data, case.program) = (
        vec![(evil.into(), 1.0)],
        vec![(evil.into(), evil.into())],
        evil.into(),
    );
    let page = case.page();
    check_markup(&page);
    assert!(!page.contains("<script") && !page.contains("<i>"));
    assert!(
        page.contains("&lt;script&gt;") && page.contains("a &lt;i&gt;title&lt;/i&gt; &amp; more")
    );
    // Nothing is loaded.
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("url("));
}

#[test]
fn a_page_does_not_grow_with_the_model() {
    let draws = 20;
    let mut quantities = vec![quantity("mu", &[], noise(draws))];
    quantities
        .extend((0..6).map(|k| quantity(&format!("w{k}"), &[100, 100], noise(10_000 * draws))));
    let mut case = Case::new(quantities, draws);
    case.kl = (0..10_000).map(|i| (format!("w[{i}]"), i as f64)).collect();
    case.data = (0..1000)
        .map(|i| (format!("x{i}"), "real".into()))
        .collect();
    case.trace = (0..100_000)
        .map(|step| TracePoint {
            step,
            elbo: step as f64,
            se: Some(1.0),
        })
        .collect();
    (case.observed, case.replicated) = (noise(5000), noise(50_000));
    let page = case.page();
    check_markup(&page);
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    for expected in [
        "59982 more not drawn",
        "9000 more not shown",
        "10000 more not shown",
        "No two of the 43 elements looked at, of 60001 in all, are",
        "… 9960 more",
        "800 more not shown",
        "501 of 100000 estimates",
        "the 60 drawn of 5000",
    ] {
        assert!(page.contains(expected), "no {expected}");
    }
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let nothing = Case::new(vec![], 0).page();
    check_markup(&nothing);
    assert_eq!(plots(&nothing), 0);
    assert!(
        nothing.contains("The program was given no data.")
            && nothing.contains("Nothing is replicated.")
    );

    let mut once = Case::new(vec![quantity("x", &[], vec![1.5])], 1);
    (once.observed, once.replicated) = (vec![2.0], vec![2.5]);
    once.trace = vec![TracePoint {
        step: 0,
        elbo: f64::NAN,
        se: None,
    }];
    let page = once.page();
    check_markup(&page);
    assert!(
        page.contains("The one draw is 1.5000.")
            && page.contains("There is nothing to draw: 1 estimate")
    );

    let strange = [f64::NAN, f64::INFINITY, 1.0, 1.0];
    let quantities = vec![
        quantity("constant", &[], vec![3.0; 4]),
        quantity("strange", &[], strange.to_vec()),
        quantity("none", &[0], vec![]),
        quantity("huge", &[], vec![f64::MAX, -f64::MAX, 0.5, 1.0]),
        quantity("far", &[], vec![1e15, 1e15 + 1.5, 1e15, 1e15]),
    ];
    let mut case = Case::new(quantities, 4);
    (case.observed, case.replicated) = (strange.to_vec(), strange.repeat(3));
    case.kl = vec![
        ("a".into(), f64::NAN),
        ("b".into(), f64::INFINITY),
        ("c".into(), -1e-9),
    ];
    case.run.elbo = Some(Estimate {
        mean: f64::NEG_INFINITY,
        se: f64::NAN,
    });
    let page = case.page();
    check_markup(&page);
    for expected in [
        "All 4 draws are 3.",
        "2 draws not finite",
        "no axis shows them",
        "2 values without an observation left out",
        "<strong>1 of 3 latents",
        "<td>≥ 2.9</td>",
        "−∞",
    ] {
        assert!(page.contains(expected), "no {expected}");
    }
}

#[test]
fn what_is_missing_has_a_reason() {
    let mut case = Case::new(vec![quantity("mu", &[], noise(50))], 50);
    case.missing = Missing {
        prior: Some("`Flat` has no draws (E0626)"),
        replicates: Some("`y` has no draws (E0626)"),
    };
    let page = case.page();
    check_markup(&page);
    for expected in [
        "The prior is not beside it, since it cannot be drawn from: <code>Flat</code> has no draws (E0626).",
        "since the prior cannot be drawn from: <code>Flat</code> has",
        "since the data cannot be replicated: <code>y</code> has",
    ] {
        assert!(page.contains(expected), "no {expected}");
    }
}

#[test]
fn chance_is_no_correlation() {
    // Waves of different lengths are not correlated.
    let wave = |turns: f64| (0..1000).map(move |i| (TAU * turns * i as f64 / 1000.0).sin());
    let quantities = [("a", 1.0), ("b", 2.0), ("c", 3.0)].into_iter();
    let quantities = quantities.map(|(name, turns)| quantity(name, &[], wave(turns).collect()));
    let mut case = Case::new(quantities.collect(), 1000);
    case.run.settings = vec![("guide".into(), "mean_field".into())];
    let page = case.page();
    check_markup(&page);
    assert!(page.contains("No two of the 3 elements are noticeably correlated"));
    assert!(page.contains("A mean-field guide draws each latent number on its own"));
    // Three marginals.
    assert_eq!(plots(&page), 3);
}

#[test]
fn params_are_listed_once_without_a_distribution() {
    let w = quantity("w", &[2], [0.5, 0.25].repeat(50));
    let mut case = Case::new(vec![quantity("mu", &[], noise(50)), w], 50);
    case.learned = vec![case.summaries.remove(1)];
    let page = case.page();
    check_markup(&page);
    assert_eq!((page.matches("w[1]").count(), plots(&page)), (1, 1));
    assert!(page.contains("learned, not inferred") && page.contains("<td>0.25000</td>"));
}

#[test]
fn divergences_are_ranked_below_what_can_be_told() {
    let mut case = Case::new(vec![], 0);
    let kl = [("a", 0.5), ("b", 2.95), ("c", 2.99)];
    case.kl = kl.map(|(name, kl)| (name.into(), kl)).into();
    let page = case.page();
    check_markup(&page);
    let at = |name: &str| page.find(&format!("<th scope=\"row\">{name}</th>"));
    assert!(at("b") < at("c") && at("c") < at("a") && at("b").is_some());
    assert!(page.contains("All 3 latents have learned something from the data."));
    assert_eq!(page.matches("<td>≥ 2.9</td>").count(), 2);
}

/// Numbers that programs have, and those that break them.
fn numbers(count: usize) -> impl Strategy<Value = Vec<f64>> {
    let number = prop_oneof![
        4 => -10.0..10.0,
        2 => (0..6_i32).prop_map(f64::from),
        1 => any::<f64>(),
        1 => proptest::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 5e-324]),
    ];
    proptest::collection::vec(number, count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn no_numbers_break_a_page(
        x in numbers(36), prior in numbers(12), observed in numbers(5), replicated in numbers(20), elbo in numbers(6), integer: bool,
    ) {
        let mut case = Case::new(vec![quantity("x", &[3], x.clone()), quantity("s", &[], x[..12].to_vec())], 12);
        case.posterior.quantities[0].integer = integer;
        case.prior = Some(posterior(vec![quantity("s", &[], prior)], 12));
        case.trace = elbo.iter().enumerate().map(|(step, &elbo)| TracePoint { step, elbo, se: Some(elbo) }).collect();
        case.kl = elbo.iter().map(|&kl| ("x".into(), kl)).collect();
        (case.observed, case.replicated, case.integer) = (observed, replicated, integer);
        check_markup(&case.page());
    }
}
