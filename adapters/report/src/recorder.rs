//! A thread that looks now and then.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use zigflow_core::profile::{
    LimitMonitor, LimitSnapshot, Monitor, MonitorSnapshot, PoolMonitor, PoolSnapshot, Probe,
    ProbeSnapshot,
};
use zigflow_core::time::Clock;

use crate::Report;
use crate::table::Table;
use crate::tape::Tape;

/// What is looked at, and its name.
pub(crate) struct Look<S> {
    pub(crate) name: String,
    pub(crate) look: Box<dyn Fn() -> S + Send>,
}

impl<S> std::fmt::Debug for Look<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.name.fmt(f)
    }
}

/// What is to be recorded.
#[derive(Debug)]
pub struct Recorder {
    pub(crate) channels: Vec<Look<MonitorSnapshot>>,
    pub(crate) pools: Vec<Look<PoolSnapshot>>,
    pub(crate) limits: Vec<Look<LimitSnapshot>>,
    pub(crate) probes: Vec<Look<ProbeSnapshot>>,
    period: Duration,
    is_live: bool,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// Nothing yet, looked at every 20 milliseconds.
    pub fn new() -> Self {
        Self {
            channels: Vec::new(),
            pools: Vec::new(),
            limits: Vec::new(),
            probes: Vec::new(),
            period: Duration::from_millis(20),
            is_live: false,
        }
    }

    /// A channel of this name.
    pub fn channel<T: Send + 'static>(
        mut self,
        name: impl Into<String>,
        monitor: Monitor<T>,
    ) -> Self {
        self.channels.push(look(name, move || monitor.snapshot()));
        self
    }

    /// A pool of this name.
    pub fn pool(mut self, name: impl Into<String>, monitor: PoolMonitor) -> Self {
        self.pools.push(look(name, move || monitor.snapshot()));
        self
    }

    /// A rate limit of this name.
    pub fn limit<T>(mut self, name: impl Into<String>, monitor: LimitMonitor<T>) -> Self
    where
        T: Clock + Send + Sync + 'static,
    {
        self.limits.push(look(name, move || monitor.snapshot()));
        self
    }

    /// What is probed under this name.
    pub fn probe(mut self, name: impl Into<String>, probe: &Probe) -> Self {
        let probe = probe.clone();
        self.probes.push(look(name, move || probe.snapshot()));
        self
    }

    /// How often it looks, at most once in a millisecond and at least once in an hour. What is counted does not depend on it, only
    /// how fine the pictures are.
    pub fn period(mut self, period: Duration) -> Self {
        self.period = period.clamp(Duration::from_millis(1), Duration::from_secs(3600));
        self
    }

    /// Shows a table on standard error meanwhile: in place if that is a terminal, else now and then.
    pub fn live(mut self) -> Self {
        self.is_live = true;
        self
    }

    /// Starts to record.
    pub fn start(self) -> Recording {
        let (stop, stopped) = channel::<()>();
        // Here, so that nothing happens before it.
        let mut tape = Tape::new(&self);
        let recorder = thread::spawn(move || {
            let mut table = self.is_live.then(Table::new);
            let mut next = Instant::now();
            loop {
                // From the plan, so that looks do not drift; but not two at once after a stop.
                next = (next + self.period).max(Instant::now());
                let wait = next.saturating_duration_since(Instant::now());
                let is_over = !matches!(stopped.recv_timeout(wait), Err(RecvTimeoutError::Timeout));
                tape.look(&self);
                if let Some(table) = &mut table {
                    table.show(&tape, is_over);
                }
                if is_over {
                    return tape.report(&self);
                }
            }
        });
        Recording { stop, recorder }
    }
}

fn look<S>(name: impl Into<String>, look: impl Fn() -> S + Send + 'static) -> Look<S> {
    Look { name: name.into(), look: Box::new(look) }
}

/// A recording that runs.
#[derive(Debug)]
pub struct Recording {
    stop: Sender<()>,
    recorder: JoinHandle<Report>,
}

impl Recording {
    /// Ends it.
    ///
    /// # Panics
    ///
    /// If a clock or an item's drop has panicked in the recorder.
    pub fn finish(self) -> Report {
        drop(self.stop);
        self.recorder.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}
