//! What can go wrong when a source is opened or polled.

use core::fmt;

use crate::abi::{ErrorKind, RawArg, RawError};
use crate::macros::type_name;

/// A Zig error, known by its name. (Its number moves when unrelated errors are added.)
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ZigError {
    name: &'static str,
}

impl ZigError {
    /// The error of this name: with which a channel is closed from Rust.
    pub const fn new(name: &'static str) -> Self {
        Self { name }
    }

    /// The name in Zig: `FileNotFound` for `error.FileNotFound`.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Debug for ZigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error.{}", self.name)
    }
}

impl fmt::Display for ZigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl core::error::Error for ZigError {}

/// Something came from Zig that no correct source sends. Nothing was read through the pointer.
///
/// Some mistakes cannot be seen from here: a pointer that is neither null nor misaligned but wrong,
/// a length that is too great yet below `isize::MAX` in memory that was not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Malformed {
    /// A state that no [`StreamState`](crate::abi::StreamState) has, or that contradicts what the
    /// poll returned.
    State(u32),
    /// Null, with a length that is not 0 (bytes).
    NullData(usize),
    /// A length above `isize::MAX` (bytes).
    TooLong(usize),
    /// Bytes outside of the memory that the source registered.
    OutsideOfBuffer,
    /// An address that is not aligned for the item's type.
    Misaligned,
    /// Another length than the item's type has (bytes).
    Length {
        /// What came.
        found: usize,
        /// The size of the type.
        expected: usize,
    },
    /// Bits that are no value of the item's type.
    Value,
    /// An error without a valid name, or of an unknown kind.
    Error,
    /// A successful `open` that left no source.
    NullSource,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::State(state) => write!(f, "impossible stream state {state}"),
            Self::NullData(len) => write!(f, "null pointer with a length of {len} bytes"),
            Self::TooLong(len) => write!(f, "length of {len} bytes is above isize::MAX"),
            Self::OutsideOfBuffer => f.write_str("bytes outside of the registered buffer"),
            Self::Misaligned => f.write_str("misaligned item"),
            Self::Length { found, expected } => {
                write!(f, "item of {found} bytes where {expected} were expected")
            }
            Self::Value => f.write_str("bits that are no value of the item's type"),
            Self::Error => f.write_str("error without a valid name"),
            Self::NullSource => f.write_str("open succeeded without a source"),
        }
    }
}

impl core::error::Error for Malformed {}

/// Why a stream failed. It is the last thing that a stream yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum StreamError {
    /// Zig returned an error.
    Zig(ZigError),
    /// Zig failed with a code that its author chose.
    Code(i32),
    /// Zig sent something malformed.
    Malformed(Malformed),
    /// The source could not be opened.
    InitFailed(OpenError),
    /// Its time was over: what a limit of Rust's makes of a source that is silent, no word of Zig's.
    Elapsed,
}

impl StreamError {
    /// The error that a source left behind.
    pub(crate) fn from_raw(raw: &RawError) -> Self {
        match read_error(raw) {
            Ok(error) => Self::Zig(error),
            Err(Some(code)) => Self::Code(code),
            Err(None) => Self::Malformed(Malformed::Error),
        }
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zig(error) => write!(f, "the Zig source failed: {error}"),
            Self::Code(code) => write!(f, "the Zig source failed with code {code}"),
            Self::Malformed(what) => write!(f, "the Zig source is malformed: {what}"),
            Self::InitFailed(error) => error.fmt(f),
            Self::Elapsed => crate::time::TimeoutError::Elapsed.fmt(f),
        }
    }
}

impl core::error::Error for StreamError {}

impl From<crate::time::TimeoutError> for StreamError {
    fn from(_: crate::time::TimeoutError) -> Self {
        Self::Elapsed
    }
}

impl From<OpenError> for StreamError {
    fn from(error: OpenError) -> Self {
        Self::InitFailed(error)
    }
}

#[cfg(feature = "std")]
impl From<StreamError> for std::io::Error {
    fn from(error: StreamError) -> Self {
        Self::other(error)
    }
}

/// Why a source was not opened. Nothing is left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum OpenError {
    /// The Zig symbol is no source: its first word is wrong.
    NotASource,
    /// Zig was compiled against another ABI; rebuild both with one version of zigflow.
    Abi {
        /// The number in the Zig archive.
        zig: u32,
        /// The number of this crate.
        rust: u32,
    },
    /// Zig's items are of another type.
    Item {
        /// The item type in Zig.
        zig: &'static str,
        /// The item type that Rust asked for.
        rust: &'static str,
        /// True: kind, size and name agree, but not what the type is made of.
        fields: bool,
    },
    /// The Zig type does not say `pub const sendable = true;`; open it as a `Local…` stream, or
    /// say so in Zig if it may move between threads.
    NotSendable,
    /// Zig's `open` takes another type at this place.
    Argument {
        /// Which argument, from 0.
        index: u32,
        /// The type that Zig takes.
        zig: &'static str,
        /// The type that Rust passed; `bytes` for `&[u8]` and `&str`.
        rust: &'static str,
    },
    /// Zig's `open` takes another number of arguments.
    ArgumentCount {
        /// How many Rust passed.
        given: u32,
        /// How many Zig takes.
        expected: u32,
    },
    /// Zig's `open` returned an error.
    Zig(ZigError),
    /// Zig's `open` failed with a code that its author chose.
    Code(i32),
    /// `open` answered with something malformed.
    Malformed(Malformed),
}

impl OpenError {
    /// The error that `open` filled in.
    pub(crate) fn from_raw(raw: &RawError, args: &[RawArg]) -> Self {
        let given = args.len() as u32;
        if raw.kind == ErrorKind::Argument as u32 {
            // SAFETY: `@typeName` is static text; a null or absurd slice is refused by `static_str`.
            let zig = unsafe { static_str(raw.name_ptr, raw.name_len) };
            let (Some(zig), Some(arg)) = (zig, args.get(raw.code as usize)) else {
                return Self::Malformed(Malformed::Error);
            };
            return Self::Argument { index: raw.code as u32, zig, rust: type_name(arg) };
        }
        if raw.kind == ErrorKind::ArgumentCount as u32 {
            return Self::ArgumentCount { given, expected: raw.code as u32 };
        }
        match read_error(raw) {
            Ok(error) => Self::Zig(error),
            Err(Some(code)) => Self::Code(code),
            Err(None) => Self::Malformed(Malformed::Error),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASource => f.write_str(
                "the Zig symbol is no zigflow source: bind it by `zigflow.source`, and compile the file with zigflow-build",
            ),
            Self::Abi { zig, rust } => write!(
                f,
                "the Zig archive speaks ABI {zig}, this program ABI {rust}: build both with one version of zigflow"
            ),
            Self::Item { zig, rust, fields: false } => write!(
                f,
                "the Zig source yields `{zig}`, Rust asked for `{rust}`, of another kind, size or name: declare the stream in Rust as one of what Zig yields"
            ),
            Self::Item { zig, rust, fields: true } => write!(
                f,
                "the Zig source yields `{zig}`, Rust asked for `{rust}`: their fields differ in name, order or type, or the values of an enum do; correct one of them, or let `zigflow_build::Build::types` write Zig's"
            ),
            Self::NotSendable => f.write_str(
                "the Zig source may not move between threads: say `pub const sendable = true;` in its type, or declare it as a LocalZigStream or LocalByteStream",
            ),
            Self::Argument { index, zig, rust } => write!(
                f,
                "argument {index} (from 0) of the source's `open` is `{zig}` in Zig, Rust passed `{rust}`: correct the declaration in Rust, or `open`"
            ),
            Self::ArgumentCount { given, expected } => write!(
                f,
                "the source's `open` takes {expected} arguments in Zig, Rust passed {given}: correct the declaration in Rust, or `open`"
            ),
            Self::Zig(error) => write!(f, "the Zig source did not open: {error}"),
            Self::Code(code) => {
                write!(f, "the Zig source did not open: code {code}, which its `open` chose")
            }
            Self::Malformed(what) => write!(
                f,
                "the Zig source is malformed: {what}; let `zigflow.source` make what Rust opens"
            ),
        }
    }
}

impl core::error::Error for OpenError {}

/// `Err` has the author's code, or `None` for an error that is itself malformed.
fn read_error(raw: &RawError) -> Result<ZigError, Option<i32>> {
    if raw.kind == ErrorKind::Code as u32 {
        return Err(Some(raw.code));
    }
    if raw.kind != ErrorKind::Zig as u32 {
        return Err(None);
    }
    // SAFETY: `@errorName` is static text; a null or absurd slice is refused by `static_str`.
    match unsafe { static_str(raw.name_ptr, raw.name_len) } {
        Some(name) if !name.is_empty() => Ok(ZigError { name }),
        _ => Err(None),
    }
}

/// Static text from Zig; `None` when it is null, absurdly long or not UTF-8.
///
/// # Safety
///
/// A pointer that is not null points to `len` bytes that never change, if `len` is below 64 KiB.
pub(crate) unsafe fn static_str(ptr: *const u8, len: usize) -> Option<&'static str> {
    if ptr.is_null() || len > u16::MAX as usize {
        return None;
    }
    // SAFETY: not null, and the caller's promise.
    let bytes = unsafe { core::slice::from_raw_parts(ptr, len) };
    core::str::from_utf8(bytes).ok()
}

/// Checks a byte slice from Zig before it becomes one: its length, its pointer, and whether it lies in
/// the registered memory, where a source has some.
///
/// # Errors
///
/// [`Malformed`]; nothing was read.
pub(crate) fn check_slice(
    ptr: *const u8,
    len: usize,
    registered: &Registered,
) -> Result<(), Malformed> {
    if len > isize::MAX as usize {
        return Err(Malformed::TooLong(len));
    }
    if ptr.is_null() {
        return if len == 0 { Ok(()) } else { Err(Malformed::NullData(len)) };
    }
    // An empty slice is never read, so its pointer says nothing.
    if len > 0 && !registered.holds(ptr.addr(), len) {
        return Err(Malformed::OutsideOfBuffer);
    }
    Ok(())
}

/// The addresses that lent bytes may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registered {
    first: usize,
    len: usize,
}

impl Registered {
    /// Any address.
    pub(crate) const ANY: Self = Self { first: 0, len: usize::MAX };

    /// The memory that a source registered; null means that it registered none.
    pub(crate) fn new(ptr: *const u8, len: usize) -> Self {
        if ptr.is_null() { Self::ANY } else { Self { first: ptr.addr(), len } }
    }

    fn holds(&self, first: usize, len: usize) -> bool {
        match first.checked_sub(self.first) {
            Some(offset) => offset <= self.len && len <= self.len - offset,
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_memory_holds_exactly_itself() {
        let memory = Registered { first: 100, len: 10 };
        for (first, len, inside) in [
            (100, 10, true),
            (100, 1, true),
            (109, 1, true),
            (109, 2, false),
            (110, 1, false),
            (99, 1, false),
            (99, 2, false),
            (usize::MAX, 1, false),
            (100, usize::MAX, false),
        ] {
            assert_eq!(memory.holds(first, len), inside, "{first}+{len}");
        }
        assert!(Registered::ANY.holds(1, isize::MAX as usize));
    }
}
