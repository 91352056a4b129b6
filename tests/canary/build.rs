//! Compiles the sources with the bugs.

fn main() {
    zigflow_build::Build::new().file("race.zig").file("memory.zig").compile();
}
