//! What Cargo tells a build script about the package it builds.

use crate::{Env, Error};
use std::path::{Component, Path, PathBuf};

#[derive(Debug)]
pub(crate) struct Place {
    /// The package's folder: user paths are relative to it, and Zig runs in it.
    pub(crate) package_dir: PathBuf,
    pub(crate) package: String,
    pub(crate) version: String,
    pub(crate) target: String,
    /// Everything that is written goes below this.
    pub(crate) out_dir: PathBuf,
}

impl Place {
    pub(crate) fn read(env: &Env) -> Result<Self, Error> {
        let variable = |name: &str| {
            env.text(name).ok_or_else(|| {
                Error::new(format!("{name} is not set: zigflow-build runs in build scripts only"))
            })
        };
        Ok(Self {
            package_dir: variable("CARGO_MANIFEST_DIR")?.into(),
            package: variable("CARGO_PKG_NAME")?,
            version: variable("CARGO_PKG_VERSION")?,
            target: variable("TARGET")?,
            out_dir: PathBuf::from(variable("OUT_DIR")?).join("zigflow"),
        })
    }

    /// How a path is named to Zig, to Cargo and to people: relative to the package where it lies
    /// in it, without `.` and `..`, so that one file has one name.
    pub(crate) fn normal(&self, path: &Path) -> PathBuf {
        let full = resolve_dots(&self.package_dir.join(path));
        match full.strip_prefix(resolve_dots(&self.package_dir)) {
            Ok(relative) => relative.to_path_buf(),
            Err(_) => full,
        }
    }

    /// The place in the file system of a path from [`Place::normal`].
    pub(crate) fn full(&self, normal: &Path) -> PathBuf {
        self.package_dir.join(normal)
    }
}

fn resolve_dots(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(result.components().next_back(), Some(Component::Normal(_))) =>
            {
                result.pop();
            }
            other => result.push(other),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            package_dir: "/home/user/crate".into(),
            package: "crate".into(),
            version: "1.0.0".into(),
            target: "x86_64-unknown-linux-gnu".into(),
            out_dir: "/out".into(),
        }
    }

    #[test]
    fn a_file_of_the_package_is_named_from_there() {
        assert_eq!(place().normal(Path::new("src/./a/../lib.zig")), Path::new("src/lib.zig"));
        assert_eq!(place().normal(Path::new("/home/user/crate/x.zig")), Path::new("x.zig"));
    }

    #[test]
    fn a_file_outside_keeps_its_full_name() {
        assert_eq!(
            place().normal(Path::new("../shared/x.zig")),
            Path::new("/home/user/shared/x.zig")
        );
    }
}
