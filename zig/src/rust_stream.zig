//! Streams of Rust that Zig polls: from a task by `poll`, or from a thread that sleeps in between by `next`. One thread at a
//! time may use one. Nothing runs while nobody polls.
//!
//! ```zig
//! export fn sum_up(raw: *zigflow.RawStream) u64 {
//!     var numbers = zigflow.RustStream(u64).open(raw) catch return 0;
//!     defer numbers.deinit();
//!     var sum: u64 = 0;
//!     while (numbers.next() catch return sum) |number| sum += number;
//!     return sum;
//! }
//! ```

const std = @import("std");
const abi = @import("abi.zig");
const block = @import("block.zig");
const end_file = @import("end.zig");
const item_file = @import("item.zig");
const source_file = @import("source.zig");
const waker_file = @import("waker.zig");

const Context = waker_file.Context;
const Poll = source_file.Poll;
const Reason = end_file.Reason;

pub const OpenError = error{
    /// The Rust side is of another version of zigflow; build both with one. The stream is left alone.
    WrongAbi,
    /// The items in Rust are of another type: another name, size, alignment, or other fields. The stream is dropped.
    WrongItem,
};

/// The stream has failed; `reason` tells why.
pub const Failed = error{Failed};

/// A stream of plain data.
pub fn RustStream(comptime T: type) type {
    comptime item_file.requirePlain(T, "a stream of " ++ @typeName(T));
    return struct {
        raw: *abi.RawStream,

        const Self = @This();

        /// Takes over a stream that Rust has handed to Zig.
        pub fn open(raw: *abi.RawStream) OpenError!Self {
            try checkAbi(raw);
            end_file.checkItem(T, raw.item) catch |e| {
                raw.drop(raw);
                return e;
            };
            return .{ .raw = raw };
        }

        /// The next item, or the end. Pending: the task of `cx` will be woken.
        pub fn poll(self: *Self, cx: *const Context) Failed!Poll(T) {
            var item: T = undefined;
            return switch (try ask(self.raw, cx.waker.raw, &item)) {
                .ready => .{ .ready = item },
                .pending => .pending,
                .done => .done,
            };
        }

        /// The next item; the thread sleeps until there is one. Null: the end.
        pub fn next(self: *Self) Failed!?T {
            var item: T = undefined;
            return if (try wait(self.raw, &item)) item else null;
        }

        /// Why the stream has failed, once it has.
        pub fn reason(self: *const Self) ?Reason {
            return Reason.from(self.raw.failure);
        }

        /// Drops the stream.
        pub fn deinit(self: *Self) void {
            self.raw.drop(self.raw);
        }
    };
}

/// A stream of messages of any length, which may be empty: an empty message is not the end.
pub const RustMessages = struct {
    raw: *abi.RawStream,
    /// A message that has come and did not fit into a buffer.
    kept: ?[]const u8 = null,

    const Self = @This();

    /// Takes over a stream that Rust has handed to Zig.
    pub fn open(raw: *abi.RawStream) OpenError!Self {
        try checkAbi(raw);
        if (raw.item.kind != abi.ItemKind.lent) {
            raw.drop(raw);
            return error.WrongItem;
        }
        return .{ .raw = raw };
    }

    /// The next message, or the end. The bytes are Rust's, valid until the next call. Pending: the task of `cx` will be
    /// woken.
    pub fn poll(self: *Self, cx: *const Context) Failed!Poll([]const u8) {
        if (self.takeKept()) |message| return .{ .ready = message };
        var item: abi.StreamItem = .{};
        return switch (try ask(self.raw, cx.waker.raw, &item)) {
            .ready => .{ .ready = bytesOf(item) },
            .pending => .pending,
            .done => .done,
        };
    }

    /// The next message; the thread sleeps until there is one. The bytes are Rust's, valid until the next call. Null: the
    /// end.
    pub fn next(self: *Self) Failed!?[]const u8 {
        if (self.takeKept()) |message| return message;
        var item: abi.StreamItem = .{};
        return if (try wait(self.raw, &item)) bytesOf(item) else null;
    }

    /// `poll` that copies. `MessageTooLong`: the message stays for the next call, and `needed` is its length.
    pub fn pollInto(self: *Self, cx: *const Context, buffer: []u8) (Failed || error{MessageTooLong})!Poll([]u8) {
        return switch (try self.poll(cx)) {
            .ready => |message| .{ .ready = try self.copy(message, buffer) },
            .pending => .pending,
            .done => .done,
            .failed => unreachable, // an error tells it
        };
    }

    /// `next` that copies. `MessageTooLong`: the message stays for the next call, and `needed` is its length.
    pub fn nextInto(self: *Self, buffer: []u8) (Failed || error{MessageTooLong})!?[]u8 {
        return try self.copy(try self.next() orelse return null, buffer);
    }

    /// The length of the message that did not fit; null if there is none.
    pub fn needed(self: *const Self) ?usize {
        return if (self.kept) |message| message.len else null;
    }

    /// Why the stream has failed, once it has.
    pub fn reason(self: *const Self) ?Reason {
        return Reason.from(self.raw.failure);
    }

    /// Drops the stream.
    pub fn deinit(self: *Self) void {
        self.raw.drop(self.raw);
    }

    fn takeKept(self: *Self) ?[]const u8 {
        defer self.kept = null;
        return self.kept;
    }

    fn copy(self: *Self, message: []const u8, buffer: []u8) error{MessageTooLong}![]u8 {
        if (message.len > buffer.len) {
            self.kept = message;
            return error.MessageTooLong;
        }
        @memcpy(buffer[0..message.len], message);
        return buffer[0..message.len];
    }
};

fn checkAbi(raw: *const abi.RawStream) error{WrongAbi}!void {
    if (raw.magic != abi.magic or raw.abi != abi.abi_number) return error.WrongAbi;
}

fn bytesOf(item: abi.StreamItem) []const u8 {
    const first = item.data_ptr orelse return &.{};
    return first[0..item.data_len];
}

const Answer = enum { ready, pending, done };

fn ask(raw: *abi.RawStream, waker: abi.RawWaker, out: *anyopaque) Failed!Answer {
    return switch (raw.poll(raw, &waker, out)) {
        abi.StreamState.ready => .ready,
        abi.StreamState.pending => .pending,
        abi.StreamState.done => .done,
        else => error.Failed,
    };
}

/// True with an item, false at the end; the thread sleeps until then.
fn wait(raw: *abi.RawStream, out: *anyopaque) Failed!bool {
    const Wait = struct {
        raw: *abi.RawStream,
        out: *anyopaque,
        answer: Failed!Answer = .pending,

        fn step(self: *@This(), waker: abi.RawWaker) bool {
            self.answer = ask(self.raw, waker, self.out);
            const answer = self.answer catch return true;
            return answer != .pending;
        }
    };
    var waiting: Wait = .{ .raw = raw, .out = out };
    _ = block.wait(&waiting, Wait.step, null);
    return try waiting.answer == .ready;
}
