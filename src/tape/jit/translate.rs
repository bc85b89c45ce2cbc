//! Straight-line code to Cranelift's intermediate form: one pass, a value for each cell.
//!
//! Cells that the code has written are values; others are loaded where they are used, which costs a
//! machine no more than a register would. In the loop of a recurrence, cells that a step reads
//! before it writes them are its carries: parameters of the loop's block.
//!
//! With samples all values are pairs, of two samples; the loop over pairs is the outer one, and the
//! last pair of an odd number begins one earlier. Without, two neighbouring instructions that do the
//! same become one on a pair where their operands are one already, or lie side by side in memory.

use super::super::scalar::{At, Scalar};
use super::Part;
use super::functions::{self, Emit, PAIR};
use crate::ops::{BinaryRow, UnaryRow};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{
    self, AbiParam, BlockArg, InstBuilder, MemFlags, SigRef, Signature, Type, Value, types,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::mem::discriminant;

/// Numbers that code refers to, in pairs so that they can be read as vectors.
#[derive(Default)]
pub(super) struct Literals {
    values: Vec<f64>,
    places: HashMap<[u64; 2], i32>,
}

impl Literals {
    /// The offset in bytes.
    pub fn place(&mut self, pair: [f64; 2]) -> i32 {
        let values = &mut self.values;
        *self
            .places
            .entry(pair.map(f64::to_bits))
            .or_insert_with(|| {
                values.extend(pair);
                8 * (values.len() as i32 - 2)
            })
    }

    pub fn into_values(self) -> Vec<f64> {
        self.values
    }
}

/// The arena, or the constants.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Memory {
    Arena,
    Constants,
}

/// A pointer that moves by so many numbers from step to step and from sample to sample.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Stride {
    memory: Memory,
    step: u32,
    sample: u32,
}

impl Stride {
    fn of(memory: Memory, at: At) -> Stride {
        Stride {
            memory,
            step: at.step,
            sample: at.sample,
        }
    }
}

/// The value of a cell, by itself or in a lane of a pair of cells.
#[derive(Clone, Copy)]
enum Number {
    Whole(Value),
    Lane(Value, u8),
}

/// Two numbers that can be had as a vector at no cost.
enum Joint {
    Pair(Value),
    Same(u32),
    Literals([f64; 2]),
    Neighbours(Memory, At),
}

struct Translator<'f, 'p> {
    emit: Emit<'f, 'p>,
    part: &'p Part<'p>,
    /// Of a number: a pair where there are samples.
    ty: Type,
    /// Arena, constants.
    bases: [Value; 2],
    values: HashMap<u32, Number>,
    /// Loads of what stays the same, done where it is read.
    aliases: HashMap<u32, (Memory, At)>,
    pointers: HashMap<Stride, Value>,
    calls: [Option<SigRef>; 2],
    /// While what is before the steps is translated.
    in_before: bool,
}

/// Invariants of a loop that are kept in registers, if there are no more.
const FEW: usize = 6;

/// `None` if an address does not fit the instructions.
pub(super) fn translate<'p>(
    part: &'p Part,
    function: &mut ir::Function,
    frontend: &mut FunctionBuilderContext,
    literals: &'p mut Literals,
) -> Option<()> {
    let mut builder = FunctionBuilder::new(function, frontend);
    let block = builder.create_block();
    builder.append_block_params_for_function_params(block);
    builder.switch_to_block(block);
    builder.seal_block(block);
    let &[arena, constants, pool] = builder.block_params(block) else {
        unreachable!("the signature has three parameters")
    };
    let mut translator = Translator {
        emit: Emit::new(builder, literals, pool),
        part,
        ty: if part.samples > 1 { PAIR } else { types::F64 },
        bases: [arena, constants],
        values: HashMap::new(),
        aliases: HashMap::new(),
        pointers: HashMap::new(),
        calls: [None; 2],
        in_before: true,
    };
    if part.samples > 1 {
        translator.samples()?;
    } else {
        translator.sample(None)?;
    }
    translator.emit.b.ins().return_(&[]);
    translator.emit.b.finalize();
    Some(())
}

fn bytes(cell: u32) -> Option<i32> {
    i32::try_from(cell).ok()?.checked_mul(8)
}

impl Translator<'_, '_> {
    /// All samples, two at a time.
    fn samples(&mut self) -> Option<()> {
        let last = self.part.samples as i64 - 2;
        let b = &mut self.emit.b;
        let (block, exit) = (b.create_block(), b.create_block());
        b.append_block_param(block, types::I64);
        let first = b.ins().iconst(types::I64, 0);
        b.ins().jump(block, &arguments(&[first]));
        b.switch_to_block(block);
        let at = b.block_params(block)[0];
        self.sample(Some(at))?;
        let b = &mut self.emit.b;
        let next = b.ins().iadd_imm(at, 2);
        let last = b.ins().iconst(types::I64, last);
        let next_or_last = b.ins().smin(next, last);
        let more = b.ins().icmp(IntCC::SignedLessThan, at, last);
        b.ins()
            .brif(more, block, &arguments(&[next_or_last]), exit, &[]);
        b.seal_block(block);
        b.switch_to_block(exit);
        b.seal_block(exit);
        Some(())
    }

    /// One sample, or the pair that begins with this one.
    fn sample(&mut self, first: Option<Value>) -> Option<()> {
        let (part, steps) = (self.part, self.part.steps);
        let start = if steps.reverse {
            steps.count as i64 - 1
        } else {
            0
        };
        self.start_pointers(start, first)?;
        self.straight(part.before)?;
        self.in_before = false;
        match steps.count {
            0 => Some(()),
            1 => self.straight(part.step),
            _ => self.steps(),
        }
    }

    fn straight(&mut self, code: &[Scalar]) -> Option<()> {
        let mut at = 0;
        while at < code.len() {
            if let [first, second, ..] = code[at..]
                && self.ty == types::F64
                && self.both(first, second)?
            {
                at += 2;
                continue;
            }
            self.instruction(code[at])?;
            at += 1;
        }
        Some(())
    }

    fn steps(&mut self) -> Option<()> {
        let part = self.part;
        let (carries, invariants) = carries(part.step);
        if invariants.len() <= FEW {
            for &cell in &invariants {
                let value = self.read(cell)?;
                self.values.insert(cell, Number::Whole(value));
            }
        }
        let moving: BTreeSet<Stride> = self.pointers.keys().copied().collect();
        let moving: Vec<Stride> = moving.into_iter().filter(|s| s.step > 0).collect();
        let count = part.steps.count as i64;
        let mut initial = vec![self.emit.b.ins().iconst(types::I64, count)];
        initial.extend(moving.iter().map(|s| self.pointers[s]));
        for &cell in &carries {
            let value = self.read(cell)?;
            initial.push(value);
        }
        let block = self.emit.b.create_block();
        let exit = self.emit.b.create_block();
        for (i, _) in initial.iter().enumerate() {
            let ty = if i <= moving.len() {
                types::I64
            } else {
                self.ty
            };
            self.emit.b.append_block_param(block, ty);
        }
        self.emit.b.ins().jump(block, &arguments(&initial));
        self.emit.b.switch_to_block(block);
        let given: Vec<Value> = self.emit.b.block_params(block).to_vec();
        for (stride, &pointer) in moving.iter().zip(&given[1..]) {
            self.pointers.insert(*stride, pointer);
        }
        for (&cell, &value) in carries.iter().zip(&given[1 + moving.len()..]) {
            self.values.insert(cell, Number::Whole(value));
        }
        self.straight(part.step)?;
        let mut next = vec![self.emit.b.ins().iadd_imm(given[0], -1)];
        for (stride, &pointer) in moving.iter().zip(&given[1..]) {
            let by = if part.steps.reverse { -8 } else { 8 } * i64::from(stride.step);
            next.push(self.emit.b.ins().iadd_imm(pointer, by));
        }
        for &cell in &carries {
            let value = self.read(cell)?;
            next.push(value);
        }
        let more = self.emit.b.ins().icmp_imm(IntCC::NotEqual, next[0], 0);
        self.emit
            .b
            .ins()
            .brif(more, block, &arguments(&next), exit, &[]);
        self.emit.b.seal_block(block);
        self.emit.b.switch_to_block(exit);
        self.emit.b.seal_block(exit);
        Some(())
    }

    /// Pointers to step `t` of a sample of all that the code takes and puts.
    fn start_pointers(&mut self, t: i64, sample: Option<Value>) -> Option<()> {
        for instruction in self.part.before.iter().chain(self.part.step) {
            let stride = match *instruction {
                Scalar::Take(_, at) | Scalar::Put(_, at) => Stride::of(Memory::Arena, at),
                Scalar::TakeConstant(_, at) => Stride::of(Memory::Constants, at),
                _ => continue,
            };
            if self.pointers.contains_key(&stride) {
                continue;
            }
            let mut pointer = self.bases[stride.memory as usize];
            if stride.step > 0 && t > 0 {
                let by = t.checked_mul(8 * i64::from(stride.step))?;
                pointer = self.emit.b.ins().iadd_imm(pointer, by);
            }
            if let Some(sample) = sample.filter(|_| stride.sample > 0) {
                let by = 8 * i64::from(stride.sample);
                let by = self.emit.b.ins().imul_imm(sample, by);
                pointer = self.emit.b.ins().iadd(pointer, by);
            }
            self.pointers.insert(stride, pointer);
        }
        Some(())
    }

    /// Where a number lies: a pointer, and an offset in bytes.
    fn address(&self, memory: Memory, at: At) -> Option<(Value, i32)> {
        let pointer = self.pointers.get(&Stride::of(memory, at));
        let pointer = pointer.copied().unwrap_or(self.bases[memory as usize]);
        Some((pointer, bytes(at.start)?))
    }

    fn load(&mut self, memory: Memory, at: At) -> Option<Value> {
        let (pointer, offset) = self.address(memory, at)?;
        let mut load =
            |ty, offset| (self.emit.b.ins()).load(ty, MemFlags::trusted(), pointer, offset);
        if self.ty == types::F64 {
            return Some(load(types::F64, offset));
        }
        if at.sample == 1 {
            return Some(load(PAIR, offset));
        }
        let low = load(types::F64, offset);
        let high = match at.sample {
            0 => low,
            stride => load(types::F64, offset.checked_add(bytes(stride)?)?),
        };
        Some(self.emit.pair(low, high))
    }

    fn store(&mut self, value: Value, at: At) -> Option<()> {
        let (pointer, offset) = self.address(Memory::Arena, at)?;
        let mut parts = vec![(value, offset)];
        if self.ty == PAIR && at.sample != 1 {
            let next = offset.checked_add(bytes(at.sample)?)?;
            let (low, high) = (self.emit.lane(value, 0), self.emit.lane(value, 1));
            parts = vec![(low, offset), (high, next)];
        }
        for (value, offset) in parts {
            (self.emit.b.ins()).store(MemFlags::trusted(), value, pointer, offset);
        }
        Some(())
    }

    /// Where a cell lies that the code has not written.
    fn source(&self, cell: u32) -> (Memory, At) {
        let alias = self.aliases.get(&cell);
        alias.copied().unwrap_or((Memory::Arena, At::cell(cell)))
    }

    /// The value of a cell that holds a constant, if the code has not written it.
    fn known(&self, cell: u32) -> Option<f64> {
        let alias = self.aliases.contains_key(&cell);
        self.part.known.get(&cell).copied().filter(|_| !alias)
    }

    fn read(&mut self, cell: u32) -> Option<Value> {
        match self.values.get(&cell) {
            Some(&Number::Whole(value)) => return Some(value),
            Some(&Number::Lane(pair, lane)) => {
                let value = self.emit.lane(pair, lane);
                self.values.insert(cell, Number::Whole(value));
                return Some(value);
            }
            None => {}
        }
        if let Some(value) = self.known(cell) {
            return Some(self.emit.literal(self.ty, value));
        }
        let (memory, at) = self.source(cell);
        self.load(memory, at)
    }

    /// The cell's new value, stored if others read it.
    fn write(&mut self, cell: u32, value: Value) -> Option<()> {
        self.values.insert(cell, Number::Whole(value));
        if self.part.private.contains(&cell) {
            return Some(());
        }
        self.store(value, At::cell(cell))
    }

    /// Two numbers as a vector, if that costs nothing.
    fn joint(&self, a: u32, b: u32) -> Option<Joint> {
        if a == b {
            return Some(Joint::Same(a));
        }
        match (self.values.get(&a), self.values.get(&b)) {
            (Some(Number::Lane(x, 0)), Some(Number::Lane(y, 1))) if x == y => Some(Joint::Pair(*x)),
            (None, None) => match (self.known(a), self.known(b)) {
                (Some(x), Some(y)) => Some(Joint::Literals([x, y])),
                (None, None) => {
                    let ((memory, at), (other, next)) = (self.source(a), self.source(b));
                    // Two numbers that were just stored each by itself are not to be had as a vector
                    // before both stores are done.
                    let settled = memory == Memory::Constants || next.start < self.part.inputs;
                    let beside = memory == other && at.is_before(next) && settled;
                    beside.then_some(Joint::Neighbours(memory, at))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn join(&mut self, joint: Joint) -> Option<Value> {
        Some(match joint {
            Joint::Pair(pair) => pair,
            Joint::Same(cell) => {
                let value = self.read(cell)?;
                // Kept, so that its pair is made once.
                self.values.insert(cell, Number::Whole(value));
                self.emit.pair(value, value)
            }
            Joint::Literals(pair) => self.emit.literals(PAIR, pair),
            Joint::Neighbours(memory, at) => self.load_pair(memory, at)?,
        })
    }

    /// A number and its neighbour.
    fn load_pair(&mut self, memory: Memory, at: At) -> Option<Value> {
        let (pointer, offset) = self.address(memory, at)?;
        let load = self.emit.b.ins();
        Some(load.load(PAIR, MemFlags::trusted(), pointer, offset))
    }

    /// To a place and its neighbour.
    fn store_pair(&mut self, pair: Value, at: At) -> Option<()> {
        let (pointer, offset) = self.address(Memory::Arena, at)?;
        (self.emit.b.ins()).store(MemFlags::trusted(), pair, pointer, offset);
        Some(())
    }

    /// Two instructions as one on pairs, where that saves something; else nothing is done.
    fn both(&mut self, first: Scalar, second: Scalar) -> Option<bool> {
        let ((r, operands), (s, others)) = (first.parts(), second.parts());
        let apart = r.is_none_or(|r| s != Some(r) && !others.contains(&Some(r)));
        if discriminant(&first) != discriminant(&second) || !apart {
            return Some(false);
        }
        let lasting = |at: At| self.in_before && at.step == 0;
        match (first, second) {
            (Scalar::Call1(f, _, a), Scalar::Call1(g, _, b)) => {
                let Some(inline) = functions::inline(f.name).filter(|_| std::ptr::eq(f, g)) else {
                    return Some(false);
                };
                let pair = match self.joint(a, b) {
                    Some(joint) => self.join(joint)?,
                    None => {
                        let (x, y) = (self.read(a)?, self.read(b)?);
                        self.emit.pair(x, y)
                    }
                };
                let pair = inline(&mut self.emit, pair);
                self.write_both(r?, s?, pair)?;
            }
            (Scalar::Take(_, at), Scalar::Take(_, next)) if at.is_before(next) && !lasting(at) => {
                let pair = self.load_pair(Memory::Arena, at)?;
                self.write_both(r?, s?, pair)?;
            }
            (Scalar::TakeConstant(_, at), Scalar::TakeConstant(_, next))
                if at.is_before(next) && !lasting(at) =>
            {
                let pair = self.load_pair(Memory::Constants, at)?;
                self.write_both(r?, s?, pair)?;
            }
            (Scalar::Put(a, at), Scalar::Put(b, next)) if at.is_before(next) => {
                let Some(Joint::Pair(pair)) = self.joint(a, b) else {
                    return Some(false);
                };
                self.store_pair(pair, at)?;
            }
            (Scalar::Take(..) | Scalar::TakeConstant(..) | Scalar::Put(..), _) => {
                return Some(false);
            }
            (Scalar::Call2(..), _) => return Some(false),
            _ => {
                let cells = operands
                    .into_iter()
                    .flatten()
                    .zip(others.into_iter().flatten());
                let joints: Option<Vec<Joint>> = cells.map(|(a, b)| self.joint(a, b)).collect();
                let Some(joints) = joints else {
                    return Some(false);
                };
                let mut values = [self.bases[0]; 3];
                for (value, joint) in values.iter_mut().zip(joints) {
                    *value = self.join(joint)?;
                }
                let pair = self.arithmetic(first, values);
                self.write_both(r?, s?, pair)?;
            }
        }
        Some(true)
    }

    /// As `write` for two cells.
    fn write_both(&mut self, r: u32, s: u32, pair: Value) -> Option<()> {
        let private = [r, s].map(|cell| self.part.private.contains(&cell));
        if private == [false; 2] && At::cell(r).is_before(At::cell(s)) {
            self.store_pair(pair, At::cell(r))?;
        } else {
            for (lane, cell) in [r, s].into_iter().enumerate() {
                if !private[lane] {
                    let value = self.emit.lane(pair, lane as u8);
                    self.store(value, At::cell(cell))?;
                }
            }
        }
        self.values.insert(r, Number::Lane(pair, 0));
        self.values.insert(s, Number::Lane(pair, 1));
        Some(())
    }

    fn instruction(&mut self, instruction: Scalar) -> Option<()> {
        match instruction {
            Scalar::Take(r, at) => self.take(r, Memory::Arena, at),
            Scalar::TakeConstant(r, at) => self.take(r, Memory::Constants, at),
            Scalar::Put(a, at) => {
                let value = self.read(a)?;
                self.store(value, at)
            }
            _ => {
                let (result, operands) = instruction.parts();
                let mut values = [self.bases[0]; 3];
                for (value, cell) in values.iter_mut().zip(operands.into_iter().flatten()) {
                    *value = self.read(cell)?;
                }
                let value = self.arithmetic(instruction, values);
                self.write(result?, value)
            }
        }
    }

    fn take(&mut self, cell: u32, memory: Memory, at: At) -> Option<()> {
        let lasting = self.in_before && at.step == 0 && self.part.private.contains(&cell);
        if lasting {
            self.values.remove(&cell);
            self.aliases.insert(cell, (memory, at));
            return Some(());
        }
        let value = self.load(memory, at)?;
        self.write(cell, value)
    }

    fn arithmetic(&mut self, instruction: Scalar, [a, b, c]: [Value; 3]) -> Value {
        let emit = &mut self.emit;
        match instruction {
            Scalar::Copy(..) => a,
            Scalar::Neg(..) => emit.b.ins().fneg(a),
            Scalar::Square(..) => emit.b.ins().fmul(a, a),
            Scalar::Recip(..) => {
                let one = emit.literal(emit.b.func.dfg.value_type(a), 1.0);
                emit.b.ins().fdiv(one, a)
            }
            Scalar::Sqrt(..) => emit.b.ins().sqrt(a),
            Scalar::Add(..) => emit.b.ins().fadd(a, b),
            Scalar::Sub(..) => emit.b.ins().fsub(a, b),
            Scalar::Mul(..) => emit.b.ins().fmul(a, b),
            Scalar::Div(..) => emit.b.ins().fdiv(a, b),
            Scalar::MulAdd(..) => emit.b.ins().fma(a, b, c),
            Scalar::MulSub(..) => {
                let a = emit.b.ins().fneg(a);
                emit.b.ins().fma(a, b, c)
            }
            Scalar::MulLess(..) => {
                let c = emit.b.ins().fneg(c);
                emit.b.ins().fma(a, b, c)
            }
            Scalar::Max(..) => emit.largest(a, b),
            Scalar::Min(..) => emit.smallest(a, b),
            Scalar::Lt(..) => emit.truth(FloatCC::LessThan, a, b),
            Scalar::Gt(..) => emit.truth(FloatCC::GreaterThan, a, b),
            Scalar::Eq(..) => emit.truth(FloatCC::Equal, a, b),
            Scalar::Select(..) => emit.choose(a, b, c),
            Scalar::Call1(row, ..) => match functions::inline(row.name) {
                Some(inline) => emit.apply(inline, a),
                None => self.call(0, row as *const UnaryRow as i64, &[a]),
            },
            Scalar::Call2(row, ..) => self.call(1, row as *const BinaryRow as i64, &[a, b]),
            Scalar::Take(..) | Scalar::TakeConstant(..) | Scalar::Put(..) => {
                unreachable!("they move numbers")
            }
        }
    }

    /// A row's function of numbers, or of each lane of pairs.
    fn call(&mut self, which: usize, row: i64, operands: &[Value]) -> Value {
        if self.ty == types::F64 {
            return self.call_once(which, row, operands);
        }
        let [low, high] = [0, 1].map(|lane| {
            let numbers = operands.iter().map(|&x| self.emit.lane(x, lane));
            let numbers: Vec<Value> = numbers.collect();
            self.call_once(which, row, &numbers)
        });
        self.emit.pair(low, high)
    }

    /// Calls a row's function through [`call_unary`] or [`call_binary`].
    fn call_once(&mut self, which: usize, row: i64, operands: &[Value]) -> Value {
        let b = &mut self.emit.b;
        let signature = *self.calls[which].get_or_insert_with(|| {
            let mut signature = Signature::new(b.func.signature.call_conv);
            signature.params.push(AbiParam::new(types::I64));
            signature
                .params
                .extend(operands.iter().map(|_| AbiParam::new(types::F64)));
            signature.returns.push(AbiParam::new(types::F64));
            b.import_signature(signature)
        });
        let shim = [
            call_unary as *const () as i64,
            call_binary as *const () as i64,
        ][which];
        let shim = b.ins().iconst(types::I64, shim);
        let mut arguments = vec![b.ins().iconst(types::I64, row)];
        arguments.extend(operands);
        let call = b.ins().call_indirect(signature, shim, &arguments);
        b.inst_results(call)[0]
    }
}

fn arguments(values: &[Value]) -> Vec<BlockArg> {
    values.iter().map(|&v| BlockArg::Value(v)).collect()
}

extern "C" fn call_unary(row: &UnaryRow, x: f64) -> f64 {
    (row.value)(x)
}

extern "C" fn call_binary(row: &BinaryRow, x: f64, y: f64) -> f64 {
    (row.value)(x, y)
}

/// Cells that a step reads before it writes them, and those of its reads that it never writes.
fn carries(step: &[Scalar]) -> (Vec<u32>, Vec<u32>) {
    let all: HashSet<u32> = step.iter().filter_map(|i| i.parts().0).collect();
    let (mut written, mut seen) = (HashSet::new(), HashSet::new());
    let (mut carries, mut invariants) = (Vec::new(), Vec::new());
    for instruction in step {
        let (result, operands) = instruction.parts();
        for cell in operands.into_iter().flatten() {
            if !written.contains(&cell) && seen.insert(cell) {
                if all.contains(&cell) {
                    &mut carries
                } else {
                    &mut invariants
                }
                .push(cell);
            }
        }
        written.extend(result);
    }
    (carries, invariants)
}
