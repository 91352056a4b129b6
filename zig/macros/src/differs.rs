//! In what a type differs between the two languages, as far as their texts tell: for the message of a comparison that
//! has failed.

use crate::archive::{Layout, Part};
use proc_macro2::{Ident, Span};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{Expr, Fields, Item, Lit, Type};

/// Where to tell it, and what.
pub(crate) struct Difference {
    pub(crate) place: Span,
    pub(crate) what: String,
}

/// `item` is its declaration in Rust, if that stands in the block.
pub(crate) fn find(name: &Ident, item: Option<&Item>, zig: &Layout, parts: &[Part]) -> Difference {
    let found = match item {
        Some(Item::Struct(item)) => of_fields(&item.fields, parts),
        Some(Item::Enum(item)) => of_values(item, parts),
        _ => None,
    };
    let (place, what) = found.unwrap_or_else(|| (declared(name, item), in_zig(zig, parts)));
    let what = format!("the Rust type `{name}` is not the Zig type of that name: {what}");
    Difference { place, what }
}

/// The name in the declaration, or where it is used first.
pub(crate) fn declared(name: &Ident, item: Option<&Item>) -> Span {
    match item {
        Some(Item::Struct(item)) => item.ident.span(),
        Some(Item::Enum(item)) => item.ident.span(),
        _ => name.span(),
    }
}

/// What Rust's text may not show: a type that is declared elsewhere, an alignment, a part that differs itself.
fn in_zig(zig: &Layout, parts: &[Part]) -> String {
    let parts: Vec<String> = parts.iter().map(Part::to_string).collect();
    format!(
        "names, order or types of fields differ, or the values of an enum; in Zig it is `{{ {} }}`, {} bytes, aligned to {}",
        parts.join(", "),
        zig.size,
        zig.alignment
    )
}

fn of_fields(fields: &Fields, parts: &[Part]) -> Option<(Span, String)> {
    let Fields::Named(fields) = fields else { return None };
    let fields: Vec<(&Ident, &Type)> =
        fields.named.iter().filter_map(|field| Some((field.ident.as_ref()?, &field.ty))).collect();
    let pairs = || fields.iter().zip(parts).enumerate();
    let other_name = |(name, part): (&Ident, &Part)| name.unraw() != part.name;
    // What is another type for certain comes before what may only have two names.
    let certain = pairs()
        .find(|(_, ((name, ty), part))| other_name((name, part)) || is_other(ty, &part.what));
    let found = match certain {
        None if fields.len() == parts.len() => {
            pairs().find(|(_, ((_, ty), part))| has_other_name(ty, &part.what))
        }
        found => found,
    };
    if let Some((i, ((name, ty), part))) = found {
        let rust = format!("{}: {}", name.unraw(), text(ty));
        let what = format!("field {} is `{rust}` in Rust and `{part}` in Zig", i + 1);
        return Some((name.span(), what));
    }
    if let Some((name, ty)) = fields.get(parts.len()) {
        let what = format!("Zig has no field `{}: {}`", name.unraw(), text(ty));
        return Some((name.span(), what));
    }
    let (more, last) = (parts.get(fields.len())?, fields.last()?);
    Some((last.0.span(), format!("Zig has one more field behind this, `{more}`")))
}

fn of_values(item: &syn::ItemEnum, parts: &[Part]) -> Option<(Span, String)> {
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    // None: a constant that only rustc knows.
    let mut next = Some(0);
    let mut count = 0;
    for variant in &item.variants {
        let value = match &variant.discriminant {
            None => next,
            Some((_, value)) => number(value),
        };
        next = value.map(|value| value + 1);
        let name = variant.ident.unraw().to_string();
        let Some(part) = parts.get(count) else {
            return Some((variant.ident.span(), format!("Zig has no value `{name}`")));
        };
        count += 1;
        if plain(&name) != plain(&part.name) || value.is_some_and(|v| v.to_string() != part.what) {
            let rust = value.map_or_else(|| name.clone(), |value| format!("{name} = {value}"));
            let zig = format!("{} = {}", part.name, part.what);
            let what = format!("value {count} is `{rust}` in Rust and `{zig}` in Zig");
            return Some((variant.ident.span(), what));
        }
    }
    let (more, last) = (parts.get(count)?, item.variants.last()?);
    Some((last.ident.span(), format!("Zig has one more value behind this, `{}`", more.name)))
}

fn number(value: &Expr) -> Option<i128> {
    match value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_parse().ok(),
            _ => None,
        },
        Expr::Unary(minus) if matches!(minus.op, syn::UnOp::Neg(_)) => {
            number(&minus.expr)?.checked_neg()
        }
        _ => None,
    }
}

/// Whether no alias could make these one type.
fn is_other(rust: &Type, zig: &str) -> bool {
    match rust {
        Type::Path(path) => path.path.get_ident().is_some_and(|name| {
            let name = name.to_string();
            zigflow_bindgen::block::PRIMITIVES.contains(&&*name) && name != zig
        }),
        Type::Array(array) => {
            let Some((len, element)) = zig.strip_prefix('[').and_then(|zig| zig.split_once(']'))
            else {
                return true;
            };
            number(&array.len).is_some_and(|count| count.to_string() != len)
                || is_other(&array.elem, element)
        }
        _ => false,
    }
}

fn has_other_name(rust: &Type, zig: &str) -> bool {
    let Type::Path(path) = rust else { return false };
    path.path.segments.last().is_some_and(|last| last.ident != zig)
}

fn text(ty: &Type) -> String {
    ty.to_token_stream().to_string().replace("[ ", "[").replace(" ]", "]").replace(" ;", ";")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(rust: &str, parts: &[(&str, &str)]) -> String {
        let item: Item = syn::parse_str(rust).unwrap();
        let parts: Vec<Part> = parts
            .iter()
            .enumerate()
            .map(|(index, (name, what))| Part {
                index,
                name: (*name).to_owned(),
                what: (*what).to_owned(),
            })
            .collect();
        let layout = Layout { shape: 1, size: 24, alignment: 8 };
        let name = Ident::new("P", Span::call_site());
        let what = find(&name, Some(&item), &layout, &parts).what;
        what.split_once(": ").unwrap().1.to_owned()
    }

    #[test]
    fn the_first_field_that_differs_is_named() {
        let point = "struct P { x: f64, r#type: [u8; 4], l: Level }";
        let (x, ty, l) = (("x", "f64"), ("type", "[4]u8"), ("l", "Level"));
        for (parts, what) in [
            (&[("x", "f32"), ty, l][..], "field 1 is `x: f64` in Rust and `x: f32` in Zig"),
            (
                &[x, ("kind", "[4]u8"), l],
                "field 2 is `type: [u8; 4]` in Rust and `kind: [4]u8` in Zig",
            ),
            (
                &[x, ("type", "[5]u8"), l],
                "field 2 is `type: [u8; 4]` in Rust and `type: [5]u8` in Zig",
            ),
            (
                &[x, ("type", "[4]i8"), l],
                "field 2 is `type: [u8; 4]` in Rust and `type: [4]i8` in Zig",
            ),
            (&[x, ty, ("l", "Tier")], "field 3 is `l: Level` in Rust and `l: Tier` in Zig"),
            (&[("x", "Level"), ty, l], "field 1 is `x: f64` in Rust and `x: Level` in Zig"),
            (&[x, ty], "Zig has no field `l: Level`"),
            (&[x, ty, l, ("y", "u8")], "Zig has one more field behind this, `y: u8`"),
        ] {
            assert_eq!(told(point, parts), what);
        }
        // An alias is no difference, if there is another.
        let aliased = "struct P { id: Id, n: u32 }";
        let found = told(aliased, &[("id", "u64"), ("n", "u16")]);
        assert_eq!(found, "field 2 is `n: u32` in Rust and `n: u16` in Zig");
        let other = told(point, &[x, ty, l]);
        assert!(
            other.ends_with(
                "in Zig it is `{ x: f64, type: [4]u8, l: Level }`, 24 bytes, aligned to 8"
            ),
            "{other}"
        );
    }

    #[test]
    fn the_first_value_that_differs_is_named() {
        let level = "enum P { Low = -1, VeryHigh, Top = 9 }";
        let (low, high, top) = (("low", "-1"), ("very_high", "0"), ("top", "9"));
        for (parts, what) in [
            (&[("low", "0"), high, top][..], "value 1 is `Low = -1` in Rust and `low = 0` in Zig"),
            (&[low, ("high", "0"), top], "value 2 is `VeryHigh = 0` in Rust and `high = 0` in Zig"),
            (&[low, high], "Zig has no value `Top`"),
            (&[low, high, top, ("x", "10")], "Zig has one more value behind this, `x`"),
        ] {
            assert_eq!(told(level, parts), what);
        }
    }
}
