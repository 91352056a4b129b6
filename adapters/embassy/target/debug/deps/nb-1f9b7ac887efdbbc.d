/work/main/adapters/embassy/target/debug/deps/nb-1f9b7ac887efdbbc.d: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/nb-0.1.3/src/lib.rs

/work/main/adapters/embassy/target/debug/deps/libnb-1f9b7ac887efdbbc.rmeta: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/nb-0.1.3/src/lib.rs

/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/nb-0.1.3/src/lib.rs:
