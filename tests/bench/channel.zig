//! The Zig ends of `ci/bench channel`. Rust starts the threads that they run on, so that all sides of a
//! comparison start theirs alike.

const zigflow = @import("zigflow");

const Sender = zigflow.spsc.Sender(u64);
const Receiver = zigflow.spsc.Receiver(u64);

/// Items that go at once; `bare::MANY` in Rust.
const many = 256;

/// What came; `flows::Tally` in Rust.
const Tally = extern struct {
    count: u64,
    sum: u64,

    fn add(self: *Tally, item: u64) void {
        self.count += 1;
        self.sum +%= item;
    }
};

export fn bench_send_one(raw: *zigflow.RawSender, count: u64) bool {
    var sender = Sender.open(raw) catch return false;
    defer sender.deinit();
    for (0..count) |item| sender.sendBlocking(item) catch return false;
    return true;
}

export fn bench_send_many(raw: *zigflow.RawSender, count: u64) bool {
    var sender = Sender.open(raw) catch return false;
    defer sender.deinit();
    var items: [many]u64 = undefined;
    var sent: u64 = 0;
    while (sent < count) {
        const batch = items[0..@min(many, count - sent)];
        for (batch, sent..) |*item, number| item.* = number;
        if (sender.sendManyBlocking(batch) < batch.len) return false;
        sent += batch.len;
    }
    return true;
}

export fn bench_recv_one(raw: *zigflow.RawReceiver, out: *Tally) bool {
    var receiver = Receiver.open(raw) catch return false;
    defer receiver.deinit();
    // A local one, so that the compiler need not write to Rust's memory for each item.
    var tally: Tally = .{ .count = 0, .sum = 0 };
    defer out.* = tally;
    while (true) tally.add(receiver.recvBlocking() catch |err| return err == error.Closed);
}

export fn bench_recv_many(raw: *zigflow.RawReceiver, out: *Tally) bool {
    var receiver = Receiver.open(raw) catch return false;
    defer receiver.deinit();
    var tally: Tally = .{ .count = 0, .sum = 0 };
    defer out.* = tally;
    var items: [many]u64 = undefined;
    while (true) {
        const count = receiver.recvManyBlocking(&items) catch |err| return err == error.Closed;
        for (items[0..count]) |item| tally.add(item);
    }
}

export fn bench_echo(raw_receiver: *zigflow.RawReceiver, raw_sender: *zigflow.RawSender) bool {
    var receiver = Receiver.open(raw_receiver) catch return false;
    defer receiver.deinit();
    var sender = Sender.open(raw_sender) catch return false;
    defer sender.deinit();
    while (true) {
        const item = receiver.recvBlocking() catch |err| return err == error.Closed;
        sender.sendBlocking(item) catch return false;
    }
}
