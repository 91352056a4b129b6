//! Repeating a future.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use futures_core::future::FusedFuture;
use pin_project_lite::pin_project;

use super::{AT_ONCE, Failure, Retry, RetryError, Stage};
use crate::time::Timer;

/// Calls `operation`, awaits what it returns, and after an error does so again, with the delays of
/// `backoff` in between.
///
/// An operation is anything that makes a future of a `Result`: a function of `autozig!`, or a
/// closure `|| fetch(3)`. Attempts never overlap; the future of a failed one is dropped before the
/// delay begins. A first attempt that is ready at once arms no timer, and nothing here allocates.
///
/// Say how often: [`max_attempts`](Retry::max_attempts), [`total`](Retry::total) or a backoff that
/// ends; those of [`backoff`](super::backoff) go on for ever. An operation that borrows something
/// mutably cannot be a closure here: [`Schedule`](super::Schedule) decides in a loop of your own.
///
/// # Errors
///
/// [`RetryError`], which has the last error and the number of attempts.
///
/// # Panics
///
/// When polled again after it was ready; as the operation and the settings' closures panic; and as
/// the timer's sleep does.
///
/// # Cancel safety
///
/// Dropping it drops the attempt under way, and no further one begins.
///
/// # Examples
///
#[cfg_attr(any(feature = "std", feature = "spin", feature = "critical-section"), doc = "```")]
#[cfg_attr(
    not(any(feature = "std", feature = "spin", feature = "critical-section")),
    doc = "```ignore"
)]
/// # use core::{pin::pin, task::{Context, Poll, Waker}, time::Duration};
/// use zigflow_core::retry::{backoff::linear, retry};
/// use zigflow_core::time::ManualTimer;
///
/// let timer = ManualTimer::new();
/// let mut left = 2;
/// let flaky = || {
///     left -= 1;
///     async move { if left == 0 { Ok(42) } else { Err("busy") } }
/// };
/// let mut answer = pin!(retry(&timer, linear(Duration::from_millis(100)), flaky).max_attempts(3));
/// # let mut cx = Context::from_waker(Waker::noop());
/// assert!(answer.as_mut().poll(&mut cx).is_pending());
/// timer.advance(Duration::from_millis(100));
/// assert_eq!(answer.poll(&mut cx), Poll::Ready(Ok(42)));
/// ```
pub fn retry<T, B, F, Fut, V, E>(
    timer: T,
    backoff: B,
    operation: F,
) -> Retry<Call<F, Fut>, T, B::IntoIter, E>
where
    T: Timer,
    B: IntoIterator<Item = Duration>,
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<V, E>>,
{
    Retry::new(Call { operation, attempt: None }, timer, backoff.into_iter())
}

pin_project! {
    /// What [`retry`] repeats.
    pub struct Call<F, Fut> {
        operation: F,
        // None: between two attempts.
        #[pin]
        attempt: Option<Fut>,
    }
}

impl<F, Fut> fmt::Debug for Call<F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("under_way", &self.attempt.is_some()).finish_non_exhaustive()
    }
}

impl<F, Fut, T, D, V, E, W, A, N> Future for Retry<Call<F, Fut>, T, D, E, W, A, N>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<V, E>>,
    T: Timer,
    D: Iterator<Item = Duration>,
    W: FnMut(&E) -> bool,
    A: FnMut(&E) -> Option<Duration>,
    N: FnMut(&Failure<'_, E>),
{
    type Output = Result<V, RetryError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let mut call = this.what.project();
        for _ in 0..AT_ONCE {
            let error = match this.pace.stage {
                Stage::Over => panic!("`retry` polled after completion"),
                Stage::Trying => {
                    // Dropped before the delay, and before `when` looks at its error.
                    let attempt = call.attempt.as_mut().as_pin_mut();
                    let polled = attempt.expect("an attempt is under way").poll(cx);
                    let polled = match polled {
                        Poll::Ready(result) => result.map_err(Ok),
                        Poll::Pending => {
                            let now = ready!(this.pace.as_mut().poll_sleep(cx));
                            Err(this.plan.elapsed(now))
                        }
                    };
                    call.attempt.set(None);
                    match polled {
                        Ok(value) => {
                            this.pace.finish();
                            return Poll::Ready(Ok(value));
                        }
                        Err(error) => error,
                    }
                }
                Stage::New | Stage::Waiting => {
                    let limit = match ready!(this.pace.as_mut().poll_begin(this.plan, cx)) {
                        Ok(limit) => limit,
                        Err(error) => return Poll::Ready(Err(error)),
                    };
                    call.attempt.set(Some((call.operation)()));
                    this.pace.as_mut().enter(Stage::Trying, limit);
                    continue;
                }
            };
            if let Err(error) = this.pace.as_mut().pause(this.plan, this.hooks, error) {
                return Poll::Ready(Err(error));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<F, Fut, T, D, V, E, W, A, N> FusedFuture for Retry<Call<F, Fut>, T, D, E, W, A, N>
where
    Self: Future<Output = Result<V, RetryError<E>>>,
    T: Timer,
{
    fn is_terminated(&self) -> bool {
        self.pace.stage == Stage::Over
    }
}
