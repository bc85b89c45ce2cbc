//! Values that are computed when they are first asked for, or before that on another thread.

use std::panic::resume_unwind;
use std::thread::{JoinHandle, spawn};

/// What is still to be computed, or the result.
pub(crate) enum Later<T> {
    Unasked(Option<Box<dyn FnOnce() -> T + Send>>),
    Running(Option<JoinHandle<T>>),
    Ready(T),
}

impl<T: Send + 'static> Later<T> {
    pub(crate) fn new(compute: impl FnOnce() -> T + Send + 'static) -> Later<T> {
        Later::Unasked(Some(Box::new(compute)))
    }

    /// Begins now, on another thread.
    pub(crate) fn begin(&mut self) {
        if let Later::Unasked(compute) = self {
            let compute = compute.take().expect("it is asked for once");
            *self = Later::Running(Some(spawn(compute)));
        }
    }

    /// The value, waited for if it must be.
    pub(crate) fn get(&mut self) -> &mut T {
        let now = match self {
            Later::Unasked(compute) => Some(compute.take().expect("it is asked for once")()),
            Later::Running(thread) => {
                let thread = thread.take().expect("it is waited for once");
                Some(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
            }
            Later::Ready(_) => None,
        };
        if let Some(value) = now {
            *self = Later::Ready(value);
        }
        match self {
            Later::Ready(value) => value,
            _ => unreachable!("it was made ready above"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_the_same_whenever_it_is_computed() {
        let mut asked = Later::new(|| vec![1]);
        let mut begun = Later::new(|| vec![1]);
        begun.begin();
        begun.begin();
        for later in [&mut asked, &mut begun] {
            later.get().push(2);
            assert_eq!(*later.get(), [1, 2]);
        }
    }
}
