//! Why a request does not pass.

use core::error::Error;
use core::fmt;
use core::time::Duration;

use crate::time::Instant;

/// Not now: the limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NotUntil {
    now: Instant,
    at: Instant,
}

impl NotUntil {
    pub(super) const fn new(now: Instant, at: Instant) -> Self {
        Self { now, at }
    }

    /// When it is worth asking again, on the limiter's clock. Others may be faster.
    pub const fn at(&self) -> Instant {
        self.at
    }

    /// How long that is from the time of the request on: 0 in the moment in which the quota changes,
    /// [`Duration::MAX`] if the clock ends before.
    pub const fn wait(&self) -> Duration {
        if self.at.as_nanos() == Instant::MAX.as_nanos() {
            return Duration::MAX;
        }
        self.at.saturating_duration_since(self.now)
    }
}

impl fmt::Display for NotUntil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the rate limit is reached: ask again in {:?}", self.wait())
    }
}

impl Error for NotUntil {}

/// More cells than can ever pass at once: ask for fewer, or give the quota a larger burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ExceedsBurst {
    /// What was asked for.
    pub cells: u32,
    /// The quota's burst.
    pub burst: u32,
}

impl fmt::Display for ExceedsBurst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cells, burst } = self;
        write!(f, "{cells} cells never pass at once: the quota's burst is {burst}")
    }
}

impl Error for ExceedsBurst {}

/// Why a request for several cells does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LimitError {
    /// Not now.
    NotUntil(NotUntil),
    /// Never.
    ExceedsBurst(ExceedsBurst),
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUntil(error) => error.fmt(f),
            Self::ExceedsBurst(error) => error.fmt(f),
        }
    }
}

impl Error for LimitError {}
