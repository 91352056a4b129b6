//! The Zig side of the benchmarks.

const zigflow = @import("zigflow");

comptime {
    zigflow.source(Endless, "endless");
    zigflow.source(Waiting, "waiting");
    zigflow.source(zigflow.FileSource, "file");
    _ = @import("channel.zig");
    _ = @import("future.zig");
}

/// Numbers without end; always ready.
const Endless = struct {
    next: u64,

    pub const sendable = true;

    pub fn open(from: u64) Endless {
        return .{ .next = from };
    }

    pub fn poll(self: *Endless, _: *zigflow.Context) zigflow.Poll(u64) {
        defer self.next +%= 1;
        return .{ .ready = self.next };
    }
};

/// The same item by the plainest call there is.
export fn bench_direct(state: *Endless, out: *u64) u32 {
    out.* = state.next;
    state.next +%= 1;
    return 0;
}

/// Never ready: keeps its waker for `bench_wake`.
const Waiting = struct {
    var cell: zigflow.WakerCell = .{};

    pub const sendable = true;

    pub fn open() Waiting {
        return .{};
    }

    pub fn poll(_: *Waiting, cx: *zigflow.Context) zigflow.Poll(u64) {
        cell.register(cx);
        return .pending;
    }
};

export fn bench_wake() void {
    Waiting.cell.wake();
}
