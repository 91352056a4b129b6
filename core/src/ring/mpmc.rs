//! The rings with any number of producers and consumers. The bounded one is Vyukov's queue, whose slots carry
//! stamps, told here; the one that grows is told in `list.rs`, and does what is alike in both here.
//! `zig/src/ring_mpmc.zig` is the other half: same order, same names, same transitions, over the same
//! memory.
//!
//! # The words
//!
//! ```text
//!   tail.word     the position that the next producer claims; flag CLOSED
//!   head.word     the position that the next consumer claims
//!   slot.stamp    p            free for the producer that claims position p
//!                 p + 1        filled by it, for the consumer that claims p
//!                 p + 1, SKIP  claimed and given up: nothing is in it
//!                 p + a lap    free again
//! ```
//!
//! # Rules
//!
//! 1. Who claims a position moves the word past it by compare-and-swap, after having seen the stamp that
//!    makes it its turn. From then to its commit the slot is its own.
//! 2. Who commits does it by a read-modify-write on the stamp, and then looks whether a peer waits.
//! 3. Who is about to sleep enters the list first, then looks at the stamp of the slot that is next by a
//!    read-modify-write. So one of the two sees the other: the committer the sleeper, or the sleeper the commit.
//! 4. That holds for the slot that is next and no other: what is committed behind it may wake nobody. So whoever has
//!    been in the list looks, when it has got something, whether the next slot is ready as well, and
//!    passes the wake on (the baton; `party.rs`).
//! 5. CLOSED in the tail's word makes every later claim of a producer fail. What was claimed before is delivered:
//!    the end comes when the consumers have reached the tail.
//! 6. Who gives a claim up commits SKIP. A consumer that finds it at the head passes over it: claims it like an item, frees it,
//!    and looks at the next slot. So to a sleeper (rule 3) it is as good as an item, for it may hide one, or the end. Who
//!    has given up passes over what is at the head as well: nobody may come to receive, and the room is wanted. It looks at the
//!    head by a read-modify-write, so of two who give up at once, the one that moves the head to the other's slot sees
//!    that slot given up, or the other one sees the head there.
//! 7. A consumer that wakes nobody claims an item and the slots to be skipped before it in one step, or leaves them: with
//!    nothing received it could not say that a wake is due. None is: a ring that is full has an item, or a slot
//!    half done, or else somebody is passing over all of it by rule 6.
//!
//! # What "full" and "empty" mean
//!
//! No attempt waits for a neighbour. "Empty" is said when the next slot is not filled, also while the
//! producer that claimed it is about to fill it, though later slots may be filled already; "full" is the same
//! for a consumer that is about to empty its slot. The neighbour's commit then wakes whoever waits.
//!
//! Vyukov: "Bounded MPMC queue", 1024cores.net, 2010.

use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use super::lap;
use super::list::List;
use super::party::{WakeAll, WakeOne};
use super::position::{ONE, position};
use crate::abi::{Flavor, RawChannel, RawError, RawMpmc};
use crate::sync::{Word, bug, place};

pub(crate) const CLOSED: u32 = 1;

/// In a stamp: rule 6. (Not 1, which `list.rs` has for slots that were never filled.)
pub(crate) const SKIP: u32 = 2;

/// In `closing`: somebody closes.
const CLOSING: u32 = 1;
/// In `closing`: the reason is written, and stays.
const REASON: u32 = 2;

/// A slot.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Slot<T> {
    pub(crate) stamp: Word,
    pub(crate) item: core::cell::UnsafeCell<MaybeUninit<T>>,
}

/// A claimed slot.
#[derive(Debug)]
#[must_use = "a claimed slot that is not committed stops the ring"]
pub(crate) struct Claim<T> {
    slot: NonNull<Slot<T>>,
    filled: u32,
    /// There is something for another sender to do, which is told so after the commit: nobody's waker runs while a slot is
    /// claimed.
    tells_senders: bool,
}

impl<T> Claim<T> {
    /// `filled` is the stamp of the slot with its item.
    #[inline(always)]
    pub(crate) fn new(slot: NonNull<Slot<T>>, filled: u32) -> Self {
        Self { slot, filled, tells_senders: false }
    }

    pub(crate) fn that_tells_senders(self, tells_senders: bool) -> Self {
        Self { tells_senders, ..self }
    }

    #[inline(always)]
    pub(crate) fn filled(&self) -> u32 {
        self.filled
    }

    /// Where the item is, or goes.
    #[inline(always)]
    pub(crate) fn item(&self) -> *mut T {
        // SAFETY: a slot of a channel that the caller of `claim_…` keeps alive.
        unsafe { (*self.slot.as_ptr()).item.get().cast() }
    }
}

/// Why there is no claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// Full, or empty.
    NotNow,
    /// No more, for ever.
    Closed,
}

/// Why there is no item at the head.
#[derive(Debug)]
pub(super) enum Miss {
    Denied(Denied),
    /// What is there was given up.
    Skip,
}

/// A reference to the ring. All its methods may run on any number of threads at once.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    raw: NonNull<RawMpmc>,
    slots: NonNull<Slot<T>>,
    mask: u32,
    capacity: u32,
    grows: bool,
}

impl<T> Clone for Ring<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Ring<T> {}

impl<T> Ring<T> {
    /// # Safety
    ///
    /// The channel lives as long as the result is used, and its slots are `Slot<T>`.
    pub(crate) unsafe fn new(raw: NonNull<RawMpmc>) -> Self {
        // SAFETY: it lives.
        let channel = unsafe { &raw.as_ref().channel };
        // One that grows has its slots elsewhere.
        let slots = NonNull::new(channel.slots.cast()).unwrap_or(NonNull::dangling());
        let grows = channel.flavor == Flavor::Unbounded as u32;
        Self { raw, slots, mask: channel.mask, capacity: channel.capacity, grows }
    }

    /// What does the work when the ring grows.
    #[inline(always)]
    fn list(&self) -> Option<List<T>> {
        // SAFETY: a channel of that flavour is a `RawUnbounded`; the rest is the promise of `new`.
        self.grows.then(|| unsafe { List::new(self.raw.cast(), self.mask) })
    }

    /// True when the memory of items that nobody will take should go at once.
    pub(crate) fn grows(&self) -> bool {
        self.grows
    }

    pub(crate) fn raw(&self) -> &RawMpmc {
        // SAFETY: the promise of `new`.
        unsafe { self.raw.as_ref() }
    }

    pub(crate) fn as_ptr(&self) -> NonNull<RawMpmc> {
        self.raw
    }

    #[inline(always)]
    fn channel(&self) -> &RawChannel {
        &self.raw().channel
    }

    #[inline(always)]
    fn slot(&self, at: u32) -> NonNull<Slot<T>> {
        // SAFETY: below the number of slots.
        unsafe { self.slots.add(lap::slot(at, self.mask) as usize) }
    }

    #[inline(always)]
    fn stamp(&self, at: u32) -> &Word {
        // SAFETY: a slot of the channel, which lives.
        unsafe { &(*self.slot(at).as_ptr()).stamp }
    }

    /// Claims the next slot for an item (rule 1).
    #[inline(always)]
    pub(crate) fn claim_free(&self) -> Result<Claim<T>, Denied> {
        if let Some(list) = self.list() {
            return list.claim_free();
        }
        let word = &self.channel().tail.word;
        let mut tail = word.load(Acquire);
        let mut tries = 0;
        loop {
            if tail & CLOSED != 0 {
                return Err(Denied::Closed);
            }
            let stamp = self.stamp(tail).load(Acquire);
            if stamp == tail {
                let next = lap::next(tail, self.mask, self.capacity);
                match word.compare_exchange(tail, next) {
                    Ok(_) => {
                        if next < tail {
                            self.channel().tail.laps.fetch_add(1, Relaxed);
                        }
                        return Ok(Claim::new(self.slot(tail), tail.wrapping_add(ONE)));
                    }
                    Err(seen) => tail = seen,
                }
                back_off(&mut tries);
            } else {
                let seen = word.load(Acquire);
                // Nobody has claimed it meanwhile: it is not empty yet.
                if seen == tail {
                    return Err(Denied::NotNow);
                }
                tail = seen;
            }
        }
    }

    /// The slot is filled (rule 2).
    #[inline(always)]
    pub(crate) fn commit_filled(&self, claim: Claim<T>) {
        if claim.tells_senders {
            return self.commit_and_tell(claim);
        }
        if self.commit(claim) {
            self.wake_receiver();
        }
    }

    #[cold]
    #[inline(never)]
    fn commit_and_tell(&self, claim: Claim<T>) {
        let _senders_next = self.senders_to_tell(&claim);
        if self.commit(claim) {
            self.wake_receiver();
        }
    }

    /// The same, but wakes nobody: true when a receiver waits. (One that grows may wake a sender.)
    #[inline(always)]
    pub(crate) fn commit_filled_quietly(&self, claim: Claim<T>) -> bool {
        let _senders_next = self.senders_to_tell(&claim);
        self.commit(claim)
    }

    /// For a claim that is kept for long: the other senders are told now.
    pub(crate) fn tell_senders_now(&self, claim: &mut Claim<T>) {
        if core::mem::take(&mut claim.tells_senders) {
            drop(WakeOne(&self.raw().senders));
        }
    }

    #[inline(always)]
    fn senders_to_tell(&self, claim: &Claim<T>) -> Option<WakeOne<'_>> {
        let tells = claim.tells_senders && !bug(50);
        tells.then(|| WakeOne(&self.raw().senders))
    }

    #[inline(always)]
    fn commit(&self, claim: Claim<T>) -> bool {
        // SAFETY: claimed, so the channel lives.
        let stamp = unsafe { &(*claim.slot.as_ptr()).stamp };
        if bug(40) {
            stamp.store(claim.filled, core::sync::atomic::Ordering::Release);
        } else {
            stamp.swap(claim.filled, if bug(41) { Relaxed } else { AcqRel });
        }
        self.raw().receivers.is_waiting()
    }

    /// Claims the next item (rule 1).
    #[inline(always)]
    pub(crate) fn claim_filled(&self) -> Result<Claim<T>, Denied> {
        let claim = match self.list() {
            Some(list) => list.claim_next(),
            None => self.claim_next(),
        };
        match claim {
            Ok(claim) => Ok(claim),
            Err(Miss::Denied(denied)) => Err(denied),
            Err(Miss::Skip) => self.claim_behind(),
        }
    }

    /// The same, behind slots that were given up (rule 6). (A call without a way back: it costs the other way no register.)
    #[cold]
    #[inline(never)]
    fn claim_behind(self) -> Result<Claim<T>, Denied> {
        loop {
            self.pass_over_all();
            let claim = match self.list() {
                Some(list) => list.claim_next(),
                None => self.claim_next(),
            };
            match claim {
                Ok(claim) => return Ok(claim),
                Err(Miss::Denied(denied)) => return Err(denied),
                Err(Miss::Skip) => {}
            }
        }
    }

    #[inline(always)]
    fn claim_next(&self) -> Result<Claim<T>, Miss> {
        let word = &self.channel().head.word;
        let mut head = word.load(Acquire);
        let mut tries = 0;
        loop {
            let stamp = self.stamp(head).load(Acquire);
            if stamp == head.wrapping_add(ONE) || (bug(61) && stamp == skipped(head)) {
                match word.compare_exchange(head, lap::next(head, self.mask, self.capacity)) {
                    Ok(_) => return Ok(Claim::new(self.slot(head), stamp)),
                    Err(seen) => head = seen,
                }
                back_off(&mut tries);
            } else if stamp == skipped(head) {
                return Err(Miss::Skip);
            } else {
                let tail = self.channel().tail.word.load(Acquire);
                let seen = word.load(Acquire);
                if seen == head {
                    let ended = tail & CLOSED != 0 && (position(tail) == head || bug(42));
                    let denied = if ended { Denied::Closed } else { Denied::NotNow };
                    return Err(Miss::Denied(denied));
                }
                head = seen;
            }
        }
    }

    /// [`claim_filled`](Self::claim_filled) that wakes nobody (rule 7). (One that grows may, where a block is used up.)
    pub(crate) fn claim_filled_quietly(&self) -> Result<Claim<T>, Denied> {
        if self.grows {
            return self.claim_filled();
        }
        let word = &self.channel().head.word;
        loop {
            let head = word.load(Acquire);
            let (mut at, mut stamp) = (head, self.stamp(head).load(Acquire));
            while stamp == skipped(at) {
                at = lap::next(at, self.mask, self.capacity);
                stamp = self.stamp(at).load(Acquire);
            }
            if stamp == at.wrapping_add(ONE) {
                // While the head stands, so do the stamps that were seen.
                let next = lap::next(at, self.mask, self.capacity);
                if bug(71) {
                    word.store(next, core::sync::atomic::Ordering::Release);
                } else if word.compare_exchange(head, next).is_err() {
                    continue;
                }
                let mut before = head;
                while before != at && !bug(70) {
                    self.free_skipped(before);
                    before = lap::next(before, self.mask, self.capacity);
                }
                return Ok(Claim::new(self.slot(at), stamp));
            }
            let tail = self.channel().tail.word.load(Acquire);
            if word.load(Acquire) == head {
                let ended = tail & CLOSED != 0 && position(tail) == at;
                return Err(if ended { Denied::Closed } else { Denied::NotNow });
            }
        }
    }

    /// The slot is given up (rule 6).
    #[cold]
    pub(crate) fn abandon(&self, claim: Claim<T>) {
        let filled = claim.filled | SKIP;
        if let Some(list) = self.list() {
            list.given_up().fetch_add(1, AcqRel);
        }
        let waits = self.commit_filled_quietly(Claim { filled, ..claim }) && !bug(60);
        // Last: a waker that panics must leave no slot behind.
        let _receivers_next = waits.then(|| WakeOne(&self.raw().receivers));
        self.pass_over_all();
    }

    /// Passes over the slots at the head that were given up; true if there was one in a ring that does not grow (rule 6).
    #[cold]
    pub(crate) fn pass_over_all(&self) -> bool {
        if let Some(list) = self.list() {
            list.pass_over_all();
            return false;
        }
        let word = &self.channel().head.word;
        // One wake for all: who is woken passes it on. And no waker runs, and panics, in between.
        let (mut passed, mut senders_next) = (false, None);
        loop {
            // Told to whoever moves the head to a slot that was just given up: one of the two sees the other.
            let head = if bug(64) { word.load(Acquire) } else { word.fetch_or(0, AcqRel) };
            if self.stamp(head).load(Acquire) != skipped(head) {
                return passed;
            }
            // Or else somebody does.
            if word.compare_exchange(head, lap::next(head, self.mask, self.capacity)).is_ok() {
                passed = true;
                if self.free_skipped(head) && !bug(63) {
                    senders_next.get_or_insert_with(|| WakeOne(&self.raw().senders));
                }
            }
        }
    }

    /// A claimed slot in which nothing is gets free; true when a sender waits.
    fn free_skipped(&self, at: u32) -> bool {
        super::count_skipped(self.raw());
        self.stamp(at).fetch_add((self.mask * ONE).wrapping_sub(SKIP), AcqRel);
        self.raw().senders.is_waiting()
    }

    /// Moves past the slot at the head, of which the claim was forgotten; false if there is none.
    ///
    /// # Safety
    ///
    /// Nobody else uses the channel any more; what was filled at the head has been taken.
    pub(crate) unsafe fn pass_over_forgotten(&self) -> bool {
        if let Some(list) = self.list() {
            return list.pass_over_forgotten();
        }
        let (word, tail) = (&self.channel().head.word, &self.channel().tail.word);
        let head = word.load(Acquire);
        let left = head != position(tail.load(Acquire));
        if left {
            word.store(lap::next(head, self.mask, self.capacity), Relaxed);
        }
        left
    }

    /// The slot is empty (rule 2).
    #[inline(always)]
    pub(crate) fn commit_free(&self, claim: Claim<T>) {
        if self.commit_free_quietly(claim) {
            self.wake_sender();
        }
    }

    /// The same, but wakes nobody: true when a sender waits. (One that grows wakes by itself, and seldom.)
    #[inline(always)]
    pub(crate) fn commit_free_quietly(&self, claim: Claim<T>) -> bool {
        if let Some(list) = self.list() {
            list.commit_free(claim);
            return false;
        }
        // SAFETY: claimed, so the channel lives.
        let stamp = unsafe { &(*claim.slot.as_ptr()).stamp };
        stamp.fetch_add(self.mask * ONE, AcqRel);
        self.raw().senders.is_waiting()
    }

    #[cold]
    #[inline(never)]
    fn wake_receiver(&self) {
        self.raw().receivers.wake_one();
    }

    #[cold]
    #[inline(never)]
    fn wake_sender(&self) {
        self.raw().senders.wake_one();
    }

    /// True when a producer that has entered the list need not sleep (rule 3).
    pub(crate) fn is_room(&self) -> bool {
        if let Some(list) = self.list() {
            return list.is_room();
        }
        self.is_turn(&self.channel().tail.word, 0, 43)
    }

    /// True when a consumer that has entered the list need not sleep (rule 3).
    pub(crate) fn is_item(&self) -> bool {
        if let Some(list) = self.list() {
            return list.is_item();
        }
        self.is_turn(&self.channel().head.word, ONE, 43)
    }

    /// True when a producer may find room, or the end; nothing is written.
    #[cfg(feature = "std")]
    pub(crate) fn may_have_room(&self) -> bool {
        if let Some(list) = self.list() {
            return list.may_have_room();
        }
        let tail = self.channel().tail.word.load(Acquire);
        tail & CLOSED != 0 || self.stamp(tail).load(Acquire) == tail
    }

    /// True when a consumer may find an item, or the end; nothing is written.
    #[cfg(feature = "std")]
    pub(crate) fn may_have_item(&self) -> bool {
        if let Some(list) = self.list() {
            return list.may_have_item();
        }
        let head = self.channel().head.word.load(Acquire);
        self.is_closed() || self.stamp(head).load(Acquire) & !SKIP == head.wrapping_add(ONE)
    }

    fn is_turn(&self, word: &Word, ahead: u32, sown: u32) -> bool {
        loop {
            let at = word.load(Acquire);
            let tail = self.channel().tail.word.load(Acquire);
            // The end: for a producer at once, for a consumer where all has been taken.
            if tail & CLOSED != 0 && (ahead == 0 || position(tail) == at) {
                return true;
            }
            let stamp = self.stamp(position(at));
            let stamp = if bug(sown) { stamp.load(Acquire) } else { stamp.fetch_add(0, AcqRel) };
            if stamp == position(at).wrapping_add(ahead) {
                return true;
            }
            if ahead != 0 && stamp == skipped(at) && !bug(62) {
                return true;
            }
            // Was it the slot that is next?
            if word.load(Acquire) == at {
                return false;
            }
        }
    }

    /// Takes nothing more, for ever; the first to close gives the reason. Wakes all.
    pub(crate) fn close(&self, reason: RawError) {
        let raw = self.raw();
        if raw.senders.closing.fetch_or(CLOSING, AcqRel) == 0 {
            place::write(raw.channel.tail.reason.get());
            // SAFETY: the first to close is the only one who writes, and others read when they have seen REASON.
            unsafe { *raw.channel.tail.reason.get() = reason };
            raw.senders.closing.fetch_or(REASON, AcqRel);
        }
        // Also by one that comes second: when its call returns, the channel is closed.
        raw.channel.tail.word.fetch_or(CLOSED, AcqRel);
        // In the reverse order, also when a waker panics.
        let _watchers_last = (!bug(49)).then(|| WakeAll(&raw.watchers));
        let _senders_next = WakeAll(&raw.senders);
        if !bug(44) {
            raw.receivers.wake_all();
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.channel().tail.word.load(Acquire) & CLOSED != 0
    }

    /// Why the channel was closed; `None` if it was not, or without a reason.
    pub(crate) fn reason(&self) -> Option<RawError> {
        if self.raw().senders.closing.load(Acquire) & REASON == 0 {
            return None;
        }
        super::read_reason(&self.channel().tail)
    }

    /// How many items wait, those half done included.
    pub(crate) fn len(&self) -> u32 {
        if let Some(list) = self.list() {
            return list.len();
        }
        let word = &self.channel().tail.word;
        let mut tail = word.load(Acquire);
        loop {
            let head = position(self.channel().head.word.load(Acquire));
            // Both of one moment, unless items came meanwhile.
            let seen = word.load(Acquire);
            if position(seen) == position(tail) {
                return lap::distance(head, position(tail), self.mask, self.capacity);
            }
            tail = seen;
        }
    }
}

/// The stamp of the slot of this position when its claim was given up.
#[inline(always)]
pub(super) fn skipped(at: u32) -> u32 {
    at.wrapping_add(ONE | SKIP)
}

/// Somebody else got the position, so somebody moves on: no wait, only fewer collisions.
#[inline(always)]
pub(super) fn back_off(tries: &mut u32) {
    if cfg!(loom) {
        return;
    }
    for _ in 0..1_u32 << (*tries).min(6) {
        core::hint::spin_loop();
    }
    *tries += 1;
}
