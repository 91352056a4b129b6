//! How long others wait for a limiter. Noted under the lock of its queue, after what wakes the next one.

use alloc::boxed::Box;
use core::fmt;

use super::RateLimiter;
use crate::profile::{Histogram, LimitSnapshot, Presence};
use crate::time::{Clock, Instant};

/// When one came to wait.
pub(super) type Came = Instant;

/// Nothing, until somebody asks.
#[derive(Debug, Default)]
pub(super) struct Notes(Option<Box<Noted>>);

#[derive(Debug)]
struct Noted {
    began: Instant,
    passed: u64,
    gave_up: u64,
    wait: Histogram,
    /// Those who have come to wait and not been noted to leave.
    waiting: Presence,
}

impl Notes {
    pub(super) const fn new() -> Self {
        Self(None)
    }

    /// So many wait already.
    fn begin(&mut self, here: usize, now: Instant) {
        self.0.get_or_insert_with(|| {
            Box::new(Noted {
                began: now,
                passed: 0,
                gave_up: 0,
                wait: Histogram::new(),
                waiting: Presence::new(u32::try_from(here).unwrap_or(u32::MAX), now),
            })
        });
    }

    pub(super) fn are_kept(&self) -> bool {
        self.0.is_some()
    }

    /// One stands in the queue from now on.
    pub(super) fn one_comes(&mut self, now: Instant) -> Came {
        if let Some(noted) = &mut self.0 {
            noted.waiting.one_comes(now);
        }
        now
    }

    /// One that came then has left the queue.
    pub(super) fn one_has_left(&mut self, came: Came, now: Instant, has_passed: bool) {
        let Some(noted) = &mut self.0 else { return };
        noted.passed += u64::from(has_passed);
        noted.gave_up += u64::from(!has_passed);
        let came = came.max(noted.began);
        noted.wait.record(now.saturating_duration_since(came).as_nanos() as u64);
        noted.waiting.one_goes(now);
    }
}

/// Watches those who wait for a [`RateLimiter`], by the limiter's own clock: from their first poll that had to wait until they pass
/// or give up. A clone of the limiter is in it, so a key's limiter that is watched is not forgotten.
///
/// Zig's threads take no place in the queue, and are not seen; nor are those who only [`check`](RateLimiter::check).
pub struct LimitMonitor<T> {
    limiter: RateLimiter<T>,
}

impl<T: Clock> RateLimiter<T> {
    /// Watches those who wait from now on, see [`profile`](crate::profile). A limiter that is watched already stays so.
    pub fn monitor(&self) -> LimitMonitor<T> {
        let now = self.shared.timer.now();
        self.shared.queue.with(|queue| {
            let here = queue.len();
            queue.notes.begin(here, now);
        });
        LimitMonitor { limiter: self.clone() }
    }
}

impl<T: Clock> LimitMonitor<T> {
    /// What has happened until now.
    pub fn snapshot(&self) -> LimitSnapshot {
        let now = self.limiter.shared.timer.now();
        let snapshot = self.limiter.shared.queue.with(|queue| {
            let noted = queue.notes.0.as_ref()?;
            Some(LimitSnapshot {
                elapsed: now.saturating_duration_since(noted.began),
                passed: noted.passed,
                gave_up: noted.gave_up,
                wait: noted.wait,
                waiting: noted.waiting.total(now),
                now_waiting: noted.waiting.here() as usize,
            })
        });
        snapshot.unwrap_or_default()
    }

    /// The limiter.
    pub fn limiter(&self) -> &RateLimiter<T> {
        &self.limiter
    }
}

impl<T> Clone for LimitMonitor<T> {
    fn clone(&self) -> Self {
        Self { limiter: self.limiter.clone() }
    }
}

impl<T: Clock> fmt::Debug for LimitMonitor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LimitMonitor").field(&self.snapshot()).finish()
    }
}
