//! One step of a recurrence as the body of a scan.

use super::*;

impl<'g> Lowerer<'_, 'g> {
    /// Builds the scan and takes the elements from its states.
    pub(super) fn run(
        &mut self,
        plan: Arc<Plan>,
        places: &[Vec<usize>],
        order: &[usize],
    ) -> Result<()> {
        let graph = Arc::new(Graph::new());
        let initial = self.initial(&plan);
        let (windows, regular) = self.first_windows(&plan, &initial);
        let flat: Vec<Var<'g>> = windows.iter().map(|w| w.reshape(&[w.numel()])).collect();
        let init = concat(&flat, 0);
        let plan = regular;
        let (body, xs, constants) = self.body(&graph, &plan, &initial, order)?;
        let states = scan(body, plan.steps, plan.reverse, init, &xs, &constants); // [steps, carry]
        let mut offset = 0;
        for (k, stream) in plan.streams.iter().enumerate() {
            let size = stream.rows * numel(&stream.element);
            let newest = states.slice(0, offset + (stream.reach - 1) * size, size);
            offset += stream.reach * size;
            let mut shape = vec![plan.steps];
            shape.extend(
                stream
                    .axes
                    .iter()
                    .filter(|a| **a != plan.time)
                    .map(|a| self.extent(*a)),
            );
            shape.extend(&stream.element);
            let at = stream
                .axes
                .iter()
                .position(|a| *a == plan.time)
                .expect("time is an axis of every stream");
            let values = newest.reshape(&shape).front_to_axis(shape.len() - 1 - at);
            let mut rows = vec![plan.steps * stream.rows];
            rows.extend(&stream.element);
            let indexed = self.indexed(stream.var);
            let span = self.program.statements[stream.statement].span;
            let piece = Piece::new(values.reshape(&rows), places[k].clone(), indexed, span);
            self.pieces.entry(stream.var).or_default().push(piece);
        }
        Ok(())
    }

    /// Elements that other statements define, as far as there are any: `[all elements, element…]`,
    /// zero where a stream defines them.
    pub(super) fn initial(&mut self, plan: &Plan) -> HashMap<VarId, Var<'g>> {
        let mut result = HashMap::new();
        for stream in &plan.streams {
            let Some(pieces) = self.pieces.get(&stream.var).filter(|p| !p.is_empty()) else {
                continue;
            };
            let needed = plan.tables.values().filter(|t| t.var == stream.var);
            let (_, first) = Self::offsets(plan, stream.var);
            let most = needed
                .flat_map(|t| t.places.iter().copied())
                .fold(-1.0, f64::max);
            if most < first as f64 {
                continue;
            }
            let total = most as usize - first + 1;
            let indexed = self.indexed(stream.var);
            let extents = self.all_extents(plan, stream.var, indexed);
            let mut sum: Option<Var<'g>> = None;
            for piece in pieces {
                let flat: Vec<usize> = piece
                    .places
                    .chunks(indexed)
                    .map(|p| flat_index(p, &extents))
                    .collect();
                let inside: Vec<usize> = (0..flat.len()).filter(|&i| flat[i] < total).collect();
                if inside.is_empty() {
                    continue;
                }
                let rank = piece.values().rank() - 1;
                let rows = self.vector(inside.iter().map(|&i| i as f64));
                let to = self.vector(inside.iter().map(|&i| flat[i] as f64));
                let part = piece
                    .values()
                    .gather(rank, rows)
                    .scatter_add(rank, total, to);
                sum = Some(match sum {
                    Some(sum) => sum + part,
                    None => part,
                });
            }
            if let Some(sum) = sum {
                result.insert(stream.var, sum);
            }
        }
        result
    }

    /// Extents of the indexed axes of an array, from the stand-in's time: all its statements.
    pub(super) fn all_extents(&self, plan: &Plan, var: VarId, indexed: usize) -> Vec<usize> {
        let mut extents = vec![0; indexed];
        let of_streams = plan
            .streams
            .iter()
            .filter(|s| s.var == var)
            .map(|s| &self.stream_rows[&s.statement]);
        let earlier = self
            .pieces
            .get(&var)
            .into_iter()
            .flatten()
            .map(|p| &p.places);
        for all in of_streams.chain(earlier) {
            for place in all.chunks(indexed) {
                extents
                    .iter_mut()
                    .zip(place)
                    .for_each(|(n, &p)| *n = (*n).max(p + 1));
            }
        }
        extents
    }

    /// Windows before the first step. A read that always reaches the same place back, and at the
    /// first steps elements that other statements define, finds these in the window too: then its
    /// place is the same at every step.
    pub(super) fn first_windows(
        &mut self,
        plan: &Arc<Plan>,
        initial: &HashMap<VarId, Var<'g>>,
    ) -> (Vec<Var<'g>>, Arc<Plan>) {
        // (stream, steps before the first, row) to the element that stands there.
        let mut virtual_elements: BTreeMap<(usize, usize, usize), usize> = BTreeMap::new();
        let mut tables = HashMap::new();
        let mut ids: Vec<u32> = plan.tables.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            let table = &plan.tables[&id];
            tables.insert(id, self.regular_table(plan, table, &mut virtual_elements));
        }
        let windows = plan
            .streams
            .iter()
            .enumerate()
            .map(|(k, stream)| {
                let mut shape = vec![stream.reach * stream.rows];
                shape.extend(&stream.element);
                let zeros = self.graph.scalar(0.0).broadcast(&shape);
                let Some(values) = initial.get(&stream.var) else {
                    return zeros;
                };
                let mut from = Vec::new();
                let mut to = Vec::new();
                for (&(s, back, row), &element) in &virtual_elements {
                    if s == k && back <= stream.reach {
                        from.push(element as f64);
                        to.push(((stream.reach - back) * stream.rows + row) as f64);
                    }
                }
                if from.is_empty() {
                    return zeros;
                }
                let axis = values.rank() - 1;
                values.gather(axis, self.vector(from)).scatter_add(
                    axis,
                    stream.reach * stream.rows,
                    self.vector(to),
                )
            })
            .collect();
        let Plan {
            time,
            steps,
            reverse,
            ..
        } = **plan;
        (
            windows,
            Arc::new(Plan {
                time,
                steps,
                reverse,
                streams: plan.streams.clone(),
                tables,
            }),
        )
    }

    /// The scan's body, with the slices and constants that it reads.
    #[allow(clippy::type_complexity)]
    pub(super) fn body(
        &mut self,
        graph: &Arc<Graph>,
        plan: &Arc<Plan>,
        initial: &HashMap<VarId, Var<'g>>,
        order: &[usize],
    ) -> Result<(Body, Vec<Var<'g>>, Vec<Var<'g>>)> {
        let size = |s: &Stream| s.reach * s.rows * numel(&s.element);
        let carry = graph.input(&[plan.streams.iter().map(size).sum()]);
        let position = graph.input(&[]);
        let mut imports = Imports {
            slices: vec![(position.id, self.vector((0..plan.steps).map(|t| t as f64)))],
            constants: Vec::new(),
        };
        let env = self.import(graph, plan, order, &mut imports)?;
        let mut windows = Vec::new();
        let mut offset = 0;
        for stream in &plan.streams {
            let mut shape = vec![stream.reach * stream.rows];
            shape.extend(&stream.element);
            windows.push(carry.slice(0, offset, size(stream)).reshape(&shape));
            offset += size(stream);
        }
        let mut inside = HashMap::new();
        let mut vars: Vec<VarId> = initial.keys().copied().collect();
        vars.sort_unstable();
        for var in vars {
            inside.insert(var, imports.constant(graph, initial[&var]));
        }
        let step = Step {
            plan: plan.clone(),
            position,
            current: vec![None; windows.len()],
            windows,
            initial: inside,
        };
        let mut lowerer = self.inside(graph, env, Some(Recurrence::Step(step)));
        lowerer.take_step(order)?;
        let Some(Recurrence::Step(step)) = lowerer.recurrence.take() else {
            unreachable!("the step is in place until here");
        };
        let next: Vec<Var<'_>> = plan
            .streams
            .iter()
            .enumerate()
            .map(|(k, stream)| {
                let current = step.current[k].expect("every stream is computed in a step");
                let axis = current.rank() - 1;
                let kept =
                    step.windows[k].slice(axis, stream.rows, (stream.reach - 1) * stream.rows);
                let window = concat(&[kept, current], axis);
                window.reshape(&[window.numel()])
            })
            .collect();
        let output = concat(&next, 0).id;
        let mut inputs = vec![carry.id];
        inputs.extend(imports.slices.iter().map(|(id, _)| *id));
        inputs.extend(imports.constants.iter().map(|(id, _)| *id));
        let body = Body {
            graph: graph.clone(),
            inputs,
            output,
        };
        let slices = imports.slices.into_iter().map(|(_, v)| v).collect();
        let constants = imports.constants.into_iter().map(|(_, v)| v).collect();
        Ok((body, slices, constants))
    }

    /// Values from outside that the statements read, as inputs of the body.
    fn import<'b>(
        &mut self,
        graph: &'b Graph,
        plan: &Plan,
        order: &[usize],
        imports: &mut Imports<'g>,
    ) -> Result<HashMap<VarId, Value<'b>>> {
        let mut env = HashMap::new();
        let mut needed = std::collections::BTreeSet::new();
        for &i in order {
            needed.extend(uses(self.program, i, false));
        }
        let own: Vec<VarId> = order
            .iter()
            .filter_map(|&i| match &self.program.statements[i].kind {
                StatementKind::Let { target, .. } => Some(target.var),
                _ => None,
            })
            .collect();
        for var in needed {
            if own.contains(&var) {
                continue;
            }
            let Some(value) = self.env.get(&var).cloned() else {
                continue;
            };
            let value = self.descend(&value, plan.time);
            let with_time = value.axes.iter().position(|a| *a == plan.time);
            if value.axes.iter().any(|&a| self.is_ancestor(plan.time, a)) {
                // Rows finer than a step: only loops inside read them, and open them again.
                continue;
            }
            let var_in = match with_time {
                Some(at) => {
                    let front = value.var.axis_to_front(value.var.rank() - 1 - at);
                    let input = graph.input(&front.shape()[1..]);
                    imports.slices.push((input.id, front));
                    input
                }
                None => match value.var.as_const() {
                    Some(tensor) => graph.constant(tensor),
                    None => imports.constant(graph, value.var),
                },
            };
            let axes = value
                .axes
                .iter()
                .copied()
                .filter(|a| *a != plan.time)
                .collect();
            env.insert(
                var,
                Value {
                    var: var_in,
                    axes,
                    ragged: value.ragged,
                },
            );
        }
        Ok(env)
    }

    /// Lowers every statement for one step.
    pub(super) fn take_step(&mut self, order: &[usize]) -> Result<()> {
        for &i in order {
            self.come_from(i);
            let StatementKind::Let { target, value } = &self.program.statements[i].kind else {
                continue;
            };
            let value = self.value(value)?;
            if target.indices.is_empty() {
                self.env.insert(target.var, value);
                continue;
            }
            let Some(Recurrence::Step(step)) = &self.recurrence else {
                continue;
            };
            let plan = step.plan.clone();
            let k = plan
                .streams
                .iter()
                .position(|s| s.statement == i)
                .expect("every element has its stream");
            let stream = &plan.streams[k];
            let others: AxisList = stream
                .axes
                .iter()
                .copied()
                .filter(|a| *a != plan.time)
                .collect();
            let full = self.spread(&value, &others);
            let mut shape = vec![stream.rows];
            shape.extend(&stream.element);
            if numel(&shape) != full.numel() {
                return Err(vec![error::extents_differ(
                    target.span,
                    numel(&shape),
                    full.numel(),
                )]);
            }
            if let Some(Recurrence::Step(step)) = &mut self.recurrence {
                step.current[k] = Some(full.reshape(&shape));
            }
        }
        Ok(())
    }

    /// The elements of a read at the present step.
    pub(super) fn read(&mut self, step: &Step<'g>, id: u32) -> Value<'g> {
        let plan = step.plan.clone();
        let table = &plan.tables[&id];
        let mut parts = Vec::new();
        let mut first: Option<Var<'g>> = None;
        for (k, stream) in plan
            .streams
            .iter()
            .enumerate()
            .filter(|(_, s)| s.var == table.var)
        {
            let window = step.windows[k];
            let mut shape = window.shape();
            shape[0] = stream.rows;
            let current =
                step.current[k].unwrap_or_else(|| self.graph.scalar(0.0).broadcast(&shape));
            parts.extend([window, current]);
            first = first.or(Some(window));
        }
        parts.extend(step.initial.get(&table.var).copied());
        let axis = first.expect("a recurrent array has a stream").rank() - 1;
        let buffer = concat(&parts, axis);
        let cells = numel(&table.extents) * numel(&table.own);
        let rows: Vec<&[f64]> = table.places.chunks(cells.max(1)).collect();
        let fixed = rows.windows(2).all(|w| w[0] == w[1]);
        let index = if fixed {
            self.vector(rows.first().map_or(Vec::new(), |r| r.to_vec()))
        } else {
            let all = Tensor::new(
                Shape::from_slice(&[plan.steps, cells]),
                table.places.clone(),
            );
            let at = step.position.reshape(&[1]);
            self.graph.constant(all).gather(1, at).reshape(&[cells])
        };
        let picked = buffer.gather(axis, index);
        let mut named: Vec<(AxisId, usize)> = table
            .variables
            .iter()
            .zip(&table.extents)
            .map(|(v, &n)| (self.axis_of[v], n))
            .collect();
        let mut shape: Vec<usize> = table.extents.clone();
        shape.extend(&table.own);
        shape.extend_from_slice(&picked.shape()[1..]);
        let mut var = picked.reshape(&shape);
        // Axes of the step may be in another order than those of the probe.
        let lead = named.len();
        let mut order: Vec<usize> = (0..lead).collect();
        order.sort_by_key(|&i| named[i].0);
        if !order.is_sorted() {
            let rank = shape.len();
            let front: Vec<usize> = order.iter().copied().chain(lead..rank).collect();
            let permutation: Vec<usize> =
                (0..rank).map(|i| rank - 1 - front[rank - 1 - i]).collect();
            var = var.permute(&permutation);
            named.sort_by_key(|n| n.0);
        }
        let axes: AxisList = named.iter().map(|n| n.0).collect();
        // A loop that this step runs longer or shorter than the table: masked rows read anything.
        for (i, axis) in axes.iter().enumerate() {
            let (have, want) = (var.shape()[i], self.extent(*axis));
            let from_end = var.rank() - 1 - i;
            if have < want {
                var = var.pad(from_end, 0, want - have);
            } else if have > want {
                var = var.slice(from_end, 0, want);
            }
        }
        self.tidy(var, &axes, None)
    }

    /// In a step, a loop whose bounds depend on time runs as long as it ever does; a mask says which
    /// turns count.
    pub(in crate::lower) fn step_loop(
        &mut self,
        var: VarId,
        low: &Value<'g>,
        high: &Value<'g>,
        _axes: &AxisList,
        span: Span,
    ) -> Result<Option<AxisId>> {
        if !matches!(self.recurrence, Some(Recurrence::Step(_))) {
            return Ok(None);
        }
        if low.var.as_const().is_some() && high.var.as_const().is_some() {
            return Ok(None);
        }
        let longest = self.lengths.get(&var).copied().unwrap_or(0);
        let axis = self.new_axis(longest, Vec::new());
        let iota = Value::on_axis(self.vector((0..longest).map(|k| k as f64)), axis);
        let function = |name: &str| crate::functions::own(name);
        let index = self.call(function("+"), &[low.clone(), iota], span)?;
        let mask = self.call(function("<="), &[index.clone(), high.clone()], span)?;
        self.env.insert(var, index);
        self.axis_of.insert(var, axis);
        self.masks.insert(axis, mask);
        Ok(Some(axis))
    }
}

/// What a body reads from outside, input by input.
struct Imports<'g> {
    slices: Vec<(NodeId, Var<'g>)>,
    constants: Vec<(NodeId, Var<'g>)>,
}

impl<'g> Imports<'g> {
    fn constant<'b>(&mut self, graph: &'b Graph, outside: Var<'g>) -> Var<'b> {
        let input = graph.input(&outside.shape());
        self.constants.push((input.id, outside));
        input
    }
}
