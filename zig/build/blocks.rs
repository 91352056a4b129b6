//! The Zig text in Rust files, `autozig!` and `include_zig!`: from each block a Zig file.

use crate::modules::Root;
use crate::names::Names;
use crate::place::Place;
use crate::report::Retold;
use crate::scan::references;
use crate::tree::is_rust;
use crate::{Error, stamp};
use std::fs;
use std::path::{Path, PathBuf};

/// One block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// What the macro knows it by.
    pub(crate) hash: String,
    /// Its Zig file, made from the Rust file.
    pub(crate) root: Root,
    /// For what the image's lines stand in the Rust file.
    places: Places,
    /// The Zig file whose tests Rust's run.
    pub(crate) tests: Option<PathBuf>,
}

/// What is wrong with a block.
#[derive(Debug, Clone)]
pub(crate) struct Mistake {
    pub(crate) hash: String,
    /// Line and column in the Rust file, from 1, the column in characters.
    pub(crate) place: (usize, usize),
    /// Without the place.
    pub(crate) text: String,
    /// As Zig said it.
    pub(crate) told: Retold,
}

impl Block {
    /// The mistake that Zig found, told as `text`.
    pub(crate) fn mistake(&self, told: Retold, text: String) -> Mistake {
        let place = told.at.as_ref().map_or((1, 1), |at| self.places.of(at.line, at.column, &text));
        Mistake { hash: self.hash.clone(), place, text, told }
    }
}

/// Writes the Zig files of all blocks in the Rust file `path`, or in those of a folder and its folders, below
/// `folder`, and adds the blocks. True: there are calls of the macros, though perhaps none that is well formed.
pub(crate) fn write(
    place: &Place,
    names: &Names,
    path: &Path,
    folder: &Path,
    blocks: &mut Vec<Block>,
) -> Result<bool, Error> {
    let mut is_called = false;
    for file in rust_files(place, &place.normal(path))? {
        let text = fs::read(place.full(&file)).map_err(|error| unreadable(&file, &error))?;
        if !["autozig!", "include_zig!"].iter().any(|call| contains(&text, call)) {
            continue;
        }
        let text = String::from_utf8(text)
            .map_err(|_| Error::new(format!("`{}` is no UTF-8", file.display())))?;
        for made in images(&file, &text, names)? {
            is_called = true;
            let Some(Made { hash, image, places, tests }) = made else { continue };
            if let Some(twin) = blocks.iter().find(|block| block.hash == hash) {
                check_twin(twin, &file, &image)?;
                continue;
            }
            let path_of = |name: String| place.normal(&folder.join("blocks").join(name));
            let path = path_of(format!("{hash}.zig"));
            stamp::write_if_changed(&place.full(&path), &image)?;
            let tests = match tests {
                None => None,
                Some(Tests::Text(text)) => {
                    let path = path_of(format!("{hash}_test.zig"));
                    stamp::write_if_changed(&place.full(&path), &text)?;
                    Some(path)
                }
                Some(Tests::File(name)) => {
                    let path = place.normal(&file.parent().unwrap_or(Path::new("")).join(name));
                    has_tests(&place.full(&path)).then_some(path)
                }
            };
            let root = Root { made_from: Some(file.clone()), ..Root::new(path) };
            blocks.push(Block { hash, root, places, tests });
        }
    }
    Ok(is_called)
}

fn contains(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|window| window == word.as_bytes())
}

/// One text is compiled once; but from another folder it may import other files.
fn check_twin(twin: &Block, file: &Path, image: &str) -> Result<(), Error> {
    let first = twin.root.made_from.as_deref().unwrap_or(file);
    if first.parent() == file.parent() || references(image.as_bytes()).is_empty() {
        return Ok(());
    }
    Err(Error::new(format!(
        "a block in `{}` has the same text as one in `{}`, and both import files, each from its own folder: tell them apart by a comment",
        file.display(),
        first.display()
    )))
}

/// What was made of a block.
struct Made {
    hash: String,
    image: String,
    places: Places,
    tests: Option<Tests>,
}

/// Whether a Zig file has a `test` at its top.
fn has_tests(path: &Path) -> bool {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().any(|line| line.starts_with("test ") || line.starts_with("test{"))
}

#[cfg(feature = "macros")]
use zigflow_bindgen::block::{Places, Tests};

#[cfg(feature = "macros")]
fn images(file: &Path, text: &str, names: &Names) -> Result<Vec<Option<Made>>, Error> {
    use zigflow_bindgen::block::{Found, Image, find};

    let text = text.trim_start_matches('\u{feff}');
    let shown = file.display().to_string();
    let found = find(text).map_err(|mistake| Error::new(format!("{shown}:{mistake}")))?;
    let image = Image { file: &shown, text, prefix: &names.prefix };
    let of = |found: &Found| Made {
        hash: found.hash.clone(),
        image: image.of(found),
        places: image.places(found),
        tests: image.tests(found),
    };
    Ok(found.iter().map(|call| call.as_ref().ok().map(of)).collect())
}

/// Without the feature nobody reads them; the macros say what to do.
#[cfg(not(feature = "macros"))]
fn images(_: &Path, _: &str, _: &Names) -> Result<Vec<Option<Made>>, Error> {
    Ok(Vec::new())
}

/// There are no blocks to have places.
#[cfg(not(feature = "macros"))]
#[derive(Debug, Clone, PartialEq, Eq)]
enum Places {}

#[cfg(not(feature = "macros"))]
impl Places {
    fn of(&self, _: usize, _: usize, _: &str) -> (usize, usize) {
        match *self {}
    }
}

/// Nor tests.
#[cfg(not(feature = "macros"))]
#[allow(dead_code)]
enum Tests {
    Text(String),
    File(String),
}

fn rust_files(place: &Place, path: &Path) -> Result<Vec<PathBuf>, Error> {
    let full = place.full(path);
    if !full.is_dir() {
        return Ok(if is_rust(path) { vec![path.to_path_buf()] } else { Vec::new() });
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(&full).map_err(|error| unreadable(path, &error))? {
        names.push(entry.map_err(|error| unreadable(path, &error))?.file_name());
    }
    names.sort();
    let mut files = Vec::new();
    // An editor's own files begin with a point.
    for name in names.into_iter().filter(|name| !name.as_encoded_bytes().starts_with(b".")) {
        files.extend(rust_files(place, &path.join(name))?);
    }
    Ok(files)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(format!("cannot read `{}`: {error}", path.display()))
}
