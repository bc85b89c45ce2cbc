//! In which order what is set aside is drawn: each event after those that its distribution reads.
//!
//! Whole arrays come one after the other where they can. Only draws that read elements of their own
//! array, or of each other's, are looked at element by element: of a random walk the first step that is
//! set aside is drawn first, then the second.

use super::{Events, Inferred, Lowerer, Site, of_input};
use crate::dist::Skeleton;
use crate::graph::{Graph, NodeId, Var, needed, numel};
use crate::passes::{Elements, Needs, listed};
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Draws one after the other that a result may be made of: longer chains stay latents.
const LONGEST_CHAIN: usize = 4096;

/// What is drawn, and in which order.
pub struct Plan<'g> {
    pub inferred: Inferred,
    /// By site, where any of its events are drawn.
    pub arguments: Vec<Option<Arguments<'g>>>,
    pub groups: Vec<Events>,
}

/// The values that a site's distributions take: `[batch…, own…]`.
pub struct Arguments<'g> {
    pub skeleton: Arc<Skeleton>,
    pub values: Vec<Var<'g>>,
    batch: usize,
}

impl<'g> Arguments<'g> {
    fn of(site: &Site<'g>) -> Option<Arguments<'g>> {
        let (_, dist, batch) = site.term.as_ref()?;
        let (skeleton, values) = dist.take_apart();
        let full = |value: &Var<'g>| {
            let own = value.shape();
            value.broadcast(&[batch.as_slice(), &own[batch.len()..]].concat())
        };
        Some(Arguments {
            skeleton: Arc::new(skeleton),
            values: values.iter().map(full).collect(),
            batch: batch.len(),
        })
    }

    /// Extents of a value beyond the batch.
    pub fn own(&self, value: Var<'g>) -> Vec<usize> {
        value.shape()[self.batch..].to_vec()
    }

    /// The elements of a value that rows of the batch read.
    pub fn elements(&self, value: Var<'g>, rows: impl Iterator<Item = usize>) -> Vec<usize> {
        let size = numel(&self.own(value));
        rows.flat_map(|row| row * size..(row + 1) * size).collect()
    }
}

/// `None` where nothing is set aside.
pub fn plan<'g>(lowerer: &Lowerer<'_, 'g>, sites: &[Site<'g>]) -> Option<Plan<'g>> {
    let mut forced: Vec<Events> = Vec::new();
    loop {
        let inferred = lowerer.inferred(sites, &forced)?;
        let drawn = |(site, inferred): (&Site<'g>, &Vec<bool>)| match inferred.contains(&false) {
            true => Arguments::of(site),
            false => None,
        };
        let arguments: Vec<_> = sites.iter().zip(&inferred).map(drawn).collect();
        let order = Order {
            graph: lowerer.graph,
            sites,
            inferred: &inferred,
            arguments: &arguments,
            of_input: of_input(&lowerer.blocks, sites),
        };
        let (groups, circular) = order.groups();
        if circular.is_empty() {
            return Some(Plan {
                inferred,
                arguments,
                groups,
            });
        }
        // What depends on itself has a density, but no order to draw in.
        forced.extend(circular);
    }
}

struct Order<'s, 'g> {
    graph: &'g Graph,
    sites: &'s [Site<'g>],
    inferred: &'s Inferred,
    arguments: &'s [Option<Arguments<'g>>],
    of_input: HashMap<NodeId, usize>,
}

/// An event: its site, and its number there.
type Event = (usize, usize);

impl<'g> Order<'_, 'g> {
    /// Groups in order, and events that cannot be drawn in any.
    fn groups(&self) -> (Vec<Events>, Vec<Events>) {
        let reads: Vec<Vec<usize>> = (0..self.sites.len()).map(|s| self.reads(s)).collect();
        let mut graph: DiGraph<usize, ()> = DiGraph::new();
        let nodes: Vec<NodeIndex> = (0..reads.len()).map(|s| graph.add_node(s)).collect();
        for (site, reads) in reads.iter().enumerate() {
            for &other in reads {
                graph.update_edge(nodes[site], nodes[other], ());
            }
        }
        let (mut groups, mut circular) = (Vec::new(), Vec::new());
        // Components come after those that they point to.
        for component in tarjan_scc(&graph) {
            let mut sites: Vec<usize> = component.into_iter().map(|n| graph[n]).collect();
            sites.sort_unstable();
            match sites[..] {
                [site] if !reads[site].contains(&site) => {
                    let events = self.drawn(site);
                    if !events.is_empty() {
                        groups.push(Events { site, events });
                    }
                }
                _ => match self.one_by_one(&sites) {
                    Ok(own) if own.len() <= LONGEST_CHAIN => groups.extend(own),
                    Ok(own) => circular.extend(own),
                    Err(own) => circular.extend(own),
                },
            }
        }
        (groups, circular)
    }

    fn drawn(&self, site: usize) -> Vec<usize> {
        let inferred = &self.inferred[site];
        (0..inferred.len()).filter(|&e| !inferred[e]).collect()
    }

    /// The sites, of those that are drawn, whose values a site's distributions are computed from.
    fn reads(&self, site: usize) -> Vec<usize> {
        let Some(arguments) = &self.arguments[site] else {
            return Vec::new();
        };
        let values: Vec<NodeId> = arguments.values.iter().map(|v| v.id).collect();
        let reached = needed(self.graph, &values, |_| false);
        let sites = reached.iter().filter_map(|id| self.of_input.get(id));
        sites
            .copied()
            .filter(|&s| self.arguments[s].is_some())
            .collect()
    }

    /// Events of sites that read each other, in as few groups as can be; or those that only cycles lead to.
    fn one_by_one(&self, sites: &[usize]) -> Result<Vec<Events>, Vec<Events>> {
        let reads = self.event_reads(sites);
        let mut readers: BTreeMap<Event, Vec<Event>> = BTreeMap::new();
        let mut left: BTreeMap<Event, usize> = BTreeMap::new();
        for (event, reads) in &reads {
            left.insert(*event, reads.len());
            for read in reads {
                readers.entry(*read).or_default().push(*event);
            }
        }
        let ready = |(event, count): (&Event, &usize)| (*count == 0).then_some(*event);
        let mut level: Vec<Event> = left.iter().filter_map(ready).collect();
        let mut groups = Vec::new();
        while !level.is_empty() {
            groups.extend(by_site(&level));
            let mut next = Vec::new();
            for event in &level {
                left.remove(event);
                for reader in readers.get(event).into_iter().flatten() {
                    let count = left.get_mut(reader).expect("it waits for this one");
                    *count -= 1;
                    if *count == 0 {
                        next.push(*reader);
                    }
                }
            }
            next.sort_unstable();
            level = next;
        }
        match left.is_empty() {
            true => Ok(groups),
            false => Err(by_site(&left.into_keys().collect::<Vec<_>>())),
        }
    }

    /// The events among these sites that each event reads.
    fn event_reads(&self, sites: &[usize]) -> BTreeMap<Event, Vec<Event>> {
        let mut needs = Needs::new(self.graph);
        let mut reads = BTreeMap::new();
        for &site in sites {
            let Some(arguments) = &self.arguments[site] else {
                continue;
            };
            for event in self.drawn(site) {
                needs.clear();
                let row = self.sites[site].rows[event];
                for &value in &arguments.values {
                    let elements = arguments.elements(value, std::iter::once(row));
                    needs.add(value.id, Elements::These(elements));
                }
                let mut own: Vec<Event> = Vec::new();
                for (input, elements) in needs.run() {
                    let Some(other) = self.of_input.get(&input).filter(|s| sites.contains(s))
                    else {
                        continue;
                    };
                    let inferred = &self.inferred[*other];
                    let size = self.graph.var(input).numel();
                    let each = (size / inferred.len()).max(1);
                    let events = listed(elements, size).into_iter().map(|k| k / each);
                    own.extend(events.filter(|&e| !inferred[e]).map(|e| (*other, e)));
                }
                own.sort_unstable();
                own.dedup();
                reads.insert((site, event), own);
            }
        }
        reads
    }
}

/// Sorted events as one group for each site.
fn by_site(events: &[Event]) -> Vec<Events> {
    let mut groups: Vec<Events> = Vec::new();
    for &(site, event) in events {
        match groups.last_mut().filter(|g| g.site == site) {
            Some(group) => group.events.push(event),
            None => groups.push(Events {
                site,
                events: vec![event],
            }),
        }
    }
    groups
}
