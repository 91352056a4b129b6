//! Values of Zig's that Rust owns without knowing what they hold: `type Name;` in `autozig!`.

use core::ffi::c_void;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

/// A type that `autozig!` declares for one of Zig's.
///
/// # Safety
///
/// [`end`](Self::end) ends a value that a Zig function has made for a [`Handle<Self>`].
pub unsafe trait ZigType {
    /// Ends the value.
    ///
    /// # Safety
    ///
    /// It is a value of the type, which nobody uses any more.
    unsafe fn end(zig: *mut c_void);
}

/// Owns the value, and ends it. Neither `Send` nor `Sync`: the type that holds it says what it is.
pub struct Handle<T: ZigType> {
    zig: NonNull<c_void>,
    holder: PhantomData<*mut T>,
}

impl<T: ZigType> Handle<T> {
    /// What a Zig function has made.
    ///
    /// # Safety
    ///
    /// Zig has written the pointer to a value of the type, which is now the handle's own.
    pub unsafe fn returned(out: &MaybeUninit<*mut c_void>) -> Self {
        // SAFETY: the caller's promise; a pointer to a value is not null.
        let zig = unsafe { NonNull::new_unchecked(out.assume_init_read()) };
        Self { zig, holder: PhantomData }
    }

    /// For a function that only reads.
    pub fn as_ptr(&self) -> *const c_void {
        self.zig.as_ptr()
    }

    /// For a function that alters it.
    pub fn as_mut_ptr(&mut self) -> *mut c_void {
        self.zig.as_ptr()
    }
}

impl<T: ZigType> Drop for Handle<T> {
    fn drop(&mut self) {
        // SAFETY: the handle owns it, and goes.
        unsafe { T::end(self.zig.as_ptr()) };
    }
}

impl<T: ZigType> core::fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Handle").field(&self.zig).finish()
    }
}
