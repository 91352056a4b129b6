//! What has passed, in one atomic: no lock on the way of a request.
//!
//! ```text
//!   tat ──────────── a request: compare, exchange
//!    │
//!    └─ CHANGING ─── a new quota is being written: only its writer moves on
//! ```
//!
//! A request that meets CHANGING is told to come back, instead of waiting: it may be an interrupt
//! above the writer. One that read the quota before a change and exchanges after it fails, as `tat`
//! has moved; if it has not, the interval is the same, and the request counts as one that came before.

use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use super::quota::Quota;
use super::state::{AtomicU32, AtomicU64};
use crate::sync::bug;
use crate::time::Instant;

/// Why a request did not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// Ask again then.
    Until(Instant),
    /// It is more than can ever pass at once.
    Exceeds(u32),
    /// Others were here before.
    Behind,
    /// Ask again: the quota is changing.
    Changing,
}

#[derive(Debug)]
pub(super) struct Level {
    tat: Tat,
    interval: AtomicU64,
    burst: AtomicU32,
}

/// The theoretical arrival time, on a line of its own: each request writes it, and reads the rest.
#[derive(Debug)]
#[repr(align(64))]
struct Tat(AtomicU64);

/// In [`Tat`]. No time is that late.
const CHANGING: u64 = u64::MAX;

impl Level {
    pub(super) fn new(quota: Quota) -> Self {
        let (interval, burst) = quota.parts();
        Self {
            tat: Tat(AtomicU64::new(0)),
            interval: AtomicU64::new(interval),
            burst: AtomicU32::new(burst),
        }
    }

    /// Lets `cells` pass, or not.
    #[inline]
    pub(super) fn take(&self, now: Instant, cells: u32) -> Result<(), Denied> {
        let mut tat = self.tat.0.load(Acquire);
        loop {
            let quota = self.quota();
            if cells > quota.burst_size() {
                return Err(Denied::Exceeds(quota.burst_size()));
            }
            // While it is CHANGING the sum is beyond the end of time, and so is denied.
            let next = match quota.decide(tat, now.as_nanos(), cells.into()) {
                Ok(next) => next,
                Err(_) if tat == CHANGING => return Err(Denied::Changing),
                Err(at) => return Err(Denied::Until(at)),
            };
            match self.tat.0.compare_exchange_weak(tat, next, AcqRel, Acquire) {
                Ok(_) => return Ok(()),
                Err(seen) => tat = seen,
            }
        }
    }

    /// When `cells` would pass if nobody else took any.
    pub(super) fn when(&self, now: Instant, cells: u64) -> Instant {
        match self.tat.0.load(Acquire) {
            CHANGING => now,
            tat => self.quota().decide(tat, now.as_nanos(), cells).map_or_else(|at| at, |_| now),
        }
    }

    /// How many cells could pass now.
    pub(super) fn available(&self, now: Instant) -> u32 {
        match self.tat.0.load(Acquire) {
            CHANGING => 0,
            tat => self.quota().available(tat, now.as_nanos()),
        }
    }

    /// When all debt is paid and it is as good as new. `None` in the moment of a change.
    pub(super) fn full_at(&self) -> Option<Instant> {
        let tat = self.tat.0.load(Acquire);
        (tat != CHANGING).then_some(Instant::from_nanos(tat))
    }

    /// Within a change, parts of the old and the new.
    #[inline]
    pub(super) fn quota(&self) -> Quota {
        Quota::from_parts(self.interval.load(Relaxed), self.burst.load(Relaxed))
    }

    /// `quota` holds from `now` on, for what has passed too. One caller at a time.
    pub(super) fn change(&self, now: Instant, quota: Quota) {
        let tat = match bug(102) {
            true => self.tat.0.load(Acquire),
            false => self.tat.0.swap(CHANGING, AcqRel),
        };
        let next = quota.convert(self.quota(), tat, now.as_nanos());
        let (interval, burst) = quota.parts();
        self.interval.store(interval, Relaxed);
        self.burst.store(burst, Relaxed);
        self.tat.0.store(next, Release);
    }
}
