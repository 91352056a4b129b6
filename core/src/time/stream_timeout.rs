//! Deadlines for streams. An item of the limited stream is a `Result<S::Item, TimeoutError>`. Where `S::Item` is a
//! `Result` itself whose error is made `From<TimeoutError>`, as a `StreamError` is, `.map(|item| item?)` makes one of
//! the two.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::{Instant, Sleep, TimeoutError, Timer};

/// Gives each item of `stream` so long, counted while it is waited for: what the reader does in
/// between does not count. Items become `Result<S::Item, TimeoutError>`.
///
/// An item that takes longer yields `Err(TimeoutError::Elapsed)` and may still come: the stream goes
/// on, and the time starts anew. Drop it to give up.
///
/// # Cancel safety
///
/// `next()` may be dropped at any time; no item is held here. The time goes on meanwhile.
pub fn timeout_each<T: Timer, S: Stream>(
    timer: T,
    limit: Duration,
    stream: S,
) -> StreamTimeout<S, T> {
    StreamTimeout::new(timer, Rule::Each, limit, Instant::MAX, stream)
}

/// Lets `stream` be silent for at most so long, from now on or from the last item on, whatever the
/// reader does. After that it yields `Err(TimeoutError::Elapsed)` and ends; `stream` has been
/// dropped by then, so a Zig source behind it is told to stop.
///
/// Items become `Result<S::Item, TimeoutError>`. One that is ready is yielded, however late the reader
/// asks for it. Limit the source, and [`throttle`](crate::limit::throttle) what comes of it: the other
/// way round the limiter's waits are taken for silence.
///
/// # Examples
///
/// ```
/// # use core::{pin::pin, time::Duration};
/// use futures_core::Stream;
/// use zigflow_core::StreamError;
/// use zigflow_core::time::{Timer, timeout_idle};
///
/// fn limited<S: Stream<Item = Result<u32, StreamError>>>(
///     timer: impl Timer,
///     source: S,
/// ) -> impl Stream {
///     timeout_idle(timer, Duration::from_secs(5), source) // .map(|item| item?), with futures' StreamExt
/// }
/// ```
///
/// # Cancel safety
///
/// `next()` may be dropped at any time; no item is held here.
pub fn timeout_idle<T: Timer, S: Stream>(
    timer: T,
    limit: Duration,
    stream: S,
) -> StreamTimeout<S, T> {
    let deadline = timer.now().saturating_add(limit);
    StreamTimeout::new(timer, Rule::Idle, limit, deadline, stream)
}

/// Gives the whole `stream` so long, from now on. After that it yields
/// `Err(TimeoutError::Elapsed)` and ends; `stream` has been dropped by then. Items become
/// `Result<S::Item, TimeoutError>`.
///
/// It is noticed when the reader waits: items that are ready are yielded even after the deadline.
///
/// # Cancel safety
///
/// `next()` may be dropped at any time; no item is held here.
pub fn timeout_total<T: Timer, S: Stream>(
    timer: T,
    limit: Duration,
    stream: S,
) -> StreamTimeout<S, T> {
    let deadline = timer.now().saturating_add(limit);
    StreamTimeout::new(timer, Rule::Total, limit, deadline, stream)
}

pin_project! {
    /// The stream of [`timeout_each`], [`timeout_idle`] and [`timeout_total`].
    #[must_use = "streams do nothing unless polled"]
    pub struct StreamTimeout<S, T: Timer> {
        // None: over.
        #[pin]
        stream: Option<S>,
        timer: T,
        rule: Rule,
        limit: Duration,
        deadline: Instant,
        // Each: the time for the next item runs.
        waiting: bool,
        #[pin]
        sleep: T::Sleep,
        // For when the sleep is set. It may be before the deadline, never after: an item moves only
        // the deadline, so that none costs a timer.
        armed: Instant,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Each,
    Idle,
    Total,
}

impl<S, T: Timer> StreamTimeout<S, T> {
    fn new(timer: T, rule: Rule, limit: Duration, deadline: Instant, stream: S) -> Self {
        let sleep = timer.sleep_until(deadline);
        let stream = Some(stream);
        Self { stream, timer, rule, limit, deadline, waiting: false, sleep, armed: deadline }
    }

    /// The stream, unless its time is over or it has ended.
    pub fn into_inner(self) -> Option<S> {
        self.stream
    }
}

impl<S: Stream, T: Timer> Stream for StreamTimeout<S, T> {
    type Item = Result<S::Item, TimeoutError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(stream) = this.stream.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        match stream.poll_next(cx) {
            Poll::Ready(Some(item)) => {
                *this.waiting = false;
                if *this.rule == Rule::Idle {
                    *this.deadline = this.timer.now().saturating_add(*this.limit);
                }
                return Poll::Ready(Some(Ok(item)));
            }
            Poll::Ready(None) => {
                this.stream.set(None);
                this.sleep.reset(Instant::MAX);
                return Poll::Ready(None);
            }
            Poll::Pending => {}
        }
        if *this.rule == Rule::Each && !*this.waiting {
            *this.waiting = true;
            *this.deadline = this.timer.now().saturating_add(*this.limit);
            if this.limit.is_zero() {
                // Who asks again and again must let others run.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        loop {
            // From "never" there is no wake that would bring it here.
            if *this.armed > *this.deadline || *this.armed == Instant::MAX {
                this.sleep.as_mut().reset(*this.deadline);
                *this.armed = *this.deadline;
            }
            ready!(this.sleep.as_mut().poll(cx));
            if *this.armed >= *this.deadline {
                break;
            }
            *this.armed = Instant::MAX;
        }
        *this.waiting = false;
        if *this.rule != Rule::Each {
            this.stream.set(None);
            this.sleep.reset(Instant::MAX);
        }
        Poll::Ready(Some(Err(TimeoutError::Elapsed)))
    }
}

impl<S: Stream, T: Timer> FusedStream for StreamTimeout<S, T> {
    fn is_terminated(&self) -> bool {
        self.stream.is_none()
    }
}

impl<S, T: Timer> fmt::Debug for StreamTimeout<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamTimeout")
            .field("rule", &self.rule)
            .field("limit", &self.limit)
            .field("over", &self.stream.is_none())
            .finish_non_exhaustive()
    }
}
