//! How long an end looks again before it goes to sleep, Zig's half of `core/src/ring/patience.rs`, which
//! tells why.

const std = @import("std");
const sync = @import("sync.zig");

const pauses = 8;
const retry = 16;
/// Looks of a task.
pub const task: u32 = 20;
/// Looks of a thread.
pub const thread: u32 = 100;

pub const Patience = struct {
    now: u32 = default / 4,
    most: u32 = default,
    waits: u32 = 0,

    const default: u32 = if (sync.model) 0 else thread;

    /// At most `most` looks; 0: none ever.
    pub fn of(most: u32) Patience {
        return .{ .now = most / 4, .most = most };
    }

    /// How often to look at this wait.
    pub fn looks(self: *Patience, limit_wanted: u32) u32 {
        const limit = @min(limit_wanted, self.most);
        if (self.now > 0) return @min(self.now, limit);
        self.waits +%= 1;
        return if (self.waits % retry == 0) limit else 0;
    }

    /// So many looks helped, or not.
    pub fn learn(self: *Patience, looked: u32, helped: bool) void {
        self.now = if (helped) @max(@min(looked * 2, self.most), 2) else self.now / 2;
    }

    pub fn pause() void {
        for (0..pauses) |_| std.atomic.spinLoopHint();
    }
};
