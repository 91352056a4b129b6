//! zigflow-core with no feature, no std and no C library: raw system calls, an allocator and a panic
//! handler of its own. Exits with 0 if the items of a Zig source were right, each pending poll had its
//! wake, and all memory was given back.
#![cfg_attr(not(feature = "std"), no_std)]
#![no_main]

extern crate alloc;

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::pin::Pin;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use core::task::{Context, Poll, Waker};

use alloc::sync::Arc;
use alloc::task::Wake;
use zigflow_core::LocalZigStream;

zigflow_core::zig_source! {
    /// The squares of 0 up to, not including, `count`.
    fn squares(count: u32) -> LocalZigStream<u32>;
}

struct Wakes(AtomicU32);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// The exit code.
fn run() -> i32 {
    const COUNT: u32 = 100;
    let wakes = Arc::new(Wakes(AtomicU32::new(0)));
    let waker = Waker::from(wakes.clone());
    let mut cx = Context::from_waker(&waker);
    let Ok(mut stream) = squares(COUNT) else { return 2 };
    let (mut items, mut pending) = (0, 0);
    loop {
        match futures_core::Stream::poll_next(Pin::new(&mut stream), &mut cx) {
            Poll::Ready(Some(Ok(square))) if square == items * items => items += 1,
            Poll::Ready(Some(_)) => return 3,
            Poll::Ready(None) => break,
            Poll::Pending => pending += 1,
        }
    }
    drop(stream);
    drop(waker);
    if items != COUNT {
        return 4;
    }
    if pending == 0 || wakes.0.load(Relaxed) != pending {
        return 5;
    }
    if Arc::strong_count(&wakes) != 1 {
        return 6;
    }
    drop(wakes);
    if ARENA.used.load(Relaxed) != 0 { 7 } else { 0 }
}

/// Hands out one block after the other and counts what is still out.
struct Arena {
    next: AtomicUsize,
    used: AtomicUsize,
    memory: UnsafeCell<[u8; SIZE_BYTES]>,
}

const SIZE_BYTES: usize = 64 * 1024;

// SAFETY: `next` gives each block to one caller only.
unsafe impl Sync for Arena {}

#[cfg_attr(not(feature = "std"), global_allocator)]
static ARENA: Arena = Arena {
    next: AtomicUsize::new(0),
    used: AtomicUsize::new(0),
    memory: UnsafeCell::new([0; SIZE_BYTES]),
};

// SAFETY: blocks lie in `memory`, are aligned, and never overlap because `next` only rises.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let start = self.memory.get() as usize;
        let reserved = layout.size() + layout.align() - 1;
        let offset = self.next.fetch_add(reserved, Relaxed);
        if offset + reserved > SIZE_BYTES {
            return core::ptr::null_mut();
        }
        self.used.fetch_add(layout.size(), Relaxed);
        ((start + offset).next_multiple_of(layout.align())) as *mut u8
    }

    unsafe fn dealloc(&self, _: *mut u8, layout: Layout) {
        self.used.fetch_sub(layout.size(), Relaxed);
    }
}

fn exit(code: i32) -> ! {
    // SAFETY: the system call exit_group takes a code and does not return.
    unsafe { core::arch::asm!("syscall", in("rax") 231, in("rdi") code, options(noreturn)) }
}

core::arch::global_asm!(
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "and rsp, -16",
    "call {start}",
    "ud2",
    start = sym start,
);

extern "C" fn start() -> ! {
    exit(run())
}

#[cfg(not(feature = "std"))]
mod no_std {
    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        super::exit(101)
    }

    // The precompiled core and alloc of this target could unwind, and name these; with
    // `panic = "abort"` nobody gets here.
    #[unsafe(no_mangle)]
    extern "C" fn rust_eh_personality() -> ! {
        super::exit(102)
    }

    #[unsafe(no_mangle)]
    extern "C" fn _Unwind_Resume() -> ! {
        super::exit(103)
    }
}
