//! Several items at a time: full batches, or what came until a time is over.

use alloc::vec::Vec;
use core::error::Error;
use core::fmt;
use core::future::poll_fn;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, ready};
use core::time::Duration;

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use crate::time::{Clock, Instant, Sleep, Timer};

/// Gathers the items of `stream` into batches of `size`; the last one may be smaller.
///
/// As a stream it yields a `Vec` for each batch; [`next_into`](Batches::next_into) appends to a
/// buffer of the caller's, without an allocation per batch.
///
/// # Panics
///
/// If `size` is 0.
///
/// # Cancel safety
///
/// `next()` may be dropped at any time. What is gathered stays for the next call, and
/// [`into_inner`](Batches::into_inner) gives it back.
#[track_caller]
pub fn batch<S: Stream>(size: usize, stream: S) -> Batches<S, Untimed> {
    Batches::new(Untimed, size, Duration::MAX, stream)
}

/// As [`batch`]; a batch that is not full is yielded `limit` after its first item has come.
///
/// # Panics
///
/// If `size` is 0.
///
/// # Cancel safety
///
/// As [`batch`]. The time goes on meanwhile.
#[track_caller]
pub fn batch_timeout<T: Timer, S: Stream>(
    timer: T,
    size: usize,
    limit: Duration,
    stream: S,
) -> Batches<S, T> {
    Batches::new(timer, size, limit, stream)
}

pin_project! {
    /// The stream of [`batch`] and [`batch_timeout`].
    #[must_use = "streams do nothing unless polled"]
    pub struct Batches<S: Stream, T: Timer, W = Weightless<<S as Stream>::Item>> {
        // None: ended.
        #[pin]
        stream: Option<S>,
        timer: T,
        #[pin]
        sleep: T::Sleep,
        size: usize,
        limit: Duration,
        max_weight: usize,
        weigh: W,
        batch: Batch<S::Item>,
        // Only those of a batch that is yielded as a `Vec`.
        items: Vec<S::Item>,
    }
}

/// How an item is weighed where nobody asked for a limit of weight.
pub type Weightless<I> = fn(&I) -> usize;

/// The batch that is being gathered.
struct Batch<I> {
    count: usize,
    weight: usize,
    /// An item that was too heavy for the last batch.
    carried: Option<Carried<I>>,
    /// When it is to be yielded anyway.
    deadline: Instant,
    /// The sleep is for this deadline.
    set: bool,
}

/// It has been weighed, and its time runs.
struct Carried<I> {
    item: I,
    weight: usize,
    deadline: Instant,
}

impl<I> Batch<I> {
    const fn new() -> Self {
        Self { count: 0, weight: 0, carried: None, deadline: Instant::MAX, set: false }
    }
}

impl<S: Stream, T: Timer> Batches<S, T> {
    #[track_caller]
    fn new(timer: T, size: usize, limit: Duration, stream: S) -> Self {
        assert!(size > 0, "a batch needs room for an item: `size` is 0");
        Self {
            stream: Some(stream),
            sleep: timer.sleep_until(Instant::MAX),
            timer,
            size,
            limit,
            max_weight: usize::MAX,
            weigh: |_| 0,
            batch: Batch::new(),
            items: Vec::new(),
        }
    }
}

impl<S: Stream, T: Timer, W: FnMut(&S::Item) -> usize> Batches<S, T, W> {
    /// Together the items of a batch weigh at most `max`, as `weigh` tells: their bytes, say. An item
    /// that is heavier is a batch of its own.
    pub fn max_weight<N>(self, max: usize, weigh: N) -> Batches<S, T, N>
    where
        N: FnMut(&S::Item) -> usize,
    {
        let Self { stream, timer, sleep, size, limit, batch, items, .. } = self;
        Batches { stream, timer, sleep, size, limit, max_weight: max, weigh, batch, items }
    }

    /// Appends the next batch to `buffer`. Returns how many items it has; `None` at the end.
    ///
    /// # Cancel safety
    ///
    /// What has come stays in `buffer`, and the next call goes on with the same batch.
    pub async fn next_into(self: Pin<&mut Self>, buffer: &mut Vec<S::Item>) -> Option<usize> {
        let mut this = self;
        poll_fn(|cx| this.as_mut().poll_next_into(cx, buffer)).await
    }

    /// The poll of [`next_into`](Self::next_into).
    pub fn poll_next_into(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut Vec<S::Item>,
    ) -> Poll<Option<usize>> {
        self.gather(cx, Some(buffer))
    }

    /// Into `buffer`, or into one's own.
    fn gather(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: Option<&mut Vec<S::Item>>,
    ) -> Poll<Option<usize>> {
        let mut this = self.project();
        let batch = this.batch;
        let buffer = buffer.unwrap_or(this.items);
        let mut at_once = AT_ONCE;
        let full = loop {
            let next = match batch.carried.take() {
                Some(carried) => carried,
                None => {
                    let Some(stream) = this.stream.as_mut().as_pin_mut() else {
                        break true;
                    };
                    match stream.poll_next(cx) {
                        Poll::Ready(Some(item)) => {
                            let weight = (this.weigh)(&item);
                            Carried { item, weight, deadline: Instant::MAX }
                        }
                        Poll::Ready(None) => {
                            this.stream.set(None);
                            continue;
                        }
                        Poll::Pending => break false,
                    }
                }
            };
            let deadline = || match *this.limit {
                Duration::MAX => Instant::MAX,
                limit => this.timer.now().saturating_add(limit),
            };
            let sum = batch.weight.saturating_add(next.weight);
            if batch.count > 0 && sum > *this.max_weight {
                batch.carried = Some(Carried { deadline: deadline(), ..next });
                break true;
            }
            if batch.count == 0 {
                let carried = next.deadline != Instant::MAX;
                batch.deadline = if carried { next.deadline } else { deadline() };
            }
            buffer.push(next.item);
            (batch.count, batch.weight) = (batch.count + 1, sum);
            if batch.count == *this.size || sum == *this.max_weight {
                break true;
            }
            at_once -= 1;
            if at_once == 0 {
                // Also a stream that is always ready has to let the time be noticed, and its
                // neighbours run.
                cx.waker().wake_by_ref();
                break false;
            }
        };
        if !full {
            if batch.count == 0 || batch.deadline == Instant::MAX {
                return Poll::Pending;
            }
            if !batch.set {
                this.sleep.as_mut().reset(batch.deadline);
                batch.set = true;
            }
            ready!(this.sleep.as_mut().poll(cx));
        }
        let count = batch.count;
        if batch.set {
            this.sleep.reset(Instant::MAX);
        }
        *batch = Batch { carried: batch.carried.take(), ..Batch::new() };
        Poll::Ready((count > 0).then_some(count))
    }

    /// The stream, unless it has ended, and the items that have come but were not yielded.
    pub fn into_inner(mut self) -> (Option<S>, Vec<S::Item>) {
        self.items.extend(self.batch.carried.map(|carried| carried.item));
        (self.stream, self.items)
    }
}

impl<S: Stream, T: Timer, W: FnMut(&S::Item) -> usize> Stream for Batches<S, T, W> {
    type Item = Vec<S::Item>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Vec<S::Item>>> {
        if self.items.capacity() == 0 {
            let expected = self.size.min(self.size_hint_of_items()).min(AT_ONCE);
            self.as_mut().project().items.reserve(expected);
        }
        let count = ready!(self.as_mut().gather(cx, None));
        Poll::Ready(count.map(|_| core::mem::take(self.project().items)))
    }
}

impl<S: Stream, T: Timer, W> Batches<S, T, W> {
    fn size_hint_of_items(&self) -> usize {
        let hint = self.stream.as_ref().map_or((0, Some(0)), Stream::size_hint);
        hint.1.unwrap_or(usize::MAX).saturating_add(usize::from(self.batch.carried.is_some()))
    }
}

impl<S: Stream, T: Timer, W: FnMut(&S::Item) -> usize> FusedStream for Batches<S, T, W> {
    fn is_terminated(&self) -> bool {
        self.stream.is_none() && self.batch.count == 0 && self.batch.carried.is_none()
    }
}

impl<S: Stream, T: Timer, W> fmt::Debug for Batches<S, T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches")
            .field("size", &self.size)
            .field("gathered", &self.batch.count)
            .finish_non_exhaustive()
    }
}

/// So many items in one poll.
const AT_ONCE: usize = 256;

/// The timer of what has no time limit: its clock stands still.
#[derive(Clone, Copy, Debug, Default)]
pub struct Untimed;

/// The [`Sleep`] of [`Untimed`]: ready for deadlines in the past, otherwise never.
#[derive(Debug)]
pub struct Standstill {
    deadline: Instant,
}

impl Clock for Untimed {
    fn now(&self) -> Instant {
        Instant::from_nanos(0)
    }
}

impl Timer for Untimed {
    type Sleep = Standstill;

    fn sleep_until(&self, deadline: Instant) -> Standstill {
        Standstill { deadline }
    }
}

impl Future for Standstill {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.deadline <= Untimed.now() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Sleep for Standstill {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.deadline = deadline;
    }
}

/// Calls `processor` with each `batch_size` items of `stream`, and with the rest at its end.
///
/// Items that came before an error of the stream are processed before the error is returned.
///
/// # Errors
///
/// The first error, of the stream or of the processor. The items of a batch whose processing failed
/// are the processor's; nothing is read after it.
///
/// # Panics
///
/// If `batch_size` is 0; and as the processor does.
///
/// # Cancel safety
///
/// Dropping it drops the stream and the items that were gathered and not processed. To keep them,
/// use [`batch`].
pub async fn batch_process<S, V, E, P, F>(
    stream: S,
    batch_size: usize,
    mut processor: F,
) -> Result<(), BatchError<E, P>>
where
    S: Stream<Item = Result<V, E>>,
    F: FnMut(Vec<V>) -> Result<(), P>,
{
    let mut failed = None;
    {
        let mut good = pin!(batch(batch_size, UntilError { stream, failed: &mut failed }));
        let mut at_once = 0;
        while let Some(items) = poll_fn(|cx| good.as_mut().poll_next(cx)).await {
            at_once += items.len();
            processor(items).map_err(BatchError::Process)?;
            if at_once >= AT_ONCE {
                at_once = 0;
                neighbours_run().await;
            }
        }
    }
    failed.map_or(Ok(()), |error| Err(BatchError::Stream(error)))
}

/// Pending once.
async fn neighbours_run() {
    let mut yielded = false;
    poll_fn(|cx| {
        if core::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

pin_project! {
    /// The items before the first error, which is put aside.
    struct UntilError<'a, S, E> {
        #[pin]
        stream: S,
        failed: &'a mut Option<E>,
    }
}

impl<S: Stream<Item = Result<V, E>>, V, E> Stream for UntilError<'_, S, E> {
    type Item = V;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<V>> {
        let this = self.project();
        match ready!(this.stream.poll_next(cx)) {
            Some(Ok(item)) => Poll::Ready(Some(item)),
            Some(Err(error)) => {
                **this.failed = Some(error);
                Poll::Ready(None)
            }
            None => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.stream.size_hint().1)
    }
}

/// Why [`batch_process`] stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum BatchError<E, P> {
    /// The stream failed. All that came before was processed.
    Stream(E),
    /// The processor failed.
    Process(P),
}

impl<E: fmt::Display, P: fmt::Display> fmt::Display for BatchError<E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(error) => write!(f, "the stream failed: {error}"),
            Self::Process(error) => write!(f, "a batch could not be processed: {error}"),
        }
    }
}

impl<E: Error + 'static, P: Error + 'static> Error for BatchError<E, P> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Stream(error) => Some(error),
            Self::Process(error) => Some(error),
        }
    }
}
