//! The application on a Cortex-M, in QEMU: SysTick is the interrupt, and its handler is Zig's.
#![no_std]
#![no_main]

mod board;

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;

#[entry]
fn main() -> ! {
    let mut systick = cortex_m::Peripherals::take().unwrap().SYST;
    systick.set_clock_source(SystClkSource::Core);
    systick.set_reload(1999);
    systick.clear_current();
    systick.enable_counter();
    systick.enable_interrupt();
    let result = firmware_app::run(cortex_m::asm::wfi);
    systick.disable_interrupt();
    match result {
        Ok(report) => hprintln!("passed: {:?}", report),
        Err(error) => hprintln!("failed: {}", error),
    }
    board::exit(result.is_ok())
}
