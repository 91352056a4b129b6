//! A stream at a limited rate.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::{RateLimiter, UntilReady};
use crate::time::Timer;

/// Yields the items of `stream` when `limiter` lets them pass, one cell each. Several streams, and
/// whatever else takes cells, may share one limiter.
///
/// While an item waits for its turn the stream is not polled, so at most one item is held here. A
/// stream with nothing to yield takes no cell.
///
/// # Cancel safety
///
/// `next()` may be dropped at any time, but a `Throttle` that waits keeps its place in the limiter's queue: poll it when it
/// is woken, or drop it, since all behind it wait. The item that waits goes with the `Throttle`;
/// [`into_inner`](Throttle::into_inner) gives it back.
pub fn throttle<S: Stream, T: Timer>(limiter: &RateLimiter<T>, stream: S) -> Throttle<S, T> {
    Throttle { stream, limiter: limiter.clone(), held: None, wait: None }
}

pin_project! {
    /// The stream of [`throttle`].
    #[must_use = "streams do nothing unless polled"]
    pub struct Throttle<S: Stream, T: Timer> {
        #[pin]
        stream: S,
        limiter: RateLimiter<T>,
        held: Option<S::Item>,
        #[pin]
        wait: Option<UntilReady<T>>,
    }
}

impl<S: Stream, T: Timer> Throttle<S, T> {
    /// The stream, and the item that waits for its turn.
    pub fn into_inner(self) -> (S, Option<S::Item>) {
        (self.stream, self.held)
    }
}

impl<S: Stream, T: Timer> Stream for Throttle<S, T> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        if this.held.is_none() {
            let Some(item) = ready!(this.stream.poll_next(cx)) else {
                return Poll::Ready(None);
            };
            *this.held = Some(item);
        }
        if this.wait.is_none() && this.limiter.check().is_err() {
            this.wait.set(Some(this.limiter.until_ready()));
        }
        if let Some(wait) = this.wait.as_mut().as_pin_mut() {
            ready!(wait.poll(cx));
            this.wait.set(None);
        }
        Poll::Ready(this.held.take())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let held = usize::from(self.held.is_some());
        let (low, high) = self.stream.size_hint();
        (low.saturating_add(held), high.and_then(|high| high.checked_add(held)))
    }
}

impl<S: FusedStream, T: Timer> FusedStream for Throttle<S, T> {
    fn is_terminated(&self) -> bool {
        self.held.is_none() && self.stream.is_terminated()
    }
}

impl<S: Stream, T: Timer> fmt::Debug for Throttle<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("limiter", &self.limiter)
            .field("holds_an_item", &self.held.is_some())
            .finish_non_exhaustive()
    }
}
