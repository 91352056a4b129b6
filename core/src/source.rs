//! An open Zig source: what streams of all item kinds share.

use core::ffi::c_void;
use core::task::Context;

use crate::abi::{
    ABI_NUMBER, MAGIC, PollFn, RawArg, RawError, RawSizeHint, RawSource, RawWaker, SENDABLE,
    SourceType, StreamState,
};
use crate::error::{Malformed, OpenError, Registered, StreamError};
use crate::item::{ItemSpec, RegisteredMemory};

/// How many items a stream yields in a row before it lets its neighbours run.
pub const DEFAULT_BUDGET: u32 = 128;

/// What a poll answered, when it was no item.
pub(crate) enum NotReady {
    Pending,
    Done,
    Failed(StreamError),
}

/// Owns the state of one Zig source. After its end it holds nothing and answers `Done` for ever.
#[derive(Debug)]
pub(crate) struct Source {
    poll: PollFn,
    state: *mut c_void,
    left: u32,
    budget: u32,
    vtable: &'static SourceType,
    registered: RegisteredMemory,
}

/// What an ended source is polled with.
unsafe extern "C" fn poll_ended(_: *mut c_void, _: *const (), _: *const (), _: *mut c_void) -> u32 {
    StreamState::Done as u32
}

impl Source {
    /// Opens a source whose items are `item`, with Zig's own checks of the arguments.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; nothing is left open.
    ///
    /// # Safety
    ///
    /// `vtable` points to a static that `zigflow.source` exported, of this or another ABI.
    pub(crate) unsafe fn open(
        vtable: *const SourceType,
        item: &ItemSpec,
        local: bool,
        args: &[RawArg],
    ) -> Result<Self, OpenError> {
        // SAFETY: the first two words are the same in every ABI.
        let (magic, abi) = unsafe { ((*vtable).magic, (*vtable).abi) };
        if magic != MAGIC {
            return Err(OpenError::NotASource);
        }
        if abi != ABI_NUMBER {
            return Err(OpenError::Abi { zig: abi, rust: ABI_NUMBER });
        }
        // SAFETY: of this ABI, so it has this layout; static and never written.
        let vtable = unsafe { &*vtable };
        if vtable.flags & SENDABLE == 0 && !local {
            return Err(OpenError::NotSendable);
        }
        item.matches(&vtable.item)?;

        let mut out = RawSource {
            state: core::ptr::null_mut(),
            registered_ptr: core::ptr::null(),
            registered_len: 0,
        };
        let mut error = RawError::EMPTY;
        let count = args.len() as u32;
        // SAFETY: arguments and out-pointers live during the call.
        let answer = unsafe { (vtable.open)(args.as_ptr(), count, &mut out, &mut error) };
        match StreamState::from_raw(answer) {
            Some(StreamState::Ready) if out.state.is_null() => {
                Err(OpenError::Malformed(Malformed::NullSource))
            }
            Some(StreamState::Ready) => {
                let registered = Registered::new(out.registered_ptr, out.registered_len);
                Ok(Self::new(vtable, out.state, registered))
            }
            Some(StreamState::Error) => Err(OpenError::from_raw(&error, args)),
            _ => Err(OpenError::Malformed(Malformed::State(answer))),
        }
    }

    /// A source whose state is open.
    pub(crate) fn new(
        vtable: &'static SourceType,
        state: *mut c_void,
        registered: Registered,
    ) -> Self {
        Self {
            poll: vtable.poll,
            state,
            left: DEFAULT_BUDGET,
            budget: DEFAULT_BUDGET,
            vtable,
            registered: RegisteredMemory(registered),
        }
    }

    pub(crate) fn set_budget(&mut self, items: u32) {
        assert!(items > 0, "a stream needs a budget of at least one item");
        self.budget = items;
        self.left = self.left.min(items);
    }

    pub(crate) fn registered(&self) -> &RegisteredMemory {
        &self.registered
    }

    /// True when the source has ended; its state is gone.
    pub(crate) fn is_ended(&self) -> bool {
        self.state.is_null()
    }

    /// Polls once; `Ok` when `slot` holds an item. Otherwise ask [`not_ready`](Self::not_ready).
    ///
    /// # Safety
    ///
    /// `slot` is what the items of this source need.
    #[inline(always)]
    pub(crate) unsafe fn poll<S>(&mut self, cx: &mut Context<'_>, slot: *mut S) -> Result<(), u32> {
        if self.left == 0 {
            return Err(StreamState::Pending as u32);
        }
        let waker = RawWaker::of(cx.waker());
        // SAFETY: the state is open, or `poll_ended` does not look at it; the waker is lent for the
        // call; the caller vouches for the slot.
        let answer = unsafe { (self.poll)(self.state, waker.data, waker.vtable, slot.cast()) };
        if answer != StreamState::Ready as u32 {
            return Err(answer);
        }
        self.left -= 1;
        Ok(())
    }

    /// What a poll means that brought no item.
    #[cold]
    #[inline(never)]
    pub(crate) fn not_ready(&mut self, answer: u32, cx: &mut Context<'_>) -> NotReady {
        if self.left == 0 {
            // Zig was not asked: the budget is used up.
            self.left = self.budget;
            cx.waker().wake_by_ref();
            return NotReady::Pending;
        }
        match StreamState::from_raw(answer) {
            Some(StreamState::Pending) => {
                self.left = self.budget;
                NotReady::Pending
            }
            Some(StreamState::Done) => {
                self.end();
                NotReady::Done
            }
            Some(StreamState::Error) => {
                let mut error = RawError::EMPTY;
                // SAFETY: the state is open, and its last poll answered `Error`.
                unsafe { (self.vtable.take_error)(self.state, &mut error) };
                NotReady::Failed(self.fail(StreamError::from_raw(&error)))
            }
            _ => NotReady::Failed(self.malformed(Malformed::State(answer))),
        }
    }

    /// Ends the source because of what it sent.
    #[cold]
    pub(crate) fn malformed(&mut self, what: Malformed) -> StreamError {
        self.fail(StreamError::Malformed(what))
    }

    fn fail(&mut self, error: StreamError) -> StreamError {
        self.end();
        error
    }

    /// Frees the Zig side; later polls answer `Done`.
    pub(crate) fn end(&mut self) {
        let state = core::mem::replace(&mut self.state, core::ptr::null_mut());
        self.poll = poll_ended;
        self.left = u32::MAX;
        if !state.is_null() {
            // SAFETY: open until now, and nobody finds it any more.
            unsafe { (self.vtable.drop)(state) };
        }
    }

    pub(crate) fn size_hint(&self) -> (usize, Option<usize>) {
        if self.is_ended() {
            return (0, Some(0));
        }
        let mut hint = RawSizeHint { lower: 0, upper: 0, flags: 0, reserved: 0 };
        // SAFETY: the state is open; `&self` of a type that is not Sync, so no poll runs.
        unsafe { (self.vtable.size_hint)(self.state, &mut hint) };
        let upper = (hint.flags & crate::abi::HAS_UPPER != 0).then_some(hint.upper);
        // An error or a wrong guess in Zig must not make the pair contradict itself.
        (hint.lower.min(upper.unwrap_or(usize::MAX)), upper)
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.end();
    }
}
