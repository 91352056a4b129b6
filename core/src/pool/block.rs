//! A block that is not home: one owner, who may write.

use core::ffi::c_void;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

use super::raw::Raw;
use crate::abi::{OwnedItem, RawShared, ReleaseFn};
use crate::memory::{SharedBuffer, ZeroCopyBuffer};
use crate::sync::Word;

/// A block of a [`Pool`](super::Pool), with one owner, who writes and reads it as a `[u8]`. It goes home when it is dropped, on
/// whatever thread, and keeps the pool's memory until then.
///
/// All of its bytes are initialised. The length begins as the whole block; [`set_len`](Self::set_len) says how much of it
/// was filled. To hand it on without a copy, turn it into a [`ZeroCopyBuffer`] (to Zig, or through a channel) or into a
/// [`SharedBuffer`] (several readers).
pub struct Block {
    shared: NonNull<RawShared>,
    first: NonNull<u8>,
    len: usize,
}

// SAFETY: one owner; what it points to may be given back on any thread.
unsafe impl Send for Block {}
// SAFETY: by `&Block` there is only reading.
unsafe impl Sync for Block {}

impl Block {
    /// # Safety
    ///
    /// The block was taken from the pool, and has no other owner.
    pub(super) unsafe fn new(pool: Raw, shared: NonNull<RawShared>) -> Self {
        // SAFETY: its header is not written while it is out.
        let index = unsafe { (*shared.as_ptr()).index };
        // SAFETY: not null: within the blocks' memory.
        let first = unsafe { NonNull::new_unchecked(pool.data(index)) };
        Self { shared, first, len: pool.get().block_size }
    }

    /// How many bytes fit.
    pub fn capacity(&self) -> usize {
        // SAFETY: not home yet.
        unsafe { Raw::of(self.shared) }.get().block_size
    }

    /// How many bytes the block has from now on. More than before: they are what they were.
    ///
    /// # Panics
    ///
    /// If they do not fit.
    pub fn set_len(&mut self, len: usize) {
        let capacity = self.capacity();
        assert!(len <= capacity, "a length of {len} bytes in a block of {capacity}");
        self.len = len;
    }

    /// Its form on the border. It goes home by the function in there.
    fn into_raw(self) -> OwnedItem {
        let this = ManuallyDrop::new(self);
        OwnedItem {
            ptr: this.first.as_ptr(),
            len: this.len,
            release: Some(RELEASE_BLOCK),
            context: this.shared.as_ptr().cast(),
        }
    }
}

/// What gives a block home that crosses the border.
///
/// # Safety
///
/// The context is a block's header; the block has one owner, who gives it up.
unsafe extern "C" fn release_block(context: *mut c_void, _: *mut u8, _: usize) {
    // SAFETY: the caller's promise.
    unsafe { Raw::put(NonNull::new_unchecked(context.cast())) };
}

/// By this pointer, and no other one, a block is known: a function may have several addresses, a static has one value.
pub(super) static RELEASE_BLOCK: ReleaseFn = release_block;

/// The header of a block that crosses the border, if it is one.
pub(crate) fn block_of(item: &OwnedItem) -> Option<NonNull<RawShared>> {
    let is_block = core::ptr::fn_addr_eq(item.release?, RELEASE_BLOCK);
    if is_block { NonNull::new(item.context.cast()) } else { None }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the one owner gives it up.
        unsafe { Raw::put(self.shared) };
    }
}

impl Deref for Block {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: initialised when the pool was made; the one owner reads; `set_len` keeps within the block.
        unsafe { core::slice::from_raw_parts(self.first.as_ptr(), self.len) }
    }
}

impl DerefMut for Block {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and nobody else has it.
        unsafe { core::slice::from_raw_parts_mut(self.first.as_ptr(), self.len) }
    }
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl AsMut<[u8]> for Block {
    fn as_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block").field("len", &self.len).finish_non_exhaustive()
    }
}

impl From<Block> for ZeroCopyBuffer {
    /// Without a copy, and without an allocation.
    fn from(block: Block) -> Self {
        // SAFETY: initialised bytes of one owner, whose release runs on any thread.
        unsafe { Self::from_checked(block.into_raw()) }
    }
}

impl TryFrom<ZeroCopyBuffer> for Block {
    type Error = ZeroCopyBuffer;

    /// A buffer that is the front of a block is the block again, with the buffer's length, and may be written; without a copy.
    ///
    /// # Errors
    ///
    /// It is no block of a pool, or has several owners, or begins within a block: the buffer comes back.
    fn try_from(buffer: ZeroCopyBuffer) -> Result<Self, ZeroCopyBuffer> {
        let &OwnedItem { ptr, len, .. } = buffer.as_raw();
        let Some(shared) = block_of(buffer.as_raw()) else { return Err(buffer) };
        // SAFETY: a block that is not home; its header does not change.
        let (pool, index) = unsafe { (Raw::of(shared), (*shared.as_ptr()).index) };
        let first = pool.data(index);
        if first != ptr || len > pool.get().block_size {
            return Err(buffer);
        }
        let _given_away = ManuallyDrop::new(buffer);
        // SAFETY: what is released as a block has one owner, which passes to the result. (The pool's own pointer is one that
        // may be written through.)
        Ok(Self { shared, first: unsafe { NonNull::new_unchecked(first) }, len })
    }
}

impl From<Block> for SharedBuffer {
    /// Without a copy, and without an allocation: a block has its own count.
    fn from(block: Block) -> Self {
        let this = ManuallyDrop::new(block);
        // SAFETY: one owner, who becomes the first of several.
        unsafe { share(this.shared, this.first.as_ptr(), this.len) }
    }
}

/// The first of several owners of a block, and the bytes that it sees.
///
/// # Safety
///
/// The caller was its one owner; the bytes are in the block.
pub(crate) unsafe fn share(shared: NonNull<RawShared>, ptr: *const u8, len: usize) -> SharedBuffer {
    // SAFETY: nobody else looks at the count of a block with one owner.
    unsafe { (*shared.as_ptr()).references.store(1, core::sync::atomic::Ordering::Relaxed) };
    // SAFETY: the count is that one reference; its `free` puts the block back.
    unsafe { SharedBuffer::new(shared, ptr, len) }
}

/// A block's header.
pub(super) const fn header(index: u32, pool: *mut c_void) -> RawShared {
    unsafe extern "C" fn free(shared: *mut RawShared) {
        // SAFETY: the last of those who shared the block gives it up.
        unsafe { Raw::put(NonNull::new_unchecked(shared)) };
    }
    RawShared { references: Word::new(0), index, free, context: pool }
}
