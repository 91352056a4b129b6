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
mod receiver;
mod sender;
mod zig;

pub use grant::{ReadGrant, WriteGrant};
pub use receiver::{Read, Receiver, Recv, RecvMany};
pub use sender::{Closed, Reserve, Send, SendFrom, SendMany, Sender};
pub use zig::{ZigReceiver, ZigSender};

use core::alloc::Layout;

use super::error::CreateError;
use super::memory::Plan;
use crate::abi::Flavor;
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

/// A channel that has moved `items` items already, for tests of what happens when positions wrap around.
#[doc(hidden)]
pub fn starting_at<T: core::marker::Send>(
    capacity: usize,
    items: u32,
) -> Result<(Sender<T>, Receiver<T>), CreateError> {
    let start = crate::ring::position::advance(0, items);
    let plan = Plan { flavor: Flavor::Spsc, capacity, item: Layout::new::<T>(), start };
    let channel = plan.on_the_heap()?;
    // SAFETY: fresh, with a reference for each end, and one of each is made; the slots are `T`'s.
    Ok(unsafe { (Sender::new(Producer::open(channel)), Receiver::new(Consumer::open(channel))) })
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
