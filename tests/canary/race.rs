//! Data races that ThreadSanitizer has to report: `race zig`, `race rust`. `race none` is the same
//! program without one.

use std::cell::UnsafeCell;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Waker};

use futures_core::Stream;
use zigflow_core::LocalZigStream;

zigflow_core::zig_source! {
    /// A number that a Zig thread writes meanwhile.
    fn racing() -> LocalZigStream<u32>;
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        // ThreadSanitizer remembers a few accesses only; on a busy machine a race can slip through.
        Some("zig") => (0..100).for_each(|_| zig()),
        Some("rust") => (0..100).for_each(|_| rust()),
        Some("none") => none(),
        _ => panic!("race zig|rust|none"),
    }
}

fn zig() {
    let mut stream = racing().expect("the source opens");
    let mut cx = Context::from_waker(Waker::noop());
    while Pin::new(&mut stream).poll_next(&mut cx).is_pending() {
        std::thread::yield_now();
    }
}

struct Racing(UnsafeCell<u32>);

// SAFETY: none: this is the bug.
unsafe impl Sync for Racing {}

impl Racing {
    fn add(&self) {
        // SAFETY: none: this is the bug.
        unsafe { *self.0.get() += 1 };
    }
}

fn rust() {
    let number = Racing(UnsafeCell::new(0));
    // Makes both threads meet and orders nothing.
    let arrived = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                arrived.fetch_add(1, Relaxed);
                while arrived.load(Relaxed) < 2 {
                    std::thread::yield_now();
                }
                number.add();
            });
        }
    });
}

/// Everything that TSan gives false alarms on when std is not instrumented.
fn none() {
    let number = std::sync::Arc::new(std::sync::Mutex::new(0));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let number = number.clone();
            std::thread::spawn(move || (0..1000).for_each(|_| *number.lock().unwrap() += 1))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(*number.lock().unwrap(), 2000);
}
