//! Two Zig operations are under way, and the first that is ready wins: by `select!`, by `race`, and all of them by `join`.
//!
//! ```text
//! select [--runtime tokio|smol|async-std|block-on|all]
//! ```

#![forbid(unsafe_code)]

#[path = "../runtime.rs"]
mod runtime;

use std::error::Error;

use zigflow::{ZigFuture, join, race, select};

use crate::runtime::Runtime;

zigflow::zig_future! {
    /// Counts on a thread until `goal`, or until it is canceled.
    fn count_to(goal: u64) -> ZigFuture<u64>;
    /// Ready when no thread counts any more.
    fn all_stopped() -> ZigFuture<()>;
}

const NEVER: u64 = u64::MAX;

fn main() {
    if let Err(error) = run() {
        eprintln!("select: {error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    for runtime in Runtime::of_arguments()? {
        println!("{}:", runtime.name());
        runtime.run(select_operations())?;
        runtime.run(race_and_join())?;
        runtime.run(cancel())?;
    }
    Ok(())
}

/// The one that is ready first decides; the other one is dropped, sees it, and stops.
async fn select_operations() -> Result<(), Box<dyn Error>> {
    select! {
        first = count_to(NEVER) => println!("the first operation won: {}", first?),
        second = count_to(1_000) => println!("the second operation won: {}", second?),
    }
    all_stopped().await?;
    println!("the other one has stopped");
    Ok(())
}

/// Of many of one type: the first result, then all results.
async fn race_and_join() -> Result<(), Box<dyn Error>> {
    println!("the race: {}", race([count_to(NEVER), count_to(10), count_to(NEVER)]).await?);
    all_stopped().await?;
    let all = join([count_to(1), count_to(2), count_to(3)]).await;
    println!("all: {all:?}");
    all_stopped().await?;
    Ok(())
}

/// Whoever wants the result of a canceled operation keeps the future.
async fn cancel() -> Result<(), Box<dyn Error>> {
    let mut counting = count_to(NEVER);
    counting.cancel();
    match (&mut counting).await {
        Err(error) => println!("canceled: {error}"),
        Ok(n) => println!("counted to {n}"),
    }
    assert!(counting.progress() < NEVER);
    all_stopped().await?;
    Ok(())
}
