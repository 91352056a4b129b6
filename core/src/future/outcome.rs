//! What an operation may result in, and what it may keep.

use alloc::vec::Vec;

use crate::abi::{ArgKind, OwnedItem, RawArg};
use crate::item::Item;
use crate::macros::Argument;
use crate::memory::ZeroCopyBuffer;
use crate::transfer::Transfer;

/// What a [`ZigFuture`](super::ZigFuture) may result in: every [`Transfer`] type, [`ZeroCopyBuffer`] and `()`. It cannot
/// be implemented elsewhere.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no result of a Zig operation",
    label = "neither plain data nor owned bytes nor `()`",
    note = "results are types with `#[derive(Transfer)]`, numbers and `bool`, arrays of these, `ZeroCopyBuffer` and `()`"
)]
pub trait Outcome: Item<Value = Self> + Send {
    /// As Zig would write it.
    #[doc(hidden)]
    fn into_slot(self) -> Self::Slot;
}

impl<T: Transfer> Outcome for T {
    fn into_slot(self) -> T {
        self
    }
}

impl Outcome for ZeroCopyBuffer {
    fn into_slot(self) -> OwnedItem {
        self.into_raw()
    }
}

impl Outcome for () {
    fn into_slot(self) {}
}

/// What an operation keeps for Zig until its end: nothing, or buffers. It comes back with the result. It cannot be
/// implemented elsewhere.
pub trait Kept: Send + 'static + sealed_kept::Sealed {
    /// A result, and what was kept.
    type With<R>;

    /// Puts the two together.
    #[doc(hidden)]
    fn with<R>(self, result: R) -> Self::With<R>;
}

mod sealed_kept {
    pub trait Sealed {}
    impl Sealed for () {}
    impl Sealed for alloc::vec::Vec<u8> {}
    impl<A, B> Sealed for (A, B) {}
}

impl Kept for () {
    type With<R> = R;

    fn with<R>(self, result: R) -> R {
        result
    }
}

impl Kept for Vec<u8> {
    type With<R> = (R, Self);

    fn with<R>(self, result: R) -> (R, Self) {
        (result, self)
    }
}

impl<A: Kept, B: Kept> Kept for (A, B) {
    type With<R> = (R, Self);

    fn with<R>(self, result: R) -> (R, Self) {
        (result, self)
    }
}

/// A Rust type that a Zig function with a completion takes: those of a source's `open`, and `Vec<u8>`, which is a
/// `[]u8` of its length there and stays where it is until the completion. Sealed: Zig trusts the form that it gets.
pub trait FutureArgument: sealed_argument::Sealed {
    /// What stays.
    type Keep;
    /// Its form on the border; bytes are valid as long as the argument, those of a buffer as long as what is kept.
    #[doc(hidden)]
    fn to_raw(&mut self) -> RawArg;
    /// What stays of it.
    #[doc(hidden)]
    fn keep(self) -> Self::Keep;
}

mod sealed_argument {
    pub trait Sealed {}
    impl<A: crate::macros::Argument> Sealed for A {}
    impl Sealed for alloc::vec::Vec<u8> {}
}

impl<A: Argument> FutureArgument for A {
    type Keep = ();

    fn to_raw(&mut self) -> RawArg {
        Argument::to_raw(self)
    }

    fn keep(self) {}
}

impl FutureArgument for Vec<u8> {
    type Keep = Self;

    fn to_raw(&mut self) -> RawArg {
        RawArg {
            kind: ArgKind::Buffer as u32,
            bits: 0,
            lo: 0,
            hi: 0,
            ptr: self.as_mut_ptr().cast_const(),
            len: self.len(),
        }
    }

    fn keep(self) -> Self {
        self
    }
}

/// Adds one more thing to what is kept.
#[diagnostic::on_unimplemented(
    message = "an operation keeps two buffers at most",
    label = "a third `Vec<u8>`",
    note = "pass the third as `&[u8]` if Zig only reads it during the call, or put two into one"
)]
#[doc(hidden)]
pub trait KeepToo<More> {
    /// Both.
    type Both;
    /// Puts them together.
    fn keep_too(self, more: More) -> Self::Both;
}

impl<More> KeepToo<More> for () {
    type Both = More;

    fn keep_too(self, more: More) -> More {
        more
    }
}

impl KeepToo<()> for Vec<u8> {
    type Both = Self;

    fn keep_too(self, (): ()) -> Self {
        self
    }
}

impl KeepToo<Self> for Vec<u8> {
    type Both = (Self, Self);

    fn keep_too(self, more: Self) -> (Self, Self) {
        (self, more)
    }
}

impl<A, B> KeepToo<()> for (A, B) {
    type Both = Self;

    fn keep_too(self, (): ()) -> Self {
        self
    }
}
