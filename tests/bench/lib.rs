//! What the benchmarks share: side by side in one run, alternated, medians.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use zigflow::{ByteStream, ZigStream};

zigflow::zig_source! {
    /// Numbers from `from` on, without end.
    pub fn endless(from: u64) -> ZigStream<u64>;
    /// Never ready; `bench_wake` wakes it.
    pub fn waiting() -> ZigStream<u64>;
    /// A file, by chunks.
    pub fn file(path: &str, chunk_bytes: u64) -> ByteStream;
}

unsafe extern "C" {
    /// The item of `endless`, by the plainest call there is.
    pub fn bench_direct(state: *mut u64, out: *mut u64) -> u32;
    /// Wakes `waiting`.
    pub safe fn bench_wake();
}

/// Rounds of each side.
pub const ROUNDS: usize = 11;

/// One side of a comparison: runs so many operations and returns when it is done.
pub type Side<'a> = (&'a str, &'a mut dyn FnMut(u64));

/// Runs `ours` and every peer in turn, [`ROUNDS`] times, and prints a line for each peer: medians in
/// nanoseconds per operation, `ratio` = theirs / ours, `spread` = slowest / fastest of ours.
pub fn compare(case: &str, operations: u64, ours: &mut dyn FnMut(u64), peers: &mut [Side<'_>]) {
    let mut own = Vec::new();
    let mut theirs = vec![Vec::new(); peers.len()];
    for round in 0..=ROUNDS {
        let lap = |side: &mut dyn FnMut(u64)| {
            let start = Instant::now();
            side(operations);
            start.elapsed().as_nanos() as f64 / operations as f64
        };
        let mine = lap(ours);
        let others: Vec<f64> = peers.iter_mut().map(|(_, side)| lap(side)).collect();
        if round == 0 {
            continue; // warms caches, allocators and branch predictors
        }
        own.push(mine);
        theirs.iter_mut().zip(others).for_each(|(all, one)| all.push(one));
    }
    own.sort_by(f64::total_cmp);
    let median = own[ROUNDS / 2];
    let spread = own[ROUNDS - 1] / own[0];
    for ((name, _), all) in peers.iter().zip(&mut theirs) {
        all.sort_by(f64::total_cmp);
        let peer = all[ROUNDS / 2];
        let ratio = peer / median;
        println!(
            "bench {case} ours={median:.2} peer={name} theirs={peer:.2} ratio={ratio:.2} spread={spread:.2}"
        );
    }
}

/// Counts what the program allocates.
#[derive(Debug)]
pub struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: hands everything to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, layout) };
    }
}

#[global_allocator]
static GLOBAL: Counting = Counting;

/// Allocations so far, of all threads.
pub fn allocations() -> u64 {
    ALLOCATIONS.load(Relaxed)
}
