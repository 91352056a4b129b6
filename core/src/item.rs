//! What can be an item of a [`ZigStream`](crate::ZigStream): plain values, copied bytes, owned bytes.

use alloc::vec::Vec;
use core::mem::MaybeUninit;

use crate::abi::{ItemKind, OwnedItem, StreamItem, StreamState};
use crate::buffer::ZeroCopyBuffer;
use crate::error::{Malformed, Registered, check_slice};

/// Plain data that both languages read in place.
///
/// # Safety
///
/// The type has the layout of the Zig type called [`NAME`](Self::NAME) (`repr(C)` for an
/// `extern struct`), holds no pointer, has no padding that must be initialised, and
/// [`is_valid`](Self::is_valid) returns true only for bits that are a value of the type.
pub unsafe trait Transfer: Copy + Send + 'static {
    /// The type's name in Zig, without its namespace; compared when a source is opened.
    const NAME: &'static str;

    /// True when all bits are a value of the type: then nothing is checked.
    const ANY_BITS: bool = false;

    /// Whether the bits at `at` are a value of the type.
    ///
    /// # Safety
    ///
    /// `at` is aligned and points to a value of the Zig type: initialised but for padding.
    unsafe fn is_valid(at: *const Self) -> bool;
}

macro_rules! plain {
    ($($type:ident)*) => {$(
        // SAFETY: the same primitive in Zig; all bits are values.
        unsafe impl Transfer for $type {
            const NAME: &'static str = stringify!($type);
            const ANY_BITS: bool = true;

            #[inline(always)]
            unsafe fn is_valid(_at: *const Self) -> bool {
                true
            }
        }
    )*};
}

plain! { u8 u16 u32 u64 usize i8 i16 i32 i64 isize f32 f64 }

// SAFETY: one byte in both languages; only 0 and 1 are values.
unsafe impl Transfer for bool {
    const NAME: &'static str = "bool";

    unsafe fn is_valid(at: *const Self) -> bool {
        // SAFETY: one initialised byte.
        unsafe { *at.cast::<u8>() <= 1 }
    }
}

/// What an item type asks of a source.
#[derive(Clone, Copy, Debug)]
pub struct ItemSpec {
    pub(crate) kind: ItemKind,
    pub(crate) size: usize,
    pub(crate) alignment: usize,
    /// In Zig, without its namespace; what the error says.
    pub(crate) name: &'static str,
}

mod sealed {
    pub trait Sealed {}
}

/// A type that [`ZigStream`](crate::ZigStream) can yield: every [`Transfer`] type, `Vec<u8>` (a copy of
/// lent bytes) and [`ZeroCopyBuffer`] (owned bytes). It cannot be implemented elsewhere.
///
/// Bytes that are lent rather than owned are read through [`ByteStream`](crate::ByteStream).
pub trait Item: Sized + 'static + sealed::Sealed {
    /// What the stream yields: the type itself, but for [`Copied`].
    type Value;
    /// What the source must yield.
    #[doc(hidden)]
    const SPEC: ItemSpec;
    /// Where a poll writes.
    #[doc(hidden)]
    type Slot: Copy;
    /// A slot before the poll.
    #[doc(hidden)]
    const EMPTY: MaybeUninit<Self::Slot>;

    /// Forms the item of a poll that answered ready.
    ///
    /// # Errors
    ///
    /// [`Malformed`]: what came is no item.
    ///
    /// # Safety
    ///
    /// A source of [`SPEC`](Self::SPEC) has filled the slot.
    #[doc(hidden)]
    unsafe fn take(
        slot: &MaybeUninit<Self::Slot>,
        registered: &RegisteredMemory,
    ) -> Result<Self::Value, Malformed>;
}

/// An item type that is made of lent bytes: `Vec<u8>` and [`Copied`].
pub trait LentItem: Item<Slot = StreamItem> {}

/// The memory in which a source's lent bytes lie, if it said so.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct RegisteredMemory(pub(crate) Registered);

impl<T: Transfer> sealed::Sealed for T {}
impl<T: Transfer> sealed::Sealed for Copied<T> {}
impl sealed::Sealed for Vec<u8> {}
impl sealed::Sealed for ZeroCopyBuffer {}

impl<T: Transfer> Item for T {
    type Value = T;
    const SPEC: ItemSpec = ItemSpec {
        kind: ItemKind::Plain,
        size: size_of::<T>(),
        alignment: align_of::<T>(),
        name: T::NAME,
    };
    type Slot = T;
    const EMPTY: MaybeUninit<T> = MaybeUninit::uninit();

    #[inline(always)]
    unsafe fn take(slot: &MaybeUninit<T>, _: &RegisteredMemory) -> Result<T, Malformed> {
        // SAFETY: the slot is aligned, and a plain source has written all of it but padding.
        if unsafe { !T::is_valid(slot.as_ptr()) } {
            return Err(Malformed::Value);
        }
        // SAFETY: written, and a value of T.
        Ok(unsafe { slot.assume_init_read() })
    }
}

/// Values of `T` that arrive as lent bytes, each `size_of::<T>()` long and aligned: the items are `T`.
#[derive(Debug)]
pub struct Copied<T>(core::convert::Infallible, core::marker::PhantomData<T>);

impl<T: Transfer> LentItem for Copied<T> {}

impl<T: Transfer> Item for Copied<T> {
    type Value = T;
    const SPEC: ItemSpec = LENT;
    type Slot = StreamItem;
    const EMPTY: MaybeUninit<StreamItem> = MaybeUninit::new(StreamItem::EMPTY);

    unsafe fn take(
        slot: &MaybeUninit<StreamItem>,
        registered: &RegisteredMemory,
    ) -> Result<T, Malformed> {
        // SAFETY: initialised before the poll; every field is a plain number. The slice does not
        // outlive this function.
        let bytes = unsafe { lent_slice(slot.assume_init_ref(), registered) }?;
        let expected = size_of::<T>();
        if bytes.len() != expected {
            return Err(Malformed::Length { found: bytes.len(), expected });
        }
        let at = if expected == 0 { core::ptr::dangling() } else { bytes.as_ptr().cast::<T>() };
        if !at.is_aligned() {
            return Err(Malformed::Misaligned);
        }
        // SAFETY: aligned, of the right length, and initialised as every slice.
        if unsafe { !T::is_valid(at) } {
            return Err(Malformed::Value);
        }
        // SAFETY: as above, and a value of T.
        Ok(unsafe { at.read() })
    }
}

impl LentItem for Vec<u8> {}

impl Item for Vec<u8> {
    type Value = Self;
    const SPEC: ItemSpec = LENT;
    type Slot = StreamItem;
    const EMPTY: MaybeUninit<StreamItem> = MaybeUninit::new(StreamItem::EMPTY);

    unsafe fn take(
        slot: &MaybeUninit<StreamItem>,
        registered: &RegisteredMemory,
    ) -> Result<Self, Malformed> {
        // SAFETY: initialised before the poll; every field is a plain number. The slice does not
        // outlive this function.
        unsafe { lent_slice(slot.assume_init_ref(), registered) }.map(<[u8]>::to_vec)
    }
}

/// What a lending source yields.
pub(crate) const LENT: ItemSpec = ItemSpec {
    kind: ItemKind::Lent,
    size: size_of::<StreamItem>(),
    alignment: align_of::<StreamItem>(),
    name: "[]const u8",
};

/// The bytes of a lent item, for as long as the caller knows them to live.
///
/// # Errors
///
/// [`Malformed`]; nothing was read.
///
/// # Safety
///
/// If the pointer and length pass the checks, the bytes are there, unchanged, for `'a`.
pub(crate) unsafe fn lent_slice<'a>(
    item: &StreamItem,
    memory: &RegisteredMemory,
) -> Result<&'a [u8], Malformed> {
    if item.state != StreamState::Ready as u32 {
        return Err(Malformed::State(item.state));
    }
    check_slice(item.data_ptr, item.data_len, &memory.0)?;
    if item.data_len == 0 {
        return Ok(&[]);
    }
    // SAFETY: not null, not too long; the caller's promise for the rest.
    Ok(unsafe { core::slice::from_raw_parts(item.data_ptr, item.data_len) })
}

impl Item for ZeroCopyBuffer {
    type Value = Self;
    const SPEC: ItemSpec = ItemSpec {
        kind: ItemKind::Owned,
        size: size_of::<OwnedItem>(),
        alignment: align_of::<OwnedItem>(),
        name: "OwnedBytes",
    };
    type Slot = OwnedItem;
    const EMPTY: MaybeUninit<OwnedItem> = MaybeUninit::new(OwnedItem::EMPTY);

    unsafe fn take(slot: &MaybeUninit<OwnedItem>, _: &RegisteredMemory) -> Result<Self, Malformed> {
        // SAFETY: initialised before the poll; plain numbers and pointers, and a nullable function.
        let item = unsafe { slot.assume_init() };
        // SAFETY: the source gives it away.
        unsafe { Self::from_raw(item) }
    }
}
