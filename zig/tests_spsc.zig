//! The tests of spsc.zig: both ends in Zig, in memory that is made here. The host is that of tests.zig.

const std = @import("std");
const zigflow = @import("src/zigflow.zig");
const Task = @import("tests.zig").Task;
const abi = zigflow.abi;
const ring = @import("src/ring_spsc.zig");
const spsc = zigflow.spsc;
const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;

var freed: u32 = 0;

/// A channel as Rust makes it.
fn Memory(comptime T: type, comptime capacity: u32) type {
    return struct {
        raw: abi.RawChannel align(128),
        slots: [slot_count]T,

        const slot_count = std.math.ceilPowerOfTwoAssert(u32, capacity);
        const item: abi.ItemType = .{
            .kind = abi.ItemKind.plain,
            .size = @sizeOf(T),
            .alignment = @alignOf(T),
            .shape = 0, // unknown
            .reserved = 0,
            .name_len = @typeName(T).len,
            .name_ptr = @typeName(T).ptr,
        };

        /// Both ends begin at the item of that number.
        fn init(self: *@This(), first: u32) void {
            self.raw = .{
                .magic = abi.magic,
                .abi = abi.abi_number,
                .flavor = abi.Flavor.spsc,
                .capacity = capacity,
                .mask = slot_count - 1,
                .references = 2,
                .slot_size = @sizeOf(T),
                .slot_alignment = @alignOf(T),
                .slots = &self.slots,
                .free = free,
                .check = null,
                .profile = null,
                .padding = undefined,
                .tail = end(abi.EndKind.sender, first),
                .head = end(abi.EndKind.receiver, first),
            };
            freed = 0;
        }

        fn end(kind: u32, first: u32) abi.RawEnd {
            const start = first *% 4;
            return .{
                .word = start,
                .kind = kind,
                .laps = start >> 31,
                .sleeps = 0,
                .wakes = 0,
                .tally = 0,
                .last = start,
                .reserved = 0,
                .cell = .{},
                .reason = .{},
                .item = &item,
                .reject = reject,
                .padding = undefined,
            };
        }

        fn open(self: *@This(), first: u32) !struct { spsc.Sender(T), spsc.Receiver(T) } {
            self.init(first);
            return .{ try .open(&self.raw.tail), try .open(&self.raw.head) };
        }
    };
}

/// Nothing may look at it any more: what does will not find a channel.
fn free(raw: *abi.RawChannel) callconv(.c) void {
    @memset(std.mem.asBytes(raw), 0xaa);
    _ = @atomicRmw(u32, &freed, .Add, 1, .acq_rel);
}

/// As Rust gives an unopened end back.
fn reject(raw: *abi.RawEnd, reason: *const abi.RawError) callconv(.c) void {
    if (raw.kind == abi.EndKind.sender) {
        var end: ring.Producer = .open(@alignCast(@fieldParentPtr("tail", raw)));
        end.close(reason.*);
        end.deinit();
    } else {
        var end: ring.Consumer = .open(@alignCast(@fieldParentPtr("head", raw)));
        end.close(reason.*);
        end.deinit();
    }
}

/// Where positions wrap around.
const wrap = 1 << 30;

test "a channel holds exactly its capacity, in order, also where positions wrap" {
    inline for (.{ 1, 2, 3, 4, 5, 7, 8, 9, 255, 256, 257 }) |capacity| {
        for ([_]u32{ 0, 1, wrap / 2 - 1, wrap - 1, wrap - (capacity + 1) / 2 }) |first| {
            var memory: Memory(u64, capacity) = undefined;
            var tx, var rx = try memory.open(first);
            for (0..3) |round| {
                for (0..capacity) |n| {
                    try expectEqual(n, tx.len());
                    try tx.trySend(round * 1000 + n);
                }
                try std.testing.expectError(error.Full, tx.trySend(0));
                try expectEqual(capacity, rx.len());
                for (0..capacity) |n| try expectEqual(round * 1000 + n, try rx.tryRecv());
                try std.testing.expectError(error.Empty, rx.tryRecv());
            }
            const sent: u64 = @as(u64, first) + 3 * capacity;
            try expectEqual(sent, tx.snapshot().sent);
            try expectEqual(sent, rx.snapshot().received);
            tx.deinit();
            rx.deinit();
            try expectEqual(1, freed);
        }
    }
}

test "half-turns are counted, from which totals are told long after a wrap" {
    var memory: Memory(u64, 4) = undefined;
    var tx, var rx = try memory.open(wrap / 2 - 6);
    try expectEqual(0, memory.raw.tail.laps);
    for (0..24) |n| {
        try tx.trySend(n);
        _ = try rx.tryRecv();
    }
    try expectEqual(1, memory.raw.tail.laps);
    try expectEqual(wrap / 2 + 18, tx.snapshot().sent);
    rx.deinit();
    tx.deinit();
    tx, rx = try memory.open(wrap - 6);
    for (0..16) |n| {
        try tx.trySend(n);
        _ = try rx.tryRecv();
    }
    try expectEqual(2, memory.raw.tail.laps);
    try expectEqual(wrap + 10, rx.snapshot().received);
    rx.deinit();
    tx.deinit();
}

test "batches and grants that wrap come in two slices" {
    var memory: Memory(u64, 5) = undefined;
    var tx, var rx = try memory.open(wrap - 6);
    defer rx.deinit();
    defer tx.deinit();
    try expectEqual(5, try tx.trySendMany(&.{ 0, 1, 2, 3, 4, 5 }));
    try expectEqual(0, try tx.trySendMany(&.{5}));
    var items: [9]u64 = undefined;
    try expectEqual(5, try rx.tryRecvMany(&items));
    try std.testing.expectEqualSlices(u64, &.{ 0, 1, 2, 3, 4 }, items[0..5]);
    // The next slot is the last of 8.
    const room = try tx.tryReserve(3);
    try expectEqual(1, room.first.len);
    try expectEqual(2, room.second.len);
    room.first[0] = 5;
    room.second[0..2].* = .{ 6, 7 };
    try expectEqual(0, rx.len());
    try room.commit(3);
    try expectEqual(5, (try rx.peek()).*);
    const read = try rx.tryRead(9);
    try std.testing.expectEqualSlices(u64, &.{5}, read.first);
    try std.testing.expectEqualSlices(u64, &.{ 6, 7 }, read.second);
    read.release(2);
    try expectEqual(7, try rx.tryRecv());
    try std.testing.expectError(error.Full, tx.tryReserve(6));
    try std.testing.expectError(error.TooMany, tx.reserveBlocking(6));
}

test "what was sent before the sender closed arrives, then the end and its reason" {
    var memory: Memory(u64, 4) = undefined;
    var tx, var rx = try memory.open(0);
    try tx.trySend(1);
    tx.closeWith(error.TapeTorn);
    tx.closeWithCode(7); // the first reason counts
    try std.testing.expectError(error.Closed, tx.trySend(2));
    tx.deinit();
    try expectEqual(0, freed);
    try expectEqual(1, try rx.recvBlocking());
    try std.testing.expectError(error.Closed, rx.recvBlocking());
    try std.testing.expectEqualStrings("TapeTorn", rx.reason().?.name);
    rx.deinit();
    try expectEqual(1, freed);
}

test "what is sent after the receiver closed is refused, what was there stays" {
    var memory: Memory(u64, 4) = undefined;
    var tx, var rx = try memory.open(0);
    try tx.trySend(1);
    const room = try tx.tryReserve(2);
    room.first[0..2].* = .{ 2, 3 };
    rx.closeWithCode(-7);
    try std.testing.expectError(error.Closed, room.commit(2));
    try std.testing.expectError(error.Closed, tx.trySendMany(&.{2}));
    try expectEqual(0, tx.sendManyBlocking(&.{2}));
    try expectEqual(-7, tx.reason().?.code);
    try expectEqual(1, try rx.tryRecv());
    try std.testing.expectError(error.Closed, rx.tryRecv());
    rx.deinit();
    tx.deinit();
    try expectEqual(1, freed);
}

test "a task is woken once for each sleep, and let go when its end goes" {
    var memory: Memory(u64, 1) = undefined;
    var tx, var rx = try memory.open(0);
    tx.setPatience(0);
    rx.setPatience(0);
    var receiver: Task = .{};
    var sender: Task = .{};
    for (0..10) |n| {
        try expectEqual(null, try rx.pollRecv(&receiver.context()));
        try expectEqual(n, receiver.wakes);
        try tx.trySend(n);
        try expectEqual(n + 1, receiver.wakes);
        try expect(!try tx.pollReady(&sender.context()));
        try expectEqual(n, try rx.pollRecv(&receiver.context()));
        try expectEqual(n + 1, sender.wakes);
        try expect(try tx.pollReady(&sender.context()));
    }
    try expectEqual(2, receiver.references);
    try expectEqual(2, sender.references);
    try expectEqual(null, try rx.pollRecv(&receiver.context()));
    tx.deinit();
    try expectEqual(11, receiver.wakes);
    try std.testing.expectError(error.Closed, rx.pollRecv(&receiver.context()));
    rx.deinit();
    try expectEqual(1, receiver.references);
    try expectEqual(1, sender.references);
}

test "from thread to thread" {
    const count = 20_000;
    var memory: Memory(u32, 3) = undefined;
    var tx, var rx = try memory.open(wrap - count / 2);
    const produce = struct {
        fn run(end: *spsc.Sender(u32)) void {
            for (0..count) |n| end.sendBlocking(@intCast(n)) catch unreachable;
            end.close();
        }
    };
    const thread = try std.Thread.spawn(.{}, produce.run, .{&tx});
    for (0..count) |n| try expectEqual(n, try rx.recvBlocking());
    try std.testing.expectError(error.Closed, rx.recvBlocking());
    // The threads' wakers live as long as they: nobody is registered when they end.
    rx.deinit();
    thread.join();
    freed = 0;
}

test "a wait that times out did nothing" {
    var memory: Memory(u64, 1) = undefined;
    var tx, var rx = try memory.open(0);
    try std.testing.expectError(error.Timeout, rx.recvBlockingTimeout(1));
    try tx.sendBlockingTimeout(1, 1);
    try std.testing.expectError(error.Timeout, tx.sendBlockingTimeout(2, 1));
    try expectEqual(1, try rx.recvBlockingTimeout(1));
    try std.testing.expectError(error.Empty, rx.tryRecv());
    rx.deinit();
    tx.deinit();
}

test "what is dropped for want of room is counted" {
    var memory: Memory(u64, 2) = undefined;
    var tx, var rx = try memory.open(0);
    defer rx.deinit();
    defer tx.deinit();
    for ([_]bool{ true, true, false, false }) |sent| try expectEqual(sent, try tx.sendOrDrop(1));
    try expectEqual(2, rx.snapshot().dropped);
    try expectEqual(2, rx.snapshot().len);
    rx.close();
    try std.testing.expectError(error.Closed, tx.sendOrDrop(1));
    try expectEqual(2, tx.snapshot().dropped);
}

test "an end that is something else goes, and the other one is told why" {
    const Case = struct {
        fn sender(comptime End: type, expected: anyerror) !void {
            var memory: Memory(u64, 2) = undefined;
            memory.init(0);
            var rx: spsc.Receiver(u64) = try .open(&memory.raw.head);
            try std.testing.expectError(expected, End.open(&memory.raw.tail));
            try std.testing.expectError(error.Closed, rx.recvBlocking());
            try std.testing.expectEqualStrings(@errorName(expected), rx.reason().?.name);
            try expectEqual(0, freed);
            rx.deinit();
            try expectEqual(1, freed);
        }
        fn receiver(comptime End: type, expected: anyerror) !void {
            var memory: Memory(u64, 2) = undefined;
            memory.init(0);
            var tx: spsc.Sender(u64) = try .open(&memory.raw.tail);
            try std.testing.expectError(expected, End.open(&memory.raw.head));
            try std.testing.expectError(error.Closed, tx.sendBlocking(1));
            try std.testing.expectEqualStrings(@errorName(expected), tx.reason().?.name);
            try expectEqual(0, freed);
            tx.deinit();
            try expectEqual(1, freed);
        }
    };
    try Case.sender(spsc.Receiver(u64), error.WrongEnd);
    try Case.sender(spsc.Sender(u32), error.WrongItem);
    try Case.sender(spsc.Sender(i64), error.WrongItem);
    try Case.sender(spsc.Sender([8]u8), error.WrongItem);
    try Case.receiver(spsc.Sender(u64), error.WrongEnd);
    try Case.receiver(spsc.Receiver(u32), error.WrongItem);
    try Case.receiver(spsc.Receiver(i64), error.WrongItem);
    try Case.receiver(spsc.Receiver([8]u8), error.WrongItem);
}

test "of a channel of another version nothing is touched" {
    var memory: Memory(u64, 2) = undefined;
    for ([_]bool{ true, false }) |magic| {
        memory.init(0);
        if (magic) memory.raw.magic +%= 1 else memory.raw.abi += 1;
        try std.testing.expectError(error.WrongAbi, spsc.Sender(u64).open(&memory.raw.tail));
        try std.testing.expectError(error.WrongAbi, spsc.Receiver(u64).open(&memory.raw.head));
        try std.testing.expectError(error.WrongEnd, spsc.Receiver(u64).open(&memory.raw.tail));
        try expectEqual(0, memory.raw.tail.word | memory.raw.head.word);
        try expectEqual(2, memory.raw.references);
    }
}

test "an end of another flavour goes back, and one that was never handed to Zig is left alone" {
    var memory: Memory(u64, 2) = undefined;
    memory.init(0);
    memory.raw.flavor += 7;
    try std.testing.expectError(error.WrongFlavor, spsc.Sender(u64).open(&memory.raw.tail));
    try std.testing.expectError(error.WrongFlavor, spsc.Receiver(u64).open(&memory.raw.head));
    try expectEqual(1, freed);
    memory.init(0);
    memory.raw.tail.item = null;
    memory.raw.tail.reject = null;
    try std.testing.expectError(error.WrongItem, spsc.Sender(u64).open(&memory.raw.tail));
    try expectEqual(2, memory.raw.references);
}
