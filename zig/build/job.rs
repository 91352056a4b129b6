//! The build of one archive, from the first look at Cargo's variables to the last directive.

use crate::bindings::{self, Bound, Part};
use crate::build::Build;
use crate::command::{Arguments, Generated, Settings};
use crate::modules::{self, Module, Root};
use crate::names::Names;
use crate::place::Place;
use crate::stamp::{Stamp, write_if_changed};
use crate::targets::Target;
use crate::tree::{self, Tree};
use crate::zig::Zig;
use crate::{Error, Optimize, Output, archive, generated, mirror, report, sources};
use std::fs;
use std::path::{Path, PathBuf};

/// The variables that change what is built.
const VARIABLES: [&str; 4] = ["ZIG", "ZIGFLOW_OPTIMIZE", "ZIGFLOW_FLAGS", "DOCS_RS"];

pub(crate) fn run(build: &Build, place: &Place) -> Result<Output, Error> {
    let name = build.archive_name()?;
    let names = Names::new(&place.package, &place.version, &name);
    if build.env.get("DOCS_RS").is_some() {
        return without_zig(place, &name, names.library);
    }
    let target = Target::find(&place.target)?;
    let folder = place.out_dir.join("archives").join(&name);
    let mut roots = roots(build, place)?;
    for root in mirror::write(build, place, &folder)? {
        check_name(root.import_name.as_deref(), &roots)?;
        roots.push(root);
    }
    let root_paths: Vec<PathBuf> = roots.iter().map(|root| root.path.clone()).collect();
    let tree = Tree::read(place, &root_paths);
    let modules = modules::plan(&tree, &roots)?;
    let zig = Zig::find(&build.env)?;

    let archive = folder.join(target.file_name(&names.library));
    let generated = write_generated(build, place, &folder, &names, &modules)?;
    let mut arguments = Arguments::new(&names.library, &archive, place, &build.env);
    arguments.settings(&settings(build, target)?);
    arguments.modules(&generated, &modules);

    let job = Job { build, place, zig: &zig, tree: &tree, arguments: &arguments, folder: &folder };
    let ran_zig = job.run_if_changed(&archive)?;
    let bound = read_bound(&archive, &names.prefix)?;
    let text = bound.text(&names.library, &names.prefix);
    let bindings = bindings::publish(place, &name, Part { roots: root_paths, text })?;

    let mut directives = reruns(build, place, &tree, &zig);
    directives.push(format!("rustc-link-search=native={}", folder.display()));
    if build.link {
        directives.push(format!("rustc-link-lib=static={}", names.library));
    }
    directives.push(format!("rustc-env=ZIGFLOW_SOURCES={}", bindings.display()));
    Ok(Output { library: names.library, archive: Some(archive), bound, directives, ran_zig })
}

/// docs.rs has no Zig, and rustdoc does not look up what function bodies name.
fn without_zig(place: &Place, name: &str, library: String) -> Result<Output, Error> {
    let bindings = bindings::publish(place, name, Part { roots: Vec::new(), text: String::new() })?;
    let directives = vec![
        "rerun-if-env-changed=DOCS_RS".to_owned(),
        format!("rustc-env=ZIGFLOW_SOURCES={}", bindings.display()),
    ];
    Ok(Output { library, directives, ..Output::default() })
}

/// The files to compile, then the modules that they may import by name.
fn roots(build: &Build, place: &Place) -> Result<Vec<Root>, Error> {
    let mut roots: Vec<Root> = Vec::new();
    for file in &build.files {
        for path in tree::roots(place, file)? {
            if roots.iter().all(|root| root.path != path) {
                roots.push(Root { path, import_name: None });
            }
        }
    }
    if roots.is_empty() {
        return Err(Error::new("an archive needs a file: `Build::new().file(\"src/lib.zig\")`"));
    }
    for (name, file) in &build.modules {
        check_name(Some(name), &roots)?;
        for path in tree::roots(place, file)? {
            roots.push(Root { path, import_name: Some(name.clone()) });
        }
    }
    Ok(roots)
}

/// Whether a module may have this name beside the others.
fn check_name(name: Option<&str>, roots: &[Root]) -> Result<(), Error> {
    let name = name.unwrap_or_default();
    let taken = ["root", "std", "builtin"].contains(&name)
        || name.starts_with("zigflow")
        || roots.iter().any(|root| root.import_name.as_deref() == Some(name));
    if taken { Err(Error::new(format!("the module name `{name}` is taken"))) } else { Ok(()) }
}

fn write_generated(
    build: &Build,
    place: &Place,
    folder: &Path,
    names: &Names,
    modules: &[Module],
) -> Result<Generated, Error> {
    let users: Vec<&Module> =
        modules.iter().filter(|module| module.name.starts_with("zigflow_user")).collect();
    let generated = Generated {
        root: folder.join("root.zig"),
        config: folder.join("config.zig"),
        package: sources::unpack(&place.out_dir)?,
    };
    write_if_changed(&generated.root, &generated::root(&users))?;
    write_if_changed(&generated.config, &generated::config(&names.prefix, build))?;
    Ok(generated)
}

fn settings<'a>(build: &'a Build, target: &'static Target) -> Result<Settings<'a>, Error> {
    let further = build.env.text("ZIGFLOW_FLAGS").unwrap_or_default();
    let flags =
        build.flags.iter().cloned().chain(further.split_whitespace().map(str::to_owned)).collect();
    Ok(Settings {
        target,
        optimize: Optimize::choose(&build.env, build.optimize)?,
        cpu: build.cpu.as_deref(),
        compiler_rt: build.compiler_rt,
        flags,
    })
}

struct Job<'a> {
    build: &'a Build,
    place: &'a Place,
    zig: &'a Zig,
    tree: &'a Tree,
    arguments: &'a Arguments,
    folder: &'a Path,
}

impl Job<'_> {
    /// Whether Zig ran.
    fn run_if_changed(&self, archive: &Path) -> Result<bool, Error> {
        let note = self.folder.join("stamp");
        let stamp = self.stamp();
        if archive.is_file() && stamp.matches(&note) {
            return Ok(false);
        }
        let _ = fs::remove_file(&note);
        self.run_zig()?;
        stamp.write(&note)?;
        Ok(true)
    }

    fn stamp(&self) -> Stamp {
        let mut stamp = Stamp::new();
        stamp.text(&self.zig.version);
        for argument in &self.arguments.0 {
            stamp.text(argument);
        }
        for path in self.tree.paths() {
            stamp.text(path);
            stamp.file(&self.place.full(path));
        }
        for name in ["root.zig", "config.zig"] {
            stamp.file(&self.folder.join(name));
        }
        for (_, text) in sources::FILES {
            stamp.text(text);
        }
        stamp
    }

    fn run_zig(&self) -> Result<(), Error> {
        let result = self
            .zig
            .command(&self.build.env)
            .args(&self.arguments.0)
            .current_dir(&self.place.package_dir)
            .output()
            .map_err(|error| Error::new(format!("Zig does not run: {error}")))?;
        if result.status.success() {
            return Ok(());
        }
        let paths = self.tree.paths();
        let is_users = |file: &str| paths.contains(Path::new(file));
        let stderr = self.with_short_names(&String::from_utf8_lossy(&result.stderr));
        let mut lines = report::retell(&stderr, &is_users);
        if lines.is_empty() {
            lines.push(format!("Zig fails without a word: {}", result.status));
        }
        Err(Error::new(lines.join("\n")))
    }

    /// The package's files are `zigflow/source.zig` to people, wherever they were unpacked.
    fn with_short_names(&self, stderr: &str) -> String {
        let unpacked = sources::folder(&self.place.out_dir).join("");
        stderr.replace(&*unpacked.to_string_lossy(), "zigflow/")
    }
}

fn read_bound(archive: &Path, prefix: &str) -> Result<Bound, Error> {
    let unreadable = |why: String| Error::new(format!("cannot read {}: {why}", archive.display()));
    let bytes = fs::read(archive).map_err(|error| unreadable(error.to_string()))?;
    let symbols = archive::symbols(&bytes)
        .ok_or_else(|| unreadable("it is not an archive with an index".into()))?;
    Bound::among(&symbols, prefix)
}

fn reruns(build: &Build, place: &Place, tree: &Tree, zig: &Zig) -> Vec<String> {
    let variables = VARIABLES.iter().map(|name| format!("rerun-if-env-changed={name}"));
    // A new file in a folder is one more to compile.
    let folders = build.files.iter().map(|path| place.normal(path));
    let folders = folders.filter(|path| place.full(path).is_dir());
    // What is written here is younger than the build script's start: it would run again for nothing.
    let written = place.out_dir.join("archives");
    let files = tree.paths().into_iter().filter(|path| !path.starts_with(&written));
    let files =
        files.map(Path::to_path_buf).chain(build.types.iter().map(|path| place.normal(path)));
    // Another Zig in the same place.
    let paths = folders.chain(files).chain([zig.program.clone()]);
    variables.chain(paths.map(|path| format!("rerun-if-changed={}", path.display()))).collect()
}
