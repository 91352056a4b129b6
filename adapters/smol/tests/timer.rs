//! smol's timer under smol; the contract itself is held in the tests package.

use std::future::pending;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use zigflow_core::time::{Clock, Instant, Sleep, TimeoutError, Timer};
use zigflow_smol::{SmolTimer, timeout};

const STEP: Duration = Duration::from_millis(3);

fn after_a_step(timer: &SmolTimer) -> Instant {
    timer.now().saturating_add(STEP)
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_sleep_made_before_any_executor_ends_in_one() {
    let timer = SmolTimer::new();
    let deadline = after_a_step(&timer);
    let sleep = timer.sleep_until(deadline);
    smol::block_on(sleep);
    assert!(timer.now() >= deadline);
}

#[test]
fn a_sleep_is_used_again_and_again() {
    smol::block_on(async {
        let timer = SmolTimer::new();
        let mut sleep = pin!(timer.sleep_until(timer.now()));
        for _ in 0..3 {
            sleep.as_mut().await;
            assert!(poll(sleep.as_mut()).is_ready());
            let deadline = after_a_step(&timer);
            sleep.as_mut().reset(deadline);
            sleep.as_mut().await;
            assert!(timer.now() >= deadline);
        }
    });
}

#[test]
fn never_is_pending_until_it_is_reset() {
    let mut sleep = pin!(SmolTimer::new().sleep_until(Instant::MAX));
    assert!(poll(sleep.as_mut()).is_pending());
    sleep.as_mut().reset(Instant::from_nanos(0));
    assert!(poll(sleep.as_mut()).is_ready());
    sleep.as_mut().reset(Instant::MAX);
    assert!(poll(sleep).is_pending());
}

#[test]
fn a_timeout_elapses() {
    let answer = smol::block_on(timeout(STEP, pending::<()>()));
    assert_eq!(answer, Err(TimeoutError::Elapsed));
}

#[test]
fn all_values_are_one_timer() {
    let first = SmolTimer::new().now();
    let second = thread::spawn(|| SmolTimer::default().now()).join().unwrap();
    assert!(first <= second);
}
