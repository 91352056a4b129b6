//! What can be an item of a [`ZigStream`](crate::ZigStream): plain values, copied bytes, owned bytes.

use alloc::vec::Vec;
use core::mem::MaybeUninit;
use core::slice;

use crate::abi::{ItemKind, ItemType, OwnedItem, StreamItem, StreamState};
use crate::error::{Malformed, OpenError, Registered, check_slice, static_str};
use crate::memory::{LocalZeroCopyBuffer, ZeroCopyBuffer};
use crate::shape::shape_matches;
use crate::transfer::Transfer;

/// What an item type asks of a source.
#[derive(Clone, Copy, Debug)]
pub struct ItemSpec {
    pub(crate) kind: ItemKind,
    pub(crate) size: usize,
    pub(crate) alignment: usize,
    /// In Zig, without its namespace; what the error says.
    pub(crate) name: &'static str,
    /// 0: unknown.
    pub(crate) shape: u32,
}

impl ItemSpec {
    /// Its form on the border.
    pub(crate) const fn as_raw(&self) -> ItemType {
        ItemType {
            kind: self.kind as u32,
            size: self.size as u32,
            alignment: self.alignment as u32,
            name_len: self.name.len() as u32,
            shape: self.shape,
            reserved: 0,
            name_ptr: self.name.as_ptr(),
        }
    }

    /// Whether Zig's items are these.
    ///
    /// # Errors
    ///
    /// [`OpenError::Item`] names both types; [`OpenError::Malformed`] where Zig's has no name.
    #[inline]
    pub(crate) fn matches(&self, found: &ItemType) -> Result<(), OpenError> {
        // Every call of a function compares: with a constant spec this is a few loads.
        if self.is_alike(found) && shape_matches(self.shape, found.shape) && self.is_name_of(found)
        {
            return Ok(());
        }
        self.compare(found)
    }

    fn is_alike(&self, found: &ItemType) -> bool {
        found.kind == self.kind as u32
            && found.size as usize == self.size
            && found.alignment as usize == self.alignment
    }

    #[inline]
    fn is_name_of(&self, found: &ItemType) -> bool {
        if found.name_ptr.is_null() || found.name_len > u16::MAX.into() {
            return false;
        }
        // SAFETY: not null; static text of a static type description.
        let zig = unsafe { slice::from_raw_parts(found.name_ptr, found.name_len as usize) };
        ends_in_name(self.name.as_bytes(), zig)
    }

    #[cold]
    fn compare(&self, found: &ItemType) -> Result<(), OpenError> {
        // SAFETY: static text of a static type description.
        let zig = unsafe { static_str(found.name_ptr, found.name_len as usize) };
        let zig = zig.ok_or(OpenError::Malformed(Malformed::Error))?;
        let alike = self.is_alike(found) && same_name(self.name, zig);
        if alike && shape_matches(self.shape, found.shape) {
            return Ok(());
        }
        Err(OpenError::Item { zig, rust: self.name, fields: alike })
    }
}

/// [`same_name`] where that is seen at once; false also where it takes a longer look.
#[inline]
fn ends_in_name(rust: &[u8], zig: &[u8]) -> bool {
    let Some(namespace) = zig.len().checked_sub(rust.len()) else { return false };
    zig[namespace..] == *rust && (namespace == 0 || (zig[namespace - 1] == b'.' && zig[0] != b'['))
}

/// `[3]module.Point` in Zig is `[3]Point`; which module does not count.
fn same_name(rust: &str, zig: &str) -> bool {
    match (rust.strip_prefix('['), zig.strip_prefix('[')) {
        (Some(rust), Some(zig)) => match (rust.split_once(']'), zig.split_once(']')) {
            (Some(rust), Some(zig)) => rust.0 == zig.0 && same_name(rust.1, zig.1),
            _ => false,
        },
        (None, None) => zig == rust || zig.rsplit('.').next() == Some(rust),
        _ => false,
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A type that [`ZigStream`](crate::ZigStream) can yield: every [`Transfer`] type, `Vec<u8>` (a copy of
/// lent bytes) and [`ZeroCopyBuffer`] (owned bytes). It cannot be implemented elsewhere.
///
/// Bytes that are lent rather than owned are read through [`ByteStream`](crate::ByteStream).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no item of a Zig source",
    label = "neither plain data nor bytes",
    note = "items are types with `#[derive(Transfer)]`, numbers and `bool`, arrays of these, `Vec<u8>` and `ZeroCopyBuffer`; `ByteStream` reads bytes in place"
)]
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

impl RegisteredMemory {
    /// Any memory.
    pub(crate) const ANY: Self = Self(Registered::ANY);
}

impl<T: Transfer> sealed::Sealed for T {}
impl<T: Transfer> sealed::Sealed for Copied<T> {}
impl sealed::Sealed for Vec<u8> {}
impl sealed::Sealed for ZeroCopyBuffer {}
impl sealed::Sealed for LocalZeroCopyBuffer {}
impl sealed::Sealed for () {}

/// Nothing: what an operation may result in. No source yields it.
impl Item for () {
    type Value = Self;
    const SPEC: ItemSpec =
        ItemSpec { kind: ItemKind::Plain, size: 0, alignment: 1, name: "void", shape: 0 };
    type Slot = ();
    const EMPTY: MaybeUninit<()> = MaybeUninit::new(());

    unsafe fn take(_: &MaybeUninit<()>, _: &RegisteredMemory) -> Result<Self, Malformed> {
        Ok(())
    }
}

impl<T: Transfer> Item for T {
    type Value = T;
    const SPEC: ItemSpec = ItemSpec {
        kind: ItemKind::Plain,
        size: size_of::<T>(),
        alignment: align_of::<T>(),
        name: T::NAME,
        shape: T::SHAPE,
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
    shape: 0,
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
        shape: 0,
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

/// Of a source that is not `sendable`: Zig compiles no other one, so that no [`Sendable`](crate::Sendable) stream of these
/// opens, and the others stay on the thread where Zig made the bytes.
impl Item for LocalZeroCopyBuffer {
    type Value = Self;
    const SPEC: ItemSpec = ItemSpec { name: "LocalBytes", ..ZeroCopyBuffer::SPEC };
    type Slot = OwnedItem;
    const EMPTY: MaybeUninit<OwnedItem> = MaybeUninit::new(OwnedItem::EMPTY);

    unsafe fn take(slot: &MaybeUninit<OwnedItem>, _: &RegisteredMemory) -> Result<Self, Malformed> {
        // SAFETY: as for `ZeroCopyBuffer`.
        let item = unsafe { slot.assume_init() };
        // SAFETY: the source gives it away, and is on this thread.
        unsafe { Self::from_raw(item) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_of_a_zig_type_does_not_count() {
        for (rust, zig) in [
            ("u32", "u32"),
            ("Point", "zigflow_user0.geo.Point"),
            ("[3]Point", "[3]geo.Point"),
            ("[3][2]Point", "[3][2]Point"),
            ("[]const u8", "[]const u8"),
        ] {
            assert!(same_name(rust, zig), "{rust} {zig}");
        }
        for (rust, zig) in
            [("u32", "u32"), ("Point", "zigflow_user0.geo.Point"), ("[3]u8", "[3]u8")]
        {
            assert!(ends_in_name(rust.as_bytes(), zig.as_bytes()), "{rust} {zig}");
        }
        for (rust, zig) in [
            ("u32", "i32"),
            ("Point", "geo.BigPoint"),
            ("[3]Point", "[2]geo.Point"),
            ("[3]Point", "geo.Point"),
            ("Point", "[3]geo.Point"),
            ("[3][2]u8", "[2][3]u8"),
            ("[3]u8", "[3:0]u8"),
            ("Point", "[1]geo.Point"),
        ] {
            assert!(!same_name(rust, zig), "{rust} {zig}");
            assert!(!ends_in_name(rust.as_bytes(), zig.as_bytes()), "{rust} {zig}");
        }
    }
}
