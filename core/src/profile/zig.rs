//! Profiles for Zig: `zig/src/profile.zig` is the other half, with the same fields.

use super::monitor::many_ends;
use super::{Histogram, Waits, Watch};
use crate::abi::RawChannel;
use core::mem::offset_of;
use core::ptr::NonNull;

/// What a channel has noted.
#[repr(C)]
pub(crate) struct RawProfile {
    elapsed: u64,
    senders: RawWaits,
    receivers: RawWaits,
    queue_wait: Histogram,
    queue_len: Histogram,
}

/// What a pool has noted.
#[repr(C)]
pub(crate) struct RawPoolProfile {
    elapsed: u64,
    waits: RawWaits,
}

#[repr(C)]
struct RawWaits {
    wait: Histogram,
    wake_to_poll: Histogram,
    waiting: u64,
    waking: u64,
    now_waiting: u32,
    reserved: u32,
}

// As in Zig: a histogram is a u64 and 48 u32.
const _: () = assert!(size_of::<Histogram>() == 200 && size_of::<RawWaits>() == 424);
const _: () = assert!(
    offset_of!(RawProfile, receivers) == 432
        && offset_of!(RawProfile, queue_len) == 1056
        && size_of::<RawProfile>() == 1256
);

const _: () = assert!(size_of::<RawPoolProfile>() == 432);

impl From<Waits> for RawWaits {
    fn from(waits: Waits) -> Self {
        let Waits { wait, wake_to_poll, waiting, waking, now_waiting } = waits;
        let [waiting, waking] = [waiting, waking].map(|time| time.as_nanos() as u64);
        Self { wait, wake_to_poll, waiting, waking, now_waiting, reserved: 0 }
    }
}

impl RawProfile {
    /// What a channel has noted until now; `None`, if nobody watches it.
    ///
    /// # Safety
    ///
    /// It lives.
    pub(crate) unsafe fn of(channel: NonNull<RawChannel>) -> Option<Self> {
        // SAFETY: the caller's promise.
        let (profile, parties) =
            unsafe { (crate::channel::memory::profile(channel.as_ref())?, many_ends(channel)) };
        let now = profile.senders.now();
        let [senders, receivers] = profile.sides(parties, now);
        let (queue_wait, queue_len) = profile.queue();
        Some(Self {
            elapsed: profile.since_began(now).as_nanos() as u64,
            senders: senders.into(),
            receivers: receivers.into(),
            queue_wait,
            queue_len,
        })
    }
}

impl RawPoolProfile {
    /// What a pool has noted until now.
    pub(crate) fn of(watch: &Watch, waiting: usize) -> Self {
        let now = watch.now();
        let mut waits = watch.waits(now);
        waits.are_at_least(waiting);
        Self { elapsed: watch.since_began(now).as_nanos() as u64, waits: waits.into() }
    }
}
