//! Channels: typed items from one task, thread or language to another, over rings in memory that Rust
//! and Zig both work on in place. An item costs no call across the border; only waiting, waking and
//! closing do.
//!
//! | flavour | senders | receivers |
//! |---|---|---|
//! | [`spsc`] | one | one |
//!
//! # Closing
//!
//! Either end may close, by [`close`](crate::spsc::Sender::close) or by going away, and may say why. The receiver drains what
//! was sent before and then sees the end; a sender that waits is released and gets its item back. What a
//! receiver had not been sent when it closed is never delivered: those items come back to the sender.
//! There is one terminal event and nothing after it.
//!
//! # Waiting
//!
//! Every verb that waits exists as a future and as a blocking call (feature `std`), and every one has a
//! `try_` form, which never waits for anything.
//!
//! # Bridges
//!
//! [`channel_to_zig`] forwards any stream to Zig, and `channel_from_zig` (feature `sink`) what Zig sends into any
//! sink. tokio's channels have the same two functions in their adapter.

#[cfg(feature = "std")]
pub(crate) mod block;
mod error;
mod memory;
mod pump;
mod snapshot;
pub mod spsc;

pub use error::{
    CreateError, RecvError, RecvTimeoutError, SendError, SendManyError, SendTimeoutError,
    TryRecvError, TrySendError,
};
pub use pump::{FromZigError, IntoItem, PumpToZig, ToZigError, channel_to_zig};
#[cfg(feature = "sink")]
pub use pump::{PumpFromZig, channel_from_zig};
pub use snapshot::Snapshot;

use core::fmt;

use crate::abi::{RawChannel, RawError};
use crate::error::StreamError;

/// How many items a receiver yields in a row before it lets its neighbours run.
pub use crate::source::DEFAULT_BUDGET;

/// `Debug` of futures: their names, whatever the items are.
macro_rules! debug_by_name {
    ($($name:ident)*) => {$(
        impl<T> core::fmt::Debug for $name<'_, T> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}
use debug_by_name;

/// `Debug` of an end.
fn debug(f: &mut fmt::Formatter<'_>, name: &str, raw: &RawChannel) -> fmt::Result {
    let Snapshot { len, capacity, .. } = Snapshot::take(raw);
    f.debug_struct(name).field("len", &len).field("capacity", &capacity).finish_non_exhaustive()
}

fn reason(raw: Option<RawError>) -> Option<StreamError> {
    raw.map(|raw| StreamError::from_raw(&raw))
}
