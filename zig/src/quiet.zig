//! For signal handlers and interrupts: what wakes later, after a verb that woke nobody. `core/src/channel/quiet.rs` is
//! Rust's.

const abi = @import("abi.zig");
const host = @import("host.zig");
const reference = @import("reference.zig");

/// Wakes whoever sleeps at the other side of a channel, on behalf of a handler that used a quiet verb there: from another
/// thread, or after the handler. It keeps the channel's memory, and does not keep the channel open.
pub const PeerWaker = struct {
    channel: *abi.RawChannel,
    of_senders: bool,

    pub fn init(channel: *abi.RawChannel, of_senders: bool) PeerWaker {
        reference.take(channel);
        return .{ .channel = channel, .of_senders = of_senders };
    }

    /// Wakes one that sleeps at the other side, if there is one; it finds what there is and passes the rest on. May be
    /// called as often as one likes.
    pub fn wake(self: PeerWaker) void {
        host.zf1_peer_wake(self.channel, @intFromBool(self.of_senders));
    }

    pub fn deinit(self: PeerWaker) void {
        reference.release(self.channel, 0);
    }
};
