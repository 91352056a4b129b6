//! The Rust text from which the crate learns what its archives hold: one `__zig_sources!` and perhaps one
//! `__zig_futures!` for each archive, in a file that `zigflow::zig_source!` and `zig_future!` include.

use crate::blocks::Mistake;
use crate::place::Place;
use crate::{Error, stamp};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// One archive's part of the files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part {
    /// What it was made from: the same name for other files is a mistake.
    pub(crate) roots: Vec<PathBuf>,
    /// For `zig_source!` and `zig_future!`.
    pub(crate) text: String,
    /// For `autozig!` and `include_zig!`, which read lines of words:
    ///
    /// ```text
    /// block HASH LIBRARY PREFIX
    /// future HASH FUNCTION
    /// shape HASH TYPE SHAPE SIZE ALIGNMENT
    /// part HASH TYPE INDEX NAME WHAT
    /// error HASH LINE COLUMN WHAT
    /// test HASH FILE
    /// ```
    ///
    /// On docs.rs, where there is no archive, it is `docs`.
    pub(crate) blocks: String,
}

/// The archives that this build script has compiled so far, by the folder they went to. What an
/// earlier run of another build script wrote there is not in it, and so does not survive.
static PARTS: Mutex<BTreeMap<PathBuf, BTreeMap<String, Part>>> = Mutex::new(BTreeMap::new());

/// Adds the part of the archive `name` and writes the files. Returns the path of the Rust text.
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
    let blocks: String = parts.values().map(|part| part.blocks.as_str()).collect();
    stamp::write_if_changed(&place.out_dir.join("blocks"), &blocks)?;
    Ok(path)
}

/// What Zig binds for Rust, by the names that it gave, sorted.
#[derive(Debug, Default, Clone)]
pub(crate) struct Bound {
    /// By `zigflow.source`.
    pub(crate) sources: Vec<String>,
    /// By `zigflow.future`.
    pub(crate) futures: Vec<String>,
}

/// The lines about blocks: which archive each is in, and what the symbols say about the shapes of types.
pub(crate) fn blocks(hashes: &[String], library: &str, prefix: &str, symbols: &[String]) -> String {
    let mut text = String::new();
    for hash in hashes {
        let _ = writeln!(text, "block {hash} {library} {prefix}");
        for name in behind(symbols, &format!("{prefix}_start_{hash}_")) {
            let _ = writeln!(text, "future {hash} {name}");
        }
        for layout in behind(symbols, &format!("{prefix}_shape_{hash}_")) {
            // TYPE_SHAPE_SIZE_ALIGNMENT
            let mut words: Vec<&str> = layout.rsplitn(4, '_').collect();
            words.reverse();
            let _ = writeln!(text, "shape {hash} {}", words.join(" "));
        }
        for part in behind(symbols, &format!("{prefix}_part_{hash}_")) {
            // TYPE.INDEX.NAME.WHAT
            let _ = writeln!(text, "part {hash} {}", part.replace('.', " "));
        }
    }
    text
}

/// What follows on `start` in the symbols that begin so, each once.
fn behind<'a>(symbols: &'a [String], start: &str) -> BTreeSet<&'a str> {
    symbols.iter().filter_map(|symbol| Some(symbol.split_once(start)?.1)).collect()
}

/// The lines about what Zig finds wrong in blocks. Lines and columns count from 1, columns are characters.
pub(crate) fn mistakes(mistakes: &[Mistake]) -> String {
    let mut text = String::new();
    for Mistake { hash, place: (line, column), text: what, .. } in mistakes {
        let what = what.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(text, "error {hash} {line} {column} {what}");
    }
    text
}

impl Bound {
    /// Those among the symbols of an archive.
    pub(crate) fn among(symbols: &[String], prefix: &str) -> Result<Self, Error> {
        let named = |kind| names(symbols, prefix, kind);
        Ok(Self { sources: named("source")?, futures: named("future")? })
    }

    pub(crate) fn text(&self, library: &str, prefix: &str) -> String {
        let mut text = text("source", library, prefix, &self.sources);
        if !self.futures.is_empty() {
            text += &self::text("future", library, prefix, &self.futures);
        }
        text
    }
}

fn names(symbols: &[String], prefix: &str, kind: &str) -> Result<Vec<String>, Error> {
    let start = format!("{prefix}_{kind}_");
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
            "`{name}` cannot be the name of a {kind}: Rust has to write it as an identifier"
        )));
    }
    Ok(names)
}

fn text(kind: &str, library: &str, prefix: &str, names: &[String]) -> String {
    let mut text = format!("__zig_{kind}s! {{\n    \"{library}\";\n");
    for name in names {
        let raw = if KEYWORDS.contains(&name.as_str()) { "r#" } else { "" };
        let _ = writeln!(text, "    {raw}{name} = \"{prefix}_{kind}_{name}\";");
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

    fn bound(symbols: &[&str]) -> Result<Bound, Error> {
        let symbols: Vec<String> = symbols.iter().map(|symbol| (*symbol).to_owned()).collect();
        Bound::among(&symbols, "zf1_x")
    }

    #[test]
    fn what_is_bound_is_told_from_other_symbols() {
        let found = bound(&[
            "zf1_x_future_d",
            "zf1_x_source_b",
            "add",
            "zf1_y_source_c",
            "_zf1_x_source_a",
            "zf1_x_source_b",
        ]);
        let found = found.unwrap();
        assert_eq!(found.sources, ["a", "b"]);
        assert_eq!(found.futures, ["d"]);
    }

    #[test]
    fn a_name_that_rust_cannot_write_is_an_error() {
        for name in ["", "1st", "a-b", "größe", "self"] {
            assert!(bound(&[&format!("zf1_x_source_{name}")]).is_err(), "{name}");
            assert!(bound(&[&format!("zf1_x_future_{name}")]).is_err(), "{name}");
        }
    }

    #[test]
    fn blocks_have_an_archive_and_shapes() {
        let symbols = [
            "_zf1_x_shape_aa_My_Point_0000beef_24_8",
            "zf1_x_shape_bb_Point_0",
            "zf1_x_call_aa_f",
            "_zf1_x_part_aa_My_Point.0.at.[4]u8",
            "zf1_x_start_aa_read_it",
        ];
        let symbols = symbols.map(str::to_owned);
        assert_eq!(
            blocks(&["aa".to_owned()], "lib", "zf1_x", &symbols),
            "block aa lib zf1_x\nfuture aa read_it\nshape aa My_Point 0000beef 24 8\npart aa My_Point 0 at [4]u8\n"
        );
    }

    #[test]
    fn the_text_is_one_macro_call_for_each_kind() {
        let sources = "__zig_sources! {\n    \"lib\";\n    counter = \"zf1_x_source_counter\";\n    \
             r#type = \"zf1_x_source_type\";\n}\n";
        let mut bound = Bound { sources: vec!["counter".into(), "type".into()], futures: vec![] };
        assert_eq!(bound.text("lib", "zf1_x"), sources);
        bound.futures.push("read".into());
        let futures = "__zig_futures! {\n    \"lib\";\n    read = \"zf1_x_future_read\";\n}\n";
        assert_eq!(bound.text("lib", "zf1_x"), [sources, futures].concat());
    }
}
