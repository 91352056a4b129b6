//! Rust's memory on its way to Zig.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ffi::c_void;
use core::fmt;
use core::ops::Deref;
use core::ptr;

use super::{SharedBuffer, ZeroCopyBuffer, no_memory, try_box};
use crate::abi::OwnedItem;
use crate::pool::Block;

/// Memory of Rust's that is given away: in Zig it is a `zigflow.OwnedBytes`, to be read, and to be ended by `deinit`, once, on
/// any thread. That drops the owner here.
///
/// It is made of what owns bytes, without a copy: a `Vec` or a boxed slice, a static slice, a [`Block`], a [`SharedBuffer`], a
/// `bytes::Bytes` (feature `bytes`), or [any other owner](Self::from_owner).
pub struct RustBuffer(ZeroCopyBuffer);

impl RustBuffer {
    /// Keeps `owner` until Zig releases the bytes; one allocation, for the owner. Without memory the program ends, as with a
    /// `Box`, and it ends if the owner's drop panics.
    pub fn from_owner<T: AsRef<[u8]> + Send + 'static>(owner: T) -> Self {
        Self::try_from_owner(owner).unwrap_or_else(|_| no_memory::<T>())
    }

    /// [`from_owner`](Self::from_owner) that does not end the program.
    ///
    /// # Errors
    ///
    /// There is no memory for the owner: it comes back.
    pub fn try_from_owner<T: AsRef<[u8]> + Send + 'static>(owner: T) -> Result<Self, T> {
        unsafe extern "C" fn release<T>(context: *mut c_void, _: *mut u8, _: usize) {
            // SAFETY: made of a box below, released once.
            drop(unsafe { Box::from_raw(context.cast::<T>()) });
        }
        let owner = Box::into_raw(try_box(owner)?);
        // SAFETY: no bytes yet; the owner is `Send`, so it may be dropped on any thread, also when it panics below.
        let empty =
            unsafe { Self::from_parts(ptr::null_mut(), 0, Some(release::<T>), owner.cast()) };
        // Asked where it stays: the bytes may lie in the owner itself.
        // SAFETY: just made, and nobody else's until it is released, so what it lends stays as it is.
        let bytes = unsafe { (*owner).as_ref() };
        let (first, len) = (bytes.as_ptr().cast_mut(), bytes.len());
        let OwnedItem { release, context, .. } = empty.into_raw();
        // SAFETY: as above.
        Ok(unsafe { Self::from_parts(first, len, release, context) })
    }

    /// # Safety
    ///
    /// As [`ZeroCopyBuffer::from_raw`], and the bytes are a slice.
    unsafe fn from_parts(
        ptr: *mut u8,
        len: usize,
        release: Option<crate::abi::ReleaseFn>,
        context: *mut c_void,
    ) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { ZeroCopyBuffer::from_checked(OwnedItem { ptr, len, release, context }) })
    }

    /// What crosses the border: the bytes, and the function that releases them.
    pub fn into_raw(self) -> OwnedItem {
        self.0.into_raw()
    }
}

impl From<Box<[u8]>> for RustBuffer {
    /// Without an allocation.
    fn from(bytes: Box<[u8]>) -> Self {
        unsafe extern "C" fn release(_: *mut c_void, first: *mut u8, len: usize) {
            #[cfg(debug_assertions)]
            // SAFETY: the boxed slice below, which nobody reads any more.
            unsafe {
                first.write_bytes(crate::pool::POISON, len);
            }
            // SAFETY: pointer and length of the boxed slice below, released once.
            drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(first, len)) });
        }
        let len = bytes.len();
        let first = Box::into_raw(bytes).cast::<u8>();
        // SAFETY: the slice is nobody else's; any thread may free it.
        unsafe { Self::from_parts(first, len, Some(release), ptr::null_mut()) }
    }
}

impl From<Vec<u8>> for RustBuffer {
    /// Shrinks the vector to what it holds, which may move it.
    fn from(bytes: Vec<u8>) -> Self {
        bytes.into_boxed_slice().into()
    }
}

impl From<&'static [u8]> for RustBuffer {
    /// There is nothing to release.
    fn from(bytes: &'static [u8]) -> Self {
        let first = bytes.as_ptr().cast_mut();
        // SAFETY: static, and Zig only reads.
        unsafe { Self::from_parts(first, bytes.len(), None, ptr::null_mut()) }
    }
}

impl From<&'static str> for RustBuffer {
    fn from(text: &'static str) -> Self {
        text.as_bytes().into()
    }
}

impl From<Block> for RustBuffer {
    /// Without an allocation.
    fn from(block: Block) -> Self {
        Self(block.into())
    }
}

impl From<SharedBuffer> for RustBuffer {
    /// Without an allocation.
    fn from(shared: SharedBuffer) -> Self {
        Self(shared.into())
    }
}

impl From<RustBuffer> for ZeroCopyBuffer {
    fn from(buffer: RustBuffer) -> Self {
        buffer.0
    }
}

impl Deref for RustBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for RustBuffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for RustBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RustBuffer").field("len", &self.len()).finish_non_exhaustive()
    }
}
