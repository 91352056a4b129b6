//! A timer that Zig supplies: two C functions.

use core::ffi::c_void;
use core::task::Waker;

use super::Instant;
use super::alarm::{Alarm, AlarmTimer};
use crate::abi::RawWaker;

/// `now(context)`: nanoseconds since an epoch of Zig's choice.
pub type NowFn = unsafe extern "C" fn(context: *mut c_void) -> u64;

/// `schedule_wake(context, deadline, waker)`: the waker is lent for the call.
pub type ScheduleWakeFn =
    unsafe extern "C" fn(context: *mut c_void, deadline: u64, waker: *const RawWaker);

/// A timer whose clock and alarm are Zig's. In Zig `zigflow.timer(T)` makes the two functions of a struct
/// with `now` and `scheduleWake`.
pub type ZigTimer = AlarmTimer<ZigAlarm>;

/// The two functions of a [`ZigTimer`].
#[derive(Debug)]
pub struct ZigAlarm {
    context: *mut c_void,
    now: NowFn,
    schedule_wake: ScheduleWakeFn,
}

// SAFETY: who made it has promised that the functions may be called on any thread.
unsafe impl Send for ZigAlarm {}
// SAFETY: as above, also at the same time.
unsafe impl Sync for ZigAlarm {}

impl ZigTimer {
    /// A timer of the functions that Zig supplies.
    ///
    /// # Safety
    ///
    /// Until the last clone of the timer, its sleeps and the wakers that `schedule_wake` has cloned are
    /// gone, `context` is what the functions expect, and they may be called on any thread, `now` also at
    /// the same time as either. `now` does not go backwards. `schedule_wake` clones the waker if it
    /// keeps it, and wakes the clone at or after the deadline, at once if that has passed; a later call
    /// replaces it, and the clone is dropped.
    pub unsafe fn from_zig(
        context: *mut c_void,
        now: NowFn,
        schedule_wake: ScheduleWakeFn,
    ) -> Self {
        Self::new(ZigAlarm { context, now, schedule_wake })
    }
}

impl Alarm for ZigAlarm {
    fn now(&self) -> Instant {
        // SAFETY: the promise of `from_zig`.
        Instant::from_nanos(unsafe { (self.now)(self.context) }).min(Instant::LAST)
    }

    fn set(&self, deadline: Instant, waker: &Waker) {
        // SAFETY: the promise of `from_zig`; the waker lives for the call.
        unsafe {
            (self.schedule_wake)(self.context, deadline.as_nanos(), &RawWaker::of(waker));
        }
    }
}
