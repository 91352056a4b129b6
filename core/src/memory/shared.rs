//! Memory with several owners.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ffi::c_void;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::{Bound, Deref, RangeBounds};
use core::ptr::NonNull;
use core::sync::atomic::Ordering::{AcqRel, Relaxed};

use super::{RustBuffer, ZeroCopyBuffer, no_memory, try_box, view};
use crate::abi::{OwnedItem, RawShared, ReleaseFn};
use crate::error::Malformed;
use crate::pool::{block_of, share};
use crate::sync::{Word, bug};
use crate::transfer::Transfer;

/// Bytes with several owners: clones and [slices](Self::slice) share the memory, which is released by the last of them, in
/// whatever order and on whatever thread they go. As one of its owners it goes to Zig as a [`ZeroCopyBuffer`].
///
/// It is made of a [`Block`](crate::pool::Block), without an allocation, or of a [`ZeroCopyBuffer`], whose count is allocated.
pub struct SharedBuffer {
    first: *const u8,
    len: usize,
    shared: NonNull<RawShared>,
}

// SAFETY: the bytes are only read; the count is atomic, and what frees runs on any thread.
unsafe impl Send for SharedBuffer {}
// SAFETY: as above.
unsafe impl Sync for SharedBuffer {}

/// A buffer and its count.
#[repr(C)]
struct Counted {
    shared: RawShared,
    buffer: ZeroCopyBuffer,
}

unsafe extern "C" fn free_counted(shared: *mut RawShared) {
    // SAFETY: made of a box in `try_from_buffer`; the last reference is gone.
    drop(unsafe { Box::from_raw(shared.cast::<Counted>()) });
}

impl SharedBuffer {
    /// # Safety
    ///
    /// One reference passes to the result; the bytes are valid for reads, and nobody writes there, until the last one goes.
    pub(crate) unsafe fn new(shared: NonNull<RawShared>, first: *const u8, len: usize) -> Self {
        Self { first, len, shared }
    }

    /// Shares a buffer. (A block of a pool, or one of several owners, that became a buffer has a count already.)
    ///
    /// # Errors
    ///
    /// There is no memory for the count: the buffer comes back.
    pub fn try_from_buffer(buffer: ZeroCopyBuffer) -> Result<Self, ZeroCopyBuffer> {
        let &OwnedItem { ptr, len, .. } = buffer.as_raw();
        let first = ptr.cast_const();
        if let Some(shared) = shared_of(buffer.as_raw()) {
            let _given_away = ManuallyDrop::new(buffer);
            // SAFETY: the buffer was one of the owners, and its reference passes to the result.
            return Ok(unsafe { Self::new(shared, first, len) });
        }
        if let Some(block) = block_of(buffer.as_raw()) {
            let _given_away = ManuallyDrop::new(buffer);
            // SAFETY: the buffer was the block's one owner; its bytes lie in there.
            return Ok(unsafe { share(block, first, len) });
        }
        let context = core::ptr::null_mut();
        let shared = RawShared { references: Word::new(1), index: 0, free: free_counted, context };
        let counted = try_box(Counted { shared, buffer }).map_err(|back| back.buffer)?;
        // SAFETY: a box's pointer is not null; it begins with the count.
        let shared = unsafe { NonNull::new_unchecked(Box::into_raw(counted).cast()) };
        // SAFETY: the first reference.
        Ok(unsafe { Self::new(shared, first, len) })
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: this reference keeps them, and nobody writes.
        unsafe { core::slice::from_raw_parts(self.first, self.len) }
    }

    /// A part of the same memory, as another owner of all of it.
    ///
    /// # Panics
    ///
    /// If the range is not within the bytes.
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Self {
        let from = match range.start_bound() {
            Bound::Included(&from) => Some(from),
            Bound::Excluded(&before) => before.checked_add(1),
            Bound::Unbounded => Some(0),
        };
        let to = match range.end_bound() {
            Bound::Included(&last) => last.checked_add(1),
            Bound::Excluded(&to) => Some(to),
            Bound::Unbounded => Some(self.len),
        };
        let (Some(from), Some(to)) = (from, to) else { panic!("a range beyond all memory") };
        assert!(from <= to && to <= self.len, "the range {from}..{to} in {} bytes", self.len);
        let mut part = self.clone();
        part.keep(from, to - from);
        part
    }

    /// The bytes from `at` on, as another owner; this one keeps those before.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    #[must_use = "to drop the rest, say `truncate`"]
    pub fn split_off(&mut self, at: usize) -> Self {
        let rest = self.slice(at..);
        self.keep(0, at);
        rest
    }

    /// The bytes before `at`, as another owner; this one keeps the rest.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    #[must_use = "to drop them, say `advance`"]
    pub fn split_to(&mut self, at: usize) -> Self {
        let front = self.slice(..at);
        self.keep(at, self.len - at);
        front
    }

    /// Keeps the first `len` bytes; no effect if there are fewer.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Drops the first `count` bytes.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    pub fn advance(&mut self, count: usize) {
        assert!(count <= self.len, "{count} of {} bytes", self.len);
        self.keep(count, self.len - count);
    }

    fn keep(&mut self, from: usize, len: usize) {
        if from > 0 {
            // SAFETY: within the bytes, or one past them: checked by all who call this.
            self.first = unsafe { self.first.add(from) };
        }
        self.len = len;
    }

    /// The bytes as items, in place; see [`ZeroCopyBuffer::items`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn items<T: Transfer>(&self) -> Result<&[T], Malformed> {
        view(self)
    }

    fn references(&self) -> &Word {
        // SAFETY: this reference keeps it.
        unsafe { &(*self.shared.as_ptr()).references }
    }
}

impl Clone for SharedBuffer {
    /// # Panics
    ///
    /// If there are 2^31 owners already.
    fn clone(&self) -> Self {
        crate::ring::count_one_more(self.references());
        Self { first: self.first, len: self.len, shared: self.shared }
    }
}

impl Drop for SharedBuffer {
    fn drop(&mut self) {
        // SAFETY: its own reference.
        unsafe { drop_reference(self.shared) };
    }
}

/// # Safety
///
/// The caller gives up a reference.
unsafe fn drop_reference(shared: NonNull<RawShared>) {
    let order = if bug(117) { Relaxed } else { AcqRel };
    let shared = shared.as_ptr();
    // SAFETY: alive until the count goes down, and then only if this was not the last. (What frees never changes.)
    unsafe {
        let free = (*shared).free;
        // Minus one.
        if (*shared).references.fetch_add(u32::MAX, order) == 1 {
            free(shared);
        }
    }
}

/// # Safety
///
/// The context is that of a count, of which the caller gives up a reference.
unsafe extern "C" fn release_shared(context: *mut c_void, _: *mut u8, _: usize) {
    // SAFETY: the caller's promise.
    unsafe { drop_reference(NonNull::new_unchecked(context.cast())) };
}

/// By this pointer one of several owners is known, as a block is by its own.
static RELEASE_SHARED: ReleaseFn = release_shared;

/// The count of one of several owners that crosses the border, if it is one.
fn shared_of(item: &OwnedItem) -> Option<NonNull<RawShared>> {
    let is_shared = core::ptr::fn_addr_eq(item.release?, RELEASE_SHARED);
    if is_shared { NonNull::new(item.context.cast()) } else { None }
}

impl From<RustBuffer> for SharedBuffer {
    /// As of a [`ZeroCopyBuffer`].
    fn from(buffer: RustBuffer) -> Self {
        ZeroCopyBuffer::from(buffer).into()
    }
}

impl From<Vec<u8>> for SharedBuffer {
    /// As of a [`RustBuffer`].
    fn from(bytes: Vec<u8>) -> Self {
        RustBuffer::from(bytes).into()
    }
}

impl From<ZeroCopyBuffer> for SharedBuffer {
    /// Allocates the count, unless it is a block of a pool; without memory the program ends, as with a `Box`.
    fn from(buffer: ZeroCopyBuffer) -> Self {
        Self::try_from_buffer(buffer).unwrap_or_else(|_| no_memory::<Counted>())
    }
}

impl From<SharedBuffer> for ZeroCopyBuffer {
    /// One of several owners, without an allocation.
    fn from(shared: SharedBuffer) -> Self {
        let this = ManuallyDrop::new(shared);
        let (ptr, len, context) = (this.first.cast_mut(), this.len, this.shared.as_ptr().cast());
        // SAFETY: valid and unchanged while the reference lives, which any thread may give up.
        unsafe {
            Self::from_checked(OwnedItem { ptr, len, release: Some(RELEASE_SHARED), context })
        }
    }
}

impl Deref for SharedBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl AsRef<[u8]> for SharedBuffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for SharedBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedBuffer").field("len", &self.len).finish_non_exhaustive()
    }
}
