//! Errors that Rust lists otherwise than Zig returns them.
#![forbid(unsafe_code)]
#![allow(dead_code)] // what is refused is used by nobody

use zigflow::ZigError;

zigflow::autozig! {
    const ParseError = error{ Empty, TooLong };

    fn missing() ParseError!u8 { return error.Empty; }
    fn surplus() error{Empty}!u8 { return error.Empty; }
    fn unnamed(f: u8) anyerror!u8 { return if (f == 0) error.Empty else f; }
    fn never() u8 { return 1; }
    ---
    enum OnlyOne { Empty }
    enum Three { Empty, TooLong, Other }

    fn missing() -> Result<u8, OnlyOne>; //~ missing in Rust: TooLong
    fn surplus() -> Result<u8, Three>; //~ never returned by Zig: TooLong Other
    fn unnamed(f: u8) -> Result<u8, Three>; //~ name the error set in Zig
    fn never() -> Result<u8, ZigError>; //~ Zig cannot fail
}

mod data {
    zigflow::autozig! {
        fn f() error{Empty}!u8 { return error.Empty; }
        ---
        enum Errors { Empty(u8) } //~ a name without data
        fn f() -> Result<u8, Errors>;
    }
}

fn main() {}
