//! Compiles `app.zig` for the board.

fn main() {
    zigflow_build::compile("lib.rs");
}
