//! Zig sources as `Stream`s.

use core::fmt;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};

use alloc::vec::Vec;
use futures_core::stream::{FusedStream, Stream};

use crate::abi::{RawArg, SourceType};
use crate::bytes::ByteStream;
use crate::error::{OpenError, StreamError};
use crate::item::{Item, LentItem};
use crate::raw_parts::RawParts;
use crate::source::{NotReady, Source};

/// A source that may move between threads: its Zig type says `pub const sendable = true;`.
#[derive(Debug)]
pub enum Sendable {}

/// A source that stays on its thread.
#[derive(Debug)]
pub enum Local {}

mod sealed {
    pub trait Sealed {
        const LOCAL: bool;
    }
    impl Sealed for super::Sendable {
        const LOCAL: bool = false;
    }
    impl Sealed for super::Local {
        const LOCAL: bool = true;
    }
}

/// [`Sendable`] or [`Local`].
pub trait Threading: sealed::Sealed + 'static {}
impl Threading for Sendable {}
impl Threading for Local {}

/// A source written in Zig, as a [`Stream`] of `Result<T, StreamError>`.
///
/// Get one from a function that [`zig_source!`](crate::zig_source) declares. `T` is any
/// [`Transfer`](crate::Transfer) type, `Vec<u8>` (each item is a copy of bytes that Zig lends) or
/// [`ZeroCopyBuffer`](crate::ZeroCopyBuffer) (Zig's own memory, given back to Zig when dropped). A poll
/// of a plain item is one call through a function pointer and allocates nothing.
///
/// The stream is fused: after `None`, or after an error, which is always the last item, the Zig source
/// is gone and every poll answers `None`. After [`set_budget`](Self::set_budget) items in a row it yields
/// once, so that a source that is always ready cannot starve its neighbours. (So `now_or_never` on a ready
/// stream is `None` once in a while.)
///
/// # Cancel safety
///
/// `next()` loses nothing when it is dropped: an item leaves Zig only in the poll that returns it.
/// Dropping the stream runs the Zig source's `deinit`.
pub struct ZigStream<T, B = Sendable> {
    source: Source,
    items: PhantomData<fn() -> T>,
    threading: PhantomData<B>,
}

/// A [`ZigStream`] that stays on the thread that opened it.
pub type LocalZigStream<T> = ZigStream<T, Local>;

// SAFETY: opened only for a Zig type that declares itself sendable (or under `from_raw_parts`' contract);
// all access is through `&mut self`, and the type is not Sync.
unsafe impl<T> Send for ZigStream<T, Sendable> {}

impl<T, B> Unpin for ZigStream<T, B> {}

impl<T: Item, B: Threading> ZigStream<T, B> {
    /// How many items the stream yields in a row before it lets its neighbours run once.
    ///
    /// # Panics
    ///
    /// If `items` is 0.
    pub fn set_budget(&mut self, items: u32) {
        self.source.set_budget(items);
    }

    pub(crate) fn new(source: Source) -> Self {
        Self { source, items: PhantomData, threading: PhantomData }
    }
}

impl<T: LentItem, B: Threading> ZigStream<T, B> {
    /// The stream of a source that has no `zigflow.source` of its own: a handle with C functions, as the
    /// seed's names or a hand-written library have them.
    ///
    /// Every [`StreamItem`](crate::abi::StreamItem) is checked before it is read; see
    /// [`Malformed`](crate::Malformed) for what can and cannot be seen.
    ///
    /// # Safety
    ///
    /// The functions keep the contract of [`RawParts`], and the handle may move to another
    /// thread unless the stream is [`Local`].
    pub unsafe fn from_raw_parts(parts: RawParts) -> Self {
        Self::new(parts.into_source())
    }
}

impl<B: Threading> ZigStream<Vec<u8>, B> {
    /// The same source without the copies: bytes that Zig lends until they are consumed.
    pub fn lend(self) -> ByteStream<B> {
        ByteStream::new(self.source)
    }
}

impl<T: Item, B: Threading> Stream for ZigStream<T, B> {
    type Item = Result<T::Value, StreamError>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let source = &mut self.get_mut().source;
        let mut slot = T::EMPTY;
        // SAFETY: opening compared the item type with `T::SPEC`, whose slot this is.
        match unsafe { source.poll(cx, slot.as_mut_ptr()) } {
            // SAFETY: the poll answered ready, so the slot is filled.
            Ok(()) => match unsafe { T::take(&slot, source.registered()) } {
                Ok(item) => Poll::Ready(Some(Ok(item))),
                Err(what) => Poll::Ready(Some(Err(source.malformed(what)))),
            },
            Err(answer) => match source.not_ready(answer, cx) {
                NotReady::Pending => Poll::Pending,
                NotReady::Done => Poll::Ready(None),
                NotReady::Failed(error) => Poll::Ready(Some(Err(error))),
            },
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = self.source.size_hint();
        // An error may come as one item more than Zig counts.
        let upper =
            if self.source.is_ended() { upper } else { upper.and_then(|n| n.checked_add(1)) };
        (lower, upper)
    }
}

impl<T: Item, B: Threading> FusedStream for ZigStream<T, B> {
    fn is_terminated(&self) -> bool {
        self.source.is_ended()
    }
}

impl<T, B> fmt::Debug for ZigStream<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZigStream").field("ended", &self.source.is_ended()).finish_non_exhaustive()
    }
}

/// What a function of [`zig_source!`](crate::zig_source) returns: a stream that can be opened.
pub trait OpenSource: Sized {
    /// Opens the source.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; nothing is left open.
    ///
    /// # Safety
    ///
    /// `source` points to a static that `zigflow.source` exported, of this or another ABI.
    #[doc(hidden)]
    unsafe fn open_source(source: *const SourceType, args: &[RawArg]) -> Result<Self, OpenError>;
}

impl<T: Item, B: Threading> OpenSource for ZigStream<T, B> {
    unsafe fn open_source(source: *const SourceType, args: &[RawArg]) -> Result<Self, OpenError> {
        // SAFETY: the caller's promise.
        unsafe { Source::open(source, &T::SPEC, B::LOCAL, args) }.map(Self::new)
    }
}

impl<B: Threading> OpenSource for ByteStream<B> {
    unsafe fn open_source(source: *const SourceType, args: &[RawArg]) -> Result<Self, OpenError> {
        // SAFETY: the caller's promise.
        unsafe { ZigStream::<Vec<u8>, B>::open_source(source, args) }.map(ZigStream::lend)
    }
}
