//! Compiles the handler.

#[path = "../../../examples/firmware/cortex/memory.rs"]
mod memory;

fn main() {
    zigflow_build::compile("zigflow.rs");
    memory::map();
}
