//! The firmware's application in WebAssembly: where it would sleep until the next interrupt, it makes one.
#![no_std]

use core::mem::MaybeUninit;
use core::panic::PanicInfo;
use core::ptr::addr_of_mut;

use embedded_alloc::LlffHeap;
use firmware_app::{Fault, run, tick};

const HEAP_BYTES: usize = 16 * 1024;
static mut HEAP_MEMORY: MaybeUninit<[u8; HEAP_BYTES]> = MaybeUninit::uninit();

#[global_allocator]
static HEAP: LlffHeap = LlffHeap::empty();

const FAULT: Fault = if cfg!(feature = "trap") {
    Fault::Trap
} else if cfg!(feature = "wrong-payload") {
    Fault::WrongPayload
} else {
    Fault::None
};

/// One thread and no interrupts: there is nothing to exclude.
struct Alone;
critical_section::set_impl!(Alone);

// SAFETY: nothing else runs, ever.
unsafe impl critical_section::Impl for Alone {
    unsafe fn acquire() -> critical_section::RawRestoreState {}
    unsafe fn release(_: critical_section::RawRestoreState) {}
}

/// How many samples came, or what went wrong: -1 an item, -2 bytes that are left on the heap.
#[unsafe(no_mangle)]
pub extern "C" fn run_firmware() -> i32 {
    if HEAP.free() == 0 {
        // SAFETY: once, and the memory is nobody else's.
        unsafe { HEAP.init(addr_of_mut!(HEAP_MEMORY) as usize, HEAP_BYTES) };
    }
    match run(FAULT, tick) {
        Ok(_) if HEAP.used() != 0 => -2,
        Ok(report) => report.samples as i32,
        Err(_) => -1,
    }
}

/// Also what a failed safety check in Zig ends in: the host sees a trap.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
