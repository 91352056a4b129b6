//! What a Zig text declares, as far as its tokens tell.

use proc_macro2::TokenTree;
use std::collections::BTreeSet;

/// The declarations at the top of a file, private ones too.
#[derive(Debug, Default)]
pub(super) struct Declared {
    pub(super) functions: BTreeSet<String>,
    pub(super) constants: BTreeSet<String>,
    /// There is a `test`.
    pub(super) has_tests: bool,
}

pub(super) fn declared(tokens: Vec<TokenTree>) -> Declared {
    let mut declared = Declared::default();
    for pair in tokens.windows(2) {
        if let [
            TokenTree::Ident(word),
            TokenTree::Literal(_) | TokenTree::Group(_) | TokenTree::Ident(_),
        ] = pair
        {
            declared.has_tests |= word == "test";
        }
        let [TokenTree::Ident(word), TokenTree::Ident(name)] = pair else { continue };
        if word == "fn" {
            declared.functions.insert(name.to_string());
        } else if word == "const" {
            // A function may have a second name, too.
            declared.constants.insert(name.to_string());
            declared.functions.insert(name.to_string());
        }
    }
    declared
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
