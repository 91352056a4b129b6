//! Compiles the source with the data race.

fn main() {
    zigflow_build::compile("race.zig");
}
