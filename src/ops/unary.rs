//! Elementwise functions of one argument: a row each.

use super::{block::unary_block, elementwise};
use crate::graph::{Graph, Operation, Pull, Range, Shape, Tensor, Var};
use crate::special::{self, Level, UnaryKernel};
use std::f64::consts::{LOG2_E, LOG10_E};
use std::hash::{Hash, Hasher};

/// The density of the standard Normal at 0.
const FRAC_1_SQRT_2PI: f64 = 0.398_942_280_401_432_7;

/// Name, value and derivative of one function.
pub struct UnaryRow {
    pub name: &'static str,
    pub value: fn(f64) -> f64,
    /// The function on blocks, for a vector unit.
    pub block: fn(Level) -> UnaryKernel,
    /// Both in single precision.
    pub value_f32: fn(f32) -> f32,
    pub block_f32: fn(Level) -> UnaryKernel<f32>,
    /// Whether a value costs about as much as an addition.
    pub cheap: bool,
    /// `(cotangent, x, y) ↦ cotangent · dy/dx`; `None` where the function is piecewise constant.
    pub pullback: Option<for<'g> fn(Var<'g>, Var<'g>, Var<'g>) -> Var<'g>>,
    /// Bounds of the values for an argument within bounds.
    pub range: fn(Range) -> Range,
}

/// A row of the table, as an operation.
///
/// Functions that cost more than an addition name their row of [`special`] last; the others get
/// loops over their value, which stands for both precisions. After `=>` stand bounds of the values; without, there are none.
#[derive(Clone, Copy)]
pub struct Unary(pub &'static UnaryRow);

macro_rules! unary {
    (@block $value:expr) => { unary_block!(f64, $value) };
    (@block $value:expr, $row:path) => { |level| $row.at(level) };
    (@value_f32 $value:expr) => { $value };
    (@value_f32 $value:expr, $row:path) => { |x| $row.of_f32(x) };
    (@block_f32 $value:expr) => { unary_block!(f32, $value) };
    (@block_f32 $value:expr, $row:path) => { |level| $row.at_f32(level) };
    (@cheap) => { true };
    (@cheap $row:path) => { false };
    (@range) => { |_| Range::ALL };
    (@range $range:expr) => { $range };
    ($($(#[doc = $doc:literal])+ $name:ident = $value:expr, $pullback:expr $(, $row:path)? $(=> $range:expr)?;)*) => {
        /// All elementwise functions of one argument.
        pub static TABLE: &[UnaryRow] = &[$(
            UnaryRow {
                name: stringify!($name),
                value: $value,
                block: unary!(@block $value $(, $row)?),
                value_f32: unary!(@value_f32 $value $(, $row)?),
                block_f32: unary!(@block_f32 $value $(, $row)?),
                cheap: unary!(@cheap $($row)?),
                pullback: $pullback,
                range: unary!(@range $($range)?),
            },
        )*];

        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Position { $($name),* }

        // The operators are defined by these methods.
        #[allow(clippy::should_implement_trait)]
        impl<'g> Var<'g> {
            $($(#[doc = $doc])+
            pub fn $name(self) -> Var<'g> {
                self.graph.apply(Unary(&TABLE[Position::$name as usize]), &[self])
            })*
        }
    };
}

unary! {
    /// `-x`
    neg = |x| -x, Some(|g, _, _| -g) => |x| -x;
    /// `|x|`; the derivative at 0 is 0.
    abs = |x| x.abs(), Some(|g, x, _| g * x.sign()) => Range::abs;
    /// -1, 0 or 1.
    sign = |x| if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { x }, None => |x| x.growing(|b| if b == 0.0 { b } else { b.signum() });
    /// `x²`
    square = |x| x * x, Some(|g, x, _| g * (x * 2.0)) => Range::square;
    /// `1 / x`
    recip = |x| 1.0 / x, Some(|g, _, y| -(g * y.square())) => Range::recip;
    /// `√x`
    sqrt = |x| x.sqrt(), Some(|g, _, y| g * 0.5 / y) => Range::sqrt;
    /// `eˣ`
    exp = special::exp, Some(|g, _, y| g * y), special::EXP => |_| Range::FROM_0;
    /// `eˣ − 1`, exact near 0.
    expm1 = special::expm1, Some(|g, _, y| g * (y + 1.0)), special::EXPM1;
    /// Natural logarithm.
    log = special::log, Some(|g, x, _| g / x), special::LOG;
    /// `log(1 + x)`, exact near 0.
    log1p = special::log1p, Some(|g, x, _| g / (x + 1.0)), special::LOG1P;
    /// `log(1 − eˣ)` for x < 0.
    log1m_exp = special::log1m_exp, Some(|g, x, _| -(g / (-x).expm1())), special::LOG1M_EXP;
    /// Logistic function `1 / (1 + e⁻ˣ)`.
    sigmoid = special::sigmoid, Some(|g, _, y| g * y * (1.0 - y)), special::SIGMOID => |_| Range::UNIT;
    /// `log(1 + eˣ)`
    softplus = special::softplus, Some(|g, x, _| g * x.sigmoid()), special::SOFTPLUS => |_| Range::FROM_0;
    /// Hyperbolic tangent.
    tanh = special::tanh, Some(|g, _, y| g * (1.0 - y.square())), special::TANH => |_| Range::new(-1.0, 1.0);
    /// Hyperbolic sine.
    sinh = f64::sinh, Some(|g, x, _| g * x.cosh()), special::SINH;
    /// Hyperbolic cosine.
    cosh = f64::cosh, Some(|g, x, _| g * x.sinh()), special::COSH => |_| Range::FROM_0;
    /// Sine of radians.
    sin = f64::sin, Some(|g, x, _| g * x.cos()), special::SIN => |_| Range::new(-1.0, 1.0);
    /// Cosine of radians.
    cos = f64::cos, Some(|g, x, _| -(g * x.sin())), special::COS => |_| Range::new(-1.0, 1.0);
    /// Tangent of radians.
    tan = f64::tan, Some(|g, _, y| g * (y.square() + 1.0)), special::TAN;
    /// Arc sine, in radians.
    asin = f64::asin, Some(|g, x, _| g / (1.0 - x.square()).sqrt()), special::ASIN;
    /// Arc cosine, in radians.
    acos = f64::acos, Some(|g, x, _| -(g / (1.0 - x.square()).sqrt())), special::ACOS;
    /// Arc tangent, in radians.
    atan = f64::atan, Some(|g, x, _| g / (x.square() + 1.0)), special::ATAN;
    /// Inverse of the hyperbolic sine.
    asinh = f64::asinh, Some(|g, x, _| g / (x.square() + 1.0).sqrt()), special::ASINH;
    /// Inverse of the hyperbolic cosine, from 0, for x ≥ 1.
    acosh = f64::acosh, Some(|g, x, _| g / ((x - 1.0) * (x + 1.0)).sqrt()), special::ACOSH => |_| Range::FROM_0;
    /// Inverse of the hyperbolic tangent, for x between −1 and 1.
    atanh = f64::atanh, Some(|g, x, _| g / ((1.0 - x) * (x + 1.0))), special::ATANH;
    /// Logarithm to base 2.
    log2 = f64::log2, Some(|g, x, _| g / x * LOG2_E), special::LOG2;
    /// Logarithm to base 10.
    log10 = f64::log10, Some(|g, x, _| g / x * LOG10_E), special::LOG10;
    /// Cube root.
    cbrt = f64::cbrt, Some(|g, _, y| g / (y.square() * 3.0)), special::CBRT;
    /// Lambert's W, the principal branch.
    lambert_w = special::lambert_w, Some(|g, _, y| g * (-y).exp() / (y + 1.0)), special::LAMBERT_W;
    /// `log |Γ(x)|`
    lgamma = special::lgamma, Some(|g, x, _| g * x.digamma()), special::LGAMMA;
    /// Derivative of `lgamma`.
    digamma = special::digamma, Some(|g, x, _| g * x.trigamma()), special::DIGAMMA;
    /// Second derivative of `lgamma`.
    trigamma = special::trigamma, Some(|g, x, _| g * x.graph.scalar(2.0).broadcast(&x.shape()).polygamma(x)), special::TRIGAMMA;
    /// Error function.
    erf = special::erf, Some(|g, x, _| g * (-x.square()).exp() * std::f64::consts::FRAC_2_SQRT_PI), special::ERF;
    /// Complementary error function.
    erfc = special::erfc, Some(|g, x, _| -(g * (-x.square()).exp() * std::f64::consts::FRAC_2_SQRT_PI)), special::ERFC => |_| Range::FROM_0;
    /// Distribution function of the standard Normal.
    phi = special::phi, Some(|g, x, _| g * (x.square() * -0.5).exp() * FRAC_1_SQRT_2PI), special::PHI => |_| Range::FROM_0;
    /// Logarithm of [`Var::phi`], exact far into the lower tail.
    log_phi = special::log_phi, Some(|g, x, y| g * (x.square() * -0.5 - y).exp() * FRAC_1_SQRT_2PI), special::LOG_PHI;
    /// Quantile function of the standard Normal.
    inv_phi = special::inv_phi, Some(|g, _, y| g * (y.square() * 0.5).exp() / FRAC_1_SQRT_2PI), special::INV_PHI;
    /// `log I₀(x)`, the modified Bessel function of the first kind of order 0.
    log_bessel_i0 = special::log_bessel_i0, Some(|g, x, _| g * x.bessel_ratio()), special::LOG_BESSEL_I0;
    /// `I₁(x) / I₀(x)`
    bessel_ratio = special::bessel_i1_i0, Some(|g, x, y| {
        // d/dx = 1 − y/x − y², and 1/2 at 0.
        let at_zero = x.eq(0.0);
        let safe = at_zero.select(1.0, x);
        g * at_zero.select(0.5, 1.0 - y / safe - y.square())
    }), special::BESSEL_I1_I0;
    /// Largest integer not above x.
    floor = |x| x.floor(), None => |x| x.growing(f64::floor);
    /// Smallest integer not below x.
    ceil = |x| x.ceil(), None => |x| x.growing(f64::ceil);
    /// Nearest integer, halves away from 0.
    round = |x| x.round(), None => |x| x.growing(f64::round);
    /// Integer part.
    trunc = |x| x.trunc(), None => |x| x.growing(f64::trunc);
    /// 1 where x is 0, else 0.
    not = |x| u8::from(x == 0.0).into(), None => |_| Range::UNIT;
    /// 1 where x is neither NaN nor infinite, else 0.
    is_finite = |x| u8::from(x.is_finite()).into(), None => |_| Range::UNIT;
}

impl Operation for Unary {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn shape(&self, args: &[&Shape]) -> Result<Shape, String> {
        elementwise::same_shape(args)
    }

    fn eval(&self, args: &[&Tensor], out: &mut [f64]) {
        for (y, &x) in out.iter_mut().zip(args[0].data()) {
            *y = (self.0.value)(x);
        }
    }

    fn pullback<'g>(&self, node: &Pull<'g>) -> Vec<Option<Var<'g>>> {
        vec![
            self.0
                .pullback
                .map(|pullback| pullback(node.cotangent, node.args[0], node.out)),
        ]
    }

    fn batch<'g>(&self, args: &[Var<'g>], batched: &[bool], size: usize) -> Var<'g> {
        elementwise::batch(self, args, batched, size)
    }

    fn range(&self, args: &[Range]) -> Range {
        (self.0.range)(args[0])
    }

    fn simplify<'g>(&self, graph: &'g Graph, args: &[Var<'g>]) -> Option<Var<'g>> {
        if let Some((inner, inner_args)) = args[0].as_op::<Unary>() {
            match (self.0.name, inner.0.name) {
                ("neg", "neg") | ("log", "exp") => return Some(inner_args[0]),
                ("log", "sqrt") => return Some(inner_args[0].log() * 0.5),
                // Logarithms of probabilities stay exact where the probability rounds to 0 or 1.
                ("log", "sigmoid") => return Some(inner_args[0].log_sigmoid()),
                ("log1p", "neg") => {
                    if let Some((function, args)) = inner_args[0].as_op::<Unary>()
                        && function.0.name == "sigmoid"
                    {
                        return Some(-args[0].softplus());
                    }
                }
                // Of a negative number it is NaN, and stays it.
                ("square", "sqrt") if inner_args[0].range().is_not_negative() => {
                    return Some(inner_args[0]);
                }
                ("square", "neg") => return Some(inner_args[0].square()),
                _ => {}
            }
        }
        if !self.0.cheap
            && let Some(sooner) = elementwise::before_gather(self, args[0])
        {
            return Some(sooner);
        }
        elementwise::before_broadcast(self, graph, args)
    }
}

impl PartialEq for Unary {
    fn eq(&self, other: &Unary) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Unary {}

impl Hash for Unary {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl std::fmt::Debug for Unary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name)
    }
}

impl<'g> std::ops::Neg for Var<'g> {
    type Output = Var<'g>;

    fn neg(self) -> Var<'g> {
        Var::neg(self)
    }
}
