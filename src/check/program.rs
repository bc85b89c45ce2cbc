//! What checking hands on: a program whose names are resolved, whose functions are put in place and
//! whose expressions have types.

use crate::diag::Span;
use crate::dist::Family;
use crate::dist::bijection::Chain;
use crate::functions::{Function, Initialiser};
use crate::types::{Base, Dim, Type};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A variable of the program: unique, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VarId(pub u32);

/// A loop, or the rows that a condition or a comprehension's clause leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LoopId(pub u32);

#[derive(Clone, Debug, Default)]
pub struct Program {
    pub variables: Vec<Variable>,
    pub data: Vec<DataDecl>,
    pub statements: Vec<Statement>,
    /// The families of the guide that are derived.
    pub guide: Families,
    /// The program with the latents that a `guide { … }` draws as functions of noise, if it draws any: their
    /// draws are summands of the log density alone, and the log density of the guide is subtracted.
    pub guided: Option<Box<Program>>,
    /// Whether a loop has batches.
    pub has_batches: bool,
    /// Variables whose elements are made in loops with batches.
    pub made_in_batches: BTreeSet<VarId>,
    /// Arrays of data that are read otherwise than at the index of such loops, and where: of the others a step
    /// needs its own rows alone.
    pub beyond_batches: BTreeMap<VarId, Span>,
    /// The last number that an index expression has.
    pub indices: u32,
    /// The last number that a loop or condition has.
    pub loops: u32,
    /// What results tell of discrete latents that are summed out.
    pub states: States,
    /// How many terms the sums over discrete latents may have for one density, if it is not the usual limit.
    pub most_terms: Option<f64>,
}

/// What is told of a discrete latent that was summed out, given all else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum States {
    /// A draw of all of them together.
    #[default]
    Drawn,
    /// For each element the probability of each state, which are a further axis.
    Probabilities,
    /// The most probable states of all of them together.
    MostProbable,
}

/// What a program says of the guide's derived factors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Families {
    /// By name, for the latents that nothing else is said of.
    pub rest: Option<(String, Span)>,
    /// Latents that have a factor of their own together, with its family's name.
    pub factors: Vec<(Vec<VarId>, String, Span)>,
}

impl Program {
    /// Whether it is one that makes data, or is told what has been drawn.
    pub fn is_simulated(&self) -> bool {
        let kinds = [VariableKind::Key, VariableKind::Given];
        self.variables.iter().any(|v| kinds.contains(&v.kind))
    }

    pub fn variable(&self, id: VarId) -> &Variable {
        &self.variables[id.0 as usize]
    }
}

#[derive(Clone, Debug)]
pub struct Variable {
    pub name: String,
    pub span: Span,
    pub kind: VariableKind,
    pub ty: Type,
    /// Its symbolic value, of a whole number known from data.
    pub size: Option<Dim>,
    /// Whether a `guide { … }` makes it, not the model.
    pub of_guide: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableKind {
    /// A dimension that no declaration gives: bound by the shape of data.
    Dimension,
    Data,
    /// Data that are drawn anew, of a program that simulates.
    Simulated,
    /// Has a value for each of several draws, which it is told: see [`Program::given`].
    Given,
    Param,
    Latent,
    /// A latent that the program's guide draws: a function of [`VariableKind::Noise`].
    Guided,
    /// Standard Normal numbers.
    Noise,
    /// What makes the noise of draws, of a program that simulates.
    Key,
    /// A named value at the level of the model: kept in results.
    Let,
    /// A name inside a loop or a function.
    Local,
    Loop,
}

/// A refined type of data: what its values must satisfy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refinement {
    None,
    Positive,
    Nonnegative,
    Unit,
    Simplex,
    Ordered,
    PositiveOrdered,
    UnitVector,
    Correlation,
    CholeskyCorrelation,
    Covariance,
    CholeskyCovariance,
    Label,
}

#[derive(Clone, Debug)]
pub struct DataDecl {
    pub var: VarId,
    pub base: Base,
    pub refinement: Refinement,
    pub dims: Vec<Dim>,
    pub default: Option<Expr>,
    pub condition: Option<Expr>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Statement {
    pub kind: StatementKind,
    /// Loops and conditions around it, outermost first.
    pub nest: Vec<Nest>,
    pub span: Span,
}

impl Statement {
    /// Calls `visit` on every variable that it reads; without `densities`, a draw on those that say which elements it is of.
    pub fn variables(&self, densities: bool, visit: &mut dyn FnMut(VarId)) {
        for part in &self.nest {
            match part {
                Nest::For { range, batch, .. } => {
                    range.variables(visit);
                    batch.iter().for_each(|b| b.variables(visit));
                }
                Nest::If { condition, .. } => condition.variables(visit),
            }
        }
        match &self.kind {
            StatementKind::Draw { target, dist } | StatementKind::Noise { target, dist } => {
                target.indices.iter().for_each(|i| i.variables(visit));
                if densities {
                    dist.variables(visit);
                }
            }
            StatementKind::Let { target, value }
            | StatementKind::Sample {
                target,
                dist: value,
            } => {
                target.indices.iter().for_each(|i| i.variables(visit));
                value.variables(visit);
            }
            StatementKind::Factor { value } => value.variables(visit),
            StatementKind::Param { extents, init, .. } => {
                extents.iter().flatten().for_each(|e| e.variables(visit));
                if let Some(Init::Value(value)) = init {
                    value.variables(visit);
                }
            }
        }
    }
}

#[derive(Clone, Debug)]
pub enum StatementKind {
    Draw {
        target: Target,
        dist: Expr,
    },
    Let {
        target: Target,
        value: Expr,
    },
    Param {
        var: VarId,
        refinement: Refinement,
        dims: Vec<Dim>,
        /// For those that data do not tell by themselves (`R * C`) how they are computed.
        extents: Vec<Option<Expr>>,
        init: Option<Init>,
        span: Span,
    },
    Factor {
        value: Expr,
    },
    /// A draw of whole numbers by the guide: their gradients are told by its probabilities.
    Sample {
        target: Target,
        dist: Expr,
    },
    /// Standard Normal numbers, as many as a draw of `dist` has.
    Noise {
        target: Target,
        dist: Expr,
    },
}

/// Where a learned parameter starts.
#[derive(Clone, Debug)]
pub enum Init {
    Value(Expr),
    /// Random numbers whose spread the extents and the numbers given decide.
    Random(&'static Initialiser, Vec<f64>),
}

#[derive(Clone, Debug)]
pub struct Target {
    pub var: VarId,
    /// Which element, empty for the whole.
    pub indices: Vec<Expr>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum Nest {
    For {
        id: LoopId,
        var: VarId,
        range: Expr,
        /// So many rows are looked at in a step.
        batch: Option<Expr>,
    },
    /// Only rows where the condition holds (or does not).
    If {
        id: LoopId,
        condition: Expr,
        holds: bool,
    },
}

#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub ty: Type,
    pub span: Span,
    /// The symbolic value, of a whole number known from data.
    pub size: Option<Dim>,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    Error,
    Number(f64),
    Text(String),
    Var(VarId),
    /// The number of levels of a label.
    Levels(VarId),
    /// The index of the level of a label that has this text.
    Level {
        label: VarId,
        text: String,
    },
    /// The extent of an axis of a value.
    Extent {
        value: Box<Expr>,
        axis: usize,
    },
    Call {
        function: Arc<Function>,
        args: Vec<Expr>,
    },
    /// Names for values, then a value.
    Let {
        bindings: Vec<(VarId, Expr)>,
        body: Box<Expr>,
    },
    /// Every index expression of the program has its own number.
    Index {
        id: u32,
        value: Box<Expr>,
        indices: Vec<Index>,
    },
    Array(Vec<Expr>),
    Comprehension {
        clauses: Vec<Clause>,
        body: Box<Expr>,
    },
    If {
        id: LoopId,
        condition: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    Range {
        start: Box<Expr>,
        end: Box<Expr>,
    },
    Distribution {
        family: &'static dyn Family,
        form: usize,
        args: Vec<DistArg>,
    },
    Power {
        dist: Box<Expr>,
        dims: Vec<Expr>,
    },
    Ode(Box<Ode>),
    Draw(Box<Draw>),
    /// A property of a distribution, at `x` where it takes one.
    Property {
        property: Property,
        dist: Box<Expr>,
        x: Option<Box<Expr>>,
    },
}

/// The solution of a differential equation at given times.
#[derive(Clone, Debug)]
pub struct Ode {
    pub stiff: bool,
    /// The time and the state that the slope reads.
    pub t: VarId,
    pub y: VarId,
    pub slope: Expr,
    pub y0: Expr,
    pub t0: Expr,
    pub ts: Expr,
    pub settings: Vec<(Setting, Expr)>,
}

/// A value drawn from a distribution, of a program that simulates.
#[derive(Clone, Debug)]
pub struct Draw {
    pub dist: Expr,
    /// What makes the noise: [`VariableKind::Key`].
    pub key: Expr,
    /// The indices of the loops around: there is a draw for each of their turns.
    pub over: Vec<Expr>,
    /// Extents of the element of data that is drawn, of which all may have one distribution.
    pub dims: Option<Vec<Dim>>,
    /// Tells apart draws of equal distributions.
    pub serial: u32,
}

/// What a solver of differential equations can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    Relative,
    Absolute,
    MaxSteps,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Property {
    LogProb,
    Cdf,
    LogCdf,
    Survival,
    LogSurvival,
    Quantile,
    Mean,
    Variance,
    Sd,
    Entropy,
    /// The draw that standard Normal numbers `x` make.
    Reparameterised,
}

#[derive(Clone, Debug)]
pub enum DistArg {
    Value(Expr),
    Dimension(Expr),
    Distribution(Expr),
    Distributions(Vec<Expr>),
    Number(f64),
    Function(Chain<Expr>),
    Absent,
}

#[derive(Clone, Debug)]
pub enum Index {
    At(Expr),
    Range {
        start: Option<Expr>,
        end: Option<Expr>,
        span: Span,
    },
    All,
}

#[derive(Clone, Debug)]
pub struct Clause {
    pub id: LoopId,
    pub var: VarId,
    pub range: Expr,
    /// Each with the number of the rows it leaves.
    pub conditions: Vec<(LoopId, Expr)>,
}

impl std::fmt::Debug for dyn Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.declaration().name)
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl Expr {
    pub fn error(span: Span) -> Expr {
        Expr {
            kind: ExprKind::Error,
            ty: Type::Error,
            span,
            size: None,
        }
    }

    /// A call of a function that the language is known to have.
    pub fn call(name: &str, args: Vec<Expr>, ty: Type, span: Span) -> Expr {
        let function = crate::functions::own(name).clone();
        Expr {
            kind: ExprKind::Call { function, args },
            ty,
            span,
            size: None,
        }
    }

    /// Calls `visit` on every variable read inside.
    pub fn variables(&self, visit: &mut dyn FnMut(VarId)) {
        self.walk(&mut |e| match e.kind {
            ExprKind::Var(id) | ExprKind::Levels(id) | ExprKind::Level { label: id, .. } => {
                visit(id)
            }
            _ => {}
        });
    }

    /// Calls `visit` on this expression and all inside it.
    pub fn walk(&self, visit: &mut dyn FnMut(&Expr)) {
        visit(self);
        self.children(&mut |child| child.walk(visit));
    }
}

/// The walk over what an expression is made of, for shared and for mutable expressions: written once, so that
/// neither can forget a kind.
macro_rules! children {
    ($name:ident, $iter:ident $(, $mut:ident)?) => {
        impl Expr {
            /// Calls `visit` on what this expression is made of.
            pub fn $name(&$($mut)? self, visit: &mut dyn FnMut(&$($mut)? Expr)) {
                match &$($mut)? self.kind {
                    ExprKind::Error
                    | ExprKind::Number(_)
                    | ExprKind::Text(_)
                    | ExprKind::Var(_)
                    | ExprKind::Levels(_)
                    | ExprKind::Level { .. } => {}
                    ExprKind::Extent { value, .. } => visit(value),
                    ExprKind::Call { args, .. } | ExprKind::Array(args) => {
                        args.$iter().for_each(visit);
                    }
                    ExprKind::Let { bindings, body } => {
                        bindings.$iter().for_each(|(_, e)| visit(e));
                        visit(body);
                    }
                    ExprKind::Index { value, indices, .. } => {
                        visit(value);
                        indices.$iter().for_each(|i| i.$name(visit));
                    }
                    ExprKind::Comprehension { clauses, body } => {
                        for clause in clauses {
                            visit(&$($mut)? clause.range);
                            clause.conditions.$iter().for_each(|(_, c)| visit(c));
                        }
                        visit(body);
                    }
                    ExprKind::If {
                        condition,
                        then,
                        otherwise,
                        ..
                    } => [condition, then, otherwise].into_iter().for_each(|e| visit(e)),
                    ExprKind::Range { start, end } => {
                        visit(start);
                        visit(end);
                    }
                    ExprKind::Ode(ode) => {
                        visit(&$($mut)? ode.slope);
                        visit(&$($mut)? ode.y0);
                        visit(&$($mut)? ode.t0);
                        visit(&$($mut)? ode.ts);
                        ode.settings.$iter().for_each(|(_, e)| visit(e));
                    }
                    ExprKind::Draw(draw) => {
                        visit(&$($mut)? draw.dist);
                        visit(&$($mut)? draw.key);
                        draw.over.$iter().for_each(visit);
                    }
                    ExprKind::Distribution { args, .. } => {
                        args.$iter().for_each(|a| a.$name(visit));
                    }
                    ExprKind::Power { dist, dims } => {
                        visit(dist);
                        dims.$iter().for_each(visit);
                    }
                    ExprKind::Property { dist, x, .. } => {
                        visit(dist);
                        x.$iter().for_each(|x| visit(x));
                    }
                }
            }
        }

        impl Index {
            fn $name(&$($mut)? self, visit: &mut dyn FnMut(&$($mut)? Expr)) {
                match self {
                    Index::At(e) => visit(e),
                    Index::Range { start, end, .. } => start.$iter().chain(end).for_each(visit),
                    Index::All => {}
                }
            }
        }

        impl DistArg {
            fn $name(&$($mut)? self, visit: &mut dyn FnMut(&$($mut)? Expr)) {
                match self {
                    DistArg::Value(e) | DistArg::Dimension(e) | DistArg::Distribution(e) => visit(e),
                    DistArg::Distributions(all) => all.$iter().for_each(visit),
                    DistArg::Function(chain) => {
                        let beside = chain.0.$iter().flat_map(|(_, c)| c.$iter());
                        beside.for_each(visit);
                    }
                    DistArg::Number(_) | DistArg::Absent => {}
                }
            }
        }
    };
}

children!(children, iter);
children!(children_mut, iter_mut, mut);
