//! A stream that ticks.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::{Instant, Sleep, Timer};

/// A tick now and then one each `period`: a stream of the instants for which the ticks are due. It
/// never ends.
///
/// # Panics
///
/// If `period` is zero.
///
/// # Cancel safety
///
/// `next()` may be dropped at any time: no tick is lost.
///
/// # Examples
///
/// ```
/// # use core::time::Duration;
/// use zigflow_core::time::{MissedTicks, Timer, interval};
/// # fn example(timer: impl Timer) {
/// let ticks = interval(timer, Duration::from_millis(20)).missed(MissedTicks::Skip);
/// # drop(ticks);
/// # }
/// ```
#[track_caller]
pub fn interval<T: Timer>(timer: T, period: Duration) -> Interval<T> {
    let start = timer.now();
    interval_at(timer, start, period)
}

/// As [`interval`], with the first tick at `start`.
///
/// # Panics
///
/// If `period` is zero.
#[track_caller]
pub fn interval_at<T: Timer>(timer: T, start: Instant, period: Duration) -> Interval<T> {
    assert!(!period.is_zero(), "an interval needs a period above zero");
    let sleep = timer.sleep_until(start);
    Interval { timer, period, missed: MissedTicks::default(), next: start, sleep, set: true }
}

/// What becomes of ticks for which the reader came too late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTicks {
    /// They come one after the other without a pause, so none is missing.
    #[default]
    Burst,
    /// They are left out, and the next one comes a period after the late one.
    Delay,
    /// They are left out, and the next one comes when one would have been due anyway.
    Skip,
}

pin_project! {
    /// The stream of [`interval`] and [`interval_at`].
    #[must_use = "streams do nothing unless polled"]
    pub struct Interval<T: Timer> {
        timer: T,
        period: Duration,
        missed: MissedTicks,
        next: Instant,
        #[pin]
        sleep: T::Sleep,
        // The sleep is for `next`.
        set: bool,
    }
}

impl<T: Timer> Interval<T> {
    /// What becomes of missed ticks; otherwise [`MissedTicks::Burst`].
    pub fn missed(mut self, missed: MissedTicks) -> Self {
        self.missed = missed;
        self
    }

    /// The time between two ticks.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// When the next tick is due.
    pub fn next_tick(&self) -> Instant {
        self.next
    }

    /// The next tick comes a period from now.
    pub fn reset(self: Pin<&mut Self>) {
        let next = self.timer.now().saturating_add(self.period);
        self.reset_at(next);
    }

    /// The next tick comes at `next`, and from then on one each period.
    pub fn reset_at(self: Pin<&mut Self>, next: Instant) {
        let this = self.project();
        (*this.next, *this.set) = (next, false);
    }
}

/// The tick after the one that was due at `due` and is taken at `now`.
fn following(missed: MissedTicks, due: Instant, period: Duration, now: Instant) -> Instant {
    match missed {
        MissedTicks::Burst => due.saturating_add(period),
        MissedTicks::Delay => now.saturating_add(period),
        MissedTicks::Skip => {
            let late = now.saturating_duration_since(due).as_nanos();
            let passed = Duration::from_nanos((late - late % period.as_nanos()) as u64);
            due.saturating_add(passed).saturating_add(period)
        }
    }
}

impl<T: Timer> Stream for Interval<T> {
    type Item = Instant;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        let mut this = self.project();
        if !*this.set {
            this.sleep.as_mut().reset(*this.next);
            *this.set = true;
        }
        ready!(this.sleep.poll(cx));
        let due = *this.next;
        *this.next = following(*this.missed, due, *this.period, this.timer.now());
        *this.set = false;
        Poll::Ready(Some(due))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl<T: Timer> FusedStream for Interval<T> {
    fn is_terminated(&self) -> bool {
        false
    }
}

impl<T: Timer> fmt::Debug for Interval<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval")
            .field("period", &self.period)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
