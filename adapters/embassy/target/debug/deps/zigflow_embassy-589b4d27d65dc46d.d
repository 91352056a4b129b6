/work/main/adapters/embassy/target/debug/deps/zigflow_embassy-589b4d27d65dc46d.d: src/lib.rs Cargo.toml

/work/main/adapters/embassy/target/debug/deps/libzigflow_embassy-589b4d27d65dc46d.rmeta: src/lib.rs Cargo.toml

src/lib.rs:
Cargo.toml:

# env-dep:CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__
# env-dep:CLIPPY_CONF_DIR
