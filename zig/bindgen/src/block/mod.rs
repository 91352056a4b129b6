//! Zig text in a Rust file, with the Rust signatures of its functions: `autozig!` and `include_zig!`.
//!
//! The build script finds the blocks in the text of a file ([`find`]) and makes Zig of them ([`Image`]); the
//! macros parse the same tokens and make Rust. Both know a block by the [`hash`] of its text.

mod find;
mod image;
mod signature;
mod zig_names;

pub use find::{Found, NotWellFormed, find};
pub use image::{
    Image, Places, Tests, symbol_of_call, symbol_of_part, symbol_of_shape, symbol_of_start,
    symbol_of_stream,
};
pub use signature::{
    Bytes, Element, Failure, Form, Function, PRIMITIVES, Param, Returns, Streaming,
};

use proc_macro2::{Span, TokenStream, TokenTree};
use signature::Scope;
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
    /// The types that Rust only has handles of.
    pub handles: Vec<Handle>,
    /// The functions.
    pub functions: Vec<Function>,
    /// What a Zig text declares; of a file only Zig knows.
    declared: Option<zig_names::Declared>,
}

/// `type Name;` or `type Name: Send;`: a type of Zig's that Rust only has a handle of.
#[allow(missing_debug_implementations)]
pub struct Handle {
    /// Docs and others, for the Rust type.
    pub attrs: Vec<syn::Attribute>,
    /// Whose it is.
    pub vis: syn::Visibility,
    /// Its name in both languages.
    pub name: proc_macro2::Ident,
    /// It may go to another thread.
    pub is_send: bool,
}

impl Parse for Handle {
    fn parse(input: ParseStream<'_>) -> Result<Self, Error> {
        let attrs = input.call(syn::Attribute::parse_outer)?;
        let vis = input.parse()?;
        input.parse::<Token![type]>()?;
        let name = input.parse()?;
        let is_send = input.parse::<Option<Token![:]>>()?.is_some();
        if is_send {
            let bound: proc_macro2::Ident = input.parse()?;
            if bound != "Send" {
                return Err(Error::new(bound.span(), "the one thing to be said here is `Send`"));
            }
        }
        input.parse::<Token![;]>()?;
        Ok(Self { attrs, vis, name, is_send })
    }
}

/// `impl Name { signatures }`.
struct Methods {
    this: proc_macro2::Ident,
    functions: Vec<syn::ForeignItemFn>,
}

impl Parse for Methods {
    fn parse(input: ParseStream<'_>) -> Result<Self, Error> {
        input.parse::<Token![impl]>()?;
        let this = input.parse()?;
        let (inside, mut functions) = (braces(input)?, Vec::new());
        while !inside.is_empty() {
            functions.push(inside.parse()?);
        }
        Ok(Self { this, functions })
    }
}

fn braces(input: ParseStream<'_>) -> Result<syn::parse::ParseBuffer<'_>, Error> {
    let inside;
    braced!(inside in input);
    Ok(inside)
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
        for handle in &self.handles {
            check_type(declared, &handle.name, "struct")?;
        }
        for function in &self.functions {
            // A method is looked up by Zig.
            if function.this.is_some() {
                continue;
            }
            let names = function.zig_names();
            if !names.iter().any(|name| declared.functions.contains(name)) {
                let [name, camel_case, _] = names;
                let what = format!(
                    "the Zig text has no function `{name}`: write `fn {camel_case}` there, or correct the name on either side"
                );
                return Err(Error::new(function.name.span(), what));
            }
            for ty in function.named_types() {
                check_type(declared, ty, "extern struct")?;
            }
        }
        Ok(())
    }

    fn check_twice(&self) -> Result<(), Error> {
        for (i, function) in self.functions.iter().enumerate() {
            if self.functions[..i].iter().any(|other| other.full_name() == function.full_name()) {
                let what = format!("a second function of the name `{}`", function.full_name());
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

fn check_type(
    declared: &zig_names::Declared,
    ty: &proc_macro2::Ident,
    kind: &str,
) -> Result<(), Error> {
    let name = signature::plain(ty);
    if declared.constants.contains(&name) {
        return Ok(());
    }
    let what =
        format!("the Zig text has no type `{name}`: write `const {name} = {kind} {{ … }};` there");
    Err(Error::new(ty.span(), what))
}

struct Signatures {
    types: Vec<Item>,
    handles: Vec<Handle>,
    functions: Vec<Function>,
}

impl Signatures {
    fn block(self, zig: Zig, declared: Option<zig_names::Declared>) -> Block {
        Block { zig, types: self.types, handles: self.handles, functions: self.functions, declared }
    }
}

impl Parse for Signatures {
    fn parse(input: ParseStream<'_>) -> Result<Self, Error> {
        let (mut types, mut handles) = (Vec::new(), Vec::<Handle>::new());
        let (mut declared, mut methods) = (Vec::new(), Vec::new());
        while !input.is_empty() {
            let ahead = input.fork();
            ahead.call(syn::Attribute::parse_outer)?;
            ahead.parse::<syn::Visibility>()?;
            if ahead.peek(Token![struct]) || ahead.peek(Token![enum]) {
                types.push(input.parse()?);
            } else if ahead.peek(Token![type]) {
                handles.push(input.parse()?);
            } else if ahead.peek(Token![impl]) {
                methods.push(input.parse::<Methods>()?);
            } else if ahead.peek(Token![fn]) || ahead.peek(Token![async]) {
                declared.push(input.parse()?);
            } else {
                return Err(ahead.error(
                    "here stand signatures, `fn name(a: u32) -> u32;`, and the types that they name: `struct`, `enum`, or `type Name;` with `impl Name { signatures }`",
                ));
            }
        }
        let enums = types.iter().filter_map(|item| match item {
            Item::Enum(item) => Some(item.ident.clone()),
            _ => None,
        });
        let handle_names = handles.iter().map(|handle| handle.name.clone()).collect();
        let scope = Scope { enums: enums.collect(), handles: handle_names, ..Scope::default() };
        let mut functions = Vec::new();
        for item in declared {
            functions.push(Function::read(item, &scope)?);
        }
        for Methods { this, functions: items } in methods {
            if !scope.handles.contains(&this) {
                let what = format!("methods need `type {this};` in this block");
                return Err(Error::new(this.span(), what));
            }
            let scope = Scope { this: Some(this), ..scope.clone() };
            for item in items {
                functions.push(Function::read(item, &scope)?);
            }
        }
        Ok(Self { types, handles, functions })
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
        let signatures: Signatures = braces(input)?.parse()?;
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
            (Macro::Text, "const P = 1;\n---\nimpl P { fn f(); }", "methods need `type P;`"),
            (Macro::Text, "const P = 1;\n---\ntype P: Sync;", "`Send`"),
            (Macro::Text, "const P = 1;\n---\ntype Q;", "no type `Q`"),
            (Macro::Text, "const P = 1;\n---\ntype P; impl P { fn f(self); }", "take `&self`"),
            (Macro::Text, "const P = 1;\n---\ntype P; impl P { fn f(); fn f(); }", "`P.f`"),
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
