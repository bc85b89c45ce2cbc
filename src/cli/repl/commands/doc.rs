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
    let known = known.chain(STANDARD.iter().map(|(name, _)| *name));
    let problem = Diagnostic::error(
        "E0808",
        format!("nothing of the language is called `{name}`"),
    );
    Err(match closest(name, known) {
        Some(close) => problem.help(format!("did you mean `{close}`?")),
        None => problem.help("docs/language.md explains the rest"),
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

/// The doc comments of a module with what they are of: of one member, or the first line of each.
fn documented(text: &str, member: &str) -> String {
    let mut found = Vec::new();
    let mut docs: Vec<&str> = Vec::new();
    for line in text.lines() {
        if let Some(doc) = line.strip_prefix("///") {
            docs.push(doc.trim());
            continue;
        }
        let signature = line
            .strip_prefix("fn ")
            .map(|rest| rest.split(" =").next().unwrap_or(rest));
        let signature = signature.map(|s| s.trim_end_matches(['{', ' ']));
        if let Some(signature) = signature {
            let name = signature.split('(').next().unwrap_or("");
            if name == member {
                return format!("{signature}\n{}", docs.join("\n"));
            }
            found.push(format!("{signature}\n  {}", docs.first().unwrap_or(&"")));
        }
        docs.clear();
    }
    match member.is_empty() {
        true => found.join("\n"),
        false => String::new(),
    }
}
