//! What was seen so far, look by look.

use std::time::Duration;

use zigflow_core::profile::{LimitSnapshot, MonitorSnapshot, PoolSnapshot, ProbeSnapshot};

use crate::recorder::{Look, Recorder};
use crate::{ChannelReport, LimitReport, PoolReport, PoolSample, ProbeReport, Report, Sample};

/// What a look sees: something that can tell what has come since another look.
pub(crate) trait Seen: Copy {
    fn since(&self, earlier: &Self) -> Self;
    fn elapsed(&self) -> Duration;
}

macro_rules! seen {
    ($($snapshot:ty)*) => {$(
        impl Seen for $snapshot {
            fn since(&self, earlier: &Self) -> Self {
                self.since(earlier)
            }

            fn elapsed(&self) -> Duration {
                self.elapsed
            }
        }
    )*};
}
seen!(MonitorSnapshot PoolSnapshot LimitSnapshot ProbeSnapshot);

/// What also goes into a picture.
pub(crate) trait Sampled: Seen {
    type Sample: Copy;

    /// Of a difference between two looks; its end is `at` seconds.
    fn sample(&self, at: f64) -> Self::Sample;

    /// Two samples of about the same length as one.
    fn both(one: &Self::Sample, next: &Self::Sample) -> Self::Sample;
}

fn mean(one: f64, next: f64) -> f64 {
    (one + next) / 2.0
}

impl Sampled for MonitorSnapshot {
    type Sample = Sample;

    fn sample(&self, at: f64) -> Sample {
        let bottleneck = self.bottleneck();
        Sample {
            at,
            throughput: self.throughput(),
            len: self.len,
            senders_wait: bottleneck.senders_wait,
            receivers_wait: bottleneck.receivers_wait,
        }
    }

    fn both(one: &Sample, next: &Sample) -> Sample {
        Sample {
            at: next.at,
            throughput: mean(one.throughput, next.throughput),
            len: next.len,
            senders_wait: mean(one.senders_wait, next.senders_wait),
            receivers_wait: mean(one.receivers_wait, next.receivers_wait),
        }
    }
}

impl Sampled for PoolSnapshot {
    type Sample = PoolSample;

    fn sample(&self, at: f64) -> PoolSample {
        let in_use = self.blocks.saturating_sub(self.available);
        PoolSample { at, in_use, waiting: self.waiting_share() }
    }

    fn both(one: &PoolSample, next: &PoolSample) -> PoolSample {
        PoolSample { waiting: mean(one.waiting, next.waiting), ..*next }
    }
}

/// More points than a picture has pixels are of no use.
const MOST: usize = 4096;

/// One channel's or pool's looks so far.
pub(crate) struct Track<S: Sampled> {
    pub(crate) name: String,
    first: S,
    /// As of the last sample, and as of now.
    last: S,
    now: S,
    pub(crate) samples: Vec<S::Sample>,
    /// A sample stands for so many looks: the tape is thinned when it is long.
    stride: u32,
    skipped: u32,
}

impl<S: Sampled> Track<S> {
    fn new(name: &str, first: S) -> Self {
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

    fn add(&mut self, now: S) {
        self.now = now;
        self.skipped += 1;
        if self.skipped >= self.stride {
            self.sample();
        }
    }

    /// What came since the last one.
    fn sample(&mut self) {
        self.skipped = 0;
        let new = self.now.since(&self.last);
        if new.elapsed().is_zero() {
            return;
        }
        self.samples.push(new.sample(self.whole().elapsed().as_secs_f64()));
        self.last = self.now;
        if self.samples.len() >= MOST {
            let pairs = self.samples.chunks(2);
            self.samples = pairs.map(|pair| S::both(&pair[0], &pair[pair.len() - 1])).collect();
            self.stride *= 2;
        }
    }

    /// All of the recording.
    pub(crate) fn whole(&self) -> S {
        self.now.since(&self.first)
    }
}

pub(crate) struct Tape {
    pub(crate) channels: Vec<Track<MonitorSnapshot>>,
    pub(crate) pools: Vec<Track<PoolSnapshot>>,
    /// As of the beginning.
    limits: Vec<LimitSnapshot>,
    probes: Vec<ProbeSnapshot>,
}

fn tracks<S: Sampled>(looks: &[Look<S>]) -> Vec<Track<S>> {
    looks.iter().map(|Look { name, look }| Track::new(name, look())).collect()
}

fn add<S: Sampled>(tracks: &mut [Track<S>], looks: &[Look<S>]) {
    for (track, Look { look, .. }) in tracks.iter_mut().zip(looks) {
        track.add(look());
    }
}

fn firsts<S: Seen>(looks: &[Look<S>]) -> Vec<S> {
    looks.iter().map(|Look { look, .. }| look()).collect()
}

fn since<S: Seen>(looks: &[Look<S>], firsts: &[S]) -> impl Iterator<Item = (String, S)> {
    let looks = looks.iter().zip(firsts);
    looks.map(|(Look { name, look }, first)| (name.clone(), look().since(first)))
}

impl Tape {
    pub(crate) fn new(recorder: &Recorder) -> Self {
        Self {
            channels: tracks(&recorder.channels),
            pools: tracks(&recorder.pools),
            limits: firsts(&recorder.limits),
            probes: firsts(&recorder.probes),
        }
    }

    pub(crate) fn look(&mut self, recorder: &Recorder) {
        add(&mut self.channels, &recorder.channels);
        add(&mut self.pools, &recorder.pools);
    }

    pub(crate) fn report(self, recorder: &Recorder) -> Report {
        let limits = since(&recorder.limits, &self.limits);
        let probes = since(&recorder.probes, &self.probes);
        Report {
            channels: self.channels.into_iter().map(channel).collect(),
            pools: self.pools.into_iter().map(pool).collect(),
            limits: limits.map(limit).collect(),
            probes: probes.map(|(name, whole)| ProbeReport { name, whole }).collect(),
        }
    }
}

fn channel(mut track: Track<MonitorSnapshot>) -> ChannelReport {
    track.sample();
    let whole = track.whole();
    let bottleneck = whole.bottleneck();
    ChannelReport {
        name: track.name,
        bottleneck,
        sentence: bottleneck.to_string(),
        whole,
        samples: track.samples,
    }
}

/// So much of the time without a block is much.
const MUCH: f64 = 0.3;

fn pool(mut track: Track<PoolSnapshot>) -> PoolReport {
    track.sample();
    let whole = track.whole();
    let share = whole.waiting_share();
    let mut sentence = format!("somebody waits for a block {:.0} % of the time", share * 100.0);
    if share > MUCH {
        sentence += ": there are too few, or they are kept for long";
    }
    PoolReport { name: track.name, sentence, whole, samples: track.samples }
}

fn limit((name, whole): (String, LimitSnapshot)) -> LimitReport {
    let percent = whole.waiting_share() * 100.0;
    let sentence = format!("somebody waits for the limit {percent:.0} % of the time");
    LimitReport { name, sentence, whole }
}

#[cfg(test)]
mod tests {
    use zigflow_core::time::ManualTimer;
    use zigflow_core::{Pool, Quota, RateLimiter, spsc};

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
        let report = channel(track);
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
        let report = channel(track);
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

    /// A pool whose only block is taken, on a clock that the test moves.
    #[test]
    fn a_pool_that_is_too_small_is_named_and_drawn() {
        let clock = ManualTimer::new();
        let pool = Pool::new(1, 64);
        let monitor = pool.monitor(clock.clone());
        let mut track = Track::new("blocks", monitor.snapshot());
        let block = pool.try_acquire().unwrap();
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let mut wait = std::pin::pin!(pool.acquire());
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        for _ in 0..2 * MOST {
            clock.advance(Duration::from_millis(1));
            track.add(monitor.snapshot());
        }
        drop(block);
        let report = super::pool(track);
        assert!(report.sentence.starts_with("somebody waits for a block 100 %"), "{report:?}");
        assert!(report.samples.len() < MOST && report.samples.len() > MOST / 4);
        assert!(report.samples.iter().all(|sample| sample.in_use == 1 && sample.waiting == 1.0));
        let picture = report.svg();
        for text in ["Blocks", "in use", "waiting for a block", "% of the time", "time (s)"] {
            assert!(picture.contains(text), "{text}: {picture}");
        }
    }

    #[test]
    fn all_that_is_recorded_is_in_the_report() {
        let clock = ManualTimer::new();
        let limiter = RateLimiter::new(clock.clone(), Quota::per_second(1).burst(1));
        let recorder = Recorder::new()
            .limit("calls", limiter.monitor())
            .pool("blocks", Pool::new(2, 64).monitor(clock.clone()));
        let recording = recorder.start();
        assert!(limiter.check().is_ok());
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let mut wait = std::pin::pin!(limiter.until_ready());
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        clock.advance(Duration::from_secs(1));
        assert!(wait.as_mut().poll(&mut cx).is_ready());
        let report = recording.finish();
        assert_eq!(
            (report.limits[0].whole.passed, report.limits[0].whole.waiting_share()),
            (1, 1.0)
        );
        assert_eq!(report.pools[0].whole.blocks, 2);
        let (page, json) = (report.html(), report.json());
        for name in ["calls", "blocks"] {
            assert!(page.contains(&format!("<h1>{name}</h1>")), "{page}");
            assert!(json.contains(&format!(r#""name": "{name}""#)), "{json}");
        }
        assert!(page.contains("after a wait 1 passed and 0 gave up"), "{page}");
        assert_eq!(report.limits[0].sentence, "somebody waits for the limit 100 % of the time");
        assert!(page.contains(&report.limits[0].sentence), "{page}");
    }
}
