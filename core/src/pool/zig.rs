//! A pool on its way to Zig, or made there.

use core::alloc::Layout;
use core::fmt;
use core::mem::ManuallyDrop;

use super::raw::Raw;
use super::{CreateError, Pool, memory};
use crate::abi::RawPool;
use crate::call::{ForZig, Sealed};

/// A [`Pool`] on its way to Zig: a pointer, to be passed to a Zig function that opens it by `zigflow.Pool.open`, or, with
/// `autozig!`, takes a `zigflow.Pool`; and ends it there by `deinit`. It is one handle of the pool, and dropped as one.
#[repr(transparent)]
pub struct ZigPool {
    raw: Raw,
}

// SAFETY: as the pool itself.
unsafe impl Send for ZigPool {}
// SAFETY: there is nothing to be done by reference.
unsafe impl Sync for ZigPool {}

impl Pool {
    /// A handle for Zig, where blocks are acquired, filled and given back as here.
    pub fn to_zig(&self) -> ZigPool {
        self.raw.retain();
        ZigPool { raw: self.raw }
    }
}

impl ForZig for ZigPool {
    type Raw = RawPool;

    fn into_raw(self) -> *mut RawPool {
        ManuallyDrop::new(self).raw.0.as_ptr()
    }
}

impl Sealed for ZigPool {}

impl Drop for ZigPool {
    fn drop(&mut self) {
        self.raw.release();
    }
}

impl fmt::Debug for ZigPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ZigPool").field(&self.raw.0).finish()
    }
}

/// A pool with one handle, which Zig has.
pub(crate) fn for_zig(blocks: usize, size: usize, alignment: usize) -> Result<Raw, CreateError> {
    let block = Layout::from_size_align(size, alignment).map_err(|_| CreateError::Size)?;
    memory::on_the_heap(blocks, block)
}
