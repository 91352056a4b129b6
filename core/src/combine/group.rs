//! Futures or streams that come and go: [`FutureGroup`] and [`StreamGroup`].

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};

use futures_core::stream::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::child::{Step, sum};
use super::merge::Budget;
use super::running::Driver;
use super::woken::{BLOCK, Woken, locate};

/// A member of a group, until it is over or removed. Keys of one group mean nothing in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    index: usize,
    // How many members have left this place before.
    generation: u64,
}

/// Behind the last free place.
const NONE: usize = usize::MAX;

pin_project! {
    struct Place<T> {
        #[pin]
        member: Option<T>,
        generation: u64,
        // While it is free.
        next_free: usize,
    }
}

type Chunk<T> = Pin<Box<[Place<T>]>>;

/// Places for members, which never move: chunk 0, then each doubles what there is.
struct Places<T> {
    first: Chunk<T>,
    more: Vec<Chunk<T>>,
    free: usize,
    len: usize,
}

/// Free places from `from` on; behind the last one is `NONE`.
fn chunk<T>(from: usize, count: usize) -> Chunk<T> {
    let place = |index| {
        let next_free = if index + 1 < from + count { index + 1 } else { NONE };
        Place { member: None, generation: 0, next_free }
    };
    Box::into_pin((from..from + count).map(place).collect())
}

impl<T> Places<T> {
    fn new(count: usize) -> Self {
        Self { first: chunk(0, count), more: Vec::new(), free: 0, len: 0 }
    }

    /// All places are taken.
    fn grow(&mut self) {
        let count = self.first.len() << self.more.len();
        self.more.push(chunk(count, count));
        self.free = count;
    }

    fn at(&mut self, index: usize) -> Pin<&mut Place<T>> {
        let (chunk, position) = locate(index, self.first.len());
        let chunk = match chunk {
            None => self.first.as_mut(),
            Some(chunk) => self.more[chunk].as_mut(),
        };
        super::children::child(chunk, position)
    }

    fn get(&self, index: usize) -> Option<&Place<T>> {
        let (chunk, position) = locate(index, self.first.len());
        chunk.map_or(Some(&self.first), |chunk| self.more.get(chunk))?.get(position)
    }

    fn has(&self, key: Key) -> bool {
        let place = self.get(key.index);
        place.is_some_and(|place| place.generation == key.generation && place.member.is_some())
    }

    /// Into the first free place, which there is.
    fn insert(&mut self, member: T) -> Key {
        let index = self.free;
        let mut place = self.at(index).project();
        place.member.set(Some(member));
        let (next_free, generation) = (*place.next_free, *place.generation);
        self.free = next_free;
        self.len += 1;
        Key { index, generation }
    }

    /// Drops the member, who is there.
    fn remove(&mut self, index: usize) {
        let next_free = core::mem::replace(&mut self.free, index);
        self.len -= 1;
        let mut place = self.at(index).project();
        *place.generation += 1;
        *place.next_free = next_free;
        place.member.set(None);
    }
}

/// Takes a member out whose poll has panicked.
struct Leaving<'a, T> {
    places: &'a mut Places<T>,
    index: usize,
}

impl<T> Drop for Leaving<'_, T> {
    fn drop(&mut self) {
        self.places.remove(self.index);
    }
}

/// What both groups are.
struct Members<T> {
    // Before the wakers' side: members may wake when they go.
    places: Places<T>,
    woken: Woken,
    budget: Budget,
}

impl<T> Members<T> {
    fn new(capacity: usize) -> Self {
        let blocks = capacity.div_ceil(BLOCK).max(1);
        let places = Places::new(blocks * BLOCK);
        Self { places, woken: Woken::none(blocks * BLOCK), budget: Budget::FULL }
    }

    fn insert(&mut self, member: T) -> Key {
        if self.places.free == NONE {
            self.woken.grow();
            self.places.grow();
        }
        let key = self.places.insert(member);
        self.woken.wake(key.index);
        key
    }

    fn remove(&mut self, key: Key) -> bool {
        let has = self.places.has(key);
        if has {
            self.places.remove(key.index);
        }
        has
    }

    fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut step: impl FnMut(Pin<&mut T>, &mut Context<'_>) -> Step<R>,
    ) -> Poll<Option<(Key, R)>> {
        let Self { places, woken, budget } = self;
        if places.len == 0 {
            return Poll::Ready(None);
        }
        if budget.is_spent(cx) {
            return Poll::Pending;
        }
        let polled = woken.visit(places.len, cx, |index, cx| {
            let place = places.at(index);
            let generation = place.generation;
            if place.member.is_none() {
                return Step::Nothing; // woken by a waker of who was here before
            }
            let leaving = Leaving { places, index };
            let member = leaving.places.at(index).project().member.as_pin_mut().expect("a member");
            let step = step(member, cx).map(|output| Some((Key { index, generation }, output)));
            match step {
                Step::Nothing | Step::Item(_) => {
                    core::mem::forget(leaving);
                    step
                }
                Step::Done(_) => step,
                Step::Over => {
                    drop(leaving);
                    if places.len == 0 { Step::Done(None) } else { Step::Nothing }
                }
            }
        });
        budget.count(&polled);
        polled.map(|(_, output)| output)
    }
}

macro_rules! group {
    ($(#[$doc:meta])* $Group:ident, $Member:ident: $Trait:ident, $Item:ty; $poll:expr) => {
        $(#[$doc])*
        pub struct $Group<$Member> {
            members: Members<$Member>,
        }

        impl<$Member> $Group<$Member> {
            /// An empty group.
            pub fn new() -> Self {
                Self::with_capacity(0)
            }

            /// An empty group with room for `count` members, or some more.
            pub fn with_capacity(count: usize) -> Self {
                Self { members: Members::new(count) }
            }

            /// Adds a member, which is polled with the group's next poll; a task that waits for the group is woken.
            ///
            /// # Panics
            ///
            /// As the waker of the task that waits.
            pub fn insert(&mut self, member: $Member) -> Key {
                self.members.insert(member)
            }

            /// Drops a member. False: it is over, or was removed before.
            ///
            /// # Panics
            ///
            /// As the member's drop.
            pub fn remove(&mut self, key: Key) -> bool {
                self.members.remove(key)
            }

            /// Whether the member is there.
            pub fn contains(&self, key: Key) -> bool {
                self.members.places.has(key)
            }

            /// How many members there are.
            pub fn len(&self) -> usize {
                self.members.places.len
            }

            /// Whether there are none.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }
        }

        impl<$Member: $Trait> $Group<$Member> {
            /// Polls for what comes next and tells from which member. `None` when the group is empty.
            ///
            /// # Panics
            ///
            /// As a member does. That member is dropped; the others are not touched.
            pub fn poll_next_keyed(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Key, $Item)>> {
                self.members.poll(cx, $poll)
            }

            /// What comes next and from which member, as a future.
            ///
            /// # Panics
            ///
            /// As [`poll_next_keyed`](Self::poll_next_keyed).
            ///
            /// # Cancel safety
            ///
            /// Nothing is lost.
            pub fn next_keyed(&mut self) -> impl Future<Output = Option<(Key, $Item)>> {
                core::future::poll_fn(move |cx| self.poll_next_keyed(cx))
            }
        }

        impl<$Member: $Trait> Stream for $Group<$Member> {
            type Item = $Item;

            fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<$Item>> {
                self.poll_next_keyed(cx).map(|next| next.map(|(_, item)| item))
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                self.hint()
            }
        }

        impl<$Member: $Trait> FusedStream for $Group<$Member> {
            fn is_terminated(&self) -> bool {
                self.is_empty()
            }
        }

        impl<$Member> Default for $Group<$Member> {
            fn default() -> Self {
                Self::new()
            }
        }

        impl<$Member> Extend<$Member> for $Group<$Member> {
            fn extend<I: IntoIterator<Item = $Member>>(&mut self, members: I) {
                for member in members {
                    self.insert(member);
                }
            }
        }

        impl<$Member> FromIterator<$Member> for $Group<$Member> {
            fn from_iter<I: IntoIterator<Item = $Member>>(members: I) -> Self {
                let members = members.into_iter();
                let mut group = Self::with_capacity(members.size_hint().0);
                group.extend(members);
                group
            }
        }

        impl<$Member> fmt::Debug for $Group<$Member> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Group)).field("len", &self.len()).finish_non_exhaustive()
            }
        }
    };
}

group! {
    /// Futures that come and go, as a stream of their outputs: first ready, first out.
    ///
    /// Only members that were woken are polled. A member that is ready is dropped. The stream ends when the group is
    /// empty, and goes on when something was inserted after that.
    ///
    /// After [`DEFAULT_BUDGET`](crate::DEFAULT_BUDGET) outputs it yields to the executor once. A group takes its memory in chunks, keeps it until it is dropped, and uses places again: members that
    /// come and go allocate nothing.
    ///
    /// # Panics
    ///
    /// A poll panics as a member does. That member is dropped; the group can be used on.
    ///
    /// # Cancel safety
    ///
    /// Waiting for the next output loses nothing when it is dropped. Dropping the group drops its members.
    ///
    /// # Examples
    ///
    /// ```
    /// # use core::{future::{Ready, ready}, pin::Pin, task::{Context, Poll, Waker}};
    /// use futures_core::Stream;
    /// use zigflow_core::FutureGroup;
    ///
    /// let mut group = FutureGroup::new();
    /// let first = group.insert(ready(1));
    /// group.insert(ready(2));
    /// assert!(group.remove(first));
    /// # let mut cx = Context::from_waker(Waker::noop());
    /// # let mut next = || Pin::new(&mut group).poll_next(&mut cx);
    /// assert_eq!(next(), Poll::Ready(Some(2)));
    /// assert_eq!(next(), Poll::Ready(None));
    /// ```
    FutureGroup, F: Future, F::Output;
    |future, cx| match future.poll(cx) {
        Poll::Ready(output) => Step::Done(output),
        Poll::Pending => Step::Nothing,
    }
}

impl<F> FutureGroup<F> {
    fn hint(&self) -> (usize, Option<usize>) {
        (self.len(), Some(self.len()))
    }
}

group! {
    /// Streams that come and go, as one stream of their items, in turns.
    ///
    /// Only members that were woken are polled. A member that has ended is dropped. The stream ends when the group is
    /// empty, and goes on when something was inserted after that. After [`DEFAULT_BUDGET`](crate::DEFAULT_BUDGET) items it yields to the
    /// executor once.
    ///
    /// Its memory is as that of a [`FutureGroup`].
    ///
    /// # Panics
    ///
    /// A poll panics as a member does. That member is dropped; the group can be used on.
    ///
    /// # Cancel safety
    ///
    /// Waiting for the next item loses nothing when it is dropped. Dropping the group drops its members.
    ///
    /// # Examples
    ///
    /// ```
    /// # use core::{pin::Pin, task::{Context, Poll, Waker}};
    /// use zigflow_core::{StreamGroup, mpmc};
    ///
    /// let mut group = StreamGroup::new();
    /// let (jobs, receiver) = mpmc::channel(4);
    /// let member = group.insert(receiver);
    /// jobs.try_send(7).unwrap();
    /// # let mut cx = Context::from_waker(Waker::noop());
    /// assert_eq!(group.poll_next_keyed(&mut cx), Poll::Ready(Some((member, Ok(7)))));
    /// ```
    StreamGroup, S: Stream, S::Item;
    |stream, cx| match stream.poll_next(cx) {
        Poll::Ready(Some(item)) => Step::Item(item),
        Poll::Ready(None) => Step::Over,
        Poll::Pending => Step::Nothing,
    }
}

impl<S: Stream> StreamGroup<S> {
    fn hint(&self) -> (usize, Option<usize>) {
        let Places { first, more, .. } = &self.members.places;
        let places = first.iter().chain(more.iter().flat_map(|chunk| chunk.iter()));
        let members = places.filter_map(|place| place.member.as_ref());
        members.map(S::size_hint).fold((0, Some(0)), sum)
    }
}
