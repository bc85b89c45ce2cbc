//! Memory on a cache-line boundary.

use crate::special::Real;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// Numbers that begin on a 64-byte boundary, followed by one more line of zeros that vector loops may
/// read past the end. Where there are megabytes of them, they fill large pages.
pub(crate) struct Aligned<T: Real = f64> {
    start: NonNull<Line<T>>,
    len: usize,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line<T: Real>(T::Line);

// SAFETY: the memory is its own, and numbers can be sent and shared.
unsafe impl<T: Real> Send for Aligned<T> {}
unsafe impl<T: Real> Sync for Aligned<T> {}

impl<T: Real> Default for Aligned<T> {
    fn default() -> Aligned<T> {
        Aligned::zeros(0)
    }
}

/// Bytes of a large page, and those from which on part of one may be left empty.
const LARGE_PAGE: usize = 1 << 21;
const WORTH_IT: usize = 1 << 22;

impl<T: Real> Aligned<T> {
    pub fn zeros(len: usize) -> Aligned<T> {
        let layout = Aligned::<T>::layout(len);
        // SAFETY: there is a line at least; all that is in use is set to 0 below.
        let start = unsafe { alloc(layout) }.cast::<Line<T>>();
        let Some(start) = NonNull::new(start) else {
            handle_alloc_error(layout)
        };
        if layout.align() == LARGE_PAGE {
            prefer_large_pages(start.as_ptr(), layout.size());
        }
        for i in 0..Aligned::<T>::lines(len) {
            // SAFETY: the layout has as many lines.
            unsafe { start.add(i).write(Line(T::LINE)) };
        }
        Aligned { start, len }
    }

    /// With the line past the end.
    fn lines(len: usize) -> usize {
        len.div_ceil(T::LANES) + 1
    }

    fn layout(len: usize) -> Layout {
        let bytes = Aligned::<T>::lines(len) * size_of::<Line<T>>();
        let layout = match bytes {
            WORTH_IT.. => Layout::from_size_align(bytes.next_multiple_of(LARGE_PAGE), LARGE_PAGE),
            _ => Layout::from_size_align(bytes, align_of::<Line<T>>()),
        };
        layout.expect("arenas are shorter than the address space")
    }

    pub fn pointer(&mut self) -> *mut T {
        self.start.as_ptr().cast()
    }

    pub fn const_pointer(&self) -> *const T {
        self.start.as_ptr().cast()
    }
}

impl<T: Real> Drop for Aligned<T> {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout.
        unsafe { dealloc(self.start.as_ptr().cast(), Aligned::<T>::layout(self.len)) }
    }
}

/// Asks the kernel for large pages under memory that nobody has touched yet: walks through megabytes
/// else wait for the translation of addresses. It is free to refuse.
#[cfg(target_os = "linux")]
fn prefer_large_pages<L>(start: *mut L, bytes: usize) {
    use std::ffi::{c_int, c_void};
    unsafe extern "C" {
        fn madvise(start: *mut c_void, length: usize, advice: c_int) -> c_int;
    }
    const MADV_HUGEPAGE: c_int = 14;
    // SAFETY: whole pages inside an allocation; how large they are changes nothing of what they hold.
    unsafe { madvise(start.cast(), bytes, MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn prefer_large_pages<L>(_: *mut L, _: usize) {}

impl<T: Real> std::ops::Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the lines hold at least `len` initialised values without gaps.
        unsafe { std::slice::from_raw_parts(self.const_pointer(), self.len) }
    }
}

impl<T: Real> std::ops::DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, borrowed uniquely.
        unsafe { std::slice::from_raw_parts_mut(self.pointer(), self.len) }
    }
}
