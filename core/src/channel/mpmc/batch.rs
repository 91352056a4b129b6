//! Many items by one call. Each is claimed, committed and told by itself, as if it was sent or received alone, so all that
//! `ring/mpmc.rs` and `ring/party.rs` promise holds for batches, too; what is saved are polls, sleeps and wakes.

use alloc::vec::Vec;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use super::{Receiver, Sender};
use crate::channel::error::{RecvError, SendError, SendManyError, TryRecvError, TrySendError};
use crate::ring::seat::Seat;

impl<T: Copy> Sender<T> {
    /// Sends as many items from the front of `items` as there is room for; how many. Items of other senders may come
    /// between them.
    ///
    /// # Errors
    ///
    /// [`SendError`], if the channel is closed: none was sent.
    pub fn try_send_many(&self, items: &[T]) -> Result<usize, SendError<()>> {
        for (sent, item) in items.iter().enumerate() {
            match self.try_send(*item) {
                Ok(()) => {}
                Err(TrySendError::Closed(_)) if sent == 0 => return Err(self.refused(())),
                // What was sent before the end is told first.
                Err(_) => return Ok(sent),
            }
        }
        if items.is_empty() && self.is_closed() { Err(self.refused(())) } else { Ok(items.len()) }
    }

    /// Sends all `items` in order, as many at once as there is room for, and waits for room, in turn. Items of other
    /// senders may come between them: who has sent some waits behind the others for more room.
    ///
    /// # Errors
    ///
    /// [`SendManyError`] with the number of items that were sent, if the channel is closed.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the future may have sent some of the items:
    /// [`sent`](SendMany::sent) tells how many. A wake that had come for it passes to the next sender that waits.
    pub fn send_many<'a>(&'a self, items: &'a [T]) -> SendMany<'a, T> {
        SendMany { sender: self, items, sent: 0, seat: Seat::new() }
    }

    /// [`send_many`](Self::send_many) for a thread: it sleeps while there is no room.
    ///
    /// # Errors
    ///
    /// [`SendManyError`] with the number of items that were sent, if the channel is closed.
    #[cfg(feature = "std")]
    pub fn send_many_blocking(&self, items: &[T]) -> Result<(), SendManyError> {
        let mut sent = 0;
        while sent < items.len() {
            let reason = match self.try_send_many(&items[sent..]) {
                Ok(0) => match self.send_blocking(items[sent]) {
                    Ok(()) => {
                        sent += 1;
                        continue;
                    }
                    Err(error) => error.reason,
                },
                Ok(count) => {
                    sent += count;
                    continue;
                }
                Err(error) => error.reason,
            };
            return Err(SendManyError { sent, reason });
        }
        Ok(())
    }
}

impl<T> Receiver<T> {
    /// Appends up to `limit` items that are there to `items`; how many, which is at least one unless `limit` is 0. `items`
    /// grows if it has no room for them. Other receivers may get items in between.
    ///
    /// A [`Malformed`](crate::StreamError::Malformed) item ends a batch, and this end tells it when it receives again.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`], if there is not one.
    pub fn try_recv_many(&self, items: &mut Vec<T>, limit: usize) -> Result<usize, TryRecvError> {
        self.source().try_recv_many(items, limit)
    }

    /// Appends up to `limit` items to `items`, and waits for the first one, in turn; how many, which is at least one
    /// unless `limit` is 0.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: items leave the channel only in the poll that is ready, and a wake that had
    /// come for the future passes to the next receiver that waits.
    pub fn recv_many<'a>(&'a self, items: &'a mut Vec<T>, limit: usize) -> RecvMany<'a, T> {
        self.cancel();
        RecvMany { receiver: self, items, limit, seat: Seat::new() }
    }

    /// [`recv_many`](Self::recv_many) for a thread: it sleeps while there is no item.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    #[cfg(feature = "std")]
    pub fn recv_many_blocking(&self, items: &mut Vec<T>, limit: usize) -> Result<usize, RecvError> {
        match self.try_recv_many(items, limit) {
            Ok(count) => Ok(count),
            Err(TryRecvError::Closed) => Err(RecvError::Closed),
            Err(TryRecvError::Failed(reason)) => Err(RecvError::Failed(reason)),
            Err(TryRecvError::Empty) => {
                self.linger();
                let mut recv = core::pin::pin!(self.recv_many(items, limit));
                let count = crate::channel::block::wait(None, |waker| recv.as_mut().poll_by(waker));
                count.unwrap_or(Err(RecvError::Closed)) // without a timeout it ends by itself
            }
        }
    }
}

/// The future of [`Sender::send_many`].
#[must_use = "futures do nothing unless polled"]
pub struct SendMany<'a, T> {
    sender: &'a Sender<T>,
    items: &'a [T],
    sent: usize,
    seat: Seat,
}

impl<T> SendMany<'_, T> {
    /// How many of the items have been sent.
    pub fn sent(&self) -> usize {
        self.sent
    }
}

impl<T: Copy> Future for SendMany<'_, T> {
    type Output = Result<(), SendManyError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the seat is pinned again below; nothing else needs it.
        let Self { sender, items, sent, seat } = unsafe { self.get_unchecked_mut() };
        // SAFETY: a field of what is pinned.
        let mut seat = unsafe { Pin::new_unchecked(seat) };
        let party = &sender.raw().senders;
        while *sent < items.len() {
            match sender.try_send_many(&items[*sent..]) {
                Ok(0) => {}
                Ok(count) => {
                    *sent += count;
                    if *sent == items.len() {
                        break;
                    }
                    // It has had its turn, and waits behind the others for the next one.
                    sender.done(seat.as_mut());
                }
                Err(error) => {
                    sender.done(seat);
                    return Poll::Ready(Err(SendManyError { sent: *sent, reason: error.reason }));
                }
            }
            // SAFETY: `drop` and `done` leave.
            unsafe { seat.as_mut().join(party, cx.waker()) };
            if !sender.ring.is_room() {
                return Poll::Pending;
            }
        }
        sender.done(seat);
        Poll::Ready(Ok(()))
    }
}

impl<T> Drop for SendMany<'_, T> {
    fn drop(&mut self) {
        // SAFETY: pinned since it joined, if it did.
        self.sender.give_up(unsafe { Pin::new_unchecked(&mut self.seat) });
    }
}

/// The future of [`Receiver::recv_many`].
#[must_use = "futures do nothing unless polled"]
pub struct RecvMany<'a, T> {
    receiver: &'a Receiver<T>,
    items: &'a mut Vec<T>,
    limit: usize,
    seat: Seat,
}

impl<T> RecvMany<'_, T> {
    fn poll_by(self: Pin<&mut Self>, waker: &Waker) -> Poll<Result<usize, RecvError>> {
        // SAFETY: the seat is pinned again at once; nothing else needs it.
        let Self { receiver, items, limit, seat } = unsafe { self.get_unchecked_mut() };
        // SAFETY: a field of what is pinned.
        let seat = unsafe { Pin::new_unchecked(seat) };
        receiver.source().poll(waker, seat, |source| source.try_recv_many(items, *limit))
    }
}

impl<T> Future for RecvMany<'_, T> {
    type Output = Result<usize, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_by(cx.waker())
    }
}

impl<T> Drop for RecvMany<'_, T> {
    fn drop(&mut self) {
        // SAFETY: pinned since it joined, if it did.
        self.receiver.give_up(unsafe { Pin::new_unchecked(&mut self.seat) });
    }
}

crate::channel::debug_by_name! { SendMany RecvMany }
