//! Ends of channels with many ends, each with its task, which polls when it is woken.

use std::sync::Arc as StdArc;
use std::sync::atomic::{AtomicUsize as StdUsize, Ordering::SeqCst};
use std::task::Waker;

use crate::ends::Outcome::{self, Closed, Done, NotNow};
use crate::many_ends::{Rx, Tx};
use crate::task::Task;

/// Fails if a task has a waker left.
pub fn expect_no_waker(live: &StdUsize) {
    assert_eq!(live.load(SeqCst), 0, "a waker is left, or was dropped twice");
}

/// Fails unless these are the items from 1 on, each once.
pub fn expect_all(mut items: Vec<u32>, count: u32) {
    items.sort_unstable();
    assert!(items.iter().copied().eq(1..=count), "LOST ITEM: {items:?} of {count}");
}

/// A receiver with its task. It polls when it has been woken, as an executor would have it.
#[derive(Debug)]
pub struct Waiting {
    rx: Rx,
    task: &'static Task,
    waker: Waker,
    seen: u32,
    pending: bool,
    /// What it has received.
    pub items: Vec<u32>,
    /// It has seen the end.
    pub ended: bool,
}

impl Waiting {
    /// It has not polled yet.
    pub fn new(rx: Rx, live: &StdArc<StdUsize>) -> Self {
        let (task, waker) = Task::new(live);
        Self { rx, task, waker, seen: 0, pending: false, items: Vec::new(), ended: false }
    }

    /// Polls until it is pending or at its end.
    pub fn run(&mut self) {
        while !self.ended {
            self.seen = self.task.wakes();
            match self.rx.poll_recv(&self.waker) {
                Done(item) => self.items.push(item),
                Closed => self.ended = true,
                NotNow => break,
            }
        }
        self.pending = !self.ended;
    }

    /// Polls until it has `count` items, or is pending or at its end.
    pub fn run_for(&mut self, count: usize) {
        self.pending = false;
        while self.items.len() < count && !self.ended && !self.pending {
            self.seen = self.task.wakes();
            match self.rx.poll_recv(&self.waker) {
                Done(item) => self.items.push(item),
                Closed => self.ended = true,
                NotNow => self.pending = true,
            }
        }
    }

    /// [`run_for`](Self::run_for) if it was woken; whether it was.
    pub fn run_for_if_woken(&mut self, count: usize) -> bool {
        let woken = self.pending && self.task.wakes() > self.seen;
        if woken {
            self.run_for(count);
        }
        woken
    }

    /// Polls if it was woken; whether it was.
    pub fn run_if_woken(&mut self) -> bool {
        let woken = self.pending && self.task.wakes() > self.seen;
        if woken {
            self.run();
        }
        woken
    }
}

/// Lets everybody run who was woken, until nobody is.
pub fn settle(waiting: &mut [Waiting]) {
    while waiting.iter_mut().any(Waiting::run_if_woken) {}
}

/// A sender of one item with its task. It polls when it has been woken, as an executor would have it.
#[derive(Debug)]
pub struct Sending {
    tx: Tx,
    item: u32,
    task: &'static Task,
    waker: Waker,
    seen: u32,
    /// What came of it.
    pub outcome: Outcome<()>,
}

impl Sending {
    /// It has not polled yet.
    pub fn new(tx: Tx, item: u32, live: &StdArc<StdUsize>) -> Self {
        let (task, waker) = Task::new(live);
        Self { tx, item, task, waker, seen: 0, outcome: NotNow }
    }

    /// Polls.
    pub fn run(&mut self) {
        self.seen = self.task.wakes();
        self.outcome = self.tx.poll_send(&self.waker, self.item);
    }

    /// Polls if it waits and was woken; whether it was.
    pub fn run_if_woken(&mut self) -> bool {
        let woken = self.outcome == NotNow && self.task.wakes() > self.seen;
        if woken {
            self.run();
        }
        woken
    }
}
