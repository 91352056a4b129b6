#[cfg(feature = "mirror")]
use proc_macro2::{LexError, Span};
use std::fmt;

/// What is wrong with a Rust file, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// From 1.
    pub line: usize,
    /// From 1, characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for Mistake {}

#[cfg(feature = "mirror")]
impl Mistake {
    pub(crate) fn at(span: Span, message: impl Into<String>) -> Self {
        let place = span.start();
        Self { line: place.line, column: place.column + 1, message: message.into() }
    }
}

#[cfg(feature = "mirror")]
impl From<syn::Error> for Mistake {
    fn from(error: syn::Error) -> Self {
        Self::at(error.span(), error.to_string())
    }
}

#[cfg(feature = "mirror")]
impl From<LexError> for Mistake {
    fn from(error: LexError) -> Self {
        Self::at(error.span(), "this is no Rust text")
    }
}
