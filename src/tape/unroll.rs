//! The body of a recurrence on few numbers as straight-line code: every element of every tensor
//! gets a cell, every operation an instruction for each element.

use super::index_map::{IndexMap, placed, reduced};
use super::plan::scatter_places;
use super::scalar::{self, Scalar};
use crate::graph::{Node, Shape, Tensor, flat_strides, numel};
use crate::ops::{
    Binary, Cholesky, Concat, Constant, Contract, CumSum, Gather, Pad, Reduce, ReduceKind,
    ScatterAdd, Select, StopGradient, TriSolve, Unary, moves,
};
use std::collections::HashMap;

/// Bodies that need more instructions than this are run by kernels.
const MOST_INSTRUCTIONS: usize = 3000;

pub(super) struct Unroll {
    pub code: Vec<Scalar>,
    /// Cells that hold constants.
    pub initial: Vec<(usize, f64)>,
    /// The first cell that is free.
    pub next: u32,
    known: HashMap<u32, f64>,
    constants: HashMap<u64, u32>,
}

impl Unroll {
    /// With cells from `next` on.
    pub fn new(next: usize) -> Unroll {
        Unroll {
            code: Vec::new(),
            initial: Vec::new(),
            next: u32::try_from(next).expect("arenas have fewer than 2³¹ numbers"),
            known: HashMap::new(),
            constants: HashMap::new(),
        }
    }

    pub fn cell(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    pub fn cells(&mut self, n: usize) -> Vec<u32> {
        (0..n).map(|_| self.cell()).collect()
    }

    pub fn constant(&mut self, value: f64) -> u32 {
        if let Some(&cell) = self.constants.get(&value.to_bits()) {
            return cell;
        }
        let cell = self.cell();
        self.constants.insert(value.to_bits(), cell);
        self.known.insert(cell, value);
        self.initial.push((cell as usize, value));
        cell
    }

    pub fn is_long(&self) -> bool {
        self.code.len() > MOST_INSTRUCTIONS
    }

    /// The cells of a node, given those of its arguments; `index` is the constant of a gather or
    /// scatter.
    pub fn node(
        &mut self,
        node: &Node,
        args: &[&Vec<u32>],
        shapes: &[Shape],
        index: Option<&Tensor>,
    ) -> Option<Vec<u32>> {
        let (op, n) = (&node.op, numel(&node.shape));
        if n > MOST_INSTRUCTIONS {
            return None;
        }
        if let Some(constant) = op.get::<Constant>() {
            let cells = constant.0.data().iter().map(|&x| self.constant(x));
            return Some(cells.collect());
        }
        if let Some(unary) = op.get::<Unary>() {
            return Some(args[0].iter().map(|&a| self.unary(unary, a)).collect());
        }
        if let Some(binary) = op.get::<Binary>() {
            let pairs = args[0].iter().zip(args[1]);
            return Some(pairs.map(|(&a, &b)| self.binary(binary, a, b)).collect());
        }
        if op.get::<Select>().is_some() {
            let select = |i: usize| {
                let out = self.cell();
                let choice = Scalar::Select(out, args[0][i], args[1][i], args[2][i]);
                self.code.push(choice);
                out
            };
            return Some((0..n).map(select).collect());
        }
        let moves = moves(op)
            || op.get::<StopGradient>().is_some()
            || (op.get::<Gather>().is_some() && index.is_some());
        if moves && n > 0 && !args[0].is_empty() {
            let map = IndexMap::identity(args[0].len()).moved(op, &shapes[0], &node.shape, index);
            let table = map.table(n);
            return Some(table.iter().map(|&i| args[0][i as usize]).collect());
        }
        self.collect(node, args, shapes, index)
    }

    /// Operations whose results gather several elements.
    fn collect(
        &mut self,
        node: &Node,
        args: &[&Vec<u32>],
        shapes: &[Shape],
        index: Option<&Tensor>,
    ) -> Option<Vec<u32>> {
        let (op, n, rank) = (&node.op, numel(&node.shape), node.shape.len());
        if n == 0 || args.iter().any(|a| a.is_empty()) {
            return None;
        }
        if let Some(reduce) = op.get::<Reduce>() {
            let from = &shapes[0];
            let map = reduced(from, |axis| reduce.axes.contains(&(from.len() - 1 - axis)));
            return Some(self.combine(reduce.kind, args[0], &map, n));
        }
        if op.get::<ScatterAdd>().is_some() {
            let from = Node {
                shape: shapes[0].clone(),
                ..node.clone()
            };
            let map = scatter_places(node, &from, index?);
            return Some(self.combine(ReduceKind::Sum, args[0], &map, n));
        }
        let mut out = vec![self.constant(0.0); n];
        let mut fill = |cells: &[u32], map: IndexMap| {
            let table = map.table(cells.len());
            table
                .iter()
                .zip(cells)
                .for_each(|(&at, &cell)| out[at as usize] = cell);
        };
        if let Some(pad) = op.get::<Pad>() {
            let axis = rank - 1 - pad.axis;
            fill(args[0], placed(&shapes[0], &node.shape, axis, pad.before));
            return Some(out);
        }
        if let Some(concat) = op.get::<Concat>() {
            let axis = rank - 1 - concat.axis;
            let mut start = 0;
            for (part, shape) in args.iter().zip(shapes) {
                fill(part, placed(shape, &node.shape, axis, start));
                start += shape[axis];
            }
            return Some(out);
        }
        if let Some(contract) = op.get::<Contract>() {
            return Some(self.contract(contract, args, shapes, &node.shape));
        }
        if let Some(sum) = op.get::<CumSum>() {
            return Some(self.running_sum(sum, args[0], &shapes[0]));
        }
        if op.get::<Cholesky>().is_some() {
            let n = *node.shape.last()?;
            let parts = args[0].chunks_exact(n * n);
            return Some(parts.flat_map(|a| self.cholesky(a, n)).collect());
        }
        let solve = op.get::<TriSolve>()?;
        let (n, k) = (*shapes[0].last()?, *shapes[1].last()?);
        let systems = args[0].chunks_exact(n * n).zip(args[1].chunks_exact(n * k));
        let solved = systems.flat_map(|(l, b)| self.tri_solve(l, b, n, k, solve.transposed));
        Some(solved.collect())
    }

    fn known(&self, cell: u32) -> Option<f64> {
        self.known.get(&cell).copied()
    }

    fn unary(&mut self, op: &Unary, a: u32) -> u32 {
        if let Some(x) = self.known(a) {
            return self.constant((op.0.value)(x));
        }
        let out = self.cell();
        self.code.push(scalar::unary(op.0, out, a));
        out
    }

    fn binary(&mut self, op: &Binary, a: u32, b: u32) -> u32 {
        match op.0.name {
            "add" => self.add(a, b),
            "mul" => self.mul(a, b),
            _ => {
                let out = self.cell();
                self.code.push(scalar::binary(op.0, out, a, b));
                out
            }
        }
    }

    fn add(&mut self, a: u32, b: u32) -> u32 {
        match (self.known(a), self.known(b)) {
            (Some(x), Some(y)) => self.constant(x + y),
            (Some(0.0), _) => b,
            (_, Some(0.0)) => a,
            _ => {
                let out = self.cell();
                self.code.push(Scalar::Add(out, a, b));
                out
            }
        }
    }

    pub fn mul(&mut self, a: u32, b: u32) -> u32 {
        match (self.known(a), self.known(b)) {
            (Some(x), Some(y)) => self.constant(x * y),
            (Some(1.0), _) => b,
            (_, Some(1.0)) => a,
            (Some(0.0), _) | (_, Some(0.0)) => self.constant(0.0),
            _ => {
                let out = self.cell();
                self.code.push(Scalar::Mul(out, a, b));
                out
            }
        }
    }

    /// `a · b + c`
    fn mul_add(&mut self, a: u32, b: u32, c: u32) -> u32 {
        let plain = self.known(c) == Some(0.0)
            || [a, b]
                .iter()
                .any(|&x| matches!(self.known(x), Some(v) if v == 0.0 || v == 1.0));
        if plain {
            let product = self.mul(a, b);
            return self.add(product, c);
        }
        let out = self.cell();
        self.code.push(Scalar::MulAdd(out, a, b, c));
        out
    }

    /// `c − a · b`
    fn mul_sub(&mut self, a: u32, b: u32, c: u32) -> u32 {
        if self.known(a) == Some(0.0) || self.known(b) == Some(0.0) {
            return c;
        }
        let out = self.cell();
        self.code.push(Scalar::MulSub(out, a, b, c));
        out
    }

    fn combine(&mut self, kind: ReduceKind, cells: &[u32], map: &IndexMap, n: usize) -> Vec<u32> {
        let neutral = self.constant(kind.neutral());
        let mut out = vec![neutral; n];
        for (&at, &cell) in map.table(cells.len()).iter().zip(cells) {
            let old = out[at as usize];
            out[at as usize] = if old == neutral {
                cell
            } else {
                self.combined(kind, old, cell)
            };
        }
        out
    }

    /// Two numbers of a reduction.
    pub fn combined(&mut self, kind: ReduceKind, a: u32, b: u32) -> u32 {
        if kind == ReduceKind::Sum {
            return self.add(a, b);
        }
        let fresh = self.cell();
        self.code.push(scalar::combine(kind, fresh, a, b));
        fresh
    }

    fn contract(
        &mut self,
        op: &Contract,
        args: &[&Vec<u32>],
        shapes: &[Shape],
        to: &Shape,
    ) -> Vec<u32> {
        let extent = |l: u8| {
            let at = |labels: &[u8], shape: &Shape| {
                labels.iter().position(|x| *x == l).map(|i| shape[i])
            };
            at(&op.a, &shapes[0])
                .or_else(|| at(&op.b, &shapes[1]))
                .expect("every label is an operand's")
        };
        let summed = op.summed();
        let inner: Shape = summed.iter().map(|&l| extent(l)).collect();
        let digits = |flat: usize, shape: &Shape| -> Vec<usize> {
            let strides = flat_strides(shape);
            (0..shape.len())
                .map(|i| flat / strides[i] % shape[i])
                .collect()
        };
        let address = |labels: &[u8], shape: &Shape, at: &dyn Fn(u8) -> usize| -> usize {
            let strides = flat_strides(shape);
            labels.iter().zip(&strides).map(|(&l, s)| at(l) * s).sum()
        };
        let zero = self.constant(0.0);
        let mut out = Vec::with_capacity(numel(to));
        for flat in 0..numel(to) {
            let outer = digits(flat, to);
            let mut sum = zero;
            for k in 0..numel(&inner) {
                let within = digits(k, &inner);
                let at = |l: u8| match op.out.iter().position(|x| *x == l) {
                    Some(i) => outer[i],
                    None => within[summed.iter().position(|x| *x == l).expect("it is summed")],
                };
                let a = args[0][address(&op.a, &shapes[0], &at)];
                let b = args[1][address(&op.b, &shapes[1], &at)];
                sum = self.mul_add(a, b, sum);
            }
            out.push(sum);
        }
        out
    }

    fn running_sum(&mut self, op: &CumSum, cells: &[u32], shape: &Shape) -> Vec<u32> {
        let axis = shape.len() - 1 - op.axis;
        let (n, after) = (shape[axis], numel(&shape[axis + 1..]));
        let mut out = cells.to_vec();
        for part in out.chunks_exact_mut(n * after) {
            for step in 1..n {
                let (i, previous) = if op.reverse {
                    (n - 1 - step, n - step)
                } else {
                    (step, step - 1)
                };
                for j in 0..after {
                    part[i * after + j] = self.add(part[i * after + j], part[previous * after + j]);
                }
            }
        }
        out
    }

    fn cholesky(&mut self, a: &[u32], n: usize) -> Vec<u32> {
        let zero = self.constant(0.0);
        let mut l = vec![zero; n * n];
        for j in 0..n {
            for k in 0..=j {
                let mut rest = a[j * n + k];
                for i in 0..k {
                    rest = self.mul_sub(l[j * n + i], l[k * n + i], rest);
                }
                let out = self.cell();
                self.code.push(if k == j {
                    Scalar::Sqrt(out, rest)
                } else {
                    Scalar::Div(out, rest, l[k * n + k])
                });
                l[j * n + k] = out;
            }
        }
        l
    }

    fn tri_solve(
        &mut self,
        l: &[u32],
        b: &[u32],
        n: usize,
        k: usize,
        transposed: bool,
    ) -> Vec<u32> {
        let mut x = b.to_vec();
        for step in 0..n {
            let i = if transposed { n - 1 - step } else { step };
            for c in 0..k {
                let mut rest = x[i * k + c];
                let others = if transposed { i + 1..n } else { 0..i };
                for j in others {
                    let factor = if transposed {
                        l[j * n + i]
                    } else {
                        l[i * n + j]
                    };
                    rest = self.mul_sub(factor, x[j * k + c], rest);
                }
                let out = self.cell();
                self.code.push(Scalar::Div(out, rest, l[i * n + i]));
                x[i * k + c] = out;
            }
        }
        x
    }
}
