//! Why an item did not go, or none came.

use core::fmt;

use crate::abi::RawError;
use crate::error::StreamError;

/// Why a channel could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CreateError {
    /// The capacity is 0, above 2^29 items (of an mpmc channel, 2^28), or above what an address space holds.
    Capacity(usize),
    /// So many bytes do not hold two blocks of one item each.
    Budget(usize),
    /// There is no memory for so many items.
    OutOfMemory,
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capacity(capacity) => write!(
                f,
                "a channel cannot hold {capacity} items: capacities are 1 to 2^29 (of an mpmc channel, 2^28), as memory allows"
            ),
            Self::Budget(bytes) => {
                write!(f, "a channel cannot live on {bytes} bytes: two blocks of one item must fit")
            }
            Self::OutOfMemory => f.write_str("no memory for the channel"),
        }
    }
}

impl core::error::Error for CreateError {}

/// The receiver takes nothing more; the item comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T> {
    pub(super) item: T,
    pub(super) reason: Option<StreamError>,
}

impl<T> SendError<T> {
    /// The item that was not sent.
    pub fn into_inner(self) -> T {
        self.item
    }

    /// Why the receiver closed, if it said so.
    pub fn reason(&self) -> Option<StreamError> {
        self.reason
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").field("reason", &self.reason).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the receiver has closed the channel")?;
        self.reason.map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

impl<T> core::error::Error for SendError<T> {}

/// Why an item was not sent at once; it comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// There is no room now.
    Full(T),
    /// The receiver takes nothing more.
    Closed(T),
}

impl<T> TrySendError<T> {
    /// The item that was not sent.
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(item) | Self::Closed(item) => item,
        }
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("Full(..)"),
            Self::Closed(_) => f.write_str("Closed(..)"),
        }
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("the channel is full"),
            Self::Closed(_) => f.write_str("the receiver has closed the channel"),
        }
    }
}

impl<T> core::error::Error for TrySendError<T> {}

/// Why an item was not sent in time; it comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendTimeoutError<T> {
    /// There was no room in time.
    Timeout(T),
    /// The receiver takes nothing more.
    Closed(T),
}

impl<T> SendTimeoutError<T> {
    /// The item that was not sent.
    pub fn into_inner(self) -> T {
        match self {
            Self::Timeout(item) | Self::Closed(item) => item,
        }
    }
}

impl<T> fmt::Debug for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(_) => f.write_str("Timeout(..)"),
            Self::Closed(_) => f.write_str("Closed(..)"),
        }
    }
}

impl<T> fmt::Display for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(_) => f.write_str("the channel stayed full for too long"),
            Self::Closed(_) => f.write_str("the receiver has closed the channel"),
        }
    }
}

impl<T> core::error::Error for SendTimeoutError<T> {}

/// The receiver closed while a batch was being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SendManyError {
    pub(super) sent: usize,
    pub(super) reason: Option<StreamError>,
}

impl SendManyError {
    /// How many of the batch's items were sent; those after them were not.
    pub fn sent(&self) -> usize {
        self.sent
    }

    /// Why the receiver closed, if it said so.
    pub fn reason(&self) -> Option<StreamError> {
        self.reason
    }
}

impl fmt::Display for SendManyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the receiver closed the channel after {} items of the batch", self.sent)?;
        self.reason.map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

impl core::error::Error for SendManyError {}

/// Why there is no item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RecvError {
    /// Every item has been received, and none will come.
    Closed,
    /// In place of an item. An error with which the sender closed is told once, after all
    /// items; then the channel is `Closed`. A [`Malformed`](StreamError::Malformed) item from Zig is told in its place, and
    /// the next one follows.
    Failed(StreamError),
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the channel is closed and empty"),
            Self::Failed(reason) => reason.fmt(f),
        }
    }
}

impl core::error::Error for RecvError {}

/// Why there is no item now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TryRecvError {
    /// There is no item now.
    Empty,
    /// As [`RecvError::Closed`].
    Closed,
    /// As [`RecvError::Failed`].
    Failed(StreamError),
}

impl From<RecvError> for TryRecvError {
    fn from(error: RecvError) -> Self {
        match error {
            RecvError::Closed => Self::Closed,
            RecvError::Failed(reason) => Self::Failed(reason),
        }
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the channel is empty"),
            Self::Closed => RecvError::Closed.fmt(f),
            Self::Failed(reason) => reason.fmt(f),
        }
    }
}

impl core::error::Error for TryRecvError {}

/// Why no item came in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RecvTimeoutError {
    /// No item came in time.
    Timeout,
    /// As [`RecvError::Closed`].
    Closed,
    /// As [`RecvError::Failed`].
    Failed(StreamError),
}

impl From<RecvError> for RecvTimeoutError {
    fn from(error: RecvError) -> Self {
        match error {
            RecvError::Closed => Self::Closed,
            RecvError::Failed(reason) => Self::Failed(reason),
        }
    }
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("no item came in time"),
            Self::Closed => RecvError::Closed.fmt(f),
            Self::Failed(reason) => reason.fmt(f),
        }
    }
}

impl core::error::Error for RecvTimeoutError {}

/// The reason as it crosses. What is no error of Zig's and no code travels as its text, without the details.
pub(super) fn to_raw(reason: StreamError) -> RawError {
    use crate::abi::ErrorKind;
    let named = |name: &'static str| RawError {
        kind: ErrorKind::Zig as u32,
        code: 0,
        name_ptr: name.as_ptr(),
        name_len: name.len(),
    };
    match reason {
        StreamError::Zig(error) => named(error.name()),
        StreamError::Code(code) => {
            RawError { kind: ErrorKind::Code as u32, code, ..RawError::EMPTY }
        }
        StreamError::Malformed(_) => named("Malformed"),
        StreamError::InitFailed(_) => named("InitFailed"),
        StreamError::Elapsed => named("Elapsed"),
    }
}

#[cfg(feature = "std")]
impl<T> From<SendError<T>> for std::io::Error {
    /// `BrokenPipe`, which says why the receiver closed; the item is gone.
    fn from(error: SendError<T>) -> Self {
        match error.reason {
            Some(reason) => Self::new(std::io::ErrorKind::BrokenPipe, reason),
            None => std::io::ErrorKind::BrokenPipe.into(),
        }
    }
}
