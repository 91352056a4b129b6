//! Zig's halves of the pipelines.

const std = @import("std");
const zigflow = @import("zigflow");

/// Keeps the processor busy for so many rounds.
pub fn work(rounds: u64) u64 {
    var x: u64 = 88172645463325252;
    for (0..@as(usize, @intCast(rounds))) |_| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        std.mem.doNotOptimizeAway(x);
    }
    return x;
}

/// Sends `items` numbers; for each `burst` of them it works first, so many rounds for each. Blocks.
pub fn produce(sender: zigflow.spsc.Sender(u64), items: u64, rounds: u64, burst: u64) void {
    var tx = sender;
    defer tx.deinit();
    var sent: u64 = 0;
    while (sent < items) {
        const count = @min(burst, items - sent);
        _ = work(rounds * count);
        for (0..@as(usize, @intCast(count))) |_| {
            tx.sendBlocking(sent) catch return; // nobody wants more
            sent += 1;
        }
    }
}

/// Receives blocks to the end, works for each, and gives it back. How many bytes that were. Blocks.
pub fn consume(receiver: zigflow.spsc.Receiver(zigflow.OwnedBytes), rounds: u64) u64 {
    var rx = receiver;
    defer rx.deinit();
    var bytes: u64 = 0;
    while (rx.recvBlocking()) |block| {
        _ = work(rounds);
        bytes += block.slice().len;
        block.deinit();
    } else |_| {}
    return bytes;
}

/// Ends the future with the square of `n` from another thread, after so many rounds.
pub fn square(done: zigflow.Completion(u64), n: u64, rounds: u64) error{NoThread}!void {
    const thread = std.Thread.spawn(.{}, squareThere, .{ done, n, rounds }) catch return error.NoThread;
    thread.detach();
}

fn squareThere(done: zigflow.Completion(u64), n: u64, rounds: u64) void {
    _ = work(rounds);
    done.finish(n *% n);
}
