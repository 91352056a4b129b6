//! What zigflow's monitors see, as metrics for Prometheus: `bridge.rs` tells them to the `metrics` crate, and so to any recorder
//! for it. Here it is one that prints them, as a scrape would see them when the work is done.
//!
//! ```text
//! metrics [--readings N]
//!
//!   Zig thread: a sensor ──── channel of blocks ────▶ Rust task, at most so many in a second
//!       ▲                                                        │
//!       └───────────────── blocks of a pool ◀────────────────────┘
//! ```

#![deny(unsafe_code)]

mod bridge;

use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use futures_lite::{StreamExt, future};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use zigflow::pool::ZigPool;
use zigflow::profile::{Probe, StdClock};
use zigflow::time::interval;
use zigflow::tokio::TokioTimer;
use zigflow::{Pool, Quota, RateLimiter, ZeroCopyBuffer, ZigError, spsc};

zigflow::autozig! {
    const zigflow = @import("zigflow");

    /// Sends `readings` blocks, each filled with its number.
    fn sense(readings: u32, into: zigflow.spsc.Sender(zigflow.OwnedBytes), pool: zigflow.Pool) !void {
        defer pool.deinit();
        var tx = into;
        defer tx.deinit();
        for (0..readings) |n| {
            const block = pool.acquireBlocking();
            const bytes = block.slice();
            @memset(bytes, @truncate(n));
            try tx.sendBlocking(block.give(bytes.len));
        }
    }
    ---
    async fn sense(readings: u32, into: spsc::ZigSender<ZeroCopyBuffer>, pool: ZigPool) -> Result<(), ZigError>;
}

fn main() {
    let result = readings().map_err(Into::into).and_then(run);
    if let Err(error) = result {
        eprintln!("metrics: {error}");
        std::process::exit(1);
    }
}

fn readings() -> Result<u32, lexopt::Error> {
    use lexopt::prelude::*;

    let mut readings = 500;
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("readings") => readings = parser.value()?.parse()?,
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(readings)
}

fn run(readings: u32) -> Result<(), Box<dyn Error>> {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let prometheus = PrometheusBuilder::new()
        .set_buckets_for_metric(seconds, &bridge::powers_of_two())?
        .install_recorder()?;

    let (tx, mut rx, channel) = spsc::monitored::<ZeroCopyBuffer>(8, StdClock::new());
    let pool = Pool::new(4, 64);
    let limiter = RateLimiter::new(TokioTimer::new(), Quota::per_second(500).burst(10));
    let sensor = Probe::new(StdClock::new());
    let mut metrics = [
        bridge::channel("readings", channel),
        bridge::pool("blocks", pool.monitor(StdClock::new())),
        bridge::limit("records", limiter.monitor()),
        bridge::probe("sensor", &sensor),
    ];

    let sense = sensor.watch(sense(readings, tx.into_zig(), pool.to_zig()));
    let record = async {
        let mut expected = 0;
        while let Ok(block) = rx.recv().await {
            limiter.until_ready().await;
            assert!(block.iter().all(|byte| *byte == expected as u8), "a reading is lost");
            expected += 1;
        }
        expected
    };
    let work = async {
        let (sensed, recorded) = future::zip(sense, record).await;
        sensed.map(|()| recorded)
    };
    // Here as often as somebody would scrape; what is told does not depend on it.
    let publish = async {
        let mut ticks = pin!(interval(TokioTimer::new(), Duration::from_millis(20)));
        while ticks.next().await.is_some() {
            metrics.iter_mut().for_each(|publish| publish());
        }
        Ok(0)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let recorded = runtime.block_on(future::or(work, publish))?;
    assert_eq!(recorded, readings, "readings are lost");
    metrics.iter_mut().for_each(|publish| publish());
    print!("{}", prometheus.render());
    Ok(())
}
