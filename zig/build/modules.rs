//! How the user's files become Zig modules.
//!
//! In Zig a file belongs to one module, yet two roots may import the same helper. So a file that
//! several roots reach becomes a module of its own, and an import of it is answered with that
//! module: a dependency may be named `util.zig`, and Zig asks the dependencies first.

use crate::Error;
use crate::tree::{Tree, is_zig};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One `-M` argument with the `--dep`s before it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Module {
    pub(crate) name: String,
    pub(crate) root: PathBuf,
    /// Import name and module name.
    pub(crate) deps: Vec<(String, String)>,
}

/// A root file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Root {
    pub(crate) path: PathBuf,
    /// The name that the user gave to it as a module.
    pub(crate) import_name: Option<String>,
    /// The Rust file that it was made from: what it imports lies beside that one, so each of these is a module.
    pub(crate) made_from: Option<PathBuf>,
}

impl Root {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, import_name: None, made_from: None }
    }

    /// The folder that its imports start from.
    pub(crate) fn folder(&self) -> &Path {
        self.made_from.as_ref().unwrap_or(&self.path).parent().unwrap_or(Path::new(""))
    }
}

/// The modules of the user's files. Those without an import name come first, in their order, as
/// `zigflow_user0` and so on.
pub(crate) fn plan(tree: &Tree, roots: &[Root]) -> Result<Vec<Module>, Error> {
    let owners = owners(tree, roots);
    check_data(tree, &owners)?;
    let given: Vec<(String, String)> = roots
        .iter()
        .filter_map(|root| root.import_name.clone())
        .map(|name| (name.clone(), name))
        .chain([("zigflow".to_owned(), "zigflow".to_owned())])
        .collect();
    owners
        .iter()
        .map(|(path, name)| {
            let mut deps = given.clone();
            deps.extend(file_deps(tree, path, &owners)?);
            Ok(Module { name: name.clone(), root: path.clone(), deps })
        })
        .collect()
}

/// The root files of the modules, with the modules' names.
type Owners = Vec<(PathBuf, String)>;

/// The name of the module that each root and each shared file is the root of.
fn owners(tree: &Tree, roots: &[Root]) -> Owners {
    let mut owners = Owners::new();
    for root in roots {
        let user_index = owners.len();
        let name = root.import_name.clone().unwrap_or_else(|| format!("zigflow_user{user_index}"));
        owners.push((root.path.clone(), name));
    }
    let root_paths: BTreeSet<&Path> = roots.iter().map(|root| root.path.as_path()).collect();
    let mut reached_by = BTreeMap::<PathBuf, usize>::new();
    for root in roots {
        for path in tree.reach(&root.path) {
            *reached_by.entry(path).or_default() += 1;
        }
    }
    let elsewhere: BTreeSet<&Path> = roots
        .iter()
        .filter(|root| root.made_from.is_some())
        .flat_map(|root| tree.imports(&root.path))
        .map(|(_, path)| path.as_path())
        .collect();
    let shared = reached_by
        .into_iter()
        .filter(|(path, count)| *count > 1 || elsewhere.contains(path.as_path()))
        .filter(|(path, _)| !root_paths.contains(path.as_path()))
        .enumerate()
        .map(|(i, (path, _))| (path, format!("zigflow_shared{i}")));
    owners.extend(shared);
    owners
}

/// The files in the module of `root`: what it reaches without entering another module.
fn own_files<'a>(tree: &'a Tree, root: &'a Path, owners: &Owners) -> BTreeSet<&'a Path> {
    let mut files = BTreeSet::new();
    let mut waiting = vec![root];
    while let Some(file) = waiting.pop() {
        if files.insert(file) {
            let imports = tree.imports(file).iter().map(|(_, path)| path.as_path());
            waiting.extend(imports.filter(|path| owner(owners, path).is_none()));
        }
    }
    files
}

/// The imports in the module of `root` that lead to the root of another module.
fn file_deps(tree: &Tree, root: &Path, owners: &Owners) -> Result<Vec<(String, String)>, Error> {
    let mut meanings = BTreeMap::<&str, &Path>::new();
    let mut ambiguous = BTreeSet::<&str>::new();
    for file in own_files(tree, root, owners) {
        for (import, path) in tree.imports(file) {
            if *meanings.entry(import).or_insert(path) != path {
                ambiguous.insert(import);
            }
            // Whichever of the meanings leads elsewhere has to be seen below.
            if owner(owners, path).is_some() {
                meanings.insert(import, path);
            }
        }
    }
    // The file at the module's root is in the module already.
    let elsewhere = |path: &Path| {
        if path == root { None } else { owner(owners, path) }
    };
    if let Some(import) = ambiguous.iter().find(|import| elsewhere(meanings[**import]).is_some()) {
        return Err(Error::new(format!(
            "`{import}` means several files among those that `{}` imports, and one of them is \
             shared with another root file. Zig cannot tell them apart there: rename one, or \
             compile the root files in separate calls",
            root.display()
        )));
    }
    Ok(meanings
        .into_iter()
        .filter_map(|(import, path)| Some((import.to_owned(), elsewhere(path)?.clone())))
        .collect())
}

/// A `.zon` file belongs to one module, too, but cannot be one.
fn check_data(tree: &Tree, owners: &Owners) -> Result<(), Error> {
    let mut users = BTreeMap::<&Path, &Path>::new();
    for (root, _) in owners {
        for file in own_files(tree, root, owners).into_iter().filter(|file| !is_zig(file)) {
            if let Some(other) = users.insert(file, root) {
                return Err(Error::new(format!(
                    "`{}` is imported on behalf of `{}` and of `{}`, which Zig does not allow: \
                     import it in one .zig file, and that file in both",
                    file.display(),
                    other.display(),
                    root.display()
                )));
            }
        }
    }
    Ok(())
}

fn owner<'a>(owners: &'a Owners, path: &Path) -> Option<&'a String> {
    owners.iter().find(|(owned, _)| owned == path).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(tree: &Tree, roots: &[&str]) -> Result<Vec<String>, Error> {
        let roots: Vec<Root> = roots.iter().map(|path| Root::new(path.into())).collect();
        planned_roots(tree, &roots)
    }

    fn planned_roots(tree: &Tree, roots: &[Root]) -> Result<Vec<String>, Error> {
        let modules = plan(tree, roots)?;
        Ok(modules
            .iter()
            .map(|Module { name, root, deps }| {
                let deps: Vec<String> = deps
                    .iter()
                    .filter(|(import, _)| import != "zigflow")
                    .map(|(import, module)| format!(" {import}={module}"))
                    .collect();
                format!("{name}: {}{}", root.display(), deps.concat())
            })
            .collect())
    }

    #[test]
    fn what_one_root_reaches_stays_in_its_module() {
        let tree = Tree::of(&[
            ("a.zig", &[("x.zig", "x.zig")]),
            ("x.zig", &[("a.zig", "a.zig")]),
            ("b.zig", &[]),
        ]);
        assert_eq!(
            planned(&tree, &["a.zig", "b.zig"]).unwrap(),
            ["zigflow_user0: a.zig", "zigflow_user1: b.zig"]
        );
    }

    #[test]
    fn what_two_roots_reach_is_a_module_and_so_is_what_that_reaches() {
        let tree = Tree::of(&[
            ("a.zig", &[("x.zig", "x.zig")]),
            ("x.zig", &[("sub/util.zig", "sub/util.zig")]),
            ("b.zig", &[("sub/util.zig", "sub/util.zig")]),
            ("sub/util.zig", &[("deep.zig", "sub/deep.zig")]),
            ("sub/deep.zig", &[("util.zig", "sub/util.zig")]),
        ]);
        assert_eq!(
            planned(&tree, &["a.zig", "b.zig"]).unwrap(),
            [
                "zigflow_user0: a.zig sub/util.zig=zigflow_shared1",
                "zigflow_user1: b.zig sub/util.zig=zigflow_shared1",
                "zigflow_shared0: sub/deep.zig util.zig=zigflow_shared1",
                "zigflow_shared1: sub/util.zig deep.zig=zigflow_shared0",
            ]
        );
    }

    #[test]
    fn a_root_that_another_root_imports_is_its_module() {
        let tree = Tree::of(&[("a.zig", &[("b.zig", "b.zig")]), ("b.zig", &[])]);
        assert_eq!(
            planned(&tree, &["a.zig", "b.zig"]).unwrap(),
            ["zigflow_user0: a.zig b.zig=zigflow_user1", "zigflow_user1: b.zig"]
        );
    }

    #[test]
    fn what_a_rust_file_imports_lies_elsewhere_and_is_a_module() {
        let util = ("util.zig", "src/util.zig");
        let tree = Tree::of(&[
            ("out/1.zig", &[util]),
            ("src/util.zig", &[("deep.zig", "src/deep.zig")]),
            ("src/deep.zig", &[]),
        ]);
        let root = Root { made_from: Some("src/lib.rs".into()), ..Root::new("out/1.zig".into()) };
        assert_eq!(
            planned_roots(&tree, &[root]).unwrap(),
            ["zigflow_user0: out/1.zig util.zig=zigflow_shared0", "zigflow_shared0: src/util.zig",]
        );
    }

    #[test]
    fn one_import_name_for_two_files_is_refused_when_one_of_them_is_shared() {
        let files: &[(&str, &[(&str, &str)])] = &[
            ("a.zig", &[("util.zig", "util.zig"), ("sub/x.zig", "sub/x.zig")]),
            ("sub/x.zig", &[("util.zig", "sub/util.zig")]),
            ("b.zig", &[("util.zig", "util.zig")]),
            ("util.zig", &[]),
            ("sub/util.zig", &[]),
        ];
        let message = planned(&Tree::of(files), &["a.zig", "b.zig"]).unwrap_err().to_string();
        assert!(message.starts_with("`util.zig` means several files"), "{message}");
        assert!(planned(&Tree::of(files), &["a.zig"]).is_ok());
    }

    #[test]
    fn data_that_two_roots_import_goes_through_one_helper() {
        let data = ("data.zon", "data.zon");
        let direct = Tree::of(&[("a.zig", &[data]), ("b.zig", &[data])]);
        let message = planned(&direct, &["a.zig", "b.zig"]).unwrap_err().to_string();
        assert!(message.contains("import it in one .zig file"), "{message}");

        let x = ("x.zig", "x.zig");
        let helped = Tree::of(&[("a.zig", &[x]), ("b.zig", &[x]), ("x.zig", &[data])]);
        planned(&helped, &["a.zig", "b.zig"]).unwrap();
    }
}
