//! Waiting for a block.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use super::{Block, Pool};
use crate::ring::seat::Seat;
use crate::sync::bug;

/// The future of [`Pool::acquire`].
#[must_use = "futures do nothing unless polled"]
pub struct Acquire<'a> {
    pub(super) pool: &'a Pool,
    pub(super) seat: Seat,
}

impl Acquire<'_> {
    pub(super) fn poll_by(self: Pin<&mut Self>, waker: &Waker) -> Poll<Block> {
        // SAFETY: the seat is pinned again below; nothing else needs it.
        let Self { pool, seat } = unsafe { self.get_unchecked_mut() };
        // SAFETY: a field of what is pinned.
        let mut seat = unsafe { Pin::new_unchecked(seat) };
        loop {
            if let Some(block) = pool.try_acquire() {
                leave(pool, seat);
                return Poll::Ready(block);
            }
            // SAFETY: left above, or in `drop`.
            unsafe { seat.as_mut().join(&pool.raw.get().waiters, waker) };
            if !pool.raw.arm() {
                return Poll::Pending;
            }
        }
    }
}

/// Waits no more, with a block or without.
fn leave(pool: &Pool, seat: Pin<&mut Seat>) {
    if seat.leave(&pool.raw.get().waiters).is_some() && !bug(116) {
        pool.raw.left();
    }
}

impl Future for Acquire<'_> {
    type Output = Block;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Block> {
        self.poll_by(cx.waker())
    }
}

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        // SAFETY: pinned since it joined, if it did.
        leave(self.pool, unsafe { Pin::new_unchecked(&mut self.seat) });
    }
}

impl fmt::Debug for Acquire<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire").finish_non_exhaustive()
    }
}
