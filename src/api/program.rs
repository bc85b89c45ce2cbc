//! A program's text read, checked, and bound to data.

use super::{Error, Model};
use crate::check::program::{Variable, VariableKind};
use crate::data::{Data, Disk, Files, InMemory};
use crate::diag::{Diagnostic, Diagnostics, SourceId, Sources, Span, closest};
use crate::infer::Watch;
use crate::modules::Module;
use crate::syntax::ast;
use crate::{check, guide, lower, modules};
use std::path::Path;
use std::sync::Arc;

/// A checked program with its source; to clone it is cheap.
#[derive(Clone, Debug)]
pub struct Program {
    parts: Arc<Parts>,
    pub(super) watch: Watch,
}

#[derive(Debug)]
struct Parts {
    modules: Vec<Module>,
    checked: check::Program,
    sources: Sources,
    warnings: Diagnostics,
}

/// What a program is called that is no file.
const UNNAMED: &str = "model.vi";

/// The families that a program names for its guide are families.
fn known_families(program: &check::Program) -> Result<(), Diagnostics> {
    let factors = program.guide.factors.iter();
    let named = factors.map(|(_, name, span)| (name, *span));
    let rest = program.guide.rest.iter().map(|(name, span)| (name, *span));
    let unknown = rest
        .chain(named)
        .filter(|(name, _)| guide::find(name).is_none());
    let problems: Diagnostics = unknown
        .map(|(name, span)| {
            let known: Vec<&str> = guide::GUIDES.iter().map(|(known, _)| *known).collect();
            let problem = Diagnostic::error("E0423", format!("there is no guide `{name}`"))
                .at(span, "not the name of a family of guides");
            let help = match closest(name, known.iter().copied()) {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("there are {}", known.join(", ")),
            };
            problem.help(help)
        })
        .collect();
    match problems.is_empty() {
        true => Ok(()),
        false => Err(problems),
    }
}

impl Program {
    /// Parses and checks a program. It can import standard modules, but no files: [`Program::load`] can.
    ///
    /// # Errors
    /// All mistakes of writing, or else all mistakes of meaning.
    pub fn parse(text: &str) -> Result<Program, Error> {
        let mut sources = Sources::default();
        let id = sources.add(UNNAMED, text);
        Program::from_source(&InMemory::default(), Path::new(UNNAMED), id, sources)
    }

    /// [`Program::parse`] of a file on the disk, and of the files that it imports: their paths are relative to the
    /// importing file.
    ///
    /// # Errors
    /// E0631 if the file cannot be read as text, and those of [`Program::parse`].
    pub fn load(path: impl AsRef<Path>) -> Result<Program, Error> {
        Program::load_from(&Disk, path)
    }

    /// [`Program::load`] of other files than those of the disk: what `files` does not give is out of reach.
    ///
    /// ```
    /// use elbo::{Program, data::InMemory};
    /// let files = InMemory::new([
    ///     ("model.vi", "import \"priors.vi\"\nmu ~ priors.vague()"),
    ///     ("priors.vi", "fn vague() = Normal(0, 10)"),
    /// ]);
    /// let program = Program::load_from(&files, "model.vi")?;
    /// assert_eq!(program.variables()[0].name, "mu");
    /// # Ok::<(), elbo::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Program::load`].
    pub fn load_from(files: &dyn Files, path: impl AsRef<Path>) -> Result<Program, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let mut sources = Sources::default();
        let refuse = |why: String| {
            let problem =
                Diagnostic::error("E0631", format!("cannot read the program {name}: {why}"));
            Error::from(problem)
        };
        let bytes = files.read(path).map_err(|e| refuse(e.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|_| refuse("it is not text (UTF-8)".into()))?;
        let id = sources.add(name, text);
        Program::from_source(files, path, id, sources)
    }

    fn from_source(
        files: &dyn Files,
        path: &Path,
        id: SourceId,
        mut sources: Sources,
    ) -> Result<Program, Error> {
        match modules::load(files, path, id, &mut sources) {
            Ok(modules) => Program::of(modules, sources),
            Err(diagnostics) => Err(Error::new(diagnostics, &sources)),
        }
    }

    fn of(modules: Vec<Module>, sources: Sources) -> Result<Program, Error> {
        let checked = check::check(&modules);
        match checked
            .and_then(|(program, notes)| known_families(&program).map(|()| (program, notes)))
        {
            Ok((checked, warnings)) => Ok(Program {
                parts: Arc::new(Parts {
                    modules,
                    checked,
                    sources,
                    warnings,
                }),
                watch: Watch::default(),
            }),
            Err(diagnostics) => Err(Error::new(diagnostics, &sources)),
        }
    }

    /// Has `told` called while draws are made of it or of fits of it (by `simulate`, `prior`, `evaluate`, `predict`, …), from
    /// any thread: how many are done, and of how many. What goes over draws twice begins anew.
    ///
    /// ```
    /// use elbo::{Data, Program};
    /// use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    /// static SEEN: AtomicUsize = AtomicUsize::new(0);
    /// let program = Program::parse("mu ~ Normal(0, 1)")?;
    /// let program = program.watched(|done, of| SEEN.store(100 * done / of, Relaxed));
    /// program.prior(&Data::default(), 50, 1)?;
    /// assert_eq!(SEEN.load(Relaxed), 100);
    /// # Ok::<(), elbo::Error>(())
    /// ```
    pub fn watched(self, told: impl Fn(usize, usize) + Send + Sync + 'static) -> Program {
        Program {
            watch: Watch::new(told),
            ..self
        }
    }

    /// The program with a statement more, whose places lie in the last of `sources`.
    pub(super) fn with(
        &self,
        statement: ast::Statement,
        sources: Sources,
    ) -> Result<Program, Error> {
        let mut modules = self.parts.modules.clone();
        // What has been drawn is no longer looked at in batches: any element may be read anywhere.
        modules[0]
            .ast
            .statements
            .iter_mut()
            .for_each(ast::Statement::forget_batches);
        modules[0].ast.statements.push(statement);
        Program::of(modules, sources)
    }

    /// The name of its file, or what messages call it.
    pub fn name(&self) -> &str {
        self.sources().names().next().unwrap_or(UNNAMED)
    }

    /// Its text.
    pub fn text(&self) -> &str {
        self.sources().texts().next().unwrap_or("")
    }

    /// What is likely a mistake, though the program can be used.
    pub fn warnings(&self) -> &Diagnostics {
        &self.parts.warnings
    }

    /// Everything that the program names.
    pub fn variables(&self) -> &[Variable] {
        &self.checked().variables
    }

    /// Whether the program needs data.
    pub fn declares_data(&self) -> bool {
        let given = [VariableKind::Data, VariableKind::Dimension];
        self.variables().iter().any(|v| given.contains(&v.kind))
    }

    /// What the program calls the axes of a variable, where it has names for them.
    pub(super) fn axes(&self, name: &str) -> Vec<Option<String>> {
        let variable = self.variables().iter().find(|v| v.name == name);
        let dims = variable
            .and_then(|v| v.ty.number())
            .map_or(&[][..], |(_, dims)| dims);
        dims.iter().map(|d| d.axis().map(str::to_owned)).collect()
    }

    /// The program with its names resolved and its expressions typed.
    pub fn checked(&self) -> &check::Program {
        &self.parts.checked
    }

    /// The texts that diagnostics point into.
    pub fn sources(&self) -> &Sources {
        &self.parts.sources
    }

    /// Binds the program to data; [`Model::notes`] has what is likely a mistake in these.
    ///
    /// What can be summed of the data beforehand is summed: [`Program::bind_without`] says how to switch it off.
    ///
    /// # Errors
    /// Whatever of the data does not fit the program.
    pub fn bind(&self, data: &Data) -> Result<Model, Error> {
        self.bind_without(data, &[])
    }

    /// [`Program::bind`] without some of the rewritings of [`REWRITINGS`](crate::passes::REWRITINGS).
    ///
    /// # Errors
    /// As [`Program::bind`].
    pub fn bind_without(&self, data: &Data, without: &[&str]) -> Result<Model, Error> {
        let lowered = lower::lower(self.checked(), data, &|span| self.line(span));
        let (mut model, notes) = lowered.map_err(|d| self.error(d))?;
        model.rewrite(without);
        Ok(Model::new(self, data, (model, notes)))
    }

    /// The first line of what stands at a place.
    fn line(&self, span: Span) -> String {
        let lines = self.sources().snippet(span).lines();
        lines.map(str::trim).next().unwrap_or("").to_string()
    }

    /// Mistakes of this program and its data.
    pub(super) fn error(&self, diagnostics: Diagnostics) -> Error {
        Error::new(diagnostics, self.sources())
    }
}
