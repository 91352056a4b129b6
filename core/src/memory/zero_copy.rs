//! Owned memory from the other side of the border.

use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::ptr::NonNull;

use crate::abi::OwnedItem;
use crate::error::{Malformed, Registered, check_slice};
use crate::memory::{RustBuffer, view};
use crate::transfer::Transfer;

/// Bytes that Zig allocated and that Rust owns: read in place, given back to Zig's own release
/// function when dropped, exactly once, on whatever thread drops it.
///
/// Zig promises that the release function may run on any thread; what may not is a
/// [`LocalZeroCopyBuffer`](crate::LocalZeroCopyBuffer).
#[repr(transparent)]
pub struct ZeroCopyBuffer {
    raw: OwnedItem,
}

// SAFETY: the bytes are read-only while the buffer lives, and Zig promises (see `zigflow.OwnedBytes`)
// that its release function runs on any thread.
unsafe impl Send for ZeroCopyBuffer {}
// SAFETY: as above; shared references only read.
unsafe impl Sync for ZeroCopyBuffer {}

impl ZeroCopyBuffer {
    /// Takes over what Zig handed out.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for a null pointer with a length and for a length above `isize::MAX`. The release
    /// function is not called: nobody knows what it would release.
    ///
    /// # Safety
    ///
    /// Unless the item is one of those, its pointer is valid for reads of its length, nobody writes
    /// there until the release function is called, and that may be called once from any thread.
    pub unsafe fn from_raw(raw: OwnedItem) -> Result<Self, Malformed> {
        check_slice(raw.ptr, raw.len, &Registered::ANY)?;
        Ok(Self { raw })
    }

    /// [`from_raw`](Self::from_raw) of what was checked.
    ///
    /// # Safety
    ///
    /// As there, and it is none of those.
    pub(crate) unsafe fn from_checked(raw: OwnedItem) -> Self {
        Self { raw }
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        let ptr = NonNull::new(self.raw.ptr).unwrap_or(NonNull::dangling());
        // SAFETY: `from_raw` checked that null comes with length 0, and its caller promised the rest.
        unsafe { core::slice::from_raw_parts(ptr.as_ptr(), self.raw.len) }
    }

    /// The bytes as items, in place.
    ///
    /// # Errors
    ///
    /// [`Malformed`]: `Misaligned`; `Length`, if they are no whole number of items, or if items of the type have no size;
    /// `Value`, if some are no value of the type.
    pub fn items<T: Transfer>(&self) -> Result<&[T], Malformed> {
        view(self)
    }

    /// What crosses the border.
    pub(crate) fn as_raw(&self) -> &OwnedItem {
        &self.raw
    }

    /// Gives up ownership without releasing.
    pub fn into_raw(self) -> OwnedItem {
        ManuallyDrop::new(self).raw
    }
}

impl Drop for ZeroCopyBuffer {
    fn drop(&mut self) {
        // SAFETY: the one call; by `from_raw`'s contract on any thread.
        unsafe { release(&self.raw) };
    }
}

/// # Safety
///
/// The item is released once, where its function may run.
pub(super) unsafe fn release(raw: &OwnedItem) {
    if let Some(release) = raw.release {
        // SAFETY: with what belongs to it; the caller's promise.
        unsafe { release(raw.context, raw.ptr, raw.len) };
    }
}

impl Deref for ZeroCopyBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl AsRef<[u8]> for ZeroCopyBuffer {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl fmt::Debug for ZeroCopyBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZeroCopyBuffer").field("len", &self.raw.len).finish_non_exhaustive()
    }
}

impl From<alloc::vec::Vec<u8>> for ZeroCopyBuffer {
    fn from(bytes: alloc::vec::Vec<u8>) -> Self {
        RustBuffer::from(bytes).into()
    }
}

/// Bytes that Zig lends for `'a`.
///
/// # Errors
///
/// [`Malformed`]: null with a length, or a length above `isize::MAX`.
///
/// # Safety
///
/// Unless it is one of those, `ptr` is valid for reads of `len` bytes for `'a`, and nobody writes there meanwhile.
pub unsafe fn borrow_from_zig<'a>(ptr: *const u8, len: usize) -> Result<&'a [u8], Malformed> {
    check_slice(ptr, len, &Registered::ANY)?;
    if len == 0 {
        return Ok(&[]);
    }
    // SAFETY: not null, not too long; the caller's promise for the rest.
    Ok(unsafe { core::slice::from_raw_parts(ptr, len) })
}
