//! tokio's timer in tokio's own situations: no runtime, another runtime, a paused clock.

use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use zigflow_core::time::{Clock, Instant, Sleep, TimeoutError, Timer};
use zigflow_tokio::{TokioTimer, timeout};

const HOUR: Duration = Duration::from_secs(3600);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn paused() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

fn after(timer: &TokioTimer, duration: Duration) -> Instant {
    timer.now().saturating_add(duration)
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_sleep_made_outside_ends_inside() {
    let timer = TokioTimer::new();
    let deadline = after(&timer, Duration::from_millis(3));
    let sleep = timer.sleep_until(deadline);
    runtime().block_on(sleep);
    assert!(timer.now() >= deadline);
}

#[test]
fn a_deadline_in_the_past_needs_no_runtime() {
    let timer = TokioTimer::new();
    assert!(poll(pin!(timer.sleep_until(timer.now()))).is_ready());
}

#[test]
#[should_panic = "there is no reactor running"]
fn waiting_outside_panics() {
    let timer = TokioTimer::new();
    let _ = poll(pin!(timer.sleep_until(after(&timer, HOUR))));
}

#[test]
fn with_a_handle_a_foreign_thread_may_arm_a_sleep() {
    let runtime = runtime();
    let timer = TokioTimer::with_handle(runtime.handle().clone());
    let deadline = after(&timer, Duration::from_millis(3));
    let mut sleep = Box::pin(timer.sleep_until(deadline));
    let armed = thread::spawn(move || {
        let _ = poll(sleep.as_mut());
        sleep
    });
    runtime.block_on(armed.join().unwrap());
    assert!(timer.now() >= deadline);
}

#[test]
fn timers_share_an_epoch() {
    let runtime = runtime();
    let first = TokioTimer::new().now();
    let second = TokioTimer::with_handle(runtime.handle().clone()).now();
    let third = TokioTimer::default().now();
    assert!(first <= second && second <= third);
}

/// Nobody drives the runtime, so only the sleep itself can let go of the waker.
#[test]
fn a_sleep_that_is_over_before_it_fires_forgets_its_waker() {
    struct Task;
    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }
    let runtime = runtime();
    let timer = TokioTimer::with_handle(runtime.handle().clone());
    let task = Arc::new(Task);
    let waker = Waker::from(task.clone());
    let mut cx = Context::from_waker(&waker);
    let mut sleep = pin!(timer.sleep_until(after(&timer, HOUR)));
    assert!(sleep.as_mut().poll(&mut cx).is_pending());
    assert_eq!(Arc::strong_count(&task), 3);
    sleep.as_mut().reset(timer.now());
    assert!(sleep.as_mut().poll(&mut cx).is_ready());
    assert_eq!(Arc::strong_count(&task), 2);
}

#[test]
fn a_sleep_may_outlive_its_runtime() {
    let runtime = runtime();
    let timer = TokioTimer::with_handle(runtime.handle().clone());
    let mut sleep = Box::pin(timer.sleep_until(after(&timer, HOUR)));
    assert!(poll(sleep.as_mut()).is_pending());
    drop(runtime);
    sleep.as_mut().reset(after(&timer, 2 * HOUR));
    sleep.as_mut().reset(timer.now());
    assert!(poll(sleep.as_mut()).is_ready());
}

#[test]
#[should_panic = "shutdown"]
fn waiting_after_shutdown_panics() {
    let runtime = runtime();
    let timer = TokioTimer::with_handle(runtime.handle().clone());
    let mut sleep = Box::pin(timer.sleep_until(after(&timer, HOUR)));
    assert!(poll(sleep.as_mut()).is_pending());
    drop(runtime);
    let _ = poll(sleep.as_mut());
}

#[test]
fn a_paused_clock_runs_ahead_of_an_idle_runtime() {
    paused().block_on(async {
        let timer = TokioTimer::new();
        let start = timer.now();
        let answer = timeout(HOUR, pending::<()>()).await;
        assert_eq!(answer, Err(TimeoutError::Elapsed));
        let passed = timer.now().saturating_duration_since(start);
        assert!(passed >= HOUR && passed < HOUR + Duration::from_millis(2));
    });
}

#[test]
fn a_paused_clock_stands_still_while_the_runtime_is_busy() {
    paused().block_on(async {
        let timer = TokioTimer::new();
        let deadline = after(&timer, Duration::from_millis(1));
        let mut sleep = pin!(timer.sleep_until(deadline));
        assert!(poll(sleep.as_mut()).is_pending());
        let start = timer.now();
        tokio::task::yield_now().await;
        assert_eq!(timer.now(), start);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(poll(sleep).is_ready());
    });
}

#[test]
fn a_paused_clock_is_seen_from_outside_through_the_handle() {
    let runtime = paused();
    let timer = TokioTimer::with_handle(runtime.handle().clone());
    let start = timer.now();
    let sleep = timer.sleep_until(after(&timer, HOUR));
    runtime.block_on(sleep);
    assert!(timer.now() >= start.saturating_add(HOUR));
}

#[test]
fn no_pause_is_long_enough_for_never() {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    paused().block_on(async {
        let timer = TokioTimer::new();
        let mut sleep = pin!(timer.sleep_until(Instant::MAX));
        tokio::time::advance(CENTURY).await;
        assert!(poll(sleep.as_mut()).is_pending());
        sleep.as_mut().reset(after(&timer, HOUR));
        sleep.await;
    });
}

/// The runtime's thread waits for a thread that waits for the runtime's timer.
#[test]
fn a_timeout_ends_while_its_future_waits_for_a_thread() {
    let (release, held) = mpsc::channel::<()>();
    let thread = thread::spawn(move || held.recv());
    runtime().block_on(async {
        let mut polls = 0;
        let waits = poll_fn(|_| {
            polls += 1;
            if thread.is_finished() { Poll::Ready(()) } else { Poll::Pending }
        });
        let answer = timeout(Duration::from_millis(3), waits).await;
        assert_eq!(answer, Err(TimeoutError::Elapsed));
        assert!(polls <= 2, "a busy loop: {polls}");
    });
    drop(release);
    assert!(thread.join().unwrap().is_err());
}
