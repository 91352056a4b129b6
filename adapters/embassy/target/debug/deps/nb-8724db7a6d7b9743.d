/work/main/adapters/embassy/target/debug/deps/nb-8724db7a6d7b9743.d: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/nb-1.1.0/src/lib.rs

/work/main/adapters/embassy/target/debug/deps/libnb-8724db7a6d7b9743.rmeta: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/nb-1.1.0/src/lib.rs

/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/nb-1.1.0/src/lib.rs:
