//! One child of a combinator: what a poll of it comes to, and where its output is kept.

use core::convert::Infallible;
use core::fmt;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};

use futures_core::stream::Stream;
use pin_project_lite::pin_project;

/// What a poll of a child came to.
#[derive(Debug)]
pub enum Step<T> {
    /// It is pending, or was over before.
    Nothing,
    /// It is over, and has nothing to say.
    Over,
    /// It is over, and this is what the combinator has waited for.
    Done(T),
    /// One of several things; the child goes on.
    Item(T),
}

impl<T> Step<T> {
    pub(super) fn map<U>(self, f: impl FnOnce(T) -> U) -> Step<U> {
        match self {
            Self::Nothing => Step::Nothing,
            Self::Over => Step::Over,
            Self::Done(output) => Step::Done(f(output)),
            Self::Item(item) => Step::Item(f(item)),
        }
    }
}

/// One child, in its place.
pub trait Child {
    /// What the combinator passes on.
    type Output;

    /// Polls what is there.
    fn step(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Step<Self::Output>;

    /// What a stream says about its length.
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, None)
    }
}

pin_project! {
    /// A future whose output is passed on.
    pub struct Racer<F> {
        #[pin]
        pub(super) future: F,
    }
}

impl<F: Future> Child for Racer<F> {
    type Output = F::Output;

    fn step(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Step<F::Output> {
        match self.project().future.poll(cx) {
            Poll::Ready(output) => Step::Done(output),
            Poll::Pending => Step::Nothing,
        }
    }
}

/// Which outputs are kept until all are there, and which are passed on at once.
pub trait Judge<O> {
    /// What is kept.
    type Kept;
    /// What is passed on.
    type Stop;

    /// Looks at an output.
    fn judge(output: O) -> Result<Self::Kept, Self::Stop>;
}

/// Keeps all outputs.
#[derive(Debug)]
pub enum All {}

impl<O> Judge<O> for All {
    type Kept = O;
    type Stop = Infallible;

    fn judge(output: O) -> Result<O, Infallible> {
        Ok(output)
    }
}

/// Keeps what is `Ok`; an error is passed on.
#[derive(Debug)]
pub enum Try {}

impl<T, E> Judge<Result<T, E>> for Try {
    type Kept = T;
    type Stop = E;

    fn judge(output: Result<T, E>) -> Result<T, E> {
        output
    }
}

pin_project! {
    /// A future, and then the output that is kept.
    #[project = SlotParts]
    #[project_replace = SlotOwned]
    pub enum Slot<F, J>
    where
        F: Future,
        J: Judge<F::Output>,
    {
        Running { #[pin] future: F },
        Kept { output: J::Kept },
        Empty { judge: PhantomData<J> },
    }
}

impl<F: Future, J: Judge<F::Output>> Slot<F, J> {
    const EMPTY: Self = Self::Empty { judge: PhantomData };

    pub(super) fn new(future: F) -> Self {
        Self::Running { future }
    }

    /// The output that was kept.
    pub(super) fn take(self: Pin<&mut Self>) -> J::Kept {
        match self.project_replace(Self::EMPTY) {
            SlotOwned::Kept { output } => output,
            // All children are over, and none was stopped, or nobody would ask.
            SlotOwned::Running { .. } | SlotOwned::Empty { .. } => unreachable!("no output"),
        }
    }
}

impl<F: Future, J: Judge<F::Output>> Child for Slot<F, J> {
    type Output = J::Stop;

    fn step(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Step<J::Stop> {
        let SlotParts::Running { future } = self.as_mut().project() else { return Step::Nothing };
        let Poll::Ready(output) = future.poll(cx) else { return Step::Nothing };
        match J::judge(output) {
            Ok(output) => {
                self.set(Self::Kept { output });
                Step::Over
            }
            Err(stop) => {
                self.set(Self::EMPTY);
                Step::Done(stop)
            }
        }
    }
}

pin_project! {
    /// A stream, until its end.
    pub struct Flow<S> {
        #[pin]
        pub(super) stream: Option<S>,
    }
}

impl<S: Stream> Child for Flow<S> {
    type Output = S::Item;

    fn step(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Step<S::Item> {
        let mut this = self.project();
        let Some(stream) = this.stream.as_mut().as_pin_mut() else { return Step::Nothing };
        match stream.poll_next(cx) {
            Poll::Pending => Step::Nothing,
            Poll::Ready(Some(item)) => Step::Item(item),
            Poll::Ready(None) => {
                this.stream.set(None);
                Step::Over
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}

/// The length of two together.
pub(super) fn sum(a: (usize, Option<usize>), b: (usize, Option<usize>)) -> (usize, Option<usize>) {
    (a.0.saturating_add(b.0), a.1.and_then(|a| a.checked_add(b.1?)))
}

/// `Debug` of what holds strangers' futures: the name.
macro_rules! opaque {
    ($($name:ident [$($generic:tt)*] [$($bound:tt)*];)*) => {$(
        impl<$($generic)*> fmt::Debug for $name<$($bound)*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}
pub(super) use opaque;

opaque! {
    Racer [F] [F];
    Slot [F: Future, J: Judge<F::Output>] [F, J];
    Flow [S] [S];
}
