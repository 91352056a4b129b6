/work/main/adapters/embassy/target/debug/deps/document_features-b1a59cf64db8be69.d: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/document-features-0.2.12/lib.rs

/work/main/adapters/embassy/target/debug/deps/libdocument_features-b1a59cf64db8be69.so: /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/document-features-0.2.12/lib.rs

/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/document-features-0.2.12/lib.rs:
