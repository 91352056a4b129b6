//! The macro `select!`, and what it expands to.

use core::convert::Infallible;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::child::{Child, Step, opaque};
use super::children::Children;
use super::running::{Rotation, Running};
use super::turn::Turn;

/// Waits for several futures of any kinds, and runs the code of the first that is ready.
///
/// ```text
/// select! {
///     biased;                                         // optional: in this order, instead of in turns
///     PATTERN = FUTURE => HANDLER,
///     PATTERN = FUTURE, if CONDITION => HANDLER,      // as many branches as you like
///     else => HANDLER,                                // optional
/// }
/// ```
///
/// The syntax and the meaning are those of `tokio::select!`:
///
/// 1. All conditions are evaluated; then all futures, also those whose condition is false, which are dropped.
/// 2. The others run together, in this task. When one is ready and its pattern matches, all futures are dropped, and then its
///    handler runs. When the pattern does not match, that branch is out.
/// 3. When all branches are out, the handler of `else` runs.
///
/// The value is that of the handler. A handler may use `.await`, `?`, `break`, `continue` and `return`; it belongs to the function around.
/// It is a block, or an expression with a comma after it.
///
/// Of several that are ready another one is first each time, counted for each `select!` in the program. The
/// [module](crate::combine#what-a-loser-loses) tells what the others lose. A future that is to survive is made before, pinned, and passed as
/// `&mut future`.
///
/// Unlike in tokio's, the future of a branch whose pattern does not match is dropped at once, temporary values in the
/// futures' expressions live until the handler runs, and there is no limit of 64 branches (but each needs two levels of `recursion_limit`).
///
/// # Panics
///
/// When all branches are out and there is no `else`.
///
/// # Cancel safety
///
/// Dropping the future around drops the branches' futures.
///
/// # Examples
///
/// ```
/// # use core::{pin::pin, task::{Context, Poll, Waker}};
/// use zigflow_core::{select, spsc};
///
/// # let run = async {
/// let (mut jobs, mut incoming) = spsc::channel(4);
/// let (_stop, mut stopped) = spsc::channel::<()>(1);
/// jobs.try_send(20).unwrap();
/// jobs.try_send(22).unwrap();
/// drop(jobs);
/// let mut sum = 0;
/// loop {
///     select! {
///         job = incoming.recv() => match job {
///             Ok(job) => sum += job,
///             Err(_) => break,
///         },
///         Ok(()) = stopped.recv() => break,
///     }
/// }
/// assert_eq!(sum, 42);
/// # };
/// # assert!(pin!(run).poll(&mut Context::from_waker(Waker::noop())).is_ready());
/// ```
#[macro_export]
macro_rules! select {
    // Branches, one by one, into `[{pattern} {future} {condition} {handler}]`.
    (@branches $mode:tt [$($done:tt)*] else => $handler:expr $(,)?) => {
        $crate::select!(@run $mode [$($done)*] $handler)
    };
    (@branches $mode:tt [$($done:tt)*]) => {
        $crate::select!(
            @run $mode [$($done)*]
            ::core::panic!("all branches of `select!` are out, and it has no `else`")
        )
    };
    (@branches $mode:tt [$($done:tt)*]
        $pattern:pat = $future:expr, if $condition:expr => $handler:block, $($rest:tt)*) => {
        $crate::select!(
            @branches $mode [$($done)* [{$pattern} {$future} {$condition} {$handler}]] $($rest)*
        )
    };
    (@branches $mode:tt [$($done:tt)*]
        $pattern:pat = $future:expr, if $condition:expr => $handler:block $($rest:tt)*) => {
        $crate::select!(
            @branches $mode [$($done)* [{$pattern} {$future} {$condition} {$handler}]] $($rest)*
        )
    };
    (@branches $mode:tt [$($done:tt)*]
        $pattern:pat = $future:expr, if $condition:expr => $handler:expr, $($rest:tt)*) => {
        $crate::select!(
            @branches $mode [$($done)* [{$pattern} {$future} {$condition} {$handler}]] $($rest)*
        )
    };
    (@branches $mode:tt [$($done:tt)*]
        $pattern:pat = $future:expr, if $condition:expr => $handler:expr) => {
        $crate::select!(
            @branches $mode [$($done)* [{$pattern} {$future} {$condition} {$handler}]]
        )
    };
    (@branches $mode:tt [$($done:tt)*]
        $pattern:pat = $future:expr => $handler:block, $($rest:tt)*) => {
        $crate::select!(
            @branches $mode [$($done)* [{$pattern} {$future} {true} {$handler}]] $($rest)*
        )
    };
    (@branches $mode:tt [$($done:tt)*]
        $pattern:pat = $future:expr => $handler:block $($rest:tt)*) => {
        $crate::select!(
            @branches $mode [$($done)* [{$pattern} {$future} {true} {$handler}]] $($rest)*
        )
    };
    (@branches $mode:tt [$($done:tt)*]
        $pattern:pat = $future:expr => $handler:expr, $($rest:tt)*) => {
        $crate::select!(
            @branches $mode [$($done)* [{$pattern} {$future} {true} {$handler}]] $($rest)*
        )
    };
    (@branches $mode:tt [$($done:tt)*] $pattern:pat = $future:expr => $handler:expr) => {
        $crate::select!(
            @branches $mode [$($done)* [{$pattern} {$future} {true} {$handler}]]
        )
    };

    (@run $mode:tt [] $else:expr) => {
        ::core::compile_error!("`select!` needs a branch with a future")
    };
    // The handlers are outside of everything that is ours, so that `break` and `return` are the caller's.
    (@run $mode:tt [$($branch:tt)+] $else:expr) => {{
        let on = $crate::select!(@conditions $($branch)+);
        let ready = match $crate::combine::__private::Selecting::new(
            $crate::select!(@futures on; $($branch)+),
            $crate::select!(@turn $mode),
        ) {
            futures => ::core::pin::pin!(futures).await,
        };
        match ready {
            ::core::option::Option::Some(ready) => {
                #[allow(unused_mut)]
                let mut ready = ready;
                $crate::select!(@handle ready; $($branch)+)
            }
            ::core::option::Option::None => $else,
        }
    }};

    (@turn biased) => { ::core::option::Option::None };
    (@turn fair) => {{
        static TURN: $crate::combine::__private::Turn = $crate::combine::__private::Turn::new();
        ::core::option::Option::Some(&TURN)
    }};

    (@conditions) => { () };
    (@conditions
        [{$pattern:pat} {$future:expr} {$condition:expr} {$handler:expr}] $($rest:tt)*) => {
        ($condition, $crate::select!(@conditions $($rest)*))
    };

    (@futures $on:expr;) => { $crate::combine::__private::End };
    (@futures $on:expr;
        [{$pattern:pat} {$future:expr} {$condition:expr} {$handler:expr}] $($rest:tt)*) => {
        $crate::combine::__private::Fork::new(
            $crate::combine::__private::Branch::new($on.0, $future, |#[allow(unused_mut)] mut output| {
                let mut matches = false;
                // The guard sees whether the pattern matches, and says no: nothing moves.
                #[allow(unused_variables, unused_mut, unreachable_patterns, clippy::all)]
                match output {
                    $pattern if { matches = true; false } => ::core::unreachable!(),
                    _ => {}
                }
                if matches {
                    ::core::option::Option::Some(output)
                } else {
                    ::core::option::Option::None
                }
            }),
            $crate::select!(@futures $on.1; $($rest)*),
        )
    };

    (@handle $ready:ident;) => { match $ready {} };
    (@handle $ready:ident;
        [{$pattern:pat} {$future:expr} {$condition:expr} {$handler:expr}] $($rest:tt)*) => {
        match $ready {
            $crate::combine::__private::Either::Here($pattern) => $handler,
            #[allow(unreachable_patterns)]
            $crate::combine::__private::Either::Here(_) => {
                ::core::unreachable!("the pattern has matched before")
            }
            $crate::combine::__private::Either::There(others) => {
                #[allow(unused_mut)]
                let mut others = others;
                $crate::select!(@handle others; $($rest)*)
            }
        }
    };

    (biased; $($branches:tt)*) => { $crate::select!(@branches biased [] $($branches)*) };
    ($($branches:tt)*) => { $crate::select!(@branches fair [] $($branches)*) };
}

pin_project! {
    /// A branch: its future while it is in, and whether an output matches its pattern.
    pub struct Branch<F, M> {
        #[pin]
        future: Option<F>,
        // It was out from the beginning, and has not said so.
        never_in: bool,
        matches: M,
    }
}

impl<F: Future, M: FnMut(F::Output) -> Option<F::Output>> Branch<F, M> {
    /// A branch that is in if `on`.
    pub fn new(
        on: bool,
        future: impl IntoFuture<IntoFuture = F, Output = F::Output>,
        matches: M,
    ) -> Self {
        Self { future: on.then(|| future.into_future()), never_in: !on, matches }
    }
}

impl<F: Future, M: FnMut(F::Output) -> Option<F::Output>> Child for Branch<F, M> {
    type Output = F::Output;

    fn step(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Step<F::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            let over = core::mem::take(this.never_in);
            return if over { Step::Over } else { Step::Nothing };
        };
        let Poll::Ready(output) = future.poll(cx) else { return Step::Nothing };
        this.future.set(None);
        (this.matches)(output).map_or(Step::Over, Step::Done)
    }
}

/// Which branch was ready: this one, or one after it.
#[derive(Debug)]
pub enum Either<A, B> {
    /// This.
    Here(A),
    /// One after it.
    There(B),
}

pin_project! {
    /// A branch, and those after it.
    pub struct Fork<H, T> {
        #[pin]
        here: H,
        #[pin]
        there: T,
    }
}

impl<H, T> Fork<H, T> {
    /// A branch before others.
    pub fn new(here: H, there: T) -> Self {
        Self { here, there }
    }
}

/// After the last branch.
#[derive(Debug)]
pub struct End;

impl Children for End {
    type Output = Infallible;

    fn count(&self) -> usize {
        0
    }

    fn poll_at(self: Pin<&mut Self>, _: usize, _: &mut Context<'_>) -> Step<Infallible> {
        Step::Nothing
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(0))
    }
}

impl<H: Child, T: Children> Children for Fork<H, T> {
    type Output = Either<H::Output, T::Output>;

    #[inline]
    fn count(&self) -> usize {
        1 + self.there.count()
    }

    #[inline]
    fn poll_at(self: Pin<&mut Self>, index: usize, cx: &mut Context<'_>) -> Step<Self::Output> {
        let this = self.project();
        match index.checked_sub(1) {
            None => this.here.step(cx).map(Either::Here),
            Some(index) => this.there.poll_at(index, cx).map(Either::There),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, None)
    }
}

pin_project! {
    /// The future of a `select!`: what the first branch gave, or `None` when all are out.
    pub struct Selecting<C> {
        #[pin]
        running: Running<C, Rotation>,
    }
}

impl<C: Children> Selecting<C> {
    /// Biased without a turn.
    pub fn new(branches: C, turn: Option<&Turn>) -> Self {
        let first = turn.map(|turn| turn.next(branches.count()));
        Self { running: Running::new(branches, Rotation::from(first)) }
    }
}

impl<C: Children> Future for Selecting<C> {
    type Output = Option<C::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let ready = ready!(self.project().running.poll(cx));
        Poll::Ready(ready.map(|(_, output)| output))
    }
}

opaque! {
    Branch [F, M] [F, M];
    Fork [H, T] [H, T];
    Selecting [C] [C];
}
