//! Compiles the Zig half of each example.

fn main() {
    zigflow_build::Build::new()
        .file("file_stream/file_stream.zig")
        .file("channel/channel.zig")
        .file("select/select.zig")
        .file("gunzip/main.rs")
        .file("metrics/main.rs")
        .file("profile/main.rs")
        .file("rate_limit/main.rs")
        .file("retry/main.rs")
        .file("zero_copy/main.rs")
        .compile();
}
