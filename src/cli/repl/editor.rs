//! What the terminal does while a line is written: completion, hints, colours, and waiting for open brackets.

use super::commands::{self, COMMANDS, Takes};
use crate::dist::{FAMILIES, find};
use crate::functions;
use crate::modules::STANDARD;
use crate::syntax::is_incomplete;
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper, Result};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Words that begin or join statements.
const KEYWORDS: &[&str] = &[
    "batch", "data", "else", "factor", "fn", "for", "guide", "if", "import", "in", "int", "label",
    "let", "param", "positive", "real", "where",
];

/// Options of `:fit`.
const OPTIONS: &[&str] = &[
    "--draws",
    "--guide",
    "--max-steps",
    "--max-time",
    "--method",
    "--precision",
    "--samples",
    "--seed",
    "--threads",
];

/// Knows the language, and the names of the session.
#[derive(Default)]
pub(super) struct Editor {
    pub(super) names: BTreeSet<String>,
    pub(super) colour: bool,
    files: FilenameCompleter,
}

impl Editor {
    fn words(&self) -> impl Iterator<Item = &str> {
        let own = self.names.iter().map(String::as_str);
        let functions = functions::all().map(|f| &*f.name);
        let families = FAMILIES.iter().map(|f| f.declaration().name);
        let modules = STANDARD.iter().map(|(name, _)| *name);
        own.chain(functions)
            .chain(families)
            .chain(modules)
            .chain(KEYWORDS.iter().copied())
    }

    fn known<'w>(
        word: &str,
        start: usize,
        words: impl Iterator<Item = &'w str>,
    ) -> (usize, Vec<Pair>) {
        let mut found: Vec<&str> = words.filter(|w| w.starts_with(word)).collect();
        found.sort_unstable();
        found.dedup();
        let pair = |w: &str| Pair {
            display: w.to_string(),
            replacement: w.to_string(),
        };
        (start, found.into_iter().map(pair).collect())
    }
}

/// Where the word that ends here begins.
fn word_start(line: &str) -> usize {
    let ends = |c: char| !(c.is_alphanumeric() || c == '_');
    line.rfind(ends).map_or(0, |at| {
        at + line[at..].chars().next().map_or(1, char::len_utf8)
    })
}

impl Completer for Editor {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, ctx: &Context<'_>) -> Result<(usize, Vec<Pair>)> {
        let before = &line[..pos];
        let start = word_start(before);
        let word = &before[start..];
        if let Some(command) = before.strip_prefix(':') {
            let Some((name, _)) = command.split_once(char::is_whitespace) else {
                return Ok(Editor::known(command, 1, COMMANDS.iter().map(|c| c.name)));
            };
            return match commands::find(name).map_or(Takes::Names, |c| c.takes) {
                Takes::Files => self.files.complete(line, pos, ctx),
                Takes::Commands => Ok(Editor::known(word, start, COMMANDS.iter().map(|c| c.name))),
                Takes::Options => {
                    let start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
                    Ok(Editor::known(
                        &before[start..],
                        start,
                        OPTIONS.iter().copied(),
                    ))
                }
                Takes::Nothing => Ok((pos, Vec::new())),
                Takes::Names => Ok(Editor::known(word, start, self.words())),
            };
        }
        // A path inside an open text, of an import.
        if before.matches('"').count() % 2 == 1 {
            return self.files.complete(line, pos, ctx);
        }
        // A member of a module.
        if let Some(module) = before[..start].strip_suffix('.') {
            let module = &module[word_start(module)..];
            let members = STANDARD.iter().filter(|(name, _)| *name == module);
            let lines = members.flat_map(|(_, text)| text.lines());
            let members = lines.filter_map(|l| l.strip_prefix("fn ")?.split('(').next());
            return Ok(Editor::known(word, start, members));
        }
        Ok(Editor::known(word, start, self.words()))
    }
}

impl Hinter for Editor {
    type Hint = String;

    /// The arguments that are still to be written of the innermost call.
    fn hint(&self, line: &str, pos: usize, _: &Context<'_>) -> Option<String> {
        if pos < line.len() {
            return None;
        }
        let (mut depth, mut commas, mut open) = (0, 0, None);
        for (at, c) in line.char_indices().rev() {
            match c {
                ')' | ']' => depth += 1,
                '(' if depth == 0 => {
                    open = Some(at);
                    break;
                }
                '(' | '[' => depth -= 1,
                ',' if depth == 0 => commas += 1,
                _ => {}
            }
        }
        let name = &line[..open?];
        let name = &name[word_start(name)..];
        let parameters: Vec<&str> = match find(name) {
            Some(family) => {
                let form = family.declaration().forms.first()?;
                form.parameters.iter().map(|p| p.name).collect()
            }
            None => {
                let signature = &functions::find(name)?.signature;
                let inside = signature.split_once('(')?.1.split(')').next()?;
                inside.split(',').map(str::trim).collect()
            }
        };
        let written = line.ends_with(['(', ',', ' ']);
        let left = parameters.get(commas + usize::from(!written)..)?;
        let comma = if written || left.is_empty() { "" } else { ", " };
        Some(format!("{comma}{})", left.join(", ")))
    }
}

impl Highlighter for Editor {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        match self.colour {
            true => Cow::Owned(coloured(line)),
            false => Cow::Borrowed(line),
        }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        match self.colour {
            true => Cow::Owned(format!("\x1b[2m{hint}\x1b[0m")),
            false => Cow::Borrowed(hint),
        }
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.colour
    }
}

/// Keywords, distributions, numbers, texts and comments in colours that both light and dark terminals show.
fn coloured(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let length = |ends: &dyn Fn(char) -> bool| rest.find(ends).unwrap_or(rest.len());
        let (end, colour) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), "2")
        } else if first == '"' {
            (rest[1..].find('"').map_or(rest.len(), |at| at + 2), "32")
        } else if first.is_alphabetic() || first == '_' {
            let end = length(&|c| !(c.is_alphanumeric() || c == '_'));
            let word = &rest[..end];
            let colour = match () {
                () if KEYWORDS.contains(&word) => "35",
                () if find(word).is_some() => "36",
                () if functions::find(word).is_some() => "34",
                () => "",
            };
            (end, colour)
        } else if first.is_ascii_digit() {
            (length(&|c| !(c.is_ascii_alphanumeric() || c == '.')), "33")
        } else {
            (first.len_utf8(), "")
        };
        let (piece, after) = rest.split_at(end);
        match colour {
            "" => out.push_str(piece),
            code => out.push_str(&format!("\x1b[{code}m{piece}\x1b[0m")),
        }
        rest = after;
    }
    out
}

impl Validator for Editor {
    fn validate(&self, ctx: &mut ValidationContext<'_>) -> Result<ValidationResult> {
        let input = ctx.input();
        let open = !input.trim_start().starts_with(':') && is_incomplete(input);
        Ok(match open {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}

impl Helper for Editor {}

#[cfg(test)]
mod tests {
    use super::*;
    use rustyline::history::DefaultHistory;

    fn completed(line: &str) -> Vec<String> {
        let history = DefaultHistory::new();
        let editor = Editor {
            names: ["alpha".to_string(), "albedo".to_string()].into(),
            ..Editor::default()
        };
        let found = editor.complete(line, line.len(), &Context::new(&history));
        found
            .expect("it completes")
            .1
            .into_iter()
            .map(|p| p.replacement)
            .collect()
    }

    #[test]
    fn words_commands_options_and_members_are_completed() {
        assert_eq!(completed("x ~ Normal(al"), ["albedo", "all", "alpha"]);
        assert_eq!(completed(":su"), ["summary"]);
        assert_eq!(completed(":help su"), ["summary"]);
        assert_eq!(completed(":fit --se"), ["--seed"]);
        assert!(completed("x ~ HalfC").contains(&"HalfCauchy".to_string()));
        assert!(completed("let k = gp.").len() > 3);
        assert!(completed(":undo x").is_empty());
    }

    #[test]
    fn the_arguments_that_are_left_are_hinted() {
        let history = DefaultHistory::new();
        let hint = |line: &str| Editor::default().hint(line, line.len(), &Context::new(&history));
        assert_eq!(hint("x ~ Normal("), Some("mu, sigma)".into()));
        assert_eq!(hint("x ~ Normal(0, "), Some("sigma)".into()));
        assert_eq!(hint("x ~ Normal(exp(0)"), Some(", sigma)".into()));
        assert_eq!(hint("x ~ Norml("), None);
        assert_eq!(hint("x"), None);
    }

    #[test]
    fn colours_leave_the_text_as_it_is() {
        let line = "x ~ Normal(1.5, exp(\"é\")) // as before";
        let shown = coloured(line);
        let mut plain = String::new();
        let mut rest = shown.as_str();
        while let Some(at) = rest.find("\x1b[") {
            plain.push_str(&rest[..at]);
            rest = rest[at..].split_once('m').expect("a colour ends").1;
        }
        plain.push_str(rest);
        assert_eq!(plain, line);
        assert!(shown.contains("\x1b[36mNormal\x1b[0m"));
    }
}
