//! In how much of the time there was somebody.

use crate::time::Instant;
use core::time::Duration;

/// Those who are here. Times come from those who come and go, who looked at the clock before they had the lock: they may be out
/// of order, and no time counts twice.
#[derive(Debug)]
pub(crate) struct Presence {
    here: u32,
    /// Somebody is here since then, or nobody is.
    since: Instant,
    /// Before.
    total: Duration,
}

impl Presence {
    /// So many are here already.
    pub(crate) fn new(here: u32, now: Instant) -> Self {
        Self { here, since: now, total: Duration::ZERO }
    }

    pub(crate) fn here(&self) -> u32 {
        self.here
    }

    pub(crate) fn one_comes(&mut self, now: Instant) {
        if self.here == 0 {
            self.since = self.since.max(now);
        }
        self.here += 1;
    }

    pub(crate) fn one_goes(&mut self, now: Instant) {
        match self.here {
            0 => return, // it came before anybody looked
            1 => {
                self.total += now.saturating_duration_since(self.since);
                self.since = self.since.max(now);
            }
            _ => {}
        }
        self.here -= 1;
    }

    /// Until now.
    pub(crate) fn total(&self, now: Instant) -> Duration {
        match self.here {
            0 => self.total,
            _ => self.total + now.saturating_duration_since(self.since),
        }
    }
}
