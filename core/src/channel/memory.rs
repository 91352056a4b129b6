//! Where a channel lives: on the heap, or in memory that the caller gives.

use crate::sync::atomic::AtomicPtr;
use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::cell::UnsafeCell;
use core::ptr::NonNull;

use super::error::CreateError;
use crate::abi::{
    ABI_NUMBER, APART, EndKind, Flavor, MAGIC, RawChannel, RawEnd, RawError, RawMpmc, RawParty,
    RawUnbounded, RawWakerCell, zeros,
};
use crate::ring::{lap, position};
use crate::sync::{Pointer, Word};

/// What is to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) flavor: Flavor,
    pub(super) capacity: usize,
    /// Of one slot.
    pub(super) slot: Layout,
    /// Called once, after the last use.
    pub(super) free: FreeFn,
    /// The position at which both ends begin: near its wrap in tests.
    pub(super) start: u32,
}

/// Drops the items that are left in a channel that no end refers to, and frees it by [`free`].
pub(super) type FreeFn = unsafe extern "C" fn(*mut RawChannel);

impl Plan {
    /// What the ends share, before anything has happened.
    pub(super) const fn fresh(&self, mask: u32, slots: *mut u8) -> RawChannel {
        RawChannel {
            magic: MAGIC,
            abi: ABI_NUMBER,
            flavor: self.flavor as u32,
            capacity: self.capacity as u32,
            mask,
            references: Word::new(2),
            slot_size: self.slot.size() as u32,
            slot_alignment: self.slot.align() as u32,
            slots: slots.cast(),
            free: self.free,
            check: AtomicPtr::new(core::ptr::null_mut()),
            profile: AtomicPtr::new(core::ptr::null_mut()),
            padding: zeros(),
            tail: end(EndKind::Sender, self.start),
            head: end(EndKind::Receiver, self.start),
        }
    }

    /// A channel and its slots, in one allocation. The slots are not written. One that grows has none yet: its mask
    /// and its blocks are to be filled in.
    pub(super) fn on_the_heap(&self) -> Result<NonNull<RawChannel>, CreateError> {
        let impossible = CreateError::Capacity(self.capacity);
        let mask = match self.flavor {
            Flavor::Spsc => position::mask(self.capacity),
            Flavor::Mpmc => lap::mask(self.capacity),
            Flavor::Unbounded => Some(0),
        };
        let mask = mask.ok_or(impossible)?;
        let (layout, offset) =
            layout(self.flavor, self.capacity as u32, mask, self.slot).ok_or(impossible)?;
        // SAFETY: a channel's size is not 0.
        let memory = NonNull::new(unsafe { alloc(layout) }).ok_or(CreateError::OutOfMemory)?;
        // SAFETY: the slots lie there by the layout.
        let slots = unsafe { memory.as_ptr().add(offset) };
        let null = core::ptr::null_mut();
        let slots = if self.flavor == Flavor::Unbounded { null } else { slots };
        let channel = self.fresh(mask, slots);
        let [senders, receivers, watchers] = [RawParty::NEW; 3];
        let mpmc = |channel| RawMpmc { channel, senders, receivers, watchers };
        // SAFETY: the memory is large and aligned enough for the flavour.
        unsafe {
            match self.flavor {
                Flavor::Spsc => memory.cast().write(channel),
                Flavor::Mpmc => memory.cast().write(mpmc(channel)),
                Flavor::Unbounded => memory.cast().write(RawUnbounded {
                    mpmc: mpmc(channel),
                    tail_block: Pointer::new(null.cast()),
                    spare: Pointer::new(null.cast()),
                    head_block: UnsafeCell::new(null.cast()),
                    blocks: Word::new(0),
                    limit: 0,
                    padding: zeros(),
                }),
            }
        }
        Ok(memory.cast())
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
        item: AtomicPtr::new(core::ptr::null_mut()),
        reject: AtomicPtr::new(core::ptr::null_mut()),
        padding: zeros(),
    }
}

/// The whole, and where the slots begin. Sizes that do not fit into the header's words are refused.
fn layout(flavor: Flavor, capacity: u32, mask: u32, slot: Layout) -> Option<(Layout, usize)> {
    let (head, slots) = match flavor {
        Flavor::Spsc => (Layout::new::<RawChannel>(), mask as usize + 1),
        Flavor::Mpmc => (Layout::new::<RawMpmc>(), capacity as usize),
        Flavor::Unbounded => (Layout::new::<RawUnbounded>(), 0),
    };
    let bytes = slot.size().checked_mul(slots)?;
    if slot.size() > u32::MAX as usize || slot.align() > u32::MAX as usize {
        return None;
    }
    let head = head.align_to(APART).ok()?.pad_to_align();
    head.extend(Layout::from_size_align(bytes, slot.align()).ok()?).ok()
}

/// The profile of a channel, if it has one.
#[cfg(feature = "profile")]
#[inline]
pub(crate) fn profile(raw: &RawChannel) -> Option<&crate::profile::Profile> {
    let profile = raw.profile.load(core::sync::atomic::Ordering::Acquire);
    // SAFETY: only `keep_profile` stores there, and what it stores lives as long as the channel.
    unsafe { profile.cast::<crate::profile::Profile>().as_ref() }
}

/// Gives the channel a profile, unless it has one: the one that it has now.
#[cfg(feature = "profile")]
pub(crate) fn keep_profile(
    raw: &RawChannel,
    fresh: alloc::boxed::Box<crate::profile::Profile>,
) -> NonNull<crate::profile::Profile> {
    use core::sync::atomic::Ordering::{AcqRel, Acquire};
    let fresh = alloc::boxed::Box::into_raw(fresh);
    let null = core::ptr::null_mut();
    let kept = match raw.profile.compare_exchange(null, fresh.cast(), AcqRel, Acquire) {
        Ok(_) => fresh,
        Err(found) => {
            // SAFETY: from a box, and nobody has seen it.
            drop(unsafe { alloc::boxed::Box::from_raw(fresh) });
            found.cast()
        }
    };
    // SAFETY: not null.
    unsafe { NonNull::new_unchecked(kept) }
}

/// # Safety
///
/// Nobody looks at the channel any more.
pub(crate) unsafe fn free_profile(raw: &RawChannel) {
    #[cfg(feature = "profile")]
    {
        let kept = raw.profile.load(core::sync::atomic::Ordering::Acquire);
        if !kept.is_null() {
            // SAFETY: `keep_profile` stored it, from a box, and nobody looks any more.
            drop(unsafe { alloc::boxed::Box::from_raw(kept.cast::<crate::profile::Profile>()) });
        }
    }
    #[cfg(not(feature = "profile"))]
    let _ = raw;
}

/// Frees what `on_the_heap` made, but not the items.
///
/// # Safety
///
/// The last reference is gone, and so are the items.
pub(super) unsafe extern "C" fn free(channel: *mut RawChannel) {
    // SAFETY: nobody else looks; `on_the_heap` wrote it.
    let raw = unsafe { &*channel };
    // SAFETY: nobody else looks.
    unsafe { free_profile(raw) };
    let flavor = Flavor::from_raw(raw.flavor).unwrap_or(Flavor::Spsc);
    // All of it was accepted when the channel was made.
    let slot = Layout::from_size_align(raw.slot_size as usize, raw.slot_alignment as usize);
    let layout = slot.ok().and_then(|slot| layout(flavor, raw.capacity, raw.mask, slot));
    if let Some((layout, _)) = layout {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(channel.cast(), layout) };
    }
}
