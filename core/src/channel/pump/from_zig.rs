//! From a sender in Zig to a sink. `to_zig.rs` is its mirror.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use futures_sink::Sink;
use pin_project_lite::pin_project;

use super::CANCELED;
use super::error::FromZigError;
use crate::channel::RecvError;
use crate::error::{StreamError, ZigError};
use crate::spsc::{self, Receiver, ZigSender};
use crate::transfer::Transfer;

/// With what a pump closes whose sink failed.
const SINK_FAILED: StreamError = StreamError::Zig(ZigError::new("SinkFailed"));

/// A channel whose sender is for Zig and from whose receiver `sink` is fed, by the pump: a future that
/// somebody has to poll.
///
/// The pump takes an item from the channel when the sink is ready for it, and flushes when there is none. It
/// ends when Zig's end does, after the sink has got what was sent and was closed; or when the sink fails, which
/// closes the channel: Zig's end gets `Closed`, with the reason `SinkFailed`. (A sink says so only when there is
/// an item, or something to flush.)
///
/// The error has Zig's reason if it gave one, or the sink's error, and the receiver with what was not
/// forwarded.
///
/// # Panics
///
/// As [`spsc::channel`].
///
/// # Cancel safety
///
/// Between two polls the pump holds no item. Dropped before it is ready, it drops the sink, which it does not
/// close, and the items that wait in the channel; Zig's end gets `Closed`, with the reason `Canceled`.
///
/// # Examples
///
/// ```no_run
/// # async fn example(
/// #     log: impl futures_sink::Sink<u64, Error = std::io::Error>,
/// #     spawn: impl Fn(zigflow_core::spsc::ZigSender<u64>),
/// # ) {
/// let (sender, pump) = zigflow_core::channel::channel_from_zig(log, 64);
/// spawn(sender); // to a Zig thread
/// if let Err(error) = pump.await {
///     eprintln!("{error}");
/// }
/// # }
/// ```
pub fn channel_from_zig<K, T>(sink: K, capacity: usize) -> (ZigSender<T>, PumpFromZig<K, T>)
where
    K: Sink<T>,
    T: Transfer,
{
    let (sender, receiver) = spsc::channel(capacity);
    (sender.into_zig(), PumpFromZig { sink: Some(sink), receiver: Some(receiver), ended: None })
}

pin_project! {
    /// The future of [`channel_from_zig`], which forwards until either side ends.
    #[must_use = "futures do nothing unless polled"]
    pub struct PumpFromZig<K, T> {
        // Both are `None` once the pump was ready.
        #[pin]
        sink: Option<K>,
        receiver: Option<Receiver<T>>,
        // Zig has: the sink is being closed.
        ended: Option<Result<(), StreamError>>,
    }

    impl<K, T> PinnedDrop for PumpFromZig<K, T> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(receiver) = this.project().receiver {
                receiver.close_with(CANCELED);
            }
        }
    }
}

impl<K: Sink<T>, T> Future for PumpFromZig<K, T> {
    type Output = Result<(), FromZigError<T, K::Error>>;

    /// # Panics
    ///
    /// If it is polled after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let (Some(sink), Some(receiver)) = (this.sink.as_mut().as_pin_mut(), &mut *this.receiver)
        else {
            panic!("the pump is polled after it was ready");
        };
        let forwarded = ready!(forward(sink, receiver, this.ended, cx));
        this.sink.set(None);
        // It is there, by the match above.
        let Some(mut rest) = this.receiver.take() else { return Poll::Ready(Ok(())) };
        Poll::Ready(match (*this.ended, forwarded) {
            // What Zig said comes before a sink that could not be closed.
            (Some(Err(reason)), _) => {
                rest.close_with(reason);
                Err(FromZigError::Zig { reason, rest })
            }
            (_, Err(error)) => {
                rest.close_with(SINK_FAILED);
                Err(FromZigError::Sink { error, rest })
            }
            (_, Ok(())) => Ok(()),
        })
    }
}

/// Forwards until it has to wait, within the receiver's budget.
fn forward<K: Sink<T>, T>(
    mut sink: Pin<&mut K>,
    receiver: &mut Receiver<T>,
    ended: &mut Option<Result<(), StreamError>>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), K::Error>> {
    while ended.is_none() {
        match receiver.poll_there(cx) {
            Poll::Ready(Ok(())) => {
                ready!(sink.as_mut().poll_ready(cx))?;
                // It is there: only this end takes items.
                if let Ok(item) = receiver.try_recv() {
                    sink.as_mut().start_send(item)?;
                }
            }
            Poll::Ready(Err(RecvError::Closed)) => *ended = Some(Ok(())),
            Poll::Ready(Err(RecvError::Failed(reason))) => *ended = Some(Err(reason)),
            Poll::Pending => {
                ready!(sink.as_mut().poll_flush(cx))?;
                return Poll::Pending;
            }
        }
    }
    sink.poll_close(cx)
}

impl<K, T> fmt::Debug for PumpFromZig<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PumpFromZig").field("receiver", &self.receiver).finish_non_exhaustive()
    }
}
