//! Giving an end back that was not opened, of whichever kind and flavour it is. Rust does it: it knows the items.

const abi = @import("abi.zig");
const end_file = @import("end.zig");

/// The end goes and the channel closes, because something failed: the other ends are told the error's name. Of a
/// channel of another version of zigflow nothing is known, so it is left alone.
pub fn reject(raw: *abi.RawEnd, e: anyerror) void {
    const channel: *abi.RawChannel = switch (raw.kind) {
        abi.EndKind.sender => @alignCast(@fieldParentPtr("tail", raw)),
        abi.EndKind.receiver => @alignCast(@fieldParentPtr("head", raw)),
        else => return,
    };
    if (channel.magic != abi.magic or channel.abi != abi.abi_number) return;
    const give_back = @atomicLoad(@TypeOf(raw.reject), &raw.reject, .monotonic) orelse return;
    give_back(raw, &end_file.named(e));
}

/// The same, as an answer of `open`.
pub fn refuse(raw: *abi.RawEnd, e: end_file.OpenError) end_file.OpenError {
    reject(raw, e);
    return e;
}
