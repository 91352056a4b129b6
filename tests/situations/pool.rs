//! Pools: blocks that Rust and Zig take, fill and give back, and what happens when there is none.
#![forbid(unsafe_code)]

use std::alloc::Layout;
use std::collections::HashSet;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use futures_core::Stream;
use zigflow::pool::{Arena, Block, CreateError, POISON, bytes};
use zigflow::{Pool, SharedBuffer, ZeroCopyBuffer};
use zigflow_tests::ends::Lang::{Rust, Zig};
use zigflow_tests::ends::PAIRINGS;
use zigflow_tests::pools::{Handle, PoolThere, pooled};
use zigflow_tests::task::{Task, until, waker_fn};

// -- blocks --

#[test]
fn blocks_are_zeros_of_the_asked_size_and_alignment() {
    let pool = Pool::new(3, 100);
    assert_eq!((pool.blocks(), pool.block_size(), pool.block_alignment()), (3, 128, 64));
    let block = pool.try_acquire().unwrap();
    assert_eq!((block.len(), block.capacity(), block.as_ptr().addr() % 64), (128, 128, 0));
    assert!(block.iter().all(|byte| *byte == 0));
    for alignment in [1, 2, 8, 256, 4096] {
        let pool = Pool::try_new(5, Layout::from_size_align(24, alignment).unwrap()).unwrap();
        assert_eq!(pool.block_size(), 24_usize.next_multiple_of(alignment));
        let blocks: Vec<_> = (0..5).map(|_| pool.try_acquire().unwrap()).collect();
        assert!(blocks.iter().all(|block| block.as_ptr().addr() % alignment == 0));
    }
    let there = PoolThere::make(2, 40).unwrap();
    assert!(there.acquire().unwrap().address().is_multiple_of(64));
}

/// More than a word of a leaf holds: each block once, whatever the order in which they come home.
#[test]
fn each_block_has_one_owner() {
    for lang in [Rust, Zig] {
        for blocks in [1, 2, 29, 30, 31, 60, 61, 100] {
            let pool = Pool::new(blocks, 64);
            let handle = Handle::of(&pool, lang);
            let mut rng = fastrand::Rng::with_seed(blocks as u64);
            let mut held = Vec::new();
            for round in 0..4 {
                while let Some(block) = handle.try_acquire() {
                    held.push(block);
                }
                assert_eq!(held.len(), blocks);
                let addresses: HashSet<usize> = held.iter().map(|held| held.address()).collect();
                assert_eq!(addresses.len(), blocks);
                let (first, last) = (addresses.iter().min(), addresses.iter().max());
                assert_eq!(last.unwrap() - first.unwrap(), (blocks - 1) * 64);
                rng.shuffle(&mut held);
                held.truncate(blocks / 2 * (round % 2));
                assert_eq!(pool.snapshot().available, blocks - held.len());
            }
        }
    }
}

#[test]
fn what_one_language_wrote_the_other_reads() {
    for (here, there) in PAIRINGS {
        let pool = Pool::new(2, 64);
        let (here, there) = (Handle::of(&pool, here), Handle::of(&pool, there));
        let mut block = here.try_acquire().unwrap();
        block.fill(7);
        let buffer = block.give(64);
        assert!(buffer.len() == 64 && buffer.iter().all(|byte| *byte == 7));
        assert_eq!(pool.snapshot().available, 1);
        let kept = there.try_acquire().unwrap();
        assert!(there.try_acquire().is_none() && here.try_acquire().is_none());
        drop(buffer);
        let again = there.try_acquire().unwrap();
        assert_ne!(again.address(), kept.address());
    }
}

#[test]
fn a_length_says_how_much_was_filled() {
    let pool = Pool::new(1, 64);
    let mut block = pool.try_acquire().unwrap();
    block[..3].copy_from_slice(b"abc");
    block.set_len(3);
    assert_eq!((&*block, block.capacity()), (&b"abc"[..], 64));
    block.set_len(64);
    assert_eq!(&block[..4], b"abc\0");
    block.set_len(0);
    assert!(block.is_empty());
    assert_eq!(ZeroCopyBuffer::from(block).len(), 0);
    assert_eq!(pool.try_acquire().unwrap().len(), 64, "the next owner begins with all of it");
}

#[test]
fn a_buffer_that_is_a_block_is_one_again() {
    for lang in [Rust, Zig] {
        let pool = Pool::new(2, 64);
        let mut held = Handle::of(&pool, lang).try_acquire().unwrap();
        held.fill(1);
        let mut block = Block::try_from(held.give(10)).unwrap();
        block[9] = 2;
        assert_eq!((block.len(), block.capacity()), (10, 64));
        block.set_len(64);
        assert_eq!((block[8], block[9], block[10]), (1, 2, 1));
        // Not if others see it, nor a part, nor what is no block.
        let shared = SharedBuffer::from(block);
        let buffer = Block::try_from(ZeroCopyBuffer::from(shared.clone())).unwrap_err();
        assert!(buffer[9] == 2 && pool.contains(&buffer) && pool.contains(&shared.slice(60..)));
        drop((buffer, shared));
        let vec = ZeroCopyBuffer::from(vec![7; 64]);
        assert!(!pool.contains(&vec));
        assert_eq!(*Block::try_from(vec).unwrap_err(), [7; 64]);
        assert_eq!(pool.snapshot().available, 2);
    }
}

#[test]
#[should_panic(expected = "a length of 65 bytes in a block of 64")]
fn a_length_beyond_the_block_is_refused() {
    Pool::new(1, 64).try_acquire().unwrap().set_len(65);
}

#[test]
fn released_bytes_are_poisoned_in_a_debug_build() {
    for lang in [Rust, Zig] {
        let pool = Pool::new(1, 64);
        let mut block = Handle::of(&pool, lang).try_acquire().unwrap();
        block.fill(7);
        drop(block);
        let block = pool.try_acquire().unwrap();
        let expected = if cfg!(debug_assertions) { POISON } else { 7 };
        // Zig's builds are of the same kind as Rust's.
        assert!(block.iter().all(|byte| *byte == expected), "{lang:?}: {:?}", &block[..4]);
    }
}

// -- the pool's end --

/// Handles and blocks of both languages go in any order; each block is there to the last. (That the memory is freed
/// once and not before is for AddressSanitizer, and for `memory.rs`, which counts.)
#[test]
fn a_pool_lives_as_long_as_a_handle_or_a_block() {
    for order in permutations(5) {
        let pool = Pool::new(3, 64);
        let there = Handle::of(&pool, Zig);
        let mut one = pool.try_acquire().unwrap();
        one[0] = 1;
        let mut other = there.try_acquire().unwrap();
        other.fill(2);
        let shared: SharedBuffer = pool.try_acquire().unwrap().into();
        let (mut one, mut other, mut shared) = (Some(one), Some(other), Some(shared));
        let (mut pool, mut there) = (Some(pool), Some(there));
        for step in order {
            assert!(one.as_ref().is_none_or(|block| block[0] == 1));
            assert!(other.as_ref().is_none_or(|block| block.is_all(2)));
            assert!(shared.as_ref().is_none_or(|bytes| bytes.len() == 64));
            match step {
                0 => drop(one.take()),
                1 => drop(other.take()),
                2 => drop(shared.take()),
                3 => drop(pool.take()),
                _ => drop(there.take()),
            }
        }
    }
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in permutations(count - 1) {
        for at in 0..count {
            let mut longer = shorter.clone();
            longer.insert(at, count - 1);
            all.push(longer);
        }
    }
    all
}

#[test]
fn what_was_never_opened_in_zig_is_one_handle_less() {
    let pool = Pool::new(1, 64);
    let block = pool.try_acquire();
    let on_its_way = pool.to_zig();
    drop(pool);
    drop(on_its_way);
    drop(block);
}

// -- waiting --

#[test]
fn those_who_wait_are_served_in_order() {
    let pool = Pool::new(1, 64);
    let block = pool.try_acquire();
    let [first, second] = [Task::new(), Task::new()];
    let mut one = pin!(pool.acquire());
    let mut two = pin!(pool.acquire());
    assert!(first.run(|cx| one.as_mut().poll(cx)).is_pending());
    assert!(second.run(|cx| two.as_mut().poll(cx)).is_pending());
    assert_eq!((pool.snapshot().waiting, pool.snapshot().sleeps), (2, 2));
    drop(block);
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    let Poll::Ready(block) = first.run(|cx| one.as_mut().poll(cx)) else { panic!("no block") };
    assert_eq!((pool.snapshot().waiting, second.wakes()), (1, 0));
    drop(block);
    assert_eq!(second.wakes(), 1);
    assert!(second.run(|cx| two.as_mut().poll(cx)).is_ready());
    assert_eq!((first.wakers(), second.wakers()), (0, 0));
}

#[test]
fn who_waits_in_zig_stands_in_the_same_queue() {
    let pool = Pool::new(1, 64);
    let there = PoolThere::take(pool.to_zig()).unwrap();
    let block = there.acquire();
    let [first, second, third] = [Task::new(), Task::new(), Task::new()];
    let mut one = there.waiter();
    assert!(first.run(|cx| one.poll(cx)).is_none());
    let mut two = pin!(pool.acquire());
    assert!(second.run(|cx| two.as_mut().poll(cx)).is_pending());
    let mut three = there.waiter();
    assert!(third.run(|cx| three.poll(cx)).is_none());
    drop(block);
    assert_eq!((first.wakes(), second.wakes(), third.wakes()), (1, 0, 0));
    // The first gives up: its wake goes to the second.
    drop(one);
    assert_eq!((second.wakes(), third.wakes()), (1, 0));
    let block = second.run(|cx| two.as_mut().poll(cx));
    assert!(block.is_ready());
    drop(block);
    assert!(third.wakes() == 1 && third.run(|cx| three.poll(cx)).is_some());
    assert!([first, second, third].iter().all(|task| task.wakers() == 0));
}

#[test]
fn several_blocks_that_come_home_serve_several() {
    let pool = Pool::new(40, 64);
    let held: Vec<_> = (0..40).map(|_| pool.try_acquire().unwrap()).collect();
    let tasks: Vec<Task> = (0..20).map(|_| Task::new()).collect();
    let mut waiting: Vec<_> = tasks.iter().map(|_| Box::pin(pool.acquire())).collect();
    for (task, acquire) in tasks.iter().zip(&mut waiting) {
        assert!(task.run(|cx| acquire.as_mut().poll(cx)).is_pending());
    }
    drop(held);
    let (mut served, mut done) = (Vec::new(), HashSet::new());
    while served.len() < 20 {
        let before = served.len();
        for (task, acquire) in tasks.iter().zip(&mut waiting) {
            if task.wakes() == 1 && task.wakers() == 0 && !done.contains(&task.memory().as_ptr()) {
                let Poll::Ready(block) = task.run(|cx| acquire.as_mut().poll(cx)) else {
                    panic!("woken in vain")
                };
                done.insert(task.memory().as_ptr());
                served.push(block);
            }
        }
        assert!(served.len() > before, "a wake was lost");
    }
    assert_eq!(pool.snapshot().available, 20);
    assert!(tasks.iter().all(|task| task.wakes() == 1), "each is woken once");
}

/// Afterwards nobody waits, and a block comes home without a look at the list.
#[test]
fn who_no_longer_waits_is_not_woken() {
    let pool = Pool::new(1, 64);
    let block = pool.try_acquire();
    let task = Task::new();
    {
        let mut acquire = Box::pin(pool.acquire());
        assert!(task.run(|cx| acquire.as_mut().poll(cx)).is_pending());
    }
    assert_eq!((pool.snapshot().waiting, task.wakers()), (0, 0));
    drop(block);
    assert_eq!((task.wakes(), pool.snapshot().wakes), (0, 0));
    assert!(pool.try_acquire().is_some());
}

#[test]
fn a_waker_may_take_the_block_itself() {
    let pool = Pool::new(1, 64);
    let block = pool.try_acquire();
    let taken = Arc::new(AtomicU32::new(0));
    let waker = {
        let (pool, taken) = (pool.clone(), taken.clone());
        waker_fn(move || {
            let block = pool.try_acquire();
            taken.fetch_add(u32::from(block.is_some()), SeqCst);
        })
    };
    let mut acquire = pin!(pool.acquire());
    let mut cx = std::task::Context::from_waker(&waker);
    assert!(acquire.as_mut().poll(&mut cx).is_pending());
    drop(block);
    assert_eq!(taken.load(SeqCst), 1);
    assert!(acquire.as_mut().poll(&mut cx).is_ready());
}

/// The pool's memory goes in the wake itself: the waker has the last handle, and the future is gone.
#[test]
fn a_waker_may_drop_the_last_handle() {
    type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;
    let slot: Arc<Mutex<Option<(Boxed, Pool)>>> = Arc::default();
    let pool = Pool::new(1, 64);
    let block = pool.try_acquire();
    let waits = pool.clone();
    let mut future: Boxed = Box::pin(async move {
        drop(waits.acquire().await);
    });
    let waker = {
        let slot = slot.clone();
        waker_fn(move || drop(slot.lock().unwrap().take()))
    };
    assert!(future.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());
    *slot.lock().unwrap() = Some((future, pool));
    drop(block);
    assert!(slot.lock().unwrap().is_none());
}

/// The waker panics: the block is home all the same, and nobody is forgotten.
#[test]
fn a_waker_that_panics_loses_no_block() {
    let pool = Pool::new(1, 64);
    let block = pool.try_acquire().unwrap();
    let mut acquire = Box::pin(pool.acquire());
    let waker = waker_fn(|| panic!("in a wake"));
    assert!(acquire.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(block)));
    assert!(dropped.is_err());
    drop(acquire);
    assert!(pool.try_acquire().is_some());
    drop(pool);
}

#[test]
fn a_thread_waits_for_a_block() {
    for (waiter, holder) in PAIRINGS {
        let pool = Pool::new(1, 64);
        let block = Handle::of(&pool, holder).try_acquire().unwrap();
        let handle = Handle::of(&pool, waiter);
        let thread = thread::spawn(move || handle.acquire_blocking().address());
        until(|| pool.snapshot().waiting == 1);
        let address = block.address();
        drop(block);
        assert_eq!(thread.join().unwrap(), address);
    }
}

#[test]
fn a_wait_with_a_timeout_ends() {
    let pool = Pool::new(1, 64);
    let there = PoolThere::take(pool.to_zig()).unwrap();
    let block = pool.try_acquire();
    assert!(pool.acquire_blocking_timeout(Duration::from_millis(1)).is_none());
    assert!(there.acquire_within(1_000_000).is_none());
    assert_eq!(pool.snapshot().waiting, 0);
    drop(block);
    assert!(pool.acquire_blocking_timeout(Duration::ZERO).is_some());
    assert!(there.acquire_within(0).is_some());
}

/// Six threads of both languages, four blocks: each is alone with what it has, and all end.
#[test]
fn threads_share_few_blocks() {
    const ROUNDS: u32 = 3_000;
    let pool = Pool::new(4, 64);
    let threads: Vec<_> = (0..6_u8)
        .map(|number| {
            let handle = Handle::of(&pool, if number % 2 == 0 { Rust } else { Zig });
            thread::spawn(move || {
                for round in 0..ROUNDS {
                    let mut block = match handle.try_acquire() {
                        Some(block) if round % 3 > 0 => block,
                        other => {
                            drop(other);
                            handle.acquire_blocking()
                        }
                    };
                    block.fill(number);
                    assert!(block.is_all(number));
                    if round % 4 == 0 {
                        let shared = block.share(64);
                        let part = shared.slice(1..3);
                        drop(shared);
                        assert_eq!(&*part, [number; 2]);
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let snapshot = pool.snapshot();
    assert_eq!((snapshot.available, snapshot.waiting), (4, 0));
}

// -- sizes, and no memory --

#[test]
fn a_pool_that_cannot_be_is_refused() {
    let layout = |size, alignment| Layout::from_size_align(size, alignment).unwrap();
    let error = |blocks, block| Pool::try_new(blocks, block).unwrap_err();
    let size = CreateError::Size;
    assert_eq!(error(0, layout(64, 64)), size);
    assert_eq!(error(1, layout(0, 1)), size);
    assert_eq!(error((1 << 30) + 1, layout(1, 1)), size);
    assert_eq!(error(1 << 30, layout(1 << (usize::BITS - 24), 1)), size);
    assert_eq!(error(1 << 20, layout(1 << (usize::BITS - 21), 1)), size);
    // A size that is possible, and that no machine has: there is none of 32 bits.
    #[cfg(target_pointer_width = "64")]
    assert_eq!(error(1, layout(1 << 60, 1)), CreateError::OutOfMemory);
    assert!(error(0, layout(1, 1)).to_string().contains("1 to 2^30 blocks"));
    assert_eq!(PoolThere::make(0, 64).unwrap_err().name(), "Size");
    assert_eq!(PoolThere::make(1, 0).unwrap_err().name(), "Size");
}

#[test]
fn an_arena_holds_one_pool_at_a_time() {
    const BLOCK: Layout = Layout::new::<[u64; 9]>();
    static ARENA: Arena<{ bytes(40, BLOCK) }> = Arena::new();
    for round in 0..3_u8 {
        let pool = ARENA.pool(40, BLOCK).unwrap();
        assert_eq!((pool.blocks(), pool.block_size()), (40, 72));
        assert_eq!(ARENA.pool(1, BLOCK).unwrap_err(), CreateError::InUse);
        let mut held: Vec<_> = (0..40).map(|_| pool.try_acquire().unwrap()).collect();
        assert!(pool.try_acquire().is_none());
        held.iter_mut().for_each(|block| block.fill(round));
        let last = held.pop();
        drop((held, pool));
        assert_eq!(ARENA.pool(1, BLOCK).unwrap_err(), CreateError::InUse, "a block is not home");
        assert!(last.is_some_and(|block| block.iter().all(|byte| *byte == round)));
    }
    // A smaller one in the same memory, where nothing is left of the first one; a larger one not.
    let small = ARENA.pool(3, BLOCK).unwrap();
    assert!(small.try_acquire().unwrap().iter().all(|byte| *byte == 0));
    drop(small);
    let needed = bytes(41, BLOCK);
    let too_small = CreateError::Arena { needed, found: bytes(40, BLOCK) };
    assert_eq!(ARENA.pool(41, BLOCK).unwrap_err(), too_small);
    assert!(too_small.to_string().contains(&needed.to_string()));
    let page = Layout::from_size_align(256, 256).unwrap();
    assert_eq!(ARENA.pool(1, page).unwrap_err(), CreateError::Alignment);
}

// -- an allocator over blocks --

#[test]
fn zig_allocates_in_blocks() {
    // (A list begins with a cache line, which on s390x has 256 bytes.)
    let pool = Pool::new(4, 512);
    let there = PoolThere::take(pool.to_zig()).unwrap();
    assert_eq!(there.allocates(), Ok(()));
    // A list grows to what a block holds, and in place.
    let listed = there.listed().unwrap();
    assert!((64..=128).contains(&listed), "{listed} numbers in a block of 512 bytes");
    assert_eq!(pool.snapshot().available, 4);
}

#[test]
fn each_allocation_may_fail() {
    let pool = Pool::new(7, 64);
    let there = PoolThere::take(pool.to_zig()).unwrap();
    assert_eq!(there.every_failure(), Ok(()));
    assert_eq!(pool.snapshot().available, 7);
}

// -- streams of blocks --

/// What stops the source is memory: as many items as it has blocks, whatever the reader polls.
#[test]
fn a_slow_reader_stops_the_source_by_memory() {
    let task = Task::new();
    let mut stream = Box::pin(pooled(3, 100, 10).unwrap());
    let mut held = Vec::new();
    while let Poll::Ready(Some(item)) = task.run(|cx| stream.as_mut().poll_next(cx)) {
        held.push(item.unwrap());
    }
    assert_eq!((held.len(), task.wakes()), (3, 0));
    assert!(task.run(|cx| stream.as_mut().poll_next(cx)).is_pending());
    for (seen, expected) in (3..10).enumerate() {
        let oldest = held.remove(0);
        assert!(oldest.len() == 100 && oldest.iter().all(|byte| usize::from(*byte) == seen));
        drop(oldest);
        task.wait_for(expected - 2);
        let Poll::Ready(Some(Ok(item))) = task.run(|cx| stream.as_mut().poll_next(cx)) else {
            panic!("a block came home, and no item came")
        };
        held.push(item);
        // The end needs no block.
        let next = task.run(|cx| stream.as_mut().poll_next(cx));
        assert_eq!(next.is_pending(), expected < 9);
    }
    // The stream has ended; what it gave lives on.
    drop(stream);
    assert_eq!(held.iter().map(|item| item[99]).collect::<Vec<_>>(), [7, 8, 9]);
}

#[test]
fn a_stream_that_waits_for_a_block_may_be_dropped() {
    let task = Task::new();
    let mut stream = Box::pin(pooled(1, 100, 10).unwrap());
    let Poll::Ready(Some(Ok(item))) = task.run(|cx| stream.as_mut().poll_next(cx)) else {
        panic!("there was a block")
    };
    assert!(task.run(|cx| stream.as_mut().poll_next(cx)).is_pending());
    drop(stream);
    assert_eq!(task.wakers(), 0);
    assert!(item.iter().all(|byte| *byte == 0));
    drop(item);
    assert_eq!(task.wakes(), 0);
}
