//! What the benchmarks share: side by side in one run, alternated, medians.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

pub mod summary;

use zigflow::{ByteStream, FutureSlot, SlotFuture, ZeroCopyBuffer, ZigFuture, ZigStream};

zigflow::zig_source! {
    /// Numbers from `from` on, without end.
    pub fn endless(from: u64) -> ZigStream<u64>;
    /// Never ready; `bench_wake` wakes it.
    pub fn waiting() -> ZigStream<u64>;
    /// Blocks of a pool of the source's own.
    pub fn pooled(blocks: u32, bytes: u32) -> ZigStream<ZeroCopyBuffer>;
    /// Memory of Zig's allocator for each item.
    pub fn allocated(bytes: u32) -> ZigStream<ZeroCopyBuffer>;
    /// The same bytes again and again, copied.
    pub fn lent(bytes: u32) -> ZigStream<Vec<u8>>;
    /// A file, by chunks.
    pub fn file(path: &str, chunk_bytes: u64) -> ByteStream;
}

zigflow::zig_future! {
    /// The square of `n`, from inside of the call.
    pub fn square(n: u32) -> ZigFuture<u64>;
    /// The same in a slot.
    pub fn square_again(in slot: &mut FutureSlot<u64>, n: u32) -> SlotFuture<'_, u64> = square;
    /// The square of `n`, from the worker.
    pub fn remote_square(n: u32) -> ZigFuture<u64>;
}

zigflow::autozig! {
    fn sum(bytes: []const u8) error{Empty}!u64 {
        if (bytes.len == 0) return error.Empty;
        var total: u64 = 0;
        for (bytes) |byte| total += byte;
        return total;
    }
    ---
    /// The sum of the bytes, if there are any.
    pub fn sum(bytes: &[u8]) -> Result<u64, zigflow::ZigError>;
}

/// What [`bench_remote_callback`] calls.
pub type Callback = unsafe extern "C" fn(context: *mut std::ffi::c_void, value: u64);

unsafe extern "C" {
    /// The square of `n`.
    pub safe fn bench_square(n: u32) -> u64;
    /// The worker calls `callback` with the square of `n`.
    pub fn bench_remote_callback(callback: Callback, context: *mut std::ffi::c_void, n: u32);
    /// The worker counts to `n`.
    pub safe fn bench_worker_alone(n: u64);
    /// Starts the worker, a Zig thread; false without one.
    pub safe fn bench_worker_start() -> bool;
    /// Ends it.
    pub safe fn bench_worker_stop();
    /// The sum of the bytes; 1 if there are none.
    pub fn bench_sum(bytes: *const u8, len: usize, out: &mut u64) -> u32;
    /// The item of `endless`, by the plainest call there is.
    pub fn bench_direct(state: *mut u64, out: *mut u64) -> u32;
    /// Wakes `waiting`.
    pub safe fn bench_wake();
}

/// Rounds of each side.
pub const ROUNDS: usize = 11;

/// One side of a comparison: runs so many operations and returns when it is done.
pub type Side<'a> = (&'a str, &'a mut dyn FnMut(u64));

/// What a comparison found out about one peer.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The peer's name.
    pub peer: String,
    /// Theirs / ours: above 1 where ours is faster.
    pub ratio: f64,
}

/// Runs `ours` and every peer in turn, [`ROUNDS`] times, and prints a line for each peer: medians in
/// nanoseconds per operation, `ratio` = theirs / ours, `spread` = slowest / fastest of ours. The rest is
/// for doubts: `their_spread`, and the fastest of both, which other programs disturb least.
pub fn compare(
    case: &str,
    operations: u64,
    ours: &mut dyn FnMut(u64),
    peers: &mut [Side<'_>],
) -> Vec<Figure> {
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
    let mut figures = Vec::new();
    for ((name, _), all) in peers.iter().zip(&mut theirs) {
        all.sort_by(f64::total_cmp);
        let peer = all[ROUNDS / 2];
        let ratio = peer / median;
        let (best, their_best) = (own[0], all[0]);
        let their_spread = all[ROUNDS - 1] / their_best;
        println!(
            "bench {case} ours={median:.2} peer={name} theirs={peer:.2} ratio={ratio:.2} spread={spread:.2} \
             their_spread={their_spread:.2} best={best:.2} their_best={their_best:.2}"
        );
        figures.push(Figure { peer: (*name).to_owned(), ratio });
    }
    figures
}

/// Counts what the program allocates, where a benchmark makes it the global allocator. (Not here: the
/// counter is one cache line of all threads, and would slow down the peers that allocate.)
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

/// Allocations through [`Counting`] so far, of all threads.
pub fn allocations() -> u64 {
    ALLOCATIONS.load(Relaxed)
}
