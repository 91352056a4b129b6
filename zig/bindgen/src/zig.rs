//! The equals in Zig.

use crate::{Crossing, Kind};
use proc_macro2::Ident;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use syn::ext::IdentExt;
use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprLit, ExprUnary, Lit, Type, UnOp};

const PRIMITIVES: [&str; 13] =
    ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize", "f32", "f64", "bool"];

/// A Zig file with one declaration for each type.
pub(crate) fn module(types: &[Crossing]) -> Result<String, Error> {
    let mut known = BTreeSet::new();
    for crossing in types {
        if !known.insert(crossing.name.unraw().to_string()) {
            let what = format!("a second type `{}`: all are in one Zig file", crossing.name);
            return Err(Error::new(crossing.name.span(), what));
        }
    }
    let mut text = String::new();
    for crossing in types {
        let declared = declaration(crossing, &known)?;
        let separator = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{separator}pub const {} = {declared};", name(&crossing.name));
    }
    Ok(text)
}

fn declaration(crossing: &Crossing, known: &BTreeSet<String>) -> Result<String, Error> {
    let mut text;
    match &crossing.kind {
        Kind::Newtype(_, inner) => return zig_type(inner, known),
        Kind::Struct(fields) => {
            text = String::from("extern struct {\n");
            for (field, ty) in fields {
                let _ = writeln!(text, "    {}: {},", name(field), zig_type(ty, known)?);
            }
        }
        Kind::Enum(tag, variants) => {
            text = format!("enum({tag}) {{\n");
            let mut names = BTreeSet::new();
            let mut next = 0;
            for (variant, written) in variants {
                let value = written.as_ref().map_or(Ok(next), number)?;
                let _ = writeln!(text, "    {} = {value},", snake_case(variant, &mut names)?);
                next = value + 1;
            }
        }
    }
    text.push('}');
    Ok(text)
}

fn zig_type(ty: &Type, known: &BTreeSet<String>) -> Result<String, Error> {
    match ty {
        Type::Paren(inner) => return zig_type(&inner.elem, known),
        Type::Group(inner) => return zig_type(&inner.elem, known),
        Type::Array(array) => {
            let element = zig_type(&array.elem, known)?;
            return match &array.len {
                Expr::Lit(ExprLit { lit: Lit::Int(count), .. }) => {
                    Ok(format!("[{}]{element}", count.base10_digits()))
                }
                other => Err(Error::new(
                    other.span(),
                    "the mirror in Zig needs the length of the array as a number",
                )),
            };
        }
        Type::Path(path) if path.qself.is_none() => {
            if let Some(segment) = path.path.segments.last()
                && segment.arguments.is_none()
            {
                let word = segment.ident.unraw().to_string();
                if PRIMITIVES.contains(&word.as_str()) {
                    return Ok(word);
                }
                if known.contains(&word) {
                    return Ok(name(&segment.ident));
                }
            }
        }
        _ => {}
    }
    Err(Error::new(
        ty.span(),
        "the mirror in Zig knows integers of 8 to 64 bits, `usize`, `isize`, `f32`, `f64`, `bool`, arrays, \
         and the types with `#[derive(Transfer)]` in this file",
    ))
}

fn number(value: &Expr) -> Result<i128, Error> {
    let parsed = match value {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Lit(ExprLit { lit: Lit::Byte(byte), .. }) => Some(byte.value().into()),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => Some(-number(expr)?),
        Expr::Paren(inner) => Some(number(&inner.expr)?),
        _ => None,
    };
    let what = "the mirror in Zig needs the value as a number";
    parsed.ok_or_else(|| Error::new(value.span(), what))
}

/// `NotFound` is `not_found`, as Zig writes the names of values.
fn snake_case(variant: &Ident, taken: &mut BTreeSet<String>) -> Result<String, Error> {
    let word: Vec<char> = variant.unraw().to_string().chars().collect();
    let mut snake = String::new();
    for (i, &c) in word.iter().enumerate() {
        let starts_word = c.is_ascii_uppercase()
            && i > 0
            && word[i - 1] != '_'
            && (!word[i - 1].is_ascii_uppercase()
                || word.get(i + 1).is_some_and(char::is_ascii_lowercase));
        if starts_word {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    if !taken.insert(snake.replace('_', "")) {
        let what = "in Zig this value would have the name of another: case and underscores do not tell them apart";
        return Err(Error::new(variant.span(), what));
    }
    Ok(escaped(&snake))
}

fn name(ident: &Ident) -> String {
    escaped(&ident.unraw().to_string())
}

/// Behind `@"…"` where Zig has another use for the word.
fn escaped(word: &str) -> String {
    let plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain && word != "_" && !KEYWORDS.contains(&word) {
        word.to_owned()
    } else {
        format!("@\"{word}\"")
    }
}

const KEYWORDS: [&str; 46] = [
    "addrspace",
    "align",
    "allowzero",
    "and",
    "anyframe",
    "anytype",
    "asm",
    "break",
    "callconv",
    "catch",
    "comptime",
    "const",
    "continue",
    "defer",
    "else",
    "enum",
    "errdefer",
    "error",
    "export",
    "extern",
    "fn",
    "for",
    "if",
    "inline",
    "linksection",
    "noalias",
    "noinline",
    "nosuspend",
    "opaque",
    "or",
    "orelse",
    "packed",
    "pub",
    "resume",
    "return",
    "struct",
    "suspend",
    "switch",
    "test",
    "threadlocal",
    "try",
    "union",
    "unreachable",
    "var",
    "volatile",
    "while",
];

#[cfg(test)]
mod tests {
    use crate::mirror;

    #[test]
    fn each_kind_of_type_has_its_equal() {
        let text = r#"
            #[derive(Clone, Copy, Transfer)]
            #[repr(C)]
            pub struct Reading { pub at: f64, raw: [[u8; 0x10]; 3], r#type: super::Kind, id: (Id), ok: bool, error: usize }
            #[derive(Transfer)] #[repr(i16)]
            enum Kind { NotFound = -1, HTTPServer, V2Beta, Letter = b'a', _Hidden, r#Try, }
            #[derive(Transfer)] #[repr(transparent)]
            struct Id(u32);
        "#;
        let zig = r#"pub const Reading = extern struct {
    at: f64,
    raw: [3][16]u8,
    type: Kind,
    id: Id,
    ok: bool,
    @"error": usize,
};

pub const Kind = enum(i16) {
    not_found = -1,
    http_server = 0,
    v2_beta = 1,
    letter = 97,
    _hidden = 98,
    @"try" = 99,
};

pub const Id = u32;
"#;
        assert_eq!(mirror(text).unwrap(), zig);
    }

    #[test]
    fn what_the_file_does_not_tell_is_a_mistake_at_its_place() {
        let of = |fields: &str| format!("#[derive(Transfer)] #[repr(C)] struct S {{\n{fields} }}");
        let values =
            |values: &str| format!("#[derive(Transfer)] #[repr(u8)] enum E {{\n{values} }}");
        for (text, place, what) in [
            (of("a: Other"), "2:4", "knows integers"),
            (of("a: u8, b: *const u8"), "2:11", "knows integers"),
            (of("a: char"), "2:4", "knows integers"),
            (of("a: Vec<u8>"), "2:4", "knows integers"),
            (of("a: <u8 as Of>::It"), "2:4", "knows integers"),
            (of("a: [u8; N]"), "2:9", "length of the array"),
            (of("a: [Other; 3]"), "2:5", "knows integers"),
            (values("A = N"), "2:5", "value as a number"),
            (values("A, B = 1 + 1"), "2:8", "value as a number"),
            (values("Ab, AB"), "2:5", "name of another"),
            (of("a: u8") + &of("a: u8"), "2:46", "a second type `S`"),
        ] {
            let message = mirror(&text).unwrap_err().to_string();
            assert!(message.starts_with(place) && message.contains(what), "{text}: {message}");
        }
    }
}
