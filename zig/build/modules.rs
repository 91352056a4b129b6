//! How the user's files become Zig modules.
//!
//! In Zig a file belongs to one module, yet two roots may import the same helper. So a file that
//! several roots reach becomes a module of its own, and an import of it is answered with that
//! module: a dependency may be named `util.zig`, and Zig asks the dependencies first.

use crate::Error;
use crate::tree::Tree;
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

/// A root file and the name that the user gave to it as a module, if any.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub(crate) path: PathBuf,
    pub(crate) import_name: Option<String>,
}

/// The modules of the user's files. Those without an import name come first, in their order, as
/// `zigflow_user0` and so on.
pub(crate) fn plan(tree: &Tree, roots: &[Root]) -> Result<Vec<Module>, Error> {
    let owners = owners(tree, roots);
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

/// The name of the module that each root and each shared file is the root of.
fn owners(tree: &Tree, roots: &[Root]) -> Vec<(PathBuf, String)> {
    let mut owners: Vec<(PathBuf, String)> = Vec::new();
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
    let shared = reached_by
        .into_iter()
        .filter(|(path, count)| *count > 1 && !root_paths.contains(path.as_path()))
        .enumerate()
        .map(|(i, (path, _))| (path, format!("zigflow_shared{i}")));
    owners.extend(shared);
    owners
}

/// The imports in the module of `root` that lead to the root of another module.
fn file_deps(
    tree: &Tree,
    root: &Path,
    owners: &[(PathBuf, String)],
) -> Result<Vec<(String, String)>, Error> {
    let owner = |path: &Path| owners.iter().find(|(owned, _)| owned == path).map(|(_, name)| name);
    let mut meanings = BTreeMap::<&str, &Path>::new();
    let mut ambiguous = BTreeSet::<&str>::new();
    let mut seen = BTreeSet::new();
    let mut waiting = vec![root];
    while let Some(file) = waiting.pop() {
        if !seen.insert(file) {
            continue;
        }
        for (import, path) in tree.imports(file) {
            if *meanings.entry(import).or_insert(path) != path {
                ambiguous.insert(import);
            }
            if owner(path).is_none() {
                waiting.push(path);
            }
        }
    }
    // The file at the module's root is in the module already.
    let elsewhere = |path: &Path| if path == root { None } else { owner(path) };
    if let Some(import) = ambiguous.iter().find(|import| elsewhere(meanings[**import]).is_some()) {
        return Err(Error::new(format!(
            "`{import}` means several files among those that `{}` imports, and one of them is shared with \
             another root file. Zig cannot tell them apart there: rename one, or compile the root files \
             in separate calls",
            root.display()
        )));
    }
    Ok(meanings
        .into_iter()
        .filter_map(|(import, path)| Some((import.to_owned(), elsewhere(path)?.clone())))
        .collect())
}
