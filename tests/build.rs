//! Compiles the Zig sources that the tests poll.

fn main() {
    zigflow_build::compile("zig/sources.zig");
}
