//! Rate limits: the decision against a bucket in plain arithmetic, the queue against a model of who is whose turn,
//! and what happens on several threads.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use futures_core::{FusedFuture, FusedStream, Stream};
use futures_lite::{StreamExt, stream};
use zigflow::limit::{
    ExceedsBurst, KeyedError, KeyedRateLimiter, LimitError, Quota, RateLimiter, TooManyKeys,
    UntilCellsReady, throttle,
};
use zigflow::time::{Clock, Instant, ManualTimer};
use zigflow_tests::task::Task;
use zigflow_tests::virtual_time::{any_duration, met_all, run, scenarios};

const MS: Duration = Duration::from_millis(1);
const LAST: u128 = u64::MAX as u128 - 1;

fn nanos(duration: Duration) -> u128 {
    duration.as_nanos()
}

/// A quota of a size that meets its limit within a scenario, and now and then of any.
fn any_quota(rng: &mut Rng) -> Quota {
    let count = rng.u32(1..=9);
    let quota = match rng.u8(0..10) {
        0 => Quota::new(rng.u32(1..), any_duration(rng)),
        1 => Quota::every(any_duration(rng)),
        _ => Quota::new(count, Duration::from_nanos(rng.u64(1..2_000))),
    };
    match rng.u8(0..10) {
        0 => quota.burst(rng.u32(1..)),
        1..5 => quota.burst(rng.u32(1..=5)),
        _ => quota,
    }
}

/// A bucket that fills with time: what every limiter should be, told the other way round. In nanoseconds.
struct Bucket {
    interval: u128,
    burst: u128,
    /// What is missing in the bucket at the time `at`.
    missing: u128,
    at: u128,
}

impl Bucket {
    fn new(quota: Quota, now: u64) -> Self {
        let (interval, burst) = (nanos(quota.interval()), quota.burst_size().into());
        Self { interval, burst, missing: 0, at: now.into() }
    }

    fn refill(&mut self, now: u64) {
        self.missing = self.missing.saturating_sub(u128::from(now) - self.at);
        self.at = now.into();
    }

    /// `Err`: how long until `cells` are there; `None`: not while the clock runs.
    fn take(&mut self, now: u64, cells: u32) -> Result<(), Option<u128>> {
        self.refill(now);
        let cost = self.interval * u128::from(cells);
        if self.at + self.missing + cost > LAST {
            return Err(None);
        }
        // Limits beyond the clock's range are as the range.
        let size = (self.interval * self.burst).min(u64::MAX.into());
        match (self.missing + cost).checked_sub(size) {
            None | Some(0) => {
                self.missing += cost;
                Ok(())
            }
            Some(wait) => Err(Some(wait)),
        }
    }

    /// As many as pass one after the other.
    fn available(&mut self, now: u64) -> u32 {
        self.refill(now);
        let left = (self.interval * self.burst).min(u64::MAX.into());
        let left = left.saturating_sub(self.missing).min(LAST - self.at - self.missing);
        left.checked_div(self.interval).unwrap_or(u128::MAX).min(self.burst) as u32
    }

    fn set_quota(&mut self, quota: Quota, now: u64) {
        self.refill(now);
        let old = self.interval;
        (self.interval, self.burst) = (nanos(quota.interval()), quota.burst_size().into());
        if self.missing > 0 && old > 0 {
            let most = (self.interval * self.burst).min(LAST - self.at);
            self.missing = (self.missing * self.interval).div_ceil(old).min(most);
        }
    }
}

/// Never early, never late, nothing lost by rounding, no overflow at the ends of the clock and of `Duration`.
#[test]
fn a_check_gives_what_a_bucket_gives() {
    let counts = Cell::new([0_u32; 4]);
    scenarios(|rng| {
        let start = match rng.u8(0..3) {
            0 => 0,
            1 => u64::MAX - 1 - rng.u64(0..5_000),
            _ => rng.u64(..u64::MAX),
        };
        let timer = ManualTimer::starting_at(Instant::from_nanos(start));
        let quota = any_quota(rng);
        let limiter = RateLimiter::new(&timer, quota);
        let mut bucket = Bucket::new(quota, start);
        for _ in 0..30 {
            let now = timer.now();
            let cells = if rng.bool() { 1 } else { rng.u32(0..7) };
            let burst = limiter.quota().burst_size();
            assert_eq!(limiter.available(), bucket.available(now.as_nanos()));
            let count = match limiter.check_n(cells) {
                _ if cells == 0 => 0,
                Err(LimitError::ExceedsBurst(error)) => {
                    assert_eq!(error, ExceedsBurst { cells, burst });
                    assert!(cells > burst);
                    1
                }
                Ok(()) => {
                    assert!(cells <= burst);
                    assert_eq!(bucket.take(now.as_nanos(), cells), Ok(()));
                    2
                }
                Err(LimitError::NotUntil(error)) => {
                    let wait = bucket.take(now.as_nanos(), cells).unwrap_err();
                    let wait = wait.map_or(Duration::MAX, |wait| Duration::from_nanos(wait as u64));
                    assert_eq!(error.wait(), wait);
                    if rng.bool() {
                        // The time that it told is right to the nanosecond.
                        timer.advance(wait.saturating_sub(Duration::from_nanos(1)));
                        let early = !wait.is_zero() && limiter.check_n(cells).is_ok();
                        assert!(!early);
                        timer.advance(Duration::from_nanos(1));
                        let fits = timer.now() == error.at();
                        assert_eq!(fits, limiter.check_n(cells).is_ok());
                        let again = bucket.take(timer.now().as_nanos(), cells);
                        assert_eq!(again.is_ok(), fits);
                    }
                    3
                }
            };
            let mut all = counts.get();
            all[count] += 1;
            counts.set(all);
            match rng.u8(0..8) {
                0 => {
                    let quota = any_quota(rng);
                    limiter.set_quota(quota);
                    bucket.set_quota(quota, timer.now().as_nanos());
                    assert_eq!(limiter.quota(), quota);
                }
                1..4 => timer.advance(any_duration(rng)),
                _ => {}
            }
        }
    });
    println!("no cells, above the burst, passed, denied: {:?}", counts.get());
    assert!(counts.get().iter().all(|&count| count > 100) || !met_all());
}

/// In no window passes more than the burst and the rate together, however it is asked: by checks, waits, for one cell
/// or many. Told without the algorithm: from the times alone.
#[test]
fn no_window_has_more_than_burst_and_rate() {
    let full = Cell::new(0_u32);
    scenarios(|rng| {
        let timer = ManualTimer::starting_at(Instant::from_nanos(rng.u64(..u64::MAX / 2)));
        let quota =
            Quota::new(rng.u32(1..9), Duration::from_nanos(rng.u64(1..300))).burst(rng.u32(1..6));
        let limiter = RateLimiter::new(timer.clone(), quota);
        let mut passed = Vec::new();
        for _ in 0..30 {
            let cells = rng.u32(1..=quota.burst_size());
            let pass = match rng.u8(0..3) {
                0 => run(&timer, pin!(limiter.until_n_ready(cells))).unwrap().is_ok(),
                1 => limiter.check_n(cells).is_ok(),
                _ => {
                    timer.advance(Duration::from_nanos(rng.u64(0..200)));
                    false
                }
            };
            if pass {
                passed.push((nanos_of(&timer), u64::from(cells)));
            }
        }
        let interval = nanos(quota.interval()) as u64;
        for from in 0..passed.len() {
            let mut sum = 0;
            for &(at, cells) in &passed[from..] {
                sum += cells;
                let most = u64::from(quota.burst_size()) + (at - passed[from].0) / interval;
                assert!(sum <= most, "{sum} cells of {most}");
                full.set(full.get() + u32::from(sum == most));
            }
        }
    });
    println!("windows that were full to the last cell: {}", full.get());
    assert!(full.get() > 1_000 || !met_all());
}

fn nanos_of(timer: &ManualTimer) -> u64 {
    timer.now().as_nanos()
}

/// Somebody who waits.
struct Waiting {
    number: usize,
    future: Pin<Box<UntilCellsReady<ManualTimer>>>,
    task: Task,
    polls: usize,
}

impl Waiting {
    /// A poll, if there was a wake.
    fn poll(&mut self) -> Option<Poll<Result<(), ExceedsBurst>>> {
        if self.polls > self.task.wakes() {
            return None;
        }
        self.polls = self.task.wakes() + 1;
        Some(self.task.run(|cx| self.future.as_mut().poll(cx)))
    }
}

/// Served in the order in which they came, each as soon as its cells are there; who gives up frees its place;
/// a new quota holds for those who wait; nobody overtakes; one timer for all; no wake is missing, since only who was
/// woken is polled.
#[test]
fn those_who_wait_are_served_in_order_and_on_time() {
    let counts = Cell::new([0_u32; 5]);
    scenarios(|rng| {
        let timer = ManualTimer::starting_at(Instant::from_nanos(rng.u64(..u64::MAX / 2)));
        let mut quota = small_quota(rng);
        let limiter = RateLimiter::new(timer.clone(), quota);
        let mut bucket = Bucket::new(quota, nanos_of(&timer));
        let mut waiting: Vec<Waiting> = Vec::new();
        // Who should be served next, and the cells.
        let mut line: VecDeque<(usize, u32)> = VecDeque::new();
        let (mut came, mut all) = (0, counts.get());
        for step in 0.. {
            // New ones come only for a while.
            match rng.u8(0..if step < 40 { 10 } else { 5 }) {
                0 if !waiting.is_empty() => {
                    let gone = waiting.swap_remove(rng.usize(0..waiting.len()));
                    line.retain(|&(number, _)| number != gone.number);
                    all[0] += 1;
                }
                1 if step % 5 == 0 => {
                    quota = small_quota(rng);
                    limiter.set_quota(quota);
                    bucket.set_quota(quota, nanos_of(&timer));
                    all[1] += 1;
                }
                2 if !line.is_empty() => {
                    // After all who wait.
                    let error = limiter.check().expect_err("it overtook");
                    let now = nanos_of(&timer);
                    bucket.refill(now);
                    let before: u32 = line.iter().map(|&(_, cells)| cells).sum();
                    let cost = bucket.interval * (u128::from(before) + 1);
                    let size = bucket.interval * bucket.burst;
                    let wait = (bucket.missing + cost).saturating_sub(size);
                    assert_eq!(nanos(error.wait()), wait.max(bucket.interval.max(1)));
                    all[2] += 1;
                }
                3 | 4 => {
                    // By a step that no deadline gave.
                    timer.advance(Duration::from_nanos(rng.u64(0..60)));
                }
                5.. => {
                    let cells = rng.u32(0..5);
                    let future = Box::pin(limiter.until_n_ready(cells));
                    let task = Task::new();
                    let mut new = Waiting { number: came, future, task, polls: 0 };
                    came += 1;
                    // What passes at once was never in the line.
                    match new.poll().unwrap() {
                        Poll::Pending => {
                            line.push_back((new.number, cells));
                            waiting.push(new);
                        }
                        Poll::Ready(Err(_)) => assert!(cells > quota.burst_size()),
                        Poll::Ready(Ok(())) if cells == 0 => {}
                        Poll::Ready(Ok(())) => {
                            assert!(line.is_empty(), "it overtook");
                            assert_eq!(bucket.take(nanos_of(&timer), cells), Ok(()));
                        }
                    }
                }
                _ => {}
            }
            // In the wrong order, as often as somebody was woken.
            let mut done: BTreeMap<usize, Result<(), ExceedsBurst>> = BTreeMap::new();
            loop {
                let mut moved = false;
                for index in (0..waiting.len()).rev() {
                    let Some(polled) = waiting[index].poll() else { continue };
                    moved = true;
                    if let Poll::Ready(result) = polled {
                        assert!(waiting[index].future.is_terminated());
                        done.insert(waiting[index].number, result);
                        waiting.remove(index);
                    }
                }
                if !moved {
                    break;
                }
            }
            assert!(timer.armed() <= 1, "one timer for all");
            // Exactly those that the bucket has cells for.
            while let Some(&(number, cells)) = line.front() {
                if cells > quota.burst_size() {
                    let burst = quota.burst_size();
                    assert_eq!(done.remove(&number), Some(Err(ExceedsBurst { cells, burst })));
                    all[3] += 1;
                } else if bucket.take(nanos_of(&timer), cells).is_ok() {
                    assert_eq!(done.remove(&number), Some(Ok(())), "{number} was not served");
                    all[4] += 1;
                } else {
                    break;
                }
                line.pop_front();
            }
            assert!(done.is_empty(), "served too early: {done:?}");
            assert_eq!(limiter.waiting(), line.len());
            if step > 60 && timer.advance_to_next().is_none() {
                break;
            }
        }
        assert!(line.is_empty() && waiting.is_empty());
        counts.set(all);
    });
    println!("gave up, changes, checks, above the burst, served: {:?}", counts.get());
    assert!(counts.get().iter().all(|&count| count > 500) || !met_all());
}

fn small_quota(rng: &mut Rng) -> Quota {
    Quota::new(rng.u32(1..5), Duration::from_nanos(rng.u64(1..300))).burst(rng.u32(1..6))
}

/// 10,000 tasks wait: one timer is armed, and each deadline wakes one of them.
#[test]
fn ten_thousand_wait_with_one_timer_and_one_wake_each() {
    const TASKS: usize = 10_000;
    let timer = ManualTimer::new();
    let limiter = RateLimiter::new(timer.clone(), Quota::every(MS));
    limiter.check().unwrap();
    let mut waiting: VecDeque<_> =
        (0..TASKS).map(|_| (Box::pin(limiter.until_ready()), Task::new())).collect();
    for (future, task) in &mut waiting {
        assert!(task.run(|cx| future.as_mut().poll(cx)).is_pending());
        assert_eq!(timer.armed(), 1);
    }
    let wakes = |waiting: &VecDeque<(_, Task)>| waiting.iter().map(|(_, task)| task.wakes()).sum();
    for served in 0..TASKS {
        let before: usize = wakes(&waiting);
        assert!(timer.advance_to_next().is_some());
        if served % 100 == 0 {
            assert_eq!(wakes(&waiting), before + 1);
        }
        let (mut future, task) = waiting.pop_front().unwrap();
        assert!(task.run(|cx| future.as_mut().poll(cx)).is_ready());
        assert!(task.wakes() <= 2, "its turn, and its time");
        if let Some((next, task)) = waiting.front_mut() {
            assert_eq!(task.wakes(), 1);
            assert!(task.run(|cx| next.as_mut().poll(cx)).is_pending());
        }
        assert_eq!(timer.armed(), usize::from(!waiting.is_empty()));
    }
    assert_eq!(timer.now().as_nanos(), nanos(MS * TASKS as u32) as u64);
}

/// With the clock at rest exactly the burst passes, on however many threads, and no more when the quota changes
/// meanwhile than the larger one allows.
#[test]
fn threads_share_one_limit() {
    const BURST: u32 = 10_000;
    for _ in 0..20 {
        let limiter = RateLimiter::new(ManualTimer::new(), Quota::every(MS).burst(BURST));
        let passed = AtomicU32::new(0);
        let ask = || {
            let limiter = limiter.clone();
            while limiter.check().is_ok() {
                passed.fetch_add(1, SeqCst);
            }
        };
        thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(ask))));
        assert_eq!(passed.load(SeqCst), BURST);
    }
    let quotas = [Quota::every(MS).burst(BURST), Quota::every(1000 * MS).burst(BURST)];
    let limiter = RateLimiter::new(ManualTimer::new(), quotas[0]);
    let passed = AtomicU32::new(0);
    thread::scope(|scope| {
        let ask = || {
            (0..BURST).for_each(|_| {
                passed.fetch_add(u32::from(limiter.check().is_ok()), SeqCst);
            })
        };
        (0..2).for_each(|_| drop(scope.spawn(ask)));
        scope.spawn(|| (0..1_000).for_each(|round| limiter.set_quota(quotas[round % 2])));
    });
    assert!(passed.load(SeqCst) <= BURST, "{passed:?}");
}

/// A stream yields at the limit's pace, holds at most one item, and a limit is shared with whoever else asks.
#[test]
fn a_throttled_stream_keeps_the_pace_and_loses_nothing() {
    let timer = ManualTimer::new();
    let limiter = RateLimiter::new(timer.clone(), Quota::every(10 * MS).burst(2));
    let mut throttled = pin!(throttle(&limiter, stream::iter(0..6).fuse()));
    let mut times = Vec::new();
    while let Some(item) = run(&timer, pin!(throttled.next())).unwrap() {
        assert_eq!(item, times.len());
        times.push(timer.now().as_nanos() / 1_000_000);
        if item == 3 {
            timer.advance(5 * MS);
            assert!(limiter.check().is_err());
        }
    }
    assert_eq!(times, [0, 0, 10, 20, 30, 40]);

    let mut throttled = throttle(&limiter, stream::iter([7, 8]));
    let task = Task::new();
    assert_eq!(throttled.size_hint(), (2, Some(2)));
    assert!(task.run(|cx| pin!(&mut throttled).poll_next(cx)).is_pending());
    assert_eq!(throttled.size_hint(), (2, Some(2)));
    let (rest, held) = throttled.into_inner();
    assert_eq!(held, Some(7));
    assert_eq!(run(&timer, pin!(rest.collect::<Vec<_>>())), Some(vec![8]));
    assert_eq!((limiter.waiting(), timer.armed(), task.wakers()), (0, 0, 0));

    // A stream that has nothing takes nothing.
    let limiter = RateLimiter::new(timer.clone(), Quota::every(MS));
    let mut silent = throttle(&limiter, stream::pending::<u8>());
    assert!(task.run(|cx| pin!(&mut silent).poll_next(cx)).is_pending());
    assert!(limiter.check().is_ok());
    let mut empty = throttle(&limiter, stream::empty::<u8>().fuse());
    assert_eq!(run(&timer, pin!(empty.next())), Some(None));
    let ending = futures_util::stream::iter([1]);
    let mut fused = throttle(&limiter, futures_util::StreamExt::fuse(ending));
    assert!(!fused.is_terminated());
    assert_eq!(run(&timer, pin!(fused.next())), Some(Some(1)));
    assert_eq!(run(&timer, pin!(fused.next())), Some(None));
    assert!(fused.is_terminated());
}

/// The cap holds, no key gets more than its limit by being forgotten, and room is found as soon as there is some.
#[test]
fn keys_are_forgotten_only_when_that_changes_nothing() {
    let counts = Cell::new([0_u32; 3]);
    scenarios(|rng| {
        let timer = ManualTimer::new();
        let mut quota = small_quota(rng);
        let capacity = rng.usize(0..5);
        let limiter = KeyedRateLimiter::new(timer.clone(), quota, capacity);
        // As if nothing was ever forgotten.
        let mut buckets: BTreeMap<u8, Bucket> = BTreeMap::new();
        let mut all = counts.get();
        for _ in 0..60 {
            timer.advance(Duration::from_nanos(rng.u64(0..100)));
            let now = nanos_of(&timer);
            let (key, cells) = (rng.u8(0..8), rng.u32(1..4));
            let bucket = buckets.entry(key).or_insert_with(|| Bucket::new(quota, now));
            match limiter.clone().check_n(&key, cells) {
                Ok(()) => {
                    assert_eq!(bucket.take(now, cells), Ok(()));
                    all[0] += 1;
                }
                Err(KeyedError::Limited(LimitError::ExceedsBurst(_))) => {
                    assert!(cells > quota.burst_size());
                }
                Err(KeyedError::Limited(LimitError::NotUntil(error))) => {
                    let wait = bucket.take(now, cells).unwrap_err().unwrap();
                    assert_eq!(nanos(error.wait()), wait);
                    all[1] += 1;
                }
                Err(KeyedError::TooManyKeys(error)) => {
                    assert_eq!(error, TooManyKeys { capacity });
                    buckets.values_mut().for_each(|bucket| bucket.refill(now));
                    let in_debt = buckets.values().filter(|bucket| bucket.missing > 0).count();
                    assert!(in_debt >= capacity, "there was room");
                    all[2] += 1;
                }
            }
            assert!(limiter.len() <= capacity);
            if rng.u8(0..20) == 0 {
                quota = small_quota(rng);
                limiter.set_quota(quota);
                buckets.values_mut().for_each(|bucket| bucket.set_quota(quota, now));
            }
        }
        counts.set(all);
    });
    println!("passed, denied, no room: {:?}", counts.get());
    assert!(counts.get().iter().all(|&count| count > 500) || !met_all());
}

#[test]
fn a_key_that_somebody_holds_is_not_forgotten() {
    let timer = ManualTimer::new();
    let limiter = KeyedRateLimiter::new(timer.clone(), Quota::every(MS), 1);
    assert!(limiter.is_empty());
    let held = limiter.limiter(&"a").unwrap();
    timer.advance(10 * MS);
    let refused = limiter.check(&"b");
    assert_eq!(refused, Err(KeyedError::TooManyKeys(TooManyKeys { capacity: 1 })));
    assert!(held.check().is_ok());
    assert!(limiter.check(&"a").is_err(), "it is the same limit");
    drop(held);
    timer.advance(MS);
    assert_eq!(limiter.check(&"b"), Ok(()));
    assert_eq!(limiter.len(), 1);
}

/// The quota changes between the moment in which a new key's limiter is made and that in which it is known.
#[test]
fn a_key_that_comes_during_a_change_gets_the_new_quota() {
    type Once = RefCell<Option<Box<dyn Fn()>>>;
    #[derive(Default)]
    struct Meddling(ManualTimer, Rc<Once>);
    impl Clone for Meddling {
        fn clone(&self) -> Self {
            let meddle = self.1.borrow_mut().take();
            if let Some(meddle) = meddle {
                meddle();
            }
            Self(self.0.clone(), self.1.clone())
        }
    }
    impl Clock for Meddling {
        fn now(&self) -> Instant {
            self.0.now()
        }
    }
    let timer = Meddling::default();
    let meddle = timer.1.clone();
    let limiter = KeyedRateLimiter::new(timer, Quota::every(MS), 9);
    let changing = limiter.clone();
    *meddle.borrow_mut() = Some(Box::new(move || changing.set_quota(Quota::every(2 * MS))));
    assert!(limiter.check(&1).is_ok());
    assert_eq!(limiter.limiter(&1).unwrap().quota(), Quota::every(2 * MS));
}

/// Who changes the quota was interrupted for a minute between its look at the clock and the change.
#[test]
fn a_change_by_an_old_time_forgives_nothing() {
    struct Clocks(ManualTimer, Cell<Option<Instant>>);
    impl Clock for Clocks {
        fn now(&self) -> Instant {
            self.1.take().unwrap_or_else(|| self.0.now())
        }
    }
    let timer = ManualTimer::new();
    let clocks = Clocks(timer.clone(), Cell::new(None));
    let limiter = RateLimiter::new(&clocks, Quota::every(MS).burst(10));
    timer.advance(60_000 * MS);
    assert!(limiter.check_n(10).is_ok());
    clocks.1.set(Some(Instant::from_nanos(0)));
    limiter.set_quota(Quota::every(MS).burst(10));
    assert!(limiter.check().is_err());
    timer.advance(MS);
    assert!(limiter.check().is_ok() && limiter.check().is_err());
}

/// Who waits was woken and is late: whoever asks behind it is told to wait for the time of a cell, never for none.
#[test]
fn nobody_is_told_to_come_back_at_once_behind_others() {
    let timer = ManualTimer::new();
    let limiter = RateLimiter::new(timer.clone(), Quota::every(MS));
    limiter.check().unwrap();
    let mut waiting = pin!(limiter.until_ready());
    assert!(Task::new().run(|cx| waiting.as_mut().poll(cx)).is_pending());
    timer.advance(100 * MS);
    assert_eq!(limiter.check().unwrap_err().wait(), MS);
}

#[test]
fn a_key_is_looked_up_by_what_it_borrows_as() {
    let timer = ManualTimer::new();
    let limiter = KeyedRateLimiter::<String, _>::new(timer, Quota::every(MS), 1);
    assert!(limiter.check("ann").is_ok());
    assert!(limiter.check(&"ann".to_owned()).is_err());
    // More than can ever pass is told also where there is no room.
    let error = ExceedsBurst { cells: 2, burst: 1 };
    let expected = KeyedError::Limited(LimitError::ExceedsBurst(error));
    assert_eq!(limiter.check_n("bob", 2), Err(expected));
    let text =
        "no room for a new key: each of the 1 that are known has cells to pay for, or is held";
    assert_eq!(limiter.check("bob").unwrap_err().to_string(), text);
}

#[test]
fn quotas_are_what_they_say() {
    assert_eq!(Quota::per_second(4).interval(), 250 * MS);
    assert_eq!(Quota::per_minute(60).interval(), 1000 * MS);
    assert_eq!(Quota::per_hour(60).interval(), 60_000 * MS);
    assert_eq!(Quota::per_second(3).interval(), Duration::from_nanos(333_333_334));
    assert_eq!(Quota::per_second(4).burst_size(), 4);
    assert_eq!(Quota::every(MS).burst_size(), 1);
    assert_eq!(Quota::every(MS).burst(7).burst_size(), 7);
    assert_eq!(Quota::try_new(0, MS), None);
    assert_eq!(Quota::new(1, Duration::MAX).interval(), Duration::from_nanos(u64::MAX));

    // Zero: no limit.
    let timer = ManualTimer::starting_at(Instant::LAST);
    let limiter = RateLimiter::new(&timer, Quota::every(Duration::ZERO));
    assert!((0..1_000).all(|_| limiter.check().is_ok()));
}

#[test]
fn errors_say_what_to_do() {
    let timer = ManualTimer::new();
    let limiter = RateLimiter::new(&timer, Quota::every(5 * MS));
    limiter.check().unwrap();
    let error = limiter.check().unwrap_err();
    assert_eq!(error.to_string(), "the rate limit is reached: ask again in 5ms");
    let error = limiter.check_n(3).unwrap_err();
    assert_eq!(error.to_string(), "3 cells never pass at once: the quota's burst is 1");
}
