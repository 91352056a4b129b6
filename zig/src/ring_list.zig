//! The ring that grows, Zig's half. The words, the rules, and how it grows and shrinks are told in
//! `core/src/ring/list.rs`, the other half: same order, same names, same transitions, over the same memory.
//! Blocks are Rust's to make and to free.

const std = @import("std");
const abi = @import("abi.zig");
const host = @import("host.zig");
const pos = @import("position.zig");
const ring = @import("ring_mpmc.zig");
const sync = @import("sync.zig");

const Denied = ring.Denied;
const Slot = ring.Slot;
const one = pos.one;
const position = pos.position;

/// In the tail's word: see rule 2.
const moving: u32 = 2;
/// In the head's word: see rule 3.
const locked: u32 = 1;
/// In the head's word: see rule 3.
const pending: u32 = 2;

/// How often one looks again for a neighbour that has a few instructions to go.
const looks_at_most: u32 = if (sync.model) 0 else 64;
/// The same, with longer and longer pauses in between, which leave the neighbour's line alone.
const tries_at_most: u5 = if (sync.model) 0 else 8;

/// What is to be done after the head has moved on.
const Moved = struct {
    /// Somebody has found the lock taken.
    is_pending: bool,
    /// There is a block again.
    freed: bool,
    /// The next slot was given up.
    skip: bool,
};

/// A reference to the ring. All its functions may run on any number of threads at once.
pub fn List(comptime T: type) type {
    return struct {
        raw: *abi.RawUnbounded,
        mask: u32,

        const Self = @This();

        fn tail(self: Self) *u32 {
            return &self.raw.mpmc.channel.tail.word;
        }

        fn head(self: Self) *u32 {
            return &self.raw.mpmc.channel.head.word;
        }

        /// How many slots were given up that nobody has passed over yet: counted before the slot shows it.
        pub fn givenUp(self: Self) *u32 {
            return &self.raw.mpmc.receivers.closing;
        }

        inline fn isGivenUp(self: Self) bool {
            return sync.loadAcquire(self.givenUp()) != 0;
        }

        fn index(self: Self, at: u32) u32 {
            return (at / one) & self.mask;
        }

        fn slotOf(self: Self, block: *abi.RawBlock, at: u32) *Slot(T) {
            @setRuntimeSafety(false); // of this type, as `open` has compared
            const bytes: [*]u8 = @ptrCast(block);
            const offset = comptime std.mem.alignForward(usize, @sizeOf(abi.RawBlock), @alignOf(Slot(T)));
            const slots: [*]Slot(T) = @ptrCast(@alignCast(bytes + offset));
            return &slots[self.index(at)];
        }

        /// Claims the next slot for an item (rule 1).
        pub inline fn claimFree(self: Self) Denied!ring.Claim(T) {
            const at = sync.loadAcquire(self.tail());
            const block = sync.loadPointer(abi.RawBlock, &self.raw.tail_block).?;
            const next = at +% one;
            // Neither a flag nor the last slot of a block nor the wrap, which is the last slot, too.
            const plain = at & (ring.closed | moving) == 0 and self.index(at) != self.mask;
            if (plain and sync.compareExchange(self.tail(), at, next) == null)
                return .{ .slot = self.slotOf(block, at), .filled = next };
            return self.claimFreeOrLast();
        }

        /// Claims the next slot for an item (rules 1 and 2).
        noinline fn claimFreeOrLast(self: Self) Denied!ring.Claim(T) {
            var bring: ?*abi.RawBlock = null;
            // A block that was taken and is not linked goes back.
            errdefer if (bring) |block| {
                host.zf1_block_give_back(self.raw, block);
                self.tellSenders();
            };
            var looks: u32 = 0;
            var tries: u5 = 0;
            while (true) {
                // The word first: with a block that is younger than the word, the claim fails.
                const at = sync.loadAcquire(self.tail());
                if (at & ring.closed != 0) return error.Closed;
                if (at & moving != 0) {
                    if (looks == looks_at_most) return error.NotNow;
                    looks += 1;
                    std.atomic.spinLoopHint();
                    continue;
                }
                const block = sync.loadPointer(abi.RawBlock, &self.raw.tail_block).?;
                const last = self.index(at) == self.mask;
                if (last and bring == null) {
                    bring = host.zf1_block_take(self.raw);
                    if (bring == null) {
                        if (sync.loadAcquire(self.tail()) == at) return error.NotNow;
                        continue;
                    }
                }
                const next = at +% one;
                const flag = if (last and !sync.bug(54)) moving else 0;
                if (sync.compareExchange(self.tail(), at, next | flag) != null) {
                    ring.backOff(&tries);
                    continue;
                }
                if (next < at) _ = sync.fetchAddRelaxed(&self.raw.mpmc.channel.tail.laps, 1);
                if (last) self.link(block, bring.?) else if (bring) |spare| host.zf1_block_give_back(self.raw, spare);
                return .{ .slot = self.slotOf(block, at), .filled = next, .tells_senders = bring != null };
            }
        }

        /// The block after this one, of which the caller has claimed the last slot, is `next`.
        noinline fn link(self: Self, block: *abi.RawBlock, next: *abi.RawBlock) void {
            @branchHint(.cold);
            sync.write(&block.next);
            block.next = next;
            sync.storePointer(abi.RawBlock, &self.raw.tail_block, next);
            if (sync.bug(54)) return;
            _ = sync.fetchAnd(self.tail(), ~moving);
        }

        /// Claims the next item (rule 3).
        pub inline fn claimNext(self: Self) ring.Miss!ring.Claim(T) {
            var tries: u5 = 0;
            while (sync.loadAcquire(self.head()) & locked != 0 and tries < tries_at_most) ring.backOff(&tries);
            const at = self.lock() orelse return self.whileLocked();
            const slot = self.nextFilled(at);
            const stamp = sync.loadAcquire(&slot.stamp);
            if (stamp == at +% one or (sync.bug(61) and stamp == ring.skipped(at)))
                return .{ .slot = slot, .filled = at +% one };
            if (stamp == ring.skipped(at)) {
                _ = self.unlock(at);
                return error.Skip;
            }
            // Only now: the tail's line is the producers'.
            const end = sync.loadAcquire(self.tail());
            _ = self.unlock(at);
            return if (end & ring.closed != 0 and position(end) == at) error.Closed else error.NotNow;
        }

        /// What is said while another consumer is at it: that the end was reached needs no lock to be seen.
        noinline fn whileLocked(self: Self) Denied {
            @branchHint(.cold);
            // The head first: read later, it could be ahead of the tail.
            const at = position(sync.loadAcquire(self.head()));
            const end = sync.loadAcquire(self.tail());
            return if (end & ring.closed != 0 and position(end) == at) error.Closed else error.NotNow;
        }

        /// Passes over the slots at the head that were given up.
        pub noinline fn passOverAll(self: Self) void {
            @branchHint(.cold);
            var tells_receivers = false;
            var tells_senders = false;
            while (self.lock()) |at| {
                const passes = sync.loadAcquire(&self.nextFilled(at).stamp) == ring.skipped(at);
                const is_pending = if (passes) moves: {
                    ring.countSkipped(&self.raw.mpmc);
                    _ = sync.fetchAdd(self.givenUp(), ring.minus_one, 0);
                    const moved = self.moveOn(at +% one);
                    if (moved.freed) tells_senders = true;
                    break :moves moved.is_pending;
                } else sync.swap(self.head(), at, 0) & pending != 0;
                if (is_pending) tells_receivers = true;
                // Who came meanwhile may have given the slot up.
                if (!passes and !(is_pending and self.isGivenUp())) break;
            }
            if (tells_senders) self.tellSenders();
            if (tells_receivers) self.tellReceivers();
        }

        /// The consumers' lock, and the position of the next item; or somebody else has it and will wake one
        /// that waits.
        fn lock(self: Self) ?u32 {
            while (true) {
                const at = sync.loadAcquire(self.head());
                if (at & locked != 0) {
                    // Unless it was unlocked just now, the holder finds `pending`.
                    const before = sync.fetchOr(self.head(), locked | pending);
                    return if (before & locked == 0) position(before) else null;
                }
                if (sync.compareExchange(self.head(), at, at | locked) == null) return position(at);
            }
        }

        /// True if another consumer has come meanwhile and gone.
        inline fn unlock(self: Self, at: u32) bool {
            const is_pending = sync.swap(self.head(), at, 0) & pending != 0;
            if (is_pending) self.tellPending();
            return is_pending;
        }

        /// Somebody has found it locked, and may have gone to sleep, or have given up the slot that is next.
        noinline fn tellPending(self: Self) void {
            @branchHint(.cold);
            if (self.isGivenUp() and !sync.bug(65)) self.passOverAll();
            self.tellReceivers();
        }

        fn tellReceivers(self: Self) void {
            const receivers = &self.raw.mpmc.receivers;
            if (ring.isWaiting(receivers) and !sync.bug(51)) host.zf1_party_wake_one(receivers);
        }

        /// The slot of the next item. The lock is held.
        fn nextFilled(self: Self, at: u32) *Slot(T) {
            sync.read(&self.raw.head_block);
            return self.slotOf(self.raw.head_block.?, at);
        }

        /// The item has been taken (rule 3).
        pub fn commitFree(self: Self, claim: ring.Claim(T)) void {
            const moved = self.moveOn(claim.filled);
            if (moved.is_pending or moved.freed or moved.skip) self.tell(moved);
        }

        noinline fn tell(self: Self, moved: Moved) void {
            @branchHint(.cold);
            if (moved.skip or (moved.is_pending and self.isGivenUp())) self.passOverAll();
            if (moved.freed) self.tellSenders();
            if (moved.is_pending) self.tellReceivers();
        }

        /// On to the next slot, and unlocks. Wakes nobody.
        inline fn moveOn(self: Self, next: u32) Moved {
            var used_up: ?*abi.RawBlock = null;
            if (self.index(next) == 0) {
                sync.write(&self.raw.head_block);
                // The last slot was claimed, and its claim links the next block.
                const block = self.raw.head_block.?;
                sync.read(&block.next);
                self.raw.head_block = block.next;
                used_up = block;
            }
            // (Rule 5.)
            const skip = self.isGivenUp() and sync.loadAcquire(&self.nextFilled(next).stamp) == ring.skipped(next);
            const is_pending = sync.swap(self.head(), next, 0) & pending != 0;
            if (used_up) |block| host.zf1_block_give_back(self.raw, block);
            return .{ .is_pending = is_pending, .freed = used_up != null, .skip = skip and !sync.bug(66) };
        }

        fn tellSenders(self: Self) void {
            const senders = &self.raw.mpmc.senders;
            if (ring.isWaiting(senders) and !sync.bug(52)) host.zf1_party_wake_one(senders);
        }

        /// True when a producer that has entered the list need not sleep.
        pub fn isRoom(self: Self) bool {
            // Told to whoever is about to clear `moving`.
            const at = if (sync.bug(55)) sync.loadAcquire(self.tail()) else sync.fetchOr(self.tail(), 0);
            if (at & ring.closed != 0) return true;
            if (at & moving != 0) return false;
            if (self.index(at) != self.mask) return true;
            // A spare block now, or else the one who gives one back will wake a sender.
            return host.zf1_block_ensure(self.raw) != 0;
        }

        /// True when a consumer that has entered the list need not sleep.
        pub fn isItem(self: Self) bool {
            const at = self.lock() orelse return false;
            // Told to whoever is about to fill it.
            const slot = self.nextFilled(at);
            const seen = if (sync.bug(56)) sync.loadAcquire(&slot.stamp) else sync.fetchOr(&slot.stamp, 0);
            const stamp = if (sync.bug(62)) seen else seen & ~ring.skip;
            const end = sync.loadAcquire(self.tail());
            // Who came meanwhile may have known of an item, and left it to this one: the last sender beside the last
            // receiver.
            const again = self.unlock(at) and !sync.bug(53);
            return again or stamp == at +% one or (end & ring.closed != 0 and position(end) == at);
        }

        /// True when a producer may find room, or the end; nothing is written.
        pub fn mayHaveRoom(self: Self) bool {
            const at = sync.loadAcquire(self.tail());
            if (at & ring.closed != 0) return true;
            if (at & moving != 0) return false;
            return self.index(at) != self.mask or sync.loadPointer(abi.RawBlock, &self.raw.spare) != null or
                sync.loadAcquire(&self.raw.blocks) < self.raw.limit;
        }

        /// True when a consumer may find an item, or the end; nothing is written.
        pub fn mayHaveItem(self: Self) bool {
            const at = sync.loadAcquire(self.head());
            const end = sync.loadAcquire(self.tail());
            return end & ring.closed != 0 or position(at) != position(end);
        }

        /// How many items wait, those half done included.
        pub fn len(self: Self) u32 {
            var end = position(sync.loadAcquire(self.tail()));
            while (true) {
                const at = position(sync.loadAcquire(self.head()));
                // Both of one moment, unless items came meanwhile.
                const seen = position(sync.loadAcquire(self.tail()));
                if (seen == end) return pos.distance(at, end);
                end = seen;
            }
        }
    };
}
