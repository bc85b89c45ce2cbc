//! [`Ast`] to [`Program`]: names resolved, functions put in place, every expression typed.
//!
//! Statements of a program have no order beyond what depends on what, so a name's type is found
//! when it is first asked for ([`Checker::ensure`]). Extents are symbolic ([`crate::types::Dim`]);
//! whatever only data can tell is left to the lowering. A mistake gives [`Type::Error`], which fits
//! everything, so that one mistake is reported once and many in one run.

mod batch;
mod call;
mod comprehension;
mod data;
mod distribution;
mod error;
mod expr;
mod guide;
mod index;
mod inverse;
mod ode;
mod outline;
pub mod program;
pub mod simulation;
mod site;
mod statement;
mod unfold;

pub use ode::is_solver;
pub use program::Program;

use crate::diag::{Diagnostic, Diagnostics, Severity, Span};
use crate::functions;
use crate::modules::Module;
use crate::syntax::ast;
use crate::types::{Dim, Type};
use program::{Expr, LoopId, Nest, Statement, VarId, Variable, VariableKind};
use site::Site;
use std::collections::HashMap;
use std::sync::Arc;
use unfold::Call;

/// Checks a parsed program, the first of `modules`, with what it imports. It may call functions of the program around,
/// `host`, besides those of the language.
///
/// # Errors
/// All mistakes found; warnings alone are no error and come with the program.
pub fn check(
    modules: &[Module],
    host: &[Arc<functions::Function>],
) -> Result<(Program, Diagnostics), Diagnostics> {
    let mut checker = Checker::new();
    checker.outline(modules, host);
    checker.declare_data();
    // A guide names what functions draw, which is known when their calls are checked.
    checker.outline_guide_blocks();
    // Functions with loops add statements on the way.
    let mut leaf = 0;
    while leaf < checker.leaves.len() {
        checker.check_leaf(leaf);
        leaf += 1;
    }
    checker.finish()
}

/// What a name means in a scope.
#[derive(Clone)]
enum Binding<'a> {
    Var(VarId),
    Function(usize),
    /// A function of the language, given as an argument, or of the program around.
    Own(Arc<functions::Function>),
    /// A name for a value, of a module: read where it is used.
    Constant {
        value: &'a ast::Expr,
        scope: usize,
        span: Span,
    },
    /// The scope of a module's own names.
    Module(usize, Span),
    Lambda {
        params: &'a [ast::FnParam],
        body: &'a ast::Expr,
        scope: usize,
        span: Span,
    },
}

/// A function of the program or of a module, and the scope that it is written in.
#[derive(Clone, Copy)]
struct Function<'a> {
    def: &'a ast::FnDef,
    scope: usize,
}

#[derive(Default)]
struct Scope<'a> {
    parent: Option<usize>,
    names: HashMap<String, Binding<'a>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Todo,
    Doing,
    Done,
}

/// A statement that is no block, with the blocks around it.
struct Leaf<'a> {
    statement: &'a ast::Statement,
    nest: Vec<usize>,
    scope: usize,
    /// The call that made it, of a function with loops.
    call: Option<Call>,
    state: State,
    checked: Option<Statement>,
    /// The guide's scope, of a statement of the guide.
    guide: Option<usize>,
}

impl Leaf<'_> {
    /// Whether it defines a name as a whole, and not elements of an array.
    fn is_whole(&self) -> bool {
        match &self.statement.kind {
            ast::StatementKind::Draw { target, .. } | ast::StatementKind::Let { target, .. } => {
                !matches!(target, ast::Target::Element { indices, .. } if !indices.is_empty())
            }
            _ => true,
        }
    }

    /// The name that it defines, or all of it.
    fn name_span(&self) -> Span {
        match &self.statement.kind {
            ast::StatementKind::Draw {
                target: ast::Target::Element { name, .. },
                ..
            }
            | ast::StatementKind::Let {
                target: ast::Target::Element { name, .. },
                ..
            }
            | ast::StatementKind::Param { name, .. } => name.span,
            _ => self.statement.span,
        }
    }
}

/// A loop or condition around statements.
struct Block<'a> {
    kind: BlockKind<'a>,
    /// Where its range or condition is read.
    scope: usize,
    checked: Option<Nest>,
}

enum BlockKind<'a> {
    For {
        var: VarId,
        range: &'a ast::Expr,
        batch: Option<&'a ast::Expr>,
    },
    If {
        condition: &'a ast::Expr,
        holds: bool,
        shared: Option<usize>,
    },
}

/// Smallest and largest value of a loop's index.
#[derive(Clone)]
struct Bounds {
    low: Dim,
    high: Dim,
}

struct Checker<'a> {
    diagnostics: Diagnostics,
    program: Program,
    scopes: Vec<Scope<'a>>,
    functions: Vec<Function<'a>>,
    /// Functions being put in place, for recursion.
    calls: Vec<usize>,
    /// Where the statements that functions make are named and put; none where they may not make any.
    site: Option<Site>,
    /// Statements that functions made, and whether in the guide.
    made: Vec<(bool, Statement)>,
    /// The scope of the guide whose statements are being looked at.
    guide: Option<usize>,
    /// The blocks that write the guide.
    guide_blocks: Vec<&'a ast::Statement>,
    /// What they draw, where, and whether as a whole.
    guide_draws: Vec<(VarId, Span, bool)>,
    /// What these define, by full name.
    site_names: HashMap<String, VarId>,
    /// The call whose statements are being looked at; none for those of the program itself.
    call: Option<Call>,
    /// Loops around the calls that made these variables, whose indices come before their own.
    lifted: HashMap<VarId, Vec<VarId>>,
    /// How many comprehensions are around.
    comprehensions: usize,
    /// Names for values of modules that are being read.
    constants: Vec<Span>,
    /// Statements being checked, each asked for by the one before.
    path: Vec<usize>,
    /// Variables whose extents are being found from the statements that define their elements.
    sizing: std::collections::HashSet<VarId>,
    /// How many functions are being put in place, one in the other.
    inside: usize,
    /// How deep the expression is that is being checked, over functions and definitions.
    depth: usize,
    data: Vec<&'a ast::Statement>,
    leaves: Vec<Leaf<'a>>,
    blocks: Vec<Block<'a>>,
    /// Statements that define a variable, or elements of it.
    definitions: HashMap<VarId, Vec<usize>>,
    bounds: HashMap<VarId, Bounds>,
    /// A latent on which a variable depends.
    latents: HashMap<VarId, VarId>,
    used: std::collections::HashSet<VarId>,
    scope: usize,
    loops: u32,
    indices: u32,
}

impl<'a> Checker<'a> {
    fn new() -> Checker<'a> {
        Checker {
            diagnostics: Vec::new(),
            program: Program::default(),
            scopes: vec![Scope::default()],
            functions: Vec::new(),
            calls: Vec::new(),
            site: None,
            made: Vec::new(),
            guide: None,
            guide_blocks: Vec::new(),
            guide_draws: Vec::new(),
            site_names: HashMap::new(),
            constants: Vec::new(),
            call: None,
            lifted: HashMap::new(),
            comprehensions: 0,
            path: Vec::new(),
            sizing: Default::default(),
            inside: 0,
            depth: 0,
            data: Vec::new(),
            leaves: Vec::new(),
            blocks: Vec::new(),
            definitions: HashMap::new(),
            bounds: HashMap::new(),
            latents: HashMap::new(),
            used: Default::default(),
            scope: 0,
            loops: 0,
            indices: 0,
        }
    }

    fn finish(mut self) -> Result<(Program, Diagnostics), Diagnostics> {
        for decl in &self.program.data {
            let variable = self.program.variable(decl.var);
            let dimension = self.program.data.iter().any(|d| {
                d.dims
                    .iter()
                    .any(|dim| dim.terms.keys().any(|a| a.to_string() == variable.name))
            });
            if !self.used.contains(&decl.var) && !dimension {
                self.diagnostics
                    .push(error::unused_data(variable.span, &variable.name));
            }
        }
        let leaves = std::mem::take(&mut self.leaves).into_iter();
        let unchecked = leaves.as_slice().iter().find(|l| l.checked.is_none());
        let unchecked = unchecked.map(|l| l.statement.span);
        let leaves = leaves.filter_map(|l| l.checked.map(|s| (l.guide.is_some(), s)));
        let all = leaves.chain(std::mem::take(&mut self.made));
        let (guide, own): (Vec<_>, Vec<_>) = all.partition(|(guide, _)| *guide);
        let statements = |of: Vec<(bool, Statement)>| of.into_iter().map(|(_, s)| s);
        self.program.statements = statements(own).collect();
        let mut guide: Vec<Statement> = statements(guide).collect();
        self.check_batches(&mut guide);
        self.diagnostics
            .sort_by_key(|d| d.labels.first().map(|l| (l.span.source, l.span.start)));
        if self
            .diagnostics
            .iter()
            .any(|d| d.severity == Severity::Error)
        {
            self.diagnostics.retain(|d| d.severity == Severity::Error);
            return Err(self.diagnostics);
        }
        if let Some(span) = unchecked {
            debug_assert!(false, "a statement without a meaning is reported before");
            return Err(vec![error::no_meaning(span)]);
        }
        self.program.indices = self.indices;
        self.program.loops = self.loops;
        self.program.guided = self.guided(guide);
        batch::tell_batches(&mut self.program);
        if let Some(guided) = &mut self.program.guided {
            batch::tell_batches(guided);
        }
        Ok((self.program, self.diagnostics))
    }

    /// The same thing at the same place is said once, however often it is met.
    fn report(&mut self, diagnostic: Diagnostic) {
        let place = |d: &Diagnostic| d.labels.first().map(|l| l.span);
        let known = self
            .diagnostics
            .iter()
            .any(|d| d.message == diagnostic.message && place(d) == place(&diagnostic));
        if !known {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Reports and gives the expression that fits everything.
    fn fail(&mut self, span: Span, diagnostic: Diagnostic) -> Expr {
        self.report(diagnostic);
        Expr::error(span)
    }

    fn new_variable(&mut self, name: &str, span: Span, kind: VariableKind, ty: Type) -> VarId {
        let id = VarId(self.program.variables.len() as u32);
        self.program.variables.push(Variable {
            name: name.into(),
            span,
            kind,
            ty,
            size: None,
            of_guide: self.guide.is_some(),
        });
        id
    }

    /// Adds a statement that a function makes.
    fn make(&mut self, statement: Statement) {
        self.made.push((self.guide.is_some(), statement));
    }

    fn variable(&self, id: VarId) -> &Variable {
        self.program.variable(id)
    }

    fn variable_mut(&mut self, id: VarId) -> &mut Variable {
        &mut self.program.variables[id.0 as usize]
    }

    fn new_loop(&mut self) -> LoopId {
        self.loops += 1;
        LoopId(self.loops)
    }

    fn open_scope(&mut self, parent: usize) -> usize {
        self.scopes.push(Scope {
            parent: Some(parent),
            names: HashMap::new(),
        });
        self.scopes.len() - 1
    }

    fn lookup(&self, name: &str) -> Option<Binding<'a>> {
        let mut scope = Some(self.scope);
        while let Some(s) = scope {
            if let Some(binding) = self.scopes[s].names.get(name) {
                return Some(binding.clone());
            }
            scope = self.scopes[s].parent;
        }
        None
    }

    /// Names in sight, sorted, for suggestions.
    fn known_names(&self) -> Vec<String> {
        self.names_of(&|_| true)
    }

    /// Those of functions.
    fn known_functions(&self) -> Vec<String> {
        self.names_of(&|binding| {
            matches!(
                binding,
                Binding::Function(_) | Binding::Own(_) | Binding::Lambda { .. }
            )
        })
    }

    fn names_of(&self, wanted: &dyn Fn(&Binding) -> bool) -> Vec<String> {
        let mut names = Vec::new();
        let mut scope = Some(self.scope);
        while let Some(s) = scope {
            let found = self.scopes[s].names.iter().filter(|(_, b)| wanted(b));
            names.extend(found.map(|(name, _)| name.clone()));
            scope = self.scopes[s].parent;
        }
        names.sort();
        names.dedup();
        names
    }

    /// Runs with another scope.
    fn within<T>(&mut self, scope: usize, run: impl FnOnce(&mut Checker<'a>) -> T) -> T {
        let previous = std::mem::replace(&mut self.scope, scope);
        let result = run(self);
        self.scope = previous;
        result
    }

    fn text_of(&self, dim: &Option<Dim>, otherwise: &str) -> Dim {
        dim.clone().unwrap_or_else(|| Dim::opaque(otherwise))
    }
}
