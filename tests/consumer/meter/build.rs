//! Compiles the folder of Zig files.

fn main() {
    zigflow_build::compile("zig");
}
