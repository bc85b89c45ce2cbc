//! Values as affine functions of few latent quantities, with coefficients that are data.
//!
//! `value[n] = factor[n] · (c[n] + Σₖ a[n, k] · vₖ[place(n)])`: the `vₖ` are *atoms*, small nodes that latents
//! reach, read through a [`Place`]; `c` and `a` are products of views of the constants of the graph. So a
//! matrix product, a loop that was written out and a sum by hand all have one form, and no data are
//! copied to find it.

use super::place::{Place, View, movement, parts};
use crate::graph::{NodeId, Shape, Tensor, Var, numel};
use crate::ops::{Binary, Concat, Constant, Contract, Reduce, ReduceKind, Unary};
use crate::passes::rewriting::Density;
use std::collections::HashMap;

/// Terms that a form may have.
pub(crate) const MOST_TERMS: usize = 64;
/// Products that a coefficient may be a sum of.
const MOST_PRODUCTS: usize = 8;
/// Parts of joined values that are looked into.
const MOST_PARTS: usize = 8;

/// `scale · Π over / Π under`
#[derive(Clone, Debug)]
pub(crate) struct Product {
    pub scale: f64,
    pub over: Vec<View>,
    pub under: Vec<View>,
}

/// A sum of products: a function of the element.
pub(crate) type Coefficient = Vec<Product>;

#[derive(Clone)]
pub(crate) struct Atom<'g> {
    pub var: Var<'g>,
    pub place: Place,
}

#[derive(Clone)]
pub(crate) struct Term<'g> {
    pub atom: Atom<'g>,
    pub coefficient: Coefficient,
}

#[derive(Clone)]
pub(crate) struct Form<'g> {
    pub shape: Shape,
    pub constant: Coefficient,
    pub terms: Vec<Term<'g>>,
    /// What everything is multiplied by.
    pub factors: Vec<Atom<'g>>,
}

impl PartialEq for Atom<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.var.id == other.var.id && self.place == other.place
    }
}

impl Product {
    pub fn at(&self, coordinates: &[usize]) -> f64 {
        let mut value = self.scale;
        for view in &self.over {
            value *= view.at(coordinates);
        }
        for view in &self.under {
            value /= view.at(coordinates);
        }
        value
    }

    fn times(&self, other: &Product) -> Product {
        Product {
            scale: self.scale * other.scale,
            over: [self.over.as_slice(), &other.over].concat(),
            under: [self.under.as_slice(), &other.under].concat(),
        }
    }
}

pub(crate) fn value_at(coefficient: &Coefficient, coordinates: &[usize]) -> f64 {
    coefficient.iter().map(|p| p.at(coordinates)).sum()
}

/// A coefficient that is the same number everywhere.
pub(crate) fn number(scale: f64) -> Coefficient {
    vec![Product {
        scale,
        over: Vec::new(),
        under: Vec::new(),
    }]
}

fn scaled(mut coefficient: Coefficient, by: f64) -> Coefficient {
    coefficient.iter_mut().for_each(|p| p.scale *= by);
    coefficient
}

pub(crate) fn product(a: &Coefficient, b: &Coefficient) -> Option<Coefficient> {
    let all = a.iter().flat_map(|x| b.iter().map(|y| x.times(y)));
    let all: Coefficient = all.collect();
    (all.len() <= MOST_PRODUCTS).then_some(all)
}

fn sum(mut a: Coefficient, b: Coefficient) -> Coefficient {
    for term in b {
        let same = |p: &&mut Product| p.over == term.over && p.under == term.under;
        match a.iter_mut().find(same) {
            Some(found) => found.scale += term.scale,
            None => a.push(term),
        }
    }
    a.retain(|p| p.scale != 0.0);
    a
}

impl<'g> Form<'g> {
    fn constant(shape: Shape, constant: Coefficient) -> Form<'g> {
        Form {
            shape,
            constant,
            terms: Vec::new(),
            factors: Vec::new(),
        }
    }

    fn atom(var: Var<'g>) -> Form<'g> {
        let shape = var.shape();
        let place = Place::whole(&shape);
        Form {
            terms: vec![Term {
                atom: Atom { var, place },
                coefficient: number(1.0),
            }],
            ..Form::constant(shape, Vec::new())
        }
    }

    /// The coefficient, if no latent is in it.
    pub fn as_constant(&self) -> Option<&Coefficient> {
        (self.terms.is_empty() && self.factors.is_empty()).then_some(&self.constant)
    }

    /// Atoms whose product it is, if it is one.
    fn as_factors(&self) -> Option<Vec<Atom<'g>>> {
        let [term] = self.terms.as_slice() else {
            return None;
        };
        let plain = |p: &Product| p.scale == 1.0 && p.over.is_empty() && p.under.is_empty();
        let one = matches!(term.coefficient.as_slice(), [p] if plain(p));
        (self.constant.is_empty() && one).then(|| {
            let mut factors = self.factors.clone();
            factors.push(term.atom.clone());
            factors
        })
    }

    /// The same with every place changed.
    fn moved(&self, shape: &[usize], map: &dyn Fn(&Place) -> Option<Place>) -> Option<Form<'g>> {
        let view = |v: &View| {
            Some(View {
                data: v.data.clone(),
                place: map(&v.place)?,
            })
        };
        let coefficient = |c: &Coefficient| {
            let product = |p: &Product| {
                Some(Product {
                    scale: p.scale,
                    over: p.over.iter().map(view).collect::<Option<_>>()?,
                    under: p.under.iter().map(view).collect::<Option<_>>()?,
                })
            };
            c.iter().map(product).collect::<Option<Coefficient>>()
        };
        let atom = |a: &Atom<'g>| {
            Some(Atom {
                var: a.var,
                place: map(&a.place)?,
            })
        };
        let term = |t: &Term<'g>| {
            Some(Term {
                atom: atom(&t.atom)?,
                coefficient: coefficient(&t.coefficient)?,
            })
        };
        Some(Form {
            shape: Shape::from_slice(shape),
            constant: coefficient(&self.constant)?,
            terms: self.terms.iter().map(term).collect::<Option<_>>()?,
            factors: self.factors.iter().map(atom).collect::<Option<_>>()?,
        })
    }

    pub fn scaled(mut self, by: f64) -> Form<'g> {
        self.constant = scaled(self.constant, by);
        for term in &mut self.terms {
            let own = std::mem::take(&mut term.coefficient);
            term.coefficient = scaled(own, by);
        }
        self
    }

    /// Multiplied by what no latent reaches.
    fn times(mut self, by: &Coefficient) -> Option<Form<'g>> {
        self.constant = product(&self.constant, by)?;
        for term in &mut self.terms {
            term.coefficient = product(&term.coefficient, by)?;
        }
        Some(self)
    }

    /// Factors that are single numbers go into the atoms.
    fn spread(mut self) -> Option<Form<'g>> {
        let Some(scale) = single(&self.factors)? else {
            return Some(self);
        };
        self.factors.clear();
        for term in &mut self.terms {
            term.atom.var = term.atom.var * scale;
        }
        if !self.constant.is_empty() {
            let mut term = Form::atom(scale).terms.remove(0);
            term.atom.place = Place::whole(&[]).broadcast(&[], &self.shape);
            term.coefficient = std::mem::take(&mut self.constant);
            self.terms.push(term);
        }
        Some(self)
    }

    fn plus(self, other: Form<'g>) -> Option<Form<'g>> {
        let free = |f: &Form| f.terms.is_empty() && f.constant.is_empty();
        if free(&self) || free(&other) {
            return Some(if free(&self) { other } else { self });
        }
        if self.factors != other.factors {
            return self.spread()?.plus_same(other.spread()?);
        }
        self.plus_same(other)
    }

    fn plus_same(mut self, other: Form<'g>) -> Option<Form<'g>> {
        self.constant = sum(self.constant, other.constant);
        for term in other.terms {
            match self.terms.iter_mut().find(|t| t.atom == term.atom) {
                Some(found) => {
                    let own = std::mem::take(&mut found.coefficient);
                    found.coefficient = sum(own, term.coefficient);
                }
                None => self.terms.push(term),
            }
        }
        self.terms.retain(|t| !t.coefficient.is_empty());
        let short = |c: &Coefficient| c.len() <= MOST_PRODUCTS;
        let fits = self.terms.len() <= MOST_TERMS && short(&self.constant);
        (fits && self.terms.iter().all(|t| short(&t.coefficient))).then_some(self)
    }

    /// Σ over axes (from the first), which disappear.
    fn summed(&self, axes: &[usize]) -> Option<Form<'g>> {
        let count: usize = axes.iter().map(|&a| self.shape[a]).product();
        if count > MOST_TERMS {
            return None;
        }
        let kept: Vec<usize> = (0..self.shape.len())
            .filter(|a| !axes.contains(a))
            .collect();
        let shape: Shape = kept.iter().map(|&a| self.shape[a]).collect();
        let mut total = Form::constant(shape.clone(), Vec::new());
        for flat in 0..count {
            let mut rest = flat;
            let starts: Vec<usize> = axes
                .iter()
                .map(|&a| {
                    let start = rest % self.shape[a];
                    rest /= self.shape[a];
                    start
                })
                .collect();
            let part = self.moved(&shape, &|place| {
                let at = axes.iter().zip(&starts);
                let fixed = at.fold(place.clone(), |p, (&a, &s)| p.slice(a, s));
                let axes: Vec<Option<usize>> = kept.iter().map(|&a| Some(a)).collect();
                Some(fixed.relabel(&axes))
            })?;
            total = total.plus(part)?;
        }
        Some(total)
    }
}

/// The product of factors, if each is a single number; none of no factors.
pub(crate) fn single<'g>(factors: &[Atom<'g>]) -> Option<Option<Var<'g>>> {
    let numbers = factors
        .iter()
        .map(|f| f.place.is_fixed().then(|| element(f.var, f.place.offset)));
    let numbers: Vec<Var> = numbers.collect::<Option<_>>()?;
    Some(numbers.into_iter().reduce(|a, b| a * b))
}

/// One element of a value, as a single number.
pub(crate) fn element(var: Var<'_>, at: usize) -> Var<'_> {
    var.reshape(&[var.numel()]).slice(0, at, 1).reshape(&[])
}

/// Finds forms of nodes.
pub(crate) struct Affine<'d, 'g> {
    density: &'d Density<'g>,
    /// Smaller nodes are atoms.
    large: usize,
    known: HashMap<NodeId, Option<Form<'g>>>,
}

impl<'d, 'g> Affine<'d, 'g> {
    /// Nodes of `large` elements and more are looked into.
    pub fn new(density: &'d Density<'g>, large: usize) -> Affine<'d, 'g> {
        Affine {
            density,
            large,
            known: HashMap::new(),
        }
    }

    pub fn form(&mut self, var: Var<'g>) -> Option<Form<'g>> {
        if let Some(form) = self.known.get(&var.id) {
            return form.clone();
        }
        let form = if !self.density.varies(var) || var.numel() >= self.large {
            self.inside(var)
        } else {
            Some(Form::atom(var))
        };
        self.known.insert(var.id, form.clone());
        form
    }

    fn inside(&mut self, var: Var<'g>) -> Option<Form<'g>> {
        let shape = var.shape();
        if let Some((Constant(data), _)) = var.as_op::<Constant>() {
            return Some(constant(data));
        }
        let node = var.graph.node(var.id);
        let args: Vec<Var> = node.args.iter().map(|&a| var.graph.var(a)).collect();
        if let Some(op) = node.op.get::<Unary>() {
            return (op.0.name == "neg").then(|| Some(self.form(args[0])?.scaled(-1.0)))?;
        }
        if let Some(op) = node.op.get::<Binary>() {
            let (a, b) = (self.form(args[0])?, self.form(args[1])?);
            return binary(op.0.name, a, b);
        }
        if let Some(op) = node.op.get::<Contract>() {
            return self.contraction(op, args[0], args[1]);
        }
        if let Some(op) = node.op.get::<Reduce>() {
            let rank = args[0].rank();
            let axes: Vec<usize> = op.axes.iter().map(|a| rank - 1 - a).collect();
            return (op.kind == ReduceKind::Sum).then(|| self.form(args[0])?.summed(&axes))?;
        }
        if let Some(op) = node.op.get::<Concat>() {
            return self.joined(op, &shape, &args);
        }
        let movement = movement(&node, &args)?;
        self.form(args[0])?.moved(&shape, &movement)
    }

    /// Joined parts are the sum of each where it is.
    fn joined(&mut self, op: &Concat, shape: &Shape, args: &[Var<'g>]) -> Option<Form<'g>> {
        if args.len() > MOST_PARTS {
            return None;
        }
        let mut total = Form::constant(shape.clone(), Vec::new());
        for (part, arg) in parts(op, shape, args).into_iter().zip(args) {
            let mask = vec![Product {
                over: vec![part.mask],
                ..number(1.0).remove(0)
            }];
            let form = self.form(*arg)?.moved(shape, &part.movement)?;
            total = total.plus(form.times(&mask)?)?;
        }
        Some(total)
    }

    /// A product with data, summed over few places.
    fn contraction(&mut self, op: &Contract, a: Var<'g>, b: Var<'g>) -> Option<Form<'g>> {
        let all: Vec<u8> = op.out.iter().copied().chain(op.summed()).collect();
        let mut extents: Shape = Shape::from_elem(1, all.len());
        for (labels, shape) in [(&op.a, a.shape()), (&op.b, b.shape())] {
            for (label, extent) in labels.iter().zip(shape) {
                let at = all.iter().position(|l| l == label)?;
                extents[at] = extent;
            }
        }
        let summed: usize = extents[op.out.len()..].iter().product();
        if summed > MOST_TERMS {
            return None;
        }
        let spread = |form: Form<'g>, labels: &[u8]| {
            let axis = |l: &u8| labels.iter().position(|m| m == l);
            let axes: Vec<Option<usize>> = all.iter().map(axis).collect();
            form.moved(&extents, &|p| Some(p.relabel(&axes)))
        };
        let x = spread(self.form(a)?, &op.a)?;
        let y = spread(self.form(b)?, &op.b)?;
        let axes: Vec<usize> = (op.out.len()..all.len()).collect();
        binary("mul", x, y)?.summed(&axes)
    }
}

fn constant<'g>(data: Tensor) -> Form<'g> {
    let shape = data.shape().clone();
    let coefficient = match data.uniform() {
        Some(0.0) => Vec::new(),
        Some(x) => number(x),
        None => vec![Product {
            scale: 1.0,
            over: vec![View {
                place: Place::whole(&shape),
                data,
            }],
            under: Vec::new(),
        }],
    };
    Form::constant(shape, coefficient)
}

pub(crate) fn binary<'g>(name: &str, a: Form<'g>, b: Form<'g>) -> Option<Form<'g>> {
    match name {
        "add" => a.plus(b),
        "sub" => a.plus(b.scaled(-1.0)),
        "mul" => match (a.as_constant().cloned(), b.as_constant().cloned()) {
            (Some(c), _) => b.times(&c),
            (_, Some(c)) => a.times(&c),
            _ => {
                let (mut form, factors) = match (a.as_factors(), b.as_factors()) {
                    (_, Some(factors)) => (a, factors),
                    (Some(factors), _) => (b, factors),
                    _ => return None,
                };
                form.factors.extend(factors);
                Some(form)
            }
        },
        "div" => {
            if let Some(c) = b.as_constant() {
                let [p] = c.as_slice() else { return None };
                let reciprocal = Product {
                    scale: 1.0 / p.scale,
                    over: p.under.clone(),
                    under: p.over.clone(),
                };
                return a.times(&vec![reciprocal]);
            }
            let factors = b.as_factors()?;
            let mut form = a;
            form.factors.extend(factors.into_iter().map(|f| Atom {
                var: f.var.recip(),
                place: f.place,
            }));
            Some(form)
        }
        _ => None,
    }
}

/// Elements of a form's shape.
pub(crate) fn rows(form: &Form<'_>) -> usize {
    numel(&form.shape)
}
