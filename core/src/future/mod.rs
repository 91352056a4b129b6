//! Zig functions that give their result later, as futures.
//!
//! ```text
//!   Rust  read(path, vec)           poll        poll ──▶ (result, vec)     or  drop
//!              │                     │ waker      ▲                             │ CANCELED
//!              ▼                     ▼            │ wake                        ▼
//!   Zig   fn read(path, buf, done) ┄ works ┄ done.resolve(n)        done.isCanceled(), onCancel
//! ```
//!
//! The operation's memory is counted: it lives until both sides are through, whatever Rust drops or forgets.
//! No Rust borrow outlives the call. `operation.rs` tells the protocol.

mod completion;
mod error;
mod operation;
mod outcome;
mod slot;

use core::fmt;
use core::future::Future;
use core::mem;
use core::pin::Pin;
use core::ptr::NonNull;
use core::task::{Context, Poll};

use futures_core::future::FusedFuture;

use crate::abi::{
    ABI_NUMBER, MAGIC_OPERATION, OperationType, RawArg, RawError, RawOperation, StreamState,
};
use crate::error::{Malformed, OpenError};

pub use completion::{Completion, ZigCompletion, completion};
pub use error::FutureError;
#[doc(hidden)]
pub use outcome::{FutureArgument, KeepToo};
pub use outcome::{Kept, Outcome};
pub use slot::{FutureSlot, SlotFuture};

use operation::{DONE, Operation};

/// The result of a Zig function, which comes later: `Result<T, FutureError>`, and `(…, B)` if the operation keeps
/// buffers `B`.
///
/// Get one from a function that [`zig_future!`](crate::zig_future) declares, or from
/// [`completion`](crate::completion). The operation has begun when the future is there, polled or not.
///
/// # Cancel safety
///
/// Dropping the future asks the operation to stop ([`cancel`](Self::cancel)); what it still results in is dropped.
/// Whether and when it stops is up to it. To keep the result, poll by `&mut`.
#[must_use = "a future that is dropped cancels its operation"]
pub struct ZigFuture<T: Outcome, B: Kept = ()> {
    state: State<T, B>,
    progress: u64,
    refused: u32,
}

enum State<T: Outcome, B> {
    /// Zig has the completion.
    Running(NonNull<Operation<T, B>>),
    /// It never got it.
    NotStarted(FutureError, B),
    /// The result was taken.
    Over,
}

// SAFETY: the result and what is kept are Send; the shared words are atomic, and the cell is made for any thread.
unsafe impl<T: Outcome, B: Kept> Send for ZigFuture<T, B> {}
// SAFETY: by reference there is only `cancel`, which is anybody's, and what loads atomic words.
unsafe impl<T: Outcome, B: Kept> Sync for ZigFuture<T, B> {}

impl<T: Outcome, B: Kept> Unpin for ZigFuture<T, B> {}

impl<T: Outcome, B: Kept> ZigFuture<T, B> {
    /// Calls a Zig function with a completion of the operation that `operation` makes.
    ///
    /// # Safety
    ///
    /// As [`StartFuture::start`]; nobody else knows the operation.
    unsafe fn start_in(
        operation: impl FnOnce(B) -> Result<NonNull<Operation<T, B>>, B>,
        function: *const OperationType,
        args: &[RawArg],
        kept: B,
    ) -> Self {
        // SAFETY: the first two words are the same in every ABI, and checked before the rest is read.
        let checked = unsafe { check::<T>(function) };
        let function = match checked {
            Ok(function) => function,
            Err(error) => return Self::not_started(FutureError::NotStarted(error), kept),
        };
        let operation = match operation(kept) {
            Ok(operation) => operation,
            Err(kept) => return Self::not_started(FutureError::OutOfMemory, kept),
        };
        let mut error = RawError::EMPTY;
        let raw = Operation::raw(operation).as_ptr();
        // SAFETY: the arguments are valid during the call; a started function owns the completion's reference.
        let answer = unsafe { (function.start)(args.as_ptr(), args.len() as u32, raw, &mut error) };
        if answer == StreamState::Ready as u32 {
            return Self::running(operation);
        }
        let error = match StreamState::from_raw(answer) {
            Some(StreamState::Error) => OpenError::from_raw(&error, args),
            _ => OpenError::Malformed(Malformed::State(answer)),
        };
        // SAFETY: not started, so both references are ours.
        let kept = unsafe { Operation::unstarted(operation) };
        Self::not_started(FutureError::NotStarted(error), kept)
    }

    fn running(operation: NonNull<Operation<T, B>>) -> Self {
        Self { state: State::Running(operation), progress: 0, refused: 0 }
    }

    fn not_started(error: FutureError, kept: B) -> Self {
        Self { state: State::NotStarted(error, kept), progress: 0, refused: 0 }
    }

    /// Asks the operation to stop: its result still comes, be it an error (by custom `error.Canceled`) or the value
    /// after all. Further calls do nothing.
    pub fn cancel(&self) {
        if let Some(raw) = self.raw() {
            raw.cancel();
        }
    }

    /// How far the operation got, in its own unit, by its last word: exact when the result is there, also for one that
    /// was canceled. (Before that, the halves of a number above 2^32 may be of two reports.) 0 if it says nothing.
    pub fn progress(&self) -> u64 {
        self.raw().map_or(self.progress, RawOperation::progress)
    }

    /// How many results were refused because there was one already: a mistake in Zig, unless an observer of the
    /// cancellation and a worker both give one.
    pub fn refused(&self) -> u32 {
        self.raw().map_or(self.refused, RawOperation::refused)
    }

    fn raw(&self) -> Option<&RawOperation> {
        match &self.state {
            // SAFETY: the future's reference keeps it alive.
            State::Running(operation) => Some(unsafe { Operation::raw(*operation).as_ref() }),
            _ => None,
        }
    }
}

/// A future that begins with the call of a Zig function. `K` is where the operation stands and what it keeps. Sealed:
/// the macro calls it in an `unsafe` of its own.
///
/// ```compile_fail,E0277
/// use zigflow_core::__private::{OperationType, StartFuture};
///
/// struct Any;
///
/// impl StartFuture<((), ())> for Any {
///     unsafe fn start(_: *const OperationType, _: &[zigflow_core::abi::RawArg], _: ((), ())) -> Self {
///         panic!("any pointer")
///     }
/// }
/// ```
#[doc(hidden)]
pub trait StartFuture<K>: sealed::Sealed {
    /// Calls a Zig function with a completion.
    ///
    /// # Safety
    ///
    /// `function` points to a static that `zigflow.future` exported, of this or another ABI; the arguments are valid
    /// during the call, and buffers among them as long as what is kept, wherever that moves.
    unsafe fn start(function: *const OperationType, args: &[RawArg], keep: K) -> Self;
}

mod sealed {
    pub trait Sealed {}
    impl<T: super::Outcome, B: super::Kept> Sealed for super::ZigFuture<T, B> {}
    impl<T: super::Outcome, B: super::Kept> Sealed for super::SlotFuture<'_, T, B> {}
}

impl<T: Outcome, B: Kept> StartFuture<((), B)> for ZigFuture<T, B> {
    unsafe fn start(function: *const OperationType, args: &[RawArg], keep: ((), B)) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self::start_in(Operation::new, function, args, keep.1) }
    }
}

/// # Safety
///
/// As [`StartFuture::start`].
unsafe fn check<T: Outcome>(
    function: *const OperationType,
) -> Result<&'static OperationType, OpenError> {
    // SAFETY: the first two words are the same in every ABI.
    let (magic, abi) = unsafe { ((*function).magic, (*function).abi) };
    if magic != MAGIC_OPERATION {
        return Err(OpenError::NotASource);
    }
    if abi != ABI_NUMBER {
        return Err(OpenError::Abi { zig: abi, rust: ABI_NUMBER });
    }
    // SAFETY: of this ABI, so it has this layout; static and never written.
    let function = unsafe { &*function };
    T::SPEC.matches(&function.item)?;
    Ok(function)
}

/// A result, what was kept, and the operation, which is empty then; its reference goes with it.
type Over<T, B> = (Result<T, FutureError>, B, Option<NonNull<Operation<T, B>>>);

impl<T: Outcome, B: Kept> ZigFuture<T, B> {
    fn poll_result(&mut self, cx: &mut Context<'_>) -> Poll<Over<T, B>> {
        if let State::Running(operation) = self.state {
            // SAFETY: the future's reference keeps it alive.
            let raw = unsafe { Operation::raw(operation).as_ref() };
            let mut word = raw.load();
            if word & DONE == 0 {
                // SAFETY: this is the one future.
                match unsafe { raw.wait(cx.waker()) } {
                    None => return Poll::Pending,
                    Some(done) => word = done,
                }
            }
            (self.progress, self.refused) = (raw.progress(), raw.refused());
            self.state = State::Over;
            // SAFETY: DONE was seen, and the state says that the result is taken.
            let (result, kept) = unsafe { Operation::result(operation, word) };
            return Poll::Ready((result, kept, Some(operation)));
        }
        match mem::replace(&mut self.state, State::Over) {
            State::NotStarted(error, kept) => Poll::Ready((Err(error), kept, None)),
            _ => panic!("a ZigFuture was polled after it was ready"),
        }
    }
}

impl<T: Outcome, B: Kept> Future for ZigFuture<T, B> {
    type Output = B::With<Result<T, FutureError>>;

    /// # Panics
    ///
    /// If it was ready before.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_result(cx).map(|(result, kept, empty)| {
            if let Some(empty) = empty {
                // SAFETY: the result was taken, and the reference is ours.
                unsafe { Operation::leave_empty(empty) };
            }
            kept.with(result)
        })
    }
}

impl<T: Outcome, B: Kept> FusedFuture for ZigFuture<T, B> {
    fn is_terminated(&self) -> bool {
        matches!(self.state, State::Over)
    }
}

impl<T: Outcome, B: Kept> Drop for ZigFuture<T, B> {
    fn drop(&mut self) {
        if let State::Running(operation) = self.state {
            // SAFETY: the future's reference, which goes with it.
            unsafe { RawOperation::abandon(Operation::raw(operation)) };
        }
    }
}

impl<T: Outcome, B: Kept> fmt::Debug for ZigFuture<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Running(_) => "running",
            State::NotStarted(..) => "not started",
            State::Over => "over",
        };
        f.debug_struct("ZigFuture").field("state", &state).finish_non_exhaustive()
    }
}
