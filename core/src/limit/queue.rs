//! Those who wait for a limiter, in the order in which they came. Nothing in here runs a waker's
//! code: wakers come and go by value.

use alloc::collections::VecDeque;
use core::task::Waker;

use super::{Came, Notes};
use crate::sync::bug;
use crate::time::Instant;

/// Only the first one watches the time; who is served or gives up makes the next one the first, and
/// wakes it.
#[derive(Debug, Default)]
pub(super) struct Queue {
    next_ticket: u64,
    /// By ticket. In memory that is kept, so that a wait allocates nothing.
    waiters: VecDeque<Waiter>,
    /// Of all waiters together.
    cells: u64,
    pub(super) notes: Notes,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    cells: u32,
    came: Came,
    /// None: woken, and not yet back.
    waker: Option<Waker>,
}

/// What one leaves behind.
pub(super) struct Left {
    pub(super) own: Option<Waker>,
    /// Of the one that is the first now.
    pub(super) next: Option<Waker>,
    /// If that is to be noted.
    pub(super) came: Option<Came>,
}

impl Queue {
    pub(super) const fn new() -> Self {
        Self { next_ticket: 0, waiters: VecDeque::new(), cells: 0, notes: Notes::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.waiters.len()
    }

    pub(super) fn cells(&self) -> u64 {
        self.cells
    }

    /// Stands at the end. Returns the ticket.
    pub(super) fn join(&mut self, cells: u32, waker: Waker, now: Instant) -> u64 {
        let came = self.notes.one_comes(now);
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.cells += u64::from(cells);
        self.waiters.push_back(Waiter { ticket, cells, came, waker: Some(waker) });
        ticket
    }

    pub(super) fn is_first(&self, ticket: u64) -> bool {
        self.waiters.front().is_some_and(|first| first.ticket == ticket)
    }

    fn find(&self, ticket: u64) -> Option<usize> {
        self.waiters.binary_search_by_key(&ticket, |waiter| waiter.ticket).ok()
    }

    pub(super) fn knows(&self, ticket: u64, waker: &Waker) -> bool {
        let kept = self.find(ticket).and_then(|at| self.waiters[at].waker.as_ref());
        kept.is_some_and(|kept| kept.will_wake(waker))
    }

    /// Keeps `waker` and hands back the one before.
    pub(super) fn set_waker(&mut self, ticket: u64, waker: Waker) -> Option<Waker> {
        match self.find(ticket) {
            Some(at) => self.waiters[at].waker.replace(waker),
            None => Some(waker),
        }
    }

    /// Goes. None, if it has gone already.
    pub(super) fn leave(&mut self, ticket: u64) -> Option<Left> {
        let was_first = self.is_first(ticket);
        let waiter = self.find(ticket).and_then(|at| self.waiters.remove(at))?;
        self.cells -= u64::from(waiter.cells);
        let next = if was_first && !bug(100) { self.take_first_waker() } else { None };
        Some(Left { own: waiter.waker, next, came: self.notes.are_kept().then_some(waiter.came) })
    }

    /// To wake the first one.
    pub(super) fn take_first_waker(&mut self) -> Option<Waker> {
        self.waiters.front_mut()?.waker.take()
    }
}
