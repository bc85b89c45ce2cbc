//! Contractions: matrix-vector products as rows of fused kernels, the others by loops of their own,
//! large ones by tiles ([`super::gemm`]).

use super::element::Element;
use super::gemm::{Gemm, Matrix, workspace};
use super::index_map::{Dim, IndexMap};
use super::micro::{Context, Place};
use super::plan::{Plan, Role};
use super::vector::Column;
use crate::graph::{Shape, flat_strides, numel};
use crate::ops::{Contract, Labels};
use crate::special::Real;
use smallvec::SmallVec;

/// An operand in memory: a buffer with an offset and a stride for each axis.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub buffer: usize,
    pub offset: usize,
    pub strides: SmallVec<[usize; 4]>,
}

impl Operand {
    pub fn dense(buffer: usize, shape: &Shape) -> Operand {
        Operand {
            buffer,
            offset: 0,
            strides: flat_strides(shape),
        }
    }
}

/// A product of a matrix and vectors in which the long axis is that of a kernel: `M v` by rows of
/// the matrix, or `Mᵀ v` by sums over them; for each vector of a batch.
#[derive(Clone, Debug)]
pub(super) struct MatVec {
    pub by_rows: bool,
    /// Buffer of the matrix.
    pub matrix: usize,
    /// Buffer of the vectors (by rows).
    pub vector: usize,
    /// Number of vectors, and the step from one to the next (or from one result to the next).
    pub batch: usize,
    pub step: usize,
    /// Offset of each row.
    pub rows: IndexMap,
    /// Number of rows.
    pub length: usize,
    /// Offset of each column, and that of the number of the vector or result that belongs to it.
    pub columns: Vec<(usize, usize)>,
}

/// The most columns a product in a kernel has.
const MOST_COLUMNS: usize = 256;
/// The fewest rows, where there is a batch.
const FEWEST_ROWS: usize = 8;

impl MatVec {
    /// The product, if it is one that a fused kernel can do, with the node that is the vector.
    pub fn of(plan: &Plan, op: &Contract, args: &[usize]) -> Option<(MatVec, usize)> {
        MatVec::try_as(plan, &op.a, &op.b, &op.out, args[0], args[1])
            .or_else(|| MatVec::try_as(plan, &op.b, &op.a, &op.out, args[1], args[0]))
    }

    fn try_as(
        plan: &Plan,
        m: &Labels,
        v: &Labels,
        out: &Labels,
        matrix: usize,
        vector: usize,
    ) -> Option<(MatVec, usize)> {
        // A leading axis of vectors and results that the matrix lacks is a batch.
        let batched = match (v.first(), out.first()) {
            (Some(x), Some(y)) => x == y && !m.contains(x),
            _ => false,
        };
        let lead = usize::from(batched);
        let (vs, outs) = (&v[lead..], &out[lead..]);
        // All else of the vector is summed over, all else of the result is in the matrix.
        if vs.iter().any(|l| outs.contains(l)) || vs.len() + outs.len() != m.len() {
            return None;
        }
        let source = &plan.source[matrix];
        let shape = &plan.nodes[matrix].shape;
        let batch = plan.nodes[vector].shape[..lead].iter().product::<usize>();
        let summed = plan.size[vector] / batch;
        let kept = plan.size[matrix] / summed.max(1);
        let by_rows = kept >= summed;
        let (rows, columns) = if by_rows { (outs, vs) } else { (vs, outs) };
        let (length, count) = (kept.max(summed), kept.min(summed));
        let short = length < if batch > 1 { FEWEST_ROWS } else { 2 };
        if count == 0 || count > MOST_COLUMNS || short {
            return None;
        }
        let (offset, strides) = source.map.strides(shape)?;
        let along = |labels: &[u8]| {
            let dims = labels.iter().map(|l| {
                let axis = m.iter().position(|x| x == l)?;
                Some(Dim {
                    extent: shape[axis],
                    stride: strides[axis],
                })
            });
            dims.collect::<Option<Vec<Dim>>>()
        };
        let row_map = IndexMap::strided(offset, along(rows)?);
        let column_map = IndexMap::strided(0, along(columns)?);
        let constant = plan.constant(source.base).is_some();
        let neighbours = Dim {
            extent: length,
            stride: 1,
        };
        let contiguous = row_map == IndexMap::strided(offset, [neighbours]);
        if plan.role[source.base] == Role::Absent || !(constant || contiguous) {
            return None;
        }
        let (step, of_vector) = if by_rows {
            plan.source[vector].map.by_rows(batch, count)?
        } else {
            (count, IndexMap::identity(count))
        };
        let starts = column_map.table(count);
        let columns = starts
            .iter()
            .zip(of_vector.table(count).iter())
            .map(|(&start, &factor)| (start as usize, factor as usize))
            .collect();
        let product = MatVec {
            by_rows,
            matrix: source.base,
            vector: plan.source[vector].base,
            batch,
            step,
            rows: row_map,
            length,
            columns,
        };
        Some((product, vector))
    }

    /// Columns for a kernel, with where they start.
    pub fn kernel_columns(&self, starts: &[usize]) -> Box<[Column]> {
        let columns = starts
            .iter()
            .zip(&self.columns)
            .map(|(&start, &(_, factor))| Column {
                start: start as u32,
                factor: factor as u32,
            });
        columns.collect()
    }
}

/// A loop over one label, with its strides in both operands and in the result.
#[derive(Clone, Copy, Debug)]
struct Loop {
    extent: usize,
    a: usize,
    b: usize,
    out: usize,
}

/// A contraction by loops: some batch loops around one matrix product.
pub(super) struct Product {
    a: Place,
    b: Place,
    out: Place,
    len: usize,
    outer: Vec<Loop>,
    m: Loop,
    n: Loop,
    k: Loop,
    /// Workspace of a large product.
    room: Place,
}

const ONCE: Loop = Loop {
    extent: 1,
    a: 0,
    b: 0,
    out: 0,
};

/// Products with fewer multiplications than this are not worth packing.
const SMALL: usize = 4096;
/// Nor are those with so few rows or columns.
const NARROW: usize = 6;

impl Product {
    /// Shapes are those of the operands and of the result; strides as given, the result dense.
    pub fn new(
        op: &Contract,
        shapes: [&Shape; 3],
        strides: [&[usize]; 2],
        places: [Place; 3],
    ) -> Product {
        let dense = flat_strides(shapes[2]);
        let at = |labels: &Labels, strides: &[usize], l: u8| {
            labels
                .iter()
                .position(|x| *x == l)
                .map_or(0, |i| strides[i])
        };
        let mut labels: Vec<(u8, usize)> = Vec::new();
        for (own, shape) in [(&op.out, shapes[2]), (&op.a, shapes[0])] {
            for (&l, &extent) in own.iter().zip(shape.iter()) {
                if !labels.iter().any(|(x, _)| *x == l) {
                    labels.push((l, extent));
                }
            }
        }
        let (mut m, mut n, mut k, mut outer) = (vec![], vec![], vec![], vec![]);
        for (l, extent) in labels {
            let one = Loop {
                extent,
                a: at(&op.a, strides[0], l),
                b: at(&op.b, strides[1], l),
                out: at(&op.out, &dense, l),
            };
            match (op.a.contains(&l), op.b.contains(&l), op.out.contains(&l)) {
                _ if extent == 1 => {}
                (_, _, false) => k.push(one),
                (true, false, _) => m.push(one),
                (false, true, _) => n.push(one),
                _ => outer.push(one),
            }
        }
        let mut pick = |mut group: Vec<Loop>| {
            group = joined(group);
            let Some(best) = (0..group.len()).max_by_key(|&i| group[i].extent) else {
                return ONCE;
            };
            let main = group.remove(best);
            outer.extend(group);
            main
        };
        let (m, n, k) = (pick(m), pick(n), pick(k));
        Product {
            a: places[0],
            b: places[1],
            out: places[2],
            len: numel(shapes[2]),
            outer: joined(outer),
            m,
            n,
            k,
            room: Place::arena(0),
        }
    }

    /// With a workspace of as many numbers as [`Product::workspace`] says.
    pub fn with_room(self, room: Place) -> Product {
        Product { room, ..self }
    }

    pub fn workspace<T: Real>(&self) -> usize {
        let Product { m, n, k, .. } = self;
        if self.is_large() {
            workspace::<T>(m.extent, k.extent, n.extent)
                .max(workspace::<T>(n.extent, k.extent, m.extent))
        } else {
            0
        }
    }

    fn is_large(&self) -> bool {
        let Product { m, n, k, .. } = self;
        let wide = m.extent >= NARROW && n.extent >= NARROW && k.extent > 1;
        wide && m.extent * n.extent * k.extent >= SMALL
    }

    /// Whether every element of the result is that of one large product.
    fn writes_all(&self) -> bool {
        self.is_large() && self.outer.iter().all(|l| l.out != 0)
    }

    /// Multiplications of one run.
    pub fn work(&self) -> usize {
        self.len * self.k.extent
    }

    /// # Safety
    /// The places were planned for this context, with the shapes that the product was made for.
    pub unsafe fn run<T: Element>(&self, context: &Context<T>) {
        // SAFETY: the caller's promise; the loops stay inside the operands.
        unsafe {
            let (a, b) = (self.a.pointer(context), self.b.pointer(context));
            let out = self.out.pointer(context);
            if !self.writes_all() {
                std::slice::from_raw_parts_mut(out, self.len).fill(T::ZERO);
            }
            self.nest(&self.outer, a, b, out, context);
        }
    }

    unsafe fn nest<T: Element>(
        &self,
        outer: &[Loop],
        a: *const T,
        b: *const T,
        out: *mut T,
        context: &Context<T>,
    ) {
        // SAFETY: as for `run`.
        unsafe {
            match outer.split_first() {
                None => self.matrix(a, b, out, context),
                Some((first, rest)) => {
                    for i in 0..first.extent {
                        let (a, b) = (a.add(i * first.a), b.add(i * first.b));
                        self.nest(rest, a, b, out.add(i * first.out), context);
                    }
                }
            }
        }
    }

    /// `out += a b` of one matrix product.
    unsafe fn matrix<T: Element>(
        &self,
        a: *const T,
        b: *const T,
        out: *mut T,
        context: &Context<T>,
    ) {
        let (m, n, k) = (&self.m, &self.n, &self.k);
        // SAFETY: as for `run`.
        unsafe {
            if self.is_large() {
                let matrix = |at, row: usize, column: usize| Matrix { at, row, column };
                (context.vector.gemm)(&Gemm {
                    m: m.extent,
                    k: k.extent,
                    n: n.extent,
                    a: matrix(a, m.a, k.a),
                    b: matrix(b, k.b, n.b),
                    c: Matrix {
                        at: out,
                        row: m.out,
                        column: n.out,
                    },
                    fresh: self.writes_all(),
                    room: self.room.pointer(context),
                });
            } else if k.a == 1 && k.b == 1 && k.extent >= 4 {
                for i in 0..m.extent {
                    for j in 0..n.extent {
                        *out.add(i * m.out + j * n.out) +=
                            (context.vector.dot)(a.add(i * m.a), b.add(j * n.b), k.extent);
                    }
                }
            } else if n.b == 1 && n.out == 1 && n.extent >= 4 {
                for i in 0..m.extent {
                    for l in 0..k.extent {
                        let factor = *a.add(i * m.a + l * k.a);
                        let (x, y) = (b.add(l * k.b), out.add(i * m.out));
                        (context.vector.add_scaled)(factor, x, y, n.extent);
                    }
                }
            } else if m.a == 1 && m.out == 1 && m.extent >= 4 {
                for j in 0..n.extent {
                    for l in 0..k.extent {
                        let factor = *b.add(j * n.b + l * k.b);
                        let (x, y) = (a.add(l * k.a), out.add(j * n.out));
                        (context.vector.add_scaled)(factor, x, y, m.extent);
                    }
                }
            } else {
                for i in 0..m.extent {
                    for j in 0..n.extent {
                        let (x, y) = (a.add(i * m.a), b.add(j * n.b));
                        let mut sum = T::ZERO;
                        for l in 0..k.extent {
                            sum += *x.add(l * k.a) * *y.add(l * k.b);
                        }
                        *out.add(i * m.out + j * n.out) += sum;
                    }
                }
            }
        }
    }
}

/// Joins loops that are one in all operands.
fn joined(group: Vec<Loop>) -> Vec<Loop> {
    let mut out: Vec<Loop> = Vec::new();
    for inner in group {
        match out.last_mut() {
            Some(outer)
                if outer.a == inner.a * inner.extent
                    && outer.b == inner.b * inner.extent
                    && outer.out == inner.out * inner.extent =>
            {
                *outer = Loop {
                    extent: outer.extent * inner.extent,
                    ..inner
                };
            }
            _ => out.push(inner),
        }
    }
    out
}
