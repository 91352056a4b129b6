//! Chunks as a reader.

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::source::DEFAULT_BUDGET;

/// A stream of chunks, read in place: a chunk is kept until all of it is consumed, and dropped then. With the feature
/// `futures-io` it is an `AsyncBufRead` and `AsyncRead` of futures-io; the tokio adapter wraps it for tokio's.
///
/// The chunks are whatever holds bytes: [`ZeroCopyBuffer`](crate::ZeroCopyBuffer)s of a stream or a channel from Zig,
/// `Vec<u8>`s, `bytes::Bytes`. The stream has to be `Unpin`: `Box::pin` an `impl Stream` of `autozig!`. Zig's other end of a
/// channel is `zigflow.ByteWriter`. (A source that lends its bytes is a [`ByteStream`](crate::ByteStream).)
///
/// # Cancel safety
///
/// Every method keeps what was not consumed: drop its future and nothing is lost.
pub struct ByteReader<S, B> {
    chunks: S,
    chunk: Option<B>,
    /// How much of the chunk is consumed.
    used: usize,
    ended: bool,
}

impl<S, B> Unpin for ByteReader<S, B> {}

impl<S, B, E> ByteReader<S, B>
where
    S: Stream<Item = Result<B, E>> + Unpin,
    B: AsRef<[u8]>,
{
    /// Reads what the stream yields.
    pub fn new(chunks: S) -> Self {
        Self { chunks, chunk: None, used: 0, ended: false }
    }

    /// The bytes that are there and not consumed; polls the stream only when none are left. An empty slice is the end,
    /// for ever.
    ///
    /// # Errors
    ///
    /// The stream's, once, after which there is nothing more.
    pub fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<&[u8], E>> {
        let mut left = DEFAULT_BUDGET;
        // An empty chunk is no end: ask again, but not for ever.
        while self.buffered().is_empty() && !self.ended {
            let Some(less) = left.checked_sub(1) else {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            };
            left = less;
            self.chunk = None;
            self.used = 0;
            match ready!(Pin::new(&mut self.chunks).poll_next(cx)) {
                Some(Ok(chunk)) => self.chunk = Some(chunk),
                Some(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Err(error));
                }
                None => self.ended = true,
            }
        }
        Poll::Ready(Ok(self.buffered()))
    }

    /// The bytes that are there and not consumed.
    pub fn buffered(&self) -> &[u8] {
        // A chunk that changes its mind about its length has no more.
        self.chunk.as_ref().and_then(|chunk| chunk.as_ref().get(self.used..)).unwrap_or(&[])
    }

    /// Gives back the first `count` bytes of what is [`buffered`](Self::buffered), and the chunk with its last one.
    ///
    /// # Panics
    ///
    /// If that is more than there are.
    pub fn consume(&mut self, count: usize) {
        let there = self.buffered().len();
        assert!(count <= there, "consumed more than was buffered");
        self.used += count;
        if count == there {
            self.chunk = None;
            self.used = 0;
        }
    }

    /// The bytes that are there, reading on only when none are left. An empty slice is the end.
    ///
    /// # Errors
    ///
    /// The stream's, once.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: the bytes stay until [`consume`](Self::consume).
    pub async fn fill(&mut self) -> Result<&[u8], E> {
        poll_fn(|cx| self.poll_fill(cx).map_ok(|_| ())).await?;
        Ok(self.buffered())
    }

    /// The stream, and the chunk that was not read to its end, with how much of it was.
    pub fn into_inner(self) -> (S, Option<(B, usize)>) {
        let used = self.used;
        (self.chunks, self.chunk.map(|chunk| (chunk, used)))
    }
}

impl<S, B> fmt::Debug for ByteReader<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteReader").field("ended", &self.ended).finish_non_exhaustive()
    }
}

#[cfg(feature = "futures-io")]
mod io {
    use std::io;

    use futures_io::{AsyncBufRead, AsyncRead};

    use super::*;

    impl<S, B, E> AsyncBufRead for ByteReader<S, B>
    where
        S: Stream<Item = Result<B, E>> + Unpin,
        B: AsRef<[u8]>,
        E: Into<io::Error>,
    {
        fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
            self.get_mut().poll_fill(cx).map_err(Into::into)
        }

        fn consume(self: Pin<&mut Self>, amt: usize) {
            ByteReader::consume(self.get_mut(), amt);
        }
    }

    impl<S, B, E> AsyncRead for ByteReader<S, B>
    where
        S: Stream<Item = Result<B, E>> + Unpin,
        B: AsRef<[u8]>,
        E: Into<io::Error>,
    {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            let this = self.get_mut();
            if buf.is_empty() {
                return Poll::Ready(Ok(0));
            }
            let there = ready!(this.poll_fill(cx)).map_err(Into::into)?;
            let count = there.len().min(buf.len());
            buf[..count].copy_from_slice(&there[..count]);
            ByteReader::consume(this, count);
            Poll::Ready(Ok(count))
        }
    }
}
