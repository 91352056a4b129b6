//! What monitors and probes see, told to whatever recorder the program has installed for the `metrics` crate. Each value of a histogram is
//! recorded again when it is told, so a recorder that keeps values until it is asked (Prometheus's does) should be asked, or its
//! `run_upkeep` called, about as often.

use metrics::{Counter, Gauge, Label, counter, gauge, histogram};
use zigflow::profile::{
    Histogram, LimitMonitor, Monitor, MonitorSnapshot, PoolMonitor, Probe, Waits,
};
use zigflow::time::Clock;

/// Tells the recorder what has come since it was told last. To be called when somebody asks for the metrics, or now and then.
pub(crate) type Publish = Box<dyn FnMut() + Send>;

pub(crate) fn channel<T: Send + 'static>(name: &'static str, monitor: Monitor<T>) -> Publish {
    let labels = [Label::from_static_parts("channel", name)];
    let [sent, received, dropped] = ["sent", "received", "dropped"]
        .map(|what| counter!(format!("zigflow_channel_{what}_total"), labels.iter()));
    let len = gauge!("zigflow_channel_len", labels.iter());
    gauge!("zigflow_channel_capacity", labels.iter()).set(monitor.snapshot().capacity as f64);
    let sides = ["sender", "receiver"].map(|side| [("channel", name), ("side", side)]);
    let mut waits = sides.map(|labels| WaitsOf::new("zigflow_channel", &labels));
    let mut queue_wait =
        HistogramOf::new("zigflow_channel_queue_wait_seconds", &[("channel", name)]);
    let mut before = MonitorSnapshot::default();
    Box::new(move || {
        let now = monitor.snapshot();
        sent.absolute(now.sent);
        received.absolute(now.received);
        // This one wraps.
        dropped.increment(now.since(&before).dropped.into());
        before = now;
        len.set(now.len as f64);
        waits[0].publish(&now.senders);
        waits[1].publish(&now.receivers);
        queue_wait.publish(&now.queue_wait);
    })
}

pub(crate) fn pool(name: &'static str, monitor: PoolMonitor) -> Publish {
    let labels = [("pool", name)];
    let available = gauge!("zigflow_pool_available", &labels);
    gauge!("zigflow_pool_blocks", &labels).set(monitor.snapshot().blocks as f64);
    let mut waits = WaitsOf::new("zigflow_pool", &labels);
    Box::new(move || {
        let now = monitor.snapshot();
        available.set(now.available as f64);
        waits.publish(&now.waits);
    })
}

pub(crate) fn limit<T>(name: &'static str, monitor: LimitMonitor<T>) -> Publish
where
    T: Clock + Send + Sync + 'static,
{
    let labels = [("limit", name)];
    let [passed, gave_up] = ["passed", "gave_up"].map(
        |outcome| counter!("zigflow_limit_waits_total", "limit" => name, "outcome" => outcome),
    );
    let waiting_nanos = counter!("zigflow_limit_waiting_nanoseconds_total", &labels);
    let waiting = gauge!("zigflow_limit_waiting", &labels);
    let mut wait = HistogramOf::new("zigflow_limit_wait_seconds", &labels);
    Box::new(move || {
        let now = monitor.snapshot();
        passed.absolute(now.passed);
        gave_up.absolute(now.gave_up);
        waiting_nanos.absolute(now.waiting.as_nanos() as u64);
        waiting.set(now.now_waiting as f64);
        wait.publish(&now.wait);
    })
}

pub(crate) fn probe(name: &'static str, probe: &Probe) -> Publish {
    let labels = [("probe", name)];
    let probe = probe.clone();
    let ready = counter!("zigflow_probe_ready_total", &labels);
    let waiting = gauge!("zigflow_probe_waiting", &labels);
    let [mut poll, mut wait, mut wake_to_poll] = ["poll", "wait", "wake_to_poll"]
        .map(|what| HistogramOf::new(&format!("zigflow_probe_{what}_seconds"), &labels));
    Box::new(move || {
        let now = probe.snapshot();
        ready.absolute(now.ready);
        waiting.set(now.now_waiting);
        poll.publish(&now.poll);
        wait.publish(&now.wait);
        wake_to_poll.publish(&now.wake_to_poll);
    })
}

type Labels<'a> = &'a [(&'static str, &'static str)];

struct WaitsOf {
    wait: HistogramOf,
    wake_to_poll: HistogramOf,
    waiting_nanos: Counter,
    now_waiting: Gauge,
}

impl WaitsOf {
    fn new(what: &str, labels: Labels<'_>) -> Self {
        Self {
            wait: HistogramOf::new(&format!("{what}_wait_seconds"), labels),
            wake_to_poll: HistogramOf::new(&format!("{what}_wake_to_poll_seconds"), labels),
            waiting_nanos: counter!(format!("{what}_waiting_nanoseconds_total"), labels),
            now_waiting: gauge!(format!("{what}_waiting"), labels),
        }
    }

    fn publish(&mut self, now: &Waits) {
        self.wait.publish(&now.wait);
        self.wake_to_poll.publish(&now.wake_to_poll);
        self.waiting_nanos.absolute(now.waiting.as_nanos() as u64);
        self.now_waiting.set(now.now_waiting);
    }
}

/// Nanoseconds of ours as a recorder's seconds. Each value comes as the upper end of its bucket: a recorder whose buckets are
/// [`powers_of_two`] counts it where it belongs, and its sum is at most twice the true one. (A wait of more than 39 hours counts as 39.)
struct HistogramOf {
    recorder: metrics::Histogram,
    before: Histogram,
}

impl HistogramOf {
    fn new(name: &str, labels: Labels<'_>) -> Self {
        Self { recorder: histogram!(name.to_owned(), labels), before: Histogram::new() }
    }

    fn publish(&mut self, now: &Histogram) {
        for (lower, _, count) in now.since(&self.before).buckets() {
            let upper = (2 * lower).saturating_sub(1); // of the last one, which has no end, too
            self.recorder.record_many(upper as f64 * 1e-9, count as usize);
        }
        self.before = *now;
    }
}

/// The upper ends of the buckets from 128 ns to a minute, in seconds.
pub(crate) fn powers_of_two() -> Vec<f64> {
    (7..=36).map(|bits| ((1_u64 << bits) - 1) as f64 * 1e-9).collect()
}
