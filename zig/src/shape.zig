//! The shape of a type: a hash of what Rust reads in place, so that two structs of one name and one size
//! but with other fields are told apart when a source is opened. `core/src/shape.rs` is the other half:
//! same bytes, same order.
//!
//!     number, bool   its name
//!     array          `[`, count, shape of the element
//!     extern struct  `{`, size, and for each field: name, `:`, offset, shape
//!     enum           `<`, shape of the tag, and for each value: name, `=`, value
//!
//! FNV-1a of 32 bits. Counts, sizes, offsets and values are 8 bytes, shapes 4, the low byte first. Of the
//! names in an enum neither case nor underscores count: `not_found` here is `NotFound` there.

const std = @import("std");

/// 0: unknown, because a part of `T` is none of these. What is unknown is not compared.
pub fn shape(comptime T: type) u32 {
    @setEvalBranchQuota(1_000_000);
    return comptime switch (@typeInfo(T)) {
        .bool => named("bool"),
        .int => if (T == usize or T == isize) named(@typeName(T)) else number(T),
        .float => |float| if (float.bits == 32 or float.bits == 64) named(@typeName(T)) else 0,
        .array => |array| arrayShape(T, array.child),
        .@"enum" => |e| enumShape(T, e.tag_type),
        .@"struct" => |s| if (s.layout == .@"extern") structShape(T) else 0,
        else => 0,
    };
}

/// `c_int` is the same as the `i32` that it is on this target.
fn number(comptime T: type) u32 {
    const int = @typeInfo(T).int;
    switch (int.bits) {
        8, 16, 32, 64 => {},
        else => return 0,
    }
    const sign = if (int.signedness == .signed) "i" else "u";
    return named(std.fmt.comptimePrint("{s}{d}", .{ sign, int.bits }));
}

/// A sentinel is one more element in memory.
fn arrayShape(comptime T: type, comptime Element: type) u32 {
    if (@sizeOf(Element) == 0) return 0;
    var hash: Hash = .{};
    hash.text("[");
    hash.number(@sizeOf(T) / @sizeOf(Element));
    hash.part(shape(Element));
    return hash.done();
}

fn structShape(comptime T: type) u32 {
    var hash: Hash = .{};
    hash.text("{");
    hash.number(@sizeOf(T));
    for (std.meta.fieldNames(T)) |field| {
        hash.text(field);
        hash.text(":");
        hash.number(@offsetOf(T, field));
        hash.part(shape(@FieldType(T, field)));
    }
    return hash.done();
}

fn enumShape(comptime T: type, comptime Tag: type) u32 {
    var hash: Hash = .{};
    hash.text("<");
    hash.part(shape(Tag));
    for (std.meta.fieldNames(T), 0..) |name, i| {
        for (name) |byte| if (byte != '_') hash.text(&.{std.ascii.toLower(byte)});
        hash.text("=");
        const value = enumValue(T, i);
        hash.number(if (value < 0) @bitCast(@as(i64, value)) else value);
    }
    return hash.done();
}

/// (The type information changed between Zig 0.16 and 0.17.)
pub fn enumValue(comptime T: type, comptime i: usize) comptime_int {
    const info = @typeInfo(T).@"enum";
    return if (@hasField(@TypeOf(info), "field_values")) info.field_values[i] else info.fields[i].value;
}

fn named(comptime name: []const u8) u32 {
    var hash: Hash = .{};
    hash.text(name);
    return hash.done();
}

const Hash = struct {
    value: u32 = 0x811c_9dc5,
    known: bool = true,

    fn text(hash: *Hash, bytes: []const u8) void {
        for (bytes) |byte| hash.value = (hash.value ^ byte) *% 0x0100_0193;
    }

    fn number(hash: *Hash, value: u64) void {
        for (0..8) |i| hash.text(&.{@truncate(value >> (8 * i))});
    }

    fn part(hash: *Hash, value: u32) void {
        hash.known = hash.known and value != 0;
        for (0..4) |i| hash.text(&.{@truncate(value >> (8 * i))});
    }

    fn done(hash: Hash) u32 {
        if (!hash.known) return 0;
        return if (hash.value == 0) 1 else hash.value;
    }
};
