//! Compiles the Zig half of the models; only under `--cfg loom`.

fn main() {
    if std::env::var_os("CARGO_CFG_LOOM").is_some() {
        zigflow_build::Build::new()
            .file("cell.zig")
            .file("ends.zig")
            .file("completion.zig")
            .file("pool.zig")
            .model(true)
            .compile();
    }
}
