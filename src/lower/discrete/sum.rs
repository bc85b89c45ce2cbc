//! The tables of factors summed over all discrete latents; and draws of these, given all else, for the results.

use super::super::{Lowerer, Result, error};
use super::Factor;
use crate::autodiff::grad;
use crate::check::program::VarId;
use crate::dist::{Distribution, Sampled, find};
use crate::elimination::{FactorGraph, Factors, Plan, Semiring};
use crate::graph::{NodeId, Rebuild, Shape, Tensor, Var, numel};
use crate::model::Term;
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

impl<'g> Lowerer<'_, 'g> {
    /// Sums over all discrete latents: what is left are summands of the log density. Gives the statements to define once
    /// more, now that these latents have values.
    pub(in super::super) fn sum_out(&mut self) -> Result<BTreeSet<usize>> {
        if self.discrete.sites.is_empty() {
            return Ok(BTreeSet::new());
        }
        let factors = std::mem::take(&mut self.discrete.factors);
        let (elements, values) = self.elements(&factors)?;
        let most = self.most_terms();
        let plan = elements.graph.plan(most);
        let plan = plan.map_err(|e| {
            let site = elements.of[e.variable as usize];
            let variable = self.program.variable(site);
            let span = self.discrete.sites[&site].span;
            vec![error::too_many_terms(
                span,
                &variable.name,
                e.together,
                most,
            )]
        })?;
        self.add_sums(&plan, &elements, &values, &factors);
        if self.is_step() {
            return Ok(BTreeSet::new());
        }
        self.draw_states(&elements, values);
        self.drawn = true;
        Ok(self.take_inlined())
    }

    /// The factor graph of all tables, and what stands in them.
    fn elements(&self, factors: &[Factor<'g>]) -> Result<(Elements, Vec<Var<'g>>)> {
        let mut elements = Elements {
            graph: FactorGraph::default(),
            first: BTreeMap::new(),
            of: Vec::new(),
            row: Vec::new(),
        };
        for (&var, site) in &self.discrete.sites {
            elements.first.insert(var, elements.of.len());
            let count = numel(&site.extents);
            elements.of.extend(std::iter::repeat_n(var, count));
            elements
                .graph
                .states
                .extend(std::iter::repeat_n(site.states(), count));
        }
        elements.row = vec![None; elements.of.len()];
        let mut values = Vec::new();
        for factor in factors {
            let firsts = factor.references.iter().map(|&r| {
                let var = self.discrete.references[r].var;
                elements.first[&var]
            });
            let firsts: Vec<usize> = firsts.collect();
            let rows: Vec<usize> = (0..factor.rows)
                .filter(|&row| factor.places.iter().all(|places| !places[row].is_empty()))
                .collect();
            let mut scopes = Vec::new();
            let of_batch = self.rows_of_batch(&factor.loops);
            for &row in &rows {
                for (places, first) in factor.places.iter().zip(&firsts) {
                    for place in &places[row] {
                        let element = first + place;
                        let own = of_batch.as_ref().map(|rows| rows[row]);
                        let known = &mut elements.row[element];
                        if known.is_some() && *known != own {
                            let name = &self.program.variable(elements.of[element]).name;
                            return Err(vec![error::states_across_rows(factor.span, name)]);
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
            // An axis of several elements is one for each.
            let states = scopes[..arity]
                .iter()
                .map(|&v| elements.graph.states[v as usize]);
            let shape: Vec<usize> = [picked.shape()[0]].into_iter().chain(states).collect();
            let picked = picked.reshape(&shape);
            elements.graph.factors.push(Factors {
                arity,
                alike,
                scopes,
            });
            values.push(picked);
        }
        Ok((elements, values))
    }

    /// Summands of the log density, a row for each part that nothing links.
    fn add_sums(
        &mut self,
        plan: &Plan,
        elements: &Elements,
        values: &[Var<'g>],
        factors: &[Factor<'g>],
    ) {
        let observed = factors.iter().any(|f| f.observed);
        for sums in plan.log_sums(values, &Semiring::Sum) {
            let rows: Option<Vec<usize>> = sums
                .last
                .iter()
                .map(|&v| elements.row[v as usize])
                .collect();
            let weights = rows.and_then(|rows| self.weights_of(&rows));
            let pointwise = weights.map_or(sums.values, |weights| sums.values * weights);
            let var = elements.of[sums.last[0] as usize];
            self.terms.push(Term {
                name: self.program.variable(var).name.clone(),
                node: pointwise.sum().id,
                pointwise: pointwise.id,
                observed,
                places: Vec::new(),
                span: self.discrete.sites[&var].span,
            });
        }
    }

    /// What all discrete latents are is drawn, given all else: they are values like others then.
    fn draw_states(&mut self, elements: &Elements, mut values: Vec<Var<'g>>) {
        let mut graph = elements.graph.clone();
        // What is added to each state of each element: derivatives by it tell which was drawn.
        let mut added = Vec::new();
        for (var, site) in &self.discrete.sites {
            let count = numel(&site.extents);
            let first = elements.first[var] as u32;
            graph.factors.push(Factors {
                scopes: (first..first + count as u32).collect(),
                arity: 1,
                alike: false,
            });
            added.push(self.graph.input(&[count, site.states()]));
        }
        values.extend(&added);
        let plan = graph.plan(f64::INFINITY).expect("there is no limit");
        let total: usize = graph.states.iter().sum();
        let noise = self.gumbel_noise(total);
        let sums = plan.log_sums(&values, &Semiring::Draw(noise));
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
        for ((var, site), drawn) in std::mem::take(&mut self.discrete.sites)
            .into_iter()
            .zip(drawn)
        {
            let states = self.graph.constant(Tensor::vector(site.values()));
            let value = (drawn.var * states).sum_axes(&[0]).reshape(&site.extents);
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

/// Tells the noise of states apart from that of other draws.
const SERIAL: u32 = u32::MAX;
