//! Zig text in a Rust file, with the Rust signatures of its functions: `autozig!` and `include_zig!`.
//!
//! The build script finds the blocks in the text of a file ([`find`]) and makes Zig of them ([`Image`]); the
//! macros parse the same tokens and make Rust. Both know a block by the [`hash`] of its text.

mod find;
mod image;
mod signature;
mod zig_names;

pub use find::{Found, find};
pub use image::{Image, Places, symbol_of_call, symbol_of_shape, symbol_of_start};
pub use signature::{Element, Failure, Form, Function, Param, Returns};

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream};
use syn::{Error, Item, LitStr, Token, braced};

/// Which of the two macros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Macro {
    /// `autozig! { zig --- signatures }`.
    Text,
    /// `include_zig!("file.zig", { signatures })`.
    File,
}

impl Macro {
    /// As it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "autozig",
            Self::File => "include_zig",
        }
    }
}

/// Where the Zig functions are.
#[allow(missing_debug_implementations)]
pub enum Zig {
    /// In the block: from its beginning to the `---`, whose place this is.
    Text(Span),
    /// In a file beside the Rust file.
    File(LitStr),
}

/// What stands in one call of a macro.
#[allow(missing_debug_implementations)]
pub struct Block {
    /// Where the Zig functions are.
    pub zig: Zig,
    /// The structs and enums among the signatures, in Rust.
    pub types: Vec<Item>,
    /// The functions.
    pub functions: Vec<Function>,
    /// What a Zig text declares; of a file only Zig knows.
    declared: Option<zig_names::Declared>,
}

impl Block {
    /// Reads what stands between the delimiters of a macro.
    ///
    /// # Errors
    ///
    /// At the token that is wrong, with the reason.
    pub fn read(which: Macro, tokens: TokenStream) -> Result<Self, Error> {
        let block = match which {
            Macro::File => syn::parse2::<WithFile>(tokens)?.0,
            Macro::Text => {
                let (zig, separator, signatures) = split(tokens)?;
                let signatures: Signatures = syn::parse2(signatures)?;
                let names = zig_names::declared(zig);
                let block = signatures.block(Zig::Text(separator), Some(names));
                block.check_names()?;
                block
            }
        };
        block.check_twice()?;
        Ok(block)
    }

    fn check_names(&self) -> Result<(), Error> {
        let Some(declared) = &self.declared else { return Ok(()) };
        for function in &self.functions {
            let names = function.zig_names();
            if !names.iter().any(|name| declared.functions.contains(name)) {
                let [name, camel_case, _] = names;
                let what = format!(
                    "the Zig text has no function `{name}`: write `fn {camel_case}` there, or correct the name on either side"
                );
                return Err(Error::new(function.name.span(), what));
            }
            for ty in function.named_types() {
                let name = signature::plain(ty);
                if !declared.constants.contains(&name) {
                    let what = format!(
                        "the Zig text has no type `{name}`: write `const {name} = extern struct {{ … }};` there"
                    );
                    return Err(Error::new(ty.span(), what));
                }
            }
        }
        Ok(())
    }

    fn check_twice(&self) -> Result<(), Error> {
        for (i, function) in self.functions.iter().enumerate() {
            if self.functions[..i].iter().any(|other| other.name == function.name) {
                let what = format!("a second function of the name `{}`", function.name);
                return Err(Error::new(function.name.span(), what));
            }
        }
        Ok(())
    }

    /// The names of an error set that the block lists as an enum.
    pub fn error_names(&self, name: &proc_macro2::Ident) -> Option<Vec<String>> {
        self.types.iter().find_map(|item| match item {
            Item::Enum(item) if item.ident == *name => {
                Some(item.variants.iter().map(|variant| signature::plain(&variant.ident)).collect())
            }
            _ => None,
        })
    }
}

struct Signatures {
    types: Vec<Item>,
    functions: Vec<Function>,
}

impl Signatures {
    fn block(self, zig: Zig, declared: Option<zig_names::Declared>) -> Block {
        Block { zig, types: self.types, functions: self.functions, declared }
    }
}

impl Parse for Signatures {
    fn parse(input: ParseStream<'_>) -> Result<Self, Error> {
        let mut types = Vec::new();
        let mut declared = Vec::new();
        while !input.is_empty() {
            let ahead = input.fork();
            ahead.call(syn::Attribute::parse_outer)?;
            ahead.parse::<syn::Visibility>()?;
            if ahead.peek(Token![struct]) || ahead.peek(Token![enum]) {
                types.push(input.parse()?);
            } else if ahead.peek(Token![fn]) || ahead.peek(Token![async]) {
                declared.push(input.parse()?);
            } else {
                return Err(ahead.error(
                    "here stand signatures, `fn name(a: u32) -> u32;`, and the structs and enums that they name",
                ));
            }
        }
        let is_enum = |name: &proc_macro2::Ident| {
            types.iter().any(|item| matches!(item, Item::Enum(item) if item.ident == *name))
        };
        let functions = declared
            .into_iter()
            .map(|item| Function::read(item, &is_enum))
            .collect::<Result<_, _>>()?;
        Ok(Self { types, functions })
    }
}

struct WithFile(Block);

impl Parse for WithFile {
    fn parse(input: ParseStream<'_>) -> Result<Self, Error> {
        let form =
            "it is called like this: include_zig!(\"file.zig\", { fn name(a: u32) -> u32; })";
        let file: LitStr = input.parse().map_err(|error| Error::new(error.span(), form))?;
        if !file.value().ends_with(".zig") {
            return Err(Error::new(file.span(), "this is no .zig file"));
        }
        input.parse::<Token![,]>().map_err(|error| Error::new(error.span(), form))?;
        if !input.peek(syn::token::Brace) {
            return Err(input.error(form));
        }
        let inside;
        braced!(inside in input);
        let signatures: Signatures = inside.parse()?;
        input.parse::<Option<Token![,]>>()?;
        Ok(Self(signatures.block(Zig::File(file), None)))
    }
}

/// The Zig tokens, the place of the `---` that stands alone on its line, and the signatures.
fn split(tokens: TokenStream) -> Result<(Vec<TokenTree>, Span, TokenStream), Error> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let line = |token: &TokenTree| token.span().start().line;
    let is_dash =
        |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '-');
    let found = (0..tokens.len().saturating_sub(2)).find(|&i| {
        let alone_before = i == 0 || tokens[i - 1].span().end().line < line(&tokens[i]);
        let alone_after = tokens.get(i + 3).is_none_or(|next| line(next) > line(&tokens[i]));
        tokens[i..i + 3].iter().all(|token| is_dash(token) && line(token) == line(&tokens[i]))
            && alone_before
            && alone_after
    });
    let Some(i) = found else {
        let what = "between the Zig text and the Rust signatures there has to be a line with `---` and nothing else";
        return Err(Error::new(Span::call_site(), what));
    };
    let mut zig = tokens;
    let rest = zig.split_off(i);
    Ok((zig, rest[0].span(), rest.into_iter().skip(3).collect()))
}

/// What a block is known by: FNV-1a of what stands between the macro's delimiters. Carriage returns do not count,
/// since rustc takes them away from the ends of lines.
pub fn hash(text: &str) -> String {
    let bytes = text.trim().bytes().filter(|byte| *byte != b'\r');
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(which: Macro, text: &str) -> Result<Block, String> {
        Block::read(which, text.parse().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_block_has_zig_and_signatures() {
        let block = read(
            Macro::Text,
            "fn add(a: u32, b: u32) u32 { return a - - -b; }\n const P = extern struct { x: f64 };\n---\n\
             /// A point.\n#[repr(C)] pub struct P { x: f64 }\n/// Adds.\npub fn add(a: u32, b: u32) -> u32;",
        )
        .unwrap();
        assert_eq!(block.types.len(), 1);
        assert_eq!(block.functions.len(), 1);
        assert_eq!(block.functions[0].attrs.len(), 1);
        let block = read(Macro::File, "\"a.zig\", { fn add(a: u32) -> u32; }").unwrap();
        assert!(matches!(block.zig, Zig::File(file) if file.value() == "a.zig"));
    }

    #[test]
    fn what_is_no_block_and_why() {
        for (which, text, why) in [
            (Macro::Text, "fn add() void {}", "`---`"),
            (Macro::Text, "fn add() void {} --- \n fn add();", "`---`"),
            (Macro::Text, "fn add() void {}\n---\nfn sub();", "no function `sub`"),
            (
                Macro::Text,
                "const S = struct { fn add() void {} };\n---\nfn add();",
                "no function `add`",
            ),
            (Macro::Text, "fn add() void {}\n---\nfn add();\nfn add();", "a second function"),
            (Macro::Text, "fn addAll() void {}\n---\nfn add_();", "no function `add_`"),
            (Macro::Text, "fn add() void {}\n---\nfn add(p: &P);", "no type `P`"),
            (Macro::Text, "fn add() void {}\n---\nconst A: u8 = 1;", "here stand signatures"),
            (Macro::File, "a, { }", "called like this"),
            (Macro::File, "\"a.zig\"", "called like this"),
            (Macro::File, "\"a.zig\", fn add();", "called like this"),
            (Macro::File, "\"a.rs\", { }", "no .zig file"),
        ] {
            match read(which, text) {
                Ok(_) => panic!("it is a block: {text}"),
                Err(message) => assert!(message.contains(why), "{text}: {message}"),
            }
        }
    }

    #[test]
    fn a_block_is_the_same_with_other_ends_of_lines() {
        assert_eq!(hash("a\r\nb\r\n"), hash("a\nb"));
        assert_ne!(hash("a\nb"), hash("ab"));
    }
}
