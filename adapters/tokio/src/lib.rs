//! tokio's timer and channels for zigflow.
//!
//! [`TokioTimer`] gives the patterns of `zigflow_core::time` tokio's clock, the paused one of tests
//! included; [`timeout`] and [`retry`] are the shorthands for the usual cases. [`TokioBytes`] makes a byte stream an
//! `AsyncBufRead` of tokio, as [`TokioReader`] does a reader of chunks, and [`TokioWriter`] a writer an `AsyncWrite`; [`channel_to_zig`] and [`channel_from_zig`] join tokio's channels and Zig's;
//! [`unblock`] runs what blocks on tokio's pool. Nothing else in zigflow needs tokio.
#![forbid(unsafe_code)]

mod channel;
mod io;
mod pool;

pub use channel::{
    FromZigResult, Received, channel_from_zig, channel_to_zig, messages_to_zig, stream_to_zig,
};
pub use io::{TokioBytes, TokioReader, TokioWriter};
pub use pool::{is_in_runtime, unblock};

use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::runtime::Handle;
use tokio::time::Instant as TokioInstant;
use zigflow_core::retry::{Call, Retry};
use zigflow_core::time::{Clock, Instant, Sleep, Timeout, Timer};

/// Gives `future` so long, from the first poll on, on the runtime it is polled in.
///
/// # Errors
///
/// `TimeoutError::Elapsed` if the future was not ready in time. It has been dropped by then.
///
/// # Panics
///
/// As [`zigflow_core::time::timeout`] and [`TokioSleep`].
///
/// # Cancel safety
///
/// As [`zigflow_core::time::timeout`].
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::{future, time::Duration};
///
/// let answer = zigflow_tokio::timeout(Duration::from_millis(5), future::pending::<()>()).await;
/// assert!(answer.is_err());
/// # }
/// ```
pub fn timeout<F: Future>(duration: Duration, future: F) -> Timeout<F, TokioTimer> {
    zigflow_core::time::timeout(TokioTimer::new(), duration, future)
}

/// Calls `operation` until it succeeds, with the delays of `backoff` in between, on the runtime it is polled in.
///
/// # Errors
///
/// [`RetryError`](zigflow_core::RetryError), which has the last error and the number of attempts.
///
/// # Panics
///
/// As [`zigflow_core::retry()`] and [`TokioSleep`].
///
/// # Cancel safety
///
/// As [`zigflow_core::retry()`].
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::time::Duration;
/// use zigflow_core::retry::backoff::linear;
///
/// let mut left = 2;
/// let flaky = || {
///     left -= 1;
///     async move { if left == 0 { Ok(42) } else { Err("busy") } }
/// };
/// let answer = zigflow_tokio::retry(linear(Duration::from_millis(1)), flaky).max_attempts(3).await;
/// assert_eq!(answer, Ok(42));
/// # }
/// ```
pub fn retry<B, F, Fut, V, E>(
    backoff: B,
    operation: F,
) -> Retry<Call<F, Fut>, TokioTimer, B::IntoIter, E>
where
    B: IntoIterator<Item = Duration>,
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<V, E>>,
{
    zigflow_core::retry(TokioTimer::new(), backoff, operation)
}

/// tokio's timer. Sleeps round up to its tick, a millisecond.
///
/// All timers of this type share one epoch, so their instants compare, except under a paused clock,
/// where every runtime has its own time.
#[derive(Clone, Debug, Default)]
pub struct TokioTimer {
    handle: Option<Handle>,
}

impl TokioTimer {
    /// A timer whose sleeps belong to the runtime in which they are first polled. May be made, and
    /// may make sleeps, outside of any.
    pub const fn new() -> Self {
        Self { handle: None }
    }

    /// A timer whose sleeps belong to the runtime of `handle` and may be polled anywhere: by
    /// another executor, or on a thread that Zig started.
    pub const fn with_handle(handle: Handle) -> Self {
        Self { handle: Some(handle) }
    }

    /// Runs `f` where tokio looks for its runtime, and its paused clock.
    fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        let _context = self.handle.as_ref().map(Handle::enter);
        f()
    }
}

impl Clock for TokioTimer {
    fn now(&self) -> Instant {
        from_tokio(self.enter(TokioInstant::now))
    }
}

impl Timer for TokioTimer {
    type Sleep = TokioSleep;

    fn sleep_until(&self, deadline: Instant) -> TokioSleep {
        TokioSleep { timer: self.clone(), deadline, armed: None }
    }
}

pin_project! {
    /// The [`Sleep`] of a [`TokioTimer`].
    ///
    /// # Panics
    ///
    /// A poll that has to wait panics outside of a runtime, unless the timer has a handle; in a
    /// runtime without a time driver; and after its runtime was shut down.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct TokioSleep {
        timer: TokioTimer,
        deadline: Instant,
        // Made when there is something to wait for, gone when there is not.
        #[pin]
        armed: Option<tokio::time::Sleep>,
    }
}

impl Future for TokioSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        // Not left to tokio, which would let a deadline in the past wait for the end of its tick.
        if this.timer.now() < *this.deadline {
            if this.armed.is_none() {
                let at = to_tokio(*this.deadline);
                let armed = at.map(|at| this.timer.enter(|| tokio::time::sleep_until(at)));
                this.armed.set(armed);
            }
            match this.armed.as_mut().as_pin_mut() {
                Some(sleep) => ready!(sleep.poll(cx)),
                None => return Poll::Pending, // never: nobody to wake
            }
        }
        this.armed.set(None);
        Poll::Ready(())
    }
}

impl Sleep for TokioSleep {
    fn reset(self: Pin<&mut Self>, deadline: Instant) {
        let mut this = self.project();
        *this.deadline = deadline;
        match to_tokio(deadline) {
            // Moving to a later time takes no lock in tokio.
            Some(at) => {
                if let Some(sleep) = this.armed.as_pin_mut() {
                    sleep.reset(at);
                }
            }
            None => this.armed.set(None),
        }
    }
}

/// What stands for [`EPOCH_NANOS`]. It is some moment of this process, not its first: a runtime's
/// paused clock may have stopped before.
static BASE: LazyLock<TokioInstant> = LazyLock::new(|| std::time::Instant::now().into());

/// 36 years before the base: far enough for what lies before it, and 548 years are left after.
const EPOCH_NANOS: u64 = 1 << 60;

fn from_tokio(at: TokioInstant) -> Instant {
    let before = BASE.saturating_duration_since(at);
    let after = at.saturating_duration_since(*BASE);
    Instant::from_nanos(EPOCH_NANOS.saturating_sub(before.as_nanos() as u64))
        .saturating_add(after)
        .min(Instant::LAST)
}

/// `None`: never.
fn to_tokio(at: Instant) -> Option<TokioInstant> {
    if at == Instant::MAX {
        return None;
    }
    let nanos = at.as_nanos();
    let after = Duration::from_nanos(nanos.saturating_sub(EPOCH_NANOS));
    let before = Duration::from_nanos(EPOCH_NANOS.saturating_sub(nanos));
    BASE.checked_add(after)?.checked_sub(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_on_both_sides_of_the_base_convert_both_ways() {
        for nanos in [1, EPOCH_NANOS - 1, EPOCH_NANOS, EPOCH_NANOS + 1] {
            let at = Instant::from_nanos(nanos);
            if let Some(tokio) = to_tokio(at) {
                assert_eq!(from_tokio(tokio), at);
            }
        }
        assert_eq!(from_tokio(*BASE), Instant::from_nanos(EPOCH_NANOS));
        assert_eq!(to_tokio(Instant::MAX), None);
    }
}
