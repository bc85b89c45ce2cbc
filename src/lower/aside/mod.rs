//! Latents that nothing observed depends on are set aside: `∫ p(z | x) dz = 1`, so the posterior of the
//! rest is what it is without them, and they are drawn from `p(z | x)` given each posterior draw of it.
//!
//! A latent *element* (one event of a draw) has to be inferred if a term of data or a `factor` reads it,
//! or the density of an element that has to be inferred. All others are set aside. Which reads which is
//! found in the graph, element by element; what the rest of an array depends on does not matter.

mod emit;
mod levels;

use super::{Lowerer, error};
use crate::diag::Diagnostics;
use crate::dist::Distribution;
use crate::graph::{NodeId, Var, numel};
use crate::model::{Block, Drawn, Quantity, Term};
use crate::passes::{Elements, Needs, listed};
use std::collections::HashMap;

/// A draw that made a block of latents.
pub struct Site<'g> {
    block: usize,
    /// Log Jacobian of each event.
    jacobian: Var<'g>,
    /// For each event the element of the term that is its density.
    pub rows: Vec<usize>,
    /// Whether events are parts of what has a density, so that they cannot be drawn by themselves.
    pub parts: bool,
    /// Where densities and events correspond: the term and the distribution, with its batch.
    term: Option<(usize, Distribution<'g>, Vec<usize>)>,
}

impl<'g> Site<'g> {
    pub fn new(block: usize, jacobian: Var<'g>, events: usize) -> Site<'g> {
        Site {
            block,
            jacobian,
            rows: (0..events).collect(),
            parts: false,
            term: None,
        }
    }

    fn events(&self) -> usize {
        self.rows.len()
    }
}

/// What is left to infer, and what the results are then.
pub(super) struct Left<'g> {
    pub blocks: Vec<Block>,
    pub terms: Vec<Term>,
    pub jacobians: Vec<Var<'g>>,
    pub quantities: Vec<Quantity>,
    pub drawn: Option<Drawn>,
    pub notes: Diagnostics,
}

/// Some events of one site.
#[derive(Clone, Debug)]
struct Events {
    site: usize,
    events: Vec<usize>,
}

/// For each site, which of its events are inferred.
type Inferred = Vec<Vec<bool>>;

impl<'g> Lowerer<'_, 'g> {
    /// Tells the statement's site the distribution of what it draws, once the term is there.
    pub(super) fn tell_site(&mut self, dist: Distribution<'g>, batch: &[usize]) {
        let term = self.terms.len() - 1;
        let pointwise = self.graph.var(self.terms[term].pointwise);
        let Some(site) = self.sites.get_mut(&self.graph.origin()) else {
            return;
        };
        let block = &self.blocks[site.block];
        let events = site.events();
        let fits = !site.parts
            && pointwise.shape().as_slice() == batch
            && site.jacobian.numel() == events
            && site.rows.iter().all(|&r| r < numel(batch))
            && events > 0
            && self.graph.var(block.value).numel() == events * numel(&block.support.event)
            && block.size.is_multiple_of(events);
        if fits && dist.is_normalised() {
            site.term = Some((term, dist, batch.to_vec()));
        }
    }

    /// Takes what nothing observed depends on out of blocks, terms and Jacobians, and makes results of
    /// draws of it.
    pub(super) fn set_aside(&mut self, quantities: Vec<Quantity>) -> Left<'g> {
        let mut sites: Vec<Site<'g>> = std::mem::take(&mut self.sites).into_values().collect();
        sites.sort_by_key(|s| s.block);
        // What tells gradients of samples reads latents as they are.
        let plan = self.scored.is_empty().then(|| levels::plan(self, &sites));
        match plan.flatten() {
            Some(plan) => emit::emit(self, &sites, &plan, quantities),
            None => Left {
                blocks: self.blocks.clone(),
                terms: std::mem::take(&mut self.terms),
                jacobians: sites.iter().map(|s| s.jacobian.sum()).collect(),
                quantities,
                drawn: None,
                notes: Diagnostics::new(),
            },
        }
    }

    /// Which events have to be inferred; `None` if all, or if none has to: then the program is a density
    /// with nothing observed, which is to be approximated as it is. Some events may be inferred in any
    /// case.
    fn inferred(&self, sites: &[Site<'g>], forced: &[Events]) -> Option<Inferred> {
        let mut search = Search::new(self, sites);
        search.start();
        for Events { site, events } in forced {
            search.infer(*site, events.clone());
        }
        search.run();
        (search.open > 0 && search.informed).then_some(search.inferred)
    }
}

/// The site of each input.
fn of_input(blocks: &[Block], sites: &[Site<'_>]) -> HashMap<NodeId, usize> {
    let input = |(i, site): (usize, &Site)| (blocks[site.block].input, i);
    sites.iter().enumerate().map(input).collect()
}

/// Goes from what is observed to what it depends on.
struct Search<'s, 'g> {
    sites: &'s [Site<'g>],
    terms: &'s [Term],
    blocks: &'s [Block],
    needs: Needs<'g>,
    /// The site of a block's input.
    of_input: HashMap<NodeId, usize>,
    inferred: Inferred,
    /// Events that nothing was found to depend on yet.
    open: usize,
    /// Whether anything observed depends on a latent or parameter.
    informed: bool,
}

impl<'s, 'g> Search<'s, 'g> {
    fn new(lowerer: &'s Lowerer<'_, 'g>, sites: &'s [Site<'g>]) -> Search<'s, 'g> {
        Search {
            sites,
            terms: &lowerer.terms,
            blocks: &lowerer.blocks,
            needs: Needs::new(lowerer.graph),
            of_input: of_input(&lowerer.blocks, sites),
            inferred: sites.iter().map(|s| vec![false; s.events()]).collect(),
            open: sites.iter().map(Site::events).sum(),
            informed: false,
        }
    }

    /// Data, factors, and latents whose density is none that can be left out.
    fn start(&mut self) {
        let mut owner = vec![None; self.terms.len()];
        for (i, site) in self.sites.iter().enumerate() {
            match &site.term {
                Some((term, ..)) => owner[*term] = Some(i),
                None => self.infer(i, (0..site.events()).collect()),
            }
        }
        for (term, owner) in self.terms.iter().zip(owner) {
            let elements = match owner {
                None => Elements::All,
                Some(site) => {
                    let size = self.needs.size(term.pointwise);
                    let mut observed = vec![true; size];
                    for &row in &self.sites[site].rows {
                        observed[row] = false;
                    }
                    Elements::These((0..size).filter(|&k| observed[k]).collect())
                }
            };
            self.needs.add(term.pointwise, elements);
        }
    }

    fn run(&mut self) {
        while self.open > 0 {
            let reached = self.needs.run();
            if reached.is_empty() {
                return;
            }
            self.informed = true;
            for (input, elements) in reached {
                if let Some(&site) = self.of_input.get(&input) {
                    let events = self.events_of(site, elements);
                    self.infer(site, events);
                }
            }
        }
    }

    /// The events that elements of an input belong to.
    fn events_of(&self, site: usize, elements: Elements) -> Vec<usize> {
        let size = self.blocks[self.sites[site].block].size;
        let each = size / self.sites[site].events().max(1);
        let list = listed(elements, size);
        list.into_iter().map(|k| k / each.max(1)).collect()
    }

    /// What has to be inferred needs its own density.
    fn infer(&mut self, site: usize, events: Vec<usize>) {
        let known = &mut self.inferred[site];
        let fresh = |&e: &usize| !std::mem::replace(&mut known[e], true);
        let events: Vec<usize> = events.into_iter().filter(fresh).collect();
        self.open -= events.len();
        let own = &self.sites[site];
        match &own.term {
            Some((term, ..)) => {
                let rows = events.iter().map(|&e| own.rows[e]).collect();
                let pointwise = self.terms[*term].pointwise;
                self.needs.add(pointwise, Elements::These(rows));
                self.needs.add(own.jacobian.id, Elements::These(events));
            }
            None => self.needs.add(own.jacobian.id, Elements::All),
        }
    }
}

/// How many elements of which names are drawn, in the program's order.
fn names(blocks: &[Block], sites: &[Site<'_>], inferred: &Inferred) -> Vec<(String, usize)> {
    let mut names: Vec<(String, usize)> = Vec::new();
    for (site, inferred) in sites.iter().zip(inferred) {
        let block = &blocks[site.block];
        let events = inferred.iter().filter(|i| !**i).count();
        let count = events * numel(&block.support.event);
        match names.iter_mut().find(|(name, _)| *name == block.name) {
            Some((_, sum)) => *sum += count,
            None => names.push((block.name.clone(), count)),
        }
    }
    names.retain(|(_, count)| *count > 0);
    names
}

fn note(names: &[(String, usize)]) -> Diagnostics {
    vec![error::drawn_after(names)]
}
