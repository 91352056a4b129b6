//! Peers that are no channels: the least that a case could cost.

use std::hint::{black_box, spin_loop};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Release};
use std::thread;

use rtrb::RingBuffer;
use rtrb::chunks::ChunkError;

use crate::cores::Cores;
use crate::flows::Tally;
use crate::peers::CAPACITY;

/// Items that go at once in the `many` cases.
pub(crate) const MANY: usize = 256;

/// Chunks of [`MANY`] through rtrb's ring: written and read in place, both sides spin.
pub(crate) fn rtrb_chunks(operations: u64) {
    let (mut sender, mut receiver) = RingBuffer::<u64>::new(CAPACITY);
    let producer = thread::spawn(move || {
        let mut sent = 0;
        while sent < operations {
            let count = (operations - sent).min(MANY as u64);
            match sender.write_chunk_uninit(count as usize) {
                Ok(chunk) => sent += chunk.fill_from_iter(sent..sent + count) as u64,
                Err(_) => spin_loop(),
            }
        }
    });
    let mut tally = Tally::default();
    while tally.count < operations {
        let count = (operations - tally.count).min(MANY as u64);
        match receiver.read_chunk(count as usize) {
            Ok(chunk) => {
                let (first, second) = chunk.as_slices();
                first.iter().chain(second).for_each(|item| tally.add(*item));
                chunk.commit_all();
            }
            Err(ChunkError::TooFewSlots(_)) => spin_loop(),
        }
    }
    producer.join().unwrap();
    tally.check(operations);
}

/// A number that goes to another thread and back, each side parked until it is its turn.
pub(crate) fn park_unpark(cores: Cores, operations: u64) {
    let _pinned = cores.pin_caller();
    // Odd where the other thread has to answer; the even number after it is the answer.
    let turn = Arc::new(AtomicU64::new(0));
    let (main, shared) = (thread::current(), turn.clone());
    let wait_for = |turn: &AtomicU64, number: u64| {
        while turn.load(Acquire) != number {
            thread::park();
        }
    };
    let echo = thread::spawn(move || {
        let _pinned = cores.pin_other();
        for round in 0..operations {
            wait_for(&shared, 2 * round + 1);
            shared.store(2 * round + 2, Release);
            main.unpark();
        }
    });
    for round in 0..operations {
        turn.store(2 * round + 1, Release);
        echo.thread().unpark();
        wait_for(&turn, 2 * round + 2);
    }
    echo.join().unwrap();
}

/// Items of `N` bytes that go at once in the cases of the grants: 16 KiB, but at least 16 items, so that
/// what is measured is the way and not the call.
pub(crate) const fn items_per_grant(bytes_per_item: usize) -> usize {
    if 16384 / bytes_per_item > 16 { 16384 / bytes_per_item } else { 16 }
}

/// How many lines the source of a batch moves by, at most.
const PLACES: u64 = 64;
const LINE_BYTES: usize = 64;

/// `bytes` from its first full cache line on.
fn from_a_line_on(bytes: &mut [u8]) -> &mut [u8] {
    let skipped = bytes.as_ptr().align_offset(LINE_BYTES);
    &mut bytes[skipped..]
}

/// What the cases of the grants send again and again. The first byte is the batch's number.
///
/// How fast a copy is depends on how source and destination lie to each other within a page. So each
/// batch comes from another place, a line further, over one page: both sides meet all of them.
pub(crate) struct Batch<const N: usize> {
    source: Vec<u8>,
}

impl<const N: usize> Batch<N> {
    const ITEMS: usize = items_per_grant(N);

    pub(crate) fn new() -> Self {
        Self { source: vec![0x5a; (PLACES as usize + 1) * LINE_BYTES + Self::ITEMS * N] }
    }

    /// The items with this number on the first one.
    pub(crate) fn numbered(&mut self, number: u64) -> &[[u8; N]] {
        let source = from_a_line_on(&mut self.source);
        let from_here = &mut source[(number % PLACES) as usize * LINE_BYTES..];
        from_here[0] = number as u8;
        black_box(&from_here.as_chunks().0[..Self::ITEMS])
    }

    /// Panics unless `items` are those of [`numbered`](Self::numbered).
    pub(crate) fn check(number: u64, items: &[[u8; N]]) {
        let items = black_box(items);
        assert_eq!((items.len(), items[0][0]), (Self::ITEMS, number as u8));
    }
}

/// As much memory as the channel has, filled by `copy_from_slice`, one batch after another.
pub(crate) fn memcpy<const N: usize>(operations: u64) {
    let mut batch = Batch::<N>::new();
    let mut memory = vec![0; CAPACITY * N + LINE_BYTES];
    let ring = &mut from_a_line_on(&mut memory).as_chunks_mut().0[..CAPACITY];
    let count = items_per_grant(N);
    let mut at = 0;
    for number in 0..operations / count as u64 {
        let slots = &mut ring[at..at + count];
        slots.copy_from_slice(batch.numbered(number));
        Batch::<N>::check(number, slots);
        at = (at + count) % CAPACITY;
    }
}
