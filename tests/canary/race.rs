//! Data races that ThreadSanitizer has to report: `race zig`, `race rust`. `race none` is the same
//! program without one.

use std::cell::UnsafeCell;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use zigflow_core::LocalZigStream;

zigflow_core::zig_source! {
    /// A number that a Zig thread writes meanwhile.
    fn racing() -> LocalZigStream<u32>;
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("zig") => zig(),
        Some("rust") => rust(),
        Some("none") => none(),
        _ => panic!("race zig|rust|none"),
    }
}

fn zig() {
    let mut stream = racing().expect("the source opens");
    let mut cx = Context::from_waker(Waker::noop());
    let mut seen = 0;
    while seen < 1000 {
        match Pin::new(&mut stream).poll_next(&mut cx) {
            Poll::Ready(Some(Ok(0))) | Poll::Pending => std::thread::yield_now(),
            Poll::Ready(Some(Ok(_))) => seen += 1,
            Poll::Ready(_) => panic!("it never ends and never fails"),
        }
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
    // Both threads live while both add; relaxed, so that nothing is ordered by it.
    let alive = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                alive.fetch_add(1, Relaxed);
                while alive.load(Relaxed) < 2 {
                    std::thread::yield_now();
                }
                (0..100_000).for_each(|_| black_box(&number).add());
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
