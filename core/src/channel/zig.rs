//! Ends on their way to Zig: what both flavours share.

use core::marker::PhantomData;
use core::sync::atomic::Ordering::Relaxed;

use crate::abi::{ItemType, RawChannel};
use crate::item::Item;
use crate::transfer::Transfer;

/// What the items of a channel are, for Zig's `open` to compare.
pub(super) struct Items<T>(PhantomData<T>);

impl<T: Transfer> Items<T> {
    pub(super) const TYPE: &'static ItemType = &<T as Item>::SPEC.as_raw();
}

/// What Zig sends is checked before Rust believes it.
pub(super) fn expect_check<T: Transfer>(channel: &RawChannel) {
    if !T::ANY_BITS {
        let check: unsafe fn(*const T) -> bool = T::is_valid;
        channel.check.store(check as *mut (), Relaxed);
    }
}

/// The type of an end on its way. The end itself has `into_channel`, `from_channel` and `set_check`.
macro_rules! zig_end {
    ($name:ident, $end:ident, $field:ident, $zig:literal) => {
        #[doc = concat!("A [`", stringify!($end), "`] on its way to Zig: a pointer, to be passed to a Zig function that opens it by")]
        #[doc = concat!("`", $zig, "`. Nobody has opened it yet; dropped, it goes as the end itself would.")]
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
                self.set_check();
                let channel = self.into_channel();
                // SAFETY: this end's reference keeps the channel alive. All ends of a kind write the same.
                let end = unsafe {
                    let end = &raw mut (*channel.as_ptr()).$field;
                    let item = core::ptr::from_ref(crate::channel::zig::Items::<T>::TYPE);
                    (*end).item.store(item.cast_mut(), Relaxed);
                    NonNull::new_unchecked(end)
                };
                $name { end, items: PhantomData }
            }
        }

        impl<T> crate::call::ForZig for $name<T> {
            type Raw = RawEnd;

            fn into_raw(self) -> *mut RawEnd {
                core::mem::ManuallyDrop::new(self).end.as_ptr()
            }
        }

        impl<T> crate::call::Sealed for $name<T> {}

        impl<T> Drop for $name<T> {
            fn drop(&mut self) {
                let offset = core::mem::offset_of!(RawChannel, $field);
                // SAFETY: the end stands in its channel at that offset; its references, which nobody has
                // taken over, go with the end.
                drop(unsafe { $end::<T>::from_channel(self.end.byte_sub(offset).cast()) });
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.end).finish()
            }
        }
    };
}
pub(super) use zig_end;
