//! The first output: [`race`], and [`select`], which keeps the others.

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use futures_core::future::FusedFuture;
use pin_project_lite::pin_project;

use super::child::{Racer, opaque};
use super::children::{Array, Boxed, Children, Nil, Pair, for_tuples, pairs, pairs_of};
use super::running::{Driver, Rotation, Running};
use super::woken::Woken;

/// Futures of which one output is wanted: tuples, arrays and `Vec`s. See [`race`].
pub trait Race {
    /// What each of them gives.
    type Output;
    /// The children.
    #[doc(hidden)]
    type Children: Children<Output = Self::Output>;
    /// Who decides which of them are polled.
    #[doc(hidden)]
    type Driver: Driver;

    /// As the function [`race`].
    fn race(self) -> RaceFuture<Self::Children, Self::Driver>;
}

/// Runs the futures together until the first is ready, and drops the others: a tuple, an array or a `Vec`, all with the
/// same output.
///
/// Of several that are ready, another one wins each time, unless it is [`biased`](RaceFuture::biased). The
/// [module](crate::combine#what-a-loser-loses) tells what a loser loses.
///
/// # Panics
///
/// When a `Vec` is empty: nobody would win; an empty array does not compile. When polled again after it was ready. A
/// future that panics is polled again with the next poll.
///
/// # Cancel safety
///
/// Dropping it drops the futures.
///
/// # Examples
///
/// ```
/// # use core::{future::{pending, ready}, pin::pin, task::{Context, Poll, Waker}};
/// use zigflow_core::race;
///
/// let mut first = pin!(race((pending(), ready(2))));
/// # let mut cx = Context::from_waker(Waker::noop());
/// assert_eq!(first.as_mut().poll(&mut cx), Poll::Ready(2));
/// ```
///
/// ```compile_fail,E0080
/// let nobody: [core::future::Ready<()>; 0] = [];
/// zigflow_core::race(nobody);
/// ```
#[track_caller]
pub fn race<R: Race>(futures: R) -> RaceFuture<R::Children, R::Driver> {
    futures.race()
}

/// Futures of which one output is wanted, and the other futures too: arrays and `Vec`s. See [`select`].
pub trait Select {
    /// What each of them gives.
    type Output;
    /// The other futures.
    type Rest;
    /// The children.
    #[doc(hidden)]
    type Children: Children<Output = Self::Output> + Others<Others = Self::Rest> + Unpin;
    /// Who decides which of them are polled.
    #[doc(hidden)]
    type Driver: Driver + Unpin;

    /// As the function [`select`].
    fn select(self) -> SelectFuture<Self::Children, Self::Driver>;
}

/// Runs the futures together until the first is ready, and tells which; the others come back and can go on. They have
/// to be `Unpin`, for they move: `Box::pin` makes any future so.
///
/// A `Vec` loses the winner and keeps its order. An array comes back as `Option`s, with `None` at the winner's place.
/// For tuples of different futures there is the macro [`select!`](macro@crate::select).
///
/// # Panics
///
/// As [`race`].
///
/// # Cancel safety
///
/// As [`race`].
///
/// # Examples
///
/// ```
/// # use core::{future::{pending, ready}, pin::Pin, task::{Context, Poll, Waker}};
/// use zigflow_core::select;
///
/// type Number = Pin<Box<dyn Future<Output = u32>>>;
/// let numbers: Vec<Number> = vec![Box::pin(pending()), Box::pin(ready(7)), Box::pin(ready(8))];
/// let mut first = select(numbers).biased();
/// # let mut cx = Context::from_waker(Waker::noop());
/// let Poll::Ready(first) = Pin::new(&mut first).poll(&mut cx) else { panic!() };
/// assert_eq!((first.index, first.output, first.rest.len()), (1, 7, 2));
/// ```
#[track_caller]
pub fn select<S: Select>(futures: S) -> SelectFuture<S::Children, S::Driver> {
    futures.select()
}

/// The winner of a [`select`], and the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selected<T, R> {
    /// Which future was ready, counted in what `select` was given.
    pub index: usize,
    /// What it gave.
    pub output: T,
    /// The others.
    pub rest: R,
}

pin_project! {
    /// The future of [`race`].
    #[must_use = "futures do nothing unless polled"]
    pub struct RaceFuture<C, D> {
        // `None` once it was ready.
        #[pin]
        running: Option<Running<C, D>>,
    }
}

/// The future of [`select`].
#[must_use = "futures do nothing unless polled"]
pub struct SelectFuture<C, D> {
    /// `None` once it was ready.
    running: Option<Running<C, D>>,
}

impl<C: Children, D: Driver> RaceFuture<C, D> {
    fn new(children: C, driver: D) -> Self {
        Self { running: Some(Running::new(children, driver)) }
    }

    /// Of several that are ready, the first in order wins.
    pub fn biased(mut self) -> Self {
        if let Some(running) = &mut self.running {
            running.driver.bias();
        }
        self
    }
}

impl<C: Children, D: Driver> SelectFuture<C, D> {
    fn new(children: C, driver: D) -> Self {
        Self { running: Some(Running::new(children, driver)) }
    }

    /// Of several that are ready, the first in order wins.
    pub fn biased(mut self) -> Self {
        if let Some(running) = &mut self.running {
            running.driver.bias();
        }
        self
    }
}

impl<C: Children, D: Driver> Future for RaceFuture<C, D> {
    type Output = C::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C::Output> {
        let mut this = self.project();
        let Some(running) = this.running.as_mut().as_pin_mut() else {
            panic!("`race` polled after completion");
        };
        // Not empty, and a future that is over ends the race.
        let (_, output) = ready!(running.poll(cx)).expect("a race has a winner");
        this.running.set(None);
        Poll::Ready(output)
    }
}

impl<C, D> Future for SelectFuture<C, D>
where
    C: Children + Others + Unpin,
    D: Driver + Unpin,
{
    type Output = Selected<C::Output, C::Others>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(running) = &mut self.running else {
            panic!("`select` polled after completion");
        };
        let (index, output) = ready!(Pin::new(running).poll(cx)).expect("a race has a winner");
        let running = self.running.take().expect("it was polled");
        Poll::Ready(Selected { index, output, rest: running.children.others(index) })
    }
}

impl<C: Children, D: Driver> FusedFuture for RaceFuture<C, D> {
    fn is_terminated(&self) -> bool {
        self.running.is_none()
    }
}

impl<C, D> FusedFuture for SelectFuture<C, D>
where
    C: Children + Others + Unpin,
    D: Driver + Unpin,
{
    fn is_terminated(&self) -> bool {
        self.running.is_none()
    }
}

/// Children that can be given back.
pub trait Others {
    /// Without one.
    type Others;

    /// Drops the winner.
    fn others(self, winner: usize) -> Self::Others;
}

impl<F: Unpin> Others for Boxed<Racer<F>> {
    type Others = Vec<F>;

    fn others(self, winner: usize) -> Vec<F> {
        let children = Pin::into_inner(self.0).into_vec();
        let mut others: Vec<F> = children.into_iter().map(|child| child.future).collect();
        drop(others.remove(winner));
        others
    }
}

impl<F: Unpin, const N: usize> Others for Array<Racer<F>, N> {
    type Others = [Option<F>; N];

    fn others(self, winner: usize) -> [Option<F>; N] {
        let mut others = self.children.map(|child| Some(child.future));
        others[winner] = None;
        others
    }
}

const fn not_empty(count: usize) {
    assert!(count > 0, "nobody can win a race of zero futures");
}

impl<F: Future, const N: usize> Race for [F; N] {
    type Output = F::Output;
    type Children = Array<Racer<F>, N>;
    type Driver = Rotation;

    fn race(self) -> RaceFuture<Self::Children, Rotation> {
        const { not_empty(N) };
        let children = Array { children: self.map(|future| Racer { future }) };
        RaceFuture::new(children, Rotation::new(N))
    }
}

impl<F: Future> Race for Vec<F> {
    type Output = F::Output;
    type Children = Boxed<Racer<F>>;
    type Driver = Woken;

    #[track_caller]
    fn race(self) -> RaceFuture<Self::Children, Woken> {
        not_empty(self.len());
        let driver = Woken::all(self.len());
        RaceFuture::new(Boxed::new(self.into_iter().map(|future| Racer { future })), driver)
    }
}

impl<F: Future + Unpin, const N: usize> Select for [F; N] {
    type Output = F::Output;
    type Rest = [Option<F>; N];
    type Children = Array<Racer<F>, N>;
    type Driver = Rotation;

    fn select(self) -> SelectFuture<Self::Children, Rotation> {
        const { not_empty(N) };
        let children = Array { children: self.map(|future| Racer { future }) };
        SelectFuture::new(children, Rotation::new(N))
    }
}

impl<F: Future + Unpin> Select for Vec<F> {
    type Output = F::Output;
    type Rest = Vec<F>;
    type Children = Boxed<Racer<F>>;
    type Driver = Woken;

    #[track_caller]
    fn select(self) -> SelectFuture<Self::Children, Woken> {
        not_empty(self.len());
        let driver = Woken::all(self.len());
        SelectFuture::new(Boxed::new(self.into_iter().map(|future| Racer { future })), driver)
    }
}

macro_rules! tuples {
    ($($Type:ident $name:ident $Output:ident,)+) => {
        impl<Out, $($Type: Future<Output = Out>),+> Race for ($($Type,)+) {
            type Output = Out;
            type Children = pairs_of!(Out; $(Racer<$Type>,)+);
            type Driver = Rotation;

            fn race(self) -> RaceFuture<Self::Children, Rotation> {
                let ($($name,)+) = self;
                let children = pairs!($(Racer { future: $name },)+);
                let driver = Rotation::new(children.count());
                RaceFuture::new(children, driver)
            }
        }
    };
}
for_tuples!(tuples);

opaque! {
    RaceFuture [C, D] [C, D];
    SelectFuture [C, D] [C, D];
}
