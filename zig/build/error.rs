use core::fmt;

/// Why nothing was compiled, in words for the person at the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    message: String,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    /// Prints the message in the form that Cargo shows as errors of the package.
    pub fn print(&self) {
        for line in self.message.lines() {
            println!("cargo::error={line}");
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for Error {}
