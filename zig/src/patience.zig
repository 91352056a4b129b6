//! How long a thread looks again before it goes to sleep, Zig's half of `core/src/ring/patience.rs`, which
//! tells why.

const std = @import("std");
const builtin = @import("builtin");
const sync = @import("sync.zig");

/// Pauses before a look.
const pauses = 8;
/// After so many looks the other side may have no core to run on: it gets this one.
const yield_after = 16;
const can_yield = switch (builtin.os.tag) {
    .freestanding, .other, .uefi, .wasi, .emscripten => false,
    else => true,
};
/// An end without patience tries again at each wait of that number.
const retry = 32;
/// Looks at most, unless the user says otherwise.
const default_looks: u8 = if (sync.model) 0 else 100;

pub const Patience = struct {
    /// Looks at the next wait.
    now: u8,
    most: u8,
    /// Waits so far.
    waits: u8 = 0,
    /// The core is given away before each look, for that is what helped last.
    yields: bool = false,

    pub const default: Patience = .of(default_looks);

    /// At most `most` looks; 0: none ever.
    pub fn of(most: u8) Patience {
        return .{ .now = most / 4, .most = most };
    }

    /// Waits in the hope that `isSo(context)` comes true meanwhile; whether it has.
    pub fn linger(self: *Patience, context: anytype, comptime isSo: fn (@TypeOf(context)) bool) bool {
        const count = self.looks();
        if (count == 0) return false;
        const helped: ?u8 = for (0..count) |look| {
            self.pause(look);
            if (isSo(context)) break @intCast(look);
        } else null;
        self.learn(helped);
        return helped != null;
    }

    /// How often to look at this wait.
    fn looks(self: *Patience) u8 {
        self.waits +%= 1;
        const again = self.waits % retry == 0;
        if (again) self.yields = false;
        return if (self.now == 0 and again) self.most else self.now;
    }

    /// Before the look of that number.
    fn pause(self: *const Patience, look: usize) void {
        if (can_yield and self.yieldsAt(look)) {
            std.Thread.yield() catch {};
        } else {
            for (0..pauses) |_| std.atomic.spinLoopHint();
        }
    }

    fn yieldsAt(self: *const Patience, look: usize) bool {
        return self.yields or look >= yield_after;
    }

    /// The look of that number helped, or none.
    fn learn(self: *Patience, helped: ?u8) void {
        self.yields = if (helped) |look| self.yieldsAt(look) else false;
        self.now = if (helped) |look| @min(@max(self.now, (look + 1) *| 2), self.most) else self.now / 2;
    }
};
