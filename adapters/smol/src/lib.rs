//! smol's timer for zigflow.
//!
//! [`SmolTimer`] gives the patterns of `zigflow_core::time` the timer of async-io, which is the one
//! beneath smol; [`timeout`] is the shorthand for the usual case. It runs under any executor:
//! async-io drives it from a thread of its own where nobody else does.
#![forbid(unsafe_code)]

use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant as StdInstant};

use zigflow_core::time::{Clock, Instant, Sleep, Timeout, Timer};

/// Gives `future` so long, from the first poll on.
///
/// # Errors
///
/// `TimeoutError::Elapsed` if the future was not ready in time. It has been dropped by then.
///
/// # Panics
///
/// When polled again after it was ready.
///
/// # Cancel safety
///
/// As [`zigflow_core::time::timeout`].
///
/// # Examples
///
/// ```
/// # smol::block_on(async {
/// use std::{future, time::Duration};
///
/// let answer = zigflow_smol::timeout(Duration::from_millis(5), future::pending::<()>()).await;
/// assert!(answer.is_err());
/// # });
/// ```
pub fn timeout<F: Future>(duration: Duration, future: F) -> Timeout<F, SmolTimer> {
    zigflow_core::time::timeout(SmolTimer::new(), duration, future)
}

/// The timer of async-io. All values of this type are the same timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SmolTimer(());

impl SmolTimer {
    /// The timer.
    pub const fn new() -> Self {
        Self(())
    }
}

impl Clock for SmolTimer {
    fn now(&self) -> Instant {
        Instant::from_nanos(0).saturating_add(BASE.elapsed())
    }
}

impl Timer for SmolTimer {
    type Sleep = SmolSleep;

    fn sleep_until(&self, deadline: Instant) -> SmolSleep {
        SmolSleep {
            wait: to_std(deadline).map_or_else(async_io::Timer::never, async_io::Timer::at),
            over: false,
        }
    }
}

/// The [`Sleep`] of a [`SmolTimer`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct SmolSleep {
    wait: async_io::Timer,
    /// async-io's timer is pending for ever once it has fired; a sleep stays ready.
    over: bool,
}

impl Future for SmolSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.over {
            ready!(Pin::new(&mut self.wait).poll(cx));
            self.over = true;
        }
        Poll::Ready(())
    }
}

impl Sleep for SmolSleep {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.over = false;
        match to_std(deadline) {
            Some(at) => self.wait.set_at(at),
            None => self.wait = async_io::Timer::never(),
        }
    }
}

/// The epoch: when this clock was first looked at.
static BASE: LazyLock<StdInstant> = LazyLock::new(StdInstant::now);

/// `None`: never.
fn to_std(at: Instant) -> Option<StdInstant> {
    if at == Instant::MAX {
        return None;
    }
    BASE.checked_add(Duration::from_nanos(at.as_nanos()))
}
