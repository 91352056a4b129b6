//! What a call costs beyond the same by hand: in nanoseconds, since ratios of so little mean nothing.

use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use zigflow::{FutureError, FutureSlot};
use zigflow_bench::{ROUNDS, bench_square, bench_sum, square, square_again, sum};

const CALLS: u32 = 2_000_000;

/// A result from inside of the call, also in a slot.
pub(crate) fn complete_inline() {
    let mut slot = FutureSlot::new();
    beyond(
        30.0,
        &mut |n| bench_square(n),
        &mut [
            ("complete_inline", &mut |n| ready(square(n))),
            ("complete_inline_slot", &mut |n| ready(square_again(&mut slot, n))),
        ],
    );
}

/// A call by `autozig!`, with a slice and a `Result`, against a C function with a pointer, a length, a place for the
/// result and a code.
pub(crate) fn macro_call() {
    let bytes: [u8; 16] = std::array::from_fn(|i| i as u8);
    let slice = |n: u32| black_box(&bytes[..1 + n as usize % 15]);
    beyond(
        2.0,
        &mut |n| {
            let (bytes, mut sum) = (slice(n), 0);
            // SAFETY: as long as the slice; a place for a number.
            match unsafe { bench_sum(bytes.as_ptr(), bytes.len(), &mut sum) } {
                0 => sum,
                code => panic!("{code}"),
            }
        },
        &mut [("macro_call", &mut |n| match sum(slice(n)) {
            Ok(sum) => sum,
            Err(error) => panic!("{error}"),
        })],
    );
}

type Way<'a> = &'a mut dyn FnMut(u32) -> u64;

/// Runs all in turn, and tells by how much each median is above that of `direct`.
fn beyond(target: f64, direct: Way<'_>, sides: &mut [(&str, Way<'_>)]) {
    let lap = |side: &mut dyn FnMut(u32) -> u64| {
        let start = Instant::now();
        for n in 0..CALLS {
            black_box(side(black_box(n)));
        }
        start.elapsed().as_nanos() as f64 / f64::from(CALLS)
    };
    let (mut by_hand, mut figures) = (Vec::new(), vec![Vec::new(); sides.len()]);
    for _ in 0..ROUNDS {
        by_hand.push(lap(direct));
        for ((_, side), all) in sides.iter_mut().zip(&mut figures) {
            all.push(lap(side));
        }
    }
    let median = |all: &mut Vec<f64>| {
        all.sort_by(f64::total_cmp);
        all[ROUNDS / 2]
    };
    let direct = median(&mut by_hand);
    for ((name, _), all) in sides.iter().zip(&mut figures) {
        let ours = median(all);
        let extra = ours - direct;
        let verdict = if extra <= target { "met" } else { "missed" };
        println!(
            "bench {name} ours={ours:.2} direct={direct:.2} extra={extra:.2} target={target:.2} {verdict}"
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
