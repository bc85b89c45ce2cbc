//! Distributions as values, and what is asked of them.

use super::latent::static_support;
use super::value::{AxisList, Value};
use super::{Lowerer, Result, error};
use crate::check::program::{DistArg, Expr, ExprKind, Property};
use crate::diag::{Diagnostics, Label, Span};
use crate::dist::bijection::Chain;
use crate::dist::{Argument, Distribution, Domain, EventAxis, Family, Kind, Support};
use crate::graph::{Shape, Var, numel};
use crate::transform;

/// A distribution whose arguments are values: each with its own loops, aligned when it is used.
#[derive(Clone, Debug)]
pub struct DistValue<'g> {
    pub family: &'static dyn Family,
    form: usize,
    args: Vec<DistValueArg<'g>>,
    /// How many entries of an argument each row lacks, where rows differ in length.
    pub(super) missing: Option<Value<'g>>,
    /// Extents of the array of draws.
    pub array: Vec<usize>,
    /// Extents of one draw.
    pub event: Vec<usize>,
    pub span: Span,
}

#[derive(Clone, Debug)]
enum DistValueArg<'g> {
    Value(Value<'g>, usize),
    Dimension(usize),
    Distribution(Box<DistValue<'g>>),
    Distributions(Vec<DistValue<'g>>),
    /// The last array axis counts the components.
    Stack(Box<DistValue<'g>>),
    Function(Chain<Value<'g>>),
    Absent,
}

impl<'g> DistValue<'g> {
    /// Loops on which any argument depends.
    pub(super) fn axes(&self, lowerer: &Lowerer<'_, 'g>) -> AxisList {
        let lists: Vec<AxisList> = self
            .args
            .iter()
            .flat_map(|arg| match arg {
                DistValueArg::Value(v, _) => vec![v.axes.clone()],
                DistValueArg::Distribution(d) | DistValueArg::Stack(d) => vec![d.axes(lowerer)],
                DistValueArg::Distributions(all) => all.iter().map(|d| d.axes(lowerer)).collect(),
                DistValueArg::Function(chain) => chain.values().map(|v| v.axes.clone()).collect(),
                _ => Vec::new(),
            })
            .collect();
        lowerer.union(lists)
    }
}

impl<'g> Lowerer<'_, 'g> {
    pub(super) fn distribution(&mut self, e: &Expr) -> Result<DistValue<'g>> {
        match &e.kind {
            ExprKind::Distribution { family, form, args } => {
                self.family(*family, *form, args, e.span)
            }
            ExprKind::Power { dist, dims } => {
                let mut d = self.distribution(dist)?;
                let mut array = Vec::new();
                for dim in dims {
                    array.push(self.whole(dim)?);
                }
                array.append(&mut d.array);
                let all = array.iter().chain(&d.event).copied();
                self.expect_size("a draw", all, e.span)?;
                d.array = array;
                Ok(d)
            }
            ExprKind::Let { bindings, body } => {
                for (id, value) in bindings {
                    if matches!(value.ty, crate::types::Type::Distribution { .. }) {
                        let d = self.distribution(value)?;
                        self.distributions.insert(*id, d);
                    } else {
                        let value = self.value(value)?;
                        self.env.insert(*id, value);
                    }
                }
                let d = self.distribution(body);
                self.forget(bindings);
                d
            }
            ExprKind::Var(id) => match self.distributions.get(id) {
                Some(d) => Ok(d.clone()),
                None => Err(vec![self.left_out(*id, e.span)]),
            },
            ExprKind::Comprehension { clauses, body } => {
                self.distribution_comprehension(clauses, body, e.span)
            }
            _ => unreachable!("checking leaves only distributions here: {:?}", e.kind),
        }
    }

    /// A whole number known from data, at least 0.
    pub(super) fn whole(&mut self, e: &Expr) -> Result<usize> {
        let value = self.value(e)?;
        let numbers = self.known(&value, &value.axes.clone(), e.span)?;
        let first = numbers.first().copied().unwrap_or(0.0);
        if numbers.iter().any(|n| *n != first) {
            return Err(vec![error::ragged(e.span, "the number of copies")]);
        }
        if first < 0.0 {
            return Err(vec![error::negative_extent(e.span, "this", first as i64)]);
        }
        Ok(first as usize)
    }

    fn family(
        &mut self,
        family: &'static dyn Family,
        form: usize,
        args: &[DistArg],
        span: Span,
    ) -> Result<DistValue<'g>> {
        let declaration = family.declaration();
        let parameters = declaration.forms[form].parameters;
        let (mut lowered, mut missing) = (Vec::new(), None);
        for (arg, parameter) in args.iter().zip(parameters) {
            lowered.push(match arg {
                DistArg::Value(e) => {
                    let value = self.value(e)?;
                    let Kind::Value { rank, domain } = parameter.kind else {
                        unreachable!("checked")
                    };
                    let (value, lacks) = self.filled(value, parameter, declaration.name, e.span)?;
                    let lengths = self.lengths(&value, lacks.as_ref());
                    missing = missing.or(lacks);
                    let named = (declaration.name, parameter.name);
                    self.expect_domain(named, domain, (&value, lengths), rank, e)?;
                    DistValueArg::Value(value, rank)
                }
                DistArg::Number(x) => match parameter.kind {
                    Kind::Dimension => DistValueArg::Dimension(*x as usize),
                    _ => DistValueArg::Value(Value::plain(self.graph.scalar(*x)), 0),
                },
                DistArg::Dimension(e) => DistValueArg::Dimension(self.whole(e)?),
                DistArg::Distribution(e) => {
                    DistValueArg::Distribution(Box::new(self.distribution(e)?))
                }
                DistArg::Distributions(all) => {
                    let mut lowered = all
                        .iter()
                        .map(|e| self.distribution(e))
                        .collect::<Result<Vec<_>>>()?;
                    if lowered.len() == 1 && !lowered[0].array.is_empty() {
                        DistValueArg::Stack(Box::new(lowered.remove(0)))
                    } else {
                        DistValueArg::Distributions(lowered)
                    }
                }
                DistArg::Function(chain) => DistValueArg::Function(self.chain(chain)?),
                DistArg::Absent => DistValueArg::Absent,
            });
        }
        let mut d = DistValue {
            family,
            form,
            args: lowered,
            missing,
            array: Vec::new(),
            event: Vec::new(),
            span,
        };
        expect_counts(&d, args)?;
        let shown = |problems| with_shapes(problems, args, &d.args);
        let array = self.array_of(&d).map_err(shown)?;
        let event = self.event_of(&d, span).map_err(shown)?;
        (d.array, d.event) = (array, event);
        Ok(d)
    }

    /// A function of one number, with what stands beside its argument.
    fn chain(&mut self, chain: &Chain<Expr>) -> Result<Chain<Value<'g>>> {
        let mut links = Vec::new();
        for (step, beside) in &chain.0 {
            let beside = beside.as_ref().map(|e| match self.value(e) {
                Ok(v) if v.ragged.is_some() => Err(vec![error::ragged(e.span, "a function")]),
                other => other,
            });
            links.push((*step, beside.transpose()?));
        }
        Ok(Chain(links))
    }

    /// Arguments known from data are in the parameter's domain.
    fn expect_domain(
        &self,
        names: (&str, &str),
        domain: Domain,
        (value, lengths): (&Value<'g>, Option<Vec<usize>>),
        rank: usize,
        e: &Expr,
    ) -> Result<()> {
        let Some(known) = value.var.as_const() else {
            return Ok(());
        };
        let own = value.dims()[value.rank() - rank..].to_vec();
        let size = numel(&own).max(1);
        let support = match rank {
            0 => None,
            // Of an interval every element is looked at by itself.
            _ => static_support(domain, self.graph)
                .filter(|s| !matches!(s, Support::Interval { .. } | Support::Integers { .. })),
        };
        for (i, part) in known.data().chunks(size).enumerate() {
            let has = lengths.as_ref().map(|lengths| lengths[i]);
            let (part, own) = match has {
                Some(n) => (&part[..n], vec![n]),
                None => (part, own.clone()),
            };
            let wrong = match &support {
                Some(support) => transform::contains(support, &own, part, None, None)
                    .err()
                    .map(|why| (words_of(domain), why)),
                None => part
                    .iter()
                    .find_map(|&x| Some((domain.refuses(x)?, format!("it is {x}")))),
            };
            if let Some((must, found)) = wrong {
                let batch = &value.var.shape()[..value.var.rank() - rank];
                let at = batch_index(batch, i);
                let (rows, elements) = at.split_at(value.axes.len());
                let at = self.place_text(&value.axes, rows, elements);
                return Err(vec![error::parameter_domain(
                    e.span, names, must, &found, &at,
                )]);
            }
        }
        Ok(())
    }

    /// Extents of the array of draws: of values beyond their own axes and of wrapped distributions.
    fn array_of(&self, d: &DistValue<'g>) -> Result<Vec<usize>> {
        let declaration = d.family.declaration();
        let mut array: Vec<usize> = Vec::new();
        for (at, arg) in d.args.iter().enumerate() {
            let of_last = declaration
                .event
                .iter()
                .any(|a| matches!(a, EventAxis::LastOf { position } if *position == at));
            let extents: Vec<Vec<usize>> = match arg {
                DistValueArg::Value(v, rank) => vec![v.dims()[..v.rank() - rank].to_vec()],
                DistValueArg::Distribution(inner) if of_last => {
                    vec![inner.array[..inner.array.len() - 1].to_vec()]
                }
                DistValueArg::Distribution(inner) => vec![inner.array.clone()],
                DistValueArg::Stack(inner) => {
                    vec![inner.array[..inner.array.len() - 1].to_vec()]
                }
                DistValueArg::Distributions(all) => vec![all[0].array.clone()],
                DistValueArg::Function(chain) => {
                    chain.values().map(|v| v.dims().to_vec()).collect()
                }
                _ => continue,
            };
            for own in extents {
                array = joined(array, own)
                    .map_err(|(a, b)| vec![error::extents_differ(d.span, a, b)])?;
            }
        }
        Ok(array)
    }

    fn event_of(&self, d: &DistValue<'g>, span: Span) -> Result<Vec<usize>> {
        let mut event = Vec::new();
        for axis in d.family.declaration().event {
            match *axis {
                EventAxis::Of { position, axis } => match &d.args[position] {
                    DistValueArg::Value(v, rank) => event.push(v.dims()[v.rank() - rank + axis]),
                    _ => unreachable!("the declaration makes this argument a value"),
                },
                EventAxis::Number { position } => match &d.args[position] {
                    DistValueArg::Dimension(n) => event.push(*n),
                    _ => unreachable!("the declaration makes this argument a number"),
                },
                EventAxis::LastOf { position } => match &d.args[position] {
                    DistValueArg::Distribution(inner) => event.extend(inner.array.last()),
                    _ => unreachable!("the declaration makes this argument a distribution"),
                },
                EventAxis::AllOf { position } => match &d.args[position] {
                    DistValueArg::Distribution(inner) | DistValueArg::Stack(inner) => {
                        event.extend(&inner.event)
                    }
                    DistValueArg::Distributions(all) => event.extend(&all[0].event),
                    _ => unreachable!("the declaration makes this argument a distribution"),
                },
            }
        }
        // Own axes of one name have one extent: a mean of 3 with a covariance of 2 × 2 has none.
        let sizes: Vec<usize> = d
            .args
            .iter()
            .flat_map(|arg| match arg {
                DistValueArg::Value(v, rank) if *rank == 2 || (*rank == 1 && event.len() == 1) => {
                    v.dims()[v.rank() - rank..].to_vec()
                }
                _ => Vec::new(),
            })
            .collect();
        if let (Some(&n), false) = (event.first(), sizes.is_empty())
            && event.iter().all(|&m| m == n)
            && let Some(&other) = sizes.iter().find(|&&m| m != n)
            && d.family.declaration().forms[d.form]
                .parameters
                .iter()
                .filter(|p| matches!(p.kind, Kind::Value { rank, .. } if rank > 0))
                .count()
                > 1
        {
            return Err(vec![error::extents_differ(span, n, other)]);
        }
        Ok(event)
    }

    fn distribution_comprehension(
        &mut self,
        clauses: &[crate::check::program::Clause],
        body: &Expr,
        span: Span,
    ) -> Result<DistValue<'g>> {
        let filters = self.filters.len();
        let mut own = Vec::new();
        for clause in clauses {
            self.open_clause(clause, &mut own)?;
        }
        let d = self.distribution(body)?;
        self.filters.truncate(filters);
        let leaves = self.union([own.iter().copied().collect::<AxisList>()]);
        let [leaf] = leaves[..] else {
            return Err(vec![error::ragged(
                span,
                "a comprehension of distributions",
            )]);
        };
        if !self.axes[leaf.0].parents.is_empty()
            && self.axes[leaf.0]
                .parents
                .iter()
                .any(|(p, _)| !own.contains(p))
        {
            return Err(vec![error::ragged(
                span,
                "a comprehension of distributions",
            )]);
        }
        Ok(self.axis_to_array(d, leaf))
    }

    /// A loop's axis becomes the first array axis.
    fn axis_to_array(&mut self, d: DistValue<'g>, axis: super::value::AxisId) -> DistValue<'g> {
        let rank = d.array.len();
        let n = self.extent(axis);
        let mut array = vec![n];
        array.extend(&d.array);
        let args = d
            .args
            .iter()
            .map(|arg| match arg {
                DistValueArg::Value(v, own) => {
                    DistValueArg::Value(self.axis_to_position(v, axis, rank + own), *own)
                }
                DistValueArg::Distribution(inner) => DistValueArg::Distribution(Box::new(
                    self.axis_to_array((**inner).clone(), axis),
                )),
                DistValueArg::Stack(inner) => {
                    DistValueArg::Stack(Box::new(self.axis_to_array((**inner).clone(), axis)))
                }
                DistValueArg::Distributions(all) => DistValueArg::Distributions(
                    all.iter()
                        .map(|d| self.axis_to_array(d.clone(), axis))
                        .collect(),
                ),
                DistValueArg::Function(chain) => {
                    DistValueArg::Function(chain.map(|v| self.axis_to_position(v, axis, rank)))
                }
                other => other.clone(),
            })
            .collect();
        let missing = d
            .missing
            .as_ref()
            .map(|m| self.axis_to_position(m, axis, rank));
        DistValue {
            args,
            missing,
            array,
            ..d
        }
    }

    /// Moves a loop's axis to a positional one before the last `rank` (which may be more than the
    /// value has: then axes of extent 1 are put between).
    fn axis_to_position(
        &mut self,
        value: &Value<'g>,
        axis: super::value::AxisId,
        rank: usize,
    ) -> Value<'g> {
        let ancestors = value.axes.iter().any(|&a| self.is_ancestor(a, axis));
        let value = if ancestors {
            self.descend(value, axis)
        } else {
            value.clone()
        };
        let Some(at) = value.axes.iter().position(|a| *a == axis) else {
            return value;
        };
        let lead = value.axes.len();
        let total = value.var.rank();
        let front: Vec<usize> = (0..lead)
            .filter(|&i| i != at)
            .chain([at])
            .chain(lead..total)
            .collect();
        let order: Vec<usize> = (0..total)
            .map(|i| total - 1 - front[total - 1 - i])
            .collect();
        let var = value.var.permute(&order);
        let mut shape = var.shape();
        for _ in value.rank()..rank {
            shape.insert(lead, 1);
        }
        let axes: AxisList = value.axes.iter().copied().filter(|a| *a != axis).collect();
        Value {
            var: var.reshape(&shape),
            axes,
            ragged: None,
        }
    }

    /// The distribution with batch axes `axes`, then `rank` array axes.
    pub(super) fn build(
        &mut self,
        d: &DistValue<'g>,
        axes: &AxisList,
        rank: usize,
    ) -> Distribution<'g> {
        let declaration = d.family.declaration();
        let args = d
            .args
            .iter()
            .enumerate()
            .map(|(at, arg)| {
                let of_last = declaration
                    .event
                    .iter()
                    .any(|a| matches!(a, EventAxis::LastOf { position } if *position == at));
                let inner_rank = rank + usize::from(of_last);
                match arg {
                    DistValueArg::Value(v, own) => {
                        Argument::Value(self.widened(v, axes, rank, *own))
                    }
                    DistValueArg::Function(chain) => {
                        Argument::Function(chain.map(|v| self.widened(v, axes, rank, 0)))
                    }
                    DistValueArg::Dimension(n) => Argument::Dimension(*n),
                    DistValueArg::Distribution(inner) => {
                        Argument::Distribution(Box::new(self.build(inner, axes, inner_rank)))
                    }
                    DistValueArg::Stack(inner) => {
                        Argument::Stack(Box::new(self.build(inner, axes, rank + 1)))
                    }
                    DistValueArg::Distributions(all) => Argument::Distributions(
                        all.iter().map(|d| self.build(d, axes, rank)).collect(),
                    ),
                    DistValueArg::Absent => Argument::Absent,
                }
            })
            .collect();
        Distribution {
            family: d.family,
            form: d.form,
            args,
        }
    }

    /// Log density of a value: `[axes…, array…]`, with the axes it has.
    pub(super) fn log_prob(
        &mut self,
        d: &DistValue<'g>,
        x: &Value<'g>,
        span: Span,
    ) -> Result<(Var<'g>, AxisList)> {
        let axes = self.union([d.axes(self), x.axes.clone()]);
        let rank = d.array.len().max(x.rank() - d.event.len());
        let dist = self.checked(d, &axes, rank, span)?;
        let x = self.widened(x, &axes, rank, d.event.len());
        Ok((dist.log_prob(x), axes))
    }

    pub(super) fn checked(
        &mut self,
        d: &DistValue<'g>,
        axes: &AxisList,
        rank: usize,
        span: Span,
    ) -> Result<Distribution<'g>> {
        let dist = self.build(d, axes, rank);
        match dist.check_arguments() {
            Ok(()) => Ok(dist),
            Err(refusal) => {
                let at = refusal.at.map_or(String::new(), |at| {
                    let (rows, elements) = at.split_at(axes.len().min(at.len()));
                    self.place_text(axes, rows, elements)
                });
                let (dist, why) = (refusal.dist, &refusal.why);
                Err(vec![error::arguments_refused(span, dist, why, &at)])
            }
        }
    }

    /// ` at i = 2`, ` at element [3]`: a place of loops and of the array inside, from 0.
    fn place_text(&self, axes: &AxisList, rows: &[usize], elements: &[usize]) -> String {
        let extents = axes.iter().map(|a| self.extent(*a));
        let row = extents.zip(rows).fold(0, |flat, (n, k)| flat * n + k);
        let elements: Vec<String> = elements.iter().map(|k| (k + 1).to_string()).collect();
        match (self.row_text(axes, row), elements.join(", ")) {
            (row, element) if row.is_empty() && element.is_empty() => String::new(),
            (row, element) if row.is_empty() => format!(" at element [{element}]"),
            (row, element) if element.is_empty() => format!(" at {row}"),
            (row, element) => format!(" at {row}, element [{element}]"),
        }
    }

    /// `[axes…, rank array axes, event…]`
    pub(super) fn widened(
        &mut self,
        x: &Value<'g>,
        axes: &AxisList,
        rank: usize,
        event: usize,
    ) -> Var<'g> {
        let var = self.align(x, axes);
        let mut shape: Shape = var.shape();
        for _ in x.rank() - event..rank {
            shape.insert(axes.len(), 1);
        }
        var.reshape(&shape)
    }

    pub(super) fn property_of(
        &mut self,
        property: Property,
        d: &DistValue<'g>,
        x: Option<&Value<'g>>,
        span: Span,
    ) -> Result<Value<'g>> {
        if let Some(flat) = x.and_then(|x| x.ragged) {
            let x = Value {
                ragged: None,
                ..x.cloned().expect("just seen")
            };
            let mut value = self.property_of(property, d, Some(&x), span)?;
            value.ragged = Some(flat);
            return Ok(value);
        }
        let lists = [d.axes(self), x.map(|x| x.axes.clone()).unwrap_or_default()];
        let axes = self.union(lists);
        let rank = d.array.len().max(x.map_or(0, |x| x.rank() - d.event.len()));
        let dist = self.checked(d, &axes, rank, span)?;
        let x = x.map(|x| self.widened(x, &axes, rank, d.event.len()));
        let given = |x: Option<Var<'g>>| x.expect("checking gives it its argument");
        let family = dist.family;
        let var = match property {
            Property::LogProb => Some(dist.log_prob(given(x))),
            Property::LogCdf => dist.log_cdf(given(x)),
            Property::Cdf => dist.log_cdf(given(x)).map(|v| v.exp()),
            Property::LogSurvival => dist.log_survival(given(x)),
            Property::Survival => dist.log_survival(given(x)).map(|v| v.exp()),
            Property::Quantile => dist.quantile(given(x)),
            Property::Mean => family.mean(&dist),
            Property::Variance => family.variance(&dist),
            Property::Sd => family.variance(&dist).map(|v| v.sqrt()),
            Property::Entropy => family.entropy(&dist),
            Property::Reparameterised => dist.reparameterised(given(x)),
        };
        let Some(var) = var else {
            let name = d.family.declaration().name;
            return Err(vec![error::no_closed_form(
                span,
                name,
                &property_name(property),
            )]);
        };
        // Array axes to their full extents, of which moments may have kept 1.
        let mut shape = var.shape();
        for (i, &n) in d.array.iter().enumerate() {
            let at = axes.len() + rank - d.array.len() + i;
            if shape[at] == 1 {
                shape[at] = n;
            }
        }
        Ok(self.tidy(var.broadcast(&shape), &axes, None))
    }
}

/// The wider of two arrays' extents, of which the last must be equal.
fn joined(a: Vec<usize>, b: Vec<usize>) -> std::result::Result<Vec<usize>, (usize, usize)> {
    let (wide, narrow) = if b.len() > a.len() { (b, a) } else { (a, b) };
    let offset = wide.len() - narrow.len();
    match narrow.iter().zip(&wide[offset..]).find(|(a, b)| a != b) {
        Some((&a, &b)) => Err((a, b)),
        None => Ok(wide),
    }
}

/// The index, from 0, of a flat position.
pub(super) fn batch_index(shape: &[usize], mut flat: usize) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (k, &n) in index.iter_mut().zip(shape).rev() {
        *k = flat % n.max(1);
        flat /= n.max(1);
    }
    index
}

fn property_name(property: Property) -> String {
    match property {
        Property::LogProb => "log density",
        Property::Cdf | Property::LogCdf => "cdf",
        Property::Survival | Property::LogSurvival => "survival function",
        Property::Quantile => "quantile function",
        Property::Mean => "mean",
        Property::Variance | Property::Sd => "variance",
        Property::Entropy => "entropy",
        Property::Reparameterised => "draw as a function of noise",
    }
    .into()
}

/// As many weights as distributions.
fn expect_counts(d: &DistValue<'_>, args: &[DistArg]) -> Result<()> {
    let weights = args.iter().zip(&d.args).find_map(|pair| match pair {
        (DistArg::Value(e), DistValueArg::Value(v, 1)) => Some((e.span, *v.dims().last()?)),
        _ => None,
    });
    let components = args.iter().zip(&d.args).find_map(|pair| match pair {
        (DistArg::Distributions(all), DistValueArg::Stack(inner)) => {
            Some((all[0].span, *inner.array.last()?))
        }
        (DistArg::Distributions(all), DistValueArg::Distributions(_)) => {
            Some((all[0].span.to(all[all.len() - 1].span), all.len()))
        }
        _ => None,
    });
    match (weights, components) {
        (Some((a_span, a)), Some((b_span, b))) if a != b => Err(vec![error::counts_differ(
            d.family.declaration().name,
            (a_span, a),
            (b_span, b),
        )]),
        _ => Ok(()),
    }
}

/// Extents that differ are said with the places and shapes of the arguments.
fn with_shapes(
    mut problems: Diagnostics,
    args: &[DistArg],
    lowered: &[DistValueArg<'_>],
) -> Diagnostics {
    for problem in problems.iter_mut().filter(|p| p.code == "E0662") {
        let shapes = args
            .iter()
            .zip(lowered)
            .filter_map(|(arg, value)| match (arg, value) {
                (DistArg::Value(e), DistValueArg::Value(v, _)) if v.rank() > 0 => Some(Label {
                    span: e.span,
                    text: format!("this is {}", error::shape(&v.dims())),
                }),
                _ => None,
            });
        let shapes: Vec<Label> = shapes.collect();
        if shapes.len() > 1 {
            problem.labels = shapes;
        }
    }
    problems
}

fn words_of(domain: Domain) -> &'static str {
    match domain {
        Domain::Simplex => "a simplex",
        Domain::Ordered => "in increasing order",
        Domain::UnitVector => "a unit vector",
        Domain::Covariance => "a covariance matrix",
        Domain::CholeskyCovariance => "a Cholesky factor of a covariance matrix",
        Domain::Correlation => "a correlation matrix",
        Domain::CholeskyCorrelation => "a Cholesky factor of a correlation matrix",
        _ => "within its range",
    }
}
