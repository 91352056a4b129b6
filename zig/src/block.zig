//! Threads that wait: they sleep in Rust, which knows how on this system.

const std = @import("std");
const abi = @import("abi.zig");
const host = @import("host.zig");

/// Calls `poll` until it is true, asleep in between; `poll` registers the waker that it is given. False when
/// `timeout_ns` is over first; null is no timeout.
pub fn wait(context: anytype, comptime poll: fn (@TypeOf(context), abi.RawWaker) bool, timeout_ns: ?u64) bool {
    const Context = @TypeOf(context);
    const call = struct {
        fn call(raw: *anyopaque, waker: *const abi.RawWaker) callconv(.c) u32 {
            const typed: Context = @ptrCast(@alignCast(raw));
            return @intFromBool(poll(typed, waker.*));
        }
    }.call;
    return host.zf1_block(call, context, timeout_ns orelse std.math.maxInt(u64)) != 0;
}
