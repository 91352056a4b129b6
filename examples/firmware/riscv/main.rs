//! The application on RISC-V, in QEMU's `virt` machine: the machine timer is the interrupt, and its handler is Zig's.
#![no_std]
#![no_main]

use core::fmt::Write;
use core::mem::MaybeUninit;
use core::panic::PanicInfo;
use core::ptr::addr_of_mut;

use embedded_alloc::LlffHeap;
use firmware_app::{Fault, run};
use riscv_rt::entry;

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

unsafe extern "C" {
    safe fn board_arm_timer();
}

#[entry]
fn main() -> ! {
    // SAFETY: once, and the memory is nobody else's.
    unsafe { HEAP.init(addr_of_mut!(HEAP_MEMORY) as usize, HEAP_BYTES) };
    board_arm_timer();
    // SAFETY: the handler is there, and no critical section is open.
    unsafe {
        riscv::register::mie::set_mtimer();
        riscv::interrupt::enable();
    }
    let result = run(FAULT, riscv::asm::wfi);
    riscv::interrupt::disable();
    let left = HEAP.used();
    let passed = result.is_ok() && left == 0;
    match result {
        Ok(report) => say(format_args!("{report:?}; on the heap are left {left} bytes")),
        Err(error) => say(format_args!("failed: {error}")),
    }
    exit(passed)
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
