//! Ends on their way to Zig.

use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use core::sync::atomic::Ordering::Relaxed;

use super::{Receiver, Sender};
use crate::abi::{RawChannel, RawEnd, RawError};
use crate::channel::ChannelItem;
use crate::channel::zig::{expect_check, zig_end};
use crate::ring::spsc::{Consumer, Producer};

zig_end!(ZigSender, Sender, tail, "zigflow.spsc.Sender(T).open");
zig_end!(ZigReceiver, Receiver, head, "zigflow.spsc.Receiver(T).open");

impl<T> Sender<T> {
    fn into_channel(self) -> NonNull<RawChannel> {
        self.ring.into_channel()
    }

    unsafe fn from_channel(channel: NonNull<RawChannel>) -> Self {
        // SAFETY: the caller has the end's reference, and the channel is of this type.
        unsafe { Self::new(Producer::open(channel)) }
    }

    fn close_for(&mut self, reason: RawError) {
        self.ring.close(reason);
    }

    fn set_check(&self)
    where
        T: ChannelItem,
    {
        expect_check::<T>(self.raw());
    }
}

impl<T> Receiver<T> {
    fn into_channel(self) -> NonNull<RawChannel> {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used any more, nor dropped; the rest of it needs no drop.
        unsafe { core::ptr::read(&this.ring) }.into_channel()
    }

    unsafe fn from_channel(channel: NonNull<RawChannel>) -> Self {
        // SAFETY: the caller has the end's reference, and the channel is of this type.
        unsafe { Self::new(Consumer::open(channel)) }
    }

    fn close_for(&mut self, reason: RawError) {
        self.ring.close(reason);
    }

    #[allow(clippy::unused_self)] // the mirror of the sender's
    fn set_check(&self) {}
}
