//! Stand-in with the interface of the compiled tape.
use crate::graph::{Graph, NodeId, Rebuild, Tensor, evaluate};

pub struct Tape {
    graph: Graph,
    inputs: Vec<NodeId>,
    outputs: Vec<NodeId>,
    given: Vec<Vec<f64>>,
    values: Vec<Tensor>,
}

impl Tape {
    pub fn compile(graph: &Graph, inputs: &[NodeId], outputs: &[NodeId]) -> Tape {
        let own = Graph::new();
        let (mine, given, outs) = {
            let mut rebuild = Rebuild::new(graph, &own);
            let mut mine = Vec::new();
            let mut given = Vec::new();
            for &i in inputs {
                let v = own.input(&graph.var(i).shape());
                rebuild.substitute(i, v, false);
                mine.push(v.id);
                given.push(vec![0.0; v.numel()]);
            }
            let outs: Vec<NodeId> = rebuild.emit(outputs).iter().map(|l| l.var.id).collect();
            (mine, given, outs)
        };
        Tape { graph: own, inputs: mine, outputs: outs, given, values: Vec::new() }
    }
    pub fn input_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.given[i]
    }
    pub fn run(&mut self) {
        let feeds: Vec<(NodeId, Tensor)> = self
            .inputs
            .iter()
            .zip(&self.given)
            .map(|(&i, v)| (i, Tensor::new(self.graph.var(i).shape(), v.clone())))
            .collect();
        self.values = evaluate(&self.graph, &feeds, &self.outputs);
    }
    pub fn output(&self, i: usize) -> &[f64] {
        self.values[i].data()
    }
}
