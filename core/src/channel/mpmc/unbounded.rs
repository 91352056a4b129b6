//! Channels that grow, with the ends of the others.

use core::alloc::Layout;
use core::marker::Send;
use core::ptr::NonNull;

use super::{FreeFn, Receiver, Sender, free};
use crate::abi::{Flavor, RawChannel, RawUnbounded};
use crate::channel::error::CreateError;
use crate::channel::memory::{self, Plan};
use crate::ring::list;
use crate::ring::mpmc::{Ring, Slot};
use crate::ring::position::ONE;
use crate::sync::Pointer;

/// What a block should take, bytes.
const BLOCK_BYTES: usize = 4096;
/// How many items a block of such bytes holds at most, and a larger one at least.
const BLOCK_ITEMS: (usize, usize) = (256, 8);
/// The most items that can wait.
const MAX_ITEMS: usize = 1 << 28;

/// A channel that grows as items wait: its senders wait for nobody, up to 2^28 items.
///
/// It has the ends of any other mpmc channel. Its memory grows by one block at a time: about 4 KiB, but of 8 to 256
/// items. A block whose items have all been received is kept for the next time, or goes back to the allocator if one is
/// kept already. So a flow of which no more than about a block waits allocates nothing, and after a burst two blocks are left. When there is no memory
/// for another block, the channel is full until the receivers have used one up: nothing is lost, nobody aborts.
///
/// Where a sender may be faster than the receivers for long, [`unbounded_within`] or a bounded
/// [`channel`](super::channel) is the better choice.
///
/// [`try_send`](Sender::try_send) answers `Full` when there is no memory; also if another sender, about to link a
/// block, was interrupted in the middle of it for longer than a moment. The other verbs wait for either.
///
/// # Panics
///
/// If there is no memory.
///
/// ```
/// let (tx, rx) = zigflow_core::mpmc::unbounded();
/// for n in 0..100_000 {
///     tx.try_send(n)?;
/// }
/// assert_eq!(rx.try_recv()?, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn unbounded<T: Send>() -> (Sender<T>, Receiver<T>) {
    unbounded_within(usize::MAX)
}

/// [`unbounded`], but for a limit to its memory: blocks of at most so many `bytes` together. Then it is full, until a block
/// is used up, and its senders wait as those of a bounded channel. (The channel itself takes less than 1 KiB more. What items
/// refer to, as a `Vec` does, does not count.)
///
/// # Panics
///
/// If two blocks of one item each do not fit into `bytes`, or if there is no memory; [`try_unbounded_within`] returns
/// these as errors.
pub fn unbounded_within<T: Send>(bytes: usize) -> (Sender<T>, Receiver<T>) {
    try_unbounded_within(bytes).unwrap_or_else(|error| panic!("{error}"))
}

/// [`unbounded_within`] that does not panic.
///
/// # Errors
///
/// [`CreateError`]; nothing is left behind.
pub fn try_unbounded_within<T: Send>(
    bytes: usize,
) -> Result<(Sender<T>, Receiver<T>), CreateError> {
    Ok(ends(make_within(bytes, Layout::new::<Slot<T>>(), free::<T>)?))
}

/// One with blocks of so many items, a power of two, whose positions wrap around after so many, for tests.
#[doc(hidden)]
pub fn unbounded_of_blocks<T: Send>(
    items: usize,
    blocks: u32,
    before: u32,
) -> Result<(Sender<T>, Receiver<T>), CreateError> {
    assert!(items.is_power_of_two() && blocks >= 2 && items * blocks as usize <= MAX_ITEMS);
    let slot = Layout::new::<Slot<T>>();
    let start = (before * items as u32).wrapping_mul(ONE).wrapping_neg();
    Ok(ends(make(items, blocks, slot, free::<T>, start)?))
}

/// A channel of plain data that Zig makes.
pub(in crate::channel) fn make_plain(
    bytes: usize,
    slot: Layout,
) -> Result<NonNull<RawChannel>, CreateError> {
    // Plain data needs no drop, so its type does not matter.
    Ok(make_within(bytes, slot, free::<u8>)?.cast())
}

fn ends<T: Send>(raw: NonNull<RawUnbounded>) -> (Sender<T>, Receiver<T>) {
    // SAFETY: fresh; the slots are `Slot<T>`; a reference for each, and one of each is made.
    unsafe {
        let ring = Ring::new(raw.cast());
        #[cfg(loom)]
        super::model::track::<T>(ring.raw());
        (Sender::new(ring), Receiver::new(ring))
    }
}

fn make_within(
    bytes: usize,
    slot: Layout,
    free: FreeFn,
) -> Result<NonNull<RawUnbounded>, CreateError> {
    let impossible = CreateError::Budget(bytes);
    let (most, least) = BLOCK_ITEMS;
    let items = (BLOCK_BYTES / slot.size()).clamp(least, most);
    // Downwards to a power of two; smaller blocks where the budget wants it.
    let mut items = 1 << items.ilog2();
    loop {
        let block = list::layout(slot, items).ok_or(impossible)?;
        let blocks = (bytes / block.size()).min(MAX_ITEMS / items);
        if blocks >= 4 || (blocks >= 2 && items == 1) {
            return make(items, blocks as u32, slot, free, 0);
        }
        if items == 1 {
            return Err(impossible);
        }
        items /= 2;
    }
}

/// A channel with a reference for an end of either kind, a block, and a spare one.
fn make(
    items: usize,
    blocks: u32,
    slot: Layout,
    free: FreeFn,
    start: u32,
) -> Result<NonNull<RawUnbounded>, CreateError> {
    // The last slot is claimed together with the block behind it.
    let capacity = items * blocks as usize - 1;
    let plan = Plan { flavor: Flavor::Unbounded, capacity, slot, free, start };
    let mut raw = plan.on_the_heap()?.cast::<RawUnbounded>();
    // SAFETY: fresh, and nobody else knows it.
    let channel = unsafe { raw.as_mut() };
    channel.mpmc.channel.mask = items as u32 - 1;
    channel.limit = blocks;
    let first = channel.new_block();
    let spare = if first.is_null() { first } else { channel.new_block() };
    if spare.is_null() {
        // SAFETY: nobody else knows it.
        unsafe {
            if !first.is_null() {
                channel.free_block(first);
            }
            memory::free(raw.as_ptr().cast());
        }
        return Err(CreateError::OutOfMemory);
    }
    channel.tail_block = Pointer::new(first);
    channel.head_block = first.into();
    channel.spare = Pointer::new(spare);
    channel.blocks = crate::sync::Word::new(2);
    Ok(raw)
}
