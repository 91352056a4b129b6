//! Compiles the Zig sources of the benchmarks.

fn main() {
    zigflow_build::Build::new().file("bench.zig").file("lib.rs").compile();
}
