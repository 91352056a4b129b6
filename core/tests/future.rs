//! Completions and futures where both sides are Rust: for Miri, which runs no Zig, and looks at each access.
#![cfg(feature = "std")]

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use zigflow_core::future::{Completion, Outcome};
use zigflow_core::{FutureError, ZeroCopyBuffer, ZigError, ZigFuture, completion};

/// Unparks the thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => thread::park(),
        }
    }
}

fn poll_once<T: Outcome>(future: &mut ZigFuture<T>) -> Poll<Result<T, FutureError>> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_result_of_any_size_and_alignment_arrives() {
    fn passes<T: Outcome + Copy + PartialEq + std::fmt::Debug>(value: T) {
        let (done, mut future) = completion();
        assert!(poll_once(&mut future).is_pending());
        done.resolve(value);
        assert_eq!(block_on(future), Ok(value));
    }
    passes(());
    passes(0x12_u8);
    passes(u64::MAX - 1);
    passes([1_u8; 3]);
    passes([7_u32; 33]);
}

#[test]
fn a_result_from_another_thread_arrives() {
    let (done, future) = completion();
    let thread = thread::spawn(move || done.resolve(5_u64));
    assert_eq!(block_on(future), Ok(5));
    thread.join().unwrap();
}

#[test]
fn owned_bytes_are_dropped_by_who_has_them_last() {
    let bytes = || ZeroCopyBuffer::from(vec![1, 2, 3]);
    let (done, future) = completion();
    done.resolve(bytes());
    assert_eq!(block_on(future).unwrap()[..], [1, 2, 3]);

    let (done, future) = completion();
    done.resolve(bytes());
    drop(future);

    let (done, future) = completion();
    drop(future);
    done.resolve(bytes());
}

#[test]
fn either_side_may_go_first() {
    let (done, mut future): (Completion<u32>, _) = completion();
    assert!(poll_once(&mut future).is_pending());
    drop(future);
    assert!(done.is_canceled());
    drop(done);

    let (done, future): (Completion<u32>, _) = completion();
    drop(done);
    assert_eq!(block_on(future), Err(FutureError::Disconnected));

    let (done, future): (Completion<u32>, _) = completion();
    done.fail(ZigError::new("Busy"));
    assert!(matches!(block_on(future), Err(FutureError::Zig(error)) if error.name() == "Busy"));
}
