//! Compiles the Zig sources that the tests poll, and the Zig text of the README.

use std::path::Path;

fn main() {
    let readme = "../README.md";
    println!("cargo::rerun-if-changed={readme}");
    let text = std::fs::read_to_string(readme).expect("the README is beside this package");
    let (_, zig) = text.split_once("```zig\n").expect("the README has a Zig block");
    let (zig, _) = zig.split_once("```").expect("the Zig block ends");
    let out = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let file = Path::new(&out).join("collatz.zig");
    std::fs::write(&file, zig).expect("OUT_DIR is writable");

    zigflow_build::Build::new().file("zig/sources.zig").file("zig/seed.zig").file(file).compile();
}
