//! A tape that runs asks nobody for memory.

use elbo::{autodiff::grad, graph::Graph, tape::Tape};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn running_allocates_nothing() {
    let g = Graph::new();
    let (x, w) = (g.input(&[300, 4]), g.input(&[4]));
    let inner = x.matmul(w).tanh();
    let spd = x.transpose().matmul(x) + g.scalar(1.0);
    let y = inner.square().sum() + spd.exp().log_sum_exp(&[0, 1]) + inner.cumsum(0).sum();
    let gradient = grad(y, &[x, w]);
    let outputs = [y.id, gradient[0].id, gradient[1].id];
    let mut tape = Tape::compile(&g, &[x.id, w.id], &outputs);
    tape.inputs_flat_mut().fill(0.01);
    tape.run();
    let before = CALLS.get();
    tape.run();
    assert_eq!(CALLS.get() - before, 0);
    assert!(tape.output(0)[0].is_finite());
}
