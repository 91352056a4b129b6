//! A limiter that Zig asks.

use crate::sync::Arc;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use super::{LimitError, RateLimiter};
use crate::abi::{ABI_NUMBER, MAGIC, RawLimiter};
use crate::call::{ForZig, Sealed};
use crate::time::Clock;

/// A [`RateLimiter`] on its way to Zig: a pointer, to be passed to a Zig function that opens it by
/// `zigflow.RateLimiter.open`. It is one clone of the limiter, and dropped as one.
pub struct ZigRateLimiter {
    raw: NonNull<RawLimiter>,
}

// SAFETY: what it points to is counted, and made of a limiter that any thread may use.
unsafe impl Send for ZigRateLimiter {}
// SAFETY: as above; there is nothing to be done by reference.
unsafe impl Sync for ZigRateLimiter {}

/// Begins with what Zig sees.
#[repr(C)]
struct Shared<T> {
    raw: RawLimiter,
    limiter: RateLimiter<T>,
}

impl<T: Clock + Send + Sync + 'static> RateLimiter<T> {
    /// A clone for Zig, which asks it from any thread: `tryAcquire`, `check`, `acquireBlocking` there. Zig's threads take
    /// no place in the queue: while somebody waits in Rust, they get nothing.
    ///
    /// The limiter has to own its timer: make it of a clone, not of a reference.
    pub fn to_zig(&self) -> ZigRateLimiter {
        let raw = RawLimiter {
            magic: MAGIC,
            abi: ABI_NUMBER,
            take: take::<T>,
            retain: retain::<T>,
            release: release::<T>,
        };
        let shared = Arc::into_raw(Arc::new(Shared { raw, limiter: self.clone() }));
        // SAFETY: an Arc's pointer is not null.
        ZigRateLimiter { raw: unsafe { NonNull::new_unchecked(shared.cast_mut().cast()) } }
    }
}

/// 0: the cells may pass. Otherwise how many nanoseconds to wait; the largest number is "never".
unsafe extern "C" fn take<T: Clock>(raw: *const RawLimiter, cells: u32) -> u64 {
    // SAFETY: Zig has a reference, and what it points to was made by `to_zig` for this clock.
    let shared = unsafe { &*raw.cast::<Shared<T>>() };
    match shared.limiter.check_n(cells) {
        Ok(()) => 0,
        Err(LimitError::ExceedsBurst(_)) => u64::MAX,
        Err(LimitError::NotUntil(error)) => {
            u64::try_from(error.wait().as_nanos()).unwrap_or(u64::MAX).max(1)
        }
    }
}

unsafe extern "C" fn retain<T>(raw: *const RawLimiter) {
    // SAFETY: as above.
    unsafe { Arc::increment_strong_count(raw.cast::<Shared<T>>()) };
}

unsafe extern "C" fn release<T>(raw: *const RawLimiter) {
    // SAFETY: as above; Zig gives this reference away.
    unsafe { Arc::decrement_strong_count(raw.cast::<Shared<T>>()) };
}

impl ForZig for ZigRateLimiter {
    type Raw = RawLimiter;

    fn into_raw(self) -> *mut RawLimiter {
        ManuallyDrop::new(self).raw.as_ptr()
    }
}

impl Sealed for ZigRateLimiter {}

impl Drop for ZigRateLimiter {
    fn drop(&mut self) {
        let raw = self.raw.as_ptr();
        // SAFETY: the reference is this one's own.
        unsafe { ((*raw).release)(raw) };
    }
}

impl fmt::Debug for ZigRateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ZigRateLimiter").field(&self.raw).finish()
    }
}
