//! Where the program goes, and `sensor.zig`.

#[path = "../cortex/memory.rs"]
mod memory;

fn main() {
    memory::map();
    if std::env::var_os("CARGO_FEATURE_LOG").is_some() {
        println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    }
    zigflow_build::compile("main.rs");
}
