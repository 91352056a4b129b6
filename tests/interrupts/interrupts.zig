//! The interrupt's side: at times that nobody can foresee it uses the other end of what the program is using.

const zigflow = @import("zigflow");

/// What the handler does; one at a time.
const Work = union(enum) {
    nothing,
    receive: zigflow.spsc.Receiver(u32),
    send: zigflow.spsc.Sender(u32),
    receive_many: zigflow.mpmc.Receiver(u32),
    send_many: zigflow.mpmc.Sender(u32),
    take: struct { pool: zigflow.Pool, held: [2]?zigflow.Block },
};

var work: Work = .nothing;
var is_set: u32 = 0;
var interrupts: u32 = 0;
/// How many items went through the handler; what is wrong with them.
var items: u32 = 0;
var wrong: u32 = 0;
/// How many came when the program was not asleep, and when it was not about to look why it woke.
var at_work: u32 = 0;
/// The program's word for it.
extern var awake: u32;
var random: u32 = 2463534242;

/// The handler sees all of it or nothing.
fn set(new: Work) void {
    work = new;
    items = 0;
    wrong = 0;
    @atomicStore(u32, &is_set, 1, .release);
}

pub fn receive(end: zigflow.spsc.Receiver(u32)) void {
    set(.{ .receive = end });
}

pub fn send(end: zigflow.spsc.Sender(u32)) void {
    set(.{ .send = end });
}

pub fn receiveMany(end: zigflow.mpmc.Receiver(u32)) void {
    set(.{ .receive_many = end });
}

pub fn sendMany(end: zigflow.mpmc.Sender(u32)) void {
    set(.{ .send_many = end });
}

pub fn take(pool: zigflow.Pool) void {
    set(.{ .take = .{ .pool = pool, .held = .{ null, null } } });
}

/// How many items went through the handler; all of them have to be right.
pub fn stop() error{OutOfOrder}!u32 {
    @atomicStore(u32, &is_set, 0, .release);
    switch (work) {
        .nothing => {},
        .take => |*it| {
            for (it.held) |held| if (held) |block| block.deinit();
            it.pool.deinit();
        },
        inline else => |*end| end.deinit(),
    }
    work = .nothing;
    return if (wrong == 0) items else error.OutOfOrder;
}

pub fn count() u32 {
    return @atomicLoad(u32, &interrupts, .monotonic);
}

pub fn countAtWork() u32 {
    return @atomicLoad(u32, &at_work, .monotonic);
}

const reload: *volatile u32 = @ptrFromInt(0xe000_e014);

export fn SysTick() void {
    @atomicStore(u32, &interrupts, interrupts + 1, .monotonic);
    random ^= random << 13;
    random ^= random >> 17;
    random ^= random << 5;
    if (@atomicLoad(u32, &awake, .monotonic) != 0) @atomicStore(u32, &at_work, at_work + 1, .monotonic);
    // So soon that most find the program at work, and some before it has done anything.
    reload.* = 200 + random % 1024;
    if (@atomicLoad(u32, &is_set, .acquire) == 0) return;
    // None, or some.
    for (0..random >> 30) |_| once();
}

fn once() void {
    switch (work) {
        .nothing => {},
        .receive => |*end| receivedOne(end.tryRecv() catch return),
        .receive_many => |*end| receivedOne(end.tryRecv() catch return),
        .send => |*end| {
            end.trySend(items) catch return;
            items += 1;
        },
        .send_many => |*end| {
            end.trySend(items) catch return;
            items += 1;
        },
        .take => |*it| {
            const held = &it.held[(random >> 8) & 1];
            if (held.*) |block| {
                if (block.slice()[0] != 0x5a) wrong += 1;
                block.deinit();
                held.* = null;
            } else {
                const block = it.pool.tryAcquire() orelse return;
                block.slice()[0] = 0x5a;
                held.* = block;
                items += 1;
            }
        },
    }
}

fn receivedOne(item: u32) void {
    if (item != items) wrong += 1;
    items += 1;
}
