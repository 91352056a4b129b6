//! One sender, one receiver.
//!
//! The fastest flavour: wait-free, one read-modify-write for each item or batch on either side, no
//! allocation after [`channel`]. Both ends may be in Rust or in Zig.
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use zigflow_core::spsc;
//!
//! let (mut tx, mut rx) = spsc::channel(4);
//! std::thread::spawn(move || {
//!     for n in 0..100 {
//!         tx.send_blocking(n).unwrap();
//!     }
//! });
//! let mut sum = 0;
//! while let Ok(n) = rx.recv_blocking() {
//!     sum += n;
//! }
//! assert_eq!(sum, 4950);
//! # }
//! ```

mod grant;
mod quiet;
mod receiver;
mod sender;
#[cfg(feature = "sink")]
mod sink;
#[cfg(not(loom))] // models make their channels on the heap
mod storage;
mod zig;

pub use grant::{ReadGrant, WriteGrant};
pub use receiver::{Read, Receiver, ReceiverClosed, Recv, RecvMany};
pub use sender::{Closed, Reserve, Send, SendFrom, SendMany, Sender};
#[cfg(not(loom))]
pub use storage::Storage;
pub use zig::{ZigReceiver, ZigSender};

use core::alloc::Layout;
use core::ptr::NonNull;

use super::error::CreateError;
use super::memory::{self, Plan};
use crate::abi::{Flavor, RawChannel};
use crate::ring::position;
use crate::ring::spsc::{Consumer, Producer};

/// A channel for `capacity` items, which may be any number from 1 to 2^29.
///
/// # Panics
///
/// If the capacity is 0 or too large, or if there is no memory; [`try_channel`] returns these as errors.
pub fn channel<T: core::marker::Send>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    try_channel(capacity).unwrap_or_else(|error| panic!("{error}"))
}

/// A channel for `capacity` items, which may be any number from 1 to 2^29.
///
/// # Errors
///
/// [`CreateError`]; nothing is left behind.
pub fn try_channel<T: core::marker::Send>(
    capacity: usize,
) -> Result<(Sender<T>, Receiver<T>), CreateError> {
    starting_at(capacity, 0)
}

/// A channel as [`channel`] makes it, and who watches it, see [`profile`](crate::profile): the time is read from `clock`, in which
/// the channel must not be used.
///
/// # Panics
///
/// As [`channel`].
#[cfg(feature = "profile")]
#[track_caller]
pub fn monitored<T: core::marker::Send>(
    capacity: usize,
    clock: impl crate::time::Clock + core::marker::Send + Sync + 'static,
) -> (Sender<T>, Receiver<T>, crate::profile::Monitor<T>) {
    monitored_at(capacity, 0, clock).unwrap_or_else(|error| panic!("{error}"))
}

/// [`monitored`] as [`starting_at`].
#[doc(hidden)]
#[allow(clippy::type_complexity)] // the two ends, and who watches
#[cfg(feature = "profile")]
#[track_caller]
pub fn monitored_at<T: core::marker::Send>(
    capacity: usize,
    items: u32,
    clock: impl crate::time::Clock + core::marker::Send + Sync + 'static,
) -> Result<(Sender<T>, Receiver<T>, crate::profile::Monitor<T>), CreateError> {
    // First, for the clock is foreign code.
    let profile = alloc::boxed::Box::new(crate::profile::Profile::new("zigflow::spsc", clock));
    let channel = make(capacity, Layout::new::<T>(), position::advance(0, items))?;
    // SAFETY: fresh, with a reference for each end, and one of each is made; the slots are `T`'s.
    Ok(unsafe { open_monitored(channel, profile) })
}

/// # Safety
///
/// The channel is fresh, with a reference for each end, and its slots are `T`'s.
#[cfg(feature = "profile")]
unsafe fn open_monitored<T>(
    channel: NonNull<RawChannel>,
    mut profile: alloc::boxed::Box<crate::profile::Profile>,
) -> (Sender<T>, Receiver<T>, crate::profile::Monitor<T>) {
    // SAFETY: the caller's promise. The profile comes before the ends, which look for it once.
    unsafe {
        profile.begin_after(&super::Snapshot::take(channel.as_ref()));
        let profile = memory::keep_profile(channel.as_ref(), profile);
        let monitor = crate::profile::Monitor::new(channel, profile);
        (Sender::new(Producer::open(channel)), Receiver::new(Consumer::open(channel)), monitor)
    }
}

/// A channel that has moved `items` items already, for tests of what happens when positions wrap around.
#[doc(hidden)]
pub fn starting_at<T: core::marker::Send>(
    capacity: usize,
    items: u32,
) -> Result<(Sender<T>, Receiver<T>), CreateError> {
    let channel = make(capacity, Layout::new::<T>(), position::advance(0, items))?;
    // SAFETY: fresh, with a reference for each end, and one of each is made; the slots are `T`'s.
    Ok(unsafe { (Sender::new(Producer::open(channel)), Receiver::new(Consumer::open(channel))) })
}

/// A channel with a reference for each end.
pub(super) fn make(
    capacity: usize,
    slot: Layout,
    start: u32,
) -> Result<NonNull<RawChannel>, CreateError> {
    let plan = Plan { flavor: Flavor::Spsc, capacity, slot, free, start };
    let channel = plan.on_the_heap()?;
    #[cfg(loom)]
    // SAFETY: just made.
    model::track(unsafe { channel.as_ref() });
    Ok(channel)
}

/// The receiver has dropped the items already.
///
/// # Safety
///
/// The last reference is gone.
unsafe extern "C" fn free(channel: *mut RawChannel) {
    #[cfg(loom)]
    // SAFETY: the last reference is gone.
    model::untrack(unsafe { &*channel });
    // SAFETY: `make` made it on the heap.
    unsafe { memory::free(channel) };
}

#[cfg(loom)]
mod model {
    use crate::abi::RawChannel;
    use crate::sync::Word;
    use crate::sync::model::{free_place, free_word, track_place, track_word};

    fn words(raw: &RawChannel) -> [&Word; 3] {
        [&raw.tail.word, &raw.head.word, &raw.references]
    }

    fn slots(raw: &RawChannel) -> impl Iterator<Item = *const u8> + use<> {
        let (first, size) = (raw.slots.cast::<u8>().cast_const(), raw.slot_size as usize);
        (0..=raw.mask as usize).map(move |slot| first.wrapping_add(slot * size))
    }

    pub(super) fn track(raw: &RawChannel) {
        // A word's own memory holds what it begins with; the model keeps the rest.
        words(raw).into_iter().for_each(|word| track_word(word, word.initial()));
        slots(raw).for_each(track_place);
        for end in [&raw.tail, &raw.head] {
            end.cell().track();
            track_place(end.reason.get());
        }
    }

    pub(super) fn untrack(raw: &RawChannel) {
        words(raw).into_iter().for_each(|word| free_word(word));
        slots(raw).for_each(free_place);
        for end in [&raw.tail, &raw.head] {
            end.cell().untrack();
            free_place(end.reason.get());
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn half_turns_are_counted_from_which_totals_are_told_long_after_a_wrap() {
        for (start, laps) in [((1 << 29) - 6, 1), ((1 << 30) - 6, 2)] {
            let (mut tx, mut rx) = starting_at(4, start).unwrap();
            assert_eq!(crate::ring::counted(&tx.raw().tail.laps), laps - 1);
            for n in 0..24 {
                assert_eq!((tx.try_send(n), rx.try_recv()), (Ok(()), Ok(n)));
            }
            assert_eq!(crate::ring::counted(&tx.raw().tail.laps), laps);
            assert_eq!(tx.snapshot().received, u64::from(start) + 24);
        }
    }
}
