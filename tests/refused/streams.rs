//! Items of a stream that do not cross.
#![forbid(unsafe_code)]

use zigflow::{Transfer, ZigStream};

fn is_transfer<T: Transfer>() {}
fn is_item<T: zigflow::Item>() {}

/// The derive writes `unsafe`, this crate does not.
#[derive(Clone, Copy, Transfer)]
#[repr(C)]
pub struct Fine {
    pub kind: Kind,
    pub numbers: [f64; 3],
}

#[derive(Clone, Copy, Transfer)]
#[repr(u8)]
pub enum Kind {
    One = 1,
    Two,
}

#[derive(Clone, Copy, Transfer)]
#[repr(transparent)]
#[transfer(crate = crate::elsewhere)]
pub struct Id {
    pub number: u32,
}

mod elsewhere {
    pub use zigflow::*;
}

fn main() {
    is_transfer::<Fine>();
    is_transfer::<[Id; 2]>();
    is_item::<Fine>();
    is_item::<String>(); //~ `String` is no item of a Zig source
    is_transfer::<char>(); //~ `char` does not cross
    let _: Option<fn(&mut ZigStream<Kind>)> = Some(|stream| stream.set_budget(1));
    unsafe {} //~ usage of an `unsafe` block
}
