//! The program that makes data: what it draws as data is drawn anew, and latents may be held at given values.
//!
//! A draw becomes a definition whose value is drawn, so that what comes before what, recurrences too, is as for any
//! other definition. What is held is data; what a fit has drawn already is told, for each of its draws.

use super::error;
use super::program::{
    DataDecl, Draw, Expr, ExprKind, Index, Nest, Program, Refinement, Statement, StatementKind,
    States, Target, VarId, Variable, VariableKind,
};
use crate::diag::{Diagnostics, Span};
use crate::types::{Base, Type};
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of something that a program draws or learns when it makes data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is drawn from its distribution.
    Drawn,
    /// It has one value, which stands among the data.
    Held,
    /// It has a value for each draw, which is told.
    Given,
    /// Elements that data of the name [`marks`] mark are told for each draw, under the name [`told`]; the others are
    /// drawn, given these.
    Extended,
}

/// The name under which the known elements of what is [`Fate::Extended`] are told. No program can have it.
pub fn told(name: &str) -> String {
    format!("{name} as told")
}

/// The name of the data that say which elements these are: true for known ones.
pub fn marks(name: &str) -> String {
    format!("{name} is told")
}

impl Program {
    /// The program that draws its data and latents, but for those of another [`Fate`].
    ///
    /// Batches and guides are of fits, and have no part in it. Data that are not `given` and are computed from data that
    /// are drawn follow these.
    ///
    /// # Errors
    /// E0626 for a factor of something that is drawn, and for drawn data that are computed from other data.
    pub fn simulation(
        &self,
        fate: &dyn Fn(&str) -> Fate,
        given: &dyn Fn(&str) -> bool,
    ) -> Result<Program, Diagnostics> {
        let mut program = self.without_statements();
        let key = program.add_key();
        let makes: BTreeSet<VarId> = self.makes().collect();
        let is_held = |id: &VarId| matches!(fate(self.name(*id)), Fate::Held | Fate::Given);
        let (kept, made): (BTreeSet<VarId>, BTreeSet<VarId>) =
            makes.iter().partition(|id| is_held(id));
        let mut extended = BTreeMap::new();
        for id in makes {
            let fate = fate(self.name(id));
            let variable = program.variable_mut(id);
            match (variable.kind, fate) {
                (_, Fate::Given) => program.hold(id, VariableKind::Given),
                (VariableKind::Data, Fate::Drawn | Fate::Extended) => {
                    variable.kind = VariableKind::Simulated;
                }
                (VariableKind::Data, Fate::Held) | (_, Fate::Drawn | Fate::Extended) => {}
                (_, Fate::Held) => program.hold(id, VariableKind::Data),
            }
            if fate == Fate::Extended {
                extended.insert(id, program.add_told(id));
            }
        }
        for (serial, statement) in (0..).zip(&self.statements) {
            let kind = match &statement.kind {
                StatementKind::Draw { target, dist } if made.contains(&target.var) => {
                    let value = self.drawn(target, dist, statement, serial, &key, &program);
                    let value = match extended.get(&target.var) {
                        Some(known) => program.told_or(target, *known, value),
                        None => value,
                    };
                    let target = target.clone();
                    StatementKind::Let { target, value }
                }
                StatementKind::Param { var, .. } if !made.contains(var) => continue,
                StatementKind::Let { target, .. } if kept.contains(&target.var) => continue,
                kind => kind.clone(),
            };
            program.statements.push(Statement {
                kind,
                ..statement.clone()
            });
        }
        let mut problems = self.weighed(&made);
        problems.extend(program.follow(given));
        match problems.is_empty() {
            true => Ok(program),
            false => Err(problems),
        }
    }

    /// The program in which all that is `told` has a value for each of several draws: what is left are the other
    /// definitions, and the densities of data whose names `terms` wants.
    pub fn given(&self, told: &dyn Fn(&str) -> bool, terms: &dyn Fn(&str) -> bool) -> Program {
        self.given_with(told, terms, &BTreeSet::new())
    }

    /// The same, in which discrete latents are not told but summed out, nor what is defined by latents.
    pub fn given_marginal(
        &self,
        told: &dyn Fn(&str) -> bool,
        terms: &dyn Fn(&str) -> bool,
    ) -> Program {
        let discrete = self.discrete_latents();
        let value = |name: &str| {
            let own = |v: &Variable| v.name == name && v.kind == VariableKind::Let;
            !self.variables.iter().any(own)
        };
        let told = |name: &str| told(name) && value(name);
        self.given_with(&told, terms, &discrete)
    }

    /// The program in which all that is `told` has a value for each of several draws, but for discrete latents, of which it
    /// tells the `states`, and what is defined.
    pub fn given_states(&self, told: &dyn Fn(&str) -> bool, states: States) -> Program {
        let discrete = self.discrete_latents();
        let mut program = self.without_statements();
        for (i, variable) in self.variables.iter().enumerate() {
            let id = VarId(i as u32);
            let kinds = [VariableKind::Param, VariableKind::Latent];
            if kinds.contains(&variable.kind) && told(&variable.name) && !discrete.contains(&id) {
                program.hold(id, VariableKind::Given);
            }
        }
        let param = |s: &&Statement| matches!(s.kind, StatementKind::Param { .. });
        program.statements = self
            .statements
            .iter()
            .filter(|s| !param(s))
            .cloned()
            .collect();
        program.states = states;
        program
    }

    /// Latents of whole numbers.
    pub fn discrete_latents(&self) -> BTreeSet<VarId> {
        let drawn = self.statements.iter().filter_map(|s| match &s.kind {
            StatementKind::Draw { target, dist } => Some((target.var, dist)),
            _ => None,
        });
        let whole = |dist: &Expr| matches!(&dist.ty, Type::Distribution { base, .. } if *base != Base::Real);
        drawn
            .filter(|(var, dist)| self.variable(*var).kind == VariableKind::Latent && whole(dist))
            .map(|(var, _)| var)
            .collect()
    }

    /// Draws of `kept` stay, and are not told.
    fn given_with(
        &self,
        told: &dyn Fn(&str) -> bool,
        terms: &dyn Fn(&str) -> bool,
        kept: &BTreeSet<VarId>,
    ) -> Program {
        let mut program = self.without_statements();
        let mut given = BTreeSet::new();
        for (i, variable) in self.variables.iter().enumerate() {
            let kinds = [
                VariableKind::Data,
                VariableKind::Param,
                VariableKind::Latent,
                VariableKind::Let,
            ];
            let id = VarId(i as u32);
            if kinds.contains(&variable.kind) && told(&variable.name) && !kept.contains(&id) {
                given.insert(id);
                program.hold(id, VariableKind::Given);
            }
        }
        let is_data = |id| self.variable(id).kind == VariableKind::Data;
        let left = self.statements.iter().filter(|s| match &s.kind {
            StatementKind::Draw { target, .. } => {
                is_data(target.var) && terms(self.name(target.var)) || kept.contains(&target.var)
            }
            StatementKind::Let { target, .. } => !given.contains(&target.var),
            StatementKind::Param { .. }
            | StatementKind::Factor { .. }
            | StatementKind::Sample { .. }
            | StatementKind::Noise { .. } => false,
        });
        program.statements = left.cloned().collect();
        program
    }

    /// The same names and data, of which nothing is said.
    fn without_statements(&self) -> Program {
        Program {
            statements: Vec::new(),
            has_batches: false,
            guided: None,
            made_in_batches: BTreeSet::new(),
            beyond_batches: BTreeMap::new(),
            ..self.clone()
        }
    }

    /// What can be held when data are simulated: whatever is drawn or learned.
    pub fn holdable(&self) -> BTreeSet<&str> {
        self.makes().map(|id| self.name(id)).collect()
    }

    fn name(&self, id: VarId) -> &str {
        &self.variable(id).name
    }

    fn variable_mut(&mut self, id: VarId) -> &mut Variable {
        &mut self.variables[id.0 as usize]
    }

    /// Variables that statements draw or learn, of themselves or by a function that does.
    fn makes(&self) -> impl Iterator<Item = VarId> {
        self.statements.iter().filter_map(|s| match &s.kind {
            StatementKind::Draw { target, .. } => Some(target.var),
            StatementKind::Let { target, .. } => Some(target.var).filter(|id| self.has_sites(*id)),
            StatementKind::Param { var, .. } => Some(*var),
            _ => None,
        })
    }

    /// Whether a definition is what a function gives that draws: `h` beside `h.w`.
    fn has_sites(&self, id: VarId) -> bool {
        let drawn = |s: &Statement| match &s.kind {
            StatementKind::Draw { target, .. } => self.name(target.var).strip_prefix(self.name(id)),
            _ => None,
        };
        let sites = self.statements.iter().filter_map(drawn);
        sites.into_iter().any(|rest| rest.starts_with('.'))
    }

    /// Makes definitions of data that are computed from drawn ones.
    fn follow(&mut self, given: &dyn Fn(&str) -> bool) -> Diagnostics {
        let mut problems = Diagnostics::new();
        let computed = |decl: &DataDecl, program: &Program| {
            let default = decl
                .default
                .as_ref()
                .filter(|_| !given(program.name(decl.var)))?;
            let mut drawn = None;
            default.variables(&mut |id| {
                let is_drawn = program.variable(id).kind == VariableKind::Simulated;
                drawn = drawn.or(Some(id).filter(|_| is_drawn));
            });
            let whole = default.ty.rank() == decl.dims.len();
            Some((default.clone(), drawn)).filter(|_| whole)
        };
        for decl in &self.data {
            let twice = self.variable(decl.var).kind == VariableKind::Simulated;
            let arrays = |e: &Expr| {
                let mut any = None;
                e.variables(&mut |id| any = any.or(Some(id).filter(|i| self.has_elements(*i))));
                any
            };
            if let (true, Some((default, _))) = (twice, computed(decl, self))
                && let Some(of) = arrays(&default)
            {
                let (name, of) = (self.name(decl.var), self.name(of));
                problems.push(error::drawn_but_computed(decl.span, name, of));
            }
        }
        while let Some((at, value)) = self.data.iter().enumerate().find_map(|(at, decl)| {
            let mine = self.variable(decl.var).kind == VariableKind::Data;
            let (value, drawn) = computed(decl, self).filter(|_| mine)?;
            drawn.map(|_| (at, value))
        }) {
            let DataDecl { var, span, .. } = self.data.remove(at);
            self.variable_mut(var).kind = VariableKind::Simulated;
            let target = Target {
                var,
                indices: Vec::new(),
                span,
            };
            self.statements.push(Statement {
                kind: StatementKind::Let { target, value },
                nest: Vec::new(),
                span,
            });
        }
        problems
    }

    fn has_elements(&self, id: VarId) -> bool {
        let number = self.variable(id).ty.number();
        number.is_some_and(|(_, dims)| !dims.is_empty())
    }

    /// Whether some of the data are drawn.
    pub fn draws_data(&self) -> bool {
        let observed = |id| self.variable(id).kind == VariableKind::Data;
        self.makes().any(observed)
    }

    /// The variable that makes the noise of all draws.
    fn add_key(&mut self) -> Expr {
        let id = VarId(self.variables.len() as u32);
        let (span, ty) = (Span::default(), Type::array(Base::Real, [8.into()]));
        self.variables.push(Variable {
            name: "key".into(),
            span,
            kind: VariableKind::Key,
            ty: ty.clone(),
            size: None,
            of_guide: false,
        });
        Expr {
            kind: ExprKind::Var(id),
            ty,
            span,
            size: None,
        }
    }

    /// A draw as a value, a number for every turn of the loops around it.
    fn drawn(
        &self,
        target: &Target,
        dist: &Expr,
        statement: &Statement,
        serial: u32,
        key: &Expr,
        program: &Program,
    ) -> Expr {
        let ty = match &dist.ty {
            Type::Distribution { base, array, event } => {
                Type::array(*base, [array.as_slice(), event].concat())
            }
            other => other.clone(),
        };
        let loops = statement.nest.iter().filter_map(|part| match part {
            Nest::For { var, .. } => Some(*var),
            Nest::If { .. } => None,
        });
        let index = |var| Expr {
            kind: ExprKind::Var(var),
            ty: Type::scalar(Base::Int),
            span: dist.span,
            size: None,
        };
        // One distribution may be that of a whole array of data.
        let variable = program.variable(target.var);
        let declared = (variable.kind == VariableKind::Simulated)
            .then(|| variable.ty.number())
            .flatten();
        let dims = declared.map(|(_, dims)| dims[target.indices.len().min(dims.len())..].to_vec());
        let draw = Draw {
            dist: dist.clone(),
            key: key.clone(),
            over: loops.map(index).collect(),
            dims,
            serial,
        };
        Expr {
            kind: ExprKind::Draw(Box::new(draw)),
            ty,
            span: dist.span,
            size: None,
        }
    }

    /// Declares what is known of `id`: its values for each draw, and which elements these are.
    fn add_told(&mut self, id: VarId) -> [VarId; 2] {
        let variable = self.variable(id).clone();
        let dims = variable.ty.number().map_or(&[][..], |(_, dims)| dims);
        let which = Type::array(Base::Bool, dims.to_vec());
        let new = [
            (
                told(&variable.name),
                variable.ty.clone(),
                VariableKind::Given,
            ),
            (marks(&variable.name), which, VariableKind::Data),
        ];
        new.map(|(name, ty, kind)| {
            let id = VarId(self.variables.len() as u32);
            self.variables.push(Variable {
                name,
                ty,
                ..variable.clone()
            });
            self.hold(id, kind);
            id
        })
    }

    /// The target's element as it is told where it is, and otherwise `value`.
    fn told_or(&mut self, target: &Target, [told, marks]: [VarId; 2], value: Expr) -> Expr {
        let mut args: Vec<Expr> = [marks, told].map(|id| self.element(id, target)).into();
        let (ty, span) = (value.ty.clone(), value.span);
        args.push(value);
        Expr::call("where", args, ty, span)
    }

    /// What stands in `id` where `target` stands in its variable.
    fn element(&mut self, id: VarId, target: &Target) -> Expr {
        let expr = |kind, ty| Expr {
            kind,
            ty,
            span: target.span,
            size: None,
        };
        let ty = self.variable(id).ty.clone();
        let whole = expr(ExprKind::Var(id), ty.clone());
        let Some((base, dims)) = ty.number().filter(|_| !target.indices.is_empty()) else {
            return whole;
        };
        let rest = dims[target.indices.len().min(dims.len())..].to_vec();
        let kind = ExprKind::Index {
            id: self.fresh_index(),
            value: Box::new(whole),
            indices: target.indices.iter().cloned().map(Index::At).collect(),
        };
        expr(kind, Type::array(base, rest))
    }

    /// A number that no index expression has.
    fn fresh_index(&mut self) -> u32 {
        self.indices += 1;
        self.indices
    }

    /// Declares a variable of the program as data, or as told for each draw.
    fn hold(&mut self, id: VarId, kind: VariableKind) {
        let variable = self.variable_mut(id);
        let declared = variable.kind == VariableKind::Data && kind == VariableKind::Given;
        variable.kind = kind;
        let Some((base, dims)) = variable.ty.number().filter(|_| !declared) else {
            return;
        };
        let decl = DataDecl {
            var: id,
            base,
            refinement: Refinement::None,
            dims: dims.to_vec(),
            default: None,
            condition: None,
            span: variable.span,
        };
        self.data.push(decl);
    }

    /// Factors of what is drawn: they weigh what has been drawn, and nothing is drawn from them.
    fn weighed(&self, made: &BTreeSet<VarId>) -> Diagnostics {
        // What depends on a draw, and on which.
        let mut random: BTreeMap<VarId, VarId> = made.iter().map(|&id| (id, id)).collect();
        let reads = |e: &Expr, random: &BTreeMap<VarId, VarId>| {
            let mut found = None;
            e.variables(&mut |id| found = found.or(random.get(&id).copied()));
            found
        };
        loop {
            let before = random.len();
            for statement in &self.statements {
                if let StatementKind::Let { target, value } = &statement.kind
                    && let Some(drawn) = reads(value, &random)
                {
                    random.entry(target.var).or_insert(drawn);
                }
            }
            if random.len() == before {
                break;
            }
        }
        let factors = self.statements.iter().filter_map(|s| match &s.kind {
            StatementKind::Factor { value } => reads(value, &random).map(|id| (s.span, id)),
            _ => None,
        });
        factors
            .map(|(span, id)| error::factor_of_drawn(span, self.name(id)))
            .collect()
    }
}
