//! What `channel.zig` exports, and the item type that both languages know.
#![allow(unsafe_code)]

use zigflow::Transfer;
use zigflow::spsc::{ZigReceiver, ZigSender};

// An end that is passed to Zig is Zig's: it closes it when it is done with it.
unsafe extern "C" {
    /// Starts a Zig thread that sends `count` messages.
    pub(crate) safe fn start_producer(messages: ZigSender<Message>, count: u32);
    /// Starts a Zig thread that answers each job.
    pub(crate) safe fn start_worker(jobs: ZigReceiver<u64>, answers: ZigSender<u64>);
}

/// A short text.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Message {
    len: u8,
    text: [u8; 23],
}

impl Message {
    pub(crate) fn text(&self) -> &[u8] {
        &self.text[..usize::from(self.len)]
    }
}

// SAFETY: the fields of Zig's `Message` in the same order, without padding or pointers; a length that the
// text does not have is refused.
unsafe impl Transfer for Message {
    const NAME: &'static str = "Message";

    unsafe fn is_valid(at: *const Self) -> bool {
        // SAFETY: initialised, and all bits are values of the fields.
        let message = unsafe { &*at };
        usize::from(message.len) <= message.text.len()
    }
}
