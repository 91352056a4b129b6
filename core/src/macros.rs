//! Declaring Zig sources in Rust.

use crate::abi::{ArgKind, RawArg};

/// It comes with a feature, and this says so.
#[cfg(not(feature = "macros"))]
#[doc(hidden)]
#[macro_export]
macro_rules! autozig {
    ($($anything:tt)*) => {
        ::core::compile_error!(
            "`autozig!` needs the feature `macros` of zigflow: `features = [\"macros\"]` in Cargo.toml"
        );
    };
}

/// The same.
#[cfg(not(feature = "macros"))]
#[doc(hidden)]
#[macro_export]
macro_rules! include_zig {
    ($($anything:tt)*) => {
        ::core::compile_error!(
            "`include_zig!` needs the feature `macros` of zigflow: `features = [\"macros\"]` in Cargo.toml"
        );
    };
}

/// Declares functions that open Zig sources.
///
/// Each line names a source that some Zig file of this package binds with
/// `zigflow.source(Type, "name")`, with the arguments of that type's `open`, and what its items are read as:
/// [`ZigStream<T>`](crate::ZigStream), [`ByteStream`](crate::ByteStream), or a `Local` one. The function returns a
/// `Result` with an [`OpenError`](crate::OpenError): argument types, item type and thread rules are compared with
/// Zig's when it is called.
///
/// The package needs a build script that calls `zigflow_build::compile`; a source that no Zig file has is a
/// compile error here.
///
/// ```text
/// zigflow::zig_source! {
///     /// Counts from `from` up to, not including, `to`.
///     pub fn counter(from: u64, to: u64) -> ZigStream<u64>;
/// }
/// ```
#[macro_export]
macro_rules! zig_source {
    ($(
        $(#[$meta:meta])*
        $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $stream:ty;
    )*) => {$(
        $(#[$meta])*
        ///
        /// # Errors
        ///
        /// `OpenError`; nothing is left open.
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $type),*) -> ::core::result::Result<$stream, $crate::OpenError> {
            #[allow(unused_imports, missing_docs)]
            mod sources_bound_in_zig {
                use $crate::{__zig_nothing as __zig_futures, __zig_sources};
                ::core::include!(::core::env!(
                    "ZIGFLOW_SOURCES",
                    "this package compiled no Zig: add `zigflow-build` to its [build-dependencies] and \
                     a build.rs with `fn main() { zigflow_build::compile(\"src\"); }`"
                ));
            }
            // SAFETY: these symbols were exported by `zigflow.source`: the build script read
            // their names from the archive.
            unsafe {
                <$stream as $crate::__private::OpenSource>::open_source(
                    &raw const sources_bound_in_zig::$name,
                    &[$($crate::__private::Argument::to_raw(&$arg)),*],
                )
            }
        }
    )*};
}

/// Declares Zig functions that give their result later.
///
/// Each line names a function that some Zig file of this package binds with `zigflow.future(function, "name")`, with
/// its arguments but for the completion, and [`ZigFuture<T>`](crate::ZigFuture) of what it completes with. It may
/// take what a source's `open` takes, and `Vec<u8>`, a `[]u8` in Zig, which the operation keeps and gives back: then the
/// type is `ZigFuture<T, Vec<u8>>` and the output `(Result<T, FutureError>, Vec<u8>)`.
///
/// The operation begins with the call. Argument types and the result's are compared with Zig's then: a mistake is a
/// [`FutureError`](crate::FutureError) as the result. Of two buffers the type is `(Vec<u8>, Vec<u8>)`; there are no more.
/// A buffer is as long in Zig as the `Vec` is, whatever its capacity.
///
/// `= name` at the end of a line says which Zig function is meant, if Rust calls it otherwise. With a first argument `in
/// slot: &'a mut FutureSlot<…>` the operation stands in the memory of the one before, if that is free, and the function
/// returns a [`SlotFuture`](crate::SlotFuture).
///
/// ```text
/// zigflow::zig_future! {
///     /// Reads from `offset` on, and says how much.
///     pub fn read(path: &str, offset: u64, into: Vec<u8>) -> ZigFuture<u64, Vec<u8>>;
///     /// The same in a slot.
///     pub fn read_again<'a>(in slot: &'a mut FutureSlot<u64, Vec<u8>>, path: &str, offset: u64, into: Vec<u8>)
///         -> SlotFuture<'a, u64, Vec<u8>> = read;
/// }
/// ```
#[macro_export]
macro_rules! zig_future {
    // A list without slots needs no recursion, however long it is.
    ($(
        $(#[$meta:meta])*
        $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $future:ty $(= $zig:ident)?;
    )*) => {$(
        $(#[$meta])*
        #[allow(clippy::too_many_arguments, unused_mut)]
        $vis fn $name($(mut $arg: $type),*) -> $future {
            $crate::__zig_start!($($zig)? $name, $future, (), [$($arg)*])
        }
    )*};
    (
        $(#[$meta:meta])*
        $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $future:ty $(= $zig:ident)?;
        $($rest:tt)*
    ) => {
        $crate::zig_future! {
            $(#[$meta])*
            $vis fn $name($($arg: $type),*) -> $future $(= $zig)?;
        }
        $crate::zig_future! { $($rest)* }
    };
    (
        $(#[$meta:meta])*
        $vis:vis fn $name:ident $(<$life:lifetime>)? (
            in $slot:ident: $place:ty $(, $arg:ident: $type:ty)* $(,)?
        ) -> $future:ty $(= $zig:ident)?;
        $($rest:tt)*
    ) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments, unused_mut)]
        $vis fn $name $(<$life>)? ($slot: $place $(, mut $arg: $type)*) -> $future {
            $crate::__zig_start!($($zig)? $name, $future, $slot, [$($arg)*])
        }
        $crate::zig_future! { $($rest)* }
    };
}

/// The body of a function that begins an operation. Of two names the first counts.
#[doc(hidden)]
#[macro_export]
macro_rules! __zig_start {
    ($zig:ident $name:ident, $($more:tt)*) => {
        $crate::__zig_start!($zig, $($more)*)
    };
    ($zig:ident, $future:ty, $place:expr, [$($arg:ident)*]) => {{
        #[allow(unused_imports, missing_docs)]
        mod futures_bound_in_zig {
            use $crate::{__zig_futures, __zig_nothing as __zig_sources};
            ::core::include!(::core::env!(
                "ZIGFLOW_SOURCES",
                "this package compiled no Zig: add `zigflow-build` to its [build-dependencies] and \
                 a build.rs with `fn main() { zigflow_build::compile(\"src\"); }`"
            ));
        }
        let arguments = [$($crate::__private::FutureArgument::to_raw(&mut $arg)),*];
        let kept = ();
        $(let kept = $crate::__private::KeepToo::keep_too(
            kept,
            $crate::__private::FutureArgument::keep($arg),
        );)*
        let function = &raw const futures_bound_in_zig::$zig;
        // SAFETY: this symbol was exported by `zigflow.future`: the build script read its name from the
        // archive. What the arguments point to outlives the call, or is kept.
        unsafe {
            <$future as $crate::__private::StartFuture<_>>::start(function, &arguments, ($place, kept))
        }
    }};
}

/// Takes no notice of what another macro reads.
#[doc(hidden)]
#[macro_export]
macro_rules! __zig_nothing {
    ($($anything:tt)*) => {};
}

/// The functions with a completion of one archive; the build script writes the invocations.
#[doc(hidden)]
#[macro_export]
macro_rules! __zig_futures {
    ($library:literal; $($name:ident = $symbol:literal;)*) => {
        #[link(name = $library, kind = "static")]
        #[allow(dead_code, non_upper_case_globals)]
        unsafe extern "C" {
            $(
                #[link_name = $symbol]
                pub(super) static $name: $crate::__private::OperationType;
            )*
        }
    };
}

/// The symbols of one archive; the build script writes the invocations.
#[doc(hidden)]
#[macro_export]
macro_rules! __zig_sources {
    ($library:literal; $($name:ident = $symbol:literal;)*) => {
        #[link(name = $library, kind = "static")]
        #[allow(dead_code, non_upper_case_globals)]
        unsafe extern "C" {
            $(
                #[link_name = $symbol]
                pub(super) static $name: $crate::__private::SourceType;
            )*
        }
    };
}

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that `open` of a Zig source can take. Sealed: Zig trusts the form that it gets.
///
/// ```compile_fail,E0277
/// struct Wild;
///
/// impl zigflow_core::__private::Argument for Wild {
///     fn to_raw(&self) -> zigflow_core::abi::RawArg {
///         panic!("any pointer")
///     }
/// }
/// ```
pub trait Argument: sealed::Sealed {
    /// Its form on the border; bytes are valid as long as the argument.
    #[doc(hidden)]
    fn to_raw(&self) -> RawArg;
}

fn number(kind: ArgKind, bits: u32, value: u64) -> RawArg {
    RawArg {
        kind: kind as u32,
        bits,
        lo: value as u32,
        hi: (value >> 32) as u32,
        ptr: core::ptr::null(),
        len: 0,
    }
}

fn bytes(value: &[u8]) -> RawArg {
    RawArg {
        kind: ArgKind::Bytes as u32,
        bits: 0,
        lo: 0,
        hi: 0,
        ptr: value.as_ptr(),
        len: value.len(),
    }
}

macro_rules! argument {
    ($($type:ident $kind:ident $bits:literal |$value:ident| $to:expr;)*) => {$(
        impl sealed::Sealed for $type {}
        impl Argument for $type {
            fn to_raw(&self) -> RawArg {
                let $value = *self;
                number(ArgKind::$kind, $bits, $to)
            }
        }
    )*};
}

argument! {
    u8 Unsigned 8 |v| u64::from(v);
    u16 Unsigned 16 |v| u64::from(v);
    u32 Unsigned 32 |v| u64::from(v);
    u64 Unsigned 64 |v| v;
    usize Unsigned 0 |v| v as u64;
    i8 Signed 8 |v| v as u64;
    i16 Signed 16 |v| v as u64;
    i32 Signed 32 |v| v as u64;
    i64 Signed 64 |v| v as u64;
    isize Signed 0 |v| v as u64;
    f32 Float 32 |v| u64::from(v.to_bits());
    f64 Float 64 |v| v.to_bits();
    bool Boolean 8 |v| u64::from(v);
}

impl sealed::Sealed for &[u8] {}
impl Argument for &[u8] {
    fn to_raw(&self) -> RawArg {
        bytes(self)
    }
}

impl sealed::Sealed for &str {}
impl Argument for &str {
    fn to_raw(&self) -> RawArg {
        bytes(self.as_bytes())
    }
}

/// What Rust passed, for an error.
pub(crate) fn type_name(arg: &RawArg) -> &'static str {
    const NAMES: [(ArgKind, u32, &str); 15] = [
        (ArgKind::Unsigned, 8, "u8"),
        (ArgKind::Unsigned, 16, "u16"),
        (ArgKind::Unsigned, 32, "u32"),
        (ArgKind::Unsigned, 64, "u64"),
        (ArgKind::Unsigned, 0, "usize"),
        (ArgKind::Signed, 8, "i8"),
        (ArgKind::Signed, 16, "i16"),
        (ArgKind::Signed, 32, "i32"),
        (ArgKind::Signed, 64, "i64"),
        (ArgKind::Signed, 0, "isize"),
        (ArgKind::Float, 32, "f32"),
        (ArgKind::Float, 64, "f64"),
        (ArgKind::Boolean, 8, "bool"),
        (ArgKind::Bytes, 0, "bytes"),
        (ArgKind::Buffer, 0, "Vec<u8>"),
    ];
    let found = NAMES.iter().find(|(kind, bits, _)| *kind as u32 == arg.kind && *bits == arg.bits);
    found.map_or("?", |(_, _, name)| name)
}
