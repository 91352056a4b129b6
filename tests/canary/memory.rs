//! What AddressSanitizer has to report: `memory zig`, `memory rust`, `memory leak`. `memory none` is the same
//! program without it.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use zigflow_core::LocalZigStream;

zigflow_core::zig_source! {
    /// A number from memory that is freed after the read, 1: before it, 2: never.
    fn memory(what: u32) -> LocalZigStream<u64>;
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("zig") => zig(1),
        // One pointer may stay in a register or on the stack.
        Some("leak") => (0..100).for_each(|_| zig(2)),
        Some("rust") => rust(),
        Some("none") => zig(0),
        _ => panic!("memory zig|rust|leak|none"),
    }
}

fn zig(what: u32) {
    let mut stream = memory(what).expect("the source opens");
    let mut cx = Context::from_waker(Waker::noop());
    let item = Pin::new(&mut stream).poll_next(&mut cx);
    assert!(matches!(item, Poll::Ready(Some(Ok(7)))), "{item:?}");
}

fn rust() {
    let number = Box::new(7_u64);
    let freed: *const u64 = &raw const *number;
    drop(number);
    // SAFETY: none: this is the bug.
    assert_eq!(unsafe { freed.read_volatile() }, 7);
}
