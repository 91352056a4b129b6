//! An extern struct of Zig in Rust, written in both languages by hand.

use zigflow::{Transfer, ZigStream};

/// The fields of Zig's `Point`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Transfer)]
pub struct Point {
    /// Counts down.
    pub x: f64,
    /// `-x`.
    pub y: f64,
    /// `x`.
    pub tag: u32,
    /// Whether `tag` is even.
    pub seen: bool,
}

impl Point {
    /// The point that Zig makes for `tag`.
    pub fn of(tag: u32) -> Self {
        Self { x: f64::from(tag), y: -f64::from(tag), tag, seen: tag.is_multiple_of(2) }
    }
}

zigflow::zig_source! {
    /// `count` points, from `count - 1` down to 0.
    pub fn points(count: u32) -> ZigStream<Point>;
}
