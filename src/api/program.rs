//! A program's text read, checked, and bound to data.

use super::{Error, Host, Model};
use crate::check::program::{StatementKind, Variable, VariableKind};
use crate::data::Data;
use crate::diag::{Diagnostic, Diagnostics, SourceId, Sources, Span};
use crate::functions::Function;
use crate::infer::Watch;
use crate::modules::Module;
use crate::syntax::ast;
use crate::tape::Reuse;
use crate::types::Type;
use crate::{check, guide, lower, modules};
use std::path::Path;
use std::sync::Arc;

/// A checked program with its source; to clone it is cheap.
#[derive(Clone, Debug)]
pub struct Program {
    parts: Arc<Parts>,
    pub(super) watch: Watch,
    reuse: Reuse,
}

#[derive(Clone, Debug)]
struct Parts {
    modules: Vec<Module>,
    checked: check::Program,
    sources: Sources,
    warnings: Diagnostics,
    /// Those of the program around that it may call.
    functions: Vec<Arc<Function>>,
}

/// What a program is called that is no file.
pub(super) const UNNAMED: &str = "model.vi";

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
            Diagnostic::error("E0423", format!("there is no guide `{name}`"))
                .at(span, "not the name of a family of guides")
                .suggest(name, known.iter().copied())
                .or_help(format!("there are {}", known.join(", ")))
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
        Host::default().parse(text)
    }

    /// [`Program::parse`] of a file on the disk, and of the files that it imports: their paths are relative to the
    /// importing file.
    ///
    /// # Errors
    /// E0631 if the file cannot be read as text, and those of [`Program::parse`].
    pub fn load(path: impl AsRef<Path>) -> Result<Program, Error> {
        Host::disk().load(path)
    }

    /// Reads what the program imports, and checks all of it.
    pub(super) fn from_source(
        host: &Host,
        path: &Path,
        id: SourceId,
        mut sources: Sources,
    ) -> Result<Program, Error> {
        match modules::load(host.files(), path, id, &mut sources) {
            Ok(modules) => Program::of(host.functions(), modules, sources),
            Err(diagnostics) => Err(Error::new(diagnostics, &sources)),
        }
    }

    fn of(
        functions: &[Arc<Function>],
        modules: Vec<Module>,
        sources: Sources,
    ) -> Result<Program, Error> {
        let checked = check::check(&modules, functions);
        match checked
            .and_then(|(program, notes)| known_families(&program).map(|()| (program, notes)))
        {
            Ok((checked, warnings)) => Ok(Program {
                parts: Arc::new(Parts {
                    modules,
                    checked,
                    sources,
                    warnings,
                    functions: functions.to_vec(),
                }),
                watch: Watch::default(),
                reuse: Reuse::default(),
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
    /// program.prior(&Data::default(), 1, 50)?;
    /// assert_eq!(SEEN.load(Relaxed), 100);
    /// # Ok::<(), elbo::Error>(())
    /// ```
    pub fn watched(self, told: impl Fn(usize, usize) + Send + Sync + 'static) -> Program {
        Program {
            watch: Watch::new(told),
            ..self
        }
    }

    /// The program whose models share what they compile, with those of its clones too: a fit to data of the same shapes as
    /// those of a fit before compiles little, which for small models is most of the time. The result is the same whether
    /// there was one before; it may differ from that of the plain program in rounding.
    ///
    /// ```
    /// use elbo::{Data, Options, Program};
    /// let program = Program::parse("data y: real[N]\nmu ~ Normal(0, 10)\ny ~ Normal(mu, 1)")?.reusable();
    /// for y in [[4.1, 5.3, 4.9], [1.2, 0.7, 1.1]] {
    ///     let mut data = Data::default();
    ///     data.insert("y", y);
    ///     program.bind(&data)?.fit(&Options::default())?;
    /// }
    /// # Ok::<(), elbo::Error>(())
    /// ```
    pub fn reusable(self) -> Program {
        Program {
            reuse: Reuse::kept(),
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
        Program::of(&self.parts.functions, modules, sources)
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

    /// Names of the functions of the program around that it may call.
    pub(super) fn host_functions(&self) -> impl Iterator<Item = &str> {
        self.parts.functions.iter().map(|f| &*f.name)
    }

    /// The data, latent, parameter, definition or dimension of a name.
    ///
    /// ```
    /// let program = elbo::Program::parse("data y: real[N]\nmu ~ Normal(0, 1)\ny ~ Normal(mu, 1)")?;
    /// assert_eq!(program.variable("y").unwrap().ty.to_string(), "real[N]");
    /// assert!(program.variable("sigma").is_none());
    /// # Ok::<(), elbo::Error>(())
    /// ```
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        // Loops and functions may have the name for something of their own.
        let inner = [VariableKind::Loop, VariableKind::Local];
        let mut own = self.variables().iter().filter(|v| !inner.contains(&v.kind));
        own.find(|v| v.name == name)
    }

    /// Whether the program needs data.
    pub fn declares_data(&self) -> bool {
        let given = [VariableKind::Data, VariableKind::Dimension];
        self.variables().iter().any(|v| given.contains(&v.kind))
    }

    /// Names of data that the program draws.
    pub(super) fn observed(&self) -> impl Iterator<Item = &str> {
        let checked = self.checked();
        let drawn = checked.holdable();
        let data = checked.data.iter();
        let names = data.map(|d| checked.variable(d.var).name.as_str());
        names.filter(move |name| drawn.contains(name))
    }

    /// What the program calls the axes of a variable, where it has names for them.
    pub(super) fn axes(&self, name: &str) -> Vec<Option<String>> {
        let dims = self
            .variable(name)
            .and_then(|v| v.ty.number())
            .map_or(&[][..], |(_, dims)| dims);
        dims.iter().map(|d| d.axis().map(str::to_owned)).collect()
    }

    /// How many of a latent's last axes are drawn together.
    pub(super) fn event_rank(&self, name: &str) -> usize {
        let checked = self.checked();
        let draws = checked.statements.iter().filter_map(|s| match &s.kind {
            StatementKind::Draw { target, dist } => Some((target, dist)),
            _ => None,
        });
        let own = draws.filter(|(target, _)| checked.variable(target.var).name == name);
        let ranks = own.map(|(_, dist)| match &dist.ty {
            Type::Distribution { event, .. } => event.len(),
            _ => 0,
        });
        ranks.max().unwrap_or(0)
    }

    /// The same program with another limit on the terms of the sums over discrete latents, of one evaluation of the density;
    /// it is 10⁷ otherwise. Latents beyond it are sampled, all of them where it is 0.
    ///
    /// ```
    /// use elbo::{Data, Program};
    /// let program = Program::parse("data y: real\nz ~ Bernoulli(0.3)\ny ~ Normal(z, 1)")?;
    /// let mut data = Data::default();
    /// data.insert("y", 0.5);
    /// assert_eq!(program.bind(&data)?.notes().len(), 0);
    /// let sampled = program.with_most_terms(0.0).bind(&data)?;
    /// assert_eq!(sampled.notes()[0].code, "W0606");
    /// # Ok::<(), elbo::Error>(())
    /// ```
    pub fn with_most_terms(mut self, terms: f64) -> Program {
        let checked = &mut Arc::make_mut(&mut self.parts).checked;
        checked.most_terms = Some(terms);
        if let Some(guided) = &mut checked.guided {
            guided.most_terms = Some(terms);
        }
        self
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
        model.reusing(&self.reuse);
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
