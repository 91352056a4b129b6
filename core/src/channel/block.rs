//! Threads that wait: a thread's own waker, and the loop around a poll. Zig threads wait here, too.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Wakes one thread. The flag is ours and not the thread's park token alone, which others use as well.
struct Parker {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }
}

impl Parker {
    /// Sleeps until somebody wakes the thread, or until `deadline`; true when woken.
    fn park(&self, deadline: Option<Instant>) -> bool {
        while !self.woken.swap(false, Ordering::AcqRel) {
            match deadline {
                None => thread::park(),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    thread::park_timeout(left);
                }
            }
        }
        true
    }
}

/// A thread waits for one thing at a time, so one parker serves all its waits without an allocation.
struct Own {
    parker: Arc<Parker>,
    waker: Waker,
}

impl Own {
    fn new() -> Self {
        let parker = Arc::new(Parker { thread: thread::current(), woken: AtomicBool::new(false) });
        Self { waker: parker.clone().into(), parker }
    }
}

thread_local! {
    static OWN: RefCell<Option<Own>> = const { RefCell::new(None) };
}

/// Takes the thread's parker for as long as `f` runs. A wait inside a wait (a waker that blocks) makes
/// a parker of its own, and so does a thread whose locals are gone already.
fn with_own<R>(f: impl FnOnce(&Own) -> R) -> R {
    let own = OWN.try_with(|own| own.take()).ok().flatten().unwrap_or_else(Own::new);
    let result = f(&own);
    let _ = OWN.try_with(|place| place.replace(Some(own)));
    result
}

/// Polls until it is ready, asleep in between; `None` when `timeout` is over first. A timeout that leads
/// beyond the end of time is none.
pub(crate) fn wait<R>(
    timeout: Option<Duration>,
    mut poll: impl FnMut(&Waker) -> Poll<R>,
) -> Option<R> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    with_own(|own| {
        loop {
            if let Poll::Ready(ready) = poll(&own.waker) {
                return Some(ready);
            }
            if !own.parker.park(deadline) {
                return None;
            }
        }
    })
}
