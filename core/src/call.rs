//! What a function of `autozig!` does with what Zig gave back.

use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::{CStr, c_char};
use core::mem::MaybeUninit;
use core::pin::Pin;
use core::task::{Context, Poll};

use futures_core::Stream;

use crate::abi::{OwnedItem, RawOperation};
use crate::error::{Malformed, OpenError, StreamError, ZigError};
use crate::future::{Completion, Outcome};
use crate::memory::ZeroCopyBuffer;
use crate::transfer::Transfer;

/// What is handed over to Zig: the function that gets the pointer owns it. Sealed: the pointer is trusted.
///
/// ```compile_fail,E0277
/// struct Wild;
///
/// impl zigflow_core::__private::ForZig for Wild {
///     type Raw = u8;
///
///     fn into_raw(self) -> *mut u8 {
///         core::ptr::null_mut()
///     }
/// }
/// ```
pub trait ForZig: Sealed {
    /// What Zig has a pointer to.
    type Raw;

    /// The pointer. What it points to is not dropped.
    fn into_raw(self) -> *mut Self::Raw;
}

pub trait Sealed {}

/// The pointer to a completion that Zig owns from then on.
pub fn completion_for_zig<T: Outcome>(completion: Completion<T>) -> *mut RawOperation {
    completion.into_zig().into_raw().as_ptr()
}

/// Bytes that Zig owns from then on.
pub fn given_away(buffer: impl Into<ZeroCopyBuffer>) -> OwnedItem {
    buffer.into().into_raw()
}

/// Null is none.
#[inline]
pub fn optional<T>(value: &Option<T>) -> *const T {
    value.as_ref().map_or(core::ptr::null(), core::ptr::from_ref)
}

/// Null is none; an empty slice has an address.
#[inline]
pub fn optional_first<T>(slice: Option<&[T]>) -> *const T {
    slice.map_or(core::ptr::null(), <[T]>::as_ptr)
}

/// 0 if there is none.
#[inline]
pub fn optional_len<T>(slice: Option<&[T]>) -> usize {
    slice.map_or(0, <[T]>::len)
}

/// The bytes of text, if there is some.
#[inline]
pub fn optional_bytes(text: Option<&str>) -> Option<&[u8]> {
    text.map(str::as_bytes)
}

pin_project_lite::pin_project! {
    /// A stream that may not have opened: then why is its one item.
    #[derive(Debug)]
    pub struct MaybeOpen<S> {
        #[pin]
        stream: Option<S>,
        failed: Option<OpenError>,
    }
}

impl<S> From<Result<S, OpenError>> for MaybeOpen<S> {
    fn from(opened: Result<S, OpenError>) -> Self {
        match opened {
            Ok(stream) => Self { stream: Some(stream), failed: None },
            Err(error) => Self { stream: None, failed: Some(error) },
        }
    }
}

impl<T, S: Stream<Item = Result<T, StreamError>>> Stream for MaybeOpen<S> {
    type Item = Result<T, StreamError>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        match this.stream.as_pin_mut() {
            Some(stream) => stream.poll_next(cx),
            None => {
                Poll::Ready(this.failed.take().map(|error| Err(StreamError::InitFailed(error))))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.stream {
            Some(stream) => stream.size_hint(),
            None => (self.failed.is_some().into(), Some(self.failed.is_some().into())),
        }
    }
}

/// The value that a Zig function has written.
///
/// # Safety
///
/// Zig has written it: all of its bits but padding are initialised.
///
/// # Panics
///
/// The bits are no value of the type, as those of an enum that Zig left open may be.
#[inline]
pub unsafe fn returned<T: Transfer>(out: &MaybeUninit<T>, function: &'static str) -> T {
    // SAFETY: aligned, and initialised by the caller's promise.
    if !T::ANY_BITS && !unsafe { T::is_valid(out.as_ptr()) } {
        no_value(function, T::NAME);
    }
    // SAFETY: these bits are a value.
    unsafe { out.assume_init_read() }
}

#[cold]
fn no_value(function: &str, ty: &str) -> ! {
    panic!("the Zig function `{function}` returned bits that are no value of `{ty}`")
}

/// The bytes that a Zig function has given.
///
/// # Safety
///
/// Zig has written it: a `zigflow.OwnedBytes`.
///
/// # Panics
///
/// It is malformed: null with a length, or longer than memory can be.
#[inline]
pub unsafe fn returned_bytes(
    out: &MaybeUninit<OwnedItem>,
    function: &'static str,
) -> ZeroCopyBuffer {
    // SAFETY: the caller's promise, and that of `OwnedBytes` in Zig.
    match unsafe { ZeroCopyBuffer::from_raw(out.assume_init_read()) } {
        Ok(buffer) => buffer,
        Err(what) => malformed(function, what),
    }
}

#[cold]
fn malformed(function: &str, what: Malformed) -> ! {
    panic!("the bytes that the Zig function `{function}` returned are malformed: {what}")
}

/// The items that a Zig function has given, copied.
///
/// # Safety
///
/// Zig has written it: a `zigflow.OwnedSlice(T)`.
///
/// # Panics
///
/// It is malformed, or holds bits that are no value of the type.
#[inline]
pub unsafe fn returned_items<T: Transfer>(
    out: &MaybeUninit<OwnedItem>,
    function: &'static str,
) -> Vec<T> {
    // SAFETY: the caller's promise: it is that of bytes, too.
    match items(unsafe { returned_bytes(out, function) }) {
        Ok(items) => items,
        Err(Malformed::Value) => no_value(function, T::NAME),
        Err(what) => malformed(function, what),
    }
}

/// What a buffer holds, copied to where it is aligned for its type whatever the buffer is.
///
/// # Errors
///
/// `Length`: it is no whole number of items. `Value`: bits that are no value of the type.
pub fn items<T: Transfer>(buffer: ZeroCopyBuffer) -> Result<Vec<T>, Malformed> {
    let (found, expected) = (buffer.len(), size_of::<T>());
    // Of items without a size there is no count.
    let (Some(count), Some(0)) = (found.checked_div(expected), found.checked_rem(expected)) else {
        return Err(Malformed::Length { found, expected });
    };
    let mut items = Vec::<T>::with_capacity(count);
    let copy = items.as_mut_ptr();
    // SAFETY: the buffer has as many bytes as there is room for, `count` times the item's size; nobody else has that room.
    unsafe { copy.cast::<u8>().copy_from_nonoverlapping(buffer.as_ptr(), found) };
    // SAFETY: each of them is in the vector's memory, so aligned, and its bytes were copied.
    if !T::ANY_BITS && !(0..count).all(|i| unsafe { T::is_valid(copy.add(i)) }) {
        return Err(Malformed::Value);
    }
    // SAFETY: so many were copied, and all of them are values.
    unsafe { items.set_len(count) };
    Ok(items)
}

/// The same as text.
///
/// # Errors
///
/// `InvalidUtf8`: it is none.
pub fn text(buffer: &ZeroCopyBuffer) -> Result<String, ZigError> {
    let text = core::str::from_utf8(buffer).map_err(|_| ZigError::new("InvalidUtf8"))?;
    Ok(String::from(text))
}

/// The error whose name this is; null is none.
///
/// # Safety
///
/// Null, or a name of `@errorName`: those are static, and end with a 0.
#[inline]
pub unsafe fn returned_error(name: *const c_char) -> Option<ZigError> {
    // SAFETY: the caller's promise.
    (!name.is_null()).then(|| unsafe { named(name) })
}

#[cold]
unsafe fn named(name: *const c_char) -> ZigError {
    // SAFETY: the caller's promise.
    let name: &'static CStr = unsafe { CStr::from_ptr(name) };
    // Zig's text is UTF-8; `@"…"` could hold other bytes.
    ZigError::new(name.to_str().unwrap_or("an error whose name is no UTF-8"))
}
