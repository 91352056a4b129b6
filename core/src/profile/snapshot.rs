//! What a monitor has seen, and what that means.

use core::fmt;
use core::time::Duration;

use super::histogram::{Histogram, Shown};
use crate::channel::Snapshot;

/// Those who waited at one side of a channel, or for the blocks of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Waits {
    /// How long each of them waited until it was woken or gave up, nanoseconds.
    pub wait: Histogram,
    /// How long each of them took to look after it was woken, nanoseconds.
    pub wake_to_poll: Histogram,
    /// For how long somebody waited.
    pub waiting: Duration,
    /// For how long somebody who was woken had not looked yet.
    pub waking: Duration,
    /// How many wait now. (Who waited before anybody watched is in this number alone, until it is woken.)
    pub now_waiting: u32,
}

impl Waits {
    /// Also those who waited before anybody watched.
    pub(super) fn are_at_least(&mut self, waiting: usize) {
        self.now_waiting = self.now_waiting.max(u32::try_from(waiting).unwrap_or(u32::MAX));
    }

    /// What came after `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            wait: self.wait.since(&earlier.wait),
            wake_to_poll: self.wake_to_poll.since(&earlier.wake_to_poll),
            waiting: self.waiting.saturating_sub(earlier.waiting),
            waking: self.waking.saturating_sub(earlier.waking),
            now_waiting: self.now_waiting,
        }
    }
}

/// Two lines, the second under the text of the first.
struct Whole<'a> {
    waits: &'a Waits,
    elapsed: Duration,
}

impl fmt::Display for Whole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Waits { wait, wake_to_poll, waiting, .. } = self.waits;
        let percent = Percent(share(*waiting, self.elapsed).min(1.0));
        writeln!(f, "waits {percent} of the time; {}", time(wait))?;
        write!(f, "            wake to poll {}", time(wake_to_poll))
    }
}

fn time(histogram: &Histogram) -> Shown<'_> {
    Shown { histogram, is_time: true }
}

fn share(part: Duration, whole: Duration) -> f64 {
    if whole.is_zero() { 0.0 } else { part.as_secs_f64() / whole.as_secs_f64() }
}

struct Percent(f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} %", self.0 * 100.0)
    }
}

/// What a channel's [`Monitor`](super::Monitor) has seen, since it began or since an earlier snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MonitorSnapshot {
    /// In which time.
    pub elapsed: Duration,
    /// Items sent.
    pub sent: u64,
    /// Items received.
    pub received: u64,
    /// Items that the sender dropped because there was no room.
    pub dropped: u32,
    /// Items that wait now.
    pub len: usize,
    /// How many items fit.
    pub capacity: usize,
    /// Those who wait for room.
    pub senders: Waits,
    /// Those who wait for items.
    pub receivers: Waits,
    /// How long sampled items waited, nanoseconds. Only of `spsc` channels. (Of others the mean is the usual `len` divided by
    /// [`throughput`](Self::throughput): Little's law.)
    pub queue_wait: Histogram,
    /// How many items waited when a sampled one was taken, itself included. Only of `spsc` channels.
    pub queue_len: Histogram,
}

impl MonitorSnapshot {
    pub(super) fn new(
        elapsed: Duration,
        channel: &Snapshot,
        senders: Waits,
        receivers: Waits,
        (queue_wait, queue_len): (Histogram, Histogram),
    ) -> Self {
        let &Snapshot { sent, received, dropped, len, capacity, .. } = channel;
        Self {
            elapsed,
            sent,
            received,
            dropped,
            len,
            capacity,
            senders,
            receivers,
            queue_wait,
            queue_len,
        }
    }

    /// What came after `earlier`, an earlier snapshot of the same channel; of another one the numbers mean nothing.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            elapsed: self.elapsed.saturating_sub(earlier.elapsed),
            sent: self.sent.saturating_sub(earlier.sent),
            received: self.received.saturating_sub(earlier.received),
            dropped: self.dropped.wrapping_sub(earlier.dropped),
            senders: self.senders.since(&earlier.senders),
            receivers: self.receivers.since(&earlier.receivers),
            queue_wait: self.queue_wait.since(&earlier.queue_wait),
            queue_len: self.queue_len.since(&earlier.queue_len),
            ..*self
        }
    }

    /// Items received in a second.
    pub fn throughput(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.received as f64 / seconds } else { 0.0 }
    }

    /// Who keeps the others waiting. Told from shares of the elapsed time, so from an interval that is long beside a
    /// single wait, and that ends with the work. A side that only tries never waits, so its waits tell nothing of it.
    pub fn bottleneck(&self) -> Bottleneck {
        let of = |part| share(part, self.elapsed).min(1.0);
        let Self { senders, receivers, .. } = self;
        let told = Bottleneck {
            side: None,
            senders_wait: of(senders.waiting),
            receivers_wait: of(receivers.waiting),
            senders_waking: of(senders.waking),
            receivers_waking: of(receivers.waking),
        };
        Bottleneck { side: told.side(self.dropped > 0), ..told }
    }
}

impl Bottleneck {
    /// `drops`: the sender does not wait, and loses items.
    fn side(&self, drops: bool) -> Option<Side> {
        let (senders, receivers) = (self.senders_wait, self.receivers_wait);
        let (senders_late, receivers_late) = (self.senders_waking, self.receivers_waking);
        let starved = |late, waits, other| late > MOST && late > waits && other;
        if starved(receivers_late, receivers, senders > SOME || drops)
            || starved(senders_late, senders, receivers > SOME)
            || senders_late.min(receivers_late) > MOST
        {
            return Some(Side::Executor);
        }
        if senders.min(receivers) > MUCH {
            return Some(Side::Capacity);
        }
        // Who is late while nobody waits for it has time to be late.
        let idle = |waits, late, other| waits + if other > SOME { 0.0 } else { late };
        let senders_idle = idle(senders, senders_late, receivers);
        let receivers_idle = idle(receivers, receivers_late, senders);
        if senders_idle.max(receivers_idle) <= MOST {
            None
        } else if receivers_idle >= senders_idle {
            Some(Side::Sender)
        } else {
            Some(Side::Receiver)
        }
    }
}

/// So much of the time names who is to blame.
const MOST: f64 = 0.3;
/// So much on both sides is a channel in which neither gets far before it waits for the other.
const MUCH: f64 = 0.2;
/// Less of the time is worth no word.
const SOME: f64 = 0.1;

impl fmt::Display for MonitorSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { elapsed, sent, received, len, capacity, .. } = self;
        writeln!(
            f,
            "items       {sent} sent, {received} received in {elapsed:.2?} ({:.0} in a second), {len} of {capacity} wait",
            self.throughput()
        )?;
        for (side, waits) in [("senders  ", &self.senders), ("receivers", &self.receivers)] {
            writeln!(f, "{side}   {}", Whole { waits, elapsed: *elapsed })?;
        }
        writeln!(f, "queue wait  {}", time(&self.queue_wait))?;
        write!(f, "queue len   {}", self.queue_len)
    }
}

/// What a [`PoolMonitor`](super::PoolMonitor) has seen, since it began or since an earlier snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PoolSnapshot {
    /// In which time.
    pub elapsed: Duration,
    /// How many blocks there are.
    pub blocks: usize,
    /// How many are home now.
    pub available: usize,
    /// Those who wait for one.
    pub waits: Waits,
}

impl PoolSnapshot {
    pub(super) fn new(elapsed: Duration, pool: &crate::pool::Snapshot, waits: Waits) -> Self {
        let mut this = Self { elapsed, blocks: pool.blocks, available: pool.available, waits };
        this.waits.are_at_least(pool.waiting);
        this
    }

    /// What came after `earlier`, an earlier snapshot of the same pool; of another one the numbers mean nothing.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            elapsed: self.elapsed.saturating_sub(earlier.elapsed),
            waits: self.waits.since(&earlier.waits),
            ..*self
        }
    }

    /// In which share of the time, from 0 to 1, somebody waited for a block.
    pub fn waiting_share(&self) -> f64 {
        share(self.waits.waiting, self.elapsed).min(1.0)
    }
}

impl fmt::Display for PoolSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { elapsed, blocks, available, waits } = self;
        writeln!(f, "blocks      {available} of {blocks} home, in {elapsed:.2?}")?;
        write!(f, "acquire     {}", Whole { waits, elapsed: *elapsed })
    }
}

/// What a [`LimitMonitor`](super::LimitMonitor) has seen, since it began or since an earlier snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LimitSnapshot {
    /// In which time.
    pub elapsed: Duration,
    /// How many had to wait, and passed.
    pub passed: u64,
    /// How many had to wait, and left before they passed.
    pub gave_up: u64,
    /// How long each of them waited, nanoseconds.
    pub wait: Histogram,
    /// For how long somebody waited.
    pub waiting: Duration,
    /// How many wait now.
    pub now_waiting: usize,
}

impl LimitSnapshot {
    /// What came after `earlier`, an earlier snapshot of the same limiter; of another one the numbers mean nothing.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            elapsed: self.elapsed.saturating_sub(earlier.elapsed),
            passed: self.passed.wrapping_sub(earlier.passed),
            gave_up: self.gave_up.wrapping_sub(earlier.gave_up),
            wait: self.wait.since(&earlier.wait),
            waiting: self.waiting.saturating_sub(earlier.waiting),
            now_waiting: self.now_waiting,
        }
    }

    /// In which share of the time, from 0 to 1, somebody waited.
    pub fn waiting_share(&self) -> f64 {
        share(self.waiting, self.elapsed).min(1.0)
    }
}

impl fmt::Display for LimitSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { elapsed, passed, gave_up, wait, now_waiting, .. } = self;
        writeln!(
            f,
            "limit       after a wait {passed} passed and {gave_up} gave up in {elapsed:.2?}; {now_waiting} wait"
        )?;
        write!(f, "            waits {} of the time; {}", Percent(self.waiting_share()), time(wait))
    }
}

/// Who is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Side {
    /// The receiver waits for it.
    Sender,
    /// The sender waits for it.
    Receiver,
    /// Both wait, in turn: the channel holds too little for the size of their steps.
    Capacity,
    /// Those who were woken do not get to run, and the others wait for them.
    Executor,
}

/// Who keeps the others waiting, and how much. Its text is one sentence.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Bottleneck {
    /// Nobody, if nobody waits for much of the time.
    pub side: Option<Side>,
    /// Shares of the time, from 0 to 1.
    pub senders_wait: f64,
    /// As above.
    pub receivers_wait: f64,
    /// Those in which a sender was woken and had not looked yet.
    pub senders_waking: f64,
    /// As above.
    pub receivers_waking: f64,
}

/// What is not worth a word is none.
struct ToRun(f64);

impl fmt::Display for ToRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < SOME { Ok(()) } else { write!(f, ", and {} to be run", Percent(self.0)) }
    }
}

impl fmt::Display for Bottleneck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let senders = Percent(self.senders_wait);
        let receivers = Percent(self.receivers_wait);
        match self.side {
            Some(Side::Sender) => {
                let to_run = ToRun(self.receivers_waking);
                write!(
                    f,
                    "the receiver waits {receivers} of the time for items{to_run}: the sender is slow"
                )
            }
            Some(Side::Receiver) => {
                let to_run = ToRun(self.senders_waking);
                write!(
                    f,
                    "the sender waits {senders} of the time for room{to_run}: the receiver is slow"
                )
            }
            Some(Side::Capacity) => write!(
                f,
                "the sender waits {senders} of the time for room and the receiver {receivers} for items: the capacity is small"
            ),
            Some(Side::Executor) => {
                let (senders, receivers) = (self.senders_waking, self.receivers_waking);
                let (who, late) =
                    if senders > receivers { ("sender", senders) } else { ("receiver", receivers) };
                let late = Percent(late);
                write!(
                    f,
                    "the {who} waits {late} of the time to be run after it was woken: the executor, or the system, is busy with others"
                )
            }
            None => write!(
                f,
                "nobody waits for long: the sender {senders} of the time, the receiver {receivers}"
            ),
        }
    }
}
