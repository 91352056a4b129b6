//! Children that are woken by other threads while the combinator is polled, sleeps or is dropped: no wake is lost, what
//! was done before a wake is seen by the poll after it, the task is woken once for each sleep, and no waker of the task
//! is left.
//!
//! The last tests sow bugs, one at a time, and expect a scenario to fail. There is no Zig in these.
#![cfg(loom)]

use std::pin::Pin;
use std::sync::Arc as StdArc;
use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicUsize as StdUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering::Relaxed};
use loom::thread::{self, JoinHandle};
use zigflow_core::FutureGroup;
use zigflow_core::combine::Join;
use zigflow_loom::explore::{explore_rust, finds_rust};
use zigflow_loom::task::Task;

/// A future that is ready when its number is set; the set of woken children must order that.
#[derive(Clone)]
struct Child {
    ready: Arc<AtomicU32>,
    waker: StdArc<StdMutex<Option<Waker>>>,
}

impl Child {
    fn new() -> Self {
        Self { ready: Arc::new(AtomicU32::new(0)), waker: StdArc::default() }
    }

    fn finish(&self) {
        self.ready.store(1, Relaxed);
    }

    /// The waker of the first poll. A model's threads never wait for this lock.
    fn waker(&self) -> Waker {
        self.waker.lock().unwrap().clone().expect("it was polled")
    }
}

impl Future for Child {
    type Output = u32;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
        if self.ready.load(Relaxed) != 0 {
            return Poll::Ready(1);
        }
        self.waker.lock().unwrap().get_or_insert_with(|| cx.waker().clone());
        Poll::Pending
    }
}

/// A combinator with its task.
struct Run<F> {
    all: F,
    task: &'static Task,
    own: Waker,
    seen: u32,
    sleeps: u32,
    ready: bool,
}

impl<F: Future + Unpin> Run<F> {
    fn new(all: F, live: &StdArc<StdUsize>) -> Self {
        let (task, own) = Task::new(live);
        Self { all, task, own, seen: 0, sleeps: 0, ready: false }
    }

    fn poll(&mut self) {
        if self.ready {
            return;
        }
        self.seen = self.task.wakes();
        let polled = Pin::new(&mut self.all).poll(&mut Context::from_waker(&self.own));
        self.ready = polled.is_ready();
        self.sleeps += u32::from(!self.ready);
    }

    /// Polls as often as it is woken; then it must be ready.
    fn settle(&mut self) {
        while !self.ready && self.task.wakes() > self.seen {
            self.poll();
        }
        assert!(self.ready, "LOST WAKEUP");
        assert!(self.task.wakes() <= self.sleeps, "more than one wake for a sleep");
    }
}

fn expect_no_waker(live: &StdUsize) {
    assert_eq!(live.load(SeqCst), 0, "a waker is left, or was dropped twice");
}

/// The children at 0 and 32 are in different blocks; those between are ready at once.
fn in_two_blocks() -> (Child, Child, impl Future<Output = Vec<u32>> + Unpin) {
    let (first, last) = (Child::new(), Child::new());
    let child = |n| match n {
        0 => Either::Child(first.clone()),
        32 => Either::Child(last.clone()),
        _ => Either::Ready,
    };
    let all = Join::join((0..33).map(child).collect::<Vec<_>>());
    (first, last, all)
}

enum Either {
    Child(Child),
    Ready,
}

impl Future for Either {
    type Output = u32;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
        match self.get_mut() {
            Self::Child(child) => Pin::new(child).poll(cx),
            Self::Ready => Poll::Ready(1),
        }
    }
}

/// A thread that finishes the child and wakes it.
fn finisher(child: &Child) -> JoinHandle<()> {
    let (child, waker) = (child.clone(), child.waker());
    thread::spawn(move || {
        child.finish();
        waker.wake();
    })
}

/// Two children in one block are finished by two threads, while the task polls once, of itself.
fn beside_a_poll() {
    let live = StdArc::new(StdUsize::new(0));
    let children = [Child::new(), Child::new()];
    let mut run = Run::new(Join::join(children.to_vec()), &live);
    run.poll();
    let threads = children.each_ref().map(finisher);
    run.poll();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    run.settle();
    drop(run);
    expect_no_waker(&live);
}

#[test]
fn two_children_of_a_block_beside_a_poll() {
    explore_rust("two_children_of_a_block_beside_a_poll", Some(4), beside_a_poll);
}

/// The same with two blocks, which are put into the list at once.
#[test]
fn two_blocks_beside_a_poll() {
    explore_rust("two_blocks_beside_a_poll", Some(3), || {
        let live = StdArc::new(StdUsize::new(0));
        let (first, last, all) = in_two_blocks();
        let mut run = Run::new(all, &live);
        run.poll();
        let threads = [&first, &last].map(finisher);
        run.poll();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        run.settle();
        drop(run);
        expect_no_waker(&live);
    });
}

/// A block is put into the list again while the poll goes through the list.
#[test]
fn a_block_comes_back_while_the_list_is_read() {
    explore_rust("a_block_comes_back_while_the_list_is_read", None, || {
        let live = StdArc::new(StdUsize::new(0));
        let (first, last, all) = in_two_blocks();
        let mut run = Run::new(all, &live);
        run.poll();
        first.waker().wake();
        last.finish();
        last.waker().wake();
        let thread = finisher(&first);
        run.poll();
        thread.join().unwrap();
        run.settle();
        drop(run);
        expect_no_waker(&live);
    });
}

/// One thread wakes a child twice, the second time with something.
#[test]
fn a_child_that_is_woken_in_vain_first() {
    explore_rust("a_child_that_is_woken_in_vain_first", Some(4), || {
        let live = StdArc::new(StdUsize::new(0));
        let child = Child::new();
        let mut run = Run::new(Join::join(vec![child.clone()]), &live);
        run.poll();
        let waker = child.waker();
        let thread = thread::spawn(move || {
            waker.wake_by_ref();
            child.finish();
            waker.wake();
        });
        run.poll();
        run.poll();
        thread.join().unwrap();
        run.settle();
        drop(run);
        expect_no_waker(&live);
    });
}

/// The combinator moves to another task while a child is woken.
#[test]
fn the_task_changes_beside_a_wake() {
    explore_rust("the_task_changes_beside_a_wake", None, || {
        let live = StdArc::new(StdUsize::new(0));
        let child = Child::new();
        let mut run = Run::new(Join::join(vec![child.clone()]), &live);
        run.poll();
        let thread = finisher(&child);
        let mut run = Run { sleeps: 1, ..Run::new(run.all, &live) };
        run.poll();
        thread.join().unwrap();
        run.settle();
        drop(run);
    });
}

/// The combinator is dropped while its children are woken.
#[test]
fn dropped_beside_wakes() {
    explore_rust("dropped_beside_wakes", Some(4), || {
        let live = StdArc::new(StdUsize::new(0));
        let (first, last, all) = in_two_blocks();
        let mut run = Run::new(all, &live);
        run.poll();
        let threads = [&first, &last].map(finisher);
        drop(run);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        expect_no_waker(&live);
        first.waker().wake();
    });
}

/// A member is inserted, in a new chunk, while another one is woken.
#[test]
fn a_group_grows_beside_a_wake() {
    explore_rust("a_group_grows_beside_a_wake", Some(4), || {
        let live = StdArc::new(StdUsize::new(0));
        let (child, new) = (Child::new(), Child::new());
        let mut group = FutureGroup::new();
        group.insert(Either::Child(child.clone()));
        group.extend((1..32).map(|_| Either::Ready));
        let mut run = Run::new(Outputs { group, missing: 33 }, &live);
        run.poll();
        let thread = finisher(&child);
        run.all.group.extend((0..31).map(|_| Either::Ready));
        run.all.missing += 31;
        run.all.group.insert(Either::Child(new.clone()));
        run.poll();
        new.finish();
        new.waker().wake();
        thread.join().unwrap();
        run.settle();
        drop(run);
        expect_no_waker(&live);
    });
}

/// Ready when the group has given so many outputs.
struct Outputs {
    group: FutureGroup<Either>,
    missing: u32,
}

impl Future for Outputs {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        while let Poll::Ready(Some(_)) = self.group.poll_next_keyed(cx) {
            self.missing -= 1;
        }
        if self.missing == 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Runs `scenario` in a child with bug `number` sown; it must fail, and say why.
fn finds(number: u32, scenario: &str) {
    finds_rust(number, scenario, &["LOST", "Causality", "a waker"]);
}

#[test]
fn sown_80_the_poller_goes_to_sleep_without_a_last_look() {
    finds(80, "two_children_of_a_block_beside_a_poll");
}

#[test]
fn sown_81_the_list_is_followed_after_the_block_was_let_go() {
    finds(81, "a_block_comes_back_while_the_list_is_read");
}

#[test]
fn sown_82_a_wake_during_the_poll_is_taken_for_one_before_it() {
    finds(82, "a_child_that_is_woken_in_vain_first");
}

#[test]
fn sown_83_nobody_wakes_a_poller_that_sleeps() {
    finds(83, "two_children_of_a_block_beside_a_poll");
}
