//! Memory on a cache-line boundary.

use crate::special::Real;

/// Numbers that begin on a 64-byte boundary, followed by one more line of zeros that vector loops may
/// read past the end.
pub(crate) struct Aligned<T: Real = f64> {
    lines: Vec<Line<T>>,
    len: usize,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line<T: Real>(T::Line);

impl<T: Real> Default for Aligned<T> {
    fn default() -> Aligned<T> {
        Aligned::zeros(0)
    }
}

impl<T: Real> Aligned<T> {
    pub fn zeros(len: usize) -> Aligned<T> {
        let count = len.div_ceil(T::LANES) + 1;
        let mut lines = Vec::with_capacity(count);
        prefer_large_pages(lines.as_mut_ptr(), count);
        lines.resize(count, Line(T::LINE));
        Aligned { lines, len }
    }

    pub fn pointer(&mut self) -> *mut T {
        self.lines.as_mut_ptr().cast()
    }

    pub fn const_pointer(&self) -> *const T {
        self.lines.as_ptr().cast()
    }
}

/// Asks the kernel for large pages under memory that nobody has touched yet: walks through megabytes
/// else wait for the translation of addresses. It is free to refuse.
#[cfg(target_os = "linux")]
fn prefer_large_pages<L>(start: *mut L, count: usize) {
    use std::ffi::{c_int, c_void};
    unsafe extern "C" {
        fn madvise(start: *mut c_void, length: usize, advice: c_int) -> c_int;
    }
    const MADV_HUGEPAGE: c_int = 14;
    // The largest that small pages are.
    const PAGE: usize = 1 << 16;
    const WORTH_IT: usize = 1 << 22;
    let bytes = count * size_of::<L>();
    if bytes < WORTH_IT {
        return;
    }
    let skipped = start.addr().next_multiple_of(PAGE) - start.addr();
    let length = (bytes - skipped) / PAGE * PAGE;
    // SAFETY: whole pages inside an allocation; how large they are changes nothing of what they hold.
    unsafe { madvise(start.byte_add(skipped).cast(), length, MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn prefer_large_pages<L>(_: *mut L, _: usize) {}

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
