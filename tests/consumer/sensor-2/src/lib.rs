//! A library with Zig in it.
#![forbid(unsafe_code)]

use zigflow::ZigStream;

zigflow::zig_source! {
    /// Three numbers.
    pub fn reading(factor: u32) -> ZigStream<u32>;
}
