//! Zig functions that `ci/bench future` awaits, and the same by plain C. One worker, a Zig thread, completes
//! for both.

const std = @import("std");
const zigflow = @import("zigflow");

const Completion = zigflow.Completion(u64);
const Callback = *const fn (context: ?*anyopaque, value: u64) callconv(.c) void;

/// What the worker does; addresses as numbers, because items of a channel hold none. Without a context: a count.
const Request = extern struct { callback: u64, context: u64, n: u64 };

/// Requests without a context that the worker is through with.
var counted: u64 = 0;
var requests: zigflow.spsc.Sender(Request) = undefined;
var worker: std.Thread = undefined;

comptime {
    zigflow.future(square, "square");
    zigflow.future(remoteSquare, "remote_square");
}

export fn bench_square(n: u32) u64 {
    return @as(u64, n) * n;
}

/// `sum` of lib.rs by hand.
export fn bench_sum(bytes: [*]const u8, len: usize, out: *u64) u32 {
    if (len == 0) return 1;
    var total: u64 = 0;
    for (bytes[0..len]) |byte| total += byte;
    out.* = total;
    return 0;
}

fn square(done: Completion, n: u32) void {
    done.finish(@as(u64, n) * n);
}

fn remoteSquare(done: Completion, n: u32) !void {
    try requests.sendBlocking(.{ .callback = 0, .context = @intFromPtr(done.raw), .n = n });
}

export fn bench_remote_callback(callback: Callback, context: ?*anyopaque, n: u32) void {
    requests.sendBlocking(.{ .callback = @intFromPtr(callback), .context = @intFromPtr(context), .n = n }) catch unreachable;
}

/// What every operation of the worker costs beside its result: `n` requests, and the answer that they are done.
export fn bench_worker_alone(n: u64) void {
    const until = @atomicLoad(u64, &counted, .monotonic) + n;
    for (0..n) |_| requests.sendBlocking(.{ .callback = 0, .context = 0, .n = 0 }) catch unreachable;
    while (@atomicLoad(u64, &counted, .acquire) != until) std.atomic.spinLoopHint();
}

export fn bench_worker_start() bool {
    const sender, const receiver = zigflow.spsc.channel(Request, 256) catch return false;
    requests = sender;
    worker = std.Thread.spawn(.{}, work, .{receiver}) catch return false;
    return true;
}

export fn bench_worker_stop() void {
    requests.deinit();
    worker.join();
}

fn work(own: zigflow.spsc.Receiver(Request)) void {
    var receiver = own;
    defer receiver.deinit();
    while (receiver.recvBlocking()) |request| {
        if (request.context == 0) {
            _ = @atomicRmw(u64, &counted, .Add, 1, .release);
            continue;
        }
        const value = request.n * request.n;
        if (request.callback == 0) {
            const done: Completion = .{ .raw = @ptrFromInt(request.context) };
            done.finish(value);
        } else {
            const callback: Callback = @ptrFromInt(request.callback);
            callback(@ptrFromInt(request.context), value);
        }
    } else |_| {}
}
