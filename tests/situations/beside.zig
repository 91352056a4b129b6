//! What `include_zig!` and an `@import` in `autozig!` of autozig.rs read.

const zigflow = @import("zigflow");

pub const Level = enum(u8) { low, high = 7 };

pub fn greeting(into: []u8) usize {
    const text =
        \\Hello,
        \\world
    ;
    @memcpy(into[0..text.len], text);
    return text.len;
}

pub fn level(of: i32) Level {
    return if (of > 100) .high else .low;
}

pub fn square(x: f64) f64 {
    return x * x;
}

pub fn numbers(count: u8) zigflow.OwnedBytes {
    const bytes = zigflow.allocator.alloc(u8, count) catch @panic("out of memory");
    for (bytes, 0..) |*byte, i| byte.* = @intCast(i);
    return .fromSlice(bytes);
}

test square {
    try @import("std").testing.expectEqual(4, square(-2));
}
