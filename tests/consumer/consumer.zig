//! The program's own source; the crates have one of the same name.

const types = @import("types");
const zigflow = @import("zigflow");

comptime {
    zigflow.source(Reading, "reading");
    zigflow.source(One, "span");
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
        return .{ .ready = self.next * self.factor };
    }
};

/// One span.
const One = struct {
    span: ?types.Span,

    pub const sendable = true;

    pub fn open(from: u32) One {
        return .{ .span = .{ .from = from, .to = from + 1 } };
    }

    pub fn poll(self: *One, _: *zigflow.Context) zigflow.Poll(types.Span) {
        const span = self.span orelse return .done;
        self.span = null;
        return .{ .ready = span };
    }
};
