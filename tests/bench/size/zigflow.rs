//! An interrupt handler in Zig, a ring in a static, a task.
#![no_std]
#![no_main]

mod board;

use core::alloc::{GlobalAlloc, Layout};

use cortex_m_rt::entry;
use zigflow::ZigError;
use zigflow::spsc::{Storage, ZigSender};

zigflow::include_zig!("size.zig", {
    fn connect(end: ZigSender<u32>) -> Result<(), ZigError>;
});

static NUMBERS: Storage<u32, 8> = Storage::new();

/// Nothing here allocates.
struct None;

// SAFETY: it has no memory, and says so.
unsafe impl GlobalAlloc for None {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static NONE: None = None;

#[entry]
fn main() -> ! {
    let Some((sender, mut receiver)) = NUMBERS.split() else { panic!() };
    if connect(sender.into_zig()).is_err() {
        panic!();
    }
    board::run(async move {
        let mut sum = 0;
        for _ in 0..board::ITEMS {
            sum += receiver.recv().await.unwrap_or(0);
        }
        sum
    })
}
