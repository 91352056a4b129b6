//! Those who wait at one side of a channel, or for the blocks of a pool: how long, and how long they then take to look.
//!
//! ```text
//!   goes to sleep ──── wait ────▶ woken ──── wake to poll ────▶ looks
//!        └────────────── wait ───────────────────────────────▶ gives up
//! ```
//!
//! An `spsc` end waits alone; its wake is seen by putting this watch between the channel's waker cell and the task's waker. In a
//! party the list is Rust's and tells of every step.

use super::events::{self, Resource};
use super::snapshot::Waits;
use super::{Histogram, Presence, SharedClock};
use crate::lock::Lock;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, Ordering::Relaxed};
use crate::time::Instant;
use crate::waker::{WakeOnDrop, WakerCell};
use core::fmt;
use core::task::Waker;
use core::time::Duration;

/// See the module.
pub(crate) struct Watch {
    events: events::Side,
    clock: SharedClock,
    began: Instant,
    /// The one task of an end that waits alone.
    cell: WakerCell,
    /// Of an end that waits alone: whether there is anything to note when it looks.
    is_noted: AtomicBool,
    times: Lock<Times>,
}

struct Times {
    wait: Histogram,
    wake_to_poll: Histogram,
    /// Those who wait.
    waiting: Presence,
    /// Those who were woken and have not looked.
    waking: Presence,
    /// Of an end that waits alone.
    alone: Alone,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Alone {
    Awake,
    Asleep(Instant),
    Woken(Instant),
}

impl Times {
    fn end(&mut self, nanos: u64, now: Instant) {
        self.wait.record(nanos);
        self.waiting.one_goes(now);
    }

    fn look_after_wake(&mut self, nanos: u64, now: Instant) {
        self.wake_to_poll.record(nanos);
        self.waking.one_goes(now);
    }
}

/// When a waiter of a party came, or was woken, in 1024 nanoseconds: it wraps after an hour, and a wait of
/// more than half an hour counts as none, or as one of less. 0: before anybody watched.
type Stamp = u32;

fn stamp(now: Instant) -> Stamp {
    ((now.as_nanos() >> 10) as u32).max(1)
}

/// 0 if `now` is earlier: who comes to wait, or leaves, reads the clock before it has the list's lock.
fn since(before: Stamp, now: Instant) -> u64 {
    let units = stamp(now).wrapping_sub(before);
    if units > i32::MAX as u32 { 0 } else { u64::from(units) << 10 }
}

impl Watch {
    pub(super) fn new(events: events::Side, clock: SharedClock) -> Self {
        let start = Instant::from_nanos(0);
        let times = Times {
            wait: Histogram::new(),
            wake_to_poll: Histogram::new(),
            waiting: Presence::new(0, start),
            waking: Presence::new(0, start),
            alone: Alone::Awake,
        };
        let (began, is_noted) = (clock.now(), AtomicBool::new(false));
        Self { events, clock, began, cell: WakerCell::new(), is_noted, times: Lock::new(times) }
    }

    /// Of a pool.
    #[track_caller]
    pub(crate) fn of(clock: impl crate::time::Clock + Send + Sync + 'static) -> Self {
        Self::new(Resource::new("pool", "zigflow::Pool").side("pool"), super::shared(clock))
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(crate) fn since_began(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.began)
    }

    /// What there was until now; a wait that goes on counts as far as it has come.
    pub(crate) fn waits(&self, now: Instant) -> Waits {
        self.times.with(|times| {
            let &mut Times { wait, wake_to_poll, ref waiting, ref waking, .. } = times;
            Waits {
                wait,
                wake_to_poll,
                waiting: waiting.total(now),
                waking: waking.total(now),
                now_waiting: waiting.here(),
            }
        })
    }

    // -- a waiter of a party --

    /// It has gone to sleep.
    pub(crate) fn begins(&self, now: Instant) -> Stamp {
        self.times.with(|times| times.waiting.one_comes(now));
        stamp(now)
    }

    /// It has given up, or found what it needs.
    pub(crate) fn ends(&self, began: Stamp, now: Instant) {
        if began != 0 {
            self.times.with(|times| times.end(since(began, now), now));
        }
    }

    /// It was woken.
    pub(crate) fn wakes(&self, began: Stamp, now: Instant) -> Stamp {
        self.ends(began, now);
        self.times.with(|times| times.waking.one_comes(now));
        stamp(now)
    }

    /// It goes on to wait otherwise: the time counts, and is not a wait of its own.
    #[cfg(feature = "std")]
    pub(crate) fn goes_on(&self, began: Stamp, now: Instant) {
        if began != 0 {
            self.times.with(|times| times.waiting.one_goes(now));
        }
    }

    /// It looks, after it was woken.
    pub(crate) fn looks(&self, woken: Stamp, now: Instant) {
        if woken != 0 {
            self.times.with(|times| times.look_after_wake(since(woken, now), now));
        }
    }

    // -- an end that waits alone --

    /// The waker for the channel: it tells this watch, then `waker`.
    ///
    /// # Safety
    ///
    /// Only the end that waits alone calls this and [`gone`](Self::gone), one at a time.
    pub(crate) unsafe fn waker(this: &Arc<Self>, waker: &Waker) -> Waker {
        // SAFETY: the caller's promise.
        unsafe { this.cell.register(waker) };
        Waker::from(this.clone())
    }

    /// The end is about to sleep. True if it did not wait before, as one does that looks again and again.
    pub(crate) fn falls_asleep(&self) -> bool {
        let now = self.now();
        self.events.asleep();
        self.is_noted.store(true, Relaxed);
        self.times.with(|times| {
            if matches!(times.alone, Alone::Asleep(_)) {
                return false;
            }
            times.came_to_look(now);
            times.waiting.one_comes(now);
            times.alone = Alone::Asleep(now);
            true
        })
    }

    /// The end was about to sleep, and need not.
    pub(crate) fn stays_awake(&self) {
        let now = self.now();
        self.times.with(|times| match times.alone {
            Alone::Asleep(_) => {
                times.waiting.one_goes(now);
                times.alone = Alone::Awake;
            }
            _ => times.came_to_look(now),
        });
        self.is_noted.store(false, Relaxed);
        self.events.awake();
    }

    /// The end looks; `found` what it needs. A look for nothing by one that was not woken ends no wait.
    #[inline]
    pub(crate) fn looked(&self, found: bool) {
        // The end itself stored it.
        if self.is_noted.load(Relaxed) {
            self.note_look(found);
        }
    }

    #[cold]
    fn note_look(&self, found: bool) {
        let now = self.now();
        let (is_noted, has_ended) = self.times.with(|times| {
            let has_ended = match times.alone {
                Alone::Asleep(at) if found => {
                    times.end(now.saturating_duration_since(at).as_nanos() as u64, now);
                    times.alone = Alone::Awake;
                    true
                }
                _ => {
                    times.came_to_look(now);
                    false
                }
            };
            (times.alone != Alone::Awake, has_ended)
        });
        self.is_noted.store(is_noted, Relaxed);
        if has_ended {
            self.events.awake();
        }
    }

    /// The end goes.
    ///
    /// # Safety
    ///
    /// As for [`waker`](Self::waker).
    pub(crate) unsafe fn gone(&self) {
        self.looked(true);
        // SAFETY: the caller's promise.
        unsafe { self.cell.close() };
    }

    fn woken(&self) {
        // Also if the clock or a subscriber panics.
        let _wake = WakeOnDrop(&self.cell);
        let now = self.now();
        let waited = self.times.with(|times| {
            let Alone::Asleep(at) = times.alone else { return None };
            let waited = now.saturating_duration_since(at).as_nanos() as u64;
            times.end(waited, now);
            times.waking.one_comes(now);
            times.alone = Alone::Woken(now);
            Some(waited)
        });
        if let Some(waited) = waited {
            self.events.woken(waited);
        }
    }
}

impl Times {
    fn came_to_look(&mut self, now: Instant) {
        if let Alone::Woken(at) = self.alone {
            self.look_after_wake(now.saturating_duration_since(at).as_nanos() as u64, now);
            self.alone = Alone::Awake;
        }
    }
}

crate::waker::wakes!(Watch, woken);

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
