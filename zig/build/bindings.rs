//! The Rust text from which the crate learns what its archives hold: one `__zig_sources!` for each
//! archive, in a file that `zigflow::zig_source!` includes.

use crate::place::Place;
use crate::{Error, stamp};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// One archive's part of the file.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// What it was made from: the same name for other files is a mistake.
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) text: String,
}

/// The archives that this build script has compiled so far, by the folder they went to. What an
/// earlier run of another build script wrote there is not in it, and so does not survive.
static PARTS: Mutex<BTreeMap<PathBuf, BTreeMap<String, Part>>> = Mutex::new(BTreeMap::new());

/// Adds the part of the archive `name` and writes the file. Returns the file's path.
pub(crate) fn publish(place: &Place, name: &str, part: Part) -> Result<PathBuf, Error> {
    let mut parts = PARTS.lock().unwrap_or_else(PoisonError::into_inner);
    let parts = parts.entry(place.out_dir.clone()).or_default();
    if parts.get(name).is_some_and(|other| other.roots != part.roots) {
        return Err(Error::new(format!(
            "two archives of this package are named `{name}`: tell them apart with `Build::name`"
        )));
    }
    parts.insert(name.to_owned(), part);
    let path = place.out_dir.join("sources.rs");
    let text: String = parts.values().map(|part| part.text.as_str()).collect();
    stamp::write_if_changed(&path, &text)?;
    Ok(path)
}

/// The names of the sources among the symbols of an archive, sorted.
pub(crate) fn sources(symbols: &[String], prefix: &str) -> Result<Vec<String>, Error> {
    let start = format!("{prefix}_source_");
    let mut names: Vec<String> = symbols
        .iter()
        // Mach-O puts an underscore in front of every C name.
        .filter_map(|symbol| {
            symbol.strip_prefix(&start).or_else(|| symbol.strip_prefix('_')?.strip_prefix(&start))
        })
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    if let Some(name) = names.iter().find(|name| !is_identifier(name)) {
        return Err(Error::new(format!(
            "`{name}` cannot be the name of a source: Rust has to write it as an identifier"
        )));
    }
    Ok(names)
}

pub(crate) fn text(library: &str, prefix: &str, sources: &[String]) -> String {
    let mut text = format!("__zig_sources! {{\n    \"{library}\";\n");
    for name in sources {
        let raw = if KEYWORDS.contains(&name.as_str()) { "r#" } else { "" };
        let _ = writeln!(text, "    {raw}{name} = \"{prefix}_source_{name}\";");
    }
    text.push_str("}\n");
    text
}

fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !["_", "self", "Self", "super", "crate"].contains(&name)
}

/// Words that Rust takes as a name only behind `r#`.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn names(symbols: &[&str]) -> Result<Vec<String>, Error> {
        let symbols: Vec<String> = symbols.iter().map(|symbol| (*symbol).to_owned()).collect();
        sources(&symbols, "zf1_x")
    }

    #[test]
    fn sources_are_told_from_other_symbols() {
        let found = names(&[
            "zf1_x_source_b",
            "add",
            "zf1_y_source_c",
            "_zf1_x_source_a",
            "zf1_x_source_b",
        ]);
        assert_eq!(found.unwrap(), ["a", "b"]);
    }

    #[test]
    fn a_name_that_rust_cannot_write_is_an_error() {
        for name in ["", "1st", "a-b", "größe", "self"] {
            assert!(names(&[&format!("zf1_x_source_{name}")]).is_err(), "{name}");
        }
    }

    #[test]
    fn the_text_is_one_macro_call() {
        assert_eq!(
            text("lib", "zf1_x", &["counter".into(), "type".into()]),
            "__zig_sources! {\n    \"lib\";\n    counter = \"zf1_x_source_counter\";\n    \
             r#type = \"zf1_x_source_type\";\n}\n"
        );
    }
}
