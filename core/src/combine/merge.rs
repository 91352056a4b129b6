//! The items of all streams as they come: [`merge`].

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};

use futures_core::stream::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::child::{Flow, opaque};
use super::children::{Array, Boxed, Children, Nil, Pair, for_tuples, pairs, pairs_of};
use super::running::{Driver, Rotation, Running};
use super::woken::Woken;
use crate::source::DEFAULT_BUDGET;

/// Streams whose items are wanted as they come: tuples, arrays and `Vec`s. See [`merge`].
pub trait Merge {
    /// What each of them yields.
    type Item;
    /// The children.
    #[doc(hidden)]
    type Children: Children<Output = Self::Item>;
    /// Who decides which of them are polled.
    #[doc(hidden)]
    type Driver: Driver;

    /// As the function [`merge`].
    fn merge(self) -> MergeStream<Self::Children, Self::Driver>;
}

/// The items of the streams as they come, until all have ended: a tuple, an array or a `Vec`, all with the same items.
/// Without any it ends at once.
///
/// Streams that have items take turns, unless it is [`biased`](MergeStream::biased). A stream that has
/// ended is dropped at once. After [`DEFAULT_BUDGET`](crate::DEFAULT_BUDGET) items it yields to the executor once, whatever is ready.
///
/// # Panics
///
/// As its streams do; one that panics is polled again.
///
/// # Cancel safety
///
/// Between two polls it holds no item. Dropping it drops the streams.
///
/// # Examples
///
/// ```
/// # use core::{pin::Pin, task::{Context, Poll, Waker}};
/// use futures_core::Stream;
/// use zigflow_core::{merge, spsc};
///
/// let (mut numbers, a) = spsc::channel(1);
/// let (_silent, b) = spsc::channel(1);
/// let mut both = merge([a, b]);
/// numbers.try_send(7).unwrap();
/// # let mut cx = Context::from_waker(Waker::noop());
/// assert_eq!(Pin::new(&mut both).poll_next(&mut cx), Poll::Ready(Some(Ok(7))));
/// ```
pub fn merge<M: Merge>(streams: M) -> MergeStream<M::Children, M::Driver> {
    streams.merge()
}

/// How many items may follow each other before the executor has its turn.
#[derive(Debug)]
pub(super) struct Budget(u32);

impl Budget {
    pub(super) const FULL: Self = Self(DEFAULT_BUDGET);

    /// Whether it is used up: then the task is woken, and has to be pending.
    pub(super) fn is_spent(&mut self, cx: &Context<'_>) -> bool {
        let spent = self.0 == 0;
        if spent {
            *self = Self::FULL;
            cx.waker().wake_by_ref();
        }
        spent
    }

    pub(super) fn count<T>(&mut self, polled: &Poll<T>) {
        self.0 = if polled.is_pending() { DEFAULT_BUDGET } else { self.0 - 1 };
    }
}

pin_project! {
    /// The stream of [`merge`].
    #[must_use = "streams do nothing unless polled"]
    pub struct MergeStream<C, D> {
        // `None` after the end.
        #[pin]
        running: Option<Running<C, D>>,
        budget: Budget,
    }
}

impl<C: Children, D: Driver> MergeStream<C, D> {
    fn new(children: C, driver: D) -> Self {
        Self { running: Some(Running::new(children, driver)), budget: Budget::FULL }
    }

    /// The first stream in order that has an item has precedence. One that always has starves the others.
    pub fn biased(mut self) -> Self {
        if let Some(running) = &mut self.running {
            running.driver.bias();
        }
        self
    }
}

impl<C: Children, D: Driver> Stream for MergeStream<C, D> {
    type Item = C::Output;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<C::Output>> {
        let mut this = self.project();
        let Some(running) = this.running.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        if this.budget.is_spent(cx) {
            return Poll::Pending;
        }
        let polled = running.poll(cx);
        this.budget.count(&polled);
        if let Poll::Ready(None) = polled {
            this.running.set(None);
        }
        polled.map(|item| item.map(|(_, item)| item))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.running.as_ref().map_or((0, Some(0)), |running| running.children.size_hint())
    }
}

impl<C: Children, D: Driver> FusedStream for MergeStream<C, D> {
    fn is_terminated(&self) -> bool {
        self.running.is_none()
    }
}

impl<S: Stream> Flow<S> {
    fn new(stream: S) -> Self {
        Self { stream: Some(stream) }
    }
}

impl<S: Stream, const N: usize> Merge for [S; N] {
    type Item = S::Item;
    type Children = Array<Flow<S>, N>;
    type Driver = Rotation;

    fn merge(self) -> MergeStream<Self::Children, Rotation> {
        MergeStream::new(Array { children: self.map(Flow::new) }, Rotation::new(N))
    }
}

impl<S: Stream> Merge for Vec<S> {
    type Item = S::Item;
    type Children = Boxed<Flow<S>>;
    type Driver = Woken;

    fn merge(self) -> MergeStream<Self::Children, Woken> {
        let driver = Woken::all(self.len());
        MergeStream::new(Boxed::new(self.into_iter().map(Flow::new)), driver)
    }
}

macro_rules! tuples {
    ($($Type:ident $name:ident $Output:ident,)+) => {
        impl<Out, $($Type: Stream<Item = Out>),+> Merge for ($($Type,)+) {
            type Item = Out;
            type Children = pairs_of!(Out; $(Flow<$Type>,)+);
            type Driver = Rotation;

            fn merge(self) -> MergeStream<Self::Children, Rotation> {
                let ($($name,)+) = self;
                let children = pairs!($(Flow::new($name),)+);
                let driver = Rotation::new(children.count());
                MergeStream::new(children, driver)
            }
        }
    };
}
for_tuples!(tuples);

opaque! {
    MergeStream [C, D] [C, D];
}
