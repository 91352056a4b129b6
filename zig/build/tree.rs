//! The user's Zig files: which there are and who imports whom.

use crate::Error;
use crate::modules::Root;
use crate::place::Place;
use crate::scan::{Reference, references};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Every file that is reached from the roots, by its normal path.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<PathBuf, File>,
}

#[derive(Debug, Default)]
struct File {
    /// What stands in the `@import`, and the file that it means.
    imports: Vec<(String, PathBuf)>,
    embeds: Vec<PathBuf>,
}

impl Tree {
    pub(crate) fn read(place: &Place, roots: &[Root]) -> Self {
        let mut tree = Self::default();
        let mut waiting = roots.to_vec();
        while let Some(root) = waiting.pop() {
            if tree.files.contains_key(&root.path) {
                continue;
            }
            let file = File::read(place, &root);
            waiting.extend(file.imports.iter().map(|(_, path)| Root::new(path.clone())));
            tree.files.insert(root.path, file);
        }
        tree
    }

    /// Everything whose change matters, whether it exists or not.
    pub(crate) fn paths(&self) -> BTreeSet<&Path> {
        let embeds = self.files.values().flat_map(|file| &file.embeds);
        self.files.keys().chain(embeds).map(PathBuf::as_path).collect()
    }

    pub(crate) fn imports(&self, path: &Path) -> &[(String, PathBuf)] {
        self.files.get(path).map_or(&[], |file| &file.imports)
    }

    /// `root` and every Zig file that it reaches by imports.
    pub(crate) fn reach(&self, root: &Path) -> BTreeSet<PathBuf> {
        let mut reached = BTreeSet::new();
        let mut waiting = vec![root.to_path_buf()];
        while let Some(path) = waiting.pop() {
            if !is_zig(&path) || reached.contains(&path) {
                continue;
            }
            waiting.extend(self.imports(&path).iter().map(|(_, path)| path.clone()));
            reached.insert(path);
        }
        reached
    }
}

impl File {
    /// A file that cannot be read refers to nothing; Zig says better what is wrong with it.
    fn read(place: &Place, root: &Root) -> Self {
        let mut file = Self::default();
        if !is_zig(&root.path) {
            return file;
        }
        let text = fs::read(place.full(&root.path)).unwrap_or_default();
        let folder = root.folder();
        for reference in references(&text) {
            match reference {
                Reference::Import(name) => {
                    let target = place.normal(&folder.join(&name));
                    file.imports.push((name, target));
                }
                Reference::Embed(name) => file.embeds.push(place.normal(&folder.join(name))),
            }
        }
        file
    }
}

/// The root files that `path` stands for: itself, or those of a folder. Of a folder there may be none.
pub(crate) fn roots(place: &Place, path: &Path) -> Result<Vec<PathBuf>, Error> {
    let path = place.normal(path);
    let full = place.full(&path);
    if full.is_dir() {
        return roots_of_folder(place, &path);
    }
    if is_rust(&path) && full.is_file() {
        return Ok(Vec::new());
    }
    if !full.is_file() {
        return Err(Error::new(format!(
            "there is no Zig file `{}` in the package",
            path.display()
        )));
    }
    if !is_zig(&path) {
        return Err(Error::new(format!("`{}` is not a .zig file", path.display())));
    }
    Ok(vec![path])
}

fn roots_of_folder(place: &Place, folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable =
        |error| Error::new(format!("cannot read the folder `{}`: {error}", folder.display()));
    let mut files = Vec::new();
    for entry in fs::read_dir(place.full(folder)).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        if is_zig(Path::new(&name)) && name != "build.zig" {
            files.push(folder.join(name));
        }
    }
    files.sort();
    let roots: Vec<Root> = files.iter().cloned().map(Root::new).collect();
    Ok(not_imported(&Tree::read(place, &roots), files))
}

/// The files that no other one reaches. Of files that import each other in a circle, the first.
fn not_imported(tree: &Tree, files: Vec<PathBuf>) -> Vec<PathBuf> {
    let imported: BTreeSet<&Path> = tree
        .files
        .iter()
        .flat_map(|(path, file)| file.imports.iter().filter(move |(_, other)| other != path))
        .map(|(_, path)| path.as_path())
        .collect();
    let (mut roots, rest): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|path| !imported.contains(path.as_path()));
    let mut reached: BTreeSet<PathBuf> = roots.iter().flat_map(|root| tree.reach(root)).collect();
    for path in rest {
        if !reached.contains(&path) {
            reached.extend(tree.reach(&path));
            roots.push(path);
        }
    }
    roots
}

pub(crate) fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

pub(crate) fn is_zig(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "zig")
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Tree {
        /// Files in one folder, each with what it imports.
        pub(crate) fn of(files: &[(&str, &[(&str, &str)])]) -> Self {
            let mut tree = Self::default();
            for (path, imports) in files {
                let imports = imports.iter().map(|(name, path)| ((*name).into(), path.into()));
                let file = File { imports: imports.collect(), embeds: Vec::new() };
                tree.files.insert(path.into(), file);
            }
            tree
        }
    }

    fn roots_of(tree: &Tree) -> Vec<PathBuf> {
        not_imported(tree, tree.files.keys().cloned().collect())
    }

    #[test]
    fn a_file_that_another_imports_is_no_root() {
        let util = ("util.zig", "util.zig");
        let tree = Tree::of(&[("a.zig", &[util]), ("b.zig", &[util]), ("util.zig", &[])]);
        assert_eq!(roots_of(&tree), [Path::new("a.zig"), Path::new("b.zig")]);
    }

    #[test]
    fn a_circle_has_one_root() {
        let [a, b, c] = ["a.zig", "b.zig", "c.zig"].map(|name| (name, name));
        let tree = Tree::of(&[("a.zig", &[b]), ("b.zig", &[a]), ("c.zig", &[c])]);
        assert_eq!(roots_of(&tree), [Path::new("c.zig"), Path::new("a.zig")]);
    }
}
