//! The decision: is there another attempt, and when. A function of what has happened and the time,
//! without a clock or a future.

use core::time::Duration;

use crate::time::Instant;

/// Counts attempts and chooses when the next one begins.
///
/// This is what [`retry`](super::retry) decides with. Whoever has a loop of their own, a blocking
/// one say, can use it directly: [`begin`](Self::begin) before each attempt,
/// [`failed`](Self::failed) after each that failed.
///
/// # Examples
///
/// An operation that borrows, and a loop that blocks:
///
/// ```
/// use zigflow_core::retry::{Schedule, Stop, backoff::linear};
/// # use core::time::Duration;
/// # use zigflow_core::time::{Clock, Instant};
/// # fn example(clock: impl Clock, mut connection: Vec<u8>, sleep_until: fn(Instant)) -> Result<(), Stop> {
/// # fn send(_: &mut Vec<u8>) -> Result<(), ()> { Ok(()) }
/// let mut schedule = Schedule::new(linear(Duration::from_millis(10))).max_attempts(3);
/// schedule.begin(clock.now())?;
/// while send(&mut connection).is_err() {
///     sleep_until(schedule.failed(clock.now(), None)?);
///     schedule.begin(clock.now())?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Schedule<D> {
    delays: D,
    max_attempts: u32,
    attempts: u32,
    total: Option<Duration>,
    deadline: Option<Instant>,
}

/// Why there is no further attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// All attempts were made, or the backoff gave no further delay.
    Attempts,
    /// The total time is over.
    Time,
}

impl<D: Iterator<Item = Duration>> Schedule<D> {
    /// As many attempts as `delays` gives delays, and one. No limit of time.
    pub const fn new(delays: D) -> Self {
        Self { delays, max_attempts: u32::MAX, attempts: 0, total: None, deadline: None }
    }

    /// At most so many attempts, the first included, which is always made: 0 is as 1.
    #[must_use]
    pub fn max_attempts(self, max_attempts: u32) -> Self {
        Self { max_attempts, ..self }
    }

    /// No attempt begins or goes on later than `total` after the first one began.
    #[must_use]
    pub fn total(self, total: Duration) -> Self {
        Self { total: Some(total), ..self }
    }

    /// An attempt begins now. Returns when it has to end: [`Instant::MAX`] if there is no limit.
    ///
    /// # Errors
    ///
    /// [`Stop::Time`]: it comes after the total time, as by a timer that was late, and must not begin.
    pub fn begin(&mut self, now: Instant) -> Result<Instant, Stop> {
        let deadline = self.deadline_from(now);
        if now > deadline {
            return Err(Stop::Time);
        }
        self.attempts = self.attempts.saturating_add(1);
        Ok(deadline)
    }

    /// The attempt has failed; the next one begins at the instant that is returned, which is never
    /// before `now` and never after the total time. `after` replaces the delay of the backoff.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn failed(&mut self, now: Instant, after: Option<Duration>) -> Result<Instant, Stop> {
        if self.attempts >= self.max_attempts {
            return Err(Stop::Attempts);
        }
        let deadline = self.deadline_from(now);
        if now >= deadline {
            return Err(Stop::Time);
        }
        let delay = self.delays.next().ok_or(Stop::Attempts)?;
        Ok(now.saturating_add(after.unwrap_or(delay)).min(deadline))
    }

    /// How many attempts have begun.
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// When the total time is over: [`Instant::MAX`] if there is no limit, or nothing has begun.
    pub fn deadline(&self) -> Instant {
        self.deadline.unwrap_or(Instant::MAX)
    }

    /// What was tried has succeeded and goes on, as a connection does: it is the first attempt of a
    /// new series, whose total time runs from its first failure.
    pub fn restart(&mut self, delays: D) {
        self.delays = delays;
        self.attempts = 1;
        self.deadline = None;
    }

    fn deadline_from(&mut self, now: Instant) -> Instant {
        let Some(total) = self.total else {
            return Instant::MAX;
        };
        *self.deadline.get_or_insert(now.saturating_add(total))
    }
}
