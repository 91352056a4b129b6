//! What a function of `autozig!` does with what Zig gave back.

use core::ffi::{CStr, c_char};
use core::mem::MaybeUninit;

use crate::error::ZigError;
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
