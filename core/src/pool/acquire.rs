//! Waiting for a block.

use alloc::boxed::Box;
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
        // SAFETY: left in `drop`.
        unsafe { poll(pool, seat.as_mut(), waker) }
    }
}

/// # Safety
///
/// The owner of the seat leaves before the seat goes.
unsafe fn poll(pool: &Pool, mut seat: Pin<&mut Seat>, waker: &Waker) -> Poll<Block> {
    loop {
        if let Some(block) = pool.try_acquire() {
            leave(pool, seat);
            return Poll::Ready(block);
        }
        // SAFETY: left above, or by the owner.
        unsafe { seat.as_mut().join(&pool.raw.get().waiters, waker) };
        if !pool.raw.arm() {
            return Poll::Pending;
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

/// Who waits for blocks again and again: a handle of the pool, with a place in the queue of those who wait. It is for
/// polls of your own; [`Pool::acquire`] is a future.
pub struct Waiter {
    pool: Pool,
    seat: Pin<Box<Seat>>,
}

impl Pool {
    /// What waits for blocks in a poll; allocates its place in the queue.
    pub fn waiter(&self) -> Waiter {
        Waiter { pool: self.clone(), seat: Box::pin(Seat::new()) }
    }
}

impl Waiter {
    /// Takes a block, or waits for one: then the task is woken, in turn, when one comes home. (Who comes just then may be
    /// faster.)
    pub fn poll_acquire(&mut self, cx: &mut Context<'_>) -> Poll<Block> {
        // SAFETY: left in `drop`.
        unsafe { poll(&self.pool, self.seat.as_mut(), cx.waker()) }
    }

    /// Waits no more: its turn goes to the next one.
    pub fn cancel(&mut self) {
        leave(&self.pool, self.seat.as_mut());
    }

    /// The pool.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter").field("pool", &self.pool).finish_non_exhaustive()
    }
}
