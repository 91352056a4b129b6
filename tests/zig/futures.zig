//! Functions with a completion, well-behaved and otherwise.

const std = @import("std");
const zigflow = @import("zigflow");
const ends = @import("ends.zig");

const Completion = zigflow.Completion;
const Point = ends.Point;

comptime {
    zigflow.future(square, "square");
    zigflow.future(squareLater, "square_later");
    zigflow.future(fails, "fails");
    zigflow.future(failsLater, "fails_later");
    zigflow.future(code, "code");
    zigflow.future(givesUp, "gives_up");
    zigflow.future(twice, "twice");
    zigflow.future(fill, "fill");
    zigflow.future(exchange, "exchange");
    zigflow.future(failsObserved, "fails_observed");
    zigflow.future(ownedAligned, "owned_aligned");
    zigflow.future(owned, "owned");
    zigflow.future(ownedLater, "owned_later");
    zigflow.future(nothing, "nothing");
    zigflow.future(point, "point");
    zigflow.future(sum, "sum");
    zigflow.future(held, "held");
    zigflow.future(stops, "stops");
    zigflow.future(boolean, "boolean");
    zigflow.future(negated, "negate");
}

fn spawn(comptime work: anytype, args: anytype) !void {
    const thread = try std.Thread.spawn(.{}, work, args);
    thread.detach();
}

fn square(done: Completion(u64), n: u32) void {
    done.finish(@as(u64, n) * n);
}

fn squareLater(done: Completion(u64), n: u32) !void {
    try spawn(square, .{ done, n });
}

fn fails(_: Completion(u64)) error{Refused}!void {
    return error.Refused;
}

fn failsLater(done: Completion(u64)) !void {
    const work = struct {
        fn work(own: Completion(u64)) void {
            own.progress(1 << 40 | 7);
            own.finish(error.TapeTorn);
        }
    }.work;
    try spawn(work, .{done});
}

fn code(number: i32, done: Completion(u64)) void {
    defer done.deinit();
    _ = done.failCode(number);
}

fn givesUp(done: Completion(u64)) void {
    done.deinit();
}

/// The second result and the third are refused, and the first stays.
fn twice(done: Completion(u64)) void {
    defer done.deinit();
    std.debug.assert(done.resolve(1));
    std.debug.assert(!done.resolve(2));
    std.debug.assert(!done.fail(error.Late));
}

/// Fills the buffer on a thread of its own, and says how long it is.
fn fill(byte: u8, into: []u8, done: Completion(usize)) !void {
    const work = struct {
        fn work(own: Completion(usize), buffer: []u8, with: u8) void {
            @memset(buffer, with);
            own.finish(buffer.len);
        }
    }.work;
    try spawn(work, .{ done, into, byte });
}

/// Swaps what is in two buffers, as far as both reach.
fn exchange(a: []u8, done: Completion(void), b: []u8) void {
    for (a[0..@min(a.len, b.len)], b[0..@min(a.len, b.len)]) |*x, *y| std.mem.swap(u8, x, y);
    done.finish({});
}

/// Refuses when an observer of its cancellation is there already.
fn failsObserved(done: Completion(u64)) !void {
    try done.onCancel(Observer{});
    return error.Refused;
}

const Observer = struct {
    pub fn wake(_: *Observer) void {}

    pub fn deinit(_: *Observer) void {
        _ = @atomicRmw(u32, &observers_released, .Add, 1, .acq_rel);
    }
};

var observers_released: u32 = 0;

export fn zft_observers_released() u32 {
    return @atomicLoad(u32, &observers_released, .acquire);
}

/// Bytes at an address that malloc alone would not give.
fn ownedAligned(done: Completion(zigflow.OwnedBytes), len: u32) !void {
    const bytes = try zigflow.allocator.alignedAlloc(u8, .fromByteUnits(64), len);
    @memset(bytes, 1);
    aligned_living += 1;
    done.finish(zigflow.OwnedBytes.init(bytes, null, releaseAligned));
}

var aligned_living: i32 = 0;

fn releaseAligned(_: ?*anyopaque, ptr: ?[*]u8, len: usize) callconv(.c) void {
    aligned_living -= 1;
    const bytes: []align(64) u8 = @alignCast(ptr.?[0..len]);
    zigflow.allocator.free(bytes);
}

export fn zft_aligned_living() i32 {
    return aligned_living;
}

/// Bytes that count their releases.
fn owned(done: Completion(zigflow.OwnedBytes), len: u32) !void {
    const bytes = try zigflow.allocator.alloc(u8, len);
    for (bytes, 0..) |*byte, i| byte.* = @truncate(i);
    done.finish(zigflow.OwnedBytes.init(bytes, null, release));
}

var released: u32 = 0;

fn release(_: ?*anyopaque, ptr: ?[*]u8, len: usize) callconv(.c) void {
    _ = @atomicRmw(u32, &released, .Add, 1, .acq_rel);
    zigflow.allocator.free(ptr.?[0..len]);
}

/// The same on a thread, counted apart.
fn ownedLater(done: Completion(zigflow.OwnedBytes)) !void {
    const work = struct {
        fn work(own: Completion(zigflow.OwnedBytes)) void {
            _ = @atomicRmw(i32, &late, .Add, 1, .acq_rel);
            const bytes = zigflow.allocator.alloc(u8, 8) catch |e| return own.finish(e);
            own.finish(zigflow.OwnedBytes.init(bytes, null, releaseLate));
            _ = @atomicRmw(u32, &late_done, .Add, 1, .acq_rel);
        }
    }.work;
    try spawn(work, .{done});
}

var late: i32 = 0;
var late_done: u32 = 0;

fn releaseLate(_: ?*anyopaque, ptr: ?[*]u8, len: usize) callconv(.c) void {
    _ = @atomicRmw(i32, &late, .Sub, 1, .acq_rel);
    zigflow.allocator.free(ptr.?[0..len]);
}

/// How many threads of `owned_later` are through.
export fn zft_late_done() u32 {
    return @atomicLoad(u32, &late_done, .acquire);
}

/// How many of its results live.
export fn zft_late_living() i32 {
    return @atomicLoad(i32, &late, .acquire);
}

export fn zft_future_released() u32 {
    return @atomicLoad(u32, &released, .acquire);
}

fn nothing(done: Completion(void)) void {
    done.finish({});
}

fn point(done: Completion(Point), x: f64, y: f64) void {
    done.finish(.{ .x = x, .y = y, .tag = 3, .seen = true });
}

fn sum(text: []const u8, scale: f64, negate: bool, done: Completion(f64)) void {
    var total: f64 = 0;
    for (text) |byte| total += @floatFromInt(byte);
    done.finish(if (negate) -total * scale else total * scale);
}

/// Writes `byte` where a bool goes.
fn boolean(done: Completion(bool), byte: u8) void {
    _ = done.resolve(true);
    // Nobody looks before the call is over. (A load of such a bool would be undefined in Zig.)
    const at: *u8 = @ptrCast(done.raw.value);
    at.* = byte;
    done.deinit();
}

fn negated(done: Completion(i64), n: i64) void {
    done.finish(-n);
}

/// Completions that wait for the test. A place is used by one test.
var places: [16]?Completion(u64) = @splat(null);
var given_up: [16]bool = @splat(false);

fn held(done: Completion(u64), place: u32) error{Taken}!void {
    if (places[place] != null and !given_up[place]) return error.Taken;
    places[place] = done;
    given_up[place] = false;
}

export fn zft_held_resolve(place: u32, value: u64) bool {
    return places[place].?.resolve(value);
}

export fn zft_held_progress(place: u32, amount: u64) void {
    places[place].?.progress(amount);
}

export fn zft_held_canceled(place: u32) bool {
    return places[place].?.isCanceled();
}

export fn zft_held_wake_on_cancel(place: u32, waker: *const zigflow.abi.RawWaker) void {
    places[place].?.wakeOnCancel(.{ .raw = waker.* });
}

export fn zft_held_stop_on_cancel(place: u32) bool {
    const done = places[place].?;
    places[place] = null;
    done.onCancel(Stop{ .done = done }) catch return false;
    return true;
}

export fn zft_held_deinit(place: u32) void {
    places[place].?.deinit();
    // It stays there, for the test that gives it up twice.
    given_up[place] = true;
}

/// Stops when it is canceled, inside of the cancellation, and says how far it got.
fn stops(done: Completion(u64), amount: u64) !void {
    done.progress(amount);
    try done.onCancel(Stop{ .done = done });
}

const Stop = struct {
    done: Completion(u64),

    pub fn wake(self: *Stop) void {
        self.done.finish(error.Canceled);
    }

    pub fn deinit(_: *Stop) void {
        _ = @atomicRmw(u32, &stops_gone, .Add, 1, .acq_rel);
    }
};

var stops_gone: u32 = 0;

export fn zft_stops_gone() u32 {
    return @atomicLoad(u32, &stops_gone, .acquire);
}

/// A completion that Rust hands over itself.
export fn zft_open_and_resolve(raw: *zigflow.RawCompletion, value: u32) u32 {
    const done = Completion(u32).open(raw) catch |e| return if (e == error.WrongItem) 2 else 3;
    done.finish(value);
    return 1;
}
