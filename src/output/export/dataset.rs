//! A group as xarray has it: arrays whose axes are named, and a coordinate for every axis.
//!
//! Axes are called as the program calls them. In xarray one name is one axis with one list of coordinates, in no
//! array twice, and no other array has the name. Where the program's names do not keep to that,
//! an axis is called as ArviZ calls one without a name, `theta_dim_0`, and an array gets a `_` after its name.

use super::super::Quantity;
use super::inference_data::{Attribute, Content, InferenceData};
use crate::types::Base;
use std::collections::HashSet;

/// A group, ready to be written.
pub(super) struct Dataset<'a> {
    pub(super) name: &'static str,
    pub(super) attributes: Vec<(&'static str, Attribute)>,
    /// The group's axes in the order in which arrays name them: each an array of one axis, of its own name.
    pub(super) coordinates: Vec<Array<'a>>,
    pub(super) variables: Vec<Array<'a>>,
}

/// Values, row-major, along named axes.
pub(super) struct Array<'a> {
    pub(super) name: String,
    pub(super) dims: Vec<String>,
    pub(super) shape: Vec<usize>,
    pub(super) values: Values<'a>,
}

#[derive(PartialEq)]
pub(super) enum Values<'a> {
    Real(&'a [f64]),
    Int(Vec<i64>),
    Bool(Vec<bool>),
    Text(&'a [String]),
}

/// An axis of a group.
struct Axis<'a> {
    name: String,
    extent: usize,
    labels: Option<&'a [String]>,
}

/// The groups of a fit in their order.
pub(super) fn datasets(data: &InferenceData) -> Vec<Dataset<'_>> {
    let of = |content| dataset(content, data);
    data.contents.iter().map(of).collect()
}

fn dataset<'a>(content: &'a Content, data: &InferenceData) -> Dataset<'a> {
    let own = |name: &str, extent| Axis {
        name: name.to_owned(),
        extent,
        labels: None,
    };
    let mut axes = match content.group.drawn {
        true => vec![own("chain", 1), own("draw", content.draws)],
        false => Vec::new(),
    };
    let sampled = axes.len();
    let dims: Vec<Vec<usize>> = (content.quantities.iter())
        .map(|q| (0..sampled).chain(axes_of(q, &mut axes)).collect())
        .collect();
    let mut taken: HashSet<String> = axes.iter().map(|a| a.name.clone()).collect();
    let mut variables = Vec::new();
    for (quantity, dims) in content.quantities.iter().zip(dims) {
        // An extent is told by the axis that it is the extent of.
        let is_extent = |a: &Axis| a.name == quantity.name && quantity.draws == [a.extent as f64];
        if !content.group.drawn && axes.iter().any(is_extent) {
            continue;
        }
        variables.push(Array {
            name: free(file_name(&quantity.name), &mut taken),
            dims: dims.iter().map(|&d| axes[d].name.clone()).collect(),
            shape: dims.iter().map(|&d| axes[d].extent).collect(),
            values: values(quantity),
        });
    }
    let coordinate = |(i, axis): (usize, Axis<'a>)| Array {
        dims: vec![axis.name.clone()],
        shape: vec![axis.extent],
        values: match axis.labels {
            Some(labels) => Values::Text(labels),
            // ArviZ counts draws from 0, the program its elements from 1.
            None => {
                let first = usize::from(i >= sampled);
                Values::Int((first..first + axis.extent).map(|k| k as i64).collect())
            }
        },
        name: axis.name,
    };
    Dataset {
        name: content.group.name,
        attributes: match content.group.name {
            "posterior" => data.attributes(),
            _ => InferenceData::library(),
        },
        coordinates: axes.into_iter().enumerate().map(coordinate).collect(),
        variables,
    }
}

/// Places among a group's axes of those of an array, which are added if they are new.
fn axes_of<'a>(quantity: &'a Quantity, axes: &mut Vec<Axis<'a>>) -> Vec<usize> {
    let mut own: Vec<usize> = Vec::new();
    for (i, &extent) in quantity.shape.iter().enumerate() {
        let labels = quantity.labels.get(i).and_then(|l| l.as_deref());
        let named = quantity.dims.get(i).and_then(|d| d.as_deref());
        let numbered = file_name(&format!("{}_dim_{i}", quantity.name));
        let mut name = named.map_or(numbered.clone(), file_name);
        let at = loop {
            let Some(at) = axes.iter().position(|a| a.name == name) else {
                axes.push(Axis {
                    name,
                    extent,
                    labels,
                });
                break axes.len() - 1;
            };
            let same = axes[at].extent == extent && axes[at].labels == labels;
            let of_draws = ["chain", "draw"].contains(&name.as_str());
            if same && !of_draws && !own.contains(&at) {
                break at;
            }
            name = match name.starts_with(&numbered) {
                true => name + "_",
                false => numbered.clone(),
            };
        };
        own.push(at);
    }
    own
}

/// A name that is not taken yet, and is from now on.
pub(super) fn free(mut name: String, taken: &mut HashSet<String>) -> String {
    while !taken.insert(name.clone()) {
        name.push('_');
    }
    name
}

/// A name that is one step of a path.
fn file_name(name: &str) -> String {
    name.replace(['/', '\\', '\0'], "_")
}

/// Values as what the program says that they are; as reals where they are not.
pub(super) fn values(quantity: &Quantity) -> Values<'_> {
    let draws = &quantity.draws;
    // Whole numbers of this size are exact in both forms.
    let whole = |x: &f64| x.fract() == 0.0 && x.abs() <= 9_007_199_254_740_992.0;
    match quantity.base {
        Base::Bool if draws.iter().all(|x| [0.0, 1.0].contains(x)) => {
            Values::Bool(draws.iter().map(|&x| x == 1.0).collect())
        }
        Base::Int if draws.iter().all(whole) => {
            Values::Int(draws.iter().map(|&x| x as i64).collect())
        }
        _ => Values::Real(draws),
    }
}

impl Values<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Values::Real(values) => values.len(),
            Values::Int(values) => values.len(),
            Values::Bool(values) => values.len(),
            Values::Text(values) => values.len(),
        }
    }
}
