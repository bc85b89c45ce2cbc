//! Functions built of operations: they need no derivative of their own.

use crate::graph::{Shape, Tensor, Var};

/// `log Σ exp(part)` elementwise, without overflow.
///
/// The same as [`Var::log_sum_exp`] of the parts along a new axis, which is not made: all the work is
/// on arrays of one shape.
///
/// # Panics
/// If there are no parts.
pub fn log_add_exp_of<'g>(parts: &[Var<'g>]) -> Var<'g> {
    let all = parts.iter().copied();
    let top = all.reduce(|a, b| a.max(b)).expect("there are parts");
    let top = top.stop_gradient();
    // Where all are −∞ (or one is ∞) there is nothing to take out.
    let top = top.is_finite().select(top, 0.0);
    let weights = parts.iter().map(|&part| (part - top).exp());
    let sum = weights.reduce(|a, b| a + b).expect("there are parts");
    sum.log() + top
}

impl<'g> Var<'g> {
    /// `log Σ eˣ` over the axes (counted from the last), without overflow; −∞ of nothing.
    pub fn log_sum_exp(self, axes: &[usize]) -> Var<'g> {
        let shape = self.shape();
        let mut kept = shape.clone();
        for &axis in axes {
            kept[shape.len() - 1 - axis] = 1;
        }
        let top = self.max_axes(axes).stop_gradient();
        // Where all are −∞ (or one is ∞) there is nothing to take out.
        let top = top.is_finite().select(top, 0.0);
        let shifted = self - top.reshape(&kept).broadcast(&shape);
        shifted.exp().sum_axes(axes).log() + top
    }

    /// `log(eᵃ + eᵇ)` elementwise.
    pub fn log_add_exp(self, other: Var<'g>) -> Var<'g> {
        log_add_exp_of(&[self, other])
    }

    /// `eˣ / Σ eˣ` over the last axis.
    pub fn softmax(self) -> Var<'g> {
        self.log_softmax().exp()
    }

    /// Logarithm of [`Var::softmax`].
    pub fn log_softmax(self) -> Var<'g> {
        self - self.log_sum_exp(&[0]).unsqueeze(0)
    }

    /// Product over the last axis: halves multiplied until one is left, so that the derivative is
    /// exact also where factors are 0.
    pub fn prod(self) -> Var<'g> {
        match self.extent(0) {
            0 => {
                let shape = self.shape();
                self.graph.scalar(1.0).broadcast(&shape[..shape.len() - 1])
            }
            1 => {
                let shape = self.shape();
                self.reshape(&shape[..shape.len() - 1])
            }
            n => {
                let half = n / 2;
                let product = self.slice(0, 0, half) * self.slice(0, half, half);
                let rest = product.prod();
                if n % 2 == 0 {
                    rest
                } else {
                    rest * self.slice(0, n - 1, 1).prod()
                }
            }
        }
    }

    /// The diagonals of the matrices in the last two axes.
    pub fn diagonal(self) -> Var<'g> {
        let (shape, n) = (self.shape(), self.extent(0));
        let mut flat: Shape = shape[..shape.len() - 2].into();
        flat.push(n * n);
        let places: Vec<f64> = (0..n).map(|i| (i * (n + 1)) as f64).collect();
        self.reshape(&flat)
            .gather(0, self.graph.constant(Tensor::vector(places)))
    }

    /// Diagonal matrices of the vectors in the last axis.
    pub fn diagonal_matrix(self) -> Var<'g> {
        let (mut shape, n) = (self.shape(), self.extent(0));
        let places: Vec<f64> = (0..n).map(|i| (i * (n + 1)) as f64).collect();
        let flat = self.scatter_add(0, n * n, self.graph.constant(Tensor::vector(places)));
        shape.push(n);
        flat.reshape(&shape)
    }

    /// `log(Γ(a) Γ(b) / Γ(a + b))`
    pub fn lbeta(self, other: Var<'g>) -> Var<'g> {
        self.lgamma() + other.lgamma() - (self + other).lgamma()
    }

    /// `log(n! / (k! (n − k)!))` for `self = n`.
    pub fn log_choose(self, k: Var<'g>) -> Var<'g> {
        (self + 1.0).lgamma() - (k + 1.0).lgamma() - (self - k + 1.0).lgamma()
    }

    /// `log(p / (1 − p))`
    pub fn logit(self) -> Var<'g> {
        self.log() - (-self).log1p()
    }

    /// `log(sigmoid(x))`
    pub fn log_sigmoid(self) -> Var<'g> {
        -(-self).softplus()
    }
}
