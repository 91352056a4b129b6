//! A timer that is moved by hand.

use crate::sync::Arc;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use super::armed::{Armed, Queue, Queued};
use super::{Clock, Instant, Sleep, Timer};
use crate::lock::Lock;

/// A [`Timer`] whose clock only moves when it is told to.
///
/// For tests and simulations: an hour passes in a microsecond, and while nobody calls
/// [`advance`](Self::advance) no time passes at all, however long a foreign thread works. Clones
/// share the clock and may be used from any thread.
///
/// A test polls, and moves the clock when nothing is woken any more: by
/// [`advance_to_next`](Self::advance_to_next) from deadline to deadline. Where a foreign thread has
/// the next move, it first waits for that wake, or a time limit would win that in truth is far away.
///
/// It keeps to the letter of the [contract](super#the-contract) and grants nothing beyond, so what
/// runs on it runs on every timer. In particular a reset forgets the waker, where other timers
/// happen to keep it.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use zigflow_core::time::{Clock, ManualTimer, Timer};
///
/// let timer = ManualTimer::new();
/// let start = timer.now();
/// let sleep = timer.sleep_until(start.saturating_add(Duration::from_secs(3600)));
/// # drop(sleep);
/// timer.advance(Duration::from_secs(3600)); // `sleep` is ready now
/// assert_eq!(timer.now().saturating_duration_since(start).as_secs(), 3600);
/// ```
#[derive(Clone)]
pub struct ManualTimer {
    shared: Arc<Lock<State>>,
}

impl ManualTimer {
    /// A timer whose clock starts at its epoch.
    pub fn new() -> Self {
        Self::starting_at(Instant::from_nanos(0))
    }

    /// A timer whose clock starts at `now`: for instance shortly before the end of its range.
    pub fn starting_at(now: Instant) -> Self {
        Self {
            shared: Arc::new(Lock::new(State { now: now.min(Instant::LAST), armed: Armed::new() })),
        }
    }

    /// The time now, as [`Clock::now`].
    pub fn now(&self) -> Instant {
        self.shared.with(|state| state.now)
    }

    /// Moves the clock, then wakes every sleep whose deadline has come: by deadline, and those with
    /// the same deadline in the order in which they first waited.
    ///
    /// The clock jumps: whoever is woken sees the time at the end of the move. To see every
    /// deadline at its own time, use [`advance_to_next`](Self::advance_to_next).
    ///
    /// Wakers may do anything with this timer and its sleeps; one that is dropped or reset by an
    /// earlier wake is not woken. At the end of its range the clock stops.
    ///
    /// # Panics
    ///
    /// Only if a waker does. The clock has moved then, and the sleeps not yet woken are woken by the
    /// next call, with whatever duration.
    pub fn advance(&self, by: Duration) {
        self.shared.with(|state| state.now = state.now.saturating_add(by).min(Instant::LAST));
        self.wake_due();
    }

    /// Moves the clock to the earliest deadline that somebody waits for and wakes those who do.
    /// Returns that deadline, or `None` if there is none; then the clock stays.
    ///
    /// # Panics
    ///
    /// As [`advance`](Self::advance).
    pub fn advance_to_next(&self) -> Option<Instant> {
        let next = self.shared.with(|state| {
            let next = state.armed.next_deadline()?;
            state.now = state.now.max(next);
            Some(next)
        })?;
        self.wake_due();
        Some(next)
    }

    /// The earliest deadline that somebody waits for. "Never" is not one.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.shared.with(|state| state.armed.next_deadline())
    }

    /// How many sleeps hold a waker. Sleeps that were not polled, are ready or are dropped do not.
    pub fn armed(&self) -> usize {
        self.shared.with(|state| state.armed.len())
    }

    /// One waker per turn of the lock, so that each wake finds the timer whole and may change
    /// which sleeps come next. It ends: a sleep whose deadline has come is never armed again.
    fn wake_due(&self) {
        while let Some(waker) = self.shared.with(|state| state.armed.take_due(state.now)) {
            waker.wake();
        }
    }
}

impl Clock for ManualTimer {
    fn now(&self) -> Instant {
        self.now()
    }
}

impl Timer for ManualTimer {
    type Sleep = ManualSleep;

    fn sleep_until(&self, deadline: Instant) -> ManualSleep {
        ManualSleep(Queued::new(self.shared.clone(), deadline))
    }
}

impl Default for ManualTimer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualTimer")
            .field("now", &self.now())
            .field("armed", &self.armed())
            .finish()
    }
}

/// The [`Sleep`] of a [`ManualTimer`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct ManualSleep(Queued<Arc<Lock<State>>>);

impl ManualSleep {
    /// When this sleep ends.
    pub fn deadline(&self) -> Instant {
        self.0.deadline()
    }
}

impl Future for ManualSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.wait(cx.waker()) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Sleep for ManualSleep {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.0.reset(deadline);
    }
}

/// What the lock guards.
struct State {
    now: Instant,
    armed: Armed,
}

impl Queue for Arc<Lock<State>> {
    fn with_armed<R>(&self, f: impl FnOnce(&mut Armed, Instant) -> R) -> R {
        self.with(|state| f(&mut state.armed, state.now))
    }
}
