//! Waiting for the end of the channel, and for nothing else.
//!
//! Who does that stands in a party of its own, the watchers. In the senders' it would be woken for room that it
//! does not want, once for every item that is received, and two of them would hand such a wake to each other for ever.
//! Watchers are woken all at once, after CLOSED is set, so no wake is ever passed on.
//!
//! None is lost: who waits enters the list under its lock, then looks for CLOSED; who closes sets it, then takes the
//! same lock. Whoever comes second sees what the first one did.

use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::ring::mpmc::Ring;
use crate::ring::seat::Seat;

/// The future of [`Sender::closed`](super::Sender::closed) and [`Receiver::closed`](super::Receiver::closed).
#[must_use = "futures do nothing unless polled"]
pub struct Closed<'a, T> {
    ring: Ring<T>,
    seat: Seat,
    end: PhantomData<&'a fn(T) -> T>,
}

// SAFETY: it looks at atomic words and waits in a list that any thread may enter; no item is touched.
unsafe impl<T: Send> Send for Closed<'_, T> {}
// SAFETY: as above; by `&Closed` nothing can be done.
unsafe impl<T: Send> Sync for Closed<'_, T> {}

impl<T> Closed<'_, T> {
    /// # Safety
    ///
    /// An end of the channel is borrowed for as long as the result lives.
    pub(super) unsafe fn new(ring: Ring<T>) -> Self {
        Self { ring, seat: Seat::new(), end: PhantomData }
    }
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the seat is pinned again below; nothing else needs it.
        let Self { ring, seat, .. } = unsafe { self.get_unchecked_mut() };
        // SAFETY: a field of what is pinned.
        let mut seat = unsafe { Pin::new_unchecked(seat) };
        let party = &ring.raw().watchers;
        if !ring.is_closed() {
            // SAFETY: left below, or in `drop`.
            unsafe { seat.as_mut().join(party, cx.waker()) };
            if !ring.is_closed() {
                return Poll::Pending;
            }
        }
        seat.leave(party);
        Poll::Ready(())
    }
}

impl<T> Drop for Closed<'_, T> {
    fn drop(&mut self) {
        // SAFETY: pinned since it joined, if it did.
        unsafe { Pin::new_unchecked(&mut self.seat) }.leave(&self.ring.raw().watchers);
    }
}

crate::channel::debug_by_name! { Closed }
