//! The memory of one operation, which the future, in Rust, and the completion, mostly in Zig, share.
//! `zig/src/completion.zig` is the other half: same order, same names, same transitions.
//!
//! ```text
//!   bit           meaning                                            set by
//!   CLAIMED       somebody completes: whoever comes second is refused  completion
//!   DONE          the result is there, for ever                        completion
//!   FAILED        it is an error                                       completion, with DONE
//!   DISCONNECTED  it is none: the completion was given up              completion, with DONE
//!   WAITING       the future's task is in the cell `waiter`            future
//!   CANCELED      nobody wants the result any more                     future
//!   TAKEN         the result was taken out                             future, with FUTURE_GONE
//!   FUTURE_GONE   the future touches nothing any more                  future
//!   HANDLE_GONE   the completion touches nothing any more              completion
//!   OBSERVED      there was a waker in the cell `canceler`             completion
//!   REGISTERING   one is being put there; cleared again              completion in Zig
//!   LEFT          it was given up meanwhile                          completion in Zig
//! ```
//!
//! All bits but REGISTERING are only set, never cleared. Who claims writes the result and then sets DONE; who sees DONE reads
//! it. WAITING and DONE are set by read-modify-writes of the same word, so of a future that goes to sleep
//! and a completion that finishes, one sees the other. The second of the two GONE bits frees, and drops what
//! nobody took: the result of a future that was dropped, the buffers that it kept for Zig.
//!
//! Whoever completes sets CLAIMED first, and DONE after the result is written. Zig's `finish` sets both at once where it
//! has to be alone: it gives the completion up, so no other copy is in use, unless there is an observer.
//!
//! In Zig an observer may give the completion up when it is told of a cancellation, also while it is still being
//! registered, on this thread or another. REGISTERING and LEFT put that off until the registration is through. (In
//! Rust the registration borrows the completion, so nobody can give it up.)

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::cell::UnsafeCell;
use core::mem::{ManuallyDrop, MaybeUninit, offset_of};
use core::ptr::{NonNull, from_ref};
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use core::task::Waker;

use super::{FutureError, Outcome};
use crate::abi::{ABI_NUMBER, ItemType, MAGIC_OPERATION, RawError, RawOperation, RawWakerCell};
use crate::item::RegisteredMemory;
use crate::sync::{Word, bug, place};
use crate::waker::WakerCell;

const CLAIMED: u32 = 1;
pub(super) const DONE: u32 = 2;
pub(super) const FAILED: u32 = 4;
const DISCONNECTED: u32 = 8;
const WAITING: u32 = 16;
pub(super) const CANCELED: u32 = 32;
const TAKEN: u32 = 64;
const FUTURE_GONE: u32 = 128;
const HANDLE_GONE: u32 = 256;
const OBSERVED: u32 = 512;

/// An operation with room for its result, and with what Zig works on until its end. A small result stands in one cache
/// line with the word that publishes it: what a thread elsewhere completes moves once each way.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Operation<T: Outcome, B> {
    slot: UnsafeCell<MaybeUninit<T::Slot>>,
    raw: RawOperation,
    kept: UnsafeCell<ManuallyDrop<B>>,
}

impl<T: Outcome, B> Operation<T, B> {
    /// A new one, with a reference for a future and one for a completion. `Err` gives `kept` back: there is no
    /// memory.
    pub(super) fn new(kept: B) -> Result<NonNull<Self>, B> {
        // SAFETY: not of size 0.
        let memory = unsafe { alloc(Layout::new::<Self>()) }.cast::<Self>();
        let Some(memory) = NonNull::new(memory) else { return Err(kept) };
        // SAFETY: fresh, of this layout.
        unsafe { Self::begin(memory, kept) };
        Ok(memory)
    }

    /// The same in the memory of one that is over. `Err` gives `kept` back: the completion has not gone yet; the
    /// reference goes with that.
    ///
    /// # Safety
    ///
    /// The future's reference of an operation whose result was taken by [`result`](Self::result), and whose task was
    /// [let go](Self::let_task_go).
    pub(super) unsafe fn again(this: NonNull<Self>, kept: B) -> Result<NonNull<Self>, B> {
        // SAFETY: the reference keeps it alive; once the completion is gone nobody else knows it.
        unsafe {
            if this.as_ref().raw.load() & HANDLE_GONE == 0 {
                Self::leave_empty(this);
                return Err(kept);
            }
            #[cfg(loom)]
            model::untrack(this.as_ref());
            Self::begin(this, kept);
        }
        Ok(this)
    }

    /// The part that both sides know; it leads back to the whole.
    #[inline]
    pub(super) fn raw(this: NonNull<Self>) -> NonNull<RawOperation> {
        // SAFETY: inside of the memory, of which nothing is read here.
        unsafe { this.byte_add(offset_of!(Self, raw)).cast() }
    }

    /// # Safety
    ///
    /// Memory for one, which nobody else uses.
    unsafe fn begin(memory: NonNull<Self>, kept: B) {
        // SAFETY: the caller's promise.
        unsafe {
            memory.write(Self {
                slot: UnsafeCell::new(T::EMPTY),
                raw: RawOperation {
                    word: Word::new(0),
                    refused: Word::new(0),
                    magic: MAGIC_OPERATION,
                    abi: ABI_NUMBER,
                    progress_lo: Word::new(0),
                    progress_hi: Word::new(0),
                    value: (&raw mut (*memory.as_ptr()).slot).cast(),
                    item: from_ref(<Self as HasType>::TYPE),
                    free: Self::free,
                    waiter: RawWakerCell::NEW,
                    canceler: RawWakerCell::NEW,
                    failure: UnsafeCell::new(RawError::EMPTY),
                },
                kept: UnsafeCell::new(ManuallyDrop::new(kept)),
            });
            #[cfg(loom)]
            model::track(memory.as_ref());
        }
    }

    /// The result, after DONE. Not again.
    ///
    /// # Safety
    ///
    /// `word` was loaded with acquire and has DONE; nobody has taken the result.
    unsafe fn take(&self, word: u32) -> Result<T, FutureError> {
        if word & DISCONNECTED != 0 {
            return Err(FutureError::Disconnected);
        }
        if word & FAILED != 0 {
            place::read(self.raw.failure.get());
            // SAFETY: written before DONE, and never again.
            return Err(FutureError::from_raw(unsafe { &*self.raw.failure.get() }));
        }
        place::read(self.slot.get());
        // SAFETY: written before DONE by who claimed, who was told the type.
        unsafe { T::take(&*self.slot.get(), &RegisteredMemory::ANY) }
            .map_err(FutureError::Malformed)
    }

    /// The result and what was kept, once. `word` is what was loaded.
    ///
    /// # Safety
    ///
    /// As [`take`](Self::take); the caller's reference keeps the operation.
    pub(super) unsafe fn result(this: NonNull<Self>, word: u32) -> (Result<T, FutureError>, B) {
        // SAFETY: the caller's reference keeps it alive; after DONE the completion's side uses neither the result nor
        // what is kept.
        unsafe {
            let operation = this.as_ref();
            let result = operation.take(word);
            (result, ManuallyDrop::take(&mut *operation.kept.get()))
        }
    }

    /// The task is let go: nobody will wake it any more. Its wakers are for the caller to drop.
    ///
    /// # Safety
    ///
    /// The future's reference of an operation whose result was taken.
    pub(super) unsafe fn let_task_go(this: NonNull<Self>) -> [Option<Waker>; 2] {
        // SAFETY: the caller's promise.
        unsafe { this.as_ref().raw.retire_waiter(this.as_ref().raw.load()) }
    }

    /// The future is through with the operation.
    ///
    /// # Safety
    ///
    /// The future's reference, which is used up, of an operation whose result was taken by
    /// [`result`](Self::result).
    pub(super) unsafe fn leave_empty(this: NonNull<Self>) {
        // SAFETY: the caller's reference; if the completion is gone too, it is the last.
        unsafe {
            let word = this.as_ref().raw.load();
            if word & HANDLE_GONE != 0 {
                let _dropped_last = this.as_ref().raw.retire_waiter(word);
                Self::dealloc(this);
            } else {
                RawOperation::leave(Self::raw(this), word, FUTURE_GONE | TAKEN);
            }
        }
    }

    /// What was kept, of an operation that was never handed out.
    ///
    /// # Safety
    ///
    /// Nobody else has a reference; this one is used up.
    pub(super) unsafe fn unstarted(this: NonNull<Self>) -> B {
        // SAFETY: the only reference.
        unsafe {
            let kept = ManuallyDrop::take(&mut *this.as_ref().kept.get());
            Self::dealloc(this);
            kept
        }
    }

    /// # Safety
    ///
    /// The last reference.
    unsafe extern "C" fn free(raw: *mut RawOperation) {
        // SAFETY: a part of an operation of this type, which nobody else knows any more.
        unsafe {
            let this = NonNull::new_unchecked(raw.byte_sub(offset_of!(Self, raw)).cast::<Self>());
            let operation = this.as_ref();
            let word = operation.raw.word.load(Acquire);
            if word & TAKEN == 0 {
                let _freed_also_by_a_panic = Freed(this);
                let kept = ManuallyDrop::take(&mut *operation.kept.get());
                let result = (word & DONE != 0).then(|| operation.take(word));
                drop((result, kept));
            } else {
                Self::dealloc(this);
            }
        }
    }

    /// # Safety
    ///
    /// Nobody knows it any more, and what it held was dropped.
    unsafe fn dealloc(this: NonNull<Self>) {
        #[cfg(loom)]
        // SAFETY: it lives until here.
        model::untrack(unsafe { this.as_ref() });
        // SAFETY: made by `new`. The cells are closed or were never used, so there is nothing in them to drop.
        unsafe { dealloc(this.as_ptr().cast(), Layout::new::<Self>()) };
    }
}

trait HasType {
    const TYPE: &'static ItemType;
}

impl<T: Outcome, B> HasType for Operation<T, B> {
    const TYPE: &'static ItemType = &T::SPEC.as_raw();
}

struct Freed<T: Outcome, B>(NonNull<Operation<T, B>>);

impl<T: Outcome, B> Drop for Freed<T, B> {
    fn drop(&mut self) {
        // SAFETY: `free` made it.
        unsafe { Operation::dealloc(self.0) };
    }
}

impl RawOperation {
    /// Where the future's task waits.
    fn waiter(&self) -> &WakerCell {
        WakerCell::of(&self.waiter)
    }

    /// Where the completion's side waits for a request to stop.
    fn canceler(&self) -> &WakerCell {
        WakerCell::of(&self.canceler)
    }

    #[inline]
    pub(super) fn load(&self) -> u32 {
        self.word.load(Acquire)
    }

    /// How often a second completion was refused.
    #[inline]
    pub(super) fn refused(&self) -> u32 {
        self.refused.load(Relaxed)
    }

    /// How far the completion's side says that it got; its last word once DONE was seen.
    #[inline]
    pub(super) fn progress(&self) -> u64 {
        let (hi, lo) = (self.progress_hi.load(Relaxed), self.progress_lo.load(Relaxed));
        u64::from(hi) << 32 | u64::from(lo)
    }

    /// The task sleeps from now on, unless it is done: then that is the word.
    ///
    /// # Safety
    ///
    /// Only the one future calls this.
    pub(super) unsafe fn wait(&self, waker: &Waker) -> Option<u32> {
        // SAFETY: the one future.
        unsafe { self.waiter().register(waker) };
        let word = if bug(90) {
            self.word.load(Acquire)
        } else {
            self.word.fetch_or(WAITING, AcqRel) | WAITING
        };
        (word & DONE != 0).then_some(word)
    }

    /// Asks the completion's side to stop; it may not.
    pub(super) fn cancel(&self) {
        let before = self.word.fetch_or(CANCELED, AcqRel);
        if before & (CANCELED | DONE) == 0 && !bug(91) {
            self.canceler().wake();
        }
    }

    /// The future goes, with a result that nobody wants.
    ///
    /// # Safety
    ///
    /// The future's reference, which is used up.
    pub(super) unsafe fn abandon(this: NonNull<Self>) {
        // SAFETY: the future's reference keeps it alive until `leave`; only the future closes the cell.
        unsafe {
            // A waker that panics does not keep the operation.
            let leaving = Leaving(this);
            this.as_ref().cancel();
            drop(leaving);
        }
    }

    /// The completion's side asks to be woken when the operation is canceled.
    ///
    /// # Safety
    ///
    /// The completion's reference; no other call of this runs at the same time.
    pub(super) unsafe fn wake_on_cancel(&self, waker: &Waker) {
        let mut will_be_told = self.word.fetch_or(OBSERVED, AcqRel) & CANCELED == 0;
        if will_be_told {
            // SAFETY: the caller's promise.
            unsafe { self.canceler().register(waker) };
            // A cancellation meanwhile may have used its one wake up for who was registered before.
            let canceled = self.load() & CANCELED != 0 && !bug(96);
            // SAFETY: as above.
            will_be_told = !(canceled && unsafe { self.canceler().withdraw() });
        }
        if !will_be_told {
            waker.wake_by_ref();
        }
    }

    /// True for the one who completes.
    pub(super) fn claim(&self) -> bool {
        if self.word.fetch_or(CLAIMED, AcqRel) & CLAIMED == 0 || bug(92) {
            return true;
        }
        self.refused.fetch_add(1, Relaxed);
        false
    }

    /// Writes the result.
    ///
    /// # Safety
    ///
    /// The caller has claimed, and `T` is the type of the result.
    pub(super) unsafe fn write<T>(&self, value: T) {
        let at = self.value.cast::<T>();
        place::write(at);
        // SAFETY: the caller's promise: nobody else reads or writes it before DONE.
        unsafe { at.write(value) };
    }

    /// Publishes what who claimed has written.
    fn publish(&self, flags: u32) {
        let before = self.word.fetch_or(DONE | flags, AcqRel);
        if before & WAITING != 0 && !bug(93) {
            self.waiter().wake();
        }
    }

    /// Writes an error; to be published with [`FAILED`].
    ///
    /// # Safety
    ///
    /// The caller has claimed.
    pub(super) unsafe fn write_error(&self, error: RawError) {
        place::write(self.failure.get());
        // SAFETY: nobody else reads or writes it before DONE.
        unsafe { *self.failure.get() = error };
    }

    /// Publishes, and the completion goes: in one step if nobody waits for either.
    ///
    /// # Safety
    ///
    /// The caller has claimed, and written what `flags` say; the completion's reference, which is used up.
    pub(super) unsafe fn publish_and_go(this: NonNull<Self>, flags: u32) {
        // SAFETY: the completion's reference keeps it alive until its bit is set.
        unsafe {
            let raw = this.as_ref();
            let mut word = raw.load();
            let others = if bug(94) { OBSERVED } else { OBSERVED | FUTURE_GONE } | WAITING;
            while word & others == 0 {
                match raw.word.compare_exchange(word, word | DONE | flags | HANDLE_GONE) {
                    Ok(_) => return,
                    Err(seen) => word = seen,
                }
            }
            let going = HandleLeaving(this);
            raw.publish(flags);
            drop(going);
        }
    }

    /// The completion goes.
    ///
    /// # Safety
    ///
    /// The completion's reference, which is used up.
    pub(super) unsafe fn disconnect(this: NonNull<Self>) {
        // SAFETY: the completion's reference keeps it alive until `leave`; only the completion closes the cell.
        unsafe {
            let raw = this.as_ref();
            let word = raw.load();
            if word & CLAIMED == 0 && raw.word.fetch_or(CLAIMED, AcqRel) & CLAIMED == 0 {
                Self::publish_and_go(this, DISCONNECTED);
            } else {
                Self::leave(this, word, HANDLE_GONE);
            }
        }
    }

    /// # Safety
    ///
    /// Only the future calls this, with what it loaded.
    unsafe fn retire_waiter(&self, word: u32) -> [Option<Waker>; 2] {
        // SAFETY: the one waiter.
        if word & WAITING != 0 { unsafe { self.waiter().retire() } } else { [None, None] }
    }

    /// Sets the bits with which a side goes; the second one frees.
    ///
    /// # Safety
    ///
    /// The reference of that side, which is used up; `word` was loaded with acquire by it.
    unsafe fn leave(this: NonNull<Self>, word: u32, gone: u32) {
        let other = (FUTURE_GONE | HANDLE_GONE) & !gone;
        // SAFETY: alive until both are gone. Who finds the other gone is alone, and has seen all that it did.
        unsafe {
            let raw = this.as_ref();
            let _dropped_last = if gone & FUTURE_GONE != 0 {
                raw.retire_waiter(word)
            } else if word & OBSERVED != 0 {
                raw.canceler().retire()
            } else {
                [None, None]
            };
            let before = raw.word.fetch_or(gone, AcqRel);
            if before & other != 0 || bug(95) {
                (raw.free)(this.as_ptr());
            }
        }
    }
}

/// Leaves, also by the panic of a waker.
struct Leaving(NonNull<RawOperation>);

impl Drop for Leaving {
    fn drop(&mut self) {
        // SAFETY: made by `abandon`, whose reference this is.
        unsafe {
            let word = self.0.as_ref().load();
            RawOperation::leave(self.0, word, FUTURE_GONE);
        }
    }
}

/// The same for the completion.
struct HandleLeaving(NonNull<RawOperation>);

impl Drop for HandleLeaving {
    fn drop(&mut self) {
        // SAFETY: made by `publish_and_go`, whose reference this is.
        unsafe {
            let word = self.0.as_ref().load();
            RawOperation::leave(self.0, word, HANDLE_GONE);
        }
    }
}

#[cfg(loom)]
mod model {
    use super::{Operation, Outcome, WakerCell};
    use crate::sync::model::{free_place, free_word, track_place, track_word};

    pub(super) fn track<T: Outcome, B>(operation: &Operation<T, B>) {
        let raw = &operation.raw;
        for word in [&raw.word, &raw.refused, &raw.progress_lo, &raw.progress_hi] {
            track_word(word, word.initial());
        }
        WakerCell::of(&raw.waiter).track();
        WakerCell::of(&raw.canceler).track();
        track_place(raw.failure.get());
        track_place(operation.slot.get());
    }

    pub(super) fn untrack<T: Outcome, B>(operation: &Operation<T, B>) {
        let raw = &operation.raw;
        for word in [&raw.word, &raw.refused, &raw.progress_lo, &raw.progress_hi] {
            free_word(word);
        }
        WakerCell::of(&raw.waiter).untrack();
        WakerCell::of(&raw.canceler).untrack();
        free_place(raw.failure.get());
        free_place(operation.slot.get());
    }
}
