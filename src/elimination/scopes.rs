//! Factors sorted by their variables: rows with equal variables are one, and a variable that a row has twice is once.

use super::{FactorGraph, Scope};
use std::collections::HashMap;

/// Rows of one table of factors whose axes meet their variables in one way.
#[derive(Debug)]
pub struct Part {
    pub table: usize,
    /// Rows of the table.
    pub rows: Vec<u32>,
    /// For each axis of the table which axis of the scope it is; two may be one.
    pub axes: Vec<usize>,
    /// For each of `rows` which of the scopes it has.
    pub cells: Vec<u32>,
    /// Ascending variables of each cell.
    pub scopes: Vec<Scope>,
    pub alike: bool,
}

/// The parts of all tables.
pub fn parts(graph: &FactorGraph) -> Vec<Part> {
    let mut parts = Vec::new();
    for (table, factors) in graph.factors.iter().enumerate() {
        let mut of_form: Vec<(Part, HashMap<Scope, u32>)> = Vec::new();
        for (row, vars) in factors.scopes.chunks(factors.arity).enumerate() {
            let mut scope = Scope::from_slice(vars);
            scope.sort_unstable();
            scope.dedup();
            let place = |v| scope.binary_search(v).expect("it is one of them");
            let axes: Vec<usize> = vars.iter().map(place).collect();
            let at = match of_form.iter().position(|(part, _)| part.axes == axes) {
                Some(at) => at,
                None => {
                    let part = Part {
                        table,
                        rows: Vec::new(),
                        axes,
                        cells: Vec::new(),
                        scopes: Vec::new(),
                        alike: factors.alike,
                    };
                    of_form.push((part, HashMap::new()));
                    of_form.len() - 1
                }
            };
            let (part, known) = &mut of_form[at];
            let cell = *known.entry(scope).or_insert_with_key(|scope| {
                part.scopes.push(scope.clone());
                part.scopes.len() as u32 - 1
            });
            part.rows.push(row as u32);
            part.cells.push(cell);
        }
        parts.extend(of_form.into_iter().map(|(part, _)| part));
    }
    parts
}

/// Places of the variables of `inner` in `outer`, both ascending.
pub fn places(inner: &[u32], outer: &[u32]) -> Vec<usize> {
    let place = |v| {
        outer
            .binary_search(v)
            .expect("a clique has its factors' variables")
    };
    inner.iter().map(place).collect()
}
