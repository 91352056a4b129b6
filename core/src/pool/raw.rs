//! The words of a pool: which blocks are home, who waits for one, when the memory goes.
//!
//! ```text
//!   a leaf's word    CLOSED  WAITING  block 29 … block 0        a bit that is set: the block is home
//! ```
//!
//! 1. To take a block clears its bit, to put it back sets it, each by a compare-and-swap. A block has its bit in its word
//!    for ever, and no block points to another; so there is nothing that could look the same and be something else (no
//!    ABA), and what is read is read again by the swap itself.
//! 2. Who waits enters the list, then sets WAITING in every leaf by a read-modify-write, and looks at what that
//!    returned. Who puts a block back changes the same word: either the one sees the block, or the other WAITING.
//! 3. Once a block is home, the pool may be freed at any time. So who is to wake somebody pins the pool before: it finds
//!    WAITING while it still has the block, never after.
//! 4. Who has been in the list and finds it empty clears WAITING, then looks at the list again; if somebody has come,
//!    whose flags may just have been cleared, it sets them for him. In the end it passes the wake on, if there is a
//!    block and somebody waits (the baton, as in `ring/party.rs`).
//! 5. When the last handle goes, CLOSED is set in every leaf, and the blocks that were home then are counted off
//!    `remaining`. Those that come home later find CLOSED, and each counts itself off. Who brings it to 0 frees.
//!
//! Taking and putting are lock-free, and neither waits for anybody who is interrupted half-way.
//!
//! Free sets as bitmaps are old; see the "bitmap of free frames" in Knuth, The Art of Computer Programming 2.5. (Considered:
//! a stack with a tag in its head, whose 16 bits come round while a thread is stopped, and a ring of indices, in which
//! a giver would wait for a taker that is stopped.)

#[cfg(feature = "profile")]
use alloc::boxed::Box;
use core::ptr::NonNull;
#[cfg(feature = "profile")]
use core::sync::atomic::Ordering::Acquire;
use core::sync::atomic::Ordering::{AcqRel, Relaxed};

use crate::abi::{RawLeaf, RawPool, RawShared};
use crate::sync::{Word, bug, place};

/// Blocks of one leaf: as many as there is room for in its word, but in models few.
pub(super) const PER_LEAF: u32 = if cfg!(loom) { 2 } else { 30 };

const BLOCKS: u32 = (1 << PER_LEAF) - 1;
const WAITING: u32 = 1 << 30;
const CLOSED: u32 = 1 << 31;

/// What a leaf's word is when all of `count` blocks are home.
pub(super) const fn all_home(count: u32) -> u32 {
    if count >= PER_LEAF { BLOCKS } else { (1 << count) - 1 }
}

/// A pool. Who has one knows that the pool lives: it has a handle of it, or a block.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct Raw(pub(crate) NonNull<RawPool>);

impl Raw {
    /// The pool of a block.
    ///
    /// # Safety
    ///
    /// The caller has the block.
    pub(super) unsafe fn of(block: NonNull<RawShared>) -> Self {
        // SAFETY: the header of a block that is not home is alive, and its context is the pool.
        unsafe { Self(NonNull::new_unchecked((*block.as_ptr()).context.cast())) }
    }

    /// What never changes; and the words, for as long as the caller has a handle or a block.
    pub(super) fn get<'a>(self) -> &'a RawPool {
        // SAFETY: alive, see the type.
        unsafe { self.0.as_ref() }
    }

    fn leaf<'a>(self, leaf: u32) -> &'a Word {
        debug_assert!(leaf < self.get().leaves_len);
        let leaves: *mut RawLeaf = self.get().leaves;
        // SAFETY: there are so many. (A reference to a word only: it is valid as long as it is used.)
        unsafe { &(*leaves.add(leaf as usize)).word }
    }

    fn leaves<'a>(self) -> impl Iterator<Item = &'a Word> {
        (0..self.get().leaves_len).map(move |leaf| self.leaf(leaf))
    }

    /// Takes a block that is home.
    #[inline]
    pub(super) fn take(self) -> Option<NonNull<RawShared>> {
        let pool = self.get();
        let first = hint(pool);
        let mut leaf = first;
        loop {
            let word = self.leaf(leaf);
            let mut seen = word.load(Relaxed);
            while seen & BLOCKS != 0 {
                let bit = seen & seen.wrapping_neg();
                match swap(word, seen, seen & !bit, 110) {
                    Err(now) => seen = now,
                    Ok(_) => {
                        if leaf != first {
                            set_hint(pool, leaf);
                        }
                        let index = leaf * PER_LEAF + bit.trailing_zeros();
                        place::write(self.data(index));
                        // SAFETY: there are as many as blocks.
                        return Some(unsafe {
                            NonNull::new_unchecked(pool.shared.add(index as usize))
                        });
                    }
                }
            }
            leaf = if leaf + 1 == pool.leaves_len { 0 } else { leaf + 1 };
            if leaf == first {
                return None;
            }
        }
    }

    /// The first byte of a block.
    #[inline]
    pub(super) fn data(self, index: u32) -> *mut u8 {
        let pool = self.get();
        // SAFETY: within the blocks' memory.
        unsafe { pool.data.add(index as usize * pool.block_size) }
    }

    /// Puts a block back, and wakes one that waits for it. Its bytes are overwritten in a debug build.
    ///
    /// # Safety
    ///
    /// The caller has the block, and gives it up.
    #[inline]
    pub(crate) unsafe fn put(block: NonNull<RawShared>) {
        // SAFETY: the caller has the block.
        let (raw, index) = unsafe { (Self::of(block), (*block.as_ptr()).index) };
        place::write(raw.data(index));
        #[cfg(debug_assertions)]
        // SAFETY: nobody else has the block, and so large is each.
        unsafe {
            raw.data(index).write_bytes(super::POISON, raw.get().block_size);
        }
        let (word, bit) = (raw.leaf(index / PER_LEAF), 1 << (index % PER_LEAF));
        let mut seen = word.load(Relaxed);
        loop {
            if seen & (WAITING | CLOSED) == WAITING {
                return raw.put_and_wake(word, bit);
            }
            match swap(word, seen, seen | bit, 111) {
                Ok(_) if seen & CLOSED == 0 => return,
                // The bit says nothing any more: the block counts for itself.
                Ok(_) => return raw.count_off(1),
                Err(now) => seen = now,
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn put_and_wake(self, word: &Word, bit: u32) {
        /// Pins the pool, also when a waker panics.
        struct Pin {
            pool: Raw,
            count: u32,
        }
        impl Drop for Pin {
            fn drop(&mut self) {
                self.pool.count_off(self.count);
            }
        }
        if !bug(112) {
            self.get().remaining.fetch_add(1, AcqRel);
        }
        let mut pin = Pin { pool: self, count: u32::from(!bug(112)) };
        if word.fetch_or(bit, AcqRel) & CLOSED != 0 {
            pin.count += 1;
            return;
        }
        self.get().waiters.wake_one();
    }

    /// So many need the memory no more; the last one frees it.
    fn count_off(self, count: u32) {
        // SAFETY: alive until the count is taken off, and then only if this was not the last.
        unsafe {
            let pool = self.0.as_ptr();
            let free = (*pool).free;
            if (*pool).remaining.fetch_add(count.wrapping_neg(), AcqRel) == count {
                free(pool);
            }
        }
    }

    /// True when a block is home; only a look.
    fn is_home(self) -> bool {
        self.leaves().any(|word| word.load(Relaxed) & BLOCKS != 0)
    }

    /// How many blocks are home; only a look.
    pub(super) fn home(self) -> u32 {
        self.leaves().map(|word| (word.load(Relaxed) & BLOCKS).count_ones()).sum()
    }

    /// Who waits is in the list: from now on it is told of every block that comes home. True when one was home already.
    pub(crate) fn arm(self) -> bool {
        // Every one of them, also when the first has a block.
        let set = |word: &Word| {
            let found = if bug(113) { word.load(Relaxed) } else { word.fetch_or(WAITING, AcqRel) };
            u32::from(found & BLOCKS != 0)
        };
        self.leaves().map(set).fold(0, |any, one| any | one) != 0
    }

    /// Who has left the list calls this: whoever is next may have something to do as well.
    pub(crate) fn left(self) {
        let waiters = &self.get().waiters;
        // Until the flags are as the list is.
        while !waiters.is_waiting() {
            self.leaves().for_each(|word| {
                word.fetch_and(!WAITING, AcqRel);
            });
            if !waiters.is_waiting() || bug(114) {
                return;
            }
            self.arm();
            if bug(118) {
                return;
            }
        }
        if self.is_home() && !bug(115) {
            waiters.wake_one();
        }
    }

    /// The last handle has gone: nobody takes blocks any more.
    fn close(self) {
        let mut home = 0;
        for word in self.leaves() {
            home += (word.fetch_or(CLOSED, AcqRel) & BLOCKS).count_ones();
        }
        // And the handles together.
        self.count_off(home + 1);
    }

    /// One handle more.
    ///
    /// # Panics
    ///
    /// If there are 2^31 already.
    pub(crate) fn retain(self) {
        crate::ring::count_one_more(&self.get().references);
    }

    /// How many tasks and threads wait.
    pub(crate) fn waiting(&self) -> usize {
        self.get().waiters.waiting.load(core::sync::atomic::Ordering::Acquire) as usize
    }

    /// Who watches those who wait, if anybody does.
    #[cfg(feature = "profile")]
    pub(crate) fn watched(&self) -> Option<&crate::profile::Watch> {
        let watch = self.get().waiters.watch.load(Acquire).cast();
        // SAFETY: what `watch` stores there lives as long as the pool.
        unsafe { NonNull::new(watch).map(|watch| watch.as_ref()) }
    }

    /// Who watches those who wait, from now on if nobody has so far.
    #[cfg(feature = "profile")]
    #[track_caller]
    pub(super) fn watch(
        self,
        clock: impl crate::time::Clock + Send + Sync + 'static,
    ) -> NonNull<crate::profile::Watch> {
        if let Some(kept) = self.watched() {
            return kept.into();
        }
        let fresh = NonNull::from(Box::leak(Box::new(crate::profile::Watch::of(clock))));
        // SAFETY: it lives until the pool is freed (`free_watch`).
        let watch = unsafe { self.get().waiters.watch_by(fresh.as_ptr()) };
        if watch != fresh.as_ptr() {
            // SAFETY: leaked above, and nobody has seen it.
            drop(unsafe { Box::from_raw(fresh.as_ptr()) });
        }
        // SAFETY: not null.
        unsafe { NonNull::new_unchecked(watch.cast_mut()) }
    }

    /// # Safety
    ///
    /// The pool is about to be freed: nobody looks at it any more.
    pub(super) unsafe fn free_watch(self) {
        #[cfg(feature = "profile")]
        {
            let watch = self.get().waiters.watch.load(Acquire);
            if !watch.is_null() {
                // SAFETY: `watch` leaked it.
                drop(unsafe { Box::from_raw(watch.cast::<crate::profile::Watch>()) });
            }
        }
    }

    /// One handle less.
    pub(crate) fn release(self) {
        // Minus one.
        if self.get().references.fetch_add(u32::MAX, AcqRel) == 1 {
            self.close();
        }
    }
}

/// `sown`: the bug in which this orders nothing.
#[inline(always)]
fn swap(word: &Word, seen: u32, new: u32, sown: u32) -> Result<u32, u32> {
    #[cfg(loom)]
    return word.compare_exchange_unless(sown, seen, new);
    #[cfg(not(loom))]
    {
        let _ = sown;
        word.compare_exchange(seen, new)
    }
}

/// Where to look first. (Left out by models: it orders nothing.)
#[inline(always)]
fn hint(pool: &RawPool) -> u32 {
    crate::ring::counted(&pool.hint)
}

#[inline(always)]
fn set_hint(pool: &RawPool, leaf: u32) {
    #[cfg(not(loom))]
    pool.hint.store(leaf, Relaxed);
    #[cfg(loom)]
    let _ = (pool, leaf);
}

#[cfg(loom)]
pub(super) mod model {
    use super::*;
    use crate::sync::model::{free_place, free_word, track_place, track_word};

    fn words(raw: Raw) -> impl Iterator<Item = &'static Word> {
        let pool = raw.get();
        let waiters = &pool.waiters;
        let blocks = (0..pool.blocks as usize).map(move |n| {
            // SAFETY: there are so many.
            unsafe { &(*pool.shared.add(n)).references }
        });
        [&pool.references, &pool.remaining, &waiters.waiting, &waiters.lock]
            .into_iter()
            .chain(raw.leaves())
            .chain(blocks)
    }

    pub(in super::super) fn track(raw: Raw) {
        words(raw).for_each(|word| track_word(word, word.initial()));
        (0..raw.get().blocks).for_each(|index| track_place(raw.data(index)));
    }

    pub(in super::super) fn untrack(raw: Raw) {
        words(raw).for_each(|word| free_word(word));
        (0..raw.get().blocks).for_each(|index| free_place(raw.data(index)));
    }
}
