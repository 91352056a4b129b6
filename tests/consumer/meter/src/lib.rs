//! A library with Zig in it.
#![forbid(unsafe_code)]

use zigflow::ZigStream;

zigflow::zig_source! {
    /// Three numbers.
    pub fn reading(factor: u32) -> ZigStream<u32>;
}

zigflow::autozig! {
    export fn scaled(value: u32) u32 {
        return value * 10;
    }
    ---
    /// Ten times as much. The program has the same text.
    pub fn scaled(value: u32) -> u32;
}
