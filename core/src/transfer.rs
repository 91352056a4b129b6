//! Plain data that both languages read in place.

use crate::shape::Shape;

/// Plain data that both languages read in place: numbers, `bool`, arrays, and the structs and enums that
/// derive it.
///
/// With the feature `derive`, `#[derive(Transfer)]` implements it for
///
/// - a `#[repr(C)]` struct with named fields: an `extern struct` of Zig;
/// - an enum without data and with a `#[repr(u8)]` or another integer: an `enum(u8)` of Zig;
/// - a `#[repr(transparent)]` struct of one field: in Zig it is that field's type.
///
/// ```text
/// #[derive(Clone, Copy, Transfer)]
/// #[repr(C)]
/// struct Reading {
///     millikelvin: u32,
///     quality: Quality,
/// }
///
/// #[derive(Clone, Copy, Transfer)]
/// #[repr(u8)]
/// enum Quality {
///     Good,
///     Doubtful,
/// }
/// ```
///
/// The derive names its items by the path `::zigflow`; `#[transfer(crate = zigflow_core)]` on the type says
/// another. `zigflow_build::Build::types` writes the equal types in Zig.
///
/// Every value of its fields is a value of a type that derives it: whoever sends from Zig does not go
/// through the type's constructors.
///
/// # Safety
///
/// The type has the layout of the Zig type called [`NAME`](Self::NAME) (`repr(C)` for an
/// `extern struct`), holds no pointer, has no padding that must be initialised, and
/// [`is_valid`](Self::is_valid) returns true only for bits that are a value of the type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not cross between Rust and Zig",
    label = "no plain data that both languages read in place",
    note = "what crosses: integers of 8 to 64 bits, `usize`, `isize`, `f32`, `f64`, `bool`, arrays of what crosses, and types with `#[derive(Transfer)]`",
    note = "what does not: pointers and references, `char`, `String`, `Vec`, `Box`, and whatever else owns memory"
)]
pub unsafe trait Transfer: Copy + Send + 'static {
    /// The type's name in Zig, without its namespace; compared when a source is opened.
    const NAME: &'static str;

    /// A hash of the fields, compared with that of the Zig type when a source is opened. 0, as by
    /// default: unknown, and not compared. The derive makes it.
    const SHAPE: u32 = 0;

    /// True when all bits are a value of the type: then nothing is checked item by item.
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
            const SHAPE: u32 = Shape::named(Self::NAME);
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
    const SHAPE: u32 = Shape::named(Self::NAME);

    #[inline(always)]
    unsafe fn is_valid(at: *const Self) -> bool {
        // SAFETY: one initialised byte.
        unsafe { *at.cast::<u8>() <= 1 }
    }
}

// SAFETY: elements without a gap in both languages; valid if each one is.
unsafe impl<T: Transfer, const N: usize> Transfer for [T; N] {
    const NAME: &'static str = <Self as Named>::TEXT.as_str();
    const SHAPE: u32 = Shape::array(N, size_of::<T>(), T::SHAPE);
    const ANY_BITS: bool = T::ANY_BITS;

    #[inline]
    unsafe fn is_valid(at: *const Self) -> bool {
        let first = at.cast::<T>();
        // SAFETY: each of the N elements is aligned and initialised as the whole is.
        (0..N).all(|i| unsafe { T::is_valid(first.add(i)) })
    }
}

/// `[3]Point`: text that is put together when the program is compiled.
struct ArrayName {
    text: [u8; 256],
    len: usize,
}

/// Where the name of each array type stands.
trait Named {
    const TEXT: &'static ArrayName;
}

impl<T: Transfer, const N: usize> Named for [T; N] {
    const TEXT: &'static ArrayName = &ArrayName::new(N, T::NAME);
}

impl ArrayName {
    const fn as_str(&'static self) -> &'static str {
        match core::str::from_utf8(self.text.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => unreachable!(),
        }
    }

    const fn new(count: usize, element: &str) -> Self {
        let mut digits = 1;
        while count / 10_usize.pow(digits as u32 - 1) >= 10 {
            digits += 1;
        }
        let element = element.as_bytes();
        let mut name = Self { text: [0; 256], len: digits + 2 + element.len() };
        assert!(name.len <= name.text.len(), "the name of an array type is too long");
        name.text[0] = b'[';
        let (mut rest, mut i) = (count, digits);
        while i > 0 {
            name.text[i] = b'0' + (rest % 10) as u8;
            rest /= 10;
            i -= 1;
        }
        name.text[digits + 1] = b']';
        while i < element.len() {
            name.text[digits + 2 + i] = element[i];
            i += 1;
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_named_as_in_zig() {
        assert_eq!(<[u8; 0]>::NAME, "[0]u8");
        assert_eq!(<[u8; 9]>::NAME, "[9]u8");
        assert_eq!(<[bool; 10]>::NAME, "[10]bool");
        assert_eq!(<[[f32; 3]; 12_345]>::NAME, "[12345][3]f32");
        assert_eq!(<[Nothing; usize::MAX]>::NAME, alloc::format!("[{}]Nothing", usize::MAX));
    }

    #[derive(Clone, Copy)]
    struct Nothing;

    // SAFETY: nothing to read.
    unsafe impl Transfer for Nothing {
        const NAME: &'static str = "Nothing";

        unsafe fn is_valid(_at: *const Self) -> bool {
            true
        }
    }

    #[test]
    fn an_array_is_valid_if_each_element_is() {
        let is_valid = |bytes: [u8; 3]| {
            // SAFETY: three initialised bytes, which bools are as large as.
            unsafe { <[bool; 3]>::is_valid(bytes.as_ptr().cast()) }
        };
        assert!(is_valid([0, 1, 1]));
        for wrong in [[2, 0, 0], [0, 2, 0], [0, 0, 255]] {
            assert!(!is_valid(wrong));
        }
    }

    #[test]
    fn primitives_have_shapes_of_their_own() {
        let shapes = [u64::SHAPE, usize::SHAPE, i64::SHAPE, f64::SHAPE, <[u8; 8]>::SHAPE];
        for (i, shape) in shapes.iter().enumerate() {
            assert!(*shape != 0 && !shapes[..i].contains(shape));
        }
    }
}
