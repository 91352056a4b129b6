//! Why an operation has no result.

use core::fmt;

use crate::abi::RawError;
use crate::error::{Malformed, OpenError, StreamError, ZigError};
use crate::time::TimeoutError;

/// Why a [`ZigFuture`](super::ZigFuture) has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FutureError {
    /// Zig completed with an error, or the function returned one.
    Zig(ZigError),
    /// Zig completed with a code that its author chose.
    Code(i32),
    /// Zig gave its completion up, by `deinit`, without a result.
    Disconnected,
    /// What came is no value of the result's type.
    Malformed(Malformed),
    /// Zig's function takes something else; it was not called.
    NotStarted(OpenError),
    /// There is no memory for the operation; Zig's function was not called.
    OutOfMemory,
    /// Its time was over, and it has been dropped: what a limit of Rust's makes of it, no word of Zig's.
    Elapsed,
}

impl From<TimeoutError> for FutureError {
    fn from(_: TimeoutError) -> Self {
        Self::Elapsed
    }
}

impl FutureError {
    pub(super) fn from_raw(raw: &RawError) -> Self {
        match StreamError::from_raw(raw) {
            StreamError::Zig(error) => Self::Zig(error),
            StreamError::Code(code) => Self::Code(code),
            StreamError::Malformed(what) => Self::Malformed(what),
            StreamError::InitFailed(what) => Self::NotStarted(what),
            StreamError::Elapsed => Self::Elapsed,
        }
    }
}

impl fmt::Display for FutureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zig(error) => write!(f, "the Zig operation failed: {error}"),
            Self::Code(code) => write!(f, "the Zig operation failed with code {code}"),
            Self::Disconnected => f.write_str(
                "the operation's completion was given up without a result: some path of it calls `deinit` in Zig, or drops it in Rust, before `resolve` or `fail`",
            ),
            Self::Malformed(what) => write!(f, "the Zig operation's result is malformed: {what}"),
            Self::Elapsed => TimeoutError::Elapsed.fmt(f),
            Self::OutOfMemory => f.write_str("no memory for a Zig operation"),
            Self::NotStarted(error) => not_started(error, f),
        }
    }
}

fn not_started(error: &OpenError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match error {
        OpenError::NotASource => f.write_str(
            "the Zig symbol is no zigflow operation: bind it by `zigflow.future`, and compile the file with zigflow-build",
        ),
        OpenError::Item { zig, rust, fields: false } => write!(
            f,
            "the Zig function completes with `{zig}`, Rust awaits `{rust}`, of another kind, size or name: declare the future in Rust as one of what Zig completes with"
        ),
        OpenError::Item { zig, rust, fields: true } => write!(
            f,
            "the Zig function completes with `{zig}`, Rust awaits `{rust}`: their fields differ in name, order or type, or the values of an enum do; correct one of them, or let `zigflow_build::Build::types` write Zig's"
        ),
        OpenError::Argument { index, zig, rust } => write!(
            f,
            "argument {index} (from 0, without the completion) is `{zig}` in Zig, Rust passed `{rust}`: correct the declaration in Rust, or the function"
        ),
        OpenError::ArgumentCount { given, expected } => write!(
            f,
            "the Zig function takes {expected} arguments beside its completion, Rust passed {given}: correct the declaration in Rust, or the function"
        ),
        other => fmt::Display::fmt(other, f),
    }
}

impl core::error::Error for FutureError {}

impl From<ZigError> for FutureError {
    fn from(error: ZigError) -> Self {
        Self::Zig(error)
    }
}

#[cfg(feature = "std")]
impl From<FutureError> for std::io::Error {
    fn from(error: FutureError) -> Self {
        Self::other(error)
    }
}
