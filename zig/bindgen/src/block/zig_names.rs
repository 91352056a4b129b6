//! What a Zig text declares, as far as its tokens tell.

use proc_macro2::TokenTree;
use std::collections::BTreeSet;
use std::ops::Range;

/// The declarations at the top of a file, private ones too.
#[derive(Debug, Default)]
pub(super) struct Declared {
    pub(super) functions: BTreeSet<String>,
    pub(super) constants: BTreeSet<String>,
    /// There is a `test`.
    pub(super) has_tests: bool,
    /// The words `export` in front of functions, with the functions' names.
    pub(super) exports: Vec<(Range<usize>, String)>,
}

pub(super) fn declared(tokens: Vec<TokenTree>) -> Declared {
    let mut declared = Declared::default();
    for (i, token) in tokens.iter().enumerate() {
        let TokenTree::Ident(word) = token else { continue };
        let rest = &tokens[i + 1..];
        if word == "test" {
            declared.has_tests |= !matches!(rest.first(), None | Some(TokenTree::Punct(_)));
        }
        if let [TokenTree::Ident(fun), behind @ ..] = rest
            && word == "export"
            && fun == "fn"
            && let Some(name) = name(behind)
        {
            declared.exports.push((word.span().byte_range(), name));
        }
        let Some(name) = name(rest) else { continue };
        if word == "fn" {
            declared.functions.insert(name);
        } else if word == "const" {
            // A function may have a second name, too.
            declared.constants.insert(name.clone());
            declared.functions.insert(name);
        }
    }
    declared
}

/// `name` or `@"name"`.
fn name(tokens: &[TokenTree]) -> Option<String> {
    match tokens {
        [TokenTree::Ident(name), ..] => Some(name.to_string()),
        [TokenTree::Punct(at), TokenTree::Literal(quoted), ..] if at.as_char() == '@' => {
            Some(quoted.to_string().trim_matches('"').to_owned())
        }
        _ => None,
    }
}

/// A function's name as people write it in Zig: `countWords` for `count_words`.
pub(super) fn camel_case(name: &str) -> String {
    let mut words = name.split('_').filter(|word| !word.is_empty());
    let mut camel = words.next().unwrap_or(name).to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_be_quoted() {
        let text = "fn @\"fn\"() void {} const @\"a b\" = 1; fn f() void {}";
        let tokens = text.parse::<proc_macro2::TokenStream>().unwrap();
        let declared = declared(tokens.into_iter().collect());
        assert!(["fn", "f", "a b"].iter().all(|name| declared.functions.contains(*name)));
    }

    #[test]
    fn tests_are_seen_at_the_top() {
        let has_tests = |text: &str| {
            declared(text.parse::<proc_macro2::TokenStream>().unwrap().into_iter().collect())
                .has_tests
        };
        assert!(has_tests("fn f() void {} test \"it\" { f(); }"));
        assert!(has_tests("test f { }") && has_tests("test { }"));
        assert!(!has_tests("const test_ = 1;") && !has_tests("const S = struct { test { } };"));
    }

    #[test]
    fn names_as_in_zig() {
        for (rust, zig) in [
            ("add", "add"),
            ("count_words", "countWords"),
            ("crc_32_of", "crc32Of"),
            ("_", "_"),
            ("a__b_", "aB"),
        ] {
            assert_eq!(camel_case(rust), zig);
        }
    }
}
