//! What is done at once: eliminations of one form that do not wait for each other, and runs of equal steps, each of
//! which takes the result of the one before.

use super::Scope;
use super::order::{Elimination, Order};
use super::scopes::{Part, places};
use std::collections::{BTreeMap, HashMap};

/// Eliminations that are one node of the graph.
#[derive(Debug)]
pub enum Unit {
    /// Independent sums over equal numbers of states, a row for each.
    Batch(Vec<u32>),
    /// Runs of equal forms, a row for each.
    Runs(Vec<Run>),
}

/// Steps of `period` eliminations each, one after the other.
#[derive(Debug)]
pub struct Run {
    pub eliminations: Vec<u32>,
    pub period: usize,
}

/// Shorter runs are no scans.
const FEWEST_STEPS: usize = 4;

/// The most eliminations that a step may have.
const LONGEST_PERIOD: usize = 8;

impl Unit {
    /// How many steps wait for one another.
    pub fn steps(&self) -> usize {
        match self {
            Unit::Batch(_) => 1,
            Unit::Runs(runs) => runs.iter().map(Run::steps).max().unwrap_or(0),
        }
    }
}

impl Run {
    pub fn steps(&self) -> usize {
        self.eliminations.len() / self.period
    }
}

/// Where what an elimination adds up comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    Part(u32),
    /// An earlier result over so many states.
    Message(Vec<usize>),
}

/// What an elimination adds up, with the places of its axes in the clique.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Summand {
    pub source: Source,
    pub places: Vec<usize>,
}

/// An elimination without its variables: those of one form are computed alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Form {
    states: Vec<usize>,
    axis: usize,
    /// Places of the result that came last.
    main: Vec<usize>,
    others: Vec<Summand>,
}

/// The structure of an order that units go by.
pub struct Forest<'a> {
    pub states: &'a [usize],
    pub parts: &'a [Part],
    pub order: &'a Order,
    /// For each elimination the one that takes its result.
    consumer: Vec<Option<u32>>,
    /// Of its messages the one that waited the longest.
    main: Vec<Option<u32>>,
}

impl<'a> Forest<'a> {
    pub fn new(states: &'a [usize], parts: &'a [Part], order: &'a Order) -> Forest<'a> {
        let all = &order.eliminations;
        let mut consumer = vec![None; all.len()];
        let mut main = vec![None; all.len()];
        let mut depth = vec![0usize; all.len()];
        for (e, elimination) in all.iter().enumerate() {
            for &m in &elimination.messages {
                consumer[m as usize] = Some(e as u32);
                let deeper =
                    main[e].is_none_or(|other: u32| depth[m as usize] > depth[other as usize]);
                if deeper {
                    main[e] = Some(m);
                }
            }
            depth[e] = main[e].map_or(0, |m| depth[m as usize] + 1);
        }
        Forest {
            states,
            parts,
            order,
            consumer,
            main,
        }
    }

    pub fn elimination(&self, e: u32) -> &'a Elimination {
        &self.order.eliminations[e as usize]
    }

    pub fn states_of(&self, scope: &[u32]) -> Vec<usize> {
        scope.iter().map(|&v| self.states[v as usize]).collect()
    }

    /// Everything that an elimination adds up but `without`, in a fixed order, with the cell or the elimination that
    /// it comes from.
    pub fn summands(&self, e: u32, without: Option<u32>) -> Vec<(Summand, u32)> {
        let own = self.elimination(e);
        let of_parts = own.cells.iter().map(|&(p, cell)| {
            let scope = &self.parts[p as usize].scopes[cell as usize];
            let summand = Summand {
                source: Source::Part(p),
                places: places(scope, &own.clique),
            };
            (summand, cell)
        });
        let messages = own.messages.iter().filter(|&&m| Some(m) != without);
        let of_messages = messages.map(|&m| {
            let scope = self.elimination(m).message();
            let summand = Summand {
                source: Source::Message(self.states_of(&scope)),
                places: places(&scope, &own.clique),
            };
            (summand, m)
        });
        let mut all: Vec<(Summand, u32)> = of_parts.chain(of_messages).collect();
        all.sort();
        all
    }

    /// The result that the elimination before it in its run gives, and where its axes stand.
    pub fn main(&self, e: u32) -> Option<(u32, Vec<usize>)> {
        let main = self.main[e as usize]?;
        let scope: Scope = self.elimination(main).message();
        Some((main, places(&scope, &self.elimination(e).clique)))
    }

    fn form(&self, e: u32) -> Option<Form> {
        let (main, places) = self.main(e)?;
        let own = self.elimination(e);
        let others = self.summands(e, Some(main)).into_iter();
        Some(Form {
            states: self.states_of(&own.clique),
            axis: own.axis(),
            main: places,
            others: others.map(|(summand, _)| summand).collect(),
        })
    }

    /// Runs and single eliminations.
    fn tracks(&self) -> Vec<Track> {
        let count = self.order.eliminations.len();
        let mut forms: HashMap<Form, u32> = HashMap::new();
        let mut tracks = Vec::new();
        let goes_on = |e: u32| {
            let next = self.consumer[e as usize]?;
            (self.main[next as usize] == Some(e)).then_some(next)
        };
        for head in 0..count as u32 {
            if self.main[head as usize].is_some() {
                continue;
            }
            // Every elimination lies on one path, from one that waits for none on.
            let path: Vec<u32> = std::iter::successors(Some(head), |&e| goes_on(e)).collect();
            let mut number = |e: &u32| {
                let form = self.form(*e)?;
                let next = forms.len() as u32;
                Some(*forms.entry(form).or_insert(next))
            };
            let numbers: Vec<Option<u32>> = path.iter().map(&mut number).collect();
            let mut at = 0;
            while at < path.len() {
                let (length, period) = repetition(&numbers[at..]).unwrap_or((1, 0));
                tracks.push(Track {
                    eliminations: path[at..at + length].to_vec(),
                    period,
                    forms: numbers[at..at + period].to_vec(),
                });
                at += length;
            }
        }
        tracks
    }
}

/// A run, or a single elimination with period 0.
struct Track {
    eliminations: Vec<u32>,
    period: usize,
    forms: Vec<Option<u32>>,
}

/// How many of the first numbers repeat themselves, whole periods, and with which period.
fn repetition(numbers: &[Option<u32>]) -> Option<(usize, usize)> {
    numbers[0]?;
    let shortest = |period: &usize| {
        let equal = numbers.iter().zip(numbers.iter().skip(*period));
        let equal = equal.take_while(|(a, b)| a == b).count();
        (equal + period) / period >= FEWEST_STEPS
    };
    let period = (1..=LONGEST_PERIOD.min(numbers.len())).find(shortest)?;
    let equal = numbers.iter().zip(numbers.iter().skip(period));
    let equal = equal.take_while(|(a, b)| a == b).count();
    Some(((equal + period) / period * period, period))
}

/// Units by levels: each needs earlier levels alone.
pub fn units(states: &[usize], parts: &[Part], order: &Order) -> Vec<Vec<Unit>> {
    let forest = Forest::new(states, parts, order);
    let tracks = forest.tracks();
    let mut track_of = vec![0usize; order.eliminations.len()];
    for (t, track) in tracks.iter().enumerate() {
        for &e in &track.eliminations {
            track_of[e as usize] = t;
        }
    }
    // Each track's result goes to one other: a forest again.
    let mut waits = vec![0usize; tracks.len()];
    let next = |t: usize| {
        let last = *tracks[t].eliminations.last()?;
        forest.consumer[last as usize].map(|e| track_of[e as usize])
    };
    (0..tracks.len())
        .filter_map(next)
        .for_each(|n| waits[n] += 1);
    let mut level = vec![0usize; tracks.len()];
    let mut ready: Vec<usize> = (0..tracks.len()).filter(|&t| waits[t] == 0).collect();
    while let Some(t) = ready.pop() {
        if let Some(n) = next(t) {
            level[n] = level[n].max(level[t] + 1);
            waits[n] -= 1;
            if waits[n] == 0 {
                ready.push(n);
            }
        }
    }
    let mut batches: BTreeMap<(usize, Vec<usize>, usize), Vec<u32>> = BTreeMap::new();
    let mut runs: BTreeMap<(usize, Vec<Option<u32>>), Vec<Run>> = BTreeMap::new();
    for (track, level) in tracks.into_iter().zip(level) {
        let Track {
            eliminations,
            period,
            forms,
        } = track;
        if period > 0 {
            let run = Run {
                eliminations,
                period,
            };
            runs.entry((level, forms)).or_default().push(run);
        } else {
            let own = forest.elimination(eliminations[0]);
            let key = (level, forest.states_of(&own.clique), own.axis());
            batches.entry(key).or_default().extend(eliminations);
        }
    }
    let mut levels: BTreeMap<usize, Vec<Unit>> = BTreeMap::new();
    for ((level, ..), mut rows) in batches {
        rows.sort_unstable();
        levels.entry(level).or_default().push(Unit::Batch(rows));
    }
    for ((level, _), runs) in runs {
        levels.entry(level).or_default().push(Unit::Runs(runs));
    }
    levels.into_values().collect()
}
