//! The tables of factors summed over all discrete latents; and draws of these, given all else, for the results.

use super::super::{Lowerer, Result};
use super::sampled::Reached;
use super::{Discrete, Factor};
use crate::autodiff::grad;
use crate::check::program::{States, VarId};
use crate::diag::Span;
use crate::dist::{Distribution, Sampled, find};
use crate::elimination::{FactorGraph, Factors, Plan, Semiring};
use crate::graph::{NodeId, Rebuild, Shape, Tensor, Var, numel};
use crate::model::{self, Summation, Term};
use petgraph::unionfind::UnionFind;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The elements of all discrete latents, one after the other.
struct Elements {
    graph: FactorGraph,
    /// Where a latent's elements begin, in the order of the program's variables.
    first: BTreeMap<VarId, usize>,
    /// The latent of each element, and the row of batches that it belongs to.
    of: Vec<VarId>,
    row: Vec<Option<usize>>,
}

/// A table of factors among those that are summed.
struct Summed<'g> {
    values: Var<'g>,
    /// Which of the lowering's, and its rows.
    factor: usize,
    rows: Vec<usize>,
}

impl<'g> Lowerer<'_, 'g> {
    /// Sums over all discrete latents that are not sampled: what is left are summands of the log density. Gives the
    /// statements to define once more, now that these latents have values.
    pub(in super::super) fn sum_out(&mut self) -> Result<BTreeSet<usize>> {
        let Discrete {
            sites,
            inlined,
            sampled,
            ..
        } = &self.discrete;
        if sites.is_empty() && inlined.is_empty() && sampled.is_empty() {
            return Ok(BTreeSet::new());
        }
        let factors = std::mem::take(&mut self.discrete.factors);
        let mut reached = self.add_rows(&factors);
        let (elements, summed) = self.elements(&factors)?;
        let most = self.most_terms();
        let plan = match elements.graph.plan(most) {
            Ok(plan) => plan,
            Err(e) => {
                let site = elements.of[e.variable as usize];
                let span = self.discrete.sites[&site].span;
                let together = e.together;
                let why = format!(
                    "{together} discrete latents depend on each other: more than {most} terms"
                );
                return Err(self.refuse(site, span, &why));
            }
        };
        self.summation = self.summed(&plan);
        self.add_sums(&plan, &elements, &summed, &factors, &mut reached);
        self.score(&reached);
        if self.is_step() {
            self.keep_samples();
            return Ok(BTreeSet::new());
        }
        let values = summed.into_iter().map(|s| s.values).collect();
        self.draw_states(&elements, values);
        // Of probabilities nothing follows.
        if self.program.states == States::Probabilities {
            return Ok(BTreeSet::new());
        }
        self.keep_samples();
        self.discrete.done = true;
        self.drawn = true;
        Ok(self.take_inlined())
    }

    /// What the sums are of.
    fn summed(&self, plan: &Plan) -> Option<Summation> {
        let sites = self
            .discrete
            .sites
            .iter()
            .filter(|(_, site)| site.value.is_none());
        let latents = sites.map(|(var, site)| model::Summed {
            name: self.program.variable(*var).name.clone(),
            elements: numel(&site.extents),
            first: site.lower,
            states: site.states(),
        });
        let latents: Vec<model::Summed> = latents.collect();
        (!latents.is_empty()).then(|| Summation {
            latents,
            terms: plan.terms(),
            together: plan.widest(),
            steps: plan.depth(),
        })
    }

    /// Whether a table has axes that are summed over.
    fn is_summed_over(&self, factor: &Factor<'g>) -> bool {
        let summed = |&r: &usize| {
            let var = &self.discrete.references[r].var;
            !self.discrete.sampled.contains_key(var)
        };
        factor.references.iter().any(summed)
    }

    /// Tables of what is sampled alone are summands as they stand.
    fn add_rows(&mut self, factors: &[Factor<'g>]) -> Vec<Reached<'g>> {
        let mut all = Vec::new();
        for factor in factors {
            if self.is_summed_over(factor) {
                continue;
            }
            let rows = factor
                .values
                .broadcast(&[&[factor.rows], &factor.values.shape()[1..]].concat());
            let rows = rows.reshape(&[factor.rows]);
            let of_batch = self.rows_of_batch(&factor.loops);
            let weights = of_batch.and_then(|rows| self.weights_of(&rows));
            let values = weights.map_or(rows, |weights| rows * weights);
            let term = (factor.name.clone(), factor.span);
            self.add_summand(term, values, factor.of.observed, factor.of.places.clone());
            let by = (0..factor.rows).flat_map(|row| {
                let own = self.reached_by(factor, row).into_iter();
                own.map(move |(var, k)| (row, var, k))
            });
            all.push(Reached {
                values,
                by: by.collect(),
            });
        }
        all
    }

    fn add_summand(
        &mut self,
        (name, span): (String, Span),
        pointwise: Var<'g>,
        observed: bool,
        places: Vec<usize>,
    ) {
        self.terms.push(Term {
            name,
            node: pointwise.sum().id,
            pointwise: pointwise.id,
            observed,
            places,
            span,
        });
    }

    /// The factor graph of all tables that are summed, and what stands in them.
    fn elements(&mut self, factors: &[Factor<'g>]) -> Result<(Elements, Vec<Summed<'g>>)> {
        let mut elements = Elements {
            graph: FactorGraph::default(),
            first: BTreeMap::new(),
            of: Vec::new(),
            row: Vec::new(),
        };
        for (&var, site) in &self.discrete.sites {
            if site.value.is_some() {
                continue;
            }
            elements.first.insert(var, elements.of.len());
            let count = numel(&site.extents);
            elements.of.extend(std::iter::repeat_n(var, count));
            elements
                .graph
                .states
                .extend(std::iter::repeat_n(site.states(), count));
        }
        elements.row = vec![None; elements.of.len()];
        let mut all = Vec::new();
        for (at, factor) in factors
            .iter()
            .enumerate()
            .filter(|(_, f)| self.is_summed_over(f))
        {
            let pairs = factor.references.iter().zip(&factor.places);
            let summed = pairs.filter_map(|(&r, places)| {
                let first = elements.first.get(&self.discrete.references[r].var)?;
                Some((*first, places))
            });
            let summed: Vec<(usize, &Vec<Vec<usize>>)> = summed.collect();
            let rows: Vec<usize> = (0..factor.rows)
                .filter(|&row| summed.iter().all(|(_, places)| !places[row].is_empty()))
                .collect();
            let mut scopes = Vec::new();
            let of_batch = self.rows_of_batch(&factor.loops);
            for &row in &rows {
                for (first, places) in &summed {
                    for place in &places[row] {
                        let element = first + place;
                        let own = of_batch.as_ref().map(|rows| rows[row]);
                        let known = &mut elements.row[element];
                        if known.is_some() && *known != own {
                            let var = elements.of[element];
                            let why = "rows of different batches depend on it";
                            return Err(self.refuse(var, factor.span, why));
                        }
                        *known = own;
                        scopes.push(element as u32);
                    }
                }
            }
            if rows.is_empty() {
                continue;
            }
            let alike = factor.values.shape()[0] == 1 && factor.rows != 1;
            let picked = match alike || rows.len() == factor.rows {
                true => factor.values,
                false => {
                    let places = rows.iter().map(|&r| r as f64).collect::<Vec<_>>();
                    let places = self.graph.constant(Tensor::vector(places));
                    factor.values.gather(factor.values.rank() - 1, places)
                }
            };
            let arity = scopes.len() / rows.len();
            // An axis of several elements is one for each; those of what is sampled go.
            let states = scopes[..arity]
                .iter()
                .map(|&v| elements.graph.states[v as usize]);
            let shape: Vec<usize> = [picked.shape()[0]].into_iter().chain(states).collect();
            elements.graph.factors.push(Factors {
                arity,
                alike,
                scopes,
            });
            all.push(Summed {
                values: picked.reshape(&shape),
                factor: at,
                rows,
            });
        }
        Ok((elements, all))
    }

    /// Summands of the log density, a row for each part that nothing links.
    fn add_sums(
        &mut self,
        plan: &Plan,
        elements: &Elements,
        summed: &[Summed<'g>],
        factors: &[Factor<'g>],
        reached: &mut Vec<Reached<'g>>,
    ) {
        // Which part each element is of: the one that it is linked to.
        let mut parts = UnionFind::new(elements.of.len());
        for factors in &elements.graph.factors {
            for scope in factors.scopes.chunks(factors.arity) {
                scope.iter().for_each(|&v| {
                    parts.union(scope[0] as usize, v as usize);
                });
            }
        }
        let mut by: BTreeMap<usize, BTreeSet<(VarId, usize)>> = BTreeMap::new();
        for (table, own) in elements.graph.factors.iter().zip(summed) {
            for (scope, &row) in table.scopes.chunks(table.arity).zip(&own.rows) {
                let sampled = self.reached_by(&factors[own.factor], row);
                if !sampled.is_empty() {
                    by.entry(parts.find(scope[0] as usize))
                        .or_default()
                        .extend(sampled);
                }
            }
        }
        let observed = observed_by(&parts, elements, summed, factors);
        let values: Vec<Var<'g>> = summed.iter().map(|s| s.values).collect();
        for sums in plan.log_sums(&values, &Semiring::Sum) {
            let rows: Option<Vec<usize>> = sums
                .last
                .iter()
                .map(|&v| elements.row[v as usize])
                .collect();
            let weights = rows.and_then(|rows| self.weights_of(&rows));
            let pointwise = weights.map_or(sums.values, |weights| sums.values * weights);
            let var = elements.of[sums.last[0] as usize];
            let span = self.discrete.sites[&var].span;
            let of: Vec<usize> = sums.last.iter().map(|&v| parts.find(v as usize)).collect();
            match one_each(&of, &observed) {
                Some((name, places)) => self.add_summand((name, span), pointwise, true, places),
                None => {
                    let name = self.program.variable(var).name.clone();
                    let any = of.iter().any(|part| observed.contains_key(part));
                    self.add_summand((name, span), pointwise, any, Vec::new());
                }
            }
            let own = sums.last.iter().enumerate().flat_map(|(row, &v)| {
                let all = by.get(&parts.find(v as usize)).into_iter().flatten();
                all.map(move |&(var, k)| (row, var, k))
            });
            reached.push(Reached {
                values: pointwise,
                by: own.collect(),
            });
        }
    }

    /// What is sampled is a value like others once all summands are there.
    fn keep_samples(&mut self) {
        let sites = std::mem::take(&mut self.discrete.sites);
        for (var, site) in sites {
            match site.value {
                Some(value) => {
                    self.env.insert(var, super::Value::plain(value));
                }
                None => {
                    self.discrete.sites.insert(var, site);
                }
            }
        }
    }

    /// What all discrete latents are is drawn, given all else: they are values like others then.
    fn draw_states(&mut self, elements: &Elements, mut values: Vec<Var<'g>>) {
        let mut graph = elements.graph.clone();
        // What is added to each state of each element: derivatives by it tell which was drawn.
        let mut added = Vec::new();
        let sites = std::mem::take(&mut self.discrete.sites);
        let (sampled, sites): (BTreeMap<_, _>, BTreeMap<_, _>) = sites
            .into_iter()
            .partition(|(_, site)| site.value.is_some());
        self.discrete.sites = sampled;
        for (var, site) in &sites {
            let count = numel(&site.extents);
            let first = elements.first[var] as u32;
            graph.factors.push(Factors {
                scopes: (first..first + count as u32).collect(),
                arity: 1,
                alike: false,
            });
            added.push(self.graph.input(&[count, site.states()]));
        }
        if added.is_empty() {
            return;
        }
        values.extend(&added);
        let plan = graph.plan(f64::INFINITY).expect("there is no limit");
        let total: usize = graph.states.iter().sum();
        let semiring = match self.program.states {
            States::Drawn => Semiring::Draw(self.gumbel_noise(total)),
            States::Probabilities => Semiring::Sum,
            States::MostProbable => Semiring::Max,
        };
        let sums = plan.log_sums(&values, &semiring);
        let parts = sums.into_iter().map(|s| s.values.sum());
        let Some(sum) = parts.reduce(|a, b| a + b) else {
            return;
        };
        let drawn = grad(sum, &added);
        let mut walk = Rebuild::new(self.graph, self.graph);
        // What does not depend on what is added stays.
        let mut changes = vec![false; self.graph.len()];
        for (i, node) in self.graph.nodes().iter().enumerate() {
            let id = NodeId(i as u32);
            changes[i] = added.iter().any(|input| input.id == id);
            changes[i] |= node.args.iter().any(|a| changes[a.index()]);
            if !changes[i] {
                walk.substitute(id, self.graph.var(id), false);
            }
        }
        for input in &added {
            let nothing = self.graph.scalar(0.0).broadcast(&input.shape());
            walk.substitute(input.id, nothing, false);
        }
        let ids: Vec<_> = drawn.iter().map(|d| d.id).collect();
        let drawn = walk.emit(&ids);
        for ((var, site), drawn) in sites.into_iter().zip(drawn) {
            let value = match self.program.states {
                States::Probabilities => {
                    let extents = [site.extents.as_slice(), &[site.states()]].concat();
                    drawn.var.reshape(&extents)
                }
                _ => {
                    let states = self.graph.constant(Tensor::vector(site.values()));
                    let value = (drawn.var * states).sum_axes(&[0]);
                    value.reshape(&site.extents)
                }
            };
            let name = self.program.variable(var).name.clone();
            self.discrete.drawn.push((name, value.numel()));
            self.env.insert(var, super::Value::plain(value));
        }
    }

    /// Standard Gumbel numbers that the results' key makes.
    fn gumbel_noise(&mut self, count: usize) -> Var<'g> {
        let gumbel = find("Gumbel").expect("it is one of the families");
        let (zero, one) = (self.graph.scalar(0.0), self.graph.scalar(1.0));
        let (skeleton, standard) = Distribution::new(gumbel, 0, &[zero, one]).take_apart();
        let noise = Sampled {
            skeleton: Arc::new(skeleton),
            serial: SERIAL,
            batch: Shape::from_slice(&[count]),
            event: Shape::new(),
            keys: None,
        };
        let one = standard.into_iter().map(|v| v.reshape(&[1]));
        let args: Vec<Var<'g>> = [self.result_key()].into_iter().chain(one).collect();
        self.graph.apply(noise, &args)
    }
}

/// What the data are that a part of the graph is the likelihood of: names with places among the indexed elements, if
/// these are known.
type Likelihood = BTreeSet<(String, Option<usize>)>;

/// By part.
fn observed_by(
    parts: &UnionFind<usize>,
    elements: &Elements,
    summed: &[Summed],
    factors: &[Factor],
) -> BTreeMap<usize, Likelihood> {
    let mut all: BTreeMap<usize, Likelihood> = BTreeMap::new();
    for (table, own) in elements.graph.factors.iter().zip(summed) {
        let factor = &factors[own.factor];
        if !factor.of.observed {
            continue;
        }
        let places = &factor.of.places;
        let known = places.len() == factor.rows;
        for (scope, &row) in table.scopes.chunks(table.arity).zip(&own.rows) {
            let place = known.then(|| places[row]);
            let part = all.entry(parts.find(scope[0] as usize)).or_default();
            part.insert((factor.name.clone(), place));
            // Several rows of which it is not known which they are.
            if !known && factor.rows > 1 {
                part.insert((String::new(), None));
            }
        }
    }
    all
}

/// Where every part is the likelihood of one element of the same data: their name, and the elements.
fn one_each(
    parts: &[usize],
    observed: &BTreeMap<usize, Likelihood>,
) -> Option<(String, Vec<usize>)> {
    let mut name: Option<&String> = None;
    let mut places = Vec::new();
    for part in parts {
        let own = observed.get(part).filter(|own| own.len() == 1)?;
        let (of, place) = own.first()?;
        if name.is_some_and(|name| name != of) {
            return None;
        }
        name = Some(of);
        places.extend(*place);
    }
    let whole = parts.len() == 1 && places.is_empty();
    let name = name?.clone();
    (whole || places.len() == parts.len()).then_some((name, places))
}

/// Tells the noise of states apart from that of other draws.
const SERIAL: u32 = u32::MAX;
