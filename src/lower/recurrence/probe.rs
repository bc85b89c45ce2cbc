//! The probe: definitions lowered once for all rows, to see which elements each row reads.

use super::*;

impl<'g> Lowerer<'_, 'g> {
    /// Lowers every statement for all rows, recording what is read.
    pub(super) fn probe(
        &mut self,
        group: &[usize],
        streams: &[(usize, &Target, AxisList)],
        places: &[Vec<usize>],
    ) -> Result<BTreeMap<u32, Read>> {
        let mut probe = Probe::default();
        for (_, target, _) in streams {
            let indexed = target.indices.len();
            let mut extents = self.extents_of(target.var, indexed, streams, places);
            let element = self.element_shape(target)?;
            extents.extend(element);
            let stand_in = self.graph.input(&extents);
            probe
                .arrays
                .insert(target.var, (Value::plain(stand_in), indexed));
        }
        self.recurrence = Some(Recurrence::Probe(probe));
        let mut result = Ok(());
        for i in self.local_order(group) {
            if let Some(Recurrence::Probe(probe)) = &mut self.recurrence {
                probe.statement = i;
            }
            self.come_from(i);
            let StatementKind::Let { target, value } = &self.program.statements[i].kind else {
                continue;
            };
            result = self
                .open_nest(i)
                .and_then(|_| self.value(value))
                .map(|value| {
                    if target.indices.is_empty() {
                        self.env.insert(target.var, value);
                    }
                });
            self.filters.clear();
            if result.is_err() {
                break;
            }
        }
        let Some(Recurrence::Probe(probe)) = self.recurrence.take() else {
            unreachable!("the probe is in place until here");
        };
        result.map(|()| probe.reads)
    }

    /// Which elements a read takes, on all rows.
    pub(super) fn record(
        &mut self,
        var: VarId,
        statement: usize,
        stand_in: &Value<'g>,
        indexed: usize,
        indices: &[Index],
        span: Span,
    ) -> Result<Read> {
        let dims = stand_in.dims();
        let numbers: Vec<f64> = (0..numel(&dims[..indexed])).map(|k| k as f64).collect();
        let iota = self
            .graph
            .constant(Tensor::new(Shape::from_slice(&dims[..indexed]), numbers));
        let what = format!("`{}`", self.program.variable(var).name);
        let taken = indices.len().min(indexed);
        let (value, numbers) = self.laid_out(|l| {
            let taken = &indices[..taken];
            let value = l.index_value(None, Value::plain(iota), taken, &what, span)?;
            if value.ragged.is_some() {
                return Err(vec![error::ragged(span, "a recurrence")]);
            }
            let numbers = l.known(&value, &value.axes.clone(), span)?;
            Ok((value, numbers))
        })?;
        let elements = numbers.iter().map(|&k| k as usize).collect();
        let axes = value.axes.clone();
        let mut of_axes: HashMap<AxisId, VarId> = HashMap::new();
        for (&v, &a) in &self.axis_of {
            of_axes.insert(a, v);
        }
        Ok(Read {
            var,
            statement,
            own: value.dims().to_vec(),
            axes,
            variables: of_axes,
            elements,
            span,
        })
    }

    /// Position on every base axis of one row of `axes`; `time` counts as a base axis.
    pub(in crate::lower) fn coordinates(
        &self,
        axes: &AxisList,
        mut row: usize,
        time: AxisId,
    ) -> BTreeMap<AxisId, usize> {
        let mut found = BTreeMap::new();
        let mut positions = vec![0; axes.len()];
        for (i, &axis) in axes.iter().enumerate().rev() {
            let n = self.extent(axis).max(1);
            positions[i] = row % n;
            row /= n;
        }
        for (&axis, &position) in axes.iter().zip(&positions) {
            self.own_coordinate(axis, position, time, &mut found);
            for (parent, table) in &self.axes[axis.0].parents {
                if axis != time {
                    self.own_coordinate(*parent, table[position], time, &mut found);
                }
            }
        }
        found
    }

    pub(super) fn own_coordinate(
        &self,
        axis: AxisId,
        position: usize,
        time: AxisId,
        found: &mut BTreeMap<AxisId, usize>,
    ) {
        let this = &self.axes[axis.0];
        if axis == time || this.parents.is_empty() {
            found.insert(axis, position);
        } else if let Some(&step) = this.steps.get(position) {
            found.insert(axis, step);
        }
    }

    /// For every base axis of a read where each of its rows lies, with the row that it is: a row
    /// that does not vary with all that time runs over stands at several times.
    pub(super) fn columns(
        &self,
        read: &Read,
        time: AxisId,
    ) -> (Vec<usize>, BTreeMap<AxisId, Vec<usize>>) {
        let rows: usize = read.axes.iter().map(|a| self.extent(*a)).product();
        let mut source = Vec::new();
        let mut columns: BTreeMap<AxisId, Vec<usize>> = BTreeMap::new();
        let mut times_of: HashMap<Vec<(AxisId, usize)>, Vec<usize>> = HashMap::new();
        for row in 0..rows {
            let mut found = self.coordinates(&read.axes, row, time);
            let of_time: Vec<(AxisId, usize)> = found
                .iter()
                .filter(|(a, _)| self.is_ancestor(**a, time))
                .map(|(a, p)| (*a, *p))
                .collect();
            found.retain(|a, _| !self.is_ancestor(*a, time));
            let times = if found.contains_key(&time) || of_time.is_empty() {
                vec![None]
            } else {
                let rows = times_of
                    .entry(of_time)
                    .or_insert_with_key(|key| self.times_at(time, key));
                rows.iter().copied().map(Some).collect()
            };
            for at in times {
                source.push(row);
                if let Some(at) = at {
                    found.insert(time, at);
                }
                for (&axis, &position) in &found {
                    columns.entry(axis).or_default().push(position);
                }
            }
        }
        (source, columns)
    }

    /// Rows of time that lie at given positions of what it refines.
    pub(super) fn times_at(&self, time: AxisId, positions: &[(AxisId, usize)]) -> Vec<usize> {
        let parents = &self.axes[time.0].parents;
        let lies = |row: usize| {
            let mut found = BTreeMap::new();
            for (parent, table) in parents {
                self.own_coordinate(*parent, table[row], time, &mut found);
            }
            positions.iter().all(|(a, p)| found.get(a) == Some(p))
        };
        (0..self.extent(time)).filter(|&row| lies(row)).collect()
    }
}
