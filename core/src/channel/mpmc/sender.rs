//! The sending ends. `receiver.rs` is the mirror: method for method, where they exist.

use core::fmt;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use super::{Closed, Filled, Reference, abandoned, another, discard, leave, revive};
use crate::abi::{RawError, RawMpmc};
use crate::channel::error::{SendError, TrySendError, to_raw};
use crate::channel::{Snapshot, count_one_more, reason};
use crate::error::StreamError;
use crate::ring::mpmc::{Denied, Ring};
#[cfg(feature = "std")]
use crate::ring::patience::Patience;
use crate::ring::seat::Seat;
use crate::sync::{bug, place};

/// A sending end of a channel with any number of ends. The channel closes when the last one goes.
pub struct Sender<T> {
    pub(super) ring: Ring<T>,
    #[cfg(feature = "std")]
    patience: Patience,
    items: PhantomData<fn(T) -> T>,
}

// SAFETY: the ring is made for any number of threads; items move between threads, so they are `Send`.
unsafe impl<T: core::marker::Send> core::marker::Send for Sender<T> {}
// SAFETY: as above.
unsafe impl<T: core::marker::Send> Sync for Sender<T> {}

impl<T> Unpin for Sender<T> {}

impl<T> Sender<T> {
    /// # Safety
    ///
    /// A reference to the channel, and to its senders, passes to the result.
    pub(super) unsafe fn new(ring: Ring<T>) -> Self {
        Self {
            ring,
            #[cfg(feature = "std")]
            patience: Patience::new(),
            items: PhantomData,
        }
    }

    /// Sends without waiting.
    ///
    /// # Errors
    ///
    /// The item comes back if there is no room now, or if the channel is closed.
    #[inline]
    pub fn try_send(&self, item: T) -> Result<(), TrySendError<T>> {
        // (`quiet.rs` says it again: by a closure in between, a send and a receive took 16 ns and not 10.)
        match self.ring.claim_free() {
            Ok(claim) => {
                place::write(claim.item());
                // SAFETY: claimed, and free.
                unsafe { claim.item().write(item) };
                self.ring.commit_filled(claim);
                if abandoned(self.ring) && !bug(59) {
                    discard(self.ring);
                }
                Ok(())
            }
            Err(Denied::NotNow) => Err(TrySendError::Full(item)),
            Err(Denied::Closed) => Err(TrySendError::Closed(item)),
        }
    }

    /// Sends without waiting, in place of the oldest item if there is no room: that one comes back, and
    /// [`snapshot`](Self::snapshot) counts it. (Bytes from Zig that are no `T` are counted, but do not come back.)
    ///
    /// # Errors
    ///
    /// The item comes back if the channel is closed; also, as `Full`, if there is no room and the oldest item is
    /// just being sent or received by another end, or if another sender took the room that was made. In the
    /// latter case, or if the channel is closed just then, the oldest item is dropped, and counted. A channel that
    /// [grows](super::unbounded_within) is `Full` at its limit: one item less makes no room there.
    pub fn force_send(&self, item: T) -> Result<Option<T>, TrySendError<T>> {
        let mut item = match self.try_send(item) {
            Ok(()) => return Ok(None),
            Err(TrySendError::Full(item)) => item,
            Err(closed) => return Err(closed),
        };
        // Also for this: a sender that took the consumers' turn would have to do what they do at the end.
        if self.ring.grows() {
            return Err(TrySendError::Full(item));
        }
        // Where a grant was abandoned there is room, and nothing to replace.
        if self.ring.pass_over_all() {
            item = match self.try_send(item) {
                Ok(()) => return Ok(None),
                Err(TrySendError::Full(item)) => item,
                Err(closed) => return Err(closed),
            };
        }
        let Ok(filled) = Filled::claim(self.ring) else { return Err(TrySendError::Full(item)) };
        // What is no item of this type cannot come back.
        let oldest = filled.take();
        self.ring.raw().channel.tail.tally.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
        match self.try_send(item) {
            Ok(()) => Ok(oldest),
            // Another sender was faster. The oldest is gone all the same: it was in the way for longer.
            Err(error) => {
                drop(oldest);
                Err(error)
            }
        }
    }

    /// Sends, and waits for room, in turn.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the item, if the channel is closed.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the future has not sent the item and drops it; a wake that had come for
    /// it passes to the next sender that waits.
    pub fn send(&self, item: T) -> Send<'_, T> {
        Send { sender: self, item: Some(item), seat: Seat::new() }
    }

    /// [`send`](Self::send) for a thread: it sleeps while there is no room.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the item, if the channel is closed.
    #[cfg(feature = "std")]
    pub fn send_blocking(&self, item: T) -> Result<(), SendError<T>> {
        use crate::channel::SendTimeoutError::{Closed, Timeout};
        match self.try_send(item) {
            Ok(()) => Ok(()),
            Err(error) => match self.send_in_time(error.into_inner(), None) {
                Ok(()) => Ok(()),
                Err(Timeout(item) | Closed(item)) => Err(self.refused(item)),
            },
        }
    }

    /// [`send_blocking`](Self::send_blocking) that gives up after `timeout`.
    ///
    /// # Errors
    ///
    /// The item comes back if there was no room in time, or if the channel is closed.
    #[cfg(feature = "std")]
    pub fn send_blocking_timeout(
        &self,
        item: T,
        timeout: core::time::Duration,
    ) -> Result<(), crate::channel::SendTimeoutError<T>> {
        self.send_in_time(item, Some(timeout))
    }

    #[cfg(feature = "std")]
    fn send_in_time(
        &self,
        item: T,
        timeout: Option<core::time::Duration>,
    ) -> Result<(), crate::channel::SendTimeoutError<T>> {
        use crate::channel::SendTimeoutError;
        self.linger();
        let mut send = core::pin::pin!(self.send(item));
        match crate::channel::block::wait(timeout, |waker| send.as_mut().poll_by(waker)) {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(SendTimeoutError::Closed(error.into_inner())),
            None => match send.as_mut().take_back() {
                Some(item) => Err(SendTimeoutError::Timeout(item)),
                None => Ok(()), // only a send takes the item
            },
        }
    }

    /// A thread that waits looks again for a while.
    #[cfg(feature = "std")]
    pub(super) fn linger(&self) {
        let senders = &self.ring.raw().senders;
        senders.lingering(|| self.patience.linger(|| self.ring.may_have_room()));
    }

    /// How often, at most, a thread that waits looks again before it sleeps, up to 255; 0: never. The default is 100, about
    /// what a sleep costs. How much of it is used depends on how often it has helped. Tasks never do. This end only.
    #[cfg(feature = "std")]
    pub fn set_patience(&mut self, looks: u32) {
        self.patience = Patience::at_most(looks);
    }

    /// Closes the channel for all ends: nothing more is sent, and the receivers drain what was. Further calls
    /// do nothing.
    pub fn close(&self) {
        self.ring.close(RawError::EMPTY);
    }

    /// Closes, and says why: each receiver gets `reason` after the last item. An error of Zig's name and a
    /// code arrive as they are, of all else the name.
    pub fn close_with(&self, reason: StreamError) {
        self.ring.close(to_raw(reason));
    }

    /// Waits until the channel is closed, or the last receiver has gone. Takes no turn of those who wait for room.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the future has done nothing.
    pub fn closed(&self) -> Closed<'_, T> {
        // SAFETY: this end is borrowed, and its reference keeps the channel alive.
        unsafe { Closed::new(self.ring) }
    }

    /// Watches the channel from now on, see [`profile`](crate::profile). The time is read from `clock`, in which the channel must not be
    /// used; of a channel that is watched already the first clock stays.
    #[cfg(feature = "profile")]
    #[track_caller]
    pub fn monitor(
        &self,
        clock: impl crate::time::Clock + core::marker::Send + Sync + 'static,
    ) -> crate::profile::Monitor<T> {
        // SAFETY: this end's reference keeps the channel alive.
        unsafe { super::monitor(self.ring, clock) }
    }

    /// True when the channel is closed. It stays so.
    pub fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }

    /// Why the channel was closed, if it was and somebody said so.
    pub fn reason(&self) -> Option<StreamError> {
        reason(self.ring.reason())
    }

    pub(super) fn refused<U>(&self, item: U) -> SendError<U> {
        SendError { item, reason: self.reason() }
    }

    /// How many items wait; other ends may change that meanwhile.
    pub fn len(&self) -> usize {
        self.ring.len() as usize
    }

    /// True when no item waits; other ends may change that meanwhile.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items fit.
    pub fn capacity(&self) -> usize {
        self.ring.raw().channel.capacity as usize
    }

    /// The channel's counters.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take_mpmc(self.ring.raw())
    }

    /// True when `other` is an end of the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        self.ring.as_ptr() == other.ring.as_ptr()
    }

    /// An end that does not keep the channel open.
    pub fn downgrade(&self) -> WeakSender<T> {
        count_one_more(&self.ring.raw().channel.references);
        WeakSender { ring: self.ring, items: PhantomData }
    }

    pub(super) fn raw(&self) -> &RawMpmc {
        self.ring.raw()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        another(self.raw(), &self.raw().senders);
        // SAFETY: the references were counted.
        unsafe { Self::new(self.ring) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // SAFETY: this end's reference goes here, also when a waker panics.
        let _reference = unsafe { Reference::new(self.ring) };
        leave(self.ring, &self.raw().senders);
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::channel::debug(f, "Sender", &self.snapshot())
    }
}

/// A [`Sender`] that does not keep the channel open.
pub struct WeakSender<T> {
    ring: Ring<T>,
    items: PhantomData<fn(T) -> T>,
}

// SAFETY: as `Sender`.
unsafe impl<T: core::marker::Send> core::marker::Send for WeakSender<T> {}
// SAFETY: as `Sender`.
unsafe impl<T: core::marker::Send> Sync for WeakSender<T> {}

impl<T> WeakSender<T> {
    /// A sender, unless the last one has gone.
    pub fn upgrade(&self) -> Option<Sender<T>> {
        let raw = self.ring.raw();
        // SAFETY: the references were counted.
        revive(raw, &raw.senders).then(|| unsafe { Sender::new(self.ring) })
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        count_one_more(&self.ring.raw().channel.references);
        Self { ring: self.ring, items: PhantomData }
    }
}

impl<T> Drop for WeakSender<T> {
    fn drop(&mut self) {
        // SAFETY: this reference goes here.
        drop(unsafe { Reference::new(self.ring) });
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakSender")
    }
}

/// The future of [`Sender::send`]. Polled again after it was ready, it has nothing to do and answers `Ok`.
#[must_use = "futures do nothing unless polled"]
pub struct Send<'a, T> {
    sender: &'a Sender<T>,
    item: Option<T>,
    seat: Seat,
}

impl<T> Send<'_, T> {
    fn poll_by(self: Pin<&mut Self>, waker: &Waker) -> Poll<Result<(), SendError<T>>> {
        // SAFETY: the seat is pinned again at once; nothing else needs it.
        let Self { sender, item, seat } = unsafe { self.get_unchecked_mut() };
        // SAFETY: a field of what is pinned; `drop` leaves.
        unsafe { sender.poll_send(waker, item, Pin::new_unchecked(seat)) }
    }

    /// Gives up; the item, unless it was sent.
    #[cfg(feature = "std")]
    fn take_back(self: Pin<&mut Self>) -> Option<T> {
        // SAFETY: the item is not pinned.
        unsafe { self.get_unchecked_mut() }.item.take()
    }
}

impl<T> Sender<T> {
    /// Sends the item in `item`, if there is one. `Pending` once the seat is taken.
    ///
    /// # Safety
    ///
    /// The owner of the seat gives up before the seat goes.
    pub(super) unsafe fn poll_send(
        &self,
        waker: &Waker,
        item: &mut Option<T>,
        mut seat: Pin<&mut Seat>,
    ) -> Poll<Result<(), SendError<T>>> {
        while let Some(next) = item.take() {
            match self.try_send(next) {
                Ok(()) => break,
                Err(TrySendError::Closed(back)) => {
                    self.done(seat);
                    return Poll::Ready(Err(self.refused(back)));
                }
                Err(TrySendError::Full(back)) => *item = Some(back),
            }
            // SAFETY: the caller's promise.
            unsafe { seat.as_mut().join(&self.raw().senders, waker) };
            if !self.ring.is_room() {
                return Poll::Pending;
            }
        }
        self.done(seat);
        Poll::Ready(Ok(()))
    }

    /// Has sent, or never will: who waits next may have something to do as well (the baton).
    pub(super) fn done(&self, seat: Pin<&mut Seat>) {
        let party = &self.raw().senders;
        if seat.leave(party).is_some() && party.is_waiting() && self.ring.is_room() {
            party.wake_one();
        }
    }

    /// Will not send: a wake that had come goes to the next one.
    pub(super) fn give_up(&self, seat: Pin<&mut Seat>) {
        let party = &self.raw().senders;
        if seat.leave(party) == Some(true) && !bug(47) {
            party.wake_one();
        }
    }
}

impl<T> Future for Send<'_, T> {
    type Output = Result<(), SendError<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_by(cx.waker())
    }
}

impl<T> Drop for Send<'_, T> {
    fn drop(&mut self) {
        // SAFETY: pinned since it joined, if it did.
        self.sender.give_up(unsafe { Pin::new_unchecked(&mut self.seat) });
    }
}

crate::channel::debug_by_name! { Send }
