//! Memory for one operation after another.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::ptr::NonNull;
use core::task::{Context, Poll, ready};

use futures_core::future::FusedFuture;

use super::operation::Operation;
use super::{Kept, Outcome, StartFuture, ZigFuture};
use crate::abi::{OperationType, RawArg};
use crate::future::FutureError;

/// Memory for one operation after another: for the functions that [`zig_future!`](crate::zig_future) declares with `in
/// slot`.
///
/// An operation that was dropped before its result, or whose completion Zig has not given up yet, keeps its memory; the
/// next one allocates anew then. So all but the first allocate nothing if they complete inside of the call, or if Zig has
/// given the completion up when the next one begins. A thread that completes wakes the task first and gives up then: a task
/// that runs elsewhere and begins the next at once may be too early.
pub struct FutureSlot<T: Outcome, B: Kept = ()> {
    /// Its result was taken; the future's reference is ours.
    empty: Option<NonNull<Operation<T, B>>>,
}

// SAFETY: an empty operation has nothing in it but wakers, which are Send.
unsafe impl<T: Outcome, B: Kept> Send for FutureSlot<T, B> {}
// SAFETY: there is nothing to be done by reference.
unsafe impl<T: Outcome, B: Kept> Sync for FutureSlot<T, B> {}

impl<T: Outcome, B: Kept> FutureSlot<T, B> {
    /// No memory yet.
    pub const fn new() -> Self {
        Self { empty: None }
    }

    /// An operation, in this memory if it is free. `Err` gives `kept` back: there is none.
    fn operation(&mut self, kept: B) -> Result<NonNull<Operation<T, B>>, B> {
        let kept = match self.empty.take() {
            // SAFETY: empty, and the reference is ours.
            Some(empty) => match unsafe { Operation::again(empty, kept) } {
                Ok(operation) => return Ok(operation),
                Err(kept) => kept,
            },
            None => kept,
        };
        Operation::new(kept)
    }
}

impl<T: Outcome, B: Kept> Default for FutureSlot<T, B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Outcome, B: Kept> Drop for FutureSlot<T, B> {
    fn drop(&mut self) {
        if let Some(empty) = self.empty.take() {
            // SAFETY: empty, and the reference is ours.
            unsafe { Operation::leave_empty(empty) };
        }
    }
}

impl<T: Outcome, B: Kept> fmt::Debug for FutureSlot<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FutureSlot").field("has_memory", &self.empty.is_some()).finish()
    }
}

/// A [`ZigFuture`] in the memory of a [`FutureSlot`]. Cancel safety is the same.
#[must_use = "a future that is dropped cancels its operation"]
pub struct SlotFuture<'a, T: Outcome, B: Kept = ()> {
    future: ZigFuture<T, B>,
    slot: &'a mut FutureSlot<T, B>,
}

impl<'a, T: Outcome, B: Kept> StartFuture<(&'a mut FutureSlot<T, B>, B)> for SlotFuture<'a, T, B> {
    unsafe fn start(
        function: *const OperationType,
        args: &[RawArg],
        (slot, kept): (&'a mut FutureSlot<T, B>, B),
    ) -> Self {
        // SAFETY: the caller's promise.
        let future =
            unsafe { ZigFuture::start_in(|kept| slot.operation(kept), function, args, kept) };
        Self { future, slot }
    }
}

impl<T: Outcome, B: Kept> SlotFuture<'_, T, B> {
    /// As [`ZigFuture::cancel`].
    pub fn cancel(&self) {
        self.future.cancel();
    }

    /// As [`ZigFuture::progress`].
    pub fn progress(&self) -> u64 {
        self.future.progress()
    }

    /// As [`ZigFuture::refused`].
    pub fn refused(&self) -> u32 {
        self.future.refused()
    }
}

impl<T: Outcome, B: Kept> Future for SlotFuture<'_, T, B> {
    type Output = B::With<Result<T, FutureError>>;

    /// # Panics
    ///
    /// If it was ready before.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (result, kept, empty) = ready!(self.future.poll_result(cx));
        // One that was not started has none: then the slot keeps what it had.
        if let Some(empty) = empty {
            self.slot.empty = Some(empty);
            // SAFETY: its result was taken, and the reference is ours.
            drop(unsafe { Operation::let_task_go(empty) });
        }
        Poll::Ready(kept.with(result))
    }
}

impl<T: Outcome, B: Kept> FusedFuture for SlotFuture<'_, T, B> {
    fn is_terminated(&self) -> bool {
        self.future.is_terminated()
    }
}

impl<T: Outcome, B: Kept> fmt::Debug for SlotFuture<'_, T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotFuture").field("future", &self.future).finish_non_exhaustive()
    }
}
