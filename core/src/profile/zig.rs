//! Profiles for Zig: `zig/src/profile.zig` is the other half, with the same fields.

use super::{Histogram, Profile, Waits, Watch};
use crate::time::Instant;
use core::mem::offset_of;

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

impl Profile {
    /// What it has noted until now.
    pub(crate) fn for_zig(&self) -> RawProfile {
        let now: Instant = self.senders.now();
        let (queue_wait, queue_len) = self.queue();
        RawProfile {
            elapsed: self.since_began(now).as_nanos() as u64,
            senders: self.senders.waits(now).into(),
            receivers: self.receivers.waits(now).into(),
            queue_wait,
            queue_len,
        }
    }
}

impl Watch {
    /// What it has noted until now.
    pub(crate) fn for_zig(&self) -> RawPoolProfile {
        let now = self.now();
        let elapsed = self.since_began(now).as_nanos() as u64;
        RawPoolProfile { elapsed, waits: self.waits(now).into() }
    }
}
