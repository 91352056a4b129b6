//! The border, Zig's half. `core/src/abi.rs` is the other half: same order, same names, same
//! numbers. Both assert every size and offset when they are compiled, and a test compares the
//! two tables that they publish, so neither can move alone.
//!
//! Rules of the border:
//!   - only scalars and pointers are passed or returned by value; results go through out-pointers;
//!   - no enum, bool or slice stands in a shared struct: plain integers, checked by who reads them;
//!   - what one side writes while the other reads is a `Word` (sync.zig), nothing wider.

const builtin = @import("builtin");
const std = @import("std");

/// Rises with every change of a shared layout, protocol or symbol, and with every release that Cargo
/// holds incompatible. Every exported symbol carries it, so two versions of zigflow can live in one
/// program.
pub const abi_number: u32 = 1;

/// "ZFLW": what a source type starts with.
pub const magic: u32 = 0x5a46_4c57;

/// "ZFOP": what an operation and its type start with.
pub const magic_operation: u32 = 0x5a46_4f50;

/// A Rust `Waker` as its two words. Both null: no waker.
pub const RawWaker = extern struct {
    data: ?*const anyopaque = null,
    vtable: ?*const anyopaque = null,
};

/// One waiter, any number of wakers. The protocol is in waker_cell.zig.
pub const RawWakerCell = extern struct {
    state: u32 = 0,
    reserved: u32 = 0,
    slots: [2]RawWaker = .{ .{}, .{} },
};

/// What a poll answers.
pub const StreamState = struct {
    pub const ready: u32 = 0;
    pub const pending: u32 = 1;
    pub const done: u32 = 2;
    pub const failed: u32 = 3;
};

/// A byte item. `state` repeats what the poll returned.
pub const StreamItem = extern struct {
    state: u32 = StreamState.pending,
    error_code: i32 = 0,
    data_ptr: ?[*]const u8 = null,
    data_len: usize = 0,
};

/// An owned byte item: `release(context, ptr, len)` runs once, on any thread.
pub const OwnedItem = extern struct {
    ptr: ?[*]u8 = null,
    len: usize = 0,
    release: ?*const fn (context: ?*anyopaque, ptr: ?[*]u8, len: usize) callconv(.c) void = null,
    context: ?*anyopaque = null,
};

/// How items arrive in the out-pointer of a poll.
pub const ItemKind = struct {
    /// A value of `size` bytes.
    pub const plain: u32 = 0;
    /// A `StreamItem` whose bytes stay valid until the next poll or the drop of the source.
    pub const lent: u32 = 1;
    /// An `OwnedItem`.
    pub const owned: u32 = 2;
};

/// What an item is; compared when a source is opened.
pub const ItemType = extern struct {
    kind: u32,
    size: u32,
    alignment: u32,
    name_len: u32,
    /// See shape.zig; 0: unknown.
    shape: u32,
    reserved: u32,
    name_ptr: [*]const u8,
};

pub const ErrorKind = struct {
    /// A Zig error: `name` is its `@errorName`, static text.
    pub const zig: u32 = 0;
    /// A code that the Zig author chose.
    pub const code: u32 = 1;
    /// An argument of `open` has another type than Zig's function; `code` is its index, `name` the
    /// type in Zig.
    pub const argument: u32 = 2;
    /// `open` takes another number of arguments; `code` is the number that Zig takes.
    pub const argument_count: u32 = 3;
};

pub const RawError = extern struct {
    kind: u32 = ErrorKind.zig,
    code: i32 = 0,
    name_ptr: ?[*]const u8 = null,
    name_len: usize = 0,
};

pub const ArgKind = struct {
    pub const unsigned: u32 = 0;
    pub const signed: u32 = 1;
    pub const float: u32 = 2;
    pub const boolean: u32 = 3;
    pub const bytes: u32 = 4;
    /// A buffer that the operation keeps: `[]u8`, valid until the completion.
    pub const buffer: u32 = 5;
};

/// One argument of `open`. A number of `bits` bits (0: as wide as a pointer) stands in `lo` and `hi`
/// (two's complement, IEEE 754); bytes are valid during the call.
pub const RawArg = extern struct {
    kind: u32,
    bits: u32,
    lo: u32,
    hi: u32,
    ptr: ?[*]const u8,
    len: usize,
};

/// `flags` of a size hint.
pub const has_upper: u32 = 1;

pub const RawSizeHint = extern struct {
    lower: usize = 0,
    upper: usize = 0,
    flags: u32 = 0,
    reserved: u32 = 0,
};

/// What `open` fills in.
pub const RawSource = extern struct {
    state: ?*anyopaque = null,
    /// Where every lent byte lies; null when the source does not promise it.
    registered_ptr: ?[*]const u8 = null,
    registered_len: usize = 0,
};

/// `flags` of a source type: its state may move to another thread.
pub const sendable: u32 = 1;

/// A source written in Zig: what `zigflow.source` exports, one for each type.
pub const SourceType = extern struct {
    magic: u32,
    abi: u32,
    flags: u32,
    reserved: u32,
    item: ItemType,
    /// Returns `StreamState.ready` with `out` filled, or `StreamState.failed` with `err` filled.
    open: *const fn (args: [*]const RawArg, args_len: u32, out: *RawSource, err: *RawError) callconv(.c) u32,
    /// The waker is lent for the call. `out` is what the item kind says; it is written only when
    /// the answer is ready.
    poll: *const fn (state: *anyopaque, waker_data: ?*const anyopaque, waker_vtable: ?*const anyopaque, out: *anyopaque) callconv(.c) u32,
    /// The error of a poll that answered `failed`.
    take_error: *const fn (state: *anyopaque, err: *RawError) callconv(.c) void,
    size_hint: *const fn (state: *const anyopaque, out: *RawSizeHint) callconv(.c) void,
    drop: *const fn (state: *anyopaque) callconv(.c) void,
};

/// A stream of Rust's that Zig polls, from one thread at a time.
pub const RawStream = extern struct {
    magic: u32,
    abi: u32,
    /// What the items are: plain, or lent until the next poll.
    item: *const ItemType,
    /// A `StreamState`; ready with `out` filled. The waker is lent for the call.
    poll: *const fn (stream: *RawStream, waker: *const RawWaker, out: *anyopaque) callconv(.c) u32,
    /// Drops the stream and frees it.
    drop: *const fn (stream: *RawStream) callconv(.c) void,
    /// Valid after a poll that answered `StreamState.failed`.
    failure: RawError,
};

/// A rate limiter of Rust's that Zig asks, from any thread.
pub const RawLimiter = extern struct {
    magic: u32,
    abi: u32,
    /// Lets so many cells pass: 0; or the nanoseconds to wait, the largest number for "never".
    take: *const fn (limiter: *const RawLimiter, cells: u32) callconv(.c) u64,
    /// One reference more.
    retain: *const fn (limiter: *const RawLimiter) callconv(.c) void,
    /// One reference less.
    release: *const fn (limiter: *const RawLimiter) callconv(.c) void,
};

/// A Zig function that gives its result later: what `zigflow.future` exports.
pub const OperationType = extern struct {
    magic: u32,
    abi: u32,
    flags: u32,
    reserved: u32,
    /// What the result is: plain or owned.
    item: ItemType,
    /// Takes the completion's reference and returns `StreamState.ready`, or refuses the arguments and returns
    /// `StreamState.failed` with `err` filled: then the reference is still the caller's.
    start: *const fn (args: [*]const RawArg, args_len: u32, operation: *RawOperation, err: *RawError) callconv(.c) u32,
};

/// What a future and its completion share: first what every result touches. `core/src/future/operation.rs` tells the protocol.
pub const RawOperation = extern struct {
    /// What has happened so far.
    word: u32,
    /// How many completions were refused because they came second.
    refused: u32,
    magic: u32,
    abi: u32,
    /// How far the operation got, in its own unit: the low half.
    progress_lo: u32,
    /// The high half.
    progress_hi: u32,
    /// Where the result goes.
    value: *anyopaque,
    /// What the result is.
    item: *const ItemType,
    /// Frees the operation, with what nobody took.
    free: *const fn (operation: *RawOperation) callconv(.c) void,
    /// Where the future's task waits.
    waiter: RawWakerCell,
    /// Where the completion's side waits for a request to stop.
    canceler: RawWakerCell,
    /// The error, if that is the result.
    failure: RawError,
};

/// A waker whose other side is a counted Zig object: Rust sees it as a `Waker`.
pub const WakerObject = extern struct {
    wake_by_ref: *const fn (object: *const WakerObject) callconv(.c) void,
    retain: *const fn (object: *const WakerObject) callconv(.c) void,
    release: *const fn (object: *const WakerObject) callconv(.c) void,
};

/// The flavours of a channel.
pub const Flavor = struct {
    /// One sender, one receiver; `core/src/ring/spsc.rs` tells the protocol.
    pub const spsc: u32 = 0;
    /// Any number of either; a `RawMpmc`, and `core/src/ring/mpmc.rs` tells the protocol.
    pub const mpmc: u32 = 1;
    /// The same, and it grows; a `RawUnbounded`, and `core/src/ring/list.rs` tells the protocol.
    pub const unbounded: u32 = 2;
};

/// Which end of a channel a `RawEnd` is.
pub const EndKind = struct {
    pub const sender: u32 = 0;
    pub const receiver: u32 = 1;
};

/// What one thread writes and what another writes lie this far apart, bytes: in pairs of cache lines, as processors fetch
/// them. Firmware's small processors have no such lines, and little memory.
const apart_by = switch (builtin.cpu.arch) {
    .arm, .armeb, .thumb, .thumbeb, .riscv32 => if (builtin.os.tag == .freestanding) 8 else 128,
    else => 128,
};

/// So many bytes with their padding.
fn apart(comptime bytes: usize) usize {
    return (bytes + apart_by - 1) / apart_by * apart_by;
}

/// The padding after so many bytes, words.
fn padding(comptime bytes: usize) usize {
    return (apart(bytes) - bytes) / 4;
}

/// One end of a channel. What one writes shares no cache line (nor a pair of them) with what the other writes.
pub const RawEnd = extern struct {
    /// The position up to which this end is done, and two flags that the peer sets.
    word: u32,
    kind: u32,
    /// Sender: half-turns of its position, as of its last look at the peer.
    laps: u32,
    /// How often this end went to sleep.
    sleeps: u32,
    /// How often the peer woke this end.
    wakes: u32,
    /// Sender: items that its overflow policy dropped. Receiver: the most items that it found waiting; where there may be
    /// many, the slots that were passed over because their grants were abandoned.
    tally: u32,
    /// The position of the sender when this end, a receiver, closed.
    last: u32,
    reserved: u32,
    /// Where this end's task waits.
    cell: RawWakerCell,
    /// Why this end closed; valid once the peer sees that it did.
    reason: RawError,
    /// What the items are, filled in when the end is handed to Zig.
    item: ?*const ItemType,
    /// Gives the end back unopened, and closes the channel for that reason; filled in with `item`.
    reject: ?*const fn (end: *RawEnd, reason: *const RawError) callconv(.c) void,
    padding: [padding(end_bytes)]u32,
};

/// Words, the cell, the reason, two pointers.
const end_bytes = 8 * 4 + (8 + 4 * p) + (8 + 2 * p) + 2 * p;
const channel_bytes = 8 * 4 + 4 * p;
const party_bytes = 6 * 4 + 3 * p;
const unbounded_bytes = 2 * 4 + 3 * p;
const pool_bytes = 4 * 4 + 7 * p;

/// A bounded channel: what never changes, then the two ends.
pub const RawChannel = extern struct {
    magic: u32,
    abi: u32,
    flavor: u32,
    /// How many items fit.
    capacity: u32,
    /// The number of slots, a power of two, minus 1.
    mask: u32,
    /// How many ends are left; the last one frees.
    references: u32,
    /// The size of a slot, bytes.
    slot_size: u32,
    /// The alignment of a slot, bytes.
    slot_alignment: u32,
    /// The first slot.
    slots: *anyopaque,
    /// Frees the channel, and the items that nobody took.
    free: *const fn (channel: *RawChannel) callconv(.c) void,
    /// Rust's.
    check: ?*const anyopaque,
    /// What a monitored channel notes, Rust's; null if it is not monitored.
    profile: ?*const anyopaque,
    padding: [padding(channel_bytes)]u32,
    /// The sender.
    tail: RawEnd,
    /// The receiver.
    head: RawEnd,
};

/// All ends of one kind of a `RawMpmc`, and those of them that wait. Rust keeps the list.
pub const RawParty = extern struct {
    /// How many wait.
    waiting: u32,
    /// Guards the list.
    lock: u32,
    /// How many ends there are.
    alive: u32,
    /// Senders: how far closing is. Receivers, if the channel grows: of how many slots the claim was given up that
    /// nobody has passed over yet.
    closing: u32,
    /// How often one went to sleep.
    sleeps: u32,
    /// How often one was woken.
    wakes: u32,
    /// Who waits, in order.
    first: ?*RawWaiter,
    /// The last of them.
    last: ?*RawWaiter,
    /// Rust's.
    watch: ?*const anyopaque,
    padding: [padding(party_bytes)]u32,
};

/// A task or thread that waits, in memory of its own; it is in its party's list by pointer.
pub const RawWaiter = extern struct {
    next: ?*RawWaiter = null,
    previous: ?*RawWaiter = null,
    waker: RawWaker = .{},
    /// 0 outside of the list, 1 in it, 2 taken out by a wake.
    state: u32 = 0,
    /// Rust's.
    stamp: u32 = 0,
};

/// A bounded channel with any number of ends of either kind.
pub const RawMpmc = extern struct {
    /// The positions, and what never changes.
    channel: RawChannel,
    /// The senders.
    senders: RawParty,
    /// The receivers.
    receivers: RawParty,
    /// Those of either kind that wait for nothing but the end of the channel.
    watchers: RawParty,
};

/// A block of slots of a channel that grows. The slots follow, at the first offset that suits their alignment.
pub const RawBlock = extern struct {
    /// The block after this one.
    next: ?*RawBlock,
};

/// A channel with any number of ends of either kind that grows, block by block. (The mask is that of a block.)
pub const RawUnbounded = extern struct {
    /// As in a bounded channel, but for the slots.
    mpmc: RawMpmc,
    /// The block of the position that the next producer claims.
    tail_block: ?*RawBlock,
    /// A block for the next time that one is needed, or null.
    spare: ?*RawBlock,
    /// The block of the position that the next consumer takes.
    head_block: ?*RawBlock,
    /// How many blocks there are.
    blocks: u32,
    /// How many there may be.
    limit: u32,
    padding: [padding(unbounded_bytes)]u32,
};

/// Who owns memory together: counted, and freed by the last one. Each block of a pool has one, and so has what is shared
/// otherwise.
pub const RawShared = extern struct {
    /// How many own it; of no meaning while a block of a pool has one owner that may write.
    references: u32,
    /// Which block of the pool it is; else 0.
    index: u32,
    /// Called by the last one.
    free: *const fn (shared: *RawShared) callconv(.c) void,
    /// The pool, or what else `free` needs.
    context: ?*anyopaque,
};

/// Which of 30 blocks are home, and two flags. `core/src/pool/raw.rs` tells the protocol.
pub const RawLeaf = extern struct {
    /// A bit for each block, set while it is home; above them the flags.
    word: u32,
    padding: [padding(4)]u32,
};

/// A pool of blocks of one size: what never changes, then what seldom does, then those who wait for a block.
pub const RawPool = extern struct {
    magic: u32,
    abi: u32,
    /// How many blocks there are.
    blocks: u32,
    /// How many leaves.
    leaves_len: u32,
    /// The size of a block, bytes, a multiple of its alignment.
    block_size: usize,
    /// The alignment of a block, bytes.
    block_alignment: usize,
    /// The first block; the others follow.
    data: [*]u8,
    /// What is known of the first block; the others follow.
    shared: [*]RawShared,
    /// The first leaf; the others follow.
    leaves: [*]RawLeaf,
    /// Frees the pool's memory.
    free: *const fn (pool: *RawPool) callconv(.c) void,
    /// What a block is released with that crosses as an owned item, in either language.
    release: *const fn (context: ?*anyopaque, ptr: ?[*]u8, len: usize) callconv(.c) void,
    padding: [padding(pool_bytes)]u32,
    /// How many handles there are; when the last one goes, the pool closes.
    references: u32,
    /// What keeps the memory: blocks that may still come home, the handles together, and who is about to wake somebody.
    remaining: u32,
    /// The leaf in which a block was found last.
    hint: u32,
    reserved: [padding(3 * 4)]u32,
    /// Those who wait for a block.
    waiters: RawParty,
};

/// One row of the layout table: names, size, alignment, offsets and sizes of the fields.
pub const LayoutRow = extern struct {
    name_ptr: [*]const u8,
    name_len: u32,
    size: u32,
    alignment: u32,
    offsets_len: u32,
    offsets: [20]u32,
    sizes: [20]u32,
};

const shared = .{
    .{ "RawWaker", RawWaker },
    .{ "RawWakerCell", RawWakerCell },
    .{ "StreamItem", StreamItem },
    .{ "OwnedItem", OwnedItem },
    .{ "ItemType", ItemType },
    .{ "RawError", RawError },
    .{ "RawArg", RawArg },
    .{ "RawSizeHint", RawSizeHint },
    .{ "RawSource", RawSource },
    .{ "SourceType", SourceType },
    .{ "WakerObject", WakerObject },
    .{ "RawEnd", RawEnd },
    .{ "RawChannel", RawChannel },
    .{ "RawParty", RawParty },
    .{ "RawWaiter", RawWaiter },
    .{ "RawMpmc", RawMpmc },
    .{ "RawBlock", RawBlock },
    .{ "RawUnbounded", RawUnbounded },
    .{ "RawStream", RawStream },
    .{ "RawLimiter", RawLimiter },
    .{ "OperationType", OperationType },
    .{ "RawOperation", RawOperation },
    .{ "RawShared", RawShared },
    .{ "RawLeaf", RawLeaf },
    .{ "RawPool", RawPool },
};

/// The layouts as this compilation sees them; Rust compares them with its own in a test.
pub const layout_table: [shared.len]LayoutRow = blk: {
    @setEvalBranchQuota(10_000);
    var rows: [shared.len]LayoutRow = undefined;
    for (shared, 0..) |entry, i| rows[i] = layoutRow(entry[0], entry[1]);
    break :blk rows;
};

fn layoutRow(comptime name: []const u8, comptime T: type) LayoutRow {
    const names = std.meta.fieldNames(T);
    comptime var all: []const u8 = name;
    inline for (names) |field| all = all ++ " " ++ field;
    var row: LayoutRow = .{
        .name_ptr = all.ptr,
        .name_len = all.len,
        .size = @sizeOf(T),
        .alignment = @alignOf(T),
        .offsets_len = names.len,
        .offsets = @splat(0),
        .sizes = @splat(0),
    };
    inline for (names, 0..) |field, i| {
        row.offsets[i] = @offsetOf(T, field);
        row.sizes[i] = @sizeOf(@FieldType(T, field));
    }
    return row;
}

fn expectLayout(comptime T: type, comptime words_before: usize, comptime pointers: usize, comptime offsets: []const usize) void {
    const word = @sizeOf(usize);
    const size = std.mem.alignForward(usize, words_before * 4 + pointers * word, @alignOf(T));
    if (@sizeOf(T) != size) @compileError(@typeName(T) ++ ": another size than the border's");
    if (@alignOf(T) != @alignOf(usize) and pointers > 0) @compileError(@typeName(T) ++ ": another alignment than the border's");
    const names = std.meta.fieldNames(T);
    if (names.len != offsets.len) @compileError(@typeName(T) ++ ": another number of fields than the border's");
    for (names, offsets) |field, offset| {
        if (@offsetOf(T, field) != offset) @compileError(@typeName(T) ++ "." ++ field ++ ": another offset than the border's");
    }
}

// A pointer's width: 4 or 8. u32s come in pairs before pointers, so nothing is padded.
const p = @sizeOf(usize);
comptime {
    expectLayout(RawWaker, 0, 2, &.{ 0, p });
    expectLayout(RawWakerCell, 2, 4, &.{ 0, 4, 8 });
    expectLayout(StreamItem, 2, 2, &.{ 0, 4, 8, 8 + p });
    expectLayout(OwnedItem, 0, 4, &.{ 0, p, 2 * p, 3 * p });
    expectLayout(ItemType, 6, 1, &.{ 0, 4, 8, 12, 16, 20, 24 });
    expectLayout(RawError, 2, 2, &.{ 0, 4, 8, 8 + p });
    expectLayout(RawArg, 4, 2, &.{ 0, 4, 8, 12, 16, 16 + p });
    expectLayout(RawSizeHint, 2, 2, &.{ 0, p, 2 * p, 2 * p + 4 });
    expectLayout(RawSource, 0, 3, &.{ 0, p, 2 * p });
    expectLayout(SourceType, 10, 6, &.{ 0, 4, 8, 12, 16, 40 + p, 40 + 2 * p, 40 + 3 * p, 40 + 4 * p, 40 + 5 * p });
    expectLayout(WakerObject, 0, 3, &.{ 0, p, 2 * p });
    expectLayout(RawEnd, 12 + padding(end_bytes), 8, &.{ 0, 4, 8, 12, 16, 20, 24, 28, 32, 40 + 4 * p, 48 + 6 * p, 48 + 7 * p, 48 + 8 * p });
    const tail = apart(channel_bytes);
    const spsc = tail + 2 * apart(end_bytes);
    const mpmc = spsc + 3 * apart(party_bytes);
    const counts = apart(pool_bytes);
    expectLayout(RawChannel, 8 + padding(channel_bytes) + 2 * apart(end_bytes) / 4, 4, &.{ 0, 4, 8, 12, 16, 20, 24, 28, 32, 32 + p, 32 + 2 * p, 32 + 3 * p, channel_bytes, tail, tail + apart(end_bytes) });
    expectLayout(RawParty, 6 + padding(party_bytes), 3, &.{ 0, 4, 8, 12, 16, 20, 24, 24 + p, 24 + 2 * p, party_bytes });
    expectLayout(RawWaiter, 2, 4, &.{ 0, p, 2 * p, 4 * p, 4 * p + 4 });
    expectLayout(RawMpmc, mpmc / 4, 0, &.{ 0, spsc, spsc + apart(party_bytes), spsc + 2 * apart(party_bytes) });
    expectLayout(RawBlock, 0, 1, &.{0});
    expectLayout(RawUnbounded, mpmc / 4 + 2 + padding(unbounded_bytes), 3, &.{ 0, mpmc, mpmc + p, mpmc + 2 * p, mpmc + 3 * p, mpmc + 3 * p + 4, mpmc + 3 * p + 8 });
    expectLayout(RawStream, 4, 5, &.{ 0, 4, 8, 8 + p, 8 + 2 * p, 8 + 3 * p });
    expectLayout(RawLimiter, 2, 3, &.{ 0, 4, 8, 8 + p, 8 + 2 * p });
    expectLayout(OperationType, 10, 2, &.{ 0, 4, 8, 12, 16, 40 + p });
    expectLayout(RawOperation, 12, 13, &.{ 0, 4, 8, 12, 16, 20, 24, 24 + p, 24 + 2 * p, 24 + 3 * p, 32 + 7 * p, 40 + 11 * p });
    expectLayout(RawShared, 2, 2, &.{ 0, 4, 8, 8 + p });
    expectLayout(RawPool, 4 + padding(pool_bytes) + (apart(3 * 4) + apart(party_bytes)) / 4, 7, &.{ 0, 4, 8, 12, 16, 16 + p, 16 + 2 * p, 16 + 3 * p, 16 + 4 * p, 16 + 5 * p, 16 + 6 * p, pool_bytes, counts, counts + 4, counts + 8, counts + 12, counts + apart(3 * 4) });
    if (@sizeOf(RawLeaf) != apart(4)) @compileError("another size than the border's: RawLeaf");
}
