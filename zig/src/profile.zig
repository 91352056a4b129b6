//! What a monitored channel or pool has noted, for Zig: `zigflow::profile` in Rust, which keeps it and tells what is measured.

const std = @import("std");
const abi = @import("abi.zig");
const host = @import("host.zig");

/// How often what was how large, by powers of two; as Rust's `Histogram`.
pub const Histogram = extern struct {
    /// The sum of the values; wraps around.
    total: u64,
    /// Of the value 0, and of the values from 2^(n-1) to below 2^n; the last has all that is larger.
    counts: [48]u32,

    /// How many values there were.
    pub fn count(self: *const Histogram) u64 {
        var sum: u64 = 0;
        for (self.counts) |n| sum += n;
        return sum;
    }

    /// The mean of the values; 0 if there was none.
    pub fn mean(self: *const Histogram) u64 {
        return std.math.divTrunc(u64, self.total, self.count()) catch 0;
    }
};

/// Those who waited at one side of a channel, or for the blocks of a pool. Times in nanoseconds.
pub const Waits = extern struct {
    /// How long each of them waited until it was woken or gave up.
    wait: Histogram,
    /// How long each of them took to look after it was woken.
    wake_to_poll: Histogram,
    /// For how long somebody waited.
    waiting_ns: u64,
    /// For how long somebody who was woken had not looked yet.
    waking_ns: u64,
    /// How many wait now. (Who waited before anybody watched is in this number alone, until it is woken.)
    now_waiting: u32,
    reserved: u32,
};

/// What has happened since the channel is monitored. The counters are in `snapshot`.
pub const Profile = extern struct {
    elapsed_ns: u64,
    /// Those who wait for room.
    senders: Waits,
    /// Those who wait for items.
    receivers: Waits,
    /// How long sampled items waited, nanoseconds. Only of `spsc` channels.
    queue_wait: Histogram,
    /// How many items waited when a sampled one was taken. Only of `spsc` channels.
    queue_len: Histogram,
};

/// What has happened since the pool is watched.
pub const PoolProfile = extern struct {
    elapsed_ns: u64,
    /// Those who wait for a block.
    waits: Waits,
};

comptime {
    // As in Rust.
    std.debug.assert(@sizeOf(Waits) == 424 and @sizeOf(Profile) == 1256 and @sizeOf(PoolProfile) == 432);
}

/// Null if the channel is not monitored.
pub fn of(channel: *const abi.RawChannel) ?Profile {
    var profile: Profile = undefined;
    return if (host.zf1_profile_read(channel, &profile) != 0) profile else null;
}
