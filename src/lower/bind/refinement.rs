//! What the type of data says of their values.

use super::{Binder, element_text, error};
use crate::check::program::{DataDecl, Refinement};
use crate::diag::Diagnostic;
use crate::dist::Support;
use crate::graph::numel;

impl Binder<'_> {
    pub(super) fn check_refinement(
        &self,
        decl: &DataDecl,
        name: &str,
        shape: &[usize],
        data: &[f64],
        missing: &[usize],
        file: &str,
    ) -> Result<(), Box<Diagnostic>> {
        let span = self.name_span(decl);
        let what = refinement_name(decl.refinement);
        let refuse = |flat: usize, lead: usize, wrong: &str| {
            let element = element_text(&shape[..lead], flat);
            let place = (name, element.as_str(), file);
            Box::new(error::refinement(span, place, what, wrong))
        };
        type Test = fn(f64) -> bool;
        let scalar: Option<(Test, &str)> = match decl.refinement {
            Refinement::Positive => Some((|x| x > 0.0, "above 0")),
            Refinement::Nonnegative => Some((|x| x >= 0.0, "0 or above")),
            Refinement::Unit => Some((|x| (0.0..=1.0).contains(&x), "between 0 and 1")),
            _ => None,
        };
        if let Some((test, must)) = scalar {
            for (i, &x) in data.iter().enumerate() {
                if missing.binary_search(&i).is_err() && !test(x) {
                    let wrong = format!("is {x}, but must be {must}");
                    return Err(refuse(i, shape.len(), &wrong));
                }
            }
            return Ok(());
        }
        let Some((support, rank)) = refined_support(decl.refinement) else {
            return Ok(());
        };
        if !missing.is_empty() {
            let element = element_text(shape, missing[0]);
            return Err(Box::new(error::missing_value(
                span,
                name,
                &element,
                file,
                "a vector or matrix with constraints must be whole",
            )));
        }
        let lead = shape.len() - rank;
        let event = &shape[lead..];
        for (i, part) in data.chunks(numel(event).max(1)).enumerate() {
            let lower = (decl.refinement == Refinement::PositiveOrdered).then_some(0.0);
            if let Err(why) = crate::transform::contains(&support, event, part, lower, None) {
                let wrong = format!("must be {}: {why}", with_article(decl.refinement));
                return Err(refuse(i, lead, &wrong));
            }
        }
        Ok(())
    }
}

pub(super) fn all_missing(data: &[f64], mut missing: Vec<usize>) -> Vec<usize> {
    missing.extend((0..data.len()).filter(|&i| data[i].is_nan()));
    missing.sort_unstable();
    missing.dedup();
    missing
}

pub(super) fn refinement_name(refinement: Refinement) -> &'static str {
    match refinement {
        Refinement::None => "number",
        Refinement::Positive => "positive",
        Refinement::Nonnegative => "nonnegative",
        Refinement::Unit => "unit",
        Refinement::Simplex => "simplex",
        Refinement::Ordered => "ordered",
        Refinement::PositiveOrdered => "positive_ordered",
        Refinement::UnitVector => "unit_vector",
        Refinement::Correlation => "correlation",
        Refinement::CholeskyCorrelation => "cholesky_correlation",
        Refinement::Covariance => "covariance",
        Refinement::CholeskyCovariance => "cholesky_covariance",
        Refinement::Label => "label",
    }
}

pub(super) fn with_article(refinement: Refinement) -> &'static str {
    match refinement {
        Refinement::Simplex => "a simplex",
        Refinement::Ordered => "in increasing order",
        Refinement::PositiveOrdered => "positive and in increasing order",
        Refinement::UnitVector => "a unit vector",
        Refinement::Correlation => "a correlation matrix",
        Refinement::CholeskyCorrelation => "a Cholesky factor of a correlation matrix",
        Refinement::Covariance => "a covariance matrix",
        Refinement::CholeskyCovariance => "a Cholesky factor of a covariance matrix",
        other => refinement_name(other),
    }
}

/// The support of a refinement of vectors or matrices, with its rank.
pub(in crate::lower) fn refined_support(
    refinement: Refinement,
) -> Option<(Support<'static>, usize)> {
    Some(match refinement {
        Refinement::Simplex => (Support::Simplex, 1),
        Refinement::Ordered | Refinement::PositiveOrdered => (
            Support::Ordered {
                lower: None,
                upper: None,
            },
            1,
        ),
        Refinement::UnitVector => (Support::UnitVector, 1),
        Refinement::Correlation => (Support::Correlation, 2),
        Refinement::CholeskyCorrelation => (Support::CholeskyCorrelation, 2),
        Refinement::Covariance => (Support::Covariance, 2),
        Refinement::CholeskyCovariance => (Support::CholeskyCovariance, 2),
        _ => return None,
    })
}
