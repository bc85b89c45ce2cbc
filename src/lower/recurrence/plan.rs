//! From reads to a plan: which loop is time, in which direction, how far back, and where each read
//! finds its elements.

use super::*;

impl<'g> Lowerer<'_, 'g> {
    /// Finds the loop that is time, where every read finds its elements, and the order of the statements in one step.
    pub(super) fn plan(
        &mut self,
        group: &[usize],
        streams: &[(usize, &Target, AxisList)],
        places: &[Vec<usize>],
        reads: &BTreeMap<u32, Read>,
    ) -> Result<(Arc<Plan>, Vec<usize>)> {
        let candidates: Vec<AxisId> = streams[0]
            .2
            .iter()
            .copied()
            .filter(|a| streams.iter().all(|(_, _, axes)| axes.contains(a)))
            .collect();
        let mut problem = None;
        for &time in candidates.iter().rev() {
            match self.ordered_along(time, group, streams, places, reads) {
                Ok(found) => return Ok(found),
                Err(e) => problem = problem.or(Some(e)),
            }
        }
        // No loop alone is time: then their turns one after the other may be.
        let nest = &streams[0].2;
        if nest.len() > 1 && streams.iter().all(|(_, _, axes)| axes == nest) {
            let turns: usize = nest.iter().map(|a| self.extent(*a)).product();
            let time = self.flat_axis(nest, &(0..turns).collect::<Vec<_>>());
            let single = AxisList::from_slice(&[time]);
            let streams: Vec<(usize, &Target, AxisList)> = streams
                .iter()
                .map(|(i, t, _)| (*i, *t, single.clone()))
                .collect();
            if let Ok(found) = self.ordered_along(time, group, &streams, places, reads) {
                return Ok(found);
            }
        }
        Err(problem.unwrap_or_else(|| vec![self.cycle(group)]))
    }

    /// The plan along one loop, if the statements have an order there: names inside the loop may read what its own step defines.
    fn ordered_along(
        &self,
        time: AxisId,
        group: &[usize],
        streams: &[(usize, &Target, AxisList)],
        places: &[Vec<usize>],
        reads: &BTreeMap<u32, Read>,
    ) -> Result<(Arc<Plan>, Vec<usize>)> {
        let plan = self.plan_along(time, streams, places, reads)?;
        let order = self.step_order(group, &plan, reads)?;
        Ok((Arc::new(plan), order))
    }

    pub(super) fn plan_along(
        &self,
        time: AxisId,
        streams: &[(usize, &Target, AxisList)],
        places: &[Vec<usize>],
        reads: &BTreeMap<u32, Read>,
    ) -> Result<Plan> {
        let sources = self.sources(time, streams, places);
        let mut reach = vec![1; streams.len()];
        let (mut forward, mut backward) = (false, false);
        let steps = self.extent(time);
        for read in reads.values() {
            let (rows, columns) = self.columns(read, time);
            let own = numel(&read.own);
            for at in 0..rows.len() * own {
                let (row, inside) = (at / own, at % own);
                let element = read.elements[rows[row] * own + inside];
                let Some(&Source::Stream {
                    stream, time: then, ..
                }) = sources[&read.var].get(element)
                else {
                    continue;
                };
                let times: Vec<usize> = match columns.get(&time) {
                    Some(column) => vec![column[row]],
                    None => (0..steps).collect(),
                };
                let itself = streams[stream].0 == read.statement;
                for now in times {
                    forward |= now > then;
                    backward |= now < then;
                    reach[stream] = reach[stream].max(now.abs_diff(then));
                    if (forward && backward) || (itself && now == then) {
                        let name = &self.program.variable(read.var).name;
                        return Err(vec![error::not_earlier(
                            read.span,
                            name,
                            &self.row_text(&read.axes, rows[row]),
                        )]);
                    }
                }
            }
        }
        let made: Vec<Stream> = streams
            .iter()
            .zip(&reach)
            .map(|((statement, target, axes), &reach)| {
                let others: usize = axes
                    .iter()
                    .filter(|a| **a != time)
                    .map(|a| self.extent(*a))
                    .product();
                let element = self.element_shape(target)?;
                Ok(Stream {
                    statement: *statement,
                    var: target.var,
                    axes: axes.clone(),
                    rows: others,
                    element,
                    reach,
                })
            })
            .collect::<Result<_>>()?;
        let mut plan = Plan {
            time,
            steps,
            reverse: backward,
            streams: made,
            tables: HashMap::new(),
        };
        for (&id, read) in reads {
            let table = self.table(&plan, read, &sources[&read.var])?;
            plan.tables.insert(id, table);
        }
        Ok(plan)
    }

    /// Where every element of the arrays comes from.
    pub(super) fn sources(
        &self,
        time: AxisId,
        streams: &[(usize, &Target, AxisList)],
        places: &[Vec<usize>],
    ) -> HashMap<VarId, Vec<Source>> {
        let mut all: HashMap<VarId, Vec<Source>> = HashMap::new();
        for (_, target, _) in streams {
            let n = target.indices.len();
            let extents = self.extents_of(target.var, n, streams, places);
            all.entry(target.var)
                .or_insert_with(|| vec![Source::Initial; numel(&extents)]);
        }
        for (stream, (_, target, axes)) in streams.iter().enumerate() {
            let n = target.indices.len();
            let extents = self.extents_of(target.var, n, streams, places);
            let at = axes
                .iter()
                .position(|a| *a == time)
                .expect("time is an axis of every stream");
            let after: usize = axes[at + 1..].iter().map(|a| self.extent(*a)).product();
            let steps = self.extent(time);
            for (row, place) in places[stream].chunks(n).enumerate() {
                let flat = flat_index(place, &extents);
                let (inner, rest) = (row % after.max(1), row / after.max(1));
                let source = Source::Stream {
                    stream,
                    time: rest % steps,
                    row: rest / steps * after + inner,
                };
                if let Some(slot) = all.get_mut(&target.var).and_then(|s| s.get_mut(flat)) {
                    *slot = source;
                }
            }
        }
        all
    }

    /// Offset of a stream in its array's buffer, and where initial elements begin.
    pub(super) fn offsets(plan: &Plan, var: VarId) -> (HashMap<usize, usize>, usize) {
        let mut offset = 0;
        let mut offsets = HashMap::new();
        for (k, stream) in plan
            .streams
            .iter()
            .enumerate()
            .filter(|(_, s)| s.var == var)
        {
            offsets.insert(k, offset);
            offset += (stream.reach + 1) * stream.rows;
        }
        (offsets, offset)
    }

    pub(super) fn table(&self, plan: &Plan, read: &Read, sources: &[Source]) -> Result<Table> {
        let (rows, columns) = self.columns(read, plan.time);
        let axes: Vec<AxisId> = columns
            .keys()
            .copied()
            .filter(|a| *a != plan.time)
            .collect();
        let extents: Vec<usize> = axes
            .iter()
            .map(|a| {
                columns[a]
                    .iter()
                    .max()
                    .map_or(0, |m| m + 1)
                    .max(self.base_extent(*a))
            })
            .collect();
        let variables = axes
            .iter()
            .map(|a| {
                read.variables
                    .get(a)
                    .copied()
                    .ok_or_else(|| vec![error::ragged(read.span, "a recurrence")])
            })
            .collect::<Result<Vec<_>>>()?;
        let own = numel(&read.own);
        let cells = numel(&extents) * own;
        let (offsets, initial) = Self::offsets(plan, read.var);
        let mut places = vec![f64::NAN; plan.steps * cells];
        for at in 0..rows.len() * own {
            let (row, inside) = (at / own, at % own);
            let element = read.elements[rows[row] * own + inside];
            let cell = axes
                .iter()
                .zip(&extents)
                .fold(0, |c, (a, n)| c * n + columns[a][row])
                * own
                + inside;
            let times = match columns.get(&plan.time) {
                Some(column) => column[row]..column[row] + 1,
                None => 0..plan.steps,
            };
            for now in times {
                let place = match sources[element] {
                    Source::Initial => initial + element,
                    Source::Stream { stream, time, row } => {
                        let s = &plan.streams[stream];
                        offsets[&stream] + (s.reach - now.abs_diff(time)) * s.rows + row
                    }
                };
                places[now * cells + cell] = place as f64;
            }
        }
        Ok(Table {
            var: read.var,
            variables,
            extents,
            own: read.own.clone(),
            places,
        })
    }

    /// Turns of a loop that has one number of them in every row.
    pub(in crate::lower) fn base_extent(&self, axis: AxisId) -> usize {
        let this = &self.axes[axis.0];
        if this.parents.is_empty() {
            this.extent
        } else {
            this.steps.iter().max().map_or(0, |m| m + 1)
        }
    }

    pub(super) fn regular_table(
        &self,
        plan: &Plan,
        table: &Table,
        elements: &mut BTreeMap<(usize, usize, usize), usize>,
    ) -> Table {
        let cells = numel(&table.extents) * numel(&table.own);
        let (offsets, first) = Self::offsets(plan, table.var);
        let mut places = table.places.clone();
        for cell in 0..cells {
            let column: Vec<usize> = (0..plan.steps).map(|t| t * cells + cell).collect();
            let usual: Vec<f64> = column
                .iter()
                .map(|&i| places[i])
                .filter(|p| *p < first as f64)
                .collect();
            let Some(&place) = usual.first() else {
                continue;
            };
            if usual.iter().any(|p| *p != place) {
                continue;
            }
            let (stream, offset) = offsets
                .iter()
                .map(|(&k, &o)| (k, o))
                .filter(|(_, o)| *o as f64 <= place)
                .max_by_key(|(_, o)| *o)
                .expect("a place before the initial elements is in a stream");
            let s = &plan.streams[stream];
            let (slot, row) = (
                (place as usize - offset) / s.rows.max(1),
                (place as usize - offset) % s.rows.max(1),
            );
            let lag = s.reach - slot.min(s.reach);
            if lag == 0 {
                continue;
            }
            for (t, &i) in column.iter().enumerate() {
                let done = if plan.reverse { plan.steps - 1 - t } else { t };
                if places[i].is_nan() || places[i] < first as f64 || done >= lag {
                    continue;
                }
                let element = places[i] as usize - first;
                let known = elements.entry((stream, lag - done, row)).or_insert(element);
                if *known == element {
                    places[i] = place;
                }
            }
            // Rows that no branch reads may find anything.
            for &i in &column {
                if places[i].is_nan() {
                    places[i] = place;
                }
            }
        }
        places
            .iter_mut()
            .filter(|p| p.is_nan())
            .for_each(|p| *p = 0.0);
        Table {
            var: table.var,
            variables: table.variables.clone(),
            extents: table.extents.clone(),
            own: table.own.clone(),
            places,
        }
    }

    /// Statements in the order in which one step computes them.
    pub(super) fn step_order(
        &self,
        group: &[usize],
        plan: &Plan,
        reads: &BTreeMap<u32, Read>,
    ) -> Result<Vec<usize>> {
        // Reads of what the same step defines.
        let mut now: Vec<(usize, usize)> = Vec::new();
        for (id, read) in reads {
            let table = &plan.tables[id];
            let (offsets, _) = Self::offsets(plan, read.var);
            for (k, stream) in plan
                .streams
                .iter()
                .enumerate()
                .filter(|(_, s)| s.var == read.var)
            {
                let current = offsets[&k] + stream.reach * stream.rows;
                let range = current as f64..(current + stream.rows) as f64;
                if table.places.iter().any(|p| range.contains(p)) {
                    now.push((read.statement, stream.statement));
                }
            }
        }
        let program = self.program;
        let order = self.sorted(group, &|i, j| {
            let StatementKind::Let { target, .. } = &program.statements[j].kind else {
                return false;
            };
            let local = target.indices.is_empty() && uses(program, i, false).contains(&target.var);
            local || now.contains(&(i, j))
        });
        let position = |i: usize| order.iter().position(|&o| o == i);
        if now.iter().any(|&(i, j)| position(i) < position(j)) {
            return Err(vec![self.cycle(group)]);
        }
        Ok(order)
    }
}
