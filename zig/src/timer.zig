//! A timer that Zig supplies, for Rust's `ZigTimer::from_zig`: the other half of `core/src/time/zig.rs`.

const abi = @import("abi.zig");
const waker_file = @import("waker.zig");

/// The two functions of a timer, of a struct with these:
///
/// - `now(*T) u64`: nanoseconds since an epoch of your choice. Never less than before, on any thread.
/// - `scheduleWake(*T, deadline: u64, waker: zigflow.Waker) void`: `waker.clone()` to keep it, and wake the clone when
///   `now` has reached `deadline`, at once if it has. A later call replaces the one before, whose clone is dropped. Calls
///   never overlap.
///
/// ```zig
/// const timer = zigflow.timer(Board);
/// comptime {
///     @export(&timer.now, .{ .name = "board_now" });
///     @export(&timer.scheduleWake, .{ .name = "board_schedule_wake" });
/// }
/// ```
pub fn timer(comptime T: type) type {
    return struct {
        pub fn now(context: *anyopaque) callconv(.c) u64 {
            return T.now(@ptrCast(@alignCast(context)));
        }

        pub fn scheduleWake(context: *anyopaque, deadline: u64, lent: *const abi.RawWaker) callconv(.c) void {
            const waker: waker_file.Waker = .{ .raw = lent.* };
            T.scheduleWake(@ptrCast(@alignCast(context)), deadline, waker);
        }
    };
}
