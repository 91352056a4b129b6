//! As the README tells users.

fn main() {
    zigflow_build::Build::new()
        .file("consumer.zig")
        .file("main.rs")
        .file("seed.rs")
        .types("types.rs")
        .compile();
}
