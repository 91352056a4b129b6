//! All outputs: [`join`], and [`try_join`], which ends with the first error.

use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use futures_core::future::FusedFuture;
use pin_project_lite::pin_project;

use super::child::{All, Slot, Try, opaque};
use super::children::{Array, Boxed, Children, Nil, Outputs, Pair, for_tuples, pairs, pairs_of};
use super::running::{Driver, Rotation, Running};
use super::woken::Woken;

/// Futures of which all outputs are wanted: tuples, arrays and `Vec`s. See [`join`].
pub trait Join {
    /// All outputs, in the order of the futures.
    type Output;
    /// What gives them.
    type Future: Future<Output = Self::Output>;

    /// As the function [`join`].
    fn join(self) -> Self::Future;
}

/// Runs the futures together until all are ready: a tuple, an array or a `Vec`. Without any, it is ready at once.
///
/// A future that is ready is dropped at once; its output is kept.
///
/// # Panics
///
/// When polled again after it was ready. A future that panics is polled again with the next poll.
///
/// # Cancel safety
///
/// Dropping it drops the futures that are not ready, and the outputs of those that are.
///
/// # Examples
///
/// ```
/// # use core::{future::ready, pin::pin, task::{Context, Poll, Waker}};
/// use zigflow_core::join;
///
/// let mut both = pin!(join((ready(1), ready("two"))));
/// # let mut cx = Context::from_waker(Waker::noop());
/// assert_eq!(both.as_mut().poll(&mut cx), Poll::Ready((1, "two")));
/// ```
pub fn join<J: Join>(futures: J) -> J::Future {
    futures.join()
}

/// Futures that may fail, of which all outputs are wanted. See [`try_join`].
pub trait TryJoin {
    /// All outputs, in the order of the futures.
    type Output;
    /// Why there is none.
    type Error;
    /// What gives them.
    type Future: Future<Output = Result<Self::Output, Self::Error>>;

    /// As the function [`try_join`].
    fn try_join(self) -> Self::Future;
}

/// Runs the futures together until all are `Ok`, or one is not. Without any, it is ready at once.
///
/// # Errors
///
/// The first error that is seen. The other futures have been dropped by then.
///
/// # Panics
///
/// As [`join`].
///
/// # Cancel safety
///
/// As [`join`].
///
/// # Examples
///
/// ```
/// # use core::{future::{pending, ready}, pin::pin, task::{Context, Poll, Waker}};
/// use zigflow_core::try_join;
///
/// let mut both = pin!(try_join((pending::<Result<(), &str>>(), ready(Err::<(), _>("torn")))));
/// # let mut cx = Context::from_waker(Waker::noop());
/// assert_eq!(both.as_mut().poll(&mut cx), Poll::Ready(Err("torn")));
/// ```
pub fn try_join<J: TryJoin>(futures: J) -> J::Future {
    futures.try_join()
}

pin_project! {
    /// The future of [`join`].
    #[must_use = "futures do nothing unless polled"]
    pub struct JoinFuture<C, D> {
        // `None` once it was ready.
        #[pin]
        running: Option<Running<C, D>>,
    }
}

pin_project! {
    /// The future of [`try_join`].
    #[must_use = "futures do nothing unless polled"]
    pub struct TryJoinFuture<C, D> {
        // `None` once it was ready.
        #[pin]
        running: Option<Running<C, D>>,
    }
}

impl<C, D> Future for JoinFuture<C, D>
where
    C: Children<Output = Infallible> + Outputs,
    D: Driver,
{
    type Output = C::Outputs;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C::Outputs> {
        let mut this = self.project();
        let Some(mut running) = this.running.as_mut().as_pin_mut() else {
            panic!("`join` polled after completion");
        };
        if let Some((_, never)) = ready!(running.as_mut().poll(cx)) {
            match never {}
        }
        let outputs = running.project().children.take();
        this.running.set(None);
        Poll::Ready(outputs)
    }
}

impl<C, D> Future for TryJoinFuture<C, D>
where
    C: Children + Outputs,
    D: Driver,
{
    type Output = Result<C::Outputs, C::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(mut running) = this.running.as_mut().as_pin_mut() else {
            panic!("`try_join` polled after completion");
        };
        let result = match ready!(running.as_mut().poll(cx)) {
            Some((_, error)) => Err(error),
            None => Ok(running.project().children.take()),
        };
        this.running.set(None);
        Poll::Ready(result)
    }
}

impl<C, D> FusedFuture for JoinFuture<C, D>
where
    C: Children<Output = Infallible> + Outputs,
    D: Driver,
{
    fn is_terminated(&self) -> bool {
        self.running.is_none()
    }
}

impl<C, D> FusedFuture for TryJoinFuture<C, D>
where
    C: Children + Outputs,
    D: Driver,
{
    fn is_terminated(&self) -> bool {
        self.running.is_none()
    }
}

impl<F: Future, const N: usize> Join for [F; N] {
    type Output = [F::Output; N];
    type Future = JoinFuture<Array<Slot<F, All>, N>, Rotation>;

    fn join(self) -> Self::Future {
        let children = Array { children: self.map(Slot::new) };
        JoinFuture { running: Some(Running::new(children, Rotation::new(N))) }
    }
}

impl<F, T, E, const N: usize> TryJoin for [F; N]
where
    F: Future<Output = Result<T, E>>,
{
    type Output = [T; N];
    type Error = E;
    type Future = TryJoinFuture<Array<Slot<F, Try>, N>, Rotation>;

    fn try_join(self) -> Self::Future {
        let children = Array { children: self.map(Slot::new) };
        TryJoinFuture { running: Some(Running::new(children, Rotation::new(N))) }
    }
}

impl<F: Future> Join for Vec<F> {
    type Output = Vec<F::Output>;
    type Future = JoinFuture<Boxed<Slot<F, All>>, Woken>;

    fn join(self) -> Self::Future {
        let driver = Woken::all(self.len());
        let children = Boxed::new(self.into_iter().map(Slot::new));
        JoinFuture { running: Some(Running::new(children, driver)) }
    }
}

impl<F, T, E> TryJoin for Vec<F>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Vec<T>;
    type Error = E;
    type Future = TryJoinFuture<Boxed<Slot<F, Try>>, Woken>;

    fn try_join(self) -> Self::Future {
        let driver = Woken::all(self.len());
        let children = Boxed::new(self.into_iter().map(Slot::new));
        TryJoinFuture { running: Some(Running::new(children, driver)) }
    }
}

impl Join for () {
    type Output = ();
    type Future = JoinFuture<Nil<Infallible>, Rotation>;

    fn join(self) -> Self::Future {
        JoinFuture { running: Some(Running::new(pairs!(), Rotation::new(0))) }
    }
}

macro_rules! tuples {
    ($($Type:ident $name:ident $Kept:ident,)+) => {
        impl<$($Type: Future),+> Join for ($($Type,)+) {
            type Output = ($($Type::Output,)+);
            type Future = JoinFuture<pairs_of!(Infallible; $(Slot<$Type, All>,)+), Rotation>;

            fn join(self) -> Self::Future {
                let ($($name,)+) = self;
                let children = pairs!($(Slot::new($name),)+);
                let driver = Rotation::new(children.count());
                JoinFuture { running: Some(Running::new(children, driver)) }
            }
        }

        impl<Error, $($Type, $Kept),+> TryJoin for ($($Type,)+)
        where
            $($Type: Future<Output = Result<$Kept, Error>>,)+
        {
            type Output = ($($Kept,)+);
            type Error = Error;
            type Future = TryJoinFuture<pairs_of!(Error; $(Slot<$Type, Try>,)+), Rotation>;

            fn try_join(self) -> Self::Future {
                let ($($name,)+) = self;
                let children = pairs!($(Slot::new($name),)+);
                let driver = Rotation::new(children.count());
                TryJoinFuture { running: Some(Running::new(children, driver)) }
            }
        }
    };
}
for_tuples!(tuples);

opaque! {
    JoinFuture [C, D] [C, D];
    TryJoinFuture [C, D] [C, D];
}
