//! The macro calls in the text of a Rust file.

use super::{Block, Macro, hash};
use crate::Mistake;
use proc_macro2::{LexError, TokenStream, TokenTree};
use std::ops::Range;

/// A call of which the macro tells what is wrong, or a file of which rustc does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotWellFormed;

/// One call.
#[allow(missing_debug_implementations)]
pub struct Found {
    /// Which macro is called.
    pub which: Macro,
    /// What stands between the delimiters: bytes of the file.
    pub body: Range<usize>,
    /// [`hash`] of it.
    pub hash: String,
    /// What it says.
    pub block: Block,
}

/// All calls in a file, in modules and functions too. One that is not well formed is an error, but not one of the file:
/// the macro says what is wrong with it, at the place. Nor is it one if brackets do not match: rustc, which is run next,
/// shows both.
///
/// # Errors
///
/// The file is no Rust text.
pub fn find(text: &str) -> Result<Vec<Result<Found, NotWellFormed>>, Mistake> {
    let tokens: TokenStream = match text.parse() {
        Ok(tokens) => tokens,
        Err(error) => return unreadable(text, &error),
    };
    let mut found = Vec::new();
    search(text, tokens, &mut found);
    Ok(found)
}

fn unreadable(text: &str, error: &LexError) -> Result<Vec<Result<Found, NotWellFormed>>, Mistake> {
    let place = error.span().start();
    let line = text.split('\n').nth(place.line - 1).unwrap_or_default();
    let rest: String = line.chars().skip(place.column).collect();
    if rest.starts_with(['(', ')', '[', ']', '{', '}']) || rest.starts_with("/*") {
        return Ok(vec![Err(NotWellFormed)]);
    }
    Err(Mistake {
        line: place.line,
        column: place.column + 1,
        message: "Rust cannot read this text. Zig text with `\\\\` strings, or with another literal that Rust does \
                      not have, goes into a file of its own: `include_zig!(\"file.zig\", { signatures })`"
            .to_owned(),
    })
}

fn search(text: &str, tokens: TokenStream, found: &mut Vec<Result<Found, NotWellFormed>>) {
    let mut named = None;
    let mut called = None;
    for token in tokens {
        let (name, call) = (named.take(), called.take());
        match token {
            TokenTree::Ident(word) if word == "autozig" => named = Some(Macro::Text),
            TokenTree::Ident(word) if word == "include_zig" => named = Some(Macro::File),
            TokenTree::Punct(punct) if punct.as_char() == '!' => called = name,
            TokenTree::Group(group) => match call {
                None => search(text, group.stream(), found),
                Some(which) => {
                    let body =
                        group.span_open().byte_range().end..group.span_close().byte_range().start;
                    found.push(
                        match (text.get(body.clone()), Block::read(which, group.stream())) {
                            (Some(inside), Ok(block)) => {
                                Ok(Found { which, hash: hash(inside), body, block })
                            }
                            _ => Err(NotWellFormed),
                        },
                    );
                }
            },
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_found_wherever_they_stand() {
        let text = "//! autozig! { nothing }
            const S: &str = \"ä autozig! { nor this }\";
            mod m { zigflow::autozig! {
                fn a() void {}
                ---
                fn a();
            } }
            fn f() { include_zig!(\"b.zig\", { fn b(); }); }
            macro_rules! m { ($n:ident) => { autozig! { fn $n() void {} --- fn $n(); } } }
            use zigflow::autozig;";
        let found = find(text).unwrap();
        assert_eq!(
            found.iter().filter(|call| call.is_err()).count(),
            1,
            "the one of a macro_rules"
        );
        let found: Vec<Found> = found.into_iter().flatten().collect();
        let names: Vec<String> = found
            .iter()
            .flat_map(|call| &call.block.functions)
            .map(|f| f.name.to_string())
            .collect();
        assert_eq!(names, ["a", "b"]);
        assert!(text[found[0].body.clone()].trim().starts_with("fn a() void"));
        assert_eq!(&text[found[1].body.clone()], "\"b.zig\", { fn b(); }");
    }

    #[test]
    fn brackets_that_do_not_match_are_told_by_rustc() {
        for text in [
            "fn f() {\nautozig! { fn a() void {}\n---\nfn a(); }",
            "autozig! { fn a() void {}\n---\nfn a(); } }",
            "fn f() {\n let ä = (1]; }\nautozig! { fn a() void {}\n---\nfn a(); }",
            "autozig! { fn a() void { /* }\n---\nfn a(); }",
        ] {
            assert!(matches!(find(text).as_deref(), Ok([Err(NotWellFormed)])), "{text}");
        }
    }

    #[test]
    fn what_rust_cannot_read_is_told_with_its_place() {
        let text = "fn f() {}\nautozig! {\n const s =\n  \\\\text\n ;\n---\n}";
        let message = find(text).err().unwrap().to_string();
        assert!(message.starts_with("4:3: ") && message.contains("include_zig!"), "{message}");
    }
}
