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
        stop: u32 = 0,

        fn run(shared: *zigflow.Shared(Number)) void {
            defer shared.release();
            // ThreadSanitizer forgets a detached thread that has ended, and its races.
            while (@atomicLoad(u32, &shared.value.stop, .monotonic) == 0) write(&shared.value);
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

    pub fn poll(self: *Racing, _: *zigflow.Context) zigflow.Poll(u32) {
        return .{ .ready = self.shared.value.read() };
    }
};
