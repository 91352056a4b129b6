//! How long to wait before which retry: iterators of durations, without a clock.
//!
//! Ours never end and never overflow: they stop growing at their `max`, at the latest at
//! [`Duration::MAX`]. How often is tried at all is the business of [`Retry`](super::Retry).

use core::iter::FusedIterator;
use core::time::Duration;

use fastrand::Rng;

/// The same delay before every retry.
pub const fn fixed(delay: Duration) -> Fixed {
    Fixed { delay }
}

/// `step`, twice `step`, three times `step` and so on.
pub const fn linear(step: Duration) -> Linear {
    Linear { next: step, step, max: Duration::MAX }
}

/// `first`, and from then on twice the delay before.
pub const fn exponential(first: Duration) -> Exponential {
    Exponential { next: first, factor: 2, max: Duration::MAX }
}

/// `first` times the numbers of Fibonacci: 1, 1, 2, 3, 5, 8 and so on. Grows by a factor of about
/// 1.6.
pub const fn fibonacci(first: Duration) -> Fibonacci {
    Fibonacci { next: first, after: first, max: Duration::MAX }
}

/// Each delay is chosen between `first` and three times the one before, but at most `max`: clients
/// that failed together come back apart.
///
/// Source: "decorrelated jitter" of Marc Brooker, "Exponential Backoff And Jitter" (AWS
/// Architecture Blog, 2015). With the same `seed` the delays are the same: see
/// [`jitter`](BackoffExt::jitter).
///
/// # Panics
///
/// If `first` is above `max`.
#[track_caller]
pub fn decorrelated(first: Duration, max: Duration, seed: u64) -> Decorrelated {
    assert!(first <= max, "decorrelated backoff: `first` is above `max`");
    Decorrelated { first, last: first, max, rng: Rng::with_seed(seed) }
}

/// A seed that differs from call to call and from process to process.
#[cfg(feature = "std")]
pub fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(())
}

/// See [`fixed`].
#[derive(Clone, Debug)]
pub struct Fixed {
    delay: Duration,
}

/// See [`linear`].
#[derive(Clone, Debug)]
pub struct Linear {
    next: Duration,
    step: Duration,
    max: Duration,
}

/// See [`exponential`].
#[derive(Clone, Debug)]
pub struct Exponential {
    next: Duration,
    factor: u32,
    max: Duration,
}

/// See [`fibonacci`].
#[derive(Clone, Debug)]
pub struct Fibonacci {
    next: Duration,
    after: Duration,
    max: Duration,
}

/// See [`decorrelated`].
#[derive(Clone, Debug)]
pub struct Decorrelated {
    first: Duration,
    last: Duration,
    max: Duration,
    rng: Rng,
}

impl Linear {
    /// No delay is longer than `max`.
    pub const fn max(self, max: Duration) -> Self {
        Self { max, ..self }
    }
}

impl Exponential {
    /// No delay is longer than `max`.
    pub const fn max(self, max: Duration) -> Self {
        Self { max, ..self }
    }

    /// Each delay is `factor` times the one before.
    pub const fn factor(self, factor: u32) -> Self {
        Self { factor, ..self }
    }
}

impl Fibonacci {
    /// No delay is longer than `max`.
    pub const fn max(self, max: Duration) -> Self {
        Self { max, ..self }
    }
}

impl Iterator for Fixed {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(self.delay)
    }
}

impl Iterator for Linear {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let delay = self.next.min(self.max);
        self.next = delay.saturating_add(self.step);
        Some(delay)
    }
}

impl Iterator for Exponential {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let delay = self.next.min(self.max);
        self.next = delay.saturating_mul(self.factor);
        Some(delay)
    }
}

impl Iterator for Fibonacci {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let delay = self.next.min(self.max);
        let sum = self.next.saturating_add(self.after);
        self.next = self.after;
        self.after = sum;
        Some(delay)
    }
}

impl Iterator for Decorrelated {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let high = self.last.saturating_mul(3).min(self.max);
        self.last = between(&mut self.rng, self.first, high);
        Some(self.last)
    }
}

impl FusedIterator for Fixed {}
impl FusedIterator for Linear {}
impl FusedIterator for Exponential {}
impl FusedIterator for Fibonacci {}
impl FusedIterator for Decorrelated {}

/// Chance, for delays of any kind: `exponential(first).jitter(Jitter::Full, seed)`.
///
/// Source: "Exponential Backoff And Jitter", as [`decorrelated`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jitter {
    /// Between nothing and the whole delay.
    Full,
    /// Between half of the delay and the whole.
    Equal,
}

/// Adds [`jitter`](Self::jitter) to all iterators of durations, also foreign ones.
pub trait BackoffExt: Iterator<Item = Duration> + Sized {
    /// Chooses each delay at random, from what `jitter` makes of it. Never longer than the delay
    /// itself. With the same `seed` the choices are the same, so each call needs one of its own, or
    /// those that failed together come back together: [`random_seed`], or where there is no `std` a
    /// counter that began with the device's number.
    fn jitter(self, jitter: Jitter, seed: u64) -> Jittered<Self> {
        Jittered { delays: self, jitter, rng: Rng::with_seed(seed) }
    }
}

impl<I: Iterator<Item = Duration>> BackoffExt for I {}

/// See [`BackoffExt::jitter`].
#[derive(Clone, Debug)]
pub struct Jittered<I> {
    delays: I,
    jitter: Jitter,
    rng: Rng,
}

impl<I: Iterator<Item = Duration>> Iterator for Jittered<I> {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let high = self.delays.next()?;
        let low = match self.jitter {
            Jitter::Full => Duration::ZERO,
            Jitter::Equal => high / 2,
        };
        Some(between(&mut self.rng, low, high))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.delays.size_hint()
    }
}

/// Any duration from `low` to `high`, both included, to the nanosecond.
fn between(rng: &mut Rng, low: Duration, high: Duration) -> Duration {
    let nanos = rng.u128(low.as_nanos()..=high.as_nanos());
    Duration::new((nanos / NANOS_PER_SEC) as u64, (nanos % NANOS_PER_SEC) as u32)
}

const NANOS_PER_SEC: u128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn millis(delays: impl Iterator<Item = Duration>, count: usize) -> Vec<u128> {
        delays.take(count).map(|delay| delay.as_millis()).collect()
    }

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_series_are_what_their_names_say() {
        assert_eq!(millis(fixed(MS), 3), [1, 1, 1]);
        assert_eq!(millis(linear(100 * MS), 4), [100, 200, 300, 400]);
        assert_eq!(millis(exponential(MS), 5), [1, 2, 4, 8, 16]);
        assert_eq!(millis(exponential(MS).factor(10), 4), [1, 10, 100, 1000]);
        assert_eq!(millis(fibonacci(MS), 8), [1, 1, 2, 3, 5, 8, 13, 21]);
        assert_eq!(millis(linear(3 * MS).max(7 * MS), 4), [3, 6, 7, 7]);
        assert_eq!(millis(exponential(MS).max(5 * MS), 5), [1, 2, 4, 5, 5]);
        assert_eq!(millis(fibonacci(MS).max(4 * MS), 7), [1, 1, 2, 3, 4, 4, 4]);
        assert_eq!(millis(exponential(8 * MS).max(5 * MS), 2), [5, 5]);
    }

    /// Pitfall 40: overflow of backoff.
    #[test]
    fn pitfall_40_no_series_overflows() {
        for start in [Duration::MAX, Duration::MAX / 2, Duration::from_secs(1 << 62)] {
            let all: [&mut dyn Iterator<Item = Duration>; 6] = [
                &mut fixed(start),
                &mut linear(start),
                &mut exponential(start),
                &mut exponential(start).factor(u32::MAX),
                &mut fibonacci(start),
                &mut decorrelated(start, Duration::MAX, 1),
            ];
            for series in all {
                let mut last = Duration::ZERO;
                for delay in series.take(200) {
                    last = delay;
                }
                assert!(last >= start);
            }
        }
        assert_eq!(exponential(MS).nth(200), Some(Duration::MAX));
        assert_eq!(fibonacci(MS).nth(500), Some(Duration::MAX));
    }

    #[test]
    fn nothing_grows_out_of_zero() {
        let zero = Duration::ZERO;
        assert!(linear(zero).take(5).all(|delay| delay.is_zero()));
        assert!(exponential(zero).take(5).all(|delay| delay.is_zero()));
        assert!(fibonacci(zero).take(5).all(|delay| delay.is_zero()));
        assert!(exponential(zero).jitter(Jitter::Full, 1).take(5).all(|delay| delay.is_zero()));
        assert!(decorrelated(zero, MS, 1).take(5).all(|delay| delay.is_zero()));
    }

    #[test]
    fn a_seed_decides_everything() {
        let with = |seed| exponential(MS).jitter(Jitter::Full, seed).take(20).collect::<Vec<_>>();
        assert_eq!(with(1), with(1));
        assert_ne!(with(1), with(2));
        let with = |seed| decorrelated(MS, 1000 * MS, seed).take(20).collect::<Vec<_>>();
        assert_eq!(with(1), with(1));
        assert_ne!(with(1), with(2));
    }

    #[cfg(feature = "std")]
    #[test]
    fn no_two_random_seeds_are_alike() {
        assert_ne!(random_seed(), random_seed());
    }

    #[test]
    #[should_panic(expected = "above `max`")]
    fn a_first_delay_above_the_longest_is_refused() {
        let _ = decorrelated(2 * MS, MS, 0);
    }
}
