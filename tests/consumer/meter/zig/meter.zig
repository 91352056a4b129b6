//! The source of the crate `meter`, with a file that it imports.

const zigflow = @import("zigflow");
const scale = @import("scale.zig");

comptime {
    zigflow.source(Reading, "reading");
}

/// Three numbers.
const Reading = struct {
    next: u32 = 1,
    factor: u32,

    pub const sendable = true;

    pub fn open(factor: u32) Reading {
        return .{ .factor = factor };
    }

    pub fn poll(self: *Reading, _: *zigflow.Context) zigflow.Poll(u32) {
        if (self.next > 3) return .done;
        defer self.next += 1;
        return .{ .ready = scale.tenfold(self.next * self.factor) };
    }
};
