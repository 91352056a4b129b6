//! What a function of Zig's sends, while it runs on a thread, as a stream: `-> impl Stream` in `autozig!` for a function
//! with a sender.

use alloc::boxed::Box;
use core::pin::Pin;
use core::task::{Context, Poll};

use futures_core::Stream;

use crate::channel::RecvError;
use crate::error::{StreamError, ZigError};
use crate::spsc::Receiver;

/// How many items the function may be ahead of who reads.
pub const PUSHED: usize = 64;

/// The items, then the function's error, if it returned one. Begun when it is polled first; dropped, it closes the
/// channel, which the function sees when it sends.
#[derive(Debug)]
pub struct Pushed<T, F> {
    receiver: Receiver<T>,
    /// `None` once it has returned. Boxed, so that the stream may be moved, as other streams from Zig.
    running: Option<Pin<Box<F>>>,
    /// What it returned, as long as nobody was told.
    error: Option<StreamError>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    New,
    Begun,
    /// The channel was closed with a reason, which is the last item.
    Told,
}

impl<T, F> Pushed<T, F> {
    /// The end of a channel, and the function that has the other one.
    pub fn new(receiver: Receiver<T>, running: F) -> Self {
        Self { receiver, running: Some(Box::pin(running)), error: None, stage: Stage::New }
    }
}

impl<T, F: Future<Output = Option<ZigError>>> Pushed<T, F> {
    /// Whether the function has returned.
    fn poll_running(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(running) = &mut self.running else { return true };
        let Poll::Ready(error) = running.as_mut().poll(cx) else { return false };
        self.running = None;
        self.error = error.map(StreamError::Zig);
        true
    }
}

impl<T, F: Future<Output = Option<ZigError>>> Stream for Pushed<T, F> {
    type Item = Result<T, StreamError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.stage == Stage::New {
            this.stage = Stage::Begun;
            this.poll_running(cx);
        }
        match this.receiver.poll_recv(cx) {
            Poll::Ready(Ok(item)) => Poll::Ready(Some(Ok(item))),
            Poll::Ready(Err(RecvError::Failed(reason))) => {
                this.stage = Stage::Told;
                Poll::Ready(Some(Err(reason)))
            }
            // The function may still say why.
            Poll::Ready(Err(_)) if this.stage == Stage::Told => Poll::Ready(None),
            Poll::Ready(Err(_)) if !this.poll_running(cx) => Poll::Pending,
            Poll::Ready(Err(_)) => Poll::Ready(this.error.take().map(Err)),
            // It may return without closing the channel, whose sender it gave to somebody else, or lost.
            Poll::Pending => {
                this.poll_running(cx);
                Poll::Pending
            }
        }
    }
}
