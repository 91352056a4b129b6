//! A source without an operating system: pending every third time, woken at once.

const zigflow = @import("zigflow");

comptime {
    zigflow.source(Squares, "squares");
}

/// Doubles what comes, as an interrupt would: it waits for nothing and wakes nobody.
const Doubler = struct {
    jobs: zigflow.spsc.Receiver(u32),
    answers: zigflow.mpmc.Sender(u32),
};

/// Null: an end is not what it should be, or there is no memory.
export fn doubler_open(jobs: *zigflow.RawReceiver, answers: *zigflow.RawSender) ?*Doubler {
    const doubler = zigflow.allocator.create(Doubler) catch return null;
    doubler.* = .{
        .jobs = zigflow.spsc.Receiver(u32).open(jobs) catch return null,
        .answers = zigflow.mpmc.Sender(u32).open(answers) catch return null,
    };
    return doubler;
}

/// Whether a wake is due.
export fn doubler_interrupt(doubler: *Doubler) bool {
    var due = false;
    while (doubler.jobs.tryRecv()) |job| {
        due = (doubler.answers.trySendQuiet(job * 2) catch return due) or due;
    } else |_| {}
    return due;
}

/// Outside of the interrupt.
export fn doubler_wake(doubler: *Doubler) void {
    const waker = doubler.answers.peerWaker();
    defer waker.deinit();
    waker.wake();
}

export fn doubler_close(doubler: *Doubler) void {
    doubler.jobs.deinit();
    doubler.answers.deinit();
    zigflow.allocator.destroy(doubler);
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
