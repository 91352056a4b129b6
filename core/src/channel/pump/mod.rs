//! Bridges between channels with an end in Zig and the streams and sinks of async Rust. A pump is a future
//! that forwards; the caller spawns it wherever it likes.
//!
//! A pump waits for room before it takes an item, so it holds none between two polls: what it has not
//! forwarded is still where it came from.

mod error;
#[cfg(feature = "sink")]
mod from_zig;
mod polled;
mod to_zig;

pub use error::{FromZigError, ToZigError};
#[cfg(feature = "sink")]
pub use from_zig::{PumpFromZig, channel_from_zig};
pub use polled::{StreamForZig, messages_to_zig, stream_to_zig, try_messages_to_zig};
pub use to_zig::{IntoItem, PumpToZig, channel_to_zig};

use crate::error::{StreamError, ZigError};

/// With what a pump that is dropped closes: Zig must not take it for the end.
const CANCELED: StreamError = StreamError::Zig(ZigError::new("Canceled"));
