//! What a build script of a package with Zig code lives through.
//!
//! Most situations call the build with variables of their own, in a folder of their own; the last
//! ones run Cargo. The programs that they link hold stand-ins for the functions that zigflow-core
//! lends to Zig, so this file tests the build and nothing else.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output as Finished};
use zigflow_build::{Build, Env, Optimize};

const COUNTER: &str = r#"
    const zigflow = @import("zigflow");
    const Counter = struct {
        next: u64,
        pub const sendable = true;
        pub fn open(from: u64) !Counter {
            return .{ .next = from };
        }
        pub fn poll(self: *Counter, _: *zigflow.Context) zigflow.Poll(u64) {
            self.next += 1;
            return .{ .ready = self.next };
        }
    };
    comptime {
        zigflow.source(Counter, "counter");
    }
"#;

/// The same source under the same name, but bound to one thread: its flags are 0, not 1.
fn local_counter() -> String {
    COUNTER.replace("sendable = true", "sendable = false")
}

const ANSWER: &str = "const util = @import(\"util.zig\");
export fn answer() u32 {
    return util.answer;
}
";

// -- Zig, wanted and found --

#[test]
fn missing_zig_is_one_readable_message() {
    let package = Package::new("missing_zig").file("lib.zig", "");
    let message = package.env_without_zig().error(&package);
    assert_eq!(
        message,
        "zigflow needs Zig 0.16 to 0.17. Looked for it here:
    zig: not found
    python3 -m ziglang: not found
Install it with `pip install ziglang==0.17.1`, or set ZIG to the command that runs it"
    );
}

#[test]
fn zig_0_13_is_refused_with_the_supported_range() {
    let package = Package::new("zig_0_13").file("lib.zig", "").script("bin/zig", "echo 0.13.0");
    let zig = package.path("bin/zig");
    let found = format!("found 0.13.0 ({})", zig.display());

    let on_path = package.env_without_zig().error(&package);
    assert!(on_path.contains(&format!("zig: {found}")), "{on_path}");
    assert!(on_path.contains("needs Zig 0.16 to 0.17"), "{on_path}");
    assert!(on_path.contains("pip install ziglang=="), "{on_path}");

    let chosen = package.env.clone().with("ZIG", &zig).error(&package);
    assert!(chosen.contains(&found), "{chosen}");
    assert!(chosen.contains("needs Zig 0.16 to 0.17"), "{chosen}");
}

#[test]
fn python_stands_in_for_an_old_zig_on_the_path() {
    let package = Package::new("old_zig_and_python").file("lib.zig", "");
    let real = real_zig();
    let package = package
        .script("bin/zig", "echo 0.13.0")
        .script("bin/python3", &format!("shift 2\nPATH=$REAL_PATH exec {real} \"$@\""));
    let env = package.env_without_zig().with("REAL_PATH", std::env::var("PATH").unwrap());
    assert!(package.build().env(env).try_compile().unwrap().ran_zig());
}

#[test]
fn a_path_with_spaces_is_one_program() {
    let package = Package::new("zig_with_spaces").file("lib.zig", "");
    let package = package.script("my tools/zig", &format!("exec {} \"$@\"", real_zig()));
    let env = package.env.clone().with("ZIG", package.path("my tools/zig"));
    assert!(package.build().env(env).try_compile().unwrap().ran_zig());
}

#[test]
fn a_zig_that_fails_says_why() {
    let package = Package::new("zig_fails").file("lib.zig", "");
    let package = package.script("zig", "echo 'no module named ziglang' >&2; exit 1");
    let message = package.env.clone().with("ZIG", package.path("zig")).error(&package);
    assert!(message.contains("no module named ziglang"), "{message}");
}

#[test]
fn docs_rs_needs_no_zig() {
    let package = Package::new("docs_rs").file("lib.zig", COUNTER);
    let env = package.env_without_zig().with("DOCS_RS", "1");
    let output = package.build().env(env).try_compile().unwrap();
    assert_eq!(fs::read_to_string(package.sources_rs()).unwrap(), "");
    let variable = format!("rustc-env=ZIGFLOW_SOURCES={}", package.sources_rs().display());
    assert!(output.directives().contains(&variable), "{:?}", output.directives());
    assert!(!output.directives().iter().any(|line| line.starts_with("rustc-link")));
}

// -- targets and flags --

#[test]
fn unknown_target_lists_what_is_mapped() {
    let package = Package::new("unknown_target").file("lib.zig", "");
    let message = package.env.clone().with("TARGET", "z80-unknown-cpm").error(&package);
    assert!(message.contains("z80-unknown-cpm"), "{message}");
    for target in ["x86_64-unknown-linux-gnu", "aarch64-apple-darwin", "thumbv6m-none-eabi"] {
        assert!(message.contains(target), "{message}");
    }
}

#[test]
fn every_mapped_target_compiles_and_its_sources_are_found() {
    let package = Package::new("every_target").file("lib.zig", COUNTER);
    let unknown = package.env.clone().with("TARGET", "z80-unknown-cpm").error(&package);
    let targets: Vec<&str> = unknown.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    assert!(targets.len() > 20, "{unknown}");
    for target in targets {
        for level in ["0", "3"] {
            let env = package.env.clone().with("TARGET", target).with("OPT_LEVEL", level);
            let output = package.build().env(env).try_compile().expect(target);
            assert_eq!(output.sources(), ["counter"], "{target}");
        }
    }
}

#[test]
fn the_mode_the_cpu_and_the_c_library_reach_the_users_file() {
    let package = Package::new("mode_and_cpu").file(
        "lib.zig",
        r#"const std = @import("std");
        const builtin = @import("builtin");
        const mode = @tagName(builtin.mode);
        comptime {
            if (!std.mem.eql(u8, mode, "ReleaseSmall") and !std.mem.eql(u8, mode, "small"))
                @compileError("another mode: " ++ mode);
            if (!builtin.cpu.has(.x86, .avx2)) @compileError("another cpu");
            if (!builtin.link_libc) @compileError("no C library");
        }"#,
    );
    let env = package.env.clone().with("TARGET", "x86_64-unknown-linux-gnu");
    let build = package.build().env(env).optimize(Optimize::ReleaseSmall);
    build.clone().cpu("x86_64_v3").try_compile().unwrap();
    let message = build.cpu("x86_64_v2").try_compile().unwrap_err().to_string();
    assert!(message.ends_with("another cpu"), "{message}");
}

#[test]
fn flags_of_builder_and_variable_reach_every_module() {
    let package = Package::new("flags").file(
        "lib.zig",
        "var word: u32 = 0; export fn answer() u32 { return @atomicLoad(u32, &word, .acquire); }",
    );
    let env = package.env.clone().with("ZIGFLOW_FLAGS", "-fllvm  -fstrip");
    let output = package.build().flag("-fsanitize-thread").env(env).try_compile().unwrap();
    let bytes = fs::read(output.archive().unwrap()).unwrap();
    assert!(contains(&bytes, b"__tsan_atomic32_load"));
    assert!(!contains(&bytes, b".debug_info"));
}

#[test]
fn an_archive_without_compiler_rt_leaves_memcpy_to_the_c_library() {
    let package = Package::new("memcpy").file("lib.zig", COUNTER);
    let symbols = |build: Build| {
        let output = build.optimize(Optimize::ReleaseSafe).try_compile().unwrap();
        let listed =
            Command::new("nm").arg("--defined-only").arg(output.archive().unwrap()).output();
        String::from_utf8(listed.unwrap().stdout).unwrap()
    };
    assert!(!symbols(package.build()).contains(" memcpy"));
    assert!(symbols(package.build().compiler_rt(true)).contains(" memcpy"));
}

// -- errors in Zig sources --

#[test]
fn zig_error_comes_with_file_and_line() {
    let package = Package::new("zig_error")
        .file("src/lib.zig", "export fn narrow(a: u32) u8 {\n    return a;\n}\n");
    let message = package.build_of("src/lib.zig").try_compile().unwrap_err().to_string();
    let first = message.lines().next().unwrap();
    assert_eq!(first, "src/lib.zig:2:12: expected type 'u8', found 'u32'");
    assert!(message.contains("    note: src/lib.zig:2:12: unsigned 8-bit int cannot"), "{message}");
}

#[test]
fn error_in_an_imported_file_names_that_file() {
    let package = Package::new("imported_error")
        .file(
            "src/lib.zig",
            "const a = @import(\"deep/a.zig\");\nexport fn f() u8 { return a.f(); }\n",
        )
        .file("src/deep/a.zig", "pub fn f() u8 {\n    return undeclared;\n}\n");
    let message = package.build_of("src/lib.zig").try_compile().unwrap_err().to_string();
    let first = message.lines().next().unwrap();
    assert_eq!(first, "src/deep/a.zig:2:12: use of undeclared identifier 'undeclared'");
}

#[test]
fn a_missing_import_is_reported_where_it_is_imported() {
    let package = Package::new("missing_import").file(
        "src/lib.zig",
        "\nconst a = @import(\"a.zig\");\nexport fn f() u8 { return a.f(); }\n",
    );
    let message = package.build_of("src/lib.zig").try_compile().unwrap_err().to_string();
    assert!(message.starts_with("src/lib.zig:2:19: unable to load "), "{message}");
    assert!(message.contains("a.zig"), "{message}");
}

#[test]
fn misuse_of_the_package_is_reported_in_the_users_file() {
    let package = Package::new("misuse").file(
        "lib.zig",
        "const zigflow = @import(\"zigflow\");\ncomptime {\n    zigflow.source(struct {}, \"x\");\n}\n",
    );
    let message = package.build().try_compile().unwrap_err().to_string();
    assert!(message.starts_with("lib.zig:3:"), "{message}");
    assert!(message.contains("\n    note: zigflow/source.zig:"), "{message}");
}

#[test]
fn a_missing_file_is_an_error_of_its_own() {
    let package = Package::new("missing_file");
    let message = package.build_of("src/lib.zig").try_compile().unwrap_err().to_string();
    assert_eq!(message, "there is no Zig file `src/lib.zig` in the package");
}

#[test]
fn a_source_that_rust_cannot_name_is_an_error() {
    let package =
        Package::new("bad_name").file("lib.zig", &COUNTER.replace("\"counter\"", "\"my-counter\""));
    let message = package.build().try_compile().unwrap_err().to_string();
    assert!(message.contains("`my-counter`"), "{message}");
}

// -- Zig in Rust files --

const TWO_BLOCKS: &str = "mod a { zigflow::autozig! {
    const util = @import(\"util.zig\");
    fn a() u8 { return util.answer; }
    ---
    fn a() -> u8;
} }
mod b { zigflow::autozig! {
    fn b() u8 { return BROKEN; }
    ---
    fn b() -> u8;
} }
";

/// What the macros read.
fn blocks(package: &Package) -> String {
    fs::read_to_string(package.out.join("zigflow/blocks")).unwrap()
}

#[test]
fn a_broken_block_leaves_the_others_alone() {
    let package = Package::new("broken_block")
        .file("src/lib.rs", TWO_BLOCKS)
        .file("src/util.zig", "pub const answer = 42;");
    for _ in 0..2 {
        package.build_of("src").try_compile().unwrap();
        let text = blocks(&package);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.iter().filter(|line| line.starts_with("block ")).count(), 2, "{text}");
        let told: Vec<&str> = lines
            .iter()
            .filter_map(|line| line.strip_prefix("error ")?.split_once(' '))
            .map(|(_, told)| told)
            .collect();
        assert_eq!(told, ["8 24 use of undeclared identifier 'BROKEN'"]);
    }
    package.write("src/lib.rs", &TWO_BLOCKS.replace("BROKEN", "7"));
    let output = package.build_of("src").try_compile().unwrap();
    assert!(output.ran_zig() && !blocks(&package).contains("error"));
    assert!(!package.build_of("src").try_compile().unwrap().ran_zig(), "nothing had changed");
    assert!(output.directives().contains(&"rerun-if-changed=src/util.zig".to_owned()));
    assert!(output.directives().contains(&"rerun-if-changed=src".to_owned()));
}

#[test]
fn one_text_in_two_folders_that_imports_files_is_refused() {
    let block = |import: &str| {
        format!(
            "autozig! {{\nconst it = @import(\"{import}\");\nfn f() u8 {{ return 1; }}\n---\nfn f() -> u8;\n}}\n"
        )
    };
    let package = Package::new("twins")
        .file("src/lib.rs", &block("util.zig"))
        .file("src/util.zig", "")
        .file("src/deep/mod.rs", &block("util.zig"))
        .file("src/deep/util.zig", "");
    let message = package.build_of("src").try_compile().unwrap_err().to_string();
    assert!(message.contains("src/deep/mod.rs") && message.contains("src/lib.rs"), "{message}");
    let package = Package::new("harmless_twins")
        .file("src/lib.rs", &block("std"))
        .file("src/deep/mod.rs", &block("std"));
    package.build_of("src").try_compile().unwrap();
}

#[test]
fn what_is_wrong_outside_of_the_blocks_stops_the_build() {
    let package = Package::new("broken_beside_a_block")
        .file("src/lib.rs", TWO_BLOCKS)
        .file("src/util.zig", "pub const answer = undeclared;");
    let message = package.build_of("src").try_compile().unwrap_err().to_string();
    assert!(
        message.contains("src/util.zig:1:20: use of undeclared identifier 'undeclared'"),
        "{message}"
    );
    assert!(
        message.contains("src/lib.rs:8:24: use of undeclared identifier 'BROKEN'"),
        "{message}"
    );
}

#[test]
fn tests_in_zig_fail_at_their_line_of_the_rust_file() {
    let failing = "mod a { zigflow::autozig! {
    const std = @import(\"std\");
    const util = @import(\"util.zig\");
    export fn answer() u8 { return util.answer; }
    test \"the answer\" {
        try std.testing.expectEqual(42, answer());
    }
    ---
    fn answer() -> u8;
} }
";
    let package = Package::new("zig_tests")
        .file("src/lib.rs", failing)
        .file("src/util.zig", "pub const answer = 42;\n");
    package.build_of("src").try_compile().unwrap();
    let command = blocks(&package);
    let command = command.lines().find_map(|line| line.strip_prefix("test ")?.split_once(' '));
    let command = command.unwrap().1.to_owned();
    zigflow::__private::run_zig_tests(&command);

    package.write("src/util.zig", "pub const answer = 41;\n");
    package.build_of("src").try_compile().unwrap();
    let failed = std::panic::catch_unwind(|| zigflow::__private::run_zig_tests(&command));
    let said = *failed.unwrap_err().downcast::<String>().unwrap();
    assert!(said.contains("expected 42, found 41"), "{said}");
    assert!(said.contains("src/lib.rs:6:9"), "{said}");
}

#[test]
fn a_call_that_is_not_well_formed_is_left_to_the_macro() {
    let package = Package::new("not_well_formed")
        .file(
            "src/lib.rs",
            "autozig! {\nfn f(x: u8) u8 { return x; }\n---\nfn f(x: char) -> u8;\n}\n",
        )
        .file("src/.#lib.rs", "autozig! { \u{fffd}")
        .file("src/other.rs", "fn f() {}");
    fs::write(package.path("src/latin.rs"), b"// \xe4\n").unwrap();
    let output = package.build_of("src").try_compile().unwrap();
    assert!(!output.ran_zig() && output.archive().is_none());
    assert_eq!(blocks(&package), "");
}

#[test]
fn a_package_without_zig_is_told_so() {
    let package = Package::new("no_block").file("src/lib.rs", "// autozig! { }\n");
    for path in ["src", "src/lib.rs"] {
        let message = package.build_of(path).try_compile().unwrap_err().to_string();
        assert!(
            message.contains("`autozig!`") && message.contains(&format!("`{path}`")),
            "{message}"
        );
    }
}

// -- building again --

#[test]
fn imported_file_changes_rebuild() {
    let package = Package::new("imported_changes")
        .file("src/lib.zig", ANSWER)
        .file("src/util.zig", "pub const answer = 41;");
    let first = package.build_of("src/lib.zig").try_compile().unwrap();
    assert!(first.directives().contains(&"rerun-if-changed=src/util.zig".to_owned()));
    assert_eq!(package.answer(&first), "41");

    package.write("src/util.zig", "pub const answer = 42;");
    let second = package.build_of("src/lib.zig").try_compile().unwrap();
    assert_eq!(package.answer(&second), "42");
}

#[test]
fn embed_file_is_tracked() {
    let package = Package::new("embed")
        .file("lib.zig", "export fn answer() u32 {\n    return @embedFile(\"data.txt\").len;\n}\n")
        .file("data.txt", "four");
    let first = package.build().try_compile().unwrap();
    assert!(first.directives().contains(&"rerun-if-changed=data.txt".to_owned()));
    assert_eq!(package.answer(&first), "4");

    package.write("data.txt", "fivefive");
    assert_eq!(package.answer(&package.build().try_compile().unwrap()), "8");
}

#[test]
fn unchanged_input_does_not_run_zig_again() {
    let package = Package::new("unchanged").file("lib.zig", COUNTER);
    let log = package.path("log");
    let script = format!("echo \"$1\" >> '{}'\nexec {} \"$@\"", log.display(), real_zig());
    let package = package.script("zig", &script);
    let env = package.env.clone().with("ZIG", package.path("zig"));
    let compiled = || {
        let build = package.build().env(env.clone());
        let output = build.try_compile().unwrap();
        let text = fs::read_to_string(&log).unwrap();
        (output.ran_zig(), text.lines().filter(|line| *line == "build-lib").count())
    };
    assert_eq!(compiled(), (true, 1));
    assert_eq!(compiled(), (false, 1));

    package.write("lib.zig", &local_counter());
    assert_eq!(compiled(), (true, 2));
}

#[test]
fn another_zig_compiles_again() {
    let real = real_zig();
    let script = format!(
        "if [ \"$1$PRETEND\" = version0.17.99 ]; then echo 0.17.99; else exec {real} \"$@\"; fi"
    );
    let package = Package::new("another_zig").file("lib.zig", COUNTER).script("zig", &script);
    let env = package.env.clone().with("ZIG", package.path("zig"));
    let ran_zig = |env: &Env| package.build().env(env.clone()).try_compile().unwrap().ran_zig();
    assert!(ran_zig(&env));
    assert!(!ran_zig(&env));
    assert!(ran_zig(&env.clone().with("PRETEND", "0.17.99")));
}

#[test]
fn a_new_zig_in_the_same_place_and_a_new_file_in_a_folder_are_seen() {
    let package = Package::new("seen").file("zig/lib.zig", COUNTER);
    let package = package.script("bin/zig", &format!("exec {} \"$@\"", real_zig()));
    let zig = package.path("bin/zig");
    let build = package.build_of("zig").env(package.env.clone().with("ZIG", &zig));
    let directives = build.try_compile().unwrap().directives().join("\n");
    assert!(directives.contains("rerun-if-changed=zig\n"), "{directives}");
    assert!(directives.contains(&format!("rerun-if-changed={}\n", zig.display())), "{directives}");
}

#[test]
fn a_failed_build_is_tried_again_and_its_predecessor_does_not_count() {
    let package = Package::new("failed_build").file("lib.zig", COUNTER);
    package.build().try_compile().unwrap();
    package.write("lib.zig", "broken");
    package.build().try_compile().unwrap_err();
    package.build().try_compile().unwrap_err();
    package.write("lib.zig", COUNTER);
    assert!(package.build().try_compile().unwrap().ran_zig());
}

#[test]
fn another_setting_or_a_lost_archive_runs_zig_again() {
    let package = Package::new("another_setting").file("lib.zig", COUNTER);
    package.build().try_compile().unwrap();
    let smaller = || package.build().optimize(Optimize::ReleaseSmall).try_compile().unwrap();
    let output = smaller();
    assert!(output.ran_zig());
    assert!(!smaller().ran_zig());
    fs::remove_file(output.archive().unwrap()).unwrap();
    assert!(smaller().ran_zig());
}

#[test]
fn no_home_still_builds() {
    let package = Package::new("no_home").file("lib.zig", COUNTER);
    let env = ["HOME", "XDG_CACHE_HOME", "ZIG_GLOBAL_CACHE_DIR"]
        .iter()
        .fold(package.env.clone(), |env, name| env.without(name));
    assert!(package.build().env(env).try_compile().unwrap().ran_zig());
}

#[test]
fn sources_are_never_written_to() {
    let package = Package::new("read_only")
        .file("build.zig", "pub fn build(_: *@import(\"std\").Build) void {}")
        .file("zig/build.zig", "comptime { @compileError(\"compiled, too\"); }")
        .file("zig/lib.zig", COUNTER);
    let before = package.listing();
    package.build_of("zig").try_compile().unwrap();
    assert_eq!(package.listing(), before);
}

// -- several files, several archives --

#[test]
fn two_root_files_may_import_the_same_helper() {
    let shared = "const deep = @import(\"deep/n.zig\"); pub const n: u32 = deep.n;";
    let package = Package::new("shared_helper")
        .file("zig/a.zig", "const util = @import(\"util.zig\"); export fn answer() u32 { return util.n + other(); } extern fn other() u32;")
        .file("zig/b.zig", "const util = @import(\"util.zig\"); export fn other() u32 { return util.n; }")
        .file("zig/util.zig", shared)
        .file("zig/deep/n.zig", "pub const n: u32 = 21;");
    let output = package.build_of("zig").try_compile().unwrap();
    assert_eq!(package.answer(&output), "42");
}

#[test]
fn two_root_files_share_data_through_a_helper() {
    let package = Package::new("shared_data")
        .file("zig/a.zig", "const x = @import(\"x.zig\"); export fn answer() u32 { return x.data.n + other(); } extern fn other() u32;")
        .file("zig/b.zig", "const x = @import(\"x.zig\"); export fn other() u32 { return x.data.n; }")
        .file("zig/x.zig", "pub const data: struct { n: u32 } = @import(\"data.zon\");")
        .file("zig/data.zon", ".{ .n = 21 }");
    assert_eq!(package.answer(&package.build_of("zig").try_compile().unwrap()), "42");
    package.write(
        "zig/b.zig",
        "const d: struct { n: u32 } = @import(\"data.zon\"); export fn other() u32 { return d.n; }",
    );
    let message = package.build_of("zig").try_compile().unwrap_err().to_string();
    assert!(message.contains("`zig/data.zon` is imported on behalf of"), "{message}");
}

#[test]
fn a_module_is_imported_by_its_name() {
    let package = Package::new("named_module")
        .file(
            "lib.zig",
            "const m = @import(\"numbers\"); export fn answer() u32 { return m.two.n + 40; }",
        )
        .file(
            "vendor/numbers.zig",
            "pub const two = @import(\"two.zig\"); const z = @import(\"zigflow\");",
        )
        .file("vendor/two.zig", "pub const n = 2;");
    let output = package.build().module("numbers", "vendor/numbers.zig").try_compile().unwrap();
    assert_eq!(package.answer(&output), "42");
    assert!(output.directives().contains(&"rerun-if-changed=vendor/two.zig".to_owned()));
}

#[test]
fn rust_types_are_a_module_that_changes_with_their_file() {
    let rust = "#[derive(Clone, Copy, Transfer)]\n#[repr(C)]\nstruct Pair { a: u8, b: [Kind; 3] }
        #[derive(Clone, Copy, Transfer)]\n#[repr(u32)]\nenum Kind { NotFound = 38 }";
    let package = Package::new("rust_types")
        .file(
            "a.zig",
            "const std = @import(\"std\");
            const types = @import(\"types\");
            export fn answer() u32 {
                for (0..99) |i| {
                    if (std.enums.fromInt(types.Kind, i)) |kind| {
                        if (kind == .not_found) return @intCast(i - 12 + @sizeOf(types.Pair));
                    }
                }
                return 0;
            }",
        )
        .file("src/types.rs", rust);
    let build = || package.build_of("a.zig").types("src/types.rs").try_compile().unwrap();
    let first = build();
    assert_eq!(package.answer(&first), "42");
    assert!(first.directives().contains(&"rerun-if-changed=src/types.rs".to_owned()));
    // What the build writes itself would make Cargo run it again for nothing.
    let written = format!("rerun-if-changed={}", package.out.display());
    assert!(!first.directives().iter().any(|line| line.starts_with(&written)));
    assert!(!build().ran_zig());

    package.write("src/types.rs", &rust.replace("38", "39"));
    let second = build();
    assert!(second.ran_zig());
    assert_eq!(package.answer(&second), "43");
}

#[test]
fn a_rust_type_that_does_not_cross_is_told_by_file_and_line() {
    let package = Package::new("rust_types_wrong").file("lib.zig", COUNTER);
    let error = |build: Build| build.try_compile().unwrap_err().to_string();
    let message = error(package.build().types("src/types.rs"));
    assert!(message.starts_with("cannot read the Rust file `src/types.rs`: "), "{message}");

    package
        .write("src/types.rs", "use zigflow::Transfer;\n\n#[derive(Transfer)]\nstruct A { a: u8 }");
    let message = error(package.build().types("src/types.rs"));
    assert!(
        message.starts_with("src/types.rs:4:8: a struct that crosses needs `#[repr(C)]`"),
        "{message}"
    );

    package.write("src/std.rs", "#[derive(Transfer)] #[repr(transparent)] struct A(u8);");
    let message = error(package.build().types("src/std.rs"));
    assert_eq!(message, "the module name `std` is taken");
    package.write("src/types.rs", "#[derive(Transfer)] #[repr(transparent)] struct A(u8);");
    let message = error(package.build().module("types", "lib.zig").types("src/types.rs"));
    assert_eq!(message, "the module name `types` is taken");
}

#[test]
fn two_archives_in_one_program_do_not_clash() {
    let package =
        Package::new("two_archives").file("a.zig", COUNTER).file("b.zig", &local_counter());
    let one = package.build_of("a.zig").try_compile().unwrap();
    let other = package.build_of("b.zig").try_compile().unwrap();
    assert_eq!(package.flags_of_counters(&[&one, &other]), "1 0");

    let text = fs::read_to_string(package.sources_rs()).unwrap();
    assert_eq!(text.matches("__zig_sources!").count(), 2, "{text}");
    for output in [&one, &other] {
        assert!(text.contains(&format!("\"{}\";", output.library())), "{text}");
    }
}

#[test]
fn two_versions_of_one_package_in_one_program_do_not_clash() {
    let old = Package::new("old_version").file("lib.zig", COUNTER);
    let new = Package::new("new_version").file("lib.zig", &local_counter());
    let one = old.build().try_compile().unwrap();
    let other =
        new.build().env(new.env.clone().with("CARGO_PKG_VERSION", "0.2.0")).try_compile().unwrap();
    assert_eq!(old.flags_of_counters(&[&one, &other]), "1 0");
}

#[test]
fn two_packages_in_one_program_do_not_clash() {
    let first = Package::new("first_package").file("lib.zig", COUNTER);
    let second = Package::new("second_package").file("lib.zig", &local_counter());
    let one = first.build().try_compile().unwrap();
    let other = second
        .build()
        .env(second.env.clone().with("CARGO_PKG_NAME", "another"))
        .try_compile()
        .unwrap();
    assert_eq!(first.flags_of_counters(&[&one, &other]), "1 0");
}

#[test]
fn pitfall_38_two_packages_with_channels_of_items_of_one_name_do_not_clash() {
    let file = |name: &str, fields: &str| {
        format!(
            r#"
    const zigflow = @import("zigflow");
    const Item = extern struct {{ {fields} }};
    export fn {name}(raw: *zigflow.RawSender) u32 {{
        var tx = zigflow.spsc.Sender(Item).open(raw) catch |e| return if (e == error.WrongAbi) @sizeOf(Item) else 0;
        defer tx.deinit();
        tx.sendBlocking(@import("std").mem.zeroes(Item)) catch return 1;
        return 2;
    }}
"#
        )
    };
    let first = Package::new("first_channels").file("lib.zig", &file("first", "a: u64"));
    let second = Package::new("second_channels").file("lib.zig", &file("second", "a: u64, b: u64"));
    let one = first.build().try_compile().unwrap();
    let other = second
        .build()
        .env(second.env.clone().with("CARGO_PKG_NAME", "another"))
        .try_compile()
        .unwrap();
    let text = format!(
        r#"
#[link(name = "{}", kind = "static")] unsafe extern "C" {{ fn first(raw: *mut u32) -> u32; }}
#[link(name = "{}", kind = "static")] unsafe extern "C" {{ fn second(raw: *mut u32) -> u32; }}
#[repr(align(128))] struct Channel([u32; 96]);
fn main() {{
    // No channel of any version: both refuse it, each by its own code.
    let mut channel = Channel([0; 96]);
    let end = (&raw mut channel.0).cast::<u32>().wrapping_add(32);
    println!("{{}} {{}}", unsafe {{ first(end) }}, unsafe {{ second(end) }});
}}
"#,
        one.library(),
        other.library()
    );
    assert_eq!(first.run_program(&text, &[&one, &other]), "8 16");
}

/// The number of an error depends on what else is in the archive; what travels is the name.
/// Pitfall 35 of the list that this project keeps: numbers of errors move, names do not.
#[test]
fn pitfall_35_an_error_keeps_its_name_though_others_are_added() {
    let torn = |name: &str, others: &str| {
        format!(
            r#"const zigflow = @import("zigflow");
            export fn number_{name}() u32 {{
                return @intFromError(error.TapeTorn);
            }}
            const Torn = struct {{
                pub fn open() error{{ {others}TapeTorn }}!Torn {{
                    if (number_{name}() > 0) return error.TapeTorn;
                    return .{{}};
                }}
                pub fn poll(_: *Torn, _: *zigflow.Context) zigflow.Poll(u32) {{
                    return .done;
                }}
            }};
            comptime {{
                zigflow.source(Torn, "torn");
            }}"#
        )
    };
    let package = Package::new("error_names")
        .file("a.zig", &torn("a", ""))
        .file("b.zig", &torn("b", "Bent, Burnt, Lost, Wet, "));
    let outputs = ["a.zig", "b.zig"].map(|file| package.build_of(file).try_compile().unwrap());
    let library = |index: usize| outputs[index].library();
    let prefix = |index: usize| library(index).rsplit_once('_').unwrap().0;
    let host = HOST.replace("zf1_alloc zf1_free", "");
    let program = format!(
        r#"{host}
        use std::alloc::Layout;
        #[unsafe(no_mangle)] unsafe extern "C" fn zf1_alloc(size: usize, alignment: usize) -> *mut u8 {{
            unsafe {{ std::alloc::alloc(Layout::from_size_align(size, alignment).unwrap()) }}
        }}
        #[unsafe(no_mangle)] unsafe extern "C" fn zf1_free(at: *mut u8, size: usize, alignment: usize) {{
            unsafe {{ std::alloc::dealloc(at, Layout::from_size_align(size, alignment).unwrap()) }}
        }}
        #[repr(C)] struct Error {{ kind: u32, code: i32, name: *const u8, len: usize }}
        #[repr(C)] struct Source {{
            words: [u32; 10],
            item_name: usize,
            open: unsafe extern "C" fn(*const u64, u32, *mut [usize; 3], *mut Error) -> u32,
        }}
        unsafe impl Sync for Source {{}}
        #[link(name = "{}", kind = "static")] unsafe extern "C" {{
            #[link_name = "{}_source_torn"] static A: Source;
            safe fn number_a() -> u32;
        }}
        #[link(name = "{}", kind = "static")] unsafe extern "C" {{
            #[link_name = "{}_source_torn"] static B: Source;
            safe fn number_b() -> u32;
        }}
        fn name(source: *const Source) -> String {{
            let mut error = Error {{ kind: 9, code: 0, name: std::ptr::null(), len: 0 }};
            let mut opened = [0; 3];
            unsafe {{
                assert_eq!(((*source).open)(&0, 0, &mut opened, &mut error), 3);
                let name = std::slice::from_raw_parts(error.name, error.len);
                String::from_utf8(name.to_vec()).unwrap()
            }}
        }}
        fn main() {{
            assert_ne!(number_a(), number_b(), "the test shows nothing if the numbers agree");
            println!("{{}} {{}}", name(&raw const A), name(&raw const B));
        }}"#,
        library(0),
        prefix(0),
        library(1),
        prefix(1),
    );
    assert_eq!(package.run_text(&program, &[&outputs[0], &outputs[1]]), "TapeTorn TapeTorn");
}

#[test]
fn two_archives_of_one_name_are_refused() {
    let package = Package::new("one_name").file("a/lib.zig", COUNTER).file("b/lib.zig", COUNTER);
    package.build_of("a/lib.zig").try_compile().unwrap();
    let message = package.build_of("b/lib.zig").try_compile().unwrap_err().to_string();
    assert!(message.contains("two archives of this package are named `lib`"), "{message}");
    package.build_of("b/lib.zig").name("other").try_compile().unwrap();
}

#[test]
fn the_same_package_elsewhere_gets_the_same_names() {
    let here = Package::new("here").file("lib.zig", COUNTER).build().try_compile().unwrap();
    let there = Package::new("there").file("lib.zig", COUNTER).build().try_compile().unwrap();
    assert_eq!(here.library(), there.library());
}

/// What a Zig author reads who wrote `of` where the counter has `is`: the source's name and the mistake.
#[test]
fn the_mistakes_of_a_source_are_told_by_its_name() {
    const POLL: &str = "pub fn poll(self: *Counter, _: *zigflow.Context) zigflow.Poll(u64) {";
    const OPEN: &str = "pub fn open(from: u64) !Counter {";
    let generic_poll = "pub fn poll(self: anytype, _: *zigflow.Context) zigflow.Poll(u64) {";
    let no_context = "pub fn poll(self: *Counter) zigflow.Poll(u64) {";
    let text_item = "pub fn poll(self: *Counter, _: *zigflow.Context) zigflow.Poll([:0]const u8) {";
    let owned =
        "pub fn poll(self: *Counter, _: *zigflow.Context) zigflow.Poll(zigflow.OwnedBytes) {";
    let plain = "pub fn poll(self: *Counter, _: *zigflow.Context) u64 {";
    for (case, is, of, told) in [
        (0, "pub fn open", "fn open", "needs `pub fn open(…)`"),
        (1, "pub fn poll", "fn poll", "needs `pub fn poll("),
        (2, "from: u64", "from: ?u64", "parameter 0 of `open` is ?u64"),
        (3, "from: u64", "from: u7", "parameter 0 of `open` is u7"),
        (4, "from: u64", "from: anytype", "parameter 0 of `open` must not be generic"),
        (5, OPEN, "pub fn open(from: u64) !u64 {", "`open` must return"),
        (6, POLL, generic_poll, "needs `pub fn poll("),
        (7, POLL, no_context, "needs `pub fn poll("),
        (8, POLL, plain, "`poll` must return `zigflow.Poll(T)`"),
        (9, POLL, text_item, "is neither []const u8 nor zigflow.OwnedBytes nor plain data"),
        (10, POLL, owned, "it needs `pub const sendable = true;`"),
    ] {
        let text = COUNTER.replace(is, of);
        assert_ne!(text, COUNTER);
        let text =
            if case == 10 { text.replace("sendable = true", "sendable = false") } else { text };
        let package = Package::new(&format!("mistake_{case}")).file("lib.zig", &text);
        let message = package.build().try_compile().unwrap_err().to_string();
        assert!(message.contains("zigflow.source: "), "{message}");
        assert!(message.contains("Counter"), "{message}");
        assert!(message.contains(told), "{told}: {message}");
    }
}

/// Bytes that are owned, by whom, and where that matters.
#[test]
fn what_bytes_cannot_do_is_said_with_what_can() {
    let source = |item: &str, sendable: &str| {
        format!(
            "const S = struct {{
    pub const sendable = {sendable};
    pub fn open() S {{ return .{{}}; }}
    pub fn poll(_: *S, _: *zigflow.Context) zigflow.Poll({item}) {{ return .done; }}
}};
comptime {{ zigflow.source(S, \"s\"); }}"
        )
    };
    let sender = |flavor: &str, item: &str, verb: &str| {
        format!(
            "export fn f(raw: *zigflow.RawSender, item: *{item}) bool {{
    var tx = zigflow.{flavor}.Sender({item}).open(raw) catch return false;
    defer tx.deinit();
    _ = tx.{verb}(item.*) catch return false;
    return true;
}}"
        )
    };
    let owned = "zigflow.OwnedBytes";
    for (case, text, told) in [
        (0, source(owned, "true"), None),
        (1, source("zigflow.LocalBytes", "false"), None),
        (2, source("zigflow.LocalBytes", "true"), Some("which stay on their thread")),
        (3, sender("spsc", owned, "trySendQuiet"), None),
        (4, sender("mpmc", owned, "trySend"), None),
        (
            5,
            sender("mpmc", owned, "trySendQuiet"),
            Some("quiet verbs of senders are for plain data"),
        ),
        (
            6,
            sender("spsc", "[]u8", "trySend"),
            Some("bytes go through a channel as zigflow.OwnedBytes"),
        ),
        (7, sender("mpmc", "zigflow.Block", "trySend"), Some("of a block by `give`")),
        (8, sender("mpmc", "zigflow.LocalBytes", "trySend"), Some("cannot cross")),
    ] {
        let text = format!("const zigflow = @import(\"zigflow\");\n{text}\n");
        let package = Package::new(&format!("bytes_{case}")).file("lib.zig", &text);
        match (package.build().try_compile(), told) {
            (Ok(_), None) => {}
            (Err(error), Some(told)) => assert!(error.to_string().contains(told), "{error}"),
            (Ok(_), Some(told)) => panic!("{case} compiles, instead of: {told}"),
            (Err(error), None) => panic!("{case}: {error}"),
        }
    }
}

#[test]
fn the_mistakes_of_a_function_with_a_completion_are_told_by_its_name() {
    const DONE: &str = "done: zigflow.Completion(u32)";
    let two = format!("{DONE}, _: zigflow.Completion(u32)");
    let text = r#"const zigflow = @import("zigflow");
fn late(done: zigflow.Completion(u32), n: u32) !void {
    done.finish(n);
}
comptime {
    zigflow.future(late, "late");
}
"#;
    Package::new("completion").file("lib.zig", text).build().try_compile().unwrap();
    for (case, is, of, told) in [
        (0, DONE, two.as_str(), "parameter 1 is a second zigflow.Completion"),
        (1, DONE, "done: anytype", "parameter 0 must not be generic"),
        (2, "n: u32", "n: u7", "parameter 1 is u7"),
        (3, "n: u32", "n: ?u32", "parameter 1 is ?u32"),
        (4, "!void", "!u32", "must return void or an error union of it"),
        (5, "Completion(u32), ", "Completion([]const u8), ", "nobody would keep the bytes"),
        (6, "Completion(u32), ", "Completion(*u32), ", "is neither []const u8 nor"),
        (
            7,
            "(done: zigflow.Completion(u32), n: u32)",
            "(n: u32)",
            "needs a parameter of type zigflow.Completion(T)",
        ),
        (8, "(late, ", "(1, ", "must be a function"),
    ] {
        let wrong = text.replacen(is, of, 1);
        assert_ne!(wrong, text);
        let wrong = if case == 7 { wrong.replace("done.finish(n)", "_ = n") } else { wrong };
        let package = Package::new(&format!("late_{case}")).file("lib.zig", &wrong);
        let message = package.build().try_compile().unwrap_err().to_string();
        assert!(
            message.contains("zigflow.future: late") || message.contains("zigflow.Completion"),
            "{message}"
        );
        assert!(message.contains(told), "{told}: {message}");
    }
}

// -- Cargo --

#[test]
fn cargo_links_library_binary_test_and_example() {
    let package = CargoPackage::new("cargo_links");
    package.cargo(&["test", "--all-targets"]).succeeds();
    let run = package.cargo(&["run"]).succeeds();
    assert_eq!(String::from_utf8_lossy(&run.stdout), "flags 1, answer 42\n");
}

#[test]
fn a_crate_with_its_own_extern_block_is_linked_without_the_macro() {
    let package = CargoPackage::bare("own_extern_block");
    package.files.write("build.rs", "fn main() { zigflow_build::compile(\"zig/lib.zig\"); }");
    package.files.write("zig/lib.zig", "export fn answer() u8 {\n    return 42;\n}\n");
    package.files.write(
        "src/main.rs",
        "unsafe extern \"C\" { fn answer() -> u8; }
        fn main() { println!(\"{}\", unsafe { answer() }) }",
    );
    let run = package.cargo(&["run"]).succeeds();
    assert_eq!(String::from_utf8_lossy(&run.stdout), "42\n");
}

#[test]
fn cargo_builds_again_when_an_imported_file_changes() {
    let package = CargoPackage::new("cargo_rebuilds");
    package.cargo(&["run"]).succeeds();
    package.files.write("zig/util.zig", "pub const answer: u32 = 43;");
    let run = package.cargo(&["run"]).succeeds();
    assert_eq!(String::from_utf8_lossy(&run.stdout), "flags 1, answer 43\n");
}

#[test]
fn cargo_shows_zigs_error_as_one_of_its_own() {
    let package = CargoPackage::new("cargo_error");
    package.files.write("zig/util.zig", "pub const answer: u32 = -1;");
    let build = package.cargo(&["build"]).finished;
    let stderr = String::from_utf8_lossy(&build.stderr);
    assert!(!build.status.success());
    assert!(stderr.contains("error: app@0.1.0: zig/util.zig:1:25: "), "{stderr}");
}

// -- the stage --

/// A package without Cargo: its files, and the variables that Cargo would set.
struct Package {
    dir: PathBuf,
    out: PathBuf,
    env: Env,
}

impl Package {
    fn new(situation: &str) -> Self {
        let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join("zig_build").join(situation);
        let _ = fs::remove_dir_all(&base);
        let (dir, out) = (base.join("package"), base.join("out"));
        fs::create_dir_all(&dir).unwrap();
        let env = Env::process()
            .without("DOCS_RS")
            .without("ZIGFLOW_FLAGS")
            .without("ZIGFLOW_OPTIMIZE")
            .with("CARGO_MANIFEST_DIR", &dir)
            .with("CARGO_PKG_NAME", "some-package")
            .with("CARGO_PKG_VERSION", "0.1.0")
            .with("TARGET", host())
            .with("OPT_LEVEL", "0")
            .with("OUT_DIR", &out);
        Self { dir, out, env }
    }

    fn file(self, path: &str, text: &str) -> Self {
        self.write(path, text);
        self
    }

    fn script(self, path: &str, text: &str) -> Self {
        self.write(path, &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.join(path)
    }

    fn sources_rs(&self) -> PathBuf {
        self.out.join("zigflow/sources.rs")
    }

    fn build(&self) -> Build {
        self.build_of("lib.zig")
    }

    fn build_of(&self, path: &str) -> Build {
        Build::new().env(self.env.clone()).file(path)
    }

    /// No ZIG, and a PATH with nothing but the package's `bin`.
    fn env_without_zig(&self) -> Env {
        self.env.clone().without("ZIG").with("PATH", self.path("bin"))
    }

    /// Every file below the package.
    fn listing(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut waiting = vec![self.dir.clone()];
        while let Some(folder) = waiting.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    waiting.push(path.clone());
                }
                found.push(path);
            }
        }
        found.sort();
        found
    }

    /// What `answer()` of the archive returns.
    fn answer(&self, output: &zigflow_build::Output) -> String {
        let text = format!(
            "#[link(name = \"{}\", kind = \"static\")] unsafe extern \"C\" {{ fn answer() -> u32; }}
            fn main() {{ println!(\"{{}}\", unsafe {{ answer() }}) }}",
            output.library()
        );
        self.run_program(&text, &[output])
    }

    /// The flags of the source `counter` of each archive, all in one program.
    fn flags_of_counters(&self, outputs: &[&zigflow_build::Output]) -> String {
        let mut text = String::new();
        let mut reads = Vec::new();
        for (i, output) in outputs.iter().enumerate() {
            let library = output.library();
            // The library's name is the prefix and the archive's name.
            let prefix = library.rsplit_once('_').unwrap().0;
            text += &format!(
                "#[link(name = \"{library}\", kind = \"static\")] unsafe extern \"C\" {{
                    #[link_name = \"{prefix}_source_counter\"] static COUNTER{i}: [u32; 3];
                }}\n"
            );
            reads.push(format!("unsafe {{ COUNTER{i}[2] }}.to_string()"));
        }
        text += &format!("fn main() {{ println!(\"{{}}\", [{}].join(\" \")) }}", reads.join(", "));
        self.run_program(&text, outputs)
    }

    fn run_program(&self, text: &str, outputs: &[&zigflow_build::Output]) -> String {
        self.run_text(&format!("{HOST}{text}"), outputs)
    }

    /// As `run_program`, with a stand-in for zigflow-core of its own.
    fn run_text(&self, text: &str, outputs: &[&zigflow_build::Output]) -> String {
        let (source, program) = (self.out.join("main.rs"), self.out.join("main"));
        fs::write(&source, text).unwrap();
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
        rustc.args(["--edition", "2024", "-o"]).arg(&program).arg(&source);
        for output in outputs {
            let folder = output.archive().unwrap().parent().unwrap();
            rustc.arg("-L").arg(format!("native={}", folder.display()));
        }
        Run::of(&mut rustc).succeeds();
        let run = Run::of(&mut Command::new(program)).succeeds();
        String::from_utf8(run.stdout).unwrap().trim().to_owned()
    }
}

trait ErrorOf {
    fn error(self, package: &Package) -> String;
}

impl ErrorOf for Env {
    fn error(self, package: &Package) -> String {
        package.build().env(self).try_compile().unwrap_err().to_string()
    }
}

/// A package with a real build script, and everything that can be linked.
struct CargoPackage {
    files: Package,
}

impl CargoPackage {
    fn bare(situation: &str) -> Self {
        let helper = Path::new(env!("CARGO_MANIFEST_DIR")).join("../zig");
        let manifest = format!(
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n\
             [build-dependencies]\nzigflow-build = {{ path = {helper:?} }}\n"
        );
        Self { files: Package::new(situation).file("Cargo.toml", &manifest) }
    }

    fn new(situation: &str) -> Self {
        let uses = "#[path = \"../src/sources.rs\"]\nmod sources;\n";
        let check = "assert_eq!((sources::flags(), app::both()), (1, (1, 42)));";
        let files = Self::bare(situation)
            .files
            .file("build.rs", BUILD_SCRIPT)
            .file("zig/counter.zig", COUNTER)
            .file("zig/lib.zig", ANSWER)
            .file("zig/util.zig", "pub const answer: u32 = 42;")
            .file("src/sources.rs", SOURCES)
            .file("src/lib.rs", &format!("mod sources;\nmod host {{ {HOST} }}\n{LIB}"))
            .file("src/main.rs", MAIN)
            .file("tests/t.rs", &format!("{uses}#[test] fn links() {{ {check} }}"))
            .file("examples/e.rs", &format!("{uses}fn main() {{ {check} }}"));
        Self { files }
    }

    fn cargo(&self, arguments: &[&str]) -> Run {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo.args(arguments).args(["--quiet", "--offline"]).current_dir(&self.files.dir);
        cargo.env("CARGO_TARGET_DIR", self.files.out.join("target"));
        cargo.env_remove("DOCS_RS").env_remove("ZIGFLOW_FLAGS").env_remove("ZIGFLOW_OPTIMIZE");
        Run::of(&mut cargo)
    }
}

const BUILD_SCRIPT: &str = r#"
fn main() {
    zigflow_build::compile("zig/counter.zig");
    zigflow_build::Build::new().file("zig/lib.zig").compile();
}
"#;

/// What stands in for `zigflow::zig_source!`.
const SOURCES: &str = r#"
macro_rules! __zig_sources {
    ($library:literal; $($name:ident = $symbol:literal;)*) => {
        #[link(name = $library, kind = "static")]
        #[allow(non_upper_case_globals)]
        unsafe extern "C" { $(#[link_name = $symbol] static $name: [u32; 3];)* }
    };
}
include!(env!("ZIGFLOW_SOURCES"));
pub fn flags() -> u32 { unsafe { counter[2] } }
"#;

const LIB: &str = r#"
unsafe extern "C" { fn answer() -> u32; }
pub fn both() -> (u32, u32) { (sources::flags(), unsafe { answer() }) }
"#;

const MAIN: &str = r#"
fn main() {
    let (flags, answer) = app::both();
    println!("flags {flags}, answer {answer}");
}
"#;

/// What stands in for zigflow-core.
const HOST: &str = r#"
macro_rules! host { ($($name:ident)*) => {$(
    #[unsafe(no_mangle)] extern "C" fn $name() { std::process::abort() }
)*}; }
host! {
    zf1_waker_clone zf1_waker_wake zf1_waker_wake_by_ref zf1_waker_drop zf1_waker_from_object
    zf1_alloc zf1_free zf1_block zf1_panic
    zf1_profile_look zf1_profile_waker zf1_profile_sleep zf1_profile_gone
}
"#;

struct Run {
    command: String,
    finished: Finished,
}

impl Run {
    fn of(command: &mut Command) -> Self {
        let finished = command.output().expect("the command runs");
        Self { command: format!("{command:?}"), finished }
    }

    fn succeeds(self) -> Finished {
        let stderr = String::from_utf8_lossy(&self.finished.stderr);
        assert!(self.finished.status.success(), "{}\n{stderr}", self.command);
        self.finished
    }
}

/// The Zig that the tests run with, as words for a shell.
fn real_zig() -> String {
    let works = |command: &str| {
        let mut words = command.split_whitespace();
        let run = Command::new(words.next().unwrap()).args(words).arg("version").output();
        run.is_ok_and(|run| run.status.success())
    };
    std::env::var("ZIG").unwrap_or_else(|_| {
        let usual = ["zig", "python3 -m ziglang"];
        usual.into_iter().find(|command| works(command)).expect("a Zig for the tests").to_owned()
    })
}

fn host() -> String {
    let run = Run::of(Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into())).arg("-vV"))
        .succeeds();
    let text = String::from_utf8(run.stdout).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.expect("rustc names its host").to_owned()
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}
