//! What the compiler says to who derives `Transfer` for a type that does not cross.
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

/// A package with the files as its programs.
fn package() -> PathBuf {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("refusals");
    let bins = package.join("src/bin");
    let _ = fs::remove_dir_all(&bins);
    fs::create_dir_all(&bins).unwrap();
    for entry in fs::read_dir(root().join("tests/refused")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), bins.join(entry.file_name())).unwrap();
    }
    let manifest = format!(
        "[package]\nname = \"refusals\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n\
         [dependencies]\nzigflow = {{ path = {:?}, features = [\"derive\"] }}\n",
        root()
    );
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root().join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    package
}

fn found() -> Errors {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["check", "--bins", "--keep-going", "--message-format=short", "--offline"]);
    cargo.current_dir(package()).env("CARGO_TERM_COLOR", "never");
    cargo.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("refusals/target"));
    let output = cargo.output().expect("cargo runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
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
