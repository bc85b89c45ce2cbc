//! Memory with machine code: made by Cranelift, freed with the program that owns it.

use super::Part;
use super::translate::{Literals, translate};
use crate::special::Level;
use cranelift_codegen::ir::{AbiParam, UserFuncName, types};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::FunctionBuilderContext;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Module, default_libcall_names};
use std::sync::OnceLock;

type Entry = unsafe extern "C" fn(*mut f64, *const f64, *const f64);

/// A compiled part: `(arena, constants, literals)`.
#[derive(Clone, Copy)]
pub(crate) struct Function {
    entry: Entry,
    literals: *const f64,
}

// SAFETY: code and literals are never written once they are made.
unsafe impl Send for Function {}
// SAFETY: likewise.
unsafe impl Sync for Function {}

impl Function {
    /// # Safety
    /// The [`Machine`] made with it lives, and arena and constants are those of the program that
    /// the code was made for; nobody else uses the arena meanwhile.
    #[inline(always)]
    pub unsafe fn run(self, arena: *mut f64, constants: *const f64) {
        // SAFETY: the caller's promise.
        unsafe { (self.entry)(arena, constants, self.literals) }
    }
}

/// Owns the memory of compiled functions.
pub(crate) struct Machine {
    /// There until it is dropped.
    module: Option<JITModule>,
    literals: Vec<f64>,
}

// SAFETY: after `compile` the module is touched by `drop` only.
unsafe impl Send for Machine {}
// SAFETY: likewise; a shared machine offers nothing.
unsafe impl Sync for Machine {}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(module) = self.module.take() {
            // SAFETY: functions are run by the program that owns this only, which is being dropped.
            unsafe { module.free_memory() }
        }
    }
}

/// The code generator for this machine, if there is one.
fn isa() -> Option<OwnedTargetIsa> {
    static ISA: OnceLock<Option<OwnedTargetIsa>> = OnceLock::new();
    let make = || {
        let mut flags = settings::builder();
        let verify = if cfg!(debug_assertions) {
            "true"
        } else {
            "false"
        };
        for (name, value) in [
            // Code is folded and ordered before it comes here; what remains is choice of instructions.
            ("opt_level", "none"),
            ("enable_verifier", verify),
            ("use_colocated_libcalls", "false"),
            ("is_pic", "false"),
            ("probestack_strategy", "inline"),
        ] {
            flags.set(name, value).ok()?;
        }
        let isa = cranelift_native::builder().ok()?;
        isa.finish(settings::Flags::new(flags)).ok()
    };
    ISA.get_or_init(make).clone()
}

/// Whether machine code can be made. A machine without fused multiply-add has the interpreter,
/// since inlined functions are made of it.
pub(crate) fn available() -> bool {
    let fused = cfg!(target_arch = "aarch64") || Level::detect() != Level::Portable;
    fused && isa().is_some()
}

/// One function for each part, in order.
pub(crate) fn compile(parts: &[Part]) -> Option<(Machine, Vec<Function>)> {
    if parts.is_empty() || !available() {
        return None;
    }
    let builder = JITBuilder::with_isa(isa()?, default_libcall_names());
    let mut module = JITModule::new(builder);
    let mut literals = Literals::default();
    let entries = entries(&mut module, parts, &mut literals);
    let machine = Machine {
        module: Some(module),
        literals: literals.into_values(),
    };
    let literals = machine.literals.as_ptr();
    let functions = entries?
        .into_iter()
        .map(|entry| Function { entry, literals })
        .collect();
    Some((machine, functions))
}

fn entries(module: &mut JITModule, parts: &[Part], literals: &mut Literals) -> Option<Vec<Entry>> {
    let mut context = module.make_context();
    let mut frontend = FunctionBuilderContext::new();
    let mut ids = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        let signature = &mut context.func.signature;
        *signature = module.make_signature();
        signature.params.extend([AbiParam::new(types::I64); 3]);
        let id = module.declare_anonymous_function(signature).ok()?;
        context.func.name = UserFuncName::user(0, i as u32);
        translate(part, &mut context.func, &mut frontend, literals)?;
        module.define_function(id, &mut context).ok()?;
        module.clear_context(&mut context);
        ids.push(id);
    }
    module.finalize_definitions().ok()?;
    let entry = |id| {
        let code = module.get_finalized_function(id);
        // SAFETY: the function was made with this signature, in the calling convention of C.
        unsafe { std::mem::transmute::<*const u8, Entry>(code) }
    };
    Some(ids.into_iter().map(entry).collect())
}
