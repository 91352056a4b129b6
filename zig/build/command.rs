//! The command line of `zig build-lib`.

use crate::modules::Module;
use crate::place::Place;
use crate::targets::Target;
use crate::{Env, Optimize};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The files that are not the user's.
#[derive(Debug)]
pub(crate) struct Generated {
    pub(crate) root: PathBuf,
    pub(crate) config: PathBuf,
    pub(crate) package: PathBuf,
}

/// How to compile, apart from what.
#[derive(Debug)]
pub(crate) struct Settings<'a> {
    pub(crate) target: &'a Target,
    pub(crate) optimize: Optimize,
    pub(crate) cpu: Option<&'a str>,
    pub(crate) compiler_rt: bool,
    /// Code by LLVM without optimization, too.
    pub(crate) llvm: bool,
    /// Further flags, last, so that they win.
    pub(crate) flags: Vec<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Arguments(pub(crate) Vec<OsString>);

impl Arguments {
    pub(crate) fn new(library: &str, archive: &Path, place: &Place, env: &Env) -> Self {
        let mut arguments = Self::default();
        arguments.add(["build-lib", "--color", "off", "--name", library]);
        arguments.add([joined("-femit-bin=", archive)]);
        arguments.caches(place, env);
        arguments
    }

    /// The command that runs the tests of a module.
    pub(crate) fn for_tests(place: &Place, env: &Env) -> Self {
        let mut arguments = Self::default();
        arguments.add(["test", "--color", "off"]);
        arguments.caches(place, env);
        arguments
    }

    fn caches(&mut self, place: &Place, env: &Env) {
        let arguments = self;
        // Beside a build.zig, Zig would put its cache into the user's sources.
        arguments.add([OsString::from("--cache-dir"), place.out_dir.join("cache").into()]);
        if !has_global_cache(env) {
            arguments.add([
                OsString::from("--global-cache-dir"),
                place.out_dir.join("global-cache").into(),
            ]);
        }
    }

    /// They stand before the first module, the root, and the other modules inherit them.
    pub(crate) fn settings(&mut self, settings: &Settings<'_>) {
        let target = settings.target;
        self.add(["-target", target.zig, "-mcpu", settings.cpu.unwrap_or(target.cpu)]);
        self.add(["-O", settings.optimize.name()]);
        if target.hosted {
            self.add(["-lc"]);
        }
        // Zig's compiler-rt holds weak memcpy, memmove and memset that would replace the C
        // library's in the whole program.
        self.add([if settings.compiler_rt { "-fcompiler-rt" } else { "-fno-compiler-rt" }]);
        self.add(["-fno-stack-check", "-fno-stack-protector"]);
        if settings.llvm {
            self.add(["-fllvm"]);
        }
        self.add(target.flags);
        self.add(&settings.flags);
    }

    pub(crate) fn modules(&mut self, generated: &Generated, users: &[Module]) {
        self.add(["--dep", "zigflow"]);
        for module in users {
            self.add(["--dep", &module.name]);
        }
        self.add([joined("-Mroot=", &generated.root)]);
        self.further_modules(generated, users.iter());
    }

    /// `root`, with the imports of `module`, is what is tested.
    pub(crate) fn modules_of_tests(
        &mut self,
        generated: &Generated,
        users: &[Module],
        module: &Module,
        root: &Path,
    ) {
        self.deps_of(module);
        self.add([joined("-Mroot=", root)]);
        // Zig refuses a module that nobody imports.
        let mut imported: Vec<&Module> = vec![module];
        let mut next = 0;
        while let Some(importer) = imported.get(next) {
            let names = importer.deps.iter().map(|(_, name)| name);
            let new: Vec<&Module> = names
                .filter_map(|name| users.iter().find(|other| other.name == *name))
                .filter(|other| imported.iter().all(|known| known.name != other.name))
                .collect();
            imported.extend(new);
            next += 1;
        }
        self.further_modules(generated, imported.into_iter().skip(1));
    }

    fn further_modules<'a>(
        &mut self,
        generated: &Generated,
        users: impl Iterator<Item = &'a Module>,
    ) {
        for module in users {
            self.deps_of(module);
            self.add([joined(&format!("-M{}=", module.name), &module.root)]);
        }
        self.add(["--dep", "zigflow_config"]);
        self.add([joined("-Mzigflow=", &generated.package)]);
        self.add([joined("-Mzigflow_config=", &generated.config)]);
    }

    fn deps_of(&mut self, module: &Module) {
        for (import, name) in &module.deps {
            self.add(["--dep".to_owned(), format!("{import}={name}")]);
        }
    }

    fn add<T: Into<OsString>>(&mut self, arguments: impl IntoIterator<Item = T>) {
        self.0.extend(arguments.into_iter().map(Into::into));
    }
}

fn joined(flag: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(flag);
    argument.push(path);
    argument
}

/// Whether Zig finds a place for what all its builds share. A sandbox may name a home that does
/// not exist.
fn has_global_cache(env: &Env) -> bool {
    if ["ZIG_GLOBAL_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"]
        .iter()
        .any(|name| env.get(name).is_some())
    {
        return true;
    }
    env.path("HOME").is_some_and(|home| home.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_that_does_not_exist_is_no_home() {
        assert!(!has_global_cache(&Env::default()));
        assert!(!has_global_cache(&Env::default().with("HOME", "/homeless-shelter")));
        assert!(has_global_cache(&Env::default().with("HOME", env!("CARGO_MANIFEST_DIR"))));
        assert!(has_global_cache(&Env::default().with("ZIG_GLOBAL_CACHE_DIR", "/cache")));
    }
}
