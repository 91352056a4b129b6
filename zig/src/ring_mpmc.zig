//! The rings with any number of producers and consumers, Zig's half. The words, the rules, and what "full" and
//! "empty" mean are told in `core/src/ring/mpmc.rs`, the other half: same order, same names, same
//! transitions, over the same memory. The one that grows is in `ring_list.zig`. The lists of those who wait are Rust's (`core/src/ring/party.rs`).

const std = @import("std");
const abi = @import("abi.zig");
const host = @import("host.zig");
const items = @import("item.zig");
const lap = @import("lap.zig");
const list_file = @import("ring_list.zig");
const Patience = @import("patience.zig").Patience;
const pos = @import("position.zig");
const reference = @import("reference.zig");
const sync = @import("sync.zig");

const one = pos.one;
const position = pos.position;

pub const closed: u32 = 1;

/// In a stamp: rule 6.
pub const skip: u32 = 2;

pub const minus_one: u32 = 0 -% @as(u32, 1);

/// In `closing`: somebody closes.
const closing: u32 = 1;
/// In `closing`: the reason is written, and stays.
const reason_written: u32 = 2;

/// Why there is no claim: full or empty; or no more, for ever.
pub const Denied = error{ NotNow, Closed };

/// Why there is no item at the head. `Skip`: what is there was given up.
pub const Miss = error{ NotNow, Closed, Skip };

pub fn Slot(comptime T: type) type {
    return extern struct { stamp: u32, item: T };
}

/// A claimed slot, and its stamp once it has its item.
pub fn Claim(comptime T: type) type {
    return struct {
        slot: *Slot(T),
        filled: u32,
        /// There is something for another sender to do, which is told so after the commit: nobody's waker runs while
        /// a slot is claimed.
        tells_senders: bool = false,
    };
}

/// A reference to the ring. All its functions may run on any number of threads at once.
pub fn Ring(comptime T: type) type {
    return struct {
        raw: *abi.RawMpmc,
        slots: [*]Slot(T),
        mask: u32,
        capacity: u32,
        grows: bool,

        const Self = @This();

        pub fn init(raw: *abi.RawMpmc) Self {
            const shared = &raw.channel;
            @setRuntimeSafety(false); // of this type, as `open` has compared; null if it grows, and then not used
            const slots: [*]Slot(T) = @ptrCast(@alignCast(shared.slots));
            const grows = shared.flavor == abi.Flavor.unbounded;
            return .{ .raw = raw, .slots = slots, .mask = shared.mask, .capacity = shared.capacity, .grows = grows };
        }

        /// What does the work when the ring grows.
        inline fn list(self: Self) ?list_file.List(T) {
            if (!self.grows) return null;
            return .{ .raw = @alignCast(@fieldParentPtr("mpmc", self.raw)), .mask = self.mask };
        }

        inline fn slotOf(self: Self, at: u32) *Slot(T) {
            return &self.slots[lap.slot(at, self.mask)];
        }

        /// Claims the next slot for an item (rule 1).
        pub inline fn claimFree(self: Self) Denied!Claim(T) {
            if (self.list()) |blocks| return blocks.claimFree();
            const word = &self.raw.channel.tail.word;
            var tail = sync.loadAcquire(word);
            var tries: u5 = 0;
            while (true) {
                if (tail & closed != 0) return error.Closed;
                const slot = self.slotOf(tail);
                if (sync.loadAcquire(&slot.stamp) == tail) {
                    const slot_filled = tail +% one;
                    const next = lap.next(tail, self.mask, self.capacity);
                    tail = sync.compareExchange(word, tail, next) orelse {
                        if (next < tail) _ = sync.fetchAddRelaxed(&self.raw.channel.tail.laps, 1);
                        return .{ .slot = slot, .filled = slot_filled };
                    };
                    backOff(&tries);
                } else {
                    const seen = sync.loadAcquire(word);
                    // Nobody has claimed it meanwhile: it is not empty yet.
                    if (seen == tail) return error.NotNow;
                    tail = seen;
                }
            }
        }

        /// The slot is filled (rule 2).
        pub inline fn commitFilled(self: Self, claim: Claim(T)) void {
            if (self.commitFilledQuietly(claim)) wakeOne(&self.raw.receivers);
            if (claim.tells_senders) self.tellSenders();
        }

        pub noinline fn tellSenders(self: Self) void {
            @branchHint(.cold);
            if (isWaiting(&self.raw.senders) and !sync.bug(50)) host.zf1_party_wake_one(&self.raw.senders);
        }

        /// The same, but wakes nobody: whether a receiver waits. (One that grows has more to tell.)
        pub inline fn commitFilledQuietly(self: Self, claim: Claim(T)) bool {
            if (sync.bug(40)) {
                sync.storeRelease(&claim.slot.stamp, claim.filled);
            } else {
                _ = sync.swap(&claim.slot.stamp, claim.filled, 41);
            }
            return isWaiting(&self.raw.receivers);
        }

        /// Claims the next item (rule 1).
        pub inline fn claimFilled(self: Self) Denied!Claim(T) {
            return (if (self.list()) |blocks| blocks.claimNext() else self.claimNext()) catch |e| switch (e) {
                error.Skip => self.claimBehind(),
                error.NotNow, error.Closed => |denied| denied,
            };
        }

        /// The same, behind slots that were given up (rule 6).
        noinline fn claimBehind(self: Self) Denied!Claim(T) {
            @branchHint(.cold);
            while (true) {
                _ = self.passOverAll();
                return (if (self.list()) |blocks| blocks.claimNext() else self.claimNext()) catch |e| switch (e) {
                    error.Skip => continue,
                    error.NotNow, error.Closed => |denied| return denied,
                };
            }
        }

        inline fn claimNext(self: Self) Miss!Claim(T) {
            const word = &self.raw.channel.head.word;
            var head = sync.loadAcquire(word);
            var tries: u5 = 0;
            while (true) {
                const slot = self.slotOf(head);
                const filled = head +% one;
                const stamp = sync.loadAcquire(&slot.stamp);
                if (stamp == filled or (sync.bug(61) and stamp == skipped(head))) {
                    head = sync.compareExchange(word, head, lap.next(head, self.mask, self.capacity)) orelse
                        return .{ .slot = slot, .filled = filled };
                    backOff(&tries);
                } else if (stamp == skipped(head)) {
                    return error.Skip;
                } else {
                    const tail = sync.loadAcquire(&self.raw.channel.tail.word);
                    const seen = sync.loadAcquire(word);
                    if (seen == head) {
                        const ended = tail & closed != 0 and (position(tail) == head or sync.bug(42));
                        return if (ended) error.Closed else error.NotNow;
                    }
                    head = seen;
                }
            }
        }

        /// `claimFilled` that wakes nobody (rule 7). (One that grows may, where a block is used up.)
        pub fn claimFilledQuietly(self: Self) Denied!Claim(T) {
            if (self.grows) return self.claimFilled();
            const word = &self.raw.channel.head.word;
            while (true) {
                const head = sync.loadAcquire(word);
                var at = head;
                var stamp = sync.loadAcquire(&self.slotOf(head).stamp);
                while (stamp == skipped(at)) {
                    at = lap.next(at, self.mask, self.capacity);
                    stamp = sync.loadAcquire(&self.slotOf(at).stamp);
                }
                if (stamp == at +% one) {
                    // While the head stands, so do the stamps that were seen.
                    const next = lap.next(at, self.mask, self.capacity);
                    if (sync.bug(71)) {
                        sync.storeRelease(word, next);
                    } else if (sync.compareExchange(word, head, next) != null) continue;
                    var before = head;
                    while (before != at and !sync.bug(70)) : (before = lap.next(before, self.mask, self.capacity))
                        _ = self.freeSkipped(before);
                    return .{ .slot = self.slotOf(at), .filled = stamp };
                }
                const tail = sync.loadAcquire(&self.raw.channel.tail.word);
                if (sync.loadAcquire(word) == head) {
                    const ended = tail & closed != 0 and position(tail) == at;
                    return if (ended) error.Closed else error.NotNow;
                }
            }
        }

        /// The slot is given up (rule 6).
        pub noinline fn abandon(self: Self, claim: Claim(T)) void {
            @branchHint(.cold);
            const given_up: Claim(T) = .{ .slot = claim.slot, .filled = claim.filled | skip };
            if (self.list()) |blocks| _ = sync.fetchAdd(blocks.givenUp(), 1, 0);
            const waits = self.commitFilledQuietly(given_up) and !sync.bug(60);
            _ = self.passOverAll();
            if (waits) wakeOne(&self.raw.receivers);
        }

        /// Passes over the slots at the head that were given up; true if there was one in a ring that does not grow (rule 6).
        pub noinline fn passOverAll(self: Self) bool {
            @branchHint(.cold);
            if (self.list()) |blocks| {
                blocks.passOverAll();
                return false;
            }
            const word = &self.raw.channel.head.word;
            var passed = false;
            // One wake for all: who is woken passes it on.
            var tells_senders = false;
            while (true) {
                // Told to whoever moves the head to a slot that was just given up: one of the two sees the other.
                const head = if (sync.bug(64)) sync.loadAcquire(word) else sync.fetchOr(word, 0);
                if (sync.loadAcquire(&self.slotOf(head).stamp) != skipped(head)) break;
                // Or else somebody does.
                if (sync.compareExchange(word, head, lap.next(head, self.mask, self.capacity)) != null) continue;
                passed = true;
                if (self.freeSkipped(head) and !sync.bug(63)) tells_senders = true;
            }
            if (tells_senders) wakeOne(&self.raw.senders);
            return passed;
        }

        /// A claimed slot in which nothing is gets free; true when a sender waits.
        fn freeSkipped(self: Self, at: u32) bool {
            countSkipped(self.raw);
            _ = sync.fetchAdd(&self.slotOf(at).stamp, self.mask *% one -% skip, 0);
            return isWaiting(&self.raw.senders);
        }

        /// The slot is empty (rule 2).
        pub inline fn commitFree(self: Self, claim: Claim(T)) void {
            if (self.commitFreeQuietly(claim)) wakeOne(&self.raw.senders);
        }

        /// The same, but wakes nobody: whether a sender waits. (One that grows wakes by itself, and seldom.)
        pub inline fn commitFreeQuietly(self: Self, claim: Claim(T)) bool {
            if (self.list()) |blocks| {
                blocks.commitFree(claim);
                return false;
            }
            _ = sync.fetchAdd(&claim.slot.stamp, self.mask *% one, 0);
            return isWaiting(&self.raw.senders);
        }

        /// True when a producer that has entered the list need not sleep (rule 3).
        pub fn isRoom(self: Self) bool {
            if (self.list()) |blocks| return blocks.isRoom();
            return self.isTurn(&self.raw.channel.tail.word, 0);
        }

        /// True when a consumer that has entered the list need not sleep (rule 3).
        pub fn isItem(self: Self) bool {
            if (self.list()) |blocks| return blocks.isItem();
            return self.isTurn(&self.raw.channel.head.word, one);
        }

        /// A thread looks again for a while, awake, until `isSo`. That counts as waiting, if somebody watches the party.
        pub fn linger(self: Self, party: *abi.RawParty, patience: *Patience, comptime isSo: fn (Self) bool) void {
            const is_watched = @atomicLoad(?*const anyopaque, &party.watch, .acquire) != null;
            const stamp = if (is_watched) host.zf1_party_linger(party) else 0;
            const helped = patience.linger(self, isSo);
            if (is_watched) host.zf1_party_lingered(party, stamp, @intFromBool(helped));
        }

        /// True when a producer may find room, or the end; nothing is written.
        pub fn mayHaveRoom(self: Self) bool {
            if (self.list()) |blocks| return blocks.mayHaveRoom();
            const tail = sync.loadAcquire(&self.raw.channel.tail.word);
            return tail & closed != 0 or sync.loadAcquire(&self.slotOf(tail).stamp) == tail;
        }

        /// True when a consumer may find an item, or the end; nothing is written.
        pub fn mayHaveItem(self: Self) bool {
            if (self.list()) |blocks| return blocks.mayHaveItem();
            const head = sync.loadAcquire(&self.raw.channel.head.word);
            return self.isClosed() or sync.loadAcquire(&self.slotOf(head).stamp) & ~skip == head +% one;
        }

        fn isTurn(self: Self, word: *u32, ahead: u32) bool {
            while (true) {
                const at = sync.loadAcquire(word);
                const tail = sync.loadAcquire(&self.raw.channel.tail.word);
                // The end: for a producer at once, for a consumer where all has been taken.
                if (tail & closed != 0 and (ahead == 0 or position(tail) == at)) return true;
                const stamp = &self.slotOf(position(at)).stamp;
                const seen = if (sync.bug(43)) sync.loadAcquire(stamp) else sync.fetchAdd(stamp, 0, 0);
                if (seen == position(at) +% ahead) return true;
                if (ahead != 0 and seen == skipped(at) and !sync.bug(62)) return true;
                // Was it the slot that is next?
                if (sync.loadAcquire(word) == at) return false;
            }
        }

        /// Takes nothing more, for ever; the first to close gives the reason. Wakes all.
        pub fn close(self: Self, reason_given: abi.RawError) void {
            const raw = self.raw;
            if (sync.fetchOr(&raw.senders.closing, closing) == 0) {
                sync.write(&raw.channel.tail.reason);
                raw.channel.tail.reason = reason_given;
                _ = sync.fetchOr(&raw.senders.closing, reason_written);
            }
            // Also by one that comes second: when its call returns, the channel is closed.
            _ = sync.fetchOr(&raw.channel.tail.word, closed);
            if (!sync.bug(44)) host.zf1_party_wake_all(&raw.receivers);
            host.zf1_party_wake_all(&raw.senders);
            if (!sync.bug(49)) host.zf1_party_wake_all(&raw.watchers);
        }

        pub fn isClosed(self: Self) bool {
            return sync.loadAcquire(&self.raw.channel.tail.word) & closed != 0;
        }

        /// Why the channel was closed; null if it was not, or without a reason.
        pub fn reason(self: Self) ?abi.RawError {
            if (sync.loadAcquire(&self.raw.senders.closing) & reason_written == 0) return null;
            const end = &self.raw.channel.tail;
            sync.read(&end.reason);
            const none = end.reason.kind == abi.ErrorKind.zig and end.reason.name_ptr == null;
            return if (none) null else end.reason;
        }

        /// How many items wait, those half done included.
        pub fn len(self: Self) u32 {
            if (self.list()) |blocks| return blocks.len();
            const word = &self.raw.channel.tail.word;
            var tail = sync.loadAcquire(word);
            while (true) {
                const head = position(sync.loadAcquire(&self.raw.channel.head.word));
                // Both of one moment, unless items came meanwhile.
                const seen = sync.loadAcquire(word);
                if (position(seen) == position(tail))
                    return lap.distance(head, position(tail), self.mask, self.capacity);
                tail = seen;
            }
        }

        /// One reference more.
        pub fn refer(self: Self) void {
            reference.take(&self.raw.channel);
        }

        /// One end more of this party.
        pub fn another(self: Self, party: *abi.RawParty) void {
            self.refer();
            // Never more than references.
            _ = sync.fetchAdd(&party.alive, 1, 0);
        }

        /// An end of this party where there may be none left; the caller has a reference.
        pub fn revive(self: Self, party: *abi.RawParty) bool {
            self.refer();
            var alive = sync.loadAcquire(&party.alive);
            while (alive != 0) alive = sync.compareExchange(&party.alive, alive, alive + 1) orelse return true;
            self.release();
            return false;
        }

        /// An end of this party goes; the last one closes. Whether it was the last. Its reference stays.
        pub fn leave(self: Self, party: *abi.RawParty) bool {
            const last = sync.fetchAdd(&party.alive, minus_one, 0) == 1;
            if (last) self.close(.{});
            return last;
        }

        /// Nobody will receive what waits: if it stands in memory that can go at once, or owns some, it goes. What a sender
        /// is about to finish stays, for that sender to find no receiver and come here itself.
        pub fn discard(self: Self) void {
            if (!self.grows and !owns) return;
            while (true) {
                const claim = self.claimFilled() catch |e| {
                    if (e == error.Closed or !self.isItem()) return;
                    continue;
                };
                sync.read(&claim.slot.item);
                const item = claim.slot.item;
                self.commitFree(claim);
                if (owns) item.deinit();
            }
        }

        const owns = items.isOwned(T);

        /// True when an item that was just sent will be received by nobody, and should not stay.
        pub inline fn isAbandoned(self: Self) bool {
            return (self.grows or owns) and sync.loadAcquire(&self.raw.receivers.alive) == 0;
        }

        /// A reference goes; the last one frees.
        pub fn release(self: Self) void {
            reference.release(&self.raw.channel, 45);
        }
    };
}

/// The stamp of the slot of this position when its claim was given up.
pub inline fn skipped(at: u32) u32 {
    return at +% (one | skip);
}

/// One more slot was passed over in which nothing was. (A model leaves counters out: they order nothing.)
pub fn countSkipped(raw: *abi.RawMpmc) void {
    if (!sync.model) _ = sync.fetchAddRelaxed(&raw.channel.head.tally, 1);
}

pub inline fn isWaiting(party: *const abi.RawParty) bool {
    return sync.loadAcquire(&party.waiting) != 0;
}

noinline fn wakeOne(party: *abi.RawParty) void {
    @branchHint(.cold);
    host.zf1_party_wake_one(party);
}

/// Somebody else got the position, so somebody moves on: no wait, only fewer collisions.
pub inline fn backOff(tries: *u5) void {
    if (sync.model) return;
    for (0..@as(u32, 1) << @min(tries.*, 6)) |_| std.atomic.spinLoopHint();
    tries.* +|= 1;
}

/// Where a thread or task waits in a party.
pub const Seat = struct {
    waiter: abi.RawWaiter = .{},
    taken: bool = false,

    /// The next wake of the party goes to `words`, in turn. Then look again. The seat stays where it is until
    /// `leave`.
    pub fn join(seat: *Seat, party: *abi.RawParty, words: abi.RawWaker) void {
        if (!seat.taken) sync.begin(&seat.waiter);
        seat.taken = true;
        host.zf1_party_join(party, &seat.waiter, &words);
    }

    /// Null if it never waited; else whether a wake had come for it, which is to be passed on.
    pub fn leave(seat: *Seat, party: *abi.RawParty) ?bool {
        if (!seat.taken) return null;
        seat.taken = false;
        const woken = host.zf1_party_leave(party, &seat.waiter) != 0;
        sync.end(&seat.waiter);
        return woken;
    }
};
