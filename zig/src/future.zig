//! Functions that give their result later: Rust awaits them.
//!
//!     fn slowSquare(done: zigflow.Completion(u64), n: u32) !void {
//!         const thread = try std.Thread.spawn(.{}, work, .{ done, n });
//!         thread.detach();
//!     }
//!     fn work(done: zigflow.Completion(u64), n: u32) void {
//!         done.finish(@as(u64, n) * n);
//!     }
//!     comptime {
//!         zigflow.future(slowSquare, "slow_square");
//!     }
//!
//! The function takes one `Completion(T)`, anywhere, beside what a source's `open` takes: numbers, bools, `[]const u8`
//! (valid during the call) and `[]u8` (a `Vec<u8>` in Rust, valid until the result). It returns void or an error
//! union of it. The completion is its own from the call on, and it must give it up, unless it returns an error:
//! that is the result, and the completion has not left the function.

const std = @import("std");
const abi = @import("abi.zig");
const arguments = @import("arguments.zig");
const completion = @import("completion.zig");
const config = @import("zigflow_config");
const items = @import("item.zig");

/// Binds `function` to Rust under `name`: what `zig_future!` names there.
pub fn future(comptime function: anytype, comptime name: []const u8) void {
    @export(&Binding(function, name).operation_type, .{ .name = config.prefix ++ "_future_" ++ name });
}

fn Binding(comptime function: anytype, comptime name: []const u8) type {
    const F = @TypeOf(function);
    const place = completionPlace(F, "zigflow.future: " ++ name);
    const Done = arguments.paramTypes(F)[place].?;
    return struct {
        const operation_type: abi.OperationType = .{
            .magic = abi.magic_operation,
            .abi = abi.abi_number,
            .flags = 0,
            .reserved = 0,
            .item = items.itemType(Done.Result),
            .start = start,
        };

        fn start(args: [*]const abi.RawArg, args_len: u32, operation: *abi.RawOperation, err: *abi.RawError) callconv(.c) u32 {
            var tuple: std.meta.ArgsTuple(F) = undefined;
            const done: Done = .{ .raw = operation };
            tuple[place] = done;
            if (args_len != tuple.len - 1) {
                arguments.refuseCount(tuple.len - 1, err);
                return abi.StreamState.failed;
            }
            comptime var crossed = 0;
            inline for (0..tuple.len) |i| {
                if (i == place) continue;
                const A = @TypeOf(tuple[i]);
                tuple[i] = arguments.readArgument(A, &args[crossed]) orelse {
                    arguments.refuse(A, crossed, err);
                    return abi.StreamState.failed;
                };
                crossed += 1;
            }
            const returned = @call(.auto, function, tuple);
            if (@typeInfo(@TypeOf(returned)) == .error_union) returned catch |e| {
                _ = done.fail(e);
                done.deinit();
            };
            return abi.StreamState.ready;
        }
    };
}

/// Which parameter is the completion; every mistake in the function's type is told here, by its name.
fn completionPlace(comptime F: type, comptime what: []const u8) usize {
    if (@typeInfo(F) != .@"fn") @compileError(what ++ " must be a function");
    var found: ?usize = null;
    for (arguments.paramTypes(F), 0..) |param, i| {
        const at = std.fmt.comptimePrint("{s}: parameter {d}", .{ what, i });
        const A = param orelse @compileError(at ++ " must not be generic");
        if (completion.isCompletion(A)) {
            if (found != null) @compileError(at ++ " is a second zigflow.Completion: one function, one result");
            found = i;
        } else if (A != []u8 and !arguments.isArgument(A)) {
            @compileError(at ++ " is " ++ @typeName(A) ++ ": " ++ arguments.crossing ++ " cross, and []u8 for a buffer that Rust gives");
        }
    }
    const Returned = @typeInfo(F).@"fn".return_type orelse @compileError(what ++ " must not be generic");
    if (arguments.payloadOf(Returned) != void)
        @compileError(what ++ " must return void or an error union of it, found " ++ @typeName(Returned) ++ ": its result goes through the completion");
    return found orelse @compileError(what ++ " needs a parameter of type zigflow.Completion(T)");
}
