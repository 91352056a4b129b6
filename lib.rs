//! zigflow: Zig code as a first-class citizen of async Rust.
#![no_std]
pub use zigflow_core::*;

/// tokio's timer.
#[cfg(feature = "tokio")]
pub mod tokio {
    pub use zigflow_tokio::*;
}

/// smol's timer.
#[cfg(feature = "smol")]
pub mod smol {
    pub use zigflow_smol::*;
}

/// async-std's timer, which is smol's.
#[cfg(feature = "async-std")]
pub mod async_std {
    pub use zigflow_async_std::*;
}
