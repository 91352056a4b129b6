//! How Rust's arguments become those of a function that `autozig!` or `include_zig!` binds.
//!
//!     Rust gives               the function takes
//!     a value, a slice         the same; a slice also as a pointer and a length
//!     an end, a stream         what it opens it as, or the raw pointer
//!     a buffer                 OwnedBytes
//!     an operation             a Completion(T), or a Callback(T) and its context

const std = @import("std");
const abi = @import("abi.zig");
const arguments_file = @import("arguments.zig");
const completion = @import("completion.zig");
const OwnedBytes = @import("item.zig").OwnedBytes;
const paramTypes = arguments_file.paramTypes;
const host = @import("host.zig");
const reject = @import("reject.zig").reject;

/// Whether a value of `Rust` is passed as it is. What may be written may also only be read.
pub fn suits(comptime Rust: type, comptime Z: type) bool {
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
pub fn suitsApart(comptime Rust: type, comptime Z: type) bool {
    if (@typeInfo(Rust) != .pointer or @typeInfo(Rust).pointer.size != .slice) return false;
    const Child = @typeInfo(Rust).pointer.child;
    const only_read = Z == [*]const Child or Z == [*c]const Child;
    return only_read or (Rust == []Child and (Z == [*]Child or Z == [*c]Child));
}

/// Whether `Z` is what an end, a stream, a rate limiter or a pool that Rust hands over is opened as.
pub fn opens(comptime Rust: type, comptime Z: type) bool {
    switch (Rust) {
        *abi.RawEnd, *abi.RawStream, *abi.RawLimiter, *abi.RawPool => {},
        else => return false,
    }
    if (@typeInfo(Z) != .@"struct" or !@hasDecl(Z, "open") or !@hasDecl(Z, "deinit")) return false;
    if (@typeInfo(@TypeOf(Z.open)) != .@"fn") return false;
    const params = paramTypes(@TypeOf(Z.open));
    return params.len == 1 and params[0] == Rust;
}

/// Where a function takes what it gives its result to: a completion, or a callback and its context.
pub const Place = struct { first: usize, count: usize, Result: type };

pub fn placeOf(comptime F: type) ?Place {
    const types = paramTypes(F);
    for (types, 0..) |param, i| {
        const A = param orelse continue;
        if (completion.isCompletion(A)) return .{ .first = i, .count = 1, .Result = A.Result };
        const T = resultOfCallback(A) orelse continue;
        if (i + 1 < types.len and types[i + 1] == *anyopaque) return .{ .first = i, .count = 2, .Result = T };
    }
    return null;
}

fn resultOfCallback(comptime A: type) ?type {
    const info = @typeInfo(A);
    if (info != .pointer or @typeInfo(info.pointer.child) != .@"fn") return null;
    const params = paramTypes(info.pointer.child);
    if (params.len != 2) return null;
    const T = params[1] orelse return null;
    return if (T != void and A == completion.Callback(T)) T else null;
}

/// What a function sends to its last parameter, if that is the sender of a channel.
pub fn sentBy(comptime F: type) ?type {
    const types = paramTypes(F);
    if (types.len == 0) return null;
    const S = types[types.len - 1] orelse return null;
    return if (opens(*abi.RawEnd, S) and @hasDecl(S, "Sent")) S.Sent else null;
}

/// Whether Rust reads what the function sends, while it runs on a thread.
pub fn isPush(comptime function: anytype) bool {
    return comptime @typeInfo(@TypeOf(function)) == .@"fn" and sentBy(@TypeOf(function)) != null;
}

/// Calls such a function with the sender.
pub inline fn push(comptime function: anytype, given: anytype, into: *abi.RawEnd) anyerror!void {
    return callWith(function, given ++ .{into}, {});
}

/// Whether the function gives its result to a completion or a callback.
pub fn isOperation(comptime function: anytype) bool {
    return comptime @typeInfo(@TypeOf(function)) == .@"fn" and placeOf(@TypeOf(function)) != null;
}

/// Calls the function, whose types `binding.check` has compared.
pub inline fn call(comptime function: anytype, given: anytype) Returned(function, @TypeOf(given)) {
    return callWith(function, given, {});
}

/// The same with a completion of the operation, whose reference the function owns from then on. An error is the result.
pub inline fn start(comptime function: anytype, given: anytype, operation: *abi.RawOperation) void {
    const returned = callWith(function, given, operation);
    if (@typeInfo(@TypeOf(returned)) == .error_union) returned catch |e| {
        const done: completion.Completion(placeOf(@TypeOf(function)).?.Result) = .{ .raw = operation };
        done.finish(e);
    };
}

/// What opens something can fail.
fn Returned(comptime function: anytype, comptime Given: type) type {
    const R = @typeInfo(@TypeOf(function)).@"fn".return_type.?;
    const types = paramTypes(@TypeOf(function));
    for (indexes(@TypeOf(function), Given), 0..) |i, k|
        if (opens(FieldOf(Given, k), types[i].?)) return anyerror!arguments_file.payloadOf(R);
    return R;
}

/// For each of Rust's arguments the place of the function's.
fn indexes(comptime F: type, comptime Given: type) [std.meta.fieldNames(Given).len]usize {
    const place = placeOf(F);
    const types = paramTypes(F);
    var found: [std.meta.fieldNames(Given).len]usize = undefined;
    var next: usize = 0;
    for (&found, 0..) |*index, k| {
        if (place != null and next == place.?.first) next += place.?.count;
        index.* = next;
        next += if (suitsApart(FieldOf(Given, k), types[next].?)) 2 else 1;
    }
    return found;
}

/// The type of a tuple's part.
fn FieldOf(comptime Tuple: type, comptime k: usize) type {
    return @FieldType(Tuple, std.fmt.comptimePrint("{d}", .{k}));
}

inline fn callWith(comptime function: anytype, given: anytype, operation: anytype) Returned(function, @TypeOf(given)) {
    const F = @TypeOf(function);
    const places = comptime indexes(F, @TypeOf(given));
    var tuple: std.meta.ArgsTuple(F) = undefined;
    if (comptime placeOf(F)) |place| {
        if (place.count == 1) {
            tuple[place.first] = .{ .raw = operation };
        } else {
            tuple[place.first] = callbackOf(place.Result);
            tuple[place.first + 1] = operation;
        }
    }
    inline for (given, places, 0..) |value, i, k| {
        if (comptime suitsApart(@TypeOf(value), @TypeOf(tuple[i]))) {
            tuple[i] = value.ptr;
            tuple[i + 1] = value.len;
        } else if (comptime opens(@TypeOf(value), @TypeOf(tuple[i]))) {
            tuple[i] = @TypeOf(tuple[i]).open(value) catch |e| {
                giveBack(&tuple, given, places, k, e);
                return e;
            };
        } else {
            tuple[i] = value;
        }
    }
    return @call(.always_inline, function, tuple);
}

/// All that was handed over but the one at `failed`, which did not open and so is gone.
noinline fn giveBack(tuple: anytype, given: anytype, comptime places: anytype, comptime failed: usize, e: anyerror) void {
    @branchHint(.cold);
    inline for (given, places, 0..) |value, i, k| {
        const R = @TypeOf(value);
        if (k < failed and comptime opens(R, @TypeOf(tuple[i]))) {
            tuple[i].deinit();
        } else if (k != failed and R == *abi.RawEnd) {
            reject(value, e);
        } else if (k != failed and R == *abi.RawStream) {
            value.drop(value);
        } else if (k != failed and R == *abi.RawLimiter) {
            value.release(value);
        } else if (k != failed and R == *abi.RawPool) {
            host.zf1_pool_release(value);
        } else if (R == OwnedBytes) {
            value.deinit();
        }
    }
}

fn callbackOf(comptime T: type) completion.Callback(T) {
    return struct {
        fn call(ctx: *anyopaque, result: T) callconv(.c) void {
            const done: completion.Completion(T) = .{ .raw = @ptrCast(@alignCast(ctx)) };
            done.finish(result);
        }
    }.call;
}
