//! The waker cell in Rust and in compiled Zig, over the same memory: no lost wakeup, no race on a slot,
//! no use after free, no waker leaked or dropped twice, whichever language registers and wakes.
//!
//! Every scenario runs for all pairs of languages. The last tests sow bugs, one at a time, in one language
//! at a time, and expect a scenario to fail.
#![cfg(loom)]

use std::mem::ManuallyDrop;
use std::sync::Arc as StdArc;
use std::sync::atomic::{AtomicUsize as StdUsize, Ordering::SeqCst};
use std::task::Waker;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering::*};
use loom::thread;
use zigflow_core::abi::RawWaker;
use zigflow_core::waker::WakerCell;
use zigflow_loom::explore::Side::{self, Rust, Zig};
use zigflow_loom::task::Task;
use zigflow_loom::{model_close, model_register, model_wake};

/// A cell on the heap with one reference for the waiter and one for each waker: who lets go last
/// frees it, as in a channel.
struct Cell {
    cell: *const WakerCell,
    refs: Arc<AtomicU32>,
}

// SAFETY: the cell is made to be shared; the count keeps it alive.
unsafe impl Send for Cell {}

impl Cell {
    fn new() -> Self {
        let cell = Box::into_raw(Box::new(WakerCell::new()));
        // SAFETY: just made.
        unsafe { (*cell).track() };
        Self { cell, refs: Arc::new(AtomicU32::new(1)) }
    }

    fn another(&self) -> Self {
        self.refs.fetch_add(1, Relaxed);
        Self { cell: self.cell, refs: self.refs.clone() }
    }

    fn register(&self, side: Side, waker: &Waker) {
        // SAFETY: one thread of each scenario registers and closes.
        unsafe {
            match side {
                Rust => (*self.cell).register(waker),
                Zig => model_register(self.cell, &RawWaker::of(waker)),
            }
        }
    }

    fn wake(&self, side: Side) {
        // SAFETY: the reference keeps the cell alive during the call.
        unsafe {
            match side {
                Rust => (*self.cell).wake(),
                Zig => model_wake(self.cell),
            }
        }
    }

    fn close(&self, side: Side) {
        // SAFETY: as for `register`.
        unsafe {
            match side {
                Rust => (*self.cell).close(),
                Zig => model_close(self.cell),
            }
        }
    }

    /// Lets go; the last one frees.
    fn release(self) {
        if self.refs.fetch_sub(1, AcqRel) == 1 {
            // SAFETY: the last reference. The cell was closed, so there is nothing left to drop in it.
            unsafe {
                (*self.cell).untrack();
                drop(Box::from_raw(self.cell as *mut ManuallyDrop<WakerCell>));
            }
        }
    }
}

/// Explores `scenario` for every pair of languages.
fn explore(name: &str, bound: Option<usize>, scenario: fn(Side, Side)) {
    zigflow_loom::explore::explore(["waiter", "waker"], name, bound, scenario);
}

/// `wakers` threads publish and wake once each; the waiter polls `polls` times, with a new task each time
/// if `swap`. If its last poll found something missing, it must be woken.
fn nothing_is_lost(wakers: u32, polls: u32, swap: bool, waiter: Side, waker: Side) {
    let live = StdArc::new(StdUsize::new(0));
    let cell = Cell::new();
    let published = Arc::new(AtomicU32::new(0));
    let threads: Vec<_> = (0..wakers)
        .map(|_| {
            let (cell, published) = (cell.another(), published.clone());
            thread::spawn(move || {
                // Not a read-modify-write with acquire: only the cell may order it for the waiter.
                published.fetch_add(1, Release);
                cell.wake(waker);
                cell.release();
            })
        })
        .collect();

    let (mut task, mut own) = Task::new(&live);
    let mut pending_since = None;
    for poll in 0..polls {
        if swap && poll > 0 {
            (task, own) = Task::new(&live);
        }
        let before = task.wakes();
        cell.register(waiter, &own);
        pending_since = (published.load(Acquire) < wakers).then_some(before);
        if pending_since.is_none() {
            break;
        }
    }
    for thread in threads {
        thread.join().unwrap();
    }
    if let Some(before) = pending_since {
        assert!(task.wakes() > before, "LOST WAKEUP");
    }
    assert_eq!(live.load(SeqCst), 2, "a waker of a task that moved away is kept");
    cell.close(waiter);
    cell.release();
    drop(own);
    assert_eq!(live.load(SeqCst), 0, "a waker is left, or was dropped twice");
}

#[test]
fn one_waker_polled_twice_by_one_task() {
    explore("one_waker_polled_twice_by_one_task", None, |a, b| nothing_is_lost(1, 2, false, a, b));
}

#[test]
fn one_waker_and_a_task_that_moves() {
    explore("one_waker_and_a_task_that_moves", None, |a, b| nothing_is_lost(1, 2, true, a, b));
}

#[test]
fn two_wakers_and_a_task_that_moves() {
    explore("two_wakers_and_a_task_that_moves", Some(3), |a, b| nothing_is_lost(2, 2, true, a, b));
}

#[test]
fn two_wakers_polled_three_times() {
    explore("two_wakers_polled_three_times", Some(2), |a, b| nothing_is_lost(2, 3, false, a, b));
}

#[test]
fn one_waker_and_a_task_that_moves_twice() {
    explore("one_waker_and_a_task_that_moves_twice", Some(3), |a, b| {
        nothing_is_lost(1, 3, true, a, b)
    });
}

#[test]
fn three_wakers() {
    explore("three_wakers", Some(1), |a, b| nothing_is_lost(3, 1, false, a, b));
}

/// The waiter looks first and registers then, the wrong way round: the cell remembers the wake.
#[test]
fn a_wake_before_anyone_registered_is_remembered() {
    explore("a_wake_before_anyone_registered_is_remembered", None, |waiter, waker| {
        let live = StdArc::new(StdUsize::new(0));
        let cell = Cell::new();
        let published = Arc::new(AtomicU32::new(0));
        let (theirs, flag) = (cell.another(), published.clone());
        let thread = thread::spawn(move || {
            flag.store(1, Release);
            theirs.wake(waker);
            theirs.release();
        });
        let (task, own) = Task::new(&live);
        let missing = published.load(Acquire) == 0;
        cell.register(waiter, &own);
        thread.join().unwrap();
        assert!(!missing || task.wakes() == 1, "LOST WAKEUP");
        cell.close(waiter);
        cell.release();
        drop(own);
        assert_eq!(live.load(SeqCst), 0, "a waker is left, or was dropped twice");
    });
}

/// The waiter goes while wakes are under way: the wakers' references keep the memory, and nobody
/// keeps the task.
fn closing(wakers: u32, polls: u32, waiter: Side, waker: Side) {
    let live = StdArc::new(StdUsize::new(0));
    let cell = Cell::new();
    let threads: Vec<_> = (0..wakers)
        .map(|_| {
            let cell = cell.another();
            thread::spawn(move || {
                cell.wake(waker);
                cell.release();
            })
        })
        .collect();
    for _ in 0..polls {
        let (_, own) = Task::new(&live);
        cell.register(waiter, &own);
    }
    cell.close(waiter);
    cell.release();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(live.load(SeqCst), 0, "a waker is left, or was dropped twice");
}

#[test]
fn closing_while_one_wakes() {
    explore("closing_while_one_wakes", None, |a, b| closing(1, 2, a, b));
}

#[test]
fn closing_while_two_wake() {
    explore("closing_while_two_wake", Some(3), |a, b| closing(2, 2, a, b));
}

/// One side in Rust, the other in Zig, both waking: the two languages meet in one cell.
#[test]
fn a_rust_waker_and_a_zig_waker() {
    explore("a_rust_waker_and_a_zig_waker", Some(3), |waiter, _| {
        let live = StdArc::new(StdUsize::new(0));
        let cell = Cell::new();
        let published = Arc::new(AtomicU32::new(0));
        let threads = [Rust, Zig].map(|side| {
            let (cell, published) = (cell.another(), published.clone());
            thread::spawn(move || {
                published.fetch_add(1, Release);
                cell.wake(side);
                cell.release();
            })
        });
        let (task, own) = Task::new(&live);
        cell.register(waiter, &own);
        let missing = published.load(Acquire) < 2;
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(!missing || task.wakes() > 0, "LOST WAKEUP");
        cell.close(waiter);
        cell.release();
        drop(own);
        assert_eq!(live.load(SeqCst), 0, "a waker is left, or was dropped twice");
    });
}

/// Without compare-and-swap.
#[test]
fn waking_by_sections() {
    by_sections("waking", None, |a, b| nothing_is_lost(1, 2, true, a, b));
}

#[test]
fn closing_by_sections() {
    by_sections("closing", None, |a, b| closing(1, 2, a, b));
}

fn by_sections(name: &str, bound: Option<usize>, scenario: fn(Side, Side)) {
    zigflow_loom::explore::explore_by_sections(["waiter", "waker"], name, bound, scenario);
}

/// Runs `scenario` in a child with bug `number` sown; it must fail, and say why.
fn finds(number: u32, scenario: &str) {
    let words = ["LOST", "Causality", "a waker", "used before", "double free"];
    zigflow_loom::explore::finds(number, scenario, &words);
}

#[test]
fn sown_1_a_wake_without_a_waiter_is_forgotten() {
    finds(1, "a_wake_before_anyone_registered_is_remembered");
}

#[test]
fn sown_2_a_registration_writes_the_slot_that_is_being_woken() {
    finds(2, "one_waker_and_a_task_that_moves");
}

#[test]
fn sown_3_a_wake_that_meets_another_is_forgotten() {
    finds(3, "two_wakers_polled_three_times");
}

#[test]
fn sown_4_the_state_orders_nothing() {
    finds(4, "one_waker_and_a_task_that_moves");
}

#[test]
fn sown_5_closing_drops_the_slot_that_is_being_woken() {
    finds(5, "closing_while_one_wakes");
}

#[test]
fn sown_7_a_task_that_moved_away_is_kept() {
    finds(7, "one_waker_and_a_task_that_moves");
}

#[test]
fn sown_119_a_word_is_changed_outside_of_a_critical_section() {
    finds(119, "waking_by_sections");
    finds(119, "closing_by_sections");
}

#[test]
fn sown_6_a_remembered_wake_is_not_delivered() {
    finds(6, "a_wake_before_anyone_registered_is_remembered");
}
