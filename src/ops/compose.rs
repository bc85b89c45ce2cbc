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

    /// Running products along the last axis, in rounds that double their reach: the derivative is exact
    /// also where factors are 0.
    pub fn cumprod(self) -> Var<'g> {
        let n = self.extent(0);
        let (mut products, mut reach) = (self, 1);
        while reach < n {
            let first = products.slice(0, 0, reach);
            let rest = products.slice(0, reach, n - reach) * products.slice(0, 0, n - reach);
            products = super::concat(&[first, rest], 0);
            reach *= 2;
        }
        products
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

    /// Largest integer not above the quotient.
    pub fn floor_div(self, other: Var<'g>) -> Var<'g> {
        (self / other).floor()
    }

    /// `I₀(x)`, the modified Bessel function of the first kind of order 0.
    pub fn bessel_i0(self) -> Var<'g> {
        self.log_bessel_i0().exp()
    }

    /// `I₁(x)`, the modified Bessel function of the first kind of order 1.
    pub fn bessel_i1(self) -> Var<'g> {
        self.bessel_i0() * self.bessel_ratio()
    }

    /// `log(Γ(a) Γ(b) / Γ(a + b))`
    pub fn lbeta(self, other: Var<'g>) -> Var<'g> {
        self.lgamma() + other.lgamma() - (self + other).lgamma()
    }

    /// `log(n! / (k! (n − k)!))` for `self = n`.
    pub fn log_choose(self, k: Var<'g>) -> Var<'g> {
        (self + 1.0).lgamma() - (k + 1.0).lgamma() - (self - k + 1.0).lgamma()
    }

    /// `log Γ_p(x)`, the multivariate gamma function of dimension `p`.
    pub fn lmgamma(self, p: usize) -> Var<'g> {
        let constant = (p * p.saturating_sub(1)) as f64 / 4.0 * std::f64::consts::PI.ln();
        let terms = (0..p).map(|j| (self - j as f64 / 2.0).lgamma());
        terms.fold(self * 0.0 + constant, |sum, term| sum + term)
    }

    /// `log(p eᵃ + (1 − p) eᵇ)` for `self = p`.
    pub fn log_mix(self, a: Var<'g>, b: Var<'g>) -> Var<'g> {
        (self.log() + a).log_add_exp((-self).log1p() + b)
    }

    /// `log(−log(1 − p))`
    pub fn cloglog(self) -> Var<'g> {
        (-(-self).log1p()).log()
    }

    /// `1 − exp(−exp(x))`
    pub fn inv_cloglog(self) -> Var<'g> {
        -(-self.exp()).expm1()
    }

    /// Square root, whose derivative at 0 is said to be 0: that of a distance of equal points.
    pub fn sqrt_or_0(self) -> Var<'g> {
        let zero = self.eq(0.0);
        zero.select(0.0, zero.select(1.0, self).sqrt())
    }

    /// Kronecker products of the matrices in the last two axes, which may differ in leading axes of extent 1.
    pub fn kron(self, other: Var<'g>) -> Var<'g> {
        let (m, n) = (self.extent(1), self.extent(0));
        let (p, q) = (other.extent(1), other.extent(0));
        let with = |x: Var<'g>, own: [usize; 4]| {
            let shape = x.shape();
            let lead = shape[..shape.len() - 2].iter();
            x.reshape(&lead.copied().chain(own).collect::<Vec<_>>())
        };
        let all = with(self, [m, 1, n, 1]) * with(other, [1, p, 1, q]);
        let shape = all.shape();
        let mut to = shape[..shape.len() - 4].to_vec();
        to.extend([m * p, n * q]);
        all.reshape(&to)
    }

    /// The `k`th powers of the square matrices in the last two axes, by repeated squaring.
    pub fn matrix_power(self, k: usize) -> Var<'g> {
        let identity = self.graph.scalar(1.0).broadcast(&[self.extent(0)]);
        let (mut power, mut factor) = (None, self);
        let mut rest = k;
        while rest > 0 {
            if rest % 2 == 1 {
                power = Some(power.map_or(factor, |p: Var<'g>| p.matmul(factor)));
            }
            rest /= 2;
            if rest > 0 {
                factor = factor.matmul(factor);
            }
        }
        power.unwrap_or_else(|| identity.diagonal_matrix().broadcast(&self.shape()))
    }

    /// Elements along the last axis picked by indices from 0, a row of them for each row.
    pub fn pick(self, index: Var<'g>) -> Var<'g> {
        let (n, m) = (self.extent(0), index.extent(0));
        let rows = index.numel() / m.max(1);
        let starts: Vec<f64> = (0..rows).map(|r| (r * n) as f64).collect();
        let starts = self.graph.constant(Tensor::vector(starts));
        let places = index.reshape(&[rows, m]) + starts.unsqueeze(0);
        let picked = self
            .reshape(&[rows * n])
            .gather(0, places.reshape(&[rows * m]));
        picked.reshape(&index.shape())
    }

    /// Linear interpolation at `self` between points `(xs, ys)`, `xs` ascending, along the last axes, which
    /// have equal axes before them; constant beyond the ends.
    pub fn interp(self, xs: Var<'g>, ys: Var<'g>) -> Var<'g> {
        let n = xs.extent(0);
        match n {
            0 => return self.graph.scalar(f64::NAN).broadcast(&self.shape()),
            1 => return ys.broadcast(&self.shape()) + self * 0.0,
            _ => {}
        }
        let count = self.find_interval(xs);
        let ascending = count.ge(0.0);
        let left = (count - 1.0).max(0.0).min((n - 2) as f64);
        let left = ascending.select(left, 0.0);
        let right = left + 1.0;
        let (x0, x1) = (xs.pick(left), xs.pick(right));
        let width = x1 - x0;
        let share = (self - x0) / width.eq(0.0).select(1.0, width);
        let (below, above) = (self.lt(x0), self.gt(x1));
        let share = below.select(0.0, above.select(1.0, share));
        let value = ys.pick(left) * (1.0 - share) + ys.pick(right) * share;
        ascending.select(value, f64::NAN)
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
