//! The sending end. `receiver.rs` is its mirror: method for method, where they exist.

use core::fmt;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use super::grant::WriteGrant;
use crate::abi::{RawChannel, RawError};
use crate::channel::error::{SendError, SendManyError, TrySendError, to_raw};
use crate::channel::{Snapshot, reason, take};
use crate::error::StreamError;
#[cfg(feature = "std")]
use crate::ring::patience::Patience;
use crate::ring::raise;
use crate::ring::spsc::{Producer, Refused};
use crate::sync::place;

/// The sending end of a channel with one sender and one receiver. Dropping it closes the channel.
///
/// All that sends takes `&mut self`: two threads cannot send at once.
pub struct Sender<T> {
    pub(super) ring: Producer,
    items: PhantomData<fn(T)>,
}

// SAFETY: the one producer of the ring, wherever it is; items move between threads, so they are `Send`.
unsafe impl<T: core::marker::Send> core::marker::Send for Sender<T> {}
// SAFETY: `&Sender` reads atomic words only, and gives no access to items.
unsafe impl<T: core::marker::Send> Sync for Sender<T> {}

impl<T> Unpin for Sender<T> {}

impl<T> Sender<T> {
    /// # Safety
    ///
    /// The slots of the ring are `T`'s.
    pub(super) unsafe fn new(ring: Producer) -> Self {
        Self { ring, items: PhantomData }
    }

    /// Sends without waiting.
    ///
    /// # Errors
    ///
    /// The item comes back if there is no room now, or if the receiver has closed.
    #[inline]
    pub fn try_send(&mut self, item: T) -> Result<(), TrySendError<T>> {
        self.send_by(item, Producer::publish)
    }

    /// Sends by one of the ways to publish so many items.
    #[inline(always)]
    pub(super) fn send_by<R>(
        &mut self,
        item: T,
        publish: fn(&mut Producer, u32) -> Result<R, Refused>,
    ) -> Result<R, TrySendError<T>> {
        if self.ring.room(1) == 0 {
            return Err(self.no_room(item));
        }
        let at = self.slot(0);
        place::write(at);
        // SAFETY: a free slot, which is the producer's until it is published.
        unsafe { at.write(item) };
        // SAFETY: refused, so the slot is still the producer's, and holds the item.
        publish(&mut self.ring, 1).map_err(|Refused| TrySendError::Closed(unsafe { take(at) }))
    }

    #[cold]
    fn no_room(&mut self, item: T) -> TrySendError<T> {
        if self.ring.is_closed() { TrySendError::Closed(item) } else { TrySendError::Full(item) }
    }

    /// Sends, or drops the item if there is no room; false when it was dropped, which
    /// [`snapshot`](Self::snapshot) counts.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the item, if the receiver has closed.
    pub fn send_or_drop(&mut self, item: T) -> Result<bool, SendError<T>> {
        match self.try_send(item) {
            Ok(()) => Ok(true),
            Err(TrySendError::Closed(item)) => Err(self.refused(item)),
            Err(TrySendError::Full(item)) => {
                raise(&self.raw().tail.tally, 1);
                drop(item);
                Ok(false)
            }
        }
    }

    /// Sends, and waits for room.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the item, if the receiver has closed.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the future has not sent the item and drops it. Use
    /// [`send_from`](Self::send_from) or [`reserve`](Self::reserve) to keep it.
    pub fn send(&mut self, item: T) -> Send<'_, T> {
        Send { sender: self, item: Some(item) }
    }

    /// Sends the item in `item`, which is `None` afterwards, and waits for room. With `None` there is nothing
    /// to do.
    ///
    /// # Errors
    ///
    /// [`SendError`], if the receiver has closed; the item is still in `item`.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the future has not sent the item, which is still in `item`.
    pub fn send_from<'a>(&'a mut self, item: &'a mut Option<T>) -> SendFrom<'a, T> {
        SendFrom { sender: self, item }
    }

    /// [`send`](Self::send) for a thread: it sleeps while there is no room.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the item, if the receiver has closed.
    #[cfg(feature = "std")]
    #[inline]
    pub fn send_blocking(&mut self, item: T) -> Result<(), SendError<T>> {
        match self.try_send(item) {
            Ok(()) => Ok(()),
            Err(error) => self.send_in_time(error.into_inner(), None).map_err(|error| {
                let reason = self.reason();
                SendError { item: error.into_inner(), reason }
            }),
        }
    }

    /// [`send_blocking`](Self::send_blocking) that gives up after `timeout`.
    ///
    /// # Errors
    ///
    /// The item comes back if there was no room in time, or if the receiver has closed.
    #[cfg(feature = "std")]
    pub fn send_blocking_timeout(
        &mut self,
        item: T,
        timeout: core::time::Duration,
    ) -> Result<(), crate::channel::SendTimeoutError<T>> {
        self.send_in_time(item, Some(timeout))
    }

    #[cfg(feature = "std")]
    fn send_in_time(
        &mut self,
        item: T,
        timeout: Option<core::time::Duration>,
    ) -> Result<(), crate::channel::SendTimeoutError<T>> {
        use crate::channel::SendTimeoutError;
        let mut item = Some(item);
        self.ring.linger(1);
        match crate::channel::block::wait(timeout, |waker| self.poll_send_from(waker, &mut item)) {
            Some(Ok(())) => Ok(()),
            ended => match (item, ended) {
                (Some(item), None) => Err(SendTimeoutError::Timeout(item)),
                (Some(item), Some(_)) => Err(SendTimeoutError::Closed(item)),
                (None, _) => Ok(()), // only a send takes the item
            },
        }
    }

    fn poll_send_from(
        &mut self,
        waker: &Waker,
        item: &mut Option<T>,
    ) -> Poll<Result<(), SendError<()>>> {
        while let Some(next) = item.take() {
            match self.try_send(next) {
                Ok(()) => break,
                Err(TrySendError::Closed(back)) => {
                    *item = Some(back);
                    return Poll::Ready(Err(self.refused(())));
                }
                Err(TrySendError::Full(back)) => {
                    *item = Some(back);
                    if !self.ring.sleep(1, waker) {
                        return Poll::Pending;
                    }
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// How often, at most, a thread that waits looks again before it sleeps, up to 255; 0: never. The default is 100, about
    /// what a sleep costs. How much of it is used depends on how often it has helped. Tasks never do.
    #[cfg(feature = "std")]
    pub fn set_patience(&mut self, looks: u32) {
        self.ring.patience = Patience::at_most(looks);
    }

    /// Whether there is room for an item, or will be: then the task is woken.
    ///
    /// # Errors
    ///
    /// [`SendError`], if the receiver has closed.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError<()>>> {
        self.poll_room(1, cx.waker())
    }

    fn poll_room(&mut self, wanted: u32, waker: &Waker) -> Poll<Result<(), SendError<()>>> {
        if self.ring.room(wanted) < wanted && !self.ring.sleep(wanted, waker) {
            return Poll::Pending;
        }
        Poll::Ready(if self.ring.is_closed() { Err(self.refused(())) } else { Ok(()) })
    }

    /// Room for `count` items that are written in place: nothing is sent before
    /// [`commit`](WriteGrant::commit).
    ///
    /// # Errors
    ///
    /// `Full` if there is not so much room now, `Closed` if the receiver has closed.
    ///
    /// # Panics
    ///
    /// If `count` is above the capacity: there would never be so much room.
    pub fn try_reserve(&mut self, count: usize) -> Result<WriteGrant<'_, T>, TrySendError<()>> {
        let count = self.fitting(count);
        if self.ring.room(count) < count || self.ring.is_closed() {
            return Err(self.no_room_for_a_grant());
        }
        Ok(WriteGrant::new(self, count))
    }

    fn no_room_for_a_grant(&mut self) -> TrySendError<()> {
        if self.ring.is_closed() { TrySendError::Closed(()) } else { TrySendError::Full(()) }
    }

    /// Waits for room for `count` items that are written in place: nothing is sent before
    /// [`commit`](WriteGrant::commit).
    ///
    /// # Errors
    ///
    /// [`SendError`], if the receiver has closed.
    ///
    /// # Panics
    ///
    /// If `count` is above the capacity: there would never be so much room.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the future has done nothing.
    pub fn reserve(&mut self, count: usize) -> Reserve<'_, T> {
        let count = self.fitting(count);
        Reserve { sender: Some(self), count }
    }

    fn fitting(&self, count: usize) -> u32 {
        assert!(
            count <= self.capacity(),
            "a grant of {count} slots in a channel of {}",
            self.capacity()
        );
        count as u32
    }

    /// Takes nothing more from here on and tells the receiver, which drains what was sent. Further calls do
    /// nothing.
    pub fn close(&mut self) {
        self.ring.close(RawError::EMPTY);
    }

    /// Closes, and says why: the receiver gets `reason` after the last item. An error of Zig's name and a
    /// code arrive as they are, of all else the name.
    pub fn close_with(&mut self, reason: StreamError) {
        self.ring.close(to_raw(reason));
    }

    /// Waits until the channel is closed, by either end.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the future has done nothing.
    pub fn closed(&mut self) -> Closed<'_, T> {
        Closed { sender: self }
    }

    /// The task of `waker` is woken when the receiver closes. True when the channel is closed.
    pub(crate) fn watch(&mut self, waker: &Waker) -> bool {
        self.ring.watch(waker)
    }

    /// True when the channel is closed, by either end. It stays so.
    pub fn is_closed(&mut self) -> bool {
        self.ring.is_closed()
    }

    /// Why the receiver closed, if it has and said so.
    pub fn reason(&self) -> Option<StreamError> {
        reason(self.ring.reason())
    }

    pub(crate) fn refused<U>(&self, item: U) -> SendError<U> {
        SendError { item, reason: self.reason() }
    }

    /// How many items wait. The receiver may take some meanwhile; more do not come but from here.
    pub fn len(&self) -> usize {
        Snapshot::take(self.raw()).len
    }

    /// True when no item waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items fit.
    pub fn capacity(&self) -> usize {
        self.raw().capacity as usize
    }

    /// The channel's counters.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take(self.raw())
    }

    /// True when `receiver` is the other end of this channel.
    pub fn same_channel(&self, receiver: &super::Receiver<T>) -> bool {
        core::ptr::eq(self.raw(), receiver.raw())
    }

    pub(super) fn raw(&self) -> &RawChannel {
        self.ring.channel()
    }

    /// Where the item goes that comes `offset` items after the last sent one.
    #[inline(always)]
    pub(super) fn slot(&self, offset: u32) -> *mut T {
        // SAFETY: below the number of slots.
        unsafe { self.raw().slots.cast::<T>().add(self.ring.slot(offset)) }
    }
}

impl<T: Copy> Sender<T> {
    /// Sends as many items from the front of `items` as there is room for, at once; how many.
    ///
    /// # Errors
    ///
    /// [`SendError`], if the receiver has closed: none was sent.
    pub fn try_send_many(&mut self, items: &[T]) -> Result<usize, SendError<()>> {
        let wanted = u32::try_from(items.len()).unwrap_or(u32::MAX).min(self.raw().capacity);
        let count = self.ring.room(wanted).min(wanted);
        if count == 0 {
            return if self.ring.is_closed() { Err(self.refused(())) } else { Ok(0) };
        }
        let straight = self.ring.straight(count);
        (0..count).for_each(|offset| place::write(self.slot(offset)));
        // SAFETY: `count` free slots, the producer's until they are published: `straight` of them up to the
        // end of the memory, the others from its start. The items are `Copy`.
        unsafe {
            let (first, rest) = items[..count as usize].split_at(straight);
            self.slot(0).copy_from_nonoverlapping(first.as_ptr(), first.len());
            self.raw().slots.cast::<T>().copy_from_nonoverlapping(rest.as_ptr(), rest.len());
        }
        match self.ring.publish(count) {
            Ok(()) => Ok(count as usize),
            Err(Refused) => Err(self.refused(())),
        }
    }

    /// Sends all `items` in order, as much at once as there is room for, and waits for room.
    ///
    /// # Errors
    ///
    /// [`SendManyError`] with the number of items that were sent, if the receiver has closed.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the future may have sent some of the items:
    /// [`sent`](SendMany::sent) tells how many.
    pub fn send_many<'a>(&'a mut self, items: &'a [T]) -> SendMany<'a, T> {
        SendMany { sender: self, items, sent: 0 }
    }

    /// [`send_many`](Self::send_many) for a thread: it sleeps while there is no room.
    ///
    /// # Errors
    ///
    /// [`SendManyError`] with the number of items that were sent, if the receiver has closed.
    #[cfg(feature = "std")]
    pub fn send_many_blocking(&mut self, items: &[T]) -> Result<(), SendManyError> {
        let mut sent = 0;
        while sent < items.len() {
            match self.try_send_many(&items[sent..]) {
                Ok(0) if self.ring.linger(1) => {}
                Ok(0) => {
                    // Ready when there is room or the channel is closed; the next attempt tells.
                    let _ = crate::channel::block::wait(None, |waker| self.poll_room(1, waker));
                }
                Ok(count) => sent += count,
                Err(error) => return Err(SendManyError { sent, reason: error.reason }),
            }
        }
        Ok(())
    }

    fn poll_send_many(
        &mut self,
        waker: &Waker,
        items: &[T],
        sent: &mut usize,
    ) -> Poll<Result<(), SendManyError>> {
        while *sent < items.len() {
            match self.try_send_many(&items[*sent..]) {
                Ok(0) if self.ring.sleep(1, waker) => {}
                Ok(0) => return Poll::Pending,
                Ok(count) => *sent += count,
                Err(error) => {
                    return Poll::Ready(Err(SendManyError { sent: *sent, reason: error.reason }));
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::channel::debug(f, "Sender", &self.snapshot())
    }
}

/// The future of [`Sender::send`]. Polled again after it was ready, it has nothing to do and answers `Ok`.
#[must_use = "futures do nothing unless polled"]
pub struct Send<'a, T> {
    sender: &'a mut Sender<T>,
    item: Option<T>,
}

impl<T> Unpin for Send<'_, T> {}

impl<T> Future for Send<'_, T> {
    type Output = Result<(), SendError<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { sender, item } = self.get_mut();
        sender.poll_send_from(cx.waker(), item).map(|sent| match (sent, item.take()) {
            (Err(error), Some(item)) => Err(SendError { item, reason: error.reason }),
            _ => Ok(()),
        })
    }
}

/// The future of [`Sender::send_from`].
#[must_use = "futures do nothing unless polled"]
pub struct SendFrom<'a, T> {
    sender: &'a mut Sender<T>,
    item: &'a mut Option<T>,
}

impl<T> Future for SendFrom<'_, T> {
    type Output = Result<(), SendError<()>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { sender, item } = self.get_mut();
        sender.poll_send_from(cx.waker(), item)
    }
}

/// The future of [`Sender::send_many`].
#[must_use = "futures do nothing unless polled"]
pub struct SendMany<'a, T> {
    sender: &'a mut Sender<T>,
    items: &'a [T],
    sent: usize,
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
        let Self { sender, items, sent } = self.get_mut();
        sender.poll_send_many(cx.waker(), items, sent)
    }
}

/// The future of [`Sender::reserve`].
#[must_use = "futures do nothing unless polled"]
pub struct Reserve<'a, T> {
    /// `None` once it was ready.
    sender: Option<&'a mut Sender<T>>,
    count: u32,
}

impl<'a, T> Future for Reserve<'a, T> {
    type Output = Result<WriteGrant<'a, T>, SendError<()>>;

    /// # Panics
    ///
    /// If it is polled after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let sender = this.sender.take().expect("`Reserve` is polled after it was ready");
        match sender.poll_room(this.count, cx.waker()) {
            Poll::Pending => {
                this.sender = Some(sender);
                Poll::Pending
            }
            Poll::Ready(Ok(())) => Poll::Ready(Ok(WriteGrant::new(sender, this.count))),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        }
    }
}

/// The future of [`Sender::closed`].
#[must_use = "futures do nothing unless polled"]
pub struct Closed<'a, T> {
    sender: &'a mut Sender<T>,
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.get_mut().sender.watch(cx.waker()) { Poll::Ready(()) } else { Poll::Pending }
    }
}

crate::channel::debug_by_name! { Send SendFrom SendMany Reserve Closed }
