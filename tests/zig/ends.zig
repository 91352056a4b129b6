//! Zig's ends of channels, driven from Rust: a table of functions for each item type. `ends.rs` is the
//! other half. Items and answers go by pointer; the numbers that a verb answers are those of `Answer`.

const std = @import("std");
const zigflow = @import("zigflow");
const abi = zigflow.abi;
const spsc = zigflow.spsc;

pub const Point = extern struct { x: f64, y: f64, tag: u32, seen: bool };

pub const Answer = struct {
    pub const done: u32 = 0;
    /// No room or no item now, not sent but dropped, or pending.
    pub const later: u32 = 1;
    pub const closed: u32 = 2;
    const timeout: u32 = 3;
    const too_many: u32 = 4;

    pub fn of(result: anytype) u32 {
        result catch |e| return switch (@as(anyerror, e)) {
            error.Full, error.Empty => later,
            error.Closed => closed,
            error.Timeout => timeout,
            error.TooMany => too_many,
            else => unreachable,
        };
        return done;
    }

    /// The value goes to `out`.
    pub fn put(out: anytype, result: anytype) u32 {
        out.* = result catch |e| return of(@as(@TypeOf(e)!void, e));
        return done;
    }
};

/// How a verb waits.
pub const forever = std.math.maxInt(u64);

fn handle(comptime End: type, raw: *abi.RawEnd, err: *abi.RawError) ?*Held(End) {
    const end = End.open(raw) catch |e| {
        err.* = .{ .name_ptr = @errorName(e).ptr, .name_len = @errorName(e).len };
        return null;
    };
    const held = zigflow.allocator.create(Held(End)) catch {
        var gone = end;
        gone.deinit();
        err.* = .{};
        return null;
    };
    held.* = .{ .end = end };
    return held;
}

fn Held(comptime End: type) type {
    return struct { end: End, grant: ?End.Grant = null };
}

/// What both ends have.
fn Common(comptime End: type) type {
    return struct {
        const H = *Held(End);

        fn open(raw: *abi.RawEnd, err: *abi.RawError) callconv(.c) ?H {
            return handle(End, raw, err);
        }
        fn close(h: H) callconv(.c) void {
            h.end.close();
        }
        fn closeTorn(h: H) callconv(.c) void {
            h.end.closeWith(error.TapeTorn);
        }
        fn closeCode(h: H, code: i32) callconv(.c) void {
            h.end.closeWithCode(code);
        }
        fn isClosed(h: H) callconv(.c) bool {
            return h.end.isClosed();
        }
        /// False: none was given.
        fn reason(h: H, out: *abi.RawError) callconv(.c) bool {
            const given = h.end.reason() orelse return false;
            out.* = switch (given) {
                .name => |name| .{ .name_ptr = name.ptr, .name_len = name.len },
                .code => |code| .{ .kind = abi.ErrorKind.code, .code = code },
            };
            return true;
        }
        fn len(h: H) callconv(.c) usize {
            return h.end.len();
        }
        fn capacity(h: H) callconv(.c) usize {
            return h.end.capacity();
        }
        fn snapshot(h: H, out: *[10]u64) callconv(.c) void {
            const s = h.end.snapshot();
            inline for (comptime std.meta.fieldNames(@TypeOf(s)), 0..) |field, i| out[i] = @field(s, field);
        }
        fn setPatience(h: H, looks: u32) callconv(.c) void {
            h.end.setPatience(looks);
        }
        /// A slice of the grant.
        fn slice(h: H, second: bool, count: *usize) callconv(.c) *const anyopaque {
            const grant = h.grant.?;
            const items = if (second) grant.second else grant.first;
            count.* = items.len;
            return @ptrCast(items.ptr);
        }
        fn deinit(h: H) callconv(.c) void {
            h.end.deinit();
            zigflow.allocator.destroy(h);
        }
    };
}

fn CommonTable(comptime End: type) type {
    const H = *Held(End);
    return extern struct {
        open: *const fn (*abi.RawEnd, *abi.RawError) callconv(.c) ?H = Common(End).open,
        close: *const fn (H) callconv(.c) void = Common(End).close,
        close_torn: *const fn (H) callconv(.c) void = Common(End).closeTorn,
        close_code: *const fn (H, i32) callconv(.c) void = Common(End).closeCode,
        is_closed: *const fn (H) callconv(.c) bool = Common(End).isClosed,
        reason: *const fn (H, *abi.RawError) callconv(.c) bool = Common(End).reason,
        len: *const fn (H) callconv(.c) usize = Common(End).len,
        capacity: *const fn (H) callconv(.c) usize = Common(End).capacity,
        snapshot: *const fn (H, *[10]u64) callconv(.c) void = Common(End).snapshot,
        set_patience: *const fn (H, u32) callconv(.c) void = Common(End).setPatience,
        slice: *const fn (H, bool, *usize) callconv(.c) *const anyopaque = Common(End).slice,
        deinit: *const fn (H) callconv(.c) void = Common(End).deinit,
    };
}

fn SenderVerbs(comptime T: type) type {
    return struct {
        const H = *Held(spsc.Sender(T));

        fn trySend(h: H, item: *const T) callconv(.c) u32 {
            return Answer.of(h.end.trySend(item.*));
        }
        fn sendBlocking(h: H, item: *const T, timeout_ns: u64) callconv(.c) u32 {
            if (timeout_ns == forever) return Answer.of(h.end.sendBlocking(item.*));
            return Answer.of(h.end.sendBlockingTimeout(item.*, timeout_ns));
        }
        fn sendOrDrop(h: H, item: *const T) callconv(.c) u32 {
            const sent = h.end.sendOrDrop(item.*) catch return Answer.closed;
            return if (sent) Answer.done else Answer.later;
        }
        fn pollReady(h: H, waker: *const abi.RawWaker) callconv(.c) u32 {
            const cx: zigflow.Context = .{ .waker = .{ .raw = waker.* } };
            const ready = h.end.pollReady(&cx) catch return Answer.closed;
            return if (ready) Answer.done else Answer.later;
        }
        fn trySendMany(h: H, items: [*]const T, count: usize, sent: *usize) callconv(.c) u32 {
            return Answer.put(sent, h.end.trySendMany(items[0..count]));
        }
        fn sendManyBlocking(h: H, items: [*]const T, count: usize) callconv(.c) usize {
            return h.end.sendManyBlocking(items[0..count]);
        }
        fn reserve(h: H, count: usize, blocking: bool) callconv(.c) u32 {
            if (blocking) {
                h.grant = h.end.reserveBlocking(count) catch |e| return Answer.of(@as(@TypeOf(e)!void, e));
            } else {
                h.grant = h.end.tryReserve(count) catch |e| return Answer.of(@as(@TypeOf(e)!void, e));
            }
            return Answer.done;
        }
        fn commit(h: H, count: usize) callconv(.c) u32 {
            defer h.grant = null;
            return Answer.of(h.grant.?.commit(count));
        }

        const Table = extern struct {
            common: CommonTable(spsc.Sender(T)) = .{},
            try_send: *const fn (H, *const T) callconv(.c) u32 = trySend,
            send_blocking: *const fn (H, *const T, u64) callconv(.c) u32 = sendBlocking,
            send_or_drop: *const fn (H, *const T) callconv(.c) u32 = sendOrDrop,
            poll_ready: *const fn (H, *const abi.RawWaker) callconv(.c) u32 = pollReady,
            try_send_many: *const fn (H, [*]const T, usize, *usize) callconv(.c) u32 = trySendMany,
            send_many_blocking: *const fn (H, [*]const T, usize) callconv(.c) usize = sendManyBlocking,
            reserve: *const fn (H, usize, bool) callconv(.c) u32 = reserve,
            commit: *const fn (H, usize) callconv(.c) u32 = commit,
        };
    };
}

fn ReceiverVerbs(comptime T: type) type {
    return struct {
        const H = *Held(spsc.Receiver(T));

        fn tryRecv(h: H, out: *T) callconv(.c) u32 {
            return Answer.put(out, h.end.tryRecv());
        }
        fn recvBlocking(h: H, out: *T, timeout_ns: u64) callconv(.c) u32 {
            if (timeout_ns == forever) return Answer.put(out, h.end.recvBlocking());
            return Answer.put(out, h.end.recvBlockingTimeout(timeout_ns));
        }
        fn pollRecv(h: H, waker: *const abi.RawWaker, out: *T) callconv(.c) u32 {
            const cx: zigflow.Context = .{ .waker = .{ .raw = waker.* } };
            const item = h.end.pollRecv(&cx) catch return Answer.closed;
            out.* = item orelse return Answer.later;
            return Answer.done;
        }
        fn tryRecvMany(h: H, items: [*]T, count: usize, received: *usize) callconv(.c) u32 {
            return Answer.put(received, h.end.tryRecvMany(items[0..count]));
        }
        fn recvManyBlocking(h: H, items: [*]T, count: usize, received: *usize) callconv(.c) u32 {
            return Answer.put(received, h.end.recvManyBlocking(items[0..count]));
        }
        fn read(h: H, max: usize, blocking: bool) callconv(.c) u32 {
            if (blocking) {
                h.grant = h.end.readBlocking(max) catch |e| return Answer.of(@as(@TypeOf(e)!void, e));
            } else {
                h.grant = h.end.tryRead(max) catch |e| return Answer.of(@as(@TypeOf(e)!void, e));
            }
            return Answer.done;
        }
        fn release(h: H, count: usize) callconv(.c) void {
            h.grant.?.release(count);
            h.grant = null;
        }
        fn peek(h: H, out: *T) callconv(.c) u32 {
            const item = h.end.peek() catch |e| return Answer.of(@as(@TypeOf(e)!void, e));
            out.* = item.*;
            return Answer.done;
        }

        const Table = extern struct {
            common: CommonTable(spsc.Receiver(T)) = .{},
            try_recv: *const fn (H, *T) callconv(.c) u32 = tryRecv,
            recv_blocking: *const fn (H, *T, u64) callconv(.c) u32 = recvBlocking,
            poll_recv: *const fn (H, *const abi.RawWaker, *T) callconv(.c) u32 = pollRecv,
            try_recv_many: *const fn (H, [*]T, usize, *usize) callconv(.c) u32 = tryRecvMany,
            recv_many_blocking: *const fn (H, [*]T, usize, *usize) callconv(.c) u32 = recvManyBlocking,
            read: *const fn (H, usize, bool) callconv(.c) u32 = read,
            release: *const fn (H, usize) callconv(.c) void = release,
            peek: *const fn (H, *T) callconv(.c) u32 = peek,
        };
    };
}

fn Table(comptime T: type) type {
    return extern struct {
        sender: SenderVerbs(T).Table = .{},
        receiver: ReceiverVerbs(T).Table = .{},
        open_as: *const fn (*abi.RawEnd, u32, *abi.RawError) callconv(.c) bool = openAs,
    };
}

export const zft_ends_u64: Table(u64) = .{};
export const zft_ends_point: Table(Point) = .{};
export const zft_ends_bool: Table(bool) = .{};

/// Opens an end as what it may not be; false, with the error, when that is refused.
fn openAs(raw: *abi.RawEnd, what: u32, err: *abi.RawError) callconv(.c) bool {
    const Other = struct {
        const Point = extern struct { x: f64, y: f64 };
    };
    return switch (what) {
        0 => opens(spsc.Sender(u64), raw, err),
        1 => opens(spsc.Receiver(u64), raw, err),
        2 => opens(spsc.Sender(u32), raw, err), // another size
        3 => opens(spsc.Receiver(u32), raw, err),
        4 => opens(spsc.Sender(i64), raw, err), // another name
        5 => opens(spsc.Receiver(i64), raw, err),
        6 => opens(spsc.Sender([8]u8), raw, err), // another alignment
        7 => opens(spsc.Receiver([8]u8), raw, err),
        8 => opens(spsc.Sender(Other.Point), raw, err), // the same name, another size
        else => opens(spsc.Receiver(Other.Point), raw, err),
    };
}

fn opens(comptime End: type, raw: *abi.RawEnd, err: *abi.RawError) bool {
    const held = handle(End, raw, err) orelse return false;
    Common(End).deinit(held);
    return true;
}

// Threads that Zig owns.

const Worker = struct {
    thread: std.Thread,
    raw: *abi.RawEnd,
    count: u64,
    /// How many items went, in order.
    done: u64 = 0,

    const batch = 7;

    fn produce(self: *Worker) void {
        var tx = spsc.Sender(u64).open(self.raw) catch return;
        defer tx.deinit();
        // One, a batch, a grant, in turn.
        while (self.done < self.count) {
            const left = self.count - self.done;
            tx.sendBlocking(self.done) catch return;
            self.done += 1;
            if (left <= 2 * batch) continue;
            var items: [batch]u64 = undefined;
            for (&items, 0..) |*item, n| item.* = self.done + n;
            const sent = tx.sendManyBlocking(&items);
            self.done += sent;
            if (sent < batch) return;
            const wanted = @min(batch, tx.capacity());
            const grant = tx.reserveBlocking(wanted) catch return;
            for (grant.first, 0..) |*item, n| item.* = self.done + n;
            for (grant.second, grant.first.len..) |*item, n| item.* = self.done + n;
            grant.commit(wanted) catch return;
            self.done += wanted;
        }
        tx.closeWith(error.TapeTorn);
    }

    fn consume(self: *Worker) void {
        var rx = spsc.Receiver(u64).open(self.raw) catch return;
        defer rx.deinit();
        while (self.done < self.count) {
            self.expect(rx.recvBlocking() catch return);
            var items: [batch]u64 = undefined;
            const count = rx.recvManyBlocking(&items) catch return;
            for (items[0..count]) |item| self.expect(item);
            const grant = rx.readBlocking(batch) catch return;
            for (grant.first) |item| self.expect(item);
            for (grant.second) |item| self.expect(item);
            grant.release(grant.len());
        }
        rx.closeWith(error.TapeTorn);
    }

    fn expect(self: *Worker, item: u64) void {
        if (item != self.done) @panic("an item out of order");
        self.done += 1;
    }
};

fn start(raw: *abi.RawEnd, count: u64, comptime run: fn (*Worker) void) ?*Worker {
    const worker = zigflow.allocator.create(Worker) catch return null;
    worker.* = .{ .thread = undefined, .raw = raw, .count = count };
    worker.thread = std.Thread.spawn(.{}, run, .{worker}) catch {
        zigflow.allocator.destroy(worker);
        return null;
    };
    return worker;
}

/// A thread sends 0 to `count` and closes with an error. Null: there is no thread.
export fn zft_produce(raw: *zigflow.RawSender, count: u64) ?*Worker {
    return start(raw, count, Worker.produce);
}

/// A thread receives 0 to `count`, at least, and closes with an error.
export fn zft_consume(raw: *zigflow.RawReceiver, count: u64) ?*Worker {
    return start(raw, count, Worker.consume);
}

/// Waits for the end of a thread; how many items went.
export fn zft_join(worker: *Worker) u64 {
    worker.thread.join();
    defer zigflow.allocator.destroy(worker);
    return worker.done;
}

/// A channel of Zig's own, made and left alone: 0, or 2 when there is no memory.
export fn zft_channel_made(capacity: usize, many: bool) u32 {
    return if (many) made(zigflow.mpmc, capacity) else made(zigflow.spsc, capacity);
}

fn made(comptime flavor: type, capacity: usize) u32 {
    var tx, var rx = flavor.channel(u64, capacity) catch |e| return if (e == error.Capacity) 1 else 2;
    tx.deinit();
    rx.deinit();
    return 0;
}

/// A channel of Zig's own, both ends in Zig; what comes out is the sum.
export fn zft_spsc_alone(capacity: usize, count: u32, sum: *u64) u32 {
    var tx, var rx = zigflow.spsc.channel(u64, capacity) catch |e| return if (e == error.Capacity) 1 else 2;
    defer rx.deinit();
    return alone(&tx, &rx, count, sum);
}

/// The same with an end of either kind of a channel with many.
export fn zft_mpmc_alone(capacity: usize, count: u32, sum: *u64) u32 {
    var tx, var rx = zigflow.mpmc.channel(u64, capacity) catch |e| return if (e == error.Capacity) 1 else 2;
    defer rx.deinit();
    return alone(&tx, &rx, count, sum);
}

/// The same with one that grows; the capacity is that of its memory.
export fn zft_unbounded_alone(capacity: usize, count: u32, sum: *u64) u32 {
    var tx, var rx = zigflow.mpmc.unboundedWithin(u64, capacity) catch |e| return if (e == error.Capacity) 1 else 2;
    defer rx.deinit();
    return alone(&tx, &rx, count, sum);
}

fn alone(tx: anytype, rx: anytype, count: u32, sum: *u64) u32 {
    const thread = std.Thread.spawn(.{}, sendAll, .{ tx, count }) catch return 3;
    sum.* = 0;
    while (rx.recvBlocking()) |item| sum.* += item else |_| {}
    thread.join();
    return 0;
}

fn sendAll(tx: anytype, count: u32) void {
    for (0..count) |item| tx.sendBlocking(item) catch break;
    tx.deinit();
}
