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
        pub(super) static UNARY: &[Function] = &[$(Function {
            name: $name,
            signature: concat!($name, "(x)"),
            doc: $doc,
            arity: (1, 1),
            result: $rule,
            lower: |x| x[0].var.$method(),
        }),*];
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
    "expit" real sigmoid "Logistic function 1 / (1 + exp(−x)).";
    "sigmoid" real sigmoid "Logistic function, as expit.";
    "logit" real logit "log(x / (1 − x)) for 0 < x < 1.";
    "softplus" real softplus "log(1 + exp(x)).";
    "lgamma" real lgamma "log Γ(x).";
    "digamma" real digamma "Derivative of lgamma.";
    "trigamma" real trigamma "Second derivative of lgamma.";
    "erf" real erf "Error function.";
    "erfc" real erfc "1 − erf(x).";
    "Phi" real phi "Distribution function of the standard Normal.";
    "log_Phi" real log_phi "Logarithm of Phi, exact far into the lower tail.";
    "inv_Phi" real inv_phi "Quantile function of the standard Normal, for 0 < x < 1.";
    "floor" whole floor "Largest integer not above x.";
    "ceil" whole ceil "Smallest integer not below x.";
    "round" whole round "Nearest integer, halves away from 0.";
    "trunc" whole trunc "Integer part.";
}

macro_rules! binary {
    ($($name:literal $signature:literal $rule:ident $method:ident $doc:literal;)*) => {
        pub(super) static BINARY: &[Function] = &[$(Function {
            name: $name,
            signature: $signature,
            doc: $doc,
            arity: (2, 2),
            result: $rule,
            lower: |x| {
                let x = align(x);
                x[0].$method(x[1])
            },
        }),*];
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
    "pow" "pow(a, b)" power pow "Power, as a ^ b.";
    "fmax" "fmax(a, b)" same_base max "The larger of each pair.";
    "fmin" "fmin(a, b)" same_base min "The smaller of each pair.";
    "atan2" "atan2(y, x)" real atan2 "Angle of the point (x, y), in radians.";
    "xlogy" "xlogy(x, y)" real xlogy "x · log(y) for y ≥ 0; 0 where x is 0.";
    "lbeta" "lbeta(a, b)" real lbeta "log of the Beta function, for a, b > 0.";
    "log_choose" "log_choose(n, k)" real log_choose "log of the binomial coefficient, for 0 ≤ k ≤ n.";
    "log_add_exp" "log_add_exp(a, b)" real log_add_exp "log(exp(a) + exp(b)).";
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
    Function {
        name: "negate",
        signature: "-x",
        doc: "Minus x.",
        arity: (1, 1),
        result: same_base,
        lower: |x| -x[0].var,
    },
    Function {
        name: "!",
        signature: "!x",
        doc: "Whether x does not hold.",
        arity: (1, 1),
        result: truth,
        lower: |x| x[0].var.not(),
    },
    Function {
        name: "relu",
        signature: "relu(x)",
        doc: "x where it is positive, else 0.",
        arity: (1, 1),
        result: same_base,
        lower: |x| relu(x[0]),
    },
    Function {
        name: "log_diff_exp",
        signature: "log_diff_exp(a, b)",
        doc: "log(exp(a) − exp(b)) for a > b.",
        arity: (2, 2),
        result: real,
        lower: |x| {
            let x = align(x);
            x[0] + (x[1] - x[0]).log1m_exp()
        },
    },
    Function {
        name: "gamma_p",
        signature: "gamma_p(a, x)",
        doc: "Regularised lower incomplete gamma function: the distribution function at x of a Gamma of shape a > 0 and rate 1.",
        arity: (2, 2),
        result: real,
        lower: |x| {
            let x = align(x);
            x[0].gamma_tail(x[1], Tail::CDF)
        },
    },
    Function {
        name: "gamma_q",
        signature: "gamma_q(a, x)",
        doc: "1 − gamma_p(a, x), with all digits where it is small.",
        arity: (2, 2),
        result: real,
        lower: |x| {
            let x = align(x);
            x[0].gamma_tail(x[1], Tail::SURVIVAL)
        },
    },
    Function {
        name: "beta_inc",
        signature: "beta_inc(a, b, x)",
        doc: "Regularised incomplete beta function: the distribution function at x of a Beta with a, b > 0.",
        arity: (3, 3),
        result: real,
        lower: |x| {
            let x = align(x);
            x[0].beta_tail(x[1], x[2], Tail::CDF)
        },
    },
    Function {
        name: "where",
        signature: "where(c, a, b)",
        doc: "a where c holds, else b, element by element.",
        arity: (3, 3),
        result: condition,
        lower: |x| {
            let x = align(x);
            x[0].select(x[1], x[2])
        },
    },
];
