//! Time, given from outside.
//!
//! The core has no clock. Whoever embeds it hands in a [`Timer`]: an adapter's (`TokioTimer`,
//! `SmolTimer`), a `ManualTimer` for tests and simulations, or one of their own on whatever
//! hardware they have. Patterns such as [`timeout`] see these traits and nothing else.
//!
//! A timer is a value that is passed along, not a global: two of them live side by side in one
//! program, and a test owns its own.
//!
//! # The contract
//!
//! Everything above a timer relies on these sentences. `conformance.rs` in the tests package holds
//! every timer of this project to them.
//!
//! A [`Clock`]
//!
//! 1. MUST be monotonic, on all threads together: what happens later reads no smaller.
//! 2. MUST saturate at [`Instant::LAST`]. It never reads [`Instant::MAX`], which means "never".
//! 3. MAY stand still between two readings.
//!
//! A [`Timer`]
//!
//! 4. MUST let `sleep_until` be called anywhere: outside its runtime, before it, on any thread.
//!    What needs the runtime happens at the first poll. Making a sleep arms nothing.
//! 5. MUST read the same clock as its sleeps.
//!
//! A [`Sleep`]
//!
//! 6. MUST be ready exactly if `now() >= deadline`, at every poll: never early, at once when the
//!    deadline lies in the past, and still when it is polled again after it was ready. A deadline
//!    between two ticks rounds up.
//! 7. MUST never be ready for the deadline `Instant::MAX`.
//! 8. MUST wake the waker of its last poll when the deadline has come, and no other. MAY wake it
//!    late, and more often than needed.
//! 9. MUST, when it is dropped or ready, deregister its waker: it is woken no more for this sleep,
//!    and the task's memory is let go, at the latest with the driver's next turn.
//! 10. MUST take a `reset` at any time, before or after it was ready: from then on it behaves as a
//!     new sleep for the new deadline, which has not been polled. The owner polls it again; until
//!     then nobody needs to be woken.
//! 11. MUST NOT call a waker (wake, clone or drop) while it holds a lock that `poll`, `reset`, `drop`
//!     or `now` would wait for.
//!
//! # What others offer
//!
//! | job | elsewhere | here |
//! |---|---|---|
//! | wait | tokio `sleep`, `sleep_until`, `Sleep::reset` | [`Timer::sleep`], [`Timer::sleep_until`], [`Sleep::reset`] |
//! | limit a future | tokio `timeout`, `timeout_at`; tower `Timeout` | [`timeout`], [`timeout_at`] |
//! | limit each item | tokio-stream `timeout_repeating` | [`timeout_each`] |
//! | limit silence; everything | tokio-stream `timeout`; none | [`timeout_idle`]; [`timeout_total`] |
//! | ticks | tokio `interval`, `interval_at`, `MissedTickBehavior`, `reset`, `reset_at` | [`interval`], [`interval_at`], [`MissedTicks`], [`Interval::reset`], [`Interval::reset_at`] |
//! | time in tests | tokio `pause`, `advance`; governor `FakeRelativeClock` | `ManualTimer`, also with foreign threads under way |
//! | retry | backon `Retryable`, tower `Retry` | [`retry`](crate::retry()) |
//! | retry a stream | none | [`retry_stream`](crate::retry_stream), which reopens it at its position |
//! | retry without a future | backon `BlockingRetryable` | [`Schedule`](crate::retry::Schedule) in a loop of your own |
//! | retry with something borrowed | backon `RetryableWithContext` | the same |
//! | backoff | backon's three builders, tower `ExponentialBackoff` | [`backoff`](crate::retry::backoff), and any iterator, so backon's too |
//! | longest delay, jitter | backon `with_max_delay`, `with_jitter` (full) | `max`, [`jitter`](crate::retry::backoff::BackoffExt::jitter) (full, equal), [`decorrelated`](crate::retry::backoff::decorrelated) |
//! | attempts, total time | backon `with_max_times`, `with_total_delay` (of the delays) | [`max_attempts`](crate::retry::Retry::max_attempts), [`total`](crate::retry::Retry::total) (of everything) |
//! | time of an attempt | by hand, with `timeout` | [`attempt_timeout`](crate::retry::Retry::attempt_timeout) |
//! | which errors, told by the error, seen | backon `when`, `adjust`, `notify` | [`when`](crate::retry::Retry::when), [`retry_after`](crate::retry::Retry::retry_after), [`notify`](crate::retry::Retry::notify) |
//! | a budget of all callers | tower `TpsBudget` | [`RetryBudget`](crate::retry::RetryBudget), by calls instead of seconds |
//! | rate limit | governor `check`, `check_n`; tower `RateLimit` (by windows) | `RateLimiter::check`, `check_n`; `available` |
//! | wait for it | governor `until_ready`, `until_n_ready`, with jitter | `until_ready`, `until_n_ready`; in order of arrival, so jitter is not needed |
//! | quota | governor `per_second` and so on, `with_period`, `allow_burst` | `Quota::per_second` and so on, `every`, `burst`; `set_quota` while it is used |
//! | a limit for each key | governor `keyed`, `retain_recent`, `len` | `KeyedRateLimiter`, with a cap that holds by itself, `len` |
//! | a slower stream | tokio-stream `throttle`, governor `ratelimit_stream` | `throttle`, by a limiter that others share |
//! | a slower sink | governor `ratelimit_sink` | `until_ready` before `send` |
//! | batches | futures-util `chunks`, tokio-stream `chunks_timeout` | [`batch`](crate::batch()), [`batch_timeout`](crate::batch_timeout), also by weight and into a buffer |
//! | what is ready now | futures-util `ready_chunks` | `batch_timeout` with a limit of zero |
//! | batches of a fallible stream | futures-util `try_chunks` | [`batch_process`](crate::batch_process): what came before the error is processed |

#[cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]
mod alarm;
#[cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]
mod armed;
#[cfg(feature = "embedded-hal-async")]
mod delay;
mod interval;
#[cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]
mod manual;
mod stream_timeout;
mod timeout;
#[cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]
mod zig;

#[cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]
pub use alarm::{Alarm, AlarmSleep, AlarmTimer};
#[cfg(feature = "embedded-hal-async")]
pub use delay::Delay;
pub use interval::{Interval, MissedTicks, interval, interval_at};
#[cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]
pub use manual::{ManualSleep, ManualTimer};
pub use stream_timeout::{StreamTimeout, timeout_each, timeout_idle, timeout_total};
pub use timeout::{Timeout, TimeoutError, timeout, timeout_at};
#[cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]
pub use zig::{NowFn, ScheduleWakeFn, ZigAlarm, ZigTimer};

use crate::sync::Arc;
use core::fmt;
use core::pin::Pin;
use core::time::Duration;

/// Reads the time. The [contract](self#the-contract) has the fine print.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Instant;
}

/// Makes futures that end at a given time. The [contract](self#the-contract) has the fine print.
pub trait Timer: Clock {
    /// The future. Not boxed: it stands inside whatever waits with it.
    type Sleep: Sleep;

    /// A future that is ready once [`now`](Clock::now) has reached `deadline`, an instant of this
    /// timer's clock.
    fn sleep_until(&self, deadline: Instant) -> Self::Sleep;

    /// A future that is ready once `duration` has passed. The clock is read here, not at the first
    /// poll.
    fn sleep(&self, duration: Duration) -> Self::Sleep {
        self.sleep_until(self.now().saturating_add(duration))
    }
}

/// A wait for a deadline that can be moved. The [contract](self#the-contract) has the fine print.
pub trait Sleep: Future<Output = ()> {
    /// Starts over with another deadline, whether or not the last one has come. Poll afterwards.
    fn reset(self: Pin<&mut Self>, deadline: Instant);
}

/// A point in time: nanoseconds since an epoch that the clock chose.
///
/// Instants of different clocks have nothing to do with each other. The range is 584 years;
/// arithmetic stops at its ends instead of wrapping or panicking.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant(u64);

impl Instant {
    /// Later than every reading of every clock. As a deadline: never.
    pub const MAX: Self = Self(u64::MAX);

    /// Where clocks stop: a nanosecond before [`MAX`](Self::MAX).
    pub const LAST: Self = Self(u64::MAX - 1);

    /// The instant `nanos` nanoseconds after the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// `self + duration`, or [`MAX`](Self::MAX) where that lies out of range.
    pub const fn saturating_add(self, duration: Duration) -> Self {
        let nanos = duration.as_nanos();
        if nanos > u64::MAX as u128 {
            return Self::MAX;
        }
        Self(self.0.saturating_add(nanos as u64))
    }

    /// The time from `earlier` to `self`, or zero if it is not earlier.
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::MAX {
            return f.write_str("Instant(never)");
        }
        f.debug_tuple("Instant").field(&Duration::from_nanos(self.0)).finish()
    }
}

impl<T: Clock + ?Sized> Clock for &T {
    fn now(&self) -> Instant {
        (**self).now()
    }
}

impl<T: Timer + ?Sized> Timer for &T {
    type Sleep = T::Sleep;

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        (**self).sleep_until(deadline)
    }
}

impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn now(&self) -> Instant {
        (**self).now()
    }
}

impl<T: Timer + ?Sized> Timer for Arc<T> {
    type Sleep = T::Sleep;

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        (**self).sleep_until(deadline)
    }
}
