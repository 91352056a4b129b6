//! The interrupt of zigflow.rs.

const zigflow = @import("zigflow");

var numbers: zigflow.spsc.Sender(u32) = undefined;
var next: u32 = 0;

pub fn connect(end: zigflow.spsc.Sender(u32)) void {
    numbers = end;
}

export fn PendSV() void {
    numbers.trySend(next) catch return;
    next += 1;
}
