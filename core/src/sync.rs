//! The one facade for atomics that both languages touch, with one backend at a time: the
//! hardware's, or under `--cfg loom` a registry that finds loom's object by the word's address.
//! (loom's own atomics have another size, so swapping the type would move every shared layout.)
//!
//! `zig/src/sync.zig` is the other half and ends in the same registry when it is built as a model.

#[cfg(loom)]
#[path = "sync_model.rs"]
pub mod model;

use core::cell::UnsafeCell;
pub use core::sync::atomic::Ordering;

/// What `core` and `alloc` have where there is compare-and-swap.
#[cfg(target_has_atomic = "ptr")]
mod backend {
    pub(crate) use alloc::sync::Arc;
    #[cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]
    pub(crate) use alloc::sync::Weak;
    pub(crate) use core::sync::atomic;
}

/// The same by critical sections: one core, on which nothing runs while interrupts are off. Loads and stores are the
/// hardware's.
#[cfg(all(not(target_has_atomic = "ptr"), feature = "portable-atomic"))]
mod backend {
    pub(crate) use portable_atomic as atomic;
    pub(crate) use portable_atomic_util::Arc;
    #[cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]
    pub(crate) use portable_atomic_util::Weak;
}

#[cfg(all(not(target_has_atomic = "ptr"), not(feature = "portable-atomic")))]
compile_error!(
    "this target has no compare-and-swap: enable the feature `critical-section` of zigflow-core, and let the program \
     implement it (for example by the feature `critical-section-single-core` of cortex-m); or the feature \
     `portable-atomic`, and configure that crate yourself"
);

#[cfg(not(loom))]
use atomic::{AtomicPtr, AtomicU32};
#[cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]
pub(crate) use backend::Weak;
pub(crate) use backend::{Arc, atomic};

/// A `u32` that Rust and Zig read and write at the same time.
#[repr(transparent)]
#[derive(Debug)]
pub struct Word(UnsafeCell<u32>);

// SAFETY: every access to the inner u32 is atomic (or goes through loom, which checks it).
unsafe impl Sync for Word {}
// SAFETY: as above; the word holds no pointer.
unsafe impl Send for Word {}

#[cfg(not(loom))]
impl Word {
    /// A word that starts at `value`.
    pub const fn new(value: u32) -> Self {
        Self(UnsafeCell::new(value))
    }

    #[inline(always)]
    fn atomic(&self) -> &AtomicU32 {
        // SAFETY: the u32 is aligned and lives as long as `self`; all accesses are atomic.
        unsafe { AtomicU32::from_ptr(self.0.get()) }
    }

    #[inline(always)]
    pub(crate) fn load(&self, order: Ordering) -> u32 {
        self.atomic().load(order)
    }

    #[inline(always)]
    pub(crate) fn fetch_and(&self, bits: u32, order: Ordering) -> u32 {
        self.atomic().fetch_and(bits, order)
    }

    #[inline(always)]
    pub(crate) fn fetch_or(&self, bits: u32, order: Ordering) -> u32 {
        self.atomic().fetch_or(bits, order)
    }

    #[inline(always)]
    pub(crate) fn fetch_add(&self, by: u32, order: Ordering) -> u32 {
        self.atomic().fetch_add(by, order)
    }

    #[inline(always)]
    pub(crate) fn store(&self, value: u32, order: Ordering) {
        self.atomic().store(value, order);
    }

    #[inline(always)]
    pub(crate) fn swap(&self, value: u32, order: Ordering) -> u32 {
        self.atomic().swap(value, order)
    }

    #[inline(always)]
    pub(crate) fn compare_exchange(&self, old: u32, new: u32) -> Result<u32, u32> {
        self.atomic().compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire)
    }
}

/// A pointer that Rust and Zig read and write at the same time.
#[repr(transparent)]
#[derive(Debug)]
pub struct Pointer<T>(UnsafeCell<*mut T>);

// SAFETY: every access to the inner pointer is atomic (or goes through loom, which checks it).
unsafe impl<T> Sync for Pointer<T> {}
// SAFETY: as above; what it points to is up to those who follow it.
unsafe impl<T> Send for Pointer<T> {}

#[cfg(not(loom))]
impl<T> Pointer<T> {
    /// A pointer that starts as `value`.
    pub(crate) const fn new(value: *mut T) -> Self {
        Self(UnsafeCell::new(value))
    }

    #[inline(always)]
    fn atomic(&self) -> &AtomicPtr<T> {
        // SAFETY: the pointer is aligned and lives as long as `self`; all accesses are atomic.
        unsafe { AtomicPtr::from_ptr(self.0.get()) }
    }

    #[inline(always)]
    pub(crate) fn load(&self) -> *mut T {
        self.atomic().load(Ordering::Acquire)
    }

    pub(crate) fn store(&self, value: *mut T) {
        self.atomic().store(value, Ordering::Release);
    }

    pub(crate) fn swap(&self, value: *mut T) -> *mut T {
        self.atomic().swap(value, Ordering::AcqRel)
    }

    /// Puts `value` in place of null.
    pub(crate) fn fill(&self, value: *mut T) -> Result<(), ()> {
        self.atomic()
            .compare_exchange(core::ptr::null_mut(), value, Ordering::AcqRel, Ordering::Acquire)
            .map(drop)
            .map_err(drop)
    }
}

/// A place that is not atomic and that one side at a time may touch. Under loom every access is
/// checked for races; otherwise this is nothing.
#[cfg(not(loom))]
pub(crate) mod place {
    #[inline(always)]
    pub(crate) fn read<T>(_at: *const T) {}
    #[inline(always)]
    pub(crate) fn write<T>(_at: *const T) {}
    /// A place starts its life.
    #[inline(always)]
    pub(crate) fn begin<T>(_at: *const T) {}
    /// The memory of a place is its owner's again.
    #[inline(always)]
    pub(crate) fn end<T>(_at: *const T) {}
}

#[cfg(loom)]
pub(crate) use model::place;

/// The bug that a model run has sown, to prove that the models would find it. Never outside them.
#[inline(always)]
pub(crate) fn bug(number: u32) -> bool {
    #[cfg(loom)]
    return model::sown() == number;
    #[cfg(not(loom))]
    {
        let _ = number;
        false
    }
}
