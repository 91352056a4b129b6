//! embassy-time's clock and alarm for zigflow, on any board that has an embassy-time driver.
//!
//! ```text
//!   sleeps ──▶ AlarmTimer: a queue ──▶ the first deadline ──▶ Runner: a task ──▶ embassy-time's driver
//!     ▲                                                          │
//!     └──────────────── wakes, outside of any interrupt ◀────────┘
//! ```
//!
//! The queue is zigflow's, because its contract is stricter than embassy's: a sleep that is dropped leaves no waker behind, and
//! the last waker is the one that is woken. The [`Runner`] is the only one that embassy's driver wakes.
//!
//! ```no_run
//! # fn spawn<F>(_: F) {}
//! let (timer, mut runner) = zigflow_embassy::timer();
//! spawn(async move { runner.run().await }); // a task of embassy-executor, or of any other
//! // … zigflow_core::timeout(timer.clone(), …), RateLimiter::new(timer, …)
//! ```
#![no_std]
#![forbid(unsafe_code)]

#[cfg(target_has_atomic = "ptr")]
extern crate alloc;

#[cfg(target_has_atomic = "ptr")]
use alloc::sync::Arc;
use core::cell::RefCell;
use core::convert::Infallible;
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};

use critical_section::Mutex;
use embassy_time_driver::TICK_HZ;
// Its features choose the rate and the driver.
use embassy_time as _;
#[cfg(not(target_has_atomic = "ptr"))]
use portable_atomic_util::Arc;
use zigflow_core::time::{Alarm, AlarmTimer, Instant};

/// A [`Timer`](zigflow_core::time::Timer) on embassy-time's driver. Clones share it.
pub type EmbassyTimer = AlarmTimer<EmbassyAlarm>;

/// A timer, and what drives it: without a task that runs the runner no sleep ends.
pub fn timer() -> (EmbassyTimer, Runner) {
    let set = Set { deadline: Instant::MAX, bell: None, runner: None };
    let alarm = EmbassyAlarm(Arc::new(Mutex::new(RefCell::new(set))));
    let runner = Runner { alarm: EmbassyAlarm(alarm.0.clone()) };
    (EmbassyTimer::new(alarm), runner)
}

/// embassy-time's clock, and one alarm, which a [`Runner`] sounds.
#[derive(Debug)]
pub struct EmbassyAlarm(Arc<Mutex<RefCell<Set>>>);

#[derive(Debug)]
struct Set {
    /// `MAX`: none.
    deadline: Instant,
    /// Whom to wake then.
    bell: Option<Waker>,
    /// The runner, while it waits.
    runner: Option<Waker>,
}

impl EmbassyAlarm {
    /// No foreign code runs in `f`: wakers go out of it.
    fn with<R>(&self, f: impl FnOnce(&mut Set) -> R) -> R {
        critical_section::with(|cs| f(&mut self.0.borrow_ref_mut(cs)))
    }
}

impl Alarm for EmbassyAlarm {
    fn now(&self) -> Instant {
        from_ticks(embassy_time_driver::now())
    }

    fn set(&self, deadline: Instant, waker: &Waker) {
        let bell = waker.clone();
        let (runner, _dropped_last) = self.with(|set| {
            set.deadline = deadline;
            (set.runner.take(), set.bell.replace(bell))
        });
        if let Some(runner) = runner {
            runner.wake();
        }
    }
}

/// Sounds the alarm of an [`EmbassyTimer`]. When it is dropped, no further sleep ends.
#[derive(Debug)]
#[must_use = "no sleep ends before a task runs this"]
pub struct Runner {
    alarm: EmbassyAlarm,
}

impl Runner {
    /// Never ends. Cancel safe: a later call goes on.
    pub async fn run(&mut self) -> Infallible {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Infallible> {
        let alarm = &self.alarm;
        loop {
            let runner = cx.waker().clone();
            let now = alarm.now();
            let (due, deadline, _dropped_last) = alarm.with(|set| {
                let is_due = set.deadline <= now;
                if is_due {
                    set.deadline = Instant::MAX;
                }
                let due = if is_due { set.bell.take() } else { None };
                (due, set.deadline, set.runner.replace(runner))
            });
            match due {
                // Wakes the tasks that are due, and sets the next alarm.
                Some(bell) => bell.wake(),
                None if deadline == Instant::MAX => return Poll::Pending,
                None => {
                    embassy_time_driver::schedule_wake(to_ticks(deadline), cx.waker());
                    return Poll::Pending;
                }
            }
        }
    }
}

const NANOS: u64 = 1_000_000_000;

/// The time when a tick begins, rounded down.
fn from_ticks(ticks: u64) -> Instant {
    let nanos = u128::from(ticks) * u128::from(NANOS) / u128::from(TICK_HZ);
    Instant::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)).min(Instant::LAST)
}

/// The first tick that does not begin before `at`.
fn to_ticks(at: Instant) -> u64 {
    let ticks = (u128::from(at.as_nanos()) * u128::from(TICK_HZ)).div_ceil(u128::from(NANOS));
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_rounded_up_and_the_clock_down() {
        for nanos in [0, 1, 999, 1_000, 1_001, 30_517, 30_518, NANOS - 1, NANOS, 86_400 * NANOS + 7]
        {
            let at = Instant::from_nanos(nanos);
            let ticks = to_ticks(at);
            assert!(from_ticks(ticks) >= at, "{nanos}");
            assert!(ticks == 0 || from_ticks(ticks - 1) < at, "{nanos}");
        }
    }
}
