//! The implementation that the derive writes.
//!
//! All of it but the user's own names and types has the macro's spans: a crate that forbids unsafe code can
//! derive, and what does not cross is reported at the type of its field. A parameter begins with `__zigflow_`, since
//! a constant of the user's would stand for its pattern.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::Type;
use syn::ext::IdentExt;
use zigflow_bindgen::{Crossing, Kind};

pub(crate) fn transfer(crossing: &Crossing) -> TokenStream {
    let name = &crossing.name;
    let krate = match &crossing.krate {
        Some(path) => path.to_token_stream(),
        None => ours!(::zigflow),
    };
    let Parts { zig_name, shape, any_bits, is_valid } = match &crossing.kind {
        Kind::Struct(fields) => structure(&krate, name, fields),
        Kind::Newtype(member, inner) => {
            let inner = as_transfer(&krate, inner);
            Parts {
                zig_name: ours!(#inner::NAME),
                shape: ours!(#inner::SHAPE),
                any_bits: ours!(#inner::ANY_BITS),
                is_valid: check(&inner, member),
            }
        }
        Kind::Enum(tag, variants) => {
            enumeration(&krate, name, tag, variants.iter().map(|(variant, _)| variant))
        }
    };
    // Why it is sound: `repr` gives the type the layout of Zig's; each field is `Transfer`, so none holds a
    // pointer; what is valid is asked of each field, or of an enum's integer, before there is a value. The
    // caller's promise for the whole holds for each part.
    ours! {
        #[automatically_derived]
        unsafe impl #krate::Transfer for #name {
            const NAME: &'static ::core::primitive::str = #zig_name;
            const SHAPE: ::core::primitive::u32 = #shape;
            const ANY_BITS: ::core::primitive::bool = #any_bits;

            #[inline]
            unsafe fn is_valid(__zigflow_at: *const Self) -> ::core::primitive::bool {
                unsafe { #is_valid }
            }
        }
    }
}

struct Parts {
    zig_name: TokenStream,
    shape: TokenStream,
    any_bits: TokenStream,
    is_valid: TokenStream,
}

fn structure(krate: &TokenStream, name: &Ident, fields: &[(Ident, Type)]) -> Parts {
    let mut shape = ours! {
        #krate::__private::Shape::structure(::core::mem::size_of::<Self>())
    };
    let (mut any_bits, mut checks) = (Vec::new(), Vec::new());
    for (field, ty) in fields {
        let ty = as_transfer(krate, ty);
        let field_name = field.unraw().to_string();
        shape.extend(ours! {
            .field(#field_name, ::core::mem::offset_of!(Self, #field), #ty::SHAPE)
        });
        any_bits.push(ours!(#ty::ANY_BITS));
        checks.push(check(&ty, field));
    }
    Parts {
        zig_name: name.unraw().to_string().to_token_stream(),
        shape: ours!(#shape.done()),
        any_bits: ours!(#(#any_bits)&&*),
        is_valid: ours!(#(#checks)&&*),
    }
}

/// Only the integer is read; which values there are is known from constants.
fn enumeration<'a>(
    krate: &TokenStream,
    name: &Ident,
    tag: &Ident,
    variants: impl Iterator<Item = &'a Ident>,
) -> Parts {
    let tag = Ident::new(&tag.to_string(), Span::mixed_site());
    let tag = ours!(::core::primitive::#tag);
    let mut shape = ours! {
        #krate::__private::Shape::enumeration(<#tag as #krate::Transfer>::SHAPE)
    };
    let (mut constants, mut names) = (TokenStream::new(), Vec::new());
    for (i, variant) in variants.enumerate() {
        let variant_name = variant.unraw().to_string();
        let constant = Ident::new(&format!("VALUE_{i}"), Span::mixed_site());
        shape.extend(ours! {
            .value(#variant_name, Self::#variant as #tag as ::core::primitive::u64)
        });
        constants.extend(ours!(const #constant: #tag = #name::#variant as #tag;));
        names.push(constant);
    }
    Parts {
        zig_name: name.unraw().to_string().to_token_stream(),
        shape: ours!(#shape.done()),
        any_bits: ours!(false),
        is_valid: ours! {
            #constants
            ::core::matches!(__zigflow_at.cast::<#tag>().read(), #(#names)|*)
        },
    }
}

fn as_transfer(krate: &TokenStream, ty: &Type) -> TokenStream {
    ours!(<#ty as #krate::Transfer>)
}

fn check(ty: &TokenStream, member: &impl ToTokens) -> TokenStream {
    ours!(#ty::is_valid(&raw const (*__zigflow_at).#member))
}
