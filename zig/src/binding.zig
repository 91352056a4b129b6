//! What the code that zigflow-build makes of `autozig!` and `include_zig!` needs: is a function what its Rust
//! signature says? (binding_call.zig calls it.)

const std = @import("std");
const abi = @import("abi.zig");
const arguments_file = @import("arguments.zig");
const allocator = @import("alloc.zig").allocator;
const call_file = @import("binding_call.zig");
const items = @import("item.zig");
const shape_file = @import("shape.zig");
const shape = shape_file.shape;
const source_file = @import("source.zig");
const paramTypes = arguments_file.paramTypes;
const placeOf = call_file.placeOf;
const suits = call_file.suits;
const suitsApart = call_file.suitsApart;

pub const call = call_file.call;
pub const start = call_file.start;
pub const isOperation = call_file.isOperation;
pub const push = call_file.push;
pub const isPush = call_file.isPush;
/// What a completion is a handle of, and what Rust hands over.
pub const Operation = abi.RawOperation;
pub const End = abi.RawEnd;
pub const Stream = abi.RawStream;
pub const Limiter = abi.RawLimiter;
pub const Pool = abi.RawPool;
/// What Zig allocated and Rust releases; an extern struct of the same layout on both sides.
pub const OwnedBytes = items.OwnedBytes;
pub const OwnedSlice = items.OwnedSlice;

/// A parameter in Rust, and the type in Zig that crosses for it.
pub const Param = struct { rust: []const u8, T: type };

/// How the Rust function fails: not, with any error, with one of the user's made from that, or with one of an enum.
pub const Errors = union(enum) {
    none,
    any,
    other,
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
    is_async: bool,
    /// `value` is a pointer to what Rust will own a handle of.
    owned: bool,
    /// Rust gets a stream of `value`.
    stream: enum { no, local, send } = .no,
};

/// Exports the source that the function opens.
pub fn exportSource(comptime function: anytype, comptime signature: Signature, comptime symbol: []const u8) void {
    check(function, signature);
    const Returned = @typeInfo(@TypeOf(function)).@"fn".return_type.?;
    source_file.exportSource(arguments_file.payloadOf(Returned), function, symbol);
}

fn sourceMistake(comptime Returned: type, comptime signature: Signature) ?[]const u8 {
    const S = arguments_file.payloadOf(Returned);
    if (@typeInfo(S) != .@"struct" or !@hasDecl(S, "poll")) return "a stream in Rust is a struct with `pub fn poll(self: *Self, " ++
        "cx: *zigflow.Context) zigflow.Poll(T)` in Zig, found `" ++ @typeName(S) ++ "`, or what a last parameter `zigflow.spsc.Sender(T)` is sent";
    const Item = source_file.pollItem(S, @typeName(S));
    if (!suits(signature.value, Item)) return "an item in Rust needs `" ++ @typeName(signature.value) ++ "` in Zig, found `" ++ @typeName(Item) ++ "`";
    if (signature.stream == .send and !source_file.isSendable(S)) return "the stream is `Send` in Rust: write " ++
        "`pub const sendable = true;` in `" ++ @typeName(S) ++ "`, if another thread may have it";
    return null;
}

fn pushMistake(comptime Returned: type, comptime Sent: type, comptime signature: Signature) ?[]const u8 {
    if (arguments_file.payloadOf(Returned) != void) return "Zig sends the items of the stream and returns `" ++ @typeName(Returned) ++
        "`: let it return void or an error union of it";
    if (!suits(signature.value, Sent)) return "an item in Rust needs `" ++ @typeName(signature.value) ++ "` in Zig, found `" ++ @typeName(Sent) ++ "`";
    return null;
}

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
    if (@typeInfo(F).@"fn".is_generic) return paramMistake(paramTypes(F), signature.params) orelse
        "a parameter is `comptime` in Zig, and Rust has its arguments at run time";
    const Returned = @typeInfo(F).@"fn".return_type orelse return "the type of its result is generic: name it";
    if (signature.stream != .no) if (call_file.sentBy(F)) |Sent| {
        const types = paramTypes(F);
        return paramMistake(types[0 .. types.len - 1], signature.params) orelse pushMistake(Returned, Sent, signature);
    };
    const place = placeOf(F) orelse
        return paramMistake(paramTypes(F), signature.params) orelse if (signature.stream != .no)
            sourceMistake(Returned, signature)
        else
            returnMistake(Returned, signature, firstOpened(paramTypes(F), signature.params));
    if (!signature.is_async) return "Zig gives its result later: let Rust declare an `async fn`";
    const types = paramTypes(F);
    const crossing = types[0..place.first] ++ types[place.first + place.count ..];
    return paramMistake(crossing, signature.params) orelse operationMistake(Returned, place.Result, signature);
}

fn operationMistake(comptime Returned: type, comptime Result: type, comptime signature: Signature) ?[]const u8 {
    if (arguments_file.payloadOf(Returned) != void) return "Zig returns `" ++ @typeName(Returned) ++
        "` and takes a completion: let it return void or an error union of it";
    if (signature.errors != .other) return "an operation that Zig ends later can fail with a `FutureError`: let Rust return a " ++
        "`Result<…, FutureError>`, or one whose error is made `From` that";
    if (signature.optional) return "the result comes by the completion, which has no null: let Rust return no `Option`";
    if (suits(signature.value, Result)) return null;
    return "the result in Rust needs `" ++ wanted(signature.value) ++ "` in Zig, found `" ++ @typeName(Result) ++ "`";
}

fn paramMistake(comptime found: []const ?type, comptime params: []const Param) ?[]const u8 {
    const counts = std.fmt.comptimePrint("Rust passes {d}, Zig takes {d}", .{ params.len, found.len });
    var taken: usize = 0;
    for (params, 1..) |param, number| {
        const what = std.fmt.comptimePrint("parameter {d}, in Rust `{s}`", .{ number, param.rust });
        if (taken == found.len) return what ++ ", has none in Zig: " ++ counts;
        const Z = found[taken] orelse return what ++ ", is `anytype` in Zig: name a type";
        taken += 1;
        if (suits(param.T, Z) or call_file.opens(param.T, Z)) continue;
        if (!suitsApart(param.T, Z)) return what ++ ", needs `" ++ wanted(param.T) ++ "` in Zig, found `" ++ @typeName(Z) ++ "`";
        if (taken == found.len or found[taken] != usize) return what ++ ", is `" ++ @typeName(Z) ++ "` in Zig, behind which its length has to come: a `usize`";
        taken += 1;
    }
    return if (taken == found.len) null else counts;
}

fn wanted(comptime Rust: type) []const u8 {
    return switch (Rust) {
        *End => "zigflow.spsc.Sender(T)` or `Receiver(T)`, of `spsc` or `mpmc`, or `*zigflow.RawSender",
        *Stream => "zigflow.RustStream(T)` or `zigflow.RustMessages`, or `*zigflow.RawStream",
        *Pool => "zigflow.Pool` or `*zigflow.RawPool",
        *Limiter => "zigflow.RateLimiter` or `*zigflow.RawLimiter",
        else => if (items.isOwned(Rust)) "zigflow." ++ @typeName(Rust)[comptime std.mem.findScalar(u8, @typeName(Rust), '.').? + 1..] else @typeName(Rust),
    };
}

/// The first parameter that has to be opened, which may fail.
fn firstOpened(comptime found: []const ?type, comptime params: []const Param) ?[]const u8 {
    var taken: usize = 0;
    for (params) |param| {
        if (call_file.opens(param.T, found[taken].?)) return param.rust;
        taken += if (suitsApart(param.T, found[taken].?)) 2 else 1;
    }
    return null;
}

fn returnMistake(comptime Returned: type, comptime signature: Signature, comptime opened: ?[]const u8) ?[]const u8 {
    const fails = @typeInfo(Returned) == .error_union;
    const Payload = if (fails) @typeInfo(Returned).error_union.payload else Returned;
    const optional = @typeInfo(Payload) == .optional;
    const Value = if (optional) @typeInfo(Payload).optional.child else Payload;
    if (fails and signature.errors == .none) return "Zig can fail: let Rust return a `Result<…, ZigError>`";
    if (opened) |param| if (signature.errors == .none or signature.errors == .set) return "what Rust passes as `" ++ param ++
        "` may be of another type than Zig opens: let Rust return a `Result<…, ZigError>`";
    if (!fails and opened == null and signature.errors != .none) return "Zig cannot fail: let Rust return no `Result`, or Zig `!" ++ @typeName(Payload) ++ "`";
    if (optional and !signature.optional) return "Zig may return null: let Rust return an `Option`";
    if (!optional and signature.optional) return "Zig does not return null: let Rust return no `Option`, or Zig `?" ++ @typeName(Payload) ++ "`";
    if (signature.owned) return ownedMistake(signature, Value);
    if (!suits(signature.value, Value)) return "the result in Rust needs `" ++ wanted(signature.value) ++ "` in Zig, found `" ++ @typeName(Value) ++ "`";
    return switch (signature.errors) {
        .set => |set| setMistake(@typeInfo(Returned).error_union.error_set, set.rust, set.names),
        else => null,
    };
}

/// A type with `destroy` comes by its pointer, any other by value.
fn ownedMistake(comptime signature: Signature, comptime Value: type) ?[]const u8 {
    const T = @typeInfo(signature.value).pointer.child;
    const Wanted = if (@hasDecl(T, "destroy")) *T else T;
    if (Value != Wanted) return "the result in Rust needs `" ++ @typeName(Wanted) ++ "` in Zig, found `" ++ @typeName(Value) ++
        "`: a type with `pub fn destroy` comes as a pointer, which that frees, any other as a value";
    return switch (signature.errors) {
        .set => "making a handle can fail with `OutOfMemory`, too: let Rust return a `Result<…, ZigError>`",
        else => null,
    };
}

/// A compile error unless the type can be what Rust has a handle of.
pub fn checkHandle(comptime T: type, comptime name: []const u8, comptime is_send: bool) void {
    const what = "the Zig type `" ++ name ++ "` that Rust has a handle of ";
    if (T == void or @typeInfo(T) != .@"struct") @compileError(what ++ "is no struct");
    if (!@hasDecl(T, "destroy") and !@hasDecl(T, "deinit"))
        @compileError(what ++ "has no end: write `pub fn deinit(self: *" ++ name ++ ") void`, or `pub fn destroy`, which frees it too");
    if (is_send and !(@hasDecl(T, "sendable") and T.sendable))
        @compileError(what ++ "is `Send` there: write `pub const sendable = true;` in it, if another thread may have it");
}

/// The value in memory of its own. A pointer is there already.
pub inline fn own(value: anytype) error{OutOfMemory}!Owned(@TypeOf(value)) {
    if (Owned(@TypeOf(value)) == @TypeOf(value)) return value;
    var moved = value;
    const place = allocator.create(@TypeOf(value)) catch |e| {
        moved.deinit();
        return e;
    };
    place.* = moved;
    return place;
}

fn Owned(comptime Value: type) type {
    return if (@typeInfo(Value) == .pointer) Value else *Value;
}

/// Rust has dropped its handle.
pub inline fn end(value: anytype) void {
    if (@hasDecl(@TypeOf(value.*), "destroy")) return value.destroy();
    value.deinit();
    allocator.destroy(value);
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

/// Exports a symbol that ends in the shape of a type, its size and its alignment, and one for each field or value that
/// says what it is, for people: the build script reads them, and no Zig code has to run.
pub fn exportShape(comptime T: type, comptime symbol: []const u8, comptime part: []const u8) void {
    @setEvalBranchQuota(100_000);
    exportName(std.fmt.comptimePrint("{s}{x:0>8}_{d}_{d}", .{ symbol, shape(T), @sizeOf(T), @alignOf(T) }));
    const kind = @typeInfo(T);
    if (kind != .@"struct" and kind != .@"enum") return;
    for (std.meta.fieldNames(T), 0..) |name, i| {
        const what = if (kind == .@"enum") std.fmt.comptimePrint("{d}", .{shape_file.enumValue(T, i)}) else typeText(@FieldType(T, name));
        exportName(std.fmt.comptimePrint("{s}.{d}.{s}.{s}", .{ part, i, forSymbol(name), forSymbol(what) }));
    }
}

fn exportName(comptime name: []const u8) void {
    const mark = struct {
        const byte: u8 = 0;
    };
    @export(&mark.byte, .{ .name = name });
}

/// Linkers read more out of some signs, such as `@`.
fn forSymbol(comptime text: []const u8) []const u8 {
    for (text) |byte| if (!std.ascii.isAlphanumeric(byte) and std.mem.findScalar(u8, "_-[]", byte) == null) return "_";
    return text;
}

/// Without the file that it is in; `c_int` is the `i32` that it is.
fn typeText(comptime T: type) []const u8 {
    switch (@typeInfo(T)) {
        .int => |int| if (T != usize and T != isize)
            return std.fmt.comptimePrint("{s}{d}", .{ if (int.signedness == .signed) "i" else "u", int.bits }),
        .array => |array| return std.fmt.comptimePrint("[{d}]", .{array.len}) ++ typeText(array.child),
        else => {},
    }
    const name = @typeName(T);
    return if (std.mem.findScalarLast(u8, name, '.')) |dot| name[dot + 1 ..] else name;
}
