//! Reads a file through a Zig source, as a stream of bytes that are never copied, on any runtime.
//!
//! ```text
//! file_stream [--runtime tokio|smol|async-std|block-on|all] [--chunk BYTES] FILE
//! ```

#![forbid(unsafe_code)]

#[path = "../runtime.rs"]
mod runtime;

use std::error::Error;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sha2::{Digest, Sha256};
use zigflow::ByteStream;

use crate::runtime::Runtime;

zigflow::zig_source! {
    /// The bytes of the file at `path`, in chunks of up to `chunk_bytes`.
    fn file_stream(path: &str, chunk_bytes: u64) -> ByteStream;
}

fn main() {
    if let Err(error) = run() {
        eprintln!("file_stream: {error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let args = Args::parse()?;
    let mut rows = Vec::new();
    for runtime in &args.runtimes {
        rows.push(runtime.run(read(&args.path, args.chunk_bytes, runtime.name()))?);
    }
    print_table(&rows);
    Ok(())
}

/// Reads the file once; knows nothing of the runtime that polls it.
async fn read(path: &str, chunk_bytes: u64, runtime: &'static str) -> Result<Row, Box<dyn Error>> {
    let bar = progress_bar(path, runtime);
    let start = Instant::now();
    let mut stream = file_stream(path, chunk_bytes).map_err(|e| format!("{path}: {e}"))?;
    let mut hash = Sha256::new();
    let (mut bytes, mut chunks) = (0, 0);
    while let Some(chunk) = stream.next_chunk().await.map_err(|e| format!("{path}: {e}"))? {
        hash.update(chunk);
        bytes += chunk.len() as u64;
        chunks += 1;
        bar.set_position(bytes);
    }
    bar.finish_and_clear();
    let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Row { runtime, bytes, chunks, time: start.elapsed(), sha256 })
}

struct Args {
    runtimes: Vec<Runtime>,
    chunk_bytes: u64,
    path: String,
}

impl Args {
    fn parse() -> Result<Self, lexopt::Error> {
        use lexopt::prelude::*;

        let mut args =
            Self { runtimes: Runtime::ALL.into(), chunk_bytes: 64 * 1024, path: String::new() };
        let mut parser = lexopt::Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("runtime") => args.runtimes = parser.value()?.parse_with(Runtime::named)?,
                Long("chunk") => args.chunk_bytes = parser.value()?.parse()?,
                Value(path) if args.path.is_empty() => args.path = path.string()?,
                _ => return Err(arg.unexpected()),
            }
        }
        if args.path.is_empty() {
            return Err("name a file: file_stream [--runtime NAME] [--chunk BYTES] FILE".into());
        }
        Ok(args)
    }
}

struct Row {
    runtime: &'static str,
    bytes: u64,
    chunks: u64,
    time: Duration,
    sha256: String,
}

fn print_table(rows: &[Row]) {
    let [a, b, c, d, e] = ["runtime", "bytes", "chunks", "seconds", "MiB/s"];
    println!("{a:<10} {b:>13} {c:>9} {d:>9} {e:>8}  sha256");
    for Row { runtime, bytes, chunks, time, sha256 } in rows {
        let seconds = time.as_secs_f64();
        let rate = *bytes as f64 / (1024.0 * 1024.0) / seconds;
        println!("{runtime:<10} {bytes:>13} {chunks:>9} {seconds:>9.3} {rate:>8.0}  {sha256}");
    }
}

/// Drawn on a terminal only.
fn progress_bar(path: &str, runtime: &'static str) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(10)
    } else {
        ProgressDrawTarget::hidden()
    };
    // Pipes and devices have no length.
    let len = std::fs::metadata(path).ok().map(|file| file.len()).filter(|len| *len > 0);
    let bar = ProgressBar::with_draw_target(len, target);
    let style = ProgressStyle::with_template("{prefix:>10} {wide_bar} {bytes}/{total_bytes}");
    bar.set_style(style.expect("the template is valid"));
    bar.set_prefix(runtime);
    bar
}
