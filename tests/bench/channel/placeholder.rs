//! PLACEHOLDER for `ours.rs` until the channels exist: a loop over the numbers. Every ratio against it
//! is meaningless; the peers' own figures are not.

use std::hint::black_box;

use tokio::runtime::Runtime;

use crate::cores::Cores;

pub(crate) const IS_PLACEHOLDER: bool = true;

fn count(operations: u64) {
    for item in 0..operations {
        black_box(item);
    }
}

pub(crate) fn zig_rust_one(_: &Runtime, operations: u64) {
    count(operations);
}

pub(crate) fn zig_rust_many(_: &Runtime, operations: u64) {
    count(operations);
}

pub(crate) fn rust_zig_one(_: &Runtime, operations: u64) {
    count(operations);
}

pub(crate) fn rust_zig_many(_: &Runtime, operations: u64) {
    count(operations);
}

pub(crate) fn rust_rust_one(_: &Runtime, operations: u64) {
    count(operations);
}

pub(crate) fn grants<const N: usize>(operations: u64) {
    count(operations);
}

pub(crate) fn mpmc_2x2(operations: u64) {
    count(operations);
}

pub(crate) fn ping_pong(_: Cores, operations: u64) {
    count(operations);
}

pub(crate) fn ping_pong_zig(_: Cores, operations: u64) {
    count(operations);
}

pub(crate) fn ping_pong_tokio(_: &Runtime, operations: u64) {
    count(operations);
}
