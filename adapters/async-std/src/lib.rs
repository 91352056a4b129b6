//! async-std is discontinued (RUSTSEC-2025-0052): new code takes smol. This serves what still runs on it.
//!
//! async-std's timer is async-io's, and so is smol's. There is nothing to adapt twice: the names here
//! are those of `zigflow-smol` with the runtime's name on them, and no async-std is in the dependency
//! tree unless the program brings it.
#![forbid(unsafe_code)]

pub use zigflow_smol::{SmolSleep as AsyncStdSleep, SmolTimer as AsyncStdTimer, retry, timeout};
