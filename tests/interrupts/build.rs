//! Compiles the handler.

#[path = "../../examples/firmware/cortex/memory.rs"]
mod memory;

fn main() {
    zigflow_build::compile("main.rs");
    memory::map();
}
