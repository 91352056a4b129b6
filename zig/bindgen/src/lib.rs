//! The Rust types that cross to Zig, read once for two: `#[derive(Transfer)]` makes the Rust half of them,
//! and `zigflow_build::Build::types` the Zig half. So both refuse the same types with the same words.
//!
//! A part of zigflow; its API is not stable.
#![forbid(unsafe_code)]

#[cfg(feature = "block")]
pub mod block;
#[cfg(feature = "mirror")]
mod file;
#[cfg(any(feature = "block", feature = "mirror"))]
mod mistake;
mod parse;
#[cfg(feature = "mirror")]
mod zig;

#[cfg(feature = "mirror")]
pub use file::mirror;
#[cfg(any(feature = "block", feature = "mirror"))]
pub use mistake::Mistake;

use proc_macro2::Ident;
use syn::{DeriveInput, Error, Expr, Member, Path, Type};

/// A type with `#[derive(Transfer)]`.
#[allow(missing_debug_implementations)]
pub struct Crossing {
    /// Its name in Rust.
    pub name: Ident,
    /// Where the items of zigflow are, if the type says so.
    pub krate: Option<Path>,
    /// What it is.
    pub kind: Kind,
}

/// What a type that crosses can be.
#[allow(missing_debug_implementations)]
pub enum Kind {
    /// `#[repr(C)] struct`: the fields in their order.
    Struct(Vec<(Ident, Type)>),
    /// `#[repr(transparent)] struct`: its only field.
    Newtype(Member, Box<Type>),
    /// `#[repr(u8)] enum`: the integer, and the values with what they say they are.
    Enum(Ident, Vec<(Ident, Option<Expr>)>),
}

impl Crossing {
    /// Reads a type.
    ///
    /// # Errors
    ///
    /// At the token that keeps the type from crossing, with the reason.
    pub fn read(input: DeriveInput) -> Result<Self, Error> {
        parse::crossing(input)
    }
}
