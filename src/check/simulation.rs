//! The program that makes data: what it draws as data is drawn anew, and latents may be held at given values.
//!
//! Only the kinds of names change. What is simulated is then like a latent that nothing observed depends on, which
//! the lowering draws from its distribution; what is held is data.

use super::program::{DataDecl, Program, Refinement, StatementKind, VarId, VariableKind};
use std::collections::BTreeSet;

impl Program {
    /// The program that draws its data and all latents but those `held`, which become data of their type.
    ///
    /// Batches and guides are of fits, and have no part in it.
    pub fn simulation(&self, held: &dyn Fn(&str) -> bool) -> Program {
        let mut program = Program {
            simulates: true,
            has_batches: false,
            guided: None,
            made_in_batches: BTreeSet::new(),
            ..self.clone()
        };
        for id in self.drawn() {
            let variable = &mut program.variables[id.0 as usize];
            match (variable.kind, held(&variable.name)) {
                (VariableKind::Data, false) => variable.kind = VariableKind::Simulated,
                (VariableKind::Latent, true) => program.hold(id),
                _ => {}
            }
        }
        let mut learned = BTreeSet::new();
        for statement in &self.statements {
            if let StatementKind::Param { var, .. } = statement.kind
                && held(&self.variable(var).name)
            {
                program.hold(var);
                learned.insert(var);
            }
        }
        program.statements.retain(
            |s| !matches!(s.kind, StatementKind::Param { var, .. } if learned.contains(&var)),
        );
        program
    }

    /// What can be held when data are simulated: whatever is drawn or learned.
    pub fn holdable(&self) -> BTreeSet<&str> {
        let learned = self.statements.iter().filter_map(|s| match s.kind {
            StatementKind::Param { var, .. } => Some(var),
            _ => None,
        });
        let all = self.drawn().into_iter().chain(learned);
        all.map(|id| self.variable(id).name.as_str()).collect()
    }

    fn drawn(&self) -> BTreeSet<VarId> {
        let draws = self.statements.iter().filter_map(|s| match &s.kind {
            StatementKind::Draw { target, .. } => Some(target.var),
            _ => None,
        });
        draws.collect()
    }

    fn hold(&mut self, id: VarId) {
        let variable = &mut self.variables[id.0 as usize];
        variable.kind = VariableKind::Data;
        let Some((base, dims)) = variable.ty.number() else {
            return;
        };
        self.data.push(DataDecl {
            var: id,
            base,
            refinement: Refinement::None,
            dims: dims.to_vec(),
            default: None,
            condition: None,
            span: variable.span,
        });
    }
}
