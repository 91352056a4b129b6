//! The verbs that wake nobody.

use super::{Receiver, Sender};
use crate::channel::error::{TryRecvError, TrySendError};
use crate::channel::quiet::{PeerWaker, WakeDue};
use crate::channel::take;
use crate::ring::monitored::{end_hush, hush};
use crate::ring::spsc::Producer;

impl<T> Sender<T> {
    /// [`try_send`](Self::try_send) that wakes nobody, for signal handlers and interrupts: the wake is due to
    /// [`peer_waker`](Self::peer_waker), or to the next verb that is not quiet.
    ///
    /// # Errors
    ///
    /// The item comes back if there is no room now, or if the receiver has closed.
    pub fn try_send_quiet(&mut self, item: T) -> Result<WakeDue, TrySendError<T>> {
        let watched = hush(&mut self.ring.mode);
        let sent = self.send_by(item, Producer::publish_quietly);
        end_hush(&mut self.ring.mode, watched);
        sent.map(WakeDue::new)
    }

    /// What wakes the receiver after a quiet verb. Not for handlers: it counts a reference, and may free.
    ///
    /// # Panics
    ///
    /// If there are 2^31 already.
    pub fn peer_waker(&self) -> PeerWaker<T> {
        // SAFETY: this end keeps the channel alive.
        unsafe { PeerWaker::new(self.ring.as_ptr(), true) }
    }
}

impl<T> Receiver<T> {
    /// [`try_recv`](Self::try_recv) that wakes nobody, for signal handlers and interrupts: the wake is due to
    /// [`peer_waker`](Self::peer_waker), or to the next verb that is not quiet.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]: there is no item now, or there will be none. (After a malformed item the sender is woken, for
    /// that is an error in the program.)
    pub fn try_recv_quiet(&mut self) -> Result<(T, WakeDue), TryRecvError> {
        let watched = hush(&mut self.ring.mode);
        let next = self.next_item();
        end_hush(&mut self.ring.mode, watched);
        // SAFETY: an item, the consumer's until it is released, and valid.
        let item = unsafe { take(next?) };
        Ok((item, WakeDue::new(self.ring.release_quietly(1))))
    }

    /// What wakes the sender after a quiet verb. Not for handlers: it counts a reference, and may free.
    ///
    /// # Panics
    ///
    /// If there are 2^31 already.
    pub fn peer_waker(&self) -> PeerWaker<T> {
        // SAFETY: this end keeps the channel alive.
        unsafe { PeerWaker::new(self.ring.as_ptr(), false) }
    }
}
