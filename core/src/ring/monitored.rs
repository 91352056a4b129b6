//! What an end of an `spsc` channel does more when the channel is monitored; nothing, where the feature `profile` is off.

use core::sync::atomic::Ordering::Acquire;
use core::task::Waker;

use crate::abi::{EndKind, RawChannel};
#[cfg(feature = "profile")]
use crate::channel::memory::profile;

/// Of an end: nothing special.
pub(super) const OPEN: u8 = 0;
/// Of an end: nothing more comes of it.
pub(super) const SHUT: u8 = 1;
/// Of an end: the channel is monitored, so it looks more closely.
pub(super) const WATCHED: u8 = 2;

/// How an end of this channel begins.
pub(super) fn mode(raw: &RawChannel) -> u8 {
    if !cfg!(feature = "profile") || raw.profile.load(Acquire).is_null() { OPEN } else { WATCHED }
}

/// Until [`end_hush`] the end of this mode looks no more closely than one that is not watched: the profile has locks, which a
/// handler must not wait for.
pub(crate) fn hush(mode: &mut u8) -> u8 {
    let watched = *mode & WATCHED;
    *mode &= !WATCHED;
    watched
}

pub(crate) fn end_hush(mode: &mut u8, watched: u8) {
    *mode |= watched;
}

/// An end of a monitored channel looks at `position`, and finds so many items or slots: how many of them it may use before it
/// looks again, not less than it wants.
pub(crate) fn looked(raw: &RawChannel, of: EndKind, position: u32, found: u32, wanted: u32) -> u32 {
    #[cfg(feature = "profile")]
    if let Some(profile) = profile(raw) {
        let limit = match of {
            EndKind::Sender => profile.sender_looks(position, found, wanted),
            EndKind::Receiver => profile.receiver_looks(position, found, wanted),
        };
        return limit.max(wanted).max(1);
    }
    let _ = (raw, of, position, found, wanted);
    u32::MAX
}

/// Registers the task of an end of a monitored channel: the watch is told of its wakes first.
///
/// # Safety
///
/// As of the cell: that end registers, and nobody else.
pub(crate) unsafe fn register(raw: &RawChannel, kind: EndKind, waker: &Waker) {
    // SAFETY: the caller's promise.
    unsafe { cell(raw, kind).register(&watching_waker(raw, kind, waker)) };
}

/// The waker for the end's cell: the watch's, which is told first, and then wakes the task.
///
/// # Safety
///
/// As [`register`].
pub(crate) unsafe fn watching_waker(raw: &RawChannel, kind: EndKind, waker: &Waker) -> Waker {
    #[cfg(feature = "profile")]
    if let Some(profile) = profile(raw) {
        // SAFETY: the caller's promise.
        return unsafe { crate::profile::Watch::waker(profile.side(kind), waker) };
    }
    let _ = (raw, kind);
    waker.clone()
}

fn cell(raw: &RawChannel, kind: EndKind) -> &crate::waker::WakerCell {
    match kind {
        EndKind::Sender => raw.tail.cell(),
        EndKind::Receiver => raw.head.cell(),
    }
}

/// The end of a monitored channel is about to sleep. True if it did not wait before.
pub(crate) fn falls_asleep(raw: &RawChannel, kind: EndKind) -> bool {
    #[cfg(feature = "profile")]
    if let Some(profile) = profile(raw) {
        return profile.side(kind).falls_asleep();
    }
    let _ = (raw, kind);
    false
}

/// It need not sleep after all.
pub(crate) fn stays_awake(raw: &RawChannel, kind: EndKind) {
    #[cfg(feature = "profile")]
    if let Some(profile) = profile(raw) {
        profile.side(kind).stays_awake();
    }
    let _ = (raw, kind);
}

/// It waits for nothing any more: there is what it needs, or nothing will come.
#[cold]
pub(crate) fn is_served(raw: &RawChannel, kind: EndKind) {
    #[cfg(feature = "profile")]
    if let Some(profile) = profile(raw) {
        profile.side(kind).looked(true);
    }
    let _ = (raw, kind);
}

/// The end goes.
///
/// # Safety
///
/// As [`register`].
pub(crate) unsafe fn gone(raw: &RawChannel, kind: EndKind) {
    #[cfg(feature = "profile")]
    if let Some(profile) = profile(raw) {
        // SAFETY: the caller's promise.
        unsafe { profile.side(kind).gone() };
    }
    let _ = (raw, kind);
}
