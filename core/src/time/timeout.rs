//! A deadline for any future.

use core::error::Error;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use futures_core::future::FusedFuture;
use pin_project_lite::pin_project;

use super::{Instant, Timer};

/// Gives `future` so long, from the first poll on that has to wait.
///
/// The future is polled first: one that is ready in time for the poll wins, even when the duration
/// is zero or long over. A future that is ready at once costs neither a timer nor a look at the
/// clock; for a time that runs from the call, use [`timeout_at`]. A duration beyond the clock's range
/// means that there is no limit.
///
/// # Errors
///
/// [`TimeoutError::Elapsed`] if the future was not ready in time. It has been dropped by then, so a
/// Zig operation behind it has been told to stop.
///
/// # Panics
///
/// When polled again after it was ready; and as the timer's sleep panics (out of its runtime, say).
///
/// # Cancel safety
///
/// Dropping the `Timeout` drops the future and the sleep. Nothing else is kept.
///
/// # Examples
///
#[cfg_attr(any(feature = "std", feature = "spin", feature = "critical-section"), doc = "```")]
#[cfg_attr(
    not(any(feature = "std", feature = "spin", feature = "critical-section")),
    doc = "```ignore"
)]
/// # use core::{future, pin::pin, task::{Context, Poll, Waker}, time::Duration};
/// use zigflow_core::time::{ManualTimer, TimeoutError, timeout};
///
/// let timer = ManualTimer::new();
/// let mut answer = pin!(timeout(&timer, Duration::from_secs(5), future::pending::<()>()));
/// # let mut cx = Context::from_waker(Waker::noop());
/// assert!(answer.as_mut().poll(&mut cx).is_pending());
/// timer.advance(Duration::from_secs(5));
/// assert_eq!(answer.poll(&mut cx), Poll::Ready(Err(TimeoutError::Elapsed)));
/// ```
pub fn timeout<T: Timer, F: Future>(timer: T, duration: Duration, future: F) -> Timeout<F, T> {
    Timeout::new(timer, Limit::After(duration), future)
}

/// Gives `future` until `deadline`, an instant of the timer's clock. Otherwise as [`timeout`].
///
/// # Errors
///
/// [`TimeoutError::Elapsed`], as [`timeout`].
///
/// # Panics
///
/// As [`timeout`].
///
/// # Cancel safety
///
/// As [`timeout`].
pub fn timeout_at<T: Timer, F: Future>(timer: T, deadline: Instant, future: F) -> Timeout<F, T> {
    Timeout::new(timer, Limit::At(deadline), future)
}

pin_project! {
    /// The future of [`timeout`] and [`timeout_at`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Timeout<F, T: Timer> {
        timer: T,
        limit: Limit,
        // None: over.
        #[pin]
        future: Option<F>,
        // None: nothing was waited for yet, or it is over. So a finished `Timeout` that is kept around
        // holds no waker.
        #[pin]
        sleep: Option<T::Sleep>,
    }
}

#[derive(Clone, Copy)]
enum Limit {
    After(Duration),
    At(Instant),
}

impl<F, T: Timer> Timeout<F, T> {
    fn new(timer: T, limit: Limit, future: F) -> Self {
        Self { timer, limit, future: Some(future), sleep: None }
    }

    /// The future, unless it is over.
    pub fn into_inner(self) -> Option<F> {
        self.future
    }
}

impl<F: Future, T: Timer> Future for Timeout<F, T> {
    type Output = Result<F::Output, TimeoutError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            panic!("`Timeout` polled after completion");
        };
        let result = match future.poll(cx) {
            Poll::Ready(output) => Ok(output),
            Poll::Pending => {
                if this.sleep.is_none() {
                    let deadline = match *this.limit {
                        Limit::At(deadline) => deadline,
                        Limit::After(duration) => this.timer.now().saturating_add(duration),
                    };
                    this.sleep.set(Some(this.timer.sleep_until(deadline)));
                }
                let sleep = this.sleep.as_mut().as_pin_mut();
                ready!(sleep.expect("it was just set").poll(cx));
                Err(TimeoutError::Elapsed)
            }
        };
        this.future.set(None);
        this.sleep.set(None);
        Poll::Ready(result)
    }
}

impl<F: Future, T: Timer> FusedFuture for Timeout<F, T> {
    fn is_terminated(&self) -> bool {
        self.future.is_none()
    }
}

impl<F, T: Timer> fmt::Debug for Timeout<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("over", &self.future.is_none()).finish_non_exhaustive()
    }
}

/// Why a future with a time limit has no output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TimeoutError {
    /// The deadline came first.
    Elapsed,
}

impl fmt::Display for TimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elapsed => f.write_str("the deadline has elapsed"),
        }
    }
}

impl Error for TimeoutError {}

#[cfg(feature = "std")]
impl From<TimeoutError> for std::io::Error {
    fn from(error: TimeoutError) -> Self {
        Self::new(std::io::ErrorKind::TimedOut, error)
    }
}
