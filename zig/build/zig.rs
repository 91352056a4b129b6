//! Finds a Zig that is supported.

use crate::targets::Target;
use crate::{Env, Error};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The minor versions of Zig 0 that are supported, and the one to install where there is none.
const SUPPORTED: Supported = Supported { first: 16, last: 17, install: "0.17.1" };

struct Supported {
    first: u32,
    last: u32,
    install: &'static str,
}

#[derive(Debug)]
pub(crate) struct Zig {
    pub(crate) program: PathBuf,
    arguments: Vec<OsString>,
    pub(crate) version: String,
}

impl Zig {
    /// The command in `ZIG` and no other, or else the first supported one of those that are
    /// usually there.
    pub(crate) fn find(env: &Env) -> Result<Self, Error> {
        let candidates = match env.get("ZIG") {
            Some(_) => vec![Candidate::of_variable(env)],
            None => vec![
                Candidate::on_path(env, "zig", &[]),
                Candidate::on_path(env, "python3", &["-m", "ziglang"]),
            ],
        };
        let mut failures = Vec::new();
        for candidate in candidates {
            match candidate.check(env) {
                Ok(zig) => return Ok(zig),
                Err(failure) => failures.push(format!("    {failure}")),
            }
        }
        let Supported { first, last, install } = SUPPORTED;
        Err(Error::new(format!(
            "zigflow needs Zig 0.{first} to 0.{last}. Looked for it here:\n{}\n\
             Install it with `pip install ziglang=={install}`, or set ZIG to the command that runs it",
            failures.join("\n")
        )))
    }

    /// The command's words.
    pub(crate) fn words(&self) -> Vec<OsString> {
        let program = self.program.clone().into_os_string();
        [program].into_iter().chain(self.arguments.iter().cloned()).collect()
    }

    /// Whether the code that this Zig makes without LLVM takes floats from the wrong registers: that of 0.16 does on
    /// `x86_64`, in functions with a C calling convention whose integers fill the registers.
    pub(crate) fn misreads_floats(&self, target: &Target) -> bool {
        minor(&self.version) == Some(16) && target.zig.starts_with("x86_64")
    }

    /// Zig with the variables of `env` and no others.
    pub(crate) fn command(&self, env: &Env) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().envs(env.all());
        command
    }
}

/// A command that may be Zig.
#[derive(Debug, PartialEq, Eq)]
struct Candidate {
    /// For people: where the command comes from.
    origin: String,
    program: Option<PathBuf>,
    arguments: Vec<OsString>,
}

impl Candidate {
    /// `ZIG` is a program's path, which may hold spaces, or a command with arguments.
    fn of_variable(env: &Env) -> Self {
        let value = env.get("ZIG").unwrap_or_default();
        let text = value.to_string_lossy();
        let origin = format!("ZIG={text}");
        if Path::new(value).is_file() {
            return Self {
                origin,
                program: Some(absolute(Path::new(value))),
                arguments: Vec::new(),
            };
        }
        let mut words = text.split_whitespace();
        let program = words.next().and_then(|word| {
            if word.contains(std::path::is_separator) {
                Some(absolute(Path::new(word)))
            } else {
                search(env, word)
            }
        });
        Self { origin, program, arguments: words.map(OsString::from).collect() }
    }

    fn on_path(env: &Env, program: &str, arguments: &[&str]) -> Self {
        Self {
            origin: [&[program], arguments].concat().join(" "),
            program: search(env, program),
            arguments: arguments.iter().map(OsString::from).collect(),
        }
    }

    /// Asks for the version. An `Err` says what is wrong with this candidate.
    fn check(self, env: &Env) -> Result<Zig, String> {
        let Self { origin, program, arguments } = self;
        let program = program.ok_or_else(|| format!("{origin}: not found"))?;
        let mut zig = Zig { program, arguments, version: String::new() };
        let output = zig
            .command(env)
            .arg("version")
            .output()
            .map_err(|error| format!("{origin}: does not run: {error}"))?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr);
            let reason = reason.lines().last().unwrap_or("it says nothing").trim();
            return Err(format!("{origin}: `version` fails: {reason}"));
        }
        zig.version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        match minor(&zig.version) {
            Some(minor) if (SUPPORTED.first..=SUPPORTED.last).contains(&minor) => Ok(zig),
            _ => Err(format!("{origin}: found {} ({})", zig.version, zig.program.display())),
        }
    }
}

/// The minor version of Zig 0.
fn minor(version: &str) -> Option<u32> {
    let mut numbers = version.split('.');
    let major = numbers.next()?;
    let minor = numbers.next()?.parse().ok()?;
    (major == "0" && numbers.next().is_some()).then_some(minor)
}

/// `name` as a shell would find it, so that the message can say which file it is.
fn search(env: &Env, name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(env.get("PATH")?)
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file())
}

/// Zig runs in the package's folder; a relative path means the folder of the build script.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(minor("0.17.1"), Some(17));
        assert_eq!(minor("0.16.0"), Some(16));
        assert_eq!(minor("0.18.0-dev.123+abcdef"), Some(18));
        for wrong in ["", "0.17", "1.16.0", "Python 3.11.2", "0.x.1"] {
            assert_eq!(minor(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_variable_may_hold_arguments() {
        let candidate =
            Candidate::of_variable(&Env::default().with("ZIG", "/opt/python  -m ziglang"));
        assert_eq!(candidate.program, Some("/opt/python".into()));
        assert_eq!(candidate.arguments, ["-m", "ziglang"]);
    }

    #[test]
    fn the_variable_is_the_only_place_when_it_is_set() {
        let env = Env::process().with("ZIG", "no-such-zig");
        let message = Zig::find(&env).unwrap_err().to_string();
        assert!(message.contains("ZIG=no-such-zig: not found"), "{message}");
        assert!(!message.contains("python3"), "{message}");
    }
}
