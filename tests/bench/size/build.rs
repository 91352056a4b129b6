//! Compiles the handler; the linker's map has room for all.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    zigflow_build::compile("zigflow.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    let memory = "MEMORY {\n  FLASH : ORIGIN = 0x00000000, LENGTH = 256K\n  RAM : ORIGIN = 0x20000000, LENGTH = 16K\n}\n";
    fs::write(out.join("memory.x"), memory).unwrap();
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
}
