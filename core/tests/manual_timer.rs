//! The manual timer, one situation at a time. `manual_timer_model.rs` mixes them at random.
#![cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake};
use std::thread;
use std::time::Duration;

use support::{Event, Probe, assert_not_impl, poll};
use zigflow_core::time::{Clock, Instant, ManualSleep, ManualTimer, Sleep, Timer};

const NANO: Duration = Duration::from_nanos(1);
const SECOND: Duration = Duration::from_secs(1);

/// A sleep that ends `seconds` from now.
fn sleep(timer: &ManualTimer, seconds: u64) -> ManualSleep {
    timer.sleep_until(after(timer, seconds))
}

fn after(timer: &ManualTimer, seconds: u64) -> Instant {
    timer.now().saturating_add(Duration::from_secs(seconds))
}

/// A sleep that waits for `probe` already.
fn armed(timer: &ManualTimer, seconds: u64, probe: &Arc<Probe>) -> Pin<Box<ManualSleep>> {
    let mut sleep = Box::pin(sleep(timer, seconds));
    assert!(poll(sleep.as_mut(), probe).is_pending());
    sleep
}

#[test]
fn a_sleep_never_fires_early() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let mut sleep = armed(&timer, 1, &task);
    timer.advance(SECOND - NANO);
    assert_eq!(task.wakes(), 0);
    assert!(poll(sleep.as_mut(), &task).is_pending());
    timer.advance(NANO);
    assert_eq!(task.wakes(), 1);
    assert!(poll(sleep.as_mut(), &task).is_ready());
}

#[test]
fn zero_duration_is_ready_at_first_poll() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    assert!(poll(pin!(sleep(&timer, 0)), &task).is_ready());
    assert_eq!(task.clones(), 0);
}

#[test]
fn a_deadline_in_the_past_is_ready_at_first_poll() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let start = timer.now();
    timer.advance(SECOND);
    assert!(poll(pin!(timer.sleep_until(start)), &task).is_ready());
}

#[test]
fn a_sleep_stays_ready() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let mut sleep = armed(&timer, 1, &task);
    timer.advance(SECOND);
    assert!(poll(sleep.as_mut(), &task).is_ready());
    assert!(poll(sleep.as_mut(), &task).is_ready());
}

#[test]
fn making_a_sleep_arms_nothing() {
    let timer = ManualTimer::new();
    let _sleep = sleep(&timer, 1);
    assert_eq!(timer.armed(), 0);
    assert_eq!(timer.next_deadline(), None);
}

#[test]
fn time_stands_still_unless_moved() {
    let timer = ManualTimer::new();
    let start = timer.now();
    assert_eq!(timer.clone().now(), start);
    timer.clone().advance(SECOND);
    assert_eq!(timer.now().saturating_duration_since(start), SECOND);
}

#[test]
fn dropping_a_sleep_forgets_its_waker() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let sleep = armed(&timer, 1, &task);
    assert_eq!((timer.armed(), task.alive()), (1, 1));
    drop(sleep);
    assert_eq!((timer.armed(), task.alive()), (0, 0));
    timer.advance(SECOND);
    assert_eq!(task.wakes(), 0);
}

#[test]
fn a_sleep_outlives_every_handle_of_its_timer() {
    let task = Probe::new();
    let mut sleep = armed(&ManualTimer::new(), 1, &task);
    assert!(poll(sleep.as_mut(), &task).is_pending());
}

#[test]
fn waker_changed_between_polls_wakes_only_the_last() {
    let (timer, first, last) = (ManualTimer::new(), Probe::new(), Probe::new());
    let mut sleep = armed(&timer, 1, &first);
    assert!(poll(sleep.as_mut(), &last).is_pending());
    assert_eq!((timer.armed(), first.alive()), (1, 0));
    timer.advance(SECOND);
    assert_eq!((first.wakes(), last.wakes()), (0, 1));
}

#[test]
fn the_same_waker_again_is_not_cloned() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let mut sleep = armed(&timer, 1, &task);
    for _ in 0..10 {
        assert!(poll(sleep.as_mut(), &task).is_pending());
    }
    assert_eq!(task.clones(), 1);
}

#[test]
fn reset_before_and_after_firing() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let mut sleep = armed(&timer, 1, &task);

    sleep.as_mut().reset(after(&timer, 2));
    assert!(poll(sleep.as_mut(), &task).is_pending());
    timer.advance(SECOND);
    assert_eq!(task.wakes(), 0);
    timer.advance(SECOND);
    assert_eq!(task.wakes(), 1);

    // Woken but not yet polled.
    sleep.as_mut().reset(after(&timer, 1));
    assert!(poll(sleep.as_mut(), &task).is_pending());
    timer.advance(SECOND);
    assert!(poll(sleep.as_mut(), &task).is_ready());

    // Ready.
    sleep.as_mut().reset(after(&timer, 1));
    assert!(poll(sleep.as_mut(), &task).is_pending());
    timer.advance(SECOND);
    assert_eq!(task.wakes(), 3);
    assert!(poll(sleep.as_mut(), &task).is_ready());

    // Into the past.
    sleep.as_mut().reset(Instant::from_nanos(0));
    assert!(poll(sleep.as_mut(), &task).is_ready());
}

#[test]
fn reset_forgets_the_waker() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let mut sleep = armed(&timer, 1, &task);
    sleep.as_mut().reset(after(&timer, 2));
    assert_eq!((timer.armed(), task.alive()), (0, 0));
    assert_eq!(sleep.deadline(), after(&timer, 2));
}

#[test]
fn wakes_come_by_deadline_then_by_first_wait() {
    let timer = ManualTimer::new();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut sleeps = Vec::new();
    for (name, seconds) in [(0, 3), (1, 1), (2, 2), (3, 1), (4, 9)] {
        let (task, order) = (Probe::new(), order.clone());
        task.on_event(move |event| {
            if event == Event::Wake {
                order.lock().unwrap().push(name);
            }
        });
        sleeps.push((armed(&timer, seconds, &task), task));
    }
    // Another waker does not lose the place in the queue.
    let (first, task) = &mut sleeps[1];
    assert!(poll(first.as_mut(), &Probe::new()).is_pending());
    assert!(poll(first.as_mut(), task).is_pending());

    timer.advance(5 * SECOND);
    assert_eq!(*order.lock().unwrap(), [1, 3, 2, 0]);
}

#[test]
fn advance_to_next_stops_at_each_deadline() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let start = timer.now();
    let _sleeps = [2, 1, 2, 3].map(|seconds| armed(&timer, seconds, &task));
    for (seconds, wakes) in [(1, 1), (2, 3), (3, 4)] {
        let deadline = start.saturating_add(seconds * SECOND);
        assert_eq!(timer.next_deadline(), Some(deadline));
        assert_eq!(timer.advance_to_next(), Some(deadline));
        assert_eq!((timer.now(), task.wakes()), (deadline, wakes));
    }
    assert_eq!(timer.advance_to_next(), None);
    assert_eq!(timer.now(), start.saturating_add(3 * SECOND));
}

#[test]
fn wake_that_drops_another_sleep_inside_advance() {
    let (timer, first, second) = (ManualTimer::new(), Probe::new(), Probe::new());
    let _sleep = armed(&timer, 1, &first);
    let other = Mutex::new(Some(armed(&timer, 1, &second)));
    first.on_event(move |_| drop(other.lock().unwrap().take()));
    timer.advance(SECOND);
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    assert_eq!(second.alive(), 0);
    first.on_event_nothing();
}

#[test]
fn wake_that_drops_its_own_sleep_inside_advance() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let own = Mutex::new(Some(armed(&timer, 1, &task)));
    task.on_event(move |_| drop(own.lock().unwrap().take()));
    timer.advance(SECOND);
    assert_eq!((task.wakes(), task.alive(), timer.armed()), (1, 0, 0));
}

#[test]
fn wake_that_polls_inline_and_waits_again() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let ticks = Arc::new(Mutex::new(armed(&timer, 1, &task)));
    let (moved, shared) = (timer.clone(), Arc::downgrade(&ticks));
    let inner = Probe::new();
    task.on_event(move |event| {
        if let (Event::Wake, Some(ticks)) = (event, shared.upgrade()) {
            let mut sleep = ticks.lock().unwrap();
            assert!(poll(sleep.as_mut(), &inner).is_ready());
            sleep.as_mut().reset(after(&moved, 1));
            assert!(poll(sleep.as_mut(), &inner).is_pending());
        }
    });
    timer.advance(SECOND);
    assert_eq!(timer.next_deadline(), Some(after(&timer, 1)));
}

#[test]
fn wake_that_advances_inside_advance() {
    let (timer, first, second) = (ManualTimer::new(), Probe::new(), Probe::new());
    let _sleeps = [armed(&timer, 1, &first), armed(&timer, 2, &second)];
    let moved = timer.clone();
    first.on_event(move |event| {
        if event == Event::Wake {
            moved.advance(SECOND);
        }
    });
    timer.advance(SECOND);
    assert_eq!((first.wakes(), second.wakes()), (1, 1));
    assert_eq!(timer.now(), Instant::from_nanos(2_000_000_000));
}

#[test]
fn wake_that_panics_leaves_the_timer_whole() {
    let (timer, bad, good) = (ManualTimer::new(), Probe::new(), Probe::new());
    let mut sleeps = [armed(&timer, 1, &bad), armed(&timer, 1, &good)];
    bad.on_event(|_| panic!("on purpose"));
    assert!(catch_unwind(AssertUnwindSafe(|| timer.advance(SECOND))).is_err());
    bad.on_event_nothing();

    assert_eq!(timer.now(), Instant::from_nanos(1_000_000_000));
    assert_eq!((good.wakes(), timer.armed()), (0, 1));
    timer.advance(Duration::ZERO);
    assert_eq!((good.wakes(), timer.armed()), (1, 0));
    for sleep in &mut sleeps {
        assert!(poll(sleep.as_mut(), &good).is_ready());
    }
}

#[test]
fn clone_that_panics_leaves_the_timer_whole() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let mut sleep = Box::pin(sleep(&timer, 1));
    task.on_event(|event| assert_ne!(event, Event::Clone, "on purpose"));
    let polled = catch_unwind(AssertUnwindSafe(|| poll(sleep.as_mut(), &task)));
    assert!(polled.is_err());
    assert_eq!(timer.armed(), 0);
    task.on_event_nothing();
    assert!(poll(sleep.as_mut(), &task).is_pending());
}

/// A hang here means that the lock was held.
#[test]
fn no_waker_is_touched_under_the_lock() {
    let (timer, first, last) = (ManualTimer::new(), Probe::new(), Probe::new());
    for task in [&first, &last] {
        let seen = timer.clone();
        task.on_event(move |_| assert!(seen.armed() <= 1));
    }
    let mut sleep = armed(&timer, 1, &first); // clone
    assert!(poll(sleep.as_mut(), &last).is_pending()); // replace
    sleep.as_mut().reset(after(&timer, 2)); // forget
    assert!(poll(sleep.as_mut(), &first).is_pending());
    timer.advance(2 * SECOND); // wake
    drop(armed(&timer, 1, &last)); // drop
    assert_eq!((first.wakes(), last.alive()), (1, 0));
}

#[test]
fn clock_that_moves_while_the_waker_is_cloned() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let moved = timer.clone();
    task.on_event(move |event| {
        if event == Event::Clone {
            moved.advance(SECOND);
        }
    });
    // Pending would be for ever: the only advance is over.
    assert!(poll(pin!(sleep(&timer, 1)), &task).is_ready());
    assert_eq!((timer.armed(), task.alive()), (0, 0));
}

#[test]
fn a_sleep_polled_inside_the_wake_of_another_gives_up_its_waker() {
    let (timer, first, second) = (ManualTimer::new(), Probe::new(), Probe::new());
    let _sleep = armed(&timer, 1, &first);
    let other = Mutex::new(armed(&timer, 1, &second));
    first.on_event(move |event| {
        if event == Event::Wake {
            let mut other = other.lock().unwrap();
            assert!(poll(other.as_mut(), &Probe::new()).is_ready());
        }
    });
    timer.advance(SECOND);
    assert_eq!((second.wakes(), second.alive()), (0, 0));
    first.on_event_nothing();
}

#[test]
fn deadline_overflow_saturates_to_never() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let never = timer.now().saturating_add(Duration::MAX);
    assert_eq!(never, Instant::MAX);
    let mut sleep = Box::pin(timer.sleep_until(never));
    assert!(poll(sleep.as_mut(), &task).is_pending());
    assert_eq!(timer.next_deadline(), None);
    assert_eq!(timer.advance_to_next(), None);

    timer.advance(Duration::MAX);
    timer.advance(Duration::MAX);
    assert_eq!(timer.now(), Instant::LAST);
    assert_eq!(task.wakes(), 0);
    assert!(poll(sleep.as_mut(), &task).is_pending());

    sleep.as_mut().reset(Instant::LAST);
    assert!(poll(sleep.as_mut(), &task).is_ready());
}

#[test]
fn instants_saturate_at_both_ends() {
    let (zero, max) = (Instant::from_nanos(0), Instant::MAX);
    assert_eq!(max.saturating_add(NANO), max);
    assert_eq!(zero.saturating_add(Duration::from_nanos(u64::MAX)), max);
    assert_eq!(zero.saturating_duration_since(max), Duration::ZERO);
    let whole = max.saturating_duration_since(zero);
    assert_eq!(whole, Duration::from_nanos(u64::MAX));
    assert_eq!(ManualTimer::starting_at(max).now(), Instant::LAST);
    assert_eq!(format!("{max:?}"), "Instant(never)");
    let later = Instant::from_nanos(1_500_000_000);
    assert_eq!(format!("{later:?}"), "Instant(1.5s)");
}

#[test]
fn references_and_arcs_are_timers_too() {
    fn ends_after_a_second(timer: impl Timer<Sleep = ManualSleep>) -> ManualSleep {
        timer.sleep_until(timer.now().saturating_add(SECOND))
    }
    let timer = ManualTimer::new();
    let here = ends_after_a_second(&timer).deadline();
    assert_eq!(ends_after_a_second(Arc::new(timer)).deadline(), here);
}

/// Sleeps come, move and go on four threads while the test's own thread moves the clock.
#[test]
fn sleeps_on_many_threads_all_end() {
    const SLEEPS: u64 = if cfg!(miri) { 20 } else { 1_000 };
    let timer = ManualTimer::new();
    let threads = [0, 1, 2, 3].map(|seed| {
        let timer = timer.clone();
        thread::spawn(move || {
            for round in 0..SLEEPS {
                let span = Duration::from_nanos((round * 7 + seed) % 13);
                let mut sleep = pin!(timer.sleep_until(timer.now().saturating_add(span)));
                if round % 3 == 0 {
                    let _ = poll(sleep.as_mut(), &Probe::new());
                    sleep.as_mut().reset(timer.now().saturating_add(2 * span));
                }
                let deadline = sleep.deadline();
                block_on(sleep);
                assert!(timer.now() >= deadline);
            }
        })
    });
    while !threads.iter().all(thread::JoinHandle::is_finished) {
        timer.advance(NANO);
        thread::yield_now();
    }
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(timer.armed(), 0);
}

fn block_on<F: Future>(mut future: Pin<&mut F>) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn send_and_sync() {
    fn all<T: Send + Sync + Unpin + 'static>() {}
    all::<ManualTimer>();
    all::<ManualSleep>();
    all::<Instant>();
    assert_not_impl!(ManualSleep: Clone);
    assert_not_impl!(dyn Clock: Send);
}
