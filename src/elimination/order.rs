//! The order of elimination: greedily the variable whose sum has the fewest terms, or the one that links the fewest of
//! its neighbours anew, whichever is cheaper in all. Ties go to the variable that stands first, so that a chain is
//! summed from its first state on.

use super::scopes::Part;
use super::{Scope, TooLarge};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// What is summed, one variable after the other.
#[derive(Debug)]
pub struct Order {
    pub eliminations: Vec<Elimination>,
    pub terms: f64,
}

/// The sum over one variable.
#[derive(Debug)]
pub struct Elimination {
    pub variable: u32,
    /// It and its neighbours, ascending.
    pub clique: Scope,
    /// Cells of parts that are summed over here.
    pub cells: Vec<(u32, u32)>,
    /// Earlier eliminations whose results are.
    pub messages: Vec<u32>,
}

/// Beyond so many variables the second way to choose is not tried.
const FEW: usize = 20_000;

/// How the next variable is chosen.
#[derive(Clone, Copy, PartialEq)]
enum Choice {
    FewestTerms,
    FewestLinks,
}

/// The cheapest order that was found.
pub fn order(states: &[usize], parts: &[Part], limit: f64) -> Result<Order, TooLarge> {
    let first = cliques(states, parts, limit, Choice::FewestTerms);
    // Sums over pairs cannot be had for less.
    let simple = |found: &Cliques| found.all.iter().all(|(_, clique)| clique.len() <= 2);
    let best = match first {
        Ok(found) if simple(&found) || states.len() > FEW => found,
        Ok(found) => match cliques(states, parts, found.terms, Choice::FewestLinks) {
            Ok(other) if other.terms < found.terms => other,
            _ => found,
        },
        Err(refused) => cliques(states, parts, limit, Choice::FewestLinks).map_err(|_| refused)?,
    };
    Ok(assigned(states.len(), parts, best))
}

struct Cliques {
    all: Vec<(u32, Scope)>,
    terms: f64,
}

fn cliques(
    states: &[usize],
    parts: &[Part],
    limit: f64,
    choice: Choice,
) -> Result<Cliques, TooLarge> {
    let mut near: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); states.len()];
    for scope in parts.iter().flat_map(|part| &part.scopes) {
        for (i, &a) in scope.iter().enumerate() {
            for &b in &scope[i + 1..] {
                near[a as usize].insert(b);
                near[b as usize].insert(a);
            }
        }
    }
    let size = |v: u32, near: &[BTreeSet<u32>]| -> f64 {
        let others = near[v as usize].iter().map(|&n| states[n as usize] as f64);
        others.product::<f64>() * states[v as usize] as f64
    };
    let links = |v: u32, near: &[BTreeSet<u32>]| -> f64 {
        let own = &near[v as usize];
        let missing = |a: &u32| {
            let beyond = own.range(a + 1..);
            beyond.filter(|&b| !near[*a as usize].contains(b)).count()
        };
        own.iter().map(missing).sum::<usize>() as f64
    };
    let rank = |v: u32, near: &[BTreeSet<u32>]| match choice {
        Choice::FewestTerms => size(v, near),
        Choice::FewestLinks => links(v, near),
    };
    // Positive numbers are in the order of their bits.
    let entry = |v: u32, near: &[BTreeSet<u32>]| Reverse((rank(v, near).to_bits(), v));
    let mut queue: BinaryHeap<_> = (0..states.len() as u32).map(|v| entry(v, &near)).collect();
    let mut done = vec![false; states.len()];
    let mut found = Cliques {
        all: Vec::with_capacity(states.len()),
        terms: 0.0,
    };
    while let Some(Reverse((rank, v))) = queue.pop() {
        if done[v as usize] || Reverse((rank, v)) != entry(v, &near) {
            continue;
        }
        found.terms += size(v, &near);
        if found.terms > limit {
            return Err(TooLarge {
                terms: found.terms,
                variable: v,
                together: near[v as usize].len() + 1,
            });
        }
        done[v as usize] = true;
        let neighbours: Scope = std::mem::take(&mut near[v as usize]).into_iter().collect();
        for &n in &neighbours {
            near[n as usize].remove(&v);
            let others = neighbours.iter().filter(|&&m| m != n);
            near[n as usize].extend(others);
        }
        let mut changed: BTreeSet<u32> = neighbours.iter().copied().collect();
        if choice == Choice::FewestLinks {
            // Links among neighbours change what is missing one step further.
            let beyond = neighbours.iter().flat_map(|&n| near[n as usize].iter());
            changed.extend(beyond.collect::<Vec<_>>());
        }
        queue.extend(changed.iter().map(|&n| entry(n, &near)));
        let mut clique = neighbours;
        clique.push(v);
        clique.sort_unstable();
        found.all.push((v, clique));
    }
    Ok(found)
}

/// Every cell and every result goes to the elimination of the first of its variables.
fn assigned(variables: usize, parts: &[Part], found: Cliques) -> Order {
    let mut when = vec![0u32; variables];
    for (i, (v, _)) in found.all.iter().enumerate() {
        when[*v as usize] = i as u32;
    }
    let first = |scope: &[u32]| scope.iter().map(|&v| when[v as usize]).min();
    let mut eliminations: Vec<Elimination> = found
        .all
        .into_iter()
        .map(|(variable, clique)| Elimination {
            variable,
            clique,
            cells: Vec::new(),
            messages: Vec::new(),
        })
        .collect();
    for (p, part) in parts.iter().enumerate() {
        for (cell, scope) in part.scopes.iter().enumerate() {
            let at = first(scope).expect("a factor has variables");
            let cells = &mut eliminations[at as usize].cells;
            cells.push((p as u32, cell as u32));
        }
    }
    for e in 0..eliminations.len() {
        if let Some(to) = first(&eliminations[e].message()) {
            eliminations[to as usize].messages.push(e as u32);
        }
    }
    Order {
        eliminations,
        terms: found.terms,
    }
}

impl Elimination {
    /// The variables of its result.
    pub fn message(&self) -> Scope {
        let others = self.clique.iter().copied();
        others.filter(|&v| v != self.variable).collect()
    }

    /// Which axis of the clique is summed over.
    pub fn axis(&self) -> usize {
        let place = self.clique.iter().position(|&v| v == self.variable);
        place.expect("a clique has its variable")
    }
}
