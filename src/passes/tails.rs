//! A distribution function and its derivatives in the parameters at the same arguments are computed in one
//! pass over its series.
//!
//! A gradient needs the value and the first derivatives, a Hessian product the second ones too; each by
//! itself would sum the series anew.

use super::Subject;
use super::walk::{Old, rewrite};
use crate::ops::{Incomplete, IncompleteOrders};

pub fn tails(subject: Subject) -> Subject {
    rewrite(subject, |old, i, args, _| {
        let one = old.nodes[i].op.get::<Incomplete>()?;
        let orders = orders_beside(old, i, one);
        let at = orders.iter().position(|o| *o == one.order)?;
        if orders.len() < 2 {
            return None;
        }
        let Incomplete {
            integrand, tail, ..
        } = *one;
        #[rustfmt::skip]
        let joint = IncompleteOrders { integrand, tail, orders };
        // Made once: equal nodes of a graph are one.
        let all = args[0].graph.apply(joint.clone(), args);
        Some(joint.part(all, at))
    })
}

/// The orders, ascending, to which the same tail is differentiated at the same arguments.
fn orders_beside(old: &Old, i: usize, one: &Incomplete) -> Vec<[u8; 2]> {
    let node = &old.nodes[i];
    let mut orders: Vec<[u8; 2]> = old.users[node.args[0].index()]
        .iter()
        .map(|&user| &old.nodes[user])
        .filter(|other| other.args == node.args)
        .filter_map(|other| other.op.get::<Incomplete>())
        .filter(|other| (other.integrand, other.tail) == (one.integrand, one.tail))
        .map(|other| other.order)
        .collect();
    orders.sort_unstable();
    orders.dedup();
    orders
}
