//! A slot that is written in place, and an item that is read in place. One at a time: of several slots, others' might
//! lie in between.

use core::fmt;
use core::marker::PhantomData;
use core::mem::{ManuallyDrop, MaybeUninit};
use core::ops::{Deref, DerefMut};
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use super::receiver::Source;
use super::{Filled, Nothing, Receiver, Sender, abandoned, discard};
use crate::channel::error::{RecvError, SendError, TryRecvError, TrySendError};
use crate::ring::mpmc::{Claim, Denied, Ring};
use crate::ring::seat::Seat;
use crate::sync::place;

impl<T> Sender<T> {
    /// Room for one item, now: sending it later cannot fail.
    ///
    /// # Errors
    ///
    /// `Full` if there is no room now, `Closed` if the channel is closed.
    ///
    /// ```
    /// let (tx, rx) = zigflow_core::mpmc::channel(1);
    /// let grant = tx.try_reserve()?;
    /// assert!(tx.try_send("no room").is_err());
    /// grant.send("in the room that was kept");
    /// assert_eq!(rx.try_recv()?, "in the room that was kept");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_reserve(&self) -> Result<WriteGrant<'_, T>, TrySendError<()>> {
        match self.ring.claim_free() {
            Ok(claim) => {
                let claim = ManuallyDrop::new(claim);
                let mut grant = WriteGrant { ring: self.ring, claim, sender: PhantomData };
                self.ring.tell_senders_now(&mut grant.claim);
                Ok(grant)
            }
            Err(Denied::NotNow) => Err(TrySendError::Full(())),
            Err(Denied::Closed) => Err(TrySendError::Closed(())),
        }
    }

    /// Waits for room for one item, in turn: sending it later cannot fail.
    ///
    /// # Errors
    ///
    /// [`SendError`], if the channel is closed.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the future has reserved nothing; a wake that had come for it passes to the next
    /// sender that waits. So an item that is made only when there is a grant for it is never lost.
    pub fn reserve(&self) -> Reserve<'_, T> {
        Reserve { sender: self, seat: Seat::new() }
    }

    /// [`reserve`](Self::reserve) for a thread: it sleeps while there is no room.
    ///
    /// # Errors
    ///
    /// [`SendError`], if the channel is closed.
    #[cfg(feature = "std")]
    pub fn reserve_blocking(&self) -> Result<WriteGrant<'_, T>, SendError<()>> {
        match self.try_reserve() {
            Ok(grant) => return Ok(grant),
            Err(TrySendError::Closed(())) => return Err(self.refused(())),
            Err(TrySendError::Full(())) => {}
        }
        self.linger();
        let mut reserve = core::pin::pin!(self.reserve());
        let grant = crate::channel::block::wait(None, |waker| reserve.as_mut().poll_by(waker));
        grant.unwrap_or_else(|| Err(self.refused(()))) // without a timeout it ends by itself
    }
}

impl<T> Receiver<T> {
    /// The next item, read in place; its slot is taken until the grant goes. (From a channel that grows the item is moved
    /// into the grant: see [`ReadGrant`].)
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Self::try_recv).
    ///
    /// ```
    /// let (tx, rx) = zigflow_core::mpmc::channel(4);
    /// tx.try_send([0_u8; 1024])?;
    /// let item = rx.try_read()?;
    /// assert_eq!(item.len(), 1024);
    /// drop(item); // received
    /// assert!(rx.try_recv().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_read(&self) -> Result<ReadGrant<'_, T>, TryRecvError> {
        self.source().attempt(Source::claim).map(ReadGrant::of)
    }

    /// [`try_read`](Self::try_read), and waits for an item, in turn.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: an item is claimed only in the poll that returns it, and a wake that had come for the
    /// future passes to the next receiver that waits.
    pub fn read(&self) -> Read<'_, T> {
        self.cancel();
        Read { receiver: self, seat: Seat::new() }
    }

    /// [`read`](Self::read) for a thread: it sleeps while there is no item.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    #[cfg(feature = "std")]
    pub fn read_blocking(&self) -> Result<ReadGrant<'_, T>, RecvError> {
        match self.try_read() {
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Closed) => return Err(RecvError::Closed),
            Err(TryRecvError::Failed(reason)) => return Err(RecvError::Failed(reason)),
            Ok(grant) => return Ok(grant),
        }
        self.linger();
        let mut read = core::pin::pin!(self.read());
        let grant = crate::channel::block::wait(None, |waker| read.as_mut().poll_by(waker));
        grant.unwrap_or(Err(RecvError::Closed)) // without a timeout it ends by itself
    }
}

/// Room for one item, of [`Sender::reserve`] and its kin.
///
/// The item has its place in the order from now on: what others send meanwhile is received after it. So do not keep a
/// grant for long; one that is forgotten ([`mem::forget`](core::mem::forget)) stops the channel for all, and items
/// behind it are dropped with the channel.
///
/// A grant outlasts the closing of the channel: what it sends is delivered like all that was sent before, or, if the last
/// receiver has gone, dropped.
///
/// Dropped, the grant is abandoned: nothing is sent, and the receivers pass over its slot, which is not counted as an item any
/// more when they have. What was written into the [`slot`](Self::slot) is not dropped.
#[must_use = "dropped, the grant sends nothing"]
pub struct WriteGrant<'a, T> {
    ring: Ring<T>,
    claim: ManuallyDrop<Claim<T>>,
    sender: PhantomData<&'a Sender<T>>,
}

// SAFETY: the slot is the grant's own, and committing it may be done on any thread; items move between threads, so they
// are `Send`.
unsafe impl<T: Send> Send for WriteGrant<'_, T> {}
// SAFETY: by `&WriteGrant` nothing can be done.
unsafe impl<T: Send> Sync for WriteGrant<'_, T> {}

impl<T> WriteGrant<'_, T> {
    /// Sends.
    pub fn send(mut self, item: T) {
        self.slot().write(item);
        // SAFETY: just written.
        unsafe { self.commit() };
    }

    /// Where the item goes, to be written in place and sent by [`commit`](Self::commit). At first its bytes are
    /// whatever stood there.
    pub fn slot(&mut self) -> &mut MaybeUninit<T> {
        place::write(self.claim.item());
        // SAFETY: claimed, so nobody else looks; aligned; any bytes are a `MaybeUninit`; borrowed as long as the grant.
        unsafe { &mut *self.claim.item().cast() }
    }

    /// Sends what was written into the [`slot`](Self::slot).
    ///
    /// # Safety
    ///
    /// An item was.
    pub unsafe fn commit(self) {
        let (ring, claim) = self.into_claim();
        ring.commit_filled(claim);
        if abandoned(ring) {
            discard(ring);
        }
    }

    /// Not abandoned any more, also when a waker panics.
    fn into_claim(self) -> (Ring<T>, Claim<T>) {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: taken here, and dropped nowhere.
        (this.ring, unsafe { ManuallyDrop::take(&mut this.claim) })
    }
}

impl<T> Drop for WriteGrant<'_, T> {
    fn drop(&mut self) {
        // SAFETY: taken here only.
        self.ring.abandon(unsafe { ManuallyDrop::take(&mut self.claim) });
        if abandoned(self.ring) {
            discard(self.ring);
        }
    }
}

impl<T> fmt::Debug for WriteGrant<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteGrant")
    }
}

/// A received item, of [`Receiver::read`] and its kin, which is still in its slot. Dropped, the grant drops the item and
/// frees the slot; it does not put the item back. One that is forgotten ([`mem::forget`](core::mem::forget)) leaks its item,
/// and the senders wait when they come to its slot again.
///
/// In a channel that grows the item is in the grant itself, and its slot is free at once. There, consumers take turns, and the
/// turn ends when the slot is free: a grant that kept it would stop all other receivers.
#[must_use = "dropped, the grant drops the item"]
pub struct ReadGrant<'a, T> {
    item: Held<T>,
    receiver: PhantomData<&'a Receiver<T>>,
}

// SAFETY: the slot is the grant's own, and freeing it may be done on any thread; the item moves along.
unsafe impl<T: Send> Send for ReadGrant<'_, T> {}
// SAFETY: `&ReadGrant` gives `&T`, and no more.
unsafe impl<T: Send + Sync> Sync for ReadGrant<'_, T> {}

enum Held<T> {
    Slot(InSlot<T>),
    Moved(T),
}

/// A valid item in a claimed slot, which both go with this.
struct InSlot<T>(Filled<T>);

impl<T> Drop for InSlot<T> {
    fn drop(&mut self) {
        // SAFETY: valid, and taken nowhere else. The slot is freed afterwards, also when this panics.
        unsafe { self.0.item().drop_in_place() };
    }
}

impl<T> ReadGrant<'_, T> {
    fn of(item: Held<T>) -> Self {
        Self { item, receiver: PhantomData }
    }

    /// The item itself; its slot is free.
    pub fn take(self) -> T {
        match self.item {
            Held::Slot(slot) => {
                let slot = ManuallyDrop::new(slot);
                // SAFETY: moved out of what is not dropped.
                let filled = unsafe { core::ptr::read(&raw const slot.0) };
                // SAFETY: valid, and taken here only.
                unsafe { crate::channel::take(filled.item()) }
            }
            Held::Moved(item) => item,
        }
    }
}

impl<T> Deref for ReadGrant<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.item {
            // SAFETY: valid, and the grant's own.
            Held::Slot(slot) => unsafe { &*slot.0.item() },
            Held::Moved(item) => item,
        }
    }
}

impl<T> DerefMut for ReadGrant<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.item {
            // SAFETY: as above.
            Held::Slot(slot) => unsafe { &mut *slot.0.item() },
            Held::Moved(item) => item,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for ReadGrant<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReadGrant").field(&**self).finish()
    }
}

impl<T> Source<'_, T> {
    /// The next item, in its slot if it may stay there.
    fn claim(ring: Ring<T>) -> Result<Held<T>, Nothing> {
        if ring.grows() {
            return super::pop(ring).map(Held::Moved);
        }
        let filled = Filled::claim(ring)?;
        if !filled.is_valid() {
            return Err(Nothing::Malformed);
        }
        // Whoever has `&mut` may write.
        place::write(filled.item());
        Ok(Held::Slot(InSlot(filled)))
    }
}

/// The future of [`Sender::reserve`].
#[must_use = "futures do nothing unless polled"]
pub struct Reserve<'a, T> {
    sender: &'a Sender<T>,
    seat: Seat,
}

impl<'a, T> Reserve<'a, T> {
    fn poll_by(
        self: Pin<&mut Self>,
        waker: &Waker,
    ) -> Poll<Result<WriteGrant<'a, T>, SendError<()>>> {
        // SAFETY: the seat is pinned again at once; nothing else needs it.
        let Self { sender, seat } = unsafe { self.get_unchecked_mut() };
        // SAFETY: a field of what is pinned.
        let mut seat = unsafe { Pin::new_unchecked(seat) };
        loop {
            let reserved = match sender.try_reserve() {
                Ok(grant) => Some(Ok(grant)),
                Err(TrySendError::Closed(())) => Some(Err(sender.refused(()))),
                Err(TrySendError::Full(())) => None,
            };
            if let Some(reserved) = reserved {
                sender.done(seat);
                return Poll::Ready(reserved);
            }
            // SAFETY: left by `done`, or in `drop`.
            unsafe { seat.as_mut().join(&sender.raw().senders, waker) };
            if !sender.ring.is_room() {
                return Poll::Pending;
            }
        }
    }
}

impl<'a, T> Future for Reserve<'a, T> {
    type Output = Result<WriteGrant<'a, T>, SendError<()>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_by(cx.waker())
    }
}

impl<T> Drop for Reserve<'_, T> {
    fn drop(&mut self) {
        // SAFETY: pinned since it joined, if it did.
        self.sender.give_up(unsafe { Pin::new_unchecked(&mut self.seat) });
    }
}

/// The future of [`Receiver::read`].
#[must_use = "futures do nothing unless polled"]
pub struct Read<'a, T> {
    receiver: &'a Receiver<T>,
    seat: Seat,
}

impl<'a, T> Read<'a, T> {
    fn poll_by(self: Pin<&mut Self>, waker: &Waker) -> Poll<Result<ReadGrant<'a, T>, RecvError>> {
        // SAFETY: the seat is pinned again at once; nothing else needs it.
        let Self { receiver, seat } = unsafe { self.get_unchecked_mut() };
        // SAFETY: a field of what is pinned; `drop` gives up.
        let seat = unsafe { Pin::new_unchecked(seat) };
        let polled = receiver.source().poll(waker, seat, |source| source.attempt(Source::claim));
        polled.map_ok(ReadGrant::of)
    }
}

impl<'a, T> Future for Read<'a, T> {
    type Output = Result<ReadGrant<'a, T>, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_by(cx.waker())
    }
}

impl<T> Drop for Read<'_, T> {
    fn drop(&mut self) {
        // SAFETY: pinned since it joined, if it did.
        self.receiver.give_up(unsafe { Pin::new_unchecked(&mut self.seat) });
    }
}

crate::channel::debug_by_name! { Reserve Read }
