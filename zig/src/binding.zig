//! What the code that zigflow-build makes of `autozig!` and `include_zig!` needs: is a function what its Rust
//! signature says, and how do Rust's arguments become its own.

const std = @import("std");
const paramTypes = @import("arguments.zig").paramTypes;
const shape = @import("shape.zig").shape;

/// A parameter in Rust, and the type in Zig that crosses for it.
pub const Param = struct { rust: []const u8, T: type };

/// How the Rust function fails: not, with any error, or with one of an enum.
pub const Errors = union(enum) {
    none,
    any,
    set: struct { rust: []const u8, names: []const []const u8 },
};

pub const Signature = struct {
    name: []const u8,
    /// As it stands in the Rust file, and where.
    rust: []const u8,
    at: []const u8,
    params: []const Param,
    value: type,
    optional: bool,
    errors: Errors,
};

/// A compile error that names both sides, unless the types of `function` are exactly those of the signature. (A call
/// alone would coerce: `u16` to `u32`, `T` to `?T`.)
pub fn check(comptime function: anytype, comptime signature: Signature) void {
    @setEvalBranchQuota(100_000);
    if (comptime mistake(function, signature)) |what| {
        const found = if (@TypeOf(function) == void) "nothing of this name that is `pub`" else @typeName(@TypeOf(function));
        @compileError("the Zig function `" ++ signature.name ++ "` is not what its Rust signature says\n" ++
            "Rust (" ++ signature.at ++ "): " ++ signature.rust ++ "\n" ++
            "Zig: " ++ found ++ "\n" ++ what);
    }
}

fn mistake(comptime function: anytype, comptime signature: Signature) ?[]const u8 {
    const F = @TypeOf(function);
    if (F == void) return "write `pub fn " ++ signature.name ++ "`, or correct the name on either side";
    if (@typeInfo(F) != .@"fn") return "it is no function";
    return paramMistake(paramTypes(F), signature.params) orelse
        returnMistake(@typeInfo(F).@"fn".return_type orelse return "the type of its result is generic: name it", signature);
}

fn paramMistake(comptime found: []const ?type, comptime params: []const Param) ?[]const u8 {
    const counts = std.fmt.comptimePrint("Rust passes {d}, Zig takes {d}", .{ params.len, found.len });
    var taken: usize = 0;
    for (params, 1..) |param, number| {
        const what = std.fmt.comptimePrint("parameter {d}, in Rust `{s}`", .{ number, param.rust });
        if (taken == found.len) return what ++ ", has none in Zig: " ++ counts;
        const Z = found[taken] orelse return what ++ ", is `anytype` in Zig: name a type";
        taken += 1;
        if (suits(param.T, Z)) continue;
        if (!suitsApart(param.T, Z)) return what ++ ", needs `" ++ @typeName(param.T) ++ "` in Zig, found `" ++ @typeName(Z) ++ "`";
        if (taken == found.len or found[taken] != usize) return what ++ ", is `" ++ @typeName(Z) ++ "` in Zig, behind which its length has to come: a `usize`";
        taken += 1;
    }
    return if (taken == found.len) null else counts;
}

/// Whether a value of `Rust` is passed as it is. What may be written may also only be read.
fn suits(comptime Rust: type, comptime Z: type) bool {
    if (Rust == Z) return true;
    const r = @typeInfo(Rust);
    const z = @typeInfo(Z);
    // `c_int` is one of them.
    if (r == .int and z == .int) return (Rust == usize) == (Z == usize) and (Rust == isize) == (Z == isize) and
        r.int.bits == z.int.bits and r.int.signedness == z.int.signedness;
    return r == .pointer and z == .pointer and Z == ReadOnly(Rust);
}

fn ReadOnly(comptime Pointer: type) type {
    const Child = @typeInfo(Pointer).pointer.child;
    return if (@typeInfo(Pointer).pointer.size == .slice) []const Child else *const Child;
}

/// Whether a slice is passed as a pointer, with its length as the next argument.
fn suitsApart(comptime Rust: type, comptime Z: type) bool {
    if (@typeInfo(Rust) != .pointer or @typeInfo(Rust).pointer.size != .slice) return false;
    const Child = @typeInfo(Rust).pointer.child;
    const only_read = Z == [*]const Child or Z == [*c]const Child;
    return only_read or (Rust == []Child and (Z == [*]Child or Z == [*c]Child));
}

fn returnMistake(comptime Returned: type, comptime signature: Signature) ?[]const u8 {
    const fails = @typeInfo(Returned) == .error_union;
    const Payload = if (fails) @typeInfo(Returned).error_union.payload else Returned;
    const optional = @typeInfo(Payload) == .optional;
    const Value = if (optional) @typeInfo(Payload).optional.child else Payload;
    if (fails and signature.errors == .none) return "Zig can fail: let Rust return a `Result<…, ZigError>`";
    if (!fails and signature.errors != .none) return "Zig cannot fail: let Rust return no `Result`, or Zig `!" ++ @typeName(Payload) ++ "`";
    if (optional and !signature.optional) return "Zig may return null: let Rust return an `Option`";
    if (!optional and signature.optional) return "Zig does not return null: let Rust return no `Option`, or Zig `?" ++ @typeName(Payload) ++ "`";
    if (!suits(signature.value, Value)) return "the result in Rust needs `" ++ @typeName(signature.value) ++ "` in Zig, found `" ++ @typeName(Value) ++ "`";
    return switch (signature.errors) {
        .set => |set| setMistake(@typeInfo(Returned).error_union.error_set, set.rust, set.names),
        else => null,
    };
}

fn setMistake(comptime Set: type, comptime rust: []const u8, comptime listed: []const []const u8) ?[]const u8 {
    const returned = errorNames(Set) orelse
        return "Rust lists the errors as `" ++ rust ++ "`, Zig returns `anyerror`: name the error set in Zig";
    var missing: []const u8 = "";
    for (returned) |name| if (!contains(listed, name)) {
        missing = missing ++ " " ++ name;
    };
    var surplus: []const u8 = "";
    for (listed) |name| if (!contains(returned, name)) {
        surplus = surplus ++ " " ++ name;
    };
    if (missing.len + surplus.len == 0) return null;
    return "the Rust enum `" ++ rust ++ "` lists other errors than Zig returns;" ++
        (if (missing.len > 0) " missing in Rust:" ++ missing else "") ++
        (if (missing.len > 0 and surplus.len > 0) ";" else "") ++
        (if (surplus.len > 0) " never returned by Zig:" ++ surplus else "");
}

fn contains(comptime names: []const []const u8, comptime name: []const u8) bool {
    for (names) |one| if (std.mem.eql(u8, one, name)) return true;
    return false;
}

/// Null for `anyerror`. (The type information changed between Zig 0.16 and 0.17.)
fn errorNames(comptime Set: type) ?[]const []const u8 {
    const info = @typeInfo(Set).error_set;
    if (@typeInfo(@TypeOf(info)) != .optional) return info.error_names;
    const errors = info orelse return null;
    var names: [errors.len][]const u8 = undefined;
    for (errors, 0..) |e, i| names[i] = e.name;
    const done = names;
    return &done;
}

/// Rust's arguments as those of the function: a slice stays one, or becomes a pointer and a length.
pub inline fn arguments(comptime function: anytype, given: anytype) std.meta.ArgsTuple(@TypeOf(function)) {
    var tuple: std.meta.ArgsTuple(@TypeOf(function)) = undefined;
    comptime var filled = 0;
    inline for (given) |value| {
        if (comptime suitsApart(@TypeOf(value), @TypeOf(tuple[filled]))) {
            tuple[filled] = value.ptr;
            tuple[filled + 1] = value.len;
            filled += 2;
        } else {
            tuple[filled] = value;
            filled += 1;
        }
    }
    return tuple;
}

/// The name of an error, which Rust reads up to the 0 behind it.
pub fn errorName(e: anyerror) [*:0]const u8 {
    @branchHint(.cold);
    return @errorName(e).ptr;
}

/// The place of an error in the Rust enum, from 1.
pub fn errorIndex(comptime names: []const []const u8, e: anyerror) u32 {
    @branchHint(.cold);
    inline for (names, 1..) |name, i| if (e == @field(anyerror, name)) return i;
    unreachable; // `check` has seen that these are all
}

/// Exports a symbol that ends in the shape of a type: the build script reads it, and no Zig code has to run.
pub fn exportShape(comptime T: type, comptime symbol: []const u8) void {
    const mark = struct {
        const byte: u8 = 0;
    };
    const text = comptime std.fmt.comptimePrint("{s}{x:0>8}", .{ symbol, shape(T) });
    @export(&mark.byte, .{ .name = text });
}
