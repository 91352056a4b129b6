//! What owns memory is no `Copy`, and does not cross.
#![allow(dead_code)] // what is refused is used by nobody

use zigflow::Transfer;

#[derive(Transfer)]
#[repr(C)]
struct Owners { //~ the trait bound `Owners: Copy` is not satisfied
    boxed: Box<u8>, //~ `Box<u8>` does not cross
    list: Vec<u8>, //~ `Vec<u8>` does not cross
    text: String, //~ `String` does not cross
}

#[derive(Transfer)]
#[repr(u8)]
enum NoCopy { //~ the trait bound `NoCopy: Copy` is not satisfied
    A,
}

fn main() {}
