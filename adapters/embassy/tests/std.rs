//! The contract of zigflow's timers, on embassy-time's std driver: in real time, with the runner as another task, on this
//! thread and on another.

use std::thread;

use futures_lite::future::{block_on, or};
use zigflow_core::time::{Clock, Instant, Timer};
use zigflow_tests::conformance;

#[test]
fn it_keeps_the_contract_with_the_runner_beside_it() {
    let (timer, mut runner) = zigflow_embassy::timer();
    let runs = async {
        runner.run().await;
    };
    block_on(or(conformance::all(&timer), runs));
}

#[test]
fn it_keeps_the_contract_with_the_runner_on_another_thread() {
    let (timer, mut runner) = zigflow_embassy::timer();
    thread::spawn(move || block_on(runner.run()));
    block_on(async {
        conformance::all(&timer).await;
        conformance::across_threads(&timer).await;
    });
}

#[test]
fn a_sleep_that_began_before_the_runner_ends_in_it() {
    let (timer, mut runner) = zigflow_embassy::timer();
    let deadline = timer.now().saturating_add(std::time::Duration::from_millis(2));
    let sleep = timer.sleep_until(deadline);
    let runs = async {
        runner.run().await;
    };
    block_on(or(sleep, runs));
    assert!(timer.now() >= deadline);
}

#[test]
fn the_clock_is_embassys() {
    let (timer, _runner) = zigflow_embassy::timer();
    let before = embassy_time::Instant::now().as_micros();
    let now = timer.now();
    let after = embassy_time::Instant::now().as_micros();
    assert!(now >= Instant::from_nanos(before * 1000));
    assert!(now.as_nanos() / 1000 <= after);
}
