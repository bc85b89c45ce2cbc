//! `:doc`: what a name of the language means.

use super::{Command, Takes, misused};
use crate::cli::repl::session::{Result, Session, Watch};
use crate::diag::{Diagnostic, closest};
use crate::dist::{self, Declaration, FAMILIES};
use crate::functions;
use crate::modules::STANDARD;

pub(super) const COMMAND: Command = Command {
    name: "doc",
    usage: "NAME",
    about: "explains a distribution, a function, a module of the standard library, or one of its functions",
    takes: Takes::Names,
    run,
};

fn run(_: &mut Session, name: &str, _: Watch) -> Result<String> {
    if name.is_empty() {
        return Err(misused(&COMMAND));
    }
    if let Some(family) = dist::find(name) {
        return Ok(distribution(family.declaration()));
    }
    if let Some(function) = functions::find(name) {
        return Ok(format!("{}\n{}", function.signature, function.doc));
    }
    let (module, member) = name.split_once('.').unwrap_or((name, ""));
    if let Some((_, text)) = STANDARD.iter().find(|(known, _)| *known == module) {
        let found = documented(text, member);
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let known = functions::all().map(|f| &*f.name);
    let known = known.chain(FAMILIES.iter().map(|f| f.declaration().name));
    let modules: Vec<&str> = STANDARD.iter().map(|(name, _)| *name).collect();
    let known = known.chain(modules.iter().copied());
    let problem = Diagnostic::error(
        "E0808",
        format!("nothing of the language is called `{name}`"),
    );
    Err(match closest(name, known) {
        Some(close) => problem.help(format!("did you mean `{close}`?")),
        None => problem.help(format!(
            "distributions, functions, the modules {} and their functions (`:doc gp.latent`) have a name; \
             `:help` lists the commands, and docs/language.md beside the sources is about statements",
            modules.join(", ")
        )),
    }
    .into())
}

fn distribution(declaration: &Declaration) -> String {
    let form = |form: &dist::Form| {
        let names: Vec<&str> = form.parameters.iter().map(|p| p.name).collect();
        format!("{}({})", declaration.name, names.join(", "))
    };
    let forms: Vec<String> = declaration.forms.iter().map(form).collect();
    let parameters = declaration.forms.iter().flat_map(|f| f.parameters);
    let mut lines: Vec<String> = parameters
        .map(|p| format!("  {}: {}", p.name, p.doc))
        .collect();
    lines.dedup();
    format!(
        "{}\n{}\n{}",
        forms.join("\n"),
        declaration.doc,
        lines.join("\n")
    )
}

/// The doc comments of a module with what they are of: of one member, or its own and the first sentence of each.
fn documented(text: &str, member: &str) -> String {
    let mut found = Vec::new();
    let mut docs: Vec<&str> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        if let Some(doc) = line.strip_prefix("///") {
            docs.push(doc.trim());
        } else {
            if let Some(function) = rest.strip_prefix("fn ") {
                let signature = signature(function);
                if signature.split('(').next() == Some(member) {
                    return format!("{signature}\n{}", docs.join("\n"));
                }
                found.push(format!("{signature}\n  {}", sentence(&docs.join(" "))));
            } else if found.is_empty() && !docs.is_empty() {
                found.push(format!("{}\n", docs.join("\n")));
            }
            docs.clear();
        }
        rest = after;
    }
    match member.is_empty() {
        true => found.join("\n"),
        false => String::new(),
    }
}

/// What stands before the body of a function, in one line: parameters with their defaults, and the type of the result.
fn signature(function: &str) -> String {
    let mut depth = 0;
    let body = function.find(|c| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        depth == 0 && matches!(c, '=' | '{')
    });
    let head = &function[..body.unwrap_or(function.len())];
    head.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text up to the first full stop that ends a sentence: none in code or brackets, nor that of "et al. (2005)".
fn sentence(text: &str) -> &str {
    let (mut depth, mut code) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            '`' => code = !code,
            '(' if !code => depth += 1,
            ')' if !code => depth -= 1,
            '.' if !code && depth == 0 => {
                let after = &text[at + 1..];
                if after.is_empty() || after.starts_with(' ') && !after.starts_with(" (") {
                    return &text[..=at];
                }
            }
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_and_sentences_are_whole() {
        let gp = STANDARD.iter().find(|(name, _)| *name == "gp").unwrap().1;
        let latent = documented(gp, "latent");
        assert!(latent.starts_with("latent(x: real[n, d], kernel, jitter = 1e-8)\nA function"));
        assert!(documented(gp, "predict").starts_with("predict(z: real[m, d], y: real[n]"));
        assert!(documented(gp, "predict").contains(", sigma) -> real[m]\n"));
        assert_eq!(documented(gp, "nothing"), "");
        for (name, text) in STANDARD {
            let all = documented(text, "");
            let functions = text.lines().filter(|l| l.starts_with("fn ")).count();
            let first = |l: &&str| !l.starts_with("  ") && l.contains('(') && l.contains(')');
            assert!(all.lines().filter(first).count() >= functions, "{all}");
            for line in all.lines().filter(|l| l.starts_with("  ")) {
                assert!(line.ends_with('.'), "{name}: {line}");
            }
        }
        assert_eq!(
            sentence("As `a. b` (p. 3. Q). Then."),
            "As `a. b` (p. 3. Q)."
        );
        assert_eq!(
            sentence("By Cho et al. (2014). Then."),
            "By Cho et al. (2014)."
        );
    }
}
