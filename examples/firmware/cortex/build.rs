//! Where the program goes.

mod memory;

fn main() {
    memory::map();
    println!("cargo::rerun-if-changed=build.rs");
}
