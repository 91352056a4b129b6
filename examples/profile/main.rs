//! Where an item waits: runs a pipeline between Zig and Rust, shows a table meanwhile, and then names the bottleneck.
//!
//! ```text
//! profile [channel|file|pool|future] [--runtime tokio|smol|async-std|block-on] [--items N]
//!         [--capacity N] [--burst N] [--produce MICROSECONDS] [--consume MICROSECONDS] [--hog MILLISECONDS]
//!         [--file PATH] [--html PATH] [--svg PATH] [--json] [--quiet]
//! ```
//!
//! Without arguments: `channel`, on tokio, 100000 items, a capacity of 64, each item 5 microseconds of work on both sides.
//! `channel`: a Zig thread works for each item and sends it, a task receives it and works. `pool`: a task fills blocks of a pool,
//! a Zig thread uses them. `file`: a file that Zig reads. `future`: results from Zig threads. `--hog` has another task beside that
//! keeps the executor for so long at a time.

#![deny(unsafe_code)]

#[path = "../runtime.rs"]
mod runtime;

use std::error::Error;
use std::path::PathBuf;
use std::pin::pin;
use std::thread;
use std::time::{Duration, Instant};

use futures_lite::future;
use zigflow::profile::{Probe, StdClock};
use zigflow::spsc::{self, ZigReceiver, ZigSender};
use zigflow::{ByteStream, FutureError, Pool, ZeroCopyBuffer, ZigError};
use zigflow_report::{Recorder, Report};

use crate::runtime::Runtime;

zigflow::include_zig!("profile.zig", {
    fn work(rounds: u64) -> u64;
    fn produce(sender: ZigSender<u64>, items: u64, rounds: u64, burst: u64)
    -> Result<(), ZigError>;
    fn consume(receiver: ZigReceiver<ZeroCopyBuffer>, rounds: u64) -> Result<u64, ZigError>;
    async fn square(n: u64, rounds: u64) -> Result<u64, FutureError>;
});

zigflow::zig_source! {
    /// A file, by chunks.
    fn file_stream(path: &str, chunk_bytes: u64) -> ByteStream;
}

fn main() {
    let result = Options::of_arguments().map_err(Into::into).and_then(|options| run(&options));
    if let Err(error) = result {
        eprintln!("profile: {error}");
        std::process::exit(1);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Pipeline {
    Channel,
    File,
    Pool,
    Future,
}

struct Options {
    pipeline: Pipeline,
    runtime: Runtime,
    items: u64,
    capacity: usize,
    burst: u64,
    /// Work for an item.
    produce: Duration,
    consume: Duration,
    /// Of the task beside, at a time.
    hog: Duration,
    file: PathBuf,
    html: Option<PathBuf>,
    svg: Option<PathBuf>,
    is_json: bool,
    is_quiet: bool,
}

impl Options {
    fn of_arguments() -> Result<Self, lexopt::Error> {
        use lexopt::prelude::*;

        let mut options = Self {
            pipeline: Pipeline::Channel,
            runtime: Runtime::Tokio,
            items: 100_000,
            capacity: 64,
            burst: 1,
            produce: Duration::from_micros(5),
            consume: Duration::from_micros(5),
            hog: Duration::ZERO,
            file: PathBuf::from("/dev/null"),
            html: None,
            svg: None,
            is_json: false,
            is_quiet: false,
        };
        let micros = |text: &str| text.parse().map(Duration::from_micros);
        let millis = |text: &str| text.parse().map(Duration::from_millis);
        let mut parser = lexopt::Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Value(name) => options.pipeline = name.parse_with(pipeline)?,
                Long("runtime") => {
                    options.runtime = parser.value()?.parse_with(one)?;
                }
                Long("items") => options.items = parser.value()?.parse()?,
                Long("capacity") => options.capacity = parser.value()?.parse_with(not_zero)?,
                Long("burst") => options.burst = parser.value()?.parse_with(not_zero)? as u64,
                Long("produce") => options.produce = parser.value()?.parse_with(micros)?,
                Long("consume") => options.consume = parser.value()?.parse_with(micros)?,
                Long("hog") => options.hog = parser.value()?.parse_with(millis)?,
                Long("file") => options.file = parser.value()?.into(),
                Long("html") => options.html = Some(parser.value()?.into()),
                Long("svg") => options.svg = Some(parser.value()?.into()),
                Long("json") => options.is_json = true,
                Long("quiet") => options.is_quiet = true,
                _ => return Err(arg.unexpected()),
            }
        }
        if options.svg.is_some() && matches!(options.pipeline, Pipeline::File | Pipeline::Future) {
            return Err("this pipeline has no channel for --svg to draw".into());
        }
        Ok(options)
    }
}

fn one(name: &str) -> Result<Runtime, String> {
    match Runtime::named(name)?[..] {
        [runtime] => Ok(runtime),
        _ => Err("one runtime at a time".to_owned()),
    }
}

fn pipeline(name: &str) -> Result<Pipeline, &'static str> {
    match name {
        "channel" => Ok(Pipeline::Channel),
        "file" => Ok(Pipeline::File),
        "pool" => Ok(Pipeline::Pool),
        "future" => Ok(Pipeline::Future),
        _ => Err("pipelines are channel, file, pool and future"),
    }
}

fn not_zero(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must not be 0".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let report = match options.pipeline {
        Pipeline::Channel => channel(options)?,
        Pipeline::File => file(options)?,
        Pipeline::Pool => pool(options)?,
        Pipeline::Future => futures(options)?,
    };
    if let Some(path) = &options.html {
        std::fs::write(path, report.html())?;
    }
    if let Some(path) = &options.svg {
        let channel =
            report.channels.first().ok_or("there is no channel in this pipeline to draw")?;
        std::fs::write(path, channel.svg())?;
    }
    if options.is_json {
        println!("{}", report.json());
        return Ok(());
    }
    for channel in &report.channels {
        println!("{}:\n{}\n{}\n", channel.name, channel.whole, channel.sentence);
    }
    for pool in &report.pools {
        println!("{}:\n{}\n{}\n", pool.name, pool.whole, pool.sentence);
    }
    for probe in &report.probes {
        println!("{}:\n{}\n", probe.name, probe.whole);
    }
    Ok(())
}

fn recorder(options: &Options) -> Recorder {
    if options.is_quiet || options.is_json { Recorder::new() } else { Recorder::new().live() }
}

/// Rounds of [`work`] in a microsecond, on this machine now.
fn rounds_per_micro() -> f64 {
    const ROUNDS: u64 = 2_000_000;
    work(ROUNDS / 10);
    let start = Instant::now();
    work(ROUNDS);
    ROUNDS as f64 / start.elapsed().as_secs_f64() / 1e6
}

fn rounds(time: Duration) -> u64 {
    (rounds_per_micro() * time.as_secs_f64() * 1e6) as u64
}

/// The task beside: it keeps the thread for so long at a time, until `done`, which is polled in between.
async fn beside<T>(hog: Duration, done: impl Future<Output = T>) -> T {
    if hog.is_zero() {
        return done.await;
    }
    let rounds = rounds(hog);
    let hogs = async {
        loop {
            work(rounds);
            future::yield_now().await;
        }
    };
    future::or(done, hogs).await
}

fn channel(options: &Options) -> Result<Report, Box<dyn Error>> {
    let (tx, mut rx, monitor) = spsc::monitored::<u64>(options.capacity, StdClock::new());
    let (items, burst) = (options.items, options.burst);
    let (produces, consumes) = (rounds(options.produce), rounds(options.consume));
    let recording = recorder(options).channel("Zig thread to Rust task", monitor).start();
    let sender = tx.into_zig();
    let producer = thread::spawn(move || produce(sender, items, produces, burst));
    let receive = async {
        let mut expected = 0;
        while let Ok(item) = rx.recv().await {
            assert_eq!(item, expected, "an item is lost");
            expected += 1;
            work(consumes);
        }
        expected
    };
    let received = options.runtime.run(beside(options.hog, receive));
    producer.join().expect("the producer ends")?;
    assert_eq!(received, items, "items are lost");
    Ok(recording.finish())
}

fn pool(options: &Options) -> Result<Report, Box<dyn Error>> {
    let pool = Pool::new(options.capacity, 4096);
    let (mut tx, rx, monitor) =
        spsc::monitored::<ZeroCopyBuffer>(options.capacity, StdClock::new());
    let blocks = pool.monitor(StdClock::new());
    let consumes = rounds(options.consume);
    let produces = rounds(options.produce);
    let recording = recorder(options)
        .channel("Rust task to Zig thread", monitor)
        .pool("the blocks", blocks)
        .start();
    let receiver = rx.into_zig();
    let consumer = thread::spawn(move || consume(receiver, consumes));
    let send = async {
        for n in 0..options.items {
            let mut block = pool.acquire().await;
            work(produces);
            block.fill(n as u8);
            tx.send(block.into()).await.map_err(|_| "the consumer has gone")?;
        }
        drop(tx);
        Ok::<_, &str>(())
    };
    options.runtime.run(beside(options.hog, send))?;
    let bytes = consumer.join().expect("the consumer ends")?;
    assert_eq!(bytes, options.items * 4096, "bytes are lost");
    Ok(recording.finish())
}

fn file(options: &Options) -> Result<Report, Box<dyn Error>> {
    let path = options.file.to_str().ok_or("the path is not UTF-8")?;
    let chunks = Probe::new(StdClock::new());
    let recording = recorder(options).probe("chunks of the file", &chunks).start();
    let consumes = rounds(options.consume);
    let mut stream = file_stream(path, 64 * 1024)?;
    let read = async {
        let mut bytes = 0;
        while let Some(chunk) = chunks.watch(pin!(stream.next_chunk())).await? {
            chunks.record_size(chunk.len());
            bytes += chunk.len();
            work(consumes);
        }
        Ok::<_, zigflow::StreamError>(bytes)
    };
    let bytes = options.runtime.run(beside(options.hog, read))?;
    if !options.is_json {
        println!("{bytes} bytes");
    }
    Ok(recording.finish())
}

fn futures(options: &Options) -> Result<Report, Box<dyn Error>> {
    let squares = Probe::new(StdClock::new());
    let recording = recorder(options).probe("results of Zig threads", &squares).start();
    let produces = rounds(options.produce);
    let ask = async {
        for n in 0..options.items {
            let square = squares.watch(square(n, produces)).await?;
            assert_eq!(square, n * n);
        }
        Ok::<_, FutureError>(())
    };
    options.runtime.run(beside(options.hog, ask))?;
    Ok(recording.finish())
}
