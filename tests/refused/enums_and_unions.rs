//! What Zig has no type of the same layout for.
#![allow(dead_code)] // what is refused is used by nobody

use zigflow::Transfer;

#[derive(Clone, Copy, Transfer)]
enum RustsSize { //~ an enum that crosses needs `#[repr(u8)]`
    A,
}

#[derive(Clone, Copy, Transfer)]
#[repr(C)] //~ an enum that crosses needs `#[repr(u8)]`
enum CsSize {
    A,
}

#[derive(Clone, Copy, Transfer)]
#[repr(u8)]
enum Data {
    A,
    B(u8), //~ an enum with data does not cross
}

#[derive(Clone, Copy, Transfer)]
#[repr(u8)]
enum Fields {
    A { a: u8 }, //~ an enum with data does not cross
}

#[derive(Clone, Copy, Transfer)]
#[repr(C)]
union Either { //~ a union does not cross
    a: u8,
    b: i8,
}

fn main() {}
