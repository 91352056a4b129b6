//! Rust's global allocator as a `std.mem.Allocator`: what Zig allocates here, Rust's own
//! counters and limits see too.

const std = @import("std");
const host = @import("host.zig");

pub const allocator: std.mem.Allocator = .{ .ptr = undefined, .vtable = &vtable };

const vtable: std.mem.Allocator.VTable = .{
    .alloc = alloc,
    .resize = std.mem.Allocator.noResize,
    .remap = std.mem.Allocator.noRemap,
    .free = free,
};

fn alloc(_: *anyopaque, len: usize, alignment: std.mem.Alignment, _: usize) ?[*]u8 {
    std.debug.assert(len > 0); // std.mem.Allocator never asks for nothing
    return host.zf1_alloc(len, alignment.toByteUnits());
}

fn free(_: *anyopaque, memory: []u8, alignment: std.mem.Alignment, _: usize) void {
    host.zf1_free(memory.ptr, memory.len, alignment.toByteUnits());
}
