//! Byte streams as tokio's readers, and what writes to Zig as tokio's writer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
use zigflow_core::{ByteReader, ByteStream, ByteWriter, Sendable, Threading};

/// A [`ByteStream`] as tokio's `AsyncBufRead` and `AsyncRead`: `fill_buf` lends Zig's own buffer.
///
/// # Examples
///
/// ```no_run
/// # async fn example(log: zigflow_core::ByteStream) -> std::io::Result<()> {
/// use tokio::io::AsyncBufReadExt;
///
/// let mut lines = zigflow_tokio::TokioBytes(log).lines();
/// while let Some(line) = lines.next_line().await? {
///     println!("{line}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TokioBytes<B = Sendable>(pub ByteStream<B>);

impl<B> From<ByteStream<B>> for TokioBytes<B> {
    fn from(bytes: ByteStream<B>) -> Self {
        Self(bytes)
    }
}

impl<B> TokioBytes<B> {
    /// The byte stream, with what is buffered in it.
    pub fn into_inner(self) -> ByteStream<B> {
        self.0
    }
}

impl<B: Threading> AsyncBufRead for TokioBytes<B> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.get_mut().0.poll_fill(cx).map_err(io::Error::from)
    }

    fn consume(self: Pin<&mut Self>, count: usize) {
        self.get_mut().0.consume(count);
    }
}

impl<B: Threading> AsyncRead for TokioBytes<B> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = &mut self.get_mut().0;
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let chunk = ready!(bytes.poll_fill(cx))?;
        let count = put(buf, chunk);
        bytes.consume(count);
        Poll::Ready(Ok(()))
    }
}

/// Copies what fits; how much that is.
fn put(buf: &mut ReadBuf<'_>, chunk: &[u8]) -> usize {
    let count = chunk.len().min(buf.remaining());
    buf.put_slice(&chunk[..count]);
    count
}

/// A [`ByteReader`] as tokio's `AsyncBufRead` and `AsyncRead`: `fill_buf` lends the chunk itself.
#[derive(Debug)]
pub struct TokioReader<S, B>(pub ByteReader<S, B>);

impl<S, B> TokioReader<S, B> {
    /// The reader, with what is buffered in it.
    pub fn into_inner(self) -> ByteReader<S, B> {
        self.0
    }
}

impl<S, B, E> AsyncBufRead for TokioReader<S, B>
where
    S: Stream<Item = Result<B, E>> + Unpin,
    B: AsRef<[u8]>,
    E: Into<io::Error>,
{
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.get_mut().0.poll_fill(cx).map_err(Into::into)
    }

    fn consume(self: Pin<&mut Self>, count: usize) {
        self.get_mut().0.consume(count);
    }
}

impl<S, B, E> AsyncRead for TokioReader<S, B>
where
    S: Stream<Item = Result<B, E>> + Unpin,
    B: AsRef<[u8]>,
    E: Into<io::Error>,
{
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = &mut self.get_mut().0;
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let chunk = ready!(bytes.poll_fill(cx)).map_err(Into::into)?;
        let count = put(buf, chunk);
        bytes.consume(count);
        Poll::Ready(Ok(()))
    }
}

/// A [`ByteWriter`] as tokio's `AsyncWrite`.
#[derive(Debug)]
pub struct TokioWriter(pub ByteWriter);

impl TokioWriter {
    /// The writer, with what was not flushed.
    pub fn into_inner(self) -> ByteWriter {
        self.0
    }
}

impl AsyncWrite for TokioWriter {
    /// Copies what fits into the block.
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().0.poll_write(cx, buf).map_err(io::Error::from)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().0.poll_flush(cx).map_err(io::Error::from)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().0.poll_close(cx).map_err(io::Error::from)
    }
}
