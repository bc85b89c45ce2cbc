//! Expressions of a fit's quantities, for each of its draws.

use super::{Error, Fit, Program};
use crate::check;
use crate::check::program::{StatementKind, VarId, Variable, VariableKind};
use crate::data::{Data, Values};
use crate::diag::{Diagnostic, Diagnostics, SourceId};
use crate::graph::NodeId;
use crate::infer::{Posterior, Quantity, Told, Watch, simulate};
use crate::lower;
use crate::model::{self, Model};
use crate::syntax::{self, ast};
use crate::types::Type;
use std::collections::BTreeMap;

impl Fit {
    /// The posterior of an expression: of latents, data, and whatever the program defines.
    ///
    /// A condition is 1 where it holds, so that its mean is its probability.
    ///
    /// ```
    /// use elbo::{Data, Options, Program};
    /// let program = Program::parse("a ~ Normal(1, 1)\nb ~ Normal(0, 1)")?;
    /// let fit = program.bind(&Data::default())?.fit(&Options::default())?;
    /// let difference = fit.evaluate("a - b")?;
    /// assert!((difference.mean()[0] - 1.0).abs() < 0.18); // four standard errors
    /// // Φ(1 / √2)
    /// assert!((fit.evaluate("a > b")?.mean()[0] - 0.760).abs() < 0.054);
    /// assert_eq!(fit.evaluate("a + c").unwrap_err().diagnostics[0].code, "E0101");
    /// # Ok::<(), elbo::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of the expression; E0633 if it draws something, E0634 if it is no number and no array of numbers, E0635 if it needs
    /// a latent whose draws were not kept.
    pub fn evaluate(&self, expression: &str) -> Result<Quantity, Error> {
        let program = &self.program;
        program.evaluate(expression, &self.data, self.posterior(), self.threads)
    }
}

impl Program {
    /// The values of an expression for draws of what it reads: see [`Fit::evaluate`]. What reads data alone needs no draws but
    /// the number of them.
    ///
    /// ```
    /// use elbo::{Data, Program, infer::Posterior};
    /// let none = Posterior { draws: 1, ..Posterior::default() };
    /// let program = Program::parse("data y: real[N]")?;
    /// let mut data = Data::default();
    /// data.insert("y", [1.0, 2.0, 6.0]);
    /// assert_eq!(program.evaluate("mean(y)", &data, &none, 1)?.draws, [3.0]);
    /// # Ok::<(), elbo::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Fit::evaluate`].
    pub fn evaluate(
        &self,
        expression: &str,
        data: &Data,
        draws: &Posterior,
        threads: usize,
    ) -> Result<Quantity, Error> {
        if let Some(known) = draws.get(expression.trim()) {
            return Ok(known.clone());
        }
        let program = self.with_definition(expression)?;
        let model = told(&program, data, draws, &|_| false)?;
        let found = model.quantities.iter().find(|q| q.name == NAME);
        let quantity = found.expect("it was defined");
        let values = push(&model, &[quantity.node], draws, threads, &self.watch);
        let name = called(expression.trim(), &quantity.shape);
        let named = |values| named(quantity, &name, values);
        Ok(values.into_iter().map(named).next().unwrap_or_default())
    }

    /// The type of an expression, as messages write it: `real[J]`.
    ///
    /// # Errors
    /// Those of the expression; E0633 and E0634.
    pub fn type_of(&self, expression: &str) -> Result<Type, Error> {
        let program = self.with_definition(expression)?;
        let variable = program.variable(NAME);
        Ok(variable.expect("it was defined").ty.clone())
    }

    /// The program with the expression as one more definition, [`NAME`].
    fn with_definition(&self, expression: &str) -> Result<Program, Error> {
        let mut sources = self.sources().clone();
        let source = sources.add("the expression", expression);
        let (value, problems) = syntax::parse_expr(source, expression);
        let Some(value) = value.filter(|_| problems.is_empty()) else {
            return Err(Error::new(problems, &sources));
        };
        let span = value.span;
        let name = NAME.to_string();
        let target = ast::Target::Element {
            name: ast::Ident { name, span },
            indices: Vec::new(),
            span,
        };
        let statement = ast::Statement {
            kind: ast::StatementKind::Let { target, value },
            span,
            doc: Vec::new(),
        };
        let program = self.with(statement, sources)?;
        let draws = |p: &Program| {
            let statements = p.checked().statements.iter();
            let draws = |kind: &StatementKind| {
                matches!(
                    kind,
                    StatementKind::Draw { .. } | StatementKind::Param { .. }
                )
            };
            statements.filter(|s| draws(&s.kind)).count()
        };
        if draws(&program) != draws(self) {
            let problem = Diagnostic::error("E0633", "the expression draws or learns something")
                .at(span, "a function with draws of its own")
                .help("draw it in the program, and ask for it by its name");
            return Err(program.error(vec![problem]));
        }
        // Names of distributions and functions are local, or no variables at all.
        let variable = program.variables().iter().find(|v| v.name == NAME);
        if variable.is_none_or(|v| v.ty.number().is_none()) {
            let what = variable.map_or("a function".into(), |v| v.ty.to_string());
            let problem = Diagnostic::error("E0634", "the expression has no value")
                .at(span, format!("this is {what}"))
                .help(
                    "ask for a number or an array of numbers, such as `Normal(0, 1).log_prob(0.3)`",
                );
            return Err(program.error(vec![problem]));
        }
        Ok(program)
    }
}

/// The name of a value: of elements of `a > b` it is `(a > b)[1]`.
fn called(expression: &str, shape: &[usize]) -> String {
    let (parsed, _) = syntax::parse_expr(SourceId(0), expression);
    let operator = |e: &ast::Expr| {
        use ast::ExprKind::{Binary, If, Unary};
        matches!(e.kind, Binary { .. } | Unary { .. } | If { .. })
    };
    let open = syntax::in_brackets(expression).is_none();
    match !shape.is_empty() && open && parsed.as_ref().is_some_and(operator) {
        true => format!("({expression})"),
        false => expression.into(),
    }
}

/// A model of what follows from draws of a posterior, with the densities of data whose names `terms` wants.
///
/// # Errors
/// E0635 if a latent is needed whose draws were not kept.
pub(super) fn told(
    program: &Program,
    data: &Data,
    posterior: &Posterior,
    terms: &dyn Fn(&str) -> bool,
) -> Result<Model, Error> {
    let known = |name: &str| posterior.get(name).is_some();
    bound_to(
        program,
        data,
        posterior,
        program.checked().given(&known, terms),
    )
}

/// The same where discrete latents are not told but summed out.
pub(super) fn told_marginal(
    program: &Program,
    data: &Data,
    posterior: &Posterior,
    terms: &dyn Fn(&str) -> bool,
) -> Result<Model, Error> {
    let known = |name: &str| posterior.get(name).is_some();
    let given = program.checked().given_marginal(&known, terms);
    bound_to(program, data, posterior, given)
}

/// A program of what is told, bound.
pub(super) fn bound_to(
    program: &Program,
    data: &Data,
    posterior: &Posterior,
    mut given: check::Program,
) -> Result<Model, Error> {
    let problems = leave_out_unknown(&mut given);
    if !problems.is_empty() {
        return Err(program.error(problems));
    }
    let mut data = data.clone();
    for quantity in &posterior.quantities {
        stand_in(&mut data, &quantity.name, quantity);
    }
    let lowered = lower::lower_simulation(&given, &data, &|_| String::new());
    lowered.map_err(|d| program.error(d))
}

/// Gives zeros for what is told for each draw later: here its shape counts.
pub(super) fn stand_in(data: &mut Data, name: &str, quantity: &Quantity) {
    let zeros = vec![0.0; quantity.numel()];
    data.insert(name, Values::numbers(quantity.shape.clone(), zeros));
}

/// Leaves out definitions that need latents whose draws were not kept; what else needs these is an error.
fn leave_out_unknown(given: &mut check::Program) -> Diagnostics {
    let mut problems = Diagnostics::new();
    let summed = given.discrete_latents();
    let mut unknown: BTreeMap<VarId, VarId> = (0..)
        .zip(&given.variables)
        .filter(|(_, v)| [VariableKind::Latent, VariableKind::Param].contains(&v.kind))
        .map(|(i, _)| (VarId(i), VarId(i)))
        .filter(|(id, _)| !summed.contains(id))
        .collect();
    loop {
        let before = given.statements.len();
        let variables = &given.variables;
        given.statements.retain(|statement| {
            let mut found = None;
            statement.variables(true, &mut |id| found = found.or(unknown.get(&id).copied()));
            let Some(latent) = found else {
                return true;
            };
            match &statement.kind {
                StatementKind::Let { target, .. }
                    if variables[target.var.0 as usize].name != NAME =>
                {
                    unknown.insert(target.var, latent);
                }
                _ => problems.push(not_kept(&variables[latent.0 as usize])),
            }
            false
        });
        if given.statements.len() == before {
            return problems;
        }
    }
}

/// What the definition of an expression is called, as nothing in a program can be.
const NAME: &str = "(expression)";

/// Nodes of such a model for each of the draws: draws by elements, row-major.
pub(super) fn push(
    model: &Model,
    nodes: &[NodeId],
    posterior: &Posterior,
    threads: usize,
    watch: &Watch,
) -> Vec<Vec<f64>> {
    let values = |name: &str| posterior[name].draws.as_slice();
    let told = Told {
        draws: posterior.draws,
        values: &values,
        seed: 0,
        threads,
        watch,
    };
    simulate(model, nodes, &told)
}

/// Draws with the shape and the labels of what they are of.
pub(super) fn named(quantity: &model::Quantity, name: &str, draws: Vec<f64>) -> Quantity {
    Quantity {
        name: name.to_string(),
        shape: quantity.shape.clone(),
        dims: quantity.dims.clone(),
        labels: quantity.labels.clone(),
        base: quantity.base,
        integer: draws.iter().all(|x| x.fract() == 0.0),
        draws,
    }
}

fn not_kept(variable: &Variable) -> Diagnostic {
    let message = format!("the fit has no draws of `{}`", variable.name);
    Diagnostic::error("E0635", message)
        .at(variable.span, "its values for each row were not kept")
        .help("fit with the data in memory, so that values of each row are reported")
}
