//! Compiles the folder of Zig files, and the Zig text in the Rust files.

fn main() {
    zigflow_build::Build::new().file("zig").file("src").compile();
}
