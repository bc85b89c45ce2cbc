//! Straight-line code on single numbers.
//!
//! Every number has a cell of its own in the arena, so there is nothing to load or to store: an
//! instruction reads its operands' cells and writes its own. The commonest functions are
//! instructions, the others are called by pointer.

use super::element::Element;
use super::micro::Place;
use crate::ops::{BinaryRow, ReduceKind, UnaryRow};
use std::collections::{HashMap, HashSet};

/// One instruction; numbers are cells, counted from the start of the arena: the result's first.
#[derive(Clone, Copy)]
pub enum Scalar {
    Copy(u32, u32),
    Neg(u32, u32),
    Square(u32, u32),
    Recip(u32, u32),
    Sqrt(u32, u32),
    Add(u32, u32, u32),
    Sub(u32, u32, u32),
    Mul(u32, u32, u32),
    Div(u32, u32, u32),
    /// `(out, a, b, c)`: `a · b + c`, rounded once where the machine can.
    MulAdd(u32, u32, u32, u32),
    /// `(out, a, b, c)`: `c − a · b`, likewise.
    MulSub(u32, u32, u32, u32),
    /// `(out, a, b, c)`: `a · b − c`, likewise.
    MulLess(u32, u32, u32, u32),
    Lt(u32, u32, u32),
    Gt(u32, u32, u32),
    Eq(u32, u32, u32),
    /// `(out, c, a, b)`
    Select(u32, u32, u32, u32),
    /// The larger, or the NaN among the two.
    Max(u32, u32, u32),
    Min(u32, u32, u32),
    Call1(&'static UnaryRow, u32, u32),
    Call2(&'static BinaryRow, u32, u32, u32),
    /// Reads from the arena.
    Take(u32, At),
    /// Reads from the constants.
    TakeConstant(u32, At),
    /// `(from, to)`: writes to the arena.
    Put(u32, At),
}

/// Where a number lies that is another one in each step and for each sample:
/// `start + t · step + s · sample`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    pub start: u32,
    pub step: u32,
    pub sample: u32,
}

impl At {
    /// The same in all steps and for all samples.
    pub fn cell(start: u32) -> At {
        At {
            start,
            step: 0,
            sample: 0,
        }
    }

    /// The same in all steps, so far on for each sample.
    pub fn of_sample(start: u32, sample: u32) -> At {
        At {
            sample,
            ..At::cell(start)
        }
    }

    /// Whether the other is its neighbour, always.
    pub fn is_before(self, next: At) -> bool {
        self.start.checked_add(1) == Some(next.start)
            && At {
                start: self.start,
                ..next
            } == self
    }

    #[inline(always)]
    pub fn of(self, step: usize, sample: usize) -> usize {
        self.start as usize + step * self.step as usize + sample * self.sample as usize
    }
}

/// The instruction that combines two numbers of a reduction.
pub(super) fn combine(kind: ReduceKind, out: u32, a: u32, b: u32) -> Scalar {
    match kind {
        ReduceKind::Sum => Scalar::Add(out, a, b),
        ReduceKind::Max => Scalar::Max(out, a, b),
        ReduceKind::Min => Scalar::Min(out, a, b),
    }
}

/// The instruction for a function of one argument.
pub(super) fn unary(row: &'static UnaryRow, out: u32, a: u32) -> Scalar {
    match row.name {
        "neg" => Scalar::Neg(out, a),
        "square" => Scalar::Square(out, a),
        "recip" => Scalar::Recip(out, a),
        "sqrt" => Scalar::Sqrt(out, a),
        _ => Scalar::Call1(row, out, a),
    }
}

/// The instruction for a function of two arguments.
pub(super) fn binary(row: &'static BinaryRow, out: u32, a: u32, b: u32) -> Scalar {
    match row.name {
        "add" => Scalar::Add(out, a, b),
        "sub" => Scalar::Sub(out, a, b),
        "mul" => Scalar::Mul(out, a, b),
        "div" => Scalar::Div(out, a, b),
        "lt" => Scalar::Lt(out, a, b),
        "gt" => Scalar::Gt(out, a, b),
        "eq" => Scalar::Eq(out, a, b),
        _ => Scalar::Call2(row, out, a, b),
    }
}

/// The steps of a recurrence for which code is run; straight-line code is one step.
#[derive(Clone, Copy, Debug)]
pub struct Steps {
    pub count: usize,
    /// From the last to the first.
    pub reverse: bool,
}

impl Steps {
    pub const ONE: Steps = Steps {
        count: 1,
        reverse: false,
    };
}

/// `(code, arena, constants, steps, sample)`
pub type ScalarKernel<T> = unsafe fn(&[Scalar], *mut T, *const T, Steps, usize);

/// Runs the code for each step, for one sample.
///
/// # Safety
/// All cells lie in the memory at `arena` (those of `TakeConstant` at `constants`), nobody else uses
/// it meanwhile.
#[inline(always)]
pub(super) unsafe fn run<T: Element, const FUSED: bool>(
    code: &[Scalar],
    arena: *mut T,
    constants: *const T,
    steps: Steps,
    sample: usize,
) {
    let truth = |x: bool| if x { T::ONE } else { T::ZERO };
    let fma = |a: T, b: T, c: T| if FUSED { a.mul_add(b, c) } else { a * b + c };
    // SAFETY: the caller's promise.
    let get = |cell: u32| unsafe { *arena.add(cell as usize) };
    let set = |cell: u32, value: T| unsafe { *arena.add(cell as usize) = value };
    for step in 0..steps.count {
        let t = if steps.reverse {
            steps.count - 1 - step
        } else {
            step
        };
        for instruction in code {
            match *instruction {
                Scalar::Copy(r, a) => set(r, get(a)),
                Scalar::Neg(r, a) => set(r, -get(a)),
                Scalar::Square(r, a) => set(r, get(a) * get(a)),
                Scalar::Recip(r, a) => set(r, T::ONE / get(a)),
                Scalar::Sqrt(r, a) => set(r, get(a).sqrt()),
                Scalar::Add(r, a, b) => set(r, get(a) + get(b)),
                Scalar::Sub(r, a, b) => set(r, get(a) - get(b)),
                Scalar::Mul(r, a, b) => set(r, get(a) * get(b)),
                Scalar::Div(r, a, b) => set(r, get(a) / get(b)),
                Scalar::MulAdd(r, a, b, c) => set(r, fma(get(a), get(b), get(c))),
                Scalar::MulSub(r, a, b, c) => set(r, fma(-get(a), get(b), get(c))),
                Scalar::MulLess(r, a, b, c) => set(r, fma(get(a), get(b), -get(c))),
                Scalar::Lt(r, a, b) => set(r, truth(get(a) < get(b))),
                Scalar::Gt(r, a, b) => set(r, truth(get(a) > get(b))),
                Scalar::Eq(r, a, b) => set(r, truth(get(a) == get(b))),
                Scalar::Select(r, c, a, b) => {
                    set(r, if get(c) != T::ZERO { get(a) } else { get(b) })
                }
                Scalar::Max(r, a, b) => set(r, ReduceKind::Max.combine(get(a), get(b))),
                Scalar::Min(r, a, b) => set(r, ReduceKind::Min.combine(get(a), get(b))),
                Scalar::Call1(row, r, a) => set(r, T::unary(row)(get(a))),
                Scalar::Call2(row, r, a, b) => set(r, T::binary(row)(get(a), get(b))),
                // SAFETY (of the three): the caller's promise.
                Scalar::Take(r, at) => set(r, unsafe { *arena.add(at.of(t, sample)) }),
                Scalar::TakeConstant(r, at) => set(r, unsafe { *constants.add(at.of(t, sample)) }),
                Scalar::Put(a, at) => unsafe { *arena.add(at.of(t, sample)) = get(a) },
            }
        }
    }
}

impl Scalar {
    /// Reads into a cell what lies so far from a place.
    pub fn take(cell: u32, place: Place, at: At) -> Scalar {
        let place = place.plus(at.start as usize);
        match place.in_constants() {
            Some(start) => Scalar::TakeConstant(cell, At { start, ..at }),
            None => {
                let start = place.cell();
                Scalar::Take(cell, At { start, ..at })
            }
        }
    }

    /// The cell that is written, and those that are read.
    fn cells(&mut self) -> (Option<&mut u32>, [Option<&mut u32>; 3]) {
        match self {
            Scalar::Copy(r, a)
            | Scalar::Neg(r, a)
            | Scalar::Square(r, a)
            | Scalar::Recip(r, a)
            | Scalar::Sqrt(r, a)
            | Scalar::Call1(_, r, a) => (Some(r), [Some(a), None, None]),
            Scalar::Add(r, a, b)
            | Scalar::Sub(r, a, b)
            | Scalar::Mul(r, a, b)
            | Scalar::Div(r, a, b)
            | Scalar::Lt(r, a, b)
            | Scalar::Gt(r, a, b)
            | Scalar::Eq(r, a, b)
            | Scalar::Max(r, a, b)
            | Scalar::Min(r, a, b)
            | Scalar::Call2(_, r, a, b) => (Some(r), [Some(a), Some(b), None]),
            Scalar::MulAdd(r, a, b, c)
            | Scalar::MulSub(r, a, b, c)
            | Scalar::MulLess(r, a, b, c)
            | Scalar::Select(r, a, b, c) => (Some(r), [Some(a), Some(b), Some(c)]),
            Scalar::Take(r, ..) | Scalar::TakeConstant(r, ..) => (Some(r), [None, None, None]),
            Scalar::Put(a, ..) => (None, [Some(a), None, None]),
        }
    }

    /// Counts cells from `first` on.
    pub fn move_cells(&mut self, first: u32) {
        let (written, read) = self.cells();
        let all = written.into_iter().chain(read.into_iter().flatten());
        all.for_each(|cell| *cell -= first);
    }

    /// As `cells`, the numbers themselves.
    pub fn parts(mut self) -> (Option<u32>, [Option<u32>; 3]) {
        let (written, read) = self.cells();
        (written.copied(), read.map(|cell| cell.copied()))
    }

    pub fn is_call(&self) -> bool {
        matches!(self, Scalar::Call1(..) | Scalar::Call2(..))
    }

    fn written(mut self) -> Option<u32> {
        self.cells().0.copied()
    }

    fn reads(mut self, cell: u32) -> bool {
        self.cells().1.iter().flatten().any(|c| **c == cell)
    }
}

/// Joins products with the one sum that reads them. Cells for which `kept` holds are read elsewhere
/// too; every cell is written once, but for carries at the end.
pub(super) fn join_products(code: &mut Vec<Scalar>, kept: impl Fn(u32) -> bool) {
    let mut readers: HashMap<u32, usize> = HashMap::new();
    let mut product: HashMap<u32, usize> = HashMap::new();
    for (at, instruction) in code.iter().enumerate() {
        let mut copy = *instruction;
        for cell in copy.cells().1.into_iter().flatten() {
            *readers.entry(*cell).or_default() += 1;
        }
        if let Scalar::Mul(r, ..) = instruction {
            product.insert(*r, at);
        }
    }
    let mut gone = vec![false; code.len()];
    for at in 0..code.len() {
        let mut only = |cell: u32| {
            let &from = product.get(&cell).filter(|&&from| from < at)?;
            let Scalar::Mul(_, a, b) = code[from] else {
                return None;
            };
            let single = readers[&cell] == 1 && !kept(cell);
            single.then(|| {
                gone[from] = true;
                (a, b)
            })
        };
        let joined = match code[at] {
            Scalar::Add(r, x, y) => match only(y) {
                Some((a, b)) => Some(Scalar::MulAdd(r, a, b, x)),
                None => only(x).map(|(a, b)| Scalar::MulAdd(r, a, b, y)),
            },
            Scalar::Sub(r, x, y) => match only(y) {
                Some((a, b)) => Some(Scalar::MulSub(r, a, b, x)),
                None => only(x).map(|(a, b)| Scalar::MulLess(r, a, b, y)),
            },
            _ => None,
        };
        if let Some(joined) = joined {
            code[at] = joined;
        }
    }
    let mut gone = gone.into_iter();
    code.retain(|_| !gone.next().expect("as many as instructions"));
}

/// Drops loads that nobody reads.
pub(super) fn drop_unread(code: &mut Vec<Scalar>) {
    let mut read: HashSet<u32> = HashSet::new();
    for mut instruction in code.iter().copied() {
        let operands = instruction.cells().1;
        read.extend(operands.into_iter().flatten().map(|cell| *cell));
    }
    code.retain(|instruction| match instruction {
        Scalar::Take(r, ..) | Scalar::TakeConstant(r, ..) => read.contains(r),
        _ => true,
    });
}

/// Drops what computes cells that nobody reads, of those that only the code itself can read.
pub(super) fn drop_dead(code: &mut Vec<Scalar>, private: &std::ops::Range<u32>) {
    let mut read: HashSet<u32> = HashSet::new();
    let mut kept: Vec<bool> = code
        .iter()
        .rev()
        .map(|instruction| {
            let (written, operands) = instruction.parts();
            let keep = written.is_none_or(|r| !private.contains(&r) || read.contains(&r));
            if keep {
                read.extend(operands.into_iter().flatten());
            }
            keep
        })
        .collect();
    code.retain(|_| kept.pop().expect("as many as instructions"));
}

/// Calls functions as soon as their arguments are there: a processor looks ahead only so far, and
/// what waits for one function's result would keep it from the next. Functions that do not wait for
/// each other stand side by side. Cells of the range are written once, others after all of them.
pub(super) fn functions_first(code: &mut Vec<Scalar>, private: &std::ops::Range<u32>) {
    // How many calls an instruction waits for, one after the other, itself among them.
    let mut waits = vec![0; code.len()];
    let mut from: HashMap<u32, usize> = HashMap::new();
    for (at, instruction) in code.iter().enumerate() {
        let (written, operands) = instruction.parts();
        let before = operands.iter().flatten().filter_map(|cell| from.get(cell));
        let called = usize::from(instruction.is_call());
        waits[at] = called + before.map(|&i| waits[i]).max().unwrap_or(0);
        if let Some(cell) = written.filter(|cell| private.contains(cell)) {
            from.insert(cell, at);
        }
    }
    // The calls' own turn, and for all others that of the first call that waits for them.
    let mut turn = vec![usize::MAX; code.len()];
    for at in (0..code.len()).rev() {
        if code[at].is_call() {
            turn[at] = turn[at].min(waits[at]);
        }
        let operands = code[at].parts().1;
        for &i in operands.iter().flatten().filter_map(|cell| from.get(cell)) {
            turn[i] = turn[i].min(turn[at]);
        }
    }
    let mut order: Vec<usize> = (0..code.len()).collect();
    order.sort_by_key(|&at| (turn[at], code[at].is_call()));
    *code = order.into_iter().map(|at| code[at]).collect();
}

/// Lets the instruction that makes a new carry write it where the old one was, if nobody reads the
/// old one after it: the copy at the end of the step is saved.
pub(super) fn carry_in_place(code: &mut Vec<Scalar>) {
    let copied_to = |i: &Scalar| match i {
        Scalar::Copy(carry, _) => Some(*carry),
        _ => None,
    };
    let carries: HashSet<u32> = code.iter().rev().map_while(copied_to).collect();
    let mut at = code.len();
    while at > 0 {
        at -= 1;
        let Scalar::Copy(carry, made) = code[at] else {
            break;
        };
        // One number can become two carries: the first then lies where it must stay.
        if carries.contains(&made) {
            continue;
        }
        let Some(from) = code[..at].iter().rposition(|i| i.written() == Some(made)) else {
            continue;
        };
        let copied = matches!(code[from], Scalar::Copy(..));
        let touched = |i: &Scalar| i.reads(carry) || i.written() == Some(carry);
        if copied || code[from + 1..at].iter().any(touched) {
            continue;
        }
        for instruction in &mut code[from..] {
            let (written, read) = instruction.cells();
            for cell in written.into_iter().chain(read.into_iter().flatten()) {
                if *cell == made {
                    *cell = carry;
                }
            }
        }
        code.remove(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_steps(code: &[Scalar], arena: &mut [f64], count: usize) {
        let steps = Steps {
            count,
            reverse: false,
        };
        // SAFETY: all cells below lie in the arena.
        unsafe { run::<f64, false>(code, arena.as_mut_ptr(), std::ptr::null(), steps, 0) }
    }

    fn each_step(start: u32) -> At {
        At {
            start,
            step: 1,
            sample: 0,
        }
    }

    #[test]
    fn polished_code_computes_the_same() {
        // h' = a + b h, put into 10 + t; cells: h 0, a 1, b 2.
        let plain = vec![
            Scalar::Mul(3, 2, 0),
            Scalar::Add(4, 1, 3),
            Scalar::Put(4, each_step(10)),
            Scalar::Copy(0, 4),
        ];
        let mut polished = plain.clone();
        join_products(&mut polished, |_| false);
        carry_in_place(&mut polished);
        assert_eq!(polished.len(), 2);
        let mut results = Vec::new();
        for code in [&plain, &polished] {
            let mut arena = vec![0.0; 16];
            arena[..3].copy_from_slice(&[0.5, 0.25, 1.5]);
            run_steps(code, &mut arena, 4);
            results.push(arena[10..14].to_vec());
        }
        assert_eq!(results[0], results[1]);
    }

    #[test]
    fn functions_are_called_as_soon_as_they_can_be() {
        let exp = |r, a| Scalar::Call1(&crate::ops::unary::TABLE[0], r, a);
        let mut code = vec![
            exp(10, 0),
            Scalar::Mul(11, 10, 10),
            Scalar::Sub(12, 0, 1),
            exp(13, 11),
            exp(14, 12),
            Scalar::Add(15, 13, 14),
            Scalar::Copy(0, 15),
        ];
        functions_first(&mut code, &(10..16));
        let written: Vec<u32> = code.iter().filter_map(|i| i.written()).collect();
        assert_eq!(written, [12, 10, 14, 11, 13, 15, 0]);
    }

    #[test]
    fn a_carry_that_is_read_later_is_copied() {
        // Fibonacci: both carries at once.
        let mut code = vec![
            Scalar::Add(2, 0, 1),
            Scalar::Copy(3, 1),
            Scalar::Copy(0, 3),
            Scalar::Copy(1, 2),
        ];
        carry_in_place(&mut code);
        let mut arena = vec![0.0, 1.0, 0.0, 0.0];
        run_steps(&code, &mut arena, 6);
        assert_eq!(arena[..2], [8.0, 13.0]);
    }

    #[test]
    fn one_number_becomes_two_carries() {
        let plain = vec![Scalar::Add(2, 0, 1), Scalar::Copy(0, 2), Scalar::Copy(1, 2)];
        let mut code = plain.clone();
        carry_in_place(&mut code);
        assert_eq!(code.len(), 2);
        let mut arena = vec![1.0, 2.0, 0.0];
        run_steps(&code, &mut arena, 3);
        assert_eq!(arena[..2], [12.0, 12.0]);
    }
}
