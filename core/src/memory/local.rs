//! Owned memory that may only be released where it came from.

use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;

use super::zero_copy::release;
use super::{ZeroCopyBuffer, view};
use crate::abi::OwnedItem;
use crate::error::Malformed;
use crate::transfer::Transfer;

/// A [`ZeroCopyBuffer`] that stays on its thread: `zigflow.LocalBytes` in Zig, where only a source that is not `sendable`
/// can yield it.
pub struct LocalZeroCopyBuffer {
    raw: OwnedItem,
    stays: PhantomData<*const u8>,
}

impl LocalZeroCopyBuffer {
    /// Takes over what Zig handed out.
    ///
    /// # Errors
    ///
    /// As [`ZeroCopyBuffer::from_raw`].
    ///
    /// # Safety
    ///
    /// As there, but that the release function is called on this thread.
    pub unsafe fn from_raw(raw: OwnedItem) -> Result<Self, Malformed> {
        // SAFETY: the caller's promise; what makes the difference is kept here by the type.
        let raw = unsafe { ZeroCopyBuffer::from_raw(raw) }?.into_raw();
        Ok(Self { raw, stays: PhantomData })
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        if self.raw.len == 0 {
            return &[];
        }
        // SAFETY: checked by `from_raw`, whose caller promised the rest.
        unsafe { core::slice::from_raw_parts(self.raw.ptr, self.raw.len) }
    }

    /// The bytes as items, in place; see [`ZeroCopyBuffer::items`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn items<T: Transfer>(&self) -> Result<&[T], Malformed> {
        view(self)
    }
}

impl Drop for LocalZeroCopyBuffer {
    fn drop(&mut self) {
        // SAFETY: the one call, on the thread on which it was taken over.
        unsafe { release(&self.raw) };
    }
}

impl Deref for LocalZeroCopyBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl AsRef<[u8]> for LocalZeroCopyBuffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for LocalZeroCopyBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalZeroCopyBuffer").field("len", &self.raw.len).finish_non_exhaustive()
    }
}
