//! The single-waiter cell: one waiter registers, any number of wakers wake it, on any threads, and
//! neither ever waits for the other. `zig/src/waker_cell.zig` is the other half: same order, same
//! names, same transitions, over the same memory.
//!
//! After the first registration a task that waits again and again costs no clone and no drop: the
//! cell keeps its waker and wakes it by reference (the idea of the `diatomic-waker` crate: two
//! slots, so that a new waker can be stored while the old one is being woken).
//!
//! # The words
//!
//! `state` has six bits; two slots hold a waker or nothing.
//!
//! ```text
//!   bit         meaning                                          set by     cleared by
//!   REGISTERED  slot INDEX holds a waker that wants a wake       waiter     waker, waiter
//!   LOCKED      a waking side is reading slot PIN                waker      the same waker
//!   NOTIFIED    a wake that nobody has received yet              waker      waker, waiter
//!   CLOSED      the waiter is gone                               waiter     -
//!   INDEX       which slot holds the newest waker                waiter     waiter
//!   PIN         which slot LOCKED speaks of                      waker      waker
//! ```
//!
//! # Who may touch a slot
//!
//! 1. Only the waiter stores wakers, and it reads slot INDEX whenever it likes.
//! 2. A waker may read slot PIN from the transition that sets LOCKED to the one that clears it.
//! 3. While LOCKED is set and REGISTERED is not, the waiter may write the slot that is not PIN: only a
//!    registration lets a waker pin another slot. While neither is set it may write both. So it
//!    withdraws its registration before it writes.
//! 4. Whoever holds LOCKED empties slot PIN when it has become outdated (PIN is not INDEX) or the cell
//!    is closed; the waiter leaves that slot alone until LOCKED is gone.
//! 5. The waiter that made INDEX while LOCKED was not set owns the other slot, and empties it: either it
//!    or the holder of LOCKED lets an outdated waker go, so a task that moved away is not kept.
//!
//! # A potential race (is safely handled)
//!
//! "Publish, then wake" against "register, then look again": both sides do a read-modify-write on
//! `state`. Whichever comes second sees the other: the waker sees REGISTERED and wakes, or the waiter's
//! acquire makes what was published visible to its second look. A wake that meets neither
//! REGISTERED nor a reader stays as NOTIFIED, and the next registration delivers it: even
//! a waiter that looks first and registers then is woken.
//!
//! A wake that meets LOCKED leaves NOTIFIED; whoever holds LOCKED finds it when it settles, and wakes
//! again if somebody has registered meanwhile. It is a loop, not a recursion, so a waker that
//! polls inline and wakes again uses no stack.

use core::mem::ManuallyDrop;
use core::sync::atomic::Ordering::{AcqRel, Acquire};
use core::task::Waker;

use crate::abi::{RawWaker, RawWakerCell};
use crate::sync::{Word, bug, place};

const REGISTERED: u32 = 1;
const LOCKED: u32 = 2;
const NOTIFIED: u32 = 4;
const CLOSED: u32 = 8;
const INDEX: u32 = 16;
const PIN: u32 = 32;

/// One waiter, any number of wakers.
///
/// [`wake`](Self::wake) is anybody's; [`register`](Self::register) and [`close`](Self::close) belong to
/// the one waiter, which is why they are `unsafe`: the types that own a cell give them to one
/// end only.
#[repr(transparent)]
#[derive(Debug)]
pub struct WakerCell(RawWakerCell);

// SAFETY: the slots are touched only as rules 1 to 5 of the module allow, whichever thread acts;
// a `Waker` is Send and Sync.
unsafe impl Send for WakerCell {}
// SAFETY: as above.
unsafe impl Sync for WakerCell {}

impl Default for WakerCell {
    fn default() -> Self {
        Self::new()
    }
}

impl WakerCell {
    /// A cell in which nobody waits.
    pub const fn new() -> Self {
        Self(RawWakerCell::NEW)
    }

    /// The cell that stands in shared memory.
    pub(crate) fn of(raw: &RawWakerCell) -> &Self {
        // SAFETY: transparent.
        unsafe { &*core::ptr::from_ref(raw).cast() }
    }

    /// The shared form, for Zig.
    pub fn as_raw(&self) -> *const RawWakerCell {
        &self.0
    }

    /// The next [`wake`](Self::wake) goes to `waker`. A wake that came before anyone was
    /// registered is delivered now. Register first, then look whether there is something to do.
    ///
    /// # Safety
    ///
    /// No other `register` or `close` of this cell runs at the same time.
    pub unsafe fn register(&self, waker: &Waker) {
        let state = self.state().load(Acquire);
        if state & CLOSED != 0 {
            return;
        }
        let newest = slot_of(state & INDEX != 0);

        if self.peek(newest) == RawWaker::of(waker) {
            if state & REGISTERED != 0 {
                return;
            }
            // By rules 4 and 5 nothing is left in the other slot, or it is not ours to drop.
            if self.announce(state, newest).remembered {
                waker.wake_by_ref();
            }
            return;
        }

        let fresh = waker.clone();
        // From here no wake can pin a slot that it has not pinned yet.
        let before = self.state().fetch_and(!REGISTERED, AcqRel);
        let target = if before & LOCKED != 0 && !bug(2) {
            1 - slot_of(before & PIN != 0)
        } else {
            slot_of(before & INDEX != 0)
        };
        let old = self.take(target);
        self.put(target, fresh);
        let announced = self.announce(before & !REGISTERED, target);
        // Not locked: from here a waker can pin INDEX only (rule 5).
        let stale = if announced.unlocked && !bug(7) { self.take(1 - target) } else { None };
        // What others wrote runs when the cell is whole: the wake, then the drops.
        if announced.remembered {
            waker.wake_by_ref();
        }
        drop((old, stale));
    }

    /// Makes `slot` the newest and registers, unless a wake was remembered, which is to be delivered then. `state` is
    /// what the state probably is.
    fn announce(&self, mut state: u32, slot: usize) -> Announced {
        loop {
            let unlocked = state & LOCKED == 0;
            let remembered = state & NOTIFIED != 0 && unlocked && !bug(6);
            let next = if slot == 1 { state | INDEX } else { state & !INDEX };
            let next = if remembered { next & !NOTIFIED } else { next | REGISTERED };
            match self.state().compare_exchange(state, next) {
                Ok(_) => return Announced { unlocked, remembered },
                Err(seen) => state = seen,
            }
        }
    }

    /// Takes the last registration back; false if it was used up, so that its wake has come or is coming.
    ///
    /// # Safety
    ///
    /// As [`register`](Self::register).
    pub(crate) unsafe fn withdraw(&self) -> bool {
        self.state().fetch_and(!REGISTERED, AcqRel) & REGISTERED != 0
    }

    /// Wakes whoever is registered, once; remembers the wake when nobody is.
    ///
    /// A waker that panics leaves the cell whole: a wake that came meanwhile is still delivered.
    pub fn wake(&self) {
        let mut state = self.state().load(Acquire);
        loop {
            if state & CLOSED != 0 {
                return;
            }
            let lock = state & REGISTERED != 0 && state & LOCKED == 0;
            if !lock && bug(1) {
                return;
            }
            let next = if lock { pinned(state) } else { state | NOTIFIED };
            match self.state().compare_exchange(state, next) {
                Ok(_) if lock => return self.deliver(next),
                Ok(_) => return,
                Err(seen) => state = seen,
            }
        }
    }

    /// The caller holds LOCKED, since it made `state`.
    fn deliver(&self, mut state: u32) {
        loop {
            let slot = slot_of(state & PIN != 0);
            let unwinding = Settle { cell: self, state };
            place::read(self.0.slots[slot].get());
            // SAFETY: rule 2: LOCKED is ours and `slot` is PIN, so nobody writes it; it holds a
            // waker, because a registration was used up to pin it.
            let waker = unsafe { RawWaker::borrow(&*self.0.slots[slot].get()) };
            waker.wake_by_ref();
            core::mem::forget(unwinding);

            let (stale, again) = self.settle(state);
            let Some(next) = again else {
                return drop(stale);
            };
            let unwinding = Deliver { cell: self, state: next };
            drop(stale);
            core::mem::forget(unwinding);
            state = next;
        }
    }

    /// Unpins slot PIN of `state`, or pins the newest one if a wake came meanwhile for a waiter that is
    /// registered: then that is the new state. Gives back the waker that nobody needs any more.
    fn settle(&self, mut state: u32) -> (Option<Waker>, Option<u32>) {
        let slot = slot_of(state & PIN != 0);
        let mut stale = None;
        loop {
            let outdated = slot_of(state & INDEX != 0) != slot;
            if outdated || state & CLOSED != 0 {
                stale = stale.or_else(|| self.take(slot));
            }
            let again = state & REGISTERED != 0 && state & NOTIFIED != 0 && !bug(3);
            let next = if again { pinned(state) } else { state & !LOCKED };
            match self.state().compare_exchange(state, next) {
                Ok(_) => return (stale, again.then_some(next)),
                Err(seen) => state = seen,
            }
        }
    }

    /// Ends the waiter's part: drops its wakers. Nothing happens after it.
    ///
    /// # Safety
    ///
    /// No other `register` or `close` of this cell runs at the same time.
    pub unsafe fn close(&self) {
        // SAFETY: the caller's promise.
        drop(unsafe { self.retire() });
    }

    /// [`close`](Self::close) that leaves it to the caller when the wakers are dropped.
    ///
    /// # Safety
    ///
    /// As [`close`](Self::close).
    pub(crate) unsafe fn retire(&self) -> [Option<Waker>; 2] {
        let mut state = self.state().load(Acquire);
        loop {
            if state & CLOSED != 0 {
                return [None, None];
            }
            match self.state().compare_exchange(state, (state | CLOSED) & !REGISTERED) {
                Ok(_) => break,
                Err(seen) => state = seen,
            }
        }
        // Who holds the pin drops that slot when it settles.
        let held = (state & LOCKED != 0 && !bug(5)).then(|| slot_of(state & PIN != 0));
        [0, 1].map(|slot| if held == Some(slot) { None } else { self.take(slot) })
    }

    fn state(&self) -> &Word {
        &self.0.state
    }

    /// The words in a slot; the callers are the waiter (rule 1).
    fn peek(&self, slot: usize) -> RawWaker {
        place::read(self.0.slots[slot].get());
        // SAFETY: rule 1: only the waiter stores, and this is the waiter; a waker empties only
        // slots that are not INDEX, or any slot of a closed cell, which the caller has ruled out.
        unsafe { *self.0.slots[slot].get() }
    }

    /// Empties a slot; the caller may write it by rule 3 or 4.
    fn take(&self, slot: usize) -> Option<Waker> {
        place::write(self.0.slots[slot].get());
        // SAFETY: the caller's rule keeps everybody else off this slot.
        let old = unsafe { core::mem::replace(&mut *self.0.slots[slot].get(), RawWaker::NULL) };
        // SAFETY: a slot owns one reference, which leaves it here.
        (old != RawWaker::NULL).then(|| unsafe { old.into_waker() })
    }

    /// Fills an empty slot; the caller may write it by rule 3.
    fn put(&self, slot: usize, waker: Waker) {
        let waker = ManuallyDrop::new(waker);
        place::write(self.0.slots[slot].get());
        // SAFETY: rule 3 keeps everybody else off this slot.
        unsafe { *self.0.slots[slot].get() = RawWaker::of(&waker) };
    }
}

impl Drop for WakerCell {
    fn drop(&mut self) {
        // SAFETY: `&mut self`: nobody else is here.
        unsafe { self.close() };
    }
}

/// Wakes when it goes, also by a panic.
#[cfg(feature = "profile")]
pub(crate) struct WakeOnDrop<'a>(pub(crate) &'a WakerCell);

#[cfg(feature = "profile")]
impl Drop for WakeOnDrop<'_> {
    fn drop(&mut self) {
        self.0.wake();
    }
}

/// Goes on where a panicking waker stopped: unpins, then delivers what came meanwhile.
struct Settle<'a> {
    cell: &'a WakerCell,
    state: u32,
}

impl Drop for Settle<'_> {
    fn drop(&mut self) {
        let (stale, again) = self.cell.settle(self.state);
        if let Some(state) = again {
            self.cell.deliver(state);
        }
        drop(stale);
    }
}

/// Goes on where the drop of a stale waker panicked.
struct Deliver<'a> {
    cell: &'a WakerCell,
    state: u32,
}

impl Drop for Deliver<'_> {
    fn drop(&mut self) {
        self.cell.deliver(self.state);
    }
}

/// What an announcement met.
struct Announced {
    /// LOCKED was not set.
    unlocked: bool,
    /// A wake, which is used up and to be delivered.
    remembered: bool,
}

fn slot_of(bit_set: bool) -> usize {
    usize::from(bit_set)
}

/// The state in which the newest slot is pinned and its registration and wake are used up.
fn pinned(state: u32) -> u32 {
    let base = (state & !(REGISTERED | NOTIFIED | PIN)) | LOCKED;
    if state & INDEX != 0 { base | PIN } else { base }
}

#[cfg(loom)]
impl WakerCell {
    /// A model's cell starts its life at this address.
    pub fn track(&self) {
        crate::sync::model::track_word(&self.0.state, 0);
        for slot in &self.0.slots {
            crate::sync::model::track_place(slot.get());
        }
    }

    /// A model's cell is freed: every access must be ordered before this.
    pub fn untrack(&self) {
        crate::sync::model::free_word(&self.0.state);
        for slot in &self.0.slots {
            crate::sync::model::free_place(slot.get());
        }
    }
}
