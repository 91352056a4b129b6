//! A rate limit that Rust and Zig share: the other half of `core/src/limit/zig.rs`.

const abi = @import("abi.zig");
const block = @import("block.zig");

pub const OpenError = error{
    /// The Rust side is of another version of zigflow; build both with one. The limiter is left alone.
    WrongAbi,
};

/// A Rust `RateLimiter`, from any thread: `limiter.to_zig()` there. To ask takes no lock, unless somebody waits.
///
/// ```zig
/// fn work(limiter: zigflow.RateLimiter) void {
///     defer limiter.deinit();
///     if (limiter.tryAcquire()) send();
/// }
/// ```
pub const RateLimiter = struct {
    raw: *abi.RawLimiter,

    /// Takes over a limiter that Rust has handed to Zig.
    pub fn open(raw: *abi.RawLimiter) OpenError!RateLimiter {
        if (raw.magic != abi.magic or raw.abi != abi.abi_number) return error.WrongAbi;
        return .{ .raw = raw };
    }

    /// Lets one cell pass, if the limit allows it now.
    pub fn tryAcquire(limiter: RateLimiter) bool {
        return limiter.check(1) == .passed;
    }

    /// Lets `cells` pass, together or not at all.
    pub fn tryAcquireMany(limiter: RateLimiter, cells: u32) bool {
        return limiter.check(cells) == .passed;
    }

    pub const Answer = union(enum) {
        passed,
        /// Nothing was taken: ask again in so many nanoseconds.
        wait_ns: u64,
        /// They are more than the quota's burst.
        never,
    };

    /// As `tryAcquireMany`; says how long to wait.
    pub fn check(limiter: RateLimiter, cells: u32) Answer {
        return switch (limiter.raw.take(limiter.raw, cells)) {
            0 => .passed,
            ~@as(u64, 0) => .never,
            else => |ns| .{ .wait_ns = ns },
        };
    }

    /// Lets `cells` pass; the thread sleeps until they may. It takes no place in the queue: while somebody waits in
    /// Rust it gets nothing. It asks again at least twenty times a second, so a new quota holds for it, too. With Rust's
    /// std only, and on a clock that runs as the system's.
    pub fn acquireBlocking(limiter: RateLimiter, cells: u32) error{Never}!void {
        while (true) switch (limiter.check(cells)) {
            .passed => return,
            .wait_ns => |ns| _ = block.wait(@constCast(&{}), nothingComes, @min(ns, look_again_ns)),
            .never => return error.Never,
        };
    }

    const look_again_ns = 50_000_000;

    fn nothingComes(_: *void, _: abi.RawWaker) bool {
        return false;
    }

    /// A reference of your own to the same limit.
    pub fn clone(limiter: RateLimiter) RateLimiter {
        limiter.raw.retain(limiter.raw);
        return limiter;
    }

    /// Gives the reference back.
    pub fn deinit(limiter: RateLimiter) void {
        limiter.raw.release(limiter.raw);
    }
};
