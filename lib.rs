//! zigflow: Zig code as a first-class citizen of async Rust.
#![no_std]
pub use zigflow_core::*;
