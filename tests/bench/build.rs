//! Compiles the Zig sources of the benchmarks.

fn main() {
    zigflow_build::compile("bench.zig");
}
