//! From what a derive is given to what crosses, or to the reason why it does not.

use crate::{Crossing, Kind};
use proc_macro2::{Ident, Span};
use syn::{
    Attribute, Data, DataEnum, DataStruct, DeriveInput, Error, Fields, LitInt, Member, Path, Token,
    parenthesized, token,
};

const INTEGERS: [&str; 10] =
    ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize"];

pub(crate) fn crossing(input: DeriveInput) -> Result<Crossing, Error> {
    let DeriveInput { attrs, ident: name, generics, data, .. } = input;
    if let Some(open) = generics.lt_token {
        let what = "a generic type does not cross: Zig has no one type for it. Derive it for each type that you send";
        return Err(Error::new(open.span, what));
    }
    if let Some(clause) = generics.where_clause {
        return Err(Error::new(clause.where_token.span, "a type with a `where` does not cross"));
    }
    let repr = Repr::read(&attrs)?;
    let kind = match data {
        Data::Struct(data) => structure(&name, repr, data)?,
        Data::Enum(data) => enumeration(&name, repr, data)?,
        Data::Union(data) => {
            let what =
                "a union does not cross: nothing tells which of its fields the bits belong to";
            return Err(Error::new(data.union_token.span, what));
        }
    };
    Ok(Crossing { name, krate: krate(&attrs)?, kind })
}

fn structure(name: &Ident, repr: Repr, data: DataStruct) -> Result<Kind, Error> {
    if repr.transparent {
        return newtype(name, data.fields);
    }
    if let Fields::Unnamed(fields) = data.fields {
        let what = "the fields need names, which Zig's fields have too: `struct Name { first: u32 }`. One field alone may stand in a `#[repr(transparent)]` struct";
        return Err(Error::new(fields.paren_token.span.join(), what));
    }
    if !repr.c {
        let what = "a struct that crosses needs `#[repr(C)]`: Rust chooses another order of the fields than Zig's `extern struct`";
        return Err(Error::new(name.span(), what));
    }
    match data.fields {
        Fields::Named(fields) if !fields.named.is_empty() => {
            let fields =
                fields.named.into_iter().filter_map(|field| Some((field.ident?, field.ty)));
            Ok(Kind::Struct(fields.collect()))
        }
        _ => Err(Error::new(name.span(), "a struct without fields has nothing that could cross")),
    }
}

fn newtype(name: &Ident, fields: Fields) -> Result<Kind, Error> {
    let mut fields = fields.into_iter();
    match (fields.next(), fields.next()) {
        (Some(field), None) => {
            let member = match field.ident {
                Some(ident) => Member::Named(ident),
                None => Member::Unnamed(0.into()),
            };
            Ok(Kind::Newtype(member, Box::new(field.ty)))
        }
        _ => {
            let what = "a `#[repr(transparent)]` struct that crosses has one field, not more, of whatever size";
            Err(Error::new(name.span(), what))
        }
    }
}

fn enumeration(name: &Ident, repr: Repr, data: DataEnum) -> Result<Kind, Error> {
    let Some(tag) = repr.integer else {
        let what =
            "an enum that crosses needs `#[repr(u8)]` or another integer: Zig has to know its size";
        return Err(Error::new(repr.c_span.unwrap_or(name.span()), what));
    };
    if data.variants.is_empty() {
        return Err(Error::new(name.span(), "an enum without values has nothing that could cross"));
    }
    let mut variants = Vec::new();
    for variant in data.variants {
        let what = "an enum with data does not cross: Zig has no type of the same layout";
        match &variant.fields {
            Fields::Unit => {}
            Fields::Named(fields) => return Err(Error::new(fields.brace_token.span.join(), what)),
            Fields::Unnamed(fields) => {
                return Err(Error::new(fields.paren_token.span.join(), what));
            }
        }
        variants.push((variant.ident, variant.discriminant.map(|(_, value)| value)));
    }
    Ok(Kind::Enum(tag, variants))
}

/// What the `#[repr(…)]`s say together.
#[derive(Default)]
struct Repr {
    c: bool,
    c_span: Option<Span>,
    transparent: bool,
    integer: Option<Ident>,
}

impl Repr {
    fn read(attrs: &[Attribute]) -> Result<Self, Error> {
        let mut repr = Self::default();
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("repr")) {
            attr.parse_nested_meta(|meta| {
                let Some(word) = meta.path.get_ident() else { return Ok(()) };
                if meta.input.peek(token::Paren) {
                    let number;
                    parenthesized!(number in meta.input);
                    number.parse::<LitInt>()?;
                }
                match word.to_string().as_str() {
                    "C" => (repr.c, repr.c_span) = (true, Some(word.span())),
                    "transparent" => repr.transparent = true,
                    "packed" | "align" => {
                        let what = format!("`{word}` does not cross: Zig's `extern struct` has no such word for a type");
                        return Err(Error::new(word.span(), what));
                    }
                    integer if INTEGERS.contains(&integer) => repr.integer = Some(word.clone()),
                    _ => {
                        let what = format!("`{word}` does not cross: `u8` to `u64` and `i8` to `i64`, `usize` and `isize` do");
                        return Err(Error::new(word.span(), what));
                    }
                }
                Ok(())
            })?;
        }
        Ok(repr)
    }
}

/// `#[transfer(crate = path)]`.
fn krate(attrs: &[Attribute]) -> Result<Option<Path>, Error> {
    let mut found = None;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("transfer")) {
        attr.parse_nested_meta(|meta| {
            if !meta.path.is_ident("crate") {
                return Err(meta.error("`#[transfer(…)]` takes `crate = path` and nothing else"));
            }
            meta.input.parse::<Token![=]>()?;
            found = Some(meta.input.call(Path::parse_mod_style)?);
            Ok(())
        })?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Crossing, String> {
        Crossing::read(syn::parse_str(text).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_crosses() {
        let fields = |text: &str| match read(text).unwrap().kind {
            Kind::Struct(fields) => fields.len(),
            _ => panic!("no struct: {text}"),
        };
        assert_eq!(fields("#[repr(C)] struct S { a: u8, pub b: [f32; 3] }"), 2);
        assert_eq!(
            fields("#[doc = \"x\"] #[repr(C)] #[allow(unused)] pub(crate) struct S { a: T }"),
            1
        );
        for text in
            ["#[repr(transparent)] struct S(u8);", "#[repr(transparent)] struct S { a: u8 }"]
        {
            assert!(matches!(read(text).unwrap().kind, Kind::Newtype(..)), "{text}");
        }
        for text in ["#[repr(u8)] enum E { A, B = 7 }", "#[repr(C, i64)] enum E { A = -1 }"] {
            assert!(matches!(read(text).unwrap().kind, Kind::Enum(..)), "{text}");
        }
    }

    #[test]
    fn a_type_may_say_where_zigflow_is() {
        let krate = |attr: &str| {
            let read = read(&format!("#[repr(transparent)] {attr} struct S(u8);"));
            read.map(|read| read.krate.map(|path| path.segments.len()))
        };
        assert_eq!(krate("").unwrap(), None);
        assert_eq!(krate("#[transfer(crate = zigflow_core)]").unwrap(), Some(1));
        assert_eq!(krate("#[transfer(crate = crate::of::mine)]").unwrap(), Some(3));
        for attr in ["#[transfer]", "#[transfer(crate)]", "#[transfer(name = x)]"] {
            krate(attr).unwrap_err();
        }
    }

    #[test]
    fn what_does_not_cross_and_why() {
        for (text, why) in [
            ("struct S { a: u8 }", "needs `#[repr(C)]`"),
            ("#[repr(C)] struct S<T> { a: T }", "generic"),
            ("#[repr(C)] struct S<'a> { a: &'a u8 }", "generic"),
            ("#[repr(C)] struct S<const N: usize> { a: [u8; N] }", "generic"),
            ("#[repr(C)] struct S where u8: Copy { a: u8 }", "where"),
            ("#[repr(C)] union U { a: u8, b: i8 }", "union"),
            ("#[repr(C)] struct S(u8, u8);", "need names"),
            ("struct S(u8);", "need names"),
            ("#[repr(C)] struct S;", "without fields"),
            ("#[repr(C)] struct S {}", "without fields"),
            ("#[repr(C, packed)] struct S { a: u8 }", "`packed` does not cross"),
            ("#[repr(C, packed(2))] struct S { a: u8 }", "`packed` does not cross"),
            ("#[repr(C)] #[repr(align(8))] struct S { a: u8 }", "`align` does not cross"),
            ("#[repr(transparent)] struct S(u8, ());", "one field"),
            ("#[repr(transparent)] struct S;", "one field"),
            ("enum E { A }", "needs `#[repr(u8)]`"),
            ("#[repr(C)] enum E { A }", "needs `#[repr(u8)]`"),
            ("#[repr(u128)] enum E { A }", "`u128` does not cross"),
            ("#[repr(u8)] enum E {}", "without values"),
            ("#[repr(u8)] enum E { A, B(u8) }", "with data"),
            ("#[repr(u8)] enum E { A, B { b: u8 } }", "with data"),
        ] {
            match read(text) {
                Ok(_) => panic!("it crosses: {text}"),
                Err(message) => assert!(message.contains(why), "{text}: {message}"),
            }
        }
    }
}
