//! The arguments of a function that Rust calls: `open` of a source, a function with a completion.

const abi = @import("abi.zig");

pub fn payloadOf(comptime Returned: type) type {
    return switch (@typeInfo(Returned)) {
        .error_union => |u| u.payload,
        else => Returned,
    };
}

/// Null for a generic parameter. (The type information changed between Zig 0.16 and 0.17.)
pub fn paramTypes(comptime F: type) []const ?type {
    const info = @typeInfo(F).@"fn";
    if (!@hasField(@TypeOf(info), "params")) return info.param_types;
    comptime {
        var types: [info.params.len]?type = undefined;
        for (info.params, 0..) |param, i| types[i] = param.type;
        const done = types;
        return &done;
    }
}

pub fn isArgument(comptime A: type) bool {
    return A == []const u8 or switch (@typeInfo(A)) {
        .int => |int| A == usize or A == isize or switch (int.bits) {
            8, 16, 32, 64 => true,
            else => false,
        },
        .float => |float| float.bits == 32 or float.bits == 64,
        .bool => true,
        else => false,
    };
}

/// Null when Rust passed another type. `usize` and `isize` say 0 bits, so that they are themselves on every target.
pub fn readArgument(comptime A: type, arg: *const abi.RawArg) ?A {
    const bits: u64 = @as(u64, arg.hi) << 32 | arg.lo;
    switch (@typeInfo(A)) {
        .int => |int| {
            const signed = int.signedness == .signed;
            const kind = if (signed) abi.ArgKind.signed else abi.ArgKind.unsigned;
            const width = if (A == usize or A == isize) 0 else int.bits;
            if (arg.kind != kind or arg.bits != width) return null;
            return if (signed) @truncate(@as(i64, @bitCast(bits))) else @truncate(bits);
        },
        .float => |float| {
            if (arg.kind != abi.ArgKind.float or arg.bits != float.bits) return null;
            return if (float.bits == 32) @bitCast(@as(u32, @truncate(bits))) else @bitCast(bits);
        },
        .bool => return if (arg.kind == abi.ArgKind.boolean) bits != 0 else null,
        else => {},
    }
    const kind = if (A == []u8) abi.ArgKind.buffer else abi.ArgKind.bytes;
    if (arg.kind != kind) return null;
    const first = arg.ptr orelse return if (arg.len == 0) &.{} else null;
    // A buffer is Rust's to lend for writing.
    return if (A == []u8) @constCast(first[0..arg.len]) else first[0..arg.len];
}

/// What an argument that does not suit says to Rust: its place among those that cross, and the type in Zig.
pub fn refuse(comptime A: type, place: i32, err: *abi.RawError) void {
    const name = @typeName(A);
    err.* = .{ .kind = abi.ErrorKind.argument, .code = place, .name_ptr = name.ptr, .name_len = name.len };
}

/// The same for the number of arguments.
pub fn refuseCount(expected: i32, err: *abi.RawError) void {
    err.* = .{ .kind = abi.ErrorKind.argument_count, .code = expected };
}

pub const crossing = "integers of 8 to 64 bits, usize, isize, f32, f64, bool and []const u8";
