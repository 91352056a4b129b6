//! What every program for a Cortex-M in QEMU needs: an end that the emulator reports, whatever happens.

use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, exception};
use cortex_m_semihosting::{debug, hprintln};

pub(crate) fn exit(passed: bool) -> ! {
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
