//! The ring with one producer and one consumer: Lamport's, with sleeping and closing in the same two
//! words. `zig/src/ring_spsc.zig` is the other half: same order, same names, same transitions, over the
//! same memory.
//!
//! ```text
//!        slots   ┌───┬───┬───┬───┬───┬───┬───┬───┐
//!                │   │   │ a │ b │ c │   │   │   │
//!                └───┴───┴───┴───┴───┴───┴───┴───┘
//!                          ▲           ▲
//!         head.word: position of the   tail.word: position of the
//!         consumer + two flags         producer + two flags
//! ```
//!
//! # The words
//!
//! Each end owns one word: it alone moves the position in it, and the PEER sets the flags there.
//!
//! ```text
//!   in tail.word                              set by     cleared by
//!   CLOSED  the consumer takes nothing more   consumer   -
//!   SLEEP   the consumer waits for an item    consumer   producer, consumer
//!
//!   in head.word
//!   CLOSED  the producer gives nothing more   producer   -
//!   SLEEP   the producer waits for room       producer   consumer, producer
//! ```
//!
//! # Rules
//!
//! 1. Who moves its position does it by one read-modify-write, which returns the flags that the peer set
//!    before: publishing an item and looking whether the peer sleeps or has closed are one step. (With two
//!    words, both can miss each other. With a store, a flag set meanwhile is erased.)
//! 2. Who wants to sleep registers in its cell, then sets SLEEP in the peer's word, and looks at the
//!    position which that very step returned. So either the sleeper sees the item, or the peer sees SLEEP.
//! 3. Who sees SLEEP clears it, then wakes the cell. A sleeper that stays awake clears it itself, to spare
//!    the peer a wake for nothing.
//! 4. Who closes sets CLOSED in the peer's word, then wakes the peer's cell, SLEEP or not.
//! 5. The producer's position at the moment in which the consumer set CLOSED is the last: the consumer
//!    drains up to it and looks at the producer's word no more. A publish that returned CLOSED lies behind
//!    it, whole: the producer moves its position back and keeps those items.
//! 6. The consumer looks for CLOSED in its own word first and then again for items: what was published
//!    before the producer closed is seen.
//!
//! Each end remembers what it last saw of the other's position and looks again only when that is not
//! enough, so the ends trade cache lines by the batch and not by the item when there is more than one item
//! in the ring.
//!
//! Lamport: "Proving the correctness of multiprocess programs", 1977; the remembered positions: Lee,
//! Bu, Chandranmenon: "MCRingBuffer", 2010.

use core::ptr::NonNull;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use core::task::Waker;

use super::monitored::{
    OPEN, SHUT, WATCHED, falls_asleep, gone, is_served, looked, mode, register, stays_awake,
};
#[cfg(feature = "std")]
use super::patience::Patience;
use super::position::{ONE, advance, distance, position, slot, straight};
use super::{count, counted, raise, read_reason};
use crate::abi::{EndKind, RawChannel, RawEnd, RawError};
use crate::sync::{bug, place};

pub(crate) const CLOSED: u32 = 1;
pub(crate) const SLEEP: u32 = 2;

/// The consumer has closed: the items were not published and are still the producer's.
#[derive(Debug)]
#[must_use = "the items are to be taken back"]
pub(crate) struct Refused;

/// The producer's view of the ring. Whoever has it is the only one.
#[derive(Debug)]
pub(crate) struct Producer {
    channel: NonNull<RawChannel>,
    tail: u32,
    /// The consumer's position as last seen; so far back that there is no room once the channel is closed.
    head: u32,
    mask: u32,
    capacity: u32,
    half_turns: u32,
    #[cfg(feature = "std")]
    pub(crate) patience: Patience,
    pub(crate) mode: u8,
}

impl Producer {
    /// # Safety
    ///
    /// The channel lives, its producer's reference passes to the result, and there is no other producer.
    pub(crate) unsafe fn open(channel: NonNull<RawChannel>) -> Self {
        // SAFETY: it lives.
        let raw = unsafe { channel.as_ref() };
        let (tail, head) = (raw.tail.word.load(Acquire), raw.head.word.load(Acquire));
        let mut this = Self {
            channel,
            tail: position(tail),
            head: position(head),
            mask: raw.mask,
            capacity: raw.capacity,
            half_turns: counted(&raw.tail.laps),
            #[cfg(feature = "std")]
            patience: Patience::new(),
            mode: mode(raw),
        };
        if (tail | head) & CLOSED != 0 {
            this.shut();
        } else if this.mode == WATCHED {
            this.head = this.full(); // so that it looks, and samples the first item
        }
        this
    }

    pub(crate) fn channel(&self) -> &RawChannel {
        // SAFETY: this end's reference keeps it alive.
        unsafe { self.channel.as_ref() }
    }

    /// The channel, with this end's reference, for another to [`open`](Self::open).
    pub(crate) fn into_channel(self) -> NonNull<RawChannel> {
        core::mem::ManuallyDrop::new(self).channel
    }

    fn own(&self) -> &RawEnd {
        &self.channel().tail
    }

    fn peer(&self) -> &RawEnd {
        &self.channel().head
    }

    /// How many slots are free. Looks at the consumer's position only if fewer than `wanted` are known to
    /// be.
    #[inline(always)]
    pub(crate) fn room(&mut self, wanted: u32) -> u32 {
        let known = self.known();
        if known >= wanted {
            known
        } else if wanted == 1 {
            self.look()
        } else {
            self.look_for(wanted)
        }
    }

    #[inline(always)]
    fn known(&self) -> u32 {
        self.capacity - distance(self.head, self.tail)
    }

    #[inline(never)]
    fn look(&mut self) -> u32 {
        if self.mode == OPEN {
            self.head = position(self.peer().word.load(Acquire));
            self.mark();
        } else {
            self.look_closely(1);
        }
        self.known()
    }

    fn look_for(&mut self, wanted: u32) -> u32 {
        if self.mode == OPEN { self.look() } else { self.look_closely(wanted) }
    }

    /// When the channel is monitored: what is known is less than there is, if an item is to be sampled before. Not less
    /// than wanted.
    #[cold]
    #[inline(never)]
    fn look_closely(&mut self, wanted: u32) -> u32 {
        if cfg!(feature = "profile") && self.mode & SHUT == 0 {
            self.head = position(self.peer().word.load(Acquire));
            self.mark();
            let room = self.known();
            let limit = looked(self.channel(), EndKind::Sender, self.tail, room, wanted);
            if room > limit {
                self.head = self.tail.wrapping_sub((self.capacity - limit) * ONE);
            }
        }
        self.known()
    }

    /// Notes the half-turns, from which the number of all items is told. Between two looks there are at most
    /// `capacity` items.
    fn mark(&mut self) {
        if self.tail >> 31 != self.half_turns & 1 {
            self.half_turns = self.half_turns.wrapping_add(1);
            raise(&self.own().laps, 1);
        }
    }

    /// The slot of the item that comes `offset` items after the last published one.
    #[inline(always)]
    pub(crate) fn slot(&self, offset: u32) -> usize {
        slot(advance(self.tail, offset), self.mask)
    }

    /// How many of the next `count` slots lie before the end of the memory.
    pub(crate) fn straight(&self, count: u32) -> usize {
        straight(self.tail, self.mask, count)
    }

    /// Hands the next `count` items, which are written, to the consumer (rule 1).
    ///
    /// # Errors
    ///
    /// [`Refused`]: the consumer has closed; the items are still in their slots.
    #[inline(always)]
    pub(crate) fn publish(&mut self, count: u32) -> Result<(), Refused> {
        let before = self.move_on(count);
        self.tail = advance(self.tail, count);
        if before & (CLOSED | SLEEP) == 0 { Ok(()) } else { self.flagged(before, count) }
    }

    /// [`publish`](Self::publish) that wakes nobody: true when the consumer sleeps, which [`wake_sleeper`] or the next
    /// publish is to mend. SLEEP stays set.
    pub(crate) fn publish_quietly(&mut self, count: u32) -> Result<bool, Refused> {
        let before = self.move_on(count);
        self.tail = advance(self.tail, count);
        if before & CLOSED != 0 {
            self.flagged(before, count)?;
        }
        Ok(before & SLEEP != 0 && !bug(34))
    }

    pub(crate) fn as_ptr(&self) -> NonNull<RawChannel> {
        self.channel
    }

    #[inline(always)]
    fn move_on(&self, count: u32) -> u32 {
        let word = &self.own().word;
        if bug(20) {
            let before = word.load(Acquire);
            word.store(advance(before, count), core::sync::atomic::Ordering::Release);
            return before;
        }
        word.fetch_add(count * ONE, if bug(24) { Relaxed } else { AcqRel })
    }

    #[cold]
    #[inline(never)]
    fn flagged(&mut self, before: u32, by: u32) -> Result<(), Refused> {
        if before & CLOSED != 0 {
            let back = (by * ONE).wrapping_neg();
            self.own().word.fetch_add(back, AcqRel);
            self.tail = self.tail.wrapping_add(back);
            self.shut();
            return if bug(28) { Ok(()) } else { Err(Refused) };
        }
        if bug(23) && position(before) != self.head {
            return Ok(());
        }
        if bug(26) {
            self.peer().cell().wake();
        }
        self.own().word.fetch_and(!SLEEP, AcqRel);
        count(&self.peer().wakes);
        if !bug(26) {
            self.peer().cell().wake();
        }
        Ok(())
    }

    /// There is no room any more, for ever.
    fn shut(&mut self) {
        self.mode |= SHUT;
        self.head = self.full();
        if self.mode & WATCHED != 0 {
            is_served(self.channel(), EndKind::Sender);
        }
    }

    /// The consumer's position when there is no room.
    fn full(&self) -> u32 {
        self.tail.wrapping_sub(self.capacity * ONE)
    }

    /// True when nothing that is published would arrive. Exact at the next `publish`.
    pub(crate) fn is_closed(&mut self) -> bool {
        if self.mode & SHUT == 0 && self.own().word.load(Acquire) & CLOSED != 0 {
            self.shut();
        }
        self.mode & SHUT != 0
    }

    /// Looks a few times more, if that has helped before; true when there are `wanted` free slots meanwhile, or
    /// the channel is closed.
    #[cfg(feature = "std")]
    pub(crate) fn linger(&mut self, wanted: u32) -> bool {
        if self.mode == WATCHED {
            falls_asleep(self.channel(), EndKind::Sender); // who waits awake waits, too
        }
        let patience = core::mem::replace(&mut self.patience, Patience::of(0));
        let helped = patience.linger(|| self.look_for(wanted) >= wanted || self.is_closed());
        self.patience = patience;
        helped
    }

    /// Goes to sleep until there are `wanted` free slots or the channel is closed. True when that is so
    /// already; then nobody sleeps.
    pub(crate) fn sleep(&mut self, wanted: u32, waker: &Waker) -> bool {
        if self.mode != OPEN {
            return self.sleep_watched(wanted, waker);
        }
        // SAFETY: this end's cell; the only producer registers here, by `&mut self`.
        unsafe { self.own().cell().register(waker) };
        self.fall_asleep(wanted)
    }

    #[cold]
    fn sleep_watched(&mut self, wanted: u32, waker: &Waker) -> bool {
        if !cfg!(feature = "profile") || self.mode & SHUT != 0 {
            return true;
        }
        // SAFETY: this end's cell and watch; the only producer registers here, by `&mut self`.
        unsafe { register(self.channel(), EndKind::Sender, waker) };
        let began = falls_asleep(self.channel(), EndKind::Sender);
        let ready = self.fall_asleep(wanted);
        if ready {
            if began {
                stays_awake(self.channel(), EndKind::Sender);
            }
            self.look_closely(wanted);
        }
        ready
    }

    /// The task is registered.
    fn fall_asleep(&mut self, wanted: u32) -> bool {
        let before = self.peer().word.fetch_or(SLEEP, AcqRel);
        self.head = position(before);
        self.mark();
        if self.known() >= wanted || self.is_closed() {
            self.peer().word.fetch_and(!SLEEP, AcqRel);
            return true;
        }
        count(&self.own().sleeps);
        false
    }

    /// The task of `waker` is woken when the consumer closes. True when it has.
    pub(crate) fn watch(&mut self, waker: &Waker) -> bool {
        if self.mode & SHUT == 0 {
            // SAFETY: as in `sleep`.
            unsafe { register(self.channel(), EndKind::Sender, waker) };
        }
        self.is_closed()
    }

    /// Ends the producer's part (rule 4); the first reason counts.
    pub(crate) fn close(&mut self, reason: RawError) {
        if self.peer().word.load(Relaxed) & CLOSED == 0 {
            write_reason(self.own(), reason);
            self.peer().word.fetch_or(CLOSED, AcqRel);
            self.peer().cell().wake();
        }
        self.shut();
    }

    /// Why the consumer closed; `None` if it has not, or gave no reason.
    pub(crate) fn reason(&self) -> Option<RawError> {
        let closed = self.own().word.load(Acquire) & CLOSED != 0;
        if closed { read_reason(self.peer()) } else { None }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        // SAFETY: this end's reference is given up here, and this end is not used after it.
        let _leave = unsafe { Leave::new(self.channel, EndKind::Sender) };
        self.close(RawError::EMPTY);
    }
}

/// The consumer's view of the ring. Whoever has it is the only one.
#[derive(Debug)]
pub(crate) struct Consumer {
    channel: NonNull<RawChannel>,
    head: u32,
    /// The producer's position as last seen; the last one, once this end has closed.
    tail: u32,
    mask: u32,
    most: u32,
    check: *mut (),
    #[cfg(feature = "std")]
    pub(crate) patience: Patience,
    pub(crate) mode: u8,
}

impl Consumer {
    /// # Safety
    ///
    /// The channel lives, its consumer's reference passes to the result, and there is no other consumer.
    pub(crate) unsafe fn open(channel: NonNull<RawChannel>) -> Self {
        // SAFETY: it lives.
        let raw = unsafe { channel.as_ref() };
        let tail = raw.tail.word.load(Acquire);
        let closed = tail & CLOSED != 0;
        // SAFETY: the consumer's own; an earlier owner of this end wrote it before it gave it away.
        let last = unsafe { *raw.head.last.get() };
        Self {
            channel,
            head: position(raw.head.word.load(Acquire)),
            tail: if closed { last } else { position(tail) },
            mask: raw.mask,
            most: counted(&raw.head.tally),
            check: raw.check.load(Relaxed),
            #[cfg(feature = "std")]
            patience: Patience::new(),
            mode: if closed { SHUT | mode(raw) } else { mode(raw) },
        }
    }

    pub(crate) fn channel(&self) -> &RawChannel {
        // SAFETY: this end's reference keeps it alive.
        unsafe { self.channel.as_ref() }
    }

    /// The channel, with this end's reference, for another to [`open`](Self::open).
    pub(crate) fn into_channel(self) -> NonNull<RawChannel> {
        core::mem::ManuallyDrop::new(self).channel
    }

    fn own(&self) -> &RawEnd {
        &self.channel().head
    }

    fn peer(&self) -> &RawEnd {
        &self.channel().tail
    }

    /// How many items are there. Looks at the producer's position only if fewer than `wanted` are known to
    /// be.
    #[inline(always)]
    pub(crate) fn available(&mut self, wanted: u32) -> u32 {
        let known = self.known();
        if known >= wanted {
            known
        } else if wanted == 1 {
            self.look()
        } else {
            self.look_for(wanted)
        }
    }

    #[inline(always)]
    fn known(&self) -> u32 {
        distance(self.head, self.tail)
    }

    #[inline(never)]
    fn look(&mut self) -> u32 {
        if self.mode == OPEN || bug(29) {
            self.see(self.peer().word.load(Acquire));
        } else {
            self.look_closely(1);
        }
        self.known()
    }

    fn look_for(&mut self, wanted: u32) -> u32 {
        if self.mode == OPEN { self.look() } else { self.look_closely(wanted) }
    }

    /// When the channel is monitored: what is known ends before the item that is sampled. Not less than wanted.
    #[cold]
    #[inline(never)]
    fn look_closely(&mut self, wanted: u32) -> u32 {
        if cfg!(feature = "profile") && self.mode & SHUT == 0 {
            self.see(self.peer().word.load(Acquire));
            let there = self.known();
            let limit = looked(self.channel(), EndKind::Receiver, self.head, there, wanted);
            if there > limit {
                self.tail = advance(self.head, limit);
            }
        }
        self.known()
    }

    fn see(&mut self, word: u32) {
        self.tail = position(word);
        // Set before a Zig sender published its first item, which the caller's acquire has seen.
        self.check = self.channel().check.load(Relaxed);
        let known = self.known();
        if known > self.most {
            raise(&self.own().tally, known - self.most);
            self.most = known;
        }
    }

    /// Rust's check of the items that are there; null where all bits are a value or Rust made them.
    #[inline(always)]
    pub(crate) fn check(&self) -> *mut () {
        self.check
    }

    /// The slot of the item that comes `offset` items after the last released one.
    #[inline(always)]
    pub(crate) fn slot(&self, offset: u32) -> usize {
        slot(advance(self.head, offset), self.mask)
    }

    /// How many of the next `count` slots lie before the end of the memory.
    pub(crate) fn straight(&self, count: u32) -> usize {
        straight(self.head, self.mask, count)
    }

    /// Hands the next `count` slots, which are read, back to the producer (rule 1).
    #[inline(always)]
    pub(crate) fn release(&mut self, count: u32) {
        let order = if bug(31) { Relaxed } else { AcqRel };
        let before = self.own().word.fetch_add(count * ONE, order);
        self.head = advance(self.head, count);
        if before & SLEEP != 0 {
            self.flagged();
        }
    }

    /// [`release`](Self::release) that wakes nobody: true when the producer sleeps, which [`wake_sleeper`] or the next
    /// release is to mend. SLEEP stays set.
    pub(crate) fn release_quietly(&mut self, count: u32) -> bool {
        let before = self.own().word.fetch_add(count * ONE, AcqRel);
        self.head = advance(self.head, count);
        before & SLEEP != 0
    }

    pub(crate) fn as_ptr(&self) -> NonNull<RawChannel> {
        self.channel
    }

    #[cold]
    #[inline(never)]
    fn flagged(&self) {
        self.own().word.fetch_and(!SLEEP, AcqRel);
        count(&self.peer().wakes);
        self.peer().cell().wake();
    }

    /// Looks a few times more, if that has helped before; true when there are `wanted` items meanwhile, or
    /// the channel is closed.
    #[cfg(feature = "std")]
    pub(crate) fn linger(&mut self, wanted: u32) -> bool {
        if self.mode == WATCHED {
            falls_asleep(self.channel(), EndKind::Receiver); // who waits awake waits, too
        }
        let patience = core::mem::replace(&mut self.patience, Patience::of(0));
        let helped = patience.linger(|| self.look_for(wanted) >= wanted || self.is_closed());
        self.patience = patience;
        helped
    }

    /// How many items there are.
    pub(crate) fn len(&self) -> u32 {
        let is_shut = self.mode & SHUT != 0;
        let last = if is_shut { self.tail } else { position(self.peer().word.load(Acquire)) };
        distance(self.head, last)
    }

    /// True when there is no item and none will come (rule 6).
    pub(crate) fn is_ended(&mut self) -> bool {
        let ended = self.is_closed() && (bug(27) || self.available(1) == 0);
        if ended && self.mode & WATCHED != 0 {
            is_served(self.channel(), EndKind::Receiver);
        }
        ended
    }

    /// True when the producer gives nothing more; what it gave may still be there.
    pub(crate) fn is_closed(&self) -> bool {
        self.mode & SHUT != 0 || self.own().word.load(Acquire) & CLOSED != 0
    }

    /// Goes to sleep until there are `wanted` items or the channel is closed. True when that is so already;
    /// then nobody sleeps.
    pub(crate) fn sleep(&mut self, wanted: u32, waker: &Waker) -> bool {
        if self.mode != OPEN {
            return self.sleep_watched(wanted, waker);
        }
        if self.own().word.load(Acquire) & CLOSED != 0 {
            return true;
        }
        // SAFETY: this end's cell; the only consumer registers here, by `&mut self`.
        unsafe { self.own().cell().register(waker) };
        self.fall_asleep(wanted)
    }

    #[cold]
    fn sleep_watched(&mut self, wanted: u32, waker: &Waker) -> bool {
        if !cfg!(feature = "profile") || self.is_closed() {
            return true;
        }
        // SAFETY: this end's cell and watch; the only consumer registers here, by `&mut self`.
        unsafe { register(self.channel(), EndKind::Receiver, waker) };
        let began = falls_asleep(self.channel(), EndKind::Receiver);
        let ready = self.fall_asleep(wanted);
        if ready {
            if began {
                stays_awake(self.channel(), EndKind::Receiver);
            }
            self.look_closely(wanted);
        }
        ready
    }

    /// The task is registered.
    fn fall_asleep(&mut self, wanted: u32) -> bool {
        let before = if bug(22) {
            self.peer().word.load(Acquire)
        } else {
            self.peer().word.fetch_or(SLEEP, AcqRel)
        };
        if bug(25) {
            return false;
        }
        self.see(before);
        if self.known() >= wanted || self.is_closed() {
            self.peer().word.fetch_and(!SLEEP, AcqRel);
            return true;
        }
        count(&self.own().sleeps);
        false
    }

    /// Takes nothing that is published from now on (rules 4 and 5); the first reason counts.
    pub(crate) fn close(&mut self, reason: RawError) {
        if self.mode & SHUT != 0 {
            return;
        }
        write_reason(self.own(), reason);
        let word = if bug(21) { &self.own().word } else { &self.peer().word };
        let before = word.fetch_or(CLOSED, AcqRel);
        self.see(if bug(21) { self.peer().word.load(Acquire) } else { before });
        self.mode |= SHUT;
        if self.mode & WATCHED != 0 {
            is_served(self.channel(), EndKind::Receiver);
        }
        // SAFETY: the consumer's own.
        unsafe { *self.own().last.get() = self.tail };
        if !bug(32) {
            self.peer().cell().wake();
        }
    }

    /// Why the producer closed; `None` if it has not, or gave no reason.
    pub(crate) fn reason(&self) -> Option<RawError> {
        let closed = self.own().word.load(Acquire) & CLOSED != 0;
        if closed { read_reason(self.peer()) } else { None }
    }
}

impl Drop for Consumer {
    /// Every item has been taken: the typed end closes and drains first.
    fn drop(&mut self) {
        // SAFETY: this end's reference is given up here, and this end is not used after it.
        let _leave = unsafe { Leave::new(self.channel, EndKind::Receiver) };
        self.close(RawError::EMPTY);
    }
}

/// Wakes the consumer, or else the producer, if it sleeps (rule 3): for anybody, at any time. Who sleeps for
/// good reason looks again and goes on sleeping.
pub(crate) fn wake_sleeper(raw: &RawChannel, consumer: bool) {
    let (word, peer) =
        if consumer { (&raw.tail.word, &raw.head) } else { (&raw.head.word, &raw.tail) };
    if word.load(Acquire) & SLEEP != 0 && word.fetch_and(!SLEEP, AcqRel) & SLEEP != 0 {
        // (Counted beside the end itself: a count may get lost.)
        count(&peer.wakes);
        peer.cell().wake();
    }
}

/// Only the end itself writes, and only before it closes.
fn write_reason(end: &RawEnd, reason: RawError) {
    place::write(end.reason.get());
    // SAFETY: the peer reads after it has seen CLOSED, which this end sets after this.
    unsafe { *end.reason.get() = reason };
}

/// Dropped, the end goes; the last one frees. Also when a waker panics: the peer's, which closing wakes, or
/// this end's, which is dropped.
struct Leave {
    channel: NonNull<RawChannel>,
    own: EndKind,
}

impl Leave {
    /// # Safety
    ///
    /// The channel lives, and the caller gives up this end's reference to it when the result is dropped.
    unsafe fn new(channel: NonNull<RawChannel>, own: EndKind) -> Self {
        Self { channel, own }
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        let raw = self.channel.as_ptr();
        let _reference = Reference(raw);
        // SAFETY: the reference keeps the channel alive; the end registers no more.
        unsafe {
            match self.own {
                EndKind::Sender => (*raw).tail.cell().close(),
                EndKind::Receiver => (*raw).head.cell().close(),
            }
            gone(&*raw, self.own);
        }
    }
}

/// The reference of an end that leaves.
struct Reference(*mut RawChannel);

impl Drop for Reference {
    fn drop(&mut self) {
        // SAFETY: `Leave` was given this reference.
        unsafe { super::release(self.0, 30) };
    }
}
