//! Those who wait at one side of a channel with many ends: a list of waiters, which lie in their own memory (a
//! future, a thread's stack, also Zig's), under a lock that a wake never waits for.
//!
//! # The lock
//!
//! ```text
//!   LOCKED    somebody changes the list          set by who takes it, cleared by the same
//!   PENDING   somebody is to be woken            set by any wake, cleared by who holds the lock
//! ```
//!
//! A wake sets both bits in one step. If LOCKED was not set, the lock is now its own; if it was, the holder
//! finds PENDING when it lets go, and wakes. So a wake returns at once, also in a signal handler that
//! interrupted the holder. (Of a party that is watched it takes the watch's lock as well; the time it reads before.) Only those who come to wait, to leave or to close wait for the lock, which is held for a few
//! instructions and never while a waker's code runs.
//!
//! # The baton
//!
//! One wake may stand for several: PENDING is one bit, and a waiter that is woken finds more than one thing
//! to do. Therefore whoever has been in the list passes it on: when it is done, or gives up, it looks
//! whether there is something for another one that waits, and wakes that one ([`leave`]). A waiter that was
//! woken in vain goes back to the front.

use core::ptr;
use core::sync::atomic::Ordering::{AcqRel, Acquire};
use core::task::Waker;

use super::count;
use crate::abi::{RawParty, RawWaiter, RawWaker};
use crate::sync::{bug, place};

const LOCKED: u32 = 1;
const PENDING: u32 = 2;

const OUTSIDE: u32 = 0;
const LINKED: u32 = 1;
const WOKEN: u32 = 2;

impl RawWaiter {
    /// A waiter that is in no list.
    pub(crate) const NEW: Self = Self {
        next: ptr::null_mut(),
        previous: ptr::null_mut(),
        waker: RawWaker::NULL,
        state: OUTSIDE,
        stamp: 0,
    };
}

impl RawParty {
    /// True when somebody waits. Who has published with a read-modify-write on the slot that a sleeper has
    /// looked at with another one, after it, sees it.
    #[inline(always)]
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting.load(Acquire) != 0
    }

    /// The next wake goes to `waker`; the waiter stands in the list from now on. Then look again.
    ///
    /// # Safety
    ///
    /// The waiter stays where it is until [`leave`](Self::leave), which only its owner calls, as this.
    pub(crate) unsafe fn join(&self, waiter: *mut RawWaiter, waker: &Waker) {
        let watched = self.watched();
        // Cloning is foreign code, and so is dropping what is replaced: outside of the lock.
        let mut fresh = Some(waker.clone());
        let mut old = None;
        self.lock();
        // SAFETY: the list and the waiters in it are touched under the lock only.
        unsafe {
            place::write(waiter);
            if (*waiter).waker == RawWaker::of(waker) {
                old = fresh.take();
            } else if let Some(fresh) = fresh.take() {
                let words = RawWaker::of(&core::mem::ManuallyDrop::new(fresh));
                let before = core::mem::replace(&mut (*waiter).waker, words);
                old = (before != RawWaker::NULL).then(|| before.into_waker());
            }
            let state = (*waiter).state;
            if state != LINKED {
                self.link(waiter, state == WOKEN);
                watched.begins(state, &mut (*waiter).stamp);
            }
        }
        count(&self.sleeps);
        self.unlock(&watched);
        drop((fresh, old));
    }

    /// The waiter stands in the list no more. True if a wake had taken it out: then that wake is to be passed on.
    ///
    /// # Safety
    ///
    /// As [`join`](Self::join); afterwards the waiter's memory is its owner's.
    pub(crate) unsafe fn leave(&self, waiter: *mut RawWaiter) -> bool {
        let watched = self.watched();
        self.lock();
        // SAFETY: under the lock.
        let (state, waker) = unsafe {
            place::write(waiter);
            let state = (*waiter).state;
            if state == LINKED {
                self.unlink(waiter);
            }
            watched.leaves(state, (*waiter).stamp);
            (*waiter).state = OUTSIDE;
            (state, core::mem::replace(&mut (*waiter).waker, RawWaker::NULL))
        };
        self.unlock(&watched);
        if waker != RawWaker::NULL {
            // SAFETY: the waiter's own reference.
            drop(unsafe { waker.into_waker() });
        }
        state == WOKEN
    }

    /// Wakes one that waits, if there is one; does not wait for anything.
    pub(crate) fn wake_one(&self) {
        let watched = self.watched();
        if self.lock.fetch_or(LOCKED | PENDING, AcqRel) & LOCKED == 0 {
            self.unlock(&watched);
        }
    }

    /// Wakes all that wait now, in order; also when the waker of one of them panics.
    pub(crate) fn wake_all(&self) {
        let watched = self.watched();
        self.lock();
        let left = self.waiting.load(Acquire);
        self.unlock(&watched);
        WakeSome { party: self, left }.run();
    }

    fn lock(&self) {
        while self.lock.fetch_or(LOCKED, AcqRel) & LOCKED != 0 {
            relax();
        }
    }

    /// Lets go, and wakes one waiter if that was asked for meanwhile, however often: it passes it on.
    fn unlock(&self, watched: &watched::Watched<'_>) {
        let mut woken = None;
        while self.lock.compare_exchange(LOCKED, 0).is_err() {
            self.lock.fetch_and(!PENDING, AcqRel);
            if woken.is_none() && !bug(46) {
                // SAFETY: the lock is still held.
                woken = unsafe { self.pop(watched) };
            }
        }
        if let Some(waker) = woken {
            waker.wake();
        }
    }

    /// Takes the first waiter out, and its waker from it.
    ///
    /// # Safety
    ///
    /// The lock is held.
    unsafe fn pop(&self, watched: &watched::Watched<'_>) -> Option<Waker> {
        // SAFETY: under the lock; who is in the list lives.
        unsafe {
            let first = *self.first.get();
            if first.is_null() {
                return None;
            }
            place::write(first);
            self.unlink(first);
            (*first).state = WOKEN;
            watched.is_woken(&mut (*first).stamp);
            count(&self.wakes);
            let waker = core::mem::replace(&mut (*first).waker, RawWaker::NULL);
            (waker != RawWaker::NULL).then(|| waker.into_waker())
        }
    }

    /// # Safety
    ///
    /// The lock is held; the waiter is in no list.
    unsafe fn link(&self, waiter: *mut RawWaiter, front: bool) {
        // SAFETY: under the lock; who is in the list lives.
        unsafe {
            let (first, last) = (self.first.get(), self.last.get());
            (*waiter).state = LINKED;
            if front {
                (*waiter).previous = ptr::null_mut();
                (*waiter).next = *first;
            } else {
                (*waiter).previous = *last;
                (*waiter).next = ptr::null_mut();
            }
            match (*waiter).previous.as_mut() {
                Some(previous) => previous.next = waiter,
                None => *first = waiter,
            }
            match (*waiter).next.as_mut() {
                Some(next) => next.previous = waiter,
                None => *last = waiter,
            }
        }
        self.waiting.fetch_add(1, AcqRel);
    }

    /// # Safety
    ///
    /// The lock is held; the waiter is in this list.
    unsafe fn unlink(&self, waiter: *mut RawWaiter) {
        // SAFETY: under the lock; who is in the list lives.
        unsafe {
            match (*waiter).previous.as_mut() {
                Some(previous) => previous.next = (*waiter).next,
                None => *self.first.get() = (*waiter).next,
            }
            match (*waiter).next.as_mut() {
                Some(next) => next.previous = (*waiter).previous,
                None => *self.last.get() = (*waiter).previous,
            }
        }
        // Minus one.
        self.waiting.fetch_add(u32::MAX, AcqRel);
    }
}

/// Who watches a party, and what time it is: nothing, if nobody does.
#[cfg(feature = "profile")]
mod watched {
    use core::sync::atomic::Ordering::{AcqRel, Acquire};

    #[cfg(feature = "std")]
    use super::OUTSIDE;
    use super::{LINKED, RawParty, WOKEN};
    use crate::profile::Watch;
    use crate::time::Instant;

    pub(super) struct Watched<'a>(Option<(&'a Watch, Instant)>);

    impl RawParty {
        /// A thread waits awake while `f` runs; true if that has helped.
        #[cfg(feature = "std")]
        pub(crate) fn lingering(&self, f: impl FnOnce() -> bool) {
            let stamp = self.begin_to_linger();
            let helped = f();
            self.end_to_linger(stamp, helped);
        }

        /// A thread begins to wait awake. 0, if nobody watches.
        #[cfg(feature = "std")]
        pub(crate) fn begin_to_linger(&self) -> u32 {
            let mut stamp = 0;
            self.watched().begins(OUTSIDE, &mut stamp);
            stamp
        }

        /// It has what it needs, or waits asleep from now on.
        #[cfg(feature = "std")]
        pub(crate) fn end_to_linger(&self, stamp: u32, helped: bool) {
            if stamp == 0 {
                return; // nobody watched then
            }
            if let Some((watch, now)) = self.watched().0 {
                if helped {
                    watch.ends(stamp, now);
                } else {
                    watch.goes_on(stamp, now);
                }
            }
        }

        pub(super) fn watched(&self) -> Watched<'_> {
            let watch = self.watch.load(Acquire).cast::<Watch>();
            // SAFETY: `watch_by` stores what lives as long as the party.
            Watched(unsafe { watch.as_ref() }.map(|watch| (watch, watch.now())))
        }

        /// From now on it is told who waits, unless another one is already: that one then.
        ///
        /// # Safety
        ///
        /// It lives as long as the party.
        pub(crate) unsafe fn watch_by(&self, watch: *const Watch) -> *const Watch {
            let null = core::ptr::null_mut();
            match self.watch.compare_exchange(null, watch.cast_mut().cast(), AcqRel, Acquire) {
                Ok(_) => watch,
                Err(found) => found.cast(),
            }
        }
    }

    /// Under the party's lock.
    impl Watched<'_> {
        pub(super) fn begins(&self, state: u32, stamp: &mut u32) {
            if let Some((watch, now)) = self.0 {
                if state == WOKEN {
                    watch.looks(*stamp, now);
                }
                *stamp = watch.begins(now);
            }
        }

        pub(super) fn leaves(&self, state: u32, stamp: u32) {
            match self.0 {
                Some((watch, now)) if state == LINKED => watch.ends(stamp, now),
                Some((watch, now)) if state == WOKEN => watch.looks(stamp, now),
                _ => {}
            }
        }

        pub(super) fn is_woken(&self, stamp: &mut u32) {
            if let Some((watch, now)) = self.0 {
                *stamp = watch.wakes(*stamp, now);
            }
        }
    }
}

#[cfg(not(feature = "profile"))]
mod watched {
    use super::RawParty;

    pub(super) struct Watched<'a>(core::marker::PhantomData<&'a ()>);

    #[allow(clippy::unused_self)] // as the other one
    impl RawParty {
        pub(super) fn watched(&self) -> Watched<'_> {
            Watched(core::marker::PhantomData)
        }
    }

    #[allow(clippy::unused_self)]
    impl Watched<'_> {
        pub(super) fn begins(&self, _: u32, _: &mut u32) {}
        pub(super) fn leaves(&self, _: u32, _: u32) {}
        pub(super) fn is_woken(&self, _: &mut u32) {}
    }
}

/// Wakes one that waits when it goes, also by a panic of another one's waker.
pub(crate) struct WakeOne<'a>(pub(crate) &'a RawParty);

impl Drop for WakeOne<'_> {
    fn drop(&mut self) {
        // A model that has failed is over.
        #[cfg(all(feature = "std", loom))]
        if std::thread::panicking() {
            return;
        }
        if self.0.is_waiting() {
            self.0.wake_one();
        }
    }
}

/// Wakes all of a party when it goes, also by a panic.
pub(crate) struct WakeAll<'a>(pub(crate) &'a RawParty);

impl Drop for WakeAll<'_> {
    fn drop(&mut self) {
        // A model that has failed is over.
        #[cfg(all(feature = "std", loom))]
        if std::thread::panicking() {
            return;
        }
        self.0.wake_all();
    }
}

/// So many are to be woken: not those who come back to the list meanwhile.
struct WakeSome<'a> {
    party: &'a RawParty,
    left: u32,
}

impl WakeSome<'_> {
    fn run(mut self) {
        self.wake();
        core::mem::forget(self);
    }

    fn wake(&mut self) {
        while let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            let watched = self.party.watched();
            self.party.lock();
            // SAFETY: under the lock.
            let woken = WakeLast(unsafe { self.party.pop(&watched) });
            self.party.unlock(&watched);
            match woken.into_inner() {
                Some(waker) => waker.wake(),
                None => return,
            }
        }
    }
}

/// Woken also when the waker of another one panics before.
struct WakeLast(Option<Waker>);

impl WakeLast {
    fn into_inner(mut self) -> Option<Waker> {
        self.0.take()
    }
}

impl Drop for WakeLast {
    fn drop(&mut self) {
        if let Some(waker) = self.0.take() {
            waker.wake();
        }
    }
}

impl Drop for WakeSome<'_> {
    /// A waker has panicked: the next ones.
    fn drop(&mut self) {
        self.wake();
    }
}

/// The holder needs a few instructions more, unless it was interrupted.
fn relax() {
    #[cfg(loom)]
    loom::thread::yield_now();
    #[cfg(all(feature = "std", not(loom)))]
    std::thread::yield_now();
    #[cfg(not(any(feature = "std", loom)))]
    core::hint::spin_loop();
}
