//! The sources that the tests poll.

const std = @import("std");
const zigflow = @import("zigflow");

comptime {
    zigflow.source(Counter, "counter");
    zigflow.source(LocalCounter, "local_counter");
    zigflow.source(Failing, "failing");
    zigflow.source(Chunks, "chunks");
    zigflow.source(Owned, "owned");
    zigflow.source(LocalBytes, "local_bytes");
    zigflow.source(Points, "points");
    zigflow.source(Arguments, "arguments");
    zigflow.source(InPlace, "in_place");
    zigflow.source(Threaded, "threaded");
    zigflow.source(Panicking, "panicking");
    zigflow.source(zigflow.FileSource, "file");
    zigflow.source(Pieces, "pieces");
    zigflow.source(Outside, "outside");
    zigflow.source(Words, "words");
    _ = @import("driven.zig");
    _ = @import("typed.zig");
    _ = @import("ends.zig");
    _ = @import("many_ends.zig");
    _ = @import("polled.zig");
    _ = @import("quiet.zig");
    _ = @import("bridge_ends.zig");
    _ = @import("clock.zig");
}

/// `from` up to, not including, `to`; never pending.
const Counter = struct {
    next: u64,
    to: u64,

    pub const sendable = true;

    pub fn open(from: u64, to: u64) error{Backwards}!Counter {
        if (from > to) return error.Backwards;
        return .{ .next = from, .to = to };
    }

    pub fn poll(self: *Counter, _: *zigflow.Context) zigflow.Poll(u64) {
        if (self.next == self.to) return .done;
        defer self.next += 1;
        return .{ .ready = self.next };
    }

    pub fn sizeHint(self: *const Counter) zigflow.SizeHint {
        const left = std.math.lossyCast(usize, self.to - self.next);
        return .{ .lower = left, .upper = left };
    }
};

/// The same, but it does not say that it may move.
const LocalCounter = struct {
    counter: Counter,

    pub fn open(from: u64, to: u64) error{Backwards}!LocalCounter {
        return .{ .counter = try .open(from, to) };
    }

    pub fn poll(self: *LocalCounter, cx: *zigflow.Context) zigflow.Poll(u64) {
        return self.counter.poll(cx);
    }
};

/// `good` items, then an error: by name, or by `code` if that is not 0.
const Failing = struct {
    left: u32,
    code: i32,

    pub const sendable = true;

    pub fn open(good: u32, code: i32) Failing {
        return .{ .left = good, .code = code };
    }

    pub fn poll(self: *Failing, _: *zigflow.Context) error{TapeTorn}!zigflow.Poll(u32) {
        if (self.left == 0) return if (self.code != 0) .{ .failed = self.code } else error.TapeTorn;
        self.left -= 1;
        return .{ .ready = self.left };
    }
};

/// `count` lent chunks of `len` bytes, each filled with its number.
const Chunks = struct {
    buffer: []u8,
    count: u32,
    number: u32 = 0,

    pub const sendable = true;

    pub fn open(len: u64, count: u32) !Chunks {
        const size = std.math.cast(usize, len) orelse return error.OutOfMemory;
        const buffer = try zigflow.allocator.alloc(u8, size);
        @memset(buffer, 0);
        return .{ .buffer = buffer, .count = count };
    }

    pub fn deinit(self: *Chunks) void {
        zigflow.allocator.free(self.buffer);
    }

    pub fn registered(self: *const Chunks) []const u8 {
        return self.buffer;
    }

    pub fn poll(self: *Chunks, _: *zigflow.Context) zigflow.Poll([]const u8) {
        if (self.number == self.count) return .done;
        @memset(self.buffer, @truncate(self.number));
        self.number += 1;
        return .{ .ready = self.buffer };
    }
};

/// `count` buffers that are given away.
const Owned = struct {
    left: u32,

    pub const sendable = true;

    pub fn open(count: u32) Owned {
        return .{ .left = count };
    }

    pub fn poll(self: *Owned, _: *zigflow.Context) !zigflow.Poll(zigflow.OwnedBytes) {
        if (self.left == 0) return .done;
        self.left -= 1;
        const bytes = try zigflow.allocator.alloc(u8, 16);
        @memset(bytes, @truncate(self.left));
        return .{ .ready = .fromSlice(bytes) };
    }
};

/// `count` buffers of 8 bytes of their numbers, each to be released on the thread that made it.
const LocalBytes = struct {
    next: u8 = 0,
    count: u32,

    const Buffer = struct { bytes: [8]u8 align(8), made_by: std.Thread.Id };

    pub fn open(count: u32) LocalBytes {
        return .{ .count = count };
    }

    pub fn poll(self: *LocalBytes, _: *zigflow.Context) !zigflow.Poll(zigflow.LocalBytes) {
        if (self.next == self.count) return .done;
        const buffer = try zigflow.allocator.create(Buffer);
        buffer.* = .{ .bytes = @splat(self.next), .made_by = std.Thread.getCurrentId() };
        self.next += 1;
        return .{ .ready = .init(&buffer.bytes, buffer, release) };
    }

    fn release(context: ?*anyopaque, _: ?[*]u8, _: usize) callconv(.c) void {
        const buffer: *Buffer = @ptrCast(@alignCast(context.?));
        if (buffer.made_by != std.Thread.getCurrentId()) @panic("released on another thread");
        zigflow.allocator.destroy(buffer);
    }
};

const Point = extern struct { x: f64, y: f64, tag: u32, seen: bool };

const Points = struct {
    left: u32,

    pub const sendable = true;

    pub fn open(count: u32) Points {
        return .{ .left = count };
    }

    pub fn poll(self: *Points, _: *zigflow.Context) zigflow.Poll(Point) {
        if (self.left == 0) return .done;
        self.left -= 1;
        const n: f64 = @floatFromInt(self.left);
        return .{ .ready = .{ .x = n, .y = -n, .tag = self.left, .seen = self.left % 2 == 0 } };
    }
};

/// One item: a hash of everything that `open` was given, so that each argument must arrive whole.
const Arguments = struct {
    hash: ?u64,

    pub const sendable = true;

    pub fn open(a: u8, b: i16, c: u32, d: i64, e: f32, f: f64, g: bool, h: []const u8, i: []const u8) Arguments {
        var hash = std.hash.Fnv1a_64.init();
        inline for (.{ a, b, c, d, @as(u32, @bitCast(e)), @as(u64, @bitCast(f)), @as(u8, @intFromBool(g)) }) |number| {
            hash.update(std.mem.asBytes(&std.mem.nativeToLittle(@TypeOf(number), number)));
        }
        hash.update(h);
        hash.update(i);
        return .{ .hash = hash.final() };
    }

    pub fn poll(self: *Arguments, _: *zigflow.Context) zigflow.Poll(u64) {
        const hash = self.hash orelse return .done;
        self.hash = null;
        return .{ .ready = hash };
    }
};

/// Points to itself, so it must not move after `open`.
const InPlace = struct {
    self: *InPlace,
    left: u32,

    pub const sendable = true;

    pub fn open(self: *InPlace, count: u32) void {
        self.* = .{ .self = self, .left = count };
    }

    pub fn poll(self: *InPlace, _: *zigflow.Context) error{Moved}!zigflow.Poll(bool) {
        if (self.self != self) return error.Moved;
        if (self.left == 0) return .done;
        self.left -= 1;
        return .{ .ready = true };
    }
};

/// A Zig thread counts from 0 to `count` and wakes the stream for each number; the thread waits for
/// nobody, so numbers may come in a bunch.
const Threaded = struct {
    shared: *zigflow.Shared(Channel),
    taken: u32 = 0,
    count: u32,

    const Channel = struct {
        cell: zigflow.WakerCell = .{},
        made: u32 = 0,
        stop: u32 = 0,

        fn run(shared: *zigflow.Shared(Channel), count: u32) void {
            defer shared.release();
            for (0..count) |_| {
                if (@atomicLoad(u32, &shared.value.stop, .monotonic) != 0) return;
                _ = @atomicRmw(u32, &shared.value.made, .Add, 1, .release);
                shared.value.cell.wake();
            }
        }
    };

    pub const sendable = true;

    pub fn open(count: u32) !Threaded {
        const shared = try zigflow.Shared(Channel).create(.{});
        errdefer shared.release();
        const thread = std.Thread.spawn(.{}, Channel.run, .{ shared.retain(), count }) catch |e| {
            shared.release();
            return e;
        };
        thread.detach();
        return .{ .shared = shared, .count = count };
    }

    pub fn deinit(self: *Threaded) void {
        @atomicStore(u32, &self.shared.value.stop, 1, .monotonic);
        self.shared.value.cell.close();
        self.shared.release();
    }

    pub fn poll(self: *Threaded, cx: *zigflow.Context) zigflow.Poll(u32) {
        if (self.taken == self.count) return .done;
        self.shared.value.cell.register(cx);
        if (self.taken == @atomicLoad(u32, &self.shared.value.made, .acquire)) return .pending;
        defer self.taken += 1;
        return .{ .ready = self.taken };
    }
};

/// Reads past the end of an array, which Zig's safety checks find.
const Panicking = struct {
    index: u32,

    pub const sendable = true;

    pub fn open(index: u32) Panicking {
        return .{ .index = index };
    }

    pub fn poll(self: *Panicking, _: *zigflow.Context) zigflow.Poll(u8) {
        const three = [_]u8{ 1, 2, 3 };
        defer self.index += 1;
        return .{ .ready = three[self.index] };
    }
};

/// The parts of a text between `|`, lent one after the other. Three parts are special: `?` is pending and
/// wakes at once, `!` is the error `Torn`, `#` is the code 7.
const Pieces = struct {
    text: []u8,
    at: usize = 0,

    pub const sendable = true;

    pub fn open(text: []const u8) !Pieces {
        return .{ .text = try zigflow.allocator.dupe(u8, text) };
    }

    pub fn deinit(self: *Pieces) void {
        zigflow.allocator.free(self.text);
    }

    pub fn registered(self: *const Pieces) []const u8 {
        return self.text;
    }

    pub fn poll(self: *Pieces, cx: *zigflow.Context) error{Torn}!zigflow.Poll([]const u8) {
        if (self.at > self.text.len) return .done;
        const rest = self.text[self.at..];
        const piece = rest[0 .. std.mem.indexOfScalar(u8, rest, '|') orelse rest.len];
        self.at += piece.len + 1;
        if (piece.len == 1) switch (piece[0]) {
            '?' => {
                cx.waker.wakeByRef();
                return .pending;
            },
            '!' => return error.Torn,
            '#' => return .{ .failed = 7 },
            else => {},
        };
        return .{ .ready = piece };
    }
};

/// Registers 8 bytes and lends `len` bytes from `shift` on: where that is outside, only the address is
/// made up.
const Outside = struct {
    memory: [8]u8,
    shift: u64,
    len: u64,

    pub const sendable = true;

    pub fn open(self: *Outside, shift: u64, len: u64) void {
        self.* = .{ .memory = "in here!".*, .shift = shift, .len = len };
    }

    pub fn registered(self: *const Outside) []const u8 {
        return &self.memory;
    }

    pub fn poll(self: *Outside, _: *zigflow.Context) zigflow.Poll([]const u8) {
        const first: [*]const u8 = @ptrFromInt(@intFromPtr(&self.memory) +% @as(usize, @truncate(self.shift)));
        return .{ .ready = first[0..@intCast(self.len)] };
    }
};

/// `count` lent values of 4 bytes each, in the machine's order.
const Words = struct {
    word: u32 = 0,
    left: u32,

    pub const sendable = true;

    pub fn open(count: u32) Words {
        return .{ .left = count };
    }

    pub fn poll(self: *Words, _: *zigflow.Context) zigflow.Poll([]const u8) {
        if (self.left == 0) return .done;
        self.left -= 1;
        self.word +%= 0x0101_0101;
        return .{ .ready = std.mem.asBytes(&self.word) };
    }
};
