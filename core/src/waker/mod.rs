//! Wakers across the border.
//!
//! A Rust [`Waker`] crosses as its two words, [`RawWaker`]: no box, no table per waker, and "the same
//! waker as last time" is a compare of two words on the Zig side. A poll lends its waker for the
//! call; Zig clones to keep. A counted Zig object crosses the other way as [`WakerObject`].

mod cell;

use core::mem::ManuallyDrop;
use core::task::{RawWaker as CoreRawWaker, RawWakerVTable, Waker};

use crate::abi::{RawWaker, WakerObject};

#[cfg(feature = "profile")]
pub(crate) use cell::WakeOnDrop;
pub use cell::WakerCell;

/// `Wake` of a type that has this method for it, on targets without compare-and-swap, too: there `Arc` is not alloc's, and
/// `self` can only be that.
#[cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]
macro_rules! wakes {
    ($name:ty, $method:ident $(, [$($generics:tt)*])?) => {
        #[cfg(target_has_atomic = "ptr")]
        impl $(<$($generics)*>)? alloc::task::Wake for $name {
            fn wake(self: $crate::sync::Arc<Self>) {
                self.$method();
            }

            fn wake_by_ref(self: &$crate::sync::Arc<Self>) {
                self.$method();
            }
        }

        #[cfg(not(target_has_atomic = "ptr"))]
        impl $(<$($generics)*>)? portable_atomic_util::task::Wake for $name {
            fn wake(this: $crate::sync::Arc<Self>) {
                this.$method();
            }

            fn wake_by_ref(this: &$crate::sync::Arc<Self>) {
                this.$method();
            }
        }
    };
}
#[cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]
pub(crate) use wakes;

impl RawWaker {
    /// The two words of a waker; no reference moves.
    pub fn of(waker: &Waker) -> Self {
        Self { data: waker.data(), vtable: core::ptr::from_ref(waker.vtable()).cast() }
    }

    /// A waker that is lent: it is not dropped.
    ///
    /// # Safety
    ///
    /// The words are those of a living waker, which outlives the result.
    pub unsafe fn borrow(&self) -> ManuallyDrop<Waker> {
        // SAFETY: the caller's promise; ManuallyDrop leaves the reference where it is.
        ManuallyDrop::new(unsafe { self.into_waker() })
    }

    /// The waker that owns the reference of these words.
    ///
    /// # Safety
    ///
    /// The words are those of a living waker whose one reference passes to the result.
    pub unsafe fn into_waker(self) -> Waker {
        // SAFETY: `vtable` came from `Waker::vtable`, which returns `&'static RawWakerVTable`.
        let vtable = unsafe { &*self.vtable.cast::<RawWakerVTable>() };
        // SAFETY: the two words belong together, and the caller owns the reference.
        unsafe { Waker::new(self.data, vtable) }
    }
}

/// Makes a waker of a counted Zig object, taking over one reference.
///
/// # Safety
///
/// `object` points to a `WakerObject` whose functions may be called from any thread, at any time
/// while a reference is left.
pub unsafe fn waker_from_object(object: *const WakerObject) -> Waker {
    static VTABLE: RawWakerVTable = RawWakerVTable::new(
        |data| {
            let object = data.cast::<WakerObject>();
            // SAFETY: the waker that is cloned holds a reference, so the object lives.
            unsafe { ((*object).retain)(object) };
            CoreRawWaker::new(data, &VTABLE)
        },
        |data| {
            let object = data.cast::<WakerObject>();
            // SAFETY: this waker's reference keeps the object alive until `release`.
            unsafe {
                ((*object).wake_by_ref)(object);
                ((*object).release)(object);
            }
        },
        |data| {
            let object = data.cast::<WakerObject>();
            // SAFETY: this waker's reference keeps the object alive.
            unsafe { ((*object).wake_by_ref)(object) };
        },
        |data| {
            let object = data.cast::<WakerObject>();
            // SAFETY: gives back this waker's own reference.
            unsafe { ((*object).release)(object) };
        },
    );
    // SAFETY: the table above keeps `RawWaker`'s contract for a counted object.
    unsafe { Waker::new(object.cast(), &VTABLE) }
}
