//! The guide that a program writes: derived factors by their family's name, and draws of its own.
//!
//! `z ~ d` in a guide makes the latent `z` a function of standard Normal numbers, its log density one that
//! is subtracted. So a program with a guide is another program over noise ([`Checker::guided`]), which
//! everything after this stage takes as it is.

use super::program::{
    Expr, ExprKind, Nest, Property, Statement, StatementKind, Target, VarId, VariableKind,
};
use super::statement::{dims_fit, family_name};
use super::{Binding, Checker, Program, error};
use crate::diag::Span;
use crate::dist::Domain;
use crate::functions;
use crate::syntax::ast;
use crate::types::{Base, Dim, Type};
use std::collections::HashMap;

impl<'a> Checker<'a> {
    /// Whether what is looked at stands in a guide.
    pub(super) fn is_guide(&self) -> bool {
        self.guide.is_some()
    }

    /// `guide full_rank`
    pub(super) fn outline_guide(&mut self, strategy: &'a ast::Expr) {
        let Some(family) = family_of_guide(strategy) else {
            return self.report(error::not_a_guide(strategy.span));
        };
        if let Some((_, first)) = &self.program.guide.rest {
            let problem = error::guide_twice(strategy.span, *first);
            return self.report(problem);
        }
        self.program.guide.rest = Some((family.into(), strategy.span));
    }

    /// The statements of `guide { … }`, when all names of the model are known.
    pub(super) fn outline_guide_blocks(&mut self) {
        for block in std::mem::take(&mut self.guide_blocks) {
            let ast::StatementKind::GuideBlock { body } = &block.kind else {
                continue;
            };
            let scope = self.open_scope(self.scope);
            self.guide = Some(scope);
            self.outline_block(body, scope, &[], false);
            self.guide = None;
        }
    }

    /// `(mu, tau) ~ full_rank()`, or a draw of its own, which is a statement.
    pub(super) fn outline_guide_draw(
        &mut self,
        statement: &'a ast::Statement,
        target: &'a ast::Target,
        dist: &'a ast::Expr,
        nest: &[usize],
    ) {
        let family = match &dist.kind {
            ast::ExprKind::Call { .. } => family_of_guide(dist),
            _ => None,
        };
        match (target, family.filter(|name| self.is_family_name(name))) {
            (ast::Target::Tuple { items, .. }, family) => {
                let Some(family) = family else {
                    return self.report(error::tuple_with_distribution(target_span(target)));
                };
                let sites: Vec<VarId> = items.iter().filter_map(|i| self.whole_site(i)).collect();
                self.add_factor(sites, family, statement.span, nest);
            }
            (_, Some(family)) => {
                let sites = self.whole_site(target).into_iter().collect();
                self.add_factor(sites, family, statement.span, nest);
            }
            (ast::Target::Element { name, .. }, None) => {
                if self.site_named(name).is_some() {
                    self.add_leaf(statement, nest, None);
                }
            }
        }
    }

    /// Guides are written small, with `_`, distributions in capitals: a call of what is no function and no name.
    fn is_family_name(&self, name: &str) -> bool {
        self.lookup(name).is_none()
            && functions::find(name).is_none()
            && crate::dist::find(name).is_none()
    }

    fn add_factor(&mut self, sites: Vec<VarId>, family: &str, span: Span, nest: &[usize]) {
        if !nest.is_empty() {
            return self.report(error::factor_in_loop(span));
        }
        for &site in &sites {
            let factors = &self.program.guide.factors;
            let first = factors.iter().find(|(of, ..)| of.contains(&site));
            if let Some((.., first)) = first {
                let name = &self.variable(site).name;
                let problem = error::guided_twice(span, *first, name);
                self.report(problem);
            }
        }
        let factors = &mut self.program.guide.factors;
        factors.push((sites, family.into(), span));
    }

    /// A latent as a whole.
    fn whole_site(&mut self, target: &'a ast::Target) -> Option<VarId> {
        match target {
            ast::Target::Element { name, indices, .. } if indices.is_empty() => {
                self.site_named(name)
            }
            other => {
                self.report(error::not_whole(target_span(other)));
                None
            }
        }
    }

    /// The latent of a name, or of a path such as `h.w`; an error is reported where it is something else.
    fn site_named(&mut self, name: &ast::Ident) -> Option<VarId> {
        let found = self.target_named(name);
        if let Some(Binding::Var(id)) = found
            && self.variable(id).kind == VariableKind::Latent
        {
            return Some(id);
        }
        let place = found.map(|binding| self.place_of(&binding));
        let latents = self.program.variables.iter();
        let latents = latents.filter(|v| v.kind == VariableKind::Latent);
        let known: Vec<&str> = latents.map(|v| v.name.as_str()).collect();
        let problem = error::not_a_latent(name.span, &name.name, place, known);
        self.report(problem);
        None
    }

    /// What a target's name means: a path begins with the name of a call that draws.
    pub(super) fn target_named(&mut self, name: &ast::Ident) -> Option<Binding<'a>> {
        if let Some(found) = self.lookup(&name.name) {
            return Some(found);
        }
        let root = name.name.split(['.', '[']).next()?;
        let site = self.site_at_path(root, &name.name, name.span)?;
        Some(Binding::Var(site))
    }

    pub(super) fn check_guide_draw(
        &mut self,
        target: &'a ast::Target,
        dist: &'a ast::Expr,
    ) -> Option<StatementKind> {
        let ast::Target::Element { name, .. } = target else {
            return None;
        };
        let site = self.site_named(name)?;
        self.ensure(site, name.span);
        let target = self.check_target(target)?;
        let checked = self.expr_of_distribution(dist)?;
        let Type::Distribution { base, array, event } = checked.ty.clone() else {
            return None;
        };
        let (name, place) = (self.variable(site).name.clone(), self.drawn_at(site));
        let (own, dims) = self.variable(site).ty.number()?;
        if (own == Base::Real) != (base == Base::Real) {
            let family = family_name(&checked);
            self.report(error::guide_base(target.span, &name, place, &family));
            return None;
        }
        let element = dims.get(target.indices.len()..).map(<[Dim]>::to_vec);
        let drawn: Vec<Dim> = array.iter().chain(&event).cloned().collect();
        if !element.as_ref().is_some_and(|e| dims_fit(e, &drawn)) {
            let (ty, found) = (self.variable(site).ty.clone(), &checked.ty);
            let problem = error::guide_shape(target.span, &name, place, &ty, found);
            self.report(problem);
            return None;
        }
        self.expect_support(site, &target, &checked, place);
        self.expect_once(site, target.span, target.indices.is_empty());
        Some(StatementKind::Draw {
            target,
            dist: checked,
        })
    }

    /// A latent has one factor, or one draw, or a draw for each element.
    fn expect_once(&mut self, site: VarId, span: Span, whole: bool) {
        let factors = &self.program.guide.factors;
        let factor = factors.iter().find(|(of, ..)| of.contains(&site));
        let mut drawn = self.guide_draws.iter();
        let drawn = drawn.find(|(of, _, other)| *of == site && (whole || *other));
        let first = factor.map(|f| f.2).or(drawn.map(|d| d.1));
        if let Some(first) = first {
            let problem = error::guided_twice(span, first, &self.variable(site).name);
            self.report(problem);
        }
        self.guide_draws.push((site, span, whole));
    }

    /// Where the model draws a latent.
    fn drawn_at(&self, site: VarId) -> Span {
        let leaf = self.definitions.get(&site).and_then(|l| l.first());
        leaf.map_or(self.variable(site).span, |&l| self.leaves[l].statement.span)
    }

    /// Draws of the guide must be possible in the model, as far as the families tell.
    fn expect_support(&mut self, site: VarId, target: &Target, dist: &Expr, place: Span) {
        let leaf = self.definitions.get(&site).and_then(|l| l.first());
        let own = leaf.and_then(|&l| self.leaves[l].checked.as_ref());
        let drawn = |s: &&Statement| matches!(&s.kind, StatementKind::Draw { target, .. } if target.var == site);
        let made = self.made.iter().map(|(_, s)| s);
        let model = own.into_iter().chain(made).find(drawn);
        let Some(StatementKind::Draw { dist: prior, .. }) = model.map(|s| &s.kind) else {
            return;
        };
        let (Some(own), Some(needed)) = (domain(dist), domain(prior)) else {
            return;
        };
        if !lies_in(own, needed) {
            let families = (family_name(dist), family_name(prior));
            let name = self.variable(site).name.clone();
            let problem = error::guide_support(target.span, &name, place, families, needed);
            self.report(problem);
        }
    }

    /// The program over noise, with the guide's statements; none if these draw nothing.
    pub(super) fn guided(&mut self, statements: Vec<Statement>) -> Option<Box<Program>> {
        let mut sites: Vec<VarId> = Vec::new();
        for statement in &statements {
            if let StatementKind::Draw { target, .. } = &statement.kind
                && !sites.contains(&target.var)
            {
                sites.push(target.var);
            }
        }
        if sites.is_empty() {
            return None;
        }
        let model = self.program.clone();
        let mut noise: HashMap<VarId, VarId> = HashMap::new();
        for &site in &sites {
            let Some(variable) = self.program.variables.get(site.0 as usize).cloned() else {
                continue;
            };
            self.variable_mut(site).kind = VariableKind::Guided;
            let name = format!("noise of {}", variable.name);
            let made = self.new_variable(&name, variable.span, VariableKind::Noise, variable.ty);
            noise.insert(site, made);
        }
        for statement in statements {
            let Statement { kind, nest, span } = statement;
            match kind {
                StatementKind::Draw { target, dist } => {
                    self.reparameterise(target, dist, &noise, nest, span);
                }
                kind => self.program.statements.push(Statement { kind, nest, span }),
            }
        }
        let guided = std::mem::replace(&mut self.program, model);
        Some(Box::new(guided))
    }

    /// A draw of the guide as noise, what it makes, and the log density that is subtracted.
    fn reparameterise(
        &mut self,
        target: Target,
        dist: Expr,
        noise: &HashMap<VarId, VarId>,
        nest: Vec<Nest>,
        span: Span,
    ) {
        if matches!(&dist.ty, Type::Distribution { base, .. } if *base != Base::Real) {
            let kind = StatementKind::Sample { target, dist };
            self.program.statements.push(Statement { kind, nest, span });
            return;
        }
        let own = Target {
            var: noise[&target.var],
            ..target.clone()
        };
        let numbers = self.value_of(&own);
        let value = property(Property::Reparameterised, &dist, numbers);
        let drawn = self.value_of(&target);
        let log_prob = property(Property::LogProb, &dist, drawn);
        let ty = log_prob.ty.clone();
        let negative = Expr::call("negate", vec![log_prob], ty, span);
        let kinds = [
            StatementKind::Noise { target: own, dist },
            StatementKind::Let { target, value },
            StatementKind::Factor { value: negative },
        ];
        for kind in kinds {
            let nest = nest.clone();
            self.program.statements.push(Statement { kind, nest, span });
        }
    }

    /// What a target names, as a value.
    fn value_of(&mut self, target: &Target) -> Expr {
        let whole = self.bound(Binding::Var(target.var), target.span);
        match target.indices.is_empty() {
            true => whole,
            false => self.element(whole, target.indices.clone()),
        }
    }
}

fn property(property: Property, dist: &Expr, x: Expr) -> Expr {
    let array = match (&dist.ty, property) {
        (Type::Distribution { array, .. }, Property::LogProb) => array.clone(),
        _ => x.ty.number().map_or(Vec::new(), |(_, dims)| dims.to_vec()),
    };
    Expr {
        ty: Type::array(Base::Real, array),
        span: dist.span,
        size: None,
        kind: ExprKind::Property {
            property,
            dist: Box::new(dist.clone()),
            x: Some(Box::new(x)),
        },
    }
}

/// The family of `full_rank` or `full_rank()`.
fn family_of_guide(strategy: &ast::Expr) -> Option<&str> {
    match &strategy.kind {
        ast::ExprKind::Name(name) => Some(name),
        ast::ExprKind::Call { callee, args } if args.is_empty() => family_of_guide(callee),
        _ => None,
    }
}

fn target_span(target: &ast::Target) -> Span {
    match target {
        ast::Target::Element { span, .. } | ast::Target::Tuple { span, .. } => *span,
    }
}

/// Where draws lie, if the family alone says so.
fn domain(dist: &Expr) -> Option<Domain> {
    match &dist.kind {
        ExprKind::Distribution { family, .. } if !family.support_needs_arguments() => {
            match family.declaration().support {
                Domain::AsInner(_) | Domain::Image(_) => None,
                domain => Some(domain),
            }
        }
        ExprKind::Power { dist, .. } => domain(dist),
        ExprKind::Let { body, .. } => domain(body),
        _ => None,
    }
}

/// Whether every value of the one is a value of the other.
fn lies_in(own: Domain, other: Domain) -> bool {
    use Domain::{
        AboveOne, CholeskyCorrelation, Circle, Covariance, Nonnegative, Positive, Real, Unit,
    };
    let numbers = [Positive, Nonnegative, Unit, AboveOne, Circle];
    own == other
        || match other {
            Real => numbers.contains(&own) || !matches!(own, Domain::Index | Domain::Counts),
            Positive | Nonnegative => matches!(own, Positive | Nonnegative | Unit | AboveOne),
            Domain::CholeskyCovariance => own == CholeskyCorrelation,
            Covariance => own == Domain::Correlation,
            _ => false,
        }
}
