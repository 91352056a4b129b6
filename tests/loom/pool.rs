//! A pool whose handles, blocks and waiters are in Rust or in compiled Zig: a block has one owner at a time, whoever waits
//! gets the one that comes home, and the memory is freed once, after its last use.
//!
//! A leaf has two blocks here. The last tests sow bugs, one at a time, and expect a scenario to fail.
#![cfg(loom)]

use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc as StdArc;
use std::sync::atomic::{AtomicUsize as StdUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

use loom::thread;
use zigflow_core::abi::{RawPool, RawShared, RawWaker};
use zigflow_core::pool::{Acquire, Block};
use zigflow_core::sync::model;
use zigflow_core::{__private::ForZig, Pool, SharedBuffer};
use zigflow_loom::explore::Side::{self, Rust, Zig};
use zigflow_loom::task::Task;

// Unwinding through Zig is how loom ends an execution that failed.
unsafe extern "C-unwind" {
    fn model_pool_open(pool: *mut RawPool) -> bool;
    fn model_pool_clone(pool: *mut RawPool);
    fn model_pool_deinit(pool: *mut RawPool);
    fn model_pool_try_acquire(pool: *mut RawPool) -> Option<NonNull<RawShared>>;
    fn model_block_deinit(block: NonNull<RawShared>);
    safe fn model_waiter_bytes() -> usize;
    fn model_waiter_init(pool: *mut RawPool, waiter: *mut Place);
    fn model_waiter_poll(waiter: *mut Place, waker: &RawWaker) -> Option<NonNull<RawShared>>;
    fn model_waiter_cancel(waiter: *mut Place);
    fn model_block_data(block: NonNull<RawShared>) -> *const u8;
    fn model_block_share(block: NonNull<RawShared>);
    fn model_shared_deinit(block: NonNull<RawShared>);
}

/// The memory of a Zig waiter.
type Place = [u64; 16];

/// A pointer to what any thread may use.
#[derive(Clone, Copy)]
struct Any<T>(T);

// SAFETY: pools, blocks and shared bytes may be used on any thread.
unsafe impl<T> Send for Any<T> {}

/// A handle.
enum Handle {
    Rust(Pool),
    Zig(Any<*mut RawPool>),
}

/// A block with one owner.
enum Held {
    Rust(Block),
    Zig(Any<NonNull<RawShared>>),
}

impl Handle {
    /// Of a new pool.
    fn new(side: Side, blocks: usize) -> Self {
        Self::of(Pool::new(blocks, 64), side)
    }

    fn of(pool: Pool, side: Side) -> Self {
        match side {
            Rust => Self::Rust(pool),
            Zig => {
                let raw = pool.to_zig().into_raw();
                // SAFETY: a pool on its way.
                assert!(unsafe { model_pool_open(raw) });
                Self::Zig(Any(raw))
            }
        }
    }

    fn another(&self) -> Self {
        match self {
            Self::Rust(pool) => Self::Rust(pool.clone()),
            Self::Zig(pool) => {
                // SAFETY: not gone.
                unsafe { model_pool_clone(pool.0) };
                Self::Zig(*pool)
            }
        }
    }

    fn try_acquire(&self) -> Option<Held> {
        match self {
            Self::Rust(pool) => pool.try_acquire().map(Held::Rust),
            // SAFETY: not gone.
            Self::Zig(pool) => unsafe { model_pool_try_acquire(pool.0) }.map(|b| Held::Zig(Any(b))),
        }
    }

    fn acquire(&self) -> Held {
        self.try_acquire().expect("NO BLOCK")
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Self::Zig(pool) = self {
            // SAFETY: once.
            unsafe { model_pool_deinit(pool.0) };
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Self::Zig(block) = self {
            // SAFETY: once.
            unsafe { model_block_deinit(block.0) };
        }
    }
}

/// One that waits, with its task and, unless it borrows one, its handle.
struct Waiting {
    side: WaitingIn,
    task: &'static Task,
    own: Waker,
    slept: Option<u32>,
}

enum WaitingIn {
    /// The future stands before what it borrows.
    Rust(Option<Pin<Box<Acquire<'static>>>>, Box<Pool>),
    Zig(Box<Place>, Any<*mut RawPool>),
    Gone,
}

impl Waiting {
    /// Takes the handle.
    fn new(handle: Handle, live: &StdArc<StdUsize>) -> Self {
        let (task, own) = Task::new(live);
        let mut handle = std::mem::ManuallyDrop::new(handle);
        let side = match &mut *handle {
            Handle::Rust(pool) => {
                // SAFETY: read once, not dropped.
                let pool = Box::new(unsafe { std::ptr::read(pool) });
                // SAFETY: boxed, and dropped after the future.
                let lent: &'static Pool = unsafe { &*(&raw const *pool) };
                WaitingIn::Rust(Some(Box::pin(lent.acquire())), pool)
            }
            Handle::Zig(pool) => {
                assert!(model_waiter_bytes() <= size_of::<Place>());
                let mut place = Box::new([0; 16]);
                // SAFETY: the handle is kept.
                unsafe { model_waiter_init(pool.0, &raw mut *place) };
                WaitingIn::Zig(place, *pool)
            }
        };
        Self { side, task, own, slept: None }
    }

    fn poll(&mut self) -> Option<Held> {
        let before = self.task.wakes();
        let polled = match &mut self.side {
            WaitingIn::Rust(future, _) => {
                let mut cx = Context::from_waker(&self.own);
                match future.as_mut().expect("polled again").as_mut().poll(&mut cx) {
                    Poll::Ready(block) => Some(Held::Rust(block)),
                    Poll::Pending => None,
                }
            }
            WaitingIn::Zig(place, _) => {
                // SAFETY: it stays in its box.
                let block =
                    unsafe { model_waiter_poll(&raw mut **place, &RawWaker::of(&self.own)) };
                block.map(|block| Held::Zig(Any(block)))
            }
            WaitingIn::Gone => None,
        };
        self.slept = polled.is_none().then_some(before);
        polled
    }

    fn is_woken(&self) -> bool {
        self.slept.is_none_or(|before| self.task.wakes() > before)
    }

    /// Polls as often as it is woken; then it has a block.
    fn settle(&mut self) -> Held {
        while self.is_woken() {
            if let Some(block) = self.poll() {
                return block;
            }
        }
        panic!("LOST WAKEUP");
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.side, WaitingIn::Gone) {
            WaitingIn::Rust(future, pool) => {
                drop(future);
                drop(pool);
            }
            // SAFETY: the waiter and its handle go here.
            WaitingIn::Zig(mut place, pool) => unsafe {
                model_waiter_cancel(&raw mut *place);
                model_pool_deinit(pool.0);
            },
            WaitingIn::Gone => {}
        }
    }
}

fn explore(roles: [&str; 2], name: &str, scenario: fn(Side, Side)) {
    zigflow_loom::explore::explore(roles, name, None, scenario);
}

fn finds(number: u32, scenario: &str) {
    let words = [
        "LOST WAKEUP",
        "NO BLOCK",
        "Causality violation",
        "Concurrent",
        "is used before it lives",
        "double free",
        "is left",
    ];
    zigflow_loom::explore::finds(number, scenario, &words);
}

/// All is freed.
fn expect_nothing(live: &StdUsize) {
    assert_eq!(live.load(SeqCst), 0, "a waker is left, or was dropped twice");
    assert_eq!(model::living(), 0, "a pool is left");
}

/// Two take and give back at once what two blocks are there for: each finds one, and nobody has the other's.
#[test]
fn two_take_two_blocks() {
    explore(["one", "other"], "two_take_two_blocks", |one, other| {
        let pool = Handle::new(one, 2);
        let theirs = match &pool {
            Handle::Rust(pool) => Handle::of(pool.clone(), other),
            Handle::Zig(_) => pool.another(),
        };
        let thread = thread::spawn(move || drop((theirs.acquire(), theirs)));
        drop(pool.acquire());
        thread.join().unwrap();
        let both = (pool.acquire(), pool.acquire());
        assert!(pool.try_acquire().is_none());
        drop((both, pool));
        expect_nothing(&StdUsize::new(0));
    });
}

/// One block, taken and given back by both: what the one wrote, the other sees.
#[test]
fn one_block_for_two() {
    explore(["one", "other"], "one_block_for_two", |one, other| {
        let pool = Pool::new(1, 64);
        let (ours, theirs) = (Handle::of(pool.clone(), one), Handle::of(pool.clone(), other));
        let thread = thread::spawn(move || drop((theirs.try_acquire(), theirs)));
        drop((ours.try_acquire(), ours));
        thread.join().unwrap();
        assert!(pool.try_acquire().is_some(), "NO BLOCK");
        drop(pool);
        expect_nothing(&StdUsize::new(0));
    });
}

/// One waits for the block that the other gives back.
#[test]
fn a_wait_against_a_release() {
    explore(["waiter", "holder"], "a_wait_against_a_release", |waiter, holder| {
        let live = StdArc::new(StdUsize::new(0));
        let pool = Pool::new(1, 64);
        let block = Handle::of(pool.clone(), holder).acquire();
        let mut waiting = Waiting::new(Handle::of(pool.clone(), waiter), &live);
        drop(pool);
        let thread = thread::spawn(move || drop(block));
        let block = waiting.poll();
        thread.join().unwrap();
        let block = block.unwrap_or_else(|| waiting.settle());
        drop((block, waiting));
        expect_nothing(&live);
    });
}

/// The same, where the block is in the second of two leaves and the first stays empty.
#[test]
fn a_wait_for_a_block_of_another_leaf() {
    explore(["waiter", "holder"], "a_wait_for_a_block_of_another_leaf", |waiter, holder| {
        let live = StdArc::new(StdUsize::new(0));
        let pool = Pool::new(3, 64);
        let handle = Handle::of(pool.clone(), holder);
        let kept = [handle.acquire(), handle.acquire()];
        let block = handle.acquire();
        let mut waiting = Waiting::new(Handle::of(pool.clone(), waiter), &live);
        drop(pool);
        let thread = thread::spawn(move || drop((block, handle)));
        let block = waiting.poll();
        thread.join().unwrap();
        let block = block.unwrap_or_else(|| waiting.settle());
        drop((block, waiting, kept));
        expect_nothing(&live);
    });
}

/// Two wait; two blocks come home at once, of which one wake may stand for both.
#[test]
fn two_wait_for_two_blocks() {
    explore(["waiters", "holders"], "two_wait_for_two_blocks", |waiters, holders| {
        let live = StdArc::new(StdUsize::new(0));
        let pool = Pool::new(2, 64);
        let handle = Handle::of(pool.clone(), holders);
        let (one, other) = (handle.acquire(), handle.acquire());
        let mut waiting = [(); 2].map(|()| Waiting::new(Handle::of(pool.clone(), waiters), &live));
        assert!(waiting.iter_mut().all(|waiting| waiting.poll().is_none()));
        drop((pool, handle));
        let thread = thread::spawn(move || drop(one));
        drop(other);
        thread.join().unwrap();
        // In the order of their wakes, as a runtime would.
        let [first, second] = &mut waiting;
        let blocks = if first.is_woken() {
            (first.settle(), second.settle())
        } else {
            (second.settle(), first.settle())
        };
        drop((blocks, waiting));
        expect_nothing(&live);
    });
}

/// The block comes home, somebody who did not wait takes it and gives it back: who waits gets it all the same. (Without a
/// bound these are 1.9 million executions, in which nothing was found, and five minutes.)
#[test]
fn a_newcomer_is_faster() {
    let name = "a_newcomer_is_faster";
    zigflow_loom::explore::explore(["waiter", "newcomer"], name, Some(3), |waiter, newcomer| {
        let live = StdArc::new(StdUsize::new(0));
        let pool = Pool::new(1, 64);
        let block = Handle::of(pool.clone(), waiter).acquire();
        let mut waiting = Waiting::new(Handle::of(pool.clone(), waiter), &live);
        let newcomer = Handle::of(pool, newcomer);
        assert!(waiting.poll().is_none());
        let thread = thread::spawn(move || drop(block));
        let other = thread::spawn(move || drop((newcomer.try_acquire(), newcomer)));
        // As a runtime would: now or, if it is in vain, later.
        let block = if waiting.is_woken() { waiting.poll() } else { None };
        thread.join().unwrap();
        other.join().unwrap();
        let block = block.unwrap_or_else(|| waiting.settle());
        drop((block, waiting));
        expect_nothing(&live);
    });
}

/// The one block of a pool, which somebody has, and two that may wait for it.
fn two_for_one(waiters: Side, holder: Side) -> (StdArc<StdUsize>, Held, [Waiting; 2]) {
    let live = StdArc::new(StdUsize::new(0));
    let pool = Pool::new(1, 64);
    let block = Handle::of(pool.clone(), holder).acquire();
    let waiting = [(); 2].map(|()| Waiting::new(Handle::of(pool.clone(), waiters), &live));
    (live, block, waiting)
}

/// The first of two that wait gives up just when the block comes home: the second gets it.
#[test]
fn who_gives_up_passes_the_wake_on() {
    explore(["waiters", "holder"], "who_gives_up_passes_the_wake_on", |waiters, holder| {
        let (live, block, [mut first, mut second]) = two_for_one(waiters, holder);
        assert!(first.poll().is_none() && second.poll().is_none());
        let thread = thread::spawn(move || drop(block));
        drop(first);
        thread.join().unwrap();
        drop((second.settle(), second));
        expect_nothing(&live);
    });
}

/// Who waited alone gives up, and clears the flags, while another one comes to wait.
#[test]
fn who_leaves_clears_nobodys_flags() {
    explore(["waiters", "holder"], "who_leaves_clears_nobodys_flags", |waiters, holder| {
        let (live, block, [mut first, mut second]) = two_for_one(waiters, holder);
        assert!(first.poll().is_none());
        let thread = thread::spawn(move || drop(first));
        assert!(second.poll().is_none());
        thread.join().unwrap();
        drop(block);
        drop((second.settle(), second));
        expect_nothing(&live);
    });
}

/// The same, and who has come has the block itself and gives it back, while the other one still clears and sets flags.
#[test]
fn who_comes_brings_the_block_home() {
    explore(["waiters", "holder"], "who_comes_brings_the_block_home", |waiters, holder| {
        let (live, block, [mut first, mut second]) = two_for_one(waiters, holder);
        assert!(first.poll().is_none());
        let thread = thread::spawn(move || {
            assert!(second.poll().is_none());
            drop(block);
            second
        });
        drop(first);
        let mut second = thread.join().unwrap();
        drop((second.settle(), second));
        expect_nothing(&live);
    });
}

/// The same while the block comes home.
#[test]
fn who_leaves_and_who_comes_and_a_release() {
    let name = "who_leaves_and_who_comes_and_a_release";
    zigflow_loom::explore::explore(["waiters", "holder"], name, Some(2), |waiters, holder| {
        let (live, block, [mut first, mut second]) = two_for_one(waiters, holder);
        assert!(first.poll().is_none());
        let thread = thread::spawn(move || drop(first));
        let other = thread::spawn(move || drop(block));
        let block = second.poll();
        thread.join().unwrap();
        other.join().unwrap();
        let block = block.unwrap_or_else(|| second.settle());
        drop((block, second));
        expect_nothing(&live);
    });
}

/// The last handle and the last block go at once.
#[test]
fn the_last_handle_against_the_last_block() {
    let roles = ["handle", "holder"];
    explore(roles, "the_last_handle_against_the_last_block", |handle, holder| {
        let pool = Pool::new(3, 64);
        let block = {
            let holder = Handle::of(pool.clone(), holder);
            holder.acquire()
        };
        let handle = Handle::of(pool, handle);
        let thread = thread::spawn(move || drop(block));
        drop(handle);
        thread.join().unwrap();
        expect_nothing(&StdUsize::new(0));
    });
}

/// The only one that waits gives up, with the last handle, while a block comes home that wants to wake it.
#[test]
fn a_release_that_wakes_against_the_last_handle() {
    let roles = ["waiter", "holder"];
    explore(roles, "a_release_that_wakes_against_the_last_handle", |waiter, holder| {
        let live = StdArc::new(StdUsize::new(0));
        let pool = Pool::new(1, 64);
        let block = Handle::of(pool.clone(), holder).acquire();
        let mut waiting = Waiting::new(Handle::of(pool, waiter), &live);
        assert!(waiting.poll().is_none());
        let thread = thread::spawn(move || drop(block));
        drop(waiting);
        thread.join().unwrap();
        expect_nothing(&live);
    });
}

/// One of two owners of a block.
enum Share {
    Rust(SharedBuffer),
    Zig(Any<NonNull<RawShared>>),
}

impl Share {
    /// Reads, then goes.
    fn read(self) {
        model::read_place(match &self {
            Self::Rust(shared) => shared.as_ptr(),
            // SAFETY: an owner.
            Self::Zig(block) => unsafe { model_block_data(block.0) },
        });
    }
}

impl Share {
    fn two_of(block: Held) -> [Self; 2] {
        let block = std::mem::ManuallyDrop::new(block);
        match &*block {
            Held::Rust(block) => {
                // SAFETY: read once, not dropped.
                let shared = SharedBuffer::from(unsafe { std::ptr::read(block) });
                [Self::Rust(shared.clone()), Self::Rust(shared)]
            }
            Held::Zig(block) => {
                // SAFETY: given up.
                unsafe { model_block_share(block.0) };
                [Self::Zig(*block), Self::Zig(*block)]
            }
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Self::Zig(block) = self {
            // SAFETY: once for each owner.
            unsafe { model_shared_deinit(block.0) };
        }
    }
}

/// Two owners of one block go at once; the next owner may write.
#[test]
fn two_owners_go() {
    explore(["owners", "next"], "two_owners_go", |owners, next| {
        let pool = Pool::new(1, 64);
        let [one, other] = Share::two_of(Handle::of(pool.clone(), owners).acquire());
        let next = Handle::of(pool, next);
        let thread = thread::spawn(move || one.read());
        other.read();
        let early = next.try_acquire();
        thread.join().unwrap();
        let block = early.unwrap_or_else(|| next.acquire());
        drop((block, next));
        expect_nothing(&StdUsize::new(0));
    });
}

#[test]
fn sown_110_who_takes_a_block_does_not_see_what_was_written() {
    finds(110, "one_block_for_two");
}

#[test]
fn sown_111_who_gives_a_block_back_does_not_show_what_it_wrote() {
    finds(111, "one_block_for_two");
}

#[test]
fn sown_112_who_wakes_does_not_pin_the_pool() {
    finds(112, "a_release_that_wakes_against_the_last_handle");
}

#[test]
fn sown_113_who_waits_sets_no_flag() {
    finds(113, "a_wait_against_a_release");
}

#[test]
fn sown_114_who_clears_flags_does_not_look_again() {
    finds(114, "who_leaves_clears_nobodys_flags");
}

#[test]
fn sown_115_one_wake_stands_for_two_blocks() {
    finds(115, "two_wait_for_two_blocks");
}

#[test]
fn sown_116_who_gives_up_keeps_the_wake() {
    finds(116, "who_gives_up_passes_the_wake_on");
}

#[test]
fn sown_118_who_sets_flags_again_does_not_look_for_a_block() {
    finds(118, "who_comes_brings_the_block_home");
}

#[test]
fn sown_117_the_last_owner_does_not_see_the_others() {
    finds(117, "two_owners_go");
}
