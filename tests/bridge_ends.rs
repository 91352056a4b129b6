//! Ends of channels in Zig: worked by a test step by step, or by a thread until the channel ends.
//! `zig/bridge_ends.zig` has their other halves.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use zigflow::Transfer;
use zigflow::abi::RawEnd;
use zigflow::spsc::{ZigReceiver, ZigSender};

/// An end that Zig has opened; Rust does not look into it.
type Handle = NonNull<RawEnd>;

unsafe extern "C" {
    safe fn zft_bridge_sender_open(sender: ZigSender<u64>) -> Option<Handle>;
    safe fn zft_bridge_receiver_open(receiver: ZigReceiver<u64>) -> Option<Handle>;
    safe fn zft_bridge_send_all(sender: ZigSender<u64>, count: u64) -> u64;
    safe fn zft_bridge_receive_all(receiver: ZigReceiver<u64>, limit: u64, out: &mut Report);
    safe fn zft_bridge_send_malformed(sender: ZigSender<Small>) -> u32;

    // These take a handle that was opened and not ended.
    fn zft_bridge_sender_try(handle: Handle, item: u64) -> u32;
    fn zft_bridge_sender_end(handle: Handle, code: i32, out: &mut Reason);
    fn zft_bridge_receiver_try(handle: Handle, out: &mut u64) -> u32;
    fn zft_bridge_receiver_end(handle: Handle, code: i32, out: &mut Reason);
}

/// Why the other end closed, as Zig was told: a code, or a name; 0 and empty if it was told nothing.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    code: i32,
    name_len: u32,
    name: [u8; 24],
}

impl Reason {
    /// The code.
    pub fn code(&self) -> i32 {
        self.code
    }

    /// The name.
    pub fn name(&self) -> &str {
        std::str::from_utf8(&self.name[..self.name_len as usize]).expect("names are ASCII")
    }
}

/// What a receiver saw until the channel ended.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many items.
    pub count: u64,
    /// How many of them were not the number of items before them.
    pub out_of_order: u64,
    /// Why the channel ended.
    pub reason: Reason,
}

/// Sends 0, 1, 2, … below `count` on this thread; how many were sent before the channel closed.
pub fn send_all(sender: ZigSender<u64>, count: u64) -> u64 {
    zft_bridge_send_all(sender, count)
}

/// Receives up to `limit` items on this thread, or to the end.
pub fn receive_all(receiver: ZigReceiver<u64>, limit: u64) -> Report {
    let mut report = Report::default();
    zft_bridge_receive_all(receiver, limit, &mut report);
    report
}

/// A byte that is below 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Small(pub u8);

// SAFETY: the layout of Zig's `u8`; what is not below 10 is refused.
unsafe impl Transfer for Small {
    const NAME: &'static str = "u8";

    unsafe fn is_valid(at: *const Self) -> bool {
        // SAFETY: one initialised byte.
        unsafe { *at.cast::<u8>() < 10 }
    }
}

/// Sends 1, then what is no [`Small`], then 3, and closes.
///
/// # Panics
///
/// If the channel has no room for three, or is closed.
pub fn send_malformed(sender: ZigSender<Small>) {
    assert_eq!(zft_bridge_send_malformed(sender), DONE);
}

/// A step was possible; 0 if it would have to wait.
const DONE: u32 = 1;
/// The channel is closed.
const CLOSED: u32 = 2;

/// How a step went that did not go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Not {
    /// There is no room, or no item.
    Now,
    /// The channel is closed.
    Ever,
}

fn step(answer: u32) -> Result<(), Not> {
    match answer {
        DONE => Ok(()),
        CLOSED => Err(Not::Ever),
        _ => Err(Not::Now),
    }
}

macro_rules! stepped {
    ($name:ident, $zig:ident, $open:ident, $end:ident) => {
        /// An end in Zig that a test works step by step.
        #[derive(Debug)]
        pub struct $name(Handle);

        impl $name {
            /// Opens the end in Zig.
            ///
            /// # Panics
            ///
            /// If Zig refuses it.
            pub fn open(end: $zig<u64>) -> Self {
                Self($open(end).expect("Zig opens the end"))
            }

            /// Closes; what the other end had said. A `code` of 0 is none.
            pub fn end(self, code: i32) -> Reason {
                let mut reason = Reason::default();
                // SAFETY: opened, and `self` ends here without its `drop`.
                unsafe { $end(std::mem::ManuallyDrop::new(self).0, code, &mut reason) };
                reason
            }
        }

        // SAFETY: Zig's end may be used by one thread after the other.
        unsafe impl Send for $name {}

        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: opened, and not ended: `end` takes it.
                unsafe { $end(self.0, 0, &mut Reason::default()) };
            }
        }
    };
}

stepped! { SteppedSender, ZigSender, zft_bridge_sender_open, zft_bridge_sender_end }
stepped! { SteppedReceiver, ZigReceiver, zft_bridge_receiver_open, zft_bridge_receiver_end }

impl SteppedSender {
    /// Sends without waiting.
    ///
    /// # Errors
    ///
    /// There is no room, or the channel is closed.
    pub fn try_send(&mut self, item: u64) -> Result<(), Not> {
        // SAFETY: opened, and not ended.
        step(unsafe { zft_bridge_sender_try(self.0, item) })
    }
}

impl SteppedReceiver {
    /// Receives without waiting.
    ///
    /// # Errors
    ///
    /// There is no item, or the channel is closed and empty.
    pub fn try_recv(&mut self) -> Result<u64, Not> {
        let mut item = 0;
        // SAFETY: opened, and not ended.
        step(unsafe { zft_bridge_receiver_try(self.0, &mut item) }).map(|()| item)
    }

    /// All items that are there.
    pub fn drain(&mut self) -> Vec<u64> {
        std::iter::from_fn(|| self.try_recv().ok()).collect()
    }
}
