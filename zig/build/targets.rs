//! What Cargo's target is called in Zig.

use crate::Error;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) rust: &'static str,
    pub(crate) zig: &'static str,
    /// The oldest CPU that Rust's target promises, in Zig's words.
    pub(crate) cpu: &'static str,
    /// An operating system with a C library. Without `-lc`, a thread that Zig starts crashes in
    /// Rust's thread-locals.
    pub(crate) hosted: bool,
    pub(crate) flags: &'static [&'static str],
}

impl Target {
    pub(crate) fn find(rust: &str) -> Result<&'static Self, Error> {
        TABLE.iter().find(|target| target.rust == rust).ok_or_else(|| {
            let known: Vec<String> =
                TABLE.iter().map(|target| format!("    {}", target.rust)).collect();
            Error::new(format!(
                "zigflow does not know what the target {rust} is called in Zig. It knows\n{}",
                known.join("\n")
            ))
        })
    }

    /// The name under which rustc looks for the library.
    pub(crate) fn file_name(&self, library: &str) -> String {
        if self.rust.ends_with("-msvc") {
            format!("{library}.lib")
        } else {
            format!("lib{library}.a")
        }
    }
}

const fn hosted(rust: &'static str, zig: &'static str) -> Target {
    Target { rust, zig, cpu: "baseline", hosted: true, flags: &["-fPIC"] }
}

const fn bare(rust: &'static str, zig: &'static str, cpu: &'static str) -> Target {
    Target { rust, zig, cpu, hosted: false, flags: &[] }
}

/// Thumb's unwind tables refer to `__aeabi_unwind_cpp_pr0`, which nothing bare defines.
const fn thumb(rust: &'static str, zig: &'static str, cpu: &'static str) -> Target {
    Target { rust, zig, cpu, hosted: false, flags: &["-fno-unwind-tables"] }
}

/// Rust's armv7 has neither NEON nor the upper sixteen double registers; Zig's baseline has both.
const fn armv7(rust: &'static str, zig: &'static str) -> Target {
    Target { rust, zig, cpu: "generic+v7a+vfp3d16-neon-d32", hosted: true, flags: &["-fPIC"] }
}

/// The C library's version is the oldest that Rust's own standard library runs on.
const TABLE: &[Target] = &[
    hosted("x86_64-unknown-linux-gnu", "x86_64-linux-gnu.2.17"),
    hosted("x86_64-unknown-linux-musl", "x86_64-linux-musl"),
    hosted("aarch64-unknown-linux-gnu", "aarch64-linux-gnu.2.17"),
    hosted("aarch64-unknown-linux-musl", "aarch64-linux-musl"),
    hosted("i686-unknown-linux-gnu", "x86-linux-gnu.2.17"),
    hosted("i686-unknown-linux-musl", "x86-linux-musl"),
    armv7("armv7-unknown-linux-gnueabihf", "arm-linux-gnueabihf.2.17"),
    armv7("armv7-unknown-linux-musleabihf", "arm-linux-musleabihf"),
    hosted("riscv64gc-unknown-linux-gnu", "riscv64-linux-gnu.2.29"),
    hosted("riscv64gc-unknown-linux-musl", "riscv64-linux-musl"),
    hosted("powerpc-unknown-linux-gnu", "powerpc-linux-gnueabihf.2.17"),
    hosted("powerpc-unknown-linux-musl", "powerpc-linux-musleabihf"),
    hosted("s390x-unknown-linux-gnu", "s390x-linux-gnu.2.17"),
    hosted("s390x-unknown-linux-musl", "s390x-linux-musl"),
    hosted("x86_64-apple-darwin", "x86_64-macos.11.0-none"),
    hosted("aarch64-apple-darwin", "aarch64-macos.11.0-none"),
    hosted("x86_64-pc-windows-gnu", "x86_64-windows-gnu"),
    hosted("x86_64-pc-windows-msvc", "x86_64-windows-msvc"),
    hosted("aarch64-pc-windows-gnullvm", "aarch64-windows-gnu"),
    hosted("aarch64-pc-windows-msvc", "aarch64-windows-msvc"),
    // Without atomics_32, Zig turns a plain load into a library call.
    thumb("thumbv6m-none-eabi", "thumb-freestanding-eabi", "cortex_m0+atomics_32"),
    thumb("thumbv7m-none-eabi", "thumb-freestanding-eabi", "cortex_m3"),
    thumb("thumbv7em-none-eabi", "thumb-freestanding-eabi", "cortex_m4"),
    // Zig's models of these cores have no FPU: floats would be passed in the wrong registers.
    thumb("thumbv7em-none-eabihf", "thumb-freestanding-eabihf", "cortex_m4+vfp4d16sp"),
    thumb("thumbv8m.main-none-eabi", "thumb-freestanding-eabi", "cortex_m33"),
    thumb("thumbv8m.main-none-eabihf", "thumb-freestanding-eabihf", "cortex_m33+fp_armv8d16sp"),
    bare(
        "riscv32imc-unknown-none-elf",
        "riscv32-freestanding-none",
        "generic_rv32+m+c+forced_atomics",
    ),
    bare("riscv32imac-unknown-none-elf", "riscv32-freestanding-none", "generic_rv32+m+a+c"),
    Target {
        flags: &["-mcmodel=medium"],
        ..bare("riscv64gc-unknown-none-elf", "riscv64-freestanding-none", "generic_rv64+m+a+f+d+c")
    },
    Target {
        flags: &["-mno-red-zone"],
        ..bare("aarch64-unknown-none", "aarch64-freestanding-none", "generic+strict_align")
    },
    // A kernel's: no register of the FPU is touched, and an interrupt may use the stack below.
    Target {
        flags: &["-fPIC", "-mno-red-zone", "-mcmodel=kernel"],
        ..bare(
            "x86_64-unknown-none",
            "x86_64-freestanding-none",
            "x86_64-mmx-sse-sse2-x87+soft_float",
        )
    },
    bare("wasm32-unknown-unknown", "wasm32-freestanding", "generic"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floating_point_abi_has_a_floating_point_unit() {
        for target in TABLE.iter().filter(|target| target.zig == "thumb-freestanding-eabihf") {
            assert!(target.cpu.contains("+vfp") || target.cpu.contains("+fp_"), "{}", target.rust);
        }
    }

    #[test]
    fn cores_without_compare_and_swap_still_load_and_store_inline() {
        assert_eq!(Target::find("thumbv6m-none-eabi").unwrap().cpu, "cortex_m0+atomics_32");
        assert!(
            Target::find("riscv32imc-unknown-none-elf").unwrap().cpu.ends_with("+forced_atomics")
        );
    }

    #[test]
    fn what_rust_links_as_position_independent_is_so_in_zig() {
        for target in TABLE {
            let is_so = target.hosted || target.rust == "x86_64-unknown-none";
            assert_eq!(target.flags.contains(&"-fPIC"), is_so, "{}", target.rust);
        }
    }

    #[test]
    fn a_target_stands_once() {
        for (i, target) in TABLE.iter().enumerate() {
            assert!(TABLE[..i].iter().all(|other| other.rust != target.rust), "{}", target.rust);
        }
    }

    #[test]
    fn an_unknown_target_is_an_error_that_lists_the_known_ones() {
        let message = Target::find("z80-unknown-cpm").unwrap_err().to_string();
        for target in TABLE {
            assert!(message.contains(target.rust), "{message}");
        }
    }

    #[test]
    fn msvc_has_its_own_file_names() {
        let name = |rust| Target::find(rust).unwrap().file_name("x");
        assert_eq!(name("x86_64-pc-windows-msvc"), "x.lib");
        assert_eq!(name("x86_64-pc-windows-gnu"), "libx.a");
    }
}
