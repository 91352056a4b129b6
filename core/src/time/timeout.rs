//! A deadline for any future.

use core::error::Error;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use futures_core::future::FusedFuture;
use pin_project_lite::pin_project;

use super::{Instant, Timer};

/// Gives `future` until `duration` from now. The clock is read here, not at the first poll.
///
/// The future is polled first: one that is ready in time for the poll wins, even when the duration
/// is zero or long over. A future that is ready at once arms no timer. A duration beyond the
/// clock's range means that there is no limit.
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
pub fn timeout<T, F>(timer: &T, duration: Duration, future: F) -> Timeout<F, T::Sleep>
where
    T: Timer + ?Sized,
    F: Future,
{
    timeout_at(timer, timer.now().saturating_add(duration), future)
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
pub fn timeout_at<T, F>(timer: &T, deadline: Instant, future: F) -> Timeout<F, T::Sleep>
where
    T: Timer + ?Sized,
    F: Future,
{
    Timeout { race: Some(Race { future, sleep: timer.sleep_until(deadline) }) }
}

pin_project! {
    /// The future of [`timeout`] and [`timeout_at`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Timeout<F, S> {
        // None: over. Both runners go at once, so that a finished `Timeout` that is kept around
        // holds no waker.
        #[pin]
        race: Option<Race<F, S>>,
    }
}

pin_project! {
    struct Race<F, S> {
        #[pin]
        future: F,
        #[pin]
        sleep: S,
    }
}

impl<F: Future, S: Future<Output = ()>> Future for Timeout<F, S> {
    type Output = Result<F::Output, TimeoutError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(race) = this.race.as_mut().as_pin_mut() else {
            panic!("`Timeout` polled after completion");
        };
        let race = race.project();
        let result = match race.future.poll(cx) {
            Poll::Ready(output) => Ok(output),
            Poll::Pending => {
                ready!(race.sleep.poll(cx));
                Err(TimeoutError::Elapsed)
            }
        };
        this.race.set(None);
        Poll::Ready(result)
    }
}

impl<F: Future, S: Future<Output = ()>> FusedFuture for Timeout<F, S> {
    fn is_terminated(&self) -> bool {
        self.race.is_none()
    }
}

impl<F, S> fmt::Debug for Timeout<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("over", &self.race.is_none()).finish_non_exhaustive()
    }
}

/// Why a future with a time limit has no output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
