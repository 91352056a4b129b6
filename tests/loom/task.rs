//! Tasks that count their wakes and their wakers.

use std::sync::Arc as StdArc;
use std::sync::atomic::{AtomicUsize as StdUsize, Ordering::SeqCst};
use std::task::{RawWaker as StdRawWaker, RawWakerVTable, Waker};

use loom::sync::atomic::{AtomicU32, Ordering::*};

/// A task that counts its wakes. `live` is the number of wakers of all tasks.
#[derive(Debug)]
pub struct Task {
    wakes: AtomicU32,
    references: StdUsize,
    live: StdArc<StdUsize>,
}

impl Task {
    /// The task lives as long as the process: a waker that is used too late is found by its count.
    pub fn new(live: &StdArc<StdUsize>) -> (&'static Self, Waker) {
        let task =
            Self { wakes: AtomicU32::new(0), references: StdUsize::new(1), live: live.clone() };
        live.fetch_add(1, SeqCst);
        let task: &'static Self = Box::leak(Box::new(task));
        // SAFETY: the table below counts and never frees.
        (task, unsafe { Waker::new(std::ptr::from_ref(task).cast(), &VTABLE) })
    }

    /// How often it was woken. Who sees a wake sees what was done before it, as with an executor.
    pub fn wakes(&self) -> u32 {
        self.wakes.load(Acquire)
    }

    fn of(data: *const ()) -> &'static Self {
        // SAFETY: every waker of this table carries a leaked task.
        let task = unsafe { &*data.cast::<Self>() };
        assert!(task.references.load(SeqCst) > 0, "a waker is used after its last drop");
        task
    }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(
    |data| {
        let task = Task::of(data);
        task.references.fetch_add(1, SeqCst);
        task.live.fetch_add(1, SeqCst);
        StdRawWaker::new(data, &VTABLE)
    },
    |data| {
        Task::of(data).wakes.fetch_add(1, AcqRel);
        forget(data);
    },
    |data| {
        Task::of(data).wakes.fetch_add(1, AcqRel);
    },
    forget,
);

fn forget(data: *const ()) {
    let task = Task::of(data);
    task.references.fetch_sub(1, SeqCst);
    task.live.fetch_sub(1, SeqCst);
}
