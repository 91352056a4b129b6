//! Zig functions with a completion, declared once, and what the tests ask of them. `zig/futures.zig` is the
//! other half.
#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::task::Waker;

use zigflow::abi::{RawOperation, RawWaker};
use zigflow::future::ZigCompletion;
use zigflow::{FutureSlot, SlotFuture, ZeroCopyBuffer, ZigFuture};

use crate::Point;

zigflow::zig_future! {
    /// Completes inside of the call.
    pub fn square(n: u32) -> ZigFuture<u64>;
    /// The same in a slot.
    pub fn square_again(in slot: &mut FutureSlot<u64>, n: u32) -> SlotFuture<'_, u64> = square;
    /// The same under a name of its own.
    pub fn area(n: u32) -> ZigFuture<u64> = square;
    /// [`sum`] in a slot.
    pub fn sum_again<'a>(in slot: &'a mut FutureSlot<f64>, text: &str, scale: f64, negate: bool) -> SlotFuture<'a, f64> = sum;
    /// [`fill`] in a slot.
    pub fn fill_again(in slot: &mut FutureSlot<usize, Vec<u8>>, byte: u8, into: Vec<u8>) -> SlotFuture<'_, usize, Vec<u8>> = fill;
    /// [`held`] in a slot.
    pub fn held_again(in slot: &mut FutureSlot<u64>, place: u32) -> SlotFuture<'_, u64> = held;
    /// Completes on a thread.
    pub fn square_later(n: u32) -> ZigFuture<u64>;
    /// `error.Refused`, returned.
    pub fn fails() -> ZigFuture<u64>;
    /// `error.TapeTorn`, on a thread, with progress.
    pub fn fails_later() -> ZigFuture<u64>;
    /// A code.
    pub fn code(number: i32) -> ZigFuture<u64>;
    /// Gives its completion up.
    pub fn gives_up() -> ZigFuture<u64>;
    /// Completes three times.
    pub fn twice() -> ZigFuture<u64>;
    /// Fills the buffer on a thread.
    pub fn fill(byte: u8, into: Vec<u8>) -> ZigFuture<usize, Vec<u8>>;
    /// Exchanges two buffers.
    pub fn exchange(a: Vec<u8>, b: Vec<u8>) -> ZigFuture<(), (Vec<u8>, Vec<u8>)>;
    /// `error.Refused`, returned when its cancellation is observed already.
    pub fn fails_observed() -> ZigFuture<u64>;
    /// Bytes at a multiple of 64.
    pub fn owned_aligned(len: u32) -> ZigFuture<ZeroCopyBuffer>;
    /// Bytes 0, 1, 2, ….
    pub fn owned(len: u32) -> ZigFuture<ZeroCopyBuffer>;
    /// Bytes, from a thread; counted by [`zft_late_living`].
    pub fn owned_later() -> ZigFuture<ZeroCopyBuffer>;
    /// Completes with nothing.
    pub fn nothing() -> ZigFuture<()>;
    /// A struct.
    pub fn point(x: f64, y: f64) -> ZigFuture<Point>;
    /// The bytes' sum, scaled.
    pub fn sum(text: &str, scale: f64, negate: bool) -> ZigFuture<f64>;
    /// A byte where a bool goes.
    pub fn boolean(byte: u8) -> ZigFuture<bool>;
    /// Completes when the test says so: see [`Held`].
    pub fn held(place: u32) -> ZigFuture<u64>;
    /// Completes inside of its cancellation.
    pub fn stops(amount: u64) -> ZigFuture<u64>;
}

/// The same functions, declared otherwise than Zig has them.
pub mod mistaken {
    use zigflow::{FutureSlot, SlotFuture, ZigFuture};

    zigflow::zig_future! {
        /// Another argument.
        pub fn square(n: u64) -> ZigFuture<u64>;
        /// Another result, in a slot.
        pub fn square_in(in slot: &mut FutureSlot<i64>, n: u32) -> SlotFuture<'_, i64> = square;
        /// The right result, in the same slot.
        pub fn twos_complement(in slot: &mut FutureSlot<i64>, n: i64) -> SlotFuture<'_, i64> = negate;
        /// One argument too many.
        pub fn nothing(n: u32) -> ZigFuture<()>;
        /// Another result.
        pub fn twice() -> ZigFuture<i64>;
        /// Lent where Zig wants a buffer.
        pub fn fill(byte: u8, into: &[u8]) -> ZigFuture<usize>;
        /// A buffer where Zig wants lent bytes.
        pub fn sum(text: Vec<u8>, scale: f64, negate: bool) -> ZigFuture<f64, Vec<u8>>;
    }
}

unsafe extern "C" {
    /// How many observers of [`fails_observed`] were let go.
    pub safe fn zft_observers_released() -> u32;
    /// How many buffers of [`owned_aligned`] live.
    pub safe fn zft_aligned_living() -> i32;
    /// How many results of [`owned`] were released.
    pub safe fn zft_future_released() -> u32;
    /// How many threads of [`owned_later`] are through.
    pub safe fn zft_late_done() -> u32;
    /// How many results of [`owned_later`] live.
    pub safe fn zft_late_living() -> i32;
    /// How many observers of [`stops`] are gone.
    pub safe fn zft_stops_gone() -> u32;
    fn zft_held_resolve(place: u32, value: u64) -> bool;
    fn zft_held_progress(place: u32, amount: u64);
    fn zft_held_canceled(place: u32) -> bool;
    fn zft_held_wake_on_cancel(place: u32, waker: &RawWaker);
    fn zft_held_stop_on_cancel(place: u32) -> bool;
    fn zft_held_deinit(place: u32);
    fn zft_open_and_resolve(raw: NonNull<RawOperation>, value: u32) -> u32;
}

/// The completion of [`held`], in Zig.
#[derive(Debug)]
pub struct Held(u32);

impl Held {
    /// The completion and its future. `place` is used by one test.
    pub fn new(place: u32) -> (Self, ZigFuture<u64>) {
        let future = held(place);
        (Self(place), future)
    }

    /// The completion that [`held_again`] has just given to Zig.
    pub fn begun(place: u32) -> Self {
        Self(place)
    }

    /// The same completion once more, which is a mistake when both are dropped.
    pub fn copy(&self) -> Self {
        Self(self.0)
    }

    /// False if there is a result already.
    pub fn resolve(&self, value: u64) -> bool {
        // SAFETY: until `self` is dropped Zig holds a completion there.
        unsafe { zft_held_resolve(self.0, value) }
    }

    /// How far it got.
    pub fn progress(&self, amount: u64) {
        // SAFETY: as above.
        unsafe { zft_held_progress(self.0, amount) }
    }

    /// What Zig sees.
    pub fn is_canceled(&self) -> bool {
        // SAFETY: as above.
        unsafe { zft_held_canceled(self.0) }
    }

    /// Zig asks to be woken.
    pub fn wake_on_cancel(&mut self, waker: &Waker) {
        // SAFETY: as above, and `&mut self`.
        unsafe { zft_held_wake_on_cancel(self.0, &RawWaker::of(waker)) }
    }
}

impl Held {
    /// Zig gives the completion up with `error.Canceled` as soon as it hears of a cancellation.
    pub fn stop_on_cancel(self) {
        // SAFETY: as above; Zig gives it up then.
        assert!(unsafe { zft_held_stop_on_cancel(self.0) });
        std::mem::forget(self);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { zft_held_deinit(self.0) }
    }
}

/// Zig takes the completion over and resolves it: 1; 2 if it is of another type.
pub fn open_and_resolve<T: zigflow::future::Outcome>(
    completion: ZigCompletion<T>,
    value: u32,
) -> u32 {
    // SAFETY: Zig opens it, and owns it then.
    unsafe { zft_open_and_resolve(completion.into_raw(), value) }
}
