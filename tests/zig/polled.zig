//! Rust streams in Zig's hands, worked by a test step by step, or by a thread to their end. `polled.rs` is the other half.

const std = @import("std");
const zigflow = @import("zigflow");
const ends = @import("ends.zig");
const abi = zigflow.abi;

/// What a call came to; `ends.Answer` has the numbers of the first three.
const done = ends.Answer.done;
const later = ends.Answer.later;
const closed = ends.Answer.closed;
const failed: u32 = 100;
const too_long: u32 = 101;

fn Numbers(comptime T: type) type {
    return struct {
        const Stream = zigflow.RustStream(T);

        fn open(raw: *abi.RawStream, wrong: *bool) callconv(.c) ?*Stream {
            const stream = Stream.open(raw) catch |e| {
                wrong.* = e == error.WrongItem;
                return null;
            };
            const place = zigflow.allocator.create(Stream) catch return null;
            place.* = stream;
            return place;
        }
        fn poll(stream: *Stream, waker: *const abi.RawWaker, out: *T) callconv(.c) u32 {
            const cx: zigflow.Context = .{ .waker = .{ .raw = waker.* } };
            const polled = stream.poll(&cx) catch return failed;
            switch (polled) {
                .ready => |item| out.* = item,
                .pending => return later,
                else => return closed,
            }
            return done;
        }
        fn next(stream: *Stream, out: *T) callconv(.c) u32 {
            out.* = (stream.next() catch return failed) orelse return closed;
            return done;
        }
        fn reason(stream: *Stream, out: *abi.RawError) callconv(.c) void {
            put(stream.reason(), out);
        }
        fn deinit(stream: *Stream) callconv(.c) void {
            stream.deinit();
            zigflow.allocator.destroy(stream);
        }

        const Table = extern struct {
            open: *const fn (*abi.RawStream, *bool) callconv(.c) ?*Stream = open,
            poll: *const fn (*Stream, *const abi.RawWaker, *T) callconv(.c) u32 = poll,
            next: *const fn (*Stream, *T) callconv(.c) u32 = next,
            reason: *const fn (*Stream, *abi.RawError) callconv(.c) void = reason,
            deinit: *const fn (*Stream) callconv(.c) void = deinit,
        };
    };
}

export const zft_polled_u64: Numbers(u64).Table = .{};
export const zft_polled_point: Numbers(ends.Point).Table = .{};

fn put(reason: anytype, out: *abi.RawError) void {
    out.* = switch (reason orelse return) {
        .name => |name| .{ .name_ptr = name.ptr, .name_len = name.len },
        .code => |code| .{ .kind = abi.ErrorKind.code, .code = code },
    };
}

const Messages = zigflow.RustMessages;

const Bytes = extern struct { ptr: ?[*]const u8 = null, len: usize = 0 };

export fn zft_messages_open(raw: *abi.RawStream) ?*Messages {
    const stream = Messages.open(raw) catch return null;
    const place = zigflow.allocator.create(Messages) catch return null;
    place.* = stream;
    return place;
}

export fn zft_messages_poll(stream: *Messages, waker: *const abi.RawWaker, out: *Bytes) u32 {
    const cx: zigflow.Context = .{ .waker = .{ .raw = waker.* } };
    switch (stream.poll(&cx) catch return failed) {
        .ready => |message| out.* = .{ .ptr = message.ptr, .len = message.len },
        .pending => return later,
        else => return closed,
    }
    return done;
}

export fn zft_messages_poll_into(stream: *Messages, waker: *const abi.RawWaker, buffer: [*]u8, len: usize, out: *usize) u32 {
    const cx: zigflow.Context = .{ .waker = .{ .raw = waker.* } };
    const polled = stream.pollInto(&cx, buffer[0..len]) catch |e| return notInto(e);
    switch (polled) {
        .ready => |message| out.* = message.len,
        .pending => return later,
        else => return closed,
    }
    return done;
}

export fn zft_messages_next(stream: *Messages, out: *Bytes) u32 {
    const message = (stream.next() catch return failed) orelse return closed;
    out.* = .{ .ptr = message.ptr, .len = message.len };
    return done;
}

export fn zft_messages_next_into(stream: *Messages, buffer: [*]u8, len: usize, out: *usize) u32 {
    const message = (stream.nextInto(buffer[0..len]) catch |e| return notInto(e)) orelse return closed;
    out.* = message.len;
    return done;
}

fn notInto(e: error{ Failed, MessageTooLong }) u32 {
    return if (e == error.Failed) failed else too_long;
}

/// The largest number: none is kept.
export fn zft_messages_needed(stream: *const Messages) usize {
    return stream.needed() orelse std.math.maxInt(usize);
}

export fn zft_messages_reason(stream: *const Messages, out: *abi.RawError) void {
    put(stream.reason(), out);
}

export fn zft_messages_deinit(stream: *Messages) void {
    stream.deinit();
    zigflow.allocator.destroy(stream);
}

/// A thread of Zig's that sums the stream up.
export fn zft_polled_sum(raw: *abi.RawStream, sum: *u64) bool {
    const thread = std.Thread.spawn(.{}, sumUp, .{ raw, sum }) catch return false;
    thread.join();
    return true;
}

fn sumUp(raw: *abi.RawStream, sum: *u64) void {
    var numbers = zigflow.RustStream(u64).open(raw) catch return;
    defer numbers.deinit();
    while (numbers.next() catch return) |number| sum.* += number;
}
