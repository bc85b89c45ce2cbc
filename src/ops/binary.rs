//! Elementwise functions of two arguments: a row each. Operands broadcast from the right.

use super::{block::binary_block, elementwise};
use crate::graph::{Graph, Operation, Pull, Range, Shape, Tensor, Var, broadcast_shapes};
use crate::special::{self, BinaryKernel, Level, Real};
use std::hash::{Hash, Hasher};

/// The density of the standard Normal at 0.
const FRAC_1_SQRT_2PI: f64 = 0.398_942_280_401_432_7;

/// Name, value, derivatives and algebra of one function.
pub struct BinaryRow {
    pub name: &'static str,
    pub value: fn(f64, f64) -> f64,
    /// The function on blocks, for a vector unit.
    pub blocks: fn(Level) -> BinaryBlocks,
    /// Both in single precision.
    pub value_f32: fn(f32, f32) -> f32,
    pub blocks_f32: fn(Level) -> BinaryBlocks<f32>,
    /// Whether a value costs about as much as an addition.
    pub cheap: bool,
    /// `(cotangent, a, b, out) ↦` cotangents of `a` and `b`.
    pub pullback: for<'g> fn(Var<'g>, Var<'g>, Var<'g>, Var<'g>) -> [Option<Var<'g>>; 2],
    /// A simpler expression of equal value.
    pub simplify: for<'g> fn(Var<'g>, Var<'g>) -> Option<Var<'g>>,
    /// Bounds of the values for arguments within bounds.
    pub range: fn(Range, Range) -> Range,
}

/// The compiled loops of one function: for two blocks, and where there is one for a single number
/// beside a block.
#[derive(Clone, Copy)]
pub struct BinaryBlocks<T = f64> {
    pub both: BinaryKernel<T>,
    pub single_first: Option<BinaryKernel<T>>,
    pub single_second: Option<BinaryKernel<T>>,
}

/// A row of the table, as an operation.
///
/// A last entry `dear` says that a value costs more than an addition, `dear ROW` that its loop is
/// that row of [`special`]; the others get loops over their value, which stands for both precisions
/// (where it is dear, single precision goes through double). After `=>` stand bounds of the values; without, there are none.
#[derive(Clone, Copy)]
pub struct Binary(pub &'static BinaryRow);

/// A function of two `f64` as one of two `f32`.
macro_rules! through_f64 {
    ($value:expr) => {
        |a: f32, b: f32| $value(f64::from(a), f64::from(b)) as f32
    };
}

macro_rules! binary {
    (@blocks $value:expr, $dear:ident $row:path) => {
        |level| BinaryBlocks { both: $row.at(level), single_first: None, single_second: None }
    };
    (@blocks $value:expr $(, $dear:ident)?) => { binary_block!(f64, $value) };
    (@value_f32 $value:expr) => { $value };
    (@value_f32 $value:expr, $dear:ident) => { through_f64!($value) };
    (@value_f32 $value:expr, $dear:ident $row:path) => { |a, b| $row.of_f32(a, b) };
    (@blocks_f32 $value:expr) => { binary_block!(f32, $value) };
    (@blocks_f32 $value:expr, $dear:ident) => { binary_block!(f32, through_f64!($value)) };
    (@blocks_f32 $value:expr, $dear:ident $row:path) => {
        |level| BinaryBlocks { both: $row.at_f32(level), single_first: None, single_second: None }
    };
    (@cheap) => { true };
    (@cheap $dear:ident) => { false };
    (@range) => { |_, _| Range::ALL };
    (@range $range:expr) => { $range };
    ($($(#[doc = $doc:literal])+ $name:ident = $value:expr, $pullback:expr, $simplify:expr $(, $dear:ident $($row:path)?)? $(=> $range:expr)?;)*) => {
        /// All elementwise functions of two arguments.
        pub static TABLE: &[BinaryRow] = &[$(
            BinaryRow {
                name: stringify!($name),
                value: $value,
                blocks: binary!(@blocks $value $(, $dear $($row)?)?),
                value_f32: binary!(@value_f32 $value $(, $dear $($row)?)?),
                blocks_f32: binary!(@blocks_f32 $value $(, $dear $($row)?)?),
                cheap: binary!(@cheap $($dear)?),
                pullback: $pullback,
                simplify: $simplify,
                range: binary!(@range $($range)?),
            },
        )*];

        #[allow(non_camel_case_types)]
        enum Position { $($name),* }

        // The operators are defined by these methods.
        #[allow(clippy::should_implement_trait)]
        impl<'g> Var<'g> {
            $($(#[doc = $doc])+
            pub fn $name(self, other: impl IntoVar<'g>) -> Var<'g> {
                apply(&TABLE[Position::$name as usize], self, other.into_var(self.graph))
            })*
        }
    };
}

/// The density over the probability, and `∂T(z, a)/∂a` of Owen's T twice over it.
fn skew_slopes<'g>(g: Var<'g>, z: Var<'g>, a: Var<'g>, out: Var<'g>) -> [Option<Var<'g>>; 2] {
    let density = z.square() * -0.5 + (a * z).log_phi() - out;
    let steep = a.square() + 1.0;
    let turn = (z.square() * steep * -0.5 - out).exp() / steep;
    [
        Some(g * density.exp() * (2.0 * FRAC_1_SQRT_2PI)),
        Some(-(g * turn * std::f64::consts::FRAC_1_PI)),
    ]
}

fn apply<'g>(row: &'static BinaryRow, a: Var<'g>, b: Var<'g>) -> Var<'g> {
    let (sa, sb) = (a.shape(), b.shape());
    let shape = broadcast_shapes(&sa, &sb).unwrap_or_else(|| {
        panic!(
            "{} of {:?} and {:?}",
            row.name,
            sa.as_slice(),
            sb.as_slice()
        )
    });
    a.graph
        .apply(Binary(row), &[a.broadcast(&shape), b.broadcast(&shape)])
}

const NOT_DIFFERENTIABLE: for<'g> fn(Var<'g>, Var<'g>, Var<'g>, Var<'g>) -> [Option<Var<'g>>; 2] =
    |_, _, _, _| [None, None];
const AS_IT_IS: for<'g> fn(Var<'g>, Var<'g>) -> Option<Var<'g>> = |_, _| None;

/// The larger; NaN must not vanish, unlike in [`f64::max`].
#[inline(always)]
fn larger<T: Real>(a: T, b: T) -> T {
    if a > b || a.is_nan() { a } else { b }
}

/// The smaller; NaN must not vanish, unlike in [`f64::min`].
#[inline(always)]
fn smaller<T: Real>(a: T, b: T) -> T {
    if a < b || a.is_nan() { a } else { b }
}

#[inline(always)]
fn truth<T: From<u8>>(x: bool) -> T {
    T::from(u8::from(x))
}

fn is_neg(x: Var<'_>) -> Option<Var<'_>> {
    let (op, args) = x.as_op::<super::Unary>()?;
    (op.0.name == "neg").then(|| args[0])
}

binary! {
    /// `a + b`
    add = |a, b| a + b, |g, _, _, _| [Some(g), Some(g)], |a, b| {
        if a.as_uniform() == Some(0.0) { return Some(b); }
        if b.as_uniform() == Some(0.0) { return Some(a); }
        if let Some(b) = is_neg(b) { return Some(a - b); }
        is_neg(a).map(|a| b - a)
    } => |a, b| a + b;
    /// `a − b`
    sub = |a, b| a - b, |g, _, _, _| [Some(g), Some(-g)], |a, b| {
        if a.as_uniform() == Some(0.0) { return Some(-b); }
        if b.as_uniform() == Some(0.0) { return Some(a); }
        is_neg(b).map(|b| a + b)
    } => |a, b| a - b;
    /// `a · b`
    mul = |a, b| a * b, |g, a, b, _| [Some(g * b), Some(g * a)], |a, b| {
        if a.id == b.id { return Some(a.square()); }
        for (x, y) in [(a, b), (b, a)] {
            match x.as_uniform() {
                Some(1.0) => return Some(y),
                Some(-1.0) => return Some(-y),
                Some(0.0) => return Some(x),
                _ => {}
            }
        }
        match (is_neg(a), is_neg(b)) {
            (Some(a), Some(b)) => Some(a * b),
            (Some(a), None) => Some(-(a * b)),
            (None, Some(b)) => Some(-(a * b)),
            _ => None,
        }
    } => |a, b| a * b;
    /// `a / b`
    div = |a, b| a / b, |g, _, b, y| [Some(g / b), Some(-(g * y / b))], |a, b| {
        match b.as_uniform() {
            Some(1.0) => return Some(a),
            // Exact for powers of two only; elsewhere the quotient keeps its last digit.
            Some(x) if x.abs().log2().fract() == 0.0 => return Some(a * (1.0 / x)),
            _ => {}
        }
        if a.as_uniform() == Some(1.0) { return Some(b.recip()); }
        match (is_neg(a), is_neg(b)) {
            (Some(a), Some(b)) => Some(a / b),
            (Some(a), None) => Some(-(a / b)),
            (None, Some(b)) => Some(-(a / b)),
            _ => None,
        }
    } => |a, b| a / b;
    /// `aᵇ`
    pow = special::pow, |g, a, b, y| {
        let da = g * b * a.pow(b - 1.0);
        // The limit of aᵇ·log a at a = 0 is 0 for b > 0.
        let positive = a.gt(0.0);
        let db = g * y * positive.select(positive.select(a, 1.0).log(), 0.0);
        [Some(da), Some(db)]
    }, |a, b| {
        match b.as_uniform()? {
            0.0 => Some(a.graph.scalar(1.0).broadcast(&a.shape())),
            1.0 => Some(a),
            2.0 => Some(a.square()),
            3.0 => Some(a.square() * a),
            4.0 => Some(a.square().square()),
            0.5 => Some(a.sqrt()),
            -1.0 => Some(a.recip()),
            -2.0 => Some(a.square().recip()),
            -0.5 => Some(a.sqrt().recip()),
            _ => None,
        }
    }, dear special::POW => |a, _| if a.is_from_0() { Range::FROM_0 } else { Range::ALL };
    /// The larger, NaN if one is; where equal, half the derivative goes to each.
    max = larger, |g, a, b, _| {
        let first = a.gt(b) + a.eq(b) * 0.5;
        [Some(g * first), Some(g * (1.0 - first))]
    }, AS_IT_IS => Range::max;
    /// The smaller, NaN if one is; where equal, half the derivative goes to each.
    min = smaller, |g, a, b, _| {
        let first = a.lt(b) + a.eq(b) * 0.5;
        [Some(g * first), Some(g * (1.0 - first))]
    }, AS_IT_IS => Range::min;
    /// Remainder with the sign of the divisor: `a − b·⌊a / b⌋`.
    rem = |a, b| a - b * (a / b).floor(), |g, a, b, _| [Some(g), Some(-(g * (a / b).floor()))], AS_IT_IS;
    /// Angle of the point (x = b, y = a), in radians.
    atan2 = f64::atan2, |g, a, b, _| {
        let scaled = g / (a.square() + b.square());
        [Some(scaled * b), Some(-(scaled * a))]
    }, AS_IT_IS, dear;
    /// `√(a² + b²)` without overflow; the derivative at (0, 0) is 0.
    hypot = f64::hypot, |g, a, b, y| {
        let scaled = g / y.eq(0.0).select(1.0, y);
        [Some(scaled * a), Some(scaled * b)]
    }, AS_IT_IS, dear => |_, _| Range::FROM_0;
    /// `a · log b`, 0 where a is 0.
    xlogy = |a: f64, b: f64| if a == 0.0 { 0.0 } else { a * special::log(b) }, |g, a, b, _| {
        let safe = b.gt(0.0).select(b, 1.0);
        let ratio = a.eq(0.0).select(0.0, a / a.eq(0.0).select(1.0, b));
        [Some(g * safe.log()), Some(g * ratio)]
    }, |a, b| if a.as_uniform() == Some(1.0) { Some(b.log()) } else { None }, dear;
    /// `a · log(1 + b)`, 0 where a is 0.
    xlog1py = |a: f64, b: f64| if a == 0.0 { 0.0 } else { a * special::log1p(b) }, |g, a, b, _| {
        let safe = b.gt(-1.0).select(b, 0.0);
        let ratio = a.eq(0.0).select(0.0, a / a.eq(0.0).select(1.0, b + 1.0));
        [Some(g * safe.log1p()), Some(g * ratio)]
    }, |a, b| if a.as_uniform() == Some(1.0) { Some(b.log1p()) } else { None }, dear;
    /// Derivative of order a (a whole number) of `digamma`, at b.
    polygamma = |n: f64, x: f64| special::polygamma(n as u32, x), |g, a, b, _| [None, Some(g * (a + 1.0).polygamma(b))], AS_IT_IS, dear;
    /// `log P(X ≤ a)` for X skew Normal with slant b.
    log_skew_phi = special::log_skew_phi, skew_slopes, AS_IT_IS, dear;
    /// 1 where equal, else 0.
    eq = |a, b| truth(a == b), NOT_DIFFERENTIABLE, AS_IT_IS => |_, _| Range::UNIT;
    /// 1 where not equal, else 0.
    ne = |a, b| truth(a != b), NOT_DIFFERENTIABLE, AS_IT_IS => |_, _| Range::UNIT;
    /// 1 where `a < b`, else 0.
    lt = |a, b| truth(a < b), NOT_DIFFERENTIABLE, AS_IT_IS => |_, _| Range::UNIT;
    /// 1 where `a ≤ b`, else 0.
    le = |a, b| truth(a <= b), NOT_DIFFERENTIABLE, AS_IT_IS => |_, _| Range::UNIT;
    /// 1 where `a > b`, else 0.
    gt = |a, b| truth(a > b), NOT_DIFFERENTIABLE, AS_IT_IS => |_, _| Range::UNIT;
    /// 1 where `a ≥ b`, else 0.
    ge = |a, b| truth(a >= b), NOT_DIFFERENTIABLE, AS_IT_IS => |_, _| Range::UNIT;
    /// 1 where neither is 0, else 0.
    and = |a, b| truth(a != 0.0 && b != 0.0), NOT_DIFFERENTIABLE, AS_IT_IS => |_, _| Range::UNIT;
    /// 1 where one is not 0, else 0.
    or = |a, b| truth(a != 0.0 || b != 0.0), NOT_DIFFERENTIABLE, AS_IT_IS => |_, _| Range::UNIT;
}

impl Operation for Binary {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        elementwise::same_shape(args)
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        for ((y, &a), &b) in out.iter_mut().zip(args[0].data()).zip(args[1].data()) {
            *y = (self.0.value)(a, b);
        }
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        (self.0.pullback)(node.cotangent, node.args[0], node.args[1], node.out).to_vec()
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g> {
        elementwise::batch(self, args, batched, size)
    }

    fn range(&self, args: &[Range]) -> Range {
        (self.0.range)(args[0], args[1])
    }

    fn simplify<'g>(&self, graph: &'g Graph, args: &[Var<'g>]) -> Option<Var<'g>> {
        let constants = args.iter().all(|a| a.as_uniform().is_some());
        if !constants && let Some(simpler) = (self.0.simplify)(args[0], args[1]) {
            return Some(simpler);
        }
        elementwise::before_broadcast(self, graph, args)
    }
}

impl PartialEq for Binary {
    fn eq(&self, other: &Binary) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Binary {}

impl Hash for Binary {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl std::fmt::Debug for Binary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name)
    }
}

/// What may stand as an operand beside a [`Var`]: another one, or a number.
pub trait IntoVar<'g> {
    fn into_var(self, graph: &'g Graph) -> Var<'g>;
}

impl<'g> IntoVar<'g> for Var<'g> {
    fn into_var(self, _graph: &'g Graph) -> Var<'g> {
        self
    }
}

impl<'g> IntoVar<'g> for f64 {
    fn into_var(self, graph: &'g Graph) -> Var<'g> {
        graph.scalar(self)
    }
}

macro_rules! operator {
    ($($trait:ident $method:ident;)*) => {$(
        impl<'g, T: IntoVar<'g>> std::ops::$trait<T> for Var<'g> {
            type Output = Var<'g>;
            fn $method(self, other: T) -> Var<'g> {
                Var::$method(self, other)
            }
        }

        impl<'g> std::ops::$trait<Var<'g>> for f64 {
            type Output = Var<'g>;
            fn $method(self, other: Var<'g>) -> Var<'g> {
                Var::$method(other.graph.scalar(self), other)
            }
        }
    )*};
}

operator! { Add add; Sub sub; Mul mul; Div div; }
