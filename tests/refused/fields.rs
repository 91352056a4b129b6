//! Fields that do not cross.
#![allow(dead_code)] // what is refused is used by nobody

use std::num::NonZeroU8;
use zigflow::Transfer;

#[derive(Clone, Copy, Transfer)]
#[repr(C)]
struct Several { //~ cannot be sent between threads safely
    fine: u8,
    constant: *const u8, //~ `*const u8` does not cross
    mutable: *mut u8, //~ `*mut u8` does not cross
    reference: &'static u8, //~ `&'static u8` does not cross
    text: &'static str, //~ `&'static str` does not cross
    function: fn(), //~ `fn()` does not cross
    character: char, //~ `char` does not cross
    nothing: (), //~ `()` does not cross
    wide: u128, //~ `u128` does not cross
    never_zero: NonZeroU8, //~ `NonZero<u8>` does not cross
    perhaps: Option<u8>, //~ `Option<u8>` does not cross
    array: [char; 2], //~ `char` does not cross
    own: Other, //~ `Other` does not cross
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Other {
    a: u8,
}

#[derive(Clone, Copy, Transfer)]
#[repr(transparent)]
struct Newtype(char); //~ `char` does not cross

fn main() {}
