//! `d ^ (n, m)`: independent copies, as product measures are written.

use super::{Argument, Distribution, Kind};

impl<'g> Distribution<'g> {
    /// New batch axes of extent 1 after the existing ones: the value's extents there say how many
    /// independent copies there are.
    pub fn power(&self, axes: usize) -> Distribution<'g> {
        self.with_axes(0, axes)
    }

    /// Puts `axes` batch axes of extent 1 before the last `inside` batch axes.
    pub fn with_axes(&self, inside: usize, axes: usize) -> Distribution<'g> {
        let declaration = self.family.declaration();
        let parameters = declaration.forms[self.form].parameters;
        let args =
            self.args
                .iter()
                .zip(parameters)
                .enumerate()
                .map(|(position, (arg, parameter))| match arg {
                    Argument::Value(v) => {
                        let own = match parameter.kind {
                            Kind::Value { rank, .. } => rank,
                            _ => 0,
                        };
                        let mut shape = v.shape();
                        for _ in 0..axes {
                            shape.insert(shape.len() - own - inside.min(shape.len() - own), 1);
                        }
                        Argument::Value(v.reshape(&shape))
                    }
                    Argument::Distribution(d) => {
                        // An axis that became the event's stays innermost.
                        let inside = inside + usize::from(declaration.takes_axis_of(position));
                        Argument::Distribution(Box::new(d.with_axes(inside, axes)))
                    }
                    Argument::Distributions(all) => Argument::Distributions(
                        all.iter().map(|d| d.with_axes(inside, axes)).collect(),
                    ),
                    Argument::Stack(d) => Argument::Stack(Box::new(d.with_axes(inside + 1, axes))),
                    Argument::Function(chain) => Argument::Function(chain.map(|v| {
                        let mut shape = v.shape();
                        for _ in 0..axes {
                            shape.insert(shape.len() - inside.min(shape.len()), 1);
                        }
                        v.reshape(&shape)
                    })),
                    other => other.clone(),
                });
        Distribution {
            family: self.family,
            form: self.form,
            args: args.collect(),
        }
    }
}
