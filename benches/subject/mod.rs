//! What the benchmarks measure: a program with its data, and its log density with gradient as a tape.

use elbo::Model;
use elbo::autodiff::grad;
use elbo::data::{self, Data, Disk, Values};
use elbo::graph::{Graph, Rebuild, Var};
use elbo::tape::Tape;
use elbo::{Program, graph::NodeId};
use std::error::Error;
use std::path::Path;

/// What the last gradient is weighted with where it moves the next point: too little to matter.
const NUDGE: f64 = 1e-15;

/// Reads and binds. `data` is a file, or a folder of arrays, each `NAME.npy`.
pub fn load(program: &Path, data: &Path) -> Result<Model, Box<dyn Error>> {
    let program = Program::load(program).map_err(|e| e.to_string())?;
    let data = load_data(&program, data)?;
    Ok(program.bind(&data).map_err(|e| e.to_string())?)
}

pub fn load_data(program: &Program, path: &Path) -> Result<Data, Box<dyn Error>> {
    if !path.is_dir() {
        let mut sources = program.sources().clone();
        return Ok(data::load(&Disk, path, &mut sources).map_err(|e| format!("{e:?}"))?);
    }
    let mut files: Vec<_> = std::fs::read_dir(path)?
        .map(|f| Ok(f?.path()))
        .collect::<Result<_, std::io::Error>>()?;
    files.sort();
    let mut data = Data::default();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        data.insert(&*name, array(&std::fs::read(&file)?)?);
    }
    Ok(data)
}

/// An array of doubles in NumPy's format, version 1.
fn array(bytes: &[u8]) -> Result<Values, Box<dyn Error>> {
    let length = bytes.get(8..10).ok_or("no header")?;
    let start = 10 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    let header = std::str::from_utf8(bytes.get(10..start).ok_or("a short header")?)?;
    if !header.contains("'<f8'") || !header.contains("'fortran_order': False") {
        return Err(format!("not doubles in rows: {header}").into());
    }
    let shape = header.split(['(', ')']).nth(1).ok_or("no shape")?;
    let extents = shape.split(',').filter(|s| !s.trim().is_empty());
    let shape: Vec<usize> = extents
        .map(|s| s.trim().parse())
        .collect::<Result<_, _>>()?;
    let (numbers, _) = bytes[start..].as_chunks::<8>();
    let data: Vec<f64> = numbers.iter().map(|b| f64::from_le_bytes(*b)).collect();
    let integer = data.iter().all(|x| x.fract() == 0.0);
    Ok(Values::Numbers {
        shape,
        data,
        missing: Vec::new(),
        integer,
        boolean: false,
    })
}

/// Log density with log Jacobian and gradient, at one point or at several at once.
pub struct Gradient {
    pub tape: Tape,
    at: Vec<f64>,
    /// Length of each block, and how many points there are.
    sizes: Vec<usize>,
    points: usize,
}

impl Gradient {
    /// Of `density`, which is the model's `log_joint`, as fits use it, or `as_written`.
    pub fn new(model: &Model, density: NodeId, points: usize) -> Gradient {
        let (graph, inputs, outputs) = differentiate(model, density, points);
        Gradient {
            tape: Tape::compile(&graph, &inputs, &outputs),
            at: vec![0.0; points * model.size()],
            sizes: model.blocks.iter().map(|b| b.size).collect(),
            points,
        }
    }

    /// Values at the points, then gradients, point after point. Later runs start from there.
    pub fn at(&mut self, points: &[f64]) -> (Vec<f64>, Vec<f64>) {
        self.at = self.by_blocks(points);
        self.tape.set_inputs_flat(&self.at);
        self.tape.run();
        let out = self.tape.outputs_flat();
        let (values, gradients) = out.split_at(self.points);
        (values.to_vec(), self.by_points(gradients))
    }

    /// One run, whose point depends on the gradient of the run before.
    pub fn step(&mut self) {
        self.tape.run();
        let (inputs, outputs) = self.tape.inputs_and_outputs_flat();
        let n = self.at.len();
        let (inputs, gradient) = (&mut inputs[..n], &outputs[self.points..][..n]);
        for i in 0..n {
            inputs[i] = self.at[i] + NUDGE * gradient[i];
        }
    }

    /// Where each element of a list of points stands in the inputs, which are block after block.
    fn places(&self) -> Vec<usize> {
        let mut places = vec![0; self.at.len()];
        let (width, mut start) = (self.sizes.iter().sum::<usize>(), 0);
        for size in &self.sizes {
            for point in 0..self.points {
                for i in 0..*size {
                    places[point * width + start + i] = self.points * start + point * size + i;
                }
            }
            start += size;
        }
        places
    }

    fn by_blocks(&self, points: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; points.len()];
        let places = self.places();
        places.iter().zip(points).for_each(|(&p, x)| out[p] = *x);
        out
    }

    fn by_points(&self, blocks: &[f64]) -> Vec<f64> {
        self.places().iter().map(|&p| blocks[p]).collect()
    }
}

/// The graph of values and gradients, its inputs and outputs. Several points are a leading axis, as
/// the draws of a fit are.
pub fn differentiate(
    model: &Model,
    density: NodeId,
    points: usize,
) -> (Graph, Vec<NodeId>, Vec<NodeId>) {
    let graph = Graph::new();
    let mut walk = Rebuild::batched(&model.graph, &graph, points);
    let shape = |size| match points {
        1 => vec![size],
        _ => vec![points, size],
    };
    let blocks = model.blocks.iter();
    let inputs: Vec<Var> = blocks.map(|b| graph.input(&shape(b.size))).collect();
    for (block, input) in model.blocks.iter().zip(&inputs) {
        walk.substitute(block.input, *input, points > 1);
    }
    let wanted = [density, model.log_jacobian];
    let parts: Vec<Var> = match points {
        1 => walk.emit(&wanted).iter().map(|lane| lane.var).collect(),
        _ => walk.emit_batched(&wanted),
    };
    let values = parts[0] + parts[1];
    let gradients = grad(values.sum(), &inputs);
    let ids = |vars: &[Var]| vars.iter().map(|v| v.id).collect::<Vec<_>>();
    let (inputs, outputs) = (ids(&inputs), [vec![values.id], ids(&gradients)].concat());
    (graph, inputs, outputs)
}
