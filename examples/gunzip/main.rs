//! Unpacks a gzip file by Zig's standard library, as a stream between two streams, on any runtime.
//!
//! ```text
//! gunzip [--runtime tokio|smol|async-std|block-on] FILE > UNPACKED
//! ```

#![forbid(unsafe_code)]

#[path = "../runtime.rs"]
mod runtime;

use std::error::Error;
use std::io::Write;

use zigflow::channel::{RecvError, StreamForZig, try_messages_to_zig};
use zigflow::spsc::{self, ZigSender};
use zigflow::{ZigError, ZigStream, join};

use crate::runtime::Runtime;

zigflow::include_zig!("gunzip.zig", {
    struct Chunk {
        len: u32,
        bytes: [u8; 4092],
    }

    /// Sends what the bytes of a gzip file hold; how many that were.
    async fn gunzip(
        compressed: StreamForZig<[u8]>,
        into: ZigSender<Chunk>,
    ) -> Result<u64, ZigError>;
});

zigflow::zig_source! {
    /// The bytes of the file at `path`, in chunks of up to `chunk_bytes`.
    fn file_stream(path: &str, chunk_bytes: u64) -> ZigStream<Vec<u8>>;
}

fn main() {
    if let Err(error) = run() {
        eprintln!("gunzip: {error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let (runtime, path) = arguments()?;
    runtime.run(unpack(&path)).map_err(|error| format!("{path}: {error}").into())
}

/// Zig reads one stream and fills another, on a thread of a pool; nothing is held but a few chunks.
async fn unpack(path: &str) -> Result<(), Box<dyn Error>> {
    let compressed = try_messages_to_zig(file_stream(path, 1 << 16)?);
    let (into, mut chunks) = spsc::channel::<Chunk>(8);
    // `move`: the channel closes when the writing ends, be it by an error, and then Zig ends too.
    let writing = async move {
        let mut written = 0;
        loop {
            match chunks.recv().await {
                Ok(chunk) => {
                    let bytes =
                        chunk.bytes.get(..chunk.len as usize).ok_or("a chunk is too long")?;
                    std::io::stdout().write_all(bytes)?;
                    written += u64::from(chunk.len);
                }
                Err(RecvError::Closed) => return Ok(written),
                Err(error) => return Err(Box::<dyn Error>::from(error)),
            }
        }
    };
    let (sent, written) = join((gunzip(compressed, into.into_zig()), writing)).await;
    assert_eq!(sent?, written?, "a chunk was lost");
    std::io::stdout().flush()?;
    Ok(())
}

fn arguments() -> Result<(Runtime, String), lexopt::Error> {
    use lexopt::prelude::*;

    let (mut runtime, mut path) = (Runtime::Tokio, None);
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("runtime") => runtime = parser.value()?.parse_with(Runtime::named)?[0],
            Value(value) if path.is_none() => path = Some(value.string()?),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok((runtime, path.ok_or("gunzip [--runtime RUNTIME] FILE")?))
}
