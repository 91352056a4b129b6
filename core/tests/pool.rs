//! Pools and buffers where no border is needed: for Miri, which runs no Zig, and looks at each access.
#![cfg(feature = "std")]

mod support;

use std::alloc::Layout;
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;

use support::assert_not_impl;
use zigflow_core::memory::{LocalZeroCopyBuffer, borrow_from_zig};
use zigflow_core::pool::{Arena, Block, Waiter, bytes};
use zigflow_core::{ByteReader, Pool, RustBuffer, SharedBuffer, ZeroCopyBuffer, spsc};

fn is_shared_between_threads<T: Send + Sync>() {}

#[test]
fn what_may_go_to_other_threads() {
    is_shared_between_threads::<Pool>();
    is_shared_between_threads::<Block>();
    is_shared_between_threads::<ZeroCopyBuffer>();
    is_shared_between_threads::<SharedBuffer>();
    is_shared_between_threads::<RustBuffer>();
    is_shared_between_threads::<Waiter>();
    is_shared_between_threads::<ByteReader<spsc::Receiver<ZeroCopyBuffer>, ZeroCopyBuffer>>();
    assert_not_impl!(LocalZeroCopyBuffer: Send);
    assert_not_impl!(LocalZeroCopyBuffer: Sync);
    assert_not_impl!(ByteReader<Rc<Cell<u8>>, Vec<u8>>: Send);
}

#[test]
fn a_block_goes_through_all_its_forms() {
    let pool = Pool::new(2, 64);
    let mut block = pool.try_acquire().unwrap();
    block.fill(1);
    block.set_len(40);
    let buffer = ZeroCopyBuffer::from(block);
    let mut block = Block::try_from(buffer).unwrap();
    block[3] = 2;
    let shared = SharedBuffer::from(block);
    let part = shared.slice(3..8);
    let given = ZeroCopyBuffer::from(RustBuffer::from(shared));
    let again = SharedBuffer::try_from_buffer(given).unwrap();
    drop(pool);
    assert_eq!((again.len(), &*part), (40, &[2, 1, 1, 1, 1][..]));
    assert_eq!(part.slice(1..).items::<[u8; 2]>().unwrap(), [[1, 1], [1, 1]]);
    drop(again);
    assert_eq!(part[0], 2);
}

/// The last owner of the memory is a block, a share, or a handle.
#[test]
fn the_pools_memory_goes_with_the_last() {
    for last in 0..3 {
        let pool = Pool::new(33, 16);
        let mut blocks: Vec<_> = (0..33).map(|_| pool.try_acquire()).collect();
        assert!(pool.try_acquire().is_none());
        let shared = SharedBuffer::from(blocks.pop().flatten().unwrap());
        match last {
            0 => drop((shared, pool, blocks)),
            1 => drop((blocks, pool, shared)),
            _ => drop((blocks, shared, pool)),
        }
    }
}

#[test]
fn threads_take_write_and_give_back() {
    let pool = Pool::new(3, 16);
    let (tx, rx) = mpsc::channel::<SharedBuffer>();
    let writer = {
        let pool = pool.clone();
        thread::spawn(move || {
            for n in 0..20 {
                let mut block = pool.acquire_blocking();
                block.fill(n);
                let shared = SharedBuffer::from(block);
                tx.send(shared.slice(..8)).unwrap();
                tx.send(shared).unwrap();
            }
        })
    };
    let reader = thread::spawn(move || {
        rx.iter()
            .enumerate()
            .for_each(|(n, bytes)| assert!(bytes.iter().all(|b| *b == n as u8 / 2)));
    });
    writer.join().unwrap();
    reader.join().unwrap();
    assert_eq!(pool.snapshot().available, 3);
}

#[test]
fn waiters_may_be_dropped_at_any_time() {
    let pool = Pool::new(1, 16);
    let block = pool.try_acquire();
    let mut cx = Context::from_waker(Waker::noop());
    let mut first = Box::pin(pool.acquire());
    let mut second = pin!(pool.acquire());
    let mut third = pool.waiter();
    assert!(first.as_mut().poll(&mut cx).is_pending());
    assert!(second.as_mut().poll(&mut cx).is_pending());
    assert!(third.poll_acquire(&mut cx).is_pending());
    drop(first);
    drop(block);
    let Poll::Ready(block) = second.as_mut().poll(&mut cx) else { panic!("no block") };
    drop(block);
    assert!(third.poll_acquire(&mut cx).is_ready());
}

#[test]
fn an_owner_may_hold_the_bytes_itself() {
    let buffer = ZeroCopyBuffer::from(RustBuffer::from_owner([1_u8, 2, 3]));
    assert_eq!(*buffer, [1, 2, 3]);
    let shared = SharedBuffer::from(buffer);
    let part = shared.slice(1..);
    drop(shared);
    assert_eq!(*part, [2, 3]);
    let buffers: [RustBuffer; 4] =
        [vec![1; 3].into(), "text".into(), vec![2; 2].into_boxed_slice().into(), part.into()];
    assert_eq!(buffers.iter().map(|buffer| buffer.len()).sum::<usize>(), 11);
    // SAFETY: the array lives, and nobody writes.
    assert_eq!(unsafe { borrow_from_zig([7_u8; 2].as_ptr(), 0) }, Ok(&[][..]));
}

#[test]
fn an_arena_is_used_again() {
    const BLOCK: Layout = Layout::new::<[u32; 4]>();
    static ARENA: Arena<{ bytes(3, BLOCK) }> = Arena::new();
    for _ in 0..2 {
        let pool = ARENA.pool(3, BLOCK).unwrap();
        let mut block = pool.try_acquire().unwrap();
        drop(pool);
        block.fill(1);
    }
}
