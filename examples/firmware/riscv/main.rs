//! The application on RISC-V, in QEMU's `virt` machine: the machine timer is the interrupt, and its handler is Zig's.
#![no_std]
#![no_main]

use core::fmt::Write;
use core::panic::PanicInfo;

use riscv_rt::entry;

unsafe extern "C" {
    safe fn board_arm_timer();
}

#[entry]
fn main() -> ! {
    board_arm_timer();
    // SAFETY: the handler is there, and no critical section is open.
    unsafe {
        riscv::register::mie::set_mtimer();
        riscv::interrupt::enable();
    }
    let result = firmware_app::run(riscv::asm::wfi);
    riscv::interrupt::disable();
    match result {
        Ok(report) => say(format_args!("passed: {report:?}")),
        Err(error) => say(format_args!("failed: {error}")),
    }
    exit(result.is_ok())
}

struct Uart;

impl Write for Uart {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the machine's serial port.
            unsafe { (0x1000_0000 as *mut u8).write_volatile(byte) };
        }
        Ok(())
    }
}

fn say(text: core::fmt::Arguments<'_>) {
    let _never_fails = writeln!(Uart, "{text}");
}

fn exit(passed: bool) -> ! {
    loop {
        // SAFETY: the machine's switch, with an exit code in its upper half.
        unsafe { (0x10_0000 as *mut u32).write_volatile(if passed { 0x5555 } else { 0x1_3333 }) };
    }
}

/// Also what a failed safety check in Zig ends in.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    say(format_args!("failed: {info}"));
    exit(false)
}
