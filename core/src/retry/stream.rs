//! Reopening a stream where it broke off.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::{AT_ONCE, Failure, Retry, RetryError, Stage};
use crate::time::Timer;

/// Opens a stream with `open(0)` and yields its items; when it fails, opens it again with the
/// number of items that were yielded so far, with the delays of `backoff` in between.
///
/// So `open` can go on where the last stream broke off: it gets the position of the next item. The
/// failed stream is dropped before the delay begins. Where opening cannot fail, `open` is
/// `|position| Ok(source(position))`. An item ends a series of failures: the next one
/// starts over with the first delay, and the stream that breaks off is its first failed attempt.
///
/// # Errors
///
/// The last item is a [`RetryError`] if the stream was given up. `open` may fail too; that is a
/// failed attempt like any other.
///
/// # Panics
///
/// As `open`, the stream, the settings' closures and the timer's sleep do.
///
/// # Cancel safety
///
/// `next()` may be dropped at any time: an item is yielded or still in the stream.
///
/// # Examples
///
/// ```
/// # use core::time::Duration;
/// use zigflow_core::StreamError;
/// use zigflow_core::retry::{backoff::exponential, retry_stream};
/// # use zigflow_core::{ZigStream, time::Timer};
/// # fn example(timer: impl Timer, sensor: fn(u64) -> Result<ZigStream<u32>, StreamError>) {
/// let readings = retry_stream(timer, exponential(Duration::from_millis(50)), sensor)
///     .max_attempts(5)
///     .when(|error| !matches!(error, StreamError::Malformed(_)));
/// # drop(readings);
/// # }
/// ```
pub fn retry_stream<T, B, F, S, V, E>(
    timer: T,
    backoff: B,
    open: F,
) -> Retry<Reopen<F, S, B>, T, B::IntoIter, E>
where
    T: Timer,
    B: IntoIterator<Item = Duration> + Clone,
    F: FnMut(u64) -> Result<S, E>,
    S: Stream<Item = Result<V, E>>,
{
    let delays = backoff.clone().into_iter();
    Retry::new(
        Reopen { open, stream: None, backoff, position: 0, settled: false, flowing: false },
        timer,
        delays,
    )
}

pin_project! {
    /// What [`retry_stream`] reopens.
    pub struct Reopen<F, S, B> {
        open: F,
        // None: between two attempts.
        #[pin]
        stream: Option<S>,
        backoff: B,
        position: u64,
        // The stream that is open has yielded an item.
        settled: bool,
        // The last thing that came was an item: no time limit has begun for the next one.
        flowing: bool,
    }
}

impl<F, S, B> fmt::Debug for Reopen<F, S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reopen").field("position", &self.position).finish_non_exhaustive()
    }
}

impl<F, S, B, T, D, V, E, W, A, N> Stream for Retry<Reopen<F, S, B>, T, D, E, W, A, N>
where
    F: FnMut(u64) -> Result<S, E>,
    S: Stream<Item = Result<V, E>>,
    B: IntoIterator<Item = Duration, IntoIter = D> + Clone,
    T: Timer,
    D: Iterator<Item = Duration>,
    W: FnMut(&E) -> bool,
    A: FnMut(&E) -> Option<Duration>,
    N: FnMut(&Failure<'_, E>),
{
    type Item = Result<V, RetryError<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let mut what = this.what.project();
        for _ in 0..AT_ONCE {
            let error = match this.pace.stage {
                Stage::Over => return Poll::Ready(None),
                Stage::Trying => {
                    let stream = what.stream.as_mut().as_pin_mut();
                    match stream.expect("a stream is open").poll_next(cx) {
                        Poll::Ready(Some(Ok(item))) => {
                            *what.position += 1;
                            *what.flowing = true;
                            if !*what.settled {
                                *what.settled = true;
                                this.plan.restart(what.backoff.clone().into_iter());
                            }
                            return Poll::Ready(Some(Ok(item)));
                        }
                        Poll::Ready(None) => {
                            what.stream.set(None);
                            this.pace.finish();
                            return Poll::Ready(None);
                        }
                        Poll::Ready(Some(Err(error))) => Ok(error),
                        Poll::Pending => {
                            if *what.flowing {
                                *what.flowing = false;
                                let limit = this.plan.limit(|| this.pace.timer.now());
                                this.pace.as_mut().enter(Stage::Trying, limit);
                            }
                            let now = ready!(this.pace.as_mut().poll_sleep(cx));
                            this.plan.elapsed(now)
                        }
                    }
                }
                Stage::New | Stage::Waiting => {
                    let limit = match ready!(this.pace.as_mut().poll_begin(this.plan, cx)) {
                        Ok(limit) => limit,
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    };
                    match (what.open)(*what.position) {
                        Ok(stream) => {
                            what.stream.set(Some(stream));
                            this.pace.as_mut().enter(Stage::Trying, limit);
                            continue;
                        }
                        Err(error) => Ok(error),
                    }
                }
            };
            (*what.settled, *what.flowing) = (false, false);
            what.stream.set(None);
            if let Err(error) = this.pace.as_mut().pause(this.plan, this.hooks, error) {
                return Poll::Ready(Some(Err(error)));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<F, S, B, T, D, V, E, W, A, N> FusedStream for Retry<Reopen<F, S, B>, T, D, E, W, A, N>
where
    Self: Stream<Item = Result<V, RetryError<E>>>,
    T: Timer,
{
    fn is_terminated(&self) -> bool {
        self.pace.stage == Stage::Over
    }
}
