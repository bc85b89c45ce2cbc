//! Discrete latents, which are summed out: all their values are gone through.
//!
//! A discrete latent is a loop over its states. Reading `z[i]` gives the states along an axis of its own, so that
//! whatever is computed of it varies along that axis and no code but this knows of it: `mu[z[i]]` picks along it,
//! `if z[i] == 1` leaves some of its turns, `for k in 1..z[i]` is as long as each of them says. A summand of the log
//! density that varies along such axes is a table of factors ([`factor`]), a row for each turn of the other loops; which
//! element of `z` a row's axis stands for is known from data. [`sum`] has them summed by [`elimination`](crate::elimination).

mod definitions;
mod elements;
mod factor;
mod read;
mod sampled;
mod sum;

use super::distribution::DistValue;
use super::value::{AxisId, AxisList, Value};
use super::{Lowerer, Result, error};
use crate::check::program::{Expr, Target, VarId};
use crate::diag::{Diagnostics, Span};
use crate::dist::Support;
use crate::graph::Var;
use crate::types::{Base, Type};
pub(super) use elements::by_elements;
pub(super) use factor::Factor;
use std::collections::{BTreeMap, BTreeSet};

/// The discrete latents of a lowering.
#[derive(Clone, Default)]
pub(super) struct Discrete<'g> {
    sites: BTreeMap<VarId, Site<'g>>,
    references: Vec<Reference>,
    factors: Vec<Factor<'g>>,
    /// Those that are sampled instead.
    sampled: BTreeMap<VarId, sampled::Sampled<'g>>,
    /// Those that are to be sampled.
    wanted: BTreeMap<VarId, Sampling>,
    /// Those that no density depends on: draws of results.
    free: BTreeSet<VarId>,
    /// What depends on discrete latents by definition, and on which.
    depends: BTreeMap<VarId, VarId>,
    /// One that cannot be summed out, and why.
    refused: Option<(VarId, String)>,
    /// Definitions of arrays by discrete latents: where they are read they are put in place.
    inlined: BTreeSet<usize>,
    /// The one whose draw is looked at to know its states, which may read it.
    assumed: Option<VarId>,
    /// Names of those that have been drawn again, with how many elements they have.
    drawn: Vec<(String, usize)>,
    /// Whether the sums are done, so that what is drawn for the results can be.
    done: bool,
    /// Whether this is a lowering inside another, of a step or a right-hand side.
    inside: bool,
}

impl<'g> Discrete<'g> {
    /// What results hold draws of.
    pub(super) fn take_drawn(&mut self) -> Vec<(String, usize)> {
        std::mem::take(&mut self.drawn)
    }

    /// For a lowering inside this one, which cannot read any.
    pub(super) fn inside<'b>(&self) -> Discrete<'b> {
        // What is sampled is read as other values are.
        let summed = self.sites.iter().filter(|(_, site)| site.value.is_none());
        let summed = summed.map(|(var, site)| {
            let Site {
                lower,
                upper,
                extents,
                span,
                ..
            } = site.clone();
            let value = None;
            let site = Site {
                lower,
                upper,
                extents,
                value,
                span,
            };
            (*var, site)
        });
        Discrete {
            sites: summed.collect(),
            inside: true,
            ..Discrete::default()
        }
    }
}

/// How a latent is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sampling {
    /// It is followed which element is read where, so that it is known what an element reaches.
    Tracked,
    /// It is a value like others: each element may reach all.
    Untracked,
}

/// A discrete latent.
#[derive(Clone, Debug)]
struct Site<'g> {
    /// The least and the largest value that any element may have.
    lower: f64,
    upper: f64,
    /// Extents of the array that it is, once they are known.
    extents: Vec<usize>,
    /// The array, of one that is sampled.
    value: Option<Var<'g>>,
    span: Span,
}

impl Site<'_> {
    fn states(&self) -> usize {
        (self.upper - self.lower) as usize + 1
    }

    fn values(&self) -> Vec<f64> {
        (0..self.states()).map(|k| self.lower + k as f64).collect()
    }
}

/// A place in the program that reads elements: the axis of their states.
#[derive(Clone, Debug)]
struct Reference {
    var: VarId,
    axis: AxisId,
    /// Loops on which it depends which element it is, and for each of their turns the place of that.
    axes: AxisList,
    places: Vec<Vec<usize>>,
}

/// How many terms the sums of one density may have, if nothing else is said.
const MOST_TERMS: f64 = 1e7;

/// Serials of draws of discrete latents go down from here.
const LAST_SERIAL: u32 = u32::MAX - 1;

/// Whether a statement draws whole numbers.
pub(super) fn draws_whole_numbers(dist: &Expr) -> bool {
    matches!(&dist.ty, Type::Distribution { base, .. } if *base != Base::Real)
}

impl<'g> Lowerer<'_, 'g> {
    /// Whether a variable is a discrete latent whose values are gone through.
    pub(super) fn is_summed(&self, var: VarId) -> bool {
        self.discrete.sites.contains_key(&var) || self.discrete.assumed == Some(var)
    }

    /// A draw of a discrete latent: its states are found.
    pub(super) fn define_discrete(
        &mut self,
        target: &Target,
        dist: &Expr,
        axes: &AxisList,
        arguments_known: bool,
    ) -> Result<()> {
        if self.discrete.free.contains(&target.var) {
            return match self.discrete.done {
                true => self.define_free(target, dist, axes),
                false => Ok(()),
            };
        }
        let before = self.discrete.assumed;
        if !arguments_known {
            self.discrete.assumed = Some(target.var);
        }
        let found = self.distribution(dist).and_then(|d| {
            let wide = self.with_states(&d, axes);
            let (support, ..) = self.own_support(&d, &wide, d.array.len(), dist.span)?;
            Ok((support, d))
        });
        self.discrete.assumed = before;
        let (support, d) = found?;
        let name = self.program.variable(target.var).name.clone();
        let family = d.family.declaration().name;
        if !d.event.is_empty() {
            return Err(vec![error::not_inferred(
                target.span,
                &name,
                dist.span,
                family,
            )]);
        }
        let sampled = self.discrete.wanted.contains_key(&target.var);
        let (lower, upper) = match ends(&support) {
            Some(ends) => ends,
            None if sampled => (0.0, 0.0),
            None => {
                let why = format!("`{family}` has no last value that is known");
                return Err(self.refuse(target.var, target.span, &why));
            }
        };
        let mut extents: Vec<usize> = axes.iter().map(|a| self.extent(*a)).collect();
        extents.extend(&d.array);
        self.expect_size(&format!("`{name}`"), extents.iter().copied(), target.span)?;
        let site = Site {
            lower,
            upper,
            extents: Vec::new(),
            value: None,
            span: target.span,
        };
        let untracked = self.discrete.wanted.get(&target.var) == Some(&Sampling::Untracked);
        if !untracked {
            self.discrete.sites.entry(target.var).or_insert(site);
        }
        if sampled {
            self.drawn = true;
            let mean = self
                .prior_mean(&d, axes, dist.span)
                .filter(|_| arguments_known);
            let support = match self.with_states(&d, axes) == *axes {
                true => support,
                // The same in all rows, whatever the states are.
                false => {
                    let (ends, graph) = (ends(&support), self.graph);
                    Support::Integers {
                        lower: ends.map(|e| graph.scalar(e.0)),
                        upper: ends.map(|e| graph.scalar(e.1)),
                    }
                }
            };
            return self.define_sampled(target, &support, mean, &extents, axes);
        }
        let site = self
            .discrete
            .sites
            .get_mut(&target.var)
            .expect("it was put there above");
        site.lower = site.lower.min(lower);
        site.upper = site.upper.max(upper);
        let states = site.states();
        self.expect_size(&format!("the states of `{name}`"), [states], target.span)?;
        // Numbers in their place tell which elements there are.
        let stand_in = self.graph.scalar(lower).broadcast(&extents);
        self.bind_target(target, stand_in, axes, None)
    }

    /// A draw that no density depends on, given each draw of all else: `∑ p(z | x) = 1`.
    fn define_free(&mut self, target: &Target, dist: &Expr, axes: &AxisList) -> Result<()> {
        let d = self.distribution(dist)?;
        // Groups of other draws count from 0.
        let serial = LAST_SERIAL - self.graph.origin().0;
        let key = self.result_key();
        let value = self.draw_of(&d, axes, &d.array, (key, serial), dist.span)?;
        let name = self.program.variable(target.var).name.clone();
        self.discrete.drawn.push((name, value.var.numel()));
        if target.indices.is_empty() {
            self.env.insert(target.var, value);
            return Ok(());
        }
        self.add_piece(target, &value, axes, None)
    }

    /// Whether a draw is of a discrete latent that no density depends on.
    pub(super) fn is_free(&self, var: VarId) -> bool {
        self.discrete.free.contains(&var)
    }

    /// Says which latents are to be sampled.
    pub(super) fn sample(&mut self, latents: impl Iterator<Item = (VarId, Sampling)>) {
        self.discrete.wanted = latents.collect();
    }

    /// A latent that cannot be summed out, and why, if that is what went wrong.
    pub(super) fn take_refused(&mut self) -> Option<(VarId, String)> {
        self.discrete.refused.take()
    }

    /// Remembers that a latent cannot be summed out, so that it is sampled.
    fn refuse(&mut self, var: VarId, span: Span, why: &str) -> Diagnostics {
        let problem = error::not_summed(span, &self.program.variable(var).name, why);
        if !self.discrete.inside {
            self.discrete.refused.get_or_insert((var, why.into()));
        }
        vec![problem]
    }

    /// Means of draws, where they are known: there a factor of the guide starts.
    fn prior_mean(&mut self, d: &DistValue<'g>, axes: &AxisList, span: Span) -> Option<Var<'g>> {
        if self.with_states(d, axes) != *axes {
            return None;
        }
        let dist = self.checked(d, axes, d.array.len(), span).ok()?;
        dist.family.mean(&dist)
    }

    /// Once all elements of an array are there, those that are discrete latents are read by their states.
    pub(super) fn settle_discrete(&mut self, var: VarId) {
        let sampled = self.discrete.sampled.get_mut(&var);
        let value = self.env.get(&var).map(|value| value.var);
        let Some(value) = value else {
            return;
        };
        let is_sampled = sampled.is_some();
        if let Some(sampled) = sampled {
            sampled.extents = value.shape().to_vec();
        }
        if let Some(site) = self.discrete.sites.get_mut(&var) {
            site.extents = value.shape().to_vec();
            site.value = is_sampled.then_some(value);
            if !is_sampled {
                self.env.remove(&var);
            }
        }
    }

    /// Where a draw depends on states of which some make it impossible: the nearest values that are possible, and
    /// whether the values are these.
    pub(super) fn possible(
        &mut self,
        d: &DistValue<'g>,
        x: &Value<'g>,
        span: Span,
    ) -> Result<Option<(Value<'g>, Value<'g>)>> {
        let axes = self.union([d.axes(self), x.axes.clone()]);
        let rank = d.array.len().max(x.rank() - d.event.len());
        let known = x.var.as_const().is_some();
        if self.states_among(&axes).is_empty() || !d.event.is_empty() || !known {
            return Ok(None);
        }
        let (support, _, _) = self.own_support(d, &axes, rank, span)?;
        // Of bounds that are not known densities take care.
        let (lower, upper) = support.bounds();
        let known = |bound: Option<Var<'g>>| bound.filter(|b| b.as_const().is_some());
        let (lower, upper) = (known(lower), known(upper));
        let x = self.widened(x, &axes, rank, 0);
        let above = lower.map_or(x, |lower| x.max(lower));
        let within = upper.map_or(above, |upper| above.min(upper));
        let possible = within.eq(x);
        if possible.as_uniform() == Some(1.0) {
            return Ok(None);
        }
        let [within, possible] = [within, possible].map(|v| self.tidy(v, &axes, None));
        Ok(Some((within, possible)))
    }

    /// Some axes and those of the states that a distribution depends on.
    pub(super) fn with_states(&self, d: &DistValue<'g>, axes: &AxisList) -> AxisList {
        self.union([axes.clone(), self.states_among(&d.axes(self))])
    }

    /// A support that is the same at all states, of which `wide` has axes and `axes` has not.
    pub(super) fn support_at_all_states(
        &self,
        support: Support<'g>,
        wide: &AxisList,
        axes: &AxisList,
        span: Span,
    ) -> Result<Support<'g>> {
        let narrow = |bound: Option<Var<'g>>| {
            let Some(bound) = bound else {
                return Ok(None);
            };
            if let Some(x) = bound.as_uniform() {
                return Ok(Some(self.graph.scalar(x)));
            }
            let shape = bound.shape();
            let is_state = |i: usize| wide.get(i).is_some_and(|a| !axes.contains(a));
            if (0..shape.len()).any(|i| is_state(i) && shape[i] != 1) {
                return Err(vec![error::support_by_states(span)]);
            }
            let kept: Vec<usize> = (0..shape.len())
                .filter(|&i| !is_state(i))
                .map(|i| shape[i])
                .collect();
            Ok(Some(bound.reshape(&kept)))
        };
        let (lower, upper) = support.bounds();
        Ok(support.within(narrow(lower)?, narrow(upper)?))
    }

    /// What is drawn is drawn whatever the discrete latents are.
    pub(super) fn expect_drawn_at_all_states(
        &self,
        target: &Target,
        axes: &AxisList,
    ) -> Result<()> {
        let Some(&axis) = self.states_among(axes).first() else {
            return Ok(());
        };
        let reference = self.discrete.references.iter().find(|r| r.axis == axis);
        let var = reference.expect("an axis of states has one").var;
        let names = [target.var, var].map(|id| self.program.variable(id).name.as_str());
        Err(vec![error::drawn_at_some_states(target.span, names)])
    }

    /// Whether a distribution depends on discrete latents.
    pub(super) fn depends_on_states(&self, d: &DistValue<'g>) -> bool {
        !self.states_among(&d.axes(self)).is_empty()
    }
}

/// The least and the largest of whole numbers between known bounds.
fn ends(support: &Support<'_>) -> Option<(f64, f64)> {
    let Support::Integers { lower, upper } = support else {
        return None;
    };
    let numbers = |bound: &Option<Var<'_>>| Some(bound.as_ref()?.as_const()?.data().to_vec());
    let (lower, upper) = (numbers(lower)?, numbers(upper)?);
    let least = lower.into_iter().fold(f64::INFINITY, f64::min);
    let most = upper.into_iter().fold(f64::NEG_INFINITY, f64::max);
    (least.is_finite() && most.is_finite() && most >= least).then_some((least, most))
}
