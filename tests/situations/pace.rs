//! Streams and time: limits for items, for silence and for all; ticks; batches. Each against a model that knows when
//! everything comes.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use fastrand::Rng;
use futures_core::{FusedStream, Stream};
use futures_lite::{StreamExt, stream};
use zigflow::batch::BatchError;
use zigflow::limit::{Quota, RateLimiter};
use zigflow::retry::{backoff::linear, retry};
use zigflow::time::{
    Instant, ManualSleep, ManualTimer, MissedTicks, Sleep, TimeoutError, Timer, interval,
    interval_at, timeout, timeout_each, timeout_idle, timeout_total,
};
use zigflow::{batch, batch_process, batch_timeout};
use zigflow_tests::task::Task;
use zigflow_tests::virtual_time::{any_duration, met_all, run, scenarios};

const MS: Duration = Duration::from_millis(1);

/// Yields each item from its time on, in order.
struct Script {
    timer: ManualTimer,
    times: VecDeque<Instant>,
    next: u32,
    sleep: Pin<Box<ManualSleep>>,
    /// Emptied when the stream goes.
    live: Rc<Cell<bool>>,
}

impl Script {
    fn new(timer: &ManualTimer, times: impl IntoIterator<Item = u64>) -> Self {
        Self {
            timer: timer.clone(),
            times: times.into_iter().map(Instant::from_nanos).collect(),
            next: 0,
            sleep: Box::pin(timer.sleep_until(Instant::MAX)),
            live: Rc::new(Cell::new(true)),
        }
    }
}

impl Stream for Script {
    type Item = u32;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u32>> {
        let Some(&time) = self.times.front() else {
            return Poll::Ready(None);
        };
        if self.timer.now() < time {
            self.sleep.as_mut().reset(time);
            ready!(self.sleep.as_mut().poll(cx));
        }
        self.times.pop_front();
        self.next += 1;
        Poll::Ready(Some(self.next - 1))
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.live.set(false);
    }
}

/// Instants in order, with repetitions.
fn times(rng: &mut Rng, most: usize) -> Vec<u64> {
    let mut at = 0;
    (0..rng.usize(0..most))
        .map(|_| {
            at += rng.u64(0..100) * u64::from(rng.u8(0..3) != 0);
            at
        })
        .collect()
}

const NEVER: u64 = u64::MAX;

fn after(now: u64, span: Duration) -> u64 {
    u64::try_from(u128::from(now) + span.as_nanos()).unwrap_or(NEVER)
}

/// Never early and never late, whether the stream or the reader is slow; on expiry of all but the limit per item the
/// stream has been dropped.
#[test]
fn streams_have_the_time_that_they_are_given() {
    let counts = Cell::new([[0_u32; 3]; 3]);
    scenarios(|rng| {
        let rule = rng.usize(0..3);
        let limit =
            if rng.bool() { Duration::from_nanos(rng.u64(0..120)) } else { any_duration(rng) };
        let timer = ManualTimer::new();
        let times = times(rng, 12);
        let script = Script::new(&timer, times.iter().copied());
        let live = script.live.clone();
        let limited = match rule {
            0 => timeout_each(&timer, limit, script),
            1 => timeout_idle(&timer, limit, script),
            _ => timeout_total(&timer, limit, script),
        };
        let mut limited = pin!(limited);
        let mut deadline = after(0, limit);
        let mut item = 0;
        let mut all = counts.get();
        loop {
            if rng.bool() {
                timer.advance(Duration::from_nanos(rng.u64(0..150)));
            }
            let asked = timer.now().as_nanos();
            let got = run(&timer, pin!(limited.next()));
            if rule == 0 {
                deadline = after(asked, limit);
            }
            let comes = times.get(item).copied().unwrap_or(0).max(asked);
            // What has come is yielded, late as the reader may be.
            let due = asked.max(deadline);
            let (kind, end) =
                if comes == asked || comes <= deadline { (0, comes) } else { (1, due) };
            assert_eq!(timer.now().as_nanos(), end);
            match got.expect("it ends") {
                Some(Ok(number)) => {
                    assert_eq!((kind, number as usize), (0, item));
                    item += 1;
                    if rule == 1 {
                        deadline = after(end, limit);
                    }
                    all[rule][0] += 1;
                }
                Some(Err(error)) => {
                    assert_eq!(error, TimeoutError::Elapsed);
                    assert_eq!(kind, 1);
                    all[rule][1] += 1;
                    if rule != 0 {
                        assert!(!live.get() && limited.is_terminated());
                        break;
                    }
                    if limit.is_zero() {
                        timer.advance(Duration::from_nanos(1)); // or it would never come on
                    }
                }
                None => {
                    assert_eq!((kind, item), (0, times.len()));
                    all[rule][2] += 1;
                    break;
                }
            }
        }
        assert_eq!(run(&timer, pin!(limited.next())), Some(None));
        assert_eq!((timer.armed(), live.get()), (0, false));
        counts.set(all);
    });
    println!("item, elapsed, end, for each, idle, total: {:?}", counts.get());
    assert!(counts.get().iter().flatten().all(|&count| count > 500) || !met_all());
}

/// An item moves the deadline of silence, but sets no timer: while items come in time there is one wake for each
/// limit, not for each item.
#[test]
fn an_item_costs_no_timer() {
    let timer = ManualTimer::new();
    let items = RefCell::new(0);
    let source = stream::poll_fn(|_| {
        let mut items = items.borrow_mut();
        *items += 1;
        if *items % 2 == 0 { Poll::Pending } else { Poll::Ready(Some(())) }
    });
    let mut limited = pin!(timeout_idle(&timer, 100 * MS, source));
    let task = Task::new();
    for _ in 0..1_000 {
        assert!(task.run(|cx| limited.as_mut().poll_next(cx)).is_ready());
        assert!(task.run(|cx| limited.as_mut().poll_next(cx)).is_pending());
        timer.advance(MS);
    }
    assert_eq!(task.wakes(), 10);
}

/// Never early; all, some or none of the missed ticks, as it was said; up to the end of the clock.
#[test]
fn ticks_come_when_they_are_due() {
    let late = Cell::new(0_u32);
    scenarios(|rng| {
        let start =
            if rng.u8(0..4) == 0 { u64::MAX - rng.u64(1..2_000) } else { rng.u64(0..1_000) };
        let timer = ManualTimer::starting_at(Instant::from_nanos(start));
        let start = timer.now().as_nanos();
        let period = match rng.u8(0..8) {
            0 => any_duration(rng).max(Duration::from_nanos(1)),
            _ => Duration::from_nanos(rng.u64(1..100)),
        };
        let missed = [MissedTicks::Burst, MissedTicks::Delay, MissedTicks::Skip][rng.usize(0..3)];
        let first = after(start, Duration::from_nanos(rng.u64(0..50)));
        let ticks = interval_at(&timer, Instant::from_nanos(first), period).missed(missed);
        let mut ticks = pin!(ticks);
        let mut due = first;
        for _ in 0..20 {
            if rng.u8(0..3) == 0 {
                timer.advance(Duration::from_nanos(rng.u64(0..300)));
            }
            if rng.u8(0..10) == 0 {
                let now = timer.now().as_nanos();
                if rng.bool() {
                    ticks.as_mut().reset();
                    due = after(now, period);
                } else {
                    due = after(now, Duration::from_nanos(rng.u64(0..70)));
                    ticks.as_mut().reset_at(Instant::from_nanos(due));
                }
            }
            let asked = timer.now().as_nanos();
            assert_eq!(ticks.next_tick().as_nanos(), due);
            let tick = run(&timer, pin!(ticks.next()));
            if due == NEVER {
                assert_eq!(tick, None);
                break;
            }
            assert_eq!(tick, Some(Some(Instant::from_nanos(due))));
            let now = timer.now().as_nanos();
            assert_eq!(now, due.max(asked));
            late.set(late.get() + u32::from(now > due));
            // Step by step, as a reader with all the time would count.
            due = match missed {
                MissedTicks::Burst => after(due, period),
                MissedTicks::Delay => after(now, period),
                MissedTicks::Skip => {
                    while due <= now {
                        due = after(due, period);
                    }
                    due
                }
            };
        }
        assert_eq!(ticks.period(), period);
    });
    assert!(late.get() > 10_000 || !met_all());
}

#[test]
#[should_panic(expected = "a period above zero")]
fn pitfall_40_an_interval_of_zero_is_refused() {
    let _ = interval(&ManualTimer::new(), Duration::ZERO);
}

/// How batches are made of items that come at these times and weigh so much.
struct Model {
    times: Vec<u64>,
    weights: Vec<usize>,
    size: usize,
    limit: Duration,
    max: usize,
    /// The batch that is gathered: its first item, the one after its last, and when it is yielded anyway.
    first: usize,
    end: usize,
    deadline: u64,
    /// When the first item came, if it was too heavy for the batch before.
    carried_at: Option<u64>,
}

/// Why a batch is yielded.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Why {
    Full,
    End,
    TooHeavy,
    Time,
}

impl Model {
    /// What a poll at `now` gives: the items, as a range, and why.
    fn poll(&mut self, now: u64) -> Option<(std::ops::Range<usize>, Why)> {
        let why = loop {
            let weight: usize = self.weights[self.first..self.end].iter().sum();
            let count = self.end - self.first;
            if count > 0 && (count == self.size || weight == self.max) {
                break Why::Full;
            }
            let Some(&comes) = self.times.get(self.end) else { break Why::End };
            if comes > now {
                if count == 0 || self.deadline > now {
                    return None;
                }
                break Why::Time;
            }
            if count > 0 && weight + self.weights[self.end] > self.max {
                self.carried_at = Some(now);
                break Why::TooHeavy;
            }
            if count == 0 {
                self.deadline = after(self.carried_at.take().unwrap_or(now), self.limit);
            }
            self.end += 1;
        };
        let range = self.first..self.end;
        self.first = self.end;
        Some((range, why))
    }

    /// The same for one that waits from `now` on, and when.
    fn wait(&mut self, mut now: u64) -> (std::ops::Range<usize>, Why, u64) {
        loop {
            if let Some((range, why)) = self.poll(now) {
                return (range, why, now);
            }
            let deadline = if self.end > self.first { self.deadline } else { NEVER };
            now = self.times[self.end].min(deadline);
        }
    }
}

/// Sizes, weights and times together; the reader asks when it likes, gives up waiting when it likes, and takes batches
/// as vectors or into a buffer of its own. Every item comes once, in order, in the batch in which the model has it, at
/// the time that the model says.
#[test]
fn batches_have_the_size_weight_and_time_that_they_are_given() {
    let counts = Cell::new([0_u32; 5]);
    scenarios(|rng| {
        let timer = ManualTimer::new();
        let times = times(rng, 30);
        let weights: Vec<usize> = times.iter().map(|_| rng.usize(0..12)).collect();
        let size = rng.usize(1..8);
        let limit = match rng.u8(0..4) {
            0 => Duration::MAX,
            1 => any_duration(rng),
            _ => Duration::from_nanos(rng.u64(0..150)),
        };
        let max = if rng.bool() { usize::MAX } else { rng.usize(0..25) };
        let script = Script::new(&timer, times.iter().copied());
        let mut model = Model {
            times,
            weights: weights.clone(),
            size,
            limit,
            max,
            first: 0,
            end: 0,
            deadline: NEVER,
            carried_at: None,
        };
        let weigh = |item: &u32| weights[*item as usize];
        let mut batches = pin!(batch_timeout(&timer, size, limit, script).max_weight(max, weigh));
        let mut buffer = Vec::new();
        let mut given_up = false;
        let mut all = counts.get();
        loop {
            if rng.bool() {
                timer.advance(Duration::from_nanos(rng.u64(0..100)));
            }
            let asked = timer.now().as_nanos();
            let (items, (range, why)) = if rng.u8(0..4) == 0 {
                // Asks once, then loses patience.
                let polled = Task::new().run(|cx| batches.as_mut().poll_next(cx));
                match (polled, model.poll(asked)) {
                    (Poll::Pending, None) => {
                        given_up = true;
                        all[4] += 1;
                        continue;
                    }
                    (Poll::Ready(items), Some(expected)) => (items, expected),
                    (polled, expected) => panic!("{polled:?}, and not {expected:?}"),
                }
            } else {
                let (range, why, at) = model.wait(asked);
                let items = if given_up || rng.bool() {
                    run(&timer, pin!(batches.next())).unwrap()
                } else {
                    let from = buffer.len();
                    let count = run(&timer, pin!(batches.as_mut().next_into(&mut buffer)));
                    count.unwrap().map(|count| {
                        assert_eq!(count, buffer.len() - from);
                        buffer.split_off(from)
                    })
                };
                assert_eq!(timer.now().as_nanos(), at);
                (items, (range, why))
            };
            given_up = false;
            all[why as usize] += 1;
            let Some(items) = items else {
                assert_eq!((range.len(), why), (0, Why::End));
                break;
            };
            assert!(items.iter().map(|&item| item as usize).eq(range));
        }
        assert!(batches.is_terminated());
        assert_eq!(run(&timer, pin!(batches.next())), Some(None));
        assert_eq!(timer.armed(), 0);
        counts.set(all);
    });
    println!("full, end, too heavy, time, waited in vain: {:?}", counts.get());
    assert!(counts.get().iter().all(|&count| count > 500) || !met_all());
}

/// What was gathered and what was too heavy are given back; a future that is dropped leaves its items in the buffer.
#[test]
fn nothing_gathered_is_lost() {
    let timer = ManualTimer::new();
    let task = Task::new();
    let script = Script::new(&timer, [0, 0, 0, 50]);
    let mut batches = batch(5, script);
    assert!(task.run(|cx| Pin::new(&mut batches).poll_next(cx)).is_pending());
    let (stream, items) = batches.into_inner();
    assert_eq!(items, [0, 1, 2]);
    let stream = stream.expect("it goes on");

    let heavy = |item: &u32| *item as usize;
    let mut batches = batch(5, stream).max_weight(4, heavy);
    let mut buffer = vec![99];
    {
        let mut next = pin!(Pin::new(&mut batches).next_into(&mut buffer));
        assert!(task.run(|cx| next.as_mut().poll(cx)).is_pending());
    }
    timer.advance(Duration::from_nanos(50));
    let next = Pin::new(&mut batches).next_into(&mut buffer);
    assert_eq!(run(&timer, pin!(next)), Some(Some(1)));
    assert_eq!(buffer, [99, 3]);

    let mut batches = batch(5, stream::iter([1, 2, 3, 4])).max_weight(4, |item: &usize| *item);
    assert_eq!(run(&timer, pin!(batches.next())), Some(Some(vec![1, 2])));
    let (stream, items) = batches.into_inner();
    assert_eq!(items, [3], "it was too heavy for the first");
    assert_eq!(run(&timer, pin!(stream.unwrap().collect::<Vec<_>>())), Some(vec![4]));
}

/// A stream that is always ready does not keep the batch from its time, nor the thread from its neighbours.
#[test]
fn a_batch_of_a_stream_that_is_always_ready_is_yielded_in_time() {
    let timer = ManualTimer::new();
    let clock = timer.clone();
    let mut left = 10_000;
    let source = stream::poll_fn(move |_| {
        clock.advance(Duration::from_nanos(1));
        left -= 1;
        Poll::Ready((left > 0).then_some(left))
    });
    let mut batches = pin!(batch_timeout(&timer, usize::MAX, Duration::from_nanos(1_000), source));
    let task = Task::new();
    assert!(task.run(|cx| batches.as_mut().poll_next(cx)).is_pending());
    assert_eq!(task.wakes(), 1);
    let first = run(&timer, pin!(batches.next())).unwrap().unwrap();
    assert!((1_000..2_000).contains(&first.len()));
}

/// Pitfall 40: nothing waits for zero, and nothing keeps its thread.
#[test]
fn pitfall_40_zero_durations() {
    let timer = ManualTimer::new();
    let zero = Duration::ZERO;
    let never = || future::pending::<()>();
    assert_eq!(run(&timer, pin!(timeout(&timer, zero, never()))), Some(Err(TimeoutError::Elapsed)));
    let limits = [timeout_each, timeout_idle, timeout_total];
    for limit in limits {
        let mut silent = pin!(limit(&timer, zero, stream::pending::<u8>().boxed_local()));
        assert_eq!(run(&timer, pin!(silent.next())), Some(Some(Err(TimeoutError::Elapsed))));
        let mut ready = pin!(limit(&timer, zero, stream::iter([1]).boxed_local()));
        assert_eq!(run(&timer, pin!(ready.next())), Some(Some(Ok(1))));
    }
    let fails = || future::ready(Err::<(), _>(TimeoutError::Elapsed));
    let trying = retry(&timer, linear(zero), fails).max_attempts(100).attempt_timeout(zero);
    assert_eq!(run(&timer, pin!(trying)).unwrap().unwrap_err().attempts(), 100);
    let mut batches = pin!(batch_timeout(&timer, 10, zero, stream::iter([1, 2, 3])));
    assert_eq!(run(&timer, pin!(batches.next())), Some(Some(vec![1, 2, 3])));
    assert_eq!(timer.now(), Instant::from_nanos(0));
}

/// Pitfall 40: while the clock stands still everything waits, woken by nobody and polled no more.
#[test]
fn pitfall_40_a_clock_that_stands_still() {
    let timer = ManualTimer::new();
    let limiter = RateLimiter::new(timer.clone(), Quota::every(MS));
    limiter.check().unwrap();
    let task = Task::new();
    let mut limit = pin!(timeout(&timer, MS, future::pending::<()>()));
    let mut ticks = pin!(interval(&timer, MS));
    let mut turn = pin!(limiter.until_ready());
    let fails = || future::ready(Err::<(), _>(TimeoutError::Elapsed));
    let mut trying = pin!(retry(&timer, linear(MS), fails));
    let mut gathered = pin!(batch_timeout(&timer, 9, MS, stream::once(1).chain(stream::pending())));
    assert!(task.run(|cx| ticks.as_mut().poll_next(cx)).is_ready());
    for _ in 0..100 {
        assert!(task.run(|cx| limit.as_mut().poll(cx)).is_pending());
        assert!(task.run(|cx| ticks.as_mut().poll_next(cx)).is_pending());
        assert!(task.run(|cx| turn.as_mut().poll(cx)).is_pending());
        assert!(task.run(|cx| trying.as_mut().poll(cx)).is_pending());
        assert!(task.run(|cx| gathered.as_mut().poll_next(cx)).is_pending());
        assert!(limiter.check().is_err());
    }
    assert_eq!((task.wakes(), timer.armed()), (0, 5));
    timer.advance(MS);
    assert_eq!(task.wakes(), 5);
}

/// The seed's function: batches of that size and the rest; what came before an error is processed first.
#[test]
fn batch_process_processes_all_that_came() {
    let timer = ManualTimer::new();
    let process = |items: Vec<Result<u32, &'static str>>| {
        let seen = RefCell::new(Vec::new());
        let keep = |batch: Vec<u32>| {
            seen.borrow_mut().push(batch);
            if seen.borrow().len() == 3 { Err("no room") } else { Ok(()) }
        };
        let result = run(&timer, pin!(batch_process(stream::iter(items), 2, keep))).unwrap();
        (result, seen.into_inner())
    };
    assert_eq!(process(vec![Ok(1), Ok(2), Ok(3)]), (Ok(()), vec![vec![1, 2], vec![3]]));
    assert_eq!(process(vec![]), (Ok(()), vec![]));
    let (result, seen) = process(vec![Ok(1), Ok(2), Ok(3), Err("torn"), Ok(4)]);
    assert_eq!((result, seen), (Err(BatchError::Stream("torn")), vec![vec![1, 2], vec![3]]));
    let (result, seen) = process((0..9).map(Ok).collect());
    assert_eq!(result, Err(BatchError::Process("no room")));
    assert_eq!(seen.len(), 3);
}

/// A stream that is always ready does not keep its thread, batch after batch.
#[test]
fn batch_process_lets_its_neighbours_run() {
    let items = stream::iter((0..10_000).map(Ok::<u32, ()>));
    let mut all = pin!(batch_process(items, 10, |_| Ok::<(), ()>(())));
    let task = Task::new();
    assert!(task.run(|cx| all.as_mut().poll(cx)).is_pending());
    assert_eq!(task.wakes(), 1);
    assert_eq!(run(&ManualTimer::new(), all), Some(Ok(())));
}

#[test]
#[should_panic(expected = "`size` is 0")]
fn a_batch_of_nothing_is_refused() {
    let _ = batch(0, stream::empty::<u8>());
}
