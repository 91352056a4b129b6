//! Pools, their blocks and those who wait for one, in either language, with the same verbs.
#![allow(missing_docs)] // what Zig's functions are called, Zig tells

use std::task::Context;

use futures_core::Stream;
use zigflow::abi::RawWaker;
use zigflow::pool::{Block, ZigPool};
use zigflow::{
    FutureError, OpenError, Pool, RustBuffer, SharedBuffer, StreamError, ZeroCopyBuffer, ZigError,
    mpmc, spsc,
};

use crate::ends::Lang::{self, Rust, Zig};

zigflow::autozig! {
    const std = @import("std");
    const zigflow = @import("zigflow");

    const PoolThere = struct {
        pool: zigflow.Pool,

        pub const sendable = true;

        pub fn take(pool: zigflow.Pool) PoolThere {
            return .{ .pool = pool };
        }

        pub fn make(blocks: u32, bytes: u32) !PoolThere {
            return .{ .pool = try .init(blocks, bytes) };
        }

        pub fn another(self: *const PoolThere) PoolThere {
            return .{ .pool = self.pool.clone() };
        }

        pub fn acquire(self: *const PoolThere) ?BlockThere {
            return .{ .block = self.pool.tryAcquire() orelse return null };
        }

        pub fn acquireBlocking(self: *const PoolThere) BlockThere {
            return .{ .block = self.pool.acquireBlocking() };
        }

        pub fn acquireWithin(self: *const PoolThere, timeout_ns: u64) ?BlockThere {
            return .{ .block = self.pool.acquireBlockingTimeout(timeout_ns) orelse return null };
        }

        pub fn waiter(self: *const PoolThere) WaiterThere {
            return .{ .waiter = self.pool.clone().waiter() };
        }

        pub fn available(self: *const PoolThere) usize {
            return self.pool.available();
        }

        pub fn deinit(self: *PoolThere) void {
            self.pool.deinit();
        }

        /// An allocator over blocks: how many numbers a list has when it finds no memory.
        pub fn listed(self: *const PoolThere) !usize {
            const gpa = self.pool.allocator();
            var list: std.ArrayList(u32) = .empty;
            defer list.deinit(gpa);
            var count: u32 = 0;
            while (true) : (count += 1) list.append(gpa, count) catch break;
            for (list.items, 0..) |n, i| if (n != i) return error.Wrong;
            return list.items.len;
        }

        /// What an allocator over blocks may and may not.
        pub fn allocates(self: *const PoolThere) !void {
            const gpa = self.pool.allocator();
            const size = self.pool.blockSize();
            const before = self.pool.available();
            const small = try gpa.alloc(u8, 1);
            const whole = try gpa.alloc(u8, size);
            if (self.pool.available() != before - 2) return error.NoBlocks;
            if (gpa.resize(small, size) == false) return error.NoRoom;
            if (gpa.resize(whole, size + 1)) return error.TooMuchRoom;
            if (gpa.alloc(u8, size + 1)) |_| return error.TooLarge else |e| if (e != error.OutOfMemory) return e;
            const aligned = gpa.alignedAlloc(u8, .fromByteUnits(4096), 1);
            if (aligned) |_| return error.TooAligned else |e| if (e != error.OutOfMemory) return e;
            gpa.free(small.ptr[0..size]);
            gpa.free(whole);
            if (self.pool.available() != before) return error.NotHome;
        }

        /// Each n-th allocation fails in turn, and nothing is lost.
        pub fn everyFailure(self: *const PoolThere) !void {
            const before = self.pool.available();
            try checkFailures(self.pool.allocator(), before);
            if (self.pool.available() != before) return error.NotHome;
        }

        fn checkFailures(backing: std.mem.Allocator, allocations: usize) !void {
            for (0..allocations + 1) |n| {
                var failing: std.testing.FailingAllocator = .init(backing, .{ .fail_index = n });
                const got = build(failing.allocator(), allocations);
                if (n < allocations) {
                    if (got) |_| return error.NoFailure else |e| if (e != error.OutOfMemory) return e;
                } else try got;
                if (failing.allocated_bytes != failing.freed_bytes) return error.Leak;
            }
        }

        fn build(gpa: std.mem.Allocator, count: usize) !void {
            var all: [64]?*u64 = @splat(null);
            defer for (all) |one| if (one) |it| gpa.destroy(it);
            for (all[0..count]) |*one| one.* = try gpa.create(u64);
        }
    };

    const BlockThere = struct {
        block: ?zigflow.Block,

        pub const sendable = true;

        pub fn fill(self: *BlockThere, byte: u8) void {
            @memset(self.block.?.slice(), byte);
        }

        pub fn isAll(self: *const BlockThere, byte: u8) bool {
            return std.mem.allEqual(u8, self.block.?.slice(), byte);
        }

        pub fn address(self: *const BlockThere) usize {
            return @intFromPtr(self.block.?.slice().ptr);
        }

        /// Gives the block away; what is left is nothing.
        pub fn give(self: *BlockThere, len: u32) zigflow.OwnedBytes {
            defer self.block = null;
            return self.block.?.give(len);
        }

        pub fn share(self: *BlockThere, len: u32) SharedThere {
            defer self.block = null;
            return .{ .bytes = self.block.?.share(len) };
        }

        pub fn deinit(self: *BlockThere) void {
            if (self.block) |block| block.deinit();
        }
    };

    const SharedThere = struct {
        bytes: ?zigflow.SharedBytes,

        pub const sendable = true;

        pub fn part(self: *const SharedThere, from: u32, to: u32) SharedThere {
            return .{ .bytes = self.bytes.?.part(from, to) };
        }

        pub fn sum(self: *const SharedThere) u64 {
            var total: u64 = 0;
            for (self.bytes.?.bytes) |byte| total += byte;
            return total;
        }

        pub fn give(self: *SharedThere) zigflow.OwnedBytes {
            defer self.bytes = null;
            return self.bytes.?.give();
        }

        pub fn deinit(self: *SharedThere) void {
            if (self.bytes) |bytes| bytes.deinit();
        }
    };

    /// It stays where it is: Rust has a pointer to it.
    const WaiterThere = struct {
        waiter: zigflow.BlockWaiter,

        pub const sendable = true;

        pub fn deinit(self: *WaiterThere) void {
            self.waiter.cancel();
            self.waiter.pool.deinit();
        }
    };

    fn pollThere(waiter: *WaiterThere, data: usize, vtable: usize) ?BlockThere {
        const cx: zigflow.Context = .{ .waker = .{ .raw = .{ .data = @ptrFromInt(data), .vtable = @ptrFromInt(vtable) } } };
        return .{ .block = waiter.waiter.poll(&cx) orelse return null };
    }

    /// Each item is a block of the source's own pool, `len` bytes of its number.
    const Pooled = struct {
        waiter: zigflow.BlockWaiter,
        len: usize,
        next: u32 = 0,
        end: u32,

        pub const sendable = true;

        pub fn poll(self: *Pooled, cx: *zigflow.Context) zigflow.Poll(zigflow.OwnedBytes) {
            if (self.next == self.end) return .done;
            const block = self.waiter.poll(cx) orelse return .pending;
            @memset(block.slice()[0..self.len], @truncate(self.next));
            self.next += 1;
            return .{ .ready = block.give(self.len) };
        }

        pub fn deinit(self: *Pooled) void {
            self.waiter.cancel();
            self.waiter.pool.deinit();
        }
    };

    fn pooled(blocks: u32, len: u32, count: u32) !Pooled {
        const pool: zigflow.Pool = try .init(blocks, len);
        return .{ .waiter = pool.waiter(), .len = len, .end = count };
    }

    /// Reads bytes of Rust's and releases them.
    fn sumOf(bytes: zigflow.OwnedBytes) u64 {
        defer bytes.deinit();
        var total: u64 = 0;
        for (bytes.slice()) |byte| total += byte;
        return total;
    }

    /// Gives bytes of Rust's back as they are.
    fn back(bytes: zigflow.OwnedBytes) zigflow.OwnedBytes {
        return bytes;
    }

    const Rx = zigflow.spsc.Receiver(zigflow.OwnedBytes);
    const ManyRx = zigflow.mpmc.Receiver(zigflow.OwnedBytes);
    const Tx = zigflow.spsc.Sender(zigflow.OwnedBytes);
    const ManyTx = zigflow.mpmc.Sender(zigflow.OwnedBytes);

    /// Receives so many, at most, and adds their bytes up; what is left goes with the end.
    fn receive(rx: Rx, count: u32) u64 {
        return receiveFrom(rx, count);
    }

    fn receiveMany(rx: ManyRx, count: u32) u64 {
        return receiveFrom(rx, count);
    }

    fn receiveFrom(rx: anytype, count: u32) u64 {
        var end = rx;
        defer end.deinit();
        var total: u64 = 0;
        for (0..count) |_| {
            const bytes = end.recvBlocking() catch break;
            defer bytes.deinit();
            for (bytes.slice()) |byte| total += byte;
        }
        return total;
    }

    /// Sends so many blocks, filled with their numbers, until nobody receives; how many were sent.
    fn send(tx: Tx, pool: zigflow.Pool, count: u32) u32 {
        return sendTo(tx, pool, count);
    }

    fn sendMany(tx: ManyTx, pool: zigflow.Pool, count: u32) u32 {
        return sendTo(tx, pool, count);
    }

    fn sendTo(tx: anytype, pool: zigflow.Pool, count: u32) u32 {
        var end = tx;
        defer end.deinit();
        defer pool.deinit();
        for (0..count) |n| {
            const block = pool.acquireBlocking();
            @memset(block.slice(), @truncate(n));
            const bytes = block.give(block.slice().len);
            end.sendBlocking(bytes) catch {
                bytes.deinit();
                return @intCast(n);
            };
        }
        return count;
    }

    /// Sends as many as there is room for, and drops the rest.
    fn sendOrDrop(tx: Tx, pool: zigflow.Pool) u32 {
        var end = tx;
        defer end.deinit();
        defer pool.deinit();
        var sent: u32 = 0;
        for (0..pool.blocks()) |_| {
            const block = pool.tryAcquire() orelse break;
            if (end.sendOrDrop(block.give(1)) catch unreachable) sent += 1;
        }
        return sent;
    }

    /// One that is good, one that is none, one that is good.
    fn sendMalformed(tx: ManyTx) !void {
        var end = tx;
        defer end.deinit();
        for (0..3) |n| {
            if (n == 1) {
                try end.sendBlocking(.{ .raw = .{ .ptr = null, .len = 5, .release = never, .context = null } });
            } else {
                const bytes = try zigflow.allocator.alloc(u8, 8);
                @memset(bytes, 1);
                try end.sendBlocking(.fromSlice(bytes));
            }
        }
    }

    fn sendMalformedAlone(tx: Tx) !void {
        var end = tx;
        defer end.deinit();
        for (0..3) |_| try end.sendBlocking(.{ .raw = .{ .ptr = null, .len = 5, .release = never, .context = null } });
    }

    fn never(_: ?*anyopaque, _: ?[*]u8, _: usize) callconv(.c) void {
        @panic("what is malformed is not released");
    }

    /// Expects other items.
    fn receiveNumbers(rx: zigflow.spsc.Receiver(u32)) void {
        var end = rx;
        end.deinit();
    }

    fn receiveManyNumbers(rx: zigflow.mpmc.Receiver(u32)) void {
        var end = rx;
        end.deinit();
    }

    /// Never called with the wrong end; then all that was handed over is given back.
    fn several(pool: zigflow.Pool, raw: *zigflow.RawPool, rx: zigflow.spsc.Receiver(u32), again: zigflow.Pool) void {
        var end = rx;
        end.deinit();
        pool.deinit();
        (zigflow.Pool.open(raw) catch unreachable).deinit();
        again.deinit();
    }

    /// Both ends in Zig: what is sent and not received is released.
    fn alone(pool: zigflow.Pool) !u32 {
        defer pool.deinit();
        inline for (.{ zigflow.spsc.channel, zigflow.mpmc.channel }) |channel| {
            var tx, var rx = try channel(zigflow.OwnedBytes, 4);
            for (0..3) |_| try tx.trySend(pool.tryAcquire().?.give(1));
            (try rx.tryRecv()).deinit();
            rx.deinit();
            const late = pool.tryAcquire().?.give(1);
            if (tx.trySend(late)) |_| return error.Sent else |_| late.deinit();
            tx.deinit();
        }
        return @intCast(pool.available());
    }

    /// Each next one in place of the oldest; how many were replaced, and released here.
    fn sendForced(tx: ManyTx, pool: zigflow.Pool) u32 {
        var end = tx;
        defer end.deinit();
        defer pool.deinit();
        var replaced: u32 = 0;
        for (0..pool.blocks()) |_| {
            const block = pool.tryAcquire() orelse break;
            const oldest = end.forceSend(block.give(1)) catch unreachable orelse continue;
            oldest.deinit();
            replaced += 1;
        }
        return replaced;
    }

    /// One by a grant that is committed, between two that are abandoned.
    fn sendGranted(tx: ManyTx, pool: zigflow.Pool) !void {
        var end = tx;
        defer end.deinit();
        defer pool.deinit();
        (try end.tryReserve()).abandon();
        const grant = try end.tryReserve();
        grant.item.* = pool.tryAcquire().?.give(1);
        grant.commit();
        (try end.tryReserve()).abandon();
    }

    /// Reads in place, then releases slot and bytes; how many bytes there were.
    fn readGranted(rx: Rx) u64 {
        var end = rx;
        defer end.deinit();
        const grant = end.tryRead(2) catch return 0;
        var total: u64 = 0;
        inline for (.{ grant.first, grant.second }) |part| for (part) |bytes| {
            total += bytes.slice().len;
            bytes.deinit();
        };
        grant.release(grant.len());
        return total;
    }

    fn readManyGranted(rx: ManyRx) u64 {
        var end = rx;
        defer end.deinit();
        var grant = end.tryRead() catch return 0;
        const bytes = grant.item().*;
        grant.release();
        defer bytes.deinit();
        return bytes.slice().len;
    }

    var gates: [4]std.atomic.Value(u32) = @splat(.init(0));

    /// What waits there goes on.
    fn openGate(gate: u32) void {
        gates[gate].store(1, .release);
    }

    /// A thread writes into a block until the gate is open, then gives it away, whether somebody still wants it or not.
    fn fillLater(pool: zigflow.Pool, gate: u32, done: zigflow.Completion(zigflow.OwnedBytes)) !void {
        errdefer pool.deinit();
        const thread = try std.Thread.spawn(.{}, fillThere, .{ pool, gate, done });
        thread.detach();
    }

    fn fillThere(pool: zigflow.Pool, gate: u32, done: zigflow.Completion(zigflow.OwnedBytes)) void {
        defer pool.deinit();
        const block = pool.tryAcquire() orelse return done.finish(error.NoBlock);
        while (gates[gate].load(.acquire) == 0) {
            @memset(block.slice(), 7);
            std.Thread.yield() catch {};
        }
        done.finish(block.give(64));
    }

    /// Releases bytes of Rust's on a thread of Zig's.
    fn releaseThere(bytes: zigflow.OwnedBytes) !void {
        const thread = std.Thread.spawn(.{}, zigflow.OwnedBytes.deinit, .{bytes}) catch |e| {
            bytes.deinit();
            return e;
        };
        thread.join();
    }
    ---
    /// A handle in Zig.
    pub type PoolThere: Send;
    impl PoolThere {
        /// Of a pool of Rust's.
        pub fn take(pool: ZigPool) -> Result<Self, ZigError>;
        /// Of a new one.
        pub fn make(blocks: u32, bytes: u32) -> Result<Self, ZigError>;
        pub fn another(&self) -> Self;
        pub fn acquire(&self) -> Option<BlockThere>;
        pub fn acquire_blocking(&self) -> BlockThere;
        pub fn acquire_within(&self, timeout_ns: u64) -> Option<BlockThere>;
        pub fn waiter(&self) -> WaiterThere;
        pub fn available(&self) -> usize;
        pub fn listed(&self) -> Result<usize, ZigError>;
        pub fn allocates(&self) -> Result<(), ZigError>;
        pub fn every_failure(&self) -> Result<(), ZigError>;
    }
    /// A block in Zig.
    pub type BlockThere: Send;
    impl BlockThere {
        pub fn fill(&mut self, byte: u8);
        pub fn is_all(&self, byte: u8) -> bool;
        pub fn address(&self) -> usize;
        pub fn give(&mut self, len: u32) -> ZeroCopyBuffer;
        pub fn share(&mut self, len: u32) -> SharedThere;
    }
    /// One of several owners in Zig.
    pub type SharedThere: Send;
    impl SharedThere {
        pub fn part(&self, from: u32, to: u32) -> Self;
        pub fn sum(&self) -> u64;
        pub fn give(&mut self) -> ZeroCopyBuffer;
    }
    /// A waiter in Zig.
    pub type WaiterThere: Send;
    fn poll_there(waiter: &mut WaiterThere, data: usize, vtable: usize) -> Option<BlockThere>;
    /// Blocks of the source's own pool.
    pub fn pooled(blocks: u32, len: u32, count: u32) -> Result<impl Stream<Item = Result<ZeroCopyBuffer, StreamError>> + Send, OpenError>;
    pub fn sum_of(bytes: RustBuffer) -> u64;
    pub fn back(bytes: RustBuffer) -> ZeroCopyBuffer;
    pub fn receive(rx: spsc::ZigReceiver<ZeroCopyBuffer>, count: u32) -> Result<u64, ZigError>;
    pub fn receive_many(rx: mpmc::ZigReceiver<ZeroCopyBuffer>, count: u32) -> Result<u64, ZigError>;
    pub fn send(tx: spsc::ZigSender<ZeroCopyBuffer>, pool: ZigPool, count: u32) -> Result<u32, ZigError>;
    pub fn send_many(tx: mpmc::ZigSender<ZeroCopyBuffer>, pool: ZigPool, count: u32) -> Result<u32, ZigError>;
    pub fn send_or_drop(tx: spsc::ZigSender<ZeroCopyBuffer>, pool: ZigPool) -> Result<u32, ZigError>;
    pub fn send_malformed(tx: mpmc::ZigSender<ZeroCopyBuffer>) -> Result<(), ZigError>;
    pub fn send_malformed_alone(tx: spsc::ZigSender<ZeroCopyBuffer>) -> Result<(), ZigError>;
    pub fn receive_numbers(rx: spsc::ZigReceiver<ZeroCopyBuffer>) -> Result<(), ZigError>;
    pub fn receive_many_numbers(rx: mpmc::ZigReceiver<ZeroCopyBuffer>) -> Result<(), ZigError>;
    pub fn several(pool: ZigPool, raw: ZigPool, rx: spsc::ZigReceiver<ZeroCopyBuffer>, again: ZigPool) -> Result<(), ZigError>;
    pub fn alone(pool: ZigPool) -> Result<u32, ZigError>;
    pub fn send_forced(tx: mpmc::ZigSender<ZeroCopyBuffer>, pool: ZigPool) -> Result<u32, ZigError>;
    pub fn send_granted(tx: mpmc::ZigSender<ZeroCopyBuffer>, pool: ZigPool) -> Result<(), ZigError>;
    pub fn read_granted(rx: spsc::ZigReceiver<ZeroCopyBuffer>) -> Result<u64, ZigError>;
    pub fn read_many_granted(rx: mpmc::ZigReceiver<ZeroCopyBuffer>) -> Result<u64, ZigError>;
    pub fn open_gate(gate: u32);
    pub async fn fill_later(pool: ZigPool, gate: u32) -> Result<ZeroCopyBuffer, FutureError>;
    pub fn release_there(bytes: ZeroCopyBuffer) -> Result<(), ZigError>;
}

/// A handle.
#[derive(Debug)]
pub enum Handle {
    /// In Rust.
    Rust(Pool),
    /// In Zig.
    Zig(PoolThere),
}

/// A block with one owner.
#[derive(Debug)]
pub enum Held {
    /// In Rust.
    Rust(Block),
    /// In Zig.
    Zig(BlockThere),
}

impl Handle {
    /// A handle of this pool in the language.
    pub fn of(pool: &Pool, lang: Lang) -> Self {
        match lang {
            Rust => Self::Rust(pool.clone()),
            Zig => Self::Zig(PoolThere::take(pool.to_zig()).unwrap()),
        }
    }

    /// Takes a block, if one is home.
    pub fn try_acquire(&self) -> Option<Held> {
        match self {
            Self::Rust(pool) => pool.try_acquire().map(Held::Rust),
            Self::Zig(pool) => pool.acquire().map(Held::Zig),
        }
    }

    /// Takes a block, asleep until one is home.
    pub fn acquire_blocking(&self) -> Held {
        match self {
            Self::Rust(pool) => Held::Rust(pool.acquire_blocking()),
            Self::Zig(pool) => Held::Zig(pool.acquire_blocking()),
        }
    }
}

impl Held {
    /// Writes all of it.
    pub fn fill(&mut self, byte: u8) {
        match self {
            Self::Rust(block) => block.fill(byte),
            Self::Zig(block) => block.fill(byte),
        }
    }

    /// Reads all of it.
    pub fn is_all(&self, byte: u8) -> bool {
        match self {
            Self::Rust(block) => block.iter().all(|found| *found == byte),
            Self::Zig(block) => block.is_all(byte),
        }
    }

    /// Where it is.
    pub fn address(&self) -> usize {
        match self {
            Self::Rust(block) => block.as_ptr().addr(),
            Self::Zig(block) => block.address(),
        }
    }

    /// The first bytes, given away.
    pub fn give(self, len: usize) -> ZeroCopyBuffer {
        match self {
            Self::Rust(mut block) => {
                block.set_len(len);
                block.into()
            }
            Self::Zig(mut block) => block.give(len as u32),
        }
    }

    /// The same with several owners.
    pub fn share(self, len: usize) -> SharedBuffer {
        match self {
            Self::Rust(mut block) => {
                block.set_len(len);
                block.into()
            }
            Self::Zig(mut block) => block.share(len as u32).give().into(),
        }
    }
}

impl WaiterThere {
    /// Takes a block, or waits for one.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Option<BlockThere> {
        let RawWaker { data, vtable } = RawWaker::of(cx.waker());
        poll_there(self, data.expose_provenance(), vtable.expose_provenance())
    }
}
