//! Graph code of a plan: a sum for each batch, a scan for each set of runs.

use super::semiring::{Semiring, reduced};
use super::units::{Forest, Run, Source, Summand, Unit};
use super::{Plan, Sums};
use crate::graph::{Graph, Tensor, Var};
use crate::ops::{Body, concat, scan};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// See [`Plan::log_sums`].
pub fn log_sums<'g>(plan: &Plan, factors: &[Var<'g>], semiring: &Semiring<'g>) -> Vec<Sums<'g>> {
    let Some(first) = factors.first() else {
        return Vec::new();
    };
    let mut firsts = Vec::with_capacity(plan.states.len());
    let mut count = 0;
    for n in &plan.states {
        firsts.push(count);
        count += n;
    }
    let mut emitter = Emitter {
        graph: first.graph,
        forest: Forest::new(&plan.states, &plan.parts, &plan.order),
        parts: Vec::new(),
        semiring,
        firsts,
        made: Vec::new(),
        row_of: vec![(0, 0); plan.order.eliminations.len()],
        sums: Vec::new(),
    };
    emitter.parts = emitter
        .forest
        .parts
        .iter()
        .map(|p| emitter.part(p, factors))
        .collect();
    for unit in plan.units.iter().flatten() {
        match unit {
            Unit::Batch(rows) => emitter.batch(rows),
            Unit::Runs(runs) => emitter.runs(runs),
        }
    }
    emitter.sums
}

/// Values of rows, which may be alike: `[rows or 1, states…]`.
#[derive(Clone, Copy)]
struct Rows<'g> {
    values: Var<'g>,
    count: usize,
}

impl Rows<'_> {
    fn alike(&self) -> bool {
        self.values.shape()[0] == 1
    }
}

struct Emitter<'p, 'g> {
    graph: &'g Graph,
    forest: Forest<'p>,
    parts: Vec<Rows<'g>>,
    semiring: &'p Semiring<'g>,
    /// Where the states of each variable stand among those of all.
    firsts: Vec<usize>,
    /// Results of units, and where that of an elimination is: the unit and the row.
    made: Vec<Rows<'g>>,
    row_of: Vec<(usize, usize)>,
    sums: Vec<Sums<'g>>,
}

/// `[rows, states…]` with extents 1 where a clique has axes that the values have not.
fn spread<'b>(values: Var<'b>, lead: usize, places: &[usize], rank: usize) -> Var<'b> {
    let shape = values.shape();
    let mut wide = vec![1; rank];
    for (axis, &place) in places.iter().enumerate() {
        wide[place] = shape[lead + axis];
    }
    let wide: Vec<usize> = shape[..lead].iter().copied().chain(wide).collect();
    values.reshape(&wide)
}

fn is_counting(numbers: &[usize], count: usize) -> bool {
    numbers.len() == count && numbers.iter().enumerate().all(|(i, &n)| i == n)
}

impl<'g> Emitter<'_, 'g> {
    /// The rows of a part: axes in the order of variables, equal rows added.
    fn part(&self, part: &super::scopes::Part, factors: &[Var<'g>]) -> Rows<'g> {
        let mut values = factors[part.table];
        let rows: Vec<usize> = part.rows.iter().map(|&r| r as usize).collect();
        if !part.alike {
            values = self.picked(values, &rows);
        }
        let values = self.by_scope(values, &part.axes);
        let cells: Vec<usize> = part.cells.iter().map(|&c| c as usize).collect();
        let count = part.scopes.len();
        let values = match part.alike {
            true if cells.len() == count => values,
            _ => self.added(values, &cells, count),
        };
        Rows { values, count }
    }

    /// Axes after the first in the order of `axes`; those that are one become their diagonal.
    fn by_scope(&self, values: Var<'g>, axes: &[usize]) -> Var<'g> {
        let (mut values, mut axes) = (values, axes.to_vec());
        while let Some((i, j)) = repeated(&axes) {
            let shape = values.shape();
            let (n, rank) = (shape[1 + i], shape.len());
            // The two to the end, as one of which every (n + 1)th element is taken.
            let mut front: Vec<usize> = (0..rank).filter(|&k| k != 1 + i && k != 1 + j).collect();
            let kept = front.clone();
            front.extend([1 + i, 1 + j]);
            let mut flat: Vec<usize> = kept.iter().map(|&k| shape[k]).collect();
            flat.push(n * n);
            let square = permuted(values, &front).reshape(&flat);
            values = square.gather(0, self.numbers((0..n).map(|k| k * (n + 1))));
            let own = axes[i];
            axes = kept[1..].iter().map(|&k| axes[k - 1]).collect();
            axes.push(own);
        }
        let mut front: Vec<usize> = (0..axes.len()).collect();
        front.sort_by_key(|&k| axes[k]);
        let front: Vec<usize> = std::iter::once(0)
            .chain(front.into_iter().map(|k| k + 1))
            .collect();
        permuted(values, &front)
    }

    fn numbers(&self, numbers: impl Iterator<Item = usize>) -> Var<'g> {
        let numbers: Vec<f64> = numbers.map(|n| n as f64).collect();
        self.graph.constant(Tensor::vector(numbers))
    }

    /// Some rows, in an order; of rows that are alike the one.
    fn picked(&self, values: Var<'g>, rows: &[usize]) -> Var<'g> {
        if is_counting(rows, values.shape()[0]) {
            return values;
        }
        values.gather(values.rank() - 1, self.numbers(rows.iter().copied()))
    }

    /// Rows added up where they belong, `count` of them.
    fn added(&self, values: Var<'g>, to: &[usize], count: usize) -> Var<'g> {
        if is_counting(to, count) {
            return values;
        }
        let mut shape = values.shape();
        shape[0] = to.len();
        let places = self.numbers(to.iter().copied());
        let values = values.broadcast(&shape);
        values.scatter_add(values.rank() - 1, count, places)
    }

    /// Values of cells or results, `[from.len(), states…]`, or one row where all are alike.
    fn found(&self, source: &Source, from: &[u32]) -> Var<'g> {
        if let Source::Part(p) = source {
            let part = &self.parts[*p as usize];
            let rows: Vec<usize> = from.iter().map(|&c| c as usize).collect();
            return match part.alike() && part.count > 1 {
                true => part.values,
                false => self.picked(part.values, &rows),
            };
        }
        // Results of several units, one after the other.
        let places: Vec<(usize, usize)> = from.iter().map(|&e| self.row_of[e as usize]).collect();
        let mut units: BTreeMap<usize, usize> = places.iter().map(|p| (p.0, 0)).collect();
        let mut offset = 0;
        let mut values = Vec::new();
        for (unit, first) in &mut units {
            *first = offset;
            let Rows { values: own, count } = self.made[*unit];
            let mut shape = own.shape();
            shape[0] = count;
            values.push(own.broadcast(&shape));
            offset += count;
        }
        let rows: Vec<usize> = places.iter().map(|(unit, row)| units[unit] + row).collect();
        let all = match values[..] {
            [one] => one,
            _ => concat(&values, values[0].rank() - 1),
        };
        self.picked(all, &rows)
    }

    fn noise(&self, eliminations: &[u32]) -> Option<Var<'g>> {
        let variables = eliminations
            .iter()
            .map(|&e| self.forest.elimination(e).variable);
        let variables: Vec<u32> = variables.collect();
        let states = self.forest.states[*variables.first()? as usize];
        let first: Vec<usize> = variables.iter().map(|&v| self.firsts[v as usize]).collect();
        self.semiring.noise(&first, states)
    }

    /// Keeps what a unit gives, and its sums if nothing is left to sum.
    fn keep(&mut self, eliminations: Vec<u32>, values: Var<'g>) {
        for (row, &e) in eliminations.iter().enumerate() {
            self.row_of[e as usize] = (self.made.len(), row);
        }
        let count = eliminations.len();
        self.made.push(Rows { values, count });
        if values.rank() == 1 {
            let last = eliminations
                .iter()
                .map(|&e| self.forest.elimination(e).variable);
            self.sums.push(Sums {
                values: values.broadcast(&[count]),
                last: last.collect(),
            });
        }
    }

    /// Independent sums.
    fn batch(&mut self, rows: &[u32]) {
        let one = self.forest.elimination(rows[0]);
        let (rank, axis) = (one.clique.len(), one.axis());
        let mut summands: BTreeMap<Summand, (Vec<u32>, Vec<usize>)> = BTreeMap::new();
        for (row, &e) in rows.iter().enumerate() {
            for (summand, from) in self.forest.summands(e, None) {
                let (froms, to) = summands.entry(summand).or_default();
                froms.push(from);
                to.push(row);
            }
        }
        let mut table: Option<Var<'g>> = None;
        for (summand, (from, to)) in summands {
            let values = self.found(&summand.source, &from);
            let values = match values.shape()[0] == 1 && is_counting(&to, rows.len()) {
                true => values,
                false => self.added(values, &to, rows.len()),
            };
            let values = spread(values, 1, &summand.places, rank);
            table = Some(table.map_or(values, |table| table + values));
        }
        let mut shape: Vec<usize> = self.forest.states_of(&one.clique);
        let table = table.unwrap_or_else(|| self.graph.scalar(0.0));
        let noise = self.noise(rows);
        let alike = table.rank() == 0 || table.shape()[0] == 1;
        shape.insert(
            0,
            if alike && noise.is_none() {
                1
            } else {
                rows.len()
            },
        );
        let noise = noise.map(|noise| spread(noise, 1, &[axis], rank));
        let table = table.broadcast(&shape);
        let sum = reduced(self.semiring, table, rank - 1 - axis, noise);
        self.keep(rows.to_vec(), sum);
    }

    /// Runs side by side: one scan, in which those that are over keep what they have.
    fn runs(&mut self, runs: &[Run]) {
        let (count, period) = (runs.len(), runs[0].period);
        let steps = runs.iter().map(Run::steps).max().unwrap_or(0);
        // Step by step, of all runs; after its end a run repeats its last step, which does not count.
        let at = |step: usize, run: &Run, phase: usize| {
            run.eliminations[step.min(run.steps() - 1) * period + phase]
        };
        let ragged = runs.iter().any(|run| run.steps() != steps);
        let start: Vec<u32> = runs
            .iter()
            .map(|run| {
                self.forest
                    .main(run.eliminations[0])
                    .expect("a run takes a result")
                    .0
            })
            .collect();
        let message = self.forest.elimination(start[0]).message();
        let init = self.found(&Source::Message(self.forest.states_of(&message)), &start);
        let lead = usize::from(count > 1);
        let own = |var: Var<'g>, lead_axes: usize| match count > 1 {
            true => var,
            false => {
                let mut shape = var.shape();
                shape.remove(lead_axes);
                var.reshape(&shape)
            }
        };
        let init = own(init, 0);
        let graph = Arc::new(Graph::new());
        let carry = graph.input(&init.shape());
        let (mut inputs, mut constant_inputs) = (vec![carry.id], Vec::new());
        let (mut slices, mut constants) = (Vec::new(), Vec::new());
        let mut state = carry;
        for phase in 0..period {
            let first = runs[0].eliminations[phase];
            let elimination = self.forest.elimination(first);
            let (rank, axis) = (elimination.clique.len(), elimination.axis());
            let main = self.forest.main(first).expect("steps take results");
            let mut table = spread(state, lead, &main.1, rank);
            let order =
                (0..steps).flat_map(|step| runs.iter().map(move |run| at(step, run, phase)));
            let order: Vec<u32> = order.collect();
            let mut others: Vec<(Summand, Vec<u32>)> = Vec::new();
            for &e in &order {
                let main = self.forest.main(e).map(|(main, _)| main);
                for (k, (summand, from)) in self.forest.summands(e, main).into_iter().enumerate() {
                    match others.get_mut(k) {
                        Some((_, froms)) => froms.push(from),
                        None => others.push((summand, vec![from])),
                    }
                }
            }
            for (summand, from) in others {
                let values = self.found(&summand.source, &from);
                let shape = values.shape();
                let constant = shape[0] == 1 && steps * count > 1;
                let values = if constant {
                    values.reshape(&shape[1..])
                } else {
                    let all = [&[steps, count], &shape[1..]].concat();
                    own(values.reshape(&all), 1)
                };
                let inside = graph.input(&values.shape()[usize::from(!constant)..]);
                let lead = if constant { 0 } else { lead };
                table = table + spread(inside, lead, &summand.places, rank);
                if constant {
                    constant_inputs.push(inside.id);
                    constants.push(values);
                } else {
                    inputs.push(inside.id);
                    slices.push(values);
                }
            }
            let noise = self.noise(&order).map(|noise| {
                let n = noise.shape()[1];
                let noise = own(noise.reshape(&[steps, count, n]), 1);
                let inside = graph.input(&noise.shape()[1..]);
                inputs.push(inside.id);
                slices.push(noise);
                spread(inside, lead, &[axis], rank)
            });
            let mut full = self.forest.states_of(&elimination.clique);
            if lead == 1 {
                full.insert(0, count);
            }
            state = reduced(
                self.semiring,
                table.broadcast(&full),
                rank - 1 - axis,
                noise,
            );
        }
        if ragged {
            let counts = (0..steps).flat_map(|step| runs.iter().map(move |run| step < run.steps()));
            let counts: Vec<f64> = counts.map(|c| f64::from(u8::from(c))).collect();
            let counts = self
                .graph
                .constant(Tensor::vector(counts))
                .reshape(&[steps, count]);
            let inside = graph.input(&[count]);
            inputs.push(inside.id);
            slices.push(counts);
            let mut wide = vec![1; state.rank()];
            wide[0] = count;
            state = inside.reshape(&wide).select(state, carry);
        }
        let output = state.id;
        inputs.extend(constant_inputs);
        let body = Body {
            graph: graph.clone(),
            inputs,
            output,
        };
        let states = scan(body, steps, false, init, &slices, &constants);
        let mut shape: Vec<usize> = states.shape()[1..].to_vec();
        if count == 1 {
            shape.insert(0, 1);
        }
        let last = states
            .slice(states.rank() - 1, steps - 1, 1)
            .reshape(&shape);
        let ends = runs
            .iter()
            .map(|run| *run.eliminations.last().expect("a run has steps"));
        self.keep(ends.collect(), last);
    }
}

/// Two axes that are one.
fn repeated(axes: &[usize]) -> Option<(usize, usize)> {
    let mut seen: HashMap<usize, usize> = HashMap::new();
    let pair = |(j, axis): (usize, &usize)| seen.insert(*axis, j).map(|i| (i, j));
    axes.iter().enumerate().find_map(pair)
}

/// Axes in the order `front`, counted from the first.
fn permuted<'g>(values: Var<'g>, front: &[usize]) -> Var<'g> {
    let rank = front.len();
    let order: Vec<usize> = (0..rank).map(|i| rank - 1 - front[rank - 1 - i]).collect();
    values.permute(&order)
}
