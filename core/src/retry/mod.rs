//! Trying again: operations that fail for a while, sources that break off.
//!
//! ```text
//!   begin ──▶ attempt ──ok──▶ result
//!     ▲          │ error, or its time is over
//!     │          ▼
//!     │        when? ──no──────────────▶ NotRetryable
//!     │          ▼
//!     │       Schedule: attempts, time ─▶ MaxRetriesExceeded, TimeExceeded
//!     │          ▼
//!     │       RetryBudget? ──empty─────▶ BudgetExhausted
//!     │          ▼
//!     └─ sleep ◀─ notify
//! ```
//!
//! [`retry`] repeats a future, [`retry_stream`] reopens a stream where it broke off. Both are a
//! [`Retry`] with the same settings. The decision itself is [`Schedule`], which knows no clock.
//!
//! A backoff is any iterator of durations: those of [`backoff`], an array, or one of the crate
//! backon (`ExponentialBuilder::default().build()`). The other way round, backon sleeps on any
//! [`Timer`] with `.sleep(|delay| timer.sleep(delay))`.

pub mod backoff;
mod budget;
mod call;
mod error;
mod schedule;
mod stream;

pub use budget::RetryBudget;
pub use call::{Call, retry};
pub use error::RetryError;
pub use schedule::{Schedule, Stop};
pub use stream::{Reopen, retry_stream};

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;

use pin_project_lite::pin_project;

use crate::time::{Instant, Sleep, TimeoutError, Timer};

/// A failed attempt that will be followed by another: what [`Retry::notify`] is told.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure<'a, E> {
    /// Why it failed.
    pub error: &'a E,
    /// Which one it was: 1 is the first.
    pub attempt: u32,
    /// How long until the next one begins.
    pub delay: Duration,
}

pin_project! {
    /// Something that is tried again until it succeeds: a future by [`retry`], a stream by
    /// [`retry_stream`]. Settings are made before it is polled.
    ///
    /// Without any, it goes on as long as the backoff gives delays, and those of
    /// [`backoff`] never end: say [`max_attempts`](Self::max_attempts) or [`total`](Self::total).
    #[must_use = "futures and streams do nothing unless polled"]
    pub struct Retry<O, T, D, E, W = Always<E>, A = Never<E>, N = Quiet<E>>
    where
        T: Timer,
    {
        #[pin]
        what: O,
        #[pin]
        pace: Pace<T>,
        plan: Plan<D, E>,
        hooks: Hooks<W, A, N>,
    }
}

/// The predicate of a [`Retry`] without `when`.
pub type Always<E> = fn(&E) -> bool;
/// The hint of a [`Retry`] without `retry_after`.
pub type Never<E> = fn(&E) -> Option<Duration>;
/// The listener of a [`Retry`] without `notify`.
pub type Quiet<E> = fn(&Failure<'_, E>);

impl<O, T: Timer, D: Iterator<Item = Duration>, E> Retry<O, T, D, E> {
    fn new(what: O, timer: T, delays: D) -> Self {
        Self {
            what,
            pace: Pace {
                sleep: timer.sleep_until(Instant::MAX),
                timer,
                stage: Stage::New,
                until: Instant::MAX,
            },
            plan: Plan {
                schedule: Schedule::new(delays),
                attempt_timeout: None,
                budget: None,
                last: None,
            },
            hooks: Hooks { when: |_| true, retry_after: |_| None, notify: |_| () },
        }
    }
}

impl<O, T: Timer, D: Iterator<Item = Duration>, E, W, A, N> Retry<O, T, D, E, W, A, N> {
    /// At most so many attempts, the first included, which is always made: 0 is as 1.
    ///
    /// In a stream: a stream that breaks off after it has yielded items is the first failed attempt of a series.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.plan.schedule = self.plan.schedule.max_attempts(attempts);
        self
    }

    /// The time for everything together, from the first poll on. It shortens the last delay and
    /// cuts off an attempt that is under way.
    ///
    /// In a stream: from the first failure since the last item on, or since the first poll.
    pub fn total(mut self, total: Duration) -> Self {
        self.plan.schedule = self.plan.schedule.total(total);
        self
    }

    /// The time for each attempt. One that takes longer is dropped, so Zig is told to stop, and has
    /// failed with `E::from(TimeoutError::Elapsed)`.
    ///
    /// In a stream: the time for each item, while it is waited for.
    pub fn attempt_timeout(mut self, limit: Duration) -> Self
    where
        E: From<TimeoutError>,
    {
        self.plan.attempt_timeout = Some((limit, || TimeoutError::Elapsed.into()));
        self
    }

    /// Retries take from this budget, which callers share. A stream puts in for each opening that yields items, and takes
    /// out for each reopening: one that lives for long should have a budget of its own, or none.
    pub fn budget(mut self, budget: &RetryBudget) -> Self {
        self.plan.budget = Some(budget.clone());
        self
    }

    /// Only errors for which `predicate` is true are followed by another attempt. Say here that what
    /// was cancelled on purpose is not to be repeated.
    pub fn when<P>(self, predicate: P) -> Retry<O, T, D, E, P, A, N>
    where
        P: FnMut(&E) -> bool,
    {
        let Hooks { retry_after, notify, .. } = self.hooks;
        let hooks = Hooks { when: predicate, retry_after, notify };
        Retry { what: self.what, pace: self.pace, plan: self.plan, hooks }
    }

    /// Where `hint` has a duration for an error (a server's "retry after"), that one replaces the
    /// delay of the backoff.
    pub fn retry_after<P>(self, hint: P) -> Retry<O, T, D, E, W, P, N>
    where
        P: FnMut(&E) -> Option<Duration>,
    {
        let Hooks { when, notify, .. } = self.hooks;
        let hooks = Hooks { retry_after: hint, when, notify };
        Retry { what: self.what, pace: self.pace, plan: self.plan, hooks }
    }

    /// Calls `listener` for each failed attempt that another one will follow, before the delay.
    pub fn notify<P>(self, listener: P) -> Retry<O, T, D, E, W, A, P>
    where
        P: FnMut(&Failure<'_, E>),
    {
        let Hooks { when, retry_after, .. } = self.hooks;
        let hooks = Hooks { notify: listener, when, retry_after };
        Retry { what: self.what, pace: self.pace, plan: self.plan, hooks }
    }
}

impl<O, T: Timer, D, E, W, A, N> fmt::Debug for Retry<O, T, D, E, W, A, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry").field("stage", &self.pace.stage).finish_non_exhaustive()
    }
}

/// What is allowed, and what has happened.
struct Plan<D, E> {
    schedule: Schedule<D>,
    /// How long, and how that error is made.
    attempt_timeout: Option<(Duration, fn() -> E)>,
    budget: Option<RetryBudget>,
    last: Option<E>,
}

/// The caller's say.
struct Hooks<W, A, N> {
    when: W,
    retry_after: A,
    notify: N,
}

impl<D: Iterator<Item = Duration>, E> Plan<D, E> {
    /// A call begins: the first attempt, not a further one.
    fn deposit(&self) {
        if let Some(budget) = &self.budget {
            budget.deposit();
        }
    }

    /// When the attempt that begins now has to end; or it comes too late.
    fn begin(&mut self, now: Instant) -> Result<Instant, RetryError<E>> {
        match self.schedule.begin(now) {
            Ok(_) => Ok(self.limit(|| now)),
            Err(_) => Err(self.time_exceeded()),
        }
    }

    fn time_exceeded(&mut self) -> RetryError<E> {
        RetryError::TimeExceeded { last: self.last.take(), attempts: self.schedule.attempts() }
    }

    /// When has to end what is waited for from now on.
    fn limit(&self, now: impl FnOnce() -> Instant) -> Instant {
        let limit = self.attempt_timeout.map(|(limit, _)| now().saturating_add(limit));
        limit.unwrap_or(Instant::MAX).min(self.schedule.deadline())
    }

    /// An attempt has succeeded and goes on.
    fn restart(&mut self, delays: D) {
        self.schedule.restart(delays);
        self.last = None;
        self.deposit();
    }

    /// When the next attempt begins after `error`.
    fn failed<W, A, N>(
        &mut self,
        hooks: &mut Hooks<W, A, N>,
        now: Instant,
        error: E,
    ) -> Result<Instant, RetryError<E>>
    where
        W: FnMut(&E) -> bool,
        A: FnMut(&E) -> Option<Duration>,
        N: FnMut(&Failure<'_, E>),
    {
        let attempts = self.schedule.attempts();
        if !(hooks.when)(&error) {
            return Err(RetryError::NotRetryable { last: error, attempts });
        }
        let after = (hooks.retry_after)(&error);
        let next = match self.schedule.failed(now, after) {
            Ok(next) => next,
            Err(stop) => return Err(RetryError::of(stop, error, attempts)),
        };
        if self.budget.as_ref().is_some_and(|budget| !budget.withdraw()) {
            return Err(RetryError::BudgetExhausted { last: error, attempts });
        }
        let delay = next.saturating_duration_since(now);
        (hooks.notify)(&Failure { error: &error, attempt: attempts, delay });
        self.last = Some(error);
        Ok(next)
    }

    /// What was waited for did not come in time. The error of that attempt, if it was its own limit
    /// and not that of everything.
    fn elapsed(&mut self, now: Instant) -> Result<E, RetryError<E>> {
        match self.attempt_timeout {
            Some((_, error)) if now < self.schedule.deadline() => Ok(error()),
            _ => Err(self.time_exceeded()),
        }
    }
}

pin_project! {
    /// Whose turn it is, and the one timer that ends it.
    struct Pace<T: Timer> {
        timer: T,
        #[pin]
        sleep: T::Sleep,
        stage: Stage,
        until: Instant,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    New,
    /// The sleep ends the attempt.
    Trying,
    /// The sleep ends the delay.
    Waiting,
    Over,
}

impl<T: Timer> Pace<T> {
    /// Goes to `stage`, which the sleep ends at `at`. Arms nothing before the next poll of the sleep.
    fn enter(self: Pin<&mut Self>, stage: Stage, at: Instant) {
        let this = self.project();
        (*this.stage, *this.until) = (stage, at);
        this.sleep.reset(at);
    }

    /// When the next attempt is to begin: how long it has.
    fn poll_begin<D: Iterator<Item = Duration>, E>(
        mut self: Pin<&mut Self>,
        plan: &mut Plan<D, E>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Instant, RetryError<E>>> {
        let now = match self.stage {
            Stage::New => {
                plan.deposit();
                self.timer.now()
            }
            _ => ready!(self.as_mut().poll_sleep(cx)),
        };
        let limit = plan.begin(now);
        if limit.is_err() {
            self.finish();
        }
        Poll::Ready(limit)
    }

    /// An attempt has failed: the delay begins, or it is over.
    fn pause<D, E, W, A, N>(
        mut self: Pin<&mut Self>,
        plan: &mut Plan<D, E>,
        hooks: &mut Hooks<W, A, N>,
        error: Result<E, RetryError<E>>,
    ) -> Result<(), RetryError<E>>
    where
        D: Iterator<Item = Duration>,
        W: FnMut(&E) -> bool,
        A: FnMut(&E) -> Option<Duration>,
        N: FnMut(&Failure<'_, E>),
    {
        let now = self.timer.now();
        let next = error.and_then(|error| plan.failed(hooks, now, error));
        match next {
            Ok(next) => self.as_mut().enter(Stage::Waiting, next),
            Err(_) => self.as_mut().finish(),
        }
        next.map(drop)
    }

    fn poll_sleep(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Instant> {
        let this = self.project();
        if *this.until == Instant::MAX {
            return Poll::Pending; // without a look at the clock
        }
        ready!(this.sleep.poll(cx));
        Poll::Ready(this.timer.now())
    }

    /// Nothing is waited for any more: no waker stays behind.
    fn finish(self: Pin<&mut Self>) {
        self.enter(Stage::Over, Instant::MAX);
    }
}

/// So many attempts without a pause, then the neighbours run: with delays of zero, an operation
/// that fails at once would otherwise keep its thread.
const AT_ONCE: usize = 32;
