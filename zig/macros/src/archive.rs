//! What the build script has left about a block: the file `blocks`, which zigflow-build's `bindings` writes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use zigflow_bindgen::block::Macro;

/// Where a block went.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    /// The library to link.
    pub(crate) library: String,
    /// What its symbols begin with.
    pub(crate) prefix: String,
    /// How the Zig types stand in memory. None on docs.rs.
    pub(crate) layouts: BTreeMap<String, Layout>,
    /// What the Zig types are made of, in their order.
    pub(crate) parts: BTreeMap<String, Vec<Part>>,
    /// The functions that give their result by a completion.
    pub(crate) futures: BTreeSet<String>,
    /// The file with the command that runs Zig's tests.
    pub(crate) tests: Option<String>,
    /// What Zig found wrong in the block.
    pub(crate) mistakes: Vec<Mistake>,
}

/// How a type stands in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Of names and types; 0: it does not cross.
    pub(crate) shape: u32,
    pub(crate) size: usize,
    pub(crate) alignment: usize,
}

/// A field of a Zig type with its type, or a value of an enum with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) index: usize,
    pub(crate) name: String,
    pub(crate) what: String,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.what)
    }
}

/// What Zig says about a place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// From 1.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
    pub(crate) text: String,
}

impl Mistake {
    /// `LINE COLUMN WHAT`, where `WHAT` has its line ends as `\n`.
    fn read(text: &str) -> Option<Self> {
        let (line, rest) = text.split_once(' ')?;
        let (column, what) = rest.split_once(' ')?;
        let (mut text, mut letters) = (String::new(), what.chars());
        while let Some(letter) = letters.next() {
            text.push(match letter {
                '\\' if letters.next()? == 'n' => '\n',
                other => other,
            });
        }
        Some(Self { line: line.parse().ok()?, column: column.parse().ok()?, text })
    }
}

impl Archive {
    /// The archive of the block, or what is missing in the user's package.
    /// `file` is where the macro is called.
    pub(crate) fn find(
        which: Macro,
        hash: Option<&str>,
        file: Option<&Path>,
    ) -> Result<Self, String> {
        let name = which.name();
        let Some(out) = std::env::var_os("OUT_DIR") else {
            return Err(format!(
                "{name}!: this package compiles no Zig. It needs, in Cargo.toml,\n\n    [build-dependencies]\n    zigflow-build = \"{}\"\n\nand a build.rs:\n\n    fn main() {{\n        zigflow_build::compile(\"src\");\n    }}",
                env!("CARGO_PKG_VERSION"),
            ));
        };
        // The variable is of this build script's run, the file may be one of a former one.
        let compiled = std::env::var_os("ZIGFLOW_SOURCES").is_some();
        let blocks = std::fs::read_to_string(Path::new(&out).join("zigflow/blocks"));
        let Some(text) = blocks.ok().filter(|_| compiled) else {
            return Err(format!(
                "{name}!: the build script of this package compiles no Zig: it has to call `zigflow_build::compile(\"src\")`"
            ));
        };
        Self::read(&text, hash).ok_or_else(|| {
            if let Some(folder) = file.and_then(folder_in_package).filter(|name| name != "src") {
                return format!(
                    "{name}!: the build script has not seen this text. `zigflow_build::compile(\"src\")` does not read `{folder}`; write `zigflow_build::Build::new().file(\"src\").file(\"{folder}\").compile();`"
                );
            }
            format!(
                "{name}!: the build script has not seen this text. `zigflow_build::compile(\"src\")` reads the Rust files in `src`, if zigflow-build has its feature `macros`; what a `macro_rules!` makes is in none of them"
            )
        })
    }

    /// Without a hash, as in an editor that does not tell the text, any block will do: nothing is linked there.
    fn read(text: &str, hash: Option<&str>) -> Option<Self> {
        let mut found = None;
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match (&words[..], &mut found) {
                (["docs"], found) => *found = Some(Self::default()),
                (["block", of, library, prefix], found) if hash.is_none_or(|hash| hash == *of) => {
                    let (library, prefix) = ((*library).to_owned(), (*prefix).to_owned());
                    *found = Some(Self { library, prefix, ..Self::default() });
                }
                (["shape", of, ty, shape, size, alignment], Some(archive)) if hash == Some(*of) => {
                    let shape = u32::from_str_radix(shape, 16).ok()?;
                    let layout = Layout {
                        shape,
                        size: size.parse().ok()?,
                        alignment: alignment.parse().ok()?,
                    };
                    archive.layouts.insert((*ty).to_owned(), layout);
                }
                (["part", of, ty, index, name, what], Some(archive)) if hash == Some(*of) => {
                    let parts = archive.parts.entry((*ty).to_owned()).or_default();
                    let (name, what) = ((*name).to_owned(), (*what).to_owned());
                    parts.push(Part { index: index.parse().ok()?, name, what });
                    parts.sort_by_key(|part| part.index);
                }
                (["future", of, name], Some(archive)) if hash == Some(*of) => {
                    archive.futures.insert((*name).to_owned());
                }
                (["test", of, ..], Some(archive)) if hash == Some(*of) => {
                    archive.tests = line.split_once(of).map(|(_, path)| path.trim().to_owned());
                }
                (["error", of, ..], Some(archive)) if hash == Some(*of) => {
                    let (_, mistake) = line.split_once(of)?;
                    archive.mistakes.push(Mistake::read(mistake.trim_start())?);
                }
                _ => {}
            }
        }
        found
    }
}

/// The folder of the package, `tests` or `examples`, in which a file is.
fn folder_in_package(file: &Path) -> Option<String> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR")?;
    // Of a member of a workspace rustc is told the path from there.
    let file = std::path::absolute(file).ok()?;
    let mut parts = file.strip_prefix(package).ok()?.components();
    let first = parts.next()?;
    parts.next()?;
    first.as_os_str().to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_found_by_its_hash() {
        let text = "block aa one p\nfuture aa f\nblock bb two q\nfuture bb g\nshape bb Other 0000000b 16 8\npart bb Other 1 b u8\npart bb Other 0 a u64\n";
        let found = Archive::read(text, Some("bb")).unwrap();
        assert_eq!(found.futures.iter().collect::<Vec<_>>(), ["g"]);
        assert_eq!((&*found.library, &*found.prefix), ("two", "q"));
        let layout = Layout { shape: 11, size: 16, alignment: 8 };
        let parts: Vec<String> = found.parts["Other"].iter().map(Part::to_string).collect();
        assert_eq!(parts, ["a: u64", "b: u8"]);
        assert_eq!(found.layouts.into_iter().collect::<Vec<_>>(), [("Other".to_owned(), layout)]);
        assert!(Archive::read(text, Some("cc")).is_none());
        assert!(Archive::read(text, None).is_some());
        assert!(Archive::read("docs\n", Some("cc")).is_some());
    }

    #[test]
    fn mistakes_have_a_place() {
        let text = "block aa one p\ntest aa /a folder/aa.test\nerror aa 7 20 a \\\\ b\\nnote\n";
        let found = Archive::read(text, Some("aa")).unwrap();
        let mistake = Mistake { line: 7, column: 20, text: "a \\ b\nnote".to_owned() };
        assert_eq!(found.mistakes, [mistake]);
        assert_eq!(found.tests.as_deref(), Some("/a folder/aa.test"));
    }
}
