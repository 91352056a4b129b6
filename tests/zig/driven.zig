//! Sources that a test drives by hand, and functions to look behind them.
//!
//! A channel is a counted object. The test holds it, a source that is opened with its address holds it,
//! and so does whatever a source gives away; `zft_live` counts what is not freed yet.

const std = @import("std");
const zigflow = @import("zigflow");

comptime {
    zigflow.source(Driven, "driven");
    zigflow.source(Keeper, "keeper");
    zigflow.source(ChecksFirst, "checks_first");
    zigflow.source(WakesItself, "wakes_itself");
    zigflow.source(Pooled, "pooled");
    zigflow.source(Worked, "worked");
}

const Handle = zigflow.Shared(Channel);

var live_count: u32 = 0;

fn count(word: *u32) void {
    _ = @atomicRmw(u32, word, .Add, 1, .acq_rel);
}

const Channel = struct {
    cell: zigflow.WakerCell = .{},
    made: u32 = 0,
    ended: u32 = 0,
    counts: Counts = .{},
    kept: [16]zigflow.Waker = undefined,
    kept_len: u32 = 0,

    pub fn deinit(_: *Channel) void {
        _ = @atomicRmw(u32, &live_count, .Sub, 1, .acq_rel);
    }
};

/// What happened, as Rust reads it.
const Counts = extern struct {
    polls: u32 = 0,
    deinits: u32 = 0,
    released: u32 = 0,
    wakes: u32 = 0,
    frees: u32 = 0,
};

export fn zft_live() u32 {
    return @atomicLoad(u32, &live_count, .acquire);
}

export fn zft_channel_new() ?*Handle {
    const handle = Handle.create(.{}) catch return null;
    count(&live_count);
    return handle;
}

export fn zft_channel_retain(handle: *Handle) void {
    _ = handle.retain();
}

export fn zft_channel_release(handle: *Handle) void {
    handle.release();
}

/// Makes `items` more items and wakes once.
export fn zft_channel_push(handle: *Handle, items: u32) void {
    _ = @atomicRmw(u32, &handle.value.made, .Add, items, .release);
    handle.value.cell.wake();
}

export fn zft_channel_wake(handle: *Handle) void {
    handle.value.cell.wake();
}

export fn zft_channel_end(handle: *Handle) void {
    @atomicStore(u32, &handle.value.ended, 1, .release);
    handle.value.cell.wake();
}

export fn zft_channel_count(handle: *Handle, which: u32) u32 {
    const counts: *[5]u32 = @ptrCast(&handle.value.counts);
    return @atomicLoad(u32, &counts[which], .acquire);
}

/// Wakes all wakers that were kept; `how` is 0 to leave them, 1 to use them up, 2 to drop them unwoken.
export fn zft_channel_kept(handle: *Handle, how: u32) u32 {
    const kept = handle.value.kept[0..handle.value.kept_len];
    for (kept) |waker| switch (how) {
        0 => waker.wakeByRef(),
        1 => waker.wake(),
        else => waker.deinit(),
    };
    if (how != 0) handle.value.kept_len = 0;
    return @intCast(kept.len);
}

/// A Zig object that Rust sees as a waker. It counts in the channel.
const CountingWaker = struct {
    handle: *Handle,

    pub fn wake(self: *CountingWaker) void {
        count(&self.handle.value.counts.wakes);
    }

    pub fn deinit(self: *CountingWaker) void {
        count(&self.handle.value.counts.frees);
        self.handle.release();
    }
};

export fn zft_counted_waker(handle: *Handle, out: *zigflow.abi.RawWaker) bool {
    const waker = zigflow.CountedWaker(CountingWaker).create(.{ .handle = handle.retain() }) catch {
        handle.release();
        return false;
    };
    out.* = waker.raw;
    return true;
}

/// The layouts as Zig sees them.
export fn zft_layout_table(len: *u32) *const zigflow.abi.LayoutRow {
    len.* = zigflow.abi.layout_table.len;
    return &zigflow.abi.layout_table[0];
}

fn handleAt(address: u64) *Handle {
    const handle: *Handle = @ptrFromInt(@as(usize, @intCast(address)));
    return handle.retain();
}

/// Yields 0, 1, 2, … as the test pushes.
const Driven = struct {
    handle: *Handle,
    taken: u32 = 0,

    pub const sendable = true;

    pub fn open(address: u64) Driven {
        return .{ .handle = handleAt(address) };
    }

    pub fn deinit(self: *Driven) void {
        self.handle.value.cell.close();
        count(&self.handle.value.counts.deinits);
        self.handle.release();
    }

    pub fn poll(self: *Driven, cx: *zigflow.Context) zigflow.Poll(u32) {
        const channel = &self.handle.value;
        count(&channel.counts.polls);
        channel.cell.register(cx);
        if (self.taken != @atomicLoad(u32, &channel.made, .acquire)) {
            defer self.taken += 1;
            return .{ .ready = self.taken };
        }
        return if (@atomicLoad(u32, &channel.ended, .acquire) != 0) .done else .pending;
    }
};

/// Never ready. Keeps a clone of the waker of each poll, beyond its own life.
const Keeper = struct {
    handle: *Handle,

    pub const sendable = true;

    pub fn open(address: u64) Keeper {
        return .{ .handle = handleAt(address) };
    }

    pub fn deinit(self: *Keeper) void {
        count(&self.handle.value.counts.deinits);
        self.handle.release();
    }

    pub fn poll(self: *Keeper, cx: *zigflow.Context) zigflow.Poll(u32) {
        const channel = &self.handle.value;
        channel.kept[channel.kept_len] = cx.waker.clone();
        channel.kept_len += 1;
        return .pending;
    }
};

/// Looks whether there is an item, and registers only after that; in between a thread makes the item and
/// wakes.
const ChecksFirst = struct {
    cell: zigflow.WakerCell = .{},
    made: u32 = 0,
    taken: u32 = 0,
    total: u32,

    pub const sendable = true;

    pub fn open(total: u32) ChecksFirst {
        return .{ .total = total };
    }

    pub fn deinit(self: *ChecksFirst) void {
        self.cell.close();
    }

    pub fn poll(self: *ChecksFirst, cx: *zigflow.Context) !zigflow.Poll(u32) {
        if (self.taken == self.total) return .done;
        if (self.taken != @atomicLoad(u32, &self.made, .acquire)) {
            defer self.taken += 1;
            return .{ .ready = self.taken };
        }
        const thread = try std.Thread.spawn(.{}, makeOne, .{self});
        thread.join();
        self.cell.register(cx);
        return .pending;
    }

    fn makeOne(self: *ChecksFirst) void {
        _ = @atomicRmw(u32, &self.made, .Add, 1, .release);
        self.cell.wake();
    }
};

/// Every other poll is pending and wakes before it returns.
const WakesItself = struct {
    cell: zigflow.WakerCell = .{},
    next: u64 = 0,
    total: u64,
    woke: bool = false,

    pub const sendable = true;

    pub fn open(total: u64) WakesItself {
        return .{ .total = total };
    }

    pub fn deinit(self: *WakesItself) void {
        self.cell.close();
    }

    pub fn poll(self: *WakesItself, cx: *zigflow.Context) zigflow.Poll(u64) {
        if (self.next == self.total) return .done;
        self.cell.register(cx);
        self.woke = !self.woke;
        if (self.woke) {
            self.cell.wake();
            return .pending;
        }
        defer self.next += 1;
        return .{ .ready = self.next };
    }
};

/// Buffers with a release function and a context of their own: three kinds in turn, 64-aligned bytes, no
/// bytes at an address, no bytes at null.
const Pooled = struct {
    handle: *Handle,
    number: u32 = 0,
    total: u32,

    pub const sendable = true;
    const len_bytes = 100;

    pub fn open(address: u64, total: u32) Pooled {
        return .{ .handle = handleAt(address), .total = total };
    }

    pub fn deinit(self: *Pooled) void {
        self.handle.release();
    }

    pub fn poll(self: *Pooled, _: *zigflow.Context) !zigflow.Poll(zigflow.OwnedBytes) {
        if (self.number == self.total) return .done;
        defer self.number += 1;
        const bytes = try zigflow.allocator.alignedAlloc(u8, .@"64", len_bytes);
        @memset(bytes, @truncate(self.number));
        const handle = self.handle.retain();
        return .{ .ready = .{ .raw = switch (self.number % 3) {
            0 => .{ .ptr = bytes.ptr, .len = bytes.len, .release = release, .context = handle },
            1 => .{ .ptr = bytes.ptr, .len = 0, .release = release, .context = handle },
            else => blk: {
                zigflow.allocator.free(bytes);
                break :blk .{ .release = release, .context = handle };
            },
        } } };
    }

    fn release(context: ?*anyopaque, ptr: ?[*]u8, _: usize) callconv(.c) void {
        const handle: *Handle = @ptrCast(@alignCast(context.?));
        if (ptr) |first| zigflow.allocator.free(@as([]align(64) u8, @alignCast(first[0..len_bytes])));
        count(&handle.value.counts.released);
        handle.release();
    }
};

/// A Zig thread makes `total` items and wakes for each; it stops when the stream goes.
const Worked = struct {
    handle: *Handle,
    taken: u32 = 0,
    total: u32,

    pub const sendable = true;

    pub fn open(total: u32) !Worked {
        const handle = zft_channel_new() orelse return error.OutOfMemory;
        errdefer handle.release();
        const thread = std.Thread.spawn(.{}, work, .{ handle.retain(), total }) catch |e| {
            handle.release();
            return e;
        };
        thread.detach();
        return .{ .handle = handle, .total = total };
    }

    pub fn deinit(self: *Worked) void {
        @atomicStore(u32, &self.handle.value.ended, 1, .release);
        self.handle.value.cell.close();
        self.handle.release();
    }

    fn work(handle: *Handle, total: u32) void {
        defer handle.release();
        for (0..total) |i| {
            if (@atomicLoad(u32, &handle.value.ended, .acquire) != 0) return;
            zft_channel_push(handle, 1);
            if (i % 4 == 0) std.Thread.yield() catch {};
        }
    }

    pub fn poll(self: *Worked, cx: *zigflow.Context) zigflow.Poll(u32) {
        if (self.taken == self.total) return .done;
        self.handle.value.cell.register(cx);
        if (self.taken == @atomicLoad(u32, &self.handle.value.made, .acquire)) return .pending;
        defer self.taken += 1;
        return .{ .ready = self.taken };
    }
};
