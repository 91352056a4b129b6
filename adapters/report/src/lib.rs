//! Records what zigflow's monitors and probes see while a program runs, and makes a report of it: for people one HTML
//! file with a sentence that names the bottleneck and pictures over time, for machines JSON.
//!
//! ```
//! use zigflow_core::{profile::StdClock, spsc};
//! use zigflow_report::Recorder;
//!
//! let (mut tx, mut rx, monitor) = spsc::monitored::<u32>(64, StdClock::new());
//! let recorder = Recorder::new().channel("numbers", monitor).start();
//! std::thread::spawn(move || (0..1000).try_for_each(|n| tx.send_blocking(n)));
//! while rx.recv_blocking().is_ok() {}
//! let report = recorder.finish();
//! println!("{}", report.channels[0].sentence);
//! # let path = std::env::temp_dir().join(format!("zigflow-report-{}.html", std::process::id()));
//! std::fs::write(&path, report.html())?;
//! # std::fs::remove_file(path)?;
//! # std::io::Result::Ok(())
//! ```
//!
//! (`zigflow_core` is what `zigflow` re-exports.)
#![forbid(unsafe_code)]

mod html;
mod picture;
mod recorder;
mod table;
mod tape;

pub use recorder::{Recorder, Recording};

use serde::Serialize;
use zigflow_core::profile::{
    Bottleneck, LimitSnapshot, MonitorSnapshot, PoolSnapshot, ProbeSnapshot,
};

/// What was recorded.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// In the order in which they were given to the recorder.
    pub channels: Vec<ChannelReport>,
    /// As above.
    pub pools: Vec<PoolReport>,
    /// As above.
    pub limits: Vec<LimitReport>,
    /// As above.
    pub probes: Vec<ProbeReport>,
}

/// One channel.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ChannelReport {
    /// As the recorder was told.
    pub name: String,
    /// Who keeps the others waiting.
    pub bottleneck: Bottleneck,
    /// That in words.
    pub sentence: String,
    /// All of the recording.
    pub whole: MonitorSnapshot,
    /// One after the other, each the difference to the one before.
    pub samples: Vec<Sample>,
}

/// What happened to a channel between two looks.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct Sample {
    /// When it ended, seconds from the beginning of the recording.
    pub at: f64,
    /// Items received in a second.
    pub throughput: f64,
    /// Items that waited at its end.
    pub len: usize,
    /// The share of the time in which a sender waited for room, from 0 to 1.
    pub senders_wait: f64,
    /// As above, a receiver for items.
    pub receivers_wait: f64,
}

/// One pool.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PoolReport {
    /// As the recorder was told.
    pub name: String,
    /// Whether there are enough blocks, in words.
    pub sentence: String,
    /// All of the recording.
    pub whole: PoolSnapshot,
    /// One after the other, each the difference to the one before.
    pub samples: Vec<PoolSample>,
}

/// What happened to a pool between two looks.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct PoolSample {
    /// When it ended, seconds from the beginning of the recording.
    pub at: f64,
    /// How many blocks were not home at its end.
    pub in_use: usize,
    /// The share of the time in which somebody waited for one, from 0 to 1.
    pub waiting: f64,
}

/// One rate limit.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct LimitReport {
    /// As the recorder was told.
    pub name: String,
    /// How much others wait for it, in words.
    pub sentence: String,
    /// All of the recording.
    pub whole: LimitSnapshot,
}

/// One probe.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ProbeReport {
    /// As the recorder was told.
    pub name: String,
    /// All of the recording.
    pub whole: ProbeSnapshot,
}

impl Report {
    /// For machines: the fields of this type, times in nanoseconds, `Duration`s as serde writes them.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self)
            .unwrap_or_else(|error| format!("{{\"error\": {:?}}}", error.to_string()))
    }

    fn is_empty(&self) -> bool {
        let Self { channels, pools, limits, probes } = self;
        channels.is_empty() && pools.is_empty() && limits.is_empty() && probes.is_empty()
    }

    /// For people: one file that refers to no other.
    pub fn html(&self) -> String {
        html::page(self)
    }
}

impl ChannelReport {
    /// Throughput, queue and waits over time, and how long items waited, as one SVG picture.
    pub fn svg(&self) -> String {
        picture::channel(self)
    }
}

impl PoolReport {
    /// Blocks and waits over time, and how long those waits were, as one SVG picture.
    pub fn svg(&self) -> String {
        picture::pool(self)
    }
}
