//! The Zig file that is made of a block.
//!
//! Line N of it is line N of the Rust file: the Zig text stands where it stood, and each function that Rust calls on
//! the line of its signature. So whatever Zig says about it is right for the Rust file.
//!
//! ```text
//! Rust file                            image
//! 5   zigflow::autozig! {
//! 6       fn add(a: u8) u8 { … }           fn add(a: u8) u8 { … }
//! 7       ---
//! 8       fn add(a: u8) -> u8;         export fn @"…_call_…_add"(a0: u8) callconv(.c) u8 { … }
//! 9   }
//! ```

use super::signature::{Bytes, Element, Failure, Form, Function, Returns, Streaming, plain};
use super::{Block, Found, Handle, Zig};
use proc_macro2::{Ident, Span};
use std::fmt::Write as _;

/// What the image needs to know beside the block.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    /// The Rust file, as errors name it.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
    /// What the symbols of the archive begin with.
    pub prefix: &'a str,
}

/// What has the tests of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tests {
    /// A Zig file with this text: that of the block, in its lines.
    Text(String),
    /// A file beside the Rust file.
    File(String),
}

/// For what the lines of an [`Image`] stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The lines of Zig text from this one on; if there is none, the place of the file's name.
    zig: (usize, Vec<String>),
    /// Line, column and name of each signature.
    signatures: Vec<(usize, usize, String)>,
}

impl Places {
    /// The line and the column, in characters, of what the image has at a line and a column, in bytes. All count
    /// from 1. What is said tells signatures in one line from each other.
    pub fn of(&self, line: usize, column: usize, said: &str) -> (usize, usize) {
        let (first, lines) = &self.zig;
        if let Some(text) = line.checked_sub(*first).and_then(|i| lines.get(i)) {
            let before = text.bytes().take(column - 1).filter(|byte| *byte & 0xc0 != 0x80);
            return (line, before.count() + 1);
        }
        let in_line = self.signatures.iter().filter(|signature| signature.0 == line);
        let named = in_line.clone().find(|(_, _, name)| said.contains(&format!("`{name}`")));
        named.or(in_line.clone().next()).map_or((*first, 1), |(line, column, _)| (*line, *column))
    }
}

/// The symbol of a function.
pub fn symbol_of_call(prefix: &str, hash: &str, function: &str) -> String {
    format!("{prefix}_call_{hash}_{function}")
}

/// The symbol of a function that gives its result by a completion.
pub fn symbol_of_start(prefix: &str, hash: &str, function: &str) -> String {
    format!("{prefix}_start_{hash}_{function}")
}

/// The symbol of a source.
pub fn symbol_of_stream(prefix: &str, hash: &str, function: &str) -> String {
    format!("{prefix}_stream_{hash}_{function}")
}

/// The symbol that says what shape a type has; eight hexadecimal digits follow.
pub fn symbol_of_shape(prefix: &str, hash: &str, ty: &str) -> String {
    format!("{prefix}_shape_{hash}_{ty}_")
}

/// What the symbols begin with that say what a type is made of; the number of the part, its name and its type follow, or
/// the value of an enum, each behind a point.
pub fn symbol_of_part(prefix: &str, hash: &str, ty: &str) -> String {
    format!("{prefix}_part_{hash}_{ty}")
}

impl Image<'_> {
    /// The Zig text for a block in the file.
    pub fn of(&self, found: &Found) -> String {
        let mut lines = Lines::default();
        let (scope, imports) = match &found.block.zig {
            Zig::Text(separator) => {
                let (line, text) = self.zig_text(found, separator);
                lines.put(line, &text);
                ("", String::new())
            }
            Zig::File(file) => (
                FILE,
                format!("const {} = @import({:?});\n", FILE.trim_end_matches('.'), file.value()),
            ),
        };
        for handle in &found.block.handles {
            lines.put(handle.name.span().start().line - 1, &self.end_of(scope, found, handle));
        }
        for function in &found.block.functions {
            let line = function.name.span().start().line - 1;
            lines.put(line, &self.shim(scope, found, function));
        }
        lines.put(
            self.text.matches('\n').count() + 1,
            &format!("const {OUR} binding\" = @import(\"zigflow\").binding;"),
        );
        lines.text() + &imports
    }

    /// What `zig test` is run on, if there is a `test` in the text; of a file only the build script knows.
    pub fn tests(&self, found: &Found) -> Option<Tests> {
        match &found.block.zig {
            Zig::File(file) => Some(Tests::File(file.value())),
            Zig::Text(separator) if found.block.declared.as_ref()?.has_tests => {
                let (line, text) = self.zig_text(found, separator);
                let mut lines = Lines::default();
                lines.put(line, &text);
                Some(Tests::Text(lines.text()))
            }
            Zig::Text(_) => None,
        }
    }

    /// The Zig text, at its column, and the number of its first line, from 0.
    fn zig_text(&self, found: &Found, separator: &Span) -> (usize, String) {
        let begin = found.body.start;
        let zig = &self.text[begin..separator.byte_range().start];
        let before = &self.text[..begin];
        let column = begin - before.rfind('\n').map_or(0, |i| i + 1);
        let text = format!("{}{}", " ".repeat(column), without_export(zig, begin, &found.block));
        (before.matches('\n').count(), text)
    }

    /// Which places of the Rust file those of the image are.
    pub fn places(&self, found: &Found) -> Places {
        let functions = found.block.functions.iter().map(|function| &function.name);
        let names = functions.chain(found.block.handles.iter().map(|handle| &handle.name));
        let signatures = names.map(|name| {
            let place = name.span().start();
            (place.line, place.column + 1, plain(name))
        });
        let zig = match &found.block.zig {
            Zig::Text(separator) => {
                let first = self.text[..found.body.start].matches('\n').count() + 1;
                let end = separator.start().line;
                let lines = self.text.split('\n').skip(first - 1).take(end - first);
                (first, lines.map(str::to_owned).collect())
            }
            Zig::File(file) => (file.span().start().line, Vec::new()),
        };
        Places { zig, signatures: signatures.collect() }
    }

    /// What Rust calls when a handle is dropped.
    fn end_of(&self, scope: &str, found: &Found, handle: &Handle) -> String {
        let name = plain(&handle.name);
        let symbol = symbol_of_call(self.prefix, &found.hash, &format!("{name}.drop"));
        let ty = format!("{scope}@\"{name}\"");
        format!(
            " export fn @\"{symbol}\"({OUR} p0\": *{ty}) callconv(.c) void {{ \
             comptime {OUR} binding\".checkHandle({ty}, \"{name}\", {}); {OUR} binding\".end({OUR} p0\"); }}",
            handle.is_send
        )
    }

    /// The function that Rust calls, and what it needs to be checked.
    fn shim(&self, scope: &str, found: &Found, function: &Function) -> String {
        let zig_type = |element: &Element| zig_type(scope, element);
        let (mut params, mut arguments, mut described) =
            (String::new(), String::new(), String::new());
        for (i, param) in function.params.iter().enumerate() {
            let ty = match &param.form {
                Form::Value(element) => zig_type(element),
                Form::Text | Form::OwnedText => "[]const u8".to_owned(),
                Form::Optional(element) => format!("?{}", zig_type(element)),
                Form::OptionalSlice(element) => format!("?[]const {}", zig_type(element)),
                Form::OptionalText => "?[]const u8".to_owned(),
                Form::Owned(element) => format!("[]const {}", zig_type(element)),
                Form::End => format!("*{OUR} binding\".End"),
                Form::Stream => format!("*{OUR} binding\".Stream"),
                Form::Limiter => format!("*{OUR} binding\".Limiter"),
                Form::Pool => format!("*{OUR} binding\".Pool"),
                Form::Buffer => format!("{OUR} binding\".OwnedBytes"),
                Form::Slice(element, mutable) => {
                    format!("[]{}{}", constness(*mutable), zig_type(element))
                }
                Form::Reference(element, mutable) => {
                    format!("*{}{}", constness(*mutable), zig_type(element))
                }
            };
            if let Some(rest) = ty.strip_prefix("[]") {
                let _ = write!(params, "{OUR} p{i}\": [*]{rest}, {OUR} n{i}\": usize, ");
                let _ = write!(arguments, "{OUR} p{i}\"[0..{OUR} n{i}\"], ");
            } else if let Some(rest) = ty.strip_prefix("?[]") {
                let _ = write!(params, "{OUR} p{i}\": ?[*]{rest}, {OUR} n{i}\": usize, ");
                let _ = write!(
                    arguments,
                    "@as({ty}, if ({OUR} p{i}\") |{OUR} x{i}\"| {OUR} x{i}\"[0..{OUR} n{i}\"] else null), "
                );
            } else if let Some(rest) = ty.strip_prefix('?') {
                let _ = write!(params, "{OUR} p{i}\": ?*const {rest}, ");
                let _ = write!(
                    arguments,
                    "@as({ty}, if ({OUR} p{i}\") |{OUR} x{i}\"| {OUR} x{i}\".* else null), "
                );
            } else if matches!(param.form, Form::Value(Element::Named(_)) | Form::Buffer) {
                // By address, so that both compilers agree without a word about how structs are passed.
                let _ = write!(params, "{OUR} p{i}\": *const {ty}, ");
                let _ = write!(arguments, "{OUR} p{i}\".*, ");
            } else {
                let _ = write!(params, "{OUR} p{i}\": {ty}, ");
                let _ = write!(arguments, "{OUR} p{i}\", ");
            }
            let rust = quoted(&self.param_text(param));
            let _ = write!(described, ".{{ .rust = {rust}, .T = {ty} }}, ");
        }
        let returns = &function.returns;
        let owned = match &returns.value {
            Some(element @ Element::Handle(_)) => Some(zig_type(element)),
            _ => None,
        };
        let value = match &owned {
            Some(ty) => Some(format!("*{ty}")),
            // Lent, and copied by Rust.
            None if returns.stream.is_some()
                && matches!(returns.value, Some(Element::Bytes(Bytes::Vec))) =>
            {
                Some("[]const u8".to_owned())
            }
            None => returns.value.as_ref().map(&zig_type),
        };
        let signature = format!(
            ".{{ .name = {}, .rust = {}, .at = {}, .params = &.{{ {described}}}, .value = {}, .optional = {}, .errors = {}, .is_async = {}, .owned = {}, .stream = .{} }}",
            quoted(&function.full_name()),
            quoted(&self.signature_text(function)),
            quoted(&format!("{}:{}", self.file, function.name.span().start().line)),
            value.as_deref().unwrap_or("void"),
            returns.optional,
            errors(found, returns),
            function.is_async,
            owned.is_some(),
            match returns.stream {
                None => "no",
                Some(Streaming { is_send: true, .. }) => "send",
                Some(_) => "local",
            },
        );
        let call = format!("{OUR} binding\".call({OUR} f\", .{{ {arguments}}})");
        let Body { out, result, text: body } = Body::of(found, returns, value.as_deref(), &call);
        let name = function.full_name();
        let symbol = symbol_of_call(self.prefix, &found.hash, &name);
        let looked_up = looked_up(scope, found, function);
        let check = format!(
            "const {OUR} f\" = {looked_up}; comptime {OUR} binding\".check({OUR} f\", {signature});"
        );
        let mut text = String::new();
        if returns.stream.is_some() {
            let symbol = symbol_of_stream(self.prefix, &found.hash, &name);
            let push = symbol_of_start(self.prefix, &found.hash, &name);
            let _ = write!(
                text,
                " fn {OUR} push {name}\"({params}{OUR} into\": *{OUR} binding\".End) callconv(.c) ?[*:0]const u8 \
                 {{ {check} {OUR} binding\".push({OUR} f\", .{{ {arguments}}}, {OUR} into\") \
                 catch |{OUR} e\"| return {OUR} binding\".errorName({OUR} e\"); return null; }} \
                 comptime {{ if ({OUR} binding\".isPush({looked_up})) \
                 @export(&{OUR} push {name}\", .{{ .name = \"{push}\" }}) else \
                 {OUR} binding\".exportSource({looked_up}, {signature}, \"{symbol}\"); }}"
            );
        } else if function.is_async {
            // Zig knows whether the function takes a completion; the other one of these two is not even looked at.
            let start = symbol_of_start(self.prefix, &found.hash, &name);
            let _ = write!(
                text,
                " fn {OUR} call {name}\"({params}{out}) callconv(.c) {result} {{ {check} {body} }} \
                 fn {OUR} start {name}\"({params}{OUR} operation\": *{OUR} binding\".Operation) callconv(.c) void \
                 {{ {check} {OUR} binding\".start({OUR} f\", .{{ {arguments}}}, {OUR} operation\"); }} \
                 comptime {{ if ({OUR} binding\".isOperation({looked_up})) \
                 @export(&{OUR} start {name}\", .{{ .name = \"{start}\" }}) else \
                 @export(&{OUR} call {name}\", .{{ .name = \"{symbol}\" }}); }}"
            );
        } else {
            let _ = write!(
                text,
                " export fn @\"{symbol}\"({params}{out}) callconv(.c) {result} {{ {check} {body} }}"
            );
        }
        for ty in function.named_types() {
            let first =
                found.block.functions.iter().find(|other| other.named_types().contains(&ty));
            if first.is_some_and(|first| first.full_name() == function.full_name()) {
                let symbol = symbol_of_shape(self.prefix, &found.hash, &plain(ty));
                let part = symbol_of_part(self.prefix, &found.hash, &plain(ty));
                let ty = zig_type(&Element::Named(ty.clone()));
                let _ = write!(
                    text,
                    " comptime {{ {OUR} binding\".exportShape({ty}, \"{symbol}\", \"{part}\"); }}"
                );
            }
        }
        text
    }

    fn param_text(&self, param: &super::Param) -> String {
        let tokens = quote::ToTokens::to_token_stream(&param.ty);
        format!("{}: {}", param.name, tidy(&tokens.to_string()))
    }

    /// As it stands in the file, in one line.
    fn signature_text(&self, function: &Function) -> String {
        let [first, last] = function.extent;
        let text = self.text.get(first.byte_range().start..last.byte_range().end);
        text.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// What a name of the image begins with: Zig lets no name stand for two things, and the others are the user's.
const OUR: &str = "@\"zigflow";

/// What a name of the file of `include_zig!` begins with.
const FILE: &str = "@\"zigflow file\".";

/// What a function of the image does once it has its arguments.
struct Body {
    /// The parameters through which it gives back what is no number.
    out: String,
    /// The type of its result.
    result: String,
    text: String,
}

impl Body {
    fn of(found: &Found, returns: &Returns, value: Option<&str>, call: &str) -> Self {
        let by_value = matches!(returns.value, Some(Element::Primitive(_)));
        let (code, fine, otherwise) = match &returns.failure {
            Failure::Never => ("", "", String::new()),
            Failure::Any | Failure::Other => {
                let otherwise =
                    format!(" catch |{OUR} e\"| return {OUR} binding\".errorName({OUR} e\")");
                ("?[*:0]const u8", "return null;", otherwise)
            }
            Failure::Named(set) => {
                let names = names_of(found, set);
                let otherwise = format!(
                    " catch |{OUR} e\"| return {OUR} binding\".errorIndex({names}, {OUR} e\")"
                );
                ("u32", "return 0;", otherwise)
            }
        };
        let call = format!("{call}{otherwise}");
        let Some(ty) = value else {
            let result = if code.is_empty() { "void" } else { code };
            return Self {
                out: String::new(),
                result: result.to_owned(),
                text: format!("{call}; {fine}"),
            };
        };
        let out = format!("{OUR} out\": *{ty}, ");
        // A value that Rust will own needs memory; there is a way to say that there is none, or not.
        let own = |value: &str| match (&returns.value, code) {
            (Some(Element::Handle(_)), "?[*:0]const u8") => format!(
                "{OUR} binding\".own({value}) catch |{OUR} e\"| return {OUR} binding\".errorName({OUR} e\")"
            ),
            (Some(Element::Handle(_)), _) => {
                format!("{OUR} binding\".own({value}) catch @panic(\"out of memory\")")
            }
            _ => value.to_owned(),
        };
        let body = match (returns.optional, code) {
            (false, "") if by_value => {
                return Self {
                    out: String::new(),
                    result: ty.to_owned(),
                    text: format!("return {call};"),
                };
            }
            (false, _) => format!("{OUR} out\".* = {}; {fine}", own(&call)),
            (true, "") => {
                let value = own(&format!("{call} orelse return false"));
                format!("{OUR} out\".* = {value}; return true;")
            }
            (true, _) => {
                let value = own(&format!("{OUR} x\""));
                let text = format!(
                    "const {OUR} v\" = {call}; {OUR} some\".* = {OUR} v\" != null; \
                     if ({OUR} v\") |{OUR} x\"| {OUR} out\".* = {value}; {fine}"
                );
                return Self {
                    out: format!("{out}{OUR} some\": *bool, "),
                    result: code.to_owned(),
                    text,
                };
            }
        };
        let result = match (returns.optional, code) {
            (false, "") => "void",
            (true, "") => "bool",
            _ => code,
        };
        Self { out, result: result.to_owned(), text: body }
    }
}

fn zig_type(scope: &str, element: &Element) -> String {
    match element {
        Element::Primitive(word) => word.clone(),
        Element::Named(ident) | Element::Handle(ident) => format!("{scope}@\"{}\"", plain(ident)),
        Element::Bytes(_) => format!("{OUR} binding\".OwnedBytes"),
        Element::List(item) => format!("{OUR} binding\".OwnedSlice({})", zig_type(scope, item)),
    }
}

/// The errors of a signature, as Zig compares them.
fn errors(found: &Found, returns: &Returns) -> String {
    match &returns.failure {
        Failure::Never => ".none".to_owned(),
        Failure::Any => ".any".to_owned(),
        Failure::Other => ".other".to_owned(),
        Failure::Named(set) => {
            let (rust, names) = (quoted(&plain(set)), names_of(found, set));
            format!(".{{ .set = .{{ .rust = {rust}, .names = {names} }} }}")
        }
    }
}

fn names_of(found: &Found, set: &Ident) -> String {
    let names = found.block.error_names(set).unwrap_or_default();
    let names: String = names.iter().map(|name| format!("{}, ", quoted(name))).collect();
    format!("&.{{ {names} }}")
}

/// The Zig function. A file shows only what is `pub` in it, and only Zig knows what that is.
fn looked_up(scope: &str, found: &Found, function: &Function) -> String {
    let names = function.zig_names();
    if let Some(this) = &function.this {
        let ty = format!("{scope}@\"{}\"", plain(this));
        let [name, camel_case, _] = &names;
        return format!(
            "(if (@hasDecl({ty}, \"{name}\")) {ty}.@\"{name}\" else if (@hasDecl({ty}, \"{camel_case}\")) {ty}.@\"{camel_case}\" else {{}})"
        );
    }
    match &found.block.declared {
        Some(declared) => {
            let name = names.iter().find(|name| declared.functions.contains(*name));
            format!("@\"{}\"", name.unwrap_or(&names[0]))
        }
        None => {
            let file = scope.trim_end_matches('.');
            let public = |name: &String| {
                format!("if (@hasDecl({file}, \"{name}\")) {file}.@\"{name}\" else ")
            };
            format!("({}{{}})", names.iter().map(public).collect::<String>())
        }
    }
}

fn constness(mutable: bool) -> &'static str {
    if mutable { "" } else { "const " }
}

/// Tokens without the spaces that nobody writes.
fn tidy(tokens: &str) -> String {
    tokens
        .replace("& ", "&")
        .replace("[ ", "[")
        .replace(" ]", "]")
        .replace(" < ", "<")
        .replace(" >", ">")
}

/// A Zig string.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The Zig text where no function that Rust calls is exported: two crates may each have an `add`. What stands behind
/// it stays where it is.
fn without_export(zig: &str, begin: usize, block: &Block) -> String {
    let called: Vec<String> = block.functions.iter().flat_map(Function::zig_names).collect();
    let mut text = zig.to_owned();
    for (word, name) in block.declared.iter().flat_map(|declared| &declared.exports) {
        if called.contains(name) {
            text.replace_range(word.start - begin..word.end - begin, "      ");
        }
    }
    text
}

/// Lines of which each is put where it belongs.
#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    /// Adds `text` to the lines from `first` on, counted from 0.
    fn put(&mut self, first: usize, text: &str) {
        for (i, line) in text.split('\n').enumerate() {
            let at = first + i;
            if self.0.len() <= at {
                self.0.resize(at + 1, String::new());
            }
            self.0[at].push_str(line);
        }
    }

    fn text(self) -> String {
        self.0.join("\n") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;

    fn image(text: &str) -> String {
        let found: Vec<Found> = find(text).unwrap().into_iter().flatten().collect();
        Image { file: "src/lib.rs", text, prefix: "zf1_x" }.of(&found[0])
    }

    #[test]
    fn lines_of_the_image_are_lines_of_the_file() {
        let text = "\n\nautozig! { // first\n    export fn add(a: u8) u8 {\n        return a;\n    }\n---\n    pub fn add(a: u8)\n    -> u8;\n}\n";
        let image = image(text);
        let lines: Vec<&str> = image.lines().collect();
        assert_eq!(lines[2], "           // first");
        assert_eq!(lines[3], "           fn add(a: u8) u8 {");
        assert!(lines[7].starts_with(" export fn @\"zf1_x_call_"), "{image}");
        assert!(lines[7].contains(".at = \"src/lib.rs:8\""), "{image}");
        assert!(lines[7].contains(".rust = \"fn add(a: u8) -> u8\""), "{image}");
    }

    #[test]
    fn a_type_says_once_what_it_is() {
        let text = "include_zig!(\"a.zig\", { type A; type B; \
             impl A { fn at(&self) -> P; } impl B { fn at(&self) -> P; fn or(&self) -> P; } });";
        assert_eq!(image(text).matches("exportShape").count(), 1);
    }

    #[test]
    fn a_file_is_imported_and_its_functions_are_looked_up_there() {
        let image = image("include_zig!(\"a/b.zig\", { fn add_up(a: &[u8]) -> Option<u16>; });");
        assert!(image.contains("const @\"zigflow file\" = @import(\"a/b.zig\");"), "{image}");
        let params = "(@\"zigflow p0\": [*]const u8, @\"zigflow n0\": usize, @\"zigflow out\": *u16, ) callconv(.c) bool";
        assert!(image.contains(params), "{image}");
        for name in ["add_up", "addUp"] {
            let public = format!(
                "if (@hasDecl(@\"zigflow file\", \"{name}\")) @\"zigflow file\".@\"{name}\" else"
            );
            assert!(image.contains(&public), "{image}");
        }
    }

    #[test]
    fn places_of_the_image_are_places_of_the_file() {
        let text = "autozig! { const é = 1; const b = 2;\n fn a() void {}\n fn aa() void {}\n---\nfn a(); fn aa();\n}";
        let found: Vec<Found> = find(text).unwrap().into_iter().flatten().collect();
        let places = Image { file: "src/lib.rs", text, prefix: "zf1_x" }.places(&found[0]);
        assert_eq!(places.of(1, 26, ""), (1, 25));
        assert_eq!(places.of(2, 5, "`aa`"), (2, 5));
        assert_eq!(places.of(5, 700, "the Zig function `aa`"), (5, 12));
        assert_eq!(places.of(5, 700, "the Zig function `a`"), (5, 4));
        assert_eq!(places.of(7, 1, "at the end"), (1, 1));
    }

    #[test]
    fn tests_are_run_on_the_text_alone() {
        let text = "\nautozig! { fn a() void {}\n  test a { a(); }\n---\nfn a();\n}";
        let found: Vec<Found> = find(text).unwrap().into_iter().flatten().collect();
        let image = Image { file: "src/lib.rs", text, prefix: "zf1_x" };
        let tests = Tests::Text("\n           fn a() void {}\n  test a { a(); }\n\n".to_owned());
        assert_eq!(image.tests(&found[0]), Some(tests));
    }

    #[test]
    fn what_is_not_called_stays_exported() {
        let text =
            "autozig! {\nexport fn added() void {}\nexport fn add() void {}\n---\nfn add();\n}";
        let image = image(text);
        assert!(
            image.contains("\nexport fn added()") && image.contains("\n       fn add()"),
            "{image}"
        );
    }
}
