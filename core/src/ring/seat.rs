//! Where a future or a blocked thread waits in a party: the waiter and what its owner knows of it.

use core::cell::UnsafeCell;
use core::marker::PhantomPinned;
use core::pin::Pin;
use core::task::Waker;

use crate::abi::{RawParty, RawWaiter};

/// A waiter. It must be told to [`leave`](Self::leave) before it goes; who owns one does that in its drop.
pub(crate) struct Seat {
    /// Others reach it by pointer while it is in a list.
    waiter: UnsafeCell<RawWaiter>,
    taken: bool,
    _pinned: PhantomPinned,
}

// SAFETY: the waiter is touched under its party's lock only, by any thread.
unsafe impl Send for Seat {}
// SAFETY: as above.
unsafe impl Sync for Seat {}

impl Seat {
    pub(crate) const fn new() -> Self {
        Self { waiter: UnsafeCell::new(RawWaiter::NEW), taken: false, _pinned: PhantomPinned }
    }

    /// The next wake of the party goes to `waker`, in turn. Then look again.
    ///
    /// # Safety
    ///
    /// The owner calls `leave` with the same party before the seat goes.
    pub(crate) unsafe fn join(self: Pin<&mut Self>, party: &RawParty, waker: &Waker) {
        // SAFETY: nothing is moved out.
        let this = unsafe { self.get_unchecked_mut() };
        if !this.taken {
            crate::sync::place::begin(this.waiter.get());
        }
        this.taken = true;
        // SAFETY: pinned, and the owner leaves before it goes.
        unsafe { party.join(this.waiter.get(), waker) };
    }

    /// `None` if the owner never waited; else whether a wake had come for it, which is to be passed on.
    pub(crate) fn leave(self: Pin<&mut Self>, party: &RawParty) -> Option<bool> {
        // SAFETY: nothing is moved out.
        let this = unsafe { self.get_unchecked_mut() };
        if !core::mem::take(&mut this.taken) {
            return None;
        }
        // SAFETY: joined, and not left since.
        let woken = unsafe { party.leave(this.waiter.get()) };
        crate::sync::place::end(this.waiter.get());
        Some(woken)
    }
}
