//! Any number of senders and receivers, of a bounded channel or of one that grows ([`unbounded`]). Each item goes to
//! one of the receivers.
//!
//! Ends are `Clone`; the channel closes when the last end of either kind goes, or by `close`. Those who wait are
//! woken in the order in which they came; an attempt that does not wait may be faster. An attempt never waits for a neighbour that is half
//! done: "empty" and "full" may be said of a channel in which another end is just about to finish an
//! item, and whoever waits is woken when it has.
//!
//! A sender may [reserve](Sender::reserve) the place of an item before there is one, and a receiver may [read](Receiver::read) an
//! item in its slot.
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use zigflow_core::mpmc;
//!
//! let (tx, rx) = mpmc::channel(16);
//! let threads: Vec<_> = (0..2)
//!     .map(|_| {
//!         let tx = tx.clone();
//!         std::thread::spawn(move || (0..100).for_each(|n| tx.send_blocking(n).unwrap()))
//!     })
//!     .collect();
//! drop(tx);
//! let mut sum = 0;
//! while let Ok(n) = rx.recv_blocking() {
//!     sum += n;
//! }
//! assert_eq!(sum, 2 * 4950);
//! # threads.into_iter().for_each(|thread| thread.join().unwrap());
//! # }
//! ```

mod batch;
mod closed;
mod grant;
mod quiet;
mod receiver;
mod sender;
#[cfg(feature = "sink")]
mod sink;
mod unbounded;
mod zig;

pub use batch::{RecvMany, SendMany};
pub use closed::Closed;
pub use grant::{Read, ReadGrant, Reserve, WriteGrant};
pub use receiver::{Receiver, Recv, WeakReceiver};
pub use sender::{Send, Sender, WeakSender};
#[cfg(feature = "sink")]
pub use sink::SendSink;
pub(super) use unbounded::make_plain as make_plain_unbounded;
pub use unbounded::{try_unbounded_within, unbounded, unbounded_of_blocks, unbounded_within};
pub use zig::{ZigReceiver, ZigSender};

use core::alloc::Layout;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use super::count_one_more;
use super::error::CreateError;
use super::memory::{self, FreeFn, Plan};
use crate::abi::{Flavor, RawChannel, RawError, RawMpmc, RawParty, RawUnbounded};
use crate::ring::mpmc::{Claim, Denied, Ring, Slot};
use crate::ring::{lap, position, release};
use crate::sync::Word;

/// A channel for `capacity` items, which may be any number from 1 to 2^28.
///
/// # Panics
///
/// If the capacity is 0 or too large, or if there is no memory; [`try_channel`] returns these as errors.
pub fn channel<T: core::marker::Send>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    try_channel(capacity).unwrap_or_else(|error| panic!("{error}"))
}

/// A channel for `capacity` items, which may be any number from 1 to 2^28.
///
/// # Errors
///
/// [`CreateError`]; nothing is left behind.
pub fn try_channel<T: core::marker::Send>(
    capacity: usize,
) -> Result<(Sender<T>, Receiver<T>), CreateError> {
    before_the_wrap(capacity, 0)
}

/// A channel whose positions wrap around after so many laps, for tests.
#[doc(hidden)]
pub fn before_the_wrap<T: core::marker::Send>(
    capacity: usize,
    laps: u32,
) -> Result<(Sender<T>, Receiver<T>), CreateError> {
    let raw = make(capacity, Layout::new::<Slot<T>>(), free::<T>, laps)?;
    // SAFETY: fresh; the slots are `Slot<T>`.
    let ring = unsafe { Ring::new(raw) };
    #[cfg(loom)]
    model::track::<T>(ring.raw());
    // SAFETY: a reference for each, and one of each is made.
    Ok(unsafe { (Sender::new(ring), Receiver::new(ring)) })
}

/// A channel with a reference for an end of either kind. A slot begins with its stamp.
pub(super) fn make(
    capacity: usize,
    slot: Layout,
    free: FreeFn,
    laps: u32,
) -> Result<NonNull<RawMpmc>, CreateError> {
    let mask = lap::mask(capacity).ok_or(CreateError::Capacity(capacity))?;
    let start = ((mask + 1) * position::ONE).wrapping_mul(laps).wrapping_neg();
    let plan = Plan { flavor: Flavor::Mpmc, capacity, slot, free, start };
    let raw = plan.on_the_heap()?.cast::<RawMpmc>();
    // SAFETY: fresh.
    let slots = unsafe { raw.as_ref().channel.slots.cast::<u8>() };
    for n in 0..capacity {
        let stamp = start.wrapping_add(n as u32 * position::ONE);
        // SAFETY: the slot's stamp, which nobody looks at yet.
        unsafe { slots.add(n * slot.size()).cast::<Word>().write(Word::new(stamp)) };
    }
    Ok(raw)
}

/// A channel of plain data that Zig makes.
pub(super) fn make_plain(
    capacity: usize,
    slot: Layout,
) -> Result<NonNull<RawChannel>, CreateError> {
    // Plain data needs no drop, and owned bytes were released by the last receiver, or by a sender after it. (What is behind a
    // grant that was forgotten stays allocated.)
    Ok(make(capacity, slot, free::<u8>, 0)?.cast())
}

/// Drops the items that nobody took, and frees. (A drop that panics ends the process: Zig may have been the last.)
///
/// # Safety
///
/// The last reference is gone; the slots are `Slot<T>`.
unsafe extern "C" fn free<T>(channel: *mut RawChannel) {
    // SAFETY: nobody else looks any more.
    let ring = unsafe { Ring::<T>::new(NonNull::new_unchecked(channel.cast())) };
    if core::mem::needs_drop::<T>() {
        loop {
            while let Ok(filled) = Filled::claim(ring) {
                drop(filled.take());
            }
            // SAFETY: as above.
            if !unsafe { ring.pass_over_forgotten() } {
                break;
            }
        }
    }
    if ring.grows() {
        // SAFETY: as above; a channel that grows is a `RawUnbounded`, and its items are gone.
        unsafe { (*channel.cast::<RawUnbounded>()).free_blocks() };
    }
    #[cfg(loom)]
    model::untrack::<T>(ring.raw());
    // SAFETY: `make` made it on the heap; the items are gone.
    unsafe { memory::free(channel) };
}

/// Takes and drops all that nobody will receive: the last receiver has gone. What a sender is about to finish stays, for
/// that sender to find no receiver and come here itself ([`abandoned`]). Goes on also when the drop of an item panics.
fn discard<T>(ring: Ring<T>) {
    struct Rest<T>(Ring<T>);
    impl<T> Drop for Rest<T> {
        fn drop(&mut self) {
            let ring = self.0;
            loop {
                match pop(ring) {
                    Ok(item) => {
                        let rest = Rest(ring);
                        drop(item);
                        core::mem::forget(rest);
                    }
                    Err(Nothing::Malformed) => {}
                    // Told to the sender that is half done, if there is one.
                    Err(Nothing::NotNow) if ring.is_item() => {}
                    Err(Nothing::NotNow | Nothing::Closed) => return,
                }
            }
        }
    }
    drop(Rest(ring));
}

/// True when an item that was just sent will be received by nobody, and should not stay. (Without a drop, and where memory
/// does not grow, it may.)
#[inline(always)]
fn abandoned<T>(ring: Ring<T>) -> bool {
    let matters = core::mem::needs_drop::<T>() || ring.grows();
    matters && ring.raw().receivers.alive.load(Acquire) == 0
}

/// Drops what was sent while the last receiver was going, in a channel of whichever flavour.
///
/// # Safety
///
/// The channel lives during the call, and its items are `T`.
pub(super) unsafe fn discard_abandoned<T>(channel: NonNull<RawChannel>) {
    // SAFETY: it lives.
    let flavor = unsafe { channel.as_ref() }.flavor;
    if flavor == Flavor::Mpmc as u32 || flavor == Flavor::Unbounded as u32 {
        // SAFETY: the channels of these flavours are `RawMpmc`s; the slots are `Slot<T>`.
        let ring = unsafe { Ring::<T>::new(channel.cast()) };
        if abandoned(ring) {
            discard(ring);
        }
    }
}

/// Why there is no item. (Small, unlike the errors that are made of it: a `Result` of an item and this one stays in
/// registers, which is worth half the time of a receive.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nothing {
    NotNow,
    Closed,
    Malformed,
}

impl From<Denied> for Nothing {
    #[inline(always)]
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::NotNow => Self::NotNow,
            Denied::Closed => Self::Closed,
        }
    }
}

/// The next item; its slot is free again.
#[inline(always)]
fn pop<T>(ring: Ring<T>) -> Result<T, Nothing> {
    let claim = ring.claim_filled()?;
    if !ring.raw().channel.check.load(Relaxed).is_null() {
        return Filled::of(ring, claim).take().ok_or(Nothing::Malformed);
    }
    // SAFETY: claimed, and filled by an end of this type; all its bits are of that type, or Rust made it.
    let item = unsafe { super::take(claim.item()) };
    ring.commit_free(claim);
    Ok(item)
}

/// A claimed item. Its slot is free again when this goes, whatever happened.
struct Filled<T> {
    ring: Ring<T>,
    claim: ManuallyDrop<Claim<T>>,
}

impl<T> Filled<T> {
    fn claim(ring: Ring<T>) -> Result<Self, Denied> {
        Ok(Self::of(ring, ring.claim_filled()?))
    }

    fn of(ring: Ring<T>, claim: Claim<T>) -> Self {
        Self { ring, claim: ManuallyDrop::new(claim) }
    }

    fn item(&self) -> *mut T {
        self.claim.item()
    }

    /// The item, if its bits are of its type.
    fn take(self) -> Option<T> {
        self.look()
    }

    /// The same, but wakes nobody; true when a sender waits.
    fn take_quietly(self) -> Option<(T, bool)> {
        let item = self.look()?;
        // Its drop would wake.
        let mut this = ManuallyDrop::new(self);
        // SAFETY: taken here, and dropped nowhere.
        let claim = unsafe { ManuallyDrop::take(&mut this.claim) };
        Some((item, this.ring.commit_free_quietly(claim)))
    }

    /// Whether the item's bits are of its type.
    fn is_valid(&self) -> bool {
        let check = self.ring.raw().channel.check.load(Relaxed);
        // SAFETY: claimed, and filled by an end of this type.
        check.is_null() || unsafe { super::is_valid(check, self.item()) }
    }

    fn look(&self) -> Option<T> {
        // SAFETY: claimed, filled, and valid.
        self.is_valid().then(|| unsafe { super::take(self.item()) })
    }
}

impl<T> Drop for Filled<T> {
    fn drop(&mut self) {
        // SAFETY: taken here only.
        self.ring.commit_free(unsafe { ManuallyDrop::take(&mut self.claim) });
    }
}

/// Who watches the channel.
///
/// # Safety
///
/// The channel lives.
#[cfg(feature = "profile")]
#[track_caller]
unsafe fn monitor<T>(
    ring: Ring<T>,
    clock: impl crate::time::Clock + core::marker::Send + Sync + 'static,
) -> crate::profile::Monitor<T> {
    let raw = ring.raw();
    let profile = match memory::profile(&raw.channel) {
        Some(kept) => kept.into(),
        None => {
            let mut fresh =
                alloc::boxed::Box::new(crate::profile::Profile::new("zigflow::mpmc", clock));
            fresh.begin_after(&super::Snapshot::take_mpmc(raw));
            memory::keep_profile(&raw.channel, fresh)
        }
    };
    // SAFETY: the profile lives as long as the channel, of which the parties are parts; its items are `T`.
    unsafe {
        raw.senders.watch_by(&raw const *profile.as_ref().senders);
        raw.receivers.watch_by(&raw const *profile.as_ref().receivers);
        crate::profile::Monitor::new(ring.as_ptr().cast(), profile)
    }
}

/// One end more of this party.
fn another(raw: &RawMpmc, party: &RawParty) {
    count_one_more(&raw.channel.references);
    // Never more than references.
    party.alive.fetch_add(1, AcqRel);
}

/// An end of this party where there may be none left.
fn revive(raw: &RawMpmc, party: &RawParty) -> bool {
    count_one_more(&raw.channel.references);
    let mut alive = party.alive.load(Acquire);
    while alive != 0 {
        match party.alive.compare_exchange(alive, alive + 1) {
            Ok(_) => return true,
            Err(seen) => alive = seen,
        }
    }
    // Minus one; the caller has one left.
    raw.channel.references.fetch_add(u32::MAX, AcqRel);
    false
}

/// An end of this party goes; the last one closes.
fn leave<T>(ring: Ring<T>, party: &RawParty) {
    // Minus one.
    if party.alive.fetch_add(u32::MAX, AcqRel) == 1 {
        ring.close(RawError::EMPTY);
    }
}

/// A reference, which goes when this is dropped; the last one frees.
struct Reference<T>(Ring<T>);

impl<T> Reference<T> {
    /// # Safety
    ///
    /// The caller gives up its reference to the channel.
    unsafe fn new(ring: Ring<T>) -> Self {
        Self(ring)
    }
}

impl<T> Drop for Reference<T> {
    fn drop(&mut self) {
        // SAFETY: `new` was given this reference.
        unsafe { release(self.0.as_ptr().as_ptr().cast(), 45) };
    }
}

#[cfg(loom)]
mod model {
    use super::*;
    use crate::sync::model::{
        free_place, free_pointer, free_word, track_place, track_pointer, track_word,
    };

    fn words(raw: &RawMpmc) -> impl Iterator<Item = &Word> {
        let channel = &raw.channel;
        let parties = [&raw.senders, &raw.receivers, &raw.watchers]
            .into_iter()
            .flat_map(|party| [&party.waiting, &party.lock, &party.alive, &party.closing]);
        [&channel.tail.word, &channel.head.word, &channel.tail.laps, &channel.references]
            .into_iter()
            .chain(parties)
    }

    fn list(raw: &RawMpmc) -> Option<&RawUnbounded> {
        let grows = raw.channel.flavor == Flavor::Unbounded as u32;
        // SAFETY: a channel that grows is a `RawUnbounded`; a model does not run under Miri, whose borrows are
        // narrower.
        grows.then(|| unsafe { &*(&raw const *raw).cast() })
    }

    fn slots<'a, T: 'a>(raw: &'a RawMpmc) -> impl Iterator<Item = &'a Slot<T>> {
        let first = raw.channel.slots.cast::<Slot<T>>();
        // One that grows tracks the slots of each block.
        let slots = if first.is_null() { 0 } else { raw.channel.capacity };
        // SAFETY: the slots of the channel.
        (0..slots as usize).map(move |slot| unsafe { &*first.add(slot) })
    }

    pub(super) fn track<T>(raw: &RawMpmc) {
        words(raw).for_each(|word| track_word(word, word.initial()));
        if let Some(list) = list(raw) {
            track_word(&list.blocks, list.blocks.initial());
            track_pointer(&list.tail_block);
            track_pointer(&list.spare);
            track_place(list.head_block.get());
        }
        for slot in slots::<T>(raw) {
            track_word(&slot.stamp, slot.stamp.initial());
            track_place(slot.item.get());
        }
        track_place(raw.channel.tail.reason.get());
    }

    pub(super) fn untrack<T>(raw: &RawMpmc) {
        words(raw).for_each(|word| free_word(word));
        if let Some(list) = list(raw) {
            free_word(&list.blocks);
            free_pointer(&list.tail_block);
            free_pointer(&list.spare);
            free_place(list.head_block.get());
        }
        for slot in slots::<T>(raw) {
            free_word(&slot.stamp);
            free_place(slot.item.get());
        }
        free_place(raw.channel.tail.reason.get());
    }
}
