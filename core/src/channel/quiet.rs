//! For signal handlers and interrupts: verbs that wake nobody, and what wakes later. A wake runs the waker's code, which may
//! lock or allocate; few wakers may run in a handler.

use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;

use crate::abi::{Flavor, RawChannel, RawMpmc};
use crate::ring::{release, spsc};
use crate::sync::bug;

/// What a quiet verb leaves to do: see [`PeerWaker`].
#[must_use = "the other side sleeps on until `PeerWaker::wake` is called, or another verb is used"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WakeDue {
    /// Nothing: nobody slept.
    No,
    /// Somebody sleeps at the other side of the channel, who now has something to do.
    Yes,
}

impl WakeDue {
    pub(super) const fn new(due: bool) -> Self {
        if due { Self::Yes } else { Self::No }
    }

    /// True when somebody is to be woken.
    pub const fn is_due(self) -> bool {
        matches!(self, Self::Yes)
    }
}

/// Wakes whoever sleeps at the other side of a channel, on behalf of a handler that used a quiet verb there: from another
/// thread or task, or after the handler. It keeps the channel's memory, and does not keep the channel open. An item that a
/// handler sent while the last receiver was just going is dropped here.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use zigflow_core::spsc;
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// static DUE: AtomicBool = AtomicBool::new(false);
///
/// let (mut tx, mut rx) = spsc::channel::<u32>(8);
/// let waker = tx.peer_waker();
/// // In the handler, which has the sender:
/// if tx.try_send_quiet(1).is_ok_and(|due| due.is_due()) {
///     DUE.store(true, Ordering::Release);
/// }
/// // In the main loop:
/// if DUE.swap(false, Ordering::Acquire) {
///     waker.wake();
/// }
/// # assert_eq!(rx.try_recv(), Ok(1));
/// # }
/// ```
pub struct PeerWaker<T> {
    channel: NonNull<RawChannel>,
    /// Whose peers: the ends that wait for what this side does.
    of_senders: bool,
    /// An item that was left may be dropped with the channel.
    items: PhantomData<fn(T) -> T>,
}

// SAFETY: the waker cells and lists are made for any number of threads that wake; items may be dropped with the
// channel, so they are `Send`.
unsafe impl<T: Send> Send for PeerWaker<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for PeerWaker<T> {}

impl<T> PeerWaker<T> {
    /// # Safety
    ///
    /// The channel lives, and its items are `T`.
    pub(super) unsafe fn new(channel: NonNull<RawChannel>, of_senders: bool) -> Self {
        // SAFETY: it lives.
        super::count_one_more(unsafe { &channel.as_ref().references });
        Self { channel, of_senders, items: PhantomData }
    }

    /// Wakes one that sleeps at the other side, if there is one; it finds what there is and passes the rest on. May be
    /// called as often as one likes.
    pub fn wake(&self) {
        // SAFETY: the reference keeps it alive, and its items are `T`.
        unsafe {
            wake_peer(self.channel, self.of_senders);
            if !bug(58) {
                super::mpmc::discard_abandoned::<T>(self.channel);
            }
        }
    }
}

/// [`PeerWaker::wake`].
///
/// # Safety
///
/// The channel lives during the call.
pub(crate) unsafe fn wake_peer(channel: NonNull<RawChannel>, of_senders: bool) {
    // SAFETY: it lives.
    let raw = unsafe { channel.as_ref() };
    if raw.flavor == Flavor::Spsc as u32 {
        return spsc::wake_sleeper(raw, of_senders);
    }
    // SAFETY: a channel of the other flavours is a `RawMpmc`.
    let raw = unsafe { channel.cast::<RawMpmc>().as_ref() };
    let party = if of_senders { &raw.receivers } else { &raw.senders };
    if party.is_waiting() {
        party.wake_one();
    }
}

impl<T> Drop for PeerWaker<T> {
    fn drop(&mut self) {
        // SAFETY: `new` counted this reference.
        unsafe { release(self.channel.as_ptr(), 0) };
    }
}

impl<T> fmt::Debug for PeerWaker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PeerWaker")
    }
}
