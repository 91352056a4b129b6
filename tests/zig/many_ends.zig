//! Zig's ends of channels with many ends, driven from Rust: a table of functions for each item type.
//! `many_ends.rs` is the other half. Items and answers go by pointer; the answers are those of `ends.zig`.

const std = @import("std");
const zigflow = @import("zigflow");
const ends = @import("ends.zig");
const abi = zigflow.abi;
const mpmc = zigflow.mpmc;
const Answer = ends.Answer;

/// An end that stays where it is.
fn held(comptime End: type, end: End) ?*End {
    const place = zigflow.allocator.create(End) catch {
        var gone = end;
        gone.deinit();
        return null;
    };
    place.* = end;
    return place;
}

/// What both ends have.
fn Common(comptime End: type) type {
    return struct {
        const Weak = @typeInfo(@TypeOf(End.downgrade)).@"fn".return_type.?;

        fn open(raw: *abi.RawEnd, err: *abi.RawError) callconv(.c) ?*End {
            const end = End.open(raw) catch |e| {
                err.* = .{ .name_ptr = @errorName(e).ptr, .name_len = @errorName(e).len };
                return null;
            };
            return held(End, end);
        }
        fn clone(h: *End) callconv(.c) ?*End {
            return held(End, h.clone());
        }
        fn cancel(h: *End) callconv(.c) void {
            h.cancel();
        }
        fn close(h: *End) callconv(.c) void {
            h.close();
        }
        fn closeTorn(h: *End) callconv(.c) void {
            h.closeWith(error.TapeTorn);
        }
        fn closeCode(h: *End, code: i32) callconv(.c) void {
            h.closeWithCode(code);
        }
        fn isClosed(h: *End) callconv(.c) bool {
            return h.isClosed();
        }
        /// False: none was given.
        fn reason(h: *End, out: *abi.RawError) callconv(.c) bool {
            const given = h.reason() orelse return false;
            out.* = switch (given) {
                .name => |name| .{ .name_ptr = name.ptr, .name_len = name.len },
                .code => |code| .{ .kind = abi.ErrorKind.code, .code = code },
            };
            return true;
        }
        fn len(h: *End) callconv(.c) usize {
            return h.len();
        }
        fn capacity(h: *End) callconv(.c) usize {
            return h.capacity();
        }
        fn setPatience(h: *End, looks: u32) callconv(.c) void {
            h.setPatience(looks);
        }
        fn downgrade(h: *End) callconv(.c) ?*Weak {
            return held(Weak, h.downgrade());
        }
        fn weakUpgrade(weak: *Weak) callconv(.c) ?*End {
            return held(End, weak.upgrade() orelse return null);
        }
        fn weakClone(weak: *Weak) callconv(.c) ?*Weak {
            return held(Weak, weak.clone());
        }
        fn weakDeinit(weak: *Weak) callconv(.c) void {
            weak.deinit();
            zigflow.allocator.destroy(weak);
        }
        fn snapshot(h: *End, out: *[10]u64) callconv(.c) void {
            const s = h.snapshot();
            inline for (comptime std.meta.fieldNames(@TypeOf(s)), 0..) |field, i| out[i] = @field(s, field);
        }
        fn deinit(h: *End) callconv(.c) void {
            h.deinit();
            zigflow.allocator.destroy(h);
        }

        const Table = extern struct {
            open: *const fn (*abi.RawEnd, *abi.RawError) callconv(.c) ?*End = open,
            clone: *const fn (*End) callconv(.c) ?*End = clone,
            cancel: *const fn (*End) callconv(.c) void = cancel,
            close: *const fn (*End) callconv(.c) void = close,
            close_torn: *const fn (*End) callconv(.c) void = closeTorn,
            close_code: *const fn (*End, i32) callconv(.c) void = closeCode,
            is_closed: *const fn (*End) callconv(.c) bool = isClosed,
            reason: *const fn (*End, *abi.RawError) callconv(.c) bool = reason,
            len: *const fn (*End) callconv(.c) usize = len,
            capacity: *const fn (*End) callconv(.c) usize = capacity,
            snapshot: *const fn (*End, *[10]u64) callconv(.c) void = snapshot,
            set_patience: *const fn (*End, u32) callconv(.c) void = setPatience,
            downgrade: *const fn (*End) callconv(.c) ?*Weak = downgrade,
            weak_upgrade: *const fn (*Weak) callconv(.c) ?*End = weakUpgrade,
            weak_clone: *const fn (*Weak) callconv(.c) ?*Weak = weakClone,
            weak_deinit: *const fn (*Weak) callconv(.c) void = weakDeinit,
            deinit: *const fn (*End) callconv(.c) void = deinit,
        };
    };
}

fn SenderVerbs(comptime T: type) type {
    return struct {
        const H = *mpmc.Sender(T);

        fn trySend(h: H, item: *const T) callconv(.c) u32 {
            return Answer.of(h.trySend(item.*));
        }
        /// The oldest item goes to `out` if it was replaced.
        fn forceSend(h: H, item: *const T, out: *T, replaced: *bool) callconv(.c) u32 {
            const oldest = h.forceSend(item.*) catch |e| return Answer.of(@as(@TypeOf(e)!void, e));
            replaced.* = oldest != null;
            if (oldest) |old| out.* = old;
            return Answer.done;
        }
        fn sendBlocking(h: H, item: *const T, timeout_ns: u64) callconv(.c) u32 {
            if (timeout_ns == ends.forever) return Answer.of(h.sendBlocking(item.*));
            return Answer.of(h.sendBlockingTimeout(item.*, timeout_ns));
        }
        fn trySendMany(h: H, items: [*]const T, len: usize, sent: *usize) callconv(.c) u32 {
            return Answer.put(sent, h.trySendMany(items[0..len]));
        }
        fn sendManyBlocking(h: H, items: [*]const T, len: usize) callconv(.c) usize {
            return h.sendManyBlocking(items[0..len]);
        }
        fn pollReady(h: H, waker: *const abi.RawWaker) callconv(.c) u32 {
            const cx: zigflow.Context = .{ .waker = .{ .raw = waker.* } };
            const ready = h.pollReady(&cx) catch return Answer.closed;
            return if (ready) Answer.done else Answer.later;
        }
        /// A grant that stays where it is goes to `out`.
        fn reserve(h: H, out: *?*Grant) callconv(.c) u32 {
            const grant = h.tryReserve() catch |e| return Answer.of(@as(@TypeOf(e)!void, e));
            const place = zigflow.allocator.create(Grant) catch @panic("memory");
            place.* = grant;
            out.* = place;
            return Answer.done;
        }
        const Grant = mpmc.Sender(T).Grant;
        /// Writes and sends `item`; null: gives up.
        fn finish(grant: *Grant, item: ?*const T) callconv(.c) void {
            defer zigflow.allocator.destroy(grant);
            if (item) |from| {
                grant.item.* = from.*;
                grant.commit();
            } else grant.abandon();
        }
        /// Sends an item all of whose bytes are `byte`, whether or not that is an item.
        fn sendBytes(h: H, byte: u8) callconv(.c) u32 {
            const claim = h.ring.claimFree() catch return Answer.later;
            const bytes: *[@sizeOf(T)]u8 = @ptrCast(&claim.slot.item);
            @memset(bytes, byte);
            h.ring.commitFilled(claim);
            return Answer.done;
        }

        const Table = extern struct {
            common: Common(mpmc.Sender(T)).Table = .{},
            try_send: *const fn (H, *const T) callconv(.c) u32 = trySend,
            force_send: *const fn (H, *const T, *T, *bool) callconv(.c) u32 = forceSend,
            send_blocking: *const fn (H, *const T, u64) callconv(.c) u32 = sendBlocking,
            try_send_many: *const fn (H, [*]const T, usize, *usize) callconv(.c) u32 = trySendMany,
            send_many_blocking: *const fn (H, [*]const T, usize) callconv(.c) usize = sendManyBlocking,
            poll_ready: *const fn (H, *const abi.RawWaker) callconv(.c) u32 = pollReady,
            reserve: *const fn (H, *?*Grant) callconv(.c) u32 = reserve,
            finish: *const fn (*Grant, ?*const T) callconv(.c) void = finish,
            send_bytes: *const fn (H, u8) callconv(.c) u32 = sendBytes,
        };
    };
}

fn ReceiverVerbs(comptime T: type) type {
    return struct {
        const H = *mpmc.Receiver(T);

        fn tryRecv(h: H, out: *T) callconv(.c) u32 {
            return Answer.put(out, h.tryRecv());
        }
        fn recvBlocking(h: H, out: *T, timeout_ns: u64) callconv(.c) u32 {
            if (timeout_ns == ends.forever) return Answer.put(out, h.recvBlocking());
            return Answer.put(out, h.recvBlockingTimeout(timeout_ns));
        }
        fn tryRecvMany(h: H, items: [*]T, len: usize, received: *usize) callconv(.c) u32 {
            return Answer.put(received, h.tryRecvMany(items[0..len]));
        }
        fn recvManyBlocking(h: H, items: [*]T, len: usize, received: *usize) callconv(.c) u32 {
            return Answer.put(received, h.recvManyBlocking(items[0..len]));
        }
        fn pollRecv(h: H, waker: *const abi.RawWaker, out: *T) callconv(.c) u32 {
            const cx: zigflow.Context = .{ .waker = .{ .raw = waker.* } };
            const received = h.pollRecv(&cx) catch return Answer.closed;
            out.* = received orelse return Answer.later;
            return Answer.done;
        }
        /// A grant that stays where it is goes to `out`.
        fn read(h: H, out: *?*Grant) callconv(.c) u32 {
            const grant = h.tryRead() catch |e| return Answer.of(@as(@TypeOf(e)!void, e));
            const place = zigflow.allocator.create(Grant) catch @panic("memory");
            place.* = grant;
            out.* = place;
            return Answer.done;
        }
        const Grant = mpmc.Receiver(T).Grant;
        fn item(grant: *Grant) callconv(.c) *T {
            return grant.item();
        }
        fn release(grant: *Grant) callconv(.c) void {
            grant.release();
            zigflow.allocator.destroy(grant);
        }

        const Table = extern struct {
            common: Common(mpmc.Receiver(T)).Table = .{},
            try_recv: *const fn (H, *T) callconv(.c) u32 = tryRecv,
            recv_blocking: *const fn (H, *T, u64) callconv(.c) u32 = recvBlocking,
            try_recv_many: *const fn (H, [*]T, usize, *usize) callconv(.c) u32 = tryRecvMany,
            recv_many_blocking: *const fn (H, [*]T, usize, *usize) callconv(.c) u32 = recvManyBlocking,
            poll_recv: *const fn (H, *const abi.RawWaker, *T) callconv(.c) u32 = pollRecv,
            read: *const fn (H, *?*Grant) callconv(.c) u32 = read,
            item: *const fn (*Grant) callconv(.c) *T = item,
            release: *const fn (*Grant) callconv(.c) void = release,
        };
    };
}

fn Table(comptime T: type) type {
    return extern struct {
        sender: SenderVerbs(T).Table = .{},
        receiver: ReceiverVerbs(T).Table = .{},
    };
}

export const zft_many_u64: Table(u64) = .{};
export const zft_many_point: Table(ends.Point) = .{};
export const zft_many_bool: Table(bool) = .{};

/// Opens an end as what it may not be; false, with the error, when that is refused.
export fn zft_many_open_as(raw: *abi.RawEnd, what: u32, err: *abi.RawError) bool {
    const Other = struct {
        const Point = extern struct { x: f64, y: f64 };
    };
    return switch (what) {
        0 => opens(mpmc.Sender(u64), raw, err),
        1 => opens(mpmc.Receiver(u64), raw, err),
        2 => opens(mpmc.Sender(u32), raw, err), // another size
        3 => opens(mpmc.Receiver(u32), raw, err),
        4 => opens(mpmc.Sender(i64), raw, err), // another name
        5 => opens(mpmc.Receiver(i64), raw, err),
        6 => opens(mpmc.Sender([8]u8), raw, err), // another alignment
        7 => opens(mpmc.Receiver([8]u8), raw, err),
        8 => opens(mpmc.Sender(Other.Point), raw, err), // the same name, another size
        else => opens(mpmc.Receiver(Other.Point), raw, err),
    };
}

fn opens(comptime End: type, raw: *abi.RawEnd, err: *abi.RawError) bool {
    const end = Common(End).open(raw, err) orelse return false;
    Common(End).deinit(end);
    return true;
}

// Threads that Zig owns.

const Worker = struct {
    thread: std.Thread,
    raw: *abi.RawEnd,
    /// Added to all items of a producer.
    mark: u64,
    count: u64,

    /// Sends `count` items by two ends in turn.
    fn produce(self: *Worker) void {
        var tx = mpmc.Sender(u64).open(self.raw) catch return;
        defer tx.deinit();
        var other = tx.clone();
        defer other.deinit();
        var n: u64 = 0;
        while (n < self.count) : (n += 1) {
            const end = if (n % 2 == 0) &tx else &other;
            end.sendBlocking(self.mark + n) catch return;
        }
    }

    /// Receives until the end; counts the items and leaves their sum in `mark`.
    fn consume(self: *Worker) void {
        var rx = mpmc.Receiver(u64).open(self.raw) catch return;
        defer rx.deinit();
        while (rx.recvBlocking()) |item| {
            self.mark +%= item;
            self.count += 1;
        } else |_| {}
    }
};

fn start(raw: *abi.RawEnd, mark: u64, count: u64, comptime run: fn (*Worker) void) ?*Worker {
    const worker = zigflow.allocator.create(Worker) catch return null;
    worker.* = .{ .thread = undefined, .raw = raw, .mark = mark, .count = count };
    worker.thread = std.Thread.spawn(.{}, run, .{worker}) catch {
        zigflow.allocator.destroy(worker);
        return null;
    };
    return worker;
}

/// A thread sends `mark` to `mark + count`. Null: there is no thread.
export fn zft_many_produce(raw: *abi.RawEnd, mark: u64, count: u64) ?*Worker {
    return start(raw, mark, count, Worker.produce);
}

/// A thread receives until the end.
export fn zft_many_consume(raw: *abi.RawEnd) ?*Worker {
    return start(raw, 0, 0, Worker.consume);
}

/// Waits for the end of a thread; how many items went, and their sum if it received.
export fn zft_many_join(worker: *Worker, sum: *u64) u64 {
    worker.thread.join();
    defer zigflow.allocator.destroy(worker);
    sum.* = worker.mark;
    return worker.count;
}
