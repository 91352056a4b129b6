//! Bytes with several owners: the other half of `core/src/memory/shared.rs`.

const std = @import("std");
const abi = @import("abi.zig");
const items = @import("item.zig");
const sync = @import("sync.zig");

const minus_one: u32 = 0 -% @as(u32, 1);

/// One of several owners of bytes, which the last one frees, in whatever order and on whatever thread they go: a
/// `SharedBuffer` in Rust. Made of a block of a pool, by `share`.
pub const SharedBytes = struct {
    /// To be read.
    bytes: []const u8,
    raw: *abi.RawShared,

    /// Another owner.
    pub fn clone(self: SharedBytes) SharedBytes {
        const before = sync.fetchAdd(&self.raw.references, 1, 0);
        if (before >= std.math.maxInt(u32) / 2) @panic("too many owners of shared bytes");
        return self;
    }

    /// Another owner, who sees the bytes from `from` up to, not including, `to`.
    pub fn part(self: SharedBytes, from: usize, to: usize) SharedBytes {
        const bytes = self.bytes[from..to];
        var other = self.clone();
        other.bytes = bytes;
        return other;
    }

    /// Gives this owner's share away: `ZeroCopyBuffer` in Rust.
    pub fn give(self: SharedBytes) items.OwnedBytes {
        return .init(@constCast(self.bytes), self.raw, release);
    }

    /// This owner goes.
    pub fn deinit(self: SharedBytes) void {
        const free = self.raw.free;
        if (sync.fetchAdd(&self.raw.references, minus_one, 117) == 1) free(self.raw);
    }

    fn release(context: ?*anyopaque, _: ?[*]u8, _: usize) callconv(.c) void {
        const raw: *abi.RawShared = @ptrCast(@alignCast(context.?));
        (SharedBytes{ .bytes = &.{}, .raw = raw }).deinit();
    }
};
