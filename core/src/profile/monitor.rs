//! What a channel keeps of its waits and items, and those who look at it.

use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::time::Duration;

use super::events::Resource;
use super::snapshot::{MonitorSnapshot, PoolSnapshot, Waits};
use super::{Histogram, SharedClock, Watch, shared};
use crate::abi::{EndKind, Flavor, RawChannel, RawMpmc};
use crate::channel::Snapshot;
use crate::lock::Lock;
use crate::pool::Pool;
use crate::ring::position::{advance, distance};
use crate::ring::release;
use crate::sync::Arc;
use crate::sync::atomic::AtomicU32;
use crate::time::{Clock, Instant};

/// What a monitored channel has beside its memory. The channel owns it.
pub(crate) struct Profile {
    /// Sent, received and dropped before.
    before: (u64, u64, u32),
    pub(crate) senders: Arc<Watch>,
    pub(crate) receivers: Arc<Watch>,
    /// The position of the item that is sampled, with a flag; 0: none.
    sampled: AtomicU32,
    /// The sender samples no item before this position.
    due: AtomicU32,
    queue: Lock<Queue>,
}

struct Queue {
    /// When the sampled item was sent.
    at: Instant,
    wait: Histogram,
    len: Histogram,
}

/// In the two bits below a position.
const SAMPLED: u32 = 1;
/// An item out of so many, at most.
const EVERY: u32 = 64;
/// What is so far ahead lies behind.
const FAR: u32 = 1 << 29;

impl Profile {
    /// `kind` is what the channel is called in spans.
    #[track_caller]
    pub(crate) fn new(kind: &'static str, clock: impl Clock + Send + Sync + 'static) -> Self {
        let clock: SharedClock = shared(clock);
        let resource = Resource::new("channel", kind);
        let queue = Queue { at: clock.now(), wait: Histogram::new(), len: Histogram::new() };
        Self {
            before: (0, 0, 0),
            senders: Arc::new(Watch::new(resource.side("sender"), clock.clone())),
            receivers: Arc::new(Watch::new(resource.side("receiver"), clock)),
            sampled: AtomicU32::new(0),
            due: AtomicU32::new(0),
            queue: Lock::new(queue),
        }
    }

    /// What the channel has done so far is not its business.
    pub(crate) fn begin_after(&mut self, channel: &Snapshot) {
        self.before = (channel.sent, channel.received, channel.dropped);
    }

    pub(crate) fn side(&self, kind: EndKind) -> &Arc<Watch> {
        match kind {
            EndKind::Sender => &self.senders,
            EndKind::Receiver => &self.receivers,
        }
    }

    /// The sender of an `spsc` channel looks for room before it sends the item of position `tail`, and finds so much. How many
    /// items it may send before it looks again.
    pub(crate) fn sender_looks(&self, tail: u32, room: u32, wanted: u32) -> u32 {
        self.senders.looked(room >= wanted);
        let left = distance(tail, self.due.load(Relaxed));
        if left <= EVERY && left > 0 {
            return left;
        }
        if room >= wanted && self.sampled.load(Acquire) == 0 {
            let now = self.senders.now();
            self.queue.with(|queue| queue.at = now);
            self.sampled.store(tail | SAMPLED, Release);
            self.due.store(advance(tail, EVERY), Relaxed);
        }
        EVERY
    }

    /// The receiver of an `spsc` channel is at position `head`, wants so many items, and finds so many. How many it may receive
    /// before it looks again.
    pub(crate) fn receiver_looks(&self, head: u32, there: u32, wanted: u32) -> u32 {
        self.receivers.looked(there > 0);
        let sampled = self.sampled.load(Acquire);
        if sampled == 0 {
            return u32::MAX;
        }
        let before = distance(head, sampled & !SAMPLED);
        if before > FAR {
            self.sampled.store(0, Release); // passed over
            return u32::MAX;
        }
        if before >= there {
            return u32::MAX; // not published yet
        }
        if before >= wanted {
            return before;
        }
        let now = self.receivers.now();
        self.queue.with(|queue| {
            queue.wait.record(now.saturating_duration_since(queue.at).as_nanos() as u64);
            queue.len.record(u64::from(there));
        });
        self.sampled.store(0, Release);
        u32::MAX
    }

    fn snapshot(&self, channel: &Snapshot, parties: Option<&RawMpmc>) -> MonitorSnapshot {
        let now = self.senders.now();
        let [senders, receivers] = self.sides(parties, now);
        let (sent, received, dropped) = self.before;
        let mut channel = *channel;
        channel.sent = channel.sent.saturating_sub(sent);
        channel.received = channel.received.saturating_sub(received);
        channel.dropped = channel.dropped.wrapping_sub(dropped);
        MonitorSnapshot::new(self.since_began(now), &channel, senders, receivers, self.queue())
    }

    /// Those who wait at both sides. A party also knows of those who came before anybody watched.
    pub(super) fn sides(&self, parties: Option<&RawMpmc>, now: Instant) -> [Waits; 2] {
        let mut sides = [self.senders.waits(now), self.receivers.waits(now)];
        if let Some(raw) = parties {
            for (side, party) in sides.iter_mut().zip([&raw.senders, &raw.receivers]) {
                side.are_at_least(party.waiting.load(Acquire) as usize);
            }
        }
        sides
    }

    pub(super) fn since_began(&self, now: Instant) -> Duration {
        self.senders.since_began(now)
    }

    /// How long sampled items waited, and how many.
    pub(super) fn queue(&self) -> (Histogram, Histogram) {
        self.queue.with(|queue| (queue.wait, queue.len))
    }
}

/// Watches a channel, see [`profile`](crate::profile). It keeps the channel's memory, and does not keep the channel open.
pub struct Monitor<T> {
    channel: NonNull<RawChannel>,
    profile: NonNull<Profile>,
    /// An item that was left may be dropped with the channel.
    items: PhantomData<fn(T) -> T>,
}

// SAFETY: it reads what is atomic or locked; items may be dropped with the channel, so they are `Send`.
unsafe impl<T: Send> Send for Monitor<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Monitor<T> {}

impl<T> Monitor<T> {
    /// # Safety
    ///
    /// The channel lives, its items are `T`, and it has this profile until it is freed.
    pub(crate) unsafe fn new(channel: NonNull<RawChannel>, profile: NonNull<Profile>) -> Self {
        // SAFETY: it lives.
        crate::ring::count_one_more(unsafe { &channel.as_ref().references });
        Self { channel, profile, items: PhantomData }
    }

    /// What has happened until now. The counters are read one after the other while the ends go on.
    pub fn snapshot(&self) -> MonitorSnapshot {
        // SAFETY: the reference keeps the channel alive, and that its profile.
        let (channel, profile) = unsafe { (self.channel.as_ref(), self.profile.as_ref()) };
        // SAFETY: as above.
        let parties = unsafe { many_ends(self.channel) };
        let counted = parties.map_or_else(|| Snapshot::take(channel), Snapshot::take_mpmc);
        profile.snapshot(&counted, parties)
    }
}

/// The channel, if it has parties.
///
/// # Safety
///
/// It lives for `'a`.
pub(super) unsafe fn many_ends<'a>(channel: NonNull<RawChannel>) -> Option<&'a RawMpmc> {
    // SAFETY: the caller's promise; a channel that is not `Spsc` is a `RawMpmc`.
    unsafe {
        match Flavor::from_raw(channel.as_ref().flavor)? {
            Flavor::Mpmc | Flavor::Unbounded => Some(channel.cast().as_ref()),
            Flavor::Spsc => None,
        }
    }
}

impl<T> Clone for Monitor<T> {
    fn clone(&self) -> Self {
        // SAFETY: this one's reference keeps the channel alive.
        unsafe { Self::new(self.channel, self.profile) }
    }
}

impl<T> Drop for Monitor<T> {
    fn drop(&mut self) {
        // SAFETY: `new` counted this reference.
        unsafe { release(self.channel.as_ptr(), 0) };
    }
}

impl<T> fmt::Debug for Monitor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Monitor").field(&self.snapshot()).finish()
    }
}

/// Watches those who wait for a pool's blocks.
#[derive(Clone)]
pub struct PoolMonitor {
    pool: Pool,
    watch: NonNull<Watch>,
}

// SAFETY: a watch is made for any number of threads.
unsafe impl Send for PoolMonitor {}
// SAFETY: as above.
unsafe impl Sync for PoolMonitor {}

impl PoolMonitor {
    /// # Safety
    ///
    /// The pool has this watch until it is freed.
    pub(crate) unsafe fn new(pool: Pool, watch: NonNull<Watch>) -> Self {
        Self { pool, watch }
    }

    /// What has happened until now, in either language.
    pub fn snapshot(&self) -> PoolSnapshot {
        // SAFETY: the pool lives by this handle, and keeps it.
        let watch = unsafe { self.watch.as_ref() };
        let now = watch.now();
        PoolSnapshot::new(watch.since_began(now), &self.pool.snapshot(), watch.waits(now))
    }

    /// The pool.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }
}

impl fmt::Debug for PoolMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PoolMonitor").field(&self.snapshot()).finish()
    }
}
