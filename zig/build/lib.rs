//! The build-script helper of zigflow: compiles Zig sources together with the Zig package
//! `zigflow` and links the result into the crate.
//!
//! ```no_run
//! // build.rs, in `main`
//! zigflow_build::compile("src/lib.zig");
//! ```
//!
//! In Zig, `@import("zigflow")` is there without further ado. In Rust, `zigflow::zig_source!`
//! declares what Zig bound with `zigflow.source`.
//!
//! # Zig text in Rust files
//!
//! `zigflow_build::compile("src")` compiles what stands in `autozig!` and `include_zig!` in the Rust files of `src`
//! too (feature `macros`, on by default). What Zig says about it has the file and the line of the Rust text.
//!
//! # Types of both languages
//!
//! With the feature `types`, `Build::types("src/types.rs")` writes the equals in Zig of the Rust types that
//! have `#[derive(Transfer)]`; the Zig files `@import("types")`.
//!
//! # Which Zig
//!
//! The command in the variable `ZIG` if it is set, else `zig` on `PATH`, else `python3 -m ziglang`.
//! Zig 0.16 and 0.17 are supported; nothing is ever downloaded. On docs.rs no Zig is needed.
//!
//! # Variables
//!
//! | variable | meaning |
//! |---|---|
//! | `ZIG` | the command that runs Zig; arguments are separated by spaces |
//! | `ZIGFLOW_OPTIMIZE` | `Debug`, `ReleaseSafe`, `ReleaseFast` or `ReleaseSmall`; stronger than the builder and the Cargo profile |
//! | `ZIGFLOW_FLAGS` | further arguments of `zig build-lib`, separated by spaces |
#![forbid(unsafe_code)]

mod archive;
mod bindings;
mod blocks;
mod build;
mod command;
mod env;
mod error;
mod generated;
mod job;
mod mirror;
mod modules;
mod names;
mod optimize;
mod output;
mod place;
mod report;
mod scan;
mod sources;
mod stamp;
mod targets;
mod tree;
mod zig;
mod zig_tests;

pub use build::Build;
pub use env::Env;
pub use error::Error;
pub use optimize::Optimize;
pub use output::Output;

use std::path::Path;

/// Compiles one `.zig` file, the Zig text in a Rust file, or both of a folder, and tells Cargo how to link the result.
///
/// `path` is relative to the package. Of a folder, every `.zig` file directly in it is compiled,
/// except a `build.zig`; files that others import come with them. Of its Rust files, and of those in folders below,
/// each `autozig!` and `include_zig!` is compiled.
///
/// On failure the reason is printed as `cargo::error` lines and the build script ends with exit
/// code 1; [`Build::try_compile`] returns it instead.
pub fn compile(path: impl AsRef<Path>) -> Output {
    Build::new().file(path).compile()
}
