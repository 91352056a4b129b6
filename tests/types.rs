//! Types of both languages: these are Rust's, and Zig's are made from this file.

use zigflow::Transfer;

/// As in the README.
#[derive(Clone, Copy, Debug, PartialEq, Transfer)]
#[repr(C)]
pub struct Reading {
    /// A temperature.
    pub millikelvin: u32,
    /// How good it is.
    pub quality: Quality,
}

/// As in the README.
#[derive(Clone, Copy, Debug, PartialEq, Transfer)]
#[repr(u8)]
pub enum Quality {
    /// 0.
    Good,
    /// 7.
    Doubtful = 7,
    /// 8.
    NotMeasured,
}

/// Two fields of one size: only their names tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Transfer)]
#[repr(C)]
pub struct Pair {
    /// Comes first.
    pub left: u32,
    /// Comes second.
    pub right: u32,
}

/// A number with a name, which Zig does not see.
#[derive(Clone, Copy, Debug, PartialEq, Transfer)]
#[repr(transparent)]
pub struct Id(pub u64);

/// Values below 0.
#[derive(Clone, Copy, Debug, PartialEq, Transfer)]
#[repr(i16)]
#[allow(missing_docs)]
pub enum Level {
    Lowest = -300,
    Low,
    r#Try = 0x7fff,
}

/// Every kind of field.
#[derive(Clone, Copy, Debug, PartialEq, Transfer)]
#[repr(C)]
#[allow(missing_docs)]
pub struct Everything {
    pub a: u8,
    pub b: u16,
    pub c: u32,
    pub d: u64,
    pub e: usize,
    pub f: i8,
    pub g: i16,
    pub h: i32,
    pub i: i64,
    pub j: isize,
    pub k: f32,
    pub l: f64,
    pub m: bool,
    pub r#type: [[bool; 2]; 3],
    pub error: [Reading; 2],
    pub id: Id,
    pub level: Level,
}
