//! Counters of a channel. Items are counted by the ring's own positions, the rest where somebody waits:
//! an item costs nothing more.

use core::sync::atomic::Ordering::{Acquire, Relaxed};

use crate::abi::{Flavor, RawChannel, RawMpmc};
use crate::ring::lap;
use crate::ring::position::{ONE, distance, position, total};

/// What has happened in a channel so far. The numbers are read one after the other while the ends go
/// on, so two of them may be of two moments; each alone was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Snapshot {
    /// Items sent, since the channel was made. (An mpmc channel counts an item from the claim of its slot on, also by a
    /// [write grant](crate::mpmc::WriteGrant), until that was abandoned and its slot passed over.)
    pub sent: u64,
    /// Items received.
    pub received: u64,
    /// Items that wait.
    pub len: usize,
    /// How many items fit.
    pub capacity: usize,
    /// The most items that the receiver found waiting when it looked; of an mpmc channel 0, for nobody notes it.
    pub most_waiting: usize,
    /// Items that the sender dropped because there was no room ([`send_or_drop`](crate::spsc::Sender::send_or_drop)).
    /// Wraps at 2^32.
    pub dropped: u32,
    /// How often the sender went to sleep for want of room. This and the following wrap at 2^32.
    pub sender_sleeps: u32,
    /// How often the receiver woke the sender.
    pub sender_wakes: u32,
    /// How often the receiver went to sleep for want of items.
    pub receiver_sleeps: u32,
    /// How often the sender woke the receiver.
    pub receiver_wakes: u32,
}

impl Snapshot {
    pub(crate) fn take(raw: &RawChannel) -> Self {
        // The receiver's position first: read later, it could be ahead of the sender's.
        let head = position(raw.head.word.load(Acquire));
        let (half_turns, tail) = loop {
            let before = raw.tail.laps.load(Acquire);
            let tail = position(raw.tail.word.load(Acquire));
            if raw.tail.laps.load(Acquire) == before {
                break (before, tail);
            }
        };
        let sent = total(half_turns, tail);
        let len = distance(head, tail);
        Self {
            sent,
            received: sent.saturating_sub(u64::from(len)),
            len: len.min(raw.capacity) as usize,
            capacity: raw.capacity as usize,
            most_waiting: raw.head.tally.load(Relaxed) as usize,
            dropped: raw.tail.tally.load(Relaxed),
            sender_sleeps: raw.tail.sleeps.load(Relaxed),
            sender_wakes: raw.tail.wakes.load(Relaxed),
            receiver_sleeps: raw.head.sleeps.load(Relaxed),
            receiver_wakes: raw.head.wakes.load(Relaxed),
        }
    }

    pub(crate) fn take_mpmc(raw: &RawMpmc) -> Self {
        let channel = &raw.channel;
        let (mask, capacity) = (channel.mask, channel.capacity);
        // Both positions of one moment: in between items come and go by other ends.
        let (wraps, tail, head) = loop {
            let before = channel.tail.laps.load(Acquire);
            let tail = position(channel.tail.word.load(Acquire));
            let head = position(channel.head.word.load(Acquire));
            if position(channel.tail.word.load(Acquire)) == tail
                && channel.tail.laps.load(Acquire) == before
            {
                break (before, tail, head);
            }
        };
        let (sent, len) = if channel.flavor == Flavor::Unbounded as u32 {
            ((u64::from(wraps) << 30) + u64::from(tail / ONE), distance(head, tail))
        } else {
            let before = u64::from(wraps) * lap::around(mask, capacity);
            (before + lap::count(tail, mask, capacity), lap::distance(head, tail, mask, capacity))
        };
        let sent = sent.saturating_sub(u64::from(channel.head.tally.load(Relaxed)));
        Self {
            sent,
            received: sent.saturating_sub(u64::from(len)),
            len: len as usize,
            capacity: capacity as usize,
            most_waiting: 0,
            dropped: channel.tail.tally.load(Relaxed),
            sender_sleeps: raw.senders.sleeps.load(Relaxed),
            sender_wakes: raw.senders.wakes.load(Relaxed),
            receiver_sleeps: raw.receivers.sleeps.load(Relaxed),
            receiver_wakes: raw.receivers.wakes.load(Relaxed),
        }
    }
}
