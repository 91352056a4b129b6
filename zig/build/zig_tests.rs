//! The tests in Zig text: for each block that has some, the command that runs them, which a Rust test executes.

use crate::blocks::Block;
use crate::command::{Arguments, Generated, Settings};
use crate::modules::Module;
use crate::place::Place;
use crate::zig::Zig;
use crate::{Env, Error, stamp};
use std::path::Path;

/// Writes the commands below `folder`, and returns the lines that tell the macros where.
pub(crate) fn write(
    blocks: &[Block],
    modules: &[Module],
    zig: &Zig,
    (settings, generated): (&Settings<'_>, &Generated),
    (place, env): (&Place, &Env),
    folder: &Path,
) -> Result<String, Error> {
    let mut lines = String::new();
    for block in blocks {
        let Some(root) = &block.tests else { continue };
        // A file is a module itself; what is made from the block has the imports of its image.
        let of = |path: &Path| modules.iter().find(|module| module.root == path);
        let Some(module) = of(root).or_else(|| of(&block.root.path)) else { continue };
        let mut arguments = Arguments::for_tests(place, env);
        arguments.settings(settings);
        arguments.modules_of_tests(generated, modules, module, root);
        let rust_file = block.root.made_from.as_deref().unwrap_or(root);
        let words =
            [place.package_dir.as_path(), root, rust_file].map(|path| path.as_os_str().to_owned());
        let words = words.into_iter().chain(zig.words()).chain(arguments.0);
        let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
        let path = folder.join("blocks").join(format!("{}.test", block.hash));
        stamp::write_if_changed(&path, &words.join("\n"))?;
        lines += &format!("test {} {}\n", block.hash, path.display());
    }
    Ok(lines)
}
