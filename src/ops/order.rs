//! Where elements stand in ascending order, and where numbers stand among sorted ones: the indices by
//! which sorting and interpolation pick. Being whole numbers they have derivative 0.

use crate::graph::{Lane, Operation, Pull, Range, Shape, Tensor, Var};

/// The places, from 0, of the last axis' elements in ascending order; equal ones stay in their order, NaN
/// comes last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Order;

/// Arguments `(x, sorted)`, `[lead…, m]` and `[lead…, n]`: how many elements of `sorted`, which is
/// ascending, are at most each of `x`. NaN where it is not ascending.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FindInterval;

impl<'g> Var<'g> {
    /// The places, from 0, of the last axis' elements in ascending order.
    pub fn order(self) -> Var<'g> {
        self.graph.apply(Order, &[self])
    }

    /// The elements along the last axis in ascending order.
    pub fn sorted(self) -> Var<'g> {
        self.pick(self.order())
    }

    /// How many elements of `sorted` are at most each of `self`, along the last axes.
    pub fn find_interval(self, sorted: Var<'g>) -> Var<'g> {
        self.graph.apply(FindInterval, &[self, sorted])
    }
}

impl Operation for Order {
    fn name(&self) -> &'static str {
        "order"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        match args[0].len() {
            0 => Err("needs an axis".into()),
            _ => Ok(args[0].clone()),
        }
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let n = args[0].shape().last().copied().unwrap_or(0).max(1);
        let mut places: Vec<usize> = Vec::with_capacity(n);
        for (x, y) in args[0].data().chunks_exact(n).zip(out.chunks_exact_mut(n)) {
            places.clear();
            places.extend(0..n);
            // A total order even of NaN, for which −0 is 0.
            let key = |&i: &usize| if x[i].is_nan() { f64::NAN } else { x[i] + 0.0 };
            places.sort_by(|a, b| key(a).total_cmp(&key(b)));
            y.iter_mut().zip(&places).for_each(|(y, &i)| *y = i as f64);
        }
    }

    fn range(&self, _args: &[Range]) -> Range {
        Range::FROM_0
    }

    fn pullback<'g>(&self, _node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        vec![None]
    }

    fn batch<'g>(&self, args: &[Var<'g>], _batched: &[bool], _size: usize) -> Var<'g> {
        args[0].order()
    }
}

impl Operation for FindInterval {
    fn name(&self) -> &'static str {
        "find_interval"
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        let (x, sorted) = (args[0], args[1]);
        let fits = !x.is_empty()
            && x.len() == sorted.len()
            && x[..x.len() - 1] == sorted[..sorted.len() - 1];
        match fits {
            true => Ok(x.clone()),
            false => Err("needs equal leading axes".into()),
        }
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        let last = |t: &Tensor| t.shape().last().copied().unwrap_or(0);
        let (m, n) = (last(args[0]), last(args[1]));
        if m == 0 || n == 0 {
            return out.fill(0.0);
        }
        let rows = args[0]
            .data()
            .chunks_exact(m)
            .zip(args[1].data().chunks_exact(n));
        for ((x, sorted), y) in rows.zip(out.chunks_exact_mut(m)) {
            if !sorted.is_sorted() {
                y.fill(f64::NAN);
                continue;
            }
            for (x, y) in x.iter().zip(y) {
                *y = sorted.partition_point(|s| s <= x) as f64;
            }
        }
    }

    fn pullback<'g>(&self, _node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        vec![None, None]
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g> {
        let lead = |i: usize| {
            let (var, batched) = (args[i], batched[i]);
            Lane { var, batched }.lead(size)
        };
        lead(0).find_interval(lead(1))
    }
}
