//! Ends on their way to Zig.

use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use core::sync::atomic::Ordering::Relaxed;

use super::{Receiver, Sender};
use crate::abi::{RawChannel, RawEnd, RawError, RawMpmc};
use crate::channel::ChannelItem;
use crate::channel::zig::{expect_check, zig_end};
use crate::ring::mpmc::Ring;

zig_end!(ZigSender, Sender, tail, "zigflow.mpmc.Sender(T).open");
zig_end!(ZigReceiver, Receiver, head, "zigflow.mpmc.Receiver(T).open");

impl<T> Sender<T> {
    fn into_channel(self) -> NonNull<RawChannel> {
        ManuallyDrop::new(self).ring.as_ptr().cast()
    }

    unsafe fn from_channel(channel: NonNull<RawChannel>) -> Self {
        // SAFETY: the caller has the end's references, and the channel is of this type.
        unsafe { Self::new(Ring::new(channel.cast::<RawMpmc>())) }
    }

    fn close_for(&mut self, reason: RawError) {
        self.ring.close(reason);
    }

    fn set_check(&self)
    where
        T: ChannelItem,
    {
        expect_check::<T>(&self.ring.raw().channel);
    }
}

impl<T> Receiver<T> {
    fn into_channel(self) -> NonNull<RawChannel> {
        self.cancel();
        ManuallyDrop::new(self).ring.as_ptr().cast()
    }

    unsafe fn from_channel(channel: NonNull<RawChannel>) -> Self {
        // SAFETY: the caller has the end's references, and the channel is of this type.
        unsafe { Self::new(Ring::new(channel.cast::<RawMpmc>())) }
    }

    fn close_for(&mut self, reason: RawError) {
        self.ring.close(reason);
    }

    #[allow(clippy::unused_self)] // the mirror of the sender's
    fn set_check(&self) {}
}
