//! async-std's timer under async-std; the contract itself is held in the tests package.

use std::future::pending;
use std::time::Duration;

use async_std::task;
use zigflow_async_std::{AsyncStdSleep, AsyncStdTimer, timeout};
use zigflow_core::time::{Clock, TimeoutError, Timer};

const STEP: Duration = Duration::from_millis(3);

#[test]
fn a_sleep_ends_in_a_spawned_task() {
    let timer = AsyncStdTimer::new();
    let deadline = timer.now().saturating_add(STEP);
    let sleep: AsyncStdSleep = timer.sleep_until(deadline);
    task::block_on(task::spawn(sleep));
    assert!(timer.now() >= deadline);
}

#[test]
fn a_timeout_elapses() {
    let answer = task::block_on(timeout(STEP, pending::<()>()));
    assert_eq!(answer, Err(TimeoutError::Elapsed));
}

#[test]
fn a_sleep_of_the_runtime_itself_is_in_time() {
    let answer = task::block_on(timeout(Duration::MAX, task::sleep(STEP)));
    assert_eq!(answer, Ok(()));
}
