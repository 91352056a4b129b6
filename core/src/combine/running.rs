//! Children together with who decides which of them is polled.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::child::{Step, opaque};
use super::children::Children;
use super::turn;

/// Decides which children are polled, with which waker, in which order.
pub trait Driver {
    /// Polls children of `count` until one has something, and says which.
    fn visit<R>(
        &mut self,
        count: usize,
        cx: &mut Context<'_>,
        poll: impl FnMut(usize, &mut Context<'_>) -> Step<R>,
    ) -> Poll<(usize, R)>;

    /// From here the first in order has precedence.
    fn bias(&mut self);
}

/// Polls all, with the waker of whoever polls the combinator. Each poll begins with another child.
#[derive(Debug)]
pub struct Rotation {
    first: usize,
    biased: bool,
}

impl Rotation {
    pub(super) fn new(count: usize) -> Self {
        Self { first: turn::next(count), biased: false }
    }

    /// Biased without a first one.
    pub(super) fn from(first: Option<usize>) -> Self {
        Self { first: first.unwrap_or(0), biased: first.is_none() }
    }
}

impl Driver for Rotation {
    #[inline]
    fn visit<R>(
        &mut self,
        count: usize,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(usize, &mut Context<'_>) -> Step<R>,
    ) -> Poll<(usize, R)> {
        for index in (self.first..count).chain(0..self.first) {
            if let Step::Done(output) | Step::Item(output) = poll(index, cx) {
                self.begin_after(index, count);
                return Poll::Ready((index, output));
            }
        }
        self.begin_after(self.first, count);
        Poll::Pending
    }

    fn bias(&mut self) {
        *self = Self::from(None);
    }
}

impl Rotation {
    fn begin_after(&mut self, index: usize, count: usize) {
        if !self.biased {
            self.first = if index + 1 < count { index + 1 } else { 0 };
        }
    }
}

pin_project! {
    /// Children that are not all over.
    pub struct Running<C, D> {
        #[pin]
        pub(super) children: C,
        pub(super) driver: D,
        // Those that are not over.
        left: usize,
    }
}

impl<C: Children, D: Driver> Running<C, D> {
    pub(super) fn new(children: C, driver: D) -> Self {
        Self { left: children.count(), children, driver }
    }

    /// What a child passes on, and which; `None` when all are over.
    #[inline]
    pub(super) fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(usize, C::Output)>> {
        let mut this = self.project();
        let left = this.left;
        if *left == 0 {
            return Poll::Ready(None);
        }
        let count = this.children.count();
        let polled = this.driver.visit(count, cx, |index, cx| {
            match this.children.as_mut().poll_at(index, cx) {
                Step::Over => {
                    *left -= 1;
                    if *left == 0 { Step::Done(None) } else { Step::Nothing }
                }
                step => step.map(Some),
            }
        });
        polled.map(|(index, output)| output.map(|output| (index, output)))
    }
}

opaque! {
    Running [C, D] [C, D];
}
