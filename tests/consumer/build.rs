//! As the README tells users.

fn main() {
    zigflow_build::Build::new().file("consumer.zig").types("types.rs").compile();
}
