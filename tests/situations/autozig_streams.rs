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
