//! The core of zigflow: what crosses the border between async Rust and Zig.
//!
//! `no_std + alloc`, no runtime of its own. Use it through the facade crate `zigflow`, or directly in
//! firmware.
//!
//! ```text
//!   Zig source ──poll──▶ Source ──▶ ZigStream<T> (Stream) ─▶ your executor
//!        ▲                  └─────▶ ByteStream (AsyncBufRead)     │
//!        └──────────── waker: two words, four functions ◀──────────┘
//! ```

#![cfg_attr(not(any(feature = "std", loom)), no_std)]
#![deny(clippy::undocumented_unsafe_blocks)]

extern crate alloc;

#[cfg(all(
    feature = "profile",
    not(any(feature = "std", feature = "spin", feature = "critical-section"))
))]
compile_error!(
    "the feature `profile` needs a lock: enable `std`, `critical-section` or `spin` of zigflow-core"
);

pub mod abi;
pub mod batch;
mod byte_io;
mod bytes;
mod call;
pub mod channel;
pub mod combine;
mod error;
#[cfg(feature = "defmt")]
mod format;
pub mod future;
mod handle;
mod host;
mod item;
#[cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]
pub mod limit;
#[cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]
mod lock;
mod macros;
pub mod memory;
pub mod pool;
#[cfg(feature = "profile")]
pub mod profile;
mod pushed;
mod raw_parts;
pub mod retry;
mod ring;
mod shape;
mod source;
mod stream;
pub mod sync;
pub mod time;
mod transfer;
pub mod waker;
mod zig_tests;

pub use abi::{StreamItem, StreamState};
pub use batch::{batch, batch_process, batch_timeout};
pub use byte_io::{ByteReader, ByteWriter};
pub use bytes::{ByteStream, LocalByteStream};
pub use channel::{mpmc, spsc};
pub use combine::{FutureGroup, StreamGroup, join, merge, race, select, try_join};
pub use error::{Malformed, OpenError, StreamError, ZigError};
pub use future::{FutureError, FutureSlot, SlotFuture, ZigFuture, completion};
pub use host::{ZigPanic, ZigPanicHook, set_zig_panic_hook};
pub use item::{Copied, Item, LentItem};
#[cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]
pub use limit::{KeyedRateLimiter, Quota, RateLimiter, throttle};
pub use memory::{LocalZeroCopyBuffer, RustBuffer, SharedBuffer, ZeroCopyBuffer};
pub use pool::Pool;
pub use raw_parts::RawParts;
pub use retry::{RetryError, retry, retry_stream};
pub use shape::shape_matches;
pub use source::DEFAULT_BUDGET;
pub use stream::{Local, LocalZigStream, Sendable, Threading, ZigStream};
pub use transfer::Transfer;
#[cfg(feature = "derive")]
pub use zigflow_macros::Transfer;
#[cfg(feature = "macros")]
pub use zigflow_macros::{autozig, include_zig};

/// What macros and generated code name; no part of the stable API.
#[doc(hidden)]
pub mod __private {
    pub use crate::abi::{OperationType, SourceType};
    pub use alloc::string::String;
    pub use alloc::vec::Vec;

    pub use crate::call::{
        ForZig, MaybeOpen, completion_for_zig, given_away, items, optional, optional_bytes,
        optional_first, optional_len, returned, returned_bytes, returned_error, returned_items,
        text,
    };
    pub use crate::future::{FutureArgument, KeepToo, StartFuture};
    pub use crate::handle::{Handle, ZigType};
    pub use crate::macros::Argument;
    pub use crate::pushed::{PUSHED, Pushed};
    pub use crate::shape::Shape;
    pub use crate::stream::OpenSource;
    pub use crate::zig_tests::run_zig_tests;
}
