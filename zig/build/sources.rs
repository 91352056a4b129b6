//! The Zig package `zigflow` as text in this crate: a path to it would be a path of the machine
//! that compiled this crate.

use crate::{Error, stamp};
use std::path::{Path, PathBuf};

macro_rules! files {
    ($($name:literal,)*) => {
        &[$(($name, include_str!(concat!("../src/", $name)))),*]
    };
}

pub(crate) const FILES: &[(&str, &str)] = files![
    "abi.zig",
    "alloc.zig",
    "arguments.zig",
    "binding.zig",
    "binding_call.zig",
    "block.zig",
    "byte_io.zig",
    "c_names.zig",
    "completion.zig",
    "end.zig",
    "file.zig",
    "future.zig",
    "host.zig",
    "item.zig",
    "lap.zig",
    "limiter.zig",
    "mpmc.zig",
    "panic.zig",
    "patience.zig",
    "pool.zig",
    "position.zig",
    "profile.zig",
    "quiet.zig",
    "reference.zig",
    "reject.zig",
    "ring_list.zig",
    "ring_mpmc.zig",
    "ring_spsc.zig",
    "rust_stream.zig",
    "shape.zig",
    "shared.zig",
    "shared_bytes.zig",
    "source.zig",
    "spsc.zig",
    "sync.zig",
    "timer.zig",
    "waker.zig",
    "waker_cell.zig",
    "zigflow.zig",
];

/// Writes the package below `out_dir` and returns its root file.
pub(crate) fn unpack(out_dir: &Path) -> Result<PathBuf, Error> {
    let folder = folder(out_dir);
    for (name, text) in FILES {
        stamp::write_if_changed(&folder.join(name), text)?;
    }
    Ok(folder.join("zigflow.zig"))
}

pub(crate) fn folder(out_dir: &Path) -> PathBuf {
    out_dir.join("pkg")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_package_is_in_the_table() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut listed: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".zig"))
            .collect();
        listed.sort();
        let table: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        assert_eq!(table, listed, "zig/build/sources.rs lists what zig/src holds, in its order");
    }
}
