//! Whole conversations: what is said, and what is answered.

use super::session::{Answer, Session};
use crate::data::InMemory;
use std::sync::Arc;

/// A session with some files.
fn session() -> Session {
    Session::new(Arc::new(InMemory::new([
        (
            "schools.json",
            r#"{"y": [28, 8, -3, 7, -1, 1, 18, 12], "sigma": [15, 10, 16, 11, 9, 11, 10, 18]}"#,
        ),
        ("priors.vi", "fn vague() = Normal(0, 10)"),
        (
            "saved.vi",
            "//: :set y=[1, 2, 3]\ndata y: real[N]\nmu ~ Normal(0, 10)\ny ~ Normal(mu, 1)\n//: :fit --seed 3\n",
        ),
        (
            "half.vi",
            "data y: real[N]\nmu ~ Normal(0, 10)\ny ~ Normal(mu, 1)\n//: :set y=[1, 2]\n//: :data none.json\n",
        ),
        ("evil.vi", "mu ~ Normal(0, 1)\n//: :save stolen.vi\n"),
    ])))
}

fn say(session: &mut Session, line: &str) -> Answer {
    session.answer(line, &mut |_, _| {})
}

/// The answer to a line that is good.
fn told(session: &mut Session, line: &str) -> String {
    let Answer { text, error, .. } = say(session, line);
    assert!(error.is_none(), "{line}: {:?}", error.unwrap());
    text
}

/// The code of what is wrong with a line, which changes nothing.
fn refused(session: &mut Session, line: &str) -> &'static str {
    let before = session.statements().text();
    let error = say(session, line).error;
    assert_eq!(
        session.statements().text(),
        before,
        "{line} has changed something"
    );
    error
        .unwrap_or_else(|| panic!("{line} is good"))
        .diagnostics[0]
        .code
}

fn all(session: &mut Session, lines: &[&str]) {
    for line in lines {
        told(session, line);
    }
}

/// The number after a word of an answer.
fn number(text: &str, after: &str) -> f64 {
    let rest = text
        .split(after)
        .nth(1)
        .unwrap_or_else(|| panic!("no {after} in {text}"));
    let word = rest.split_whitespace().next().unwrap_or("");
    word.trim_matches(['[', ']', ','])
        .parse()
        .unwrap_or_else(|_| panic!("{word} of {text}"))
}

#[test]
fn expressions_are_answered_at_once() {
    let s = &mut session();
    assert_eq!(told(s, "1 + 2 * 3"), "7");
    let density: f64 = told(s, "Normal(0, 1).log_prob(0)")
        .parse()
        .expect("a number");
    // One rounding of a number near 1.
    assert!((density + 0.5 * (2.0 * std::f64::consts::PI).ln()).abs() < 2e-16);
    assert_eq!(told(s, "[1, 2, 4] / 2"), "[0.5, 1, 2]");
    assert_eq!(told(s, "2 > 1"), "true");
    assert_eq!(told(s, ":set y=[3, 1, 2]"), "y: 3 numbers");
    assert_eq!(told(s, "data y: real[N]"), "y: real[N], data");
    assert_eq!(told(s, "mean(y) + N"), "5");
    assert!(told(s, "summary(y)").contains("y[3]"));
    assert_eq!(refused(s, "mean(z)"), "E0101");
    assert_eq!(refused(s, "1 +"), "E0003");
    assert_eq!(refused(s, "Normal(0, 1)"), "E0634");
    assert_eq!(refused(s, "|x| x"), "E0634");
    assert_eq!(refused(s, ":type Normal(0, 1)"), "E0634");
    assert_eq!(refused(s, "P(1 + 1)"), "E0634");
    // What weighs a latent is part of what is known of it before a fit, and cannot be drawn from.
    all(s, &["w ~ Normal(0, 1)", "factor -w^2"]);
    assert_eq!(refused(s, "w"), "E0626");
}

#[test]
fn a_model_is_built_in_any_order_and_asked_before_and_after_its_fit() {
    let s = &mut session();
    let waits = told(s, "theta = mu + 1".replace("theta", "let theta").as_str());
    assert!(waits.contains("`mu` is not defined yet"), "{waits}");
    assert_eq!(told(s, "mu ~ Normal(3, 2)"), "mu: real, a latent");
    let prior = told(s, "theta");
    assert!(prior.ends_with("(prior)"), "{prior}");
    // Four standard errors of 1000 draws.
    assert!(
        (number(&prior, "mean ") - 4.0).abs() < 0.26 && (number(&prior, "sd ") - 2.0).abs() < 0.18
    );
    all(
        s,
        &[
            "data y: real[N]",
            ":set y=[0, 1, 2, 1]",
            "y ~ Normal(mu, 1)",
        ],
    );
    let fit = told(s, ":fit --seed 4");
    assert!(fit.contains("ELBO") && fit.contains("Converged"), "{fit}");
    let posterior = told(s, "theta");
    assert!(posterior.ends_with("(posterior)"), "{posterior}");
    // The posterior's precision is 4 + 1/4, its mean (4 + 3/4) / 4.25; four standard errors.
    assert!(
        (number(&posterior, "mean ") - (1.0 + 4.75 / 4.25)).abs() < 0.07,
        "{posterior}"
    );
    let probability = told(s, "P(mu > 0)");
    assert!(number(&probability, "probability ") > 0.97, "{probability}");
    // A definition leaves the fit as it is, a draw does not.
    told(s, "let twice = 2 * mu");
    assert!(told(s, "twice").ends_with("(posterior)"));
    assert!(told(s, "sigma ~ HalfNormal(1)").contains("`:fit` fits this one"));
    assert_eq!(refused(s, ":summary"), "E0807");
    told(s, ":undo");
    assert!(told(s, ":summary mu").contains("mu"));
}

#[test]
fn what_is_said_anew_replaces_what_was_said() {
    let s = &mut session();
    all(
        s,
        &[
            "mu ~ Normal(0, 1)",
            "tau ~ HalfNormal(1)",
            "for j in 1..3 { z[j] ~ Normal(mu, tau) }",
            "let d = z[1] - z[2]",
        ],
    );
    let said = told(s, "mu ~ Normal(5, 1)");
    assert!(
        said.contains("replaced: `mu`") && said.contains("with it changes: `d`, `z`"),
        "{said}"
    );
    assert_eq!(s.statements().text().matches("mu ~").count(), 1);
    // The same elements in another loop of the same range, and all of an array in place of its elements.
    let said = told(s, "for j in 1..3 { z[j] ~ Normal(mu, 2 * tau) }");
    assert!(said.contains("replaced: `z`"), "{said}");
    told(s, "z ~ Normal(mu, tau)^3");
    assert_eq!(s.statements().text().matches("z[j]").count(), 0);
    let shown = told(s, ":model");
    assert!(shown.contains("Normal(mu, tau) ^ 3"), "{shown}");
    // Some elements and others stand beside each other.
    all(
        s,
        &[
            "x[1] ~ Normal(0, 1)",
            "for t in 2..4 { x[t] ~ Normal(x[t - 1], 1) }",
        ],
    );
    assert_eq!(s.statements().text().matches("x[").count(), 3);
    assert_eq!(refused(s, "tau ~ Nromal(0, 1)"), "E0102");
    assert_eq!(refused(s, "let k = dot(1, 2)"), "E0211");
    told(s, ":reset");
    assert!(s.statements().text().is_empty());
    told(s, ":undo");
    assert!(!s.statements().text().is_empty());
}

#[test]
fn statements_over_several_lines_belong_together() {
    let s = &mut session();
    let said = told(
        s,
        "data sigma: positive[J]\ndata y: real[J]\n\n// in points\nmu ~ Normal(0, 5)\nfor j in 1..J {\n  y[j] ~ Normal(mu, sigma[j])\n}",
    );
    assert_eq!(
        said,
        "mu: real, a latent\nsigma: real[J], data\ny: real[J], data"
    );
    told(s, ":data schools.json");
    assert!(told(s, ":check").contains("J = 8"));
    // A comment stays with the statement on whose line it is.
    told(s, "a ~ Normal(0, 1) // before\n// alone\nb ~ Normal(a, 1)");
    told(s, "a ~ Normal(0, 2)");
    let text = s.statements().text();
    assert!(
        !text.contains("before") && text.contains("// alone\nb ~"),
        "{text}"
    );
    assert!(told(s, ":fit").contains("mu"));
}

#[test]
fn every_command_answers() {
    let s = &mut session();
    all(
        s,
        &[
            "data y: real[N]",
            "mu ~ Normal(0, 10)",
            "y ~ Normal(mu, 1)",
            ":set y=[1, 2, 3]",
        ],
    );
    assert!(told(s, ":data").contains("y: 3 numbers"));
    assert_eq!(told(s, ":type y * mu"), "real[N]");
    assert!(told(s, ":prior mu").contains("mu"));
    assert!(told(s, ":plot mu").contains('…'));
    assert!(told(s, ":graph").starts_with("digraph"));
    assert!(told(s, ":profile").contains("one gradient"));
    told(s, ":fit --guide full_rank --draws 100");
    let bars = told(s, ":plot mu");
    // Bars are drawn of dots in letters of Braille.
    let inked = |text: &str| {
        text.chars()
            .filter(|c| ('\u{2801}'..='\u{28ff}').contains(c))
            .count()
    };
    assert!(bars.contains("mu\n") && inked(&bars) > 100, "{bars}");
    assert!(told(s, ":trace").contains("ELBO"));
    assert!(told(s, ":predict N=2").contains("y[2]"));
    assert!(told(s, ":predict").contains("y[3]"));
    assert!(told(s, ":summary mu (mu + 1)").contains("(mu + 1)"));
    told(s, "mu ~ Normal(0, 1)");
    told(s, ":fit");
    let compared = told(s, ":compare");
    assert!(
        compared.contains("this") && compared.contains("fit 1"),
        "{compared}"
    );
    assert!(told(s, ":help").lines().count() > 20);
    assert!(told(s, ":help fit").contains("--seed"));
    assert!(told(s, ":doc Normal").contains("sigma"));
    assert!(told(s, ":doc cumsum").contains("cumsum("));
    assert!(told(s, ":doc gp").contains('('));
    assert_eq!(told(s, ":he fit"), told(s, ":help fit"));
    assert!(!say(s, ":summary").quit && say(s, ":q").quit);
}

#[test]
fn commands_that_are_not_understood_are_told() {
    let s = &mut session();
    assert_eq!(refused(s, ":sumary"), "E0808");
    assert_eq!(refused(s, ":s"), "E0808"); // :set, :summary or :save
    assert_eq!(refused(s, ":"), "E0808");
    assert_eq!(refused(s, ":fit --seeds 3"), "E0808");
    assert_eq!(refused(s, ":fit --draws many"), "E0808");
    assert_eq!(refused(s, ":set y"), "E0808");
    assert_eq!(refused(s, ":set y=[1"), "E0618");
    assert_eq!(refused(s, ":data none.json"), "E0601");
    assert_eq!(refused(s, ":load none.vi"), "E0631");
    assert_eq!(refused(s, ":doc Norml"), "E0808");
    assert_eq!(refused(s, ":predict"), "E0807");
    assert_eq!(refused(s, ":type"), "E0808");
    assert_eq!(refused(s, "mu ~ Normal(0, \"x\")"), "E0211");
}

#[test]
fn a_session_is_written_as_a_program_that_reproduces_it() {
    let s = &mut session();
    let said = told(s, ":load saved.vi");
    assert!(
        said.contains("mu: real, a latent") && said.contains("Converged"),
        "{said}"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    told(s, &format!(":save {}", path("again.vi")));
    told(s, &format!(":save {}", path("again.elbo")));
    let mean = told(s, "mu");
    // From the disk, by another session.
    let again = &mut Session::default();
    told(again, &format!(":load {}", path("again.vi")));
    assert_eq!(told(again, "mu"), mean);
    let of_fit = &mut Session::default();
    told(of_fit, &format!(":load {}", path("again.elbo")));
    assert_eq!(told(of_fit, "mu"), mean);
    // What is written is what was read, also by way of a session that has taken it up.
    told(again, &format!(":save {}", path("third.vi")));
    let text = |name: &str| std::fs::read_to_string(path(name)).expect("a file");
    assert_eq!(text("third.vi"), text("again.vi"));
    assert_eq!(text("again.vi").matches("//: ").count(), 2);
    assert!(!again.statements().text().contains("//:"));
    // Of a model that has no fit none is written, since it might not be able to be fitted.
    all(
        again,
        &["y ~ Normal(mu, tau)", &format!(":save {}", path("open.vi"))],
    );
    assert!(!text("open.vi").contains(":fit"));
    told(of_fit, &format!(":load {}", path("open.vi")));
}

#[test]
fn what_is_loaded_is_loaded_whole_or_not_at_all() {
    let s = &mut session();
    all(
        s,
        &[
            "data y: real[N]",
            "mu ~ Normal(0, 1)",
            "y ~ Normal(mu, 1)",
            ":set y=[3, 4]",
            ":fit",
        ],
    );
    let (model, mean) = (told(s, ":model"), told(s, "mu"));
    for (file, code) in [("half.vi", "E0601"), ("evil.vi", "E0808")] {
        assert_eq!(refused(s, &format!(":load {file}")), code);
        assert_eq!(
            (told(s, ":model"), told(s, "mu")),
            (model.clone(), mean.clone())
        );
        assert!(s.earlier.is_empty());
    }
    // The last change is still the fit; a whole file is taken back as one.
    told(s, ":load saved.vi");
    told(s, ":undo");
    assert_eq!((told(s, ":model"), told(s, "mu")), (model, mean));
    told(s, ":undo");
    assert_eq!(refused(s, ":summary"), "E0807");
}

#[test]
fn what_is_imported_comes_from_the_files_of_the_session() {
    let s = &mut session();
    all(
        s,
        &["import \"priors.vi\"", "import nn", "a ~ priors.vague()"],
    );
    assert!(told(s, "a * 2").ends_with("(prior)"));
    assert_eq!(refused(s, "import \"none.vi\""), "E0112");
}

#[test]
fn a_latent_of_the_size_of_data_is_asked_for() {
    let s = &mut session();
    all(
        s,
        &[
            "data x: real[N, K]",
            "data y: real[N]",
            "b ~ Normal(0, 1) ^ K",
            "y ~ Normal(x @ b, 1)",
            ":set x=[[1, 2], [3, 4], [5, 7]]",
            ":set y=[1, 2, 3]",
            ":fit",
        ],
    );
    assert!(told(s, "b").contains("b[2]"));
    assert!(told(s, "P(b[1] > b[2])").contains("probability"));
    assert!(told(s, ":plot b[1]").contains('…'));
}

#[test]
fn what_other_terminals_understand_is_understood() {
    let s = &mut session();
    assert!(told(s, "help").contains(":fit"));
    assert!(s.answer("exit", &mut |_, _| ()).quit);
    let s = &mut session();
    all(s, &["let help = 3"]);
    assert_eq!(told(s, "help"), "3");
}
