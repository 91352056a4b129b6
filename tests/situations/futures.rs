//! Zig functions that give their result later: results, errors, buffers, cancellation, mistakes.
//!
//! The numbers in names are those of the list of pitfalls that this project keeps.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use futures_core::future::FusedFuture;
use futures_lite::future::block_on;
use zigflow::future::Completion;
use zigflow::{FutureError, Malformed, OpenError, ZigError, ZigFuture, completion};
use zigflow_tests::futures::{self as zig, Held, mistaken, open_and_resolve};
use zigflow_tests::task::{Task, until};

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

fn zig_error<T>(name: &'static str) -> Result<T, FutureError> {
    Err(FutureError::Zig(ZigError::new(name)))
}

/// Pitfall 17: a completion within the call, on the caller's own thread.
#[test]
fn pitfall_17_a_result_comes_from_inside_of_the_call_or_from_a_thread() {
    assert_eq!(block_on(zig::square(12)), Ok(144));
    assert_eq!(block_on(zig::square_later(1 << 31)), Ok(1 << 62));
    assert_eq!(block_on(zig::nothing()), Ok(()));
    let point = block_on(zig::point(1.5, -2.0)).unwrap();
    assert_eq!((point.x, point.y, point.tag, point.seen), (1.5, -2.0, 3, true));
    assert_eq!(block_on(zig::sum("abc", 0.5, true)), Ok(-147.0));
}

#[test]
fn errors_come_by_name_or_by_code() {
    assert_eq!(block_on(zig::fails()), zig_error("Refused"));
    let mut future = zig::fails_later();
    assert_eq!(block_on(&mut future), zig_error("TapeTorn"));
    assert_eq!(future.progress(), 1 << 40 | 7);
    assert_eq!(block_on(zig::code(-7)), Err(FutureError::Code(-7)));
}

/// Pitfall 16: a completion that is given up without a result must not leave the future hanging.
#[test]
fn pitfall_16_a_completion_that_is_given_up_is_disconnected() {
    assert_eq!(block_on(zig::gives_up()), Err(FutureError::Disconnected));
    let (held, future) = Held::new(0);
    let awaiting = thread::spawn(|| block_on(future));
    drop(held);
    assert_eq!(awaiting.join().unwrap(), Err(FutureError::Disconnected));
    let said = FutureError::Disconnected.to_string();
    assert!(said.contains("`deinit`"), "{said}");
}

/// Pitfall 15: a second completion.
#[test]
fn pitfall_15_a_second_result_is_refused_and_counted() {
    let mut future = zig::twice();
    assert_eq!(future.refused(), 2);
    assert_eq!(block_on(&mut future), Ok(1));
    assert_eq!(future.refused(), 2);

    let (held, mut future) = Held::new(1);
    assert!(held.resolve(5));
    assert!(!held.resolve(6));
    assert_eq!(block_on(&mut future), Ok(5));
    assert!(!held.resolve(7), "also after the result was taken");
}

#[test]
fn a_buffer_comes_back_with_the_result_and_did_not_move() {
    let buffer = vec![0; 100_000];
    let at = buffer.as_ptr();
    let (result, buffer) = block_on(zig::fill(9, buffer));
    assert_eq!(result, Ok(100_000));
    assert_eq!(buffer.as_ptr(), at);
    assert!(buffer.iter().all(|byte| *byte == 9));

    let (result, (a, b)) = block_on(zig::exchange(vec![1, 2, 3], vec![4, 5]));
    assert_eq!((result, a, b), (Ok(()), vec![4, 5, 3], vec![1, 2]));
    let (result, empty) = block_on(zig::fill(1, Vec::new()));
    assert_eq!((result, empty.len()), (Ok(0), 0));
}

/// Pitfall 12: a buffer that Zig still writes to must outlive the future that was dropped.
#[test]
fn pitfall_12_a_buffer_stays_as_long_as_zig_writes_to_it() {
    for _ in 0..100 {
        drop(zig::fill(7, vec![0; 10_000]));
    }
    // The last thread may still write here; AddressSanitizer and ThreadSanitizer look on.
}

#[test]
fn owned_bytes_are_released_once_whoever_wants_them() {
    let before = zig::zft_future_released();
    let bytes = block_on(zig::owned(300)).unwrap();
    assert!(bytes.iter().enumerate().all(|(i, byte)| *byte == i as u8));
    assert_eq!(zig::zft_future_released(), before);
    drop(bytes);
    assert_eq!(zig::zft_future_released(), before + 1);
    // Completion has won: the result is dropped, not leaked.
    drop(zig::owned(300));
    assert_eq!(zig::zft_future_released(), before + 2);
    let mut polled = zig::owned(3);
    assert!(poll(&mut polled, Waker::noop()).is_ready());
    drop(polled);
    assert_eq!(zig::zft_future_released(), before + 3);
}

#[test]
fn one_wake_for_one_sleep_and_the_newest_task_gets_it() {
    let (held, mut future) = Held::new(2);
    let (first, second) = (Task::new(), Task::new());
    assert_eq!(poll(&mut future, &first.waker()), Poll::Pending);
    assert_eq!(poll(&mut future, &first.waker()), Poll::Pending);
    assert_eq!(poll(&mut future, &second.waker()), Poll::Pending);
    held.progress(11);
    assert_eq!(future.progress(), 11);
    assert!(held.resolve(1));
    assert_eq!((first.wakes(), second.wakes()), (0, 1));
    assert_eq!(poll(&mut future, &second.waker()), Poll::Ready(Ok(1)));
    assert_eq!((second.wakes(), future.progress()), (1, 11));
}

#[test]
fn a_dropped_future_is_a_canceled_operation() {
    let (mut held, future) = Held::new(3);
    let task = Task::new();
    held.wake_on_cancel(&task.waker());
    assert!(!held.is_canceled());
    drop(future);
    assert!(held.is_canceled());
    assert_eq!(task.wakes(), 1);
    // Who asks later is told at once.
    let late = Task::new();
    held.wake_on_cancel(&late.waker());
    assert_eq!(late.wakes(), 1);
    held.wake_on_cancel(&task.waker());
    assert_eq!(task.wakes(), 2);
    assert!(held.resolve(1), "a result that nobody wants is no error");
    drop(held);
    assert_eq!((task.wakes(), late.wakes()), (2, 1));
}

#[test]
fn who_asks_for_a_cancellation_late_is_told_at_once() {
    let (mut held, future) = Held::new(4);
    drop(future);
    let task = Task::new();
    held.wake_on_cancel(&task.waker());
    assert_eq!(task.wakes(), 1);
}

/// Pitfall 13: a cancellation is a request, and the completion may win.
#[test]
fn pitfall_13_a_canceled_operation_may_still_have_its_result() {
    let (held, mut future) = Held::new(5);
    future.cancel();
    future.cancel();
    assert!(held.is_canceled());
    assert_eq!(poll(&mut future, Waker::noop()), Poll::Pending);
    assert!(held.resolve(8));
    assert_eq!(poll(&mut future, Waker::noop()), Poll::Ready(Ok(8)));
    assert!(future.is_terminated());
}

#[test]
fn an_operation_may_end_inside_of_its_cancellation_and_says_how_far_it_got() {
    let gone = zig::zft_stops_gone();
    let mut future = zig::stops(1 << 33);
    assert_eq!(poll(&mut future, Waker::noop()), Poll::Pending);
    future.cancel();
    assert_eq!(poll(&mut future, Waker::noop()), Poll::Ready(zig_error("Canceled")));
    assert_eq!(future.progress(), 1 << 33);
    assert_eq!(zig::zft_stops_gone(), gone + 1);
    // The same by a drop: the operation frees itself inside of it.
    drop(zig::stops(2));
    assert_eq!(zig::zft_stops_gone(), gone + 2);
}

/// Pitfall: an observer that gives the completion up while it is being registered, when the future is gone.
#[test]
fn an_operation_may_end_inside_of_a_registration_that_comes_late() {
    let gone = zig::zft_stops_gone();
    for (place, polls) in [(10, 0), (11, 1)] {
        let (held, mut future) = Held::new(place);
        for _ in 0..polls {
            assert!(poll(&mut future, Waker::noop()).is_pending());
        }
        drop(future);
        held.stop_on_cancel();
    }
    assert_eq!(zig::zft_stops_gone(), gone + 2);
    let (held, mut future) = Held::new(12);
    future.cancel();
    held.stop_on_cancel();
    assert_eq!(poll(&mut future, Waker::noop()), Poll::Ready(zig_error("Canceled")));
    assert_eq!(zig::zft_stops_gone(), gone + 3);
}

#[test]
fn wakers_are_let_go_when_either_side_goes() {
    let (mut held, mut future) = Held::new(6);
    let (waits, stops) = (Task::new(), Task::new());
    assert!(poll(&mut future, &waits.waker()).is_pending());
    held.wake_on_cancel(&stops.waker());
    assert_eq!((waits.wakers(), stops.wakers()), (1, 1));
    drop(future);
    assert_eq!(waits.wakers(), 0);
    drop(held);
    assert_eq!(stops.wakers(), 0);
}

#[test]
#[should_panic(expected = "polled after it was ready")]
fn a_future_is_ready_once() {
    let mut future = zig::square(1);
    assert!(poll(&mut future, Waker::noop()).is_ready());
    let _ = poll(&mut future, Waker::noop());
}

#[test]
fn the_types_of_both_languages_are_compared() {
    let not_started = |error| FutureError::NotStarted(error);
    let wrong = block_on(mistaken::square(3)).unwrap_err();
    assert_eq!(wrong, not_started(OpenError::Argument { index: 0, zig: "u32", rust: "u64" }));
    assert_eq!(
        wrong.to_string(),
        "argument 0 (from 0, without the completion) is `u32` in Zig, Rust passed `u64`: correct the declaration in Rust, or the function"
    );
    let wrong = block_on(mistaken::nothing(3)).unwrap_err();
    assert_eq!(wrong, not_started(OpenError::ArgumentCount { given: 1, expected: 0 }));
    let wrong = block_on(mistaken::twice()).unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "the Zig function completes with `u64`, Rust awaits `i64`, of another kind, size or name: declare the future in Rust as one of what Zig completes with"
    );
    let wrong = block_on(mistaken::fill(1, &[1, 2])).unwrap_err();
    assert_eq!(wrong, not_started(OpenError::Argument { index: 1, zig: "[]u8", rust: "bytes" }));
    let (wrong, buffer) = block_on(mistaken::sum(vec![1, 2, 3], 1.0, false));
    let expected = OpenError::Argument { index: 0, zig: "[]const u8", rust: "Vec<u8>" };
    assert_eq!((wrong, buffer), (Err(not_started(expected)), vec![1, 2, 3]));
}

#[test]
fn bits_that_are_no_value_are_no_result() {
    assert_eq!(block_on(zig::boolean(1)), Ok(true));
    assert_eq!(block_on(zig::boolean(2)), Err(FutureError::Malformed(Malformed::Value)));
}

#[test]
fn a_completion_may_be_handed_to_any_zig_function() {
    let (done, future) = completion::<u32>();
    assert_eq!(open_and_resolve(done.into_zig(), 77), 1);
    assert_eq!(block_on(future), Ok(77));
    let (done, future) = completion::<u64>();
    assert_eq!(open_and_resolve(done.into_zig(), 77), 2);
    assert_eq!(block_on(future), zig_error("WrongItem"));
    let (done, future) = completion::<u64>();
    drop(done.into_zig());
    assert_eq!(block_on(future), Err(FutureError::Disconnected));
}

#[test]
fn rust_may_complete_too() {
    let (done, future) = completion();
    let awaiting = thread::spawn(|| block_on(future));
    done.resolve(3_u8);
    assert_eq!(awaiting.join().unwrap(), Ok(3));

    let (done, future): (Completion<bool>, _) = completion();
    done.fail(ZigError::new("Unplugged"));
    assert_eq!(block_on(future), zig_error("Unplugged"));

    let (done, future) = completion();
    done.resolve(());
    assert_eq!(block_on(future), Ok(()));
    let before = zig::zft_future_released();
    let (done, future) = completion();
    done.resolve(block_on(zig::owned(9)).unwrap());
    assert_eq!(block_on(future).unwrap().len(), 9);
    assert!(zig::zft_future_released() > before);

    let (mut done, future): (Completion<bool>, _) = completion();
    let task = Task::new();
    done.wake_on_cancel(&task.waker());
    assert!(!done.is_canceled());
    drop(future);
    assert!(done.is_canceled());
    assert_eq!(task.wakes(), 1);
}

/// Drops what it holds when it is woken: the future, inside of its own wake.
struct DropsOnWake(std::sync::Mutex<Option<ZigFuture<u64>>>);

impl Wake for DropsOnWake {
    fn wake(self: Arc<Self>) {
        drop(self.0.lock().unwrap().take());
    }
}

/// Pitfall 18: the wake drops what is woken.
#[test]
fn pitfall_18_a_future_may_be_dropped_inside_of_its_own_wake() {
    let (held, future) = Held::new(7);
    let drops = Arc::new(DropsOnWake(std::sync::Mutex::new(Some(future))));
    let waker = Waker::from(drops.clone());
    assert!(poll(drops.0.lock().unwrap().as_mut().unwrap(), &waker).is_pending());
    assert!(held.resolve(1));
    assert!(drops.0.lock().unwrap().is_none());

    drop(held);
    assert_eq!(Arc::strong_count(&drops), 2);
}

/// Complete against drop, on two threads, many times: no result is lost, leaked or released twice.
#[test]
fn completion_and_drop_may_race() {
    const ROUNDS: u32 = 2_000;
    let task = Task::new();
    for round in 0..ROUNDS {
        let mut future = zig::owned_later();
        for _ in 0..round % 50 {
            thread::yield_now();
        }
        if let Poll::Ready(bytes) = poll(&mut future, &task.waker()) {
            assert_eq!(bytes.unwrap().len(), 8);
        }
    }
    until(|| zig::zft_late_done() == ROUNDS);
    assert_eq!(zig::zft_late_living(), 0);
    assert_eq!(task.wakers(), 0);
}

/// Pitfall 14: a start that fails when others know the operation already.
#[test]
fn pitfall_14_a_start_that_fails_keeps_what_was_registered_until_it_is_let_go() {
    for _ in 0..3 {
        let before = zig::zft_observers_released();
        assert_eq!(block_on(zig::fails_observed()), zig_error("Refused"));
        assert_eq!(zig::zft_observers_released(), before + 1);
        drop(zig::fails_observed());
        assert_eq!(zig::zft_observers_released(), before + 2);
    }
}

/// Pitfall 19: dropped without a poll, on another thread, and after the runtime that it waited in.
#[test]
fn pitfall_19_a_future_may_go_anywhere_and_late() {
    let (held, future) = Held::new(12);
    thread::spawn(move || drop(future)).join().unwrap();
    assert!(held.is_canceled());
    drop(held);

    let (held, mut future) = Held::new(13);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let waits = runtime.block_on(futures_lite::future::poll_once(&mut future));
    assert!(waits.is_none());
    drop(runtime);
    assert!(held.resolve(1), "wakes a task of a runtime that is gone");
    assert_eq!(block_on(future), Ok(1));
}

/// Pitfall 29: bytes go back to where they came from, whatever their alignment, and none is a size, too.
#[test]
fn pitfall_29_owned_bytes_of_any_alignment_and_size_are_released_by_their_own_function() {
    for len in [0, 1, 4096] {
        let bytes = block_on(zig::owned_aligned(len)).unwrap();
        assert_eq!(bytes.len(), len as usize);
        assert!(len == 0 || bytes.as_ptr().addr() % 64 == 0);
        drop(bytes);
    }
    assert_eq!(zig::zft_aligned_living(), 0);
}
