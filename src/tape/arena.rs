//! Memory on a cache-line boundary.

/// `f64`s that begin on a 64-byte boundary, followed by one more line of zeros that vector loops may
/// read past the end.
pub(super) struct Aligned {
    lines: Vec<Line>,
    len: usize,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f64; 8]);

impl Aligned {
    pub fn zeros(len: usize) -> Aligned {
        Aligned {
            lines: vec![Line([0.0; 8]); len.div_ceil(8) + 1],
            len,
        }
    }

    pub fn pointer(&mut self) -> *mut f64 {
        self.lines.as_mut_ptr().cast()
    }

    pub fn const_pointer(&self) -> *const f64 {
        self.lines.as_ptr().cast()
    }
}

impl std::ops::Deref for Aligned {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        // SAFETY: the lines hold at least `len` initialised values without gaps.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl std::ops::DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f64] {
        // SAFETY: as above, borrowed uniquely.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}
