//! zigflow: Zig code as a first-class citizen of async Rust.
//!
//! This crate gathers the parts; see [`zigflow_core`] for what they do and the README for where to begin.
//! Features choose a runtime:
//!
//! | feature | what it brings |
//! |---|---|
//! | `std` (default) | the panic report on standard error, std's locks, [`ManualTimer`](time::ManualTimer) |
//! | `tokio`, `smol`, `async-std` | that runtime's timer, in the module of that name |
//! | `hyper` | any timer as hyper's, in the module of that name |
//! | `embedded-hal-async` | any timer as the delay of embedded-hal's drivers: `time::Delay` |
//! | `macros` | `autozig!` and `include_zig!`: Zig functions in Rust files |
//! | `blocking` (in `smol`, `async-std`) | `unblock`, for an `async fn` of these whose Zig function blocks; `tokio` has its own |
//! | `derive` | `#[derive(Transfer)]`: structs and enums as items |
//! | `futures-io` | `AsyncRead` and `AsyncBufRead` of futures-io for `ByteStream` and `ByteReader`, `AsyncWrite` for `ByteWriter` |
//! | `bytes` | `bytes::Bytes` of buffers and blocks, and the reverse, without copying |
//! | `sink` | `Sink` of the sending ends of channels, and `channel::channel_from_zig` into any sink |
//! | `spin`, `critical-section` | locks for slow paths without `std` |
//!
//! # Structs and enums
//!
//! With the feature `derive`, a `#[repr(C)]` struct or a `#[repr(u8)]` enum that derives [`Transfer`] is an item of
//! a [`ZigStream`]. `zigflow_build::Build::types("src/types.rs")` (feature `types` of zigflow-build) writes the
//! equal types for Zig, which imports them as `@import("types")`. Names, sizes and fields are compared when a source
//! is opened.
#![no_std]
#![forbid(unsafe_code)]

pub use zigflow_core::*;

/// tokio's timer, I/O traits and channels.
#[cfg(feature = "tokio")]
pub mod tokio {
    pub use zigflow_tokio::*;
}

/// smol's timer.
#[cfg(feature = "smol")]
pub mod smol {
    pub use zigflow_smol::*;
}

/// async-std's timer.
#[cfg(feature = "async-std")]
pub mod async_std {
    pub use zigflow_async_std::*;
}

/// Any timer as hyper's.
#[cfg(feature = "hyper")]
pub mod hyper {
    pub use zigflow_hyper::*;
}

/// Runs a function that blocks on a thread of a pool, and waits for what it returns: on tokio's pool inside of tokio (with the
/// feature `tokio`), otherwise on that of the crate `blocking`. An `async fn` of `autozig!` whose Zig function takes no
/// `zigflow.Completion` is called here.
///
/// # Panics
///
/// A panic of the function goes on here. Without the feature `blocking`, outside of tokio.
///
/// # Cancel safety
///
/// A future that is dropped lets the function run to its end, or never begin if no thread has taken it up; what it
/// returns is dropped.
#[cfg(any(feature = "tokio", feature = "blocking"))]
pub async fn unblock<T: Send + 'static>(function: impl FnOnce() -> T + Send + 'static) -> T {
    #[cfg(all(feature = "tokio", feature = "blocking"))]
    if !zigflow_tokio::is_in_runtime() {
        return blocking::unblock(function).await;
    }
    #[cfg(feature = "tokio")]
    return zigflow_tokio::unblock(function).await;
    #[cfg(not(feature = "tokio"))]
    blocking::unblock(function).await
}

/// What the macros write where a function goes to the pool, with an error for the case that there is none.
#[cfg(any(feature = "tokio", feature = "blocking"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __unblock {
    ($missing:tt $function:expr) => {
        $crate::unblock($function)
    };
}

/// There is no pool.
#[cfg(not(any(feature = "tokio", feature = "blocking")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __unblock {
    ($missing:tt $function:expr) => {
        $missing
    };
}

/// What most programs need.
pub mod prelude {
    #[cfg(any(feature = "std", feature = "spin", feature = "critical-section"))]
    pub use zigflow_core::limit::{Quota, RateLimiter, throttle};
    pub use zigflow_core::retry::{RetryError, backoff, retry, retry_stream};
    pub use zigflow_core::time::{Clock, Sleep, TimeoutError, Timer, timeout};
    pub use zigflow_core::{
        ByteStream, FutureError, OpenError, Pool, StreamError, ZeroCopyBuffer, ZigFuture,
        ZigStream, batch, batch_process, batch_timeout, zig_future, zig_source,
    };
}
