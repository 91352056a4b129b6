//! Sources of the types that Rust declares in types.rs, and of types that differ from them.

const std = @import("std");
const types = @import("types");
const zigflow = @import("zigflow");

comptime {
    zigflow.source(Bits(types.Reading), "reading");
    zigflow.source(Bits(types.Everything), "everything");
    zigflow.source(Bits(types.Quality), "quality");
    zigflow.source(Bits([3]types.Quality), "qualities");
    zigflow.source(Bits(types.Id), "id");
    zigflow.source(Bits(types.Pair), "pair");
    zigflow.source(Bits(other.Pair), "swapped");
    zigflow.source(Bits(other.Reading), "retyped");
    zigflow.source(Bits(other.Quality), "renumbered");
}

/// One item with these bytes, whether they are a value or not.
fn Bits(comptime T: type) type {
    return struct {
        item: T,
        read: bool = false,

        const Self = @This();
        pub const sendable = true;

        pub fn open(self: *Self, bytes: []const u8) error{Length}!void {
            if (bytes.len != @sizeOf(T)) return error.Length;
            self.read = false;
            @memcpy(std.mem.asBytes(&self.item), bytes);
        }

        pub fn poll(self: *Self, _: *zigflow.Context) zigflow.Poll(T) {
            if (self.read) return .done;
            self.read = true;
            return .{ .ready = self.item };
        }
    };
}

/// The same names and sizes as in `types`.
const other = struct {
    const Pair = extern struct { right: u32, left: u32 };
    const Reading = extern struct { millikelvin: i32, quality: types.Quality };
    const Quality = enum(u8) { good, doubtful = 7, not_measured = 9 };
};

/// As a Zig author would write them by hand.
const by_hand = struct {
    const Reading = extern struct { millikelvin: u32, quality: Quality };
    const Quality = enum(u8) { Good, doubtful = 7, not_measured };
    const Level = enum(i16) { lowest = -300, low, @"try" = 32767 };
};

/// In the order of the table in typed.rs.
const table = .{
    bool,            u8,            u16,         u32,              u64,           usize,
    i8,              i16,           i32,         i64,              isize,         f32,
    f64,             [3]u8,         [0]u8,       [2][3]f32,        types.Reading, types.Quality,
    types.Pair,      types.Id,      types.Level, types.Everything, [4]types.Pair, by_hand.Reading,
    by_hand.Quality, by_hand.Level, c_int,       c_ulonglong,      [2:0]u8,
};

/// The shape of the type at this place of the table; 1 behind its end, which no type of it has.
export fn zft_shape(index: u32) u32 {
    inline for (table, 0..) |T, i| {
        if (i == index) return zigflow.shape(T);
    }
    return 1;
}
