//! The receiving ends. `sender.rs` is the mirror: method for method, where they exist.

use crate::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::pin::Pin;
use core::sync::atomic::Ordering::{AcqRel, Relaxed};
use core::task::{Context, Poll, Waker};

use futures_core::stream::{FusedStream, Stream};

use super::{Closed, Nothing, Reference, abandoned, another, discard, leave, pop, revive};
use crate::abi::{RawError, RawMpmc};
use crate::channel::error::{RecvError, TryRecvError, to_raw};
use crate::channel::{DEFAULT_BUDGET, Snapshot, count_one_more, reason};
use crate::error::{Malformed, StreamError};
use crate::ring::mpmc::Ring;
#[cfg(feature = "std")]
use crate::ring::patience::Patience;
use crate::ring::seat::Seat;
use crate::sync::bug;

/// A receiving end of a channel with any number of ends. The channel closes when the last one goes, which drops
/// the items that wait.
///
/// As a [`Stream`] it yields `Result<T, StreamError>`, ends after the last item, and is fused; its first wait
/// allocates, the others do not. A stream that was pending waits, in turn, until it is polled again, dropped, or
/// told to [`cancel`](Self::cancel): its task is the one that is woken. Who polls it in a `select!` and does
/// not come back for long, cancels it, or another receiver's wake ends here.
pub struct Receiver<T> {
    pub(super) ring: Ring<T>,
    #[cfg(feature = "std")]
    pub(super) patience: Patience,
    /// Where the stream waits: null or a box, pinned. Only `&mut self` puts one there.
    seat: AtomicPtr<Seat>,
    budget: u32,
    left: u32,
    notes: Notes,
    ended: bool,
    items: PhantomData<fn(T) -> T>,
}

// SAFETY: the ring is made for any number of threads; items move between threads, so they are `Send`.
unsafe impl<T: Send> Send for Receiver<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Receiver<T> {}

impl<T> Unpin for Receiver<T> {}

impl<T> Receiver<T> {
    /// # Safety
    ///
    /// A reference to the channel, and to its receivers, passes to the result.
    pub(super) unsafe fn new(ring: Ring<T>) -> Self {
        Self {
            ring,
            #[cfg(feature = "std")]
            patience: Patience::new(),
            seat: AtomicPtr::new(core::ptr::null_mut()),
            budget: DEFAULT_BUDGET,
            left: DEFAULT_BUDGET,
            notes: Notes::default(),
            ended: false,
            items: PhantomData,
        }
    }

    /// Receives without waiting.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]: there is no item now, or there will be none.
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.source().try_recv()
    }

    /// Receives, and waits for an item, in turn.
    ///
    /// # Errors
    ///
    /// [`RecvError`]: there is no item and there will be none, or a failure in place of an item.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: an item leaves the channel only in the poll that returns it, and a wake that had
    /// come for the future passes to the next receiver that waits.
    pub fn recv(&self) -> Recv<'_, T> {
        self.cancel();
        Recv { receiver: self, seat: Seat::new() }
    }

    /// [`recv`](Self::recv) for a thread: it sleeps while there is no item.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    #[cfg(feature = "std")]
    #[inline]
    pub fn recv_blocking(&self) -> Result<T, RecvError> {
        self.source().pop().or_else(|nothing| self.recv_asleep(nothing))
    }

    /// A thread that waits looks again for a while.
    #[cfg(feature = "std")]
    pub(super) fn linger(&self) {
        let receivers = &self.ring.raw().receivers;
        receivers.lingering(|| self.patience.linger(|| self.ring.may_have_item()));
    }

    #[cfg(feature = "std")]
    #[cold]
    fn recv_asleep(&self, nothing: Nothing) -> Result<T, RecvError> {
        if nothing != Nothing::NotNow {
            return Err(self.source().ended(nothing));
        }
        self.linger();
        let mut recv = core::pin::pin!(self.recv());
        let item = crate::channel::block::wait(None, |waker| recv.as_mut().poll_by(waker));
        item.unwrap_or(Err(RecvError::Closed)) // without a timeout it ends by itself
    }

    /// [`recv_blocking`](Self::recv_blocking) that gives up after `timeout`.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv), or no item came in time.
    #[cfg(feature = "std")]
    pub fn recv_blocking_timeout(
        &self,
        timeout: core::time::Duration,
    ) -> Result<T, crate::channel::RecvTimeoutError> {
        let mut recv = core::pin::pin!(self.recv());
        match crate::channel::block::wait(Some(timeout), |waker| recv.as_mut().poll_by(waker)) {
            Some(item) => Ok(item?),
            None => Err(crate::channel::RecvTimeoutError::Timeout),
        }
    }

    /// How many items the stream yields in a row before other tasks run once. This end only.
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
    /// what a sleep costs. How much of it is used depends on how often it has helped. Tasks never do. This end only.
    #[cfg(feature = "std")]
    pub fn set_patience(&mut self, looks: u32) {
        self.patience = Patience::at_most(looks);
    }

    /// Will not receive: a wake that had come goes to the next one.
    pub(super) fn give_up(&self, seat: Pin<&mut Seat>) {
        let party = &self.raw().receivers;
        if seat.leave(party) == Some(true) && !bug(47) {
            party.wake_one();
        }
    }

    /// The stream waits no more: its turn goes to the next receiver. Waiting by [`recv`](Self::recv) or a blocking
    /// call does it, too.
    pub fn cancel(&self) {
        let seat = self.seat.swap(core::ptr::null_mut(), AcqRel);
        if !seat.is_null() {
            // SAFETY: `poll_next` made it of a box, which nobody else has any more; it stays where it is.
            let mut seat = unsafe { Pin::new_unchecked(Box::from_raw(seat)) };
            self.give_up(seat.as_mut());
        }
    }

    /// Closes the channel for all ends: nothing more is sent, and what was can still be received. Further
    /// calls do nothing.
    pub fn close(&self) {
        self.ring.close(RawError::EMPTY);
    }

    /// Closes, and says why. An error of Zig's name and a code arrive as they are, of all else the name.
    pub fn close_with(&self, reason: StreamError) {
        self.ring.close(to_raw(reason));
    }

    /// Waits until the channel is closed, or the last sender has gone; items may still wait. Takes no turn of those
    /// who wait for items.
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

    /// True when the channel is closed. Items may still wait.
    pub fn is_closed(&self) -> bool {
        self.ring.is_closed()
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
        self.raw().channel.capacity as usize
    }

    /// The channel's counters.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::take_mpmc(self.raw())
    }

    /// True when `other` is an end of the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        self.ring.as_ptr() == other.ring.as_ptr()
    }

    /// An end that does not keep the channel open.
    pub fn downgrade(&self) -> WeakReceiver<T> {
        count_one_more(&self.raw().channel.references);
        WeakReceiver { ring: self.ring, items: PhantomData }
    }

    fn raw(&self) -> &RawMpmc {
        self.ring.raw()
    }

    pub(super) fn source(&self) -> Source<'_, T> {
        Source { ring: self.ring, notes: &self.notes }
    }
}

/// What an end has told, and what it has not.
#[derive(Default)]
struct Notes {
    /// The reason has been told.
    told: AtomicBool,
    /// Malformed items that ended a batch: they are told before what comes next.
    owed: AtomicU32,
}

/// A receiver but for its seat, which is borrowed by itself.
pub(super) struct Source<'a, T> {
    ring: Ring<T>,
    notes: &'a Notes,
}

impl<T> Source<'_, T> {
    #[inline(always)]
    pub(super) fn try_recv(&self) -> Result<T, TryRecvError> {
        self.pop().map_err(|nothing| self.tell(nothing))
    }

    #[inline(always)]
    fn pop(&self) -> Result<T, Nothing> {
        if self.owes() {
            return Err(Nothing::Malformed);
        }
        pop(self.ring)
    }

    /// What `claim` finds, as it is told.
    #[inline(always)]
    pub(super) fn attempt<R>(
        &self,
        claim: impl Fn(Ring<T>) -> Result<R, Nothing>,
    ) -> Result<R, TryRecvError> {
        let claimed = if self.owes() { Err(Nothing::Malformed) } else { claim(self.ring) };
        claimed.map_err(|nothing| self.tell(nothing))
    }

    /// True if a malformed item is to be told before anything else, now.
    #[inline(always)]
    fn owes(&self) -> bool {
        self.notes.owed.load(Relaxed) != 0 && self.pay()
    }

    #[cold]
    #[inline(never)]
    fn tell(&self, nothing: Nothing) -> TryRecvError {
        match nothing {
            Nothing::NotNow => TryRecvError::Empty,
            Nothing::Closed => self.end(),
            Nothing::Malformed => TryRecvError::Failed(StreamError::Malformed(Malformed::Value)),
        }
    }

    /// The same, of one that is not for now.
    #[cold]
    fn ended(&self, nothing: Nothing) -> RecvError {
        match self.tell(nothing) {
            TryRecvError::Failed(reason) => RecvError::Failed(reason),
            TryRecvError::Closed | TryRecvError::Empty => RecvError::Closed,
        }
    }

    /// The first item as `try_recv`, then up to `limit` of those that were there when it began.
    pub(super) fn try_recv_many(
        &self,
        items: &mut Vec<T>,
        limit: usize,
    ) -> Result<usize, TryRecvError> {
        if limit == 0 {
            return Ok(0);
        }
        let there = limit.min(self.ring.len() as usize);
        items.reserve(there);
        items.push(self.try_recv()?);
        for count in 1..there {
            match pop(self.ring) {
                Ok(item) => items.push(item),
                Err(Nothing::NotNow | Nothing::Closed) => return Ok(count),
                Err(Nothing::Malformed) => {
                    self.notes.owed.fetch_add(1, Relaxed);
                    return Ok(count);
                }
            }
        }
        Ok(there.max(1))
    }

    /// True if a malformed item was still to be told, and no other thread does it.
    #[cold]
    fn pay(&self) -> bool {
        self.notes.owed.fetch_update(Relaxed, Relaxed, |owed| owed.checked_sub(1)).is_ok()
    }

    #[cold]
    fn end(&self) -> TryRecvError {
        match reason(self.ring.reason()) {
            Some(reason) if !self.notes.told.swap(true, Relaxed) => TryRecvError::Failed(reason),
            _ => TryRecvError::Closed,
        }
    }

    /// Attempts; `Pending` once the seat is taken.
    pub(super) fn poll<R>(
        &self,
        waker: &Waker,
        mut seat: Pin<&mut Seat>,
        mut attempt: impl FnMut(&Self) -> Result<R, TryRecvError>,
    ) -> Poll<Result<R, RecvError>> {
        loop {
            let received = match attempt(self) {
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Closed) => Some(Err(RecvError::Closed)),
                Err(TryRecvError::Failed(reason)) => Some(Err(RecvError::Failed(reason))),
                Ok(received) => Some(Ok(received)),
            };
            if let Some(received) = received {
                self.done(seat);
                return Poll::Ready(received);
            }
            // SAFETY: whoever owns the seat leaves in its drop, and `done` does.
            unsafe { seat.as_mut().join(&self.ring.raw().receivers, waker) };
            if !self.ring.is_item() {
                return Poll::Pending;
            }
        }
    }

    /// Has received, or never will: who waits next may have something to do as well (the baton).
    fn done(&self, seat: Pin<&mut Seat>) {
        let party = &self.ring.raw().receivers;
        if seat.leave(party).is_some() && party.is_waiting() && self.ring.is_item() && !bug(48) {
            party.wake_one();
        }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        another(self.raw(), &self.raw().receivers);
        // SAFETY: the references were counted.
        unsafe { Self::new(self.ring) }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        /// Goes on also when a waker, or the drop of an item, panics.
        struct Leave<'a, T>(&'a Receiver<T>);
        impl<T> Drop for Leave<'_, T> {
            fn drop(&mut self) {
                let ring = self.0.ring;
                let party = &ring.raw().receivers;
                leave(ring, party);
                // Nobody will receive what waits.
                if abandoned(ring) {
                    discard(ring);
                }
            }
        }
        // SAFETY: this end's reference goes here.
        let _reference = unsafe { Reference::new(self.ring) };
        let _leave = Leave(self);
        self.cancel();
    }
}

impl<T> Stream for Receiver<T> {
    type Item = Result<T, StreamError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        if this.left == 0 {
            this.left = this.budget;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let source = Source { ring: this.ring, notes: &this.notes };
        let seat = this.seat.get_mut();
        // Most often there is something, or the seat was allocated before.
        let polled = match source.pop() {
            Err(Nothing::NotNow) => {
                if seat.is_null() {
                    *seat = Box::into_raw(Box::new(Seat::new()));
                }
                // SAFETY: a box that stays where it is until `cancel` takes it; `&mut self`.
                let seat = unsafe { Pin::new_unchecked(&mut **seat) };
                source.poll(cx.waker(), seat, Source::try_recv)
            }
            received => {
                if !seat.is_null() {
                    // SAFETY: as above.
                    source.done(unsafe { Pin::new_unchecked(&mut **seat) });
                }
                Poll::Ready(received.map_err(|nothing| source.ended(nothing)))
            }
        };
        this.left = if polled.is_pending() { this.budget } else { this.left - 1 };
        polled.map(|received| match received {
            Ok(item) => Some(Ok(item)),
            Err(RecvError::Failed(reason)) => Some(Err(reason)),
            Err(RecvError::Closed) => {
                this.ended = true;
                None
            }
        })
    }
}

impl<T> FusedStream for Receiver<T> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::channel::debug(f, "Receiver", &self.snapshot())
    }
}

/// A [`Receiver`] that does not keep the channel open.
pub struct WeakReceiver<T> {
    ring: Ring<T>,
    items: PhantomData<fn(T) -> T>,
}

// SAFETY: as `Receiver`.
unsafe impl<T: Send> Send for WeakReceiver<T> {}
// SAFETY: as `Receiver`.
unsafe impl<T: Send> Sync for WeakReceiver<T> {}

impl<T> WeakReceiver<T> {
    /// A receiver, unless the last one has gone.
    pub fn upgrade(&self) -> Option<Receiver<T>> {
        let raw = self.ring.raw();
        // SAFETY: the references were counted.
        revive(raw, &raw.receivers).then(|| unsafe { Receiver::new(self.ring) })
    }
}

impl<T> Clone for WeakReceiver<T> {
    fn clone(&self) -> Self {
        count_one_more(&self.ring.raw().channel.references);
        Self { ring: self.ring, items: PhantomData }
    }
}

impl<T> Drop for WeakReceiver<T> {
    fn drop(&mut self) {
        // SAFETY: this reference goes here.
        drop(unsafe { Reference::new(self.ring) });
    }
}

impl<T> fmt::Debug for WeakReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakReceiver")
    }
}

/// The future of [`Receiver::recv`].
#[must_use = "futures do nothing unless polled"]
pub struct Recv<'a, T> {
    receiver: &'a Receiver<T>,
    seat: Seat,
}

impl<T> Recv<'_, T> {
    fn poll_by(self: Pin<&mut Self>, waker: &Waker) -> Poll<Result<T, RecvError>> {
        // SAFETY: the seat is pinned again at once; nothing else needs it.
        let Self { receiver, seat } = unsafe { self.get_unchecked_mut() };
        // SAFETY: a field of what is pinned.
        let mut seat = unsafe { Pin::new_unchecked(seat) };
        let source = receiver.source();
        // Most often there is something.
        let received = match source.pop() {
            Ok(item) => Ok(item),
            Err(Nothing::NotNow) => return source.poll(waker, seat, Source::try_recv),
            Err(nothing) => Err(source.ended(nothing)),
        };
        source.done(seat.as_mut());
        Poll::Ready(received)
    }
}

impl<T> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_by(cx.waker())
    }
}

impl<T> Drop for Recv<'_, T> {
    fn drop(&mut self) {
        // SAFETY: pinned since it joined, if it did.
        self.receiver.give_up(unsafe { Pin::new_unchecked(&mut self.seat) });
    }
}

crate::channel::debug_by_name! { Recv }
