//! Ends on their way to Zig: what both flavours share.

use core::marker::PhantomData;
use core::sync::atomic::Ordering::Relaxed;

use crate::abi::{ItemType, RawChannel};
use crate::error::{Registered, check_slice};
use crate::item::Item;
use crate::memory::ZeroCopyBuffer;
use crate::transfer::Transfer;

/// What a channel may carry from one language to the other: every [`Transfer`] type, and [`ZeroCopyBuffer`], which is
/// `zigflow.OwnedBytes` in Zig. Of bytes only pointer, length and release function go through the ring, whatever their
/// length; those that nobody receives are released, see [`memory`](crate::memory). It cannot be implemented elsewhere.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not go through a channel to or from Zig",
    label = "neither plain data nor owned bytes",
    note = "what does: types with `#[derive(Transfer)]`, numbers and `bool`, arrays of these, and `ZeroCopyBuffer`"
)]
pub trait ChannelItem: Item + Send {
    /// All bits are a value.
    #[doc(hidden)]
    const NEEDS_NO_CHECK: bool;

    /// # Safety
    ///
    /// As [`Transfer::is_valid`].
    #[doc(hidden)]
    unsafe fn is_item(at: *const Self) -> bool;
}

impl<T: Transfer> ChannelItem for T {
    const NEEDS_NO_CHECK: bool = T::ANY_BITS;

    unsafe fn is_item(at: *const Self) -> bool {
        // SAFETY: the caller's promise.
        unsafe { T::is_valid(at) }
    }
}

impl ChannelItem for ZeroCopyBuffer {
    const NEEDS_NO_CHECK: bool = false;

    unsafe fn is_item(at: *const Self) -> bool {
        // SAFETY: initialised; what it is made of has no wrong bits but a null function, which is none.
        let raw = unsafe { &*at.cast::<crate::abi::OwnedItem>() };
        check_slice(raw.ptr, raw.len, &Registered::ANY).is_ok()
    }
}

/// What the items of a channel are, for Zig's `open` to compare.
pub(super) struct Items<T>(PhantomData<T>);

impl<T: ChannelItem> Items<T> {
    pub(super) const TYPE: &'static ItemType = &<T as Item>::SPEC.as_raw();
}

/// What Zig sends is checked before Rust believes it.
pub(super) fn expect_check<T: ChannelItem>(channel: &RawChannel) {
    if !T::NEEDS_NO_CHECK {
        let check: unsafe fn(*const T) -> bool = T::is_item;
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

        impl<T: $crate::channel::ChannelItem> $end<T> {
            #[doc = concat!("Hands this end to Zig, whose `", $zig, "` opens it and compares the item's type.")]
            pub fn into_zig(self) -> $name<T> {
                self.set_check();
                let channel = self.into_channel();
                // SAFETY: this end's reference keeps the channel alive. All ends of a kind write the same.
                let end = unsafe {
                    let end = &raw mut (*channel.as_ptr()).$field;
                    let item = core::ptr::from_ref(crate::channel::zig::Items::<T>::TYPE);
                    (*end).item.store(item.cast_mut(), Relaxed);
                    let reject: crate::abi::RejectFn = $name::<T>::reject;
                    (*end).reject.store(reject as *mut (), Relaxed);
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

        impl<T> $name<T> {
            /// # Safety
            ///
            /// The end is one of this type, and its references, which nobody has taken over, pass to the result.
            unsafe fn open(end: NonNull<RawEnd>) -> $end<T> {
                let offset = core::mem::offset_of!(RawChannel, $field);
                // SAFETY: the end stands in its channel at that offset; the rest is the caller's promise.
                unsafe { $end::from_channel(end.byte_sub(offset).cast()) }
            }

            /// A [`RejectFn`](crate::abi::RejectFn) of this type.
            unsafe extern "C" fn reject(end: *mut RawEnd, reason: *const RawError) {
                // SAFETY: Zig gives the end back that `into_zig` gave it, and a reason.
                let (mut end, reason) = unsafe { (Self::open(NonNull::new_unchecked(end)), *reason) };
                end.close_for(reason);
            }
        }

        impl<T> Drop for $name<T> {
            fn drop(&mut self) {
                // SAFETY: nobody has taken it over, and it is not used any more.
                drop(unsafe { Self::open(self.end) });
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
