//! The panic namespace of every archive: Rust reports, then the process aborts. A Zig panic cannot
//! be caught.

const std = @import("std");
const host = @import("host.zig");

fn report(message: []const u8, return_address: ?usize) noreturn {
    @branchHint(.cold);
    host.zf1_panic(message.ptr, message.len, return_address orelse @returnAddress());
}

pub const panic = std.debug.FullPanic(report);
