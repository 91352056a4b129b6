//! The firmware's application in WebAssembly: where it would sleep until the next interrupt, it makes one.
#![no_std]

use core::panic::PanicInfo;

/// One thread and no interrupts: there is nothing to exclude.
struct Alone;
critical_section::set_impl!(Alone);

// SAFETY: nothing else runs, ever.
unsafe impl critical_section::Impl for Alone {
    unsafe fn acquire() -> critical_section::RawRestoreState {}
    unsafe fn release(_: critical_section::RawRestoreState) {}
}

/// How many samples came; -1 if something went wrong.
#[unsafe(no_mangle)]
pub extern "C" fn run_firmware() -> i32 {
    firmware_app::run(firmware_app::tick).map_or(-1, |report| report.samples as i32)
}

/// Also what a failed safety check in Zig ends in: the host sees a trap.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
