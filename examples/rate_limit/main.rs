//! A client in Zig and a stream in Rust share one limit: together they send no more than it allows.
//!
//! ```text
//! rate_limit [--runtime tokio|smol|async-std|block-on|all]
//! ```

#![forbid(unsafe_code)]

#[path = "../runtime.rs"]
mod runtime;

use std::error::Error;
use std::time::Duration;

use futures_lite::{StreamExt, stream};
use zigflow::async_std::AsyncStdTimer;
use zigflow::limit::{Quota, RateLimiter, ZigRateLimiter};
use zigflow::smol::SmolTimer;
use zigflow::time::Timer;
use zigflow::tokio::TokioTimer;
use zigflow::{ZigError, join, throttle};

use crate::runtime::Runtime;

zigflow::autozig! {
    const zigflow = @import("zigflow");

    /// Sends `requests`, on a thread of its own; returns how many had to wait.
    fn sendFromZig(limiter: zigflow.RateLimiter, requests: u32) !u32 {
        defer limiter.deinit();
        var waited: u32 = 0;
        for (0..requests) |_| {
            if (limiter.tryAcquire()) continue;
            waited += 1;
            try limiter.acquireBlocking(1);
        }
        return waited;
    }
    ---
    async fn send_from_zig(limiter: ZigRateLimiter, requests: u32) -> Result<u32, ZigError>;
}

/// One request in 2 ms, up to five at once.
const QUOTA: Quota = Quota::every(Duration::from_millis(2)).burst(5);
const REQUESTS: u32 = 20;

fn main() {
    if let Err(error) = run() {
        eprintln!("rate_limit: {error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    for runtime in Runtime::of_arguments()? {
        println!("{}:", runtime.name());
        match runtime {
            Runtime::Tokio => runtime.run(send(TokioTimer::new()))?,
            Runtime::AsyncStd => runtime.run(send(AsyncStdTimer::new()))?,
            Runtime::Smol | Runtime::BlockOn => runtime.run(send(SmolTimer::new()))?,
        }
    }
    Ok(())
}

async fn send<T: Timer + Clone + Send + Sync + 'static>(timer: T) -> Result<(), Box<dyn Error>> {
    let start = timer.now();
    let limiter = RateLimiter::new(timer.clone(), QUOTA);
    let ours = throttle(&limiter, stream::iter(0..REQUESTS)).count();
    let (from_rust, waited) = join((ours, send_from_zig(limiter.to_zig(), REQUESTS))).await;
    let waited = waited?;
    let took = timer.now().saturating_duration_since(start);
    // All but the first five have waited for their turn.
    let least = QUOTA.interval() * (2 * REQUESTS - QUOTA.burst_size());
    println!("{} requests from Rust and {REQUESTS} from Zig", from_rust);
    println!("some of Zig's had to wait: {}", waited > 0);
    println!("none came too early: {}", took >= least);
    Ok(())
}
