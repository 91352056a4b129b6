//! smol's timer for zigflow.
#![forbid(unsafe_code)]
