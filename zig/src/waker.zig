//! Rust's wakers in Zig, and Zig's waiters as Rust wakers.
//!
//! A Rust `Waker` crosses as its two words. A poll lends its waker for the call; who wants to wake
//! later clones it. A clone owns a reference: wake it or drop it once, on any thread, any time
//! later, also after the stream and the runtime are gone.

const std = @import("std");
const abi = @import("abi.zig");
const alloc = @import("alloc.zig");
const host = @import("host.zig");
const sync = @import("sync.zig");

pub const Waker = struct {
    raw: abi.RawWaker,

    /// A reference of your own to the same task.
    pub fn clone(waker: Waker) Waker {
        var out: Waker = .{ .raw = .{} };
        host.zf1_waker_clone(&waker.raw, &out.raw);
        return out;
    }

    /// Wakes and drops: the waker must not be used again.
    pub fn wake(waker: Waker) void {
        host.zf1_waker_wake(&waker.raw);
    }

    pub fn wakeByRef(waker: Waker) void {
        host.zf1_waker_wake_by_ref(&waker.raw);
    }

    /// Drops: the waker must not be used again.
    pub fn deinit(waker: Waker) void {
        host.zf1_waker_drop(&waker.raw);
    }

    /// True when both are certain to wake the same task.
    pub fn willWake(a: Waker, b: Waker) bool {
        return sameWords(a.raw, b.raw);
    }
};

pub fn sameWords(a: abi.RawWaker, b: abi.RawWaker) bool {
    return a.data == b.data and a.vtable == b.vtable;
}

/// What a poll is given.
pub const Context = struct {
    /// Lent for the call: `cx.waker.clone()` to keep it, or let a `WakerCell` do that.
    waker: Waker,
};

/// A counted object that Rust sees as a `Waker`. `T.wake(*T)` is called for each wake, on any
/// thread, also while another wake runs; `T.deinit(*T)`, where there is one, when the last
/// reference goes. Safe Rust may keep a waker for ever, so it never points to a stack.
pub fn CountedWaker(comptime T: type) type {
    return struct {
        object: abi.WakerObject = .{ .wake_by_ref = wakeByRef, .retain = retain, .release = release },
        count: u32 = 1,
        value: T,

        const Self = @This();

        /// The one reference goes to the returned waker.
        pub fn create(value: T) error{OutOfMemory}!Waker {
            const self = try alloc.allocator.create(Self);
            self.* = .{ .value = value };
            var waker: Waker = .{ .raw = .{} };
            host.zf1_waker_from_object(&self.object, &waker.raw);
            return waker;
        }

        fn from(object: *const abi.WakerObject) *Self {
            return @alignCast(@fieldParentPtr("object", @constCast(object)));
        }

        fn wakeByRef(object: *const abi.WakerObject) callconv(.c) void {
            from(object).value.wake();
        }

        fn retain(object: *const abi.WakerObject) callconv(.c) void {
            if (sync.retain(&from(object).count) > std.math.maxInt(u32) / 2) @panic("too many references to a Zig waker");
        }

        fn release(object: *const abi.WakerObject) callconv(.c) void {
            const self = from(object);
            if (!sync.release(&self.count)) return;
            if (@hasDecl(T, "deinit")) self.value.deinit();
            alloc.allocator.destroy(self);
        }
    };
}
