//! `ci/bench future`: results that Zig gives later, against the same by hand.

use std::ffi::c_void;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio::runtime::Builder;
use tokio::sync::oneshot;
use zigflow::{FutureError, FutureSlot};
use zigflow_bench::summary::{self, Contest, Row};
use zigflow_bench::{
    ROUNDS, bench_remote_callback, bench_square, bench_worker_start, bench_worker_stop,
    remote_square, square, square_again,
};

/// Operations that are under way at once.
const AT_ONCE: u32 = 64;
const REMOTE: u64 = 4_000 * AT_ONCE as u64;
const INLINE: u64 = 2_000_000;

fn main() {
    assert!(bench_worker_start(), "no Zig thread");
    let mut rows = complete_remote();
    rows.extend(complete_alone());
    bench_worker_stop();
    complete_inline();
    summary::print(&rows);
}

/// [`AT_ONCE`] operations are begun, then awaited in turn.
fn complete_remote() -> Vec<Row> {
    remote("complete_remote", AT_ONCE, REMOTE)
}

/// One operation at a time: what the sleeps cost.
fn complete_alone() -> Vec<Row> {
    remote("complete_alone", 1, REMOTE / 16)
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
        runtime.block_on(async {
            for _ in 0..operations / u64::from(at_once) {
                receivers.extend((0..at_once).map(by_callback));
                for (n, receiver) in receivers.drain(..).enumerate() {
                    assert_eq!(receiver.await, Ok((n * n) as u64));
                }
            }
        });
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

/// What a result from inside of the call costs beyond the call, also in a slot.
fn complete_inline() {
    let mut slot = FutureSlot::new();
    type Way = Box<dyn FnMut(u32) -> u64>;
    let mut sides: [(&str, Way); 3] = [
        ("complete_inline", Box::new(|n| ready(square(n)))),
        ("complete_inline_slot", Box::new(move |n| ready(square_again(&mut slot, n)))),
        ("direct", Box::new(|n| bench_square(n))),
    ];
    let mut figures = [(); 3].map(|()| Vec::new());
    for _ in 0..ROUNDS {
        for ((_, side), all) in sides.iter_mut().zip(&mut figures) {
            let start = Instant::now();
            for n in 0..INLINE as u32 {
                black_box(side(black_box(n)));
            }
            all.push(start.elapsed().as_nanos() as f64 / INLINE as f64);
        }
    }
    let medians = figures.map(|mut all| {
        all.sort_by(f64::total_cmp);
        all[ROUNDS / 2]
    });
    let direct = medians[2];
    for ((name, _), ours) in sides.iter().zip(medians).take(2) {
        let extra = ours - direct;
        let verdict = if extra <= 30.0 { "met" } else { "missed" };
        println!(
            "bench {name} ours={ours:.2} direct={direct:.2} extra={extra:.2} target=30.00 {verdict}"
        );
    }
}

/// The result of an operation that completes in the call.
fn ready(mut future: impl Future<Output = Result<u64, FutureError>> + Unpin) -> u64 {
    match Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(value)) => value,
        other => panic!("{other:?}"),
    }
}
