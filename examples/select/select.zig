//! Operations that count on a thread of their own, until they are there or nobody waits.

const std = @import("std");
const zigflow = @import("zigflow");

comptime {
    zigflow.future(countTo, "count_to");
    zigflow.future(allStopped, "all_stopped");
}

/// How many threads count, and one for who waits for the last of them.
var counting: u32 = 1;
var waits: ?zigflow.Completion(void) = null;

fn countTo(done: zigflow.Completion(u64), goal: u64) !void {
    _ = @atomicRmw(u32, &counting, .Add, 1, .acq_rel);
    errdefer stopped();
    const thread = try std.Thread.spawn(.{}, count, .{ done, goal });
    thread.detach();
}

fn count(done: zigflow.Completion(u64), goal: u64) void {
    var n: u64 = 0;
    while (n < goal and !done.isCanceled()) n += 1;
    done.progress(n);
    done.finish(if (n < goal) error.Canceled else n);
    stopped();
}

/// Completes when no thread counts any more. One at a time.
fn allStopped(done: zigflow.Completion(void)) void {
    waits = done;
    stopped();
}

fn stopped() void {
    if (@atomicRmw(u32, &counting, .Sub, 1, .acq_rel) != 1) return;
    const done = waits.?;
    waits = null;
    counting = 1;
    done.finish({});
}
