//! The Zig text in Rust files, `autozig!` and `include_zig!`: from each block a Zig file.

use crate::modules::Root;
use crate::names::Names;
use crate::place::Place;
use crate::report::Retold;
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
/// `folder`.
pub(crate) fn write(
    place: &Place,
    names: &Names,
    path: &Path,
    folder: &Path,
) -> Result<Vec<Block>, Error> {
    let mut blocks: Vec<Block> = Vec::new();
    for file in rust_files(place, &place.normal(path))? {
        let text =
            fs::read_to_string(place.full(&file)).map_err(|error| unreadable(&file, &error))?;
        for (hash, image, places) in images(&file, &text, names)? {
            if blocks.iter().all(|block| block.hash != hash) {
                let path = place.normal(&folder.join("blocks").join(format!("{hash}.zig")));
                stamp::write_if_changed(&place.full(&path), &image)?;
                let root = Root { made_from: Some(file.clone()), ..Root::new(path) };
                blocks.push(Block { hash, root, places });
            }
        }
    }
    Ok(blocks)
}

#[cfg(feature = "macros")]
use zigflow_bindgen::block::Places;

#[cfg(not(feature = "macros"))]
type Places = NoPlaces;

/// Each block's hash, its Zig file's text, and the places.
#[cfg(feature = "macros")]
fn images(file: &Path, text: &str, names: &Names) -> Result<Vec<(String, String, Places)>, Error> {
    use zigflow_bindgen::block::{Found, Image, find};

    let text = text.trim_start_matches('\u{feff}');
    let shown = file.display().to_string();
    let found = find(text).map_err(|mistake| Error::new(format!("{shown}:{mistake}")))?;
    let image = Image { file: &shown, text, prefix: &names.prefix };
    let of = |found: &Found| (found.hash.clone(), image.of(found), image.places(found));
    Ok(found.iter().map(of).collect())
}

/// Without the feature nobody reads them; the macros say what to do.
#[cfg(not(feature = "macros"))]
fn images(_: &Path, _: &str, _: &Names) -> Result<Vec<(String, String, NoPlaces)>, Error> {
    Ok(Vec::new())
}

/// There are no blocks to have places.
#[cfg(not(feature = "macros"))]
#[derive(Debug, Clone, PartialEq, Eq)]
enum NoPlaces {}

#[cfg(not(feature = "macros"))]
impl NoPlaces {
    fn of(&self, _: usize, _: usize, _: &str) -> (usize, usize) {
        match *self {}
    }
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
    for name in names {
        files.extend(rust_files(place, &path.join(name))?);
    }
    Ok(files)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(format!("cannot read `{}`: {error}", path.display()))
}
