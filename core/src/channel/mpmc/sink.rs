//! A sending end as a `Sink`.

use alloc::boxed::Box;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};

use futures_sink::Sink;

use super::Sender;
use crate::channel::error::{SendError, TrySendError};
use crate::error::StreamError;
use crate::ring::seat::Seat;

/// A [`Sender`] as a [`Sink`]; [`Sender::into_sink`] makes it.
///
/// Room that one sender sees is another one's to take, so nothing can be promised by `poll_ready`. Instead `start_send`
/// sends at once if there is room, and else keeps the item; `poll_ready` and `poll_flush` are ready when it has been sent,
/// and wait for room in turn. So one item may wait in the sink besides those in the channel.
///
/// `poll_close` sends the item that is left and lets this end go: the channel closes with the last one. An item that could not
/// be sent because the channel was closed comes back in the error of the call that found out; if that was `poll_close`, this
/// end is gone all the same.
///
/// A sink whose poll was pending waits, in turn, until it is polled again, dropped, or told to [`cancel`](Self::cancel). Its
/// first wait allocates, the others do not.
///
/// # Cancel safety
///
/// Nothing is lost when a future around the sink is dropped: an item that was taken by `start_send` stays in the sink until
/// a poll has sent it. Dropped with it, the sink drops it; [`into_inner`](Self::into_inner) gives it back.
pub struct SendSink<T> {
    /// `None` once it is closed.
    sender: Option<Sender<T>>,
    /// Why the channel was closed, as far as that was known when the end went.
    reason: Option<StreamError>,
    /// Taken, and not sent for want of room.
    item: Option<T>,
    /// In the list only while there is an item.
    seat: Option<Pin<Box<Seat>>>,
}

impl<T> Unpin for SendSink<T> {}

type Outcome<T> = Result<(), SendError<Option<T>>>;

impl<T> Sender<T> {
    /// This end as a [`Sink`](futures_sink::Sink).
    pub fn into_sink(self) -> SendSink<T> {
        SendSink { sender: Some(self), reason: None, item: None, seat: None }
    }
}

impl<T> SendSink<T> {
    /// The end, unless `poll_close` has let it go.
    pub fn sender(&self) -> Option<&Sender<T>> {
        self.sender.as_ref()
    }

    /// The end, unless `poll_close` has let it go, and the item that was not sent.
    pub fn into_inner(mut self) -> (Option<Sender<T>>, Option<T>) {
        self.cancel();
        (self.sender.take(), self.item.take())
    }

    /// Waits no more: its turn goes to the next sender that waits. The item stays.
    pub fn cancel(&mut self) {
        if let (Some(sender), Some(seat)) = (&self.sender, &mut self.seat) {
            sender.give_up(seat.as_mut());
        }
    }

    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<Outcome<T>> {
        let (Some(sender), Some(_)) = (&self.sender, &self.item) else {
            return Poll::Ready(Ok(()));
        };
        let seat = self.seat.get_or_insert_with(|| Box::pin(Seat::new()));
        // SAFETY: `drop` gives up, and so does whatever else takes the sender, or the item, away.
        let polled = unsafe { sender.poll_send(cx.waker(), &mut self.item, seat.as_mut()) };
        polled.map_err(|SendError { item, reason }| SendError { item: Some(item), reason })
    }
}

impl<T> Sink<T> for SendSink<T> {
    type Error = SendError<Option<T>>;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<T>> {
        let this = self.get_mut();
        core::task::ready!(this.poll_sent(cx))?;
        Poll::Ready(match &this.sender {
            Some(sender) if !sender.is_closed() => Ok(()),
            Some(sender) => Err(sender.refused(None)),
            None => Err(SendError { item: None, reason: this.reason }),
        })
    }

    /// # Panics
    ///
    /// If the item before was not sent, which `poll_ready` makes sure of.
    fn start_send(self: Pin<&mut Self>, item: T) -> Outcome<T> {
        let this = self.get_mut();
        assert!(this.item.is_none(), "`start_send` without a `poll_ready` before it");
        let Some(sender) = &this.sender else {
            return Err(SendError { item: Some(item), reason: this.reason });
        };
        match sender.try_send(item) {
            Ok(()) => {}
            Err(TrySendError::Full(item)) => this.item = Some(item),
            Err(TrySendError::Closed(item)) => return Err(sender.refused(Some(item))),
        }
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<T>> {
        self.get_mut().poll_sent(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<T>> {
        let this = self.get_mut();
        let sent = core::task::ready!(this.poll_sent(cx));
        // Nobody waits here any more: what was to be sent was, or never will be.
        if let Some(sender) = this.sender.take() {
            this.reason = sender.reason();
        }
        Poll::Ready(sent)
    }
}

impl<T> Drop for SendSink<T> {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl<T> fmt::Debug for SendSink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sender, waits) = (&self.sender, self.item.is_some());
        f.debug_struct("SendSink").field("sender", sender).field("item_waits", &waits).finish()
    }
}
