//! Which files a Zig text refers to. Not a parser: just enough of Zig's tokens to tell an
//! `@import("a.zig")` from one in a comment or a string.

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// `@import("….zig")` or `.zon`: a file, unlike the name of a module.
    Import(String),
    /// `@embedFile("…")`.
    Embed(String),
}

pub(crate) fn references(text: &[u8]) -> Vec<Reference> {
    let mut found = Vec::new();
    let mut tokens = Tokens { text, at: 0 };
    // The builtin whose argument may come next, and whether its parenthesis is open.
    let mut call: Option<(&[u8], bool)> = None;
    while let Some(token) = tokens.next() {
        call = match (token, call) {
            (Token::Builtin(name), _) => Some((name, false)),
            (Token::Open, Some((name, false))) => Some((name, true)),
            (Token::String(path), Some((b"@import", true))) => {
                if path.ends_with(".zig") || path.ends_with(".zon") {
                    found.push(Reference::Import(path));
                }
                None
            }
            (Token::String(path), Some((b"@embedFile", true))) => {
                found.push(Reference::Embed(path));
                None
            }
            _ => None,
        };
    }
    found
}

enum Token<'a> {
    Builtin(&'a [u8]),
    Open,
    String(String),
    Other,
}

struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_space();
        let rest = &self.text[self.at..];
        Some(match rest {
            [] => return None,
            [b'\\', b'\\', ..] => {
                self.skip_line();
                Token::Other
            }
            [b'"', ..] => Token::String(self.quoted(b'"')),
            [b'\'', ..] => {
                self.quoted(b'\'');
                Token::Other
            }
            [b'@', b'"', ..] => {
                self.at += 1;
                self.quoted(b'"');
                Token::Other
            }
            [b'@', name @ ..] => {
                let len = 1 + name.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
                self.at += len;
                Token::Builtin(&rest[..len])
            }
            [byte, ..] => {
                self.at += 1;
                if *byte == b'(' { Token::Open } else { Token::Other }
            }
        })
    }

    fn skip_space(&mut self) {
        loop {
            match &self.text[self.at..] {
                [b'/', b'/', ..] => self.skip_line(),
                [byte, ..] if byte.is_ascii_whitespace() => self.at += 1,
                _ => return,
            }
        }
    }

    fn skip_line(&mut self) {
        self.at += self.text[self.at..].iter().take_while(|byte| **byte != b'\n').count();
    }

    /// What stands between two quotes. No quoted text of Zig goes past its line, so a forgotten
    /// quote costs one line.
    fn quoted(&mut self, quote: u8) -> String {
        let mut content = Vec::new();
        self.at += 1;
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\n' => break,
                b'\\' => {
                    content.extend(self.text.get(self.at + 1));
                    self.at += 2;
                }
                _ => {
                    self.at += 1;
                    if byte == quote {
                        break;
                    }
                    content.push(byte);
                }
            }
        }
        self.at = self.at.min(self.text.len());
        String::from_utf8_lossy(&content).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(path: &str) -> Reference {
        Reference::Import(path.into())
    }

    #[test]
    fn imports_and_embeds_are_found_in_order() {
        let text = br#"
            const std = @import("std");
            const a = @import("a.zig");
            const b = @import( // why not
                "sub/b.zig").B;
            const settings: Settings = @import("settings.zon");
            const data = @embedFile("data.bin");
        "#;
        assert_eq!(
            references(text),
            [
                import("a.zig"),
                import("sub/b.zig"),
                import("settings.zon"),
                Reference::Embed("data.bin".into())
            ]
        );
    }

    #[test]
    fn comments_strings_and_characters_hide_nothing_and_show_nothing() {
        let text = br#"
            // @import("comment.zig")
            const s = "@import(\"string.zig\")";
            const m =
                \\ @import("multiline.zig") "
            ;
            const quote = '"'; const a = @import("a.zig");
            const escaped = '\''; const b = @import("b.zig");
            const @"@import(" = "c.zig";
            const slash = "\\"; const d = @import("d.zig");
        "#;
        assert_eq!(references(text), [import("a.zig"), import("b.zig"), import("d.zig")]);
    }

    #[test]
    fn other_builtins_take_strings_too() {
        assert_eq!(references(br#"@field(x, "a.zig"); @compileError("b.zig"); foo("c.zig")"#), []);
    }

    #[test]
    fn broken_text_ends_the_scan_and_not_the_build() {
        for text in [&b"@import(\"a.zig"[..], b"\"\\", b"@", b"'", b"\\\\", b"//", b"@import("] {
            let found = references(text);
            assert!(found.len() <= 1, "{found:?}");
        }
    }

    #[test]
    fn a_forgotten_quote_costs_one_line() {
        assert_eq!(
            references(b"const a = \"oops;\nconst b = @import(\"b.zig\");"),
            [import("b.zig")]
        );
    }
}
