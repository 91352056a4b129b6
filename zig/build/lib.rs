//! The build-script helper of zigflow.
#![forbid(unsafe_code)]
