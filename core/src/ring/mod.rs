//! The rings: which slot, whose turn, who sleeps. Items and futures are the business of `channel`.

pub(crate) mod lap;
pub(crate) mod list;
pub(crate) mod monitored;
pub(crate) mod mpmc;
pub(crate) mod party;
#[cfg(feature = "std")]
pub(crate) mod patience;
pub(crate) mod position;
pub(crate) mod seat;
pub(crate) mod spsc;

use core::sync::atomic::Ordering::{AcqRel, Relaxed};

use crate::abi::{RawChannel, RawEnd, RawError, RawMpmc};
use crate::sync::{Word, bug, place};

/// One more; only one side writes this counter. (A model leaves counters out: they order nothing.)
pub(crate) fn count(counter: &Word) {
    raise(counter, 1);
}

pub(crate) fn raise(counter: &Word, by: u32) {
    #[cfg(not(loom))]
    {
        use core::sync::atomic::Ordering::Relaxed;
        counter.store(counter.load(Relaxed).wrapping_add(by), Relaxed);
    }
    #[cfg(loom)]
    let _ = (counter, by);
}

/// One more of something that is counted and that the caller has one of.
///
/// # Panics
///
/// If there are 2^31 already. Then nothing is counted.
pub(crate) fn count_one_more(counter: &Word) {
    if counter.fetch_add(1, AcqRel) >= u32::MAX / 2 {
        // Minus one.
        counter.fetch_add(u32::MAX, AcqRel);
        panic!("too many references");
    }
}

pub(crate) fn counted(counter: &Word) -> u32 {
    #[cfg(not(loom))]
    return counter.load(core::sync::atomic::Ordering::Relaxed);
    #[cfg(loom)]
    return counter.initial();
}

/// One more slot was passed over in which nothing was. (Left out by models, as above.)
fn count_skipped(raw: &RawMpmc) {
    #[cfg(not(loom))]
    raw.channel.head.tally.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
    #[cfg(loom)]
    let _ = raw;
}

/// A reference to a channel goes; the last one frees. (A pointer, because a reference of Rust's must not outlive the
/// memory.)
///
/// # Safety
///
/// The caller gives up a reference that it has; `sown` is the bug in which this orders nothing, 0: there is none.
pub(crate) unsafe fn release(channel: *mut RawChannel, sown: u32) {
    let order = if sown != 0 && bug(sown) { Relaxed } else { AcqRel };
    // SAFETY: the caller's reference keeps the channel alive until the count goes down.
    unsafe {
        let free = (*channel).free;
        // Minus one.
        if (*channel).references.fetch_add(u32::MAX, order) == 1 {
            free(channel);
        }
    }
}

/// The caller has seen `CLOSED` of that end.
pub(crate) fn read_reason(end: &RawEnd) -> Option<RawError> {
    place::read(end.reason.get());
    // SAFETY: written before CLOSED was set, which the caller's acquire has seen, and never again.
    let reason = unsafe { *end.reason.get() };
    let none = reason.kind == RawError::EMPTY.kind && reason.name_ptr.is_null();
    (!none).then_some(reason)
}

impl RawEnd {
    /// Where a waiting task of this end is found.
    pub(crate) fn cell(&self) -> &crate::waker::WakerCell {
        crate::waker::WakerCell::of(&self.cell)
    }
}
