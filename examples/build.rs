//! Compiles the Zig half of each example.

fn main() {
    zigflow_build::compile("file_stream/file_stream.zig");
}
