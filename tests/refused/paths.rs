//! The path to zigflow is what the type says.
#![allow(dead_code)] // what is refused is used by nobody

use zigflow::Transfer;

#[derive(Clone, Copy, Transfer)]
#[repr(C)]
#[transfer(crate = nowhere::of_all)] //~ `nowhere`
struct Elsewhere {
    a: u8,
}

fn main() {}
