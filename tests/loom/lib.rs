//! Models of what Rust and compiled Zig do together, explored by loom: what the models share.
#![cfg(loom)]

pub mod ends;
pub mod explore;
pub mod many_ends;
pub mod scenarios;
pub mod task;
pub mod waiting;

use zigflow_core::abi::RawWaker;
use zigflow_core::waker::WakerCell;

// Unwinding through Zig is how loom ends an execution that failed.
unsafe extern "C-unwind" {
    /// [`WakerCell::register`], compiled from Zig.
    pub fn model_register(cell: *const WakerCell, waker: *const RawWaker);
    /// [`WakerCell::wake`], compiled from Zig.
    pub fn model_wake(cell: *const WakerCell);
    /// [`WakerCell::close`], compiled from Zig.
    pub fn model_close(cell: *const WakerCell);
}
