//! Which children were woken: the set behind their wakers.
//!
//! Children stand in blocks of 32. A waker is a pointer into its block, whose low bits say which of the 32; it
//! keeps the block's chunk alive. A block has a word with one bit for each child that was woken, and whoever sets
//! the first bit puts the block into the list of woken blocks. The one who polls takes the whole list, so
//! finding the woken among ten thousand costs what the woken cost.
//!
//! ```text
//!   HEAD    ASLEEP      nothing is woken; who makes it something wakes the parent     set by the poller
//!           AWAKE       nothing is woken; the poller will look again                  set by the poller
//!           a block     the newest of the woken ones                                  set by wakers
//! ```
//!
//! # The rules
//!
//! 1. A block is in one list while its word is not 0, and in none while it is: the one who makes the word not 0
//!    has it in hand and pushes it, then it is the poller's, until the poller makes the word 0.
//! 2. Who has a block in hand may write its `next`, nobody else. The poller reads `next` before it makes the word
//!    0.
//! 3. The word is made 0 before the children are polled: a wake during the poll makes it not 0 again, and the
//!    block comes with the next list.
//! 4. The poller registers the parent's waker while HEAD is AWAKE and then changes it to ASLEEP; if that fails,
//!    there is something to do.
//!
//! # A potential race (is safely handled)
//!
//! A wake that comes while the poller goes to sleep: both change HEAD in one step. If the wake is first, the poller finds
//! a block and does not sleep. If the poller is first, the wake finds ASLEEP and wakes the parent, whose waker
//! was registered before. Only the first wake after that finds ASLEEP, so a sleep ends by one wake.
//!
//! When the poller has gone, wakes still push blocks, but nobody follows the list again: it holds numbers, not
//! pointers.

use crate::sync::Arc;
use alloc::vec::Vec;
use core::mem::ManuallyDrop;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use core::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use super::child::Step;
use super::running::Driver;
use super::turn;
use crate::sync::{Word, bug};
use crate::waker::WakerCell;

/// Children in a block: the bits of its word, and the alignment that leaves room for a child's number.
pub(super) const BLOCK: usize = 32;

const ASLEEP: u32 = 0;
const AWAKE: u32 = 1;
/// Block 0 in HEAD and `next`; less than this is the end of the list.
const FIRST: u32 = 2;

/// What wakers and the poller share.
#[derive(Debug)]
struct Shared {
    head: Word,
    // The poller closes it when it goes.
    parent: ManuallyDrop<WakerCell>,
}

#[repr(align(32))]
#[derive(Debug)]
struct Block {
    shared: Arc<Shared>,
    woken: Word,
    next: Word,
    /// Among all blocks.
    number: u32,
    /// In its chunk of `chunk_len` blocks.
    position: u32,
    chunk_len: u32,
}

const _: () = assert!(align_of::<Block>() == BLOCK && size_of::<Block>() >= BLOCK);

type Chunk = Arc<[Block]>;

impl Shared {
    fn new(head: u32) -> Arc<Self> {
        let parent = ManuallyDrop::new(WakerCell::new());
        let shared = Arc::new(Self { head: Word::new(head), parent });
        #[cfg(loom)]
        {
            crate::sync::model::track_word(&shared.head, head);
            shared.parent.track();
        }
        shared
    }

    /// A block whose word has just become not 0.
    fn push(&self, block: &Block) {
        let mut head = self.head.load(Acquire);
        loop {
            block.next.store(head, Release);
            match self.head.compare_exchange(head, block.number + FIRST) {
                Ok(_) => break,
                Err(seen) => head = seen,
            }
        }
        if head == ASLEEP && !bug(83) {
            self.parent.wake();
        }
    }
}

impl Block {
    fn wake(&self, bit: u32) {
        if self.woken.fetch_or(1 << bit, AcqRel) == 0 {
            self.shared.push(self);
        }
    }
}

/// A chunk of `count` blocks, the first of which has this number. `word` and `next` are by number.
fn chunk(
    shared: &Arc<Shared>,
    number: u32,
    count: u32,
    word: impl Fn(u32) -> u32,
    next: impl Fn(u32) -> u32,
) -> Chunk {
    let block = |position| Block {
        shared: shared.clone(),
        woken: Word::new(word(number + position)),
        next: Word::new(next(number + position)),
        number: number + position,
        position,
        chunk_len: count,
    };
    let chunk: Chunk = (0..count).map(block).collect();
    #[cfg(loom)]
    for block in &chunk[..] {
        crate::sync::model::track_word(&block.woken, block.woken.initial());
        crate::sync::model::track_word(&block.next, block.next.initial());
    }
    chunk
}

/// The poller's side: polls only children that were woken.
#[derive(Debug)]
pub struct Woken {
    shared: Arc<Shared>,
    /// Chunk 0; then each chunk doubles what there is.
    first: Chunk,
    more: Vec<Chunk>,
    /// The list that was taken, as in HEAD.
    rest: u32,
    /// The block that is looked at, and which of its children are still to be polled.
    current: u32,
    bits: u32,
    /// Which child of a block comes first.
    pivot: u32,
    biased: bool,
}

/// Where a block is: chunk 0, or one of those after it; and its position there. `first` is how many chunk 0 has.
pub(super) fn locate(number: usize, first: usize) -> (Option<usize>, usize) {
    if number < first {
        return (None, number);
    }
    let doubled = (number / first).ilog2() as usize;
    (Some(doubled), number - (first << doubled))
}

fn blocks_of(children: usize) -> u32 {
    let blocks = u32::try_from(children.div_ceil(BLOCK)).ok().filter(|n| *n < u32::MAX - FIRST);
    blocks.expect("too many children")
}

impl Woken {
    /// `count` children, all of which are to be polled.
    pub(super) fn all(count: usize) -> Self {
        let blocks = blocks_of(count);
        // One turn for both: two that follow each other are not independent.
        let turn = turn::next(count);
        let (first, pivot) = ((turn / BLOCK) as u32, (turn % BLOCK) as u32);
        let word = |number| match count - number as usize * BLOCK {
            less if less < BLOCK => (1 << less) - 1,
            _ => u32::MAX,
        };
        // A ring that is cut before the first one.
        let next = |number| match (number + 1) % blocks {
            next if next == first => AWAKE,
            next => next + FIRST,
        };
        let shared = Shared::new(AWAKE);
        let chunk = chunk(&shared, 0, blocks, word, next);
        let rest = if blocks == 0 { AWAKE } else { first + FIRST };
        Self::of(shared, chunk, rest, pivot)
    }

    /// Room for `count` children, none of which was woken.
    pub(super) fn none(count: usize) -> Self {
        let shared = Shared::new(AWAKE);
        let chunk = chunk(&shared, 0, blocks_of(count), |_| 0, |_| AWAKE);
        Self::of(shared, chunk, AWAKE, 0)
    }

    fn of(shared: Arc<Shared>, first: Chunk, rest: u32, pivot: u32) -> Self {
        let more = Vec::new();
        Self { shared, first, more, rest, current: 0, bits: 0, pivot, biased: false }
    }

    /// Room for as many children again.
    pub(super) fn grow(&mut self) {
        let blocks = blocks_of((self.first.len() << self.more.len()) * 2 * BLOCK) / 2;
        self.more.push(chunk(&self.shared, blocks, blocks, |_| 0, |_| AWAKE));
    }

    /// As if the child's waker had been called.
    pub(super) fn wake(&self, index: usize) {
        self.block((index / BLOCK) as u32).wake((index % BLOCK) as u32);
    }

    fn block(&self, number: u32) -> &Block {
        let (chunk, position) = locate(number as usize, self.first.len());
        &chunk.map_or(&self.first, |chunk| &self.more[chunk])[position]
    }

    /// The child's waker, lent.
    fn waker(&self, index: usize) -> ManuallyDrop<Waker> {
        let (chunk, position) = locate(index / BLOCK, self.first.len());
        let chunk = chunk.map_or(&self.first, |chunk| &self.more[chunk]);
        assert!(position < chunk.len());
        let blocks = Arc::as_ptr(chunk).cast::<Block>();
        // SAFETY: `position` is in the chunk, and the offset is less than a block's size. The pointer keeps
        // the provenance of the whole chunk, which `chunk_of` needs.
        let data = unsafe { blocks.add(position).byte_add(index % BLOCK) };
        // SAFETY: the table keeps `RawWaker`'s contract for such a pointer. No reference was counted for this
        // waker; `self` holds one while it is lent, and it is not dropped.
        ManuallyDrop::new(unsafe { Waker::new(data.cast(), &VTABLE) })
    }

    /// The next child that was woken.
    fn next(&mut self) -> Option<usize> {
        loop {
            if self.bits != 0 {
                let bit = (self.bits.rotate_right(self.pivot).trailing_zeros() + self.pivot) % 32;
                self.bits &= !(1 << bit);
                return Some(self.current as usize * BLOCK + bit as usize);
            }
            if self.rest >= FIRST {
                self.current = self.rest - FIRST;
                let block = self.block(self.current);
                // Rules 2 and 3.
                let next = block.next.load(Acquire);
                let bits = block.woken.swap(0, AcqRel);
                let next = if bug(81) { block.next.load(Acquire) } else { next };
                (self.rest, self.bits) = (next, bits);
                continue;
            }
            let head = self.shared.head.swap(AWAKE, AcqRel);
            if head < FIRST {
                return None;
            }
            self.take(head);
        }
    }

    /// The list that begins with `head` comes before `rest`: in the order in which they were woken, or biased by
    /// number.
    fn take(&mut self, head: u32) {
        let mut from = head;
        while from >= FIRST {
            let block = self.block(from - FIRST);
            let next = block.next.load(Acquire);
            // Rule 2: all blocks of both lists are in the poller's hand.
            if self.biased {
                self.rest = self.sorted_into(self.rest, from);
            } else {
                block.next.store(self.rest, Release);
                self.rest = from;
            }
            from = next;
        }
    }

    /// Puts `block` into the sorted list; gives its new first.
    fn sorted_into(&self, list: u32, block: u32) -> u32 {
        let (mut before, mut after) = (None, list);
        while after >= FIRST && after < block {
            before = Some(after);
            after = self.block(after - FIRST).next.load(Acquire);
        }
        self.block(block - FIRST).next.store(after, Release);
        let Some(before) = before else { return block };
        self.block(before - FIRST).next.store(block, Release);
        list
    }

    /// Biased: what was left last time is sorted among what was woken since.
    fn begin(&mut self) {
        if !self.biased {
            return;
        }
        let head = self.shared.head.swap(AWAKE, AcqRel);
        self.take(head);
        let left = core::mem::take(&mut self.bits);
        let block = self.block(self.current);
        if left != 0 && block.woken.fetch_or(left, AcqRel) == 0 {
            // Rule 1: it is in hand and in no list.
            self.rest = self.sorted_into(self.rest, self.current + FIRST);
        }
    }

    /// Goes to sleep, unless something was woken meanwhile.
    fn sleep(&mut self, waker: &Waker) -> bool {
        // SAFETY: `&mut self`, and nobody else registers or closes.
        unsafe { self.shared.parent.register(waker) };
        if bug(80) {
            self.shared.head.store(ASLEEP, Release);
            return true;
        }
        self.shared.head.compare_exchange(AWAKE, ASLEEP).is_ok()
    }
}

impl Driver for Woken {
    fn visit<R>(
        &mut self,
        count: usize,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(usize, &mut Context<'_>) -> Step<R>,
    ) -> Poll<(usize, R)> {
        self.begin();
        // Each child once, more or less: children that wake themselves do not keep the executor.
        let mut left = count.max(BLOCK);
        loop {
            let Some(index) = self.next() else {
                if self.sleep(cx.waker()) {
                    return Poll::Pending;
                }
                continue;
            };
            if left == 0 {
                self.bits |= 1 << (index % BLOCK);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            left -= 1;
            // A child that panics counts as woken.
            let unwinding = Again { woken: self, index };
            let step = poll(index, &mut Context::from_waker(&unwinding.woken.waker(index)));
            core::mem::forget(unwinding);
            if bug(82) {
                self.block(self.current).woken.fetch_and(!(1 << (index % BLOCK)), AcqRel);
            }
            match step {
                Step::Nothing | Step::Over => {}
                Step::Done(output) => return Poll::Ready((index, output)),
                Step::Item(item) => {
                    self.wake(index);
                    return Poll::Ready((index, item));
                }
            }
        }
    }

    fn bias(&mut self) {
        // What stands in the list, from the first turn, is sorted.
        let rest = core::mem::replace(&mut self.rest, AWAKE);
        self.biased = true;
        self.pivot = 0;
        self.take(rest);
    }
}

impl Drop for Woken {
    fn drop(&mut self) {
        // SAFETY: `&mut self`, and nobody else registers or closes.
        unsafe { self.shared.parent.close() };
    }
}

struct Again<'a> {
    woken: &'a Woken,
    index: usize,
}

impl Drop for Again<'_> {
    fn drop(&mut self) {
        self.woken.wake(self.index);
    }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(
    |data| {
        // SAFETY: the waker that is cloned keeps the chunk alive.
        unsafe { Arc::increment_strong_count(chunk_of(data)) };
        RawWaker::new(data, &VTABLE)
    },
    |data| {
        // SAFETY: this waker's reference goes at the end, also when the parent's waker panics.
        let _chunk = unsafe { Arc::from_raw(chunk_of(data)) };
        wake_by_ref(data);
    },
    wake_by_ref,
    // SAFETY: gives back this waker's own reference.
    |data| unsafe { Arc::decrement_strong_count(chunk_of(data)) },
);

fn wake_by_ref(data: *const ()) {
    let (block, bit) = split(data);
    // SAFETY: whoever calls a waker keeps its chunk alive.
    unsafe { (*block).wake(bit) };
}

/// The block and the number of the child in it.
fn split(data: *const ()) -> (*const Block, u32) {
    let bit = data.addr() % BLOCK;
    (data.wrapping_byte_sub(bit).cast(), bit as u32)
}

/// The chunk of the block, as it came from its `Arc`.
///
/// # Safety
///
/// `data` is that of a living waker.
unsafe fn chunk_of(data: *const ()) -> *const [Block] {
    let (block, _) = split(data);
    // SAFETY: the chunk lives, and the fields of a block do not change.
    let (position, len) = unsafe { ((*block).position, (*block).chunk_len) };
    core::ptr::slice_from_raw_parts(block.wrapping_sub(position as usize), len as usize)
}

#[cfg(all(test, not(loom)))]
mod tests {
    extern crate std;

    use super::{BLOCK, Woken, locate};
    use crate::combine::child::Step;
    use crate::combine::running::Driver;
    use alloc::vec::Vec;
    use core::task::{Context, Poll, Waker};
    use std::thread;

    /// Which children are polled now; their wakers.
    fn polled(woken: &mut Woken, count: usize) -> Vec<(usize, Waker)> {
        let mut polled = Vec::new();
        let pending = woken.visit(count, &mut Context::from_waker(Waker::noop()), |index, cx| {
            polled.push((index, cx.waker().clone()));
            Step::<()>::Nothing
        });
        assert_eq!(pending, Poll::Pending);
        polled.sort_by_key(|(index, _)| *index);
        polled
    }

    #[test]
    fn each_waker_wakes_its_child_from_any_thread_and_may_outlive_the_set() {
        for count in [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5] {
            let mut woken = Woken::all(count);
            let wakers = polled(&mut woken, count);
            assert!(wakers.iter().map(|(index, _)| *index).eq(0..count));
            assert!(polled(&mut woken, count).is_empty());
            for (index, waker) in &wakers {
                waker.wake_by_ref();
                let waker = waker.clone();
                thread::spawn(move || waker.wake()).join().unwrap();
                let again = polled(&mut woken, count);
                assert_eq!(again.len(), 1);
                assert!(again[0].0 == *index && again[0].1.will_wake(waker_of(&wakers, *index)));
            }
            drop(woken);
            wakers.into_iter().for_each(|(_, waker)| waker.wake());
        }
    }

    fn waker_of(wakers: &[(usize, Waker)], index: usize) -> &Waker {
        &wakers[index].1
    }

    #[test]
    fn a_set_that_grows_keeps_its_wakers() {
        let mut woken = Woken::none(1);
        let mut wakers = Vec::new();
        for doubled in 0..4 {
            let from = if doubled == 0 { 0 } else { BLOCK << (doubled - 1) };
            (from..BLOCK << doubled).for_each(|index| woken.wake(index));
            wakers.extend(polled(&mut woken, usize::MAX));
            wakers.iter().for_each(|(_, waker)| waker.wake_by_ref());
            assert_eq!(polled(&mut woken, usize::MAX).len(), BLOCK << doubled);
            woken.grow();
        }
    }

    #[test]
    fn places_are_numbered_through_all_chunks() {
        for first in [1, 2, 3, 7] {
            let mut expected = (0..first).map(|n| (None, n)).collect::<Vec<_>>();
            for chunk in 0..4 {
                expected.extend((0..first << chunk).map(|n| (Some(chunk), n)));
            }
            let located = (0..expected.len()).map(|n| locate(n, first));
            assert!(located.eq(expected));
        }
    }
}
