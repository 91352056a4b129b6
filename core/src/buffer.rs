//! Owned memory from the other side of the border.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ffi::c_void;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::ptr::NonNull;

use crate::abi::OwnedItem;
use crate::error::{Malformed, Registered, check_slice};

/// Bytes that Zig allocated and that Rust owns: read in place, given back to Zig's own release
/// function when dropped, exactly once, on whatever thread drops it.
///
/// Zig promises that the release function may run on any thread.
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

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        let ptr = NonNull::new(self.raw.ptr).unwrap_or(NonNull::dangling());
        // SAFETY: `from_raw` checked that null comes with length 0, and its caller promised the rest.
        unsafe { core::slice::from_raw_parts(ptr.as_ptr(), self.raw.len) }
    }

    /// Gives up ownership without releasing.
    pub fn into_raw(self) -> OwnedItem {
        ManuallyDrop::new(self).raw
    }
}

impl Drop for ZeroCopyBuffer {
    fn drop(&mut self) {
        if let Some(release) = self.raw.release {
            // SAFETY: the one call, with what belongs to it; by `from_raw`'s contract on any thread.
            unsafe { release(self.raw.context, self.raw.ptr, self.raw.len) };
        }
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

impl From<Vec<u8>> for ZeroCopyBuffer {
    fn from(bytes: Vec<u8>) -> Self {
        unsafe extern "C" fn release(_: *mut c_void, ptr: *mut u8, len: usize) {
            // SAFETY: pointer and length of the boxed slice below, released once.
            drop(unsafe { Box::from_raw(core::ptr::slice_from_raw_parts_mut(ptr, len)) });
        }
        let len = bytes.len();
        let ptr = Box::into_raw(bytes.into_boxed_slice()).cast::<u8>();
        let context = core::ptr::null_mut();
        Self { raw: OwnedItem { ptr, len, release: Some(release), context } }
    }
}
