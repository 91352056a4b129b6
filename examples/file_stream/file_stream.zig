//! The Zig half: zigflow's file source under the name that Rust declares.

const zigflow = @import("zigflow");

comptime {
    zigflow.source(zigflow.FileSource, "file_stream");
}
