//! A Zig operation that fails twice is tried again, and one that takes too long is stopped.
//!
//! ```text
//! retry [--runtime tokio|smol|async-std|block-on|all]
//! ```

#![forbid(unsafe_code)]

#[path = "../runtime.rs"]
mod runtime;

use std::error::Error;
use std::time::Duration;

use zigflow::async_std::AsyncStdTimer;
use zigflow::prelude::*;
use zigflow::smol::SmolTimer;
use zigflow::tokio::TokioTimer;

use crate::runtime::Runtime;

zigflow::autozig! {
    const std = @import("std");
    const zigflow = @import("zigflow");

    var calls: std.atomic.Value(i32) = .init(0);
    var stopped: std.atomic.Value(bool) = .init(false);

    /// A thread finds out whether the device is there: at every third call.
    fn zigOperation(done: zigflow.Completion(i32)) !void {
        const thread = try std.Thread.spawn(.{}, ask, .{ done, calls.fetchAdd(1, .monotonic) });
        thread.detach();
    }

    fn ask(done: zigflow.Completion(i32), call: i32) void {
        if (@mod(call, 3) == 2) done.finish(42) else done.finish(error.DeviceBusy);
    }

    /// Works until nobody wants the result any more.
    fn zigLongOperation(done: zigflow.Completion(i32)) !void {
        stopped.store(false, .release);
        const thread = try std.Thread.spawn(.{}, work, .{done});
        thread.detach();
    }

    fn work(done: zigflow.Completion(i32)) void {
        while (!done.isCanceled()) std.Thread.yield() catch {};
        stopped.store(true, .release);
        done.deinit();
    }

    fn hasStopped() bool {
        return stopped.load(.acquire);
    }
    ---
    async fn zig_operation() -> Result<i32, FutureError>;
    async fn zig_long_operation() -> Result<i32, FutureError>;
    fn has_stopped() -> bool;
}

fn main() {
    if let Err(error) = run() {
        eprintln!("retry: {error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    for runtime in Runtime::of_arguments()? {
        println!("{}:", runtime.name());
        match runtime {
            Runtime::Tokio => runtime.run(both(TokioTimer::new()))?,
            Runtime::AsyncStd => runtime.run(both(AsyncStdTimer::new()))?,
            Runtime::Smol | Runtime::BlockOn => runtime.run(both(SmolTimer::new()))?,
        }
    }
    Ok(())
}

async fn both(timer: impl Timer) -> Result<(), Box<dyn Error>> {
    println!("the operation's result: {}", retry_operation(&timer, 3).await?);
    match retry_operation(&timer, 2).await {
        Err(RetryError::MaxRetriesExceeded { last, attempts }) => {
            println!("given up after {attempts} attempts: {last}");
        }
        other => println!("{other:?}"),
    }
    zig_operation().await?; // the third call
    match with_timeout(&timer).await {
        Err(TimeoutError::Elapsed) => println!("the long operation took too long"),
        other => println!("{other:?}"),
    }
    while !has_stopped() {
        timer.sleep(Duration::from_millis(1)).await;
    }
    println!("and it has stopped");
    Ok(())
}

async fn retry_operation(
    timer: &impl Timer,
    max_retries: u32,
) -> Result<i32, RetryError<FutureError>> {
    retry(timer, backoff::linear(Duration::from_millis(20)), zig_operation)
        .max_attempts(max_retries)
        .notify(|failed| {
            let (attempt, error, delay) = (failed.attempt, failed.error, failed.delay);
            println!("attempt {attempt} failed: {error}; the next one comes in {delay:?}");
        })
        .await
}

async fn with_timeout(timer: &impl Timer) -> Result<Result<i32, FutureError>, TimeoutError> {
    timeout(timer, Duration::from_millis(20), zig_long_operation()).await
}
