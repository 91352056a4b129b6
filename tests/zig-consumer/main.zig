//! A source that compiles and is polled without Rust. What Rust does for Zig, this file does.

const std = @import("std");
const zigflow = @import("zigflow");

comptime {
    zigflow.source(Counter, "counter");
}

const Counter = struct {
    numbers: []u32,
    next: usize = 0,

    pub fn open(count: u32) !Counter {
        const numbers = try zigflow.allocator.alloc(u32, count);
        for (numbers, 0..) |*number, i| number.* = @intCast(i);
        return .{ .numbers = numbers };
    }

    pub fn deinit(self: *Counter) void {
        zigflow.allocator.free(self.numbers);
    }

    pub fn poll(self: *Counter, _: *zigflow.Context) zigflow.Poll(u32) {
        if (self.next == self.numbers.len) return .done;
        defer self.next += 1;
        return .{ .ready = self.numbers[self.next] };
    }
};

pub fn main() !void {
    var counter = try Counter.open(5);
    defer counter.deinit();
    var context: zigflow.Context = .{ .waker = .{ .raw = .{} } };
    var sum: u32 = 0;
    while (true) switch (counter.poll(&context)) {
        .ready => |number| sum += number,
        .done => break,
        .pending, .failed => return error.NeverHappens,
    };
    std.debug.print("sum {d}, ABI {d}\n", .{ sum, zigflow.abi.abi_number });
    if (sum != 10) return error.WrongSum;
}

var memory: [4096]u8 align(64) = undefined;
var used: usize = 0;

export fn zf1_alloc(size: usize, alignment: usize) ?[*]u8 {
    used = std.mem.alignForward(usize, used, alignment) + size;
    return if (used <= memory.len) memory[used - size ..].ptr else null;
}

export fn zf1_free(_: [*]u8, _: usize, _: usize) void {}

export fn zf1_panic(message: [*]const u8, message_len: usize, _: usize) noreturn {
    std.debug.panic("{s}", .{message[0..message_len]});
}
