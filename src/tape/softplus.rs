//! Sums of `softplus`, with one logarithm for hundreds of terms.
//!
//! log(1 + eˣ) is what x lies above 0 and log(1 + z) with z = e^−|x|. The logarithms are taken together,
//! as that of their product: Π (1 + z) = 1 + d, where d has no cancellation and small z leave their
//! mark. `sigmoid` starts from z too.

use super::lanes::Lanes;
use crate::special::Real;

/// `Σ softplus(x)` over `n` numbers, with `sigmoid(x)` written where asked for.
///
/// # Safety
/// `x` readable and `sigmoid` writable for `n` numbers, which may be the same; the machine has the unit.
#[inline(always)]
pub(super) unsafe fn sum<L: Lanes>(x: *const L::T, sigmoid: Option<*mut L::T>, n: usize) -> L::T {
    // As many factors of at most 2 are finite.
    let longest = L::T::LARGEST_EXPONENT / 2;
    let mut sum = L::T::ZERO;
    let mut i = 0;
    while i < n {
        let m = longest.min(n - i);
        // SAFETY: accesses lie below n.
        sum += unsafe { piece::<L>(x.add(i), sigmoid.map(|s| s.add(i)), m) };
        i += m;
    }
    sum
}

#[inline(always)]
unsafe fn piece<L: Lanes>(x: *const L::T, sigmoid: Option<*mut L::T>, n: usize) -> L::T {
    // Chunks of one length, so that the compiler makes vectors only; the last may be a short one.
    const CHUNK: usize = 64;
    const SHORT: usize = 16;
    let line = L::T::LINE;
    let mut so_far = SoFar {
        above: line,
        d: [line; 2],
    };
    let mut i = 0;
    // SAFETY: accesses lie below n.
    unsafe {
        while i < n {
            let x = x.add(i);
            let s = sigmoid.map(|s| s.add(i));
            i += match n - i {
                CHUNK.. => so_far.take::<L, CHUNK>(x, s, CHUNK),
                SHORT.. => so_far.take::<L, SHORT>(x, s, SHORT),
                rest => so_far.take::<L, SHORT>(x, s, rest),
            };
        }
    }
    let (mut above, mut d) = (L::T::ZERO, L::T::ZERO);
    for &part in so_far.above.as_ref() {
        above += part;
    }
    for &part in so_far.d.iter().flat_map(|d| d.as_ref()) {
        d = d * (L::T::ONE + part) + part;
    }
    above + d.log1p()
}

/// What a piece has come to, in lanes: the sum of what lies above 0, and Π (1 + z) − 1.
struct SoFar<T: Real> {
    above: T::Line,
    d: [T::Line; 2],
}

impl<T: Real> SoFar<T> {
    /// The next `n` numbers, of which a chunk has room for `N`.
    ///
    /// # Safety
    /// As for [`sum`]; `N` is a multiple of the lanes.
    #[inline(always)]
    unsafe fn take<L: Lanes<T = T>, const N: usize>(
        &mut self,
        x: *const T,
        sigmoid: Option<*mut T>,
        n: usize,
    ) -> usize {
        let (mut z, mut s, mut over) = ([T::ZERO; N], [T::ZERO; N], [T::ZERO; N]);
        // SAFETY: the caller's promise; locals have N numbers.
        unsafe {
            // What fills a chunk adds nothing.
            let mut args = [T::NEG_INFINITY; N];
            std::ptr::copy_nonoverlapping(x, args.as_mut_ptr(), n);
            for k in 0..N {
                let x = args[k];
                (z[k], s[k]) = x.logistic_parts();
                over[k] = if x < T::ZERO { T::ZERO } else { x };
            }
            if let Some(sigmoid) = sigmoid {
                std::ptr::copy_nonoverlapping(s.as_ptr(), sigmoid, n);
            }
            let one = L::splat(T::ONE);
            let read = |line: &T::Line| line.as_ref().as_ptr();
            let mut above = L::read(read(&self.above));
            let mut d = [L::read(read(&self.d[0])), L::read(read(&self.d[1]))];
            for k in (0..N).step_by(T::LANES) {
                let turn = k / T::LANES % 2;
                let z = L::read(z.as_ptr().add(k));
                d[turn] = d[turn].mul_add(one.add(z), z);
                above = above.add(L::read(over.as_ptr().add(k)));
            }
            above.write(self.above.as_mut().as_mut_ptr());
            d[0].write(self.d[0].as_mut().as_mut_ptr());
            d[1].write(self.d[1].as_mut().as_mut_ptr());
        }
        n
    }
}
