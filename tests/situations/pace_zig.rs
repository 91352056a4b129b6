//! Retry, time limits and rate limits around Zig, on a clock that stands still while Zig's threads work.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_core::{FusedFuture, Stream};
use futures_lite::StreamExt;
use futures_lite::future::{block_on, poll_once};
use zigflow::limit::{Quota, RateLimiter, ZigRateLimiter};
use zigflow::retry::backoff::{exponential, linear};
use zigflow::retry::{RetryError, retry, retry_stream};
use zigflow::smol::SmolTimer;
use zigflow::time::{Clock, Instant, ManualTimer, TimeoutError, timeout};
use zigflow::{FutureError, OpenError, StreamError, ZigError};
use zigflow_tests::task::{Task, until};
use zigflow_tests::virtual_time::run;

const MS: Duration = Duration::from_millis(1);

zigflow::autozig! {
    const std = @import("std");
    const zigflow = @import("zigflow");

    // -- an operation that fails twice, on a thread of its own --

    var failures: std.atomic.Value(u32) = .init(0);

    fn reset(count: u32) void {
        failures.store(count, .monotonic);
    }

    fn fetch(done: zigflow.Completion(u32), number: u32) !void {
        const thread = try std.Thread.spawn(.{}, fetchThere, .{ done, number });
        thread.detach();
    }

    fn fetchThere(done: zigflow.Completion(u32), number: u32) void {
        if (failures.load(.monotonic) == 0) return done.finish(number * 2);
        _ = failures.fetchSub(1, .monotonic);
        done.finish(error.Unreachable);
    }

    // -- one that never comes to an end, unless it is canceled --

    var canceled: std.atomic.Value(u32) = .init(0);

    fn cancelations() u32 {
        return canceled.load(.acquire);
    }

    fn hang(done: zigflow.Completion(u32)) !void {
        const thread = try std.Thread.spawn(.{}, hangThere, .{done});
        thread.detach();
    }

    fn hangThere(done: zigflow.Completion(u32)) void {
        while (!done.isCanceled()) std.Thread.yield() catch {};
        _ = canceled.fetchAdd(1, .release);
        done.deinit();
    }

    // -- a source that breaks off --

    const Tape = struct {
        at: u64,
        left: u64,

        pub const sendable = true;

        /// Two items, then it is torn, unless that was the last.
        pub fn poll(self: *Tape, _: *zigflow.Context) error{Torn}!zigflow.Poll(u64) {
            if (self.at == 7) return .done;
            if (self.left == 0) return error.Torn;
            self.left -= 1;
            self.at += 1;
            return .{ .ready = self.at - 1 };
        }
    };

    fn tape(at: u64) error{Jammed}!Tape {
        if (at == 4 and failures.swap(0, .monotonic) != 0) return error.Jammed;
        return .{ .at = at, .left = 2 };
    }

    // -- who asks a limiter --

    /// How many cells pass.
    fn take(limiter: zigflow.RateLimiter, cells: u32) u32 {
        defer limiter.deinit();
        var count: u32 = 0;
        while (limiter.tryAcquireMany(cells)) count += 1;
        return count;
    }

    fn wait(limiter: zigflow.RateLimiter, cells: u32) ?u64 {
        defer limiter.deinit();
        return switch (limiter.check(cells)) {
            .passed => 0,
            .wait_ns => |ns| ns,
            .never => null,
        };
    }

    fn takeBlocking(limiter: zigflow.RateLimiter, cells: u32) !void {
        defer limiter.deinit();
        try limiter.acquireBlocking(cells);
    }

    fn takeThere(limiter: zigflow.RateLimiter, sum: *std.atomic.Value(u32)) void {
        defer limiter.deinit();
        while (limiter.tryAcquire()) _ = sum.fetchAdd(1, .monotonic);
    }

    /// The same by two threads.
    fn takeByTwo(limiter: zigflow.RateLimiter) !u32 {
        defer limiter.deinit();
        var sum: std.atomic.Value(u32) = .init(0);
        const own = limiter.clone();
        const thread = std.Thread.spawn(.{}, takeThere, .{ own, &sum }) catch |e| {
            own.deinit();
            return e;
        };
        takeThere(limiter.clone(), &sum);
        thread.join();
        return sum.load(.monotonic);
    }
    ---
    fn reset(count: u32);
    async fn fetch(number: u32) -> Result<u32, FutureError>;
    async fn hang() -> Result<u32, FutureError>;
    fn cancelations() -> u32;
    fn tape(at: u64) -> Result<impl Stream<Item = Result<u64, StreamError>>, OpenError>;
    fn take(limiter: ZigRateLimiter, cells: u32) -> Result<u32, ZigError>;
    fn wait(limiter: ZigRateLimiter, cells: u32) -> Result<Option<u64>, ZigError>;
    async fn take_blocking(limiter: ZigRateLimiter, cells: u32) -> Result<(), ZigError>;
    fn take_by_two(limiter: ZigRateLimiter) -> Result<u32, ZigError>;
}

/// `failures` and `canceled` in Zig are one each.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Zig's threads take their time, and the clock stands still meanwhile: the delays are the backoff's to the nanosecond.
#[test]
fn an_operation_that_fails_twice_is_repeated_while_no_time_passes() {
    let _alone = alone();
    let timer = ManualTimer::new();
    reset(2);
    let mut told = Vec::new();
    let mut trying = Box::pin(
        retry(&timer, linear(100 * MS), || fetch(21))
            .max_attempts(3)
            .when(|error| matches!(error, FutureError::Zig(_)))
            .notify(|failure| told.push((failure.attempt, failure.delay))),
    );
    let task = Task::new();
    let end = loop {
        let wakes = task.wakes();
        match task.run(|cx| trying.as_mut().poll(cx)) {
            Poll::Ready(end) => break end,
            // Zig's answer, or the delay.
            Poll::Pending if timer.armed() == 0 => task.wait_for(wakes + 1),
            Poll::Pending => assert!(timer.advance_to_next().is_some()),
        }
    };
    assert_eq!(end, Ok(42));
    assert_eq!(timer.now().as_nanos(), 300_000_000);
    assert!(trying.is_terminated());
    drop(trying);
    assert_eq!(told, [(1, 100 * MS), (2, 200 * MS)]);

    // The same with its last error.
    reset(9);
    let trying = retry(&timer, [Duration::ZERO; 2], || fetch(21));
    let refused = ZigError::new("Unreachable");
    let expected = RetryError::MaxRetriesExceeded { last: FutureError::Zig(refused), attempts: 3 };
    assert_eq!(block_on(trying), Err(expected));
}

/// On expiry the operation is dropped, and Zig is told; an attempt that is cut off counts as failed.
#[test]
fn zig_learns_of_a_time_that_is_over() {
    let _alone = alone();
    let timer = ManualTimer::new();
    let before = cancelations();
    let mut limited = pin!(timeout(&timer, 5000 * MS, hang()));
    let task = Task::new();
    assert!(task.run(|cx| limited.as_mut().poll(cx)).is_pending());
    assert_eq!(cancelations(), before);
    timer.advance(5000 * MS);
    let polled = task.run(|cx| limited.as_mut().poll(cx));
    assert_eq!(polled, Poll::Ready(Err(TimeoutError::Elapsed)));
    until(|| cancelations() == before + 1);

    let trying = retry(&timer, [MS], hang).attempt_timeout(10 * MS);
    let mut trying = pin!(trying);
    for attempt in 2..=3 {
        assert!(task.run(|cx| trying.as_mut().poll(cx)).is_pending());
        timer.advance(10 * MS);
        let polled = task.run(|cx| trying.as_mut().poll(cx));
        until(|| cancelations() == before + attempt);
        timer.advance(MS);
        let expected = RetryError::MaxRetriesExceeded { last: FutureError::Elapsed, attempts: 2 };
        let over = attempt == 3;
        assert_eq!(polled, if over { Poll::Ready(Err(expected)) } else { Poll::Pending });
    }

    // Of all attempts together.
    let mut trying = pin!(retry(&timer, [MS], hang).total(10 * MS));
    assert!(task.run(|cx| trying.as_mut().poll(cx)).is_pending());
    timer.advance(10 * MS);
    let polled = task.run(|cx| trying.as_mut().poll(cx));
    let expected = RetryError::TimeExceeded { last: None, attempts: 1 };
    assert_eq!(polled, Poll::Ready(Err(expected)));
    until(|| cancelations() == before + 4);
}

/// Each item once, in order, although the source breaks off after every second one and once does not open.
#[test]
fn a_source_that_breaks_off_is_opened_where_it_was() {
    let _alone = alone();
    let timer = ManualTimer::new();
    reset(1);
    let errors = RefCell::new(Vec::new());
    let open = |position| Ok::<_, StreamError>(Box::pin(tape(position)?));
    let items = retry_stream(&timer, exponential(MS), open)
        .max_attempts(3)
        .notify(|failure| errors.borrow_mut().push((failure.error.to_string(), failure.delay)));
    let items: Result<Vec<u64>, _> = run(&timer, pin!(items.try_collect())).unwrap();
    assert_eq!(items, Ok((0..7).collect()));
    let errors = errors.into_inner();
    assert_eq!(errors.len(), 4);
    assert!(errors[0].0.contains("Torn") && errors[2].0.contains("Jammed"), "{errors:?}");
    let delays: Vec<Duration> = errors.iter().map(|error| error.1).collect();
    assert_eq!(delays, [MS, MS, 2 * MS, MS]);
    assert_eq!(timer.now().as_nanos(), 5_000_000);
}

/// Zig takes from the same limit, from several threads, and gives its references back.
#[test]
fn zig_asks_the_limit_that_rust_asks() {
    let timer = ManualTimer::new();
    let limiter = RateLimiter::new(timer.clone(), Quota::every(MS).burst(100));
    limiter.check().unwrap();
    assert_eq!(take(limiter.to_zig(), 10), Ok(9));
    assert_eq!(wait(limiter.to_zig(), 10), Ok(Some(1_000_000)));
    assert_eq!(wait(limiter.to_zig(), 101), Ok(None));
    assert_eq!(take_by_two(limiter.to_zig()), Ok(9));
    assert!(limiter.check().is_err());
    timer.advance(1000 * MS);
    assert_eq!(take_by_two(limiter.to_zig()), Ok(100));

    // Who waits in Rust is not overtaken by Zig.
    let mut waiting = pin!(limiter.until_ready());
    let task = Task::new();
    assert!(task.run(|cx| waiting.as_mut().poll(cx)).is_pending());
    timer.advance(2 * MS);
    assert_eq!(take(limiter.to_zig(), 1), Ok(0));
    assert!(task.run(|cx| waiting.as_mut().poll(cx)).is_ready());
    assert_eq!(take(limiter.to_zig(), 1), Ok(1));

    // Whoever has a reference keeps the clock; nobody has one now.
    struct Counted {
        timer: ManualTimer,
        _count: Arc<()>,
    }
    impl Clock for Counted {
        fn now(&self) -> Instant {
            self.timer.now()
        }
    }
    let count = Arc::new(());
    let counted = || Counted { timer: ManualTimer::new(), _count: count.clone() };
    let limiter = RateLimiter::new(counted(), Quota::every(MS));
    let for_zig = limiter.to_zig();
    drop(limiter);
    assert_eq!(Arc::strong_count(&count), 2);
    assert_eq!(take_by_two(for_zig), Ok(1));
    assert_eq!(Arc::strong_count(&count), 1);
    drop(RateLimiter::new(counted(), Quota::every(MS)).to_zig());
    assert_eq!(Arc::strong_count(&count), 1);
}

/// A thread of Zig's that waits for an hour's quota passes soon after that is a better one, and what can never pass is
/// an error.
#[test]
fn a_zig_thread_that_waits_sees_a_new_quota() {
    const HOUR: Duration = Duration::from_secs(3600);
    let limiter = RateLimiter::new(SmolTimer::new(), Quota::every(HOUR));
    limiter.check().unwrap();
    block_on(async {
        let mut waiting = pin!(take_blocking(limiter.to_zig(), 1));
        assert!(poll_once(waiting.as_mut()).await.is_none());
        limiter.set_quota(Quota::every(Duration::ZERO));
        assert_eq!(waiting.await, Ok(()));
        let never = take_blocking(limiter.to_zig(), 2).await;
        assert_eq!(never, Err(ZigError::new("Never")));
    });
}
