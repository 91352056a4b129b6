//! Finds the types that cross in the text of a Rust file.
//!
//! Only the attributes and what they stand on are parsed; the rest of the file is tokens.

use crate::{Crossing, Mistake, zig};
use proc_macro2::{Delimiter, Group, Punct, Spacing, Span, TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::{Attribute, Data, DeriveInput};

/// The Zig text with the equals of all types in `text` that have `#[derive(Transfer)]`.
///
/// # Errors
///
/// A type that does not cross, or whose equal this file alone does not tell; a file without any.
pub fn mirror(text: &str) -> Result<String, Mistake> {
    let mut found = Vec::new();
    find(text.parse()?, false, &mut found)?;
    if found.is_empty() {
        return Err(Mistake {
            line: 1,
            column: 1,
            message: "no type in this file has `#[derive(Transfer)]`".to_owned(),
        });
    }
    Ok(zig::module(&found)?)
}

/// `conditional`: a module around has a `#[cfg]`.
fn find(text: TokenStream, conditional: bool, found: &mut Vec<Crossing>) -> Result<(), Mistake> {
    let mut tokens = text.into_iter().peekable();
    while tokens.peek().is_some() {
        let mut attributes = Attributes::default();
        while let Some(token) = tokens.next_if(|token| is_punct(token, '#')) {
            let inner = tokens.next_if(|token| is_punct(token, '!'));
            if let Some(TokenTree::Group(group)) = tokens.next()
                && inner.is_none()
            {
                attributes.add(token, group);
            }
        }
        let mut item = Vec::new();
        for token in tokens.by_ref() {
            let ends = is_punct(&token, ';') || is_braces(&token);
            item.push(token);
            if ends {
                break;
            }
        }
        if let Some(derive) = attributes.derive {
            let cfg = attributes.cfg.or(conditional.then_some(derive));
            cfg.map_or(Ok(()), |span| Err(conditional_mistake(span)))?;
            let item: DeriveInput =
                syn::parse2(attributes.tokens.into_iter().chain(item).collect())?;
            check_parts(&item.data)?;
            found.push(Crossing::read(item)?);
        } else if let [.., TokenTree::Ident(word), TokenTree::Ident(_), TokenTree::Group(body)] =
            &item[..]
            && word == "mod"
            && !attributes.test
        {
            find(body.stream(), conditional || attributes.cfg.is_some(), found)?;
        }
    }
    Ok(())
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

fn is_braces(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

/// The attributes of one item.
#[derive(Default)]
struct Attributes {
    tokens: Vec<TokenTree>,
    /// Where `Transfer` is derived.
    derive: Option<Span>,
    /// Where a `cfg` or a `cfg_attr` of our concern is.
    cfg: Option<Span>,
    /// `#[cfg(test)]`: no build script sees that.
    test: bool,
}

impl Attributes {
    fn add(&mut self, hash: TokenTree, group: Group) {
        let mut inside = group.stream().into_iter();
        let word = match inside.next() {
            Some(TokenTree::Ident(word)) => word.to_string(),
            _ => String::new(),
        };
        let arguments = inside.next();
        let arguments = match &arguments {
            Some(TokenTree::Group(arguments)) => arguments.stream(),
            _ => TokenStream::new(),
        };
        match word.as_str() {
            "derive" => self.derive = self.derive.or(derived(arguments)),
            "cfg" => {
                self.test |= arguments.to_string() == "test";
                self.cfg = Some(group.span());
            }
            "cfg_attr" if mentions_transfer(arguments.clone()) => {
                self.derive = Some(group.span());
                self.cfg = Some(group.span());
            }
            "cfg_attr" if arguments.to_string().contains("repr") => self.cfg = Some(group.span()),
            _ => {}
        }
        self.tokens.extend([hash, TokenTree::Group(group)]);
    }
}

/// `Transfer` among what is derived, with or without a path before it.
fn derived(arguments: TokenStream) -> Option<Span> {
    let mut last = None;
    for token in arguments.into_iter().chain([Punct::new(',', Spacing::Alone).into()]) {
        match token {
            TokenTree::Ident(word) => last = Some(word),
            TokenTree::Punct(punct) if punct.as_char() == ',' => {
                if let Some(word) = last.take_if(|word| word == "Transfer") {
                    return Some(word.span());
                }
            }
            _ => {}
        }
    }
    None
}

fn mentions_transfer(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => word == "Transfer",
        TokenTree::Group(group) => mentions_transfer(group.stream()),
        _ => false,
    })
}

/// The derive sees what is left after `cfg`; a build script sees all.
fn check_parts(data: &Data) -> Result<(), Mistake> {
    let fields = match data {
        Data::Struct(data) => data.fields.iter().map(|field| &field.attrs).collect(),
        Data::Enum(data) => data.variants.iter().map(|variant| &variant.attrs).collect(),
        Data::Union(_) => Vec::new(),
    };
    let is_cfg = |attr: &&Attribute| attr.path().is_ident("cfg");
    match fields.into_iter().flatten().find(is_cfg) {
        Some(attr) => Err(conditional_mistake(attr.path().span())),
        None => Ok(()),
    }
}

fn conditional_mistake(span: Span) -> Mistake {
    Mistake::at(
        span,
        "a type under `#[cfg]` has no mirror: the build script does not know what `cfg` will say",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        find(text.parse().unwrap(), false, &mut found).unwrap();
        found.iter().map(|crossing| crossing.name.to_string()).collect()
    }

    #[test]
    fn types_are_found_by_their_derive() {
        let text = "#![allow(dead_code)]
            //! Text.
            use zigflow::Transfer;
            /// A.
            #[derive(Clone, Copy, Transfer)] #[repr(C)] pub struct A { a: u8 }
            #[derive(Clone)] struct NotThis { transfer: Transfer }
            const N: usize = { 3 };
            #[repr(u8)] #[derive(zigflow::Transfer)] pub(crate) enum B { X }
            fn f() { #[derive(Transfer)] struct NotThat; }
            pub(super) mod inner {
                mod deep { #[repr(transparent)] #[derive(Transfer,)] struct C(u8); }
            }
            #[cfg(test)] mod tests { #[derive(Transfer)] struct NorThat; }
            #[cfg(unix)] mod fine {}
            #[derive(Transferred, transfer::Other)] struct NotThatEither;
            macro_rules! m { ($name:ident) => { #[derive(Transfer)] struct $name; } }";
        assert_eq!(names(text), ["A", "B", "C"]);
    }

    #[test]
    fn mistakes_say_where() {
        let message = |text: &str| mirror(text).unwrap_err().to_string();
        assert_eq!(message("struct A;"), "1:1: no type in this file has `#[derive(Transfer)]`");
        assert_eq!(message("\n\n  struct A { ]"), "3:14: this is no Rust text");
        let generic = message("#[derive(Transfer)]\n#[repr(C)]\nstruct Ä<T> { t: T }");
        assert!(generic.starts_with("3:9: a generic type"), "{generic}");
        let broken = message("#[derive(Transfer)]\nstruct A { a b }");
        assert!(broken.starts_with("2:14: expected `:`"), "{broken}");
    }

    #[test]
    fn what_cfg_decides_has_no_mirror() {
        for (text, place) in [
            ("#[cfg(unix)]\n#[derive(Transfer)] #[repr(C)] struct A { a: u8 }", "1:2"),
            ("#[cfg_attr(unix, derive(Clone, Transfer))] #[repr(C)] struct A { a: u8 }", "1:2"),
            ("#[derive(Transfer)] #[cfg_attr(unix, repr(C))] struct A { a: u8 }", "1:22"),
            ("#[cfg(unix)] mod m {\n#[derive(Transfer)] #[repr(C)] struct A { a: u8 } }", "2:10"),
            ("#[derive(Transfer)] #[repr(C)] struct A {\n#[cfg(unix)] a: u8 }", "2:3"),
            ("#[derive(Transfer)] #[repr(u8)] enum A {\n X, #[cfg(unix)] Y }", "2:7"),
        ] {
            let message = mirror(text).unwrap_err().to_string();
            assert!(message.starts_with(&format!("{place}: a type under `#[cfg]`")), "{message}");
        }
    }
}
