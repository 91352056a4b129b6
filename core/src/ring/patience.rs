//! How long a thread looks again before it goes to sleep. (A task never does: its neighbours wait, and the one
//! that it waits for may be among them.)
//!
//! To sleep and to be woken costs each side microseconds and, on a busy ring, happens just when the other
//! side is about to move. So a thread that has nothing to do looks a few times more, with pauses in which
//! it leaves the other's cache line alone; that lets the other side get ahead, and the two then trade lines by
//! the batch. If it still has nothing, the thread that it waits for may have no core, and gets this one: with
//! more threads than cores a ring is then filled and emptied in turns, without a sleep.
//!
//! What looking is worth depends on whether the other side runs at the same time, which only experience
//! tells: the number of looks doubles when they helped and is halved when they did not, down to none, and what
//! helped, a pause or the core, comes first at the next wait. Now and then an end tries all of it again.
//!
//! The rule that spinning for as long as a sleep costs is at most twice as bad as knowing the future:
//! Karlin, Manasse, McGeoch, Owicki: "Competitive randomized algorithms for nonuniform problems", 1990.
//! `zig/src/patience.zig` is the other half.

use crate::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Pauses before a look.
const PAUSES: u32 = 8;
/// After so many looks the other side may have no core to run on: it gets this one.
const YIELD_AFTER: u8 = 16;
/// An end without patience tries again at each wait of that number.
const RETRY: u8 = 32;
/// Looks at most, unless the user says otherwise: about what a sleep costs, and a wake.
pub(crate) const LOOKS: u8 = 100;

/// What an end has learned. Threads that share an end may overwrite each other's experience, which is no more
/// than a guess anyway.
#[derive(Debug)]
pub(crate) struct Patience(AtomicU32);

#[derive(Clone, Copy)]
struct Learned {
    /// Looks at the next wait.
    now: u8,
    most: u8,
    /// Waits so far.
    waits: u8,
    /// 1: the core is given away before each look, for that is what helped last.
    yields: u8,
}

impl Patience {
    pub(crate) const fn new() -> Self {
        // A model explores every order by itself.
        Self::of(if cfg!(loom) { 0 } else { LOOKS })
    }

    /// At most so many looks, as far as they can be counted; 0: none ever.
    pub(crate) fn at_most(looks: u32) -> Self {
        Self::of(u8::try_from(looks).unwrap_or(u8::MAX))
    }

    /// At most `most` looks; 0: none ever.
    pub(crate) const fn of(most: u8) -> Self {
        Self(AtomicU32::new(u32::from_ne_bytes([most / 4, most, 0, 0])))
    }

    /// Waits in the hope that `is_so` comes true meanwhile; whether it has.
    pub(crate) fn linger(&self, mut is_so: impl FnMut() -> bool) -> bool {
        let [now, most, waits, yields] = self.0.load(Relaxed).to_ne_bytes();
        let mut learned = Learned { now, most, waits, yields };
        let looks = learned.looks();
        let helped = (0..looks).find(|look| {
            learned.pause(*look);
            is_so()
        });
        if looks > 0 {
            learned.learn(helped);
        }
        let Learned { now, most, waits, yields } = learned;
        self.0.store(u32::from_ne_bytes([now, most, waits, yields]), Relaxed);
        helped.is_some()
    }
}

impl Learned {
    /// How often to look at this wait.
    fn looks(&mut self) -> u8 {
        self.waits = self.waits.wrapping_add(1);
        let again = self.waits.is_multiple_of(RETRY);
        if again {
            self.yields = 0;
        }
        if self.now == 0 && again { self.most } else { self.now }
    }

    /// Before the look of that number.
    fn pause(&self, look: u8) {
        if self.yields_at(look) {
            std::thread::yield_now();
        } else {
            (0..PAUSES).for_each(|_| core::hint::spin_loop());
        }
    }

    fn yields_at(&self, look: u8) -> bool {
        self.yields != 0 || look >= YIELD_AFTER
    }

    /// The look of that number helped, or none.
    fn learn(&mut self, helped: Option<u8>) {
        self.yields = helped.is_some_and(|look| self.yields_at(look)).into();
        self.now = match helped {
            Some(look) => self.now.max((look + 1).saturating_mul(2)).min(self.most),
            None => self.now / 2,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// How often each of `waits` waits looked.
    fn looks(patience: &Patience, waits: u32, helps_at: u8) -> Vec<u8> {
        let wait = |_| {
            let mut looks = 0;
            patience.linger(|| {
                looks += 1;
                looks == helps_at
            });
            looks
        };
        (0..waits).map(wait).collect()
    }

    #[test]
    fn looks_that_never_help_end_and_are_tried_again_now_and_then() {
        let patience = Patience::of(LOOKS);
        let first: u8 = looks(&patience, 10, 0).iter().sum();
        assert!((1..LOOKS).contains(&first), "{first}");
        let next = looks(&patience, 64, 0);
        assert_eq!(next.iter().filter(|looks| **looks == LOOKS).count(), 2);
        assert_eq!(next.iter().filter(|looks| **looks == 0).count(), 62);
    }

    #[test]
    fn looks_that_help_become_more_up_to_the_limit() {
        let patience = Patience::of(LOOKS);
        assert_eq!(looks(&patience, 3, 20), [20; 3]);
        assert_eq!(looks(&patience, 1, 40), [40]);
        assert_eq!(looks(&patience, 1, 75), [75]);
        assert_eq!(looks(&patience, 2, 0), [LOOKS, LOOKS / 2]);
    }

    #[test]
    fn what_helped_comes_first_at_the_next_wait() {
        let yields = |patience: &Patience| patience.0.load(Relaxed).to_ne_bytes()[3];
        let patience = Patience::of(LOOKS);
        looks(&patience, 1, YIELD_AFTER);
        assert_eq!(yields(&patience), 0);
        looks(&patience, 1, YIELD_AFTER + 1);
        assert_eq!(yields(&patience), 1);
        looks(&patience, 1, 1);
        assert_eq!(yields(&patience), 1);
        looks(&patience, 1, 0);
        assert_eq!(yields(&patience), 0);
        looks(&patience, 1, YIELD_AFTER + 1);
        looks(&patience, u32::from(RETRY) - 5, 1);
        assert_eq!(yields(&patience), 0, "pauses are tried again");
    }

    #[test]
    fn no_patience_is_none_for_ever() {
        assert_eq!(looks(&Patience::of(0), 100, 1), [0; 100]);
    }
}
