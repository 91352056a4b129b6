//! The contract of zigflow's timers, on embassy-time's mock driver: time passes when the test says so.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use embassy_time::{Duration, MockDriver};
use futures_lite::future::{block_on, or, yield_now};
use zigflow_core::time::{Clock, Timer};
use zigflow_tests::conformance;

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// One test: the driver is one for the whole program.
#[test]
fn it_keeps_the_contract_in_virtual_time() {
    let driver = MockDriver::get();
    let (timer, mut runner) = zigflow_embassy::timer();
    let runs = async {
        runner.run().await;
    };
    let time_passes = async {
        loop {
            yield_now().await;
            driver.advance(Duration::from_micros(250));
        }
    };
    block_on(or(conformance::all(&timer), or(runs, time_passes)));

    // To the tick.
    let (timer, mut runner) = zigflow_embassy::timer();
    let mut runs = pin!(runner.run());
    let deadline = timer.now().saturating_add(std::time::Duration::from_millis(10));
    let mut sleep = pin!(timer.sleep_until(deadline));
    assert!(poll(sleep.as_mut()).is_pending() && poll(runs.as_mut()).is_pending());
    driver.advance(Duration::from_millis(10) - Duration::from_ticks(1));
    assert!(poll(runs.as_mut()).is_pending() && poll(sleep.as_mut()).is_pending());
    driver.advance(Duration::from_ticks(1));
    assert!(poll(runs.as_mut()).is_pending() && poll(sleep.as_mut()).is_ready());
}
