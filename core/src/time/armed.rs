//! The sleeps that wait, for timers that have no queue of their own. Nothing under the lock runs a
//! waker's code: wakers come and go by value.

use alloc::collections::VecDeque;
use core::fmt;
use core::task::Waker;

use super::Instant;

/// Wakers by deadline, then by age: the order of waking. Sorted, in memory that is kept, so that a
/// sleep allocates nothing; most new ones come last, and all go from the front.
pub(super) struct Armed {
    next_id: u64,
    wakers: VecDeque<(Key, Waker)>,
}

/// Of one sleep with one deadline; none is used twice.
type Key = (Instant, u64);

impl Armed {
    pub(super) const fn new() -> Self {
        Self { next_id: 0, wakers: VecDeque::new() }
    }

    /// How many hold a waker.
    pub(super) fn len(&self) -> usize {
        self.wakers.len()
    }

    /// The earliest deadline that somebody waits for. "Never" is not one.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let &((deadline, _), _) = self.wakers.front()?;
        (deadline != Instant::MAX).then_some(deadline)
    }

    pub(super) fn take_due(&mut self, now: Instant) -> Option<Waker> {
        let &((deadline, _), _) = self.wakers.front()?;
        if deadline > now {
            return None;
        }
        self.wakers.pop_front().map(|(_, waker)| waker)
    }

    /// Where the sleep stands, or would.
    fn find(&self, key: Key) -> Result<usize, usize> {
        self.wakers.binary_search_by_key(&key, |&(key, _)| key)
    }

    fn knows(&self, key: Key, waker: &Waker) -> bool {
        self.find(key).is_ok_and(|at| self.wakers[at].1.will_wake(waker))
    }

    fn remove(&mut self, key: Key) -> Option<Waker> {
        let at = self.find(key).ok()?;
        self.wakers.remove(at).map(|(_, waker)| waker)
    }

    /// Keeps `waker` and hands back the one that it replaces; or hands back `waker` if the deadline
    /// has come.
    fn arm(
        &mut self,
        now: Instant,
        deadline: Instant,
        id: &mut Option<u64>,
        waker: Waker,
    ) -> Result<Option<Waker>, Waker> {
        if deadline <= now {
            return Err(waker);
        }
        let id = *id.get_or_insert_with(|| {
            self.next_id += 1;
            self.next_id
        });
        match self.find((deadline, id)) {
            Ok(at) => Ok(Some(core::mem::replace(&mut self.wakers[at].1, waker))),
            Err(at) => {
                self.wakers.insert(at, ((deadline, id), waker));
                Ok(None)
            }
        }
    }
}

/// A timer that has its sleeps in an [`Armed`].
pub(super) trait Queue {
    /// Runs `f` under the lock, with the time now.
    fn with_armed<R>(&self, f: impl FnOnce(&mut Armed, Instant) -> R) -> R;
}

/// A sleep of such a timer: the common part of the sleeps that are given out.
pub(super) struct Queued<Q: Queue> {
    pub(super) queue: Q,
    deadline: Instant,
    /// With the deadline, the key of this sleep's waker, which may have been taken meanwhile.
    id: Option<u64>,
}

impl<Q: Queue> Queued<Q> {
    pub(super) fn new(queue: Q, deadline: Instant) -> Self {
        Self { queue, deadline, id: None }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the deadline has come. If not, `waker` will be woken when it does.
    pub(super) fn wait(&mut self, waker: &Waker) -> bool {
        let (deadline, id) = (self.deadline, self.id);
        let seen = self.queue.with_armed(|armed, now| {
            (deadline <= now, id.is_some_and(|id| armed.knows((deadline, id), waker)))
        });
        let due = match seen {
            (true, _) => true,
            (false, true) => false,
            (false, false) => {
                // Cloning is the task's code, so the lock is open meanwhile and the clock may move:
                // `arm` looks again. What it hands back is dropped out here.
                let waker = waker.clone();
                let id = &mut self.id;
                self.queue.with_armed(|armed, now| armed.arm(now, deadline, id, waker)).is_err()
            }
        };
        if due {
            self.disarm();
        }
        due
    }

    pub(super) fn reset(&mut self, deadline: Instant) {
        self.disarm();
        self.deadline = deadline;
    }

    fn disarm(&mut self) {
        if let Some(id) = self.id.take() {
            let waker = self.queue.with_armed(|armed, _| armed.remove((self.deadline, id)));
            drop(waker); // with the lock open
        }
    }
}

impl<Q: Queue> Drop for Queued<Q> {
    fn drop(&mut self) {
        self.disarm();
    }
}

impl<Q: Queue> fmt::Debug for Queued<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
