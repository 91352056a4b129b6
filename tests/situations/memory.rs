//! Memory that crosses without a copy: released exactly once, where it came from, in every order.
//!
//! The numbers in comments are those of the list of pitfalls that this project keeps. Each test counts what its own thread
//! allocates; Zig allocates through Rust's global allocator, so it is counted too.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::thread;

use bytes::Bytes;
use futures_core::Stream;
use futures_lite::StreamExt;
use futures_lite::future::block_on;
use zigflow::abi::OwnedItem;
use zigflow::channel::TryRecvError;
use zigflow::memory::borrow_from_zig;
use zigflow::pool::{CreateError, POISON};
use zigflow::{
    LocalZeroCopyBuffer, LocalZigStream, Malformed, OpenError, Pool, RustBuffer, SharedBuffer,
    StreamError, ZeroCopyBuffer, mpmc, spsc,
};
use zigflow_tests::ends::Lang::{Rust, Zig};
use zigflow_tests::pools::{
    Handle, PoolThere, alone, back, fill_later, open_gate, pooled, read_granted, read_many_granted,
    receive, receive_many, receive_many_numbers, receive_numbers, release_there, send, send_forced,
    send_granted, send_malformed, send_malformed_alone, send_many, send_or_drop, several, sum_of,
};
use zigflow_tests::task::{Task, keep, until};

thread_local! {
    /// Bytes that this thread has allocated and not freed.
    static HELD: Cell<i64> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static NO_MEMORY: Cell<bool> = const { Cell::new(false) };
    /// How many allocations succeed before one fails.
    static UNTIL_FAILURE: Cell<u64> = const { Cell::new(u64::MAX) };
    /// Nothing is freed.
    static NO_FREE: Cell<bool> = const { Cell::new(false) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: the system's allocator; what is added touches only thread-locals that need no memory. Null is an answer that an
// allocator may give.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if NO_MEMORY.get() || UNTIL_FAILURE.get() == 0 {
            UNTIL_FAILURE.set(u64::MAX);
            return ptr::null_mut();
        }
        if UNTIL_FAILURE.get() != u64::MAX {
            UNTIL_FAILURE.set(UNTIL_FAILURE.get() - 1);
        }
        HELD.set(HELD.get() + layout.size() as i64);
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.set(HELD.get() - layout.size() as i64);
        if NO_FREE.get() {
            return;
        }
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

/// Runs it, and checks that nothing is left.
fn leaves_nothing<R>(run: impl FnOnce() -> R) {
    let before = HELD.get();
    drop(run());
    assert_eq!(HELD.get(), before);
}

/// How often it allocates.
fn allocations<R>(run: impl FnOnce() -> R) -> u64 {
    let before = ALLOCATIONS.get();
    drop(run());
    ALLOCATIONS.get() - before
}

/// Runs it where there is no memory.
fn without_memory<R>(run: impl FnOnce() -> R) -> R {
    NO_MEMORY.set(true);
    let result = run();
    NO_MEMORY.set(false);
    result
}

zigflow::zig_source! {
    /// Bytes bound to a thread; the number of those that are not released is `local_alive`.
    fn local_bytes(count: u32) -> LocalZigStream<LocalZeroCopyBuffer>;
}

/// The same, declared wrongly.
mod wrongly {
    pub(crate) mod elsewhere {
        use zigflow::{LocalZeroCopyBuffer, ZigStream};

        zigflow::zig_source! {
            pub(crate) fn local_bytes(count: u32) -> ZigStream<LocalZeroCopyBuffer>;
        }
    }

    pub(crate) mod owned {
        use zigflow::{LocalZigStream, ZeroCopyBuffer};

        zigflow::zig_source! {
            pub(crate) fn local_bytes(count: u32) -> LocalZigStream<ZeroCopyBuffer>;
        }
    }
}

/// How often it was dropped, and bytes.
#[derive(Clone, Default)]
struct Drops(Arc<AtomicU32>);

impl Drops {
    fn count(&self) -> u32 {
        self.0.load(SeqCst)
    }

    fn owner<const N: usize>(&self, bytes: [u8; N]) -> Owner<N> {
        Owner { bytes, drops: self.clone(), panics: false }
    }
}

/// The bytes lie in the owner itself.
struct Owner<const N: usize> {
    bytes: [u8; N],
    drops: Drops,
    panics: bool,
}

impl<const N: usize> AsRef<[u8]> for Owner<N> {
    fn as_ref(&self) -> &[u8] {
        assert!(!self.panics, "in as_ref");
        &self.bytes
    }
}

impl<const N: usize> Drop for Owner<N> {
    fn drop(&mut self) {
        self.drops.0.fetch_add(1, SeqCst);
    }
}

// -- Rust's memory in Zig --

/// Pitfall 29: bytes go back to where they came from.
#[test]
fn pitfall_29_zig_releases_what_rust_gave() {
    leaves_nothing(|| {
        let drops = Drops::default();
        assert_eq!(sum_of(RustBuffer::from_owner(drops.owner([1, 2, 3]))), 6);
        assert_eq!(drops.count(), 1);
        assert_eq!(sum_of(vec![5_u8; 1000].into()), 5000);
        assert_eq!(sum_of(Vec::new().into()), 0);
        assert_eq!(sum_of(vec![9_u8; 3].into_boxed_slice().into()), 27);
        assert_eq!(sum_of(RustBuffer::from(&b"\x01\x02"[..])), 3);
        assert_eq!(sum_of("\x03".into()), 3);
        assert_eq!(sum_of(Bytes::from(vec![4_u8; 2]).into()), 8);
        // Of no size at all.
        assert_eq!(sum_of(RustBuffer::from_owner(drops.owner([]))), 0);
        assert_eq!(drops.count(), 2);
    });
}

#[test]
fn what_zig_gives_back_is_what_it_got() {
    let drops = Drops::default();
    let owner = RustBuffer::from_owner(drops.owner([1, 2, 3]));
    let address = owner.as_ptr();
    let again = back(owner);
    assert_eq!((again.as_ptr(), &*again, drops.count()), (address, &[1, 2, 3][..], 0));
    // And on to a thread of Zig's, which releases it there.
    release_there(again).unwrap();
    assert_eq!(drops.count(), 1);
}

#[test]
fn an_owner_that_panics_is_dropped_once() {
    let drops = Drops::default();
    let mut owner = drops.owner([1]);
    owner.panics = true;
    let panicked = catch_unwind(AssertUnwindSafe(|| RustBuffer::from_owner(owner)));
    assert!(panicked.is_err());
    assert_eq!(drops.count(), 1);
}

#[test]
fn static_bytes_and_blocks_need_no_allocation() {
    let pool = Pool::new(1, 64);
    assert_eq!(allocations(|| sum_of("abc".into())), 0);
    assert_eq!(allocations(|| sum_of(pool.try_acquire().unwrap().into())), 0);
    assert_eq!(allocations(|| sum_of(vec![1_u8; 10].into())), 1, "the vector itself");
    assert_eq!(pool.snapshot().available, 1);
}

/// Poisoned before it is freed: a release that is called on memory of the test's own shows it.
#[test]
fn what_a_vector_had_is_poisoned_in_a_debug_build() {
    NO_FREE.set(true);
    let buffer = RustBuffer::from(vec![7_u8; 16]);
    let at = buffer.as_ptr();
    drop(buffer);
    NO_FREE.set(false);
    // SAFETY: it was not freed.
    let bytes = unsafe { std::slice::from_raw_parts(at, 16) };
    let expected = if cfg!(debug_assertions) { POISON } else { 7 };
    assert_eq!(bytes, [expected; 16]);
    // SAFETY: as it was allocated, and now for good.
    unsafe { System.dealloc(at.cast_mut(), Layout::array::<u8>(16).unwrap()) };
}

/// However often it becomes the one and the other, nothing is put around it.
#[test]
fn to_share_again_costs_nothing() {
    let drops = Drops::default();
    let mut shared = SharedBuffer::from(RustBuffer::from_owner(drops.owner([1, 2, 3])));
    let count = allocations(|| {
        for _ in 0..200_000 {
            let part = shared.slice(..2);
            shared = SharedBuffer::from(ZeroCopyBuffer::from(shared.clone()));
            assert_eq!(*SharedBuffer::from(ZeroCopyBuffer::from(part)), [1, 2]);
        }
    });
    assert_eq!((count, drops.count()), (0, 0));
    drop(shared);
    assert_eq!(drops.count(), 1);
    assert_eq!(*SharedBuffer::from(vec![1, 2, 3]).slice(1..), [2, 3]);
    assert_eq!(Bytes::from(RustBuffer::from("abc")), "abc");
}

// -- through channels --

/// A channel moves as many bytes for a gigabyte as for one.
#[test]
fn a_descriptor_is_four_words() {
    assert_eq!(size_of::<ZeroCopyBuffer>(), 4 * size_of::<usize>());
    let (tx, _rx) = spsc::channel::<ZeroCopyBuffer>(1);
    assert!(tx.capacity() == 1);
}

/// Pitfall 30: items still queued at teardown are dropped exactly once; here by a receiver in Zig.
#[test]
fn pitfall_30_buffers_that_nobody_takes_are_released_once() {
    leaves_nothing(|| {
        for taken in [0, 1, 3, 5] {
            for flavor in ["spsc", "mpmc", "unbounded"] {
                let drops = Drops::default();
                let buffer = || ZeroCopyBuffer::from(RustBuffer::from_owner(drops.owner([2; 10])));
                let sum = if flavor == "spsc" {
                    let (mut tx, rx) = spsc::channel(8);
                    (0..5).for_each(|_| tx.try_send(buffer()).unwrap());
                    let sum = receive(rx.into_zig(), taken).unwrap();
                    assert_eq!(drops.count(), 5, "the last receiver releases them");
                    assert!(tx.try_send(buffer()).is_err());
                    sum
                } else {
                    let (tx, rx) =
                        if flavor == "mpmc" { mpmc::channel(8) } else { mpmc::unbounded() };
                    (0..5).for_each(|_| tx.try_send(buffer()).unwrap());
                    let sum = receive_many(rx.into_zig(), taken).unwrap();
                    assert_eq!(drops.count(), 5, "the last receiver releases them");
                    assert!(tx.try_send(buffer()).is_err());
                    sum
                };
                assert_eq!((sum, drops.count()), (u64::from(taken) * 20, 6), "{flavor}");
            }
        }
    });
}

#[test]
fn pitfall_30_blocks_that_rust_does_not_take_come_home() {
    for taken in [0, 2, 6] {
        let pool = Pool::new(6, 64);
        let (tx, mut rx) = spsc::channel::<ZeroCopyBuffer>(8);
        assert_eq!(send(tx.into_zig(), pool.to_zig(), 6), Ok(6));
        for n in 0..taken {
            assert!(rx.try_recv().unwrap().iter().all(|byte| *byte == n));
        }
        assert_eq!(pool.snapshot().available, usize::from(taken));
        drop(rx);
        assert_eq!(pool.snapshot().available, 6);

        let (tx, rx) = mpmc::channel::<ZeroCopyBuffer>(8);
        assert_eq!(send_many(tx.into_zig(), pool.to_zig(), 6), Ok(6));
        (0..taken).for_each(|_| drop(rx.try_recv().unwrap()));
        drop(rx);
        assert_eq!(pool.snapshot().available, 6);
    }
}

#[test]
fn what_does_not_fit_is_released_where_zig_drops_it() {
    let pool = Pool::new(5, 64);
    let (tx, rx) = spsc::channel::<ZeroCopyBuffer>(2);
    assert_eq!(send_or_drop(tx.into_zig(), pool.to_zig()), Ok(2));
    assert_eq!(pool.snapshot().available, 3);
    drop(rx);
    assert_eq!(pool.snapshot().available, 5);
    assert_eq!(alone(pool.to_zig()), Ok(5));
}

#[test]
fn an_end_that_zig_refuses_releases_what_was_sent() {
    let drops = Drops::default();
    let buffer = || ZeroCopyBuffer::from(RustBuffer::from_owner(drops.owner([2; 10])));
    let (mut tx, rx) = spsc::channel(8);
    (0..3).for_each(|_| tx.try_send(buffer()).unwrap());
    assert_eq!(receive_numbers(rx.into_zig()).unwrap_err().name(), "WrongItem");
    assert_eq!(drops.count(), 3);
    let (tx, rx) = mpmc::channel(8);
    (0..3).for_each(|_| tx.try_send(buffer()).unwrap());
    assert_eq!(receive_many_numbers(rx.into_zig()).unwrap_err().name(), "WrongItem");
    assert_eq!(drops.count(), 6);
    // And one that Zig never saw.
    let (mut tx, rx) = spsc::channel(8);
    tx.try_send(buffer()).unwrap();
    drop(rx.into_zig());
    assert_eq!(drops.count(), 7);
}

/// Replaced, in grants of either direction, and behind grants that were abandoned.
#[test]
fn pitfall_30_buffers_in_grants_and_in_place_of_others_are_released_once() {
    let pool = Pool::new(5, 64);
    let (tx, rx) = mpmc::channel::<ZeroCopyBuffer>(2);
    assert_eq!(send_forced(tx.into_zig(), pool.to_zig()), Ok(3));
    assert_eq!(pool.snapshot().available, 3);
    assert!(rx.try_recv().is_ok());
    drop(rx);
    assert_eq!(pool.snapshot().available, 5);

    for channel in [|| mpmc::channel(4), mpmc::unbounded::<ZeroCopyBuffer>] {
        for takes in [false, true] {
            let (tx, rx) = channel();
            send_granted(tx.into_zig(), pool.to_zig()).unwrap();
            assert_eq!(pool.snapshot().available, 4);
            assert_eq!(if takes { rx.try_recv().unwrap().len() } else { 1 }, 1);
            drop(rx);
            assert_eq!(pool.snapshot().available, 5);
        }
        // What is read in a grant is the reader's, what is left the channel's.
        let drops = Drops::default();
        let buffer = || ZeroCopyBuffer::from(RustBuffer::from_owner(drops.owner([1; 7])));
        let (tx, rx) = channel();
        (0..3).for_each(|_| tx.try_send(buffer()).unwrap());
        assert_eq!((read_many_granted(rx.into_zig()), drops.count()), (Ok(7), 3));
    }
    let drops = Drops::default();
    let buffer = || ZeroCopyBuffer::from(RustBuffer::from_owner(drops.owner([1; 7])));
    let (mut tx, rx) = spsc::channel(4);
    (0..3).for_each(|_| tx.try_send(buffer()).unwrap());
    assert_eq!((read_granted(rx.into_zig()), drops.count()), (Ok(14), 3));
}

/// A sender in Zig, bounded or not, against a last receiver that goes: nothing stays in the channel.
#[test]
fn pitfall_30_a_sender_of_zigs_leaves_nothing_behind_a_last_receiver() {
    let pool = Pool::new(4, 64);
    for round in 0..300 {
        let (tx, rx) = if round % 2 == 0 { mpmc::channel(2) } else { mpmc::unbounded() };
        let (zig_tx, zig_pool) = (tx.into_zig(), pool.to_zig());
        let thread = thread::spawn(move || send_many(zig_tx, zig_pool, 20).unwrap());
        (0..round % 5).for_each(|_| drop(rx.recv_blocking()));
        drop(rx);
        assert!(thread.join().unwrap() <= 20);
        assert_eq!(pool.snapshot().available, 4);
    }
}

/// One of them is of another type: the pools' handles are given back, opened or not.
#[test]
fn a_call_that_fails_gives_all_handles_back() {
    leaves_nothing(|| {
        let pool = Pool::new(2, 64);
        let block = pool.try_acquire();
        let (_tx, rx) = spsc::channel(2);
        let failed = several(pool.to_zig(), pool.to_zig(), rx.into_zig(), pool.to_zig());
        assert_eq!(failed.unwrap_err().name(), "WrongItem");
        drop(pool);
        block
    });
}

/// Nobody knows what would be released: it is not, also when nobody receives it; the good ones are.
#[test]
fn a_malformed_descriptor_is_an_error_and_no_more() {
    let (tx, rx) = mpmc::channel::<ZeroCopyBuffer>(8);
    send_malformed(tx.into_zig()).unwrap();
    assert_eq!(&*rx.try_recv().unwrap(), [1; 8]);
    let failed = TryRecvError::Failed(StreamError::Malformed(Malformed::Value));
    assert_eq!(rx.try_recv().unwrap_err(), failed);
    assert_eq!(&*rx.try_recv().unwrap(), [1; 8]);
    assert_eq!(rx.try_recv().unwrap_err(), TryRecvError::Closed);
    leaves_nothing(|| {
        for capacity in [4, 8] {
            let (tx, rx) = mpmc::channel::<ZeroCopyBuffer>(capacity);
            send_malformed(tx.into_zig()).unwrap();
            drop(rx);
            let (tx, mut rx) = spsc::channel::<ZeroCopyBuffer>(capacity);
            send_malformed_alone(tx.into_zig()).unwrap();
            assert!(rx.try_recv().is_err());
            drop(rx);
        }
    });
}

/// Threads on both sides: a sender in Zig, which is stopped by its pool, and a receiver in Rust that goes in the middle.
#[test]
fn a_pool_and_a_channel_between_threads() {
    for (round, until) in [0, 1, 100, 5000].into_iter().enumerate() {
        let pool = Pool::new(3, 64);
        let (tx, mut rx) = spsc::channel::<ZeroCopyBuffer>(8);
        let (zig_tx, zig_pool) = (tx.into_zig(), pool.to_zig());
        let thread = thread::spawn(move || send(zig_tx, zig_pool, 5000).unwrap());
        for n in 0..until {
            let bytes = rx.recv_blocking().unwrap();
            assert!(bytes.iter().all(|byte| *byte == (n % 256) as u8));
        }
        drop(rx);
        let sent = thread.join().unwrap();
        assert!(sent >= until && (round < 3 || sent == 5000));
        assert_eq!(pool.snapshot().available, 3);

        let (tx, rx) = mpmc::channel::<ZeroCopyBuffer>(8);
        let zig_rx = rx.into_zig();
        let drops = Drops::default();
        let thread = thread::spawn(move || receive_many(zig_rx, until).unwrap());
        let mut sent = 0;
        while sent < 5000 {
            let buffer = ZeroCopyBuffer::from(RustBuffer::from_owner(drops.owner([1; 3])));
            if tx.send_blocking(buffer).is_err() {
                break;
            }
            sent += 1;
        }
        drop(tx);
        assert_eq!(thread.join().unwrap(), u64::from(until) * 3);
        // And the one that came back.
        assert_eq!(drops.count(), (sent + 1).min(5000));
    }
}

// -- results --

/// Pitfall 12: a block that Zig still writes to when the future goes, or is forgotten, is Zig's until it gives it away.
#[test]
fn pitfall_12_a_block_stays_as_long_as_zig_writes_to_it() {
    let pool = Pool::new(2, 64);
    let task = Task::new();
    let mut dropped = Box::pin(fill_later(pool.to_zig(), 0));
    let forgotten = keep(Box::pin(fill_later(pool.to_zig(), 1)));
    assert!(task.run(|cx| dropped.as_mut().poll(cx)).is_pending());
    assert!(task.run(|cx| forgotten.as_mut().poll(cx)).is_pending());
    until(|| pool.snapshot().available == 0);
    drop(dropped);
    assert!(pool.try_acquire().is_none());
    open_gate(0);
    until(|| pool.snapshot().available == 1);
    // What nobody asks for any more stays where it is, with its memory.
    open_gate(1);
    task.wait_for(1);
    assert_eq!(pool.snapshot().available, 1);
    let Poll::Ready(Ok(bytes)) = task.run(|cx| forgotten.as_mut().poll(cx)) else {
        panic!("no result")
    };
    assert_eq!(*bytes, [7; 64]);
}

/// Pitfall 13: the completion may win against the drop; the block that nobody takes comes home, once.
#[test]
fn pitfall_13_a_result_that_nobody_takes_comes_home() {
    let pool = Pool::new(1, 64);
    let task = Task::new();
    let mut future = Box::pin(fill_later(pool.to_zig(), 2));
    assert!(task.run(|cx| future.as_mut().poll(cx)).is_pending());
    open_gate(2);
    task.wait_for(1);
    assert_eq!(pool.snapshot().available, 0);
    drop(future);
    // By whoever is last: Zig's thread may still be on its way out.
    until(|| pool.snapshot().available == 1);
    // And both at once, again and again.
    for _ in 0..200 {
        let mut future = Box::pin(fill_later(pool.to_zig(), 2));
        let _ = task.run(|cx| future.as_mut().poll(cx));
        drop(future);
        until(|| pool.snapshot().available == 1);
    }
}

// -- several owners --

/// Whatever the order in which the parts go, and whichever memory it is, the last one releases, once.
#[test]
fn parts_in_any_order_release_once() {
    let drops = Drops::default();
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    leaves_nothing(|| {
        for (round, order) in orders.into_iter().enumerate() {
            let whole: SharedBuffer =
                ZeroCopyBuffer::from(RustBuffer::from_owner(drops.owner([0, 1, 2, 3]))).into();
            let mut parts = [Some(whole.slice(1..3)), Some(whole.slice(3..)), Some(whole)];
            for at in order {
                assert_eq!(drops.count(), round as u32);
                drop(parts[at].take());
                let left: Vec<&[u8]> = parts.iter().flatten().map(|part| &**part).collect();
                assert!(left.iter().all(|part| part.last() == Some(&3) || part.last() == Some(&2)));
            }
            assert_eq!(drops.count(), round as u32 + 1);
        }
    });
}

#[test]
fn parts_of_a_block_bring_it_home_and_allocate_nothing() {
    for lang in [Rust, Zig] {
        let pool = Pool::new(1, 64);
        let handle = Handle::of(&pool, lang);
        let mut held = handle.try_acquire().unwrap();
        held.fill(1);
        let count = allocations(|| {
            // What Zig gives is recognised as a block.
            let whole = SharedBuffer::from(held.give(10));
            let mut rest = whole.clone();
            let front = rest.split_to(4);
            drop(whole);
            assert_eq!((front.len(), rest.len(), pool.snapshot().available), (4, 6, 0));
            let sum = sum_of(rest.slice(1..3).into());
            drop((front, rest));
            assert_eq!((sum, pool.snapshot().available), (2, 1));
        });
        assert_eq!(count, 0, "{lang:?}");
    }
}

#[test]
fn zig_shares_too() {
    let pool = Pool::new(1, 64);
    let there = PoolThere::take(pool.to_zig()).unwrap();
    let mut block = there.acquire().unwrap();
    block.fill(2);
    let whole = block.share(10);
    let mut part = whole.part(2, 5);
    assert_eq!((whole.sum(), part.sum()), (20, 6));
    drop((whole, block));
    let given = part.give();
    assert_eq!((&*given, pool.snapshot().available), (&[2, 2, 2][..], 0));
    thread::spawn(move || drop(given)).join().unwrap();
    assert_eq!(pool.snapshot().available, 1);
}

#[test]
fn slices_are_as_those_of_a_slice() {
    let text = b"0123456789";
    let all: SharedBuffer = ZeroCopyBuffer::from(text.to_vec()).into();
    assert_eq!(&*all.slice(..), text);
    assert_eq!(&*all.slice(2..5), b"234");
    assert_eq!(&*all.slice(2..=5), b"2345");
    assert_eq!(&*all.slice(..=2), b"012");
    assert_eq!(&*all.slice(10..), b"");
    let mut rest = all.clone();
    assert_eq!(&*rest.split_off(7), b"789");
    rest.advance(1);
    rest.truncate(4);
    rest.truncate(9);
    assert_eq!(&*rest, b"1234");
    for (from, to) in [(3, 11), (11, 11), (5, 4)] {
        assert!(catch_unwind(AssertUnwindSafe(|| all.slice(from..to))).is_err());
    }
    assert!(catch_unwind(AssertUnwindSafe(|| all.slice(..=usize::MAX))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| rest.advance(5))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(rest.split_to(5)))).is_err());
    assert_eq!(&*rest, b"1234", "what was refused changed nothing");
}

#[test]
fn threads_share_and_let_go() {
    let drops = Drops::default();
    for _ in 0..200 {
        let whole: SharedBuffer =
            ZeroCopyBuffer::from(RustBuffer::from_owner(drops.owner([7; 32]))).into();
        let threads = [0, 1].map(|n| {
            let part = whole.slice(n..n + 8);
            thread::spawn(move || assert!(part.clone().iter().all(|byte| *byte == 7)))
        });
        drop(whole);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
    assert_eq!(drops.count(), 200);
}

// -- bytes::Bytes --

#[test]
fn bytes_are_where_they_were() {
    leaves_nothing(|| {
        let pool = Pool::new(2, 64);
        let drops = Drops::default();
        let mut block = pool.try_acquire().unwrap();
        block[0] = 3;
        let address = block.as_ptr();
        let bytes = Bytes::from(block);
        assert_eq!((bytes.as_ptr(), bytes[0], pool.snapshot().available), (address, 3, 1));
        let part = bytes.slice(1..);
        drop(bytes);
        assert_eq!(pool.snapshot().available, 1);
        drop(part);
        assert_eq!(pool.snapshot().available, 2);

        let buffer = ZeroCopyBuffer::from(RustBuffer::from_owner(drops.owner([1, 2])));
        let bytes = Bytes::from(buffer);
        assert_eq!(&bytes[..], [1, 2]);
        // And back to Zig.
        assert_eq!(sum_of(bytes.into()), 3);
        assert_eq!(drops.count(), 1);
        let shared = SharedBuffer::from(pool.try_acquire().unwrap());
        assert_eq!(Bytes::from(shared.slice(..0)).len(), 0);
    });
}

// -- typed views --

#[test]
fn bytes_are_read_as_items_in_place() {
    let pool = Pool::new(1, 64);
    let mut block = pool.try_acquire().unwrap();
    for (n, word) in block.chunks_exact_mut(4).enumerate() {
        word.copy_from_slice(&(n as u32).to_ne_bytes());
    }
    let buffer = ZeroCopyBuffer::from(block);
    let words = buffer.items::<u32>().unwrap();
    assert_eq!((words.len(), words[3], words.as_ptr().cast()), (16, 3, buffer.as_ptr()));
    assert_eq!(buffer.items::<[u32; 2]>().unwrap()[1], [2, 3]);
    let shared = SharedBuffer::from(buffer);
    assert_eq!(shared.slice(4..12).items::<u32>().unwrap(), [1, 2]);
    // Not aligned, not whole, not values.
    assert_eq!(shared.slice(1..5).items::<u32>(), Err(Malformed::Misaligned));
    assert_eq!(shared.slice(4..).items::<u64>(), Err(Malformed::Length { found: 60, expected: 8 }));
    // (On some processors of 32 bits it would be.)
    #[cfg(target_pointer_width = "64")]
    assert_eq!(shared.slice(4..12).items::<u64>(), Err(Malformed::Misaligned));
    let length = Malformed::Length { found: 7, expected: 4 };
    assert_eq!(shared.slice(..7).items::<u32>(), Err(length));
    assert_eq!(shared.slice(1..12).items::<bool>(), Err(Malformed::Value));
    let bools: Vec<bool> = shared[1..8].iter().map(|byte| *byte == 1).collect();
    assert_eq!((shared.slice(1..8).items::<bool>(), bools.contains(&true)), (Ok(&bools[..]), true));
    // Of nothing there are none, wherever it is.
    assert_eq!(shared.slice(1..1).items::<u32>(), Ok(&[][..]));
    let length = Malformed::Length { found: 64, expected: 0 };
    assert_eq!(shared.items::<[u32; 0]>(), Err(length));
}

// -- what a border may say wrongly --

#[test]
fn null_and_absurd_lengths_are_refused() {
    let item = |ptr: *const u8, len| OwnedItem {
        ptr: ptr.cast_mut(),
        len,
        release: None,
        context: ptr::null_mut(),
    };
    let byte = 7_u8;
    // SAFETY: refused, or static, or of length 0.
    unsafe {
        for (ptr, len, what) in [
            (ptr::null(), 1, Malformed::NullData(1)),
            (&raw const byte, usize::MAX, Malformed::TooLong(usize::MAX)),
            (&raw const byte, isize::MAX as usize + 1, Malformed::TooLong(isize::MAX as usize + 1)),
        ] {
            assert_eq!(ZeroCopyBuffer::from_raw(item(ptr, len)).unwrap_err(), what);
            assert_eq!(LocalZeroCopyBuffer::from_raw(item(ptr, len)).unwrap_err(), what);
            assert_eq!(borrow_from_zig(ptr, len).unwrap_err(), what);
        }
        assert!(ZeroCopyBuffer::from_raw(item(ptr::null(), 0)).unwrap().is_empty());
        assert!(LocalZeroCopyBuffer::from_raw(item(ptr::null(), 0)).unwrap().is_empty());
        assert_eq!(borrow_from_zig(ptr::null(), 0), Ok(&[][..]));
        assert_eq!(borrow_from_zig(&raw const byte, 1), Ok(&[7][..]));
    }
}

// -- bound to a thread --

#[test]
fn local_bytes_are_released_on_their_thread() {
    block_on(async {}); // keeps what it allocates first
    leaves_nothing(|| {
        let stream = local_bytes(3).unwrap();
        let all: Vec<LocalZeroCopyBuffer> = block_on(stream.try_collect()).unwrap();
        // Each release checks in Zig on which thread it is.
        let texts: Vec<&[u8]> = all.iter().map(|bytes| &**bytes).collect();
        assert_eq!(texts, [[0; 8], [1; 8], [2; 8]]);
        assert_eq!(all[1].items::<u64>().unwrap(), [0x0101_0101_0101_0101]);
    });
}

#[test]
fn local_bytes_are_no_others() {
    assert!(matches!(wrongly::elsewhere::local_bytes(1), Err(OpenError::NotSendable)));
    let Err(OpenError::Item { zig, rust, .. }) = wrongly::owned::local_bytes(1) else {
        panic!("bytes of one thread were taken for any's")
    };
    assert_eq!((zig.rsplit('.').next(), rust), (Some("LocalBytes"), "OwnedBytes"));
}

// -- no memory --

#[test]
fn without_memory_there_is_an_error_and_nothing_is_lost() {
    leaves_nothing(|| {
        let refused = without_memory(|| Pool::try_new(4, Layout::new::<u64>()).map(drop));
        assert_eq!(refused, Err(CreateError::OutOfMemory));
        assert!(matches!(without_memory(|| pooled(2, 10, 1).map(drop)), Err(OpenError::Zig(_))));

        let drops = Drops::default();
        let buffer = ZeroCopyBuffer::from(RustBuffer::from_owner(drops.owner([1, 2, 3])));
        let buffer = without_memory(|| SharedBuffer::try_from_buffer(buffer)).unwrap_err();
        assert_eq!((&*buffer, drops.count()), (&[1, 2, 3][..], 0));
        // A block needs none.
        let pool = Pool::new(1, 64);
        let block = ZeroCopyBuffer::from(pool.try_acquire().unwrap());
        assert!(without_memory(|| SharedBuffer::try_from_buffer(block).is_ok()));
        assert_eq!(pool.snapshot().available, 1);
    });
}

/// All that allocates, and gives an error if it cannot; and a bit of work with it.
fn everything(drops: &Drops) -> Result<(), &'static str> {
    let pool = Pool::try_new(2, Layout::new::<u64>()).map_err(|_| "pool")?;
    let owned = RustBuffer::try_from_owner(drops.owner([1, 2, 3])).map_err(|_| "owner")?;
    let shared = SharedBuffer::try_from_buffer(owned.into()).map_err(|_| "shared")?;
    let (mut tx, rx) = spsc::try_channel::<ZeroCopyBuffer>(2).map_err(|_| "spsc")?;
    let (many, from_many) = mpmc::try_channel::<ZeroCopyBuffer>(2).map_err(|_| "mpmc")?;
    tx.try_send(shared.slice(1..).into()).map_err(|_| "send")?;
    many.try_send(pool.try_acquire().ok_or("block")?.into()).map_err(|_| "send")?;
    PoolThere::take(pool.to_zig()).map_err(|_| "handle")?;
    PoolThere::make(2, 64).map_err(|_| "pool in Zig")?;
    alone(pool_of_four()?.to_zig()).map_err(|_| "channels in Zig")?;
    let mut stream = pooled(1, 8, 3).map_err(|_| "stream")?;
    let mut cx = Context::from_waker(Waker::noop());
    let polled = Pin::new(&mut stream).poll_next(&mut cx);
    assert!(matches!(polled, Poll::Ready(Some(Ok(_)))));
    drop((rx, from_many));
    Ok(())
}

fn pool_of_four() -> Result<Pool, &'static str> {
    Pool::try_new(4, Layout::new::<u64>()).map_err(|_| "another pool")
}

/// The first allocation fails, then the second, and so on: each time there is an error, and nothing is lost.
#[test]
fn whichever_allocation_fails_there_is_an_error_and_no_leak() {
    let mut failed = Vec::with_capacity(100);
    leaves_nothing(|| {
        let drops = Drops::default();
        for n in 0.. {
            let before = drops.count();
            UNTIL_FAILURE.set(n);
            let result = everything(&drops);
            let was_reached = UNTIL_FAILURE.replace(u64::MAX) == u64::MAX;
            match result {
                Err(what) => failed.push(what),
                Ok(()) if was_reached => panic!("allocation {n} failed, and nobody said so"),
                Ok(()) => break,
            }
            assert_eq!(drops.count() - before, u32::from(n > 0), "{failed:?}");
        }
    });
    // Each place was reached.
    let mut places = failed.clone();
    places.dedup();
    let all = [
        "pool",
        "owner",
        "shared",
        "spsc",
        "mpmc",
        "handle",
        "pool in Zig",
        "another pool",
        "channels in Zig",
        "stream",
    ];
    assert_eq!(places, all);
}

#[test]
fn a_pool_is_one_allocation_and_blocks_are_none() {
    assert_eq!(allocations(|| Pool::new(100, 1000)), 1);
    leaves_nothing(|| {
        let pool = Pool::new(40, 64);
        let held: Vec<_> = (0..40).map(|_| pool.try_acquire().unwrap()).collect();
        drop(pool);
        held
    });
    let pool = Pool::new(2, 64);
    let there = Handle::of(&pool, Zig);
    let count = allocations(|| {
        for _ in 0..1_000_000 {
            let (one, other) = (pool.try_acquire().unwrap(), there.try_acquire());
            drop((ZeroCopyBuffer::from(one), pool.try_acquire().is_none()));
            drop(other);
        }
    });
    // The driver's handle of a block in Zig is on the heap.
    assert_eq!(count, 1_000_000);
}

/// Through a stream: Zig takes a block, Rust reads it in place.
#[test]
fn a_million_chunks_of_a_pool_allocate_nothing() {
    let mut stream = Box::pin(pooled(2, 64, u32::MAX).unwrap());
    let mut take = || {
        let item = block_on(stream.next()).unwrap().unwrap();
        u64::from(item[63])
    };
    take();
    let mut sum = 0;
    assert_eq!(allocations(|| (0..1_000_000).for_each(|_| sum += take())), 0);
    assert!(sum > 0);
}
