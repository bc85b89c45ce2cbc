//! A fit as a table: a row for each draw, what the forms of columns have in common.

use super::super::Quantity;
use super::dataset::free;
use super::inference_data::{Group, InferenceData};
use std::collections::HashSet;

/// An array that has columns, and the name it has there.
pub(super) struct Columns<'a> {
    pub(super) name: String,
    pub(super) quantity: &'a Quantity,
}

/// Arrays that have a value for each posterior draw: the posterior, then of data what was drawn anew, `y_rep`, and
/// the log likelihood, `log_lik`, or `log_lik_y` where there is that of several.
pub(super) fn columns(data: &InferenceData) -> Vec<Columns<'_>> {
    let (draws, posterior) = data.group(Group::POSTERIOR);
    let likelihoods = data.group(Group::LOG_LIKELIHOOD).1.len();
    let renamed = |group: Group, name: &str| match (group, likelihoods) {
        (Group::POSTERIOR_PREDICTIVE, _) => format!("{name}_rep"),
        (_, 1) => "log_lik".into(),
        _ => format!("log_lik_{name}"),
    };
    let named = |quantity: &Quantity| quantity.name.clone();
    let mut taken: HashSet<String> = posterior.iter().map(named).collect();
    let of_posterior = posterior.iter().map(|quantity| Columns {
        name: named(quantity),
        quantity,
    });
    let mut all: Vec<Columns> = of_posterior.collect();
    for group in [Group::POSTERIOR_PREDICTIVE, Group::LOG_LIKELIHOOD] {
        let (made, quantities) = data.group(group);
        // A row has one draw of everything.
        let quantities = quantities.iter().filter(|_| made == draws);
        all.extend(quantities.map(|quantity| Columns {
            name: free(renamed(group, &quantity.name), &mut taken),
            quantity,
        }));
    }
    all
}
