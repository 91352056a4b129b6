//! Slots that are written and items that are read in place. What wraps around the end of the ring comes in
//! two slices.

use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::{fmt, slice};

use super::{Receiver, Sender};
use crate::channel::SendError;
use crate::sync::place;

/// Room for items, written in place. Nothing is sent before [`commit`](Self::commit); dropped, the grant sends
/// nothing and drops what was written.
#[must_use = "nothing is sent before `commit`"]
pub struct WriteGrant<'a, T> {
    sender: &'a mut Sender<T>,
    count: u32,
    written: u32,
}

impl<'a, T> WriteGrant<'a, T> {
    /// There is room for `count`.
    pub(super) fn new(sender: &'a mut Sender<T>, count: u32) -> Self {
        Self { sender, count, written: 0 }
    }

    /// How many items may be written.
    pub fn capacity(&self) -> usize {
        self.count as usize
    }

    /// How many items have been written.
    pub fn len(&self) -> usize {
        self.written as usize
    }

    /// True when no item has been written.
    pub fn is_empty(&self) -> bool {
        self.written == 0
    }

    /// Writes the next item.
    ///
    /// # Errors
    ///
    /// The item comes back if the grant is full.
    pub fn push(&mut self, item: T) -> Result<(), T> {
        if self.written == self.count {
            return Err(item);
        }
        let at = self.sender.slot(self.written);
        place::write(at);
        // SAFETY: a free slot of this grant, which is the producer's.
        unsafe { at.write(item) };
        self.written += 1;
        Ok(())
    }

    /// Takes the item back that was written last.
    pub fn pop(&mut self) -> Option<T> {
        self.written = self.written.checked_sub(1)?;
        // SAFETY: written, not sent, and forgotten here.
        Some(unsafe { crate::channel::take(self.sender.slot(self.written)) })
    }

    /// The slots that are not written, to be filled in any order; tell
    /// [`assume_written`](Self::assume_written) how many from the front are.
    pub fn slices(&mut self) -> (&mut [MaybeUninit<T>], &mut [MaybeUninit<T>]) {
        let left = self.count - self.written;
        let start = self.sender.slot(self.written);
        let first = self.sender.raw().slots.cast::<T>();
        let before = self.sender.ring.slot(self.written);
        let straight = (self.sender.raw().mask as usize + 1 - before).min(left as usize);
        // SAFETY: `left` free slots of this grant: `straight` of them up to the end of the memory, the others
        // from its start; borrowed as long as the grant is.
        unsafe {
            (
                slice::from_raw_parts_mut(start.cast(), straight),
                slice::from_raw_parts_mut(first.cast(), left as usize - straight),
            )
        }
    }

    /// The next `count` items have been written to the [`slices`](Self::slices).
    ///
    /// # Panics
    ///
    /// If the grant is not so large.
    ///
    /// # Safety
    ///
    /// They have.
    pub unsafe fn assume_written(&mut self, count: usize) {
        assert!(
            count <= (self.count - self.written) as usize,
            "more items than the grant has room for"
        );
        self.written += count as u32;
    }

    /// Sends what was written, in one step; how many items.
    ///
    /// # Errors
    ///
    /// The receiver has closed: the grant comes back with the items, which [`pop`](Self::pop) takes out.
    pub fn commit(mut self) -> Result<usize, SendError<Self>> {
        // From here they are the receiver's, also if its waker panics.
        let count = core::mem::take(&mut self.written);
        if count > 0 && self.sender.ring.publish(count).is_err() {
            self.written = count;
            let reason = self.sender.reason();
            return Err(SendError { item: self, reason });
        }
        Ok(count as usize)
    }
}

impl<T: Copy> WriteGrant<'_, T> {
    /// Writes as many items from the front of `items` as there is room for; how many.
    pub fn extend_from_slice(&mut self, items: &[T]) -> usize {
        let count = items.len().min((self.count - self.written) as usize);
        let (first, rest) = self.slices();
        let straight = first.len().min(count);
        // SAFETY: free slots of this grant, as many as are copied; the items are `Copy`.
        unsafe {
            let (a, b) = items[..count].split_at(straight);
            first.as_mut_ptr().cast::<T>().copy_from_nonoverlapping(a.as_ptr(), a.len());
            rest.as_mut_ptr().cast::<T>().copy_from_nonoverlapping(b.as_ptr(), b.len());
            self.assume_written(count);
        }
        count
    }
}

impl<T> Drop for WriteGrant<'_, T> {
    fn drop(&mut self) {
        /// Goes on after an item whose drop panics.
        struct Rest<'a, 'b, T>(&'a mut WriteGrant<'b, T>);
        impl<T> Drop for Rest<'_, '_, T> {
            fn drop(&mut self) {
                while self.0.pop().is_some() {}
            }
        }
        if core::mem::needs_drop::<T>() {
            let rest = Rest(self);
            while rest.0.pop().is_some() {}
        }
    }
}

impl<T> fmt::Debug for WriteGrant<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteGrant")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}

/// Items that are read in place. Dropped, the grant leaves them in the channel.
#[must_use = "the items stay in the channel until `release`"]
pub struct ReadGrant<'a, T> {
    receiver: &'a mut Receiver<T>,
    count: u32,
    /// `&ReadGrant` gives `&T`: it is `Sync` only if `T` is.
    items: PhantomData<T>,
}

impl<'a, T> ReadGrant<'a, T> {
    /// `count` valid items are there.
    pub(super) fn new(receiver: &'a mut Receiver<T>, count: u32) -> Self {
        (0..count).for_each(|offset| place::read(receiver.slot(offset)));
        Self { receiver, count, items: PhantomData }
    }

    /// How many items there are; at least one.
    #[allow(clippy::len_without_is_empty)] // it never is
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// The items, in order.
    pub fn slices(&self) -> (&[T], &[T]) {
        let straight = self.receiver.ring.straight(self.count);
        let rest = self.count as usize - straight;
        // SAFETY: `count` valid items, the consumer's until they are released, which takes the grant:
        // `straight` of them up to the end of the memory, the others from its start.
        unsafe {
            (
                slice::from_raw_parts(self.receiver.slot(0), straight),
                slice::from_raw_parts(self.receiver.raw().slots.cast(), rest),
            )
        }
    }

    /// The first item, for as long as the receiver is borrowed.
    pub(super) fn into_first(self) -> &'a T {
        // SAFETY: there is one at least, and it is valid; it stays until the receiver is used again.
        unsafe { &*self.receiver.slot(0) }
    }

    /// Drops the first `count` items and gives their slots back to the sender.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    pub fn release(self, count: usize) {
        assert!(count <= self.len(), "more items than the grant has");
        self.receiver.discard(count as u32);
    }
}

impl<T> fmt::Debug for ReadGrant<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadGrant").field("len", &self.len()).finish_non_exhaustive()
    }
}
