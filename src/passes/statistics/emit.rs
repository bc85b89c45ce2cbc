//! What is left of a sum, as nodes of the graph.

use super::{
    Atom, Compressed, Doubled, Form, LANES, PAYS, Quadratic, Table, coordinates, element, groups,
    is_shared, single, value_at,
};
use crate::graph::{Graph, Shape, Tensor, Var};
use crate::ops::{concat, contract};
use crate::passes::rewriting::Density;

/// More latents than this are multiplied as a matrix, fewer as single numbers.
const MOST_SINGLE: usize = 10;

/// `Σ form` with the number of statistics in it.
pub(super) fn linear_sum<'g>(form: &Form<'g>) -> Option<(Var<'g>, usize)> {
    let first = form.terms.first()?;
    let graph = first.atom.var.graph;
    let factor = single(&form.factors)?;
    let left: usize = form.terms.iter().map(|t| statistics_of(&t.atom)).sum();
    let rows = super::affine::rows(form);
    if 2.0 * left as f64 + 4.0 > PAYS * 2.0 * rows as f64 / LANES {
        return None;
    }
    let mut sums: Vec<Vec<Doubled>> = form
        .terms
        .iter()
        .map(|t| vec![Doubled::from(0.0); statistics_of(&t.atom)])
        .collect();
    let mut constant = Doubled::from(0.0);
    let mut at = vec![0; form.shape.len()];
    for row in 0..rows {
        coordinates(&form.shape, row, &mut at);
        constant = constant.plus(value_at(&form.constant, &at));
        for (term, sums) in form.terms.iter().zip(&mut sums) {
            let place = match sums.len() {
                1 => 0,
                _ => term.atom.place.at(&at),
            };
            sums[place] = sums[place].plus(value_at(&term.coefficient, &at));
        }
    }
    let mut total = graph.scalar(finite(constant.value())?);
    for (term, sums) in form.terms.iter().zip(sums) {
        let sums: Vec<f64> = sums.into_iter().map(Doubled::value).collect();
        if sums.iter().any(|x| !x.is_finite()) {
            return None;
        }
        let part = match sums.as_slice() {
            [sum] if term.atom.place.is_fixed() => {
                element(term.atom.var, term.atom.place.offset) * *sum
            }
            _ => {
                let flat = term.atom.var.reshape(&[sums.len()]);
                (flat * graph.constant(Tensor::vector(sums))).sum()
            }
        };
        total = total + part;
    }
    Some((factor.map_or(total, |f| total * f), left + 1))
}

/// Numbers that the coefficients of an atom are summed to.
fn statistics_of(atom: &Atom<'_>) -> usize {
    match atom.place.is_fixed() {
        true => 1,
        false => atom.var.numel(),
    }
}

fn finite(x: f64) -> Option<f64> {
    x.is_finite().then_some(x)
}

/// `Σ weight · Π factors · form²` with the number of squares that are left.
pub(super) fn square_sum<'g>(
    density: &Density<'g>,
    var: &Var<'g>,
    square: &Quadratic<'g>,
) -> Option<(Var<'g>, usize)> {
    let graph = density.graph;
    let form = &square.form;
    let columns = Columns::of(square);
    let rows = super::affine::rows(form);
    let keys = columns.keys(square);
    let groups = groups(&form.shape, &keys);
    let (m, f) = (columns.moving.len(), columns.fixed.len());
    let pooled = columns.factors.is_empty();
    let most = if pooled { m } else { m + f + 1 };
    let short: usize = groups.iter().map(|g| g.len().min(most)).sum();
    let shared = is_shared(density, graph, *var);
    let own = if shared { 2.0 } else { (m + f) as f64 + 2.0 };
    let before = rows as f64 * own / LANES;
    let after = short as f64 * (3 * m + f + 3) as f64 / LANES + triangle_cost(f);
    if after > PAYS * before || form.terms.is_empty() {
        return None;
    }
    let fill = |row: usize, out: &mut [f64]| columns.fill(square, row, out);
    let table = Table {
        groups: &groups,
        moving: m,
        fixed: f,
        fill: &fill,
        pooled,
    };
    let small = table.compress()?;
    let fixed = Fixed::new(graph, &columns.fixed, &small.origin);
    let mut sum = triangle_sum(graph, &small, &fixed);
    if !small.rows.is_empty() {
        let emitted = Rows {
            graph,
            columns: &columns,
            shape: &form.shape,
            groups: &groups,
            small: &small,
        };
        sum = sum + emitted.sum(form, &fixed);
    }
    let factor = single(&columns.common)?;
    let left = small.rows.len() + if pooled { f + 1 } else { 0 };
    Some((factor.map_or(sum, |x| sum * x), left))
}

fn triangle_cost(f: usize) -> f64 {
    let n = f as f64;
    (n * (n + 3.0) / 2.0).min(n * n / 8.0 + 60.0) + 4.0
}

/// The fixed latents, counted from their origin.
enum Fixed<'g> {
    Singly(Vec<Var<'g>>),
    Vector(Var<'g>),
}

impl<'g> Fixed<'g> {
    fn new(graph: &'g Graph, columns: &[(Var<'g>, usize)], origin: &[f64]) -> Fixed<'g> {
        if columns.len() <= MOST_SINGLE {
            let each = columns.iter().zip(origin);
            return Fixed::Singly(each.map(|(&(v, at), &o)| element(v, at) - o).collect());
        }
        // Elements that follow each other are one part.
        let mut parts: Vec<Var> = Vec::new();
        let mut start = 0;
        for end in 1..=columns.len() {
            let follows =
                |c: &(Var, usize)| c.0.id == columns[end - 1].0.id && c.1 == columns[end - 1].1 + 1;
            if !columns.get(end).is_some_and(follows) {
                let (var, at) = columns[start];
                parts.push(var.reshape(&[var.numel()]).slice(0, at, end - start));
                start = end;
            }
        }
        Fixed::Vector(concat(&parts, 0) - graph.constant(Tensor::vector(origin)))
    }

    fn at(&self, k: usize) -> Var<'g> {
        match self {
            Fixed::Singly(all) => all[k],
            Fixed::Vector(v) => element(*v, k),
        }
    }
}

/// Elements of an atom that are columns of their own, rather than rows of a group.
const MOST_COLUMNS: usize = 16;

/// The terms of a form by how they differ between rows.
struct Columns<'g> {
    /// Terms whose place moves.
    moving: Vec<usize>,
    /// Single latents: an atom and a place in it.
    fixed: Vec<(Var<'g>, usize)>,
    /// Terms that read few places, with the column of each.
    placed: Vec<(usize, Vec<(usize, usize)>)>,
    /// Factors that rows have in common, and those that move.
    common: Vec<Atom<'g>>,
    factors: Vec<Atom<'g>>,
}

impl<'g> Columns<'g> {
    fn of(square: &Quadratic<'g>) -> Columns<'g> {
        let (common, factors) = square
            .factors
            .iter()
            .cloned()
            .partition(|f: &Atom| f.place.is_fixed());
        let mut columns = Columns {
            moving: Vec::new(),
            fixed: Vec::new(),
            placed: Vec::new(),
            common,
            factors,
        };
        for (i, term) in square.form.terms.iter().enumerate() {
            let Some(places) = few_places(&square.form.shape, &term.atom) else {
                columns.moving.push(i);
                continue;
            };
            let columns_of = places.iter().map(|&place| {
                let same = |c: &(Var, usize)| c.0.id == term.atom.var.id && c.1 == place;
                let at = columns.fixed.iter().position(same).unwrap_or_else(|| {
                    columns.fixed.push((term.atom.var, place));
                    columns.fixed.len() - 1
                });
                (place, at)
            });
            let columns_of = columns_of.collect();
            columns.placed.push((i, columns_of));
        }
        columns
    }

    /// What tells groups of rows apart.
    fn keys<'s>(&'s self, square: &'s Quadratic<'g>) -> Vec<&'s Atom<'g>> {
        let terms = self.moving.iter().map(|&i| &square.form.terms[i].atom);
        terms.chain(&self.factors).collect()
    }

    fn fill(&self, square: &Quadratic<'g>, row: usize, out: &mut [f64]) -> f64 {
        let form = &square.form;
        let mut at: smallvec::SmallVec<[usize; 4]> = smallvec::smallvec![0; form.shape.len()];
        coordinates(&form.shape, row, &mut at);
        out.fill(0.0);
        for (k, &i) in self.moving.iter().enumerate() {
            out[k] = value_at(&form.terms[i].coefficient, &at);
        }
        for (i, columns) in &self.placed {
            let term = &form.terms[*i];
            let column = match columns.as_slice() {
                [(_, column)] => *column,
                _ => {
                    let place = term.atom.place.at(&at);
                    let found = columns.iter().find(|c| c.0 == place);
                    found.expect("all places were listed").1
                }
            };
            out[self.moving.len() + column] += value_at(&term.coefficient, &at);
        }
        out[out.len() - 1] = value_at(&form.constant, &at);
        value_at(&square.weight, &at)
    }
}

/// The places that rows read, in the order of the first, if they are few.
fn few_places(shape: &Shape, atom: &Atom<'_>) -> Option<Vec<usize>> {
    if atom.place.is_fixed() {
        return Some(vec![atom.place.offset]);
    }
    let mut places = Vec::new();
    let mut at = vec![0; shape.len()];
    for row in 0..crate::graph::numel(shape) {
        coordinates(shape, row, &mut at);
        let place = atom.place.at(&at);
        if !places.contains(&place) {
            places.push(place);
        }
        if places.len() > MOST_COLUMNS {
            return None;
        }
    }
    Some(places)
}

/// `‖R (v, 1)‖²`
fn triangle_sum<'g>(graph: &'g Graph, small: &Compressed, fixed: &Fixed<'g>) -> Var<'g> {
    let f = small.origin.len();
    let width = f + 1;
    let r = &small.triangle;
    let height = r.len() / width;
    let rest: f64 = (f..height).map(|i| r[i * width + f].powi(2)).sum();
    let height = height.min(f);
    // The residuals are orthogonal to the columns but for rounding.
    let floor = rest.sqrt() * f64::EPSILON;
    let z = |i: usize| match r[i * width + f] {
        z if z.abs() <= floor => 0.0,
        z => z,
    };
    let mut sum = graph.scalar(rest);
    let Fixed::Vector(v) = fixed else {
        for i in 0..height {
            let mut row = graph.scalar(z(i));
            for k in (i..f).filter(|&k| r[i * width + k] != 0.0) {
                row = row + fixed.at(k) * r[i * width + k];
            }
            sum = sum + row.square();
        }
        return sum;
    };
    let matrix = (0..height).flat_map(|i| r[i * width..i * width + f].to_vec());
    let matrix = Tensor::new(Shape::from_slice(&[height, f]), matrix.collect());
    let zs = Tensor::vector((0..height).map(z).collect::<Vec<_>>());
    let rows = contract(graph.constant(matrix), &[0, 1], *v, &[1], &[0]) + graph.constant(zs);
    rows.square().sum() + sum
}

/// The rows that read latents of their own.
struct Rows<'s, 'g> {
    graph: &'g Graph,
    columns: &'s Columns<'g>,
    shape: &'s Shape,
    groups: &'s [Vec<u32>],
    small: &'s Compressed,
}

impl<'g> Rows<'_, 'g> {
    fn sum(&self, form: &Form<'g>, fixed: &Fixed<'g>) -> Var<'g> {
        let (m, f) = (self.columns.moving.len(), self.columns.fixed.len());
        let lead = self.leads(m);
        let scale = |i: usize| {
            if lead {
                self.small.rows[i].values[0]
            } else {
                1.0
            }
        };
        let column = |k: usize| self.vector(|i| self.small.rows[i].values[k] / scale(i));
        let mut rows: Option<Var> = None;
        let mut add = |part: Var<'g>| rows = Some(rows.map_or(part, |r| r + part));
        for (k, &term) in self.columns.moving.iter().enumerate() {
            let picked = self.picked(&form.terms[term].atom);
            // With a leading coefficient of 1 the constant is part of what is taken off.
            let off = |i: usize| {
                let row = &self.small.rows[i];
                row.origin[k]
                    - if lead {
                        row.values[m + f] / scale(i)
                    } else {
                        0.0
                    }
            };
            let moved = picked - self.vector(off);
            add(if lead { moved } else { moved * column(k) });
        }
        for k in 0..f {
            let column = column(m + k);
            if column.as_uniform() != Some(0.0) {
                add(column * fixed.at(k));
            }
        }
        if !lead {
            add(column(m + f));
        }
        let mut squares = rows.expect("there is a column at least").square();
        for factor in &self.columns.factors {
            squares = squares * self.picked(factor);
        }
        if lead {
            squares = squares * self.vector(|i| scale(i).powi(2));
        }
        squares.sum()
    }

    /// Whether rows can be divided by their first coefficient.
    fn leads(&self, m: usize) -> bool {
        m == 1
            && self.small.rows.iter().all(|row| {
                let largest = row.values.iter().fold(0.0, |a: f64, x| a.max(x.abs()));
                row.values[0].abs() >= 1e-3 * largest
            })
    }

    fn vector(&self, of: impl Fn(usize) -> f64) -> Var<'g> {
        let values: Vec<f64> = (0..self.small.rows.len()).map(of).collect();
        self.graph.constant(Tensor::vector(values))
    }

    /// The latent that each row reads.
    fn picked(&self, atom: &Atom<'g>) -> Var<'g> {
        let mut at = vec![0; self.shape.len()];
        let mut index = Vec::with_capacity(self.small.rows.len());
        for row in &self.small.rows {
            coordinates(self.shape, self.groups[row.group][0] as usize, &mut at);
            index.push(atom.place.at(&at) as f64);
        }
        let flat = atom.var.reshape(&[atom.var.numel()]);
        flat.gather(0, self.graph.constant(Tensor::vector(index)))
    }
}
