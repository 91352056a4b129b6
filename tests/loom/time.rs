//! Rate limits and timers under any schedule: no more passes than the limit allows, whoever waits is served when its
//! time has come, also when others leave or the quota changes meanwhile, and an alarm is never set for the later of two
//! times.
//!
//! The last tests sow bugs, one at a time, and expect a scenario to fail. There is no Zig in these.
#![cfg(loom)]

use std::pin::Pin;
use std::sync::Arc as StdArc;
use std::sync::atomic::{AtomicUsize as StdUsize, Ordering::SeqCst};
use std::task::{Context, Waker};
use std::time::Duration;

use loom::sync::Mutex;
use loom::sync::atomic::{AtomicU64, Ordering::*};
use loom::thread;
use zigflow_core::limit::{Quota, RateLimiter};
use zigflow_core::time::{Alarm, AlarmTimer, Instant, ManualTimer, Timer};
use zigflow_loom::explore::{explore_rust, finds_rust};
use zigflow_loom::task::Task;

const fn nanos(count: u64) -> Duration {
    Duration::from_nanos(count)
}

/// A future with its task.
struct Run<F> {
    future: Option<Pin<Box<F>>>,
    task: &'static Task,
    own: Waker,
    seen: u32,
}

impl<F: Future> Run<F> {
    fn new(future: F, live: &StdArc<StdUsize>) -> Self {
        let (task, own) = Task::new(live);
        Self { future: Some(Box::pin(future)), task, own, seen: 0 }
    }

    /// Whether it is over now.
    fn poll(&mut self) -> bool {
        self.seen = self.task.wakes();
        let Some(future) = &mut self.future else { return true };
        if future.as_mut().poll(&mut Context::from_waker(&self.own)).is_ready() {
            self.future = None;
        }
        self.future.is_none()
    }

    /// Polls if it was woken.
    fn poll_if_woken(&mut self) -> bool {
        self.task.wakes() > self.seen && self.poll() || self.future.is_none()
    }

    /// Polls as often as it is woken; then it must be over.
    fn settle(&mut self) {
        while self.future.is_some() && self.task.wakes() > self.seen {
            self.poll();
        }
        assert!(self.future.is_none(), "LOST WAKEUP");
    }
}

fn expect_no_waker(live: &StdUsize) {
    assert_eq!(live.load(SeqCst), 0, "a waker is left, or was dropped twice");
}

/// A limiter that is empty: the next cell comes at 10.
fn empty() -> (ManualTimer, RateLimiter<ManualTimer>) {
    let timer = ManualTimer::new();
    let limiter = RateLimiter::new(timer.clone(), Quota::every(nanos(10)));
    assert!(limiter.check().is_ok());
    (timer, limiter)
}

/// Three ask at once where two may pass.
#[test]
fn requests_share_the_burst() {
    explore_rust("requests_share_the_burst", None, || {
        let limiter = RateLimiter::new(ManualTimer::new(), Quota::every(nanos(10)).burst(2));
        let ask = |limiter: &RateLimiter<ManualTimer>| {
            let limiter = limiter.clone();
            thread::spawn(move || u32::from(limiter.check().is_ok()))
        };
        let others = [ask(&limiter), ask(&limiter)];
        let mut passed = u32::from(limiter.check().is_ok());
        passed += others.into_iter().map(|thread| thread.join().unwrap()).sum::<u32>();
        assert_eq!(passed, 2, "LIMIT");
    });
}

/// The quota changes while two ask. Of a burst of one under either quota one passes, and its cell is paid for at the
/// new rate.
#[test]
fn a_change_beside_requests() {
    explore_rust("a_change_beside_requests", None, || {
        let timer = ManualTimer::new();
        let limiter = RateLimiter::new(timer.clone(), Quota::every(nanos(10)));
        assert!(limiter.check().is_ok());
        timer.advance(nanos(5)); // half a cell is owed
        let asking = limiter.clone();
        let other = thread::spawn(move || u32::from(asking.check().is_ok()));
        limiter.set_quota(Quota::every(nanos(1000)).burst(2));
        let mut passed = u32::from(limiter.check().is_ok());
        passed += other.join().unwrap();
        // Half a cell is owed of two: one passes.
        assert_eq!(passed, 1, "LIMIT");
        let error = limiter.check().unwrap_err();
        assert_eq!(error.wait(), nanos(500), "LIMIT");
    });
}

/// The first of two gives up while the second polls: the second watches the time then, or is woken to.
fn the_first_leaves() {
    let live = StdArc::new(StdUsize::new(0));
    let (timer, limiter) = empty();
    let mut first = Run::new(limiter.until_ready(), &live);
    let mut second = Run::new(limiter.until_ready(), &live);
    assert!(!first.poll() && !second.poll());
    let thread = thread::spawn(move || drop(first));
    second.poll();
    thread.join().unwrap();
    second.poll_if_woken();
    timer.advance(nanos(10));
    second.settle();
    drop(second);
    assert_eq!(limiter.waiting(), 0);
    expect_no_waker(&live);
}

#[test]
fn the_first_leaves_beside_a_poll_of_the_second() {
    explore_rust("the_first_leaves_beside_a_poll_of_the_second", None, the_first_leaves);
}

/// A quota that is faster comes while one goes to wait: it does not wait for the old time.
#[test]
fn a_change_beside_a_wait() {
    explore_rust("a_change_beside_a_wait", None, || {
        let live = StdArc::new(StdUsize::new(0));
        let (timer, limiter) = empty();
        let changing = limiter.clone();
        let thread = thread::spawn(move || changing.set_quota(Quota::every(nanos(4))));
        let mut waiting = Run::new(limiter.until_ready(), &live);
        waiting.poll();
        thread.join().unwrap();
        waiting.poll_if_woken();
        timer.advance(nanos(4));
        waiting.settle();
        drop(waiting);
        expect_no_waker(&live);
    });
}

/// The time comes while one goes to wait, and a second one comes too: both are served, one cell each.
#[test]
fn the_time_comes_beside_a_wait() {
    explore_rust("the_time_comes_beside_a_wait", Some(4), || {
        let live = StdArc::new(StdUsize::new(0));
        let (timer, limiter) = empty();
        let clock = timer.clone();
        let thread = thread::spawn(move || clock.advance(nanos(10)));
        let mut first = Run::new(limiter.until_ready(), &live);
        first.poll();
        let mut second = Run::new(limiter.until_ready(), &live);
        second.poll();
        thread.join().unwrap();
        first.settle();
        assert!(!second.poll_if_woken(), "LIMIT");
        timer.advance(nanos(10));
        second.settle();
        drop((first, second));
        expect_no_waker(&live);
    });
}

/// Who asks while somebody waits does not overtake.
#[test]
fn nobody_overtakes() {
    explore_rust("nobody_overtakes", None, || {
        let live = StdArc::new(StdUsize::new(0));
        let (timer, limiter) = empty();
        let mut waiting = Run::new(limiter.until_ready(), &live);
        assert!(!waiting.poll());
        let asking = limiter.clone();
        let thread = thread::spawn(move || asking.check().is_ok());
        timer.advance(nanos(10));
        let passed = thread.join().unwrap();
        assert!(!passed, "OVERTAKEN");
        waiting.settle();
        drop(waiting);
        expect_no_waker(&live);
    });
}

/// One alarm, as hardware has it.
struct Board {
    now: AtomicU64,
    alarm: Mutex<Option<(Instant, Waker)>>,
}

impl Board {
    fn new() -> Self {
        Self { now: AtomicU64::new(0), alarm: Mutex::new(None) }
    }

    /// The clock goes on, and the alarm sounds if it is time.
    fn advance_to(&self, nanos: u64) {
        self.now.store(nanos, Release);
        let mut alarm = self.alarm.lock().unwrap();
        if alarm.as_ref().is_none_or(|(at, _)| at.as_nanos() > nanos) {
            return;
        }
        let waker = alarm.take();
        drop(alarm);
        waker.unwrap().1.wake();
    }
}

impl Alarm for Board {
    fn now(&self) -> Instant {
        Instant::from_nanos(self.now.load(Acquire))
    }

    fn set(&self, deadline: Instant, waker: &Waker) {
        let new = Some((deadline, waker.clone()));
        let old = std::mem::replace(&mut *self.alarm.lock().unwrap(), new);
        drop(old);
    }
}

/// Two threads wait for different times: the alarm is set for the earlier one, and then for the later.
fn two_deadlines() {
    let live = StdArc::new(StdUsize::new(0));
    let board = StdArc::new(Board::new());
    let timer = AlarmTimer::new(board.clone());
    let wait_until = |nanos| Run::new(timer.sleep_until(Instant::from_nanos(nanos)), &live);
    let (mut early, mut late) = (wait_until(5), wait_until(9));
    let thread = thread::spawn(move || {
        late.poll();
        late
    });
    early.poll();
    let mut late = thread.join().unwrap();
    board.advance_to(5);
    early.settle();
    board.advance_to(9);
    late.settle();
    drop((early, late));
    assert_eq!(timer.armed(), 0);
    expect_no_waker(&live);
}

#[test]
fn two_deadlines_at_once() {
    explore_rust("two_deadlines_at_once", Some(4), two_deadlines);
}

/// The alarm sounds while another sleep is armed.
fn beside_the_alarm() {
    let live = StdArc::new(StdUsize::new(0));
    let board = StdArc::new(Board::new());
    let timer = AlarmTimer::new(board.clone());
    let wait_until = |nanos| Run::new(timer.sleep_until(Instant::from_nanos(nanos)), &live);
    let (mut early, mut late) = (wait_until(5), wait_until(9));
    early.poll();
    let clock = board.clone();
    let thread = thread::spawn(move || clock.advance_to(5));
    late.poll();
    thread.join().unwrap();
    early.settle();
    board.advance_to(9);
    late.settle();
    drop((early, late));
    expect_no_waker(&live);
}

#[test]
fn a_sleep_is_armed_beside_the_alarm() {
    explore_rust("a_sleep_is_armed_beside_the_alarm", Some(4), beside_the_alarm);
}

/// Runs `scenario` in a child with bug `number` sown; it must fail, and say why.
fn finds(number: u32, scenario: &str) {
    finds_rust(number, scenario, &["LOST", "LIMIT", "OVERTAKEN", "a waker"]);
}

#[test]
fn sown_100_who_leaves_does_not_wake_the_next() {
    finds(100, "the_first_leaves_beside_a_poll_of_the_second");
}

#[test]
fn sown_101_a_new_quota_wakes_nobody() {
    finds(101, "a_change_beside_a_wait");
}

#[test]
fn sown_102_a_change_does_not_stop_requests() {
    finds(102, "a_change_beside_requests");
}

#[test]
fn sown_103_requests_overtake_those_who_wait() {
    finds(103, "nobody_overtakes");
}

#[test]
fn sown_104_two_set_the_alarm_at_once() {
    finds(104, "two_deadlines_at_once");
}

#[test]
fn sown_105_an_alarm_that_has_come_counts_as_set() {
    finds(105, "two_deadlines_at_once");
}
