//! An `async fn` of `autozig!`: a completion, a callback, or a thread of a pool.
#![forbid(unsafe_code)]

use futures_lite::StreamExt;
use futures_lite::future::{block_on, poll_once, zip};
use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use zigflow::channel::{StreamForZig, TryRecvError, messages_to_zig, stream_to_zig};
use zigflow::{FutureError, StreamError, ZigError, mpmc, spsc};

type Result<T, E = FutureError> = core::result::Result<T, E>;

zigflow::autozig! {
    const std = @import("std");
    const zigflow = @import("zigflow");

    const Reading = extern struct { millikelvin: u32, station: u32 };

    // -- with a completion --

    fn square(done: zigflow.Completion(u64), n: u32) !void {
        if (n == 0) return error.Zero;
        const thread = try std.Thread.spawn(.{}, squareThere, .{ done, n });
        thread.detach();
    }

    fn squareThere(done: zigflow.Completion(u64), n: u32) void {
        done.finish(@as(u64, n) * n);
    }

    /// Completed within the call.
    fn total(readings: []const Reading, name: []const u8, first: *const Reading, done: zigflow.Completion(Reading)) void {
        var sum: Reading = .{ .millikelvin = first.millikelvin, .station = @intCast(name.len) };
        for (readings) |reading| sum.millikelvin += reading.millikelvin;
        done.finish(sum);
    }

    fn forgetful(done: zigflow.Completion(u32)) void {
        done.deinit();
    }

    var parked: std.atomic.Value(?*zigflow.RawCompletion) = .init(null);

    fn park(done: zigflow.Completion(void)) void {
        parked.store(done.raw, .release);
    }

    /// Whether the one that is parked was canceled; ends it.
    fn endParked() bool {
        const raw = parked.swap(null, .acquire) orelse return false;
        const done = zigflow.Completion(void).open(raw) catch return false;
        const canceled = done.isCanceled();
        done.finish({});
        return canceled;
    }

    // -- with a callback, as the seed has it --

    const Callback = zigflow.Callback(i32);

    export fn zig_operation_a(callback: Callback, ctx: *anyopaque) void {
        callback(ctx, 1);
    }

    fn operation_later(n: i32, callback: Callback, ctx: *anyopaque) !void {
        const thread = try std.Thread.spawn(.{}, callBack, .{ n, callback, ctx });
        thread.detach();
    }

    fn callBack(n: i32, callback: Callback, ctx: *anyopaque) void {
        callback(ctx, 2 * n);
    }

    // -- with ends and streams --

    /// On a pool, so it may wait: how many went through.
    fn doubleAll(from: zigflow.spsc.Receiver(u32), into: zigflow.mpmc.Sender(u64)) !u64 {
        var numbers = from;
        defer numbers.deinit();
        var doubles = into;
        defer doubles.deinit();
        var count: u64 = 0;
        while (numbers.recvBlocking()) |n| : (count += 1) {
            if (n == 113) {
                doubles.closeWith(error.Unlucky);
                return error.Unlucky;
            }
            try doubles.sendBlocking(2 * @as(u64, n));
        } else |_| {}
        return count;
    }

    fn longest(messages: zigflow.RustMessages, floor: usize) !usize {
        var from = messages;
        defer from.deinit();
        var most = floor;
        while (try from.next()) |message| most = @max(most, message.len);
        return most;
    }

    fn sumAll(numbers: zigflow.RustStream(u32), done: zigflow.Completion(u64)) void {
        var from = numbers;
        defer from.deinit();
        var total_sum: u64 = 0;
        while (from.next() catch |e| return done.finish(e)) |n| total_sum += n;
        done.finish(total_sum);
    }

    /// Opens nothing itself, so it cannot fail.
    fn reject(raw: *zigflow.RawSender) void {
        zigflow.spsc.reject(raw, error.NotToday);
    }

    // -- on a pool --

    fn slowSum(numbers: []const u32, name: []const u8, reading: Reading) u64 {
        var sum: u64 = name.len + reading.millikelvin;
        for (numbers) |n| sum += n;
        return sum;
    }

    fn parse(text: []const u8) !u32 {
        return std.fmt.parseInt(u32, text, 10);
    }

    fn parseOr(text: []const u8) !?u32 {
        if (text.len == 0) return null;
        return try parse(text);
    }

    fn threadHere() u64 {
        return std.Thread.getCurrentId();
    }
    ---
    #[derive(Debug, PartialEq)]
    struct Reading {
        millikelvin: u32,
        station: u32,
    }

    async fn square(n: u32) -> Result<u64>;
    async fn total(readings: &[Reading], name: &str, first: &Reading) -> Result<Reading>;
    async fn forgetful() -> Result<u32, Mine>;
    async fn park() -> Result<()>;
    fn end_parked() -> bool;

    async fn operation_a() -> Result<i32>;
    async fn operation_later(n: i32) -> Result<i32>;

    async fn double_all(from: spsc::ZigReceiver<u32>, into: mpmc::ZigSender<u64>) -> Result<u64, ZigError>;
    async fn longest(messages: StreamForZig<[u8]>, floor: usize) -> Result<usize, ZigError>;
    async fn sum_all(numbers: StreamForZig<u32>) -> Result<u64>;
    fn reject(sender: spsc::ZigSender<u8>);

    async fn slow_sum(numbers: Vec<u32>, name: String, reading: Reading) -> u64;
    async fn parse(text: String) -> Result<u32, ZigError>;
    async fn parse_or(text: String) -> Result<Option<u32>>;
    async fn thread_here() -> u64;
}

/// An error of the user's own.
#[derive(Debug, PartialEq)]
struct Mine(String);

impl From<FutureError> for Mine {
    fn from(error: FutureError) -> Self {
        Self(format!("{error:?}"))
    }
}

#[test]
fn a_completion_ends_an_async_fn() {
    assert_eq!(block_on(square(1 << 20)), Ok(1 << 40));
    assert_eq!(block_on(square(0)), Err(FutureError::Zig(ZigError::new("Zero"))));
    let readings = [1, 2, 3].map(|millikelvin| Reading { millikelvin, station: 0 });
    let name = String::from("four");
    let sum = block_on(async { total(&readings, &name, &readings[2]).await });
    assert_eq!(sum, Ok(Reading { millikelvin: 9, station: 4 }));
}

#[test]
fn an_error_becomes_the_users_own() {
    assert_eq!(block_on(forgetful()), Err(Mine("Disconnected".to_owned())));
}

#[test]
fn it_begins_when_it_is_polled_and_is_canceled_when_it_is_dropped() {
    let mut waiting = Box::pin(park());
    assert!(!end_parked(), "nothing has begun");
    assert!(block_on(poll_once(&mut waiting)).is_none());
    drop(waiting);
    assert!(end_parked(), "the completion was not told");

    let mut waiting = pin!(park());
    assert!(block_on(poll_once(&mut waiting)).is_none());
    assert!(!end_parked(), "canceled for no reason");
    assert_eq!(block_on(waiting), Ok(()));
}

#[test]
fn a_callback_ends_an_async_fn() {
    assert_eq!(block_on(operation_a()), Ok(1));
    assert_eq!(block_on(zip(operation_later(7), operation_later(-7))), (Ok(14), Ok(-14)));
}

fn zig_error<T>(name: &'static str) -> Result<T, ZigError> {
    Err(ZigError::new(name))
}

#[test]
fn ends_of_channels_are_handed_over() {
    let (mut numbers, from) = spsc::channel::<u32>(4);
    let (into, doubles) = mpmc::channel::<u64>(4);
    let feed = async move {
        for n in 0..100 {
            numbers.send(n).await.unwrap();
        }
    };
    let read = async move {
        let mut sum = 0;
        while let Ok(double) = doubles.recv().await {
            sum += double;
        }
        sum
    };
    let call = double_all(from.into_zig(), into.into_zig());
    assert_eq!(block_on(zip(call, zip(feed, read))), (Ok(100), ((), 9900)));
}

#[test]
fn a_function_with_ends_may_fail_itself() {
    let (mut numbers, from) = spsc::channel::<u32>(4);
    let (into, doubles) = mpmc::channel::<u64>(4);
    numbers.try_send(113).unwrap();
    assert_eq!(block_on(double_all(from.into_zig(), into.into_zig())), zig_error("Unlucky"));
    let why = StreamError::Zig(ZigError::new("Unlucky"));
    assert_eq!(doubles.try_recv(), Err(TryRecvError::Failed(why)));
    assert!(numbers.try_send(1).is_err());
}

#[test]
fn streams_are_handed_over() {
    let words = ["to", "be", "or", "not"];
    let words = messages_to_zig(futures_lite::stream::iter(words));
    assert_eq!(block_on(longest(words, 1)), Ok(3));
    let numbers = stream_to_zig(futures_lite::stream::iter([1_u32, 2, 3]));
    assert_eq!(block_on(sum_all(numbers)), Ok(6));
}

mod misfit {
    use super::*;

    zigflow::autozig! {
        const zigflow = @import("zigflow");

        fn take(
            numbers: zigflow.spsc.Receiver(u32),
            into: zigflow.mpmc.Sender(u64),
            messages: zigflow.RustMessages,
            after: zigflow.spsc.Sender(u8),
        ) void {
            _ = numbers;
            _ = into;
            _ = messages;
            _ = after;
            unreachable;
        }

        fn takeLater(into: zigflow.spsc.Receiver(u8), done: zigflow.Completion(void)) void {
            _ = into;
            done.finish({});
        }
        ---
        pub(super) fn take(
            numbers: spsc::ZigReceiver<u32>,
            into: mpmc::ZigSender<u32>,
            messages: StreamForZig<[u8]>,
            after: spsc::ZigSender<u8>,
        ) -> Result<(), ZigError>;
        pub(super) async fn take_later(into: spsc::ZigSender<u8>) -> Result<()>;
    }
}

#[test]
fn an_end_of_another_type_is_the_error_of_the_call_and_nothing_is_kept() {
    let (mut numbers, from) = spsc::channel::<u32>(4);
    let (into, others) = mpmc::channel::<u32>(4);
    let (after, mut bytes) = spsc::channel::<u8>(4);
    let life = Arc::new(());
    let held = Arc::clone(&life);
    let messages =
        messages_to_zig(futures_lite::stream::pending().map(move |text: String| (&held, text).1));
    let answer = misfit::take(from.into_zig(), into.into_zig(), messages, after.into_zig());
    assert_eq!(answer, zig_error("WrongItem"));
    assert_eq!(Arc::strong_count(&life), 1, "the stream was not dropped");
    let why = StreamError::Zig(ZigError::new("WrongItem"));
    assert!(numbers.try_send(1).is_err());
    assert_eq!(others.try_recv(), Err(TryRecvError::Failed(why)));
    assert_eq!(bytes.try_recv(), Err(TryRecvError::Failed(why)));

    let (sender, mut receiver) = spsc::channel::<u8>(4);
    let why = ZigError::new("WrongEnd");
    assert_eq!(block_on(misfit::take_later(sender.into_zig())), Err(FutureError::Zig(why)));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Failed(StreamError::Zig(why))));
}

#[test]
fn what_was_not_called_gives_back_what_it_got() {
    let (mut numbers, from) = spsc::channel::<u32>(4);
    let (into, doubles) = mpmc::channel::<u64>(4);
    drop(double_all(from.into_zig(), into.into_zig()));
    assert!(numbers.try_send(1).is_err() && doubles.try_recv().is_err());
}

#[test]
fn a_raw_end_is_the_functions_own_affair() {
    let (sender, mut receiver) = spsc::channel::<u8>(4);
    reject(sender.into_zig());
    let why = StreamError::Zig(ZigError::new("NotToday"));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Failed(why)));
}

#[test]
fn a_plain_function_runs_on_another_thread() {
    let reading = Reading { millikelvin: 300, station: 0 };
    assert_eq!(block_on(slow_sum(vec![1, 2, 3], "four".to_owned(), reading)), 310);
    assert_eq!(block_on(parse("42".to_owned())), Ok(42));
    assert_eq!(block_on(parse("x".to_owned())), Err(ZigError::new("InvalidCharacter")));
    assert_eq!(block_on(parse_or(String::new())), Ok(None));
    let error = FutureError::Zig(ZigError::new("InvalidCharacter"));
    assert_eq!(block_on(parse_or("x".to_owned())), Err(error));
}

#[test]
fn the_pool_is_tokios_inside_of_tokio() {
    let named = |name: &str| {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().thread_name(name).build().unwrap();
        runtime.block_on(zigflow::unblock(|| thread::current().name().map(str::to_owned)))
    };
    assert_eq!(named("of tokio").as_deref(), Some("of tokio"));
    let elsewhere = block_on(zigflow::unblock(|| thread::current().name().map(str::to_owned)));
    assert_ne!(elsewhere.as_deref(), Some("of tokio"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let here = runtime.block_on(async { thread_here().await });
    let there = block_on(thread_here());
    let ids = HashSet::from([here, there]);
    assert_eq!(ids.len(), 2, "a thread of tokio and one of the other pool");
}

#[test]
fn a_panic_on_the_pool_goes_on_where_it_is_awaited() {
    let panicking = || {
        let panic =
            std::panic::catch_unwind(|| block_on(zigflow::unblock(|| panic!("on the pool"))));
        *panic.unwrap_err().downcast::<&str>().unwrap()
    };
    assert_eq!(panicking(), "on the pool");
    let _inside = tokio::runtime::Runtime::new().unwrap();
    let _guard = _inside.enter();
    assert_eq!(panicking(), "on the pool");
}

#[test]
fn the_futures_are_send() {
    fn send<T: Send>(_: &T) {}
    send(&square(1));
    send(&total(&[], "", &Reading { millikelvin: 0, station: 0 }));
    send(&operation_a());
    send(&parse(String::new()));
}

#[test]
fn seed_select_operations() {
    let winner = block_on(async {
        zigflow::select! {
            result = operation_a() => ("A", result),
            result = operation_later(0) => ("B", result),
        }
    });
    assert!([("A", Ok(1)), ("B", Ok(0))].contains(&winner), "{winner:?}");
}
