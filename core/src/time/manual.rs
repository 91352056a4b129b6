//! A timer that is moved by hand.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use super::{Clock, Instant, Sleep, Timer};
use crate::lock::Lock;

/// A [`Timer`] whose clock only moves when it is told to.
///
/// For tests and simulations: an hour passes in a microsecond, and while nobody calls
/// [`advance`](Self::advance) no time passes at all, however long a foreign thread works. Clones
/// share the clock and may be used from any thread.
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
            shared: Arc::new(Lock::new(State {
                now: now.min(Instant::LAST),
                next_id: 0,
                armed: BTreeMap::new(),
            })),
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
            let next = state.next_deadline()?;
            state.now = state.now.max(next);
            Some(next)
        })?;
        self.wake_due();
        Some(next)
    }

    /// The earliest deadline that somebody waits for. "Never" is not one.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.shared.with(|state| state.next_deadline())
    }

    /// How many sleeps hold a waker. Sleeps that were not polled, are ready or are dropped do not.
    pub fn armed(&self) -> usize {
        self.shared.with(|state| state.armed.len())
    }

    /// One waker per turn of the lock, so that each wake finds the timer whole and may change
    /// which sleeps come next. It ends: a sleep whose deadline has come is never armed again.
    fn wake_due(&self) {
        while let Some(waker) = self.shared.with(State::take_due) {
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
        ManualSleep { shared: self.shared.clone(), deadline, id: None }
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
#[must_use = "futures do nothing unless polled"]
pub struct ManualSleep {
    shared: Arc<Lock<State>>,
    deadline: Instant,
    /// With the deadline, the key of this sleep's waker. It may have been taken meanwhile; a key
    /// is never used twice.
    id: Option<u64>,
}

impl ManualSleep {
    /// When this sleep ends.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    fn disarm(&mut self) {
        if let Some(id) = self.id.take() {
            let waker = self.shared.with(|state| state.armed.remove(&(self.deadline, id)));
            drop(waker); // with the lock open
        }
    }
}

impl Future for ManualSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let seen = this.shared.with(|state| state.look(this.deadline, this.id, cx.waker()));
        if seen == Seen::Waiting {
            return Poll::Pending;
        }
        if seen == Seen::Unarmed {
            // Cloning is the task's code, so the lock is open meanwhile and the clock may move:
            // `arm` looks again. What it hands back is dropped out here.
            let waker = cx.waker().clone();
            let armed = this.shared.with(|state| state.arm(this.deadline, &mut this.id, waker));
            if armed.is_ok() {
                return Poll::Pending;
            }
        }
        this.disarm();
        Poll::Ready(())
    }
}

impl Sleep for ManualSleep {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.disarm();
        self.deadline = deadline;
    }
}

impl Drop for ManualSleep {
    fn drop(&mut self) {
        self.disarm();
    }
}

impl fmt::Debug for ManualSleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualSleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// What the lock guards. Nothing in here runs a waker's code: wakers come and go by value.
struct State {
    now: Instant,
    next_id: u64,
    /// By deadline, then by age: the order of waking.
    armed: BTreeMap<(Instant, u64), Waker>,
}

/// How a sleep stands at the start of a poll.
#[derive(PartialEq, Eq)]
enum Seen {
    Due,
    Waiting,
    Unarmed,
}

impl State {
    fn next_deadline(&self) -> Option<Instant> {
        let (&(deadline, _), _) = self.armed.first_key_value()?;
        (deadline != Instant::MAX).then_some(deadline)
    }

    fn take_due(&mut self) -> Option<Waker> {
        let first = self.armed.first_entry()?;
        (first.key().0 <= self.now).then(|| first.remove())
    }

    fn look(&self, deadline: Instant, id: Option<u64>, waker: &Waker) -> Seen {
        if deadline <= self.now {
            return Seen::Due;
        }
        let kept = id.and_then(|id| self.armed.get(&(deadline, id)));
        match kept {
            Some(kept) if kept.will_wake(waker) => Seen::Waiting,
            _ => Seen::Unarmed,
        }
    }

    /// Keeps `waker` and hands back the one that it replaces; or hands back `waker` if the deadline
    /// has come.
    fn arm(
        &mut self,
        deadline: Instant,
        id: &mut Option<u64>,
        waker: Waker,
    ) -> Result<Option<Waker>, Waker> {
        if deadline <= self.now {
            return Err(waker);
        }
        let id = *id.get_or_insert_with(|| {
            self.next_id += 1;
            self.next_id
        });
        Ok(self.armed.insert((deadline, id), waker))
    }
}
