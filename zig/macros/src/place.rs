//! Zig's errors at the user's tokens.

use crate::archive::Mistake;
use proc_macro2::{LineColumn, Span, TokenStream, TokenTree};

/// A compile error at the token where the mistake is.
pub(crate) fn report(tokens: &TokenStream, mistake: &Mistake) -> TokenStream {
    let at = LineColumn { line: mistake.line, column: mistake.column - 1 };
    let span = find(tokens.clone(), at).unwrap_or_else(Span::call_site);
    syn::Error::new(span, format!("Zig: {}", mistake.text)).into_compile_error()
}

/// The token at a place, or the first one behind it.
fn find(tokens: TokenStream, at: LineColumn) -> Option<Span> {
    for token in tokens {
        if token.span().end() <= at {
            continue;
        }
        let inside = match &token {
            TokenTree::Group(group) if at >= group.span_open().end() => {
                find(group.stream(), at).or(Some(group.span_close()))
            }
            TokenTree::Group(group) => Some(group.span_open()),
            _ => None,
        };
        return Some(inside.unwrap_or_else(|| token.span()));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_token() {
        let text = "fn a() void {\n  b( c ) + \"ä\" + dd;\n}\n";
        let found = |line, column| {
            let span = find(text.parse().unwrap(), LineColumn { line, column });
            span.map(|span| (span.start().line, span.start().column))
        };
        assert_eq!(found(1, 3), Some((1, 3)));
        assert_eq!(found(2, 5), Some((2, 5)));
        assert_eq!(found(2, 3), Some((2, 3)));
        assert_eq!(found(2, 17), Some((2, 17)));
        assert_eq!(found(2, 18), Some((2, 17)));
        assert_eq!(found(3, 0), Some((3, 0)));
        assert_eq!(found(4, 0), None);
    }
}
