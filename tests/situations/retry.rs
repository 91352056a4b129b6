//! Trying again: against a model in plain arithmetic, then what it must not do.

use std::cell::{Cell, RefCell};
use std::future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use backon::{BackoffBuilder, ConstantBuilder, ExponentialBuilder, Retryable};
use fastrand::Rng;
use futures_core::{FusedFuture, FusedStream, Stream};
use futures_lite::StreamExt;
use zigflow::retry::backoff::{BackoffExt, Jitter, decorrelated, exponential, fixed, linear};
use zigflow::retry::{RetryBudget, RetryError, retry, retry_stream};
use zigflow::time::{Instant, ManualTimer, TimeoutError, Timer};
use zigflow_tests::task::Task;
use zigflow_tests::virtual_time::{any_duration, met_all, run, scenarios};

const MS: Duration = Duration::from_millis(1);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Error {
    Busy(u32),
    /// Not to be retried.
    Fatal(u32),
    /// Says itself when.
    Later(Duration),
    Elapsed,
}

impl From<TimeoutError> for Error {
    fn from(_: TimeoutError) -> Self {
        Self::Elapsed
    }
}

/// What an attempt does: works for so long (`MAX`: for ever), then ends so.
type Work = (Duration, Result<u32, Error>);

#[derive(Clone, Debug)]
struct Scenario {
    start: Instant,
    works: Vec<Work>,
    delays: Vec<Duration>,
    max_attempts: Option<u32>,
    total: Option<Duration>,
    attempt_timeout: Option<Duration>,
    budget: Option<u32>,
}

impl Scenario {
    fn random(rng: &mut Rng) -> Self {
        let sometimes = |rng: &mut Rng| rng.bool().then(|| any_duration(rng));
        let works = (0..8).map(|number| {
            let end = match rng.u8(0..8) {
                0 => Ok(number),
                1 => Err(Error::Fatal(number)),
                2 => Err(Error::Later(any_duration(rng))),
                _ => Err(Error::Busy(number)),
            };
            (any_duration(rng), end)
        });
        let works = works.collect();
        Self {
            start: match rng.u8(0..4) {
                0 => Instant::from_nanos(0),
                1 => Instant::from_nanos(u64::MAX - rng.u64(0..2_000)),
                _ => Instant::from_nanos(rng.u64(..)),
            },
            works,
            delays: (0..rng.usize(0..8)).map(|_| any_duration(rng)).collect(),
            max_attempts: rng.bool().then(|| rng.u32(0..7)),
            total: sometimes(rng),
            attempt_timeout: sometimes(rng),
            budget: rng.bool().then(|| rng.u32(0..4)),
        }
    }
}

/// How it went: when each attempt began and each notice came, and how it ended, unless it waits for ever.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    begun: Vec<u64>,
    noticed: Vec<(u32, Duration)>,
    end: Option<(u64, Result<u32, RetryError<Error>>)>,
}

/// No instant is later, and a clock never shows this one.
const NEVER: u64 = u64::MAX;

fn model(scenario: &Scenario) -> Seen {
    let after = |now: u64, span: Duration| {
        u64::try_from(u128::from(now) + span.as_nanos()).unwrap_or(NEVER)
    };
    let mut now = scenario.start.as_nanos().min(NEVER - 1);
    let deadline = scenario.total.map_or(NEVER, |total| after(now, total));
    let mut delays = scenario.delays.iter();
    let mut budget = scenario.budget;
    let mut last = None;
    let mut seen = Seen::default();
    loop {
        let (work, end) = scenario.works[seen.begun.len()];
        seen.begun.push(now);
        let attempts = seen.begun.len() as u32;
        let done = after(now, work);
        let limit = scenario.attempt_timeout.map_or(NEVER, |limit| after(now, limit)).min(deadline);
        if done == NEVER && limit == NEVER {
            return seen;
        }
        let in_time = work.is_zero() || (done != NEVER && done <= limit);
        now = now.max(if in_time { done } else { limit });
        let error = match end {
            Ok(value) if in_time => {
                seen.end = Some((now, Ok(value)));
                return seen;
            }
            Err(error) if in_time => error,
            _ if now >= deadline => {
                seen.end = Some((now, Err(RetryError::TimeExceeded { last, attempts })));
                return seen;
            }
            _ => Error::Elapsed,
        };
        let stop = |error| Some((now, Err(error)));
        seen.end = if matches!(error, Error::Fatal(_)) {
            stop(RetryError::NotRetryable { last: error, attempts })
        } else if attempts >= scenario.max_attempts.unwrap_or(u32::MAX) {
            stop(RetryError::MaxRetriesExceeded { last: error, attempts })
        } else if now >= deadline {
            stop(RetryError::TimeExceeded { last: Some(error), attempts })
        } else {
            None
        };
        if seen.end.is_some() {
            return seen;
        }
        let Some(&delay) = delays.next() else {
            seen.end = stop(RetryError::MaxRetriesExceeded { last: error, attempts });
            return seen;
        };
        if budget == Some(0) {
            seen.end = stop(RetryError::BudgetExhausted { last: error, attempts });
            return seen;
        }
        budget = budget.map(|left| left - 1);
        let delay = if let Error::Later(hint) = error { hint } else { delay };
        let next = after(now, delay).min(deadline);
        seen.noticed.push((attempts, Duration::from_nanos(next - now)));
        if next == NEVER {
            return seen;
        }
        (now, last) = (next, Some(error));
    }
}

fn play(scenario: &Scenario) -> Seen {
    let timer = ManualTimer::starting_at(scenario.start);
    let budget = scenario.budget.map(|reserve| RetryBudget::new(reserve, 0));
    let begun = RefCell::new(Vec::new());
    let mut noticed = Vec::new();
    let operation = || {
        let (work, end) = scenario.works[begun.borrow().len()];
        begun.borrow_mut().push(timer.now().as_nanos());
        let sleep = timer.sleep(work);
        async move {
            if !work.is_zero() {
                sleep.await;
            }
            end
        }
    };
    let mut retry = retry(&timer, scenario.delays.iter().copied(), operation)
        .when(|error| !matches!(error, Error::Fatal(_)))
        .retry_after(|error| if let Error::Later(hint) = error { Some(*hint) } else { None })
        .notify(|failure| noticed.push((failure.attempt, failure.delay)));
    if let Some(attempts) = scenario.max_attempts {
        retry = retry.max_attempts(attempts);
    }
    if let Some(total) = scenario.total {
        retry = retry.total(total);
    }
    if let Some(limit) = scenario.attempt_timeout {
        retry = retry.attempt_timeout(limit);
    }
    if let Some(budget) = &budget {
        retry = retry.budget(budget);
    }
    let end = {
        let mut retry = pin!(retry);
        let end = run(&timer, retry.as_mut());
        if end.is_some() {
            assert!(retry.is_terminated());
            assert_eq!(timer.armed(), 0, "what is over waits for nothing");
        }
        end
    };
    assert_eq!(timer.armed(), 0);
    Seen { end: end.map(|end| (timer.now().as_nanos(), end)), noticed, begun: begun.into_inner() }
}

/// Attempts are counted exactly, none is early, the total time is never exceeded, the last error is the one
/// that is returned, whatever the settings and at whichever end of the clock.
#[test]
fn any_settings_give_what_the_model_says() {
    let ends = Cell::new([0_u32; 6]);
    scenarios(|rng| {
        let scenario = Scenario::random(rng);
        let seen = play(&scenario);
        assert_eq!(seen, model(&scenario), "{scenario:?}");
        if let (Some(total), Some((end, _))) = (scenario.total, &seen.end) {
            let spent = end - scenario.start.as_nanos().min(NEVER - 1);
            assert!(Duration::from_nanos(spent) <= total);
        }
        let mut counts = ends.get();
        counts[match seen.end {
            None => 0,
            Some((_, Ok(_))) => 1,
            Some((_, Err(RetryError::MaxRetriesExceeded { .. }))) => 2,
            Some((_, Err(RetryError::TimeExceeded { .. }))) => 3,
            Some((_, Err(RetryError::NotRetryable { .. }))) => 4,
            Some((_, Err(_))) => 5,
        }] += 1;
        ends.set(counts);
    });
    println!("waits for ever, result, attempts, time, not retryable, budget: {:?}", ends.get());
    if met_all() {
        assert!(ends.get().iter().all(|&count| count > 100), "a way to end was hardly met");
    }
}

/// A timer that is late begins no attempt after the total time.
#[test]
fn no_attempt_begins_after_the_total_time() {
    let timer = ManualTimer::new();
    let calls = Cell::new(0);
    let operation = || {
        calls.set(calls.get() + 1);
        future::ready(if calls.get() == 1 { Err(Error::Busy(1)) } else { Ok(()) })
    };
    let mut trying = pin!(retry(&timer, fixed(200 * MS), operation).total(100 * MS));
    let task = Task::new();
    assert!(task.run(|cx| trying.as_mut().poll(cx)).is_pending());
    timer.advance(5_000 * MS);
    let expected = RetryError::TimeExceeded { last: Some(Error::Busy(1)), attempts: 1 };
    assert_eq!(task.run(|cx| trying.as_mut().poll(cx)), Poll::Ready(Err(expected)));
    assert_eq!(calls.get(), 1);
}

/// Jitter stays within its bounds, and reaches both halves of them.
#[test]
fn jitter_is_within_its_bounds() {
    let halves = Cell::new([0_u32; 4]);
    scenarios(|rng| {
        let delay = any_duration(rng);
        let seed = rng.u64(..);
        for (jitter, low) in [(Jitter::Full, Duration::ZERO), (Jitter::Equal, delay / 2)] {
            for chosen in fixed(delay).jitter(jitter, seed).take(3) {
                assert!(chosen >= low && chosen <= delay, "{jitter:?} of {delay:?}: {chosen:?}");
                let mut counts = halves.get();
                let upper = chosen > low.saturating_add((delay - low) / 2);
                counts[2 * (jitter == Jitter::Equal) as usize + usize::from(upper)] += 1;
                halves.set(counts);
            }
        }
        let max = delay.saturating_add(any_duration(rng));
        let mut last = delay;
        for chosen in decorrelated(delay, max, seed).take(10) {
            assert!(chosen >= delay && chosen <= max.min(last.saturating_mul(3)));
            last = chosen;
        }
    });
    println!("lower and upper halves, full and equal: {:?}", halves.get());
    if met_all() {
        assert!(halves.get().iter().all(|&count| count > 5_000));
    }
}

/// Pitfall 40: what was only cancelled is not repeated: neither the attempt that a drop ends, nor an error that
/// says so.
#[test]
fn pitfall_40_what_was_cancelled_is_not_repeated() {
    let timer = ManualTimer::new();
    let calls = Rc::new(Cell::new(0));
    let dropped = Rc::new(Cell::new(0));
    let operation = || {
        calls.set(calls.get() + 1);
        let guard = CountDrop(dropped.clone());
        async move {
            let _guard = guard;
            future::pending::<Result<(), Error>>().await
        }
    };
    let task = Task::new();
    let mut trying = Box::pin(retry(&timer, fixed(MS), operation).attempt_timeout(2 * MS));
    assert!(task.run(|cx| trying.as_mut().poll(cx)).is_pending());
    timer.advance(2 * MS);
    assert!(task.run(|cx| trying.as_mut().poll(cx)).is_pending());
    assert_eq!((calls.get(), dropped.get()), (1, 1), "a failed attempt is gone before the delay");
    timer.advance(MS);
    assert!(task.run(|cx| trying.as_mut().poll(cx)).is_pending());
    drop(trying);
    assert_eq!((calls.get(), dropped.get()), (2, 2));
    assert_eq!((timer.armed(), task.wakers()), (0, 0));

    let calls = Cell::new(0);
    let cancelled = zigflow::ZigError::new("Canceled");
    let operation = || {
        calls.set(calls.get() + 1);
        future::ready(Err::<(), _>(cancelled))
    };
    let trying = retry(&timer, fixed(MS), operation).when(|error| error.name() != "Canceled");
    let end = run(&timer, pin!(trying)).unwrap();
    assert_eq!(end, Err(RetryError::NotRetryable { last: cancelled, attempts: 1 }));
    assert_eq!(calls.get(), 1);
}

struct CountDrop(Rc<Cell<u32>>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

/// With delays of zero an operation that fails at once does not keep its thread.
#[test]
fn attempts_without_a_pause_let_their_neighbours_run() {
    let timer = ManualTimer::new();
    let calls = Cell::new(0);
    let operation = || {
        calls.set(calls.get() + 1);
        future::ready(Err::<(), _>(Error::Busy(0)))
    };
    let mut trying = pin!(retry(&timer, fixed(Duration::ZERO), operation).max_attempts(1_000));
    let task = Task::new();
    assert!(task.run(|cx| trying.as_mut().poll(cx)).is_pending());
    assert!(calls.get() < 100);
    assert_eq!(task.wakes(), 1);
    let end = run(&timer, trying).unwrap();
    assert_eq!(end.unwrap_err().attempts(), 1_000);
    assert_eq!(calls.get(), 1_000);

    let opened = Cell::new(0);
    let broken = |_| {
        opened.set(opened.get() + 1);
        Err::<Source, _>(Error::Busy(0))
    };
    let mut trying = pin!(retry_stream(&timer, fixed(Duration::ZERO), broken).max_attempts(1_000));
    assert!(task.run(|cx| trying.as_mut().poll_next(cx)).is_pending());
    assert!(opened.get() < 100);
    let end = run(&timer, pin!(trying.next())).unwrap();
    assert_eq!(end.unwrap().unwrap_err().attempts(), 1_000);
}

/// The budget is one for all who share it, and calls fill it.
#[test]
fn a_budget_is_shared() {
    let timer = ManualTimer::new();
    let budget = RetryBudget::new(3, 50);
    let fails = || future::ready(Err::<(), _>(Error::Busy(0)));
    let attempts = || {
        let trying = retry(&timer, linear(MS), fails).budget(&budget);
        run(&timer, pin!(trying)).unwrap().unwrap_err().attempts()
    };
    assert_eq!(attempts(), 4); // full: one's own half does not fit
    assert_eq!(attempts(), 1); // half of one
    assert_eq!(attempts(), 2);
    assert_eq!(attempts(), 1);
    assert_eq!(budget.available(), 0);
}

/// A stream that yields from `at` up to `to`, then ends so. Pending once before each item.
struct Source {
    at: u64,
    to: u64,
    end: Option<Error>,
    waits: bool,
    _live: CountDrop,
}

impl Stream for Source {
    type Item = Result<u64, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.waits = !self.waits;
        if self.waits {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.at < self.to {
            self.at += 1;
            return Poll::Ready(Some(Ok(self.at - 1)));
        }
        Poll::Ready(self.end.take().map(Err))
    }
}

/// Whatever breaks off and fails to open in between, every item comes once and in order, as long as failures in
/// a row stay below the limit; each series begins with the first delay again.
#[test]
fn a_stream_goes_on_where_it_broke_off() {
    let given_up = Cell::new(0);
    scenarios(|rng| {
        let timer = ManualTimer::new();
        let dropped = Rc::new(Cell::new(0));
        let limit = rng.u32(2..5);
        let total = rng.u64(0..20);
        let rng = RefCell::new(rng.fork());
        let opened = Cell::new(0);
        // Failures in a row and the delays since the last item, as the settings should make them.
        let row = Cell::new(0);
        let pauses = RefCell::new(Vec::new());
        let open = |position: u64| {
            let mut rng = rng.borrow_mut();
            if rng.u8(0..3) == 0 {
                return Err(Error::Busy(1));
            }
            opened.set(opened.get() + 1);
            let to = total.min(position + rng.u64(0..5));
            let end = (to < total || rng.bool()).then_some(Error::Busy(2));
            let _live = CountDrop(dropped.clone());
            Ok(Source { at: position, to, end, waits: rng.bool(), _live })
        };
        let stream =
            retry_stream(&timer, exponential(MS), open).max_attempts(limit).notify(|failure| {
                row.set(row.get() + 1);
                assert_eq!(failure.attempt, row.get());
                pauses.borrow_mut().push(failure.delay);
                assert_eq!(failure.delay, MS * (1 << (row.get() - 1)));
            });
        let mut stream = pin!(stream);
        let mut next = 0;
        let start = timer.now();
        loop {
            match run(&timer, pin!(stream.next())).expect("it never waits for ever") {
                Some(Ok(item)) => {
                    assert_eq!(item, next);
                    next += 1;
                    row.set(0);
                }
                Some(Err(RetryError::MaxRetriesExceeded { attempts, .. })) => {
                    assert_eq!((attempts, row.get() + 1), (limit, limit));
                    given_up.set(given_up.get() + 1);
                    break;
                }
                Some(Err(other)) => panic!("{other:?}"),
                None => {
                    assert_eq!(next, total);
                    break;
                }
            }
        }
        assert!(stream.is_terminated());
        assert_eq!(run(&timer, pin!(stream.next())), Some(None));
        assert_eq!(timer.now().saturating_duration_since(start), pauses.borrow().iter().sum());
        assert_eq!(opened.get(), dropped.get());
        assert_eq!(timer.armed(), 0);
    });
    println!("given up: {}", given_up.get());
    assert!(given_up.get() > 0 || !met_all());
}

/// A backoff may be a `Vec`: it is copied for a series of failures, not for each item.
#[test]
fn items_copy_no_backoff() {
    struct Delays(Rc<Cell<u32>>);
    impl Clone for Delays {
        fn clone(&self) -> Self {
            self.0.set(self.0.get() + 1);
            Self(self.0.clone())
        }
    }
    impl IntoIterator for Delays {
        type Item = Duration;
        type IntoIter = std::iter::Repeat<Duration>;
        fn into_iter(self) -> Self::IntoIter {
            std::iter::repeat(MS)
        }
    }
    let timer = ManualTimer::new();
    let copies = Rc::new(Cell::new(0));
    let open = |_| Ok::<_, Error>(futures_lite::stream::iter((0..1_000).map(Ok)));
    let items = retry_stream(&timer, Delays(copies.clone()), open);
    assert_eq!(run(&timer, pin!(items.count())), Some(1_000));
    assert_eq!(copies.get(), 2, "one to begin with, one for the series after the first item");
}

/// The time for an item runs while it is waited for, also after others came; the total time while nothing comes.
#[test]
fn a_silent_source_is_opened_again() {
    let timer = ManualTimer::new();
    let open = |position: u64| {
        let first = futures_lite::stream::once(Ok(position));
        Ok(first.chain(futures_lite::stream::pending::<Result<u64, Error>>()))
    };
    let mut stream = pin!(retry_stream(&timer, fixed(MS), open).attempt_timeout(5 * MS));
    let mut deadline = timer.now();
    for item in 0..4 {
        assert_eq!(run(&timer, pin!(stream.next())), Some(Some(Ok(item))));
        assert_eq!(timer.now(), deadline);
        timer.advance(100 * MS); // the reader is slow: not the source's fault
        deadline = timer.now().saturating_add(6 * MS);
    }

    let open = |_| Ok(futures_lite::stream::pending::<Result<u64, Error>>());
    let limited = retry_stream(&timer, fixed(MS), open).attempt_timeout(5 * MS).total(12 * MS);
    let mut limited = pin!(limited);
    let start = timer.now();
    let end = run(&timer, pin!(limited.next())).unwrap().unwrap();
    assert_eq!(end, Err(RetryError::TimeExceeded { last: Some(Error::Elapsed), attempts: 3 }));
    assert_eq!(timer.now().saturating_duration_since(start), 12 * MS);
}

/// backon's builders are backoffs here, and backon sleeps on our timers.
#[test]
fn backon_and_zigflow_work_together() {
    let timer = ManualTimer::new();
    let fails = || future::ready(Err::<(), _>(Error::Busy(7)));
    let builder = ExponentialBuilder::default().with_min_delay(MS).with_max_times(3);
    let trying = retry(&timer, builder.build(), fails);
    let end = run(&timer, pin!(trying)).unwrap();
    assert_eq!(end, Err(RetryError::MaxRetriesExceeded { last: Error::Busy(7), attempts: 4 }));
    assert_eq!(timer.now().as_nanos(), (7 * MS).as_nanos() as u64);

    let constant = ConstantBuilder::default().with_delay(MS).with_max_times(2);
    let own = timer.clone();
    let trying = fails.retry(constant).sleep(move |delay| own.sleep(delay));
    assert_eq!(run(&timer, pin!(trying)).unwrap(), Err(Error::Busy(7)));
    assert_eq!(timer.now().as_nanos(), (9 * MS).as_nanos() as u64);
}

#[test]
fn errors_say_what_happened() {
    let error = RetryError::MaxRetriesExceeded { last: TimeoutError::Elapsed, attempts: 3 };
    assert_eq!(error.to_string(), "failed in each of 3 attempts: the deadline has elapsed");
    assert_eq!(error.last(), Some(&TimeoutError::Elapsed));
    let error = RetryError::NotRetryable { last: error, attempts: 1 };
    let text = "attempt 1 failed with an error that is not retried: failed in each of 3 attempts: the deadline has elapsed";
    assert_eq!(error.to_string(), text);
    let error = RetryError::<TimeoutError>::TimeExceeded { last: None, attempts: 1 };
    assert_eq!(error.to_string(), "the total time was over in attempt 1");
    assert_eq!(error.into_last(), None);
}
