//! The interrupt's side: a device that sends samples and blocks, obeys commands, measures, and keeps the time.
//!
//! One core: while the handler runs, nothing else does. What the rest of the program writes for it, it publishes by
//! `connected`; everything both of them change is a channel, a pool, a completion or a waker cell.

const builtin = @import("builtin");
const std = @import("std");
const zigflow = @import("zigflow");

/// What the program proves by failing.
pub const Fault = enum(u32) { none, wrong_payload, trap };

pub const Sample = extern struct { number: u32, value: u32 };

/// What a sample of this number has, so that the other side can tell.
fn valueOf(number: u32) u32 {
    return (number *% 2_654_435_761) ^ commanded;
}

var samples: zigflow.spsc.Sender(Sample) = undefined;
var commands: zigflow.spsc.Receiver(u32) = undefined;
var chunks: zigflow.spsc.Sender(zigflow.OwnedBytes) = undefined;
var pool: zigflow.Pool = undefined;
var fault: Fault = .none;
var connected: u32 = 0;

/// The sum of the commands so far.
var commanded: u32 = 0;
var next_sample: u32 = 0;
var next_chunk: u32 = 0;

/// The ends and the pool are the interrupt's until `disconnect`.
pub fn connect(
    samples_end: zigflow.spsc.Sender(Sample),
    commands_end: zigflow.spsc.Receiver(u32),
    chunks_end: zigflow.spsc.Sender(zigflow.OwnedBytes),
    blocks: zigflow.Pool,
    made_fault: Fault,
) void {
    samples = samples_end;
    commands = commands_end;
    chunks = chunks_end;
    pool = blocks;
    fault = made_fault;
    commanded = 0;
    next_sample = 0;
    next_chunk = 0;
    @atomicStore(u32, &connected, 1, .release);
}

/// Nothing happens if there is nothing.
pub fn disconnect() void {
    if (@atomicLoad(u32, &connected, .acquire) == 0) return;
    @atomicStore(u32, &connected, 0, .release);
    samples.deinit();
    commands.deinit();
    chunks.deinit();
    pool.deinit();
}

/// Each interrupt: a millisecond has passed.
fn tick() callconv(.c) void {
    const now = @atomicLoad(u32, &ticks, .monotonic) +% 1;
    @atomicStore(u32, &ticks, now, .monotonic);
    soundAlarm(now);
    finishMeasurement(now);
    if (@atomicLoad(u32, &connected, .acquire) == 0) return;
    while (commands.tryRecv()) |command| commanded +%= command else |_| {}
    sendSamples();
    sendChunk();
}

/// As many as there is room for, three at most; the others wait for the next interrupt.
fn sendSamples() void {
    for (0..3) |_| {
        if (fault == .trap and next_sample == 20) {
            var past: usize = 3;
            _ = &past;
            const few: [3]u32 = .{ 1, 2, 3 };
            std.mem.doNotOptimizeAway(few[past]);
        }
        const lie: u32 = if (fault == .wrong_payload and next_sample == 20) 1 else 0;
        samples.trySend(.{ .number = next_sample, .value = valueOf(next_sample) ^ lie }) catch return;
        next_sample += 1;
    }
}

/// A block of the pool, if one is home and there is room.
fn sendChunk() void {
    const block = pool.tryAcquire() orelse return;
    for (block.slice(), 0..) |*byte, i| byte.* = @truncate(next_chunk + i);
    const bytes = block.give(block.slice().len);
    chunks.trySend(bytes) catch return bytes.deinit();
    next_chunk += 1;
}

// -- a result that an interrupt gives --

var measurement: ?zigflow.Completion(u32) = null;
var measured_at: u32 = 0;
var measuring: u32 = 0;

/// Takes so many milliseconds. One at a time.
pub fn measure(done: zigflow.Completion(u32), milliseconds: u32) error{Busy}!void {
    if (@atomicLoad(u32, &measuring, .acquire) != 0) return error.Busy;
    measurement = done;
    measured_at = @atomicLoad(u32, &ticks, .monotonic) +% milliseconds;
    @atomicStore(u32, &measuring, 1, .release);
}

fn finishMeasurement(now: u32) void {
    if (@atomicLoad(u32, &measuring, .acquire) == 0 or now != measured_at) return;
    measurement.?.finish(now);
    measurement = null;
    @atomicStore(u32, &measuring, 0, .release);
}

var attempts: u32 = 0;

/// Fails twice out of three times.
pub fn flaky() error{NotNow}!u32 {
    attempts += 1;
    return if (attempts % 3 == 0) attempts else error.NotNow;
}

// -- the time --

var ticks: u32 = 0;
/// 0: none.
var alarm: u32 = 0;
var sleeper: zigflow.WakerCell = .{};

const Board = struct {
    pub fn now(_: *Board) u64 {
        return @as(u64, @atomicLoad(u32, &ticks, .monotonic)) * std.time.ns_per_ms;
    }

    pub fn scheduleWake(board: *Board, deadline: u64, waker: zigflow.Waker) void {
        sleeper.register(&.{ .waker = waker });
        // Not before the deadline, and not 0.
        const tick_after = (deadline +| std.time.ns_per_ms - 1) / std.time.ns_per_ms;
        @atomicStore(u32, &alarm, @intCast(std.math.clamp(tick_after, 1, std.math.maxInt(u32))), .release);
        if (board.now() >= deadline) sleeper.wake();
    }
};

fn soundAlarm(now: u32) void {
    const at = @atomicLoad(u32, &alarm, .acquire);
    if (at == 0 or now < at) return;
    @atomicStore(u32, &alarm, 0, .monotonic);
    sleeper.wake();
}

/// The alarm lets go of who waits for it.
pub fn stopAlarm() void {
    @atomicStore(u32, &alarm, 0, .release);
    sleeper.close();
    sleeper = .{};
}

const timer = zigflow.timer(Board);

comptime {
    @export(&timer.now, .{ .name = "board_now" });
    @export(&timer.scheduleWake, .{ .name = "board_schedule_wake" });
    @export(&tick, .{ .name = "board_tick" });
    switch (builtin.cpu.arch) {
        .thumb => @export(&tick, .{ .name = "SysTick" }), // in place of cortex-m-rt's
        .riscv32 => {
            @export(&machine.interrupt, .{ .name = "MachineTimer" }); // in place of riscv-rt's
            @export(&machine.arm, .{ .name = "board_arm_timer" });
        },
        else => {},
    }
}

/// The timer of QEMU's `virt` machine, at 10 MHz.
const machine = struct {
    const compare: *volatile [2]u32 = @ptrFromInt(0x0200_4000);
    const time: *volatile [2]u32 = @ptrFromInt(0x0200_bff8);

    fn interrupt() callconv(.c) void {
        arm();
        tick();
    }

    /// The next interrupt comes in a tenth of a millisecond: the program calls it a millisecond.
    fn arm() callconv(.c) void {
        const low = time[0];
        const next = low +% 1000;
        compare[1] = std.math.maxInt(u32);
        compare[0] = next;
        compare[1] = time[1] +% @intFromBool(next < low);
    }
};
