//! What the ends of all channels share: the check at `open`, reasons, counters.

const std = @import("std");
const abi = @import("abi.zig");
const host = @import("host.zig");
const items = @import("item.zig");
const pos = @import("position.zig");
const sync = @import("sync.zig");

pub const OpenError = error{
    /// A sender where a receiver was expected, or the reverse.
    WrongEnd,
    /// The Rust side is of another version of zigflow; build both with one. The end stays open.
    WrongAbi,
    /// A channel of another flavour.
    WrongFlavor,
    /// The items in Rust are of another type: another name, size, alignment, or other fields.
    WrongItem,
};

/// Compares what Rust says of a channel with what Zig expects.
pub fn check(comptime T: type, channel: *const abi.RawChannel, end: *const abi.RawEnd, flavors: []const u32) OpenError!void {
    if (channel.magic != abi.magic or channel.abi != abi.abi_number) return error.WrongAbi;
    if (std.mem.indexOfScalar(u32, flavors, channel.flavor) == null) return error.WrongFlavor;
    comptime requireItem(T);
    const found = @atomicLoad(?*const abi.ItemType, &end.item, .monotonic) orelse return error.WrongItem;
    return checkItem(T, found);
}

/// What a channel may carry: plain data, or owned bytes.
pub fn requireItem(comptime T: type) void {
    if (T == []const u8 or T == []u8 or T == @import("pool.zig").Block)
        @compileError("a channel of " ++ @typeName(T) ++ ": bytes go through a channel as zigflow.OwnedBytes (of a block by `give`), which are `ZeroCopyBuffer` in Rust");
    if (T != items.OwnedBytes) items.requirePlain(T, "a channel of " ++ @typeName(T));
}

/// Compares an item's type in Rust with Zig's.
pub fn checkItem(comptime T: type, found: *const abi.ItemType) error{WrongItem}!void {
    const own = comptime items.itemType(T);
    if (found.kind != own.kind or found.size != own.size or found.alignment != own.alignment) return error.WrongItem;
    if (!sameName(found.name_ptr[0..found.name_len], @typeName(T))) return error.WrongItem;
    // 0: unknown.
    if (own.shape != 0 and found.shape != 0 and own.shape != found.shape) return error.WrongItem;
}

/// `[3]module.Point` in Zig is `[3]Point` in Rust; which module does not count.
fn sameName(rust: []const u8, zig: []const u8) bool {
    if (std.mem.eql(u8, rust, zig)) return true;
    if (zig.len > 0 and zig[0] == '[') {
        const length = (std.mem.indexOfScalar(u8, zig, ']') orelse return false) + 1;
        if (!std.mem.startsWith(u8, rust, zig[0..length])) return false;
        return sameName(rust[length..], zig[length..]);
    }
    const dot = std.mem.lastIndexOfScalar(u8, zig, '.') orelse return false;
    return std.mem.eql(u8, rust, zig[dot + 1 ..]);
}

pub const CreateError = error{
    /// 0, or more than fits.
    Capacity,
    OutOfMemory,
};

/// A new channel with a reference for an end of either kind.
pub fn create(flavor: u32, capacity: usize, comptime Slot: type) CreateError!*abi.RawChannel {
    var channel: *abi.RawChannel = undefined;
    return switch (host.zf1_channel_new(flavor, capacity, @sizeOf(Slot), @alignOf(Slot), &channel)) {
        0 => channel,
        1 => error.Capacity,
        else => error.OutOfMemory,
    };
}

/// An error as it crosses: by its name, which is static text.
pub fn named(e: anyerror) abi.RawError {
    const name = @errorName(e);
    return .{ .name_ptr = name.ptr, .name_len = name.len };
}

/// Why an end closed: a name, or a code.
pub const Reason = union(enum) {
    name: []const u8,
    code: i32,

    pub fn from(raw: ?abi.RawError) ?Reason {
        const given = raw orelse return null;
        if (given.kind == abi.ErrorKind.code) return .{ .code = given.code };
        const first = given.name_ptr orelse return null;
        return .{ .name = first[0..given.name_len] };
    }
};

/// What has happened in a channel so far; as `Snapshot` in Rust.
pub const Snapshot = struct {
    sent: u64,
    received: u64,
    len: usize,
    capacity: usize,
    most_waiting: usize,
    dropped: u32,
    sender_sleeps: u32,
    sender_wakes: u32,
    receiver_sleeps: u32,
    receiver_wakes: u32,
};

pub fn snapshot(channel: *const abi.RawChannel) Snapshot {
    // The receiver's position first: read later, it could be ahead of the sender's.
    const head = pos.position(sync.loadAcquire(&channel.head.word));
    var half_turns = sync.counted(&channel.tail.laps);
    const tail = while (true) {
        const tail = pos.position(sync.loadAcquire(&channel.tail.word));
        const after = sync.counted(&channel.tail.laps);
        if (after == half_turns) break tail;
        half_turns = after;
    };
    const sent = pos.total(half_turns, tail);
    const len = pos.distance(head, tail);
    return .{
        .sent = sent,
        .received = sent -| len,
        .len = @min(len, channel.capacity),
        .capacity = channel.capacity,
        .most_waiting = sync.counted(&channel.head.tally),
        .dropped = sync.counted(&channel.tail.tally),
        .sender_sleeps = sync.counted(&channel.tail.sleeps),
        .sender_wakes = sync.counted(&channel.tail.wakes),
        .receiver_sleeps = sync.counted(&channel.head.sleeps),
        .receiver_wakes = sync.counted(&channel.head.wakes),
    };
}
