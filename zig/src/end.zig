//! What the ends of all channels share: the check at `open`, reasons, counters.

const std = @import("std");
const abi = @import("abi.zig");
const pos = @import("position.zig");
const sync = @import("sync.zig");

pub const OpenError = error{
    /// A sender where a receiver was expected, or the reverse.
    WrongEnd,
    /// The Rust side is of another version of zigflow; build both with one.
    WrongAbi,
    /// A channel of another flavour.
    WrongFlavor,
    /// The items in Rust are of another type: another name, size or alignment.
    WrongItem,
};

/// Compares what Rust says of a channel with what Zig expects.
pub fn check(comptime T: type, channel: *const abi.RawChannel, end: *const abi.RawEnd, flavor: u32) OpenError!void {
    try know(channel, flavor);
    const found = end.item orelse return error.WrongItem;
    if (found.size != @sizeOf(T) or found.alignment != @alignOf(T)) return error.WrongItem;
    const name = found.name_ptr[0..found.name_len];
    const full = @typeName(T);
    const last = if (std.mem.lastIndexOfScalar(u8, full, '.')) |dot| full[dot + 1 ..] else full;
    if (!std.mem.eql(u8, name, full) and !std.mem.eql(u8, name, last)) return error.WrongItem;
}

/// Whether it is a channel of this version and flavour.
pub fn know(channel: *const abi.RawChannel, flavor: u32) OpenError!void {
    if (channel.magic != abi.magic or channel.abi != abi.abi_number) return error.WrongAbi;
    if (channel.flavor != flavor) return error.WrongFlavor;
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
