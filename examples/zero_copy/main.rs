//! Bytes go from Zig through Rust to Zig and stay where they are: Zig fills a block of a pool, Rust changes it in place,
//! Zig writes it out and gives it back. Only 32 bytes for each block go through the channels.
//!
//! ```text
//! zero_copy [--runtime tokio|smol|async-std|block-on|all] [--bytes BYTES] [--batch CHUNKS] [--out FILE] [FILE]
//!
//!   Zig: FILE, or a generated stream        Rust: ROT13, a hash            Zig: FILE, a hash
//!   produce ──── spsc of descriptors ────▶ pass_on ──── spsc of descriptors ────▶ consume
//!      ▲                                                                            │
//!      └──────────────────────────── blocks of the pool ◀──────────────────────────┘
//! ```

#![deny(unsafe_code)]

#[path = "../runtime.rs"]
mod runtime;

mod counting;

use std::error::Error;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::time::Instant;

use futures_lite::StreamExt;
use futures_lite::future::zip;
use zigflow::pool::{Block, ZigPool};
use zigflow::{Pool, ZeroCopyBuffer, ZigError, batch_process, spsc};

use crate::runtime::Runtime;

zigflow::autozig! {
    const std = @import("std");
    const zigflow = @import("zigflow");

    /// Fills blocks from a file, or, without one, with what it makes up, and sends them. Runs on a thread of a pool.
    fn produce(fd: i32, bytes: u64, into: zigflow.spsc.Sender(zigflow.OwnedBytes), pool: zigflow.Pool) !u64 {
        var writer: zigflow.ByteWriter = .init(into, pool);
        errdefer writer.deinit();
        var total: u64 = 0;
        while (total < bytes) {
            // The block itself.
            const room = try writer.reserve();
            const wanted = room[0..@min(room.len, bytes - total)];
            const count = if (fd < 0) generate(wanted, total) else try read(fd, wanted);
            if (count == 0) break;
            writer.commit(count);
            total += count;
        }
        try writer.finish();
        return total;
    }

    fn generate(room: []u8, from: u64) usize {
        const text = "The quick brown fox jumps over the lazy dog. ";
        var at: usize = @intCast(from % text.len);
        var left = room;
        while (left.len > 0) {
            const count = @min(left.len, text.len - at);
            @memcpy(left[0..count], text[at..][0..count]);
            left = left[count..];
            at = 0;
        }
        return room.len;
    }

    fn read(fd: i32, room: []u8) error{ReadFailed}!usize {
        const count = std.c.read(fd, room.ptr, room.len);
        return if (count < 0) error.ReadFailed else @intCast(count);
    }

    const Summary = extern struct { bytes: u64, copied: u64, hash: u64 };

    /// Hashes what comes and writes it to a file, if there is one. Bytes that do not lie in a block of the pool were
    /// copied by somebody.
    fn consume(fd: i32, from: zigflow.spsc.Receiver(zigflow.OwnedBytes), pool: zigflow.Pool) !Summary {
        defer pool.deinit();
        var reader: zigflow.ByteReader = .init(from, &.{});
        defer reader.deinit();
        var summary: Summary = .{ .bytes = 0, .copied = 0, .hash = 0 };
        while (try reader.fill()) |bytes| {
            summary.bytes += bytes.len;
            if (!pool.contains(bytes)) summary.copied += bytes.len;
            summary.hash = std.hash.Wyhash.hash(summary.hash, bytes);
            if (fd >= 0) try write(fd, bytes);
            reader.consume(bytes.len);
        }
        return summary;
    }

    fn write(fd: i32, bytes: []const u8) error{WriteFailed}!void {
        var left = bytes;
        while (left.len > 0) {
            const count = std.c.write(fd, left.ptr, left.len);
            if (count <= 0) return error.WriteFailed;
            left = left[@intCast(count)..];
        }
    }

    /// What Rust has of a chunk, for the comparison.
    fn hashOf(seed: u64, bytes: []const u8) u64 {
        return std.hash.Wyhash.hash(seed, bytes);
    }
    ---
    async fn produce(fd: i32, bytes: u64, into: spsc::ZigSender<ZeroCopyBuffer>, pool: ZigPool) -> Result<u64, ZigError>;
    struct Summary {
        bytes: u64,
        copied: u64,
        hash: u64,
    }
    async fn consume(fd: i32, from: spsc::ZigReceiver<ZeroCopyBuffer>, pool: ZigPool) -> Result<Summary, ZigError>;
    fn hash_of(seed: u64, bytes: &[u8]) -> u64;
}

const BLOCKS: usize = 16;
const BLOCK_BYTES: usize = 64 * 1024;

fn main() {
    if let Err(error) = run() {
        eprintln!("zero_copy: {error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let args = Args::parse()?;
    for runtime in &args.runtimes {
        let start = Instant::now();
        let seen = runtime.run(pipe(&args))?;
        let gigabytes = seen.bytes as f64 / start.elapsed().as_nanos() as f64;
        println!(
            "{}: {} bytes in {} chunks, {} bytes copied, {} allocations in steady state",
            runtime.name(),
            seen.bytes,
            seen.chunks,
            seen.copied,
            seen.allocations
        );
        eprintln!("{}: {gigabytes:.2} GB/s", runtime.name());
    }
    Ok(())
}

/// What came out at the end.
#[derive(Default)]
struct Seen {
    bytes: u64,
    chunks: u64,
    copied: u64,
    /// Of the whole program, in the second half or more of the chunks. (A thread's first sleep is one.)
    allocations: u64,
}

/// All three parts at once; knows nothing of the runtime that polls it.
async fn pipe(args: &Args) -> Result<Seen, Box<dyn Error>> {
    let pool = Pool::new(BLOCKS, BLOCK_BYTES);
    let (to_rust, chunks) = spsc::channel(BLOCKS);
    let (to_zig, written) = spsc::channel(BLOCKS);
    let (input, output) = (args.input.as_ref(), args.output.as_ref());
    let fd = |file: Option<&File>| file.map_or(-1, |file| file.as_raw_fd());
    let producing = produce(fd(input), args.bytes, to_rust.into_zig(), pool.to_zig());
    let consuming = consume(fd(output), written.into_zig(), pool.to_zig());
    let passing = async {
        if args.batch == 0 {
            one_by_one(chunks, to_zig).await
        } else {
            by_batch(chunks, to_zig, args.batch).await
        }
    };
    let (produced, (passed, consumed)) = zip(producing, zip(passing, consuming)).await;
    let (produced, (mut seen, hash), consumed) = (produced?, passed?, consumed?);
    seen.bytes = consumed.bytes;
    seen.copied = consumed.copied;
    if consumed.bytes != produced || consumed.hash != hash {
        return Err("what Zig wrote is not what went through Rust".into());
    }
    Ok(seen)
}

type Chunks = spsc::Receiver<ZeroCopyBuffer>;
type Passed = Result<(Seen, u64), Box<dyn Error>>;

/// Changes each chunk where it lies, and sends it on.
async fn one_by_one(mut chunks: Chunks, mut to_zig: spsc::Sender<ZeroCopyBuffer>) -> Passed {
    let mut work = Work::default();
    while let Some(chunk) = chunks.next().await {
        to_zig.send(work.on(chunk?)?).await?;
    }
    Ok(work.end())
}

/// The same with `batch_process`, which makes a vector for each batch. There are as many places in the channel as blocks, so
/// that it is never full.
async fn by_batch(chunks: Chunks, mut to_zig: spsc::Sender<ZeroCopyBuffer>, size: usize) -> Passed {
    let mut work = Work::default();
    batch_process(chunks, size, |batch| -> Result<(), Box<dyn Error>> {
        for chunk in batch {
            to_zig.try_send(work.on(chunk)?).map_err(|error| error.to_string())?;
        }
        Ok(())
    })
    .await
    .map_err(|error| error.to_string())?;
    Ok(work.end())
}

/// What Rust does with the bytes.
#[derive(Default)]
struct Work {
    seen: Seen,
    hash: u64,
    /// Allocations at the last two chunks whose number was a power of two.
    before: [u64; 2],
}

impl Work {
    fn on(&mut self, chunk: ZeroCopyBuffer) -> Result<ZeroCopyBuffer, Box<dyn Error>> {
        // It is a block, and this is its one owner: so it may be written.
        let mut block = Block::try_from(chunk).map_err(|_| "no block of a pool")?;
        rot13(&mut block);
        self.hash = hash_of(self.hash, &block);
        self.seen.chunks += 1;
        if self.seen.chunks.is_power_of_two() {
            self.before = [self.before[1], counting::allocations()];
        }
        self.seen.allocations = counting::allocations() - self.before[0];
        Ok(block.into())
    }

    fn end(self) -> (Seen, u64) {
        (self.seen, self.hash)
    }
}

fn rot13(bytes: &mut [u8]) {
    for byte in bytes {
        // Without a branch, so that it is done for many at once.
        let letter = (*byte | 0x20).wrapping_sub(b'a');
        let turn = if letter < 13 { 13 } else { 13_u8.wrapping_neg() };
        *byte = byte.wrapping_add(if letter < 26 { turn } else { 0 });
    }
}

struct Args {
    runtimes: Vec<Runtime>,
    bytes: u64,
    batch: usize,
    input: Option<File>,
    output: Option<File>,
}

impl Args {
    fn parse() -> Result<Self, Box<dyn Error>> {
        use lexopt::prelude::*;

        let mut args = Self {
            runtimes: Runtime::ALL.into(),
            bytes: 4 << 30,
            batch: 0,
            input: None,
            output: None,
        };
        let (mut input, mut bytes) = (None, None);
        let mut parser = lexopt::Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("runtime") => args.runtimes = parser.value()?.parse_with(Runtime::named)?,
                Long("bytes") => bytes = Some(parser.value()?.parse()?),
                Long("batch") => args.batch = parser.value()?.parse()?,
                Long("out") => args.output = Some(create(&parser.value()?.string()?)?),
                Value(path) if input.is_none() => input = Some(path.string()?),
                _ => return Err(arg.unexpected().into()),
            }
        }
        if let Some(path) = input {
            if args.runtimes.len() > 1 {
                args.runtimes.truncate(1); // a file is read to its end once
            }
            args.input = Some(File::open(&path).map_err(|error| format!("{path}: {error}"))?);
            args.bytes = u64::MAX;
        }
        args.bytes = bytes.unwrap_or(args.bytes);
        Ok(args)
    }
}

fn create(path: &str) -> Result<File, String> {
    File::create(path).map_err(|error| format!("{path}: {error}"))
}
