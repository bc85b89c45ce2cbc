//! Memory on a cache-line boundary.

use crate::special::Real;

/// Numbers that begin on a 64-byte boundary, followed by one more line of zeros that vector loops may
/// read past the end.
pub(super) struct Aligned<T: Real = f64> {
    lines: Vec<Line<T>>,
    len: usize,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line<T: Real>(T::Line);

impl<T: Real> Aligned<T> {
    pub fn zeros(len: usize) -> Aligned<T> {
        Aligned {
            lines: vec![Line(T::LINE); len.div_ceil(T::LANES) + 1],
            len,
        }
    }

    pub fn pointer(&mut self) -> *mut T {
        self.lines.as_mut_ptr().cast()
    }

    pub fn const_pointer(&self) -> *const T {
        self.lines.as_ptr().cast()
    }
}

impl<T: Real> std::ops::Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the lines hold at least `len` initialised values without gaps.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: Real> std::ops::DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, borrowed uniquely.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}
