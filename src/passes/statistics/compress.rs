//! Many rows of numbers to few with the same sum of squares of every linear combination.
//!
//! `Σₙ wₙ (cₙ + Σₖ aₙₖ vₖ)² = ‖R (v, 1)‖²` with `R` of a QR factorisation of `√w [a c]`, made block
//! by block of rows, so that the matrix is never stored; Householder reflections need no scaled
//! columns, and normal equations, which would lose half of the digits, are not formed. `v` is counted
//! from the least-squares solution `v̂`, and the residuals there are computed with doubled digits: what
//! rounding leaves is in proportion to `v − v̂`, not to the size of data and of `v`.

use nalgebra::DMatrix;

/// What rows consist of.
pub(crate) struct Table<'a> {
    /// Rows that read the same latents, group by group.
    pub groups: &'a [Vec<u32>],
    /// Columns of latents that differ between groups, and of those that do not.
    pub moving: usize,
    pub fixed: usize,
    /// Writes the coefficients and the constant of a row; gives its weight.
    pub fill: &'a dyn Fn(usize, &mut [f64]) -> f64,
    /// Whether rows without latents of their own are put together over groups.
    pub pooled: bool,
}

/// A row that replaces several of one group.
pub(crate) struct Row {
    pub group: usize,
    /// Moving, then fixed coefficients, then the constant.
    pub values: Vec<f64>,
    /// What the moving latents are counted from.
    pub origin: Vec<f64>,
}

pub(crate) struct Compressed {
    pub rows: Vec<Row>,
    /// Upper triangle over fixed columns and the constant, row-major with all its zeros.
    pub triangle: Vec<f64>,
    /// What the fixed latents are counted from.
    pub origin: Vec<f64>,
    /// Lengths of the fixed columns of all rows.
    lengths: Vec<f64>,
}

/// Beyond, squares overflow or vanish.
const LARGEST: f64 = 1e140;
/// Rows that are factorised at a time.
const BLOCK: usize = 512;
/// Numbers of filled rows that are kept from the first pass to the second.
const KEPT: usize = 1 << 20;
/// Parts of a column's length below which its own part counts as none.
const NEGLIGIBLE: f64 = 1e-13;

impl Table<'_> {
    /// `None` where a number is not finite or too large to be squared, or a weight negative.
    pub fn compress(&self) -> Option<Compressed> {
        let none = Origins {
            fixed: vec![0.0; self.fixed],
            moving: vec![vec![0.0; self.moving]; self.groups.len()],
        };
        let mut kept = Vec::new();
        let first = self.pass(&none, &mut kept)?;
        let origins = self.solve(&first);
        let mut second = self.pass(&origins, &mut kept)?;
        second.drop_rounding();
        for row in &mut second.rows {
            row.origin.clone_from(&origins.moving[row.group]);
        }
        second.origin = origins.fixed;
        Some(second)
    }

    /// Rows are filled in unless they are kept, each behind its weight.
    fn pass(&self, from: &Origins, kept: &mut Vec<f64>) -> Option<Compressed> {
        let width = self.moving + self.fixed + 1;
        let count: usize = self.groups.iter().map(Vec::len).sum();
        let (keeps, mut known) = (count * (width + 1) <= KEPT, 0);
        let mut rows = Vec::new();
        let mut pool = Stack::new(self.fixed + 1);
        let mut row = vec![0.0; width];
        let mut squares = vec![0.0; self.fixed];
        for (group, members) in self.groups.iter().enumerate() {
            let origin = [from.moving[group].as_slice(), &from.fixed].concat();
            let mut stack = Stack::new(width);
            for &n in members {
                let weight = match kept.get(known..known + width + 1) {
                    Some(filled) => {
                        row.copy_from_slice(&filled[1..]);
                        filled[0]
                    }
                    None => (self.fill)(n as usize, &mut row),
                };
                if keeps && known == kept.len() {
                    kept.push(weight);
                    kept.extend_from_slice(&row);
                }
                known += width + 1;
                if !(0.0..LARGEST).contains(&weight) {
                    return None;
                }
                let sum = row[..width - 1].iter().zip(&origin);
                let start = Doubled::from(row[width - 1]);
                row[width - 1] = sum.fold(start, |s, (a, v)| s.plus_product(*a, *v)).value();
                row.iter_mut().for_each(|x| *x *= weight.sqrt());
                if !row.iter().all(|x| x.abs() < LARGEST) {
                    return None;
                }
                let own = squares.iter_mut().zip(&row[self.moving..]);
                own.for_each(|(s, x)| *s += x * x);
                match self.moving == 0 && self.pooled {
                    true => pool.push(&row),
                    false => stack.push(&row),
                }
            }
            for (i, values) in stack.finish().chunks_exact(width).enumerate() {
                if i >= self.moving && self.pooled {
                    pool.push(&values[self.moving..]);
                } else if values.iter().any(|x| *x != 0.0) {
                    rows.push(Row {
                        group,
                        values: values.to_vec(),
                        origin: Vec::new(),
                    });
                }
            }
        }
        Some(Compressed {
            rows,
            triangle: pool.finish(),
            origin: Vec::new(),
            lengths: squares.into_iter().map(f64::sqrt).collect(),
        })
    }

    /// Where the sum of squares is least; 0 where that is not determined.
    fn solve(&self, first: &Compressed) -> Origins {
        let (m, f) = (self.moving, self.fixed);
        let fixed = back_substitute(&first.triangle, f + 1, &first.lengths, |_| 0.0);
        let mut moving = vec![vec![0.0; m]; self.groups.len()];
        let mut at = 0;
        while at < first.rows.len() && self.pooled {
            let group = first.rows[at].group;
            let own = first.rows[at..].iter().take_while(|r| r.group == group);
            let flat: Vec<f64> = own.flat_map(|r| r.values.iter().copied()).collect();
            let known = |i: usize| {
                let row = &flat[i * (m + f + 1)..];
                (0..f).map(|k| row[m + k] * fixed[k]).sum()
            };
            let rows = flat.chunks_exact(m + f + 1);
            let square = |k: usize| rows.clone().map(|r| r[k] * r[k]).sum::<f64>();
            let lengths: Vec<f64> = (0..m).map(|k| square(k).sqrt()).collect();
            moving[group] = back_substitute(&flat, m + f + 1, &lengths, known);
            at += flat.len() / (m + f + 1);
        }
        Origins { fixed, moving }
    }
}

struct Origins {
    fixed: Vec<f64>,
    moving: Vec<Vec<f64>>,
}

impl Compressed {
    /// A fixed column that the moving ones span is left with rounding alone.
    fn drop_rounding(&mut self) {
        let width = self.lengths.len() + 1;
        for (k, length) in self.lengths.iter().enumerate() {
            let column = self.triangle.iter_mut().skip(k).step_by(width);
            let mut column: Vec<&mut f64> = column.collect();
            if column
                .iter()
                .all(|x| x.abs() <= 32.0 * f64::EPSILON * length)
            {
                column.iter_mut().for_each(|x| **x = 0.0);
            }
        }
    }
}

/// `v` with `R v + known + z = 0` for the triangle in the first columns, `z` in the last; `lengths` are
/// those of the columns before they were reduced.
fn back_substitute(
    r: &[f64],
    width: usize,
    lengths: &[f64],
    known: impl Fn(usize) -> f64,
) -> Vec<f64> {
    let n = lengths.len();
    let mut v = vec![0.0; n];
    let at = |i: usize, k: usize| r.get(i * width + k).copied().unwrap_or(0.0);
    for i in (0..n).rev() {
        if at(i, i).abs() > NEGLIGIBLE * lengths[i] {
            let later: f64 = (i + 1..n).map(|k| at(i, k) * v[k]).sum();
            let value = -(at(i, width - 1) + known(i) + later) / at(i, i);
            v[i] = if value.is_finite() { value } else { 0.0 };
        }
    }
    v
}

/// Rows that become a triangle whenever there are many.
struct Stack {
    width: usize,
    rows: Vec<f64>,
}

impl Stack {
    fn new(width: usize) -> Stack {
        Stack {
            width,
            rows: Vec::new(),
        }
    }

    fn push(&mut self, row: &[f64]) {
        self.rows.extend_from_slice(row);
        if self.rows.len() >= (BLOCK + self.width) * self.width {
            self.reduce();
        }
    }

    fn reduce(&mut self) {
        let n = self.rows.len() / self.width;
        if n > 1 {
            let matrix = DMatrix::from_row_slice(n, self.width, &self.rows);
            let r = matrix.qr().unpack_r();
            self.rows = r.transpose().as_slice().to_vec();
        }
    }

    fn finish(mut self) -> Vec<f64> {
        self.reduce();
        self.rows
    }
}

/// The sum of two numbers, the second below the last digit of the first.
#[derive(Clone, Copy)]
pub(crate) struct Doubled {
    high: f64,
    low: f64,
}

impl From<f64> for Doubled {
    fn from(high: f64) -> Doubled {
        Doubled { high, low: 0.0 }
    }
}

impl Doubled {
    pub fn plus(self, x: f64) -> Doubled {
        let sum = self.high + x;
        let part = sum - self.high;
        let lost = (self.high - (sum - part)) + (x - part);
        Doubled {
            high: sum,
            low: self.low + lost,
        }
    }

    /// Dekker's product: both factors are split into halves whose products are exact.
    pub fn plus_product(self, a: f64, b: f64) -> Doubled {
        let split = |x: f64| {
            let c = x * 134_217_729.0; // 2²⁷ + 1
            let high = c - (c - x);
            (high, x - high)
        };
        let product = a * b;
        let ((ah, al), (bh, bl)) = (split(a), split(b));
        let lost = ((ah * bh - product) + ah * bl + al * bh) + al * bl;
        let mut sum = self.plus(product);
        if lost.is_finite() {
            sum.low += lost;
        }
        sum
    }

    /// What the sum exceeds a number by.
    #[cfg(test)]
    pub fn minus(self, x: f64) -> f64 {
        (self.high - x) + self.low
    }

    pub fn value(self) -> f64 {
        self.high + self.low
    }
}
