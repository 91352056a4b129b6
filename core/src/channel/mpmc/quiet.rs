//! The verbs that wake nobody.

use super::{Filled, Nothing, Receiver, Sender, abandoned};
use crate::channel::error::{TryRecvError, TrySendError};
use crate::channel::quiet::{PeerWaker, WakeDue};
use crate::ring::mpmc::Denied;
use crate::sync::place;

impl<T> Sender<T> {
    /// [`try_send`](Self::try_send) that wakes nobody, for signal handlers and interrupts: the wake is due to
    /// [`peer_waker`](Self::peer_waker), or to the next verb that is not quiet. (For bounded channels: one that grows
    /// may allocate here, and wake.)
    ///
    /// # Errors
    ///
    /// The item comes back if there is no room now, or if the channel is closed.
    pub fn try_send_quiet(&self, item: T) -> Result<WakeDue, TrySendError<T>> {
        match self.ring.claim_free() {
            Ok(claim) => {
                place::write(claim.item());
                // SAFETY: claimed, and free.
                unsafe { claim.item().write(item) };
                let waits = self.ring.commit_filled_quietly(claim);
                // What nobody will receive is dropped by whoever does what is due: a drop is no work for a handler.
                Ok(WakeDue::new(waits || abandoned(self.ring)))
            }
            Err(Denied::NotNow) => Err(TrySendError::Full(item)),
            Err(Denied::Closed) => Err(TrySendError::Closed(item)),
        }
    }

    /// What wakes a receiver after a quiet verb. Not for handlers: it counts a reference, and may free.
    ///
    /// # Panics
    ///
    /// If there are 2^31 already.
    pub fn peer_waker(&self) -> PeerWaker<T> {
        // SAFETY: this end keeps the channel alive.
        unsafe { PeerWaker::new(self.ring.as_ptr().cast(), true) }
    }
}

impl<T> Receiver<T> {
    /// [`try_recv`](Self::try_recv) that wakes nobody, for signal handlers and interrupts: the wake is due to
    /// [`peer_waker`](Self::peer_waker), or to the next verb that is not quiet. (For bounded channels: one that grows
    /// may free here, and wake.)
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]: there is no item now, or there will be none. (After a malformed item a sender is woken, for
    /// that is an error in the program.)
    pub fn try_recv_quiet(&self) -> Result<(T, WakeDue), TryRecvError> {
        let received = self.source().attempt(|ring| {
            let claim = ring.claim_filled_quietly()?;
            Filled::of(ring, claim).take_quietly().ok_or(Nothing::Malformed)
        });
        received.map(|(item, waits)| (item, WakeDue::new(waits)))
    }

    /// What wakes a sender after a quiet verb. Not for handlers: it counts a reference, and may free.
    ///
    /// # Panics
    ///
    /// If there are 2^31 already.
    pub fn peer_waker(&self) -> PeerWaker<T> {
        // SAFETY: this end keeps the channel alive.
        unsafe { PeerWaker::new(self.ring.as_ptr().cast(), false) }
    }
}
