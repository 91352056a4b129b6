//! Ends on their way to Zig.

use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use core::sync::atomic::Ordering::Relaxed;

use super::{Receiver, Sender};
use crate::abi::{ItemKind, ItemType, RawChannel, RawEnd};
use crate::item::Transfer;
use crate::ring::spsc::{Consumer, Producer};

/// What the items of a channel are, for Zig's `open` to compare.
struct Items<T>(PhantomData<T>);

impl<T: Transfer> Items<T> {
    const TYPE: &'static ItemType = &ItemType {
        kind: ItemKind::Plain as u32,
        size: size_of::<T>() as u32,
        alignment: align_of::<T>() as u32,
        name_len: T::NAME.len() as u32,
        name_ptr: T::NAME.as_ptr(),
    };
}

macro_rules! zig_end {
    ($name:ident, $end:ident, $field:ident, $ring:ident, $zig:literal) => {
        #[doc = concat!("A [`", stringify!($end), "`] on its way to Zig: a pointer, to be passed to a Zig function that opens it by")]
        #[doc = concat!("`", $zig, "`. Nobody has opened it yet; dropped, it closes the channel.")]
        #[repr(transparent)]
        pub struct $name<T> {
            end: NonNull<RawEnd>,
            items: PhantomData<$end<T>>,
        }

        // SAFETY: as the end itself.
        unsafe impl<T: Send> Send for $name<T> {}
        // SAFETY: there is nothing to be done by reference.
        unsafe impl<T: Send> Sync for $name<T> {}

        impl<T: Transfer> $end<T> {
            #[doc = concat!("Hands this end to Zig, whose `", $zig, "` opens it and compares the item's type.")]
            pub fn into_zig(self) -> $name<T> {
                let channel = self.into_ring().into_channel();
                // SAFETY: this end's reference keeps the channel alive; `item` belongs to this end.
                let end = unsafe {
                    let end = &raw mut (*channel.as_ptr()).$field;
                    *(*end).item.get() = Items::<T>::TYPE;
                    NonNull::new_unchecked(end)
                };
                $name { end, items: PhantomData }
            }
        }

        impl<T> $name<T> {
            fn channel(&self) -> NonNull<RawChannel> {
                let offset = core::mem::offset_of!(RawChannel, $field);
                // SAFETY: the end stands in its channel, at that offset.
                unsafe { self.end.byte_sub(offset).cast() }
            }
        }

        impl<T> Drop for $name<T> {
            fn drop(&mut self) {
                // SAFETY: this end's reference, which nobody has taken over.
                drop(unsafe { $end::<T>::new($ring::open(self.channel())) });
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.end).finish()
            }
        }
    };
}

zig_end!(ZigSender, Sender, tail, Producer, "zigflow.spsc.Sender(T).open");
zig_end!(ZigReceiver, Receiver, head, Consumer, "zigflow.spsc.Receiver(T).open");

impl<T: Transfer> Sender<T> {
    fn into_ring(self) -> Producer {
        // What Zig sends is checked before Rust believes it.
        if !T::ANY_BITS {
            let check: unsafe fn(*const T) -> bool = T::is_valid;
            self.raw().check.store(check as *mut (), Relaxed);
        }
        self.ring
    }
}

impl<T: Transfer> Receiver<T> {
    fn into_ring(self) -> Consumer {
        let this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used any more, nor dropped; the rest of it needs no drop.
        unsafe { core::ptr::read(&this.ring) }
    }
}
