//! Ends of channels: worked by a test step by step, and worked by a thread until the channel ends.

const zigflow = @import("zigflow");

const Sender = zigflow.spsc.Sender(u64);
const Receiver = zigflow.spsc.Receiver(u64);

/// How a step went; `Step` in Rust.
const Step = struct {
    const wait: u32 = 0;
    const done: u32 = 1;
    const closed: u32 = 2;
};

/// Why the other end closed; as in Rust. A name that is too long is cut.
const Reason = extern struct {
    code: i32 = 0,
    name_len: u32 = 0,
    name: [24]u8 = @splat(0),

    fn of(found: ?zigflow.spsc.Reason) Reason {
        var reason: Reason = .{};
        switch (found orelse return reason) {
            .code => |code| reason.code = code,
            .name => |name| {
                const len = @min(name.len, reason.name.len);
                @memcpy(reason.name[0..len], name[0..len]);
                reason.name_len = @intCast(len);
            },
        }
        return reason;
    }
};

/// What a receiver saw until it ended; as in Rust.
const Report = extern struct {
    count: u64 = 0,
    out_of_order: u64 = 0,
    reason: Reason = .{},
};

export fn zft_bridge_sender_open(raw: *zigflow.RawSender) ?*Sender {
    return open(Sender, raw);
}

export fn zft_bridge_sender_try(self: *Sender, item: u64) u32 {
    self.trySend(item) catch |e| return if (e == error.Full) Step.wait else Step.closed;
    return Step.done;
}

export fn zft_bridge_sender_end(self: *Sender, code: i32, out: *Reason) void {
    out.* = .of(self.reason());
    if (code != 0) self.closeWithCode(code);
    self.deinit();
    zigflow.allocator.destroy(self);
}

export fn zft_bridge_receiver_open(raw: *zigflow.RawReceiver) ?*Receiver {
    return open(Receiver, raw);
}

export fn zft_bridge_receiver_try(self: *Receiver, out: *u64) u32 {
    out.* = self.tryRecv() catch |e| return if (e == error.Empty) Step.wait else Step.closed;
    return Step.done;
}

export fn zft_bridge_receiver_end(self: *Receiver, code: i32, out: *Reason) void {
    out.* = .of(self.reason());
    if (code != 0) self.closeWithCode(code);
    self.deinit();
    zigflow.allocator.destroy(self);
}

fn open(comptime End: type, raw: *zigflow.abi.RawEnd) ?*End {
    var end = End.open(raw) catch return null;
    const place = zigflow.allocator.create(End) catch {
        end.deinit();
        return null;
    };
    place.* = end;
    return place;
}

/// Sends 0, 1, 2, … below `count`; how many were sent before the channel closed.
export fn zft_bridge_send_all(raw: *zigflow.RawSender, count: u64) u64 {
    var sender = Sender.open(raw) catch return 0;
    defer sender.deinit();
    var item: u64 = 0;
    while (item < count) : (item += 1) sender.sendBlocking(item) catch break;
    return item;
}

/// Receives to the end, or up to `limit` items. They should be 0, 1, 2, ….
export fn zft_bridge_receive_all(raw: *zigflow.RawReceiver, limit: u64, out: *Report) void {
    out.* = .{};
    var receiver = Receiver.open(raw) catch return;
    defer receiver.deinit();
    while (out.count < limit) : (out.count += 1) {
        const item = receiver.recvBlocking() catch break;
        if (item != out.count) out.out_of_order += 1;
    }
    out.reason = .of(receiver.reason());
}

/// Sends a byte that Rust takes, one that it refuses, and one that it takes.
export fn zft_bridge_send_malformed(raw: *zigflow.RawSender) u32 {
    var sender = zigflow.spsc.Sender(u8).open(raw) catch return Step.closed;
    defer sender.deinit();
    for ([_]u8{ 1, 200, 3 }) |item| sender.trySend(item) catch return Step.closed;
    return Step.done;
}
