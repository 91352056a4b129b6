//! A writer into blocks of a pool, which go on as buffers.

use core::fmt;
use core::future::poll_fn;
use core::task::{Context, Poll, ready};

use crate::channel::SendError;
use crate::error::StreamError;
use crate::memory::ZeroCopyBuffer;
use crate::pool::{Block, Pool, Waiter};
use crate::spsc::Sender;

/// Bytes on their way into a channel of buffers, whose receiver is in Zig or in another task. They are gathered in a block of
/// the pool, which is sent when it is full, and by [`flush`](Self::flush). With the feature `futures-io` it is an `AsyncWrite` of
/// futures-io; the tokio adapter wraps it for tokio's.
///
/// In Zig a `zigflow.ByteReader`, a `std.Io.Reader`, reads it. There is one copy, that into the block, and with
/// [`reserve`](Self::reserve), which lends the block itself, none.
///
/// It waits when the pool is empty or the channel full: so it is stopped by memory, which the reader gives back.
///
/// # Cancel safety
///
/// What was committed or written stays, and is sent in its turn: drop a future of this and nothing is lost. Dropped itself,
/// the writer closes the channel, and what was not flushed is gone; say [`close`](Self::close).
pub struct ByteWriter {
    sender: Sender<ZeroCopyBuffer>,
    waiter: Waiter,
    /// What is being filled, with all of its bytes.
    block: Option<Block>,
    filled: usize,
}

impl ByteWriter {
    /// Writes into blocks of `pool` and sends them.
    pub fn new(pool: &Pool, sender: Sender<ZeroCopyBuffer>) -> Self {
        Self { sender, waiter: pool.waiter(), block: None, filled: 0 }
    }

    /// Room in the block, at least a byte: to be written, and [`commit`](Self::commit)ted. What is in there is of no
    /// meaning.
    ///
    /// # Errors
    ///
    /// [`SendError`], if the receiver has closed: nobody reads any more.
    pub fn poll_reserve(&mut self, cx: &mut Context<'_>) -> Poll<Result<&mut [u8], SendError<()>>> {
        if self.block.as_ref().is_some_and(|block| self.filled == block.len()) {
            ready!(self.poll_send(cx))?;
        }
        if self.block.is_none() {
            let Poll::Ready(block) = self.waiter.poll_acquire(cx) else {
                // When nobody reads any more, no block may ever come home.
                if self.sender.watch(cx.waker()) {
                    self.waiter.cancel();
                    return Poll::Ready(Err(self.sender.refused(())));
                }
                return Poll::Pending;
            };
            self.block = Some(block);
            self.filled = 0;
        }
        Poll::Ready(Ok(self.room()))
    }

    fn room(&mut self) -> &mut [u8] {
        let filled = self.filled;
        match &mut self.block {
            Some(block) => &mut block[filled..],
            None => &mut [],
        }
    }

    /// [`poll_reserve`](Self::poll_reserve) as a future.
    ///
    /// # Errors
    ///
    /// [`SendError`], if the receiver has closed.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the future has done nothing.
    pub async fn reserve(&mut self) -> Result<&mut [u8], SendError<()>> {
        poll_fn(|cx| self.poll_reserve(cx).map_ok(|_| ())).await?;
        Ok(self.room())
    }

    /// The first `count` bytes of the room are written. They are sent with the rest of the block.
    ///
    /// # Panics
    ///
    /// If that is more than there is room for.
    pub fn commit(&mut self, count: usize) {
        assert!(count <= self.room().len(), "committed more than there was room for");
        self.filled += count;
    }

    /// Copies as much of `bytes` as there is room for in the block; how much: nothing if there is nothing to copy.
    ///
    /// # Errors
    ///
    /// [`SendError`], if the receiver has closed.
    pub fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, SendError<()>>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let room = ready!(self.poll_reserve(cx))?;
        let count = room.len().min(bytes.len());
        room[..count].copy_from_slice(&bytes[..count]);
        self.commit(count);
        Poll::Ready(Ok(count))
    }

    /// Sends what is in the block, if there is something.
    ///
    /// # Errors
    ///
    /// [`SendError`], if the receiver has closed. What was not sent is gone with the writer.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError<()>>> {
        if self.filled > 0 { self.poll_send(cx) } else { Poll::Ready(Ok(())) }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError<()>>> {
        ready!(self.sender.poll_ready(cx))?;
        if let Some(mut block) = self.block.take() {
            block.set_len(self.filled);
            self.filled = 0;
            // There is room, and nobody else sends.
            if let Err(back) = self.sender.try_send(block.into()) {
                drop(back);
                // Closed since: the error says why.
                return self.sender.poll_ready(cx);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// [`poll_flush`](Self::poll_flush) as a future.
    ///
    /// # Errors
    ///
    /// [`SendError`], if the receiver has closed.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the future has sent nothing.
    pub async fn flush(&mut self) -> Result<(), SendError<()>> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Writes all of `bytes`, block by block. The last block is not sent before it is full, or flushed.
    ///
    /// # Errors
    ///
    /// [`SendError`], if the receiver has closed.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the future may have written a part, and nobody knows how much.
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), SendError<()>> {
        while !bytes.is_empty() {
            let count = poll_fn(|cx| self.poll_write(cx, bytes)).await?;
            bytes = &bytes[count..];
        }
        Ok(())
    }

    /// Sends a buffer as it is, without a copy, behind what was written so far.
    ///
    /// # Errors
    ///
    /// [`SendError`] with the buffer, if the receiver has closed.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the future has not sent the buffer and drops it.
    pub async fn send(
        &mut self,
        buffer: impl Into<ZeroCopyBuffer>,
    ) -> Result<(), SendError<ZeroCopyBuffer>> {
        let buffer = buffer.into();
        if self.flush().await.is_err() {
            return Err(self.sender.refused(buffer));
        }
        self.sender.send(buffer).await
    }

    /// Sends what is left and closes; the reader drains what was sent.
    ///
    /// # Errors
    ///
    /// [`SendError`], if the receiver has closed.
    pub fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError<()>>> {
        if self.filled > 0 {
            ready!(self.poll_send(cx))?;
        }
        self.block = None;
        self.sender.close();
        Poll::Ready(Ok(()))
    }

    /// [`poll_close`](Self::poll_close) as a future.
    ///
    /// # Errors
    ///
    /// [`SendError`], if the receiver has closed.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, the future has not closed the channel.
    pub async fn close(&mut self) -> Result<(), SendError<()>> {
        poll_fn(|cx| self.poll_close(cx)).await
    }

    /// Closes at once and says why; the reader gets `reason` after what was sent, and what was not sent is gone.
    pub fn close_with(&mut self, reason: StreamError) {
        self.block = None;
        self.filled = 0;
        self.sender.close_with(reason);
    }

    /// The channel's end. What was not flushed is gone.
    pub fn into_inner(self) -> Sender<ZeroCopyBuffer> {
        self.sender
    }
}

impl fmt::Debug for ByteWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteWriter").field("unflushed_bytes", &self.filled).finish_non_exhaustive()
    }
}

#[cfg(feature = "futures-io")]
mod io {
    use core::pin::Pin;
    use std::io;

    use futures_io::AsyncWrite;

    use super::*;

    impl AsyncWrite for ByteWriter {
        /// Copies what fits into the block.
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            ByteWriter::poll_write(self.get_mut(), cx, buf).map_err(io::Error::from)
        }

        fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            ByteWriter::poll_flush(self.get_mut(), cx).map_err(io::Error::from)
        }

        fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            ByteWriter::poll_close(self.get_mut(), cx).map_err(io::Error::from)
        }
    }
}
