//! `-> impl Stream` in `autozig!`.
#![forbid(unsafe_code)]

use futures_core::Stream;
use futures_lite::StreamExt;
use futures_lite::future::block_on;
use std::thread;
use zigflow::{OpenError, StreamError, ZeroCopyBuffer, ZigError};

zigflow::autozig! {
    const std = @import("std");
    const zigflow = @import("zigflow");

    const Step = extern struct { at: u64, odd: bool, rest: [7]u8 = @splat(0) };

    const Collatz = struct {
        next: u64,

        pub const sendable = true;

        pub fn poll(self: *Collatz, _: *zigflow.Context) !zigflow.Poll(Step) {
            const n = self.next;
            if (n == 0) return .done;
            if (n == 13) return error.Unlucky;
            self.next = if (n == 1) 0 else if (n % 2 == 0) n / 2 else 3 * n + 1;
            return .{ .ready = .{ .at = n, .odd = n % 2 == 1 } };
        }
    };

    fn collatz(start: u64) error{Zero}!Collatz {
        return if (start == 0) error.Zero else .{ .next = start };
    }

    /// Of one thread.
    const Words = struct {
        words: std.mem.TokenIterator(u8, .scalar),
        text: []u8,

        pub fn poll(self: *Words, _: *zigflow.Context) zigflow.Poll([]const u8) {
            return if (self.words.next()) |word| .{ .ready = word } else .done;
        }

        pub fn deinit(self: *Words) void {
            zigflow.allocator.free(self.text);
        }
    };

    fn wordsOf(text: []const u8) !Words {
        const own = try zigflow.allocator.dupe(u8, text);
        return .{ .words = std.mem.tokenizeScalar(u8, own, ' '), .text = own };
    }

    const Once = struct {
        left: u32,

        pub const sendable = true;

        pub fn poll(self: *Once, _: *zigflow.Context) !zigflow.Poll(zigflow.OwnedBytes) {
            if (self.left == 0) return .done;
            self.left -= 1;
            return .{ .ready = .fromSlice(try zigflow.allocator.dupe(u8, "owned")) };
        }
    };

    fn owned(times: u32) Once {
        return .{ .left = times };
    }

    /// Sends, and blocks as it likes.
    fn primesBelow(end: u32, into: zigflow.spsc.Sender(u32)) !void {
        var primes = into;
        defer primes.deinit();
        if (end == 0) return error.Nothing;
        var n: u32 = 2;
        while (n < end) : (n += 1) {
            if (end == 13 and n == 11) return error.Unlucky;
            var d: u32 = 2;
            while (d * d <= n and n % d != 0) d += 1;
            if (d * d > n) primes.sendBlocking(n) catch return;
        }
    }

    /// Its own reason comes first.
    fn closes(text: []const u8, into: zigflow.spsc.Sender(u8)) !void {
        var bytes = into;
        defer bytes.deinit();
        for (text) |byte| try bytes.sendBlocking(byte);
        bytes.closeWith(error.Spoilt);
        return error.Other;
    }

    var running: std.atomic.Value(u32) = .init(0);

    /// Until nobody reads.
    fn endless(into: zigflow.spsc.Sender(u64)) void {
        _ = running.fetchAdd(1, .seq_cst);
        defer _ = running.fetchSub(1, .seq_cst);
        var numbers = into;
        defer numbers.deinit();
        var n: u64 = 0;
        while (true) : (n += 1) numbers.sendBlocking(n) catch return;
    }

    /// Blocks of a pool of two: the reader stops it by keeping them.
    fn blocks(count: u32, into: zigflow.spsc.Sender(zigflow.OwnedBytes)) !void {
        var chunks = into;
        defer chunks.deinit();
        const pool: zigflow.Pool = try .init(2, 64);
        defer pool.deinit();
        for (0..count) |n| {
            const block = pool.acquireBlocking();
            @memset(block.slice(), @truncate(n));
            const bytes = block.give(64);
            chunks.sendBlocking(bytes) catch return bytes.deinit();
        }
    }

    fn countRunning() u32 {
        return running.load(.seq_cst);
    }
    ---
    #[derive(Debug, PartialEq)]
    struct Step {
        at: u64,
        odd: bool,
        rest: [u8; 7],
    }

    /// The Collatz sequence.
    fn collatz(start: u64) -> impl Stream<Item = Result<Step, StreamError>> + Send;
    fn words_of(text: &str) -> Result<impl Stream<Item = Result<Vec<u8>, StreamError>> + use<>, OpenError>;
    fn primes_below(end: u32) -> impl Stream<Item = Result<u32, StreamError>> + Send;
    fn endless() -> Result<impl Stream<Item = Result<u64, StreamError>>, OpenError>;
    fn closes(text: String) -> impl Stream<Item = Result<u8, StreamError>>;
    fn count_running() -> u32;
    fn blocks(count: u32) -> impl Stream<Item = Result<ZeroCopyBuffer, StreamError>> + Send;
    fn owned(times: u32) -> impl Stream<Item = Result<ZeroCopyBuffer, StreamError>> + Send;
}

fn numbers(start: u64) -> Vec<Result<u64, StreamError>> {
    block_on(collatz(start).map(|step| step.map(|step| step.at)).collect())
}

#[test]
fn a_function_that_returns_a_source_is_a_stream() {
    assert_eq!(numbers(6), [6, 3, 10, 5, 16, 8, 4, 2, 1].map(Ok));
    let first = block_on(collatz(5).next()).unwrap();
    assert_eq!(first, Ok(Step { at: 5, odd: true, rest: [0; 7] }));
    let there = thread::spawn(|| numbers(1)).join().unwrap();
    assert_eq!(there, [Ok(1)]);
}

#[test]
fn why_it_did_not_open_is_the_first_item() {
    let zero = OpenError::Zig(ZigError::new("Zero"));
    assert_eq!(numbers(0), [Err(StreamError::InitFailed(zero))]);
    assert_eq!(collatz(0).size_hint(), (1, Some(1)));
    assert_eq!(numbers(26), [Ok(26), Err(StreamError::Zig(ZigError::new("Unlucky")))]);
}

#[test]
fn lent_bytes_are_copied_and_owned_bytes_are_not() {
    let text = String::from("to be or");
    let words = words_of(&text).unwrap();
    drop(text);
    let words: Vec<Vec<u8>> = block_on(words.map(Result::unwrap).collect());
    assert_eq!(words, [&b"to"[..], b"be", b"or"]);
    let owned: Vec<ZeroCopyBuffer> = block_on(owned(3).map(Result::unwrap).collect());
    assert!(owned.len() == 3 && owned.iter().all(|bytes| **bytes == *b"owned"));
}

#[test]
fn what_a_function_sends_is_a_stream() {
    let collect = |end| -> Vec<_> { block_on(primes_below(end).collect()) };
    assert_eq!(collect(12), [2, 3, 5, 7, 11].map(Ok));
    let unlucky = Err(StreamError::Zig(ZigError::new("Unlucky")));
    assert_eq!(collect(13), [Ok(2), Ok(3), Ok(5), Ok(7), unlucky]);
    assert_eq!(collect(0), [Err(StreamError::Zig(ZigError::new("Nothing")))]);
    // More than the channel holds, on tokio.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let many = runtime.spawn(async { primes_below(10_000).map(Result::unwrap).count().await });
    assert_eq!(runtime.block_on(many).unwrap(), 1229);
}

#[test]
fn a_reason_of_its_own_is_the_last_item() {
    let items: Vec<_> = block_on(closes("ab".to_owned()).collect());
    let spoilt = Err(StreamError::Zig(ZigError::new("Spoilt")));
    assert_eq!(items, [Ok(b'a'), Ok(b'b'), spoilt]);
}

#[test]
fn a_function_whose_stream_is_dropped_ends_when_it_sends() {
    drop(endless().unwrap());
    assert_eq!(count_running(), 0, "it begins when it is polled");
    let mut numbers = endless().unwrap();
    let first = block_on((&mut numbers).take(1000).map(Result::unwrap).last());
    assert_eq!(first, Some(999));
    assert_eq!(count_running(), 1);
    drop(numbers);
    zigflow_tests::task::until(|| count_running() == 0);
}

#[test]
fn what_a_function_sends_may_be_buffers() {
    let mut kept = None;
    let mut stream = blocks(100);
    for n in 0..100 {
        let chunk = block_on(stream.next()).unwrap().unwrap();
        assert_eq!(*chunk, [n; 64]);
        kept = Some(chunk);
    }
    assert!(block_on(stream.next()).is_none());
    assert!(kept.is_some_and(|chunk| chunk[63] == 99));
    // Dropped in the middle, the function ends, and what it had sent is released.
    let mut stream = blocks(u32::MAX);
    block_on(stream.next()).unwrap().unwrap();
    drop(stream);
}
