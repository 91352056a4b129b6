//! Files that are only touched when their content changes, and the note that says what an archive
//! was made from. Zig has no dependency file and does not cache what `-femit-bin` writes.

use crate::{Error, names::Hash};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

/// What an archive was made from.
#[derive(Debug)]
pub(crate) struct Stamp(Hash);

impl Stamp {
    pub(crate) fn new() -> Self {
        Self(Hash::new())
    }

    pub(crate) fn text(&mut self, text: impl AsRef<OsStr>) {
        self.0.part(text.as_ref().as_encoded_bytes());
    }

    /// A file that is missing is not the same as one that is empty.
    pub(crate) fn file(&mut self, path: &Path) {
        match fs::read(path) {
            Ok(bytes) => self.0.part(&bytes),
            Err(_) => self.text("(missing)"),
        }
    }

    pub(crate) fn matches(&self, note: &Path) -> bool {
        fs::read_to_string(note).is_ok_and(|noted| noted == self.note())
    }

    pub(crate) fn write(&self, note: &Path) -> Result<(), Error> {
        write(note, &self.note())
    }

    fn note(&self) -> String {
        format!("{:016x}", self.0.value())
    }
}

pub(crate) fn write_if_changed(path: &Path, text: &str) -> Result<(), Error> {
    if fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    write(path, text)
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| Error::new(format!("cannot write {}: {error}", path.display())))
}
