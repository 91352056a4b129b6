//! `ci/bench future`: results that Zig gives later, against the same by hand.

#[path = "future/inline.rs"]
mod inline;
#[path = "future/merge.rs"]
mod merge;

use std::ffi::c_void;
use std::process::ExitCode;

use tokio::runtime::Builder;
use tokio::sync::oneshot;
use zigflow_bench::summary::{self, Case, Contest, Row};
use zigflow_bench::{
    bench_remote_callback, bench_worker_alone, bench_worker_start, bench_worker_stop, remote_square,
};

/// Operations that are under way at once.
const AT_ONCE: u32 = 64;
const REMOTE: u64 = 4_000 * AT_ONCE as u64;

const CASES: [Case; 5] = [
    ("complete_remote", complete_remote),
    ("complete_alone", complete_alone),
    ("complete_inline", |_| told(inline::complete_inline)),
    ("macro_call", |_| told(inline::macro_call)),
    ("merge", |_| merge::merge()),
];

fn main() -> ExitCode {
    assert!(bench_worker_start(), "no Zig thread");
    let done = summary::run_chosen(&CASES);
    bench_worker_stop();
    done
}

/// A case that prints its own figures.
fn told(case: fn()) -> Vec<Row> {
    case();
    Vec::new()
}

/// [`AT_ONCE`] operations are begun, then awaited in turn.
fn complete_remote(name: &'static str) -> Vec<Row> {
    remote(name, AT_ONCE, REMOTE)
}

/// One operation at a time: what the sleeps cost.
fn complete_alone(name: &'static str) -> Vec<Row> {
    remote(name, 1, REMOTE / 16)
}

fn remote(name: &'static str, at_once: u32, operations: u64) -> Vec<Row> {
    let runtime = Builder::new_current_thread().build().unwrap();
    let mut begun = Vec::with_capacity(at_once as usize);
    let mut receivers = Vec::with_capacity(at_once as usize);
    Contest::new(name, operations, |operations| {
        runtime.block_on(async {
            for _ in 0..operations / u64::from(at_once) {
                begun.extend((0..at_once).map(remote_square));
                for (n, future) in begun.drain(..).enumerate() {
                    assert_eq!(future.await, Ok((n * n) as u64));
                }
            }
        });
    })
    .against("oneshot_boxed_callback", |operations| {
        if std::env::args().nth(2).as_deref() == Some("ours") {
            return;
        }
        runtime.block_on(async {
            for _ in 0..operations / u64::from(at_once) {
                receivers.extend((0..at_once).map(by_callback));
                for (n, receiver) in receivers.drain(..).enumerate() {
                    assert_eq!(receiver.await, Ok((n * n) as u64));
                }
            }
        });
    })
    .beside("queue_alone", |operations| {
        for _ in 0..operations / u64::from(at_once) {
            bench_worker_alone(at_once.into());
        }
    })
    .run(Some(1.5))
}

/// The result of a C function with a callback, as people write it by hand.
fn by_callback(n: u32) -> oneshot::Receiver<u64> {
    type Boxed = Box<dyn FnOnce(u64) + Send>;

    unsafe extern "C" fn call(context: *mut c_void, value: u64) {
        // SAFETY: boxed below, and called once.
        let callback = unsafe { Box::from_raw(context.cast::<Boxed>()) };
        callback(value);
    }

    let (sender, receiver) = oneshot::channel();
    let callback: Boxed = Box::new(|value| {
        let _ = sender.send(value);
    });
    // SAFETY: Zig calls it once, with its context.
    unsafe { bench_remote_callback(call, Box::into_raw(Box::new(callback)).cast(), n) };
    receiver
}
