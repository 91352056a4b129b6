//! A data race: a thread writes a plain number that `poll` reads.

const std = @import("std");
const zigflow = @import("zigflow");

comptime {
    zigflow.source(Racing, "racing");
}

const Racing = struct {
    shared: *zigflow.Shared(Number),

    const Number = struct {
        value: u32 = 0,
        written: u32 = 0,
        stop: u32 = 0,

        /// Relaxed flags make both sides meet and order nothing. The thread stays until the source goes:
        /// ThreadSanitizer forgets a detached thread that has ended, and its races.
        fn run(shared: *zigflow.Shared(Number)) void {
            defer shared.release();
            const number = &shared.value;
            number.write();
            @atomicStore(u32, &number.written, 1, .monotonic);
            while (@atomicLoad(u32, &number.stop, .monotonic) == 0) _ = std.c.sched_yield();
        }

        noinline fn write(self: *Number) void {
            const place: *volatile u32 = &self.value;
            place.* +%= 1;
        }

        noinline fn read(self: *Number) u32 {
            const place: *volatile u32 = &self.value;
            return place.*;
        }
    };

    pub fn open() !Racing {
        const shared = try zigflow.Shared(Number).create(.{});
        errdefer shared.release();
        const thread = std.Thread.spawn(.{}, Number.run, .{shared.retain()}) catch |e| {
            shared.release();
            return e;
        };
        thread.detach();
        return .{ .shared = shared };
    }

    pub fn deinit(self: *Racing) void {
        @atomicStore(u32, &self.shared.value.stop, 1, .monotonic);
        self.shared.release();
    }

    pub fn poll(self: *Racing, cx: *zigflow.Context) zigflow.Poll(u32) {
        if (@atomicLoad(u32, &self.shared.value.written, .monotonic) == 0) {
            cx.waker.wakeByRef();
            return .pending;
        }
        return .{ .ready = self.shared.value.read() };
    }
};
