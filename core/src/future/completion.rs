//! The completing side in Rust: to hand a completion to a Zig function of one's own, or to complete here.

use core::fmt;
use core::marker::PhantomData;
use core::mem::{ManuallyDrop, forget};
use core::ptr::NonNull;
use core::task::Waker;

use super::operation::{CANCELED, FAILED, Operation};
use super::{Outcome, ZigFuture};
use crate::abi::{ErrorKind, RawError, RawOperation};
use crate::error::ZigError;

/// A completion and its future, to be handed to a Zig function of your own by [`into_zig`](Completion::into_zig). Where
/// `zigflow.future` binds a function, [`zig_future!`](crate::zig_future) does this.
///
/// Without memory it ends as `Box::new` does.
pub fn completion<T: Outcome>() -> (Completion<T>, ZigFuture<T>) {
    let Ok(operation) = Operation::<T, ()>::new(()) else {
        alloc::alloc::handle_alloc_error(core::alloc::Layout::new::<Operation<T, ()>>())
    };
    let completion = Completion { raw: Operation::raw(operation), outcome: PhantomData };
    (completion, ZigFuture::running(operation))
}

/// The side of an operation that gives the result, once. Dropped without one, the future fails with
/// [`FutureError::Disconnected`](super::FutureError::Disconnected).
pub struct Completion<T: Outcome> {
    raw: NonNull<RawOperation>,
    outcome: PhantomData<fn(T)>,
}

// SAFETY: the result is Send, and the protocol is made for any thread.
unsafe impl<T: Outcome> Send for Completion<T> {}
// SAFETY: by reference words are loaded, and one waker is registered, which `&mut` guards.
unsafe impl<T: Outcome> Sync for Completion<T> {}

impl<T: Outcome> Completion<T> {
    /// True when nobody wants the result any more.
    pub fn is_canceled(&self) -> bool {
        self.operation().load() & CANCELED != 0
    }

    /// `waker` is woken when the future is canceled or dropped, or at once if it was. One waker, the last one.
    pub fn wake_on_cancel(&mut self, waker: &Waker) {
        // SAFETY: `&mut self`: the one completion.
        unsafe { self.operation().wake_on_cancel(waker) };
    }

    /// The result is an error, by this name.
    pub fn fail(self, error: ZigError) {
        let name = error.name();
        let raw = RawError {
            kind: ErrorKind::Zig as u32,
            code: 0,
            name_ptr: name.as_ptr(),
            name_len: name.len(),
        };
        if self.operation().claim() {
            // SAFETY: claimed; the completion goes.
            unsafe {
                self.operation().write_error(raw);
                RawOperation::publish_and_go(ManuallyDrop::new(self).raw, FAILED);
            }
        }
    }

    /// Hands the completion to Zig, where `zigflow.Completion(T).open` takes it over.
    pub fn into_zig(self) -> ZigCompletion<T> {
        let raw = self.raw;
        forget(self);
        ZigCompletion { raw, outcome: PhantomData }
    }

    fn operation(&self) -> &RawOperation {
        // SAFETY: the completion's reference keeps it alive.
        unsafe { self.raw.as_ref() }
    }
}

impl<T: Outcome> Completion<T> {
    /// The result.
    pub fn resolve(self, value: T) {
        if self.operation().claim() {
            // SAFETY: claimed; the type of the slot; the completion goes.
            unsafe {
                self.operation().write(value.into_slot());
                RawOperation::publish_and_go(ManuallyDrop::new(self).raw, 0);
            }
        }
    }
}

impl<T: Outcome> Drop for Completion<T> {
    fn drop(&mut self) {
        // SAFETY: the completion's reference, which goes with it.
        unsafe { RawOperation::disconnect(self.raw) };
    }
}

impl<T: Outcome> fmt::Debug for Completion<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completion").field("is_canceled", &self.is_canceled()).finish()
    }
}

/// A [`Completion`] on its way to Zig: a pointer, to be passed to a Zig function that opens it by
/// `zigflow.Completion(T).open`. Dropped before, it goes as the completion would.
#[repr(transparent)]
pub struct ZigCompletion<T: Outcome> {
    raw: NonNull<RawOperation>,
    outcome: PhantomData<fn(T)>,
}

// SAFETY: as the completion.
unsafe impl<T: Outcome> Send for ZigCompletion<T> {}
// SAFETY: there is nothing to be done by reference.
unsafe impl<T: Outcome> Sync for ZigCompletion<T> {}

impl<T: Outcome> ZigCompletion<T> {
    /// The pointer, for a Zig function that is declared with one. Whoever opens it owns the completion.
    pub fn into_raw(self) -> NonNull<RawOperation> {
        ManuallyDrop::new(self).raw
    }
}

impl<T: Outcome> Drop for ZigCompletion<T> {
    fn drop(&mut self) {
        drop(Completion::<T> { raw: self.raw, outcome: PhantomData });
    }
}

impl<T: Outcome> fmt::Debug for ZigCompletion<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ZigCompletion").field(&self.raw).finish()
    }
}
