//! An operation whose future is in Rust and whose completion is in Rust or in compiled Zig: the result comes once,
//! whoever waits is woken, whoever wants to hear of a cancellation does, and the memory is freed once, after its last use.
//!
//! Every scenario but three runs without a bound, and in the nightly run those do, too. The last tests sow bugs, one at a time, and expect a scenario to fail.
#![cfg(loom)]

use std::future::Future;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc as StdArc;
use std::sync::atomic::{AtomicUsize as StdUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

use loom::thread;
use zigflow_core::abi::{RawOperation, RawWaker};
use zigflow_core::future::Completion;
use zigflow_core::sync::model;
use zigflow_core::{FutureError, ZigError, ZigFuture, completion};
use zigflow_loom::explore::Side::{self, Rust, Zig};
use zigflow_loom::task::Task;

// Unwinding through Zig is how loom ends an execution that failed.
unsafe extern "C-unwind" {
    fn model_completion_open(raw: NonNull<RawOperation>) -> bool;
    fn model_completion_resolve(raw: NonNull<RawOperation>, value: u32) -> bool;
    fn model_completion_finish(raw: NonNull<RawOperation>, value: u32);
    fn model_completion_fail(raw: NonNull<RawOperation>) -> bool;
    fn model_completion_is_canceled(raw: NonNull<RawOperation>) -> bool;
    fn model_completion_wake_on_cancel(raw: NonNull<RawOperation>, waker: &RawWaker);
    fn model_completion_stop_on_cancel(raw: NonNull<RawOperation>);
    fn model_completion_say_on_cancel(raw: NonNull<RawOperation>);
    /// Whether what it said was the result.
    fn model_completion_was_taken() -> bool;
    fn model_completion_deinit(raw: NonNull<RawOperation>);
}

/// A completion in one of the languages.
enum Done {
    Rust(Option<Completion<u32>>),
    Zig(Handle),
}

#[derive(Clone, Copy)]
struct Handle(NonNull<RawOperation>);

// SAFETY: a completion may be used on any thread.
unsafe impl Send for Handle {}

impl Done {
    fn new(side: Side) -> (Self, ZigFuture<u32>) {
        let (done, future) = completion();
        let done = match side {
            Rust => Self::Rust(Some(done)),
            Zig => {
                let raw = done.into_zig().into_raw();
                // SAFETY: a completion on its way.
                assert!(unsafe { model_completion_open(raw) });
                Self::Zig(Handle(raw))
            }
        };
        (done, future)
    }

    fn resolve(&mut self, value: u32) -> bool {
        match self {
            // Rust gives the completion up with its result.
            Self::Rust(done) => done.take().map(|done| done.resolve(value)).is_some(),
            // SAFETY: not given up yet.
            Self::Zig(done) => unsafe { model_completion_resolve(done.0, value) },
        }
    }

    /// Resolves and gives up, in one.
    fn finish(self, value: u32) {
        match self {
            Self::Rust(done) => done.unwrap().resolve(value),
            // SAFETY: given up with it.
            Self::Zig(done) => unsafe { model_completion_finish(done.0, value) },
        }
    }

    fn fail(&mut self) {
        match self {
            Self::Rust(done) => done.take().unwrap().fail(ZigError::new("Torn")),
            // SAFETY: not given up yet.
            Self::Zig(done) => assert!(unsafe { model_completion_fail(done.0) }),
        }
    }

    fn wake_on_cancel(&mut self, waker: &Waker) {
        match self {
            Self::Rust(done) => done.as_mut().unwrap().wake_on_cancel(waker),
            // SAFETY: not given up yet, and by one thread.
            Self::Zig(done) => unsafe {
                model_completion_wake_on_cancel(done.0, &RawWaker::of(waker))
            },
        }
    }

    fn is_canceled(&self) -> bool {
        match self {
            Self::Rust(done) => done.as_ref().unwrap().is_canceled(),
            // SAFETY: not given up yet.
            Self::Zig(done) => unsafe { model_completion_is_canceled(done.0) },
        }
    }

    /// Gives it up.
    fn deinit(self) {
        match self {
            Self::Rust(done) => drop(done),
            // SAFETY: once.
            Self::Zig(done) => unsafe { model_completion_deinit(done.0) },
        }
    }
}

/// Explores `scenario` with the completion in each language.
fn explore(name: &str, scenario: fn(Side)) {
    zigflow_loom::explore::explore_one("completion", name, None, scenario);
}

/// The same with a bound: without one the three take a quarter of an hour.
fn explore_some(name: &str, scenario: fn(Side)) {
    zigflow_loom::explore::explore_one("completion", name, Some(4), scenario);
}

type Output = Result<u32, FutureError>;

fn poll(future: &mut ZigFuture<u32>, waker: &Waker) -> Poll<Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// After the other side has done all it will: the result must be there, and be announced to who slept.
fn expect(future: &mut ZigFuture<u32>, slept: Option<(&Task, u32)>, expected: &Output) {
    if let Some((task, before)) = slept {
        assert!(task.wakes() > before, "LOST WAKEUP");
    }
    match poll(future, Waker::noop()) {
        Poll::Ready(result) => assert_eq!(&result, expected, "LOST RESULT"),
        Poll::Pending => panic!("LOST RESULT"),
    }
}

fn nothing_is_left(live: &StdUsize) {
    assert_eq!(live.load(SeqCst), 0, "a waker is left, or was dropped twice");
    assert_eq!(model::living(), 0, "an operation is left");
}

/// `complete` on a thread against `polls` polls here, by a new task each time if `swap`.
fn awaited(side: Side, polls: u32, swap: bool, complete: fn(Done), expected: Output) {
    let live = StdArc::new(StdUsize::new(0));
    let (done, mut future) = Done::new(side);
    let thread = thread::spawn(move || complete(done));
    let (mut task, mut own) = Task::new(&live);
    let mut slept = None;
    let mut result = None;
    for n in 0..polls {
        if swap && n > 0 {
            (task, own) = Task::new(&live);
        }
        let before = task.wakes();
        match poll(&mut future, &own) {
            Poll::Ready(ready) => {
                result = Some(ready);
                break;
            }
            Poll::Pending => slept = Some((task, before)),
        }
    }
    thread.join().unwrap();
    match result {
        Some(result) => assert_eq!(result, expected, "LOST RESULT"),
        None => expect(&mut future, slept, &expected),
    }
    drop((future, own));
    nothing_is_left(&live);
}

#[test]
fn a_result_against_two_polls() {
    explore("a_result_against_two_polls", |side| {
        awaited(
            side,
            2,
            false,
            |mut done| {
                done.resolve(7);
                done.deinit()
            },
            Ok(7),
        );
    });
}

#[test]
fn a_result_against_a_task_that_moves() {
    explore("a_result_against_a_task_that_moves", |side| {
        awaited(
            side,
            2,
            true,
            |mut done| {
                done.resolve(7);
                done.deinit()
            },
            Ok(7),
        );
    });
}

#[test]
fn a_last_word_against_a_poll() {
    explore("a_last_word_against_a_poll", |side| {
        awaited(side, 1, false, |done| done.finish(7), Ok(7));
    });
}

#[test]
fn an_error_against_a_poll() {
    explore("an_error_against_a_poll", |side| {
        let torn = Err(FutureError::Zig(ZigError::new("Torn")));
        awaited(
            side,
            1,
            false,
            |mut done| {
                done.fail();
                done.deinit()
            },
            torn,
        );
    });
}

#[test]
fn giving_up_against_a_poll() {
    explore("giving_up_against_a_poll", |side| {
        awaited(side, 1, false, Done::deinit, Err(FutureError::Disconnected));
    });
}

/// The future is dropped after `polls` polls while a thread completes.
fn dropped(side: Side, polls: u32, complete: fn(Done)) {
    let live = StdArc::new(StdUsize::new(0));
    let (done, mut future) = Done::new(side);
    let thread = thread::spawn(move || complete(done));
    let (_, own) = Task::new(&live);
    for _ in 0..polls {
        if poll(&mut future, &own).is_ready() {
            break;
        }
    }
    drop((future, own));
    thread.join().unwrap();
    nothing_is_left(&live);
}

#[test]
fn a_result_against_a_drop() {
    explore("a_result_against_a_drop", |side| {
        dropped(side, 0, |mut done| {
            done.resolve(7);
            done.deinit();
        });
    });
}

#[test]
fn a_last_word_against_a_drop() {
    explore("a_last_word_against_a_drop", |side| dropped(side, 0, |done| done.finish(7)));
}

#[test]
fn a_last_word_against_a_poll_and_a_drop() {
    explore("a_last_word_against_a_poll_and_a_drop", |side| {
        dropped(side, 1, |done| done.finish(7));
    });
}

#[test]
fn a_result_against_a_poll_and_a_drop() {
    explore("a_result_against_a_poll_and_a_drop", |side| {
        dropped(side, 1, |mut done| {
            done.resolve(7);
            done.deinit();
        });
    });
}

/// The completion's side asks to be woken, then looks; the future goes meanwhile.
fn told_of_cancellation(side: Side, cancel: fn(ZigFuture<u32>)) {
    let live = StdArc::new(StdUsize::new(0));
    let (mut done, future) = Done::new(side);
    let thread = thread::spawn(move || cancel(future));
    let (task, own) = Task::new(&live);
    done.wake_on_cancel(&own);
    let canceled = done.is_canceled();
    thread.join().unwrap();
    assert!(canceled || task.wakes() > 0, "LOST WAKEUP");
    assert!(task.wakes() <= 1, "told twice");
    assert!(done.is_canceled(), "LOST CANCELLATION");
    done.deinit();
    drop(own);
    nothing_is_left(&live);
}

#[test]
fn a_drop_is_told_to_who_asks() {
    explore("a_drop_is_told_to_who_asks", |side| told_of_cancellation(side, drop));
}

#[test]
fn a_cancellation_and_a_drop_are_told_once() {
    explore("a_cancellation_and_a_drop_are_told_once", |side| {
        told_of_cancellation(side, |future| {
            future.cancel();
            drop(future);
        });
    });
}

/// The future is canceled, polled and dropped while its operation asks to be told, completes and goes.
#[test]
fn all_at_once() {
    explore_some("all_at_once", |side| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut done, mut future) = Done::new(side);
        let counted = live.clone();
        let thread = thread::spawn(move || {
            let (_, own) = Task::new(&counted);
            done.wake_on_cancel(&own);
            drop(own);
            done.resolve(7);
            done.deinit();
        });
        let (_, own) = Task::new(&live);
        future.cancel();
        if let Poll::Ready(result) = poll(&mut future, &own) {
            assert_eq!(result, Ok(7));
        }
        drop((future, own));
        thread.join().unwrap();
        nothing_is_left(&live);
    });
}

#[test]
fn who_asks_again_is_told_again() {
    explore("who_asks_again_is_told_again", |side| {
        let live = StdArc::new(StdUsize::new(0));
        let (mut done, future) = Done::new(side);
        let (first, own) = Task::new(&live);
        done.wake_on_cancel(&own);
        let thread = thread::spawn(move || drop(future));
        let (second, other) = Task::new(&live);
        done.wake_on_cancel(&other);
        thread.join().unwrap();
        assert!(second.wakes() > 0, "LOST WAKEUP");
        assert!(first.wakes() <= 1 && second.wakes() <= 1, "told twice");
        done.deinit();
        drop((own, other));
        nothing_is_left(&live);
    });
}

/// The observer gives the completion up, on whichever thread it is told, while it is still being registered.
fn given_up_by_an_observer(end: fn(ZigFuture<u32>)) {
    let (done, future) = Done::new(Zig);
    let Done::Zig(handle) = done else { unreachable!() };
    let thread = thread::spawn(move || end(future));
    // SAFETY: not given up yet; it is when the future has gone.
    unsafe { model_completion_stop_on_cancel(handle.0) };
    thread.join().unwrap();
    nothing_is_left(&StdUsize::new(0));
}

#[test]
fn a_drop_against_an_observer_that_gives_up() {
    explore_some("a_drop_against_an_observer_that_gives_up", |_| given_up_by_an_observer(drop));
}

#[test]
fn a_cancellation_and_a_poll_against_an_observer_that_gives_up() {
    explore_some("a_cancellation_and_a_poll_against_an_observer_that_gives_up", |_| {
        given_up_by_an_observer(|mut future| {
            future.cancel();
            let canceled = Poll::Ready(Err(FutureError::Zig(ZigError::new("Canceled"))));
            let result = poll(&mut future, Waker::noop());
            assert!(result.is_pending() || result == canceled, "LOST RESULT");
        });
    });
}

/// Two copies of one completion, which only Zig can have, both complete: one is refused, and counted.
#[test]
fn two_results() {
    explore("two_results", |_| {
        let (done, mut future) = Done::new(Zig);
        let Done::Zig(handle) = done else { unreachable!() };
        let thread = thread::spawn(move || {
            let handle = handle;
            Done::Zig(handle).resolve(1)
        });
        let mine = Done::Zig(handle).resolve(2);
        let theirs = thread.join().unwrap();
        assert!(mine != theirs, "TWO RESULTS");
        Done::Zig(handle).deinit();
        assert_eq!(future.refused(), 1, "LOST count");
        expect(&mut future, None, &Ok(if mine { 2 } else { 1 }));
        drop(future);
        nothing_is_left(&StdUsize::new(0));
    });
}

/// An observer fails a canceled operation while the worker finishes it: one of them is refused.
#[test]
fn an_observer_that_fails_against_a_worker_that_finishes() {
    explore("an_observer_that_fails_against_a_worker_that_finishes", |_| {
        let (done, mut future) = Done::new(Zig);
        let Done::Zig(handle) = done else { unreachable!() };
        // SAFETY: not given up yet.
        unsafe { model_completion_say_on_cancel(handle.0) };
        let thread = thread::spawn(move || {
            let handle = handle;
            Done::Zig(handle).finish(5);
        });
        future.cancel();
        thread.join().unwrap();
        let canceled = Err(FutureError::Zig(ZigError::new("Canceled")));
        // SAFETY: the worker is through.
        let was_taken = unsafe { model_completion_was_taken() };
        if was_taken {
            assert_eq!(future.refused(), 1, "TWO RESULTS");
        }
        expect(&mut future, None, if was_taken { &canceled } else { &Ok(5) });
        drop(future);
        nothing_is_left(&StdUsize::new(0));
    });
}

fn finds(number: u32, scenario: &str) {
    let words = [
        "LOST",
        "TWO",
        "twice",
        "Causality",
        "is left",
        "used before",
        "double free",
        "Concurrent",
    ];
    zigflow_loom::explore::finds(number, scenario, &words);
}

#[test]
fn sown_90_a_poll_looks_without_saying_that_it_waits() {
    finds(90, "a_result_against_two_polls");
}

#[test]
fn sown_91_a_cancellation_wakes_nobody() {
    finds(91, "a_drop_is_told_to_who_asks");
}

#[test]
fn sown_92_a_second_result_is_taken() {
    finds(92, "two_results");
}

#[test]
fn sown_94_the_last_word_does_not_see_that_the_future_has_gone() {
    finds(94, "a_last_word_against_a_drop");
}

#[test]
fn sown_93_a_result_wakes_nobody() {
    finds(93, "a_result_against_two_polls");
}

#[test]
fn sown_96_who_asks_again_is_registered_in_vain() {
    finds(96, "who_asks_again_is_told_again");
}

#[test]
fn sown_97_a_registration_is_not_waited_for() {
    finds(97, "a_drop_against_an_observer_that_gives_up");
}

#[test]
fn sown_95_the_first_to_go_frees() {
    finds(95, "a_result_against_a_drop");
}

#[test]
fn sown_98_who_finishes_forgets_the_observer() {
    finds(98, "an_observer_that_fails_against_a_worker_that_finishes");
}
