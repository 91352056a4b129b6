//! Channels: typed items from one task, thread or language to another, over rings in memory that Rust
//! and Zig both work on in place. An item costs no call across the border; only waiting, waking and
//! closing do.
//!
//! | flavour | senders | receivers |
//! |---|---|---|
//! | [`spsc`] | one | one |
//! | [`mpmc`], bounded or [unbounded](mpmc::unbounded) | any number | any number |
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
//! sink. tokio's channels have the same two functions in their adapter. [`stream_to_zig`] and [`messages_to_zig`] hand a
//! stream itself to Zig, which polls it.

#[cfg(feature = "std")]
pub(crate) mod block;
mod error;
pub(crate) mod memory;
pub mod mpmc;
mod pump;
mod quiet;
mod snapshot;
pub mod spsc;
mod zig;

pub use error::{
    CreateError, RecvError, RecvTimeoutError, SendError, SendManyError, SendTimeoutError,
    TryRecvError, TrySendError,
};
pub use pump::{
    FromZigError, IntoItem, PumpToZig, StreamForZig, ToZigError, channel_to_zig, messages_to_zig,
    stream_to_zig, try_messages_to_zig,
};
#[cfg(feature = "sink")]
pub use pump::{PumpFromZig, channel_from_zig};
pub(crate) use quiet::wake_peer;
pub use quiet::{PeerWaker, WakeDue};
pub use snapshot::Snapshot;
pub use zig::ChannelItem;

use core::alloc::Layout;
use core::fmt;
use core::ptr::NonNull;

use crate::abi::{Flavor, RawChannel, RawError};
use crate::error::StreamError;
use crate::ring::count_one_more;

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
fn debug(f: &mut fmt::Formatter<'_>, name: &str, snapshot: &Snapshot) -> fmt::Result {
    let Snapshot { len, capacity, .. } = snapshot;
    f.debug_struct(name).field("len", len).field("capacity", capacity).finish_non_exhaustive()
}

/// Takes an item out of its slot.
///
/// # Safety
///
/// The slot holds a valid item that nobody else takes.
unsafe fn take<T>(at: *mut T) -> T {
    crate::sync::place::read(at);
    // SAFETY: the caller's promise.
    unsafe { at.read() }
}

/// Whether an item from Zig is one, by the check that was set when the sender was handed to Zig.
///
/// # Safety
///
/// `check` is of this channel, whose items are `T`, and the item is initialised.
#[cold]
#[inline(never)]
unsafe fn is_valid<T>(check: *mut (), at: *const T) -> bool {
    // SAFETY: `expect_check` stored a function of this type.
    let check: unsafe fn(*const T) -> bool = unsafe { core::mem::transmute::<*mut (), _>(check) };
    // SAFETY: the caller's promise.
    unsafe { check(at) }
}

/// A channel of plain data that Zig makes, with a reference for an end of either kind. Of one that grows the capacity is
/// that of its memory, bytes.
pub(crate) fn for_zig(
    flavor: u32,
    capacity: usize,
    slot: Layout,
) -> Result<NonNull<RawChannel>, CreateError> {
    match Flavor::from_raw(flavor) {
        Some(Flavor::Mpmc) => mpmc::make_plain(capacity, slot),
        Some(Flavor::Unbounded) => mpmc::make_plain_unbounded(capacity, slot),
        Some(Flavor::Spsc) | None => spsc::make(capacity, slot, 0),
    }
}

fn reason(raw: Option<RawError>) -> Option<StreamError> {
    raw.map(|raw| StreamError::from_raw(&raw))
}
