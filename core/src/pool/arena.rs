//! A pool in memory that the program has from the start: no allocation, for firmware.

use core::alloc::Layout;
use core::cell::UnsafeCell;
use core::fmt;
use core::mem::offset_of;
use core::ptr::NonNull;

use super::memory::Plan;
use super::{CreateError, Pool};
use crate::abi::RawPool;
use crate::sync::Word;

/// How many bytes a pool of so many blocks needs in an [`Arena`].
///
/// # Panics
///
/// If there can be no such pool ([`Arena::pool`] would return an error). In a constant the program does not compile.
pub const fn bytes(blocks: usize, block: Layout) -> usize {
    assert!(block.align() <= ALIGNMENT, "blocks in an arena are aligned to at most 128 bytes");
    match Plan::new(blocks, block) {
        Some(plan) => plan.whole.size(),
        None => panic!("there can be no such pool"),
    }
}

const ALIGNMENT: usize = 128;

/// Memory for one pool, of `BYTES` bytes.
///
/// ```
/// use core::alloc::Layout;
/// use zigflow_core::pool::{Arena, bytes};
///
/// const PACKET: Layout = Layout::new::<[u32; 128]>();
/// static PACKETS: Arena<{ bytes(8, PACKET) }> = Arena::new();
///
/// let pool = PACKETS.pool(8, PACKET).unwrap();
/// assert_eq!(pool.try_acquire().unwrap().len(), 512);
/// assert!(PACKETS.pool(8, PACKET).is_err(), "one at a time");
/// ```
#[repr(C, align(128))]
pub struct Arena<const BYTES: usize> {
    memory: UnsafeCell<[u8; BYTES]>,
    taken: Word,
}

// SAFETY: the memory is given to one pool at a time.
unsafe impl<const BYTES: usize> Sync for Arena<BYTES> {}

impl<const BYTES: usize> Arena<BYTES> {
    /// Memory in which there is no pool yet.
    pub const fn new() -> Self {
        Self { memory: UnsafeCell::new([0; BYTES]), taken: Word::new(0) }
    }

    /// A pool of `blocks` blocks, each of the layout's size, rounded up to its alignment, which is at most 128.
    ///
    /// # Errors
    ///
    /// [`CreateError`]: too small, or a pool is there, or a block of an earlier one is not home yet.
    pub fn pool(&'static self, blocks: usize, block: Layout) -> Result<Pool, CreateError> {
        if block.align() > ALIGNMENT {
            return Err(CreateError::Alignment);
        }
        let plan = Plan::new(blocks, block).ok_or(CreateError::Size)?;
        let needed = plan.whole.size();
        if needed > BYTES {
            return Err(CreateError::Arena { needed, found: BYTES });
        }
        self.taken.compare_exchange(0, 1).map_err(|_| CreateError::InUse)?;
        // The memory comes first; a pointer to the whole, for `give_back`.
        let whole = NonNull::from(self).cast();
        // An earlier pool has left its words and its bytes.
        // SAFETY: in a cell, and nobody else's.
        unsafe { self.memory.get().write_bytes(0, 1) };
        // SAFETY: aligned and large enough, nobody else's, in a cell, and initialised.
        let raw = unsafe { plan.build(whole, give_back::<BYTES>) };
        // SAFETY: fresh, with one handle.
        Ok(unsafe { Pool::from_raw(raw) })
    }
}

impl<const BYTES: usize> Default for Arena<BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const BYTES: usize> fmt::Debug for Arena<BYTES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena").field("bytes", &BYTES).finish_non_exhaustive()
    }
}

/// # Safety
///
/// The pool is one of an `Arena<BYTES>`, and nobody looks at it any more.
unsafe extern "C" fn give_back<const BYTES: usize>(pool: *mut RawPool) {
    const { assert!(offset_of!(Arena<BYTES>, memory) == 0) };
    // SAFETY: nobody looks at it any more.
    unsafe { super::raw::Raw(NonNull::new_unchecked(pool)).free_watch() };
    // SAFETY: `pool` made the pointer of one to the arena, which is static and begins with the pool's memory.
    let taken = unsafe { &(*pool.cast::<Arena<BYTES>>()).taken };
    taken.store(0, core::sync::atomic::Ordering::Release);
}
