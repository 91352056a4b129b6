//! As the README tells users.

fn main() {
    zigflow_build::compile("consumer.zig");
}
