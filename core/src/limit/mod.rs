//! No more than so many per time: [`RateLimiter`].
//!
//! ```text
//!   check ───────────────▶ Level: one compare-and-exchange ─▶ passes, or NotUntil
//!                            ▲
//!   until_ready ─▶ Queue ────┘   only the first one has a timer, and asks
//!                    └ the others wait for the one before them
//! ```
//!
//! The algorithm is GCRA: one number says when all that has passed will be paid for. Nothing runs in the
//! background, and nothing is counted per window, so there are no edges at which twice the limit passes.

mod error;
mod keyed;
mod level;
#[cfg(feature = "profile")]
mod monitor;
mod queue;
mod quota;
mod state;
mod throttle;
mod wait;
mod zig;

pub use error::{ExceedsBurst, LimitError, NotUntil};
pub use keyed::{KeyedError, KeyedRateLimiter, TooManyKeys};
#[cfg(feature = "profile")]
pub use monitor::LimitMonitor;
pub use quota::Quota;
pub use throttle::{Throttle, throttle};
pub use wait::{UntilCellsReady, UntilReady};
pub use zig::ZigRateLimiter;

use crate::sync::Arc;
use core::fmt;
use core::sync::atomic::Ordering::{Acquire, Release};
use core::time::Duration;

use level::{Denied, Level};
#[cfg(feature = "profile")]
use monitor::{Came, Notes};
use queue::Queue;
use state::AtomicU32;

use crate::lock::Lock;
use crate::sync::bug;
use crate::time::{Clock, Instant, Timer};

/// Lets through what its [`Quota`] allows. Clones share one limit.
///
/// In any window of time in which the quota stays the same, at most `burst + window / interval` cells
/// pass, counted by the clock of `timer`. Asking with [`check`](Self::check) takes no lock, unless somebody waits: then it does
/// not overtake, and is told a time after all who wait. Waiting with
/// [`until_ready`](Self::until_ready) is first come, first served, with one timer for all.
///
/// # Examples
///
#[cfg_attr(any(feature = "std", feature = "spin", feature = "critical-section"), doc = "```")]
#[cfg_attr(
    not(any(feature = "std", feature = "spin", feature = "critical-section")),
    doc = "```ignore"
)]
/// use core::time::Duration;
/// use zigflow_core::limit::{Quota, RateLimiter};
/// use zigflow_core::time::ManualTimer;
///
/// let timer = ManualTimer::new();
/// let limiter = RateLimiter::new(&timer, Quota::per_second(10).burst(2));
/// assert!(limiter.check().is_ok() && limiter.check().is_ok());
/// let wait = limiter.check().unwrap_err().wait();
/// assert_eq!(wait, Duration::from_millis(100));
/// timer.advance(wait);
/// assert!(limiter.check().is_ok());
/// ```
pub struct RateLimiter<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    timer: T,
    level: Level,
    /// How many stand in the queue.
    waiting: AtomicU32,
    queue: Lock<Queue>,
}

impl<T: Clock> RateLimiter<T> {
    /// A limiter through which `quota.burst_size()` cells can pass at once.
    pub fn new(timer: T, quota: Quota) -> Self {
        Self {
            shared: Arc::new(Shared {
                timer,
                level: Level::new(quota),
                waiting: AtomicU32::new(0),
                queue: Lock::new(Queue::new()),
            }),
        }
    }

    /// Lets one cell pass now.
    ///
    /// # Errors
    ///
    /// [`NotUntil`] tells how long to wait. Nothing was taken.
    #[inline]
    pub fn check(&self) -> Result<(), NotUntil> {
        let now = self.shared.timer.now();
        self.shared.take(now, 1).map_err(|denied| self.shared.not_until(now, 1, denied))
    }

    /// Lets `cells` pass now, together or not at all. 0 always pass.
    ///
    /// # Errors
    ///
    /// Not now, or never, if they are more than the quota's burst. Nothing was taken.
    pub fn check_n(&self, cells: u32) -> Result<(), LimitError> {
        let now = self.shared.timer.now();
        self.shared.take(now, cells).map_err(|denied| match denied {
            Denied::Exceeds(burst) => LimitError::ExceedsBurst(ExceedsBurst { cells, burst }),
            denied => LimitError::NotUntil(self.shared.not_until(now, cells, denied)),
        })
    }

    /// The quota that holds now.
    pub fn quota(&self) -> Quota {
        self.shared.queue.with(|_| self.shared.level.quota())
    }

    /// `quota` holds from now on, for all clones and also for those who wait already. What has passed
    /// is not forgotten: a limiter that was empty is empty under the new quota. Only what is owed beyond the new burst is.
    pub fn set_quota(&self, quota: Quota) {
        let now = self.shared.timer.now();
        let first = self.shared.queue.with(|queue| {
            self.shared.level.change(now, quota);
            if bug(101) { None } else { queue.take_first_waker() }
        });
        if let Some(first) = first {
            first.wake(); // its turn may be sooner now, or later
        }
    }

    /// How many cells could pass now, together: 0 while somebody waits.
    pub fn available(&self) -> u32 {
        let now = self.shared.timer.now();
        if self.shared.waiting.load(Acquire) != 0 { 0 } else { self.shared.level.available(now) }
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.shared.waiting.load(Acquire) as usize
    }
}

impl<T: Timer> RateLimiter<T> {
    /// Waits until one cell may pass, and takes it.
    ///
    /// First come, first served: a place in the queue is taken at the first poll that has to wait.
    /// Whoever is first must be polled when it is woken, or all behind it wait; so do not keep one
    /// of these in a task that awaits something else.
    ///
    /// # Cancel safety
    ///
    /// Dropping it frees its place, takes no cell, and wakes the next one.
    pub fn until_ready(&self) -> UntilReady<T> {
        UntilReady::new(self.clone())
    }

    /// Waits until `cells` may pass together, and takes them. Those behind wait for it, however few
    /// they want.
    ///
    /// # Errors
    ///
    /// If they are more than the quota's burst, also one that was set meanwhile.
    ///
    /// # Cancel safety
    ///
    /// As [`until_ready`](Self::until_ready).
    pub fn until_n_ready(&self, cells: u32) -> UntilCellsReady<T> {
        UntilCellsReady::new(self.clone(), cells)
    }
}

impl<T> Shared<T> {
    /// For those who do not stand in the queue.
    #[inline]
    fn take(&self, now: Instant, cells: u32) -> Result<(), Denied> {
        if cells == 0 {
            return Ok(());
        }
        if self.waiting.load(Acquire) != 0 && !bug(103) {
            let burst = self.level.quota().burst_size();
            return Err(if cells > burst { Denied::Exceeds(burst) } else { Denied::Behind });
        }
        self.level.take(now, cells)
    }

    /// What to tell someone who was denied and does not want to wait.
    #[inline]
    fn not_until(&self, now: Instant, cells: u32, denied: Denied) -> NotUntil {
        match denied {
            Denied::Until(at) => NotUntil::new(now, at),
            Denied::Changing => NotUntil::new(now, now),
            _ => NotUntil::new(now, self.behind_all(now, cells)),
        }
    }

    /// After all who wait. A lone cell exceeds no burst.
    #[cold]
    fn behind_all(&self, now: Instant, cells: u32) -> Instant {
        let before = self.queue.with(|queue| queue.cells());
        // One of them may be late to take what is there: never "at once".
        let interval = self.level.quota().interval().max(Duration::from_nanos(1));
        let after_all = self.level.when(now, before + u64::from(cells));
        after_all.max(now.saturating_add(interval))
    }

    /// To be called with each change of the queue, under its lock.
    fn count(&self, queue: &Queue) {
        self.waiting.store(u32::try_from(queue.len()).unwrap_or(u32::MAX), Release);
    }
}

impl<T> Clone for RateLimiter<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T> fmt::Debug for RateLimiter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("quota", &self.shared.level.quota())
            .field("waiting", &self.shared.waiting.load(Acquire))
            .finish_non_exhaustive()
    }
}

#[cfg(not(feature = "profile"))]
use unnoted::{Came, Notes};

/// Nobody asks how long others wait.
#[cfg(not(feature = "profile"))]
mod unnoted {
    use crate::time::Instant;

    #[derive(Clone, Copy, Debug)]
    pub(super) struct Came;

    #[derive(Debug, Default)]
    pub(super) struct Notes;

    impl Notes {
        pub(super) const fn new() -> Self {
            Self
        }

        pub(super) fn are_kept(&self) -> bool {
            false
        }

        pub(super) fn one_comes(&mut self, _: Instant) -> Came {
            Came
        }

        pub(super) fn one_has_left(&mut self, _: Came, _: Instant, _: bool) {}
    }
}
