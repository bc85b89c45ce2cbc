//! The statements of a session: which names each defines and reads, what replaces what.

use super::session::{Reader, Result};
use crate::api::{Error, Program};
use crate::check::program::{Variable, VariableKind};
use crate::diag::{Diagnostic, SourceId, Sources};
use crate::syntax::ast::{Ast, Expr, ExprKind, Statement, StatementKind, Target};
use crate::syntax::{self, print_expr};
use std::collections::BTreeSet;

/// Statements in the order in which they were said.
#[derive(Clone, Default)]
pub(super) struct Statements {
    all: Vec<Said>,
}

/// One statement.
#[derive(Clone)]
struct Said {
    text: String,
    /// What it says something of.
    defines: Vec<Defined>,
    /// All names in it.
    words: BTreeSet<String>,
    /// Those in the extents of data, which are told by their shape.
    sizes: BTreeSet<String>,
    draws: bool,
    /// Whether all it does is to name or compute something.
    only_defines: bool,
}

/// What a statement says something of: `data y` and `y ~ …` say different things of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Defined {
    name: String,
    /// The element: `[j]`, with the loops around.
    element: String,
    is_data: bool,
}

/// What there is to say of new statements.
pub(super) struct Change {
    pub(super) text: String,
    /// Whether nothing was drawn, declared or replaced.
    pub(super) only_definitions: bool,
}

impl Statements {
    /// The statements of a text, or nothing if it is an expression.
    pub(super) fn read(text: &str) -> Result<Option<Statements>> {
        let (ast, problems) = syntax::parse(SourceId(0), text);
        let is_expr = |s: &Statement| matches!(s.kind, StatementKind::Expr { .. });
        if let [one] = &ast.statements[..]
            && is_expr(one)
        {
            return Ok(None);
        }
        if !problems.is_empty() {
            // What is neither may be an expression that only the grammar of expressions knows.
            let (_, of_expression) = syntax::parse_expr(SourceId(0), text);
            if of_expression.is_empty() {
                return Ok(None);
            }
            let mut sources = Sources::default();
            sources.add("the input", text);
            return Err(Error::new(problems, &sources));
        }
        Ok(Some(Statements {
            all: said(&ast, text),
        }))
    }

    /// These with new ones, which replace what they say anew, and what is to be said of that.
    pub(super) fn with(&self, new: Statements, reader: &Reader) -> Result<(Statements, Change)> {
        let mut all = self.clone();
        let mut only_definitions = true;
        let (mut replaced, mut gone) = (BTreeSet::new(), BTreeSet::new());
        for said in &new.all {
            let old = |other: &Said| {
                other
                    .defines
                    .iter()
                    .any(|d| said.defines.contains(d) || said.replaces(d))
            };
            let at = all.all.iter().position(old).unwrap_or(all.all.len());
            for other in all.all.iter().filter(|other| old(other)) {
                for defined in &other.defines {
                    let again = said.defines.iter().any(|d| d.name == defined.name);
                    let set = if again { &mut replaced } else { &mut gone };
                    set.insert(defined.name.clone());
                }
            }
            all.all.retain(|other| !old(other));
            all.all.insert(at.min(all.all.len()), said.clone());
            only_definitions &= said.only_defines;
        }
        only_definitions &= replaced.is_empty();
        let mut lines = Vec::new();
        match all.program(reader) {
            Ok(program) => {
                let names = new.all.iter().flat_map(|s| &s.defines).map(|d| &d.name);
                let names: BTreeSet<&String> = names.collect();
                lines.extend(names.iter().filter_map(|name| described(&program, name)));
            }
            Err(error) => lines.push(waits(error)?),
        }
        let list = |names: &BTreeSet<String>| {
            let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
            names.join(", ")
        };
        if !replaced.is_empty() {
            lines.push(format!("replaced: {}", list(&replaced)));
            let depends = all.readers_of(&replaced);
            if !depends.is_empty() {
                lines.push(format!("with it changes: {}", list(&depends)));
            }
        }
        if !gone.is_empty() {
            lines.push(format!("no longer defined: {}", list(&gone)));
        }
        let change = Change {
            text: lines.join("\n"),
            only_definitions,
        };
        Ok((all, change))
    }

    pub(super) fn text(&self) -> String {
        self.all.iter().map(|s| format!("{}\n", s.text)).collect()
    }

    pub(super) fn program(&self, reader: &Reader) -> Result<Program> {
        reader.program(&self.text())
    }

    /// Whether something is drawn or learned.
    pub(super) fn draws(&self) -> bool {
        self.all.iter().any(|s| s.draws)
    }

    /// Names that are defined, for completion.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let all = self.all.iter().flat_map(|s| &s.defines);
        all.map(|d| d.name.clone()).collect()
    }

    /// Those that a text needs, directly or not. Of data only their declaration is needed, not what is drawn as data.
    pub(super) fn needed_by(&self, text: &str) -> Statements {
        let mut wanted = words(text);
        let mut needed = vec![false; self.all.len()];
        let data: BTreeSet<&String> = self.data_names();
        let defined = self.names();
        loop {
            let mut more = false;
            for (i, said) in self.all.iter().enumerate() {
                let defines = |d: &Defined| {
                    wanted.contains(&d.name) && (d.is_data || !data.contains(&d.name))
                };
                // A function or a module has a name that is written before a dot.
                let sizes = |name: &String| wanted.contains(name) && !defined.contains(name);
                let tells = said.defines.iter().any(defines) || said.sizes.iter().any(sizes);
                if !needed[i] && tells {
                    needed[i] = true;
                    more = true;
                    wanted.extend(said.words.iter().cloned());
                }
            }
            if !more {
                break;
            }
        }
        // What weighs a latent that is needed belongs to its prior.
        let latents: BTreeSet<String> = self
            .all
            .iter()
            .zip(&needed)
            .filter(|(s, n)| **n && s.draws)
            .flat_map(|(s, _)| s.defines.iter().map(|d| d.name.clone()))
            .collect();
        for (i, said) in self.all.iter().enumerate() {
            needed[i] |= said.defines.is_empty() && !said.words.is_disjoint(&latents);
        }
        let all = self.all.iter().zip(needed);
        Statements {
            all: all.filter(|(_, n)| *n).map(|(s, _)| s.clone()).collect(),
        }
    }

    fn data_names(&self) -> BTreeSet<&String> {
        let all = self.all.iter().flat_map(|s| &s.defines);
        all.filter(|d| d.is_data).map(|d| &d.name).collect()
    }

    /// Names that are defined by statements that read these, directly or not.
    fn readers_of(&self, names: &BTreeSet<String>) -> BTreeSet<String> {
        let mut found = names.clone();
        loop {
            let before = found.len();
            for said in &self.all {
                if said.words.iter().any(|w| found.contains(w)) {
                    found.extend(said.defines.iter().map(|d| d.name.clone()));
                }
            }
            if found.len() == before {
                break;
            }
        }
        &found - names
    }
}

impl Said {
    /// Whether it says another thing of all of a name: then what was said of it, or of parts of it, is void.
    fn replaces(&self, other: &Defined) -> bool {
        let mut own = self.defines.iter();
        own.any(|d| {
            let whole = d.element.is_empty() || other.element.is_empty();
            d.name == other.name && d.is_data == other.is_data && whole
        })
    }
}

/// The statements of a tree, each with its text and what stands before it.
fn said(ast: &Ast, text: &str) -> Vec<Said> {
    let mut from = 0;
    let statement = |s: &Statement| {
        let end = with_comment(text, s.span.end as usize);
        let own = text.get(from..end).unwrap_or("").trim();
        from = end;
        let mut defines = Vec::new();
        collect(s, "", &mut defines);
        let only_defines = matches!(
            s.kind,
            StatementKind::Let { .. } | StatementKind::Fn(_) | StatementKind::Import { .. }
        );
        Said {
            text: own.trim_start_matches(';').trim().to_string(),
            words: words(own),
            sizes: sizes(s),
            draws: draws(s),
            defines,
            only_defines,
        }
    };
    ast.statements.iter().map(statement).collect()
}

/// Names in the extents of data.
fn sizes(statement: &Statement) -> BTreeSet<String> {
    match &statement.kind {
        StatementKind::Data { ty, .. } => ty
            .dims
            .iter()
            .flat_map(|e| words(&syntax::print_expr(e)))
            .collect(),
        _ => BTreeSet::new(),
    }
}

/// Where a statement ends that ends here, with a comment on its line.
fn with_comment(text: &str, end: usize) -> usize {
    let rest = text.get(end..).unwrap_or("").lines().next().unwrap_or("");
    match rest.trim_start_matches([' ', '\t', ';']).starts_with("//") {
        true => end + rest.len(),
        false => end,
    }
}

fn collect(statement: &Statement, around: &str, defines: &mut Vec<Defined>) {
    let mut define = |name: &str, element: String, is_data| {
        defines.push(Defined {
            name: name.to_string(),
            element,
            is_data,
        });
    };
    match &statement.kind {
        StatementKind::Data { name, .. } => define(&name.name, String::new(), true),
        StatementKind::Param { name, .. } => define(&name.name, String::new(), false),
        StatementKind::Fn(def) => define(&def.name.name, String::new(), false),
        StatementKind::Import {
            alias: Some(name), ..
        } => define(&name.name, String::new(), false),
        StatementKind::Import { .. } => {
            // Its own name is the last part of what it imports.
            let text = syntax::print(&Ast {
                statements: vec![statement.clone()],
                comments: Vec::new(),
            });
            let name = text.trim_start_matches("import").trim().trim_matches('"');
            let name = name
                .rsplit('/')
                .next()
                .unwrap_or(name)
                .trim_end_matches(".vi");
            define(name, String::new(), false);
        }
        StatementKind::Draw { target, .. } | StatementKind::Let { target, .. } => {
            if let Target::Element { name, indices, .. } = target {
                let element = match indices.is_empty() && around.is_empty() {
                    true => String::new(),
                    false => printed(target) + around,
                };
                define(&name.name, element, false);
            }
        }
        StatementKind::For {
            var, range, body, ..
        } => {
            let around = format!("{around} for {} in {}", var.name, print_expr(range));
            body.iter().for_each(|s| collect(s, &around, defines));
        }
        StatementKind::If {
            then, otherwise, ..
        } => {
            let all = then.iter().chain(otherwise.iter().flatten());
            all.for_each(|s| collect(s, around, defines));
        }
        StatementKind::Guide { .. } | StatementKind::GuideBlock { .. } => {
            define("guide", String::new(), false)
        }
        StatementKind::Factor { .. } | StatementKind::Expr { .. } | StatementKind::Error => {}
    }
}

/// What stands left of `~` or `=`.
fn printed(target: &Target) -> String {
    let Target::Element {
        name,
        indices,
        span,
    } = target
    else {
        return String::new();
    };
    let expr = |kind| Expr { kind, span: *span };
    print_expr(&expr(ExprKind::Index {
        value: Box::new(expr(ExprKind::Name(name.name.clone()))),
        indices: indices.clone(),
    }))
}

fn draws(statement: &Statement) -> bool {
    match &statement.kind {
        StatementKind::Draw { .. } | StatementKind::Param { .. } => true,
        StatementKind::For { body, .. } => body.iter().any(draws),
        StatementKind::If {
            then, otherwise, ..
        } => then.iter().chain(otherwise.iter().flatten()).any(draws),
        // What a function draws its caller draws.
        StatementKind::Fn(def) => print_expr(&def.body).contains('~'),
        _ => false,
    }
}

/// The words of a text, of which its names are some.
pub(super) fn words(text: &str) -> BTreeSet<String> {
    let code: String = text
        .lines()
        .map(|l| l.split("//").next().unwrap_or("").to_string() + "\n")
        .collect();
    let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
    words
        .filter(|w| w.chars().next().is_some_and(|c| !c.is_ascii_digit()))
        .map(String::from)
        .collect()
}

/// `theta: real[J], a latent`
fn described(program: &Program, name: &str) -> Option<String> {
    let variable = program.variables().iter().find(|v| v.name == name)?;
    let what = kind(variable)?;
    Some(format!("{name}: {}, {what}", variable.ty))
}

fn kind(variable: &Variable) -> Option<&'static str> {
    Some(match variable.kind {
        VariableKind::Data => "data",
        VariableKind::Latent => "a latent",
        VariableKind::Param => "a learned parameter",
        VariableKind::Let => "computed",
        _ => return None,
    })
}

/// What is missing for the statements to be a program, if that is all that is wrong.
fn waits(error: Error) -> Result<String> {
    let undefined = |d: &Diagnostic| d.code == "E0101";
    if !error.diagnostics.iter().all(undefined) {
        return Err(error);
    }
    let mut lines: Vec<String> = Vec::new();
    for diagnostic in &error.diagnostics {
        let help = diagnostic
            .help
            .iter()
            .map(|h| format!(" ({h})"))
            .collect::<String>();
        let line = format!("{} yet{help}", diagnostic.message);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    Ok(lines.join("\n"))
}
