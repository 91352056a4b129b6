//! What is allocated: nothing for each item, nothing that stays, and what happens when there is nothing left.
//!
//! Each test counts what its own thread allocates. Zig allocates through Rust's global allocator, so it is
//! counted too.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::pin::{Pin, pin};
use std::ptr;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::Stream;
use futures_sink::Sink;
use zigflow::channel::CreateError;
use zigflow::limit::{Quota, RateLimiter, throttle};
use zigflow::retry::{backoff::exponential, retry};
use zigflow::time::{ManualTimer, TimeoutError, Timer, timeout};
use zigflow::tokio::TokioTimer;
use zigflow::{
    ByteStream, FutureError, FutureSlot, OpenError, StreamError, ZigStream, batch_timeout, mpmc,
    spsc,
};
use zigflow_tests::ends::{Lang, PAIRINGS, Rx, Stop, Tx, each, items, open_as, pair_at};
use zigflow_tests::many_ends::{self as many, Rx as ManyRx, Tx as ManyTx};
use zigflow_tests::task::{Tally, Task, until, waker_fn};
use zigflow_tests::{self as zig, Channel, child, driven, futures};

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    allocations: u64,
    frees: u64,
    /// Bytes allocated minus bytes freed.
    balance: i64,
}

thread_local! {
    static COUNTS: Cell<Counts> = const { Cell::new(Counts { allocations: 0, frees: 0, balance: 0 }) };
    /// How many allocations succeed before one fails.
    static UNTIL_FAILURE: Cell<u64> = const { Cell::new(u64::MAX) };
    /// All allocations fail.
    static NO_MEMORY: Cell<bool> = const { Cell::new(false) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: the system's allocator; what is added touches only thread-locals that need no memory. Null is an
// answer that an allocator may give.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if NO_MEMORY.get() {
            return ptr::null_mut();
        }
        if UNTIL_FAILURE.get() == 0 {
            UNTIL_FAILURE.set(u64::MAX);
            return ptr::null_mut();
        }
        if UNTIL_FAILURE.get() != u64::MAX {
            UNTIL_FAILURE.set(UNTIL_FAILURE.get() - 1);
        }
        let mut counts = COUNTS.get();
        counts.allocations += 1;
        counts.balance += layout.size() as i64;
        COUNTS.set(counts);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        let mut counts = COUNTS.get();
        counts.frees += 1;
        counts.balance -= layout.size() as i64;
        COUNTS.set(counts);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) };
    }
}

/// What `f` allocated and freed on this thread.
fn counted<R>(f: impl FnOnce() -> R) -> (R, Counts) {
    let before = COUNTS.get();
    let result = f();
    let after = COUNTS.get();
    let counts = Counts {
        allocations: after.allocations - before.allocations,
        frees: after.frees - before.frees,
        balance: after.balance - before.balance,
    };
    (result, counts)
}

/// Fails unless `f` and the drop of its result free what `f` allocates, and it allocates.
fn balanced<R>(f: impl FnOnce() -> R) {
    let ((), counts) = counted(|| drop(f()));
    assert_eq!((counts.allocations, counts.balance), (counts.frees, 0), "{counts:?}");
    assert!(counts.allocations > 0, "nothing was counted");
}

const NOTHING: Counts = Counts { allocations: 0, frees: 0, balance: 0 };
const MILLION: u32 = 1_000_000;

/// Polls until there were `count` items, however often that is pending.
fn take<T: zigflow::Item>(stream: &mut ZigStream<T>, waker: &Waker, count: u32) {
    let mut taken = 0;
    while taken < count {
        match Pin::new(&mut *stream).poll_next(&mut Context::from_waker(waker)) {
            Poll::Ready(Some(Ok(_))) => taken += 1,
            Poll::Pending => {}
            _ => panic!("the stream ended after {taken} items"),
        }
    }
}

fn take_bytes(stream: &mut ByteStream, chunks: u32) -> usize {
    let (mut taken, mut bytes) = (0, 0);
    while taken < chunks {
        if let Poll::Ready(chunk) = stream.poll_fill(&mut Context::from_waker(Waker::noop())) {
            let len = chunk.unwrap().len();
            assert!(len > 0);
            stream.consume(len);
            taken += 1;
            bytes += len;
        }
    }
    bytes
}

fn needs_nothing_for_items<T: zigflow::Item>(mut stream: ZigStream<T>) {
    let waker = Waker::noop();
    take(&mut stream, waker, 1);
    let ((), counts) = counted(|| take(&mut stream, waker, MILLION));
    assert_eq!(counts, NOTHING);
}

// -- for each item --

#[test]
fn a_million_numbers_allocate_nothing() {
    needs_nothing_for_items(zig::counter(0, u64::MAX).unwrap());
}

#[test]
fn a_million_bools_allocate_nothing() {
    needs_nothing_for_items(zig::in_place(u32::MAX).unwrap());
}

#[test]
fn a_million_structs_allocate_nothing() {
    needs_nothing_for_items(zig::points(u32::MAX).unwrap());
}

#[test]
fn a_million_lent_values_allocate_nothing() {
    needs_nothing_for_items(zig::words(u32::MAX).unwrap());
}

#[test]
fn a_million_chunks_allocate_nothing() {
    let mut stream = zig::chunks(16, u32::MAX).unwrap();
    take_bytes(&mut stream, 1);
    let (bytes, counts) = counted(|| take_bytes(&mut stream, MILLION));
    assert_eq!(bytes, 16 * MILLION as usize);
    assert_eq!(counts, NOTHING);
}

/// Every item is waited for: register in Zig, wake from Zig, poll again.
#[test]
fn a_million_waits_allocate_and_clone_nothing() {
    let tally = Tally::new();
    let waker = tally.waker();
    let mut stream = zig::wakes_itself(u64::MAX).unwrap();
    take(&mut stream, &waker, 1);
    let ((), counts) = counted(|| take(&mut stream, &waker, MILLION));
    assert_eq!(counts, NOTHING);
    let (clones, wakes, drops) = tally.counts();
    assert_eq!((clones, drops), (1, 0));
    assert!(wakes > MILLION as usize);
}

/// The same, woken from outside of the poll.
#[test]
fn a_million_wakes_from_outside_allocate_nothing() {
    let channel = Channel::new();
    let mut stream = channel.stream();
    let waker = Waker::noop();
    let mut cx = Context::from_waker(waker);
    let mut wait_and_take = || {
        assert!(Pin::new(&mut stream).poll_next(&mut cx).is_pending());
        channel.push(1);
        assert!(Pin::new(&mut stream).poll_next(&mut cx).is_ready());
    };
    wait_and_take();
    let ((), counts) = counted(|| (0..MILLION).for_each(|_| wait_and_take()));
    assert_eq!(counts, NOTHING);
}

#[test]
fn a_file_in_the_page_cache_allocates_nothing_for_a_chunk() {
    let path = std::env::current_exe().unwrap();
    let size = std::fs::read(&path).unwrap().len();
    let chunks = (size / 4096) as u32;
    let mut stream = zig::file(path.to_str().unwrap(), 4096).unwrap();
    take_bytes(&mut stream, 1);
    let (bytes, counts) = counted(|| take_bytes(&mut stream, chunks - 1));
    assert_eq!(bytes, 4096 * (chunks as usize - 1));
    assert_eq!(counts, NOTHING);
}

#[test]
fn an_owned_buffer_is_one_allocation_of_zig() {
    const COUNT: u32 = 10_000;
    let mut stream = zig::owned(COUNT + 1).unwrap();
    take(&mut stream, Waker::noop(), 1);
    let ((), counts) = counted(|| take(&mut stream, Waker::noop(), COUNT));
    let count = u64::from(COUNT);
    assert_eq!(counts, Counts { allocations: count, frees: count, balance: 0 });
}

// -- nothing stays --

#[test]
fn opening_and_dropping_leaks_nothing() {
    balanced(|| zig::counter(0, 1).unwrap());
    balanced(|| zig::local_counter(0, 1).unwrap());
    balanced(|| zig::chunks(100, 1).unwrap());
    balanced(|| zig::owned(1).unwrap());
    balanced(|| zig::points(1).unwrap());
    balanced(|| zig::in_place(1).unwrap());
    balanced(|| zig::pieces("a|b").unwrap());
    balanced(|| zig::wakes_itself(1).unwrap());
    balanced(|| zig::file("/dev/null", 100).unwrap());
    balanced(|| Channel::new().stream());
    balanced(|| Channel::new().counted_waker());
    let text = "x".repeat(100_000);
    balanced(|| zig::pieces(&text).unwrap());
    balanced(|| zig::arguments(0, 0, 0, 0, 0.0, 0.0, false, text.as_bytes(), &text).unwrap());
}

#[test]
fn streams_that_end_or_fail_leak_nothing() {
    fn drain<T: zigflow::Item>(mut stream: ZigStream<T>) {
        let mut cx = Context::from_waker(Waker::noop());
        while !matches!(Pin::new(&mut stream).poll_next(&mut cx), Poll::Ready(None)) {}
    }
    balanced(|| drain(zig::counter(0, 1000).unwrap()));
    balanced(|| drain(zig::failing(10, 0).unwrap()));
    balanced(|| drain(zig::failing(10, 1).unwrap()));
    balanced(|| drain(zig::owned(10).unwrap()));
    balanced(|| drain(Channel::new().pooled(10).unwrap()));
    balanced(|| drain(zig::wakes_itself(10).unwrap()));
}

#[test]
fn what_does_not_open_leaks_nothing() {
    mod wrong {
        use zigflow::ZigStream;
        zigflow::zig_source! {
            pub(super) fn chunks(len: u64, count: u16) -> ZigStream<Vec<u8>>;
            pub(super) fn pieces() -> ZigStream<Vec<u8>>;
        }
    }
    fn refused<S>(open: impl FnOnce() -> Result<S, OpenError>) {
        balanced(|| assert!(open().is_err()));
    }
    refused(|| zig::counter(2, 1));
    refused(|| zig::local_counter(2, 1));
    refused(|| zig::chunks(u64::MAX, 1));
    refused(|| wrong::chunks(10, 1));
    refused(wrong::pieces);
    refused(|| zig::file("/", 100));
    refused(|| zig::file("/dev/null", 0));
    refused(|| zig::file("/dev/null", u64::MAX));
    refused(|| zig::file("none", 100));
}

// -- no memory left --

/// Opens with the n-th allocation failing, for each n, until it opens. How many failed.
fn fail_every_allocation<S>(open: impl Fn() -> Result<S, OpenError>) -> u64 {
    for n in 0..100 {
        let (opened, counts) = counted(|| {
            UNTIL_FAILURE.set(n);
            let opened = open().map(drop);
            let failed = UNTIL_FAILURE.replace(u64::MAX) == u64::MAX;
            assert_eq!(opened.is_err(), failed, "with {n} allocations: {opened:?}");
            opened
        });
        assert_eq!((counts.allocations, counts.balance), (counts.frees, 0), "{n}: {counts:?}");
        match opened {
            Ok(()) => return n,
            Err(OpenError::Zig(error)) => assert_eq!(error.name(), "OutOfMemory"),
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("it never opens");
}

#[test]
fn every_allocation_of_open_may_fail() {
    assert_eq!(fail_every_allocation(|| zig::counter(0, 1)), 1);
    assert_eq!(fail_every_allocation(|| zig::owned(1)), 1);
    assert_eq!(fail_every_allocation(|| zig::points(1)), 1);
    assert_eq!(fail_every_allocation(|| zig::pieces("some text")), 2);
    assert_eq!(fail_every_allocation(|| zig::chunks(100, 1)), 2);
    assert_eq!(fail_every_allocation(|| zig::file("/dev/null", 100)), 3);
}

#[test]
fn an_allocation_of_a_poll_may_fail() {
    balanced(|| {
        let mut stream = zig::owned(10).unwrap();
        take(&mut stream, Waker::noop(), 3);
        UNTIL_FAILURE.set(0);
        let mut cx = Context::from_waker(Waker::noop());
        match Pin::new(&mut stream).poll_next(&mut cx) {
            Poll::Ready(Some(Err(StreamError::Zig(error)))) => {
                assert_eq!(error.name(), "OutOfMemory")
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(Pin::new(&mut stream).poll_next(&mut cx), Poll::Ready(None)));
    });
}

/// Zig's thread frees what this one allocated, or the reverse: nothing is left in the end.
#[test]
fn a_stream_with_a_thread_leaves_no_zig_object_behind() {
    for polls in 0..20 {
        let mut stream = zig::worked(100).unwrap();
        take(&mut stream, Waker::noop(), polls);
        drop(stream);
    }
    // Other tests here have channels too, but only for a time.
    until(|| driven::live() == 0);
}

// -- channels --

/// One end of a channel is used on this thread, the other one too.
#[test]
fn items_of_a_channel_allocate_nothing() {
    for capacity in [1, 64] {
        each(capacity, |mut tx: Tx<u64>, mut rx| {
            let mut got = Vec::with_capacity(64);
            let batch: Vec<u64> = items(0..64);
            let mut round = || {
                tx.try_send(0).unwrap();
                assert_eq!(rx.try_recv(), Ok(0));
                let sent = tx.try_send_many(&batch).unwrap();
                assert_eq!(rx.recv_many(&mut got, 64, false), Ok(sent));
                got.clear();
                tx.send_grant(&batch[..1], || ()).unwrap();
                rx.read(64, |first, _| first.len()).unwrap();
                tx.send(1).unwrap();
                assert_eq!(rx.recv(), Ok(1));
                assert_eq!(tx.try_send_many(&batch).unwrap(), sent);
                assert!(tx.try_send(0).is_err() && !tx.send_or_drop(0).unwrap());
                rx.read(64, |first, second| first.len() + second.len()).unwrap();
                while rx.try_recv().is_ok() {}
            };
            round();
            let ((), counts) = counted(|| (0..10_000).for_each(|_| round()));
            assert_eq!(counts, NOTHING);
        });
    }
}

#[test]
fn waits_of_tasks_at_a_channel_allocate_nothing_and_clone_one_waker_for_all() {
    const WAITS: usize = 10_000;
    each(1, |mut tx: Tx<u64>, mut rx| {
        tx.set_patience(0);
        rx.set_patience(0);
        let (sender, receiver) = (Tally::new(), Tally::new());
        let (tx_waker, rx_waker) = (sender.waker(), receiver.waker());
        let (mut tx_cx, mut rx_cx) =
            (Context::from_waker(&tx_waker), Context::from_waker(&rx_waker));
        let mut round = || {
            assert!(rx.poll_recv(&mut rx_cx).is_pending());
            tx.try_send(0).unwrap();
            assert!(tx.poll_send(&mut tx_cx, 1).is_pending());
            assert_eq!(rx.poll_recv(&mut rx_cx), Poll::Ready(Ok(0)));
            assert_eq!(tx.poll_send(&mut tx_cx, 1), Poll::Ready(Ok(())));
            assert_eq!(rx.poll_recv(&mut rx_cx), Poll::Ready(Ok(1)));
        };
        round();
        let ((), counts) = counted(|| (1..WAITS).for_each(|_| round()));
        assert_eq!(counts, NOTHING);
        // One wake for each sleep. (Zig's lent words are no clone.)
        assert_eq!(sender.counts(), (1, WAITS, 0));
        assert_eq!(receiver.counts(), (1, WAITS, 0));
        let slept = WAITS as u64;
        assert_eq!(tx.snapshot()[6..], [slept; 4]);
    });
}

/// A thread's first wait makes what all its waits use.
fn wait_once() {
    let (_tx, mut rx) = spsc::channel::<u8>(1);
    assert!(rx.recv_blocking_timeout(std::time::Duration::ZERO).is_err());
}

#[test]
fn waits_of_threads_at_a_channel_allocate_nothing_after_the_first() {
    const WAITS: u64 = 2_000;
    for pairing in PAIRINGS {
        let (mut there, mut here) = pair_at::<u64>(pairing, 1, 0);
        let (mut back, mut home) = pair_at::<u64>(pairing, 1, 0);
        here.set_patience(0);
        home.set_patience(0);
        // Each item is answered before the next one goes, so each is waited for.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut answer = |n| {
                    assert_eq!(here.recv(), Ok(n));
                    back.send(n).unwrap();
                };
                wait_once();
                answer(0);
                let ((), counts) = counted(|| (1..WAITS).for_each(&mut answer));
                assert_eq!(counts, NOTHING);
            });
            let mut ask = |n| {
                there.send(n).unwrap();
                assert_eq!(home.recv(), Ok(n));
            };
            wait_once();
            ask(0);
            let ((), counts) = counted(|| (1..WAITS).for_each(&mut ask));
            assert_eq!(counts, NOTHING);
        });
    }
}

#[test]
fn a_channel_is_one_allocation_which_the_last_end_frees() {
    let (ends, counts) = counted(|| spsc::channel::<u64>(100));
    assert_eq!(counts.allocations, 1);
    let ((), counts) = counted(|| drop(ends));
    assert_eq!(counts.frees, 1);
    wait_once();
    for pairing in PAIRINGS {
        for sender_first in [false, true] {
            balanced(|| {
                let (tx, rx) = spsc::channel::<u64>(100);
                let in_zig = (pairing.0 == Lang::Zig, pairing.1 == Lang::Zig);
                let mut tx = if in_zig.0 { Tx::in_zig(tx) } else { Tx::Rust(tx) };
                let mut rx = if in_zig.1 { Rx::in_zig(rx) } else { Rx::Rust(rx, None) };
                let mut cx = Context::from_waker(Waker::noop());
                assert!(rx.poll_recv(&mut cx).is_pending());
                tx.send_many(&items(0..50));
                if sender_first {
                    drop(tx);
                    drop(rx);
                } else {
                    drop(rx);
                    drop(tx);
                }
            });
        }
    }
    balanced(|| {
        let (tx, rx) = spsc::channel::<u64>(100);
        (tx.into_zig(), rx.into_zig())
    });
}

#[test]
fn a_channel_with_many_ends_goes_with_its_last_end_also_a_weak_one() {
    for (tx_lang, rx_lang) in PAIRINGS {
        for weak_first in [false, true] {
            balanced(|| {
                let (tx, rx) = mpmc::channel::<u64>(100);
                let (mut tx, rx) = (many::Tx::of(tx_lang, tx), many::Rx::of(rx_lang, rx));
                tx.try_send_many(&items(0..50)).unwrap();
                let weak = (tx.downgrade(), rx.downgrade());
                drop(weak.clone());
                drop((weak.0.upgrade(), weak.1.upgrade()));
                if weak_first {
                    drop(weak);
                    drop((tx, rx));
                } else {
                    drop((rx, tx));
                    assert!(weak.0.upgrade().is_none() && weak.1.upgrade().is_none());
                }
            });
        }
    }
}

#[test]
fn batches_and_waits_for_the_end_allocate_nothing_and_a_sink_once() {
    let (tx, rx) = mpmc::channel::<u64>(4);
    let batch = [7; 6];
    let mut got = Vec::with_capacity(8);
    let mut cx = Context::from_waker(Waker::noop());
    let ((), counts) = counted(|| {
        let mut closed = pin!(tx.closed());
        assert!(closed.as_mut().poll(&mut cx).is_pending());
        for _ in 0..1_000 {
            got.clear();
            let mut sending = pin!(tx.send_many(&batch));
            assert!(sending.as_mut().poll(&mut cx).is_pending());
            assert_eq!(rx.try_recv_many(&mut got, 5), Ok(4));
            assert!(sending.as_mut().poll(&mut cx).is_ready());
            assert_eq!(rx.try_recv_many(&mut got, 2), Ok(2));
            let mut receiving = pin!(rx.recv_many(&mut got, 2));
            assert!(receiving.as_mut().poll(&mut cx).is_pending());
            tx.try_send(1).unwrap();
            assert_eq!(receiving.as_mut().poll(&mut cx), Poll::Ready(Ok(1)));
        }
    });
    assert_eq!(counts, NOTHING);
    let mut sink = tx.clone().into_sink();
    let ((), counts) = counted(|| {
        for _ in 0..1_000 {
            tx.try_send_many(&batch).unwrap();
            Pin::new(&mut sink).start_send(9).unwrap();
            assert!(Pin::new(&mut sink).poll_flush(&mut cx).is_pending());
            got.clear();
            assert_eq!(rx.try_recv_many(&mut got, 4), Ok(4));
            assert!(Pin::new(&mut sink).poll_flush(&mut cx).is_ready());
            assert_eq!(rx.try_recv(), Ok(9));
        }
    });
    assert_eq!((counts.allocations, counts.frees), (1, 0));
    drop(sink);
}

#[test]
fn an_end_that_zig_refuses_leaks_nothing() {
    for what in [1, 2, 4] {
        balanced(|| {
            let (tx, rx) = spsc::channel::<u64>(100);
            (open_as(tx.into_zig(), what).unwrap_err(), rx)
        });
    }
    for what in [0, 3, 5] {
        balanced(|| {
            let (tx, rx) = spsc::channel::<u64>(100);
            (open_as(rx.into_zig(), what).unwrap_err(), tx)
        });
    }
}

#[test]
fn without_memory_there_is_no_channel_and_an_error() {
    let ((), counts) = counted(|| {
        UNTIL_FAILURE.set(0);
        let made = spsc::try_channel::<u64>(100).map(drop);
        assert_eq!(UNTIL_FAILURE.replace(u64::MAX), u64::MAX);
        assert_eq!(made, Err(CreateError::OutOfMemory));
    });
    assert_eq!(counts, NOTHING);
    assert!(spsc::try_channel::<u64>(100).is_ok());
}

unsafe extern "C" {
    safe fn zft_channel_made(capacity: usize, many: bool) -> u32;
}

/// Of each allocation that Zig's `channel` makes the failure is an error, and nothing stays.
#[test]
fn every_allocation_of_a_channel_of_zig_may_fail() {
    for many in [false, true] {
        for capacity in [1, 3, 100] {
            let made: Vec<u32> = (0..3)
                .map(|n| {
                    let (made, counts) = counted(|| {
                        UNTIL_FAILURE.set(n);
                        let made = zft_channel_made(capacity, many);
                        assert_eq!(UNTIL_FAILURE.replace(u64::MAX) == u64::MAX, made != 0);
                        made
                    });
                    assert_eq!((counts.allocations, counts.balance), (counts.frees, 0));
                    made
                })
                .collect();
            assert_eq!(made, [2, 0, 0]);
        }
    }
}

#[test]
fn without_memory_there_is_no_channel_with_many_ends_and_an_error() {
    let ((), counts) = counted(|| {
        UNTIL_FAILURE.set(0);
        let made = mpmc::try_channel::<u64>(100).map(drop);
        assert_eq!(UNTIL_FAILURE.replace(u64::MAX), u64::MAX);
        assert_eq!(made, Err(CreateError::OutOfMemory));
    });
    assert_eq!(counts, NOTHING);
}

/// Polls once, as a first wait, while there is no memory: none is asked for.
fn waits_without_memory<F: Future>(future: F) {
    let mut future = std::pin::pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    UNTIL_FAILURE.set(0);
    let polled = future.as_mut().poll(&mut cx);
    assert_eq!(UNTIL_FAILURE.replace(u64::MAX), 0, "an allocation failed");
    assert!(polled.is_pending());
}

#[test]
fn the_first_wait_of_a_task_needs_no_memory() {
    let (mut tx, mut rx) = spsc::channel::<u64>(1);
    waits_without_memory(rx.recv());
    waits_without_memory(rx.recv_many(&mut Vec::with_capacity(4), 4));
    waits_without_memory(async { rx.read(1).await.map(drop) });
    waits_without_memory(tx.closed());
    tx.try_send(0).unwrap();
    waits_without_memory(tx.send(1));
    waits_without_memory(tx.send_from(&mut Some(1)));
    waits_without_memory(tx.send_many(&[1, 2]));
    waits_without_memory(async { tx.reserve(1).await.map(drop) });

    let (tx, rx) = mpmc::channel::<u64>(1);
    waits_without_memory(rx.recv());
    tx.try_send(0).unwrap();
    waits_without_memory(tx.send(1));

    for pairing in PAIRINGS {
        let (mut tx, mut rx) = pair_at::<u64>(pairing, 1, 0);
        waits_without_memory(std::future::poll_fn(|cx| rx.poll_recv(cx)));
        tx.try_send(0).unwrap();
        waits_without_memory(std::future::poll_fn(|cx| tx.poll_send(cx, 1)));
    }
    many::each(1, |mut tx: many::Tx<u64>, mut rx| {
        waits_without_memory(rx.receiving());
        tx.try_send(0).unwrap();
        waits_without_memory(tx.sending(1));
    });
}

/// What allocates for its first wait ends the process, as all of Rust does that cannot say so, and only that.
#[cfg(unix)]
fn aborts_without_memory(test: &str, wait: impl FnOnce()) {
    if child::is_child() {
        wait_once();
        UNTIL_FAILURE.set(0);
        wait();
        UNTIL_FAILURE.set(u64::MAX);
        panic!("it did not allocate");
    }
    let stderr = child::aborts(test);
    assert!(stderr.contains("memory allocation of "), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn the_first_wait_of_a_stream_with_many_ends_without_memory_aborts() {
    let (_tx, mut rx) = mpmc::channel::<u64>(1);
    let mut cx = Context::from_waker(Waker::noop());
    aborts_without_memory(
        "the_first_wait_of_a_stream_with_many_ends_without_memory_aborts",
        || {
            let _ = Pin::new(&mut rx).poll_next(&mut cx);
        },
    );
}

/// Each following one needs none.
#[test]
fn a_stream_with_many_ends_waits_again_without_memory() {
    let (tx, mut rx) = mpmc::channel::<u64>(1);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut rx).poll_next(&mut cx).is_pending());
    for _ in 0..3 {
        tx.try_send(1).unwrap();
        assert_eq!(Pin::new(&mut rx).poll_next(&mut cx), Poll::Ready(Some(Ok(1))));
        waits_without_memory(std::future::poll_fn(|cx| Pin::new(&mut rx).poll_next(cx)));
    }
}

/// A thread's first wait makes its parker.
#[cfg(unix)]
#[test]
fn the_first_wait_of_a_thread_without_memory_aborts() {
    if !child::is_child() {
        let stderr = child::aborts("the_first_wait_of_a_thread_without_memory_aborts");
        assert!(stderr.contains("memory allocation of "), "{stderr}");
        return;
    }
    let (_tx, mut rx) = spsc::channel::<u64>(1);
    UNTIL_FAILURE.set(0);
    let _ = rx.recv_blocking_timeout(std::time::Duration::ZERO);
}

/// What a panic itself allocates stays below the size of these channels.
#[test]
fn a_waker_that_panics_when_an_end_goes_leaks_no_channel() {
    const ITEMS: usize = 1 << 17;
    for sender_goes in [false, true] {
        let ((), counts) = counted(|| {
            let (mut tx, mut rx) = spsc::channel::<u64>(ITEMS);
            let waker = waker_fn(|| std::panic::resume_unwind(Box::new("no report")));
            let mut cx = Context::from_waker(&waker);
            let catch = |f: &mut dyn FnMut()| {
                assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).is_err());
            };
            if sender_goes {
                assert!(rx.poll_recv(&mut cx).is_pending());
                let mut tx = Some(tx);
                catch(&mut || tx = None);
                drop(rx);
            } else {
                while tx.try_send(1).is_ok() {}
                assert!(tx.poll_ready(&mut cx).is_pending());
                let mut rx = Some(rx);
                catch(&mut || rx = None);
                drop(tx);
            }
        });
        assert!(counts.balance < ITEMS as i64 * 8 / 2, "{counts:?}");
    }
}

// -- channels that grow --

/// Every allocation of this thread fails during `f`.
fn without_memory<R>(f: impl FnOnce() -> R) -> R {
    NO_MEMORY.set(true);
    let result = f();
    NO_MEMORY.set(false);
    result
}

fn receive_all(rx: &mut ManyRx<u64>, next: &mut u64) {
    while let Ok(item) = rx.try_recv() {
        assert_eq!(item, *next);
        *next += 1;
    }
}

/// All but two blocks, about 4 KiB each, are given back, also after ten million items.
#[test]
fn after_a_burst_a_channel_that_grows_has_the_memory_of_before() {
    for (pairing, count) in PAIRINGS.into_iter().zip([100_000, 10_000_000, 100_000, 100_000]) {
        let (tx, rx) = mpmc::unbounded::<u64>();
        let (mut tx, mut rx) = (ManyTx::of(pairing.0, tx), ManyRx::of(pairing.1, rx));
        let ((), burst) = counted(|| (0..count).for_each(|n| tx.try_send(n).unwrap()));
        assert!(burst.balance as u64 >= (count - 512) * 16, "{burst:?}");
        let mut next = 0;
        let ((), drained) = counted(|| receive_all(&mut rx, &mut next));
        assert_eq!(next, count);
        // The spare block was there from the start.
        assert_eq!(burst.balance + drained.balance, 0);
        assert_eq!((burst.frees, drained.allocations), (0, 0));
    }
}

#[test]
fn a_steady_flow_through_a_channel_that_grows_allocates_nothing() {
    for (tx_lang, rx_lang) in PAIRINGS {
        let (tx, rx) = mpmc::unbounded::<u64>();
        let (mut tx, mut rx) = (ManyTx::of(tx_lang, tx), ManyRx::of(rx_lang, rx));
        let mut next = 0;
        let ((), counts) = counted(|| {
            for n in 0..100_000 {
                tx.try_send(n).unwrap();
                if n % 100 == 99 {
                    receive_all(&mut rx, &mut next);
                }
            }
        });
        assert_eq!((next, counts), (100_000, NOTHING));
    }
}

/// Without memory it is full, as a bounded channel is: a sender waits, and goes on when a block is used up.
#[test]
fn without_memory_a_channel_that_grows_is_full_and_loses_nothing() {
    for (tx_lang, rx_lang) in PAIRINGS {
        let (tx, rx) = mpmc::unbounded::<u64>();
        let (mut tx, mut rx) = (ManyTx::of(tx_lang, tx), ManyRx::of(rx_lang, rx));
        let task = Task::default();
        let mut sent = 0;
        without_memory(|| {
            while tx.try_send(sent).is_ok() {
                sent += 1
            }
        });
        // The block and the spare one, but for the last slot, which needs a third block behind it.
        assert_eq!(sent, 2 * 256 - 1);
        let mut sending = tx.sending(sent);
        without_memory(|| assert!(task.run(|cx| sending.as_mut().poll(cx)).is_pending()));
        // It does not spin: nobody wakes it before a block is used up.
        for n in 0..255 {
            assert_eq!((rx.try_recv(), task.wakes()), (Ok(n), 0));
        }
        assert_eq!(rx.try_recv(), Ok(255));
        assert_eq!(task.wakes(), 1);
        let poll = without_memory(|| task.run(|cx| sending.as_mut().poll(cx)));
        assert_eq!(poll, Poll::Ready(Ok(())));
        drop(sending);
        let mut next = 256;
        receive_all(&mut rx, &mut next);
        assert_eq!(next, sent + 1);
        tx.try_send(0).unwrap();
    }
}

#[test]
fn without_memory_there_is_no_channel_that_grows_and_nothing_is_left() {
    for successes in 0..3 {
        let ((), counts) = counted(|| {
            UNTIL_FAILURE.set(successes);
            let made = mpmc::try_unbounded_within::<u64>(usize::MAX).map(drop);
            assert_eq!(UNTIL_FAILURE.replace(u64::MAX), u64::MAX);
            assert_eq!(made, Err(CreateError::OutOfMemory));
        });
        assert_eq!((counts.allocations, counts.balance), (counts.frees, 0));
    }
    balanced(mpmc::unbounded::<u64>);
}

/// The items go with the last receiver, also those that need no drop: their memory is large.
#[test]
fn what_nobody_will_receive_goes_while_a_sender_lives() {
    for (tx_lang, rx_lang) in PAIRINGS {
        let (tx, rx) = mpmc::unbounded::<u64>();
        let (mut tx, rx) = (ManyTx::of(tx_lang, tx), ManyRx::of(rx_lang, rx));
        let ((), burst) = counted(|| (0..10_000).for_each(|n| tx.try_send(n).unwrap()));
        let ((), gone) = counted(|| drop(rx));
        assert!(burst.balance + gone.balance <= 0, "{burst:?} {gone:?}");
        assert_eq!(tx.try_send(0), Err(Stop::Closed));
    }
}

/// The limit holds for the blocks, and with it the channel is a bounded one.
#[test]
fn a_limit_in_bytes_is_kept() {
    for bytes in [100, 1000, 10_000, 1_000_000] {
        let ((sent, tx, rx), counts) = counted(|| {
            let (tx, rx) = mpmc::unbounded_within::<u64>(bytes);
            ((0..).take_while(|n| tx.try_send(*n).is_ok()).count(), tx, rx)
        });
        let all = counts.balance as usize;
        // The channel itself takes less than 1 KiB. Blocks are as small as the limit wants them.
        assert!((bytes / 4..bytes + 1024).contains(&all), "{all} of {bytes}");
        assert!(sent <= tx.capacity() && sent * 2 >= tx.capacity(), "{sent} of {}", tx.capacity());
        assert!((0..sent as u64).all(|n| rx.try_recv() == Ok(n)));
    }
}

// -- combinators --

/// Wakes once and is pending, or is ready.
struct Later {
    polls: u32,
    of: u32,
}

impl Future for Later {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
        self.polls += 1;
        if self.polls < self.of {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.polls)
    }
}

fn later() -> Later {
    Later { polls: 0, of: 4 }
}

/// Yields for ever, after a wait for each item.
struct Waits(bool);

impl Stream for Waits {
    type Item = u32;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u32>> {
        self.0 = !self.0;
        cx.waker().wake_by_ref();
        if self.0 { Poll::Pending } else { Poll::Ready(Some(1)) }
    }
}

/// What it takes to run a future to its end on this thread.
fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(output) = polled {
            return output;
        }
    }
}

#[test]
fn tuples_and_arrays_of_futures_and_streams_allocate_nothing() {
    let ((), counts) = counted(|| {
        assert_eq!(run(zigflow::join((later(), later(), later()))), (4, 4, 4));
        assert_eq!(run(zigflow::join([later(), later()])), [4, 4]);
        let ok = |future: Later| async { Ok::<_, ()>(future.await) };
        assert_eq!(run(zigflow::try_join((ok(later()), ok(later())))), Ok((4, 4)));
        assert_eq!(run(zigflow::race((later(), later()))), 4);
        assert_eq!(run(zigflow::race([later(), later()]).biased()), 4);
        assert_eq!(run(zigflow::select([later(), later()])).output, 4);
        let chosen = run(async {
            zigflow::select! {
                n = later() => n,
                n = later() => n,
            }
        });
        assert_eq!(chosen, 4);
        let mut merged = pin!(zigflow::merge((Waits(false), Waits(false))));
        for _ in 0..1000 {
            let _ = merged.as_mut().poll_next(&mut Context::from_waker(Waker::noop()));
        }
    });
    assert_eq!(counts, NOTHING);
}

#[test]
fn a_vec_of_children_allocates_when_it_is_made_and_not_when_it_is_woken() {
    for count in [1, 100, 10_000] {
        let streams: Vec<_> = (0..count).map(|_| Waits(false)).collect();
        let (merged, made) = counted(|| zigflow::merge(streams));
        // What is shared, the blocks, and the children, if they do not fit into the `Vec`.
        assert!((2..=3).contains(&made.allocations), "{count}: {made:?}");
        let mut merged = pin!(merged);
        let mut poll = || {
            let _ = merged.as_mut().poll_next(&mut Context::from_waker(Waker::noop()));
        };
        poll();
        let ((), counts) = counted(|| (0..100_000).for_each(|_| poll()));
        assert_eq!(counts, NOTHING, "{count}");
    }
    balanced(|| {
        let futures: Vec<_> = (0..1000).map(|_| later()).collect();
        assert_eq!(run(zigflow::join(futures)), [4; 1000]);
    });
    balanced(|| run(zigflow::race((0..1000).map(|_| later()).collect::<Vec<_>>())));
    balanced(|| run(zigflow::select((0..1000).map(|_| later()).collect::<Vec<_>>())));
}

#[test]
fn members_of_a_group_that_come_and_go_allocate_nothing() {
    let mut group = zigflow::FutureGroup::with_capacity(10);
    let mut round = || {
        group.extend((0..10).map(|_| later()));
        assert_eq!((0..10).map_while(|_| run(group.next_keyed())).count(), 10);
    };
    round();
    let ((), counts) = counted(|| (0..1000).for_each(|_| round()));
    assert_eq!(counts, NOTHING);
    drop(group);
    balanced(|| {
        let mut group: zigflow::FutureGroup<_> = (0..1000).map(|_| later()).collect();
        group.extend((0..10_000).map(|_| later()));
        while run(group.next_keyed()).is_some() {}
        group
    });
}

// -- futures --

fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("pending"),
    }
}

#[test]
fn an_operation_is_one_allocation() {
    let (_, counts) = counted(|| {
        for n in 0..1_000 {
            assert_eq!(ready(futures::square(n)), Ok(u64::from(n) * u64::from(n)));
        }
    });
    assert_eq!((counts.allocations, counts.balance), (1_000, 0));
    balanced(|| futures::square(3));
}

#[test]
fn an_operation_in_a_slot_is_no_allocation() {
    let mut slot = FutureSlot::new();
    assert_eq!(ready(futures::square_again(&mut slot, 1)), Ok(1));
    let (_, counts) = counted(|| {
        for n in 0..1_000 {
            assert_eq!(ready(futures::square_again(&mut slot, n)), Ok(u64::from(n) * u64::from(n)));
        }
    });
    assert_eq!(counts, NOTHING);
}

#[test]
fn a_wait_for_an_operation_in_a_slot_is_no_allocation_and_a_buffer_travels() {
    let task = Task::new();
    let waker = task.waker();
    let mut slot = FutureSlot::new();
    let place = |slot: &mut FutureSlot<u64>, n: u64| {
        let future = futures::held_again(slot, 8);
        let held = futures::Held::begun(8);
        let mut future = pin!(future);
        let mut cx = Context::from_waker(&waker);
        assert!(future.as_mut().poll(&mut cx).is_pending());
        assert!(future.as_mut().poll(&mut cx).is_pending());
        assert!(held.resolve(n));
        drop(held);
        assert_eq!(future.poll(&mut cx), Poll::Ready(Ok(n)));
    };
    place(&mut slot, 1);
    let (_, counts) = counted(|| (0..1_000).for_each(|n| place(&mut slot, n)));
    assert_eq!(counts, NOTHING);

    let mut slot = FutureSlot::new();
    let mut buffer = vec![0; 64];
    for byte in 0..10 {
        let at = buffer.as_ptr();
        let (result, back) =
            futures_lite::future::block_on(futures::fill_again(&mut slot, byte, buffer));
        assert_eq!((result, back.as_ptr(), back[63]), (Ok(64), at, byte));
        buffer = back;
    }
}

#[test]
fn a_slot_outlives_operations_that_were_dropped_or_are_not_given_up() {
    let mut slot = FutureSlot::new();
    assert_eq!(ready(futures::square_again(&mut slot, 1)), Ok(1));
    // Zig still has the completion of a dropped operation: its memory is not the slot's any more.
    drop(futures::held_again(&mut slot, 9));
    let old = futures::Held::begun(9);
    assert_eq!(ready(futures::square_again(&mut slot, 2)), Ok(4));
    assert!(old.is_canceled() && old.resolve(7));
    drop(old);
    // Resolved, and not given up.
    let held = {
        let mut future = pin!(futures::held_again(&mut slot, 9));
        let held = futures::Held::begun(9);
        assert!(held.resolve(5));
        let ready = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(ready, Poll::Ready(Ok(5)));
        held
    };
    assert_eq!(ready(futures::square_again(&mut slot, 3)), Ok(9));
    assert!(!held.resolve(6), "the old operation is not the new one");
    drop((held, slot));
}

#[test]
fn without_memory_an_operation_is_not_started_and_its_buffer_comes_back() {
    let buffer = vec![1, 2, 3];
    let (result, buffer) = without_memory(|| ready(futures::fill(1, buffer)));
    assert_eq!((result, buffer), (Err(FutureError::OutOfMemory), vec![1, 2, 3]));
    let mut slot = FutureSlot::new();
    let result = without_memory(|| ready(futures::square_again(&mut slot, 1)));
    assert_eq!(result, Err(FutureError::OutOfMemory));
    assert_eq!(ready(futures::square_again(&mut slot, 2)), Ok(4));
}

#[test]
fn a_refused_start_costs_the_slot_nothing_and_an_idle_slot_keeps_no_task() {
    let task = Task::new();
    let waker = task.waker();
    balanced(|| {
        let mut slot = FutureSlot::new();
        assert_eq!(ready(futures::mistaken::twos_complement(&mut slot, 2)), Ok(-2));
        let wrong = ready(futures::mistaken::square_in(&mut slot, 2));
        assert!(matches!(wrong, Err(FutureError::NotStarted(_))), "{wrong:?}");
        let again = || ready(futures::mistaken::twos_complement(&mut slot, 3));
        assert_eq!(counted(again), (Ok(-3), NOTHING));
        slot
    });
    let mut slot = FutureSlot::new();
    {
        let mut future = pin!(futures::held_again(&mut slot, 13));
        let held = futures::Held::begun(13);
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(task.wakers(), 2);
        assert!(held.resolve(1));
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    }
    assert_eq!(task.wakers(), 1);
    drop(slot);
    assert_eq!(ready(futures::sum_again(&mut FutureSlot::new(), "ab", 1.0, false)), Ok(195.0));
}

// -- time --

/// A limit around a future that waits is armed, polled again and dropped.
fn needs_nothing_for_a_wait(timer: &impl Timer) {
    const HOUR: Duration = Duration::from_secs(3600);
    let task = Task::new();
    let waker = task.waker();
    let wait = || {
        let mut limited = pin!(timeout(timer, HOUR, std::future::pending::<()>()));
        for _ in 0..2 {
            assert!(limited.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
    };
    wait(); // the timer's own memory
    let ((), counts) = counted(|| (0..1_000).for_each(|_| wait()));
    assert_eq!(counts, NOTHING);
}

#[test]
fn a_time_limit_allocates_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _inside = runtime.enter();
    needs_nothing_for_a_wait(&TokioTimer::new());
    needs_nothing_for_a_wait(&ManualTimer::new());
}

/// Ten attempts with their limits, delays and notices.
#[test]
fn a_retry_allocates_nothing() {
    let timer = ManualTimer::new();
    let fails = || std::future::ready(Err::<(), _>(TimeoutError::Elapsed));
    let waker = Task::new().waker();
    let try_all = || {
        let told = Cell::new(0);
        let trying = retry(&timer, exponential(Duration::from_millis(1)), fails)
            .max_attempts(10)
            .attempt_timeout(Duration::from_secs(1))
            .notify(|failure| told.set(failure.attempt));
        let mut trying = pin!(trying);
        while trying.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            timer.advance_to_next();
        }
        assert_eq!(told.get(), 9);
    };
    try_all();
    let ((), counts) = counted(|| (0..100).for_each(|_| try_all()));
    assert_eq!(counts, NOTHING);
}

/// Asked, waited for, given up; and a throttled stream.
#[test]
fn a_rate_limit_allocates_nothing() {
    let timer = ManualTimer::new();
    let limiter = RateLimiter::new(timer.clone(), Quota::every(Duration::from_millis(1)));
    let waker = Task::new().waker();
    let mut cx = Context::from_waker(&waker);
    let mut items = pin!(throttle(&limiter, futures_lite::stream::repeat(1)));
    let mut round = || {
        while limiter.check().is_ok() {}
        let mut first = pin!(limiter.until_ready());
        assert!(first.as_mut().poll(&mut cx).is_pending());
        {
            let mut second = pin!(limiter.until_ready());
            assert!(second.as_mut().poll(&mut cx).is_pending());
        }
        timer.advance_to_next();
        assert!(first.as_mut().poll(&mut cx).is_ready());
        while items.as_mut().poll_next(&mut cx).is_pending() {
            timer.advance_to_next();
        }
    };
    round();
    let ((), counts) = counted(|| (0..1_000).for_each(|_| round()));
    assert_eq!(counts, NOTHING);
}

/// Batches go into one buffer.
#[test]
fn batches_into_a_buffer_allocate_nothing() {
    let timer = ManualTimer::new();
    let numbers = zig::counter(0, u64::MAX).unwrap();
    let mut batches = pin!(batch_timeout(&timer, 100, Duration::from_secs(1), numbers));
    let mut buffer = Vec::with_capacity(100);
    let waker = Waker::noop();
    let mut take = || {
        {
            let mut next = pin!(batches.as_mut().next_into(&mut buffer));
            while next.as_mut().poll(&mut Context::from_waker(waker)).is_pending() {}
        }
        assert_eq!(buffer.len(), 100);
        buffer.clear();
    };
    (0..100).for_each(|_| take()); // some of them wait
    let ((), counts) = counted(|| (0..10_000).for_each(|_| take()));
    assert_eq!(counts, NOTHING);
}
