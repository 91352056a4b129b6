//! smol's timer for zigflow.
//!
//! [`SmolTimer`] gives the patterns of `zigflow_core::time` the timer of async-io, which is the one
//! beneath smol; [`timeout`] and [`retry`] are the shorthands for the usual cases. It runs under any executor:
//! async-io drives it from a thread of its own where nobody else does.
#![forbid(unsafe_code)]

use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant as StdInstant};

use zigflow_core::retry::{Call, Retry};
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

/// Calls `operation` until it succeeds, with the delays of `backoff` in between.
///
/// # Errors
///
/// [`RetryError`](zigflow_core::RetryError), which has the last error and the number of attempts.
///
/// # Panics
///
/// As [`zigflow_core::retry()`].
///
/// # Cancel safety
///
/// As [`zigflow_core::retry()`].
///
/// # Examples
///
/// ```
/// # smol::block_on(async {
/// use std::time::Duration;
/// use zigflow_core::retry::backoff::linear;
///
/// let mut left = 2;
/// let flaky = || {
///     left -= 1;
///     async move { if left == 0 { Ok(42) } else { Err("busy") } }
/// };
/// let answer = zigflow_smol::retry(linear(Duration::from_millis(1)), flaky).max_attempts(3).await;
/// assert_eq!(answer, Ok(42));
/// # });
/// ```
pub fn retry<B, F, Fut, V, E>(
    backoff: B,
    operation: F,
) -> Retry<Call<F, Fut>, SmolTimer, B::IntoIter, E>
where
    B: IntoIterator<Item = Duration>,
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<V, E>>,
{
    zigflow_core::retry(SmolTimer::new(), backoff, operation)
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
