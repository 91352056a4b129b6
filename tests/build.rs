//! Compiles the Zig sources that the tests poll, and the Zig text of the README, also where it stands in Rust.

use std::path::Path;

fn main() {
    let readme = "../README.md";
    println!("cargo::rerun-if-changed={readme}");
    let text = std::fs::read_to_string(readme).expect("the README is beside this package");
    let out = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let mut build = zigflow_build::Build::new()
        .file("zig/sources.zig")
        .file("zig/seed.zig")
        .file("zig/futures.zig")
        .file("pools.rs")
        .file("situations/autozig.rs")
        .file("situations/autozig_async.rs")
        .file("situations/autozig_streams.rs")
        .file("situations/autozig_handles.rs")
        .file("situations/autozig_owned.rs")
        .file("situations/pace_zig.rs")
        .file("situations/byte_io.rs")
        .file("situations/profile.rs")
        .file("situations/closed_zig.rs")
        .types("types.rs");
    for (language, extension) in [("```zig\n", "zig"), ("```rust\n", "rs")] {
        let blocks = text.split(language).skip(1);
        let blocks = blocks.map(|rest| rest.split("```").next().unwrap_or(rest));
        for (number, block) in blocks.enumerate() {
            let file = Path::new(&out).join(format!("readme_{number}.{extension}"));
            std::fs::write(&file, block).expect("OUT_DIR is writable");
            build = build.file(file);
        }
    }
    build.compile();
}
