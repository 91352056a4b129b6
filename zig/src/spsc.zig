//! Channels with one sender and one receiver, Zig's ends. The Rust ends are `zigflow::spsc`: same verbs, same
//! memory, whichever language has the other end.
//!
//! An end arrives as a pointer, `ZigSender<T>` or `ZigReceiver<T>` in Rust:
//!
//!     export fn produce(raw: *zigflow.RawSender) void {
//!         var tx = zigflow.spsc.Sender(u64).open(raw) catch return;
//!         defer tx.deinit();
//!         for (0..10) |n| tx.sendBlocking(n) catch return;
//!     }

const std = @import("std");
const abi = @import("abi.zig");
const block = @import("block.zig");
const end_file = @import("end.zig");
const item_file = @import("item.zig");
const profile_file = @import("profile.zig");
const ring = @import("ring_spsc.zig");
const reject_file = @import("reject.zig");
const sync = @import("sync.zig");
const PeerWaker = @import("quiet.zig").PeerWaker;
const waker_file = @import("waker.zig");

pub const CreateError = end_file.CreateError;
pub const OpenError = end_file.OpenError;
pub const Reason = end_file.Reason;
/// Gives an end back that was not opened, because something else failed.
pub const reject = reject_file.reject;
const refuse = reject_file.refuse;

/// A channel for `capacity` items with both ends in Zig.
pub fn channel(comptime T: type, capacity: usize) CreateError!struct { Sender(T), Receiver(T) } {
    comptime end_file.requireItem(T);
    const raw = try end_file.create(abi.Flavor.spsc, capacity, T);
    return .{ .{ .ring = .open(raw) }, .{ .ring = .open(raw) } };
}

/// The sending end. One thread at a time may use it. `Receiver` is its mirror.
pub fn Sender(comptime T: type) type {
    return struct {
        ring: ring.Producer,

        pub const Sent = T;
        const Self = @This();

        /// Takes over an end that Rust has handed to Zig. On an error the end is gone and the channel closed:
        /// the receiver is told the error's name.
        pub fn open(raw: *abi.RawEnd) OpenError!Self {
            if (raw.kind != abi.EndKind.sender) return refuse(raw, error.WrongEnd);
            const shared: *abi.RawChannel = @alignCast(@fieldParentPtr("tail", raw));
            end_file.check(T, shared, raw, &.{abi.Flavor.spsc}) catch |e| return refuse(raw, e);
            return .{ .ring = .open(shared) };
        }

        /// Sends without waiting.
        pub inline fn trySend(self: *Self, item: T) error{ Full, Closed }!void {
            if (self.ring.room(1) == 0) return self.noRoom();
            const at = self.slot(0);
            sync.write(at);
            at.* = item;
            if (!self.ring.publish(1)) return error.Closed;
        }

        /// `trySend` that wakes nobody, for signal handlers and interrupts: whether a wake is due, to `peerWaker`, or to
        /// the next verb that is not quiet.
        pub fn trySendQuiet(self: *Self, item: T) error{ Full, Closed }!bool {
            const watched = ring.hush(&self.ring.mode);
            defer ring.endHush(&self.ring.mode, watched);
            if (self.ring.room(1) == 0) return self.noRoom();
            const at = self.slot(0);
            sync.write(at);
            at.* = item;
            return self.ring.publishQuietly(1) orelse error.Closed;
        }

        /// What wakes the receiver after a quiet verb. Not for handlers: it counts a reference, and may free.
        pub fn peerWaker(self: *const Self) PeerWaker {
            return .init(self.ring.channel, true);
        }

        fn noRoom(self: *Self) error{ Full, Closed } {
            @branchHint(.cold);
            return if (self.ring.isClosed()) error.Closed else error.Full;
        }

        /// Sends, or drops the item if there is no room; false when it was dropped, which the counters tell. (Of owned bytes:
        /// released. With an error they are still the caller's, as with all verbs.)
        pub fn sendOrDrop(self: *Self, item: T) error{Closed}!bool {
            self.trySend(item) catch |e| {
                if (e == error.Closed) return error.Closed;
                sync.raise(&self.ring.channel.tail.tally, 1);
                if (comptime item_file.isOwned(T)) item.deinit();
                return false;
            };
            return true;
        }

        /// Sends; the thread sleeps while there is no room.
        pub inline fn sendBlocking(self: *Self, item: T) error{Closed}!void {
            self.trySend(item) catch |e| {
                if (e == error.Closed) return error.Closed;
                _ = self.waitForRoom(1, null);
                return self.again(item);
            };
        }

        /// `sendBlocking` that gives up after a time.
        pub fn sendBlockingTimeout(self: *Self, item: T, timeout_ns: u64) error{ Closed, Timeout }!void {
            if (!self.waitForRoom(1, timeout_ns)) return error.Timeout;
            return self.again(item);
        }

        /// There is room, or the channel is closed: only this end fills it.
        fn again(self: *Self, item: T) error{Closed}!void {
            return self.trySend(item) catch error.Closed;
        }

        const Wait = struct { end: *Self, wanted: u32 };

        fn waitForRoom(self: *Self, wanted: u32, timeout_ns: ?u64) bool {
            var wait: Wait = .{ .end = self, .wanted = wanted };
            return self.ring.linger(wanted) or block.wait(&wait, isRoom, timeout_ns);
        }

        fn isRoom(wait: *Wait, words: abi.RawWaker) bool {
            const self = wait.end;
            return self.ring.room(wait.wanted) >= wait.wanted or self.ring.goToSleep(wait.wanted, words);
        }

        /// How often, at most, a thread that waits looks again before it sleeps; 0: never.
        pub fn setPatience(self: *Self, looks: u32) void {
            self.ring.patience = .of(@intCast(@min(looks, 255)));
        }

        /// True when there is room for an item; else the task of `cx` is woken when there is, or when the
        /// channel closes.
        pub fn pollReady(self: *Self, cx: *const waker_file.Context) error{Closed}!bool {
            const ready = self.ring.room(1) > 0 or self.ring.goToSleep(1, cx.waker.raw);
            return if (self.ring.isClosed()) error.Closed else ready;
        }

        /// Sends as many items from the front of `items` as there is room for, at once; how many.
        pub fn trySendMany(self: *Self, items: []const T) error{Closed}!usize {
            const wanted: u32 = @intCast(@min(items.len, self.ring.capacity));
            const count = @min(self.ring.room(wanted), wanted);
            if (count == 0) return if (self.ring.isClosed()) error.Closed else 0;
            const room = self.slices(count);
            @memcpy(room.first, items[0..room.first.len]);
            @memcpy(room.second, items[room.first.len..count]);
            return if (self.ring.publish(count)) count else error.Closed;
        }

        /// Sends all `items` in order, as much at once as there is room for; the thread sleeps while there is
        /// none. How many were sent: all, unless the receiver closed meanwhile.
        pub fn sendManyBlocking(self: *Self, items: []const T) usize {
            var sent: usize = 0;
            while (sent < items.len) {
                const count = self.trySendMany(items[sent..]) catch return sent;
                sent += count;
                if (count == 0) _ = self.waitForRoom(1, null);
            }
            return sent;
        }

        /// Room for `count` items, to be written in place. Nothing is sent before `commit`.
        pub const Grant = struct {
            end: *Self,
            first: []T,
            second: []T,

            /// Sends the first `count` items, in one step.
            pub fn commit(self: Grant, count: usize) error{Closed}!void {
                std.debug.assert(count <= self.first.len + self.second.len);
                if (count > 0 and !self.end.ring.publish(@intCast(count))) return error.Closed;
            }
        };

        /// Room for `count` items, at most the capacity. Until `commit` nothing else may be sent.
        pub fn tryReserve(self: *Self, count: usize) error{ Full, Closed }!Grant {
            if (count > self.ring.capacity or self.ring.room(@intCast(count)) < count) return self.noRoom();
            const room = self.slices(@intCast(count));
            return .{ .end = self, .first = room.first, .second = room.second };
        }

        /// `tryReserve`, once there is room; the thread sleeps until then.
        pub fn reserveBlocking(self: *Self, count: usize) error{ Closed, TooMany }!Grant {
            if (count > self.ring.capacity) return error.TooMany;
            _ = self.waitForRoom(@intCast(count), null);
            return self.tryReserve(count) catch error.Closed;
        }

        fn slices(self: *Self, count: u32) struct { first: []T, second: []T } {
            if (sync.model) for (0..count) |offset| sync.write(self.slot(@intCast(offset)));
            const straight = self.ring.straight(count);
            const start = self.ring.slot(0);
            const all = slots(T, self.ring.channel);
            return .{ .first = all[start .. start + straight], .second = all[0 .. count - straight] };
        }

        /// Sends nothing more and tells the receiver, which drains what was sent.
        pub fn close(self: *Self) void {
            self.ring.close(.{});
        }

        /// Closes, and says why: the receiver gets the error's name after the last item.
        pub fn closeWith(self: *Self, e: anyerror) void {
            self.ring.close(end_file.named(e));
        }

        /// Closes with a code of your own.
        pub fn closeWithCode(self: *Self, code: i32) void {
            self.ring.close(.{ .kind = abi.ErrorKind.code, .code = code });
        }

        /// True when the channel is closed, by either end; else the task of `cx` is woken when it is. Room that comes meanwhile
        /// wakes nobody.
        pub fn pollClosed(self: *Self, cx: *const waker_file.Context) bool {
            return self.ring.watch(cx.waker.raw);
        }

        /// The thread sleeps until the channel is closed.
        pub fn closedBlocking(self: *Self) void {
            _ = block.wait(self, isOver, null);
        }

        /// `closedBlocking` that gives up after a time: false.
        pub fn closedBlockingTimeout(self: *Self, timeout_ns: u64) bool {
            return block.wait(self, isOver, timeout_ns);
        }

        fn isOver(self: *Self, words: abi.RawWaker) bool {
            return self.ring.watch(words);
        }

        /// True when the channel is closed, by either end. It stays so.
        pub fn isClosed(self: *Self) bool {
            return self.ring.isClosed();
        }

        /// Why the receiver closed, if it has and said so.
        pub fn reason(self: *const Self) ?Reason {
            return Reason.from(self.ring.reason());
        }

        /// How many items wait.
        pub fn len(self: *const Self) usize {
            return end_file.snapshot(self.ring.channel).len;
        }

        /// How many items fit.
        pub fn capacity(self: *const Self) usize {
            return self.ring.capacity;
        }

        /// The channel's counters.
        pub fn snapshot(self: *const Self) end_file.Snapshot {
            return end_file.snapshot(self.ring.channel);
        }

        /// How long who waited, if Rust monitors the channel.
        pub fn profile(self: *const Self) ?profile_file.Profile {
            return profile_file.of(self.ring.channel);
        }

        /// Closes the channel and gives the end back.
        pub fn deinit(self: *Self) void {
            self.ring.deinit();
        }

        inline fn slot(self: *const Self, offset: u32) *T {
            return &slots(T, self.ring.channel)[self.ring.slot(offset)];
        }
    };
}

/// The receiving end. One thread at a time may use it. `Sender` is its mirror.
pub fn Receiver(comptime T: type) type {
    return struct {
        ring: ring.Consumer,

        const Self = @This();

        /// Why there is no item now.
        pub const TryError = error{ Empty, Closed };

        /// Takes over an end that Rust has handed to Zig. On an error the end is gone and the channel closed:
        /// the sender is told the error's name.
        pub fn open(raw: *abi.RawEnd) OpenError!Self {
            if (raw.kind != abi.EndKind.receiver) return refuse(raw, error.WrongEnd);
            const shared: *abi.RawChannel = @alignCast(@fieldParentPtr("head", raw));
            end_file.check(T, shared, raw, &.{abi.Flavor.spsc}) catch |e| return refuse(raw, e);
            return .{ .ring = .open(shared) };
        }

        /// Receives without waiting. `Closed`: there will be no item; `reason` tells why, if the sender said
        /// so.
        pub inline fn tryRecv(self: *Self) TryError!T {
            if (self.ring.available(1) == 0) return self.nothing();
            const at = self.slot(0);
            if (sync.bug(33)) self.ring.release(1);
            sync.read(at);
            const item = at.*;
            if (!sync.bug(33)) self.ring.release(1);
            return item;
        }

        /// `tryRecv` that wakes nobody, for signal handlers and interrupts: a wake that is due is due to `peerWaker`, or
        /// to the next verb that is not quiet.
        pub fn tryRecvQuiet(self: *Self) TryError!struct { item: T, wake_due: bool } {
            const watched = ring.hush(&self.ring.mode);
            defer ring.endHush(&self.ring.mode, watched);
            if (self.ring.available(1) == 0) return self.nothing();
            const at = self.slot(0);
            sync.read(at);
            const item = at.*;
            return .{ .item = item, .wake_due = self.ring.releaseQuietly(1) };
        }

        /// What wakes the sender after a quiet verb. Not for handlers: it counts a reference, and may free.
        pub fn peerWaker(self: *const Self) PeerWaker {
            return .init(self.ring.channel, false);
        }

        fn nothing(self: *Self) TryError {
            @branchHint(.cold);
            return if (self.ring.isEnded()) error.Closed else error.Empty;
        }

        /// Receives; the thread sleeps while there is no item.
        pub inline fn recvBlocking(self: *Self) error{Closed}!T {
            return self.tryRecv() catch |e| {
                if (e == error.Closed) return error.Closed;
                _ = self.waitForItem(null);
                return self.tryRecv() catch error.Closed;
            };
        }

        /// `recvBlocking` that gives up after a time.
        pub fn recvBlockingTimeout(self: *Self, timeout_ns: u64) error{ Closed, Timeout }!T {
            if (!self.waitForItem(timeout_ns)) return error.Timeout;
            return self.tryRecv() catch error.Closed;
        }

        /// There is an item, or none will come: only this end takes them. False when neither came in time.
        fn waitForItem(self: *Self, timeout_ns: ?u64) bool {
            return self.ring.linger(1) or block.wait(self, isThere, timeout_ns);
        }

        fn isThere(self: *Self, words: abi.RawWaker) bool {
            while (self.ring.available(1) == 0 and !self.ring.isEnded()) {
                if (!self.ring.goToSleep(1, words)) return false;
            }
            return true;
        }

        /// How often, at most, a thread that waits looks again before it sleeps; 0: never.
        pub fn setPatience(self: *Self, looks: u32) void {
            self.ring.patience = .of(@intCast(@min(looks, 255)));
        }

        /// An item, or null: then the task of `cx` is woken when there is one, or when the channel closes.
        pub fn pollRecv(self: *Self, cx: *const waker_file.Context) error{Closed}!?T {
            if (!self.isThere(cx.waker.raw)) return null;
            return self.tryRecv() catch error.Closed;
        }

        /// Receives as many items as are there, up to `items.len`, at once; how many, at least one unless
        /// `items` is empty.
        pub fn tryRecvMany(self: *Self, items: []T) TryError!usize {
            if (items.len == 0) return 0;
            const grant = try self.tryRead(items.len);
            @memcpy(items[0..grant.first.len], grant.first);
            @memcpy(items[grant.first.len..][0..grant.second.len], grant.second);
            grant.release(grant.len());
            return grant.len();
        }

        /// `tryRecvMany`, once there is an item; the thread sleeps until then.
        pub fn recvManyBlocking(self: *Self, items: []T) error{Closed}!usize {
            return self.tryRecvMany(items) catch |e| {
                if (e == error.Closed) return error.Closed;
                _ = self.waitForItem(null);
                return self.tryRecvMany(items) catch error.Closed;
            };
        }

        /// Items that are read in place. Not released, they stay in the channel. Owned bytes are the reader's with the
        /// release of their slots, to be ended by `deinit`.
        pub const Grant = struct {
            end: *Self,
            first: []const T,
            second: []const T,

            /// How many items there are.
            pub fn len(self: Grant) usize {
                return self.first.len + self.second.len;
            }

            /// Gives the slots of the first `count` items back to the sender.
            pub fn release(self: Grant, count: usize) void {
                std.debug.assert(count <= self.len());
                if (count > 0) self.end.ring.release(@intCast(count));
            }
        };

        /// Up to `max` items that are there. Until `release` nothing else may be received.
        pub fn tryRead(self: *Self, max: usize) TryError!Grant {
            const wanted: u32 = @intCast(@min(max, self.ring.mask + 1));
            const count = @min(self.ring.available(wanted), wanted);
            if (count == 0) return self.nothing();
            if (sync.model) for (0..count) |offset| sync.read(self.slot(@intCast(offset)));
            const straight = self.ring.straight(count);
            const start = self.ring.slot(0);
            const all = slots(T, self.ring.channel);
            return .{ .end = self, .first = all[start .. start + straight], .second = all[0 .. count - straight] };
        }

        /// `tryRead`, once there is an item; the thread sleeps until then.
        pub fn readBlocking(self: *Self, max: usize) error{Closed}!Grant {
            _ = self.waitForItem(null);
            return self.tryRead(max) catch error.Closed;
        }

        /// The next item, which stays in the channel.
        pub fn peek(self: *Self) TryError!*const T {
            const grant = try self.tryRead(1);
            return &grant.first[0];
        }

        /// Takes nothing that is sent from here on and tells the sender. What was sent before can still be
        /// received.
        pub fn close(self: *Self) void {
            self.ring.close(.{});
        }

        /// Closes, and says why.
        pub fn closeWith(self: *Self, e: anyerror) void {
            self.ring.close(end_file.named(e));
        }

        /// Closes with a code of your own.
        pub fn closeWithCode(self: *Self, code: i32) void {
            self.ring.close(.{ .kind = abi.ErrorKind.code, .code = code });
        }

        /// True when the channel is closed, by either end; else the task of `cx` is woken when it is. Items that come meanwhile
        /// wake nobody.
        pub fn pollClosed(self: *Self, cx: *const waker_file.Context) bool {
            return self.ring.watch(cx.waker.raw);
        }

        /// The thread sleeps until the channel is closed.
        pub fn closedBlocking(self: *Self) void {
            _ = block.wait(self, isOver, null);
        }

        /// `closedBlocking` that gives up after a time: false.
        pub fn closedBlockingTimeout(self: *Self, timeout_ns: u64) bool {
            return block.wait(self, isOver, timeout_ns);
        }

        fn isOver(self: *Self, words: abi.RawWaker) bool {
            return self.ring.watch(words);
        }

        /// True when the channel is closed, by either end. Items may still wait.
        pub fn isClosed(self: *const Self) bool {
            return self.ring.isClosed();
        }

        /// Why the sender closed, if it has and said so.
        pub fn reason(self: *const Self) ?Reason {
            return Reason.from(self.ring.reason());
        }

        /// How many items wait.
        pub fn len(self: *const Self) usize {
            return self.ring.len();
        }

        /// How many items fit.
        pub fn capacity(self: *const Self) usize {
            return self.ring.channel.capacity;
        }

        /// The channel's counters.
        pub fn snapshot(self: *const Self) end_file.Snapshot {
            return end_file.snapshot(self.ring.channel);
        }

        /// How long who waited, if Rust monitors the channel.
        pub fn profile(self: *const Self) ?profile_file.Profile {
            return profile_file.of(self.ring.channel);
        }

        /// Closes the channel and gives the end back. Owned bytes that nobody received are released.
        pub fn deinit(self: *Self) void {
            if (comptime item_file.isOwned(T)) {
                self.ring.close(.{});
                // Up to the last one: the sender keeps what it publishes from here on.
                while (self.tryRecv()) |item| item.deinit() else |_| {}
            }
            self.ring.deinit();
        }

        inline fn slot(self: *const Self, offset: u32) *T {
            return &slots(T, self.ring.channel)[self.ring.slot(offset)];
        }
    };
}

inline fn slots(comptime T: type, shared: *abi.RawChannel) [*]T {
    @setRuntimeSafety(false); // of this type, as `open` has compared
    return @ptrCast(@alignCast(shared.slots));
}
