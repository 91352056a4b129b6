//! The macros of zigflow; use them as `zigflow::Transfer`, `zigflow::autozig` and `zigflow::include_zig`.
#![forbid(unsafe_code)]

/// Tokens with the macro's own spans.
macro_rules! ours {
    ($($token:tt)*) => {
        quote::quote_spanned!(proc_macro2::Span::mixed_site()=> $($token)*)
    };
}

#[cfg(feature = "block")]
mod archive;
#[cfg(feature = "block")]
mod call;
#[cfg(feature = "block")]
mod differs;
mod expand;
#[cfg(feature = "block")]
mod place;

use proc_macro::TokenStream;
use zigflow_bindgen::Crossing;

/// Implements the trait `Transfer` for a struct or an enum that Zig has too.
///
/// | in Rust | in Zig |
/// |---|---|
/// | `#[repr(C)] struct` with named fields | `extern struct` |
/// | `#[repr(u8)] enum` without data; other integers too | `enum(u8)` |
/// | `#[repr(transparent)] struct` of one field | that field's type |
///
/// Every field's type has to cross itself. The type is `Copy`. `#[transfer(crate = path)]` names the crate
/// where the trait is, if it is not `::zigflow`. `zigflow_build::Build::types` makes the types in Zig.
///
/// ```text
/// #[derive(Clone, Copy, Transfer)]
/// #[repr(C)]
/// struct Reading {
///     millikelvin: u32,
///     sensors: [u8; 4],
/// }
/// ```
#[proc_macro_derive(Transfer, attributes(transfer))]
pub fn derive_transfer(input: TokenStream) -> TokenStream {
    let read = syn::parse2(input.into()).and_then(Crossing::read);
    match read {
        Ok(crossing) => expand::transfer(&crossing).into(),
        Err(error) => error.into_compile_error().into(),
    }
}

/// Zig functions in a Rust file.
///
/// The Zig text comes first, then a line with `---` and nothing else, then a Rust signature of each function that Rust
/// calls, and the structs and enums that the signatures name. The package needs a build script that calls
/// `zigflow_build::compile("src")`; for blocks in `tests`, too,
/// `zigflow_build::Build::new().file("src").file("tests").compile()`.
///
/// ```text
/// zigflow::autozig! {
///     const std = @import("std");
///
///     fn countWords(text: []const u8) usize {
///         var words = std.mem.tokenizeAny(u8, text, " \n");
///         var count: usize = 0;
///         while (words.next()) |_| count += 1;
///         return count;
///     }
///     ---
///     /// How many words there are.
///     pub fn count_words(text: &str) -> usize;
/// }
/// ```
///
/// | in Rust | in Zig |
/// |---|---|
/// | integers of 8 to 64 bits, `usize`, `isize`, `f32`, `f64`, `bool` | the same |
/// | `&str`, `&[T]` | `[]const u8`, `[]const T`; also `[*]const T` with a `usize` behind it |
/// | `&mut [T]` | `[]T` or `[]const T`; also `[*]T` with a `usize` behind it |
/// | `&T`, `&mut T` | `*const T`, `*T` |
/// | `ZigSender<T>`, `ZigReceiver<T>` | `zigflow.spsc.Sender(T)`, `.Receiver(T)`, or of `mpmc`; or `*zigflow.RawSender` |
/// | `StreamForZig<T>`, `StreamForZig<[u8]>` | `zigflow.RustStream(T)`, `zigflow.RustMessages`; or `*zigflow.RawStream` |
/// | `ZeroCopyBuffer`, `RustBuffer` | `zigflow.OwnedBytes`, to be ended by `deinit`, once, or given on |
/// | `ZigRateLimiter` | `zigflow.RateLimiter`; or `*zigflow.RawLimiter` |
/// | `ZigPool` | `zigflow.Pool`; or `*zigflow.RawPool` |
/// | `Point`, a struct or an enum | `Point`, an `extern struct` or an `enum(u8)` |
/// | `&Parser`, `&mut Parser` of a `type Parser;` | `*const Parser`, `*Parser` |
/// | `Parser` as a result | `Parser`, or `*Parser` if it has a `destroy` |
/// | `ZeroCopyBuffer`, or a copy as `Vec<u8>` or `String`, as a result | `zigflow.OwnedBytes` |
/// | `Option<T>` of numbers, bools, structs and enums | `?T` |
/// | `Option<&str>`, `Option<&[T]>` | `?[]const u8`, `?[]const T` |
/// | `Vec<T>`, a copy, as a result | `zigflow.OwnedSlice(T)` |
/// | `Option<T>` as a result | `?T` |
/// | `Result<T, ZigError>` as a result | `!T` |
/// | `Result<T, ParseError>`, an enum in this block | `error{ … }!T` of exactly these names |
///
/// The function `count_words` is `count_words`, `countWords` or `zig_count_words` in Zig. Zig compares the types of its
/// function with those of the signature, exactly, and the fields of structs are compared too: what does not fit is a
/// compile error that names both. A struct in the block that says no `#[repr]` gets `#[repr(C)]`, and what crosses gets
/// the derives `Clone`, `Copy` and `Transfer` if it has not; an enum of errors is a Rust `Error`. What is lent is lent for
/// the call. Rust may call the function from several threads at once: what it keeps in variables of its own it has to
/// guard. What it returns, and what it was lent for writing, it leaves initialised; a result whose bits are no value of its
/// type is a panic. What is handed over, a buffer, a pool, a rate limiter, an end of a channel or a stream, is Zig's, which ends it by `deinit`; an end or a stream is opened before the function is called, and
/// if it is of another type than Zig says, that is the error of the call. A panic in Zig ends the process (`zigflow::set_zig_panic_hook`).
///
/// `@import("file.zig")` starts from the Rust file's folder. Zig text that Rust's lexer cannot read, such as `\\`
/// strings, goes into a file: [`include_zig!`]. So does a text with `@embedFile`. The build script finds the macros by their
/// names, `autozig!` and `include_zig!`, in the text of the files, whatever `#[cfg]` they stand under.
///
/// What the macros write names the crate `::zigflow`. A package that has it by another name in its Cargo.toml, `zf = { package =
/// "zigflow", … }`, says so once, at the top of the crate: `extern crate zf as zigflow;`.
///
/// # Tests
///
/// `test` blocks in the Zig text, or in the file of [`include_zig!`], run under `cargo test`, each block's as one test of
/// Rust's, `zig_tests_of_line_…`. Zig runs alone there: what needs Rust, such as channels and completions, is not there.
///
/// # Values that Zig keeps
///
/// `type Parser;` declares a Rust type that owns a value of Zig's struct `Parser`, of which Rust knows nothing else. What a
/// function returns by value gets memory of its own; when Rust drops it, `pub fn deinit(self: *Parser) void` ends it. A
/// struct with `pub fn destroy(self: *Parser) void` comes as a pointer instead, and that frees it. `type Parser: Send;`
/// may go to another thread, which Zig has to allow by `pub const sendable = true;` in the struct.
///
/// ```text
/// type Parser: Send;
/// impl Parser {
///     pub fn new(depth: u32) -> Result<Self, ZigError>;    // Parser.new in Zig
///     pub fn feed(&mut self, text: &str) -> Option<u64>;   // Parser.feed, also Parser.feedMore for feed_more
/// }
/// ```
///
/// # Streams
///
/// A function whose Zig half returns a source, a struct with `pub fn poll(self: *Self, cx: *zigflow.Context)
/// zigflow.Poll(T)`, is a stream in Rust: `-> impl Stream<Item = Result<T, StreamError>>`. `+ Send` has to be allowed by
/// `pub const sendable = true;` in the struct. `T` is plain data, `Vec<u8>` for `[]const u8`, or `ZeroCopyBuffer` for
/// `zigflow.OwnedBytes`. The function takes numbers, bools, `&str` and `&[u8]`.
///
/// Or the Zig function takes a `zigflow.spsc.Sender(T)` as its last parameter and returns nothing, or an error: then it runs
/// on a thread of the pool, as a plain `async fn` does, from the first poll on; it may block, and what it sends is the
/// stream, of plain data or, as `zigflow.OwnedBytes`, of `ZeroCopyBuffer`s. Behind the items comes its error, if it returned one. When the stream is dropped, sending fails
/// with `Closed`, and the function should return. It owns what it works on: take `String` and `Vec<u8>`.
///
/// If a source does not open, that is the
/// stream's first item and its last; with `Result<impl Stream<…>, OpenError>` the function says so itself.
///
/// # `async fn`
///
/// It begins when it is polled first. What happens then is Zig's choice:
///
/// | Zig's function takes, beside the rest, | and so |
/// |---|---|
/// | a `zigflow.Completion(T)` | is called there and then, and ends the future by the completion, from any thread |
/// | a `zigflow.Callback(T)` and a `*anyopaque` | the same with a C function, which it calls once with that context |
/// | neither | is called on a thread of a pool (`zigflow::unblock`, with zigflow's feature `blocking` or `tokio`) |
///
/// In the first two cases the result is `Result<T, E>` with an `E` that is made `From<FutureError>`, such as `FutureError`
/// itself; a function that returns an error has failed with it. References are lent for the call alone, in which Zig begins.
/// On the pool the function owns what it works on: a `String` or a `Vec<T>` is its `[]const u8` or `[]const T`.
///
/// Cancel safety: dropped, the future asks the completion to stop, as a `ZigFuture` does; on the pool the function runs to
/// its end, if it has begun.
///
/// ```text
/// zigflow::autozig! {
///     const std = @import("std");
///     const zigflow = @import("zigflow");
///
///     fn square(n: u32, done: zigflow.Completion(u64)) !void {
///         const thread = try std.Thread.spawn(.{}, work, .{ n, done });
///         thread.detach();
///     }
///     fn work(n: u32, done: zigflow.Completion(u64)) void {
///         done.finish(@as(u64, n) * n);
///     }
///     ---
///     pub async fn square(n: u32) -> Result<u64, FutureError>;
/// }
/// ```
#[cfg(feature = "block")]
#[proc_macro]
pub fn autozig(input: TokenStream) -> TokenStream {
    calls(Macro::Text, input)
}

/// Zig functions in a file beside the Rust file, with the signatures of [`autozig!`].
///
/// ```text
/// zigflow::include_zig!("words.zig", {
///     /// How many words there are.
///     pub fn countWords(text: &str) -> usize;
/// });
/// ```
///
/// The functions and the types that the signatures name have to be `pub` in Zig, and no `export fn` if another crate
/// of the program may export the same name.
#[cfg(feature = "block")]
#[proc_macro]
pub fn include_zig(input: TokenStream) -> TokenStream {
    calls(Macro::File, input)
}

#[cfg(feature = "block")]
use zigflow_bindgen::block::{Block, Macro, hash};

#[cfg(feature = "block")]
fn calls(which: Macro, input: TokenStream) -> TokenStream {
    let tokens = proc_macro2::TokenStream::from(input);
    let block = match Block::read(which, tokens.clone()) {
        Ok(block) => block,
        Err(error) => return error.into_compile_error().into(),
    };
    let hash = proc_macro::Span::call_site().source_text().as_deref().and_then(body).map(hash);
    let file = proc_macro::Span::call_site().local_file();
    match archive::Archive::find(which, hash.as_deref(), file.as_deref()) {
        Ok(archive) => {
            // With its mistakes the functions, too: that they are missing would be one error more.
            let mistakes = archive.mistakes.iter().map(|mistake| place::report(&tokens, mistake));
            let functions = call::block(&block, hash.as_deref().unwrap_or_default(), &archive);
            mistakes.chain([functions]).collect::<proc_macro2::TokenStream>().into()
        }
        Err(what) => {
            syn::Error::new(proc_macro2::Span::call_site(), what).into_compile_error().into()
        }
    }
}

/// What stands between the delimiters of a call.
#[cfg(feature = "block")]
fn body(call: &str) -> Option<&str> {
    let (_, rest) = call.split_once('!')?;
    let inside = rest.trim_start().strip_prefix(['{', '(', '['])?;
    inside.trim_end().strip_suffix(['}', ')', ']'])
}
