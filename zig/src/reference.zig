//! References to a channel: each end has one, and so has whatever else needs its memory.

const std = @import("std");
const abi = @import("abi.zig");
const sync = @import("sync.zig");

const minus_one: u32 = 0 -% @as(u32, 1);

/// One more, for who has one.
pub fn take(channel: *abi.RawChannel) void {
    const before = sync.fetchAdd(&channel.references, 1, 0);
    if (before >= std.math.maxInt(u32) / 2) @panic("too many ends of a channel");
}

/// One goes; the last one frees. `sown` is the bug in which this orders nothing, 0: there is none.
pub fn release(channel: *abi.RawChannel, comptime sown: u32) void {
    const free = channel.free;
    if (sync.fetchAdd(&channel.references, minus_one, sown) == 1) free(channel);
}
