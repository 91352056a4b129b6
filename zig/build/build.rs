use crate::names::identifier;
use crate::place::Place;
use crate::{Env, Error, Optimize, Output, job};
use std::path::{Path, PathBuf};

/// One archive: which Zig files, and how to compile them.
///
/// ```no_run
/// zigflow_build::Build::new()
///     .file("zig/parser.zig")
///     .file("zig/reader.zig")
///     .optimize(zigflow_build::Optimize::ReleaseFast)
///     .cpu("x86_64_v3")
///     .compile();
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is compiled before `compile`"]
pub struct Build {
    pub(crate) env: Env,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) name: Option<String>,
    pub(crate) optimize: Option<Optimize>,
    pub(crate) cpu: Option<String>,
    pub(crate) compiler_rt: bool,
    pub(crate) link: bool,
    pub(crate) model: bool,
    pub(crate) modules: Vec<(String, PathBuf)>,
    pub(crate) types: Vec<PathBuf>,
    pub(crate) options: Vec<(String, String)>,
    pub(crate) flags: Vec<String>,
}

impl Default for Build {
    fn default() -> Self {
        Self::new()
    }
}

impl Build {
    /// An archive without files.
    pub fn new() -> Self {
        Self {
            env: Env::process(),
            files: Vec::new(),
            name: None,
            optimize: None,
            cpu: None,
            compiler_rt: false,
            link: true,
            model: false,
            modules: Vec::new(),
            types: Vec::new(),
            options: Vec::new(),
            flags: Vec::new(),
        }
    }

    /// Adds a `.zig` file, or every root file directly in a folder: those that no other one there
    /// imports, except a `build.zig`. Of a Rust file, and of all those in a folder and its folders, it adds the Zig
    /// text of each `autozig!` and `include_zig!`. The path is relative to the package.
    pub fn file(mut self, path: impl AsRef<Path>) -> Self {
        self.files.push(path.as_ref().to_path_buf());
        self
    }

    /// Names the archive. Two archives of one package need two names; without this, the name is
    /// that of the first file.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Chooses Zig's optimize mode. Without this, an unoptimized Cargo profile gets
    /// [`Optimize::Debug`] and any other [`Optimize::ReleaseSafe`].
    pub fn optimize(mut self, mode: Optimize) -> Self {
        self.optimize = Some(mode);
        self
    }

    /// Chooses a CPU and its features, in Zig's words: `x86_64_v3`, `baseline+aes`, `native`.
    /// Without this, the program runs wherever Rust's target does.
    pub fn cpu(mut self, cpu: impl Into<String>) -> Self {
        self.cpu = Some(cpu.into());
        self
    }

    /// Links Zig's own runtime routines, which code with wide integers or 128-bit floats may need.
    /// Its `memcpy`, `memmove` and `memset` may then take the place of the C library's.
    pub fn compiler_rt(mut self, wanted: bool) -> Self {
        self.compiler_rt = wanted;
        self
    }

    /// Whether to tell Cargo to link the archive, which crates with their own `extern "C"` blocks
    /// need. On by default; `zigflow::zig_source!` links it in any case.
    pub fn link(mut self, wanted: bool) -> Self {
        self.link = wanted;
        self
    }

    /// Adds a Zig module that the files can `@import` by its name. It can import `zigflow` and the
    /// other modules.
    pub fn module(mut self, name: impl Into<String>, path: impl AsRef<Path>) -> Self {
        self.modules.push((name.into(), path.as_ref().to_path_buf()));
        self
    }

    /// Adds a Zig module with the equals of Rust types: of each type in the Rust file `path` that has
    /// `#[derive(Transfer)]`. The module has the name of the file: for `src/types.rs`, the Zig files say
    /// `const types = @import("types");`.
    ///
    /// A `#[repr(C)] struct Point` is `pub const Point = extern struct { … };` there, a `#[repr(u8)] enum
    /// Kind` is `pub const Kind = enum(u8) { … };` with the names in Zig's manner (`NotFound` is
    /// `not_found`), and a `#[repr(transparent)]` struct is its field's type. Types of the fields have to
    /// be in the same file, lengths of arrays and values of enums have to be numbers, and nothing of it
    /// may stand under a `#[cfg]`: the text is all that is known here.
    #[cfg(feature = "types")]
    pub fn types(mut self, path: impl AsRef<Path>) -> Self {
        self.types.push(path.as_ref().to_path_buf());
        self
    }

    /// Adds `pub const name = literal;` to the module `zigflow_config`. `literal` is Zig text.
    pub fn option(mut self, name: impl Into<String>, literal: impl Into<String>) -> Self {
        self.options.push((name.into(), literal.into()));
        self
    }

    /// Adds an argument of `zig build-lib`, such as `-fsanitize-thread`.
    pub fn flag(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }

    /// Builds the package `zigflow` for a model checker.
    #[doc(hidden)]
    pub fn model(mut self, wanted: bool) -> Self {
        self.model = wanted;
        self
    }

    /// Sees these variables instead of those of the process.
    #[doc(hidden)]
    pub fn env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// Compiles, and tells Cargo how to link the result and when to do it again.
    ///
    /// On failure the reason is printed as `cargo::error` lines and the build script ends with
    /// exit code 1.
    pub fn compile(&self) -> Output {
        match self.try_compile() {
            Ok(output) => {
                output.print();
                output
            }
            Err(error) => {
                error.print();
                std::process::exit(1);
            }
        }
    }

    /// Compiles and prints nothing: the caller prints the [`Output`] or the [`Error`].
    ///
    /// # Errors
    ///
    /// Where there is no supported Zig, Zig does not know the target, a file is missing, or Zig
    /// finds a mistake in the sources.
    pub fn try_compile(&self) -> Result<Output, Error> {
        job::run(self, &Place::read(&self.env)?)
    }

    /// The archive's name among those of the package, as it may stand in a path and in a symbol.
    pub(crate) fn archive_name(&self) -> Result<String, Error> {
        let first_file = || self.files.first()?.file_stem()?.to_str().map(str::to_owned);
        match self.name.clone().or_else(first_file) {
            Some(name) if !name.is_empty() => Ok(identifier(&name)),
            _ => Err(Error::new("an archive needs a file: `Build::new().file(\"src/lib.zig\")`")),
        }
    }
}
