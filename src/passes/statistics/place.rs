//! Where the elements of a value stand in another one: movements followed without carrying them out.
//!
//! A [`Place`] maps an element of a value, given by its coordinates, to a flat index of a tensor that it
//! came from. Broadcasts, permutations, slices, gathers and most reshapes change the map alone, so
//! that a column of a data matrix is read where it lies.

use crate::graph::{Node, Shape, Tensor, Var, flat_strides};
use crate::ops::{Broadcast, Concat, Gather, Permute, Reshape, Slice};
use smallvec::SmallVec;

pub(crate) type Strides = SmallVec<[usize; 4]>;

/// `offset + Σ strides · coordinates + Σ (a number read from a table) · stride`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub offset: usize,
    pub strides: Strides,
    /// Indices that gathers have read.
    pub picks: Vec<(View, usize)>,
}

/// A value read from a tensor through a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub data: Tensor,
    pub place: Place,
}

impl Place {
    /// Every element where it is.
    pub fn whole(shape: &[usize]) -> Place {
        Place {
            offset: 0,
            strides: flat_strides(shape),
            picks: Vec::new(),
        }
    }

    /// Whether all elements stand at one place, which is then the offset.
    pub fn is_fixed(&self) -> bool {
        self.picks.is_empty() && self.strides.iter().all(|&s| s == 0)
    }

    pub fn at(&self, coordinates: &[usize]) -> usize {
        let steps = self.strides.iter().zip(coordinates);
        let affine: usize = steps.map(|(s, c)| s * c).sum();
        let picks = self.picks.iter();
        let picked: usize = picks.map(|(v, s)| v.at(coordinates) as usize * s).sum();
        self.offset + affine + picked
    }

    /// The map of a value whose strides are made of this one's.
    fn with(&self, change: &dyn Fn(&Strides) -> Option<Strides>) -> Option<Place> {
        let picks = self.picks.iter().map(|(view, stride)| {
            let place = view.place.with(change)?;
            let data = view.data.clone();
            Some((View { data, place }, *stride))
        });
        Some(Place {
            offset: self.offset,
            strides: change(&self.strides)?,
            picks: picks.collect::<Option<_>>()?,
        })
    }

    pub fn broadcast(&self, from: &[usize], to: &[usize]) -> Place {
        let lead = to.len() - from.len();
        self.with(&|strides| {
            let stride = |i: usize| match i.checked_sub(lead) {
                Some(j) if from[j] == to[i] => strides[j],
                _ => 0,
            };
            Some((0..to.len()).map(stride).collect())
        })
        .expect("repetition only drops strides")
    }

    /// Axis `i` of the result is axis `axes[i]`, or a new one of stride 0.
    pub fn relabel(&self, axes: &[Option<usize>]) -> Place {
        self.with(&|strides| Some(axes.iter().map(|a| a.map_or(0, |a| strides[a])).collect()))
            .expect("axes only change their order")
    }

    /// From `start` on along an axis (from the first).
    pub fn slice(&self, axis: usize, start: usize) -> Place {
        let mut place = self.clone();
        place.offset += place.strides[axis] * start;
        for (view, _) in &mut place.picks {
            view.place = view.place.slice(axis, start);
        }
        place
    }

    /// Elements picked along an axis (from the first) by a vector of indices.
    pub fn gather(&self, axis: usize, index: &Tensor) -> Place {
        let mut place = self.clone();
        for (view, _) in &mut place.picks {
            view.place = view.place.gather(axis, index);
        }
        let stride = std::mem::take(&mut place.strides[axis]);
        if stride != 0 {
            let mut strides: Strides = SmallVec::from_elem(0, self.strides.len());
            strides[axis] = 1;
            let view = View {
                data: index.clone(),
                place: Place {
                    offset: 0,
                    strides,
                    picks: Vec::new(),
                },
            };
            place.picks.push((view, stride));
        }
        place
    }

    /// Under another shape; `None` where that is no map of this kind.
    pub fn reshape(&self, from: &[usize], to: &[usize]) -> Option<Place> {
        self.with(&|strides| reshaped(strides, from, to))
    }
}

/// Strides under another shape of the same elements in the same order.
fn reshaped(strides: &Strides, from: &[usize], to: &[usize]) -> Option<Strides> {
    let mut out: Strides = SmallVec::from_elem(0, to.len());
    let (mut i, mut j) = (0, 0);
    while i < from.len() || j < to.len() {
        // The shortest runs of axes with the same number of elements.
        let (i0, j0) = (i, j);
        let (mut m, mut n) = (1, 1);
        loop {
            if m == n && (i > i0 || j > j0) {
                break;
            } else if (m <= n && i < from.len()) || j == to.len() {
                m *= *from.get(i)?;
                i += 1;
            } else {
                n *= to[j];
                j += 1;
            }
        }
        let run: Vec<(usize, usize)> = (i0..i)
            .filter(|&a| from[a] != 1)
            .map(|a| (from[a], strides[a]))
            .collect();
        if run.windows(2).any(|w| w[0].1 != w[1].0 * w[1].1) {
            return None;
        }
        let mut step = run.last().map_or(0, |r| r.1);
        for b in (j0..j).rev() {
            if to[b] != 1 {
                out[b] = step;
                step *= to[b];
            }
        }
    }
    Some(out)
}

impl View {
    pub fn at(&self, coordinates: &[usize]) -> f64 {
        self.data.data()[self.place.at(coordinates)]
    }
}

/// How a movement changes the places of its argument's elements.
pub(crate) type Movement = Box<dyn Fn(&Place) -> Option<Place>>;

/// The movement that a node is, if it is one of its first argument alone.
pub(crate) fn movement(node: &Node, args: &[Var<'_>]) -> Option<Movement> {
    let (from, to) = (args.first()?.shape(), node.shape.clone());
    let rank = from.len();
    if node.op.get::<Broadcast>().is_some() {
        return Some(Box::new(move |p| Some(p.broadcast(&from, &to))));
    }
    if node.op.get::<Reshape>().is_some() {
        return Some(Box::new(move |p| p.reshape(&from, &to)));
    }
    if let Some(op) = node.op.get::<Permute>() {
        let source = |i: usize| rank - 1 - op.order.get(i).copied().unwrap_or(i);
        let axes: Vec<Option<usize>> = (0..rank).rev().map(|i| Some(source(i))).collect();
        return Some(Box::new(move |p| Some(p.relabel(&axes))));
    }
    if let Some(op) = node.op.get::<Slice>() {
        let (axis, start) = (rank - 1 - op.axis, op.start);
        return Some(Box::new(move |p| Some(p.slice(axis, start))));
    }
    let op = node.op.get::<Gather>()?;
    let (axis, index) = (rank - 1 - op.axis, args[1].as_const()?);
    Some(Box::new(move |p| Some(p.gather(axis, &index))))
}

/// A part of joined values: which elements it is, as a view of ones and zeros of the whole's shape, and
/// how places of its elements become places of the whole (any place where it is not).
pub(crate) struct Part {
    pub mask: View,
    pub movement: Movement,
}

/// The parts of joined values.
pub(crate) fn parts(op: &Concat, shape: &Shape, args: &[Var<'_>]) -> Vec<Part> {
    let axis = shape.len() - 1 - op.axis;
    let extent = shape[axis];
    let mut strides: Strides = SmallVec::from_elem(0, shape.len());
    strides[axis] = 1;
    let mut start = 0;
    let part = |arg: &Var<'_>| {
        let own = start..start + arg.extent(op.axis);
        start = own.end;
        let table = |f: &dyn Fn(usize) -> f64| {
            let value = |i: usize| if own.contains(&i) { f(i) } else { 0.0 };
            Tensor::vector((0..extent).map(value).collect::<Vec<_>>())
        };
        let within = table(&|i| (i - own.start) as f64);
        Part {
            mask: View {
                data: table(&|_| 1.0),
                place: Place {
                    offset: 0,
                    strides: strides.clone(),
                    picks: Vec::new(),
                },
            },
            movement: Box::new(move |p| Some(p.gather(axis, &within))),
        }
    };
    args.iter().map(part).collect()
}

/// The coordinates of a flat index.
pub(crate) fn coordinates(shape: &Shape, mut flat: usize, out: &mut [usize]) {
    for axis in (0..shape.len()).rev() {
        out[axis] = flat % shape[axis];
        flat /= shape[axis];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_agree_with_movements_carried_out() {
        use crate::graph::Graph;
        let g = Graph::new();
        let shape = Shape::from_slice(&[2, 3, 4]);
        let data: Vec<f64> = (0..24).map(f64::from).collect();
        let x = g.constant(Tensor::new(shape.clone(), data));
        let index = Tensor::vector([3.0, 0.0, 3.0, 1.0, 2.0]);
        let moved = x
            .permute(&[1, 0])
            .slice(0, 1, 2)
            .gather(1, g.constant(index.clone()))
            .reshape(&[10, 2])
            .reshape(&[1, 10, 2])
            .broadcast(&[3, 10, 2]);
        let place = Place::whole(&shape)
            .relabel(&[Some(0), Some(2), Some(1)])
            .slice(2, 1)
            .gather(1, &index);
        // Picked elements of two axes cannot become one axis.
        assert!(place.reshape(&[2, 5, 2], &[10, 2]).is_none());
        let place = place
            .reshape(&[2, 5, 2], &[2, 1, 5, 2])
            .expect("an axis of extent 1 changes nothing");
        let flat = moved.slice(2, 1, 1).reshape(&[2, 1, 5, 2]);
        let values = flat.as_const().expect("constants fold");
        let mut at = [0; 4];
        for (i, &value) in values.data().iter().enumerate() {
            coordinates(values.shape(), i, &mut at);
            assert_eq!(place.at(&at), value as usize);
        }
    }
}
