//! The rows of the data that a model of some of them is told: which, what they count for, and what they hold.

use crate::data::Stored;
use crate::graph::{Graph, NodeId, Shape, Tensor, numel};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// The inputs by which a model is told its rows.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Places of the rows, from 0.
    pub rows: NodeId,
    /// For how many rows each counts: `total / size`, or 0 for one that fills up a short batch.
    pub weights: NodeId,
    /// Rows in a batch.
    pub size: usize,
    /// Rows of the data that every batch has after its own, for which each of them counts nothing.
    pub examples: Vec<usize>,
    /// Rows of the data.
    pub total: usize,
    /// What the rows hold of arrays of data.
    pub fed: Vec<Fed>,
    /// Inputs of the blocks of noise that belong to the rows; the others are the same for all of them.
    pub own: Vec<NodeId>,
    /// Names of what is made for each row: of such quantities the first axis are the rows.
    pub made: Vec<String>,
    /// The array that could not be read first, and why.
    failed: Arc<Mutex<Option<(String, String)>>>,
}

/// An array of data of which a model is told the rows.
#[derive(Clone, Debug)]
pub struct Fed {
    /// `[size, …]`
    pub input: NodeId,
    pub name: String,
    pub source: Source,
}

/// Numbers in memory, or in a file.
#[derive(Clone, Debug)]
pub enum Source {
    Held(Tensor),
    Stored(Stored),
}

impl Source {
    pub fn shape(&self) -> Shape {
        match self {
            Source::Held(tensor) => tensor.shape().clone(),
            Source::Stored(stored) => Shape::from_slice(stored.shape()),
        }
    }

    /// Adds rows, which are indices of the first axis from 0.
    ///
    /// # Errors
    /// If their file cannot be read.
    pub fn read(&self, rows: &[usize], out: &mut Vec<f64>) -> io::Result<()> {
        let width: usize = self.shape()[1..].iter().product();
        match self {
            Source::Held(tensor) => {
                for row in rows {
                    out.extend_from_slice(&tensor.data()[row * width..(row + 1) * width]);
                }
                Ok(())
            }
            Source::Stored(stored) => {
                let from = out.len();
                out.resize(from + rows.len() * width, 0.0);
                stored.read(rows, &mut out[from..])
            }
        }
    }

    /// The first `count` rows from `from` on, as an array.
    ///
    /// # Errors
    /// As [`Source::read`].
    pub fn part(&self, from: usize, count: usize) -> io::Result<Tensor> {
        let mut shape = self.shape();
        if let (Source::Held(tensor), true) = (self, (from, count) == (0, shape[0])) {
            return Ok(tensor.clone());
        }
        let mut numbers = Vec::new();
        self.read(&(from..from + count).collect::<Vec<_>>(), &mut numbers)?;
        shape[0] = count;
        Ok(Tensor::new(shape, numbers))
    }
}

impl Rows {
    /// Of batches of `size` of `total` rows.
    pub fn new(
        (rows, weights): (NodeId, NodeId),
        (size, total): (usize, usize),
        fed: Vec<Fed>,
        own: Vec<NodeId>,
        made: Vec<String>,
    ) -> Rows {
        Rows {
            rows,
            weights,
            size,
            examples: Vec::new(),
            total,
            fed,
            own,
            made,
            failed: Arc::default(),
        }
    }

    /// Steps in which every row has its turn.
    pub fn steps(&self) -> usize {
        self.total.div_ceil(self.size)
    }

    /// All inputs, in the order of [`Rows::numbers`].
    pub fn inputs(&self) -> Vec<NodeId> {
        let fed = self.fed.iter().map(|fed| fed.input);
        [self.rows, self.weights].into_iter().chain(fed).collect()
    }

    /// Rows in a batch, with those that are there as examples.
    pub fn width(&self) -> usize {
        self.size + self.examples.len()
    }

    /// Adds the values of the inputs, one after the other: `rows` are as many as a batch has. What cannot be read
    /// is NaN, and [`Rows::take_failure`] says why.
    pub fn numbers(&self, rows: &[usize], weights: &[f64], out: &mut Vec<f64>) {
        let rows = [rows, &self.examples].concat();
        out.extend(rows.iter().map(|&row| row as f64));
        out.extend_from_slice(weights);
        out.extend(self.examples.iter().map(|_| 0.0));
        for fed in &self.fed {
            let from = out.len();
            if let Err(why) = fed.source.read(&rows, out) {
                out[from..].fill(f64::NAN);
                let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                failed.get_or_insert((fed.name.clone(), why.to_string()));
            }
        }
    }

    /// The inputs of a graph of the model with their values, as [`Rows::numbers`] gives them.
    pub fn feeds(&self, graph: &Graph, rows: &[usize], weights: &[f64]) -> Vec<(NodeId, Tensor)> {
        let mut numbers = Vec::new();
        self.numbers(rows, weights, &mut numbers);
        let mut rest = numbers.as_slice();
        let value = |input: NodeId| {
            let shape = graph.node(input).shape;
            let (own, others) = rest.split_at(numel(&shape));
            rest = others;
            (input, Tensor::new(shape, own.to_vec()))
        };
        self.inputs().into_iter().map(value).collect()
    }

    /// The same for the first batch of all rows in their order.
    pub fn first(&self, graph: &Graph) -> Vec<(NodeId, Tensor)> {
        let own: Vec<usize> = (0..self.size).collect();
        let weight = self.total as f64 / self.size as f64;
        self.feeds(graph, &own, &vec![weight; self.size])
    }

    /// The first array that could not be read, and why.
    pub fn take_failure(&self) -> Option<(String, String)> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.take()
    }
}
