//! Where a pool lives: its words, the headers of its blocks, the blocks; one piece of memory.

use alloc::alloc::{alloc_zeroed, dealloc};
use core::alloc::Layout;
use core::fmt;
use core::ptr::NonNull;

use super::block::{RELEASE_BLOCK, header};
use super::raw::{PER_LEAF, Raw, all_home};
use crate::abi::{ABI_NUMBER, APART, MAGIC, RawLeaf, RawParty, RawPool, RawShared, zeros};
use crate::sync::Word;

/// Why a pool could not be made. Nothing is left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CreateError {
    /// No blocks, blocks of no bytes, or more of either than an address space holds (of blocks, 2^30).
    Size,
    /// There is no memory for so many.
    OutOfMemory,
    /// Blocks in an arena are aligned to at most 128 bytes.
    Alignment,
    /// The arena is too small.
    Arena {
        /// What so many blocks need, bytes.
        needed: usize,
        /// What the arena has.
        found: usize,
    },
    /// There is a pool in the arena, or a block of one that is not home yet.
    InUse,
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size => f.write_str(
                "a pool has 1 to 2^30 blocks of at least a byte, and all of them fit into memory",
            ),
            Self::OutOfMemory => f.write_str("no memory for the pool"),
            Self::Alignment => f.write_str("blocks in an arena are aligned to at most 128 bytes"),
            Self::Arena { needed, found } => write!(
                f,
                "the pool needs {needed} bytes, the arena has {found}: say `Arena<{{ pool::bytes(…) }}>`"
            ),
            Self::InUse => f.write_str("the arena holds a pool, or a block of one is not home yet"),
        }
    }
}

impl core::error::Error for CreateError {}

/// What is where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    blocks: u32,
    block_size: usize,
    block_alignment: usize,
    leaves: usize,
    shared: usize,
    data: usize,
    pub(super) whole: Layout,
}

impl Plan {
    pub(super) const fn new(blocks: usize, block: Layout) -> Option<Self> {
        if blocks == 0 || blocks > 1 << 30 || block.size() == 0 {
            return None;
        }
        let block = block.pad_to_align();
        let leaves = blocks.div_ceil(PER_LEAF as usize);
        // In steps that a constant can take.
        let leaves_at = size_of::<RawPool>();
        let Some(shared_at) = end_of(leaves_at, leaves, size_of::<RawLeaf>(), APART) else {
            return None;
        };
        let align = if block.align() > APART { block.align() } else { APART };
        let Some(data_at) = end_of(shared_at, blocks, size_of::<RawShared>(), align) else {
            return None;
        };
        let Some(end) = end_of(data_at, blocks, block.size(), 1) else { return None };
        let Ok(whole) = Layout::from_size_align(end, align) else { return None };
        Some(Self {
            blocks: blocks as u32,
            block_size: block.size(),
            block_alignment: block.align(),
            leaves: leaves_at,
            shared: shared_at,
            data: data_at,
            whole,
        })
    }

    /// A pool in this memory, with one handle and all blocks home.
    ///
    /// # Safety
    ///
    /// The memory is of the layout `whole`, the blocks' part of it is initialised, and it is nobody else's until `free` is called.
    pub(super) unsafe fn build(
        &self,
        memory: NonNull<u8>,
        free: unsafe extern "C" fn(*mut RawPool),
    ) -> Raw {
        let memory = memory.as_ptr();
        let pool = memory.cast::<RawPool>();
        // SAFETY: the parts lie there, aligned, by the plan.
        let (leaves, shared, data) = unsafe {
            (
                memory.add(self.leaves).cast::<RawLeaf>(),
                memory.add(self.shared).cast::<RawShared>(),
                memory.add(self.data),
            )
        };
        let leaves_len = self.blocks.div_ceil(PER_LEAF);
        for leaf in 0..leaves_len {
            let word = Word::new(all_home(self.blocks - leaf * PER_LEAF));
            // SAFETY: as many as blocks need.
            unsafe { leaves.add(leaf as usize).write(RawLeaf { word, padding: zeros() }) };
        }
        for index in 0..self.blocks {
            // SAFETY: one for each block.
            unsafe { shared.add(index as usize).write(header(index, pool.cast())) };
        }
        // SAFETY: the memory begins with the pool.
        unsafe {
            pool.write(RawPool {
                magic: MAGIC,
                abi: ABI_NUMBER,
                blocks: self.blocks,
                leaves_len,
                block_size: self.block_size,
                block_alignment: self.block_alignment,
                data,
                shared,
                leaves,
                free,
                release: RELEASE_BLOCK,
                padding: zeros(),
                references: Word::new(1),
                // The handles, too.
                remaining: Word::new(self.blocks + 1),
                hint: Word::new(0),
                reserved: zeros(),
                waiters: RawParty::NEW,
            });
        }
        // SAFETY: not null.
        let raw = Raw(unsafe { NonNull::new_unchecked(pool) });
        #[cfg(loom)]
        super::raw::model::track(raw);
        raw
    }
}

/// Where an array ends that begins at `from`, rounded up.
const fn end_of(from: usize, count: usize, size: usize, align: usize) -> Option<usize> {
    let Some(bytes) = count.checked_mul(size) else { return None };
    let Some(end) = from.checked_add(bytes) else { return None };
    end.checked_next_multiple_of(align)
}

pub(super) fn on_the_heap(blocks: usize, block: Layout) -> Result<Raw, CreateError> {
    unsafe extern "C" fn free(pool: *mut RawPool) {
        #[cfg(loom)]
        // SAFETY: still there, and nobody else looks.
        super::raw::model::untrack(Raw(unsafe { NonNull::new_unchecked(pool) }));
        // SAFETY: nobody else looks any more.
        unsafe { Raw(NonNull::new_unchecked(pool)).free_watch() };
        // SAFETY: nobody else looks any more; it was made by the plan of these numbers.
        let plan = unsafe {
            let block = ((*pool).block_size, (*pool).block_alignment);
            Layout::from_size_align(block.0, block.1)
                .ok()
                .and_then(|block| Plan::new((*pool).blocks as usize, block))
        };
        if let Some(plan) = plan {
            // SAFETY: allocated below with this layout.
            unsafe { dealloc(pool.cast(), plan.whole) };
        }
    }
    let plan = Plan::new(blocks, block).ok_or(CreateError::Size)?;
    // SAFETY: a pool's size is not 0.
    let memory =
        NonNull::new(unsafe { alloc_zeroed(plan.whole) }).ok_or(CreateError::OutOfMemory)?;
    // SAFETY: allocated for it, of zeros.
    Ok(unsafe { plan.build(memory, free) })
}
