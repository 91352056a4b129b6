//! `bytes::Bytes` of our buffers, and the reverse, without copying (feature `bytes`).
#![cfg(feature = "bytes")]

use bytes::Bytes;

use super::{RustBuffer, SharedBuffer, ZeroCopyBuffer};
use crate::pool::Block;

/// Without a copy; `bytes` allocates its count.
macro_rules! bytes_of {
    ($($type:ident)*) => {$(
        impl From<$type> for Bytes {
            /// Without a copy: the bytes stay where they are until the last clone goes. `bytes` allocates its count.
            fn from(buffer: $type) -> Self {
                Self::from_owner(buffer)
            }
        }
    )*};
}

bytes_of! { ZeroCopyBuffer SharedBuffer RustBuffer Block }

impl From<Bytes> for RustBuffer {
    /// Without a copy; one allocation, for the handle.
    fn from(bytes: Bytes) -> Self {
        Self::from_owner(bytes)
    }
}
