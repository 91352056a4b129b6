//! A deadline for any future: `timeout` and `timeout_at`.
#![cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]

mod support;

use std::cell::Cell;
use std::future::{self, Ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::future::FusedFuture;
use support::{Event, Probe, assert_not_impl, poll};
use zigflow_core::time::{
    Clock, Instant, ManualSleep, ManualTimer, Timeout, TimeoutError, Timer, timeout, timeout_at,
};

const SECOND: Duration = Duration::from_secs(1);

/// What a `Watched` has been through, in order.
type Log = Rc<Cell<&'static str>>;

/// Ready at the given poll; tells when it is dropped.
struct Watched {
    polls_left: usize,
    log: Log,
}

impl Watched {
    fn ready_at_poll(polls: usize) -> (Self, Log) {
        let log = Log::default();
        let watched = Self { polls_left: polls, log: log.clone() };
        (watched, log)
    }

    fn never() -> (Self, Log) {
        Self::ready_at_poll(usize::MAX)
    }
}

impl Future for Watched {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
        self.log.set("polled");
        self.polls_left -= 1;
        match self.polls_left {
            0 => Poll::Ready(7),
            _ => Poll::Pending,
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.log.set("dropped");
    }
}

#[test]
fn a_future_in_time_gives_its_output() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let mut answer = pin!(timeout(&timer, SECOND, Watched::ready_at_poll(2).0));
    assert!(poll(answer.as_mut(), &task).is_pending());
    timer.advance(SECOND / 2);
    assert_eq!(poll(answer.as_mut(), &task), Poll::Ready(Ok(7)));
}

#[test]
fn the_inner_future_is_dropped_before_elapsed_is_returned() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let (future, log) = Watched::never();
    let mut answer = pin!(timeout(&timer, SECOND, future));
    assert!(poll(answer.as_mut(), &task).is_pending());
    timer.advance(SECOND);
    assert_eq!((task.wakes(), log.get()), (1, "polled"));
    let result = poll(answer.as_mut(), &task);
    assert_eq!(result, Poll::Ready(Err(TimeoutError::Elapsed)));
    assert_eq!(log.get(), "dropped"); // though `answer` lives
}

#[test]
fn a_ready_future_arms_no_timer() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let moved = timer.clone();
    let future = future::poll_fn(move |_| {
        assert_eq!(moved.armed(), 0);
        Poll::Ready(())
    });
    let answer = pin!(timeout(&timer, SECOND, future));
    assert_eq!(poll(answer, &task), Poll::Ready(Ok(())));
    assert_eq!((task.clones(), timer.armed()), (0, 0));
}

#[test]
fn a_finished_timeout_that_is_kept_holds_nothing() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let (future, log) = Watched::ready_at_poll(2);
    let mut answer = pin!(timeout(&timer, SECOND, future));
    assert!(poll(answer.as_mut(), &task).is_pending());
    assert_eq!(timer.armed(), 1);
    assert!(poll(answer.as_mut(), &task).is_ready());
    assert_eq!((timer.armed(), task.alive()), (0, 0));
    assert_eq!(log.get(), "dropped");
    assert!(answer.is_terminated());
}

#[test]
fn the_future_can_be_taken_back() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let mut answer = timeout(&timer, SECOND, Watched::ready_at_poll(2).0);
    assert!(poll(Pin::new(&mut answer), &task).is_pending());
    let mut future = answer.into_inner().expect("it is not over");
    assert_eq!(timer.armed(), 0);
    assert_eq!(poll(Pin::new(&mut future), &task), Poll::Ready(7));
    let mut answer = timeout(&timer, SECOND, future::ready(1));
    assert!(poll(Pin::new(&mut answer), &task).is_ready());
    assert!(answer.into_inner().is_none());
}

#[test]
fn zero_duration_still_gives_one_poll() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let ready = pin!(timeout(&timer, Duration::ZERO, Watched::ready_at_poll(1).0));
    assert_eq!(poll(ready, &task), Poll::Ready(Ok(7)));
    let late = pin!(timeout(&timer, Duration::ZERO, Watched::ready_at_poll(2).0));
    assert_eq!(poll(late, &task), Poll::Ready(Err(TimeoutError::Elapsed)));
    assert_eq!(task.clones(), 0);
}

#[test]
fn the_future_wins_when_both_are_ready() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let mut answer = pin!(timeout(&timer, SECOND, Watched::ready_at_poll(2).0));
    assert!(poll(answer.as_mut(), &task).is_pending());
    timer.advance(2 * SECOND);
    assert_eq!(poll(answer, &task), Poll::Ready(Ok(7)));
}

#[test]
fn time_runs_from_the_first_poll_that_waits() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let mut answer = pin!(timeout(&timer, SECOND, future::pending::<()>()));
    timer.advance(SECOND);
    assert!(poll(answer.as_mut(), &task).is_pending());
    timer.advance(SECOND - Duration::from_nanos(1));
    assert!(poll(answer.as_mut(), &task).is_pending());
    timer.advance(Duration::from_nanos(1));
    assert!(poll(answer, &task).is_ready());
}

/// `timeout_at` has its deadline, whenever it is polled.
#[test]
fn a_deadline_does_not_wait_for_the_first_poll() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let deadline = timer.now().saturating_add(SECOND);
    let answer = pin!(timeout_at(&timer, deadline, future::pending::<()>()));
    timer.advance(SECOND);
    assert!(poll(answer, &task).is_ready());
}

/// A clock costs more than a future that is ready.
#[test]
fn a_ready_future_costs_no_look_at_the_clock() {
    struct Looked(ManualTimer, Cell<u32>);
    impl Clock for Looked {
        fn now(&self) -> Instant {
            self.1.set(self.1.get() + 1);
            self.0.now()
        }
    }
    impl Timer for Looked {
        type Sleep = ManualSleep;
        fn sleep_until(&self, deadline: Instant) -> ManualSleep {
            self.0.sleep_until(deadline)
        }
    }
    let timer = Looked(ManualTimer::new(), Cell::new(0));
    let answer = pin!(timeout(&timer, SECOND, future::ready(1)));
    assert_eq!(poll(answer, &Probe::new()), Poll::Ready(Ok(1)));
    assert_eq!(timer.1.get(), 0);
    let answer = pin!(timeout(&timer, SECOND, future::pending::<()>()));
    assert!(poll(answer, &Probe::new()).is_pending());
    assert_eq!(timer.1.get(), 1);
}

#[test]
fn a_duration_beyond_the_range_means_no_limit() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let mut answer = pin!(timeout(&timer, Duration::MAX, future::pending::<()>()));
    timer.advance(Duration::MAX);
    assert!(poll(answer.as_mut(), &task).is_pending());
    assert_eq!(timer.advance_to_next(), None);
}

#[test]
fn a_deadline_in_the_past_has_elapsed() {
    let timer = ManualTimer::starting_at(Instant::from_nanos(9));
    let deadline = Instant::from_nanos(8);
    let answer = pin!(timeout_at(&timer, deadline, future::pending::<()>()));
    assert!(poll(answer, &Probe::new()).is_ready());
}

#[test]
fn timeout_polled_from_another_task_each_time() {
    let timer = ManualTimer::new();
    let mut answer = pin!(timeout(&timer, SECOND, future::pending::<()>()));
    let tasks: Vec<_> = (0..8).map(|_| Probe::new()).collect();
    for task in &tasks {
        assert!(poll(answer.as_mut(), task).is_pending());
    }
    timer.advance(SECOND);
    let wakes: Vec<_> = tasks.iter().map(|task| task.wakes()).collect();
    assert_eq!(wakes, [0, 0, 0, 0, 0, 0, 0, 1]);
}

#[test]
fn dropping_a_timeout_drops_the_future_and_disarms() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let (future, log) = Watched::never();
    let mut answer = Box::pin(timeout(&timer, SECOND, future));
    assert!(poll(answer.as_mut(), &task).is_pending());
    drop(answer);
    assert_eq!(log.get(), "dropped");
    assert_eq!((timer.armed(), task.alive()), (0, 0));
}

#[test]
fn wake_that_polls_the_timeout_inside_advance() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let mut answer = Box::pin(timeout(timer.clone(), SECOND, future::pending::<()>()));
    assert!(poll(answer.as_mut(), &task).is_pending());
    let answer = std::sync::Mutex::new(answer);
    task.on_event(move |event| {
        if event == Event::Wake {
            let mut answer = answer.lock().unwrap();
            assert!(poll(answer.as_mut(), &Probe::new()).is_ready());
        }
    });
    timer.advance(SECOND);
    assert_eq!((task.wakes(), timer.armed()), (1, 0));
    task.on_event_nothing();
}

#[test]
fn of_nested_timeouts_the_shorter_one_speaks() {
    let (timer, task) = (ManualTimer::new(), Probe::new());
    let inner = timeout(&timer, SECOND, future::pending::<()>());
    let mut answer = pin!(timeout(&timer, 2 * SECOND, inner));
    assert!(poll(answer.as_mut(), &task).is_pending());
    timer.advance(SECOND);
    let result = poll(answer, &task);
    assert_eq!(result, Poll::Ready(Ok(Err(TimeoutError::Elapsed))));
    assert_eq!(timer.armed(), 0);
}

#[test]
fn polling_after_completion_panics() {
    let task = Probe::new();
    let mut answer = pin!(timeout(ManualTimer::new(), SECOND, future::ready(())));
    assert!(poll(answer.as_mut(), &task).is_ready());
    let again = catch_unwind(AssertUnwindSafe(|| poll(answer.as_mut(), &task)));
    let message = *again.unwrap_err().downcast::<&str>().unwrap();
    assert_eq!(message, "`Timeout` polled after completion");
}

#[test]
fn a_panic_in_the_future_passes_and_drops_it_once() {
    struct Panics(Log);
    impl Future for Panics {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            panic!("on purpose")
        }
    }
    impl Drop for Panics {
        fn drop(&mut self) {
            assert_ne!(self.0.replace("dropped"), "dropped");
        }
    }
    let log = Log::default();
    let timer = ManualTimer::new();
    let mut answer = Box::pin(timeout(&timer, SECOND, Panics(log.clone())));
    let polled = catch_unwind(AssertUnwindSafe(|| poll(answer.as_mut(), &Probe::new())));
    assert!(polled.is_err());
    drop(answer);
    assert_eq!((log.get(), timer.armed()), ("dropped", 0));
}

#[test]
fn the_error_says_so() {
    let error: Box<dyn std::error::Error + Send + Sync> = TimeoutError::Elapsed.into();
    assert_eq!(error.to_string(), "the deadline has elapsed");
    #[cfg(feature = "std")]
    {
        let error = std::io::Error::from(TimeoutError::Elapsed);
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    }
}

#[test]
fn send_and_sync_are_those_of_the_parts() {
    fn all<T: Send + Sync + Unpin + 'static>() {}
    all::<Timeout<Ready<u32>, ManualTimer>>();
    all::<TimeoutError>();
    assert_not_impl!(Timeout<Ready<Rc<u32>>, ManualTimer>: Send);
    assert_not_impl!(Timeout<Ready<Cell<u32>>, ManualTimer>: Sync);
    assert_not_impl!(Timeout<std::marker::PhantomPinned, ManualTimer>: Unpin);
}

#[test]
fn a_timer_behind_a_reference_will_do() {
    fn within_a_second<T: Timer + ?Sized>(timer: &T) -> Timeout<Ready<u8>, &T> {
        timeout(timer, SECOND, future::ready(1))
    }
    let timer = &ManualTimer::new();
    let answer = pin!(within_a_second(&timer));
    assert_eq!(poll(answer, &Probe::new()), Poll::Ready(Ok(1)));
}
