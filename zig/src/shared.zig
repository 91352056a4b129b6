//! A counted object for what a source and its threads share. The last one to let go frees it, so a
//! thread may wake a waker that drops the source, and the source may be dropped while the thread runs.

const std = @import("std");
const alloc = @import("alloc.zig");
const sync = @import("sync.zig");

/// `T.deinit(*T)`, where there is one, runs when the last reference goes.
pub fn Shared(comptime T: type) type {
    return struct {
        count: u32 = 1,
        value: T,

        const Self = @This();

        /// One reference, the caller's.
        pub fn create(value: T) error{OutOfMemory}!*Self {
            const self = try alloc.allocator.create(Self);
            self.* = .{ .value = value };
            return self;
        }

        /// One reference more.
        pub fn retain(self: *Self) *Self {
            if (sync.retain(&self.count) > std.math.maxInt(u32) / 2) @panic("too many references to a shared object");
            return self;
        }

        /// One reference less.
        pub fn release(self: *Self) void {
            if (!sync.release(&self.count)) return;
            if (@hasDecl(T, "deinit")) self.value.deinit();
            alloc.allocator.destroy(self);
        }
    };
}
