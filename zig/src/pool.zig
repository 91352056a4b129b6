//! Pools of blocks that both languages take, fill and give back: the other half of `core/src/pool`. The words and the rules
//! are told in `core/src/pool/raw.rs`; here is what needs no call into Rust, in the same order and with the same names. Waiting,
//! closing and freeing are Rust's.

const builtin = @import("builtin");
const std = @import("std");
const abi = @import("abi.zig");
const block_file = @import("block.zig");
const host = @import("host.zig");
const profile_file = @import("profile.zig");
const item = @import("item.zig");
const shared_file = @import("shared_bytes.zig");
const sync = @import("sync.zig");
const waker = @import("waker.zig");

const Seat = @import("ring_mpmc.zig").Seat;
const SharedBytes = shared_file.SharedBytes;

// The mode is called `Debug` until Zig 0.16 and `debug` since.
const poisons = std.ascii.eqlIgnoreCase(@tagName(builtin.mode), "debug");

const per_leaf: u32 = if (sync.model) 2 else 30;
const home: u32 = (1 << per_leaf) - 1;
const waiting: u32 = 1 << 30;
const closed: u32 = 1 << 31;

pub const OpenError = error{
    /// The Rust side is of another version of zigflow; build both with one. The pool is left alone.
    WrongAbi,
};

pub const CreateError = error{
    /// No blocks, blocks of no bytes, or more than memory holds.
    Size,
    OutOfMemory,
};

/// A handle of a pool of blocks of one size, from any thread. Copies of it are the same handle; `clone` makes another.
///
/// ```zig
/// var wait = pool.waiter(); // in a source, which stays where it is
/// const block = wait.poll(cx) orelse return .pending;
/// const len = fill(block.slice());
/// return .{ .ready = block.give(len) };
/// ```
pub const Pool = struct {
    raw: *abi.RawPool,

    /// A pool of `blocks_len` blocks of at least `block_size` bytes, aligned to 64: one allocation, of zeros.
    pub fn init(blocks_len: usize, block_size: usize) CreateError!Pool {
        return initAligned(blocks_len, block_size, .@"64");
    }

    /// The same with blocks of another alignment, to which their size is rounded up.
    pub fn initAligned(blocks_len: usize, block_size: usize, alignment: std.mem.Alignment) CreateError!Pool {
        var raw: *abi.RawPool = undefined;
        return switch (host.zf1_pool_new(blocks_len, block_size, alignment.toByteUnits(), &raw)) {
            0 => .{ .raw = raw },
            1 => error.Size,
            else => error.OutOfMemory,
        };
    }

    /// Takes over a handle that Rust has handed to Zig: `Pool::to_zig` there.
    pub fn open(raw: *abi.RawPool) OpenError!Pool {
        if (raw.magic != abi.magic or raw.abi != abi.abi_number) return error.WrongAbi;
        return .{ .raw = raw };
    }

    /// Another handle of the same pool.
    pub fn clone(pool: Pool) Pool {
        host.zf1_pool_retain(pool.raw);
        return pool;
    }

    /// The handle goes. The pool's memory is freed when all handles have gone and all blocks are home.
    pub fn deinit(pool: Pool) void {
        host.zf1_pool_release(pool.raw);
    }

    /// Takes a block, if one is home. (Of more than 30: while others take and give back, it may miss one.) Its bytes are what
    /// they were when it was given back, at first 0; in a debug build 0xaa.
    pub inline fn tryAcquire(pool: Pool) ?Block {
        const first = sync.counted(&pool.raw.hint);
        var leaf = first;
        while (true) {
            const word = &pool.raw.leaves[leaf].word;
            var seen = sync.loadRelaxed(word);
            while (seen & home != 0) {
                const bit = seen & (0 -% seen);
                seen = sync.compareExchangeUnless(word, seen, seen & ~bit, 110) orelse {
                    if (leaf != first and !sync.model) @atomicStore(u32, &pool.raw.hint, leaf, .monotonic);
                    const block: Block = .{ .raw = &pool.raw.shared[leaf * per_leaf + @ctz(bit)] };
                    sync.write(block.slice().ptr);
                    return block;
                };
            }
            leaf = if (leaf + 1 == pool.raw.leaves_len) 0 else leaf + 1;
            if (leaf == first) return null;
        }
    }

    /// Takes a block; the thread sleeps while none is home, in turn. With Rust's std only. (Also if nobody wants what it would
    /// fill any more and who has the blocks keeps them: for that there is `acquireBlockingTimeout`, or a `ByteWriter`.)
    pub fn acquireBlocking(pool: Pool) Block {
        return pool.acquireInTime(null).?;
    }

    /// `acquireBlocking` that gives up after a time.
    pub fn acquireBlockingTimeout(pool: Pool, timeout_ns: u64) ?Block {
        return pool.acquireInTime(timeout_ns);
    }

    const Wait = struct { waiter: Waiter, block: ?Block = null };

    fn acquireInTime(pool: Pool, timeout_ns: ?u64) ?Block {
        var wait: Wait = .{ .waiter = pool.waiter() };
        const step = struct {
            fn step(it: *Wait, words: abi.RawWaker) bool {
                it.block = it.waiter.pollBy(words);
                return it.block != null;
            }
        }.step;
        _ = block_file.wait(&wait, step, timeout_ns);
        wait.waiter.cancel();
        return wait.block;
    }

    /// What waits for a block in a poll.
    pub fn waiter(pool: Pool) Waiter {
        return .{ .pool = pool };
    }

    /// How many blocks there are.
    pub fn blocks(pool: Pool) usize {
        return pool.raw.blocks;
    }

    /// How large each is, bytes.
    pub fn blockSize(pool: Pool) usize {
        return pool.raw.block_size;
    }

    /// True when these bytes lie in one of its blocks: whether they were copied on their way.
    pub fn contains(pool: Pool, bytes: []const u8) bool {
        const offset = @intFromPtr(bytes.ptr) -% @intFromPtr(pool.raw.data);
        const end = pool.blocks() * pool.blockSize();
        return offset < end and bytes.len <= pool.blockSize() - offset % pool.blockSize();
    }

    /// How many are home now.
    pub fn available(pool: Pool) usize {
        var count: usize = 0;
        for (pool.raw.leaves[0..pool.raw.leaves_len]) |*leaf| count += @popCount(sync.loadRelaxed(&leaf.word) & home);
        return count;
    }

    /// What `Pool::monitor` of Rust's has noted; null if nobody watches the pool.
    pub fn profile(pool: Pool) ?profile_file.PoolProfile {
        var noted: profile_file.PoolProfile = undefined;
        return if (host.zf1_pool_profile(pool.raw, &noted) != 0) noted else null;
    }

    /// Each allocation is a block: what is larger than one, or is to be more aligned, finds no memory. Valid as long as
    /// the handle; what was allocated may be freed after it, too.
    pub fn allocator(pool: Pool) std.mem.Allocator {
        return .{ .ptr = pool.raw, .vtable = &.{ .alloc = alloc, .resize = resize, .remap = remap, .free = free } };
    }

    fn alloc(context: *anyopaque, len: usize, alignment: std.mem.Alignment, _: usize) ?[*]u8 {
        const pool = of(context);
        if (len > pool.raw.block_size or alignment.toByteUnits() > pool.raw.block_alignment) return null;
        const block = pool.tryAcquire() orelse return null;
        return block.slice().ptr;
    }

    fn resize(context: *anyopaque, _: []u8, _: std.mem.Alignment, new_len: usize, _: usize) bool {
        return new_len <= of(context).raw.block_size;
    }

    fn remap(context: *anyopaque, memory: []u8, _: std.mem.Alignment, new_len: usize, _: usize) ?[*]u8 {
        return if (new_len <= of(context).raw.block_size) memory.ptr else null;
    }

    fn free(context: *anyopaque, memory: []u8, _: std.mem.Alignment, _: usize) void {
        const raw = of(context).raw;
        const index = (@intFromPtr(memory.ptr) - @intFromPtr(raw.data)) / raw.block_size;
        put(&raw.shared[index]);
    }

    fn of(context: *anyopaque) Pool {
        return .{ .raw = @ptrCast(@alignCast(context)) };
    }
};

/// A place in the queue of those who wait for a block. It stays where it is from the first `poll` that returned null to
/// `cancel` or a block, and needs the pool's handle until then.
pub const Waiter = struct {
    pool: Pool,
    seat: Seat = .{},

    /// A block, if one is home; else the task of `cx` is woken, in turn, when one comes home. (Who comes just then may be
    /// faster.)
    pub fn poll(self: *Waiter, cx: *const waker.Context) ?Block {
        return self.pollBy(cx.waker.raw);
    }

    fn pollBy(self: *Waiter, words: abi.RawWaker) ?Block {
        while (true) {
            if (self.pool.tryAcquire()) |block| {
                self.cancel();
                return block;
            }
            self.seat.join(&self.pool.raw.waiters, words);
            if (host.zf1_pool_arm(self.pool.raw) == 0) return null;
        }
    }

    /// Waits no more: the turn goes to the next one. To be called before the waiter goes, unless the last `poll` returned a
    /// block; any number of times.
    pub fn cancel(self: *Waiter) void {
        if (self.seat.leave(&self.pool.raw.waiters) != null and !sync.bug(116)) host.zf1_pool_left(self.pool.raw);
    }
};

/// A block that is not home, with one owner, who writes and reads it; one of `give`, `share` and `deinit` ends that. It keeps
/// the pool's memory.
pub const Block = struct {
    raw: *abi.RawShared,

    /// All of it.
    pub fn slice(block: Block) []u8 {
        const pool = poolOf(block.raw);
        return pool.data[block.raw.index * pool.block_size ..][0..pool.block_size];
    }

    /// The first `len` bytes are given away: `ZeroCopyBuffer` in Rust. The block goes home when they are released.
    pub fn give(block: Block, len: usize) item.OwnedBytes {
        return .init(block.slice()[0..len], block.raw, poolOf(block.raw).release);
    }

    /// The first `len` bytes get several owners, the first of which is the result.
    pub fn share(block: Block, len: usize) SharedBytes {
        sync.storeRelease(&block.raw.references, 1);
        return .{ .bytes = block.slice()[0..len], .raw = block.raw };
    }

    /// The block goes home.
    pub inline fn deinit(block: Block) void {
        put(block.raw);
    }
};

inline fn poolOf(block: *abi.RawShared) *abi.RawPool {
    return @ptrCast(@alignCast(block.context.?));
}

inline fn put(block: *abi.RawShared) void {
    const pool = poolOf(block);
    const bytes = (Block{ .raw = block }).slice();
    sync.write(bytes.ptr);
    if (poisons) @memset(bytes, 0xaa);
    const word = &pool.leaves[block.index / per_leaf].word;
    const bit = @as(u32, 1) << @intCast(block.index % per_leaf);
    var seen = sync.loadRelaxed(word);
    while (seen & (waiting | closed) == 0) {
        // Null: the block is home, and the pool may be gone.
        seen = sync.compareExchangeUnless(word, seen, seen | bit, 111) orelse return;
    }
    host.zf1_pool_put(block);
}
