//! One task, and what sleeps while it waits. Any executor will do; this one fits on a page.

use core::future::Future;
use core::pin::pin;
use core::ptr;
use core::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};
use core::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

static WOKEN: AtomicBool = AtomicBool::new(false);

static VTABLE: RawWakerVTable = RawWakerVTable::new(
    |_| RawWaker::new(ptr::null(), &VTABLE),
    |_| WOKEN.store(true, Release),
    |_| WOKEN.store(true, Release),
    |_| {},
);

/// Polls `future` until it is ready. In between `idle` sleeps until the next interrupt: with interrupts off, and woken all the
/// same, as `wfi` is; so no wake comes between the look and the sleep.
pub fn block_on<F: Future>(future: F, mut idle: impl FnMut()) -> F::Output {
    let mut future = pin!(future);
    // SAFETY: the functions look at no data, and may be called anywhere.
    let waker = unsafe { Waker::from_raw(RawWaker::new(ptr::null(), &VTABLE)) };
    loop {
        WOKEN.store(false, Release);
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        while !WOKEN.load(Acquire) {
            critical_section::with(|_| {
                if !WOKEN.load(Acquire) {
                    idle();
                }
            });
        }
    }
}
