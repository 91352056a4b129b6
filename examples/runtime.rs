//! The runtimes on which each example runs; a module of all of them.

/// What polls an example.
#[derive(Clone, Copy)]
pub(crate) enum Runtime {
    Tokio,
    Smol,
    AsyncStd,
    /// A bare `block_on`; async-io's own thread is its timer.
    BlockOn,
}

impl Runtime {
    pub(crate) const ALL: [Self; 4] = [Self::Tokio, Self::Smol, Self::AsyncStd, Self::BlockOn];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tokio => "tokio",
            Self::Smol => "smol",
            Self::AsyncStd => "async-std",
            Self::BlockOn => "block-on",
        }
    }

    /// The runtime of this name, or all.
    ///
    /// # Errors
    ///
    /// No runtime has the name; the text tells which there are.
    pub(crate) fn named(name: &str) -> Result<Vec<Self>, String> {
        if name == "all" {
            return Ok(Self::ALL.into());
        }
        let found = Self::ALL.into_iter().find(|runtime| runtime.name() == name);
        let names = Self::ALL.map(Self::name).join(", ");
        found.map(|runtime| vec![runtime]).ok_or_else(|| format!("runtimes are {names} and all"))
    }

    /// The runtimes that the program was asked for by its one option, `--runtime`; all, if it was not.
    ///
    /// # Errors
    ///
    /// Another argument, or no such runtime.
    #[allow(dead_code)] // not by an example with more options
    pub(crate) fn of_arguments() -> Result<Vec<Self>, lexopt::Error> {
        use lexopt::prelude::*;

        let mut runtimes = Self::ALL.into();
        let mut parser = lexopt::Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("runtime") => runtimes = parser.value()?.parse_with(Self::named)?,
                _ => return Err(arg.unexpected()),
            }
        }
        Ok(runtimes)
    }

    /// Runs `future` to its end on this thread.
    pub(crate) fn run<T>(self, future: impl Future<Output = T>) -> T {
        match self {
            Self::Tokio => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
                runtime.expect("tokio's runtime starts").block_on(future)
            }
            Self::Smol => smol::block_on(future),
            Self::AsyncStd => async_std::task::block_on(future),
            Self::BlockOn => futures_lite::future::block_on(future),
        }
    }
}
