use std::path::{Path, PathBuf};

use crate::bindings::Bound;

/// What a build left behind, and what Cargo has to know about it.
#[derive(Clone, Debug, Default)]
pub struct Output {
    pub(crate) library: String,
    pub(crate) archive: Option<PathBuf>,
    pub(crate) bound: Bound,
    pub(crate) directives: Vec<String>,
    pub(crate) ran_zig: bool,
}

impl Output {
    /// The library's name, as it stands in `#[link(name = "…")]`. It differs between packages,
    /// between versions of a package, and between the archives of a package.
    #[must_use]
    pub fn library(&self) -> &str {
        &self.library
    }

    /// The static library. `None` on docs.rs, where nothing is compiled.
    #[must_use]
    pub fn archive(&self) -> Option<&Path> {
        self.archive.as_deref()
    }

    /// The names that the Zig sources gave to `zigflow.source`, sorted.
    #[must_use]
    pub fn sources(&self) -> &[String] {
        &self.bound.sources
    }

    /// The names that the Zig sources gave to `zigflow.future`, sorted.
    #[must_use]
    pub fn futures(&self) -> &[String] {
        &self.bound.futures
    }

    /// The lines that tell Cargo what to link and when to build again.
    #[must_use]
    pub fn directives(&self) -> &[String] {
        &self.directives
    }

    /// Prints the [`directives`](Self::directives). [`Build::compile`](crate::Build::compile) has
    /// done so; after [`Build::try_compile`](crate::Build::try_compile) it is the caller's part.
    pub fn print(&self) {
        for directive in &self.directives {
            println!("cargo::{directive}");
        }
    }

    /// False: nothing had changed since the last build.
    #[doc(hidden)]
    #[must_use]
    pub fn ran_zig(&self) -> bool {
        self.ran_zig
    }
}
