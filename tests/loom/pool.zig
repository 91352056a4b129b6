//! The Zig half of a pool, for the models to call. Waiters lie in memory that Rust gives.

const zigflow = @import("zigflow");

fn of(raw: *zigflow.RawPool) zigflow.Pool {
    return .{ .raw = raw };
}

fn blockOf(raw: *zigflow.abi.RawShared) zigflow.Block {
    return .{ .raw = raw };
}

export fn model_pool_open(raw: *zigflow.RawPool) bool {
    _ = zigflow.Pool.open(raw) catch return false;
    return true;
}

export fn model_pool_clone(raw: *zigflow.RawPool) void {
    _ = of(raw).clone();
}

export fn model_pool_deinit(raw: *zigflow.RawPool) void {
    of(raw).deinit();
}

export fn model_pool_try_acquire(raw: *zigflow.RawPool) ?*zigflow.abi.RawShared {
    const block = of(raw).tryAcquire() orelse return null;
    return block.raw;
}

export fn model_block_deinit(raw: *zigflow.abi.RawShared) void {
    blockOf(raw).deinit();
}

export fn model_waiter_bytes() usize {
    return @sizeOf(zigflow.BlockWaiter);
}

export fn model_waiter_init(raw: *zigflow.RawPool, waiter: *zigflow.BlockWaiter) void {
    waiter.* = of(raw).waiter();
}

export fn model_waiter_poll(waiter: *zigflow.BlockWaiter, waker: *const zigflow.abi.RawWaker) ?*zigflow.abi.RawShared {
    const cx: zigflow.Context = .{ .waker = .{ .raw = waker.* } };
    const block = waiter.poll(&cx) orelse return null;
    return block.raw;
}

export fn model_waiter_cancel(waiter: *zigflow.BlockWaiter) void {
    waiter.cancel();
}

export fn model_block_data(raw: *zigflow.abi.RawShared) [*]u8 {
    return blockOf(raw).slice().ptr;
}

/// The block gets two owners.
export fn model_block_share(raw: *zigflow.abi.RawShared) void {
    _ = blockOf(raw).share(1).clone();
}

export fn model_shared_deinit(raw: *zigflow.abi.RawShared) void {
    (zigflow.SharedBytes{ .bytes = &.{}, .raw = raw }).deinit();
}
