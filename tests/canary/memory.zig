//! Memory that is used after it was freed, and memory that is never freed.

const std = @import("std");
const zigflow = @import("zigflow");

comptime {
    zigflow.source(Memory, "memory");
}

/// One item: a number that was read from memory of the C library.
const Memory = struct {
    what: u32,
    done: bool = false,

    pub fn open(what: u32) Memory {
        return .{ .what = what };
    }

    pub fn poll(self: *Memory, _: *zigflow.Context) !zigflow.Poll(u64) {
        if (self.done) return .done;
        self.done = true;
        const number = try std.heap.c_allocator.create(u64);
        number.* = 7;
        if (self.what == 1) std.heap.c_allocator.destroy(number);
        defer if (self.what == 0) std.heap.c_allocator.destroy(number);
        return .{ .ready = read(number) };
    }

    /// Zig's own load: no function of the C library sees it.
    noinline fn read(number: *const u64) u64 {
        const place: *const volatile u64 = number;
        return place.*;
    }
};
