//! A Zig source of bytes, read in place.

use core::fmt;
use core::future::poll_fn;
use core::marker::PhantomData;
use core::task::{Context, Poll, ready};

use crate::abi::StreamItem;
use crate::error::StreamError;
use crate::item::lent_slice;
use crate::source::{NotReady, Source};
use crate::stream::{Sendable, Threading};

/// A byte stream that lends Zig's own buffer until it is consumed: no copy, no allocation.
///
/// Get one from a function that [`zig_source!`](crate::zig_source) declares, for a Zig source whose items are
/// `[]const u8`; or from [`ZigStream::lend`](crate::ZigStream::lend). With the feature `futures-io` it is an
/// `AsyncBufRead` and `AsyncRead` of futures-io; the tokio adapter wraps it for tokio's.
///
/// # Cancel safety
///
/// Every method keeps what was not consumed: drop its future and nothing is lost.
pub struct ByteStream<B = Sendable> {
    source: Source,
    /// What Zig lends: valid until the source is polled again or ended.
    chunk: StreamItem,
    threading: PhantomData<B>,
}

/// A [`ByteStream`] that stays on the thread that opened it.
pub type LocalByteStream = ByteStream<crate::stream::Local>;

// SAFETY: as for `ZigStream`; the chunk points into the source's own memory and moves with it.
unsafe impl Send for ByteStream<Sendable> {}

impl<B> Unpin for ByteStream<B> {}

impl<B: Threading> ByteStream<B> {
    pub(crate) fn new(source: Source) -> Self {
        Self { source, chunk: EMPTY_CHUNK, threading: PhantomData }
    }

    /// How many chunks the stream reads in a row before it lets its neighbours run once.
    ///
    /// # Panics
    ///
    /// If `items` is 0.
    pub fn set_budget(&mut self, items: u32) {
        self.source.set_budget(items);
    }

    /// The bytes that are there and not consumed; polls Zig only when none are left. An empty
    /// slice is the end.
    ///
    /// # Errors
    ///
    /// [`StreamError`], once, after which the stream has ended.
    pub fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<&[u8], StreamError>> {
        // An empty item is no end: ask again. The budget ends this loop.
        while self.chunk.data_len == 0 {
            if !ready!(self.poll_chunk(cx))? {
                return Poll::Ready(Ok(&[]));
            }
        }
        Poll::Ready(Ok(self.buffered()))
    }

    /// False at the end of the stream.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, StreamError>> {
        self.chunk = EMPTY_CHUNK;
        // SAFETY: opening made sure that this source lends; the slot is a `StreamItem`.
        if let Err(answer) = unsafe { self.source.poll(cx, &mut self.chunk) } {
            self.chunk = EMPTY_CHUNK;
            return match self.source.not_ready(answer, cx) {
                NotReady::Pending => Poll::Pending,
                NotReady::Done => Poll::Ready(Ok(false)),
                NotReady::Failed(error) => Poll::Ready(Err(error)),
            };
        }
        // SAFETY: checked here, before the chunk is kept; the slice is dropped at once.
        if let Err(what) = unsafe { lent_slice(&self.chunk, self.source.registered()) } {
            self.chunk = EMPTY_CHUNK;
            return Poll::Ready(Err(self.source.malformed(what)));
        }
        Poll::Ready(Ok(true))
    }

    /// True when the source has ended. Bytes that it lent before its end were consumed by then.
    pub fn is_terminated(&self) -> bool {
        self.source.is_ended()
    }

    /// The bytes that were read and are not consumed.
    pub fn buffered(&self) -> &[u8] {
        if self.chunk.data_len == 0 {
            return &[];
        }
        // SAFETY: `poll_chunk` checked it and `consume` only shrinks it; Zig lends it until the next
        // poll or the end, and both take `&mut self`.
        unsafe { core::slice::from_raw_parts(self.chunk.data_ptr, self.chunk.data_len) }
    }

    /// Gives back the first `count` bytes of what is [`buffered`](Self::buffered).
    ///
    /// # Panics
    ///
    /// If that is more than there are.
    pub fn consume(&mut self, count: usize) {
        let left = self.chunk.data_len.checked_sub(count);
        self.chunk.data_len = left.expect("consumed more than was buffered");
        if count > 0 {
            // SAFETY: within the lent bytes, or one past them.
            self.chunk.data_ptr = unsafe { self.chunk.data_ptr.add(count) };
        }
    }

    /// The bytes that are there, reading on only when none are left. An empty slice is the end.
    ///
    /// # Errors
    ///
    /// [`StreamError`], once, after which the stream has ended.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: the bytes stay until [`consume`](Self::consume).
    pub async fn fill(&mut self) -> Result<&[u8], StreamError> {
        poll_fn(|cx| self.poll_fill(cx).map_ok(|_| ())).await?;
        Ok(self.buffered())
    }

    /// The next chunk as Zig made it, without copying; what the last one left unread is skipped.
    /// `None` at the end. For the rest of the last chunk, use [`fill`](Self::fill).
    ///
    /// # Errors
    ///
    /// [`StreamError`], once, after which the stream has ended.
    ///
    /// # Cancel safety
    ///
    /// The chunk that was lent before counts as read; no later one is lost.
    pub async fn next_chunk(&mut self) -> Result<Option<&[u8]>, StreamError> {
        self.consume(self.chunk.data_len);
        let chunk = self.fill().await?;
        Ok(if chunk.is_empty() { None } else { Some(chunk) })
    }
}

const EMPTY_CHUNK: StreamItem = StreamItem::EMPTY;

impl<B> fmt::Debug for ByteStream<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream")
            .field("buffered_bytes", &self.chunk.data_len)
            .field("ended", &self.source.is_ended())
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "futures-io")]
mod io {
    use std::io;

    use futures_io::{AsyncBufRead, AsyncRead};

    use super::*;
    use core::pin::Pin;

    impl<B: Threading> AsyncBufRead for ByteStream<B> {
        fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
            self.get_mut().poll_fill(cx).map_err(io::Error::from)
        }

        fn consume(self: Pin<&mut Self>, amt: usize) {
            ByteStream::consume(self.get_mut(), amt);
        }
    }

    impl<B: Threading> AsyncRead for ByteStream<B> {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            let this = self.get_mut();
            if buf.is_empty() {
                return Poll::Ready(Ok(0));
            }
            let chunk = ready!(this.poll_fill(cx))?;
            let count = chunk.len().min(buf.len());
            buf[..count].copy_from_slice(&chunk[..count]);
            ByteStream::consume(this, count);
            Poll::Ready(Ok(count))
        }
    }
}
