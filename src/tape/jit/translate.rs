//! Straight-line code to Cranelift's intermediate form: one pass, a value for each cell.
//!
//! Cells that the code has written are values; others are loaded where they are used, which costs a
//! machine no more than a register would. In the loop of a recurrence, cells that a step reads
//! before it writes them are its carries: parameters of the loop's block.

use super::super::scalar::Scalar;
use super::Part;
use super::functions::{self, Emit};
use crate::ops::{BinaryRow, UnaryRow};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{
    self, AbiParam, BlockArg, InstBuilder, MemFlags, SigRef, Signature, Value, types,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Numbers that code refers to, each twice so that it can be read as a vector.
#[derive(Default)]
pub(super) struct Literals {
    values: Vec<f64>,
    places: HashMap<u64, i32>,
}

impl Literals {
    /// The offset in bytes.
    pub fn place(&mut self, value: f64) -> i32 {
        let values = &mut self.values;
        *self.places.entry(value.to_bits()).or_insert_with(|| {
            values.extend([value; 2]);
            8 * (values.len() as i32 - 2)
        })
    }

    pub fn into_values(self) -> Vec<f64> {
        self.values
    }
}

/// A pointer that moves from step to step, by so many numbers: of arena (0) or constants (1).
type Stride = (usize, u32);

struct Translator<'f, 'p> {
    emit: Emit<'f, 'p>,
    part: &'p Part<'p>,
    /// Arena, constants.
    bases: [Value; 2],
    values: HashMap<u32, Value>,
    /// Loads of what stays the same, done where it is read.
    aliases: HashMap<u32, (usize, i32)>,
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
        emit: Emit {
            b: builder,
            literals,
            pool,
        },
        part,
        bases: [arena, constants],
        values: HashMap::new(),
        aliases: HashMap::new(),
        pointers: HashMap::new(),
        calls: [None; 2],
        in_before: true,
    };
    translator.straight(part.before)?;
    translator.in_before = false;
    match part.steps.count {
        0 => {}
        1 => {
            translator.start_pointers(0);
            translator.straight(part.step)?;
        }
        _ => translator.steps()?,
    }
    translator.emit.b.ins().return_(&[]);
    translator.emit.b.finalize();
    Some(())
}

fn bytes(cell: u32) -> Option<i32> {
    i32::try_from(cell).ok()?.checked_mul(8)
}

impl Translator<'_, '_> {
    fn straight(&mut self, code: &[Scalar]) -> Option<()> {
        let mut at = 0;
        while at < code.len() {
            // Two calls of one function are worked on side by side.
            if let [Scalar::Call1(f, r, a), Scalar::Call1(g, s, b), ..] = code[at..]
                && std::ptr::eq(f, g)
                && r != b
                && let Some(inline) = functions::inline(f.name)
            {
                let (x, y) = (self.read(a)?, self.read(b)?);
                let both = self.emit.pair(x, y);
                let both = inline(&mut self.emit, both);
                let (x, y) = (self.emit.lane(both, 0), self.emit.lane(both, 1));
                self.write(r, x)?;
                self.write(s, y)?;
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
                self.values.insert(cell, value);
            }
        }
        let count = part.steps.count as i64;
        self.start_pointers(if part.steps.reverse { count - 1 } else { 0 });
        let strides: Vec<Stride> = {
            let all: BTreeSet<Stride> = self.pointers.keys().copied().collect();
            all.into_iter().collect()
        };
        let mut initial = vec![self.emit.b.ins().iconst(types::I64, count)];
        initial.extend(strides.iter().map(|s| self.pointers[s]));
        for &cell in &carries {
            let value = self.read(cell)?;
            initial.push(value);
        }
        let block = self.emit.b.create_block();
        let exit = self.emit.b.create_block();
        for (i, _) in initial.iter().enumerate() {
            let ty = if i <= strides.len() {
                types::I64
            } else {
                types::F64
            };
            self.emit.b.append_block_param(block, ty);
        }
        self.emit.b.ins().jump(block, &arguments(&initial));
        self.emit.b.switch_to_block(block);
        let given: Vec<Value> = self.emit.b.block_params(block).to_vec();
        for (stride, &pointer) in strides.iter().zip(&given[1..]) {
            self.pointers.insert(*stride, pointer);
        }
        for (&cell, &value) in carries.iter().zip(&given[1 + strides.len()..]) {
            self.values.insert(cell, value);
        }
        self.straight(part.step)?;
        let mut next = vec![self.emit.b.ins().iadd_imm(given[0], -1)];
        for (&(_, stride), &pointer) in strides.iter().zip(&given[1..]) {
            let by = if part.steps.reverse { -8 } else { 8 } * i64::from(stride);
            next.push(self.emit.b.ins().iadd_imm(pointer, by));
        }
        next.extend(carries.iter().map(|cell| self.values[cell]));
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

    /// Pointers to step `t` of what the step takes and puts.
    fn start_pointers(&mut self, t: i64) {
        for instruction in self.part.step {
            let stride: Stride = match *instruction {
                Scalar::Take(_, _, stride) | Scalar::Put(_, _, stride) => (0, stride),
                Scalar::TakeConstant(_, _, stride) => (1, stride),
                _ => continue,
            };
            if stride.1 > 0 && !self.pointers.contains_key(&stride) {
                let by = 8 * t * i64::from(stride.1);
                let pointer = self.emit.b.ins().iadd_imm(self.bases[stride.0], by);
                self.pointers.insert(stride, pointer);
            }
        }
    }

    fn pointer(&self, stride: Stride) -> Value {
        self.pointers
            .get(&stride)
            .copied()
            .unwrap_or(self.bases[stride.0])
    }

    fn load(&mut self, pointer: Value, offset: i32) -> Value {
        self.emit
            .b
            .ins()
            .load(types::F64, MemFlags::trusted(), pointer, offset)
    }

    fn read(&mut self, cell: u32) -> Option<Value> {
        if let Some(&value) = self.values.get(&cell) {
            return Some(value);
        }
        if let Some(&(base, offset)) = self.aliases.get(&cell) {
            return Some(self.load(self.bases[base], offset));
        }
        Some(match self.part.known.get(&cell) {
            Some(&value) => self.emit.literal(value),
            None => self.load(self.bases[0], bytes(cell)?),
        })
    }

    fn write(&mut self, cell: u32, value: Value) -> Option<()> {
        self.values.insert(cell, value);
        if !self.part.private.contains(&cell) {
            let to = bytes(cell)?;
            self.emit
                .b
                .ins()
                .store(MemFlags::trusted(), value, self.bases[0], to);
        }
        Some(())
    }

    fn instruction(&mut self, instruction: Scalar) -> Option<()> {
        match instruction {
            Scalar::Take(r, start, stride) => self.take(r, (0, stride), start),
            Scalar::TakeConstant(r, start, stride) => self.take(r, (1, stride), start),
            Scalar::Put(a, start, stride) => {
                let (value, pointer) = (self.read(a)?, self.pointer((0, stride)));
                let to = bytes(start)?;
                self.emit
                    .b
                    .ins()
                    .store(MemFlags::trusted(), value, pointer, to);
                Some(())
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

    fn take(&mut self, cell: u32, stride: Stride, start: u32) -> Option<()> {
        let offset = bytes(start)?;
        let lasting = self.in_before && stride.1 == 0 && self.part.private.contains(&cell);
        if lasting {
            self.values.remove(&cell);
            self.aliases.insert(cell, (stride.0, offset));
            return Some(());
        }
        let value = self.load(self.pointer(stride), offset);
        self.write(cell, value)
    }

    fn arithmetic(&mut self, instruction: Scalar, [a, b, c]: [Value; 3]) -> Value {
        let emit = &mut self.emit;
        match instruction {
            Scalar::Copy(..) => a,
            Scalar::Neg(..) => emit.b.ins().fneg(a),
            Scalar::Square(..) => emit.b.ins().fmul(a, a),
            Scalar::Recip(..) => {
                let one = emit.literal(1.0);
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
                Some(inline) => {
                    let x = emit.pair(a, a);
                    let y = inline(emit, x);
                    emit.lane(y, 0)
                }
                None => self.call(0, row as *const UnaryRow as i64, &[a]),
            },
            Scalar::Call2(row, ..) => self.call(1, row as *const BinaryRow as i64, &[a, b]),
            Scalar::Take(..) | Scalar::TakeConstant(..) | Scalar::Put(..) => {
                unreachable!("they move numbers")
            }
        }
    }

    /// Calls a row's function through [`call_unary`] or [`call_binary`].
    fn call(&mut self, which: usize, row: i64, operands: &[Value]) -> Value {
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
