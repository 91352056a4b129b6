//! The children of a combinator, by their number: tuples as nested pairs, arrays, and boxes.

use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::Context;

use pin_project_lite::pin_project;

use super::child::{Child, Judge, Slot, Step, opaque, sum};

/// Children that stay where they are.
pub trait Children {
    /// What the combinator passes on.
    type Output;

    /// How many there were at the beginning.
    fn count(&self) -> usize;

    /// Polls one of them.
    fn poll_at(self: Pin<&mut Self>, index: usize, cx: &mut Context<'_>) -> Step<Self::Output>;

    /// What streams say about their length.
    fn size_hint(&self) -> (usize, Option<usize>);
}

/// Children whose outputs were kept.
pub trait Outputs {
    /// All of them.
    type Outputs;

    /// Takes them; each child is over, and none was stopped.
    fn take(self: Pin<&mut Self>) -> Self::Outputs;
}

pin_project! {
    /// The first of a tuple's children, and the others.
    pub struct Pair<H, T> {
        #[pin]
        pub(super) head: H,
        #[pin]
        pub(super) tail: T,
    }
}

/// After the last one.
pub struct Nil<O>(pub(super) PhantomData<fn() -> O>);

impl<O> Children for Nil<O> {
    type Output = O;

    fn count(&self) -> usize {
        0
    }

    fn poll_at(self: Pin<&mut Self>, _: usize, _: &mut Context<'_>) -> Step<O> {
        Step::Nothing
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(0))
    }
}

impl<H: Child, T: Children<Output = H::Output>> Children for Pair<H, T> {
    type Output = H::Output;

    #[inline]
    fn count(&self) -> usize {
        1 + self.tail.count()
    }

    #[inline]
    fn poll_at(self: Pin<&mut Self>, index: usize, cx: &mut Context<'_>) -> Step<H::Output> {
        let this = self.project();
        match index.checked_sub(1) {
            None => this.head.step(cx),
            Some(index) => this.tail.poll_at(index, cx),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        sum(self.head.size_hint(), self.tail.size_hint())
    }
}

/// The children of an array.
pub struct Array<C, const N: usize> {
    pub(super) children: [C; N],
}

/// The child with this number.
pub(super) fn child<C>(children: Pin<&mut [C]>, index: usize) -> Pin<&mut C> {
    // SAFETY: the elements of a pinned slice are pinned with it: nothing in this module moves them, and a
    // slice has no `Drop` or `Unpin` of its own that could.
    unsafe { children.map_unchecked_mut(|children| &mut children[index]) }
}

impl<C, const N: usize> Array<C, N> {
    fn slice(self: Pin<&mut Self>) -> Pin<&mut [C]> {
        // SAFETY: this is its elements, which are pinned with it, as in `child`.
        unsafe { self.map_unchecked_mut(|this| this.children.as_mut_slice()) }
    }
}

impl<C: Child, const N: usize> Children for Array<C, N> {
    type Output = C::Output;

    fn count(&self) -> usize {
        N
    }

    fn poll_at(self: Pin<&mut Self>, index: usize, cx: &mut Context<'_>) -> Step<C::Output> {
        child(self.slice(), index).step(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.children.iter().map(C::size_hint).fold((0, Some(0)), sum)
    }
}

impl<F: Future, J: Judge<F::Output>, const N: usize> Outputs for Array<Slot<F, J>, N> {
    type Outputs = [J::Kept; N];

    fn take(self: Pin<&mut Self>) -> Self::Outputs {
        let mut slots = self.slice();
        core::array::from_fn(|index| child(slots.as_mut(), index).take())
    }
}

/// The children of a `Vec`, on the heap.
pub struct Boxed<C>(pub(super) Pin<Box<[C]>>);

impl<C> Boxed<C> {
    pub(super) fn new(children: impl Iterator<Item = C>) -> Self {
        Self(Box::into_pin(children.collect()))
    }
}

impl<C: Child> Children for Boxed<C> {
    type Output = C::Output;

    fn count(&self) -> usize {
        self.0.len()
    }

    fn poll_at(self: Pin<&mut Self>, index: usize, cx: &mut Context<'_>) -> Step<C::Output> {
        child(self.get_mut().0.as_mut(), index).step(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.iter().map(C::size_hint).fold((0, Some(0)), sum)
    }
}

impl<F: Future, J: Judge<F::Output>> Outputs for Boxed<Slot<F, J>> {
    type Outputs = alloc::vec::Vec<J::Kept>;

    fn take(self: Pin<&mut Self>) -> Self::Outputs {
        let mut slots = self.get_mut().0.as_mut();
        (0..slots.len()).map(|index| child(slots.as_mut(), index).take()).collect()
    }
}

/// Calls a macro for each tuple, from one to twelve: with the types, names and outputs.
macro_rules! for_tuples {
    ($macro:ident) => {
        for_tuples! {
            @ $macro [] A a T0, B b T1, C c T2, D d T3, E e T4, F f T5, G g T6, H h T7, I i T8, J j T9,
            K k T10, L l T11,
        }
    };
    (@ $macro:ident [$($done:tt)*]) => {};
    (@ $macro:ident [$($done:tt)*] $Type:ident $name:ident $Output:ident, $($rest:tt)*) => {
        $macro! { $($done)* $Type $name $Output, }
        for_tuples!(@ $macro [$($done)* $Type $name $Output,] $($rest)*);
    };
}
pub(super) use for_tuples;

/// The type of nested pairs of these children.
macro_rules! pairs_of {
    ($end:ty;) => { Nil<$end> };
    ($end:ty; $Type:ty, $($rest:tt)*) => { Pair<$Type, pairs_of!($end; $($rest)*)> };
}
pub(super) use pairs_of;

/// Nested pairs of these children.
macro_rules! pairs {
    () => { Nil(PhantomData) };
    ($child:expr, $($rest:tt)*) => { Pair { head: $child, tail: pairs!($($rest)*) } };
}
pub(super) use pairs;

macro_rules! outputs {
    ($($Type:ident $name:ident $Output:ident,)+) => {
        impl<Judged, Stop, $($Type: Future),+> Outputs for pairs_of!(Stop; $(Slot<$Type, Judged>,)+)
        where
            $(Judged: Judge<$Type::Output>,)+
        {
            type Outputs = ($(<Judged as Judge<$Type::Output>>::Kept,)+);

            fn take(self: Pin<&mut Self>) -> Self::Outputs {
                let rest = self;
                $(
                    let parts = rest.project();
                    let $name = parts.head.take();
                    let rest = parts.tail;
                )+
                let _ = rest;
                ($($name,)+)
            }
        }
    };
}
for_tuples!(outputs);

impl<Stop> Outputs for Nil<Stop> {
    type Outputs = ();

    fn take(self: Pin<&mut Self>) {}
}

opaque! {
    Pair [H, T] [H, T];
    Nil [O] [O];
    Array [C, const N: usize] [C, N];
    Boxed [C] [C];
}
