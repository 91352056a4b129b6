//! Rust and Zig talk through channels, on any runtime: messages from a Zig thread through a channel of tokio's, and
//! jobs for a Zig thread that answers.
//!
//! ```text
//! channel [--runtime tokio|smol|async-std|block-on|all]
//! ```

#![deny(unsafe_code)]

#[path = "../runtime.rs"]
mod runtime;
mod zig;

use std::error::Error;

use futures_lite::future;
use tokio::sync::mpsc;
use zigflow::channel::RecvError;
use zigflow::spsc;
use zigflow::tokio::channel_from_zig;

use crate::runtime::Runtime;

fn main() {
    if let Err(error) = run() {
        eprintln!("channel: {error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    for runtime in Runtime::of_arguments()? {
        println!("{}:", runtime.name());
        runtime.run(messages())?;
        runtime.run(jobs())?;
    }
    Ok(())
}

/// A Zig thread sends, and tokio's receiver is none the wiser. (tokio's channels do not need its runtime.)
async fn messages() -> Result<(), Box<dyn Error>> {
    let (tx, mut rx) = mpsc::channel(100);
    let (sender, pump) = channel_from_zig(tx, 4);
    zig::start_producer(sender, 10);

    let print = async {
        while let Some(message) = rx.recv().await {
            println!("Received: {}", String::from_utf8_lossy(message.text()));
        }
    };
    // Where there is something like `tokio::spawn`, the pump can run there.
    let ((), ended) = future::zip(print, pump).await;
    Ok(ended?) // Zig's reason, if it gave one
}

/// Rust sends jobs to a Zig thread and receives its answers, through zigflow's own channels.
async fn jobs() -> Result<(), Box<dyn Error>> {
    // Two jobs wait at most: a sender that is faster than the worker waits, asleep.
    let (mut jobs, worker_jobs) = spsc::channel(2);
    let (worker_answers, mut answers) = spsc::channel(2);
    zig::start_worker(worker_jobs.into_zig(), worker_answers.into_zig());

    const JOBS: [u64; 5] = [27, 97, 871, 6171, 77031];
    let ask = async move {
        for job in JOBS {
            jobs.send(job).await?;
        }
        Ok::<(), Box<dyn Error>>(()) // `jobs` is dropped, so the worker ends
    };
    let listen = async {
        for job in JOBS {
            println!("{job} takes {} steps", answers.recv().await?);
        }
        match answers.recv().await {
            Err(RecvError::Closed) => Ok(()),
            other => Err(format!("an answer too many: {other:?}").into()),
        }
    };
    future::try_zip(ask, listen).await?;
    Ok(())
}
