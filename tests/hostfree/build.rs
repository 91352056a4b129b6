//! No C library, so Zig brings its own memcpy, and the program has no start files.

fn main() {
    zigflow_build::Build::new().file("hostfree.zig").compiler_rt(true).compile();
    println!("cargo::rustc-link-arg-bins=-nostartfiles");
    // With std, which is the canary, it links all the same: the gates have to see it, not the linker.
    if std::env::var_os("CARGO_FEATURE_STD").is_none() {
        for argument in ["-nostdlib", "-static", "-no-pie"] {
            println!("cargo::rustc-link-arg-bins={argument}");
        }
    }
}
