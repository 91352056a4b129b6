//! zigflow-core with no feature, no std and no C library: raw system calls, an allocator and a panic
//! handler of its own. Exits with 0 if the items of a Zig source and of channels were right, each pending poll had its
//! wake, and all memory was given back.
#![cfg_attr(not(feature = "std"), no_std)]
#![no_main]

extern crate alloc;

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::future::poll_fn;
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use core::task::{Context, Poll, Waker};

use alloc::sync::Arc;
use alloc::task::Wake;
use futures_core::Stream;
use zigflow_core::spsc::{Storage, ZigReceiver};
use zigflow_core::{LocalZigStream, merge, mpmc};

zigflow_core::zig_source! {
    /// The squares of 0 up to, not including, `count`.
    fn squares(count: u32) -> LocalZigStream<u32>;
}

/// Zig's; Rust does not look into it.
enum Doubler {}

unsafe extern "C" {
    safe fn doubler_open(
        jobs: ZigReceiver<u32>,
        answers: mpmc::ZigSender<u32>,
    ) -> Option<&'static Doubler>;
    safe fn doubler_interrupt(doubler: &Doubler) -> bool;
    safe fn doubler_wake(doubler: &Doubler);
    fn doubler_close(doubler: &Doubler);
}

/// Streams of Zig merged, with a set of wakers and without, and a `select!`. The exit code.
fn combined() -> i32 {
    let (Ok(a), Ok(b), Ok(c)) = (squares(4), squares(4), squares(4)) else { return 20 };
    let mut sum = pin!(async move {
        let (mut two, mut one) = (merge(alloc::vec![a, b]), merge([c]));
        let mut sum = 0;
        loop {
            zigflow_core::select! {
                Some(Ok(n)) = poll_fn(|cx| Pin::new(&mut two).poll_next(cx)) => sum += n,
                Some(Ok(n)) = poll_fn(|cx| Pin::new(&mut one).poll_next(cx)) => sum += n,
                else => break sum,
            }
        }
    });
    for _ in 0..100 {
        if let Poll::Ready(sum) = sum.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return if sum == 3 * (1 + 4 + 9) { 0 } else { 21 };
        }
    }
    22
}

struct Wakes(AtomicU32);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// Numbers go to Zig through a channel in a static, and come back through one that grows; what Zig does, an interrupt
/// could do. The exit code.
fn channels() -> i32 {
    const COUNT: u32 = 1000;
    static JOBS: Storage<u32, 4> = Storage::new();
    let wakes = Arc::new(Wakes(AtomicU32::new(0)));
    let waker = Waker::from(wakes.clone());
    let mut cx = Context::from_waker(&waker);
    let Some((mut jobs, zig_jobs)) = JOBS.split() else { return 10 };
    let (zig_answers, mut answers) = mpmc::unbounded();
    let Some(doubler) = doubler_open(zig_jobs.into_zig(), zig_answers.into_zig()) else {
        return 11;
    };
    let (mut sent, mut received, mut pending) = (0, 0, 0);
    while received < COUNT {
        match Stream::poll_next(Pin::new(&mut answers), &mut cx) {
            Poll::Ready(Some(Ok(answer))) if answer == 2 * received => received += 1,
            Poll::Ready(_) => return 12,
            Poll::Pending => {
                // The budget of the stream wakes as well.
                pending += 1;
                while sent < COUNT && jobs.try_send(sent).is_ok() {
                    sent += 1;
                }
                let before = wakes.0.load(Relaxed);
                let due = doubler_interrupt(doubler);
                if wakes.0.load(Relaxed) != before {
                    return 13;
                }
                if due {
                    doubler_wake(doubler);
                }
            }
        }
    }
    if pending < COUNT / 4 || wakes.0.load(Relaxed) < pending - 1 {
        return 14;
    }
    // SAFETY: not used again.
    unsafe { doubler_close(doubler) };
    let ended = Stream::poll_next(Pin::new(&mut answers), &mut cx);
    if ended != Poll::Ready(None) || !jobs.is_closed() || JOBS.split().is_some() {
        return 15;
    }
    drop((jobs, answers, waker));
    if Arc::strong_count(&wakes) != 1 {
        return 16;
    }
    if JOBS.split().is_none() { 17 } else { 0 }
}

/// The exit code.
fn run() -> i32 {
    for part in [channels, combined, source] {
        let code = part();
        if code != 0 {
            return code;
        }
    }
    0
}

fn source() -> i32 {
    const COUNT: u32 = 100;
    let wakes = Arc::new(Wakes(AtomicU32::new(0)));
    let waker = Waker::from(wakes.clone());
    let mut cx = Context::from_waker(&waker);
    let Ok(mut stream) = squares(COUNT) else { return 2 };
    let (mut items, mut pending) = (0, 0);
    loop {
        match Stream::poll_next(Pin::new(&mut stream), &mut cx) {
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
