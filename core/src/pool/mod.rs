//! Pools: a fixed number of blocks of memory of one size, which both languages take, fill, read in place and give back.
//!
//! ```text
//!            try_acquire, acquire().await            drop, on any thread
//!   Pool ────────────────────────────────▶ Block ─────────────────────────▶ Pool
//!                     one owner, who writes │
//!                                           ▼        Block::try_from, if it has one owner: the block again
//!                                   SharedBuffer (counted)  ─or─  ZeroCopyBuffer (to Zig, through a channel)
//! ```
//!
//! A pool is backpressure by memory: when all blocks are in use, who wants one waits until one comes home, whoever has it.
//! So a slow reader stops a producer, however the blocks travel between them.
//!
//! [`Pool::to_zig`] hands a handle to Zig.
//!
//! Taking a block and giving it back are lock-free, cost no allocation, and in Zig no call into Rust unless somebody waits.
//! To wait, and to wait no more, touches a word for every 30 blocks. Who gives a block back wakes one that waits, so that
//! is nothing for a signal handler.
//!
//! ```
//! use zigflow_core::Pool;
//!
//! let pool = Pool::new(4, 1024);
//! let mut block = pool.try_acquire().expect("there are four");
//! block[..5].copy_from_slice(b"hello");
//! block.set_len(5);
//! assert_eq!(pool.snapshot().available, 3);
//! drop(block);
//! assert_eq!(pool.snapshot().available, 4);
//! ```

mod acquire;
mod arena;
mod block;
mod memory;
mod raw;
mod zig;

pub use acquire::{Acquire, Waiter};
pub use arena::{Arena, bytes};
pub use block::Block;
pub(crate) use block::{block_of, share};
pub use memory::CreateError;
pub(crate) use raw::Raw;
pub use zig::ZigPool;
pub(crate) use zig::for_zig;

use core::alloc::Layout;
use core::fmt;

use crate::ring::counted;
use crate::ring::seat::Seat;

/// What a debug build writes over a block that comes home, so that who still reads it finds out.
pub const POISON: u8 = 0xaa;

/// A handle of a pool of blocks. Clones share the pool; its memory is freed when the last handle has gone and the last
/// block has come home, in whatever order.
pub struct Pool {
    raw: Raw,
}

// SAFETY: the words are atomic, the list of waiters has a lock, and a block has one owner at a time.
unsafe impl Send for Pool {}
// SAFETY: as above.
unsafe impl Sync for Pool {}

impl Pool {
    /// A pool of `blocks` blocks of at least `block_size` bytes, aligned to 64: one allocation, of zeros.
    ///
    /// # Panics
    ///
    /// [`CreateError`]s; [`try_new`](Self::try_new) returns them.
    pub fn new(blocks: usize, block_size: usize) -> Self {
        let pool = Layout::from_size_align(block_size, 64)
            .map_err(|_| CreateError::Size)
            .and_then(|block| Self::try_new(blocks, block));
        pool.unwrap_or_else(|error| panic!("{error}"))
    }

    /// A pool of `blocks` blocks, each of the layout's size, rounded up to its alignment: one allocation, of zeros.
    ///
    /// # Errors
    ///
    /// [`CreateError`]; nothing is left behind.
    pub fn try_new(blocks: usize, block: Layout) -> Result<Self, CreateError> {
        let raw = memory::on_the_heap(blocks, block)?;
        // SAFETY: fresh, with one handle.
        Ok(unsafe { Self::from_raw(raw) })
    }

    /// # Safety
    ///
    /// One handle of the pool passes to the result.
    unsafe fn from_raw(raw: Raw) -> Self {
        Self { raw }
    }

    /// Takes a block, if one is home. (With more than 30 blocks: if others take and give back meanwhile, it may miss one that
    /// comes home behind it.) Its bytes are what they were when it was given back, at first 0; in a debug build
    /// [`POISON`].
    #[inline]
    pub fn try_acquire(&self) -> Option<Block> {
        let block = self.raw.take()?;
        // SAFETY: just taken.
        Some(unsafe { Block::new(self.raw, block) })
    }

    /// Takes a block, and waits for one, in turn. (Who comes just when one comes home may be faster.)
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: a block leaves the pool only in the poll that returns it, and a wake that had come for the future
    /// passes to the next one that waits when the future is dropped. Forgotten, or kept and not polled, it keeps the wake.
    pub fn acquire(&self) -> Acquire<'_> {
        Acquire { pool: self, seat: Seat::new() }
    }

    /// [`acquire`](Self::acquire) for a thread: it sleeps while no block is home.
    #[cfg(feature = "std")]
    pub fn acquire_blocking(&self) -> Block {
        loop {
            // Without a timeout it ends with a block.
            if let Some(block) = self.acquire_within(None) {
                return block;
            }
        }
    }

    /// [`acquire_blocking`](Self::acquire_blocking) that gives up after `timeout`.
    #[cfg(feature = "std")]
    pub fn acquire_blocking_timeout(&self, timeout: core::time::Duration) -> Option<Block> {
        self.acquire_within(Some(timeout))
    }

    #[cfg(feature = "std")]
    fn acquire_within(&self, timeout: Option<core::time::Duration>) -> Option<Block> {
        if let Some(block) = self.try_acquire() {
            return Some(block);
        }
        let mut acquire = core::pin::pin!(self.acquire());
        crate::channel::block::wait(timeout, |waker| acquire.as_mut().poll_by(waker))
    }

    /// How many blocks there are.
    pub fn blocks(&self) -> usize {
        self.raw.get().blocks as usize
    }

    /// How large each is, bytes.
    pub fn block_size(&self) -> usize {
        self.raw.get().block_size
    }

    /// How each is aligned, bytes.
    pub fn block_alignment(&self) -> usize {
        self.raw.get().block_alignment
    }

    /// True when these bytes lie in one of its blocks: whether they were copied on their way.
    pub fn contains(&self, bytes: &[u8]) -> bool {
        let pool = self.raw.get();
        let (size, offset) =
            (pool.block_size, bytes.as_ptr().addr().wrapping_sub(pool.data.addr()));
        offset < pool.blocks as usize * size && bytes.len() <= size - offset % size
    }

    /// What is in the pool now, and how often somebody had to wait.
    pub fn snapshot(&self) -> Snapshot {
        let pool = self.raw.get();
        Snapshot {
            blocks: pool.blocks as usize,
            block_size: pool.block_size,
            available: self.raw.home() as usize,
            waiting: self.raw.waiting(),
            sleeps: counted(&pool.waiters.sleeps),
            wakes: counted(&pool.waiters.wakes),
        }
    }

    /// Watches those who wait for a block from now on, see [`profile`](crate::profile). The time is read from `clock`, in which the pool
    /// must not be used; of a pool that is watched already the first clock stays. The monitor is a handle of the pool.
    #[cfg(feature = "profile")]
    #[track_caller]
    pub fn monitor(
        &self,
        clock: impl crate::time::Clock + Send + Sync + 'static,
    ) -> crate::profile::PoolMonitor {
        let watch = self.raw.watch(clock);
        // SAFETY: the pool keeps it.
        unsafe { crate::profile::PoolMonitor::new(self.clone(), watch) }
    }

    /// True when `other` is a handle of the same pool.
    pub fn same_pool(&self, other: &Self) -> bool {
        self.raw.0 == other.raw.0
    }
}

impl Clone for Pool {
    /// # Panics
    ///
    /// If there are 2^31 handles already.
    fn clone(&self) -> Self {
        self.raw.retain();
        Self { raw: self.raw }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.raw.release();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Snapshot { blocks, block_size, available, .. } = self.snapshot();
        f.debug_struct("Pool")
            .field("blocks", &blocks)
            .field("block_size", &block_size)
            .field("available", &available)
            .finish_non_exhaustive()
    }
}

/// The state of a pool. The numbers are read one after the other while others go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Snapshot {
    /// How many blocks there are.
    pub blocks: usize,
    /// How large each is, bytes.
    pub block_size: usize,
    /// How many are home.
    pub available: usize,
    /// How many tasks and threads wait for one.
    pub waiting: usize,
    /// How often one went to sleep for want of a block. This and the next wrap at 2^32.
    pub sleeps: u32,
    /// How often one was woken.
    pub wakes: u32,
}
