//! The package's own tests: `zig build test`. A host in Zig stands in for Rust.

const std = @import("std");
const zigflow = @import("src/zigflow.zig");
const abi = zigflow.abi;
const expectEqual = std.testing.expectEqual;

pub const zigflow_c_names = true;

// The host.

pub const Task = struct {
    wakes: u32 = 0,
    references: u32 = 1,
    /// Polled inline by a wake, as some executors do.
    on_wake: ?*const fn (*Task) void = null,

    const vtable: u8 = 0;

    pub fn words(task: *Task) abi.RawWaker {
        return .{ .data = task, .vtable = &vtable };
    }

    pub fn context(task: *Task) zigflow.Context {
        return .{ .waker = .{ .raw = task.words() } };
    }

    fn of(waker: *const abi.RawWaker) *Task {
        return @ptrCast(@alignCast(@constCast(waker.data.?)));
    }
};

export fn zf1_waker_clone(waker: *const abi.RawWaker, out: *abi.RawWaker) void {
    _ = @atomicRmw(u32, &Task.of(waker).references, .Add, 1, .acq_rel);
    out.* = waker.*;
}
export fn zf1_waker_wake(waker: *const abi.RawWaker) void {
    zf1_waker_wake_by_ref(waker);
    zf1_waker_drop(waker);
}
export fn zf1_waker_wake_by_ref(waker: *const abi.RawWaker) void {
    const task = Task.of(waker);
    _ = @atomicRmw(u32, &task.wakes, .Add, 1, .acq_rel);
    if (task.on_wake) |then| then(task);
}
export fn zf1_waker_drop(waker: *const abi.RawWaker) void {
    _ = @atomicRmw(u32, &Task.of(waker).references, .Sub, 1, .acq_rel);
}
export fn zf1_waker_from_object(object: *const abi.WakerObject, out: *abi.RawWaker) void {
    out.* = .{ .data = object, .vtable = null };
}
var backing: std.mem.Allocator = std.testing.allocator;
export fn zf1_alloc(size: usize, alignment: usize) ?[*]u8 {
    return backing.rawAlloc(size, .fromByteUnits(alignment), 0);
}
export fn zf1_free(ptr: [*]u8, size: usize, alignment: usize) void {
    backing.rawFree(ptr[0..size], .fromByteUnits(alignment), 0);
}
/// No channel here is monitored.
export fn zf1_profile_look(_: *const abi.RawChannel, _: u32, _: u32, _: u32, _: u32) u32 {
    @panic("a channel that is not monitored");
}
export fn zf1_profile_waker(_: *const abi.RawChannel, _: u32, _: *const abi.RawWaker, _: *abi.RawWaker) void {
    @panic("a channel that is not monitored");
}
export fn zf1_profile_sleep(_: *const abi.RawChannel, _: u32, _: u32) u32 {
    @panic("a channel that is not monitored");
}
export fn zf1_profile_gone(_: *const abi.RawChannel, _: u32) void {
    @panic("a channel that is not monitored");
}
/// As a thread that yields instead of sleeping; a timeout is over when the first poll was not ready.
export fn zf1_block(
    poll: *const fn (context: *anyopaque, waker: *const abi.RawWaker) callconv(.c) u32,
    context: *anyopaque,
    timeout_ns: u64,
) u32 {
    // A thread's waker outlives the wait, since the channel keeps it.
    const task = &threads_task;
    while (true) {
        const before = @atomicLoad(u32, &task.wakes, .acquire);
        const answer = poll(context, &task.words());
        if (answer != 0 or timeout_ns != std.math.maxInt(u64)) return answer;
        while (@atomicLoad(u32, &task.wakes, .acquire) == before) std.Thread.yield() catch {};
    }
}
threadlocal var threads_task: Task = .{};
export fn zf1_panic(message: [*]const u8, message_len: usize, _: usize) noreturn {
    std.debug.panic("{s}", .{message[0..message_len]});
}

// The waker cell.

test "a wake goes to the registered task, once" {
    var task: Task = .{};
    var cell: zigflow.WakerCell = .{};
    cell.register(&task.context());
    cell.wake();
    try expectEqual(1, task.wakes);
    cell.close();
    cell.wake();
    try expectEqual(1, task.wakes);
    try expectEqual(1, task.references);
}

test "a wake before anyone registered is remembered" {
    var task: Task = .{};
    var cell: zigflow.WakerCell = .{};
    cell.wake();
    cell.wake();
    cell.register(&task.context());
    try expectEqual(1, task.wakes);
    cell.close();
    try expectEqual(1, task.references);
}

test "the same task is cloned once, however often it waits" {
    var task: Task = .{};
    var cell: zigflow.WakerCell = .{};
    for (0..100) |_| {
        cell.register(&task.context());
        cell.wake();
        try expectEqual(2, task.references);
    }
    try expectEqual(100, task.wakes);
    cell.close();
}

test "another task replaces the first, which is let go" {
    var tasks: [2]Task = .{ .{}, .{} };
    var cell: zigflow.WakerCell = .{};
    cell.register(&tasks[0].context());
    cell.register(&tasks[1].context());
    try expectEqual(1, tasks[0].references);
    cell.wake();
    try expectEqual(0, tasks[0].wakes);
    try expectEqual(1, tasks[1].wakes);
    cell.close();
    try expectEqual(1, tasks[1].references);
}

var inline_cell: zigflow.WakerCell = .{};

test "a waker that registers again while it is being woken" {
    const again = struct {
        fn register(task: *Task) void {
            inline_cell.register(&task.context());
            if (task.wakes < 5) inline_cell.wake(); // meets its own wake: no recursion, none is lost
        }
    };
    var task: Task = .{ .on_wake = again.register };
    inline_cell.register(&task.context());
    inline_cell.wake();
    try expectEqual(5, task.wakes);
    inline_cell.close();
    try expectEqual(1, task.references);
}

test "a waker that closes the cell while it is being woken" {
    const leave = struct {
        fn close(_: *Task) void {
            inline_cell.close();
        }
    };
    inline_cell = .{};
    var task: Task = .{ .on_wake = leave.close };
    inline_cell.register(&task.context());
    inline_cell.wake();
    try expectEqual(1, task.wakes);
    try expectEqual(1, task.references);
}

// Counted objects.

test "a shared object is freed by the last reference" {
    const Counted = struct {
        deinits: *u32,
        pub fn deinit(self: *@This()) void {
            self.deinits.* += 1;
        }
    };
    var deinits: u32 = 0;
    const shared = try zigflow.Shared(Counted).create(.{ .deinits = &deinits });
    const other = shared.retain();
    shared.release();
    try expectEqual(0, deinits);
    other.release();
    try expectEqual(1, deinits);
}

test "a counted waker is woken by reference and freed by its last release" {
    const Bell = struct {
        rings: *u32,
        pub fn wake(self: *@This()) void {
            self.rings.* += 1;
        }
    };
    var rings: u32 = 0;
    const waker = try zigflow.CountedWaker(Bell).create(.{ .rings = &rings });
    const object: *const abi.WakerObject = @ptrCast(@alignCast(waker.raw.data.?));
    object.retain(object);
    object.wake_by_ref(object);
    object.release(object);
    object.wake_by_ref(object);
    object.release(object);
    try expectEqual(2, rings);
}

// Sources, through what `source` exports.

const Countdown = struct {
    left: u32,

    pub fn open(from: u32, flag: bool) error{Refused}!Countdown {
        return if (flag) .{ .left = from } else error.Refused;
    }

    pub fn poll(self: *Countdown, _: *zigflow.Context) error{Stuck}!zigflow.Poll(u32) {
        if (self.left == 0) return .done;
        if (self.left == 100) return error.Stuck;
        self.left -= 1;
        return .{ .ready = self.left };
    }
};

comptime {
    zigflow.source(Countdown, "countdown");
}

const countdown = @extern(*const abi.SourceType, .{ .name = @import("zigflow_config").prefix ++ "_source_countdown" });

fn number(value: u32) abi.RawArg {
    return .{ .kind = abi.ArgKind.unsigned, .bits = 32, .lo = value, .hi = 0, .ptr = null, .len = 0 };
}

fn boolean(value: bool) abi.RawArg {
    return .{ .kind = abi.ArgKind.boolean, .bits = 8, .lo = @intFromBool(value), .hi = 0, .ptr = null, .len = 0 };
}

fn name(err: abi.RawError) []const u8 {
    return err.name_ptr.?[0..err.name_len];
}

test "a source opens, yields and ends" {
    var out: abi.RawSource = .{};
    var err: abi.RawError = .{};
    try expectEqual(abi.StreamState.ready, countdown.open(&.{ number(2), boolean(true) }, 2, &out, &err));
    defer countdown.drop(out.state.?);
    var item: u32 = undefined;
    for ([_]u32{ 1, 0 }) |expected| {
        try expectEqual(abi.StreamState.ready, countdown.poll(out.state.?, null, null, &item));
        try expectEqual(expected, item);
    }
    try expectEqual(abi.StreamState.done, countdown.poll(out.state.?, null, null, &item));
}

test "errors of open and poll travel by name" {
    var out: abi.RawSource = .{};
    var err: abi.RawError = .{};
    try expectEqual(abi.StreamState.failed, countdown.open(&.{ number(2), boolean(false) }, 2, &out, &err));
    try std.testing.expectEqualStrings("Refused", name(err));
    try expectEqual(abi.StreamState.ready, countdown.open(&.{ number(100), boolean(true) }, 2, &out, &err));
    defer countdown.drop(out.state.?);
    var item: u32 = undefined;
    try expectEqual(abi.StreamState.failed, countdown.poll(out.state.?, null, null, &item));
    countdown.take_error(out.state.?, &err);
    try std.testing.expectEqualStrings("Stuck", name(err));
}

test "wrong arguments are refused before open runs" {
    var out: abi.RawSource = .{};
    var err: abi.RawError = .{};
    try expectEqual(abi.StreamState.failed, countdown.open(&.{number(2)}, 1, &out, &err));
    try expectEqual(abi.ErrorKind.argument_count, err.kind);
    try expectEqual(2, err.code);
    try expectEqual(abi.StreamState.failed, countdown.open(&.{ number(2), number(1) }, 2, &out, &err));
    try expectEqual(abi.ErrorKind.argument, err.kind);
    try expectEqual(1, err.code);
}

test "open without memory reports OutOfMemory, whichever allocation fails" {
    for (0..2) |fail_index| {
        var failing = std.testing.FailingAllocator.init(std.testing.allocator, .{ .fail_index = fail_index });
        backing = failing.allocator();
        defer backing = std.testing.allocator;
        var out: abi.RawSource = .{};
        var err: abi.RawError = .{};
        const answer = countdown.open(&.{ number(2), boolean(true) }, 2, &out, &err);
        if (fail_index > 0) {
            try expectEqual(abi.StreamState.ready, answer); // a source is one allocation
            countdown.drop(out.state.?);
        } else {
            try expectEqual(abi.StreamState.failed, answer);
            try std.testing.expectEqualStrings("OutOfMemory", name(err));
        }
    }
}

test {
    _ = @import("tests_spsc.zig");
}

// The seed's names.

extern fn zig_stream_new(zigflow.c_names.StreamProducer, ?*anyopaque) ?*anyopaque;
extern fn zig_stream_poll(*anyopaque, *abi.StreamItem) u32;
extern fn zig_stream_set_waker(*anyopaque, *const abi.RawWaker) void;
extern fn zig_stream_wake(*anyopaque) void;
extern fn zig_stream_free(*anyopaque) void;

test "the seed's C entry points" {
    const producer = struct {
        fn next(ctx: ?*anyopaque, item: *abi.StreamItem) callconv(.c) u32 {
            const left: *u8 = @ptrCast(ctx.?);
            item.* = .{ .state = abi.StreamState.done };
            if (left.* > 0) {
                left.* -= 1;
                item.* = .{ .state = abi.StreamState.ready, .data_ptr = @ptrCast(left), .data_len = 1 };
            }
            return item.state;
        }
    };
    var left: u8 = 2;
    var task: Task = .{};
    const stream = zig_stream_new(producer.next, &left).?;
    zig_stream_set_waker(stream, &task.words());
    zig_stream_wake(stream);
    try expectEqual(1, task.wakes);
    var item: abi.StreamItem = .{};
    for ([_]u8{ 1, 0 }) |expected| {
        try expectEqual(abi.StreamState.ready, zig_stream_poll(stream, &item));
        try expectEqual(expected, item.data_ptr.?[0]);
    }
    try expectEqual(abi.StreamState.done, zig_stream_poll(stream, &item));
    zig_stream_free(stream);
    try expectEqual(1, task.references);
}

// Shapes.

test "the shape of a primitive is the FNV-1a hash of its name" {
    try expectEqual(0xe40c_292c, hashed("a")); // as published
    try expectEqual(hashed("u8"), zigflow.shape(u8));
    try expectEqual(hashed("isize"), zigflow.shape(isize));
    try expectEqual(hashed("bool"), zigflow.shape(bool));
    try expectEqual(hashed("f32"), zigflow.shape(f32));
    try expectEqual(zigflow.shape(i32), zigflow.shape(c_int));
}

fn hashed(text: []const u8) u32 {
    return std.hash.Fnv1a_32.hash(text);
}

test "the shape of a struct is in its fields: names, order, places, types" {
    const shape = zigflow.shape;
    const whole = shape(extern struct { a: u32, b: u32 });
    try std.testing.expect(whole != 0);
    try expectEqual(whole, shape(extern struct { a: u32, b: c_uint }));
    for ([_]u32{
        shape(extern struct { b: u32, a: u32 }),
        shape(extern struct { a: u32, c: u32 }),
        shape(extern struct { a: u32, b: i32 }),
        shape(extern struct { a: u32, b: u16 }),
        shape(extern struct { a: u32, b: u32, c: u32 }),
        shape(extern struct { a: u32, b: u32 align(8) }),
        shape(extern struct { a: u32, b: [1]u32 }),
        shape(extern struct { a: u32, b: extern struct { b: u32 } }),
    }) |other| try std.testing.expect(other != whole);
}

test "the shape of an enum is in its integer, names and values" {
    const shape = zigflow.shape;
    const whole = shape(enum(i8) { not_found = -1, ok });
    try expectEqual(whole, shape(enum(i8) { NotFound = -1, OK = 0 }));
    for ([_]u32{
        shape(enum(i16) { not_found = -1, ok }),
        shape(enum(i8) { not_found = -2, ok }),
        shape(enum(i8) { found = -1, ok }),
        shape(enum(i8) { not_found = -1 }),
    }) |other| try std.testing.expect(other != whole);
}

test "what holds something else is unknown as a whole" {
    inline for (.{
        []const u8,
        ?u8,
        u7,
        u128,
        f16,
        *u8,
        [2]u7,
        struct { a: u8 },
        packed struct { a: u8 },
        extern struct { a: u8, b: *u8 },
        [3]extern struct { a: extern struct { b: ?*u8 } },
        enum { a },
        zigflow.OwnedBytes,
    }) |T| try expectEqual(0, zigflow.shape(T));
}

// Completions. An operation stands in memory of the test; `free` counts.

const Completion = zigflow.Completion;

fn Operation(comptime T: type) type {
    return struct {
        raw: zigflow.RawCompletion,
        value: T,

        var freed: u32 = 0;

        fn init(self: *@This()) void {
            freed = 0;
            self.raw = .{
                .word = 0,
                .refused = 0,
                .magic = abi.magic_operation,
                .abi = abi.abi_number,
                .waiter = .{},
                .canceler = .{},
                .failure = .{},
                .progress_lo = 0,
                .progress_hi = 0,
                .value = &self.value,
                .item = &item,
                .free = free,
            };
        }

        const item: abi.ItemType = .{
            .kind = abi.ItemKind.plain,
            .size = @sizeOf(T),
            .alignment = @alignOf(T),
            .name_len = @typeName(T).len,
            .shape = zigflow.shape(T),
            .reserved = 0,
            .name_ptr = @typeName(T),
        };

        fn free(_: *abi.RawOperation) callconv(.c) void {
            freed += 1;
        }

        /// As Rust, which wants no result any more.
        fn leave(self: *@This()) void {
            self.raw.word |= 32 | 128;
        }
    };
}

test "a completion takes one result and refuses the next" {
    var operation: Operation(u32) = undefined;
    operation.init();
    const done = try Completion(u32).open(&operation.raw);
    try std.testing.expect(done.resolve(5));
    try std.testing.expect(!done.resolve(6));
    try std.testing.expect(!done.fail(error.Late));
    try expectEqual(5, operation.value);
    try expectEqual(2, operation.raw.refused);
    done.deinit();
    try expectEqual(0, Operation(u32).freed);
}

test "the last to go frees" {
    var operation: Operation(u32) = undefined;
    operation.init();
    operation.leave();
    const done = try Completion(u32).open(&operation.raw);
    try std.testing.expect(done.isCanceled());
    done.finish(1);
    try expectEqual(1, Operation(u32).freed);
}

test "a completion of another type is told so" {
    var operation: Operation(u32) = undefined;
    operation.init();
    try std.testing.expectError(error.WrongItem, Completion(i32).open(&operation.raw));
    try std.testing.expectEqualStrings("WrongItem", name(operation.raw.failure));
    operation.init();
    operation.raw.abi += 1;
    try std.testing.expectError(error.WrongAbi, Completion(u32).open(&operation.raw));
}

test "owned bytes that come second are released" {
    const release = struct {
        var count: u32 = 0;

        fn release(_: ?*anyopaque, _: ?[*]u8, _: usize) callconv(.c) void {
            count += 1;
        }
    };
    var operation: Operation(abi.OwnedItem) = undefined;
    operation.init();
    var bytes: [4]u8 = undefined;
    const own: zigflow.OwnedBytes = .init(&bytes, null, release.release);
    const done: Completion(zigflow.OwnedBytes) = .{ .raw = &operation.raw };
    try std.testing.expect(done.fail(error.Early));
    done.finish(own);
    try expectEqual(1, release.count);
    try expectEqual(1, operation.raw.refused);
}

test "who observes a cancellation is let go with the completion" {
    var task: Task = .{};
    var operation: Operation(u32) = undefined;
    operation.init();
    const done = try Completion(u32).open(&operation.raw);
    done.wakeOnCancel(.{ .raw = task.words() });
    try expectEqual(2, task.references);
    done.deinit();
    try expectEqual(1, task.references);
    try expectEqual(0, task.wakes);
}
