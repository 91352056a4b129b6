//! The receiving end. `sender.rs` is its mirror: method for method, where they exist.

use core::fmt;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use alloc::vec::Vec;
use futures_core::stream::{FusedStream, Stream};

use super::grant::ReadGrant;
use crate::abi::{EndKind, RawChannel, RawError};
#[cfg(feature = "std")]
use crate::channel::block;
#[cfg(feature = "std")]
use crate::channel::error::RecvTimeoutError;
use crate::channel::error::{RecvError, TryRecvError, to_raw};
use crate::channel::{DEFAULT_BUDGET, Snapshot, reason, take};
use crate::error::{Malformed, StreamError};
use crate::ring::monitored::register;
#[cfg(feature = "std")]
use crate::ring::patience::Patience;
use crate::ring::spsc::Consumer;
use crate::sync::bug;

/// The receiving end of a channel with one sender and one receiver. Dropping it closes the channel and
/// drops the items that wait.
///
/// As a [`Stream`] it yields `Result<T, StreamError>`, ends after the last item, and is fused.
///
/// All that receives takes `&mut self`: two threads cannot receive at once.
pub struct Receiver<T> {
    pub(super) ring: Consumer,
    budget: u32,
    left: u32,
    /// The end has been told: nothing comes after it.
    told: bool,
    items: PhantomData<fn() -> T>,
}

// SAFETY: the one consumer of the ring, wherever it is; items move between threads, so they are `Send`.
unsafe impl<T: Send> Send for Receiver<T> {}
// SAFETY: `&Receiver` reads atomic words only, and gives no access to items.
unsafe impl<T: Send> Sync for Receiver<T> {}

impl<T> Unpin for Receiver<T> {}

impl<T> Receiver<T> {
    /// # Safety
    ///
    /// The slots of the ring are `T`'s.
    pub(super) unsafe fn new(ring: Consumer) -> Self {
        let (budget, left) = (DEFAULT_BUDGET, DEFAULT_BUDGET);
        Self { ring, budget, left, told: false, items: PhantomData }
    }

    /// Receives without waiting.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]: there is no item now, or there will be none.
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let at = self.next_item()?;
        if bug(33) {
            self.ring.release(1);
            // SAFETY: a model, which is to fail here.
            return Ok(unsafe { take(at) });
        }
        // SAFETY: an item, the consumer's until it is released, and valid.
        let item = unsafe { take(at) };
        self.ring.release(1);
        Ok(item)
    }

    /// Where the next item is, which is one of its type.
    #[inline(always)]
    pub(super) fn next_item(&mut self) -> Result<*mut T, TryRecvError> {
        if self.ring.available(1) == 0 {
            return Err(self.nothing());
        }
        let at = self.slot(0);
        if !self.ring.check().is_null() && !self.is_valid(at) {
            return Err(self.malformed());
        }
        Ok(at)
    }

    #[cold]
    fn nothing(&mut self) -> TryRecvError {
        if !self.ring.is_ended() {
            return TryRecvError::Empty;
        }
        // Also when the sender gives its reason later than this end has closed.
        let told = core::mem::replace(&mut self.told, true);
        match reason(self.ring.reason()) {
            Some(reason) if !told => TryRecvError::Failed(reason),
            _ => TryRecvError::Closed,
        }
    }

    /// Receives, and waits for an item.
    ///
    /// After [`set_budget`](Self::set_budget) items in a row it lets other tasks run once.
    ///
    /// # Errors
    ///
    /// [`RecvError`]: there is no item and there will be none, or a failure in place of an item.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: an item leaves the channel only in the poll that returns it.
    pub fn recv(&mut self) -> Recv<'_, T> {
        Recv { receiver: self }
    }

    /// [`recv`](Self::recv) for a thread: it sleeps while there is no item.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    #[cfg(feature = "std")]
    #[inline]
    pub fn recv_blocking(&mut self) -> Result<T, RecvError> {
        self.block(None, Self::try_recv).map_err(endless)
    }

    /// [`recv_blocking`](Self::recv_blocking) that gives up after `timeout`.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv), or no item came in time.
    #[cfg(feature = "std")]
    pub fn recv_blocking_timeout(
        &mut self,
        timeout: core::time::Duration,
    ) -> Result<T, RecvTimeoutError> {
        self.block(Some(timeout), Self::try_recv)
    }

    /// [`recv`](Self::recv) in the form of a poll.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, RecvError>> {
        self.poll_in_turn(cx, Self::try_recv)
    }

    /// Waits for an item, which stays in the channel.
    #[cfg(feature = "sink")]
    pub(in crate::channel) fn poll_there(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), RecvError>> {
        self.poll_in_turn(cx, |this| this.readable(1).map(|_| ()))
    }

    /// [`poll_until`](Self::poll_until), within the budget.
    #[inline]
    fn poll_in_turn<R>(
        &mut self,
        cx: &mut Context<'_>,
        attempt: impl FnMut(&mut Self) -> Result<R, TryRecvError>,
    ) -> Poll<Result<R, RecvError>> {
        if self.left == 0 && !self.told {
            self.left = self.budget;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.left = self.left.saturating_sub(1);
        let polled = self.poll_until(cx.waker(), attempt);
        if polled.is_pending() {
            self.left = self.budget;
        }
        polled
    }

    /// Attempts, and goes to sleep if there is nothing.
    #[inline]
    fn poll_until<R>(
        &mut self,
        waker: &Waker,
        mut attempt: impl FnMut(&mut Self) -> Result<R, TryRecvError>,
    ) -> Poll<Result<R, RecvError>> {
        loop {
            match attempt(self) {
                Ok(ready) => return Poll::Ready(Ok(ready)),
                Err(TryRecvError::Closed) => return Poll::Ready(Err(RecvError::Closed)),
                Err(TryRecvError::Failed(reason)) => {
                    return Poll::Ready(Err(RecvError::Failed(reason)));
                }
                Err(TryRecvError::Empty) if self.ring.sleep(1, waker) => {}
                Err(TryRecvError::Empty) => return Poll::Pending,
            }
        }
    }

    /// `poll_until` for a thread.
    #[cfg(feature = "std")]
    fn block<R>(
        &mut self,
        timeout: Option<core::time::Duration>,
        mut attempt: impl FnMut(&mut Self) -> Result<R, TryRecvError>,
    ) -> Result<R, RecvTimeoutError> {
        // Most often there is something, or soon: then the thread's parker is not needed.
        for lingered in [false, true] {
            match attempt(self) {
                Ok(ready) => return Ok(ready),
                Err(TryRecvError::Closed) => return Err(RecvTimeoutError::Closed),
                Err(TryRecvError::Failed(reason)) => return Err(RecvTimeoutError::Failed(reason)),
                Err(TryRecvError::Empty) if !lingered && self.ring.linger(1) => {}
                Err(TryRecvError::Empty) => break,
            }
        }
        match block::wait(timeout, |waker| self.poll_until(waker, &mut attempt)) {
            Some(received) => Ok(received?),
            None => Err(RecvTimeoutError::Timeout),
        }
    }

    /// How many items are received in a row before other tasks run once.
    ///
    /// # Panics
    ///
    /// If `items` is 0.
    pub fn set_budget(&mut self, items: u32) {
        assert!(items > 0, "a receiver needs a budget of at least one item");
        self.budget = items;
        self.left = self.left.min(items);
    }

    /// How often, at most, a thread that waits looks again before it sleeps, up to 255; 0: never. The default is 100, about
    /// what a sleep costs. How much of it is used depends on how often it has helped. Tasks never do.
    #[cfg(feature = "std")]
    pub fn set_patience(&mut self, looks: u32) {
        self.ring.patience = Patience::at_most(looks);
    }

    /// Appends up to `limit` items that are there to `items`, at once; how many, which is at least one
    /// unless `limit` is 0. `items` grows if it has no room for them.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`], if there is not one.
    pub fn try_recv_many(
        &mut self,
        items: &mut Vec<T>,
        limit: usize,
    ) -> Result<usize, TryRecvError> {
        if limit == 0 {
            return Ok(0);
        }
        let count = self.readable(limit)?;
        items.reserve(count as usize);
        let straight = self.ring.straight(count);
        let rest = count as usize - straight;
        (0..count).for_each(|offset| crate::sync::place::read(self.slot(offset)));
        // SAFETY: `count` valid items, the consumer's until they are released: `straight` of them up to the
        // end of the memory, the others from its start. There is room for them in `items`.
        unsafe {
            let end = items.as_mut_ptr().add(items.len());
            end.copy_from_nonoverlapping(self.slot(0), straight);
            end.add(straight).copy_from_nonoverlapping(self.raw().slots.cast::<T>(), rest);
            items.set_len(items.len() + count as usize);
        }
        self.ring.release(count);
        Ok(count as usize)
    }

    /// Appends up to `limit` items to `items`, and waits for the first one; how many, which is at least one
    /// unless `limit` is 0.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: items leave the channel only in the poll that is ready.
    pub fn recv_many<'a>(&'a mut self, items: &'a mut Vec<T>, limit: usize) -> RecvMany<'a, T> {
        RecvMany { receiver: self, items, limit }
    }

    /// [`recv_many`](Self::recv_many) for a thread: it sleeps while there is no item.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    #[cfg(feature = "std")]
    pub fn recv_many_blocking(
        &mut self,
        items: &mut Vec<T>,
        limit: usize,
    ) -> Result<usize, RecvError> {
        self.block(None, |this| this.try_recv_many(items, limit)).map_err(endless)
    }

    /// The next item, which stays in the channel.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Self::try_recv).
    pub fn peek(&mut self) -> Result<&T, TryRecvError> {
        let grant = self.try_read(1)?;
        Ok(grant.into_first())
    }

    /// Up to `max` items that are there, read in place; they stay in the channel until
    /// [`release`](ReadGrant::release).
    ///
    /// # Errors
    ///
    /// [`TryRecvError`], if there is not one.
    ///
    /// # Panics
    ///
    /// If `max` is 0.
    pub fn try_read(&mut self, max: usize) -> Result<ReadGrant<'_, T>, TryRecvError> {
        assert!(max > 0, "a read of no items");
        let count = self.readable(max)?;
        Ok(ReadGrant::new(self, count))
    }

    /// Up to `max` items, read in place, once there is one; they stay in the channel until
    /// [`release`](ReadGrant::release).
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Panics
    ///
    /// If `max` is 0.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the future has done nothing.
    pub fn read(&mut self, max: usize) -> Read<'_, T> {
        assert!(max > 0, "a read of no items");
        Read { receiver: Some(self), max }
    }

    /// How many of the next `max` items, which is not 0, can be read: at least one.
    fn readable(&mut self, max: usize) -> Result<u32, TryRecvError> {
        let wanted = u32::try_from(max).unwrap_or(u32::MAX).min(self.raw().capacity);
        let there = self.ring.available(wanted).min(wanted);
        if there == 0 {
            return Err(self.nothing());
        }
        if self.ring.check().is_null() {
            return Ok(there);
        }
        match (0..there).find(|offset| !self.is_valid(self.slot(*offset))) {
            None => Ok(there),
            Some(0) => Err(self.malformed()),
            Some(valid) => Ok(valid),
        }
    }

    #[cold]
    fn malformed(&mut self) -> TryRecvError {
        self.ring.release(1);
        TryRecvError::Failed(StreamError::Malformed(Malformed::Value))
    }

    fn is_valid(&self, at: *mut T) -> bool {
        // SAFETY: this channel's check; Zig wrote an item of the type that it was opened with.
        unsafe { crate::channel::is_valid(self.ring.check(), at) }
    }

    /// Takes nothing that is sent from here on and tells the sender, which gets those items back. What was
    /// sent before can still be received. Further calls do nothing.
    pub fn close(&mut self) {
        self.ring.close(RawError::EMPTY);
    }

    /// Closes, and says why: the sender's errors carry `reason`. An error of Zig's name and a code arrive as
    /// they are, of all else the name.
    pub fn close_with(&mut self, reason: StreamError) {
        self.ring.close(to_raw(reason));
    }

    /// Waits until the channel is closed, by either end; items may still wait. Items that come meanwhile wake nobody.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the future has done nothing.
    pub fn closed(&mut self) -> ReceiverClosed<'_, T> {
        ReceiverClosed { receiver: self }
    }

    /// The task of `waker` is woken when the sender closes. True when the channel is closed.
    fn watch(&self, waker: &Waker) -> bool {
        if !self.ring.is_closed() {
            // SAFETY: this end's cell; its only user is the future that has the end by `&mut`.
            unsafe { register(self.raw(), EndKind::Receiver, waker) };
        }
        self.ring.is_closed()
    }

    /// True when the channel is closed, by either end. Items may still wait.
    pub fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }

    /// How many items wait. The sender may send more meanwhile; fewer they do not get but from here.
    pub fn len(&self) -> usize {
        self.ring.len() as usize
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

    /// True when `sender` is the other end of this channel.
    pub fn same_channel(&self, sender: &super::Sender<T>) -> bool {
        sender.same_channel(self)
    }

    pub(super) fn raw(&self) -> &RawChannel {
        self.ring.channel()
    }

    /// Where the item is that comes `offset` items after the last received one.
    #[inline(always)]
    pub(super) fn slot(&self, offset: u32) -> *mut T {
        // SAFETY: below the number of slots.
        unsafe { self.raw().slots.cast::<T>().add(self.ring.slot(offset)) }
    }

    /// Drops the next `count` items in place and gives their slots back; also those after one whose drop
    /// panics, or after the sender's waker does.
    pub(super) fn discard(&mut self, count: u32) {
        struct Rest<'a, T>(&'a mut Receiver<T>, u32);
        impl<T> Drop for Rest<'_, T> {
            fn drop(&mut self) {
                self.0.discard(self.1);
            }
        }
        if !core::mem::needs_drop::<T>() && count > 0 {
            return self.ring.release(count);
        }
        for done in 1..=count {
            let rest = Rest(self, count - done);
            let at = rest.0.slot(0);
            let is_item = rest.0.ring.check().is_null() || rest.0.is_valid(at);
            // SAFETY: an item, the consumer's until it is released, that Rust made or that was checked.
            let item = is_item.then(|| unsafe { take(at) });
            rest.0.ring.release(1);
            drop(item);
            core::mem::forget(rest);
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        /// Drops what is left, also when the sender's waker panics.
        struct Rest<'a, T>(&'a mut Receiver<T>);
        impl<T> Drop for Rest<'_, T> {
            fn drop(&mut self) {
                // Up to the last one: the sender keeps what it publishes from here on.
                let left = self.0.ring.available(u32::MAX);
                if left > 0 && core::mem::needs_drop::<T>() {
                    self.0.discard(left);
                }
            }
        }
        Rest(self).0.ring.close(RawError::EMPTY);
    }
}

impl<T> Stream for Receiver<T> {
    type Item = Result<T, StreamError>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_recv(cx).map(|received| match received {
            Ok(item) => Some(Ok(item)),
            Err(RecvError::Failed(reason)) => Some(Err(reason)),
            Err(RecvError::Closed) => None,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let closed = self.is_closed();
        let len = self.len();
        // One more may come, the sender's reason, once it has closed.
        (len, closed.then_some(len + usize::from(!self.told)))
    }
}

impl<T> FusedStream for Receiver<T> {
    fn is_terminated(&self) -> bool {
        self.told
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::channel::debug(f, "Receiver", &self.snapshot())
    }
}

/// The error of a wait without a timeout.
#[cfg(feature = "std")]
fn endless(error: RecvTimeoutError) -> RecvError {
    match error {
        RecvTimeoutError::Failed(reason) => RecvError::Failed(reason),
        // It does not time out.
        RecvTimeoutError::Closed | RecvTimeoutError::Timeout => RecvError::Closed,
    }
}

/// The future of [`Receiver::recv`].
#[must_use = "futures do nothing unless polled"]
pub struct Recv<'a, T> {
    receiver: &'a mut Receiver<T>,
}

impl<T> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().receiver.poll_in_turn(cx, Receiver::try_recv)
    }
}

/// The future of [`Receiver::recv_many`].
#[must_use = "futures do nothing unless polled"]
pub struct RecvMany<'a, T> {
    receiver: &'a mut Receiver<T>,
    items: &'a mut Vec<T>,
    limit: usize,
}

impl<T> Future for RecvMany<'_, T> {
    type Output = Result<usize, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { receiver, items, limit } = self.get_mut();
        receiver.poll_in_turn(cx, |receiver| receiver.try_recv_many(items, *limit))
    }
}

/// The future of [`Receiver::read`].
#[must_use = "futures do nothing unless polled"]
pub struct Read<'a, T> {
    /// `None` once it was ready.
    receiver: Option<&'a mut Receiver<T>>,
    max: usize,
}

impl<'a, T> Future for Read<'a, T> {
    type Output = Result<ReadGrant<'a, T>, RecvError>;

    /// # Panics
    ///
    /// If it is polled after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let receiver = this.receiver.take().expect("`Read` is polled after it was ready");
        match receiver.poll_in_turn(cx, |receiver| receiver.readable(this.max)) {
            Poll::Pending => {
                this.receiver = Some(receiver);
                Poll::Pending
            }
            Poll::Ready(count) => Poll::Ready(count.map(|count| ReadGrant::new(receiver, count))),
        }
    }
}

/// The future of [`Receiver::closed`].
#[must_use = "futures do nothing unless polled"]
pub struct ReceiverClosed<'a, T> {
    receiver: &'a mut Receiver<T>,
}

impl<T> Future for ReceiverClosed<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.get_mut().receiver.watch(cx.waker()) { Poll::Ready(()) } else { Poll::Pending }
    }
}

crate::channel::debug_by_name! { Recv RecvMany Read ReceiverClosed }
