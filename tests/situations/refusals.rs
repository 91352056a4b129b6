//! What the compiler says to who derives `Transfer` for a type that does not cross, and to whose Zig text or
//! signatures are wrong.
//!
//! Each file of `tests/refused/` is a program. A line with an error ends in `//~` and a part of what the error
//! says; there are no other errors.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Errors by file and line.
type Errors = BTreeMap<(String, usize), Vec<String>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn expected() -> Errors {
    let mut errors = Errors::new();
    for entry in fs::read_dir(root().join("tests/refused")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            if let Some((_, said)) = line.split_once("//~ ") {
                errors.entry((name.clone(), number + 1)).or_default().push(said.to_owned());
            }
        }
    }
    errors
}

/// A package of this workspace's own crates, with a build script or without.
fn package(name: &str, build_script: Option<&str>) -> PathBuf {
    let zigflow =
        format!("zigflow = {{ path = {:?}, features = [\"blocking\", \"macros\"] }}", root());
    package_with(name, build_script, &zigflow)
}

/// The same with another dependency on zigflow.
fn package_with(name: &str, build_script: Option<&str>, zigflow: &str) -> PathBuf {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(package.join("src"));
    fs::create_dir_all(package.join("src/bin")).unwrap();
    let manifest = format!(
        "[package]\nname = {name:?}\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n\
         [dependencies]\nfutures-core = \"0.3\"\n{zigflow}\n\
         [build-dependencies]\nzigflow-build = {{ path = {:?} }}\n",
        root().join("zig")
    );
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root().join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    let _ = fs::remove_file(package.join("build.rs"));
    if let Some(build_script) = build_script {
        fs::write(package.join("build.rs"), format!("fn main() {{ {build_script} }}\n")).unwrap();
    }
    package
}

/// What the compiler says about all programs of a package.
fn said(package: &Path) -> String {
    said_about_targets("--bins", package)
}

fn said_about_targets(targets: &str, package: &Path) -> String {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["check", targets, "--keep-going", "--message-format=short", "--offline"]);
    // The package of this test has one.
    cargo.current_dir(package).env("CARGO_TERM_COLOR", "never").env_remove("OUT_DIR");
    cargo.env_remove("ZIGFLOW_SOURCES");
    cargo.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("refusals/target"));
    let output = cargo.output().expect("cargo runs");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn found() -> Errors {
    let package = package("refusals", Some("zigflow_build::compile(\"src\");"));
    for entry in fs::read_dir(root().join("tests/refused")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), package.join("src/bin").join(entry.file_name())).unwrap();
    }
    let text = said(&package);
    assert!(text.contains("src/bin/"), "no program was compiled: {text}");
    let mut errors = Errors::new();
    for line in text.lines() {
        // src/bin/FILE:LINE:COLUMN: error[CODE]: WHAT
        let Some((file, rest)) =
            line.trim_start().strip_prefix("src/bin/").and_then(|l| l.split_once(':'))
        else {
            continue;
        };
        let mut parts = rest.splitn(3, ':');
        let number = parts.next().and_then(|number| number.parse().ok()).expect(line);
        let said = parts.nth(1).expect(line).to_owned();
        errors.entry((file.to_owned(), number)).or_default().push(said);
    }
    errors
}

/// Places where not exactly what was expected was said.
fn differences(expected: &Errors, found: &Errors) -> Vec<String> {
    let mut places: Vec<_> = expected.keys().chain(found.keys()).collect();
    places.sort();
    places.dedup();
    let none = Vec::new();
    let differs = |place: &&(String, usize)| {
        let (wanted, said) =
            (expected.get(place).unwrap_or(&none), found.get(place).unwrap_or(&none));
        wanted.is_empty()
            || said.is_empty()
            || !wanted.iter().all(|part| said.iter().any(|said| said.contains(part)))
            || !said.iter().all(|said| wanted.iter().any(|part| said.contains(part)))
    };
    let tell = |place: &(String, usize)| {
        format!(
            "{}:{}: {:?} instead of {:?}",
            place.0,
            place.1,
            found.get(place),
            expected.get(place)
        )
    };
    places.into_iter().filter(differs).map(tell).collect()
}

#[test]
fn each_refusal_is_at_its_place_and_says_why() {
    let (expected, found) = (expected(), found());
    let differences = differences(&expected, &found);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(expected.len() > 25, "{} refusals", expected.len());
}

/// A program whose package has another build script, or none.
fn said_about(name: &str, build_script: Option<&str>, zig: &str) -> String {
    let package = package(name, build_script);
    let program = format!("zigflow::autozig! {{\n{zig}\n---\nfn f();\n}}\nfn main() {{ f() }}\n");
    fs::write(package.join("src/bin/program.rs"), program).unwrap();
    said(&package)
}

#[test]
fn a_package_without_what_compiles_zig_is_told_what_to_add() {
    let none = said_about("without-script", None, "fn f() void {}");
    assert!(
        none.contains("src/bin/program.rs:1:1: error: autozig!: this package compiles no Zig"),
        "{none}"
    );
    assert!(
        none.contains("zigflow-build = \"") && none.contains("zigflow_build::compile(\"src\")"),
        "{none}"
    );
    let idle = said_about("idle-script", Some(""), "fn f() void {}");
    assert!(
        idle.contains(
            "program.rs:1:1: error: autozig!: the build script of this package compiles no Zig"
        ),
        "{idle}"
    );
    let compiles = Some("zigflow_build::compile(\"src\");");
    let before = said_about("idle-again", compiles, "fn f() void {}");
    assert!(!before.contains("error"), "{before}");
    let again = said_about("idle-again", Some(""), "fn f() void {}");
    assert!(again.contains("the build script of this package compiles no Zig"), "{again}");
    let elsewhere = "std::fs::create_dir_all(\"zig\").unwrap(); \
                     std::fs::write(\"zig/a.zig\", \"\").unwrap(); zigflow_build::compile(\"zig\");";
    let elsewhere = said_about("script-elsewhere", Some(elsewhere), "fn f() void {}");
    assert!(
        elsewhere.contains("program.rs:1:1: error: autozig!: the build script has not seen"),
        "{elsewhere}"
    );
}

#[test]
fn a_text_that_rust_cannot_read_belongs_into_a_file() {
    let script = Some("zigflow_build::compile(\"src\");");
    let text = "const text =\n    \\\\one line\n    ;\nfn f() void {}";
    let refused = said_about("multiline-string", script, text);
    assert!(refused.contains("src/bin/program.rs:3:5: Rust cannot read this text"), "{refused}");
    assert!(refused.contains("include_zig!(\"file.zig\""), "{refused}");
}

#[test]
fn brackets_that_do_not_match_are_shown_by_the_compiler() {
    let script = Some("zigflow_build::compile(\"src\");");
    let open = said_about("open-bracket", script, "fn f() void {");
    assert!(
        open.contains("src/bin/program.rs:6:19: error: this file contains an unclosed"),
        "{open}"
    );
    assert!(!open.contains("cannot read") && !open.contains("custom build"), "{open}");
}

#[test]
fn a_block_in_a_folder_that_is_not_read_is_told_how_to_add_it() {
    let package_of = |script| {
        let package = package("blocks-in-tests", Some(script));
        let text = "zigflow::autozig! {\nfn f() void {}\n---\nfn f();\n}\n";
        fs::write(package.join("src/bin/program.rs"), format!("{text}fn main() {{ f() }}\n"))
            .unwrap();
        fs::create_dir_all(package.join("tests")).unwrap();
        let other = text.replace("f()", "g()") + "#[test]\nfn test() { g() }\n";
        fs::write(package.join("tests/it.rs"), other).unwrap();
        package
    };
    let said = |script| said_about_targets("--tests", &package_of(script));
    let only_src = said("zigflow_build::compile(\"src\");");
    let remedy = "zigflow_build::Build::new().file(\"src\").file(\"tests\").compile();";
    assert!(
        only_src.contains("tests/it.rs:1:1: error: autozig!: the build script has not seen"),
        "{only_src}"
    );
    assert!(only_src.contains(&format!("does not read `tests`; write `{remedy}`")), "{only_src}");
    let both = said(remedy);
    assert!(!both.contains("error"), "{both}");
}

#[test]
fn a_missing_feature_is_named() {
    let script = Some("zigflow_build::compile(\"src\");");
    let program = "zigflow::autozig! {\nfn f() void {}\n---\npub async fn f();\n}\nfn main() {}\n";
    let said_with = |features: &str| {
        let zigflow = format!("zigflow = {{ path = {:?}, features = [{features}] }}", root());
        let package = package_with("without-features", script, &zigflow);
        fs::write(package.join("src/bin/program.rs"), program).unwrap();
        said(&package)
    };
    let no_macros = said_with("");
    assert!(
        no_macros.contains("program.rs:1:1: error: `autozig!` needs the feature `macros`"),
        "{no_macros}"
    );
    let no_pool = said_with("\"macros\"");
    assert!(no_pool.contains("program.rs:4:14: error: Zig's function takes no"), "{no_pool}");
    assert!(no_pool.contains("feature `blocking`"), "{no_pool}");
    for said in [&no_macros, &no_pool] {
        assert_eq!(said.matches(": error").count(), 1, "{said}");
    }
    let both = said_with("\"macros\", \"blocking\"");
    assert!(!both.contains("error"), "{both}");
}

/// The macros write `::zigflow`, which a crate can name.
#[test]
fn a_package_may_call_zigflow_otherwise() {
    let zigflow = format!(
        "zf = {{ package = \"zigflow\", path = {:?}, features = [\"blocking\", \"macros\"] }}",
        root()
    );
    let script = Some("zigflow_build::compile(\"src\");");
    let package = package_with("renamed", script, &zigflow);
    let text = "mod inner {\nzf::autozig! {\n\
         const P = extern struct { x: u8 };\nfn f(p: P) !?P { return p; }\n---\n\
         pub struct P { pub x: u8 }\npub async fn f(p: P) -> Result<Option<P>, zf::ZigError>;\n}\n}\n\
         fn main() { let _ = inner::f(inner::P { x: 1 }); }\n";
    let said_about = |first: &str| {
        fs::write(package.join("src/bin/program.rs"), format!("{first}{text}")).unwrap();
        said(&package)
    };
    assert!(said_about("").contains("error"), "`::zigflow` is there by itself");
    let named = said_about("#![forbid(unsafe_code)]\nextern crate zf as zigflow;\n");
    assert!(!named.contains("error"), "{named}");
}

#[test]
fn a_missing_an_additional_and_another_error_are_differences() {
    let one = |line: usize, said: &str| Errors::from([(("a.rs".into(), line), vec![said.into()])]);
    let expected = one(3, "does not cross");
    assert!(differences(&expected, &one(3, " error: `T` does not cross")).is_empty());
    assert_eq!(differences(&expected, &Errors::new()).len(), 1);
    assert_eq!(differences(&Errors::new(), &expected).len(), 1);
    assert_eq!(differences(&expected, &one(3, "mismatched types")).len(), 1);
    assert_eq!(differences(&expected, &one(4, "does not cross")).len(), 2);
}
