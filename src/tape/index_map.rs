//! Where the elements of a value, taken in row-major order, lie in the buffer of another value.
//!
//! Movements (broadcast, permute, slice, reshape, gather by a constant) are never carried out by
//! themselves: they become such a map, and who reads the value reads through it. A map is a nest of
//! strides where it can be, else a table.

use crate::graph::{Op, Shape, Tensor, flat_strides, numel};
use crate::ops::{Broadcast, Permute, Reshape, Slice, StopGradient};
use smallvec::SmallVec;
use std::sync::Arc;

/// One loop of a nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Dim {
    pub extent: usize,
    pub stride: usize,
}

pub(super) type Dims = SmallVec<[Dim; 4]>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum IndexMap {
    /// Loops from the outermost, none of extent 1, none that could be joined with its neighbour.
    Strided { offset: usize, dims: Dims },
    /// An index for each element.
    Table(Arc<Vec<u32>>),
}

/// How a map looks to a loop over all elements.
pub(super) enum Form {
    /// Every element is the one at this offset.
    Single(usize),
    /// Neighbours from this offset on.
    Contiguous(usize),
    Other,
}

impl IndexMap {
    pub fn identity(n: usize) -> IndexMap {
        IndexMap::strided(
            0,
            [Dim {
                extent: n,
                stride: 1,
            }],
        )
    }

    pub fn strided(offset: usize, loops: impl IntoIterator<Item = Dim>) -> IndexMap {
        let mut dims = Dims::new();
        for dim in loops {
            match dims.last_mut() {
                _ if dim.extent == 1 => {}
                Some(outer) if outer.stride == dim.stride * dim.extent => {
                    *outer = Dim {
                        extent: outer.extent * dim.extent,
                        stride: dim.stride,
                    };
                }
                _ => dims.push(dim),
            }
        }
        IndexMap::Strided { offset, dims }
    }

    fn of_table(table: Vec<u32>) -> IndexMap {
        let (n, first) = (table.len(), table[0] as usize);
        let step = if n > 1 {
            table[1] as i64 - table[0] as i64
        } else {
            0
        };
        let progression = step >= 0
            && table
                .iter()
                .enumerate()
                .all(|(i, &x)| x as i64 == first as i64 + i as i64 * step);
        if progression {
            let dim = Dim {
                extent: n,
                stride: step as usize,
            };
            return IndexMap::strided(first, [dim]);
        }
        IndexMap::Table(Arc::new(table))
    }

    pub fn form(&self) -> Form {
        match self {
            IndexMap::Strided { offset, dims } => match dims.as_slice() {
                [] | [Dim { stride: 0, .. }] => Form::Single(*offset),
                [Dim { stride: 1, .. }] => Form::Contiguous(*offset),
                _ => Form::Other,
            },
            IndexMap::Table(_) => Form::Other,
        }
    }

    pub fn is_identity(&self, n: usize) -> bool {
        *self == IndexMap::identity(n)
    }

    /// Strides for the axes of a shape of the map's size, with the offset.
    pub fn strides(&self, shape: &[usize]) -> Option<(usize, SmallVec<[usize; 4]>)> {
        let IndexMap::Strided { offset, dims } = self else {
            return None;
        };
        let mut strides = SmallVec::from_elem(0, shape.len());
        let mut left = dims.iter().rev().copied();
        let mut current = left.next();
        for (axis, &extent) in shape.iter().enumerate().rev() {
            if extent == 1 {
                continue;
            }
            let dim = current?;
            if dim.extent % extent != 0 {
                return None;
            }
            strides[axis] = dim.stride;
            let rest = Dim {
                extent: dim.extent / extent,
                stride: dim.stride * extent,
            };
            current = if rest.extent == 1 {
                left.next()
            } else {
                Some(rest)
            };
        }
        Some((*offset, strides))
    }

    /// The map of the first of `rows` rows of `columns` elements and the step to the next row, if
    /// all rows are alike.
    pub fn by_rows(&self, rows: usize, columns: usize) -> Option<(usize, IndexMap)> {
        if rows == 1 {
            return Some((0, self.clone()));
        }
        match self {
            IndexMap::Table(table) => {
                let (first, second) = (table[0], table[columns]);
                let step = second.checked_sub(first)?;
                let alike = table
                    .chunks_exact(columns)
                    .zip(table[columns..].chunks_exact(columns))
                    .all(|(row, next)| row.iter().zip(next).all(|(a, b)| a + step == *b));
                alike.then(|| {
                    let row = table[..columns].to_vec();
                    (step as usize, IndexMap::of_table(row))
                })
            }
            IndexMap::Strided { offset, dims } => {
                let mut left = columns;
                let mut inner = Dims::new();
                let mut outer = dims.clone();
                while left > 1 {
                    let dim = outer.pop()?;
                    if left.is_multiple_of(dim.extent) {
                        left /= dim.extent;
                        inner.insert(0, dim);
                    } else if dim.extent.is_multiple_of(left) {
                        outer.push(Dim {
                            extent: dim.extent / left,
                            stride: dim.stride * left,
                        });
                        inner.insert(
                            0,
                            Dim {
                                extent: left,
                                stride: dim.stride,
                            },
                        );
                        left = 1;
                    } else {
                        return None;
                    }
                }
                let step = match outer.as_slice() {
                    [] => 0,
                    [dim] => dim.stride,
                    _ => return None,
                };
                Some((step, IndexMap::strided(*offset, inner)))
            }
        }
    }

    /// The index of each of `n` elements.
    pub fn table(&self, n: usize) -> Arc<Vec<u32>> {
        match self {
            IndexMap::Table(table) => table.clone(),
            IndexMap::Strided { offset, dims } => {
                let mut table = Vec::with_capacity(n);
                table.push(u32::try_from(*offset).expect("buffers have fewer than 2³² elements"));
                for dim in dims.iter().rev() {
                    let inner = table.len();
                    for i in 1..dim.extent {
                        let by = u32::try_from(i * dim.stride)
                            .expect("buffers have fewer than 2³² elements");
                        for j in 0..inner {
                            table.push(table[j] + by);
                        }
                    }
                }
                Arc::new(table)
            }
        }
    }

    /// The map of `op` applied to a value of shape `from` that has this map; `index` is the
    /// constant of a gather.
    pub fn moved(&self, op: &Op, from: &Shape, to: &Shape, index: Option<&Tensor>) -> IndexMap {
        if op.get::<Reshape>().is_some() || op.get::<StopGradient>().is_some() {
            return self.clone();
        }
        if let Some((offset, strides)) = self.strides(from)
            && let Some(map) = moved_strides(op, offset, &strides, from, to)
        {
            return map;
        }
        // What the operation does to the indices themselves.
        let indices: Vec<f64> = self
            .table(numel(from))
            .iter()
            .map(|&i| f64::from(i))
            .collect();
        let indices = Tensor::new(from.clone(), indices);
        let mut out = vec![0.0; numel(to)];
        match index {
            Some(index) => op.0.eval(&[&indices, index], &mut out),
            None => op.0.eval(&[&indices], &mut out),
        }
        IndexMap::of_table(out.iter().map(|&i| i as u32).collect())
    }
}

fn moved_strides(
    op: &Op,
    offset: usize,
    strides: &[usize],
    from: &Shape,
    to: &Shape,
) -> Option<IndexMap> {
    let rank = from.len();
    let nest = |offset: usize, of: &dyn Fn(usize) -> usize| {
        let dims = to.iter().enumerate().map(|(i, &extent)| Dim {
            extent,
            stride: of(i),
        });
        Some(IndexMap::strided(offset, dims))
    };
    if op.get::<Broadcast>().is_some() {
        let lead = to.len() - rank;
        return nest(offset, &|i| {
            if i < lead || from[i - lead] == 1 {
                0
            } else {
                strides[i - lead]
            }
        });
    }
    if let Some(permute) = op.get::<Permute>() {
        return nest(offset, &|i| {
            let axis = rank - 1 - i;
            strides[rank - 1 - permute.order.get(axis).copied().unwrap_or(axis)]
        });
    }
    if let Some(slice) = op.get::<Slice>() {
        let start = offset + slice.start * strides[rank - 1 - slice.axis];
        return nest(start, &|i| strides[i]);
    }
    None
}

/// The map by which elements of a value of shape `shape` are stored when the axes flagged in
/// `gone` are reduced away.
pub(super) fn reduced(shape: &Shape, gone: impl Fn(usize) -> bool) -> IndexMap {
    let kept: Shape = shape
        .iter()
        .enumerate()
        .map(|(i, &n)| if gone(i) { 1 } else { n })
        .collect();
    let strides = flat_strides(&kept);
    let dims = shape.iter().enumerate().map(|(i, &extent)| Dim {
        extent,
        stride: if gone(i) { 0 } else { strides[i] },
    });
    IndexMap::strided(0, dims)
}

/// The map by which a value of shape `part` is stored into one of shape `whole` from `start` on
/// along one axis, counted from the first.
pub(super) fn placed(part: &Shape, whole: &Shape, axis: usize, start: usize) -> IndexMap {
    let strides = flat_strides(whole);
    let dims = part.iter().enumerate().map(|(i, &extent)| Dim {
        extent,
        stride: strides[i],
    });
    IndexMap::strided(start * strides[axis], dims)
}

/// Walks the elements `start..start + n` of a nest as runs of its innermost loop, and calls
/// `f(position, address, length)` for each.
#[inline(always)]
pub(super) fn runs(
    offset: usize,
    dims: &[Dim],
    start: usize,
    n: usize,
    mut f: impl FnMut(usize, usize, usize),
) {
    let Some((inner, outer)) = dims.split_last() else {
        return f(0, offset, n);
    };
    let mut counts = [0usize; MAX_DIMS];
    let mut rest = start / inner.extent;
    let mut within = start % inner.extent;
    let mut address = offset;
    for (i, dim) in outer.iter().enumerate().rev() {
        counts[i] = rest % dim.extent;
        rest /= dim.extent;
        address += counts[i] * dim.stride;
    }
    let mut done = 0;
    loop {
        let len = (inner.extent - within).min(n - done);
        f(done, address + within * inner.stride, len);
        done += len;
        if done >= n {
            return;
        }
        within = 0;
        for (i, dim) in outer.iter().enumerate().rev() {
            counts[i] += 1;
            address += dim.stride;
            if counts[i] < dim.extent {
                break;
            }
            address -= dim.stride * dim.extent;
            counts[i] = 0;
        }
    }
}

/// Nests deeper than this are turned into tables.
pub(super) const MAX_DIMS: usize = 8;
