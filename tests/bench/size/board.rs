//! What the three programs have in common: an interrupt, which the program asks for when it has nothing to do, and a task that
//! receives what it sends.

use core::future::Future;
use core::panic::PanicInfo;

use cortex_m::peripheral::SCB;
use cortex_m_semihosting::debug;

#[path = "../../../examples/firmware/app/executor.rs"]
mod executor;

/// Items of a run.
pub(crate) const ITEMS: u32 = 10_000;

/// Runs a task that gives the sum of [`ITEMS`] items, 0 and up.
pub(crate) fn run(task: impl Future<Output = u32>) -> ! {
    #[cfg(feature = "count")]
    let start = count::begin();
    let sum = executor::block_on(task, SCB::set_pendsv);
    #[cfg(feature = "count")]
    count::end(start);
    let passed = sum == ITEMS / 2 * (ITEMS - 1);
    loop {
        debug::exit(if passed { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
    }
}

/// The emulator's clock goes by instructions: one is a nanosecond.
#[cfg(feature = "count")]
mod count {
    use cortex_m::peripheral::SYST;
    use cortex_m::peripheral::syst::SystClkSource;
    use cortex_m_semihosting::hprintln;

    pub(super) fn begin() -> u32 {
        let mut timer = cortex_m::Peripherals::take().unwrap().SYST;
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(0xff_ffff);
        timer.clear_current();
        timer.enable_counter();
        SYST::get_current()
    }

    pub(super) fn end(start: u32) {
        hprintln!("ticks {}", start.wrapping_sub(SYST::get_current()) & 0xff_ffff);
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        debug::exit(debug::EXIT_FAILURE);
    }
}
