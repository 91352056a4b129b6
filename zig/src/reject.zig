//! Giving an end back that was not opened, of whichever kind and flavour it is.

const abi = @import("abi.zig");
const end_file = @import("end.zig");
const host = @import("host.zig");
const mpmc = @import("ring_mpmc.zig");
const mpmc_file = @import("mpmc.zig");
const owned = @import("item.zig").OwnedBytes;
const spsc = @import("ring_spsc.zig");
const spsc_file = @import("spsc.zig");
const std = @import("std");

/// The end goes and the channel closes, because something failed: the other ends are told the error's name. Of a
/// channel of another version of zigflow, or of no flavour, nothing is known, so it is left alone.
pub fn reject(raw: *abi.RawEnd, e: anyerror) void {
    switch (raw.kind) { // which may be gone after it
        abi.EndKind.sender => leave("senders", spsc.Producer, @alignCast(@fieldParentPtr("tail", raw)), e),
        abi.EndKind.receiver => leave("receivers", spsc.Consumer, @alignCast(@fieldParentPtr("head", raw)), e),
        else => {},
    }
}

/// The same, as an answer of `open`.
pub fn refuse(raw: *abi.RawEnd, e: end_file.OpenError) end_file.OpenError {
    reject(raw, e);
    return e;
}

// Closing and leaving touch no item, so that the items' type does not matter; unless they own something.
fn leave(comptime party: []const u8, comptime End: type, channel: *abi.RawChannel, e: anyerror) void {
    if (channel.magic != abi.magic or channel.abi != abi.abi_number) return;
    if (comptime std.mem.eql(u8, party, "receivers")) {
        if (@atomicLoad(?*const abi.ItemType, &channel.head.item, .monotonic)) |item| if (item.kind == abi.ItemKind.owned) return leaveOwned(channel, e);
    }
    if (channel.flavor == abi.Flavor.mpmc or channel.flavor == abi.Flavor.unbounded) {
        const raw: *abi.RawMpmc = @alignCast(@fieldParentPtr("channel", channel));
        const ring: mpmc.Ring(u8) = .init(raw);
        ring.close(end_file.named(e));
        _ = ring.leave(&@field(raw, party));
        ring.release();
    } else if (channel.flavor == abi.Flavor.spsc) {
        var end: End = .open(channel);
        end.close(end_file.named(e));
        end.deinit();
    }
}

fn leaveOwned(channel: *abi.RawChannel, e: anyerror) void {
    if (channel.flavor == abi.Flavor.mpmc or channel.flavor == abi.Flavor.unbounded) {
        var end: mpmc_file.Receiver(owned) = .{ .ring = .init(@alignCast(@fieldParentPtr("channel", channel))) };
        end.closeWith(e);
        end.deinit();
    } else if (channel.flavor == abi.Flavor.spsc) {
        var end: spsc_file.Receiver(owned) = .{ .ring = .open(channel) };
        end.closeWith(e);
        end.deinit();
    }
}
