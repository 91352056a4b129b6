//! The sending end as a `Sink`.

use core::pin::Pin;
use core::task::{Context, Poll};

use futures_sink::Sink;

use super::Sender;
use crate::channel::error::{SendError, TrySendError};

/// Ready when there is room; then the one item of `start_send` is in the channel at once, so there is never
/// anything to flush. `poll_close` closes the channel, and the receiver drains what was sent.
///
/// The item that a receiver closed upon comes back in the error of `start_send`.
impl<T> Sink<T> for Sender<T> {
    type Error = SendError<Option<T>>;

    fn poll_ready(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendError<Option<T>>>> {
        let ready = Sender::poll_ready(self.get_mut(), cx);
        ready.map_err(|SendError { item: (), reason }| SendError { item: None, reason })
    }

    /// # Panics
    ///
    /// If there is no room, which `poll_ready` makes sure of.
    fn start_send(self: Pin<&mut Self>, item: T) -> Result<(), SendError<Option<T>>> {
        let this = self.get_mut();
        match this.try_send(item) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(item)) => Err(this.refused(Some(item))),
            Err(TrySendError::Full(_)) => panic!("`start_send` without a `poll_ready` before it"),
        }
    }

    fn poll_flush(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Result<(), SendError<Option<T>>>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Result<(), SendError<Option<T>>>> {
        self.get_mut().close();
        Poll::Ready(Ok(()))
    }
}
