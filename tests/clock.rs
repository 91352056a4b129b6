//! A timer that Zig supplies. `zig/clock.zig` is the other half.
#![allow(unsafe_code)]

use std::ffi::c_void;

use zigflow::abi::RawWaker;
use zigflow::time::ZigTimer;

unsafe extern "C" {
    safe fn zft_clock_new() -> *mut c_void;
    fn zft_clock_free(clock: *mut c_void);
    fn zft_clock_now(clock: *mut c_void) -> u64;
    fn zft_clock_schedule_wake(clock: *mut c_void, deadline: u64, waker: *const RawWaker);
}

/// Runs `f` with a timer of Zig's: the system's clock, and an alarm that a Zig thread sounds.
///
/// # Panics
///
/// If there is no thread for it, or something of the timer is left afterwards.
pub fn with_zig_timer<R>(f: impl FnOnce(ZigTimer) -> R) -> R {
    let clock = zft_clock_new();
    assert!(!clock.is_null(), "no thread for the alarm");
    // SAFETY: the clock is freed last; its functions are `Clock`'s, which any thread may call.
    let timer = unsafe { ZigTimer::from_zig(clock, zft_clock_now, zft_clock_schedule_wake) };
    let result = f(timer.clone());
    assert_eq!(timer.armed(), 0, "a sleep is left");
    // SAFETY: nobody calls its functions any more: the one timer that is left is not used. The thread drops its
    // waker before this returns.
    unsafe { zft_clock_free(clock) };
    drop(timer);
    result
}
