//! Why a pump ended early.

use core::fmt;

use crate::channel::SendError;
use crate::error::StreamError;
use crate::spsc::Receiver;

/// Why a pump to Zig ended before its stream did, or with an error of the stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ToZigError<T> {
    /// The stream yielded this error, which Zig's end gets as the reason after the last item.
    Stream(StreamError),
    /// Zig's end has closed, with its reason if it gave one. The item, if the stream yielded one meanwhile,
    /// comes back.
    Closed(SendError<Option<T>>),
}

impl<T> fmt::Debug for ToZigError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(error) => f.debug_tuple("Stream").field(error).finish(),
            Self::Closed(error) => f.debug_tuple("Closed").field(error).finish(),
        }
    }
}

impl<T> fmt::Display for ToZigError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(error) => write!(f, "the stream to Zig failed: {error}"),
            Self::Closed(error) => error.fmt(f),
        }
    }
}

impl<T> core::error::Error for ToZigError<T> {}

/// Why a pump from Zig ended before Zig did, or with an error of Zig's. `E` is the sink's error.
pub enum FromZigError<T, E> {
    /// Zig closed with this reason, or it sent a malformed item.
    Zig {
        /// What Zig said, or what was malformed.
        reason: StreamError,
        /// The end, which is closed: with the items behind a malformed one, else with none.
        rest: Receiver<T>,
    },
    /// The sink failed.
    Sink {
        /// What the sink said.
        error: E,
        /// The end, which is closed, with the items that were not handed to the sink.
        rest: Receiver<T>,
    },
}

impl<T, E: fmt::Debug> fmt::Debug for FromZigError<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, field, what, rest): (_, _, &dyn fmt::Debug, _) = match self {
            Self::Zig { reason, rest } => ("Zig", "reason", reason, rest),
            Self::Sink { error, rest } => ("Sink", "error", error, rest),
        };
        f.debug_struct(name).field(field, what).field("rest", rest).finish()
    }
}

impl<T, E: fmt::Display> fmt::Display for FromZigError<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zig { reason, .. } => write!(f, "the Zig sender failed: {reason}"),
            Self::Sink { error, rest } => {
                write!(f, "the sink failed with {} items from Zig left: {error}", rest.len())
            }
        }
    }
}

impl<T, E: fmt::Debug + fmt::Display> core::error::Error for FromZigError<T, E> {}
