//! The ring that grows: a list of blocks of slots, for any number of producers and consumers.
//! `zig/src/ring_list.zig` is the other half: same order, same names, same transitions, over the same memory.
//!
//! ```text
//!     head_block ──► block ──► block ──► block ◄── tail_block           spare ──► block
//!                    used      filled    filled,
//!                    up, filled          free
//!                        ▲                   ▲
//!                    head.word           tail.word
//! ```
//!
//! # The words
//!
//! ```text
//!   tail.word     the position that the next producer claims; flags CLOSED, MOVING (the tail's block is
//!                 being replaced by the next one)
//!   head.word     the position that the next consumer takes; flags LOCKED (a consumer is at it), PENDING
//!                 (another one has found it locked)
//!   slot.stamp    p + 1 once the item of position p is there; p + 1, SKIP if its claim was given up
//! ```
//!
//! # Rules
//!
//! 1. Producers claim as in `mpmc.rs`, but need no turn: a slot ahead of the tail is free. Nobody follows
//!    `tail_block` before the claim, which keeps the block alive until its own commit. (A producer that is interrupted
//!    between its look and its claim for exactly 2^30 items would not notice. `mpmc.rs` has the same limit.)
//! 2. Who claims the last slot of a block brings the next block along, sets MOVING in the same step, links the
//!    block, clears MOVING, and wakes a sender after its commit. Who finds MOVING is told "not now".
//! 3. One consumer at a time, under LOCKED. Who finds it locked sets PENDING and is told "not now"; who unlocks
//!    and finds PENDING wakes one that waits. So nobody waits for a neighbour that is half done, and a block that
//!    is used up belongs to the consumer that has taken its last item: nobody else looks at it any more.
//! 4. Rules 2 to 6 of `mpmc.rs` hold as they stand there; but who has given up and finds the consumers' lock taken leaves
//!    the slot to the holder, who finds PENDING.
//! 5. Who moves the head looks, if any slot was given up, at the next one before it unlocks, and passes over it if it was
//!    that one. So none stays at the head: a ring that is full of them behind one item would have no room after
//!    that item, and nobody to make it. (They are counted, in the receivers' `closing`: a flow of items looks nowhere else.)
//!
//! # How it grows and shrinks
//!
//! By one block at a time. A block that is used up becomes the spare one if there is none, or else is freed. So a
//! channel has at least two blocks; a steady flow, whose waiting items stay within a block or so, allocates nothing; and after a burst, once it has been received,
//! all but two blocks are back at the allocator.
//!
//! When the limit is reached, or when there is no memory, the ring is full until a block is used up. That comes:
//! of two or more blocks the last one alone has free slots, so those before it will be received.
//!
//! (Blocks, and a claim that moves the tail past them, are crossbeam's `SegQueue`'s.)

use core::alloc::Layout;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use alloc::alloc::{alloc, dealloc};

use super::mpmc::{CLOSED, Claim, Denied, Miss, SKIP, Slot, back_off, skipped};
use super::party::WakeOne;
use super::position::{ONE, position};
use crate::abi::{RawBlock, RawUnbounded};
use crate::sync::{Word, bug, place};

/// In the tail's word: see rule 2.
pub(crate) const MOVING: u32 = 2;
/// In the head's word: see rule 3.
pub(crate) const LOCKED: u32 = 1;
/// In the head's word: see rule 3.
pub(crate) const PENDING: u32 = 2;

/// What no commit writes: positions have no flags, and SKIP is another one.
const NEVER_FILLED: u32 = 1;

/// How often one looks again for a neighbour that has a few instructions to go.
const LOOKS: u32 = if cfg!(loom) { 0 } else { 64 };
/// The same, with longer and longer pauses in between, which leave the neighbour's line alone.
const TRIES: u32 = if cfg!(loom) { 0 } else { 8 };

/// A reference to the ring. All its methods may run on any number of threads at once.
#[derive(Debug)]
pub(crate) struct List<T> {
    raw: NonNull<RawUnbounded>,
    mask: u32,
    items: PhantomData<T>,
}

impl<T> List<T> {
    /// # Safety
    ///
    /// The channel lives as long as the result is used, and its slots are `Slot<T>`.
    #[inline(always)]
    pub(crate) unsafe fn new(raw: NonNull<RawUnbounded>, mask: u32) -> Self {
        Self { raw, mask, items: PhantomData }
    }

    fn raw(&self) -> &RawUnbounded {
        // SAFETY: the promise of `new`.
        unsafe { self.raw.as_ref() }
    }

    fn tail(&self) -> &Word {
        &self.raw().mpmc.channel.tail.word
    }

    fn head(&self) -> &Word {
        &self.raw().mpmc.channel.head.word
    }

    /// How many slots were given up that nobody has passed over yet: counted before the slot shows it.
    pub(super) fn given_up(&self) -> &Word {
        &self.raw().mpmc.receivers.closing
    }

    #[inline(always)]
    fn is_given_up(&self) -> bool {
        self.given_up().load(Acquire) != 0
    }

    fn index(&self, at: u32) -> u32 {
        (at / ONE) & self.mask
    }

    /// # Safety
    ///
    /// The block is one of this channel's.
    unsafe fn slot(&self, block: *mut RawBlock, at: u32) -> NonNull<Slot<T>> {
        // SAFETY: the block has a slot for each index, where `layout` says.
        unsafe {
            let slots = block.byte_add(slots_offset(align_of::<Slot<T>>())).cast::<Slot<T>>();
            NonNull::new_unchecked(slots.add(self.index(at) as usize))
        }
    }

    /// Claims the next slot for an item (rule 1).
    #[inline(always)]
    pub(crate) fn claim_free(&self) -> Result<Claim<T>, Denied> {
        let tail = self.tail().load(Acquire);
        let block = self.raw().tail_block.load();
        let next = tail.wrapping_add(ONE);
        // Neither a flag nor the last slot of a block nor the wrap, which is the last slot, too.
        let plain = tail & (CLOSED | MOVING) == 0 && self.index(tail) != self.mask;
        if plain && self.tail().compare_exchange(tail, next).is_ok() {
            // SAFETY: the block of this position, which lives until the position's commit.
            return Ok(Claim::new(unsafe { self.slot(block, tail) }, next));
        }
        self.claim_free_or_last()
    }

    /// Claims the next slot for an item (rules 1 and 2).
    #[inline(never)]
    fn claim_free_or_last(&self) -> Result<Claim<T>, Denied> {
        let raw = self.raw();
        let mut bring = Bring { raw, block: ptr::null_mut() };
        let (mut looks, mut tries) = (0, 0);
        loop {
            // The word first: with a block that is younger than the word, the claim fails.
            let tail = self.tail().load(Acquire);
            if tail & CLOSED != 0 {
                return Err(Denied::Closed);
            }
            if tail & MOVING != 0 {
                if looks == LOOKS {
                    return Err(Denied::NotNow);
                }
                looks += 1;
                core::hint::spin_loop();
                continue;
            }
            let block = raw.tail_block.load();
            let last = self.index(tail) == self.mask;
            if last && bring.block.is_null() {
                bring.block = raw.take_block();
                if bring.block.is_null() {
                    if self.tail().load(Acquire) == tail {
                        return Err(Denied::NotNow);
                    }
                    continue;
                }
            }
            let next = tail.wrapping_add(ONE);
            let flag = if last && !bug(54) { MOVING } else { 0 };
            if self.tail().compare_exchange(tail, next | flag).is_err() {
                back_off(&mut tries);
                continue;
            }
            if next < tail {
                raw.mpmc.channel.tail.laps.fetch_add(1, Relaxed);
            }
            let brought = core::mem::replace(&mut bring.block, ptr::null_mut());
            if last {
                self.link(block, brought);
            } else if !brought.is_null() {
                raw.give_back(brought);
            }
            // SAFETY: the block of this position, which lives until the position's commit.
            let claim = Claim::new(unsafe { self.slot(block, tail) }, next);
            return Ok(claim.that_tells_senders(!brought.is_null()));
        }
    }

    /// The block after this one, of which the caller has claimed the last slot, is `next`.
    #[cold]
    fn link(&self, block: *mut RawBlock, next: *mut RawBlock) {
        let raw = self.raw();
        // SAFETY: the claim keeps the block alive, and only who claimed its last slot writes here.
        unsafe {
            place::write((*block).next.get());
            *(*block).next.get() = next;
        }
        raw.tail_block.store(next);
        if bug(54) {
            return;
        }
        self.tail().fetch_and(!MOVING, AcqRel);
    }

    /// Claims the next item (rule 3).
    #[inline]
    pub(super) fn claim_next(&self) -> Result<Claim<T>, Miss> {
        let mut tries = 0;
        while self.head().load(Acquire) & LOCKED != 0 && tries < TRIES {
            back_off(&mut tries);
        }
        let Some(head) = self.lock() else { return Err(Miss::Denied(self.while_locked())) };
        let slot = self.next_filled(head);
        // SAFETY: a slot of a block that the lock keeps alive.
        let stamp = unsafe { (*slot.as_ptr()).stamp.load(Acquire) };
        if stamp == head.wrapping_add(ONE) || (bug(61) && stamp == skipped(head)) {
            return Ok(Claim::new(slot, head.wrapping_add(ONE)));
        }
        if stamp == skipped(head) {
            self.unlock(head);
            return Err(Miss::Skip);
        }
        // Only now: the tail's line is the producers'.
        let tail = self.tail().load(Acquire);
        self.unlock(head);
        let ended = tail & CLOSED != 0 && position(tail) == head;
        Err(Miss::Denied(if ended { Denied::Closed } else { Denied::NotNow }))
    }

    /// What is said while another consumer is at it: that the end was reached needs no lock to be seen.
    #[cold]
    fn while_locked(&self) -> Denied {
        // The head first: read later, it could be ahead of the tail.
        let head = position(self.head().load(Acquire));
        let tail = self.tail().load(Acquire);
        if tail & CLOSED != 0 && position(tail) == head { Denied::Closed } else { Denied::NotNow }
    }

    /// Passes over the slots at the head that were given up.
    #[cold]
    #[inline(never)]
    pub(crate) fn pass_over_all(&self) {
        let raw = self.raw();
        // Wakers run last: one that panics must leave no slot behind.
        let (mut receivers_next, mut senders_next) = (None, None);
        while let Some(head) = self.lock() {
            let slot = self.next_filled(head);
            // SAFETY: a slot of a block that the lock keeps alive.
            let passes = unsafe { (*slot.as_ptr()).stamp.load(Acquire) } == skipped(head);
            let pending = if passes {
                super::count_skipped(&raw.mpmc);
                // Minus one.
                self.given_up().fetch_add(u32::MAX, AcqRel);
                let moved = self.move_on(head.wrapping_add(ONE));
                if moved.freed {
                    senders_next.get_or_insert_with(|| WakeOne(&raw.mpmc.senders));
                }
                moved.pending
            } else {
                self.head().swap(head, AcqRel) & PENDING != 0
            };
            if pending && !bug(51) {
                receivers_next.get_or_insert_with(|| WakeOne(&raw.mpmc.receivers));
            }
            // Who came meanwhile may have given the slot up.
            if !(passes || pending && self.is_given_up()) {
                break;
            }
        }
    }

    /// Moves past the slot at the head, if there is one, whatever is in it.
    pub(crate) fn pass_over_forgotten(&self) -> bool {
        let Some(head) = self.lock() else { return false };
        let left = head != position(self.tail().load(Acquire));
        if left {
            self.commit_free(Claim::new(self.next_filled(head), head.wrapping_add(ONE)));
        } else {
            self.unlock(head);
        }
        left
    }

    /// The consumers' lock, and the position of the next item; or somebody else has it and will wake one that waits.
    #[inline(always)]
    fn lock(&self) -> Option<u32> {
        loop {
            let head = self.head().load(Acquire);
            if head & LOCKED != 0 {
                // Unless it was unlocked just now, the holder finds PENDING.
                let before = self.head().fetch_or(LOCKED | PENDING, AcqRel);
                return (before & LOCKED == 0).then(|| position(before));
            }
            if self.head().compare_exchange(head, head | LOCKED).is_ok() {
                return Some(position(head));
            }
        }
    }

    /// True if another consumer has come meanwhile and gone.
    #[inline(always)]
    fn unlock(&self, head: u32) -> bool {
        let pending = self.head().swap(head, AcqRel) & PENDING != 0;
        if pending {
            self.tell_pending();
        }
        pending
    }

    /// Somebody has found it locked, and may have gone to sleep, or have given up the slot that is next.
    #[cold]
    #[inline(never)]
    fn tell_pending(&self) {
        let _receivers_next = (!bug(51)).then(|| WakeOne(&self.raw().mpmc.receivers));
        if self.is_given_up() && !bug(65) {
            self.pass_over_all();
        }
    }

    /// The slot of the next item. The lock is held.
    fn next_filled(&self, head: u32) -> NonNull<Slot<T>> {
        let block = self.raw().head_block.get();
        place::read(block);
        // SAFETY: written under the lock, and one of this channel's.
        unsafe { self.slot(*block, head) }
    }

    /// The item has been taken (rule 3).
    #[inline]
    pub(crate) fn commit_free(&self, claim: Claim<T>) {
        let moved = self.move_on(claim.filled());
        if moved.pending || moved.freed || moved.skip {
            self.tell(&moved);
        }
    }

    #[cold]
    #[inline(never)]
    fn tell(&self, moved: &Moved) {
        let raw = &self.raw().mpmc;
        let _receivers_next = (moved.pending && !bug(51)).then(|| WakeOne(&raw.receivers));
        let _senders_next = moved.freed.then(|| WakeOne(&raw.senders));
        if moved.skip || (moved.pending && self.is_given_up()) {
            self.pass_over_all();
        }
    }

    /// On to the next slot, and unlocks. Wakes nobody.
    #[inline(always)]
    fn move_on(&self, next: u32) -> Moved {
        let mut used_up = ptr::null_mut();
        if self.index(next) == 0 {
            let block = self.raw().head_block.get();
            place::write(block);
            // SAFETY: under the lock. The last slot was claimed, and its claim links the next block.
            unsafe {
                used_up = *block;
                place::read((*used_up).next.get());
                *block = *(*used_up).next.get();
            }
        }
        let slot = self.is_given_up().then(|| self.next_filled(next));
        // (Rule 5.) SAFETY: a slot of a block that the lock keeps alive.
        let skip = slot
            .is_some_and(|slot| unsafe { (*slot.as_ptr()).stamp.load(Acquire) } == skipped(next));
        let pending = self.head().swap(next, AcqRel) & PENDING != 0;
        if !used_up.is_null() {
            self.raw().give_back(used_up);
        }
        Moved { pending, freed: !used_up.is_null() && !bug(52), skip: skip && !bug(66) }
    }

    /// True when a producer that has entered the list need not sleep.
    pub(crate) fn is_room(&self) -> bool {
        // Told to whoever is about to clear MOVING.
        let word = self.tail();
        let tail = if bug(55) { word.load(Acquire) } else { word.fetch_or(0, AcqRel) };
        if tail & CLOSED != 0 {
            return true;
        }
        tail & MOVING == 0 && (self.index(tail) != self.mask || self.raw().ensure_spare())
    }

    /// True when a consumer that has entered the list need not sleep.
    pub(crate) fn is_item(&self) -> bool {
        let Some(head) = self.lock() else { return false };
        let slot = self.next_filled(head);
        // SAFETY: a slot of a block that the lock keeps alive. Told to whoever is about to fill it.
        let stamp = unsafe { &(*slot.as_ptr()).stamp };
        let stamp = if bug(56) { stamp.load(Acquire) } else { stamp.fetch_or(0, AcqRel) };
        let tail = self.tail().load(Acquire);
        // Who came meanwhile may have known of an item, and left it to this one: the last sender beside the last receiver.
        let again = self.unlock(head) && !bug(53);
        let stamp = if bug(62) { stamp } else { stamp & !SKIP };
        again || stamp == head.wrapping_add(ONE) || (tail & CLOSED != 0 && position(tail) == head)
    }

    /// True when a producer may find room, or the end; nothing is written.
    #[cfg(feature = "std")]
    pub(crate) fn may_have_room(&self) -> bool {
        let (raw, tail) = (self.raw(), self.tail().load(Acquire));
        let is_block = || !raw.spare.load().is_null() || raw.blocks.load(Acquire) < raw.limit;
        tail & CLOSED != 0 || tail & MOVING == 0 && (self.index(tail) != self.mask || is_block())
    }

    /// True when a consumer may find an item, or the end; nothing is written.
    #[cfg(feature = "std")]
    pub(crate) fn may_have_item(&self) -> bool {
        let (head, tail) = (self.head().load(Acquire), self.tail().load(Acquire));
        tail & CLOSED != 0 || position(head) != position(tail)
    }

    /// How many items wait, those half done included.
    pub(crate) fn len(&self) -> u32 {
        let mut tail = position(self.tail().load(Acquire));
        loop {
            let head = position(self.head().load(Acquire));
            // Both of one moment, unless items came meanwhile.
            let seen = position(self.tail().load(Acquire));
            if seen == tail {
                return super::position::distance(head, tail);
            }
            tail = seen;
        }
    }
}

/// What is to be done after the head has moved on.
struct Moved {
    /// Somebody has found the lock taken.
    pending: bool,
    /// There is a block again.
    freed: bool,
    /// The next slot was given up.
    skip: bool,
}

/// A block that was taken and is not linked goes back.
struct Bring<'a> {
    raw: &'a RawUnbounded,
    block: *mut RawBlock,
}

impl Drop for Bring<'_> {
    fn drop(&mut self) {
        if !self.block.is_null() {
            self.raw.give_back(self.block);
            self.raw.tell_senders();
        }
    }
}

/// Where the slots begin in a block.
const fn slots_offset(alignment: usize) -> usize {
    size_of::<RawBlock>().next_multiple_of(alignment)
}

/// A block of so many slots.
pub(crate) fn layout(slot: Layout, slots: usize) -> Option<Layout> {
    let bytes = slot.size().checked_mul(slots)?.checked_add(slots_offset(slot.align()))?;
    Layout::from_size_align(bytes, slot.align().max(align_of::<RawBlock>())).ok()
}

impl RawUnbounded {
    fn slot_layout(&self) -> Layout {
        let channel = &self.mpmc.channel;
        // SAFETY: it was a layout when the channel was made.
        unsafe {
            Layout::from_size_align_unchecked(
                channel.slot_size as usize,
                channel.slot_alignment as usize,
            )
        }
    }

    fn block_layout(&self) -> Layout {
        let slots = self.mpmc.channel.mask as usize + 1;
        layout(self.slot_layout(), slots).expect("the layout of an earlier block")
    }

    /// A fresh block, or null when there is no memory.
    pub(crate) fn new_block(&self) -> *mut RawBlock {
        // SAFETY: the size is not 0.
        let block: *mut RawBlock = unsafe { alloc(self.block_layout()) }.cast();
        if block.is_null() {
            return block;
        }
        // SAFETY: fresh, aligned and large enough.
        unsafe {
            (&raw mut (*block).next).write(ptr::null_mut::<RawBlock>().into());
            self.slots_of(block).for_each(|slot| slot.write(Word::new(NEVER_FILLED)));
        }
        #[cfg(loom)]
        self.track(block);
        block
    }

    /// The slots of a block; each begins with its stamp.
    ///
    /// # Safety
    ///
    /// The block is one of this channel's.
    unsafe fn slots_of(&self, block: *mut RawBlock) -> impl Iterator<Item = *mut Word> {
        let slot = self.slot_layout();
        let slots = self.mpmc.channel.mask as usize + 1;
        // SAFETY: inside of the block.
        (0..slots).map(move |n| unsafe {
            block.byte_add(slots_offset(slot.align()) + n * slot.size()).cast::<Word>()
        })
    }

    /// # Safety
    ///
    /// Nobody uses the block any more; its items are gone.
    pub(crate) unsafe fn free_block(&self, block: *mut RawBlock) {
        #[cfg(loom)]
        self.untrack(block);
        // SAFETY: `new_block` allocated it with this layout.
        unsafe { dealloc(block.cast(), self.block_layout()) };
    }

    /// A block to be linked next, or null: the limit is reached, or there is no memory.
    #[cold]
    pub(crate) fn take_block(&self) -> *mut RawBlock {
        let spare = self.spare.swap(ptr::null_mut());
        if !spare.is_null() {
            return spare;
        }
        self.another_block()
    }

    fn another_block(&self) -> *mut RawBlock {
        // Told to whoever frees one.
        let mut blocks = self.blocks.fetch_or(0, AcqRel);
        if blocks >= self.limit {
            return ptr::null_mut();
        }
        // Counted when it is there: without memory nobody may take the limit for reached.
        let block = self.new_block();
        if block.is_null() {
            return block;
        }
        loop {
            match self.blocks.compare_exchange(blocks, blocks + 1) {
                Ok(_) => return block,
                Err(_) => blocks = self.blocks.fetch_or(0, AcqRel),
            }
            if blocks >= self.limit {
                // SAFETY: nobody has seen it.
                unsafe { self.free_block(block) };
                return ptr::null_mut();
            }
        }
    }

    pub(crate) fn tell_senders(&self) {
        if self.mpmc.senders.is_waiting() && !bug(52) {
            self.mpmc.senders.wake_one();
        }
    }

    /// True when there is a spare block now, or else the one who gives one back will wake a sender. (It wakes nobody
    /// itself: that would be the caller, who waits already.)
    pub(crate) fn ensure_spare(&self) -> bool {
        // Told to whoever gives one back.
        if self.spare.fill(ptr::null_mut()).is_err() {
            return true;
        }
        let block = self.another_block();
        if !block.is_null() {
            self.give_back(block);
        }
        !block.is_null()
    }

    /// A block that nobody uses: the spare one from now on, or it is freed. Then tell the senders.
    #[cold]
    pub(crate) fn give_back(&self, block: *mut RawBlock) {
        // SAFETY: nobody else uses it.
        unsafe {
            place::write((*block).next.get());
            *(*block).next.get() = ptr::null_mut();
        }
        if self.spare.fill(block).is_err() {
            // SAFETY: nobody else uses it.
            unsafe { self.free_block(block) };
            // Minus one.
            self.blocks.fetch_add(u32::MAX, AcqRel);
        }
    }

    /// Frees all blocks.
    ///
    /// # Safety
    ///
    /// Nobody else uses the channel; the items are gone.
    pub(crate) unsafe fn free_blocks(&self) {
        let mut block = self.spare.swap(ptr::null_mut());
        // SAFETY: the list ends with null: the last block was given its link when it was fresh, or given back.
        unsafe {
            if !block.is_null() {
                self.free_block(block);
            }
            place::read(self.head_block.get());
            block = *self.head_block.get();
            while !block.is_null() {
                place::read((*block).next.get());
                let next = *(*block).next.get();
                self.free_block(block);
                block = next;
            }
        }
    }
}

#[cfg(loom)]
impl RawUnbounded {
    /// The item stands after the stamp, at its own alignment or the stamp's.
    fn items_of(&self, block: *mut RawBlock) -> impl Iterator<Item = *mut u8> {
        let after = self.slot_layout().align();
        // SAFETY: inside of the block.
        unsafe { self.slots_of(block) }.map(move |slot| slot.cast::<u8>().wrapping_add(after))
    }

    fn track(&self, block: *mut RawBlock) {
        use crate::sync::model::{track_place, track_word};
        // SAFETY: fresh.
        unsafe { self.slots_of(block) }.for_each(|word| track_word(word, NEVER_FILLED));
        self.items_of(block).for_each(|item| track_place(item));
        // SAFETY: as above.
        track_place(unsafe { (*block).next.get() });
    }

    fn untrack(&self, block: *mut RawBlock) {
        use crate::sync::model::{free_place, free_word};
        // SAFETY: it lives.
        unsafe { self.slots_of(block) }.for_each(|word| free_word(word));
        self.items_of(block).for_each(|item| free_place(item));
        // SAFETY: as above.
        free_place(unsafe { (*block).next.get() });
    }
}
