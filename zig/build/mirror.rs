//! The Zig modules that `Build::types` asks for.

use crate::build::Build;
use crate::modules::Root;
use crate::place::Place;
use crate::{Error, stamp};
use std::fs;
use std::path::Path;

/// Writes them below `folder`.
pub(crate) fn write(build: &Build, place: &Place, folder: &Path) -> Result<Vec<Root>, Error> {
    let mut roots = Vec::new();
    for path in &build.types {
        let path = place.normal(path);
        let text = fs::read_to_string(place.full(&path)).map_err(|error| {
            Error::new(format!("cannot read the Rust file `{}`: {error}", path.display()))
        })?;
        let zig = mirror(&text).map_err(|why| Error::new(format!("{}:{why}", path.display())))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let file = folder.join("types").join(format!("{name}.zig"));
        stamp::write_if_changed(&file, &format!("//! Made from {}.\n\n{zig}", path.display()))?;
        roots.push(Root { import_name: Some(name), ..Root::new(file) });
    }
    Ok(roots)
}

#[cfg(feature = "types")]
use zigflow_bindgen::mirror;

/// Without the feature, nothing can ask.
#[cfg(not(feature = "types"))]
fn mirror(_: &str) -> Result<String, Error> {
    Err(Error::new("zigflow-build needs its feature `types` for this"))
}
