# Every pinned tool version, in this one place.
ZIG_VERSION=0.17.1     # what everything is built with
ZIG_OLD_VERSION=0.16.0 # the older of the two supported minors; ci/test runs the tests on it too
MSRV=1.88.0            # as `rust-version` in Cargo.toml
DEFMT_PRINT_VERSION=1.2.0 # reads what firmware tells by defmt
NODE_VERSION=24.19.0   # runs the WebAssembly example where there is no node
