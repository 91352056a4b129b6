//! A type of both languages.

use zigflow::Transfer;

#[derive(Clone, Copy, Debug, PartialEq, Transfer)]
#[repr(C)]
pub struct Span {
    pub from: u32,
    pub to: u32,
}
