//! A timer of Zig's: the system's clock, and a thread that sounds its one alarm.

const std = @import("std");
const zigflow = @import("zigflow");

const functions = zigflow.timer(Clock);

comptime {
    @export(&new, .{ .name = "zft_clock_new" });
    @export(&free, .{ .name = "zft_clock_free" });
    @export(&functions.now, .{ .name = "zft_clock_now" });
    @export(&functions.scheduleWake, .{ .name = "zft_clock_schedule_wake" });
}

/// A deadline and a clone of the waker, as numbers: a channel has plain data only.
const Alarm = extern struct {
    deadline: u64,
    data: usize,
    vtable: usize,

    fn of(deadline: u64, waker: zigflow.Waker) Alarm {
        return .{ .deadline = deadline, .data = @intFromPtr(waker.raw.data), .vtable = @intFromPtr(waker.raw.vtable) };
    }

    fn own(alarm: Alarm) zigflow.Waker {
        return .{ .raw = .{ .data = @ptrFromInt(alarm.data), .vtable = @ptrFromInt(alarm.vtable) } };
    }
};

const Clock = struct {
    alarms: zigflow.spsc.Sender(Alarm),
    thread: std.Thread,

    pub fn now(_: *Clock) u64 {
        var time: std.os.linux.timespec = undefined;
        _ = std.os.linux.clock_gettime(.MONOTONIC, &time);
        return @as(u64, @intCast(time.sec)) * std.time.ns_per_s + @as(u64, @intCast(time.nsec));
    }

    pub fn scheduleWake(self: *Clock, deadline: u64, waker: zigflow.Waker) void {
        const own = waker.clone();
        self.alarms.sendBlocking(.of(deadline, own)) catch own.deinit();
    }

    /// The alarm that is set, replaced by each new one.
    fn watch(own: zigflow.spsc.Receiver(Alarm)) void {
        var alarms = own;
        defer alarms.deinit();
        var set: ?Alarm = null;
        while (true) {
            const left = if (set) |alarm| alarm.deadline -| now(undefined) else std.math.maxInt(u64);
            const next = alarms.recvBlockingTimeout(left) catch |e| {
                const waker = (set orelse return).own();
                set = null;
                if (e == error.Closed) return waker.deinit();
                waker.wake();
                continue;
            };
            if (set) |alarm| alarm.own().deinit();
            set = next;
        }
    }
};

fn new() callconv(.c) ?*Clock {
    return tryNew() catch null;
}

fn tryNew() !*Clock {
    const clock = try zigflow.allocator.create(Clock);
    errdefer zigflow.allocator.destroy(clock);
    var sender, var receiver = try zigflow.spsc.channel(Alarm, 64);
    errdefer sender.deinit();
    const thread = std.Thread.spawn(.{}, Clock.watch, .{receiver}) catch |e| {
        receiver.deinit();
        return e;
    };
    clock.* = .{ .alarms = sender, .thread = thread };
    return clock;
}

/// Afterwards no alarm comes.
fn free(clock: *Clock) callconv(.c) void {
    clock.alarms.deinit();
    clock.thread.join();
    zigflow.allocator.destroy(clock);
}
