//! The Zig side of the benchmarks.

const zigflow = @import("zigflow");

comptime {
    zigflow.source(Endless, "endless");
    zigflow.source(Waiting, "waiting");
    zigflow.source(zigflow.FileSource, "file");
    zigflow.source(Pooled, "pooled");
    zigflow.source(Allocated, "allocated");
    zigflow.source(Lent, "lent");
    _ = @import("channel.zig");
    _ = @import("future.zig");
}

/// Numbers without end; always ready.
const Endless = struct {
    next: u64,

    pub const sendable = true;

    pub fn open(from: u64) Endless {
        return .{ .next = from };
    }

    pub fn poll(self: *Endless, _: *zigflow.Context) zigflow.Poll(u64) {
        defer self.next +%= 1;
        return .{ .ready = self.next };
    }
};

/// Blocks of a pool of its own, whole, with the bytes that are there.
const Pooled = struct {
    waiter: zigflow.BlockWaiter,

    pub const sendable = true;

    pub fn open(blocks: u32, bytes: u32) !Pooled {
        const pool: zigflow.Pool = try .init(blocks, bytes);
        return .{ .waiter = pool.waiter() };
    }

    pub fn poll(self: *Pooled, cx: *zigflow.Context) zigflow.Poll(zigflow.OwnedBytes) {
        const block = self.waiter.poll(cx) orelse return .pending;
        return .{ .ready = block.give(block.slice().len) };
    }

    pub fn deinit(self: *Pooled) void {
        self.waiter.cancel();
        self.waiter.pool.deinit();
    }
};

/// Memory of Zig's allocator for each item.
const Allocated = struct {
    bytes: u32,

    pub const sendable = true;

    pub fn open(bytes: u32) Allocated {
        return .{ .bytes = bytes };
    }

    pub fn poll(self: *Allocated, _: *zigflow.Context) !zigflow.Poll(zigflow.OwnedBytes) {
        return .{ .ready = .fromSlice(try zigflow.allocator.alloc(u8, self.bytes)) };
    }
};

/// The same buffer again and again.
const Lent = struct {
    buffer: []u8,

    pub const sendable = true;

    pub fn open(bytes: u32) !Lent {
        const buffer = try zigflow.allocator.alloc(u8, bytes);
        @memset(buffer, 0);
        return .{ .buffer = buffer };
    }

    pub fn poll(self: *Lent, _: *zigflow.Context) zigflow.Poll([]const u8) {
        return .{ .ready = self.buffer };
    }

    pub fn deinit(self: *Lent) void {
        zigflow.allocator.free(self.buffer);
    }
};

/// The same item by the plainest call there is.
export fn bench_direct(state: *Endless, out: *u64) u32 {
    out.* = state.next;
    state.next +%= 1;
    return 0;
}

/// Never ready: keeps its waker for `bench_wake`.
const Waiting = struct {
    var cell: zigflow.WakerCell = .{};

    pub const sendable = true;

    pub fn open() Waiting {
        return .{};
    }

    pub fn poll(_: *Waiting, cx: *zigflow.Context) zigflow.Poll(u64) {
        cell.register(cx);
        return .pending;
    }
};

export fn bench_wake() void {
    Waiting.cell.wake();
}
