//! Monitors and probes: on a clock that only the test moves, what they tell is exactly what happened, whichever language has an end.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::task::Poll;
use std::time::Duration;

use zigflow::pool::ZigPool;
use zigflow::profile::{Histogram, MonitorSnapshot, PoolSnapshot, Probe, Side, StdClock, Waits};
use zigflow::time::{Clock, Instant, ManualTimer, Timer, timeout};
use zigflow::{Pool, Quota, RateLimiter, mpmc, spsc};
use zigflow_tests::ends::{self, Lang, PAIRINGS, Rx, Stop, Tx};
use zigflow_tests::task::Task;
use zigflow_tests::{many_ends, quiet};

const MS: u64 = 1_000_000;

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn of(values: &[u64]) -> Histogram {
    let mut histogram = Histogram::new();
    values.iter().for_each(|value| histogram.record(*value));
    histogram
}

/// The parts of a channel that is watched by a clock that the test moves.
fn each_pairing(
    capacity: usize,
    test: impl Fn(Tx<u64>, Rx<u64>, &ManualTimer, &dyn Fn() -> MonitorSnapshot),
) {
    for pairing in PAIRINGS {
        let clock = ManualTimer::new();
        let (tx, rx, monitor) = ends::monitored_at(pairing, capacity, 0, clock.clone());
        test(tx, rx, &clock, &|| monitor.snapshot());
    }
}

#[test]
fn a_receiver_that_waits_is_told_to_the_nanosecond() {
    each_pairing(4, |mut tx, mut rx, clock, snapshot| {
        let task = Task::new();
        assert!(task.run(|cx| rx.poll_recv(cx)).is_pending());
        clock.advance(ms(5));
        // It looks without having been woken, and waits on.
        assert!(task.run(|cx| rx.poll_recv(cx)).is_pending());
        assert_eq!(snapshot().receivers.waiting, ms(5), "so far");
        assert_eq!(snapshot().receivers.now_waiting, 1);
        clock.advance(ms(2));
        tx.try_send(1).unwrap();
        assert_eq!(task.wakes(), 1);
        clock.advance(ms(3));
        assert_eq!(snapshot().receivers.waking, ms(3), "so far");
        assert_eq!(task.run(|cx| rx.poll_recv(cx)), Poll::Ready(Ok(1)));
        clock.advance(ms(100));
        let Waits { wait, wake_to_poll, waiting, waking, now_waiting, .. } = snapshot().receivers;
        assert_eq!((wait, wake_to_poll), (of(&[7 * MS]), of(&[3 * MS])));
        assert_eq!((waiting, waking, now_waiting), (ms(7), ms(3), 0));
        assert_eq!(snapshot().senders, Waits::default());
        assert_eq!(snapshot().elapsed, ms(110));
    });
}

#[test]
fn a_sender_that_waits_is_told_to_the_nanosecond() {
    each_pairing(1, |mut tx, mut rx, clock, snapshot| {
        let task = Task::new();
        tx.try_send(1).unwrap();
        assert!(task.run(|cx| tx.poll_ready(cx)).is_pending());
        clock.advance(ms(9));
        rx.try_recv().unwrap();
        clock.advance(ms(1));
        assert!(task.run(|cx| tx.poll_ready(cx)).is_ready());
        let Waits { wait, wake_to_poll, waiting, .. } = snapshot().senders;
        assert_eq!((wait, wake_to_poll), (of(&[9 * MS]), of(&[MS])));
        assert_eq!(waiting, ms(9));
    });
}

/// The first of 64 items is sampled: how long it waited, and how many waited when it was taken.
#[test]
fn one_item_of_64_tells_how_long_it_waited() {
    each_pairing(256, |mut tx, mut rx, clock, snapshot| {
        for round in 0..4 {
            for n in 0..64 {
                tx.try_send(round * 64 + n).unwrap();
            }
            clock.advance(ms(10));
        }
        for n in 0..256 {
            assert_eq!(rx.try_recv(), Ok(n));
            clock.advance(ms(1));
        }
        // The first one waited through four rounds. The others were not sampled, as one was on its way.
        assert_eq!(snapshot().queue_wait, of(&[40 * MS]));
        assert_eq!(snapshot().queue_len, of(&[256]));
        // Now one at a time: one out of 64 is sampled, wherever that begins.
        for n in 0..640 {
            tx.try_send(n).unwrap();
            clock.advance(ms(2));
            assert_eq!(rx.try_recv(), Ok(n));
        }
        let new = snapshot().queue_wait.since(&of(&[40 * MS]));
        assert_eq!((new.count(), new.mean()), (10, 2 * MS));
    });
}

#[test]
fn a_sample_in_the_middle_of_a_batch_is_taken_with_it() {
    each_pairing(64, |mut tx, mut rx, clock, snapshot| {
        let items: Vec<u64> = (0..40).collect();
        assert_eq!(tx.try_send_many(&items), Ok(40));
        clock.advance(ms(4));
        let mut taken = Vec::new();
        while taken.len() < 40 {
            rx.read(7, |first, second| {
                taken.extend_from_slice(first);
                taken.extend_from_slice(second);
                first.len() + second.len()
            })
            .unwrap();
        }
        assert_eq!(taken, items);
        assert_eq!((snapshot().queue_wait, snapshot().queue_len), (of(&[4 * MS]), of(&[40])));
        for n in 0..200 {
            tx.try_send(n).unwrap();
            clock.advance(ms(1));
            assert_eq!(rx.recv(), Ok(n));
        }
        assert!(snapshot().queue_wait.count() >= 4);
    });
}

#[test]
fn an_end_that_goes_while_it_waits_waits_no_more() {
    each_pairing(1, |mut tx, mut rx, clock, snapshot| {
        let task = Task::new();
        assert!(task.run(|cx| rx.poll_recv(cx)).is_pending());
        tx.try_send(1).unwrap();
        rx.try_recv().unwrap();
        assert!(task.run(|cx| rx.poll_recv(cx)).is_pending());
        clock.advance(ms(6));
        drop(rx);
        clock.advance(ms(50));
        let receivers = snapshot().receivers;
        assert_eq!((receivers.waiting, receivers.now_waiting), (ms(6), 0));
        assert_eq!(task.wakers(), 0, "a waker is left in the watch");
        drop(tx);
        assert_eq!((snapshot().sent, snapshot().received), (1, 1));
    });
}

#[test]
fn the_monitor_outlives_both_ends_and_another_one_sees_the_same() {
    let clock = ManualTimer::new();
    let (mut tx, mut rx, monitor) = spsc::monitored::<Box<u32>>(4, clock.clone());
    tx.try_send(Box::new(1)).unwrap();
    tx.try_send(Box::new(2)).unwrap();
    assert_eq!(*rx.try_recv().unwrap(), 1);
    let again = monitor.clone();
    drop((tx, rx));
    assert_eq!(again.snapshot(), monitor.snapshot());
    drop(monitor);
    assert_eq!((again.snapshot().sent, again.snapshot().len), (2, 0));
}

#[test]
fn a_channel_in_a_static_is_taken_as_long_as_it_is_watched() {
    static PLACE: spsc::Storage<u32, 2> = spsc::Storage::new();
    let (mut tx, mut rx, monitor) = PLACE.split_monitored(StdClock::new()).unwrap();
    tx.try_send(7).unwrap();
    assert_eq!(rx.try_recv(), Ok(7));
    drop((tx, rx));
    assert!(PLACE.split().is_none());
    assert_eq!(monitor.snapshot().received, 1);
    drop(monitor);
    assert!(PLACE.split().is_some());
}

/// So many units of those who wait in a list: 1024 nanoseconds, as there is room for 32 bits in a waiter.
fn units(count: u64) -> Duration {
    Duration::from_nanos(count << 10)
}

#[test]
fn those_who_wait_at_a_channel_with_many_ends_are_told_together() {
    for lang in [Lang::Rust, Lang::Zig] {
        let clock = ManualTimer::new();
        clock.advance(ms(1));
        let (tx, rx) = mpmc::channel::<u64>(4);
        let monitor = tx.monitor(clock.clone());
        let mut second = many_ends::Rx::of(lang, rx.clone());
        let (mut tx, mut rx) = (many_ends::Tx::of(lang, tx), many_ends::Rx::of(lang, rx));
        let (one, two) = (Task::new(), Task::new());
        let (mut first_wait, mut second_wait) = (rx.receiving(), second.receiving());
        assert!(one.run(|cx| first_wait.as_mut().poll(cx)).is_pending());
        clock.advance(units(10));
        assert!(two.run(|cx| second_wait.as_mut().poll(cx)).is_pending());
        clock.advance(units(10));
        assert_eq!(monitor.snapshot().receivers.now_waiting, 2);
        tx.try_send(1).unwrap();
        assert_eq!((one.wakes(), two.wakes()), (1, 0), "in turn");
        clock.advance(units(5));
        assert_eq!(one.run(|cx| first_wait.as_mut().poll(cx)), Poll::Ready(Ok(1)));
        drop(first_wait);
        drop(second_wait); // gives up
        clock.advance(units(100));
        let receivers = monitor.snapshot().receivers;
        assert_eq!(receivers.wait, of(&[20 << 10, 15 << 10]), "{lang:?}");
        assert_eq!(receivers.wake_to_poll, of(&[5 << 10]));
        assert_eq!((receivers.waiting, receivers.now_waiting), (units(25), 0));
        assert_eq!(monitor.snapshot().received, 1);
    }
}

#[test]
fn who_waited_before_anybody_watched_is_not_counted_from_the_beginning_of_time() {
    let clock = ManualTimer::new();
    clock.advance(ms(1000));
    let (tx, rx) = mpmc::channel::<u64>(4);
    let task = Task::new();
    let mut wait = pin!(rx.recv());
    assert!(task.run(|cx| wait.as_mut().poll(cx)).is_pending());
    let monitor = tx.monitor(clock.clone());
    assert_eq!(tx.monitor(StdClock::new()).snapshot(), monitor.snapshot(), "the first clock stays");
    clock.advance(units(3));
    tx.try_send(1).unwrap();
    assert!(task.run(|cx| wait.as_mut().poll(cx)).is_ready());
    let receivers = monitor.snapshot().receivers;
    assert_eq!((receivers.wait, receivers.waiting), (of(&[]), Duration::ZERO));
    assert_eq!(receivers.wake_to_poll, of(&[0]));
}

#[test]
fn those_who_wait_for_a_block_are_told() {
    let clock = ManualTimer::new();
    clock.advance(ms(1));
    let pool = Pool::new(1, 64);
    let monitor = pool.monitor(clock.clone());
    let block = pool.try_acquire().unwrap();
    let task = Task::new();
    let mut wait = pin!(pool.acquire());
    assert!(task.run(|cx| wait.as_mut().poll(cx)).is_pending());
    clock.advance(units(8));
    drop(block);
    clock.advance(units(2));
    assert!(task.run(|cx| wait.as_mut().poll(cx)).is_ready());
    let PoolSnapshot { elapsed, blocks, available, waits, .. } = monitor.snapshot();
    assert_eq!((elapsed, blocks, available), (units(10), 1, 1));
    assert_eq!(waits.wait, of(&[8 << 10]));
    assert_eq!(waits.wake_to_poll, of(&[2 << 10]));
    assert_eq!(waits.waiting, units(8));
    assert!(monitor.pool().same_pool(&pool));
    let earlier = monitor.snapshot();
    assert_eq!(earlier.waiting_share(), 0.8);
    let shown = earlier.to_string();
    assert!(
        shown.contains("1 of 1 home, in 10.24µs\nacquire     waits 80 % of the time; 1,"),
        "{shown}"
    );
    clock.advance(units(10));
    let new = monitor.snapshot().since(&earlier);
    assert_eq!((new.elapsed, new.waits, new.waiting_share()), (units(10), Waits::default(), 0.0));
}

#[test]
fn those_who_wait_for_a_limit_are_told_to_the_nanosecond() {
    let clock = ManualTimer::new();
    let limiter = RateLimiter::new(clock.clone(), Quota::per_second(1000).burst(1));
    let (one, two, three) = (Task::new(), Task::new(), Task::new());
    let mut early = pin!(limiter.until_ready());
    assert!(one.run(|cx| early.as_mut().poll(cx)).is_ready(), "there is one in the burst");
    let mut early = pin!(limiter.until_ready());
    assert!(one.run(|cx| early.as_mut().poll(cx)).is_pending());
    clock.advance(Duration::from_nanos(300));
    // One waits already: that counts from here.
    let monitor = limiter.monitor();
    let mut late = pin!(limiter.until_ready());
    assert!(two.run(|cx| late.as_mut().poll(cx)).is_pending());
    clock.advance(Duration::from_nanos(200));
    {
        let mut gives_up = pin!(limiter.until_ready());
        assert!(three.run(|cx| gives_up.as_mut().poll(cx)).is_pending());
        clock.advance(Duration::from_nanos(40));
    }
    let snapshot = monitor.snapshot();
    assert_eq!((snapshot.passed, snapshot.gave_up, snapshot.now_waiting), (0, 1, 2));
    assert_eq!((snapshot.wait, snapshot.waiting), (of(&[40]), Duration::from_nanos(240)));
    clock.advance(Duration::from_nanos(MS - 540));
    assert!(one.run(|cx| early.as_mut().poll(cx)).is_ready());
    clock.advance(ms(1));
    assert!(two.run(|cx| late.as_mut().poll(cx)).is_ready());
    clock.advance(ms(2) + Duration::from_nanos(300));
    // Nobody waits now, and who need not wait is not counted.
    assert!(limiter.check().is_ok());
    let new = monitor.snapshot().since(&snapshot);
    assert_eq!((new.passed, new.gave_up, new.now_waiting), (2, 0, 0));
    assert_eq!(new.wait, of(&[MS - 300, 2 * MS - 300]));
    let whole = limiter.monitor().snapshot();
    assert_eq!(whole, monitor.snapshot(), "it is watched since the first one");
    assert_eq!((whole.elapsed, whole.waiting), (ms(4), 2 * ms(1) - Duration::from_nanos(300)));
    assert_eq!(whole.waiting_share(), (2.0 * MS as f64 - 300.0) / (4.0 * MS as f64));
    let shown = whole.to_string();
    assert!(
        shown.contains("after a wait 2 passed and 1 gave up in 4.00ms; 0 wait\n            waits 50 % of the time; 3, mean"),
        "{shown}"
    );
    // Nobody is counted twice, or for ever.
    let mut again = pin!(limiter.until_ready());
    assert!(one.run(|cx| again.as_mut().poll(cx)).is_pending());
    clock.advance(ms(1));
    assert!(one.run(|cx| again.as_mut().poll(cx)).is_ready());
    assert_eq!(monitor.snapshot().since(&whole).waiting_share(), 1.0);
    // More than will ever pass is no wait that has passed.
    let late = monitor.snapshot();
    limiter.set_quota(Quota::per_second(1000).burst(2));
    let mut two_cells = pin!(limiter.until_n_ready(2));
    assert!(one.run(|cx| two_cells.as_mut().poll(cx)).is_pending());
    limiter.set_quota(Quota::per_second(1000).burst(1));
    assert!(one.run(|cx| two_cells.as_mut().poll(cx)).is_ready());
    let new = monitor.snapshot().since(&late);
    assert_eq!((new.passed, new.gave_up), (0, 1));
}

/// A timer that lies so many milliseconds back.
#[derive(Clone)]
struct Back(ManualTimer, Arc<AtomicU32>);

impl Clock for Back {
    fn now(&self) -> Instant {
        let back = u64::from(self.1.load(SeqCst)) * MS;
        Instant::from_nanos(self.0.now().as_nanos().saturating_sub(back))
    }
}

impl Timer for Back {
    type Sleep = <ManualTimer as Timer>::Sleep;

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        self.0.sleep_until(deadline)
    }
}

/// A timer that counts how often it is asked for the time, and panics when it is told to.
#[derive(Clone)]
struct Asked {
    timer: ManualTimer,
    times: Arc<AtomicU32>,
    panics: Arc<AtomicBool>,
}

impl Asked {
    fn new() -> Self {
        Self { timer: ManualTimer::new(), times: Arc::default(), panics: Arc::default() }
    }
}

impl Clock for Asked {
    fn now(&self) -> Instant {
        assert!(!self.panics.load(SeqCst), "the clock is broken");
        self.times.fetch_add(1, SeqCst);
        self.timer.now()
    }
}

impl Timer for Asked {
    type Sleep = <ManualTimer as Timer>::Sleep;

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        self.timer.sleep_until(deadline)
    }
}

#[test]
fn a_wait_for_a_limit_that_nobody_watches_reads_the_clock_no_more() {
    let timer = Asked::new();
    let limiter = RateLimiter::new(timer.clone(), Quota::per_second(1000).burst(1));
    let reads = || timer.times.swap(0, SeqCst);
    let task = Task::new();
    assert!(limiter.check().is_ok());
    let mut passes = Box::pin(limiter.until_ready());
    assert!(task.run(|cx| passes.as_mut().poll(cx)).is_pending());
    timer.timer.advance(ms(1));
    reads();
    assert!(task.run(|cx| passes.as_mut().poll(cx)).is_ready());
    assert_eq!(reads(), 1, "whether it may pass");
    let mut gives_up = Box::pin(limiter.until_ready());
    assert!(task.run(|cx| gives_up.as_mut().poll(cx)).is_pending());
    reads();
    drop(gives_up);
    assert_eq!(reads(), 0);
    let monitor = limiter.monitor();
    let mut gives_up = Box::pin(limiter.until_ready());
    assert!(task.run(|cx| gives_up.as_mut().poll(cx)).is_pending());
    reads();
    drop(gives_up);
    assert_eq!((reads(), monitor.snapshot().gave_up), (1, 1), "when it left");
}

/// However a clock ends, those who still wait get their turn.
#[test]
fn a_clock_that_panics_when_somebody_gives_up_leaves_no_place_taken() {
    let timer = Asked::new();
    let limiter = RateLimiter::new(timer.clone(), Quota::per_second(1000).burst(1));
    let _monitor = limiter.monitor();
    let (one, two) = (Task::new(), Task::new());
    assert!(limiter.check().is_ok());
    let mut first = Box::pin(limiter.until_ready());
    let mut second = Box::pin(limiter.until_ready());
    assert!(one.run(|cx| first.as_mut().poll(cx)).is_pending());
    assert!(two.run(|cx| second.as_mut().poll(cx)).is_pending());
    timer.panics.store(true, SeqCst);
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(first)));
    assert!(dropped.is_err());
    timer.panics.store(false, SeqCst);
    assert_eq!((limiter.waiting(), two.wakes()), (1, 1));
    timer.timer.advance(ms(1));
    assert!(two.run(|cx| second.as_mut().poll(cx)).is_ready());
    assert_eq!(limiter.waiting(), 0);
}

/// Who comes to wait looks at the clock before it has the lock: another one may have left in between, later by the clock.
#[test]
fn no_time_in_which_somebody_waits_is_counted_twice() {
    let timer = Back(ManualTimer::new(), Arc::default());
    timer.0.advance(ms(100));
    let limiter = RateLimiter::new(timer.clone(), Quota::every(ms(1000)).burst(1));
    let pool = Pool::new(1, 64);
    let (limit, blocks) = (limiter.monitor(), pool.monitor(timer.clone()));
    let (one, two) = (Task::new(), Task::new());
    assert!(limiter.check().is_ok());
    let _block = pool.try_acquire().unwrap();
    let mut wait = Box::pin(limiter.until_ready());
    let mut acquire = Box::pin(pool.acquire());
    assert!(one.run(|cx| wait.as_mut().poll(cx)).is_pending());
    assert!(one.run(|cx| acquire.as_mut().poll(cx)).is_pending());
    timer.0.advance(ms(100));
    drop((wait, acquire));
    // It had looked at the clock when they were still there.
    timer.1.store(90, SeqCst);
    let mut wait = Box::pin(limiter.until_ready());
    let mut acquire = Box::pin(pool.acquire());
    assert!(two.run(|cx| wait.as_mut().poll(cx)).is_pending());
    assert!(two.run(|cx| acquire.as_mut().poll(cx)).is_pending());
    // So did this one.
    let told = (limit.snapshot(), blocks.snapshot());
    assert_eq!((told.0.waiting, told.1.waits.waiting), (ms(100), ms(100)));
    assert_eq!((told.0.waiting_share(), told.1.waiting_share()), (1.0, 1.0), "{told:?}");
    timer.1.store(0, SeqCst);
    timer.0.advance(ms(100));
    drop((wait, acquire));
    let told = (limit.snapshot(), blocks.snapshot());
    assert_eq!((told.0.waiting, told.1.waits.waiting), (ms(200), ms(200)));
    assert_eq!((told.0.elapsed, told.1.elapsed), (ms(200), ms(200)));
}

#[test]
fn a_probe_tells_how_long_polls_run_and_what_lies_between_them() {
    let clock = ManualTimer::new();
    let probe = Probe::new(clock.clone());
    let task = Task::new();
    let mut slept = pin!(probe.watch(clock.sleep(ms(30))));
    assert!(task.run(|cx| slept.as_mut().poll(cx)).is_pending());
    clock.advance(ms(30));
    assert_eq!(task.wakes(), 1);
    clock.advance(ms(4));
    assert!(task.run(|cx| slept.as_mut().poll(cx)).is_ready());
    let busy = probe.watch(std::future::poll_fn(|_| {
        clock.advance(ms(6));
        Poll::Ready(())
    }));
    assert!(task.run(|cx| pin!(busy).poll(cx)).is_ready());
    let snapshot = probe.snapshot();
    assert_eq!(snapshot.poll, of(&[0, 0, 6 * MS]));
    assert_eq!((snapshot.wait, snapshot.wake_to_poll), (of(&[30 * MS]), of(&[4 * MS])));
    assert_eq!((snapshot.ready, snapshot.elapsed), (2, ms(40)));
    assert_eq!(snapshot.sizes, of(&[]));
    [4096, 17].into_iter().for_each(|bytes| probe.record_size(bytes));
    let sized = probe.snapshot();
    assert_eq!(sized.since(&snapshot).sizes, of(&[4096, 17]));
    assert_eq!(sized.since(&sized).sizes, of(&[]));
    assert!(
        sized.to_string().ends_with("sizes         2, mean 2056, half up to 8191, 99 % up to 8191"),
        "{sized}"
    );
}

#[test]
fn a_probe_tells_who_waits_now_and_how_long_those_waited_who_gave_up() {
    let clock = ManualTimer::new();
    let probe = Probe::new(clock.clone());
    let (one, two) = (Task::new(), Task::new());
    let mut given_up = Box::pin(probe.watch(std::future::pending::<()>()));
    let mut woken = Box::pin(probe.watch(clock.sleep(ms(5))));
    assert!(one.run(|cx| given_up.as_mut().poll(cx)).is_pending());
    assert!(two.run(|cx| woken.as_mut().poll(cx)).is_pending());
    assert_eq!((probe.snapshot().now_waiting, probe.snapshot().wait), (2, of(&[])));
    clock.advance(ms(3));
    // Unasked: one wait, not two.
    assert!(one.run(|cx| given_up.as_mut().poll(cx)).is_pending());
    assert_eq!(probe.snapshot().now_waiting, 2);
    clock.advance(ms(4));
    drop(given_up);
    assert_eq!((probe.snapshot().now_waiting, probe.snapshot().wait), (0, of(&[7 * MS, 7 * MS])));
    assert!(two.run(|cx| woken.as_mut().poll(cx)).is_ready());
    drop(woken);
    // One that wakes itself while it is polled does not wait.
    let mut yields = Box::pin(probe.watch(futures_lite::future::yield_now()));
    assert!(one.run(|cx| yields.as_mut().poll(cx)).is_pending());
    assert_eq!(probe.snapshot().now_waiting, 0);
    drop(yields);
    assert_eq!((probe.snapshot().now_waiting, probe.snapshot().wait.count()), (0, 2));
}

#[test]
fn who_waited_before_anybody_watched_is_seen_to_wait() {
    let (tx, rx) = mpmc::channel::<u64>(4);
    let pool = Pool::new(1, 64);
    let block = pool.try_acquire().unwrap();
    let task = Task::new();
    let (mut recv, mut acquire) = (pin!(rx.recv()), pin!(pool.acquire()));
    assert!(task.run(|cx| recv.as_mut().poll(cx)).is_pending());
    assert!(task.run(|cx| acquire.as_mut().poll(cx)).is_pending());
    let (channel, blocks) = (tx.monitor(ManualTimer::new()), pool.monitor(ManualTimer::new()));
    assert_eq!(channel.snapshot().receivers.now_waiting, 1);
    assert_eq!(blocks.snapshot().waits.now_waiting, 1);
    let mut seen = [0; 6];
    assert_eq!(read_pool_profile(pool.to_zig(), &mut seen), Ok(true));
    assert_eq!((seen[5], read_many_waiting(rx.clone().into_zig())), (1, Ok(Some(1))));
    tx.try_send(1).unwrap();
    drop(block);
    assert_eq!(channel.snapshot().receivers.now_waiting, 0);
    assert_eq!(blocks.snapshot().waits.now_waiting, 0);
}

/// A timeout polls what it limits once more before it drops it.
#[test]
fn what_a_timeout_cuts_off_has_waited_until_then() {
    let clock = ManualTimer::new();
    let probe = Probe::new(clock.clone());
    let task = Task::new();
    let mut limited =
        Box::pin(timeout(clock.clone(), ms(10), probe.watch(std::future::pending::<()>())));
    assert!(task.run(|cx| limited.as_mut().poll(cx)).is_pending());
    clock.advance(ms(10));
    assert!(task.run(|cx| limited.as_mut().poll(cx)).is_ready());
    drop(limited);
    let snapshot = probe.snapshot();
    assert_eq!((snapshot.wait, snapshot.now_waiting), (of(&[10 * MS]), 0));
}

#[test]
fn who_looks_unasked_and_finds_something_has_waited() {
    let clock = ManualTimer::new();
    let probe = Probe::new(clock.clone());
    let task = Task::new();
    let mut left = 3;
    let mut future = Box::pin(probe.watch(std::future::poll_fn(|cx| {
        left -= 1;
        match left {
            2 => Poll::Pending,
            1 => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    })));
    assert!(task.run(|cx| future.as_mut().poll(cx)).is_pending());
    clock.advance(ms(2));
    // It wakes itself in a poll that nobody asked for: that is the end of the wait.
    assert!(task.run(|cx| future.as_mut().poll(cx)).is_pending());
    let snapshot = probe.snapshot();
    assert_eq!((snapshot.wait, snapshot.now_waiting), (of(&[2 * MS]), 0));
    clock.advance(ms(1));
    assert!(task.run(|cx| future.as_mut().poll(cx)).is_ready());
    let snapshot = probe.snapshot();
    assert_eq!((snapshot.wait, snapshot.wake_to_poll), (of(&[2 * MS]), of(&[MS])));
    drop(future);

    let mut first = true;
    let mut future = Box::pin(probe.watch(std::future::poll_fn(|_| {
        if std::mem::take(&mut first) { Poll::Pending } else { Poll::Ready(()) }
    })));
    assert!(task.run(|cx| future.as_mut().poll(cx)).is_pending());
    clock.advance(ms(8));
    assert!(task.run(|cx| future.as_mut().poll(cx)).is_ready());
    assert_eq!((probe.snapshot().wait, probe.snapshot().now_waiting), (of(&[2 * MS, 8 * MS]), 0));
}

/// One that panics when it is polled unasked waits no more.
#[test]
fn a_probed_future_that_panics_is_not_said_to_wait_for_ever() {
    let probe = Probe::new(ManualTimer::new());
    let task = Task::new();
    let mut first = true;
    let mut future = Box::pin(probe.watch(std::future::poll_fn(|_| {
        assert!(std::mem::take(&mut first), "the second poll");
        Poll::<()>::Pending
    })));
    assert!(task.run(|cx| future.as_mut().poll(cx)).is_pending());
    assert_eq!(probe.snapshot().now_waiting, 1);
    let poll = || task.run(|cx| future.as_mut().poll(cx)).is_pending();
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(poll)).is_err());
    drop(future);
    assert_eq!(probe.snapshot().now_waiting, 0);
}

/// Pitfall 17: a waker that is kept wakes nobody any more, and keeps the task no longer.
#[test]
fn a_probed_future_that_is_dropped_lets_go_of_its_task() {
    let probe = Probe::new(StdClock::new());
    let task = Task::new();
    let mut kept = None;
    let mut future = Box::pin(probe.watch(std::future::poll_fn(|cx| {
        kept = Some(cx.waker().clone());
        Poll::<()>::Pending
    })));
    assert!(task.run(|cx| future.as_mut().poll(cx)).is_pending());
    drop(future);
    assert_eq!(task.wakers(), 0);
    kept.unwrap().wake();
    assert_eq!(task.wakes(), 0);
}

#[test]
fn the_last_task_that_polls_a_probed_stream_is_woken() {
    let probe = Probe::new(StdClock::new());
    let (mut tx, rx) = spsc::channel::<u64>(2);
    let mut stream = probe.watch(rx);
    let (one, two) = (Task::new(), Task::new());
    assert!(one.next(&mut stream).is_pending());
    assert!(two.next(&mut stream).is_pending());
    tx.try_send(1).unwrap();
    assert_eq!((one.wakes(), two.wakes()), (0, 1));
    assert_eq!(two.next(&mut stream), Poll::Ready(Some(Ok(1))));
    assert_eq!(probe.snapshot().wait.count(), 1);
    assert_eq!(stream.into_inner().try_recv().ok(), None);
}

zigflow::autozig! {
    const zigflow = @import("zigflow");

    /// Some of its numbers.
    fn readProfile(end: zigflow.spsc.Sender(u64), out: []u64) error{NotMonitored}!void {
        var tx = end;
        defer tx.deinit();
        const seen = tx.profile() orelse return error.NotMonitored;
        const receivers = &seen.receivers;
        const numbers = [_]u64{
            seen.elapsed_ns,            receivers.waiting_ns,           receivers.waking_ns,
            receivers.now_waiting,      receivers.wait.count(),         receivers.wait.mean(),
            receivers.wake_to_poll.total, seen.senders.wait.count(),    seen.senders.wait.mean(),
            seen.queue_wait.total,      seen.queue_len.counts[1],
        };
        @memcpy(out, &numbers);
    }

    fn readManyProfile(end: zigflow.mpmc.Receiver(u64)) ?u64 {
        var rx = end;
        defer rx.deinit();
        return if (rx.profile()) |seen| seen.receivers.wait.count() else null;
    }

    fn readManyWaiting(end: zigflow.mpmc.Receiver(u64)) ?u32 {
        var rx = end;
        defer rx.deinit();
        return if (rx.profile()) |seen| seen.receivers.now_waiting else null;
    }

    /// False if nobody watches it.
    fn readPoolProfile(pool: zigflow.Pool, out: []u64) bool {
        defer pool.deinit();
        const seen: zigflow.PoolProfile = pool.profile() orelse return false;
        const waits = &seen.waits;
        const numbers = [_]u64{
            seen.elapsed_ns,  waits.wait.total, waits.wake_to_poll.total,
            waits.waiting_ns, waits.waking_ns,  waits.now_waiting,
        };
        @memcpy(out, &numbers);
        return true;
    }
    ---
    fn read_profile(end: spsc::ZigSender<u64>, out: &mut [u64]) -> Result<(), zigflow::ZigError>;
    fn read_many_profile(end: mpmc::ZigReceiver<u64>) -> Result<Option<u64>, zigflow::ZigError>;
    fn read_many_waiting(end: mpmc::ZigReceiver<u64>) -> Result<Option<u32>, zigflow::ZigError>;
    fn read_pool_profile(pool: ZigPool, out: &mut [u64]) -> Result<bool, zigflow::ZigError>;
}

#[test]
fn zig_reads_the_same() {
    let clock = ManualTimer::new();
    let (mut tx, mut rx, monitor) = spsc::monitored::<u64>(4, clock.clone());
    let task = Task::new();
    assert!(task.run(|cx| rx.poll_recv(cx)).is_pending());
    clock.advance(ms(5));
    tx.try_send(1).unwrap();
    clock.advance(ms(2));
    assert!(task.run(|cx| rx.poll_recv(cx)).is_ready());
    for n in 0..4 {
        tx.try_send(n).unwrap();
    }
    assert!(task.run(|cx| tx.poll_ready(cx)).is_pending());
    clock.advance(ms(1));
    rx.try_recv().unwrap();
    assert!(task.run(|cx| tx.poll_ready(cx)).is_ready());
    rx.try_recv().unwrap();
    rx.try_recv().unwrap();
    rx.try_recv().unwrap();
    assert!(task.run(|cx| rx.poll_recv(cx)).is_pending());
    let (snapshot, mut seen) = (monitor.snapshot(), [0; 11]);
    read_profile(tx.into_zig(), &mut seen).unwrap();
    let receivers = snapshot.receivers;
    let expected = [
        8 * MS,
        5 * MS,
        2 * MS,
        1,
        1,
        5 * MS,
        2 * MS,
        1,
        MS,
        snapshot.queue_wait.total(),
        snapshot.queue_len.count(),
    ];
    assert_eq!((seen, receivers.now_waiting), (expected, 1));
    assert_eq!(snapshot.queue_wait.total(), 2 * MS, "the first item was sampled");

    let (tx, rx) = spsc::channel::<u64>(4);
    assert_eq!(read_profile(tx.into_zig(), &mut seen).unwrap_err().name(), "NotMonitored");
    drop(rx);
    let (tx, rx) = mpmc::channel::<u64>(4);
    assert_eq!(read_many_profile(rx.clone().into_zig()), Ok(None));
    let _monitor = tx.monitor(clock);
    assert_eq!(read_many_profile(rx.into_zig()), Ok(Some(0)));
}

#[test]
fn zig_reads_the_same_of_a_pool() {
    let clock = ManualTimer::new();
    clock.advance(ms(1));
    let pool = Pool::new(1, 64);
    let mut seen = [0; 6];
    assert_eq!(read_pool_profile(pool.to_zig(), &mut seen), Ok(false));
    let monitor = pool.monitor(clock.clone());
    let block = pool.try_acquire().unwrap();
    let task = Task::new();
    let (mut one, mut two) = (pin!(pool.acquire()), pin!(pool.acquire()));
    assert!(task.run(|cx| one.as_mut().poll(cx)).is_pending());
    clock.advance(units(3));
    drop(block);
    clock.advance(units(2));
    let Poll::Ready(_block) = task.run(|cx| one.as_mut().poll(cx)) else { panic!("it is home") };
    assert!(task.run(|cx| two.as_mut().poll(cx)).is_pending());
    clock.advance(units(4));
    assert_eq!(read_pool_profile(pool.to_zig(), &mut seen), Ok(true));
    assert_eq!(seen, [9 << 10, 3 << 10, 2 << 10, 7 << 10, 2 << 10, 1]);
    let PoolSnapshot { elapsed, waits, .. } = monitor.snapshot();
    let Waits { wait, wake_to_poll, waiting, waking, now_waiting, .. } = waits;
    let [elapsed, waiting, waking] = [elapsed, waiting, waking].map(|time| time.as_nanos() as u64);
    let told = [elapsed, wait.total(), wake_to_poll.total(), waiting, waking, now_waiting.into()];
    assert_eq!(seen, told);
}

/// In a signal handler neither a clock nor a lock may be waited for: a quiet verb tells the monitor nothing.
#[test]
fn a_quiet_verb_of_a_monitored_channel_reads_no_clock() {
    struct Counting(Arc<AtomicU32>);
    impl Clock for Counting {
        fn now(&self) -> Instant {
            Instant::from_nanos(self.0.fetch_add(1, SeqCst).into())
        }
    }
    for pairing in PAIRINGS {
        let reads = Arc::new(AtomicU32::new(0));
        let (tx, rx, monitor) = spsc::monitored(4, Counting(reads.clone()));
        let (mut tx, mut rx) = quiet::spsc_ends(pairing, (tx, rx));
        let before = reads.load(SeqCst);
        for n in 0..200 {
            while tx.try_send(n).is_ok() {}
            while rx.try_recv().is_ok() {}
        }
        assert_eq!(reads.load(SeqCst), before, "{pairing:?}");
        assert_eq!(monitor.snapshot().received, 800);
        assert!(reads.load(SeqCst) > before, "the clock counts");
    }
}

/// A sample that was passed over by quiet verbs ends no sampling.
#[test]
fn what_quiet_verbs_pass_over_is_sampled_no_more() {
    let clock = ManualTimer::new();
    let (mut tx, mut rx, monitor) = spsc::monitored::<u64>(8, clock.clone());
    tx.try_send(0).unwrap(); // sampled
    assert!(rx.try_recv_quiet().is_ok());
    for n in 1..300 {
        tx.try_send(n).unwrap();
        clock.advance(ms(1));
        assert_eq!(rx.try_recv(), Ok(n));
    }
    let queue_wait = monitor.snapshot().queue_wait;
    assert!(queue_wait.count() >= 3, "{queue_wait:?}");
    assert_eq!(queue_wait.mean(), MS);
}

/// Who reads the clock before the list's lock may come after one who read it later: that is no wait of an hour.
#[test]
fn a_clock_that_steps_back_makes_no_long_wait() {
    let (clock, back) = (ManualTimer::new(), Arc::new(AtomicU32::new(0)));
    clock.advance(ms(1000));
    let (tx, rx) = mpmc::channel::<u64>(4);
    let monitor = tx.monitor(Back(clock.clone(), back.clone()));
    let task = Task::new();
    let mut wait = pin!(rx.recv());
    assert!(task.run(|cx| wait.as_mut().poll(cx)).is_pending());
    clock.advance(units(7));
    tx.try_send(1).unwrap();
    back.store(1, SeqCst);
    assert!(task.run(|cx| wait.as_mut().poll(cx)).is_ready());
    let receivers = monitor.snapshot().receivers;
    assert_eq!((receivers.wait, receivers.wake_to_poll), (of(&[7 << 10]), of(&[0])));
    assert!(receivers.waking < ms(1), "{:?}", receivers.waking);
}

/// What a channel did before it is watched is not counted.
#[test]
fn a_monitor_that_comes_late_counts_from_there() {
    let clock = ManualTimer::new();
    let (tx, rx) = mpmc::channel::<u64>(8);
    for n in 0..5 {
        tx.try_send(n).unwrap();
    }
    rx.try_recv().unwrap();
    let monitor = tx.monitor(clock.clone());
    clock.advance(ms(1000));
    rx.try_recv().unwrap();
    tx.try_send(9).unwrap();
    let snapshot = monitor.snapshot();
    assert_eq!((snapshot.sent, snapshot.received, snapshot.len), (1, 1, 4));
    assert_eq!(snapshot.throughput(), 1.0);
    assert_eq!(tx.monitor(StdClock::new()).snapshot(), snapshot);
}

/// An end for which nothing comes any more waits no more, though it is kept.
#[test]
fn an_end_that_has_seen_the_end_waits_no_more() {
    each_pairing(1, |mut tx, mut rx, clock, snapshot| {
        let task = Task::new();
        assert!(task.run(|cx| rx.poll_recv(cx)).is_pending());
        clock.advance(ms(2));
        tx.close();
        clock.advance(ms(3));
        assert_eq!(rx.try_recv(), Err(Stop::Closed));
        clock.advance(ms(50));
        let receivers = snapshot().receivers;
        assert_eq!((receivers.waiting, receivers.waking), (ms(2), ms(3)));
        assert_eq!(receivers.now_waiting, 0);
    });
    each_pairing(1, |mut tx, mut rx, clock, snapshot| {
        let task = Task::new();
        tx.try_send(1).unwrap();
        assert!(task.run(|cx| tx.poll_ready(cx)).is_pending());
        clock.advance(ms(2));
        rx.close();
        clock.advance(ms(3));
        assert!(tx.is_closed());
        clock.advance(ms(50));
        let senders = snapshot().senders;
        assert_eq!((senders.waiting, senders.waking, senders.now_waiting), (ms(2), ms(3), 0));
    });
}

/// A sender that needs four slots waits until there are four, and the item that it then sends did not lie in the queue meanwhile.
#[test]
fn a_part_of_the_room_is_not_what_is_needed() {
    let clock = ManualTimer::new();
    let (mut tx, mut rx, monitor) = spsc::monitored::<u64>(4, clock.clone());
    let task = Task::new();
    // The first one is sampled, and three others.
    for n in 0..4 {
        tx.try_send(n).unwrap();
    }
    rx.try_recv().unwrap();
    let sampled = monitor.snapshot().queue_wait;
    {
        let mut reserve = pin!(tx.reserve(4));
        assert!(task.run(|cx| reserve.as_mut().poll(cx).map(|_| ())).is_pending());
        clock.advance(ms(5));
        rx.try_recv().unwrap();
        // It looks unasked.
        assert!(task.run(|cx| reserve.as_mut().poll(cx).map(|_| ())).is_pending());
        clock.advance(ms(5));
    }
    while rx.try_recv().is_ok() {}
    assert!(task.run(|cx| pin!(tx.reserve(4)).poll(cx).map(|_| ())).is_ready());
    assert_eq!(monitor.snapshot().senders.waiting, ms(10));
    assert_eq!(monitor.snapshot().queue_wait, sampled);
}

/// Threads that look again and again before they sleep wait once, not twice.
#[test]
fn a_thread_that_waits_awake_and_then_asleep_has_one_wait() {
    for lang in [Lang::Rust, Lang::Zig] {
        let (tx, rx) = mpmc::channel::<u64>(4);
        let monitor = tx.monitor(StdClock::new());
        let mut rx = many_ends::Rx::of(lang, rx);
        std::thread::scope(|scope| {
            scope.spawn(|| assert_eq!(rx.recv(), Ok(1)));
            zigflow_tests::task::until(|| tx.snapshot().receiver_sleeps > 0);
            tx.try_send(1).unwrap();
        });
        let receivers = monitor.snapshot().receivers;
        assert_eq!((receivers.wait.count(), receivers.now_waiting), (1, 0), "{lang:?}");
    }
}

/// A watch that comes while a thread waits awake has not seen it come, and does not see it go.
#[test]
fn who_waits_awake_when_the_watch_comes_is_not_counted_for_ever() {
    for round in 0..200 {
        let (tx, mut rx) = mpmc::channel::<u64>(4);
        rx.set_patience(255);
        std::thread::scope(|scope| {
            let receiver = scope.spawn(|| rx.recv_blocking().unwrap());
            drop(tx.monitor(StdClock::new()));
            tx.try_send(round).unwrap();
            assert_eq!(receiver.join().unwrap(), round);
        });
        assert_eq!(tx.monitor(StdClock::new()).snapshot().receivers.now_waiting, 0);
    }
}

#[test]
fn a_task_that_wakes_itself_in_its_poll_waits_for_the_executor_alone() {
    let clock = ManualTimer::new();
    let probe = Probe::new(clock.clone());
    let task = Task::new();
    let mut yielded = false;
    let mut future = pin!(probe.watch(std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })));
    assert!(task.run(|cx| future.as_mut().poll(cx)).is_pending());
    clock.advance(ms(4));
    assert!(task.run(|cx| future.as_mut().poll(cx)).is_ready());
    let snapshot = probe.snapshot();
    assert_eq!((snapshot.wait, snapshot.wake_to_poll), (of(&[]), of(&[4 * MS])));
}

/// An end that is about to sleep when an item comes after all has not waited for ever.
#[test]
fn who_need_not_sleep_after_all_is_not_counted_for_ever() {
    for pairing in PAIRINGS {
        let (mut tx, mut rx, monitor) = ends::monitored_at(pairing, 2, 0, StdClock::new());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let task = Task::new();
                for n in 0..100_000_u64 {
                    while task.run(|cx| tx.poll_ready(cx)).is_pending() {}
                    tx.try_send(n).unwrap();
                }
            });
            let task = Task::new();
            for n in 0..100_000_u64 {
                let item = loop {
                    if let Poll::Ready(item) = task.run(|cx| rx.poll_recv(cx)) {
                        break item;
                    }
                };
                assert_eq!(item, Ok(n));
            }
        });
        let snapshot = monitor.snapshot();
        let still = (snapshot.senders.now_waiting, snapshot.receivers.now_waiting);
        assert_eq!(still, (0, 0), "{pairing:?}");
    }
}

/// A pipeline in virtual time: the sender takes so long for an item, the receiver so long, and who was woken so long to come.
fn pipeline(sends: u64, receives: u64, comes: u64, capacity: usize, burst: u64) -> MonitorSnapshot {
    let clock = ManualTimer::new();
    let (mut tx, mut rx, monitor) = spsc::monitored::<u64>(capacity, clock.clone());
    let (sender, receiver) = (Task::new(), Task::new());
    // When each may run next, and its wakes so far.
    let (mut tx_at, mut rx_at, mut tx_wakes, mut rx_wakes) = (0, 0, 0, 0);
    let (mut tx_waits, mut rx_waits, mut sent) = (false, false, 0);
    for now in 0..20_000_u64 {
        if tx_waits && sender.wakes() > tx_wakes {
            (tx_waits, tx_wakes, tx_at) = (false, sender.wakes(), now + comes);
        }
        if !tx_waits && now >= tx_at {
            match sender.run(|cx| tx.poll_ready(cx)) {
                Poll::Ready(_) => {
                    tx.try_send(now).unwrap();
                    sent += 1;
                    tx_at = now + if sent % burst == 0 { sends * burst } else { 0 };
                }
                Poll::Pending => tx_waits = true,
            }
        }
        if rx_waits && receiver.wakes() > rx_wakes {
            (rx_waits, rx_wakes, rx_at) = (false, receiver.wakes(), now + comes);
        }
        if !rx_waits && now >= rx_at {
            match receiver.run(|cx| rx.poll_recv(cx)) {
                Poll::Ready(_) => rx_at = now + receives,
                Poll::Pending => rx_waits = true,
            }
        }
        clock.advance(Duration::from_micros(1));
    }
    monitor.snapshot()
}

#[test]
fn the_bottleneck_is_named() {
    let cases = [
        (pipeline(20, 2, 0, 16, 1), Some(Side::Sender), "the sender is slow"),
        (pipeline(2, 20, 0, 16, 1), Some(Side::Receiver), "the receiver is slow"),
        // Both take ten for an item, but the one makes 32 at once, and two fit.
        (pipeline(10, 10, 0, 2, 32), Some(Side::Capacity), "the capacity is small"),
        (pipeline(2, 2, 40, 4, 1), Some(Side::Executor), "the executor, or the system, is busy"),
        // Late, but nobody waits for it.
        (pipeline(20, 2, 15, 64, 1), Some(Side::Sender), "to be run: the sender is slow"),
        (pipeline(10, 10, 0, 64, 1), None, "nobody waits for long"),
    ];
    for (snapshot, side, words) in cases {
        let bottleneck = snapshot.bottleneck();
        assert_eq!(bottleneck.side, side, "{snapshot}\n{bottleneck}");
        assert!(bottleneck.to_string().contains(words), "{bottleneck}");
    }
}

/// What share of the time the sender waits for room and is late after its wake, then the receiver; and who is to blame.
#[test]
fn who_is_to_blame_by_the_numbers() {
    let cases = [
        // In the middle of each.
        ([0, 0, 95, 0], Some(Side::Sender)),
        ([95, 0, 0, 0], Some(Side::Receiver)),
        ([33, 1, 30, 5], Some(Side::Capacity)),
        ([80, 0, 5, 90], Some(Side::Executor)),
        ([5, 90, 80, 0], Some(Side::Executor)),
        ([5, 5, 10, 5], None),
        // The receiver is late while nobody waits for it.
        ([0, 0, 10, 85], Some(Side::Sender)),
        ([1, 0, 0, 50], Some(Side::Sender)),
        ([5, 26, 0, 90], Some(Side::Sender)),
        ([0, 50, 1, 0], Some(Side::Receiver)),
        // The sender waits, but not much.
        ([19, 0, 10, 60], Some(Side::Executor)),
        // Both are late.
        ([5, 40, 5, 40], Some(Side::Executor)),
        // Each for its own reason.
        ([10, 29, 35, 0], Some(Side::Sender)),
        ([50, 0, 19, 19], Some(Side::Receiver)),
    ];
    let snapshot = |[senders, senders_late, receivers, receivers_late]: [u64; 4]| {
        let mut snapshot = MonitorSnapshot::default();
        snapshot.elapsed = ms(100);
        (snapshot.senders.waiting, snapshot.senders.waking) = (ms(senders), ms(senders_late));
        (snapshot.receivers.waiting, snapshot.receivers.waking) =
            (ms(receivers), ms(receivers_late));
        snapshot
    };
    for (numbers, side) in cases {
        let bottleneck = snapshot(numbers).bottleneck();
        assert_eq!(bottleneck.side, side, "{numbers:?}: {bottleneck}");
        // The one that does not get to run is blamed as the one who does in the mirror.
        let [senders, senders_late, receivers, receivers_late] = numbers;
        let mirror = snapshot([receivers, receivers_late, senders, senders_late]).bottleneck();
        let mirrored = match side {
            Some(Side::Sender) => Some(Side::Receiver),
            Some(Side::Receiver) => Some(Side::Sender),
            same => same,
        };
        assert_eq!(mirror.side, mirrored, "{numbers:?}: {mirror}");
    }
    // Only one side's own numbers are in its sentence.
    let told = |numbers| snapshot(numbers).bottleneck().to_string();
    assert_eq!(
        told([0, 0, 10, 85]),
        "the receiver waits 10 % of the time for items, and 85 % to be run: the sender is slow"
    );
    assert_eq!(
        told([50, 0, 19, 19]),
        "the sender waits 50 % of the time for room: the receiver is slow"
    );
    assert!(told([80, 0, 5, 90]).starts_with("the receiver waits 90 % of the time to be run"));
    assert!(told([5, 90, 80, 0]).starts_with("the sender waits 90 % of the time to be run"));
    // A sender that drops what finds no room waits for nobody.
    let mut lossy = snapshot([0, 0, 2, 82]);
    lossy.dropped = 1;
    assert_eq!(lossy.bottleneck().side, Some(Side::Executor));
}

/// Eight receivers that are late at the same time are as late as one.
#[test]
fn the_time_in_which_somebody_is_late_counts_once() {
    let clock = ManualTimer::new();
    clock.advance(ms(1));
    let (tx, rx) = mpmc::channel::<u64>(8);
    let monitor = tx.monitor(clock.clone());
    let tasks: Vec<_> = (0..8).map(|_| Task::new()).collect();
    let mut waits: Vec<_> = tasks.iter().map(|_| Box::pin(rx.recv())).collect();
    for (task, wait) in tasks.iter().zip(&mut waits) {
        assert!(task.run(|cx| wait.as_mut().poll(cx)).is_pending());
    }
    clock.advance(units(4));
    for n in 0..8 {
        tx.try_send(n).unwrap();
    }
    clock.advance(units(3));
    assert_eq!(monitor.snapshot().receivers.waking, units(3), "so far");
    for (task, wait) in tasks.iter().zip(&mut waits) {
        assert!(task.run(|cx| wait.as_mut().poll(cx)).is_ready());
    }
    clock.advance(units(3));
    let receivers = monitor.snapshot().receivers;
    assert_eq!((receivers.waking, receivers.waiting), (units(3), units(4)));
    assert_eq!(receivers.wake_to_poll, of(&[3 << 10; 8]));
}

#[test]
fn a_snapshot_shows_itself() {
    let snapshot = pipeline(20, 2, 0, 16, 1);
    let shown = snapshot.to_string();
    for line in
        ["items  ", "senders  ", "receivers  ", "wake to poll ", "queue wait  ", "queue len  "]
    {
        assert!(shown.contains(line), "{shown}");
    }
    assert!(shown.contains("in 20.00ms"), "{shown}");
}

#[test]
fn what_came_since_is_the_difference() {
    each_pairing(4, |mut tx, mut rx, clock, snapshot| {
        for n in 0..10 {
            tx.try_send(n).unwrap();
            rx.try_recv().unwrap();
        }
        clock.advance(ms(1));
        let before = snapshot();
        let task = Task::new();
        assert!(task.run(|cx| rx.poll_recv(cx)).is_pending());
        clock.advance(ms(3));
        for n in 0..3 {
            tx.try_send(n).unwrap();
        }
        assert_eq!(task.run(|cx| rx.poll_recv(cx)), Poll::Ready(Ok(0)));
        let new = snapshot().since(&before);
        assert_eq!((new.sent, new.received, new.len, new.elapsed), (3, 1, 2, ms(3)));
        assert_eq!((new.receivers.wait.count(), new.receivers.waiting), (1, ms(3)));
        assert_eq!(new.throughput().round(), 333.0);
        assert_eq!(rx.try_recv(), Ok(1));
        assert_eq!(rx.try_recv(), Ok(2));
        assert_eq!(rx.try_recv(), Err(Stop::Later));
    });
}
