//! Functions that are put in place rather than called, two values at a time.
//!
//! Each is the lane function of [`crate::special`] of the same name, operation by operation, with
//! the same coefficients: the results have the same bits. What that module says about why a step is
//! taken is not repeated here.

use super::translate::Literals;
use crate::special::coefficients as c;
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, MemFlags, Type, Value, types};
use cranelift_frontend::FunctionBuilder;
use std::collections::HashMap;
use std::f64::consts::{FRAC_1_SQRT_2, LOG2_E, SQRT_2};

pub(super) const PAIR: Type = types::F64X2;
/// As in `special::lane`.
const ROUND: f64 = 6755399441055744.0;

pub(super) type Inline = fn(&mut Emit, Value) -> Value;

/// The function of a row on a pair of values, if it is worth its room.
pub(super) fn inline(name: &str) -> Option<Inline> {
    Some(match name {
        "exp" => exp,
        "log" => log,
        "log1p" => log1p,
        "sigmoid" => sigmoid,
        "softplus" => softplus,
        "tanh" => tanh,
        "expm1" => expm1,
        "abs" => |e, x| e.abs(x),
        _ => return None,
    })
}

/// Instructions on numbers (F64) and on pairs (F64X2).
pub(super) struct Emit<'f, 'p> {
    pub b: FunctionBuilder<'f>,
    pub literals: &'p mut Literals,
    pub pool: Value,
    /// Pairs of a number with itself.
    doubled: HashMap<Value, Value>,
    /// e^−|x|, which several functions start from, by x.
    decays: HashMap<Value, Value>,
}

impl<'f, 'p> Emit<'f, 'p> {
    pub fn new(b: FunctionBuilder<'f>, literals: &'p mut Literals, pool: Value) -> Emit<'f, 'p> {
        Emit {
            b,
            literals,
            pool,
            doubled: HashMap::new(),
            decays: HashMap::new(),
        }
    }

    /// Loaded where it is used: a memory operand costs no more than a register.
    pub fn literals(&mut self, ty: Type, pair: [f64; 2]) -> Value {
        let at = self.literals.place(pair);
        let mut flags = MemFlags::new();
        flags.set_notrap();
        self.b.ins().load(ty, flags, self.pool, at)
    }

    /// A number, or a pair of it, as the type says.
    pub fn literal(&mut self, ty: Type, value: f64) -> Value {
        self.literals(ty, [value; 2])
    }

    fn lit(&mut self, value: f64) -> Value {
        self.literal(PAIR, value)
    }

    fn bits(&mut self, bits: u64) -> Value {
        self.literal(types::I64X2, f64::from_bits(bits))
    }

    pub fn pair(&mut self, x: Value, y: Value) -> Value {
        if x == y {
            let b = &mut self.b;
            let pair = self.doubled.entry(x);
            return *pair.or_insert_with(|| b.ins().splat(PAIR, x));
        }
        let low = self.b.ins().scalar_to_vector(PAIR, x);
        self.b.ins().insertlane(low, y, 1)
    }

    pub fn lane(&mut self, pair: Value, lane: u8) -> Value {
        self.b.ins().extractlane(pair, lane)
    }

    fn as_bits(&mut self, x: Value) -> Value {
        self.b.ins().bitcast(types::I64X2, MemFlags::new(), x)
    }

    fn as_pair(&mut self, x: Value) -> Value {
        self.b.ins().bitcast(PAIR, MemFlags::new(), x)
    }

    /// `a b + c`
    fn fma(&mut self, a: Value, b: Value, c: Value) -> Value {
        self.b.ins().fma(a, b, c)
    }

    /// `c - a b`
    fn fnma(&mut self, a: Value, b: Value, c: Value) -> Value {
        let a = self.b.ins().fneg(a);
        self.b.ins().fma(a, b, c)
    }

    fn add(&mut self, a: Value, b: Value) -> Value {
        self.b.ins().fadd(a, b)
    }

    fn sub(&mut self, a: Value, b: Value) -> Value {
        self.b.ins().fsub(a, b)
    }

    fn mul(&mut self, a: Value, b: Value) -> Value {
        self.b.ins().fmul(a, b)
    }

    fn div(&mut self, a: Value, b: Value) -> Value {
        self.b.ins().fdiv(a, b)
    }

    fn add_to(&mut self, a: Value, by: f64) -> Value {
        let by = self.lit(by);
        self.b.ins().fadd(a, by)
    }

    fn times(&mut self, a: Value, by: f64) -> Value {
        let by = self.lit(by);
        self.b.ins().fmul(a, by)
    }

    fn abs(&mut self, a: Value) -> Value {
        let mask = self.bits(u64::MAX >> 1);
        let bits = self.as_bits(a);
        let bits = self.b.ins().band(bits, mask);
        self.as_pair(bits)
    }

    fn negative(&mut self, a: Value) -> Value {
        let mask = self.bits(1 << 63);
        let bits = self.as_bits(a);
        let bits = self.b.ins().bxor(bits, mask);
        self.as_pair(bits)
    }

    /// `if a < b { yes } else { no }` (or another comparison) without a jump.
    fn select(&mut self, code: FloatCC, a: Value, b: Value, yes: Value, no: Value) -> Value {
        let mask = self.b.ins().fcmp(code, a, b);
        let mask = self.as_pair(mask);
        self.b.ins().bitselect(mask, yes, no)
    }

    fn select_literals(&mut self, mask: Value, yes: f64, no: f64) -> Value {
        let (yes, no) = (self.lit(yes), self.lit(no));
        let mask = self.as_pair(mask);
        self.b.ins().bitselect(mask, yes, no)
    }

    fn round(&mut self, x: Value) -> Value {
        let x = self.add_to(x, ROUND);
        self.add_to(x, -ROUND)
    }

    fn pow2(&mut self, k: Value) -> Value {
        let k = self.add_to(k, ROUND + 1023.0);
        let bits = self.as_bits(k);
        let bits = self.b.ins().ishl_imm(bits, 52);
        self.as_pair(bits)
    }

    fn fast_two_sum(&mut self, a: Value, b: Value) -> (Value, Value) {
        let s = self.add(a, b);
        let t = self.sub(s, a);
        (s, self.sub(b, t))
    }

    fn horner<const N: usize>(&mut self, x: Value, c: &[f64; N]) -> Value {
        let square = self.mul(x, x);
        let fourth = self.mul(square, square);
        let mut sum = None;
        for four in c.chunks(4).rev() {
            let pairs: Vec<Value> = four.chunks(2).map(|pair| self.line(x, pair)).collect();
            let four = match pairs[..] {
                [low, high] => self.fma(high, square, low),
                _ => pairs[0],
            };
            sum = Some(sum.map_or(four, |sum| self.fma(sum, fourth, four)));
        }
        sum.expect("a polynomial has coefficients")
    }

    /// c₀ + c₁x, or c₀ alone.
    fn line(&mut self, x: Value, c: &[f64]) -> Value {
        let first = self.lit(c[0]);
        match c {
            [_, second] => {
                let second = self.lit(*second);
                self.fma(second, x, first)
            }
            _ => first,
        }
    }

    /// A function of pairs, or of numbers as their low lanes.
    fn by_lane<const N: usize>(
        &mut self,
        operands: [Value; N],
        f: impl FnOnce(&mut Self, [Value; N]) -> Value,
    ) -> Value {
        if self.b.func.dfg.value_type(operands[0]) == PAIR {
            return f(self, operands);
        }
        let pairs = operands.map(|x| self.b.ins().scalar_to_vector(PAIR, x));
        let result = f(self, pairs);
        self.lane(result, 0)
    }

    /// A function of pairs on a pair, or on a number.
    pub fn apply(&mut self, f: Inline, x: Value) -> Value {
        if self.b.func.dfg.value_type(x) == PAIR {
            return f(self, x);
        }
        let pair = self.pair(x, x);
        let result = f(self, pair);
        self.lane(result, 0)
    }

    /// `max(a, b)` as [`crate::ops::ReduceKind::combine`] has it.
    pub fn largest(&mut self, a: Value, b: Value) -> Value {
        self.by_lane([a, b], |e, [a, b]| {
            let best = e.select(FloatCC::LessThan, a, b, b, a);
            e.keep_nan(b, best)
        })
    }

    pub fn smallest(&mut self, a: Value, b: Value) -> Value {
        self.by_lane([a, b], |e, [a, b]| {
            let best = e.select(FloatCC::LessThan, b, a, b, a);
            e.keep_nan(b, best)
        })
    }

    /// The best of `a` and `b` is `a` if one is NaN; it shall be `b` if only `b` is.
    fn keep_nan(&mut self, b: Value, best: Value) -> Value {
        self.select(FloatCC::Unordered, b, b, b, best)
    }

    /// 1 where the comparison holds, else 0.
    pub fn truth(&mut self, code: FloatCC, a: Value, b: Value) -> Value {
        self.by_lane([a, b], |e, [a, b]| {
            let mask = e.b.ins().fcmp(code, a, b);
            let one = e.bits(1f64.to_bits());
            let bits = e.b.ins().band(mask, one);
            e.as_pair(bits)
        })
    }

    /// `if c != 0 { a } else { b }`.
    pub fn choose(&mut self, c: Value, a: Value, b: Value) -> Value {
        self.by_lane([c, a, b], |e, [c, a, b]| {
            let zero = e.lit(0.0);
            e.select(FloatCC::NotEqual, c, zero, a, b)
        })
    }
}

fn exp(e: &mut Emit, x: Value) -> Value {
    let top = e.lit(710.0);
    let x = e.select(FloatCC::LessThan, top, x, top, x);
    let bottom = e.lit(-746.0);
    let x = e.select(FloatCC::LessThan, x, bottom, bottom, x);
    let (log2_e, round) = (e.lit(LOG2_E), e.lit(ROUND));
    let k = e.fma(x, log2_e, round);
    let k = e.add_to(k, -ROUND);
    let high = e.lit(c::LN_2_HI);
    let near = e.fnma(k, high, x);
    let low = e.times(k, -c::LN_2_LO);
    let r = e.add(near, low);
    let one = e.lit(1.0);
    let (head, rest) = e.fast_two_sum(one, r);
    let series = e.horner(r, &c::EXP_SERIES);
    let square = e.mul(r, r);
    let beyond = e.fma(square, series, rest);
    let end = e.lit(-690.0);
    let low = e.b.ins().fcmp(FloatCC::LessThan, x, end);
    let shift = e.select_literals(low, 128.0, -1.0);
    let k = e.add(k, shift);
    let scale = e.pow2(k);
    let head = e.mul(head, scale);
    let y = e.fma(beyond, scale, head);
    let back = e.select_literals(low, c::TWO_TO_MINUS_128, 2.0);
    e.mul(y, back)
}

/// (eˣ − 1)/2 for −40 ≤ x ≤ 710.
fn half_expm1(e: &mut Emit, x: Value) -> Value {
    let (scale, shift) = (e.lit(LOG2_E), e.lit(-0.08));
    let scaled = e.fma(x, scale, shift);
    let k = e.round(scaled);
    let high = e.lit(c::LN_2_HI);
    let near = e.fnma(k, high, x);
    let low = e.times(k, c::LN_2_LO);
    let low = e.negative(low);
    let (r, tail) = e.fast_two_sum(near, low);
    let less = e.add_to(k, -1.0);
    let power = e.pow2(less);
    let whole = e.add_to(power, -0.5);
    let part = e.mul(power, r);
    let (head, rest) = e.fast_two_sum(whole, part);
    let series = e.horner(r, &c::EXPM1_SERIES);
    let square = e.mul(r, r);
    let beyond = e.fma(square, series, tail);
    let sum = e.fma(power, beyond, rest);
    e.add(head, sum)
}

fn expm1(e: &mut Emit, x: Value) -> Value {
    let top = e.lit(710.0);
    let clamped = e.select(FloatCC::LessThan, top, x, top, x);
    let bottom = e.lit(-40.0);
    let clamped = e.select(FloatCC::LessThan, clamped, bottom, bottom, clamped);
    let half = half_expm1(e, clamped);
    let result = e.times(half, 2.0);
    keep_tiny(e, x, result)
}

/// `x` itself where it is so small that the function is the identity.
fn keep_tiny(e: &mut Emit, x: Value, result: Value) -> Value {
    let (size, tiny) = (e.abs(x), e.lit(1e-17));
    e.select(FloatCC::LessThan, size, tiny, x, result)
}

fn tanh(e: &mut Emit, x: Value) -> Value {
    let a = e.abs(x);
    let top = e.lit(20.0);
    let clamped = e.select(FloatCC::LessThan, top, a, top, a);
    let twice = e.times(clamped, 2.0);
    let h = half_expm1(e, twice);
    let more = e.add_to(h, 1.0);
    let size = e.div(h, more);
    let sign = e.bits(1 << 63);
    let (result, sign_of) = (e.as_bits(size), e.as_bits(x));
    let result = e.b.ins().band_not(result, sign);
    let sign = e.b.ins().band(sign_of, sign);
    let result = e.b.ins().bor(result, sign);
    let result = e.as_pair(result);
    let tiny = e.lit(1e-17);
    e.select(FloatCC::LessThan, a, tiny, x, result)
}

/// e^−|x|
fn exp_of_minus_abs(e: &mut Emit, x: Value) -> Value {
    if let Some(&known) = e.decays.get(&x) {
        return known;
    }
    let sign = e.bits(1 << 63);
    let bits = e.as_bits(x);
    let bits = e.b.ins().bor(bits, sign);
    let low = e.as_pair(bits);
    let decay = exp(e, low);
    e.decays.insert(x, decay);
    decay
}

fn sigmoid(e: &mut Emit, x: Value) -> Value {
    let z = exp_of_minus_abs(e, x);
    let (zero, one) = (e.lit(0.0), e.lit(1.0));
    let above = e.select(FloatCC::GreaterThanOrEqual, x, zero, one, z);
    let below = e.add_to(z, 1.0);
    e.div(above, below)
}

fn softplus(e: &mut Emit, x: Value) -> Value {
    let z = exp_of_minus_abs(e, x);
    let zero = e.lit(0.0);
    let linear = e.select(FloatCC::LessThan, zero, x, x, zero);
    let rest = log1p_unit(e, z);
    e.add(linear, rest)
}

/// log(1 + z) for 0 ≤ z ≤ 1.
fn log1p_unit(e: &mut Emit, z: Value) -> Value {
    let end = e.lit(SQRT_2 - 1.0);
    let high = e.b.ins().fcmp(FloatCC::GreaterThan, z, end);
    let half = e.times(z, 0.5);
    let half = e.add_to(half, -0.5);
    let mask = e.as_pair(high);
    let f = e.b.ins().bitselect(mask, half, z);
    let k = e.select_literals(high, 1.0, 0.0);
    artanh_form(e, k, f, f, None)
}

fn artanh_form(e: &mut Emit, k: Value, head: Value, f: Value, rest: Option<Value>) -> Value {
    let two = e.add_to(f, 2.0);
    let s = e.div(f, two);
    let z = e.mul(s, s);
    let half = e.times(f, 0.5);
    let half_square = e.mul(half, f);
    let series = e.horner(z, &c::LOG_SERIES);
    let series = e.mul(z, series);
    let (low, high) = (e.lit(c::LN_2_LO), e.lit(c::LN_2_HI));
    let rest = rest.unwrap_or_else(|| e.lit(0.0));
    let low = e.fma(k, low, rest);
    let inner = e.add(half_square, series);
    let inner = e.fma(s, inner, low);
    let inner = e.sub(half_square, inner);
    let inner = e.sub(head, inner);
    e.fma(k, high, inner)
}

/// log(u + c) for u > 0 finite and a small c.
fn log_core(e: &mut Emit, u: Value, correction: Option<Value>) -> Value {
    const TWO_54: f64 = 18014398509481984.0;
    const TWO_52: f64 = 4503599627370496.0;
    const SQRT_HALF: u64 = FRAC_1_SQRT_2.to_bits();
    let smallest = e.lit(f64::MIN_POSITIVE);
    // With a correction, u is not subnormal (or the result is not used).
    let tiny = correction
        .is_none()
        .then(|| e.b.ins().fcmp(FloatCC::LessThan, u, smallest));
    let scaled = match tiny {
        Some(tiny) => {
            let raised = e.times(u, TWO_54);
            let mask = e.as_pair(tiny);
            e.b.ins().bitselect(mask, raised, u)
        }
        None => u,
    };
    let bits = e.as_bits(scaled);
    let shift = e.bits(1f64.to_bits().wrapping_sub(SQRT_HALF));
    let offset = e.b.ins().iadd(bits, shift);
    let mantissa = e.bits((1 << 52) - 1);
    let m = e.b.ins().band(offset, mantissa);
    let start = e.bits(SQRT_HALF);
    let m = e.b.ins().iadd(m, start);
    let m = e.as_pair(m);
    let biased = e.b.ins().ushr_imm(offset, 52);
    let exponent = e.bits(TWO_52.to_bits());
    let biased = e.b.ins().bor(biased, exponent);
    let biased = e.as_pair(biased);
    let bias = match tiny {
        Some(tiny) => e.select_literals(tiny, TWO_52 + 1023.0 + 54.0, TWO_52 + 1023.0),
        None => e.lit(TWO_52 + 1023.0),
    };
    let k = e.sub(biased, bias);
    let head = e.add_to(m, -1.0);
    let Some(correction) = correction else {
        return artanh_form(e, k, head, head, None);
    };
    let one = e.lit(1.0);
    let power = e.sub(one, k);
    let power = e.pow2(power);
    let power = e.times(power, 0.5);
    let rest = e.mul(correction, power);
    let f = e.add(head, rest);
    artanh_form(e, k, head, f, Some(rest))
}

/// What log gives at the ends of its range, else `result`.
fn at_ends(e: &mut Emit, u: Value, result: Value) -> Value {
    let (zero, top) = (e.lit(0.0), e.lit(f64::INFINITY));
    let bottom = e.lit(f64::NEG_INFINITY);
    let result = e.select(FloatCC::Equal, u, zero, bottom, result);
    let result = e.select(FloatCC::LessThan, u, top, result, u);
    let nan = e.lit(f64::NAN);
    e.select(FloatCC::LessThan, u, zero, nan, result)
}

fn log(e: &mut Emit, x: Value) -> Value {
    let result = log_core(e, x, None);
    at_ends(e, x, result)
}

fn log1p(e: &mut Emit, x: Value) -> Value {
    let one = e.lit(1.0);
    let u = e.add(one, x);
    let less = e.add_to(u, -1.0);
    let small = e.sub(x, less);
    let gap = e.sub(u, x);
    let large = e.sub(one, gap);
    let correction = e.select(FloatCC::LessThan, x, one, small, large);
    let result = log_core(e, u, Some(correction));
    let result = at_ends(e, u, result);
    keep_tiny(e, x, result)
}
