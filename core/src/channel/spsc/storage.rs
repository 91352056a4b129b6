//! A channel in memory that the caller gives: no allocation, for firmware.

use core::alloc::Layout;
use core::cell::UnsafeCell;
use core::mem::{MaybeUninit, offset_of};
use core::ptr::NonNull;

use super::{Consumer, Producer, Receiver, Sender};
use crate::abi::{Flavor, RawChannel};
use crate::channel::memory::Plan;
use crate::sync::Word;

/// The memory of a channel for `N` items, which is a power of two up to 2^29.
///
/// ```
/// use zigflow_core::spsc::Storage;
///
/// static READINGS: Storage<u32, 16> = Storage::new();
///
/// let (mut tx, mut rx) = READINGS.split().expect("nobody else has the channel");
/// tx.try_send(7).unwrap();
/// assert_eq!(rx.try_recv(), Ok(7));
/// assert!(READINGS.split().is_none());
/// drop((tx, rx));
/// assert!(READINGS.split().is_some(), "a new channel in the same memory");
/// ```
// As `abi::APART`.
#[cfg_attr(
    all(target_os = "none", any(target_arch = "arm", target_arch = "riscv32")),
    repr(C, align(8))
)]
#[cfg_attr(
    not(all(target_os = "none", any(target_arch = "arm", target_arch = "riscv32"))),
    repr(C, align(128))
)]
pub struct Storage<T, const N: usize> {
    channel: UnsafeCell<MaybeUninit<RawChannel>>,
    slots: UnsafeCell<[MaybeUninit<T>; N]>,
    taken: Word,
}

// SAFETY: the memory is given to one channel at a time, which is made for two threads; items move between
// them, so they are `Send`.
unsafe impl<T: Send, const N: usize> Sync for Storage<T, N> {}

impl<T: Send, const N: usize> Storage<T, N> {
    const CAPACITY: usize = {
        assert!(N.is_power_of_two() && N <= 1 << 29, "a storage holds a power of two of items");
        N
    };

    /// Memory in which there is no channel yet.
    pub const fn new() -> Self {
        Self {
            channel: UnsafeCell::new(MaybeUninit::uninit()),
            slots: UnsafeCell::new([const { MaybeUninit::uninit() }; N]),
            taken: Word::new(0),
        }
    }

    /// A channel in this memory; `None` while an end of an earlier one is left, or a
    /// [`PeerWaker`](crate::channel::PeerWaker).
    pub fn split(&'static self) -> Option<(Sender<T>, Receiver<T>)> {
        let raw = self.make()?;
        // SAFETY: fresh, with a reference for each end, and one of each is made; the slots are `T`'s.
        Some(unsafe { (Sender::new(Producer::open(raw)), Receiver::new(Consumer::open(raw))) })
    }

    /// [`split`](Self::split), and who watches the channel, as [`monitored`](super::monitored). What it notes is on the heap.
    #[cfg(feature = "profile")]
    #[track_caller]
    pub fn split_monitored(
        &'static self,
        clock: impl crate::time::Clock + Send + Sync + 'static,
    ) -> Option<(Sender<T>, Receiver<T>, crate::profile::Monitor<T>)> {
        // First, for the clock is foreign code.
        let profile = alloc::boxed::Box::new(crate::profile::Profile::new("zigflow::spsc", clock));
        let raw = self.make()?;
        // SAFETY: fresh, with a reference for each end; the slots are `T`'s.
        Some(unsafe { super::open_monitored(raw, profile) })
    }

    fn make(&'static self) -> Option<NonNull<RawChannel>> {
        let plan = Plan {
            flavor: Flavor::Spsc,
            capacity: Self::CAPACITY,
            slot: Layout::new::<T>(),
            free: give_back::<T, N>,
            start: 0,
        };
        self.taken.compare_exchange(0, 1).ok()?;
        let slots = self.slots.get().cast::<u8>();
        let channel = plan.fresh(N as u32 - 1, slots);
        // The channel comes first; a pointer to the whole, for `give_back`.
        let raw = NonNull::from(self).cast::<RawChannel>();
        // SAFETY: taken by nobody else; the memory is static, and in cells.
        unsafe { raw.as_ptr().write(channel) };
        Some(raw)
    }
}

impl<T: Send, const N: usize> Default for Storage<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> core::fmt::Debug for Storage<T, N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Storage").field("capacity", &N).finish_non_exhaustive()
    }
}

/// # Safety
///
/// The channel is that of a `Storage<T, N>`, and its last reference is gone.
unsafe extern "C" fn give_back<T, const N: usize>(channel: *mut RawChannel) {
    const { assert!(offset_of!(Storage<T, N>, channel) == 0) };
    // SAFETY: the last reference is gone.
    unsafe { crate::channel::memory::free_profile(&*channel) };
    // SAFETY: `split` made the pointer of one to the storage, which is static and begins with the channel. The
    // receiver has dropped the items.
    let taken = unsafe { &(*channel.cast::<Storage<T, N>>()).taken };
    taken.store(0, core::sync::atomic::Ordering::Release);
}
