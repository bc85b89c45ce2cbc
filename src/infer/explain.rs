//! Turns a point where the density is not finite into the statement, element and operands to blame.

use super::density::Density;
use super::error;
use crate::diag::{Diagnostic, Span};
use crate::graph::element::name;
use crate::graph::{Graph, NodeId, Origin, Tensor, evaluate, first_non_finite, needed};
use crate::model::Model;
use crate::tape::Precision;

/// Why log density or gradient are not finite at a point of the flat unconstrained vector; `None`
/// where they are finite.
///
/// The slow evaluator runs the point again and finds the first node that is NaN or ∞ though its
/// operands are not; a density of −∞ is traced to the term that has it. Elements are counted from 1. Of a model that
/// is told its rows those of the first batch are looked at.
pub fn explain_non_finite(model: &Model, point: &[f64]) -> Option<Diagnostic> {
    let written = explain_in(model, &Density::as_written(model), point);
    // What was summed beforehand may overflow sooner than the elements.
    written.or_else(|| explain_in(model, &Density::new(model, Precision::Double), point))
}

fn explain_in(model: &Model, density: &Density, point: &[f64]) -> Option<Diagnostic> {
    let feeds = density.feeds(point);
    let outputs = density.outputs();
    let values = evaluate(&density.graph, &feeds, &outputs);
    let finite = |t: &Tensor| t.data().iter().all(|x| x.is_finite());
    if values.iter().all(finite) {
        return None;
    }
    // Where the value is finite, only the gradient's own nodes are to blame.
    let value_alone = &outputs[..1];
    if !finite(&values[0]) {
        return Some(blame(model, density, point, value_alone, ""));
    }
    Some(blame(model, density, point, &outputs, "in its gradient, "))
}

/// The statement that made the first value that is not finite.
fn blame(
    model: &Model,
    density: &Density,
    point: &[f64],
    outputs: &[NodeId],
    within: &str,
) -> Diagnostic {
    let feeds = density.feeds(point);
    let first = first_non_finite(&density.graph, &feeds, outputs)
        .or_else(|| first_infinite(&density.graph, &feeds, outputs));
    let Some((id, element, value, args)) = first else {
        return error::not_finite(None, "a constant in it is NaN".into());
    };
    // ∞ made of −∞: the sign alone was changed, and a density of 0 came before.
    if args.iter().any(|a| a.data().contains(&f64::NEG_INFINITY))
        && let Some(impossible) = impossible_term(model, point)
    {
        return impossible;
    }
    let node = density.graph.node(id);
    let operands = args.iter().map(|a| operand(a, element, value.numel()));
    let place = place(model, node.origin);
    if let Some(why) = node.op.0.fault(&args.iter().collect::<Vec<_>>()) {
        return error::not_finite(place, format!("{within}{why}"));
    }
    let at = name("", value.shape(), element);
    let what = format!(
        "{within}{}({}) = {}{}",
        node.op.0.name(),
        operands.collect::<Vec<_>>().join(", "),
        number(value.data()[element]),
        if at.is_empty() {
            String::new()
        } else {
            format!(" at element {at}")
        },
    );
    error::not_finite(place, what)
}

/// As [`first_non_finite`], with −∞ counted too: no mistake in a log density, but one in a gradient.
fn first_infinite(
    graph: &Graph,
    feeds: &[(NodeId, Tensor)],
    outputs: &[NodeId],
) -> Option<(NodeId, usize, Tensor, Vec<Tensor>)> {
    let nodes = needed(graph, outputs, |id| graph.var(id).as_const().is_some());
    let values = evaluate(graph, feeds, &nodes);
    let infinite = |(&id, value): (&NodeId, &Tensor)| {
        let element = value.data().iter().position(|x| !x.is_finite())?;
        graph.var(id).as_const().is_none().then_some((id, element))
    };
    let (id, element) = nodes.iter().zip(&values).find_map(infinite)?;
    let known = graph.node(id).args.to_vec();
    let wanted = [&[id], known.as_slice()].concat();
    let mut values = evaluate(graph, feeds, &wanted).into_iter();
    Some((id, element, values.next()?, values.collect()))
}

fn place(model: &Model, origin: Origin) -> Option<(Span, &str)> {
    let place = model.places.get((origin.0 as usize).checked_sub(1)?)?;
    Some((place.span, place.text.as_str()))
}

/// The operand's value where the element was made, or what shape it has.
fn operand(arg: &Tensor, element: usize, numel: usize) -> String {
    if arg.numel() == numel {
        number(arg.data()[element])
    } else if arg.numel() == 1 {
        number(arg.data()[0])
    } else {
        format!("array of {:?}", arg.shape().as_slice())
    }
}

fn number(x: f64) -> String {
    let magnitude = x.abs();
    if x.is_nan() {
        "NaN".into()
    } else if x.is_infinite() {
        if x > 0.0 { "∞" } else { "−∞" }.into()
    } else if x != 0.0 && !(1e-4..1e7).contains(&magnitude) {
        format!("{x:.4e}")
    } else {
        // Six significant digits are enough to recognise a number by.
        let digits = 5 - magnitude.max(1e-9).log10().floor().clamp(-4.0, 5.0) as i32;
        let fixed = format!("{x:.*}", digits.max(0) as usize);
        let trimmed = if fixed.contains('.') {
            fixed.trim_end_matches('0').trim_end_matches('.')
        } else {
            &fixed
        };
        trimmed.to_string()
    }
}

/// The first term whose density is 0.
fn impossible_term(model: &Model, point: &[f64]) -> Option<Diagnostic> {
    let mut at = 0;
    let feed = |b: &crate::model::Block| {
        at += b.size;
        (b.input, Tensor::vector(&point[at - b.size..at]))
    };
    let mut feeds: Vec<(NodeId, Tensor)> = model.blocks.iter().map(feed).collect();
    feeds.extend(model.rows.iter().flat_map(|rows| rows.first(&model.graph)));
    let nodes: Vec<NodeId> = model.terms.iter().map(|t| t.pointwise).collect();
    let values = evaluate(&model.graph, &feeds, &nodes);
    for (term, value) in model.terms.iter().zip(&values) {
        let element = value.data().iter().position(|&x| x == f64::NEG_INFINITY);
        if let Some(element) = element {
            let index = name("", value.shape(), element);
            let element = if index.is_empty() {
                String::new()
            } else {
                format!(" at element {index}")
            };
            return Some(error::impossible(&term.name, term.span, &element));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_indices_count_from_1() {
        let shown = [0.0, -1.25, 1e-9, 123456.78, 3e8, 0.1 + 0.2];
        let texts: Vec<String> = shown.iter().map(|&x| number(x)).collect();
        assert_eq!(
            texts,
            ["0", "-1.25", "1.0000e-9", "123457", "3.0000e8", "0.3"]
        );
    }
}
