//! Straight-line code on single numbers.
//!
//! Every number has a cell of its own in the arena, so there is nothing to load or to store: an
//! instruction reads its operands' cells and writes its own. The commonest functions are
//! instructions, the others are called by pointer.

/// One instruction; numbers are cells, counted from the start of the arena: the result's first.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scalar {
    Copy(u32, u32),
    Neg(u32, u32),
    Square(u32, u32),
    Recip(u32, u32),
    Sqrt(u32, u32),
    Add(u32, u32, u32),
    Sub(u32, u32, u32),
    Mul(u32, u32, u32),
    Div(u32, u32, u32),
    /// `a · b + c`, rounded twice.
    MulAdd(u32, u32, u32, u32),
    /// `c − a · b`, rounded twice.
    MulSub(u32, u32, u32, u32),
    Lt(u32, u32, u32),
    Gt(u32, u32, u32),
    Eq(u32, u32, u32),
    /// `(out, c, a, b)`
    Select(u32, u32, u32, u32),
    Call1(fn(f64) -> f64, u32, u32),
    Call2(fn(f64, f64) -> f64, u32, u32, u32),
    /// `(out, start, stride)`: reads `start + t · stride` in step t.
    Take(u32, u32, u32),
    /// As `Take`, from the constants.
    TakeConstant(u32, u32, u32),
    /// `(from, start, stride)`: writes `start + t · stride` in step t.
    Put(u32, u32, u32),
}

/// The instruction for a function of one argument.
pub(super) fn unary(row: &crate::ops::UnaryRow, out: u32, a: u32) -> Scalar {
    match row.name {
        "neg" => Scalar::Neg(out, a),
        "square" => Scalar::Square(out, a),
        "recip" => Scalar::Recip(out, a),
        "sqrt" => Scalar::Sqrt(out, a),
        _ => Scalar::Call1(row.value, out, a),
    }
}

/// The instruction for a function of two arguments.
pub(super) fn binary(row: &crate::ops::BinaryRow, out: u32, a: u32, b: u32) -> Scalar {
    match row.name {
        "add" => Scalar::Add(out, a, b),
        "sub" => Scalar::Sub(out, a, b),
        "mul" => Scalar::Mul(out, a, b),
        "div" => Scalar::Div(out, a, b),
        "lt" => Scalar::Lt(out, a, b),
        "gt" => Scalar::Gt(out, a, b),
        "eq" => Scalar::Eq(out, a, b),
        _ => Scalar::Call2(row.value, out, a, b),
    }
}

/// Runs the code as step `t`.
///
/// # Safety
/// All cells lie in the memory at `arena` (those of `TakeConstant` at `constants`), nobody else uses
/// it meanwhile.
#[inline]
pub(super) unsafe fn run(code: &[Scalar], arena: *mut f64, constants: *const f64, t: usize) {
    let truth = |x: bool| f64::from(u8::from(x));
    // SAFETY: the caller's promise.
    let get = |cell: u32| unsafe { *arena.add(cell as usize) };
    let set = |cell: u32, value: f64| unsafe { *arena.add(cell as usize) = value };
    for &instruction in code {
        match instruction {
            Scalar::Copy(r, a) => set(r, get(a)),
            Scalar::Neg(r, a) => set(r, -get(a)),
            Scalar::Square(r, a) => set(r, get(a) * get(a)),
            Scalar::Recip(r, a) => set(r, 1.0 / get(a)),
            Scalar::Sqrt(r, a) => set(r, get(a).sqrt()),
            Scalar::Add(r, a, b) => set(r, get(a) + get(b)),
            Scalar::Sub(r, a, b) => set(r, get(a) - get(b)),
            Scalar::Mul(r, a, b) => set(r, get(a) * get(b)),
            Scalar::Div(r, a, b) => set(r, get(a) / get(b)),
            Scalar::MulAdd(r, a, b, c) => set(r, get(a) * get(b) + get(c)),
            Scalar::MulSub(r, a, b, c) => set(r, get(c) - get(a) * get(b)),
            Scalar::Lt(r, a, b) => set(r, truth(get(a) < get(b))),
            Scalar::Gt(r, a, b) => set(r, truth(get(a) > get(b))),
            Scalar::Eq(r, a, b) => set(r, truth(get(a) == get(b))),
            Scalar::Select(r, c, a, b) => set(r, if get(c) != 0.0 { get(a) } else { get(b) }),
            Scalar::Call1(f, r, a) => set(r, f(get(a))),
            Scalar::Call2(f, r, a, b) => set(r, f(get(a), get(b))),
            Scalar::Take(r, start, stride) => {
                let from = start as usize + t * stride as usize;
                // SAFETY: the caller's promise.
                set(r, unsafe { *arena.add(from) });
            }
            Scalar::TakeConstant(r, start, stride) => {
                let from = start as usize + t * stride as usize;
                // SAFETY: the caller's promise.
                set(r, unsafe { *constants.add(from) });
            }
            Scalar::Put(a, start, stride) => {
                let to = start as usize + t * stride as usize;
                // SAFETY: the caller's promise.
                unsafe { *arena.add(to) = get(a) };
            }
        }
    }
}
