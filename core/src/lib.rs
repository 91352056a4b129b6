//! The `no_std + alloc` core of zigflow: what crosses the border between async Rust and Zig.

#![cfg_attr(not(any(feature = "std", loom)), no_std)]
#![deny(clippy::undocumented_unsafe_blocks)]

extern crate alloc;

pub mod abi;
pub mod sync;
