//! What Rust does for Zig: the functions that `zigflow-core` exports (`core/src/host.rs`). Each name
//! carries the ABI number.

const abi = @import("abi.zig");

comptime {
    if (abi.abi_number != 1) @compileError("rename the symbols below: they carry the ABI number");
}

/// Writes a new reference to the same task to `out`.
pub extern fn zf1_waker_clone(waker: *const abi.RawWaker, out: *abi.RawWaker) callconv(.c) void;
/// Wakes and takes the reference.
pub extern fn zf1_waker_wake(waker: *const abi.RawWaker) callconv(.c) void;
/// Wakes and leaves the reference.
pub extern fn zf1_waker_wake_by_ref(waker: *const abi.RawWaker) callconv(.c) void;
/// Takes the reference.
pub extern fn zf1_waker_drop(waker: *const abi.RawWaker) callconv(.c) void;
/// Makes a Rust waker of a counted Zig object, whose one reference it takes.
pub extern fn zf1_waker_from_object(object: *const abi.WakerObject, out: *abi.RawWaker) callconv(.c) void;

/// Rust's global allocator; null when it has no memory. `size` is not 0.
pub extern fn zf1_alloc(size: usize, alignment: usize) callconv(.c) ?[*]u8;
pub extern fn zf1_free(ptr: [*]u8, size: usize, alignment: usize) callconv(.c) void;

/// Polls until the answer is not 0, asleep in between, and returns it; 0 when `timeout_ns` is over
/// first. The largest number is no timeout. The waker is lent for the call. With Rust's std only.
pub extern fn zf1_block(
    poll: *const fn (context: *anyopaque, waker: *const abi.RawWaker) callconv(.c) u32,
    context: *anyopaque,
    timeout_ns: u64,
) callconv(.c) u32;

/// Writes a channel of plain data, with a reference for an end of either kind, to `out`. 0; or 1 for a capacity
/// that cannot be, 2 when there is no memory. (Of a channel that grows the capacity is in bytes.)
pub extern fn zf1_channel_new(flavor: u32, capacity: usize, slot_size: usize, slot_alignment: usize, out: **abi.RawChannel) callconv(.c) u32;

/// An end of a monitored `spsc` channel looks: at `position`, wanting so many items or slots, finding so many. How many of
/// them it may use before it looks again.
pub extern fn zf1_profile_look(channel: *const abi.RawChannel, kind: u32, position: u32, found: u32, wanted: u32) callconv(.c) u32;
/// Writes what a monitored channel has noted to `out`: 1; or 0 if it is not monitored.
pub extern fn zf1_profile_read(channel: *const abi.RawChannel, out: *@import("profile.zig").Profile) callconv(.c) u32;
/// The waker for the cell of an end of a monitored channel, in place of `waker`, which is lent. Its reference is the caller's.
pub extern fn zf1_profile_waker(channel: *const abi.RawChannel, kind: u32, waker: *const abi.RawWaker, out: *abi.RawWaker) callconv(.c) void;
/// The end is about to sleep (0). 1 if it did not wait before. Or it need not sleep after all (1), or has what it needs (2).
pub extern fn zf1_profile_sleep(channel: *const abi.RawChannel, kind: u32, step: u32) callconv(.c) u32;
/// A thread begins to wait awake in a party that is watched. What it is to end that with. This and the next with Rust's std only.
pub extern fn zf1_party_linger(party: *const abi.RawParty) callconv(.c) u32;
/// The thread has what it needs (1), or waits asleep from now on (0).
pub extern fn zf1_party_lingered(party: *const abi.RawParty, stamp: u32, helped: u32) callconv(.c) void;
/// The end goes.
pub extern fn zf1_profile_gone(channel: *const abi.RawChannel, kind: u32) callconv(.c) void;

/// A block for a channel that grows, or null: it is full.
pub extern fn zf1_block_take(channel: *abi.RawUnbounded) callconv(.c) ?*abi.RawBlock;
/// A block that was taken and not linked, or that is used up. Then tell the senders.
pub extern fn zf1_block_give_back(channel: *abi.RawUnbounded, block: *abi.RawBlock) callconv(.c) void;

/// 1 when there is a spare block now; else the one who gives one back will wake a sender.
pub extern fn zf1_block_ensure(channel: *abi.RawUnbounded) callconv(.c) u32;

/// The next wake of the party goes to the waiter's turn, by this waker, which is lent for the call.
pub extern fn zf1_party_join(party: *abi.RawParty, waiter: *abi.RawWaiter, waker: *const abi.RawWaker) callconv(.c) void;
/// The waiter stands in the list no more. 1 if a wake had taken it out, which is to be passed on.
pub extern fn zf1_party_leave(party: *abi.RawParty, waiter: *abi.RawWaiter) callconv(.c) u32;
/// Wakes one that waits.
pub extern fn zf1_party_wake_one(party: *abi.RawParty) callconv(.c) void;
/// Wakes all that wait.
pub extern fn zf1_party_wake_all(party: *abi.RawParty) callconv(.c) void;

/// Wakes one that sleeps at the other side of the channel: a receiver if `of_senders` is 1, else a sender.
pub extern fn zf1_peer_wake(channel: *abi.RawChannel, of_senders: u32) callconv(.c) void;

/// Writes a pool with one handle to `out`. 0; or 1 for a size that cannot be, 2 when there is no memory.
pub extern fn zf1_pool_new(blocks: usize, size: usize, alignment: usize, out: **abi.RawPool) callconv(.c) u32;
/// One handle more.
pub extern fn zf1_pool_retain(pool: *abi.RawPool) callconv(.c) void;
/// One handle less.
pub extern fn zf1_pool_release(pool: *abi.RawPool) callconv(.c) void;
/// Puts a block back that its one owner gives up: what Zig does itself unless somebody waits or the pool has closed.
pub extern fn zf1_pool_put(block: *abi.RawShared) callconv(.c) void;
/// Who is in the list of those who wait is told of every block from now on. 1 when one is there already.
pub extern fn zf1_pool_arm(pool: *abi.RawPool) callconv(.c) u32;
/// Who has left that list says so.
pub extern fn zf1_pool_left(pool: *abi.RawPool) callconv(.c) void;
/// Writes what a watched pool has noted to `out`: 1; or 0 if nobody watches it.
pub extern fn zf1_pool_profile(pool: *abi.RawPool, out: *@import("profile.zig").PoolProfile) callconv(.c) u32;

/// Reports and aborts.
pub extern fn zf1_panic(message: [*]const u8, message_len: usize, return_address: usize) callconv(.c) noreturn;
