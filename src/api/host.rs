//! What the Rust program around offers its models: files to import, functions to call.

use super::program::UNNAMED;
use super::{Error, Program};
use crate::autodiff::grad;
use crate::data::{Disk, Files, InMemory};
use crate::diag::{Diagnostic, Sources};
use crate::functions::{
    self, Argument, Foreign, Function, Operand, Otherwise, Wrong, align, same_lead,
};
use crate::graph::{Graph, NodeId, Rebuild, Shape, Tensor, Var, broadcast_shapes, evaluate, numel};
use crate::ops::{External, external};
use crate::syntax::{self, ast};
use crate::types::{Atom, Base, Dim, Type};
use crate::{check, dist};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// What the Rust program around offers its models: files to import, functions to call.
///
/// Nothing is global: models made by two hosts know nothing of each other.
///
/// ```
/// use elbo::{Data, Host, HostFunction, Options};
/// // Hill's equation, of one dose at a time.
/// let hill = HostFunction::scalar(
///     "hill(dose, k, n)",
///     |[x, k, n]| x.powf(n) / (k.powf(n) + x.powf(n)),
///     |[x, k, n]: [f64; 3]| {
///         let (up, down) = (x.powf(n), k.powf(n));
///         let slope = up * down / (up + down).powi(2);
///         [slope * n / x, -slope * n / k, slope * (x / k).ln()]
///     },
/// )?;
/// let program = Host::default().function(hill)?.parse(
///     "data dose: real[N]
///      data y: real[N]
///      k ~ LogNormal(0, 1)
///      y ~ Normal(hill(dose, k, 2), 0.1)",
/// )?;
/// let mut data = Data::default();
/// data.insert("dose", [0.5, 1.0, 2.0, 4.0]);
/// data.insert("y", [0.21, 0.48, 0.83, 0.93]);
/// let fit = program.bind(&data)?.fit(&Options::default())?;
/// assert!((fit.posterior()["k"].mean()[0] - 1.0).abs() < 0.1);
/// # Ok::<(), elbo::Error>(())
/// ```
#[derive(Clone)]
pub struct Host {
    files: Arc<dyn Files + Send + Sync>,
    functions: Vec<Arc<Function>>,
}

impl Default for Host {
    /// Neither files nor functions.
    fn default() -> Host {
        Host::new(Arc::new(InMemory::default()))
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.functions).finish()
    }
}

impl Host {
    /// Offers files: what `files` does not give is out of a program's reach.
    ///
    /// ```
    /// use elbo::{Host, data::InMemory};
    /// use std::sync::Arc;
    /// let files = InMemory::new([
    ///     ("model.vi", "import \"priors.vi\"\nmu ~ priors.vague()"),
    ///     ("priors.vi", "fn vague() = Normal(0, 10)"),
    /// ]);
    /// let program = Host::new(Arc::new(files)).load("model.vi")?;
    /// assert_eq!(program.variables()[0].name, "mu");
    /// # Ok::<(), elbo::Error>(())
    /// ```
    pub fn new(files: Arc<dyn Files + Send + Sync>) -> Host {
        Host {
            files,
            functions: Vec::new(),
        }
    }

    /// The files of the disk; paths of imports are relative to the importing file.
    pub fn disk() -> Host {
        Host::new(Arc::new(Disk))
    }

    /// Offers a function besides; one of the same name that was offered before is replaced.
    ///
    /// # Errors
    /// E0709 if the language has a function, constant or distribution of this name.
    pub fn function(mut self, function: HostFunction) -> Result<Host, Error> {
        let Signature {
            name, text, params, ..
        } = &function.0.signature;
        let taken = functions::find(name).is_some()
            || functions::constant(name).is_some()
            || dist::find(name).is_some()
            || check::is_solver(name);
        if taken {
            let message = format!("`{name}` cannot be offered: the language has one of its own");
            return Err(refused(message).help("choose another name").into());
        }
        self.functions.retain(|f| f.name != *name);
        let doc = "A function of the program around.".into();
        let words = [name.clone(), text.clone(), doc];
        let elementwise = function.0.signature.is_elementwise();
        let function = Function::foreign(words, params.len(), elementwise, function.0.clone());
        self.functions.push(Arc::new(function));
        Ok(self)
    }

    /// Parses and checks a program.
    ///
    /// # Errors
    /// All mistakes of writing, or else all mistakes of meaning.
    pub fn parse(&self, text: &str) -> Result<Program, Error> {
        let mut sources = Sources::default();
        let id = sources.add(UNNAMED, text);
        Program::from_source(self, Path::new(UNNAMED), id, sources)
    }

    /// [`Host::parse`] of a file, and of the files that it imports.
    ///
    /// # Errors
    /// E0631 if the file cannot be read as text, and those of [`Host::parse`].
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Program, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let mut sources = Sources::default();
        let refuse = |why: String| {
            let message = format!("cannot read the program {name}: {why}");
            Error::from(Diagnostic::error("E0631", message))
        };
        let bytes = self.files.read(path).map_err(|e| refuse(e.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|_| refuse("it is not text (UTF-8)".into()))?;
        let id = sources.add(name, text);
        Program::from_source(self, path, id, sources)
    }

    pub(super) fn files(&self) -> &dyn Files {
        &*self.files
    }

    pub(super) fn functions(&self) -> &[Arc<Function>] {
        &self.functions
    }

    /// The same functions with other files.
    pub(super) fn with_files(&self, files: Arc<dyn Files + Send + Sync>) -> Host {
        Host {
            files,
            ..self.clone()
        }
    }
}

fn refused(message: String) -> Diagnostic {
    Diagnostic::error("E0709", message)
}

/// A function of Rust that programs call like one of the language's, by [`Host::function`].
///
/// It is declared by a signature as a function of the language would be: `hill(x, k, n)` of single numbers,
/// `orbit(p: real[6], t: real[N]) -> real[N]` of arrays. Types are `real` or `int` with extents in numbers and names; a name
/// stands for one number throughout, and the result's extents may be computed from them (`real[N - 1]`). What is said of no
/// type is a single real number. The checker holds calls to it. A function of single numbers alone is applied element by element
/// where it is given arrays.
///
/// It is called from several threads at once, and must give the same result for the same arguments: what is random in it, or
/// remembered, makes a fit worthless. It should be defined and smooth a little around all that it may be called with, because second derivatives are
/// differences of the first, at points that are 6e-6 of an argument's size apart from it, and 6e-8 at least; one that is [built of graph operations](HostFunction::graph) needs no such.
#[derive(Clone)]
pub struct HostFunction(Arc<Called>);

impl fmt::Debug for HostFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.signature.text)
    }
}

/// Extents with which a graph is tried, this and more: not such as signatures and programs have of their own.
const TRIED: i64 = 11;

impl HostFunction {
    /// A function of arrays, of which it is given the elements row by row.
    ///
    /// `value(args, out)` writes the result; `pullback(args, cotangent, adjoints)` writes into `adjoints[i]`, zeros at first, the
    /// derivatives of `Σ cotangent · result` in the elements of `args[i]`. Arguments of whole numbers have none.
    ///
    /// ```
    /// use elbo::{Host, HostFunction, graph::Tensor};
    /// // Exponential smoothing, s₁ = x₁ and sₜ = a xₜ + (1 − a) sₜ₋₁.
    /// let smooth = HostFunction::new(
    ///     "smoothed(x: real[T], a) -> real[T]",
    ///     |args, s| {
    ///         let (x, a) = (args[0], args[1][0]);
    ///         s.copy_from_slice(x);
    ///         (1..s.len()).for_each(|t| s[t] = a * x[t] + (1.0 - a) * s[t - 1]);
    ///     },
    ///     |args, cotangent, adjoints| {
    ///         let (x, a) = (args[0], args[1][0]);
    ///         let mut s = x.to_vec();
    ///         (1..s.len()).for_each(|t| s[t] = a * x[t] + (1.0 - a) * s[t - 1]);
    ///         let mut carried = 0.0;
    ///         for t in (0..s.len()).rev() {
    ///             carried += cotangent[t];
    ///             if t > 0 {
    ///                 adjoints[0][t] = a * carried;
    ///                 adjoints[1][0] += (x[t] - s[t - 1]) * carried;
    ///                 carried *= 1.0 - a;
    ///             } else {
    ///                 adjoints[0][0] = carried;
    ///             }
    ///         }
    ///     },
    /// )?;
    /// assert!(smooth.derivative_error(&[Tensor::vector([1.0, 3.0, 2.0]), Tensor::scalar(0.3)])? < 1e-8);
    /// let program = Host::default().function(smooth)?.parse(
    ///     "data x: real[T]
    ///      data y: real[T]
    ///      a ~ Uniform(0, 1)
    ///      y ~ Normal(smoothed(x, a), 1)",
    /// )?;
    /// # Ok::<(), elbo::Error>(())
    /// ```
    ///
    /// # Errors
    /// E0709 if the signature cannot be used, and what is wrong in how it is written.
    pub fn new(
        signature: &str,
        value: impl Fn(&[&[f64]], &mut [f64]) + Send + Sync + 'static,
        pullback: impl Fn(&[&[f64]], &[f64], &mut [&mut [f64]]) + Send + Sync + 'static,
    ) -> Result<HostFunction, Error> {
        let signature = Signature::parse(signature)?;
        let name = signature.name.clone();
        let closures = Closures {
            name,
            value,
            pullback,
        };
        Ok(HostFunction::of(
            signature,
            Code::External(Arc::new(closures)),
        ))
    }

    /// A function of single numbers, with its gradient: [`Host`] has an example.
    ///
    /// # Errors
    /// E0709 if the signature does not have so many numbers, and those of [`HostFunction::new`].
    pub fn scalar<const N: usize>(
        signature: &str,
        value: impl Fn([f64; N]) -> f64 + Send + Sync + 'static,
        gradient: impl Fn([f64; N]) -> [f64; N] + Send + Sync + 'static,
    ) -> Result<HostFunction, Error> {
        let declared = Signature::parse(signature)?;
        if !declared.is_elementwise() || declared.params.len() != N {
            let message = format!("`{signature}` is not the signature of {N} single numbers");
            return Err(refused(message).into());
        }
        let numbers = |args: &[&[f64]]| std::array::from_fn(|i| args[i][0]);
        HostFunction::new(
            signature,
            move |args, out| out[0] = value(numbers(args)),
            move |args, cotangent, adjoints| {
                let slopes = gradient(numbers(args));
                let pairs = adjoints.iter_mut().zip(slopes);
                pairs.for_each(|(adjoint, slope)| adjoint[0] = cotangent[0] * slope);
            },
        )
    }

    /// A function that is written with the graph's operations, which bring their derivatives of any order: it is compiled with
    /// the model as if it were of the language.
    ///
    /// `build` is called with nodes of the declared shapes, at once and whenever a program that calls it is bound; any extent may be 0
    /// then.
    ///
    /// ```
    /// use elbo::{Host, HostFunction};
    /// let softer = HostFunction::graph("softer(x, width)", |x| (x[0] / x[1]).softplus() * x[1])?;
    /// let program = Host::default().function(softer)?.parse("a ~ Normal(0, 1)\nlet b = softer(a, 0.1)")?;
    /// # Ok::<(), elbo::Error>(())
    /// ```
    ///
    /// # Errors
    /// E0709 if the signature cannot be used or what is built has another shape, tried with extents of 11 and more, and what is
    /// wrong in how it is written.
    pub fn graph(
        signature: &str,
        build: impl for<'g> Fn(&[Var<'g>]) -> Var<'g> + Send + Sync + 'static,
    ) -> Result<HostFunction, Error> {
        let signature = Signature::parse(signature)?;
        let names = signature.names();
        let extent = |atom: &Atom| {
            names
                .iter()
                .position(|n| *n == atom)
                .map(|i| TRIED + i as i64)
        };
        let (own, result) = signature.shapes(&extent);
        if let Err(Otherwise { built, declared }) = one_row(&build, &Graph::new(), &own, result) {
            let message = format!(
                "`{}` builds the shape {built:?} where its signature has {declared:?}",
                signature.text
            );
            return Err(refused(message).into());
        }
        Ok(HostFunction::of(signature, Code::Graph(Box::new(build))))
    }

    /// The largest difference between its derivatives at `args` and central differences of its values, relative to 1 + their
    /// size: for tests of what was written by hand. That of a right one is some 1e-9.
    ///
    /// # Errors
    /// E0709 if it does not take these.
    pub fn derivative_error(&self, args: &[Tensor]) -> Result<f64, Error> {
        let Signature { text, params, .. } = &self.0.signature;
        let refuse = || Error::from(refused(format!("`{text}` does not take these arguments")));
        let shapes = args.iter().zip(params);
        let types: Vec<Type> = shapes.map(|(x, p)| concrete(p.base, x.shape())).collect();
        let seen: Vec<Argument> = types.iter().map(|ty| Argument { ty, size: None }).collect();
        if args.len() != params.len() || self.0.result(&seen).is_err() {
            return Err(refuse());
        }
        let graph = Graph::new();
        let inputs: Vec<Var> = args.iter().map(|x| graph.input(x.shape())).collect();
        let operands = inputs.iter().map(|&var| Operand {
            var,
            rank: var.rank(),
        });
        let result = self.0.lower(&operands.collect::<Vec<_>>());
        let result = result.map_err(|_| refuse())?;
        // Weights that let no two elements cancel.
        let weights = (0..result.numel())
            .map(|i| 1.0 / (1.0 + i as f64).sqrt())
            .collect();
        let weights = graph.constant(Tensor::new(result.shape(), weights));
        let total = (result * weights).sum();
        let slopes = grad(total, &inputs);
        let at = |args: &[Tensor], outputs: &[NodeId]| {
            let given = inputs
                .iter()
                .zip(args)
                .map(|(input, x)| (input.id, x.clone()));
            evaluate(&graph, &given.collect::<Vec<_>>(), outputs)
        };
        let slopes = at(args, &slopes.iter().map(|s| s.id).collect::<Vec<_>>());
        let mut worst = 0.0_f64;
        for (i, slope) in slopes
            .iter()
            .enumerate()
            .filter(|(i, _)| params[*i].base == Base::Real)
        {
            for (j, found) in slope.data().iter().enumerate() {
                let h = 1e-5 * args[i].data()[j].abs().max(1e-2);
                let moved = |by: f64| {
                    let mut args = args.to_vec();
                    let mut data = args[i].data().to_vec();
                    data[j] += by;
                    args[i] = Tensor::new(args[i].shape().clone(), data);
                    at(&args, &[total.id])[0].data()[0]
                };
                let difference = (moved(h) - moved(-h)) / (2.0 * h);
                let error = (found - difference).abs() / (1.0 + difference.abs());
                // What is not a number is as wrong as can be.
                worst = if error.is_nan() {
                    f64::INFINITY
                } else {
                    worst.max(error)
                };
            }
        }
        Ok(worst)
    }

    fn of(signature: Signature, code: Code) -> HostFunction {
        HostFunction(Arc::new(Called { signature, code }))
    }
}

/// The type of numbers in so many rows and columns.
fn concrete(base: Base, shape: &[usize]) -> Type {
    let dims: Vec<Dim> = shape.iter().map(|&n| (n as i64).into()).collect();
    Type::array(base, dims)
}

/// What a function is called and takes.
struct Signature {
    name: String,
    /// As it was written.
    text: String,
    params: Vec<Declared>,
    result: Declared,
}

/// A declared type: extents are numbers, or computed from names that stand for one number throughout.
struct Declared {
    base: Base,
    dims: Vec<Dim>,
}

impl Signature {
    fn parse(text: &str) -> Result<Signature, Error> {
        let mut sources = Sources::default();
        let written = format!("fn {text} = 0");
        let id = sources.add("signature", &written);
        let (ast, problems) = syntax::parse(id, &written);
        if !problems.is_empty() {
            return Err(Error::new(problems, &sources));
        }
        let refuse = |why: &str| {
            let message = format!("`{text}` is not the signature of a function: {why}");
            let help = "such as `hill(x, k, n)` or `orbit(p: real[6], t: real[N]) -> real[N]`";
            Error::from(refused(message).help(help))
        };
        let [
            ast::Statement {
                kind: ast::StatementKind::Fn(def),
                ..
            },
        ] = &ast.statements[..]
        else {
            return Err(refuse("it is more than one name with its parameters"));
        };
        if def.params.is_empty() {
            return Err(refuse("it has no parameters"));
        }
        if def.params.iter().any(|p| p.default.is_some()) {
            return Err(refuse("parameters have no defaults"));
        }
        let declared = |ty: &Option<ast::TypeExpr>| declared(ty.as_ref()).map_err(|e| refuse(&e));
        let params = def.params.iter().map(|p| declared(&p.ty));
        let signature = Signature {
            name: def.name.name.clone(),
            text: text.into(),
            params: params.collect::<Result<_, _>>()?,
            result: declared(&def.result)?,
        };
        if let Some(unknown) = signature.untold() {
            return Err(refuse(&format!(
                "no parameter has just `{unknown}` for an extent"
            )));
        }
        if signature.result.base != Base::Real {
            return Err(refuse("its result must be real"));
        }
        Ok(signature)
    }

    /// Names of extents, which arguments tell.
    fn names(&self) -> BTreeSet<&Atom> {
        let dims = self.params.iter().flat_map(|p| &p.dims);
        dims.filter_map(Dim::as_atom).collect()
    }

    /// A name in extents that no argument tells.
    fn untold(&self) -> Option<&Atom> {
        let names = self.names();
        let all = self.params.iter().chain([&self.result]);
        let mut atoms = all.flat_map(|p| &p.dims).flat_map(|d| d.terms.keys());
        atoms.find(|atom| !names.contains(atom))
    }

    /// Whether it is of single numbers alone.
    fn is_elementwise(&self) -> bool {
        let mut all = self.params.iter().chain([&self.result]);
        all.all(|declared| declared.dims.is_empty())
    }

    /// Extents of parameters and result, given those that have names.
    fn shapes(&self, value: &dyn Fn(&Atom) -> Option<i64>) -> (Vec<Shape>, Shape) {
        let shape = |declared: &Declared| -> Shape {
            let extents = declared.dims.iter().map(|d| d.evaluate(value).unwrap_or(0));
            extents.map(|n| n.max(0) as usize).collect()
        };
        let params = self.params.iter().map(shape).collect();
        (params, shape(&self.result))
    }
}

fn declared(ty: Option<&ast::TypeExpr>) -> Result<Declared, String> {
    let Some(ty) = ty else {
        let (base, dims) = (Base::Real, Vec::new());
        return Ok(Declared { base, dims });
    };
    let base = match ty.base.name.as_str() {
        "real" => Base::Real,
        "int" => Base::Int,
        other => return Err(format!("`{other}` is neither `real` nor `int`")),
    };
    let dims = ty.dims.iter().map(extent).collect::<Result<_, _>>()?;
    Ok(Declared { base, dims })
}

/// An extent: linear in names.
fn extent(e: &ast::Expr) -> Result<Dim, String> {
    use ast::BinaryOp::{Add, Mul, Sub};
    let whole = match &e.kind {
        ast::ExprKind::Int(n) => Some((*n).into()),
        ast::ExprKind::Name(name) => Some(Dim::name(name)),
        ast::ExprKind::Binary { op, left, right } => {
            let (a, b) = (extent(left)?, extent(right)?);
            match (op, a.known(), b.known()) {
                (Add, ..) => Some(a.plus(&b, 1)),
                (Sub, ..) => Some(a.plus(&b, -1)),
                (Mul, Some(k), _) => Some(b.times(k)),
                (Mul, _, Some(k)) => Some(a.times(k)),
                _ => None,
            }
        }
        _ => None,
    };
    whole.ok_or_else(|| format!("`{}` is no extent", syntax::print_expr(e)))
}

/// A signature with what computes it.
struct Called {
    signature: Signature,
    code: Code,
}

enum Code {
    External(Arc<dyn External>),
    Graph(Box<Build>),
}

type Build = dyn for<'g> Fn(&[Var<'g>]) -> Var<'g> + Send + Sync;

struct Closures<V, P> {
    name: String,
    value: V,
    pullback: P,
}

impl<V, P> External for Closures<V, P>
where
    V: Fn(&[&[f64]], &mut [f64]) + Send + Sync,
    P: Fn(&[&[f64]], &[f64], &mut [&mut [f64]]) + Send + Sync,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn value(&self, args: &[&[f64]], out: &mut [f64]) {
        (self.value)(args, out);
    }

    fn pullback(&self, args: &[&[f64]], cotangent: &[f64], adjoints: &mut [&mut [f64]]) {
        (self.pullback)(args, cotangent, adjoints);
    }
}

impl Foreign for Called {
    fn result(&self, args: &[Argument]) -> Result<Type, Wrong> {
        let Signature { params, result, .. } = &self.signature;
        for (at, (arg, declared)) in args.iter().zip(params).enumerate() {
            let fits = |(base, dims): (Base, &[Dim])| {
                base <= declared.base
                    && (self.signature.is_elementwise() || dims.len() == declared.dims.len())
            };
            if !arg.ty.number().is_some_and(fits) {
                let expected = Type::array(declared.base, declared.dims.clone()).to_string();
                return Err(Wrong::Kind { at, expected });
            }
        }
        if self.signature.is_elementwise() {
            let (_, dims) = functions::broadcast(args)?;
            return Ok(Type::array(Base::Real, dims));
        }
        let named = self.named(args)?;
        let dims = result.dims.iter().map(|d| substituted(d, &named));
        Ok(Type::array(Base::Real, dims.collect::<Vec<_>>()))
    }

    fn lower<'g>(&self, operands: &[Operand<'g>]) -> Result<Var<'g>, Otherwise> {
        let (args, own, result) = match self.signature.is_elementwise() {
            true => {
                let args = align(operands);
                let whole = args.iter().fold(Shape::new(), |all, x| {
                    broadcast_shapes(&all, &x.shape()).expect("checked before")
                });
                let args: Vec<Var> = args.iter().map(|x| x.broadcast(&whole)).collect();
                (args, vec![Shape::new(); operands.len()], Shape::new())
            }
            false => {
                let args = same_lead(operands);
                let (own, result) = self.shapes(operands);
                (args, own, result)
            }
        };
        match &self.code {
            Code::External(function) => {
                let smooth: Vec<bool> = self
                    .signature
                    .params
                    .iter()
                    .map(|p| p.base == Base::Real)
                    .collect();
                Ok(external(function.clone(), &args, &own, &smooth, &result))
            }
            Code::Graph(build) => in_rows(build, &args, &own, result),
        }
    }
}

impl Called {
    /// Which extent each name stands for; where two arguments tell it, they must agree.
    fn named<'s>(&'s self, args: &[Argument]) -> Result<BTreeMap<&'s Atom, (usize, Dim)>, Wrong> {
        let mut named: BTreeMap<&Atom, (usize, Dim)> = BTreeMap::new();
        let pairs = |at: usize| {
            let found = args[at].ty.number().map_or(&[][..], |(_, dims)| dims);
            self.signature.params[at].dims.iter().zip(found)
        };
        for at in 0..args.len() {
            for (declared, found) in pairs(at) {
                if let Some(atom) = declared.as_atom() {
                    named.entry(atom).or_insert((at, found.clone()));
                }
            }
        }
        for at in 0..args.len() {
            for (declared, found) in pairs(at) {
                let first = declared.terms.keys().next();
                let of = first.map_or(at, |atom| named[atom].0);
                let expected = substituted(declared, &named);
                functions::equal(of, &expected, at, found)?;
            }
        }
        Ok(named)
    }

    fn shapes(&self, operands: &[Operand]) -> (Vec<Shape>, Shape) {
        let mut named = BTreeMap::new();
        for (operand, declared) in operands.iter().zip(&self.signature.params) {
            let shape = operand.var.shape();
            let own = &shape[shape.len() - operand.rank..];
            for (dim, &n) in declared.dims.iter().zip(own) {
                if let Some(atom) = dim.as_atom() {
                    named.insert(atom.clone(), n as i64);
                }
            }
        }
        self.signature.shapes(&|atom| named.get(atom).copied())
    }
}

/// An extent with what its names stand for.
fn substituted(dim: &Dim, named: &BTreeMap<&Atom, (usize, Dim)>) -> Dim {
    let terms = dim.terms.iter();
    terms.fold(dim.constant.into(), |sum: Dim, (atom, &k)| {
        sum.plus(&named[atom].1, k)
    })
}

/// What `build` gives of arguments with leading axes: built of one row, then put in rows.
fn in_rows<'g>(
    build: &Build,
    args: &[Var<'g>],
    own: &[Shape],
    declared: Shape,
) -> Result<Var<'g>, Otherwise> {
    let graph = args[0].graph;
    let shape = args[0].shape();
    let lead = &shape[..shape.len() - own[0].len()];
    let row = Graph::new();
    let (inputs, built) = one_row(build, &row, own, declared)?;
    let rows = numel(lead);
    let mut walk = Rebuild::batched(&row, graph, rows);
    for ((input, arg), own) in inputs.iter().zip(args).zip(own) {
        walk.substitute(input.id, arg.reshape(&[&[rows], &own[..]].concat()), true);
    }
    let out = walk.emit_batched(&[built.id])[0];
    Ok(out.reshape(&[lead, &built.shape()].concat()))
}

/// Inputs of these shapes, and what `build` makes of them.
fn one_row<'r>(
    build: &Build,
    row: &'r Graph,
    own: &[Shape],
    declared: Shape,
) -> Result<(Vec<Var<'r>>, Var<'r>), Otherwise> {
    let inputs: Vec<Var> = own.iter().map(|shape| row.input(shape)).collect();
    let out = build(&inputs);
    let built = out.shape();
    match built == declared {
        true => Ok((inputs, out)),
        false => Err(Otherwise { built, declared }),
    }
}
