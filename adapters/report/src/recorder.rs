//! A thread that looks now and then.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use zigflow_core::profile::{Monitor, MonitorSnapshot, Probe, ProbeSnapshot};

use crate::table::Table;
use crate::{ChannelReport, ProbeReport, Report, Sample};

type Look<S> = Box<dyn Fn() -> S + Send>;

/// What is to be recorded.
pub struct Recorder {
    channels: Vec<(String, Look<MonitorSnapshot>)>,
    probes: Vec<(String, Look<ProbeSnapshot>)>,
    period: Duration,
    is_live: bool,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let channels: Vec<_> = self.channels.iter().map(|(name, _)| name).collect();
        let probes: Vec<_> = self.probes.iter().map(|(name, _)| name).collect();
        f.debug_struct("Recorder")
            .field("channels", &channels)
            .field("probes", &probes)
            .finish_non_exhaustive()
    }
}

impl Recorder {
    /// Nothing yet, looked at every 20 milliseconds.
    pub fn new() -> Self {
        Self {
            channels: Vec::new(),
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
        self.channels.push((name.into(), Box::new(move || monitor.snapshot())));
        self
    }

    /// What is probed under this name.
    pub fn probe(mut self, name: impl Into<String>, probe: &Probe) -> Self {
        let probe = probe.clone();
        self.probes.push((name.into(), Box::new(move || probe.snapshot())));
        self
    }

    /// How often it looks. What is counted does not depend on it, only how fine the pictures are.
    pub fn period(mut self, period: Duration) -> Self {
        self.period = period.max(Duration::from_millis(1));
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
                    table.show(&tape.latest(), is_over);
                }
                if is_over {
                    return tape.report(&self);
                }
            }
        });
        Recording { stop, recorder }
    }
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

/// One channel's looks so far.
struct Track {
    name: String,
    first: MonitorSnapshot,
    /// As of the last sample, and as of now.
    last: MonitorSnapshot,
    now: MonitorSnapshot,
    samples: Vec<Sample>,
    /// A sample stands for so many looks: the tape is thinned when it is long.
    stride: u32,
    skipped: u32,
}

struct Tape {
    tracks: Vec<Track>,
    probes: Vec<ProbeSnapshot>,
}

/// More points than a picture has pixels are of no use.
const MOST: usize = 4096;

/// What the table shows of a channel.
pub(crate) struct Latest<'a> {
    pub(crate) name: &'a str,
    pub(crate) sample: Sample,
    pub(crate) received: u64,
    pub(crate) capacity: usize,
}

impl Tape {
    fn new(recorder: &Recorder) -> Self {
        let tracks =
            recorder.channels.iter().map(|(name, look)| Track::new(name, look())).collect();
        let probes = recorder.probes.iter().map(|(_, look)| look()).collect();
        Self { tracks, probes }
    }

    fn look(&mut self, recorder: &Recorder) {
        for (track, (_, look)) in self.tracks.iter_mut().zip(&recorder.channels) {
            track.add(look());
        }
    }

    fn latest(&self) -> Vec<Latest<'_>> {
        let of = |track: &Track| track.samples.last().copied();
        let latest = |track| Some((track, of(track)?));
        let tracks = self.tracks.iter().filter_map(latest);
        tracks
            .map(|(track, sample)| Latest {
                name: &track.name,
                sample,
                received: track.now.since(&track.first).received,
                capacity: track.last.capacity,
            })
            .collect()
    }

    fn report(self, recorder: &Recorder) -> Report {
        let channels = self.tracks.into_iter().map(Track::report).collect();
        let probes = recorder.probes.iter().zip(self.probes);
        let probes = probes
            .map(|((name, look), first)| ProbeReport {
                name: name.clone(),
                whole: look().since(&first),
            })
            .collect();
        Report { channels, probes }
    }
}

impl Track {
    fn new(name: &str, first: MonitorSnapshot) -> Self {
        Self {
            name: name.to_owned(),
            first,
            last: first,
            now: first,
            samples: Vec::new(),
            stride: 1,
            skipped: 0,
        }
    }

    fn add(&mut self, now: MonitorSnapshot) {
        self.now = now;
        self.skipped += 1;
        if self.skipped < self.stride {
            return;
        }
        self.sample();
    }

    /// What came since the last one.
    fn sample(&mut self) {
        let now = self.now;
        self.skipped = 0;
        let new = now.since(&self.last);
        if new.elapsed.is_zero() {
            return;
        }
        let bottleneck = new.bottleneck();
        self.samples.push(Sample {
            at: now.since(&self.first).elapsed.as_secs_f64(),
            throughput: new.throughput(),
            len: now.len,
            senders_wait: bottleneck.senders_wait.min(1.0),
            receivers_wait: bottleneck.receivers_wait.min(1.0),
        });
        self.last = now;
        if self.samples.len() >= MOST {
            self.samples = self.samples.chunks(2).map(both).collect();
            self.stride *= 2;
        }
    }

    fn report(mut self) -> ChannelReport {
        self.sample();
        let whole = self.now.since(&self.first);
        let bottleneck = whole.bottleneck();
        ChannelReport {
            name: self.name,
            bottleneck,
            sentence: bottleneck.to_string(),
            whole,
            samples: self.samples,
        }
    }
}

/// Two samples as one; they are of about the same length.
fn both(samples: &[Sample]) -> Sample {
    let mean = |of: fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / samples.len() as f64;
    Sample {
        throughput: mean(|sample| sample.throughput),
        senders_wait: mean(|sample| sample.senders_wait),
        receivers_wait: mean(|sample| sample.receivers_wait),
        ..samples[samples.len() - 1]
    }
}

#[cfg(test)]
mod tests {
    use zigflow_core::spsc;
    use zigflow_core::time::ManualTimer;

    use super::*;

    /// However long the recording, the report has all of it, to its end, and not more points than are of use.
    #[test]
    fn a_long_recording_is_thinned_and_loses_nothing() {
        const LOOKS: u64 = 3 * MOST as u64 + 5;
        let clock = ManualTimer::new();
        let (mut tx, mut rx, monitor) = spsc::monitored::<u64>(4, clock.clone());
        let mut track = Track::new("numbers", monitor.snapshot());
        for n in 0..LOOKS {
            tx.try_send(n).unwrap();
            assert_eq!(rx.try_recv(), Ok(n));
            clock.advance(Duration::from_millis(20));
            track.add(monitor.snapshot());
        }
        let report = track.report();
        assert_eq!((report.whole.sent, report.whole.received), (LOOKS, LOOKS));
        assert!(report.samples.len() < MOST && report.samples.len() > MOST / 4);
        let end = report.samples[report.samples.len() - 1].at;
        assert!((end - LOOKS as f64 * 0.02).abs() < 1e-6, "{end}");
        assert!(report.samples.iter().all(|sample| (sample.throughput - 50.0).abs() < 1e-6));
        assert!(report.samples.is_sorted_by(|one, next| one.at < next.at));
    }

    #[test]
    fn a_clock_that_stands_still_makes_a_report_all_the_same() {
        let (mut tx, _rx, monitor) = spsc::monitored::<u64>(4, ManualTimer::new());
        let mut track = Track::new("numbers", monitor.snapshot());
        tx.try_send(1).unwrap();
        track.add(monitor.snapshot());
        let report = track.report();
        assert_eq!((report.whole.sent, report.samples.len()), (1, 0));
        assert!(report.svg().contains("</svg>"));
    }

    /// Text that looks like HTML stays text.
    #[test]
    fn a_name_is_escaped() {
        let (_tx, _rx, monitor) = spsc::monitored::<u64>(4, ManualTimer::new());
        let report = Recorder::new().channel("<b> & \"c\"", monitor).start().finish();
        let page = report.html();
        assert!(
            page.contains("<h1>&lt;b&gt; &amp; &quot;c&quot;</h1>") && !page.contains("<b>"),
            "{page}"
        );
        assert!(report.json().contains(r#""name": "<b> & \"c\"""#));
    }
}
