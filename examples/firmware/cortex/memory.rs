//! The linker's map of QEMU's boards.

use std::path::PathBuf;
use std::{env, fs};

/// Writes it for the board of Cargo's target, and tells the linker.
pub(crate) fn map() {
    let target = env::var("TARGET").unwrap();
    // The microbit is the smallest; the MPS2 with a Cortex-M33 is in its secure state; of the others little is used.
    let (flash, ram, ram_len) = if target.starts_with("thumbv6m") {
        ("0x00000000", "0x20000000", "16K")
    } else if target.starts_with("thumbv8m") {
        ("0x10000000", "0x38000000", "64K")
    } else {
        ("0x00000000", "0x20000000", "64K")
    };
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    let memory = format!(
        "MEMORY {{\n  FLASH : ORIGIN = {flash}, LENGTH = 256K\n  RAM : ORIGIN = {ram}, LENGTH = {ram_len}\n}}\n"
    );
    fs::write(out.join("memory.x"), memory).unwrap();
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
}
