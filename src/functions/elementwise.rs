//! Functions applied element by element.

use super::{Argument, Function, Operand, Wrong, align, broadcast};
use crate::special::Tail;
use crate::types::{Base, Type};

fn real(args: &[Argument]) -> Result<Type, Wrong> {
    let (_, dims) = broadcast(args)?;
    Ok(Type::array(Base::Real, dims))
}

fn same_base(args: &[Argument]) -> Result<Type, Wrong> {
    let (base, dims) = broadcast(args)?;
    Ok(Type::array(base.join(Base::Int), dims))
}

fn truth(args: &[Argument]) -> Result<Type, Wrong> {
    let (_, dims) = broadcast(args)?;
    Ok(Type::array(Base::Bool, dims))
}

fn whole(args: &[Argument]) -> Result<Type, Wrong> {
    let (_, dims) = broadcast(args)?;
    Ok(Type::array(Base::Int, dims))
}

/// `pow(int, int)` is an integer only for a known exponent that is not negative.
fn power(args: &[Argument]) -> Result<Type, Wrong> {
    let (base, dims) = broadcast(args)?;
    let natural = args[1].size.and_then(|d| d.known()).is_some_and(|n| n >= 0);
    let base = if base != Base::Real && natural {
        Base::Int
    } else {
        Base::Real
    };
    Ok(Type::array(base, dims))
}

macro_rules! unary {
    ($($name:literal $rule:ident $method:ident $doc:literal;)*) => {
        pub(super) static UNARY: &[Function] = &[$(Function::new(
            $name,
            concat!($name, "(x)"),
            (1, 1),
            $rule,
            |x| x[0].var.$method(),
            $doc,
        )
        .elementwise()),*];
    };
}

unary! {
    "abs" same_base abs "Absolute value.";
    "sign" whole sign "-1, 0 or 1.";
    "square" same_base square "x².";
    "sqrt" real sqrt "Square root of x ≥ 0.";
    "exp" real exp "Exponential function.";
    "expm1" real expm1 "exp(x) − 1, exact near 0.";
    "log" real log "Natural logarithm of x > 0.";
    "log1p" real log1p "log(1 + x) for x > −1, exact near 0.";
    "log1m_exp" real log1m_exp "log(1 − exp(x)) for x < 0.";
    "sin" real sin "Sine of radians.";
    "cos" real cos "Cosine of radians.";
    "tan" real tan "Tangent of radians.";
    "asin" real asin "Arc sine of x from −1 to 1, in radians.";
    "acos" real acos "Arc cosine of x from −1 to 1, in radians.";
    "atan" real atan "Arc tangent, in radians.";
    "sinh" real sinh "Hyperbolic sine.";
    "cosh" real cosh "Hyperbolic cosine.";
    "tanh" real tanh "Hyperbolic tangent.";
    "asinh" real asinh "Inverse hyperbolic sine.";
    "acosh" real acosh "Inverse hyperbolic cosine, from 0, of x ≥ 1.";
    "atanh" real atanh "Inverse hyperbolic tangent of x between −1 and 1.";
    "log2" real log2 "Logarithm to base 2 of x > 0.";
    "log10" real log10 "Logarithm to base 10 of x > 0.";
    "cbrt" real cbrt "Cube root.";
    "expit" real sigmoid "Logistic function 1 / (1 + exp(−x)).";
    "sigmoid" real sigmoid "Logistic function, as expit.";
    "logit" real logit "log(x / (1 − x)) for 0 < x < 1.";
    "cloglog" real cloglog "Complementary log-log, log(−log(1 − x)) for 0 < x < 1.";
    "inv_cloglog" real inv_cloglog "1 − exp(−exp(x)), the inverse of cloglog.";
    "softplus" real softplus "log(1 + exp(x)).";
    "lgamma" real lgamma "log Γ(x).";
    "digamma" real digamma "Derivative of lgamma.";
    "trigamma" real trigamma "Second derivative of lgamma.";
    "erf" real erf "Error function.";
    "erfc" real erfc "1 − erf(x).";
    "Phi" real phi "Distribution function of the standard Normal.";
    "log_Phi" real log_phi "Logarithm of Phi, exact far into the lower tail.";
    "inv_Phi" real inv_phi "Quantile function of the standard Normal, for 0 < x < 1.";
    "bessel_i0" real bessel_i0 "Modified Bessel function of the first kind, of order 0.";
    "bessel_i1" real bessel_i1 "Modified Bessel function of the first kind, of order 1.";
    "lambert_w" real lambert_w "Lambert's W, the principal branch: the w ≥ −1 with w · exp(w) = x, for x ≥ −1/e.";
    "floor" whole floor "Largest integer not above x.";
    "ceil" whole ceil "Smallest integer not below x.";
    "round" whole round "Nearest integer, halves away from 0.";
    "trunc" whole trunc "Integer part.";
}

macro_rules! binary {
    ($($name:literal $signature:literal $rule:ident $method:ident $doc:literal;)*) => {
        pub(super) static BINARY: &[Function] = &[$(Function::new(
            $name,
            $signature,
            (2, 2),
            $rule,
            |x| {
                let x = align(x);
                x[0].$method(x[1])
            },
            $doc,
        )
        .elementwise()),*];
    };
}

binary! {
    "+" "a + b" same_base add "Sum.";
    "-" "a - b" same_base sub "Difference.";
    "*" "a * b" same_base mul "Product, element by element.";
    "/" "a / b" real div "Quotient; of integers too it is a real number.";
    "%" "a % b" same_base rem "Remainder with the sign of b.";
    "^" "a ^ b" power pow "Power; a negative a needs a whole b.";
    "==" "a == b" truth eq "Whether equal.";
    "!=" "a != b" truth ne "Whether not equal.";
    "<" "a < b" truth lt "Whether less.";
    "<=" "a <= b" truth le "Whether at most.";
    ">" "a > b" truth gt "Whether greater.";
    ">=" "a >= b" truth ge "Whether at least.";
    "&&" "a && b" truth and "Whether both hold.";
    "||" "a || b" truth or "Whether one holds.";
    "div" "div(a, b)" whole floor_div "Largest integer not above a / b, so that a is b · div(a, b) + a % b.";
    "pow" "pow(a, b)" power pow "Power, as a ^ b.";
    "fmax" "fmax(a, b)" same_base max "The larger of each pair.";
    "fmin" "fmin(a, b)" same_base min "The smaller of each pair.";
    "atan2" "atan2(y, x)" real atan2 "Angle of the point (x, y), in radians.";
    "hypot" "hypot(a, b)" real hypot "√(a² + b²), without overflow.";
    "xlogy" "xlogy(x, y)" real xlogy "x · log(y) for y ≥ 0; 0 where x is 0.";
    "lbeta" "lbeta(a, b)" real lbeta "log of the Beta function, for a, b > 0.";
    "log_choose" "log_choose(n, k)" real log_choose "log of the binomial coefficient, for 0 ≤ k ≤ n.";
    "log_add_exp" "log_add_exp(a, b)" real log_add_exp "log(exp(a) + exp(b)).";
}

/// Elementwise in the first argument; the second is known from data.
fn with_dimension(args: &[Argument]) -> Result<Type, Wrong> {
    super::extent(args, 1)?;
    real(&args[..1])
}

fn condition(args: &[Argument]) -> Result<Type, Wrong> {
    let (_, dims) = broadcast(args)?;
    let (base, _) = broadcast(&args[1..])?;
    Ok(Type::array(base, dims))
}

fn relu(x: Operand<'_>) -> crate::graph::Var<'_> {
    x.var.max(0.0)
}

pub(super) static OTHER: &[Function] = &[
    Function::new("negate", "-x", (1, 1), same_base, |x| -x[0].var, "Minus x.").elementwise(),
    Function::new(
        "!",
        "!x",
        (1, 1),
        truth,
        |x| x[0].var.not(),
        "Whether x does not hold.",
    )
    .elementwise(),
    Function::new(
        "relu",
        "relu(x)",
        (1, 1),
        same_base,
        |x| relu(x[0]),
        "x where it is positive, else 0.",
    )
    .elementwise(),
    Function::new(
        "log_diff_exp",
        "log_diff_exp(a, b)",
        (2, 2),
        real,
        |x| {
            let x = align(x);
            x[0] + (x[1] - x[0]).log1m_exp()
        },
        "log(exp(a) − exp(b)) for a > b.",
    )
    .elementwise(),
    Function::new(
        "log_mix",
        "log_mix(p, a, b)",
        (3, 3),
        real,
        |x| {
            let x = align(x);
            x[0].log_mix(x[1], x[2])
        },
        "log(p · exp(a) + (1 − p) · exp(b)), the log density of a mixture of two, for 0 < p < \
         1.",
    )
    .elementwise(),
    Function::new(
        "lmgamma",
        "lmgamma(x, p)",
        (2, 2),
        with_dimension,
        |x| x[0].var.lmgamma(super::extents(&x[1..])[0]),
        "log of the multivariate gamma function of dimension p, for x > (p − 1) / 2.",
    )
    .elementwise()
    .given_from(1),
    Function::new(
        "gamma_p",
        "gamma_p(a, x)",
        (2, 2),
        real,
        |x| {
            let x = align(x);
            x[0].gamma_tail(x[1], Tail::CDF)
        },
        "Regularised lower incomplete gamma function: the distribution function at x of a \
         Gamma of shape a > 0 and rate 1.",
    )
    .elementwise(),
    Function::new(
        "gamma_q",
        "gamma_q(a, x)",
        (2, 2),
        real,
        |x| {
            let x = align(x);
            x[0].gamma_tail(x[1], Tail::SURVIVAL)
        },
        "1 − gamma_p(a, x), with all digits where it is small.",
    )
    .elementwise(),
    Function::new(
        "beta_inc",
        "beta_inc(a, b, x)",
        (3, 3),
        real,
        |x| {
            let x = align(x);
            x[0].beta_tail(x[1], x[2], Tail::CDF)
        },
        "Regularised incomplete beta function: the distribution function at x of a Beta with \
         a, b > 0.",
    )
    .elementwise(),
    Function::new(
        "where",
        "where(c, a, b)",
        (3, 3),
        condition,
        |x| {
            let x = align(x);
            x[0].select(x[1], x[2])
        },
        "a where c holds, else b, element by element.",
    )
    .elementwise(),
];
