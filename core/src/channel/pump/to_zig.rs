//! From a stream to a receiver in Zig. `from_zig.rs` is its mirror.

use core::fmt;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};

use futures_core::stream::Stream;
use pin_project_lite::pin_project;

use super::CANCELED;
use super::error::ToZigError;
use crate::channel::{DEFAULT_BUDGET, SendError, TrySendError};
use crate::error::StreamError;
use crate::spsc::{self, Sender, ZigReceiver};
use crate::transfer::Transfer;

/// A channel whose receiver is for Zig and whose sender is fed from `stream`, by the pump: a future that
/// somebody has to poll.
///
/// The pump takes an item from the stream when the channel has room for it. It ends when the stream does,
/// and Zig's end drains the channel then; or when Zig's end closes, and the stream is dropped at once. Who
/// wants to keep the stream passes `&mut stream`.
///
/// A stream may yield `Result<T, StreamError>`, as those from Zig do: an error ends the pump and becomes the
/// reason that Zig's end gets after the last item.
///
/// # Panics
///
/// As [`spsc::channel`].
///
/// # Cancel safety
///
/// Between two polls the pump holds no item. Dropped before it is ready, it drops the stream and closes the
/// channel: Zig's end gets what was forwarded and then the error `Canceled`, so it does not take this for the
/// end of the stream.
///
/// # Examples
///
/// ```no_run
/// # async fn example(
/// #     jobs: impl futures_core::Stream<Item = u64>,
/// #     spawn: impl Fn(zigflow_core::spsc::ZigReceiver<u64>),
/// # ) {
/// let (receiver, pump) = zigflow_core::channel::channel_to_zig(jobs, 64);
/// spawn(receiver); // to a Zig thread
/// if let Err(error) = pump.await {
///     eprintln!("not all jobs were taken: {error}");
/// }
/// # }
/// ```
pub fn channel_to_zig<S>(
    stream: S,
    capacity: usize,
) -> (ZigReceiver<<S::Item as IntoItem>::Item>, PumpToZig<S>)
where
    S: Stream<Item: IntoItem>,
{
    let (sender, receiver) = spsc::channel(capacity);
    (receiver.into_zig(), PumpToZig { stream: Some(stream), sender })
}

/// What a stream may yield that is forwarded to Zig: items, or results whose error ends the channel. It
/// cannot be implemented elsewhere.
pub trait IntoItem: sealed::Sealed {
    /// What Zig receives.
    type Item: Transfer;

    /// The item, or why there are no more.
    ///
    /// # Errors
    ///
    /// What the stream yielded in place of an item.
    fn into_item(self) -> Result<Self::Item, StreamError>;
}

mod sealed {
    pub trait Sealed {}
}

impl<T: Transfer> sealed::Sealed for T {}
impl<T: Transfer> IntoItem for T {
    type Item = T;

    fn into_item(self) -> Result<T, StreamError> {
        Ok(self)
    }
}

impl<T: Transfer> sealed::Sealed for Result<T, StreamError> {}
impl<T: Transfer> IntoItem for Result<T, StreamError> {
    type Item = T;

    fn into_item(self) -> Self {
        self
    }
}

pin_project! {
    /// The future of [`channel_to_zig`], which forwards until either side ends.
    #[must_use = "futures do nothing unless polled"]
    pub struct PumpToZig<S>
    where
        S: Stream,
        S::Item: IntoItem,
    {
        // `None` once the pump was ready.
        #[pin]
        stream: Option<S>,
        sender: Sender<<S::Item as IntoItem>::Item>,
    }

    impl<S> PinnedDrop for PumpToZig<S>
    where
        S: Stream,
        S::Item: IntoItem,
    {
        fn drop(this: Pin<&mut Self>) {
            if this.stream.is_some() {
                this.project().sender.close_with(CANCELED);
            }
        }
    }
}

impl<S: Stream<Item: IntoItem>> Future for PumpToZig<S> {
    type Output = Result<(), ToZigError<<S::Item as IntoItem>::Item>>;

    /// # Panics
    ///
    /// If it is polled after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let stream =
            this.stream.as_mut().as_pin_mut().expect("the pump is polled after it was ready");
        let ended = forward(stream, this.sender, cx);
        if ended.is_pending() {
            return Poll::Pending;
        }
        this.stream.set(None);
        ended
    }
}

/// Forwards until it has to wait, or has forwarded its budget.
fn forward<S: Stream<Item: IntoItem>>(
    mut stream: Pin<&mut S>,
    sender: &mut Sender<<S::Item as IntoItem>::Item>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), ToZigError<<S::Item as IntoItem>::Item>>> {
    let closed = |sender: &Sender<_>, item| {
        let error = SendError { item, reason: sender.reason() };
        Poll::Ready(Err(ToZigError::Closed(error)))
    };
    for _ in 0..DEFAULT_BUDGET {
        match sender.poll_ready(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_)) => return closed(sender, None),
            Poll::Pending => return Poll::Pending,
        }
        let item = match stream.as_mut().poll_next(cx) {
            Poll::Ready(Some(item)) => item.into_item(),
            Poll::Ready(None) => {
                sender.close();
                return Poll::Ready(Ok(()));
            }
            Poll::Pending => {
                // Zig may go while the stream has nothing.
                return match pin!(sender.closed()).poll(cx) {
                    Poll::Ready(()) => closed(sender, None),
                    Poll::Pending => Poll::Pending,
                };
            }
        };
        match item.map(|item| sender.try_send(item)) {
            Ok(Ok(())) => {}
            // There was room, and only this end fills it.
            Ok(Err(TrySendError::Closed(item) | TrySendError::Full(item))) => {
                return closed(sender, Some(item));
            }
            Err(error) => {
                sender.close_with(error);
                return Poll::Ready(Err(ToZigError::Stream(error)));
            }
        }
    }
    // Others run once.
    cx.waker().wake_by_ref();
    Poll::Pending
}

impl<S: Stream<Item: IntoItem>> fmt::Debug for PumpToZig<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PumpToZig").field("sender", &self.sender).finish_non_exhaustive()
    }
}
