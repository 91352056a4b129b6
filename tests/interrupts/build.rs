//! Compiles the handler; the linker's map is that of the firmware example.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    zigflow_build::compile("main.rs");
    let target = env::var("TARGET").unwrap();
    let ram = if target.starts_with("thumbv6m") { "16K" } else { "64K" };
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    let memory = format!(
        "MEMORY {{\n  FLASH : ORIGIN = 0x00000000, LENGTH = 256K\n  RAM : ORIGIN = 0x20000000, LENGTH = {ram}\n}}\n"
    );
    fs::write(out.join("memory.x"), memory).unwrap();
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
}
