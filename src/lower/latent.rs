//! Latents and learned parameters: their supports, and the unconstrained blocks they come from.

use super::aside::Site;
use super::bind::{axis_text, element_text, refined_support};
use super::discrete::draws_whole_numbers;
use super::distribution::DistValue;
use super::statement::Piece;
use super::value::{AxisList, Value};
use super::{Lowerer, Result, error};
use crate::check::program::{Expr, ExprKind, Init, Refinement, Target, VarId};
use crate::diag::{Diagnostic, Span};
use crate::dist::Support;
use crate::graph::{Shape, Tensor, Var, numel};
use crate::model::{Block, BlockSupport, Role};
use crate::transform;
use crate::types::{Dim, Type};

impl<'g> Lowerer<'_, 'g> {
    pub(super) fn define_latent(
        &mut self,
        target: &Target,
        dist: &Expr,
        axes: &AxisList,
        arguments_known: bool,
    ) -> Result<()> {
        self.expect_drawn_at_all_states(target, axes)?;
        if draws_whole_numbers(dist) {
            return self.define_discrete(target, dist, axes, arguments_known);
        }
        let name = self.program.variable(target.var).name.clone();
        let (support, batch, event) = self.extents_of_draw(target, dist, axes, arguments_known)?;
        if self.is_local(axes) {
            return self.define_stored(target, (support, batch, event), axes);
        }
        let (value, _) = self.new_latent(&name, &support, &batch, &event);
        self.add_block(target, value, axes)
    }

    /// Standard Normal numbers for what the guide draws.
    pub(super) fn define_noise(
        &mut self,
        target: &Target,
        dist: &Expr,
        axes: &AxisList,
        arguments_known: bool,
    ) -> Result<()> {
        let name = self.program.variable(target.var).name.clone();
        let (_, batch, event) = self.extents_of_draw(target, dist, axes, arguments_known)?;
        let value = self.new_noise(name, &[batch, event].concat(), axes);
        self.add_block(target, value, axes)
    }

    /// A block of standard Normal numbers for what varies along `axes`.
    pub(super) fn new_noise(&mut self, name: String, shape: &[usize], axes: &AxisList) -> Var<'g> {
        let size = numel(shape);
        let input = self.graph.input(&[size]);
        let value = input.reshape(shape);
        if self.is_local(axes) {
            self.is_own(input.id);
        }
        self.blocks.push(Block {
            name,
            role: Role::Noise,
            input: input.id,
            size,
            value: value.id,
            places: (0..size).collect(),
            support: BlockSupport::new(&Support::REAL, &[]),
            init: None,
        });
        value
    }

    /// Support, batch axes and event of what a statement draws.
    fn extents_of_draw(
        &mut self,
        target: &Target,
        dist: &Expr,
        axes: &AxisList,
        arguments_known: bool,
    ) -> Result<(Support<'g>, Vec<usize>, Vec<usize>)> {
        let name = &self.program.variable(target.var).name;
        let mut batch: Vec<usize> = axes.iter().map(|a| self.extent(*a)).collect();
        let (support, array, event) = if arguments_known {
            let d = self.distribution(dist)?;
            self.own_support(&d, axes, d.array.len(), dist.span)?
        } else {
            self.support_without_arguments(name, dist)?
        };
        batch.extend(&array);
        let all = [batch.as_slice(), &event].concat();
        self.expect_size(&format!("`{name}`"), all, target.span)?;
        Ok((support, batch, event))
    }

    /// The value of the block just made is what a target names.
    fn add_block(&mut self, target: &Target, value: Var<'g>, axes: &AxisList) -> Result<()> {
        let block = self.blocks.len() - 1;
        self.bind_target(target, value, axes, Some(block))
    }

    /// A value `[axes…, element…]` is what a target names; of a latent, of this block.
    pub(super) fn bind_target(
        &mut self,
        target: &Target,
        value: Var<'g>,
        axes: &AxisList,
        block: Option<usize>,
    ) -> Result<()> {
        if target.indices.is_empty() {
            self.env.insert(target.var, Value::plain(value));
            return Ok(());
        }
        let value = Value {
            var: value,
            axes: axes.clone(),
            ragged: None,
        };
        self.add_piece(target, &value, axes, block)
    }

    pub(super) fn own_support(
        &mut self,
        d: &DistValue<'g>,
        axes: &AxisList,
        rank: usize,
        span: Span,
    ) -> Result<(Support<'g>, Vec<usize>, Vec<usize>)> {
        let wide = self.with_states(d, axes);
        let dist = self.checked(d, &wide, rank, span)?;
        let support = match wide == *axes {
            true => dist.support(),
            false => self.support_at_all_states(dist.support(), &wide, axes, span)?,
        };
        Ok((support, d.array.clone(), d.event.clone()))
    }

    /// For draws whose arguments depend on what they draw: extents from their types, the support
    /// from the family alone.
    pub(super) fn support_without_arguments(
        &mut self,
        name: &str,
        dist: &Expr,
    ) -> Result<(Support<'g>, Vec<usize>, Vec<usize>)> {
        let refuse = || vec![error::self_support(dist.span, name)];
        let Type::Distribution { array, event, .. } = &dist.ty else {
            return Err(refuse());
        };
        let evaluate = |dims: &[Dim]| -> Option<Vec<usize>> {
            dims.iter()
                .map(|d| self.bound.evaluate(d).map(|n| n.max(0) as usize))
                .collect()
        };
        let (Some(array), Some(event)) = (evaluate(array), evaluate(event)) else {
            return Err(refuse());
        };
        let mut inner = dist;
        while let ExprKind::Power { dist, .. } | ExprKind::Let { body: dist, .. } = &inner.kind {
            inner = dist;
        }
        let ExprKind::Distribution { family, .. } = &inner.kind else {
            return Err(refuse());
        };
        match static_support(family.declaration().support, self.graph) {
            Some(support) if !family.support_needs_arguments() => Ok((support, array, event)),
            _ => Err(refuse()),
        }
    }

    /// A block of the unconstrained vector and the values it stands for, `[batch…, event…]`.
    pub(super) fn new_latent(
        &mut self,
        name: &str,
        support: &Support<'g>,
        batch: &[usize],
        event: &[usize],
    ) -> (Var<'g>, usize) {
        let free = transform::free_shape(support, event);
        let mut shape = batch.to_vec();
        shape.extend(&free);
        let size = numel(&shape);
        let input = self.graph.input(&[size]);
        let (value, jacobian) = transform::constrain(support, event, input.reshape(&shape));
        let site = Site::new(self.blocks.len(), jacobian, numel(batch));
        self.sites.insert(self.graph.origin(), site);
        let mut full = batch.to_vec();
        full.extend(event);
        let value = value.broadcast(&full);
        let block = Block {
            name: name.into(),
            role: Role::Latent,
            input: input.id,
            size,
            value: value.id,
            places: (0..value.numel()).collect(),
            support: BlockSupport::new(support, event),
            init: None,
        };
        self.blocks.push(block);
        (value, size)
    }

    /// Missing elements of observed data are latents of their own.
    pub(super) fn define_missing(
        &mut self,
        target: &Target,
        dist: &Expr,
        axes: &AxisList,
    ) -> Result<()> {
        if self.is_local(axes) && self.is_by_position(target.var) {
            return self.define_missing_in_batch(target, dist, axes);
        }
        let bound = &self.bound.values[&target.var];
        let shape = bound.value.shape().clone();
        let name = self.program.variable(target.var).name.clone();
        if self.is_local(axes) {
            let first = bound.missing.first().map_or(0, |&k| k);
            let element = element_text(&shape, first);
            return Err(vec![error::missing_in_batch(target.span, &name, &element)]);
        }
        let d = self.distribution(dist)?;
        let rest: Vec<usize> = shape[target.indices.len()..].to_vec();
        let places = self.data_places(target, axes, &shape, rest.iter().product())?;
        let mine: Vec<usize> = (0..places.len())
            .filter(|&i| bound.missing.binary_search(&places[i]).is_ok())
            .collect();
        if mine.is_empty() {
            self.pieces.entry(target.var).or_default();
            return Ok(());
        }
        let rank = rest.len() - d.event.len();
        let (support, _, _) = self.own_support(&d, axes, rank, dist.span)?;
        self.expect_parts(target, &d, &support, places[mine[0]])?;
        // Bounds of the support, at the missing elements.
        let mut full: Vec<usize> = axes.iter().map(|a| self.extent(*a)).collect();
        full.extend(&rest);
        let index = self.graph.constant(Tensor::vector(
            mine.iter().map(|&i| i as f64).collect::<Vec<_>>(),
        ));
        let take = |bound: Option<Var<'g>>| {
            bound.map(|b| {
                if b.rank() == 0 {
                    b
                } else {
                    b.broadcast(&full).reshape(&[numel(&full)]).gather(0, index)
                }
            })
        };
        let support = match support {
            Support::Interval { lower, upper } => Support::Interval {
                lower: take(lower),
                upper: take(upper),
            },
            other => other,
        };
        let (values, _) = self.new_latent(&name, &support, &[mine.len()], &[]);
        let places: Vec<usize> = mine.iter().map(|&i| places[i]).collect();
        let block = self.blocks.len() - 1;
        self.blocks[block].places = places.clone();
        let site = self.sites.get_mut(&self.graph.origin());
        let site = site.expect("a latent was made just above");
        site.parts = !d.event.is_empty();
        site.rows = mine;
        let piece = Piece {
            values,
            places,
            indexed: 1,
            axes: axes.clone(),
            block: Some(block),
            counts: None,
            span: target.span,
        };
        self.pieces.entry(target.var).or_default().push(piece);
        Ok(())
    }

    /// Elements of a vector that may be any numbers are latents of their own beside those observed; `at` is one that is
    /// missing.
    pub(super) fn expect_parts(
        &self,
        target: &Target,
        d: &DistValue<'g>,
        support: &Support<'g>,
        at: usize,
    ) -> Result<()> {
        let (lower, upper) = support.bounds();
        let real = matches!(support, Support::Interval { .. }) && lower.or(upper).is_none();
        if d.event.is_empty() || real {
            return Ok(());
        }
        let bound = &self.bound.values[&target.var];
        let name = &self.program.variable(target.var).name;
        let element = element_text(&bound.value.shape(), at);
        let problem = error::missing_in_vector(target.span, name, &element, &bound.file);
        Err(vec![problem])
    }

    /// Flat places in data of every element that a draw observes.
    pub(super) fn data_places(
        &mut self,
        target: &Target,
        axes: &AxisList,
        shape: &Shape,
        rest: usize,
    ) -> Result<Vec<usize>> {
        let indexed = target.indices.len();
        let rows = axes.iter().map(|a| self.extent(*a)).product::<usize>();
        let places = self.places(target, axes)?;
        let mut all = Vec::with_capacity(rows * rest);
        for row in 0..rows {
            let place = &places[row * indexed..(row + 1) * indexed];
            let mut flat = 0;
            for (axis, (&k, &n)) in place.iter().zip(shape).enumerate() {
                if k >= n {
                    let name = &self.program.variable(target.var).name;
                    let what = axis_text(&format!("`{name}`"), shape.len(), axis);
                    let text = self.row_text(axes, row);
                    return Err(vec![error::out_of_range(
                        target.indices[axis].span,
                        (k + 1) as f64,
                        Some(n),
                        &what,
                        &text,
                    )]);
                }
                flat = flat * n + k;
            }
            all.extend((0..rest).map(|j| flat * rest + j));
        }
        Ok(all)
    }

    /// Extents of a learned parameter: as the data tell them, or computed from what they tell.
    pub(super) fn declared_shape(
        &mut self,
        var: VarId,
        dims: &[Dim],
        extents: &[Option<Expr>],
        span: Span,
    ) -> Result<Vec<usize>> {
        let name = self.program.variable(var).name.clone();
        let mut shape = Vec::new();
        for (dim, extent) in dims.iter().zip(extents) {
            let number = match (self.bound.evaluate(dim), extent) {
                (Some(n), _) => n,
                (None, Some(e)) => {
                    let value = self.value(e)?;
                    self.known(&value, &AxisList::new(), e.span)?[0] as i64
                }
                (None, None) => {
                    return Err(vec![error::unknown_extent(span, &name, &dim.to_string())]);
                }
            };
            if number < 0 {
                let what = format!("an extent of `{name}`");
                return Err(vec![error::negative_extent(span, &what, number)]);
            }
            shape.push(number as usize);
        }
        Ok(shape)
    }

    pub(super) fn define_param(
        &mut self,
        var: VarId,
        refinement: Refinement,
        shape: Vec<usize>,
        init: Option<&Init>,
        span: Span,
    ) -> Result<()> {
        let name = self.program.variable(var).name.clone();
        self.expect_size(&format!("`{name}`"), shape.iter().copied(), span)?;
        let (support, rank) = match refinement {
            Refinement::Positive | Refinement::Nonnegative => (
                Support::Interval {
                    lower: Some(self.graph.scalar(0.0)),
                    upper: None,
                },
                0,
            ),
            Refinement::Unit => {
                let (zero, one) = (self.graph.scalar(0.0), self.graph.scalar(1.0));
                (
                    Support::Interval {
                        lower: Some(zero),
                        upper: Some(one),
                    },
                    0,
                )
            }
            Refinement::PositiveOrdered => (
                Support::Ordered {
                    lower: Some(self.graph.scalar(0.0)),
                    upper: None,
                },
                1,
            ),
            other => refined_support(other).unwrap_or((Support::REAL, 0)),
        };
        let (batch, event) = shape.split_at(shape.len() - rank);
        let free = transform::free_shape(&support, event);
        let mut free_shape = batch.to_vec();
        free_shape.extend(&free);
        let size = numel(&free_shape);
        let input = self.graph.input(&[size]);
        let (value, _) = transform::constrain(&support, event, input.reshape(&free_shape));
        let value = value.broadcast(&shape);
        let init = match init {
            Some(Init::Random(initialiser, numbers)) => {
                Some(initialiser.start(&name, &shape, size, numbers))
            }
            Some(Init::Value(e)) => {
                let start = self.value(e)?;
                let given = start.var.broadcast(&shape);
                let free = transform::unconstrain(&support, event, given);
                let Some(free) = free
                    .as_const()
                    .filter(|t| t.data().iter().all(|x| x.is_finite()))
                else {
                    let why = "the start must lie inside the type's range";
                    return Err(vec![
                        Diagnostic::error("E0675", format!("`{name}` cannot start here"))
                            .at(e.span, why),
                    ]);
                };
                Some(free.data().to_vec())
            }
            None => None,
        };
        self.blocks.push(Block {
            name,
            role: Role::Param,
            input: input.id,
            size,
            value: value.id,
            places: (0..value.numel()).collect(),
            support: BlockSupport::new(&support, event),
            init,
        });
        self.env.insert(var, Value::plain(value));
        Ok(())
    }
}

/// The support that a family's declaration alone fixes.
pub(super) fn static_support(
    domain: crate::dist::Domain,
    graph: &crate::graph::Graph,
) -> Option<Support<'_>> {
    use crate::dist::Domain;
    let number = |x: f64| Some(graph.scalar(x));
    Some(match domain {
        Domain::Real => Support::REAL,
        Domain::Positive | Domain::Nonnegative => Support::Interval {
            lower: number(0.0),
            upper: None,
        },
        Domain::Unit => Support::Interval {
            lower: number(0.0),
            upper: number(1.0),
        },
        Domain::Ordered => Support::Ordered {
            lower: None,
            upper: None,
        },
        Domain::Circle => Support::Circle,
        Domain::Simplex => Support::Simplex,
        Domain::UnitVector => Support::UnitVector,
        Domain::Covariance => Support::Covariance,
        Domain::CholeskyCovariance => Support::CholeskyCovariance,
        Domain::Correlation => Support::Correlation,
        Domain::CholeskyCorrelation => Support::CholeskyCorrelation,
        _ => return None,
    })
}
