//! Where the program goes, and `sensor.zig`.

#[path = "../cortex/memory.rs"]
mod memory;

fn main() {
    memory::map();
    zigflow_build::compile("main.rs");
}
