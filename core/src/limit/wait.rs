//! Waiting for a limiter.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use futures_core::future::FusedFuture;
use pin_project_lite::pin_project;

use super::level::Denied;
use super::queue::Left;
use super::{ExceedsBurst, RateLimiter};
use crate::time::{Clock, Instant, Sleep, Timer};

pin_project! {
    /// The future of [`RateLimiter::until_ready`].
    #[must_use = "futures do nothing unless polled"]
    pub struct UntilReady<T: Timer> {
        #[pin]
        inner: UntilCellsReady<T>,
    }
}

impl<T: Timer> UntilReady<T> {
    pub(super) fn new(limiter: RateLimiter<T>) -> Self {
        Self { inner: UntilCellsReady::new(limiter, 1) }
    }
}

impl<T: Timer> Future for UntilReady<T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // No burst is below one cell.
        self.project().inner.poll(cx).map(|_| ())
    }
}

impl<T: Timer> FusedFuture for UntilReady<T> {
    fn is_terminated(&self) -> bool {
        self.inner.is_terminated()
    }
}

impl<T: Timer> fmt::Debug for UntilReady<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

pin_project! {
    /// The future of [`RateLimiter::until_n_ready`].
    #[must_use = "futures do nothing unless polled"]
    pub struct UntilCellsReady<T: Timer> {
        place: Place<T>,
        // Only who is first in the queue has one.
        #[pin]
        sleep: Option<T::Sleep>,
        until: Instant,
        over: bool,
    }
}

/// A place in the queue, freed when it goes.
struct Place<T: Clock> {
    limiter: RateLimiter<T>,
    cells: u32,
    ticket: Option<u64>,
}

/// What is to be done by one that waits.
enum Turn {
    /// The waker is to be given to the queue first.
    Unknown,
    Behind,
    Passed,
    Denied(Denied),
}

impl<T: Timer> UntilCellsReady<T> {
    pub(super) fn new(limiter: RateLimiter<T>, cells: u32) -> Self {
        Self {
            place: Place { limiter, cells, ticket: None },
            sleep: None,
            until: Instant::MAX,
            over: false,
        }
    }
}

impl<T: Timer> Place<T> {
    /// Passes at once, or takes a place in the queue.
    fn enter(&mut self, cx: &mut Context<'_>) -> Result<u64, Turn> {
        if let Some(ticket) = self.ticket {
            return Ok(ticket);
        }
        let shared = &self.limiter.shared;
        let now = shared.timer.now();
        match shared.take(now, self.cells) {
            Ok(()) => return Err(Turn::Passed),
            Err(denied @ Denied::Exceeds(_)) => return Err(Turn::Denied(denied)),
            Err(_) => {}
        }
        let waker = cx.waker().clone();
        let ticket = shared.queue.with(|queue| {
            let ticket = queue.join(self.cells, waker, now);
            shared.count(queue);
            ticket
        });
        self.ticket = Some(ticket);
        Ok(ticket)
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Turn {
        let ticket = match self.enter(cx) {
            Ok(ticket) => ticket,
            Err(turn) => return turn,
        };
        let shared = &self.limiter.shared;
        let look = |known: bool| {
            let now = shared.timer.now();
            shared.queue.with(|queue| {
                if !known && !queue.knows(ticket, cx.waker()) {
                    return Turn::Unknown;
                }
                if !queue.is_first(ticket) {
                    return Turn::Behind;
                }
                match shared.level.take(now, self.cells) {
                    Ok(()) => Turn::Passed,
                    Err(denied) => Turn::Denied(denied),
                }
            })
        };
        let turn = look(false);
        if !matches!(turn, Turn::Unknown) {
            return turn;
        }
        // Cloning is the task's code, and so is dropping what it replaces: with the lock open.
        let waker = cx.waker().clone();
        drop(shared.queue.with(|queue| queue.set_waker(ticket, waker)));
        look(true)
    }
}

impl<T: Clock> Place<T> {
    /// Frees the place, and wakes the next one if it is the first now.
    fn leave(&mut self, has_passed: bool) {
        let Some(ticket) = self.ticket.take() else {
            return;
        };
        let shared = &self.limiter.shared;
        let left = shared.queue.with(|queue| {
            let left = queue.leave(ticket);
            shared.count(queue);
            left
        });
        let Some(Left { own, next, came }) = left else { return };
        if let Some(next) = next {
            next.wake();
        }
        drop(own);
        // The clock is foreign code: after all that others wait for.
        if let Some(came) = came {
            let now = shared.timer.now();
            shared.queue.with(|queue| queue.notes.one_has_left(came, now, has_passed));
        }
    }
}

impl<T: Timer> Future for UntilCellsReady<T> {
    type Output = Result<(), ExceedsBurst>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        assert!(!*this.over, "a wait for a rate limiter polled after completion");
        let result = loop {
            match this.place.turn(cx) {
                Turn::Passed => break Ok(()),
                Turn::Denied(Denied::Exceeds(burst)) => {
                    break Err(ExceedsBurst { cells: this.place.cells, burst });
                }
                Turn::Denied(Denied::Until(at)) => {
                    match this.sleep.as_mut().as_pin_mut() {
                        Some(_) if *this.until == at => {}
                        Some(sleep) => sleep.reset(at),
                        None => {
                            let sleep = this.place.limiter.shared.timer.sleep_until(at);
                            this.sleep.set(Some(sleep));
                        }
                    }
                    *this.until = at;
                    let sleep = this.sleep.as_mut().as_pin_mut();
                    ready!(sleep.expect("it was just set").poll(cx));
                }
                // Whoever changes the quota, or stands before, wakes.
                Turn::Denied(_) | Turn::Behind | Turn::Unknown => {
                    return Poll::Pending;
                }
            }
        };
        *this.over = true;
        this.sleep.set(None);
        this.place.leave(result.is_ok());
        Poll::Ready(result)
    }
}

impl<T: Timer> FusedFuture for UntilCellsReady<T> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl<T: Clock> Drop for Place<T> {
    fn drop(&mut self) {
        self.leave(false);
    }
}

impl<T: Timer> fmt::Debug for UntilCellsReady<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UntilReady")
            .field("cells", &self.place.cells)
            .field("in_queue", &self.place.ticket.is_some())
            .finish_non_exhaustive()
    }
}
