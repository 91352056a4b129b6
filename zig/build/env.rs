use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The environment variables that a build sees, and hands to Zig.
///
/// A value and not the process's own variables, so that tests can build side by side.
#[doc(hidden)]
#[derive(Clone, Debug, Default)]
pub struct Env {
    vars: BTreeMap<OsString, OsString>,
}

impl Env {
    /// The variables of this process.
    #[must_use]
    pub fn process() -> Self {
        Self { vars: std::env::vars_os().collect() }
    }

    /// The same, with one variable changed.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.vars.insert(name.into(), value.into());
        self
    }

    /// The same, without one variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.vars.remove(OsStr::new(name));
        self
    }

    /// An empty value counts as none: `ZIG= cargo build` is how a shell unsets a variable.
    pub(crate) fn get(&self, name: &str) -> Option<&OsStr> {
        let matches = |known: &OsStr| {
            if cfg!(windows) { known.eq_ignore_ascii_case(name) } else { known == name }
        };
        self.vars
            .iter()
            .find(|(known, value)| matches(known) && !value.is_empty())
            .map(|(_, value)| value.as_os_str())
    }

    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.to_string_lossy().into_owned())
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.vars.iter()
    }
}
