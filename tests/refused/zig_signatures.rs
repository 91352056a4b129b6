//! Signatures in Rust that are not those of the functions in Zig.
#![forbid(unsafe_code)]
#![allow(dead_code)] // what is refused is used by nobody

zigflow::autozig! {
    const zigflow = @import("zigflow");

    fn wide(x: u32) u32 { return x; }
    fn fine(x: u32) u32 { return x; }
    fn both(a: u8, b: u8) u8 { return a + b; }
    fn maybe(x: u8) ?u8 { return x; }
    fn surely(x: u8) u8 { return x; }
    fn fails(x: u8) !u8 { return if (x == 0) error.Zero else x; }
    fn takesMaybe(x: ?u8) u8 { return x orelse 0; }
    fn generic(x: anytype) u8 { return x; }
    fn alters(x: []u8) void { x[0] = 1; }
    fn pointer(x: [*]const u8) u8 { return x[0]; }
    fn signed(x: i64) i64 { return x; }
    fn size(x: usize) usize { return x; }
    fn known(comptime n: u32) u32 { return n; }
    const number = 5;
    fn mayBe(x: ?u8) void { _ = x; }
    fn isThere(x: u8) void { _ = x; }
    fn mayBeText(x: ?[]const u8) void { _ = x; }
    fn mayBeList(x: ?[]u16) void { _ = x; }
    fn list(n: u8) zigflow.OwnedBytes { _ = n; unreachable; }
    fn items(n: u8) []u16 { _ = n; unreachable; }
    ---
    fn wide(x: u16) -> u32; //~ parameter 1, in Rust `x: u16`, needs `u16` in Zig, found `u32`
    fn fine(x: u32) -> u32;
    fn both(a: u8) -> u8; //~ Rust passes 1, Zig takes 2
    fn maybe(x: u8) -> u8; //~ let Rust return an `Option`
    fn surely(x: u8) -> Option<u8>; //~ Zig does not return null
    fn fails(x: u8) -> u8; //~ let Rust return a `Result
    fn takes_maybe(x: u8) -> u8; //~ needs `u8` in Zig, found `?u8`
    fn generic(x: u8) -> u8; //~ is `anytype` in Zig
    fn alters(x: &[u8]); //~ needs `[]const u8` in Zig, found `[]u8`
    fn pointer(x: &[u8]) -> u8; //~ behind which its length has to come
    fn signed(x: i64) -> u64; //~ the result in Rust needs `u64` in Zig, found `i64`
    fn size(x: u64) -> usize; //~ needs `u64` in Zig, found `usize`
    fn known(n: u32) -> u32; //~ a parameter is `comptime` in Zig
    fn number() -> u8; //~ it is no function
    fn may_be(x: Option<u16>); //~ needs `?u16` in Zig, found `?u8`
    fn is_there(x: Option<u8>); //~ needs `?u8` in Zig, found `u8`
    fn may_be_text(x: &str); //~ needs `[]const u8` in Zig, found `?[]const u8`
    fn may_be_list(x: Option<&[u16]>); //~ needs `?[]const u16` in Zig, found `?[]u16`
    fn list(n: u8) -> Vec<u16>; //~ needs `zigflow.OwnedSlice(u16)` in Zig, found `item.OwnedBytes`
    fn items(n: u8) -> Vec<u16>; //~ needs `zigflow.OwnedSlice(u16)` in Zig, found `[]u16`
}

fn main() {}
