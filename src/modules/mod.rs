//! A program and the modules that it imports, each read and parsed once.
//!
//! A module is a `.vi` file that holds functions, names for values, and imports. The standard ones are
//! part of the crate ([`STANDARD`]); others are files, looked for beside the file that imports them, by
//! the same [`Files`] that the program came from: what these do not give cannot be reached.

mod error;

use crate::data::Files;
use crate::diag::{Diagnostics, SourceId, Sources, Span};
use crate::syntax;
use crate::syntax::ast::{Ast, Ident, ImportPath, StatementKind};
use std::path::{Component, Path, PathBuf};

/// The standard library: name and text of each module.
pub const STANDARD: &[(&str, &str)] = &[
    ("glm", include_str!("../../stdlib/glm.vi")),
    ("gp", include_str!("../../stdlib/gp.vi")),
    ("hmm", include_str!("../../stdlib/hmm.vi")),
    ("items", include_str!("../../stdlib/items.vi")),
    ("mixture", include_str!("../../stdlib/mixture.vi")),
    ("neuro", include_str!("../../stdlib/neuro.vi")),
    ("nn", include_str!("../../stdlib/nn.vi")),
    ("priors", include_str!("../../stdlib/priors.vi")),
    ("spatial", include_str!("../../stdlib/spatial.vi")),
    ("splines", include_str!("../../stdlib/splines.vi")),
    ("survival", include_str!("../../stdlib/survival.vi")),
    ("time", include_str!("../../stdlib/time.vi")),
    ("topics", include_str!("../../stdlib/topics.vi")),
];

/// A parsed file.
#[derive(Clone, Debug)]
pub struct Module {
    /// What messages call it: `nn`, `shared/priors.vi`.
    pub name: String,
    pub ast: Ast,
    /// What its import statements bring in, in their order.
    pub imports: Vec<Import>,
}

/// A name for a module.
#[derive(Clone, Debug)]
pub struct Import {
    /// What members are written after: `nn` in `nn.dense`.
    pub name: Ident,
    /// Its place in the list of modules.
    pub module: usize,
}

/// Parses a program and all that it imports, directly or not; the program is the first of the list.
///
/// `path` is where the program lies; the paths of imports are relative to the importing file.
///
/// # Errors
/// Mistakes of writing in any of the files, or else of importing: E0111–E0114.
pub fn load(
    files: &dyn Files,
    path: &Path,
    source: SourceId,
    sources: &mut Sources,
) -> Result<Vec<Module>, Diagnostics> {
    let mut loader = Loader {
        files,
        sources,
        modules: Vec::new(),
        known: Vec::new(),
        open: vec![path.display().to_string()],
        diagnostics: Vec::new(),
    };
    loader.modules.push(Module {
        name: path.display().to_string(),
        ast: Ast::default(),
        imports: Vec::new(),
    });
    loader.known.push(Origin::File(normal(path)));
    loader.parse(0, source, path);
    match loader.diagnostics.is_empty() {
        true => Ok(loader.modules),
        false => Err(loader.diagnostics),
    }
}

/// Where a module comes from.
#[derive(PartialEq)]
enum Origin {
    Standard(String),
    File(PathBuf),
}

struct Loader<'f> {
    files: &'f dyn Files,
    sources: &'f mut Sources,
    modules: Vec<Module>,
    /// Where each of them is from.
    known: Vec<Origin>,
    /// Names of the modules being loaded, each imported by the one before.
    open: Vec<String>,
    diagnostics: Diagnostics,
}

impl Loader<'_> {
    /// Fills in a module from its text.
    fn parse(&mut self, module: usize, source: SourceId, path: &Path) {
        let text = self.sources.get(source).map_or("", |f| f.text.as_str());
        let (ast, diagnostics) = syntax::parse(source, text);
        self.diagnostics.extend(diagnostics);
        let mut imports = Vec::new();
        for statement in &ast.statements {
            let StatementKind::Import { path: what, alias } = &statement.kind else {
                continue;
            };
            let found = match what {
                ImportPath::Module(name) => self.standard(name),
                ImportPath::File { path: file, span } => self.file(path, file, *span),
            };
            let name = alias.clone().or_else(|| own_name(what));
            match (found, name) {
                (Some(module), Some(name)) => imports.push(Import { name, module }),
                (Some(_), None) => {
                    let problem = error::alias_missing(statement.span);
                    self.diagnostics.push(problem);
                }
                _ => {}
            }
        }
        self.modules[module].ast = ast;
        self.modules[module].imports = imports;
    }

    fn standard(&mut self, name: &Ident) -> Option<usize> {
        let Some((_, text)) = STANDARD.iter().find(|(n, _)| *n == name.name) else {
            let known = STANDARD.iter().map(|(n, _)| *n);
            let problem = error::no_module(name.span, &name.name, known);
            self.diagnostics.push(problem);
            return None;
        };
        let shown = format!("stdlib/{}.vi", name.name);
        let origin = Origin::Standard(name.name.clone());
        self.module(origin, shown, name.span, |_| Ok((*text).into()))
    }

    fn file(&mut self, importer: &Path, file: &str, span: Span) -> Option<usize> {
        let folder = importer.parent().unwrap_or(Path::new(""));
        let path = normal(&folder.join(file));
        let shown = path.display().to_string();
        let read = |files: &dyn Files| {
            let bytes = files.read(&path).map_err(|e| e.to_string())?;
            String::from_utf8(bytes).map_err(|_| "it is not text (UTF-8)".to_string())
        };
        self.module(Origin::File(path.clone()), shown, span, read)
    }

    /// The module from there, loaded if it is new.
    fn module(
        &mut self,
        origin: Origin,
        shown: String,
        span: Span,
        read: impl FnOnce(&dyn Files) -> Result<String, String>,
    ) -> Option<usize> {
        if let Some(at) = self.open.iter().position(|name| *name == shown) {
            let mut cycle = self.open[at..].to_vec();
            cycle.push(shown);
            self.diagnostics.push(error::import_cycle(span, &cycle));
            return None;
        }
        if let Some(at) = self.known.iter().position(|known| *known == origin) {
            return Some(at);
        }
        let text = match read(self.files) {
            Ok(text) => text,
            Err(why) => {
                self.diagnostics.push(error::unreadable(span, &shown, &why));
                return None;
            }
        };
        let path = match &origin {
            Origin::File(path) => path.clone(),
            Origin::Standard(_) => PathBuf::new(),
        };
        let source = self.sources.add(shown.clone(), text);
        let at = self.modules.len();
        self.modules.push(Module {
            name: shown.clone(),
            ast: Ast::default(),
            imports: Vec::new(),
        });
        self.known.push(origin);
        self.open.push(shown);
        self.parse(at, source, &path);
        self.open.pop();
        Some(at)
    }
}

/// What a module is called where no other name is given: a file by its name without ending, if that is
/// a name of the language.
fn own_name(path: &ImportPath) -> Option<Ident> {
    match path {
        ImportPath::Module(name) => Some(name.clone()),
        ImportPath::File { path, span } => {
            let stem = Path::new(path).file_stem()?.to_str()?;
            let mut chars = stem.chars();
            let first = chars.next()?;
            let is_name = (first.is_alphabetic() || first == '_')
                && chars.all(|c| c.is_alphanumeric() || c == '_');
            is_name.then(|| Ident {
                name: stem.into(),
                span: *span,
            })
        }
    }
}

/// The path without `.` and without `..` where that can be.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(out.components().next_back(), Some(Component::Normal(_))) =>
            {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::InMemory;

    fn loaded(files: &[(&str, &str)]) -> Result<Vec<Module>, Diagnostics> {
        let disk = InMemory::new(files.iter().map(|&(p, t)| (p, t)));
        let mut sources = Sources::default();
        let id = sources.add(files[0].0, files[0].1);
        load(&disk, Path::new(files[0].0), id, &mut sources)
    }

    #[test]
    fn paths_are_relative_to_the_importing_file_and_read_once() {
        let modules = loaded(&[
            (
                "m/main.vi",
                "import \"lib/a.vi\"\nimport \"lib/b.vi\" as other",
            ),
            ("m/lib/a.vi", "import \"./b.vi\"\nfn f(x) = b.g(x)"),
            ("m/lib/b.vi", "import nn\nfn g(x) = x"),
        ])
        .expect("all is there");
        let names: Vec<&str> = modules.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(
            names,
            ["m/main.vi", "m/lib/a.vi", "m/lib/b.vi", "stdlib/nn.vi"]
        );
        let imported: Vec<(&str, usize)> = modules[0]
            .imports
            .iter()
            .map(|i| (i.name.name.as_str(), i.module))
            .collect();
        assert_eq!(imported, [("a", 1), ("other", 2)]);
        assert_eq!(modules[1].imports[0].module, 2);
    }

    #[test]
    fn what_cannot_be_imported_is_said() {
        let code = |files: &[(&str, &str)]| {
            let problems = loaded(files).expect_err("it cannot be imported");
            (problems[0].code, problems[0].message.clone())
        };
        let cycle = code(&[
            ("a.vi", "import \"b.vi\""),
            ("b.vi", "import \"sub/../a.vi\""),
        ]);
        assert_eq!(cycle.0, "E0113");
        assert!(cycle.1.contains("a.vi → b.vi → a.vi"), "{}", cycle.1);
        assert_eq!(code(&[("a.vi", "import \"no.vi\"")]).0, "E0112");
        assert_eq!(code(&[("a.vi", "import nnn")]).0, "E0114");
        let nameless = [("a.vi", "import \"my file.vi\""), ("my file.vi", "")];
        assert_eq!(code(&nameless).0, "E0115");
    }
}
