//! A function that a distribution is given to a chain of operations with inverses: from the value of the body down to
//! the argument, which occurs once.

use super::program::{Expr, ExprKind, VarId, VariableKind};
use super::{Checker, error};
use crate::diag::Diagnostic;
use crate::dist::bijection::{self, Chain};
use crate::syntax::ast;
use crate::types::{Base, Type};
use std::collections::HashMap;

impl<'a> Checker<'a> {
    /// The operations of a function of one number, which must have an inverse; a mistake is reported.
    pub(super) fn one_to_one(
        &mut self,
        dist: &str,
        parameter: &str,
        e: &'a ast::Expr,
    ) -> Option<Chain<Expr>> {
        let Some(function) = self.function_value(e) else {
            let value = self.expr(e);
            if !value.ty.is_error() {
                let expected = "a function of one number, such as `exp` or `|x| a + b * x`";
                let problem = error::parameter_kind(e.span, dist, parameter, expected, &value.ty);
                self.report(problem);
            }
            return None;
        };
        let name = match &e.kind {
            ast::ExprKind::Name(name) => name,
            ast::ExprKind::Field { name, .. } => name.name.as_str(),
            _ => "",
        };
        let ty = Type::scalar(Base::Real);
        let x = self.new_variable("x", e.span, VariableKind::Local, ty.clone());
        let argument = Expr {
            kind: ExprKind::Var(x),
            ty,
            span: e.span,
            size: None,
        };
        // What it would draw or define has no place in the program, as in a comprehension.
        self.comprehensions += 1;
        let body = self.named_within(None, false, |c| {
            c.call_binding(function, name, e.span, &[], vec![argument], e.span)
        });
        self.comprehensions -= 1;
        if body.ty.is_error() {
            return None;
        }
        match Walk::new(x).down(body) {
            Ok(chain) => Some(chain),
            Err(problem) => {
                self.report(*problem);
                None
            }
        }
    }
}

/// The way from a function's value to its argument.
struct Walk {
    x: VarId,
    /// Names inside the function for what depends on the argument.
    of_argument: HashMap<VarId, Expr>,
    /// The other names inside, in order.
    others: Vec<(VarId, Expr)>,
}

impl Walk {
    fn new(x: VarId) -> Walk {
        Walk {
            x,
            of_argument: HashMap::new(),
            others: Vec::new(),
        }
    }

    fn down(mut self, body: Expr) -> Result<Chain<Expr>, Box<Diagnostic>> {
        let mut links = Vec::new();
        let whole = body.span;
        let mut at = body;
        loop {
            let span = at.span;
            at = match at.kind {
                ExprKind::Var(id) if id == self.x => break,
                ExprKind::Var(id) if self.of_argument.contains_key(&id) => {
                    self.of_argument[&id].clone()
                }
                ExprKind::Let { bindings, body } => {
                    for (id, value) in bindings {
                        if self.depends(&value) {
                            self.of_argument.insert(id, value);
                        } else {
                            self.others.push((id, value));
                        }
                    }
                    *body
                }
                ExprKind::Call { function, mut args } => {
                    let mut reads = (0..args.len()).filter(|&i| self.depends(&args[i]));
                    let (first, second) = (reads.next(), reads.next());
                    let Some(position) = first else {
                        return Err(Box::new(error::argument_unread(whole)));
                    };
                    if let Some(second) = second {
                        let places = (args[position].span, args[second].span);
                        return Err(Box::new(error::argument_read_twice(span, places)));
                    }
                    let Some(row) = bijection::find(&function.name, position) else {
                        return Err(Box::new(error::no_inverse(span, &function.name)));
                    };
                    let next = args.remove(position);
                    links.push((row, args.pop().map(|beside| self.closed(beside))));
                    next
                }
                _ if !self.depends(&at) => return Err(Box::new(error::argument_unread(whole))),
                _ => return Err(Box::new(error::no_inverse(span, ""))),
            };
        }
        links.reverse();
        Ok(Chain(links))
    }

    fn depends(&self, e: &Expr) -> bool {
        let mut found = false;
        e.variables(&mut |id| found |= id == self.x || self.of_argument.contains_key(&id));
        found
    }

    /// What stands beside the argument, with the names that it reads.
    fn closed(&self, beside: Expr) -> Expr {
        let mut reads = false;
        beside.variables(&mut |id| reads |= self.others.iter().any(|(other, _)| *other == id));
        if !reads {
            return beside;
        }
        let (ty, span, size) = (beside.ty.clone(), beside.span, beside.size.clone());
        let kind = ExprKind::Let {
            bindings: self.others.clone(),
            body: Box::new(beside),
        };
        Expr {
            kind,
            ty,
            span,
            size,
        }
    }
}
