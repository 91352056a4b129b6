//! The derive of zigflow; use it as `zigflow::Transfer`.
#![forbid(unsafe_code)]

mod expand;

use proc_macro::TokenStream;
use zigflow_bindgen::Crossing;

/// Implements the trait `Transfer` for a struct or an enum that Zig has too.
///
/// | in Rust | in Zig |
/// |---|---|
/// | `#[repr(C)] struct` with named fields | `extern struct` |
/// | `#[repr(u8)] enum` without data; other integers too | `enum(u8)` |
/// | `#[repr(transparent)] struct` of one field | that field's type |
///
/// Every field's type has to cross itself. The type is `Copy`. `#[transfer(crate = path)]` names the crate
/// where the trait is, if it is not `::zigflow`. `zigflow_build::Build::types` makes the types in Zig.
///
/// ```text
/// #[derive(Clone, Copy, Transfer)]
/// #[repr(C)]
/// struct Reading {
///     millikelvin: u32,
///     sensors: [u8; 4],
/// }
/// ```
#[proc_macro_derive(Transfer, attributes(transfer))]
pub fn derive_transfer(input: TokenStream) -> TokenStream {
    let read = syn::parse2(input.into()).and_then(Crossing::read);
    match read {
        Ok(crossing) => expand::transfer(&crossing).into(),
        Err(error) => error.into_compile_error().into(),
    }
}
