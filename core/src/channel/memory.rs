//! Where a channel lives: on the heap, or in memory that the caller gives.

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::cell::UnsafeCell;
use core::ptr::NonNull;
use core::sync::atomic::AtomicPtr;

use super::error::CreateError;
use crate::abi::{ABI_NUMBER, EndKind, Flavor, MAGIC, RawChannel, RawEnd, RawError, RawWakerCell};
use crate::ring::position;
use crate::sync::Word;

/// What is to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) flavor: Flavor,
    pub(super) capacity: usize,
    /// Of one item.
    pub(super) item: Layout,
    /// The position at which both ends begin: near its wrap in tests.
    pub(super) start: u32,
}

/// Frees a channel that no end refers to.
type FreeFn = unsafe extern "C" fn(*mut RawChannel);

impl Plan {
    /// What the two ends share, before anything has happened.
    const fn fresh(&self, mask: u32, slots: *mut u8, free: FreeFn) -> RawChannel {
        RawChannel {
            magic: MAGIC,
            abi: ABI_NUMBER,
            flavor: self.flavor as u32,
            capacity: self.capacity as u32,
            mask,
            references: Word::new(2),
            slot_size: self.item.size() as u32,
            slot_alignment: self.item.align() as u32,
            slots: slots.cast(),
            free,
            check: AtomicPtr::new(core::ptr::null_mut()),
            padding: [0; _],
            tail: end(EndKind::Sender, self.start),
            head: end(EndKind::Receiver, self.start),
        }
    }

    /// A channel and its slots, in one allocation.
    pub(super) fn on_the_heap(&self) -> Result<NonNull<RawChannel>, CreateError> {
        let impossible = CreateError::Capacity(self.capacity);
        let mask = position::mask(self.capacity).ok_or(impossible)?;
        let (layout, offset) = layout(mask, self.item).ok_or(impossible)?;
        // SAFETY: a channel's size is not 0.
        let memory = NonNull::new(unsafe { alloc(layout) }).ok_or(CreateError::OutOfMemory)?;
        // SAFETY: the slots lie there by the layout.
        let slots = unsafe { memory.as_ptr().add(offset) };
        let channel = memory.cast::<RawChannel>();
        // SAFETY: the memory is large and aligned enough.
        unsafe { channel.as_ptr().write(self.fresh(mask, slots, free_heap)) };
        #[cfg(loom)]
        // SAFETY: just made.
        model::track(unsafe { channel.as_ref() });
        Ok(channel)
    }
}

const fn end(kind: EndKind, start: u32) -> RawEnd {
    RawEnd {
        word: Word::new(start),
        kind: kind as u32,
        laps: Word::new(start >> 31),
        sleeps: Word::new(0),
        wakes: Word::new(0),
        tally: Word::new(0),
        last: UnsafeCell::new(start),
        reserved: 0,
        cell: RawWakerCell::NEW,
        reason: UnsafeCell::new(RawError::EMPTY),
        item: UnsafeCell::new(core::ptr::null()),
        padding: [0; _],
    }
}

/// The ends lie on cache lines of their own, in pairs of lines as processors fetch them.
const ALIGNMENT: usize = 128;

/// The whole, and where the slots begin. Sizes that do not fit into the header's words are refused.
fn layout(mask: u32, item: Layout) -> Option<(Layout, usize)> {
    let slots = mask as usize + 1;
    let bytes = item.size().checked_mul(slots)?;
    if item.size() > u32::MAX as usize || item.align() > u32::MAX as usize {
        return None;
    }
    let head = Layout::new::<RawChannel>().align_to(ALIGNMENT).ok()?.pad_to_align();
    head.extend(Layout::from_size_align(bytes, item.align()).ok()?).ok()
}

/// Frees what `on_the_heap` made.
unsafe extern "C" fn free_heap(channel: *mut RawChannel) {
    // SAFETY: the last reference is gone, so nobody else looks; `on_the_heap` wrote it.
    let raw = unsafe { &*channel };
    #[cfg(loom)]
    model::untrack(raw);
    // Both were accepted when the channel was made.
    let item = Layout::from_size_align(raw.slot_size as usize, raw.slot_alignment as usize);
    if let Some((layout, _)) = item.ok().and_then(|item| layout(raw.mask, item)) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(channel.cast(), layout) };
    }
}

#[cfg(loom)]
mod model {
    use super::*;
    use crate::sync::model::{free_place, free_word, track_place, track_word};

    fn words(raw: &RawChannel) -> [&Word; 3] {
        [&raw.tail.word, &raw.head.word, &raw.references]
    }

    fn slots(raw: &RawChannel) -> impl Iterator<Item = *const u8> + use<> {
        let (first, size) = (raw.slots.cast::<u8>().cast_const(), raw.slot_size as usize);
        (0..=raw.mask as usize).map(move |slot| first.wrapping_add(slot * size))
    }

    pub(super) fn track(raw: &RawChannel) {
        // A word's own memory holds what it begins with; the model keeps the rest.
        words(raw).into_iter().for_each(|word| track_word(word, word.initial()));
        slots(raw).for_each(track_place);
        for end in [&raw.tail, &raw.head] {
            end.cell().track();
            track_place(end.reason.get());
        }
    }

    pub(super) fn untrack(raw: &RawChannel) {
        words(raw).into_iter().for_each(|word| free_word(word));
        slots(raw).for_each(free_place);
        for end in [&raw.tail, &raw.head] {
            end.cell().untrack();
            free_place(end.reason.get());
        }
    }
}
