//! Channels with any number of senders and receivers, Zig's ends. The Rust ends are `zigflow::mpmc`: same verbs,
//! same memory, whichever language has the other ends.
//!
//! An end arrives as a pointer, `mpmc::ZigSender<T>` or `mpmc::ZigReceiver<T>` in Rust, and may be cloned
//! here. One thread at a time may use an end.

const std = @import("std");
const abi = @import("abi.zig");
const block = @import("block.zig");
const end_file = @import("end.zig");
const host = @import("host.zig");
const item_file = @import("item.zig");
const lap = @import("lap.zig");
const pos = @import("position.zig");
const profile_file = @import("profile.zig");
const ring_file = @import("ring_mpmc.zig");
const reject_file = @import("reject.zig");
const sync = @import("sync.zig");
const waker_file = @import("waker.zig");

const Patience = @import("patience.zig").Patience;
const PeerWaker = @import("quiet.zig").PeerWaker;
const Seat = ring_file.Seat;
pub const CreateError = end_file.CreateError;
pub const OpenError = end_file.OpenError;
pub const Reason = end_file.Reason;
/// Gives an end back that was not opened, because something else failed.
pub const reject = reject_file.reject;
const refuse = reject_file.refuse;

/// A channel for `capacity` items with an end of either kind in Zig.
pub fn channel(comptime T: type, capacity: usize) CreateError!struct { Sender(T), Receiver(T) } {
    comptime end_file.requireItem(T);
    return create(T, abi.Flavor.mpmc, capacity);
}

/// A channel that grows as items wait, block by block, and gives the blocks back. When there is no memory it is full:
/// its senders wait until one is used up.
pub fn unbounded(comptime T: type) CreateError!struct { Sender(T), Receiver(T) } {
    return unboundedWithin(T, std.math.maxInt(usize));
}

/// `unbounded` with a limit to its memory, bytes: then it is full until a block is used up. `Capacity`: not even two blocks
/// of one item fit.
pub fn unboundedWithin(comptime T: type, bytes: usize) CreateError!struct { Sender(T), Receiver(T) } {
    comptime end_file.requireItem(T);
    return create(T, abi.Flavor.unbounded, bytes);
}

fn create(comptime T: type, flavor: u32, capacity: usize) CreateError!struct { Sender(T), Receiver(T) } {
    const raw = try end_file.create(flavor, capacity, ring_file.Slot(T));
    const all: *abi.RawMpmc = @alignCast(@fieldParentPtr("channel", raw));
    return .{ .{ .ring = .init(all) }, .{ .ring = .init(all) } };
}

/// A sending end. `Receiver` is its mirror.
pub fn Sender(comptime T: type) type {
    return struct {
        ring: Ring,
        /// Where `pollReady` waits: the end stays where it is from the first one to `deinit`.
        seat: Seat = .{},
        patience: Patience = .default,

        pub const Sent = T;
        const Self = @This();
        const Ring = ring_file.Ring(T);

        /// Takes over an end that Rust has handed to Zig. On an error the end is gone and the channel closed: the
        /// others are told the error's name.
        pub fn open(raw: *abi.RawEnd) OpenError!Self {
            if (raw.kind != abi.EndKind.sender) return refuse(raw, error.WrongEnd);
            const shared: *abi.RawChannel = @alignCast(@fieldParentPtr("tail", raw));
            end_file.check(T, shared, raw, &.{ abi.Flavor.mpmc, abi.Flavor.unbounded }) catch |e| return refuse(raw, e);
            return .{ .ring = .init(@alignCast(@fieldParentPtr("channel", shared))) };
        }

        /// Another end of the same channel.
        pub fn clone(self: *const Self) Self {
            self.ring.another(&self.ring.raw.senders);
            return .{ .ring = self.ring };
        }

        /// Sends without waiting.
        pub inline fn trySend(self: *Self, item: T) error{ Full, Closed }!void {
            const claim = self.ring.claimFree() catch |e| return if (e == error.Closed) error.Closed else error.Full;
            sync.write(&claim.slot.item);
            claim.slot.item = item;
            self.ring.commitFilled(claim);
            if (self.ring.isAbandoned() and !sync.bug(59)) self.ring.discard();
        }

        /// `trySend` that wakes nobody, for signal handlers and interrupts: whether a wake is due, to `peerWaker`, or to
        /// the next verb that is not quiet. (For bounded channels: one that grows may allocate here, and wake.)
        pub fn trySendQuiet(self: *Self, item: T) error{ Full, Closed }!bool {
            if (comptime item_file.isOwned(T)) @compileError("zigflow: quiet verbs of senders are for plain data; of bytes that nobody receives any more the memory would be freed here");
            const claim = self.ring.claimFree() catch |e| return if (e == error.Closed) error.Closed else error.Full;
            sync.write(&claim.slot.item);
            claim.slot.item = item;
            const due = self.ring.commitFilledQuietly(claim);
            if (claim.tells_senders) self.ring.tellSenders();
            if (self.ring.isAbandoned()) self.ring.discard();
            return due;
        }

        /// Room for an item, which is written in place. The item has its place in the order from now on: what others
        /// send meanwhile is received after it, so a grant must not be kept for long, and one of `commit` and
        /// `abandon` must be called, once; both are right also when the channel was closed meanwhile.
        pub const Grant = struct {
            /// Where the item goes.
            item: *T,
            ring: Ring,
            claim: ring_file.Claim(T),

            /// Sends the item.
            pub fn commit(self: Grant) void {
                self.ring.commitFilled(self.claim);
                if (self.ring.isAbandoned()) self.ring.discard();
            }

            /// Sends nothing: receivers pass over the slot, and it is not counted any more when they have.
            pub fn abandon(self: Grant) void {
                self.ring.abandon(self.claim);
                if (self.ring.isAbandoned()) self.ring.discard();
            }
        };

        /// Room for an item, now. `pollReady` waits for it.
        pub fn tryReserve(self: *Self) error{ Full, Closed }!Grant {
            const claim = self.ring.claimFree() catch |e| return if (e == error.Closed) error.Closed else error.Full;
            // It may be kept for long: the other senders are told now.
            if (claim.tells_senders) self.ring.tellSenders();
            sync.write(&claim.slot.item);
            return .{ .item = &claim.slot.item, .ring = self.ring, .claim = .{ .slot = claim.slot, .filled = claim.filled } };
        }

        /// What wakes a receiver after a quiet verb. Not for handlers: it counts a reference, and may free.
        pub fn peerWaker(self: *const Self) PeerWaker {
            return .init(&self.ring.raw.channel, true);
        }

        /// Sends without waiting, in place of the oldest item if there is no room: that one comes back, and
        /// the counters tell how many were replaced.
        ///
        /// `Full`: there is no room and the oldest item is just being sent or received by another end, or another sender
        /// took the room that was made. In the latter case, or if the channel is closed just then, the oldest item is
        /// gone, and counted. A channel that grows is full at its limit: one item less makes no room there.
        pub fn forceSend(self: *Self, item: T) error{ Full, Closed }!?T {
            self.trySend(item) catch |e| {
                if (e == error.Closed) return error.Closed;
                // Also for this: a sender that took the consumers' turn would have to do what they do at the end.
                if (self.ring.grows) return error.Full;
                // Where a grant was abandoned there is room, and nothing to replace.
                if (self.ring.passOverAll()) {
                    if (self.trySend(item)) return null else |again| if (again == error.Closed) return error.Closed;
                }
                const claim = self.ring.claimFilled() catch return error.Full;
                sync.read(&claim.slot.item);
                const oldest = claim.slot.item;
                self.ring.commitFree(claim);
                _ = sync.fetchAddRelaxed(&self.ring.raw.channel.tail.tally, 1);
                self.trySend(item) catch |again| {
                    if (comptime item_file.isOwned(T)) oldest.deinit();
                    return again;
                };
                return oldest;
            };
            return null;
        }

        /// Sends; the thread sleeps while there is no room, in turn.
        pub inline fn sendBlocking(self: *Self, item: T) error{Closed}!void {
            self.trySend(item) catch |e| {
                if (e == error.Closed) return error.Closed;
                return self.sendInTime(item, null) catch error.Closed;
            };
        }

        /// `sendBlocking` that gives up after a time.
        pub fn sendBlockingTimeout(self: *Self, item: T, timeout_ns: u64) error{ Closed, Timeout }!void {
            return self.sendInTime(item, timeout_ns);
        }

        const Wait = struct { end: *Self, item: T, seat: Seat = .{}, is_closed: bool = false };

        noinline fn sendInTime(self: *Self, item: T, timeout_ns: ?u64) error{ Closed, Timeout }!void {
            self.ring.linger(&self.ring.raw.senders, &self.patience, Ring.mayHaveRoom);
            var wait: Wait = .{ .end = self, .item = item };
            const finished = block.wait(&wait, sendStep, timeout_ns);
            const party = &self.ring.raw.senders;
            if (wait.seat.leave(party)) |woken| self.pass(woken, finished);
            if (!finished) return error.Timeout;
            if (wait.is_closed) return error.Closed;
        }

        fn sendStep(wait: *Wait, words: abi.RawWaker) bool {
            const self = wait.end;
            while (true) {
                self.trySend(wait.item) catch |e| {
                    wait.is_closed = e == error.Closed;
                    if (wait.is_closed) return true;
                    wait.seat.join(&self.ring.raw.senders, words);
                    if (!self.ring.isRoom()) return false;
                    continue;
                };
                return true;
            }
        }

        /// Sends as many items from the front of `items` as there is room for; how many. Items of other senders may
        /// come between them.
        pub fn trySendMany(self: *Self, items: []const T) error{Closed}!usize {
            for (items, 0..) |item, sent| self.trySend(item) catch |e| {
                // What was sent before the end is told first.
                return if (e == error.Closed and sent == 0) error.Closed else sent;
            };
            return if (items.len == 0 and self.isClosed()) error.Closed else items.len;
        }

        /// Sends all `items` in order, as many at once as there is room for; the thread sleeps while there is
        /// none, in turn for each. How many were sent: all, unless the channel was closed meanwhile.
        pub fn sendManyBlocking(self: *Self, items: []const T) usize {
            var sent: usize = 0;
            while (sent < items.len) {
                const count = self.trySendMany(items[sent..]) catch return sent;
                sent += count;
                if (count > 0) continue;
                self.sendBlocking(items[sent]) catch return sent;
                sent += 1;
            }
            return sent;
        }

        /// The baton: who waits next may have something to do as well.
        fn pass(self: *Self, woken: bool, finished: bool) void {
            const party = &self.ring.raw.senders;
            if (if (finished) sync.loadAcquire(&party.waiting) != 0 and self.ring.isRoom() else woken)
                host.zf1_party_wake_one(party);
        }

        /// How often, at most, a thread that waits looks again before it sleeps; 0: never. This end only.
        pub fn setPatience(self: *Self, looks: u32) void {
            self.patience = .of(@intCast(@min(looks, 255)));
        }

        /// True when there is room for an item; else the task of `cx` is woken, in turn, when there is, or when
        /// the channel closes. Another sender may be faster.
        pub fn pollReady(self: *Self, cx: *const waker_file.Context) error{Closed}!bool {
            const party = &self.ring.raw.senders;
            self.seat.join(party, cx.waker.raw);
            if (!self.ring.isRoom()) return false;
            if (self.seat.leave(party)) |woken| self.pass(woken, true);
            return if (self.ring.isClosed()) error.Closed else true;
        }

        /// Waits no more: gives the turn that `pollReady` took to the next one.
        pub fn cancel(self: *Self) void {
            if (self.seat.leave(&self.ring.raw.senders)) |woken| self.pass(woken, false);
        }

        /// Closes the channel for all ends; the receivers drain what was sent.
        pub fn close(self: *Self) void {
            self.ring.close(.{});
        }

        /// Closes, and says why: each receiver gets the error's name after the last item.
        pub fn closeWith(self: *Self, e: anyerror) void {
            self.ring.close(end_file.named(e));
        }

        /// Closes with a code of your own.
        pub fn closeWithCode(self: *Self, code: i32) void {
            self.ring.close(.{ .kind = abi.ErrorKind.code, .code = code });
        }

        /// What waits for nothing but the end of the channel.
        pub fn watch(self: *const Self) Watch(T) {
            return .{ .ring = self.ring };
        }

        /// The thread sleeps until the channel is closed, and takes no turn of those who wait for room.
        pub fn closedBlocking(self: *Self) void {
            _ = Watch(T).wait(self.ring, null);
        }

        /// `closedBlocking` that gives up after a time: false.
        pub fn closedBlockingTimeout(self: *Self, timeout_ns: u64) bool {
            return Watch(T).wait(self.ring, timeout_ns);
        }

        /// True when the channel is closed. It stays so.
        pub fn isClosed(self: *const Self) bool {
            return self.ring.isClosed();
        }

        /// Why the channel was closed, if it was and somebody said so.
        pub fn reason(self: *const Self) ?Reason {
            return Reason.from(self.ring.reason());
        }

        /// How many items wait; other ends may change that meanwhile.
        pub fn len(self: *const Self) usize {
            return self.ring.len();
        }

        /// How many items fit.
        pub fn capacity(self: *const Self) usize {
            return self.ring.capacity;
        }

        /// The channel's counters.
        pub fn snapshot(self: *const Self) end_file.Snapshot {
            return snapshotOf(self.ring.raw);
        }

        /// How long who waited, if Rust monitors the channel.
        pub fn profile(self: *const Self) ?profile_file.Profile {
            return profile_file.of(&self.ring.raw.channel);
        }

        /// An end that does not keep the channel open.
        pub fn downgrade(self: *const Self) WeakSender(T) {
            self.ring.refer();
            return .{ .ring = self.ring };
        }

        /// The end goes; the last sender closes the channel.
        pub fn deinit(self: *Self) void {
            self.cancel();
            _ = self.ring.leave(&self.ring.raw.senders);
            self.ring.release();
        }
    };
}

/// A receiving end. `Sender` is its mirror.
pub fn Receiver(comptime T: type) type {
    return struct {
        ring: Ring,
        /// Where `pollRecv` waits: the end stays where it is from the first one to `deinit`.
        seat: Seat = .{},
        patience: Patience = .default,

        const Self = @This();
        const Ring = ring_file.Ring(T);

        /// Why there is no item now.
        pub const TryError = error{ Empty, Closed };

        /// Takes over an end that Rust has handed to Zig. On an error the end is gone and the channel closed: the
        /// others are told the error's name.
        pub fn open(raw: *abi.RawEnd) OpenError!Self {
            if (raw.kind != abi.EndKind.receiver) return refuse(raw, error.WrongEnd);
            const shared: *abi.RawChannel = @alignCast(@fieldParentPtr("head", raw));
            end_file.check(T, shared, raw, &.{ abi.Flavor.mpmc, abi.Flavor.unbounded }) catch |e| return refuse(raw, e);
            return .{ .ring = .init(@alignCast(@fieldParentPtr("channel", shared))) };
        }

        /// Another end of the same channel.
        pub fn clone(self: *const Self) Self {
            self.ring.another(&self.ring.raw.receivers);
            return .{ .ring = self.ring };
        }

        /// Receives without waiting. `Closed`: there will be no item; `reason` tells why, if somebody said so.
        pub inline fn tryRecv(self: *Self) TryError!T {
            const claim = self.ring.claimFilled() catch |e| return if (e == error.Closed) error.Closed else error.Empty;
            sync.read(&claim.slot.item);
            const item = claim.slot.item;
            self.ring.commitFree(claim);
            return item;
        }

        /// `tryRecv` that wakes nobody, for signal handlers and interrupts: a wake that is due is due to `peerWaker`, or
        /// to the next verb that is not quiet. (For bounded channels: one that grows may free here, and wake.)
        pub fn tryRecvQuiet(self: *Self) TryError!struct { item: T, wake_due: bool } {
            const claim = self.ring.claimFilledQuietly() catch |e| return if (e == error.Closed) error.Closed else error.Empty;
            sync.read(&claim.slot.item);
            const item = claim.slot.item;
            return .{ .item = item, .wake_due = self.ring.commitFreeQuietly(claim) };
        }

        /// A received item, in its slot until `release`, which must be called, once. (In a channel that grows the item is
        /// in the grant, and its slot is free: there, a grant that kept it would stop all other receivers.) Owned bytes are
        /// the reader's with `release`, to be copied out before and ended by `deinit`.
        pub const Grant = struct {
            ring: Ring,
            held: union(enum) { claim: ring_file.Claim(T), moved: T },

            /// The item, as long as the grant stays where it is.
            pub fn item(self: *Grant) *T {
                return switch (self.held) {
                    .claim => |claim| &claim.slot.item,
                    .moved => |*moved| moved,
                };
            }

            /// The slot is free.
            pub fn release(self: Grant) void {
                switch (self.held) {
                    .claim => |claim| self.ring.commitFree(claim),
                    .moved => {},
                }
            }
        };

        /// `tryRecv` that leaves the item in its slot.
        pub fn tryRead(self: *Self) TryError!Grant {
            if (self.ring.grows) return .{ .ring = self.ring, .held = .{ .moved = try self.tryRecv() } };
            const claim = self.ring.claimFilled() catch |e| return if (e == error.Closed) error.Closed else error.Empty;
            // Whoever has the grant may write.
            sync.write(&claim.slot.item);
            return .{ .ring = self.ring, .held = .{ .claim = claim } };
        }

        /// What wakes a sender after a quiet verb. Not for handlers: it counts a reference, and may free.
        pub fn peerWaker(self: *const Self) PeerWaker {
            return .init(&self.ring.raw.channel, false);
        }

        /// Receives; the thread sleeps while there is no item, in turn.
        pub inline fn recvBlocking(self: *Self) error{Closed}!T {
            return self.tryRecv() catch |e| {
                if (e == error.Closed) return error.Closed;
                return self.recvInTime(null) catch error.Closed;
            };
        }

        /// `recvBlocking` that gives up after a time.
        pub fn recvBlockingTimeout(self: *Self, timeout_ns: u64) error{ Closed, Timeout }!T {
            return self.recvInTime(timeout_ns);
        }

        const Wait = struct { end: *Self, seat: Seat = .{}, item: ?T = null };

        noinline fn recvInTime(self: *Self, timeout_ns: ?u64) error{ Closed, Timeout }!T {
            self.ring.linger(&self.ring.raw.receivers, &self.patience, Ring.mayHaveItem);
            var wait: Wait = .{ .end = self };
            const finished = block.wait(&wait, recvStep, timeout_ns);
            if (wait.seat.leave(&self.ring.raw.receivers)) |woken| self.pass(woken, finished);
            if (!finished) return error.Timeout;
            return wait.item orelse error.Closed;
        }

        fn recvStep(wait: *Wait, words: abi.RawWaker) bool {
            wait.item = wait.end.attempt(&wait.seat, words) catch return true;
            return wait.item != null;
        }

        /// Receives as many items as are there, up to `items.len`; how many, at least one unless `items` is empty.
        /// Other receivers may get items in between.
        pub fn tryRecvMany(self: *Self, items: []T) TryError!usize {
            if (items.len == 0) return 0;
            items[0] = try self.tryRecv();
            for (items[1..], 1..) |*item, count| item.* = self.tryRecv() catch return count;
            return items.len;
        }

        /// `tryRecvMany`, once there is an item; the thread sleeps until then, in turn.
        pub fn recvManyBlocking(self: *Self, items: []T) error{Closed}!usize {
            return self.tryRecvMany(items) catch |e| {
                if (e == error.Closed) return error.Closed;
                items[0] = try self.recvBlocking();
                return 1 + (self.tryRecvMany(items[1..]) catch 0);
            };
        }

        /// An item, or null once the seat is taken.
        fn attempt(self: *Self, seat: *Seat, words: abi.RawWaker) error{Closed}!?T {
            while (true) {
                return self.tryRecv() catch |e| {
                    if (e == error.Closed) return error.Closed;
                    seat.join(&self.ring.raw.receivers, words);
                    if (!self.ring.isItem()) return null;
                    continue;
                };
            }
        }

        /// The baton: who waits next may have something to do as well.
        fn pass(self: *Self, woken: bool, finished: bool) void {
            const party = &self.ring.raw.receivers;
            if (if (finished) sync.loadAcquire(&party.waiting) != 0 and self.ring.isItem() and !sync.bug(48) else woken and !sync.bug(47))
                host.zf1_party_wake_one(party);
        }

        /// How often, at most, a thread that waits looks again before it sleeps; 0: never. This end only.
        pub fn setPatience(self: *Self, looks: u32) void {
            self.patience = .of(@intCast(@min(looks, 255)));
        }

        /// An item, or null: then the task of `cx` is woken, in turn, when there is one, or when the channel
        /// closes.
        pub fn pollRecv(self: *Self, cx: *const waker_file.Context) error{Closed}!?T {
            const item = self.attempt(&self.seat, cx.waker.raw) catch |e| {
                if (self.seat.leave(&self.ring.raw.receivers)) |woken| self.pass(woken, true);
                return e;
            };
            if (item == null) return null;
            if (self.seat.leave(&self.ring.raw.receivers)) |woken| self.pass(woken, true);
            return item;
        }

        /// Waits no more: gives the turn that `pollRecv` took to the next one.
        pub fn cancel(self: *Self) void {
            if (self.seat.leave(&self.ring.raw.receivers)) |woken| self.pass(woken, false);
        }

        /// Closes the channel for all ends; what was sent before can still be received.
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

        /// What waits for nothing but the end of the channel.
        pub fn watch(self: *const Self) Watch(T) {
            return .{ .ring = self.ring };
        }

        /// The thread sleeps until the channel is closed, and takes no turn of those who wait for items.
        pub fn closedBlocking(self: *Self) void {
            _ = Watch(T).wait(self.ring, null);
        }

        /// `closedBlocking` that gives up after a time: false.
        pub fn closedBlockingTimeout(self: *Self, timeout_ns: u64) bool {
            return Watch(T).wait(self.ring, timeout_ns);
        }

        /// True when the channel is closed. Items may still wait.
        pub fn isClosed(self: *const Self) bool {
            return self.ring.isClosed();
        }

        /// Why the channel was closed, if it was and somebody said so.
        pub fn reason(self: *const Self) ?Reason {
            return Reason.from(self.ring.reason());
        }

        /// How many items wait; other ends may change that meanwhile.
        pub fn len(self: *const Self) usize {
            return self.ring.len();
        }

        /// How many items fit.
        pub fn capacity(self: *const Self) usize {
            return self.ring.capacity;
        }

        /// The channel's counters.
        pub fn snapshot(self: *const Self) end_file.Snapshot {
            return snapshotOf(self.ring.raw);
        }

        /// How long who waited, if Rust monitors the channel.
        pub fn profile(self: *const Self) ?profile_file.Profile {
            return profile_file.of(&self.ring.raw.channel);
        }

        /// An end that does not keep the channel open.
        pub fn downgrade(self: *const Self) WeakReceiver(T) {
            self.ring.refer();
            return .{ .ring = self.ring };
        }

        /// The end goes; the last receiver closes the channel.
        pub fn deinit(self: *Self) void {
            self.cancel();
            if (self.ring.leave(&self.ring.raw.receivers)) self.ring.discard();
            self.ring.release();
        }
    };
}

/// Waits for nothing but the end of the channel, in a list of its own (`core/src/channel/mpmc/closed.rs`). It stays where it
/// is from the first `poll` to `deinit`, and no longer than the end that it was made of.
pub fn Watch(comptime T: type) type {
    return struct {
        ring: ring_file.Ring(T),
        seat: Seat = .{},

        const Self = @This();

        /// True when the channel is closed; else the task of `cx` is woken when it is.
        pub fn poll(self: *Self, cx: *const waker_file.Context) bool {
            return self.pollBy(cx.waker.raw);
        }

        fn pollBy(self: *Self, words: abi.RawWaker) bool {
            if (!self.ring.isClosed()) {
                self.seat.join(&self.ring.raw.watchers, words);
                if (!self.ring.isClosed()) return false;
            }
            self.deinit();
            return true;
        }

        /// The thread sleeps until the end; false when the time is over first.
        fn wait(ring: ring_file.Ring(T), timeout_ns: ?u64) bool {
            var watching: Self = .{ .ring = ring };
            defer watching.deinit();
            return block.wait(&watching, pollBy, timeout_ns);
        }

        /// Waits no more.
        pub fn deinit(self: *Self) void {
            _ = self.seat.leave(&self.ring.raw.watchers);
        }
    };
}

/// A `Sender` that does not keep the channel open.
pub fn WeakSender(comptime T: type) type {
    return struct {
        ring: ring_file.Ring(T),

        const Self = @This();

        /// A sender, or null: the last one has gone.
        pub fn upgrade(self: *const Self) ?Sender(T) {
            return if (self.ring.revive(&self.ring.raw.senders)) .{ .ring = self.ring } else null;
        }

        /// Another one.
        pub fn clone(self: *const Self) Self {
            self.ring.refer();
            return .{ .ring = self.ring };
        }

        pub fn deinit(self: *Self) void {
            self.ring.release();
        }
    };
}

/// A `Receiver` that does not keep the channel open.
pub fn WeakReceiver(comptime T: type) type {
    return struct {
        ring: ring_file.Ring(T),

        const Self = @This();

        /// A receiver, or null: the last one has gone.
        pub fn upgrade(self: *const Self) ?Receiver(T) {
            return if (self.ring.revive(&self.ring.raw.receivers)) .{ .ring = self.ring } else null;
        }

        /// Another one.
        pub fn clone(self: *const Self) Self {
            self.ring.refer();
            return .{ .ring = self.ring };
        }

        pub fn deinit(self: *Self) void {
            self.ring.release();
        }
    };
}

fn snapshotOf(raw: *const abi.RawMpmc) end_file.Snapshot {
    const shared = &raw.channel;
    // Both positions of one moment: in between items come and go by other ends.
    const wraps, const tail, const head = while (true) {
        const before = sync.counted(&shared.tail.laps);
        const tail = pos.position(sync.loadAcquire(&shared.tail.word));
        const head = pos.position(sync.loadAcquire(&shared.head.word));
        const after = pos.position(sync.loadAcquire(&shared.tail.word));
        if (after == tail and sync.counted(&shared.tail.laps) == before) break .{ before, tail, head };
    };
    const grows = shared.flavor == abi.Flavor.unbounded;
    const before = if (grows) @as(u64, wraps) << 30 else wraps * lap.around(shared.mask, shared.capacity);
    const claimed = before + if (grows) tail / pos.one else lap.count(tail, shared.mask, shared.capacity);
    const sent = claimed -| sync.counted(&shared.head.tally);
    const len = if (grows) pos.distance(head, tail) else lap.distance(head, tail, shared.mask, shared.capacity);
    return .{
        .sent = sent,
        .received = sent -| len,
        .len = len,
        .capacity = shared.capacity,
        .most_waiting = 0,
        .dropped = sync.counted(&shared.tail.tally),
        .sender_sleeps = sync.counted(&raw.senders.sleeps),
        .sender_wakes = sync.counted(&raw.senders.wakes),
        .receiver_sleeps = sync.counted(&raw.receivers.sleeps),
        .receiver_wakes = sync.counted(&raw.receivers.wakes),
    };
}
