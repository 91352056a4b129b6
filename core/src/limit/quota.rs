//! How much is allowed, and the decision about one request: arithmetic only.

use core::fmt;
use core::time::Duration;

use crate::time::Instant;

/// So many cells per time, and how many of them at once.
///
/// A cell is whatever is counted: a request, a byte. The interval between two cells is rounded up
/// to a nanosecond, so a limit is never exceeded by rounding, but rates above some ten million per
/// second become coarse: count in larger cells there (KiB instead of bytes).
///
/// In any window of time at most `burst + window / interval` cells pass.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    interval: u64,
    burst: u32,
}

impl Quota {
    /// `count` cells per `period`, all of them at once if they were saved up. With a period of zero
    /// there is no limit.
    ///
    /// # Panics
    ///
    /// If `count` is 0; in a `const`, that is a compile error. For counts from a configuration
    /// there is [`try_new`](Self::try_new).
    #[track_caller]
    pub const fn new(count: u32, period: Duration) -> Self {
        match Self::try_new(count, period) {
            Some(quota) => quota,
            None => panic!(
                "a quota of 0 cells lets nothing pass: at least 1 (`try_new` tells instead of panicking)"
            ),
        }
    }

    /// As [`new`](Self::new); `None` if `count` is 0.
    pub const fn try_new(count: u32, period: Duration) -> Option<Self> {
        if count == 0 {
            return None;
        }
        let interval = period.as_nanos().div_ceil(count as u128);
        let interval = if interval > u64::MAX as u128 { u64::MAX } else { interval as u64 };
        Some(Self { interval, burst: count })
    }

    /// `count` cells per second, all of them at once if they were saved up.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    #[track_caller]
    pub const fn per_second(count: u32) -> Self {
        Self::new(count, Duration::from_secs(1))
    }

    /// `count` cells per minute, all of them at once if they were saved up.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    #[track_caller]
    pub const fn per_minute(count: u32) -> Self {
        Self::new(count, Duration::from_secs(60))
    }

    /// `count` cells per hour, all of them at once if they were saved up.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    #[track_caller]
    pub const fn per_hour(count: u32) -> Self {
        Self::new(count, Duration::from_secs(3600))
    }

    /// One cell per `interval`, never two at once.
    pub const fn every(interval: Duration) -> Self {
        Self::new(1, interval)
    }

    /// At most `burst` cells at once, at the same rate.
    ///
    /// A waiter sleeps until a tick of its timer, and with a burst of 1 what passes in between is
    /// lost. To reach the full rate, `burst` should be at least rate x tick.
    ///
    /// # Panics
    ///
    /// If `burst` is 0.
    #[must_use]
    #[track_caller]
    pub const fn burst(self, burst: u32) -> Self {
        assert!(burst > 0, "a burst of 0 cells lets nothing pass: at least 1");
        Self { burst, ..self }
    }

    /// The time in which one cell is refilled.
    pub const fn interval(&self) -> Duration {
        Duration::from_nanos(self.interval)
    }

    /// How many cells may pass at once.
    pub const fn burst_size(&self) -> u32 {
        self.burst
    }

    pub(super) const fn from_parts(interval: u64, burst: u32) -> Self {
        Self { interval, burst }
    }

    pub(super) const fn parts(self) -> (u64, u32) {
        (self.interval, self.burst)
    }

    /// The decision about `cells` (a queue's together may be more than the burst): the generic cell
    /// rate algorithm (ITU-T I.371, annex A, "virtual scheduling").
    ///
    /// `tat` is the theoretical arrival time: when the debt of all that has passed is paid. Returns
    /// the next one, or when it would be worth asking again.
    #[inline(always)]
    pub(super) fn decide(self, tat: u64, now: u64, cells: u64) -> Result<u64, Instant> {
        let cost = self.interval.saturating_mul(cells);
        let next = tat.max(now).saturating_add(cost);
        let tolerance = self.interval.saturating_mul(self.burst.into());
        // At the end of the clock's range nothing passes any more.
        if next <= now.saturating_add(tolerance).min(LAST) {
            return Ok(next);
        }
        let never = next > LAST;
        Err(if never { Instant::MAX } else { Instant::from_nanos(next - tolerance) })
    }

    /// How many cells could pass at `now`.
    pub(super) fn available(self, tat: u64, now: u64) -> u32 {
        let start = tat.max(now);
        let end = now.saturating_add(self.interval.saturating_mul(self.burst.into())).min(LAST);
        // Without an interval there is no limit; at the end of the clock nothing passes.
        let cells = match end.checked_sub(start) {
            Some(left) => left.checked_div(self.interval).unwrap_or(u64::MAX),
            None => 0,
        };
        u32::try_from(cells).unwrap_or(u32::MAX).min(self.burst)
    }

    /// What `tat` becomes when this quota replaces `old`: the debt in cells stays.
    pub(super) fn convert(self, old: Self, tat: u64, now: u64) -> u64 {
        // Whoever passed has seen a later time, if this one was read long ago.
        let now = now.max(tat.saturating_sub(old.interval.saturating_mul(old.burst.into())));
        let debt = u128::from(tat.saturating_sub(now));
        if debt == 0 || old.interval == 0 {
            // Nothing is owed: any other time that has come, so that a request which has read the old quota finds that
            // `tat` has moved.
            return if tat == now { now.saturating_sub(1) } else { now };
        }
        // Rounded up: a change lets nothing through. No debt is above the burst.
        let debt = (debt * u128::from(self.interval)).div_ceil(old.interval.into());
        let most = u128::from(self.interval) * u128::from(self.burst);
        (u128::from(now) + debt.min(most)).min(LAST.into()) as u64
    }
}

impl fmt::Debug for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quota")
            .field("interval", &self.interval())
            .field("burst", &self.burst)
            .finish()
    }
}

/// The last instant of a clock; the one after it never comes.
const LAST: u64 = Instant::LAST.as_nanos();
