//! A checked [`Program`] and data to a [`Model`]: loop nests become tables, statements columns over
//! them, the whole a graph.
//!
//! Data are constants of the graph, so everything that no latent reaches is computed as it is built.
//! Latents get unconstrained inputs and the maps onto their supports. What must come before what is
//! found in [`order`]; a definition that uses other elements of itself is a recurrence
//! ([`recurrence`]).

mod align;
mod aside;
mod batch;
mod bind;
mod choice;
mod discrete;
mod distribution;
mod draw;
mod error;
mod expr;
mod index;
mod latent;
mod loops;
mod ode;
mod order;
mod ragged;
mod recurrence;
mod results;
mod statement;
mod streamed;
mod term;
mod value;
mod varying;

use crate::check::program::{Expr, Program, VarId, VariableKind};
use crate::data::Data;
use crate::diag::{Diagnostics, Span};
use crate::graph::{Graph, NodeId, Origin, Tensor, Var};
use crate::model::{
    Batched, Block, Drawn, Families, Model, Place, Scored, Stated, Summation, Term,
};
use crate::types::Dim;
use batch::{Batch, Over};
use bind::Bound;
use discrete::Sampling;
use distribution::DistValue;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use value::{Axis, AxisId, AxisList, Value};
use varying::Varying;

type Result<T> = std::result::Result<T, Diagnostics>;

/// Binds a program to data.
///
/// # Errors
/// Whatever of the data does not fit the program. Notes (unused data) come with the model.
pub fn lower(
    program: &Program,
    data: &Data,
    text: &dyn Fn(Span) -> String,
) -> Result<(Model, Diagnostics)> {
    let mut bound = bind::bind(program, data, evaluate)?;
    let fitted = program.guided.as_deref().unwrap_or(program);
    if let Some(found) = streamed::lower_streamed(fitted, &mut bound, text)? {
        return Ok(found);
    }
    let whole = |program| lower_once(program, &bound, text, Over::Everything, &Varying::default());
    let Lowered {
        mut model,
        mut notes,
        mut varying,
        ..
    } = whole(program)?;
    notes.splice(0..0, bound.notes.iter().cloned());
    if let Some(guided) = &program.guided {
        let lowered = whole(guided)?;
        varying = lowered.varying;
        model.guided = Some(Box::new(lowered.model));
    }
    if fitted.has_batches {
        let over = |over| lower_once(fitted, &bound, text, over, &varying);
        let step = over(Over::Step)?.model;
        // Batches that hold all rows are none.
        let rows = step.rows.as_ref();
        if rows.is_some_and(|rows| rows.size < rows.total) {
            let all = over(Over::ALL_ROWS)?.model;
            model.batched = Some(Box::new(Batched { step, all }));
        }
    }
    Ok((model, notes))
}

/// Binds a program that makes data ([`Program::simulation`]), or one of what is told ([`Program::given`]): nothing of the
/// model is left to infer.
///
/// # Errors
/// Those of [`lower`], and E0626 for what cannot be drawn.
pub fn lower_simulation(
    program: &Program,
    data: &Data,
    text: &dyn Fn(Span) -> String,
) -> Result<Model> {
    let mut bound = bind::bind(program, data, evaluate)?;
    streamed::hold_all(program, &mut bound)?;
    let none = Varying::default();
    Ok(lower_once(program, &bound, text, Over::Everything, &none)?.model)
}

/// What data tell of extents, without more of the program.
pub struct Extents {
    bound: Bound,
}

impl Extents {
    /// # Errors
    /// Those of matching data with declarations.
    pub fn new(program: &Program, data: &Data) -> Result<Extents> {
        bind::bind(program, data, evaluate).map(|bound| Extents { bound })
    }

    /// The extent that a dimension stands for, if data tell it.
    pub fn of(&self, dim: &Dim) -> Option<usize> {
        self.bound.evaluate(dim).map(|n| n.max(0) as usize)
    }

    /// The names of elements along a label's levels.
    pub fn levels(&self, dim: &Dim) -> Option<&[String]> {
        self.bound.levels_of(dim, self.of(dim)?)
    }
}

/// The value of an expression of data, as far as they are known.
fn evaluate(program: &Program, bound: &mut Bound, e: &Expr) -> Result<Tensor> {
    let mut read = Vec::new();
    e.variables(&mut |id| read.push((id, e.span)));
    bound.hold(program, read.into_iter())?;
    let graph = Graph::new();
    let none = Varying::default();
    let mut lowerer = Lowerer::new(program, bound, &graph, Over::Everything, &none);
    lowerer.constants()?;
    let value = lowerer.value(e)?;
    let numbers = lowerer.known(&value, &AxisList::new(), e.span)?;
    Ok(Tensor::new(value.var.shape(), numbers))
}

/// What lowering gives.
struct Lowered {
    model: Model,
    notes: Diagnostics,
    /// What the data tell of loops and conditions.
    varying: Varying,
    /// Rows of loops with batches.
    total: usize,
}

fn lower_once(
    program: &Program,
    bound: &Bound,
    text: &dyn Fn(Span) -> String,
    over: Over,
    told: &Varying,
) -> Result<Lowered> {
    // Those that the program gives a factor of the guide, for whatever reason.
    let asked = program.guide.factors.iter().flat_map(|(sites, ..)| sites);
    let whole = program.discrete_latents();
    let asked = asked.filter(|site| whole.contains(site));
    let asked = asked.map(|site| (*site, (Sampling::Tracked, String::new())));
    let mut sampled: BTreeMap<VarId, (Sampling, String)> = asked.collect();
    loop {
        match lower_sampling(program, bound, text, over, told, &sampled) {
            Ok(mut lowered) => {
                let own = |var: &VarId| program.variable(*var).kind == VariableKind::Latent;
                let unasked = sampled.into_iter().filter(|(var, _)| own(var));
                let notes =
                    unasked
                        .filter(|(_, (_, why))| !why.is_empty())
                        .map(|(var, (_, why))| {
                            let variable = program.variable(var);
                            error::is_sampled(variable.span, &variable.name, &why)
                        });
                lowered.notes.extend(notes);
                return Ok(lowered);
            }
            Err((problems, None)) => return Err(problems),
            Err((problems, Some((var, why)))) => match sampled.get_mut(&var) {
                None => {
                    sampled.insert(var, (Sampling::Tracked, why));
                }
                Some((how @ Sampling::Tracked, _)) => *how = Sampling::Untracked,
                Some(_) => return Err(problems),
            },
        }
    }
}

/// What could not be summed out, and what is wrong otherwise.
type Refused = (Diagnostics, Option<(VarId, String)>);

/// Lowers with some discrete latents sampled.
fn lower_sampling(
    program: &Program,
    bound: &Bound,
    text: &dyn Fn(Span) -> String,
    over: Over,
    told: &Varying,
    sampled: &BTreeMap<VarId, (Sampling, String)>,
) -> std::result::Result<Lowered, Refused> {
    let program = &*discrete::by_elements(align::align(program, bound), bound);
    let graph = Graph::new();
    let places = program
        .statements
        .iter()
        .map(|s| Place {
            span: s.span,
            text: text(s.span),
        })
        .collect();
    let mut lowerer = Lowerer::new(program, bound, &graph, over, told);
    let in_order = |mut problems: Diagnostics| -> Diagnostics {
        problems.sort_by_key(|p| p.labels.first().map(|l| (l.span.source, l.span.start)));
        problems
    };
    lowerer.sample(sampled.iter().map(|(var, (how, _))| (*var, *how)));
    let done = lowerer.data().and_then(|()| lowerer.statements());
    done.map_err(|problems| (in_order(problems), lowerer.take_refused()))?;
    let mut notes = lowerer.unobserved();
    let rows = lowerer.rows();
    let total = lowerer.batch.as_ref().map_or(0, |batch| batch.total);
    let given = std::mem::take(&mut lowerer.given);
    let varying = std::mem::take(&mut lowerer.varying);
    let parts = lowerer.finish().map_err(|problems| (problems, None))?;
    notes.extend(parts.notes);
    let model = Model {
        blocks: parts.blocks,
        stated: parts.stated,
        drawn: parts.drawn,
        log_joint: parts.log_joint,
        as_written: parts.log_joint,
        rewritten: Vec::new(),
        log_jacobian: parts.log_jacobian,
        terms: parts.terms,
        scored: parts.scored,
        summation: parts.summation,
        quantities: parts.quantities,
        places,
        dimensions: bound.dimensions(program),
        families: families(program),
        guided: None,
        rows,
        batched: None,
        given,
        reuse: Default::default(),
        graph,
    };
    Ok(Lowered {
        model,
        notes,
        varying,
        total,
    })
}

fn families(program: &Program) -> Families {
    let name = |id: &VarId| program.variable(*id).name.clone();
    let factors = program.guide.factors.iter();
    Families {
        rest: program.guide.rest.as_ref().map(|(name, _)| name.clone()),
        factors: factors
            .map(|(sites, family, _)| (sites.iter().map(name).collect(), family.clone()))
            .collect(),
    }
}

/// Everything of a [`Model`] but the graph that its nodes live in.
struct Parts {
    blocks: Vec<Block>,
    stated: Stated,
    drawn: Option<Drawn>,
    notes: Diagnostics,
    log_joint: NodeId,
    log_jacobian: NodeId,
    terms: Vec<Term>,
    scored: Vec<Scored>,
    summation: Option<Summation>,
    quantities: Vec<crate::model::Quantity>,
}

struct Lowerer<'p, 'g> {
    program: &'p Program,
    bound: &'p Bound,
    graph: &'g Graph,
    axes: Vec<Axis>,
    /// Axes of the program's loops (and of rows that conditions leave), opened once.
    loops: HashMap<crate::check::program::LoopId, Option<AxisId>>,
    /// Name of an axis' index, and its numbers.
    loop_names: HashMap<AxisId, (String, Vec<f64>)>,
    /// The axis that a loop's index runs over.
    axis_of: HashMap<VarId, AxisId>,
    /// The most turns that a loop takes in any row.
    lengths: HashMap<VarId, usize>,
    /// Which turns count, of loops that run as long as they ever do.
    masks: HashMap<AxisId, Value<'g>>,
    /// Places of the elements that a statement of a recurrence defines.
    stream_rows: HashMap<usize, Vec<usize>>,
    /// Axes of slices of several lengths, by where and how long they are.
    ragged_axes: HashMap<(Vec<AxisId>, Vec<usize>), AxisId>,
    /// Choices that come out the same in all rows of a recurrence, which a step alone cannot know; `None` where rows differ.
    settled: HashMap<crate::check::program::LoopId, Option<bool>>,
    /// Rows to which conditions around restrict, outermost first.
    filters: Vec<AxisId>,
    env: HashMap<VarId, Value<'g>>,
    /// Inputs of what is told for each draw, by name.
    given: Vec<(String, NodeId)>,
    distributions: HashMap<VarId, DistValue<'g>>,
    /// Elements of arrays, statement by statement, until all are there.
    pieces: BTreeMap<VarId, Vec<statement::Piece<'g>>>,
    /// Elements of data that draws have observed.
    observed: BTreeMap<VarId, Vec<Option<term::Observation>>>,
    /// The recurrence that is being lowered.
    recurrence: Option<recurrence::Recurrence<'g>>,
    blocks: Vec<Block>,
    /// Draws that made latents, by the statement.
    sites: BTreeMap<Origin, aside::Site<'g>>,
    terms: Vec<Term>,
    discrete: discrete::Discrete<'g>,
    scored: Vec<Scored>,
    summation: Option<Summation>,
    /// What makes the noise of results.
    key: Option<Var<'g>>,
    /// Whether discrete latents have one value, drawn or told: conditions on them are then found in every draw.
    drawn: bool,
    over: Over,
    /// The rows of loops with batches, once one was opened.
    batch: Option<Batch<'g>>,
    /// Arrays of data of which a step is told the rows.
    fed: BTreeSet<VarId>,
    /// Those whose missing values nothing depends on.
    left_open: BTreeSet<VarId>,
    /// Indices of such loops, and how many rows they go over.
    positions: BTreeMap<VarId, usize>,
    /// Whether the index of such a loop stands for a place in the batch.
    by_position: bool,
    /// What the data tell of loops and conditions, of the rows that are lowered here and of all.
    varying: Varying,
    told: &'p Varying,
    /// Axes whose rows a step finds out.
    found: HashMap<AxisId, varying::Found<'g>>,
    slices: BTreeMap<varying::Equal, (AxisId, Var<'g>)>,
    /// Numbers of such loops where turns stand for where they lie.
    numbers: HashMap<VarId, Value<'g>>,
    /// Whether they do.
    laid_out: bool,
}

impl<'p, 'g> Lowerer<'p, 'g> {
    fn new(
        program: &'p Program,
        bound: &'p Bound,
        graph: &'g Graph,
        over: Over,
        told: &'p Varying,
    ) -> Self {
        Lowerer {
            program,
            bound,
            graph,
            axes: Vec::new(),
            loops: HashMap::new(),
            loop_names: HashMap::new(),
            axis_of: HashMap::new(),
            lengths: HashMap::new(),
            masks: HashMap::new(),
            stream_rows: HashMap::new(),
            ragged_axes: HashMap::new(),
            settled: HashMap::new(),
            filters: Vec::new(),
            env: HashMap::new(),
            given: Vec::new(),
            distributions: HashMap::new(),
            pieces: BTreeMap::new(),
            observed: BTreeMap::new(),
            recurrence: None,
            blocks: Vec::new(),
            sites: BTreeMap::new(),
            terms: Vec::new(),
            discrete: discrete::Discrete::default(),
            scored: Vec::new(),
            summation: None,
            key: None,
            drawn: program.is_simulated(),
            over,
            batch: None,
            fed: match over {
                Over::Everything => BTreeSet::new(),
                _ => batch::fed(program, bound),
            },
            left_open: BTreeSet::new(),
            positions: BTreeMap::new(),
            by_position: false,
            varying: Varying::default(),
            told,
            found: HashMap::new(),
            slices: BTreeMap::new(),
            numbers: HashMap::new(),
            laid_out: false,
        }
    }
}

impl<'p> Lowerer<'p, '_> {
    /// For a graph inside this one (a step, a right-hand side) that knows nothing but `env`.
    fn inside<'b>(
        &self,
        graph: &'b Graph,
        env: HashMap<VarId, Value<'b>>,
        recurrence: Option<recurrence::Recurrence<'b>>,
    ) -> Lowerer<'p, 'b>
    where
        'p: 'b,
    {
        Lowerer {
            program: self.program,
            bound: self.bound,
            graph,
            axes: self.axes.clone(),
            loops: self.loops.clone(),
            loop_names: self.loop_names.clone(),
            axis_of: self.axis_of.clone(),
            lengths: self.lengths.clone(),
            masks: HashMap::new(),
            stream_rows: HashMap::new(),
            ragged_axes: HashMap::new(),
            settled: self.settled.clone(),
            filters: Vec::new(),
            env,
            given: Vec::new(),
            distributions: HashMap::new(),
            pieces: BTreeMap::new(),
            observed: BTreeMap::new(),
            recurrence,
            blocks: Vec::new(),
            sites: BTreeMap::new(),
            terms: Vec::new(),
            discrete: self.discrete.inside(),
            scored: Vec::new(),
            summation: None,
            key: None,
            drawn: self.drawn,
            over: self.over,
            batch: None,
            fed: self.fed.clone(),
            left_open: BTreeSet::new(),
            positions: self.positions.clone(),
            by_position: false,
            varying: Varying::default(),
            told: self.told,
            found: HashMap::new(),
            slices: BTreeMap::new(),
            numbers: HashMap::new(),
            laid_out: false,
        }
    }

    /// Nodes built from now on come from a statement.
    fn come_from(&self, statement: usize) {
        self.graph.set_origin(Origin(statement as u32 + 1));
    }
}
