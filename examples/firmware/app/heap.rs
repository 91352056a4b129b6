//! A heap for all boards, small enough for the smallest.

use core::mem::MaybeUninit;
use core::ptr::addr_of_mut;

use embedded_alloc::LlffHeap;

const BYTES: usize = 4 * 1024;
static mut MEMORY: MaybeUninit<[u8; BYTES]> = MaybeUninit::uninit();

#[global_allocator]
static HEAP: LlffHeap = LlffHeap::empty();

/// Before the first allocation; again it does nothing.
pub(crate) fn begin() {
    if HEAP.used() == 0 && HEAP.free() == 0 {
        // SAFETY: once, and the memory is nobody else's.
        unsafe { HEAP.init(addr_of_mut!(MEMORY) as usize, BYTES) };
    }
}

/// Bytes.
pub(crate) fn used() -> usize {
    HEAP.used()
}
