//! Tasks that a test polls by hand.
#![allow(unsafe_code)]

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures_core::Stream;

/// For what would hang for ever if it were wrong. No test waits so long when it is right.
pub const BOUND: Duration = Duration::from_secs(120);

/// Lets other threads run until `is_so`.
///
/// # Panics
///
/// If that takes longer than the [`BOUND`].
pub fn until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < BOUND, "this never comes");
        thread::yield_now();
    }
}

/// The value stays for the rest of the program. LeakSanitizer finds it here; what nobody points to is a leak.
pub fn keep<'a, T: 'a>(value: T) -> &'a mut T {
    static KEPT: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    let kept = Box::leak(Box::new(value));
    KEPT.lock().unwrap().push(std::ptr::from_mut(kept).expose_provenance());
    kept
}

/// A task that counts its wakes and is polled when the test says so.
#[derive(Debug, Default)]
pub struct Task(Arc<Wakes>);

/// What the wakers of a [`Task`] point to.
#[derive(Debug, Default)]
pub struct Wakes {
    count: Mutex<usize>,
    more: Condvar,
}

impl Task {
    /// A task that was not woken.
    pub fn new() -> Self {
        Self::default()
    }

    /// A waker of the task.
    pub fn waker(&self) -> Waker {
        self.0.clone().into()
    }

    /// How often it was woken.
    pub fn wakes(&self) -> usize {
        *self.0.count.lock().unwrap()
    }

    /// Waits until it was woken so often.
    ///
    /// # Panics
    ///
    /// If that takes longer than the [`BOUND`].
    pub fn wait_for(&self, wakes: usize) {
        let count = self.0.count.lock().unwrap();
        let waited = self.0.more.wait_timeout_while(count, BOUND, |count| *count < wakes).unwrap();
        assert!(!waited.1.timed_out(), "a wake was lost");
    }

    /// How many wakers of the task exist.
    pub fn wakers(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }

    /// The task's memory, without holding it.
    pub fn memory(&self) -> Weak<Wakes> {
        Arc::downgrade(&self.0)
    }

    /// Runs `f` as a poll of this task.
    pub fn run<R>(&self, f: impl FnOnce(&mut Context<'_>) -> R) -> R {
        f(&mut Context::from_waker(&self.waker()))
    }

    /// Polls a stream once.
    pub fn next<S: Stream + Unpin>(&self, stream: &mut S) -> Poll<Option<S::Item>> {
        self.run(|cx| Pin::new(stream).poll_next(cx))
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        *self.count.lock().unwrap() += 1;
        self.more.notify_all();
    }
}

/// A waker whose wake runs a closure. For what executors do that are not polite.
pub fn waker_fn(wake: impl Fn() + Send + Sync + 'static) -> Waker {
    struct Call<F>(F);
    impl<F: Fn() + Send + Sync + 'static> Wake for Call<F> {
        fn wake(self: Arc<Self>) {
            (self.0)();
        }
        fn wake_by_ref(self: &Arc<Self>) {
            (self.0)();
        }
    }
    Arc::new(Call(wake)).into()
}

/// Counts what is done to the wakers of [`waker`](Self::waker).
#[derive(Debug, Default)]
pub struct Tally {
    /// Clones.
    pub clones: AtomicUsize,
    /// Wakes by value or by reference.
    pub wakes: AtomicUsize,
    /// Drops, those of a wake by value included.
    pub drops: AtomicUsize,
}

impl Tally {
    /// A tally for the rest of the program, at zero.
    pub fn new() -> &'static Self {
        keep(Self::default())
    }

    /// A waker that counts here.
    pub fn waker(&'static self) -> Waker {
        static VTABLE: RawWakerVTable = RawWakerVTable::new(
            |data| {
                of(data).clones.fetch_add(1, SeqCst);
                RawWaker::new(data, &VTABLE)
            },
            |data| {
                of(data).wakes.fetch_add(1, SeqCst);
                of(data).drops.fetch_add(1, SeqCst);
            },
            |data| {
                of(data).wakes.fetch_add(1, SeqCst);
            },
            |data| {
                of(data).drops.fetch_add(1, SeqCst);
            },
        );
        fn of(data: *const ()) -> &'static Tally {
            // SAFETY: the wakers of this table hold a leaked tally.
            unsafe { &*data.cast::<Tally>() }
        }
        // SAFETY: the table only counts, atomically, in memory that stays.
        unsafe { Waker::new(std::ptr::from_ref(self).cast(), &VTABLE) }
    }

    /// Clones, wakes and drops so far.
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.clones.load(SeqCst), self.wakes.load(SeqCst), self.drops.load(SeqCst))
    }
}
