//! A source without an operating system: pending every third time, woken at once.

const zigflow = @import("zigflow");

comptime {
    zigflow.source(Squares, "squares");
}

const Squares = struct {
    memory: []u32,
    next: u32 = 0,
    polls: u32 = 0,

    pub fn open(count: u32) !Squares {
        const memory = try zigflow.allocator.alloc(u32, count);
        for (memory, 0..) |*square, i| square.* = @intCast(i * i);
        return .{ .memory = memory };
    }

    pub fn deinit(self: *Squares) void {
        zigflow.allocator.free(self.memory);
    }

    pub fn poll(self: *Squares, cx: *zigflow.Context) zigflow.Poll(u32) {
        self.polls += 1;
        if (self.polls % 3 == 0) {
            cx.waker.clone().wake();
            return .pending;
        }
        if (self.next == self.memory.len) return .done;
        defer self.next += 1;
        return .{ .ready = self.memory[self.next] };
    }
};
