//! The build of one archive, from the first look at Cargo's variables to the last directive.

use crate::bindings::{self, Bound, Part};
use crate::blocks::{self, Block, Mistake};
use crate::build::Build;
use crate::command::{Arguments, Generated, Settings};
use crate::modules::{self, Module, Root};
use crate::names::Names;
use crate::place::Place;
use crate::report::Retold;
use crate::stamp::{Stamp, write_if_changed};
use crate::targets::Target;
use crate::tree::{self, Tree};
use crate::zig::Zig;
use crate::{Error, Optimize, Output, archive, generated, mirror, report, sources, zig_tests};
use std::fs;
use std::path::Path;

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
    let (mut blocks, mut is_called) = (Vec::<Block>::new(), false);
    for path in &build.files {
        is_called |= blocks::write(place, &names, path, &folder, &mut blocks)?;
    }
    let mut roots = roots(build, place, &blocks)?;
    if roots.is_empty() && is_called {
        return not_well_formed(build, place, &name, names.library);
    }
    if roots.is_empty() {
        return Err(nothing_to_compile(build, place));
    }
    for root in mirror::write(build, place, &folder)? {
        check_name(root.import_name.as_deref(), &roots)?;
        roots.push(root);
    }
    let tree = Tree::read(place, &roots);
    let modules = modules::plan(&tree, &roots)?;
    let zig = Zig::find(&build.env)?;

    let archive = folder.join(target.file_name(&names.library));
    let generated = write_generated(build, place, &folder, &names, &modules)?;
    let mut arguments = Arguments::new(&names.library, &archive, place, &build.env);
    let settings = settings(build, target, &zig)?;
    arguments.settings(&settings);
    arguments.modules(&generated, &modules);

    let job = Job {
        build,
        place,
        zig: &zig,
        tree: &tree,
        arguments: &arguments,
        folder: &folder,
        blocks: &blocks,
    };
    let Done { ran_zig, mistakes } = job.run_if_changed(&archive)?;
    let symbols = read_symbols(&archive)?;
    let bound = Bound::among(&symbols, &names.prefix)?;
    let tests = zig_tests::write(
        &blocks,
        &modules,
        &zig,
        // A program of its own: what an archive leaves to Rust's, it needs itself.
        (&Settings { optimize: Optimize::Debug, compiler_rt: true, ..settings }, &generated),
        (place, &build.env),
        &folder,
    )?;
    let hashes: Vec<String> = blocks.iter().map(|block| block.hash.clone()).collect();
    let part = Part {
        roots: roots.into_iter().map(|root| root.made_from.unwrap_or(root.path)).collect(),
        text: bound.text(&names.library, &names.prefix),
        blocks: bindings::blocks(&hashes, &names.library, &names.prefix, &symbols)
            + &bindings::mistakes(&mistakes)
            + &tests,
    };
    let bindings = bindings::publish(place, &name, part)?;

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
    let part = Part { blocks: "docs\n".to_owned(), ..Part::default() };
    let bindings = bindings::publish(place, name, part)?;
    let directives = vec![
        "rerun-if-env-changed=DOCS_RS".to_owned(),
        format!("rustc-env=ZIGFLOW_SOURCES={}", bindings.display()),
    ];
    Ok(Output { library, directives, ..Output::default() })
}

/// All that there is are calls of the macros which are not well formed: what is wrong with them the macros tell.
fn not_well_formed(
    build: &Build,
    place: &Place,
    name: &str,
    library: String,
) -> Result<Output, Error> {
    let bindings = bindings::publish(place, name, Part::default())?;
    let paths = build.files.iter().map(|path| place.normal(path));
    let mut directives: Vec<String> =
        paths.map(|path| format!("rerun-if-changed={}", path.display())).collect();
    directives.push(format!("rustc-env=ZIGFLOW_SOURCES={}", bindings.display()));
    Ok(Output { library, directives, ..Output::default() })
}

/// The files to compile, then the modules that they may import by name.
fn roots(build: &Build, place: &Place, blocks: &[Block]) -> Result<Vec<Root>, Error> {
    let mut roots: Vec<Root> = Vec::new();
    for file in &build.files {
        for path in tree::roots(place, file)? {
            if roots.iter().all(|root| root.path != path) {
                roots.push(Root::new(path));
            }
        }
    }
    roots.extend(blocks.iter().map(|block| block.root.clone()));
    if roots.is_empty() {
        return Ok(roots);
    }
    for (name, file) in &build.modules {
        check_name(Some(name), &roots)?;
        for path in tree::roots(place, file)? {
            roots.push(Root { import_name: Some(name.clone()), ..Root::new(path) });
        }
    }
    Ok(roots)
}

fn nothing_to_compile(build: &Build, place: &Place) -> Error {
    match build.files.first().map(|path| place.normal(path)) {
        None => Error::new("an archive needs a file: `Build::new().file(\"src/lib.zig\")`"),
        Some(path) if tree::is_rust(&path) => Error::new(format!(
            "there is no `autozig!` and no `include_zig!` in `{}`",
            path.display()
        )),
        Some(path) => Error::new(format!(
            "there is no .zig file in the folder `{}`, and no Rust file with `autozig!` or `include_zig!`",
            path.display()
        )),
    }
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

fn settings<'a>(
    build: &'a Build,
    target: &'static Target,
    zig: &Zig,
) -> Result<Settings<'a>, Error> {
    let further = build.env.text("ZIGFLOW_FLAGS").unwrap_or_default();
    let flags =
        build.flags.iter().cloned().chain(further.split_whitespace().map(str::to_owned)).collect();
    Ok(Settings {
        target,
        optimize: Optimize::choose(&build.env, build.optimize)?,
        cpu: build.cpu.as_deref(),
        compiler_rt: build.compiler_rt,
        llvm: zig.misreads_floats(target),
        flags,
    })
}

/// What came of it.
struct Done {
    ran_zig: bool,
    /// In blocks: for the macros to report. The archive is without these blocks.
    mistakes: Vec<Mistake>,
}

struct Job<'a> {
    build: &'a Build,
    place: &'a Place,
    zig: &'a Zig,
    tree: &'a Tree,
    arguments: &'a Arguments,
    folder: &'a Path,
    blocks: &'a [Block],
}

impl Job<'_> {
    fn run_if_changed(&self, archive: &Path) -> Result<Done, Error> {
        let note = self.folder.join("stamp");
        let stamp = self.stamp();
        if archive.is_file() && stamp.matches(&note) {
            return Ok(Done { ran_zig: false, mistakes: Vec::new() });
        }
        let _ = fs::remove_file(&note);
        let mistakes = self.run_zig()?;
        // With mistakes it is made again, to tell them again.
        if mistakes.is_empty() {
            stamp.write(&note)?;
        }
        Ok(Done { ran_zig: true, mistakes })
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

    /// Runs Zig until it has compiled all that it can: without the blocks that have mistakes.
    fn run_zig(&self) -> Result<Vec<Mistake>, Error> {
        let mut mistakes = Vec::new();
        loop {
            let told = self.run_zig_once()?;
            let block = |told: &Retold| {
                let file = self.place.normal(Path::new(&told.at.as_ref()?.file));
                self.blocks.iter().find(|block| block.root.path == file)
            };
            if told.iter().any(|told| block(told).is_none()) {
                let before = mistakes.iter().map(|Mistake { told, .. }| told);
                let lines: Vec<String> =
                    before.chain(&told).map(|told| self.readable(&told.to_string())).collect();
                return Err(Error::new(lines.join("\n")));
            }
            if told.is_empty() {
                return Ok(mistakes);
            }
            for told in told {
                let Some(block) = block(&told) else { continue };
                write_if_changed(&self.place.full(&block.root.path), "")?;
                let text = self.readable(&told.text);
                mistakes.push(block.mistake(told, text));
            }
        }
    }

    /// What is wrong, if it is not compiled.
    fn run_zig_once(&self) -> Result<Vec<Retold>, Error> {
        let result = self
            .zig
            .command(&self.build.env)
            .args(&self.arguments.0)
            .current_dir(&self.place.package_dir)
            .output()
            .map_err(|error| Error::new(format!("Zig does not run: {error}")))?;
        if result.status.success() {
            return Ok(Vec::new());
        }
        let paths = self.tree.paths();
        let is_users = |file: &str| paths.contains(&*self.place.normal(Path::new(file)));
        let told = report::retell(&String::from_utf8_lossy(&result.stderr), &is_users);
        if told.is_empty() {
            return Err(Error::new(format!("Zig fails without a word: {}", result.status)));
        }
        Ok(told)
    }

    /// The package's files are `zigflow/source.zig` to people, wherever they were unpacked, and what was made from a
    /// Rust file is that file.
    fn readable(&self, text: &str) -> String {
        let unpacked = self.place.normal(&sources::folder(&self.place.out_dir)).join("");
        let mut text = text.replace(&*unpacked.to_string_lossy(), "zigflow/");
        for Block { root, .. } in self.blocks {
            if let Some(file) = &root.made_from {
                text = text.replace(&*root.path.to_string_lossy(), &file.to_string_lossy());
            }
        }
        text
    }
}

fn read_symbols(archive: &Path) -> Result<Vec<String>, Error> {
    let unreadable = |why: String| Error::new(format!("cannot read {}: {why}", archive.display()));
    let bytes = fs::read(archive).map_err(|error| unreadable(error.to_string()))?;
    archive::symbols(&bytes).ok_or_else(|| unreadable("it is not an archive with an index".into()))
}

fn reruns(build: &Build, place: &Place, tree: &Tree, zig: &Zig) -> Vec<String> {
    let variables = VARIABLES.iter().map(|name| format!("rerun-if-env-changed={name}"));
    // A new file in a folder is one more to compile.
    let folders = build.files.iter().map(|path| place.normal(path));
    let folders = folders.filter(|path| place.full(path).is_dir() || tree::is_rust(path));
    // What is written here is younger than the build script's start: it would run again for nothing.
    let written = place.out_dir.join("archives");
    let files = tree.paths().into_iter().filter(|path| !path.starts_with(&written));
    let files =
        files.map(Path::to_path_buf).chain(build.types.iter().map(|path| place.normal(path)));
    // Another Zig in the same place.
    let paths = folders.chain(files).chain([zig.program.clone()]);
    variables.chain(paths.map(|path| format!("rerun-if-changed={}", path.display()))).collect()
}
