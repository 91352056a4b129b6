//! Byte streams as tokio's readers.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};
use zigflow_core::{ByteStream, Sendable, Threading};

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
        let count = chunk.len().min(buf.remaining());
        buf.put_slice(&chunk[..count]);
        bytes.consume(count);
        Poll::Ready(Ok(()))
    }
}
