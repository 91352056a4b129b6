//! The application on a Cortex-M, in QEMU: SysTick is the interrupt, and its handler is Zig's.
#![no_std]
#![no_main]

use core::mem::MaybeUninit;
use core::panic::PanicInfo;
use core::ptr::addr_of_mut;

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::{ExceptionFrame, entry, exception};
use cortex_m_semihosting::{debug, hprintln};
use embedded_alloc::LlffHeap;
use firmware_app::{Fault, run};

const HEAP_BYTES: usize = 4 * 1024;
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

#[entry]
fn main() -> ! {
    // SAFETY: once, and the memory is nobody else's.
    unsafe { HEAP.init(addr_of_mut!(HEAP_MEMORY) as usize, HEAP_BYTES) };
    let mut systick = cortex_m::Peripherals::take().unwrap().SYST;
    systick.set_clock_source(SystClkSource::Core);
    systick.set_reload(1999);
    systick.clear_current();
    systick.enable_counter();
    systick.enable_interrupt();
    let result = run(FAULT, cortex_m::asm::wfi);
    systick.disable_interrupt();
    let left = HEAP.used();
    let passed = result.is_ok() && left == 0;
    match result {
        Ok(report) => hprintln!("{:?}; on the heap are left {} bytes", report, left),
        Err(error) => hprintln!("failed: {}", error),
    }
    exit(passed)
}

fn exit(passed: bool) -> ! {
    loop {
        debug::exit(if passed { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
    }
}

/// Also what a failed safety check in Zig ends in.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    hprintln!("failed: {}", info);
    exit(false)
}

/// A fault of the processor fails the run instead of hanging it.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    hprintln!("failed: {:?}", frame);
    exit(false)
}
