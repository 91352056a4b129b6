/work/main/adapters/embassy/target/debug/deps/void-3fc7dcf6e8f4013f.d: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/void-1.0.2/src/lib.rs

/work/main/adapters/embassy/target/debug/deps/libvoid-3fc7dcf6e8f4013f.rmeta: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/void-1.0.2/src/lib.rs

/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/void-1.0.2/src/lib.rs:
